//! The physical plan: what the executor runs. Columns are positions; expressions use [`Expr::Input`] and [`Expr::Outer`].
//!
//! Plans are data: immutable, shared by all executions of a statement, free of parameter values, printable by
//! [`crate::explain`]. Row ids travel between operators as `int8` columns ([`ROW_ID`]).

use std::collections::HashMap;
use std::sync::Arc;

use dictdb_catalog::trigger::Event;
use dictdb_catalog::{IndexMethod, Relation};
use dictdb_types::{Oid, Type, oids};

use crate::expr::{AggregateCall, Expr, SortKey, WindowCall};
use crate::logical::{Check, JoinKind, LockStrength, LockWait, MergeClause, SampleMethod, SetOpKind};
use crate::pruning::LatePruning;

/// Type of the columns that carry row ids.
pub const ROW_ID: Type = Type::new(oids::INT8);

/// A planned statement.
#[derive(Debug)]
pub struct Plan {
    /// The root; its columns are the result's.
    pub root: Node,
    /// Subqueries of expressions, by the number in [`crate::expr::Subplan::plan`].
    pub subplans: Vec<Node>,
    /// Materialised CTEs in order of definition: a later one may read an earlier one.
    pub ctes: Vec<Cte>,
    /// Entries of FROM that the statement and what it stands for have: EXPLAIN names tables where there are several.
    pub ranges: usize,
    /// Number of [`Expr::Outer`] slots in the whole plan.
    pub outer_slots: usize,
    /// Tables touched and the relation lock each needs, for the executor to take before it starts.
    pub locks: Vec<(Oid, TableLock)>,
    /// The tables that it reads or changes, ascending: some are locked for the checks of others.
    pub opened: Vec<Oid>,
    /// Whether the plan changes data .
    pub modifies: bool,
    /// Whether it changes tables that are not temporary: a read-only transaction may not.
    pub writes: bool,
}

/// Relation lock of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableLock {
    /// ACCESS SHARE.
    AccessShare,
    /// ROW SHARE.
    RowShare,
    /// ROW EXCLUSIVE.
    RowExclusive,
}

/// A CTE that is computed once per execution (on first use, or at the end for data-modifying ones nobody read).
#[derive(Debug)]
pub struct Cte {
    /// Name, for EXPLAIN.
    pub name: Arc<str>,
    /// The query, or the non-recursive term.
    pub query: Node,
    /// The recursive term, reading [`Op::WorkTable`], and whether duplicates are kept (UNION ALL).
    pub recursive: Option<(Node, bool)>,
    /// Whether it changes data and so must run to its end.
    pub modifies: bool,
    /// The part of the plan that defines it.
    pub part: Part,
}

/// A part of a plan that is run by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The statement.
    Statement,
    /// A subquery of an expression, by its number.
    Subplan(usize),
    /// The query of a CTE, by its number.
    Cte(usize),
}

/// An operator with what every operator has.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it does.
    pub op: Op,
    /// Types of the output columns.
    pub columns: Vec<Type>,
    /// Names of the output columns, for EXPLAIN VERBOSE and composite results.
    pub names: Vec<Arc<str>>,
    /// Estimated rows.
    pub rows: f64,
    /// Estimated cost in PostgreSQL's unit (a sequential page read is 1): to start, and in total.
    pub cost: (f64, f64),
}

/// A table as a plan refers to it.
#[derive(Clone, Debug)]
pub struct TableRef {
    /// The relation as of planning; a plan is not used after the catalog version changed.
    pub relation: Arc<Relation>,
    /// Alias.
    pub alias: Arc<str>,
}

/// PostgreSQL's hash table of some rows: they come in the order in which it has them.
#[derive(Clone, Debug, PartialEq)]
pub struct HashTable {
    /// The columns whose values are hashed.
    pub columns: Vec<usize>,
    /// The rows that it is made for.
    pub expected: f64,
}

/// The order in which rows come from an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOrder {
    /// That of its keys.
    Keys,
    /// From the last key to the first.
    Backward,
    /// That of the table: all rows that the index has are found before the first is read.
    Table,
}

