//! What a sample of a column tells: how many values are different, which are frequent, how the others are spread.
//!
//! The same numbers as `pg_statistic` has, made the same way: the estimator of distinct values is Haas and Stokes's
//! (as in PostgreSQL's `compute_scalar_stats`), bounds of the histogram hold equal parts of the rows that are not frequent.

use std::cmp::Ordering;

use dictdb_types::{Datum, Oid, order};

/// Frequent values and parts of a histogram at most, unless ANALYZE is told otherwise (`default_statistics_target`).
pub const DEFAULT_TARGET: usize = 100;
/// Rows of a sample for each frequent value that may be kept.
pub const ROWS_PER_TARGET: usize = 300;
/// Rows a sample should have that is taken because a plan asks.
pub const SAMPLE_ROWS: usize = 3000;
const MICROS_PER_DAY: i64 = 86_400_000_000;
/// The part of a histogram's width that its ends are never believed to be less than.
const LEAST_OF_BOUND: f64 = 0.01;
/// Standard deviations by which a value must be more frequent than the others to be a frequent one.
const DEVIATIONS: f64 = 2.0;

/// Statistics of one column.
#[derive(Clone, Debug, Default)]
pub struct ColumnStatistics {
    /// Part of the rows that is NULL.
    pub null_fraction: f64,
    /// Different values, NULL left out.
    pub distinct: f64,
    /// Frequent values with their part of all rows.
    pub common: Vec<(Datum, f64)>,
    /// Bounds of parts that hold equally many of the other rows, ascending.
    pub histogram: Vec<Datum>,
    /// How much the order of values is the order of rows, from -1 to 1; none of fewer than two values.
    pub correlation: Option<f64>,
    /// Rows of the table when the sample was taken.
    pub rows: f64,
    base_type: Oid,
}

dictdb_types::stored_struct!(ColumnStatistics {
    1: null_fraction,
    2: distinct,
    3: common,
    4: histogram,
    5: correlation,
    6: rows,
    7: base_type,
});

/// Values of a column, in the order of rows.
pub struct Sample {
    /// The values, NULL among them.
    pub values: Vec<Datum>,
    /// Whose order is theirs.
    pub base_type: Oid,
    /// Rows of the whole table.
    pub rows: f64,
    /// Frequent values and parts of the histogram at most.
    pub target: usize,
}

impl ColumnStatistics {
    /// From a sample; `distinct` is the exact number where an index knows it.
    pub fn of_sample(sample: Sample, distinct: Option<f64>) -> Self {
        let Sample { values, base_type, rows, target } = sample;
        let sampled = values.len();
        if sampled == 0 {
            return ColumnStatistics { distinct: distinct.unwrap_or(1.0), rows, base_type, ..Default::default() };
        }
        let mut placed: Vec<(usize, Datum)> = values.into_iter().filter(|value| !value.is_null()).enumerate().collect();
        let null_fraction = 1.0 - placed.len() as f64 / sampled as f64;
        placed.sort_by(|(_, a), (_, b)| order::compare_as(base_type, a, b));
        let correlation = correlation(&placed);
        let values: Vec<Datum> = placed.into_iter().map(|(_, value)| value).collect();
        let runs = runs(&values, base_type);
        let estimated = distinct_values(values.len(), &runs, rows * (1.0 - null_fraction));
        // A sample of all rows knows better than an index, which has entries of versions that nobody sees.
        let distinct = distinct.filter(|_| (sampled as f64) < rows).unwrap_or(estimated).max(1.0);
        let counts = Counts { sampled: sampled as f64, rows, null_fraction, distinct };
        let common = common(&runs, &counts, target);
        let histogram = histogram(&values, &runs, &common, target);
        let part = |(start, length): &(usize, usize)| (values[*start].clone(), *length as f64 / sampled as f64);
        let common = common.iter().map(part).collect();
        ColumnStatistics { null_fraction, distinct, common, histogram, correlation, rows, base_type }
    }

    /// `stadistinct`: different values, or less than zero the part of the rows that they are where that grows with the table.
    pub fn stadistinct(&self) -> f64 {
        const GROWING: f64 = 0.1;
        match self.null_fraction >= 1.0 {
            true => 0.0,
            false if self.distinct > GROWING * self.rows => -(self.distinct / self.rows),
            false => self.distinct,
        }
    }

