//! The manager: takes backups of all databases when it is time, counts what fails, and tells who wants to know.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use dictdb_durability::{Breaker, DatabaseView, Pass};
use dictdb_types::stack::deep_thread;
use dictdb_types::{Error, Oid, Result, SqlState};
use parking_lot::{Condvar, Mutex};

use crate::failure;
use crate::folder::Folder;
use crate::host::{Host, Settings};
use crate::jobs::Jobs;
use crate::moment::now_micros;
use crate::pace::Pace;
use crate::progress::{Progress, Work};
use crate::retention;
use crate::series::{Series, Source, Taken, Wish};
use crate::write::Written;

/// Which backup is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Everything.
    Full,
    /// What has changed.
    Delta,
    /// By the settings.
    Now,
    /// By the settings, unless the last one is too young.
    Notify,
}

/// What became of a request.
#[derive(Clone, Debug)]
pub enum Done {
    /// A file.
    File(Written),
    /// Nothing: nothing has changed since the last one.
    Nothing,
    /// Nothing: the last one is too young.
    TooSoon,
}

/// How the backups of a database stand.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Failures since the last success.
    pub consecutive_failures: u32,
    /// Deltas since the last full backup.
    pub deltas_since_full: u32,
    /// When the last one was complete, in microseconds since 1970.
    pub last_success: Option<i64>,
    /// The last file.
    pub last_file: Option<String>,
    /// What the last failure was.
    pub last_error: Option<String>,
    /// Whether one is being taken.
    pub is_running: bool,
}

#[derive(Default)]
struct Database {
    series: Mutex<Series>,
    status: Mutex<Status>,
    /// The content hash of the file whose state it was restored to, or brought to by deltas.
    position: Mutex<Option<String>>,
}

/// The periodic thread.
struct Clock {
    thread: JoinHandle<()>,
    stop: Arc<AtomicBool>,
    next: Arc<Mutex<i64>>,
}

/// Backups of a server.
pub struct Manager {
    databases: Mutex<BTreeMap<Oid, Arc<Database>>>,
    clock: Mutex<Option<Clock>>,
    bell: Arc<(Mutex<()>, Condvar)>,
    is_closed: AtomicBool,
    /// Guards `backup_dir`: while it is open backups fail at once.
    pub breaker: Breaker,
    /// What runs in the background.
    pub jobs: Jobs,
}

impl Default for Manager {
    fn default() -> Self {
        Manager {
            databases: Mutex::default(),
            clock: Mutex::default(),
            bell: Arc::default(),
            is_closed: AtomicBool::default(),
            breaker: Breaker::new("backup"),
            jobs: Jobs::default(),
        }
    }
}

impl Manager {
    fn database(&self, oid: Oid) -> Arc<Database> {
        self.databases.lock().entry(oid).or_default().clone()
    }

    /// How the backups of a database stand.
    pub fn status(&self, database: Oid) -> Status {
        self.database(database).status.lock().clone()
    }

    /// Failures since the last success, of the database that has most.
    pub fn consecutive_failures(&self) -> u32 {
        self.databases.lock().values().map(|database| database.status.lock().consecutive_failures).max().unwrap_or(0)
    }

    /// When the periodic manager acts next; `None` when it does not run.
    pub fn next_due(&self) -> Option<i64> {
        self.clock.lock().as_ref().map(|clock| *clock.next.lock())
    }

    /// The database has become another: the next backup is full.
    pub fn forget(&self, database: Oid) {
        self.database(database).series.lock().forget();
        self.database(database).status.lock().deltas_since_full = 0;
    }

    /// The content hash of the file that a database was last restored from or brought up to.
    pub fn position(&self, database: Oid) -> Option<String> {
        self.database(database).position.lock().clone()
    }

    /// Remembers it.
    pub fn set_position(&self, database: Oid, content_hash: Option<String>) {
        *self.database(database).position.lock() = content_hash;
    }

