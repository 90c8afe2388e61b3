//! The built-in window functions over one partition, row by row.
//!
//! Partitioning, sorting and frame bounds are the executor's, which shows them through [`PartitionView`]. Aggregates
//! used as window functions are in [`crate::aggregate`].

use std::ops::Range;

use dictdb_types::{Datum, Error, Result, SqlState};

use crate::CallContext;

/// One partition, sorted, as the executor's window node holds it. Rows count from zero.
pub trait PartitionView {
    /// Number of rows.
    fn rows(&self) -> usize;

    /// An argument of the function evaluated at a row.
    fn arg(&self, row: usize, index: usize) -> Result<Datum>;

    /// The rows equal to `row` under the window's ORDER BY; the whole partition without one.
    fn peers(&self, row: usize) -> Range<usize>;

    /// The frame of `row` after EXCLUDE, as ascending disjoint ranges, some possibly empty.
    fn frame(&self, row: usize) -> Result<[Range<usize>; 3]>;
}

/// A window function in one partition. Rows are asked in ascending order, each once.
pub trait WindowFunction: Send {
    /// The value at `row`.
    fn evaluate(&mut self, cx: &CallContext<'_>, view: &dyn PartitionView, row: usize) -> Result<Datum>;
}

/// Makes a function for a new partition.
pub type WindowFn = fn() -> Box<dyn WindowFunction>;

/// The built-in window function by `pg_proc.prosrc` (`window_row_number`, `window_lag_with_offset`, …).
pub fn window(prosrc: &str) -> Option<WindowFn> {
    KERNELS.iter().find(|(key, _)| *key == prosrc).map(|(_, make)| *make)
}

const KERNELS: &[(&str, WindowFn)] = &[
    ("window_row_number", || Box::new(Simple(|_, _, row| Ok(Datum::Int8(row as i64 + 1))))),
    ("window_rank", || Box::new(Simple(|_, view, row| Ok(Datum::Int8(view.peers(row).start as i64 + 1))))),
    ("window_dense_rank", || Box::new(DenseRank { groups: 0, end: 0 })),
    ("window_percent_rank", || Box::new(Simple(percent_rank))),
    ("window_cume_dist", || Box::new(Simple(cume_dist))),
    ("window_ntile", || Box::new(Ntile { buckets: None })),
    ("window_lag", || Box::new(Simple(|_, view, row| neighbour(view, row, -1, None)))),
    ("window_lag_with_offset", || Box::new(Simple(|_, view, row| offset(view, row, -1, None)))),
    ("window_lag_with_offset_and_default", || Box::new(Simple(|_, view, row| offset(view, row, -1, Some(2))))),
    ("window_lead", || Box::new(Simple(|_, view, row| neighbour(view, row, 1, None)))),
    ("window_lead_with_offset", || Box::new(Simple(|_, view, row| offset(view, row, 1, None)))),
    ("window_lead_with_offset_and_default", || Box::new(Simple(|_, view, row| offset(view, row, 1, Some(2))))),
    ("window_first_value", || Box::new(Simple(|_, view, row| frame_value(view, row, |rows| rows.next())))),
    ("window_last_value", || Box::new(Simple(|_, view, row| frame_value(view, row, |rows| rows.next_back())))),
    ("window_nth_value", || Box::new(Simple(nth_value))),
];

/// A function of the row alone.
struct Simple(fn(&CallContext<'_>, &dyn PartitionView, usize) -> Result<Datum>);

impl WindowFunction for Simple {
    fn evaluate(&mut self, cx: &CallContext<'_>, view: &dyn PartitionView, row: usize) -> Result<Datum> {
        (self.0)(cx, view, row)
    }
}

struct DenseRank {
    groups: i64,
    /// Where the current group of peers ends.
    end: usize,
}

impl WindowFunction for DenseRank {
    fn evaluate(&mut self, _: &CallContext<'_>, view: &dyn PartitionView, row: usize) -> Result<Datum> {
        if row >= self.end {
            self.groups += 1;
            self.end = view.peers(row).end;
        }
        Ok(Datum::Int8(self.groups))
    }
}

fn percent_rank(_: &CallContext<'_>, view: &dyn PartitionView, row: usize) -> Result<Datum> {
    let others = view.rows().saturating_sub(1);
    Ok(Datum::Float8(if others == 0 { 0.0 } else { view.peers(row).start as f64 / others as f64 }))
}

fn cume_dist(_: &CallContext<'_>, view: &dyn PartitionView, row: usize) -> Result<Datum> {
    Ok(Datum::Float8(view.peers(row).end as f64 / view.rows().max(1) as f64))
}

/// Buckets as equal as they can be, the larger ones first. The number of buckets is that of the first row.
struct Ntile {
    buckets: Option<i64>,
}

impl WindowFunction for Ntile {
    fn evaluate(&mut self, _: &CallContext<'_>, view: &dyn PartitionView, row: usize) -> Result<Datum> {
        let buckets = match self.buckets {
            Some(buckets) => buckets,
            None => match view.arg(row, 0)? {
                Datum::Null => return Ok(Datum::Null),
                argument => *self.buckets.insert(integer(&argument)?),
            },
        };
        if buckets <= 0 {
            let message = "argument of ntile must be greater than zero";
            return Err(Error::new(SqlState::INVALID_ARGUMENT_FOR_NTILE, message));
        }
        let (rows, row) = (view.rows() as i64, row as i64);
        let (small, larger_ones) = (rows / buckets, rows % buckets);
        let in_larger = larger_ones * (small + 1);
        let bucket = if row < in_larger { row / (small + 1) } else { larger_ones + (row - in_larger) / small.max(1) };
        Ok(Datum::Int4(bucket as i32 + 1))
    }
}

fn integer(value: &Datum) -> Result<i64> {
    match value {
        Datum::Int4(value) => Ok((*value).into()),
        other => Err(Error::internal(format!("window function was given {other:?} for an integer"))),
    }
}

/// The first argument so many rows away; NULL, or the argument `default` of this row, outside the partition.
fn neighbour(view: &dyn PartitionView, row: usize, distance: i64, default: Option<usize>) -> Result<Datum> {
    match usize::try_from(row as i64 + distance) {
        Ok(other) if other < view.rows() => view.arg(other, 0),
        _ => default.map_or(Ok(Datum::Null), |index| view.arg(row, index)),
    }
}

fn offset(view: &dyn PartitionView, row: usize, direction: i64, default: Option<usize>) -> Result<Datum> {
    match view.arg(row, 1)? {
        Datum::Null => Ok(Datum::Null),
        distance => neighbour(view, row, integer(&distance)? * direction, default),
    }
}

type FrameRows = std::iter::Flatten<std::array::IntoIter<Range<usize>, 3>>;

/// The first argument at a row chosen from the frame; NULL if there is none.
fn frame_value(
    view: &dyn PartitionView,
    row: usize,
    choose: impl FnOnce(&mut FrameRows) -> Option<usize>,
) -> Result<Datum> {
    let mut rows = view.frame(row)?.into_iter().flatten();
    choose(&mut rows).map_or(Ok(Datum::Null), |chosen| view.arg(chosen, 0))
}

fn nth_value(_: &CallContext<'_>, view: &dyn PartitionView, row: usize) -> Result<Datum> {
    let n = match view.arg(row, 1)? {
        Datum::Null => return Ok(Datum::Null),
        n => integer(&n)?,
    };
    if n <= 0 {
        let message = "argument of nth_value must be greater than zero";
        return Err(Error::new(SqlState::INVALID_ARGUMENT_FOR_NTH_VALUE, message));
    }
    let mut left = n as usize - 1;
    for range in view.frame(row)? {
        if left < range.len() {
            return view.arg(range.start + left, 0);
        }
        left -= range.len();
    }
    Ok(Datum::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dictdb_types::env::BareEnv;
    use dictdb_types::{Type, oids};

    /// Values sorted ascending; peers are equal values, the frame reaches from the start to the last peer.
    struct Sorted(&'static [i32]);

    impl PartitionView for Sorted {
        fn rows(&self) -> usize {
            self.0.len()
        }

        fn arg(&self, row: usize, index: usize) -> Result<Datum> {
            Ok(Datum::Int4(if index == 0 { self.0[row] } else { 2 }))
        }

        fn peers(&self, row: usize) -> Range<usize> {
            let value = self.0[row];
            self.0.partition_point(|v| *v < value)..self.0.partition_point(|v| *v <= value)
        }

        fn frame(&self, row: usize) -> Result<[Range<usize>; 3]> {
            Ok([0..self.peers(row).end, 0..0, 0..0])
        }
    }

    #[test]
    fn values_are_postgresqls() {
        // select f(…) over (order by x) from (values (10), (20), (20), (40), (50)) v(x)
        let cases = [
            ("window_row_number", "[1, 2, 3, 4, 5]"),
            ("window_rank", "[1, 2, 2, 4, 5]"),
            ("window_dense_rank", "[1, 2, 2, 3, 4]"),
            ("window_percent_rank", "[0.0, 0.25, 0.25, 0.75, 1.0]"),
            ("window_cume_dist", "[0.2, 0.6, 0.6, 0.8, 1.0]"),
            ("window_lag", "[Null, 10, 20, 20, 40]"),
            ("window_lead_with_offset", "[20, 40, 50, Null, Null]"),
            ("window_lag_with_offset_and_default", "[2, 2, 10, 20, 20]"),
            ("window_first_value", "[10, 10, 10, 10, 10]"),
            ("window_last_value", "[10, 20, 20, 40, 50]"),
            ("window_nth_value", "[Null, 20, 20, 20, 20]"),
        ];
        for (name, expected) in cases {
            assert_eq!(all(name, &Sorted(&[10, 20, 20, 40, 50])), expected, "{name}");
        }
        assert_eq!(all("window_ntile", &Sorted(&[2, 3, 4, 5, 6])), "[1, 1, 1, 2, 2]");
    }

    fn all(name: &str, view: &dyn PartitionView) -> String {
        let env = BareEnv::default();
        let cx = CallContext::new(&env, &[], Type::new(oids::INT8));
        let mut function = window(name).map(|make| make()).expect("a window function");
        let shown = (0..view.rows()).map(|row| match function.evaluate(&cx, view, row).expect("a value") {
            Datum::Int4(v) => v.to_string(),
            Datum::Int8(v) => v.to_string(),
            Datum::Float8(v) => format!("{v:?}"),
            other => format!("{other:?}"),
        });
        format!("[{}]", shown.collect::<Vec<_>>().join(", "))
    }
}
