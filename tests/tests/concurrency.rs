//! Many sessions at once: nothing is lost, nothing is invented, a key stays unique.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dictdb_tests::message::Message;
use dictdb_tests::server::Server;
use dictdb_tests::wire::Connection;

/// Sessions of each test.
const CLIENTS: usize = 32;

fn connect(server: &Server) -> Connection {
    Connection::open(server.port, "postgres", "postgres").expect("DictDB answers")
}

/// Runs a statement; the SQLSTATE of its error, if it has one.
fn attempt(connection: &mut Connection, sql: &str) -> Result<Vec<Message>, String> {
    let messages = connection.query(sql).expect("DictDB answers");
    match messages.iter().find(|message| message.tag == b'E') {
        Some(error) => Err(error.field(b'C').unwrap_or_default()),
        None => Ok(messages),
    }
}

fn run(connection: &mut Connection, sql: &str) -> Vec<Message> {
    attempt(connection, sql).unwrap_or_else(|code| panic!("{sql}: {code}"))
}

/// The only value of a query.
fn value(connection: &mut Connection, sql: &str) -> String {
    let messages = run(connection, sql);
    let row = messages.iter().find(|message| message.tag == b'D').and_then(Message::shown);
    row.unwrap_or_else(|| panic!("{sql} gives no row"))
}

fn in_parallel(server: &Arc<Server>, work: impl Fn(usize, &mut Connection) + Send + Sync + 'static) {
    let work = Arc::new(work);
    let threads: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (server, work) = (server.clone(), work.clone());
            std::thread::spawn(move || work(client, &mut connect(&server)))
        })
        .collect();
    for thread in threads {
        thread.join().expect("no client fails");
    }
}

/// A generator of small pseudo-random numbers, seeded by the client.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

#[test]
fn no_update_is_lost() {
    const ROUNDS: usize = 30;
    let server = Arc::new(Server::dictdb().expect("DictDB starts"));
    let mut admin = connect(&server);
    run(&mut admin, "CREATE TABLE counter (id int PRIMARY KEY, value int NOT NULL); INSERT INTO counter VALUES (1, 0)");
    in_parallel(&server, |_, connection| {
        for _ in 0..ROUNDS {
            run(connection, "UPDATE counter SET value = value + 1 WHERE id = 1");
        }
    });
    assert_eq!(value(&mut admin, "SELECT value FROM counter"), (CLIENTS * ROUNDS).to_string());
}

#[test]
fn money_is_neither_made_nor_lost() {
    const ACCOUNTS: u64 = 10;
    let server = Arc::new(Server::dictdb().expect("DictDB starts"));
    let mut admin = connect(&server);
    run(&mut admin, "CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL CHECK (balance >= 0))");
    run(&mut admin, "INSERT INTO account SELECT i, 100 FROM generate_series(0, 9) i");
    in_parallel(&server, |client, connection| {
        let mut state = client as u64 + 1;
        for round in 0..20 {
            let (from, to) = (random(&mut state) % ACCOUNTS, random(&mut state) % ACCOUNTS);
            let level = if round % 2 == 0 { "READ COMMITTED" } else { "REPEATABLE READ" };
            let amount = random(&mut state) % 50;
            let transfer = [
                format!("BEGIN ISOLATION LEVEL {level}"),
                format!("UPDATE account SET balance = balance - {amount} WHERE id = {from}"),
                format!("UPDATE account SET balance = balance + {amount} WHERE id = {to}"),
                "COMMIT".to_owned(),
            ];
            for statement in &transfer {
                if let Err(code) = attempt(connection, statement) {
                    let expected = ["23514", "40001", "40P01"];
                    assert!(expected.contains(&code.as_str()), "{statement}: {code}");
                    run(connection, "ROLLBACK");
                    break;
                }
            }
            // A reader sees whole transfers only.
            assert_eq!(value(connection, "SELECT sum(balance) FROM account"), "1000");
        }
    });
    assert_eq!(value(&mut admin, "SELECT sum(balance) FROM account"), "1000");
    assert_eq!(value(&mut admin, "SELECT count(*) FROM account WHERE balance < 0"), "0");
}

#[test]
fn one_of_many_gets_the_key() {
    const KEYS: usize = 40;
    let server = Arc::new(Server::dictdb().expect("DictDB starts"));
    let mut admin = connect(&server);
    run(&mut admin, "CREATE TABLE claimed (id int PRIMARY KEY, owner int NOT NULL)");
    let won = Arc::new(AtomicU64::new(0));
    let counted = won.clone();
    in_parallel(&server, move |client, connection| {
        for key in 0..KEYS {
            match attempt(connection, &format!("INSERT INTO claimed VALUES ({key}, {client})")) {
                Ok(_) => drop(counted.fetch_add(1, Ordering::Relaxed)),
                Err(code) => assert_eq!(code, "23505"),
            }
        }
    });
    assert_eq!(won.load(Ordering::Relaxed), KEYS as u64);
    assert_eq!(value(&mut admin, "SELECT count(*) FROM claimed"), KEYS.to_string());
}

#[test]
fn upserts_add_up() {
    const ROUNDS: usize = 20;
    let server = Arc::new(Server::dictdb().expect("DictDB starts"));
    let mut admin = connect(&server);
    run(&mut admin, "CREATE TABLE tally (word text PRIMARY KEY, n int NOT NULL)");
    in_parallel(&server, |client, connection| {
        for round in 0..ROUNDS {
            let word = (client + round) % 5;
            run(
                connection,
                &format!("INSERT INTO tally VALUES ('w{word}', 1) ON CONFLICT (word) DO UPDATE SET n = tally.n + 1"),
            );
        }
    });
    assert_eq!(value(&mut admin, "SELECT sum(n) FROM tally"), (CLIENTS * ROUNDS).to_string());
}
