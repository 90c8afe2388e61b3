//! The cache of results: never stale without a policy, as old as the policy says with one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use dictdb_tests::patience::{wait_for, wait_until};
use dictdb_tests::place::run;
use dictdb_tests::server::Server;
use dictdb_tests::wire::Connection;

fn connect(server: &Server) -> Connection {
    Connection::open(server.port, "postgres", "postgres").expect("DictDB answers")
}

fn start() -> (Server, Connection) {
    let server = Server::dictdb().expect("DictDB starts");
    let mut connection = connect(&server);
    run(
        &mut connection,
        "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t SELECT g, g FROM generate_series(1, 100) g",
    );
    (server, connection)
}

/// Hits so far.
fn hits(connection: &mut Connection) -> i64 {
    run(connection, "SELECT hits FROM dictdb.cache_stats")[0].parse().expect("a number")
}

/// Whether a query was answered from the cache, and its rows.
fn asked(connection: &mut Connection, sql: &str) -> (bool, Vec<String>) {
    let before = hits(connection);
    let rows = run(connection, sql);
    (hits(connection) > before, rows)
}

const SUM: &str = "SELECT sum(v) FROM t";

#[test]
fn an_exact_result_is_given_until_a_table_changes() {
    let (server, mut connection) = start();
    assert!(!asked(&mut connection, SUM).0 && !asked(&mut connection, SUM).0, "it is off");
    run(&mut connection, "SET dictdb.result_cache = on");
    assert_eq!(asked(&mut connection, SUM), (false, vec!["5050".to_owned()]));
    assert_eq!(asked(&mut connection, SUM), (true, vec!["5050".to_owned()]));
    let mut other = connect(&server);
    run(&mut other, "UPDATE t SET v = v + 1 WHERE id = 1");
    assert_eq!(asked(&mut connection, SUM), (false, vec!["5051".to_owned()]));
    run(&mut other, "BEGIN; DELETE FROM t; ROLLBACK");
    assert_eq!(asked(&mut connection, SUM), (true, vec!["5051".to_owned()]));
    run(&mut other, "TRUNCATE t");
    assert_eq!(asked(&mut connection, "SELECT count(*) FROM t").1, ["0"]);
}

#[test]
fn a_key_is_all_that_decides_what_a_query_means() {
    let (_server, mut connection) = start();
    run(
        &mut connection,
        "SET dictdb.result_cache = on; CREATE SCHEMA s; CREATE TABLE s.t (v int); INSERT INTO s.t VALUES (7)",
    );
    run(&mut connection, "CREATE TABLE w (at timestamptz); INSERT INTO w VALUES ('2024-01-01 12:00+00')");
    assert_eq!(run(&mut connection, SUM), ["5050"]);
    run(&mut connection, "SET search_path = s, public");
    assert_eq!(run(&mut connection, SUM), ["7"]);
    assert_eq!(run(&mut connection, "SELECT date_part('hour', at) FROM w"), ["12"]);
    run(&mut connection, "SET timezone = 'Etc/GMT-5'");
    assert_eq!(run(&mut connection, "SELECT date_part('hour', at) FROM w"), ["17"]);
    assert_eq!(run(&mut connection, "SELECT v FROM public.t WHERE id = 3"), ["3"]);
    assert_eq!(run(&mut connection, "SELECT v FROM public.t WHERE id = 4"), ["4"]);
    run(&mut connection, "CREATE ROLE other; GRANT SELECT ON w TO other");
    run(&mut connection, "ALTER TABLE w ENABLE ROW LEVEL SECURITY; SELECT count(*) FROM w");
    assert_eq!(run(&mut connection, "SELECT count(*) FROM w"), ["1"]);
    run(&mut connection, "SET ROLE other");
    assert_eq!(run(&mut connection, "SELECT count(*) FROM public.w"), ["0"]);
}

#[test]
fn what_looks_elsewhere_is_never_kept() {
    let (_server, mut connection) = start();
    run(&mut connection, "SET dictdb.result_cache = on; CREATE SEQUENCE s; CREATE TEMP TABLE temporary (v int)");
    run(&mut connection, "CREATE FUNCTION f() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1'");
    for sql in [
        "SELECT random() FROM t LIMIT 1",
        "SELECT now(), count(*) FROM t",
        "SELECT nextval('s')",
        "SELECT count(*) FROM pg_class",
        "SELECT count(*) FROM temporary",
        "SELECT current_setting('search_path'), count(*) FROM t",
        "SELECT f(), v FROM t WHERE id = 1 FOR UPDATE",
        "SELECT count(*) FROM t TABLESAMPLE BERNOULLI (50)",
    ] {
        assert!(!asked(&mut connection, sql).0 && !asked(&mut connection, sql).0, "{sql}");
    }
}

