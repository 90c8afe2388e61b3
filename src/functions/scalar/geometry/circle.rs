//! `circle`: relative positions, area, movement.

use std::f64::consts::PI;

use dictdb_types::geometry::{Circle, Point, Polygon, Rectangle};
use dictdb_types::{Result, bail};

use super::number::{add, div, eq, ge, gt, hypotenuse, le, lt, mul, ne, sub, zero};
use super::point::{difference, distance, product, quotient, sum};
use super::too_many_points;
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Corners of `polygon(circle)`.
const DEFAULT_CORNERS: i32 = 12;

/// Points of a value of at most a gigabyte.
const MAX_POINTS: i32 = (1 << 30) / 16;

pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "cr_circle" => |center: Point, radius: f64| Circle { center, radius },
    "circle_same" => |a: Circle, b: Circle| {
        ((a.radius.is_nan() && b.radius.is_nan()) || eq(a.radius, b.radius)) && a.center.same(b.center)
    },
    "circle_overlap" => |a: Circle, b: Circle| Ok(le(between(a, b)?, add(a.radius, b.radius)?)),
    "circle_overleft" => |a: Circle, b: Circle| Ok(le(add(a.center.x, a.radius)?, add(b.center.x, b.radius)?)),
    "circle_left" => |a: Circle, b: Circle| Ok(lt(add(a.center.x, a.radius)?, sub(b.center.x, b.radius)?)),
    "circle_right" => |a: Circle, b: Circle| Ok(gt(sub(a.center.x, a.radius)?, add(b.center.x, b.radius)?)),
    "circle_overright" => |a: Circle, b: Circle| Ok(ge(sub(a.center.x, a.radius)?, sub(b.center.x, b.radius)?)),
    "circle_below" => |a: Circle, b: Circle| Ok(lt(add(a.center.y, a.radius)?, sub(b.center.y, b.radius)?)),
    "circle_above" => |a: Circle, b: Circle| Ok(gt(sub(a.center.y, a.radius)?, add(b.center.y, b.radius)?)),
    "circle_overbelow" => |a: Circle, b: Circle| Ok(le(add(a.center.y, a.radius)?, add(b.center.y, b.radius)?)),
    "circle_overabove" => |a: Circle, b: Circle| Ok(ge(sub(a.center.y, a.radius)?, sub(b.center.y, b.radius)?)),
    "circle_contained" => |a: Circle, b: Circle| Ok(le(between(a, b)?, sub(b.radius, a.radius)?)),
    "circle_contain" => |a: Circle, b: Circle| Ok(le(between(a, b)?, sub(a.radius, b.radius)?)),
    "circle_eq" => |a: Circle, b: Circle| Ok(eq(area(a)?, area(b)?)),
    "circle_ne" => |a: Circle, b: Circle| Ok(ne(area(a)?, area(b)?)),
    "circle_lt" => |a: Circle, b: Circle| Ok(lt(area(a)?, area(b)?)),
    "circle_gt" => |a: Circle, b: Circle| Ok(gt(area(a)?, area(b)?)),
    "circle_le" => |a: Circle, b: Circle| Ok(le(area(a)?, area(b)?)),
    "circle_ge" => |a: Circle, b: Circle| Ok(ge(area(a)?, area(b)?)),
    "circle_area" => |a: Circle| area(a),
    "circle_diameter" => |a: Circle| mul(a.radius, 2.0),
    "circle_radius" => |a: Circle| a.radius,
    "circle_center" => |a: Circle| a.center,
    "circle_distance" => |a: Circle, b: Circle| Ok(not_negative(sub(between(a, b)?, add(a.radius, b.radius)?)?)),
    "dist_pc" => |point: Point, a: Circle| to_point(a, point),
    "dist_cpoint" => |a: Circle, point: Point| to_point(a, point),
    "circle_contain_pt" => |a: Circle, point: Point| Ok(distance(a.center, point)? <= a.radius),
    "pt_contained_circle" => |point: Point, a: Circle| Ok(distance(a.center, point)? <= a.radius),
    "circle_add_pt" => |a: Circle, by: Point| Ok(Circle { center: sum(a.center, by)?, radius: a.radius }),
    "circle_sub_pt" => |a: Circle, by: Point| Ok(Circle { center: difference(a.center, by)?, radius: a.radius }),
    "circle_mul_pt" => |a: Circle, by: Point| {
        Ok(Circle { center: product(a.center, by)?, radius: mul(a.radius, hypotenuse(by.x, by.y)?)? })
    },
    "circle_div_pt" => |a: Circle, by: Point| {
        Ok(Circle { center: quotient(a.center, by)?, radius: div(a.radius, hypotenuse(by.x, by.y)?)? })
    },
    "circle_box" => |a: Circle| {
        let delta = div(a.radius, 2f64.sqrt())?;
        let by = Point { x: delta, y: delta };
        Ok(Rectangle { high: sum(a.center, by)?, low: difference(a.center, by)? })
    },
    "circle_poly" => |corners: i32, a: Circle| polygon(corners, a),
    "polygon(circle)" => |a: Circle| polygon(DEFAULT_CORNERS, a),
};

fn between(a: Circle, b: Circle) -> Result<f64> {
    distance(a.center, b.center)
}

fn area(a: Circle) -> Result<f64> {
    mul(mul(a.radius, a.radius)?, PI)
}

fn not_negative(distance: f64) -> f64 {
    if distance < 0.0 { 0.0 } else { distance }
}

fn to_point(a: Circle, point: Point) -> Result<f64> {
    Ok(not_negative(sub(distance(point, a.center)?, a.radius)?))
}

/// A polygon with so many corners on the circle, from the left on clockwise.
fn polygon(corners: i32, a: Circle) -> Result<Polygon> {
    if zero(a.radius) {
        bail!(FEATURE_NOT_SUPPORTED, "cannot convert circle with radius zero to polygon");
    }
    if corners < 2 {
        bail!(INVALID_PARAMETER_VALUE, "must request at least 2 points");
    }
    if corners >= MAX_POINTS {
        return Err(too_many_points());
    }
    let step = div(2.0 * PI, f64::from(corners))?;
    let corner = |n: i32| {
        let angle = mul(step, f64::from(n))?;
        let (sin, cos) = (angle.sin(), angle.cos());
        Ok(Point { x: sub(a.center.x, mul(a.radius, cos)?)?, y: add(a.center.y, mul(a.radius, sin)?)? })
    };
    Ok(Polygon { points: (0..corners).map(corner).collect::<Result<_>>()? })
}
