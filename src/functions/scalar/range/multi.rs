//! Functions of multiranges: making, ends, set operations, order.

use dictdb_types::{Array, Bound, Datum, Range, Result, TypeInfo, TypeKind, bail, order, range};

use super::single::value_of;
use super::{members, setops, subtype};
use crate::args::kernels;
use crate::kernel::{CallContext, ScalarFn};

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "multirange_constructor0" => |cx;| Ok(Array::vector(range_of_result(cx)?, vec![])),
    "multirange_constructor1" => |r: &Range| setops::as_multirange(r),
    "multirange_constructor2" => |cx; ranges: &Array| construct(cx, ranges),
    "multirange_lower" => |m: &Array| members(m).next().and_then(|r| value_of(&r.bounds.as_ref()?.0)),
    "multirange_upper" => |m: &Array| members(m).next_back().and_then(|r| value_of(&r.bounds.as_ref()?.1)),
    "multirange_empty" => |m: &Array| m.items.is_empty(),
    "multirange_lower_inc" => |m: &Array| members(m).next().is_some_and(|r| matches!(r.bounds, Some((Bound::Inclusive(_), _)))),
    "multirange_upper_inc" => |m: &Array| members(m).next_back().is_some_and(|r| matches!(r.bounds, Some((_, Bound::Inclusive(_))))),
    "multirange_lower_inf" => |m: &Array| members(m).next().is_some_and(|r| matches!(r.bounds, Some((Bound::Unbounded, _)))),
    "multirange_upper_inf" => |m: &Array| members(m).next_back().is_some_and(|r| matches!(r.bounds, Some((_, Bound::Unbounded)))),
    "multirange_union" => |a: &Array, b: &Array| setops::multi_union(a, b),
    "multirange_intersect" => |cx; a: &Array, b: &Array| setops::multi_intersect(subtype(cx, a.element)?, a, b),
    "multirange_minus" => |cx; a: &Array, b: &Array| setops::multi_minus(subtype(cx, a.element)?, a, b),
    "range_merge_from_multirange" => |cx; m: &Array| merge(cx, m),
    "multirange_eq" => |a: &Datum, b: &Datum| order::compare(a, b).is_eq(),
    "multirange_ne" => |a: &Datum, b: &Datum| order::compare(a, b).is_ne(),
    "multirange_lt" => |a: &Datum, b: &Datum| order::compare(a, b).is_lt(),
    "multirange_le" => |a: &Datum, b: &Datum| order::compare(a, b).is_le(),
    "multirange_gt" => |a: &Datum, b: &Datum| order::compare(a, b).is_gt(),
    "multirange_ge" => |a: &Datum, b: &Datum| order::compare(a, b).is_ge(),
    "multirange_cmp" => |a: &Datum, b: &Datum| order::compare(a, b) as i32,
};

/// The range type of the multirange type that the call returns.
fn range_of_result(cx: &CallContext<'_>) -> Result<dictdb_types::Oid> {
    match cx.env.type_info(cx.env.base_type(cx.result).oid).as_deref() {
        Some(TypeInfo { kind: TypeKind::Multirange(range), .. }) => Ok(*range),
        _ => bail!(INTERNAL_ERROR, "type {} is not a multirange type", cx.result.oid),
    }
}

fn construct(cx: &CallContext<'_>, ranges: &Array) -> Result<Array> {
    if ranges.dims.len() > 1 {
        bail!(CARDINALITY_VIOLATION, "multiranges cannot be constructed from multidimensional arrays");
    }
    if ranges.items.iter().any(Datum::is_null) {
        bail!(NULL_VALUE_NOT_ALLOWED, "multirange values cannot contain null members");
    }
    Ok(range::multirange(range_of_result(cx)?, members(ranges).cloned().collect()))
}

/// The range from the first to the last value.
fn merge(cx: &CallContext<'_>, multirange: &Array) -> Result<Range> {
    match (members(multirange).next(), members(multirange).next_back()) {
        (Some(first), Some(last)) => setops::union(subtype(cx, first.ty)?, first, last, false),
        _ => Ok(Range { ty: multirange.element, bounds: None }),
    }
}
