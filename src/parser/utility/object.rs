//! `CREATE`, `ALTER`, `DROP` of everything that is neither a table nor a role.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::{DataType, Ident, ObjectName};

use super::{
    Behavior, Constraint, DefElem, FunctionRef, OperatorRef, Persistence, RoleSpec, Set, SourceExpr, SourceQuery,
    TableRef,
};
use crate::Statement;

/// `CREATE SCHEMA`.
#[derive(Clone, Debug)]
pub struct CreateSchema {
    /// Its name; `None` means the owner's.
    pub name: Option<Ident>,
    /// `AUTHORIZATION`.
    pub owner: Option<RoleSpec>,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Objects created inside it.
    pub elements: Vec<Statement>,
}

/// `CREATE INDEX`.
#[derive(Clone, Debug)]
pub struct CreateIndex {
    /// Its name; `None` lets the server choose.
    pub name: Option<Ident>,
    /// The table.
    pub table: TableRef,
    /// `UNIQUE`.
    pub unique: bool,
    /// `CONCURRENTLY`.
    pub concurrently: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// `USING`; the default is btree.
    pub method: Option<Ident>,
    /// Key columns.
    pub elements: Vec<IndexElement>,
    /// `INCLUDE` columns.
    pub include: Vec<IndexElement>,
    /// `NULLS NOT DISTINCT`.
    pub nulls_not_distinct: bool,
    /// `WITH (…)`.
    pub options: Vec<DefElem>,
    /// `TABLESPACE`.
    pub tablespace: Option<Ident>,
    /// `WHERE`.
    pub predicate: Option<SourceExpr>,
}

/// A column or expression of an index, a partition key, an exclusion or a conflict target.
#[derive(Clone, Debug)]
pub struct IndexElement {
    /// What is indexed; a plain column is an identifier expression.
    pub expr: SourceExpr,
    /// Where it begins, with the parentheses around an expression.
    pub position: u32,
    /// `COLLATE`.
    pub collation: Option<ObjectName>,
    /// Operator class.
    pub opclass: Option<ObjectName>,
    /// Parameters of the operator class.
    pub opclass_options: Vec<DefElem>,
    /// `DESC`.
    pub descending: bool,
    /// `NULLS FIRST` (true) or `LAST`; the default depends on the direction.
    pub nulls_first: Option<bool>,
}

/// `CREATE SEQUENCE`.
#[derive(Clone, Debug)]
pub struct CreateSequence {
    /// `TEMPORARY` or `UNLOGGED`.
    pub persistence: Persistence,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// The sequence.
    pub name: ObjectName,
    /// Options in the order written.
    pub options: Vec<SequenceOption>,
}

/// `ALTER SEQUENCE`.
#[derive(Clone, Debug)]
pub struct AlterSequence {
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// The sequence.
    pub name: ObjectName,
    /// Options in the order written.
    pub options: Vec<SequenceOption>,
}

/// An option of a sequence. Numbers are text with their sign: their range depends on the sequence's type.
#[derive(Clone, Debug)]
pub enum SequenceOption {
    /// `AS type`.
    As(DataType),
    /// `INCREMENT BY`.
    Increment(String),
    /// `MINVALUE`, or `NO MINVALUE` (`None`).
    MinValue(Option<String>),
    /// `MAXVALUE`, or `NO MAXVALUE` (`None`).
    MaxValue(Option<String>),
    /// `START WITH`.
    Start(String),
    /// `RESTART`, with or without a value.
    Restart(Option<String>),
    /// `CACHE`.
    Cache(String),
    /// `CYCLE` (true), `NO CYCLE`.
    Cycle(bool),
    /// `OWNED BY table.column`, or `OWNED BY NONE` (`None`).
    OwnedBy(Option<ObjectName>),
    /// `SEQUENCE NAME`, inside identity columns.
    Name(ObjectName),
    /// `LOGGED` (true) or `UNLOGGED`, inside identity columns, with its position.
    Logged(bool, u32),
}

