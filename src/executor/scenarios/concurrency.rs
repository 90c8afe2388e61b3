//! Two sessions at once: what waits, what looks again, what fails.

use std::sync::Barrier;
use std::thread;

use dictdb_storage::Isolation::{ReadCommitted, RepeatableRead};

use super::database::{Client, Database};

const TABLES: &str = "
    create table t (id int primary key, n int);
    create table parent (id int primary key, note text);
    create table child (p int references parent);
";

fn database() -> Database {
    let database = Database::new(TABLES);
    database.connect().affected("insert into t values (1, 0), (2, 0)");
    database.connect().affected("insert into parent values (1, 'a'), (2, 'b')");
    database
}

/// Runs `waiting` in a session of its own while `first` has an open transaction, which then does `then`.
fn while_open<T: Send>(
    database: &Database,
    before: &str,
    waiting: impl FnOnce(&mut Client<'_>) -> T + Send,
    then: impl FnOnce(&mut Client<'_>),
) -> T {
    let mut first = database.connect();
    first.begin(ReadCommitted);
    first.rows(before);
    thread::scope(|scope| {
        let other = scope.spawn(|| waiting(&mut database.connect()));
        while !database.storage.locks().iter().any(|lock| !lock.granted) {
            assert!(!other.is_finished(), "it did not wait");
            thread::yield_now();
        }
        then(&mut first);
        other.join().unwrap()
    })
}

fn rollback(client: &mut Client<'_>) {
    client.rollback();
}

fn commit(client: &mut Client<'_>) {
    client.commit().unwrap();
}

#[test]
fn counters_lose_nothing() {
    let database = database();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = database.connect();
                for _ in 0..100 {
                    assert_eq!(client.affected("update t set n = n + 1 where id = 1"), 1);
                }
            });
        }
    });
    assert_eq!(database.rows("select n from t where id = 1"), ["400"]);
}

#[test]
fn read_committed_looks_again() {
    let database = database();
    let again = |client: &mut Client<'_>| client.affected("update t set n = n + 1 where id = 1 and n < 5");
    assert_eq!(while_open(&database, "update t set n = 3 where id = 1", again, commit), 1);
    assert_eq!(database.rows("select n from t where id = 1"), ["4"]);
    assert_eq!(
        while_open(&database, "update t set n = 9 where id = 1", again, commit),
        0,
        "the condition is false now"
    );
    let any = |client: &mut Client<'_>| client.affected("update t set n = n + 1 where id = 1");
    assert_eq!(while_open(&database, "delete from t where id = 1", any, commit), 0);
    let delete = |client: &mut Client<'_>| client.affected("delete from t where id = 2 and n = 0");
    assert_eq!(while_open(&database, "update t set n = 1 where id = 2", delete, rollback), 1);
}

#[test]
fn a_moved_key_is_not_found_again() {
    let database = database();
    let update = |client: &mut Client<'_>| client.affected("update t set n = 7 where id = 1");
    assert_eq!(while_open(&database, "update t set id = 100 where id = 1", update, commit), 0);
}

#[test]
fn select_for_update_sees_the_newest_version() {
    let database = database();
    let select = |client: &mut Client<'_>| client.rows("select n from t where id = 1 and n < 5 for update");
    assert_eq!(while_open(&database, "update t set n = 3 where id = 1", select, commit), ["3"]);
    assert_eq!(while_open(&database, "update t set n = 6 where id = 1", select, commit), [""; 0]);
}

#[test]
fn nowait_and_skip_locked() {
    let database = database();
    let mut first = database.connect();
    first.begin(ReadCommitted);
    first.rows("select * from t where id = 1 for update");
    let error = database.error("select * from t for update nowait");
    assert_eq!(error.code().to_string(), "55P03");
    assert_eq!(error.message(), "could not obtain lock on row in relation \"t\"");
    assert_eq!(database.rows("select id from t for update skip locked"), ["2"]);
    assert_eq!(database.rows("select id from t where id = 1"), ["1"], "readers do not wait");
    first.commit().unwrap();
    assert_eq!(database.rows("select id from t order by id for update nowait"), ["1", "2"]);
}

#[test]
fn repeatable_read_fails_instead() {
    let database = database();
    for change in ["update t set n = n + 1 where id = 1", "delete from t where id = 1"] {
        let mut client = database.connect();
        client.begin(RepeatableRead);
        client.rows("select * from t");
        database.connect().affected(change);
        assert_eq!(client.error("update t set n = 5 where id = 1").code().to_string(), "40001", "{change}");
    }
}

#[test]
fn upserts_in_step_lose_nothing() {
    let database = database();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = database.connect();
                for key in 0..50 {
                    let sql = format!(
                        "insert into t as o values ({}, 1) on conflict (id) do update set n = o.n + 1",
                        1000 + key % 10
                    );
                    assert_eq!(client.affected(&sql), 1);
                }
            });
        }
    });
    assert_eq!(database.rows("select count(*), sum(n) from t where id >= 1000"), ["10|200"]);
}

#[test]
fn unique_keys_wait_for_the_other_transaction() {
    let database = database();
    let insert =
        |client: &mut Client<'_>| client.run("insert into t values (5, 1)", &[]).map_err(|e| e.code().to_string());
    let outcome = while_open(&database, "insert into t values (5, 0)", insert, rollback);
    assert_eq!(outcome.unwrap().affected, 1);
    let insert =
        |client: &mut Client<'_>| client.run("insert into t values (6, 1)", &[]).map_err(|e| e.code().to_string());
    assert_eq!(while_open(&database, "insert into t values (6, 0)", insert, commit).unwrap_err(), "23505");
}

#[test]
fn a_parent_waits_for_its_new_child() {
    let database = database();
    let delete =
        |client: &mut Client<'_>| client.run("delete from parent where id = 1", &[]).map_err(|e| e.code().to_string());
    assert_eq!(while_open(&database, "insert into child values (1)", delete, commit).unwrap_err(), "23503");
    let outcome = while_open(
        &database,
        "insert into child values (2)",
        |client| client.affected("delete from parent where id = 2"),
        rollback,
    );
    assert_eq!(outcome, 1);
}

#[test]
fn a_child_waits_for_its_parents_end() {
    let database = database();
    let insert =
        |client: &mut Client<'_>| client.run("insert into child values (1)", &[]).map_err(|e| e.code().to_string());
    assert_eq!(while_open(&database, "delete from parent where id = 1", insert, commit).unwrap_err(), "23503");
    let mut first = database.connect();
    first.begin(ReadCommitted);
    first.affected("update parent set note = 'x' where id = 2");
    assert_eq!(database.connect().affected("insert into child values (2)"), 1, "the key stays: no need to wait");
}

#[test]
fn deadlocks_are_broken() {
    let database = database();
    let mut first = database.connect();
    first.begin(ReadCommitted);
    first.affected("update t set n = 1 where id = 1");
    let both_have_one = Barrier::new(2);
    let outcomes = thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut second = database.connect();
            second.begin(ReadCommitted);
            second.affected("update t set n = 2 where id = 2");
            both_have_one.wait();
            let outcome = second.run("update t set n = 2 where id = 1", &[]).map_err(|e| e.code().to_string());
            second.rollback();
            outcome.is_err_and(|code| code == "40P01")
        });
        both_have_one.wait();
        let mine = first.run("update t set n = 1 where id = 2", &[]).map_err(|e| e.code().to_string());
        first.rollback();
        [mine.is_err_and(|code| code == "40P01"), other.join().unwrap()]
    });
    assert_eq!(outcomes.iter().filter(|failed| **failed).count(), 1, "one of them fails");
}
