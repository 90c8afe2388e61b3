//! `line`: construction, intersection, angles, distance.

use dictdb_types::geometry::{Line, Point};
use dictdb_types::{Result, bail};

use super::number::{add, compare, div, eq, hypotenuse, mul, sub, zero};
use super::point::slope;
use crate::args::kernels;
use crate::kernel::ScalarFn;

pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "line_construct_pp" => |a: Point, b: Point| through_points(a, b),
    "line_intersect" => |a: Line, b: Line| intersection(a, b).map(|point| point.is_some()),
    "line_parallel" => |a: Line, b: Line| intersection(a, b).map(|point| point.is_none()),
    "line_interpt" => |a: Line, b: Line| intersection(a, b),
    "line_perp" => |a: Line, b: Line| perpendicular(a, b),
    "line_vertical" => |a: Line| zero(a.b),
    "line_horizontal" => |a: Line| zero(a.a),
    "line_eq" => |a: Line, b: Line| equal(a, b),
    "line_distance" => |a: Line, b: Line| distance(a, b),
};

/// The line of this slope through a point.
pub(super) fn through(point: Point, slope: f64) -> Result<Line> {
    let intercept = if slope.is_infinite() || slope == 0.0 { 0.0 } else { sub(point.y, mul(slope, point.x)?)? };
    Ok(Line::with_slope(point, slope, intercept))
}

fn through_points(a: Point, b: Point) -> Result<Line> {
    if a.same(b) {
        bail!(INVALID_PARAMETER_VALUE, "invalid line specification: must be two distinct points");
    }
    through(a, slope(a, b)?)
}

/// The slope of a line.
pub(super) fn slope_of(line: Line) -> Result<f64> {
    if zero(line.a) {
        return Ok(0.0);
    }
    if zero(line.b) { Ok(f64::INFINITY) } else { div(line.a, -line.b) }
}

/// The slope of what is perpendicular to a line.
pub(super) fn inverse_slope_of(line: Line) -> Result<f64> {
    if zero(line.a) {
        return Ok(f64::INFINITY);
    }
    if zero(line.b) { Ok(0.0) } else { div(line.b, line.a) }
}

/// Where two lines meet; `None` for parallel ones.
pub(super) fn intersection(a: Line, b: Line) -> Result<Option<Point>> {
    let (first, second) = if zero(a.b) { (b, a) } else { (a, b) };
    if zero(first.b) || eq(second.a, mul(first.a, div(second.b, first.b)?)?) {
        return Ok(None);
    }
    let numerator = sub(mul(first.b, second.c)?, mul(second.b, first.c)?)?;
    let denominator = sub(mul(first.a, second.b)?, mul(second.a, first.b)?)?;
    let x = div(numerator, denominator)?;
    let y = -div(add(mul(first.a, x)?, first.c)?, first.b)?;
    // Adding zero turns -0 into 0.
    Ok(Some(Point { x: x + 0.0, y: y + 0.0 }))
}

fn perpendicular(a: Line, b: Line) -> Result<bool> {
    if zero(a.a) {
        return Ok(zero(b.b));
    }
    if zero(b.a) {
        return Ok(zero(a.b));
    }
    if zero(a.b) {
        return Ok(zero(b.a));
    }
    if zero(b.b) {
        return Ok(zero(a.a));
    }
    Ok(eq(div(mul(a.a, b.a)?, mul(a.b, b.b)?)?, -1.0))
}

/// Lines whose parameters are proportional are the same; NaN must be the same exactly.
fn equal(a: Line, b: Line) -> Result<bool> {
    let pairs = [(a.a, b.a), (a.b, b.b), (a.c, b.c)];
    if pairs.iter().any(|(a, b)| a.is_nan() || b.is_nan()) {
        return Ok(pairs.iter().all(|(a, b)| compare(*a, *b).is_eq()));
    }
    let ratio = match pairs.iter().find(|(_, b)| !zero(*b)) {
        Some((a, b)) => div(*a, *b)?,
        None => 1.0,
    };
    for (a, b) in pairs {
        if !eq(a, mul(ratio, b)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn distance(a: Line, b: Line) -> Result<f64> {
    if intersection(a, b)?.is_some() {
        return Ok(0.0);
    }
    let usable = |value: f64| !zero(value) && !value.is_nan();
    let ratio = match [(a.a, b.a), (a.b, b.b)].into_iter().find(|(a, b)| usable(*a) && usable(*b)) {
        Some((a, b)) => div(a, b)?,
        None => 1.0,
    };
    div(sub(a.c, mul(ratio, b.c)?)?.abs(), hypotenuse(a.a, a.b)?)
}

/// Whether a point lies on a line.
pub(super) fn contains(line: Line, point: Point) -> Result<bool> {
    Ok(zero(add(add(mul(line.a, point.x)?, mul(line.b, point.y)?)?, line.c)?))
}
