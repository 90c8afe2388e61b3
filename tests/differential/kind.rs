//! The types of columns and expressions, with values few enough to meet each other. No two values of a type are equal and look
//! different (as `1.0` and `1.00` do): which of them a group shows would be up to the server.

use super::phrase::Constant;
use crate::random::Random;

/// A type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `int`
    Int,
    /// `bigint`
    Big,
    /// `numeric`, always with two digits behind the point
    Numeric,
    /// `text`
    Text,
    /// `date`
    Date,
    /// `timestamptz`
    Moment,
    /// `boolean`
    Bool,
    /// `float8`
    Float,
    /// `jsonb`
    Json,
    /// `int[]`
    Ints,
    /// `text[]`
    Texts,
    /// `mood`, an enum
    Mood,
    /// `smallint`
    Small,
    /// `char(5)`
    Char,
    /// `interval`, in days and less
    Interval,
    /// `int4range`
    Range,
    /// `bytea`
    Bytes,
    /// `timestamp`
    Stamp,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 18] = [
        Kind::Int,
        Kind::Big,
        Kind::Numeric,
        Kind::Text,
        Kind::Date,
        Kind::Moment,
        Kind::Bool,
        Kind::Float,
        Kind::Json,
        Kind::Ints,
        Kind::Texts,
        Kind::Mood,
        Kind::Small,
        Kind::Char,
        Kind::Interval,
        Kind::Range,
        Kind::Bytes,
        Kind::Stamp,
    ];

    /// The enum's labels, in order.
    pub const MOODS: [&str; 4] = ["sad", "ok", "happy", "Über"];

    /// Its name in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Int => "int",
            Kind::Big => "bigint",
            Kind::Numeric => "numeric",
            Kind::Text => "text",
            Kind::Date => "date",
            Kind::Moment => "timestamptz",
            Kind::Bool => "boolean",
            Kind::Float => "float8",
            Kind::Json => "jsonb",
            Kind::Ints => "int[]",
            Kind::Texts => "text[]",
            Kind::Mood => "mood",
            Kind::Small => "smallint",
            Kind::Char => "char(5)",
            Kind::Interval => "interval",
            Kind::Range => "int4range",
            Kind::Bytes => "bytea",
            Kind::Stamp => "timestamp",
        }
    }

    /// The type of a column that holds it.
    pub fn column_type(self) -> &'static str {
        if self == Kind::Numeric { "numeric(10,2)" } else { self.name() }
    }

    /// Its oid; zero for the enum, which has another one on each server.
    pub fn oid(self) -> u32 {
        match self {
            Kind::Int => 23,
            Kind::Big => 20,
            Kind::Numeric => 1700,
            Kind::Text => 25,
            Kind::Date => 1082,
            Kind::Moment => 1184,
            Kind::Bool => 16,
            Kind::Float => 701,
            Kind::Json => 3802,
            Kind::Ints => 1007,
            Kind::Texts => 1009,
            Kind::Mood => 0,
            Kind::Small => 21,
            Kind::Char => 1042,
            Kind::Interval => 1186,
            Kind::Range => 3904,
            Kind::Bytes => 17,
            Kind::Stamp => 1114,
        }
    }

    /// How columns of it are called, before a number.
    pub fn letter(self) -> char {
        match self {
            Kind::Int => 'i',
            Kind::Big => 'g',
            Kind::Numeric => 'n',
            Kind::Text => 't',
            Kind::Date => 'd',
            Kind::Moment => 'm',
            Kind::Bool => 'b',
            Kind::Float => 'f',
            Kind::Json => 'j',
            Kind::Ints => 'a',
            Kind::Texts => 'x',
            Kind::Mood => 'e',
            Kind::Small => 's',
            Kind::Char => 'c',
            Kind::Interval => 'v',
            Kind::Range => 'r',
            Kind::Bytes => 'y',
            Kind::Stamp => 'p',
        }
    }

    /// A value as its text form.
    pub fn sample(self, random: &mut Random) -> String {
        const TEXTS: [&str; 14] = ["", "a", "b", "ab", "abc", "B", "x y", "é", "a_b", "100%", "b", "a", "ba", "O'Neil"];
        const JSONS: [&str; 12] = [
            r#"{"a": 1, "b": "x"}"#,
            r#"{"a": null}"#,
            "[1, 2, 3]",
            "[]",
            r#""x""#,
            "7",
            "null",
            r#"{"a": {"b": [1, {"c": 2}]}}"#,
            r#"{"b": 2, "k": "ab"}"#,
            "true",
            r#"["a", null, {"a": 1}]"#,
            "{}",
        ];
        match self {
            Kind::Int | Kind::Big | Kind::Small if random.chance(10) => random.between(-999, 999).to_string(),
            Kind::Int | Kind::Big | Kind::Small => random.between(-2, 9).to_string(),
            Kind::Numeric if random.chance(2) => "NaN".to_owned(),
            Kind::Numeric => {
                let quarters = random.between(-8, 40);
                let sign = if quarters < 0 { "-" } else { "" };
                format!("{sign}{}.{:02}", quarters.abs() / 4, quarters.abs() % 4 * 25)
            }
            Kind::Text => random.pick(&TEXTS).to_owned(),
            Kind::Date => format!("2024-0{}-{:02}", random.between(1, 3), random.between(1, 6) * 4),
            Kind::Moment => {
                let (day, hour) = (random.between(1, 6) * 4, random.between(0, 3) * 7);
                format!("2024-02-{day:02} {hour:02}:30:00+00")
            }
            Kind::Bool => random.pick(&["t", "f"]).to_owned(),
            Kind::Float => {
                random.pick(&["0", "1.5", "-2.25", "3", "1e+20", "NaN", "Infinity", "0.125", "7", "2"]).to_owned()
            }
            Kind::Json => random.pick(&JSONS).to_owned(),
            Kind::Ints => random.pick(&["{}", "{1}", "{1,2,3}", "{NULL,4}", "{5,5}", "{2,1}", "{9,8,7,6}"]).to_owned(),
            Kind::Texts => random.pick(&["{}", "{a}", "{a,b}", "{NULL,ab}", r#"{"x y",""}"#, "{b,a,b}"]).to_owned(),
            Kind::Mood => random.pick(&Kind::MOODS).to_owned(),
            Kind::Char => format!("{:5}", random.pick(&["", "a", "ab", "b", "B", "a b", "abcde", "é"])),
            Kind::Interval => random
                .pick(&["00:00:00", "1 day", "2 days 03:00:00", "-1 days", "00:30:00", "20 days", "-02:00:00"])
                .to_owned(),
            Kind::Range => {
                random.pick(&["empty", "[1,5)", "(,)", "[3,4)", "(,7)", "[5,9)", "[2,)", "[0,3)", "[1,5)"]).to_owned()
            }
            Kind::Bytes => random.pick(&["\\x", "\\x00", "\\x61", "\\x6162", "\\xff", "\\xdeadbeef"]).to_owned(),
            Kind::Stamp => {
                format!("2024-02-{:02} {:02}:30:00", random.between(1, 6) * 4, random.between(0, 3) * 7)
            }
        }
    }

    /// A value written in SQL so that its type is known.
    pub fn written(self, value: &str) -> String {
        let quoted = format!("'{}'", value.replace('\'', "''"));
        match self {
            Kind::Int if value.starts_with('-') => format!("({value})"),
            Kind::Int => value.to_owned(),
            Kind::Numeric if value != "NaN" && !value.starts_with('-') => value.to_owned(),
            Kind::Bool => if value == "t" { "true" } else { "false" }.to_owned(),
            Kind::Date => format!("date {quoted}"),
            _ => format!("{quoted}::{}", self.name()),
        }
    }

    /// A constant.
    pub fn constant(self, random: &mut Random, number: u32) -> Constant {
        let value = self.sample(random);
        Constant { number, kind: self, sql: self.written(&value), value }
    }
}
