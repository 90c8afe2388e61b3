//! `min` and `max` of types that are ordered as their machine words or bytes.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray, StringViewArray};
use arrow::datatypes::{
    Date32Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, Time64MicrosecondType,
    TimestampMicrosecondType, UInt32Type,
};
use dictdb_types::{Error, Oid, Physical, Result, oids};

use super::accumulate::Accumulate;
use crate::runtime::Runtime;

/// Which extreme of which layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extreme {
    greatest: bool,
    layout: Physical,
}

impl Extreme {
    /// `None` for types whose order is not that of their layout.
    pub fn of(greatest: bool, layout: Physical, oid: Oid) -> Option<Self> {
        let ordered = match layout {
            Physical::Int2 | Physical::Int4 | Physical::Float4 | Physical::Float8 => true,
            Physical::Int8 => oid == oids::INT8,
            Physical::Date | Physical::Time | Physical::Timestamp | Physical::Oid | Physical::Enum => true,
            Physical::Text => matches!(oid, oids::TEXT | oids::VARCHAR),
            Physical::Bool | Physical::Uuid | Physical::Bytea | Physical::Opaque => false,
        };
        ordered.then_some(Extreme { greatest, layout })
    }

    pub fn start(self) -> Box<dyn Accumulate> {
        let greatest = self.greatest;
        match self.layout {
            Physical::Int2 => Box::new(Primitives::<Int16Type>::new(greatest, |a, b| a < b)),
            Physical::Int4 => Box::new(Primitives::<Int32Type>::new(greatest, |a, b| a < b)),
            Physical::Int8 => Box::new(Primitives::<Int64Type>::new(greatest, |a, b| a < b)),
            Physical::Float4 => {
                Box::new(Primitives::<Float32Type>::new(greatest, |a, b| less_float(f64::from(*a), f64::from(*b))))
            }
            Physical::Float8 => Box::new(Primitives::<Float64Type>::new(greatest, |a, b| less_float(*a, *b))),
            Physical::Date => Box::new(Primitives::<Date32Type>::new(greatest, |a, b| a < b)),
            Physical::Time => Box::new(Primitives::<Time64MicrosecondType>::new(greatest, |a, b| a < b)),
            Physical::Timestamp => Box::new(Primitives::<TimestampMicrosecondType>::new(greatest, |a, b| a < b)),
            Physical::Oid | Physical::Enum => Box::new(Primitives::<UInt32Type>::new(greatest, |a, b| a < b)),
            _ => Box::new(Texts { greatest, best: Vec::new(), bytes: 0 }),
        }
    }
}

/// NaN is above everything.
fn less_float(a: f64, b: f64) -> bool {
    a < b || b.is_nan() && !a.is_nan()
}

struct Primitives<T: ArrowPrimitiveType> {
    greatest: bool,
    less: fn(&T::Native, &T::Native) -> bool,
    best: Vec<Option<T::Native>>,
}

impl<T: ArrowPrimitiveType> Primitives<T> {
    fn new(greatest: bool, less: fn(&T::Native, &T::Native) -> bool) -> Self {
        Primitives { greatest, less, best: Vec::new() }
    }
}

impl<T: ArrowPrimitiveType> Accumulate for Primitives<T> {
    fn update(&mut self, args: &[ArrayRef], groups: &[usize], count: usize, _: &Runtime) -> Result<()> {
        self.best.resize(count, None);
        let [values] = args else { return Err(Error::internal("extreme of other than one argument")) };
        let values: &PrimitiveArray<T> = values.as_primitive();
        for (row, group) in groups.iter().enumerate() {
            if values.is_null(row) {
                continue;
            }
            let value = values.value(row);
            let best = &mut self.best[*group];
            let better = match best {
                None => true,
                Some(best) if self.greatest => (self.less)(best, &value),
                Some(best) => (self.less)(&value, best),
            };
            if better {
                *best = Some(value);
            }
        }
        Ok(())
    }

    fn finish(&mut self, count: usize, _: &Arc<Runtime>) -> Result<ArrayRef> {
        self.best.resize(count, None);
        Ok(Arc::new(std::mem::take(&mut self.best).into_iter().collect::<PrimitiveArray<T>>()))
    }

    fn bytes(&self) -> usize {
        self.best.capacity() * size_of::<Option<T::Native>>()
    }
}

struct Texts {
    greatest: bool,
    best: Vec<Option<Box<str>>>,
    bytes: usize,
}

impl Accumulate for Texts {
    fn update(&mut self, args: &[ArrayRef], groups: &[usize], count: usize, _: &Runtime) -> Result<()> {
        self.best.resize(count, None);
        let [values] = args else { return Err(Error::internal("extreme of other than one argument")) };
        let values: &StringViewArray = values.as_string_view();
        for (row, group) in groups.iter().enumerate() {
            if values.is_null(row) {
                continue;
            }
            let value = values.value(row);
            let best = &mut self.best[*group];
            let better = match best.as_deref() {
                None => true,
                Some(best) if self.greatest => best < value,
                Some(best) => value < best,
            };
            if better {
                self.bytes += value.len();
                self.bytes -= best.as_deref().map_or(0, str::len);
                *best = Some(value.into());
            }
        }
        Ok(())
    }

    fn finish(&mut self, count: usize, _: &Arc<Runtime>) -> Result<ArrayRef> {
        self.best.resize(count, None);
        Ok(Arc::new(self.best.iter().map(Option::as_deref).collect::<StringViewArray>()))
    }

    fn bytes(&self) -> usize {
        self.bytes + self.best.capacity() * size_of::<Option<Box<str>>>()
    }
}
