//! Type names of the syntax tree to [`Type`]s with modifiers.

use std::sync::Arc;

use dictdb_parser::TypeName;
use dictdb_parser::ast::DataType;
use dictdb_types::{Error, Field, Result, SqlState, Type, TypeInfo, TypeKind, TypeLookup, oids};

use super::{Binder, names};

impl Binder<'_> {
    /// The type a type name means; 42704 when there is none.
    pub(crate) fn bind_type(&self, data_type: &DataType) -> Result<Type> {
        let name = TypeName::of(data_type)
            .ok_or_else(|| Error::internal(format!("a type name the parser does not make: {data_type}")))?;
        let position = name.names.first().and_then(|ident| self.position(ident.span));
        let ty = self.bind_type_name(&name).map_err(|e| e.at(position))?;
        if name.dimensions == 0 {
            return Ok(ty);
        }
        self.array_type_of(ty).ok_or_else(|| {
            Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("could not find array type for data type {}", self.type_name(ty)),
            )
            .at(position)
        })
    }

    fn bind_type_name(&self, name: &TypeName<'_>) -> Result<Type> {
        if name.of_column {
            return self.column_type(name);
        }
        let info = self.find_type(name)?;
        let typmod = match name.modifiers {
            [] => -1,
            modifiers => dictdb_types::typmod::from_modifiers(info.oid, modifiers)?,
        };
        Ok(Type::with_typmod(info.oid, typmod))
    }

    fn find_type(&self, name: &TypeName<'_>) -> Result<Arc<TypeInfo>> {
        let found = match name.names.as_slice() {
            [name] => self.cx.catalog.type_on_path(self.cx.search_path, &name.value),
            [.., schema, name] => {
                let namespace = self.cx.catalog.schema_seen(self.cx.search_path, &schema.value).ok_or_else(|| {
                    Error::new(SqlState::UNDEFINED_SCHEMA, format!("schema \"{}\" does not exist", schema.value))
                })?;
                self.cx.catalog.type_in(namespace.oid, &name.value)
            }
            [] => None,
        };
        found.ok_or_else(|| {
            let (name, brackets) = (names::dotted(&name.names), if name.dimensions > 0 { "[]" } else { "" });
            Error::new(SqlState::UNDEFINED_OBJECT, format!("type \"{name}{brackets}\" does not exist"))
        })
    }

    /// `table.column%TYPE`.
    fn column_type(&self, name: &TypeName<'_>) -> Result<Type> {
        let Some((column, table)) = name.names.split_last() else {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "improper %TYPE reference (too few dotted names)"));
        };
        let relation = self.relation_of(table)?;
        let (_, found) = relation.column_named(&column.value).ok_or_else(|| {
            Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{}\" of relation \"{}\" does not exist", column.value, relation.name),
            )
        })?;
        Ok(found.ty)
    }

    /// The element type of an array type (through domains), with the array's modifier.
    pub(crate) fn element_of(&self, array: Type) -> Option<Type> {
        let base = self.cx.catalog.base_type(array);
        let info = self.type_info(base.oid)?;
        let subscriptable = info.is_array() || matches!(base.oid, oids::INT2VECTOR | oids::OIDVECTOR);
        subscriptable.then_some(Type::with_typmod(info.element, base.typmod))
    }

    /// The array type over an element type. Dimensions mean nothing: that of an array type is the type itself.
    pub(crate) fn array_type_of(&self, element: Type) -> Option<Type> {
        let info = self.type_info(element.oid)?;
        if info.is_array() {
            return Some(element);
        }
        info.array.is_valid().then_some(Type::with_typmod(info.array, element.typmod))
    }

    /// The fields of a composite type (through domains).
    pub(crate) fn fields_of(&self, ty: Type) -> Option<Arc<[Field]>> {
        match &self.type_info(ty.oid)?.kind {
            TypeKind::Composite(fields) => Some(fields.clone()),
            TypeKind::Domain(base) => self.fields_of(*base),
            _ => None,
        }
    }
}
