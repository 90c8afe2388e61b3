//! RESTORE … UNTIL a moment: over everything the log may have between a backup and that moment, and from wherever the log is kept.

use std::time::Duration;

use dictdb_tests::patience::wait_until;
use dictdb_tests::place::{Place, connect, run, try_run};
use dictdb_tests::server::Server;
use dictdb_tests::wire::Connection;

/// A moment that nothing else happens at.
fn moment(connection: &mut Connection) -> String {
    std::thread::sleep(Duration::from_millis(10));
    let moment = run(connection, "SELECT clock_timestamp()").remove(0);
    std::thread::sleep(Duration::from_millis(10));
    moment
}

fn ids_of(server: &Server, database: &str) -> Vec<String> {
    run(&mut connect(server, database), "SELECT string_agg(id::text, ' ' ORDER BY id) || '/' || nextval('s') FROM t")
}

#[test]
fn a_restore_goes_on_beyond_a_reset_of_the_database() {
    let place = Place::new();
    let server = place.start(&[]);
    let (mut admin, mut app) = (connect(&server, "postgres"), None);
    run(&mut admin, "CREATE DATABASE app");
    let mut step = |sql: &str| {
        let app = app.get_or_insert_with(|| connect(&server, "app"));
        run(app, sql);
        moment(app)
    };
    step("CREATE TABLE t (id int PRIMARY KEY); CREATE SEQUENCE s; INSERT INTO t VALUES (1)");
    run(&mut admin, "CREATE SNAPSHOT old OF DATABASE app");
    let mut moments = vec![
        step("INSERT INTO t VALUES (2); SELECT nextval('s'), nextval('s'); BACKUP FULL"),
        step("INSERT INTO t VALUES (3)"),
    ];
    run(&mut admin, "RESET DATABASE app TO SNAPSHOT old");
    moments.push(moment(&mut admin));
    moments.push(step("INSERT INTO t VALUES (4); SELECT nextval('s')"));
    run(&mut admin, "CREATE SNAPSHOT young OF DATABASE app");
    moments.push(step("DELETE FROM t; INSERT INTO t VALUES (5)"));
    run(&mut admin, "CREATE DATABASE other TEMPLATE app; RESET DATABASE app TO SNAPSHOT young; DROP SNAPSHOT young");
    moments.push(moment(&mut admin));
    moments.push(step("INSERT INTO t VALUES (6)"));
    // The log is ahead of a sequence by up to 32 values, as PostgreSQL's is.
    let expected = ["1 2/3", "1 2 3/3", "1/1", "1 4/34", "5/34", "1 4/2", "1 4 6/2"];
    let mut app = connect(&server, "app");
    for (at, (moment, expected)) in moments.iter().zip(expected).enumerate() {
        run(&mut app, &format!("RESTORE FROM LATEST UNTIL '{moment}' INTO DATABASE then_{at}"));
        assert_eq!(ids_of(&server, &format!("then_{at}")), [expected], "moment {at}");
    }
    // A snapshot from before the backup that is gone: what came before it was used can be had, and not what came after.
    run(&mut admin, "DROP SNAPSHOT old");
    run(&mut app, &format!("RESTORE FROM LATEST UNTIL '{}' INTO DATABASE before_reset", moments[1]));
    assert_eq!(ids_of(&server, "before_reset"), ["1 2 3/3"]);
    let error = try_run(&mut app, &format!("RESTORE FROM LATEST UNTIL '{}' INTO DATABASE x", moments[2])).unwrap_err();
    assert!(error.starts_with("55000 ") && error.contains("a snapshot that has been dropped"), "{error}");
    assert_eq!(run(&mut admin, "SELECT count(*) FROM pg_database WHERE datname = 'x'"), ["0"]);
}

#[test]
fn a_restore_does_not_wait_for_what_may_never_end() {
    let place = Place::new();
    let server = place.start(&["-c", "max_prepared_transactions=2"]);
    let (mut connection, mut other) = (connect(&server, "postgres"), connect(&server, "postgres"));
    run(&mut connection, "CREATE TABLE t (id int PRIMARY KEY); BACKUP FULL");
    run(&mut other, "BEGIN; INSERT INTO t VALUES (1)");
    let error = try_run(&mut connection, "SET lock_timeout = '700ms'; RESTORE FROM LATEST");
    assert!(error.is_err(), "not in an implicit transaction block");
    run(&mut connection, "SET lock_timeout = '700ms'");
    let error = try_run(&mut connection, "RESTORE FROM LATEST").unwrap_err();
    assert!(error.starts_with("55P03 "), "{error}");
    run(&mut connection, "SET lock_timeout = 0");
    // It waits, and the other transaction is prepared meanwhile.
    let waiting = std::thread::spawn(move || try_run(&mut connection, "RESTORE FROM LATEST").map(|_| connection));
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted";
    let mut observer = connect(&server, "postgres");
    wait_until("the restore waits", || run(&mut observer, waits) == ["1"]);
    run(&mut other, "PREPARE TRANSACTION 'it'");
    let error = waiting.join().expect("it ends").map(drop).unwrap_err();
    assert!(error.starts_with("55006 ") && error.contains("prepared transactions"), "{error}");
    let error = try_run(&mut observer, "RESTORE FROM LATEST").unwrap_err();
    assert!(error.starts_with("55006 "), "{error}");
    run(&mut observer, "RESTORE FROM LATEST DRY RUN; COMMIT PREPARED 'it'");
    assert_eq!(
        run(&mut observer, "SELECT id FROM t; RESTORE FROM LATEST; SELECT count(*) FROM t").last().unwrap(),
        "0"
    );
}

