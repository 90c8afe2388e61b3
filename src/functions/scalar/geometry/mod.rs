//! Operators and functions of the geometric types. Their layout is in `dictdb_types::geometry`.
//!
//! Coordinates compare within [`dictdb_types::geometry::EPSILON`] where PostgreSQL does so, and exactly where it does
//! not (polygons beside each other, points in boxes). Arithmetic reports overflow and underflow as floats do.

use dictdb_types::Error;

use crate::kernel::ScalarFn;

mod boxes;
mod circle;
mod closest;
mod line;
mod number;
mod path;
mod point;
mod polygon;
mod segment;

/// Tables of this family.
pub(super) const TABLES: &[&[(&str, ScalarFn)]] = &[
    boxes::KERNELS,
    circle::KERNELS,
    closest::KERNELS,
    line::KERNELS,
    path::KERNELS,
    point::KERNELS,
    polygon::KERNELS,
    segment::KERNELS,
];

/// 54000.
fn too_many_points() -> Error {
    Error::new(dictdb_types::SqlState::PROGRAM_LIMIT_EXCEEDED, "too many points requested")
}
