//! What a sample of several columns together tells (CREATE STATISTICS): how many different combinations there are, which
//! columns go by which others, which combinations are frequent.
//!
//! Made as PostgreSQL makes the columns of `pg_statistic_ext_data`. [`super::multivariate`] applies it.

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use dictdb_types::{Datum, Oid, order};

use super::column::estimated_distinct;

/// A column or expression of a statistics object.
#[derive(Clone, Debug)]
pub struct Dimension {
    /// `attnum` of a column; of expressions -1, -2 and so on.
    pub attnum: i16,
    /// Storage column, or the number of an expression.
    pub slot: usize,
    /// Whose order values have.
    pub base_type: Oid,
    /// An expression, as it is stored.
    pub expression: Option<Arc<str>>,
}

/// Numbers of expressions begin where no storage column can be.
const FIRST_EXPRESSION: usize = 1 << 32;

impl Dimension {
    /// The number of an expression: the same for the same text.
    pub fn slot_of_expression(text: &str) -> usize {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        FIRST_EXPRESSION + (hasher.finish() >> 2) as usize
    }

    /// Whether such a number is one of an expression.
    pub fn is_expression(slot: usize) -> bool {
        slot >= FIRST_EXPRESSION
    }
}

/// A frequent combination.
#[derive(Clone, Debug)]
pub struct CommonRow {
    /// A value for each dimension.
    pub values: Vec<Datum>,
    /// Part of all rows that have it.
    pub frequency: f64,
    /// The part that would have it if the dimensions were independent.
    pub base_frequency: f64,
}

/// The data of one statistics object.
#[derive(Clone, Debug, Default)]
pub struct ExtendedStatistics {
    /// The columns, ascending, and then the expressions.
    pub dimensions: Vec<Dimension>,
    /// Different values of each combination of at least two dimensions.
    pub distinct: Vec<(Vec<usize>, f64)>,
    /// For each list of dimensions the part of the rows in which the last goes by the ones before.
    pub dependencies: Vec<(Vec<usize>, f64)>,
    /// Frequent combinations, the most frequent first.
    pub common: Vec<CommonRow>,
}

dictdb_types::stored_struct!(Dimension { 1: attnum, 2: slot, 3: base_type, 4: expression });
dictdb_types::stored_struct!(CommonRow { 1: values, 2: frequency, 3: base_frequency });
dictdb_types::stored_struct!(ExtendedStatistics { 1: dimensions, 2: distinct, 3: dependencies, 4: common });
dictdb_types::stored_struct!(Kinds { 1: distinct, 2: dependencies, 3: common });

/// Rows of a table, with a value for each dimension.
pub struct RowSample {
    /// What the values are of.
    pub dimensions: Vec<Dimension>,
    /// The values by row.
    pub values: Vec<Vec<Datum>>,
    /// Rows of the whole table.
    pub rows: f64,
    /// Frequent combinations at most.
    pub target: usize,
}

/// Which kinds of statistics are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kinds {
    /// Different combinations.
    pub distinct: bool,
    /// Functional dependencies.
    pub dependencies: bool,
    /// Frequent combinations.
    pub common: bool,
}

impl ExtendedStatistics {
    /// From a sample.
    pub fn of_sample(sample: RowSample, kinds: Kinds) -> Self {
        let count = sample.dimensions.len();
        let distinct = if kinds.distinct { combinations(count) } else { Vec::new() };
        let distinct = distinct.into_iter().map(|columns| (distinct_of(&sample, &columns), columns));
        let distinct = distinct.map(|(distinct, columns)| (columns, distinct)).collect();
        let dependencies = if kinds.dependencies { variations(count) } else { Vec::new() };
        let dependencies = dependencies.into_iter().map(|columns| (degree_of(&sample, &columns), columns));
        let dependencies = dependencies.filter(|(degree, _)| *degree > 0.0);
        let dependencies = dependencies.map(|(degree, columns)| (columns, degree)).collect();
        let common = if kinds.common { common_of(&sample) } else { Vec::new() };
        ExtendedStatistics { dimensions: sample.dimensions, distinct, dependencies, common }
    }
}

impl RowSample {
    fn compare(&self, columns: &[usize], a: &[Datum], b: &[Datum]) -> Ordering {
        let of = |column: &usize| {
            let (a, b) = (&a[*column], &b[*column]);
            match (a.is_null(), b.is_null()) {
                (false, false) => order::compare_as(self.dimensions[*column].base_type, a, b),
                (a, b) => a.cmp(&b),
            }
        };
        columns.iter().map(of).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }

    /// The rows in the order of some columns, cut where a value of these changes.
    fn groups(&self, columns: &[usize]) -> Vec<Vec<&[Datum]>> {
        let mut rows: Vec<&[Datum]> = self.values.iter().map(Vec::as_slice).collect();
        rows.sort_by(|a, b| self.compare(columns, a, b));
        let mut groups: Vec<Vec<&[Datum]>> = Vec::new();
        for row in rows {
            match groups.last_mut() {
                Some(group) if self.compare(columns, group[0], row).is_eq() => group.push(row),
                _ => groups.push(vec![row]),
            }
        }
        groups
    }
}

/// All combinations of at least two of so many dimensions, smaller ones first.
fn combinations(count: usize) -> Vec<Vec<usize>> {
    (2..=count).flat_map(|size| chosen(count, size)).collect()
}

/// So many of the dimensions, ascending.
fn chosen(count: usize, size: usize) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..size {
        let longer = |before: Vec<usize>| {
            let first = before.last().map_or(0, |last| last + 1);
            (first..count).map(move |next| [before.as_slice(), &[next]].concat())
        };
        all = all.into_iter().flat_map(longer).collect();
    }
    all
}