/// What the inputs of an Append are.
#[derive(Clone, Debug)]
pub enum Appended {
    /// Queries: those of UNION ALL, or groups partition by partition.
    Queries,
    /// The two queries of INTERSECT or EXCEPT, each with a column in addition that says which one it is.
    Sides,
    /// The members of a table with children.
    Members {
        /// What the table is called.
        alias: Arc<str>,
        /// Whether they are its partitions, which compute what is asked of it themselves.
        partitioned: bool,
    },
    /// Joins of partitions.
    Partitions {
        /// The aliases of the partitioned tables.
        tables: Vec<Arc<str>>,
        /// Of each column the one that it is of.
        columns: Vec<Option<Arc<str>>>,
    },
}

/// Operators.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each variant's comment explains its fields")]
pub enum Op {
    /// Constant rows.
    Values { rows: Vec<Vec<Expr>> },
    /// Every row of a table, or those that conditions on `ctid` leave.
    SeqScan { table: TableRef, fetch: Fetch, tids: Option<Tids>, filter: Option<Expr> },
    /// Some rows of a table, chosen by their row ids; `percent` and `seed` have no input.
    Sample { input: Box<Node>, row_id: usize, method: SampleMethod, percent: Expr, seed: Option<Expr> },
    /// Rows found by an index, in its order (`reverse`: backwards).
    IndexScan {
        table: TableRef,
        index: Arc<Relation>,
        bounds: Vec<IndexBounds>,
        order: ReadOrder,
        fetch: Fetch,
        filter: Option<Expr>,
    },
    /// Rows found by indexes as a set, in the order of their ids. The set may be too large: `recheck` says what belongs.
    BitmapScan { table: TableRef, bitmap: Bitmap, recheck: Expr, fetch: Fetch, filter: Option<Expr> },
    /// Rows found one by one by an index of boxes in boxes, the nearest first if that is asked. It may find too many: `recheck`
    /// says what belongs.
    RegionScan {
        table: TableRef,
        index: Arc<Relation>,
        conditions: Vec<KeyCondition>,
        nearest: Option<Nearest>,
        recheck: Option<Expr>,
        fetch: Fetch,
        filter: Option<Expr>,
    },
    /// A system catalog. `equals` are conditions its producer may use to make fewer rows: (attnum, value); the filter repeats them.
    VirtualScan { table: TableRef, fetch: Fetch, equals: Vec<(i16, Expr)>, filter: Option<Expr> },
    /// Functions in FROM, in lockstep; `spread` marks composite results spread over several columns, and how many.
    FunctionScan { calls: Vec<(Expr, Option<usize>)>, ordinality: bool, alias: Arc<str> },
    /// A materialised CTE, by its number in [`Plan::ctes`].
    CteScan { cte: usize, alias: Arc<str> },
    /// The working table of a recursive CTE.
    WorkTable { cte: usize, alias: Arc<str> },
    /// Computes columns.
    Project { input: Box<Node>, exprs: Vec<Expr> },
    /// Keeps rows.
    Filter { input: Box<Node>, predicate: Expr },
    /// All rows, or none when the condition, which is about no row, is not true.
    Gate { input: Box<Node>, condition: Expr },
    /// Equi-join; keys are (left expression over left, right expression over right) with their equality function;
    /// `residual` is over left columns, then right ones. Semi and Anti produce left columns only. With `keep_order` rows
    /// come in the order of the left input.
    HashJoin {
        kind: JoinKind,
        left: Box<Node>,
        right: Box<Node>,
        keys: Vec<JoinKey>,
        residual: Option<Expr>,
        keep_order: bool,
        /// Of several right rows for a left one the last comes first.
        last_first: bool,
    },
    /// Equi-join of inputs that are sorted by the keys, ascending, NULLs last. Inner and Left; rows come in that order.
    MergeJoin { kind: JoinKind, left: Box<Node>, right: Box<Node>, keys: Vec<JoinKey>, residual: Option<Expr> },
    /// Join on any condition; `keep_order` likewise.
    NestedLoop { kind: JoinKind, left: Box<Node>, right: Box<Node>, on: Option<Expr>, keep_order: bool },
    /// For each outer row, probes an index of a table: `bounds` are over the outer row. Inner, Left, Semi, Anti.
    /// Output: outer columns, then fetched ones. `filter` is over both.
    IndexJoin {
        kind: JoinKind,
        outer: Box<Node>,
        table: TableRef,
        index: Arc<Relation>,
        bounds: Vec<IndexBounds>,
        fetch: Fetch,
        filter: Option<Expr>,
    },
    /// For each left row, sets the slots and runs the right side (LATERAL and what cannot be decorrelated). Inner, Left, Semi, Anti.
    Apply { kind: JoinKind, left: Box<Node>, right: Box<Node>, slots: Vec<(usize, Expr)>, on: Option<Expr> },
    /// Groups by hash, or all in one group when there are no groups; `sorted` input has the rows of a group together.
    /// Output: groups, calls, groupings.
    Aggregate {
        input: Box<Node>,
        groups: Vec<Expr>,
        sets: Option<Vec<Vec<usize>>>,
        calls: Vec<AggregateCall>,
        groupings: Vec<Vec<usize>>,
        sorted: bool,
        /// Of each grouping set the hash table that gives its groups their order; none where they come by value.
        hashed: Vec<HashTable>,
    },
    /// Window calls over one window; output: input columns, then calls. The input need not be sorted. A partition ends before
    /// the first row for which `run`, over the calls alone, is not true: it is not for those that follow either.
    Window { input: Box<Node>, calls: Vec<WindowCall>, run: Option<Expr> },
    /// Set-returning calls in lockstep (shorter ones padded with NULL); output: input columns, then calls.
    ProjectSet { input: Box<Node>, calls: Vec<Expr> },
    /// Sorts; with `fetch` only the first rows are wanted (an expression: LIMIT + OFFSET). The input is in the order of
    /// the first `presorted` keys already, so that only runs of rows with equal ones are sorted.
    Sort { input: Box<Node>, keys: Vec<SortKey>, fetch: Option<Expr>, presorted: usize },
    /// Skips and cuts. With `ties`, rows equal to the last one by these keys follow.
    Limit { input: Box<Node>, limit: Option<Expr>, offset: Option<Expr>, ties: Option<Vec<SortKey>> },
    /// Distinct rows.
    Distinct { input: Box<Node>, hashed: Option<HashTable> },
    /// First row of each group of the sorted input.
    DistinctOn { input: Box<Node>, keys: Vec<Expr> },
    /// Several inputs as one; parameters may rule some out. With `merged` keys each input is in their order, and so is what comes
    /// of them.
    Append { inputs: Vec<Node>, pruning: Option<Arc<LatePruning>>, of: Appended, merged: Vec<SortKey> },
    /// INTERSECT and EXCEPT, with or without ALL. (UNION is Distinct over Append.)
    SetOp { kind: SetOpKind, all: bool, left: Box<Node>, right: Box<Node>, hashed: Option<HashTable> },
    /// INTERSECT and EXCEPT of the rows of two queries that have equal ones together: the last column of the input says which
    /// of the two a row is of, and is no column of the output.
    SortedSetOp { kind: SetOpKind, all: bool, input: Box<Node> },
    /// Locks rows by row id columns of the input; in READ COMMITTED rows changed meanwhile are re-read and re-checked.
    /// `identity` are input columns that have to stay the same then.
    LockRows { input: Box<Node>, targets: Vec<LockTarget>, identity: Vec<usize> },
    /// Changes a table; output: RETURNING columns.
    Modify(Box<Modify>),
}

