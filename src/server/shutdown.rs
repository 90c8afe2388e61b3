//! Stopping: no new sessions, a while for running statements, then the end, step by step and logged so.
//!
//! ```text
//!   first signal   HTTP says 503, new connections hear 57P03, idle sessions hear 57P01, running statements may finish
//!   30 s later, or second signal   running statements are cancelled and hear 57P01
//!   then           WebSockets are told the rest and closed, sessions are closed, a last backup is taken,
//!                  the log is written and a checkpoint with it
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use dictdb_http::Lifecycle;
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

    /// Returns when one of them arrives: its name.
    pub(crate) async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// A shutdown under way.
pub(crate) struct Shutdown {
    begun: Instant,
}

impl Shutdown {
    /// Ends all sessions, as the picture says.
    pub(crate) async fn begin(
        signal: &str,
        instance: &Arc<Instance>,
        lifecycle: &Lifecycle,
        signals: &mut Signals,
    ) -> Shutdown {
        let shutdown = Shutdown { begun: Instant::now() };
        tracing::info!("Shutdown signal received ({signal})");
        lifecycle.drain();
        instance.backends.close();
        tracing::info!("Rejecting new requests (503)");
        instance.backends.all().iter().for_each(|backend| backend.interrupts.drain());
        tokio::select! {
            () = until_done(instance) => tracing::info!("All requests completed"),
            () = sleep(DRAIN_LIMIT) => {
                tracing::warn!("{} still after {} s", requests(running(instance)), DRAIN_LIMIT.as_secs());
            }
            signal = signals.wait() => tracing::info!("Second signal received ({signal}): cancelling active requests"),
        }
        tracing::info!("Closing WebSocket connections ({} active)", lifecycle.websockets());
        let open = lifecycle.close_websockets(FAREWELL_LIMIT).await;
        if open > 0 {
            tracing::warn!("{open} WebSocket connections did not end");
        }
        tracing::info!("Closing database pool");
        instance.backends.all().iter().for_each(|backend| backend.interrupts.shut_down());
        if timeout(FAREWELL_LIMIT, until_empty(instance)).await.is_err() {
            tracing::warn!("{} sessions did not end", instance.backends.count());
        }
        tracing::info!("Closing result cache");
        instance.close_result_cache();
        shutdown
    }

    /// The data directory last: everything that sessions did is written, and a checkpoint, so that the next start is quick.
    pub(crate) fn finish(self, instance: &Instance) -> dictdb_types::Result<()> {
        tracing::info!("Stopping backup manager");
        instance.close_backups();
        tracing::info!("Closing write-ahead log");
        instance.shut_down()?;
        tracing::info!("database system is shut down");
        tracing::info!("Graceful shutdown completed in {:.1}s", self.begun.elapsed().as_secs_f64());
        Ok(())
    }
}

/// Statements that run.
fn running(instance: &Instance) -> usize {
    instance.backends.all().iter().filter(|backend| backend.interrupts.is_running()).count()
}

fn requests(count: usize) -> String {
    format!("{count} active request{}", if count == 1 { "" } else { "s" })
}

/// Waits until no statement runs and all sessions have ended, and says how many there are.
async fn until_done(instance: &Instance) {
    let mut left = running(instance);
    if left > 0 {
        tracing::info!("Waiting for {} to complete...", requests(left));
    }
    while instance.backends.count() > 0 {
        sleep(POLL_INTERVAL).await;
        let now = running(instance);
        if now < left && now > 0 {
            tracing::info!("{} remaining...", requests(now));
        }
        left = left.min(now);
    }
}

async fn until_empty(instance: &Instance) {
    while instance.backends.count() > 0 {
        sleep(POLL_INTERVAL).await;
    }
}
