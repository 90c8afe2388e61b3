//! How many rows and groups PostgreSQL would expect. Which of two inputs comes first in a join that costs the same either way
//! is decided by that, and how large its hash tables are, so that rows come in the order programs know.
//!
//! A small table is never analyzed by itself there, and one that is not counts as ten pages of rows of the width that their
//! types say.

use std::collections::BTreeSet;
use std::sync::Arc;

use dictdb_catalog::{ConstraintKind, IndexTarget, Relation};
use dictdb_types::{Oid, Type, TypeLookup, oids};

use super::Builder;
use crate::columns::expr_columns;
use crate::estimate::{ColumnStatistics, DEFAULT_DISTINCT, Estimator, ExtendedStatistics, Origin, Statistics};
use crate::expr::{ColumnId, Expr};
use crate::logical::{JoinKind, Node as Logical, Scan};
use crate::physical::HashTable;

/// Changed rows from which on a table is analyzed by itself (`autovacuum_analyze_threshold`).
pub(super) const ANALYZED_ROWS: f64 = 50.0;
/// Pages that a table is taken to have at least.
const PAGES: f64 = 10.0;
/// Bytes of a page for rows, and of a row beside its values.
pub(super) const PAGE_BYTES: f64 = 8168.0;
const ROW_BYTES: i32 = 28;
/// A value of which nothing is known.
const UNKNOWN_WIDTH: i32 = 32;
/// Longer values are seldom as long as they may be.
const LARGEST_WIDTH: i32 = 1000;
/// What lengths in type modifiers have in addition, and bytes of a character.
const HEADER: i32 = 4;
const CHARACTER: i32 = 4;

/// Rows of a function's result of which nothing is known (`prorows`), and of whatever else.
const UNKNOWN_ROWS: f64 = 1000.0;
/// The part of its rows that the combinations of several columns of a table are expected to be.
const COMBINED: f64 = 0.1;
/// Below so many rows PostgreSQL sorts rather than making a hash table.
const HASHED_ROWS: f64 = 3.0;

/// The statistics that PostgreSQL has: none of a table that is never analyzed.
pub(super) struct Nominal<'a>(pub(super) &'a dyn Statistics);

impl Nominal<'_> {
    pub(super) fn knows(&self, table: Oid) -> bool {
        self.0.rows(table) >= ANALYZED_ROWS || self.0.is_analyzed(table)
    }
}

impl Statistics for Nominal<'_> {
    fn rows(&self, table: Oid) -> f64 {
        if self.knows(table) { self.0.rows(table) } else { UNKNOWN_ROWS }
    }

    fn distinct_keys(&self, table: Oid, index: Oid) -> Option<f64> {
        self.knows(table).then(|| self.0.distinct_keys(table, index)).flatten()
    }

    fn column(&self, table: Oid, slot: usize, base_type: Oid) -> Option<Arc<ColumnStatistics>> {
        self.knows(table).then(|| self.0.column(table, slot, base_type)).flatten()
    }

    fn extended(&self, table: Oid) -> Vec<Arc<ExtendedStatistics>> {
        self.0.extended(table)
    }

    fn is_analyzed(&self, table: Oid) -> bool {
        self.0.is_analyzed(table)
    }
}

/// A table of a plan: all its rows, and those that conditions on it leave.
struct Source {
    relation: Arc<Relation>,
    rows: f64,
    kept: f64,
}

/// A column that groups are made by, or an expression that a statistics object knows.
#[derive(Clone)]
struct Unit {
    expr: Expr,
    origin: Option<Origin>,
    is_boolean: bool,
}

