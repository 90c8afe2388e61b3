//! Simple expressions: compiled to programs over the row of variables, evaluated without a statement.
//!
//! Calls of users' functions are taken out of an expression where that is possible, and made by the session itself in the
//! order in which the expression would have made them. Where it is not, the session is lent to the whole expression.

use std::sync::Arc;

use dictdb_catalog::{Language, Routine};
use dictdb_executor::Expression;
use dictdb_functions::facts::ProcKind;
use dictdb_planner::expr::{Call, Expr, Function};
use dictdb_planner::hoist::{Step, hoist};
use dictdb_planner::routine::SimpleExpr;
use dictdb_plpgsql::{Frame, Sql};
use dictdb_types::{Datum, Field, Result, Type, TypeLookup};
use parking_lot::Mutex;
use smallvec::SmallVec;

use super::host::PlHost;
use super::plan::{Planned, PlannedKind};
use super::{CompiledCell, Invocation};
use crate::StatementEnv;
use crate::pipeline::PlanStamp;
use crate::routines::invoke::Results;

/// A compiled expression.
pub(super) struct Simple {
    /// What it was compiled for.
    pub stamp: PlanStamp,
    pub target: Option<Type>,
    pub expression: Expression,
    pub ty: Type,
    pub fields: Option<Arc<[Field]>>,
    calls: Calls,
}

/// Calls of users' functions in an expression.
enum Calls {
    None,
    /// Made before the rest is evaluated; each step adds a value to the row.
    Before(Box<[Prepared]>),
    /// Made while it is evaluated.
    Inside,
}

enum Prepared {
    Value(Expression),
    Call(Box<RoutineCall>),
}

/// A call that the session makes itself.
struct RoutineCall {
    routine: Arc<Routine>,
    args: Box<[Expression]>,
    types: Box<[Type]>,
    result: Type,
    compiled: CompiledCell,
}

impl Simple {
    /// Compiles an expression over a row of so many values.
    pub(super) fn compile(
        simple: SimpleExpr,
        (stamp, target): (PlanStamp, Option<Type>),
        values: usize,
        env: &StatementEnv,
    ) -> Result<Simple> {
        let SimpleExpr { mut expr, ty, calls_routines, fields } = simple;
        let calls = match calls_routines || checks_by_routines(&expr, env) {
            false => Calls::None,
            true => match taken_out(&expr, values, env)? {
                Some((rest, steps)) => {
                    expr = rest;
                    Calls::Before(steps)
                }
                None => Calls::Inside,
            },
        };
        let expression = Expression::compile(&expr, &*env.catalog)?;
        Ok(Simple { stamp, target, expression, ty, fields, calls })
    }

    /// Whether it is evaluated without calls of users' functions.
    pub(super) fn is_pure(&self) -> bool {
        matches!(self.calls, Calls::None)
    }
}

/// Whether a domain that the expression converts to may be checked by users' functions.
fn checks_by_routines(expr: &Expr, env: &StatementEnv) -> bool {
    let is_users = |ty: &Type| env.base_type(*ty).oid != ty.oid && ty.oid >= dictdb_types::Oid::FIRST_NORMAL;
    let converts = |expr: &Expr| match expr {
        Expr::ToDomain(_, ty) | Expr::ViaIo(_, ty) => is_users(ty),
        _ => false,
    };
    env.catalog.has_routines() && expr.any(&mut |expr| converts(expr))
}

/// The expression without its calls, and what is to be done before.
fn taken_out(expr: &Expr, values: usize, env: &StatementEnv) -> Result<Option<(Expr, Box<[Prepared]>)>> {
    if checks_by_routines(expr, env) {
        return Ok(None);
    }
    let mut rest = expr.clone();
    let is_routine = |function: &Function| {
        env.catalog.routine(function.oid).is_some_and(|routine| {
            routine.kind == ProcKind::Function && matches!(routine.language, Language::Sql | Language::Plpgsql)
        })
    };
    let Some(steps) = hoist(&mut rest, &is_routine, values) else { return Ok(None) };
    let steps = steps.into_iter().map(|step| match step {
        Step::Value(expr) => Expression::compile(&expr, &*env.catalog).map(Prepared::Value),
        Step::Call(call) => RoutineCall::new(&call, env).map(|call| Prepared::Call(Box::new(call))),
    });
    let steps: Box<[Prepared]> = steps.collect::<Result<_>>()?;
    Ok((!steps.is_empty()).then_some((rest, steps)))
}

impl RoutineCall {
    fn new(call: &Call, env: &StatementEnv) -> Result<RoutineCall> {
        let routine = env.catalog.routine(call.function.oid).cloned();
        let compile = |arg: &Expr| Expression::compile(arg, &*env.catalog);
        Ok(RoutineCall {
            routine: routine.ok_or_else(|| dictdb_types::Error::internal("a function that is gone"))?,
            args: call.args.iter().map(compile).collect::<Result<_>>()?,
            types: call.args.iter().map(|arg| env.base_type(arg.ty())).collect(),
            result: call.ty,
            compiled: Mutex::default(),
        })
    }
}

