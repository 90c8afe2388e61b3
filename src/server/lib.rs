//! The server: sockets in, sessions behind them, configuration and signals around them.
//!
//! Layer 8. Knows PostgreSQL's messages and TLS; knows storage and plans only through `dictdb_session`.
//!
//! ```text
//!   main ─ configuration/ ─ command line, environment, file → settings; check/ and health for `dictdb check`, `dictdb health`
//!     └─ early ─ 57P03 while the data directory is read
//!     └─ init/ ─ scripts of the first start
//!     └─ listener ──accept──► connection/ ── startup    SSLRequest, GSSENCRequest, CancelRequest, start-up packet
//!     └─ shutdown ─signals─►      │          authentication  trust, password, SCRAM
//!                                 │          messages   reads frames, calls the session
//!                                 └──────── answers    the session's Client: encodes into the output buffer
//! ```
//!
//! # Why not pgwire's own loop
//! SCRAM, the stream over TLS and the messages of start-up, errors and COPY are pgwire's. Its loop flushes the socket after
//! every message, which costs more than twice the processor time of a prepared SELECT, carries bytes sent in clear over into
//! the TLS session, and trusts lengths inside messages; its messages own what they hold, which costs a dozen allocations per
//! statement. So frames are cut and read in place here ([`connection`]), what every statement answers is written straight
//! into the output buffer, and that is flushed when the client waits for it.
//!
//! # Where to look
//! A client cannot connect: `connection/startup.rs`, `connection/authentication.rs`. A driver is confused:
//! `connection/messages.rs` beside a transcript of PostgreSQL's. A value looks wrong: `dictdb_types`, not here.

mod check;
mod configuration;
mod connection;
mod early;
mod health;
mod init;
mod listener;
mod logging;
mod memory;
mod password;
mod reload;
mod shutdown;

use std::process::ExitCode;
use std::sync::Arc;

use dictdb_http::{Http, Lifecycle};
use dictdb_session::{Instance, STACK_BYTES};
use tokio::runtime::{Builder, Handle};

use configuration::{Arguments, Configuration, Task};
use connection::Server;
use early::Early;
use init::Init;

/// A wrong configuration, or a port that is taken.
const FAILURE: u8 = 1;
/// A wrong command line; also clap's own code.
const USAGE: u8 = 2;

/// Runs the command line.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are no errors; clap prints them to the right stream.
            let code = if error.use_stderr() { USAGE } else { 0 };
            return if error.print().is_ok() { ExitCode::from(code) } else { ExitCode::from(FAILURE) };
        }
    };
    let configuration = Configuration::load(&arguments);
    let done = match arguments.task {
        Task::Serve => configuration.and_then(|configuration| serve(configuration, arguments)),
        Task::Check => in_place(check::run(configuration)),
        Task::Health => configuration.and_then(|configuration| health::run(&configuration)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("dictdb: {message}");
            ExitCode::from(FAILURE)
        }
    }
}

/// Runs what needs no threads of its own.
fn in_place(work: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("could not start: {error}"))?.block_on(work)
}

/// Runs the server until a signal stops it.
fn serve(configuration: Configuration, arguments: Arguments) -> Result<(), String> {
    logging::start(&configuration.settings)?;
    let failed = |error| format!("could not start threads: {error}");
    // Connections run without tokio's timers, which would read the clock several times per statement; what they need to
    // be reminded of is `dictdb_session::deadlines`'. What has time to spare runs apart from them.
    let workers = Builder::new_multi_thread()
        .enable_io()
        .thread_name("dictdb")
        .thread_stack_size(STACK_BYTES)
        .build()
        .map_err(failed)?;
    let control = Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(failed)?;
    let lifecycle = Arc::<Lifecycle>::default();
    let http = control.block_on(start_http(&configuration, &lifecycle))?;
    let served = control.block_on(run(configuration, arguments, &lifecycle, workers.handle()));
    // To the last moment it says how things stand.
    http.into_iter().for_each(Http::stop);
    served
}

/// The HTTP side begins before the data directory is read: that may take a while, and somebody may want to know.
async fn start_http(configuration: &Configuration, lifecycle: &Arc<Lifecycle>) -> Result<Option<Http>, String> {
    let Some(http) = &configuration.http else { return Ok(None) };
    let listeners = match dictdb_http::bind(&http.address).await {
        Ok(listeners) => listeners,
        Err(error) if http.is_default => {
            tracing::warn!("{error}; going on without the HTTP interface");
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let started = Http::start(listeners, http.options.clone(), lifecycle.clone());
    started.map(Some).map_err(|error| format!("could not start the HTTP interface: {error}"))
}

async fn run(
    mut configuration: Configuration,
    arguments: Arguments,
    lifecycle: &Lifecycle,
    workers: &Handle,
) -> Result<(), String> {
    let tls = configuration.tls()?;
    let listeners = listener::bind(&configuration).await?;
    let budget = configuration.max_memory_bytes.unwrap_or_else(memory::default_budget);
    if configuration.max_memory_bytes.is_none() {
        configuration.settings.set_computed("max_memory", &(budget >> 20).to_string()).map_err(text)?;
    }
    let directory = configuration.data_directory.as_deref();
    let early = Early::start(&listeners, configuration.tls()?).map_err(|error| format!("could not listen: {error}"))?;
    // Reading a data directory keeps this thread busy; the others answer meanwhile.
    let progress = lifecycle.recovery().clone();
    let instance = Instance::watched(configuration.settings, &configuration.database, budget, directory, progress);
    let instance = Arc::new(instance.map_err(text)?);
    drop(early);
    instance.set_configuration_reader(move || configuration::reread(&arguments));
    instance.on_reload(logging::apply);
    tokio::spawn(reload::on_hangup(instance.clone()));
    configuration.access.create_role(&instance).map_err(text)?;
    instance.ensure_own_tables(&configuration.database).await.map_err(text)?;
    instance.autostart_backups();
    instance.start_expiry();
    let init = configuration.init_directory.filter(|_| instance.is_new()).map(|directory| Init {
        directory,
        user: configuration.user,
        database: configuration.database.into(),
        port: configuration.port,
    });
    let server = Arc::new(Server::new(instance, configuration.access, tls));
    let shutdown = listener::run(listeners, server.clone(), workers, lifecycle, init).await?;
    shutdown.finish(&server.instance).map_err(text)
}

fn text(error: dictdb_types::Error) -> String {
    error.message().to_owned()
}
