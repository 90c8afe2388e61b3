//! `sum` and `avg` of integers and floats, with PostgreSQL's result types: exact for integers, checked for overflow.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, Float32Array, Float64Array, Int64Array, PrimitiveArray,
};
use arrow::datatypes::{Float32Type, Float64Type, Int16Type, Int32Type, Int64Type};
use dictdb_types::arrow::NumericColumn;
use dictdb_types::numeric::WideNumeric;
use dictdb_types::{Error, Oid, Physical, Result, SqlState, oids};

use super::accumulate::Accumulate;
use crate::runtime::Runtime;

/// Which sum is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sum {
    /// Integers of this layout; `sum(int2)` and `sum(int4)` are `bigint`, `sum(int8)` is `numeric`.
    Integers(Physical, IntegerResult),
    /// `sum(real)`, added up as `real`.
    Float4,
    /// `sum(double precision)`.
    Float8,
    /// `avg` of floats of this layout.
    FloatAverage(Physical),
}

/// What becomes of a sum of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IntegerResult {
    Bigint,
    Numeric,
    Average,
}

impl Sum {
    /// `sum` of a type; `None` if it is not of machine words.
    pub fn of_sum(layout: Physical, oid: Oid) -> Option<Self> {
        Some(match layout {
            Physical::Int2 | Physical::Int4 => Sum::Integers(layout, IntegerResult::Bigint),
            Physical::Int8 if oid == oids::INT8 => Sum::Integers(layout, IntegerResult::Numeric),
            Physical::Float4 => Sum::Float4,
            Physical::Float8 => Sum::Float8,
            _ => return None,
        })
    }

    /// `avg` of a type.
    pub fn of_avg(layout: Physical) -> Option<Self> {
        Some(match layout {
            Physical::Int2 | Physical::Int4 | Physical::Int8 => Sum::Integers(layout, IntegerResult::Average),
            Physical::Float4 | Physical::Float8 => Sum::FloatAverage(layout),
            _ => return None,
        })
    }

    pub fn start(self) -> Box<dyn Accumulate> {
        match self {
            Sum::Integers(layout, result) => {
                Box::new(Integers { layout, result, sums: Vec::new(), counts: Vec::new() })
            }
            Sum::Float4 => Box::new(Floats::<f32>::new(Physical::Float4, false)),
            Sum::Float8 => Box::new(Floats::<f64>::new(Physical::Float8, false)),
            Sum::FloatAverage(layout) => Box::new(Floats::<f64>::new(layout, true)),
        }
    }
}

/// Calls `f` with the group and value of every row that is not NULL.
fn for_each_value<T: ArrowPrimitiveType>(
    values: &PrimitiveArray<T>,
    groups: &[usize],
    mut f: impl FnMut(usize, T::Native),
) {
    match values.nulls() {
        None => groups.iter().zip(values.values()).for_each(|(group, value)| f(*group, *value)),
        Some(nulls) => {
            for ((group, value), valid) in groups.iter().zip(values.values()).zip(nulls.iter()) {
                if valid {
                    f(*group, *value);
                }
            }
        }
    }
}

struct Integers {
    layout: Physical,
    result: IntegerResult,
    sums: Vec<i128>,
    counts: Vec<i64>,
}

impl Accumulate for Integers {
    fn update(&mut self, args: &[ArrayRef], groups: &[usize], count: usize, _: &Runtime) -> Result<()> {
        self.sums.resize(count, 0);
        self.counts.resize(count, 0);
        let [values] = args else { return Err(Error::internal("sum of other than one argument")) };
        let mut add = |group: usize, value: i64| {
            self.sums[group] += i128::from(value);
            self.counts[group] += 1;
        };
        match self.layout {
            Physical::Int2 => for_each_value::<Int16Type>(values.as_primitive(), groups, |g, v| add(g, i64::from(v))),
            Physical::Int4 => for_each_value::<Int32Type>(values.as_primitive(), groups, |g, v| add(g, i64::from(v))),
            _ => for_each_value::<Int64Type>(values.as_primitive(), groups, add),
        }
        Ok(())
    }

