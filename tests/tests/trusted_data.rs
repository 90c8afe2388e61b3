//! Data that is taken without validation, and the check that finds what should not have been taken.

use dictdb_tests::place::{run, try_run};
use dictdb_tests::server::Server;
use dictdb_tests::wire::Connection;

const SETUP: &str = "
    CREATE TABLE parent (id int PRIMARY KEY);
    CREATE TABLE child (
        id int PRIMARY KEY,
        parent int REFERENCES parent,
        owner int REFERENCES parent ON DELETE CASCADE,
        amount int CONSTRAINT positive CHECK (amount > 0),
        name text NOT NULL
    );
    CREATE INDEX ON child USING hash (name);
    INSERT INTO parent VALUES (1), (2), (3);
    CREATE ROLE plain LOGIN;
    GRANT ALL ON parent, child TO plain";

fn start() -> (Server, Connection) {
    let server = Server::dictdb().expect("DictDB starts");
    let mut connection = Connection::open(server.port, "postgres", "postgres").expect("DictDB answers");
    run(&mut connection, SETUP);
    (server, connection)
}

fn refused(connection: &mut Connection, sql: &str, code: &str) {
    let error = try_run(connection, sql).expect_err(sql);
    assert!(error.contains(code), "{sql}: {error}");
}

#[test]
fn trusted_rows_are_not_held_against_checks_and_foreign_keys() {
    let (_server, mut connection) = start();
    run(&mut connection, "SET dictdb.skip_validation = on");
    run(&mut connection, "INSERT INTO child VALUES (1, 9, 9, -1, 'a'), (2, 1, 3, 1, 'b')");
    run(&mut connection, "UPDATE child SET amount = -2 WHERE id = 2");
    run(&mut connection, "DELETE FROM parent WHERE id = 1");
    run(&mut connection, "UPDATE parent SET id = 20 WHERE id = 2");
    refused(&mut connection, "INSERT INTO child VALUES (3, 1, 1, 1, NULL)", "23502");
    refused(&mut connection, "INSERT INTO child VALUES (1, 1, 1, 1, 'c')", "23505");
    refused(&mut connection, "INSERT INTO child VALUES (4, 1, 1, 'x', 'c')", "22P02");
    // What follows from a deletion is no validation.
    run(&mut connection, "DELETE FROM parent WHERE id = 3");
    assert_eq!(run(&mut connection, "SELECT id, amount FROM child ORDER BY id"), ["1 | -1"]);
    run(&mut connection, "RESET dictdb.skip_validation");
    refused(&mut connection, "INSERT INTO child VALUES (3, 9, NULL, 1, 'c')", "23503");
    refused(&mut connection, "UPDATE child SET amount = -3", "23514");
}

#[test]
fn only_superusers_skip_validation_and_check_integrity() {
    let (server, _connection) = start();
    let mut plain = Connection::open(server.port, "plain", "postgres").expect("DictDB answers");
    refused(&mut plain, "SET dictdb.skip_validation = on", "42501");
    refused(&mut plain, "SELECT * FROM dictdb.check_integrity()", "42501");
    refused(&mut plain, "INSERT INTO child VALUES (1, 9, NULL, 1, 'a')", "23503");
}

#[test]
fn the_check_finds_what_was_taken_on_trust() {
    let (_server, mut connection) = start();
    let check = "SELECT * FROM dictdb.check_integrity() ORDER BY object, detail";
    assert_eq!(run(&mut connection, check), Vec::<String>::new());
    let trusted = "SET dictdb.skip_validation = on; INSERT INTO child VALUES (1, 9, NULL, -1, 'a'), (2, 1, 8, 1, 'b')";
    run(&mut connection, trusted);
    assert_eq!(
        run(&mut connection, check),
        [
            "child_owner_fkey of public.child | foreign key | row (0,2) breaks it",
            "child_parent_fkey of public.child | foreign key | row (0,1) breaks it",
            "positive of public.child | check | row (0,1) breaks it",
        ]
    );
}

#[test]
fn the_check_sees_one_snapshot_and_changes_nothing() {
    let (server, mut connection) = start();
    run(&mut connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1 FROM parent LIMIT 1");
    let mut other = Connection::open(server.port, "postgres", "postgres").expect("DictDB answers");
    run(&mut other, "SET dictdb.skip_validation = on; INSERT INTO child VALUES (1, 9, NULL, -1, 'a')");
    let check = "SELECT count(*) FROM dictdb.check_integrity()";
    assert_eq!(run(&mut connection, check), ["0"]);
    run(&mut connection, "COMMIT");
    assert_eq!(run(&mut connection, check), ["2"]);
}
