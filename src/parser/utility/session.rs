//! Commands of a session: transactions, settings, prepared statements, cursors, COPY, EXPLAIN, maintenance.

use std::ops::Range;

use sqlparser::ast::{DataType, Expr, Ident, ObjectName, Query};

use super::{DefElem, RoleSpec, TableRef};
use crate::Statement;

/// Transaction control.
#[derive(Clone, Debug)]
pub enum Transaction {
    /// `BEGIN` or `START TRANSACTION`; `start` tells the command tag.
    Begin {
        /// `START TRANSACTION` was written.
        start: bool,
        /// Modes in the order written.
        modes: Vec<TransactionMode>,
    },
    /// `COMMIT` or `END`.
    Commit {
        /// `AND CHAIN`.
        chain: bool,
    },
    /// `ROLLBACK` or `ABORT`.
    Rollback {
        /// `AND CHAIN`.
        chain: bool,
    },
    /// `SAVEPOINT`.
    Savepoint(Ident),
    /// `RELEASE SAVEPOINT`.
    Release(Ident),
    /// `ROLLBACK TO SAVEPOINT`.
    RollbackTo(Ident),
    /// `PREPARE TRANSACTION`.
    Prepare(String),
    /// `COMMIT PREPARED`.
    CommitPrepared(String),
    /// `ROLLBACK PREPARED`.
    RollbackPrepared(String),
}

/// A transaction mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionMode {
    /// `ISOLATION LEVEL …`.
    Isolation(IsolationLevel),
    /// `READ ONLY` (true) or `READ WRITE`.
    ReadOnly(bool),
    /// `DEFERRABLE` (true) or `NOT DEFERRABLE`.
    Deferrable(bool),
}

/// An isolation level as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsolationLevel {
    /// `READ UNCOMMITTED`.
    ReadUncommitted,
    /// `READ COMMITTED`.
    ReadCommitted,
    /// `REPEATABLE READ`.
    RepeatableRead,
    /// `SERIALIZABLE`.
    Serializable,
}

/// `SET CONSTRAINTS`.
#[derive(Clone, Debug)]
pub struct SetConstraints {
    /// Constraints; `None` is `ALL`.
    pub names: Option<Vec<ObjectName>>,
    /// `DEFERRED` (true) or `IMMEDIATE`.
    pub deferred: bool,
}

/// How long a `SET` lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SetScope {
    /// `SET` or `SET SESSION`.
    #[default]
    Session,
    /// `SET LOCAL`.
    Local,
}

/// `SET` and `RESET`. The spellings of the standard arrive under their setting's name: `SET TIME ZONE` as `timezone`,
/// `SET NAMES` as `client_encoding`, `SET SCHEMA` as `search_path`, `SET ROLE` as `role`, `SET SESSION AUTHORIZATION` as
/// `session_authorization`, `SET XML OPTION` as `xmloption`.
#[derive(Clone, Debug)]
pub struct Set {
    /// How long it lasts.
    pub scope: SetScope,
    /// What happens.
    pub action: SetAction,
}

/// What a `SET` does.
#[derive(Clone, Debug)]
pub enum SetAction {
    /// `SET name TO value, …`. The name is lower case unless quoted, dots included.
    Value {
        /// The setting.
        name: String,
        /// Its value, a list for list settings.
        values: Vec<SetValue>,
    },
    /// `SET name TO DEFAULT`, or `RESET name` when `reset`.
    Default {
        /// The setting.
        name: String,
        /// `RESET` was written.
        reset: bool,
    },
    /// `SET name FROM CURRENT`; only functions, roles and databases allow it.
    FromCurrent {
        /// The setting.
        name: String,
    },
    /// `RESET ALL`.
    ResetAll,
    /// `SET TRANSACTION` or `SET SESSION CHARACTERISTICS AS TRANSACTION`.
    Transaction {
        /// `SESSION CHARACTERISTICS`.
        session: bool,
        /// Modes in the order written.
        modes: Vec<TransactionMode>,
    },
    /// `SET TRANSACTION SNAPSHOT`.
    TransactionSnapshot(String),
}

