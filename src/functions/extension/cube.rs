//! `cube`: boxes of up to 100 dimensions. In dimensions that one of two cubes does not have it lies at zero.

use std::cmp::Ordering;

use dictdb_types::{Array, CUBE_DIMENSIONS, Cube, Datum, Error, Result, SqlState};

use crate::args::kernels;
use crate::kernel::ScalarFn;
use crate::scalar::type_io;

/// Functions of this family by symbol.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "cube_in" => type_io::input,
    "cube_out" => type_io::output,
    "cube_send" => type_io::send,
    "cube_a_f8_f8" => |first: &Array, second: &Array| {
        let (first, second) = (numbers(first)?, numbers(second)?);
        check(first.len(), "can't extend cube")?;
        if first.len() != second.len() {
            return Err(of_element("UR and LL arrays must be of same length"));
        }
        Ok(Cube::new(first, second))
    },
    "cube_a_f8" => |at: &Array| {
        let at = numbers(at)?;
        check(at.len(), "array is too long")?;
        Ok(Cube::point(at))
    },
    "cube_f8" => |at: f64| Cube::point(vec![at]),
    "cube_f8_f8" => |first: f64, second: f64| Cube::new(vec![first], vec![second]),
    "cube_c_f8" => |cube: &Cube, at: f64| extended(cube, at, at),
    "cube_c_f8_f8" => |cube: &Cube, first: f64, second: f64| extended(cube, first, second),
    "cube_eq" => |a: &Cube, b: &Cube| compare(a, b).is_eq(),
    "cube_ne" => |a: &Cube, b: &Cube| compare(a, b).is_ne(),
    "cube_lt" => |a: &Cube, b: &Cube| compare(a, b).is_lt(),
    "cube_gt" => |a: &Cube, b: &Cube| compare(a, b).is_gt(),
    "cube_le" => |a: &Cube, b: &Cube| compare(a, b).is_le(),
    "cube_ge" => |a: &Cube, b: &Cube| compare(a, b).is_ge(),
    "cube_cmp" => |a: &Cube, b: &Cube| compare(a, b) as i32,
    "cube_contains" => |a: &Cube, b: &Cube| contains(a, b),
    "cube_contained" => |a: &Cube, b: &Cube| contains(b, a),
    "cube_overlap" => |a: &Cube, b: &Cube| {
        (0..most_dimensions(a, b)).all(|at| a.low(at) <= b.high(at) && a.high(at) >= b.low(at))
    },
    "cube_union" => |a: &Cube, b: &Cube| combined(a, b, f64::min, f64::max),
    "cube_inter" => |a: &Cube, b: &Cube| combined(a, b, f64::max, f64::min),
    "cube_size" => |cube: &Cube| match cube.is_point() || cube.dimensions() == 0 {
        true => 0.0,
        false => (0..cube.dimensions()).map(|at| (cube.second(at) - cube.first(at)).abs()).product::<f64>(),
    },
    "cube_subset" => |cube: &Cube, places: &Array| subset(cube, places),
    "cube_distance" => |a: &Cube, b: &Cube| distances(a, b).map(|distance| distance * distance).sum::<f64>().sqrt(),
    "distance_taxicab" => |a: &Cube, b: &Cube| distances(a, b).map(f64::abs).sum::<f64>(),
    "distance_chebyshev" => |a: &Cube, b: &Cube| distances(a, b).map(f64::abs).fold(0.0, f64::max),
    "cube_dim" => |cube: &Cube| cube.dimensions() as i32,
    "cube_ll_coord" => |cube: &Cube, place: i32| usize::try_from(place - 1).map_or(0.0, |at| cube.low(at)),
    "cube_ur_coord" => |cube: &Cube, place: i32| usize::try_from(place - 1).map_or(0.0, |at| cube.high(at)),
    "cube_coord" => |cube: &Cube, place: i32| coordinate(cube, place),
    "cube_coord_llur" => |cube: &Cube, place: i32| bound(cube, place),
    "cube_is_point" => |cube: &Cube| cube.is_point(),
    "cube_enlarge" => |cube: &Cube, by: f64, dimensions: i32| enlarged(cube, by, dimensions),
};

fn of_element(message: impl Into<String>) -> Error {
    Error::new(SqlState::ARRAY_ELEMENT_ERROR, message)
}

/// 2202E for a NULL.
fn numbers(array: &Array) -> Result<Vec<f64>> {
    let number = |item: &Datum| match item {
        Datum::Float8(number) => Ok(*number),
        _ => Err(of_element("cannot work with arrays containing NULLs")),
    };
    array.items.iter().map(number).collect()
}

/// 54000 for too many dimensions.
fn check(dimensions: usize, message: &str) -> Result<()> {
    if dimensions <= CUBE_DIMENSIONS {
        return Ok(());
    }
    Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
        .detail(format!("A cube cannot have more than {CUBE_DIMENSIONS} dimensions.")))
}

fn most_dimensions(a: &Cube, b: &Cube) -> usize {
    a.dimensions().max(b.dimensions())
}

