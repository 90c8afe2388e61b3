//! What sessions write to the server's log: statements and how long they took, errors, warnings, their beginning and end.
//!
//! `log_statement`, `log_duration`, `log_min_duration_statement`, `log_min_duration_sample`, `log_statement_sample_rate`,
//! `log_transaction_sample_rate`, `log_min_messages`, `log_min_error_statement`, `log_connections` and `log_disconnections` decide as in
//! PostgreSQL. An entry has the fields of PostgreSQL's jsonlog, under its keys; how they look is the server's concern.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dictdb_parser::Statement;
use dictdb_types::{Datum, Error, Severity, Type, text};
use jiff::Timestamp;

use crate::Session;
use crate::backends::Backend;
use crate::prepared::Source;
use crate::settings::Settings;
use crate::shared::Shared;
use crate::statement::command_tag;

/// `log_statement`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Logged {
    /// No statements.
    #[default]
    None,
    /// Definitions.
    Ddl,
    /// What changes data, too.
    Mod,
    /// All.
    All,
}

/// `log_error_verbosity`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verbosity {
    /// The message alone.
    Terse,
    /// And what it says further.
    #[default]
    Default,
    /// And its SQLSTATE and where in the source it was made.
    Verbose,
}

/// What the settings say about logging.
#[derive(Clone, Debug, Default)]
pub struct LogWishes {
    statements: Logged,
    durations: bool,
    min_duration_millis: Option<u64>,
    /// `log_min_duration_sample`, and the share of such statements that is logged.
    min_sample_millis: Option<u64>,
    statement_rate: f64,
    /// The share of transactions whose statements are logged.
    transaction_rate: f64,
    /// `deadlock_timeout`, with `log_lock_waits`: after how long a wait for a lock is logged.
    pub(crate) waits_after: Option<Duration>,
    verbosity: Verbosity,
    min_messages: u8,
    min_error_statement: u8,
    max_parameter_bytes: Option<usize>,
}

impl LogWishes {
    pub(crate) fn of(settings: &Settings) -> LogWishes {
        LogWishes {
            statements: match settings.text("log_statement").as_str() {
                "ddl" => Logged::Ddl,
                "mod" => Logged::Mod,
                "all" => Logged::All,
                _ => Logged::None,
            },
            durations: settings.bool("log_duration"),
            min_duration_millis: u64::try_from(settings.int("log_min_duration_statement")).ok(),
            min_sample_millis: u64::try_from(settings.int("log_min_duration_sample")).ok(),
            statement_rate: settings.real("log_statement_sample_rate"),
            transaction_rate: settings.real("log_transaction_sample_rate"),
            waits_after: settings
                .bool("log_lock_waits")
                .then(|| Duration::from_millis(u64::try_from(settings.int("deadlock_timeout")).unwrap_or_default())),
            verbosity: match settings.text("log_error_verbosity").as_str() {
                "terse" => Verbosity::Terse,
                "verbose" => Verbosity::Verbose,
                _ => Verbosity::Default,
            },
            min_messages: rank(&settings.text("log_min_messages")),
            min_error_statement: rank(&settings.text("log_min_error_statement")),
            max_parameter_bytes: usize::try_from(settings.int("log_parameter_max_length")).ok(),
        }
    }

    /// Whether statements are looked at while they run.
    fn watches(&self) -> bool {
        self.statements != Logged::None
            || self.durations
            || self.min_duration_millis.is_some()
            || self.min_sample_millis.is_some()
            || self.transaction_rate > 0.0
    }
}

/// The order of the words in `log_min_messages`: LOG stands between ERROR and FATAL.
fn rank(word: &str) -> u8 {
    match word.to_ascii_lowercase().as_str() {
        "info" => 1,
        "notice" => 2,
        "warning" => 3,
        "error" => 4,
        "log" => 5,
        "fatal" => 6,
        "panic" => 7,
        _ => 0,
    }
}

/// What an entry says besides its message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Details<'a> {
    /// SQLSTATE.
    pub code: Option<&'a str>,
    /// Further sentences.
    pub detail: Option<&'a str>,
    /// What one may do about it.
    pub hint: Option<&'a str>,
    /// Where it happened.
    pub context: Option<&'a str>,
    /// The statement.
    pub statement: Option<&'a str>,
    /// Where in it.
    pub position: Option<u32>,
    /// The statement of a function.
    pub internal_query: Option<&'a str>,
    /// How much of it stands in lines for people.
    pub verbosity: Verbosity,
    /// Where in our source it was made: routine, file and line.
    pub source: Option<(Option<&'a str>, &'a str, u32)>,
    /// The transaction: its place among those of the session, and its id.
    pub transaction: Option<(&'a str, u64)>,
}

