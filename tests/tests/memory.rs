//! `max_memory`: what would pass it fails with 53200, and everything else goes on.

use dictdb_tests::patience::wait_until;
use dictdb_tests::place::{Place, connect, run, try_run};
use dictdb_tests::server::Server;
use dictdb_tests::wire::Connection;

fn start() -> (Server, Connection) {
    let server = Server::dictdb_with(&["-c", "max_memory=48MB"], "").expect("DictDB starts");
    let connection = connect(&server, "postgres");
    (server, connection)
}

fn is_out_of_memory(connection: &mut Connection, sql: &str) {
    let error = try_run(connection, sql).expect_err(sql);
    assert!(error.starts_with("53200"), "{sql}: {error}");
}

#[test]
fn the_default_is_shown_as_what_it_comes_to() {
    let server = Server::dictdb().expect("DictDB starts");
    let mut connection = connect(&server, "postgres");
    assert_eq!(
        run(&mut connection, "SELECT setting::int > 16, source FROM pg_settings WHERE name = 'max_memory'"),
        ["t | default"]
    );
    let (_server, mut connection) = start();
    assert_eq!(run(&mut connection, "SHOW max_memory"), ["48MB"]);
}

#[test]
fn statements_that_compute_too_much_fail_alone() {
    let (_server, mut connection) = start();
    let wide = "SELECT g, repeat('x', 1000) || g AS t FROM generate_series(1, 200000) g";
    for sql in [
        format!("SELECT count(*) FROM ({wide}) a JOIN ({wide}) b USING (t)"),
        format!("SELECT count(*) FROM (SELECT DISTINCT t FROM ({wide}) w) d"),
        format!("SELECT t FROM ({wide}) w ORDER BY t"),
        format!("SELECT length(string_agg(t, '')) FROM ({wide}) w"),
        format!("SELECT cardinality(array_agg(t)) FROM ({wide}) w"),
        "WITH RECURSIVE r (n, t) AS (SELECT 1, repeat('x', 1000) UNION ALL SELECT n + 1, t FROM r WHERE n < 200000) \
         SELECT count(*) FROM r"
            .to_owned(),
    ] {
        is_out_of_memory(&mut connection, &sql);
        assert_eq!(
            run(&mut connection, "SELECT count(*) FROM (SELECT g FROM generate_series(1, 10) g ORDER BY g) s"),
            ["10"]
        );
    }
}

#[test]
fn tables_do_not_grow_beyond_it_and_transactions_stay_whole() {
    let (server, mut connection) = start();
    run(
        &mut connection,
        "CREATE TABLE t (id int PRIMARY KEY, v text); BEGIN; INSERT INTO t VALUES (0, 'kept'); SAVEPOINT s",
    );
    let fill = "INSERT INTO t SELECT g, repeat('x', 1000) FROM generate_series(1, 100000) g";
    is_out_of_memory(&mut connection, fill);
    run(&mut connection, "ROLLBACK TO s; INSERT INTO t VALUES (-1, 'too'); COMMIT");
    assert_eq!(run(&mut connection, "SELECT id, v FROM t ORDER BY id"), ["-1 | too", "0 | kept"]);
    // Little by little it fills up as well.
    let mut filled = 0;
    let error = loop {
        let (from, to) = (filled * 1000 + 1, (filled + 1) * 1000);
        let chunk = format!("INSERT INTO t SELECT g, repeat('x', 1000) FROM generate_series({from}, {to}) g");
        match try_run(&mut connection, &chunk) {
            Ok(_) => filled += 1,
            Err(error) => break error,
        }
        assert!(filled < 100, "it does not fill up");
    };
    assert!(error.starts_with("53200"), "{error}");
    assert!(filled > 10, "{filled} thousand rows");
    let mut other = connect(&server, "postgres");
    is_out_of_memory(&mut other, "UPDATE t SET v = v || 'y'");
    assert_eq!(run(&mut other, "SELECT count(*) FROM t"), [(filled * 1000 + 2).to_string()], "it can be looked at");
    run(&mut other, "DELETE FROM t WHERE id > 0; VACUUM");
    // What was deleted is given back a little later.
    let again = "INSERT INTO t SELECT g, repeat('x', 1000) FROM generate_series(1, 5000) g";
    wait_until("room", || try_run(&mut other, again).is_ok());
    assert_eq!(run(&mut other, "SELECT count(*) FROM t"), ["5002"]);
    assert_eq!(run(&mut other, "SELECT count(*) FROM dictdb.check_integrity()"), ["0"]);
}

/// A restored database counts while it is built; when there is no room for it nothing is left of it.
#[test]
fn a_restore_does_not_grow_beyond_it() {
    let place = Place::new();
    let server = place.start(&["-c", "max_memory=48MB"]);
    let mut connection = connect(&server, "postgres");
    run(
        &mut connection,
        "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT g, repeat('x', 1000) FROM generate_series(1, 26000) g;
         BACKUP FULL; SET backup_format = arrow; BACKUP FULL",
    );
    for file in place.files() {
        is_out_of_memory(&mut connection, &format!("RESTORE FROM '{file}' INTO DATABASE other"));
        assert_eq!(run(&mut connection, "SELECT count(*) FROM pg_database WHERE datname = 'other'"), ["0"], "{file}");
    }
    run(&mut connection, "DROP TABLE t");
    for file in place.files() {
        let restore = format!("RESTORE FROM '{file}' INTO DATABASE other");
        wait_until("room", || try_run(&mut connection, &restore).is_ok());
        assert_eq!(run(&mut connect(&server, "other"), "SELECT count(*) FROM t"), ["26000"], "{file}");
        wait_until("nobody is there", || try_run(&mut connection, "DROP DATABASE other").is_ok());
    }
}
