//! A compiled function: variables, and statements as the interpreter runs them.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use dictdb_planner::variables::Conflict;
use dictdb_types::{Datum, Field, Severity, SqlState, Type};
use parking_lot::Mutex;

use crate::context::CallSite;
use crate::names::{Shape, Visible};
use crate::parse::{Header, ResultKind};
use crate::sql::Sql;

/// A compiled function.
#[derive(Debug)]
pub struct Function {
    /// What it was compiled for.
    pub header: Header,
    pub(crate) variables: Vec<Variable>,
    /// Whether one of them is a row.
    pub(crate) has_rows: bool,
    /// Types of the variables as the last call left them: the hidden ones of CASE get theirs from their operand.
    pub(crate) types: Mutex<Arc<[Type]>>,
    /// How often they have changed.
    pub(crate) type_changes: AtomicU64,
    /// What ended calls leave to the next ones.
    pub(crate) idle: Mutex<Vec<Activation>>,
    pub(crate) variable_names: Arc<[Arc<str>]>,
    pub(crate) conflict: Conflict,
    pub(crate) body: Block,
    /// Variables of the parameters, in the order of the input values.
    pub(crate) inputs: Vec<usize>,
    /// The variable of the output parameter, or of the row of all of them.
    pub(crate) output: Option<Output>,
    pub(crate) found: usize,
    pub(crate) trigger: Option<TriggerVariables>,
    pub(crate) result: ResultKind,
    /// What its type is over, if that is a domain.
    pub(crate) result_base: Type,
    /// DETAIL of a failed INTO STRICT tells the parameters.
    pub(crate) print_strict_params: bool,
    /// Warnings of compiling it, with positions in its text.
    pub warnings: Vec<dictdb_types::Error>,
}

impl Function {
    /// The names that a piece of SQL may use, with the structure its records have now.
    pub fn visible(&self, sql: &Sql, frame: &Frame) -> Visible {
        Visible::new(&sql.names, &frame.types, &self.variable_names, &frame.shapes, self.conflict, &sql.used)
    }
}

/// Where output parameters end up.
#[derive(Clone, Debug)]
pub(crate) enum Output {
    /// One of them: its variable is the result.
    One(usize),
    /// Several: their variables are the fields of the result.
    Row(Vec<usize>),
}

/// The variables of a trigger function.
#[derive(Clone, Debug)]
pub(crate) struct TriggerVariables {
    pub new: usize,
    pub old: usize,
    /// `tg_name`, `tg_when`, … in the order of [`crate::parse::TRIGGER_VARIABLES`].
    pub others: Vec<usize>,
}

/// What a call needs for itself, kept for the next one.
#[derive(Debug)]
pub struct Activation {
    pub(crate) frame: Frame,
    pub(crate) site: Arc<CallSite>,
    /// [`Function::type_changes`] when the frame got its types.
    pub(crate) type_changes: u64,
    /// What the host keeps between calls.
    pub kept: Option<Box<dyn Any + Send>>,
}

/// A label of a block or loop: labels of the same name are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label(pub u32);

/// The values of a call.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// Values by variable.
    pub values: Vec<Datum>,
    /// Structures of records whose type does not tell them.
    pub shapes: Vec<Option<Shape>>,
    /// Types by variable.
    pub types: Arc<[Type]>,
    /// Where the fields that assignments name are, by number of the assigned expression, and the structures that say so.
    pub(crate) fields: Vec<Option<(Shape, usize)>>,
}

/// A variable.
#[derive(Debug)]
pub(crate) struct Variable {
    pub name: Arc<str>,
    pub ty: Type,
    /// What its type is over, if that is a domain; otherwise the type.
    pub base: Type,
    /// It is a row: a record, or of a composite type.
    pub row: Option<RowVariable>,
    pub constant: bool,
    pub not_null: bool,
    pub default: Option<Sql>,
    /// A bound cursor: its query and its arguments.
    pub cursor: Option<Arc<CursorQuery>>,
    pub line: u32,
}

/// What kind of row a variable holds.
#[derive(Clone, Debug)]
pub(crate) enum RowVariable {
    /// `record`: whatever is assigned.
    Record,
    /// A composite type.
    Composite(Arc<[Field]>),
}

