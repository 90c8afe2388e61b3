//! Values for tests: groups in PostgreSQL's order, a bit of everything, and seeded random ones.

use std::sync::Arc;

use crate::{Array, Bound, Datum, Dimension, Interval, Jsonb, Numeric, Oid, Range, Record, oids};

/// A type, a value, and whether the value equals the one before.
pub type Sample = (Oid, Datum, bool);

/// A small xorshift generator, so that tests repeat.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A number of varying size, often small.
    pub fn integer(&mut self) -> i64 {
        let bits = self.below(64);
        (self.next() >> bits) as i64 * if self.below(2) == 0 { 1 } else { -1 }
    }

    pub fn numeric(&mut self) -> Numeric {
        let small = Numeric::new(self.integer(), self.below(12) as u16);
        match self.below(8) {
            0 => Numeric::new(self.below(20) as i64 * 10, self.below(4) as u16),
            1 => small.mul(&Numeric::new(self.integer(), self.below(20) as u16)).unwrap(),
            _ => small,
        }
    }

    fn text(&mut self) -> Datum {
        let len = self.below(6);
        Datum::text(
            (0..len).map(|_| [' ', '\u{1}', 'a', 'b', 'é', '\u{7f}'][self.below(6) as usize]).collect::<String>(),
        )
    }

    fn datum(&mut self, oid: Oid, depth: u32) -> Datum {
        match oid {
            oids::INT4 => Datum::Int4(self.integer() as i32),
            oids::INT8 => Datum::Int8(self.integer()),
            oids::FLOAT8 => Datum::Float8(f64::from_bits(self.next())),
            oids::NUMERIC => Datum::Numeric(self.numeric()),
            oids::INTERVAL => Datum::Interval(Interval {
                months: self.below(5) as i32 - 2,
                days: self.below(90) as i32 - 45,
                micros: self.integer(),
            }),
            oids::TIMETZ => Datum::TimeTz(self.below(86_400_000_000) as i64, self.below(50_000) as i32 - 25_000),
            oids::JSONB => Datum::Jsonb(Arc::new(self.json(depth))),
            oids::INT4RANGE => self.range(),
            oids::TEXT_ARRAY => {
                let len = self.below(4);
                let item = |r: &mut Self| if r.below(5) == 0 { Datum::Null } else { r.text() };
                Datum::Array(Arc::new(Array::vector(oids::TEXT, (0..len).map(|_| item(self)).collect())))
            }
            oids::RECORD => {
                let fields = vec![self.datum(oids::NUMERIC, 0), self.text(), Datum::Null];
                let types = vec![oids::NUMERIC, oids::BPCHAR, oids::INT4];
                Datum::Record(Arc::new(Record { ty: oids::RECORD, types, fields, names: None }))
            }
            _ => self.text(),
        }
    }

    fn range(&mut self) -> Datum {
        let mut bound = || match self.below(3) {
            0 => Bound::Unbounded,
            1 => Bound::Inclusive(Datum::Int4(self.below(4) as i32)),
            _ => Bound::Exclusive(Datum::Int4(self.below(4) as i32)),
        };
        let bounds = Some((bound(), bound())).filter(|_| self.below(9) > 0);
        Datum::Range(Arc::new(Range { ty: oids::INT4RANGE, bounds }))
    }

    fn json(&mut self, depth: u32) -> Jsonb {
        match self.below(if depth > 3 { 4 } else { 6 }) {
            0 => Jsonb::Null,
            1 => Jsonb::Bool(self.below(2) == 0),
            2 => Jsonb::Number(self.numeric()),
            3 => Jsonb::String(Arc::from(["", "a", "b", "ab"][self.below(4) as usize])),
            4 => Jsonb::Array((0..self.below(3)).map(|_| self.json(depth + 1)).collect()),
            _ => Jsonb::Object(
                ["a", "b", "aa"][..self.below(3) as usize]
                    .iter()
                    .map(|k| (Arc::from(*k), self.json(depth + 1)))
                    .collect(),
            ),
        }
    }

    /// Two values of one type.
    pub fn pair(&mut self) -> (Oid, Datum, Datum) {
        const TYPES: [Oid; 12] = [
            oids::INT4,
            oids::INT8,
            oids::FLOAT8,
            oids::NUMERIC,
            oids::INTERVAL,
            oids::TIMETZ,
            oids::JSONB,
            oids::INT4RANGE,
            oids::TEXT_ARRAY,
            oids::RECORD,
            oids::TEXT,
            oids::BPCHAR,
        ];
        let oid = TYPES[self.below(12) as usize];
        (oid, self.datum(oid, 0), self.datum(oid, 0))
    }
}