/// The rows that conditions on `ctid` leave.
#[derive(Clone, Debug)]
pub enum Tids {
    /// Those that any of these names.
    Named(Vec<TidCondition>),
    /// Those between bounds that all of these give.
    Range(Vec<TidCondition>),
}

impl Tids {
    /// The conditions.
    pub fn conditions(&self) -> &[TidCondition] {
        let (Tids::Named(conditions) | Tids::Range(conditions)) = self;
        conditions
    }
}

/// A comparison of `ctid` with a value that is known before the scan.
#[derive(Clone, Debug)]
pub struct TidCondition {
    /// The comparison, `ctid` being on its left.
    pub test: TidTest,
    /// The value.
    pub value: Expr,
    /// Whether the statement has the value on the left.
    pub commuted: bool,
}

/// A comparison with `ctid` on the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TidTest {
    /// `=`
    Equal,
    /// `= ANY`
    EqualAny,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
}

impl TidTest {
    /// The operator.
    pub fn symbol(self) -> &'static str {
        match self {
            TidTest::Equal | TidTest::EqualAny => "=",
            TidTest::Less => "<",
            TidTest::LessEqual => "<=",
            TidTest::Greater => ">",
            TidTest::GreaterEqual => ">=",
        }
    }

    /// Whether rows are named one by one.
    pub fn names_rows(self) -> bool {
        matches!(self, TidTest::Equal | TidTest::EqualAny)
    }
}

