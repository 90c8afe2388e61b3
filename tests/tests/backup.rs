//! Backups: every link of a chain restores the state it is of, damage is refused by name, failures are told of, and the original
//! Python package reads what is written.

use std::time::Duration;

use dictdb_tests::patience::wait_until;
use dictdb_tests::place::{Place, connect, run, try_run};
use dictdb_tests::random::Random;
use dictdb_tests::server::Server;
use dictdb_tests::wire::Connection;

const SETUP: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'very \"happy\"');
    CREATE TYPE pair AS (a int, b text);
    CREATE DOMAIN positive AS int CHECK (value > 0);
    CREATE SCHEMA \"odd.schema\";
    CREATE TABLE people (id serial PRIMARY KEY, name text NOT NULL, mood mood, score double precision, amount numeric, tags text[],
        doc jsonb, raw bytea, at timestamptz, span interval, p pair, r int4range, u uuid, age positive, c char(4), net inet, cls regclass);
    CREATE TABLE \"odd.schema\".\"t \"\"x\"\"\" (a int, \"b c\" text, v bigint, PRIMARY KEY (a, \"b c\"));
    CREATE TABLE keyless (a int, b text);
    CREATE INDEX ON people (lower(name));
    CREATE VIEW named AS SELECT id, name FROM people;
    CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS 'SELECT $1 * 2';
    COMMENT ON TABLE keyless IS 'it''s';
    CREATE TABLE rights (id int PRIMARY KEY, given aclitem[], one aclitem);
    INSERT INTO rights VALUES (1, '{postgres=arwdDxt/postgres,=r/postgres}', '=X/postgres');
    SELECT lo_from_bytea(7, 'large');
    GRANT SELECT ON LARGE OBJECT 7 TO PUBLIC;
    INSERT INTO people (name, mood, score, amount, tags, doc, raw, at, span, p, r, u, age, c, net, cls) VALUES
        (E'Ali\\tce \\\\ \"q\"', 'very \"happy\"', 'NaN', 'NaN', '{a,NULL,\"b\\\"\"}', '{\"x\": [1.50, null]}', '\\x00ff',
         '2024-02-29 12:00:00.000001+00', '1 mon -2 days 03:04:05.6', '(1,\"a,b\")', '[1,5)', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
         3, 'ab', '10.0.0.1/8', 'people'),
        ('-0', NULL, '-0', '-Infinity', '[2:3]={1,2}', 'null', '', '-infinity', '-1 mon +1 day', NULL, 'empty', NULL, NULL, NULL, '::1', NULL),
        ('', 'sad', 1e300, 12345678901234567890.1234567890000, '{}', '\"text\"', NULL, '0044-03-15 BC', NULL, '(,)', '(,)', NULL, 1, '', NULL, NULL);
";

const QUERIES: [&str; 10] = [
    "SELECT * FROM people ORDER BY id",
    "SELECT * FROM \"odd.schema\".\"t \"\"x\"\"\" ORDER BY 1, 2",
    "SELECT * FROM keyless ORDER BY a, b",
    "SELECT relname, relkind, relnatts FROM pg_class WHERE oid >= 16384 ORDER BY 1",
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE oid >= 16384 ORDER BY 1",
    "SELECT * FROM people_id_seq",
    "SELECT description FROM pg_description WHERE objoid >= 16384 ORDER BY 1",
    "SELECT given, one FROM rights",
    "SELECT lomacl, encode(lo_get(oid), 'escape') FROM pg_largeobject_metadata",
    "SELECT twice(21), count(*) FROM named WHERE lower(name) >= ''",
];

/// The one of these queries that asks for the state of a sequence.
const SEQUENCE: usize = 5;

fn state(connection: &mut Connection) -> Vec<Vec<String>> {
    let mut state: Vec<Vec<String>> = QUERIES.iter().map(|query| run(connection, query)).collect();
    for table in
        run(connection, "SELECT relname FROM pg_class WHERE relname LIKE 'extra%' AND relkind = 'r' ORDER BY 1")
    {
        state.push(run(connection, &format!("SELECT * FROM {table} t ORDER BY t")));
    }
    state
}

