//! Geometric values: how points, lines, segments, boxes, paths, polygons and circles lie in a byte-string datum.
//!
//! The bytes are PostgreSQL's binary wire format, big endian, so that sending is copying:
//!
//! ```text
//!   point    x y                  line  A B C (of Ax + By + C = 0)     lseg  two points       box  high, low corner
//!   circle   centre, radius       path  closed (1 byte), count (4), points                    polygon  count (4), points
//! ```

use crate::Oid;
use crate::oids;

/// A `point`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Horizontal coordinate.
    pub x: f64,
    /// Vertical coordinate.
    pub y: f64,
}

/// A `line`: all points with `a * x + b * y + c = 0`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Factor of `x`.
    pub a: f64,
    /// Factor of `y`.
    pub b: f64,
    /// Constant.
    pub c: f64,
}

/// An `lseg`: a line segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lseg {
    /// First end.
    pub start: Point,
    /// Second end.
    pub end: Point,
}

/// A `box`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rectangle {
    /// Upper right corner.
    pub high: Point,
    /// Lower left corner.
    pub low: Point,
}

/// A `path`.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Whether the last point is connected to the first.
    pub closed: bool,
    /// At least one point.
    pub points: Vec<Point>,
}

/// A `polygon`.
#[derive(Clone, Debug, PartialEq)]
pub struct Polygon {
    /// At least one point.
    pub points: Vec<Point>,
}

/// A `circle`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Circle {
    /// Its middle.
    pub center: Point,
    /// Not negative; may be NaN.
    pub radius: f64,
}

/// A geometric value in a datum's bytes.
pub trait Geometry: Sized {
    /// Reads the value; `None` when the bytes are too few.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;

    /// Appends the bytes.
    fn write_bytes(&self, out: &mut Vec<u8>);

    /// The datum's bytes.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![];
        self.write_bytes(&mut out);
        out
    }
}

/// Whether values of this type are laid out as this module says.
pub fn is_geometric(oid: Oid) -> bool {
    matches!(oid, oids::POINT | oids::LSEG | oids::PATH | oids::BOX | oids::POLYGON | oids::LINE | oids::CIRCLE)
}

fn numbers<const N: usize>(bytes: &[u8]) -> Option<[f64; N]> {
    let mut values = [0.0; N];
    for (value, chunk) in values.iter_mut().zip(bytes.get(..N * 8)?.chunks_exact(8)) {
        *value = f64::from_be_bytes(chunk.try_into().ok()?);
    }
    Some(values)
}

fn write(values: &[f64], out: &mut Vec<u8>) {
    values.iter().for_each(|value| out.extend_from_slice(&value.to_be_bytes()));
}

fn points(bytes: &[u8]) -> Option<Vec<Point>> {
    let count = i32::from_be_bytes(bytes.get(..4)?.try_into().ok()?);
    let points = bytes[4..].chunks_exact(16).map(Point::from_bytes).collect::<Option<Vec<_>>>()?;
    (usize::try_from(count) == Ok(points.len())).then_some(points)
}

fn write_points(points: &[Point], out: &mut Vec<u8>) {
    out.extend_from_slice(&(points.len() as i32).to_be_bytes());
    points.iter().for_each(|point| point.write_bytes(out));
}

impl Geometry for Point {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        numbers(bytes).map(|[x, y]| Point { x, y })
    }

    fn write_bytes(&self, out: &mut Vec<u8>) {
        write(&[self.x, self.y], out);
    }
}

impl Geometry for Line {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        numbers(bytes).map(|[a, b, c]| Line { a, b, c })
    }

    fn write_bytes(&self, out: &mut Vec<u8>) {
        write(&[self.a, self.b, self.c], out);
    }
}

impl Geometry for Lseg {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Lseg { start: Point::from_bytes(bytes)?, end: Point::from_bytes(bytes.get(16..)?)? })
    }

    fn write_bytes(&self, out: &mut Vec<u8>) {
        self.start.write_bytes(out);
        self.end.write_bytes(out);
    }
}

impl Geometry for Rectangle {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Rectangle { high: Point::from_bytes(bytes)?, low: Point::from_bytes(bytes.get(16..)?)? })
    }

    fn write_bytes(&self, out: &mut Vec<u8>) {
        self.high.write_bytes(out);
        self.low.write_bytes(out);
    }
}

impl Geometry for Path {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (closed, rest) = bytes.split_first()?;
        Some(Path { closed: *closed != 0, points: points(rest)? })
    }

    fn write_bytes(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.closed));
        write_points(&self.points, out);
    }
}

impl Geometry for Polygon {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        points(bytes).map(|points| Polygon { points })
    }

    fn write_bytes(&self, out: &mut Vec<u8>) {
        write_points(&self.points, out);
    }
}

impl Geometry for Circle {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        numbers(bytes).map(|[x, y, radius]| Circle { center: Point { x, y }, radius })
    }

    fn write_bytes(&self, out: &mut Vec<u8>) {
        write(&[self.center.x, self.center.y, self.radius], out);
    }
}

impl Rectangle {
    /// The box with these opposite corners, NaN above everything.
    pub fn new(a: Point, b: Point) -> Self {
        let (left, right) = ordered(a.x, b.x);
        let (low, high) = ordered(a.y, b.y);
        Rectangle { high: Point { x: right, y: high }, low: Point { x: left, y: low } }
    }
}

/// Two floats in PostgreSQL's order.
fn ordered(a: f64, b: f64) -> (f64, f64) {
    if crate::order::compare_floats(a, b).is_gt() { (b, a) } else { (a, b) }
}

impl Line {
    /// The line through a point with this slope.
    pub fn with_slope(point: Point, slope: f64, intercept: f64) -> Self {
        if slope.is_infinite() {
            return Line { a: -1.0, b: 0.0, c: point.x };
        }
        if slope == 0.0 {
            return Line { a: 0.0, b: -1.0, c: point.y };
        }
        // Adding zero turns -0 into 0.
        Line { a: slope, b: -1.0, c: intercept + 0.0 }
    }
}

/// Coordinates no further apart than this are the same to comparisons of geometric values.
pub const EPSILON: f64 = 1e-6;

/// Whether two coordinates are the same within [`EPSILON`].
pub fn fuzzy_eq(a: f64, b: f64) -> bool {
    a == b || (a - b).abs() <= EPSILON
}

impl Point {
    /// Whether two points are the same: within [`EPSILON`], and exactly where NaN is involved.
    pub fn same(self, other: Point) -> bool {
        let all = [self.x, self.y, other.x, other.y];
        if all.iter().any(|value| value.is_nan()) {
            let equal = |a, b| crate::order::compare_floats(a, b).is_eq();
            return equal(self.x, other.x) && equal(self.y, other.y);
        }
        fuzzy_eq(self.x, other.x) && fuzzy_eq(self.y, other.y)
    }

    /// The slope of the line to another point; infinite for a vertical one.
    pub fn slope_to(self, other: Point) -> f64 {
        if fuzzy_eq(self.x, other.x) {
            return f64::INFINITY;
        }
        if fuzzy_eq(self.y, other.y) {
            return 0.0;
        }
        (self.y - other.y) / (self.x - other.x)
    }
}
