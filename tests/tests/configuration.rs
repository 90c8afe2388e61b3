//! Settings that outlive the server: ALTER SYSTEM, what stands above and below it, and what happens when it is read again.

use dictdb_tests::message::Message;
use dictdb_tests::patience::wait_until;
use dictdb_tests::server::{Server, fresh_directory};
use dictdb_tests::wire::Connection;

fn connect(server: &Server) -> Connection {
    Connection::open(server.port, "postgres", "postgres").expect("the server answers")
}

/// The rows of a statement, or its error.
fn ask(connection: &mut Connection, sql: &str) -> String {
    let messages = connection.query(sql).expect("the server answers");
    match messages.iter().find(|message| message.tag == b'E') {
        Some(error) => error.error_text(),
        None => messages.iter().filter(|m| m.tag == b'D').filter_map(Message::shown).collect::<Vec<_>>().join("; "),
    }
}

fn wait_for(connection: &mut Connection, sql: &str, wanted: &str) {
    wait_until(&format!("{wanted} of {sql}"), || ask(connection, sql).contains(wanted));
}

#[test]
fn altered_settings_outlive_the_server() {
    let folder = fresh_directory().expect("a directory");
    let data = folder.join("data");
    let server = Server::dictdb_on(&data, &["-c", "statement_timeout=7s"]).expect("the server starts");
    let (mut one, mut other) = (connect(&server), connect(&server));
    for change in ["work_mem = '8MB'", "statement_timeout = '9s'", "max_connections = 70", "search_path = a, \"B c\""] {
        assert_eq!(ask(&mut one, &format!("ALTER SYSTEM SET {change}")), "");
    }
    assert!(ask(&mut one, "SHOW work_mem").contains("4MB"), "nothing changes before it is read");
    ask(&mut one, "SELECT pg_reload_conf()");
    for session in [&mut one, &mut other] {
        assert!(ask(session, "SHOW work_mem").contains("8MB"));
        assert!(ask(session, "SHOW search_path").contains("a, \"B c\""));
        assert!(ask(session, "SHOW statement_timeout").contains("7s"), "the command line is above");
        assert!(ask(session, "SHOW max_connections").contains("100"), "that takes a start");
    }
    let pending = "SELECT name FROM pg_settings WHERE pending_restart";
    assert!(ask(&mut other, pending).contains("max_connections"));
    let place =
        "SELECT source, sourceline FROM pg_settings WHERE name = 'work_mem' AND sourcefile ~ '/postgresql.auto.conf$'";
    assert!(ask(&mut other, place).contains("configuration file"), "{}", ask(&mut other, place));
    server.kill().expect("it can be killed");

    let again = Server::dictdb_on(&data, &[]).expect("the server starts");
    let mut session = connect(&again);
    assert!(ask(&mut session, "SHOW work_mem").contains("8MB"));
    assert!(ask(&mut session, "SHOW statement_timeout").contains("9s"));
    assert!(ask(&mut session, "SHOW max_connections").contains("70"));
    assert_eq!(ask(&mut session, pending), "");
    ask(&mut session, "ALTER SYSTEM RESET work_mem");
    again.signal("HUP");
    wait_for(&mut session, "SHOW work_mem", "4MB");
    ask(&mut session, "SET work_mem = '5MB'");
    ask(&mut session, "ALTER SYSTEM RESET ALL");
    ask(&mut session, "SELECT pg_reload_conf()");
    assert!(ask(&mut session, "SHOW work_mem").contains("5MB"), "a session's own value stays");
    assert!(ask(&mut session, "SHOW statement_timeout").contains('0'));
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn places_of_the_log_that_are_none_are_refused() {
    let server = Server::dictdb().expect("the server starts");
    let mut session = connect(&server);
    let mut alter = |change: &str| ask(&mut session, &format!("ALTER SYSTEM SET {change}"));
    assert!(
        alter("log_destination = 'stderr, csvlog'")
            .contains("\"csvlog\" in setting \"log_destination\" is not supported")
    );
    assert!(
        alter("log_destination = 'nowhere'").contains("invalid value for parameter \"log_destination\": \"nowhere\"")
    );
    assert!(alter("logging_collector = on").contains("setting \"logging_collector\" is not supported"));
    assert_eq!(alter("log_destination = 'stderr'"), "");
}

#[test]
fn files_with_mistakes_change_nothing() {
    let folder = fresh_directory().expect("a directory");
    let data = folder.join("data");
    let server = Server::dictdb_on(&data, &[]).expect("the server starts");
    let mut session = connect(&server);
    let file = data.join("postgresql.auto.conf");
    std::fs::write(&file, "work_mem = '8MB'\nnosuch = 1\n").expect("the file is written");
    ask(&mut session, "SELECT pg_reload_conf()");
    assert!(ask(&mut session, "SHOW work_mem").contains("4MB"));
    let rows = ask(&mut session, "SELECT sourceline, name, applied, error FROM pg_file_settings ORDER BY seqno");
    assert!(rows.contains("unrecognized configuration parameter \"nosuch\""), "{rows}");
    // A wrong value is left out, the others count.
    std::fs::write(&file, "work_mem = '8MB'\nenable_sort = perhaps\n").expect("the file is written");
    ask(&mut session, "SELECT pg_reload_conf()");
    assert!(ask(&mut session, "SHOW work_mem").contains("8MB"));
    assert!(ask(&mut session, "SHOW enable_sort").contains("on"));
    server.kill().expect("it can be killed");
    let refused = Server::dictdb_on(&data, &[]).err().expect("it does not start").to_string();
    assert!(refused.contains("enable_sort"), "{refused}");
    let _ = std::fs::remove_dir_all(folder);
}
