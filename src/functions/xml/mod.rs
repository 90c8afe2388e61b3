//! PostgreSQL's XML functions over the parser, serialiser and XPath engine of `dictdb-xml`.
//!
//! What SQL writes with a syntax of its own, such as `XMLELEMENT`, is a call of a function that is in no catalog; its name is one
//! of the constants here, its first argument says what the syntax had besides values.

mod check;
mod construct;
mod find;
mod table;
mod value;

pub use construct::Concatenation;
pub use value::{MAX_DEPTH, value_to_xml};

use crate::kernel::ScalarFn;
use crate::set_returning::SetFn;

/// `XMLELEMENT`: names of the element and its attributes as `text[]`, values of the attributes, content.
pub const ELEMENT: &str = "xml element";
/// `XMLFOREST`: names as `text[]`, values.
pub const FOREST: &str = "xml forest";
/// `XMLCONCAT`: values.
pub const CONCAT: &str = "xml concat";
/// `XMLPARSE`: whether it is to be a document, the text, whether white space is preserved.
pub const PARSE: &str = "xml parse";
/// `XMLPI`: the target, and perhaps the content.
pub const PI: &str = "xml pi";
/// `XMLROOT`: the value, the version or NULL, and one of [`STANDALONE`].
pub const ROOT: &str = "xml root";
/// `XMLSERIALIZE`: whether it must be a document, the value.
pub const SERIALIZE: &str = "xml serialize";
/// `IS DOCUMENT`: the value.
pub const IS_DOCUMENT: &str = "xml is document";
/// `XMLTABLE`: for each column what it is, as `text[]` ([`ORDINALITY`] or nothing), prefixes as `text[]` with NULL for the default
/// namespace, the document, the path of rows, names of the namespaces, paths of the columns. Defaults, and columns that may not be
/// NULL, are the caller's.
pub const TABLE: &str = "xml table";

/// The word for a column of [`TABLE`] that is the number of the row.
pub const ORDINALITY: &str = "ordinality";

/// The values of `STANDALONE`; the last one leaves what is there.
pub const STANDALONE: [&str; 4] = ["YES", "NO", "NO VALUE", ""];

/// Functions of this family by `prosrc`, or by signature where PostgreSQL wrote them in SQL.
pub(crate) const KERNELS: &[(&str, ScalarFn)] = &[
    (ELEMENT, construct::element),
    (FOREST, construct::forest),
    (CONCAT, construct::concat),
    (PI, construct::instruction),
    (ROOT, construct::root),
    ("xmlcomment", construct::comment),
    ("xmlconcat2", construct::concat),
    (PARSE, check::parse),
    (SERIALIZE, check::serialize),
    (IS_DOCUMENT, check::is_document),
    ("texttoxml", check::from_text),
    ("xmltotext", check::to_text),
    ("xmlvalidate", check::validate),
    ("xml_is_well_formed", check::is_well_formed),
    ("xml_is_well_formed_content", check::is_well_formed_content),
    ("xml_is_well_formed_document", check::is_well_formed_document),
    ("xmlexists", find::exists),
    ("xpath", find::xpath),
    ("xpath(text,xml)", find::xpath),
    ("xpath_exists", find::exists),
    ("xpath_exists(text,xml)", find::exists),
];

pub(crate) const SETS: &[(&str, SetFn)] = &[(TABLE, table::rows)];
