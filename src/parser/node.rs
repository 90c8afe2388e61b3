//! Clauses of PostgreSQL that sqlparser's tree has no field for, and how to read them.
//!
//! They are kept in nodes that PostgreSQL's grammar has no other use for: identifiers without quotes in upper case or with
//! a space, which folding rules out elsewhere. Each pair of functions below writes and reads one of them; nothing else
//! knows the encoding, and a reader who overlooks one meets a node it does not support rather than a wrong meaning.

use sqlparser::ast::{
    BinaryOperator, ConflictTarget as AstConflictTarget, Cte, Expr, FunctionArg, FunctionArgExpr, GroupByExpr, Ident,
    Insert, JoinConstraint, LockClause, LockType, NonBlock, ObjectName, ObjectNamePart, ObjectNamePartFunction,
    OnInsert, Query, Setting, TableSample, TableSampleMethod, TableSampleModifier, TableSampleQuantity, Value,
    WindowFrame, WindowFrameBound, WindowFrameUnits,
};

/// An identifier that only the parser can make.
fn marker(text: &str) -> Ident {
    Ident::new(text)
}

fn is_marker(ident: &Ident, text: &str) -> bool {
    ident.quote_style.is_none() && ident.value == text
}

pub(crate) fn prefixed(text: &str, value: Expr) -> Expr {
    Expr::Prefixed { prefix: marker(text), value: Box::new(value) }
}

fn prefixed_by<'a>(expr: &'a Expr, text: &str) -> Option<&'a Expr> {
    match expr {
        Expr::Prefixed { prefix, value } if is_marker(prefix, text) => Some(value),
        _ => None,
    }
}

/// The name that `DEFAULT` has among the namespaces of `XMLTABLE`.
pub(crate) fn default_namespace() -> Ident {
    marker("DEFAULT")
}

/// Whether a namespace of `XMLTABLE` is the default one.
pub fn is_default_namespace(name: &Ident) -> bool {
    is_marker(name, "DEFAULT")
}

/// The index of a lifted constant ([`crate::Lifted::literals`]) that a placeholder stands for; `None` for `$n`.
pub fn lifted(placeholder: &str) -> Option<usize> {
    placeholder.strip_prefix('#')?.parse().ok()
}

/// The placeholder of a lifted constant.
pub(crate) fn lifted_placeholder(index: usize) -> Value {
    Value::Placeholder(format!("#{index}"))
}

/// `DEFAULT` where a value stands. PostgreSQL's grammar takes it everywhere: whoever meets it outside of `VALUES` and `SET`
/// answers 42601 `DEFAULT is not allowed in this context`.
pub fn is_default(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(ident) if is_marker(ident, "DEFAULT"))
}

/// An operator by name, perhaps with its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator<'a> {
    /// `OPERATOR(schema.…)`.
    pub schema: Option<&'a str>,
    /// The operator.
    pub name: &'a str,
}

/// The operator of a `BinaryOp`, `AnyOp` or `AllOp`; `None` for `AND`, `OR` and what the parser never makes.
pub fn binary_operator(op: &BinaryOperator) -> Option<Operator<'_>> {
    if let BinaryOperator::PGCustomBinaryOperator(path) = op {
        return match path.as_slice() {
            [name] => Some(Operator { schema: None, name }),
            [.., schema, name] => Some(Operator { schema: Some(schema), name }),
            [] => None,
        };
    }
    OPERATORS.iter().find(|(_, known)| known == op).map(|(name, _)| Operator { schema: None, name })
}

