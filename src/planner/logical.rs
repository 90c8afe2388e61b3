//! The logical plan: relational operators over columns named by [`ColumnId`].
//!
//! The binder makes it, the rules in [`crate::rules`] reshape it, [`crate::physical`] is made from it. A column id that
//! no input provides belongs to an outer query: that is all correlation is here.

use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_catalog::trigger::Event;
use dictdb_types::{Oid, Type};

use crate::expr::{AggregateCall, ColumnId, Expr, SortKey, WindowCall};
use crate::physical::ROW_ID;

/// A column a node produces.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its identity.
    pub id: ColumnId,
    /// Its name, as clients see it.
    pub name: Arc<str>,
    /// Its type.
    pub ty: Type,
    /// Table and attnum when it is a plain column of a table (RowDescription reports it).
    pub source: Option<(Oid, i16)>,
}

/// A relational operator.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each variant's comment explains its fields")]
pub enum Node {
    /// Constant rows; no column and one row for a SELECT without FROM.
    Values { columns: Vec<Column>, rows: Vec<Vec<Expr>> },
    /// A table or system catalog.
    Scan(Box<Scan>),
    /// `TABLESAMPLE`: some rows of a table.
    Sample(Box<Sample>),
    /// Set-returning functions side by side (`ROWS FROM`), or one.
    FunctionScan(Box<FunctionScan>),
    /// A reference to a CTE: columns are new, in the order of the CTE's.
    CteScan { cte: CteId, alias: Arc<str>, columns: Vec<Column> },
    /// Computes columns; those of the input not named here end.
    Project { input: Box<Node>, columns: Vec<(Column, Expr)> },
    /// Keeps rows for which the predicate is true.
    Filter { input: Box<Node>, predicate: Expr },
    /// Joins. With `lateral`, the right side may refer to columns of the left.
    Join { kind: JoinKind, left: Box<Node>, right: Box<Node>, on: Option<Expr>, lateral: bool },
    /// Groups and aggregates.
    Aggregate(Box<Aggregate>),
    /// Computes window calls that share a window; adds their columns to the input's.
    Window { input: Box<Node>, calls: Vec<(Column, WindowCall)> },
    /// Expands set-returning calls of a select list in lockstep; adds their columns to the input's.
    ProjectSet { input: Box<Node>, calls: Vec<(Column, Expr)> },
    /// Orders.
    Sort { input: Box<Node>, keys: Vec<SortKey> },
    /// `LIMIT`, `OFFSET`, `FETCH FIRST … WITH TIES` (ties of the Sort below). Without either it is a [`Node::fence`].
    Limit { input: Box<Node>, limit: Option<Expr>, offset: Option<Expr>, with_ties: bool },
    /// `DISTINCT` over all columns, or `DISTINCT ON (…)` of sorted input.
    Distinct { input: Box<Node>, on: Option<Vec<Expr>> },
    /// UNION, INTERSECT, EXCEPT; inputs match column by column.
    SetOp { kind: SetOpKind, all: bool, columns: Vec<Column>, left: Box<Node>, right: Box<Node> },
    /// CTEs and the query that may refer to them.
    With { ctes: Vec<Cte>, body: Box<Node> },
    /// INSERT, UPDATE, DELETE; produces the RETURNING columns.
    Modify(Box<Modify>),
    /// `FOR UPDATE` and weaker: locks rows of the tables below, by their row id columns.
    /// `identity` are input columns that tell the rows of tables that are not locked apart.
    LockRows { input: Box<Node>, targets: Vec<LockTarget>, identity: Vec<ColumnId> },
}

/// Identity of a CTE within one statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CteId(pub u32);

/// A `WITH` item.
#[derive(Clone, Debug)]
pub struct Cte {
    /// Identity.
    pub id: CteId,
    /// Name.
    pub name: Arc<str>,
    /// Its query; in a recursive CTE the non-recursive term.
    pub query: Node,
    /// The recursive term, whose CteScan of the same id reads the working table, and whether it is UNION ALL.
    pub recursive: Option<(Node, bool)>,
    /// `MATERIALIZED` (true), `NOT MATERIALIZED` (false).
    pub materialized: Option<bool>,
}

