//! One client connection: from the accepted socket to its end.
//!
//! ```text
//!   startup ─► authentication ─► messages ◄─► Session
//!      │                            │
//!      └────── stream: frames in, answers out ──────┘
//! ```

mod answers;
mod authentication;
mod frame;
mod message;
mod messages;
mod outlet;
mod report;
mod rows;
mod startup;
mod stream;
mod transcode;

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use dictdb_session::attention::Attention;
use dictdb_session::backends::{Backend, Identity, shutting_down};
use dictdb_session::log::Details;
use dictdb_session::settings::Value;
use dictdb_session::{Instance, Session};
use dictdb_types::{Error, Result, Severity, SqlState};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::configuration::{Access, Tls};
use authentication::Authenticator;
use startup::{Opening, Packet};
use stream::Stream;

/// Sockets that may be in start-up at once, besides those of sessions.
const MAX_STARTING: usize = 1000;

/// What every connection needs of the server.
pub(crate) struct Server {
    /// Sessions and databases.
    pub instance: Arc<Instance>,
    authenticator: Authenticator,
    tls: Option<Tls>,
    starting: Arc<Semaphore>,
    /// Connections of other machines are let in.
    open: AtomicBool,
    max_connections: usize,
    reserved_connections: usize,
    authentication_timeout: Duration,
}

impl Server {
    pub(crate) fn new(instance: Arc<Instance>, access: Access, tls: Option<Tls>) -> Server {
        let settings = instance.settings.read().clone();
        let int = |name: &str| match settings.value(name) {
            Value::Int(value) => usize::try_from(value).unwrap_or(0),
            _ => 0,
        };
        Server {
            authenticator: Authenticator::new(access, tls.as_ref()),
            starting: Arc::new(Semaphore::new(MAX_STARTING)),
            open: AtomicBool::new(true),
            max_connections: int("max_connections"),
            reserved_connections: int("superuser_reserved_connections"),
            authentication_timeout: Duration::from_secs(int("authentication_timeout") as u64),
            instance,
            tls,
        }
    }

    /// Lets only this machine in, while scripts of the first start run.
    pub(crate) fn keep_to_itself(&self) {
        self.open.store(false, Ordering::Release);
    }

    /// Lets everybody in.
    pub(crate) fn open(&self) {
        self.open.store(true, Ordering::Release);
    }

    /// 57P03 for who comes too early.
    fn check_open(&self, address: SocketAddr) -> Result<()> {
        if self.open.load(Ordering::Acquire) || address.ip().is_loopback() {
            return Ok(());
        }
        let message = "the database system is starting up";
        Err(Error::with_severity(Severity::Fatal, SqlState::CANNOT_CONNECT_NOW, message))
    }

    /// A place for a socket that has not said yet who it is; none when too many are waiting.
    pub(crate) fn waiting_room(&self) -> Option<OwnedSemaphorePermit> {
        self.starting.clone().try_acquire_owned().ok()
    }

    /// How many sessions a user may find before it: superusers find the reserved places too.
    fn limit_for(&self, user: &str) -> usize {
        let superuser = self.instance.role(user).is_some_and(|role| role.superuser);
        if superuser { self.max_connections } else { self.max_connections.saturating_sub(self.reserved_connections) }
    }
}

/// Tells a client, whoever it is, that it cannot have a session.
pub(crate) async fn turn_away(socket: TcpStream, tls: Option<&Tls>, error: &Error) -> std::io::Result<()> {
    if let Opening::Session { mut stream, .. } = startup::negotiate(socket, tls).await? {
        stream.report(error);
        stream.flush().await?;
        stream.close().await;
    }
    Ok(())
}

/// Serves a connection until it ends.
pub(crate) async fn serve(socket: TcpStream, address: SocketAddr, server: Arc<Server>, place: OwnedSemaphorePermit) {
    let opening = open_in_time(socket, address, &server).await;
    drop(place);
    match opening {
        Some(Ok(Some((stream, session)))) => messages::run(stream, session).await,
        Some(Ok(None)) => {}
        Some(Err(error)) => tracing::debug!(%address, "connection not opened: {error}"),
        None => tracing::info!(%address, "connection not opened: authentication_timeout"),
    }
}

