//! The life of a server: who may connect, how many, what broken clients do to it, and how it ends.

use std::process::{Command, Stdio};

use dictdb_tests::message::Message;
use dictdb_tests::patience::wait_until;
use dictdb_tests::server::{Server, binary, free_port};
use dictdb_tests::wire::{Connection, put_text};

fn connect(server: &Server) -> Connection {
    Connection::open(server.port, "postgres", "postgres").expect("DictDB answers")
}

/// The SQLSTATE a server refuses a connection with.
fn refusal(server: &Server) -> Option<String> {
    let mut connection = Connection::started(server.port, "postgres", "postgres").ok()?;
    let message = connection.receive().ok()?;
    (message.tag == b'E').then(|| message.field(b'C'))?
}

fn value(connection: &mut Connection, sql: &str) -> String {
    let messages = connection.query(sql).expect("DictDB answers");
    messages.iter().filter(|message| matches!(message.tag, b'D' | b'E')).filter_map(Message::shown).collect()
}

/// Sends a query without waiting for the answer.
fn begin(connection: &mut Connection, sql: &str) {
    let mut body = Vec::new();
    put_text(&mut body, sql);
    connection.send(b'Q', &body).expect("the query can be sent");
}

/// The code of the error, or the tag, that a query sent before is answered with.
fn answer(connection: &mut Connection) -> String {
    loop {
        let message = connection.receive().expect("an answer comes");
        match message.tag {
            b'E' => return message.field(b'C').unwrap_or_default(),
            b'C' => return message.shown().unwrap_or_default(),
            _ => {}
        }
    }
}

/// Waits until another session is seen to run a statement that contains `part`.
fn wait_for(observer: &mut Connection, part: &str) {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%{part}%' AND pid <> pg_backend_pid() AND state = 'active'"
    );
    wait_until(part, || value(observer, &sql) != "0");
}

fn psql(server: &Server, password: &str, sql: &str) -> (bool, String) {
    let output = Command::new("psql")
        .args(["-X", "-A", "-t", "-h", "127.0.0.1", "-U", "postgres", "-p", &server.port.to_string(), "-w", "-c", sql])
        .env("PGPASSWORD", password)
        .stdin(Stdio::null())
        .output()
        .expect("psql can be run");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).trim().to_owned())
}

#[test]
fn psql_works_without_a_password_by_default() {
    let server = Server::dictdb().expect("DictDB starts");
    assert_eq!(psql(&server, "", "SELECT 40 + 2"), (true, "42".to_owned()));
}

#[test]
fn a_password_is_asked_for_by_scram_or_md5_or_in_clear() {
    for method in ["scram-sha-256", "md5", "password"] {
        let method = format!("auth_method={method}");
        let server = Server::dictdb_with(&["-c", &method], "open sesame").expect("DictDB starts");
        assert_eq!(psql(&server, "open sesame", "SELECT current_user"), (true, "postgres".to_owned()), "{method}");
        let (accepted, said) = psql(&server, "close sesame", "SELECT 1");
        assert!(!accepted && said.contains("password authentication failed for user \"postgres\""), "{method}: {said}");
        // A hash as dumps of roles have it, of the password `open sesame`.
        let hashed = "ALTER ROLE postgres PASSWORD 'md511705812ebcdf1866211cebe56c0aa38'";
        assert!(psql(&server, "open sesame", hashed).0, "{method}");
        let by_scram = method.ends_with("scram-sha-256");
        assert_eq!(psql(&server, "open sesame", "SELECT 1").0, !by_scram, "{method}");
        assert!(!psql(&server, "close sesame", "SELECT 1").0, "{method}");
    }
}