/// Reading a table.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The table.
    pub relation: Arc<Relation>,
    /// Alias, or the table's name.
    pub alias: Arc<str>,
    /// Columns read, with their attnums; zero or below is a system column (`tableoid` -6, `ctid` -1, `xmin` -2).
    pub columns: Vec<(Column, i16)>,
    /// Column that carries the row id, for Modify and LockRows.
    pub row_id: Option<ColumnId>,
    /// The tables whose rows it reads when they are not the relation's alone ([`dictdb_catalog::Catalog::members`]).
    pub members: Arc<[Arc<Relation>]>,
    /// Which member of a larger scan it is: its row ids say so.
    pub member: u16,
}

/// `TABLESAMPLE method (percent) REPEATABLE (seed)`.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The table's scan.
    pub input: Node,
    /// The scan's row id.
    pub row_id: ColumnId,
    /// How rows are chosen.
    pub method: SampleMethod,
    /// How many in a hundred, as `float4`.
    pub percent: Expr,
    /// The seed, as `float8`.
    pub seed: Option<Expr>,
}

/// Methods of sampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleMethod {
    /// Each row by itself.
    Bernoulli,
    /// Blocks of rows.
    System,
}

/// Functions in FROM.
#[derive(Clone, Debug)]
pub struct FunctionScan {
    /// The calls; several run in lockstep. Arguments may refer to the left side of a lateral join.
    pub calls: Vec<FunctionItem>,
    /// `WITH ORDINALITY`.
    pub ordinality: Option<Column>,
    /// Alias or function name.
    pub alias: Arc<str>,
}

/// One function in FROM and its columns; a composite result is spread over several.
#[derive(Clone, Debug)]
pub struct FunctionItem {
    /// The call; it need not return a set.
    pub call: Expr,
    /// Columns.
    pub columns: Vec<Column>,
    /// Whether the result is a composite to be spread.
    pub spread: bool,
    /// Whether the query defines the columns.
    pub defined: bool,
}

/// Kinds of join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// `INNER` and `CROSS`.
    Inner,
    /// `LEFT`.
    Left,
    /// `RIGHT`.
    Right,
    /// `FULL`.
    Full,
    /// Left rows with a match; made from EXISTS and IN.
    Semi,
    /// Left rows without a match; made from NOT EXISTS.
    Anti,
}

/// Grouping.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// Input.
    pub input: Node,
    /// Grouping expressions with their output columns.
    pub groups: Vec<(Column, Expr)>,
    /// Grouping sets as positions in `groups`; `None` is the one set of all.
    pub sets: Option<Vec<Vec<usize>>>,
    /// Aggregates with their output columns.
    pub calls: Vec<(Column, AggregateCall)>,
    /// `GROUPING(…)` results: output column and positions in `groups`, first argument most significant.
    pub groupings: Vec<(Column, Vec<usize>)>,
}

/// Kinds of set operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOpKind {
    /// `UNION`.
    Union,
    /// `INTERSECT`.
    Intersect,
    /// `EXCEPT`.
    Except,
}

/// A table whose rows are locked.
#[derive(Clone, Debug)]
pub struct LockTarget {
    /// The table.
    pub relation: Arc<Relation>,
    /// The tables that its rows are in when they are not the relation's alone.
    pub members: Arc<[Arc<Relation>]>,
    /// Column with the row id.
    pub row_id: ColumnId,
    /// How strongly.
    pub strength: LockStrength,
    /// What to do when it is locked already.
    pub wait: LockWait,
}

/// `FOR …`.
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

impl LockStrength {
    /// As it is written.
    pub fn as_sql(self) -> &'static str {
        match self {
            LockStrength::KeyShare => "FOR KEY SHARE",
            LockStrength::Share => "FOR SHARE",
            LockStrength::NoKeyUpdate => "FOR NO KEY UPDATE",
            LockStrength::Update => "FOR UPDATE",
        }
    }
}

/// `SKIP LOCKED` and `NOWAIT`; the last one wins where clauses differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockWait {
    /// Wait.
    Block,
    /// Leave the row out.
    SkipLocked,
    /// 55P03.
    NoWait,
}

