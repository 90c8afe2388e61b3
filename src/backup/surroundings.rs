//! The environment in which values are written and read: one catalog, fixed formats, objects by number.

use std::any::Any;
use std::sync::Arc;

use dictdb_catalog::Catalog;
use dictdb_types::{Datum, Env, Error, FormatSettings, Oid, RegKind, Result, SqlState, TypeInfo, TypeLookup};

/// Types of a catalog; nothing that a session or a clock could change.
pub struct Surroundings {
    catalog: Arc<Catalog>,
    format: FormatSettings,
}

impl Surroundings {
    /// Those of a catalog.
    pub fn new(catalog: Arc<Catalog>) -> Self {
        Surroundings { catalog, format: FormatSettings::default() }
    }

    pub(crate) fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }
}

impl TypeLookup for Surroundings {
    fn type_info(&self, oid: Oid) -> Option<Arc<TypeInfo>> {
        self.catalog.type_info(oid)
    }
}

impl Env for Surroundings {
    fn format(&self) -> &FormatSettings {
        &self.format
    }

    fn transaction_timestamp(&self) -> i64 {
        0
    }

    fn statement_timestamp(&self) -> i64 {
        0
    }

    fn reg_in(&self, _: RegKind, text: &str) -> Result<Oid> {
        let invalid = |_| Error::new(SqlState::DATA_CORRUPTED, format!("invalid object number \"{text}\""));
        text.parse().map(Oid).map_err(invalid)
    }

    fn reg_out(&self, _: RegKind, oid: Oid) -> String {
        oid.to_string()
    }

    fn check_role(&self, _: &str) -> Result<()> {
        // A role that is gone may still be named.
        Ok(())
    }

    fn check_domain(&self, _: Oid, _: &Datum) -> Result<()> {
        // Values come from a database that has checked them.
        Ok(())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
