//! The schema scripts in `sql/`: they run twice on DictDB and on PostgreSQL 15, and psql describes what they leave the same way.

use std::process::Command;

use dictdb_tests::server::{Server, postgres_bin, workspace};
use dictdb_tests::wire::Connection;

fn psql(server: &Server, arguments: &[&str]) -> String {
    let output = Command::new(postgres_bin().join("psql"))
        .args(["-X", "-q", "-h", "127.0.0.1", "-U", "postgres", "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-p"])
        .arg(server.port.to_string())
        .args(arguments)
        .output()
        .expect("psql runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What psql prints for these commands after the script has run, and once more.
fn described(server: &Server, script: &str, commands: &[&str]) -> String {
    let file = workspace().join("sql").join(script);
    for _ in 0..2 {
        assert_eq!(psql(server, &["-f", &file.to_string_lossy()]), "", "{script} says nothing");
    }
    let arguments: Vec<&str> = commands.iter().flat_map(|command| ["-c", command]).collect();
    psql(server, &arguments)
}

fn same(script: &str, commands: &[&str]) {
    let [ours, theirs] = [Server::dictdb(), Server::postgres()].map(|server| {
        let server = server.expect("the server starts");
        // What is counted by day is another number when the day ends meanwhile.
        let today = || psql(&server, &["-A", "-t", "-c", "SELECT current_date"]);
        loop {
            let day = today();
            let description = described(&server, script, commands);
            if today() == day {
                return description;
            }
        }
    });
    for (ours, theirs) in ours.lines().zip(theirs.lines()) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours, theirs);
}

#[test]
fn the_bug_tracker_is_described_as_on_postgres() {
    same(
        "bug_tracking_schema.sql",
        &[
            "\\d",
            "\\d+ bug_reports",
            "\\d+ bug_comments",
            "\\d+ bug_attachments",
            "\\d+ bug_metrics",
            "\\d+ bug_summary",
            "\\d+ bug_trends",
            "\\di",
            "\\dT+",
            "\\df+",
            "\\dy",
            "\\dd",
            "INSERT INTO bug_reports (title, description, severity) VALUES ('a', 'b', 'critical'), ('c', 'd', 'low')",
            "UPDATE bug_reports SET status = 'closed' WHERE title = 'a'",
            "SELECT title, status, resolved_at IS NOT NULL AS resolved, updated_at > created_at FROM bug_reports ORDER BY 1",
            "SELECT new_bugs, critical_bugs, resolved_bugs FROM bug_metrics",
            "SELECT total_bugs, open_bugs, closed_bugs, critical_bugs, new_today, resolved_today FROM bug_summary",
            "SELECT count(*), sum(new_bugs), max(open_bugs) FROM bug_trends",
            "DELETE FROM bug_reports WHERE title = 'a'",
            "SELECT new_bugs, critical_bugs, resolved_bugs FROM bug_metrics",
            "TRUNCATE bug_reports CASCADE",
            "SELECT * FROM bug_metrics",
        ],
    );
}

#[test]
fn the_lens_database_is_described_as_on_postgres() {
    same(
        "lens_schema.sql",
        &["\\d", "\\d+ verres", "\\d+ fournisseurs", "\\d materiaux", "\\d gammes", "\\d series", "\\di", "\\dd"],
    );
}

/// The schema `dictdb` is the server's: what is there belongs to no database's users, superusers included.
#[test]
fn nobody_makes_objects_in_the_schema_of_dictdb() {
    let server = Server::dictdb().expect("DictDB starts");
    let mut connection = Connection::open(server.port, "postgres", "postgres").expect("DictDB answers");
    let mut answer = |sql: &str| {
        let messages = connection.query(sql).expect("DictDB answers");
        messages.iter().filter_map(|message| message.shown()).collect::<String>()
    };
    for sql in [
        "CREATE TABLE dictdb.mine (a int)",
        "CREATE VIEW dictdb.mine AS SELECT 1",
        "CREATE FUNCTION dictdb.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SET search_path = dictdb; CREATE TABLE mine (a int)",
    ] {
        assert!(answer(sql).contains("42501: permission denied to create \"dictdb.mine\""), "{sql}");
    }
    assert!(answer("CREATE TABLE public.mine (a int); ALTER TABLE public.mine SET SCHEMA dictdb").contains("0A000"));
    assert!(answer("INSERT INTO dictdb.metric_queries (name, sql) VALUES ('one', 'SELECT 1')").contains("INSERT 0 1"));
}