/// A data-modifying statement.
#[derive(Clone, Debug)]
pub struct Modify {
    /// The table.
    pub relation: Arc<Relation>,
    /// Alias, for messages and EXPLAIN.
    pub alias: Arc<str>,
    /// The tables that its rows are in when they are not the relation's alone; row ids tell which.
    pub members: Arc<[Arc<Relation>]>,
    /// What happens, over the columns of `input`.
    pub action: ModifyAction,
    /// Rows to insert, or rows to change with their row ids.
    pub input: Node,
    /// Input columns that tell the rows of the other tables apart: looking at a changed target row again must not pair
    /// it with others.
    pub identity: Vec<ColumnId>,
    /// Columns of the table's new row (INSERT, UPDATE) or old row (DELETE), in attnum order, that the expressions of
    /// `returning`, `checks` and ON CONFLICT refer to.
    pub row: Vec<(Column, i16)>,
    /// RETURNING.
    pub returning: Option<Vec<(Column, Expr)>>,
    /// CHECK constraints over `row`, with their names; WITH CHECK OPTION too (the name is then the view's).
    pub checks: Vec<(Check, Expr)>,
    /// Stored generated columns: attnum and expression over `row`.
    pub generated: Vec<(i16, Expr)>,
}

/// What a failed check answers.
#[derive(Clone, Debug)]
pub enum Check {
    /// 23514 naming the constraint.
    Constraint(Arc<str>),
    /// 44000 naming the view.
    View(Arc<str>),
    /// A policy of a table (without name: the permissive ones together), which NULL does not satisfy.
    Policy {
        /// The table.
        table: Arc<str>,
        /// A restrictive policy.
        policy: Option<Arc<str>>,
        /// Which rows it is about.
        stage: PolicyStage,
    },
}

/// Which rows a policy is checked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyStage {
    /// Rows to be inserted.
    Insert,
    /// Rows that ON CONFLICT DO UPDATE finds.
    Conflict,
    /// Rows that were updated.
    Update,
    /// Rows that MERGE updates, as they were.
    MergeUpdate,
    /// Rows that MERGE deletes.
    MergeDelete,
}

/// What Modify does.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each variant's comment explains its fields")]
pub enum ModifyAction {
    /// Input columns in the order of `targets`; other columns get NULL (defaults are in the input already). The first `given` of them
    /// are those that the statement gives values to.
    Insert { targets: Vec<i16>, given: usize, on_conflict: Option<OnConflict> },
    /// `row_id` of the input, and per assignment the attnum and the input column with the new value.
    Update { row_id: ColumnId, assignments: Vec<(i16, ColumnId)> },
    /// `row_id` of the input.
    Delete { row_id: ColumnId },
    /// INSTEAD OF triggers of a view: the input columns with the old row, and for UPDATE those with new values.
    Instead { event: Event, old: Vec<(i16, ColumnId)>, assignments: Vec<(i16, ColumnId)> },
    /// The first clause that applies; `row_id` is NULL where nothing matched. Expressions are over the input.
    Merge { row_id: ColumnId, clauses: Vec<MergeClause> },
}

/// `WHEN [NOT] MATCHED [AND condition] THEN action`.
#[derive(Clone, Debug)]
pub struct MergeClause {
    /// Whether it is for source rows with a match.
    pub matched: bool,
    /// `AND …`.
    pub condition: Option<Expr>,
    /// `THEN …`.
    pub action: MergeAction,
}

/// What a MERGE clause does, over the columns of the input.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each variant's comment explains its fields")]
pub enum MergeAction {
    /// `INSERT`: attnum and value of each column that gets one.
    Insert { values: Vec<(i16, Expr)> },
    /// `UPDATE`: attnum and new value.
    Update { values: Vec<(i16, Expr)> },
    /// `DELETE`.
    Delete,
    /// `DO NOTHING`.
    Nothing,
}

impl MergeAction {
    /// Attnum and value of each column that gets one.
    fn values(&self) -> &[(i16, Expr)] {
        match self {
            MergeAction::Insert { values } | MergeAction::Update { values } => values,
            MergeAction::Delete | MergeAction::Nothing => &[],
        }
    }
}

