//! Kinds of objects of which only PostgreSQL's own exist: others are not there, and these cannot be dropped.

use dictdb_catalog::{BOOTSTRAP_ROLE, Language};
use dictdb_functions::facts;
use dictdb_parser::utility::{Drop, ObjectKind, ObjectRef};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::DdlContext;
use super::names::{parts, shown};

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

    fn missing(self, name: &str) -> Error {
        Error::new(SqlState::UNDEFINED_OBJECT, format!("{} \"{name}\" does not exist", self.noun))
    }
}

impl DdlContext<'_> {
    /// 2BP01 for what is built in, 42704 or a notice for everything else.
    pub(super) fn drop_builtin(&mut self, drop: &Drop) -> Result<()> {
        let Some(kind) = BuiltIn::of(drop.kind) else {
            return Err(Error::unsupported(format_args!("DROP {:?}", drop.kind)));
        };
        for object in &drop.objects {
            let ObjectRef::Name(name) = object else { return Err(Error::internal("an object without a name")) };
            let bare = parts(name).last().map(|ident| ident.value.clone()).unwrap_or_default();
            let absent = self.missing_schema(name);
            if absent.is_none() && kind.find(&bare).is_some() {
                return Err(required(kind.noun, &bare));
            }
            let missing = absent.unwrap_or_else(|| kind.missing(&shown(name)));
            if !drop.if_exists {
                return Err(missing);
            }
            self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{}, skipping", missing.message()));
        }
        Ok(())
    }

    /// Catalog and object that a comment is on. 42501, 42704.
    pub(super) fn commented_builtin(&mut self, kind: BuiltIn, name: &str) -> Result<(Oid, Oid, i32)> {
        let oid = kind.find(name).ok_or_else(|| kind.missing(name))?;
        if !self.has_privileges_of(BOOTSTRAP_ROLE) {
            return Err(super::ownership::not_owner(kind.noun, name));
        }
        Ok((kind.class, oid, 0))
    }
}

fn required(noun: &str, name: &str) -> Error {
    let code = SqlState::DEPENDENT_OBJECTS_STILL_EXIST;
    if noun == "language" && name == "plpgsql" {
        let message = "cannot drop language plpgsql because extension plpgsql requires it";
        return Error::new(code, message).hint("You can drop extension plpgsql instead.");
    }
    let shown = dictdb_types::quote_identifier(name);
    Error::new(code, format!("cannot drop {noun} {shown} because it is required by the database system"))
}