#[test]
fn listening_beyond_this_machine_needs_authentication() {
    let output = Command::new(binary())
        .args(["--ephemeral", "--host", "0.0.0.0", "--port", &free_port().expect("a port is free").to_string()])
        .stdin(Stdio::null())
        .output()
        .expect("DictDB can be run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("without authentication"), "{said}");
}

#[test]
fn too_many_clients_are_refused_and_places_come_back() {
    let arguments = ["-c", "max_connections=5", "-c", "superuser_reserved_connections=0"];
    let server = Server::dictdb_with(&arguments, "").expect("DictDB starts");
    let mut sessions: Vec<Connection> = Vec::new();
    // The harness's own look at the server may still hold its place.
    while sessions.len() < 5 {
        sessions.extend(Connection::open(server.port, "postgres", "postgres"));
    }
    assert_eq!(refusal(&server).as_deref(), Some("53300"));
    assert_eq!(value(&mut sessions[0], "SELECT 1"), "1");
    let gone = sessions.pop();
    drop(gone);
    wait_until("a place", || refusal(&server).is_none());
}

#[test]
fn a_cancel_request_ends_the_statement_only() {
    let server = Server::dictdb().expect("DictDB starts");
    let mut observer = connect(&server);
    for statement in [
        "SELECT pg_sleep(1000)",
        "SELECT count(*) FROM generate_series(1, 100000000000)",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r WHERE n < 0",
    ] {
        let mut busy = connect(&server);
        let pid = value(&mut busy, "SELECT pg_backend_pid()");
        begin(&mut busy, statement);
        wait_for(&mut observer, &statement[..20]);
        assert_eq!(value(&mut observer, &format!("SELECT pg_cancel_backend({pid})")), "t");
        assert_eq!(answer(&mut busy), "57014", "{statement}");
        while busy.receive().expect("the session goes on").tag != b'Z' {}
        assert_eq!(value(&mut busy, "SELECT 1"), "1");
    }
}

#[test]
fn broken_clients_harm_nobody() {
    let server = Server::dictdb().expect("DictDB starts");
    let mut witness = connect(&server);
    let huge = [&b"Q\x7f\xff\xff\xff"[..], b"SELECT"].concat();
    let openings: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00\x00\x00\x00",
        b"\x7f\xff\xff\xff\x00\x03\x00\x00",
        b"\x00\x00\x00\x09\x00\x03\x00\x00x",
        b"\x00\x00\x00\x08\x04\xd2\x16\x30",
        b"",
    ];
    for bytes in openings {
        let mut connection = Connection::raw(server.port).expect("the server listens");
        connection.send_bytes(bytes).expect("bytes can be sent");
    }
    for bytes in [&huge[..], b"Q\x00\x00\x00\xffSELECT", b"B\x00\x00\x00\x0a\x00\x00\xff\xff\x00\x00"] {
        let mut connection = connect(&server);
        connection.send_bytes(bytes).expect("bytes can be sent");
        drop(connection);
    }
    // Sessions of clients that left in the middle of a transaction give back what they held.
    value(&mut witness, "CREATE TABLE t (a int PRIMARY KEY)");
    let mut leaver = connect(&server);
    leaver.query("BEGIN; LOCK TABLE t; INSERT INTO t VALUES (1)").expect("DictDB answers");
    drop(leaver);
    assert_eq!(value(&mut witness, "INSERT INTO t VALUES (1) RETURNING a"), "1");
}

/// Whoever walks over a tree must have the stack for the deepest that the parser lets through.
#[test]
fn deep_statements_are_answered_or_refused() {
    let server = Server::dictdb().expect("DictDB starts");
    let mut connection = connect(&server);
    value(&mut connection, "CREATE TABLE t (x int); INSERT INTO t VALUES (1)");
    let around = |open: &str, close: &str, times: usize| format!("{}x{}", open.repeat(times), close.repeat(times));
    let shapes = |times: usize| {
        [
            vec!["x"; times * 9].join(" + "),
            format!("length({})", vec!["x::text"; times * 4].join(" || ")),
            around("abs(", ")", times),
            around("(", ")", times),
            around("CASE WHEN true THEN ", " END", times),
            around("(SELECT ", ")", times),
        ]
    };
    for expression in shapes(400) {
        assert_eq!(value(&mut connection, &format!("SELECT ({expression}) IS NULL FROM t")), "f");
        let view = format!("CREATE OR REPLACE VIEW v AS SELECT ({expression}) IS NULL AS y FROM t");
        assert_eq!(value(&mut connection, &view), "");
        assert_eq!(value(&mut connection, "SELECT pg_get_viewdef('v') <> '', y FROM v"), "t | f");
        let routine = format!("DO $$ BEGIN PERFORM ({expression}) FROM t; END $$");
        assert_eq!(value(&mut connection, &routine), "");
    }
    assert_eq!(value(&mut connection, &vec!["SELECT x FROM t"; 3000].join(" UNION ")), "1");
    let chain = format!("{}x = 1{}", "(".repeat(3_800), " OR x = 2)".repeat(3_800));
    for expression in [around("abs(", ")", 2_500), around("(", ")", 9_500), chain] {
        assert_eq!(value(&mut connection, &format!("SELECT ({expression}) IS NULL FROM t")), "f");
    }
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let value_of = |levels: usize| format!("'{}1{}'::jsonb", open.repeat(levels), close.repeat(levels));
        let kept = format!("SELECT j = j, length(j::text) > 1 FROM (SELECT {} AS j) q", value_of(6_000));
        assert_eq!(value(&mut connection, &kept), "t | t");
        assert!(value(&mut connection, &format!("SELECT {}", value_of(100_000))).contains("54001"));
    }
    for expression in shapes(20_000) {
        assert!(value(&mut connection, &format!("SELECT {expression} FROM t")).contains("54001"));
    }
    assert_eq!(value(&mut connection, "SELECT count(*) FROM t"), "1");
}

