//! `point`: vector arithmetic, relative positions.

use dictdb_types::Result;
use dictdb_types::geometry::{Lseg, Point, Rectangle};

use super::number::{add, div, eq, gt, hypotenuse, lt, mul, sub};
use crate::args::kernels;
use crate::kernel::ScalarFn;

pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "construct_point" => |x: f64, y: f64| Point { x, y },
    "point_left" => |a: Point, b: Point| lt(a.x, b.x),
    "point_right" => |a: Point, b: Point| gt(a.x, b.x),
    "point_above" => |a: Point, b: Point| gt(a.y, b.y),
    "point_below" => |a: Point, b: Point| lt(a.y, b.y),
    "point_vert" => |a: Point, b: Point| eq(a.x, b.x),
    "point_horiz" => |a: Point, b: Point| eq(a.y, b.y),
    "point_eq" => |a: Point, b: Point| a.same(b),
    "point_ne" => |a: Point, b: Point| !a.same(b),
    "point_distance" => |a: Point, b: Point| distance(a, b),
    "point_slope" => |a: Point, b: Point| slope(a, b),
    "point_add" => |a: Point, b: Point| sum(a, b),
    "point_sub" => |a: Point, b: Point| difference(a, b),
    "point_mul" => |a: Point, b: Point| product(a, b),
    "point_div" => |a: Point, b: Point| quotient(a, b),
    "point_box" => |a: Point| Rectangle { high: a, low: a },
    "lseg_construct" => |a: Point, b: Point| Lseg { start: a, end: b },
    "points_box" => |a: Point, b: Point| Rectangle::new(a, b),
};

pub(super) fn distance(a: Point, b: Point) -> Result<f64> {
    hypotenuse(sub(a.x, b.x)?, sub(a.y, b.y)?)
}

pub(super) fn slope(a: Point, b: Point) -> Result<f64> {
    if eq(a.x, b.x) {
        return Ok(f64::INFINITY);
    }
    if eq(a.y, b.y) {
        return Ok(0.0);
    }
    div(sub(a.y, b.y)?, sub(a.x, b.x)?)
}

/// The slope of what is perpendicular to the line through the points.
pub(super) fn inverse_slope(a: Point, b: Point) -> Result<f64> {
    if eq(a.x, b.x) {
        return Ok(0.0);
    }
    if eq(a.y, b.y) {
        return Ok(f64::INFINITY);
    }
    div(sub(a.x, b.x)?, sub(b.y, a.y)?)
}

pub(super) fn sum(a: Point, b: Point) -> Result<Point> {
    Ok(Point { x: add(a.x, b.x)?, y: add(a.y, b.y)? })
}

pub(super) fn difference(a: Point, b: Point) -> Result<Point> {
    Ok(Point { x: sub(a.x, b.x)?, y: sub(a.y, b.y)? })
}

/// The product of two complex numbers: turns and stretches.
pub(super) fn product(a: Point, b: Point) -> Result<Point> {
    Ok(Point { x: sub(mul(a.x, b.x)?, mul(a.y, b.y)?)?, y: add(mul(a.x, b.y)?, mul(a.y, b.x)?)? })
}

/// The quotient of two complex numbers.
pub(super) fn quotient(a: Point, b: Point) -> Result<Point> {
    let square = add(mul(b.x, b.x)?, mul(b.y, b.y)?)?;
    let x = div(add(mul(a.x, b.x)?, mul(a.y, b.y)?)?, square)?;
    let y = div(sub(mul(b.x, a.y)?, mul(b.y, a.x)?)?, square)?;
    Ok(Point { x, y })
}

/// The point half way between two.
pub(super) fn middle(a: Point, b: Point) -> Result<Point> {
    Ok(Point { x: div(add(a.x, b.x)?, 2.0)?, y: div(add(a.y, b.y)?, 2.0)? })
}
