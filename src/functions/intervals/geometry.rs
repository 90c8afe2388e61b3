//! Geometric values: the rectangle around them.

use dictdb_types::geometry::{Circle, Geometry, Point, Polygon, Rectangle};
use dictdb_types::{Datum, Error, Oid, Result, oids, sort_key};

use super::{AFTER_ALL, AxisCondition, BEFORE_ALL, Bound, Conditions, PLACE};

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

fn place(coordinate: f64) -> Bound {
    let mut bytes = vec![PLACE];
    sort_key::encode(&Datum::Float8(coordinate), oids::FLOAT8, false, false, &mut bytes);
    bytes
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
