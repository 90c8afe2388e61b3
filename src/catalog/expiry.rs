//! Tables whose rows go by themselves: the storage parameters `ttl` and `max_rows`.
//!
//! A table with `ttl` keeps when each row was written, in a column that is dropped for everybody else: nothing lists it, copies it,
//! dumps it or gives it a value, and its values are kept and logged like any other's. It stays when `ttl` is reset.

use std::sync::Arc;

use dictdb_types::env::BareEnv;
use dictdb_types::{Datum, Type, oids, text};

use crate::{Column, Relation};

/// Name of the column that says when a row was written.
const WRITTEN_AT: &str = "........dictdb.written........";
/// The time of the statement that writes.
const STATEMENT_TIME: &str = "statement_timestamp()";

const MICROS_PER_DAY: i64 = 24 * 60 * 60 * 1_000_000;
const DAYS_PER_MONTH: i64 = 30;

/// The microseconds that a value of `ttl` stands for: an interval of more than nothing, its months of 30 days.
pub fn ttl_micros(value: &str) -> Option<i64> {
    let Ok(Datum::Interval(interval)) = text::input(value, Type::new(oids::INTERVAL), &BareEnv::default()) else {
        return None;
    };
    let days = i64::from(interval.months) * DAYS_PER_MONTH + i64::from(interval.days);
    let micros = days.checked_mul(MICROS_PER_DAY)?.checked_add(interval.micros)?;
    (micros > 0).then_some(micros)
}

impl Column {
    /// The column that says when a row was written; rows that are there have `now` in it.
    pub fn written_at(slot: usize, now: i64) -> Column {
        Column {
            dropped: true,
            generated: true,
            default: Some(Arc::from(STATEMENT_TIME)),
            missing: Datum::Timestamp(now),
            ..Column::new(WRITTEN_AT, Type::new(oids::TIMESTAMPTZ), slot)
        }
    }

    /// Whether it is that column.
    pub fn is_written_at(&self) -> bool {
        self.dropped && &*self.name == WRITTEN_AT
    }

    /// Whether storage keeps its values.
    pub fn is_kept(&self) -> bool {
        !self.dropped || self.is_written_at()
    }
}

impl Relation {
    /// Storage columns, up to the last one that is a column's, of which no values are kept: of columns that are gone, or were taken back.
    pub fn vacant_slots(&self) -> Vec<usize> {
        let width = self.columns.iter().map(|column| column.slot + 1).max().unwrap_or(0);
        let mut is_kept = vec![false; width];
        self.columns.iter().filter(|column| column.is_kept()).for_each(|column| is_kept[column.slot] = true);
        (0..width).filter(|slot| !is_kept[*slot]).collect()
    }

    /// `ttl` in microseconds: how long a row is there after it was written.
    pub fn ttl_micros(&self) -> Option<i64> {
        self.option("ttl").and_then(ttl_micros)
    }

    /// `max_rows`: how many rows there are at most.
    pub fn max_rows(&self) -> Option<usize> {
        self.option("max_rows")?.parse().ok()
    }

    /// The parameter by which its rows go by themselves.
    pub fn limited_by(&self) -> Option<&'static str> {
        ["ttl", "max_rows"].into_iter().find(|name| self.option(name).is_some())
    }

    /// The column that says when a row was written, with its attnum; of tables that have or had `ttl`.
    pub fn written_at(&self) -> Option<(i16, &Column)> {
        let found = self.columns.iter().position(Column::is_written_at)?;
        Some((found as i16 + 1, &self.columns[found]))
    }

    /// The columns whose values are computed whenever a row is written.
    pub fn computed_columns(&self) -> impl Iterator<Item = (i16, &Column)> {
        let columns = self.columns.iter().enumerate().filter(|(_, column)| column.generated && column.is_kept());
        columns.map(|(place, column)| (place as i16 + 1, column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ttl_is_an_interval_of_some_length() {
        assert_eq!(ttl_micros("10s"), Some(10_000_000));
        assert_eq!(ttl_micros("1 day 1 minute"), Some(MICROS_PER_DAY + 60_000_000));
        assert_eq!(ttl_micros("1 month"), Some(30 * MICROS_PER_DAY));
        for value in ["0", "-1s", "1 hour ago", "soon", ""] {
            assert_eq!(ttl_micros(value), None, "{value}");
        }
    }
}
