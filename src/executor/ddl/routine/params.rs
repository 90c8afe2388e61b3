//! Parameters of a routine, and the result type that output parameters make.

use std::sync::Arc;

use dictdb_catalog::Parameter;
use dictdb_functions::facts::ArgMode;
use dictdb_functions::resolve::is_polymorphic;
use dictdb_parser::ast::DataType;
use dictdb_parser::utility::{CreateFunction, FunctionParam, FunctionReturns, ParamMode};
use dictdb_parser::{Locations, TypeName};
use dictdb_types::{Error, Oid, Result, Severity, SqlState, TypeInfo, TypeLookup, oids};

use crate::ddl::DdlContext;

/// What a routine returns.
pub(super) struct Returned {
    pub ty: Oid,
    pub set: bool,
}

/// 42P13.
pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message)
}

impl DdlContext<'_> {
    /// The parameters of CREATE, those of RETURNS TABLE included. 42P13, 42704, 42804.
    pub(super) fn parameters(&mut self, create: &CreateFunction, locations: &Locations) -> Result<Vec<Parameter>> {
        let mut params: Vec<Parameter> = Vec::with_capacity(create.params.len());
        for param in &create.params {
            let mode = mode_of(param);
            let ty = self.routine_type(&param.data_type, true)?.oid;
            self.check_parameter(&params, mode, ty, create.procedure)?;
            let mut parameter = Parameter { mode, name: name_of(param), ty, default: None };
            check_name(&params, &parameter)?;
            parameter.default = self.parameter_default(&params, &parameter, param, locations)?;
            check_after_default(&params, &parameter, create.procedure)?;
            params.push(parameter);
        }
        if let Some(FunctionReturns::Table(columns)) = &create.returns {
            if params.iter().any(|p| matches!(p.mode, ArgMode::Out | ArgMode::InOut)) {
                return Err(invalid("OUT and INOUT arguments aren't allowed in TABLE functions"));
            }
            for column in columns {
                let ty = self.routine_type(&column.data_type, true)?.oid;
                let parameter = Parameter { mode: ArgMode::Table, name: name_of(column), ty, default: None };
                check_name(&params, &parameter)?;
                params.push(parameter);
            }
        }
        Ok(params)
    }

    fn parameter_default(
        &mut self,
        before: &[Parameter],
        parameter: &Parameter,
        param: &FunctionParam,
        locations: &Locations,
    ) -> Result<Option<(Arc<str>, Oid)>> {
        let Some(default) = &param.default else {
            let defaulted = before.iter().any(|p| p.default.is_some());
            if defaulted && parameter.mode.is_input() {
                return Err(invalid("input parameters after one with a default value must also have defaults"));
            }
            return Ok(None);
        };
        if !parameter.mode.is_input() {
            return Err(invalid("only input parameters can have default values"));
        }
        let ty = parameter.ty;
        let bound = self.with_binding(|cx| dictdb_planner::routine::bind_default(&default.expr, locations, ty, cx))?;
        Ok(Some((bound.text, bound.ty)))
    }

    fn check_parameter(&mut self, before: &[Parameter], mode: ArgMode, ty: Oid, procedure: bool) -> Result<()> {
        let variadic_before = before.iter().any(|p| p.mode == ArgMode::Variadic);
        if variadic_before && mode.is_input() {
            return Err(invalid("VARIADIC parameter must be the last input parameter"));
        }
        if variadic_before && procedure {
            return Err(invalid("VARIADIC parameter must be the last parameter"));
        }
        if mode == ArgMode::Variadic {
            let polymorphic = matches!(ty, oids::ANY | oids::ANYARRAY | oids::ANYCOMPATIBLEARRAY);
            let array = self.type_of(ty).is_some_and(|info| info.is_array());
            if !polymorphic && !array {
                return Err(invalid("VARIADIC parameter must be an array"));
            }
        }
        Ok(())
    }

    fn type_of(&mut self, oid: Oid) -> Option<Arc<TypeInfo>> {
        self.view().type_info(oid)
    }

    /// A type of a parameter or result. 42704 without position, as PostgreSQL reports it.
    pub(super) fn routine_type(&mut self, data_type: &DataType, parameter: bool) -> Result<dictdb_types::Type> {
        if let Some(shell) = self.type_or_shell(data_type, !parameter && self.makes_shells)? {
            let shown = self.routine_type_text(shell);
            let what = if parameter { "argument" } else { "return" };
            let message = format!("{what} type {shown} is only a shell");
            self.notices.push(Error::with_severity(Severity::Notice, SqlState::WRONG_OBJECT_TYPE, message));
            return Ok(dictdb_types::Type::new(shell));
        }
        let bound = self.bind_type(data_type).map_err(|mut error| {
            if error.code() == SqlState::UNDEFINED_OBJECT && parameter {
                let message = error.message().replace('"', "");
                error.fields_mut().message = message;
            }
            error
        })?;
        if let Some(name) = TypeName::of(data_type).filter(|name| name.of_column) {
            let shown: Vec<&str> = name.names.iter().map(|ident| ident.value.as_str()).collect();
            let converted = self.routine_type_text(bound.oid);
            let message = format!("type reference {}%TYPE converted to {converted}", shown.join("."));
            self.notices.push(Error::with_severity(Severity::Notice, SqlState::SUCCESSFUL_COMPLETION, message));
        }
        self.check_type_usage(bound.oid)?;
        Ok(bound)
    }

    /// The type of an aggregate's parameter; pseudo-types that hold no value are refused as functions refuse them.
    pub(in crate::ddl) fn routine_parameter_type(&mut self, data_type: &DataType) -> Result<Oid> {
        self.routine_type(data_type, true).map(|ty| ty.oid)
    }

    /// The name of a type for messages.
    pub(super) fn routine_type_text(&mut self, oid: Oid) -> String {
        let catalog = self.view();
        super::find::type_text(&catalog, self.search_path, oid)
    }

    /// The result type. 42P13.
    pub(super) fn returned(&mut self, create: &CreateFunction, params: &[Parameter]) -> Result<Returned> {
        let outputs: Vec<&Parameter> =
            params.iter().filter(|p| matches!(p.mode, ArgMode::Out | ArgMode::InOut | ArgMode::Table)).collect();
        let required = match outputs.as_slice() {
            [] => None,
            [single] if single.mode != ArgMode::Table && !create.procedure => Some(single.ty),
            [single] if single.mode == ArgMode::Table => Some(single.ty),
            _ => Some(oids::RECORD),
        };
        match &create.returns {
            _ if create.procedure => Ok(Returned { ty: required.unwrap_or(oids::VOID), set: false }),
            Some(FunctionReturns::Table(_)) => Ok(Returned { ty: required.unwrap_or(oids::RECORD), set: true }),
            Some(FunctionReturns::Type { data_type, setof }) => {
                let ty = self.routine_type(data_type, false)?.oid;
                match required.filter(|required| *required != ty) {
                    Some(required) => {
                        let required = self.routine_type_text(required);
                        Err(invalid(format!("function result type must be {required} because of OUT parameters")))
                    }
                    None => Ok(Returned { ty, set: *setof }),
                }
            }
            None => match required {
                Some(ty) => Ok(Returned { ty, set: false }),
                None => Err(invalid("function result type must be specified")),
            },
        }
    }
}

