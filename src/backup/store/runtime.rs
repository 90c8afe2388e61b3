//! The runtime of object stores, on a thread of its own: it has a timer, which those of connections have not.

use std::future::Future;
use std::sync::OnceLock;
use std::sync::mpsc::sync_channel;

use dictdb_types::{Error, Result, SqlState};
use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor};

static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();

fn runtime() -> Result<&'static Runtime> {
    let made = RUNTIME.get_or_init(|| {
        let builder = Builder::new_multi_thread().worker_threads(1).thread_name("dictdb-store").enable_all().build();
        builder.inspect_err(|error| tracing::error!("could not start the runtime of object stores: {error}")).ok()
    });
    let missing = || Error::new(SqlState::INSUFFICIENT_RESOURCES, "there is no runtime for object stores");
    made.as_ref().ok_or_else(missing)
}

/// What becomes of a future; the caller waits. 53000 when there can be no runtime.
pub(super) fn wait<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Result<T> {
    let (done, result) = sync_channel(1);
    runtime()?.spawn(async move {
        // Nobody waits any more when this fails.
        let _ = done.send(future.await);
    });
    let wait = || result.recv().map_err(|_| Error::internal("a request to an object store panicked"));
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(wait),
        _ => wait(),
    }
}
