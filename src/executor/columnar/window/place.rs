//! Window functions that places decide alone: ranks, and values of other rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, UInt32Array};
use dictdb_planner::expr::{Expr, WindowCall};
use dictdb_types::Datum;

use super::partitions::Partitions;
use crate::window::frame::{FrameCode, Growing};

/// A number that says where a row stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Numbering {
    RowNumber,
    Rank,
    DenseRank,
    PercentRank,
    CumeDist,
}

impl Numbering {
    /// By `pg_proc.prosrc`.
    pub fn of(source: &str) -> Option<Self> {
        Some(match source {
            "window_row_number" => Numbering::RowNumber,
            "window_rank" => Numbering::Rank,
            "window_dense_rank" => Numbering::DenseRank,
            "window_percent_rank" => Numbering::PercentRank,
            "window_cume_dist" => Numbering::CumeDist,
            _ => return None,
        })
    }

    /// The column of these numbers.
    pub fn column(self, partitions: &Partitions) -> ArrayRef {
        match self {
            Numbering::RowNumber => {
                let numbers = partitions.each().flat_map(|(rows, _)| 1..=rows.len() as i64);
                Arc::new(Int64Array::from_iter_values(numbers))
            }
            Numbering::Rank => of_peers(partitions, |rank| (rank.before + 1) as i64),
            Numbering::DenseRank => of_peers(partitions, |rank| (rank.group + 1) as i64),
            Numbering::PercentRank => fraction_of_peers(partitions, |rank| match rank.of {
                0 | 1 => 0.0,
                rows => rank.before as f64 / (rows - 1) as f64,
            }),
            Numbering::CumeDist => fraction_of_peers(partitions, |rank| rank.until as f64 / rank.of as f64),
        }
    }
}

/// Where a group of peers stands in its partition.
struct Standing {
    /// Number of the group.
    group: usize,
    /// Rows before it.
    before: usize,
    /// Rows up to its end.
    until: usize,
    /// Rows of the partition.
    of: usize,
}

/// A value for every group of peers, with the number of its rows.
fn for_peers<T>(partitions: &Partitions, value: impl Fn(Standing) -> T) -> Vec<(T, usize)> {
    let mut values = Vec::new();
    for (rows, groups) in partitions.each() {
        values.extend(groups.iter().enumerate().map(|(group, peers)| {
            let (before, until) = (peers.start - rows.start, peers.end - rows.start);
            (value(Standing { group, before, until, of: rows.len() }), peers.len())
        }));
    }
    values
}

fn of_peers(partitions: &Partitions, value: impl Fn(Standing) -> i64) -> ArrayRef {
    let values = for_peers(partitions, value).into_iter();
    Arc::new(Int64Array::from_iter_values(values.flat_map(|(value, rows)| std::iter::repeat_n(value, rows))))
}

fn fraction_of_peers(partitions: &Partitions, value: impl Fn(Standing) -> f64) -> ArrayRef {
    let values = for_peers(partitions, value).into_iter();
    Arc::new(Float64Array::from_iter_values(values.flat_map(|(value, rows)| std::iter::repeat_n(value, rows))))
}

/// The row whose value of the first argument is taken.
#[derive(Clone, Copy, Debug)]
pub(super) enum Other {
    /// So many rows on or back.
    Shifted(i64),
    /// The first row of a frame that begins with the partition.
    First,
    /// The last row of such a frame.
    Last(Growing),
}

impl Other {
    /// `None` for functions and frames that need more than places.
    pub fn of(call: &WindowCall, frame: &FrameCode) -> Option<Self> {
        let distance = |sign: i64| match call.args.get(1) {
            Some(Expr::Const(Datum::Int4(distance), _)) => Some(Other::Shifted(sign * i64::from(*distance))),
            _ => None,
        };
        match &*call.function.source {
            "window_lag" => Some(Other::Shifted(-1)),
            "window_lead" => Some(Other::Shifted(1)),
            "window_lag_with_offset" => distance(-1),
            "window_lead_with_offset" => distance(1),
            "window_first_value" => frame.growing().map(|_| Other::First),
            "window_last_value" => frame.growing().map(Other::Last),
            _ => None,
        }
    }

    /// The row for every row; NULL where there is none.
    pub fn places(self, partitions: &Partitions) -> UInt32Array {
        let mut places: Vec<Option<u32>> = Vec::with_capacity(partitions.rows());
        for (rows, groups) in partitions.each() {
            match self {
                Other::Shifted(distance) => places.extend(rows.clone().map(|row| {
                    let other = usize::try_from(row as i64 + distance).ok()?;
                    rows.contains(&other).then_some(other as u32)
                })),
                Other::First => places.extend(rows.clone().map(|_| Some(rows.start as u32))),
                Other::Last(Growing::Whole) => places.extend(rows.clone().map(|_| Some(rows.end as u32 - 1))),
                Other::Last(Growing::ToRow) => places.extend(rows.map(|row| Some(row as u32))),
                Other::Last(Growing::ToPeers) => places
                    .extend(groups.iter().flat_map(|peers| peers.clone().map(move |_| Some(peers.end as u32 - 1)))),
            }
        }
        UInt32Array::from(places)
    }
}