    /// Takes a backup of a database; one at a time. A failure is counted and told of, and does not end anything.
    pub fn take(
        &self,
        host: &dyn Host,
        (oid, name): (Oid, &Arc<str>),
        request: Request,
        settings: &Settings,
        work: &Work<'_>,
    ) -> Result<Done> {
        let database = self.database(oid);
        let mut series = database.series.lock();
        if request == Request::Notify && is_young(&database.status.lock(), settings.min_interval) {
            return Ok(Done::TooSoon);
        }
        let pass = self.admit(&settings.folder)?;
        let is_delta = request == Request::Delta || request != Request::Full && settings.incremental;
        let wish = if is_delta { Wish::Delta { max_deltas: settings.max_deltas } } else { Wish::Full };
        database.status.lock().is_running = true;
        let taken = take(host, oid, &mut series, wish, settings, work);
        let mut status = database.status.lock();
        status.is_running = false;
        status.deltas_since_full = series.deltas_since_full();
        match taken {
            Ok(taken) => {
                pass.succeeded();
                status.consecutive_failures = 0;
                drop(status);
                Ok(self.succeeded(&database, taken, name, settings))
            }
            Err(error) if error.code() == SqlState::QUERY_CANCELED => Err(error),
            Err(error) => {
                pass.failed(error.message());
                status.consecutive_failures += 1;
                status.last_error = Some(error.message().to_owned());
                let failures = status.consecutive_failures;
                drop(status);
                failure::report(host, name, &error, failures, &settings.failure_command);
                Err(error)
            }
        }
    }

    /// Asks the breaker. An open one is tried before its time when the folder can be written to again, so that whoever has mended it
    /// need not wait. 58030.
    fn admit(&self, folder: &Folder) -> Result<Pass<'_>> {
        self.breaker.admit().or_else(|_| {
            if folder.is_writable() {
                self.breaker.try_again();
            }
            self.breaker.admit().map_err(|wait| suspended(&self.breaker, wait))
        })
    }

    fn succeeded(&self, database: &Database, taken: Taken, name: &Arc<str>, settings: &Settings) -> Done {
        let Taken::File(written) = taken else { return Done::Nothing };
        {
            let mut status = database.status.lock();
            status.last_success = Some(now_micros());
            status.last_file = Some(written.name.to_string());
        }
        tracing::info!(
            database = &**name,
            bytes = written.bytes,
            records = written.records,
            "{} backup saved to {}",
            written.name.kind.name(),
            written.name
        );
        if written.name.kind == crate::Kind::Full
            && let Err(error) = retention::apply(settings, name)
        {
            tracing::warn!("could not remove old backups: {}", error.message());
        }
        Done::File(written)
    }

    /// Begins to take backups every `backup_interval`. Returns whether it did not run before.
    pub fn start(self: &Arc<Self>, host: &Arc<dyn Host>) -> Result<bool> {
        let mut clock = self.clock.lock();
        if clock.is_some() {
            return Ok(false);
        }
        let stop = Arc::new(AtomicBool::new(false));
        let next = Arc::new(Mutex::new(due(&host.settings())));
        let (own, host, stopped, due) = (Arc::downgrade(self), Arc::downgrade(host), stop.clone(), next.clone());
        let bell = self.bell.clone();
        let thread = deep_thread("dictdb-backup");
        let thread = thread.spawn(move || run(&own, &host, &bell, &stopped, &due));
        let thread = thread.map_err(|error| {
            Error::new(SqlState::INSUFFICIENT_RESOURCES, format!("could not start the backup manager: {error}"))
        })?;
        *clock = Some(Clock { thread, stop, next });
        tracing::info!("backup manager started");
        Ok(true)
    }

    /// Ends the periodic backups, after the one that runs. Returns whether they ran.
    pub fn stop(&self) -> bool {
        let Some(clock) = self.clock.lock().take() else { return false };
        clock.stop.store(true, Ordering::SeqCst);
        drop(self.bell.0.lock());
        self.bell.1.notify_all();
        if clock.thread.thread().id() != std::thread::current().id() && clock.thread.join().is_err() {
            tracing::error!("the backup manager panicked");
        }
        tracing::info!("backup manager stopped");
        true
    }

    /// The server ends: jobs are cancelled, and a last backup is taken of what has changed if `last` says so.
    pub fn close(&self, host: &dyn Host, last: bool) {
        if self.is_closed.swap(true, Ordering::SeqCst) {
            return;
        }
        self.stop();
        self.jobs.all().iter().for_each(|job| job.cancel());
        if last {
            self.take_all(host);
        }
    }

    fn take_all(&self, host: &dyn Host) {
        self.take_those(host, |_| true);
    }

    fn take_those(&self, host: &dyn Host, is_wanted: impl Fn(&Status) -> bool) {
        let settings = host.settings();
        for (oid, name) in host.databases() {
            if !is_wanted(&self.status(oid)) {
                continue;
            }
            let statements = || host.statements();
            let work = Work { progress: &Progress::default(), check: &|| Ok(()), pace: Pace::beside(&statements) };
            // A failure has been counted and told of.
            let _ = self.take(host, (oid, &name), Request::Now, &settings, &work);
        }
    }
}

