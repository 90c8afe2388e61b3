//! `path`: length, area, intersection, movement.

use dictdb_types::geometry::{Lseg, Path, Point, Polygon};
use dictdb_types::{Result, bail};

use super::number::{add, compare, div, eq, mul};
use super::point::{difference, distance, product, quotient, sum};
use super::{boxes, closest, polygon, segment, too_many_points};
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Points of a value of at most a gigabyte.
const MAX_POINTS: usize = (1 << 30) / 16;

pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "path_area" => |a: Path| area(&a),
    "path_n_lt" => |a: Path, b: Path| a.points.len() < b.points.len(),
    "path_n_gt" => |a: Path, b: Path| a.points.len() > b.points.len(),
    "path_n_eq" => |a: Path, b: Path| a.points.len() == b.points.len(),
    "path_n_le" => |a: Path, b: Path| a.points.len() <= b.points.len(),
    "path_n_ge" => |a: Path, b: Path| a.points.len() >= b.points.len(),
    "path_isclosed" => |a: Path| a.closed,
    "path_isopen" => |a: Path| !a.closed,
    "path_npoints" => |a: Path| a.points.len() as i32,
    "path_close" => |a: Path| Path { closed: true, ..a },
    "path_open" => |a: Path| Path { closed: false, ..a },
    "path_inter" => |a: Path, b: Path| intersects(&a, &b),
    "path_distance" => |a: Path, b: Path| nearest(&a, &b),
    "path_length" => |a: Path| length(&a),
    "path_add" => |a: Path, b: Path| joined(a, b),
    "path_add_pt" => |a: Path, by: Point| moved(a, |point| sum(point, by)),
    "path_sub_pt" => |a: Path, by: Point| moved(a, |point| difference(point, by)),
    "path_mul_pt" => |a: Path, by: Point| moved(a, |point| product(point, by)),
    "path_div_pt" => |a: Path, by: Point| moved(a, |point| quotient(point, by)),
    "path_poly" => |a: Path| {
        if !a.closed {
            bail!(INVALID_PARAMETER_VALUE, "open path cannot be converted to polygon");
        }
        Ok(Polygon { points: a.points })
    },
    "on_ppath" => |point: Point, a: Path| contains(&a, point),
    "path_contain_pt(path,point)" => |a: Path, point: Point| contains(&a, point),
    "dist_ppath" => |point: Point, a: Path| to_point(&a, point),
    "dist_pathp" => |a: Path, point: Point| to_point(&a, point),
};

/// The segments; that which closes a closed path comes first.
pub(super) fn segments(points: &[Point], closed: bool) -> impl Iterator<Item = Lseg> + Clone {
    let closing = points.last().zip(points.first()).filter(|_| closed);
    let closing = closing.map(|(last, first)| Lseg { start: *last, end: *first });
    closing.into_iter().chain(points.windows(2).map(|pair| Lseg { start: pair[0], end: pair[1] }))
}

fn area(path: &Path) -> Result<Option<f64>> {
    if !path.closed {
        return Ok(None);
    }
    let next = path.points.iter().cycle().skip(1);
    let mut area = 0.0;
    for (a, b) in path.points.iter().zip(next) {
        area = add(area, mul(a.x, b.y)?)?;
        area = add(area, -mul(a.y, b.x)?)?;
    }
    div(area.abs(), 2.0).map(Some)
}

fn intersects(a: &Path, b: &Path) -> Result<bool> {
    if !boxes::overlap(boxes::around(&a.points), boxes::around(&b.points)) {
        return Ok(false);
    }
    for own in segments(&a.points, a.closed) {
        for other in segments(&b.points, b.closed) {
            if segment::intersects(own, other)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn nearest(a: &Path, b: &Path) -> Result<Option<f64>> {
    nearest_segments(segments(&a.points, a.closed), segments(&b.points, b.closed))
}

/// The distance of the two segments that are nearest to each other; `None` without any.
pub(super) fn nearest_segments(
    a: impl Iterator<Item = Lseg>,
    b: impl Iterator<Item = Lseg> + Clone,
) -> Result<Option<f64>> {
    let mut nearest = None;
    for own in a {
        for other in b.clone() {
            nearest = nearer(nearest, closest::segments(own, other)?.distance);
        }
    }
    Ok(nearest)
}

fn nearer(best: Option<f64>, distance: f64) -> Option<f64> {
    Some(best.filter(|best| !compare(distance, *best).is_lt()).unwrap_or(distance))
}

fn length(path: &Path) -> Result<f64> {
    segments(&path.points, path.closed).try_fold(0.0, |sum, segment| add(sum, segment::length(segment)?))
}

fn joined(a: Path, b: Path) -> Result<Option<Path>> {
    if a.closed || b.closed {
        return Ok(None);
    }
    if a.points.len() + b.points.len() >= MAX_POINTS {
        return Err(too_many_points());
    }
    Ok(Some(Path { closed: false, points: [a.points, b.points].concat() }))
}

fn moved(path: Path, by: impl Fn(Point) -> Result<Point>) -> Result<Path> {
    let points = path.points.into_iter().map(by).collect::<Result<_>>()?;
    Ok(Path { closed: path.closed, points })
}

/// Whether a point lies inside a closed path, or on an open one.
fn contains(path: &Path, point: Point) -> Result<bool> {
    if path.closed {
        return polygon::has_inside(&path.points, point);
    }
    for pair in path.points.windows(2) {
        let detour = add(distance(point, pair[0])?, distance(point, pair[1])?)?;
        if eq(detour, distance(pair[0], pair[1])?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Zero when an open path is one point, which has no segment.
fn to_point(path: &Path, point: Point) -> Result<f64> {
    let mut best = None;
    for segment in segments(&path.points, path.closed) {
        best = nearer(best, closest::segment_point(segment, point)?.distance);
    }
    Ok(best.unwrap_or(0.0))
}