/// Statements of a random workload.
fn step(random: &mut Random, connection: &mut Connection) {
    for _ in 0..random.below(12) + 1 {
        let (a, b) = (random.below(40), random.below(40));
        let sql = match random.below(15) {
            0..=3 => format!("INSERT INTO people (name, mood, amount) VALUES ('n{a}', 'ok', {a}.{b:02})"),
            4 => format!("UPDATE people SET name = name || 'x', score = {b} WHERE id % 7 = {}", a % 7),
            5 => format!("DELETE FROM people WHERE id % 11 = {}", a % 11),
            6 => format!("UPDATE people SET id = id + 1000 WHERE id = {a}"),
            7 => format!("INSERT INTO \"odd.schema\".\"t \"\"x\"\"\" VALUES ({a}, 'k{b}', {a}) ON CONFLICT DO NOTHING"),
            8 => format!("UPDATE \"odd.schema\".\"t \"\"x\"\"\" SET \"b c\" = 'm' || v || '-{b}-' || a WHERE a = {a}"),
            9 => format!("INSERT INTO keyless SELECT g, 'r{b}' FROM generate_series(1, {a}) g"),
            10 => format!("DELETE FROM keyless WHERE a % 5 = {}", b % 5),
            11 => format!("UPDATE keyless SET b = b || 'u' WHERE a = {b}"),
            12 => format!("CREATE TABLE IF NOT EXISTS extra{} AS SELECT {b} AS x", a % 4),
            13 => format!("DROP TABLE IF EXISTS extra{}", a % 4),
            _ => format!("TRUNCATE keyless; COMMENT ON TABLE people IS 'c{a}'; VACUUM"),
        };
        // Some end in a unique violation, which changes nothing.
        for one in sql.split("; ") {
            let _ = try_run(connection, one);
        }
    }
}

#[test]
fn every_link_restores_the_state_it_is_of() {
    for seed in 1..=4 {
        let place = Place::new();
        let format = if seed % 2 == 0 { "backup_format=json" } else { "backup_format=arrow" };
        let server = place.start(&["-c", "max_deltas_before_full=5", "-c", format]);
        let mut connection = connect(&server, "postgres");
        run(&mut connection, SETUP);
        let mut random = Random::new(seed);
        let mut states: Vec<(String, Vec<Vec<String>>)> = Vec::new();
        for round in 0..9 {
            let command = if round == 0 { "BACKUP FULL" } else { "BACKUP DELTA" };
            let taken = run(&mut connection, command);
            if let Some(file) = place.files().last().filter(|_| !taken.is_empty()) {
                states.push((file.clone(), state(&mut connection)));
            }
            step(&mut random, &mut connection);
        }
        assert!(
            states.iter().filter(|(file, _)| file.starts_with("dictdb_delta_")).count() >= 4,
            "{:?}",
            place.files()
        );
        assert!(
            states.iter().filter(|(file, _)| file.starts_with("dictdb_backup_")).count() >= 2,
            "{:?}",
            place.files()
        );
        run(&mut connection, "VERIFY BACKUP ALL");
        for (file, expected) in &states {
            run(&mut connection, &format!("RESTORE FROM '{file}' INTO DATABASE other"));
            let mut other = connect(&server, "other");
            assert_eq!(&state(&mut other), expected, "seed {seed}: {file}");
        }
        // The newest in place, and again after the server has been killed.
        run(&mut connection, "RESTORE FROM LATEST");
        let (last, expected) = states.last().expect("backups");
        assert_eq!(&state(&mut connection), expected, "seed {seed}: latest is {last}");
        run(&mut connection, "INSERT INTO people (name) VALUES ('after')");
        let mut after = state(&mut connection);
        server.kill().expect("it ends");
        let server = place.start(&[]);
        let mut again = state(&mut connect(&server, "postgres"));
        // A sequence may have left out some numbers.
        drop([&mut after, &mut again].map(|state| state.remove(SEQUENCE)));
        assert_eq!(again, after, "seed {seed}: after a crash");
    }
}