/// Operators that sqlparser has a variant for.
const OPERATORS: &[(&str, BinaryOperator)] = &[
    ("=", BinaryOperator::Eq),
    ("<>", BinaryOperator::NotEq),
    ("<", BinaryOperator::Lt),
    (">", BinaryOperator::Gt),
    ("<=", BinaryOperator::LtEq),
    (">=", BinaryOperator::GtEq),
    ("+", BinaryOperator::Plus),
    ("-", BinaryOperator::Minus),
    ("*", BinaryOperator::Multiply),
    ("/", BinaryOperator::Divide),
    ("%", BinaryOperator::Modulo),
    ("^", BinaryOperator::PGExp),
    ("||", BinaryOperator::StringConcat),
    ("|", BinaryOperator::BitwiseOr),
    ("&", BinaryOperator::BitwiseAnd),
    ("#", BinaryOperator::PGBitwiseXor),
    ("<<", BinaryOperator::PGBitwiseShiftLeft),
    (">>", BinaryOperator::PGBitwiseShiftRight),
    ("&&", BinaryOperator::PGOverlap),
    ("~", BinaryOperator::PGRegexMatch),
    ("~*", BinaryOperator::PGRegexIMatch),
    ("!~", BinaryOperator::PGRegexNotMatch),
    ("!~*", BinaryOperator::PGRegexNotIMatch),
    ("~~", BinaryOperator::PGLikeMatch),
    ("~~*", BinaryOperator::PGILikeMatch),
    ("!~~", BinaryOperator::PGNotLikeMatch),
    ("!~~*", BinaryOperator::PGNotILikeMatch),
    ("^@", BinaryOperator::PGStartsWith),
    ("->", BinaryOperator::Arrow),
    ("->>", BinaryOperator::LongArrow),
    ("#>", BinaryOperator::HashArrow),
    ("#>>", BinaryOperator::HashLongArrow),
    ("@@", BinaryOperator::AtAt),
    ("@>", BinaryOperator::AtArrow),
    ("<@", BinaryOperator::ArrowAt),
    ("#-", BinaryOperator::HashMinus),
    ("@?", BinaryOperator::AtQuestion),
    ("?", BinaryOperator::Question),
    ("?&", BinaryOperator::QuestionAnd),
    ("?|", BinaryOperator::QuestionPipe),
];

/// The tree's operator for a name in the text.
pub(crate) fn operator_named(schema: Vec<String>, name: &str) -> BinaryOperator {
    let known = OPERATORS.iter().find(|(known, _)| schema.is_empty() && *known == name);
    match known {
        Some((_, op)) => op.clone(),
        None => BinaryOperator::PGCustomBinaryOperator(schema.into_iter().chain([name.to_owned()]).collect()),
    }
}

/// A prefix operator other than `+`, `-` and `NOT`, and its operand.
pub fn prefix_operator(expr: &Expr) -> Option<(Operator<'_>, &Expr)> {
    let Expr::Prefixed { prefix, value } = expr else { return None };
    let (schema, name) = match prefix.value.rsplit_once('.') {
        Some((schema, name)) => (Some(schema), name),
        None => (None, prefix.value.as_str()),
    };
    let operator = prefix.quote_style.is_none() && name.bytes().next().is_some_and(crate::scan::is_operator);
    operator.then_some((Operator { schema, name }, value))
}

pub(crate) fn prefix_operation(
    mut schema: Vec<String>,
    name: &str,
    span: sqlparser::tokenizer::Span,
    operand: Expr,
) -> Expr {
    let path = match schema.pop() {
        Some(schema) => format!("{schema}.{name}"),
        None => name.to_owned(),
    };
    Expr::Prefixed { prefix: Ident { value: path, quote_style: None, span }, value: Box::new(operand) }
}

/// The lower bound of a `Between`, and whether `SYMMETRIC` was written.
pub fn between_low(low: &Expr) -> (&Expr, bool) {
    match prefixed_by(low, "SYMMETRIC") {
        Some(low) => (low, true),
        None => (low, false),
    }
}

/// An argument's expression, and whether `VARIADIC` was written; `None` for `*`.
pub fn argument(arg: &FunctionArg) -> Option<(&Expr, bool)> {
    let (FunctionArg::Unnamed(arg) | FunctionArg::Named { arg, .. } | FunctionArg::ExprNamed { arg, .. }) = arg;
    let FunctionArgExpr::Expr(expr) = arg else { return None };
    Some(match prefixed_by(expr, "VARIADIC") {
        Some(expr) => (expr, true),
        None => (expr, false),
    })
}

/// The cursor of `WHERE CURRENT OF cursor`.
pub fn current_of(selection: &Expr) -> Option<&Ident> {
    match prefixed_by(selection, "CURRENT OF")? {
        Expr::Identifier(cursor) => Some(cursor),
        _ => None,
    }
}

pub(crate) fn where_current_of(cursor: Ident) -> Expr {
    prefixed("CURRENT OF", Expr::Identifier(cursor))
}

