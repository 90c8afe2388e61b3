//! Aggregates that users made: a state, the function that takes rows into it, and the one that makes the result of it
//! (`nodeAgg.c`, `nodeWindowAgg.c`).

use std::sync::{Arc, OnceLock};

use dictdb_functions::aggregate::{Accumulator, SortDirection};
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_planner::expr::{AggregateSteps, Function, UserAggregate};
use dictdb_types::{Datum, Env, Error, Oid, Result, SqlState, Type, TypeLookup, oids, text};

use crate::row::Row;

/// A function with the types of this call.
#[derive(Debug)]
struct Step {
    kernel: ScalarFn,
    function: Oid,
    strict: bool,
    types: Box<[Type]>,
    result: Type,
}

impl Step {
    fn new(function: &Function, types: Vec<Type>, result: Type) -> Result<Step> {
        let kernel = function.kernel.ok_or_else(|| {
            Error::unsupported(format_args!("function {} (oid {}) in an aggregate", function.name, function.oid))
        })?;
        Ok(Step { kernel, function: function.oid, strict: function.strict, types: types.into(), result })
    }

    fn call(&self, env: &dyn Env, args: &[Datum]) -> Result<Datum> {
        if self.strict && args.iter().any(Datum::is_null) {
            return Ok(Datum::Null);
        }
        let cx = CallContext { function: self.function, ..CallContext::new(env, &self.types, self.result) };
        (self.kernel)(&cx, args)
    }
}

/// The compiled steps from rows to a result.
#[derive(Debug)]
struct Steps {
    transition: Step,
    inverse: Option<Step>,
    finish: Option<Step>,
    /// NULLs that the final function takes besides the state and direct arguments.
    extra: usize,
    state: Type,
    initial: Option<Arc<str>>,
    first: OnceLock<Datum>,
}

/// An aggregate that a user made, compiled for the types of a call.
#[derive(Debug)]
pub(crate) struct UserAggregateCode(Arc<Steps>);

impl UserAggregateCode {
    /// Compiles for aggregated arguments of these types, after direct ones. Over frames that move it is computed by the functions that
    /// can take rows back, if it has such. 0A000 for a function without implementation.
    pub fn compile(
        own: &UserAggregate,
        direct: &[Type],
        args: &[Type],
        result: Type,
        moves: bool,
        types: &dyn TypeLookup,
    ) -> Result<Self> {
        let (steps, inverse) = match &own.moving {
            Some((steps, inverse)) if moves => (steps, Some(inverse)),
            _ => (&own.plain, None),
        };
        let state = Type::new(state_type(steps, args, types));
        let with_state = |rest: &[Type]| [&[state], rest].concat();
        let extra = if steps.finish_extra { args.len() } else { 0 };
        let of_finish = [direct, &args[..extra]].concat();
        Ok(UserAggregateCode(Arc::new(Steps {
            transition: Step::new(&steps.transition, with_state(args), state)?,
            inverse: inverse.map(|inverse| Step::new(inverse, with_state(args), state)).transpose()?,
            finish: steps
                .finish
                .as_ref()
                .map(|finish| Step::new(finish, with_state(&of_finish), result))
                .transpose()?,
            extra,
            state,
            initial: steps.initial.clone(),
            first: OnceLock::new(),
        })))
    }

    /// The state of no rows.
    pub fn start(&self) -> Box<dyn Accumulator> {
        Box::new(State { steps: self.0.clone(), state: None, started: false, rows: 0 })
    }
}

/// The type of the state in a call: a polymorphic one follows from the arguments.
fn state_type(steps: &AggregateSteps, args: &[Type], types: &dyn TypeLookup) -> Oid {
    let declared = steps.args.iter().skip(1);
    let element = declared.zip(args).find_map(|(declared, actual)| match *declared {
        oids::ANYELEMENT | oids::ANYNONARRAY | oids::ANYENUM | oids::ANYCOMPATIBLE | oids::ANYCOMPATIBLENONARRAY => {
            Some(actual.oid)
        }
        oids::ANYARRAY | oids::ANYCOMPATIBLEARRAY => types.type_info(actual.oid).map(|info| info.element),
        _ => None,
    });
    match (steps.state, element) {
        (oids::ANYELEMENT | oids::ANYNONARRAY | oids::ANYENUM | oids::ANYCOMPATIBLE, Some(element)) => element,
        (oids::ANYARRAY | oids::ANYCOMPATIBLEARRAY, Some(element)) => {
            types.type_info(element).map_or(steps.state, |info| info.array)
        }
        (state, _) => state,
    }
}

