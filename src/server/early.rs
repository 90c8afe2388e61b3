//! Who comes while the data directory is read hears that the system is starting up (57P03), as from PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use dictdb_types::{Error, Severity, SqlState};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::configuration::Tls;
use crate::connection;

/// How long a client may take to say what it wants.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Clients that are answered at once; more wait.
const MAX_CLIENTS: usize = 100;

/// Answers clients until it is dropped; the sockets themselves stay open.
pub(crate) struct Early {
    _tasks: JoinSet<()>,
}

impl Early {
    /// Begins to answer.
    pub(crate) fn start(listeners: &[TcpListener], tls: Option<Tls>) -> std::io::Result<Early> {
        let tls = Arc::new(tls);
        let mut tasks = JoinSet::new();
        for listener in listeners {
            // A second handle of the socket, whose first one goes to the workers later.
            let socket = socket2::SockRef::from(listener).try_clone()?;
            let listener = TcpListener::from_std(socket.into())?;
            tasks.spawn(answer(listener, tls.clone()));
        }
        Ok(Early { _tasks: tasks })
    }
}

async fn answer(listener: TcpListener, tls: Arc<Option<Tls>>) {
    let mut clients = JoinSet::new();
    loop {
        while clients.len() >= MAX_CLIENTS {
            clients.join_next().await;
        }
        let Ok((socket, _)) = listener.accept().await else { continue };
        let tls = tls.clone();
        clients.spawn(async move {
            let message = "the database system is starting up";
            let error = Error::with_severity(Severity::Fatal, SqlState::CANNOT_CONNECT_NOW, message);
            // A client that breaks off needs no answer.
            let _ = tokio::time::timeout(TIMEOUT, connection::turn_away(socket, tls.as_ref().as_ref(), &error)).await;
        });
    }
}
