//! `box`: relative positions, intersection, area, movement.

use dictdb_types::Result;
use dictdb_types::geometry::{Circle, Line, Lseg, Point, Polygon, Rectangle};

use super::number::{eq, ge, gt, le, lt, max, min, mul, sub};
use super::point::{difference, distance, middle, product, quotient, sum};
use super::segment;
use crate::args::kernels;
use crate::kernel::ScalarFn;

pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "box_same" => |a: Rectangle, b: Rectangle| a.high.same(b.high) && a.low.same(b.low),
    "box_overlap" => |a: Rectangle, b: Rectangle| overlap(a, b),
    "box_left" => |a: Rectangle, b: Rectangle| lt(a.high.x, b.low.x),
    "box_overleft" => |a: Rectangle, b: Rectangle| le(a.high.x, b.high.x),
    "box_right" => |a: Rectangle, b: Rectangle| gt(a.low.x, b.high.x),
    "box_overright" => |a: Rectangle, b: Rectangle| ge(a.low.x, b.low.x),
    "box_below" => |a: Rectangle, b: Rectangle| lt(a.high.y, b.low.y),
    "box_overbelow" => |a: Rectangle, b: Rectangle| le(a.high.y, b.high.y),
    "box_above" => |a: Rectangle, b: Rectangle| gt(a.low.y, b.high.y),
    "box_overabove" => |a: Rectangle, b: Rectangle| ge(a.low.y, b.low.y),
    "box_contained" => |a: Rectangle, b: Rectangle| contains(b, a),
    "box_contain" => |a: Rectangle, b: Rectangle| contains(a, b),
    "box_below_eq" => |a: Rectangle, b: Rectangle| le(a.high.y, b.low.y),
    "box_above_eq" => |a: Rectangle, b: Rectangle| ge(a.low.y, b.high.y),
    "box_lt" => |a: Rectangle, b: Rectangle| Ok(lt(area(a)?, area(b)?)),
    "box_gt" => |a: Rectangle, b: Rectangle| Ok(gt(area(a)?, area(b)?)),
    "box_eq" => |a: Rectangle, b: Rectangle| Ok(eq(area(a)?, area(b)?)),
    "box_le" => |a: Rectangle, b: Rectangle| Ok(le(area(a)?, area(b)?)),
    "box_ge" => |a: Rectangle, b: Rectangle| Ok(ge(area(a)?, area(b)?)),
    "box_area" => |a: Rectangle| area(a),
    "box_width" => |a: Rectangle| sub(a.high.x, a.low.x),
    "box_height" => |a: Rectangle| sub(a.high.y, a.low.y),
    "box_distance" => |a: Rectangle, b: Rectangle| distance(center(a)?, center(b)?),
    "box_center" => |a: Rectangle| center(a),
    "box_diagonal" => |a: Rectangle| Lseg { start: a.high, end: a.low },
    "box_intersect" => |a: Rectangle, b: Rectangle| overlap(a, b).then(|| Rectangle {
        high: Point { x: min(a.high.x, b.high.x), y: min(a.high.y, b.high.y) },
        low: Point { x: max(a.low.x, b.low.x), y: max(a.low.y, b.low.y) },
    }),
    "boxes_bound_box" => |a: Rectangle, b: Rectangle| Rectangle {
        high: Point { x: max(a.high.x, b.high.x), y: max(a.high.y, b.high.y) },
        low: Point { x: min(a.low.x, b.low.x), y: min(a.low.y, b.low.y) },
    },
    "box_add" => |a: Rectangle, by: Point| Ok(Rectangle { high: sum(a.high, by)?, low: sum(a.low, by)? }),
    "box_sub" => |a: Rectangle, by: Point| Ok(Rectangle { high: difference(a.high, by)?, low: difference(a.low, by)? }),
    "box_mul" => |a: Rectangle, by: Point| Ok(Rectangle::new(product(a.high, by)?, product(a.low, by)?)),
    "box_div" => |a: Rectangle, by: Point| Ok(Rectangle::new(quotient(a.high, by)?, quotient(a.low, by)?)),
    "box_contain_pt" => |a: Rectangle, point: Point| contains_point(a, point),
    "on_pb" => |point: Point, a: Rectangle| contains_point(a, point),
    "on_sb" => |segment: Lseg, a: Rectangle| contains_point(a, segment.start) && contains_point(a, segment.end),
    "inter_sb" => |segment: Lseg, a: Rectangle| meets_segment(a, segment),
    "inter_lb" => |line: Line, a: Rectangle| meets_line(a, line),
    "box_circle" => |a: Rectangle| {
        let center = center(a)?;
        Ok(Circle { center, radius: distance(center, a.high)? })
    },
    "box_poly" => |a: Rectangle| Polygon { points: corners(a).to_vec() },
};

/// The corners clockwise from the lower left.
fn corners(a: Rectangle) -> [Point; 4] {
    let (high, low) = (a.high, a.low);
    [low, Point { x: low.x, y: high.y }, high, Point { x: high.x, y: low.y }]
}

/// The sides in the order in which PostgreSQL looks at them: left, top, bottom, right.
pub(super) fn sides(a: Rectangle) -> [Lseg; 4] {
    let [low, upper_left, high, lower_right] = corners(a);
    [(low, upper_left), (high, upper_left), (low, lower_right), (high, lower_right)]
        .map(|(start, end)| Lseg { start, end })
}

pub(super) fn overlap(a: Rectangle, b: Rectangle) -> bool {
    le(a.low.x, b.high.x) && le(b.low.x, a.high.x) && le(a.low.y, b.high.y) && le(b.low.y, a.high.y)
}

pub(super) fn contains(a: Rectangle, b: Rectangle) -> bool {
    ge(a.high.x, b.high.x) && le(a.low.x, b.low.x) && ge(a.high.y, b.high.y) && le(a.low.y, b.low.y)
}

pub(super) fn contains_point(a: Rectangle, point: Point) -> bool {
    a.high.x >= point.x && a.low.x <= point.x && a.high.y >= point.y && a.low.y <= point.y
}

pub(super) fn center(a: Rectangle) -> Result<Point> {
    middle(a.high, a.low)
}

fn area(a: Rectangle) -> Result<f64> {
    mul(sub(a.high.x, a.low.x)?, sub(a.high.y, a.low.y)?)
}

/// The smallest box around points.
pub(super) fn around(points: &[Point]) -> Rectangle {
    let extreme = |coordinate: fn(&Point) -> f64, pick: fn(f64, f64) -> f64| {
        points.iter().map(coordinate).reduce(pick).unwrap_or_default()
    };
    Rectangle {
        high: Point { x: extreme(|p| p.x, max), y: extreme(|p| p.y, max) },
        low: Point { x: extreme(|p| p.x, min), y: extreme(|p| p.y, min) },
    }
}

/// Whether a segment has a point in a box.
pub(super) fn meets_segment(a: Rectangle, own: Lseg) -> Result<bool> {
    if !overlap(a, around(&[own.start, own.end])) {
        return Ok(false);
    }
    if contains_point(a, own.start) || contains_point(a, own.end) {
        return Ok(true);
    }
    for side in sides(a) {
        if segment::intersects(side, own)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn meets_line(a: Rectangle, line: Line) -> Result<bool> {
    let [low, upper_left, high, lower_right] = corners(a);
    for (start, end) in [(low, upper_left), (high, upper_left), (high, lower_right), (low, lower_right)] {
        if segment::line_intersection(Lseg { start, end }, line)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
