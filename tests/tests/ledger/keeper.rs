//! Backups and restores that the server is killed in: a database is either as it was or as its backup says, one that is being
//! restored anew is whole or not there, and what has the name of a backup is one.
//!
//! The keeper has a database of its own, with rows numbered from 1 on. It adds rows, backs them up, goes back to its last backup,
//! restores that into further databases, takes snapshots and resets the database to them.

use dictdb_tests::message::Message;
use dictdb_tests::random::Random;
use dictdb_tests::server::Server;
use dictdb_tests::wire::Connection;

use super::{attempt, number, try_number};

const DATABASE: &str = "kept";
/// Databases made by restores that are there at once, at most.
const COPIES_MAX: i64 = 2;

/// What the keeper was told, and what it cannot know because nobody answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keeper {
    /// How many rows there may be: one number, or two when an answer is missing.
    rows: Vec<i64>,
    /// How many rows the newest backup may have; none when there is no backup.
    saved: Vec<i64>,
    /// How many rows the snapshot may have, if there is one.
    shown: Vec<i64>,
    /// Databases made and dropped.
    made: i64,
    dropped: i64,
    /// Commands that were answered, by kind.
    pub(crate) answered: [u64; 7],
}

fn connect(port: u16, database: &str) -> std::io::Result<Connection> {
    Connection::open(port, "postgres", database)
}

impl Keeper {
    /// Makes the keeper's database.
    pub(crate) fn prepare(server: &Server) -> Keeper {
        let mut connection = connect(server.port, "postgres").expect("the server answers");
        attempt(&mut connection, &format!("CREATE DATABASE {DATABASE}")).expect("the database is made");
        let mut own = connect(server.port, DATABASE).expect("the server answers");
        let table =
            "CREATE TABLE numbers (n int PRIMARY KEY, twice int GENERATED ALWAYS AS (n * 2) STORED, filler text);
            CREATE INDEX ON numbers (twice); CREATE UNLOGGED TABLE light (n int); INSERT INTO light VALUES (1)";
        attempt(&mut own, table).expect("the tables are made");
        Keeper { rows: vec![0], ..Keeper::default() }
    }

    /// Works until the server is gone.
    pub(crate) fn work(mut self, port: u16, mut random: Random) -> Keeper {
        let Ok(mut connection) = connect(port, DATABASE) else { return self };
        while self.step(&mut connection, &mut random).is_some() {}
        self
    }

    /// One command; `None` when nobody answered it.
    fn step(&mut self, connection: &mut Connection, random: &mut Random) -> Option<()> {
        let [rows] = self.rows[..] else { panic!("the number of rows is looked up after each start") };
        let choice = match random.below(13) {
            0..=3 => 0,
            4 => 1,
            5 => 2,
            6 | 7 => 3,
            8 | 9 => 4,
            10 => 5,
            _ => 6,
        };
        match choice {
            1 | 2 => self.back_up(connection, ["FULL", "DELTA"][choice - 1], rows)?,
            3 if has_backup(connection)? => self.go_back(connection, rows)?,
            4 if has_backup(connection)? => self.copy(connection)?,
            5 => self.take_snapshot(connection, rows)?,
            6 if has_snapshot(connection)? => self.reset(connection, rows)?,
            _ => self.add(connection, rows, random.below(2000))?,
        }
        self.answered[choice] += 1;
        Some(())
    }

    fn add(&mut self, connection: &mut Connection, rows: i64, filler: u64) -> Option<()> {
        let n = rows + 1;
        self.rows = vec![rows, n];
        attempt(connection, &format!("INSERT INTO numbers (n, filler) VALUES ({n}, repeat('f', {filler}))"))?;
        self.rows = vec![n];
        Some(())
    }

    fn back_up(&mut self, connection: &mut Connection, kind: &str, rows: i64) -> Option<()> {
        let before = std::mem::take(&mut self.saved);
        // It may have been complete before the answer was.
        self.saved = before.iter().copied().chain([rows]).collect();
        let messages = attempt(connection, &format!("BACKUP {kind}"))?;
        // A delta is left out when nothing has changed since.
        let is_taken = messages.iter().any(|message| message.tag == b'D');
        self.saved = if is_taken { vec![rows] } else { before };
        Some(())
    }

