//! `polygon`: relative positions, containment, distance.

use std::cmp::Ordering;

use dictdb_types::Result;
use dictdb_types::geometry::{Circle, Lseg, Path, Point, Polygon, Rectangle};

use super::number::{add, compare, div, ge, gt, le, lt, mul, sub, zero};
use super::path::{nearest_segments, segments};
use super::point::distance;
use super::{boxes, closest, segment};
use crate::args::kernels;
use crate::kernel::ScalarFn;

pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "poly_left" => |a: Polygon, b: Polygon| bounds(&a).high.x < bounds(&b).low.x,
    "poly_overleft" => |a: Polygon, b: Polygon| bounds(&a).high.x <= bounds(&b).high.x,
    "poly_right" => |a: Polygon, b: Polygon| bounds(&a).low.x > bounds(&b).high.x,
    "poly_overright" => |a: Polygon, b: Polygon| bounds(&a).low.x >= bounds(&b).low.x,
    "poly_below" => |a: Polygon, b: Polygon| bounds(&a).high.y < bounds(&b).low.y,
    "poly_overbelow" => |a: Polygon, b: Polygon| bounds(&a).high.y <= bounds(&b).high.y,
    "poly_above" => |a: Polygon, b: Polygon| bounds(&a).low.y > bounds(&b).high.y,
    "poly_overabove" => |a: Polygon, b: Polygon| bounds(&a).low.y >= bounds(&b).low.y,
    "poly_same" => |a: Polygon, b: Polygon| same(&a.points, &b.points),
    "poly_overlap" => |a: Polygon, b: Polygon| overlap(&a, &b),
    "poly_contain" => |a: Polygon, b: Polygon| contains(&a, &b),
    "poly_contained" => |a: Polygon, b: Polygon| contains(&b, &a),
    "poly_contain_pt" => |a: Polygon, point: Point| has_inside(&a.points, point),
    "pt_contained_poly" => |point: Point, a: Polygon| has_inside(&a.points, point),
    "poly_distance" => |a: Polygon, b: Polygon| {
        if overlap(&a, &b)? {
            return crate::args::Output::output(0.0);
        }
        nearest_segments(segments(&a.points, true), segments(&b.points, true))
    },
    "dist_ppoly" => |point: Point, a: Polygon| to_point(&a, point),
    "dist_polyp" => |a: Polygon, point: Point| to_point(&a, point),
    "dist_cpoly" => |circle: Circle, a: Polygon| to_circle(&a, circle),
    "dist_polyc" => |a: Polygon, circle: Circle| to_circle(&a, circle),
    "poly_npoints" => |a: Polygon| a.points.len() as i32,
    "poly_center" => |a: Polygon| circle(&a).map(|circle| circle.center),
    "poly_circle" => |a: Polygon| circle(&a),
    "poly_box" => |a: Polygon| bounds(&a),
    "poly_path" => |a: Polygon| Path { closed: true, points: a.points },
};

fn bounds(polygon: &Polygon) -> Rectangle {
    boxes::around(&polygon.points)
}

/// Whether the points are the same, from any of them on and in either direction.
fn same(a: &[Point], b: &[Point]) -> bool {
    let count = a.len();
    if count != b.len() {
        return false;
    }
    let from = |start: usize, step: usize| (0..count).all(|n| b[(start + step * n) % count].same(a[n]));
    (0..count).any(|start| from(start, 1) || from(start, count.max(1) - 1))
}

/// What crossing one edge says about a point: that it is on it, or a step around it.
enum Crossing {
    On,
    Turn(i32),
}

/// Whether a point lies in the area that points enclose, or on its edge.
pub(super) fn has_inside(points: &[Point], point: Point) -> Result<bool> {
    let relative =
        |corner: &Point| -> Result<Point> { Ok(Point { x: sub(corner.x, point.x)?, y: sub(corner.y, point.y)? }) };
    let Some(first) = points.first() else { return Ok(false) };
    let first = relative(first)?;
    let (mut previous, mut total) = (first, 0);
    for corner in points[1..].iter().map(relative).chain([Ok(first)]) {
        let corner = corner?;
        match crossing(corner, previous)? {
            Crossing::On => return Ok(true),
            Crossing::Turn(step) => total += step,
        }
        previous = corner;
    }
    Ok(total != 0)
}

/// How the edge from `previous` to `corner` crosses the positive x axis: 2 or -2 by its direction, half of that when
/// it ends on the axis.
fn crossing(corner: Point, previous: Point) -> Result<Crossing> {
    if zero(corner.y) {
        return Ok(crossing_to_axis(corner, previous));
    }
    let sign = if gt(corner.y, 0.0) { 1 } else { -1 };
    if zero(previous.y) {
        return Ok(Crossing::Turn(if lt(previous.x, 0.0) { 0 } else { sign }));
    }
    let same_side = if sign < 0 { lt(previous.y, 0.0) } else { gt(previous.y, 0.0) };
    if same_side {
        return Ok(Crossing::Turn(0));
    }
    if ge(corner.x, 0.0) && gt(previous.x, 0.0) {
        return Ok(Crossing::Turn(2 * sign));
    }
    if lt(corner.x, 0.0) && le(previous.x, 0.0) {
        return Ok(Crossing::Turn(0));
    }
    let left = mul(sub(corner.x, previous.x)?, corner.y)?;
    let side = sub(left, mul(sub(corner.y, previous.y)?, corner.x)?)?;
    if zero(side) {
        return Ok(Crossing::On);
    }
    let beside = if sign < 0 { lt(side, 0.0) } else { gt(side, 0.0) };
    Ok(Crossing::Turn(if beside { 0 } else { 2 * sign }))
}

