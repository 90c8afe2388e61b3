//! Stopping: no new sessions, a while for running statements, then the end.
//!
//! ```text
//!   first signal   new connections hear 57P03, idle sessions hear 57P01, running statements may finish
//!   30 s later, or second signal   running statements are cancelled and hear 57P01
//! ```

use std::time::Duration;

use dictdb_session::Instance;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{sleep, timeout};

/// How long running statements have after the first signal.
const DRAIN_LIMIT: Duration = Duration::from_secs(30);
/// How long cancelled sessions have to say good-bye.
const FAREWELL_LIMIT: Duration = Duration::from_secs(5);
/// How often the number of sessions is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The signals that stop a server.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes over SIGTERM and SIGINT.
    pub(crate) fn new() -> std::io::Result<Signals> {
        Ok(Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Returns when one of them arrives.
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Ends all sessions, as the picture says.
pub(crate) async fn end_sessions(instance: &Instance, signals: &mut Signals) {
    instance.backends.close();
    let all = || instance.backends.all();
    tracing::info!(sessions = instance.backends.count(), "shutting down: waiting for running statements");
    all().iter().for_each(|backend| backend.interrupts.drain());
    tokio::select! {
        () = until_empty(instance) => {}
        () = sleep(DRAIN_LIMIT) => tracing::warn!("statements still run after {} s", DRAIN_LIMIT.as_secs()),
        () = signals.wait() => tracing::info!("second signal: cancelling running statements"),
    }
    all().iter().for_each(|backend| backend.interrupts.shut_down());
    if timeout(FAREWELL_LIMIT, until_empty(instance)).await.is_err() {
        tracing::warn!(sessions = instance.backends.count(), "sessions did not end");
    }
}

/// The data directory last: everything that sessions did is written, and a checkpoint, so that the next start is quick.
pub(crate) fn close(instance: &Instance) -> dictdb_types::Result<()> {
    instance.shut_down()?;
    tracing::info!("database system is shut down");
    Ok(())
}

async fn until_empty(instance: &Instance) {
    while instance.backends.count() > 0 {
        sleep(POLL_INTERVAL).await;
    }
}
