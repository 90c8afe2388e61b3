//! Names of types while a function is compiled.

use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_planner::BindContext;
use dictdb_plpgsql::TypeSource;
use dictdb_types::{Error, Field, Result, SqlState, Type, TypeKind, TypeLookup};

use crate::Session;

/// The session's types.
pub(super) struct Types<'a> {
    pub session: &'a mut Session,
}

/// The type that a name means. 42704, 42P01, 42703.
pub(super) fn named(name: &str, cx: BindContext<'_>) -> Result<Type> {
    let Some((table, kind)) = name.split_once('%') else {
        return dictdb_planner::bind_type(&dictdb_parser::parse_type_name(name)?, cx);
    };
    let parts = identifiers(table);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match (kind.trim().to_ascii_lowercase().as_str(), parts.as_slice()) {
        ("rowtype", parts) => Ok(Type::new(relation(parts, cx)?.row_type)),
        ("type", [table @ .., column]) if !table.is_empty() => {
            let relation = relation(table, cx)?;
            let found = relation.column_named(column).map(|(_, column)| column.ty);
            found.ok_or_else(|| {
                let message = format!("column \"{column}\" of relation \"{}\" does not exist", relation.name);
                Error::new(SqlState::UNDEFINED_COLUMN, message)
            })
        }
        _ => Err(Error::new(SqlState::SYNTAX_ERROR, format!("syntax error at or near \"{name}\""))),
    }
}

fn relation(name: &[&str], cx: BindContext<'_>) -> Result<Arc<Relation>> {
    let (catalog, path) = (cx.catalog, cx.search_path);
    let found = match name {
        [.., schema, table] => {
            let schema = catalog.schema_seen(path, schema).map(|schema| schema.oid);
            schema.and_then(|schema| catalog.relation_in(schema, table))
        }
        [table] => catalog.relation_on_path(path, table),
        [] => None,
    };
    found
        .cloned()
        .ok_or_else(|| Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{}\" does not exist", name.join("."))))
}

/// The fields of a composite type.
pub(super) fn fields(ty: Type, types: &dyn TypeLookup) -> Option<Arc<[Field]>> {
    match &types.type_info(types.base_type(ty).oid)?.kind {
        TypeKind::Composite(fields) => Some(fields.clone()),
        _ => None,
    }
}

/// The element type of an array type.
pub(super) fn element(ty: Type, types: &dyn TypeLookup) -> Option<Type> {
    let base = types.base_type(ty);
    let info = types.type_info(base.oid)?;
    info.element.is_valid().then_some(Type::with_typmod(info.element, base.typmod))
}

/// The array type over a type, or the type itself if it is one.
pub(super) fn array_of(ty: Type, types: &dyn TypeLookup) -> Option<Type> {
    let info = types.type_info(ty.oid)?;
    if info.is_array() {
        return Some(ty);
    }
    info.array.is_valid().then_some(Type::with_typmod(info.array, ty.typmod))
}

/// 42804 for a type that has no collations, 42704 for a collation that there is not.
pub(super) fn check_collation(ty: Type, name: &str, cx: BindContext<'_>) -> Result<()> {
    let (catalog, path) = (cx.catalog, cx.search_path);
    let base = catalog.base_type(ty);
    if !catalog.type_info(base.oid).is_some_and(|info| info.collation.is_valid()) {
        let shown = dictdb_types::type_name(&**catalog, ty.oid, &|_| None);
        let message = format!("collations are not supported by type {shown}");
        return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
    }
    let known = catalog.collation_on_path(path, name).or_else(|| {
        let (schema, own) = name.split_once('.')?;
        catalog.collation_in(catalog.schema_named(schema)?.oid, own)
    });
    if known.is_some() {
        return Ok(());
    }
    let message = format!("collation \"{name}\" for encoding \"UTF8\" does not exist");
    Err(Error::new(SqlState::UNDEFINED_OBJECT, message))
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
                let env = self.session.env();
                let path = env.search_path();
                named(name, env.bind_context(&path))
            }

            fn fields(&mut self, ty: Type) -> Option<Arc<[Field]>> {
                fields(ty, &*self.session.env())
            }

            fn base(&mut self, ty: Type) -> Type {
                self.session.env().base_type(ty)
            }

            fn element(&mut self, ty: Type) -> Option<Type> {
                element(ty, &*self.session.env())
            }

            fn array_of(&mut self, ty: Type) -> Option<Type> {
                array_of(ty, &*self.session.env())
            }

            fn check_collation(&mut self, ty: Type, name: &str) -> Result<()> {
                let env = self.session.env();
                let path = env.search_path();
                check_collation(ty, name, env.bind_context(&path))
            }

            fn setting(&mut self, name: &str) -> String {
                self.session.shared.settings.lock().text(name)
            }
        }
    };
}

type_source!(Types<'_>);
type_source!(super::host::PlHost<'_>);
