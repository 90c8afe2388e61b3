//! Which commands event triggers can be about, by the tags that CommandComplete names them by.

/// Kinds of objects whose CREATE, ALTER and DROP fire event triggers.
const NOUNS: &[&str] = &[
    "ACCESS METHOD",
    "AGGREGATE",
    "CAST",
    "COLLATION",
    "CONSTRAINT",
    "CONVERSION",
    "DOMAIN",
    "EXTENSION",
    "FOREIGN DATA WRAPPER",
    "FOREIGN TABLE",
    "FUNCTION",
    "INDEX",
    "LANGUAGE",
    "MATERIALIZED VIEW",
    "OPERATOR",
    "OPERATOR CLASS",
    "OPERATOR FAMILY",
    "POLICY",
    "PROCEDURE",
    "PUBLICATION",
    "ROUTINE",
    "RULE",
    "SCHEMA",
    "SEQUENCE",
    "SERVER",
    "STATISTICS",
    "SUBSCRIPTION",
    "TABLE",
    "TEXT SEARCH CONFIGURATION",
    "TEXT SEARCH DICTIONARY",
    "TEXT SEARCH PARSER",
    "TEXT SEARCH TEMPLATE",
    "TRANSFORM",
    "TRIGGER",
    "TYPE",
    "USER MAPPING",
    "VIEW",
];

/// Kinds whose objects are of no database, or are event triggers themselves: their commands fire none.
const GLOBAL: &[&str] = &["DATABASE", "EVENT TRIGGER", "ROLE", "TABLESPACE"];

/// Other commands that fire event triggers.
const FIRING: &[&str] = &[
    "ALTER DEFAULT PRIVILEGES",
    "ALTER LARGE OBJECT",
    "COMMENT",
    "CREATE TABLE AS",
    "DROP OWNED",
    "GRANT",
    "IMPORT FOREIGN SCHEMA",
    "REFRESH MATERIALIZED VIEW",
    "REVOKE",
    "SECURITY LABEL",
    "SELECT INTO",
];

/// Other commands that fire none.
const SILENT: &[&str] = &[
    "ALTER SYSTEM",
    "ANALYZE",
    "BEGIN",
    "CALL",
    "CHECKPOINT",
    "CLOSE",
    "CLOSE CURSOR",
    "CLOSE CURSOR ALL",
    "CLUSTER",
    "COMMIT",
    "COMMIT PREPARED",
    "COPY",
    "COPY FROM",
    "DEALLOCATE",
    "DEALLOCATE ALL",
    "DECLARE CURSOR",
    "DELETE",
    "DISCARD",
    "DISCARD ALL",
    "DISCARD PLANS",
    "DISCARD SEQUENCES",
    "DISCARD TEMP",
    "DO",
    "EXECUTE",
    "EXPLAIN",
    "FETCH",
    "GRANT ROLE",
    "INSERT",
    "LISTEN",
    "LOAD",
    "LOCK TABLE",
    "MERGE",
    "MOVE",
    "NOTIFY",
    "PREPARE",
    "PREPARE TRANSACTION",
    "REASSIGN OWNED",
    "REINDEX",
    "RELEASE",
    "RESET",
    "REVOKE ROLE",
    "ROLLBACK",
    "ROLLBACK PREPARED",
    "SAVEPOINT",
    "SELECT",
    "SELECT FOR KEY SHARE",
    "SELECT FOR NO KEY UPDATE",
    "SELECT FOR SHARE",
    "SELECT FOR UPDATE",
    "SET",
    "SET CONSTRAINTS",
    "SHOW",
    "START TRANSACTION",
    "TRUNCATE TABLE",
    "UNLISTEN",
    "UPDATE",
    "VACUUM",
];

/// Commands that may write a table anew.
const REWRITING: &[&str] = &["ALTER MATERIALIZED VIEW", "ALTER TABLE", "ALTER TYPE"];

/// Whether a command fires event triggers; `None` for what is no command.
pub fn fires_event_triggers(tag: &str) -> Option<bool> {
    let noun = ["CREATE ", "ALTER ", "DROP "].iter().find_map(|verb| tag.strip_prefix(verb));
    if noun.is_some_and(|noun| NOUNS.contains(&noun)) || FIRING.contains(&tag) {
        return Some(true);
    }
    (noun.is_some_and(|noun| GLOBAL.contains(&noun)) || SILENT.contains(&tag)).then_some(false)
}

/// Whether a command may write a table anew.
pub(super) fn rewrites_tables(tag: &str) -> bool {
    REWRITING.contains(&tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_databases_and_roles_fire_none() {
        assert_eq!(fires_event_triggers("CREATE TABLE"), Some(true));
        assert_eq!(fires_event_triggers("DROP OWNED"), Some(true));
        assert_eq!(fires_event_triggers("ALTER ROLE"), Some(false));
        assert_eq!(fires_event_triggers("DROP EVENT TRIGGER"), Some(false));
        assert_eq!(fires_event_triggers("CREATE SANDWICH"), None);
    }
}