impl MergeClause {
    /// The expressions of the clause.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        self.condition.iter().chain(self.action.values().iter().map(|(_, value)| value))
    }

    /// The columns that the clause gives values to, by attnum.
    pub fn assigned(&self) -> impl Iterator<Item = i16> + '_ {
        self.action.values().iter().map(|(attnum, _)| *attnum)
    }

    /// The expressions of the clause, to change them.
    pub fn exprs_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        let values = match &mut self.action {
            MergeAction::Insert { values } | MergeAction::Update { values } => values.as_mut_slice(),
            MergeAction::Delete | MergeAction::Nothing => &mut [],
        };
        self.condition.iter_mut().chain(values.iter_mut().map(|(_, value)| value))
    }
}

/// `ON CONFLICT`.
#[derive(Clone, Debug)]
pub struct OnConflict {
    /// Arbiter indexes; empty for DO NOTHING without a target (every unique index).
    pub indexes: Vec<Oid>,
    /// `DO UPDATE`; `None` is DO NOTHING.
    pub update: Option<ConflictUpdate>,
}

/// `DO UPDATE SET … WHERE …`.
#[derive(Clone, Debug)]
pub struct ConflictUpdate {
    /// Columns of the existing row, that expressions refer to by the table's name.
    pub existing: Vec<(Column, i16)>,
    /// Columns of the row proposed for insertion (`excluded`).
    pub excluded: Vec<(Column, i16)>,
    /// Attnum and new value.
    pub assignments: Vec<(i16, Expr)>,
    /// `WHERE`.
    pub filter: Option<Expr>,
}

impl Node {
    /// The same rows, behind a fence: what could tell of rows that are kept back is not asked before (`security_barrier`).
    pub fn fence(node: Node) -> Node {
        Node::Limit { input: Box::new(node), limit: None, offset: None, with_ties: false }
    }

    /// The columns the node produces, in order.
    pub fn columns(&self) -> Vec<Column> {
        let mut out = Vec::new();
        self.collect_columns(&mut out);
        out
    }

    fn collect_columns(&self, out: &mut Vec<Column>) {
        match self {
            Node::Values { columns, .. } | Node::CteScan { columns, .. } | Node::SetOp { columns, .. } => {
                out.extend(columns.iter().cloned());
            }
            Node::Scan(scan) => {
                out.extend(scan.columns.iter().map(|(column, _)| column.clone()));
                out.extend(scan.row_id.map(|id| Column { id, name: Arc::from("row id"), ty: ROW_ID, source: None }));
            }
            Node::FunctionScan(scan) => {
                out.extend(scan.calls.iter().flat_map(|item| item.columns.iter().cloned()));
                out.extend(scan.ordinality.iter().cloned());
            }
            Node::Sample(sample) => sample.input.collect_columns(out),
            Node::Project { columns, .. } => out.extend(columns.iter().map(|(column, _)| column.clone())),
            Node::Filter { input, .. }
            | Node::Sort { input, .. }
            | Node::Limit { input, .. }
            | Node::Distinct { input, .. }
            | Node::LockRows { input, .. }
            | Node::With { body: input, .. } => input.collect_columns(out),
            Node::Join { kind, left, right, .. } => {
                left.collect_columns(out);
                if !matches!(kind, JoinKind::Semi | JoinKind::Anti) {
                    right.collect_columns(out);
                }
            }
            Node::Aggregate(aggregate) => {
                out.extend(aggregate.groups.iter().map(|(column, _)| column.clone()));
                out.extend(aggregate.calls.iter().map(|(column, _)| column.clone()));
                out.extend(aggregate.groupings.iter().map(|(column, _)| column.clone()));
            }
            Node::Window { input, calls } => {
                input.collect_columns(out);
                out.extend(calls.iter().map(|(column, _)| column.clone()));
            }
            Node::ProjectSet { input, calls } => {
                input.collect_columns(out);
                out.extend(calls.iter().map(|(column, _)| column.clone()));
            }
            Node::Modify(modify) => {
                out.extend(modify.returning.iter().flatten().map(|(column, _)| column.clone()));
            }
        }
    }
}
