//! CREATE TYPE … AS RANGE: the range type, its multirange type, their array types and constructor functions.

use std::sync::Arc;

use dictdb_catalog::{BOOTSTRAP_ROLE, Dependency, Key, Language, Object, Parameter, RangeInfo, Routine};
use dictdb_functions::facts::{ArgMode, Cast, CastContext, CastMethod, Parallel, ProcKind, Volatility, ids};
use dictdb_parser::ast::ObjectName;
use dictdb_parser::utility::{DefElem, DefineObject};
use dictdb_planner::scope::CatalogScope;
use dictdb_types::{Error, Oid, Result, SqlState, TypeInfo, TypeKind, oids};

use super::DdlContext;
use super::names::shown;
use super::operator::option;
use super::own_type::bare;

/// The options as written.
#[derive(Default)]
struct Definition {
    subtype: Option<Oid>,
    opclass: Option<ObjectName>,
    collation: Option<ObjectName>,
    canonical: Option<ObjectName>,
    subdiff: Option<ObjectName>,
    multirange: Option<ObjectName>,
}

impl DdlContext<'_> {
    /// 42601, 42704, 42710, 42804, 42809; 0A000 for a canonical function.
    pub(super) fn create_range_type(&mut self, define: &DefineObject) -> Result<()> {
        let (namespace, name) = self.new_type_name(&define.name)?;
        self.check_create_in(namespace)?;
        let definition = self.range_definition(define.definition.as_deref().unwrap_or_default())?;
        let Some(subtype) = definition.subtype else {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "type attribute \"subtype\" is required"));
        };
        let subtype = self.type_info(subtype)?;
        if matches!(subtype.kind, TypeKind::Pseudo) {
            let catalog = self.view();
            let message = format!("range subtype cannot be {}", self.shown_type(subtype.oid, &catalog));
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
        }
        if definition.canonical.is_some() {
            return Err(Error::unsupported("a range type with a canonical function"));
        }
        let operator_class = self.range_opclass(definition.opclass.as_ref(), &subtype)?;
        let collation = self.range_collation(definition.collation.as_ref(), &subtype)?;
        let subdiff = self.range_subdiff(definition.subdiff.as_ref(), subtype.oid)?;
        let (multi_namespace, multi_name) = self.multirange_name(definition.multirange.as_ref(), namespace, &name)?;
        let align = if subtype.align == b'd' { b'd' } else { b'i' };
        let range = TypeInfo {
            kind: TypeKind::Range(subtype.oid),
            category: b'R',
            align,
            input: Arc::from("range_in"),
            ..self.new_type(namespace, name.clone())
        };
        let range_oid = self.put_type_with_array(range)?;
        let multirange = TypeInfo {
            kind: TypeKind::Multirange(range_oid),
            category: b'R',
            align,
            input: Arc::from("multirange_in"),
            ..self.new_type(multi_namespace, multi_name.clone())
        };
        let multirange_oid = self.put_type_with_array(multirange)?;
        let info = RangeInfo {
            range: range_oid,
            subtype: subtype.oid,
            multirange: multirange_oid,
            collation,
            operator_class,
            canonical: Oid::INVALID,
            subdiff,
        };
        self.depend_range(&info);
        self.put(Object::Range(Arc::new(info)));
        self.range_constructors(namespace, &name, subtype.oid, range_oid)?;
        let single = self.multirange_constructors(multi_namespace, &multi_name, range_oid, multirange_oid)?;
        let (context, method) = (CastContext::Explicit, CastMethod::Function(single));
        let cast = Cast { oid: self.new_oid(), source: range_oid, target: multirange_oid, context, method };
        self.depend(Key::Cast(cast.oid), Key::Type(multirange_oid), Dependency::Internal);
        self.put(Object::Cast(Arc::new(cast)));
        Ok(())
    }

    fn range_definition(&mut self, options: &[DefElem]) -> Result<Definition> {
        let mut found = Definition::default();
        for (at, item) in options.iter().enumerate() {
            let name = item.name.value.as_str();
            if options[..at].iter().any(|other| other.name.value == name) {
                let position = dictdb_parser::position::of_span(item.name.span);
                return Err(Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options").at(position));
            }
            match name {
                "subtype" => {
                    let written = option::of_type(item)?;
                    found.subtype = Some(self.definition_type(&written)?);
                }
                "subtype_opclass" => found.opclass = Some(option::of_name(item)?),
                "collation" => found.collation = Some(option::of_name(item)?),
                "canonical" => found.canonical = Some(option::of_name(item)?),
                "subtype_diff" => found.subdiff = Some(option::of_name(item)?),
                "multirange_type_name" => found.multirange = Some(option::of_name(item)?),
                _ => {
                    let message = format!("type attribute \"{name}\" not recognized");
                    return Err(Error::new(SqlState::SYNTAX_ERROR, message));
                }
            }
        }
        Ok(found)
    }

    /// Ranges are ordered as their bounds are by the default class; a class of the same family orders alike. 42704, 42804.
    fn range_opclass(&mut self, name: Option<&ObjectName>, subtype: &TypeInfo) -> Result<Oid> {
        let catalog = self.view();
        let shown_type = self.shown_type(subtype.oid, &catalog);
        if let Some(name) = name {
            let ty = dictdb_types::Type::new(subtype.oid);
            return self.named_opclass(name, ty, dictdb_catalog::IndexMethod::Btree);
        }
        let scope = CatalogScope { catalog: &catalog, search_path: self.search_path };
        let class = scope.own_default_opclass(subtype.oid, ids::BTREE)?;
        class.map(|class| class.oid).ok_or_else(|| {
            let message =
                format!("data type {shown_type} has no default operator class for access method \"btree\"");
            let hint = "You must specify an operator class for the range type or define a default operator class for the subtype.";
            Error::new(SqlState::UNDEFINED_OBJECT, message).hint(hint)
        })
    }

    fn range_collation(&mut self, name: Option<&ObjectName>, subtype: &TypeInfo) -> Result<Oid> {
        let Some(name) = name else { return Ok(subtype.collation) };
        if !subtype.collation.is_valid() {
            let message = "range collation specified but subtype does not support collation";
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        let ty = dictdb_types::Type::new(subtype.oid);
        let collation = self.column_collation(ty, Some(name))?;
        match self.view().collation_info(collation).and_then(|info| info.order_rule()) {
            Some(_) => Err(Error::unsupported("ranges in the order of a language")),
            None => Ok(collation),
        }
    }

    fn range_subdiff(&mut self, name: Option<&ObjectName>, subtype: Oid) -> Result<Oid> {
        let Some(name) = name else { return Ok(Oid::INVALID) };
        let found = self.named_function(name, &[subtype, subtype])?;
        if found.result != oids::FLOAT8 {
            let message = format!(
                "range subtype diff function {} must return type double precision",
                self.call_text(&shown(name), &[subtype, subtype])
            );
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        Ok(found.oid)
    }

    /// The name given, or the range type's with `multirange` in the place of `range`. 42710.
    fn multirange_name(&mut self, given: Option<&ObjectName>, namespace: Oid, range: &str) -> Result<(Oid, Arc<str>)> {
        if let Some(given) = given {
            let (namespace, name) = self.new_type_name(given)?;
            self.check_create_in(namespace)?;
            if bare(given) == range {
                return Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("type \"{name}\" already exists")));
            }
            return Ok((namespace, name));
        }
        let name = match range.contains("range") {
            true => range.replacen("range", "multirange", 1),
            false => super::names::object_name(range, "", "multirange"),
        };
        if self.view().type_in(namespace, &name).is_some() {
            let detail = format!("Failed while creating a multirange type for type \"{range}\".");
            let hint = "You can manually specify a multirange type name using the \"multirange_type_name\" attribute.";
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("type \"{name}\" already exists"))
                .detail(detail)
                .hint(hint));
        }
        Ok((namespace, Arc::from(name)))
    }

    fn depend_range(&mut self, info: &RangeInfo) {
        let own = Key::Type(info.range);
        if info.subtype >= Oid::FIRST_NORMAL {
            self.depend(own, Key::Type(info.subtype), Dependency::Normal);
        }
        if info.operator_class >= Oid::FIRST_NORMAL {
            self.depend(own, Key::OperatorClass(info.operator_class), Dependency::Normal);
        }
        if info.subdiff >= Oid::FIRST_NORMAL {
            self.depend(own, Key::Function(info.subdiff), Dependency::Normal);
        }
        self.depend(Key::Type(info.multirange), own, Dependency::Internal);
    }

    fn range_constructors(&mut self, namespace: Oid, name: &Arc<str>, subtype: Oid, range: Oid) -> Result<()> {
        let plain = |ty: Oid| parameter(ArgMode::In, ty);
        for (params, symbol) in [
            (vec![plain(subtype), plain(subtype)], "range_constructor2"),
            (vec![plain(subtype), plain(subtype), plain(oids::TEXT)], "range_constructor3"),
        ] {
            self.constructor(namespace, name, params, range, symbol, false)?;
        }
        Ok(())
    }

    fn multirange_constructors(&mut self, namespace: Oid, name: &Arc<str>, range: Oid, multirange: Oid) -> Result<Oid> {
        let array = self.type_info(range)?.array;
        self.constructor(namespace, name, Vec::new(), multirange, "multirange_constructor0", true)?;
        let single = vec![parameter(ArgMode::In, range)];
        let single = self.constructor(namespace, name, single, multirange, "multirange_constructor1", true)?;
        let several = vec![parameter(ArgMode::Variadic, array)];
        self.constructor(namespace, name, several, multirange, "multirange_constructor2", true)?;
        Ok(single)
    }

    /// A function that makes values of a type and goes with it.
    fn constructor(
        &mut self,
        namespace: Oid,
        name: &Arc<str>,
        params: Vec<Parameter>,
        result: Oid,
        symbol: &str,
        strict: bool,
    ) -> Result<Oid> {
        let kind = (ProcKind::Function, Language::Internal);
        let routine = Routine {
            oid: self.new_oid(),
            strict,
            volatility: Volatility::Immutable,
            parallel: Parallel::Safe,
            ..Routine::new(namespace, name.clone(), BOOTSTRAP_ROLE, kind, result, symbol)
        }
        .with_params(params);
        let catalog = self.view();
        if catalog.routines_named(namespace, name).any(|other| other.args == routine.args) {
            let shown = self.call_text(name, &routine.args);
            let message = format!("function \"{name}\" already exists with same argument types");
            return Err(Error::new(SqlState::DUPLICATE_FUNCTION, message).detail(shown));
        }
        self.depend(Key::Function(routine.oid), Key::Type(result), Dependency::Internal);
        let oid = routine.oid;
        self.put(Object::Routine(Arc::new(routine)));
        Ok(oid)
    }
}

fn parameter(mode: ArgMode, ty: Oid) -> Parameter {
    Parameter { mode, name: Arc::from(""), ty, default: None }
}
