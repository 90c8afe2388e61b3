//! The log and its checkpoints to SQL. In memory only, there is none: its positions are NULL, its counters zero.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use dictdb_durability::{ArchiveEvent, Durability, Lsn};
use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Datum, Error, Numeric, Result, SqlState};

use super::arguments::{record, records, session};
use crate::clock::micros_of;
use crate::statistics_resets::{Mark, ResetTarget};
use crate::{Shared, clock};

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_current_wal_lsn", |cx, _| position(cx, |durability| durability.log().durable())),
    ("pg_current_wal_flush_lsn", |cx, _| position(cx, |durability| durability.log().durable())),
    ("pg_current_wal_insert_lsn", |cx, _| position(cx, |durability| durability.log().appended())),
    ("pg_last_wal_receive_lsn", |_, _| Ok(Datum::Null)),
    ("pg_last_wal_replay_lsn", |_, _| Ok(Datum::Null)),
    ("pg_switch_wal", pg_switch_wal),
    ("pg_walfile_name", pg_walfile_name),
    ("pg_stat_get_wal", pg_stat_get_wal),
    ("pg_stat_get_archiver", pg_stat_get_archiver),
    ("dictdb_resume_writes", resume_writes),
    ("dictdb_reset_circuit_breaker", reset_circuit_breaker),
    ("pg_control_system", pg_control_system),
    ("pg_control_checkpoint", pg_control_checkpoint),
    ("pg_control_recovery", pg_control_recovery),
    ("pg_control_init", pg_control_init),
    ("pg_stat_get_bgwriter_timed_checkpoints", |cx, _| counter(cx, |d| &d.checkpoint_statistics().timed)),
    ("pg_stat_get_bgwriter_requested_checkpoints", |cx, _| counter(cx, |d| &d.checkpoint_statistics().requested)),
    ("pg_stat_get_checkpoint_write_time", |cx, _| millis(cx, |d| &d.checkpoint_statistics().write_millis)),
    ("pg_stat_get_checkpoint_sync_time", |cx, _| millis(cx, |d| &d.checkpoint_statistics().sync_millis)),
];

pub(super) const SETS: &[(&str, SetFn)] = &[("pg_ls_waldir", pg_ls_waldir)];

/// The files of the log: name, bytes, and when each was changed.
fn pg_ls_waldir(cx: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let Some(durability) = durability(cx)? else { return Ok(records("pg_ls_waldir", Vec::new())) };
    let folder = durability.directory().log_dir();
    let failed = |error: std::io::Error| {
        Error::new(SqlState::IO_ERROR, format!("could not read directory \"{}\": {error}", folder.display()))
    };
    let mut rows = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // A file may go while one looks.
        let Ok(about) = entry.metadata() else { continue };
        let changed = about.modified().map_err(failed)?;
        let micros = clock::micros_of(changed);
        let name = Datum::text(entry.file_name().to_string_lossy());
        rows.push(vec![name, Datum::Int8(about.len() as i64), Datum::Timestamp(micros)]);
    }
    Ok(records("pg_ls_waldir", rows))
}

/// `pg_control_version` and `catalog_version_no` of PostgreSQL 15.
const CONTROL_VERSION: i32 = 1300;
const CATALOG_VERSION: i32 = 202_209_061;
const BLOCK_BYTES: i32 = 8192;

fn durability(cx: &CallContext<'_>) -> Result<Option<Arc<Durability>>> {
    Ok(session(cx)?.shared.instance.durability.clone())
}

fn lsn(lsn: Lsn) -> Datum {
    Datum::Int8(lsn.0 as i64)
}

fn position(cx: &CallContext<'_>, of: impl Fn(&Durability) -> Lsn) -> Result<Datum> {
    Ok(durability(cx)?.map_or(Datum::Null, |durability| lsn(of(&durability))))
}

fn read(counter: &AtomicU64) -> i64 {
    counter.load(Ordering::Relaxed) as i64
}

fn counter(cx: &CallContext<'_>, of: impl Fn(&Durability) -> &AtomicU64) -> Result<Datum> {
    Ok(Datum::Int8(durability(cx)?.map_or(0, |durability| read(of(&durability)))))
}

