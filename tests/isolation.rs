//! Isolation scripts: steps of several sessions in one order, with what each step answers and who waits for whom.
//!
//! ```text
//!   # why this is here
//!   a> BEGIN; UPDATE t SET v = 1 WHERE id = 1
//!   -- BEGIN
//!   -- UPDATE 1
//!
//!   b> UPDATE t SET v = 2 WHERE id = 1
//!   (waits)
//!
//!   a> COMMIT
//!   -- COMMIT
//!   b: -- UPDATE 1
//! ```
//! A block is a step, on lines that begin with the session's name and `>`, and its answer up to an empty line. A session that
//! is blocked by another answers `(waits)`; what it says when it can go on stands, with its name and a colon, under the
//! step that let it. A step without a statement waits for the session to answer, as the victim of a deadlock does; so does
//! every step of a session that has set `lock_timeout`, because it gives up by itself.
//! Sessions connect when they are first named.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::{Error, Result};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::message::Message;
use crate::patience::PATIENCE;
use crate::wire::Connection;

/// Time between two looks at who is blocked.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A step with its expected answer.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// Comment lines before it.
    pub comments: Vec<String>,
    /// The session.
    pub session: String,
    /// The statements; empty to wait for the session.
    pub sql: String,
    /// The answer.
    pub expected: Vec<String>,
}

/// Reads a script.
pub fn parse(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut step = Step::default();
    for line in text.lines().chain([""]) {
        if line.is_empty() {
            if !step.session.is_empty() {
                steps.push(std::mem::take(&mut step));
            }
        } else if line.starts_with('#') && step.session.is_empty() {
            step.comments.push(line.to_owned());
        } else if let Some((session, sql)) = as_step(line).filter(|_| step.expected.is_empty()) {
            if !step.sql.is_empty() {
                step.sql.push('\n');
            }
            step.session = session.to_owned();
            step.sql.push_str(sql);
        } else {
            step.expected.push(line.to_owned());
        }
    }
    steps
}

fn as_step(line: &str) -> Option<(&str, &str)> {
    let (session, sql) = line.split_once('>')?;
    let is_name = !session.is_empty() && session.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    is_name.then(|| (session, sql.strip_prefix(' ').unwrap_or(sql)))
}

/// Writes a script.
pub fn print(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        for comment in &step.comments {
            let _ = writeln!(text, "{comment}");
        }
        for line in step.sql.lines() {
            let _ = writeln!(text, "{}> {line}", step.session);
        }
        if step.sql.is_empty() {
            let _ = writeln!(text, "{}>", step.session);
        }
        for line in &step.expected {
            let _ = writeln!(text, "{line}");
        }
        text.push('\n');
    }
    text
}

/// Runs the steps of a script on a server and returns the answer of each.
pub fn run(steps: &[Step], port: u16, database: &str) -> Result<Vec<Vec<String>>> {
    let mut play = Play::open(port, database)?;
    steps.iter().map(|step| play.step(step)).collect()
}

/// A script being run.
pub struct Play<'a> {
    port: u16,
    database: &'a str,
    /// Asks who is blocked.
    control: Connection,
    sessions: BTreeMap<String, Session>,
}

/// A session with a thread of its own.
struct Session {
    pid: String,
    statements: Sender<String>,
    answers: Receiver<Result<Vec<String>>>,
    waiting: bool,
    /// It has set `lock_timeout`.
    gives_up: bool,
}

impl<'a> Play<'a> {
    /// A script whose steps are still to come, on a database of a server.
    pub fn open(port: u16, database: &'a str) -> Result<Self> {
        let control = Connection::open(port, "postgres", database)?;
        Ok(Play { port, database, control, sessions: BTreeMap::new() })
    }

    /// Whether a session is blocked by another one.
    pub fn waits(&self, session: &str) -> bool {
        self.sessions.get(session).is_some_and(|session| session.waiting)
    }

