//! CREATE DATABASE … TEMPLATE, CREATE SNAPSHOT and RESET DATABASE: what a clone has, who may make one, what a crash leaves, and what
//! sessions notice.

use std::sync::atomic::{AtomicBool, Ordering};

use dictdb_tests::message::Message;
use dictdb_tests::server::{Server, fresh_directory};
use dictdb_tests::wire::Connection;

fn connect(server: &Server, user: &str, database: &str) -> Connection {
    Connection::open(server.port, user, database).expect("the server answers")
}

/// Rows of a query string, or the SQLSTATE of its error.
fn attempt(connection: &mut Connection, sql: &str) -> Result<Vec<String>, String> {
    let messages = connection.query(sql).expect("the server answers");
    match messages.iter().find(|message| message.tag == b'E') {
        Some(error) => Err(error.field(b'C').unwrap_or_default()),
        None => Ok(messages.iter().filter(|message| message.tag == b'D').filter_map(Message::shown).collect()),
    }
}

fn run(connection: &mut Connection, sql: &str) -> Vec<String> {
    attempt(connection, sql).unwrap_or_else(|code| panic!("{sql}: {code}"))
}

fn code(connection: &mut Connection, sql: &str) -> String {
    attempt(connection, sql).expect_err(sql)
}

const SETUP: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE TABLE t (id serial PRIMARY KEY, v text, m mood DEFAULT 'ok', p point);
    CREATE INDEX ON t (lower(v));
    CREATE INDEX ON t USING hash (v);
    CREATE INDEX ON t USING gin (to_tsvector('simple', v));
    CREATE INDEX ON t USING gist (p);
    CREATE TABLE child (t int REFERENCES t ON DELETE CASCADE);
    CREATE VIEW shown AS SELECT id, upper(v) AS v FROM t;
    CREATE MATERIALIZED VIEW counted AS SELECT 1 AS n;
    CREATE FUNCTION mark() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.v := NEW.v || '!'; RETURN NEW; END $$;
    CREATE TRIGGER marks BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION mark();
    CREATE TEMP TABLE fleeting (x int);
    COMMENT ON TABLE t IS 'a table';
    CREATE ROLE reader;
    GRANT SELECT ON t TO reader;
    INSERT INTO t (v, p) SELECT 'v' || i, point(i, i) FROM generate_series(1, 6000) i;
    INSERT INTO child VALUES (1), (2);
    SELECT lo_from_bytea(70000, 'large');
    ALTER DATABASE postgres SET work_mem = '5MB';
";

/// The same of every database that begins as another one.
const LOOKED_AT: &str = "
    SELECT count(*), sum(id), min(v), max(m) FROM t;
    SELECT id, m FROM t WHERE v = 'v77!';
    SELECT id FROM t WHERE to_tsvector('simple', v) @@ 'v88';
    SELECT id FROM t WHERE p <@ box '((9.5,9.5),(10.5,10.5))';
    SELECT v FROM shown WHERE id = 5;
    SELECT count(*) FROM child;
    SELECT obj_description('t'::regclass), convert_from(lo_get(70000), 'UTF8'), has_table_privilege('reader', 't', 'SELECT');
";

#[test]
fn a_clone_has_everything_and_goes_its_own_way() {
    let server = Server::dictdb().expect("the server starts");
    let mut source = connect(&server, "postgres", "postgres");
    run(&mut source, SETUP);
    let mut open = connect(&server, "postgres", "postgres");
    run(&mut open, "BEGIN; UPDATE t SET v = 'open' WHERE id < 100; INSERT INTO t (v) VALUES ('open')");
    let before = run(&mut source, LOOKED_AT);
    run(&mut source, "CREATE DATABASE copy TEMPLATE postgres");
    run(&mut open, "COMMIT");
    run(&mut source, "DELETE FROM t WHERE id > 3000; ALTER TABLE t ADD COLUMN extra int DEFAULT 7; DROP VIEW shown");
    let mut copy = connect(&server, "postgres", "copy");
    assert_eq!(run(&mut copy, LOOKED_AT), before);
    assert_eq!(run(&mut copy, "SHOW work_mem"), ["4MB"], "settings are of the database");
    assert_eq!(run(&mut copy, "SELECT to_regclass('pg_temp.fleeting') IS NULL"), ["t"]);
    // Its keys, references, triggers and sequences are its own.
    assert_eq!(code(&mut copy, "INSERT INTO t (id, v) VALUES (77, 'x')"), "23505");
    assert_eq!(code(&mut copy, "INSERT INTO child VALUES (70000)"), "23503");
    // The open transaction had drawn one value.
    assert_eq!(run(&mut copy, "INSERT INTO t (v) VALUES ('new') RETURNING id, v"), ["6002 | new!"]);
    assert_eq!(run(&mut source, "INSERT INTO t (v) VALUES ('other') RETURNING id, v, extra"), ["6002 | other! | 7"]);
    let changes =
        ["DELETE FROM t WHERE id = 1", "VACUUM", "DROP TABLE child", "UPDATE t SET v = v || '?' WHERE id = 4000"];
    changes.into_iter().for_each(|sql| drop(run(&mut copy, sql)));
    assert_eq!(run(&mut source, "SELECT count(*) FROM child"), ["2"]);
    assert_eq!(run(&mut copy, "SELECT v FROM t WHERE id = 4000"), ["v4000!?"]);
    // The source goes, the clone stays.
    let mut admin = connect(&server, "postgres", "template1");
    drop((source, open));
    run(&mut admin, "DROP DATABASE postgres WITH (FORCE)");
    assert_eq!(run(&mut copy, "SELECT count(*), sum(id) FROM t"), ["6000 | 18009001"]);
}

