//! INSERT, UPDATE, DELETE in one session: constraints, ON CONFLICT, RETURNING, data-modifying CTEs.

use super::database::Database;

const TABLES: &str = "
    create table t (id int primary key, name text not null, n int check (n > 0), u int unique);
    create table g (a int, b int generated always as (a * 2) stored, c int);
    create table plain (a int, b text);
    create unique index on t (lower(name)) where n > 100;
    create table d (k int, unique (k) deferrable);
";

fn database() -> Database {
    Database::new(TABLES)
}

#[test]
fn insert_update_delete() {
    let database = database();
    let mut client = database.connect();
    assert_eq!(client.affected("insert into t values (1, 'a', 1, 1), (2, 'b', null, null)"), 2);
    assert_eq!(client.rows("insert into t (name, id) values ('c', 3) returning id, name, n"), ["3|c|"]);
    assert_eq!(client.rows("update t set n = id * 10 where id > 1 returning id, n"), ["2|20", "3|30"]);
    assert_eq!(client.rows("delete from t where id = 3 returning name"), ["c"]);
    assert_eq!(client.rows("select * from t order by id"), ["1|a|1|1", "2|b|20|"]);
    assert_eq!(client.affected("update t set id = id + 10"), 2);
    assert_eq!(client.rows("select id from t where id = 11"), ["11"]);
    assert_eq!(client.rows("select id from t where id = 1"), [""; 0]);
    assert_eq!(client.affected("delete from t"), 2);
}

#[test]
fn a_statement_does_not_see_its_own_rows() {
    let database = database();
    let mut client = database.connect();
    client.affected("insert into plain values (1, 'x')");
    for expected in [1, 2, 4] {
        assert_eq!(client.affected("insert into plain select a + 1, b from plain"), expected);
    }
    assert_eq!(client.affected("update plain set a = a + 100"), 8);
    assert_eq!(client.rows("select sum(a) from plain"), ["820"]);
}

#[test]
fn constraints_answer_with_their_names() {
    let database = database();
    let mut client = database.connect();
    client.affected("insert into t values (1, 'A', 200, 1)");
    let cases = [
        ("insert into t values (2, null, 1)", "23502", "Failing row contains (2, null, 1, null).", ""),
        ("insert into t values (2, 'x', -1)", "23514", "Failing row contains (2, x, -1, null).", "t_n_check"),
        ("insert into t values (1, 'x')", "23505", "Key (id)=(1) already exists.", "t_pkey"),
        ("insert into t values (2, 'x', 1, 1)", "23505", "Key (u)=(1) already exists.", "t_u_key"),
        ("insert into t values (2, 'a', 101)", "23505", "Key (lower(name))=(a) already exists.", "t_lower_idx"),
        ("update t set name = null", "23502", "Failing row contains (1, null, 200, 1).", ""),
        ("update t set n = 0", "23514", "Failing row contains (1, A, 0, 1).", "t_n_check"),
    ];
    for (sql, code, detail, constraint) in cases {
        let error = client.error(sql);
        let fields = error.fields();
        assert_eq!(error.code().to_string(), code, "{sql}: {error:?}");
        assert_eq!(fields.detail.as_deref(), Some(detail), "{sql}");
        assert_eq!(fields.constraint.as_deref().unwrap_or(""), constraint, "{sql}");
    }
    assert_eq!(client.affected("insert into t values (2, 'a', 100)"), 1, "outside the partial index");
}

#[test]
fn generated_columns_follow() {
    let database = database();
    let mut client = database.connect();
    assert_eq!(client.rows("insert into g (a) values (2), (null) returning *"), ["2|4|", "||"]);
    assert_eq!(client.rows("update g set a = 5 where a = 2 returning b"), ["10"]);
    assert_eq!(client.rows("update g set c = 1 where a = 5 returning *"), ["5|10|1"]);
}

#[test]
fn on_conflict() {
    let database = database();
    let mut client = database.connect();
    client.affected("insert into t values (1, 'a', 1, 10)");
    assert_eq!(client.affected("insert into t values (1, 'b'), (2, 'b') on conflict do nothing"), 1);
    assert_eq!(client.affected("insert into t values (1, 'b') on conflict (id) do nothing"), 0);
    let upsert = "insert into t as o values (1, 'new', 5) on conflict (id) do update set n = o.n + excluded.n, name = excluded.name returning *";
    assert_eq!(client.rows(upsert), ["1|new|6|10"]);
    let filtered =
        "insert into t as o values (1, 'x', 5) on conflict (id) do update set n = 7 where o.n > 100 returning n";
    assert_eq!(client.rows(filtered), [""; 0]);
    let other = client.error("insert into t values (3, 'x', 1, 10) on conflict (id) do nothing");
    assert_eq!(other.fields().constraint.as_deref(), Some("t_u_key"));
    // The arbiter decides although another index has a conflict too.
    assert_eq!(client.affected("insert into t values (2, 'x', 1, 10) on conflict (id) do nothing"), 0);
    let twice = client.error("insert into t values (9, 'x'), (9, 'y') on conflict (id) do update set name = 'z'");
    assert_eq!(twice.code().to_string(), "21000");
    assert_eq!(client.affected("insert into t values (9, 'x'), (9, 'y') on conflict (id) do nothing"), 1);
}

#[test]
fn a_row_is_updated_once_per_command() {
    let database = database();
    let mut client = database.connect();
    client.affected("insert into plain values (1, 'x')");
    let sql = "update plain set b = v.b from (values ('p'), ('q')) v(b)";
    assert_eq!(client.affected(sql), 1);
    assert_eq!(client.rows("select b from plain"), ["p"]);
    assert_eq!(client.affected("delete from plain using (values (1), (2)) v(x)"), 1);
}

#[test]
fn data_modifying_ctes_run_to_their_end_and_are_not_counted() {
    let database = database();
    let mut client = database.connect();
    client.affected("insert into plain values (1, 'x'), (2, 'y'), (3, 'z')");
    let moved = "with gone as (delete from plain where a < 3 returning a) insert into g (a) select a from gone";
    assert_eq!(client.affected(moved), 2);
    assert_eq!(client.rows("select a from g order by a"), ["1", "2"]);
    let unread = "with x as (insert into plain values (9, 'n')) select count(*) from plain";
    assert_eq!(client.rows(unread), ["1"]);
    assert_eq!(client.rows("select count(*) from plain"), ["2"]);
    let limited = "with x as (update plain set b = 'u' returning a) select 1 from x limit 1";
    assert_eq!(client.rows(limited), ["1"]);
    assert_eq!(client.rows("select count(*) from plain where b = 'u'"), ["2"]);
}

#[test]
fn deferrable_keys_wait_for_the_end_of_the_statement() {
    let database = database();
    let mut client = database.connect();
    client.affected("insert into d values (1), (2), (3)");
    assert_eq!(client.affected("update d set k = k + 1"), 3);
    let error = client.error("update d set k = 3 where k = 2");
    assert_eq!(error.fields().detail.as_deref(), Some("Key (k)=(3) already exists."));
    assert_eq!(client.rows("select k from d order by k"), ["2", "3", "4"]);
}