/// Which columns an access operator reads.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// Attnums in output order; system columns are negative.
    pub columns: Vec<i16>,
    /// Whether the row id follows as last output column.
    pub row_id: bool,
    /// Which member of a table with children is read: row ids carry it.
    pub member: u16,
    /// Whether all of that is in the keys of the index that finds the rows, so that these are not looked at themselves.
    pub from_keys: bool,
}

/// One search of an index. Several in an [`Op::IndexScan`] (`IN`, OR) are run in turn; they do not overlap or the scan
/// removes duplicates.
#[derive(Clone, Debug)]
pub struct IndexBounds {
    /// Values of the leading keys.
    pub equal: Vec<Expr>,
    /// Lower bound of the next key, inclusive or not.
    pub lower: Option<(Expr, bool)>,
    /// Upper bound of the next key, inclusive or not.
    pub upper: Option<(Expr, bool)>,
    /// `key = ANY (array)` on the next key instead of bounds: one search per distinct element, in key order.
    pub any: Option<Expr>,
    /// `key IS NULL` on the next key.
    pub is_null: bool,
    /// `key IS NOT NULL` on the next key, which has no other bounds.
    pub not_null: bool,
}

impl IndexBounds {
    /// The values that keys are compared with.
    pub fn values(&self) -> impl Iterator<Item = &Expr> {
        let ends = self.lower.iter().chain(&self.upper).map(|(value, _)| value);
        self.equal.iter().chain(ends).chain(&self.any)
    }
}

/// A set of rows, made by searches of indexes.
#[derive(Clone, Debug)]
pub enum Bitmap {
    /// The rows that an index has under all of these conditions.
    Search {
        /// The index.
        index: Arc<Relation>,
        /// Conditions on its keys.
        conditions: Vec<KeyCondition>,
    },
    /// The rows that an ordered index has in the ranges of these searches.
    Ranges {
        /// The index.
        index: Arc<Relation>,
        /// The searches.
        bounds: Vec<IndexBounds>,
    },
    /// The rows in all of these.
    All(Vec<Bitmap>),
    /// The rows in any of these.
    Any(Vec<Bitmap>),
}

/// A condition on a key of an index that gives sets.
#[derive(Clone, Debug)]
pub struct KeyCondition {
    /// Position of the key.
    pub key: usize,
    /// The key over the columns that are read, for EXPLAIN.
    pub left: Expr,
    /// What it asks.
    pub test: KeyTest,
}

/// What a condition asks of a key.
#[derive(Clone, Debug)]
pub enum KeyTest {
    /// `key operator value` with an operator of the key's class.
    Operator {
        /// `pg_amop.amopstrategy`.
        strategy: i16,
        /// The operator's name.
        operator: Arc<str>,
        /// The right operand.
        value: Expr,
    },
    /// `key IS NULL`.
    IsNull,
    /// `key IS NOT NULL`.
    IsNotNull,
}

impl KeyTest {
    /// What the key is compared with.
    pub fn value(&self) -> Option<&Expr> {
        match self {
            KeyTest::Operator { value, .. } => Some(value),
            KeyTest::IsNull | KeyTest::IsNotNull => None,
        }
    }
}

