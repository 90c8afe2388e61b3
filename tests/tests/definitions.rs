//! Definitions that change while others use them: tables are emptied, rewritten, renamed, dropped and made again beside statements
//! that read and write them. Nobody may find a table half gone, and a server that is killed comes back with the same.
//!
//! `DICTDB_DEFINITIONS_ROUNDS` sets the number of rounds, `DICTDB_DEFINITIONS_SEED` the first seed; failures print theirs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dictdb_tests::message::Message;
use dictdb_tests::random::Random;
use dictdb_tests::server::{Server, fresh_directory};
use dictdb_tests::wire::Connection;

const SESSIONS: u64 = 6;
const LIFE: Duration = Duration::from_millis(1500);

const SETUP: &str = "
    CREATE TABLE t0 (id int PRIMARY KEY, a int, b text);
    CREATE TABLE t1 (id int PRIMARY KEY, a int, b text);
    CREATE TABLE t2 (id int PRIMARY KEY, a int, b text);
    CREATE TABLE child (id int, parent int REFERENCES t2 (id) ON DELETE CASCADE);
    CREATE MATERIALIZED VIEW kept AS SELECT a, count(*) AS n FROM t2 GROUP BY a;
    CREATE ROLE reader;
";

/// Statements; `{t}` is a table, `{n}` a number, `{i}` a small number.
const STATEMENTS: [&str; 46] = [
    "INSERT INTO {t} VALUES ({n}, {i}, 'x') ON CONFLICT DO NOTHING",
    "INSERT INTO {t} (id, a) SELECT g, {i} FROM generate_series({n}, {n} + 50) g ON CONFLICT (id) DO UPDATE SET a = excluded.a",
    "INSERT INTO t2 VALUES ({n}, {i}, 'p') ON CONFLICT DO NOTHING",
    "INSERT INTO child SELECT {n}, id FROM t2 LIMIT 1",
    "UPDATE {t} SET a = a + 1 WHERE id % 7 = {i}",
    "UPDATE {t} SET b = b || 'y' WHERE id = {n}",
    "DELETE FROM {t} WHERE id % 11 = {i}",
    "DELETE FROM t2 WHERE id % 5 = {i}",
    "SELECT count(*), sum(a) FROM {t}",
    "SELECT * FROM {t} WHERE id = {n}",
    "SELECT * FROM {t} WHERE a = {i} ORDER BY id LIMIT 5 FOR UPDATE",
    "SELECT count(*) FROM {t} x JOIN {t} y ON x.id = y.a",
    "SELECT * FROM kept",
    "SELECT * FROM shown",
    "MERGE INTO {t} USING (VALUES ({n}, {i})) AS v(k, w) ON id = k WHEN MATCHED THEN UPDATE SET a = w WHEN NOT MATCHED THEN INSERT VALUES (k, w)",
    "BEGIN; INSERT INTO {t} VALUES ({n}, {i}, 'z') ON CONFLICT DO NOTHING; UPDATE {t} SET a = {i} WHERE id = {n}; COMMIT",
    "BEGIN; TRUNCATE {t}; INSERT INTO {t} VALUES ({n}, {i}, 'only'); COMMIT",
    "BEGIN; TRUNCATE {t}; ROLLBACK",
    "TRUNCATE {t}",
    "TRUNCATE t2 CASCADE",
    "ALTER TABLE {t} ADD COLUMN IF NOT EXISTS c{i} int DEFAULT {i}",
    "ALTER TABLE {t} DROP COLUMN IF EXISTS c{i}",
    "BEGIN; ALTER TABLE {t} ADD COLUMN IF NOT EXISTS c{i} numeric DEFAULT {i}; ROLLBACK",
    "BEGIN; SAVEPOINT s; ALTER TABLE {t} ADD COLUMN IF NOT EXISTS c{i} text DEFAULT {i}; ROLLBACK TO s; UPDATE {t} SET a = {i} WHERE id = {n}; COMMIT",
    "ALTER TABLE {t} ALTER a TYPE bigint",
    "ALTER TABLE {t} ALTER a TYPE int",
    "ALTER TABLE t2 ALTER b TYPE varchar",
    "ALTER TABLE {t} ALTER a SET DEFAULT {i}",
    "CREATE INDEX IF NOT EXISTS {t}_a ON {t} (a)",
    "CREATE INDEX ON {t} (a, id)",
    "CREATE INDEX {t}_h{i} ON {t} USING hash (a)",
    "DROP INDEX IF EXISTS {t}_a",
    "DROP INDEX {t}_h{i}",
    "REINDEX TABLE {t}",
    "CLUSTER {t} USING {t}_pkey",
    "VACUUM FULL {t}",
    "ANALYZE {t}",
    "BEGIN; DROP TABLE IF EXISTS {t} CASCADE; CREATE TABLE {t} (id int PRIMARY KEY, a int, b text); INSERT INTO {t} VALUES ({n}, {i}, 'new'); COMMIT",
    "BEGIN; ALTER TABLE t0 RENAME TO t9; ALTER TABLE t1 RENAME TO t0; ALTER TABLE t9 RENAME TO t1; COMMIT",
    "CREATE OR REPLACE VIEW shown AS SELECT id, a FROM {t} WHERE a > {i}",
    "DROP VIEW IF EXISTS shown",
    "REFRESH MATERIALIZED VIEW kept",
    "GRANT SELECT ON {t} TO reader",
    "REVOKE SELECT ON {t} FROM reader",
    "BEGIN; LOCK TABLE {t} IN SHARE ROW EXCLUSIVE MODE; DELETE FROM {t} WHERE id = {n}; COMMIT",
    "EXPLAIN ANALYZE SELECT count(*) FROM {t} WHERE a = {i}",
];