/// Whether `ONLY` was written, from the hints of a `TableFactor::Table`.
pub fn is_only(with_hints: &[Expr]) -> bool {
    matches!(with_hints, [Expr::Identifier(ident)] if is_marker(ident, "ONLY"))
}

pub(crate) fn only_hint(only: bool) -> Vec<Expr> {
    if only { vec![Expr::Identifier(marker("ONLY"))] } else { Vec::new() }
}

/// How strongly `FOR …` locks rows, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockStrength {
    /// `FOR KEY SHARE`.
    KeyShare,
    /// `FOR SHARE`.
    Share,
    /// `FOR NO KEY UPDATE`.
    NoKeyUpdate,
    /// `FOR UPDATE`.
    Update,
}

/// `FOR UPDATE OF t NOWAIT` and its kin.
#[derive(Clone, Copy, Debug)]
pub struct RowLock<'a> {
    /// How strongly.
    pub strength: LockStrength,
    /// Which table or alias; `None` means every table of the query. More parts than one are an error:
    /// 42601 `FOR UPDATE must specify unqualified relation names`.
    pub of: Option<&'a [ObjectNamePart]>,
    /// `NOWAIT`, `SKIP LOCKED` or neither.
    pub nonblock: Option<NonBlock>,
}

/// Reads a locking clause.
pub fn lock_clause(clause: &LockClause) -> RowLock<'_> {
    let parts = clause.of.as_ref().map_or(&[][..], |name| name.0.as_slice());
    let (key, of) = match parts {
        [ObjectNamePart::Identifier(first), rest @ ..] if is_marker(first, "KEY LOCK") => (true, rest),
        _ => (false, parts),
    };
    let strength = match (clause.lock_type, key) {
        (LockType::Share, true) => LockStrength::KeyShare,
        (LockType::Share, false) => LockStrength::Share,
        (LockType::Update, true) => LockStrength::NoKeyUpdate,
        (LockType::Update, false) => LockStrength::Update,
    };
    RowLock { strength, of: (!of.is_empty()).then_some(of), nonblock: clause.nonblock }
}

pub(crate) fn row_lock(strength: LockStrength, of: Option<ObjectName>, nonblock: Option<NonBlock>) -> LockClause {
    let (lock_type, key) = match strength {
        LockStrength::KeyShare => (LockType::Share, true),
        LockStrength::Share => (LockType::Share, false),
        LockStrength::NoKeyUpdate => (LockType::Update, true),
        LockStrength::Update => (LockType::Update, false),
    };
    let mut parts = Vec::new();
    if key {
        parts.push(ObjectNamePart::Identifier(marker("KEY LOCK")));
    }
    parts.extend(of.into_iter().flat_map(|name| name.0));
    LockClause { lock_type, of: (!parts.is_empty()).then_some(ObjectName(parts)), nonblock }
}

/// `OVERRIDING … VALUE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overriding {
    /// `OVERRIDING SYSTEM VALUE`.
    System,
    /// `OVERRIDING USER VALUE`.
    User,
}

/// The `OVERRIDING` clause of an insert (`insert.after_columns`) or a merge insert (its trailing column).
pub fn overriding(insert: &Insert) -> Option<Overriding> {
    insert.after_columns.first().and_then(overriding_marker)
}

fn overriding_marker(ident: &Ident) -> Option<Overriding> {
    match ident.quote_style.is_none().then_some(ident.value.as_str()) {
        Some("OVERRIDING SYSTEM VALUE") => Some(Overriding::System),
        Some("OVERRIDING USER VALUE") => Some(Overriding::User),
        _ => None,
    }
}

pub(crate) fn overriding_columns(overriding: Option<Overriding>) -> Vec<Ident> {
    overriding
        .map(|kind| match kind {
            Overriding::System => marker("OVERRIDING SYSTEM VALUE"),
            Overriding::User => marker("OVERRIDING USER VALUE"),
        })
        .into_iter()
        .collect()
}

/// The columns of a merge's `INSERT`, without the marker [`merge_overriding`] reads.
pub fn merge_columns(columns: &[ObjectName]) -> &[ObjectName] {
    match columns.split_last() {
        Some((_, rest)) if merge_overriding(columns).is_some() => rest,
        _ => columns,
    }
}

