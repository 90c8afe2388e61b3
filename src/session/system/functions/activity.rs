//! Sessions and locks: the functions behind `pg_stat_activity` and `pg_locks`.

use std::net::SocketAddr;
use std::sync::Arc;

use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_storage::{BLOCK_ROWS, LockInfo, LockTag};
use dictdb_types::{Array, Datum, Result, RowId, oids, text::network};

use super::arguments::{integer, oid, records, session, values};
use crate::StatementEnv;
use crate::backends::{Backend, State};

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_blocking_pids", pg_blocking_pids),
    ("pg_isolation_test_session_is_blocked", pg_isolation_test_session_is_blocked),
    ("inet_client_addr", |cx, _| Ok(address(session(cx)?.shared.backend.identity.address).0)),
    ("inet_client_port", |cx, _| Ok(address(session(cx)?.shared.backend.identity.address).1)),
    ("inet_server_addr", |cx, _| Ok(address(session(cx)?.shared.backend.identity.server).0)),
    ("inet_server_port", |cx, _| Ok(address(session(cx)?.shared.backend.identity.server).1)),
    ("pg_stat_get_backend_pid", |cx, args| backend(cx, args, |b| Datum::Int4(b.pid))),
    ("pg_stat_get_backend_activity", |cx, args| backend(cx, args, |b| Datum::Text(b.activity.lock().query.clone()))),
    ("pg_stat_get_backend_client_addr", |cx, args| {
        backend(cx, args, |b| b.identity.address.map_or(Datum::Null, |address| Datum::text(address.ip().to_string())))
    }),
    ("pg_stat_get_backend_client_port", |cx, args| backend(cx, args, |b| address(b.identity.address).1)),
    ("pg_stat_get_backend_dbid", |cx, args| Ok(whose(cx, args)?.0)),
    ("pg_stat_get_backend_userid", |cx, args| Ok(whose(cx, args)?.1)),
    ("pg_stat_get_backend_start", |cx, args| backend(cx, args, |b| Datum::Timestamp(b.started))),
    ("pg_stat_get_backend_activity_start", |cx, args| backend(cx, args, |b| time(b.activity.lock().query_start))),
    ("pg_stat_get_backend_xact_start", |cx, args| backend(cx, args, |b| time(b.activity.lock().transaction_start))),
    ("pg_stat_get_backend_wait_event_type", |cx, args| Ok(wait_of(cx, args)?.0)),
    ("pg_stat_get_backend_wait_event", |cx, args| Ok(wait_of(cx, args)?.1)),
    ("pg_stat_get_db_numbackends", pg_stat_get_db_numbackends),
];

pub(super) const SETS: &[(&str, SetFn)] = &[
    ("pg_stat_get_activity", pg_stat_get_activity),
    ("pg_stat_get_backend_idset", pg_stat_get_backend_idset),
    ("pg_lock_status", pg_lock_status),
];

/// Whether the current user may see what another session does.
fn may_see(env: &StatementEnv, backend: &Backend) -> bool {
    let user = &*backend.identity.user;
    *user == *env.shared.current_user() || ["pg_read_all_stats", user].iter().any(|role| env.has_privileges_of(role))
}

/// `pg_stat_get_activity(pid)`: all sessions, or one.
fn pg_stat_get_activity(cx: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    let env = session(cx)?;
    let wanted = integer(args, 0);
    let backends = env.shared.instance.backends.all();
    let shown = backends.iter().filter(|backend| wanted.is_none_or(|pid| backend.pid == pid));
    Ok(records("pg_stat_get_activity", shown.map(|backend| activity(env, backend)).collect()))
}

fn time(micros: Option<i64>) -> Datum {
    micros.map_or(Datum::Null, Datum::Timestamp)
}