    /// A value as one of the column's type, where comparing it there means the same; near enough at the ends of integers.
    pub fn comparable(&self, value: &Datum) -> Option<Datum> {
        let like = self.common.first().map(|(common, _)| common).or(self.histogram.first())?;
        comparable(like, value)
    }

    /// Part of the rows that equal a value.
    pub fn equal_to(&self, value: &Datum) -> f64 {
        let frequent = self.common.iter().find(|(common, _)| order::equal_as(self.base_type, common, value));
        if let Some((_, part)) = frequent {
            return *part;
        }
        let common: f64 = self.common.iter().map(|(_, part)| part).sum();
        let others = (self.distinct - self.common.len() as f64).max(1.0);
        let part = ((1.0 - common - self.null_fraction) / others).max(0.0);
        // An uncommon value is not more frequent than the least common of the frequent ones.
        self.common.last().map_or(part, |(_, least)| part.min(*least)).max(1e-10)
    }

    /// Part of the rows that equal a value about which nothing is known.
    pub fn equal_to_unknown(&self) -> f64 {
        ((1.0 - self.null_fraction) / self.distinct.max(1.0)).max(1e-10)
    }

    /// Part of the rows below a value.
    pub fn below(&self, value: &Datum, inclusive: bool) -> f64 {
        let counts = |other: &Datum| match order::compare_as(self.base_type, other, value) {
            Ordering::Less => true,
            Ordering::Equal => inclusive,
            Ordering::Greater => false,
        };
        let frequent: f64 = self.common.iter().filter(|(common, _)| counts(common)).map(|(_, part)| part).sum();
        let common: f64 = self.common.iter().map(|(_, part)| part).sum();
        let rest = (1.0 - common - self.null_fraction).max(0.0);
        (frequent + rest * self.histogram_below(value, inclusive)).clamp(0.0, 1.0)
    }

    /// The least and the greatest value known.
    fn bounds(&self) -> Option<(&Datum, &Datum)> {
        let known = || {
            self.histogram.first().into_iter().chain(self.histogram.last()).chain(self.common.iter().map(|(v, _)| v))
        };
        let order = |a: &&Datum, b: &&Datum| order::compare_as(self.base_type, a, b);
        known().min_by(order).zip(known().max_by(order))
    }

    /// The part of the values between the least and the greatest of another column; all if they do not compare.
    pub fn part_within(&self, other: &ColumnStatistics) -> f64 {
        let bounds =
            other.bounds().and_then(|(least, greatest)| Some((self.comparable(least)?, self.comparable(greatest)?)));
        let Some((least, greatest)) = bounds else { return 1.0 };
        let values = (1.0 - self.null_fraction).max(1e-6);
        ((self.below(&greatest, true) - self.below(&least, false)) / values).clamp(0.0, 1.0)
    }

    /// Part of the histogram below a value, interpolated within a part where the type is a number. A value counts as one of
    /// those inside of its part, which are all as frequent.
    fn histogram_below(&self, value: &Datum, inclusive: bool) -> f64 {
        if self.histogram.len() < 2 {
            return 0.5;
        }
        let parts = (self.histogram.len() - 1) as f64;
        let least = LEAST_OF_BOUND / parts;
        let order = |bound: &Datum| order::compare_as(self.base_type, bound, value);
        let is_before = |bound: &Datum| order(bound).is_lt() || inclusive && order(bound).is_eq();
        let position = self.histogram.partition_point(is_before);
        if position == 0 {
            return least;
        }
        let Some(high) = self.histogram.get(position) else { return 1.0 - least };
        let low = &self.histogram[position - 1];
        let within = match (number(low), number(value), number(high)) {
            (Some(low), Some(value), Some(high)) if high > low => ((value - low) / (high - low)).clamp(0.0, 1.0),
            _ if order(low).is_eq() => 0.0,
            _ if order(high).is_eq() => 1.0,
            _ => 0.5,
        };
        let others = self.distinct - self.common.len() as f64;
        let equal = if others > 1.0 { 1.0 / others } else { 0.0 };
        let mut below = ((position - 1) as f64 + within) / parts;
        if position == 1 {
            below += equal * (1.0 - within);
        }
        if !inclusive {
            below -= equal;
        }
        below.clamp(least, 1.0 - least)
    }
}

