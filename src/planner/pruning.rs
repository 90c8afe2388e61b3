//! Which partitions cannot have a row that satisfies the conditions of a scan, as far as constants tell.
//!
//! Every partitioned table between the scanned one and a partition has its say. Its key is bounded by what the conditions
//! allow for each column; a partition is left out when its bound and that have nothing in common.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use dictdb_catalog::{
    IndexTarget, PartitionBound, PartitionColumn, PartitionKey, PartitionStrategy, Partitions, RangeDatum, Relation,
};
use dictdb_types::{Datum, Oid, oids, order};

use crate::BindContext;
use crate::condition::commuted;
use crate::expr::{BoolTest, Expr};
use crate::fold;
use crate::logical::Scan;
use crate::table_expr::{TableExpr, over_scan};

/// Partitions that parameters may rule out when a plan is run.
#[derive(Debug)]
pub struct LatePruning {
    scan: Scan,
    conjuncts: Vec<Expr>,
    members: Vec<Arc<Relation>>,
}

impl LatePruning {
    /// For the members of a scan that are read if nothing is known; `None` if no condition has a parameter in it.
    pub(crate) fn of(scan: &Scan, conjuncts: &[Expr], members: Vec<Arc<Relation>>) -> Option<LatePruning> {
        let has_parameter = |expr: &&Expr| expr.any(&mut |e| matches!(e, Expr::Param(..)));
        let conjuncts: Vec<Expr> = conjuncts.iter().filter(has_parameter).cloned().collect();
        let worth_it = scan.relation.is_partitioned() && !conjuncts.is_empty() && members.len() > 1;
        worth_it.then(|| LatePruning { scan: scan.clone(), conjuncts, members })
    }

    /// Which of the members may have rows that satisfy the conditions with these parameters.
    pub fn kept(&self, param: &dyn Fn(usize) -> Option<Datum>, cx: BindContext<'_>) -> Vec<bool> {
        let mut conjuncts = self.conjuncts.clone();
        for conjunct in &mut conjuncts {
            conjunct.rewrite(&mut |e| {
                if let Expr::Param(index, ty) = e
                    && let Some(value) = param(*index)
                {
                    *e = Expr::Const(value, *ty);
                }
            });
        }
        let pruning = Pruning::of(&self.scan, &conjuncts, cx);
        self.members.iter().map(|member| pruning.keeps(member)).collect()
    }
}

/// What the conditions of a scan say about its partitions.
pub(crate) struct Pruning<'a> {
    cx: BindContext<'a>,
    /// By partitioned table: its partitions, and what its key may be.
    tables: BTreeMap<Oid, (Partitions, Vec<Allowed>)>,
}

/// What the conditions leave of one column of a key.
#[derive(Clone, Debug, Default)]
struct Allowed {
    /// One of these values.
    values: Option<Vec<Datum>>,
    /// Above this, inclusive or not.
    lower: Option<(Datum, bool)>,
    /// Below this.
    upper: Option<(Datum, bool)>,
    /// `IS NULL`.
    null: bool,
    /// Nothing at all.
    nothing: bool,
}

