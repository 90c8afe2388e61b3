//! `boolean`: comparisons, casts to text and from integers.

use std::cmp::Ordering;

use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "booleq" => |a: bool, b: bool| a == b,
    "boolne" => |a: bool, b: bool| a != b,
    "boollt" => |a: bool, b: bool| !a & b,
    "boolle" => |a: bool, b: bool| a <= b,
    "boolgt" => |a: bool, b: bool| a & !b,
    "boolge" => |a: bool, b: bool| a >= b,
    "btboolcmp" => |a: bool, b: bool| a.cmp(&b) as i32,
    "booltext" => |a: bool| if a { "true" } else { "false" },
    "bool_int4" => |a: bool| i32::from(a),
    "int4_bool" => |a: i32| a.cmp(&0) != Ordering::Equal,
    "booland_statefunc" => |a: bool, b: bool| a && b,
    "boolor_statefunc" => |a: bool, b: bool| a || b,
};
