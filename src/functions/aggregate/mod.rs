//! The built-in aggregates: one accumulator per group, fed row by row.
//!
//! DISTINCT, FILTER and ORDER BY inside the call are the executor's: an accumulator sees the rows that remain, in the
//! order asked for. NULL handling is the accumulator's own, because PostgreSQL's aggregates differ in it.

use dictdb_types::{Datum, Error, Oid, Result};

use crate::CallContext;

/// The running state of one aggregate in one group.
pub trait Accumulator: Send {
    /// Adds a row. `args` are the aggregated arguments; for ordered-set aggregates those of WITHIN GROUP, sorted.
    fn update(&mut self, cx: &CallContext<'_>, args: &[Datum]) -> Result<()>;

    /// Takes back the oldest row still inside, for moving window frames. `false`: cannot, start over.
    fn retract(&mut self, _cx: &CallContext<'_>, _args: &[Datum]) -> Result<bool> {
        Ok(false)
    }

    /// The aggregate over the rows so far. A plain aggregate may be asked again after more rows.
    fn finish(&mut self, cx: &CallContext<'_>) -> Result<Datum>;

    /// The result of an ordered-set aggregate, whose direct arguments and sort order are known only here.
    fn finish_ordered(&mut self, cx: &CallContext<'_>, _direct: &[Datum], _order: &[SortDirection]) -> Result<Datum> {
        self.finish(cx)
    }

    /// Bytes held, for the memory budget.
    fn size(&self) -> usize;
}

/// How WITHIN GROUP sorts one argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SortDirection {
    /// `DESC`.
    pub descending: bool,
    /// `NULLS FIRST`.
    pub nulls_first: bool,
}

/// Makes an empty accumulator.
pub type AggregateFn = fn() -> Box<dyn Accumulator>;

type Entry = (&'static str, &'static [Oid], AggregateFn);

const FAMILIES: &[&[Entry]] = &[];

/// The built-in aggregate with this `pg_proc.proname` and `proargtypes` (polymorphic types as declared there; direct
/// arguments of ordered-set aggregates come first, as in `pg_proc`).
pub fn aggregate(name: &str, declared_args: &[Oid]) -> Option<AggregateFn> {
    let entries = FAMILIES.iter().flat_map(|family| family.iter());
    entries.into_iter().find(|(n, args, _)| *n == name && *args == declared_args).map(|(_, _, make)| *make)
}

/// An accumulator was given fewer arguments than its signature has.
#[cold]
pub(crate) fn missing_argument() -> Error {
    Error::internal("aggregate called with too few arguments")
}