impl<'a> Pruning<'a> {
    /// Reads the conditions of a scan.
    pub fn of(scan: &Scan, conjuncts: &[Expr], cx: BindContext<'a>) -> Pruning<'a> {
        let mut pruning = Pruning { cx, tables: BTreeMap::new() };
        if scan.relation.is_partitioned() && !conjuncts.is_empty() {
            let mut folded = conjuncts.to_vec();
            for conjunct in &mut folded {
                // What cannot be computed is reported when it is run.
                let _ = fold::fold(conjunct, cx.env);
            }
            pruning.add(scan, &scan.relation, &folded);
        }
        pruning
    }

    fn add(&mut self, scan: &Scan, relation: &Relation, conjuncts: &[Expr]) {
        let Some(partitions) = Partitions::of(relation, self.cx.catalog) else { return };
        let allowed = partitions.key.columns.iter().map(|column| {
            let key = self.key_expr(scan, relation, column);
            let mut allowed = Allowed::default();
            if let Some(key) = key {
                conjuncts.iter().for_each(|conjunct| allowed.restrict(conjunct, &key, column));
            }
            allowed
        });
        let allowed = allowed.collect();
        let children: Vec<Oid> = partitions.in_order().collect();
        if !self.cx.catalog.orders_by_users(&partitions.key) {
            self.tables.insert(relation.oid, (partitions, allowed));
        }
        for child in children {
            if let Some(child) = self.cx.catalog.relation(child).filter(|child| child.is_partitioned()) {
                self.add(scan, child, conjuncts);
            }
        }
    }

    /// A column of a key over the scan.
    fn key_expr(&self, scan: &Scan, relation: &Relation, column: &PartitionColumn) -> Option<Expr> {
        match &column.target {
            IndexTarget::Column(attnum) => {
                let own = relation.attnum_in(*attnum, &scan.relation)?;
                let (column, _) = scan.columns.iter().find(|(_, number)| *number == own)?;
                Some(Expr::column(column))
            }
            IndexTarget::Expression(text) => over_scan(scan, text, TableExpr::IndexKey, self.cx),
        }
    }

    /// Whether a member may have rows that satisfy the conditions.
    pub fn keeps(&self, member: &Relation) -> bool {
        let mut child = member.oid;
        let mut parent = member.partition_parent();
        while let Some((oid, (partitions, allowed))) = parent.and_then(|oid| Some((oid, self.tables.get(&oid)?))) {
            if !self.may_hold(partitions, allowed, child) {
                return false;
            }
            child = oid;
            parent = self.cx.catalog.relation(oid).and_then(|relation| relation.partition_parent());
        }
        true
    }

    fn may_hold(&self, partitions: &Partitions, allowed: &[Allowed], child: Oid) -> bool {
        if allowed.iter().any(|allowed| allowed.nothing) {
            return false;
        }
        let key = &partitions.key;
        match partitions.bounds.iter().find(|(oid, _)| *oid == child) {
            None => !self.is_taken_by_others(partitions, allowed),
            Some((_, bound)) => match &**bound {
                PartitionBound::List { values } => values.iter().any(|value| allowed[0].admits(value, &key.columns[0])),
                PartitionBound::Range { from, to } => may_be_between(from, to, allowed, key),
                PartitionBound::Hash { .. } => match self.only_keys(allowed) {
                    Some(keys) => keys
                        .iter()
                        .any(|values| partitions.find(values, self.cx.env).map_or(true, |found| found == Some(child))),
                    None => true,
                },
                PartitionBound::Default => true,
            },
        }
    }

    /// The keys that rows may have, when there are few enough to try.
    fn only_keys(&self, allowed: &[Allowed]) -> Option<Vec<Vec<Datum>>> {
        const MOST: usize = 256;
        let mut keys: Vec<Vec<Datum>> = vec![Vec::new()];
        for column in allowed {
            let values = match &column.values {
                Some(values) => values.clone(),
                None if column.null => vec![Datum::Null],
                None => return None,
            };
            if keys.len() * values.len() > MOST {
                return None;
            }
            let longer = keys.iter().flat_map(|key| {
                values.iter().map(|value| key.iter().cloned().chain([value.clone()]).collect::<Vec<Datum>>())
            });
            keys = longer.collect();
        }
        Some(keys)
    }

    /// Whether other partitions than the default one take every row that there may be.
    fn is_taken_by_others(&self, partitions: &Partitions, allowed: &[Allowed]) -> bool {
        if let Some(keys) = self.only_keys(allowed) {
            return keys.iter().all(|values| {
                partitions.find(values, self.cx.env).is_ok_and(|found| found.is_some() && found != partitions.default)
            });
        }
        let ([allowed], PartitionStrategy::Range) = (allowed, partitions.key.strategy) else { return false };
        covers(partitions, allowed)
    }
}

/// Whether partitions by range cover everything between two bounds of their only column.
fn covers(partitions: &Partitions, allowed: &Allowed) -> bool {
    let oid = partitions.key.columns[0].ty.oid;
    if allowed.null || allowed.lower.is_none() && allowed.upper.is_none() {
        return false;
    }
    let mut reached =
        allowed.lower.as_ref().map_or(RangeDatum::MinValue, |(value, _)| RangeDatum::Value(value.clone()));
    for (_, bound) in &partitions.bounds {
        let PartitionBound::Range { from, to } = &**bound else { return false };
        let (Some(from), Some(to)) = (from.first(), to.first()) else { return false };
        if from.compare(&reached, oid) != Ordering::Greater && to.compare(&reached, oid) == Ordering::Greater {
            reached = to.clone();
        }
    }
    match (&allowed.upper, &reached) {
        (_, RangeDatum::MaxValue) => true,
        (Some((upper, inclusive)), RangeDatum::Value(reached)) => match order::compare_as(oid, upper, reached) {
            Ordering::Less => true,
            Ordering::Equal => !inclusive,
            Ordering::Greater => false,
        },
        _ => false,
    }
}

/// Whether a row within a range may have a key that is allowed.
fn may_be_between(from: &[RangeDatum], to: &[RangeDatum], allowed: &[Allowed], key: &PartitionKey) -> bool {
    if allowed.iter().any(|allowed| allowed.null) {
        return false;
    }
    let first = match allowed.first().and_then(|allowed| allowed.values.as_ref()) {
        Some(values) => values.iter().map(|value| Allowed { values: Some(vec![value.clone()]), ..Allowed::default() }),
        None => return is_near(from, to, allowed, key),
    };
    first.into_iter().any(|first| {
        let one: Vec<Allowed> = std::iter::once(first).chain(allowed[1..].iter().cloned()).collect();
        is_near(from, to, &one, key)
    })
}

/// Compares the least and the greatest key allowed with the ends of a range.
fn is_near(from: &[RangeDatum], to: &[RangeDatum], allowed: &[Allowed], key: &PartitionKey) -> bool {
    // The least key is at or above the end: nothing is below it.
    let mut position = Ordering::Equal;
    for ((allowed, to), column) in allowed.iter().zip(to).zip(&key.columns) {
        let least = allowed.least().map_or(RangeDatum::MinValue, |(least, _)| RangeDatum::Value(least));
        position = least.compare(to, column.ty.oid);
        if position != Ordering::Equal || !allowed.is_single() {
            break;
        }
    }
    if position != Ordering::Less {
        return false;
    }
    for ((allowed, from), column) in allowed.iter().zip(from).zip(&key.columns) {
        let Some((greatest, inclusive)) = allowed.greatest() else {
            return !matches!(from, RangeDatum::MaxValue);
        };
        match RangeDatum::Value(greatest).compare(from, column.ty.oid) {
            Ordering::Less => return false,
            Ordering::Greater => return true,
            Ordering::Equal if !inclusive => return false,
            Ordering::Equal if !allowed.is_single() => return true,
            Ordering::Equal => {}
        }
    }
    true
}

impl Allowed {
    fn is_single(&self) -> bool {
        self.values.as_ref().is_some_and(|values| values.len() == 1)
    }

