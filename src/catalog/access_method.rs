//! Access methods that CREATE ACCESS METHOD makes. Each is one of the methods that storage knows, under its own name; the
//! other methods are in every database.

use dictdb_functions::facts;
use dictdb_types::Oid;

use crate::{Catalog, DefinitionKind, IndexMethod};

/// A row of `pg_am`.
#[derive(Clone, Copy, Debug)]
pub struct AccessMethodInfo {
    /// `amhandler`.
    pub handler: Oid,
    /// What the handler implements.
    pub method: IndexMethod,
}

impl Catalog {
    /// The index access method of this name, built in or made.
    pub fn index_method_named(&self, name: &str) -> Option<IndexMethod> {
        let made =
            || Some(self.definition_in(DefinitionKind::AccessMethod, Oid::INVALID, name)?.access_method()?.method);
        IndexMethod::named(name).filter(|method| method.is_built_in()).or_else(made)
    }

    /// The index access method with this oid.
    pub fn index_method(&self, oid: Oid) -> Option<IndexMethod> {
        let made = || Some(self.definition(oid)?.access_method()?.method);
        IndexMethod::of_oid(oid).or_else(made)
    }

    /// `pg_am.oid` of a method; zero for one that nobody made.
    pub fn index_method_oid(&self, method: IndexMethod) -> Oid {
        if method.is_built_in() {
            return method.abilities().oid;
        }
        let mut made = self.definitions();
        let own = made.find(|own| own.access_method().is_some_and(|info| info.method == method));
        own.map_or(Oid::INVALID, |own| own.oid)
    }

    /// `pg_am.amname`; empty for an oid that no method has.
    pub fn access_method_name(&self, oid: Oid) -> &str {
        let made = || self.definition(oid).filter(|own| own.access_method().is_some()).map(|own| &*own.name);
        facts::access_method_name(oid).or_else(made).unwrap_or_default()
    }
}
