//! Whether the rows that an index finds are read one after the other, or found all before the first is read, which then happens
//! in the order of the table.
//!
//! Both cost about the same here. So the choice is PostgreSQL's, by its own costs (`cost_index`, `cost_bitmap_heap_scan`): rows
//! come in the order that programs know.

use std::collections::BTreeSet;

use dictdb_catalog::{IndexInfo, IndexTarget, Relation};
use dictdb_types::{Datum, Type, TypeLookup};

use super::{Builder, IndexMatch, RegionMatch};
use crate::build::nominal;
use crate::estimate::{CostConstants, Estimator};
use crate::expr::Expr;
use crate::logical::Scan;

/// Inserted rows from which on a table is vacuumed by itself, so that indexes alone can answer
/// (`autovacuum_vacuum_insert_threshold`).
const VACUUMED_ROWS: f64 = 1000.0;
/// What putting a row into a set costs, in operators.
const PUT_INTO_SET: f64 = 0.1;
/// How much of the order of its first column an index of several has.
const FIRST_OF_SEVERAL: f64 = 0.75;
/// Bytes of an entry of an index beside its values, and the part of a page that is filled.
const ENTRY_BYTES: f64 = 12.0;
const FILLED: f64 = 0.9;
/// Of two plans whose costs differ by less the one that starts earlier is taken.
const FUZZ: f64 = 1.01;

/// What PostgreSQL knows of a search.
struct SearchCost {
    constants: CostConstants,
    /// Pages of the table, and its rows.
    pages: f64,
    rows: f64,
    /// Pages of the index.
    index_pages: f64,
    /// Rows found.
    found: f64,
    /// Searches for different values.
    searches: f64,
    /// How well the order of the index is that of the table, from zero to one.
    correlation: f64,
    /// Conditions that the index answers, and those that it does not.
    answered: f64,
    others: f64,
    /// Whether rows need not be looked at.
    index_only: bool,
}

impl Builder<'_> {
    /// Whether the rows that an index finds are found all before the first is read. `from_keys`: they need not be read.
    pub(crate) fn reads_as_set(&self, scan: &Scan, found: &IndexMatch, conjuncts: &[Expr], from_keys: bool) -> bool {
        let Some(info) = found.index.index() else { return false };
        if !self.methods.bitmapscan || found.answered.is_empty() {
            return false;
        }
        if !self.methods.indexscan {
            return true;
        }
        let cost = self.search_cost(scan, found, (info, conjuncts), from_keys);
        cost.as_set() * FUZZ < cost.in_turn()
    }

    /// Likewise of a walk through an index of boxes.
    pub(crate) fn reads_boxes_as_set(&self, scan: &Scan, found: &RegionMatch, conjuncts: &[Expr]) -> bool {
        let Some(info) = found.index.index() else { return false };
        if !self.methods.bitmapscan || found.used.is_empty() {
            return false;
        }
        if !self.methods.indexscan {
            return true;
        }
        let rows = self.nominal_rows(scan);
        let answered: Vec<Expr> = found.used.iter().filter_map(|at| conjuncts.get(*at).cloned()).collect();
        let cost = SearchCost {
            constants: self.constants,
            pages: self.nominal_pages(&scan.relation, rows),
            rows,
            index_pages: self.index_pages(info, rows),
            found: (rows * Estimator::new(&self.guesses, &self.origins).all(&answered)).max(1.0).round(),
            searches: 1.0,
            correlation: 0.0,
            answered: answered.len() as f64,
            others: (conjuncts.len() - answered.len()) as f64,
            index_only: self.keys_tell(scan, &found.index) && self.live_rows(scan) >= VACUUMED_ROWS,
        };
        cost.as_set() * FUZZ < cost.in_turn()
    }

    /// Pages that the entries of an index would have.
    fn index_pages(&self, info: &IndexInfo, rows: f64) -> f64 {
        let key_bytes: i32 = info.keys.iter().map(|key| nominal::width(key.ty, &**self.catalog)).sum();
        (rows * (f64::from(key_bytes) + ENTRY_BYTES) / (nominal::PAGE_BYTES * FILLED)).ceil().max(1.0)
    }

    fn search_cost(
        &self,
        scan: &Scan,
        found: &IndexMatch,
        (info, conjuncts): (&IndexInfo, &[Expr]),
        from_keys: bool,
    ) -> SearchCost {
        let rows = self.nominal_rows(scan);
        let answered: Vec<Expr> = found.answered.iter().filter_map(|at| conjuncts.get(*at).cloned()).collect();
        let kept = Estimator::new(&self.guesses, &self.origins).all(&answered);
        let kept = if found.is_of_one_row() { 0.0 } else { kept };
        let searches = found.bounds.iter().map(|bounds| bounds.any.as_ref().map_or(1.0, elements)).sum();
        SearchCost {
            constants: self.constants,
            pages: self.nominal_pages(&scan.relation, rows),
            rows,
            index_pages: self.index_pages(info, rows),
            found: (rows * kept).max(1.0).round(),
            searches,
            correlation: self.correlation(scan, info),
            answered: answered.len() as f64,
            others: (conjuncts.len() - answered.len()) as f64,
            index_only: from_keys && self.live_rows(scan) >= VACUUMED_ROWS,
        }
    }

    /// How well the order of an index is that of the table.
    fn correlation(&self, scan: &Scan, info: &IndexInfo) -> f64 {
        let Some(first) = info.keys.first() else { return 0.0 };
        let IndexTarget::Column(attnum) = first.target else { return 0.0 };
        let Some(column) = scan.relation.column(attnum) else { return 0.0 };
        let base: Type = self.catalog.base_type(first.ty);
        let known = self.statistics.column(scan.relation.storage, column.slot, base.oid);
        let correlation = known.and_then(|column| column.correlation).unwrap_or(0.0).abs();
        if info.keys.len() > 1 { correlation * FIRST_OF_SEVERAL } else { correlation }
    }

    /// Pages that the rows of a table would have.
    fn nominal_pages(&self, relation: &Relation, rows: f64) -> f64 {
        let columns = relation.columns.iter().filter(|column| !column.dropped);
        let width: i32 = columns.map(|column| nominal::width(column.ty, &**self.catalog)).sum();
        (rows / nominal::rows_of_page(width)).ceil().max(1.0)
    }
}