/// `CREATE VIEW`.
#[derive(Clone, Debug)]
pub struct CreateView {
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// `TEMPORARY` or `UNLOGGED`.
    pub persistence: Persistence,
    /// `RECURSIVE`: the query has been wrapped in `WITH RECURSIVE` already.
    pub recursive: bool,
    /// The view.
    pub name: ObjectName,
    /// Column names.
    pub columns: Vec<Ident>,
    /// `WITH (…)`.
    pub options: Vec<DefElem>,
    /// The query.
    pub query: SourceQuery,
    /// `WITH CHECK OPTION`: `LOCAL` or `CASCADED`.
    pub check_option: Option<CheckOption>,
}

/// `WITH CHECK OPTION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckOption {
    /// `LOCAL`.
    Local,
    /// `CASCADED`, the default.
    Cascaded,
}

/// `REFRESH MATERIALIZED VIEW`.
#[derive(Clone, Debug)]
pub struct RefreshMaterializedView {
    /// The view.
    pub name: ObjectName,
    /// `CONCURRENTLY`.
    pub concurrently: bool,
    /// `WITH NO DATA` is false.
    pub with_data: bool,
}

/// `CREATE TYPE … AS ENUM`.
#[derive(Clone, Debug)]
pub struct CreateEnum {
    /// The type.
    pub name: ObjectName,
    /// Its labels.
    pub labels: Vec<String>,
}

/// `CREATE TYPE … AS (…)`.
#[derive(Clone, Debug)]
pub struct CreateComposite {
    /// The type.
    pub name: ObjectName,
    /// Its attributes.
    pub attributes: Vec<super::ColumnDef>,
}

/// A `CREATE` with a definition list.
#[derive(Clone, Debug)]
pub struct DefineObject {
    /// What is defined.
    pub kind: ObjectKind,
    /// Its name.
    pub name: ObjectName,
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// Arguments of an aggregate; `None` for the old syntax and other objects.
    pub args: Option<Vec<FunctionParam>>,
    /// How many leading arguments of an aggregate are direct.
    pub direct_args: Option<usize>,
    /// The definition; `None` for a shell type or `CREATE COLLATION … FROM`.
    pub definition: Option<Vec<DefElem>>,
    /// `CREATE COLLATION … FROM`.
    pub from: Option<ObjectName>,
}

/// `ALTER TYPE` of an enum.
#[derive(Clone, Debug)]
pub struct AlterEnum {
    /// The type.
    pub name: ObjectName,
    /// The change.
    pub action: AlterEnumAction,
}

/// A change of an enum's labels.
#[derive(Clone, Debug)]
pub enum AlterEnumAction {
    /// `ADD VALUE`.
    Add {
        /// `IF NOT EXISTS`.
        if_not_exists: bool,
        /// The new label.
        label: String,
        /// `(true, label)` is `AFTER label`, `(false, label)` is `BEFORE label`.
        neighbor: Option<(bool, String)>,
    },
    /// `RENAME VALUE`.
    Rename {
        /// Old label.
        from: String,
        /// New label.
        to: String,
    },
}

/// `CREATE DOMAIN`.
#[derive(Clone, Debug)]
pub struct CreateDomain {
    /// The domain.
    pub name: ObjectName,
    /// The type underneath.
    pub data_type: DataType,
    /// 1-based character position of the type.
    pub type_position: u32,
    /// `COLLATE`.
    pub collation: Option<ObjectName>,
    /// Constraints and the default in the order written.
    pub constraints: Vec<Constraint>,
}

/// `ALTER DOMAIN`.
#[derive(Clone, Debug)]
pub struct AlterDomain {
    /// The domain.
    pub name: ObjectName,
    /// The change.
    pub action: AlterDomainAction,
}

/// A change of a domain.
#[derive(Clone, Debug)]
pub enum AlterDomainAction {
    /// `SET DEFAULT`, `DROP DEFAULT` (`None`).
    SetDefault(Option<SourceExpr>),
    /// `SET NOT NULL` (true), `DROP NOT NULL`.
    SetNotNull(bool),
    /// `ADD constraint`.
    AddConstraint(Constraint),
    /// `DROP CONSTRAINT`.
    DropConstraint {
        /// `IF EXISTS`.
        if_exists: bool,
        /// The constraint.
        name: Ident,
        /// `CASCADE`.
        behavior: Behavior,
    },
    /// `VALIDATE CONSTRAINT`.
    ValidateConstraint(Ident),
}

