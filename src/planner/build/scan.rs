//! Access to tables: sequential, by index, and system catalogs.

use std::sync::Arc;

use dictdb_catalog::RelationKind;
use dictdb_types::{Result, Type};

use super::index::{IndexMatch, best_index};
use super::{Builder, Built, CPU_INDEX_TUPLE, CPU_OPERATOR, CPU_TUPLE, Layout, Outer};
use crate::estimate::selectivity;
use crate::expr::{Expr, SortKey};
use crate::logical::{Node as Logical, Scan};
use crate::physical::{Fetch, Node, Op, ROW_ID, TableLock, TableRef};

impl Builder<'_> {
    pub(crate) fn build_filter(&mut self, input: &Logical, predicate: &Expr, outer: &Outer) -> Result<Built> {
        let mut conjuncts = Vec::new();
        predicate.clone().into_conjuncts(&mut conjuncts);
        if let Logical::Scan(scan) = input {
            return self.build_scan(scan, conjuncts, outer);
        }
        let built = self.build(input, outer)?;
        self.filter_over(built, conjuncts, outer)
    }

    /// A filter over a built node.
    pub(crate) fn filter_over(&mut self, built: Built, conjuncts: Vec<Expr>, outer: &Outer) -> Result<Built> {
        let Some(predicate) = Expr::conjunction(conjuncts) else { return Ok(built) };
        let Built { node: input, layout } = built;
        let kept = selectivity(&predicate);
        let predicate = self.expr(&predicate, &layout, outer)?;
        let (columns, names, rows, cost) =
            super::over(&input, input.rows * kept, (input.cost.0, input.cost.1 + input.rows * CPU_OPERATOR));
        let op = Op::Filter { input: Box::new(input), predicate };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout })
    }

    /// A table with the conditions on it, by the cheapest access.
    pub(crate) fn build_scan(&mut self, scan: &Scan, conjuncts: Vec<Expr>, outer: &Outer) -> Result<Built> {
        self.build_ordered_scan(scan, conjuncts, &[], outer).map(|(built, _)| built)
    }

    /// Like [`Builder::build_scan`]; prefers an index that gives the rows in the order of `keys`, and tells whether the
    /// access does.
    pub(crate) fn build_ordered_scan(
        &mut self,
        scan: &Scan,
        conjuncts: Vec<Expr>,
        keys: &[SortKey],
        outer: &Outer,
    ) -> Result<(Built, bool)> {
        if matches!(scan.relation.kind, RelationKind::Virtual) {
            return Ok((self.build_virtual_scan(scan, conjuncts, outer)?, false));
        }
        self.lock(scan.relation.oid, TableLock::AccessShare);
        let (fetch, layout, columns, names) = fetched(scan);
        let total = self.statistics.rows(scan.relation.storage).max(1.0);
        let kept = conjuncts.iter().map(selectivity).product::<f64>();
        let table = TableRef { relation: scan.relation.clone(), alias: scan.alias.clone() };
        let found = best_index(self.catalog, self.statistics, scan, &conjuncts, keys, &Layout::new());
        let ordered = found.as_ref().is_some_and(|found| found.ordered);
        let node = match found {
            Some(found) => {
                let rows = (total * found.selectivity * rest_selectivity(&conjuncts, &found)).max(1.0);
                let touched = (total * found.selectivity).max(1.0);
                let cost = (0.0, 0.3 + touched * (CPU_INDEX_TUPLE + CPU_TUPLE));
                let filter = self.remaining(&conjuncts, &found, &layout, outer)?;
                let bounds = found
                    .bounds
                    .iter()
                    .map(|bounds| self.bounds(bounds, &Layout::new(), outer))
                    .collect::<Result<Vec<_>>>()?;
                let op = Op::IndexScan { table, index: found.index, bounds, reverse: found.reverse, fetch, filter };
                Node { op, columns, names, rows, cost }
            }
            None => {
                let cost = (0.0, total * (CPU_TUPLE + CPU_OPERATOR * conjuncts.len() as f64));
                let rows = (total * kept).max(1.0);
                let filter = self.scan_filter(conjuncts, &layout, outer)?;
                let op = Op::SeqScan { table, fetch, filter };
                Node { op, columns, names, rows, cost }
            }
        };
        Ok((Built { node, layout }, ordered))
    }

    /// Conditions an index does not answer by itself.
    fn remaining(
        &mut self,
        conjuncts: &[Expr],
        found: &IndexMatch,
        layout: &Layout,
        outer: &Outer,
    ) -> Result<Option<Expr>> {
        let rest = conjuncts.iter().enumerate().filter(|(i, _)| !found.answered.contains(i)).map(|(_, c)| c.clone());
        self.scan_filter(rest.collect(), layout, outer)
    }

    /// The filter of an access operator: over its fetched columns. Columns only the filter needs were kept by pruning.
    fn scan_filter(&mut self, conjuncts: Vec<Expr>, layout: &Layout, outer: &Outer) -> Result<Option<Expr>> {
        match Expr::conjunction(conjuncts) {
            Some(predicate) => self.expr(&predicate, layout, outer).map(Some),
            None => Ok(None),
        }
    }

    fn build_virtual_scan(&mut self, scan: &Scan, conjuncts: Vec<Expr>, outer: &Outer) -> Result<Built> {
        let (fetch, layout, columns, names) = fetched(scan);
        let mut equals = Vec::new();
        for conjunct in &conjuncts {
            if let Some((id, value)) = super::index::equality(conjunct)
                && let Some((_, attnum)) = scan.columns.iter().find(|(column, _)| column.id == id)
                && !value.any(&mut |e| {
                    matches!(e, Expr::Column(id, _) if layout.contains(id)) || matches!(e, Expr::Sublink(_))
                })
            {
                equals.push((*attnum, self.expr(value, &Layout::new(), outer)?));
            }
        }
        let rows = if equals.is_empty() { 500.0 } else { 5.0 };
        let filter = self.scan_filter(conjuncts, &layout, outer)?;
        let table = TableRef { relation: scan.relation.clone(), alias: scan.alias.clone() };
        let op = Op::VirtualScan { table, fetch, equals, filter };
        Ok(Built { node: Node { op, columns, names, rows, cost: (0.0, rows * CPU_TUPLE) }, layout })
    }
}

/// What a scan reads, where it puts it.
pub(crate) fn fetched(scan: &Scan) -> (Fetch, Layout, Vec<Type>, Vec<Arc<str>>) {
    let mut layout: Layout = scan.columns.iter().map(|(column, _)| column.id).collect();
    let mut types: Vec<Type> = scan.columns.iter().map(|(column, _)| column.ty).collect();
    let mut names: Vec<Arc<str>> = scan.columns.iter().map(|(column, _)| column.name.clone()).collect();
    if let Some(row_id) = scan.row_id {
        layout.push(row_id);
        types.push(ROW_ID);
        names.push(Arc::from("row id"));
    }
    let columns = scan.columns.iter().map(|(_, attnum)| *attnum).collect();
    (Fetch { columns, row_id: scan.row_id.is_some() }, layout, types, names)
}

fn rest_selectivity(conjuncts: &[Expr], found: &IndexMatch) -> f64 {
    conjuncts.iter().enumerate().filter(|(i, _)| !found.answered.contains(i)).map(|(_, c)| selectivity(c)).product()
}
