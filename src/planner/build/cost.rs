//! What operators cost, in PostgreSQL's unit: `cpu_tuple_cost` is 0.01 of it, about 0.1 µs. One unit is some 10 µs.
//!
//! The figures are measured on this engine: scans and hash joins run column by column and cost little per row, access by
//! index and whatever follows it runs row by row.

/// Finding a place in an index.
pub(crate) const INDEX_SEARCH: f64 = 0.04;
/// A row fetched by an index.
pub(crate) const INDEX_ROW: f64 = 0.03;
/// A row of a sequential scan, and each of its columns.
pub(crate) const SCAN_ROW: f64 = 0.0001;
/// Reading one column of a row in a sequential scan.
pub(crate) const SCAN_COLUMN: f64 = 0.00004;
/// Beginning a sequential scan: the first batch has to be made.
pub(crate) const SCAN_START: f64 = 0.02;
/// A row passed on by an operator that works row by row.
pub(crate) const ROW: f64 = 0.006;
/// An operator or function evaluated for one row, in a column.
pub(crate) const OPERATOR: f64 = 0.0005;
/// A row put into a hash table.
pub(crate) const HASH_BUILD: f64 = 0.004;
/// A row looked up in a hash table.
pub(crate) const HASH_PROBE: f64 = 0.001;
/// A row of a join's result.
pub(crate) const JOIN_ROW: f64 = 0.0015;
/// A pair looked at by a nested loop.
pub(crate) const LOOP_PAIR: f64 = 0.003;
/// A row grouped.
pub(crate) const GROUP_ROW: f64 = 0.003;
/// Comparing two rows in a sort.
pub(crate) const COMPARE: f64 = 0.0012;
/// Running a subquery once more.
pub(crate) const RESCAN: f64 = 0.03;
/// What a discouraged method costs in addition, as in PostgreSQL.
pub(crate) const DISABLED: f64 = 1.0e10;

/// Startup and total cost.
pub(crate) type Cost = (f64, f64);

/// The cost of the first rows of a result.
pub(crate) fn first_rows(cost: Cost, rows: f64, wanted: Option<f64>) -> f64 {
    match wanted {
        Some(wanted) if wanted < rows => cost.0 + (cost.1 - cost.0) * (wanted / rows.max(1.0)),
        _ => cost.1,
    }
}

/// Sorting rows, of which only the first may be wanted.
pub(crate) fn sort(input: Cost, rows: f64, wanted: Option<f64>) -> Cost {
    let rows = rows.max(2.0);
    let kept = wanted.map_or(rows, |wanted| wanted.clamp(2.0, rows));
    let start = input.1 + COMPARE * rows * kept.log2();
    (start, start + kept * OPERATOR)
}

/// Sorting runs of rows that are equal by a prefix of the keys already: each run when it is reached.
pub(crate) fn incremental_sort(input: Cost, rows: f64, groups: f64) -> Cost {
    let groups = groups.clamp(1.0, rows.max(1.0));
    let per_group = (rows / groups).max(1.0);
    let work = groups * COMPARE * per_group * per_group.max(2.0).log2() + rows * ROW;
    let start = input.0 + ((input.1 - input.0) + work) / groups;
    (start, input.1 + work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_wanted_rows_cost_their_share() {
        assert_eq!(first_rows((10.0, 110.0), 100.0, Some(10.0)), 20.0);
        assert_eq!(first_rows((10.0, 110.0), 100.0, Some(1000.0)), 110.0);
        assert_eq!(first_rows((10.0, 110.0), 100.0, None), 110.0);
    }

    #[test]
    fn incremental_sorts_start_early() {
        let (start, total) = incremental_sort((0.0, 100.0), 10_000.0, 1000.0);
        assert!(start < total / 100.0);
        assert!(sort((0.0, 100.0), 10_000.0, None).0 > 100.0);
    }
}