#[test]
fn transactions_see_themselves_and_nothing_newer_than_they_should() {
    let (server, mut connection) = start();
    let mut other = connect(&server);
    run(&mut other, "SET dictdb.result_cache = on");
    run(&mut connection, "SET dictdb.result_cache = on; BEGIN ISOLATION LEVEL REPEATABLE READ");
    assert_eq!(run(&mut connection, SUM), ["5050"]);
    run(&mut other, "UPDATE t SET v = 0 WHERE id = 100");
    assert_eq!(run(&mut other, SUM), ["4950"]);
    assert_eq!(run(&mut other, SUM), ["4950"]);
    assert_eq!(run(&mut connection, SUM), ["5050"], "its snapshot is older than the result that is kept");
    run(&mut connection, "COMMIT; BEGIN");
    run(&mut connection, "UPDATE t SET v = 1 WHERE id = 100");
    assert_eq!(run(&mut connection, SUM), ["4951"]);
    assert_eq!(run(&mut other, SUM), ["4950"]);
    run(&mut connection, "ROLLBACK");
    assert_eq!(run(&mut connection, SUM), ["4950"]);
}

#[test]
fn a_policy_lets_results_grow_old() {
    let (server, mut connection) = start();
    let mut other = connect(&server);
    run(&mut connection, "SET dictdb.cache_policy = 'dashboard_metrics'; SET dictdb.cache_key = 'device:42'");
    assert_eq!(run(&mut connection, SUM), ["5050"]);
    run(&mut other, "UPDATE t SET v = 0 WHERE id = 100");
    assert_eq!(asked(&mut connection, SUM), (true, vec!["5050".to_owned()]), "as old as five minutes");
    assert_eq!(run(&mut other, SUM), ["4950"], "the policy is the session's");
    let now = "SELECT now() FROM t LIMIT 1";
    assert_eq!(run(&mut connection, now), run(&mut connection, now), "a time may be old, too");
    assert_eq!(run(&mut connection, "SELECT dictdb.cache_invalidate('device:7%')"), ["0"]);
    assert_eq!(run(&mut connection, "SELECT dictdb.cache_invalidate('device:%')"), ["2"]);
    assert_eq!(run(&mut connection, SUM), ["4950"]);
    run(&mut connection, "BEGIN; UPDATE t SET v = 5 WHERE id = 100");
    assert_eq!(run(&mut connection, SUM), ["4955"], "own changes are seen");
    run(&mut connection, "ROLLBACK; SET dictdb.cache_policy = ''");
    assert_eq!(run(&mut connection, "SELECT dictdb.cache_invalidate_all() > 0"), ["t"]);
    assert_eq!(run(&mut connection, "SELECT total_keys, size_bytes FROM dictdb.cache_stats"), ["0 | 0"]);
    let error = dictdb_tests::place::try_run(&mut connection, "SET dictdb.cache_policy = 'for_ever'");
    assert!(error.expect_err("there is no such policy").contains("22023"));
}

#[test]
fn results_of_ten_seconds_are_gone_after_them() {
    const TTL: Duration = Duration::from_secs(10);
    let (server, mut connection) = start();
    let mut other = connect(&server);
    run(&mut connection, "SET dictdb.cache_policy = 'latest_sample'");
    // A machine on which this takes longer is given another chance.
    let begun = wait_for("an old result", || {
        run(&mut other, "UPDATE t SET v = 100 WHERE id = 100; SELECT dictdb.cache_invalidate_all()");
        let begun = Instant::now();
        assert_eq!(run(&mut connection, SUM), ["5050"]);
        run(&mut other, "UPDATE t SET v = 0 WHERE id = 100");
        let is_old = run(&mut connection, SUM) == ["5050"];
        assert!(is_old || begun.elapsed() >= TTL, "it has not grown old");
        is_old.then_some(begun)
    });
    while begun.elapsed() < TTL {
        assert!(run(&mut connection, SUM) == ["5050"] || begun.elapsed() >= TTL, "it has not grown old");
        thread::sleep(Duration::from_millis(100));
    }
    wait_until("the end of the old result", || run(&mut connection, SUM) == ["4950"]);
    assert!(begun.elapsed() >= TTL);
    assert_ne!(run(&mut connection, "SELECT expirations FROM dictdb.cache_stats"), ["0"]);
}

