//! `nextval`, `currval`, `lastval` and `setval`: sequences in storage, and what this session had from them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use dictdb_catalog::{AclKind, BOOTSTRAP_ROLE, Persistence, Privileges, Relation, RelationKind};
use dictdb_functions::kernel::{CallContext, ScalarFn};
use dictdb_storage::{LockMode, Sequence, WaitPolicy};
use dictdb_types::{Datum, Error, Oid, Result, SqlState};

use crate::StatementEnv;
use crate::system::record;

/// Every function of this file, by `pg_proc.prosrc`.
pub(crate) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("nextval_oid", nextval),
    ("currval_oid", currval),
    ("lastval", lastval),
    ("setval_oid", setval),
    ("setval3_oid", setval_is_called),
    ("pg_sequence_last_value", last_value),
    ("pg_sequence_parameters", parameters),
];

/// What `currval` and `lastval` know.
#[derive(Debug, Default)]
pub struct SequenceValues {
    values: HashMap<Oid, i64>,
    last: Option<Oid>,
}

fn session<'a>(cx: &CallContext<'a>) -> Result<&'a StatementEnv> {
    StatementEnv::of(cx.env).ok_or_else(|| Error::internal("called outside a session"))
}

/// The sequence of the first argument; 42P01, 42809.
fn sequence(env: &StatementEnv, args: &[Datum]) -> Result<(Arc<Relation>, Arc<Sequence>)> {
    let Some(Datum::Oid(oid)) = args.first() else {
        return Err(Error::internal("a sequence function without its sequence"));
    };
    let relation = env
        .catalog
        .relation(Oid(*oid))
        .cloned()
        .ok_or_else(|| Error::new(SqlState::UNDEFINED_TABLE, format!("could not open relation with OID {oid}")))?;
    if !matches!(relation.kind, RelationKind::Sequence(_)) {
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a sequence", relation.name)));
    }
    let found = env.shared.instance.storage.sequence(relation.storage).or_else(|| newest(env, &relation));
    let found = found.ok_or_else(|| Error::internal(format!("sequence {} has no storage", relation.name)))?;
    Ok((relation, found))
}

/// 42501 unless the role has one of some privileges on a sequence.
fn permitted(env: &StatementEnv, relation: &Relation, wanted: Privileges) -> Result<()> {
    // An identity column's sequence serves whoever may insert into the table.
    if matches!(&relation.kind, RelationKind::Sequence(info) if info.owned_by.is_some_and(|(.., identity)| identity)) {
        return Ok(());
    }
    let role = env.catalog.role_named(&env.shared.current_user()).map_or(BOOTSTRAP_ROLE, |role| role.oid);
    let held = env.catalog.held_privileges(role, AclKind::Sequence, relation.owner, relation.acl.as_deref());
    if held.privileges.intersects(wanted) {
        return Ok(());
    }
    let message = format!("permission denied for sequence {}", relation.name);
    Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
}

/// 25006 in a read-only transaction, unless the sequence is temporary.
fn writable(env: &StatementEnv, relation: &Relation, function: &str) -> Result<()> {
    if env.modes.read_only && relation.persistence != Persistence::Temporary {
        return Err(Error::new(
            SqlState::READ_ONLY_SQL_TRANSACTION,
            format!("cannot execute {function}() in a read-only transaction"),
        ));
    }
    Ok(())
}

/// A sequence as it is once nobody else can change it until the transaction ends. 55P03, 40P01, 57014.
fn locked(env: &StatementEnv, relation: &Relation, found: Arc<Sequence>) -> Result<Arc<Sequence>> {
    let Some(transaction) = env.shared.open_transaction() else { return Ok(found) };
    let handle = env.shared.instance.storage.relation_lock(env.shared.database.oid, relation.oid);
    let wait = env.derived.wait_options();
    if transaction.lock_relation(&handle, LockMode::RowExclusive, WaitPolicy::Skip, &wait)? {
        return Ok(found);
    }
    transaction.lock_relation(&handle, LockMode::RowExclusive, WaitPolicy::Block, &wait)?;
    Ok(newest(env, relation).unwrap_or(found))
}

/// What is committed in the place of a sequence: a change of it since the statement began has put another one there.
fn newest(env: &StatementEnv, relation: &Relation) -> Option<Arc<Sequence>> {
    let storage = env.shared.database.catalog.current().relation(relation.oid)?.storage;
    env.shared.instance.storage.sequence(storage)
}

fn nextval(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let (relation, sequence) = sequence(env, args)?;
    permitted(env, &relation, Privileges::USAGE.with(Privileges::UPDATE))?;
    writable(env, &relation, "nextval")?;
    let sequence = locked(env, &relation, sequence)?;
    let value = sequence.nextval(&relation.name)?;
    env.shared.drawn.fetch_max(sequence.promised().0, Ordering::Relaxed);
    let mut known = env.shared.sequences.lock();
    known.values.insert(relation.oid, value);
    known.last = Some(relation.oid);
    Ok(Datum::Int8(value))
}

fn currval(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let (relation, _) = sequence(env, args)?;
    permitted(env, &relation, Privileges::SELECT.with(Privileges::USAGE))?;
    let known = env.shared.sequences.lock().values.get(&relation.oid).copied();
    known.map(Datum::Int8).ok_or_else(|| {
        Error::new(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("currval of sequence \"{}\" is not yet defined in this session", relation.name),
        )
    })
}

fn lastval(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let known = env.shared.sequences.lock();
    let last = known.last.and_then(|oid| Some((env.catalog.relation(oid)?, known.values.get(&oid).copied()?)));
    let Some((relation, value)) = last else {
        let message = "lastval is not yet defined in this session";
        return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
    };
    permitted(env, relation, Privileges::SELECT.with(Privileges::USAGE))?;
    Ok(Datum::Int8(value))
}

/// The last value given out, NULL before the first.
fn last_value(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let (_, sequence) = sequence(session(cx)?, args)?;
    let state = sequence.state();
    Ok(if state.is_called { Datum::Int8(state.last_value) } else { Datum::Null })
}

/// The options of a sequence.
fn parameters(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let (relation, _) = sequence(env, args)?;
    permitted(env, &relation, Privileges::SELECT.with(Privileges::UPDATE).with(Privileges::USAGE))?;
    let RelationKind::Sequence(info) = &relation.kind else { return Err(Error::internal("not a sequence")) };
    let [start, min, max, increment] = [info.start, info.min, info.max, info.increment].map(Datum::Int8);
    let (cycle, cache, ty) = (Datum::Bool(info.cycle), Datum::Int8(info.cache), Datum::Oid(info.ty.0));
    Ok(record("pg_sequence_parameters", vec![start, min, max, increment, cycle, cache, ty]))
}

fn set(cx: &CallContext<'_>, args: &[Datum], is_called: bool) -> Result<Datum> {
    let env = session(cx)?;
    let (relation, sequence) = sequence(env, args)?;
    permitted(env, &relation, Privileges::UPDATE)?;
    writable(env, &relation, "setval")?;
    let sequence = locked(env, &relation, sequence)?;
    let Some(Datum::Int8(value)) = args.get(1) else { return Err(Error::internal("setval without its value")) };
    sequence.setval(*value, is_called, &relation.name)?;
    env.shared.drawn.fetch_max(sequence.promised().0, Ordering::Relaxed);
    if is_called {
        env.shared.sequences.lock().values.insert(relation.oid, *value);
    }
    Ok(Datum::Int8(*value))
}

fn setval(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    set(cx, args, true)
}

fn setval_is_called(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    set(cx, args, matches!(args.get(2), Some(Datum::Bool(true))))
}