/// The query of a bound cursor.
#[derive(Debug)]
pub(crate) struct CursorQuery {
    pub sql: Sql,
    /// Names and variables of its arguments.
    pub args: Vec<(Arc<str>, usize)>,
    pub scroll: Option<bool>,
}

/// A block.
#[derive(Debug)]
pub(crate) struct Block {
    pub label: Option<Label>,
    /// Variables that get their defaults when the block begins.
    pub declared: Vec<usize>,
    pub body: Vec<Statement>,
    pub exceptions: Option<Exceptions>,
}

/// The EXCEPTION part of a block.
#[derive(Debug)]
pub(crate) struct Exceptions {
    pub handlers: Vec<Handler>,
    pub sqlstate: usize,
    pub sqlerrm: usize,
}

#[derive(Debug)]
pub(crate) struct Handler {
    pub conditions: Vec<Condition>,
    pub body: Vec<Statement>,
}

/// What a handler catches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// Everything but cancellation and failed assertions.
    Others,
    /// A code; one that ends in 000 stands for its class.
    Code(SqlState),
}

/// A statement with its place.
#[derive(Debug)]
pub(crate) struct Statement {
    pub place: crate::context::Place,
    pub kind: Kind,
}

impl Statement {
    pub(crate) fn new(line: u32, kind: Kind) -> Self {
        Statement { place: crate::context::Place::statement(line, kind.name()), kind }
    }
}

/// Where a value goes: a variable, or a field of a row.
#[derive(Debug)]
pub(crate) struct Place {
    pub variable: usize,
    pub field: Option<Arc<str>>,
}

/// An assignment to an element, a slice, or a field within a field.
#[derive(Debug)]
pub struct PartAssignment {
    /// Target and value.
    pub sql: Sql,
    /// The value alone, for when it takes a query.
    pub value: Sql,
    /// How many of the target's names make the variable or field that the part belongs to.
    pub names: usize,
}

/// Where rows go: one row variable, or a list of scalar variables and fields.
#[derive(Debug)]
pub(crate) enum Target {
    Row(usize),
    List(Vec<Place>),
}

/// A loop's body with its label.
#[derive(Debug)]
pub(crate) struct Loop {
    pub label: Option<Label>,
    pub body: Vec<Statement>,
}

/// `EXECUTE expression USING …`.
#[derive(Debug)]
pub(crate) struct Dynamic {
    pub text: Sql,
    pub params: Vec<Sql>,
}

/// `INTO [STRICT] target`.
#[derive(Debug)]
pub(crate) struct Into {
    pub target: Target,
    pub strict: bool,
}

