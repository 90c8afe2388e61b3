//! Geometric values: the rectangle around them.

use dictdb_types::geometry::{Circle, Geometry, Point, Polygon, Rectangle};
use dictdb_types::{Datum, Error, Oid, Physical, Result, oids};

use super::{AFTER_ALL, AxisCondition, BEFORE_ALL, Bound, Conditions, Ends, PLACE};

/// Coordinates that differ by less are the same to PostgreSQL's operators.
const EPSILON: f64 = 1.0e-6;

/// Strategy numbers of two-dimensional operators (`RT…StrategyNumber`).
mod strategy {
    pub const LEFT: i16 = 1;
    pub const NOT_RIGHT: i16 = 2;
    pub const OVERLAPS: i16 = 3;
    pub const NOT_LEFT: i16 = 4;
    pub const RIGHT: i16 = 5;
    pub const SAME: i16 = 6;
    pub const CONTAINS: i16 = 7;
    pub const CONTAINED: i16 = 8;
    pub const NOT_ABOVE: i16 = 9;
    pub const BELOW: i16 = 10;
    pub const ABOVE: i16 = 11;
    pub const NOT_BELOW: i16 = 12;
    pub const IN_BOX: i16 = 28;
    pub const OLD_BELOW: i16 = 29;
    pub const OLD_ABOVE: i16 = 30;
    pub const IN_POLYGON: i16 = 48;
    pub const IN_CIRCLE: i16 = 68;
}

const X: usize = 0;
const Y: usize = 1;

/// The rectangle around a value: low and high on each axis.
type Around = [(f64, f64); 2];

pub(super) fn point(value: &Datum, _: Oid) -> Result<Vec<(Bound, Bound)>> {
    Ok(bounds(around_point(read(value)?)))
}

pub(super) fn rectangle(value: &Datum, _: Oid) -> Result<Vec<(Bound, Bound)>> {
    Ok(bounds(around_rectangle(read(value)?)))
}

pub(super) fn circle(value: &Datum, _: Oid) -> Result<Vec<(Bound, Bound)>> {
    Ok(bounds(around_circle(read(value)?)))
}

pub(super) fn polygon(value: &Datum, _: Oid) -> Result<Vec<(Bound, Bound)>> {
    Ok(bounds(around_polygon(&read(value)?)))
}

fn around_point(point: Point) -> Around {
    [(point.x, point.x), (point.y, point.y)]
}

fn around_rectangle(own: Rectangle) -> Around {
    [(own.low.x, own.high.x), (own.low.y, own.high.y)]
}

fn around_circle(own: Circle) -> Around {
    let Circle { center, radius } = own;
    [(center.x - radius, center.x + radius), (center.y - radius, center.y + radius)]
}

fn around_polygon(own: &Polygon) -> Around {
    let axis = |of: fn(&Point) -> f64| {
        let mut places: Vec<f64> = own.points.iter().map(of).collect();
        places.sort_by(f64::total_cmp);
        let has_nan = places.iter().any(|place| place.is_nan());
        let ends = places.first().copied().zip(places.last().copied());
        ends.filter(|_| !has_nan).unwrap_or((f64::NAN, f64::NAN))
    };
    [axis(|point| point.x), axis(|point| point.y)]
}

/// Where a place is not a number, the interval is everything.
fn bounds(around: Around) -> Vec<(Bound, Bound)> {
    let interval = |(low, high): (f64, f64)| match low.is_nan() || high.is_nan() {
        true => (BEFORE_ALL.to_vec(), AFTER_ALL.to_vec()),
        false => (place(low), place(high)),
    };
    around.into_iter().map(interval).collect()
}

/// A coordinate, the two zeros apart: their order is within [`EPSILON`].
fn place(coordinate: f64) -> Bound {
    let bits = coordinate.to_bits();
    let ordered = if bits >> 63 == 0 { bits | 1 << 63 } else { !bits };
    [&[PLACE, 1][..], &ordered.to_be_bytes()].concat()
}

/// The coordinate of a place; none for what is before or after all.
fn coordinate(bound: &[u8]) -> Option<f64> {
    let [PLACE, 1, ordered @ ..] = bound else { return None };
    let ordered = u64::from_be_bytes(ordered.try_into().ok()?);
    Some(f64::from_bits(if ordered >> 63 == 1 { ordered & !(1 << 63) } else { !ordered }))
}

