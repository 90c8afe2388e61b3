//! What a call of `XMLTABLE` says of its columns and namespaces: the constants that the binder puts first among its arguments.

use dictdb_functions::xml::{ORDINALITY, TABLE};
use dictdb_types::{Datum, Field};

use crate::expr::{Call, Expr};

/// The word of a column whose path was written.
pub(crate) const PATH: &str = "path";
/// That of one with a default.
pub(crate) const DEFAULT: &str = "default";
/// That of one that may not be NULL.
pub(crate) const NOT_NULL: &str = "not_null";

/// Arguments before the names of namespaces.
const FIRST_URI: usize = 4;

/// A call of XMLTABLE in parts.
pub struct XmlTable<'a> {
    /// Prefixes and the names of their namespaces; `None` is the default one.
    pub namespaces: Vec<(Option<&'a str>, &'a Expr)>,
    /// The document.
    pub document: &'a Expr,
    /// The path of rows.
    pub row_path: &'a Expr,
    /// The columns.
    pub columns: Vec<XmlColumn<'a>>,
    /// How many arguments its kernel takes: the defaults come after them.
    pub kernel_args: usize,
}

/// A column.
pub struct XmlColumn<'a> {
    /// Name and type.
    pub field: &'a Field,
    /// Whether it is the number of the row.
    pub ordinality: bool,
    /// Its path where it was written.
    pub path: Option<&'a Expr>,
    /// Its default.
    pub default: Option<&'a Expr>,
    /// `NOT NULL`.
    pub not_null: bool,
}

fn texts(expr: &Expr) -> Option<Vec<Option<&str>>> {
    let Expr::Const(Datum::Array(array), _) = expr else { return None };
    Some(array.items.iter().map(|item| if let Datum::Text(text) = item { Some(text.as_ref()) } else { None }).collect())
}

impl<'a> XmlTable<'a> {
    /// The parts of a call; `None` for a call of anything else.
    pub fn of(call: &'a Call) -> Option<XmlTable<'a>> {
        if &*call.function.source != TABLE || call.function.oid.is_valid() {
            return None;
        }
        let [words, prefixes, document, row_path, rest @ ..] = call.args.as_slice() else { return None };
        let (words, prefixes) = (texts(words)?, texts(prefixes)?);
        let (uris, rest) = rest.split_at_checked(prefixes.len())?;
        let (paths, defaults) = rest.split_at_checked(words.len())?;
        let mut defaults = defaults.iter();
        let columns = call.columns.iter().zip(words).zip(paths).map(|((field, words), path)| {
            let is = |wanted: &str| words.unwrap_or_default().split(' ').any(|word| word == wanted);
            XmlColumn {
                field,
                ordinality: is(ORDINALITY),
                path: Some(path).filter(|_| is(PATH)),
                default: if is(DEFAULT) { defaults.next() } else { None },
                not_null: is(NOT_NULL),
            }
        });
        Some(XmlTable {
            columns: columns.collect(),
            kernel_args: FIRST_URI + uris.len() + paths.len(),
            namespaces: prefixes.into_iter().zip(uris).collect(),
            document,
            row_path,
        })
    }
}