fn activity(env: &StatementEnv, backend: &Backend) -> Vec<Datum> {
    const NULL: Datum = Datum::Null;
    let identity = &backend.identity;
    let (database, user) = (database_of(env, backend), role_of(env, backend));
    let doing = backend.activity.lock().clone();
    let visible = may_see(env, backend);
    let when_visible = |value: Datum| if visible { value } else { NULL };
    let (client_address, client_port) = address(identity.address);
    let (wait_kind, wait_event) = awaited(env, backend, doing.state);
    let transaction = env.shared.instance.storage.id_in_progress(backend.pid.cast_unsigned());
    vec![
        database,
        Datum::Int4(backend.pid),
        user,
        Datum::Text(doing.application_name.clone()),
        when_visible(Datum::text(doing.state.name())),
        if visible { Datum::Text(doing.query.clone()) } else { Datum::text("<insufficient privilege>") },
        when_visible(wait_kind),
        when_visible(wait_event),
        when_visible(time(doing.transaction_start)),
        when_visible(time(doing.query_start)),
        when_visible(time(Some(backend.started))),
        when_visible(time(Some(doing.state_change))),
        when_visible(client_address),
        NULL,
        when_visible(client_port),
        when_visible(transaction.map_or(NULL, |id| Datum::Oid(id.0 as u32))),
        NULL,
        Datum::text("client backend"),
        Datum::Bool(identity.encrypted),
        NULL,
        NULL,
        NULL,
        NULL,
        NULL,
        NULL,
        Datum::Bool(false),
        NULL,
        Datum::Bool(false),
        NULL,
        NULL,
    ]
}

/// What a session waits for: `wait_event_type` and `wait_event`.
fn awaited(env: &StatementEnv, backend: &Backend, state: State) -> (Datum, Datum) {
    let (kind, event) = match env.shared.instance.storage.awaited(backend.pid.cast_unsigned()) {
        Some(lock) => ("Lock", kind_of(&lock)),
        None if state == State::Active => return (Datum::Null, Datum::Null),
        None => ("Client", "ClientRead"),
    };
    (Datum::text(kind), Datum::text(event))
}

/// The oid of a session's database.
fn database_of(env: &StatementEnv, backend: &Backend) -> Datum {
    let databases = env.shared.instance.databases();
    let found = databases.iter().find(|database| database.name == backend.identity.database);
    found.map_or(Datum::Null, |database| Datum::Oid(database.oid.0))
}

/// The oid of the role as which it logged in.
fn role_of(env: &StatementEnv, backend: &Backend) -> Datum {
    env.catalog.role_named(&backend.identity.user).map_or(Datum::Null, |role| Datum::Oid(role.oid.0))
}

/// Address and port of one end of a connection.
fn address(end: Option<SocketAddr>) -> (Datum, Datum) {
    let Some(address) = end else { return (Datum::Null, Datum::Null) };
    let ip = network::input_inet(&address.ip().to_string()).map_or(Datum::Null, Datum::bytea);
    (ip, Datum::Int4(address.port().into()))
}

/// Sessions are numbered by their process ids.
fn pg_stat_get_backend_idset(cx: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let backends = session(cx)?.shared.instance.backends.all();
    Ok(values(backends.iter().map(|backend| Datum::Int4(backend.pid)).collect()))
}

/// The session that the first argument names, if the user may see what it does.
fn visible(cx: &CallContext<'_>, args: &[Datum]) -> Result<Option<Arc<Backend>>> {
    let env = session(cx)?;
    let found = integer(args, 0).and_then(|pid| env.shared.instance.backends.find(pid));
    Ok(found.filter(|backend| may_see(env, backend)))
}

/// The database and the role of the session that the first argument names, for everybody.
fn whose(cx: &CallContext<'_>, args: &[Datum]) -> Result<(Datum, Datum)> {
    let env = session(cx)?;
    let found = integer(args, 0).and_then(|pid| env.shared.instance.backends.find(pid));
    Ok(found.map_or((Datum::Null, Datum::Null), |backend| (database_of(env, &backend), role_of(env, &backend))))
}

fn backend(cx: &CallContext<'_>, args: &[Datum], value: impl Fn(&Backend) -> Datum) -> Result<Datum> {
    Ok(visible(cx, args)?.map_or(Datum::Null, |backend| value(&backend)))
}

fn wait_of(cx: &CallContext<'_>, args: &[Datum]) -> Result<(Datum, Datum)> {
    let Some(backend) = visible(cx, args)? else { return Ok((Datum::Null, Datum::Null)) };
    let state = backend.activity.lock().state;
    Ok(awaited(session(cx)?, &backend, state))
}

