//! How one join is done: by index, by hash, by nested loop, or by running the right side anew.

use std::collections::BTreeSet;

use dictdb_catalog::IndexTarget;
use dictdb_types::Result;

use super::cost::{self, Cost};
use super::index::IndexMatch;
use super::join::{filtered, scan_of, set_search, table_of};
use super::join_graph::{RowsBehind, is_key, kept_of_pairs};
use super::merge_join::{merged, side_of};
use super::nominal;
use super::order::Wanted;
use super::scan::fetched;
use super::{Builder, Built, Layout, Outer};
use crate::columns::expr_columns;
use crate::condition::comparison;
use crate::expr::{ColumnId, Expr};
use crate::logical::{JoinKind, Node as Logical, Scan};
use crate::physical::{Fetch, JoinKey, Node, Op, TableLock, TableRef};

/// A table that may be searched for each row of what it is joined to.
struct Searched<'s> {
    scan: &'s Scan,
    /// Those of the join.
    conditions: &'s [Expr],
    /// Those on the table alone.
    filters: &'s [Expr],
}

impl Searched<'_> {
    /// All conditions, the join's first.
    fn all(&self) -> Vec<Expr> {
        self.conditions.iter().chain(self.filters).cloned().collect()
    }
}

impl Builder<'_> {
    /// Joins a built left side with a right side, by index, by hash or by nested loop.
    pub(crate) fn join_with(
        &mut self,
        kind: JoinKind,
        left: Built,
        right: &Logical,
        conditions: Vec<Expr>,
        wanted: &Wanted,
        outer: &Outer,
    ) -> Result<Built> {
        if let Some((scan, filters)) = scan_of(right)
            && matches!(kind, JoinKind::Inner | JoinKind::Left | JoinKind::Semi | JoinKind::Anti)
        {
            let table = Searched { scan, conditions: &conditions, filters: &filters };
            if let Some(found) = self.probe_for(kind, &left, &table, wanted) {
                return self.index_join(kind, left, scan, table.all(), found, outer);
            }
            if self.finds_sets_for(kind, &left, &table, wanted) {
                return self.build_apply(kind, left, &filtered(right, &conditions), Vec::new(), outer);
            }
        }
        let built = self.build(right, outer)?;
        if self.searches_members(kind, &left, (right, &built), &conditions, wanted) {
            return self.build_apply(kind, left, &filtered(right, &conditions), Vec::new(), outer);
        }
        self.hash_or_loop(kind, left, built, conditions, wanted, outer)
    }

    /// Whether it is cheaper to search the members of a table by indexes for each left row than to read them once.
    pub(super) fn searches_members(
        &self,
        kind: JoinKind,
        left: &Built,
        (right, built): (&Logical, &Built),
        conditions: &[Expr],
        wanted: &Wanted,
    ) -> bool {
        let Some((scan, filters)) = table_of(right).filter(|(scan, _)| !scan.members.is_empty()) else { return false };
        if conditions.is_empty() || matches!(kind, JoinKind::Right | JoinKind::Full) {
            return false;
        }
        let mut all = conditions.to_vec();
        all.extend(filters);
        let Some(search) = self.search_of_members(scan, &all, &left.layout) else { return false };
        self.beats_reading(kind, left, (built.node.rows, built.node.cost), conditions, search, wanted)
    }

    /// The index to search for each left row, if that is cheaper than reading the right side once.
    fn probe_for(&self, kind: JoinKind, left: &Built, table: &Searched<'_>, wanted: &Wanted) -> Option<IndexMatch> {
        let found = self.matching_indexes(table.scan, &table.all(), &[], &left.layout).into_iter().filter(|found| {
            let mut values = found.bounds.iter().flat_map(|bounds| bounds.values());
            values.any(|value| reads_any(value, &left.layout))
        });
        let found = found.min_by(|a, b| a.rows.total_cmp(&b.rows))?;
        let search = (cost::INDEX_SEARCH * found.bounds.len() as f64, found.rows);
        self.is_searched(kind, left, table, search, wanted).then_some(found)
    }

    /// Whether it is cheaper to find a set of rows by indexes for each left row than to read the right side once.
    fn finds_sets_for(&self, kind: JoinKind, left: &Built, table: &Searched<'_>, wanted: &Wanted) -> bool {
        let Some(found) = self.matching_bitmap(table.scan, &table.all(), &left.layout) else { return false };
        let mut joins = false;
        found.bitmap.for_each_value(&mut |value| joins |= reads_any(value, &left.layout));
        joins && self.is_searched(kind, left, table, (set_search(&found), found.rows), wanted)
    }

    /// Whether searches of a table for each left row, each at a cost and with a number of rows, are cheaper than reading it once.
    fn is_searched(
        &self,
        kind: JoinKind,
        left: &Built,
        table: &Searched<'_>,
        search: (f64, f64),
        wanted: &Wanted,
    ) -> bool {
        let access = self.choose_access(table.scan, table.filters, &Wanted::all());
        self.beats_reading(kind, left, (access.rows, access.cost), table.conditions, search, wanted)
    }

    /// Likewise, the right side having these rows and this cost when it is read.
    fn beats_reading(
        &self,
        kind: JoinKind,
        left: &Built,
        right: (f64, Cost),
        conditions: &[Expr],
        search: (f64, f64),
        wanted: &Wanted,
    ) -> bool {
        let out = self.joined_rows(kind, left, right.0, conditions);
        let probed = self.probe_cost(left.node.rows, left.node.cost, search, out);
        let keyed = conditions.iter().any(is_key);
        let read = self.join_cost((left.node.rows, left.node.cost), right, out, keyed, wanted.keeps_order());
        self.prefers(probed, read, out, wanted)
    }

    /// Rows of a join with a right side of so many rows, from which conditions without a left side choose.
    fn joined_rows(&self, kind: JoinKind, left: &Built, right: f64, conditions: &[Expr]) -> f64 {
        let (left, layout) = (left.node.rows, &left.layout);
        let own: Vec<Expr> = conditions.iter().filter(|condition| !reads_any(condition, layout)).cloned().collect();
        let right_kept = right * self.estimator().all(&own);
        let rows_behind = |expr: &Expr| {
            let used = used_columns(expr);
            let table = used.iter().find_map(|id| self.estimator().table_rows(*id)).unwrap_or(left.max(right));
            RowsBehind { table, kept: if reads_any(expr, layout) { left } else { right_kept } }
        };
        let kept = kept_of_pairs(conditions.iter().map(|expr| (self.join_estimate(expr, rows_behind), false)));
        let matches = right * kept;
        let rows = match kind {
            JoinKind::Inner => left * matches,
            JoinKind::Left => left * matches.max(1.0),
            JoinKind::Right => right * (left * kept).max(1.0),
            JoinKind::Full => (left * matches).max(left + right),
            JoinKind::Semi => left * matches.clamp(0.001, 1.0),
            JoinKind::Anti => left * (1.0 - matches).clamp(0.05, 1.0),
        };
        rows.max(1.0)
    }

    fn index_join(
        &mut self,
        kind: JoinKind,
        left: Built,
        scan: &Scan,
        conditions: Vec<Expr>,
        found: IndexMatch,
        outer: &Outer,
    ) -> Result<Built> {
        self.lock(scan.relation.oid, TableLock::AccessShare);
        let (fetch, right_layout, right_types, right_names) = fetched(scan);
        let fetch = Fetch { from_keys: self.keys_tell(scan, &found.index), ..fetch };
        let bounds = found.bounds.iter().map(|bounds| self.bounds(bounds, &left.layout, outer));
        let bounds = bounds.collect::<Result<Vec<_>>>()?;
        let both: Layout = left.layout.iter().chain(&right_layout).copied().collect();
        let total = self.rows_of(scan);
        let rows = self.joined_rows(kind, &left, total, &conditions);
        let rest = conditions.iter().enumerate().filter(|(i, _)| !found.answered.contains(i)).map(|(_, c)| c.clone());
        let filter = match Expr::conjunction(rest.collect()) {
            Some(predicate) => Some(self.expr(&predicate, &both, outer)?),
            None => None,
        };
        let Built { node: input, layout, order } = left;
        let semi = matches!(kind, JoinKind::Semi | JoinKind::Anti);
        let search = (cost::INDEX_SEARCH * found.bounds.len() as f64, found.rows);
        let cost = self.probe_cost(input.rows, input.cost, search, if semi { 0.0 } else { rows });
        let (mut columns, mut names) = (input.columns.clone(), input.names.clone());
        let mut out_layout = layout;
        if !semi {
            columns.extend(right_types);
            names.extend(right_names);
            out_layout.extend(right_layout);
        }
        let table = TableRef { relation: scan.relation.clone(), alias: scan.alias.clone() };
        let op = Op::IndexJoin { kind, outer: Box::new(input), table, index: found.index, bounds, fetch, filter };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout: out_layout, order })
    }

    /// Joins two built sides. With an order wanted, the left side's is kept.
    pub(crate) fn hash_or_loop(
        &mut self,
        kind: JoinKind,
        left: Built,
        right: Built,
        conditions: Vec<Expr>,
        wanted: &Wanted,
        outer: &Outer,
    ) -> Result<Built> {
        let rows = self.joined_rows(kind, &left, right.node.rows, &conditions);
        let merge = self.is_guessing && self.merges(kind, (left.node.rows, right.node.rows), rows, &conditions, wanted);
        let turned = match kind {
            // The side that is read once is the smaller one.
            JoinKind::Inner if merge && left.node.rows > right.node.rows => Some(JoinKind::Inner),
            JoinKind::Left if !merge && !wanted.keeps_order() => {
                let is_kept = self.is_many_to_one(&right, &left, &conditions)
                    || !self.is_guessing && is_kept_for_less(&left, &right, &conditions);
                is_kept.then_some(JoinKind::Right)
            }
            JoinKind::Full => is_kept_for_less(&left, &right, &conditions).then_some(JoinKind::Full),
            _ => None,
        };
        if let Some(kind) = turned {
            return self.hash_or_loop(kind, right, left, conditions, wanted, outer);
        }
        let mut sorted_by = Vec::new();
        let mut keys = Vec::new();
        let mut rest = Vec::new();
        // Where hashing is discouraged, pairs are compared: no other method joins by keys.
        let is_loop =
            !self.methods.hashjoin && self.methods.nestloop && !matches!(kind, JoinKind::Right | JoinKind::Full);
        for condition in conditions {
            if is_loop {
                rest.push(condition);
                continue;
            }
            match self.join_key(&condition, &left.layout, &right.layout, outer)? {
                Some(key) => {
                    keys.push(key);
                    sorted_by.extend(side_of(&condition, &left.layout));
                }
                None => rest.push(condition),
            }
        }
        let both: Layout = left.layout.iter().chain(&right.layout).copied().collect();
        let residual = match Expr::conjunction(rest) {
            Some(predicate) => Some(self.expr(&predicate, &both, outer)?),
            None => None,
        };
        let is_ordered = wanted.as_read || !wanted.order.is_empty() && !left.order.is_empty();
        let keep_order = is_ordered && !matches!(kind, JoinKind::Right | JoinKind::Full);
        let order = if keep_order { left.order } else { Vec::new() };
        let sides = ((left.node.rows, left.node.cost), (right.node.rows, right.node.cost));
        let cost = self.join_cost(sides.0, sides.1, rows, !keys.is_empty(), keep_order);
        let (mut columns, mut names) = (left.node.columns.clone(), left.node.names.clone());
        let mut layout = left.layout;
        if !matches!(kind, JoinKind::Semi | JoinKind::Anti) {
            columns.extend(right.node.columns.iter().copied());
            names.extend(right.node.names.iter().cloned());
            layout.extend(right.layout);
        }
        let last_first = !keep_order && !self.has_index_for(&right.node, &keys);
        if merge && !keys.is_empty() {
            let op = merged(kind, left.node, right.node, keys, residual);
            return Ok(Built { node: Node { op, columns, names, rows, cost }, layout, order: sorted_by });
        }
        let (left, right) = (Box::new(left.node), Box::new(right.node));
        let op = if keys.is_empty() {
            Op::NestedLoop { kind, left, right, on: residual, keep_order }
        } else {
            Op::HashJoin { kind, left, right, keys, residual, keep_order, last_first }
        };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout, order })
    }

    /// Whether the rows of a table could also be looked up by one of the keys.
    fn has_index_for(&self, right: &Node, keys: &[JoinKey]) -> bool {
        let Op::SeqScan { table, fetch, .. } = &right.op else { return false };
        let indexes = self.catalog.valid_indexes(&table.relation).filter_map(|index| index.index());
        let leading: Vec<i16> = indexes
            .filter_map(|info| match info.keys.first()?.target {
                IndexTarget::Column(attnum) => Some(attnum),
                IndexTarget::Expression(_) => None,
            })
            .collect();
        keys.iter().any(|key| match key.right {
            Expr::Input(place, _) => fetch.columns.get(place).is_some_and(|attnum| leading.contains(attnum)),
            _ => false,
        })
    }

    /// Whether rows of one side, not fewer, have each one row of the other that an equality finds for them: then PostgreSQL
    /// keeps the other side in memory, whichever is the outer one.
    fn is_many_to_one(&self, many: &Built, one: &Built, conditions: &[Expr]) -> bool {
        let (few, rows) = (nominal::ANALYZED_ROWS, (many.node.rows, one.node.rows));
        let is_large = !self.is_guessing && (rows.0 >= few || rows.1 >= few);
        if rows.0 < rows.1 && is_large || is_grouped(&many.node) {
            return false;
        }
        let of = |expr: &Expr, layout: &Layout| {
            let used = used_columns(expr);
            !used.is_empty() && used.iter().all(|id| layout.contains(id))
        };
        let pair = |condition: &Expr| match condition {
            Expr::Call(call) if call.known_operator() == Some("=") => match call.args.as_slice() {
                [a, b] if of(a, &many.layout) && of(b, &one.layout) => Some((a.clone(), b.clone())),
                [b, a] if of(a, &many.layout) && of(b, &one.layout) => Some((a.clone(), b.clone())),
                _ => None,
            },
            _ => None,
        };
        let [condition] = conditions else { return false };
        pair(condition).is_some_and(|(key, of_one)| !self.is_unique_key(&key) && self.is_unique_key(&of_one))
    }

    /// `left expression = right expression` of one type, as a key to hash by.
    fn join_key(&mut self, condition: &Expr, left: &Layout, right: &Layout, outer: &Outer) -> Result<Option<JoinKey>> {
        let (a, b, null_equals_null) = match condition {
            Expr::Call(call) if call.known_operator() == Some("=") && call.args.len() == 2 => {
                (&call.args[0], &call.args[1], false)
            }
            Expr::Distinct(_, pair, true) => (&pair.0, &pair.1, true),
            _ => return Ok(None),
        };
        if hash_family(a) != hash_family(b)
            || condition.is_volatile()
            || condition.any(&mut |e| matches!(e, Expr::Sublink(_)))
        {
            return Ok(None);
        }
        let side = |expr: &Expr, own: &Layout| {
            let used = used_columns(expr);
            used.iter().any(|id| own.contains(id)) && used.iter().all(|id| own.contains(id) || outer.contains_key(id))
        };
        let (l, r) = if side(a, left) && side(b, right) {
            (a, b)
        } else if side(b, left) && side(a, right) {
            (b, a)
        } else {
            return Ok(None);
        };
        Ok(Some(JoinKey { left: self.expr(l, left, outer)?, right: self.expr(r, right, outer)?, null_equals_null }))
    }

    /// LATERAL: the right side runs once per left row.
    pub(crate) fn build_apply(
        &mut self,
        kind: JoinKind,
        left: Built,
        right: &Logical,
        conditions: Vec<Expr>,
        outer: &Outer,
    ) -> Result<Built> {
        let (inner, slots) = self.correlate(right, &left.layout, outer)?;
        let built = self.build(right, &inner)?;
        let both: Layout = left.layout.iter().chain(&built.layout).copied().collect();
        let kept = self.estimator().all(&conditions);
        let on = match Expr::conjunction(conditions) {
            Some(predicate) => Some(self.expr(&predicate, &both, outer)?),
            None => None,
        };
        let rows =
            (left.node.rows * (built.node.rows * kept).max(if kind == JoinKind::Left { 1.0 } else { 0.0 })).max(1.0);
        let each = cost::RESCAN + built.node.cost.1;
        let cost = (left.node.cost.0 + built.node.cost.0, left.node.cost.1 + left.node.rows * each + rows * cost::ROW);
        let semi = matches!(kind, JoinKind::Semi | JoinKind::Anti);
        let (mut columns, mut names) = (left.node.columns.clone(), left.node.names.clone());
        let mut layout = left.layout;
        if !semi {
            columns.extend(built.node.columns.iter().copied());
            names.extend(built.node.names.iter().cloned());
            layout = both;
        }
        let op = Op::Apply { kind, left: Box::new(left.node), right: Box::new(built.node), slots, on };
        Ok(Built { node: Node { op, columns, names, rows, cost }, layout, order: left.order })
    }
}

