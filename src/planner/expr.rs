//! Bound expressions: every name resolved, every function chosen, every coercion explicit.
//!
//! The same tree serves the logical plan (columns are [`Expr::Column`], named by [`ColumnId`]) and the physical plan
//! (columns are [`Expr::Input`], positions in the input row). [`crate::physical`] turns one into the other.

use std::sync::Arc;

pub use dictdb_functions::facts::Volatility;
use dictdb_functions::kernel::ScalarFn;
use dictdb_functions::set_returning::SetFn;
use dictdb_types::{Datum, Field, Oid, Type, oids};

use crate::logical::Node;

/// Identity of a column within one statement, whichever node carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ColumnId(pub u32);

/// A bound scalar expression.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each variant's comment explains its fields")]
pub enum Expr {
    /// A column of the logical plan. When no input provides it, it is a reference to an outer query.
    Column(ColumnId, Type),
    /// Physical plan: position in the input row (in joins: left columns, then right ones).
    Input(usize, Type),
    /// Physical plan: slot that the enclosing Apply or subplan sets before each run.
    Outer(usize, Type),
    /// A constant.
    Const(Datum, Type),
    /// A parameter of the statement, 0-based.
    Param(usize, Type),
    /// A function or operator.
    Call(Box<Call>),
    /// Conjunction with three-valued logic.
    And(Vec<Expr>),
    /// Disjunction with three-valued logic.
    Or(Vec<Expr>),
    /// Negation.
    Not(Box<Expr>),
    /// `IS [NOT] NULL`; of a composite: all fields are (not) null.
    IsNull(Box<Expr>, bool),
    /// `IS [NOT] TRUE | FALSE | UNKNOWN`.
    BoolTest(Box<Expr>, BoolTest),
    /// `IS [NOT] DISTINCT FROM`; `not` is the last field. The function is the equality operator's.
    Distinct(Arc<Function>, Box<(Expr, Expr)>, bool),
    /// `NULLIF(a, b)` with its equality function.
    NullIf(Arc<Function>, Box<(Expr, Expr)>),
    /// `CASE`. With an operand, conditions refer to it as [`Expr::TestValue`].
    Case(Box<Case>),
    /// `COALESCE`.
    Coalesce(Vec<Expr>, Type),
    /// `GREATEST` (true) or `LEAST`.
    MinMax(bool, Vec<Expr>, Type),
    /// `left op ANY (array)`, or `ALL`.
    ScalarArray(Box<ScalarArray>),
    /// `(a, b) < (c, d)` and the other row orderings. Equality of rows is bound as a conjunction.
    RowCompare(RowOrder, Vec<(Expr, Expr)>),
    /// `ARRAY[…]`; with `nested` the items are arrays that form a further dimension.
    Array { items: Vec<Expr>, nested: bool, ty: Type },
    /// `ROW(…)`, or the row of a table: one without a type of its own has names of its own.
    Row(Vec<Expr>, Type, Option<Arc<[Arc<str>]>>),
    /// Field of a composite value, 0-based.
    Field(Box<Expr>, usize, Type),
    /// `a[i]` or `a[i:j]`.
    Subscript(Box<Subscript>),
    /// A container with one of its parts replaced: `SET a[1] = …`, `SET c.f = …`.
    Assign(Box<Assign>),
    /// A cast that changes the type's name but not the value.
    Relabel(Box<Expr>, Type),
    /// A cast through the text form.
    ViaIo(Box<Expr>, Type),
    /// A cast of an array, element by element; the element is [`Expr::TestValue`].
    ArrayCoerce(Box<Expr>, Box<Expr>, Type),
    /// `value COLLATE collation`, and where that stands; gone when collations are settled ([`crate::collation`]).
    Collate(Box<Expr>, Oid, Option<u32>),
    /// Into a domain: its constraints are checked.
    ToDomain(Box<Expr>, Type),
    /// The operand of the enclosing [`Expr::Case`], element of the enclosing [`Expr::ArrayCoerce`], or value of a domain check.
    TestValue(Type),
    /// A subquery in an expression; logical plan only.
    Sublink(Box<Sublink>),
    /// Physical plan: a subquery by its number in [`crate::physical::Plan::subplans`].
    Subplan(Box<Subplan>),
    /// An aggregate call; lives only between binding and the making of the Aggregate node.
    Aggregate(Box<AggregateCall>),
    /// A window call; lives only between binding and the making of the Window node.
    Window(Box<WindowCall>),
    /// `GROUPING(…)` with the positions of its arguments; replaced like an aggregate.
    Grouping(Vec<Expr>),
}

