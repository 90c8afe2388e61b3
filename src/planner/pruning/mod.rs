//! Which partitions cannot have a row that satisfies the conditions of a scan.
//!
//! Every partitioned table between the scanned one and a partition has its say. The conditions leave some values of each
//! column of its key ([`allowed`]); a partition is left out when its bound and they have nothing in common. An OR leaves what
//! one of its arms leaves, on the way down to a table as well as in it.
//!
//! What constants say is known when the plan is made, what parameters, subqueries and the row of a join say when it runs
//! ([`late`]).

mod allowed;
mod hash;
mod late;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dictdb_catalog::{
    IndexTarget, PartitionBound, PartitionColumn, PartitionStrategy, Partitions, RangeDatum, Relation,
};
use dictdb_types::{Datum, Oid, order};

use crate::BindContext;
use crate::columns::expr_columns;
use crate::expr::{ColumnId, Expr, SortKey};
use crate::fold;
use crate::logical::Scan;
use crate::table_expr::{TableExpr, over_scan};
use allowed::{Allowed, is_key};
use hash::KeyHash;
pub use late::{LatePruning, Moment};

/// Keys of several columns that are tried one by one.
const MOST_KEYS: usize = 256;

/// The partitioned tables of a scan: the one that is read, those above it, and those below.
#[derive(Debug)]
pub(crate) struct Tables {
    by_oid: BTreeMap<Oid, Table>,
    /// The one that is read.
    scanned: Oid,
}

/// A partitioned table.
#[derive(Debug)]
struct Table {
    partitions: Partitions,
    /// Whether its bounds are in an order that only an operator class of a user knows: none of its partitions is left out.
    opaque: bool,
    /// The columns of its key over the scan, as far as this reads them.
    keys: Vec<Option<Expr>>,
    /// How its key is hashed, if it is divided so.
    hash: Option<KeyHash>,
    /// What its own bound says about these columns.
    own: Vec<Allowed>,
    /// The partitioned table that it is a partition of.
    parent: Option<Oid>,
}

impl Tables {
    /// Those of a scan; none if its table is not partitioned.
    pub fn of(scan: &Scan, cx: BindContext<'_>) -> Tables {
        let mut tables = Tables { by_oid: BTreeMap::new(), scanned: scan.relation.oid };
        if scan.relation.is_partitioned() {
            let mut above = Vec::new();
            let mut parent = scan.relation.partition_parent();
            while let Some(relation) = parent.and_then(|oid| cx.catalog.relation(oid)) {
                above.push(relation.clone());
                parent = relation.partition_parent();
            }
            above.into_iter().rev().for_each(|relation| tables.add(scan, &relation, cx));
            tables.add_below(scan, &scan.relation, cx);
        }
        tables
    }

    fn add_below(&mut self, scan: &Scan, relation: &Arc<Relation>, cx: BindContext<'_>) {
        self.add(scan, relation, cx);
        let Some(table) = self.by_oid.get(&relation.oid) else { return };
        let children: Vec<Oid> = table.partitions.in_order().collect();
        for child in children.into_iter().filter_map(|child| cx.catalog.relation(child)) {
            if child.is_partitioned() {
                self.add_below(scan, child, cx);
            }
        }
    }

    fn add(&mut self, scan: &Scan, relation: &Arc<Relation>, cx: BindContext<'_>) {
        let Some(partitions) = Partitions::of(relation, cx.catalog) else { return };
        let opaque = cx.catalog.orders_by_users(&partitions.key);
        let key = |column| if opaque { None } else { key_expr(scan, relation, column, cx) };
        let keys: Vec<Option<Expr>> = partitions.key.columns.iter().map(key).collect();
        let parent = relation.partition_parent().filter(|parent| self.by_oid.contains_key(parent));
        let own = keys.iter().zip(&partitions.key.columns).map(|(key, column)| match (key, parent) {
            (Some(key), Some(parent)) => self.inherited(relation.oid, parent, key, column),
            _ => Allowed::default(),
        });
        let own = own.collect();
        let hashed = partitions.key.strategy == PartitionStrategy::Hash;
        let hash = hashed.then(|| KeyHash::of(relation, &partitions, cx));
        self.by_oid.insert(relation.oid, Table { partitions, opaque, keys, hash, own, parent });
    }