/// Classes of errors that no statement may end with: broken inside, broken outside, not even a statement.
const NEVER: [&str; 5] = ["XX", "58", "57", "08", "42601"];

/// Runs statements until it is told to stop. Returns errors that nobody should see, and the codes of the others.
fn work(port: u16, mut random: Random, stop: &AtomicBool, codes: &Mutex<BTreeMap<String, u64>>) -> Vec<String> {
    let mut connection = Connection::open(port, "postgres", "postgres").expect("the server answers");
    let mut wrong = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let statement = STATEMENTS[random.below(STATEMENTS.len() as u64) as usize];
        let sql = statement
            .replace("{t}", &format!("t{}", random.below(2)))
            .replace("{n}", &random.below(500).to_string())
            .replace("{i}", &random.below(5).to_string());
        let Ok(messages) = connection.query(&sql) else {
            wrong.push(format!("{sql}: the connection is gone"));
            return wrong;
        };
        for error in messages.iter().filter(|message| message.tag == b'E') {
            let code = error.field(b'C').unwrap_or_default().to_string();
            if NEVER.iter().any(|class| code.starts_with(class)) {
                wrong.push(format!("{sql}: {}", error.error_text()));
            }
            *codes.lock().expect("nobody panics").entry(code).or_default() += 1;
            // Leaves a block that has failed.
            let _ = connection.query("ROLLBACK");
        }
    }
    wrong
}

fn rows(connection: &mut Connection, sql: &str) -> Vec<String> {
    let messages = connection.query(sql).expect("the server answers");
    if let Some(error) = messages.iter().find(|message| message.tag == b'E') {
        panic!("{sql}: {}", error.error_text());
    }
    messages.iter().filter(|message| message.tag == b'D').filter_map(Message::shown).collect()
}

/// Everything there is, and a check that indexes say the same as tables.
fn state(server: &Server, seed: u64) -> Vec<Vec<String>> {
    let connection = &mut Connection::open(server.port, "postgres", "postgres").expect("the server answers");
    let mut found = Vec::new();
    for table in ["t0", "t1", "t2", "child"] {
        let scanned = rows(connection, &format!("SET enable_indexscan = off; SELECT * FROM {table} ORDER BY id, 2"));
        rows(connection, "RESET enable_indexscan; SET enable_seqscan = off");
        for row in rows(connection, &format!("SELECT DISTINCT id FROM {table} WHERE id % 13 = 0")) {
            let id: String = row.chars().filter(char::is_ascii_digit).collect();
            let by_key = rows(connection, &format!("SELECT * FROM {table} WHERE id = {id} ORDER BY 2"));
            assert!(by_key.iter().all(|row| scanned.contains(row)) && !by_key.is_empty(), "seed {seed}: {table} {id}");
        }
        rows(connection, "RESET enable_seqscan");
        found.push(scanned);
    }
    let orphans = "SELECT count(*) FROM child WHERE parent NOT IN (SELECT id FROM t2)";
    assert!(rows(connection, orphans)[0].contains('0'), "seed {seed}: a row refers to nothing");
    found.push(rows(connection, "SELECT * FROM kept ORDER BY 1"));
    found.push(rows(
        connection,
        "SELECT c.relname, i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
         WHERE c.oid >= 16384 ORDER BY 1, 2, 3",
    ));
    found.push(rows(connection, "SELECT relname, relacl::text FROM pg_class WHERE oid >= 16384 ORDER BY 1, 2"));
    found
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn definitions_change_beside_their_users() {
    let first = setting("DICTDB_DEFINITIONS_SEED", 1);
    let codes = Arc::new(Mutex::new(BTreeMap::new()));
    for seed in first..first + setting("DICTDB_DEFINITIONS_ROUNDS", 3) {
        let folder = fresh_directory().expect("a directory");
        let data = folder.join("data");
        let server = Server::dictdb_on(&data, &[]).expect("the server starts");
        rows(&mut Connection::open(server.port, "postgres", "postgres").expect("the server answers"), SETUP);
        let stop = Arc::new(AtomicBool::new(false));
        let workers: Vec<_> = (0..SESSIONS)
            .map(|session| {
                let (port, stop, codes) = (server.port, stop.clone(), codes.clone());
                let random = Random::new(seed * 1_000_003 + session);
                std::thread::spawn(move || work(port, random, &stop, &codes))
            })
            .collect();
        std::thread::sleep(LIFE);
        stop.store(true, Ordering::Relaxed);
        let wrong: Vec<String> =
            workers.into_iter().flat_map(|worker| worker.join().expect("no client fails")).collect();
        assert!(
            wrong.is_empty(),
            "seed {seed}: {} unexpected errors, such as\n{}",
            wrong.len(),
            wrong[..wrong.len().min(8)].join("\n")
        );
        let before = state(&server, seed);
        server.kill().expect("it can be killed");
        let again = Server::dictdb_on(&data, &[]);
        let again =
            again.unwrap_or_else(|error| panic!("seed {seed}: {} does not start again: {error}", data.display()));
        assert_eq!(before, state(&again, seed), "seed {seed}: what was there before the crash is there after it");
        drop(again);
        let _ = std::fs::remove_dir_all(folder);
    }
    println!("{:?}", codes.lock().expect("nobody panics"));
}
