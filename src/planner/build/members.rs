//! Reading a table with children: one scan for each table whose rows it has, without those that cannot have any wanted.

use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_types::{Error, Result};

use super::order::Wanted;
use super::scan::fetched;
use super::{Builder, Built, Outer, cost};
use crate::expr::{Expr, SublinkKind};
use crate::logical::Scan;
use crate::physical::{Node, Op};
use crate::pruning::{LatePruning, Pruning};

impl Builder<'_> {
    /// A table with children, with the conditions on it.
    pub(crate) fn build_members(
        &mut self,
        scan: &Scan,
        conjuncts: &[Expr],
        wanted: &Wanted,
        outer: &Outer,
    ) -> Result<Built> {
        let pruning = Pruning::of(scan, conjuncts, self.cx);
        let kept: Vec<(usize, &Arc<Relation>)> =
            scan.members.iter().enumerate().filter(|(_, member)| pruning.keeps(member)).collect();
        let mut built = Vec::with_capacity(kept.len());
        self.ranges += scan.members.len();
        let conjuncts = &self.with_shared_queries(conjuncts, outer)?;
        for (place, member) in &kept {
            let own = member_scan(scan, member, *place)?;
            built.push(self.build_scan(&own, conjuncts.to_vec(), wanted, outer)?);
        }
        match built.len() {
            0 => Ok(nothing(scan)),
            1 => built.pop().ok_or_else(|| Error::internal("one scan that is none")),
            _ => {
                let members = kept.iter().map(|(_, member)| Arc::clone(member)).collect();
                let pruning = LatePruning::of(scan, conjuncts, members).map(Arc::new);
                Ok(appended(built, pruning, &scan.alias))
            }
        }
    }

    /// Conditions whose subqueries are about no row: each is one subquery for all members.
    fn with_shared_queries(&mut self, conjuncts: &[Expr], outer: &Outer) -> Result<Vec<Expr>> {
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

    /// Rows of a table and of those whose rows it has.
    pub(crate) fn rows_of(&self, scan: &Scan) -> f64 {
        let rows = |relation: &Relation| self.statistics.rows(relation.storage);
        match scan.members.is_empty() {
            true => rows(&scan.relation).max(1.0),
            false => scan.members.iter().map(|member| rows(member)).sum::<f64>().max(1.0),
        }
    }
}

/// The scan of one member: the same columns, wherever they stand there.
fn member_scan(scan: &Scan, member: &Arc<Relation>, place: usize) -> Result<Scan> {
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

/// No rows: none of the members can have any.
fn nothing(scan: &Scan) -> Built {
    let (_, layout, columns, names) = fetched(scan);
    let node = Node { op: Op::Values { rows: Vec::new() }, columns, names, rows: 0.0, cost: (0.0, 0.0) };
    Built { node, layout, order: Vec::new() }
}

/// Scans of the same columns, one after the other.
fn appended(built: Vec<Built>, pruning: Option<Arc<LatePruning>>, parent: &Arc<str>) -> Built {
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
    let node = Node {
        op: Op::Append { inputs, pruning, parent: Some(parent.clone()) },
        columns,
        names,
        rows,
        cost: (start, total),
    };
    Built { node, layout, order: Vec::new() }
}
