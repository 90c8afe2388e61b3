//! One entry of the log: an event with its fields, before it is written.

use std::fmt::Debug;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// How a moment is written.
pub(super) const TIME: &str = "%Y-%m-%d %H:%M:%S %Z";
/// With milliseconds.
pub(super) const TIME_MILLIS: &str = "%Y-%m-%d %H:%M:%S.%3f %Z";

/// How entries are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Form {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// `log_error_verbosity` of who says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Verbosity {
    Terse,
    #[default]
    Default,
    Verbose,
}

/// An entry.
#[derive(Debug)]
pub(super) struct Entry {
    /// When, in `log_timezone`.
    pub time: Zoned,
    /// Its number in this process.
    pub number: u64,
    /// The word for its weight: PostgreSQL's for what a session says, the level's for what the server says.
    pub severity: String,
    /// Whether a session says it.
    pub of_session: bool,
    /// What.
    pub message: String,
    /// How much of it stands in lines for people.
    pub verbosity: Verbosity,
    /// Everything else, by PostgreSQL's jsonlog keys and others.
    pub fields: Map<String, Value>,
}

impl Entry {
    pub(super) fn new(event: &Event<'_>, number: u64, zone: &TimeZone) -> Entry {
        let mut reader = Reader::default();
        event.record(&mut reader);
        if let Some(start) = reader.fields.get_mut("session_start")
            && let Some(time) = start.as_i64().and_then(|seconds| Timestamp::from_second(seconds).ok())
        {
            *start = time.to_zoned(zone.clone()).strftime(TIME).to_string().into();
        }
        let verbosity = match reader.fields.remove("verbosity").as_ref().and_then(Value::as_str) {
            Some("terse") => Verbosity::Terse,
            Some("verbose") => Verbosity::Verbose,
            _ => Verbosity::Default,
        };
        let own = reader.fields.remove("error_severity");
        let severity = match own.as_ref().and_then(Value::as_str) {
            Some(severity) => severity.to_owned(),
            None => word(*event.metadata().level()).to_owned(),
        };
        Entry {
            time: Timestamp::now().to_zoned(zone.clone()),
            number,
            severity,
            of_session: own.is_some(),
            message: reader.message,
            verbosity,
            fields: reader.fields,
        }
    }

    /// A field as text, if it is there.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.fields.get(name).map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::TRACE => "TRACE",
        Level::DEBUG => "DEBUG",
        Level::INFO => "INFO",
        Level::WARN => "WARNING",
        Level::ERROR => "ERROR",
    }
}

/// Reads an event's fields.
#[derive(Default)]
struct Reader {
    message: String,
    fields: Map<String, Value>,
}

impl Reader {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.fields.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Reader {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "message" => self.message = text,
            _ => self.put(field, text),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            _ => self.put(field, value),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }
}

#[cfg(test)]
impl Entry {
    /// An entry of a session, for tests of forms.
    pub(super) fn example() -> Entry {
        let fields = [
            ("pid", Value::from(101)),
            ("user", "anna".into()),
            ("dbname", "shop".into()),
            ("remote_host", "127.0.0.1".into()),
            ("state_code", "42P01".into()),
            ("vxid", "101/3".into()),
            ("txid", Value::from(742)),
            ("hint", "Look\nelsewhere.".into()),
            ("statement", "select * from nothing".into()),
        ];
        Entry {
            time: Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC),
            number: 7,
            severity: "ERROR".to_owned(),
            of_session: true,
            message: "relation \"nothing\" does not exist".to_owned(),
            verbosity: Verbosity::Default,
            fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        }
    }
}