/// `CREATE FUNCTION` and `CREATE PROCEDURE`.
#[derive(Clone, Debug)]
pub struct CreateFunction {
    /// A procedure.
    pub procedure: bool,
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// Its name.
    pub name: ObjectName,
    /// Its parameters.
    pub params: Vec<FunctionParam>,
    /// `RETURNS`.
    pub returns: Option<FunctionReturns>,
    /// Options in the order written.
    pub options: Vec<FunctionOption>,
}

/// A parameter of a function.
#[derive(Clone, Debug)]
pub struct FunctionParam {
    /// Its mode; `None` is `IN` by default.
    pub mode: Option<ParamMode>,
    /// Its name.
    pub name: Option<Ident>,
    /// Its type.
    pub data_type: DataType,
    /// 1-based character position of the type.
    pub type_position: u32,
    /// `DEFAULT`.
    pub default: Option<SourceExpr>,
}

/// Mode of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamMode {
    /// `IN`.
    In,
    /// `OUT`.
    Out,
    /// `INOUT`.
    InOut,
    /// `VARIADIC`.
    Variadic,
}

/// What a function returns.
#[derive(Clone, Debug)]
pub enum FunctionReturns {
    /// A type.
    Type {
        /// The type.
        data_type: DataType,
        /// `SETOF`.
        setof: bool,
    },
    /// `TABLE (name type, …)`.
    Table(Vec<FunctionParam>),
}

/// An option of a function.
#[derive(Clone, Debug)]
pub enum FunctionOption {
    /// `LANGUAGE`.
    Language(Ident),
    /// `AS 'definition'` or `AS 'file', 'symbol'`.
    As(String, Option<String>),
    /// `RETURN expression` of the standard.
    Return(SourceExpr),
    /// `BEGIN ATOMIC … END`.
    Atomic {
        /// The statements.
        text: String,
        /// Which of them are `RETURN expression`, and where in the text these begin.
        returns: Vec<(usize, usize)>,
    },
    /// `IMMUTABLE`, `STABLE` or `VOLATILE`: `i`, `s`, `v`.
    Volatility(char),
    /// `STRICT` (true), `CALLED ON NULL INPUT`.
    Strict(bool),
    /// `LEAKPROOF` (true), `NOT LEAKPROOF`.
    Leakproof(bool),
    /// `SECURITY DEFINER` (true), `SECURITY INVOKER`.
    SecurityDefiner(bool),
    /// `PARALLEL`: the word.
    Parallel(Ident),
    /// `WINDOW`.
    Window,
    /// `COST`.
    Cost(String),
    /// `ROWS`.
    Rows(String),
    /// `SUPPORT`.
    Support(ObjectName),
    /// `TRANSFORM FOR TYPE`.
    Transform(Vec<DataType>),
    /// `SET`.
    Set(Set),
}

impl FunctionOption {
    /// 42P13 for an option that procedures do not have.
    pub fn check_of_procedure(&self) -> Result<()> {
        use FunctionOption::{Cost, Leakproof, Parallel, Rows, Strict, Support, Volatility, Window};
        match self {
            Window | Volatility(_) | Strict(_) | Leakproof(_) | Cost(_) | Rows(_) | Support(_) | Parallel(_) => {
                let message = "invalid attribute in procedure definition";
                Err(Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message))
            }
            _ => Ok(()),
        }
    }
}

/// `ALTER FUNCTION … option`.
#[derive(Clone, Debug)]
pub struct AlterFunction {
    /// `FUNCTION`, `PROCEDURE` or `ROUTINE`.
    pub kind: ObjectKind,
    /// The function.
    pub function: FunctionRef,
    /// New options.
    pub options: Vec<FunctionOption>,
}

/// `CREATE TRIGGER`.
#[derive(Clone, Debug)]
pub struct CreateTrigger {
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// `CONSTRAINT`.
    pub constraint: bool,
    /// Its name.
    pub name: Ident,
    /// The table.
    pub table: ObjectName,
    /// When it fires.
    pub timing: TriggerTiming,
    /// What it fires for.
    pub events: Vec<TriggerEvent>,
    /// `FOR EACH ROW`.
    pub row: bool,
    /// `REFERENCING`: new (true) or old, table (true) or row, name.
    pub transitions: Vec<(bool, bool, Ident)>,
    /// `WHEN`.
    pub when: Option<SourceExpr>,
    /// `FROM`, constraint triggers only.
    pub from: Option<ObjectName>,
    /// `DEFERRABLE`.
    pub deferrable: bool,
    /// `INITIALLY DEFERRED`.
    pub initially_deferred: bool,
    /// The function.
    pub function: ObjectName,
    /// Its arguments.
    pub args: Vec<String>,
}

