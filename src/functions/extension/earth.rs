//! `earthdistance`: miles between two points of longitude and latitude. What it has besides is SQL over `cube`.

use std::f64::consts::PI;

use dictdb_types::geometry::Point;

use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by symbol.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "geo_distance" => |a: Point, b: Point| miles(a, b),
};

/// The Earth's radius in miles.
const RADIUS: f64 = 3958.747716;

/// By the haversine formula.
fn miles(a: Point, b: Point) -> f64 {
    let radians = |degrees: f64| degrees / 360.0 * (2.0 * PI);
    let (latitude_a, latitude_b) = (radians(a.y), radians(b.y));
    let apart = (radians(a.x) - radians(b.x)).abs();
    let apart = if apart > PI { 2.0 * PI - apart } else { apart };
    let (across, along) = (((latitude_a - latitude_b).abs() / 2.0).sin(), (apart / 2.0).sin());
    let sine = (across * across + latitude_a.cos() * latitude_b.cos() * along * along).sqrt();
    2.0 * RADIUS * sine.min(1.0).asin()
}
