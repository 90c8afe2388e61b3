//! The backup manager around the files: who hears of a failure and how, when it starts by itself, which chains it lets go; and the log
//! that it archives, as the way to any moment.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use dictdb_tests::message::Message;
use dictdb_tests::patience::{wait_until, while_it_lasts};
use dictdb_tests::server::{Server, fresh_directory};
use dictdb_tests::wire::Connection;

/// A folder that goes with its test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        Folder(fresh_directory().expect("a directory"))
    }

    fn start(&self, settings: &[&str]) -> Server {
        let backups = format!("backup_dir={}", self.backups().display());
        let common = ["fsync=off", "backup_on_shutdown=off", &backups];
        let arguments: Vec<&str> = common.iter().chain(settings).flat_map(|setting| ["-c", setting]).collect();
        Server::dictdb_on(&self.0.join("data"), &arguments).expect("the server starts")
    }

    fn backups(&self) -> PathBuf {
        self.0.join("backups")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn connect(server: &Server) -> Connection {
    Connection::open(server.port, "postgres", "postgres").expect("the server answers")
}

/// The first value of each row.
fn run(connection: &mut Connection, sql: &str) -> Vec<String> {
    let messages = connection.query(sql).expect("the server answers");
    if let Some(error) = messages.iter().find(|message| message.tag == b'E') {
        panic!("{sql}: {}", error.error_text());
    }
    messages.iter().filter(|message| message.tag == b'D').filter_map(Message::shown).collect()
}

/// The payload of a notification, whose body is a process id and two texts ended by zeros.
fn payload(message: &Message) -> (String, String) {
    let mut texts = message.body[4..].split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned());
    (texts.next().unwrap_or_default(), texts.next().unwrap_or_default())
}