#[test]
fn one_changed_byte_anywhere_is_refused() {
    let place = Place::new();
    let server = place.start(&[]);
    let mut connection = connect(&server, "postgres");
    run(&mut connection, SETUP);
    run(&mut connection, "BACKUP FULL; INSERT INTO people (name) VALUES ('more'); BACKUP DELTA");
    run(&mut connection, "SET backup_format = arrow; INSERT INTO keyless VALUES (1, 'x'); BACKUP DELTA; BACKUP FULL");
    let files = place.files();
    assert_eq!(files.iter().filter(|file| file.ends_with(".arrow")).count(), 2, "{files:?}");
    let before = state(&mut connection);
    let mut random = Random::new(7);
    for file in &files {
        let path = place.folder().join(file);
        let whole = std::fs::read(&path).expect("the file is there");
        let len = whole.len() as u64;
        let places = (0..40).map(|_| random.below(len)).chain([0, 5, len - 1, len - 2, len - 30, len - 80]);
        for at in places.collect::<Vec<_>>() {
            let mut damaged = whole.clone();
            damaged[at as usize] ^= 1 << random.below(7);
            std::fs::write(&path, &damaged).expect("it can be written");
            let commands =
                [format!("VERIFY BACKUP '{file}'"), format!("RESTORE FROM '{file}'"), "VERIFY BACKUP ALL".to_owned()];
            for command in &commands {
                let error = try_run(&mut connection, command).expect_err(command);
                assert!(error.contains(file.as_str()) && !error.contains("XX000"), "byte {at} of {file}: {error}");
            }
        }
        for cut in [0, len / 2, len - 1] {
            std::fs::write(&path, &whole[..cut as usize]).expect("it can be written");
            assert!(try_run(&mut connection, &format!("RESTORE FROM '{file}'")).is_err(), "{file} cut at {cut}");
        }
        std::fs::write(&path, &whole).expect("it can be written");
    }
    assert_eq!(state(&mut connection), before);
    run(&mut connection, "VERIFY BACKUP ALL");
}

#[test]
fn every_damaged_file_is_reported() {
    let place = Place::new();
    let server = place.start(&[]);
    let mut connection = connect(&server, "postgres");
    run(&mut connection, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); BACKUP FULL");
    run(&mut connection, "INSERT INTO t VALUES (2); BACKUP DELTA; BACKUP FULL; INSERT INTO t VALUES (3); BACKUP DELTA");
    run(&mut connection, "SET backup_format = arrow; BACKUP FULL");
    let files = place.files();
    let [first, follows, second, last, arrow] = &files[..] else { panic!("{files:?}") };
    assert_eq!(run(&mut connection, "VERIFY BACKUP ALL").len(), 5);
    for file in [first, last, arrow] {
        let path = place.folder().join(file);
        let mut bytes = std::fs::read(&path).expect("it is there");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, &bytes).expect("it can be written");
    }
    let error = try_run(&mut connection, "VERIFY BACKUP ALL").expect_err("three are damaged");
    assert!(error.starts_with("XX001") && error.contains("4 of 5 backup files are not whole"), "{error}");
    assert!([first, follows, last, arrow].iter().all(|file| error.contains(file.as_str())), "{error}");
    assert!(!error.contains(second.as_str()), "{error}");
}

