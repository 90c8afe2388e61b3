//! Command tags: what CommandComplete calls a statement, and which statements a read-only transaction refuses.

use dictdb_parser::ast;
use dictdb_parser::utility::{
    Discard, FetchDirection, ObjectKind, RelationKind, SetAction, Transaction, UserMappingAction, Utility,
};
use dictdb_parser::{Statement, utility};

/// The tag of a statement, without a number of rows.
pub(crate) fn command_tag(statement: &Statement) -> &'static str {
    match statement {
        Statement::Sql(tree) => query_tag(tree),
        Statement::Utility(tree) => utility_tag(tree),
    }
}

/// The tag of a query, by what its outermost statement does.
pub(crate) fn query_tag(statement: &ast::Statement) -> &'static str {
    match statement {
        ast::Statement::Insert(_) => "INSERT",
        ast::Statement::Update(_) => "UPDATE",
        ast::Statement::Delete(_) => "DELETE",
        ast::Statement::Merge(_) => "MERGE",
        ast::Statement::Query(query) => match &*query.body {
            ast::SetExpr::Insert(inner) | ast::SetExpr::Update(inner) | ast::SetExpr::Delete(inner) => query_tag(inner),
            ast::SetExpr::Merge(inner) => query_tag(inner),
            _ => "SELECT",
        },
        _ => "SELECT",
    }
}

fn utility_tag(command: &Utility) -> &'static str {
    match command {
        Utility::Transaction(command) => transaction_tag(command),
        Utility::SetConstraints(_) => "SET CONSTRAINTS",
        Utility::Set(set) => match &set.action {
            SetAction::Default { reset: true, .. } | SetAction::ResetAll => "RESET",
            _ => "SET",
        },
        Utility::Show(_) => "SHOW",
        Utility::Discard(Discard::All) => "DISCARD ALL",
        Utility::Discard(Discard::Plans) => "DISCARD PLANS",
        Utility::Discard(Discard::Sequences) => "DISCARD SEQUENCES",
        Utility::Discard(Discard::Temp) => "DISCARD TEMP",
        Utility::Prepare(_) => "PREPARE",
        Utility::Execute(_) => "EXECUTE",
        Utility::Deallocate(None) => "DEALLOCATE ALL",
        Utility::Deallocate(Some(_)) => "DEALLOCATE",
        Utility::DeclareCursor(_) => "DECLARE CURSOR",
        Utility::Fetch(fetch) if fetch.is_move => "MOVE",
        Utility::Fetch(_) => "FETCH",
        Utility::ClosePortal(None) => "CLOSE CURSOR ALL",
        Utility::ClosePortal(Some(_)) => "CLOSE CURSOR",
        Utility::Listen(_) => "LISTEN",
        Utility::Unlisten(_) => "UNLISTEN",
        Utility::Notify(_) => "NOTIFY",
        Utility::Lock(_) => "LOCK TABLE",
        Utility::Copy(_) => "COPY",
        Utility::Import(_) => "IMPORT",
        Utility::Explain(_) => "EXPLAIN",
        Utility::Call(_) => "CALL",
        Utility::Do(_) => "DO",
        Utility::Vacuum(vacuum) if vacuum.vacuum => "VACUUM",
        Utility::Vacuum(_) => "ANALYZE",
        Utility::Reindex(_) => "REINDEX",
        Utility::Cluster(_) => "CLUSTER",
        Utility::Checkpoint => "CHECKPOINT",
        Utility::Backup(command) => crate::backup::tag(command),
        Utility::Load(_) => "LOAD",
        Utility::AlterSystem(_) => "ALTER SYSTEM",
        Utility::SecurityLabel(_) => "SECURITY LABEL",
        Utility::Unsupported(command) => command,
        definition => definition_tag(definition),
    }
}

fn transaction_tag(command: &Transaction) -> &'static str {
    match command {
        Transaction::Begin { start: true, .. } => "START TRANSACTION",
        Transaction::Begin { .. } => "BEGIN",
        Transaction::Commit { .. } => "COMMIT",
        Transaction::Rollback { .. } | Transaction::RollbackTo(_) => "ROLLBACK",
        Transaction::Savepoint(_) => "SAVEPOINT",
        Transaction::Release(_) => "RELEASE",
        Transaction::Prepare(_) => "PREPARE TRANSACTION",
        Transaction::CommitPrepared(_) => "COMMIT PREPARED",
        Transaction::RollbackPrepared(_) => "ROLLBACK PREPARED",
    }
}