/// The element type of a type that is an array of a fixed length.
pub fn fixed_element(ty: Oid) -> Option<Oid> {
    match ty {
        oids::POINT | oids::LINE => Some(oids::FLOAT8),
        oids::LSEG | oids::BOX => Some(oids::POINT),
        _ => None,
    }
}

/// `IS TRUE` and its relatives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoolTest {
    /// `IS TRUE`.
    True,
    /// `IS NOT TRUE`.
    NotTrue,
    /// `IS FALSE`.
    False,
    /// `IS NOT FALSE`.
    NotFalse,
    /// `IS UNKNOWN`.
    Unknown,
    /// `IS NOT UNKNOWN`.
    NotUnknown,
}

/// Orderings of row comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowOrder {
    /// `<`.
    Less,
    /// `<=`.
    LessEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterEqual,
}

impl RowOrder {
    /// The operator.
    pub fn operator(self) -> &'static str {
        match self {
            RowOrder::Less => "<",
            RowOrder::LessEqual => "<=",
            RowOrder::Greater => ">",
            RowOrder::GreaterEqual => ">=",
        }
    }
}

/// A function of `pg_proc` as a plan calls it.
#[derive(Debug)]
pub struct Function {
    /// `pg_proc.oid`.
    pub oid: Oid,
    /// `proname`.
    pub name: Arc<str>,
    /// `proisstrict`: NULL in, NULL out, the kernel is not called.
    pub strict: bool,
    /// `provolatile`.
    pub volatility: Volatility,
    /// `proretset`.
    pub returns_set: bool,
    /// `prosrc`, by which vector kernels, window functions and aggregates are found.
    pub source: Arc<str>,
    /// The row kernel; `None` for set-returning functions, aggregates and user-defined functions.
    pub kernel: Option<ScalarFn>,
    /// The implementation of a set-returning function.
    pub set: Option<SetFn>,
    /// What an aggregate that a user made is computed by.
    pub aggregate: Option<Arc<UserAggregate>>,
}

/// The functions of an aggregate that a user made (`pg_aggregate`).
#[derive(Debug)]
pub struct UserAggregate {
    /// The functions over whole groups.
    pub plain: AggregateSteps,
    /// Those over moving frames, which can take rows back, and what takes one back.
    pub moving: Option<(AggregateSteps, Arc<Function>)>,
}

/// From the initial state by way of rows to a result.
#[derive(Debug)]
pub struct AggregateSteps {
    /// Takes the state and a row's arguments.
    pub transition: Arc<Function>,
    /// Declared types of its arguments, the state's first.
    pub args: Arc<[Oid]>,
    /// Turns the state into the result.
    pub finish: Option<Arc<Function>>,
    /// Whether it takes the arguments too, as NULLs.
    pub finish_extra: bool,
    /// Type of the state; it may be polymorphic.
    pub state: Oid,
    /// Its first value as text.
    pub initial: Option<Arc<str>>,
}

impl Function {
    /// Whether operators over this function mean what their names say: they are PostgreSQL's own, or an extension's. What `=` is to a
    /// user's function only the user knows.
    pub fn is_known(&self) -> bool {
        self.oid < Oid::FIRST_NORMAL || !self.source.is_empty()
    }
}

/// A call with its resolved argument coercions already in `args`.
#[derive(Clone, Debug)]
pub struct Call {
    /// The function.
    pub function: Arc<Function>,
    /// Its arguments, defaults and VARIADIC arrays included.
    pub args: Vec<Expr>,
    /// Result type.
    pub ty: Type,
    /// The operator's name when written as one (for EXPLAIN and view definitions).
    pub operator: Option<Arc<str>>,
    /// Where in the statement, for errors.
    pub position: Option<u32>,
    /// The last argument was written `VARIADIC array` to a function over `"any"`.
    pub variadic: bool,
    /// How many arguments at the end were not given but are the parameters' defaults; only counted for texts that are kept.
    pub defaulted: usize,
    /// The column definition list of a call in FROM, `f(…) AS t(name type, …)`; otherwise empty.
    pub columns: Box<[Field]>,
    /// How a call that is no operator was written.
    pub spelling: Spelling,
}

