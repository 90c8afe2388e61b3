//! Keys that are boxes: an interval of byte strings on each of some axes. A range has one axis, a rectangle two, an index
//! of several keys the axes of all of them.
//!
//! ```text
//!   key = low, high, low, high, …      each: length (4, big endian), bytes
//! ```
//! Two structures know boxes: the tree of boxes in boxes ([`tree`], for GiST) and the summary of each block of rows
//! ([`blocks`], for BRIN). Both may find rows whose boxes satisfy a query where their values do not. The tree can also be walked
//! entry by entry, nearest boxes first ([`cursor`]).

pub(super) mod blocks;
pub(super) mod cursor;
pub(super) mod tree;

use std::cmp::Ordering;

/// The smallest interval that holds some values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Its first place.
    pub low: Box<[u8]>,
    /// Its last place.
    pub high: Box<[u8]>,
}

/// A box.
pub type Region = Box<[Interval]>;

/// A condition on one axis: the interval begins at or before one place, and ends at or after another. Whatever
/// operators ask of intervals (overlap, inclusion, before, after) is such a condition or implies one, and what holds for
/// an interval holds for one around it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AxisQuery {
    /// Which axis.
    pub axis: usize,
    /// It begins here or before.
    pub begins_by: Option<Vec<u8>>,
    /// It ends here or after.
    pub ends_from: Option<Vec<u8>>,
}

/// What boxes are looked for: those that satisfy all conditions of one of the lists.
pub type RegionQuery = Vec<Vec<AxisQuery>>;

/// Appends an interval to a key.
pub fn write_interval(low: &[u8], high: &[u8], out: &mut Vec<u8>) {
    for bound in [low, high] {
        out.extend_from_slice(&(bound.len() as u32).to_be_bytes());
        out.extend_from_slice(bound);
    }
}

/// The key of a box.
pub(crate) fn key_of_region(region: &[Interval]) -> Vec<u8> {
    let mut key = Vec::new();
    region.iter().for_each(|interval| write_interval(&interval.low, &interval.high, &mut key));
    key
}

fn region(key: &[u8]) -> Region {
    let mut rest = key;
    let mut bound = || -> Option<Box<[u8]>> {
        let (len, after) = rest.split_first_chunk::<4>()?;
        let (bytes, after) = after.split_at_checked(u32::from_be_bytes(*len) as usize)?;
        rest = after;
        Some(bytes.into())
    };
    std::iter::from_fn(|| Some(Interval { low: bound()?, high: bound()? })).collect()
}

impl Interval {
    fn widen(&mut self, other: &Interval) {
        if other.low < self.low {
            self.low = other.low.clone();
        }
        if other.high > self.high {
            self.high = other.high.clone();
        }
    }

    fn contains(&self, other: &Interval) -> bool {
        self.low <= other.low && self.high >= other.high
    }

    /// Its ends as numbers that order as they do, as far as numbers can tell them apart.
    fn measure(&self) -> (f64, f64) {
        (measure(&self.low), measure(&self.high))
    }

    fn compare(&self, other: &Interval) -> Ordering {
        self.low.cmp(&other.low).then_with(|| self.high.cmp(&other.high))
    }
}

/// The first bytes of a bound; the very first two say of what kind it is.
fn measure(bound: &[u8]) -> f64 {
    let kind = f64::from(bound.first().copied().unwrap_or(0));
    let mut head = [0; 8];
    let rest = bound.get(2..).unwrap_or_default();
    let len = rest.len().min(8);
    head[..len].copy_from_slice(&rest[..len]);
    kind + u64::from_be_bytes(head) as f64 / u64::MAX as f64
}

fn widen(region: &mut Region, other: &Region) {
    region.iter_mut().zip(other.iter()).for_each(|(own, other)| own.widen(other));
}

fn contains(region: &Region, other: &Region) -> bool {
    region.iter().zip(other.iter()).all(|(own, other)| own.contains(other))
}

/// Whether a box, or one inside it, may satisfy a query.
fn may_satisfy(region: &Region, query: &RegionQuery) -> bool {
    let satisfies = |condition: &AxisQuery| {
        let Some(interval) = region.get(condition.axis) else { return true };
        condition.begins_by.as_deref().is_none_or(|place| *interval.low <= *place)
            && condition.ends_from.as_deref().is_none_or(|place| *interval.high >= *place)
    };
    query.iter().any(|conditions| conditions.iter().all(satisfies))
}
