//! What a sample of a column tells: how many values are different, which are frequent, how the others are spread.
//!
//! The same numbers as `pg_statistic` has, made the same way: the estimator of distinct values is Haas and Stokes's
//! (as in PostgreSQL's `compute_scalar_stats`), bounds of the histogram hold equal parts of the rows that are not frequent.

use std::cmp::Ordering;

use dictdb_types::{Datum, Oid, order};

/// Rows a sample should have.
pub const SAMPLE_ROWS: usize = 3000;
/// Frequent values kept at most.
const MOST_COMMON: usize = 100;
/// Parts of the histogram.
const HISTOGRAM_PARTS: usize = 100;
const MICROS_PER_DAY: i64 = 86_400_000_000;
/// A value is frequent when it is so many times as frequent as the average one.
const COMMON_FACTOR: f64 = 1.25;

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
    base_type: Oid,
}

impl ColumnStatistics {
    /// From sampled values of a table with so many rows; `distinct` is the exact number where an index knows it.
    pub fn of_sample(mut values: Vec<Datum>, base_type: Oid, rows: f64, distinct: Option<f64>) -> Self {
        let sampled = values.len();
        if sampled == 0 {
            return ColumnStatistics { distinct: distinct.unwrap_or(1.0), base_type, ..Default::default() };
        }
        values.retain(|value| !value.is_null());
        let null_fraction = 1.0 - values.len() as f64 / sampled as f64;
        values.sort_by(|a, b| order::compare_as(base_type, a, b));
        let runs = runs(&values, base_type);
        let estimated = distinct_values(&runs, values.len(), rows * (1.0 - null_fraction));
        let distinct = distinct.unwrap_or(estimated).max(1.0);
        let common = common(&values, &runs, sampled, distinct);
        let histogram = histogram(&values, &runs, &common, base_type);
        ColumnStatistics { null_fraction, distinct, common, histogram, base_type }
    }

    /// A value as one of the column's type, where comparing it there means the same; near enough at the ends of integers.
    pub fn comparable(&self, value: &Datum) -> Option<Datum> {
        let like = self.common.first().map(|(common, _)| common).or(self.histogram.first())?;
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
        (frequent + rest * self.histogram_below(value)).clamp(0.0, 1.0)
    }

    /// Part of the histogram below a value, interpolated within a part where the type is a number.
    fn histogram_below(&self, value: &Datum) -> f64 {
        if self.histogram.len() < 2 {
            return 0.5;
        }
        let parts = (self.histogram.len() - 1) as f64;
        let position = self.histogram.partition_point(|bound| order::compare_as(self.base_type, bound, value).is_lt());
        if position == 0 {
            return 0.0;
        }
        let Some(high) = self.histogram.get(position) else { return 1.0 };
        let within = match (number(&self.histogram[position - 1]), number(value), number(high)) {
            (Some(low), Some(value), Some(high)) if high > low => ((value - low) / (high - low)).clamp(0.0, 1.0),
            _ => 0.5,
        };
        ((position - 1) as f64 + within) / parts
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

/// Haas and Stokes's estimator: `n·d / (n − f1 + f1·n/N)` with `d` values in `n` rows of `N`, `f1` of them once.
fn distinct_values(runs: &[(usize, usize)], sampled: usize, rows: f64) -> f64 {
    let (n, d) = (sampled as f64, runs.len() as f64);
    let once = runs.iter().filter(|(_, length)| *length == 1).count() as f64;
    if n >= rows || once == 0.0 {
        return d;
    }
    if once == n {
        return rows;
    }
    (n * d / ((n - once) + once * n / rows)).clamp(d, rows)
}

fn common(values: &[Datum], runs: &[(usize, usize)], sampled: usize, distinct: f64) -> Vec<(Datum, f64)> {
    let average = values.len() as f64 / distinct.max(1.0);
    // When the sample has seen every value, all of them are kept.
    let complete = runs.len() <= MOST_COMMON && runs.len() as f64 >= distinct;
    let mut frequent: Vec<(usize, usize)> = runs
        .iter()
        .copied()
        .filter(|(_, length)| complete || (*length > 1 && *length as f64 > average * COMMON_FACTOR))
        .collect();
    frequent.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    frequent.truncate(MOST_COMMON);
    frequent.iter().map(|(start, length)| (values[*start].clone(), *length as f64 / sampled as f64)).collect()
}

fn histogram(values: &[Datum], runs: &[(usize, usize)], common: &[(Datum, f64)], base_type: Oid) -> Vec<Datum> {
    let mut others: Vec<&Datum> = Vec::with_capacity(values.len());
    for (start, length) in runs {
        if !common.iter().any(|(value, _)| order::equal_as(base_type, value, &values[*start])) {
            others.extend(&values[*start..*start + *length]);
        }
    }
    if others.len() < 2 {
        return Vec::new();
    }
    let parts = HISTOGRAM_PARTS.min(others.len() - 1);
    (0..=parts).map(|part| others[part * (others.len() - 1) / parts].clone()).collect()
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

    #[test]
    fn unique_values_are_as_many_as_rows() {
        let stats = ColumnStatistics::of_sample(integers(0..1000), oids::INT4, 50_000.0, None);
        assert_eq!(stats.distinct, 50_000.0);
        assert!(stats.common.is_empty());
        assert!((stats.below(&Datum::Int4(250), false) - 0.25).abs() < 0.02);
    }

    #[test]
    fn few_values_are_all_common() {
        let stats =
            ColumnStatistics::of_sample(integers((0..1000).map(|i| i32::from(i % 10 != 0))), oids::INT4, 1e6, None);
        assert_eq!(stats.distinct, 2.0);
        assert!((stats.equal_to(&Datum::Int4(1)) - 0.9).abs() < 1e-9);
        assert!((stats.equal_to(&Datum::Int4(0)) - 0.1).abs() < 1e-9);
        assert!(stats.equal_to(&Datum::Int4(7)) < 0.01);
    }

    #[test]
    fn nulls_take_their_part() {
        let mut values = integers(0..50);
        values.extend((0..50).map(|_| Datum::Null));
        let stats = ColumnStatistics::of_sample(values, oids::INT4, 100.0, None);
        assert_eq!(stats.null_fraction, 0.5);
        assert!((stats.below(&Datum::Int4(1000), true) - 0.5).abs() < 1e-9);
    }
}
