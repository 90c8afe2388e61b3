//! Data directories: what a clean stop and a crash leave, and which directories are refused.

use std::path::{Path, PathBuf};

use dictdb_tests::message::Message;
use dictdb_tests::patience::wait_until;
use dictdb_tests::place;
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

const INDEXES: &str = "
    CREATE FUNCTION slug(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
    DECLARE made text := lower(t);
    BEGIN
        made := regexp_replace(made, '[^a-z]+', '-', 'g');
        IF made = '' THEN RAISE EXCEPTION 'nothing is left'; END IF;
        RETURN made;
    EXCEPTION WHEN raise_exception THEN RETURN NULL;
    END $$;
    CREATE FUNCTION asks(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN (SELECT count(*) FROM pages); END $$;
    CREATE FUNCTION hides(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN RETURN asks(n); EXCEPTION WHEN OTHERS THEN RETURN 0; END $$;
    CREATE TABLE pages (id int PRIMARY KEY, title text);
    CREATE UNIQUE INDEX by_slug ON pages (slug(title));
    INSERT INTO pages VALUES (1, 'Hello, World'), (2, ''), (3, ''), (4, 'Other');
    CREATE TABLE twice (n int);
    INSERT INTO twice VALUES (1), (1);
";

/// Indexes over functions in PL/pgSQL are built at start like all others, and those that could not be built concurrently are invalid still.
#[test]
fn indexes_are_what_they_were_after_a_crash() {
    let data = Data::new();
    let server = data.start();
    run(&server, INDEXES);
    let error = |server: &Server, sql: &str| {
        let mut connection = Connection::open(server.port, "postgres", "postgres").expect("the server answers");
        let messages = connection.query(sql).expect("the server answers");
        messages.iter().find(|message| message.tag == b'E').and_then(|error| error.field(b'C')).unwrap_or_default()
    };
    assert_eq!(error(&server, "CREATE UNIQUE INDEX CONCURRENTLY unbuilt ON twice (n)"), "23505");
    // Nobody can ask tables while a key is computed, whatever the function makes of that.
    assert_eq!(error(&server, "CREATE INDEX ON pages (asks(id))"), "0A000");
    assert_eq!(error(&server, "CREATE INDEX ON pages (hides(id))"), "0A000");
    server.kill().expect("the server is gone");
    let server = data.start();
    let found = run(&server, "SET enable_seqscan = off; SELECT id FROM pages WHERE slug(title) = 'hello-world'");
    assert_eq!(found, ["1"]);
    assert_eq!(error(&server, "INSERT INTO pages VALUES (5, 'hello world')"), "23505");
    let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'unbuilt'::regclass";
    assert_eq!(run(&server, valid), ["f"]);
    run(&server, "INSERT INTO twice VALUES (1)");
    run(&server, "DELETE FROM twice; INSERT INTO twice VALUES (1)");
    run(&server, "REINDEX INDEX unbuilt");
    assert_eq!(run(&server, valid), ["t"]);
    assert_eq!(error(&server, "INSERT INTO twice VALUES (1)"), "23505");
    assert_eq!(run(&server, "SELECT * FROM dictdb.check_integrity()").len(), 0);
}

/// Columns that were added and taken back, in each way a transaction can do that, and rows that were written afterwards.
const COLUMNS: &str = "
    CREATE TABLE kept (id int PRIMARY KEY, a text);
    INSERT INTO kept VALUES (1, 'x'), (2, 'y'), (3, 'z');
    BEGIN; ALTER TABLE kept ADD COLUMN gone int DEFAULT 2; UPDATE kept SET gone = 3 WHERE id = 1; ROLLBACK;
    BEGIN; SAVEPOINT s; ALTER TABLE kept ADD COLUMN gone date DEFAULT '2024-01-01'; ROLLBACK TO s;
    UPDATE kept SET a = 'changed' WHERE id = 1; ALTER TABLE kept ADD COLUMN b bool; COMMIT;
    BEGIN; ALTER TABLE kept ADD COLUMN gone numeric DEFAULT 5; PREPARE TRANSACTION 'p'; ROLLBACK PREPARED 'p';
    BEGIN; ALTER TABLE kept SET (ttl = '1 day'); ROLLBACK;
    ALTER TABLE kept ADD COLUMN c int DEFAULT 7;
    UPDATE kept SET b = true WHERE id = 2;
    CREATE DOMAIN small AS int; ALTER TABLE kept ADD COLUMN d small DEFAULT 1; DROP DOMAIN small CASCADE;
    UPDATE kept SET b = false WHERE id = 3;
";

/// Values of columns that are not there any more are in nobody's way when the log is read again.
#[test]
fn columns_that_were_taken_back_leave_nothing_in_the_log() {
    let data = Data::new();
    let server = Server::dictdb_on(&data.path(), &["-c", "max_prepared_transactions=1"]).expect("the server starts");
    let mut connection = Connection::open(server.port, "postgres", "postgres").expect("the server answers");
    for sql in COLUMNS.split_inclusive(';') {
        let messages = connection.query(sql).expect("the server answers");
        assert!(messages.iter().all(|message| message.tag != b'E'), "{sql}");
    }
    let before = run(&server, "SELECT * FROM kept ORDER BY id");
    assert_eq!(before, ["1 | changed | ∅ | 7", "2 | y | t | 7", "3 | z | f | 7"]);
    server.kill().expect("the server is gone");
    let server = data.start();
    assert_eq!(run(&server, "SELECT * FROM kept ORDER BY id"), before);
    run(&server, "CHECKPOINT");
    server.kill().expect("the server is gone");
    assert_eq!(run(&data.start(), "SELECT * FROM kept ORDER BY id"), before);
}

/// Types that are dropped with or after their columns, in transactions that have written rows.
const DROPPED_TYPES: &str = "
    CREATE DOMAIN small AS int; CREATE TABLE plain (id int);
    BEGIN; CREATE TABLE made (id int PRIMARY KEY, d small); INSERT INTO made VALUES (1, 1); DROP DOMAIN small CASCADE; COMMIT;
    CREATE DOMAIN small AS int; CREATE TABLE emptied (id int PRIMARY KEY, d small); INSERT INTO emptied VALUES (1, 1);
    BEGIN; TRUNCATE emptied; INSERT INTO emptied VALUES (2, 2); DROP DOMAIN small CASCADE; COMMIT;
    CREATE DOMAIN small AS int; CREATE TABLE changed (id int PRIMARY KEY, d small); INSERT INTO changed VALUES (1, 1), (2, 2);
    BEGIN; ALTER TABLE changed ALTER id TYPE bigint; UPDATE changed SET d = 5; DROP DOMAIN small CASCADE; COMMIT;
    CREATE DOMAIN small AS int; CREATE TABLE cloned (id int PRIMARY KEY, d small); INSERT INTO cloned VALUES (1, 1);
    ALTER TABLE cloned DROP COLUMN d; CREATE DATABASE clone TEMPLATE postgres;
    CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY);
    BEGIN; ALTER TABLE fleeting ADD COLUMN v text DEFAULT 'v'; PREPARE TRANSACTION 'adds';
    BEGIN; CREATE TABLE prepared (id int PRIMARY KEY, d small); INSERT INTO prepared VALUES (1, 1); DROP DOMAIN small CASCADE;
    PREPARE TRANSACTION 'drops';
";

/// What the log and a checkpoint say of rows can be read without the types that their columns had.
#[test]
fn types_may_be_gone_when_the_log_is_read() {
    let data = Data::new();
    let start = || Server::dictdb_on(&data.path(), &["-c", "max_prepared_transactions=2"]).expect("the server starts");
    let server = start();
    place::run(&mut place::connect(&server, "postgres"), DROPPED_TYPES);
    place::run(&mut place::connect(&server, "clone"), "DROP DOMAIN small");
    let rows = "SELECT * FROM made; SELECT * FROM emptied; SELECT * FROM changed; SELECT * FROM cloned";
    server.kill().expect("the server is gone");
    let server = start();
    let mut connection = place::connect(&server, "postgres");
    assert_eq!(place::run(&mut connection, rows), ["1", "2", "1", "2", "1"]);
    place::run(&mut connection, "CHECKPOINT");
    server.kill().expect("the server is gone");
    let server = start();
    let mut connection = place::connect(&server, "postgres");
    assert_eq!(place::run(&mut place::connect(&server, "clone"), rows), ["1", "2", "1", "2", "1"]);
    assert_eq!(place::run(&mut connection, rows), ["1", "2", "1", "2", "1"]);
    place::run(
        &mut connection,
        "COMMIT PREPARED 'adds'; COMMIT PREPARED 'drops'; INSERT INTO fleeting VALUES (1, 'one')",
    );
    let both = "SELECT * FROM fleeting; SELECT * FROM prepared";
    assert_eq!(place::run(&mut connection, both), ["1 | one", "1"]);
    server.kill().expect("the server is gone");
    assert_eq!(place::run(&mut place::connect(&start(), "postgres"), both), ["1"]);
}

const QUERIES: [&str; 7] = [
    "SELECT * FROM s.everything ORDER BY id",
    "SELECT * FROM s.shown",
    "SELECT * FROM s.child",
    "SELECT relname, relkind, relpersistence FROM pg_class WHERE oid >= 16384 AND relname !~ 'fleeting' ORDER BY 1",
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 's'::regnamespace ORDER BY 1",
    "SELECT indexrelid::regclass, pg_get_indexdef(indexrelid) FROM pg_index WHERE indexrelid >= 16384 ORDER BY 1",
    "SELECT attname, null_frac, n_distinct, histogram_bounds FROM pg_stats WHERE schemaname = 's' AND attname IN ('n', 'm') ORDER BY 1",
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
    run(
        &server,
        "INSERT INTO s.volatile SELECT generate_series(1, 3000); CHECKPOINT; INSERT INTO s.volatile VALUES (1)",
    );
    // A session that has a temporary table when the server is killed.
    let mut connection = Connection::open(server.port, "postgres", "postgres").expect("the server answers");
    connection
        .query("CREATE TEMP TABLE fleeting AS SELECT 1 AS x; CREATE TEMP SEQUENCE passing; CHECKPOINT")
        .expect("it works");
    server.kill().expect("it can be killed");
    let server = data.start();
    assert_eq!(answers(&server), before);
    assert_eq!(run(&server, "SELECT x FROM s.volatile").len(), 0, "unlogged tables are empty after a crash");
    let left = "SELECT relname FROM pg_class WHERE relpersistence = 't' UNION ALL SELECT nspname FROM pg_namespace WHERE nspname LIKE 'pg_temp%'";
    assert_eq!(run(&server, left).len(), 0, "temporary tables are gone with their sessions");
    run(&server, "INSERT INTO s.volatile VALUES (7); CREATE TEMP TABLE fleeting (x int)");
    assert_eq!(run(&server, "SELECT x FROM s.volatile").len(), 1, "and can be filled again");
}

/// What ANALYZE has found, of columns, of statistics objects and of tables with those that inherit from them, is in the log and in
/// checkpoints; what was found before a restore is not of the database any more.
#[test]
fn statistics_outlive_a_start() {
    let data = Data::new();
    let mut server = data.start();
    run(
        &server,
        "CREATE TABLE big (id int PRIMARY KEY, kind text, part int, at timestamptz);
         INSERT INTO big SELECT i, 'kind ' || i % 7, i % 5, '2024-01-01'::timestamptz + i * interval '1 minute' FROM generate_series(1, 3000) i;
         CREATE TABLE child () INHERITS (big); INSERT INTO child SELECT i, NULL, 1 FROM generate_series(1, 100) i;
         CREATE STATISTICS pair (ndistinct, dependencies, mcv) ON kind, part FROM big;
         CREATE STATISTICS lengths ON length(kind), part FROM big;
         CREATE TABLE gone (x int); INSERT INTO gone VALUES (1); CREATE TABLE never (x int);
         ANALYZE; DROP TABLE gone; INSERT INTO never VALUES (1)",
    );
    let queries = [
        "SELECT tablename, attname, inherited, null_frac, avg_width, n_distinct, most_common_vals, most_common_freqs, histogram_bounds, correlation
         FROM pg_stats WHERE schemaname = 'public' ORDER BY 1, 2, 3",
        "SELECT statistics_name, n_distinct, dependencies, most_common_vals, inherited FROM pg_stats_ext ORDER BY 1, 5",
        "SELECT statistics_name, expr, n_distinct, most_common_vals FROM pg_stats_ext_exprs ORDER BY 1, 2, inherited",
        "SELECT relname, reltuples FROM pg_class WHERE relname IN ('big', 'child', 'never') ORDER BY 1",
        "EXPLAIN SELECT * FROM big WHERE kind = 'kind 1' AND part = 1",
    ];
    let all = |server: &Server| -> Vec<Vec<String>> { queries.iter().map(|query| run(server, query)).collect() };
    let before = all(&server);
    assert!(before.iter().all(|rows| !rows.is_empty()), "{before:?}");
    for round in 0..4 {
        match round {
            0 => server.kill().expect("it can be killed"),
            1 => {
                run(&server, "CHECKPOINT");
                server.kill().expect("it can be killed");
            }
            2 => assert!(server.stop().expect("it ends").success()),
            _ => break,
        }
        server = data.start();
        assert_eq!(all(&server), before, "round {round}");
    }
    // A clone has what its source has, and a restored database is another one.
    run(&server, "CREATE DATABASE copy TEMPLATE postgres");
    run(&server, "BACKUP FULL");
    run(&server, "RESTORE FROM LATEST");
    assert_eq!(run(&server, queries[0]).len(), 0);
    server.kill().expect("it can be killed");
    let server = data.start();
    assert_eq!(run(&server, queries[0]).len(), 0);
    let mut copy = Connection::open(server.port, "postgres", "copy").expect("the server answers");
    let messages = copy.query(queries[0]).expect("the server answers");
    let rows: Vec<String> = messages.iter().filter(|message| message.tag == b'D').filter_map(Message::shown).collect();
    assert_eq!(rows, before[0]);
}

/// Privileges on configuration parameters are of all databases: in the log, in checkpoints, and in backups, where a server that has none takes
/// them from.
#[test]
fn privileges_on_parameters_are_kept() {
    let data = Data::new();
    let start = |place: &Path| Server::dictdb_on(place, &["-c", "backup_dir=../backups"]).expect("the server starts");
    let place = data.path();
    let server = start(&place);
    let listed = "SELECT parname, paracl FROM pg_parameter_acl ORDER BY 1";
    for sql in [
        "CREATE ROLE eve LOGIN",
        "CREATE DATABASE before",
        "GRANT SET ON PARAMETER log_statement TO eve",
        "CHECKPOINT",
        "GRANT ALTER SYSTEM ON PARAMETER work_mem TO eve",
        "BACKUP FULL",
        "GRANT SET ON PARAMETER my.own TO PUBLIC",
        "BACKUP DELTA",
        "REVOKE SET ON PARAMETER log_statement FROM eve",
        "GRANT SET ON PARAMETER log_duration TO eve",
    ] {
        run(&server, sql);
    }
    let now = [
        "log_duration | {postgres=sA/postgres,eve=s/postgres}",
        "my.own | {postgres=sA/postgres,=s/postgres}",
        "work_mem | {postgres=sA/postgres,eve=A/postgres}",
    ];
    server.kill().expect("it can be killed");
    let server = start(&place);
    run(&server, "CREATE DATABASE after");
    for database in ["postgres", "before", "after"] {
        let mut eve = Connection::open(server.port, "eve", database).expect("the server answers");
        let mut shown = |sql: &str| {
            let messages = eve.query(sql).expect("the server answers");
            messages
                .iter()
                .filter(|m| matches!(m.tag, b'D' | b'C' | b'E'))
                .filter_map(Message::shown)
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(listed)[..3], now, "{database}");
        assert_eq!(shown("SET log_duration = on"), ["-- SET"], "{database}");
        assert!(shown("SET log_statement = 'all'")[0].contains("42501"), "{database}");
    }
    // Lists that there are here stay; a parameter without one gets that of the backup.
    run(&server, "RESTORE FROM LATEST INTO DATABASE copy");
    let mut restored = now.to_vec();
    restored.insert(1, "log_statement | {postgres=sA/postgres,eve=s/postgres}");
    assert_eq!(run(&server, listed), restored);
    // It makes a backup.
    server.stop().expect("it stops");
    let elsewhere = place.with_file_name("elsewhere");
    let server = start(&elsewhere);
    run(&server, "RESTORE FROM LATEST");
    assert_eq!(run(&server, listed), restored);
}

/// What sessions begin with is in the log, in checkpoints and in backups, and goes with its database and its role.
#[test]
fn settings_of_databases_and_roles_are_kept() {
    let data = Data::new();
    let start = || Server::dictdb_on(&data.path(), &["-c", "backup_dir=../backups"]).expect("the server starts");
    let server = start();
    for sql in [
        "CREATE ROLE eve LOGIN",
        "CREATE DATABASE other",
        "ALTER DATABASE postgres SET work_mem = '9MB'",
        "CHECKPOINT",
        "ALTER ROLE eve IN DATABASE postgres SET statement_timeout = '3s'",
        "ALTER ROLE eve IN DATABASE other SET statement_timeout = '4s'",
        "ALTER ROLE ALL SET app.colour = 'blue'",
        "ALTER DATABASE other SET app.colour = 'red'",
        "ALTER DATABASE other SET work_mem = '7MB'",
        "BACKUP FULL",
        "ALTER DATABASE postgres SET work_mem = '1MB'",
        "RESTORE FROM LATEST INTO DATABASE copy",
    ] {
        run(&server, sql);
    }
    let begins = |server: &Server, role: &str, database: &str| {
        let mut connection = Connection::open(server.port, role, database).expect("the server answers");
        let sql = "SELECT current_setting('work_mem'), current_setting('statement_timeout'), current_setting('app.colour'),
            (SELECT string_agg(source, ',' ORDER BY name) FROM pg_settings WHERE name IN ('work_mem', 'statement_timeout'))";
        let messages = connection.query(sql).expect("the server answers");
        messages.iter().find(|message| message.tag == b'D').and_then(Message::shown).unwrap_or_default()
    };
    let expect = |server: &Server| {
        assert_eq!(begins(server, "eve", "postgres"), "1MB | 3s | blue | database user,database");
        assert_eq!(begins(server, "eve", "other"), "7MB | 4s | red | database user,database");
        assert_eq!(begins(server, "eve", "copy"), "9MB | 3s | blue | database user,database");
        assert_eq!(begins(server, "postgres", "copy"), "9MB | 0 | blue | default,database");
    };
    expect(&server);
    server.kill().expect("it can be killed");
    let server = start();
    expect(&server);
    run(&server, "DROP DATABASE other");
    server.kill().expect("it can be killed");
    let server = start();
    let places = "SELECT count(*), count(d.oid) FROM pg_db_role_setting LEFT JOIN pg_database d ON d.oid = setdatabase";
    assert_eq!(run(&server, places), ["5 | 4"], "what was of the database that was dropped is gone");
    // A stored role that nobody may become is a warning when the session begins, and no way to it.
    run(&server, "ALTER ROLE eve SET role = 'postgres'");
    let mut eve = Connection::open(server.port, "eve", "postgres").expect("the server answers");
    let messages = eve.query("SELECT current_user").expect("the server answers");
    assert_eq!(messages.iter().find(|message| message.tag == b'D').and_then(Message::shown), Some("eve".to_owned()));
    for sql in
        ["SET ROLE postgres", "SET SESSION AUTHORIZATION postgres", "SELECT set_config('role', 'postgres', false)"]
    {
        let messages = eve.query(sql).expect("the server answers");
        let code = messages.iter().find(|message| message.tag == b'E').and_then(|error| error.field(b'C'));
        assert_eq!(code.as_deref(), Some("42501"), "{sql}");
    }
    drop(eve);
    run(&server, "DROP ROLE eve");
    assert_eq!(run(&server, places), ["3 | 2"]);
}

#[test]
fn asynchronous_commits_are_written_soon() {
    let data = Data::new();
    let server = data.start();
    run(&server, "CREATE TABLE t (x int)");
    run(&server, "SET synchronous_commit = off; INSERT INTO t SELECT generate_series(1, 1000)");
    let end = run(&server, "SELECT pg_current_wal_insert_lsn()").remove(0);
    let is_written = format!("SELECT pg_current_wal_flush_lsn() >= '{}'::pg_lsn", end.trim_matches('\''));
    wait_until("the log on disk", || run(&server, &is_written)[0].contains('t'));
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

/// Directories written by released formats are read for ever: `format-1` from before there were statistics and shared rows in it.
/// `DICTDB_REWRITE=1` writes the newest anew.
#[test]
fn every_format_is_read() {
    let golden = |name: &str| workspace().join("tests/data").join(name);
    if std::env::var_os("DICTDB_REWRITE").is_some() {
        write_golden(&golden("format-1-shared"));
    }
    for golden in ["format-1", "format-1-shared"].map(golden) {
        let data = Data::new();
        copy(&golden, &data.path());
        let server = data.start();
        let found: Vec<String> = answers(&server).into_iter().flatten().collect();
        let expected = std::fs::read_to_string(golden.with_extension("txt")).expect("the answers are there");
        assert_eq!(found.join("\n") + "\n", expected);
        assert_eq!(run(&server, "INSERT INTO s.everything (t) VALUES ('new') RETURNING id").len(), 1);
    }
}

/// More zeros than a record of the golden directory ends with.
const RECORD_ZEROS: usize = 4096;

fn write_golden(golden: &Path) {
    let data = Data::new();
    let server = data.start();
    run(&server, SETUP);
    run(&server, "CREATE SNAPSHOT kept");
    run(
        &server,
        "ANALYZE s.everything; CHECKPOINT; INSERT INTO s.everything (t, p) VALUES ('after the checkpoint', 1)",
    );
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

/// A command takes care of complete segments; one that it fails on stays, and is tried again.
#[test]
fn a_command_archives_segments() {
    let data = Data::new();
    let archive = data.0.join("archive");
    std::fs::create_dir_all(&archive).expect("a directory");
    let gate = data.0.join("gate");
    let command = format!("archive_command=test -f {} && cp %p {}/%f", gate.display(), archive.display());
    let options = ["-c", "archive_mode=on", "-c", &command];
    let server = Server::dictdb_on(&data.path(), &options).expect("the server starts");
    run(
        &server,
        "CREATE TABLE t (a int, b text); INSERT INTO t SELECT i, repeat('x', 200) FROM generate_series(1, 100000) i",
    );
    let wait = |condition: &str| {
        wait_until(condition, || run(&server, &format!("SELECT {condition} FROM pg_stat_archiver")) == ["t"]);
    };
    wait("failed_count > 0 AND archived_count = 0 AND last_failed_wal LIKE '%.log'");
    std::fs::write(&gate, "").expect("a file");
    wait("archived_count > 0 AND last_archived_wal >= last_failed_wal AND last_archived_time >= last_failed_time");
    let archived = std::fs::read_dir(&archive).expect("a directory").count();
    assert!(archived > 0, "{archived} files");
}