/// The `OVERRIDING` clause of a merge's `INSERT`.
pub fn merge_overriding(columns: &[ObjectName]) -> Option<Overriding> {
    columns.last()?.0.first()?.as_ident().and_then(overriding_marker)
}

/// What `ON CONFLICT (…) WHERE …` names.
#[derive(Clone, Debug)]
pub struct ConflictTarget<'a> {
    /// Columns and expressions.
    pub elements: Vec<ConflictElement<'a>>,
    /// `WHERE`, to choose a partial index.
    pub predicate: Option<&'a Expr>,
}

/// One element of a conflict target.
#[derive(Clone, Copy, Debug)]
pub struct ConflictElement<'a> {
    /// A plain column.
    pub column: Option<&'a Ident>,
    /// An expression, if it is no plain column.
    pub expr: Option<&'a Expr>,
    /// `COLLATE`.
    pub collation: Option<&'a ObjectName>,
    /// Operator class, as written with dots.
    pub opclass: Option<&'a Ident>,
}

/// The target of `ON CONFLICT (…)`; `None` without one or with `ON CONSTRAINT`, which is in its natural place.
pub fn conflict_target(insert: &Insert) -> Option<ConflictTarget<'_>> {
    let Some(OnInsert::OnConflict(conflict)) = &insert.on else { return None };
    let Some(AstConflictTarget::Columns(columns)) = &conflict.conflict_target else { return None };
    let Some(items) = &insert.partitioned else {
        let plain = |column| ConflictElement { column: Some(column), expr: None, collation: None, opclass: None };
        return Some(ConflictTarget { elements: columns.iter().map(plain).collect(), predicate: None });
    };
    let mut target = ConflictTarget { elements: Vec::new(), predicate: None };
    for item in items {
        match prefixed_by(item, "WHERE") {
            Some(predicate) => target.predicate = Some(predicate),
            None => target.elements.push(conflict_element(item)),
        }
    }
    Some(target)
}

fn conflict_element(item: &Expr) -> ConflictElement<'_> {
    let (item, opclass) = match item {
        Expr::Named { expr, name } => (expr.as_ref(), Some(name)),
        other => (other, None),
    };
    let (item, collation) = match item {
        Expr::Collate { expr, collation } => (expr.as_ref(), Some(collation)),
        other => (other, None),
    };
    match item {
        Expr::Identifier(column) => ConflictElement { column: Some(column), expr: None, collation, opclass },
        expr => ConflictElement { column: None, expr: Some(expr), collation, opclass },
    }
}

/// Writes a conflict target: the columns for its natural place and the items for `Insert::partitioned`.
pub(crate) fn conflict_items(
    elements: Vec<(Expr, Option<ObjectName>, Option<ObjectName>)>,
    predicate: Option<Expr>,
) -> (Vec<Ident>, Option<Vec<Expr>>) {
    let plain = elements.iter().map(|element| match element {
        (Expr::Identifier(column), None, None) => Some(column.clone()),
        _ => None,
    });
    if let (Some(columns), None) = (plain.collect::<Option<Vec<_>>>(), &predicate) {
        return (columns, None);
    }
    let items = elements.into_iter().map(|(expr, collation, opclass)| {
        let expr = match collation {
            Some(collation) => Expr::Collate { expr: Box::new(expr), collation },
            None => expr,
        };
        match opclass {
            Some(name) => Expr::Named { expr: Box::new(expr), name: marker(&name.to_string()) },
            None => expr,
        }
    });
    let items = items.chain(predicate.map(|expr| prefixed("WHERE", expr))).collect();
    (Vec::new(), Some(items))
}

/// A window frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// `ROWS`, `RANGE` or `GROUPS`.
    pub units: WindowFrameUnits,
    /// Where it starts.
    pub start: FrameBound<'a>,
    /// Where it ends; without `BETWEEN` at the current row.
    pub end: FrameBound<'a>,
    /// `EXCLUDE`.
    pub exclusion: FrameExclusion,
}