#[test]
fn sigterm_lets_statements_finish_and_exits_with_zero() {
    let mut server = Server::dictdb().expect("DictDB starts");
    let (mut observer, mut busy, mut idle) = (connect(&server), connect(&server), connect(&server));
    begin(&mut busy, "SELECT pg_sleep(1)");
    wait_for(&mut observer, "pg_sleep");
    server.signal("TERM");
    assert_eq!(answer(&mut idle), "57P01");
    if let Some(code) = refusal(&server) {
        assert_eq!(code, "57P03");
    }
    assert_eq!(answer(&mut busy), "-- SELECT 1");
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn a_second_signal_does_not_wait() {
    let mut server = Server::dictdb().expect("DictDB starts");
    let (mut observer, mut busy) = (connect(&server), connect(&server));
    begin(&mut busy, "SELECT pg_sleep(1000)");
    wait_for(&mut observer, "pg_sleep");
    server.signal("INT");
    // Two signals at once may be one.
    server.log_with("Waiting for 1 active request");
    server.signal("INT");
    assert_eq!(answer(&mut busy), "57P01");
    server.log_with("Second signal received (SIGINT)");
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn idle_connections_are_small() {
    const CONNECTIONS: u64 = 50;
    const LIMIT_BYTES: u64 = 100 << 10;
    let server = Server::dictdb().expect("DictDB starts");
    let open = || -> Vec<Connection> {
        let begin = || {
            let mut connection = connect(&server);
            value(&mut connection, "SELECT 1");
            connection
        };
        (0..CONNECTIONS).map(|_| begin()).collect()
    };
    // The first ones also pay for what every thread of the server needs once.
    let first = open();
    let before = server.resident_bytes();
    let further = open();
    let each = server.resident_bytes().saturating_sub(before) / CONNECTIONS;
    println!("{before} bytes with {CONNECTIONS} sessions, {each} bytes for each further one");
    assert!(each < LIMIT_BYTES, "an idle connection keeps {each} bytes");
    drop((first, further));
}

#[test]
fn notices_come_while_the_statement_runs() {
    let server = Server::dictdb().expect("DictDB starts");
    let (mut holder, mut speaker) = (connect(&server), connect(&server));
    value(&mut holder, "SELECT pg_advisory_lock(1)");
    begin(
        &mut speaker,
        "SELECT 'before'; DO $$ BEGIN RAISE NOTICE 'waiting'; PERFORM pg_advisory_lock(1); RAISE NOTICE 'done'; END $$",
    );
    let mut heard = |wanted: u8| loop {
        let message = speaker.receive().expect("an answer comes");
        if message.tag == wanted {
            return message;
        }
    };
    // What was said before comes before.
    assert_eq!(heard(b'C').shown().as_deref(), Some("-- SELECT 1"));
    assert_eq!(heard(b'N').field(b'M').as_deref(), Some("waiting"));
    assert_eq!(value(&mut holder, "SELECT pg_advisory_unlock(1)"), "t");
    assert_eq!(heard(b'N').field(b'M').as_deref(), Some("done"));
    assert_eq!(heard(b'C').shown().as_deref(), Some("-- DO"));
}