/// A cube with one more dimension.
fn extended(cube: &Cube, first: f64, second: f64) -> Result<Cube> {
    let count = cube.dimensions();
    check(count + 1, "can't extend cube")?;
    let corner = |of: fn(&Cube, usize) -> f64, last| (0..count).map(|at| of(cube, at)).chain([last]).collect();
    if cube.is_point() && first == second {
        return Ok(Cube::point(corner(Cube::first, first)));
    }
    Ok(Cube::new(corner(Cube::first, first), corner(Cube::second, second)))
}

/// By the lower corners in the dimensions that both have, then by the upper ones, then by the rest of the one with more dimensions.
fn compare(a: &Cube, b: &Cube) -> Ordering {
    let common = a.dimensions().min(b.dimensions());
    let all = most_dimensions(a, b);
    let by = |of: fn(&Cube, usize) -> f64, places: std::ops::Range<usize>| {
        // What is no number is neither less nor greater.
        let mut orders = places.map(|at| of(a, at).partial_cmp(&of(b, at)).unwrap_or(Ordering::Equal));
        orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    };
    by(Cube::low, 0..common)
        .then_with(|| by(Cube::high, 0..common))
        .then_with(|| by(Cube::low, common..all))
        .then_with(|| by(Cube::high, common..all))
        .then_with(|| a.dimensions().cmp(&b.dimensions()))
}

fn contains(a: &Cube, b: &Cube) -> bool {
    let (own, other) = (a.dimensions(), b.dimensions());
    (own..other).all(|at| b.first(at) == 0.0 && b.second(at) == 0.0)
        && (0..own.min(other)).all(|at| a.low(at) <= b.low(at) && a.high(at) >= b.high(at))
}

fn combined(a: &Cube, b: &Cube, low: fn(f64, f64) -> f64, high: fn(f64, f64) -> f64) -> Cube {
    let places = 0..most_dimensions(a, b);
    let corner = |of: fn(&Cube, usize) -> f64, pick: fn(f64, f64) -> f64| {
        places.clone().map(|at| pick(of(a, at), of(b, at))).collect()
    };
    Cube::new(corner(Cube::low, low), corner(Cube::high, high))
}

/// How far two cubes are apart in each dimension.
fn distances(a: &Cube, b: &Cube) -> impl Iterator<Item = f64> {
    (0..most_dimensions(a, b)).map(move |at| {
        if a.high(at) <= b.low(at) {
            b.low(at) - a.high(at)
        } else if a.low(at) > b.high(at) {
            a.low(at) - b.high(at)
        } else {
            0.0
        }
    })
}

/// The dimensions that an array numbers, in its order. 2202E, 54000.
fn subset(cube: &Cube, places: &Array) -> Result<Cube> {
    let place = |item: &Datum| match item {
        Datum::Int4(place) => Ok(*place),
        _ => Err(of_element("cannot work with arrays containing NULLs")),
    };
    let places = places.items.iter().map(place).collect::<Result<Vec<_>>>()?;
    check(places.len(), "array is too long")?;
    let known = |place: &i32| match usize::try_from(*place - 1) {
        Ok(at) if at < cube.dimensions() => Ok(at),
        _ => Err(of_element("Index out of bounds")),
    };
    let places = places.iter().map(known).collect::<Result<Vec<_>>>()?;
    let first = places.iter().map(|at| cube.first(*at)).collect();
    if cube.is_point() {
        return Ok(Cube::point(first));
    }
    Ok(Cube::new(first, places.iter().map(|at| cube.second(*at)).collect()))
}

/// `->`: coordinates of the first corner, then of the second one. 2202E.
fn coordinate(cube: &Cube, place: i32) -> Result<f64> {
    let count = cube.dimensions();
    match usize::try_from(place - 1) {
        Ok(at) if at < count => Ok(cube.first(at)),
        Ok(at) if at < 2 * count => Ok(cube.second(at - count)),
        _ => Err(of_element(format!("cube index {place} is out of bounds"))),
    }
}

/// `~>`: lower and upper bounds in turns, negated by negative numbers. 2202E.
fn bound(cube: &Cube, place: i32) -> Result<f64> {
    let Some(number) = place.unsigned_abs().checked_sub(1) else {
        return Err(of_element("zero cube index is not defined"));
    };
    let (dimension, upper) = (number as usize / 2, number % 2 == 1);
    let value = if upper { cube.high(dimension) } else { cube.low(dimension) };
    Ok(if place < 0 { -value } else { value })
}

/// A cube with its sides moved outwards, or inwards until they meet.
fn enlarged(cube: &Cube, by: f64, dimensions: i32) -> Cube {
    let asked = usize::try_from(dimensions).unwrap_or_default().min(CUBE_DIMENSIONS);
    let count = if by > 0.0 { cube.dimensions().max(asked) } else { cube.dimensions() };
    let sides = (0..count).map(|at| {
        let (low, high) = match cube.first(at) >= cube.second(at) {
            true => (cube.second(at) - by, cube.first(at) + by),
            false => (cube.first(at) - by, cube.second(at) + by),
        };
        let middle = (low + high) / 2.0;
        if low > high { (middle, middle) } else { (low, high) }
    });
    let (low, high) = sides.unzip();
    Cube::new(low, high)
}