impl Call {
    /// The operator's name, where it means what PostgreSQL's operators of this name mean. Comparisons of geometric values, which
    /// are by area, length or number of points, mean nothing of the kind.
    pub fn known_operator(&self) -> Option<&str> {
        let by_size = |name: &str| {
            matches!(name, "=" | "<>" | "<" | "<=" | ">" | ">=")
                && matches!(
                    self.args.first().map(|arg| arg.ty().oid),
                    Some(oids::BOX | oids::CIRCLE | oids::LINE | oids::LSEG | oids::PATH | oids::POLYGON)
                )
        };
        self.operator.as_deref().filter(|name| self.function.is_known() && !by_size(name))
    }

    /// An ordinary call.
    pub fn new(function: Arc<Function>, args: Vec<Expr>, ty: Type, position: Option<u32>) -> Self {
        let (operator, spelling) = (None, Spelling::Function);
        Call {
            function,
            args,
            ty,
            operator,
            position,
            variadic: false,
            defaulted: 0,
            columns: Box::default(),
            spelling,
        }
    }

    /// The arguments that are written: all but defaults at the end.
    pub fn written_args(&self) -> &[Expr] {
        &self.args[..self.args.len().saturating_sub(self.defaulted)]
    }
}

/// How a call is written.
#[derive(Clone, Debug, Default)]
pub enum Spelling {
    /// `f(x)`.
    #[default]
    Function,
    /// In the standard's own syntax: `EXTRACT(year FROM x)`.
    Standard,
    /// As a word without parentheses: `CURRENT_DATE`.
    Keyword(Arc<str>),
}

/// `CASE [operand] WHEN … THEN … ELSE … END`.
#[derive(Clone, Debug)]
pub struct Case {
    /// The operand, evaluated once.
    pub operand: Option<Expr>,
    /// Conditions and results.
    pub whens: Vec<(Expr, Expr)>,
    /// `ELSE`; NULL when absent.
    pub otherwise: Option<Expr>,
    /// Result type.
    pub ty: Type,
}

/// `left op ANY/ALL (array)`.
#[derive(Clone, Debug)]
pub struct ScalarArray {
    /// The operator's function.
    pub function: Arc<Function>,
    /// The operator's name.
    pub operator: Arc<str>,
    /// `ALL` instead of `ANY`.
    pub all: bool,
    /// Left operand.
    pub left: Expr,
    /// Array operand.
    pub array: Expr,
}

impl ScalarArray {
    /// Whether it is `left = ANY (array)` with an equality that is known to be one.
    pub fn is_equal_any(&self) -> bool {
        !self.all && &*self.operator == "=" && self.function.is_known()
    }
}

/// Array subscripts.
#[derive(Clone, Debug)]
pub struct Subscript {
    /// The array.
    pub array: Expr,
    /// Lower (slices only) and upper or single subscript of each dimension; `None` is an omitted bound of a slice.
    pub indexes: Vec<(Option<Expr>, Option<Expr>)>,
    /// Whether any dimension is a slice, and so all are.
    pub slice: bool,
    /// Result type.
    pub ty: Type,
}

/// A composite, array or `jsonb` value with one part replaced.
#[derive(Clone, Debug)]
pub struct Assign {
    /// The value before; NULL stands for one without parts.
    pub container: Expr,
    /// Which part.
    pub part: Part,
    /// The new part, which may refer to the old one as [`Expr::TestValue`].
    pub value: Expr,
    /// The container's type.
    pub ty: Type,
}

/// A part of a value that can be assigned to.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each variant's comment explains its fields")]
pub enum Part {
    /// A field of a composite: its place, and the types of all fields.
    Field { index: usize, types: Arc<[Oid]> },
    /// An element or slice of an array, or a member of a `jsonb`: subscripts as in [`Subscript`], the element type, and
    /// whether the new value refers to the old one.
    Element { indexes: Vec<(Option<Expr>, Option<Expr>)>, slice: bool, element: Oid, reads_old: bool },
}

