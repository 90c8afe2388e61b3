//! Rows of system catalogs.

use dictdb_executor::{Row, VirtualTables};
use dictdb_types::{Datum, Error, Oid, Result};

/// The system catalogs of a statement.
pub(crate) struct SystemTables;

impl VirtualTables for SystemTables {
    fn rows(&self, relation: Oid, _: &[(i16, Datum)], _: &[i16]) -> Result<Vec<Row>> {
        Err(Error::unsupported(format_args!("reading system catalog {relation}")))
    }
}
