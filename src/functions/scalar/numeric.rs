//! `numeric`: the functions of `pg_proc` over the arithmetic of [`dictdb_types::Numeric`].

use dictdb_types::{Numeric, Result};

use super::integer::bad_window_offset;
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Tables of this family.
pub(super) const TABLES: &[&[(&str, ScalarFn)]] = &[COMPARE, ARITHMETIC, ROUNDING, CASTS];

const COMPARE: &[(&str, ScalarFn)] = kernels! {
    "numeric_eq" => |a: &Numeric, b: &Numeric| a == b,
    "numeric_ne" => |a: &Numeric, b: &Numeric| a != b,
    "numeric_lt" => |a: &Numeric, b: &Numeric| a < b,
    "numeric_le" => |a: &Numeric, b: &Numeric| a <= b,
    "numeric_gt" => |a: &Numeric, b: &Numeric| a > b,
    "numeric_ge" => |a: &Numeric, b: &Numeric| a >= b,
    "numeric_cmp" => |a: &Numeric, b: &Numeric| a.cmp(b) as i32,
    "numeric_larger" => |a: &Numeric, b: &Numeric| if a > b { a } else { b }.clone(),
    "numeric_smaller" => |a: &Numeric, b: &Numeric| if a < b { a } else { b }.clone(),
    "in_range_numeric_numeric" => |v: &Numeric, base: &Numeric, off: &Numeric, sub: bool, less: bool| {
        window_bound(v, base, off, sub, less)
    },
    "width_bucket_numeric" => |v: &Numeric, low: &Numeric, high: &Numeric, count: i32| v.width_bucket(low, high, count),
};

const ARITHMETIC: &[(&str, ScalarFn)] = kernels! {
    "numeric_add" => |a: &Numeric, b: &Numeric| a.add(b),
    "numeric_sub" => |a: &Numeric, b: &Numeric| a.sub(b),
    "numeric_mul" => |a: &Numeric, b: &Numeric| a.mul(b),
    "numeric_div" => |a: &Numeric, b: &Numeric| a.div(b),
    "numeric_div_trunc" => |a: &Numeric, b: &Numeric| a.div_trunc(b),
    "numeric_mod" => |a: &Numeric, b: &Numeric| a.rem(b),
    "numeric_gcd" => |a: &Numeric, b: &Numeric| a.gcd(b),
    "numeric_lcm" => |a: &Numeric, b: &Numeric| a.lcm(b),
    "numeric_fac" => |a: i64| Numeric::factorial(a),
    "numeric_inc" => |a: &Numeric| a.inc(),
    "numeric_uminus" => |a: &Numeric| a.neg(),
    "numeric_uplus" => |a: &Numeric| a.clone(),
    "numeric_abs" => |a: &Numeric| a.abs(),
    "numeric_sign" => |a: &Numeric| if a.is_nan() { a.clone() } else { Numeric::from(a.signum()) },
    "numeric_sqrt" => |a: &Numeric| a.sqrt(),
    "numeric_exp" => |a: &Numeric| a.exp(),
    "numeric_ln" => |a: &Numeric| a.ln(),
    "numeric_log" => |base: &Numeric, a: &Numeric| a.log(base),
    "log(numeric)" => |a: &Numeric| a.log10(),
    "log10(numeric)" => |a: &Numeric| a.log10(),
    "numeric_power" => |a: &Numeric, b: &Numeric| a.power(b),
};

const ROUNDING: &[(&str, ScalarFn)] = kernels! {
    "numeric" => |a: &Numeric, typmod: i32| a.apply_typmod(typmod),
    "numeric_round" => |a: &Numeric, scale: i32| a.round(scale),
    "numeric_trunc" => |a: &Numeric, scale: i32| a.trunc(scale),
    "round(numeric)" => |a: &Numeric| a.round(0),
    "trunc(numeric)" => |a: &Numeric| a.trunc(0),
    "numeric_ceil" => |a: &Numeric| a.ceil(),
    "numeric_floor" => |a: &Numeric| a.floor(),
    "numeric_scale" => |a: &Numeric| a.scale(),
    "numeric_min_scale" => |a: &Numeric| a.is_finite().then(|| a.min_scale()),
    "numeric_trim_scale" => |a: &Numeric| a.trim_scale(),
};

const CASTS: &[(&str, ScalarFn)] = kernels! {
    "int2_numeric" => |a: i16| Numeric::from(a),
    "int4_numeric" => |a: i32| Numeric::from(a),
    "int8_numeric" => |a: i64| Numeric::from(a),
    "float4_numeric" => |a: f32| Numeric::from_f32(a),
    "float8_numeric" => |a: f64| Numeric::from_f64(a),
    "numeric_int2" => |a: &Numeric| a.to_i16(),
    "numeric_int4" => |a: &Numeric| a.to_i32(),
    "numeric_int8" => |a: &Numeric| a.to_i64(),
    "numeric_float4" => |a: &Numeric| a.to_f32(),
    "numeric_float8" => |a: &Numeric| a.to_f64(),
};

/// `value <= base ± offset` (or `>=`), NaN in a frame with NaN only, infinities in a frame of their own.
fn window_bound(value: &Numeric, base: &Numeric, offset: &Numeric, subtract: bool, less: bool) -> Result<bool> {
    if offset.is_nan() || offset.is_negative() {
        return Err(bad_window_offset());
    }
    if value.is_nan() || base.is_nan() {
        return Ok(if base.is_nan() { value.is_nan() || less } else { !less });
    }
    if offset.is_infinite() && base.is_infinite() && base.is_negative() != subtract {
        return Ok(true);
    }
    let bound = if subtract { base.sub(offset)? } else { base.add(offset)? };
    Ok(if less { *value <= bound } else { *value >= bound })
}