/// Elements of an array that is searched for.
fn elements(array: &Expr) -> f64 {
    const UNKNOWN: f64 = 10.0;
    match array {
        Expr::Const(Datum::Array(array), _) => {
            let distinct: BTreeSet<String> = array.items.iter().map(|item| format!("{item:?}")).collect();
            distinct.len().max(1) as f64
        }
        _ => UNKNOWN,
    }
}

impl SearchCost {
    /// The search of the index itself.
    fn of_index(&self) -> f64 {
        let CostConstants { random_page, cpu_index_tuple, cpu_operator, .. } = self.constants;
        let each = (self.found / self.searches).max(1.0);
        let pages = (each / self.rows * self.index_pages).ceil().max(1.0) * self.searches;
        pages.min(self.index_pages) * random_page + self.found * (cpu_index_tuple + cpu_operator * self.answered)
    }

    /// Pages on which rows are that are anywhere (Mackert and Lohman).
    fn pages_of_rows(&self) -> f64 {
        let (pages, found) = (self.pages, self.found);
        (2.0 * pages * found / (2.0 * pages + found)).min(pages)
    }

    /// Rows that are read one after the other.
    fn in_turn(&self) -> f64 {
        let CostConstants { random_page, seq_page, cpu_tuple, cpu_operator, .. } = self.constants;
        let pages = |pages: f64| if self.index_only { 0.0 } else { pages.ceil() };
        let scattered = pages(self.pages_of_rows()) * random_page;
        let together = match pages(self.found / self.rows * self.pages) {
            0.0 => 0.0,
            pages => random_page + (pages - 1.0) * seq_page,
        };
        let read = scattered + self.correlation.powi(2) * (together - scattered);
        self.of_index() + read + self.found * (cpu_tuple + cpu_operator * self.others)
    }

    /// Rows that are found all before the first is read.
    fn as_set(&self) -> f64 {
        let CostConstants { random_page, seq_page, cpu_tuple, cpu_operator, .. } = self.constants;
        let pages = self.pages_of_rows().ceil();
        let each = match pages >= 2.0 {
            true => random_page - (random_page - seq_page) * (pages / self.pages).sqrt(),
            false => random_page,
        };
        let looked_at = cpu_tuple + cpu_operator * (self.answered + self.others);
        self.of_index() + pages * each + self.found * (looked_at + cpu_operator * PUT_INTO_SET)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A search of a table of ten thousand rows on 345 pages, as PostgreSQL's own tests have it.
    fn search(found: f64, correlation: f64) -> SearchCost {
        SearchCost {
            constants: CostConstants::default(),
            pages: 345.0,
            rows: 10_000.0,
            index_pages: 30.0,
            found,
            searches: 1.0,
            correlation,
            answered: 1.0,
            others: 0.0,
            index_only: false,
        }
    }

    #[test]
    fn scattered_rows_are_read_as_a_set() {
        let as_set = |search: SearchCost| search.as_set() * FUZZ < search.in_turn();
        assert!(!as_set(search(1.0, 0.0)));
        assert!(as_set(search(100.0, 0.0)));
        assert!(!as_set(search(100.0, 1.0)));
        assert!(!as_set(SearchCost { index_only: true, ..search(100.0, 0.0) }));
        // All of a small table is on one page.
        assert!(!as_set(SearchCost { pages: 1.0, rows: 50.0, index_pages: 1.0, ..search(5.0, 0.0) }));
    }
}
