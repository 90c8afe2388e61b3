//! How the rows of a plan are divided by partitions of the tables in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use dictdb_catalog::{PartitionBound, PartitionKey, Partitions, Relation};
use dictdb_types::Oid;

use super::matching::{Matching, are_same};
use crate::build::Builder;
use crate::build::members::descends_from;
use crate::condition::{comparison, same_value};
use crate::expr::Expr;
use crate::logical::{Aggregate, Column, JoinKind, Node as Logical, Scan};
use crate::pruning::{Pruning, Tables, key_expr};

/// So many columns of a chain of full joins are known to be merged ones of a column of the partition key.
const MERGED: usize = 64;

/// How the rows of a plan are divided.
pub(super) struct Division {
    key: Arc<PartitionKey>,
    /// In the order of their keys.
    pub parts: Vec<Part>,
    /// Whether partitions of different bounds have been matched.
    is_merged: bool,
    /// Of each column of the partition key what is equal to it.
    keys: Vec<Vec<Expr>>,
    /// What is equal to it or NULL, where an outer join found no row.
    nullable: Vec<Vec<Expr>>,
}

/// A part of the rows.
pub(super) struct Part {
    bound: PartitionBound,
    /// The partitions that they come from, by the numbers of their tables' scans; none of those that have no rows for it.
    partitions: BTreeMap<usize, Oid>,
}

impl Part {
    /// The partition that a scan reads for it.
    pub fn partition(&self, scan: usize) -> Option<Oid> {
        self.partitions.get(&scan).copied()
    }

    /// Whether it may have rows.
    pub fn is_read(&self) -> bool {
        !self.partitions.is_empty()
    }

    /// A part of a join, of a part of each side.
    fn of(bound: PartitionBound, sides: [Option<&Part>; 2]) -> Part {
        let sides = sides.into_iter().flatten();
        Part { bound, partitions: sides.flat_map(|part| part.partitions.clone()).collect() }
    }
}

impl Builder<'_> {
    /// How a plan is divided, if each of its rows comes from one partition of every table. The scans of these are numbered as
    /// they are found.
    pub(super) fn division<'n>(&self, node: &'n Logical, scans: &mut Vec<&'n Scan>) -> Option<Division> {
        match node {
            Logical::Scan(scan) => self.division_of_table(scan, &[], scans),
            Logical::Filter { input, predicate } => match &**input {
                Logical::Scan(scan) => {
                    let mut conjuncts = Vec::new();
                    predicate.clone().into_conjuncts(&mut conjuncts);
                    self.division_of_table(scan, &conjuncts, scans)
                }
                input => self.division(input, scans),
            },
            Logical::Join { kind: JoinKind::Inner, lateral: false, .. } => {
                let (mut inputs, mut conditions) = (Vec::new(), Vec::new());
                inner_joins(node, &mut inputs, &mut conditions);
                let inputs = inputs.into_iter().map(|input| self.division(input, scans));
                let mut inputs = inputs.collect::<Option<Vec<Division>>>()?;
                let mut whole = inputs.pop()?;
                while !inputs.is_empty() {
                    let matched = |input: &Division| input.matched(&whole, JoinKind::Inner, &conditions);
                    let found = inputs.iter().enumerate().find_map(|(at, input)| Some((at, matched(input)?)));
                    let (at, parts) = found?;
                    whole.join(inputs.remove(at), JoinKind::Inner, parts);
                }
                Some(whole)
            }
            Logical::Join { kind, left, right, on, lateral: false } => {
                let (mut whole, right) = (self.division(left, scans)?, self.division(right, scans)?);
                let mut conditions = Vec::new();
                on.clone()?.into_conjuncts(&mut conditions);
                let parts = whole.matched(&right, *kind, &conditions)?;
                whole.join(right, *kind, parts);
                Some(whole)
            }
            Logical::Project { input, columns } => Some(self.division(input, scans)?.projected(columns)),
            _ => None,
        }
    }

    /// How a table with conditions on it is divided.
    fn division_of_table<'n>(&self, scan: &'n Scan, conjuncts: &[Expr], scans: &mut Vec<&'n Scan>) -> Option<Division> {
        let relation = &scan.relation;
        if scan.members.is_empty() || scan.row_id.is_some() || relation.row_security {
            return None;
        }
        let Partitions { key, bounds, default } = Partitions::of(relation, self.catalog)?;
        if self.catalog.orders_by_users(&key) {
            return None;
        }
        let keys = key.columns.iter().map(|column| Some(vec![key_expr(scan, relation, column, self.cx)?]));
        let keys: Vec<Vec<Expr>> = keys.collect::<Option<_>>()?;
        let tables = Tables::of(scan, self.cx);
        let pruning = Pruning::of(&tables, self.pruned_by(conjuncts), self.cx);
        let is_read = |partition: Oid| {
            let has =
                |member: &Arc<Relation>| member.oid == partition || descends_from(member, partition, self.catalog);
            scan.members.iter().any(|member| has(member) && pruning.keeps(member))
        };
        let default = default.map(|partition| (partition, PartitionBound::Default));
        let bounds = bounds.into_iter().map(|(partition, bound)| (partition, (*bound).clone())).chain(default);
        let parts = bounds.map(|(partition, bound)| {
            let partitions = is_read(partition).then_some((scans.len(), partition));
            Part { bound, partitions: partitions.into_iter().collect() }
        });
        let parts = parts.collect();
        scans.push(scan);
        Some(Division { key, parts, is_merged: false, nullable: vec![Vec::new(); keys.len()], keys })
    }
}