fn pg_stat_get_db_numbackends(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let instance = &session(cx)?.shared.instance;
    let wanted = oid(args, 0);
    let database = instance.databases().into_iter().find(|database| database.oid == wanted);
    let backends = instance.backends.all();
    let count = backends.iter().filter(|b| database.as_ref().is_some_and(|d| d.name == b.identity.database)).count();
    Ok(Datum::Int4(count as i32))
}

/// `pg_lock_status()`, the rows of `pg_locks`.
fn pg_lock_status(cx: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let locks = session(cx)?.shared.instance.storage.locks();
    // A session and its transaction may both have taken an advisory lock, which is one lock.
    let mut seen = std::collections::HashSet::new();
    let is_first = |lock: &&LockInfo| match lock.tag {
        Some(LockTag::Advisory { database, class, object, sub }) => {
            seen.insert((lock.pid, database, class, object, sub, lock.mode.name(), lock.granted))
        }
        _ => true,
    };
    Ok(records("pg_lock_status", locks.iter().filter(is_first).map(lock).collect()))
}

/// `locktype`.
fn kind_of(lock: &LockInfo) -> &'static str {
    match lock.tag {
        Some(LockTag::Relation { .. }) => "relation",
        Some(LockTag::Advisory { .. }) => "advisory",
        Some(LockTag::Tuple { .. }) => "tuple",
        None if lock.ongoing.is_some() => "virtualxid",
        None => "transactionid",
    }
}

fn lock(lock: &LockInfo) -> Vec<Datum> {
    const NULL: Datum = Datum::Null;
    let (mut database, mut relation) = (NULL, NULL);
    let (mut class, mut object, mut part) = (NULL, NULL, NULL);
    let (mut page, mut tuple) = (NULL, NULL);
    match lock.tag {
        Some(LockTag::Relation { database: d, relation: r }) => {
            (database, relation) = (Datum::Oid(d.0), Datum::Oid(r.0))
        }
        Some(LockTag::Advisory { database: d, class: c, object: o, sub }) => {
            database = Datum::Oid(d.0);
            (class, object, part) = (Datum::Oid(c), Datum::Oid(o), Datum::Int2(sub as i16));
        }
        Some(LockTag::Tuple { table, row }) => {
            relation = Datum::Oid(table.0);
            (page, tuple) = place(row);
        }
        None => {}
    }
    let transaction = lock.transaction.map_or(NULL, |id| Datum::Oid(id.0 as u32));
    vec![
        Datum::text(kind_of(lock)),
        database,
        relation,
        page,
        tuple,
        lock.ongoing.as_ref().map_or(NULL, Datum::text),
        transaction,
        class,
        object,
        part,
        Datum::text(&lock.holder),
        lock.pid.map_or(NULL, |pid| Datum::Int4(pid.cast_signed())),
        Datum::text(lock.mode.name()),
        Datum::Bool(lock.granted),
        Datum::Bool(lock.fast_path),
        NULL,
    ]
}

/// Block and one-based slot of a row, as `page` and `tuple`.
fn place(row: RowId) -> (Datum, Datum) {
    let rows = BLOCK_ROWS as u64;
    (Datum::Int4((row.0 / rows) as i32), Datum::Int2((row.0 % rows) as i16 + 1))
}

/// The sessions that the one named by the first argument waits for.
fn blocking(cx: &CallContext<'_>, args: &[Datum]) -> Result<Vec<i32>> {
    let storage = &session(cx)?.shared.instance.storage;
    let pid = integer(args, 0).and_then(|pid| u32::try_from(pid).ok());
    Ok(pid.map(|pid| storage.blocking_pids(pid)).unwrap_or_default().into_iter().map(u32::cast_signed).collect())
}

fn pg_blocking_pids(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let pids = blocking(cx, args)?.into_iter().map(Datum::Int4).collect();
    Ok(Datum::Array(Arc::new(Array::vector(oids::INT4, pids))))
}

/// Whether a session waits for one of those that a test runs. PostgreSQL's isolation tester asks so.
fn pg_isolation_test_session_is_blocked(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let Some(Datum::Array(interesting)) = args.get(1) else { return Ok(Datum::Null) };
    let is_interesting =
        |pid: i32| interesting.items.iter().any(|item| matches!(item, Datum::Int4(own) if *own == pid));
    Ok(Datum::Bool(blocking(cx, args)?.into_iter().any(is_interesting)))
}
