//! Rows found by an index of boxes one by one.
//!
//! The boxes give rows in the order of distances that are never too large; how far a row is in truth is known when it has been
//! read. So rows wait until nothing that the index has left can be nearer.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

use dictdb_types::{Datum, Result};

use super::{Cursor, Node, Row};
use crate::access::walk::{RegionWalk, Walk};
use crate::eval::{Code, Scope};
use crate::runtime::{Runtime, ScanId};

/// RegionScan.
#[derive(Debug)]
pub(crate) struct RegionScan {
    /// The walk through the index.
    pub walk: RegionWalk,
    /// Whether the nearest rows come first.
    pub is_ordered: bool,
    /// What the index was asked for: it may find more rows than satisfy that.
    pub recheck: Option<Code>,
    /// Which rows stay.
    pub filter: Option<Code>,
    /// The scan's name.
    pub scan: ScanId,
}

impl Node for RegionScan {
    fn open(self: Arc<Self>) -> Box<dyn Cursor> {
        Box::new(RegionScanCursor { node: self, walk: None, waiting: BinaryHeap::new(), read: 0, is_over: false })
    }
}

struct RegionScanCursor {
    node: Arc<RegionScan>,
    /// The walk, once it has begun.
    walk: Option<Walk>,
    /// Rows that something may still come before.
    waiting: BinaryHeap<Waiting>,
    /// Rows read.
    read: u64,
    is_over: bool,
}

/// A row that has been read before its turn.
struct Waiting {
    distance: Distance,
    number: u64,
    row: Row,
}

impl RegionScanCursor {
    fn walk(&mut self, rt: &Runtime) -> Result<&mut Walk> {
        match &mut self.walk {
            Some(walk) => Ok(walk),
            none => Ok(none.insert(self.node.walk.start(rt)?)),
        }
    }

    /// The next row that the walk comes to and that satisfies the conditions.
    fn next_found(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let node = self.node.clone();
        let walk = self.walk(rt)?;
        loop {
            row.clear();
            if !node.walk.next(walk, rt, row)? {
                return Ok(false);
            }
            if node.keeps(Scope::new(rt, row))? {
                return Ok(true);
            }
        }
    }

    /// The next row by distance.
    fn next_nearest(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        loop {
            let bound = self.walk(rt)?.bound();
            let is_next = |waiting: &Waiting| bound.is_none_or(|bound| waiting.distance <= Distance::Known(bound));
            if self.waiting.peek().is_some_and(is_next) || bound.is_none() {
                let Some(next) = self.waiting.pop() else { return Ok(false) };
                *row = next.row;
                return Ok(true);
            }
            if self.next_found(rt, row)? {
                let distance = Distance::of(self.node.walk.distance(Scope::new(rt, row))?);
                rt.charge_row(row)?;
                self.read += 1;
                self.waiting.push(Waiting { distance, number: self.read, row: std::mem::take(row) });
            }
        }
    }
}

impl RegionScan {
    fn keeps(&self, scope: Scope<'_>) -> Result<bool> {
        for condition in self.recheck.iter().chain(&self.filter) {
            if !condition.is_true(scope)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Cursor for RegionScanCursor {
    fn next(&mut self, rt: &Runtime, row: &mut Row) -> Result<bool> {
        if let Some(fixed) = rt.fixed_row(self.node.scan) {
            let Some(id) = fixed.filter(|_| !self.is_over) else { return Ok(false) };
            self.is_over = true;
            row.clear();
            return Ok(self.node.walk.append_latest(id, rt, row)? && self.node.keeps(Scope::new(rt, row))?);
        }
        match self.node.is_ordered {
            true => self.next_nearest(rt, row),
            false => self.next_found(rt, row),
        }
    }

    fn rescan(&mut self, _: &Runtime) -> Result<()> {
        self.walk = None;
        self.waiting.clear();
        self.is_over = false;
        Ok(())
    }
}

/// How far a row is, in the order of `float8`, NULLs last.
#[derive(Clone, Copy, Debug)]
enum Distance {
    Known(f64),
    Null,
}

impl Distance {
    fn of(value: Option<Datum>) -> Self {
        match value {
            Some(Datum::Float8(distance)) => Distance::Known(distance),
            _ => Distance::Null,
        }
    }
}

impl Ord for Distance {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            // NaN, of whatever sign, is above everything.
            (Distance::Known(a), Distance::Known(b)) => {
                a.is_nan().cmp(&b.is_nan()).then_with(|| a.partial_cmp(b).unwrap_or(Ordering::Equal))
            }
            (Distance::Known(_), Distance::Null) => Ordering::Less,
            (Distance::Null, Distance::Known(_)) => Ordering::Greater,
            (Distance::Null, Distance::Null) => Ordering::Equal,
        }
    }
}

impl PartialOrd for Distance {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Distance {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Distance {}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.distance, other.number).cmp(&(self.distance, self.number))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}
