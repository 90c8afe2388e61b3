//! Where the server stands between its first and its last moment, for who asks from outside.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use dictdb_session::{Instance, RecoveryProgress};

use crate::sockets::Census;

/// Where the server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The data directory is being read.
    Starting,
    /// Sessions may begin.
    Ready,
    /// No sessions begin any more; the ones that are there end.
    Draining,
}

/// Tells the phases, and holds the instance once there is one.
pub struct Lifecycle {
    begun: Instant,
    recovery: Arc<RecoveryProgress>,
    opened: OnceLock<(Arc<Instance>, Duration)>,
    draining: AtomicBool,
    census: Census,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Lifecycle {
            begun: Instant::now(),
            recovery: Arc::default(),
            opened: OnceLock::new(),
            draining: AtomicBool::new(false),
            census: Census::default(),
        }
    }
}

impl Lifecycle {
    /// Sessions may begin.
    pub fn open(&self, instance: Arc<Instance>) {
        // There is one instance in a server's life.
        let _ = self.opened.set((instance, self.begun.elapsed()));
    }

    /// The server is about to end.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// WebSockets that are open.
    pub fn websockets(&self) -> usize {
        self.census.active()
    }

    /// Ends all WebSockets: what was committed is told, then they are closed with code 1001. How many have not ended in time.
    pub async fn close_websockets(&self, limit: Duration) -> usize {
        self.census.close(limit).await
    }

    pub(crate) fn census(&self) -> &Census {
        &self.census
    }

    /// Where the server stands.
    pub fn phase(&self) -> Phase {
        match (self.draining.load(Ordering::Acquire), self.opened.get()) {
            (true, _) => Phase::Draining,
            (false, Some(_)) => Phase::Ready,
            (false, None) => Phase::Starting,
        }
    }

    /// How far reading the data directory is.
    pub fn recovery(&self) -> &Arc<RecoveryProgress> {
        &self.recovery
    }

    /// Time since the process began.
    pub fn uptime(&self) -> Duration {
        self.begun.elapsed()
    }

    /// How long the start has taken, or takes.
    pub fn start_duration(&self) -> Duration {
        self.opened.get().map_or_else(|| self.begun.elapsed(), |(_, duration)| *duration)
    }

    /// The instance, once the data directory has been read.
    pub fn instance(&self) -> Option<&Arc<Instance>> {
        self.opened.get().map(|(instance, _)| instance)
    }
}
