//! `lseg`: length, angles, intersection.

use dictdb_types::Result;
use dictdb_types::geometry::{Line, Lseg, Point};

use super::line;
use super::number::{add, eq, ge, gt, le, lt};
use super::point::{distance, inverse_slope, middle, slope};
use crate::args::kernels;
use crate::kernel::ScalarFn;

pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "lseg_length" => |a: Lseg| length(a),
    "lseg_center" => |a: Lseg| middle(a.start, a.end),
    "lseg_vertical" => |a: Lseg| eq(a.start.x, a.end.x),
    "lseg_horizontal" => |a: Lseg| eq(a.start.y, a.end.y),
    "lseg_parallel" => |a: Lseg, b: Lseg| Ok(eq(slope_of(a)?, slope_of(b)?)),
    "lseg_perp" => |a: Lseg, b: Lseg| Ok(eq(slope_of(a)?, inverse_slope(b.start, b.end)?)),
    "lseg_eq" => |a: Lseg, b: Lseg| a.start.same(b.start) && a.end.same(b.end),
    "lseg_ne" => |a: Lseg, b: Lseg| !(a.start.same(b.start) && a.end.same(b.end)),
    "lseg_lt" => |a: Lseg, b: Lseg| by_length(a, b, lt),
    "lseg_le" => |a: Lseg, b: Lseg| by_length(a, b, le),
    "lseg_gt" => |a: Lseg, b: Lseg| by_length(a, b, gt),
    "lseg_ge" => |a: Lseg, b: Lseg| by_length(a, b, ge),
    "lseg_intersect" => |a: Lseg, b: Lseg| intersects(a, b),
    "lseg_interpt" => |a: Lseg, b: Lseg| intersection(a, b),
    "on_ps" => |point: Point, segment: Lseg| contains(segment, point),
    "on_pl" => |point: Point, own: Line| line::contains(own, point),
    "on_sl" => |segment: Lseg, own: Line| {
        Ok(line::contains(own, segment.start)? && line::contains(own, segment.end)?)
    },
    "inter_sl" => |segment: Lseg, own: Line| line_intersection(segment, own).map(|point| point.is_some()),
};

pub(super) fn length(segment: Lseg) -> Result<f64> {
    distance(segment.start, segment.end)
}

fn by_length(a: Lseg, b: Lseg, compare: fn(f64, f64) -> bool) -> Result<bool> {
    Ok(compare(length(a)?, length(b)?))
}

pub(super) fn slope_of(segment: Lseg) -> Result<f64> {
    slope(segment.start, segment.end)
}

/// The line that a segment is part of.
pub(super) fn line_of(segment: Lseg) -> Result<Line> {
    line::through(segment.start, slope_of(segment)?)
}

/// Whether a point lies on a segment: no detour between its ends.
pub(super) fn contains(segment: Lseg, point: Point) -> Result<bool> {
    let detour = add(distance(point, segment.start)?, distance(point, segment.end)?)?;
    Ok(eq(detour, length(segment)?))
}

pub(super) fn intersects(a: Lseg, b: Lseg) -> Result<bool> {
    intersection(a, b).map(|point| point.is_some())
}

/// Where two segments meet.
pub(super) fn intersection(a: Lseg, b: Lseg) -> Result<Option<Point>> {
    match line_intersection(a, line_of(b)?)? {
        Some(point) if contains(b, point)? => Ok(Some(point)),
        _ => Ok(None),
    }
}

/// Where a segment meets a line; an end of the segment exactly where it is one.
pub(super) fn line_intersection(segment: Lseg, line: Line) -> Result<Option<Point>> {
    match line::intersection(line_of(segment)?, line)? {
        Some(point) if contains(segment, point)? => {
            let end = [segment.start, segment.end].into_iter().find(|end| end.same(point));
            Ok(Some(end.unwrap_or(point)))
        }
        _ => Ok(None),
    }
}