/// When a trigger fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerTiming {
    /// `BEFORE`.
    Before,
    /// `AFTER`.
    After,
    /// `INSTEAD OF`.
    InsteadOf,
}

/// What a trigger fires for.
#[derive(Clone, Debug)]
pub enum TriggerEvent {
    /// `INSERT`.
    Insert,
    /// `UPDATE`, of these columns.
    Update(Vec<Ident>),
    /// `DELETE`.
    Delete,
    /// `TRUNCATE`.
    Truncate,
}

/// `CREATE EXTENSION`.
#[derive(Clone, Debug)]
pub struct CreateExtension {
    /// The extension.
    pub name: Ident,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// `SCHEMA`.
    pub schema: Option<Ident>,
    /// `VERSION`.
    pub version: Option<String>,
    /// `CASCADE`.
    pub cascade: bool,
}

/// `ALTER EXTENSION`, but for `SET SCHEMA`.
#[derive(Clone, Debug)]
pub struct AlterExtension {
    /// The extension.
    pub name: Ident,
    /// The change.
    pub action: AlterExtensionAction,
}

/// What happens to an extension.
#[derive(Clone, Debug)]
pub enum AlterExtensionAction {
    /// `UPDATE [TO version]`.
    Update(Option<String>),
    /// `ADD` and `DROP` of a member.
    Member {
        /// `ADD`.
        add: bool,
        /// The member's kind.
        kind: ObjectKind,
        /// The member.
        object: ObjectRef,
    },
}

/// `ALTER OPERATOR … SET (…)`.
#[derive(Clone, Debug)]
pub struct AlterOperator {
    /// The operator.
    pub operator: OperatorRef,
    /// The options.
    pub options: Vec<DefElem>,
}

/// `ALTER TYPE … SET (…)`.
#[derive(Clone, Debug)]
pub struct AlterType {
    /// The type.
    pub name: ObjectName,
    /// The options.
    pub options: Vec<DefElem>,
}

/// `CREATE OPERATOR CLASS`.
#[derive(Clone, Debug)]
pub struct CreateOperatorClass {
    /// Its name.
    pub name: ObjectName,
    /// `DEFAULT`.
    pub default: bool,
    /// `FOR TYPE`.
    pub data_type: DataType,
    /// `USING`.
    pub method: Ident,
    /// `FAMILY`.
    pub family: Option<ObjectName>,
    /// `AS`.
    pub items: Vec<OperatorClassItem>,
}

/// A member of an operator class or family. One that is dropped names no operator or function.
#[derive(Clone, Debug)]
pub enum OperatorClassItem {
    /// `OPERATOR`.
    Operator {
        /// Its strategy.
        number: i32,
        /// The operator.
        operator: Option<ObjectName>,
        /// Its operand types; none are those of the class.
        types: Vec<Option<DataType>>,
        /// `FOR ORDER BY`.
        order_family: Option<ObjectName>,
    },
    /// `FUNCTION`.
    Function {
        /// Its place among the support functions.
        number: i32,
        /// The types it is for.
        types: Vec<DataType>,
        /// The function.
        function: Option<FunctionRef>,
    },
    /// `STORAGE`.
    Storage(DataType),
}

/// `CREATE OPERATOR FAMILY`.
#[derive(Clone, Debug)]
pub struct CreateOperatorFamily {
    /// Its name.
    pub name: ObjectName,
    /// `USING`.
    pub method: Ident,
}

/// `ALTER OPERATOR FAMILY … ADD` and `DROP`.
#[derive(Clone, Debug)]
pub struct AlterOperatorFamily {
    /// The family.
    pub name: ObjectName,
    /// `USING`.
    pub method: Ident,
    /// `DROP`.
    pub drop: bool,
    /// What is added or dropped.
    pub items: Vec<OperatorClassItem>,
}

