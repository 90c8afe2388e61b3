//! Tables whose rows go by themselves: `ttl` and `max_rows`.

use std::thread;
use std::time::{Duration, Instant};

use dictdb_tests::patience::{wait_until, while_it_lasts};
use dictdb_tests::place::{Place, connect, run, try_run};
use dictdb_tests::server::Server;
use dictdb_tests::wire::Connection;

fn start() -> (Server, Connection) {
    let server = Server::dictdb().expect("DictDB starts");
    let connection = connect(&server, "postgres");
    (server, connection)
}

fn wait(millis: u64) {
    thread::sleep(Duration::from_millis(millis));
}

fn refused(connection: &mut Connection, sql: &str, code: &str) {
    let error = try_run(connection, sql).expect_err(sql);
    assert!(error.contains(code), "{sql}: {error}");
}

/// What a statement gives, compared with what it should.
fn expect(connection: &mut Connection, sql: &str, rows: &[&str]) -> Result<(), String> {
    match try_run(connection, sql) {
        Ok(found) if found == rows => Ok(()),
        found => Err(format!("{sql}: {found:?} is not {rows:?}")),
    }
}

/// `ttl` as a storage parameter.
fn ttl(time: Duration) -> String {
    format!("ttl = '{}ms'", time.as_millis())
}

#[test]
fn expired_rows_are_invisible_to_every_statement() {
    let (_server, mut connection) = start();
    while_it_lasts(Duration::from_secs(1), |time| {
        run(&mut connection, "DROP TABLE IF EXISTS t CASCADE; DROP TABLE IF EXISTS log");
        run(&mut connection, "CREATE TABLE t (id int PRIMARY KEY, v int) WITH (ttl = '1h')");
        run(&mut connection, "CREATE VIEW shown AS SELECT * FROM t; CREATE TABLE log (id int)");
        run(&mut connection, "INSERT INTO t VALUES (1, 1), (2, 2)");
        thread::sleep(time);
        let begun = Instant::now();
        run(&mut connection, "UPDATE t SET v = 20 WHERE id = 2; INSERT INTO t VALUES (3, 3)");
        assert_eq!(run(&mut connection, "SELECT * FROM t ORDER BY id"), ["1 | 1", "2 | 20", "3 | 3"]);
        // Nothing takes them out meanwhile, so that it is the statements that do not see them.
        run(&mut connection, "BEGIN; LOCK TABLE t IN SHARE MODE");
        run(&mut connection, &format!("ALTER TABLE t SET ({})", ttl(time)));
        let found = [
            ("SELECT * FROM t ORDER BY id", &["2 | 20", "3 | 3"][..]),
            ("SELECT count(*), sum(v) FROM t", &["2 | 23"]),
            ("SELECT v FROM t WHERE id = 1", &[]),
            ("SELECT * FROM shown ORDER BY id", &["2 | 20", "3 | 3"]),
            ("SELECT * FROM t a JOIN t b USING (id) WHERE a.id = 1", &[]),
            ("SELECT EXISTS (SELECT 1 FROM t WHERE id = 1)", &["f"]),
            ("SELECT * FROM t WHERE id = 1 FOR UPDATE", &[]),
            ("UPDATE t SET v = 5 WHERE id = 1 RETURNING id", &[]),
            ("DELETE FROM t WHERE id = 1 RETURNING id", &[]),
            ("UPDATE shown SET v = 5 WHERE id = 1 RETURNING id", &[]),
            ("MERGE INTO log USING t ON t.id = log.id WHEN NOT MATCHED THEN INSERT VALUES (t.id)", &[]),
            ("SELECT id FROM log ORDER BY id", &["2", "3"]),
        ]
        .into_iter()
        .try_for_each(|(sql, rows)| expect(&mut connection, sql, rows));
        run(&mut connection, "COMMIT");
        (begun, found)
    });
}