/// `ORDER BY key operator value` with an operator that says how far apart its operands are.
#[derive(Clone, Debug)]
pub struct Nearest {
    /// Position of the key.
    pub key: usize,
    /// The key over the columns that are read, for EXPLAIN.
    pub left: Expr,
    /// The operator's name.
    pub operator: Arc<str>,
    /// The right operand.
    pub value: Expr,
    /// The whole over the columns that are read.
    pub distance: Expr,
}

/// One key of an equi-join.
#[derive(Clone, Debug)]
pub struct JoinKey {
    /// Over the left input.
    pub left: Expr,
    /// Over the right input.
    pub right: Expr,
    /// Whether NULL equals NULL (IS NOT DISTINCT FROM).
    pub null_equals_null: bool,
}

/// A table whose rows are locked.
#[derive(Clone, Debug)]
pub struct LockTarget {
    /// The table.
    pub table: TableRef,
    /// The tables that its rows are in when they are not the table's alone.
    pub members: Arc<[Arc<Relation>]>,
    /// Input column with the row id.
    pub row_id: usize,
    /// Strength.
    pub strength: LockStrength,
    /// Waiting.
    pub wait: LockWait,
}

/// A change of a table. `Expr::Input(i)` in `returning`, `checks` and `generated` is position `i` of the table's full
/// row (attnum − 1), followed by the oid of the table that the row is in and the input's columns.
#[derive(Clone, Debug)]
pub struct Modify {
    /// The table.
    pub table: TableRef,
    /// The tables that its rows are in when they are not the table's alone; row ids tell which. Expressions are over rows as
    /// the table has them.
    pub members: Arc<[Arc<Relation>]>,
    /// What happens.
    pub action: Action,
    /// Rows.
    pub input: Node,
    /// Input columns that have to stay the same when a changed row is looked at again.
    pub identity: Vec<usize>,
    /// RETURNING.
    pub returning: Option<Vec<Expr>>,
    /// Attnums of the system columns that RETURNING names: they stand between the full row and the input row.
    pub system: Vec<i16>,
    /// CHECK constraints.
    pub checks: Vec<(Check, Expr)>,
    /// Generated columns.
    pub generated: Vec<(i16, Expr)>,
}

/// What Modify does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Input column `i` goes to attnum `targets[i]`; others are NULL.
    Insert {
        /// Attnums.
        targets: Vec<i16>,
        /// How many of them, the first ones, the statement itself gives values to.
        given: usize,
        /// ON CONFLICT.
        on_conflict: Option<OnConflict>,
    },
    /// Input column `row_id`, and attnum ← input column.
    Update {
        /// Input column with the row id.
        row_id: usize,
        /// Attnum and input column of each new value.
        assignments: Vec<(i16, usize)>,
    },
    /// Input column `row_id`.
    Delete {
        /// Input column with the row id.
        row_id: usize,
    },
    /// INSTEAD OF triggers of a view.
    Instead {
        /// UPDATE or DELETE.
        event: Event,
        /// Attnum and input column of each value of the old row.
        old: Vec<(i16, usize)>,
        /// Attnum and input column of each new value.
        assignments: Vec<(i16, usize)>,
    },
    /// The first clause that applies.
    Merge {
        /// Input column with the row id; NULL where nothing matched.
        row_id: usize,
        /// The clauses; their expressions are over the input.
        clauses: Vec<MergeClause>,
    },
}

/// `ON CONFLICT`.
#[derive(Clone, Debug)]
pub struct OnConflict {
    /// Arbiter indexes; empty means all unique ones.
    pub indexes: Vec<Oid>,
    /// `DO UPDATE`: expressions over the existing full row, then the full `excluded` row.
    pub update: Option<ConflictUpdate>,
}

/// `DO UPDATE`.
#[derive(Clone, Debug)]
pub struct ConflictUpdate {
    /// Attnum and new value.
    pub assignments: Vec<(i16, Expr)>,
    /// WHERE.
    pub filter: Option<Expr>,
}