/// The state of one group.
struct State {
    steps: Arc<Steps>,
    /// `None` until there is a value: a strict transition function takes its first from the first row.
    state: Option<Datum>,
    started: bool,
    /// Rows inside, as far as they count.
    rows: usize,
}

impl State {
    fn start(&mut self, env: &dyn Env) -> Result<()> {
        if std::mem::replace(&mut self.started, true) {
            return Ok(());
        }
        self.state = match &self.steps.initial {
            None => None,
            Some(text) => Some(match self.steps.first.get() {
                Some(first) => first.clone(),
                None => {
                    let first = text::input(text, self.steps.state, env)?;
                    self.steps.first.get_or_init(|| first).clone()
                }
            }),
        };
        Ok(())
    }

    fn current(&self) -> Datum {
        self.state.clone().unwrap_or(Datum::Null)
    }

    fn finish_with(&mut self, env: &dyn Env, direct: &[Datum]) -> Result<Datum> {
        self.start(env)?;
        let Some(finish) = &self.steps.finish else { return Ok(self.current()) };
        let mut args: Row = Vec::with_capacity(1 + direct.len() + self.steps.extra);
        args.push(self.current());
        args.extend_from_slice(direct);
        args.extend(std::iter::repeat_n(Datum::Null, self.steps.extra));
        finish.call(env, &args)
    }
}

impl Accumulator for State {
    fn update(&mut self, cx: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        self.start(cx.env)?;
        let transition = &self.steps.transition;
        if transition.strict {
            if args.iter().any(Datum::is_null) {
                return Ok(());
            }
            if self.state.is_none() && self.rows == 0 {
                self.state = args.first().cloned();
                self.rows = 1;
                return Ok(());
            }
        }
        self.rows += 1;
        if transition.strict && self.state.as_ref().is_none_or(Datum::is_null) {
            return Ok(());
        }
        let mut all: Row = Vec::with_capacity(1 + args.len());
        all.push(self.state.take().unwrap_or(Datum::Null));
        all.extend_from_slice(args);
        let next = transition.call(cx.env, &all)?;
        if self.steps.inverse.is_some() && next.is_null() {
            let message = "moving-aggregate transition function must not return null";
            return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message));
        }
        self.state = Some(next);
        Ok(())
    }

    fn retract(&mut self, cx: &CallContext<'_>, args: &[Datum]) -> Result<bool> {
        let Some(inverse) = &self.steps.inverse else { return Ok(false) };
        if self.steps.transition.strict && args.iter().any(Datum::is_null) {
            return Ok(true);
        }
        if self.rows <= 1 {
            (self.started, self.rows) = (false, 0);
            return Ok(true);
        }
        let mut all: Row = Vec::with_capacity(1 + args.len());
        all.push(self.current());
        all.extend_from_slice(args);
        let previous = inverse.call(cx.env, &all)?;
        // The function says so that it cannot.
        if previous.is_null() {
            return Ok(false);
        }
        self.state = Some(previous);
        self.rows -= 1;
        Ok(true)
    }

    fn finish(&mut self, cx: &CallContext<'_>) -> Result<Datum> {
        self.finish_with(cx.env, &[])
    }

    fn finish_ordered(&mut self, cx: &CallContext<'_>, direct: &[Datum], _: &[SortDirection]) -> Result<Datum> {
        self.finish_with(cx.env, direct)
    }

    fn size(&self) -> usize {
        self.state.as_ref().map_or(0, |state| crate::runtime::row_bytes(std::slice::from_ref(state)))
    }
}
