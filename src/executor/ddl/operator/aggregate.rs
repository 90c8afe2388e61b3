//! CREATE AGGREGATE.

use std::sync::Arc;

use dictdb_catalog::{AggregateInfo, Language, MovingAggregate, Parameter, Routine};
use dictdb_functions::facts::{AggregateKind, ArgMode, Parallel, ProcKind, Volatility};
use dictdb_functions::resolve::{MAX_ARGS, is_polymorphic};
use dictdb_parser::ast::{DataType, ObjectName};
use dictdb_parser::utility::{DefineObject, FunctionParam, ParamMode};
use dictdb_types::{Error, Oid, Result, SqlState, Type, TypeKind, oids};

use super::create::invalid;
use super::function::Named;
use super::option;
use crate::ddl::DdlContext;
use crate::ddl::names::shown;

/// `prosrc` of every aggregate, as in PostgreSQL: what computes it stands in `pg_aggregate`.
const SOURCE: &str = "aggregate_dummy";

/// The options of one way to compute the aggregate.
#[derive(Default)]
struct Steps {
    transition: Option<ObjectName>,
    inverse: Option<ObjectName>,
    finish: Option<ObjectName>,
    finish_extra: bool,
    finish_modify: Option<u8>,
    state: Option<DataType>,
    space: Option<i32>,
    initial: Option<String>,
}

/// All options.
#[derive(Default)]
struct Definition {
    plain: Steps,
    moving: Steps,
    combine: Option<ObjectName>,
    serialize: Option<ObjectName>,
    deserialize: Option<ObjectName>,
    sort_operator: Option<ObjectName>,
    base_type: Option<DataType>,
    hypothetical: bool,
    parallel: Option<String>,
}

/// What the functions of an aggregate are given.
struct Shape {
    kind: AggregateKind,
    direct_args: usize,
    params: Vec<Parameter>,
}

impl Shape {
    fn args(&self) -> Vec<Oid> {
        self.params.iter().map(|parameter| parameter.ty).collect()
    }

    /// Types that transition functions take after the state.
    fn aggregated(&self) -> Vec<Oid> {
        let args = self.args();
        match self.kind {
            AggregateKind::Normal => args,
            // VARIADIC takes direct and aggregated arguments alike.
            _ if self.direct_args >= args.len() && self.is_variadic() => args[args.len().saturating_sub(1)..].to_vec(),
            _ => args[self.direct_args.min(args.len())..].to_vec(),
        }
    }

    /// Types that a final function takes after the state.
    fn of_finish(&self, extra: bool) -> Vec<Oid> {
        let args = self.args();
        match (extra, self.kind) {
            (true, _) => args,
            (false, AggregateKind::Normal) => Vec::new(),
            (false, _) => args[..self.direct_args.min(args.len())].to_vec(),
        }
    }

    fn is_variadic(&self) -> bool {
        self.params.iter().any(|parameter| parameter.mode == ArgMode::Variadic)
    }
}

