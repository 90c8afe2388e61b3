//! What a query says, clause by clause, with everything in it bound: the form its text is made from.
//!
//! The logical plan has the same meaning but has lost the wording (aliases, USING, WINDOW names), so the binder keeps this
//! tree beside it when it is asked to ([`super::record`]).

use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_types::Type;

use crate::bind::NamedColumn;
use crate::expr::{AggregateCall, Expr, SortKey, WindowCall};
use crate::logical::{Column, JoinKind, SetOpKind};

/// A whole query.
#[derive(Clone, Debug)]
pub struct Query {
    /// `WITH RECURSIVE`.
    pub recursive: bool,
    /// `WITH` items.
    pub ctes: Vec<Cte>,
    /// What is between WITH and ORDER BY.
    pub body: Body,
    /// `ORDER BY`.
    pub order: Vec<SortKey>,
    /// `LIMIT` or `FETCH FIRST`; NULL is `LIMIT ALL`.
    pub limit: Option<Expr>,
    /// `OFFSET`.
    pub offset: Option<Expr>,
    /// `FETCH FIRST … WITH TIES`.
    pub with_ties: bool,
    /// Row locks.
    pub locks: Vec<Lock>,
}

impl Query {
    /// A query that is its body.
    pub fn of(body: Body) -> Self {
        Query {
            recursive: false,
            ctes: Vec::new(),
            body,
            order: Vec::new(),
            limit: None,
            offset: None,
            with_ties: false,
            locks: Vec::new(),
        }
    }

    /// Whether it is more than its body.
    pub fn has_clauses(&self) -> bool {
        !self.ctes.is_empty()
            || !self.order.is_empty()
            || self.limit.is_some()
            || self.offset.is_some()
            || !self.locks.is_empty()
    }
}

/// A row lock, in words.
#[derive(Clone, Debug)]
pub struct Lock {
    /// `FOR UPDATE` and its kin.
    pub strength: &'static str,
    /// `OF table`.
    pub of: Option<Arc<str>>,
    /// `NOWAIT` or `SKIP LOCKED`, with a space before.
    pub wait: &'static str,
}

/// A `WITH` item.
#[derive(Clone, Debug)]
pub struct Cte {
    /// Its name.
    pub name: Arc<str>,
    /// The column names given to it.
    pub columns: Vec<Arc<str>>,
    /// Its query.
    pub query: Query,
    /// `MATERIALIZED` (true), `NOT MATERIALIZED` (false).
    pub materialized: Option<bool>,
    /// `SEARCH`.
    pub search: Option<Search>,
    /// `CYCLE`.
    pub cycle: Option<Cycle>,
}

/// `SEARCH` of a `WITH` item.
#[derive(Clone, Debug)]
pub struct Search {
    /// `DEPTH` rather than `BREADTH`.
    pub depth_first: bool,
    /// The columns searched by.
    pub columns: Vec<Arc<str>>,
    /// The added column.
    pub sequence: Arc<str>,
}

/// `CYCLE` of a `WITH` item.
#[derive(Clone, Debug)]
pub struct Cycle {
    /// The columns that tell a cycle.
    pub columns: Vec<Arc<str>>,
    /// The added mark.
    pub mark: Arc<str>,
    /// Its two values, unless they are true and false.
    pub values: Option<[Expr; 2]>,
    /// The added path.
    pub path: Arc<str>,
}

/// The body of a query.
#[derive(Clone, Debug)]
pub enum Body {
    /// `SELECT`.
    Select(Box<Select>),
    /// `VALUES`.
    Values(Vec<Vec<Expr>>),
    /// `UNION` and its kin.
    SetOp(Box<SetOp>),
    /// A query in parentheses.
    Query(Box<Query>),
    /// A data-modifying statement.
    Change(Box<Change>),
}

/// A data-modifying statement.
#[derive(Clone, Debug)]
pub struct Change {
    /// The table that is changed.
    pub target: Table,
    /// What is done to it.
    pub action: ChangeAction,
    /// `RETURNING`.
    pub returning: Vec<(Column, Expr)>,
}

/// What is done to a table.
#[derive(Clone, Debug)]
pub enum ChangeAction {
    /// `INSERT`.
    Insert(Insert),
    /// `UPDATE`.
    Update(Update),
    /// `DELETE`: USING and WHERE.
    Delete(Vec<FromItem>, Option<Expr>),
    /// `MERGE`.
    Merge(Merge),
}

