//! Surroundings of the expressions of indexes: types, and settings nobody may depend on. There is no session: storage computes keys under
//! latches and after a crash.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use dictdb_catalog::Catalog;
use dictdb_types::{Datum, Env, Error, FormatSettings, Oid, RegKind, Result, TypeInfo, TypeLookup};
use parking_lot::Mutex;

/// What is kept of a function, by its oid and the types of its arguments.
type Kept = HashMap<(Oid, Box<[Oid]>), Arc<dyn Any + Send + Sync>>;

/// The surroundings of an index's expressions: the catalog as it was when the index was made or opened.
#[derive(Clone)]
pub struct IndexEnv {
    catalog: Arc<Catalog>,
    owner: Oid,
    format: FormatSettings,
    kept: Arc<Mutex<Kept>>,
}

impl IndexEnv {
    /// Surroundings over a version of the catalog, for the indexes of a table that this role owns.
    pub fn new(catalog: Arc<Catalog>, owner: Oid) -> Self {
        IndexEnv { catalog, owner, format: FormatSettings::default(), kept: Arc::default() }
    }

    /// These surroundings, if they are such.
    pub fn of(env: &dyn Env) -> Option<&IndexEnv> {
        env.as_any().downcast_ref()
    }

    /// The catalog.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// `current_user`: keys are computed as the owner of the table, whoever changes a row.
    pub fn current_user(&self) -> Arc<str> {
        self.catalog.role(self.owner).map_or_else(|| Arc::from(""), |role| role.name.clone())
    }

    /// What is kept of a function for calls with these types, made when it is called first.
    pub fn kept<T: Send + Sync + 'static>(
        &self,
        function: Oid,
        types: Box<[Oid]>,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<Arc<T>> {
        let key = (function, types);
        if let Some(known) = self.kept.lock().get(&key).cloned().and_then(|known| known.downcast().ok()) {
            return Ok(known);
        }
        let made = Arc::new(make()?);
        self.kept.lock().insert(key, made.clone());
        Ok(made)
    }
}

impl std::fmt::Debug for IndexEnv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "catalog version {}", self.catalog.version())
    }
}

impl TypeLookup for IndexEnv {
    fn type_info(&self, oid: Oid) -> Option<Arc<TypeInfo>> {
        self.catalog.type_info(oid)
    }
}

impl Env for IndexEnv {
    fn format(&self) -> &FormatSettings {
        &self.format
    }

    fn transaction_timestamp(&self) -> i64 {
        0
    }

    fn statement_timestamp(&self) -> i64 {
        0
    }

    fn reg_in(&self, _: RegKind, _: &str) -> Result<Oid> {
        Err(Error::internal("object name in an index expression"))
    }

    fn reg_out(&self, _: RegKind, oid: Oid) -> String {
        oid.to_string()
    }

    fn check_domain(&self, domain: Oid, _: &Datum) -> Result<()> {
        Err(Error::unsupported(format_args!("cast to domain {domain} in an index expression")))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
