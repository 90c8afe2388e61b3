//! Joins and aggregates of partitioned tables, partition by partition (`enable_partitionwise_join`, `enable_partitionwise_aggregate`).
//!
//! Where tables are divided alike and joined by what they are divided by, rows of a partition only meet rows of the partition that
//! has the same bound; where rows are grouped by it, no group is in two partitions. Then each partition is joined or grouped by
//! itself, in a hash table of its own size. (PostgreSQL: `try_partitionwise_join`, `create_partitionwise_grouping_paths`.)

use std::collections::HashMap;
use std::sync::Arc;

use dictdb_catalog::{PartitionBound, Partitions, RangeDatum, Relation};
use dictdb_types::{Datum, Oid, Result, order};

use super::members::{descends_from, member_scan, nothing};
use super::order::Wanted;
use super::{Builder, Built, Outer};
use crate::columns::{for_each_expr, for_each_input};
use crate::condition::{comparison, same_value};
use crate::expr::{ColumnId, Expr};
use crate::logical::{Aggregate, Column, JoinKind, Node as Logical, Scan};
use crate::physical::{Appended, Node, Op, TableLock};
use crate::pruning::{Pruning, Tables, key_expr};

/// How the rows of a plan are divided.
struct Division {
    partitions: Partitions,
    /// Of each column of the partition key what is equal to it.
    keys: Vec<Vec<Expr>>,
    /// What is equal to it or NULL, where an outer join found no row.
    nullable: Vec<Vec<Expr>>,
}

/// The part of a plan that belongs to one partition.
enum Piece {
    /// It has rows.
    Plan(Logical),
    /// It has none.
    Empty,
    /// There is no such part: rows are needed that a partition which was left out would have been asked for.
    Impossible,
}

/// So many columns of a chain of full joins are known to be merged ones of a column of the partition key.
const MERGED: usize = 64;

