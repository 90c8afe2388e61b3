//! `kill -9` at random moments: what was acknowledged is there after the restart, and nothing is half visible.
//!
//! Clients commit and write down what they were told; an administrator writes checkpoints, changes definitions and backs up; a keeper
//! backs up and restores a database of its own. Then the server is killed, started again on the same directory, and its data is
//! compared with the ledger.
//! `DICTDB_LEDGER_ROUNDS` sets the number of rounds, `DICTDB_LEDGER_SEED` the first seed; failures print theirs.

mod keeper;

use std::path::Path;
use std::time::Duration;

use dictdb_tests::message::Message;
use dictdb_tests::random::Random;
use dictdb_tests::server::{Server, fresh_directory};
use dictdb_tests::wire::Connection;
use keeper::Keeper;

const ROUNDS: u64 = 300;
const WRITERS: u64 = 4;
const ACCOUNTS: u64 = 8;
/// Start of a round to the kill, at most.
const LIFE_MILLIS: u64 = 120;
/// The same when a machine is too slow for every kind of command to be answered in that time.
const LIFE_MAX_MILLIS: u64 = 120_000;
/// Tables that the administrator has made and not dropped, at most: each is looked at after every round.
const MADE_MAX: i64 = 4;

fn connect(server: &Server) -> std::io::Result<Connection> {
    Connection::open(server.port, "postgres", "postgres")
}

/// Runs a query string. `None` when the server is gone before it answered; errors are not expected.
fn attempt(connection: &mut Connection, sql: &str) -> Option<Vec<Message>> {
    let messages = connection.query(sql).ok()?;
    match messages.iter().find(|message| message.tag == b'E') {
        // A server that is being killed may still say so.
        Some(error) if error.field(b'C').as_deref() == Some("57P01") => None,
        Some(error) => panic!("{sql}: {}", error.error_text()),
        None => Some(messages),
    }
}

fn try_value(connection: &mut Connection, sql: &str) -> Option<String> {
    let messages = attempt(connection, sql)?;
    let row = messages.iter().find(|message| message.tag == b'D').and_then(Message::shown);
    Some(row.unwrap_or_else(|| panic!("{sql} gives no row")))
}

fn value(connection: &mut Connection, sql: &str) -> String {
    try_value(connection, sql).unwrap_or_else(|| panic!("no answer to {sql}"))
}

fn try_number(connection: &mut Connection, sql: &str) -> Option<i64> {
    let text = try_value(connection, sql)?;
    let digits = text.trim_matches(|c: char| !c.is_ascii_digit() && c != '-');
    Some(digits.parse().unwrap_or_else(|_| panic!("{sql}: {text}")))
}

fn number(connection: &mut Connection, sql: &str) -> i64 {
    try_number(connection, sql).unwrap_or_else(|| panic!("no answer to {sql}"))
}

/// What one client was told.
#[derive(Default)]
struct Ledger {
    /// Rows acknowledged.
    rows: i64,
    /// The row whose transaction was acknowledged as prepared, last of all; zero is none.
    prepared: i64,
    /// The highest value of the sequence it has seen.
    sequence: i64,
    /// Definitions made and removed.
    made: i64,
    dropped: i64,
}

fn prepare(server: &Server) {
    let mut connection = connect(server).expect("the server answers");
    let setup = "CREATE TABLE ledger (writer int, n int, note text, extra numeric, PRIMARY KEY (writer, n));
        CREATE TABLE mirror (writer int, n int, at timestamptz DEFAULT now(), PRIMARY KEY (writer, n));
        CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0));
        CREATE TABLE numbered (id bigserial PRIMARY KEY, writer int);
        CREATE UNLOGGED TABLE volatile (n int);";
    attempt(&mut connection, setup).expect("the tables are made");
    let accounts = format!("INSERT INTO accounts SELECT g, 1000 FROM generate_series(1, {ACCOUNTS}) g");
    attempt(&mut connection, &accounts).expect("the accounts are made");
}