/// Start-up within `authentication_timeout`; `None` after it.
async fn open_in_time(
    socket: TcpStream,
    address: SocketAddr,
    server: &Server,
) -> Option<std::io::Result<Option<(Stream, Session)>>> {
    let bell = Arc::<Attention>::default();
    let _deadline = server.instance.deadlines.ring(server.authentication_timeout, &bell);
    let mut opening = pin!(open(socket, address, server));
    poll_fn(|cx| match opening.as_mut().poll(cx) {
        Poll::Ready(opened) => Poll::Ready(Some(opened)),
        Poll::Pending => bell.poll(cx).map(|()| None),
    })
    .await
}

/// Start-up: a stream and a session, or nothing when that was all the client wanted.
async fn open(socket: TcpStream, address: SocketAddr, server: &Server) -> std::io::Result<Option<(Stream, Session)>> {
    if server.instance.settings.read().value("log_connections") == Value::Bool(true) {
        tracing::info!(
            remote_host = address.ip().to_string(),
            remote_port = address.port(),
            "connection received: host={} port={}",
            address.ip(),
            address.port()
        );
    }
    let Some((mut stream, packet)) = (match startup::negotiate(socket, server.tls.as_ref()).await? {
        Opening::Nothing => None,
        Opening::Cancel { pid, secret } => {
            server.instance.backends.cancel(pid, secret);
            None
        }
        Opening::Session { stream, packet } => Some((stream, packet)),
    }) else {
        return Ok(None);
    };
    match admit(&mut stream, packet, address, server).await {
        Ok(session) => Ok(Some((stream, session))),
        Err(error) => {
            stream.report(&error);
            stream.flush().await?;
            stream.close().await;
            Ok(None)
        }
    }
}

/// Checks who the client is and opens its session. Errors are fatal and still to be sent.
async fn admit(
    stream: &mut Stream,
    packet: std::result::Result<Packet, Error>,
    address: SocketAddr,
    server: &Server,
) -> Result<Session> {
    server.check_open(address)?;
    let packet = packet?;
    server.instance.closing.check(&packet.database)?;
    let identity = Identity {
        user: packet.user.as_str().into(),
        database: packet.database.as_str().into(),
        address: Some(address),
        server: stream.local_address(),
        encrypted: stream.is_encrypted(),
    };
    let backends = &server.instance.backends;
    let backend = backends.enter(identity, rand::random(), server.limit_for(&packet.user))?;
    let guard = LeaveUnlessKept { instance: &server.instance, pid: Some(backend.pid) };
    match begin(stream, packet, backend.clone(), server).await {
        Ok(session) => {
            guard.keep();
            Ok(session)
        }
        Err(error) => {
            // psql leaves when a password is asked for, asks its user, and comes again: no line for that, as in PostgreSQL.
            if error.code() != SqlState::CONNECTION_FAILURE {
                backend.log_error(&error, &Details::default());
            }
            Err(error)
        }
    }
}

/// Authenticates, and opens the session.
async fn begin(stream: &mut Stream, packet: Packet, backend: Arc<Backend>, server: &Server) -> Result<Session> {
    server.authenticator.authenticate(stream, &packet.user, &server.instance).await?;
    if backend.interrupts.is_draining() {
        return Err(shutting_down());
    }
    let session = Session::start(server.instance.clone(), backend, &packet.startup?)?;
    session.shared().set_herald(stream.herald());
    Ok(session)
}

/// Gives a session's place back when its start-up fails; later the session itself does.
struct LeaveUnlessKept<'a> {
    instance: &'a Instance,
    pid: Option<i32>,
}

impl LeaveUnlessKept<'_> {
    fn keep(mut self) {
        self.pid = None;
    }
}

impl Drop for LeaveUnlessKept<'_> {
    fn drop(&mut self) {
        if let Some(pid) = self.pid {
            self.instance.backends.leave(pid);
        }
    }
}