/// Whether the left side of an outer join is the one to hash: it has fewer rows.
fn is_kept_for_less(left: &Built, right: &Built, conditions: &[Expr]) -> bool {
    let (rows, others) = (left.node.rows, right.node.rows);
    let is_key = |condition: &Expr| {
        let Some(("=", one, other)) = comparison(condition) else { return false };
        let between = |own: &Expr, theirs: &Expr| reads_any(own, &left.layout) && reads_any(theirs, &right.layout);
        hash_family(one) == hash_family(other) && (between(one, other) || between(other, one))
    };
    others >= nominal::ANALYZED_ROWS && rows < others && conditions.iter().any(is_key)
}

/// Whether rows are groups, which are known to differ.
fn is_grouped(node: &Node) -> bool {
    match &node.op {
        Op::Aggregate { .. } | Op::Distinct { .. } => true,
        Op::Project { input, .. } | Op::Filter { input, .. } => is_grouped(input),
        _ => false,
    }
}

/// Types whose keys hash alike when equal: within one type, and text with varchar.
fn hash_family(expr: &Expr) -> dictdb_types::Oid {
    match expr.ty().oid {
        dictdb_types::oids::VARCHAR => dictdb_types::oids::TEXT,
        other => other,
    }
}

/// Whether an expression reads a column of a layout.
fn reads_any(expr: &Expr, layout: &Layout) -> bool {
    used_columns(expr).iter().any(|id| layout.contains(id))
}

fn used_columns(expr: &Expr) -> BTreeSet<ColumnId> {
    let mut used = BTreeSet::new();
    expr_columns(expr, &mut used);
    used
}
