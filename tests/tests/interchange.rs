//! The original Python package `dctdb`: it reads what is written here, and its files, JSON and pickles, become databases.

use std::path::PathBuf;
use std::process::Command;

use dictdb_tests::environment;
use dictdb_tests::place::{Place, connect, run, try_run};
use dictdb_tests::server::workspace;

#[test]
fn the_original_package_reads_what_is_written() {
    let place = Place::new();
    let server = place.start(&[]);
    let mut connection = connect(&server, "postgres");
    run(
        &mut connection,
        "CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL, score double precision NOT NULL, ok bool NOT NULL);
         CREATE TABLE gaps (k text PRIMARY KEY, v int); CREATE TABLE keyless (a int);
         CREATE TABLE pairs (a int, b text, PRIMARY KEY (a, b)); INSERT INTO pairs VALUES (1, 'a'), (1, 'b');
         INSERT INTO users VALUES (1, 'Alice \"\\ ä', 1, true), (2, 'Bob', 1e20, false), (3, 'C', -0.5, true);
         INSERT INTO gaps VALUES ('x', NULL), ('y', 7); INSERT INTO keyless VALUES (1), (2);
         BACKUP FULL;
         UPDATE users SET name = 'Bobby' WHERE id = 2; DELETE FROM users WHERE id = 3; INSERT INTO users VALUES (4, 'D', 2, true);
         DELETE FROM pairs WHERE b = 'a';
         DELETE FROM gaps WHERE k = 'x'; UPDATE gaps SET k = 'z' WHERE k = 'y';
         BACKUP DELTA",
    );
    let files = place.files();
    let script = workspace().join("tests/clients/dctdb_backups.py");
    let output = Command::new(python()).arg(script).args(files.iter().map(|file| place.folder().join(file))).output();
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

/// What a column is may be known at the end of a file only, and in its deltas.
#[test]
fn types_and_keys_are_those_of_all_records() {
    let place = Place::new();
    std::fs::create_dir_all(place.folder()).expect("a directory");
    let write = |name: &str, text: &str| std::fs::write(place.folder().join(name), text).expect("it can be written");
    let record = |i: usize| match i {
        9_999 => r#"{"id": 9999, "n": 1.5, "t": "last", "late": true}"#.to_owned(),
        _ => format!(r#"{{"id": {i}, "n": {i}, "t": {i}}}"#),
    };
    let records: Vec<String> = (0..10_000).map(record).collect();
    let list = records.join(", ");
    write(
        "dictdb_backup_1700000000_000000.json",
        &format!(
            r#"{{"note": [1, {{"tables": 2}}], "tables": {{"t": {{"records": [{{"id": 1}}], "primary_key": "id"}},
            "t": {{"records": [{list}], "schema": {{"id": "int", "never": "float"}}, "primary_key": "id"}},
            "twice": {{"primary_key": "k", "records": [{{"k": 1}}, {{"k": 1.0}}]}},
            "gap": {{"primary_key": "k", "records": [{{"k": 1}}, {{"v": 2}}]}}}}}}"#
        ),
    );
    write(
        "dictdb_delta_1700000001_000000.json",
        r#"{"tables": {"t": {"upserts": [{"id": 3.0, "n": null, "new": "x"}, {"id": 10000, "t": []}], "deletes": [4, "5", 6.0]},
            "twice": {"upserts": [], "deletes": [true]}}, "type": "delta"}"#,
    );
    let server = place.start(&[]);
    let mut connection = connect(&server, "postgres");
    run(&mut connection, "VERIFY BACKUP ALL");
    run(&mut connection, "RESTORE FROM LATEST");
    let columns = "SELECT attrelid::regclass, string_agg(attname || ' ' || atttypid::regtype, ', ' ORDER BY attnum) FROM pg_attribute
        WHERE attrelid IN ('t'::regclass, 'twice'::regclass, 'gap'::regclass) AND attnum > 0 GROUP BY 1 ORDER BY attrelid::regclass::text";
    assert_eq!(
        run(&mut connection, columns),
        [
            "gap | k bigint, v bigint",
            "t | id numeric, never double precision, n numeric, t jsonb, late boolean, new text",
            "twice | k numeric"
        ]
    );
    assert_eq!(
        run(&mut connection, "SELECT count(*), sum(n), count(never), count(late) FROM t"),
        ["9999 | 49984989.5 | 0 | 1"]
    );
    assert_eq!(
        run(&mut connection, "SELECT * FROM t WHERE id IN (3, 4, 5, 6, 9999, 10000) ORDER BY id"),
        [
            "3 | ∅ | ∅ | 3 | ∅ | x",
            "5 | ∅ | 5 | 5 | ∅ | ∅",
            "9999 | ∅ | 1.5 | \"last\" | t | ∅",
            "10000 | ∅ | ∅ | [] | ∅ | ∅"
        ]
    );
    let keys = "SELECT conrelid::regclass FROM pg_constraint WHERE contype = 'p' AND conrelid >= 16384 ORDER BY 1";
    assert_eq!(run(&mut connection, keys), ["t", "twice"]);
    assert_eq!(run(&mut connection, "SELECT count(*) FROM twice"), ["1"]);
}

