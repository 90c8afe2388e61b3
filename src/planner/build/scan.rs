//! Access to tables: sequential, by index, and system catalogs.

use std::collections::BTreeSet;
use std::sync::Arc;

use dictdb_catalog::RelationKind;
use dictdb_types::{Datum, Error, Result, SqlState, Type, oids};

use super::cost::{self, Cost};
use super::index::{BitmapMatch, IndexMatch, RegionMatch};
use super::join::filtered;
use super::order::{Wanted, within};
use super::sublink::has_correlated_query;
use super::{Builder, Built, Layout, Outer, tid};
use crate::columns::expr_columns;
use crate::expr::{ColumnId, Expr};
use crate::logical::{Node as Logical, Sample, Scan};
use crate::physical::{Fetch, Node, Op, ROW_ID, ReadOrder, TableLock, TableRef};

/// Attnums of system columns.
const TABLEOID: i16 = -6;
/// Share of a table that a sample is expected to be.
const SAMPLED: f64 = 0.1;

impl Builder<'_> {
    /// 55000 for a foreign table, whose rows nobody can get, or may (`restrict_nonsystem_relation_kind`).
    pub(super) fn check_handler(&self, relation: &dictdb_catalog::Relation) -> Result<()> {
        if relation.foreign.is_some() && self.cx.env.restricted_kinds().foreign_tables {
            let message = "access to non-system foreign table is restricted";
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        self.catalog.no_handler(relation).map_or(Ok(()), Err)
    }

    pub(crate) fn build_filter(
        &mut self,
        input: &Logical,
        predicate: &Expr,
        wanted: &Wanted,
        outer: &Outer,
    ) -> Result<Built> {
        let mut conjuncts = Vec::new();
        predicate.clone().into_conjuncts(&mut conjuncts);
        let provided: BTreeSet<ColumnId> = input.columns().iter().map(|column| column.id).collect();
        let (one_time, conjuncts): (Vec<Expr>, Vec<Expr>) =
            conjuncts.into_iter().partition(|conjunct| is_one_time(conjunct, &provided));
        if matches!(input, Logical::Join { .. } | Logical::Aggregate(_))
            && let Some(built) = self.build_by_partitions(&filtered(input, &conjuncts), wanted, outer)?
        {
            return self.gated(built, one_time, outer);
        }
        let built = self.build_filtered(input, conjuncts, wanted, outer)?;
        self.gated(built, one_time, outer)
    }

    /// All rows of a plan if conditions hold that are about none of its rows.
    fn gated(&mut self, built: Built, one_time: Vec<Expr>, outer: &Outer) -> Result<Built> {
        let Some(condition) = Expr::conjunction(one_time) else { return Ok(built) };
        let subplans = self.subplans.len();
        let condition = self.expr(&condition, &Layout::new(), outer)?;
        let (once, each) = self.cost_of_queries(&condition, subplans, 1.0);
        let Built { node: input, layout, order } = built;
        let before = once + each;
        let (columns, names, rows, cost) =
            super::over(&input, input.rows, (input.cost.0 + before, input.cost.1 + before));
        let op = Op::Gate { input: Box::new(input), condition };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout, order })
    }

    fn build_filtered(
        &mut self,
        input: &Logical,
        conjuncts: Vec<Expr>,
        wanted: &Wanted,
        outer: &Outer,
    ) -> Result<Built> {
        let (with_queries, conjuncts): (Vec<Expr>, Vec<Expr>) = conjuncts.into_iter().partition(has_correlated_query);
        let kept = self.estimator().all(&with_queries);
        let below = wanted.before_filter(kept);
        let built = match input {
            // Policies with queries come before what could tell of the rows they hide.
            Logical::Scan(scan) if scan.relation.row_security && !with_queries.is_empty() => {
                let (leaky, safe) = conjuncts.into_iter().partition(Expr::is_leaky);
                let built = self.build_scan(scan, safe, &below, outer)?;
                let built = self.filter_with_queries(built, with_queries, outer)?;
                return self.filter_over(built, leaky, outer);
            }
            Logical::Scan(scan) => self.build_scan(scan, conjuncts, &below, outer)?,
            Logical::Window { input, calls } => {
                let (run, rest) = self.run_conditions(calls, conjuncts);
                let built = self.build_window(input, calls, &run, outer)?;
                self.filter_over(built, rest, outer)?
            }
            _ => {
                let below = below.before_filter(self.estimator().all(&conjuncts));
                let built = self.build_wanted(input, &below, outer)?;
                self.filter_over(built, conjuncts, outer)?
            }
        };
        self.filter_with_queries(built, with_queries, outer)
    }

    /// A sample of a table: always by reading all of it.
    pub(crate) fn build_sample(&mut self, sample: &Sample, outer: &Outer) -> Result<Built> {
        let Built { node: input, layout, .. } = self.build(&sample.input, outer)?;
        let row_id = layout.iter().position(|id| *id == sample.row_id);
        let row_id = row_id.ok_or_else(|| Error::internal("a sampled table without row ids"))?;
        let none = Layout::new();
        let percent = self.expr(&sample.percent, &none, outer)?;
        let seed = sample.seed.as_ref().map(|seed| self.expr(seed, &none, outer)).transpose()?;
        let (columns, names, rows, cost) = super::over(&input, input.rows * SAMPLED, input.cost);
        let op = Op::Sample { input: Box::new(input), row_id, method: sample.method, percent, seed };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout, order: Vec::new() })
    }

    /// A filter over a built node.
    pub(crate) fn filter_over(&mut self, built: Built, conjuncts: Vec<Expr>, outer: &Outer) -> Result<Built> {
        if conjuncts.is_empty() {
            return Ok(built);
        }
        let kept = self.estimator().all(&conjuncts);
        let work = self.work_of(&conjuncts);
        let Some(predicate) = Expr::conjunction(conjuncts) else { return Ok(built) };
        let Built { node: input, layout, order } = built;
        let subplans = self.subplans.len();
        let predicate = self.expr(&predicate, &layout, outer)?;
        let queries = self.cost_of_queries(&predicate, subplans, input.rows);
        let work = input.rows * work + queries.1;
        let start = input.cost.0 + queries.0;
        let cost = (start, input.cost.1 + queries.0 + work);
        let (columns, names, rows, cost) = super::over(&input, (input.rows * kept).max(1.0), cost);
        let op = Op::Filter { input: Box::new(input), predicate };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout, order })
    }

    /// A table with the conditions on it, by the access that suits the wish best.
    pub(crate) fn build_scan(
        &mut self,
        scan: &Scan,
        mut conjuncts: Vec<Expr>,
        wanted: &Wanted,
        outer: &Outer,
    ) -> Result<Built> {
        if matches!(scan.relation.kind, RelationKind::Virtual | RelationKind::Sequence(_)) {
            return self.build_virtual_scan(scan, conjuncts, outer);
        }
        self.check_handler(&scan.relation)?;
        self.lock(scan.relation.oid, TableLock::AccessShare);
        if scan.relation.row_security {
            conjuncts.sort_by_key(Expr::is_leaky);
        }
        if !scan.members.is_empty() {
            return self.build_members(scan, &conjuncts, wanted, outer);
        }
        if conjuncts.iter().any(|conjunct| conjunct.any(&mut |e| matches!(e, Expr::Sublink(_)))) {
            conjuncts = self.with_shared_queries(&conjuncts, outer)?;
        }
        conjuncts.iter_mut().for_each(|conjunct| name_table(conjunct, scan));
        if let Some(tids) = tid::taken(&mut conjuncts, scan) {
            return self.build_tid_scan(scan, tids, conjuncts, outer);
        }
        let access = self.choose_access(scan, &conjuncts, wanted);
        let (fetch, layout, columns, names) = fetched(scan);
        let table = TableRef { relation: scan.relation.clone(), alias: scan.alias.clone() };
        let (rows, cost) = (access.rows, access.cost);
        let (op, order) = match access.path {
            Path::Index(found) => {
                let filter = self.remaining(&conjuncts, &found, &layout, outer)?;
                let bounds = found.bounds.iter().map(|bounds| self.bounds(bounds, &Layout::new(), outer));
                let bounds = bounds.collect::<Result<Vec<_>>>()?;
                let is_free = !wanted.keeps_order() && wanted.rows.is_none();
                let from_keys = self.keys_tell(scan, &found.index);
                let (read, from_keys) = match found.reverse {
                    _ if is_free && self.reads_as_set(scan, &found, &conjuncts, from_keys) => (ReadOrder::Table, false),
                    true => (ReadOrder::Backward, from_keys),
                    false => (ReadOrder::Keys, from_keys),
                };
                let order = if read == ReadOrder::Table { Vec::new() } else { within(found.order, &layout) };
                let fetch = Fetch { from_keys, ..fetch };
                (Op::IndexScan { table, index: found.index, bounds, order: read, fetch, filter }, order)
            }
            Path::Bitmap(found) => {
                let (used, rest) = self.split_used(&conjuncts, &found.used, &layout, outer)?;
                let recheck = used.ok_or_else(|| Error::internal("a set of rows without a condition"))?;
                let bitmap = self.bitmap(&found.bitmap, &layout, outer)?;
                (Op::BitmapScan { table, bitmap, recheck, fetch, filter: rest }, Vec::new())
            }
            Path::Regions(found) => {
                let (recheck, filter) = self.split_used(&conjuncts, &found.used, &layout, outer)?;
                let conditions = self.key_conditions(&found.conditions, &layout, outer)?;
                let nearest =
                    found.nearest.as_ref().map(|nearest| self.nearest(nearest, &layout, outer)).transpose()?;
                let fetch = Fetch { from_keys: self.keys_tell(scan, &found.index), ..fetch };
                let order = found.order;
                (Op::RegionScan { table, index: found.index, conditions, nearest, recheck, fetch, filter }, order)
            }
            Path::Whole => {
                let filter = self.scan_filter(conjuncts, &layout, outer)?;
                (Op::SeqScan { table, fetch, tids: None, filter }, Vec::new())
            }
        };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout, order })
    }

    /// The access to a table that is cheapest for as many rows as are wanted; when an order is wanted and an index gives
    /// some of it, one of those that do.
    pub(crate) fn choose_access(&self, scan: &Scan, conjuncts: &[Expr], wanted: &Wanted) -> Access {
        let total = self.rows_of(scan);
        let kept = self.estimator().all(conjuncts);
        let rows = (total * kept).max(1.0);
        let per_row =
            cost::SCAN_ROW + cost::SCAN_COLUMN * scan.columns.len() as f64 + cost::OPERATOR * conjuncts.len() as f64;
        let disabled = if self.methods.seqscan { 0.0 } else { cost::DISABLED };
        let start = disabled + cost::SCAN_START;
        let mut best = Access { path: Path::Whole, rows, cost: (start, start + total * per_row) };
        let mut ordered = false;
        for found in self.matching_indexes(scan, conjuncts, &wanted.order, &Layout::new()) {
            let searches = found.bounds.len() as f64;
            let filters = (conjuncts.len() - found.answered.len()) as f64;
            let start = if self.methods.indexscan { 0.0 } else { cost::DISABLED };
            let search = start + searches * cost::INDEX_SEARCH;
            let fetched = found.rows.min(total);
            let total_cost = search + fetched * (cost::INDEX_ROW + cost::OPERATOR * filters);
            // What an exact index says of the rows is better than the product of conditions.
            let rows = if filters == 0.0 { fetched } else { rows.min(fetched) };
            let gives_order = !wanted.order.is_empty() && !found.order.is_empty();
            let access = Access { path: Path::Index(found), rows, cost: (search, total_cost) };
            let better = match gives_order == ordered {
                // Small tables are read row by row, which costs more for two rows than to look one up.
                true if matches!(best.path, Path::Whole) && access.is_of_one_row() && self.methods.indexscan => true,
                true => access.price(wanted) < best.price(wanted),
                false => gives_order,
            };
            if better {
                best = access;
                ordered = gives_order;
            }
        }
        for access in self.region_accesses(scan, conjuncts, wanted, total) {
            let gives_order = matches!(&access.path, Path::Regions(found) if !found.order.is_empty());
            let better = if gives_order == ordered { access.price(wanted) < best.price(wanted) } else { gives_order };
            if better {
                best = access;
                ordered = gives_order;
            }
        }
        let is_free = !wanted.keeps_order() && wanted.rows.is_none();
        let Some(access) = self.bitmap_access(scan, conjuncts, total) else { return best };
        let (own, other) = (access.price(wanted), best.price(wanted));
        let is_same = is_free && own <= other * SAME;
        let is_taken = match &best.path {
            // Reading the same rows one by one costs the same.
            Path::Regions(found) if is_same => self.reads_boxes_as_set(scan, found, conjuncts),
            // Several searches may find a row twice.
            Path::Index(_) if is_same && best.searches() > 1 => true,
            _ => own < other,
        };
        if is_taken { access } else { best }
    }

    /// Walks through indexes of boxes.
    fn region_accesses(&self, scan: &Scan, conjuncts: &[Expr], wanted: &Wanted, total: f64) -> Vec<Access> {
        let start = if self.methods.indexscan { 0.0 } else { cost::DISABLED };
        let each = cost::INDEX_ROW + cost::OPERATOR * conjuncts.len() as f64;
        let kept = self.estimator().all(conjuncts);
        let access = |found: RegionMatch| {
            let search = start + found.conditions.len().max(1) as f64 * cost::INDEX_SEARCH;
            let fetched = found.rows.min(total);
            let compared = if found.order.is_empty() { 0.0 } else { cost::COMPARE * fetched.max(2.0).log2() };
            let rows = (total * kept).clamp(1.0, fetched.max(1.0));
            Access { path: Path::Regions(found), rows, cost: (search, search + fetched * (each + compared)) }
        };
        self.matching_regions(scan, conjuncts, &wanted.order).into_iter().map(access).collect()
    }

    /// The access by sets of rows, if there are indexes for it.
    fn bitmap_access(&self, scan: &Scan, conjuncts: &[Expr], total: f64) -> Option<Access> {
        let found = self.matching_bitmap(scan, conjuncts, &Layout::new())?;
        let start = if self.methods.bitmapscan { 0.0 } else { cost::DISABLED };
        let search = start + found.searches * cost::INDEX_SEARCH;
        let fetched = found.rows.min(total);
        let each = cost::INDEX_ROW + cost::OPERATOR * conjuncts.len() as f64;
        let rows = (total * self.estimator().all(conjuncts)).clamp(1.0, fetched.max(1.0));
        Some(Access { path: Path::Bitmap(found), rows, cost: (search, search + fetched * each) })
    }

    /// The conditions that a set of rows is made by, and the others.
    fn split_used(
        &mut self,
        conjuncts: &[Expr],
        used: &[usize],
        layout: &Layout,
        outer: &Outer,
    ) -> Result<(Option<Expr>, Option<Expr>)> {
        let rest = conjuncts.iter().enumerate().filter(|(position, _)| !used.contains(position));
        let rest = rest.map(|(_, conjunct)| conjunct.clone()).collect();
        let used = used.iter().filter_map(|position| conjuncts.get(*position).cloned()).collect();
        Ok((self.scan_filter(used, layout, outer)?, self.scan_filter(rest, layout, outer)?))
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
    pub(super) fn scan_filter(&mut self, conjuncts: Vec<Expr>, layout: &Layout, outer: &Outer) -> Result<Option<Expr>> {
        match Expr::conjunction(conjuncts) {
            Some(predicate) => self.expr(&predicate, layout, outer).map(Some),
            None => Ok(None),
        }
    }

    fn build_virtual_scan(&mut self, scan: &Scan, conjuncts: Vec<Expr>, outer: &Outer) -> Result<Built> {
        let (fetch, layout, columns, names) = fetched(scan);
        let mut equals = Vec::new();
        for conjunct in &conjuncts {
            if let Some((id, value)) = crate::condition::equality(conjunct)
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
        // Their producers know little of what is asked and make many rows.
        let cost = (0.0, rows * VIRTUAL_ROW);
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout, order: Vec::new() })
    }
}