    fn go_back(&mut self, connection: &mut Connection, rows: i64) -> Option<()> {
        self.rows = self.saved.iter().copied().chain([rows]).collect();
        attempt(connection, "RESTORE FROM LATEST")?;
        self.rows = self.saved.clone();
        let found = try_number(connection, "SELECT count(*) FROM numbers")?;
        assert!(self.saved.contains(&found), "restored {found} of {:?}", self.saved);
        (self.rows, self.saved) = (vec![found], vec![found]);
        Some(())
    }

    fn take_snapshot(&mut self, connection: &mut Connection, rows: i64) -> Option<()> {
        self.shown.push(rows);
        attempt(connection, "DROP SNAPSHOT IF EXISTS shown")?;
        attempt(connection, "CREATE SNAPSHOT shown")?;
        self.shown = vec![rows];
        Some(())
    }

    fn reset(&mut self, connection: &mut Connection, rows: i64) -> Option<()> {
        self.rows = self.shown.iter().copied().chain([rows]).collect();
        attempt(connection, &format!("RESET DATABASE {DATABASE} TO SNAPSHOT shown"))?;
        let found = try_number(connection, "SELECT count(*) FROM numbers")?;
        assert!(self.shown.contains(&found), "reset to {found} of {:?}", self.shown);
        (self.rows, self.shown) = (vec![found], vec![found]);
        Some(())
    }

    fn copy(&mut self, connection: &mut Connection) -> Option<()> {
        if self.made - self.dropped >= COPIES_MAX {
            attempt(connection, &format!("DROP DATABASE copy_{}", self.dropped + 1))?;
            self.dropped += 1;
        }
        attempt(connection, &format!("RESTORE FROM LATEST INTO DATABASE copy_{}", self.made + 1))?;
        self.made += 1;
        Some(())
    }

    /// Compares a restarted server with what the keeper knows.
    pub(crate) fn check(&mut self, server: &Server, seed: u64) {
        let mut own = connect(server.port, DATABASE).expect("the server answers");
        attempt(&mut own, "VERIFY BACKUP ALL").unwrap_or_else(|| panic!("seed {seed}: no answer"));
        let rows = whole(&mut own).unwrap_or_else(|what| panic!("seed {seed}: {what}"));
        assert!(self.rows.contains(&rows), "seed {seed}: {rows} rows, and there may be {:?}", self.rows);
        self.rows = vec![rows];
        let names =
            attempt(&mut own, "SELECT datname FROM pg_database WHERE datname LIKE 'copy_%'").expect("an answer");
        let names: Vec<String> = names.iter().filter(|m| m.tag == b'D').filter_map(Message::shown).collect();
        let exists = |n: i64| names.contains(&format!("copy_{n}"));
        assert!((self.dropped + 2..=self.made).all(exists), "seed {seed}: {self:?}, but {names:?}");
        self.made += i64::from(exists(self.made + 1));
        self.dropped += i64::from(self.dropped < self.made && !exists(self.dropped + 1));
        assert_eq!(names.len() as i64, self.made - self.dropped, "seed {seed}: {names:?} of {self:?}");
        for name in &names {
            let mut copy = connect(server.port, name).expect("the server answers");
            whole(&mut copy).unwrap_or_else(|what| panic!("seed {seed}: {name}: {what}"));
        }
    }
}

/// Whether there is a backup: a crash may have come before the first was complete.
fn has_backup(connection: &mut Connection) -> Option<bool> {
    let taken = format!("SELECT count(*) FROM dictdb.backups WHERE database = '{DATABASE}'");
    Some(try_number(connection, &taken)? > 0)
}

/// Whether the snapshot is there: a crash may have come between an old one and a new one.
fn has_snapshot(connection: &mut Connection) -> Option<bool> {
    Some(try_number(connection, "SELECT count(*) FROM dictdb.snapshots WHERE name = 'shown'")? > 0)
}

/// How many rows a database of numbers has, or what is wrong with it.
fn whole(connection: &mut Connection) -> Result<i64, String> {
    let rows = number(connection, "SELECT count(*) FROM numbers");
    let last = number(connection, "SELECT coalesce(max(n), 0) FROM numbers");
    let doubled = number(connection, "SELECT count(*) FROM numbers WHERE twice = 2 * n");
    let light = number(connection, "SELECT count(*) FROM light");
    match (rows == last, rows == doubled, light) {
        (true, true, 0) => Ok(rows),
        _ => Err(format!("{rows} rows, the last is {last}, {doubled} are right, {light} are not logged")),
    }
}