impl Builder<'_> {
    /// A plan as the parts that belong to its partitions, one after the other, where the settings ask for that and it is possible.
    pub(crate) fn build_by_partitions(
        &mut self,
        node: &Logical,
        wanted: &Wanted,
        outer: &Outer,
    ) -> Result<Option<Built>> {
        let (mut scans, is_grouped) = (Vec::new(), aggregate_of(node).is_some());
        let allowed = if is_grouped { self.methods.partitionwise_aggregate } else { self.methods.partitionwise_join };
        if !allowed || has_queries(node) {
            return Ok(None);
        }
        let division = match aggregate_of(node) {
            Some(aggregate) => self.division(&aggregate.input, &mut scans).filter(|own| own.is_grouped_by(aggregate)),
            None => self.division(node, &mut scans).filter(|_| scans.len() > 1),
        };
        let Some(division) = division else { return Ok(None) };
        let mut pieces = Vec::new();
        for at in 0..division.partitions.in_order().count() {
            match self.piece(node, at) {
                Piece::Plan(piece) => pieces.push(piece),
                Piece::Empty => {}
                Piece::Impossible => return Ok(None),
            }
        }
        scans.iter().for_each(|scan| self.lock(scan.relation.oid, TableLock::AccessShare));
        self.ranges += pieces.len() * scans.len();
        match pieces.as_slice() {
            [] => Ok(Some(nothing(node.columns().iter()))),
            [only] => self.build_wanted(only, wanted, outer).map(Some),
            pieces => {
                let of = if is_grouped { Appended::Queries } else { joined(node, &scans) };
                self.build_pieces(pieces, &node.columns(), of, &wanted.unordered(), outer).map(Some)
            }
        }
    }

    fn build_pieces(
        &mut self,
        pieces: &[Logical],
        columns: &[Column],
        of: Appended,
        wanted: &Wanted,
        outer: &Outer,
    ) -> Result<Built> {
        let mut inputs: Vec<Node> = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let built = self.build_wanted(piece, wanted, outer)?;
            let input = self.arrange(built, columns)?;
            match input.op {
                // Those of partitions that are divided themselves.
                Op::Append { inputs: below, of: Appended::Partitions { .. }, .. } => inputs.extend(below),
                _ => inputs.push(input),
            }
        }
        let start = inputs.first().map_or(0.0, |input| input.cost.0);
        let cost = (start, inputs.iter().map(|input| input.cost.1).sum());
        let node = Node {
            columns: columns.iter().map(|column| column.ty).collect(),
            names: columns.iter().map(|column| column.name.clone()).collect(),
            rows: inputs.iter().map(|input| input.rows).sum(),
            op: Op::Append { inputs, pruning: None, of, merged: Vec::new() },
            cost,
        };
        Ok(Built { node, layout: columns.iter().map(|column| column.id).collect(), order: Vec::new() })
    }

    /// How a plan is divided, if each of its rows comes from one partition of every table.
    fn division<'n>(&self, node: &'n Logical, scans: &mut Vec<&'n Scan>) -> Option<Division> {
        match node {
            Logical::Scan(scan) => {
                scans.push(scan);
                self.division_of_table(scan)
            }
            Logical::Filter { input, .. } => self.division(input, scans),
            Logical::Join { kind: JoinKind::Inner, lateral: false, .. } => {
                let (mut inputs, mut conditions) = (Vec::new(), Vec::new());
                inner_joins(node, &mut inputs, &mut conditions);
                let inputs = inputs.into_iter().map(|input| self.division(input, scans));
                let mut inputs = inputs.collect::<Option<Vec<Division>>>()?;
                let mut whole = inputs.pop()?;
                while !inputs.is_empty() {
                    let next = inputs.iter().position(|input| whole.is_joined_to(input, &conditions))?;
                    whole.add(inputs.remove(next), (false, false));
                }
                Some(whole)
            }
            Logical::Join { kind, left, right, on, lateral: false } => {
                let (mut whole, right) = (self.division(left, scans)?, self.division(right, scans)?);
                let mut conditions = Vec::new();
                on.clone()?.into_conjuncts(&mut conditions);
                if !whole.is_joined_to(&right, &conditions) {
                    return None;
                }
                match kind {
                    JoinKind::Semi | JoinKind::Anti => {}
                    JoinKind::Inner => whole.add(right, (false, false)),
                    JoinKind::Left => whole.add(right, (false, true)),
                    JoinKind::Right => whole.add(right, (true, false)),
                    JoinKind::Full => whole.add(right, (true, true)),
                }
                Some(whole)
            }
            Logical::Project { input, columns } => Some(self.division(input, scans)?.projected(columns)),
            _ => None,
        }
    }

    fn division_of_table(&self, scan: &Scan) -> Option<Division> {
        let relation = &scan.relation;
        if scan.members.is_empty() || scan.row_id.is_some() || relation.row_security {
            return None;
        }
        let partitions = Partitions::of(relation, self.catalog)?;
        if self.catalog.orders_by_users(&partitions.key) {
            return None;
        }
        let keys = partitions.key.columns.iter();
        let keys = keys.map(|column| Some(vec![key_expr(scan, relation, column, self.cx)?]));
        let keys: Vec<Vec<Expr>> = keys.collect::<Option<_>>()?;
        Some(Division { partitions, nullable: vec![Vec::new(); keys.len()], keys })
    }

    /// The part of a divided plan that belongs to the partition of this number.
    fn piece(&self, node: &Logical, at: usize) -> Piece {
        match node {
            Logical::Scan(scan) => self.partition(scan, &[], at).map_or(Piece::Empty, Piece::Plan),
            Logical::Filter { input, predicate } => {
                let filter = |input| Logical::Filter { input: Box::new(input), predicate: predicate.clone() };
                let Logical::Scan(scan) = &**input else { return self.piece(input, at).map(filter) };
                let mut conjuncts = Vec::new();
                predicate.clone().into_conjuncts(&mut conjuncts);
                self.partition(scan, &conjuncts, at).map_or(Piece::Empty, |input| Piece::Plan(filter(input)))
            }
            Logical::Project { input, columns } => {
                self.piece(input, at).map(|input| Logical::Project { input: Box::new(input), columns: columns.clone() })
            }
            Logical::Aggregate(aggregate) => self
                .piece(&aggregate.input, at)
                .map(|input| Logical::Aggregate(Box::new(Aggregate { input, ..(**aggregate).clone() }))),
            Logical::Join { kind, left, right, on, lateral } => {
                match (self.piece(left, at), self.piece(right, at), kind) {
                    (Piece::Plan(left), Piece::Plan(right), _) => Piece::Plan(Logical::Join {
                        kind: *kind,
                        left: Box::new(left),
                        right: Box::new(right),
                        on: on.clone(),
                        lateral: *lateral,
                    }),
                    (Piece::Impossible, ..) | (_, Piece::Impossible, _) => Piece::Impossible,
                    (Piece::Empty, Piece::Empty, _)
                    | (_, _, JoinKind::Inner | JoinKind::Semi)
                    | (Piece::Empty, _, JoinKind::Left | JoinKind::Anti)
                    | (_, Piece::Empty, JoinKind::Right) => Piece::Empty,
                    _ => Piece::Impossible,
                }
            }
            _ => Piece::Impossible,
        }
    }

    /// The scan of one partition with the conditions on it, if these leave any of it.
    fn partition(&self, scan: &Scan, conjuncts: &[Expr], at: usize) -> Option<Logical> {
        let partitions = Partitions::of(&scan.relation, self.catalog)?;
        let child = self.catalog.relation(partitions.in_order().nth(at)?)?;
        let tables = Tables::of(scan, self.cx);
        let pruning = Pruning::of(&tables, conjuncts, self.cx);
        let is_kept = |member: &&Arc<Relation>| pruning.keeps(member);
        if !child.is_partitioned() {
            let kept = scan.members.iter().find(|member| member.oid == child.oid).filter(is_kept)?;
            return member_scan(scan, kept, 0).ok().map(|own| Logical::Scan(Box::new(own)));
        }
        let below = |member: &&Arc<Relation>| descends_from(member, child.oid, self.catalog);
        scan.members.iter().filter(below).find(is_kept)?;
        let members = scan.members.iter().filter(below).cloned().collect();
        let own = member_scan(scan, child, 0).ok()?;
        Some(Logical::Scan(Box::new(Scan { members, ..own })))
    }
}

