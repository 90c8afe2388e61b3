//! `dictdb.backups`, `dictdb.backup_status` and `dictdb.jobs`.

use std::sync::atomic::Ordering;

use dictdb_backup::{Entry, Host, JobState};
use dictdb_types::Datum;

use super::super::output::{Output, row};
use super::Source;

/// The files in `backup_dir`, oldest first.
pub fn backups(source: &Source<'_>, out: &mut Output<'_>) {
    let shared = &source.env.shared;
    let settings = shared.settings.lock();
    let folder = crate::backup::settings_from(|name| settings.value(name), &shared.instance.backup_base()).folder;
    drop(settings);
    for (name, entry) in dictdb_backup::list(&folder).unwrap_or_default() {
        let (file, kind) = (name.to_string(), name.kind.name());
        match entry {
            Ok(Entry { bytes, head: Some(head), content_hash, .. }) => {
                row!(out; file, kind, head.database, Datum::Timestamp(head.taken_at), bytes as i64,
                    Datum::Int8(head.lsn as i64), head.parent.map(|parent| parent.file), head.number as i32,
                    content_hash, None::<String>);
            }
            Ok(Entry { bytes, .. }) => {
                row!(out; file, kind, None::<String>, Datum::Timestamp(name.micros), bytes as i64, Datum::Null,
                    None::<String>, 0i32, None::<String>, None::<String>);
            }
            Err(error) => {
                row!(out; file, kind, None::<String>, Datum::Timestamp(name.micros), Datum::Null, Datum::Null,
                    None::<String>, Datum::Null, None::<String>, error.message().to_owned());
            }
        }
    }
}

/// How the backups of each database stand.
pub fn backup_status(source: &Source<'_>, out: &mut Output<'_>) {
    let instance = &source.env.shared.instance;
    let manager = instance.backups();
    let next_due = manager.next_due();
    for (oid, name) in Host::databases(&**instance) {
        let status = manager.status(oid);
        row!(out; &name, status.consecutive_failures as i32, status.deltas_since_full as i32,
            status.last_success.map_or(Datum::Null, Datum::Timestamp), next_due.map_or(Datum::Null, Datum::Timestamp),
            status.is_running, next_due.is_some(), status.last_file, status.last_error);
    }
}

/// What runs and ran in the background.
pub fn jobs(source: &Source<'_>, out: &mut Output<'_>) {
    for job in source.env.shared.instance.backups().jobs.all() {
        let (state, finished) = job.state();
        let done = job.progress.rows.load(Ordering::Relaxed);
        let total = job.progress.total_rows.load(Ordering::Relaxed);
        let progress = match &state {
            JobState::Done(_) => 1.0,
            _ => (done as f64 / total.max(1) as f64).min(1.0),
        };
        let (word, result, error) = match state {
            JobState::Running => ("running", None, None),
            JobState::Done(result) => ("done", Some(result), None),
            JobState::Failed(error) => ("failed", None, Some(error)),
        };
        row!(out; job.id, job.command.clone(), &job.database, &job.role, word, Datum::Timestamp(job.started_at),
            finished.map_or(Datum::Null, Datum::Timestamp), done as i64, total as i64, progress, result, error);
    }
}
