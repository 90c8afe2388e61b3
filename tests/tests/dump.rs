//! pg_dump and its companions: a dump is the one PostgreSQL's database gives, and restoring it gives the same dump again.
//!
//! `DICTDB_REWRITE=1` lets PostgreSQL write the expected dump.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dictdb_tests::server::{Server, postgres_bin, workspace};

fn program(name: &str, server: &Server) -> Command {
    let mut command = Command::new(postgres_bin().join(name));
    command
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", server.port.to_string())
        .env("PGUSER", "postgres")
        .env("PGDATABASE", "postgres")
        .stdin(Stdio::null());
    command
}

/// Runs a program that must succeed and returns what it prints.
fn output(command: &mut Command) -> String {
    let output = command.output().expect("the program runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn load(server: &Server, script: &Path) {
    let psql = program("psql", server).args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f"]).arg(script).output();
    let psql = psql.expect("psql runs");
    assert!(psql.status.success(), "{}", String::from_utf8_lossy(&psql.stderr));
}

/// A dump without what differs from run to run and from server to server.
fn dump(server: &Server, options: &[&str]) -> String {
    let text = output(program("pg_dump", server).args(options));
    let kept = text.lines().filter(|line| {
        let accidental = ["-- Dumped from database version", "\\restrict ", "\\unrestrict "];
        !accidental.iter().any(|start| line.starts_with(start))
    });
    kept.flat_map(|line| [line, "\n"]).collect()
}

fn filled() -> Server {
    let server = Server::dictdb().expect("DictDB starts");
    load(&server, &schema());
    server
}

fn schema() -> PathBuf {
    workspace().join("tests/dump/schema.sql")
}

/// A file that a test writes, in a folder of its own.
fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("dictdb-dump-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
    folder.join(name)
}

fn restored(dumps: &[&[&str]], from: &Server) -> Server {
    let server = Server::dictdb().expect("DictDB starts");
    for (number, options) in dumps.iter().enumerate() {
        let file = scratch(&format!("{}-{number}.sql", server.port));
        std::fs::write(&file, dump(from, options)).expect("the dump can be written");
        load(&server, &file);
    }
    server
}

#[test]
fn a_dump_is_postgresqls() {
    let expected = workspace().join("tests/dump/expected.sql");
    if std::env::var_os("DICTDB_REWRITE").is_some() {
        let server = Server::postgres().expect("PostgreSQL starts");
        load(&server, &schema());
        std::fs::write(&expected, dump(&server, &[])).expect("the dump can be written");
        return;
    }
    let expected = std::fs::read_to_string(expected).expect("PostgreSQL has written its dump");
    let actual = dump(&filled(), &[]);
    let mut lines = expected.lines().zip(actual.lines()).enumerate();
    let first = lines.find(|(_, (a, b))| a != b);
    assert!(first.is_none() && expected.len() == actual.len(), "{first:?}");
}

#[test]
fn restoring_a_dump_gives_the_same_dump() {
    let server = filled();
    let whole = dump(&server, &[]);
    let ways: [&[&[&str]]; 3] =
        [&[&[]], &[&["--schema-only"], &["--data-only"]], &[&["--inserts", "--rows-per-insert=10"]]];
    for way in ways {
        assert!(dump(&restored(way, &server), &[]) == whole, "{way:?} loses something");
    }
}

#[test]
fn the_custom_format_is_restored() {
    let server = filled();
    let file = scratch("custom");
    output(program("pg_dump", &server).args(["-Fc", "-f"]).arg(&file));
    let other = Server::dictdb().expect("DictDB starts");
    output(program("pg_restore", &other).args(["--exit-on-error", "--dbname=postgres"]).arg(&file));
    assert!(dump(&other, &[]) == dump(&server, &[]), "the custom format loses something");
}

#[test]
fn the_small_programs_work() {
    let server = filled();
    output(program("pg_isready", &server).arg("--quiet"));
    assert!(output(program("pg_dumpall", &server).arg("--globals-only")).contains("CREATE ROLE postgres;"));
    output(program("vacuumdb", &server).args(["--quiet", "--analyze"]));
    output(program("vacuumdb", &server).args(["--quiet", "--table=shop.sized"]));
    output(program("psql", &server).args(["-X", "-l"]));
}

#[test]
fn pgbench_fills_and_runs() {
    let server = Server::dictdb().expect("DictDB starts");
    let log = File::create(scratch("pgbench")).expect("the temporary folder can be written");
    for steps in ["dtgvp", "dtGvpf"] {
        let log = log.try_clone().expect("a file can be shared");
        output(program("pgbench", &server).args(["--initialize", "--quiet", "-I", steps]).stderr(log));
    }
    for mode in ["simple", "extended", "prepared"] {
        for script in ["tpcb-like", "simple-update", "select-only"] {
            let options = ["--no-vacuum", "-t", "20", "-c", "2", "-M", mode, "-b", script];
            let printed = output(program("pgbench", &server).args(options));
            assert!(printed.contains("number of transactions actually processed: 40/40"), "{printed}");
        }
    }
}