fn group<'a>(oid: Oid, values: impl IntoIterator<Item = (Datum, bool)> + 'a) -> Vec<Sample> {
    values.into_iter().map(|(value, equal)| (oid, value, equal)).chain([(oid, Datum::Null, false)]).collect()
}

fn rising(oid: Oid, values: Vec<Datum>) -> Vec<Sample> {
    group(oid, values.into_iter().map(|value| (value, false)))
}

fn number(text: &str) -> Datum {
    Datum::Numeric(Numeric::parse(text).unwrap())
}

fn interval(months: i32, days: i32, micros: i64) -> Datum {
    Datum::Interval(Interval { months, days, micros })
}

fn range(bounds: Option<(Bound, Bound)>) -> Datum {
    Datum::Range(Arc::new(Range { ty: oids::INT4RANGE, bounds }))
}

fn array(dims: &[(i32, i32)], items: &[Option<i32>]) -> Datum {
    Datum::Array(Arc::new(Array {
        element: oids::INT4,
        dims: dims.iter().map(|(len, lower)| Dimension { len: *len, lower: *lower }).collect(),
        items: items.iter().map(|item| item.map_or(Datum::Null, Datum::Int4)).collect(),
    }))
}

fn json(value: Jsonb) -> Datum {
    Datum::Jsonb(Arc::new(value))
}