#[test]
fn segments_are_ended_in_time_and_fetched_when_they_are_needed() {
    let place = Place::new();
    let archive = place.0.join("archive");
    std::fs::create_dir(&archive).expect("it can be made");
    let into = format!("archive_command=cp %p {}/%f", archive.display());
    let from = format!("restore_command=cp {}/%f %p", archive.display());
    let settings = ["-c", "archive_mode=on", "-c", "archive_timeout=1", "-c", &into, "-c", &from];
    let server = place.start(&settings);
    let mut connection = connect(&server, "postgres");
    let archived = || std::fs::read_dir(&archive).expect("it is there").count();
    run(&mut connection, "CREATE TABLE t (id int PRIMARY KEY); BACKUP FULL; INSERT INTO t VALUES (1)");
    let after_one = moment(&mut connection);
    wait_until("a segment that is not full is archived", || archived() > 0);
    // One after the other, and none while nothing is written.
    let before = archived();
    run(&mut connection, "INSERT INTO t VALUES (2)");
    let after_two = moment(&mut connection);
    assert_eq!(run(&mut connection, "SELECT pg_walfile_name(pg_switch_wal()) IS NULL"), ["f"]);
    wait_until("pg_switch_wal ends a segment too", || archived() > before);
    run(&mut connection, "INSERT INTO t VALUES (3); CHECKPOINT");
    let log = place.0.join("data/log");
    let first = log.join("0000000001000000.log");
    wait_until("the segment goes", || {
        run(&mut connection, "CHECKPOINT");
        !first.exists()
    });
    server.kill().expect("it ends");
    let server = place.start(&settings);
    let mut connection = connect(&server, "postgres");
    assert_eq!(run(&mut connection, "SELECT count(*) FROM t"), ["3"]);
    for (moment, count) in [(&after_one, "1"), (&after_two, "2")] {
        run(&mut connection, &format!("RESTORE FROM LATEST UNTIL '{moment}' INTO DATABASE then_{count}"));
        let mut then = connect(&server, &format!("then_{count}"));
        assert_eq!(run(&mut then, "SELECT count(*) FROM t"), [count]);
    }
    let fetched = std::fs::read_dir(&log).expect("it is there").flatten().any(|file| file.file_name() == "fetched.tmp");
    assert!(!fetched, "what was fetched is removed");
}

/// Disk and server are gone; backups and the archive are somewhere else.
#[test]
fn a_lost_data_directory_is_made_again_of_backup_and_archive() {
    let place = Place::new();
    let archive = place.0.join("archive");
    std::fs::create_dir(&archive).expect("it can be made");
    let into = format!("archive_command=cp %p {}/%f", archive.display());
    let server = place.start(&["-c", "archive_mode=on", "-c", &into, "-c", "backup_on_shutdown=off"]);
    let mut connection = connect(&server, "postgres");
    run(&mut connection, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); BACKUP FULL");
    let after_one = moment(&mut connection);
    run(&mut connection, "INSERT INTO t VALUES (2); CREATE TABLE u AS SELECT 1 AS x");
    let after_two = moment(&mut connection);
    run(&mut connection, "INSERT INTO t VALUES (3); SELECT pg_switch_wal(); INSERT INTO t VALUES (4)");
    wait_until("the segment is archived", || std::fs::read_dir(&archive).expect("it is there").count() > 0);
    server.kill().expect("it ends");
    std::fs::remove_dir_all(place.0.join("data")).expect("it is lost");

    let from = format!("restore_command=cp {}/%f %p", archive.display());
    let server = place.start(&["-c", &from]);
    let mut connection = connect(&server, "postgres");
    // The new server has a history of its own, under the same names of segments.
    run(&mut connection, "CREATE TABLE mine (x int); SELECT pg_switch_wal()");
    for (moment, ids) in [(&*after_one, "1"), (&*after_two, "1 2"), ("infinity", "1 2 3")] {
        let name = format!("then_{}", ids.len());
        run(&mut connection, &format!("RESTORE FROM LATEST UNTIL '{moment}' INTO DATABASE {name}"));
        let mut then = connect(&server, &name);
        assert_eq!(run(&mut then, "SELECT string_agg(id::text, ' ' ORDER BY id) FROM t"), [ids]);
        assert_eq!(run(&mut then, "SELECT to_regclass('u') IS NOT NULL"), [if ids == "1" { "f" } else { "t" }]);
    }
    run(&mut connection, "RESTORE FROM LATEST UNTIL 'infinity'");
    assert_eq!(run(&mut connection, "SELECT count(*) FROM t"), ["3"]);
    server.kill().expect("it ends");
    let server = place.start(&[]);
    let mut connection = connect(&server, "postgres");
    assert_eq!(run(&mut connection, "SELECT count(*) FROM t"), ["3"]);
    // Without anything of the other log it is as of the backup.
    run(&mut connection, "RESTORE FROM LATEST UNTIL 'infinity' INTO DATABASE without");
    assert_eq!(run(&mut connect(&server, "without"), "SELECT count(*) FROM t"), ["1"]);
}