/// Rows go into the log while they are read: a crash right after the answer loses nothing, whatever the chain has in it, and one file
/// that turns out damaged at its end leaves nothing.
#[test]
fn a_restored_database_outlives_a_crash() {
    let place = Place::new();
    let mut server = place.start(&["-c", "fsync=on"]);
    let mut connection = connect(&server, "postgres");
    run(
        &mut connection,
        "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 9000) i;
         CREATE TABLE keyless (n int); INSERT INTO keyless SELECT generate_series(1, 5000); CREATE UNLOGGED TABLE fleeting (n int);
         INSERT INTO fleeting VALUES (1); CREATE SEQUENCE s; SELECT nextval('s'); BACKUP FULL;
         UPDATE t SET v = 'changed' WHERE id % 1000 = 0; DELETE FROM keyless WHERE n % 2 = 0; BACKUP DELTA;
         ALTER TABLE t ADD COLUMN more int DEFAULT 5; INSERT INTO t VALUES (9001, 'later', 6); CREATE TABLE another (x int);
         INSERT INTO another VALUES (1); BACKUP DELTA; TRUNCATE keyless; INSERT INTO keyless VALUES (7); BACKUP DELTA",
    );
    let files = place.files();
    let look = |connection: &mut Connection| {
        run(
            connection,
            "SELECT count(*), sum(id), md5(string_agg(v, ',' ORDER BY id)) FROM t; SELECT count(*), sum(n) FROM keyless",
        )
    };
    let mut expected = Vec::new();
    for (number, file) in files.iter().enumerate() {
        run(&mut connection, &format!("RESTORE FROM '{file}' INTO DATABASE d{number}"));
        expected.push(look(&mut connect(&server, &format!("d{number}"))));
        run(
            &mut connect(&server, &format!("d{number}")),
            "INSERT INTO keyless VALUES (100000); DELETE FROM keyless WHERE n = 100000",
        );
    }
    let path = place.folder().join(&files[0]);
    let whole = std::fs::read(&path).expect("it is there");
    let mut damaged = whole.clone();
    let last_record = whole.len() - 200;
    damaged[last_record] ^= 1;
    std::fs::write(&path, &damaged).expect("it can be written");
    assert!(try_run(&mut connection, &format!("RESTORE FROM '{}' INTO DATABASE not", files[0])).is_err());
    for is_checkpointed in [false, true] {
        server.kill().expect("it was running");
        server = place.start(&["-c", "fsync=on"]);
        let mut connection = connect(&server, "postgres");
        assert_eq!(run(&mut connection, "SELECT count(*) FROM pg_database WHERE datname = 'not'"), ["0"]);
        for (number, expected) in expected.iter().enumerate() {
            assert_eq!(&look(&mut connect(&server, &format!("d{number}"))), expected, "{number}");
        }
        if !is_checkpointed {
            run(&mut connection, "CHECKPOINT");
        }
    }
}

#[test]
fn a_broken_chain_is_refused_by_name() {
    let place = Place::new();
    let server = place.start(&[]);
    let mut connection = connect(&server, "postgres");
    run(&mut connection, "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'); BACKUP FULL");
    for v in 2..=4 {
        run(&mut connection, &format!("INSERT INTO t VALUES ({v}, 'b'); BACKUP DELTA"));
    }
    let files = place.files();
    let [full, first, second, third] = &files[..] else { panic!("{files:?}") };
    let path = |file: &str| place.folder().join(file);
    std::fs::rename(path(second), place.0.join("aside")).expect("it can be moved");
    for command in
        ["RESTORE FROM LATEST".to_owned(), format!("RESTORE FROM '{third}'"), format!("VERIFY BACKUP '{third}'")]
    {
        let error = try_run(&mut connection, &command).expect_err("a link is missing");
        assert!(error.contains(second.as_str()), "{command}: {error}");
    }
    // Two links change their places.
    std::fs::rename(path(first), path(second)).expect("it can be moved");
    std::fs::rename(place.0.join("aside"), path(first)).expect("it can be moved");
    let error = try_run(&mut connection, "RESTORE FROM LATEST").expect_err("links are in another order");
    assert!(error.contains("dictdb_delta_"), "{error}");
    std::fs::rename(path(first), place.0.join("aside")).expect("it can be moved");
    std::fs::rename(path(second), path(first)).expect("it can be moved");
    std::fs::rename(place.0.join("aside"), path(second)).expect("it can be moved");
    run(&mut connection, &format!("RESTORE FROM LATEST UNTIL '{first}'"));
    assert_eq!(run(&mut connection, "SELECT count(*) FROM t"), ["2"]);
    // From link to link by hand: one that is left out is missed.
    run(&mut connection, &format!("RESTORE FROM '{full}'"));
    let error = try_run(&mut connection, &format!("APPLY DELTA '{second}'")).expect_err("one is left out");
    assert!(error.contains(second.as_str()), "{error}");
    assert_eq!(run(&mut connection, &format!("APPLY DELTA '{first}'")), ["1"]);
    assert_eq!(run(&mut connection, &format!("APPLY DELTA '{second}'")), ["1"]);
    assert_eq!(run(&mut connection, "SELECT string_agg(v, '' ORDER BY id) FROM t"), ["abb"]);
    std::fs::remove_file(path(full)).expect("it can be removed");
    let error = try_run(&mut connection, &format!("RESTORE FROM '{third}'")).expect_err("the full backup is missing");
    assert!(error.starts_with("58P01") && error.contains(full.as_str()), "{error}");
}

