//! The log: one line per event on standard error.

use std::io::IsTerminal;

use dictdb_session::settings::Value;
use tracing::level_filters::LevelFilter;

use crate::configuration::Configuration;

/// Starts the log at the configured level.
pub(crate) fn start(configuration: &Configuration) {
    let level = match configuration.settings.value("log_level") {
        Value::Word("trace") => LevelFilter::TRACE,
        Value::Word("debug") => LevelFilter::DEBUG,
        Value::Word("warning") => LevelFilter::WARN,
        Value::Word("error") => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_max_level(level)
        .with_target(false);
    // A second server in one process (tests) logs to the first one's log.
    let _ = subscriber.try_init();
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
}