/// One end of a frame.
#[derive(Clone, Copy, Debug)]
pub enum FrameBound<'a> {
    /// `UNBOUNDED PRECEDING`.
    UnboundedPreceding,
    /// `n PRECEDING`.
    Preceding(&'a Expr),
    /// `CURRENT ROW`.
    CurrentRow,
    /// `n FOLLOWING`.
    Following(&'a Expr),
    /// `UNBOUNDED FOLLOWING`.
    UnboundedFollowing,
}

/// What a frame leaves out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FrameExclusion {
    /// Nothing.
    #[default]
    NoOthers,
    /// `EXCLUDE CURRENT ROW`.
    CurrentRow,
    /// `EXCLUDE GROUP`.
    Group,
    /// `EXCLUDE TIES`.
    Ties,
}

const EXCLUSIONS: &[(&str, FrameExclusion)] = &[
    ("EXCLUDE CURRENT ROW", FrameExclusion::CurrentRow),
    ("EXCLUDE GROUP", FrameExclusion::Group),
    ("EXCLUDE TIES", FrameExclusion::Ties),
];

/// Whether a call was written in the standard's own syntax (`EXTRACT(year FROM x)`, `x AT TIME ZONE z`). The tree has a
/// mark for ODBC's syntax, which PostgreSQL does not have.
pub fn is_standard_syntax(function: &sqlparser::ast::Function) -> bool {
    function.uses_odbc_syntax
}

/// `TABLESAMPLE method (quantity) REPEATABLE (seed)`. The tree has room for a literal as the seed only, so it stands where other
/// databases have an offset.
pub(crate) fn sample(method: TableSampleMethod, quantity: TableSampleQuantity, seed: Option<Expr>) -> TableSample {
    TableSample {
        modifier: TableSampleModifier::TableSample,
        name: Some(method),
        quantity: Some(quantity),
        seed: None,
        bucket: None,
        offset: seed,
    }
}

/// What REPEATABLE says.
pub fn sample_seed(sample: &TableSample) -> Option<&Expr> {
    sample.offset.as_ref()
}

/// Reads a window frame.
pub fn frame(frame: &WindowFrame) -> Frame<'_> {
    let exclusion = match &frame.end_bound {
        Some(WindowFrameBound::Following(Some(expr))) => {
            EXCLUSIONS.iter().find_map(|(text, exclusion)| Some((prefixed_by(expr, text)?, *exclusion)))
        }
        _ => None,
    };
    let (end, exclusion) = match exclusion {
        Some((end, exclusion)) => (decoded_bound(end), exclusion),
        None => (frame.end_bound.as_ref().map_or(FrameBound::CurrentRow, bound), FrameExclusion::NoOthers),
    };
    Frame { units: frame.units, start: bound(&frame.start_bound), end, exclusion }
}

fn bound(bound: &WindowFrameBound) -> FrameBound<'_> {
    match bound {
        WindowFrameBound::CurrentRow => FrameBound::CurrentRow,
        WindowFrameBound::Preceding(None) => FrameBound::UnboundedPreceding,
        WindowFrameBound::Preceding(Some(expr)) => FrameBound::Preceding(expr),
        WindowFrameBound::Following(None) => FrameBound::UnboundedFollowing,
        WindowFrameBound::Following(Some(expr)) => FrameBound::Following(expr),
    }
}

fn decoded_bound(end: &Expr) -> FrameBound<'_> {
    match end {
        Expr::Prefixed { prefix, value } if is_marker(prefix, "PRECEDING") => FrameBound::Preceding(value),
        Expr::Prefixed { prefix, value } if is_marker(prefix, "FOLLOWING") => FrameBound::Following(value),
        Expr::Identifier(ident) if is_marker(ident, "UNBOUNDED PRECEDING") => FrameBound::UnboundedPreceding,
        Expr::Identifier(ident) if is_marker(ident, "UNBOUNDED FOLLOWING") => FrameBound::UnboundedFollowing,
        _ => FrameBound::CurrentRow,
    }
}