/// What a subquery in an expression is asked.
#[derive(Clone, Debug)]
pub enum SublinkKind {
    /// Its single value; 21000 when it has more rows.
    Scalar,
    /// `EXISTS`.
    Exists,
    /// `ARRAY(SELECT …)`.
    Array,
    /// `left op ANY (SELECT …)`, `IN`; or `ALL`. One test per column; rows compare by conjunction of equalities.
    Compare {
        /// `ALL` instead of `ANY`.
        all: bool,
        /// Left operands.
        left: Vec<Expr>,
        /// Comparison of each pair: the left operand is `TestValue`-free, the right is the subquery's column.
        tests: Vec<Arc<Function>>,
        /// Name of the operator.
        operator: Arc<str>,
        /// Rows are compared by `<` and its kin: column by column until one differs.
        order: Option<RowOrder>,
        /// It stands for an EXISTS: what would be unknown is false.
        unknown_is_false: bool,
    },
}

/// A subquery in an expression.
#[derive(Clone, Debug)]
pub struct Sublink {
    /// What is asked.
    pub kind: SublinkKind,
    /// The query; columns it does not produce itself are the outer query's.
    pub query: Node,
    /// Type of the result.
    pub ty: Type,
    /// The query as it was written, when the binder records that.
    pub wording: Option<Arc<crate::view::tree::Query>>,
}

impl Sublink {
    /// Whether it is one value for the whole statement, which is there before rows are read.
    pub fn is_known_before(&self) -> bool {
        matches!(self.kind, SublinkKind::Scalar | SublinkKind::Array)
            && crate::columns::free_columns(&self.query).is_empty()
    }
}

/// A subquery in a physical expression.
#[derive(Clone, Debug)]
pub struct Subplan {
    /// What is asked; its `left` operands are over the current row.
    pub kind: SublinkKind,
    /// Number in [`crate::physical::Plan::subplans`].
    pub plan: usize,
    /// Values for the subplan's [`Expr::Outer`] slots: (slot, expression over the current row). None at all means the
    /// subplan is run once per statement and its result kept.
    pub args: Vec<(usize, Expr)>,
    /// Type of the result.
    pub ty: Type,
}

/// Order of one key.
#[derive(Clone, Debug)]
pub struct SortKey {
    /// What is ordered.
    pub expr: Expr,
    /// `DESC`.
    pub descending: bool,
    /// `NULLS FIRST`.
    pub nulls_first: bool,
    /// The operator of `USING` where it is not the type's own `<` or `>`, though it orders as that does.
    pub using: Option<&'static str>,
}

/// An aggregate call.
#[derive(Clone, Debug)]
pub struct AggregateCall {
    /// The aggregate.
    pub function: Arc<Function>,
    /// Direct arguments of ordered-set aggregates, then nothing; ordinary arguments otherwise.
    pub args: Vec<Expr>,
    /// `DISTINCT`.
    pub distinct: bool,
    /// `ORDER BY` inside the call, or `WITHIN GROUP`.
    pub order: Vec<SortKey>,
    /// Whether `order` is `WITHIN GROUP`: its expressions are the aggregated arguments, `args` the direct ones.
    pub within_group: bool,
    /// `FILTER (WHERE …)`.
    pub filter: Option<Expr>,
    /// Result type.
    pub ty: Type,
}

/// A call with `OVER`.
#[derive(Clone, Debug)]
pub struct WindowCall {
    /// A window function, or an aggregate.
    pub function: Arc<Function>,
    /// Whether `function` is an aggregate.
    pub aggregate: bool,
    /// Arguments.
    pub args: Vec<Expr>,
    /// `FILTER`, for aggregates.
    pub filter: Option<Expr>,
    /// The window.
    pub window: Window,
    /// Result type.
    pub ty: Type,
}

/// A window specification.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// `PARTITION BY`.
    pub partition: Vec<Expr>,
    /// `ORDER BY`.
    pub order: Vec<SortKey>,
    /// Frame.
    pub frame: Frame,
    /// Its name in WINDOW, when it is used by name.
    pub name: Option<Arc<str>>,
    /// The window it builds on, and whether its order comes from there too.
    pub base: Option<(Arc<str>, bool)>,
    /// Whether the frame was written, so that the window cannot be built upon.
    pub has_frame: bool,
}

/// A window frame.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Unit.
    pub unit: FrameUnit,
    /// Start.
    pub start: FrameBound,
    /// End.
    pub end: FrameBound,
    /// `EXCLUDE`.
    pub exclude: FrameExclude,
    /// How it was written.
    pub written: FrameForm,
}

