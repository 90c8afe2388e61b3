//! Names of types while a function is compiled.

use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_plpgsql::TypeSource;
use dictdb_types::{Error, Field, Result, SqlState, Type, TypeKind, TypeLookup};

use crate::Session;

/// The session's types.
pub(super) struct Types<'a> {
    pub session: &'a mut Session,
}

impl Session {
    pub(super) fn pl_type(&mut self, name: &str) -> Result<Type> {
        if let Some((table, kind)) = name.split_once('%') {
            let parts = identifiers(table);
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            return match (kind.trim().to_ascii_lowercase().as_str(), parts.as_slice()) {
                ("rowtype", parts) => Ok(Type::new(self.pl_relation(parts)?.row_type)),
                ("type", [table @ .., column]) if !table.is_empty() => {
                    let relation = self.pl_relation(table)?;
                    let found = relation.column_named(column).map(|(_, column)| column.ty);
                    found.ok_or_else(|| {
                        let message = format!("column \"{column}\" of relation \"{}\" does not exist", relation.name);
                        Error::new(SqlState::UNDEFINED_COLUMN, message)
                    })
                }
                _ => Err(Error::new(SqlState::SYNTAX_ERROR, format!("syntax error at or near \"{name}\""))),
            };
        }
        let tree = dictdb_parser::parse_type_name(name)?;
        let env = self.env();
        let path = env.search_path();
        dictdb_planner::bind_type(&tree, env.bind_context(&path))
    }

    fn pl_relation(&mut self, name: &[&str]) -> Result<Arc<Relation>> {
        let env = self.env();
        let path = env.search_path();
        let found = match name {
            [.., schema, table] => {
                let schema = env.catalog.schema_seen(&path, schema).map(|schema| schema.oid);
                schema.and_then(|schema| env.catalog.relation_in(schema, table))
            }
            [table] => env.catalog.relation_on_path(&path, table),
            [] => None,
        };
        found.cloned().ok_or_else(|| {
            Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{}\" does not exist", name.join(".")))
        })
    }

    pub(super) fn pl_fields(&mut self, ty: Type) -> Option<Arc<[Field]>> {
        let env = self.env();
        match &env.type_info(env.base_type(ty).oid)?.kind {
            TypeKind::Composite(fields) => Some(fields.clone()),
            _ => None,
        }
    }

    pub(super) fn pl_element(&mut self, ty: Type) -> Option<Type> {
        let env = self.env();
        let base = env.base_type(ty);
        let info = env.type_info(base.oid)?;
        info.element.is_valid().then_some(Type::with_typmod(info.element, base.typmod))
    }

    pub(super) fn pl_array_of(&mut self, ty: Type) -> Option<Type> {
        let info = self.env().type_info(ty.oid)?;
        if info.is_array() {
            return Some(ty);
        }
        info.array.is_valid().then_some(Type::with_typmod(info.array, ty.typmod))
    }

    pub(super) fn pl_check_collation(&mut self, ty: Type, name: &str) -> Result<()> {
        let env = self.env();
        let base = env.base_type(ty);
        if !env.type_info(base.oid).is_some_and(|info| info.collation.is_valid()) {
            let shown = dictdb_types::type_name(&*env.catalog, ty.oid, &|_| None);
            let message = format!("collations are not supported by type {shown}");
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        let path = env.search_path();
        let known = env.catalog.collation_on_path(&path, name).or_else(|| {
            let (schema, own) = name.split_once('.')?;
            env.catalog.collation_in(env.catalog.schema_named(schema)?.oid, own)
        });
        if known.is_some() {
            return Ok(());
        }
        let message = format!("collation \"{name}\" for encoding \"UTF8\" does not exist");
        Err(Error::new(SqlState::UNDEFINED_OBJECT, message))
    }

    pub(super) fn pl_setting(&mut self, name: &str) -> String {
        self.shared.settings.lock().text(name)
    }
}

/// The identifiers of a dotted name, folded unless they are quoted.
fn identifiers(name: &str) -> Vec<String> {
    let part = |part: &str| {
        let part = part.trim();
        let quoted = part.strip_prefix('"').and_then(|part| part.strip_suffix('"'));
        quoted.map_or_else(|| part.to_ascii_lowercase(), |quoted| quoted.replace("\"\"", "\""))
    };
    name.split('.').map(part).collect()
}

/// Forwards the questions about types to the session.
macro_rules! type_source {
    ($host:ty) => {
        impl TypeSource for $host {
            fn named(&mut self, name: &str) -> Result<Type> {
                self.session.pl_type(name)
            }

            fn fields(&mut self, ty: Type) -> Option<Arc<[Field]>> {
                self.session.pl_fields(ty)
            }

            fn base(&mut self, ty: Type) -> Type {
                self.session.env().base_type(ty)
            }

            fn element(&mut self, ty: Type) -> Option<Type> {
                self.session.pl_element(ty)
            }

            fn array_of(&mut self, ty: Type) -> Option<Type> {
                self.session.pl_array_of(ty)
            }

            fn check_collation(&mut self, ty: Type, name: &str) -> Result<()> {
                self.session.pl_check_collation(ty, name)
            }

            fn setting(&mut self, name: &str) -> String {
                self.session.pl_setting(name)
            }
        }
    };
}

type_source!(Types<'_>);
type_source!(super::host::PlHost<'_>);