/// Puts an exclusion into the end of a frame.
pub(crate) fn excluding(end: Option<WindowFrameBound>, exclusion: FrameExclusion) -> Option<WindowFrameBound> {
    let Some((text, _)) = EXCLUSIONS.iter().find(|(_, known)| *known == exclusion) else { return end };
    let end = match end.unwrap_or(WindowFrameBound::CurrentRow) {
        WindowFrameBound::CurrentRow => Expr::Identifier(marker("CURRENT ROW")),
        WindowFrameBound::Preceding(None) => Expr::Identifier(marker("UNBOUNDED PRECEDING")),
        WindowFrameBound::Following(None) => Expr::Identifier(marker("UNBOUNDED FOLLOWING")),
        WindowFrameBound::Preceding(Some(expr)) => prefixed("PRECEDING", *expr),
        WindowFrameBound::Following(Some(expr)) => prefixed("FOLLOWING", *expr),
    };
    Some(WindowFrameBound::Following(Some(Box::new(prefixed(text, end)))))
}

/// The columns of `USING (…)` and the alias after it; `None` for other join conditions.
pub fn join_using(constraint: &JoinConstraint) -> Option<(Vec<&Ident>, Option<&Ident>)> {
    let JoinConstraint::Using(names) = constraint else { return None };
    let mut alias = None;
    let mut columns = Vec::with_capacity(names.len());
    for name in names {
        match name.0.as_slice() {
            [ObjectNamePart::Identifier(column)] => columns.push(column),
            [ObjectNamePart::Identifier(first), ObjectNamePart::Identifier(second)] if is_marker(first, "AS") => {
                alias = Some(second);
            }
            _ => {}
        }
    }
    Some((columns, alias))
}

pub(crate) fn using(columns: Vec<Ident>, alias: Option<Ident>) -> JoinConstraint {
    let columns = columns.into_iter().map(|column| ObjectName(vec![ObjectNamePart::Identifier(column)]));
    let alias = alias.map(|alias| ObjectName::from(vec![marker("AS"), alias]));
    JoinConstraint::Using(columns.chain(alias).collect())
}

/// The elements of `GROUP BY`, and whether `DISTINCT` was written.
pub fn group_by(group_by: &GroupByExpr) -> (&[Expr], bool) {
    match group_by {
        GroupByExpr::Expressions(elements, _) => match elements.as_slice() {
            [element] => match prefixed_by(element, "DISTINCT") {
                Some(Expr::Tuple(elements)) => (elements, true),
                _ => (elements, false),
            },
            elements => (elements, false),
        },
        GroupByExpr::All(_) => (&[], false),
    }
}

pub(crate) fn group_by_elements(elements: Vec<Expr>, distinct: bool) -> GroupByExpr {
    let elements = if distinct { vec![prefixed("DISTINCT", Expr::Tuple(elements))] } else { elements };
    GroupByExpr::Expressions(elements, Vec::new())
}

/// A step from a column into its value, in `SET column[1].field = …` and `INSERT INTO t (column.field)`.
#[derive(Clone, Copy, Debug)]
pub enum PathStep<'a> {
    /// `.field`; the first step is the column itself.
    Field(&'a Ident),
    /// `[index]`.
    Index(&'a Expr),
    /// `[lower:upper]`.
    Slice(Option<&'a Expr>, Option<&'a Expr>),
}

/// The steps of an assignment's target; the first one is the column.
pub fn target_path<'a>(target: &'a ObjectName) -> Vec<PathStep<'a>> {
    let step = |part: &'a ObjectNamePart| match part {
        ObjectNamePart::Identifier(ident) => PathStep::Field(ident),
        ObjectNamePart::Function(subscript) => match subscript.args.as_slice() {
            [index] => argument(index).map_or(PathStep::Slice(None, None), |(index, _)| PathStep::Index(index)),
            bounds => {
                let bound = |at: usize| bounds.get(at).and_then(argument).map(|(bound, _)| bound);
                PathStep::Slice(bound(0), bound(1))
            }
        },
    };
    target.0.iter().map(step).collect()
}

/// A subscript in an assignment's target: one argument is an index, two are the bounds of a slice, `*` a missing one.
pub(crate) fn subscript_part(bounds: Vec<Option<Expr>>) -> ObjectNamePart {
    let arg =
        |bound: Option<Expr>| FunctionArg::Unnamed(bound.map_or(FunctionArgExpr::Wildcard, FunctionArgExpr::Expr));
    ObjectNamePart::Function(ObjectNamePartFunction { name: marker("[]"), args: bounds.into_iter().map(arg).collect() })
}

/// Between the names of tables, which cannot contain it.
const NAME_END: char = '\0';

