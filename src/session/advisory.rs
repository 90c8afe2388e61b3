//! `pg_advisory_lock` and its family: advisory locks of the session and of its transaction.
//!
//! The locks themselves are storage's; here are the functions that take and release them.

use dictdb_functions::kernel::{CallContext, ScalarFn};
use dictdb_storage::{LockTag, Session as StorageSession, WaitPolicy};
use dictdb_types::{Datum, Error, Result, SqlState};

use crate::StatementEnv;

/// Every function of this file.
pub(crate) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_advisory_lock_int8", |cx, args| wait(cx, args, Level::Session, EXCLUSIVE)),
    ("pg_advisory_lock_int4", |cx, args| wait(cx, args, Level::Session, EXCLUSIVE)),
    ("pg_advisory_lock_shared_int8", |cx, args| wait(cx, args, Level::Session, SHARED)),
    ("pg_advisory_lock_shared_int4", |cx, args| wait(cx, args, Level::Session, SHARED)),
    ("pg_advisory_xact_lock_int8", |cx, args| wait(cx, args, Level::Transaction, EXCLUSIVE)),
    ("pg_advisory_xact_lock_int4", |cx, args| wait(cx, args, Level::Transaction, EXCLUSIVE)),
    ("pg_advisory_xact_lock_shared_int8", |cx, args| wait(cx, args, Level::Transaction, SHARED)),
    ("pg_advisory_xact_lock_shared_int4", |cx, args| wait(cx, args, Level::Transaction, SHARED)),
    ("pg_try_advisory_lock_int8", |cx, args| attempt(cx, args, Level::Session, EXCLUSIVE)),
    ("pg_try_advisory_lock_int4", |cx, args| attempt(cx, args, Level::Session, EXCLUSIVE)),
    ("pg_try_advisory_lock_shared_int8", |cx, args| attempt(cx, args, Level::Session, SHARED)),
    ("pg_try_advisory_lock_shared_int4", |cx, args| attempt(cx, args, Level::Session, SHARED)),
    ("pg_try_advisory_xact_lock_int8", |cx, args| attempt(cx, args, Level::Transaction, EXCLUSIVE)),
    ("pg_try_advisory_xact_lock_int4", |cx, args| attempt(cx, args, Level::Transaction, EXCLUSIVE)),
    ("pg_try_advisory_xact_lock_shared_int8", |cx, args| attempt(cx, args, Level::Transaction, SHARED)),
    ("pg_try_advisory_xact_lock_shared_int4", |cx, args| attempt(cx, args, Level::Transaction, SHARED)),
    ("pg_advisory_unlock_int8", |cx, args| unlock(cx, args, EXCLUSIVE)),
    ("pg_advisory_unlock_int4", |cx, args| unlock(cx, args, EXCLUSIVE)),
    ("pg_advisory_unlock_shared_int8", |cx, args| unlock(cx, args, SHARED)),
    ("pg_advisory_unlock_shared_int4", |cx, args| unlock(cx, args, SHARED)),
    ("pg_advisory_unlock_all", unlock_all),
];

const EXCLUSIVE: bool = false;
const SHARED: bool = true;

/// How long a lock is kept.
#[derive(Clone, Copy)]
enum Level {
    Session,
    Transaction,
}

/// The session that calls, and its place in storage.
fn caller<'a>(cx: &CallContext<'a>) -> Result<(&'a StatementEnv, &'a StorageSession)> {
    let env = StatementEnv::of(cx.env).ok_or_else(|| Error::internal("called outside a session"))?;
    let storage = env.shared.backend.interrupts.storage();
    Ok((env, storage.ok_or_else(|| Error::internal("the session has no place in storage"))?))
}

/// The key: one `bigint`, or two `integer`s.
fn tag(env: &StatementEnv, args: &[Datum]) -> Result<LockTag> {
    let database = env.shared.database.oid;
    match args {
        [Datum::Int8(key)] => Ok(LockTag::advisory(database, *key)),
        [Datum::Int4(first), Datum::Int4(second)] => Ok(LockTag::advisory_pair(database, *first, *second)),
        _ => Err(Error::internal("the key of an advisory lock is one bigint or two integers")),
    }
}

fn lock(cx: &CallContext<'_>, args: &[Datum], level: Level, shared: bool, policy: WaitPolicy) -> Result<bool> {
    let (env, storage) = caller(cx)?;
    let options = env.derived.wait_options();
    let tag = tag(env, args)?;
    match level {
        Level::Session => storage.lock_advisory(tag, shared, policy, &options),
        Level::Transaction => storage.lock_advisory_in_transaction(tag, shared, policy, &options),
    }
}

/// Waits for the lock. 40P01, 55P03, 57014.
fn wait(cx: &CallContext<'_>, args: &[Datum], level: Level, shared: bool) -> Result<Datum> {
    lock(cx, args, level, shared, WaitPolicy::Block)?;
    // The value of type void.
    Ok(Datum::text(""))
}

/// Takes the lock if it is free; whether it was.
fn attempt(cx: &CallContext<'_>, args: &[Datum], level: Level, shared: bool) -> Result<Datum> {
    lock(cx, args, level, shared, WaitPolicy::Skip).map(Datum::Bool)
}

/// Releases a lock of the session once; whether there was one.
fn unlock(cx: &CallContext<'_>, args: &[Datum], shared: bool) -> Result<Datum> {
    let (env, storage) = caller(cx)?;
    let released = storage.unlock_advisory(tag(env, args)?, shared);
    if !released {
        let mode = if shared { "ShareLock" } else { "ExclusiveLock" };
        let message = format!("you don't own a lock of type {mode}");
        env.shared.notice(crate::transaction::warning(SqlState::WARNING, &message));
    }
    Ok(Datum::Bool(released))
}

fn unlock_all(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    caller(cx)?.1.unlock_all_advisory();
    Ok(Datum::text(""))
}