/// `MERGE`.
#[derive(Clone, Debug)]
pub struct Merge {
    /// `USING`: one item.
    pub source: Vec<FromItem>,
    /// `ON`.
    pub on: Expr,
    /// `WHEN`, in order.
    pub clauses: Vec<MergeWhen>,
}

/// `WHEN` of a MERGE.
#[derive(Clone, Debug)]
pub struct MergeWhen {
    /// `MATCHED`.
    pub matched: bool,
    /// `AND`.
    pub condition: Option<Expr>,
    /// `THEN`.
    pub action: MergeThen,
}

/// What a MERGE does with a row.
#[derive(Clone, Debug)]
pub enum MergeThen {
    /// `DO NOTHING`.
    Nothing,
    /// `DELETE`.
    Delete,
    /// `UPDATE SET`.
    Update(Vec<Assignment>),
    /// `INSERT`: OVERRIDING with a space before, and values of columns; without any, `DEFAULT VALUES`.
    Insert(&'static str, Vec<(TargetName, Option<Expr>)>),
}

/// `INSERT`.
#[derive(Clone, Debug)]
pub struct Insert {
    /// The columns that are given.
    pub columns: Vec<TargetName>,
    /// `OVERRIDING … VALUE`, with a space at its end.
    pub overriding: &'static str,
    /// Where the rows come from.
    pub source: InsertSource,
    /// `ON CONFLICT`.
    pub conflict: Option<Conflict>,
}

/// Where the rows of an INSERT come from.
#[derive(Clone, Debug)]
pub enum InsertSource {
    /// `DEFAULT VALUES`.
    Defaults,
    /// `VALUES`; none is `DEFAULT`.
    Values(Vec<Vec<Option<Expr>>>),
    /// A query.
    Query(Box<Query>),
}

/// `ON CONFLICT`.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// What follows these words, up to `DO`.
    pub target: String,
    /// `DO UPDATE`: the columns set, and WHERE.
    pub update: Option<(Vec<Assignment>, Option<Expr>)>,
    /// The row that could not be inserted.
    pub excluded: Option<Table>,
}

/// `UPDATE`.
#[derive(Clone, Debug)]
pub struct Update {
    /// `SET`.
    pub set: Vec<Assignment>,
    /// `FROM`.
    pub from: Vec<FromItem>,
    /// `WHERE`.
    pub filter: Option<Expr>,
}

/// An item of `SET`, or a value of an INSERT.
#[derive(Clone, Debug)]
pub enum Assignment {
    /// One column; no value is `DEFAULT`.
    Value(TargetName, Option<Expr>),
    /// Several columns, from a query.
    Row(Vec<TargetName>, Box<Query>),
}

impl Assignment {
    /// The columns that get values.
    pub fn targets(&self) -> &[TargetName] {
        match self {
            Assignment::Value(target, _) => std::slice::from_ref(target),
            Assignment::Row(targets, _) => targets,
        }
    }
}

/// A column that gets a value, or a part of one.
#[derive(Clone, Debug)]
pub struct TargetName {
    /// The column.
    pub attnum: i16,
    /// The way into its value, as it is written after the column.
    pub steps: String,
}

/// Two bodies combined.
#[derive(Clone, Debug)]
pub struct SetOp {
    /// Which operation.
    pub kind: SetOpKind,
    /// `ALL`.
    pub all: bool,
    /// Its columns, to which literals of the arms are coerced and ORDER BY refers.
    pub columns: Vec<Column>,
    /// Left arm.
    pub left: Body,
    /// Right arm.
    pub right: Body,
}

/// `SELECT`.
#[derive(Clone, Debug, Default)]
pub struct Select {
    /// `DISTINCT`; with expressions `DISTINCT ON`.
    pub distinct: Option<Vec<Expr>>,
    /// The select list, stars expanded.
    pub list: Vec<(Column, Expr)>,
    /// `FROM`.
    pub from: Vec<FromItem>,
    /// `WHERE`.
    pub filter: Option<Expr>,
    /// `GROUP BY`.
    pub groups: Vec<Group>,
    /// `GROUP BY DISTINCT`.
    pub distinct_groups: bool,
    /// `HAVING`.
    pub having: Option<Expr>,
    /// `WINDOW`.
    pub windows: Vec<(Arc<str>, crate::expr::Window)>,
    /// Calls that stand as columns in the expressions.
    pub calls: Calls,
    /// ORDER BY, until the enclosing query takes it.
    pub order: Vec<SortKey>,
}

