//! `sum` and `avg`, with PostgreSQL's result types: whole numbers add up exactly, floats as floats.

use dictdb_types::{Datum, Interval, Numeric, Result, oids};

use super::{Accumulator, Entry, arg, mismatch};
use crate::CallContext;
use crate::scalar::float::checked_sum;
use crate::scalar::integer::in_range;
use crate::scalar::money;

pub(super) const AGGREGATES: &[Entry] = &[
    ("sum", &[oids::INT2], || Box::new(Whole { result: WholeResult::Bigint, ..Whole::default() })),
    ("sum", &[oids::INT4], || Box::new(Whole { result: WholeResult::Bigint, ..Whole::default() })),
    ("sum", &[oids::MONEY], || Box::new(Money::default())),
    ("sum", &[oids::INT8], || Box::new(Whole { result: WholeResult::Numeric, ..Whole::default() })),
    ("avg", &[oids::INT2], || Box::new(Whole { result: WholeResult::Average, ..Whole::default() })),
    ("avg", &[oids::INT4], || Box::new(Whole { result: WholeResult::Average, ..Whole::default() })),
    ("avg", &[oids::INT8], || Box::new(Whole { result: WholeResult::Average, ..Whole::default() })),
    ("sum", &[oids::FLOAT4], || Box::new(FloatSum::default())),
    ("sum", &[oids::FLOAT8], || Box::new(FloatSum::default())),
    ("sum", &[oids::NUMERIC], || Box::new(Decimal::default())),
    ("avg", &[oids::NUMERIC], || Box::new(Decimal { average: true, ..Decimal::default() })),
    ("sum", &[oids::INTERVAL], || Box::new(Intervals::default())),
    ("avg", &[oids::INTERVAL], || Box::new(Intervals { average: true, ..Intervals::default() })),
];

#[derive(Clone, Copy, Default)]
enum WholeResult {
    #[default]
    Bigint,
    Numeric,
    Average,
}

/// Integers of any width, which cannot overflow 128 bits.
#[derive(Default)]
struct Whole {
    result: WholeResult,
    count: i64,
    sum: i128,
}

impl Whole {
    fn add(&mut self, value: &Datum, sign: i64) -> Result<()> {
        let value = match value {
            Datum::Null => return Ok(()),
            Datum::Int2(value) => i128::from(*value),
            Datum::Int4(value) => i128::from(*value),
            Datum::Int8(value) => i128::from(*value),
            other => return Err(mismatch(other)),
        };
        self.count += sign;
        self.sum += value * i128::from(sign);
        Ok(())
    }
}

impl Accumulator for Whole {
    fn update(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        self.add(arg(args, 0), 1)
    }