impl Backend {
    /// Writes an entry as this session.
    pub fn log(&self, severity: Severity, message: &str, details: &Details<'_>) {
        let host = self.identity.address.map(|address| address.ip().to_string());
        let port = self.identity.address.map(|address| u64::from(address.port()));
        let started = Timestamp::from_microsecond(self.started).unwrap_or_default().as_second();
        let session_id = format!("{started:x}.{:x}", self.pid);
        let application = self.activity.lock().application_name.clone();
        let verbosity = match details.verbosity {
            Verbosity::Terse => Some("terse"),
            Verbosity::Default => None,
            Verbosity::Verbose => Some("verbose"),
        };
        let source = details.source.filter(|_| details.verbosity == Verbosity::Verbose);
        macro_rules! emit {
            ($level:ident) => {
                tracing::$level!(
                    error_severity = severity.as_str(),
                    pid = self.pid,
                    user = &*self.identity.user,
                    dbname = &*self.identity.database,
                    remote_host = host.as_deref(),
                    remote_port = port,
                    session_id = &*session_id,
                    session_start = started,
                    application_name = &*application,
                    backend_type = "client backend",
                    state_code = details.code,
                    detail = details.detail,
                    hint = details.hint,
                    context = details.context,
                    statement = details.statement,
                    cursor_position = details.position,
                    internal_query = details.internal_query,
                    vxid = details.transaction.map(|(place, _)| place),
                    txid = details.transaction.map(|(_, id)| id),
                    verbosity,
                    func_name = source.and_then(|(routine, ..)| routine),
                    file_name = source.map(|(_, file, _)| file),
                    file_line_num = source.map(|(.., line)| line),
                    "{message}"
                )
            };
        }
        match severity {
            Severity::Debug => emit!(debug),
            Severity::Log | Severity::Info | Severity::Notice => emit!(info),
            Severity::Warning => emit!(warn),
            Severity::Error | Severity::Fatal | Severity::Panic => emit!(error),
        }
    }

    /// Writes an error, with everything it says, and the rest of the details.
    pub fn log_error(&self, error: &Error, details: &Details<'_>) {
        let fields = error.fields();
        let code = fields.code;
        let file = fields.source.file().rsplit('/').next().unwrap_or_default();
        let details = Details {
            code: Some(code.as_str()),
            detail: fields.detail.as_deref(),
            hint: fields.hint.as_deref(),
            context: fields.context.as_deref(),
            position: fields.position,
            internal_query: fields.internal.as_ref().map(|(_, text)| text.as_str()),
            source: Some((fields.routine, file, fields.source.line())),
            ..*details
        };
        self.log(fields.severity, &fields.message, &details);
    }

    /// `log_connections`: the session has begun.
    pub fn log_connection(&self) {
        let identity = &self.identity;
        let mut message = format!("connection authorized: user={} database={}", identity.user, identity.database);
        let application = self.activity.lock().application_name.clone();
        if !application.is_empty() {
            message.push_str(&format!(" application_name={application}"));
        }
        if identity.encrypted {
            message.push_str(" SSL enabled");
        }
        self.log(Severity::Log, &message, &Details::default());
    }

    /// `log_disconnections`: the session has ended.
    fn log_disconnection(&self) {
        let millis = (crate::clock::now_micros() - self.started).max(0) / 1000;
        let (seconds, minutes, hours) = (millis / 1000 % 60, millis / 60_000 % 60, millis / 3_600_000);
        let mut message = format!(
            "disconnection: session time: {hours}:{minutes:02}:{seconds:02}.{:03} user={} database={}",
            millis % 1000,
            self.identity.user,
            self.identity.database
        );
        if let Some(address) = self.identity.address {
            message.push_str(&format!(" host={} port={}", address.ip(), address.port()));
        }
        self.log(Severity::Log, &message, &Details::default());
    }
}

impl Shared {
    /// Writes an entry as this session, with the transaction it is in.
    pub(crate) fn log(&self, severity: Severity, message: &str, details: &Details<'_>) {
        let (place, id) = self.transaction();
        self.backend.log(severity, message, &Details { transaction: Some((&place, id)), ..*details });
    }

    /// Likewise an error.
    pub(crate) fn log_error(&self, error: &Error, details: &Details<'_>) {
        let (place, id) = self.transaction();
        self.backend.log_error(error, &Details { transaction: Some((&place, id)), ..*details });
    }

    /// The place of its transaction, and the id: 0 is none.
    fn transaction(&self) -> (String, u64) {
        let (place, id) = self.instance.storage.transaction_of(self.backend.pid.cast_unsigned()).unwrap_or_default();
        (place, id.map_or(0, |id| id.0))
    }
}