    /// What the bound of a table, and those of the tables above it, say about a column.
    fn inherited(&self, child: Oid, parent: Oid, key: &Expr, column: &PartitionColumn) -> Allowed {
        let Some(table) = self.by_oid.get(&parent) else { return Allowed::default() };
        let same = |(own, theirs): (&Option<Expr>, &PartitionColumn)| {
            theirs.ty.oid == column.ty.oid && own.as_ref().is_some_and(|own| is_key(own, key))
        };
        let columns = &table.partitions.key.columns;
        let Some(at) = table.keys.iter().zip(columns).position(same) else {
            return table.parent.map_or_else(Allowed::default, |above| self.inherited(parent, above, key, column));
        };
        let mut allowed = table.own[at].clone();
        if let Some((_, bound)) = table.partitions.bounds.iter().find(|(oid, _)| *oid == child).filter(|_| at == 0) {
            allowed.merge(&Allowed::of_bound(bound, columns.len(), column), column);
        }
        allowed
    }

    /// The columns of the scan that it is divided by.
    fn key_columns(&self) -> BTreeSet<ColumnId> {
        let mut columns = BTreeSet::new();
        let keys = self.by_oid.values().flat_map(|table| table.keys.iter().flatten());
        keys.for_each(|key| expr_columns(key, &mut columns));
        columns
    }
}

/// A column of a key over the scan.
pub(crate) fn key_expr(
    scan: &Scan,
    relation: &Relation,
    column: &PartitionColumn,
    cx: BindContext<'_>,
) -> Option<Expr> {
    match &column.target {
        IndexTarget::Column(attnum) => {
            let own = relation.attnum_in(*attnum, &scan.relation)?;
            let (column, _) = scan.columns.iter().find(|(_, number)| *number == own)?;
            Some(Expr::column(column))
        }
        IndexTarget::Expression(text) => over_scan(scan, text, TableExpr::IndexKey, cx),
    }
}

/// What the conditions of a scan say about its partitions.
pub(crate) struct Pruning<'a> {
    cx: BindContext<'a>,
    tables: &'a Tables,
    /// By partitioned table: the partitions that are left.
    left: BTreeMap<Oid, BTreeSet<Oid>>,
    /// What is left of the columns of the scanned table's key.
    allowed: Vec<Allowed>,
}

/// How the partitions of a table follow each other in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// As they are.
    Forward,
    /// From the last to the first.
    Backward,
}

