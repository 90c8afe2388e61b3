//! Operators and functions of one range: making, ends, set operations, order.

use dictdb_types::{Bound, Datum, Error, Range, Result, SqlState, bail, order, range};

use super::{setops, subtype};
use crate::args::kernels;
use crate::kernel::{CallContext, ScalarFn};

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "range_constructor2" => |cx; low: &Datum, high: &Datum| construct(cx, low, high, "[)"),
    "range_constructor3" => |cx; low: &Datum, high: &Datum, flags: Option<&str>| match flags {
        Some(flags) => construct(cx, low, high, flags),
        None => bail!(DATA_EXCEPTION, "range constructor flags argument must not be null"),
    },
    "range_lower" => |r: &Range| r.bounds.as_ref().and_then(|(low, _)| value_of(low)),
    "range_upper" => |r: &Range| r.bounds.as_ref().and_then(|(_, high)| value_of(high)),
    "range_empty" => |r: &Range| r.bounds.is_none(),
    "range_lower_inc" => |r: &Range| matches!(r.bounds, Some((Bound::Inclusive(_), _))),
    "range_upper_inc" => |r: &Range| matches!(r.bounds, Some((_, Bound::Inclusive(_)))),
    "range_lower_inf" => |r: &Range| matches!(r.bounds, Some((Bound::Unbounded, _))),
    "range_upper_inf" => |r: &Range| matches!(r.bounds, Some((_, Bound::Unbounded))),
    "range_union" => |cx; a: &Range, b: &Range| setops::union(subtype(cx, a.ty)?, a, b, true),
    "range_merge" => |cx; a: &Range, b: &Range| setops::union(subtype(cx, a.ty)?, a, b, false),
    "range_intersect" => |cx; a: &Range, b: &Range| setops::intersect(subtype(cx, a.ty)?, a, b),
    "range_minus" => |cx; a: &Range, b: &Range| setops::minus(subtype(cx, a.ty)?, a, b),
    "range_eq" => |a: &Datum, b: &Datum| order::compare(a, b).is_eq(),
    "range_ne" => |a: &Datum, b: &Datum| order::compare(a, b).is_ne(),
    "range_lt" => |a: &Datum, b: &Datum| order::compare(a, b).is_lt(),
    "range_le" => |a: &Datum, b: &Datum| order::compare(a, b).is_le(),
    "range_gt" => |a: &Datum, b: &Datum| order::compare(a, b).is_gt(),
    "range_ge" => |a: &Datum, b: &Datum| order::compare(a, b).is_ge(),
    "range_cmp" => |a: &Datum, b: &Datum| order::compare(a, b) as i32,
    "int4range_canonical" => |a: &Datum| a,
    "int8range_canonical" => |a: &Datum| a,
    "daterange_canonical" => |a: &Datum| a,
    "int4range_subdiff" => |a: i32, b: i32| f64::from(a) - f64::from(b),
    "int8range_subdiff" => |a: i64, b: i64| a as f64 - b as f64,
    "numrange_subdiff" => |a: &dictdb_types::Numeric, b: &dictdb_types::Numeric| a.sub(b)?.to_f64(),
};

/// The value of a bound, if it has one.
pub(super) fn value_of(bound: &Bound) -> Option<Datum> {
    match bound {
        Bound::Inclusive(value) | Bound::Exclusive(value) => Some(value.clone()),
        Bound::Unbounded => None,
    }
}

/// A range of the call's result type; NULL is no bound.
fn construct(cx: &CallContext<'_>, low: &Datum, high: &Datum, flags: &str) -> Result<Range> {
    let (low_inclusive, high_inclusive) = match flags {
        "[]" => (true, true),
        "[)" => (true, false),
        "(]" => (false, true),
        "()" => (false, false),
        _ => {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "invalid range bound flags")
                .hint("Valid values are \"[]\", \"[)\", \"(]\", and \"()\"."));
        }
    };
    let bound = |value: &Datum, inclusive: bool| match value {
        Datum::Null => Bound::Unbounded,
        value if inclusive => Bound::Inclusive(value.clone()),
        value => Bound::Exclusive(value.clone()),
    };
    let ty = cx.env.base_type(cx.result).oid;
    range::make(ty, subtype(cx, ty)?, bound(low, low_inclusive), bound(high, high_inclusive))
}