/// A share of what comes, evenly: of ten at a rate of 0.3 three, and not in a row.
#[derive(Debug)]
struct Share(f64);

impl Share {
    fn takes(&mut self, rate: f64) -> bool {
        self.0 += rate;
        let is_due = self.0 >= 1.0;
        if is_due {
            self.0 -= 1.0;
        }
        is_due
    }
}

/// What of a session is logged because it is part of a sample.
#[derive(Debug)]
pub(crate) struct Sampling {
    statements: Share,
    transactions: Share,
    /// When the transaction began, and whether it is.
    transaction: (i64, bool),
}

impl Sampling {
    /// That of the session with this process id. Sessions begin at different places, so that those with one statement get their share, too.
    pub(crate) fn of(pid: i32) -> Sampling {
        let start = (f64::from(pid) * std::f64::consts::GOLDEN_RATIO).fract();
        Sampling { statements: Share(start), transactions: Share(start), transaction: (0, false) }
    }

    /// A message has run in the transaction that began then.
    fn note_transaction(&mut self, began: i64, rate: f64) {
        if self.transaction.0 != began {
            self.transaction = (began, self.transactions.takes(rate));
        }
    }
}

/// A message that is looked at while its statements run.
#[derive(Debug)]
pub(crate) struct Watch {
    begun: Instant,
    /// Its first statement.
    text: Option<Watched>,
    /// The text is in the log already.
    is_logged: bool,
}

/// What is logged of a statement.
#[derive(Debug)]
struct Watched {
    /// How it runs: `statement`, `execute <unnamed>`.
    head: String,
    text: Arc<str>,
    parameters: Option<String>,
}

impl Session {
    /// A message that runs statements begins.
    #[inline]
    pub(crate) fn begin_watch(&mut self) {
        if self.derived().log.watches() {
            self.watch = Some(Watch { begun: Instant::now(), text: None, is_logged: false });
        }
    }

    /// A statement of the message begins: `log_statement` may want it. `head` says how it runs.
    #[inline]
    pub(crate) fn watch_statement(
        &mut self,
        source: &Arc<Source>,
        head: impl FnOnce() -> String,
        text: &Arc<str>,
        params: &Arc<[Datum]>,
    ) {
        if let Some(watch) = self.watch.take() {
            self.watch = Some(self.looked_at(watch, source, head(), (text, params)));
        }
    }

    /// Likewise for a portal.
    pub(crate) fn watch_execute(&mut self, source: &Arc<Source>, portal: &str, text: &Arc<str>, params: &Arc<[Datum]>) {
        let name = self.prepared.name_of(source);
        let head = || {
            let name = if name.is_empty() { "<unnamed>" } else { &name };
            let separator = if portal.is_empty() { "" } else { "/" };
            format!("execute {name}{separator}{portal}")
        };
        self.watch_statement(source, head, text, params);
    }

    fn looked_at(
        &mut self,
        mut watch: Watch,
        source: &Source,
        head: String,
        (text, params): (&Arc<str>, &Arc<[Datum]>),
    ) -> Watch {
        if watch.text.is_none() {
            let parameters = if params.is_empty() { None } else { self.parameters(source, params) };
            watch.text = Some(Watched { head, text: text.clone(), parameters });
        }
        let wanted = self.derived().log.statements;
        if let Some(watched) = &watch.text
            && wanted != Logged::None
            && kind(&source.parsed.statement) <= wanted
            && !watch.is_logged
        {
            watch.is_logged = true;
            let verbosity = self.derived().log.verbosity;
            let details = Details { detail: watched.parameters.as_deref(), verbosity, ..Details::default() };
            self.shared.log(Severity::Log, &format!("{}: {}", watched.head, watched.text), &details);
        }
        watch
    }

    /// The message has been answered: `log_duration` and `log_min_duration_statement` may want it if that went well.
    #[inline]
    pub(crate) fn end_watch(&mut self, is_well: bool) {
        if let Some(watch) = self.watch.take().filter(|_| is_well) {
            self.log_duration(&watch);
        }
    }

    fn log_duration(&mut self, watch: &Watch) {
        let elapsed = watch.begun.elapsed();
        let wishes = self.derived().log.clone();
        let takes = |limit: Option<u64>| limit.is_some_and(|limit| elapsed.as_millis() >= u128::from(limit));
        self.sampling.note_transaction(self.block.started, wishes.transaction_rate);
        let is_sampled = takes(wishes.min_sample_millis) && self.sampling.statements.takes(wishes.statement_rate);
        let is_shown = takes(wishes.min_duration_millis) || is_sampled || self.sampling.transaction.1;
        if !is_shown && !wishes.durations {
            return;
        }
        let mut message = format!("duration: {:.3} ms", elapsed.as_secs_f64() * 1000.0);
        let mut details = Details { verbosity: wishes.verbosity, ..Details::default() };
        if let Some(watched) = watch.text.as_ref().filter(|_| is_shown && !watch.is_logged) {
            message.push_str(&format!("  {}: {}", watched.head, watched.text));
            details.detail = watched.parameters.as_deref();
        }
        self.shared.log(Severity::Log, &message, &details);
    }

