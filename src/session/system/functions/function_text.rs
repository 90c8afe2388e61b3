//! Functions as text: arguments, result, definition.

use std::sync::Arc;

use dictdb_catalog::namespaces;
use dictdb_functions::facts::{self, ArgMode, Parallel, ProcKind, Volatility, ids};
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_planner::routine_body;
use dictdb_planner::variables::Parameters;
use dictdb_types::{Datum, Error, Oid, Result, SqlState, Type, oids, quote_identifier, quote_qualified};

use super::arguments::{integer, nullable, oid, session};
use crate::StatementEnv;
use crate::system::described::{Described, Parameter};
use crate::system::names;

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_get_function_arguments", |cx, args| with_proc(cx, args, |env, proc| arguments(env, proc, true))),
    ("pg_get_function_identity_arguments", |cx, args| with_proc(cx, args, |env, proc| arguments(env, proc, false))),
    ("pg_get_function_result", pg_get_function_result),
    ("pg_get_function_arg_default", pg_get_function_arg_default),
    ("pg_get_function_sqlbody", pg_get_function_sqlbody),
    ("pg_get_functiondef", pg_get_functiondef),
];

fn with_proc(
    cx: &CallContext<'_>,
    args: &[Datum],
    text: impl Fn(&StatementEnv, &Described) -> String,
) -> Result<Datum> {
    let env = session(cx)?;
    Ok(nullable(Described::find(&env.catalog, oid(args, 0)).map(|proc| text(env, &proc))))
}

/// `pg_get_function_arguments`, or without defaults the identity of the function.
fn arguments(env: &StatementEnv, proc: &Described, full: bool) -> String {
    let order_by = proc.direct_args;
    let mut out = String::new();
    let shown: Vec<&Parameter> = proc.params.iter().filter(|p| p.mode != ArgMode::Table).collect();
    for (i, parameter) in shown.iter().enumerate() {
        separate(&mut out, i, order_by);
        parameter_text(env, proc, parameter, full, &mut out);
        // The variadic parameter of a hypothetical-set aggregate is both direct and aggregated.
        if i + 1 == shown.len() && order_by == Some(shown.len()) {
            separate(&mut out, i + 1, order_by);
            parameter_text(env, proc, parameter, full, &mut out);
        }
    }
    if shown.is_empty() && order_by == Some(0) {
        out.push_str("ORDER BY ");
    }
    out
}

fn separate(out: &mut String, printed: usize, order_by: Option<usize>) {
    if order_by == Some(printed) {
        out.push_str(if printed > 0 { " ORDER BY " } else { "ORDER BY " });
    } else if printed > 0 {
        out.push_str(", ");
    }
}

fn parameter_text(env: &StatementEnv, proc: &Described, parameter: &Parameter, full: bool, out: &mut String) {
    out.push_str(match parameter.mode {
        ArgMode::In if proc.kind == ProcKind::Procedure => "IN ",
        ArgMode::In | ArgMode::Table => "",
        ArgMode::InOut => "INOUT ",
        ArgMode::Out => "OUT ",
        ArgMode::Variadic => "VARIADIC ",
    });
    if !parameter.name.is_empty() {
        out.push_str(&quote_identifier(&parameter.name));
        out.push(' ');
    }
    out.push_str(&type_text(env, parameter.ty));
    if let Some(default) = parameter.default.as_ref().filter(|_| full) {
        out.push_str(" DEFAULT ");
        out.push_str(default);
    }
}

fn type_text(env: &StatementEnv, ty: Oid) -> String {
    if ty == oids::ANY { "\"any\"".to_owned() } else { names::formatted(env, ty, None) }
}

/// `pg_get_function_result`: NULL for procedures.
fn pg_get_function_result(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let proc = Described::find(&env.catalog, oid(args, 0)).filter(|proc| proc.kind != ProcKind::Procedure);
    Ok(nullable(proc.map(|proc| result(env, &proc))))
}

fn result(env: &StatementEnv, proc: &Described) -> String {
    let columns: Vec<&Parameter> = proc.params.iter().filter(|p| p.mode == ArgMode::Table).collect();
    if !columns.is_empty() {
        let column = |p: &&Parameter| format!("{} {}", quote_identifier(&p.name), type_text(env, p.ty));
        return format!("TABLE({})", columns.iter().map(column).collect::<Vec<_>>().join(", "));
    }
    let set = if proc.returns_set { "SETOF " } else { "" };
    format!("{set}{}", type_text(env, proc.result))
}

/// `pg_get_function_arg_default(function, number of the parameter)`.
fn pg_get_function_arg_default(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let Some(proc) = Described::find(&session(cx)?.catalog, oid(args, 0)) else { return Ok(Datum::Null) };
    let number = integer(args, 1).and_then(|n| usize::try_from(n).ok()).and_then(|n| n.checked_sub(1));
    let default = number.and_then(|n| proc.params.into_iter().nth(n)).and_then(|p| p.default);
    Ok(nullable(default))
}

