//! Functions about recovery, the history of commits and the collector of log files, as a server answers that is no standby,
//! keeps no commit timestamps and has no collector.

use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Datum, Error, Result, SqlState};

use super::arguments::text;

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_is_wal_replay_paused", |_, _| Err(no_recovery())),
    ("pg_get_wal_replay_pause_state", |_, _| Err(no_recovery())),
    ("pg_wal_replay_pause", |_, _| Err(no_recovery())),
    ("pg_wal_replay_resume", |_, _| Err(no_recovery())),
    ("pg_promote", |_, _| Err(no_recovery())),
    ("pg_last_xact_replay_timestamp", |_, _| Ok(Datum::Null)),
    ("pg_xact_commit_timestamp", |_, _| Err(no_commit_timestamps())),
    ("pg_xact_commit_timestamp_origin", |_, _| Err(no_commit_timestamps())),
    ("pg_last_committed_xact", |_, _| Err(no_commit_timestamps())),
    ("pg_current_logfile", |_, _| Ok(Datum::Null)),
    ("pg_current_logfile_1arg", pg_current_logfile),
];

/// 55000.
fn no_recovery() -> Error {
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "recovery is not in progress")
        .hint("Recovery control functions can only be executed during recovery.")
}

/// 55000: `track_commit_timestamp` has nothing to keep.
fn no_commit_timestamps() -> Error {
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "could not get commit timestamp data")
        .hint("Make sure the configuration parameter \"track_commit_timestamp\" is set.")
}

/// Formats that a collector could write.
const LOG_FORMATS: &[&str] = &["stderr", "csvlog", "jsonlog"];

/// 22023 for a format there is not.
fn pg_current_logfile(_: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let format = text(args, 0);
    if args.first().is_none_or(Datum::is_null) || LOG_FORMATS.contains(&format) {
        return Ok(Datum::Null);
    }
    Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("log format \"{format}\" is not supported"))
        .hint("The supported log formats are \"stderr\", \"csvlog\", and \"jsonlog\"."))
}
