//! The grammar against PostgreSQL 15.
//!
//! `testdata/` was made by asking PostgreSQL's own parser (each statement followed by one that is certainly wrong, so that
//! nothing ran): `accepted.sql` has one statement per line, `clients.sql` what psql, pg_dump, asyncpg, SQLAlchemy, Django, Rails
//! and pgjdbc send, `rejected.txt` statements with SQLSTATE, position, message and hint.

use sqlparser::ast::{BinaryOperator, Expr, SelectItem, SetExpr, Statement as AstStatement, UnaryOperator};

use crate::{Lifted, Limits, ParsedStatement, Statement, parse, parse_expression, parse_lifted, parse_type_name};

fn parsed(sql: &str) -> Vec<ParsedStatement> {
    match parse(sql, &Limits::default()) {
        Ok(statements) => statements,
        Err(error) => panic!("{sql}: {error:?}"),
    }
}

#[test]
fn what_postgresql_accepts_is_accepted() {
    for sql in include_str!("testdata/accepted.sql").lines() {
        parsed(sql);
    }
}

#[test]
fn what_clients_send_is_accepted() {
    for sql in include_str!("testdata/clients.sql").split("\n----\n") {
        assert!(!parsed(sql).is_empty(), "{sql}");
    }
}

#[test]
fn what_postgresql_rejects_is_rejected_with_its_words() {
    let mut lines = include_str!("testdata/rejected.txt").lines().peekable();
    while let Some(sql) = lines.next() {
        let mut expected = Vec::new();
        while let Some(line) = lines.next_if(|line| line.starts_with("    ")) {
            expected.push(line.trim_start().to_owned());
        }
        let Err(error) = parse(sql, &Limits::default()) else { panic!("{sql}: accepted") };
        let fields = error.fields();
        let mut actual = vec![format!("{} {} {}", fields.code, fields.position.unwrap_or(0), fields.message)];
        actual.extend(fields.hint.iter().map(|hint| format!("hint: {hint}")));
        assert_eq!(actual, expected, "{sql}");
    }
}

/// An expression with every operation in parentheses.
fn shape(expr: &Expr) -> String {
    match expr {
        Expr::BinaryOp { left, op, right } => format!("({} {op} {})", shape(left), shape(right)),
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => format!("(NOT {})", shape(expr)),
        Expr::UnaryOp { op, expr } => format!("({op}{})", shape(expr)),
        Expr::Prefixed { prefix, value } => format!("({} {})", prefix.value, shape(value)),
        Expr::Nested(inner) => shape(inner),
        Expr::Cast { expr, data_type, .. } => format!("({}::{data_type})", shape(expr)),
        Expr::IsNull(expr) => format!("({} IS NULL)", shape(expr)),
        Expr::IsDistinctFrom(left, right) => format!("({} IS DISTINCT FROM {})", shape(left), shape(right)),
        Expr::Collate { expr, collation } => format!("({} COLLATE {collation})", shape(expr)),
        Expr::Between { expr, low, high, .. } => {
            format!("({} BETWEEN {} AND {})", shape(expr), shape(low), shape(high))
        }
        Expr::Like { expr, pattern, .. } => format!("({} LIKE {})", shape(expr), shape(pattern)),
        Expr::InList { expr, list, .. } => {
            format!("({} IN {})", shape(expr), list.iter().map(shape).collect::<Vec<_>>().join(","))
        }
        Expr::AnyOp { left, compare_op, right, .. } => format!("({} {compare_op} ANY {})", shape(left), shape(right)),
        other => other.to_string(),
    }
}

