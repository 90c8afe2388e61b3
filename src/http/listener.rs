//! Listening sockets of the HTTP side, and its threads.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, lookup_host};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

use crate::metrics::UPKEEP_INTERVAL;
use crate::{Lifecycle, Options, Peer, State, router};

/// Threads: one may run a statement while the other answers.
const THREADS: usize = 2;
/// Connections at once; more wait to be accepted.
const MAX_CONNECTIONS: usize = 512;
/// How long the head of a request may take to arrive.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// Bytes of a request's head.
const MAX_HEADER_BYTES: usize = 64 << 10;
/// Pause after an accept that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long open requests have when the server has ended.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// The running HTTP side.
pub struct Http {
    runtime: Runtime,
    stop: watch::Sender<bool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

/// Opens the listening sockets of an address such as `127.0.0.1:8000` or `*:8000`.
pub async fn bind(address: &str) -> Result<Vec<std::net::TcpListener>, String> {
    let address = match address.strip_prefix('*') {
        Some(port) => format!("0.0.0.0{port}"),
        None => address.to_owned(),
    };
    let resolved = lookup_host(&address).await.map_err(|error| format!("http: \"{address}\": {error}"))?;
    let mut listeners = Vec::new();
    for address in resolved {
        let refuse = |error| format!("could not listen for HTTP on {address}: {error}");
        let listener = TcpListener::bind(address).await.map_err(refuse)?;
        listeners.push(listener.into_std().map_err(refuse)?);
    }
    Ok(listeners)
}

impl Http {
    /// Serves the sockets on threads of its own.
    pub fn start(
        listeners: Vec<std::net::TcpListener>,
        options: Options,
        lifecycle: Arc<Lifecycle>,
    ) -> std::io::Result<Http> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .enable_all()
            .thread_name("dictdb-http")
            .thread_stack_size(dictdb_session::STACK_BYTES)
            .build()?;
        let state = Arc::new(State::new(options, lifecycle));
        let (stop, stopped) = watch::channel(false);
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let mut tasks = Vec::new();
        for listener in listeners {
            let _context = runtime.enter();
            let listener = TcpListener::from_std(listener)?;
            if let Ok(address) = listener.local_addr() {
                tracing::info!("listening for HTTP on {address}");
            }
            tasks.push(runtime.spawn(accept(listener, state.clone(), places.clone(), stopped.clone())));
        }
        runtime.spawn(keep_up(state));
        Ok(Http { runtime, stop, tasks })
    }

    /// Lets open requests end, and stops.
    pub fn stop(self) {
        let _ = self.stop.send(true);
        self.runtime.block_on(async {
            for task in self.tasks {
                let _ = tokio::time::timeout(CLOSE_LIMIT, task).await;
            }
        });
        self.runtime.shutdown_background();
    }
}

/// Recorded durations are sorted into their buckets even when nobody asks for them.
async fn keep_up(state: Arc<State>) {
    loop {
        tokio::time::sleep(UPKEEP_INTERVAL).await;
        state.meter.keep_up();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>, places: Arc<Semaphore>, mut stopped: watch::Receiver<bool>) {
    let router = router::make(state);
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => break,
        };
        let Ok((stream, address)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let router = router.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(address));
            router.clone().oneshot(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(MAX_HEADER_BYTES)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut stopped = stopped.clone();
        tokio::spawn(async move {
            let mut connection = pin!(connection);
            // A client that breaks off is no event.
            tokio::select! {
                _ = connection.as_mut() => {}
                _ = stopped.changed() => {
                    connection.as_mut().graceful_shutdown();
                    let _ = connection.await;
                }
            }
            drop(place);
        });
    }
    drop(listener);
    // Whoever has ended has given its place back.
    let all = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(CLOSE_LIMIT, places.acquire_many(all)).await;
}