/// Whether a condition is about none of the rows with these columns, and the same for all of them.
fn is_one_time(conjunct: &Expr, provided: &BTreeSet<ColumnId>) -> bool {
    let mut used = BTreeSet::new();
    expr_columns(conjunct, &mut used);
    used.is_disjoint(provided) && !conjunct.is_volatile()
}

/// In a scan of one table its oid is known.
fn name_table(conjunct: &mut Expr, scan: &Scan) {
    let Some((column, _)) = scan.columns.iter().find(|(_, attnum)| *attnum == TABLEOID) else { return };
    let id = column.id;
    conjunct.rewrite(&mut |e| {
        if matches!(e, Expr::Column(found, _) if *found == id) {
            *e = Expr::Const(Datum::Oid(scan.relation.oid.0), Type::new(oids::OID));
        }
    });
}

/// Prices are about the same that differ by less.
const SAME: f64 = 1.1;
/// Cost of a row of a system catalog.
const VIRTUAL_ROW: f64 = 0.05;

/// What finds rows.
pub(crate) enum Path {
    /// Nothing: all are read.
    Whole,
    /// Searches of an index, one after the other.
    Index(IndexMatch),
    /// Sets of rows.
    Bitmap(BitmapMatch),
    /// A walk through an index of boxes.
    Regions(RegionMatch),
}