#[test]
fn operators_bind_as_in_postgresql() {
    for (sql, expected) in [
        ("a + b * c - d", "((a + (b * c)) - d)"),
        ("a ^ b ^ c", "((a ^ b) ^ c)"),
        ("-a ^ 2", "((-a) ^ 2)"),
        ("-2 ^ 2", "(-2 ^ 2)"),
        ("- - 1", "1"),
        ("-a::int", "(-(a::pg_catalog.int4))"),
        ("-a collate x", "((-a) COLLATE x)"),
        ("a || b || c + d", "((a || b) || (c + d))"),
        ("@ a + b", "(@ (a + b))"),
        ("@ a || b", "((@ a) || b)"),
        ("a < b + c and d or e", "(((a < (b + c)) AND d) OR e)"),
        ("not a = b", "(NOT (a = b))"),
        ("not a is null", "(NOT (a IS NULL))"),
        ("a = b is null", "((a = b) IS NULL)"),
        ("a is null is null", "((a IS NULL) IS NULL)"),
        ("a is distinct from b + 1 or c", "((a IS DISTINCT FROM (b + 1)) OR c)"),
        ("a between b and c and d", "((a BETWEEN b AND c) AND d)"),
        ("a < b like c", "(a < (b LIKE c))"),
        ("a like b || c", "(a LIKE (b || c))"),
        ("a in (1, 2) = b", "((a IN 1,2) = b)"),
        ("a = any(b) = c", "((a = ANY b) = c)"),
        ("a * not b = c", "(a * (NOT (b = c)))"),
        ("a operator(s.+) b * c", "(a OPERATOR(s.+) (b * c))"),
        ("a and b and c and d", "((a AND b) AND (c AND d))"),
        ("a or b and c or d", "(a OR ((b AND c) OR d))"),
        ("a <> b, c", ""),
    ] {
        match parse_expression(sql) {
            Ok(expr) => assert_eq!(shape(&expr), expected, "{sql}"),
            Err(_) => assert!(expected.is_empty(), "{sql}"),
        }
    }
}

#[test]
fn types_become_catalog_names() {
    for (sql, expected) in [
        ("int", "pg_catalog.int4"),
        ("double precision", "pg_catalog.float8"),
        ("float(10)", "pg_catalog.float4"),
        ("numeric(10, 2)[]", "pg_catalog.numeric(10, 2)[]"),
        ("char", "pg_catalog.bpchar(1)"),
        ("\"char\"", "\"char\""),
        ("varchar", "pg_catalog.varchar"),
        ("timestamp(3) with time zone", "pg_catalog.timestamptz(3)"),
        ("interval day to second(3)", "pg_catalog.interval(7176, 3)"),
        ("s.t", "s.t"),
    ] {
        match parse_type_name(sql) {
            Ok(data_type) => {
                assert_eq!(data_type.to_string().replace(",", ", ").replace(",  ", ", "), expected, "{sql}")
            }
            Err(error) => panic!("{sql}: {error:?}"),
        }
    }
}

/// The first output column of a query.
fn first_target(statement: &ParsedStatement) -> &Expr {
    let Statement::Sql(sql) = &statement.statement else { panic!("no query") };
    let AstStatement::Query(query) = &**sql else { panic!("no query") };
    let SetExpr::Select(select) = query.body.as_ref() else { panic!("no select") };
    match &select.projection[0] {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => expr,
        other => panic!("{other}"),
    }
}

#[test]
fn positions_are_characters_in_the_query_string() {
    for (sql, node, leftmost) in [
        ("select é + x", Some(10), Some(8)),
        ("select 'é' || b", Some(12), Some(8)),
        ("select (a).b = 1", Some(14), Some(9)),
        ("select f(x)", Some(8), Some(8)),
        ("select a::int", Some(9), Some(8)),
        ("select cast(a as int)", Some(8), Some(8)),
        ("select not a", Some(8), Some(8)),
        ("select a in (1)", Some(10), Some(8)),
        ("select a between 1 and 2", Some(10), Some(8)),
        ("select -x", Some(8), Some(8)),
        ("select -1", Some(8), Some(8)),
        ("select $1", Some(8), Some(8)),
        ("select a.b", Some(8), Some(8)),
    ] {
        let statements = parsed(sql);
        let expr = first_target(&statements[0]);
        let locations = &statements[0].locations;
        assert_eq!((locations.node(expr), locations.leftmost(expr)), (node, leftmost), "{sql}");
    }
}

#[test]
fn lifted_constants_are_placeholders_where_they_are_operands() {
    for (sql, liftable) in [
        ("select a from t where b = 1 and c in (2, 'x')", true),
        ("select a from t where b = -1 order by 1 limit 5", true),
        ("insert into t values (1, 'a') on conflict (b) do update set c = 2", true),
        ("insert into t values (1) on conflict ((a + 1)) do nothing", false),
        ("select numeric(5,2) '1', a from t", false),
        ("select current_timestamp(3)", false),
        ("select a from f() t(a varchar(3))", false),
        ("select a from t order by (1)", true),
        ("select from t where 1 = 2 foo", false),
    ] {
        let mut lifted = Lifted::default();
        assert!(lifted.read(sql), "{sql}");
        let statement = parse_lifted(sql, &Limits::default(), &lifted);
        assert_eq!(statement.is_some(), liftable, "{sql}");
        if let Some(ParsedStatement { statement: Statement::Sql(tree), .. }) = statement {
            let text = tree.to_string();
            assert!((0..lifted.literals.len()).all(|index| text.contains(&format!("#{index}"))), "{text}");
        }
    }
}