#[test]
fn a_key_of_an_expired_row_is_free() {
    let (_server, mut connection) = start();
    while_it_lasts(Duration::from_secs(1), |time| {
        run(
            &mut connection,
            "DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, v int UNIQUE) WITH (ttl = '1h')",
        );
        run(&mut connection, "INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)");
        refused(&mut connection, "INSERT INTO t VALUES (1, 9)", "23505");
        thread::sleep(time);
        run(&mut connection, "BEGIN; LOCK TABLE t IN SHARE ROW EXCLUSIVE MODE");
        run(&mut connection, &format!("ALTER TABLE t SET ({})", ttl(time)));
        let begun = Instant::now();
        let found = [
            ("INSERT INTO t VALUES (1, 10) RETURNING id, v", &["1 | 10"][..]),
            // There is nothing to be in conflict with.
            ("INSERT INTO t VALUES (2, 20) ON CONFLICT (id) DO UPDATE SET v = -1 RETURNING id, v", &["2 | 20"]),
            ("UPDATE t SET v = 3 WHERE id = 1 RETURNING id, v", &["1 | 3"]),
            ("INSERT INTO t VALUES (3, 30) ON CONFLICT DO NOTHING RETURNING id", &["3"]),
            ("COMMIT", &[]),
            ("SELECT * FROM t ORDER BY id", &["1 | 3", "2 | 20", "3 | 30"]),
        ]
        .into_iter()
        .try_for_each(|(sql, rows)| expect(&mut connection, sql, rows));
        let _ = try_run(&mut connection, "ROLLBACK");
        (begun, found)
    });
}

/// Rows that are there, whoever sees them.
fn stored(connection: &mut Connection, table: &str) -> String {
    run(connection, &format!("SELECT n_live_tup FROM pg_stat_user_tables WHERE relname = '{table}'"))[0].clone()
}

#[test]
fn expired_rows_are_reclaimed_in_the_background_and_by_vacuum() {
    let (_server, mut connection) = start();
    run(
        &mut connection,
        "CREATE TABLE slow (id int) WITH (ttl = '100ms'); CREATE TABLE t (id int) WITH (ttl = '100ms')",
    );
    run(&mut connection, "INSERT INTO slow SELECT generate_series(1, 30000)");
    wait(300);
    run(&mut connection, "INSERT INTO t SELECT generate_series(1, 100)");
    wait(120);
    run(&mut connection, "VACUUM");
    assert_eq!(stored(&mut connection, "t"), "0");
    assert_eq!(stored(&mut connection, "slow"), "0");
    run(&mut connection, "INSERT INTO t SELECT generate_series(1, 100)");
    wait_until("their end", || stored(&mut connection, "t") == "0");
    assert_eq!(run(&mut connection, "SELECT count(*) FROM dictdb.check_integrity()"), ["0"]);
}

#[test]
fn the_least_recently_used_rows_make_room() {
    let (server, mut connection) = start();
    run(&mut connection, "CREATE TABLE t (id int PRIMARY KEY, v int) WITH (max_rows = 3)");
    run(&mut connection, "INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)");
    // Found through an index, and written: 2 is left.
    run(&mut connection, "SELECT v FROM t WHERE id = 1; UPDATE t SET v = 30 WHERE id = 3");
    run(&mut connection, "INSERT INTO t VALUES (4, 4)");
    assert_eq!(run(&mut connection, "SELECT id FROM t ORDER BY id"), ["1", "3", "4"]);
    run(&mut connection, "BEGIN; INSERT INTO t VALUES (5, 5), (6, 6)");
    assert_eq!(run(&mut connection, "SELECT id FROM t ORDER BY id"), ["4", "5", "6"]);
    let mut other = connect(&server, "postgres");
    assert_eq!(run(&mut other, "SELECT id FROM t ORDER BY id"), ["1", "3", "4"]);
    run(&mut connection, "ROLLBACK");
    assert_eq!(run(&mut connection, "SELECT id FROM t ORDER BY id"), ["1", "3", "4"]);
    run(&mut connection, "INSERT INTO t SELECT g, g FROM generate_series(10, 1000) g");
    assert_eq!(run(&mut connection, "SELECT id FROM t ORDER BY id"), ["998", "999", "1000"]);
    run(&mut connection, "ALTER TABLE t SET (max_rows = 1)");
    wait_until("room", || run(&mut connection, "SELECT count(*) FROM t") == ["1"]);
    run(&mut connection, "ALTER TABLE t RESET (max_rows); INSERT INTO t SELECT generate_series(2000, 2009)");
    assert_eq!(run(&mut connection, "SELECT count(*) FROM t"), ["11"]);
    assert_eq!(run(&mut connection, "SELECT count(*) FROM dictdb.check_integrity()"), ["0"]);
}

