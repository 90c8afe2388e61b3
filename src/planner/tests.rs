//! Statements over built-in objects alone, planned end to end.

use std::sync::Arc;

use dictdb_catalog::{Catalog, namespaces};
use dictdb_functions::kernel::Registry;
use dictdb_parser::{Limits, Statement};
use dictdb_types::Result;
use dictdb_types::env::BareEnv;

use crate::estimate::NoStatistics;
use crate::{BindContext, Planned, RawStatement};

fn plan(sql: &str) -> Result<Planned> {
    let catalog = Arc::new(Catalog::bootstrap());
    let registry = Registry::builtin();
    let env = BareEnv::default();
    let path = [namespaces::PG_CATALOG, namespaces::PUBLIC];
    let cx = BindContext {
        catalog: &catalog,
        registry: &registry,
        env: &env,
        search_path: &path,
        role: dictdb_catalog::BOOTSTRAP_ROLE,
        transient: &[],
    };
    let statements = dictdb_parser::parse(sql, &Limits::default())?;
    let Statement::Sql(tree) = &statements[0].statement else { panic!("not a query: {sql}") };
    crate::plan(RawStatement::new(tree, &statements[0].locations, &[]), cx, &NoStatistics)
}

#[test]
fn queries_without_tables_are_planned() {
    for sql in [
        "SELECT 1 + 1 AS two, 'a' || 'b', now(), current_date",
        "SELECT count(*), sum(x) FROM generate_series(1, 10) AS t(x) WHERE x > 3",
        "SELECT x % 2, array_agg(x ORDER BY x DESC) FROM generate_series(1, 10) AS t(x) GROUP BY 1 HAVING count(*) > 1 ORDER BY 1",
        "SELECT a.x, b.y FROM (VALUES (1), (2)) a(x) LEFT JOIN (VALUES (1, 'one')) b(x, y) USING (x)",
        "WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT * FROM t",
        "SELECT x, row_number() OVER (PARTITION BY x % 2 ORDER BY x) FROM generate_series(1, 4) x",
        "SELECT (SELECT max(y) FROM generate_series(1, x) y) FROM generate_series(1, 3) x",
        "SELECT x FROM generate_series(1, 3) x WHERE EXISTS (SELECT FROM generate_series(2, 3) y WHERE y = x)",
        "SELECT 1 UNION SELECT 2.5 ORDER BY 1 DESC LIMIT 1",
        "SELECT CASE WHEN true THEN 1 ELSE 2.0 END, COALESCE(NULL, 'x'), (ARRAY[1, 2])[1], ROW(1, 'a')",
        "SELECT unnest(ARRAY[1, 2]), generate_series(1, 3)",
        "SELECT $1 + 1, $2::text",
        "SELECT 5 IN (1, 2, 3), 5 = ANY (ARRAY[5]), 'abc' LIKE 'a%', 3 BETWEEN 1 AND 5, (1, 2) < (1, 3)",
        "SELECT extract(year FROM timestamp '2020-01-01'), interval '1 day' * 2, date '2020-01-01' + 1",
        "SELECT DISTINCT ON (x % 2) x FROM generate_series(1, 4) x ORDER BY x % 2, x DESC",
        "SELECT l.x, s.y FROM generate_series(1, 2) l(x), LATERAL (SELECT l.x * 2 AS y) s",
        "SELECT a, b, count(*) FROM (VALUES (1, 2)) t(a, b) GROUP BY ROLLUP (a, b)",
    ] {
        if let Err(error) = plan(sql) {
            panic!("{sql}: {error:?}");
        }
    }
}

#[test]
fn errors_are_postgresql_s() {
    for (sql, code) in [
        ("SELECT x", "42703"),
        ("SELECT * FROM nowhere", "42P01"),
        ("SELECT 1 + true", "42883"),
        ("SELECT nosuch(1)", "42883"),
        ("SELECT x, count(*) FROM generate_series(1, 2) x", "42803"),
        ("SELECT sum(sum(x)) FROM generate_series(1, 2) x", "42803"),
        ("SELECT 1 WHERE count(*) > 1", "42803"),
        ("SELECT 'x'::nosuch", "42704"),
        ("SELECT $1", "42P18"),
        ("SELECT 1 UNION SELECT 1, 2", "42601"),
        ("SELECT CASE WHEN 1 THEN 2 END", "42804"),
    ] {
        match plan(sql) {
            Ok(_) if code == "42P18" => {}
            Ok(_) => panic!("{sql} was planned"),
            Err(error) => assert_eq!(error.code().as_str(), code, "{sql}: {error}"),
        }
    }
}
