//! Joins and aggregates of partitioned tables, partition by partition (`enable_partitionwise_join`, `enable_partitionwise_aggregate`).
//!
//! Where tables are joined by what they are divided by and each partition of one has keys of one partition of the other, rows of
//! these two only meet each other; where rows are grouped by it, no group is in two partitions. Then each partition is joined or
//! grouped by itself, in a hash table of its own size. (PostgreSQL: `try_partitionwise_join`,
//! `create_partitionwise_grouping_paths`.)

mod division;
mod matching;

use std::collections::HashMap;
use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_types::Result;

use super::members::{descends_from, member_scan, nothing};
use super::order::Wanted;
use super::{Builder, Built, Outer};
use crate::columns::{for_each_expr, for_each_input};
use crate::expr::{ColumnId, Expr};
use crate::logical::{Aggregate, Column, JoinKind, Node as Logical, Scan};
use crate::physical::{Appended, Node, Op, TableLock};
use division::Part;

/// The part of a plan that belongs to one partition.
enum Piece {
    /// It has rows.
    Plan(Logical),
    /// It has none.
    Empty,
    /// There is no such part: rows are needed that a partition which was left out would have been asked for.
    Impossible,
}

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
        for part in division.parts.iter().filter(|part| part.is_read()) {
            match self.piece(node, part, &scans) {
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

    /// The part of a divided plan that belongs to a part of its rows, the scans in it being these.
    fn piece(&self, node: &Logical, part: &Part, scans: &[&Scan]) -> Piece {
        match node {
            Logical::Scan(scan) => self.partition(scan, part, scans).map_or(Piece::Empty, Piece::Plan),
            Logical::Filter { input, predicate } => self
                .piece(input, part, scans)
                .map(|input| Logical::Filter { input: Box::new(input), predicate: predicate.clone() }),
            Logical::Project { input, columns } => self
                .piece(input, part, scans)
                .map(|input| Logical::Project { input: Box::new(input), columns: columns.clone() }),
            Logical::Aggregate(aggregate) => self
                .piece(&aggregate.input, part, scans)
                .map(|input| Logical::Aggregate(Box::new(Aggregate { input, ..(**aggregate).clone() }))),
            Logical::Join { kind, left, right, on, lateral } => {
                match (self.piece(left, part, scans), self.piece(right, part, scans), kind) {
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

    /// The scan of the partition that a scan reads for a part of the rows, if it reads any.
    fn partition(&self, scan: &Scan, part: &Part, scans: &[&Scan]) -> Option<Logical> {
        let number = scans.iter().position(|own| std::ptr::eq(*own, scan))?;
        let child = self.catalog.relation(part.partition(number)?)?;
        let own = member_scan(scan, child, 0).ok()?;
        let below = |member: &&Arc<Relation>| descends_from(member, child.oid, self.catalog);
        let members = scan.members.iter().filter(below).cloned().collect();
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

/// An aggregate, with a condition on its groups or without.
fn aggregate_of(node: &Logical) -> Option<&Aggregate> {
    match node {
        Logical::Aggregate(aggregate) => Some(aggregate),
        Logical::Filter { input, .. } => aggregate_of(input),
        _ => None,
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
