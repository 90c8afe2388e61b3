//! The log: events of `tracing`, on standard error and in a file, as text or as JSON.
//!
//! ```text
//!   tracing event ─► level, one DEBUG in N ─► Entry ─┬─ text    PostgreSQL's lines, log_line_prefix in front
//!                                                    └─ json    PostgreSQL's jsonlog keys, one object a line
//!                                  standard error, file (rotated by size and age)
//! ```
//! What sessions log (statements, durations, errors, connections) has the fields that `dictdb_session::log` names; they become
//! the prefix and the lines behind the message, or keys of the object. Every setting can be changed while the server runs.

mod entry;
mod file;
mod json;
mod prefix;
mod sink;
mod text;

use std::sync::{Arc, OnceLock};

use dictdb_session::settings::{ServerSettings, Value};
use dictdb_types::datetime::zone;
use jiff::tz::TimeZone;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

use entry::Form;
use sink::{Plan, Sink};

static SINK: OnceLock<Arc<Sink>> = OnceLock::new();

/// Starts the log. A second server in one process (tests) logs to the first one's log.
pub(crate) fn start(settings: &ServerSettings) -> Result<(), String> {
    let plan = plan(settings);
    let sink = SINK.get_or_init(Arc::default);
    let applied = sink.apply(plan);
    let _ = tracing::subscriber::set_global_default(Registry::default().with(sink::Layer(sink.clone())));
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    applied
}

/// Goes on as the settings say now. What was wrong with the file is logged where it was logged before.
pub(crate) fn apply(settings: &ServerSettings) {
    if let Some(sink) = SINK.get()
        && let Err(error) = sink.apply(plan(settings))
    {
        tracing::warn!("{error}");
    }
}

fn plan(settings: &ServerSettings) -> Plan {
    let is_on = |name: &str| settings.value(name) == Value::Bool(true);
    let number = |name: &str| match settings.value(name) {
        Value::Int(number) => u64::try_from(number).unwrap_or(0),
        _ => 0,
    };
    let level = match settings.value("log_level") {
        Value::Word("trace") => LevelFilter::TRACE,
        Value::Word("debug") => LevelFilter::DEBUG,
        Value::Word("warning") => LevelFilter::WARN,
        Value::Word("error") => LevelFilter::ERROR,
        _ => LevelFilter::INFO,
    };
    let path = settings.value("log_file").plain();
    Plan {
        level,
        console: is_on("log_console"),
        form: if is_on("log_json") { Form::Json } else { Form::Text },
        prefix: settings.value("log_line_prefix").plain().into(),
        zone: zone::require(&settings.value("log_timezone").plain()).unwrap_or(TimeZone::UTC),
        sample_debug_every: number("log_sample_debug_every").max(1),
        file: (!path.is_empty()).then(|| file::Limits {
            path: path.into(),
            max_bytes: number("log_rotation_size") << 10,
            max_age_minutes: number("log_rotation_age"),
            kept_files: usize::try_from(number("log_rotation_keep")).unwrap_or(usize::MAX),
        }),
    }
}