impl DdlContext<'_> {
    /// 42P13, 42804, 42883.
    pub(in crate::ddl) fn create_aggregate(&mut self, define: &DefineObject) -> Result<()> {
        let (namespace, name) = self.new_name(&define.name, false)?;
        self.check_create_in(namespace)?;
        let definition = self.aggregate_definition(define)?;
        check_moving(&definition.moving)?;
        let Some(state) = &definition.plain.state else { return Err(invalid("aggregate stype must be specified")) };
        if definition.plain.transition.is_none() {
            return Err(invalid("aggregate sfunc must be specified"));
        }
        let shape = self.aggregate_shape(define, &definition)?;
        // Its transition function has one more: the state.
        if shape.params.len() >= MAX_ARGS {
            let message = format!("aggregates cannot have more than {} arguments", MAX_ARGS - 1);
            return Err(Error::new(SqlState::TOO_MANY_ARGUMENTS, message));
        }
        let state = self.state_type(state)?;
        let parallel = parallel(definition.parallel.as_deref())?;
        self.check_serialization(&definition, state)?;
        self.check_initial(definition.plain.initial.as_deref(), state)?;
        let (aggregate, result) = self.aggregate_info(&definition, &shape, state)?;
        let kind = (ProcKind::Aggregate, Language::Internal);
        let routine = Routine {
            volatility: Volatility::Immutable,
            parallel,
            aggregate: Some(aggregate),
            ..Routine::new(namespace, name, self.role, kind, result, SOURCE)
        };
        self.put_routine(routine.with_params(shape.params), define.or_replace)?;
        // There is no body to check.
        self.made_routine = None;
        Ok(())
    }

    fn aggregate_definition(&mut self, define: &DefineObject) -> Result<Definition> {
        let mut found = Definition::default();
        for item in define.definition.iter().flatten() {
            let name = item.name.value.as_str();
            let (steps, plain) = match name.strip_prefix('m') {
                Some(rest) if is_step(rest) || rest == "invfunc" => (&mut found.moving, rest),
                _ => (&mut found.plain, name),
            };
            match plain {
                "sfunc" | "sfunc1" => steps.transition = Some(option::of_name(item)?),
                "invfunc" if plain != name => steps.inverse = Some(option::of_name(item)?),
                "finalfunc" => steps.finish = Some(option::of_name(item)?),
                "finalfunc_extra" => steps.finish_extra = option::of_boolean(item)?,
                "finalfunc_modify" => steps.finish_modify = Some(modify(name, &option::of_text(item)?)?),
                "stype" | "stype1" => steps.state = Some(option::of_type(item)?),
                "sspace" => steps.space = Some(option::of_integer(item)?),
                "initcond" | "initcond1" => steps.initial = Some(option::of_text(item)?),
                "combinefunc" => found.combine = Some(option::of_name(item)?),
                "serialfunc" => found.serialize = Some(option::of_name(item)?),
                "deserialfunc" => found.deserialize = Some(option::of_name(item)?),
                "sortop" => found.sort_operator = Some(option::of_name(item)?),
                "basetype" => found.base_type = Some(option::of_type(item)?),
                "hypothetical" => found.hypothetical = option::of_boolean(item)?,
                "parallel" => found.parallel = Some(option::of_text(item)?),
                _ => self.notices.push(option::unknown("aggregate", item)),
            }
        }
        Ok(found)
    }

    fn aggregate_shape(&mut self, define: &DefineObject, definition: &Definition) -> Result<Shape> {
        let (params, direct) = match (&define.args, &definition.base_type) {
            (None, None) => return Err(invalid("aggregate input type must be specified")),
            (None, Some(base)) => (self.old_params(base)?, None),
            (Some(_), Some(_)) => {
                return Err(invalid("basetype is redundant with aggregate input type specification"));
            }
            (Some(params), None) => (self.aggregate_params(params)?, define.direct_args),
        };
        let kind = match (direct, definition.hypothetical) {
            (Some(_), true) => AggregateKind::HypotheticalSet,
            (Some(_), false) => AggregateKind::OrderedSet,
            (None, true) => return Err(invalid("only ordered-set aggregates can be hypothetical")),
            (None, false) => AggregateKind::Normal,
        };
        Ok(Shape { kind, direct_args: direct.unwrap_or(0), params })
    }

    /// The one argument of the old syntax; `ANY` is none.
    fn old_params(&mut self, base: &DataType) -> Result<Vec<Parameter>> {
        let none = dictdb_parser::TypeName::of(base)
            .is_some_and(|name| matches!(name.names.as_slice(), [name] if name.value.eq_ignore_ascii_case("any")));
        if none {
            return Ok(Vec::new());
        }
        let ty = self.definition_type(base)?;
        Ok(vec![Parameter { mode: ArgMode::In, name: Arc::from(""), ty, default: None }])
    }

    fn aggregate_params(&mut self, params: &[FunctionParam]) -> Result<Vec<Parameter>> {
        let mut found: Vec<Parameter> = Vec::with_capacity(params.len());
        for param in params {
            let mode = match param.mode {
                Some(ParamMode::Variadic) => ArgMode::Variadic,
                Some(ParamMode::Out | ParamMode::InOut) => {
                    return Err(invalid("aggregates cannot have output arguments"));
                }
                _ => ArgMode::In,
            };
            if param.default.is_some() {
                return Err(invalid("aggregates cannot have default values for arguments"));
            }
            let ty = self.routine_parameter_type(&param.data_type)?;
            if found.iter().any(|before| before.mode == ArgMode::Variadic) {
                return Err(invalid("VARIADIC parameter must be the last input parameter"));
            }
            let name = param.name.as_ref().map_or("", |name| name.value.as_str());
            found.push(Parameter { mode, name: Arc::from(name), ty, default: None });
        }
        Ok(found)
    }

    fn state_type(&mut self, data_type: &DataType) -> Result<Oid> {
        let oid = self.definition_type(data_type)?;
        let pseudo = matches!(self.type_info(oid)?.kind, TypeKind::Pseudo) && !is_polymorphic(oid);
        if pseudo && !(oid == oids::INTERNAL && self.is_superuser()) {
            let catalog = self.view();
            let shown = self.shown_type(oid, &catalog);
            return Err(invalid(format!("aggregate transition data type cannot be {shown}")));
        }
        self.check_type_usage(oid)?;
        Ok(oid)
    }

    fn check_serialization(&mut self, definition: &Definition, state: Oid) -> Result<()> {
        let (serial, deserial) = (definition.serialize.is_some(), definition.deserialize.is_some());
        if (serial || deserial) && state != oids::INTERNAL {
            let catalog = self.view();
            let message = format!(
                "serialization functions may be specified only when the aggregate transition data type is {}",
                self.shown_type(oids::INTERNAL, &catalog)
            );
            return Err(invalid(message));
        }
        if serial != deserial {
            return Err(invalid("must specify both or neither of serialization and deserialization functions"));
        }
        Ok(())
    }

    /// The errors of the state's input function.
    fn check_initial(&mut self, initial: Option<&str>, state: Oid) -> Result<()> {
        let Some(initial) = initial else { return Ok(()) };
        if is_polymorphic(state) || state == oids::INTERNAL {
            return Ok(());
        }
        let catalog = self.view();
        let env = self.surroundings.env(catalog);
        dictdb_types::text::input(initial, Type::new(state), &*env).map(drop)
    }

    fn aggregate_info(&mut self, definition: &Definition, shape: &Shape, state: Oid) -> Result<(AggregateInfo, Oid)> {
        self.check_determined(state, &shape.args(), "transition")?;
        let plain = &definition.plain;
        let transition = self.transition_of(plain, "transition", state, shape)?;
        if transition.strict && plain.initial.is_none() {
            let first = shape.aggregated().first().copied();
            if !first.is_some_and(|first| self.is_same_bytes(first, state)) {
                return Err(strict_without_start());
            }
        }
        let (finish, result) = self.finish_of(plain, state, shape)?;
        let combine = match &definition.combine {
            Some(name) => self.combine_of(name, state)?,
            None => Oid::INVALID,
        };
        let (serialize, deserialize) = self.serialization_of(definition)?;
        self.check_result(result, shape)?;
        let moving = self.moving_of(&definition.moving, shape, result)?;
        let sort_operator = self.sort_operator_of(definition.sort_operator.as_ref(), shape)?;
        let info = AggregateInfo {
            transition: transition.oid,
            finish,
            state,
            initial: plain.initial.as_deref().map(Arc::from),
            sort_operator,
            kind: shape.kind,
            direct_args: shape.direct_args,
            combine,
            serialize,
            deserialize,
            finish_extra: plain.finish_extra,
            finish_modify: plain.finish_modify.unwrap_or_else(|| default_modify(shape.kind)),
            state_space: plain.space.unwrap_or(0),
            moving,
        };
        Ok((info, result))
    }

    /// 42P13 for a polymorphic type that no argument determines.
    fn check_determined(&mut self, ty: Oid, args: &[Oid], what: &str) -> Result<()> {
        if !is_polymorphic(ty) || args.iter().any(|arg| is_polymorphic(*arg)) {
            return Ok(());
        }
        let catalog = self.view();
        let detail = format!(
            "A result of type {} requires at least one input of type anyelement, anyarray, anynonarray, anyenum, anyrange, or anymultirange.",
            self.shown_type(ty, &catalog)
        );
        Err(invalid(format!("cannot determine {what} data type")).detail(detail))
    }

    fn check_result(&mut self, result: Oid, shape: &Shape) -> Result<()> {
        self.check_determined(result, &shape.args(), "result")?;
        if result == oids::INTERNAL && !shape.args().contains(&oids::INTERNAL) {
            let detail = "A function returning \"internal\" must have at least one \"internal\" argument.";
            return Err(invalid("unsafe use of pseudo-type \"internal\"").detail(detail));
        }
        Ok(())
    }

    fn transition_of(&mut self, steps: &Steps, what: &str, state: Oid, shape: &Shape) -> Result<Named> {
        let name = if what.starts_with("inverse") { &steps.inverse } else { &steps.transition };
        let Some(name) = name else { return Err(invalid("aggregate must have a transition function")) };
        let args = [&[state], &shape.aggregated()[..]].concat();
        let (named, result) = self.step_function(name, &args)?;
        self.check_returns(what, name, result, state)?;
        Ok(named)
    }

    /// 42804.
    fn check_returns(&mut self, what: &str, name: &ObjectName, result: Oid, wanted: Oid) -> Result<()> {
        if result == wanted {
            return Ok(());
        }
        let catalog = self.view();
        let wanted = self.shown_type(wanted, &catalog);
        let message = format!("return type of {what} function {} is not {wanted}", shown(name));
        Err(Error::new(SqlState::DATATYPE_MISMATCH, message))
    }

    /// The final function and the type of the result.
    fn finish_of(&mut self, steps: &Steps, state: Oid, shape: &Shape) -> Result<(Oid, Oid)> {
        let Some(name) = &steps.finish else { return Ok((Oid::INVALID, state)) };
        let args = [&[state], &shape.of_finish(steps.finish_extra)[..]].concat();
        let (named, result) = self.step_function(name, &args)?;
        if steps.finish_extra && named.strict {
            return Err(invalid("final function with extra arguments must not be declared STRICT"));
        }
        Ok((named.oid, result))
    }

    fn combine_of(&mut self, name: &ObjectName, state: Oid) -> Result<Oid> {
        let (named, result) = self.step_function(name, &[state, state])?;
        self.check_returns("combine", name, result, state)?;
        if state == oids::INTERNAL && named.strict {
            let message = "combine function with transition type internal must not be declared STRICT";
            return Err(invalid(message));
        }
        Ok(named.oid)
    }

    fn serialization_of(&mut self, definition: &Definition) -> Result<(Oid, Oid)> {
        let (Some(serialize), Some(deserialize)) = (&definition.serialize, &definition.deserialize) else {
            return Ok((Oid::INVALID, Oid::INVALID));
        };
        let (forth, result) = self.step_function(serialize, &[oids::INTERNAL])?;
        self.check_returns("serialization", serialize, result, oids::BYTEA)?;
        let (back, result) = self.step_function(deserialize, &[oids::BYTEA, oids::INTERNAL])?;
        self.check_returns("deserialization", deserialize, result, oids::INTERNAL)?;
        Ok((forth.oid, back.oid))
    }

    fn moving_of(&mut self, steps: &Steps, shape: &Shape, result: Oid) -> Result<Option<MovingAggregate>> {
        let Some(data_type) = &steps.state else { return Ok(None) };
        let state = self.state_type(data_type)?;
        self.check_initial(steps.initial.as_deref(), state)?;
        self.check_determined(state, &shape.args(), "transition")?;
        let transition = self.transition_of(steps, "transition", state, shape)?;
        let inverse = self.transition_of(steps, "inverse transition", state, shape)?;
        if transition.strict != inverse.strict {
            let message = "strictness of aggregate's forward and inverse transition functions must match";
            return Err(invalid(message));
        }
        if transition.strict && steps.initial.is_none() {
            let first = shape.aggregated().first().copied();
            if !first.is_some_and(|first| self.is_same_bytes(first, state)) {
                return Err(strict_without_start());
            }
        }
        let (finish, own) = self.finish_of(steps, state, shape)?;
        if own != result {
            let catalog = self.view();
            let message = format!(
                "moving-aggregate implementation returns type {}, but plain implementation returns type {}",
                self.shown_type(own, &catalog),
                self.shown_type(result, &catalog)
            );
            return Err(invalid(message));
        }
        Ok(Some(MovingAggregate {
            transition: transition.oid,
            inverse: inverse.oid,
            finish,
            finish_extra: steps.finish_extra,
            finish_modify: steps.finish_modify.unwrap_or_else(|| default_modify(shape.kind)),
            state,
            state_space: steps.space.unwrap_or(0),
            initial: steps.initial.as_deref().map(Arc::from),
        }))
    }

    fn sort_operator_of(&mut self, name: Option<&ObjectName>, shape: &Shape) -> Result<Oid> {
        let Some(name) = name else { return Ok(Oid::INVALID) };
        let args = shape.args();
        let [single] = args[..] else {
            return Err(invalid("sort operator can only be specified for single-argument aggregates"));
        };
        let bare = crate::ddl::names::parts(name).last().map(|ident| ident.value.clone()).unwrap_or_default();
        let catalog = self.view();
        let namespaces = self.namespaces_of(name)?;
        let found = namespaces.iter().find_map(|namespace| catalog.operator_in(*namespace, &bare, single, single));
        found.ok_or_else(|| {
            let ty = self.shown_type(single, &catalog);
            let message = format!("operator does not exist: {ty} {} {ty}", shown(name));
            Error::new(SqlState::UNDEFINED_FUNCTION, message)
        })
    }
}

