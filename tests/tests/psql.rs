//! What psql prints: scripts in `psql/` with the output PostgreSQL gave, backslash commands included.
//!
//! `DICTDB_REWRITE=1` lets PostgreSQL write the output. A script avoids what differs between servers by nature: sizes on
//! disk, addresses, places in PostgreSQL's source.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dictdb_tests::server::{Server, postgres_bin, workspace};

fn scripts() -> Vec<PathBuf> {
    let folder = workspace().join("tests/psql");
    let entries = std::fs::read_dir(folder).expect("tests/psql is there");
    let mut found: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    found.sort();
    found
}

/// Runs a script as `psql -f` does; errors and rows in the order they come.
fn run(script: &Path, server: &Server) -> String {
    let psql = postgres_bin().join("psql");
    let name = script.file_name().expect("a script has a name").to_string_lossy();
    let output = Command::new("sh")
        .args(["-c", &format!("'{}' -X -a -q -f '{name}' 2>&1", psql.display())])
        .current_dir(script.parent().expect("a script is in a folder"))
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", server.port.to_string())
        .env("PGUSER", "postgres")
        .env("PGDATABASE", "postgres")
        .env("PAGER", "cat")
        .stdin(Stdio::null())
        .output()
        .expect("psql runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The first lines that differ, with their number.
fn difference(expected: &str, actual: &str) -> Option<String> {
    let (mut expected_lines, mut actual_lines) = (expected.lines(), actual.lines());
    for number in 1.. {
        let pair = (expected_lines.next(), actual_lines.next());
        match pair {
            (None, None) => return None,
            (a, b) if a == b => {}
            (a, b) => return Some(format!("line {number}:\n- {}\n+ {}", a.unwrap_or("(end)"), b.unwrap_or("(end)"))),
        }
    }
    None
}

#[test]
fn psql_prints_what_it_prints_on_postgresql() {
    let rewrite = std::env::var_os("DICTDB_REWRITE").is_some();
    let wanted = std::env::var("DICTDB_SCRIPT").ok();
    let mut differences = Vec::new();
    for script in scripts() {
        let name = script.file_stem().expect("a script has a name").to_string_lossy().into_owned();
        if wanted.as_ref().is_some_and(|wanted| *wanted != name) {
            continue;
        }
        let output = script.with_extension("out");
        if rewrite {
            let server = Server::postgres().expect("PostgreSQL starts");
            std::fs::write(&output, run(&script, &server)).expect("the output can be written");
            continue;
        }
        let expected = std::fs::read_to_string(&output).expect("PostgreSQL has written the output");
        let server = Server::dictdb().expect("DictDB starts");
        let actual = run(&script, &server);
        differences.extend(difference(&expected, &actual).map(|text| format!("{name}, {text}")));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}
