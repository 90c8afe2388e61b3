//! Functions about the session that calls them: settings, identity, other sessions, notifications.
//!
//! They join the built-in ones by `pg_proc.prosrc`. Functions about the catalog are elsewhere.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dictdb_executor::IndexEnv;
use dictdb_functions::kernel::{CallContext, ScalarFn};
use dictdb_types::datetime::{Clock, add_interval};
use dictdb_types::{Array, Datum, Error, Oid, Result, SqlState, oids};

use crate::interrupts::Interrupts;
use crate::settings::Scope;
use crate::statement::transaction_setting;
use crate::{SERVER_VERSION_TEXT, StatementEnv};

/// `pg_authid.oid` of `pg_signal_backend`.
const PG_SIGNAL_BACKEND: Oid = Oid(4200);

/// Every function of this file.
pub(crate) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pgsql_version", version),
    ("current_user", current_user),
    ("session_user", session_user),
    ("current_database", current_database),
    ("current_schema", current_schema),
    ("current_schemas", current_schemas),
    ("pg_backend_pid", pg_backend_pid),
    ("show_config_by_name", show_config_by_name),
    ("show_config_by_name_missing_ok", show_config_by_name_missing_ok),
    ("set_config_by_name", set_config_by_name),
    ("set_limit", set_limit),
    ("pg_cancel_backend", pg_cancel_backend),
    ("pg_terminate_backend", pg_terminate_backend),
    ("pg_notify", pg_notify),
    ("pg_notification_queue_usage", pg_notification_queue_usage),
    ("pg_postmaster_start_time", pg_postmaster_start_time),
    ("pg_is_in_recovery", pg_is_in_recovery),
    ("pg_sleep", pg_sleep),
    ("pg_sleep_for(interval)", pg_sleep_for),
    ("pg_sleep_until(timestamp with time zone)", pg_sleep_until),
    ("current_query", current_query),
    ("pg_reload_conf", pg_reload_conf),
];

/// The session that calls.
fn session<'a>(cx: &CallContext<'a>) -> Result<&'a StatementEnv> {
    StatementEnv::of(cx.env).ok_or_else(|| Error::internal("called outside a session"))
}

fn text(args: &[Datum], index: usize) -> Option<&str> {
    match args.get(index) {
        Some(Datum::Text(text)) => Some(text),
        _ => None,
    }
}

fn version(_: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    Ok(Datum::text(SERVER_VERSION_TEXT))
}

fn current_user(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    Ok(Datum::Text(match IndexEnv::of(cx.env) {
        Some(index) => index.current_user(),
        None => session(cx)?.shared.current_user(),
    }))
}

fn session_user(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    Ok(Datum::Text(session(cx)?.shared.session_user()))
}

fn current_database(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    Ok(Datum::Text(session(cx)?.shared.database.name.clone()))
}

/// Names of the schemas on the search path; `implicit` adds the ones nobody listed.
fn schema_names(env: &StatementEnv, implicit: bool) -> Vec<Arc<str>> {
    let listed = |name: &str| env.derived.search_path.iter().any(|item| item == name);
    let names = env.search_path().into_iter().filter_map(|oid| Some(env.catalog.schema(oid)?.name.clone()));
    names.filter(|name| implicit || **name != *"pg_catalog" || listed(name)).collect()
}

fn current_schema(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    Ok(schema_names(session(cx)?, false).into_iter().next().map_or(Datum::Null, Datum::Text))
}

fn current_schemas(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let implicit = matches!(args.first(), Some(Datum::Bool(true)));
    let names = schema_names(session(cx)?, implicit).into_iter().map(Datum::Text).collect();
    Ok(Datum::Array(Arc::new(Array::vector(oids::NAME, names))))
}

fn pg_backend_pid(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    Ok(Datum::Int4(session(cx)?.shared.backend.pid))
}

fn show_config_by_name(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let name = text(args, 0).unwrap_or_default();
    let env = session(cx)?;
    match transaction_setting(name, env.modes) {
        Some(value) => Ok(Datum::text(value)),
        None => env.shared.show(name).map(Datum::text),
    }
}

fn show_config_by_name_missing_ok(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    match (show_config_by_name(cx, args), args.get(1)) {
        (Err(error), Some(Datum::Bool(true))) if error.code() == SqlState::UNDEFINED_OBJECT => Ok(Datum::Null),
        (shown, _) => shown,
    }
}

/// `set_limit` of `pg_trgm`: the setting of `%`'s threshold.
fn set_limit(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let Some(Datum::Float4(limit)) = args.first() else { return Ok(Datum::Null) };
    let env = session(cx)?;
    env.shared.set(&env.catalog, "pg_trgm.similarity_threshold", &limit.to_string(), Scope::Session)?;
    Ok(Datum::Float4(*limit))
}

