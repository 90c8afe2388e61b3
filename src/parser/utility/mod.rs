//! The statements that are not queries: everything PostgreSQL calls a utility command.
//!
//! sqlparser's `Statement` unites the grammars of twenty databases and has no place for much of PostgreSQL's
//! (`COPY … WHERE`, `HEADER MATCH`, `DEFERRABLE` transactions, `REINDEX`, sequence and identity clauses). These types
//! say exactly what PostgreSQL 15's manual says, one field per clause, so that nothing can be parsed and then lost.
//! Names, expressions, types and queries inside them are sqlparser's.
//!
//! ```text
//!   backup    BACKUP, RESTORE, APPLY DELTA, VERIFY BACKUP, SHOW BACKUPS
//!   session   transactions, settings, cursors, prepared statements, COPY, EXPLAIN, LISTEN, LOCK, VACUUM
//!   table     CREATE TABLE, ALTER TABLE and their constraints
//!   object    schemas, indexes, sequences, views, types, domains, functions, triggers, databases, DROP, COMMENT
//!   definition statistics objects, text search objects, publications
//!   event_trigger  event triggers
//!   foreign   foreign-data wrappers, servers, user mappings, foreign tables
//!   tablespace  tablespaces
//!   subscription  subscriptions, conversions
//!   rule      CREATE RULE
//!   role      roles, GRANT, REVOKE, default privileges
//! ```

mod backup;
mod definition;
mod event_trigger;
mod foreign;
mod object;
mod role;
mod rule;
mod session;
mod subscription;
mod table;
mod tablespace;

pub use backup::*;
pub use definition::*;
pub use event_trigger::*;
pub use foreign::*;
pub use object::*;
pub use role::*;
pub use rule::*;
pub use session::*;
pub use subscription::*;
pub use table::*;
pub use tablespace::*;

use sqlparser::ast::{DataType, Expr, Function, Ident, ObjectName, Query};

/// A utility command.
#[derive(Clone, Debug)]
pub enum Utility {
    /// `BEGIN`, `COMMIT`, `SAVEPOINT` and their kin.
    Transaction(Transaction),
    /// `SET CONSTRAINTS`.
    SetConstraints(SetConstraints),
    /// `SET` and `RESET` of a setting.
    Set(Set),
    /// `SHOW`.
    Show(Show),
    /// `DISCARD`.
    Discard(Discard),
    /// `PREPARE`.
    Prepare(Prepare),
    /// `EXECUTE`.
    Execute(Execute),
    /// `DEALLOCATE`; `None` is `ALL`.
    Deallocate(Option<Ident>),
    /// `DECLARE … CURSOR`.
    DeclareCursor(DeclareCursor),
    /// `FETCH` and `MOVE`.
    Fetch(Fetch),
    /// `CLOSE`; `None` is `ALL`.
    ClosePortal(Option<Ident>),
    /// `LISTEN`.
    Listen(Ident),
    /// `UNLISTEN`; `None` is `*`.
    Unlisten(Option<Ident>),
    /// `NOTIFY`.
    Notify(Notify),
    /// `LOCK TABLE`.
    Lock(LockTable),
    /// `COPY`.
    Copy(Box<Copy>),
    /// `IMPORT CSV`.
    Import(Box<Import>),
    /// `EXPLAIN`.
    Explain(Explain),
    /// `CALL`.
    Call(Box<Function>),
    /// `DO`.
    Do(Do),
    /// `VACUUM` and `ANALYZE`.
    Vacuum(Vacuum),
    /// `REINDEX`.
    Reindex(Reindex),
    /// `CLUSTER`.
    Cluster(Cluster),
    /// `CHECKPOINT`.
    Checkpoint,
    /// `BACKUP`, `RESTORE` and their kin.
    Backup(Backup),
    /// `LOAD`: the file.
    Load(String),
    /// `ALTER SYSTEM SET/RESET`.
    AlterSystem(Set),

