//! Queries over constants: every operator once, answers as PostgreSQL 15 gives them.

use super::database::Database;
use crate::columnar::choose::EngineChoice;

const CASES: &[(&str, &[&str])] = &[
    ("select 1, 'a', null", &["1|a|"]),
    ("values (1, 2), (3, 4)", &["1|2", "3|4"]),
    ("select a + 1 from (values (1), (2), (null)) v(a) where a is not null", &["2", "3"]),
    ("select a from (values (3), (1), (2)) v(a) order by a desc limit 2", &["3", "2"]),
    ("select a from (values (3), (1), (2)) v(a) order by a offset 1", &["2", "3"]),
    ("select a from (values (1), (1), (2), (2)) v(a) order by a fetch first 3 rows with ties", &["1", "1", "2", "2"]),
    ("select distinct a from (values (1), (2), (1), (null), (null)) v(a) order by a", &["1", "2", ""]),
    ("select distinct on (a) a, b from (values (1, 2), (1, 1), (2, 5)) v(a, b) order by a, b", &["1|1", "2|5"]),
    ("select 1 union all select 1", &["1", "1"]),
    ("select 1 union select 1", &["1"]),
    ("select a from (values (1), (1), (2)) v(a) intersect all select a from (values (1), (1), (1)) w(a)", &["1", "1"]),
    ("select a from (values (1), (1), (2)) v(a) except all select 1", &["1", "2"]),
    ("select a from (values (1), (1), (2), (2)) v(a) except select 1", &["2"]),
    (
        "select v.a, w.b from (values (1), (2)) v(a) left join (values (1, 'x'), (1, 'y')) w(a, b) on v.a = w.a \
         order by 1, 2",
        &["1|x", "1|y", "2|"],
    ),
    ("select v.a, w.a from (values (1), (2)) v(a) full join (values (2), (3)) w(a) on v.a = w.a", &["1|", "2|2", "|3"]),
    ("select v.a, w.a from (values (1), (2)) v(a) right join (values (2), (3)) w(a) on v.a = w.a", &["2|2", "|3"]),
    ("select v.a, w.a from (values (1), (2)) v(a) join (values (2), (3)) w(a) on v.a < w.a", &["1|2", "1|3", "2|3"]),
    ("select a from (values (1), (2)) v(a) where a in (select 2 union all select null)", &["2"]),
    ("select a from (values (1), (2)) v(a) where a not in (select 2 union all select null)", &[]),
    ("select a from (values (1), (2)) v(a) where not exists (select 1 from (values (2)) w(b) where b = a)", &["1"]),
    (
        "select a, (select max(b) from (values (1), (5)) w(b) where b > a) from (values (0), (3), (9)) v(a)",
        &["0|5", "3|5", "9|"],
    ),
    ("select array(select a from (values (2), (1)) v(a) order by a)", &["{1,2}"]),
    ("select v.a, l.b from (values (1), (2)) v(a), lateral (select a * 10 as b) l", &["1|10", "2|20"]),
    ("with recursive t(n) as (select 1 union all select n + 1 from t) select n from t limit 3", &["1", "2", "3"]),
    ("with recursive t(n) as (select 1 union select n % 3 + 1 from t) select n from t", &["1", "2", "3"]),
    ("with x as (select 1 as a), y as (select a + 1 as b from x) select * from x, y", &["1|2"]),
    ("select case when a > 1 then 'big' else 'small' end from (values (1), (2)) v(a)", &["small", "big"]),
    ("select case a when 1 then 'one' when 2 then 'two' end from (values (1), (2), (3)) v(a)", &["one", "two", ""]),
    ("select coalesce(null, a, 7), nullif(a, 1) from (values (1), (null)) v(a)", &["1|", "7|"]),
    ("select greatest(1, null, 3), least(2, 1)", &["3|1"]),
    ("select 2 = any (array[1, 2]), 2 = all (array[1, 2]), 3 = any (array[1, null])", &["t|f|"]),
    ("select (1, 2) < (1, 3), (1, null) < (1, 3), (0, null) < (1, 3)", &["t||t"]),
    ("select (array[1, 2, 3])[2], (array[1, 2, 3])[2:3], (array[1])[5]", &["2|{2,3}|"]),
    ("select null is distinct from 1, 1 is not distinct from 1, null is null", &["t|t|t"]),
    ("select true and null, false and null, true or null, not null::bool", &["|f|t|"]),
    ("select a is true, a is not false, a is unknown from (values (true), (null)) v(a)", &["t|t|f", "f|t|t"]),
];

#[test]
fn queries_answer_as_postgresql_does() {
    for choice in [EngineChoice::Rows, EngineChoice::Columns] {
        let database = Database::new("").choosing(choice);
        for (sql, expected) in CASES {
            assert_eq!(database.rows(sql), *expected, "{sql} by {choice:?}");
        }
    }
}

#[test]
fn errors() {
    let database = Database::new("");
    for (sql, code) in [
        ("select (select a from (values (1), (2)) v(a))", "21000"),
        ("select 1 limit -1", "2201W"),
        ("select 1 offset -1", "2201X"),
        ("select 1 / a from (values (0)) v(a)", "22012"),
    ] {
        assert_eq!(database.error(sql).code().to_string(), code, "{sql}");
    }
}
