//! `log_lock_waits`: waits for locks that take longer than `deadlock_timeout`, logged as PostgreSQL does.

use std::sync::Arc;

use dictdb_storage::{LongWait, WaitLog, WaitStage};
use dictdb_types::Severity;

use crate::backends::Backends;
use crate::log::Details;

/// Logs waits for locks, as the sessions that wait.
pub(crate) struct LockWaits(pub Arc<Backends>);

impl WaitLog for LockWaits {
    fn note(&self, wait: &LongWait) {
        let Some(backend) = self.0.find(wait.pid.cast_signed()) else { return };
        let stage = match wait.stage {
            WaitStage::Waiting => "still waiting for",
            WaitStage::Acquired => "acquired",
        };
        let (pid, lock, waited) = (wait.pid, &wait.lock, wait.waited.as_secs_f64() * 1000.0);
        let message = format!("process {pid} {stage} {lock} after {waited:.3} ms");
        let listed = |pids: &[u32]| pids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        let detail = (wait.stage == WaitStage::Waiting).then(|| {
            let head = if wait.holders.len() == 1 { "Process" } else { "Processes" };
            format!("{head} holding the lock: {}. Wait queue: {}.", listed(&wait.holders), listed(&wait.queue))
        });
        let statement = backend.activity.lock().query.clone();
        let details = Details {
            detail: detail.as_deref(),
            statement: Some(&statement),
            transaction: Some((&wait.transaction.0, wait.transaction.1.map_or(0, |id| id.0))),
            ..Details::default()
        };
        backend.log(Severity::Log, &message, &details);
    }
}
