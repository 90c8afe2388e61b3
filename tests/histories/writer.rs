//! A few sessions that take turns: one thread, so that a seed tells what happens.

use std::collections::BTreeMap;

use super::statements::statement;
use crate::message::Message;
use crate::random::Random;
use crate::wire::{Connection, put_text};

/// Where they are. The last one is a clone of the first.
const DATABASES: [&str; 4] = ["postgres", "postgres", "postgres", "b0"];
/// Sections of statements, and how often in a hundred each has its turn outside of blocks.
const SECTIONS: [(&str, u64); 5] =
    [("rows", 35), ("definitions", 52), ("maintenance", 4), ("databases", 4), ("prepared", 5)];
/// Classes of errors that no statement may end with: broken inside, broken outside.
const NEVER: [&str; 4] = ["XX", "58", "57", "08"];
/// Savepoints of a block.
const SAVEPOINTS: [&str; 2] = ["a", "b"];

/// Where a session is, as it says itself after each statement.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Idle,
    InBlock,
    Failed,
}

struct Session {
    connection: Connection,
    status: Status,
}

impl Session {
    /// The messages of a query string, the last of which says where the session is now.
    fn query(&mut self, sql: &str) -> std::io::Result<Vec<Message>> {
        let mut body = Vec::new();
        put_text(&mut body, sql);
        self.connection.send(b'Q', &body)?;
        let mut messages = Vec::new();
        while messages.last().is_none_or(|message: &Message| message.tag != b'Z') {
            messages.push(self.connection.receive()?);
        }
        self.status = match messages.last().and_then(|ready| ready.body.first()) {
            Some(b'T') => Status::InBlock,
            Some(b'E') => Status::Failed,
            _ => Status::Idle,
        };
        Ok(messages)
    }
}

/// Who writes a history.
pub struct Writer {
    sessions: Vec<Session>,
    /// Where its choices come from.
    pub random: Random,
    /// How often each SQLSTATE was answered; `00000` for no error.
    pub codes: BTreeMap<String, u64>,
    /// Errors that nobody should see.
    pub wrong: Vec<String>,
    shows: bool,
}

impl Writer {
    /// Begins a few sessions of a server.
    pub fn new(port: u16, random: Random) -> Self {
        let open = |database| Connection::open(port, "postgres", database);
        let session = |database| Session {
            // The clone may have another name by now.
            connection: open(database).or_else(|_| open(DATABASES[0])).expect("the server answers"),
            status: Status::Idle,
        };
        let shows = std::env::var_os("DICTDB_HISTORIES_SHOW").is_some();
        let sessions = DATABASES.map(session).into();
        let mut writer = Writer { sessions, random, codes: BTreeMap::new(), wrong: Vec::new(), shows };
        for session in 0..DATABASES.len() {
            writer.run(session, "SET lock_timeout = '20ms'; SET client_min_messages = error");
        }
        writer
    }

    /// One step of one session.
    pub fn step(&mut self) {
        let session = self.random.below(DATABASES.len() as u64) as usize;
        match self.sessions[session].status {
            Status::Idle if self.random.chance(15) => self.begin(session),
            Status::Idle => {
                let sql = self.statement();
                self.run(session, &sql);
            }
            Status::InBlock if self.random.chance(12) => self.end(session),
            Status::InBlock => self.step_in_block(session),
            Status::Failed => {
                let savepoint = self.random.pick(&SAVEPOINTS);
                let ends = ["ROLLBACK".to_owned(), format!("ROLLBACK TO {savepoint}")];
                let sql = self.random.pick(&ends);
                self.run(session, &sql);
            }
        }
    }

    /// Brings some sessions into blocks that have done something.
    pub fn begin_blocks(&mut self) {
        for session in 0..DATABASES.len() - 1 {
            self.begin(session);
            for _ in 0..4 {
                self.step_in_block(session);
            }
        }
    }

    /// Takes back what is open.
    pub fn end_blocks(&mut self) {
        for session in 0..DATABASES.len() {
            self.run(session, "ROLLBACK");
        }
    }

    fn begin(&mut self, session: usize) {
        let sql = self.random.pick(&["BEGIN", "BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ"]);
        self.run(session, sql);
    }

    fn end(&mut self, session: usize) {
        let prepare = format!("PREPARE TRANSACTION 'p{}'", self.random.below(3));
        let sql = self.random.pick(&["COMMIT", "COMMIT", "ROLLBACK", &prepare]).to_owned();
        self.run(session, &sql);
    }

    /// A statement, most often one that leaves nothing but its savepoint when it fails.
    fn step_in_block(&mut self, session: usize) {
        let savepoint = self.random.pick(&SAVEPOINTS);
        if self.random.chance(20) {
            let word = self.random.pick(&["SAVEPOINT", "ROLLBACK TO", "RELEASE"]);
            return self.run(session, &format!("{word} {savepoint}"));
        }
        let is_guarded = self.random.chance(80);
        if is_guarded {
            self.run(session, &format!("SAVEPOINT {savepoint}"));
        }
        let section = if self.random.chance(35) { "rows" } else { "definitions" };
        let sql = statement(&mut self.random, section);
        self.run(session, &sql);
        if is_guarded && self.sessions[session].status == Status::Failed {
            self.run(session, &format!("ROLLBACK TO {savepoint}"));
        }
    }

    fn statement(&mut self) -> String {
        let mut left = self.random.below(100);
        for (section, share) in SECTIONS {
            if left < share {
                return statement(&mut self.random, section);
            }
            left -= share;
        }
        unreachable!("shares make a hundred")
    }

    fn run(&mut self, session: usize, sql: &str) {
        let Ok(messages) = self.sessions[session].query(sql) else {
            self.wrong.push(format!("{sql}: the connection is gone"));
            return;
        };
        let error = messages.iter().find(|message| message.tag == b'E');
        let code = error.and_then(|error| error.field(b'C')).unwrap_or_else(|| "00000".to_owned());
        let said = error.map(Message::error_text).unwrap_or_default();
        if self.shows {
            println!("{session}> {sql};\n   {said}");
        }
        if NEVER.iter().any(|class| code.starts_with(class)) {
            self.wrong.push(format!("{sql}: {said}"));
        }
        *self.codes.entry(code).or_default() += 1;
    }
}
