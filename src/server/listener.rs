//! Listening sockets and the tasks behind them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dictdb_http::Lifecycle;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::runtime::Handle;

use crate::configuration::Configuration;
use crate::connection::{self, Server};
use crate::init::Init;
use crate::shutdown::{Shutdown, Signals};

/// Pause after an accept that failed, for instance because there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Opens the listening sockets. Addresses beyond this machine need authentication.
pub(crate) async fn bind(configuration: &Configuration) -> Result<Vec<TcpListener>, String> {
    let mut listeners = Vec::new();
    for host in &configuration.hosts {
        let host = if host == "*" { "0.0.0.0" } else { host };
        let addresses = lookup_host((host, configuration.port))
            .await
            .map_err(|error| format!("could not translate host name \"{host}\" to address: {error}"))?;
        for address in addresses {
            if !address.ip().is_loopback() && !configuration.access.is_required() {
                if !configuration.access.is_explicit {
                    return Err(format!(
                        "refusing to listen on {address} without authentication; \
                         set a password (DICTDB_PASSWORD, --password-file) or listen on 127.0.0.1"
                    ));
                }
                tracing::warn!("everybody who reaches {address} is a superuser: auth_method is trust");
            }
            listeners.push(
                TcpListener::bind(address).await.map_err(|error| format!("could not listen on {address}: {error}"))?,
            );
        }
    }
    if listeners.is_empty() {
        return Err("no address to listen on".to_owned());
    }
    Ok(listeners)
}

/// Accepts connections, which the workers serve, until a signal arrives and all sessions have ended. What is left to be done.
pub(crate) async fn run(
    listeners: Vec<TcpListener>,
    server: Arc<Server>,
    workers: &Handle,
    lifecycle: &Lifecycle,
    init: Option<Init>,
) -> Result<Shutdown, String> {
    let mut signals = Signals::new().map_err(|error| format!("could not take over signals: {error}"))?;
    if init.is_some() {
        server.keep_to_itself();
    }
    let mut tasks = Vec::new();
    for listener in listeners {
        if let Ok(address) = listener.local_addr() {
            tracing::info!("listening on {address}");
        }
        let listener = move_to(workers, listener).map_err(|error| format!("could not listen: {error}"))?;
        tasks.push(workers.spawn(accept(listener, server.clone())));
    }
    let ready = async {
        if let Some(init) = init {
            init.run(&server.instance).await?;
        }
        server.open();
        lifecycle.open(server.instance.clone());
        tracing::info!("database system is ready to accept connections");
        Ok::<(), String>(())
    };
    let signal = tokio::select! {
        signal = signals.wait() => signal,
        ready = ready => {
            ready?;
            signals.wait().await
        }
    };
    let shutdown = Shutdown::begin(signal, &server.instance, lifecycle, &mut signals).await;
    tasks.iter().for_each(|task| task.abort());
    Ok(shutdown)
}

/// Has a socket watched by another runtime.
fn move_to(workers: &Handle, listener: TcpListener) -> std::io::Result<TcpListener> {
    let listener = listener.into_std()?;
    let _context = workers.enter();
    TcpListener::from_std(listener)
}

async fn accept(listener: TcpListener, server: Arc<Server>) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                if let Some(place) = server.waiting_room() {
                    prepare(&stream, &server);
                    tokio::spawn(connection::serve(stream, address, server.clone(), place));
                }
            }
            Err(error) => {
                tracing::warn!("could not accept a connection: {error}");
                // Connections run without timers.
                let _ = tokio::task::spawn_blocking(|| std::thread::sleep(ACCEPT_PAUSE)).await;
            }
        }
    }
}

/// Small answers leave at once, and a peer that vanished is noticed.
fn prepare(stream: &TcpStream, server: &Server) {
    let settings = server.instance.settings.read().clone();
    let seconds = |name: &str, default: u64| match settings.value(name) {
        dictdb_session::settings::Value::Int(0) => default,
        dictdb_session::settings::Value::Int(value) => u64::try_from(value).unwrap_or(default),
        _ => default,
    };
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(seconds("tcp_keepalives_idle", 300)))
        .with_interval(Duration::from_secs(seconds("tcp_keepalives_interval", 30)))
        .with_retries(u32::try_from(seconds("tcp_keepalives_count", 5)).unwrap_or(5));
    let socket = SockRef::from(stream);
    if let Err(error) = stream.set_nodelay(true).and_then(|()| socket.set_tcp_keepalive(&keepalive)) {
        tracing::debug!(peer = ?peer(stream), "could not set socket options: {error}");
    }
}

fn peer(stream: &TcpStream) -> Option<SocketAddr> {
    stream.peer_addr().ok()
}