    /// `parameters: $1 = '1', $2 = NULL`, the way PostgreSQL logs them.
    fn parameters(&mut self, source: &Source, params: &Arc<[Datum]>) -> Option<String> {
        let limit = self.derived().log.max_parameter_bytes;
        let types = self.plan(source).ok()?.params.to_vec();
        let env = self.env();
        let mut out = String::from("parameters: ");
        for (index, (value, ty)) in params.iter().zip(&types).enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            out.push_str(&format!("{separator}${} = ", index + 1));
            out.push_str(&shown(value, *ty, limit, &env));
        }
        Some(out)
    }

    /// Writes an error that answers a statement, if the settings want it.
    pub(crate) fn log_error(&mut self, error: &Error) {
        let wishes = &self.derived().log;
        let weight = rank(error.fields().severity.as_str());
        if weight < wishes.min_messages {
            return;
        }
        let (with_statement, verbosity) = (weight >= wishes.min_error_statement, wishes.verbosity);
        let statement = with_statement.then(|| self.shared.backend.activity.lock().query.clone());
        let statement = statement.as_deref().filter(|text| !text.is_empty());
        self.shared.log_error(error, &Details { statement, verbosity, ..Details::default() });
    }

    /// The session ends.
    pub(crate) fn log_end(&self) {
        if self.shared.settings.lock().bool("log_disconnections") && self.shared.backend.identity.address.is_some() {
            self.shared.backend.log_disconnection();
        }
    }
}

/// How much of a notice or warning is for the log, if it is at all.
pub(crate) fn wants(wishes: &LogWishes, severity: Severity) -> Option<Verbosity> {
    let is_wanted = severity >= Severity::Notice && rank(severity.as_str()) >= wishes.min_messages;
    is_wanted.then_some(wishes.verbosity)
}

/// A value between quotes, cut to the limit.
fn shown(value: &Datum, ty: Type, limit: Option<usize>, env: &crate::StatementEnv) -> String {
    let mut out = String::new();
    if value.is_null() || text::output(value, ty.oid, env, &mut out).is_err() {
        return "NULL".to_owned();
    }
    match limit.filter(|limit| out.len() > *limit) {
        Some(limit) => format!("'{}...'", out[..out.floor_char_boundary(limit)].replace('\'', "''")),
        None => format!("'{}'", out.replace('\'', "''")),
    }
}

/// What kind of statement it is for `log_statement`: PostgreSQL's `GetCommandLogLevel`.
fn kind(statement: &Statement) -> Logged {
    let tag = command_tag(statement);
    let first = tag.split(' ').next().unwrap_or_default();
    match first {
        "CREATE" | "ALTER" | "DROP" | "COMMENT" | "GRANT" | "REVOKE" | "REFRESH" | "CLUSTER" | "IMPORT" => Logged::Ddl,
        "SELECT" if tag != "SELECT" => Logged::Ddl,
        "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "TRUNCATE" | "COPY" => Logged::Mod,
        _ => Logged::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_outweighs_error() {
        assert!(rank("LOG") > rank("error") && rank("LOG") < rank("FATAL"));
        assert!(rank("debug1") < rank("INFO"));
    }

    #[test]
    fn a_share_is_taken_evenly() {
        let mut share = Share(0.0);
        let taken: Vec<bool> = (0..8).map(|_| share.takes(0.25)).collect();
        assert_eq!(taken, [false, false, false, true, false, false, false, true]);
        assert!((0..5).all(|_| share.takes(1.0)) && (0..5).all(|_| !share.takes(0.0)));
        let first = (100..200).filter(|pid| Sampling::of(*pid).statements.takes(0.1)).count();
        assert!((8..=12).contains(&first), "{first}");
    }

    #[test]
    fn definitions_are_logged_before_changes() {
        let kind_of = |sql: &str| {
            let parsed = dictdb_parser::parse(sql, &dictdb_parser::Limits::default()).unwrap();
            kind(&parsed[0].statement)
        };
        assert_eq!(kind_of("create table t (n int)"), Logged::Ddl);
        assert_eq!(kind_of("insert into t values (1)"), Logged::Mod);
        assert_eq!(kind_of("truncate t"), Logged::Mod);
        assert_eq!(kind_of("select 1"), Logged::All);
        assert!(Logged::Ddl < Logged::Mod && Logged::Mod < Logged::All);
    }
}