    /// `CREATE SCHEMA`.
    CreateSchema(CreateSchema),
    /// `CREATE TABLE` with a column list, `OF` or `PARTITION OF`.
    CreateTable(Box<CreateTable>),
    /// `CREATE TABLE … AS`, `CREATE MATERIALIZED VIEW`.
    CreateTableAs(Box<CreateTableAs>),
    /// `ALTER TABLE`, and `ALTER INDEX/VIEW/SEQUENCE/MATERIALIZED VIEW` where they share its actions.
    AlterTable(Box<AlterTable>),
    /// `CREATE INDEX`.
    CreateIndex(Box<CreateIndex>),
    /// `CREATE SEQUENCE`.
    CreateSequence(CreateSequence),
    /// `ALTER SEQUENCE`.
    AlterSequence(AlterSequence),
    /// `CREATE VIEW`.
    CreateView(Box<CreateView>),
    /// `REFRESH MATERIALIZED VIEW`.
    RefreshMaterializedView(RefreshMaterializedView),
    /// `CREATE TYPE … AS ENUM`.
    CreateEnum(CreateEnum),
    /// `CREATE TYPE … AS (…)`.
    CreateComposite(CreateComposite),
    /// `CREATE TYPE … AS RANGE`.
    CreateRange(DefineObject),
    /// `CREATE TYPE`, `CREATE AGGREGATE`, `CREATE OPERATOR`, `CREATE COLLATION` and `CREATE TEXT SEARCH …` with a definition list.
    Define(DefineObject),
    /// `ALTER TYPE … ADD VALUE` and `RENAME VALUE`.
    AlterEnum(AlterEnum),
    /// `CREATE DOMAIN`.
    CreateDomain(Box<CreateDomain>),
    /// `ALTER DOMAIN`.
    AlterDomain(Box<AlterDomain>),
    /// `CREATE FUNCTION` and `CREATE PROCEDURE`.
    CreateFunction(Box<CreateFunction>),
    /// `ALTER FUNCTION/PROCEDURE/ROUTINE … option …`.
    AlterFunction(AlterFunction),
    /// `CREATE TRIGGER`.
    CreateTrigger(Box<CreateTrigger>),
    /// `CREATE POLICY`.
    CreatePolicy(Box<CreatePolicy>),
    /// `CREATE RULE`.
    CreateRule(Box<CreateRule>),
    /// `ALTER POLICY`.
    AlterPolicy(Box<AlterPolicy>),
    /// `CREATE EXTENSION`.
    CreateExtension(CreateExtension),
    /// `ALTER EXTENSION … UPDATE`, `ADD` and `DROP`.
    AlterExtension(AlterExtension),
    /// `ALTER OPERATOR … SET (…)`.
    AlterOperator(AlterOperator),
    /// `ALTER COLLATION … REFRESH VERSION`.
    RefreshCollation(ObjectName),
    /// `ALTER TYPE … SET (…)`.
    AlterType(AlterType),
    /// `CREATE OPERATOR CLASS`.
    CreateOperatorClass(CreateOperatorClass),
    /// `CREATE OPERATOR FAMILY`.
    CreateOperatorFamily(CreateOperatorFamily),
    /// `CREATE STATISTICS`.
    CreateStatistics(CreateStatistics),
    /// `ALTER STATISTICS … SET STATISTICS`.
    AlterStatistics(AlterStatistics),
    /// `ALTER TEXT SEARCH DICTIONARY … ( … )`.
    AlterDictionary(AlterDictionary),
    /// `ALTER TEXT SEARCH CONFIGURATION … MAPPING …`.
    AlterConfiguration(AlterConfiguration),
    /// `CREATE PUBLICATION`.
    CreatePublication(CreatePublication),
    /// `ALTER PUBLICATION`.
    AlterPublication(AlterPublication),
    /// `CREATE SUBSCRIPTION`.
    CreateSubscription(CreateSubscription),
    /// `ALTER SUBSCRIPTION`.
    AlterSubscription(AlterSubscription),
    /// `DROP SUBSCRIPTION`.
    DropSubscription(DropSubscription),
    /// `CREATE CONVERSION`.
    CreateConversion(CreateConversion),
    /// `CREATE ACCESS METHOD`.
    CreateAccessMethod(CreateAccessMethod),
    /// `CREATE LANGUAGE` with a handler.
    CreateLanguage(CreateLanguage),
    /// `CREATE EVENT TRIGGER`.
    CreateEventTrigger(CreateEventTrigger),
    /// `ALTER EVENT TRIGGER … ENABLE` and `DISABLE`.
    AlterEventTrigger(AlterEventTrigger),
    /// `CREATE TABLESPACE`.
    CreateTablespace(CreateTablespace),
    /// `ALTER TABLESPACE … SET` and `RESET`.
    AlterTablespace(AlterTablespace),
    /// `DROP TABLESPACE`.
    DropTablespace(DropTablespace),
    /// `ALTER … ALL IN TABLESPACE`.
    MoveTablespace(MoveTablespace),
    /// `CREATE FOREIGN DATA WRAPPER`.
    CreateWrapper(WrapperCommand),
    /// `ALTER FOREIGN DATA WRAPPER`.
    AlterWrapper(WrapperCommand),
    /// `CREATE SERVER`.
    CreateServer(CreateServer),
    /// `ALTER SERVER`.
    AlterServer(AlterServer),
    /// `CREATE`, `ALTER` and `DROP USER MAPPING`.
    UserMapping(UserMapping),
    /// `IMPORT FOREIGN SCHEMA`.
    ImportForeignSchema(ImportForeignSchema),
    /// `ALTER OPERATOR FAMILY … ADD` and `DROP`.
    AlterOperatorFamily(AlterOperatorFamily),
    /// `CREATE CAST`.
    CreateCast(CreateCast),
    /// `CREATE DATABASE`.
    CreateDatabase(CreateDatabase),
    /// `ALTER DATABASE`, but for settings.
    AlterDatabase(AlterDatabase),
    /// `DROP DATABASE`.
    DropDatabase(DropDatabase),
    /// Snapshots of databases.
    Snapshot(SnapshotCommand),
    /// `DROP` of anything else.
    Drop(Drop),
    /// `ALTER … RENAME`.
    Rename(Rename),
    /// `ALTER … SET SCHEMA`.
    SetSchema(SetSchema),
    /// `ALTER … OWNER TO`.
    SetOwner(SetOwner),
    /// `TRUNCATE`.
    Truncate(Truncate),
    /// `COMMENT ON`.
    Comment(Comment),
    /// `SECURITY LABEL`.
    SecurityLabel(SecurityLabel),