impl Plan {
    /// Calls `f` with every operator: the root's tree, then subqueries, then CTEs.
    pub fn for_each_node<'p>(&'p self, f: &mut dyn FnMut(&'p Node)) {
        self.root.for_each(f);
        self.subplans.iter().for_each(|node| node.for_each(f));
        for cte in &self.ctes {
            cte.query.for_each(f);
            cte.recursive.iter().for_each(|(step, _)| step.for_each(f));
        }
    }

    /// A number for every operator, by its address.
    pub fn number(&self) -> HashMap<*const Node, usize> {
        let mut numbers = HashMap::new();
        self.for_each_node(&mut |node| {
            let next = numbers.len();
            numbers.insert(std::ptr::from_ref(node), next);
        });
        numbers
    }
}

impl Bitmap {
    /// Conditions looked up in all.
    pub fn searches(&self) -> usize {
        match self {
            Bitmap::Search { conditions, .. } => conditions.len(),
            Bitmap::Ranges { bounds, .. } => bounds.len(),
            Bitmap::All(parts) | Bitmap::Any(parts) => parts.iter().map(Bitmap::searches).sum(),
        }
    }

    /// Whether it has the rows of whole blocks.
    pub fn has_blocks(&self) -> bool {
        match self {
            Bitmap::Search { index, .. } => index.index().is_some_and(|info| info.method == IndexMethod::Brin),
            Bitmap::Ranges { .. } => false,
            Bitmap::All(parts) => parts.iter().all(Bitmap::has_blocks),
            Bitmap::Any(parts) => parts.iter().any(Bitmap::has_blocks),
        }
    }

    /// Calls `f` with every value that keys are compared with.
    pub fn for_each_value<'b>(&'b self, f: &mut dyn FnMut(&'b Expr)) {
        match self {
            Bitmap::Search { conditions, .. } => conditions.iter().filter_map(|own| own.test.value()).for_each(f),
            Bitmap::Ranges { bounds, .. } => bounds.iter().flat_map(IndexBounds::values).for_each(f),
            Bitmap::All(parts) | Bitmap::Any(parts) => parts.iter().for_each(|part| part.for_each_value(f)),
        }
    }
}

/// The inputs of an operator, left to right.
macro_rules! inputs {
    ($op:expr, $iter:ident, $($borrow:tt)+) => {
        match $op {
            Op::Values { .. }
            | Op::SeqScan { .. }
            | Op::IndexScan { .. }
            | Op::BitmapScan { .. }
            | Op::RegionScan { .. }
            | Op::VirtualScan { .. }
            | Op::FunctionScan { .. }
            | Op::CteScan { .. }
            | Op::WorkTable { .. } => vec![],
            Op::Project { input, .. }
            | Op::Filter { input, .. }
            | Op::Gate { input, .. }
            | Op::Aggregate { input, .. }
            | Op::Window { input, .. }
            | Op::ProjectSet { input, .. }
            | Op::Sort { input, .. }
            | Op::Limit { input, .. }
            | Op::Distinct { input, .. }
            | Op::DistinctOn { input, .. }
            | Op::SortedSetOp { input, .. }
            | Op::LockRows { input, .. }
            | Op::Sample { input, .. }
            | Op::IndexJoin { outer: input, .. } => vec![input],
            Op::HashJoin { left, right, .. }
            | Op::MergeJoin { left, right, .. }
            | Op::NestedLoop { left, right, .. }
            | Op::Apply { left, right, .. }
            | Op::SetOp { left, right, .. } => vec![left, right],
            Op::Append { inputs, .. } => inputs.$iter().collect(),
            Op::Modify(modify) => vec![$($borrow)+ modify.input],
        }
    };
}

impl Node {
    /// Calls `f` with this operator and all below it.
    pub fn for_each<'p>(&'p self, f: &mut dyn FnMut(&'p Node)) {
        f(self);
        self.children().into_iter().for_each(|child| child.for_each(f));
    }

    /// The inputs, left to right.
    pub fn children(&self) -> Vec<&Node> {
        inputs!(&self.op, iter, &)
    }

    /// The inputs, left to right, to be changed.
    pub fn children_mut(&mut self) -> Vec<&mut Node> {
        inputs!(&mut self.op, iter_mut, &mut)
    }
}