#[test]
fn templates_are_there_and_guarded() {
    let server = Server::dictdb().expect("the server starts");
    let mut admin = connect(&server, "postgres", "postgres");
    let listed = "SELECT oid, datname, datistemplate, datallowconn FROM pg_database ORDER BY oid";
    assert_eq!(run(&mut admin, listed), ["1 | template1 | t | t", "4 | template0 | t | f", "5 | postgres | f | t"]);
    assert!(Connection::open(server.port, "postgres", "template0").is_err());
    run(&mut connect(&server, "postgres", "template1"), "CREATE TABLE inherited (x int)");
    run(&mut admin, "CREATE DATABASE one");
    run(&mut admin, "CREATE DATABASE two TEMPLATE template0");
    run(&mut connect(&server, "postgres", "one"), "SELECT * FROM inherited");
    assert_eq!(code(&mut connect(&server, "postgres", "two"), "SELECT * FROM inherited"), "42P01");
    assert_eq!(code(&mut admin, "DROP DATABASE template1"), "42809");
    run(&mut admin, "ALTER DATABASE one IS_TEMPLATE true ALLOW_CONNECTIONS false");
    assert!(Connection::open(server.port, "postgres", "one").is_err());
    assert_eq!(code(&mut admin, "DROP DATABASE one"), "42809");
    run(&mut admin, "CREATE ROLE maker LOGIN CREATEDB");
    run(&mut connect(&server, "maker", "postgres"), "CREATE DATABASE three TEMPLATE one");
    run(&mut connect(&server, "maker", "three"), "SELECT 1 FROM pg_class WHERE relname = 'inherited'");
}

#[test]
fn snapshots_are_listed_guarded_and_gone_with_their_database() {
    let server = Server::dictdb().expect("the server starts");
    let mut admin = connect(&server, "postgres", "postgres");
    run(&mut admin, "CREATE ROLE maker LOGIN CREATEDB");
    run(&mut admin, "CREATE ROLE other LOGIN");
    let mut maker = connect(&server, "maker", "postgres");
    let mut other = connect(&server, "other", "postgres");
    assert_eq!(code(&mut other, "CREATE DATABASE o"), "42501");
    assert_eq!(code(&mut maker, "CREATE DATABASE d TEMPLATE postgres"), "42501");
    assert_eq!(code(&mut maker, "CREATE DATABASE d TEMPLATE nowhere"), "3D000");
    assert_eq!(code(&mut maker, "CREATE DATABASE d OWNER postgres"), "42501");
    run(&mut maker, "CREATE DATABASE d");
    assert_eq!(code(&mut maker, "CREATE DATABASE d"), "42P04");
    run(&mut maker, "CREATE SNAPSHOT s OF DATABASE d");
    assert_eq!(code(&mut maker, "CREATE SNAPSHOT s OF DATABASE d"), "42710");
    assert_eq!(code(&mut maker, "CREATE SNAPSHOT postgres_now"), "42501");
    assert_eq!(code(&mut maker, "CREATE SNAPSHOT x OF DATABASE nowhere"), "3D000");
    assert_eq!(code(&mut maker, "RESET DATABASE d TO SNAPSHOT nothing"), "42704");
    assert_eq!(code(&mut maker, "RESET DATABASE postgres TO SNAPSHOT s"), "42501");
    for sql in ["DROP SNAPSHOT s", "RESET DATABASE d TO SNAPSHOT s", "CREATE SNAPSHOT y OF DATABASE d"] {
        assert_eq!(code(&mut other, sql), "42501");
    }
    assert_eq!(code(&mut maker, "BEGIN; RESET DATABASE d TO SNAPSHOT s"), "25001");
    run(&mut maker, "ROLLBACK");
    let listed = "SELECT name, database, owner, created_at <= now(), size >= 0 FROM dictdb.snapshots";
    assert_eq!(run(&mut admin, listed), ["s | d | maker | t | t"]);
    assert_eq!(run(&mut admin, "SELECT count(*) FROM pg_database WHERE datname = 's'"), ["0"]);
    assert!(Connection::open(server.port, "postgres", "s").is_err(), "nobody connects to a snapshot");
    assert_eq!(code(&mut admin, "DROP SNAPSHOT t"), "42704");
    run(&mut admin, "DROP SNAPSHOT IF EXISTS t");
    run(&mut maker, "DROP DATABASE d");
    assert_eq!(run(&mut admin, listed), [""; 0]);
}