#[test]
fn comments_on_roles_and_databases_are_of_all_databases() {
    let place = Place::new();
    let server = place.start(&[]);
    let comments = "SELECT description FROM pg_shdescription JOIN pg_authid o ON o.oid = objoid WHERE rolname = 'anna'
        UNION ALL SELECT description FROM pg_shdescription JOIN pg_database o ON o.oid = objoid WHERE datname = 'other'";
    let seen = |server: &Server, database: &str| run(&mut connect(server, database), comments);
    let both = ["a role", "a database"];
    let mut connection = connect(&server, "postgres");
    run(&mut connection, "CREATE DATABASE other; CREATE ROLE anna; COMMENT ON ROLE anna IS 'a role'");
    run(&mut connect(&server, "other"), "COMMENT ON DATABASE other IS 'a database'");
    run(&mut connection, "CREATE DATABASE later");
    for database in ["postgres", "other", "later", "template1"] {
        assert_eq!(seen(&server, database), both, "{database}");
    }
    run(&mut connect(&server, "other"), "BACKUP FULL");
    drop(connection);
    server.kill().expect("it ends");
    let server = place.start(&[]);
    assert_eq!(seen(&server, "postgres"), both);
    // A restored database has the comment that it had.
    run(&mut connect(&server, "other"), "COMMENT ON DATABASE other IS NULL; RESTORE FROM LATEST");
    assert_eq!(seen(&server, "other"), both);
    assert_eq!(seen(&server, "later"), both);
}

#[test]
fn who_may_and_what_may_be_named() {
    let place = Place::new();
    let server = place.start(&[]);
    let mut connection = connect(&server, "postgres");
    run(&mut connection, "CREATE ROLE plain LOGIN; BACKUP FULL");
    let mut plain = Connection::open(server.port, "plain", "postgres").expect("the server answers");
    for command in ["BACKUP FULL", "RESTORE FROM LATEST", "BACKUP START", "VERIFY BACKUP ALL", "SHOW BACKUPS"] {
        assert!(try_run(&mut plain, command).expect_err(command).starts_with("42501"), "{command}");
    }
    std::fs::write(place.0.join("outside.json"), "{}").expect("it can be written");
    let link = place.folder().join("dictdb_backup_1_000000.json");
    std::os::unix::fs::symlink(place.0.join("outside.json"), &link).expect("a link can be made");
    for (file, code) in [
        ("../outside.json", "42501"),
        ("/etc/passwd", "42501"),
        ("dictdb_backup_1_000000.json", "42501"),
        ("dictdb_backup_2_000000.json", "58P01"),
        ("", "22023"),
    ] {
        let error = try_run(&mut connection, &format!("RESTORE FROM '{file}'")).expect_err(file);
        assert!(error.starts_with(code), "{file}: {error}");
    }
    std::fs::remove_file(&link).expect("it can be removed");
    assert!(try_run(&mut connection, "BEGIN; BACKUP FULL").expect_err("in a block").starts_with("25001"));
    run(&mut connection, "ROLLBACK");
    assert!(try_run(&mut connection, "BACKUP EVERYTHING").expect_err("no such command").starts_with("42601"));
    let modes =
        std::fs::metadata(place.folder().join(&place.files()[0])).map(|m| std::os::unix::fs::MetadataExt::mode(&m));
    assert_eq!(modes.map(|mode| mode & 0o777).ok(), Some(0o600));
}