fn millis(cx: &CallContext<'_>, of: impl Fn(&Durability) -> &AtomicU64) -> Result<Datum> {
    Ok(Datum::Float8(durability(cx)?.map_or(0.0, |durability| read(of(&durability)) as f64)))
}

/// Ends the segment that is being written. Returns the position where it was ended. 42501, 55000.
fn pg_switch_wal(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    let shared = operator(cx, "pg_switch_wal")?;
    let Some(durability) = &shared.instance.durability else { return Err(no_log()) };
    let before = durability.log().appended();
    durability.log().switch_segment();
    durability.flush_soon();
    Ok(lsn(before))
}

/// Name of the file that a position is in.
fn pg_walfile_name(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let Some(Datum::Int8(at)) = args.first() else { return Ok(Datum::Null) };
    match durability(cx)? {
        // The position after a segment is its last one.
        Some(durability) => Ok(Datum::text(durability.log().file_name(Lsn((*at as u64).saturating_sub(1))))),
        None => Err(no_log()),
    }
}

/// `dictdb.resume_writes()`: after the disk failed, saves what is in memory and accepts commits again. 42501, 53100, 58030.
fn resume_writes(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    let shared = operator(cx, "resume_writes")?;
    tokio::task::block_in_place(|| shared.instance.resume_writes())?;
    // The value of type void.
    Ok(Datum::text(""))
}

/// `dictdb.reset_circuit_breaker(name)`: lets calls through again. 42501, 22023, and what a resumed log may say.
fn reset_circuit_breaker(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let shared = operator(cx, "reset_circuit_breaker")?;
    if let Some(Datum::Text(name)) = args.first() {
        tokio::task::block_in_place(|| shared.instance.reset_circuit_breaker(name))?;
    }
    Ok(Datum::text(""))
}

/// The session that calls one of a superuser's functions. 42501.
fn operator<'a>(cx: &CallContext<'a>, function: &str) -> Result<&'a Shared> {
    let shared = &session(cx)?.shared;
    if shared.is_superuser() {
        return Ok(shared);
    }
    Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied for function {function}")))
}

/// 55000.
fn no_log() -> Error {
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "there is no write-ahead log")
        .detail("The server was started with --ephemeral.")
}

/// A moment as `timestamptz`.
fn moment(at: SystemTime) -> Datum {
    let micros = at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    Datum::Timestamp(i64::try_from(micros).unwrap_or(i64::MAX))
}

/// Segments archived, and failures, since the server started.
pub(super) fn archiver_counters(cx: &CallContext<'_>) -> Result<[i64; 2]> {
    let statistics = durability(cx)?.map(|durability| durability.archiver_statistics());
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    Ok(statistics.map_or([0, 0], |own| [count(own.archived), count(own.failed)]))
}

/// What `archive_command` has done since the last reset.
fn pg_stat_get_archiver(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    let instance = &session(cx)?.shared.instance;
    let mark = instance.statistics_resets.shared(ResetTarget::Archiver);
    let statistics = instance.durability.as_ref().map(|durability| durability.archiver_statistics());
    let since = match (&mark, &statistics) {
        (Some(mark), _) => Datum::Timestamp(mark.at),
        (None, Some(statistics)) => moment(statistics.since),
        (None, None) => Datum::Timestamp(instance.started),
    };
    let is_new = |event: &ArchiveEvent| mark.as_ref().is_none_or(|mark| micros_of(event.at) >= mark.at);
    let event = |event: Option<ArchiveEvent>| match event.filter(is_new) {
        Some(event) => [Datum::text(event.segment), moment(event.at)],
        None => [Datum::Null, Datum::Null],
    };
    let (last_archived, last_failed) = statistics.map_or((None, None), |own| (own.last_archived, own.last_failed));
    let ([archived_name, archived_at], [failed_name, failed_at]) = (event(last_archived), event(last_failed));
    let [archived, failed] = since_mark(archiver_counters(cx)?, mark.as_ref());
    let (archived, failed) = (Datum::Int8(archived), Datum::Int8(failed));
    let fields = vec![archived, archived_name, archived_at, failed, failed_name, failed_at, since];
    Ok(record("pg_stat_get_archiver", fields))
}