#[test]
fn sessions_stay_when_their_database_is_reset() {
    let server = Server::dictdb().expect("the server starts");
    let mut admin = connect(&server, "postgres", "postgres");
    run(&mut admin, "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'one')");
    run(&mut admin, "CREATE SNAPSHOT s");
    let mut writer = connect(&server, "postgres", "postgres");
    let mut reader = connect(&server, "postgres", "postgres");
    run(&mut writer, "PREPARE by_id(int) AS SELECT v FROM t WHERE id = $1");
    run(&mut writer, "BEGIN; SAVEPOINT a; INSERT INTO t VALUES (2, 'two'); LOCK TABLE t");
    run(&mut reader, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM pg_class LIMIT 1");
    run(&mut admin, "ALTER DATABASE postgres RESET ALL; CREATE TABLE later (x int)");
    run(&mut admin, "RESET DATABASE postgres TO SNAPSHOT s");
    // What the others held is free at once.
    run(&mut admin, "SET lock_timeout = '5s'; ALTER TABLE t ADD COLUMN w int; SELECT * FROM t");
    assert_eq!(code(&mut writer, "SELECT * FROM t"), "40001");
    assert_eq!(code(&mut writer, "ROLLBACK TO a"), "3B001");
    run(&mut writer, "ROLLBACK");
    assert_eq!(code(&mut reader, "COMMIT"), "40001");
    run(&mut reader, "ROLLBACK");
    assert_eq!(run(&mut writer, "EXECUTE by_id(1)"), ["one"]);
    assert_eq!(run(&mut writer, "EXECUTE by_id(2)"), [""; 0]);
    assert_eq!(code(&mut reader, "SELECT * FROM later"), "42P01");
    for round in 0..50 {
        run(&mut writer, &format!("INSERT INTO t VALUES ({}, 'x'); CREATE TABLE n{round} (x int)", round + 10));
        run(&mut admin, "RESET DATABASE postgres TO SNAPSHOT s");
        assert_eq!(run(&mut writer, "SELECT count(*) FROM t"), ["1"]);
    }
}

/// Whoever finds a database just before it is dropped commits nothing in it, so that the log does not speak of what is gone.
#[test]
fn databases_are_dropped_while_others_come() {
    let directory = fresh_directory().expect("a directory");
    let data = directory.join("data");
    let start = || Server::dictdb_on(&data, &["-c", "fsync=off"]).expect("the server starts");
    let server = start();
    let mut admin = connect(&server, "postgres", "postgres");
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for user in 0..4 {
            let (port, is_done) = (server.port, &is_done);
            scope.spawn(move || {
                while !is_done.load(Ordering::Relaxed) {
                    let Ok(mut connection) = Connection::open(port, "postgres", "passing") else { continue };
                    // The session may be ended at any time.
                    let _ = connection.query(&format!("CREATE TABLE t{user} (n int); INSERT INTO t{user} VALUES (1)"));
                    let _ = connection.query(&format!("CREATE DATABASE of_{user} TEMPLATE passing"));
                    let _ = connection.query(&format!("DROP DATABASE of_{user}; INSERT INTO t{user} VALUES (2)"));
                }
            });
        }
        let dropped: Result<(), String> = (0..60).try_for_each(|_| {
            attempt(&mut admin, "CREATE DATABASE passing")?;
            attempt(&mut admin, "DROP DATABASE passing WITH (FORCE)").map(drop)
        });
        is_done.store(true, Ordering::Relaxed);
        assert_eq!(dropped, Ok(()));
    });
    server.kill().expect("it was running");
    let server = start();
    let mut admin = connect(&server, "postgres", "postgres");
    assert_eq!(run(&mut admin, "SELECT count(*) FROM pg_database WHERE datname = 'passing'"), ["0"]);
    assert_eq!(run(&mut admin, "SELECT count(*) FROM dictdb.check_integrity()"), ["0"]);
    let _ = std::fs::remove_dir_all(directory);
}