impl<'a> Pruning<'a> {
    /// Reads the conditions of a scan.
    pub fn of(tables: &'a Tables, conjuncts: &[Expr], cx: BindContext<'a>) -> Pruning<'a> {
        let mut pruning = Pruning { cx, tables, left: BTreeMap::new(), allowed: Vec::new() };
        let Some(table) = tables.by_oid.get(&tables.scanned) else { return pruning };
        let mut folded = Vec::new();
        for conjunct in conjuncts {
            let mut conjunct = conjunct.clone();
            // What cannot be computed is reported when it is run.
            let _ = fold::fold(&mut conjunct, cx.env);
            conjunct.into_conjuncts(&mut folded);
        }
        pruning.allowed = allowed(table, &folded);
        if !folded.is_empty() {
            pruning.add(tables.scanned, &folded);
        }
        pruning
    }

    fn add(&mut self, oid: Oid, conjuncts: &[Expr]) {
        let Some(table) = self.tables.by_oid.get(&oid) else { return };
        let left = match self.reaches(oid, conjuncts) {
            true => self.left_of(table, oid, conjuncts),
            false => BTreeSet::new(),
        };
        left.iter().for_each(|child| self.add(*child, conjuncts));
        self.left.insert(oid, left);
    }

    /// How these partitions follow each other in an order, if they do: each has only rows that come before those of the next.
    pub fn direction(&self, members: &[Arc<Relation>], order: &[SortKey]) -> Option<Direction> {
        let table = self.tables.by_oid.get(&self.tables.scanned)?;
        let partitions = &table.partitions;
        let is_direct = |member: &Arc<Relation>| {
            member.partition_parent() == Some(self.tables.scanned) && Some(member.oid) != partitions.default
        };
        if !members.iter().all(is_direct) {
            return None;
        }
        let mut wanted = order.iter();
        let first = order.first()?;
        let range = partitions.key.strategy == PartitionStrategy::Range;
        for ((key, column), allowed) in table.keys.iter().zip(&partitions.key.columns).zip(&self.allowed) {
            let key = key.as_ref()?;
            let rest = wanted.clone();
            match wanted.next() {
                None => break,
                Some(next) if next.expr.same(key) => {
                    let nulls_last = next.descending == next.nulls_first;
                    if next.descending != first.descending || !range && !nulls_last {
                        return None;
                    }
                }
                // All rows have one value of it.
                Some(_) if allowed.single().is_some() => wanted = rest,
                Some(_) => return None,
            }
            if !range && !is_in_order(partitions, members, column) {
                return None;
            }
        }
        match partitions.key.strategy {
            PartitionStrategy::Hash => None,
            _ if first.descending => Some(Direction::Backward),
            _ => Some(Direction::Forward),
        }
    }

    /// Whether a member may have rows that satisfy the conditions.
    pub fn keeps(&self, member: &Relation) -> bool {
        let mut child = member.oid;
        let mut parent = member.partition_parent();
        while let Some(oid) = parent.filter(|oid| self.tables.by_oid.contains_key(oid)) {
            // What is below a table that is left out itself has not been looked at.
            if self.left.get(&oid).is_some_and(|left| !left.contains(&child)) {
                return false;
            }
            child = oid;
            parent = self.cx.catalog.relation(oid).and_then(|relation| relation.partition_parent());
        }
        true
    }

    /// Whether rows that satisfy conditions come into a table from the tables above it.
    fn reaches(&self, oid: Oid, conjuncts: &[Expr]) -> bool {
        let Some(parent) = self.tables.by_oid.get(&oid).and_then(|table| table.parent) else { return true };
        let Some(table) = self.tables.by_oid.get(&parent) else { return true };
        self.left_of(table, parent, conjuncts).contains(&oid) && self.reaches(parent, conjuncts)
    }

    /// The partitions of a table that may have rows.
    fn left_of(&self, table: &Table, oid: Oid, conjuncts: &[Expr]) -> BTreeSet<Oid> {
        if table.opaque {
            return table.partitions.in_order().collect();
        }
        let allowed = allowed(table, conjuncts);
        let mut left: BTreeSet<Oid> =
            table.partitions.in_order().filter(|child| self.may_hold(table, &allowed, *child)).collect();
        for conjunct in conjuncts {
            let Expr::Or(arms) = conjunct else { continue };
            let mut any = BTreeSet::new();
            for arm in arms {
                let mut parts = Vec::new();
                arm.clone().into_conjuncts(&mut parts);
                // In what an arm says only it counts, with what is known beside it.
                if self.reaches(oid, &parts) {
                    any.append(&mut self.left_of(table, oid, &parts));
                }
            }
            left.retain(|child| any.contains(child));
        }
        left
    }

    fn may_hold(&self, table: &Table, allowed: &[Allowed], child: Oid) -> bool {
        if allowed.iter().any(Allowed::is_empty) {
            return false;
        }
        let partitions = &table.partitions;
        let key = &partitions.key;
        match partitions.bounds.iter().find(|(oid, _)| *oid == child) {
            None => !self.is_taken_by_others(partitions, allowed),
            Some((_, bound)) => match &**bound {
                PartitionBound::List { values } => values.iter().any(|value| allowed[0].admits(value, &key.columns[0])),
                PartitionBound::Range { from, to } => may_be_between((Some(from), Some(to)), allowed, &key.columns),
                PartitionBound::Hash { .. } => match (known_keys(allowed), &table.hash) {
                    (Some(keys), Some(hash)) => keys.iter().any(|values| {
                        let hash = hash.hash(values, partitions, self.cx.env);
                        hash.is_none_or(|hash| partitions.find_hash(hash) == Some(child))
                    }),
                    _ => true,
                },
                PartitionBound::Default => true,
            },
        }
    }

    /// Whether other partitions than the default one take every row that there may be.
    fn is_taken_by_others(&self, partitions: &Partitions, allowed: &[Allowed]) -> bool {
        if let Some(keys) = known_keys(allowed) {
            return keys.iter().all(|values| {
                partitions.find(values, self.cx.env).is_ok_and(|found| found.is_some() && found != partitions.default)
            });
        }
        partitions.key.strategy == PartitionStrategy::Range && covers(partitions, allowed)
    }
}

/// What conditions leave of the columns of a table's key.
fn allowed(table: &Table, conjuncts: &[Expr]) -> Vec<Allowed> {
    let mut allowed = table.own.clone();
    for ((allowed, key), column) in allowed.iter_mut().zip(&table.keys).zip(&table.partitions.key.columns) {
        if let Some(key) = key {
            conjuncts.iter().for_each(|conjunct| allowed.restrict(conjunct, key, column));
        }
        allowed.settle(column);
    }
    allowed
}

/// Whether each of these partitions by list has only values below those of the next; NULL is above all.
fn is_in_order(partitions: &Partitions, members: &[Arc<Relation>], column: &PartitionColumn) -> bool {
    let values_of = |member: &Arc<Relation>| {
        partitions.bounds.iter().find_map(|(oid, bound)| match &**bound {
            PartitionBound::List { values } if *oid == member.oid => Some(values),
            _ => None,
        })
    };
    let before = |a: &Datum, b: &Datum| match (a.is_null(), b.is_null()) {
        (false, false) => order::compare_as(column.ty.oid, a, b) == Ordering::Less,
        (a, b) => !a && b,
    };
    let pairs = members.iter().zip(members.iter().skip(1));
    pairs.into_iter().all(|(one, next)| match (values_of(one), values_of(next)) {
        (Some(one), Some(next)) => one.iter().all(|one| next.iter().all(|next| before(one, next))),
        _ => false,
    })
}