    fn least(&self) -> Option<(Datum, bool)> {
        match &self.values {
            Some(values) if values.len() == 1 => Some((values[0].clone(), true)),
            _ => self.lower.clone(),
        }
    }

    fn greatest(&self) -> Option<(Datum, bool)> {
        match &self.values {
            Some(values) if values.len() == 1 => Some((values[0].clone(), true)),
            _ => self.upper.clone(),
        }
    }

    /// Whether a key of this value satisfies everything.
    fn admits(&self, value: &Datum, column: &PartitionColumn) -> bool {
        let oid = column.ty.oid;
        if value.is_null() {
            return self.null || self.values.is_none() && self.lower.is_none() && self.upper.is_none();
        }
        let equals = |other: &Datum| order::compare_as(oid, value, other).is_eq();
        let above = |(bound, inclusive): &(Datum, bool)| match order::compare_as(oid, value, bound) {
            Ordering::Greater => true,
            Ordering::Equal => *inclusive,
            Ordering::Less => false,
        };
        let below = |(bound, inclusive): &(Datum, bool)| match order::compare_as(oid, value, bound) {
            Ordering::Less => true,
            Ordering::Equal => *inclusive,
            Ordering::Greater => false,
        };
        !self.null
            && self.values.as_ref().is_none_or(|values| values.iter().any(equals))
            && self.lower.as_ref().is_none_or(above)
            && self.upper.as_ref().is_none_or(below)
    }