/// One value of a setting.
#[derive(Clone, Debug, PartialEq)]
pub enum SetValue {
    /// A word (`on`, `utf8`, `public`) or a string.
    String(String),
    /// A number with its sign.
    Number(String),
    /// `SET TIME ZONE INTERVAL '…' HOUR TO MINUTE`: the literal.
    Interval(String),
}

/// `SHOW`.
#[derive(Clone, Debug, PartialEq)]
pub enum Show {
    /// One setting.
    Name(String),
    /// `SHOW ALL`.
    All,
}

/// `DISCARD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discard {
    /// `ALL`.
    All,
    /// `PLANS`.
    Plans,
    /// `SEQUENCES`.
    Sequences,
    /// `TEMP`.
    Temp,
}

/// `PREPARE name (types) AS statement`.
#[derive(Clone, Debug)]
pub struct Prepare {
    /// The prepared statement.
    pub name: Ident,
    /// Declared parameter types.
    pub types: Vec<DataType>,
    /// The statement.
    pub statement: Box<Statement>,
    /// Where the statement stands in the query string, in bytes.
    pub text: Range<usize>,
}

/// `EXECUTE name (values)`.
#[derive(Clone, Debug)]
pub struct Execute {
    /// The prepared statement.
    pub name: Ident,
    /// Parameter values.
    pub params: Vec<Expr>,
}

/// `DECLARE name CURSOR FOR query`.
#[derive(Clone, Debug)]
pub struct DeclareCursor {
    /// The cursor.
    pub name: Ident,
    /// `BINARY`.
    pub binary: bool,
    /// `SCROLL` (true), `NO SCROLL` (false) or neither.
    pub scroll: Option<bool>,
    /// `INSENSITIVE` (true), `ASENSITIVE` (false) or neither.
    pub insensitive: Option<bool>,
    /// `WITH HOLD`.
    pub hold: bool,
    /// The query.
    pub query: Box<Query>,
    /// Where the query stands in the query string, in bytes.
    pub text: Range<usize>,
}

/// `FETCH` and `MOVE`.
#[derive(Clone, Debug)]
pub struct Fetch {
    /// `MOVE` was written: no rows come back.
    pub is_move: bool,
    /// Where to.
    pub direction: FetchDirection,
    /// The cursor.
    pub cursor: Ident,
}

/// The direction of a fetch; `i64::MAX` is `ALL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchDirection {
    /// `NEXT`, `FORWARD n`, a bare count.
    Forward(i64),
    /// `PRIOR`, `BACKWARD n`.
    Backward(i64),
    /// `FIRST` (1), `LAST` (-1), `ABSOLUTE n`.
    Absolute(i64),
    /// `RELATIVE n`.
    Relative(i64),
}

/// `NOTIFY`.
#[derive(Clone, Debug)]
pub struct Notify {
    /// The channel.
    pub channel: Ident,
    /// The payload.
    pub payload: Option<String>,
}

/// `LOCK TABLE`.
#[derive(Clone, Debug)]
pub struct LockTable {
    /// The tables.
    pub tables: Vec<TableRef>,
    /// The mode; the default is `ACCESS EXCLUSIVE`.
    pub mode: LockMode,
    /// `NOWAIT`.
    pub nowait: bool,
}

/// PostgreSQL's table lock modes, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockMode {
    /// `ACCESS SHARE`.
    AccessShare,
    /// `ROW SHARE`.
    RowShare,
    /// `ROW EXCLUSIVE`.
    RowExclusive,
    /// `SHARE UPDATE EXCLUSIVE`.
    ShareUpdateExclusive,
    /// `SHARE`.
    Share,
    /// `SHARE ROW EXCLUSIVE`.
    ShareRowExclusive,
    /// `EXCLUSIVE`.
    Exclusive,
    /// `ACCESS EXCLUSIVE`.
    AccessExclusive,
}