/// The calls of a level, by the column that stands for each.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    /// Aggregates.
    pub aggregates: Vec<(Column, AggregateCall)>,
    /// `GROUPING(…)`.
    pub groupings: Vec<(Column, Vec<Expr>)>,
    /// Window calls.
    pub windows: Vec<(Column, WindowCall)>,
    /// Set-returning calls.
    pub sets: Vec<(Column, Expr)>,
}

/// An item of GROUP BY.
#[derive(Clone, Debug)]
pub enum Group {
    /// An expression.
    Expr(Expr),
    /// Several in parentheses; none at all is `()`.
    Set(Vec<Group>),
    /// `ROLLUP (…)`, `CUBE (…)`, `GROUPING SETS (…)`, by its words.
    Sets(&'static str, Vec<Group>),
}

/// An item of FROM.
#[derive(Clone, Debug)]
pub enum FromItem {
    /// What is no join.
    Table(Table),
    /// A join.
    Join(Box<Join>),
}

/// A table, subquery or function in FROM.
#[derive(Clone, Debug)]
pub struct Table {
    /// What it is.
    pub source: Source,
    /// The alias it was given.
    pub alias: Option<Arc<str>>,
    /// Whether the alias has a column list.
    pub renames: bool,
    /// Its columns under the names they have in the query.
    pub columns: Vec<NamedColumn>,
    /// System columns.
    pub system: Vec<NamedColumn>,
    /// Its columns in other versions of its rows, such as those after a change.
    pub also: Vec<Vec<NamedColumn>>,
    /// `LATERAL`, written or, of functions, meant.
    pub lateral: bool,
    /// `TABLESAMPLE`.
    pub sample: Option<Sample>,
}

/// `TABLESAMPLE method (percent) REPEATABLE (seed)`.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The method.
    pub method: &'static str,
    /// Its argument.
    pub percent: Expr,
    /// The seed.
    pub seed: Option<Expr>,
}

/// What an item of FROM reads.
#[derive(Clone, Debug)]
pub enum Source {
    /// A table or view.
    Relation(Arc<Relation>, bool),
    /// A `WITH` item.
    Cte(Arc<str>),
    /// A subquery.
    Query(Box<Query>),
    /// Functions side by side.
    Function(Functions),
}

/// Functions in FROM.
#[derive(Clone, Debug)]
pub struct Functions {
    /// The calls, each with its own column definition list.
    pub calls: Vec<(Expr, Vec<(Arc<str>, Type)>)>,
    /// `WITH ORDINALITY`.
    pub ordinality: bool,
    /// Name of the first, when it has no alias.
    pub name: Arc<str>,
}

impl Functions {
    /// Whether it is `XMLTABLE`, which is a table of its name and no function.
    pub fn is_xml_table(&self) -> bool {
        matches!(self.calls.as_slice(), [(Expr::Call(call), _)] if crate::xml_table::XmlTable::of(call).is_some())
    }
}

/// A join.
#[derive(Clone, Debug)]
pub struct Join {
    /// Which.
    pub kind: JoinKind,
    /// Left side.
    pub left: FromItem,
    /// Right side.
    pub right: FromItem,
    /// `ON`.
    pub on: Option<Expr>,
    /// Columns of `USING` (or `NATURAL`) and what each stands for.
    pub using: Vec<NamedColumn>,
    /// The columns that each of them is made of.
    pub sides: Vec<(Expr, Expr)>,
    /// `USING (…) AS alias`.
    pub using_alias: Option<Arc<str>>,
    /// The alias of the join.
    pub alias: Option<JoinAlias>,
}

/// The alias of a join: the names inside are hidden.
#[derive(Clone, Debug)]
pub struct JoinAlias {
    /// It.
    pub name: Arc<str>,
    /// The columns of the join under the names they have outside.
    pub columns: Vec<NamedColumn>,
    /// How many of them it lists.
    pub listed: usize,
}