fn strict_without_start() -> Error {
    invalid(
        "must not omit initial value when transition function is strict and transition type is not compatible with input type",
    )
}

fn is_step(name: &str) -> bool {
    matches!(name, "sfunc" | "finalfunc" | "finalfunc_extra" | "finalfunc_modify" | "stype" | "sspace" | "initcond")
}

/// `aggfinalmodify`: ordered-set aggregates share no state unless they say so.
fn default_modify(kind: AggregateKind) -> u8 {
    if kind == AggregateKind::Normal { b'r' } else { b'w' }
}

fn modify(name: &str, text: &str) -> Result<u8> {
    match text {
        "read_only" => Ok(b'r'),
        "shareable" => Ok(b's'),
        "read_write" => Ok(b'w'),
        _ => {
            let message = format!("parameter \"{name}\" must be READ_ONLY, SHAREABLE, or READ_WRITE");
            Err(Error::new(SqlState::SYNTAX_ERROR, message))
        }
    }
}

fn parallel(text: Option<&str>) -> Result<Parallel> {
    match text {
        None | Some("unsafe") => Ok(Parallel::Unsafe),
        Some("safe") => Ok(Parallel::Safe),
        Some("restricted") => Ok(Parallel::Restricted),
        Some(_) => {
            let message = "parameter \"parallel\" must be SAFE, RESTRICTED, or UNSAFE";
            Err(Error::new(SqlState::SYNTAX_ERROR, message))
        }
    }
}

/// 42P13 for options of moving frames that do not go together.
fn check_moving(steps: &Steps) -> Result<()> {
    if steps.state.is_some() {
        for (given, name) in [(steps.transition.is_some(), "msfunc"), (steps.inverse.is_some(), "minvfunc")] {
            if !given {
                return Err(invalid(format!("aggregate {name} must be specified when mstype is specified")));
            }
        }
        return Ok(());
    }
    let stray = [
        (steps.transition.is_some(), "msfunc"),
        (steps.inverse.is_some(), "minvfunc"),
        (steps.finish.is_some(), "mfinalfunc"),
        (steps.space.is_some_and(|space| space != 0), "msspace"),
        (steps.initial.is_some(), "minitcond"),
    ];
    match stray.iter().find(|(given, _)| *given) {
        Some((_, name)) => Err(invalid(format!("aggregate {name} must not be specified without mstype"))),
        None => Ok(()),
    }
}
