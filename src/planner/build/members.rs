//! Reading a table with children: one scan for each table whose rows it has, without those that cannot have any wanted.

use std::sync::Arc;

use dictdb_catalog::{Catalog, Relation};
use dictdb_types::{Error, Oid, Result};

use super::order::{Wanted, satisfied};
use super::scan::fetched;
use super::{Builder, Built, Layout, Outer, cost};
use crate::expr::{Expr, SortKey, SublinkKind};
use crate::logical::{Column, Scan};
use crate::physical::{Appended, Node, Op};
use crate::pruning::{Direction, LatePruning, Pruning, Tables};

impl Builder<'_> {
    /// A table with children, with the conditions on it.
    pub(crate) fn build_members(
        &mut self,
        scan: &Scan,
        conjuncts: &[Expr],
        wanted: &Wanted,
        outer: &Outer,
    ) -> Result<Built> {
        let tables = Arc::new(Tables::of(scan, self.cx));
        let pruning = Pruning::of(&tables, self.pruned_by(conjuncts), self.cx);
        let kept: Vec<(usize, &Arc<Relation>)> =
            scan.members.iter().enumerate().filter(|(_, member)| pruning.keeps(member)).collect();
        let mut built = Vec::with_capacity(kept.len());
        self.ranges += scan.members.len();
        let conjuncts = &self.with_shared_queries(conjuncts, outer)?;
        for (place, member) in &kept {
            let own = member_scan(scan, member, *place)?;
            built.push(self.build_scan(&own, conjuncts.to_vec(), wanted, outer)?);
        }
        if built.len() < 2 {
            return Ok(built.pop().unwrap_or_else(|| nothing_of(scan)));
        }
        let mut members: Vec<Arc<Relation>> = kept.iter().map(|(_, member)| Arc::clone(member)).collect();
        let order = &wanted.order;
        let direction = pruning.direction(&members, order);
        let is_sorted = self.in_order(&mut built, wanted, direction.is_some(), outer)?;
        if is_sorted && direction == Some(Direction::Backward) {
            members.reverse();
            built.reverse();
        }
        let mut late = conjuncts.clone();
        late.iter_mut().for_each(|conjunct| in_slots(conjunct, outer));
        let late = LatePruning::of(tables, self.pruned_by(&late), members).map(Arc::new);
        match (is_sorted, direction) {
            (false, _) => Ok(appended(built, late, scan)),
            (true, Some(_)) => Ok(Built { order: order.clone(), ..appended(built, late, scan) }),
            (true, None) => self.merged(built, late, scan, order, outer),
        }
    }

    /// The conditions that partitions are left out by: none where the settings ask for all of them.
    pub(super) fn pruned_by<'c>(&self, conjuncts: &'c [Expr]) -> &'c [Expr] {
        if self.methods.partition_pruning { conjuncts } else { &[] }
    }

    /// Brings the scans of members into the order wanted, if there are some that an index gives it; whether that is so.
    fn in_order(&mut self, built: &mut Vec<Built>, wanted: &Wanted, one_by_one: bool, outer: &Outer) -> Result<bool> {
        let keys = &wanted.order;
        if keys.is_empty() || !built.iter().any(|member| satisfied(&member.order, keys) > 0) {
            return Ok(false);
        }
        // Where all rows of one member come before those of the next, sorting the first of them may be enough.
        let whole = built.iter().all(|member| satisfied(&member.order, keys) == keys.len());
        if !whole && !one_by_one && wanted.rows.is_none() {
            return Ok(false);
        }
        let members = std::mem::take(built);
        for member in members {
            built.push(self.sorted(member, keys, wanted.rows, None, outer)?);
        }
        Ok(true)
    }

    /// Scans that are in one order each, as one in that order.
    fn merged(
        &mut self,
        built: Vec<Built>,
        pruning: Option<Arc<LatePruning>>,
        scan: &Scan,
        order: &[SortKey],
        outer: &Outer,
    ) -> Result<Built> {
        let inputs = built.len() as f64;
        let start: f64 = built.iter().map(|member| member.node.cost.0).sum();
        let mut merged = appended(built, pruning, scan);
        let keys = self.sort_keys(order, &merged.layout, outer)?;
        let (rows, (_, total)) = (merged.node.rows, merged.node.cost);
        merged.node.cost = (start, total + rows * (cost::ROW * 0.5 + cost::COMPARE * inputs.log2()));
        if let Op::Append { merged: own, .. } = &mut merged.node.op {
            *own = keys;
        }
        Ok(Built { order: order.to_vec(), ..merged })
    }

    /// What it costs to search all members of a table by indexes for one outer row, and the rows fetched; `None` where one
    /// member has no index for it.
    pub(crate) fn search_of_members(&self, scan: &Scan, conditions: &[Expr], available: &Layout) -> Option<(f64, f64)> {
        let reads = |value: &Expr| value.any(&mut |e| matches!(e, Expr::Column(id, _) if available.contains(id)));
        let (mut searches, mut fetched) = (0.0, 0.0);
        for own in scans_of(scan) {
            let found = self.matching_indexes(&own, conditions, &[], available).into_iter();
            let found = found.filter(|found| found.bounds.iter().any(|bounds| bounds.values().any(reads)));
            let found = found.min_by(|a, b| a.rows.total_cmp(&b.rows))?;
            searches += found.bounds.len() as f64;
            fetched += found.rows;
        }
        // Each search of a member that has no row of the kind finds none.
        let each = cost::RESCAN + searches * (cost::INDEX_SEARCH + cost::RESCAN);
        (searches > 0.0).then(|| (each, (fetched / scan.members.len() as f64).max(1.0)))
    }

    /// Conditions whose subqueries are about no row: each is one subquery, for all members, and its value may be looked for in
    /// an index.
    pub(crate) fn with_shared_queries(&mut self, conjuncts: &[Expr], outer: &Outer) -> Result<Vec<Expr>> {
        let mut conjuncts = conjuncts.to_vec();
        let mut result = Ok(());
        for conjunct in &mut conjuncts {
            conjunct.rewrite(&mut |e| {
                if let Expr::Sublink(link) = e
                    && !matches!(link.kind, SublinkKind::Compare { .. })
                    && crate::columns::free_columns(&link.query).is_empty()
                    && result.is_ok()
                {
                    match self.expr(e, &Vec::new(), outer) {
                        Ok(shared) => *e = shared,
                        Err(error) => result = Err(error),
                    }
                }
            });
        }
        result.map(|()| conjuncts)
    }

    /// Rows of a table and of those whose rows it has, as far as they count.
    pub(crate) fn rows_of(&self, scan: &Scan) -> f64 {
        if self.is_guessing { self.nominal_rows(scan) } else { self.live_rows(scan) }
    }

    /// Rows of a table and of those whose rows it has.
    pub(super) fn live_rows(&self, scan: &Scan) -> f64 {
        let rows = |relation: &Relation| self.statistics.rows(relation.storage);
        match scan.members.is_empty() {
            true => rows(&scan.relation).max(1.0),
            false => scan.members.iter().map(|member| rows(member)).sum::<f64>().max(1.0),
        }
    }
}