/// A way to read a table.
pub(crate) struct Access {
    /// What finds the rows.
    pub path: Path,
    /// Rows that pass the conditions.
    pub rows: f64,
    /// Its cost.
    pub cost: Cost,
}

impl Access {
    /// Whether it looks up one key, which at most one row has.
    fn is_of_one_row(&self) -> bool {
        matches!(&self.path, Path::Index(found) if found.is_of_one_row())
    }

    /// Searches of an index, one after the other.
    fn searches(&self) -> usize {
        if let Path::Index(found) = &self.path { found.bounds.len() } else { 0 }
    }

    /// The cost of what is wanted; where part of the order is missing, of sorting that too.
    fn price(&self, wanted: &Wanted) -> f64 {
        let given = match &self.path {
            Path::Index(found) => found.order.len(),
            Path::Regions(found) => found.order.len(),
            Path::Whole | Path::Bitmap(_) => 0,
        };
        match given >= wanted.order.len() {
            true => cost::first_rows(self.cost, self.rows, wanted.rows),
            false if given == 0 => self.cost.1,
            false => {
                let sorted = cost::incremental_sort(self.cost, self.rows, (self.rows / 2.0).max(1.0));
                cost::first_rows(sorted, self.rows, wanted.rows)
            }
        }
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
    let fetch = Fetch { columns, row_id: scan.row_id.is_some(), member: scan.member, from_keys: false };
    (fetch, layout, types, names)
}
