//! The server: sockets in, sessions behind them, configuration and signals around them.
//!
//! Layer 6. Knows PostgreSQL's messages and TLS; knows storage and plans only through `dictdb_session`.
//!
//! ```text
//!   main ─ configuration/ ─ command line, environment, file → settings
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

mod configuration;
mod connection;
mod listener;
mod logging;
mod memory;
mod reload;
mod shutdown;

use std::process::ExitCode;
use std::sync::Arc;

use dictdb_session::Instance;
use tokio::runtime::Builder;

use configuration::{Arguments, Configuration};
use connection::Server;

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
    match Configuration::load(&arguments).and_then(|configuration| serve(configuration, arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("dictdb: {message}");
            ExitCode::from(FAILURE)
        }
    }
}

/// Runs the server until a signal stops it.
fn serve(configuration: Configuration, arguments: Arguments) -> Result<(), String> {
    logging::start(&configuration);
    let failed = |error| format!("could not start threads: {error}");
    // Connections run without tokio's timers, which would read the clock several times per statement; what they need to
    // be reminded of is `dictdb_session::deadlines`'. What has time to spare runs apart from them.
    let workers = Builder::new_multi_thread().enable_io().thread_name("dictdb").build().map_err(failed)?;
    let control = Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(failed)?;
    control.block_on(async {
        let tls = configuration.tls()?;
        let listeners = listener::bind(&configuration).await?;
        let budget = configuration.max_memory_bytes.unwrap_or_else(memory::default_budget);
        let directory = configuration.data_directory.as_deref();
        let instance = Instance::new(configuration.settings, &configuration.database, budget, directory);
        let instance = instance.map_err(text)?;
        let instance = Arc::new(instance);
        instance.set_configuration_reader(move || configuration::reread(&arguments));
        tokio::spawn(reload::on_hangup(instance.clone()));
        configuration.access.create_role(&instance).map_err(text)?;
        let server = Arc::new(Server::new(instance, configuration.access, tls));
        listener::run(listeners, server.clone(), workers.handle()).await;
        shutdown::close(&server.instance).map_err(text)
    })
}

fn text(error: dictdb_types::Error) -> String {
    error.message().to_owned()
}