#[test]
fn statements_know_their_text() {
    let sql = " select 1 ;; select 'é' ; -- end";
    let texts: Vec<&str> = parsed(sql).iter().map(|statement| &sql[statement.text.clone()]).collect();
    assert_eq!(texts, ["select 1", "select 'é'"]);
}

#[test]
fn long_names_are_cut_with_a_notice() {
    let statements = parsed(&format!("select {}", "ä".repeat(40)));
    assert_eq!(first_target(&statements[0]).to_string().len(), 62);
    assert!(statements[0].notices[0].message().starts_with("identifier \"ä"));
}

/// Repeats a text around a middle.
fn nested(open: &str, middle: &str, close: &str, times: usize) -> String {
    format!("select {}{middle}{}", open.repeat(times), close.repeat(times))
}

#[test]
fn depth_ends_in_an_error_never_in_an_overflow() {
    for (open, close) in
        [("(", ")"), ("abs(", ")"), ("not ", ""), ("- ", ""), ("(select ", ")"), ("case when true then ", " end")]
    {
        let sql = nested(open, "1", close, 100_000);
        let Err(error) = parse(&sql, &Limits::default()) else { panic!("{open} accepted") };
        assert_eq!(error.code().as_str(), "54001", "{open}");
        assert!(error.fields().hint.as_deref().is_some_and(|hint| hint.contains("max_stack_depth")));
        parsed(&nested(open, "1", close, 900));
    }
    let from = format!("select * from {}t{}", "(".repeat(100_000), ")".repeat(100_000));
    assert!(parse(&from, &Limits::default()).is_err());
}

#[test]
fn long_chains_are_read_and_dropped() {
    for operator in [" and ", " or "] {
        let statements = parsed(&format!("select {}", vec!["a = 1"; 100_000].join(operator)));
        let Expr::BinaryOp { op, .. } = first_target(&statements[0]) else { panic!("no chain") };
        assert!(matches!(op, BinaryOperator::And | BinaryOperator::Or));
    }
    parsed(&format!("select {}", vec!["'a'"; 3_900].join(" || ")));
    // Parentheses that mean nothing take no level; in texts that are kept they mean something.
    let nested_chain = format!("select {}a = 1{}", "(".repeat(3_900), " or a = 1)".repeat(3_900));
    assert!(parse(&nested_chain, &Limits { flattens: true, ..Limits::default() }).is_ok());
    assert!(parse(&nested_chain, &Limits::default()).is_err());
    parsed(&nested("(", "1", ")", 9_800));
    parsed(&nested("abs(", "1", ")", 3_900));
    parsed(&vec!["select 1"; 3_900].join(" union all "));
    parsed(&format!("select 1 in ({})", vec!["1"; 100_000].join(", ")));
    let Err(error) = parse(&format!("select {}", vec!["1"; 100_000].join(" + ")), &Limits::default()) else {
        panic!("accepted")
    };
    assert_eq!(error.code().as_str(), "54001");
}

#[test]
fn size_is_limited() {
    let limits = Limits { text_bytes: 10, ..Limits::default() };
    assert_eq!(
        parse("select 1, 2", &limits).map_err(|error| error.code().as_str().to_owned()).err().as_deref(),
        Some("54000")
    );
    let limits = Limits { expressions: 10, ..Limits::default() };
    assert!(parse("values (1, 2, 3, 4), (5, 6, 7, 8), (9, 10, 11, 12)", &limits).is_err());
}

#[test]
fn strings_are_decoded() {
    for (sql, expected) in [
        ("'a''b'", "a'b"),
        ("'a' \n -- it's\n 'b'", "ab"),
        (r"E'a\n\t\\\'\x41\101\u00e9\U0001F600'", "a\n\t\\'AAé😀"),
        (r"E'\q\xg'", "qxg"),
        (r"E'\uD83D\uDE00'", "😀"),
        (r"U&'d\0061t\+01F600'", "dat😀"),
        ("U&'d!0061t!!' uescape '!'", "dat!"),
        ("$x$a$$b'$x$", "a$$b'"),
    ] {
        let expr = match parse_expression(sql) {
            Ok(expr) => expr,
            Err(error) => panic!("{sql}: {error:?}"),
        };
        let Expr::Value(literal) = &*expr else { panic!("{sql}") };
        assert_eq!(literal.value.clone().into_string().as_deref(), Some(expected), "{sql}");
    }
}