/// The most memory that a process has ever used.
fn peak_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says so");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

#[test]
fn a_large_file_is_read_in_pieces() {
    let place = Place::new();
    std::fs::create_dir_all(place.folder()).expect("a directory");
    let write = |name: &str, records: usize| {
        let record = |i: usize| format!(r#"{{"id": {i}, "name": "a name that is long enough {i}", "other": {i}.5}}"#);
        let records: Vec<String> = (0..records).map(record).collect();
        let text = format!(r#"{{"tables": {{"t": {{"primary_key": "id", "records": [{}]}}}}}}"#, records.join(", "));
        std::fs::write(place.folder().join(name), &text).expect("it can be written");
        text.len() as u64
    };
    let (small, large) = ("dictdb_backup_1700000000_000000.json", "dictdb_backup_1700000001_000000.json");
    let server = place.start(&[]);
    let mut connection = connect(&server, "postgres");
    let bytes = [(small, 50_000), (large, 700_000)].map(|(name, records)| write(name, records));
    // Code and threads have their memory already.
    run(&mut connection, &format!("VERIFY BACKUP '{small}'"));
    let before = peak_bytes(server.pid());
    run(&mut connection, &format!("VERIFY BACKUP '{large}'"));
    let grown = peak_bytes(server.pid()) - before;
    assert!(grown < bytes[1] / 2, "{grown} bytes for a file of {}", bytes[1]);
}

#[test]
fn pyarrow_reads_a_backup_in_arrow_form() {
    let place = Place::new();
    let server = place.start(&[]);
    let mut connection = connect(&server, "postgres");
    run(
        &mut connection,
        "CREATE TABLE things (id int PRIMARY KEY, name text, x double precision, at timestamp, ok bool, day date);
         INSERT INTO things VALUES (1, 'ä', 0.5, '2024-01-02 03:04:05.000006', true, '2024-02-29'), (3, NULL, 'NaN', NULL, false, NULL);
         CREATE TABLE small (a smallint); SET backup_format = arrow; BACKUP FULL",
    );
    let python = environment::python("pyarrow-venv", "pyarrow==26.0.1\n", &[]).join("python");
    let script = workspace().join("tests/clients/read_arrow_backup.py");
    let file = place.folder().join(&place.files()[0]);
    let output = Command::new(python).arg(script).arg(file).output().expect("Python runs");
    let (shown, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let expected = [
        "dictdb",
        "small records a int16",
        "things records id int32, name string, x double, at timestamp[us], ok bool, day date32[day]",
        "1 | ä | 0.5 | 2024-01-02 03:04:05.000006 | True | 2024-02-29",
        "3 | None | nan | None | False | None",
        "dictdb.content_hash",
    ];
    assert_eq!(shown.trim().lines().collect::<Vec<_>>(), expected, "{errors}");
}

/// A Python with the original package. Its metadata asks for a newer Python than it needs.
fn python() -> PathBuf {
    environment::python("dctdb-venv", "dctdb==1.11.0\nloguru\n", &["--ignore-requires-python"]).join("python")
}

/// Has the original package write its files into the folder.
fn have_written(place: &Place) {
    std::fs::create_dir_all(place.folder()).expect("a directory");
    let script = workspace().join("tests/clients/dctdb_writes.py");
    let output = Command::new(python()).arg(script).arg(place.folder()).output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn its_full_backup_and_deltas_are_restored_in_order() {
    let place = Place::new();
    have_written(&place);
    let server = place.start(&[]);
    let mut connection = connect(&server, "postgres");
    let files = run(&mut connection, "SELECT file FROM dictdb.backups WHERE file LIKE '%.json'");
    let [full, first, second] = &files[..] else { panic!("{files:?}") };
    run(&mut connection, "RESTORE FROM LATEST DRY RUN");
    let rows = "SELECT id, name, score, more FROM users ORDER BY id";
    run(&mut connection, "RESTORE FROM LATEST");
    assert_eq!(
        run(&mut connection, rows),
        ["1 | Alïce | -0.5 | ∅", "2 | Bob | NaN | ∅", r#"4 | D | 4 | [1, {"x": "Infinity"}]"#]
    );
    run(&mut connection, &format!("RESTORE FROM LATEST UNTIL '{first}'"));
    assert_eq!(
        run(&mut connection, "SELECT id, name, score FROM users ORDER BY id"),
        ["1 | Alïce | 1.5", "2 | Bob | NaN"]
    );
    run(&mut connection, &format!("RESTORE FROM '{full}'"));
    assert_eq!(
        run(&mut connection, "SELECT id, score FROM users ORDER BY id"),
        ["1 | 1.5", "2 | NaN", "3 | -Infinity"]
    );
    assert_eq!(run(&mut connection, "SELECT count(*) FROM empty"), ["0"]);
    run(&mut connection, &format!("VERIFY BACKUP '{second}'"));
    assert_eq!(run(&mut connection, &format!("APPLY DELTA '{first}'")).len(), 1);
    assert_eq!(run(&mut connection, "SELECT id, name FROM users ORDER BY id"), ["1 | Alïce", "2 | Bob"]);
    std::fs::remove_file(place.folder().join(full)).expect("it can be removed");
    std::fs::remove_file(place.folder().join("dictdb_backup_1700000000_000000.pickle")).expect("it can be removed");
    let error = try_run(&mut connection, &format!("RESTORE FROM '{second}'")).expect_err("the full backup is missing");
    assert!(error.contains(second.as_str()), "{error}");
}

#[test]
fn its_pickles_are_read_as_data() {
    let place = Place::new();
    have_written(&place);
    let server = place.start(&[]);
    let mut connection = connect(&server, "postgres");
    for protocol in [2, 3] {
        run(&mut connection, &format!("RESTORE FROM 'protocol_{protocol}.pickle'"));
        assert_eq!(run(&mut connection, "SELECT count(*), min(name) FROM users"), ["3 | Alïce"]);
    }
    for file in ["protocol_4.pickle", "protocol_5.pickle", "dictdb_backup_1700000000_000000.pickle"] {
        run(&mut connection, &format!("VERIFY BACKUP '{file}'; RESTORE FROM '{file}'; SET TIME ZONE 'UTC'"));
        assert_eq!(
            run(
                &mut connection,
                "SELECT day, clock, at, there, span, amount, uid, raw, big, ok FROM users WHERE id = 4"
            ),
            [
                "2024-02-29 | 23:59:59.999999 | 2024-02-29 01:02:03.000004 | 2024-02-28 18:30:00+00 | -23:59:58.999995 | 1.500 | \
              00000000-0000-0000-0000-000000000007 | \\\\x00ff | 1180591620717411303424 | t"
            ],
            "{file}"
        );
        assert_eq!(
            run(&mut connection, r#"SELECT list, set, map, pg_typeof(at), pg_typeof(amount) FROM users WHERE id = 4"#),
            [r#"[1, [2, 3]] | [5] | {"a": {"1": null}} | timestamp without time zone | numeric"#],
            "{file}"
        );
        assert!(try_run(&mut connection, "INSERT INTO users (id) VALUES (1)").expect_err("a key").starts_with("23505"));
    }
    let error = try_run(&mut connection, "RESTORE FROM 'harm.pickle'").expect_err("it is hostile");
    assert!(error.starts_with("0A000") && error.contains("system") && error.contains("harm.pickle"), "{error}");
    assert!(!place.folder().join("harm").exists());
    assert_eq!(run(&mut connection, "SELECT count(*) FROM users"), ["4"]);
}