    fn finish(&mut self, count: usize, _: &Arc<Runtime>) -> Result<ArrayRef> {
        self.sums.resize(count, 0);
        self.counts.resize(count, 0);
        let groups = self.sums.iter().zip(&self.counts).map(|(sum, count)| (*count > 0).then_some((*sum, *count)));
        match self.result {
            IntegerResult::Bigint => {
                let sums = groups.map(|group| group.map(|(sum, _)| i64::try_from(sum)).transpose());
                let sums: Int64Array = sums.collect::<Result<_, _>>().map_err(|_| out_of_range("bigint"))?;
                Ok(Arc::new(sums))
            }
            IntegerResult::Numeric => numerics(groups, |sum, _| Ok(sum)),
            IntegerResult::Average => numerics(groups, quotient),
        }
    }

    fn bytes(&self) -> usize {
        self.sums.capacity() * size_of::<i128>() + self.counts.capacity() * size_of::<i64>()
    }
}

/// A column of what is made of the sum and count of each group that has any.
fn numerics(
    groups: impl Iterator<Item = Option<(i128, i64)>>,
    value: fn(WideNumeric, i64) -> Result<WideNumeric>,
) -> Result<ArrayRef> {
    let mut out = NumericColumn::with_capacity(groups.size_hint().0);
    for group in groups {
        match group {
            Some((coefficient, count)) => out.push_wide(value(WideNumeric { coefficient, scale: 0 }, count)?),
            None => out.push(None),
        }
    }
    out.finish_with_nulls()
}

/// `sum / count` as `numeric` division rounds it.
fn quotient(sum: WideNumeric, count: i64) -> Result<WideNumeric> {
    let count = WideNumeric { coefficient: count.into(), scale: 0 };
    // Its digits are at most those of the sum and twenty more, and a sum of integers has less than half as many.
    sum.checked_div(count).ok_or_else(|| Error::internal("an average of integers does not fit two words"))
}

fn out_of_range(ty: &str) -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("{ty} out of range"))
}

/// A float type that sums are kept in.
trait Float: Copy + Default + Send + 'static {
    fn add(self, other: f64) -> Self;
    fn wide(self) -> f64;
}

impl Float for f32 {
    fn add(self, other: f64) -> Self {
        self + other as f32
    }

    fn wide(self) -> f64 {
        f64::from(self)
    }
}

impl Float for f64 {
    fn add(self, other: f64) -> Self {
        self + other
    }

    fn wide(self) -> f64 {
        self
    }
}

struct Floats<F> {
    layout: Physical,
    average: bool,
    sums: Vec<F>,
    counts: Vec<i64>,
    /// A finite sum has become infinite.
    overflow: bool,
}

impl<F: Float> Floats<F> {
    fn new(layout: Physical, average: bool) -> Self {
        Floats { layout, average, sums: Vec::new(), counts: Vec::new(), overflow: false }
    }

    fn add(&mut self, group: usize, value: f64) {
        let old = self.sums[group];
        let new = old.add(value);
        self.overflow |= new.wide().is_infinite() && !old.wide().is_infinite() && !value.is_infinite();
        self.sums[group] = new;
        self.counts[group] += 1;
    }
}

impl<F: Float> Accumulate for Floats<F> {
    fn update(&mut self, args: &[ArrayRef], groups: &[usize], count: usize, _: &Runtime) -> Result<()> {
        self.sums.resize(count, F::default());
        self.counts.resize(count, 0);
        let [values] = args else { return Err(Error::internal("sum of other than one argument")) };
        match self.layout {
            Physical::Float4 => {
                for_each_value::<Float32Type>(values.as_primitive(), groups, |g, v| self.add(g, f64::from(v)));
            }
            _ => for_each_value::<Float64Type>(values.as_primitive(), groups, |g, v| self.add(g, v)),
        }
        if self.overflow {
            return Err(Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow"));
        }
        Ok(())
    }

    fn finish(&mut self, count: usize, _: &Arc<Runtime>) -> Result<ArrayRef> {
        self.sums.resize(count, F::default());
        self.counts.resize(count, 0);
        let groups =
            self.sums.iter().zip(&self.counts).map(|(sum, count)| (*count > 0).then_some((sum.wide(), *count)));
        Ok(match (self.average, self.layout) {
            (true, _) => {
                Arc::new(groups.map(|group| group.map(|(sum, count)| sum / count as f64)).collect::<Float64Array>())
            }
            (false, Physical::Float4) => {
                Arc::new(groups.map(|group| group.map(|(sum, _)| sum as f32)).collect::<Float32Array>())
            }
            (false, _) => Arc::new(groups.map(|group| group.map(|(sum, _)| sum)).collect::<Float64Array>()),
        })
    }

    fn bytes(&self) -> usize {
        self.sums.capacity() * size_of::<F>() + self.counts.capacity() * size_of::<i64>()
    }
}