#[test]
fn failures_are_counted_and_told_of() {
    let place = Place::new();
    let server = place.start(&[]);
    let mut connection = connect(&server, "postgres");
    run(&mut connection, "CREATE TABLE t (id int PRIMARY KEY); LISTEN dictdb_backup_failure");
    // A file is where the directory should be.
    std::fs::write(place.folder(), "in the way").expect("it can be written");
    for count in 1..=5 {
        assert!(try_run(&mut connection, "BACKUP FULL").is_err());
        let failures =
            run(&mut connection, "SELECT consecutive_failures FROM dictdb.backup_status WHERE database = 'postgres'");
        assert_eq!(failures, [count.to_string()]);
    }
    let messages = connection.query("SELECT 1").expect("the server answers");
    let told = messages.iter().filter(|message| message.tag == b'A').count();
    assert!(told <= 5, "{told} notifications at once");
    let log = server.log_with("CRITICAL");
    assert!(log.contains("backup failed"), "{log}");
    std::fs::remove_file(place.folder()).expect("it can be removed");
    run(&mut connection, "BACKUP FULL");
    assert_eq!(run(&mut connection, "SELECT consecutive_failures FROM dictdb.backup_status"), ["0"]);
}

#[test]
fn the_manager_works_by_itself() {
    let place = Place::new();
    let server = place.start(&["-c", "backup_interval=1", "-c", "backup_on_shutdown=on", "-c", "backup_keep_full=2"]);
    let mut connection = connect(&server, "postgres");
    run(&mut connection, "CREATE TABLE t (id int PRIMARY KEY); BACKUP START");
    wait_until("two backups", || place.files().len() >= 2);
    assert_eq!(run(&mut connection, "SELECT manager, next_due IS NOT NULL FROM dictdb.backup_status"), ["t | t"]);
    run(&mut connection, "BACKUP STOP; BACKUP NOTIFY");
    let job = run(&mut connection, "BACKUP FULL ASYNC");
    let query = format!("SELECT state, progress FROM dictdb.jobs WHERE id = {}", job[0]);
    wait_until("the end of the job", || run(&mut connection, &query) == ["done | 1"]);
    assert!(place.files().len() <= 2, "{:?}", place.files());
    run(&mut connection, "INSERT INTO t VALUES (1)");
    let before = place.files();
    drop(connection);
    assert!(server.stop().expect("it ends").success());
    assert_ne!(place.files(), before, "a last backup");
    let server = place.start(&[]);
    let mut connection = connect(&server, "postgres");
    run(&mut connection, "DELETE FROM t; RESTORE FROM LATEST");
    assert_eq!(run(&mut connection, "SELECT * FROM t"), ["1"]);
}

#[test]
fn a_moment_between_backups_comes_from_the_log() {
    let place = Place::new();
    let server = place.start(&[]);
    let mut connection = connect(&server, "postgres");
    run(
        &mut connection,
        "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); BACKUP FULL; INSERT INTO t VALUES (2)",
    );
    std::thread::sleep(Duration::from_millis(20));
    let moment = run(&mut connection, "SELECT clock_timestamp()");
    std::thread::sleep(Duration::from_millis(20));
    run(&mut connection, "INSERT INTO t VALUES (3); DROP TABLE t");
    run(&mut connection, &format!("RESTORE FROM LATEST UNTIL '{}'", moment[0]));
    assert_eq!(run(&mut connection, "SELECT id FROM t ORDER BY id"), ["1", "2"]);
}

#[test]
fn a_crash_leaves_no_half_file_and_no_half_restore() {
    let place = Place::new();
    let mut server = place.start(&[]);
    run(
        &mut connect(&server, "postgres"),
        "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT g, repeat('x', 200) FROM generate_series(1, 20000) g;
         BACKUP FULL; CREATE TABLE only_here (a int)",
    );
    let mut random = Random::new(3);
    for round in 0..6 {
        let command = if round % 2 == 0 { "BACKUP FULL" } else { "RESTORE FROM LATEST" };
        let mut connection = connect(&server, "postgres");
        connection.send(b'Q', format!("{command}\0").as_bytes()).expect("it is sent");
        std::thread::sleep(Duration::from_millis(random.below(400)));
        server.kill().expect("it ends");
        server = place.start(&[]);
        let mut connection = connect(&server, "postgres");
        run(&mut connection, "VERIFY BACKUP ALL");
        assert_eq!(run(&mut connection, "SELECT count(*), min(length(v)) FROM t"), ["20000 | 200"], "round {round}");
    }
}

