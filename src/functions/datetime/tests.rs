//! Runs `testdata/*.txt`, whose answers are PostgreSQL's (`src/types/datetime/testdata/rewrite.sql` makes them).

use dictdb_types::{Datum, Oid, Type, oids, text};

use crate::CallContext;
use crate::evaluate::{TestEnv, answer, run};
use crate::set_returning::set_returning;

#[test]
fn operators() {
    run(include_str!("testdata/operators.txt"));
}

#[test]
fn fields() {
    run(include_str!("testdata/fields.txt"));
}

#[test]
fn functions() {
    run(include_str!("testdata/functions.txt"));
}

/// The rows of a set-returning function as text.
fn rows(env: &TestEnv, prosrc: &str, result: Oid, args: &[Datum]) -> Vec<String> {
    let types = [Type::new(result), Type::new(result), Type::new(oids::INTERVAL)];
    let cx = CallContext::new(env, &types, Type::new(result));
    let rows = set_returning(prosrc).expect("a function")(&cx, args).expect("rows");
    rows.take(10)
        .map(|row| match row {
            Ok(datum) => {
                let mut out = String::new();
                text::output(&datum, result, env, &mut out).expect("text");
                out
            }
            Err(error) => error.message().to_owned(),
        })
        .collect()
}

#[test]
fn series_step_on_the_clock_of_their_zone() {
    let mut env = TestEnv::default();
    env.set("timezone = 'America/New_York'");
    let read = |ty, literal: &str| text::input(literal, Type::new(ty), &env).expect("a literal");
    let zoned = |literal| read(oids::TIMESTAMPTZ, literal);
    let day = read(oids::INTERVAL, "1 day");
    let args = [zoned("2024-03-09 12:00"), zoned("2024-03-11 12:00"), day.clone()];
    assert_eq!(
        rows(&env, "generate_series_timestamptz", oids::TIMESTAMPTZ, &args),
        ["2024-03-09 12:00:00-05", "2024-03-10 12:00:00-04", "2024-03-11 12:00:00-04"]
    );
    let local = |literal| read(oids::TIMESTAMP, literal);
    let back = [local("2024-03-09"), local("2024-01-01"), read(oids::INTERVAL, "-1 mon")];
    assert_eq!(
        rows(&env, "generate_series_timestamp", oids::TIMESTAMP, &back),
        ["2024-03-09 00:00:00", "2024-02-09 00:00:00", "2024-01-09 00:00:00"]
    );
    let none = [local("2024-03-09"), local("2024-01-01"), day];
    assert!(rows(&env, "generate_series_timestamp", oids::TIMESTAMP, &none).is_empty());
}

#[test]
fn time_zone_sets_have_the_columns_of_their_views() {
    // 2024-07-01.
    let env = TestEnv::at(1_719_792_000_000_000);
    let cx = CallContext::new(&env, &[], Type::new(oids::RECORD));
    let row_of = |prosrc: &str, name: &str| {
        let mut rows = set_returning(prosrc).expect("a function")(&cx, &[]).expect("rows");
        rows.find_map(|row| match row {
            Ok(Datum::Record(record)) if matches!(&record.fields[0], Datum::Text(n) if &**n == name) => {
                Some(format!("{:?}", record.fields))
            }
            _ => None,
        })
    };
    let names = row_of("pg_timezone_names", "America/New_York").expect("a zone");
    assert!(names.contains("\"EDT\"") && names.contains("-14400000000") && names.contains("Bool(true)"), "{names}");
    let abbreviations = row_of("pg_timezone_abbrevs", "MSK").expect("an abbreviation");
    assert!(abbreviations.contains("10800000000") && abbreviations.contains("Bool(false)"), "{abbreviations}");
}

#[test]
fn the_clock_of_the_transaction() {
    // 2024-03-01 03:30:00.256 UTC.
    let mut env = TestEnv::at(1_709_263_800_256_000);
    env.set("timezone = 'America/New_York'");
    let cases = [
        ("now()", "2024-02-29 22:30:00.256-05"),
        ("statement_timestamp()", "2024-02-29 22:30:00.256-05"),
        ("now()::date", "2024-02-29"),
        ("now()::timetz", "22:30:00.256-05"),
        ("now()::time(1)", "22:30:00.3"),
        ("now()::timestamp(2)", "2024-02-29 22:30:00.26"),
        ("age(timestamp '2023-02-28')", "1 year 1 day"),
        ("clock_timestamp() > now()", "true"),
    ];
    for (expression, expected) in cases {
        assert_eq!(answer(&env, expression), expected, "{expression}");
    }
    let time_of_day = answer(&env, "timeofday()");
    assert!(time_of_day.ends_with(" EST") || time_of_day.ends_with(" EDT"), "{time_of_day}");
}
