//! Kinds of objects of which every database has PostgreSQL's own: these can be commented on.

use dictdb_catalog::{BOOTSTRAP_ROLE, Language};
use dictdb_functions::facts;
use dictdb_parser::utility::ObjectKind;
use dictdb_types::{Error, Oid, Result, SqlState};

use super::DdlContext;

/// A kind: its words, and the system catalog whose first columns are its objects' oids and names.
#[derive(Clone, Copy)]
pub(super) struct BuiltIn {
    noun: &'static str,
    table: &'static str,
    /// `pg_class.oid` of the catalog.
    class: Oid,
}

impl BuiltIn {
    pub(super) fn of(kind: ObjectKind) -> Option<BuiltIn> {
        Some(match kind {
            ObjectKind::AccessMethod => BuiltIn { noun: "access method", table: "pg_am", class: Oid(2601) },
            ObjectKind::Language => BuiltIn { noun: "language", table: "pg_language", class: Language::CLASS },
            _ => return None,
        })
    }

    /// The object of this name.
    fn find(self, name: &str) -> Option<Oid> {
        facts::table(self.table).into_iter().flat_map(|table| table.rows()).find_map(|mut row| {
            let oid = row.field()?.parse().ok().map(Oid)?;
            (row.field() == Some(name)).then_some(oid)
        })
    }

    /// Whether there is one of this name.
    pub(super) fn has(self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn missing(self, name: &str) -> Error {
        Error::new(SqlState::UNDEFINED_OBJECT, format!("{} \"{name}\" does not exist", self.noun))
    }
}

impl DdlContext<'_> {
    /// Catalog and object that a comment is on. 42501, 42704.
    pub(super) fn commented_builtin(&mut self, kind: BuiltIn, name: &str) -> Result<(Oid, Oid, i32)> {
        let oid = kind.find(name).ok_or_else(|| kind.missing(name))?;
        if !self.has_privileges_of(BOOTSTRAP_ROLE) {
            return Err(super::ownership::not_owner(kind.noun, name));
        }
        Ok((kind.class, oid, 0))
    }
}
