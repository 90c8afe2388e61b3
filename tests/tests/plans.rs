//! Golden plans: what EXPLAIN says of the statements under `plans/`. Plans are DictDB's own, so it writes them itself:
//! `DICTDB_REWRITE=1 cargo test -p dictdb-tests --test plans`; a change of a plan shows in review.

use dictdb_tests::script;
use dictdb_tests::server::{Server, files_of};
use dictdb_tests::wire::Connection;

#[test]
fn plans_are_what_they_were() {
    let rewrite = std::env::var_os("DICTDB_REWRITE").is_some();
    let mut failures = Vec::new();
    for path in files_of("tests/plans", "test") {
        let text = std::fs::read_to_string(&path).expect("scripts are readable");
        let mut blocks = script::parse(&text);
        let server = Server::dictdb().expect("DictDB starts");
        let mut connection = Connection::open(server.port, "postgres", "postgres").expect("DictDB answers");
        for block in &mut blocks {
            let actual = block.run(&mut connection).expect("DictDB answers");
            if rewrite {
                block.expected = actual;
            } else if actual != block.expected {
                let (expected, actual) = (block.expected.join("\n  "), actual.join("\n  "));
                failures.push(format!(
                    "{}\n{}\nexpected:\n  {expected}\nactual:\n  {actual}",
                    path.display(),
                    block.sql
                ));
            }
        }
        if rewrite {
            std::fs::write(&path, script::print(&blocks)).expect("scripts are writable");
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
