//! Extensions (`pg_extension`): what a script made, under one name.

use std::sync::Arc;

use dictdb_types::Oid;

use crate::{BOOTSTRAP_ROLE, Catalog, namespaces};

/// A row of `pg_extension`.
#[derive(Clone, Debug)]
pub struct Extension {
    /// `oid`.
    pub oid: Oid,
    /// `extname`.
    pub name: Arc<str>,
    /// `extowner`.
    pub owner: Oid,
    /// `extnamespace`.
    pub namespace: Oid,
    /// `extrelocatable`.
    pub relocatable: bool,
    /// `extversion`.
    pub version: Arc<str>,
}

/// `pg_extension.oid` of `plpgsql`.
const PLPGSQL: Oid = Oid(13_559);
/// `pg_class.oid` of `pg_extension`.
pub const PG_EXTENSION: Oid = Oid(3079);

impl Extension {
    /// The extension that every database begins with.
    pub(crate) fn plpgsql() -> Self {
        Extension {
            oid: PLPGSQL,
            name: Arc::from("plpgsql"),
            owner: BOOTSTRAP_ROLE,
            namespace: namespaces::PG_CATALOG,
            relocatable: false,
            version: Arc::from("1.0"),
        }
    }
}

impl Catalog {
    /// The extension with this oid.
    pub fn extension(&self, oid: Oid) -> Option<&Arc<Extension>> {
        self.extensions.get(&oid)
    }

    /// The extension of this name.
    pub fn extension_named(&self, name: &str) -> Option<&Arc<Extension>> {
        self.extensions.values().find(|extension| &*extension.name == name)
    }

    /// All extensions by oid.
    pub fn extensions(&self) -> impl Iterator<Item = &Arc<Extension>> {
        self.extensions.values()
    }
}