/// The keys that rows may have, when there are few enough to try.
fn known_keys(allowed: &[Allowed]) -> Option<Vec<Vec<Datum>>> {
    let mut keys: Vec<Vec<Datum>> = vec![Vec::new()];
    for column in allowed {
        let values = column.known()?;
        if keys.len() * values.len() > MOST_KEYS {
            return None;
        }
        let longer = keys.iter().flat_map(|key| {
            values.iter().map(|value| key.iter().cloned().chain([value.clone()]).collect::<Vec<Datum>>())
        });
        keys = longer.collect();
    }
    Some(keys)
}

/// Whether a key that is allowed may be at or above the first of two bounds and below the second; where one is missing, the
/// columns before were beyond it.
fn may_be_between(
    (from, to): (Option<&[RangeDatum]>, Option<&[RangeDatum]>),
    allowed: &[Allowed],
    columns: &[PartitionColumn],
) -> bool {
    let (Some((allowed, rest)), Some((column, columns))) = (allowed.split_first(), columns.split_first()) else {
        // The end of a range does not belong to it.
        return to.is_none();
    };
    if !allowed.others {
        return false;
    }
    let oid = column.ty.oid;
    let first =
        |bound: Option<&[RangeDatum]>, open: RangeDatum| bound.and_then(|bound| bound.first().cloned()).unwrap_or(open);
    let (low, high) = (first(from, RangeDatum::MinValue), first(to, RangeDatum::MaxValue));
    if allowed.reaches_between(&low, &high, oid) && rest.iter().all(|allowed| allowed.others) {
        return true;
    }
    let after = |bound: Option<&'_ [RangeDatum]>, at: &RangeDatum, own: &RangeDatum| match bound {
        Some(bound) if at.compare(own, oid) == Ordering::Equal => Some(bound.get(1..).unwrap_or_default().to_vec()),
        _ => None,
    };
    let ends = [(from, &low), (to, &high)].into_iter().filter(|(bound, _)| bound.is_some());
    ends.into_iter().any(|(_, end)| {
        let RangeDatum::Value(value) = end else { return false };
        let is_within = low.compare(end, oid) != Ordering::Greater && end.compare(&high, oid) != Ordering::Greater;
        let (from, to) = (after(from, end, &low), after(to, end, &high));
        is_within && allowed.admits(value, column) && may_be_between((from.as_deref(), to.as_deref()), rest, columns)
    })
}

/// Whether partitions by range cover everything that is allowed: one value of each column but the last, and all of that one
/// between two ends.
fn covers(partitions: &Partitions, allowed: &[Allowed]) -> bool {
    let columns = &partitions.key.columns;
    let (Some((last, before)), Some((column, _))) = (allowed.split_last(), columns.split_last()) else { return false };
    let Some(prefix) = before.iter().map(Allowed::single).collect::<Option<Vec<_>>>() else { return false };
    if last.nulls || last.lower.is_none() && last.upper.is_none() && prefix.is_empty() {
        return false;
    }
    let oid = column.ty.oid;
    // Where a bound stands on the line of keys that begin so.
    let on_line = |bound: &[RangeDatum]| {
        for ((value, bound), column) in prefix.iter().zip(bound).zip(columns) {
            match RangeDatum::Value((*value).clone()).compare(bound, column.ty.oid) {
                Ordering::Less => return Some(RangeDatum::MaxValue),
                Ordering::Greater => return Some(RangeDatum::MinValue),
                Ordering::Equal => {}
            }
        }
        bound.last().cloned()
    };
    let mut reached = last.lower.as_ref().map_or(RangeDatum::MinValue, |(value, _)| RangeDatum::Value(value.clone()));
    for (_, bound) in &partitions.bounds {
        let PartitionBound::Range { from, to } = &**bound else { return false };
        let (Some(from), Some(to)) = (on_line(from), on_line(to)) else { return false };
        if from.compare(&reached, oid) != Ordering::Greater && to.compare(&reached, oid) == Ordering::Greater {
            reached = to;
        }
    }
    match (&last.upper, &reached) {
        (_, RangeDatum::MaxValue) => true,
        (Some((upper, inclusive)), RangeDatum::Value(reached)) => match order::compare_as(oid, upper, reached) {
            Ordering::Less => true,
            Ordering::Equal => !inclusive,
            Ordering::Greater => false,
        },
        _ => false,
    }
}
