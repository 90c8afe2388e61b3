//! Backups to object stores: in memory, and an S3 server on this machine.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use dictdb_tests::environment;
use dictdb_tests::patience::wait_until;
use dictdb_tests::place::{Place, connect, run, try_run};
use dictdb_tests::server::{Server, free_port};

const ROWS: &str = "SELECT count(*), sum(length(v)) FROM t";

/// Backs up, lists, verifies, restores and removes, all in one place.
fn works(server: &Server, format: &str) {
    let mut connection = connect(server, "postgres");
    run(&mut connection, &format!("SET backup_format = {format}; SET backup_keep_full = 2"));
    run(&mut connection, "DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, v text)");
    run(&mut connection, "INSERT INTO t SELECT g, md5(g::text) || repeat('x', 200) FROM generate_series(1, 60000) g");
    run(
        &mut connection,
        "BACKUP FULL; UPDATE t SET v = 'short' WHERE id <= 10; DELETE FROM t WHERE id > 59000; BACKUP DELTA",
    );
    let files = run(&mut connection, "SELECT file FROM dictdb.backups ORDER BY file DESC");
    assert!(files.iter().all(|file| file.ends_with(".json") || file.ends_with(".arrow")), "{files:?}");
    let before = run(&mut connection, ROWS);
    run(&mut connection, "VERIFY BACKUP ALL; DELETE FROM t; RESTORE FROM LATEST DRY RUN");
    assert_eq!(run(&mut connection, "SELECT count(*) FROM t"), ["0"]);
    run(&mut connection, "RESTORE FROM LATEST");
    assert_eq!(run(&mut connection, ROWS), before);
    let delta = &files[0];
    run(&mut connection, &format!("RESTORE FROM '{delta}' INTO DATABASE other"));
    assert_eq!(run(&mut connect(server, "other"), ROWS), before);
    let error = try_run(&mut connection, "RESTORE FROM 'dictdb_backup_1_000000.json'").expect_err("there is none");
    assert!(error.starts_with("58P01"), "{error}");
    let error = try_run(&mut connection, "RESTORE FROM '/etc/passwd'").expect_err("it is elsewhere");
    assert!(error.starts_with("42501"), "{error}");
    // Whole chains go when there are too many.
    run(&mut connection, "BACKUP FULL; BACKUP FULL; BACKUP FULL");
    let kept = run(&mut connection, "SELECT count(*) FROM dictdb.backups WHERE database = 'postgres'");
    assert_eq!(kept, ["2"]);
}

#[test]
fn backups_live_in_memory_if_that_is_wanted() {
    let place = Place::new();
    let server = place.start(&["-c", "backup_dir=memory://bucket/some/where"]);
    works(&server, "json");
    works(&server, "arrow");
    assert!(place.files().is_empty());
}

#[test]
fn a_file_url_is_a_directory() {
    let place = Place::new();
    let url = format!("backup_dir=file://{}", place.folder().display());
    let server = place.start(&["-c", &url]);
    works(&server, "arrow");
    assert_eq!(place.files().len(), 2);
}

/// An S3 server in Python.
struct Moto {
    process: Child,
    port: u16,
}

impl Moto {
    fn start() -> Moto {
        let port = free_port().expect("a port is free");
        let process = Command::new(environment::python("moto-venv", "moto[server]>=5,<6\n", &[]).join("moto_server"))
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto starts");
        let moto = Moto { process, port };
        wait_until("moto", || moto.put_bucket().is_ok());
        moto
    }

    fn put_bucket(&self) -> std::io::Result<()> {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port))?;
        socket
            .write_all(b"PUT /backups HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        match answer.contains(" 200 ") {
            true => Ok(()),
            false => Err(std::io::Error::other(answer)),
        }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn an_s3_server_keeps_backups() {
    let moto = Moto::start();
    let place = Place::new();
    let endpoint = format!("http://127.0.0.1:{}", moto.port);
    let environment = [
        ("AWS_ENDPOINT", endpoint.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let server = place.start_with(&["-c", "backup_dir=s3://backups/dictdb"], &environment);
    works(&server, "json");
    works(&server, "arrow");
    // Large enough for an upload in parts.
    let mut connection = connect(&server, "postgres");
    run(
        &mut connection,
        "CREATE TABLE large AS SELECT g AS id, repeat(md5(g::text), 30) AS v FROM generate_series(1, 40000) g;
         SET backup_format = json; BACKUP FULL; DROP TABLE large; RESTORE FROM LATEST",
    );
    assert_eq!(run(&mut connection, "SELECT count(*), min(length(v)) FROM large"), ["40000 | 960"]);
    assert!(place.files().is_empty());
    // The server is gone: a backup fails, is counted, and says where to look.
    drop(moto);
    let error = try_run(&mut connection, "BACKUP FULL").expect_err("nobody answers");
    assert!(error.starts_with("58030") && error.contains("s3://backups/dictdb"), "{error}");
    let failures = "SELECT consecutive_failures FROM dictdb.backup_status WHERE database = 'postgres'";
    assert_eq!(run(&mut connection, failures), ["1"]);
}
