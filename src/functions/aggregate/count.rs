//! `count(*)` and `count(x)`.

use dictdb_types::{Datum, Result, oids};

use super::{Accumulator, Entry};
use crate::CallContext;

pub(super) const AGGREGATES: &[Entry] =
    &[("count", &[], || Box::new(Count::default())), ("count", &[oids::ANY], || Box::new(Count::default()))];

#[derive(Default)]
struct Count(i64);

/// Without an argument every row counts.
fn counts(args: &[Datum]) -> bool {
    args.first().is_none_or(|value| !value.is_null())
}

impl Accumulator for Count {
    fn update(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        self.0 += i64::from(counts(args));
        Ok(())
    }

    fn retract(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<bool> {
        self.0 -= i64::from(counts(args));
        Ok(true)
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        Ok(Datum::Int8(self.0))
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}
