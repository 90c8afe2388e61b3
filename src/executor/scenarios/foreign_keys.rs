//! Foreign keys in one session: both sides, every action, deferred constraints.

use dictdb_storage::Isolation;

use super::database::Database;

const TABLES: &str = "
    create table parent (id int primary key, code text unique);
    create table child (id int, p int references parent);
    create table strict (p int references parent on delete restrict on update restrict);
    create table cascaded (id bigint primary key, p bigint references parent on delete cascade on update cascade);
    create table leaf (c int references cascaded on delete cascade);
    create table nulled (p int references parent on delete set null on update set null);
    create table defaulted (p int default 1 references parent on delete set default);
    create table pair (a int, b int, primary key (a, b));
    create table full_pair (x int, y int, foreign key (x, y) references pair match full);
    create table simple_pair (x int, y int, foreign key (y, x) references pair (b, a));
    create table tree (id int primary key, up int references tree);
    create table later (p int references parent deferrable initially deferred);
";

fn database() -> Database {
    let database = Database::new(TABLES);
    database.connect().affected("insert into parent select x, 'c' || x from generate_series(1, 9) x");
    database
}

#[test]
fn children_need_parents() {
    let database = database();
    let mut client = database.connect();
    assert_eq!(client.affected("insert into child values (1, 1), (2, null), (3, 9)"), 3);
    let error = client.error("insert into child values (1, 77)");
    assert_eq!(error.code().to_string(), "23503");
    assert_eq!(error.message(), "insert or update on table \"child\" violates foreign key constraint \"child_p_fkey\"");
    assert_eq!(error.fields().detail.as_deref(), Some("Key (p)=(77) is not present in table \"parent\"."));
    assert_eq!(client.error("update child set p = 10 where id = 1").code().to_string(), "23503");
    assert_eq!(client.affected("update child set p = 2, id = 5 where id = 1"), 1);
    assert_eq!(client.affected("insert into cascaded values (1, 9)"), 1);
    assert_eq!(client.error("insert into cascaded values (2, 4294967297)").code().to_string(), "23503");
}

#[test]
fn parents_stay_while_they_have_children() {
    let database = database();
    let mut client = database.connect();
    client.affected("insert into child values (1, 1)");
    client.affected("insert into strict values (2)");
    for (sql, key, child) in [
        ("delete from parent where id = 1", "(id)=(1)", "child"),
        ("delete from parent where id = 2", "(id)=(2)", "strict"),
        ("update parent set id = 20 where id = 2", "(id)=(2)", "strict"),
    ] {
        let error = client.error(sql);
        assert_eq!(error.code().to_string(), "23503", "{sql}");
        let detail = format!("Key {key} is still referenced from table \"{child}\".");
        assert_eq!(error.fields().detail.as_deref(), Some(&*detail), "{sql}");
        assert_eq!(error.fields().table.as_deref(), Some(child), "{sql}");
    }
    assert_eq!(client.affected("update parent set code = 'other' where id = 1"), 1);
    // NO ACTION looks at the end of the statement only.
    let replaced = "with x as (delete from parent where id = 1 returning id) insert into parent select id from x";
    assert_eq!(client.affected(replaced), 1);
    assert_eq!(client.affected("delete from parent where id = 3"), 1);
}

#[test]
fn actions() {
    let database = database();
    let mut client = database.connect();
    client.affected("insert into cascaded values (1, 4), (2, 4), (3, 5)");
    client.affected("insert into leaf values (1), (2), (3)");
    client.affected("insert into nulled values (4), (6)");
    client.affected("insert into defaulted values (4)");
    assert_eq!(client.affected("delete from parent where id = 4"), 1);
    assert_eq!(client.rows("select id, p from cascaded"), ["3|5"]);
    assert_eq!(client.rows("select c from leaf"), ["3"]);
    assert_eq!(client.rows("select p from nulled order by p"), ["6", ""]);
    assert_eq!(client.rows("select p from defaulted"), ["1"]);
    assert_eq!(client.affected("update parent set id = id + 100 where id in (5, 6)"), 2);
    assert_eq!(client.rows("select p from cascaded"), ["105"]);
    assert_eq!(client.rows("select p from nulled"), ["", ""]);
    let error = client.error("delete from parent where id = 1");
    assert_eq!(error.fields().constraint.as_deref(), Some("defaulted_p_fkey"), "the default would refer to nothing");
}

#[test]
fn several_columns() {
    let database = database();
    let mut client = database.connect();
    client.affected("insert into pair values (1, 2)");
    assert_eq!(client.affected("insert into full_pair values (1, 2), (null, null)"), 2);
    let mixed = client.error("insert into full_pair values (1, null)");
    let detail = "MATCH FULL does not allow mixing of null and nonnull key values.";
    assert_eq!(mixed.fields().detail.as_deref(), Some(detail));
    assert_eq!(client.affected("insert into simple_pair values (1, 2), (7, null)"), 2);
    let error = client.error("insert into simple_pair values (2, 1)");
    assert_eq!(error.fields().detail.as_deref(), Some("Key (y, x)=(1, 2) is not present in table \"pair\"."));
}

#[test]
fn a_table_that_refers_to_itself() {
    let database = database();
    let mut client = database.connect();
    assert_eq!(client.affected("insert into tree values (2, 1), (1, null), (3, 3)"), 3);
    assert_eq!(client.error("delete from tree where id = 1").code().to_string(), "23503");
    assert_eq!(client.affected("delete from tree"), 3);
}

#[test]
fn deferred_constraints_wait_for_commit() {
    let database = database();
    let mut client = database.connect();
    client.begin(Isolation::ReadCommitted);
    client.affected("insert into later values (50)");
    client.affected("insert into parent values (50)");
    client.commit().unwrap();
    client.begin(Isolation::ReadCommitted);
    client.affected("insert into later values (60)");
    assert_eq!(client.commit().unwrap_err().code().to_string(), "23503");
    client.begin(Isolation::ReadCommitted);
    client.affected("delete from parent where id = 50");
    client.affected("delete from later");
    client.commit().unwrap();
    assert_eq!(client.rows("select count(*) from later"), ["0"]);
}