    /// `CREATE ROLE/USER/GROUP`.
    CreateRole(CreateRole),
    /// `ALTER ROLE … option …`.
    AlterRole(AlterRole),
    /// `ALTER ROLE/DATABASE … SET/RESET`.
    AlterSetting(AlterSetting),
    /// `DROP ROLE/USER/GROUP`.
    DropRole(DropRole),
    /// `GRANT` and `REVOKE` of privileges on objects.
    Grant(Grant),
    /// `GRANT` and `REVOKE` of role membership.
    GrantRole(GrantRole),
    /// `ALTER DEFAULT PRIVILEGES`.
    AlterDefaultPrivileges(AlterDefaultPrivileges),
    /// `REASSIGN OWNED`.
    ReassignOwned(ReassignOwned),
    /// `DROP OWNED`.
    DropOwned(DropOwned),

    /// A PostgreSQL command DictDB does not have, by its words (`CREATE FOREIGN TABLE`): 0A000 when it is executed.
    Unsupported(&'static str),
}

/// `CASCADE` or `RESTRICT`; the latter is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behavior {
    /// Refuse when something depends on the object.
    #[default]
    Restrict,
    /// Take the dependent objects along.
    Cascade,
}

/// A table named in a command, with or without its descendants.
#[derive(Clone, Debug)]
pub struct TableRef {
    /// The table.
    pub name: ObjectName,
    /// `ONLY`.
    pub only: bool,
}

/// A role named in a command.
#[derive(Clone, Debug)]
pub enum RoleSpec {
    /// By name.
    Name(Ident),
    /// `CURRENT_ROLE`, which is the same as `CURRENT_USER`.
    CurrentUser,
    /// `SESSION_USER`.
    SessionUser,
    /// `PUBLIC`; only `GRANT` and `REVOKE` allow it.
    Public,
}

/// `name [= value]` in option lists: `WITH (…)`, `EXPLAIN (…)`, `CREATE TYPE (…)`.
#[derive(Clone, Debug)]
pub struct DefElem {
    /// The part before a dot (`toast.autovacuum_enabled`).
    pub namespace: Option<Ident>,
    /// The option.
    pub name: Ident,
    /// Its value, if one was given.
    pub value: Option<DefValue>,
}

/// The value of a [`DefElem`].
#[derive(Clone, Debug)]
pub enum DefValue {
    /// A word, a qualified name or a type name; a single word arrives as an unqualified custom type.
    Type(DataType),
    /// `SETOF` a type.
    SetOf(DataType),
    /// An operator, perhaps qualified.
    Operator(ObjectName),
    /// A reserved word such as `true`, `on`, `none`.
    Keyword(String),
    /// A number with its sign.
    Number(String),
    /// A string literal.
    String(String),
    /// A list in parentheses (column lists of COPY).
    List(Vec<DefValue>),
    /// `*`.
    Star,
}

/// Arguments that name a function: `f(int, text)`; `None` when the parentheses are missing.
#[derive(Clone, Debug)]
pub struct FunctionRef {
    /// The function.
    pub name: ObjectName,
    /// Its arguments.
    pub args: Option<Vec<FunctionParam>>,
    /// For aggregates: how many leading arguments are direct (`(direct ORDER BY aggregated)`).
    pub direct_args: Option<usize>,
}

/// An operator with its argument types; `None` is `NONE`.
#[derive(Clone, Debug)]
pub struct OperatorRef {
    /// The operator.
    pub name: ObjectName,
    /// Left argument.
    pub left: Option<DataType>,
    /// Right argument.
    pub right: Option<DataType>,
}

/// An expression kept with the text it was written as, for catalogs that store source.
#[derive(Clone, Debug)]
pub struct SourceExpr {
    /// The tree.
    pub expr: Box<Expr>,
    /// The text between its first and last token.
    pub text: String,
}

/// A query kept with the text it was written as, for views.
#[derive(Clone, Debug)]
pub struct SourceQuery {
    /// The tree.
    pub query: Box<Query>,
    /// The text between its first and last token.
    pub text: String,
}