/// Every choice of dimensions with every other one that may go by them.
fn variations(count: usize) -> Vec<Vec<usize>> {
    let with_implied = |before: Vec<usize>| {
        let others: Vec<usize> = (0..count).filter(|other| !before.contains(other)).collect();
        others.into_iter().map(move |implied| [before.as_slice(), &[implied]].concat())
    };
    (1..count).flat_map(|size| chosen(count, size)).flat_map(with_implied).collect()
}

/// Different combinations that the whole table probably has.
fn distinct_of(sample: &RowSample, columns: &[usize]) -> f64 {
    let groups = sample.groups(columns);
    let once = groups.iter().filter(|group| group.len() == 1).count() as f64;
    estimated_distinct(sample.rows, sample.values.len() as f64, groups.len() as f64, once)
}

/// The part of the rows whose values of all columns but the last have one value of the last.
fn degree_of(sample: &RowSample, columns: &[usize]) -> f64 {
    let (implied, by) = match columns.split_last() {
        Some((implied, by)) if !sample.values.is_empty() => ([*implied], by),
        _ => return 0.0,
    };
    let is_one = |group: &Vec<&[Datum]>| group.iter().all(|row| sample.compare(&implied, group[0], row).is_eq());
    let supporting: usize = sample.groups(by).iter().filter(|group| is_one(group)).map(Vec::len).sum();
    supporting as f64 / sample.values.len() as f64
}

/// The combinations that are so frequent that the sample says how much.
fn common_of(sample: &RowSample) -> Vec<CommonRow> {
    let all: Vec<usize> = (0..sample.dimensions.len()).collect();
    let (rows, sampled) = (sample.rows.max(sample.values.len() as f64), sample.values.len() as f64);
    let mut groups = sample.groups(&all);
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    let least = least_count(sampled, rows);
    let kept = groups.iter().take(sample.target).take_while(|group| group.len() as f64 >= least);
    let parts: Vec<Vec<(&Datum, f64)>> = all.iter().map(|column| parts_of(sample, *column, sampled)).collect();
    let part = |column: usize, value: &Datum| {
        let base_type = sample.dimensions[column].base_type;
        let order = |(other, _): &(&Datum, f64)| match (other.is_null(), value.is_null()) {
            (false, false) => order::compare_as(base_type, other, value),
            (a, b) => a.cmp(&b),
        };
        parts[column].binary_search_by(order).map_or(0.0, |at| parts[column][at].1)
    };
    let row = |group: &Vec<&[Datum]>| CommonRow {
        values: group[0].to_vec(),
        frequency: group.len() as f64 / sampled,
        base_frequency: group[0].iter().enumerate().map(|(column, value)| part(column, value)).product(),
    };
    kept.map(row).collect()
}

/// Each value of a column with its part of the rows, in order.
fn parts_of(sample: &RowSample, column: usize, sampled: f64) -> Vec<(&Datum, f64)> {
    let groups = sample.groups(&[column]);
    groups.iter().map(|group| (&group[0][column], group.len() as f64 / sampled)).collect()
}

/// How often a combination must be in a sample for its error to be below a fifth (`get_mincount_for_mcv_list`).
fn least_count(sampled: f64, rows: f64) -> f64 {
    let denominator = rows - sampled + 0.04 * sampled * (rows - 1.0);
    if denominator == 0.0 { 0.0 } else { sampled * (rows - sampled) / denominator }
}

impl ExtendedStatistics {
    /// Position of a storage column among the dimensions.
    pub(crate) fn position(&self, slot: usize) -> Option<usize> {
        self.dimensions.iter().position(|dimension| dimension.slot == slot)
    }

    /// Different combinations of some storage columns.
    pub(crate) fn distinct_of(&self, slots: &[usize]) -> Option<f64> {
        let positions: Option<Vec<usize>> = slots.iter().map(|slot| self.position(*slot)).collect();
        let mut positions = positions?;
        positions.sort_unstable();
        self.distinct.iter().find(|(own, _)| *own == positions).map(|(_, distinct)| *distinct)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dictdb_types::oids;

    fn dimension(attnum: i16) -> Dimension {
        Dimension { attnum, slot: attnum as usize - 1, base_type: oids::INT4, expression: None }
    }

    #[test]
    fn a_column_that_is_half_another_goes_by_it() {
        let values = (0..100).map(|i| vec![Datum::Int4(i % 10), Datum::Int4(i % 10 / 2)]).collect();
        let sample = RowSample { dimensions: vec![dimension(1), dimension(2)], values, rows: 100.0, target: 100 };
        let found = ExtendedStatistics::of_sample(sample, Kinds { distinct: true, dependencies: true, common: true });
        assert_eq!(found.distinct, [(vec![0, 1], 10.0)]);
        assert_eq!(found.dependencies, [(vec![0, 1], 1.0)]);
        assert_eq!(found.common.len(), 10);
        assert!((found.common[0].frequency - 0.1).abs() < 1e-9);
        assert!((found.common[0].base_frequency - 0.02).abs() < 1e-9);
    }

    #[test]
    fn dimensions_are_chosen_in_order() {
        assert_eq!(combinations(3), [vec![0, 1], vec![0, 2], vec![1, 2], vec![0, 1, 2]]);
        assert_eq!(variations(2), [vec![0, 1], vec![1, 0]]);
        assert_eq!(variations(3).len(), 9);
    }
}