fn pg_get_function_sqlbody(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let Some(proc) = Described::find(&env.catalog, oid(args, 0)) else { return Ok(Datum::Null) };
    Ok(nullable(sql_body(env, &proc)))
}

/// The body of a routine in standard SQL, as it reads under the search path.
fn sql_body(env: &StatementEnv, proc: &Described) -> Option<Arc<str>> {
    let written = || {
        let routine = env.catalog.routine(proc.oid)?;
        let types: Vec<Type> = routine.args.iter().map(|oid| Type::new(*oid)).collect();
        let path = env.search_path();
        let cx = env.bind_context(&path);
        routine_body::definition(routine.body.as_ref()?, &Parameters::of(routine, &types), cx).ok()
    };
    let stored = proc.sql_body.as_ref()?;
    Some(written().map_or_else(|| stored.clone(), Arc::from))
}

/// `pg_get_functiondef`: CREATE OR REPLACE FUNCTION. 42809 for aggregates.
fn pg_get_functiondef(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let Some(proc) = Described::find(&env.catalog, oid(args, 0)) else { return Ok(Datum::Null) };
    if proc.kind == ProcKind::Aggregate {
        let message = format!("\"{}\" is an aggregate function", proc.name);
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
    }
    Ok(Datum::text(definition(env, &proc)))
}

fn definition(env: &StatementEnv, proc: &Described) -> String {
    let schema = env.catalog.schema(proc.namespace).map_or("pg_catalog", |schema| &schema.name);
    let name = quote_qualified(schema, &proc.name);
    let is_procedure = proc.kind == ProcKind::Procedure;
    let noun = if is_procedure { "PROCEDURE" } else { "FUNCTION" };
    let mut text = format!("CREATE OR REPLACE {noun} {name}({})\n", arguments(env, proc, true));
    if !is_procedure {
        text += &format!(" RETURNS {}\n", result(env, proc));
    }
    text += &format!(" LANGUAGE {}\n", quote_identifier(env.catalog.language_name(proc.language)));
    text += &attributes(env, proc);
    for setting in &proc.config {
        text += &format!(" SET {}\n", setting_text(setting));
    }
    if let Some(body) = sql_body(env, proc) {
        return format!("{text}{body}\n");
    }
    let library = proc.library.map(|library| format!("'{library}', ")).unwrap_or_default();
    let tag = dollar_tag(&proc.source, if is_procedure { "procedure" } else { "function" });
    format!("{text}AS {library}{tag}{}{tag}\n", proc.source)
}

/// A dollar quote that does not stand in the text.
fn dollar_tag(source: &str, word: &str) -> String {
    let mut tag = format!("${word}");
    while source.contains(&tag) {
        tag.push('x');
    }
    tag.push('$');
    tag
}

/// `name TO value`, a list item by item.
fn setting_text(setting: &str) -> String {
    let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
    const LISTS: [&str; 6] = [
        "local_preload_libraries",
        "search_path",
        "session_preload_libraries",
        "shared_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    ];
    let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let value = match LISTS.contains(&name) {
        true => {
            let items = value.split(',').map(|item| literal(&item.trim().trim_matches('"').replace("\"\"", "\"")));
            items.collect::<Vec<_>>().join(", ")
        }
        false => literal(value),
    };
    format!("{} TO {value}", quote_identifier(name))
}

/// The attributes that differ from the defaults, on a line of their own.
fn attributes(env: &StatementEnv, proc: &Described) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut add = |condition: bool, word: &str| {
        if condition {
            words.push(word.to_owned());
        }
    };
    add(proc.kind == ProcKind::Window, "WINDOW");
    add(proc.volatility == Volatility::Immutable, "IMMUTABLE");
    add(proc.volatility == Volatility::Stable, "STABLE");
    add(proc.parallel == Parallel::Safe, "PARALLEL SAFE");
    add(proc.parallel == Parallel::Restricted, "PARALLEL RESTRICTED");
    add(proc.strict, "STRICT");
    add(proc.security_definer, "SECURITY DEFINER");
    add(proc.leakproof, "LEAKPROOF");
    let usual_cost = if matches!(proc.language, ids::LANGUAGE_INTERNAL | ids::LANGUAGE_C) { 1.0 } else { 100.0 };
    add(proc.cost != usual_cost, &format!("COST {}", proc.cost));
    add(proc.returns_set && proc.rows != 1000.0, &format!("ROWS {}", proc.rows));
    if let Some(support) = facts::proc_by_oid(proc.support) {
        let visible = env.search_path().contains(&namespaces::PG_CATALOG);
        let name = if visible { quote_identifier(support.name).into_owned() } else { support.name.to_owned() };
        add(true, &format!("SUPPORT {name}"));
    }
    if words.is_empty() { String::new() } else { format!(" {}\n", words.join(" ")) }
}
