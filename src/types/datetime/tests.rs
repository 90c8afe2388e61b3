//! Runs `testdata/*.txt`: each case is a typed literal with PostgreSQL's answer to it. `testdata/rewrite.sql` makes the
//! answers; every wrong case is reported at once.

use std::any::Any;
use std::sync::Arc;

use super::interval_typmod::{self, DAY, HOUR, MINUTE, MONTH, SECOND, YEAR};
use super::*;
use crate::env::BareEnv;
use crate::{Datum, Env, Error, FormatSettings, Oid, RegKind, Result, TypeInfo, TypeLookup};

/// An environment whose settings and clock a test chooses.
#[derive(Default)]
struct TestEnv {
    bare: BareEnv,
    format: FormatSettings,
    now: i64,
}

impl TypeLookup for TestEnv {
    fn type_info(&self, oid: Oid) -> Option<Arc<TypeInfo>> {
        self.bare.type_info(oid)
    }
}

impl Env for TestEnv {
    fn format(&self) -> &FormatSettings {
        &self.format
    }

    fn transaction_timestamp(&self) -> i64 {
        self.now
    }

    fn statement_timestamp(&self) -> i64 {
        self.now
    }

    fn reg_in(&self, kind: RegKind, text: &str) -> Result<Oid> {
        self.bare.reg_in(kind, text)
    }

    fn reg_out(&self, kind: RegKind, oid: Oid) -> String {
        self.bare.reg_out(kind, oid)
    }

    fn check_domain(&self, domain: Oid, value: &Datum) -> Result<()> {
        self.bare.check_domain(domain, value)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl TestEnv {
    /// Executes `set name = 'value'`.
    fn set(&mut self, statement: &str) {
        let (name, value) = statement.split_once(" = ").expect("set name = 'value'");
        let value = value.trim_matches('\'');
        match name {
            "timezone" => self.format.time_zone = zone::from_setting(value).expect("a zone").0,
            "intervalstyle" => self.format.interval_style = parse_interval_style(value).expect("a style"),
            "datestyle" => {
                let current = (self.format.date_style, self.format.date_order);
                (self.format.date_style, self.format.date_order) =
                    parse_date_style(value, current, Default::default()).expect("a style");
            }
            _ => panic!("setting {name}"),
        }
    }

    /// The text of a literal `type[(precision)] 'text' [fields]` as PostgreSQL prints it back.
    fn round_trip(&self, literal: &str) -> Result<String> {
        let (ty, rest) = literal.split_once(" '").expect("type 'text'");
        let (text, fields) = rest.rsplit_once('\'').expect("type 'text'");
        let (ty, precision) = match ty.split_once('(') {
            Some((ty, digits)) => (ty, digits.trim_end_matches(')').parse().expect("precision")),
            None => (ty, -1),
        };
        let mut out = String::new();
        match ty {
            "date" => write_date(input_date(text, self)?, &self.format, &mut out)?,
            "time" => write_time(input_time(text, precision, self)?, &self.format, &mut out)?,
            "timetz" => {
                let (micros, west) = input_timetz(text, precision, self)?;
                write_timetz(micros, west, &self.format, &mut out)?;
            }
            "timestamp" => write_timestamp(input_timestamp(text, precision, self)?, &self.format, &mut out)?,
            "timestamptz" => write_timestamptz(input_timestamptz(text, precision, self)?, &self.format, &mut out)?,
            "interval" => {
                let interval = input_interval(text, interval_modifier(fields.trim(), precision), self)?;
                write_interval(&interval, &self.format, &mut out)?;
            }
            _ => panic!("type {ty}"),
        }
        Ok(out)
    }
}

/// The modifier of `interval(precision)` or of `interval day to second(precision)`.
fn interval_modifier(fields: &str, precision: i32) -> i32 {
    const NAMES: [(&str, i32); 6] =
        [("year", YEAR), ("month", MONTH), ("day", DAY), ("hour", HOUR), ("minute", MINUTE), ("second", SECOND)];
    let (fields, precision) = match fields.split_once('(') {
        Some((fields, digits)) => (fields, digits.trim_end_matches(')').parse().expect("precision")),
        None => (fields, precision),
    };
    let precision = if precision < 0 { interval_typmod::FULL_PRECISION } else { precision };
    let position = |name: &str| NAMES.iter().position(|(n, _)| *n == name).expect("a field");
    match fields.split_once(" to ") {
        None if fields.is_empty() && precision == interval_typmod::FULL_PRECISION => -1,
        None if fields.is_empty() => interval_typmod::pack(precision, interval_typmod::FULL_RANGE),
        None => interval_typmod::pack(precision, NAMES[position(fields)].1),
        Some((first, last)) => {
            let range = NAMES[position(first)..=position(last)].iter().map(|(_, bit)| bit).sum();
            interval_typmod::pack(precision, range)
        }
    }
}

fn describe(result: Result<String, Error>) -> String {
    match result {
        Ok(text) => text,
        Err(error) => {
            let hint = error.fields().hint.as_ref().map_or(String::new(), |hint| format!(" HINT {hint}"));
            format!("ERROR {} {}{hint}", error.code(), error.message())
        }
    }
}

/// Runs a file and panics with every case that differs.
fn run(cases: &str) {
    let mut env = TestEnv::default();
    let mut wrong = String::new();
    for line in cases.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(statement) = line.strip_prefix("set ") {
            env.set(statement);
            continue;
        }
        let (literal, expected) = line.split_once(" => ").expect("literal => answer");
        let answer = describe(env.round_trip(literal));
        if answer != expected {
            wrong.push_str(&format!("{literal}\n  PostgreSQL {expected}\n  here       {answer}\n"));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn dates() {
    run(include_str!("testdata/date.txt"));
}

#[test]
fn times() {
    run(include_str!("testdata/time.txt"));
}

#[test]
fn timestamps() {
    run(include_str!("testdata/timestamp.txt"));
}

#[test]
fn intervals() {
    run(include_str!("testdata/interval.txt"));
}

#[test]
fn words_of_the_clock_use_the_transaction_and_the_session_zone() {
    // 2024-03-01 03:30:00.25 UTC is still 29 February in New York.
    let mut env = TestEnv { now: 1_709_263_800_250_000, ..TestEnv::default() };
    env.set("timezone = 'America/New_York'");
    let cases = [
        ("timestamptz 'now'", "2024-02-29 22:30:00.25-05"),
        ("timestamp 'now'", "2024-02-29 22:30:00.25"),
        ("date 'now'", "2024-02-29"),
        ("time 'now'", "22:30:00.25"),
        ("timetz 'now'", "22:30:00.25-05"),
        ("timestamp 'today'", "2024-02-29 00:00:00"),
        ("timestamp 'tomorrow 12:00'", "2024-03-01 12:00:00"),
        ("timestamptz 'yesterday 12:00 UTC'", "2024-02-28 07:00:00-05"),
        ("timetz '12:00'", "12:00:00-05"),
        ("timetz '12:00 MSK'", "12:00:00+03"),
    ];
    for (literal, expected) in cases {
        assert_eq!(describe(env.round_trip(literal)), expected, "{literal}");
    }
}
