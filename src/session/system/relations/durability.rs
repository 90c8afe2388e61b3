//! `dictdb.circuit_breakers` and `dictdb.recovery`.

use dictdb_types::Datum;

use super::super::output::{Output, row};
use super::Source;

fn moment(micros: Option<i64>) -> Datum {
    micros.map_or(Datum::Null, Datum::Timestamp)
}

/// What may fail outside the server, and whether it is being asked.
pub fn circuit_breakers(source: &Source<'_>, out: &mut Output<'_>) {
    for breaker in source.env.shared.instance.circuit_breakers() {
        row!(out; breaker.name, breaker.state.name(), breaker.failures as i64, moment(breaker.last_failure_micros),
            breaker.last_error, moment(breaker.next_trial_micros));
    }
}

/// What the last start found in the data directory; no row when everything is in memory only.
pub fn recovery(source: &Source<'_>, out: &mut Output<'_>) {
    let Some(recovery) = source.env.shared.instance.recovery() else { return };
    row!(out; recovery.phase.name(), recovery.progress(), moment(recovery.started_micros), moment(recovery.finished_micros),
        recovery.checkpoint_lsn.map_or(Datum::Null, |lsn| Datum::Int8(lsn.0 as i64)), recovery.checkpoint_bytes as i64,
        Datum::Int8(recovery.end_lsn.0 as i64), recovery.log_bytes as i64, recovery.records as i64, recovery.was_clean);
}