/// What has been prepared can be committed, whatever others ask for, and also after a crash.
#[test]
fn a_database_with_prepared_transactions_is_not_reset() {
    let directory = fresh_directory().expect("a directory");
    let data = directory.join("data");
    let start = || Server::dictdb_on(&data, &["-c", "max_prepared_transactions=4"]).expect("the server starts");
    let server = start();
    let mut admin = connect(&server, "postgres", "postgres");
    let reset = "RESET DATABASE postgres TO SNAPSHOT s";
    run(&mut admin, "CREATE TABLE t (n int)");
    run(&mut admin, "CREATE SNAPSHOT s");
    run(&mut admin, "BEGIN; INSERT INTO t VALUES (1); CREATE TABLE made (n int); PREPARE TRANSACTION 'one'");
    assert_eq!(code(&mut admin, reset), "55006");
    server.kill().expect("it was running");
    let server = start();
    let mut admin = connect(&server, "postgres", "postgres");
    assert_eq!(code(&mut admin, reset), "55006");
    run(&mut admin, "COMMIT PREPARED 'one'");
    assert_eq!(run(&mut admin, "SELECT count(*) FROM t, pg_class WHERE relname = 'made'"), ["1"]);
    // A transaction that is open when its database is reset cannot be prepared.
    let mut open = connect(&server, "postgres", "postgres");
    run(&mut open, "BEGIN; CREATE TABLE other (n int)");
    run(&mut admin, reset);
    assert_eq!(code(&mut open, "PREPARE TRANSACTION 'two'"), "40001");
    run(&mut open, "ROLLBACK");
    assert_eq!(run(&mut admin, "SELECT gid FROM pg_prepared_xacts"), [""; 0]);
    server.kill().expect("it was running");
    let server = start();
    let tables = "SELECT relname FROM pg_class WHERE oid >= 16384 AND relkind = 'r'";
    assert_eq!(run(&mut connect(&server, "postgres", "postgres"), tables), ["t"]);
    let _ = std::fs::remove_dir_all(directory);
}

/// The size of the newest checkpoint in a data directory.
fn checkpoint_bytes(data: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(data.join("checkpoint")).expect("there are checkpoints").flatten();
    let newest = entries.max_by_key(|entry| entry.file_name()).expect("there is one");
    newest.metadata().expect("it is there").len()
}

#[test]
fn a_checkpoint_has_the_rows_that_databases_share_once() {
    let directory = fresh_directory().expect("a directory");
    let data = directory.join("data");
    let start = || Server::dictdb_on(&data, &[]).expect("the server starts");
    let server = start();
    let mut source = connect(&server, "postgres", "postgres");
    run(&mut source, "CREATE TABLE t (id int PRIMARY KEY, v text, gone int); CREATE TABLE empty (n int)");
    run(&mut source, "INSERT INTO t SELECT i, repeat(md5(i::text), 4), i FROM generate_series(1, 40000) i");
    run(&mut source, "DELETE FROM t WHERE id % 100 = 7; CHECKPOINT");
    let alone = checkpoint_bytes(&data);
    let look = "SELECT count(*), sum(id), md5(string_agg(v, '' ORDER BY id)) FROM t";
    let before = run(&mut source, look);
    run(&mut source, "CREATE SNAPSHOT s");
    // Clones of the database and of a clone: one is never looked at, one is read, one is changed.
    for name in ["unread", "changed"] {
        run(&mut source, &format!("CREATE DATABASE {name} TEMPLATE postgres"));
    }
    run(&mut source, "CREATE DATABASE read TEMPLATE unread");
    assert_eq!(run(&mut connect(&server, "postgres", "read"), look), before);
    run(&mut connect(&server, "postgres", "changed"), "UPDATE t SET v = 'changed' WHERE id = 20000");
    let changed = run(&mut connect(&server, "postgres", "changed"), look);
    run(&mut source, "CHECKPOINT");
    // Two blocks of each that differs: the row's, and where the new version went at most.
    let shared = checkpoint_bytes(&data);
    assert!(shared < alone + alone / 2, "{shared} after {alone}");
    server.kill().expect("it was running");
    for round in 0..3 {
        let server = start();
        let mut source = connect(&server, "postgres", "postgres");
        for (name, expected) in [("postgres", &before), ("unread", &before), ("read", &before), ("changed", &changed)] {
            // What is not looked at stays shared in another way.
            if round > 0 || name != "unread" {
                assert_eq!(&run(&mut connect(&server, "postgres", name), look), expected, "{name}, round {round}");
            }
        }
        run(&mut source, "CHECKPOINT");
        let again = checkpoint_bytes(&data);
        assert!(again < alone + alone / 2, "{again} after {alone}, round {round}");
        if round == 1 {
            // The one that the others have their rows from is written anew: they keep them.
            run(&mut source, "UPDATE t SET v = 'new'");
            run(&mut source, "RESET DATABASE postgres TO SNAPSHOT s");
            assert_eq!(run(&mut source, look), before);
        }
        if round == 2 {
            let mut unread = connect(&server, "postgres", "unread");
            run(&mut source, "DELETE FROM t");
            run(&mut source, "DROP SNAPSHOT s");
            run(&mut unread, "ALTER TABLE t DROP COLUMN gone; INSERT INTO t VALUES (50000, 'x')");
            run(&mut unread, "CHECKPOINT");
        }
        server.kill().expect("it was running");
    }
    let server = start();
    assert_eq!(run(&mut connect(&server, "postgres", "postgres"), "SELECT count(*) FROM t"), ["0"]);
    assert_eq!(run(&mut connect(&server, "postgres", "unread"), "SELECT count(*), max(id) FROM t"), ["39601 | 50000"]);
    assert_eq!(run(&mut connect(&server, "postgres", "read"), look), before);
    let _ = std::fs::remove_dir_all(directory);
}