impl Division {
    /// The parts of a join with another plan, if its conditions make rows of a part meet rows of one part only.
    fn matched(&self, other: &Division, kind: JoinKind, conditions: &[Expr]) -> Option<Vec<Part>> {
        if !self.is_joined_to(other, conditions) {
            return None;
        }
        if self.is_bounded_like(other) {
            let joined = self.parts.iter().zip(&other.parts).map(|(one, other)| {
                let has_rows = match kind {
                    JoinKind::Inner | JoinKind::Semi => one.is_read() && other.is_read(),
                    JoinKind::Left | JoinKind::Anti => one.is_read(),
                    JoinKind::Right => other.is_read(),
                    JoinKind::Full => true,
                };
                Part::of(one.bound.clone(), if has_rows { [Some(one), Some(other)] } else { [None, None] })
            });
            return Some(joined.collect());
        }
        fn read(division: &Division) -> Vec<Option<&PartitionBound>> {
            division.parts.iter().map(|part| part.is_read().then_some(&part.bound)).collect()
        }
        let matching = Matching { key: &self.key, kind, left: read(self), right: read(other) };
        let parts = matching.met()?.into_iter().map(|met| {
            let sides = [met.left.and_then(|at| self.parts.get(at)), met.right.and_then(|at| other.parts.get(at))];
            Part::of(met.bound, sides)
        });
        Some(parts.collect())
    }

    /// Whether tables are divided by the same bounds.
    fn is_bounded_like(&self, other: &Division) -> bool {
        let bounds = |division: &Division| division.parts.iter().map(|part| part.bound.clone()).collect::<Vec<_>>();
        !self.is_merged && !other.is_merged && are_same(&self.key, &bounds(self), &bounds(other))
    }

    /// Takes in what it is joined to.
    fn join(&mut self, right: Division, kind: JoinKind, parts: Vec<Part>) {
        self.is_merged = !self.is_bounded_like(&right);
        self.parts = parts;
        match kind {
            JoinKind::Semi | JoinKind::Anti => {}
            JoinKind::Inner => self.add(right, (false, false)),
            JoinKind::Left => self.add(right, (false, true)),
            JoinKind::Right => self.add(right, (true, false)),
            JoinKind::Full => self.add(right, (true, true)),
        }
    }