impl Builder<'_> {
    /// Rows that PostgreSQL would expect of a table without conditions.
    pub(super) fn nominal_rows(&self, scan: &Scan) -> f64 {
        if !scan.members.is_empty() || self.guesses.knows(scan.relation.storage) {
            return self.live_rows(scan);
        }
        let columns = scan.relation.columns.iter().filter(|column| !column.dropped);
        let width: i32 = columns.map(|column| width(column.ty, &**self.catalog)).sum();
        rows_of_page(width) * PAGES
    }

    /// The hash table that PostgreSQL makes of groups by some expressions over a plan, each being the column of that number;
    /// `None` where it sorts.
    pub(super) fn hash_table<'e>(
        &self,
        groups: impl Iterator<Item = (usize, &'e Expr)>,
        input: &Logical,
    ) -> Option<HashTable> {
        let rows = self.nominal_rows_of(input);
        if rows < HASHED_ROWS {
            return None;
        }
        let mut sources = Vec::new();
        self.sources(input, &mut sources);
        let groups: Vec<(usize, &Expr)> = groups.collect();
        let columns: Vec<usize> =
            groups.iter().filter(|(_, group)| !self.is_implied(group, &groups, &sources)).map(|(at, _)| *at).collect();
        let exprs: Vec<&Expr> = groups.iter().filter(|(at, _)| columns.contains(at)).map(|(_, group)| *group).collect();
        Some(HashTable { columns, expected: self.nominal_groups(&exprs, &sources, rows) })
    }

    /// How many groups by some expressions a plan of so many rows is expected to have.
    pub(super) fn groups_of(&self, exprs: &[&Expr], input: &Logical, rows: f64) -> f64 {
        let mut sources = Vec::new();
        self.sources(input, &mut sources);
        self.nominal_groups(exprs, &sources, rows)
    }

    /// The hash table that PostgreSQL makes of whole rows of some queries together: it expects all of them to differ.
    pub(super) fn set_table(&self, columns: usize, queries: &[&Logical]) -> Option<HashTable> {
        let expected: f64 = queries.iter().map(|query| self.nominal_rows_of(query)).sum();
        (expected >= HASHED_ROWS).then(|| HashTable { columns: (0..columns).collect(), expected })
    }

    /// Whether PostgreSQL, asked for the distinct rows of an input in an order, or for the first `limit` of them, sorts all
    /// of the input by all columns, rather than sorting what a hash table has left.
    pub(super) fn is_sorted_to_distinguish(&self, input: &Logical, limit: Option<f64>) -> bool {
        let exprs: Vec<Expr> = input.columns().iter().map(Expr::column).collect();
        let Some(table) = self.hash_table(exprs.iter().enumerate(), input) else { return true };
        let (rows, groups) = (self.nominal_rows_of(input), table.expected);
        let share = limit.map_or(1.0, |limit| (limit / groups).min(1.0));
        let constants = &self.constants;
        let compared = rows * exprs.len() as f64 * constants.cpu_operator;
        let sorted = constants.sort(rows, None) + compared * share;
        let hashed = compared + groups * constants.cpu_tuple + constants.sort(groups, limit);
        sorted < hashed
    }

    /// Whether a column of a table goes by the table's primary key, which the groups have too.
    fn is_implied(&self, group: &Expr, groups: &[(usize, &Expr)], sources: &[Source]) -> bool {
        let place = |expr: &Expr| match expr {
            Expr::Column(id, _) => self.origins.of_column(*id).map(|(table, slot, _)| (table, slot)),
            _ => None,
        };
        let Some((table, slot)) = place(group) else { return false };
        let Some(source) = sources.iter().find(|source| source.relation.storage == table) else { return false };
        let key = source.relation.primary_key().map(|key| &key.kind);
        let Some(ConstraintKind::Primary { columns, .. }) = key else { return false };
        let slot_of = |attnum: &i16| source.relation.column(*attnum).map(|column| column.slot);
        let has =
            |attnum: &i16| groups.iter().any(|(_, other)| place(other) == slot_of(attnum).map(|own| (table, own)));
        columns.iter().all(has) && !columns.iter().any(|attnum| slot_of(attnum) == Some(slot))
    }

    /// The groups that PostgreSQL would expect (`estimate_num_groups`).
    fn nominal_groups(&self, exprs: &[&Expr], sources: &[Source], rows: f64) -> f64 {
        let units = self.units(exprs);
        let source_of = |unit: &Unit| {
            let (table, ..) = unit.origin?;
            sources.iter().position(|source| source.relation.storage == table)
        };
        let mut groups = 1.0;
        for at in (0..sources.len()).map(Some).chain([None]) {
            let mut own: Vec<Unit> = units.iter().filter(|unit| source_of(unit) == at).cloned().collect();
            if own.is_empty() {
                continue;
            }
            let (all, kept) = at.map_or((rows, rows), |at| (sources[at].rows, sources[at].kept));
            let mut distinct = self.known_combinations(&mut own);
            distinct.extend(own.iter().map(|unit| self.nominal_distinct(unit, all, sources)));
            let (product, largest) =
                distinct.iter().fold((1.0, 1.0f64), |(product, largest), one| (product * one, largest.max(*one)));
            let limit = if distinct.len() > 1 { (all * COMBINED).max(largest).min(all) } else { all };
            let distinct = product.min(limit);
            let share = if kept < all { 1.0 - ((all - kept) / all).powf(all / distinct) } else { 1.0 };
            groups *= (distinct * share).max(1.0);
        }
        groups.ceil().min(rows).max(1.0)
    }

    /// What expressions group by: the columns in them, or themselves where a statistics object knows them.
    fn units(&self, exprs: &[&Expr]) -> Vec<Unit> {
        let mut units: Vec<Unit> = Vec::new();
        for expr in exprs {
            let origin = self.origins.of_expr(expr);
            let mut used = BTreeSet::new();
            if origin.is_none() {
                expr_columns(expr, &mut used);
            }
            let found = match (origin, expr) {
                (Some(_), _) | (None, Expr::Column(..)) => vec![(*expr).clone()],
                (None, _) => used.into_iter().map(|id| Expr::Column(id, Type::new(Oid::INVALID))).collect(),
            };
            for own in found {
                let origin = self.origins.of_expr(&own);
                let is_boolean = own.ty().oid == oids::BOOL;
                if units.iter().all(|unit| !unit.expr.same(&own) && (origin.is_none() || unit.origin != origin)) {
                    units.push(Unit { expr: own, origin, is_boolean });
                }
            }
        }
        units
    }

    /// Different combinations of columns of one table that statistics objects know, of as many columns as possible first; the
    /// columns are taken out.
    fn known_combinations(&self, units: &mut Vec<Unit>) -> Vec<f64> {
        let slot_of = |unit: &Unit| unit.origin.map(|(_, slot, _)| slot);
        let table = units.first().and_then(|unit| unit.origin).map(|(table, ..)| table);
        let objects = table.map_or_else(Vec::new, |table| self.statistics.extended(table));
        let mut found = Vec::new();
        loop {
            let shared = |object: &&Arc<ExtendedStatistics>| {
                units.iter().filter_map(slot_of).filter(|slot| object.position(*slot).is_some()).count()
            };
            let usable = objects.iter().filter(|object| !object.distinct.is_empty() && shared(object) > 1);
            let best = usable.reduce(|best, next| if shared(&next) > shared(&best) { next } else { best });
            let Some(best) = best else { return found };
            let is_own = |unit: &Unit| slot_of(unit).is_some_and(|slot| best.position(slot).is_some());
            let slots: Vec<usize> = units.iter().filter(|unit| is_own(unit)).filter_map(slot_of).collect();
            let Some(distinct) = best.distinct_of(&slots) else { return found };
            units.retain(|unit| !is_own(unit));
            found.push(distinct);
        }
    }

    /// Different values that PostgreSQL would expect of a column.
    fn nominal_distinct(&self, unit: &Unit, rows: f64, sources: &[Source]) -> f64 {
        if let Expr::Column(id, _) = &unit.expr
            && self.is_unique(*id, sources)
        {
            return rows;
        }
        if unit.is_boolean {
            return 2.0f64.min(rows);
        }
        Estimator::new(&self.guesses, &self.origins).distinct(&unit.expr, rows)
    }

    /// Whether no two rows of its table have the same value of a column.
    fn is_unique(&self, id: ColumnId, sources: &[Source]) -> bool {
        let Some((table, slot, _)) = self.origins.of_column(id) else { return false };
        let Some(source) = sources.iter().find(|source| source.relation.storage == table) else { return false };
        self.has_unique_column(&source.relation, slot)
    }

    fn has_unique_column(&self, relation: &Relation, slot: usize) -> bool {
        let own = |attnum: i16| relation.column(attnum).is_some_and(|column| column.slot == slot);
        if let Some(ConstraintKind::Primary { columns, .. }) = relation.primary_key().map(|key| &key.kind)
            && matches!(columns.as_slice(), [attnum] if own(*attnum))
        {
            return true;
        }
        self.catalog.valid_indexes(relation).filter_map(|index| index.index()).any(|info| {
            let only =
                matches!(info.keys.as_slice(), [key] if matches!(key.target, IndexTarget::Column(at) if own(at)));
            info.unique && info.predicate.is_none() && only
        })
    }

    /// Whether an expression is a column of a table of this plan, of which no two rows have the same value.
    pub(super) fn is_unique_key(&self, expr: &Expr) -> bool {
        let Expr::Column(id, _) = expr else { return false };
        let Some((table, slot, _)) = self.origins.of_column(*id) else { return false };
        let relations = self.opened.iter().filter_map(|oid| self.catalog.relation(*oid));
        relations.into_iter().any(|relation| relation.storage == table && self.has_unique_column(relation, slot))
    }

    /// Whether some of these expressions are columns of a table of this plan, of which no two rows have the same values.
    pub(super) fn are_unique_keys(&self, exprs: &[&Expr]) -> bool {
        let places: Vec<(Oid, usize)> = exprs
            .iter()
            .filter_map(|expr| match expr {
                Expr::Column(id, _) => self.origins.of_column(*id).map(|(table, slot, _)| (table, slot)),
                _ => None,
            })
            .collect();
        let relations = self.opened.iter().filter_map(|oid| self.catalog.relation(*oid));
        relations.into_iter().any(|relation| {
            let has = |attnum: i16| {
                relation.column(attnum).is_some_and(|column| places.contains(&(relation.storage, column.slot)))
            };
            let mut indexes = relation.indexes.iter().filter_map(|index| self.catalog.relation(*index)?.index());
            indexes.any(|info| {
                let mut keys = info.keys.iter();
                info.unique
                    && info.predicate.is_none()
                    && keys.all(|key| matches!(key.target, IndexTarget::Column(attnum) if has(attnum)))
            })
        })
    }

    /// Whether an expression is a column that no two rows of an input of a join have the same value of.
    pub(super) fn is_unique_column(&self, node: &Logical, expr: &Expr) -> bool {
        let Expr::Column(id, _) = expr else { return false };
        match node {
            Logical::Scan(scan) => {
                let own = scan.columns.iter().find(|(column, _)| column.id == *id);
                let slot = own.and_then(|(_, attnum)| scan.relation.column(*attnum)).map(|column| column.slot);
                slot.is_some_and(|slot| self.has_unique_column(&scan.relation, slot))
            }
            Logical::Filter { input, .. } => self.is_unique_column(input, expr),
            Logical::Project { input, columns } => {
                let from = columns.iter().find(|(column, _)| column.id == *id);
                from.is_some_and(|(_, from)| self.is_unique_column(input, from))
            }
            Logical::Aggregate(aggregate) => {
                matches!(aggregate.groups.as_slice(), [(column, _)] if column.id == *id && aggregate.sets.is_none())
            }
            _ => false,
        }
    }

    /// Rows that PostgreSQL would expect of a plan.
    pub(super) fn nominal_rows_of(&self, node: &Logical) -> f64 {
        let estimator = Estimator::new(&self.guesses, &self.origins);
        let rows = match node {
            Logical::Values { rows, .. } => rows.len() as f64,
            Logical::Scan(scan) => self.nominal_rows(scan),
            Logical::Filter { input, predicate } => {
                let mut conjuncts = Vec::new();
                predicate.clone().into_conjuncts(&mut conjuncts);
                self.nominal_rows_of(input) * estimator.all(&conjuncts)
            }
            Logical::Join { kind, left, right, on, .. } => {
                let (left, right) = (self.nominal_rows_of(left), self.nominal_rows_of(right));
                let mut conjuncts = Vec::new();
                on.clone().into_iter().for_each(|on| on.into_conjuncts(&mut conjuncts));
                let (keys, rest): (Vec<_>, Vec<_>) = conjuncts.into_iter().partition(super::join_graph::is_key);
                let matching = |key: &Expr| {
                    let mut most = 1.0f64;
                    key.for_each_child(&mut |side| {
                        let rows = left.max(right);
                        let unique = self.is_unique_side(side, node);
                        most = most.max(unique.unwrap_or_else(|| estimator.distinct(side, rows)));
                    });
                    1.0 / most
                };
                let inner = left * right * keys.iter().map(matching).product::<f64>() * estimator.all(&rest);
                match kind {
                    JoinKind::Inner => inner,
                    JoinKind::Left => inner.max(left),
                    JoinKind::Right => inner.max(right),
                    JoinKind::Full => inner.max(left).max(right),
                    JoinKind::Semi | JoinKind::Anti => left / 2.0,
                }
            }
            Logical::Project { input, .. }
            | Logical::Window { input, .. }
            | Logical::Sort { input, .. }
            | Logical::LockRows { input, .. }
            | Logical::With { body: input, .. } => self.nominal_rows_of(input),
            Logical::Distinct { input, .. } => self.nominal_rows_of(input).min(DEFAULT_DISTINCT),
            Logical::Aggregate(aggregate) if aggregate.groups.is_empty() => 1.0,
            Logical::Aggregate(aggregate) => self.nominal_rows_of(&aggregate.input).min(DEFAULT_DISTINCT),
            Logical::SetOp { left, right, .. } => self.nominal_rows_of(left) + self.nominal_rows_of(right),
            _ => UNKNOWN_ROWS,
        };
        rows.max(1.0)
    }

    /// The rows of the table of which one side of an equality is a unique column.
    fn is_unique_side(&self, side: &Expr, node: &Logical) -> Option<f64> {
        let Expr::Column(id, _) = side else { return None };
        let mut sources = Vec::new();
        self.sources(node, &mut sources);
        let (table, slot, _) = self.origins.of_column(*id)?;
        let source = sources.iter().find(|source| source.relation.storage == table)?;
        self.has_unique_column(&source.relation, slot).then_some(source.rows)
    }

    /// The tables that a plan reads.
    fn sources(&self, node: &Logical, out: &mut Vec<Source>) {
        match node {
            Logical::Scan(scan) => {
                let rows = self.nominal_rows(scan);
                out.push(Source { relation: scan.relation.clone(), rows, kept: rows });
            }
            Logical::Filter { input, .. } if matches!(**input, Logical::Scan(_)) => {
                self.sources(input, out);
                if let Some(source) = out.last_mut() {
                    source.kept = self.nominal_rows_of(node);
                }
            }
            _ => crate::columns::for_each_input(node, &mut |input| self.sources(input, out)),
        }
    }
}

/// Rows of values of this width that are on a page.
pub(super) fn rows_of_page(width: i32) -> f64 {
    (PAGE_BYTES / f64::from(width + ROW_BYTES)).floor().max(1.0)
}

/// The width that PostgreSQL takes values of a type to have.
pub(super) fn width(ty: Type, types: &dyn TypeLookup) -> i32 {
    let len = types.type_info(ty.oid).map_or(-1, |info| i32::from(info.len));
    if len > 0 {
        return len;
    }
    match (ty.oid, ty.typmod - HEADER) {
        (oids::BPCHAR, length) if length > 0 => length * CHARACTER + HEADER,
        (oids::VARCHAR, length) if length > 0 => {
            let largest = (length.min(LARGEST_WIDTH) * CHARACTER + HEADER).min(LARGEST_WIDTH);
            if largest <= UNKNOWN_WIDTH { largest } else { UNKNOWN_WIDTH + (largest - UNKNOWN_WIDTH) / 2 }
        }
        _ => UNKNOWN_WIDTH,
    }
}