/// `set_config(name, value, is_local)`: NULL is the default.
fn set_config_by_name(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let shared = &env.shared;
    let Some(name) = text(args, 0) else {
        return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "SET requires parameter name"));
    };
    let scope = if matches!(args.get(2), Some(Datum::Bool(true))) { Scope::Local } else { Scope::Session };
    match text(args, 1) {
        Some(value) => {
            let kept = crate::statement::named_object(env, name, value)?;
            shared.set(&env.catalog, name, kept.as_deref().unwrap_or(value), scope)?;
        }
        None => {
            let authority = shared.authority_over(&env.catalog, name);
            shared.settings.lock().reset(name, scope, authority)?;
        }
    }
    shared.show(name).map(Datum::text)
}

/// The session to signal; 42501 unless the role may (`pg_signal_backend` in `signalfuncs.c`): its own kind, or, for members of
/// the role of that name, any but superusers.
fn target(
    cx: &CallContext<'_>,
    args: &[Datum],
    (doing, done): (&str, &str),
) -> Result<Option<Arc<crate::backends::Backend>>> {
    let Some(Datum::Int4(pid)) = args.first() else { return Ok(None) };
    let shared = &session(cx)?.shared;
    let found = shared.instance.backends.find(*pid);
    let Some(backend) = &found else {
        let message = format!("PID {pid} is not a PostgreSQL server process");
        shared.notice(crate::transaction::warning(SqlState::WARNING, &message));
        return Ok(None);
    };
    let catalog = shared.database.catalog.current();
    let role = |name: &str| catalog.role_named(name);
    let user = role(&shared.current_user());
    if user.is_some_and(|user| user.superuser) {
        return Ok(found);
    }
    let refuse = |message: String| Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
    let whose = role(&backend.identity.user);
    if whose.is_some_and(|whose| whose.superuser) {
        return refuse(format!("must be a superuser to {doing}"));
    }
    let held = user.map(|user| catalog.inherited_roles(user.oid)).unwrap_or_default();
    if !held.contains(&PG_SIGNAL_BACKEND) && !whose.is_some_and(|whose| held.contains(&whose.oid)) {
        return refuse(format!("must be a member of the role whose {done} or member of pg_signal_backend"));
    }
    Ok(found)
}

/// Interrupts a session; the one that calls, before it goes on.
fn signal(cx: &CallContext<'_>, args: &[Datum], words: (&str, &str), send: fn(&Interrupts)) -> Result<Datum> {
    let found = target(cx, args, words)?.inspect(|backend| send(&backend.interrupts));
    session(cx)?.shared.backend.interrupts.check()?;
    Ok(Datum::Bool(found.is_some()))
}

fn pg_cancel_backend(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    signal(cx, args, ("cancel superuser query", "query is being canceled"), Interrupts::cancel)
}

fn pg_terminate_backend(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    signal(cx, args, ("terminate superuser process", "process is being terminated"), Interrupts::terminate)
}

fn pg_notify(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let shared = &session(cx)?.shared;
    let (channel, payload) = (text(args, 0).unwrap_or_default(), text(args, 1).unwrap_or_default());
    shared.pending.lock().send(shared.backend.pid, channel, payload)?;
    // The value of type void.
    Ok(Datum::text(""))
}

fn pg_notification_queue_usage(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    Ok(Datum::Float8(session(cx)?.shared.instance.hub.usage()))
}

fn pg_postmaster_start_time(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    Ok(Datum::Timestamp(session(cx)?.shared.instance.started))
}

fn pg_is_in_recovery(_: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    Ok(Datum::Bool(false))
}

/// The query string the client sent.
/// `pg_reload_conf()`: what has changed holds for other sessions from their next message on.
fn pg_reload_conf(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    let shared = &session(cx)?.shared;
    if !shared.is_superuser() {
        let message = "permission denied for function pg_reload_conf";
        return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
    }
    tokio::task::block_in_place(|| shared.instance.reload());
    Ok(Datum::Bool(true))
}

fn current_query(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    Ok(Datum::Text(session(cx)?.shared.backend.activity.lock().query.clone()))
}

/// Until the clock shows what it shows now and so much more.
fn pg_sleep_for(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let Some(Datum::Interval(interval)) = args.first() else { return Ok(Datum::Null) };
    let clock = Clock::Zone(&cx.env.format().time_zone);
    let until = add_interval(crate::clock::now_micros(), interval, clock)?;
    sleep_until(cx, until)
}

fn pg_sleep_until(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let Some(Datum::Timestamp(until)) = args.first() else { return Ok(Datum::Null) };
    sleep_until(cx, *until)
}

fn sleep_until(cx: &CallContext<'_>, until: i64) -> Result<Datum> {
    let seconds = until.saturating_sub(crate::clock::now_micros()) as f64 / 1e6;
    pg_sleep(cx, &[Datum::Float8(seconds)])
}

/// Sleeps in pieces short enough that a cancel request is not kept waiting.
fn pg_sleep(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    const PIECE: Duration = Duration::from_millis(10);
    let Some(Datum::Float8(seconds)) = args.first() else { return Ok(Datum::Null) };
    let duration = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX);
    let begin = Instant::now();
    tokio::task::block_in_place(|| {
        while let Some(left) = duration.checked_sub(begin.elapsed()).filter(|left| !left.is_zero()) {
            cx.env.check_interrupts()?;
            std::thread::sleep(left.min(PIECE));
        }
        Ok(Datum::text(""))
    })
}
