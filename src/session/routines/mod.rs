//! Functions that users wrote: how a call in a plan becomes statements of the session that runs the plan.
//!
//! ```text
//!   kernel ──► Shared::in_session ──► invoke: privileges, SECURITY DEFINER, SET, depth
//!                                        ├─ sql      the statements of LANGUAGE sql
//!                                        └─ pl/      LANGUAGE plpgsql, the host of dictdb_plpgsql
//!   AFTER, BEFORE … ──► trigger: what the function is told, its transition tables
//! ```

mod call;
mod check;
mod invoke;
mod pl;
mod sql;
mod table_functions;
mod text_search_query;
mod text_search_trigger;
mod trigger;
mod xml;

use dictdb_executor::IndexEnv;
use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Datum, Error, Oid, Result, Type};

use crate::StatementEnv;

pub(crate) use invoke::RoutineCache;
pub(crate) use pl::alone::check as check_for_index;
pub(crate) use pl::begins_with_create;
pub(crate) use table_functions::{SETS as TABLE_FUNCTION_SETS, runs_queries};
pub(crate) use text_search_query::{FUNCTIONS as TEXT_SEARCH_FUNCTIONS, SETS as TEXT_SEARCH_SETS};
pub(crate) use trigger::{FUNCTIONS as TRIGGER_FUNCTIONS, RunningTriggers};
pub(crate) use xml::FUNCTIONS as XML_FUNCTIONS;

/// The kernels of the languages.
pub(crate) const FUNCTIONS: &[(&str, ScalarFn)] = &[("fmgr_sql", scalar), ("plpgsql_call_handler", scalar)];
/// The same for functions that return sets.
pub(crate) const SETS: &[(&str, SetFn)] = &[("fmgr_sql", set), ("plpgsql_call_handler", set)];

/// A call of a routine.
#[derive(Clone, Copy)]
pub(crate) struct Invocation<'a> {
    /// `pg_proc.oid`.
    pub routine: Oid,
    /// Types of the arguments, none of them polymorphic.
    pub types: &'a [Type],
    /// Type of the result, or of its rows.
    pub result: Type,
    /// Columns of a `record` that the query declares.
    pub columns: &'a [dictdb_types::Field],
    /// Values of the input parameters.
    pub args: &'a [Datum],
    /// CALL outside of a transaction block: the procedure may end the transaction.
    pub nonatomic: bool,
}

fn invocation<'a>(cx: &CallContext<'a>, args: &'a [Datum]) -> Invocation<'a> {
    Invocation { routine: cx.function, types: cx.args, result: cx.result, columns: cx.columns, args, nonatomic: false }
}

fn session<'a>(cx: &CallContext<'a>) -> Result<&'a StatementEnv> {
    StatementEnv::of(cx.env).ok_or_else(|| Error::unsupported("a user-defined function in this place"))
}

fn scalar(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    if let Some(env) = IndexEnv::of(cx.env) {
        return pl::alone::call(env, &invocation(cx, args));
    }
    session(cx)?.shared.in_session(|session| session.invoke(&invocation(cx, args)))
}

fn set(cx: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    let rows = session(cx)?.shared.in_session(|session| session.invoke_set(&invocation(cx, args)))?;
    Ok(Box::new(rows.into_iter().map(Ok)))
}

/// An error of a query that the client has not sent: its position counts in that text.
fn about_text(mut error: Error, text: &str) -> Error {
    if let Some(position) = error.fields_mut().position.take() {
        error.fields_mut().internal = Some((position, text.to_owned()));
    }
    error
}