/// A value as one of the kind of another, where comparing it there means the same; near enough at the ends of integers.
pub(super) fn comparable(like: &Datum, value: &Datum) -> Option<Datum> {
    if std::mem::discriminant(like) == std::mem::discriminant(value) {
        return Some(value.clone());
    }
    let whole = match value {
        Datum::Int2(v) => i64::from(*v),
        Datum::Int4(v) => i64::from(*v),
        Datum::Int8(v) => *v,
        Datum::Date(days) => i64::from(*days).saturating_mul(MICROS_PER_DAY),
        _ => return None,
    };
    match (like, value) {
        (Datum::Timestamp(_), Datum::Date(_)) => Some(Datum::Timestamp(whole)),
        (_, Datum::Date(_)) => None,
        (Datum::Int2(_), _) => Some(Datum::Int2(whole.clamp(i16::MIN.into(), i16::MAX.into()) as i16)),
        (Datum::Int4(_), _) => Some(Datum::Int4(whole.clamp(i32::MIN.into(), i32::MAX.into()) as i32)),
        (Datum::Int8(_), _) => Some(Datum::Int8(whole)),
        _ => None,
    }
}

/// Start and length of each run of equal values.
fn runs(values: &[Datum], base_type: Oid) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (at, value) in values.iter().enumerate() {
        match runs.last_mut() {
            Some((start, length)) if order::equal_as(base_type, &values[*start], value) => *length += 1,
            _ => runs.push((at, 1)),
        }
    }
    runs
}

/// Haas and Stokes's estimator for the different values among so many rows, of runs of equal sampled ones.
fn distinct_values(sampled: usize, runs: &[(usize, usize)], rows: f64) -> f64 {
    let once = runs.iter().filter(|(_, length)| *length == 1).count();
    match sampled > 0 && once == sampled {
        true => rows,
        false => estimated_distinct(rows, sampled as f64, runs.len() as f64, once as f64),
    }
}

/// `n·d / (n − f1 + f1·n/N)` with `d` different among `n` sampled of `N`, `f1` of them once; a whole number.
pub(super) fn estimated_distinct(rows: f64, sampled: f64, distinct: f64, once: f64) -> f64 {
    if sampled >= rows || once == 0.0 {
        return distinct;
    }
    let estimate = sampled * distinct / ((sampled - once) + once * sampled / rows);
    (estimate.clamp(distinct, rows.max(distinct)) + 0.5).floor()
}

/// What tells whether a value is frequent.
struct Counts {
    sampled: f64,
    rows: f64,
    null_fraction: f64,
    distinct: f64,
}

/// The runs of frequent values, the most frequent first.
fn common(runs: &[(usize, usize)], counts: &Counts, target: usize) -> Vec<(usize, usize)> {
    let mut frequent: Vec<(usize, usize)> = runs.iter().copied().filter(|(_, length)| *length > 1).collect();
    frequent.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    frequent.truncate(target);
    // When the sample has seen every value, all of them are kept.
    let complete = frequent.len() == runs.len() && counts.distinct <= 0.1 * counts.rows;
    if !complete && counts.sampled < counts.rows {
        frequent.truncate(clearly_frequent(&frequent, counts));
    }
    frequent
}

/// How many of the runs, the most frequent first, are so long that their values must be more frequent than the average of the
/// others: the count in a sample without replacement has a hypergeometric distribution.
fn clearly_frequent(frequent: &[(usize, usize)], counts: &Counts) -> usize {
    let Counts { sampled: n, rows, null_fraction, distinct } = *counts;
    let mut kept = frequent.len();
    let mut before: usize = frequent.iter().rev().skip(1).map(|(_, count)| count).sum();
    while kept > 0 {
        let others = (distinct - (kept - 1) as f64).max(1.0);
        let average = (1.0 - before as f64 / n - null_fraction).clamp(0.0, 1.0) / others;
        let count = frequent[kept - 1].1 as f64;
        let estimated = rows * count / n;
        let variance = n * estimated * (rows - estimated) * (rows - n) / (rows * rows * (rows - 1.0));
        if count > average * n + DEVIATIONS * variance.max(0.0).sqrt() + 0.5 {
            break;
        }
        kept -= 1;
        before = before.saturating_sub(kept.checked_sub(1).map_or(0, |last| frequent[last].1));
    }
    kept
}