/// Columns of other rows as the slots that they are in.
fn in_slots(expr: &mut Expr, outer: &Outer) {
    expr.rewrite(&mut |e| {
        if let Expr::Column(id, ty) = e
            && let Some(slot) = outer.get(id)
        {
            *e = Expr::Outer(*slot, *ty);
        }
    });
}

/// The scan of one member: the same columns, wherever they stand there.
pub(super) fn member_scan(scan: &Scan, member: &Arc<Relation>, place: usize) -> Result<Scan> {
    let mut columns = Vec::with_capacity(scan.columns.len());
    for (column, attnum) in &scan.columns {
        let own = scan.relation.attnum_in(*attnum, member);
        let own = own.ok_or_else(|| Error::internal(format!("\"{}\" lacks column {attnum}", member.name)))?;
        columns.push((column.clone(), own));
    }
    let place = u16::try_from(place).map_err(|_| Error::unsupported("a table with more than 65535 children"))?;
    Ok(Scan {
        relation: member.clone(),
        alias: scan.alias.clone(),
        columns,
        row_id: scan.row_id,
        members: Arc::from([]),
        member: place,
    })
}

/// The scans of the tables whose rows a scan has: itself, where they are its own table's.
pub(super) fn scans_of(scan: &Scan) -> Vec<Scan> {
    if scan.members.is_empty() {
        return vec![scan.clone()];
    }
    scan.members.iter().enumerate().filter_map(|(place, member)| member_scan(scan, member, place).ok()).collect()
}

/// No rows of some columns.
pub(super) fn nothing<'c>(columns: impl Iterator<Item = &'c Column> + Clone) -> Built {
    let node = Node {
        op: Op::Values { rows: Vec::new() },
        columns: columns.clone().map(|column| column.ty).collect(),
        names: columns.clone().map(|column| column.name.clone()).collect(),
        rows: 0.0,
        cost: (0.0, 0.0),
    };
    Built { node, layout: columns.map(|column| column.id).collect(), order: Vec::new() }
}

/// Whether a table is a partition of another one, or of a partition of that.
pub(super) fn descends_from(relation: &Relation, ancestor: Oid, catalog: &Catalog) -> bool {
    let Some(parent) = relation.partition_parent() else { return false };
    parent == ancestor || catalog.relation(parent).is_some_and(|parent| descends_from(parent, ancestor, catalog))
}

/// No rows: none of the members can have any.
fn nothing_of(scan: &Scan) -> Built {
    let (_, layout, columns, names) = fetched(scan);
    let node = Node { op: Op::Values { rows: Vec::new() }, columns, names, rows: 0.0, cost: (0.0, 0.0) };
    Built { node, layout, order: Vec::new() }
}

/// Scans of the same columns, one after the other.
fn appended(built: Vec<Built>, pruning: Option<Arc<LatePruning>>, scan: &Scan) -> Built {
    let mut inputs: Vec<Node> = Vec::with_capacity(built.len());
    let mut layout = Vec::new();
    for member in built {
        layout = member.layout;
        inputs.push(member.node);
    }
    let rows: f64 = inputs.iter().map(|input| input.rows).sum();
    let start = inputs.first().map_or(0.0, |input| input.cost.0);
    let total = inputs.iter().map(|input| input.cost.1).sum::<f64>() + rows * cost::ROW * 0.5;
    let (columns, names) = inputs.first().map(|input| (input.columns.clone(), input.names.clone())).unwrap_or_default();
    let of = Appended::Members { alias: scan.alias.clone(), partitioned: scan.relation.is_partitioned() };
    let node =
        Node { op: Op::Append { inputs, pruning, of, merged: Vec::new() }, columns, names, rows, cost: (start, total) };
    Built { node, layout, order: Vec::new() }
}