/// Tags of the statements that define things.
fn definition_tag(command: &Utility) -> &'static str {
    match command {
        Utility::CreateSchema(_) => "CREATE SCHEMA",
        Utility::CreateTable(create) if create.foreign.is_some() => "CREATE FOREIGN TABLE",
        Utility::CreateTable(_) => "CREATE TABLE",
        Utility::CreateTableAs(create) if create.materialized => "CREATE MATERIALIZED VIEW",
        Utility::CreateTableAs(_) => "CREATE TABLE AS",
        Utility::AlterTable(alter) => alter_tag(alter.kind),
        Utility::CreateIndex(_) => "CREATE INDEX",
        Utility::CreateSequence(_) => "CREATE SEQUENCE",
        Utility::AlterSequence(_) => "ALTER SEQUENCE",
        Utility::CreateView(_) => "CREATE VIEW",
        Utility::RefreshMaterializedView(_) => "REFRESH MATERIALIZED VIEW",
        Utility::CreateEnum(_) | Utility::CreateComposite(_) | Utility::CreateRange(_) => "CREATE TYPE",
        Utility::Define(define) => words(define.kind).0,
        Utility::AlterEnum(_) => "ALTER TYPE",
        Utility::CreateDomain(_) => "CREATE DOMAIN",
        Utility::AlterDomain(_) => "ALTER DOMAIN",
        Utility::CreateFunction(create) if create.procedure => "CREATE PROCEDURE",
        Utility::CreateFunction(_) => "CREATE FUNCTION",
        Utility::AlterFunction(alter) => words(alter.kind).1,
        Utility::CreateTrigger(_) => "CREATE TRIGGER",
        Utility::CreatePolicy(_) => "CREATE POLICY",
        Utility::CreateRule(_) => "CREATE RULE",
        Utility::AlterPolicy(_) => "ALTER POLICY",
        Utility::CreateExtension(_) => "CREATE EXTENSION",
        Utility::AlterExtension(_) => "ALTER EXTENSION",
        Utility::AlterOperator(_) => "ALTER OPERATOR",
        Utility::RefreshCollation(_) => "ALTER COLLATION",
        Utility::AlterType(_) => "ALTER TYPE",
        Utility::CreateOperatorClass(_) => "CREATE OPERATOR CLASS",
        Utility::CreateOperatorFamily(_) => "CREATE OPERATOR FAMILY",
        Utility::AlterOperatorFamily(_) => "ALTER OPERATOR FAMILY",
        Utility::CreateStatistics(_) => "CREATE STATISTICS",
        Utility::AlterStatistics(_) => "ALTER STATISTICS",
        Utility::AlterDictionary(_) => "ALTER TEXT SEARCH DICTIONARY",
        Utility::AlterConfiguration(_) => "ALTER TEXT SEARCH CONFIGURATION",
        Utility::CreatePublication(_) => "CREATE PUBLICATION",
        Utility::AlterPublication(_) => "ALTER PUBLICATION",
        Utility::CreateSubscription(_) => "CREATE SUBSCRIPTION",
        Utility::AlterSubscription(_) => "ALTER SUBSCRIPTION",
        Utility::DropSubscription(_) => "DROP SUBSCRIPTION",
        Utility::CreateConversion(_) => "CREATE CONVERSION",
        Utility::CreateAccessMethod(_) => "CREATE ACCESS METHOD",
        Utility::CreateLanguage(_) => "CREATE LANGUAGE",
        Utility::CreateEventTrigger(_) => "CREATE EVENT TRIGGER",
        Utility::AlterEventTrigger(_) => "ALTER EVENT TRIGGER",
        Utility::CreateTablespace(_) => "CREATE TABLESPACE",
        Utility::AlterTablespace(_) => "ALTER TABLESPACE",
        Utility::DropTablespace(_) => "DROP TABLESPACE",
        Utility::MoveTablespace(mover) => match mover.kind {
            RelationKind::Index => "ALTER INDEX",
            RelationKind::MaterializedView => "ALTER MATERIALIZED VIEW",
            _ => "ALTER TABLE",
        },
        Utility::CreateWrapper(_) => "CREATE FOREIGN DATA WRAPPER",
        Utility::AlterWrapper(_) => "ALTER FOREIGN DATA WRAPPER",
        Utility::CreateServer(_) => "CREATE SERVER",
        Utility::AlterServer(_) => "ALTER SERVER",
        Utility::UserMapping(mapping) => match mapping.action {
            UserMappingAction::Create { .. } => "CREATE USER MAPPING",
            UserMappingAction::Alter(_) => "ALTER USER MAPPING",
            UserMappingAction::Drop { .. } => "DROP USER MAPPING",
        },
        Utility::ImportForeignSchema(_) => "IMPORT FOREIGN SCHEMA",
        Utility::CreateCast(_) => "CREATE CAST",
        Utility::CreateDatabase(_) => "CREATE DATABASE",
        Utility::AlterDatabase(_) => "ALTER DATABASE",
        Utility::DropDatabase(_) => "DROP DATABASE",
        Utility::Snapshot(command) => super::snapshot::tag(command),
        Utility::Drop(drop) => words(drop.kind).2,
        Utility::Rename(rename) => rename.relation.map_or(words(rename.kind).1, alter_tag),
        Utility::SetSchema(set) => words(set.kind).1,
        Utility::SetOwner(set) => words(set.kind).1,
        Utility::Truncate(_) => "TRUNCATE TABLE",
        Utility::Comment(_) => "COMMENT",
        Utility::CreateRole(_) => "CREATE ROLE",
        Utility::AlterRole(_) => "ALTER ROLE",
        Utility::AlterSetting(alter) if alter.of_database => "ALTER DATABASE",
        Utility::AlterSetting(_) => "ALTER ROLE",
        Utility::DropRole(_) => "DROP ROLE",
        Utility::Grant(grant) if grant.grant => "GRANT",
        Utility::Grant(_) => "REVOKE",
        Utility::GrantRole(grant) if grant.grant => "GRANT ROLE",
        Utility::GrantRole(_) => "REVOKE ROLE",
        Utility::AlterDefaultPrivileges(_) => "ALTER DEFAULT PRIVILEGES",
        Utility::ReassignOwned(_) => "REASSIGN OWNED",
        Utility::DropOwned(_) => "DROP OWNED",
        _ => "???",
    }
}