/// `CREATE CAST`.
#[derive(Clone, Debug)]
pub struct CreateCast {
    /// From.
    pub source: DataType,
    /// To.
    pub target: DataType,
    /// `WITH FUNCTION`.
    pub function: Option<FunctionRef>,
    /// `WITH INOUT`.
    pub inout: bool,
    /// `AS ASSIGNMENT` is `a`, `AS IMPLICIT` is `i`, otherwise `e`.
    pub context: char,
}

/// `CREATE DATABASE`.
#[derive(Clone, Debug)]
pub struct CreateDatabase {
    /// The database.
    pub name: Ident,
    /// Options in the order written, lower case (`owner`, `template`, `encoding`, `connection_limit` …).
    pub options: Vec<DefElem>,
}

/// `ALTER DATABASE`, but for settings.
#[derive(Clone, Debug)]
pub struct AlterDatabase {
    /// The database.
    pub name: Ident,
    /// What happens to it.
    pub action: AlterDatabaseAction,
}

/// What ALTER DATABASE does.
#[derive(Clone, Debug)]
pub enum AlterDatabaseAction {
    /// Options, as those of CREATE DATABASE.
    Options(Vec<DefElem>),
    /// `RENAME TO`.
    Rename(Ident),
    /// `OWNER TO`.
    Owner(RoleSpec),
    /// `SET TABLESPACE`, or `TABLESPACE` as the only option.
    Tablespace(Ident),
    /// `REFRESH COLLATION VERSION`.
    RefreshCollationVersion,
}

/// Statements about snapshots of databases.
#[derive(Clone, Debug)]
pub enum SnapshotCommand {
    /// `CREATE SNAPSHOT`.
    Create {
        /// The snapshot.
        name: Ident,
        /// The database; without it, the current one.
        database: Option<Ident>,
    },
    /// `DROP SNAPSHOT`.
    Drop {
        /// The snapshot.
        name: Ident,
        /// `IF EXISTS`.
        if_exists: bool,
    },
    /// `RESET DATABASE`.
    Reset {
        /// The database.
        database: Ident,
        /// The snapshot that it becomes.
        name: Ident,
    },
}

/// `DROP DATABASE`.
#[derive(Clone, Debug)]
pub struct DropDatabase {
    /// The database.
    pub name: Ident,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// `FORCE`.
    pub force: bool,
}

/// Kinds of objects that `DROP`, `COMMENT`, `RENAME`, `OWNER TO` and `SET SCHEMA` name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// `ACCESS METHOD`.
    AccessMethod,
    /// `AGGREGATE`.
    Aggregate,
    /// `CAST`.
    Cast,
    /// `COLLATION`.
    Collation,
    /// `COLUMN`.
    Column,
    /// `CONSTRAINT … ON table`.
    TableConstraint,
    /// `CONSTRAINT … ON DOMAIN`.
    DomainConstraint,
    /// `CONVERSION`.
    Conversion,
    /// `DATABASE`.
    Database,
    /// `DOMAIN`.
    Domain,
    /// `EVENT TRIGGER`.
    EventTrigger,
    /// `EXTENSION`.
    Extension,
    /// `FOREIGN DATA WRAPPER`.
    ForeignDataWrapper,
    /// `FOREIGN TABLE`.
    ForeignTable,
    /// `FUNCTION`.
    Function,
    /// `INDEX`.
    Index,
    /// `LANGUAGE`.
    Language,
    /// `LARGE OBJECT`.
    LargeObject,
    /// `MATERIALIZED VIEW`.
    MaterializedView,
    /// `OPERATOR`.
    Operator,
    /// `OPERATOR CLASS`.
    OperatorClass,
    /// `OPERATOR FAMILY`.
    OperatorFamily,
    /// `POLICY`.
    Policy,
    /// `PROCEDURE`.
    Procedure,
    /// `PUBLICATION`.
    Publication,
    /// `ROLE`.
    Role,
    /// `ROUTINE`.
    Routine,
    /// `RULE`.
    Rule,
    /// `SCHEMA`.
    Schema,
    /// `SEQUENCE`.
    Sequence,
    /// `SERVER`.
    Server,
    /// `STATISTICS`.
    Statistics,
    /// `SUBSCRIPTION`.
    Subscription,
    /// `TABLE`.
    Table,
    /// `TABLESPACE`.
    Tablespace,
    /// `TEXT SEARCH CONFIGURATION`.
    TextSearchConfiguration,
    /// `TEXT SEARCH DICTIONARY`.
    TextSearchDictionary,
    /// `TEXT SEARCH PARSER`.
    TextSearchParser,
    /// `TEXT SEARCH TEMPLATE`.
    TextSearchTemplate,
    /// `TRANSFORM`.
    Transform,
    /// `TRIGGER`.
    Trigger,
    /// `TYPE`.
    Type,
    /// `VIEW`.
    View,
    /// An attribute of a composite type.
    Attribute,
}