/// An expression with what it was looked up for.
pub(super) struct Ready {
    pub planned: Arc<Planned>,
    types: Arc<[Type]>,
    target: Option<Type>,
    /// Records whose structure matters.
    shapes: Box<[(usize, Option<Arc<[Field]>>)]>,
}

impl Ready {
    #[inline]
    fn is_for(&self, frame: &Frame, target: Option<Type>) -> bool {
        let same = |(variable, shape): &(usize, Option<Arc<[Field]>>)| match (shape, &frame.shapes[*variable]) {
            (Some(before), Some(now)) => Arc::ptr_eq(before, now),
            (None, None) => true,
            _ => false,
        };
        Arc::ptr_eq(&self.types, &frame.types) && self.target == target && self.shapes.iter().all(same)
    }
}

/// What calls of a function know of its expressions, by number; kept between calls.
#[derive(Default)]
pub(super) struct Scratch {
    /// What they were looked up for, see [`super::environment::Current::number`].
    number: u64,
    ready: Vec<Option<Ready>>,
}

impl PlHost<'_> {
    /// An expression that was looked up before and means what it did then, with the environment.
    #[inline]
    pub(super) fn ready(&mut self, sql: &Sql, frame: &Frame, target: Option<Type>) -> Option<(&Ready, &StatementEnv)> {
        let number = self.session.pl_environment().number;
        if self.scratch.number != number {
            self.scratch.ready.clear();
            self.scratch.number = number;
        }
        let ready = self.scratch.ready.get(sql.number)?.as_ref()?;
        let env = &self.session.routines.environment.known()?.env;
        ready.is_for(frame, target).then_some((ready, env))
    }

    /// Remembers an expression as long as nothing changes what it means.
    pub(super) fn keep_ready(&mut self, sql: &Sql, frame: &Frame, target: Option<Type>, planned: &Arc<Planned>) {
        let ready = &mut self.scratch.ready;
        if ready.len() <= sql.number {
            ready.resize_with(sql.number + 1, || None);
        }
        let shapes = planned.records().into_iter().map(|variable| (variable, frame.shapes[variable].clone()));
        ready[sql.number] =
            Some(Ready { planned: planned.clone(), types: frame.types.clone(), target, shapes: shapes.collect() });
    }

    /// The value of a compiled expression.
    pub(super) fn evaluate_simple(&mut self, simple: &Simple, frame: &mut Frame) -> Result<Datum> {
        match &simple.calls {
            Calls::None => simple.expression.eval(&*self.session.pl_environment().env, &frame.values),
            Calls::Before(steps) => {
                let values = frame.values.len();
                let result = self.run_steps(steps, frame);
                let result = result.and_then(|()| {
                    let env = &self.session.pl_environment().env;
                    simple.expression.eval(&**env, &frame.values)
                });
                frame.values.truncate(values);
                result
            }
            Calls::Inside => {
                let env = self.environment();
                self.forget_environment();
                self.session.lend(|| simple.expression.eval(&*env, &frame.values))
            }
        }
    }

    fn run_steps(&mut self, steps: &[Prepared], frame: &mut Frame) -> Result<()> {
        for step in steps {
            let value = match step {
                Prepared::Value(expression) => expression.eval(&*self.session.pl_environment().env, &frame.values)?,
                Prepared::Call(call) => self.call_routine(call, &frame.values)?,
            };
            frame.values.push(value);
        }
        Ok(())
    }

    fn call_routine(&mut self, call: &RoutineCall, values: &[Datum]) -> Result<Datum> {
        let mut args: SmallVec<[Datum; 4]> = SmallVec::new();
        let env = &self.session.pl_environment().env;
        for arg in &call.args {
            args.push(arg.eval(&**env, values)?);
        }
        if call.routine.strict && args.iter().any(Datum::is_null) {
            return Ok(Datum::Null);
        }
        let invocation = Invocation {
            routine: call.routine.oid,
            types: &call.types,
            result: call.result,
            columns: &[],
            args: &args,
            nonatomic: false,
        };
        match self.session.call_routine(&call.routine, &invocation, Some(&call.compiled))? {
            Results::One(value) => Ok(value),
            Results::Many(rows) => Ok(rows.into_iter().next().unwrap_or(Datum::Null)),
        }
    }
}

impl Planned {
    /// Its expression, if it is a simple one.
    #[inline]
    pub(super) fn simple(&self) -> Option<&Simple> {
        match &self.kind {
            PlannedKind::Simple(simple) => Some(simple),
            PlannedKind::Statement(_) => None,
        }
    }
}