#[test]
fn clones_and_resets_outlive_a_crash() {
    let directory = fresh_directory().expect("a directory");
    let data = directory.join("data");
    let start = || Server::dictdb_on(&data, &[]).expect("the server starts");
    let server = start();
    let mut source = connect(&server, "postgres", "postgres");
    run(&mut source, SETUP);
    let before = run(&mut source, LOOKED_AT);
    run(&mut source, "CREATE SNAPSHOT s");
    run(&mut source, "CREATE DATABASE copy TEMPLATE postgres");
    run(&mut source, "TRUNCATE t CASCADE");
    run(&mut connect(&server, "postgres", "copy"), "DELETE FROM child");
    server.kill().expect("it was running");
    for is_checkpointed in [false, true] {
        let server = start();
        let mut source = connect(&server, "postgres", "postgres");
        let mut copy = connect(&server, "postgres", "copy");
        assert_eq!(
            run(&mut copy, "SELECT count(*), sum(id) FROM t; SELECT count(*) FROM child"),
            ["6000 | 18003000", "0"]
        );
        assert_eq!(run(&mut copy, "SELECT id FROM t WHERE to_tsvector('simple', v) @@ 'v88'"), ["88"]);
        assert_eq!(run(&mut source, "SELECT count(*) FROM t"), ["0"]);
        run(&mut source, "RESET DATABASE postgres TO SNAPSHOT s");
        assert_eq!(run(&mut source, LOOKED_AT), before);
        run(&mut source, "DELETE FROM t");
        if is_checkpointed {
            break;
        }
        run(&mut source, "CHECKPOINT");
        server.kill().expect("it was running");
    }
    let _ = std::fs::remove_dir_all(directory);
}

/// A block that never had a row that was committed is shared like others.
#[test]
fn blocks_without_rows_are_shared() {
    let directory = fresh_directory().expect("a directory");
    let data = directory.join("data");
    let start = || Server::dictdb_on(&data, &[]).expect("the server starts");
    let server = start();
    let mut source = connect(&server, "postgres", "postgres");
    run(&mut source, "CREATE TABLE t (n int); BEGIN; INSERT INTO t VALUES (1); DELETE FROM t; COMMIT");
    server.kill().expect("it was running");
    let server = start();
    let mut source = connect(&server, "postgres", "postgres");
    run(&mut source, "CREATE DATABASE copy TEMPLATE postgres");
    run(&mut connect(&server, "postgres", "copy"), "SELECT * FROM t");
    ["CHECKPOINT", "CHECKPOINT"].into_iter().for_each(|sql| drop(run(&mut source, sql)));
    server.kill().expect("it was running");
    let server = start();
    for database in ["postgres", "copy"] {
        let added = run(&mut connect(&server, "postgres", database), "INSERT INTO t VALUES (2); SELECT * FROM t");
        assert_eq!(added, ["2"], "{database}");
    }
    drop(server);
    let _ = std::fs::remove_dir_all(directory);
}