fn crossing_to_axis(corner: Point, previous: Point) -> Crossing {
    if zero(corner.x) {
        return Crossing::On;
    }
    let right = gt(corner.x, 0.0);
    if zero(previous.y) {
        let same_half = if right { gt(previous.x, 0.0) } else { lt(previous.x, 0.0) };
        return if same_half { Crossing::Turn(0) } else { Crossing::On };
    }
    Crossing::Turn(match right {
        true if lt(previous.y, 0.0) => 1,
        true => -1,
        false => 0,
    })
}

/// Two edges cross, or one polygon lies inside the other.
fn overlap(a: &Polygon, b: &Polygon) -> Result<bool> {
    if !boxes::overlap(bounds(a), bounds(b)) {
        return Ok(false);
    }
    for own in segments(&a.points, true) {
        for other in segments(&b.points, true) {
            if segment::intersects(own, other)? {
                return Ok(true);
            }
        }
    }
    Ok(has_inside(&b.points, a.points[0])? || has_inside(&a.points, b.points[0])?)
}

fn contains(a: &Polygon, b: &Polygon) -> Result<bool> {
    if !boxes::contains(bounds(a), bounds(b)) {
        return Ok(false);
    }
    for edge in segments(&b.points, true) {
        if !is_inside(edge, &a.points, 0)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a segment lies inside a polygon, looking at edges from `start` on. Edges that cross it cut it into parts
/// that are looked at by themselves; a part that no edge crosses is inside when its middle is.
fn is_inside(own: Lseg, points: &[Point], start: usize) -> Result<bool> {
    let mut cut = false;
    for n in start..points.len() {
        let edge = Lseg { start: points[n.checked_sub(1).unwrap_or(points.len() - 1)], end: points[n] };
        let inside = if segment::contains(edge, own.start)? {
            if segment::contains(edge, own.end)? {
                return Ok(true);
            }
            touching_is_inside(own, edge, points, n + 1)?
        } else if segment::contains(edge, own.end)? {
            touching_is_inside(Lseg { start: own.end, end: own.start }, edge, points, n + 1)?
        } else if let Some(at) = segment::intersection(own, edge)? {
            cut = true;
            is_inside(Lseg { start: own.start, end: at }, points, n + 1)?
                && is_inside(Lseg { start: own.end, end: at }, points, n + 1)?
        } else {
            true
        };
        if !inside {
            return Ok(false);
        }
    }
    if cut {
        return Ok(true);
    }
    let middle = Point { x: div(add(own.start.x, own.end.x)?, 2.0)?, y: div(add(own.start.y, own.end.y)?, 2.0)? };
    has_inside(points, middle)
}

/// Whether the rest of a segment that starts on an edge is inside, as far as that edge decides it.
fn touching_is_inside(own: Lseg, edge: Lseg, points: &[Point], start: usize) -> Result<bool> {
    let candidates: &[Point] = if own.start.same(edge.start) {
        &[edge.end]
    } else if own.start.same(edge.end) {
        &[edge.start]
    } else {
        &[edge.start, edge.end]
    };
    for end in candidates {
        if segment::contains(own, *end)? {
            return is_inside(Lseg { start: own.end, end: *end }, points, start);
        }
    }
    Ok(true)
}

fn to_point(polygon: &Polygon, point: Point) -> Result<f64> {
    if has_inside(&polygon.points, point)? {
        return Ok(0.0);
    }
    let distances = segments(&polygon.points, true).map(|edge| closest::segment_point(edge, point));
    distances
        .map(|near| near.map(|near| near.distance))
        .reduce(|best, next| {
            let (best, next) = (best?, next?);
            Ok(if compare(next, best) == Ordering::Less { next } else { best })
        })
        .unwrap_or(Ok(0.0))
}

fn to_circle(polygon: &Polygon, circle: Circle) -> Result<f64> {
    let distance = sub(to_point(polygon, circle.center)?, circle.radius)?;
    Ok(if distance < 0.0 { 0.0 } else { distance })
}

/// The circle around the mean of the points with their mean distance from it.
fn circle(polygon: &Polygon) -> Result<Circle> {
    let count = polygon.points.len() as f64;
    let mut center = Point { x: 0.0, y: 0.0 };
    for point in &polygon.points {
        center = super::point::sum(center, *point)?;
    }
    let center = Point { x: div(center.x, count)?, y: div(center.y, count)? };
    let radius = polygon.points.iter().try_fold(0.0, |sum, point| add(sum, distance(*point, center)?))?;
    Ok(Circle { center, radius: div(radius, count)? })
}
