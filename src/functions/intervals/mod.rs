//! Operator classes over boxes (GiST, SP-GiST, BRIN): the box around a value, and where boxes lie that an operator wants.
//!
//! A class is a row of [`CLASSES`]. A box is an interval of bounds on each axis of the class: a range has one axis, a
//! rectangle two. As with [`crate::inverted`], a condition may find too much, never too little.
//!
//! ```text
//!   bound = 0              nothing: NULL, an empty range
//!         | 1, 3           before, after everything
//!         | 2, 1, bytes    a place; bytes that order as places do
//! ```

mod geometry;
mod ltree;
mod network;
mod range;
mod scalar;
mod tsvector;

use dictdb_types::{Datum, Oid, Physical, Result, sort_key};

/// One end of an interval.
pub type Bound = Vec<u8>;

const NOTHING: &[u8] = &[0];
const BEFORE_ALL: &[u8] = &[1];
const PLACE: u8 = 2;
const AFTER_ALL: &[u8] = &[3];

/// A condition on one axis: the interval begins here or before, and ends there or after.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AxisCondition {
    /// The axis.
    pub axis: usize,
    /// It begins here or before.
    pub begins_by: Option<Bound>,
    /// It ends here or after.
    pub ends_from: Option<Bound>,
}

/// What an operator asks: all conditions of one of the lists.
pub type Conditions = Vec<Vec<AxisCondition>>;

/// An interval on one axis: its ends.
pub type Ends<'b> = (&'b [u8], &'b [u8]);

/// An operator class.
#[derive(Debug)]
pub struct IntervalClass {
    /// `pg_opclass.opcname` of a class that every database has, otherwise `pg_proc.prosrc` of its first function.
    pub name: &'static str,
    /// What its boxes are.
    shape: &'static Shape,
    /// What an operator, by its strategy number in `pg_amop`, asks with a right operand that is not NULL.
    conditions: fn(i16, &Datum, Oid) -> Result<Conditions>,
}