/// A backup is of one moment: a column that is dropped meanwhile has its values in it.
#[test]
fn columns_that_are_dropped_beside_a_backup_are_in_it() {
    let place = Place::new();
    let server = place.start(&[]);
    let mut connection = connect(&server, "postgres");
    run(
        &mut connection,
        "CREATE TABLE t (id int PRIMARY KEY, v text, w int NOT NULL);
         INSERT INTO t SELECT g, 'row ' || g, g FROM generate_series(1, 100000) g; BACKUP FULL",
    );
    for format in ["json", "arrow"] {
        let job = &run(&mut connection, &format!("SET backup_format = {format}; BACKUP FULL ASYNC"))[0];
        let about = |what: &str| format!("SELECT {what} FROM dictdb.jobs WHERE id = {job}");
        wait_until("its moment", || run(&mut connection, &about("progress > 0 OR state = 'done'")) == ["t"]);
        run(&mut connection, "ALTER TABLE t DROP COLUMN w; UPDATE t SET v = 'changed' WHERE id % 1000 = 0");
        wait_until("the backup", || run(&mut connection, &about("state")) == ["done"]);
        run(&mut connection, "RESTORE FROM LATEST INTO DATABASE restored");
        let restored = &mut connect(&server, "restored");
        let counts = "SELECT count(*) FILTER (WHERE w = id), count(*) FILTER (WHERE v = 'row ' || id) FROM t";
        assert_eq!(run(restored, counts), ["100000 | 100000"], "{format}");
        run(
            &mut connection,
            "ALTER TABLE t ADD COLUMN w int; UPDATE t SET w = id, v = 'row ' || id; ALTER TABLE t ALTER w SET NOT NULL",
        );
    }
    assert_eq!(run(&mut connection, "SELECT * FROM dictdb.check_integrity()"), [""; 0]);
}

/// A delta of several pieces, onto a database that is of the file before it: all of it, or nothing.
#[test]
fn deltas_are_applied_to_databases_in_use() {
    for format in ["backup_format=json", "backup_format=arrow"] {
        let place = Place::new();
        let server = place.start(&["-c", format]);
        let mut connection = connect(&server, "postgres");
        run(
            &mut connection,
            "CREATE TABLE t (a int, b text, v numeric, u int UNIQUE, PRIMARY KEY (a, b)); CREATE SEQUENCE s; CREATE TABLE single (id int PRIMARY KEY);
             INSERT INTO t SELECT g, 'b' || g, g / 3.0, g FROM generate_series(1, 9000) g; BACKUP FULL;
             RESTORE FROM LATEST INTO DATABASE other; DELETE FROM t WHERE a % 10 = 0; UPDATE t SET v = v * 2 WHERE a % 2 = 1;
             INSERT INTO t SELECT g + 10000, NULLIF('c', ''), NULL, g FROM generate_series(10, 9000, 10) g; INSERT INTO single VALUES (1);
             SELECT nextval('s'); BACKUP DELTA",
        );
        let [_, delta] = &place.files()[..] else { panic!("{:?}", place.files()) };
        let mut other = connect(&server, "other");
        let look =
            "SELECT count(*), sum(a), sum(u), md5(string_agg(t::text, ',' ORDER BY a, b)) FROM t; SELECT * FROM single";
        let before = run(&mut other, look);
        let path = place.folder().join(delta);
        let whole = std::fs::read(&path).expect("it is there");
        let mut damaged = whole.clone();
        let place_of_row = whole.len() - 300;
        damaged[place_of_row] ^= 1;
        std::fs::write(&path, &damaged).expect("it can be written");
        let apply = format!("APPLY DELTA '{delta}'");
        assert!(try_run(&mut other, &apply).expect_err("it is damaged").contains(delta.as_str()));
        assert_eq!(run(&mut other, look), before, "{format}");
        std::fs::write(&path, &whole).expect("it can be written");
        assert_eq!(run(&mut other, &apply), [(900 + 4500 + 900 + 1).to_string()], "{format}");
        assert_eq!(run(&mut other, look), run(&mut connection, look), "{format}");
        assert_eq!(run(&mut other, "SELECT nextval('s')"), ["2"], "{format}");
        assert_eq!(run(&mut other, "SELECT * FROM dictdb.check_integrity()"), [""; 0], "{format}");
    }
}