fn suspended(breaker: &Breaker, wait: Duration) -> Error {
    let last = breaker.status().last_error.unwrap_or_default();
    Error::new(SqlState::IO_ERROR, "backups are suspended: circuit breaker \"backup\" is open")
        .detail(format!("The last failure was: {last}."))
        .hint(format!(
            "The next trial is in {} seconds; SELECT dictdb.reset_circuit_breaker('backup') allows one at once.",
            wait.as_secs().max(1)
        ))
}

fn take(
    host: &dyn Host,
    oid: Oid,
    series: &mut Series,
    wish: Wish,
    settings: &Settings,
    work: &Work<'_>,
) -> Result<Taken> {
    let missing = || Error::new(SqlState::UNDEFINED_DATABASE, format!("database {oid} does not exist"));
    // Looked at twice: under the commit lock there is no way to fail.
    let known = host.present(oid).ok_or_else(missing)?;
    let (oid, name, attributes) = (known.oid, known.name.clone(), known.attributes);
    let present = || {
        host.present(oid).unwrap_or_else(|| DatabaseView {
            oid,
            name: name.clone(),
            attributes,
            catalog: known.catalog.clone(),
            next_oid: known.next_oid,
            analyzed: Vec::new(),
        })
    };
    let (storage, durability) = (host.storage(), host.durability());
    let Settings { folder, format, .. } = settings;
    let source = Source { storage, durability, present: &present, folder, format: *format };
    series.take(&source, wish, work)
}

fn is_young(status: &Status, min_interval: Duration) -> bool {
    let age = status.last_success.map(|last| now_micros() - last);
    age.is_some_and(|age| age < i64::try_from(min_interval.as_micros()).unwrap_or(i64::MAX))
}

fn due(settings: &Settings) -> i64 {
    now_micros() + i64::try_from(settings.interval.as_micros()).unwrap_or(i64::MAX / 4)
}

/// When what failed is tried again, after so many failures in a row: sooner than the next backup is due, but less and less often.
fn pause_after(failures: u32, interval: Duration) -> Duration {
    const FIRST: Duration = Duration::from_secs(5);
    FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(interval)
}

fn run(
    manager: &Weak<Manager>,
    host: &Weak<dyn Host>,
    bell: &(Mutex<()>, Condvar),
    stop: &AtomicBool,
    next: &Mutex<i64>,
) {
    /// A changed interval is noticed so often.
    const LOOK: Duration = Duration::from_millis(500);
    let mut begun = Instant::now();
    let mut tried = begun;
    loop {
        {
            let mut guard = bell.0.lock();
            if !stop.load(Ordering::SeqCst) {
                bell.1.wait_for(&mut guard, LOOK);
            }
        }
        let (Some(manager), Some(host)) = (manager.upgrade(), host.upgrade()) else { return };
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let settings = host.settings();
        let left = settings.interval.saturating_sub(begun.elapsed());
        let failures = manager.consecutive_failures();
        let pause = pause_after(failures, settings.interval).saturating_sub(tried.elapsed());
        let left = if failures > 0 { left.min(pause) } else { left };
        *next.lock() = now_micros() + i64::try_from(left.as_micros()).unwrap_or(i64::MAX / 4);
        if !left.is_zero() {
            continue;
        }
        tried = Instant::now();
        if begun.elapsed() >= settings.interval {
            begun = tried;
            *next.lock() = due(&settings);
            manager.take_all(&*host);
        } else {
            manager.take_those(&*host, |status| status.consecutive_failures > 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_as_far_as_the_interval() {
        let pauses = (1..=8).map(|failures| pause_after(failures, Duration::from_secs(300)).as_secs());
        assert_eq!(pauses.collect::<Vec<_>>(), [5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(pause_after(1, Duration::from_secs(1)), Duration::from_secs(1));
        assert_eq!(pause_after(u32::MAX, Duration::MAX), Duration::from_secs(5 << 16));
    }
}
