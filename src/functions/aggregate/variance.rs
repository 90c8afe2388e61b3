//! `var_…`, `stddev_…`, and `avg` of floats.
//!
//! Whole numbers and `numeric` are exact: sums of values and squares, one division at the end with PostgreSQL's scale.
//! Floats use Youngs and Cramer's updating formula, so that the last digits are PostgreSQL's.

use dictdb_types::numeric::Moments;
use dictdb_types::{Datum, Numeric, Result, oids};

use super::{Accumulator, Entry, arg, mismatch};
use crate::CallContext;
use crate::scalar::float::overflow;

/// What is made of the sums.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Statistic {
    Average,
    VarianceOfPopulation,
    VarianceOfSample,
    DeviationOfPopulation,
    DeviationOfSample,
}

use Statistic::{Average, DeviationOfPopulation, DeviationOfSample, VarianceOfPopulation, VarianceOfSample};

impl Statistic {
    fn of_sample(self) -> bool {
        matches!(self, VarianceOfSample | DeviationOfSample)
    }

    fn is_deviation(self) -> bool {
        matches!(self, DeviationOfPopulation | DeviationOfSample)
    }
}

macro_rules! statistics {
    ($($name:literal $statistic:ident),* $(,)?) => {
        &[
            ("avg", &[oids::FLOAT4], || Box::new(Floats::new(Average))),
            ("avg", &[oids::FLOAT8], || Box::new(Floats::new(Average))),
            $(
                ($name, &[oids::INT2], || Box::new(Exact::new($statistic))),
                ($name, &[oids::INT4], || Box::new(Exact::new($statistic))),
                ($name, &[oids::INT8], || Box::new(Exact::new($statistic))),
                ($name, &[oids::NUMERIC], || Box::new(Exact::new($statistic))),
                ($name, &[oids::FLOAT4], || Box::new(Floats::new($statistic))),
                ($name, &[oids::FLOAT8], || Box::new(Floats::new($statistic))),
            )*
        ]
    };
}

pub(super) const AGGREGATES: &[Entry] = statistics![
    "var_pop" VarianceOfPopulation,
    "var_samp" VarianceOfSample,
    "variance" VarianceOfSample,
    "stddev_pop" DeviationOfPopulation,
    "stddev_samp" DeviationOfSample,
    "stddev" DeviationOfSample,
];

struct Exact {
    statistic: Statistic,
    moments: Moments,
}

impl Exact {
    fn new(statistic: Statistic) -> Self {
        Exact { statistic, moments: Moments::default() }
    }

    fn value(value: &Datum) -> Result<Option<Numeric>> {
        Ok(Some(match value {
            Datum::Null => return Ok(None),
            Datum::Int2(value) => Numeric::from(*value),
            Datum::Int4(value) => Numeric::from(*value),
            Datum::Int8(value) => Numeric::from(*value),
            Datum::Numeric(value) => value.clone(),
            other => return Err(mismatch(other)),
        }))
    }
}

impl Accumulator for Exact {
    fn update(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        let Some(value) = Self::value(arg(args, 0))? else { return Ok(()) };
        self.moments.add(&value);
        Ok(())
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        let Some(variance) = self.moments.variance(self.statistic.of_sample())? else { return Ok(Datum::Null) };
        let scale = variance.scale().unwrap_or(0);
        Ok(Datum::Numeric(if self.statistic.is_deviation() { variance.sqrt_to(scale.into())? } else { variance }))
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

/// Count, sum, and sum of squared deviations from the mean.
struct Floats {
    statistic: Statistic,
    count: f64,
    sum: f64,
    deviations: f64,
}

impl Floats {
    fn new(statistic: Statistic) -> Self {
        Floats { statistic, count: 0.0, sum: 0.0, deviations: 0.0 }
    }
}

impl Accumulator for Floats {
    fn update(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        let value = match arg(args, 0) {
            Datum::Null => return Ok(()),
            Datum::Float4(value) => f64::from(*value),
            Datum::Float8(value) => *value,
            other => return Err(mismatch(other)),
        };
        let (before, sum_before) = (self.count, self.sum);
        self.count += 1.0;
        self.sum += value;
        if before == 0.0 {
            if !value.is_finite() {
                self.deviations = f64::NAN;
            }
            return Ok(());
        }
        let difference = value * self.count - self.sum;
        self.deviations += difference * difference / (self.count * before);
        if self.sum.is_infinite() || self.deviations.is_infinite() {
            if sum_before.is_finite() && value.is_finite() {
                return Err(overflow());
            }
            self.deviations = f64::NAN;
        }
        Ok(())
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        let sample = self.statistic.of_sample();
        if self.count == 0.0 || (sample && self.count <= 1.0) {
            return Ok(Datum::Null);
        }
        if self.statistic == Average {
            return Ok(Datum::Float8(self.sum / self.count));
        }
        let variance = self.deviations / if sample { self.count - 1.0 } else { self.count };
        Ok(Datum::Float8(if self.statistic.is_deviation() { variance.sqrt() } else { variance }))
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}
