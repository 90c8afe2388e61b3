//! The exported tables as text: header, rows, fields. `dictdb_proc` is our own, `pg_foreign_keys` what
//! `pg_get_catalog_foreign_keys()` gives. Typed views of the large ones are in the neighbouring modules.

use std::borrow::Cow;

use dictdb_types::Oid;

/// One exported table in COPY's text format with a header line.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    text: &'static str,
}

macro_rules! tables {
    ($($name:literal),* $(,)?) => {
        /// The catalogs with an exported table.
        pub const TABLE_NAMES: &[&str] = &[$($name),*];

        /// The exported rows of a catalog, by its name in `pg_catalog`.
        pub fn table(name: &str) -> Option<Table> {
            match name {
                $($name => Some(Table { text: include_str!(concat!($name, ".tsv")) }),)*
                _ => None,
            }
        }
    };
}

tables![
    "dictdb_proc",
    "pg_aggregate",
    "pg_am",
    "pg_amop",
    "pg_amproc",
    "pg_cast",
    "pg_collation",
    "pg_conversion",
    "pg_description",
    "pg_foreign_keys",
    "pg_init_privs",
    "pg_language",
    "pg_namespace",
    "pg_opclass",
    "pg_operator",
    "pg_opfamily",
    "pg_proc",
    "pg_range",
    "pg_ts_config",
    "pg_ts_config_map",
    "pg_ts_dict",
    "pg_ts_parser",
    "pg_ts_template",
    "sql_features",
    "sql_implementation_info",
    "sql_parts",
    "sql_sizing",
];

impl Table {
    /// The column names, in the order of the fields of each row.
    pub fn columns(self) -> impl Iterator<Item = &'static str> {
        self.text.lines().next().unwrap_or_default().split('\t')
    }

    /// The rows, each as a cursor over its fields.
    pub fn rows(self) -> impl Iterator<Item = Row> {
        self.text.lines().skip(1).map(|line| Row { fields: line.split('\t') })
    }
}

/// Reads a row's fields from left to right.
///
/// The readers of typed fields take a malformed or missing field as zero: the tables are part of the program, and a
/// test reads every one of them.
pub struct Row {
    fields: std::str::Split<'static, char>,
}

impl Row {
    /// The next field as exported, escapes included; `None` for NULL and past the end.
    pub fn nullable(&mut self) -> Option<&'static str> {
        self.fields.next().filter(|field| *field != "\\N")
    }

    /// The next field as exported, `\N` for NULL; `None` past the end.
    pub fn field(&mut self) -> Option<&'static str> {
        self.fields.next()
    }

    /// The next field, empty for NULL.
    pub(super) fn text(&mut self) -> &'static str {
        self.nullable().unwrap_or_default()
    }

    pub(super) fn oid(&mut self) -> Oid {
        Oid(self.number())
    }

    pub(super) fn number<T: std::str::FromStr + Default>(&mut self) -> T {
        self.text().parse().unwrap_or_default()
    }

    pub(super) fn flag(&mut self) -> bool {
        self.text() == "t"
    }

    pub(super) fn letter(&mut self) -> u8 {
        self.text().bytes().next().unwrap_or_default()
    }

    /// An `oidvector`: numbers between blanks.
    pub(super) fn oid_vector(&mut self) -> Box<[Oid]> {
        self.text().split_ascii_whitespace().map(|n| Oid(n.parse().unwrap_or_default())).collect()
    }

    /// A one-dimensional array whose elements need no quoting beyond `""`.
    pub(super) fn array(&mut self) -> Option<impl Iterator<Item = &'static str>> {
        let body = self.nullable()?.strip_prefix('{')?.strip_suffix('}')?;
        Some(body.split(',').map(|item| if item == "\"\"" { "" } else { item }))
    }
}

/// Undoes COPY's escapes in a field.
pub fn unescape(field: &'static str) -> Cow<'static, str> {
    if !field.contains('\\') {
        return Cow::Borrowed(field);
    }
    let mut text = String::with_capacity(field.len());
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some(other) => text.push(other),
                None => {}
            },
            c => text.push(c),
        }
    }
    Cow::Owned(text)
}

/// `pg_collation.collname`.
pub fn collation_name(oid: Oid) -> Option<&'static str> {
    let mut rows = table("pg_collation")?.rows();
    rows.find_map(|mut row| (row.nullable()?.parse() == Ok(oid.0)).then(|| row.nullable())?)
}
