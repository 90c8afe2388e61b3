//! `smallint`, `integer`, `bigint`: arithmetic, bits, comparisons, casts among them and to `"char"` and `oid`.
//!
//! Every overflow is 22003. PostgreSQL names the functions by the widths of their operands: `int42pl` is
//! `integer + smallint`.

use dictdb_types::{Error, Oid, Result, SqlState};

use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Tables of this family.
pub(super) const TABLES: &[&[(&str, ScalarFn)]] = &[
    ARITHMETIC_2,
    ARITHMETIC_4,
    ARITHMETIC_8,
    CROSS_24,
    CROSS_42,
    CROSS_28,
    CROSS_82,
    CROSS_48,
    CROSS_84,
    BITS_2,
    BITS_4,
    BITS_8,
    UNARY_2,
    UNARY_4,
    UNARY_8,
    COMPARE_2,
    COMPARE_4,
    COMPARE_8,
    COMPARE_24,
    COMPARE_42,
    COMPARE_28,
    COMPARE_82,
    COMPARE_48,
    COMPARE_84,
    IN_RANGE,
    OTHER,
];

/// The names PostgreSQL reports for an integer out of its range.
pub(crate) trait Width {
    const NAME: &'static str;
}

impl Width for i16 {
    const NAME: &'static str = "smallint";
}

impl Width for i32 {
    const NAME: &'static str = "integer";
}

impl Width for i64 {
    const NAME: &'static str = "bigint";
}

/// 22003 naming the type.
#[cold]
pub(crate) fn out_of_range<T: Width>() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, format!("{} out of range", T::NAME))
}

/// The value, or 22003.
pub(crate) fn in_range<T: Width>(value: Option<T>) -> Result<T> {
    value.ok_or_else(out_of_range::<T>)
}

/// 22012.
#[cold]
pub(crate) fn division_by_zero() -> Error {
    Error::new(SqlState::DIVISION_BY_ZERO, "division by zero")
}

macro_rules! arithmetic {
    ($table:ident: $prefix:literal, $left:ty, $right:ty => $out:ty) => {
        const $table: &[(&str, ScalarFn)] = kernels! {
            concat!($prefix, "pl") => |a: $left, b: $right| in_range(<$out>::from(a).checked_add(b.into())),
            concat!($prefix, "mi") => |a: $left, b: $right| in_range(<$out>::from(a).checked_sub(b.into())),
            concat!($prefix, "mul") => |a: $left, b: $right| in_range(<$out>::from(a).checked_mul(b.into())),
            concat!($prefix, "div") => |a: $left, b: $right| {
                if b == 0 {
                    return Err(division_by_zero());
                }
                in_range(<$out>::from(a).checked_div(b.into()))
            },
        };
    };
}

arithmetic!(ARITHMETIC_2: "int2", i16, i16 => i16);
arithmetic!(ARITHMETIC_4: "int4", i32, i32 => i32);
arithmetic!(ARITHMETIC_8: "int8", i64, i64 => i64);
arithmetic!(CROSS_24: "int24", i16, i32 => i32);
arithmetic!(CROSS_42: "int42", i32, i16 => i32);
arithmetic!(CROSS_28: "int28", i16, i64 => i64);
arithmetic!(CROSS_82: "int82", i64, i16 => i64);
arithmetic!(CROSS_48: "int48", i32, i64 => i64);
arithmetic!(CROSS_84: "int84", i64, i32 => i64);

/// Shifts happen in `$compute`, as in C: a `smallint` is shifted as an `int`, and the count wraps at its width.
macro_rules! bits {
    ($table:ident: $prefix:literal, $ty:ty, $compute:ty) => {
        const $table: &[(&str, ScalarFn)] = kernels! {
            concat!($prefix, "mod") => |a: $ty, b: $ty| {
                if b == 0 {
                    return Err(division_by_zero());
                }
                Ok(a.wrapping_rem(b))
            },
            concat!($prefix, "and") => |a: $ty, b: $ty| a & b,
            concat!($prefix, "or") => |a: $ty, b: $ty| a | b,
            concat!($prefix, "xor") => |a: $ty, b: $ty| a ^ b,
            concat!($prefix, "not") => |a: $ty| !a,
            concat!($prefix, "shl") => |a: $ty, bits: i32| <$compute>::from(a).wrapping_shl(bits as u32) as $ty,
            concat!($prefix, "shr") => |a: $ty, bits: i32| <$compute>::from(a).wrapping_shr(bits as u32) as $ty,
            concat!($prefix, "larger") => |a: $ty, b: $ty| a.max(b),
            concat!($prefix, "smaller") => |a: $ty, b: $ty| a.min(b),
        };
    };
}

bits!(BITS_2: "int2", i16, i32);
bits!(BITS_4: "int4", i32, i32);
bits!(BITS_8: "int8", i64, i64);

macro_rules! unary {
    ($table:ident: $prefix:literal, $ty:ty) => {
        const $table: &[(&str, ScalarFn)] = kernels! {
            concat!($prefix, "um") => |a: $ty| in_range(a.checked_neg()),
            concat!($prefix, "up") => |a: $ty| a,
            concat!($prefix, "abs") => |a: $ty| in_range(a.checked_abs()),
        };
    };
}