/// How boxes lie around values.
#[derive(Debug)]
struct Shape {
    /// Axes of the boxes.
    axes: usize,
    /// The box around a value that is not NULL, whose base type is given.
    bounds: fn(&Datum, Oid) -> Result<Vec<(Bound, Bound)>>,
    /// The value that is not NULL and has a box, if the box tells it.
    value: Option<fn(&[Ends<'_>], Oid, Physical) -> Option<Datum>>,
    /// A distance that no value in a box is nearer to an operand of `<->`.
    distance: Option<fn(&[Ends<'_>], &Datum) -> f64>,
}

const RANGE: Shape = Shape { axes: 1, bounds: range::bounds, value: None, distance: None };
const NETWORK: Shape = Shape { axes: 1, bounds: network::bounds, value: None, distance: None };
const DOCUMENT: Shape = Shape { axes: 1, bounds: tsvector::bounds, value: None, distance: None };
const SCALAR: Shape = Shape { axes: 1, bounds: scalar::bounds, value: Some(scalar::value), distance: None };
const POINT: Shape =
    Shape { axes: 2, bounds: geometry::point, value: Some(geometry::point_of), distance: Some(geometry::distance) };
const RECTANGLE: Shape = Shape {
    axes: 2,
    bounds: geometry::rectangle,
    value: Some(geometry::rectangle_of),
    distance: Some(geometry::distance),
};
const CIRCLE: Shape = Shape { axes: 2, bounds: geometry::circle, value: None, distance: Some(geometry::distance) };
const POLYGON: Shape = Shape { axes: 2, bounds: geometry::polygon, value: None, distance: Some(geometry::distance) };

const CLASSES: &[IntervalClass] = &[
    IntervalClass { name: "range_ops", shape: &RANGE, conditions: range::conditions },
    IntervalClass { name: "multirange_ops", shape: &RANGE, conditions: range::conditions },
    IntervalClass { name: "range_inclusion_ops", shape: &RANGE, conditions: range::conditions },
    IntervalClass { name: "inet_ops", shape: &NETWORK, conditions: network::conditions },
    IntervalClass { name: "inet_inclusion_ops", shape: &NETWORK, conditions: network::conditions },
    IntervalClass { name: "quad_point_ops", shape: &POINT, conditions: geometry::conditions },
    IntervalClass { name: "kd_point_ops", shape: &POINT, conditions: geometry::conditions },
    IntervalClass { name: "text_ops", shape: &SCALAR, conditions: scalar::text_conditions },
    IntervalClass { name: "point_ops", shape: &POINT, conditions: geometry::conditions },
    IntervalClass { name: "box_ops", shape: &RECTANGLE, conditions: geometry::conditions },
    IntervalClass { name: "box_inclusion_ops", shape: &RECTANGLE, conditions: geometry::conditions },
    IntervalClass { name: "circle_ops", shape: &CIRCLE, conditions: geometry::conditions },
    IntervalClass { name: "tsvector_ops", shape: &DOCUMENT, conditions: tsvector::conditions },
    IntervalClass { name: "ltree_consistent", shape: &SCALAR, conditions: ltree::conditions },
    IntervalClass { name: "poly_ops", shape: &POLYGON, conditions: geometry::conditions },
];

/// The classes of BRIN that keep the smallest and the largest value, of all values or of several parts of them, and those of `btree_gist`, whatever the type.
const MINMAX: IntervalClass = IntervalClass { name: "minmax", shape: &SCALAR, conditions: scalar::conditions };

/// The classes of BRIN that keep a Bloom filter answer `=`, their strategy 1.
const BLOOM: IntervalClass = IntervalClass {
    name: "bloom",
    shape: &SCALAR,
    conditions: |_, operand, oid| scalar::conditions(scalar::EQUAL, operand, oid),
};

/// The class that is so implemented: by its own name, or by that of its first function if not every database has it. `None` when
/// there is no implementation.
pub fn interval_class(implementation: &str) -> Option<&'static IntervalClass> {
    let named = CLASSES.iter().find(|class| class.name == implementation);
    let is_ordered = implementation.ends_with("_minmax_ops")
        || implementation.ends_with("_minmax_multi_ops")
        || scalar::is_consistent_function(implementation);
    let is_bloom = implementation.ends_with("_bloom_ops");
    named.or_else(|| is_ordered.then_some(&MINMAX)).or_else(|| is_bloom.then_some(&BLOOM))
}

impl IntervalClass {
    /// Axes of its boxes.
    pub fn axes(&self) -> usize {
        self.shape.axes
    }

    /// The box around a value of a base type; NULL has one of its own.
    pub fn bounds(&self, value: &Datum, oid: Oid) -> Result<Vec<(Bound, Bound)>> {
        match value.is_null() {
            true => Ok(vec![(NOTHING.to_vec(), NOTHING.to_vec()); self.shape.axes]),
            false => (self.shape.bounds)(value, oid),
        }
    }

    /// What an operator asks with this right operand of a key of a base type. Operators are strict.
    pub fn conditions(&self, strategy: i16, operand: &Datum, oid: Oid) -> Result<Conditions> {
        if operand.is_null() { Ok(Vec::new()) } else { (self.conditions)(strategy, operand, oid) }
    }

    /// Where NULL lies, and what else is nothing.
    pub fn null_conditions(&self) -> Conditions {
        vec![vec![AxisCondition::nothing(0)]]
    }

    /// Whether boxes tell values of a base type, but for single ones.
    pub fn tells_values(&self, oid: Oid, physical: Physical) -> bool {
        match self.shape.value {
            Some(_) if self.shape.axes == 1 => sort_key::value::is_told(oid, physical),
            value => value.is_some(),
        }
    }

    /// The value of a base type that has a box; none where this box does not tell it.
    pub fn value(&self, region: &[Ends<'_>], oid: Oid, physical: Physical) -> Option<Datum> {
        match region.first()? {
            (NOTHING, _) => Some(Datum::Null),
            _ => self.shape.value?(region, oid, physical),
        }
    }

    /// Whether the nearest values can be found first.
    pub fn has_distances(&self) -> bool {
        self.shape.distance.is_some()
    }

    /// A distance to an operand of `<->` that no value in a box is below.
    pub fn distance(&self, region: &[Ends<'_>], operand: &Datum) -> f64 {
        match (self.shape.distance, region.first()) {
            (_, Some((NOTHING, high))) if *high == NOTHING => f64::INFINITY,
            (Some(distance), _) => distance(region, operand),
            (None, _) => 0.0,
        }
    }
}

/// That keys say nothing.
fn anywhere() -> Conditions {
    vec![Vec::new()]
}

impl AxisCondition {
    fn begins_by(axis: usize, bound: Bound) -> Self {
        AxisCondition { axis, begins_by: Some(bound), ends_from: None }
    }

    fn ends_from(axis: usize, bound: Bound) -> Self {
        AxisCondition { axis, begins_by: None, ends_from: Some(bound) }
    }

    /// The interval has something in common with this one.
    fn overlaps(axis: usize, (low, high): (Bound, Bound)) -> Self {
        AxisCondition { axis, begins_by: Some(high), ends_from: Some(low) }
    }

    /// This one lies in the interval.
    fn contains(axis: usize, (low, high): (Bound, Bound)) -> Self {
        AxisCondition { axis, begins_by: Some(low), ends_from: Some(high) }
    }

    /// The interval is that of nothing.
    fn nothing(axis: usize) -> Self {
        AxisCondition::begins_by(axis, NOTHING.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_as_many_axes_as_it_says() {
        for class in CLASSES.iter().chain([&MINMAX]) {
            assert_eq!(class.bounds(&Datum::Null, Oid::INVALID).unwrap().len(), class.axes(), "{}", class.name);
            assert!(class.conditions(3, &Datum::Null, Oid::INVALID).unwrap().is_empty());
        }
        assert_eq!(interval_class("int4_minmax_ops").map(IntervalClass::axes), Some(1));
        assert!(interval_class("tsquery_ops").is_none());
    }
}
