//! XML functions: PostgreSQL's answer where it is built without libxml, which is what DictDB has of XML.

use dictdb_types::{Datum, Result, text};

use crate::CallContext;
use crate::kernel::ScalarFn;

/// Functions of this family by `prosrc`, or by signature where PostgreSQL wrote them in SQL.
pub(super) const KERNELS: &[(&str, ScalarFn)] = &[
    ("texttoxml", unsupported),
    ("xml_is_well_formed", unsupported),
    ("xml_is_well_formed_content", unsupported),
    ("xml_is_well_formed_document", unsupported),
    ("xmlcomment", unsupported),
    ("xmlconcat2", unsupported),
    ("xmlexists", unsupported),
    ("xmlvalidate", unsupported),
    ("xpath", unsupported),
    ("xpath(text,xml)", unsupported),
    ("xpath_exists", unsupported),
    ("xpath_exists(text,xml)", unsupported),
];

fn unsupported(_: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    Err(text::no_xml())
}