unary!(UNARY_2: "int2", i16);
unary!(UNARY_4: "int4", i32);
unary!(UNARY_8: "int8", i64);

macro_rules! compare {
    ($table:ident: $prefix:literal, $left:ty, $right:ty) => {
        const $table: &[(&str, ScalarFn)] = kernels! {
            concat!($prefix, "eq") => |a: $left, b: $right| i64::from(a) == i64::from(b),
            concat!($prefix, "ne") => |a: $left, b: $right| i64::from(a) != i64::from(b),
            concat!($prefix, "lt") => |a: $left, b: $right| i64::from(a) < i64::from(b),
            concat!($prefix, "le") => |a: $left, b: $right| i64::from(a) <= i64::from(b),
            concat!($prefix, "gt") => |a: $left, b: $right| i64::from(a) > i64::from(b),
            concat!($prefix, "ge") => |a: $left, b: $right| i64::from(a) >= i64::from(b),
            concat!("bt", $prefix, "cmp") => |a: $left, b: $right| i64::from(a).cmp(&i64::from(b)) as i32,
        };
    };
}

compare!(COMPARE_2: "int2", i16, i16);
compare!(COMPARE_4: "int4", i32, i32);
compare!(COMPARE_8: "int8", i64, i64);
compare!(COMPARE_24: "int24", i16, i32);
compare!(COMPARE_42: "int42", i32, i16);
compare!(COMPARE_28: "int28", i16, i64);
compare!(COMPARE_82: "int82", i64, i16);
compare!(COMPARE_48: "int48", i32, i64);
compare!(COMPARE_84: "int84", i64, i32);

const IN_RANGE: &[(&str, ScalarFn)] = kernels! {
    "in_range_int2_int2" => |v: i16, base: i16, off: i16, sub: bool, less: bool| window_bound(v.into(), base.into(), off.into(), sub, less),
    "in_range_int2_int4" => |v: i16, base: i16, off: i32, sub: bool, less: bool| window_bound(v.into(), base.into(), off.into(), sub, less),
    "in_range_int2_int8" => |v: i16, base: i16, off: i64, sub: bool, less: bool| window_bound(v.into(), base.into(), off, sub, less),
    "in_range_int4_int2" => |v: i32, base: i32, off: i16, sub: bool, less: bool| window_bound(v.into(), base.into(), off.into(), sub, less),
    "in_range_int4_int4" => |v: i32, base: i32, off: i32, sub: bool, less: bool| window_bound(v.into(), base.into(), off.into(), sub, less),
    "in_range_int4_int8" => |v: i32, base: i32, off: i64, sub: bool, less: bool| window_bound(v.into(), base.into(), off, sub, less),
    "in_range_int8_int8" => |v: i64, base: i64, off: i64, sub: bool, less: bool| window_bound(v, base, off, sub, less),
};

/// 22013: what every `in_range` function says of a negative offset.
pub(crate) fn bad_window_offset() -> Error {
    Error::new(SqlState::INVALID_PRECEDING_OR_FOLLOWING_SIZE, "invalid preceding or following size in window function")
}

/// `value <= base ± offset` (or `>=`) without overflow: what RANGE frames ask.
fn window_bound(value: i64, base: i64, offset: i64, subtract: bool, less: bool) -> Result<bool> {
    if offset < 0 {
        return Err(bad_window_offset());
    }
    let (value, base, offset) = (i128::from(value), i128::from(base), i128::from(offset));
    let bound = if subtract { base - offset } else { base + offset };
    Ok(if less { value <= bound } else { value >= bound })
}

const OTHER: &[(&str, ScalarFn)] = kernels! {
    "i2toi4" => |a: i16| i32::from(a),
    "int28" => |a: i16| i64::from(a),
    "int48" => |a: i32| i64::from(a),
    "i4toi2" => |a: i32| in_range(i16::try_from(a).ok()),
    "int82" => |a: i64| in_range(i16::try_from(a).ok()),
    "int84" => |a: i64| in_range(i32::try_from(a).ok()),
    "i8tooid" => |a: i64| u32::try_from(a).map(Oid).map_err(|_| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "OID out of range")),
    "oidtoi8" => |a: Oid| i64::from(a.0),
    "int4inc" => |a: i32| in_range(a.checked_add(1)),
    "int8inc" => |a: i64| in_range(a.checked_add(1)),
    "int8dec" => |a: i64| in_range(a.checked_sub(1)),
    "int4gcd" => |a: i32, b: i32| in_range(i32::try_from(gcd(a.into(), b.into())).ok()),
    "int8gcd" => |a: i64, b: i64| in_range(i64::try_from(gcd(a, b)).ok()),
    "int4lcm" => |a: i32, b: i32| in_range(lcm(a.into(), b.into()).and_then(|v| i32::try_from(v).ok())),
    "int8lcm" => |a: i64, b: i64| in_range(lcm(a, b).and_then(|v| i64::try_from(v).ok())),
    "to_hex32" => |a: i32| format!("{a:x}"),
    "to_hex64" => |a: i64| format!("{a:x}"),
};

fn gcd(a: i64, b: i64) -> u64 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn lcm(a: i64, b: i64) -> Option<u64> {
    if a == 0 || b == 0 {
        return Some(0);
    }
    (a.unsigned_abs() / gcd(a, b)).checked_mul(b.unsigned_abs())
}