impl Default for Frame {
    /// The frame of a window that has none written.
    fn default() -> Self {
        Frame {
            unit: FrameUnit::Range,
            start: FrameBound::UnboundedPreceding,
            end: FrameBound::CurrentRow,
            exclude: FrameExclude::NoOthers,
            written: FrameForm::Absent,
        }
    }
}

/// The wording of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameForm {
    /// Not at all: the default.
    Absent,
    /// By its start only.
    Start,
    /// `BETWEEN … AND …`.
    Between,
}

/// `ROWS`, `RANGE` or `GROUPS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameUnit {
    /// Counts rows.
    Rows,
    /// Compares the ordering value.
    Range,
    /// Counts peer groups.
    Groups,
}

/// End of a frame.
#[derive(Clone, Debug)]
pub enum FrameBound {
    /// `UNBOUNDED PRECEDING`.
    UnboundedPreceding,
    /// `n PRECEDING`.
    Preceding(Box<Expr>),
    /// `CURRENT ROW`.
    CurrentRow,
    /// `n FOLLOWING`.
    Following(Box<Expr>),
    /// `UNBOUNDED FOLLOWING`.
    UnboundedFollowing,
}

/// `EXCLUDE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameExclude {
    /// `NO OTHERS`.
    NoOthers,
    /// `CURRENT ROW`.
    CurrentRow,
    /// `GROUP`.
    Group,
    /// `TIES`.
    Ties,
}

impl Expr {
    /// The function that it calls itself.
    pub fn function(&self) -> Option<Oid> {
        match self {
            Expr::Call(call) => Some(call.function.oid),
            Expr::Distinct(function, ..) | Expr::NullIf(function, _) => Some(function.oid),
            Expr::ScalarArray(test) => Some(test.function.oid),
            _ => None,
        }
    }

    /// A constant NULL.
    pub fn null(ty: Type) -> Self {
        Expr::Const(Datum::Null, ty)
    }

    /// A boolean constant.
    pub fn boolean(value: bool) -> Self {
        Expr::Const(Datum::Bool(value), Type::new(oids::BOOL))
    }

    /// The type of the value.
    pub fn ty(&self) -> Type {
        match self {
            Expr::Column(_, ty)
            | Expr::Input(_, ty)
            | Expr::Outer(_, ty)
            | Expr::Const(_, ty)
            | Expr::Param(_, ty)
            | Expr::Coalesce(_, ty)
            | Expr::MinMax(_, _, ty)
            | Expr::Array { ty, .. }
            | Expr::Row(_, ty, _)
            | Expr::Field(_, _, ty)
            | Expr::Relabel(_, ty)
            | Expr::ViaIo(_, ty)
            | Expr::ArrayCoerce(_, _, ty)
            | Expr::ToDomain(_, ty)
            | Expr::TestValue(ty) => *ty,
            Expr::Call(call) => call.ty,
            Expr::Case(case) => case.ty,
            Expr::Subscript(subscript) => subscript.ty,
            Expr::Assign(assign) => assign.ty,
            Expr::Sublink(sublink) => sublink.ty,
            Expr::Subplan(subplan) => subplan.ty,
            Expr::Aggregate(call) => call.ty,
            Expr::Window(call) => call.ty,
            Expr::NullIf(_, args) => args.0.ty(),
            Expr::Collate(inner, ..) => inner.ty(),
            Expr::Grouping(_) => Type::new(oids::INT4),
            Expr::And(_)
            | Expr::Or(_)
            | Expr::Not(_)
            | Expr::IsNull(..)
            | Expr::BoolTest(..)
            | Expr::Distinct(..)
            | Expr::ScalarArray(_)
            | Expr::RowCompare(..) => Type::new(oids::BOOL),
        }
    }

    /// The conjunction of some predicates; none is true.
    pub fn conjunction(mut predicates: Vec<Expr>) -> Option<Expr> {
        match predicates.len() {
            0 => None,
            1 => predicates.pop(),
            _ => Some(Expr::And(predicates)),
        }
    }

    /// Splits nested conjunctions into their parts.
    pub fn into_conjuncts(self, parts: &mut Vec<Expr>) {
        match self {
            Expr::And(items) => items.into_iter().for_each(|item| item.into_conjuncts(parts)),
            Expr::Const(Datum::Bool(true), _) => {}
            other => parts.push(other),
        }
    }
}
