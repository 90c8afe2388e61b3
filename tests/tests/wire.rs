//! The wire protocol: every transcript under `wire/` gets from DictDB exactly the messages PostgreSQL 15 sent.

use std::path::Path;

use dictdb_tests::script::{self, Block};
use dictdb_tests::server::{Server, files_of};
use dictdb_tests::transcript::Client;
use dictdb_tests::wire::Connection;

#[test]
fn transcripts_are_as_postgresql_answered() {
    let rewrite = std::env::var_os("DICTDB_REWRITE").is_some();
    let only = std::env::var("DICTDB_SCRIPT").unwrap_or_default();
    let mut failures = Vec::new();
    let mut blocks_run = 0;
    for path in files_of("tests/wire", "test").into_iter().filter(|path| path.to_string_lossy().contains(&only)) {
        let text = std::fs::read_to_string(&path).expect("transcripts are readable");
        let mut blocks = script::parse(&text);
        blocks_run += blocks.len();
        if rewrite {
            let server = Server::postgres().expect("PostgreSQL 15 starts");
            answers(&server, &mut blocks);
            std::fs::write(&path, script::print(&blocks)).expect("transcripts are writable");
        } else {
            failures.extend(differences(&path, &blocks));
        }
    }
    println!("{blocks_run} blocks, {} differ", failures.len());
    assert!(blocks_run > 0, "no transcript matches {only:?}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn connect(server: &Server) -> std::io::Result<Connection> {
    Connection::open(server.port, "postgres", "postgres")
}

fn answers(server: &Server, blocks: &mut [Block]) {
    let mut client = Client::new(|| connect(server));
    for block in blocks {
        block.expected = client.run(block).unwrap_or_else(|error| panic!("{}\n{error}", block.sql));
    }
}

fn differences(path: &Path, blocks: &[Block]) -> Vec<String> {
    let server = Server::dictdb().expect("DictDB starts");
    let mut client = Client::new(|| connect(&server));
    let mut found = Vec::new();
    for block in blocks {
        let actual = client.run(block).unwrap_or_else(|error| vec![format!("(no answer: {error})")]);
        if actual != block.expected {
            let (expected, actual) = (block.expected.join("\n    "), actual.join("\n    "));
            let (file, sent) = (path.display(), &block.sql);
            found.push(format!("{file}:\n{sent}\n  expected:\n    {expected}\n  actual:\n    {actual}"));
        }
    }
    found
}
