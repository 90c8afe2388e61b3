//! Values that are more than one machine word: intervals, arrays, composites, ranges.
//!
//! Their text and binary forms are in [`crate::text`] and [`crate::binary`]; their order is in [`crate::order`].

use std::sync::Arc;

use crate::{Datum, Oid};

/// `interval`: three independent parts, as PostgreSQL keeps them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interval {
    /// Years and months.
    pub months: i32,
    /// Weeks and days.
    pub days: i32,
    /// Everything below a day, in microseconds.
    pub micros: i64,
}

/// An array: dimensions with lower bounds, elements in row-major order. No dimensions is the empty array.
#[derive(Clone, Debug)]
pub struct Array {
    /// Element type.
    pub element: Oid,
    /// Length and lower bound of each dimension; at most six.
    pub dims: Vec<Dimension>,
    /// The elements; as many as the product of the lengths.
    pub items: Vec<Datum>,
}

/// One dimension of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dimension {
    /// Number of elements.
    pub len: i32,
    /// Subscript of the first.
    pub lower: i32,
}

impl Array {
    /// A one-dimensional array with lower bound 1, or the empty array.
    pub fn vector(element: Oid, items: Vec<Datum>) -> Self {
        let dims = if items.is_empty() { vec![] } else { vec![Dimension { len: items.len() as i32, lower: 1 }] };
        Array { element, dims, items }
    }

    /// Like [`Array::vector`] but with lower bound 0: `int2vector` and `oidvector`.
    pub fn zero_based(element: Oid, items: Vec<Datum>) -> Self {
        let dims = vec![Dimension { len: items.len() as i32, lower: 0 }];
        Array { element, dims, items }
    }
}

/// A composite value. Field names are the type's; an anonymous `record` carries its field types here, and the names of
/// the columns it was made of. Names take no part in comparisons.
#[derive(Clone, Debug)]
pub struct Record {
    /// The row type, or `record`.
    pub ty: Oid,
    /// Types of the fields.
    pub types: Vec<Oid>,
    /// The fields.
    pub fields: Vec<Datum>,
    /// Names of the fields, where the row type does not know them.
    pub names: Option<Arc<[Arc<str>]>>,
}

/// A range, in canonical form for discrete subtypes.
#[derive(Clone, Debug)]
pub struct Range {
    /// The range type.
    pub ty: Oid,
    /// Bounds; `None` for `empty`.
    pub bounds: Option<(Bound, Bound)>,
}

/// One end of a range.
#[derive(Clone, Debug)]
pub enum Bound {
    /// `[` or `]`.
    Inclusive(Datum),
    /// `(` or `)`.
    Exclusive(Datum),
    /// No bound.
    Unbounded,
}
