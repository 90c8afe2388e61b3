//! Aggregates that fold values with an associative operator: `bool_and`, `bit_or` and their kin.

use dictdb_types::{Datum, Error, Result, SqlState, oids};

use super::{Accumulator, Entry, arg, mismatch, size_of_datum};
use crate::CallContext;

pub(super) const AGGREGATES: &[Entry] = &[
    ("collation_first", &[], || Box::new(First(None))),
    ("bool_and", &[oids::BOOL], || Box::new(Truths { all: true, ..Truths::default() })),
    ("every", &[oids::BOOL], || Box::new(Truths { all: true, ..Truths::default() })),
    ("bool_or", &[oids::BOOL], || Box::new(Truths::default())),
    ("bit_and", &[oids::INT2], || Box::new(Bits::new(Op::And))),
    ("bit_and", &[oids::INT4], || Box::new(Bits::new(Op::And))),
    ("bit_and", &[oids::INT8], || Box::new(Bits::new(Op::And))),
    ("bit_and", &[oids::BIT], || Box::new(Bits::new(Op::And))),
    ("bit_or", &[oids::INT2], || Box::new(Bits::new(Op::Or))),
    ("bit_or", &[oids::INT4], || Box::new(Bits::new(Op::Or))),
    ("bit_or", &[oids::INT8], || Box::new(Bits::new(Op::Or))),
    ("bit_or", &[oids::BIT], || Box::new(Bits::new(Op::Or))),
    ("bit_xor", &[oids::INT2], || Box::new(Bits::new(Op::Xor))),
    ("bit_xor", &[oids::INT4], || Box::new(Bits::new(Op::Xor))),
    ("bit_xor", &[oids::INT8], || Box::new(Bits::new(Op::Xor))),
    ("bit_xor", &[oids::BIT], || Box::new(Bits::new(Op::Xor))),
];

/// The first value of a group, NULL too: what stands for texts that a collation takes for equal. It is in no catalog.
struct First(Option<Datum>);

impl Accumulator for First {
    fn update(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        self.0.get_or_insert_with(|| arg(args, 0).clone());
        Ok(())
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        Ok(self.0.clone().unwrap_or(Datum::Null))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.0.as_ref().map_or(0, size_of_datum)
    }
}

/// Counts of true and false: what a moving frame can take back.
#[derive(Default)]
struct Truths {
    all: bool,
    yes: i64,
    no: i64,
}

impl Truths {
    fn add(&mut self, value: &Datum, by: i64) -> Result<()> {
        match value {
            Datum::Null => {}
            Datum::Bool(true) => self.yes += by,
            Datum::Bool(false) => self.no += by,
            other => return Err(mismatch(other)),
        }
        Ok(())
    }
}

impl Accumulator for Truths {
    fn update(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        self.add(arg(args, 0), 1)
    }

    fn retract(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<bool> {
        self.add(arg(args, 0), -1)?;
        Ok(true)
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        if self.yes + self.no == 0 {
            return Ok(Datum::Null);
        }
        Ok(Datum::Bool(if self.all { self.no == 0 } else { self.yes > 0 }))
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

#[derive(Clone, Copy)]
enum Op {
    And,
    Or,
    Xor,
}

struct Bits {
    op: Op,
    value: Datum,
}

impl Bits {
    fn new(op: Op) -> Self {
        Bits { op, value: Datum::Null }
    }

    fn apply(&self, a: i64, b: i64) -> i64 {
        match self.op {
            Op::And => a & b,
            Op::Or => a | b,
            Op::Xor => a ^ b,
        }
    }

    fn strings(&self, a: &str, b: &str) -> Result<Datum> {
        if a.len() != b.len() {
            let name = match self.op {
                Op::And => "AND",
                Op::Or => "OR",
                Op::Xor => "XOR",
            };
            let message = format!("cannot {name} bit strings of different sizes");
            return Err(Error::new(SqlState::STRING_DATA_LENGTH_MISMATCH, message));
        }
        let bit = |(a, b): (u8, u8)| char::from(b'0' + self.apply((a & 1).into(), (b & 1).into()) as u8);
        Ok(Datum::Text(a.bytes().zip(b.bytes()).map(bit).collect::<String>().into()))
    }
}

impl Accumulator for Bits {
    fn update(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        self.value = match (&self.value, arg(args, 0)) {
            (_, Datum::Null) => return Ok(()),
            (Datum::Null, value) => value.clone(),
            (Datum::Int2(a), Datum::Int2(b)) => Datum::Int2(self.apply((*a).into(), (*b).into()) as i16),
            (Datum::Int4(a), Datum::Int4(b)) => Datum::Int4(self.apply((*a).into(), (*b).into()) as i32),
            (Datum::Int8(a), Datum::Int8(b)) => Datum::Int8(self.apply(*a, *b)),
            (Datum::Text(a), Datum::Text(b)) => self.strings(a, b)?,
            (_, other) => return Err(mismatch(other)),
        };
        Ok(())
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of::<Self>() + size_of_datum(&self.value)
    }
}
