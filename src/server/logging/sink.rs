//! Where entries go: what is logged, how, and to which places.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use jiff::tz::TimeZone;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::Context;

use super::entry::{Entry, Form};
use super::file::{Limits, LogFile};
use super::{json, text};

/// How to log.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// What is logged.
    pub level: LevelFilter,
    /// Whether it goes to standard error.
    pub console: bool,
    /// Lines or objects.
    pub form: Form,
    /// `log_line_prefix`.
    pub prefix: Arc<str>,
    /// `log_timezone`.
    pub zone: TimeZone,
    /// One DEBUG entry in so many is logged.
    pub sample_debug_every: u64,
    /// Where else it goes.
    pub file: Option<Limits>,
}

/// The log's end.
pub(super) struct Sink {
    plan: RwLock<Plan>,
    /// The plan's level, to be read without the lock.
    level: AtomicU8,
    file: Mutex<Option<LogFile>>,
    entries: AtomicU64,
    debugs: AtomicU64,
}

impl Default for Sink {
    fn default() -> Self {
        let plan = Plan {
            level: LevelFilter::INFO,
            console: true,
            form: Form::Text,
            prefix: "".into(),
            zone: TimeZone::UTC,
            sample_debug_every: 1,
            file: None,
        };
        Sink {
            level: AtomicU8::new(rank(plan.level)),
            plan: RwLock::new(plan),
            file: Mutex::default(),
            entries: AtomicU64::new(0),
            debugs: AtomicU64::new(0),
        }
    }
}

/// Levels as numbers, the least severe highest.
fn rank(level: LevelFilter) -> u8 {
    match level {
        LevelFilter::OFF => 0,
        LevelFilter::ERROR => 1,
        LevelFilter::WARN => 2,
        LevelFilter::INFO => 3,
        LevelFilter::DEBUG => 4,
        _ => 5,
    }
}

impl Sink {
    /// Logs as planned from now on. When the file cannot be opened, the rest of the plan holds.
    pub(super) fn apply(&self, plan: Plan) -> Result<(), String> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = file.as_ref().map(LogFile::limits) == plan.file.as_ref();
        let opened = match &plan.file {
            _ if is_same => Ok(()),
            None => {
                *file = None;
                Ok(())
            }
            Some(limits) => LogFile::open(limits.clone())
                .map(|opened| *file = Some(opened))
                .map_err(|error| format!("could not open log file \"{}\": {error}", limits.path.display())),
        };
        drop(file);
        self.level.store(rank(plan.level), Ordering::Relaxed);
        *self.plan.write().unwrap_or_else(PoisonError::into_inner) = plan;
        // Events remember whether they are wanted.
        tracing::callsite::rebuild_interest_cache();
        opened
    }

    fn is_wanted(&self, level: Level) -> bool {
        rank(LevelFilter::from_level(level)) <= self.level.load(Ordering::Relaxed)
    }

    fn log(&self, event: &Event<'_>) {
        let plan = self.plan.read().unwrap_or_else(PoisonError::into_inner).clone();
        if *event.metadata().level() == Level::DEBUG {
            let number = self.debugs.fetch_add(1, Ordering::Relaxed);
            if !number.is_multiple_of(plan.sample_debug_every) {
                return;
            }
        }
        let entry = Entry::new(event, self.entries.fetch_add(1, Ordering::Relaxed) + 1, &plan.zone);
        let written = match plan.form {
            Form::Text => text::write(&entry, &plan.prefix),
            Form::Json => json::write(&entry),
        };
        let mut console = plan.console;
        if plan.file.is_some()
            && let Some(file) = &mut *self.file.lock().unwrap_or_else(PoisonError::into_inner)
        {
            // What the disk does not take is not lost.
            console |= file.write(&written).is_err();
        }
        if console {
            // Nobody is left to be told that nobody reads it.
            let _ = std::io::stderr().lock().write_all(written.as_bytes());
        }
    }
}

/// The sink as `tracing` knows it.
pub(super) struct Layer(pub Arc<Sink>);

impl<S: Subscriber> tracing_subscriber::Layer<S> for Layer {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.0.is_wanted(*metadata.level()) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.0.is_wanted(*metadata.level())
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.0.log(event);
    }
}
