//! Backups: every link of a chain restores the state it is of, damage is refused by name, failures are told of, and the original
//! Python package reads what is written.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use dictdb_tests::message::Message;
use dictdb_tests::random::Random;
use dictdb_tests::server::{Server, fresh_directory, workspace};
use dictdb_tests::wire::Connection;

/// A server's data and backups, which go with their test.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        Place(fresh_directory().expect("a directory"))
    }

    fn folder(&self) -> PathBuf {
        self.0.join("backups")
    }

    fn start(&self, more: &[&str]) -> Server {
        let folder = format!("backup_dir={}", self.folder().display());
        let arguments = [&["-c", "fsync=off", "-c", &folder, "-c", "backup_on_shutdown=off"][..], more].concat();
        Server::dictdb_on(&self.0.join("data"), &arguments).expect("the server starts")
    }

    fn files(&self) -> Vec<String> {
        let entries =
            std::fs::read_dir(self.folder()).map(|entries| entries.flatten().collect()).unwrap_or_else(|_| Vec::new());
        let mut names: Vec<String> =
            entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort_by_key(|name| {
            name.split_once('_').map(|(_, rest)| rest.split_once('_').map(|(_, time)| time.to_owned()))
        });
        names
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn connect(server: &Server, database: &str) -> Connection {
    Connection::open(server.port, "postgres", database).expect("the server answers")
}

/// The rows of a query string, or its first error.
fn try_run(connection: &mut Connection, sql: &str) -> Result<Vec<String>, String> {
    let messages = connection.query(sql).expect("the server answers");
    match messages.iter().find(|message| message.tag == b'E') {
        Some(error) => Err(format!("{} {}", error.field(b'C').unwrap_or_default(), error.error_text())),
        None => Ok(messages.iter().filter(|message| message.tag == b'D').filter_map(Message::shown).collect()),
    }
}

/// The rows of statements that are run one by one; none of them has a semicolon inside.
fn run(connection: &mut Connection, sql: &str) -> Vec<String> {
    let statements = sql.split(';').filter(|statement| !statement.trim().is_empty());
    let rows = |statement: &str| try_run(connection, statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
    statements.flat_map(rows).collect()
}

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
    INSERT INTO people (name, mood, score, amount, tags, doc, raw, at, span, p, r, u, age, c, net, cls) VALUES
        (E'Ali\\tce \\\\ \"q\"', 'very \"happy\"', 'NaN', 'NaN', '{a,NULL,\"b\\\"\"}', '{\"x\": [1.50, null]}', '\\x00ff',
         '2024-02-29 12:00:00.000001+00', '1 mon -2 days 03:04:05.6', '(1,\"a,b\")', '[1,5)', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
         3, 'ab', '10.0.0.1/8', 'people'),
        ('-0', NULL, '-0', '-Infinity', '[2:3]={1,2}', 'null', '', '-infinity', '-1 mon +1 day', NULL, 'empty', NULL, NULL, NULL, '::1', NULL),
        ('', 'sad', 1e300, 12345678901234567890.1234567890000, '{}', '\"text\"', NULL, '0044-03-15 BC', NULL, '(,)', '(,)', NULL, 1, '', NULL, NULL);
";

const QUERIES: [&str; 8] = [
    "SELECT * FROM people ORDER BY id",
    "SELECT * FROM \"odd.schema\".\"t \"\"x\"\"\" ORDER BY 1, 2",
    "SELECT * FROM keyless ORDER BY a, b",
    "SELECT relname, relkind, relnatts FROM pg_class WHERE oid >= 16384 ORDER BY 1",
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE oid >= 16384 ORDER BY 1",
    "SELECT * FROM people_id_seq",
    "SELECT description FROM pg_description WHERE objoid >= 16384 ORDER BY 1",
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
    for seed in 1..=3 {
        let place = Place::new();
        let server = place.start(&["-c", "max_deltas_before_full=5"]);
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
    let files = place.files();
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
    let log = server.log();
    assert!(log.contains("CRITICAL") && log.contains("backup failed"), "{log}");
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
    let begun = Instant::now();
    while place.files().len() < 2 && begun.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(place.files().len() >= 2, "{:?}", place.files());
    assert_eq!(run(&mut connection, "SELECT manager, next_due IS NOT NULL FROM dictdb.backup_status"), ["t | t"]);
    run(&mut connection, "BACKUP STOP; BACKUP NOTIFY");
    let job = run(&mut connection, "BACKUP FULL ASYNC");
    let begun = Instant::now();
    let query = format!("SELECT state, progress FROM dictdb.jobs WHERE id = {}", job[0]);
    while run(&mut connection, &query) != ["done | 1"] && begun.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(run(&mut connection, &query), ["done | 1"]);
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

#[test]
fn the_original_package_reads_what_is_written() {
    let place = Place::new();
    let Some(python) = python() else {
        panic!("this test needs Python 3 with venv and an index that has dctdb");
    };
    let server = place.start(&[]);
    let mut connection = connect(&server, "postgres");
    run(
        &mut connection,
        "CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL, score double precision NOT NULL, ok bool NOT NULL);
         CREATE TABLE gaps (k text PRIMARY KEY, v int); CREATE TABLE keyless (a int);
         INSERT INTO users VALUES (1, 'Alice \"\\ ä', 1, true), (2, 'Bob', 1e20, false), (3, 'C', -0.5, true);
         INSERT INTO gaps VALUES ('x', NULL), ('y', 7); INSERT INTO keyless VALUES (1), (2);
         BACKUP FULL;
         UPDATE users SET name = 'Bobby' WHERE id = 2; DELETE FROM users WHERE id = 3; INSERT INTO users VALUES (4, 'D', 2, true);
         DELETE FROM gaps WHERE k = 'x'; UPDATE gaps SET k = 'z' WHERE k = 'y';
         BACKUP DELTA",
    );
    let files = place.files();
    let script = workspace().join("tests/clients/dctdb_backups.py");
    let output = Command::new(python).arg(script).args(files.iter().map(|file| place.folder().join(file))).output();
    let output = output.expect("Python runs");
    let (shown, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        shown.trim(),
        "users [(1, 'Alice \"\\\\ ä', 1.0, True), (2, 'Bobby', 1e+20, False), (4, 'D', 2.0, True)]\ngaps [('z', 7)]\nkeyless 2",
        "{errors}"
    );
}

#[test]
fn a_file_of_the_original_package_becomes_a_database() {
    let place = Place::new();
    let server = place.start(&[]);
    std::fs::create_dir_all(place.folder()).expect("a directory");
    let file = "dictdb_backup_1700000000_000001.json";
    let text = r#"{
    "tables": {
        "users": {
            "primary_key": "id",
            "schema": {"id": "int", "name": "str"},
            "records": [
                {"id": 1, "name": "Al\u00efce"},
                {"id": 2, "name": ""}
            ]
        },
        "events": {"primary_key": "event_id", "schema": null, "records": [
            {"event_id": "a", "big": 123456789012345678901234567890, "score": 1.5, "tags": ["x", null], "ok": true, "mixed": 1},
            {"event_id": "b", "big": 1, "score": 1e300, "ok": false, "mixed": "one"}
        ]},
        "empty": {"primary_key": "id", "schema": null, "records": []}
    }
}
"#;
    std::fs::write(place.folder().join(file), text).expect("it can be written");
    let mut connection = connect(&server, "postgres");
    run(&mut connection, "CREATE TABLE gone (a int)");
    run(&mut connection, "RESTORE FROM LATEST");
    assert_eq!(run(&mut connection, "SELECT * FROM users ORDER BY id"), ["1 | Alïce", "2 | ''"]);
    let events = run(&mut connection, "SELECT event_id, big, score, tags, ok, mixed FROM events ORDER BY 1");
    assert_eq!(
        events,
        [r#"a | 123456789012345678901234567890 | 1.5 | ["x", null] | t | 1"#, r#"b | 1 | 1e+300 | ∅ | f | "one""#]
    );
    assert!(try_run(&mut connection, "INSERT INTO users VALUES (1, 'again')").expect_err("a key").starts_with("23505"));
    assert!(try_run(&mut connection, "SELECT * FROM gone").is_err());
    run(
        &mut connection,
        "INSERT INTO users VALUES (3, 'new'); ALTER TABLE events ADD COLUMN more int; DROP TABLE empty",
    );
    // A delta of that package, too.
    let delta = r#"{"type": "delta", "timestamp": 1.5, "tables": {"users": {"upserts": [{"id": 2, "name": "B"}, {"id": 9, "name": "N"}],
        "deletes": [1, 77]}, "elsewhere": {"upserts": [{"id": 1}], "deletes": []}}}"#;
    std::fs::write(place.folder().join("dictdb_delta_1700000001_000000.json"), delta).expect("it can be written");
    assert_eq!(run(&mut connection, "APPLY DELTA 'dictdb_delta_1700000001_000000.json'"), ["3"]);
    assert_eq!(run(&mut connection, "SELECT * FROM users ORDER BY id"), ["2 | B", "3 | new", "9 | N"]);
}

/// A Python with the original package, in an environment that is made once.
fn python() -> Option<PathBuf> {
    let folder = workspace().join("target/dctdb-venv");
    let python = folder.join("bin/python");
    let works =
        || Command::new(&python).args(["-c", "import dictdb"]).output().is_ok_and(|output| output.status.success());
    if works() {
        return Some(python);
    }
    let done = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    let made = done(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
    // Its metadata asks for a newer Python than it needs.
    let pip = ["-m", "pip", "install", "--quiet", "--ignore-requires-python", "dctdb==1.11.0", "loguru"];
    (made && done(Command::new(&python).args(pip)) && works()).then_some(python)
}