#[test]
fn sessions_that_insert_at_once_keep_the_limit() {
    let (server, mut connection) = start();
    run(&mut connection, "CREATE TABLE t (id int PRIMARY KEY) WITH (max_rows = 50)");
    thread::scope(|scope| {
        for client in 0..8 {
            let server = &server;
            scope.spawn(move || {
                let mut connection = connect(server, "postgres");
                for number in 0..100 {
                    run(&mut connection, &format!("INSERT INTO t VALUES ({})", client * 1000 + number));
                }
            });
        }
    });
    wait_until("the limit", || run(&mut connection, "SELECT count(*) FROM t") == ["50"]);
    assert_eq!(run(&mut connection, "SELECT count(*) FROM dictdb.check_integrity()"), ["0"]);
}

#[test]
fn both_are_storage_parameters() {
    let (_server, mut connection) = start();
    run(&mut connection, "CREATE TABLE t (id int) WITH (ttl = '10s', max_rows = 1000, fillfactor = 70)");
    let options = "SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE relname = 't'";
    assert_eq!(run(&mut connection, options), ["ttl=10s, max_rows=1000, fillfactor=70"]);
    assert_eq!(
        run(
            &mut connection,
            "SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 AND NOT attisdropped"
        ),
        ["id"]
    );
    run(&mut connection, "ALTER TABLE t RESET (ttl, fillfactor)");
    assert_eq!(run(&mut connection, options), ["max_rows=1000"]);
    for (sql, code) in [
        ("CREATE TABLE bad (id int) WITH (ttl = 'soon')", "22023"),
        ("CREATE TABLE bad (id int) WITH (ttl = '-1s')", "22023"),
        ("CREATE TABLE bad (id int) WITH (max_rows = 0)", "22023"),
        ("CREATE TABLE bad (id int) PARTITION BY RANGE (id) WITH (ttl = '1s')", "22023"),
        ("CREATE TABLE bad () INHERITS (t)", "0A000"),
        ("CREATE MATERIALIZED VIEW bad WITH (ttl = '1s') AS SELECT 1", "0A000"),
    ] {
        refused(&mut connection, sql, code);
    }
}

#[test]
fn foreign_keys_do_not_refer_to_rows_that_go() {
    let (_server, mut connection) = start();
    run(
        &mut connection,
        "CREATE TABLE session (id int PRIMARY KEY) WITH (ttl = '1 hour'); CREATE TABLE plain (id int PRIMARY KEY)",
    );
    refused(&mut connection, "CREATE TABLE child (s int REFERENCES session)", "0A000");
    run(&mut connection, "CREATE TABLE child (p int REFERENCES plain) WITH (ttl = '1 hour')");
    refused(&mut connection, "ALTER TABLE plain SET (max_rows = 5)", "0A000");
    refused(&mut connection, "INSERT INTO child VALUES (1)", "23503");
}