#[test]
fn a_failure_reaches_who_listens_and_the_operators_command() {
    let folder = Folder::new();
    let told = folder.0.join("told");
    let write = "printf '%s\\n' \"$DICTDB_BACKUP_ERROR\" \"$DICTDB_BACKUP_FAILURES\"";
    let command = format!("backup_failure_command={write} > {0}.tmp; mv {0}.tmp {0}", told.display());
    let server = folder.start(&[&command]);
    let mut connection = connect(&server);
    run(&mut connection, "LISTEN dictdb_backup_failure");
    // A file is where the directory should be.
    std::fs::write(folder.backups(), "in the way").expect("it can be written");
    for count in 1..=2 {
        let mut heard = connection.query("BACKUP FULL").expect("the server answers");
        assert!(heard.iter().any(|message| message.tag == b'E'), "the backup fails");
        heard.extend(connection.query("SELECT 1").expect("the server answers"));
        let heard: Vec<_> = heard.iter().filter(|message| message.tag == b'A').map(payload).collect();
        let [(channel, text)] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!(channel, "dictdb_backup_failure");
        let field = |name: &str| run(&mut connect(&server), &format!("SELECT $${text}$$::json ->> '{name}'")).remove(0);
        assert_eq!(field("consecutive_failures"), count.to_string());
        assert_eq!((field("database").as_str(), field("sqlstate").len()), ("postgres", 5));
        assert!(field("error").contains("backups"), "{text}");
        wait_until("the command", || told.exists());
        assert_eq!(std::fs::read_to_string(&told).ok(), Some(format!("{text}\n{count}\n")));
        std::fs::remove_file(&told).expect("it is there");
    }
    // Who listens in one database hears of the backups of another.
    run(&mut connection, "CREATE DATABASE other");
    let mut other = Connection::open(server.port, "postgres", "other").expect("the server answers");
    let failed = other.query("BACKUP FULL").expect("the server answers");
    assert!(failed.iter().any(|message| message.tag == b'E'), "the backup fails");
    let heard = connection.query("SELECT 1").expect("the server answers");
    let heard: Vec<_> = heard.iter().filter(|message| message.tag == b'A').map(payload).collect();
    assert!(matches!(&heard[..], [(_, text)] if text.contains(r#""database":"other""#)), "{heard:?}");
}

#[test]
fn the_manager_starts_with_the_server_if_told_to() {
    let folder = Folder::new();
    let server = folder.start(&[]);
    let mut connection = connect(&server);
    assert_eq!(run(&mut connection, "SELECT manager FROM dictdb.backup_status"), ["f"]);
    run(&mut connection, "ALTER SYSTEM SET backup_autostart = on");
    run(&mut connection, "ALTER SYSTEM SET backup_interval = 1");
    run(&mut connection, "CREATE TABLE t (a int)");
    server.kill().expect("it ends");
    let server = folder.start(&[]);
    assert_eq!(run(&mut connect(&server), "SELECT manager FROM dictdb.backup_status"), ["t"]);
    wait_until("a backup", || names(&folder.backups()).iter().any(|name| name.starts_with("dictdb_backup_")));
    run(&mut connect(&server), "BACKUP STOP");
    assert_eq!(run(&mut connect(&server), "SELECT manager FROM dictdb.backup_status"), ["f"]);
}

/// Adds a row and takes a backup of it: the newest file.
fn back_up(connection: &mut Connection, folder: &Folder, kind: &str) -> String {
    run(connection, "INSERT INTO t VALUES (DEFAULT)");
    run(connection, &format!("BACKUP {kind}"));
    let time = |name: &String| name.split('_').skip(2).map(str::to_owned).collect::<Vec<_>>();
    names(&folder.backups()).into_iter().max_by_key(time).expect("a file")
}

#[test]
fn age_removes_whole_chains_and_never_a_link() {
    let folder = Folder::new();
    let server = folder.start(&[]);
    let mut connection = connect(&server);
    run(&mut connection, "CREATE TABLE t (a serial PRIMARY KEY)");
    let keep_age = |connection: &mut Connection, age: Duration| {
        run(connection, &format!("SET backup_keep_age = {}", age.as_secs()));
    };
    while_it_lasts(Duration::from_secs(2), |age| {
        keep_age(&mut connection, Duration::ZERO);
        let first = back_up(&mut connection, &folder, "FULL");
        std::thread::sleep(age);
        keep_age(&mut connection, age);
        // The first is old, and stays because this young one needs it.
        let begun = Instant::now();
        let link = back_up(&mut connection, &folder, "DELTA");
        let second = back_up(&mut connection, &folder, "FULL");
        let kept = names(&folder.backups());
        let all_are_kept = [&first, &link, &second].iter().all(|name| kept.contains(name));
        (begun, all_are_kept.then_some(()).ok_or_else(|| format!("{kept:?}")))
    });
    run(&mut connection, "VERIFY BACKUP ALL");
    keep_age(&mut connection, Duration::from_secs(1));
    std::thread::sleep(Duration::from_millis(1200));
    let third = back_up(&mut connection, &folder, "FULL");
    assert_eq!(names(&folder.backups()), [third]);
    std::thread::sleep(Duration::from_millis(1200));
    back_up(&mut connection, &folder, "DELTA");
    assert_eq!(names(&folder.backups()).len(), 2, "the newest chain stays, however old it is");
    run(&mut connection, "VERIFY BACKUP ALL");
    let rows = run(&mut connection, "SELECT count(*) FROM t");
    run(&mut connection, "DELETE FROM t");
    run(&mut connection, "RESTORE FROM LATEST");
    assert_eq!(run(&mut connection, "SELECT count(*) FROM t"), rows);
}

/// Segments that only the archive has, and those that only the data directory has, give every moment since a backup.
#[test]
fn a_moment_in_the_archived_log_can_be_restored() {
    let folder = Folder::new();
    let archive = folder.0.join("archive");
    let server = folder.start(&[&format!("wal_archive_directory={}", archive.display())]);
    let mut connection = connect(&server);
    run(&mut connection, "CREATE TABLE t (id int PRIMARY KEY)");
    run(&mut connection, "CREATE TABLE filler (t text)");
    run(&mut connection, "BACKUP FULL");
    let mut moments = Vec::new();
    for id in 1..=3 {
        run(&mut connection, &format!("INSERT INTO t VALUES ({id})"));
        std::thread::sleep(Duration::from_millis(5));
        moments.push(run(&mut connection, "SELECT clock_timestamp()").remove(0));
        std::thread::sleep(Duration::from_millis(5));
        // More than a segment, so that the next row is in another one.
        run(&mut connection, "INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 17000)");
        run(&mut connection, "TRUNCATE filler");
        run(&mut connection, "CHECKPOINT");
    }
    let live = names(&folder.0.join("data/log"));
    let first = "0000000001000000.log".to_owned();
    assert!(!live.contains(&first) && names(&archive).contains(&first), "{live:?}");
    server.kill().expect("it ends");
    let server = folder.start(&[&format!("wal_archive_directory={}", archive.display())]);
    for (before, moment) in moments.iter().enumerate() {
        let mut connection = connect(&server);
        run(&mut connection, &format!("RESTORE FROM LATEST UNTIL '{moment}' INTO DATABASE then_{before}"));
        let mut then = Connection::open(server.port, "postgres", &format!("then_{before}")).expect("it is there");
        assert_eq!(run(&mut then, "SELECT max(id) FROM t"), [(before + 1).to_string()], "{moment}");
    }
    // Without a segment in between the moment cannot be reached, which is said; what can be is restored.
    std::fs::rename(archive.join(&first), folder.0.join("aside")).expect("it can be moved");
    let mut connection = connect(&server);
    let messages = connection.query(&format!("RESTORE FROM LATEST UNTIL '{}' INTO DATABASE gap", moments[2]));
    let messages = messages.expect("the server answers");
    let warning = messages.iter().find(|message| message.tag == b'N').map(Message::error_text).unwrap_or_default();
    assert!(warning.contains("the log from the last backup on is not kept"), "{warning}");
    let mut gap = Connection::open(server.port, "postgres", "gap").expect("it is there");
    assert_eq!(run(&mut gap, "SELECT count(*) FROM t"), ["0"]);
}
