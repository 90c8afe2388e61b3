//! `/ws/changes` and `/ws/listen` of the real server, with a client that speaks the protocol, and one that does not listen.

use std::net::TcpStream;
use std::process::Command;

use dictdb_tests::http::{ask, get, wait_until_ready};
use dictdb_tests::patience::{PATIENCE, wait_until};
use dictdb_tests::server::{Server, free_port, fresh_directory, postgres_bin};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

type Socket = WebSocket<TcpStream>;

/// A server that keeps its data on disk, and the port of its HTTP interface.
fn server(arguments: &[&str]) -> (Server, u16) {
    let port = free_port().expect("a port is free");
    let address = format!("127.0.0.1:{port}");
    let mut all = vec!["--http", &address];
    all.extend(arguments);
    let data = fresh_directory().expect("a directory").join("data");
    let server = Server::dictdb_on(&data, &all).expect("DictDB starts");
    wait_until_ready(port);
    (server, port)
}

fn psql(server: &Server, statements: &[&str]) {
    let output = Command::new(postgres_bin().join("psql"))
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres", "-d", "postgres", "-p"])
        .arg(server.port.to_string())
        .args(statements.iter().flat_map(|statement| ["-c", statement]))
        .output()
        .expect("psql runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn open(port: u16, path: &str) -> Socket {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let (socket, _) = tungstenite::client(format!("ws://127.0.0.1:{port}{path}"), stream).expect("a WebSocket");
    socket
}

fn next(socket: &mut Socket) -> Value {
    loop {
        match socket.read().expect("a message") {
            Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
            Message::Ping(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// The code with which the server closes, whatever it says before.
fn close_code(socket: &mut Socket) -> u16 {
    loop {
        match socket.read() {
            Ok(Message::Close(Some(frame))) => return frame.code.into(),
            Ok(_) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn metric(port: u16, name: &str) -> f64 {
    let text = get(port, "/metrics").expect("metrics").body;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    line.unwrap_or_else(|| panic!("{name} in\n{text}")).parse().expect("a number")
}

#[test]
fn committed_changes_come_in_order_and_others_do_not() {
    let (server, port) = server(&[]);
    psql(
        &server,
        &[
            "CREATE TYPE mood AS ENUM ('sad', 'glad')",
            "CREATE TABLE t (id int PRIMARY KEY, m mood, d date, a int[])",
            "CREATE TABLE plain (n int)",
            "INSERT INTO t VALUES (0, 'sad', NULL, NULL)",
        ],
    );
    let (mut keyed, mut plain) = (open(port, "/ws/changes?table=t"), open(port, "/ws/changes?table=public.plain"));
    psql(
        &server,
        &[
            "INSERT INTO t VALUES (1, 'glad', '2026-01-31', '{1,2}')",
            "BEGIN; INSERT INTO t VALUES (9); ROLLBACK",
            "BEGIN; UPDATE t SET m = 'sad' WHERE id = 1; UPDATE t SET id = 2 WHERE id = 1; DELETE FROM t WHERE id = 0; COMMIT",
            "INSERT INTO plain VALUES (5)",
            "DELETE FROM plain",
            "ALTER TABLE t ADD COLUMN extra text DEFAULT 'x'",
            "BEGIN; TRUNCATE t; INSERT INTO t (id) VALUES (3); COMMIT",
        ],
    );
    let inserted = next(&mut keyed);
    assert_eq!(
        (&inserted["operation"], &inserted["schema"], &inserted["table"]),
        (&json!("INSERT"), &json!("public"), &json!("t"))
    );
    assert_eq!(inserted["old_key"], Value::Null);
    assert_eq!(inserted["row"], json!({"id": 1, "m": "glad", "d": "2026-01-31", "a": [1, 2]}));
    assert!(inserted["lsn"].as_str().is_some_and(|lsn| lsn.contains('/')), "{inserted}");
    let updated = next(&mut keyed);
    assert_eq!((&updated["operation"], &updated["old_key"]), (&json!("UPDATE"), &json!({"id": 1})));
    assert_eq!((&updated["row"]["id"], &updated["row"]["m"]), (&json!(2), &json!("sad")));
    let deleted = next(&mut keyed);
    assert_eq!(
        (&deleted["operation"], &deleted["old_key"], &deleted["row"]),
        (&json!("DELETE"), &json!({"id": 0}), &Value::Null)
    );
    assert_eq!((&deleted["commit"], &deleted["lsn"]), (&updated["commit"], &updated["lsn"]));
    assert!(inserted["commit"].as_u64() < updated["commit"].as_u64());
    assert_eq!(next(&mut keyed)["operation"], "TRUNCATE");
    assert_eq!(next(&mut keyed)["row"], json!({"id": 3, "m": null, "d": null, "a": null, "extra": "x"}));
    // Without a key the whole old row names it.
    assert_eq!(next(&mut plain)["row"], json!({"n": 5}));
    assert_eq!(next(&mut plain)["old_key"], json!({"n": 5}));
    assert_eq!(metric(port, "websocket_connections_active"), 2.0);
    wait_until("the count", || metric(port, "websocket_messages_sent_total") >= 7.0);
    // A restore brings other rows than transactions have told of; where it brings none, that can be said.
    psql(&server, &["BACKUP FULL", "RESTORE FROM LATEST"]);
    assert_eq!(close_code(&mut keyed), 1000);
    assert_eq!(next(&mut plain)["operation"], "TRUNCATE");
    psql(&server, &["INSERT INTO plain VALUES (6)", "DROP TABLE plain"]);
    assert_eq!(next(&mut plain)["row"], json!({"n": 6}));
    assert_eq!(close_code(&mut plain), 1000);
}

#[test]
fn feeds_of_a_database_end_when_it_goes_back_to_a_snapshot() {
    let (server, port) = server(&[]);
    psql(&server, &["CREATE TABLE t (n int)", "CREATE TABLE same (n int)", "CREATE SNAPSHOT s"]);
    let mut feeds = ["t", "same"].map(|table| open(port, &format!("/ws/changes?table={table}")));
    let mut channel = open(port, "/ws/listen?channel=c");
    psql(&server, &["INSERT INTO t VALUES (1)", "RESET DATABASE postgres TO SNAPSHOT s", "NOTIFY c, 'still here'"]);
    assert_eq!(next(&mut feeds[0])["row"], json!({"n": 1}), "what was committed before is told");
    assert_eq!(feeds.each_mut().map(close_code), [1000, 1000]);
    assert_eq!(next(&mut channel)["payload"], "still here");
    // The table that is there now is another one.
    let mut feed = open(port, "/ws/changes?table=t");
    psql(&server, &["INSERT INTO t VALUES (2)"]);
    assert_eq!(next(&mut feed)["row"], json!({"n": 2}));
}

#[test]
fn every_database_has_feeds() {
    let (server, port) = server(&[]);
    psql(&server, &["CREATE TABLE t (n int)", "CREATE DATABASE \"other one\" TEMPLATE postgres"]);
    let mut feed = open(port, "/ws/changes?table=t&database=other+one");
    let mut channel = open(port, "/ws/listen?database=other%20one&channel=c");
    psql(
        &server,
        &[
            "INSERT INTO t VALUES (1)",
            "NOTIFY c, 'not here'",
            "\\connect \"other one\"",
            "INSERT INTO t VALUES (2)",
            "NOTIFY c, 'here'",
        ],
    );
    assert_eq!(next(&mut feed)["row"], json!({"n": 2}));
    assert_eq!(next(&mut channel)["payload"], "here");
}

#[test]
fn notifications_come_when_their_transaction_commits() {
    let (server, port) = server(&[]);
    let mut socket = open(port, "/ws/listen?channel=alarm%20bell");
    psql(
        &server,
        &[
            "BEGIN; SELECT pg_notify('alarm bell', 'undone'); ROLLBACK",
            "NOTIFY other, 'elsewhere'",
            "NOTIFY \"alarm bell\", 'fire \"here\"'",
            "NOTIFY \"alarm bell\"",
        ],
    );
    let heard = next(&mut socket);
    assert_eq!((&heard["channel"], &heard["payload"]), (&json!("alarm bell"), &json!("fire \"here\"")));
    assert!(heard["pid"].is_i64() || heard["pid"].is_u64(), "{heard}");
    assert_eq!(next(&mut socket)["payload"], "");
}

#[test]
fn a_client_that_does_not_read_is_cut_off() {
    let (server, port) = server(&[]);
    psql(&server, &["CREATE TABLE t (id serial PRIMARY KEY, v text)"]);
    let mut slow = open(port, "/ws/changes?table=t");
    // Nobody waits for it: it has read nothing when all of this has been committed.
    let insert = "INSERT INTO t (v) SELECT repeat('x', 500000) FROM generate_series(1, 10)";
    (0..10).for_each(|_| psql(&server, &[insert]));
    assert_eq!(close_code(&mut slow), 1013);
    drop(slow);
    wait_until("its end", || metric(port, "websocket_connections_active") == 0.0);
    assert_eq!(metric(port, "websocket_errors_total"), 1.0);
    // A transaction too large to be told of row by row.
    let mut other = open(port, "/ws/changes?table=t");
    psql(&server, &["UPDATE t SET v = v", "INSERT INTO t (v) SELECT '' FROM generate_series(1, 70000)"]);
    assert_eq!(close_code(&mut other), 1013);
}

#[test]
fn what_a_client_sends_is_counted_and_limited() {
    let (_server, port) = server(&["-c", "http_rate_limit=3/3600s"]);
    let mut socket = open(port, "/ws/listen?channel=c");
    for _ in 0..3 {
        socket.send(Message::text("hello")).expect("it is open");
    }
    assert_eq!(close_code(&mut socket), 1008);
    assert_eq!(metric(port, "websocket_messages_received_total"), 3.0);
    assert_eq!(ask(port, "GET", "/ws/listen?channel=c", UPGRADE, "").unwrap().status, 429);
    let (_server, port) = self::server(&[]);
    for bytes in [65 << 10, 1 << 20] {
        let mut socket = open(port, "/ws/listen?channel=c");
        // The server may be gone before all of it is sent.
        let _ = socket.send(Message::text("x".repeat(bytes)));
        assert_eq!(close_code(&mut socket), 1009, "{bytes}");
    }
}

const UPGRADE: &[&str] = &[
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

/// The status of a handshake that is refused.
fn refused(port: u16, path: &str, more: &str) -> u16 {
    let mut lines = UPGRADE.to_vec();
    if !more.is_empty() {
        lines.push(more);
    }
    let head: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n{head}\r\n");
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
    std::io::Write::write_all(&mut &stream, request.as_bytes()).expect("it is sent");
    let mut first = [0; 12];
    std::io::Read::read_exact(&mut &stream, &mut first).expect("an answer");
    String::from_utf8_lossy(&first[9..]).parse().expect("a status")
}

#[test]
fn handshakes_that_are_wrong_are_told_so() {
    let (server, port) = server(&["-c", "http_max_websockets=1"]);
    psql(
        &server,
        &["CREATE VIEW v AS SELECT 1 AS n", "CREATE TABLE p (n int) PARTITION BY LIST (n)", "CREATE TABLE t (n int)"],
    );
    for (path, status) in [
        ("/ws/changes", 422),
        ("/ws/changes?table=", 422),
        ("/ws/changes?table=t&other=1", 422),
        ("/ws/changes?table=v", 422),
        ("/ws/changes?table=p", 422),
        ("/ws/changes?table=pg_class", 422),
        ("/ws/changes?table=nothing", 404),
        ("/ws/changes?table=a.b.c.d", 422),
        ("/ws/changes?table=t&database=nowhere", 404),
        ("/ws/listen", 422),
        ("/ws/listen?channel=c&database=nowhere", 404),
    ] {
        assert_eq!(refused(port, path, ""), status, "{path}");
    }
    assert_eq!(refused(port, "/ws/changes?table=t", "Origin: http://evil.example"), 403);
    assert_eq!(get(port, "/ws/changes?table=t").unwrap().status, 426);
    let first = open(port, "/ws/changes?table=t");
    assert_eq!(refused(port, "/ws/changes?table=t", ""), 503);
    drop(first);
    wait_until("its end", || metric(port, "websocket_connections_active") == 0.0);
    open(port, "/ws/changes?table=t");
}

#[test]
fn a_shutdown_tells_the_rest_and_says_good_bye() {
    let (mut server, port) = server(&[]);
    psql(&server, &["CREATE TABLE t (n int)"]);
    let mut socket = open(port, "/ws/changes?table=t");
    psql(&server, &["INSERT INTO t SELECT generate_series(1, 100)"]);
    server.signal("TERM");
    for n in 1..=100 {
        assert_eq!(next(&mut socket)["row"]["n"], n);
    }
    assert_eq!(close_code(&mut socket), 1001);
    assert_eq!(server.exit_code(), Some(0), "{}", server.log());
    let log = server.log();
    let step = |text: &str| log.find(text).unwrap_or_else(|| panic!("{text} in\n{log}"));
    assert!(step("All requests completed") < step("Closing WebSocket connections (1 active)"), "{log}");
    assert!(step("Closing WebSocket connections") < step("Closing database pool"), "{log}");
}