    fn retract(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<bool> {
        self.add(arg(args, 0), -1)?;
        Ok(true)
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        if self.count == 0 {
            return Ok(Datum::Null);
        }
        let sum = Numeric::from(self.sum);
        Ok(match self.result {
            WholeResult::Bigint => Datum::Int8(in_range(i64::try_from(self.sum).ok())?),
            WholeResult::Numeric => Datum::Numeric(sum),
            WholeResult::Average => Datum::Numeric(sum.div(&Numeric::from(self.count))?),
        })
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

/// Amounts of money, whose sum must be one after every row.
#[derive(Default)]
struct Money {
    count: i64,
    cents: i64,
}

impl Money {
    fn add(&mut self, value: &Datum, sign: i64, sum: impl Fn(i64, i64) -> Option<i64>) -> Result<()> {
        let value = match value {
            Datum::Null => return Ok(()),
            Datum::Int8(value) => *value,
            other => return Err(mismatch(other)),
        };
        self.count += sign;
        self.cents = if self.count == 0 { 0 } else { money::in_range(sum(self.cents, value))? };
        Ok(())
    }
}

impl Accumulator for Money {
    fn update(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        self.add(arg(args, 0), 1, i64::checked_add)
    }

    fn retract(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<bool> {
        self.add(arg(args, 0), -1, i64::checked_sub)?;
        Ok(true)
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        Ok(if self.count == 0 { Datum::Null } else { Datum::Int8(self.cents) })
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

/// Floats are summed in their own width. There is no way back from rounding, so rows are never retracted.
#[derive(Default)]
struct FloatSum(Running);

#[derive(Default)]
enum Running {
    #[default]
    None,
    Single(f32),
    Double(f64),
}

impl Accumulator for FloatSum {
    fn update(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        self.0 = match (&self.0, arg(args, 0)) {
            (_, Datum::Null) => return Ok(()),
            (Running::Single(sum), Datum::Float4(value)) => Running::Single(checked_sum(sum + value, *sum, *value)?),
            (Running::Double(sum), Datum::Float8(value)) => Running::Double(checked_sum(sum + value, *sum, *value)?),
            (_, Datum::Float4(value)) => Running::Single(*value),
            (_, Datum::Float8(value)) => Running::Double(*value),
            (_, other) => return Err(mismatch(other)),
        };
        Ok(())
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        Ok(match self.0 {
            Running::None => Datum::Null,
            Running::Single(sum) => Datum::Float4(sum),
            Running::Double(sum) => Datum::Float8(sum),
        })
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

/// `numeric`. The result's scale is the largest among the rows, so only a row of a smaller scale, or one of several
/// with the largest, can be taken back.
#[derive(Default)]
struct Decimal {
    average: bool,
    count: i64,
    sum: Option<Numeric>,
    /// How many rows have the sum's scale.
    of_largest_scale: i64,
    /// Whether NaN or an infinity is in the sum, which nothing takes out again.
    special: bool,
}

impl Accumulator for Decimal {
    fn update(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        let value = match arg(args, 0) {
            Datum::Null => return Ok(()),
            Datum::Numeric(value) => value,
            other => return Err(mismatch(other)),
        };
        self.special |= !value.is_finite();
        let largest = self.sum.as_ref().and_then(Numeric::scale).unwrap_or(-1);
        match value.scale().unwrap_or(0).cmp(&largest) {
            std::cmp::Ordering::Greater => self.of_largest_scale = 1,
            std::cmp::Ordering::Equal => self.of_largest_scale += 1,
            std::cmp::Ordering::Less => {}
        }
        self.count += 1;
        self.sum = Some(match &self.sum {
            Some(sum) => sum.add(value)?,
            None => value.clone(),
        });
        Ok(())
    }

    fn retract(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<bool> {
        let (Some(sum), Datum::Numeric(value)) = (&self.sum, arg(args, 0)) else {
            return Ok(arg(args, 0).is_null());
        };
        let largest = value.scale() == sum.scale();
        if self.special || (largest && self.of_largest_scale <= 1) {
            return Ok(false);
        }
        self.sum = Some(sum.sub(value)?);
        self.count -= 1;
        self.of_largest_scale -= i64::from(largest);
        Ok(true)
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        match &self.sum {
            None => Ok(Datum::Null),
            Some(sum) if self.average => sum.div(&Numeric::from(self.count)).map(Datum::Numeric),
            Some(sum) => Ok(Datum::Numeric(sum.clone())),
        }
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

#[derive(Default)]
struct Intervals {
    average: bool,
    count: i64,
    sum: Interval,
}

impl Accumulator for Intervals {
    fn update(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        match arg(args, 0) {
            Datum::Null => return Ok(()),
            Datum::Interval(value) => self.sum = self.sum.plus(value)?,
            other => return Err(mismatch(other)),
        }
        self.count += 1;
        Ok(())
    }

    fn retract(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<bool> {
        if let Datum::Interval(value) = arg(args, 0) {
            self.sum = self.sum.minus(value)?;
            self.count -= 1;
        }
        Ok(true)
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        if self.count == 0 {
            return Ok(Datum::Null);
        }
        Ok(Datum::Interval(if self.average { self.sum.divided_by(self.count as f64)? } else { self.sum }))
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}
