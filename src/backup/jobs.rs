//! What runs in the background, and what has run: the rows of `dictdb.jobs`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use dictdb_types::{Error, Result, SqlState};
use parking_lot::Mutex;

use crate::moment::now_micros;
use crate::progress::Progress;

/// Jobs that are remembered after their end.
const REMEMBERED: usize = 1000;

/// How a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It works.
    Running,
    /// It is done; what came of it.
    Done(String),
    /// It failed; why.
    Failed(String),
}

/// A job.
pub struct Job {
    /// Its number.
    pub id: i64,
    /// The statement that began it.
    pub command: String,
    /// The database it is of.
    pub database: Arc<str>,
    /// The role that began it.
    pub role: Arc<str>,
    /// When, in microseconds since 1970.
    pub started_at: i64,
    /// How far it is.
    pub progress: Progress,
    state: Mutex<(JobState, Option<i64>)>,
    is_cancelled: AtomicBool,
}

impl Job {
    /// How it stands, and when it ended.
    pub fn state(&self) -> (JobState, Option<i64>) {
        self.state.lock().clone()
    }

    /// Ends it.
    pub fn finish(&self, result: Result<String>) {
        let state = match result {
            Ok(found) => JobState::Done(found),
            Err(error) => JobState::Failed(error.message().to_owned()),
        };
        *self.state.lock() = (state, Some(now_micros()));
    }

    /// Has it end before it is done.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// 57014 when it is to end.
    pub fn check(&self) -> Result<()> {
        match self.is_cancelled.load(Ordering::Relaxed) {
            true => Err(Error::new(SqlState::QUERY_CANCELED, "canceling job because the server shuts down")),
            false => Ok(()),
        }
    }
}

/// All jobs.
#[derive(Default)]
pub struct Jobs {
    list: Mutex<VecDeque<Arc<Job>>>,
    last: AtomicI64,
}

impl Jobs {
    /// Enters a job that begins now.
    pub fn begin(&self, command: &str, database: Arc<str>, role: Arc<str>) -> Arc<Job> {
        let job = Arc::new(Job {
            id: self.last.fetch_add(1, Ordering::Relaxed) + 1,
            command: command.to_owned(),
            database,
            role,
            started_at: now_micros(),
            progress: Progress::default(),
            state: Mutex::new((JobState::Running, None)),
            is_cancelled: AtomicBool::new(false),
        });
        let mut list = self.list.lock();
        list.push_back(job.clone());
        while list.len() > REMEMBERED && list.front().is_some_and(|job| job.state().0 != JobState::Running) {
            list.pop_front();
        }
        job
    }

    /// Those that are remembered, oldest first.
    pub fn all(&self) -> Vec<Arc<Job>> {
        self.list.lock().iter().cloned().collect()
    }
}