/// `COPY`.
#[derive(Clone, Debug)]
pub struct Copy {
    /// What is copied.
    pub source: CopySource,
    /// `FROM` (true) or `TO`.
    pub from: bool,
    /// The other end.
    pub target: CopyTarget,
    /// Options; those of the old syntax arrive under the new names (`CSV` as `format csv`).
    pub options: Vec<DefElem>,
    /// `WHERE`, with `FROM` only.
    pub selection: Option<Expr>,
}

/// `IMPORT CSV 'file' INTO table`, DictDB's own: makes a table of a file.
#[derive(Clone, Debug)]
pub struct Import {
    /// The file.
    pub file: String,
    /// The table that is made.
    pub table: ObjectName,
    /// Options as of `COPY`.
    pub options: Vec<DefElem>,
}

/// What `COPY` copies.
#[derive(Clone, Debug)]
pub enum CopySource {
    /// A table, with its columns if they were named.
    Table {
        /// The table.
        name: ObjectName,
        /// The columns; empty means all.
        columns: Vec<Ident>,
    },
    /// A query, or a data-modifying statement with `RETURNING`.
    Query(Box<Statement>),
}

/// The other end of a `COPY`.
#[derive(Clone, Debug, PartialEq)]
pub enum CopyTarget {
    /// `STDIN` or `STDOUT`.
    Client,
    /// A file of the server.
    File(String),
    /// `PROGRAM`.
    Program(String),
}

/// `EXPLAIN`.
#[derive(Clone, Debug)]
pub struct Explain {
    /// Options; `EXPLAIN ANALYZE VERBOSE` arrives as `analyze`, `verbose`.
    pub options: Vec<DefElem>,
    /// The statement.
    pub statement: Box<Statement>,
}

/// `DO`.
#[derive(Clone, Debug)]
pub struct Do {
    /// The language; the default is plpgsql.
    pub language: Option<Ident>,
    /// The code block.
    pub body: String,
}

/// `VACUUM` and `ANALYZE`.
#[derive(Clone, Debug)]
pub struct Vacuum {
    /// `VACUUM` (true) or `ANALYZE`.
    pub vacuum: bool,
    /// Options; `VACUUM FULL FREEZE` arrives as `full`, `freeze`.
    pub options: Vec<DefElem>,
    /// Tables with their columns; empty means all tables.
    pub tables: Vec<(ObjectName, Vec<Ident>)>,
}

/// `REINDEX`.
#[derive(Clone, Debug)]
pub struct Reindex {
    /// What kind of object.
    pub kind: ReindexKind,
    /// Its name.
    pub name: ObjectName,
    /// Options; `CONCURRENTLY` after the kind arrives among them.
    pub options: Vec<DefElem>,
}

/// What `REINDEX` rebuilds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReindexKind {
    /// One index.
    Index,
    /// The indexes of a table.
    Table,
    /// The indexes of a schema.
    Schema,
    /// The system catalogs' indexes.
    System,
    /// The indexes of the database.
    Database,
}

/// `CLUSTER`.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The table; `None` means all that were clustered before.
    pub table: Option<ObjectName>,
    /// The index.
    pub index: Option<Ident>,
    /// Options.
    pub options: Vec<DefElem>,
}

/// `ALTER ROLE … SET`, `ALTER DATABASE … SET`.
#[derive(Clone, Debug)]
pub struct AlterSetting {
    /// It is `ALTER DATABASE`.
    pub of_database: bool,
    /// The role; `None` is `ALL`, or no role in `ALTER DATABASE`.
    pub role: Option<RoleSpec>,
    /// The database.
    pub database: Option<Ident>,
    /// The change.
    pub set: Set,
}