/// An object as commands name it.
#[derive(Clone, Debug)]
pub enum ObjectRef {
    /// By (qualified) name: relations, types, schemas, roles, databases, extensions …
    Name(ObjectName),
    /// A function, procedure, routine or aggregate.
    Function(FunctionRef),
    /// An operator.
    Operator(OperatorRef),
    /// A trigger, rule, policy or constraint: its name and what it is on.
    On(Ident, ObjectName),
    /// An operator class or family: its name and access method.
    Using(ObjectName, Ident),
    /// A cast: from, to.
    Cast(DataType, DataType),
    /// A large object.
    LargeObject(String),
    /// A type or domain.
    Type(DataType),
}

/// `DROP`.
#[derive(Clone, Debug)]
pub struct Drop {
    /// The kind.
    pub kind: ObjectKind,
    /// The objects.
    pub objects: Vec<ObjectRef>,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// `CASCADE`.
    pub behavior: Behavior,
    /// `CONCURRENTLY`, indexes only.
    pub concurrently: bool,
}

/// `ALTER … RENAME`.
#[derive(Clone, Debug)]
pub struct Rename {
    /// The kind of what is renamed; [`ObjectKind::Column`], [`ObjectKind::TableConstraint`], [`ObjectKind::DomainConstraint`]
    /// and [`ObjectKind::Attribute`] live in `object`.
    pub kind: ObjectKind,
    /// The object, or the one the renamed thing belongs to.
    pub object: ObjectRef,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// Column, constraint or attribute.
    pub part: Option<Ident>,
    /// The word after `ALTER` when `part` is renamed.
    pub relation: Option<super::RelationKind>,
    /// New name.
    pub to: Ident,
    /// `CASCADE` of attributes.
    pub behavior: Behavior,
    /// `ONLY`.
    pub only: bool,
}

impl Rename {
    /// A new name for an object as a whole.
    pub fn new(kind: ObjectKind, object: ObjectRef, to: Ident) -> Rename {
        Rename {
            kind,
            object,
            if_exists: false,
            part: None,
            relation: None,
            to,
            behavior: Behavior::Restrict,
            only: false,
        }
    }
}

/// `ALTER … SET SCHEMA`.
#[derive(Clone, Debug)]
pub struct SetSchema {
    /// The kind.
    pub kind: ObjectKind,
    /// The object.
    pub object: ObjectRef,
    /// `IF EXISTS`.
    pub if_exists: bool,
    /// The schema.
    pub schema: Ident,
}

/// `ALTER … OWNER TO`; relations arrive as [`super::AlterTable`].
#[derive(Clone, Debug)]
pub struct SetOwner {
    /// The kind.
    pub kind: ObjectKind,
    /// The object.
    pub object: ObjectRef,
    /// The new owner.
    pub owner: RoleSpec,
}

/// `TRUNCATE`.
#[derive(Clone, Debug)]
pub struct Truncate {
    /// The tables.
    pub tables: Vec<TableRef>,
    /// `RESTART IDENTITY`.
    pub restart_identity: bool,
    /// `CASCADE`.
    pub behavior: Behavior,
}

/// `SECURITY LABEL`.
#[derive(Clone, Debug)]
pub struct SecurityLabel {
    /// `FOR …`.
    pub provider: Option<String>,
    /// The kind of object.
    pub kind: ObjectKind,
    /// The object; a column is its qualified name.
    pub object: ObjectRef,
    /// The label; `None` removes it.
    pub label: Option<String>,
}

/// `COMMENT ON`.
#[derive(Clone, Debug)]
pub struct Comment {
    /// The kind.
    pub kind: ObjectKind,
    /// The object; a column is its qualified name.
    pub object: ObjectRef,
    /// The text; `None` removes it.
    pub text: Option<String>,
}
