//! Data directories: what a clean stop and a crash leave, and which directories are refused.

use std::path::{Path, PathBuf};

use dictdb_tests::message::Message;
use dictdb_tests::server::{Server, fresh_directory, workspace};
use dictdb_tests::wire::Connection;

/// A data directory that goes with its test.
struct Data(PathBuf);

impl Data {
    fn new() -> Self {
        Data(fresh_directory().expect("a directory"))
    }

    fn path(&self) -> PathBuf {
        self.0.join("data")
    }

    fn start(&self) -> Server {
        Server::dictdb_on(&self.path(), &[]).expect("the server starts")
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn run(server: &Server, sql: &str) -> Vec<String> {
    let mut connection = Connection::open(server.port, "postgres", "postgres").expect("the server answers");
    let messages = connection.query(sql).expect("the server answers");
    if let Some(error) = messages.iter().find(|message| message.tag == b'E') {
        panic!("{sql}: {}", error.error_text());
    }
    messages.iter().filter(|message| message.tag == b'D').filter_map(Message::shown).collect()
}

const SETUP: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
    CREATE SCHEMA s;
    CREATE TABLE s.everything (
        id serial PRIMARY KEY, b bool, s smallint, l bigint, r real, d double precision, n numeric, t text, c char(5), y bytea,
        day date, tm time, tz timetz, ts timestamp, tstz timestamptz, i interval, u uuid, j jsonb, a int[], m mood, p int CHECK (p > 0)
    );
    INSERT INTO s.everything (b, s, l, r, d, n, t, c, y, day, tm, tz, ts, tstz, i, u, j, a, m, p) VALUES
        (true, -1, 9007199254740993, 'NaN', '-Infinity', 12345678901234567890.123400, 'täxt', 'ab', '\\x00ff', '2024-02-29', '23:59:59.999999',
         '01:02:03+04', '1999-12-31 23:59:59.123456', 'infinity', '1 mon -2 days 03:04:05.6', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
         '{\"a\": [1, 2.50, null]}', '[2:3]={7,NULL}', 'happy', 3),
        (NULL, NULL, NULL, NULL, NULL, 'NaN', '', NULL, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'null', '{}', 'sad', NULL);
    CREATE UNIQUE INDEX ON s.everything (lower(t));
    CREATE VIEW s.shown AS SELECT id, t FROM s.everything WHERE m > 'sad';
    CREATE SEQUENCE s.counter INCREMENT 5 START 100;
    SELECT nextval('s.counter');
    CREATE UNLOGGED TABLE s.volatile (x int);
    INSERT INTO s.volatile VALUES (1);
    CREATE TEMP TABLE fleeting (x int);
    CREATE TABLE s.child (parent int REFERENCES s.everything ON DELETE CASCADE);
    INSERT INTO s.child VALUES (1), (2);
    DELETE FROM s.everything WHERE id = 2;
";

const TRIGGERS: [&str; 3] = [
    "CREATE TABLE notes (x int, by text);
     CREATE TABLE noted (x int PRIMARY KEY, y int);
     CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN INSERT INTO notes VALUES (NEW.x, TG_NAME || TG_NARGS); RETURN NEW; END $$;
     CREATE TRIGGER one BEFORE INSERT OR UPDATE OF y ON noted FOR EACH ROW WHEN (NEW.x > 0) EXECUTE FUNCTION note('a', 'b')",
    "CHECKPOINT",
    "CREATE CONSTRAINT TRIGGER two AFTER INSERT ON noted DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note();
     CREATE TRIGGER three AFTER INSERT ON noted FOR EACH ROW EXECUTE FUNCTION note();
     ALTER TABLE noted DISABLE TRIGGER three;
     COMMENT ON TRIGGER two ON noted IS 'deferred'",
];

#[test]
fn triggers_fire_after_a_crash() {
    const SHOWN: &str =
        "SELECT pg_get_triggerdef(oid), tgenabled, obj_description(oid, 'pg_trigger') FROM pg_trigger ORDER BY 1";
    let data = Data::new();
    let server = data.start();
    TRIGGERS.iter().for_each(|sql| drop(run(&server, sql)));
    let before = run(&server, SHOWN);
    assert_eq!(before.len(), 3);
    server.kill().expect("the server is gone");
    let server = data.start();
    assert_eq!(run(&server, SHOWN), before);
    run(&server, "INSERT INTO noted VALUES (1, 1), (0, 1)");
    assert_eq!(run(&server, "SELECT by, x FROM notes ORDER BY 1, 2"), ["one2 | 1", "two0 | 0", "two0 | 1"]);
}

const QUERIES: [&str; 6] = [
    "SELECT * FROM s.everything ORDER BY id",
    "SELECT * FROM s.shown",
    "SELECT * FROM s.child",
    "SELECT relname, relkind, relpersistence FROM pg_class WHERE oid >= 16384 AND relname !~ 'fleeting' ORDER BY 1",
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 's'::regnamespace ORDER BY 1",
    "SELECT indexrelid::regclass, pg_get_indexdef(indexrelid) FROM pg_index WHERE indexrelid >= 16384 ORDER BY 1",
];

fn answers(server: &Server) -> Vec<Vec<String>> {
    QUERIES.iter().map(|query| run(server, query)).collect()
}

#[test]
fn a_clean_stop_keeps_everything() {
    let data = Data::new();
    let server = data.start();
    run(&server, SETUP);
    let before = answers(&server);
    assert!(server.stop().expect("it ends").success());
    let server = data.start();
    assert_eq!(answers(&server), before);
    assert_eq!(run(&server, "SELECT x FROM s.volatile").len(), 1);
    assert!(run(&server, "SELECT nextval('s.counter')")[0].contains("105"));
    assert_eq!(run(&server, "SELECT 1 FROM pg_class WHERE relname = 'fleeting'").len(), 0);
    // Constraints and indexes work.
    let mut connection = Connection::open(server.port, "postgres", "postgres").expect("the server answers");
    let refused = |connection: &mut Connection, sql: &str| {
        let messages = connection.query(sql).expect("the server answers");
        messages.iter().find(|message| message.tag == b'E').and_then(|error| error.field(b'C')).unwrap_or_default()
    };
    assert_eq!(refused(&mut connection, "INSERT INTO s.everything (t) VALUES ('TäXT')"), "23505");
    assert_eq!(refused(&mut connection, "INSERT INTO s.child VALUES (99)"), "23503");
    assert_eq!(refused(&mut connection, "INSERT INTO s.everything (p) VALUES (0)"), "23514");
    server.kill().expect("it can be killed");
    let server = data.start();
    assert_eq!(answers(&server), before);
    assert_eq!(run(&server, "SELECT x FROM s.volatile").len(), 0, "unlogged tables are empty after a crash");
}

#[test]
fn asynchronous_commits_are_written_soon() {
    let data = Data::new();
    let server = data.start();
    run(&server, "CREATE TABLE t (x int)");
    run(&server, "SET synchronous_commit = off; INSERT INTO t SELECT generate_series(1, 1000)");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    server.kill().expect("it can be killed");
    assert_eq!(run(&data.start(), "SELECT count(*) FROM t"), run_value("1000"));
}

/// A row of one value as [`Message::shown`] has it.
fn run_value(value: &str) -> Vec<String> {
    let data = Data::new();
    let server = Server::dictdb_on(&data.path(), &["--ephemeral"]).expect("the server starts");
    let shown = run(&server, &format!("SELECT {value}::int8"));
    assert!(!data.path().exists(), "--ephemeral writes nothing");
    shown
}

#[test]
fn functions_show_the_log() {
    let data = Data::new();
    let server = data.start();
    let moved = "CREATE TABLE t (x int); SELECT pg_current_wal_lsn() > '0/1000000'::pg_lsn, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') > 0";
    assert!(!run(&server, moved)[0].contains('f'));
    run(&server, "CHECKPOINT");
    for query in [
        "SELECT redo_lsn <= pg_current_wal_lsn(), redo_wal_file ~ '^[0-9A-F]{16}\\.log$' FROM pg_control_checkpoint()",
        "SELECT wal_records > 0, wal_bytes > 0, wal_sync > 0 FROM pg_stat_wal",
        "SELECT system_identifier <> 0 FROM pg_control_system()",
        "SELECT bytes_per_wal_segment = 16777216 FROM pg_control_init()",
        "SELECT checkpoints_req > 0 FROM pg_stat_bgwriter",
    ] {
        let rows = run(&server, query);
        assert!(rows.len() == 1 && !rows[0].contains('f'), "{query}: {rows:?}");
    }
}

fn refusal(data: &Path) -> String {
    Server::dictdb_on(data, &[]).err().expect("the server does not start").to_string()
}

#[test]
fn directories_that_cannot_be_used_are_refused() {
    let data = Data::new();
    let server = data.start();
    assert!(refusal(&data.path()).contains("is held by another server"));
    let mode =
        |path: &Path| std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions()) & 0o777;
    assert_eq!((mode(&data.path()), mode(&data.path().join("DICTDB"))), (0o700, 0o600));
    run(&server, "CREATE TABLE t (x int); CHECKPOINT");
    server.kill().expect("it can be killed");
    let folder = data.path().join("checkpoint");
    let name = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read(&name).unwrap();
    let mut bytes = whole.clone();
    bytes[200] ^= 1;
    std::fs::write(&name, &bytes).unwrap();
    let message = refusal(&data.path());
    assert!(message.contains("is damaged at offset") && message.contains(".checkpoint"), "{message}");
    std::fs::write(&name, &whole).unwrap();
    std::fs::write(data.path().join("DICTDB"), "DictDB data directory\nformat 99\nidentifier 1\n").unwrap();
    let message = refusal(&data.path());
    assert!(message.contains("it is of format 99, this server reads format 1"), "{message}");
    let other = Data::new();
    std::fs::create_dir_all(other.path()).unwrap();
    std::fs::write(other.path().join("notes.txt"), "mine").unwrap();
    assert!(refusal(&other.path()).contains("notes.txt"));
}

/// Directories written by released formats are read for ever. `DICTDB_REWRITE=1` writes the newest anew.
#[test]
fn every_format_is_read() {
    let golden = workspace().join("tests/data/format-1");
    if std::env::var_os("DICTDB_REWRITE").is_some() {
        write_golden(&golden);
    }
    let data = Data::new();
    copy(&golden, &data.path());
    let server = data.start();
    let found: Vec<String> = answers(&server).into_iter().flatten().collect();
    let expected = std::fs::read_to_string(golden.with_extension("txt")).expect("the answers are there");
    assert_eq!(found.join("\n") + "\n", expected);
    assert_eq!(run(&server, "INSERT INTO s.everything (t) VALUES ('new') RETURNING id").len(), 1);
}

/// More zeros than a record of the golden directory ends with.
const RECORD_ZEROS: usize = 4096;

fn write_golden(golden: &Path) {
    let data = Data::new();
    let server = data.start();
    run(&server, SETUP);
    run(&server, "CHECKPOINT; INSERT INTO s.everything (t, p) VALUES ('after the checkpoint', 1)");
    let found: Vec<String> = answers(&server).into_iter().flatten().collect();
    server.kill().expect("it can be killed");
    let _ = std::fs::remove_dir_all(golden);
    copy(&data.path(), golden);
    // Segments are prepared at full length; what is not used need not be kept.
    for entry in std::fs::read_dir(golden.join("log")).expect("the log is there").flatten() {
        let mut bytes = std::fs::read(entry.path()).expect("a segment");
        // A record may end with zeros.
        bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1 + RECORD_ZEROS));
        if bytes.is_empty() { std::fs::remove_file(entry.path()) } else { std::fs::write(entry.path(), bytes) }
            .expect("it is kept");
    }
    std::fs::write(golden.with_extension("txt"), found.join("\n") + "\n").expect("the answers are kept");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_name() != "dictdb.lock" {
            std::fs::copy(entry.path(), target).expect("a file");
        }
    }
}