    /// Takes a condition into account if it is one on this column.
    fn restrict(&mut self, conjunct: &Expr, key: &Expr, column: &PartitionColumn) {
        match conjunct {
            Expr::Const(Datum::Bool(false) | Datum::Null, _) => self.nothing = true,
            Expr::IsNull(arg, false) if is_key(arg, key) => self.null = true,
            Expr::Column(..) if is_key(conjunct, key) => self.one_of(vec![Datum::Bool(true)], column),
            Expr::Not(arg) if is_key(arg, key) => self.one_of(vec![Datum::Bool(false)], column),
            Expr::BoolTest(arg, BoolTest::True) if is_key(arg, key) => self.one_of(vec![Datum::Bool(true)], column),
            Expr::BoolTest(arg, BoolTest::False) if is_key(arg, key) => self.one_of(vec![Datum::Bool(false)], column),
            Expr::ScalarArray(array) if array.is_equal_any() && is_key(&array.left, key) => {
                let Expr::Const(Datum::Array(values), _) = &array.array else { return };
                let known = values.items.iter().filter(|value| !value.is_null());
                let known: Option<Vec<Datum>> = known.map(|value| as_key(value, values.element, column)).collect();
                known.into_iter().for_each(|known| self.one_of(known, column));
            }
            Expr::Or(arms) => self.restrict_by_any(arms, key, column),
            Expr::Call(call) => {
                let (Some(operator), [left, right]) = (call.known_operator(), call.args.as_slice()) else { return };
                match (left, right) {
                    (left, Expr::Const(value, ty)) if is_key(left, key) => {
                        self.compare(operator, value, ty.oid, column);
                    }
                    (Expr::Const(value, ty), right) if is_key(right, key) => {
                        self.compare(commuted(operator), value, ty.oid, column);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// `key = a OR key = b`.
    fn restrict_by_any(&mut self, arms: &[Expr], key: &Expr, column: &PartitionColumn) {
        let mut values = Vec::new();
        for arm in arms {
            let mut own = Allowed::default();
            own.restrict(arm, key, column);
            match own.values {
                Some(mut found) => values.append(&mut found),
                None if own.nothing => {}
                None => return,
            }
        }
        self.one_of(values, column);
    }

    fn one_of(&mut self, values: Vec<Datum>, column: &PartitionColumn) {
        let kept = match self.values.take() {
            None => values,
            Some(old) => {
                let among = |value: &Datum| old.iter().any(|old| order::compare_as(column.ty.oid, old, value).is_eq());
                values.into_iter().filter(among).collect()
            }
        };
        self.nothing |= kept.is_empty();
        self.values = Some(kept);
    }

    fn compare(&mut self, operator: &str, value: &Datum, ty: Oid, column: &PartitionColumn) {
        if value.is_null() {
            self.nothing = true;
            return;
        }
        let Some(value) = &as_key(value, ty, column) else { return };
        let oid = column.ty.oid;
        let tighter = |old: &Option<(Datum, bool)>, inclusive: bool, wanted: Ordering| match old {
            None => true,
            Some((bound, was)) => match order::compare_as(oid, value, bound) {
                Ordering::Equal => *was && !inclusive,
                other => other == wanted,
            },
        };
        match operator {
            "=" => self.one_of(vec![value.clone()], column),
            "<" | "<=" => {
                let inclusive = operator == "<=";
                if tighter(&self.upper, inclusive, Ordering::Less) {
                    self.upper = Some((value.clone(), inclusive));
                }
            }
            ">" | ">=" => {
                let inclusive = operator == ">=";
                if tighter(&self.lower, inclusive, Ordering::Greater) {
                    self.lower = Some((value.clone(), inclusive));
                }
            }
            _ => {}
        }
    }
}

/// A value of a type as one of a column's, where comparing them means the same: within one type, integers of other widths.
fn as_key(value: &Datum, ty: Oid, column: &PartitionColumn) -> Option<Datum> {
    let family = |oid| match oid {
        oids::TEXT | oids::VARCHAR => oids::TEXT,
        other => other,
    };
    let number = match value {
        Datum::Null => return Some(Datum::Null),
        Datum::Int2(number) => i64::from(*number),
        Datum::Int4(number) => i64::from(*number),
        Datum::Int8(number) => *number,
        other => return (family(ty) == family(column.ty.oid)).then(|| other.clone()),
    };
    match column.ty.oid {
        oids::INT2 => i16::try_from(number).ok().map(Datum::Int2),
        oids::INT4 => i32::try_from(number).ok().map(Datum::Int4),
        oids::INT8 => Some(Datum::Int8(number)),
        _ => None,
    }
}

/// Whether an expression is the key, perhaps under another name of its type.
fn is_key(expr: &Expr, key: &Expr) -> bool {
    match (expr, key) {
        (Expr::Relabel(inner, _), _) => is_key(inner, key),
        (_, Expr::Relabel(inner, _)) => is_key(expr, inner),
        _ => expr.same(key),
    }
}