/// Counters less what they stood at when they were reset.
fn since_mark<const N: usize>(now: [i64; N], mark: Option<&Mark>) -> [i64; N] {
    let then = |index: usize| mark.and_then(|mark| mark.counters.get(index).copied()).unwrap_or(0);
    std::array::from_fn(|index| (now[index] - then(index)).max(0))
}

/// Records, bytes, full buffers, writes, syncs and the microseconds of those, since the server started.
pub(super) fn wal_counters(cx: &CallContext<'_>) -> Result<[i64; 6]> {
    let durability = durability(cx)?;
    let of = |get: fn(&Durability) -> &AtomicU64| durability.as_ref().map_or(0, |durability| read(get(durability)));
    Ok([
        of(|d| &d.log_statistics().records),
        of(|d| &d.log_statistics().bytes),
        of(|d| &d.log_statistics().buffer_full),
        of(|d| &d.log_statistics().writes),
        of(|d| &d.log_statistics().syncs),
        of(|d| &d.log_statistics().sync_micros),
    ])
}

fn pg_stat_get_wal(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    let instance = &session(cx)?.shared.instance;
    let mark = instance.statistics_resets.shared(ResetTarget::Wal);
    let [records, bytes, buffer_full, writes, syncs, sync_micros] = since_mark(wal_counters(cx)?, mark.as_ref());
    let fields = vec![
        Datum::Int8(records),
        Datum::Int8(0),
        Datum::Numeric(Numeric::from(bytes)),
        Datum::Int8(buffer_full),
        Datum::Int8(writes),
        Datum::Int8(syncs),
        Datum::Float8(0.0),
        Datum::Float8(sync_micros as f64 / 1000.0),
        Datum::Timestamp(mark.map_or(instance.started, |mark| mark.at)),
    ];
    Ok(record("pg_stat_get_wal", fields))
}

fn pg_control_system(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    let durability = durability(cx)?;
    let (identifier, modified) = match &durability {
        Some(durability) => {
            let identifier = Datum::Int8(durability.directory().identifier() as i64);
            (identifier, Datum::Timestamp(durability.last_checkpoint().micros))
        }
        None => (Datum::Null, Datum::Null),
    };
    let versions = [Datum::Int4(CONTROL_VERSION), Datum::Int4(CATALOG_VERSION)];
    Ok(record("pg_control_system", versions.into_iter().chain([identifier, modified]).collect()))
}

fn pg_control_checkpoint(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    let Some(durability) = durability(cx)? else { return Err(no_log()) };
    let shared = &session(cx)?.shared;
    let last = durability.last_checkpoint();
    let next_transaction = shared.instance.storage.next_transaction_id().0;
    let fields = vec![
        lsn(last.lsn),
        lsn(last.lsn),
        Datum::text(durability.log().file_name(last.lsn)),
        Datum::Int4(1),
        Datum::Int4(1),
        Datum::Bool(false),
        Datum::text(format!("{}:{}", next_transaction >> 32, next_transaction as u32)),
        Datum::Oid(shared.database.catalog.next_oid().0),
        Datum::Oid(1),
        Datum::Oid(0),
        Datum::Oid(3),
        Datum::Oid(shared.database.oid.0),
        Datum::Oid(0),
        Datum::Oid(1),
        Datum::Oid(shared.database.oid.0),
        Datum::Oid(0),
        Datum::Oid(0),
        Datum::Timestamp(last.micros),
    ];
    Ok(record("pg_control_checkpoint", fields))
}

fn pg_control_recovery(_: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    let none = || lsn(Lsn(0));
    Ok(record("pg_control_recovery", vec![none(), Datum::Int4(0), none(), none(), Datum::Bool(false)]))
}

fn pg_control_init(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    let segment = durability(cx)?.map_or(0, |durability| durability.log().segment_bytes() as i32);
    let numbers = [8, BLOCK_BYTES, 131_072, BLOCK_BYTES, segment, 64, 32, 1996, 2048].map(Datum::Int4);
    let fields = numbers.into_iter().chain([Datum::Bool(true), Datum::Int4(0)]).collect();
    Ok(record("pg_control_init", fields))
}
