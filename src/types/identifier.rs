//! Identifiers as text: when a name needs double quotes so that the parser reads the same name back.

use std::borrow::Cow;
use std::cell::Cell;

/// PostgreSQL's keywords that are not free as names (`pg_get_keywords()`, every category but `U`), sorted.
const KEYWORDS: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "authorization",
    "between",
    "bigint",
    "binary",
    "bit",
    "boolean",
    "both",
    "case",
    "cast",
    "char",
    "character",
    "check",
    "coalesce",
    "collate",
    "collation",
    "column",
    "concurrently",
    "constraint",
    "create",
    "cross",
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "dec",
    "decimal",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "exists",
    "extract",
    "false",
    "fetch",
    "float",
    "for",
    "foreign",
    "freeze",
    "from",
    "full",
    "grant",
    "greatest",
    "group",
    "grouping",
    "having",
    "ilike",
    "in",
    "initially",
    "inner",
    "inout",
    "int",
    "integer",
    "intersect",
    "interval",
    "into",
    "is",
    "isnull",
    "join",
    "lateral",
    "leading",
    "least",
    "left",
    "like",
    "limit",
    "localtime",
    "localtimestamp",
    "national",
    "natural",
    "nchar",
    "none",
    "normalize",
    "not",
    "notnull",
    "null",
    "nullif",
    "numeric",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "out",
    "outer",
    "overlaps",
    "overlay",
    "placing",
    "position",
    "precision",
    "primary",
    "real",
    "references",
    "returning",
    "right",
    "row",
    "select",
    "session_user",
    "setof",
    "similar",
    "smallint",
    "some",
    "substring",
    "symmetric",
    "table",
    "tablesample",
    "then",
    "time",
    "timestamp",
    "to",
    "trailing",
    "treat",
    "trim",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "values",
    "varchar",
    "variadic",
    "verbose",
    "when",
    "where",
    "window",
    "with",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
];

thread_local! {
    /// Whether the statement that this thread runs writes all names in quotes.
    static QUOTE_ALL: Cell<bool> = const { Cell::new(false) };
}

/// Whether names that this thread writes from here on are all quoted (`quote_all_identifiers`); returns what held before. Texts
/// are written deep below what knows of settings, by whoever runs a statement, and on the thread that runs it: whoever enters a
/// session's work says so, and puts back what held when it leaves.
pub fn quote_all_identifiers(all: bool) -> bool {
    QUOTE_ALL.replace(all)
}

/// A name as it must be written in SQL: quoted when it is not a plain lower-case word or when it is a keyword
/// (`quote_ident`), or when all are to be.
pub fn quote_identifier(name: &str) -> Cow<'_, str> {
    let plain = |c: u8| matches!(c, b'a'..=b'z' | b'_' | b'0'..=b'9');
    let safe = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(plain)
        && KEYWORDS.binary_search(&name).is_err()
        && !QUOTE_ALL.get();
    if safe { Cow::Borrowed(name) } else { Cow::Owned(format!("\"{}\"", name.replace('"', "\"\""))) }
}

/// A quoted identifier at the start of a text, after its opening quote, and what follows its closing quote. None when
/// that is missing.
pub fn unquote_identifier(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"')?;
        name.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                name.push('"');
                rest = after;
            }
            None => return Some((name, rest)),
        }
    }
}

/// `schema.name`, both quoted where needed.
pub fn quote_qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", quote_identifier(schema), quote_identifier(name))
}

/// A string constant as it must be written in SQL (`quote_literal`): an `E''` string when it has backslashes.
pub fn quote_literal(text: &str) -> String {
    let escaped = text.replace('\'', "''");
    if escaped.contains('\\') { format!("E'{}'", escaped.replace('\\', "\\\\")) } else { format!("'{escaped}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_postgresql_does() {
        assert!(KEYWORDS.is_sorted());
        let cases = [
            ("a", "a"),
            ("_a1", "_a1"),
            ("A", "\"A\""),
            ("1a", "\"1a\""),
            ("", "\"\""),
            ("a$b", "\"a$b\""),
            ("é", "\"é\""),
            ("a\"b", "\"a\"\"b\""),
            ("select", "\"select\""),
            ("int", "\"int\""),
            ("char", "\"char\""),
            ("left", "\"left\""),
            ("text", "text"),
            ("name", "name"),
        ];
        for (name, quoted) in cases {
            assert_eq!(quote_identifier(name), quoted);
        }
        assert_eq!(quote_qualified("pg_catalog", "int"), "pg_catalog.\"int\"");
        assert!(!quote_all_identifiers(true));
        assert_eq!(quote_identifier("text"), "\"text\"");
        assert!(quote_all_identifiers(false));
        assert_eq!((quote_literal("a'b"), quote_literal("a\\b")), ("'a''b'".into(), "E'a\\\\b'".into()));
    }
}