impl Piece {
    fn map(self, over: impl FnOnce(Logical) -> Logical) -> Piece {
        match self {
            Piece::Plan(plan) => Piece::Plan(over(plan)),
            other => other,
        }
    }
}

impl Division {
    /// Whether conditions make rows of both only meet in partitions of the same bound.
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
        are_alike(&self.partitions, &other.partitions)
            && (0..self.keys.len()).all(|at| conditions.iter().any(|condition| equates(condition, at)))
    }

    /// Takes in what it is joined to; rows of either side may be missing.
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
    fn is_grouped_by(&self, aggregate: &Aggregate) -> bool {
        let is_group = |key: &Expr| aggregate.groups.iter().any(|(_, group)| group.same(key));
        aggregate.sets.is_none() && self.keys.iter().all(|keys| keys.iter().any(is_group))
    }
}

/// An aggregate, with a condition on its groups or without.
fn aggregate_of(node: &Logical) -> Option<&Aggregate> {
    match node {
        Logical::Aggregate(aggregate) => Some(aggregate),
        Logical::Filter { input, .. } => aggregate_of(input),
        _ => None,
    }
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

/// Whether there are subqueries in the expressions of a plan: each is run once, not once for every partition.
fn has_queries(node: &Logical) -> bool {
    let mut found = false;
    for_each_expr(node, &mut |expr| found |= expr.any(&mut |e| matches!(e, Expr::Sublink(_))));
    for_each_input(node, &mut |input| found |= has_queries(input));
    found
}

/// Joined partitions of these tables.
fn joined(node: &Logical, scans: &[&Scan]) -> Appended {
    let mut renamed = HashMap::new();
    renamings(node, &mut renamed);
    let table_of = |column: &Column| {
        let mut id = column.id;
        while let Some(below) = renamed.get(&id) {
            id = *below;
        }
        let mut scans = scans.iter().filter(|scan| scan.columns.iter().any(|(own, _)| own.id == id));
        scans.next().map(|scan| scan.alias.clone())
    };
    let mut tables: Vec<Arc<str>> = scans.iter().map(|scan| scan.alias.clone()).collect();
    tables.dedup();
    Appended::Partitions { tables, columns: node.columns().iter().map(table_of).collect() }
}

/// What projections call a column of their input.
fn renamings(node: &Logical, renamed: &mut HashMap<ColumnId, ColumnId>) {
    if let Logical::Project { columns, .. } = node {
        renamed.extend(columns.iter().filter_map(|(column, expr)| match expr {
            Expr::Column(id, _) if *id != column.id => Some((column.id, *id)),
            _ => None,
        }));
    }
    for_each_input(node, &mut |input| renamings(input, renamed));
}

/// Whether two tables are divided by the same bounds of keys of the same types.
fn are_alike(one: &Partitions, other: &Partitions) -> bool {
    let (columns, others) = (&one.key.columns, &other.key.columns);
    let of_one_kind = one.key.strategy == other.key.strategy
        && columns.len() == others.len()
        && columns
            .iter()
            .zip(others)
            .all(|(a, b)| (a.ty.oid, a.opclass, a.collation) == (b.ty.oid, b.opclass, b.collation));
    let types: Vec<Oid> = columns.iter().map(|column| column.ty.oid).collect();
    of_one_kind
        && one.bounds.len() == other.bounds.len()
        && one.default.is_some() == other.default.is_some()
        && one.bounds.iter().zip(&other.bounds).all(|((_, a), (_, b))| is_same_bound(a, b, &types))
}

fn is_same_bound(one: &PartitionBound, other: &PartitionBound, types: &[Oid]) -> bool {
    let ends =
        |a: &[RangeDatum], b: &[RangeDatum]| a.iter().zip(b).zip(types).all(|((a, b), ty)| a.compare(b, *ty).is_eq());
    match (one, other) {
        (PartitionBound::List { values: a }, PartitionBound::List { values: b }) => {
            let has = |values: &[Datum], value: &Datum| {
                values.iter().any(|own| match (own, value) {
                    (Datum::Null, Datum::Null) => true,
                    (Datum::Null, _) | (_, Datum::Null) => false,
                    (own, value) => order::equal_as(types[0], own, value),
                })
            };
            a.len() == b.len() && a.iter().all(|value| has(b, value))
        }
        (PartitionBound::Range { from, to }, PartitionBound::Range { from: other_from, to: other_to }) => {
            ends(from, other_from) && ends(to, other_to)
        }
        (
            PartitionBound::Hash { modulus, remainder },
            PartitionBound::Hash { modulus: other_modulus, remainder: other_remainder },
        ) => (modulus, remainder) == (other_modulus, other_remainder),
        _ => false,
    }
}
