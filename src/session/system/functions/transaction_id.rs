//! Ids of transactions, what became of them, and snapshots that other sessions can take over.

use std::sync::Arc;

use dictdb_functions::{CallContext, ScalarFn};
use dictdb_storage::{Outcome, Transaction};
use dictdb_types::{Datum, Error, Result, SqlState, TxnId};

use super::arguments::session;

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_current_xact_id", |cx, _| Ok(id(current(cx)?.assign_id()?))),
    ("pg_current_xact_id_if_assigned", |cx, _| Ok(current(cx)?.id().map_or(Datum::Null, id))),
    ("pg_current_snapshot", |cx, _| Ok(Datum::text(snapshot_text(&*current(cx)?)))),
    ("pg_xact_status", pg_xact_status),
    ("pg_export_snapshot", pg_export_snapshot),
    ("xid_age", xid_age),
    ("mxid_age", mxid_age),
];

/// The transaction that the call is part of.
fn current(cx: &CallContext<'_>) -> Result<Arc<Transaction>> {
    let transaction = session(cx)?.shared.open_transaction();
    transaction.ok_or_else(|| Error::internal("called outside a transaction"))
}

fn id(id: TxnId) -> Datum {
    Datum::Int8(id.0 as i64)
}

/// `xmin:xmax:xip,…`: the oldest transaction in progress, the one behind the newest that is done, and those of others in
/// between that are not.
fn snapshot_text(transaction: &Transaction) -> String {
    let next = transaction.next_id();
    let own = transaction.id();
    let mut open: Vec<TxnId> = transaction.ids_in_progress().into_iter().filter(|id| *id < next).collect();
    let oldest = open.first().copied().unwrap_or(next);
    let mut end = next;
    while open.last().is_some_and(|last| last.0 + 1 == end.0) {
        open.pop();
        end.0 -= 1;
    }
    let others = open.iter().filter(|id| Some(**id) != own).map(|id| id.0.to_string());
    format!("{}:{}:{}", oldest.0, end.0, others.collect::<Vec<_>>().join(","))
}

/// `committed`, `aborted`, `in progress`; NULL when it is not remembered.
fn pg_xact_status(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let transaction = current(cx)?;
    let Some(Datum::Int8(wanted)) = args.first() else { return Ok(Datum::Null) };
    let wanted = TxnId(*wanted as u64);
    if wanted >= transaction.next_id() {
        let message = format!("transaction ID {} is in the future", wanted.0);
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    let word = |outcome| match outcome {
        Outcome::InProgress => "in progress",
        Outcome::Committed => "committed",
        Outcome::Aborted => "aborted",
    };
    Ok(transaction.outcome_of(wanted).map_or(Datum::Null, |outcome| Datum::text(word(outcome))))
}

/// Transactions begun since that one. Ids that stand for what is visible to all are as old as can be.
fn xid_age(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    const FIRST_NORMAL: u32 = 3;
    let Some(Datum::Oid(wanted)) = args.first() else { return Ok(Datum::Null) };
    if *wanted < FIRST_NORMAL {
        return Ok(Datum::Int4(i32::MAX));
    }
    let transaction = current(cx)?;
    let now = transaction.id().unwrap_or_else(|| transaction.next_id());
    Ok(Datum::Int4((now.0 as u32).wrapping_sub(*wanted) as i32))
}

/// There are no multixacts: the first one there would be is always the next one.
fn mxid_age(_: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    Ok(match args.first() {
        Some(Datum::Oid(0)) => Datum::Int4(i32::MAX),
        Some(Datum::Oid(wanted)) => Datum::Int4(1_u32.wrapping_sub(*wanted) as i32),
        _ => Datum::Null,
    })
}

fn pg_export_snapshot(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let name = env.shared.export_snapshot(&current(cx)?)?;
    Ok(Datum::text(name))
}
