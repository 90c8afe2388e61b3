//! The built-in aggregates: one accumulator per group, fed row by row.
//!
//! DISTINCT, FILTER and ORDER BY inside the call are the executor's: an accumulator sees the rows that remain, in the
//! order asked for. NULL handling is the accumulator's own, because PostgreSQL's aggregates differ in it.

use std::collections::HashMap;
use std::sync::LazyLock;

use dictdb_types::{Datum, Error, Oid, Result, SqlState};

use crate::CallContext;

pub use ordered::PercentileCode;

mod collect;
mod count;
mod extreme;
mod fold;
mod hypothetical;
mod json;
mod ordered;
mod ranges;
mod regression;
mod sum;
mod variance;
mod xml;

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

/// Name, declared argument types, maker.
type Entry = (&'static str, &'static [Oid], AggregateFn);

const FAMILIES: &[&[Entry]] = &[
    collect::AGGREGATES,
    count::AGGREGATES,
    extreme::AGGREGATES,
    fold::AGGREGATES,
    hypothetical::AGGREGATES,
    json::AGGREGATES,
    ordered::AGGREGATES,
    ranges::AGGREGATES,
    regression::AGGREGATES,
    sum::AGGREGATES,
    variance::AGGREGATES,
    xml::AGGREGATES,
];

static BUILTIN: LazyLock<HashMap<(&str, &[Oid]), AggregateFn>> = LazyLock::new(|| {
    let entries = FAMILIES.iter().flat_map(|family| family.iter());
    entries.map(|(name, args, make)| ((*name, *args), *make)).collect()
});

/// The built-in aggregate with this `pg_proc.proname` and `proargtypes` (polymorphic types as declared there; direct
/// arguments of ordered-set aggregates come first, as in `pg_proc`).
pub fn aggregate(name: &str, declared_args: &[Oid]) -> Option<AggregateFn> {
    BUILTIN.get(&(name, declared_args)).copied()
}

/// The argument at `index`; NULL past the end.
fn arg(args: &[Datum], index: usize) -> &Datum {
    args.get(index).unwrap_or(&Datum::Null)
}

/// Bytes a collected value takes, roughly: the datum and what it points to.
fn size_of_datum(value: &Datum) -> usize {
    let behind = match value {
        Datum::Text(text) => text.len(),
        Datum::Bytea(bytes) => bytes.len(),
        Datum::Array(array) => array.items.iter().map(size_of_datum).sum(),
        Datum::Record(record) => record.fields.iter().map(size_of_datum).sum(),
        Datum::Jsonb(_) | Datum::Range(_) => 64,
        _ => 0,
    };
    size_of::<Datum>() + behind
}

/// A datum of another kind than the signature promises.
#[cold]
fn mismatch(value: &Datum) -> Error {
    Error::new(SqlState::INTERNAL_ERROR, format!("aggregate over another type was given {value:?}"))
}