    /// Whether both are divided by keys of one kind and conditions make rows only meet that have the same.
    fn is_joined_to(&self, other: &Division, conditions: &[Expr]) -> bool {
        // NULL meets nothing.
        let is_key = |division: &Division, at: usize, expr: &Expr| {
            division.keys[at].iter().chain(&division.nullable[at]).any(|key| same_value(key, expr))
        };
        let equates = |condition: &Expr, at: usize| {
            let Some(("=", left, right)) = comparison(condition) else { return false };
            left.ty().oid == right.ty().oid
                && [(left, right), (right, left)]
                    .into_iter()
                    .any(|(own, theirs)| is_key(self, at, own) && is_key(other, at, theirs))
        };
        are_of_one_kind(&self.key, &other.key)
            && (0..self.keys.len()).all(|at| conditions.iter().any(|condition| equates(condition, at)))
    }

    /// Knows what is equal to the keys of what it is joined to; rows of either side may be missing.
    fn add(&mut self, mut other: Division, (missing, other_missing): (bool, bool)) {
        let become_nullable = |division: &mut Division| {
            division.keys.iter_mut().zip(&mut division.nullable).for_each(|(keys, nullable)| nullable.append(keys));
        };
        let merged = if missing && other_missing { self.merged_with(&other) } else { Vec::new() };
        if missing {
            become_nullable(self);
        }
        if other_missing {
            become_nullable(&mut other);
        }
        self.keys.iter_mut().zip(other.keys).for_each(|(own, theirs)| own.extend(theirs));
        self.nullable.iter_mut().zip(other.nullable).for_each(|(own, theirs)| own.extend(theirs));
        self.nullable.iter_mut().zip(merged).for_each(|(own, merged)| own.extend(merged));
    }

    /// Of each column of the partition key what USING makes of it in a full join with another one.
    fn merged_with(&self, other: &Division) -> Vec<Vec<Expr>> {
        fn all(division: &Division, at: usize) -> impl Iterator<Item = &Expr> + Clone {
            division.keys[at].iter().chain(&division.nullable[at])
        }
        let pairs = |at: usize| {
            let pairs = all(self, at).flat_map(move |own| all(other, at).map(move |theirs| (own, theirs)));
            pairs
                .take(MERGED)
                .map(|(own, theirs)| Expr::Coalesce(vec![own.clone(), theirs.clone()], own.ty()))
                .collect()
        };
        (0..self.keys.len()).map(pairs).collect()
    }

    /// What a projection leaves of it.
    fn projected(mut self, columns: &[(Column, Expr)]) -> Division {
        for keys in self.keys.iter_mut().chain(&mut self.nullable) {
            let shown = columns.iter().filter(|(_, expr)| keys.iter().any(|key| key.same(expr)));
            *keys = shown.map(|(column, _)| Expr::column(column)).collect();
        }
        self
    }

    /// Whether rows of one group are in one partition: those of NULL may be in any, where an outer join made it.
    pub fn is_grouped_by(&self, aggregate: &Aggregate) -> bool {
        let is_group = |key: &Expr| aggregate.groups.iter().any(|(_, group)| group.same(key));
        aggregate.sets.is_none() && self.keys.iter().all(|keys| keys.iter().any(is_group))
    }
}

/// Whether keys divide rows in the same way: columns of the same types by the same classes.
fn are_of_one_kind(one: &PartitionKey, other: &PartitionKey) -> bool {
    let mut columns = one.columns.iter().zip(&other.columns);
    one.strategy == other.strategy
        && one.columns.len() == other.columns.len()
        && columns.all(|(a, b)| (a.ty.oid, a.opclass, a.collation) == (b.ty.oid, b.opclass, b.collation))
}

/// The inputs and conditions of inner joins that follow each other.
fn inner_joins<'n>(node: &'n Logical, inputs: &mut Vec<&'n Logical>, conditions: &mut Vec<Expr>) {
    match node {
        Logical::Join { kind: JoinKind::Inner, left, right, on, lateral: false } => {
            inner_joins(left, inputs, conditions);
            inner_joins(right, inputs, conditions);
            on.clone().into_iter().for_each(|on| on.into_conjuncts(conditions));
        }
        other => inputs.push(other),
    }
}