/// Whether the query of an item of `WITH RECURSIVE` names a table that is none of its own `WITH` items.
pub fn mentions(item: &Cte, table: &str) -> bool {
    item.from.as_ref().is_some_and(|names| names.value.split(NAME_END).any(|name| name == table))
}

pub(crate) fn mentioned(tables: &[Box<str>]) -> Option<Ident> {
    let names: Vec<&str> = tables.iter().map(|name| &**name).collect();
    (!names.is_empty()).then(|| marker(&names.join(&NAME_END.to_string())))
}

/// `SEARCH … FIRST BY columns SET sequence` of a `WITH` item.
#[derive(Clone, Debug)]
pub struct SearchClause<'a> {
    /// Where it stands.
    pub position: Option<u32>,
    /// `DEPTH` rather than `BREADTH`.
    pub depth_first: bool,
    /// The columns rows are ordered by.
    pub columns: Vec<&'a Ident>,
    /// The column that is added.
    pub sequence: &'a Ident,
}

/// `CYCLE columns SET mark TO value DEFAULT default USING path` of a `WITH` item.
#[derive(Clone, Debug)]
pub struct CycleClause<'a> {
    /// Where it stands.
    pub position: Option<u32>,
    /// The columns that are the same when a cycle is closed.
    pub columns: Vec<&'a Ident>,
    /// The column that tells of it.
    pub mark: &'a Ident,
    /// Its value when a cycle was found.
    pub value: &'a Expr,
    /// Its value otherwise.
    pub default: &'a Expr,
    /// The column that holds the rows passed.
    pub path: &'a Ident,
}

fn name_list(items: &[Expr]) -> Vec<&Ident> {
    let names = items.iter().filter_map(|item| match item {
        Expr::Identifier(ident) => Some(ident),
        _ => None,
    });
    names.collect()
}

fn clause_of(query: &Query, named: impl Fn(&Ident) -> bool) -> Option<&Setting> {
    query.settings.iter().flatten().find(|clause| named(&clause.key))
}

/// The `SEARCH` clause of the `WITH` item whose query this is.
pub fn search(query: &Query) -> Option<SearchClause<'_>> {
    let clause = clause_of(query, |key| is_marker(key, "SEARCH DEPTH") || is_marker(key, "SEARCH BREADTH"))?;
    let Expr::Tuple(items) = &clause.value else { return None };
    let mut columns = name_list(items);
    let sequence = columns.pop()?;
    let depth_first = is_marker(&clause.key, "SEARCH DEPTH");
    Some(SearchClause { position: crate::position::of_span(clause.key.span), depth_first, columns, sequence })
}

/// The `CYCLE` clause of the `WITH` item whose query this is.
pub fn cycle(query: &Query) -> Option<CycleClause<'_>> {
    let clause = clause_of(query, |key| is_marker(key, "CYCLE"))?;
    let Expr::Tuple(items) = &clause.value else { return None };
    let [Expr::Tuple(columns), Expr::Identifier(mark), value, default, Expr::Identifier(path)] = items.as_slice()
    else {
        return None;
    };
    let position = crate::position::of_span(clause.key.span);
    Some(CycleClause { position, columns: name_list(columns), mark, value, default, path })
}

fn clause_at(text: &str, position: u32, items: Vec<Expr>) -> Setting {
    let key = Ident { span: crate::position::span(position, position), ..marker(text) };
    Setting { key, value: Expr::Tuple(items) }
}

pub(crate) fn search_clause(position: u32, depth_first: bool, columns: Vec<Ident>, sequence: Ident) -> Setting {
    let text = if depth_first { "SEARCH DEPTH" } else { "SEARCH BREADTH" };
    clause_at(text, position, columns.into_iter().chain([sequence]).map(Expr::Identifier).collect())
}

pub(crate) fn cycle_clause(
    position: u32,
    columns: Vec<Ident>,
    mark: Ident,
    [value, default]: [Expr; 2],
    path: Ident,
) -> Setting {
    let columns = Expr::Tuple(columns.into_iter().map(Expr::Identifier).collect());
    let items = vec![columns, Expr::Identifier(mark), value, default, Expr::Identifier(path)];
    clause_at("CYCLE", position, items)
}