fn mode_of(param: &FunctionParam) -> ArgMode {
    match param.mode {
        None | Some(ParamMode::In) => ArgMode::In,
        Some(ParamMode::Out) => ArgMode::Out,
        Some(ParamMode::InOut) => ArgMode::InOut,
        Some(ParamMode::Variadic) => ArgMode::Variadic,
    }
}

fn name_of(param: &FunctionParam) -> Arc<str> {
    param.name.as_ref().map_or_else(|| Arc::from(""), |name| Arc::from(name.value.as_str()))
}

/// Input and output parameters have name spaces of their own, except where a value is both.
fn check_name(before: &[Parameter], parameter: &Parameter) -> Result<()> {
    let apart = |a: ArgMode, b: ArgMode| {
        matches!((a, b), (ArgMode::In | ArgMode::Variadic, ArgMode::Out | ArgMode::Table))
            || matches!((a, b), (ArgMode::Out | ArgMode::Table, ArgMode::In | ArgMode::Variadic))
    };
    let taken = before.iter().any(|other| other.name == parameter.name && !apart(other.mode, parameter.mode));
    if taken && !parameter.name.is_empty() {
        return Err(invalid(format!("parameter name \"{}\" used more than once", parameter.name)));
    }
    Ok(())
}

fn check_after_default(before: &[Parameter], parameter: &Parameter, procedure: bool) -> Result<()> {
    let defaulted = before.iter().any(|p| p.default.is_some());
    if procedure && parameter.mode == ArgMode::Out && defaulted {
        return Err(invalid("procedure OUT parameters cannot appear after one with a default value"));
    }
    Ok(())
}

/// 42P13 for a polymorphic result or output that no input decides.
pub(super) fn check_polymorphic(params: &[Parameter], result: Oid, shown: impl Fn(Oid) -> String) -> Result<()> {
    if result == oids::INTERNAL && !params.iter().any(|parameter| parameter.mode.is_input() && parameter.ty == result) {
        return Err(invalid("unsafe use of pseudo-type \"internal\"".to_owned())
            .detail("A result of type internal requires at least one input of type internal."));
    }
    let outputs = params.iter().filter(|p| !p.mode.is_input()).map(|p| p.ty).chain([result]);
    let first = |oid: Oid| matches!(oid, oids::ANYELEMENT | oids::ANYARRAY | oids::ANYNONARRAY | oids::ANYENUM);
    let range = |oid: Oid| matches!(oid, oids::ANYRANGE | oids::ANYMULTIRANGE);
    let compatible_range = |oid: Oid| matches!(oid, oids::ANYCOMPATIBLERANGE | oids::ANYCOMPATIBLEMULTIRANGE);
    let inputs = || params.iter().filter(|p| p.mode.is_input()).map(|p| p.ty);
    for output in outputs.filter(|oid| is_polymorphic(*oid)) {
        let (decided, wanted) = if range(output) {
            (inputs().any(range), "anyrange or anymultirange".to_owned())
        } else if compatible_range(output) {
            (inputs().any(compatible_range), "anycompatiblerange or anycompatiblemultirange".to_owned())
        } else if first(output) {
            let decided = inputs().any(|oid| first(oid) || range(oid));
            (decided, "anyelement, anyarray, anynonarray, anyenum, anyrange, or anymultirange".to_owned())
        } else {
            let family = |oid: Oid| is_polymorphic(oid) && !first(oid) && !range(oid);
            let wanted = "anycompatible, anycompatiblearray, anycompatiblenonarray, anycompatiblerange, or \
                          anycompatiblemultirange";
            (inputs().any(family), wanted.to_owned())
        };
        if !decided {
            let detail = format!("A result of type {} requires at least one input of type {wanted}.", shown(output));
            return Err(invalid("cannot determine result data type").detail(detail));
        }
    }
    Ok(())
}
