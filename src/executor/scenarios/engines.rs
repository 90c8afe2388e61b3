//! The same queries over larger tables by either engine: the answers must be the same.

use super::database::Database;
use crate::columnar::choose::EngineChoice;

const TABLES: &str = "
    create table big (
        id int primary key, i2 smallint, i8 bigint, f4 real, f8 float8, n numeric, t text, b bpchar(4), d date, flag bool
    );
    create table dim (k int primary key, name text, weight numeric);
";

const ROWS: &[&str] = &[
    "insert into big select x, x % 100, x::bigint * 1000000007, x / 3.0, case when x % 50 = 0 then 'NaN' else x / 7.0 end,
        case when x % 11 = 0 then null else (x % 1000) / 10.0 end, 'row ' || x % 500, x % 30, date '2020-01-01' + x % 365,
        x % 3 = 0 from generate_series(1, 10000) x",
    "insert into dim select x, 'name ' || x, x / 4.0 from generate_series(0, 99) x",
    "delete from big where id % 97 = 0",
    "update big set t = null where id % 13 = 0",
];

/// Queries with a total order, or one row.
const QUERIES: &[&str] = &[
    "select count(*), count(t), count(distinct t), sum(i2), sum(i8), sum(n), min(n), max(n) from big",
    "select avg(i2), avg(i8), avg(n), min(t), max(t), min(d), max(d), min(b), max(b) from big",
    "select avg(f4), sum(f4)::text, avg(f8) from big where id % 50 <> 0",
    "select max(f8), min(f8), bool_or(flag), bool_and(flag), stddev(i2) from big",
    "select i2, count(*), sum(i8), avg(n), max(t) from big group by i2 order by i2",
    "select b, count(*) from big group by b order by b",
    "select n, count(*) from big group by n order by n nulls first limit 20",
    "select f8, count(*) from big where id < 300 group by f8 order by f8 desc",
    "select d, flag, count(*) filter (where i2 > 50), sum(i2) filter (where t is null) from big group by d, flag order by d, flag",
    "select string_agg(t, ',' order by t desc) from big where id < 40",
    "select array_agg(distinct i2 order by i2) from big where id < 1000",
    "select flag, count(distinct t), sum(distinct i2), avg(distinct n), max(distinct d) from big group by flag order by flag",
    "select count(distinct n), sum(distinct i8) filter (where i2 < 7), sum(distinct f8)::text from big where id % 50 <> 0",
    "select percentile_cont(0.5) within group (order by i8) from big",
    "select id, t from big where t like 'row 1%' and i2 between 10 and 20 order by id desc limit 7 offset 3",
    "select id from big where i2 <> 0 and 1000 / i2 > 500 order by id limit 10",
    "select id from big where i2 = 0 or 1000 / i2 > 999 order by id limit 10",
    "select sum(case when i2 = 0 then 0 else 1000 / i2 end) from big",
    "select sum(case i2 when 1 then 10 when 2 then 20 else -1 end), count(coalesce(t, b::text)) from big",
    "select count(*) from big where i2 in (1, 2, 3, null)",
    "select count(*) from big where t = any (array['row 1', 'row 2']) or n in (1.5, 2.50)",
    "select count(*) from big where n > 50.05 and n is not null and not flag",
    "select count(*) from big where (i2, id) < (50, 100)",
    "select count(*), sum(weight), min(name) from big join dim on i2 = k",
    "select count(*), count(name) from big left join dim on id = k",
    "select count(*), count(id), count(k) from big full join dim on id = k and k > 50",
    "select count(*) from dim right join big on id = k",
    "select count(*) from big where exists (select 1 from dim where k = i2 and weight > 10)",
    "select count(*) from big where not exists (select 1 from dim where k = id)",
    "select count(*) from big where n in (select weight from dim)",
    "select count(*) from big a join big b on a.n = b.n and a.id < b.id where a.id < 500 and b.id < 500",
    "select count(*) from big join dim on i2 < k and weight < 5",
    "select a.id, b.id from big a left join big b on a.id = b.id + 9990 and b.flag where a.id > 9980 order by 1, 2",
    "select distinct i2 % 7, flag from big order by 1, 2",
    "select i2 from big where id < 20 union all select k from dim where k < 5 order by 1",
    "select i2 from big union select k::smallint from dim order by 1 limit 5",
    "select id, row_number() over (partition by flag order by id) from big order by id limit 5",
    "select id, rank() over w, dense_rank() over w, lag(n) over w, last_value(id) over w, sum(n) over w, max(f8) over w
        from big window w as (partition by b, flag order by n, i2) order by id",
    "select id, row_number() over w, cume_dist() over w, nth_value(t, 3) over w, avg(f8) over w, count(t) over w
        from big where id % 50 <> 0 window w as (partition by i2 order by d rows between 3 preceding and current row) order by id",
    "select id, sum(i8) over w, string_agg(t, ',') filter (where flag) over w, min(b) over w
        from big where id < 2000 window w as (partition by i2) order by id",
    "select id, sum(n) over (order by d range between '2 days' preceding and '1 day' following exclude group) from big order by id",
    "select id from (select id, rank() over (partition by i2 order by n desc nulls last) r from big) q where r <= 3 order by id",
    "with x as materialized (select id, n, t from big) select count(*), sum(a.n), max(b.t) from x a join x b on a.id = b.id + 1",
    "select (select max(weight) from dim where k < b.i2) from big b where id < 12 order by id",
    "select name, total from dim, lateral (select sum(i8) as total from big where i2 = k) l where k < 3 order by k",
    "with x as (select i2, sum(n) as s from big group by i2) select count(*), max(s) from x where s > (select avg(s) from x)",
    "select sum(id) from (select id from big order by n desc nulls last, id limit 100) q",
    "select t, n from big order by t nulls first, n desc, id limit 5",
    "select tableoid > 0, ctid from big where id = 5000",
    "select id from big where id > 9990 for update",
    "select count(*) from big where false",
    "select max(id) from big where false group by flag",
    "select i2, count(*) from big group by grouping sets ((i2), ()) order by 1 nulls last limit 3 offset 98",
];

fn answers(choice: EngineChoice) -> Vec<Result<Vec<String>, String>> {
    let database = Database::new(TABLES).choosing(choice);
    let mut client = database.connect();
    ROWS.iter().for_each(|sql| {
        client.affected(sql);
    });
    QUERIES.iter().map(|sql| client.run(sql, &[]).map(|a| a.rows).map_err(|e| e.message().to_string())).collect()
}

#[test]
fn both_engines_give_the_same_answers() {
    let (rows, columns) = (answers(EngineChoice::Rows), answers(EngineChoice::Columns));
    let mut differences = Vec::new();
    for ((sql, rows), columns) in QUERIES.iter().zip(rows).zip(columns) {
        let good = rows.as_ref().is_ok_and(|rows| !rows.is_empty() || sql.contains("false"));
        if rows != columns || !good {
            differences.push(format!("{sql}\n  by rows    {rows:?}\n  by columns {columns:?}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
