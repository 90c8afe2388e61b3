//! Names of new objects: where they go, whether they are free, and the ones PostgreSQL makes up.

use std::sync::Arc;

use dictdb_catalog::{Catalog, Persistence, Relation, namespaces};
use dictdb_parser::ast::{Ident, ObjectName};
use dictdb_parser::{position, utility};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::DdlContext;

/// Longest name, in bytes.
const NAME_BYTES: usize = 63;

/// The identifiers of a name.
pub(super) fn parts(name: &ObjectName) -> Vec<&Ident> {
    name.0.iter().filter_map(|part| part.as_ident()).collect()
}

/// Whether a name is qualified by `pg_temp`.
pub fn in_temporary_schema(name: &ObjectName) -> bool {
    matches!(parts(name).as_slice(), [.., schema, _] if schema.value == "pg_temp")
}

/// A name as written, with dots.
pub(super) fn shown(name: &ObjectName) -> String {
    parts(name).iter().map(|ident| ident.value.as_str()).collect::<Vec<_>>().join(".")
}

impl DdlContext<'_> {
    /// How long a new relation lives: one that is named in the temporary schema is temporary without the word.
    pub(super) fn persistence(&self, name: &ObjectName, written: utility::Persistence) -> Persistence {
        let unqualified = matches!(parts(name).as_slice(), [_]);
        match written {
            _ if in_temporary_schema(name) => Persistence::Temporary,
            _ if unqualified && self.creation_schema == Some(self.temporary_schema) => Persistence::Temporary,
            utility::Persistence::Permanent => Persistence::Permanent,
            utility::Persistence::Unlogged => Persistence::Unlogged,
            utility::Persistence::Temporary => Persistence::Temporary,
        }
    }

    /// 42P16 for a table of the temporary schema that would not be temporary.
    pub(super) fn refuse_unlogged_temporary(&self, name: &ObjectName, written: utility::Persistence) -> Result<()> {
        if written != utility::Persistence::Unlogged || !in_temporary_schema(name) {
            return Ok(());
        }
        let at = parts(name).first().and_then(|ident| position::of_span(ident.span));
        let message = "only temporary relations may be created in temporary schemas";
        Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message).at(at))
    }

    /// Schema and name of a new object.
    pub(super) fn new_name(&mut self, name: &ObjectName, temporary: bool) -> Result<(Oid, Arc<str>)> {
        let parts = parts(name);
        let catalog = self.view();
        match parts.as_slice() {
            [name] if temporary => Ok((self.temporary_schema, Arc::from(name.value.as_str()))),
            [name] => match self.creation_schema {
                Some(schema) => {
                    self.check_not_system_schema(&catalog, schema, &name.value)?;
                    Ok((schema, Arc::from(name.value.as_str())))
                }
                None => Err(Error::new(SqlState::INVALID_SCHEMA_NAME, "no schema has been selected to create in")),
            },
            [.., schema, name] => {
                let namespace = self.schema_oid(&catalog, &schema.value)?;
                if temporary && namespace != self.temporary_schema {
                    return Err(Error::new(
                        SqlState::INVALID_TABLE_DEFINITION,
                        "cannot create temporary relation in non-temporary schema",
                    )
                    .at(position::of_span(parts[0].span)));
                }
                self.check_not_system_schema(&catalog, namespace, &name.value)?;
                Ok((namespace, Arc::from(name.value.as_str())))
            }
            [] => Err(Error::internal("an object without a name")),
        }
    }

    /// 42501 for a new object in a schema of the server's own, unless `allow_system_table_mods` is on. What is there already is
    /// for the caller to find.
    fn check_not_system_schema(&mut self, catalog: &Catalog, namespace: Oid, name: &str) -> Result<()> {
        let is_new = || catalog.relation_in(namespace, name).is_none();
        if !matches!(namespace, namespaces::PG_CATALOG | namespaces::DICTDB)
            || !is_new()
            || self.row_env().setting("allow_system_table_mods").is_some_and(|value| value == "on")
        {
            return Ok(());
        }
        let schema = catalog.schema(namespace).map_or("", |schema| &schema.name);
        let message = format!("permission denied to create \"{schema}.{name}\"");
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
            .detail("System catalog modifications are currently disallowed."))
    }

    pub(super) fn schema_oid(&self, catalog: &Catalog, name: &str) -> Result<Oid> {
        let found = catalog.schema_seen(self.search_path, name).map(|schema| schema.oid);
        found.ok_or_else(|| Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{name}\" does not exist")))
    }

    /// An existing relation; 42P01, 3F000.
    pub(super) fn find_relation(&mut self, name: &ObjectName) -> Result<Arc<Relation>> {
        if let Some(relation) = self.look_up_relation(name)? {
            return Ok(relation);
        }
        Err(self.missing_schema(name).unwrap_or_else(|| {
            Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{}\" does not exist", shown(name)))
        }))
    }

    /// 3F000 when a name is qualified by a schema that does not exist.
    pub(super) fn missing_schema(&mut self, name: &ObjectName) -> Option<Error> {
        let parts = parts(name);
        let [.., schema, _] = parts.as_slice() else { return None };
        let known = self.view().schema_seen(self.search_path, &schema.value).is_some();
        (!known)
            .then(|| Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{}\" does not exist", schema.value)))
    }

    pub(super) fn look_up_relation(&mut self, name: &ObjectName) -> Result<Option<Arc<Relation>>> {
        let catalog = self.view();
        Ok(match parts(name).as_slice() {
            [name] => {
                // The first temporary table of a session may refer to itself before its schema is on the path.
                let temporary = (!self.search_path.contains(&self.temporary_schema))
                    .then(|| catalog.relation_in(self.temporary_schema, &name.value))
                    .flatten();
                temporary.or_else(|| catalog.relation_on_path(self.search_path, &name.value)).cloned()
            }
            [.., schema, name] => {
                let schema = catalog.schema_seen(self.search_path, &schema.value);
                schema.and_then(|schema| catalog.relation_in(schema.oid, &name.value).cloned())
            }
            [] => None,
        })
    }

    /// A free relation name like `table_column_suffix`, shortened and numbered as PostgreSQL does it.
    pub(super) fn choose_name(
        &mut self,
        namespace: Oid,
        first: &str,
        second: &str,
        suffix: &str,
        taken: &[Arc<str>],
    ) -> Arc<str> {
        let catalog = self.view();
        let is_taken = |name: &Arc<str>| catalog.relation_in(namespace, name).is_some() || taken.contains(name);
        free_name(first, second, suffix, is_taken)
    }
}