fn alter_tag(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::Table => "ALTER TABLE",
        RelationKind::Index => "ALTER INDEX",
        RelationKind::Sequence => "ALTER SEQUENCE",
        RelationKind::View => "ALTER VIEW",
        RelationKind::MaterializedView => "ALTER MATERIALIZED VIEW",
        RelationKind::ForeignTable => "ALTER FOREIGN TABLE",
        RelationKind::Type => "ALTER TYPE",
    }
}

macro_rules! object_words {
    ($kind:expr, $($variant:pat => $noun:literal),* $(,)?) => {
        match $kind {
            $($variant => (concat!("CREATE ", $noun), concat!("ALTER ", $noun), concat!("DROP ", $noun)),)*
        }
    };
}

/// CREATE, ALTER and DROP of a kind of object.
fn words(kind: ObjectKind) -> (&'static str, &'static str, &'static str) {
    use ObjectKind::*;
    object_words! { kind,
        AccessMethod => "ACCESS METHOD", Aggregate => "AGGREGATE", Cast => "CAST", Collation => "COLLATION",
        Column | TableConstraint | Table => "TABLE", DomainConstraint | Domain => "DOMAIN", Conversion => "CONVERSION",
        Database => "DATABASE", EventTrigger => "EVENT TRIGGER", Extension => "EXTENSION",
        ForeignDataWrapper => "FOREIGN DATA WRAPPER", ForeignTable => "FOREIGN TABLE", Function => "FUNCTION",
        Index => "INDEX", Language => "LANGUAGE", LargeObject => "LARGE OBJECT",
        MaterializedView => "MATERIALIZED VIEW", Operator => "OPERATOR", OperatorClass => "OPERATOR CLASS",
        OperatorFamily => "OPERATOR FAMILY", Policy => "POLICY", Procedure => "PROCEDURE",
        Publication => "PUBLICATION", Role => "ROLE", Routine => "ROUTINE", Rule => "RULE", Schema => "SCHEMA",
        Sequence => "SEQUENCE", Server => "SERVER", Statistics => "STATISTICS", Subscription => "SUBSCRIPTION",
        Tablespace => "TABLESPACE", TextSearchConfiguration => "TEXT SEARCH CONFIGURATION",
        TextSearchDictionary => "TEXT SEARCH DICTIONARY", TextSearchParser => "TEXT SEARCH PARSER",
        TextSearchTemplate => "TEXT SEARCH TEMPLATE", Transform => "TRANSFORM", Trigger => "TRIGGER",
        Type | Attribute => "TYPE", View => "VIEW",
    }
}

/// The tag of a statement that writes and so is refused in a read-only transaction. Queries are judged by their plans.
pub(super) fn writing_command(statement: &Statement) -> Option<&'static str> {
    let Statement::Utility(command) = statement else { return None };
    let writes = match &**command {
        Utility::Transaction(_)
        | Utility::SetConstraints(_)
        | Utility::Set(_)
        | Utility::Show(_)
        | Utility::Discard(_)
        | Utility::Prepare(_)
        | Utility::Execute(_)
        | Utility::Deallocate(_)
        | Utility::DeclareCursor(_)
        | Utility::Fetch(_)
        | Utility::ClosePortal(_)
        | Utility::Listen(_)
        | Utility::Unlisten(_)
        | Utility::Notify(_)
        | Utility::Explain(_)
        | Utility::Call(_)
        | Utility::Do(_)
        | Utility::Vacuum(_)
        | Utility::Reindex(_)
        | Utility::Cluster(_)
        | Utility::Checkpoint
        | Utility::Backup(_)
        | Utility::Load(_)
        | Utility::AlterSystem(_)
        | Utility::Unsupported(_) => false,
        Utility::Lock(lock) => lock.mode > utility::LockMode::RowExclusive,
        Utility::Copy(copy) => copy.from,
        _ => true,
    };
    writes.then(|| utility_tag(command))
}

/// Whether a direction only repeats the current row.
pub(super) fn stays(direction: FetchDirection) -> bool {
    matches!(direction, FetchDirection::Forward(0) | FetchDirection::Backward(0) | FetchDirection::Relative(0))
}