/// Writes until the server is gone.
fn write(port: u16, writer: u64, start: i64, mut random: Random) -> Ledger {
    let mut ledger = Ledger { rows: start, ..Ledger::default() };
    let Ok(mut connection) = Connection::open(port, "postgres", "postgres") else { return ledger };
    loop {
        let n = ledger.rows + 1;
        let done = match random.below(5) {
            3 => {
                let work = format!(
                    "BEGIN; INSERT INTO ledger VALUES ({writer}, {n}, 'prepared'); INSERT INTO mirror VALUES ({writer}, {n});
                     PREPARE TRANSACTION '{writer}_{n}'"
                );
                let in_vain = random.below(3) == 0 && prepare_in_vain(&mut connection, writer, n).is_none();
                if in_vain || attempt(&mut connection, &work).is_none() {
                    return ledger;
                }
                ledger.prepared = n;
                attempt(&mut connection, &format!("COMMIT PREPARED '{writer}_{n}'"))
            }
            0 => attempt(&mut connection, &format!(
                "BEGIN; INSERT INTO ledger VALUES ({writer}, {n}, 'a', 0.1); UPDATE ledger SET note = 'b' WHERE writer = {writer} AND n = {n};
                 INSERT INTO mirror VALUES ({writer}, {n}); COMMIT"
            )),
            1 => attempt(&mut connection, &format!(
                "BEGIN; SAVEPOINT s; INSERT INTO ledger VALUES ({writer}, {n}, 'gone'); ROLLBACK TO s;
                 INSERT INTO mirror VALUES ({writer}, {n}); INSERT INTO ledger VALUES ({writer}, {n}, repeat('x', {})); COMMIT",
                random.below(3000)
            )),
            2 => attempt(&mut connection, &format!(
                "INSERT INTO ledger VALUES ({writer}, {n}, NULL); INSERT INTO mirror VALUES ({writer}, {n}); INSERT INTO volatile VALUES ({n})"
            )),
            _ => {
                let (from, to, sum) = (random.below(ACCOUNTS) + 1, random.below(ACCOUNTS) + 1, random.below(5));
                // Always in the same order, so that nobody waits for each other.
                let (first, second) = (from.min(to), from.max(to));
                attempt(&mut connection, &format!(
                    "BEGIN; SELECT 1 FROM accounts WHERE id IN ({first}, {second}) ORDER BY id FOR UPDATE;
                     UPDATE accounts SET balance = balance - {sum} WHERE id = {from}; UPDATE accounts SET balance = balance + {sum} WHERE id = {to};
                     INSERT INTO ledger VALUES ({writer}, {n}, 'transfer'); INSERT INTO mirror VALUES ({writer}, {n}); COMMIT"
                ))
            }
        };
        if done.is_none() {
            return ledger;
        }
        ledger.rows = n;
        let numbered = format!("INSERT INTO numbered (writer) VALUES ({writer}) RETURNING id");
        let Some(messages) = attempt(&mut connection, &numbered) else { return ledger };
        let shown = messages.iter().find(|message| message.tag == b'D').and_then(Message::shown).unwrap_or_default();
        ledger.sequence = shown.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0);
    }
}

/// Prepares a transaction and rolls it back.
fn prepare_in_vain(connection: &mut Connection, writer: u64, n: i64) -> Option<()> {
    let work = format!("BEGIN; INSERT INTO ledger VALUES ({writer}, {n}, 'gone'); PREPARE TRANSACTION 'gone_{writer}'");
    attempt(connection, &work)?;
    attempt(connection, &format!("ROLLBACK PREPARED 'gone_{writer}'")).map(drop)
}

