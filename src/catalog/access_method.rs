//! Access methods that CREATE ACCESS METHOD makes. Those of indexes are one of the methods that storage knows, under its own
//! name; those of tables are another name for `heap`. The other methods are in every database.

use std::sync::Arc;

use dictdb_functions::facts::{self, ids};
use dictdb_types::Oid;

use crate::{Catalog, DefinitionKind, IndexMethod};

/// A row of `pg_am`.
#[derive(Clone, Copy, Debug)]
pub struct AccessMethodInfo {
    /// `amhandler`.
    pub handler: Oid,
}

impl AccessMethodInfo {
    /// Whether it is one of tables (`amtype`).
    pub fn is_of_tables(&self) -> bool {
        facts::proc_by_oid(self.handler).is_some_and(|handler| handler.source == "heap_tableam_handler")
    }
}

impl Catalog {
    /// The index access method of this name, built in or made.
    pub fn index_method_named(&self, name: &str) -> Option<IndexMethod> {
        let made = || {
            let own = self.definition_in(DefinitionKind::AccessMethod, Oid::INVALID, name)?;
            self.implemented(own.access_method()?)
        };
        IndexMethod::named(name).filter(|method| method.is_built_in()).or_else(made)
    }

    /// The index access method with this oid.
    pub fn index_method(&self, oid: Oid) -> Option<IndexMethod> {
        let made = || self.implemented(self.definition(oid)?.access_method()?);
        IndexMethod::of_oid(oid).or_else(made)
    }

    /// `pg_am.oid` of a method; zero for one that nobody made.
    pub fn index_method_oid(&self, method: IndexMethod) -> Oid {
        if method.is_built_in() {
            return method.abilities().oid;
        }
        let mut made = self.definitions();
        let own = made.find(|own| own.access_method().is_some_and(|info| self.implemented(info) == Some(method)));
        own.map_or(Oid::INVALID, |own| own.oid)
    }

    /// What the handler of an access method of indexes implements.
    fn implemented(&self, info: &AccessMethodInfo) -> Option<IndexMethod> {
        let source = self.routine(info.handler).map(|routine| Arc::clone(&routine.source))?;
        IndexMethod::of_handler(&source)
    }

    /// The access method of this name that tables can have.
    pub fn table_method_named(&self, name: &str) -> Option<Oid> {
        if facts::access_method_name(ids::HEAP) == Some(name) {
            return Some(ids::HEAP);
        }
        let own = self.definition_in(DefinitionKind::AccessMethod, Oid::INVALID, name)?;
        own.access_method().filter(|info| info.is_of_tables()).map(|_| own.oid)
    }

    /// `pg_am.amname`; empty for an oid that no method has.
    pub fn access_method_name(&self, oid: Oid) -> &str {
        let made = || self.definition(oid).filter(|own| own.access_method().is_some()).map(|own| &*own.name);
        facts::access_method_name(oid).or_else(made).unwrap_or_default()
    }
}
