//! Nearest points between two values, and the distances that follow from them.

use dictdb_types::Result;
use dictdb_types::geometry::{Line, Lseg, Point, Rectangle};

use super::number::compare;
use super::point::{distance, inverse_slope};
use super::{boxes, line, segment};
use crate::args::kernels;
use crate::kernel::ScalarFn;

pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "close_pl" => |point: Point, line: Line| line_point(line, point).map(Nearest::point),
    "close_ps" => |point: Point, segment: Lseg| segment_point(segment, point).map(Nearest::point),
    "close_pb" => |point: Point, own: Rectangle| box_point(own, point).map(Nearest::point),
    "close_sb" => |segment: Lseg, own: Rectangle| box_segment(own, segment).map(Nearest::point),
    "close_ls" => |own: Line, segment: Lseg| {
        if segment::slope_of(segment)? == line::slope_of(own)? {
            return crate::args::Output::output(None::<Point>);
        }
        segment_line(segment, own).map(Nearest::point)
    },
    "close_lseg" => |a: Lseg, b: Lseg| {
        if segment::slope_of(a)? == segment::slope_of(b)? {
            return crate::args::Output::output(None::<Point>);
        }
        segments(b, a).map(Nearest::point)
    },
    "dist_pl" => |point: Point, line: Line| line_point(line, point).map(|near| near.distance),
    "dist_lp" => |line: Line, point: Point| line_point(line, point).map(|near| near.distance),
    "dist_ps" => |point: Point, segment: Lseg| segment_point(segment, point).map(|near| near.distance),
    "dist_sp" => |segment: Lseg, point: Point| segment_point(segment, point).map(|near| near.distance),
    "dist_sl" => |segment: Lseg, line: Line| segment_line(segment, line).map(|near| near.distance),
    "dist_ls" => |line: Line, segment: Lseg| segment_line(segment, line).map(|near| near.distance),
    "dist_pb" => |point: Point, own: Rectangle| box_point(own, point).map(|near| near.distance),
    "dist_bp" => |own: Rectangle, point: Point| box_point(own, point).map(|near| near.distance),
    "dist_sb" => |segment: Lseg, own: Rectangle| box_segment(own, segment).map(|near| near.distance),
    "dist_bs" => |own: Rectangle, segment: Lseg| box_segment(own, segment).map(|near| near.distance),
    "lseg_distance" => |a: Lseg, b: Lseg| segments(a, b).map(|near| near.distance),
};

/// The point of the first value that is nearest to the second, and how far that is.
#[derive(Clone, Copy)]
pub(super) struct Nearest {
    pub(super) at: Point,
    pub(super) distance: f64,
}

impl Nearest {
    /// The point as a result; NULL where NaN left no distance.
    fn point(self) -> Option<Point> {
        (!self.distance.is_nan()).then_some(self.at)
    }

    fn or_nearer(self, other: Nearest) -> Nearest {
        if compare(other.distance, self.distance).is_lt() { other } else { self }
    }
}

/// The foot of the perpendicular. Rounding and NaN can leave none: then the point itself, at no distance.
pub(super) fn line_point(own: Line, point: Point) -> Result<Nearest> {
    let perpendicular = line::through(point, line::inverse_slope_of(own)?)?;
    match line::intersection(perpendicular, own)? {
        Some(at) => Ok(Nearest { at, distance: distance(at, point)? }),
        None => Ok(Nearest { at: point, distance: f64::NAN }),
    }
}

fn segment_line(segment: Lseg, line: Line) -> Result<Nearest> {
    if let Some(at) = segment::line_intersection(segment, line)? {
        return Ok(Nearest { at, distance: 0.0 });
    }
    let from = |end: Point| line_point(line, end).map(|near| Nearest { at: end, distance: near.distance });
    let (start, end) = (from(segment.start)?, from(segment.end)?);
    Ok(if start.distance < end.distance { start } else { end })
}

pub(super) fn segment_point(segment: Lseg, point: Point) -> Result<Nearest> {
    let perpendicular = line::through(point, inverse_slope(segment.start, segment.end)?)?;
    let at = segment_line(segment, perpendicular)?.at;
    Ok(Nearest { at, distance: distance(at, point)? })
}

pub(super) fn segments(own: Lseg, other: Lseg) -> Result<Nearest> {
    if let Some(at) = segment::intersection(own, other)? {
        return Ok(Nearest { at, distance: 0.0 });
    }
    let mut nearest = segment_point(own, other.start)?.or_nearer(segment_point(own, other.end)?);
    for end in [own.start, own.end] {
        let distance = segment_point(other, end)?.distance;
        nearest = nearest.or_nearer(Nearest { at: end, distance });
    }
    Ok(nearest)
}

fn box_point(own: Rectangle, point: Point) -> Result<Nearest> {
    if boxes::contains_point(own, point) {
        return Ok(Nearest { at: point, distance: 0.0 });
    }
    nearest_side(own, |side| segment_point(side, point))
}

fn box_segment(own: Rectangle, segment: Lseg) -> Result<Nearest> {
    if boxes::meets_segment(own, segment)? {
        let at = segment_point(segment, boxes::center(own)?)?.at;
        return Ok(Nearest { at, distance: 0.0 });
    }
    nearest_side(own, |side| segments(side, segment))
}

fn nearest_side(own: Rectangle, nearest: impl Fn(Lseg) -> Result<Nearest>) -> Result<Nearest> {
    let [first, others @ ..] = boxes::sides(own);
    others.into_iter().try_fold(nearest(first)?, |best, side| Ok(best.or_nearer(nearest(side)?)))
}
