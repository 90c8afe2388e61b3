//! Tablespaces. All rows are in memory: a tablespace is a name under which relations are listed, with who may use it. Every database
//! knows the same ones, as it knows the same roles.

use std::sync::Arc;

use dictdb_types::Oid;

use crate::{Catalog, Change, Definition, DefinitionKind, Key, Object};

/// `pg_tablespace.oid` of `pg_default`, where every database is.
pub const PG_DEFAULT: Oid = Oid(1663);
/// `pg_tablespace.oid` of `pg_global`, where shared catalogs are.
pub const PG_GLOBAL: Oid = Oid(1664);

/// The tablespaces that every server has.
pub const BUILT_IN_TABLESPACES: [(Oid, &str); 2] = [(PG_DEFAULT, "pg_default"), (PG_GLOBAL, "pg_global")];

/// A row of `pg_tablespace`.
#[derive(Clone, Debug)]
pub struct TablespaceInfo {
    /// The directory it was made with; empty for one inside the data directory.
    pub location: Arc<str>,
    /// `spcoptions` as `name=value`.
    pub options: Vec<Arc<str>>,
}

impl Catalog {
    /// The tablespaces that users made.
    pub fn tablespaces(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.definitions().filter(|own| own.kind() == DefinitionKind::Tablespace)
    }

    /// The oid of a tablespace.
    pub fn tablespace_named(&self, name: &str) -> Option<Oid> {
        let built_in = BUILT_IN_TABLESPACES.iter().find(|(_, known)| *known == name).map(|(oid, _)| *oid);
        built_in.or_else(|| self.definition_in(DefinitionKind::Tablespace, Oid::INVALID, name).map(|own| own.oid))
    }

    /// The name of a tablespace.
    pub fn tablespace_name(&self, oid: Oid) -> Option<&str> {
        let built_in = BUILT_IN_TABLESPACES.iter().find(|(known, _)| *known == oid).map(|(_, name)| *name);
        built_in.or_else(|| self.tablespaces().find(|own| own.oid == oid).map(|own| &*own.name))
    }

    /// The changes that make the same tablespaces of a database that has none.
    pub fn tablespace_changes(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        for own in self.tablespaces() {
            changes.push(Change::Put(Object::Definition(own.clone())));
            let (class, object) = (own.kind().class(), own.oid);
            let acl = self.acl_of(class, object).map(<[_]>::to_vec);
            changes.extend(acl.map(|acl| Change::Acl { class, object, acl: Some(acl) }));
        }
        changes
    }

    /// Knows the tablespaces that another catalog knows, and no others. Relations in others are in the database's own.
    pub(crate) fn share_tablespaces(&mut self, here: &Catalog) {
        let gone: Vec<Key> = self.tablespaces().map(|own| own.key()).collect();
        gone.into_iter().for_each(|key| self.apply(&Change::Remove(key)));
        here.tablespace_changes().iter().for_each(|change| self.apply(change));
        let is_lost = |oid: Oid| oid.is_valid() && here.tablespace_name(oid).is_none();
        let lost: Vec<_> = self.relations.values().filter(|relation| is_lost(relation.tablespace)).cloned().collect();
        for relation in lost {
            let relation = crate::Relation { tablespace: Oid::INVALID, ..(*relation).clone() };
            self.apply(&Change::Put(Object::Relation(Arc::new(relation))));
        }
    }
}

impl Change {
    /// Whether it is about a tablespace, which every database knows.
    pub fn is_of_tablespace(&self) -> bool {
        match self {
            Change::Put(Object::Definition(own)) => own.kind() == DefinitionKind::Tablespace,
            Change::Remove(Key::Definition(kind, _)) => *kind == DefinitionKind::Tablespace,
            Change::Acl { class, .. } => *class == DefinitionKind::Tablespace.class(),
            _ => false,
        }
    }
}
