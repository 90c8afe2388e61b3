//! DROP of kinds of objects of which only PostgreSQL's own exist: they are required, and others are not there.

use dictdb_functions::facts;
use dictdb_parser::utility::{Drop, ObjectKind, ObjectRef};
use dictdb_types::{Error, Result, SqlState};

use super::DdlContext;
use super::names::{parts, shown};

/// The words of a kind, and the system catalog whose second column is its objects' names.
fn facts_of(kind: ObjectKind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        ObjectKind::AccessMethod => ("access method", "pg_am"),
        ObjectKind::Language => ("language", "pg_language"),
        _ => return None,
    })
}

fn is_built_in(table: &str, name: &str) -> bool {
    facts::table(table).into_iter().flat_map(|table| table.rows()).any(|mut row| {
        row.field();
        row.field() == Some(name)
    })
}

impl DdlContext<'_> {
    /// 2BP01 for what is built in, 42704 or a notice for everything else.
    pub(super) fn drop_builtin(&mut self, drop: &Drop) -> Result<()> {
        let Some((noun, table)) = facts_of(drop.kind) else {
            return Err(Error::unsupported(format_args!("DROP {:?}", drop.kind)));
        };
        for object in &drop.objects {
            let ObjectRef::Name(name) = object else { return Err(Error::internal("an object without a name")) };
            let bare = parts(name).last().map(|ident| ident.value.clone()).unwrap_or_default();
            let absent = self.missing_schema(name);
            if absent.is_none() && is_built_in(table, &bare) {
                return Err(required(noun, &bare));
            }
            let missing =
                || Error::new(SqlState::UNDEFINED_OBJECT, format!("{noun} \"{}\" does not exist", shown(name)));
            let missing = absent.unwrap_or_else(missing);
            if !drop.if_exists {
                return Err(missing);
            }
            self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{}, skipping", missing.message()));
        }
        Ok(())
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