/// The first of `first_second_label`, `first_second_label1`, … that is not taken.
pub(super) fn free_name(first: &str, second: &str, label: &str, is_taken: impl Fn(&Arc<str>) -> bool) -> Arc<str> {
    let numbered = |number: u32| match number {
        0 => label.to_owned(),
        number => format!("{label}{number}"),
    };
    let mut names = (0..).map(|number| Arc::from(object_name(first, second, &numbered(number))));
    names.find(|name| !is_taken(name)).unwrap_or_else(|| Arc::from(label))
}

/// `first_second_label`, with the longer of the first two parts cut until it fits (PostgreSQL's `makeObjectName`).
pub(super) fn object_name(first: &str, second: &str, label: &str) -> String {
    let separators = usize::from(!second.is_empty()) + usize::from(!label.is_empty());
    let room = NAME_BYTES - label.len().min(NAME_BYTES - separators) - separators;
    let (mut a, mut b) = (first.len(), second.len());
    while a + b > room {
        if a > b { a -= 1 } else { b -= 1 }
    }
    let mut name = clip(first, a).to_owned();
    for part in [clip(second, b), label] {
        if !part.is_empty() {
            name.push('_');
            name.push_str(part);
        }
    }
    name
}

fn clip(text: &str, mut bytes: usize) -> &str {
    while !text.is_char_boundary(bytes) {
        bytes -= 1;
    }
    &text[..bytes]
}
