//! What keeps a server from its clients, and says so: rate limits of statements, features that are not there, circuit breakers.

use std::process::Command;

use dictdb_tests::server::{Server, fresh_directory, postgres_bin};

/// Output and errors of statements as a role.
fn run(server: &Server, role: &str, statements: &[&str]) -> (String, String) {
    let output = Command::new(postgres_bin().join("psql"))
        .args([
            "-X",
            "-A",
            "-t",
            "-q",
            "-v",
            "VERBOSITY=verbose",
            "-h",
            "127.0.0.1",
            "-d",
            "postgres",
            "-U",
            role,
            "-p",
        ])
        .arg(server.port.to_string())
        .args(statements.iter().flat_map(|statement| ["-c", statement]))
        .output()
        .expect("psql runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    (text(&output.stdout), text(&output.stderr))
}

fn ask(server: &Server, statement: &str) -> String {
    let (answer, errors) = run(server, "postgres", &[statement]);
    assert_eq!(errors, "", "{statement}");
    answer
}

#[test]
fn a_role_may_run_so_many_statements() {
    let server = Server::dictdb().unwrap();
    ask(&server, "CREATE ROLE anna LOGIN");
    ask(&server, "ALTER ROLE anna SET dictdb.rate_limit = '3/3600s'");
    let (answer, errors) = run(&server, "anna", &["BEGIN", "SELECT 1", "SELECT 2", "SELECT 3", "ROLLBACK"]);
    assert_eq!(answer, "1\n2", "{errors}");
    for part in
        ["53400", "rate limit exceeded for role \"anna\"", "3 statements in 3600 seconds", "HINT:  Try again in "]
    {
        assert!(errors.contains(part), "{part} in {errors}");
    }
    // Others are not concerned, and what the role may not do itself is its own limit.
    assert_eq!(ask(&server, "SELECT 4"), "4");
    let usage = "SELECT client, kind, current_tokens < 1, max_tokens, round(3600 * refill_rate::numeric, 2), \
                 last_refill <= now() FROM dictdb.rate_limits";
    assert_eq!(ask(&server, usage), "anna|role|t|3|3.00|t");
    ask(&server, "CREATE ROLE berta LOGIN");
    assert!(run(&server, "berta", &["SET dictdb.rate_limit = 'off'"]).1.contains("42501"));
    assert!(run(&server, "postgres", &["ALTER ROLE berta SET dictdb.rate_limit = 'often'"]).1.contains("22023"));
}

#[test]
fn an_address_may_run_so_many_statements() {
    let server = Server::dictdb_with(&["-c", "dictdb.rate_limit_by_address=2/h"], "").unwrap();
    let (answer, errors) = run(&server, "postgres", &["SELECT 1", "SELECT 2", "SELECT 3"]);
    assert_eq!(answer, "1\n2");
    assert!(errors.contains("rate limit exceeded for address 127.0.0.1"), "{errors}");
}

#[test]
fn what_is_not_supported_is_counted() {
    let server = Server::dictdb().unwrap();
    ask(&server, "CREATE TABLE a (n int); CREATE TABLE b (a a)");
    for _ in 0..2 {
        assert!(run(&server, "postgres", &["ALTER TABLE a ALTER n TYPE text"]).1.contains("0A000"));
    }
    let counted =
        "SELECT count, feature LIKE 'cannot alter table \"…\"%', last_used <= now() FROM dictdb.unsupported_usage";
    assert_eq!(ask(&server, counted), "2|t|t");
}

#[test]
fn a_breaker_keeps_backups_from_a_broken_folder() {
    let folder = fresh_directory().unwrap();
    let backups = folder.join("backups");
    let setting = format!("backup_dir={}", backups.display());
    let data = folder.join("data");
    let server = Server::dictdb_on(&data, &["-c", &setting]).unwrap();
    let state = "SELECT name, state FROM dictdb.circuit_breakers ORDER BY name";
    assert_eq!(ask(&server, state), "backup|closed\ncache|closed\ndatabase|closed");
    std::fs::write(&backups, "in the way").unwrap();
    for _ in 0..5 {
        assert!(!run(&server, "postgres", &["BACKUP FULL"]).1.contains("circuit breaker"));
    }
    let (_, errors) = run(&server, "postgres", &["BACKUP FULL"]);
    for part in ["58030", "circuit breaker \"backup\" is open", "HINT:  The next trial is in "] {
        assert!(errors.contains(part), "{part} in {errors}");
    }
    let open = "SELECT state, failures, next_trial_at > now(), last_error IS NOT NULL FROM dictdb.circuit_breakers \
                WHERE name = 'backup'";
    assert_eq!(ask(&server, open), "open|5|t|t");
    // Whoever has mended it need not wait; two successes close it.
    std::fs::remove_file(&backups).unwrap();
    ask(&server, "BACKUP FULL");
    assert_eq!(ask(&server, "SELECT state FROM dictdb.circuit_breakers WHERE name = 'backup'"), "half_open");
    ask(&server, "CREATE TABLE t (n int)");
    ask(&server, "BACKUP FULL");
    assert_eq!(ask(&server, "SELECT state FROM dictdb.circuit_breakers WHERE name = 'backup'"), "closed");
    let status = "SELECT consecutive_failures FROM dictdb.backup_status WHERE database = 'postgres'";
    assert_eq!(ask(&server, status), "0");
    ask(&server, "SELECT dictdb.reset_circuit_breaker('cache')");
    assert!(run(&server, "postgres", &["SELECT dictdb.reset_circuit_breaker('x')"]).1.contains("22023"));
}