#[test]
fn memory_is_bounded() {
    let server = Server::dictdb_with(&["-c", "dictdb.result_cache_size=1MB"], "").expect("DictDB starts");
    let mut connection = connect(&server);
    run(&mut connection, "CREATE TABLE t AS SELECT g AS id, repeat('x', 1000) AS text FROM generate_series(1, 5000) g");
    run(&mut connection, "SET dictdb.result_cache = on; SET dictdb.result_cache_max_result = '200kB'");
    let large = "SELECT text FROM t";
    run(&mut connection, large);
    assert!(!asked(&mut connection, large).0, "it is too large");
    for group in 0..20 {
        run(&mut connection, &format!("SELECT text FROM t WHERE id BETWEEN {group} AND {group} + 99"));
    }
    let stats = "SELECT size_bytes <= max_bytes, total_keys < 20, evictions > 0 FROM dictdb.cache_stats";
    assert_eq!(run(&mut connection, stats), ["t | t | t"]);
}

/// Results that there is no memory for are given up after some failures, and queries run as if there were no cache.
#[test]
fn a_breaker_opens_when_there_is_no_memory() {
    let settings = ["-c", "max_memory=64MB", "-c", "dictdb.result_cache_size=1GB"];
    let server = Server::dictdb_with(&settings, "").expect("DictDB starts");
    let mut connection = connect(&server);
    run(&mut connection, "CREATE TABLE t AS SELECT g AS id, repeat('x', 1000) AS text FROM generate_series(1, 5000) g");
    run(&mut connection, "SET dictdb.result_cache = on; SET dictdb.result_cache_max_result = '20MB'");
    let query = |least: usize| format!("SELECT id, text FROM t WHERE id > {least}");
    const STATE: &str = "SELECT state FROM dictdb.circuit_breakers WHERE name = 'cache'";
    let opened = (0..100).find(|least| {
        assert_eq!(run(&mut connection, &query(*least)).len(), 5000 - least);
        run(&mut connection, STATE) == ["open"]
    });
    let opened = opened.expect("memory is full");
    let failures = "SELECT failures, last_error FROM dictdb.circuit_breakers WHERE name = 'cache'";
    assert_eq!(run(&mut connection, failures), ["5 | there is no memory for a result"]);
    let (hit, rows) = asked(&mut connection, &query(0));
    assert!(hit && rows.len() == 5000, "what is kept is given");
    for _ in 0..2 {
        assert!(!asked(&mut connection, &query(opened)).0, "nothing more is kept");
    }
    run(&mut connection, "SELECT dictdb.cache_invalidate_all(); SELECT dictdb.reset_circuit_breaker('cache')");
    assert!(!asked(&mut connection, &query(opened)).0 && asked(&mut connection, &query(opened)).0);
    run(&mut connection, &query(opened + 1));
    assert_eq!(run(&mut connection, STATE), ["closed"]);
}

#[test]
fn a_database_that_goes_back_takes_its_results_along() {
    let (_server, mut connection) = start();
    run(&mut connection, "CREATE SNAPSHOT s; SET dictdb.result_cache = on");
    for round in 1..=3 {
        assert_eq!(run(&mut connection, SUM), ["5050"], "round {round}");
        run(&mut connection, &format!("UPDATE t SET v = v + 1 WHERE id <= {round}"));
        let changed = run(&mut connection, SUM);
        assert_ne!(changed, ["5050"]);
        assert_eq!(asked(&mut connection, SUM), (true, changed));
        run(&mut connection, "RESET DATABASE postgres TO SNAPSHOT s");
    }
}

/// A reader with the cache and a writer that counts up: what is read never goes back, nor lags behind an acknowledged commit.
#[test]
fn nothing_stale_is_read_while_others_write() {
    let (server, mut writer) = start();
    let server = Arc::new(server);
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (server, done) = (server.clone(), done.clone());
            thread::spawn(move || {
                let mut connection = connect(&server);
                run(&mut connection, "SET dictdb.result_cache = on");
                let mut last = 0;
                while !done.load(Ordering::Acquire) {
                    let seen: i64 = run(&mut connection, "SELECT max(v) FROM t")[0].parse().expect("a number");
                    assert!(seen >= last, "{seen} after {last}");
                    last = seen;
                }
            })
        })
        .collect();
    run(&mut writer, "SET dictdb.result_cache = on");
    for round in 1..=300 {
        run(&mut writer, &format!("UPDATE t SET v = {} WHERE id = 1", 1000 + round));
        assert_eq!(run(&mut writer, "SELECT max(v) FROM t"), [(1000 + round).to_string()]);
    }
    done.store(true, Ordering::Release);
    readers.into_iter().for_each(|reader| reader.join().expect("nothing stale"));
}
