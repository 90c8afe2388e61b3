//! Histories of three sessions: what each sees, changes and waits for, at READ COMMITTED and REPEATABLE READ.
//!
//! A transaction locks rows in the order of their keys only, so that none is the victim of a deadlock: who that is, is a matter of
//! time. SERIALIZABLE is left out, as what it refuses depends on how much of a table a server notes as read.

use std::io::Result;

use crate::isolation::{Play, Step};
use crate::random::Random;

const SESSIONS: [&str; 3] = ["a", "b", "c"];
/// Steps of a history.
const STEPS: u32 = 30;
/// Keys of rows are below it.
const KEYS: i64 = 8;

/// What makes the tables.
pub const SETUP: [&str; 7] = [
    "DROP TABLE IF EXISTS notes, accounts",
    "CREATE TABLE accounts (id int PRIMARY KEY, v int, tag text UNIQUE)",
    "CREATE TABLE notes (id int PRIMARY KEY, account int REFERENCES accounts (id) ON DELETE CASCADE, v int)",
    "INSERT INTO accounts VALUES (1, 10, 'a'), (2, 20, 'b'), (3, 30, 'c'), (5, 50, 'e')",
    "INSERT INTO notes VALUES (1, 1, 0), (2, 2, 0), (3, 3, 0)",
    "CREATE INDEX ON accounts (v)",
    "CREATE INDEX ON notes (account)",
];

/// What a session is about to do.
#[derive(Clone, Copy, Default)]
struct State {
    in_transaction: bool,
    /// Rows with keys up to this one may be locked.
    locked: i64,
    savepoint: bool,
}

/// The steps of a seed, each for one session.
pub fn history(random: &mut Random) -> Vec<Step> {
    let mut states = [State::default(); SESSIONS.len()];
    (0..STEPS)
        .map(|_| {
            let at = random.below(SESSIONS.len() as u64) as usize;
            let sql = next(random, &mut states[at]);
            Step { session: SESSIONS[at].to_owned(), sql, ..Step::default() }
        })
        .collect()
}

fn next(random: &mut Random, state: &mut State) -> String {
    if !state.in_transaction {
        *state = State { in_transaction: true, ..State::default() };
        return format!(
            "BEGIN ISOLATION LEVEL {}",
            random.pick(&["READ COMMITTED", "REPEATABLE READ", "READ COMMITTED"])
        );
    }
    match random.below(12) {
        0 | 1 => {
            state.in_transaction = false;
            random.pick(&["COMMIT", "COMMIT", "ROLLBACK"]).to_owned()
        }
        2 if state.savepoint => "ROLLBACK TO s".to_owned(),
        2 => {
            state.savepoint = true;
            "SAVEPOINT s".to_owned()
        }
        3 => "SELECT * FROM accounts ORDER BY id".to_owned(),
        4 => {
            "SELECT a.id, a.v, n.id, n.v FROM accounts a LEFT JOIN notes n ON n.account = a.id ORDER BY 1, 3".to_owned()
        }
        _ if state.locked + 1 < KEYS => {
            state.locked = random.between(state.locked + 1, KEYS - 1);
            touch(random, state.locked)
        }
        _ => format!("SELECT count(*), sum(v) FROM accounts WHERE v > {}", random.between(0, 30)),
    }
}

/// A statement that locks the row of a key, or tries to.
fn touch(random: &mut Random, key: i64) -> String {
    let v = random.between(1, 60);
    let strength = random.pick(&["UPDATE", "NO KEY UPDATE", "SHARE", "KEY SHARE"]);
    let patience = random.pick(&["", "", " NOWAIT", " SKIP LOCKED"]);
    match random.below(11) {
        0 => format!("SELECT id, v FROM accounts WHERE id = {key} FOR {strength}{patience}"),
        1 => format!("SELECT id, v FROM accounts WHERE id = {key} AND v > {v} FOR {strength}{patience}"),
        2 => format!("UPDATE accounts SET v = v + {v} WHERE id = {key} RETURNING v"),
        3 => format!("UPDATE accounts SET v = {v} WHERE id = {key} AND v < {v} RETURNING v"),
        4 => format!(
            "UPDATE accounts a SET v = a.v + n.v + 1 FROM notes n WHERE n.account = a.id AND a.id = {key} RETURNING a.v, n.v"
        ),
        5 => format!("DELETE FROM accounts WHERE id = {key} RETURNING v"),
        6 => format!("INSERT INTO accounts VALUES ({key}, {v}, NULL)"),
        7 => format!(
            "INSERT INTO accounts VALUES ({key}, {v}, NULL) ON CONFLICT (id) DO UPDATE SET v = accounts.v + 1 RETURNING v"
        ),
        8 => format!("INSERT INTO accounts VALUES ({key}, {v}, NULL) ON CONFLICT DO NOTHING"),
        9 => format!("INSERT INTO notes SELECT count(*) + {}, {key}, {v} FROM notes", 100 * key),
        _ => format!(
            "MERGE INTO accounts a USING (VALUES ({key})) s(k) ON a.id = s.k WHEN MATCHED AND v > {v} THEN DELETE WHEN MATCHED THEN UPDATE SET v = v + 1"
        ),
    }
}

/// Runs steps on both servers and returns those up to the first that differs, with what is different. Steps of sessions that wait are
/// left out.
pub fn compare(steps: &[Step], ports: (u16, u16)) -> Result<Option<(Vec<Step>, String)>> {
    let (mut dictdb, mut postgres) = (Play::open(ports.0, "postgres")?, Play::open(ports.1, "postgres")?);
    for sql in SETUP {
        let step = Step { session: "setup".to_owned(), sql: sql.to_owned(), ..Step::default() };
        dictdb.step(&step)?;
        postgres.step(&step)?;
    }
    let mut done = Vec::new();
    for step in steps {
        if postgres.waits(&step.session) || dictdb.waits(&step.session) {
            continue;
        }
        done.push(step.clone());
        let (expected, actual) = (postgres.step(step)?, dictdb.step(step));
        let actual = match actual {
            Ok(lines) => lines,
            Err(error) => vec![error.to_string()],
        };
        if without_details(&actual) != without_details(&expected) {
            let text =
                format!("  DictDB:\n    {}\n  PostgreSQL:\n    {}", actual.join("\n    "), expected.join("\n    "));
            return Ok(Some((done, text)));
        }
    }
    Ok(None)
}

/// What is compared: all lines but those that tell more of an error or notice.
fn without_details(lines: &[String]) -> Vec<&String> {
    let is_detail = |line: &&String| ["DETAIL", "HINT", "CONTEXT"].iter().any(|word| line.contains(word));
    lines.iter().filter(|line| !is_detail(line)).collect()
}