/// Changes definitions and writes checkpoints until the server is gone.
fn administer(port: u16, (made, dropped): (i64, i64), mut random: Random) -> Ledger {
    let mut ledger = Ledger { made, dropped, ..Ledger::default() };
    let Ok(mut connection) = Connection::open(port, "postgres", "postgres") else { return ledger };
    loop {
        match random.below(6) {
            choice if ledger.made - ledger.dropped >= MADE_MAX || choice == 0 && ledger.dropped < ledger.made => {
                let next = ledger.dropped + 1;
                if attempt(&mut connection, &format!("DROP TABLE made_{next} CASCADE")).is_none() {
                    return ledger;
                }
                ledger.dropped = next;
            }
            choice @ 1..=3 => {
                let command = ["CHECKPOINT", "CHECKPOINT", "BACKUP DELTA"][choice as usize - 1];
                if attempt(&mut connection, command).is_none() {
                    return ledger;
                }
            }
            _ => {
                let next = ledger.made + 1;
                let make = format!(
                    "BEGIN; CREATE TABLE made_{next} (id int PRIMARY KEY, name text DEFAULT 'd', CHECK (id > 0)); CREATE INDEX ON made_{next} (name);
                     INSERT INTO made_{next} VALUES (1), (2); CREATE VIEW shown_{next} AS SELECT name FROM made_{next}; COMMIT"
                );
                if attempt(&mut connection, &make).is_none() {
                    return ledger;
                }
                ledger.made = next;
            }
        }
    }
}

/// Compares a restarted server with the ledgers. Returns where the writers and the administrator go on.
fn check(server: &Server, writers: &[Ledger], admin: &Ledger, seed: u64) -> (Vec<i64>, (i64, i64)) {
    let connection = &mut connect(server).expect("the server answers");
    finish_prepared(connection);
    let mut starts = Vec::new();
    for (writer, ledger) in writers.iter().enumerate() {
        let of = |table: &str, what: &str| format!("SELECT {what} FROM {table} WHERE writer = {writer}");
        let last = number(connection, &of("ledger", "coalesce(max(n), 0)"));
        assert!(
            (ledger.rows..=ledger.rows + 1).contains(&last),
            "seed {seed}: writer {writer} was told {} and has {last}",
            ledger.rows
        );
        assert!(
            last >= ledger.prepared,
            "seed {seed}: writer {writer} has prepared {} and has {last}",
            ledger.prepared
        );
        for table in ["ledger", "mirror"] {
            let (rows, max) =
                (number(connection, &of(table, "count(*)")), number(connection, &of(table, "coalesce(max(n), 0)")));
            assert_eq!((rows, max), (last, last), "seed {seed}: {table} of writer {writer}");
        }
        starts.push(last);
    }
    assert_eq!(number(connection, "SELECT sum(balance) FROM accounts"), 1000 * ACCOUNTS as i64, "seed {seed}");
    assert_eq!(number(connection, "SELECT count(*) FROM volatile"), 0, "seed {seed}: an unlogged table has rows");
    assert_eq!(number(connection, "SELECT count(*) FROM ledger WHERE note = 'a' OR note = 'gone'"), 0, "seed {seed}");
    let highest = writers.iter().map(|ledger| ledger.sequence).max().unwrap_or(0);
    let next = number(connection, "SELECT nextval('numbered_id_seq')");
    assert!(next > highest, "seed {seed}: {next} after {highest}");
    (starts, check_definitions(connection, admin, seed))
}

/// Finishes what was prepared: what is to be gone is rolled back, everything else committed.
fn finish_prepared(connection: &mut Connection) {
    let list = "SELECT coalesce(string_agg(gid, ','), '') FROM pg_prepared_xacts";
    let found = value(connection, list);
    for gid in found.trim_matches('\'').split(',').filter(|gid| !gid.is_empty()) {
        let word = if gid.starts_with("gone") { "ROLLBACK" } else { "COMMIT" };
        attempt(connection, &format!("{word} PREPARED '{gid}'")).expect("the server answers");
    }
}

