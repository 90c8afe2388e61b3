//! Composite values: comparisons field by field, NULL equal to NULL and above everything, as in B-tree order.

use std::cmp::Ordering;

use dictdb_types::{Datum, Record, RegKind, Result, bail, opaque, order};

use super::comparable::{require_equality, require_order};
use crate::args::kernels;
use crate::kernel::{CallContext, ScalarFn};

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "record_eq" => |cx; a: &Record, b: &Record| equal(cx, a, b),
    "record_ne" => |cx; a: &Record, b: &Record| equal(cx, a, b).map(|equal| !equal),
    "record_lt" => |cx; a: &Record, b: &Record| compare(cx, a, b).map(Ordering::is_lt),
    "record_le" => |cx; a: &Record, b: &Record| compare(cx, a, b).map(Ordering::is_le),
    "record_gt" => |cx; a: &Record, b: &Record| compare(cx, a, b).map(Ordering::is_gt),
    "record_ge" => |cx; a: &Record, b: &Record| compare(cx, a, b).map(Ordering::is_ge),
    "btrecordcmp" => |cx; a: &Record, b: &Record| compare(cx, a, b).map(|order| order as i32),
    "record_image_eq" => |cx; a: &Record, b: &Record| compare_images(cx, a, b).map(Ordering::is_eq),
    "record_image_ne" => |cx; a: &Record, b: &Record| compare_images(cx, a, b).map(Ordering::is_ne),
    "record_image_lt" => |cx; a: &Record, b: &Record| compare_images(cx, a, b).map(Ordering::is_lt),
    "record_image_le" => |cx; a: &Record, b: &Record| compare_images(cx, a, b).map(Ordering::is_le),
    "record_image_gt" => |cx; a: &Record, b: &Record| compare_images(cx, a, b).map(Ordering::is_gt),
    "record_image_ge" => |cx; a: &Record, b: &Record| compare_images(cx, a, b).map(Ordering::is_ge),
    "btrecordimagecmp" => |cx; a: &Record, b: &Record| compare_images(cx, a, b).map(|order| order as i32),
};

/// Compares as far as fields differ; only then does a different number of fields matter.
fn compare_with(
    cx: &CallContext<'_>,
    a: &Record,
    b: &Record,
    fields: impl Fn(dictdb_types::Oid, &Datum, &Datum) -> Result<Ordering>,
) -> Result<Ordering> {
    for (index, (left, right)) in a.fields.iter().zip(&b.fields).enumerate() {
        let (left_type, right_type) = (field_type(a, index), field_type(b, index));
        if left_type != right_type {
            let name = |oid| cx.env.reg_out(RegKind::Type, oid);
            bail!(
                DATATYPE_MISMATCH,
                "cannot compare dissimilar column types {} and {} at record column {}",
                name(left_type),
                name(right_type),
                index + 1
            );
        }
        let order = fields(left_type, left, right)?;
        if order.is_ne() {
            return Ok(order);
        }
    }
    if a.fields.len() != b.fields.len() {
        bail!(DATATYPE_MISMATCH, "cannot compare record types with different numbers of columns");
    }
    Ok(Ordering::Equal)
}

fn field_type(record: &Record, index: usize) -> dictdb_types::Oid {
    record.types.get(index).copied().unwrap_or(dictdb_types::oids::UNKNOWN)
}

fn compare(cx: &CallContext<'_>, a: &Record, b: &Record) -> Result<Ordering> {
    compare_with(cx, a, b, |ty, a, b| {
        require_order(cx, ty)?;
        Ok(order::compare_as(ty, a, b))
    })
}

fn equal(cx: &CallContext<'_>, a: &Record, b: &Record) -> Result<bool> {
    let order = compare_with(cx, a, b, |ty, a, b| {
        require_equality(cx, ty)?;
        Ok(order::compare_as(ty, a, b))
    })?;
    Ok(order.is_eq())
}

/// Equal only if stored alike: `1.0` and `1.00` are not.
fn compare_images(cx: &CallContext<'_>, a: &Record, b: &Record) -> Result<Ordering> {
    let image = |value: &Datum| {
        let mut bytes = vec![];
        opaque::encode(value, &mut bytes);
        bytes
    };
    compare_with(cx, a, b, |ty, a, b| Ok(order::compare_as(ty, a, b).then_with(|| image(a).cmp(&image(b)))))
}
