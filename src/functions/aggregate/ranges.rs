//! `range_agg` and `range_intersect_agg`.

use std::sync::Arc;

use dictdb_types::{Array, Datum, Range, Result, oids, range};

use super::{Accumulator, Entry, arg, mismatch, size_of_datum};
use crate::CallContext;
use crate::scalar::range::{members, setops, subtype};

pub(super) const AGGREGATES: &[Entry] = &[
    ("range_agg", &[oids::ANYRANGE], || Box::new(Collect::default())),
    ("range_agg", &[oids::ANYMULTIRANGE], || Box::new(Collect::default())),
    ("range_intersect_agg", &[oids::ANYRANGE], || Box::new(Intersect(Datum::Null))),
    ("range_intersect_agg", &[oids::ANYMULTIRANGE], || Box::new(Intersect(Datum::Null))),
];

/// All ranges as one multirange; NULL does not count.
#[derive(Default)]
struct Collect {
    element: Option<dictdb_types::Oid>,
    ranges: Vec<Range>,
}

impl Accumulator for Collect {
    fn update(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        match arg(args, 0) {
            Datum::Null => {}
            Datum::Range(range) => {
                self.element = Some(range.ty);
                self.ranges.push(range.as_ref().clone());
            }
            Datum::Array(multirange) => {
                self.element = Some(multirange.element);
                self.ranges.extend(members(multirange).cloned());
            }
            other => return Err(mismatch(other)),
        }
        Ok(())
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        let Some(element) = self.element else { return Ok(Datum::Null) };
        Ok(Datum::Array(Arc::new(range::multirange(element, self.ranges.clone()))))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.ranges.len() * (size_of::<Range>() + 2 * size_of::<Datum>())
    }
}

struct Intersect(Datum);

impl Accumulator for Intersect {
    fn update(&mut self, cx: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        self.0 = match (&self.0, arg(args, 0)) {
            (_, Datum::Null) => return Ok(()),
            (Datum::Null, value) => value.clone(),
            (Datum::Range(a), Datum::Range(b)) => Datum::Range(Arc::new(setops::intersect(subtype(cx, a.ty)?, a, b)?)),
            (Datum::Array(a), Datum::Array(b)) => multi(cx, a, b)?,
            (_, other) => return Err(mismatch(other)),
        };
        Ok(())
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        Ok(self.0.clone())
    }

    fn size(&self) -> usize {
        size_of::<Self>() + size_of_datum(&self.0)
    }
}

fn multi(cx: &CallContext<'_>, a: &Array, b: &Array) -> Result<Datum> {
    Ok(Datum::Array(Arc::new(setops::multi_intersect(subtype(cx, a.element)?, a, b)?)))
}