fn check_definitions(connection: &mut Connection, admin: &Ledger, seed: u64) -> (i64, i64) {
    let exists = |connection: &mut Connection, n: i64| {
        value(connection, &format!("SELECT to_regclass('made_{n}') IS NOT NULL")).contains('t')
    };
    let made = admin.made + i64::from(exists(connection, admin.made + 1));
    let dropped = admin.dropped + i64::from(admin.dropped < made && !exists(connection, admin.dropped + 1));
    for n in dropped + 1..=made {
        assert!(exists(connection, n), "seed {seed}: made_{n} is gone");
        let rows = format!("SELECT count(*) FROM made_{n} WHERE name = 'd' AND id IN (1, 2)");
        assert_eq!(number(connection, &rows), 2, "seed {seed}: made_{n}");
        assert_eq!(number(connection, &format!("SELECT count(*) FROM shown_{n}")), 2, "seed {seed}: shown_{n}");
        let indexes = format!("SELECT count(*) FROM pg_index WHERE indrelid = 'made_{n}'::regclass");
        assert_eq!(number(connection, &indexes), 2, "seed {seed}: made_{n}");
    }
    assert!(dropped == 0 || !exists(connection, dropped), "seed {seed}: made_{dropped} came back");
    (made, dropped)
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn start(data: &Path) -> Server {
    let settings = [
        "max_prepared_transactions=8",
        "max_wal_size=4MB",
        "backup_dir=../backups",
        "backup_keep_full=2",
        "backup_on_shutdown=off",
    ];
    let arguments: Vec<&str> = settings.iter().flat_map(|setting| ["-c", setting]).collect();
    Server::dictdb_on(data, &arguments).expect("the server starts on what the crash left")
}

#[test]
fn nothing_acknowledged_is_lost() {
    let folder = fresh_directory().expect("a directory");
    let data = folder.join("data");
    let mut server = start(&data);
    prepare(&server);
    let mut keeper = Keeper::prepare(&server);
    let mut starts = vec![0; WRITERS as usize];
    let mut definitions = (0, 0);
    let first = setting("DICTDB_LEDGER_SEED", 1);
    let (end, mut life) = (first + setting("DICTDB_LEDGER_ROUNDS", ROUNDS), LIFE_MILLIS);
    for seed in first.. {
        if seed >= end {
            if starts.iter().all(|rows| *rows > 0) && keeper.answered.iter().all(|count| *count > 0) {
                break;
            }
            life *= 2;
            assert!(life <= LIFE_MAX_MILLIS, "writers have written {starts:?}, the keeper {:?}", keeper.answered);
        }
        let port = server.port;
        let random = move |who: u64| Random::new(seed.wrapping_mul(1_000_003) ^ (who << 32));
        let threads: Vec<_> = starts
            .iter()
            .copied()
            .enumerate()
            .map(|(writer, start)| std::thread::spawn(move || write(port, writer as u64, start, random(writer as u64))))
            .collect();
        let admin = std::thread::spawn(move || administer(port, definitions, random(99)));
        let keeping = std::thread::spawn(move || keeper.work(port, random(98)));
        std::thread::sleep(Duration::from_millis(10 + random(100).below(life)));
        server.kill().expect("the server can be killed");
        let ledgers: Vec<Ledger> = threads.into_iter().map(|thread| thread.join().expect("no client fails")).collect();
        let admin = admin.join().expect("the administrator does not fail");
        keeper = keeping.join().expect("the keeper does not fail");
        server = start(&data);
        (starts, definitions) = check(&server, &ledgers, &admin, seed);
        keeper.check(&server, seed);
    }
    println!("{} rows, {} definitions, {:?}", starts.iter().sum::<i64>(), definitions.0, keeper.answered);
    let status = server.stop().expect("the server ends");
    assert!(status.success());
    let _ = std::fs::remove_dir_all(folder);
}
