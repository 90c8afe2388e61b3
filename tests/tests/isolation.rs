//! The isolation scripts: several sessions on DictDB do, see and wait for exactly what they did on PostgreSQL 15.

use std::path::PathBuf;

use dictdb_tests::isolation;
use dictdb_tests::server::{Server, workspace};
use dictdb_tests::wire::Connection;

#[test]
fn sessions_see_what_they_saw_on_postgresql() {
    let rewrite = std::env::var_os("DICTDB_REWRITE").is_some();
    let only = std::env::var("DICTDB_SCRIPT").unwrap_or_default();
    let server = if rewrite { Server::postgres() } else { Server::dictdb() }.expect("a server starts");
    let mut failures = Vec::new();
    let mut scripts = 0;
    for path in script_files() {
        let name = path.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if !name.contains(&only) {
            continue;
        }
        scripts += 1;
        let mut steps = isolation::parse(&std::fs::read_to_string(&path).expect("scripts are readable"));
        clean(&server);
        let answers = match isolation::run(&steps, server.port, "postgres") {
            Ok(answers) => answers,
            Err(error) => {
                failures.push(format!("{name}: {error}"));
                continue;
            }
        };
        for (step, answer) in steps.iter_mut().zip(answers) {
            if !rewrite && answer != step.expected {
                failures.push(format!(
                    "{name}, {}> {}\n  expected:\n    {}\n  actual:\n    {}",
                    step.session,
                    step.sql,
                    step.expected.join("\n    "),
                    answer.join("\n    ")
                ));
            }
            step.expected = answer;
        }
        if rewrite {
            std::fs::write(&path, isolation::print(&steps)).expect("scripts are writable");
        }
    }
    println!("{scripts} scripts");
    assert!(scripts > 0, "no script matches {only:?}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Every script begins with an empty schema.
fn clean(server: &Server) {
    let mut connection = Connection::open(server.port, "postgres", "postgres").expect("the server answers");
    for sql in ["DROP SCHEMA public CASCADE", "CREATE SCHEMA public"] {
        connection.query(sql).expect("the server answers");
    }
}

fn script_files() -> Vec<PathBuf> {
    let folder = workspace().join("tests/isolation");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("there are scripts")
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "test"))
        .collect();
    files.sort();
    files
}