pub(super) fn point_of(region: &[Ends<'_>], _: Oid, _: Physical) -> Option<Datum> {
    let [(x, _), (y, _)] = region else { return None };
    Some(Datum::bytea(Point { x: coordinate(x)?, y: coordinate(y)? }.to_bytes()))
}

pub(super) fn rectangle_of(region: &[Ends<'_>], _: Oid, _: Physical) -> Option<Datum> {
    let [(left, right), (bottom, top)] = region else { return None };
    let low = Point { x: coordinate(left)?, y: coordinate(bottom)? };
    let high = Point { x: coordinate(right)?, y: coordinate(top)? };
    Some(Datum::bytea(Rectangle { high, low }.to_bytes()))
}

/// The distance of a point from a rectangle, a little less for what computing it otherwise makes of the last digits.
pub(super) fn distance(region: &[Ends<'_>], operand: &Datum) -> f64 {
    const ROUNDING: f64 = 1.0 - 8.0 * f64::EPSILON;
    let Ok(Point { x, y }) = read::<Point>(operand) else { return 0.0 };
    let gaps = region.iter().zip([x, y]).map(|((low, high), place)| {
        let (low, high) = (coordinate(low).unwrap_or(f64::NEG_INFINITY), coordinate(high).unwrap_or(f64::INFINITY));
        // A difference that is no number says nothing.
        (low - place).max(place - high).max(0.0)
    });
    gaps.fold(0.0, f64::hypot) * ROUNDING
}

pub(super) fn conditions(strategy: i16, operand: &Datum, key: Oid) -> Result<Conditions> {
    let around = match (strategy, key) {
        (strategy::IN_BOX, _) => around_rectangle(read(operand)?),
        (strategy::IN_POLYGON, _) => around_polygon(&read(operand)?),
        (strategy::IN_CIRCLE, _) => around_circle(read(operand)?),
        // BRIN's boxes contain points.
        (strategy::CONTAINS, oids::BOX) if bytes(operand)?.len() == size_of::<[f64; 2]>() => {
            around_point(read(operand)?)
        }
        (strategy::CONTAINED, oids::POINT) => around_rectangle(read(operand)?),
        (_, oids::POINT) => around_point(read(operand)?),
        (_, oids::BOX) => around_rectangle(read(operand)?),
        (_, oids::CIRCLE) => around_circle(read(operand)?),
        (_, oids::POLYGON) => around_polygon(&read(operand)?),
        (_, other) => return Err(Error::internal(format!("type {other} in a rectangle"))),
    };
    if around.iter().any(|(low, high)| low.is_nan() || high.is_nan()) {
        return Ok(super::anywhere());
    }
    let by = |axis: usize, value: f64| AxisCondition::begins_by(axis, place(value + EPSILON));
    let from = |axis: usize, value: f64| AxisCondition::ends_from(axis, place(value - EPSILON));
    let [(left, right), (bottom, top)] = around;
    let conditions = match strategy {
        strategy::LEFT => vec![by(X, left)],
        strategy::NOT_RIGHT => vec![by(X, right)],
        strategy::NOT_LEFT => vec![from(X, left)],
        strategy::RIGHT => vec![from(X, right)],
        strategy::BELOW | strategy::OLD_BELOW => vec![by(Y, bottom)],
        strategy::NOT_ABOVE => vec![by(Y, top)],
        strategy::NOT_BELOW => vec![from(Y, bottom)],
        strategy::ABOVE | strategy::OLD_ABOVE => vec![from(Y, top)],
        strategy::CONTAINS => vec![by(X, left), from(X, right), by(Y, bottom), from(Y, top)],
        strategy::OVERLAPS
        | strategy::SAME
        | strategy::CONTAINED
        | strategy::IN_BOX
        | strategy::IN_POLYGON
        | strategy::IN_CIRCLE => vec![by(X, right), from(X, left), by(Y, top), from(Y, bottom)],
        _ => return Ok(super::anywhere()),
    };
    Ok(vec![conditions])
}

fn bytes(value: &Datum) -> Result<&[u8]> {
    match value {
        Datum::Bytea(bytes) => Ok(bytes),
        other => Err(Error::internal(format!("{other:?} as geometric value"))),
    }
}

fn read<T: Geometry>(value: &Datum) -> Result<T> {
    T::from_bytes(bytes(value)?).ok_or_else(|| Error::internal("malformed geometric value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point_at(x: f64, y: f64) -> Datum {
        Datum::bytea(Point { x, y }.to_bytes())
    }

    fn ends(bounds: &[(Bound, Bound)]) -> Vec<Ends<'_>> {
        bounds.iter().map(|(low, high)| (&**low, &**high)).collect()
    }

    #[test]
    fn boxes_tell_points() {
        let told = |x: f64, y: f64| {
            let bounds = point(&point_at(x, y), Oid::INVALID).unwrap();
            point_of(&ends(&bounds), Oid::INVALID, Physical::Opaque).map(|value| bytes(&value).unwrap().to_vec())
        };
        for (x, y) in [(0.0, -0.0), (-1.5, 1e300), (f64::NEG_INFINITY, 7.0)] {
            assert_eq!(told(x, y), Some(Point { x, y }.to_bytes()));
        }
        assert_eq!(told(f64::NAN, 1.0), None);
        assert!(place(-1.0) < place(-0.0) && place(-0.0) < place(0.0) && place(0.0) < place(2.0));
    }

    #[test]
    fn distances_are_those_of_the_nearest_corner() {
        let around =
            bounds(around_rectangle(Rectangle { high: Point { x: 4.0, y: 4.0 }, low: Point { x: 1.0, y: 1.0 } }));
        let from = |x: f64, y: f64| distance(&ends(&around), &point_at(x, y));
        assert_eq!(from(2.0, 3.0), 0.0);
        assert!((from(7.0, 8.0) - 5.0).abs() < 1e-9 && from(7.0, 8.0) <= 5.0);
        assert_eq!(from(f64::NAN, 2.0), 0.0);
    }
}
