//! The SQL corpus: every script under `sql/` gives on DictDB exactly what PostgreSQL 15 gave.

use dictdb_tests::script;
use dictdb_tests::server::{Server, files_of};
use dictdb_tests::wire::Connection;

/// Failures shown in full per script, unless `SQL_FAILURES_SHOWN` says otherwise.
const SHOWN_FAILURES: usize = 10;

fn shown_failures() -> usize {
    std::env::var("SQL_FAILURES_SHOWN").ok().and_then(|shown| shown.parse().ok()).unwrap_or(SHOWN_FAILURES)
}

#[test]
fn scripts_give_what_postgresql_gave() {
    let rewrite = std::env::var_os("DICTDB_REWRITE").is_some();
    let only = std::env::var("DICTDB_SCRIPT").unwrap_or_default();
    let mut failures = Vec::new();
    let (mut scripts, mut statements) = (0, 0);
    let postgres = rewrite.then(|| Server::postgres().expect("PostgreSQL 15 starts"));
    for path in files_of("tests/sql", "test") {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if !name.contains(&only) {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("scripts are readable");
        let mut blocks = script::parse(&text);
        scripts += 1;
        statements += blocks.len();
        match &postgres {
            Some(server) => {
                let database = database_for(server, &name, script::database_options(&blocks).unwrap_or_default());
                let mut connection = Connection::open(server.port, "postgres", &database).expect("PostgreSQL answers");
                for block in &mut blocks {
                    block.expected = block.run(&mut connection).expect("PostgreSQL answers");
                }
                std::fs::write(&path, script::print(&blocks)).expect("scripts are writable");
            }
            None => failures.extend(run_on_dictdb(&name, &blocks)),
        }
    }
    println!("{statements} statements in {scripts} scripts, {} differ", failures.len());
    assert!(scripts > 0, "no script matches {only:?}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn run_on_dictdb(name: &str, blocks: &[script::Block]) -> Vec<String> {
    let server = Server::dictdb().expect("DictDB starts");
    let database = match script::database_options(blocks) {
        Some(options) => database_for(&server, name, options),
        None => "postgres".to_owned(),
    };
    let mut connection = Connection::open(server.port, "postgres", &database).expect("DictDB answers");
    let mut failures = Vec::new();
    for (number, block) in blocks.iter().enumerate() {
        let actual = match block.run(&mut connection) {
            Ok(actual) => actual,
            Err(error) => {
                failures.push(format!("{name}, statement {}: {error}\n{}\n{}", number + 1, block.sql, server.log()));
                match Connection::open(server.port, "postgres", &database) {
                    Ok(again) => connection = again,
                    Err(_) => break,
                }
                continue;
            }
        };
        if actual != block.expected {
            let text = format!(
                "{name}, statement {}:\n{}\n  expected:\n    {}\n  actual:\n    {}",
                number + 1,
                block.sql,
                block.expected.join("\n    "),
                actual.join("\n    ")
            );
            failures.push(if failures.len() < shown_failures() {
                text
            } else {
                format!("{name}, statement {}: {}", number + 1, block.sql)
            });
        }
    }
    failures
}

fn database_for(server: &Server, script: &str, options: &str) -> String {
    let name: String = script.chars().filter(char::is_ascii_alphanumeric).collect();
    let mut admin = Connection::open(server.port, "postgres", "postgres").expect("the server answers");
    admin.query(&format!("CREATE DATABASE {name} {options}")).expect("a database can be made");
    name
}
