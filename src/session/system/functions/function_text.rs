//! Functions as text: arguments, result, definition.

use dictdb_catalog::namespaces;
use dictdb_functions::facts::{self, AggregateKind, ArgMode, Parallel, Proc, ProcKind, Volatility, ids};
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Datum, Error, Oid, Result, SqlState, oids, quote_identifier, quote_qualified};

use super::arguments::{integer, nullable, oid, session};
use crate::StatementEnv;
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
    text: impl Fn(&StatementEnv, &'static Proc) -> String,
) -> Result<Datum> {
    let env = session(cx)?;
    Ok(nullable(facts::proc_by_oid(oid(args, 0)).map(|proc| text(env, proc))))
}

/// A parameter of a function.
struct Parameter {
    mode: ArgMode,
    name: &'static str,
    ty: Oid,
    default: Option<&'static str>,
}

fn parameters(proc: &'static Proc) -> Vec<Parameter> {
    let types = proc.all_args.as_deref().unwrap_or(&proc.args);
    let inputs = proc.args.len();
    let defaults = split_list(proc.defaults.unwrap_or_default());
    let mut position = 0;
    let parameter = |(i, ty): (usize, &Oid)| {
        let mode = proc.arg_modes.as_ref().and_then(|modes| modes.get(i)).copied().unwrap_or(ArgMode::In);
        let mut default = None;
        if mode.is_input() {
            position += 1;
            let from_end = inputs + 1 - position;
            default = defaults.len().checked_sub(from_end).and_then(|i| defaults.get(i)).copied();
        }
        let name = proc.arg_names.as_ref().and_then(|names| names.get(i)).copied().unwrap_or_default();
        Parameter { mode, name, ty: *ty, default }
    };
    types.iter().enumerate().map(parameter).collect()
}

/// Splits expressions at the commas between them.
fn split_list(text: &'static str) -> Vec<&'static str> {
    let (mut quoted, mut depth, mut start, mut items) = (false, 0, 0, Vec::new());
    for (i, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '(' | '[' if !quoted => depth += 1,
            ')' | ']' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                items.push(text[start..i].trim());
                start = i + 1;
            }
            _ => {}
        }
    }
    if !text.is_empty() {
        items.push(text[start..].trim());
    }
    items
}

/// `pg_get_function_arguments`, or without defaults and output parameters the identity of the function.
fn arguments(env: &StatementEnv, proc: &'static Proc, full: bool) -> String {
    let order_by = facts::aggregate(proc.oid).filter(|a| a.kind != AggregateKind::Normal).map(|a| a.direct_args);
    let mut out = String::new();
    let parameters = parameters(proc);
    let shown: Vec<&Parameter> =
        parameters.iter().filter(|p| if full { p.mode != ArgMode::Table } else { p.mode.is_input() }).collect();
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

fn parameter_text(env: &StatementEnv, proc: &Proc, parameter: &Parameter, full: bool, out: &mut String) {
    out.push_str(match parameter.mode {
        ArgMode::In if proc.kind == ProcKind::Procedure => "IN ",
        ArgMode::In | ArgMode::Table => "",
        ArgMode::InOut => "INOUT ",
        ArgMode::Out => "OUT ",
        ArgMode::Variadic => "VARIADIC ",
    });
    if !parameter.name.is_empty() {
        out.push_str(&quote_identifier(parameter.name));
        out.push(' ');
    }
    out.push_str(&type_text(env, parameter.ty));
    if let Some(default) = parameter.default.filter(|_| full) {
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
    let proc = facts::proc_by_oid(oid(args, 0)).filter(|proc| proc.kind != ProcKind::Procedure);
    Ok(nullable(proc.map(|proc| result(env, proc))))
}

fn result(env: &StatementEnv, proc: &'static Proc) -> String {
    let columns: Vec<Parameter> = parameters(proc).into_iter().filter(|p| p.mode == ArgMode::Table).collect();
    if !columns.is_empty() {
        let column = |p: &Parameter| format!("{} {}", quote_identifier(p.name), type_text(env, p.ty));
        return format!("TABLE({})", columns.iter().map(column).collect::<Vec<_>>().join(", "));
    }
    let set = if proc.returns_set { "SETOF " } else { "" };
    format!("{set}{}", type_text(env, proc.result))
}

/// `pg_get_function_arg_default(function, number of the parameter)`.
fn pg_get_function_arg_default(_: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let Some(proc) = facts::proc_by_oid(oid(args, 0)) else { return Ok(Datum::Null) };
    let number = integer(args, 1).and_then(|n| usize::try_from(n).ok()).and_then(|n| n.checked_sub(1));
    let default = number.and_then(|n| parameters(proc).into_iter().nth(n)).and_then(|p| p.default);
    Ok(nullable(default))
}

fn pg_get_function_sqlbody(_: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let proc = facts::proc_by_oid(oid(args, 0)).filter(|proc| proc.has_parsed_body());
    Ok(nullable(proc.and_then(Proc::body)))
}

/// `pg_get_functiondef`: CREATE OR REPLACE FUNCTION. 42809 for aggregates.
fn pg_get_functiondef(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let Some(proc) = facts::proc_by_oid(oid(args, 0)) else { return Ok(Datum::Null) };
    if proc.kind == ProcKind::Aggregate {
        let message = format!("\"{}\" is an aggregate function", proc.name);
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
    }
    Ok(Datum::text(definition(env, proc)))
}

fn definition(env: &StatementEnv, proc: &'static Proc) -> String {
    let schema = env.catalog.schema(proc.namespace).map_or("pg_catalog", |schema| &schema.name);
    let name = quote_qualified(schema, proc.name);
    let mut text = format!("CREATE OR REPLACE FUNCTION {name}({})\n", arguments(env, proc, true));
    text += &format!(" RETURNS {}\n LANGUAGE {}\n", result(env, proc), language(proc.language));
    text += &attributes(env, proc);
    match proc.body() {
        Some(body) if proc.has_parsed_body() => text + &body + "\n",
        Some(body) => format!("{text}AS $function${body}$function$\n"),
        None => {
            let library = proc.library.map(|library| format!("'{library}', ")).unwrap_or_default();
            format!("{text}AS {library}$function${}$function$\n", proc.source)
        }
    }
}

fn language(oid: Oid) -> &'static str {
    match oid {
        ids::LANGUAGE_INTERNAL => "internal",
        ids::LANGUAGE_C => "c",
        ids::LANGUAGE_SQL => "sql",
        _ => "plpgsql",
    }
}

/// The attributes that differ from the defaults, on a line of their own.
fn attributes(env: &StatementEnv, proc: &Proc) -> String {
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