/// How OPEN, FETCH and FOR name a cursor.
#[derive(Debug)]
pub(crate) enum CursorArgs {
    None,
    /// One expression per argument, in the order of the arguments.
    Values(Vec<Sql>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Diagnostic {
    RowCount,
    Context,
    RoutineOid,
    ReturnedSqlstate,
    MessageText,
    ExceptionDetail,
    ExceptionHint,
    ExceptionContext,
    ColumnName,
    ConstraintName,
    DatatypeName,
    TableName,
    SchemaName,
}

/// An option of RAISE … USING.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RaiseOption {
    Message,
    Detail,
    Hint,
    Errcode,
    Column,
    Constraint,
    Datatype,
    Table,
    Schema,
}

/// RAISE.
#[derive(Debug)]
pub(crate) struct Raise {
    pub level: Severity,
    /// Which DEBUG level was written makes no difference to reports.
    pub condition: Option<Arc<str>>,
    pub format: Option<Arc<str>>,
    pub args: Vec<Sql>,
    pub options: Vec<(RaiseOption, Sql)>,
}

/// Distance and direction of FETCH and MOVE.
#[derive(Debug)]
pub(crate) enum FetchCount {
    Fixed(crate::host::Direction),
    /// `ABSOLUTE n`, `RELATIVE n`, `FORWARD n`, `BACKWARD n`.
    Computed(FetchWord, Sql),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FetchWord {
    Absolute,
    Relative,
    Forward,
    Backward,
}

/// Statements.
#[derive(Debug)]
pub(crate) enum Kind {
    Block(Block),
    Assign {
        place: Place,
        value: Sql,
    },
    /// To a whole variable that is no row and may be NULL, of a type.
    Set {
        variable: usize,
        ty: Type,
        value: Sql,
    },
    AssignPart {
        place: Place,
        part: PartAssignment,
    },
    If {
        branches: Vec<(Sql, Vec<Statement>)>,
        otherwise: Vec<Statement>,
    },
    Case {
        operand: Option<(usize, Sql)>,
        branches: Vec<(Sql, Vec<Statement>)>,
        otherwise: Option<Vec<Statement>>,
    },
    Loop(Loop),
    While {
        condition: Sql,
        body: Loop,
    },
    ForRange {
        variable: usize,
        reverse: bool,
        first: Sql,
        last: Sql,
        step: Option<Sql>,
        body: Loop,
    },
    ForQuery {
        target: Target,
        query: Sql,
        body: Loop,
    },
    ForExecute {
        target: Target,
        dynamic: Dynamic,
        body: Loop,
    },
    ForCursor {
        row: usize,
        cursor: usize,
        args: CursorArgs,
        body: Loop,
    },
    Foreach {
        target: Target,
        slice: usize,
        array: Sql,
        body: Loop,
    },
    Exit {
        is_exit: bool,
        label: Option<Label>,
        condition: Option<Sql>,
    },
    Return(Option<Sql>),
    /// With the row variable that the value is, if it is one.
    ReturnNext(Option<Sql>, Option<usize>),
    ReturnQuery(Sql),
    ReturnExecute(Dynamic),
    Raise(Box<Raise>),
    Assert {
        condition: Sql,
        message: Option<Sql>,
    },
    Sql {
        sql: Sql,
        into: Option<Into>,
    },
    Execute {
        dynamic: Dynamic,
        into: Option<Into>,
    },
    GetDiagnostics {
        stacked: bool,
        items: Vec<(Place, Diagnostic)>,
    },
    OpenBound {
        cursor: usize,
        args: CursorArgs,
    },
    OpenQuery {
        cursor: usize,
        scroll: Option<bool>,
        query: Sql,
    },
    OpenExecute {
        cursor: usize,
        scroll: Option<bool>,
        dynamic: Dynamic,
    },
    Fetch {
        cursor: usize,
        count: FetchCount,
        target: Option<Target>,
    },
    Close {
        cursor: usize,
    },
    Perform(Sql),
    Call {
        sql: Sql,
        is_call: bool,
    },
    EndTransaction {
        commit: bool,
        chain: bool,
    },
    Null,
}

impl Kind {
    /// The statement as CONTEXT names it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Kind::Block(_) => "statement block",
            Kind::Assign { .. } | Kind::Set { .. } | Kind::AssignPart { .. } => "assignment",
            Kind::If { .. } => "IF",
            Kind::Case { .. } => "CASE",
            Kind::Loop(_) => "LOOP",
            Kind::While { .. } => "WHILE",
            Kind::ForRange { .. } => "FOR with integer loop variable",
            Kind::ForQuery { .. } => "FOR over SELECT rows",
            Kind::ForExecute { .. } => "FOR over EXECUTE statement",
            Kind::ForCursor { .. } => "FOR over cursor",
            Kind::Foreach { .. } => "FOREACH over array",
            Kind::Exit { is_exit: true, .. } => "EXIT",
            Kind::Exit { .. } => "CONTINUE",
            Kind::Return(_) => "RETURN",
            Kind::ReturnNext(..) => "RETURN NEXT",
            Kind::ReturnQuery(_) | Kind::ReturnExecute(_) => "RETURN QUERY",
            Kind::Raise(_) => "RAISE",
            Kind::Assert { .. } => "ASSERT",
            Kind::Sql { .. } => "SQL statement",
            Kind::Execute { .. } => "EXECUTE",
            Kind::GetDiagnostics { stacked: true, .. } => "GET STACKED DIAGNOSTICS",
            Kind::GetDiagnostics { .. } => "GET DIAGNOSTICS",
            Kind::OpenBound { .. } | Kind::OpenQuery { .. } | Kind::OpenExecute { .. } => "OPEN",
            Kind::Fetch { target: Some(_), .. } => "FETCH",
            Kind::Fetch { .. } => "MOVE",
            Kind::Close { .. } => "CLOSE",
            Kind::Perform(_) => "PERFORM",
            Kind::Call { is_call: true, .. } => "CALL",
            Kind::Call { .. } => "DO",
            Kind::EndTransaction { commit: true, .. } => "COMMIT",
            Kind::EndTransaction { .. } => "ROLLBACK",
            Kind::Null => "NULL",
        }
    }
}