/// Segments that no recovery needs any more are in the archive, or kept where they are.
#[test]
fn old_segments_are_archived_or_kept() {
    let data = Data::new();
    let archive = data.0.join("archive");
    let setting = format!("wal_archive_directory={}", archive.display());
    let server = Server::dictdb_on(&data.path(), &["-c", &setting]).expect("the server starts");
    let fill = "INSERT INTO filled SELECT g, repeat('x', 1000) FROM generate_series(1, 18000) g";
    run(&server, &format!("CREATE TABLE filled (n int, t text); {fill}"));
    run(&server, "CHECKPOINT");
    let names = |folder: &Path| -> Vec<String> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(|n| n.ends_with(".log")).collect()
    };
    let first = "0000000001000000.log".to_owned();
    assert!(names(&archive).contains(&first) && !names(&data.path().join("log")).contains(&first));
    run(&server, "ALTER SYSTEM SET wal_keep_size = '1GB'");
    run(&server, "SELECT pg_reload_conf()");
    run(&server, fill);
    run(&server, "CHECKPOINT");
    let kept = names(&data.path().join("log")).into_iter().filter(|name| names(&archive).contains(name)).count();
    assert!(kept > 0, "wal_keep_size keeps what the archive has");
    assert!(run(&server, "SELECT state FROM dictdb.circuit_breakers")[0].contains("closed"));
    server.kill().expect("it can be killed");
    let again = data.start();
    assert!(run(&again, "SELECT count(*) FROM filled")[0].contains("36000"));
    assert!(run(&again, "SELECT phase, was_clean FROM dictdb.recovery")[0].contains("done"));
}
