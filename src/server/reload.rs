//! SIGHUP: the configuration is read again.

use std::sync::Arc;

use dictdb_session::Instance;
use tokio::signal::unix::{SignalKind, signal};

/// Reads the configuration again at every SIGHUP.
pub(crate) async fn on_hangup(instance: Arc<Instance>) {
    let mut hangups = match signal(SignalKind::hangup()) {
        Ok(hangups) => hangups,
        Err(error) => return tracing::error!("could not take over SIGHUP: {error}"),
    };
    while hangups.recv().await.is_some() {
        tracing::info!("received SIGHUP, reading the configuration again");
        instance.reload();
    }
}