/// Groups of values of one type in ascending order, NULL last.
pub fn ordered() -> Vec<Vec<Sample>> {
    use Bound::{Exclusive, Inclusive, Unbounded};
    let at = |n: i32| Datum::Int4(n);
    let string = |s: &str| Jsonb::String(Arc::from(s));
    let one = || Jsonb::Number(Numeric::new(1, 0));
    let object = |pairs: &[(&str, i64)]| {
        Jsonb::Object(pairs.iter().map(|(k, v)| (Arc::from(*k), Jsonb::Number(Numeric::new(*v, 0)))).collect())
    };
    let numbers = [
        ("-Infinity", false),
        ("-1e30", false),
        ("-12345678901234567890.5", false),
        ("-12.34", false),
        ("-12.3", false),
        ("-12.30", true),
        ("-0.001", false),
        ("0", false),
        ("0.000", true),
        ("1e-20", false),
        ("0.5", false),
        ("0.50", true),
        ("9", false),
        ("10", false),
        ("10.0", true),
        ("99.99", false),
        ("100", false),
        ("12345678901234567890", false),
        ("12345678901234567890.0", true),
        ("12345678901234567890.1", false),
        ("1e40", false),
        ("Infinity", false),
        ("NaN", false),
    ];
    let row = |a: i32, b: Option<i32>| {
        let fields = vec![Datum::Int4(a), b.map_or(Datum::Null, Datum::Int4)];
        Datum::Record(Arc::new(Record { ty: oids::RECORD, types: vec![oids::INT4; 2], fields, names: None }))
    };
    vec![
        rising(oids::BOOL, vec![Datum::Bool(false), Datum::Bool(true)]),
        rising(oids::INT2, [i16::MIN, -1, 0, 1, i16::MAX].map(Datum::Int2).to_vec()),
        rising(oids::INT4, [i32::MIN, -1, 0, 1, i32::MAX].map(Datum::Int4).to_vec()),
        rising(oids::INT8, [i64::MIN, -1, 0, 1, i64::MAX].map(Datum::Int8).to_vec()),
        rising(oids::XID8, [0, 1, i64::MAX, i64::MIN, -1].map(Datum::Int8).to_vec()),
        group(
            oids::FLOAT8,
            [
                (f64::NEG_INFINITY, false),
                (-1.5, false),
                (-0.0, false),
                (0.0, true),
                (1e-300, false),
                (2.0, false),
                (f64::INFINITY, false),
                (f64::NAN, false),
                (-f64::NAN, true),
            ]
            .map(|(v, equal)| (Datum::Float8(v), equal)),
        ),
        group(
            oids::FLOAT4,
            [(-1.5, false), (-0.0, false), (0.0, true), (1.5, false), (f32::NAN, false)]
                .map(|(v, equal)| (Datum::Float4(v), equal)),
        ),
        group(oids::NUMERIC, numbers.map(|(text, equal)| (number(text), equal))),
        rising(oids::TEXT, ["", "\u{1}", "A", "a", "a ", "aa", "b", "é"].map(Datum::text).to_vec()),
        group(
            oids::BPCHAR,
            [("", false), ("  ", true), ("a", false), ("a  ", true), ("b", false)]
                .map(|(text, equal)| (Datum::text(text), equal)),
        ),
        rising(oids::BYTEA, [&[][..], &[0], &[0, 0], &[0, 1], &[1], &[1, 0], &[2], &[255]].map(Datum::bytea).to_vec()),
        rising(oids::DATE, [i32::MIN, -1, 0, i32::MAX].map(Datum::Date).to_vec()),
        rising(oids::TIME, [0, 86_400_000_000].map(Datum::Time).to_vec()),
        rising(
            oids::TIMETZ,
            vec![
                Datum::TimeTz(3_600_000_000, -3600),
                Datum::TimeTz(0, 0),
                Datum::TimeTz(1, 0),
                Datum::TimeTz(3_600_000_000, 0),
            ],
        ),
        rising(oids::TIMESTAMPTZ, [i64::MIN, -1, 0, i64::MAX].map(Datum::Timestamp).to_vec()),
        group(
            oids::INTERVAL,
            [
                (interval(i32::MIN, i32::MIN, i64::MIN), false),
                (interval(0, -1, 0), false),
                (interval(0, 0, 0), false),
                (interval(0, 1, 0), false),
                (interval(0, 0, 86_400_000_000), true),
                (interval(0, 30, 0), false),
                (interval(1, 0, 0), true),
                (interval(1, 0, 1), false),
                (interval(i32::MAX, i32::MAX, i64::MAX), false),
            ],
        ),
        rising(oids::UUID, vec![Datum::Uuid([0; 16]), Datum::Uuid([1; 16]), Datum::Uuid([255; 16])]),
        rising(oids::OID, [0, 1, u32::MAX].map(Datum::Oid).to_vec()),
        rising(Oid(99_999), [0, 7, u32::MAX].map(Datum::Enum).to_vec()),
        rising(
            oids::INET,
            vec![
                Datum::bytea([2, 8, 10, 0, 0, 0]),
                Datum::bytea([2, 16, 10, 0, 0, 0]),
                Datum::bytea([2, 32, 10, 0, 0, 1]),
                Datum::bytea([2, 24, 10, 1, 0, 0]),
                Datum::bytea([2, 0, 255, 0, 0, 0]),
            ]
            .into_iter()
            .take(4)
            .collect(),
        ),
        rising(
            oids::INT4_ARRAY,
            vec![
                array(&[], &[]),
                array(&[(1, 1)], &[Some(1)]),
                array(&[(1, 2)], &[Some(1)]),
                array(&[(2, 1)], &[Some(1), Some(2)]),
                array(&[(1, 1), (2, 1)], &[Some(1), Some(2)]),
                array(&[(2, 1)], &[Some(1), None]),
                array(&[(1, 1)], &[Some(2)]),
                array(&[(1, 1)], &[None]),
            ],
        ),
        rising(oids::RECORD, vec![row(1, Some(5)), row(1, None), row(2, Some(0))]),
        rising(
            oids::INT4RANGE,
            vec![
                range(None),
                range(Some((Unbounded, Exclusive(at(3))))),
                range(Some((Unbounded, Unbounded))),
                range(Some((Inclusive(at(1)), Exclusive(at(2))))),
                range(Some((Inclusive(at(1)), Inclusive(at(2))))),
                range(Some((Inclusive(at(1)), Unbounded))),
                range(Some((Exclusive(at(1)), Exclusive(at(2))))),
            ],
        ),
        rising(
            oids::JSONB,
            vec![
                json(Jsonb::Array(vec![])),
                json(Jsonb::Null),
                json(string("")),
                json(string("a")),
                json(one()),
                json(Jsonb::Bool(false)),
                json(Jsonb::Bool(true)),
                json(Jsonb::Array(vec![Jsonb::Null])),
                json(Jsonb::Array(vec![Jsonb::Array(vec![])])),
                json(Jsonb::Array(vec![one(), one()])),
                json(object(&[])),
                json(object(&[("a", 1)])),
                json(object(&[("a", 2)])),
                json(object(&[("aa", 0)])),
                json(object(&[("b", 0)])),
                json(object(&[("a", 1), ("b", 2)])),
            ],
        ),
    ]
}

/// Every value of the groups, and nestings of them.
pub fn all() -> Vec<Datum> {
    let mut values: Vec<Datum> = ordered().into_iter().flatten().map(|(_, value, _)| value).collect();
    let items = vec![values[values.len() / 2].clone(), Datum::Null];
    let inner = Datum::Array(Arc::new(Array::vector(oids::NUMERIC, items)));
    let types = vec![oids::NUMERIC_ARRAY, oids::TEXT];
    values.push(Datum::Record(Arc::new(Record {
        ty: oids::RECORD,
        types,
        fields: vec![inner, Datum::text("é")],
        names: None,
    })));
    values
}