    /// The answer of a step, and of those that it lets go on. An error when its session still waits, or hangs.
    pub fn step(&mut self, step: &Step) -> Result<Vec<String>> {
        if !self.sessions.contains_key(&step.session) {
            let session = Session::open(self.port, self.database)?;
            self.sessions.insert(step.session.clone(), session);
        }
        if let Some(session) = self.sessions.get_mut(&step.session)
            && !step.sql.is_empty()
        {
            if session.waiting {
                return Err(Error::other(format!("session {} still waits before: {}", step.session, step.sql)));
            }
            session.statements.send(step.sql.clone()).map_err(Error::other)?;
            session.waiting = true;
            session.gives_up |= step.sql.contains("lock_timeout");
        }
        let gives_up = self.sessions.get(&step.session).is_some_and(|session| session.gives_up);
        let own = match self.settle(&step.session, gives_up || step.sql.is_empty())? {
            Some(answer) => answer,
            None => vec!["(waits)".to_owned()],
        };
        let waiting: Vec<String> =
            self.sessions.iter().filter(|(_, session)| session.waiting).map(|(name, _)| name.clone()).collect();
        let mut answer = own;
        for name in waiting.into_iter().filter(|name| *name != step.session) {
            let lines = self.settle(&name, false)?.unwrap_or_default();
            answer.extend(lines.into_iter().map(|line| format!("{name}: {line}")));
        }
        Ok(answer)
    }

    /// Waits until a session has answered or, unless `to_the_end`, is blocked.
    fn settle(&mut self, name: &str, to_the_end: bool) -> Result<Option<Vec<String>>> {
        let start = Instant::now();
        loop {
            let Some(session) = self.sessions.get_mut(name) else { return Ok(None) };
            match session.answers.recv_timeout(POLL_INTERVAL) {
                Ok(answer) => {
                    session.waiting = false;
                    return answer.map(Some);
                }
                Err(RecvTimeoutError::Disconnected) => return Err(Error::other(format!("session {name} is gone"))),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if start.elapsed() > PATIENCE {
                return Err(Error::other(format!("session {name} neither answers nor waits for another")));
            }
            let pid = session.pid.clone();
            if !to_the_end && self.is_blocked(&pid)? {
                return Ok(None);
            }
        }
    }

    /// Whether a session waits for another one, seen twice so that it is no passing state.
    fn is_blocked(&mut self, pid: &str) -> Result<bool> {
        let sql = format!("SELECT cardinality(pg_blocking_pids({pid})) > 0");
        let mut blocked = || Ok::<_, Error>(shown(&self.control.query(&sql)?).get(1).is_some_and(|row| row == "t"));
        if !blocked()? {
            return Ok(false);
        }
        std::thread::sleep(POLL_INTERVAL * 2);
        blocked()
    }
}

impl Session {
    fn open(port: u16, database: &str) -> Result<Self> {
        let mut connection = Connection::open(port, "postgres", database)?;
        let pid = shown(&connection.query("SELECT pg_backend_pid()")?).get(1).cloned().unwrap_or_default();
        let (statements, orders) = channel::<String>();
        let (results, answers) = channel();
        std::thread::spawn(move || {
            for sql in orders {
                let answer = connection.query(&sql).map(|messages| shown(&messages));
                if results.send(answer).is_err() {
                    return;
                }
            }
        });
        Ok(Session { pid, statements, answers, waiting: false, gives_up: false })
    }
}

/// Messages as lines. Process and transaction ids differ from run to run.
fn shown(messages: &[Message]) -> Vec<String> {
    let text: Vec<String> = messages.iter().filter_map(Message::shown).collect();
    text.iter().flat_map(|text| text.lines()).map(without_ids).collect()
}

fn without_ids(line: &str) -> String {
    const BEFORE_IDS: [&str; 4] = ["Process ", "process ", "transaction ", "pivot "];
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        if let Some(word) = BEFORE_IDS.iter().find(|word| rest.starts_with(**word)) {
            out.push_str(word);
            rest = &rest[word.len()..];
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if digits > 0 {
                out.push('N');
                rest = &rest[digits..];
            }
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read_and_written() {
        let text = "# why\na> SELECT 1;\na> SELECT 2\n-- SELECT 1\nb: t > u\n\nb>\n-- COMMIT\n\n";
        let steps = parse(text);
        assert_eq!(steps.len(), 2);
        assert_eq!((steps[0].sql.as_str(), steps[0].expected.len()), ("SELECT 1;\nSELECT 2", 2));
        assert_eq!(print(&steps), text);
    }

    #[test]
    fn ids_are_masked() {
        assert_eq!(without_ids("Process 12 waits for transaction 7; x 9"), "Process N waits for transaction N; x 9");
    }
}