#[test]
fn a_table_that_has_rows_may_be_given_a_ttl() {
    let (_server, mut connection) = start();
    while_it_lasts(Duration::from_secs(1), |time| {
        run(&mut connection, "DROP TABLE IF EXISTS t; CREATE TABLE t (id int, gone int, v text)");
        run(&mut connection, "ALTER TABLE t DROP COLUMN gone; INSERT INTO t VALUES (1, 'a'), (2, 'b')");
        let begun = Instant::now();
        run(&mut connection, &format!("ALTER TABLE t SET ({})", ttl(time)));
        run(&mut connection, "ALTER TABLE t ADD COLUMN w int DEFAULT 7; ALTER TABLE t ALTER id TYPE bigint");
        (begun, expect(&mut connection, "SELECT * FROM t ORDER BY id", &["1 | a | 7", "2 | b | 7"]))
    });
    wait_until("the end of its rows", || run(&mut connection, "SELECT * FROM t").is_empty());
    while_it_lasts(Duration::from_secs(1), |time| {
        run(&mut connection, "DROP TABLE IF EXISTS made");
        let begun = Instant::now();
        let make = format!("CREATE TABLE made WITH ({}) AS SELECT g AS id FROM generate_series(1, 3) g", ttl(time));
        run(&mut connection, &make);
        (begun, expect(&mut connection, "SELECT count(*) FROM made", &["3"]))
    });
    wait_until("the end of its rows", || run(&mut connection, "SELECT count(*) FROM made") == ["0"]);
    while_it_lasts(Duration::from_secs(1), |time| {
        run(&mut connection, &format!("ALTER TABLE t SET ({})", ttl(time)));
        let begun = Instant::now();
        run(&mut connection, "INSERT INTO t VALUES (3, 'c', 1); ALTER TABLE t RESET (ttl)");
        let is_in_time = begun.elapsed() < time;
        // Long enough for a row that expires to be reclaimed.
        thread::sleep(time * 2);
        let found = expect(&mut connection, "SELECT * FROM t", &["3 | c | 1"]);
        (if is_in_time { Instant::now() } else { begun }, found)
    });
}

#[test]
fn rows_do_not_come_back_when_they_may_live_longer() {
    let (_server, mut connection) = start();
    for change in ["RESET (ttl)", "SET (ttl = '1 day')"] {
        run(&mut connection, "CREATE TABLE t (id int PRIMARY KEY) WITH (ttl = '1 ms'); INSERT INTO t VALUES (1), (2)");
        wait_until("the end of its rows", || run(&mut connection, "SELECT * FROM t").is_empty());
        run(&mut connection, &format!("BEGIN; ALTER TABLE t {change}; ROLLBACK; ALTER TABLE t {change}"));
        assert!(run(&mut connection, "SELECT * FROM t").is_empty(), "{change}");
        run(&mut connection, "INSERT INTO t VALUES (1)");
        assert_eq!(run(&mut connection, "SELECT * FROM t; DROP TABLE t"), ["1"], "{change}");
    }
}

#[test]
fn when_rows_were_written_outlives_the_server() {
    let place = Place::new();
    let mut running = None;
    while_it_lasts(Duration::from_secs(4), |time| {
        let server = running.take().unwrap_or_else(|| place.start(&[]));
        let mut connection = connect(&server, "postgres");
        run(&mut connection, "DROP TABLE IF EXISTS t");
        run(&mut connection, &format!("CREATE TABLE t (id int PRIMARY KEY) WITH ({})", ttl(time)));
        let begun = Instant::now();
        run(&mut connection, "INSERT INTO t VALUES (1); CHECKPOINT; INSERT INTO t VALUES (2)");
        drop(connection);
        server.kill().expect("it ends");
        let server = running.insert(place.start(&[]));
        let mut connection = connect(server, "postgres");
        let found = expect(&mut connection, "SELECT id FROM t ORDER BY id", &["1", "2"]);
        if found.is_ok() {
            thread::sleep(time.saturating_sub(begun.elapsed()));
            wait_until("their end", || run(&mut connection, "SELECT id FROM t").is_empty());
        }
        (begun, found)
    });
}