fn histogram(values: &[Datum], runs: &[(usize, usize)], common: &[(usize, usize)], target: usize) -> Vec<Datum> {
    let bounds = (runs.len() - common.len()).min(target + 1);
    if bounds < 2 {
        return Vec::new();
    }
    let frequent: std::collections::HashSet<usize> = common.iter().map(|(start, _)| *start).collect();
    let others: Vec<&Datum> = runs
        .iter()
        .filter(|(start, _)| !frequent.contains(start))
        .flat_map(|(start, length)| &values[*start..*start + *length])
        .collect();
    (0..bounds).map(|bound| others[bound * (others.len() - 1) / (bounds - 1)].clone()).collect()
}

/// Pearson's coefficient of the places of sorted values and those they had in the sample.
fn correlation(placed: &[(usize, Datum)]) -> Option<f64> {
    let n = placed.len() as f64;
    if placed.len() < 2 {
        return None;
    }
    let products: f64 = placed.iter().enumerate().map(|(sorted, (place, _))| sorted as f64 * *place as f64).sum();
    let sum = n * (n - 1.0) / 2.0;
    let squares = n * (n - 1.0) * (2.0 * n - 1.0) / 6.0;
    Some((n * products - sum * sum) / (n * squares - sum * sum))
}

/// A value on a line, for interpolation.
fn number(value: &Datum) -> Option<f64> {
    Some(match value {
        Datum::Int2(v) => f64::from(*v),
        Datum::Int4(v) => f64::from(*v),
        Datum::Int8(v) => *v as f64,
        Datum::Float4(v) => f64::from(*v),
        Datum::Float8(v) => *v,
        Datum::Date(v) => f64::from(*v),
        Datum::Timestamp(v) => *v as f64,
        Datum::Numeric(v) => v.to_f64_lossy(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dictdb_types::oids;

    fn integers(values: impl IntoIterator<Item = i32>) -> Vec<Datum> {
        values.into_iter().map(Datum::Int4).collect()
    }

    fn statistics(values: Vec<Datum>, rows: f64) -> ColumnStatistics {
        let sample = Sample { values, base_type: oids::INT4, rows, target: DEFAULT_TARGET };
        ColumnStatistics::of_sample(sample, None)
    }

    #[test]
    fn unique_values_are_as_many_as_rows() {
        let stats = statistics(integers(0..1000), 50_000.0);
        assert_eq!(stats.distinct, 50_000.0);
        assert!(stats.common.is_empty());
        assert!((stats.below(&Datum::Int4(250), false) - 0.25).abs() < 0.02);
    }

    #[test]
    fn few_values_are_all_common() {
        let stats = statistics(integers((0..1000).map(|i| i32::from(i % 10 != 0))), 1e6);
        assert_eq!(stats.distinct, 2.0);
        assert!((stats.equal_to(&Datum::Int4(1)) - 0.9).abs() < 1e-9);
        assert!((stats.equal_to(&Datum::Int4(0)) - 0.1).abs() < 1e-9);
        assert!(stats.equal_to(&Datum::Int4(7)) < 0.01);
    }

    #[test]
    fn values_of_another_column_span_a_part() {
        let (days, sales) = (statistics(integers(0..3000), 70_000.0), statistics(integers(1000..1300), 300_000.0));
        assert!((days.part_within(&sales) - 0.1).abs() < 0.01);
        assert!(sales.part_within(&days) > 0.95);
        let few = statistics(integers((0..1000).map(|i| 1500 + i % 2)), 1000.0);
        assert!(days.part_within(&few) < 0.01);
        let texts = Sample { values: vec![Datum::text("a")], base_type: oids::TEXT, rows: 1.0, target: DEFAULT_TARGET };
        assert_eq!(days.part_within(&ColumnStatistics::of_sample(texts, None)), 1.0);
    }

    #[test]
    fn nulls_take_their_part() {
        let mut values = integers(0..50);
        values.extend((0..50).map(|_| Datum::Null));
        let stats = statistics(values, 100.0);
        assert_eq!(stats.null_fraction, 0.5);
        // The end of a histogram is never believed wholly.
        let below = stats.below(&Datum::Int4(1000), true);
        assert!(below < 0.5 && below > 0.499);
    }
}
