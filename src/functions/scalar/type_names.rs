//! `oidvectortypes`, and what `information_schema` makes of type modifiers. Names that depend on the search path
//! (`format_type`, `to_regclass`) are the session's.

use dictdb_types::{Array, Datum, Oid, RegKind, Type, oids, type_name_with_modifier};

use crate::args::kernels;
use crate::kernel::{CallContext, ScalarFn};

/// Tables of this family.
pub(super) const TABLES: &[&[(&str, ScalarFn)]] = &[NAMES, INFORMATION_SCHEMA];

const NAMES: &[(&str, ScalarFn)] = kernels! {
    "oidvectortypes" => |cx; types: &Array| {
        let name = |item: &Datum| match item {
            Datum::Oid(oid) if *oid != 0 && cx.env.type_info(Oid(*oid)).is_none() => "???".to_owned(),
            Datum::Oid(oid) => cx.env.reg_out(RegKind::Type, Oid(*oid)),
            _ => String::new(),
        };
        types.items.iter().map(name).collect::<Vec<_>>().join(", ")
    },
};

const INFORMATION_SCHEMA: &[(&str, ScalarFn)] = kernels! {
    "_pg_char_max_length(oid,integer)" => |ty: Oid, typmod: i32| char_max_length(ty, typmod),
    "_pg_char_octet_length(oid,integer)" => |ty: Oid, typmod: i32| match ty {
        oids::TEXT | oids::BPCHAR | oids::VARCHAR if typmod == -1 => Some(1 << 30),
        oids::TEXT | oids::BPCHAR | oids::VARCHAR => char_max_length(ty, typmod).map(|length| length.saturating_mul(4)),
        _ => None,
    },
    "_pg_numeric_precision(oid,integer)" => |ty: Oid, typmod: i32| match ty {
        oids::INT2 => Some(16),
        oids::INT4 => Some(32),
        oids::INT8 => Some(64),
        oids::FLOAT4 => Some(24),
        oids::FLOAT8 => Some(53),
        oids::NUMERIC if typmod != -1 => Some((typmod.wrapping_sub(4) >> 16) & 0xffff),
        _ => None,
    },
    "_pg_numeric_precision_radix(oid,integer)" => |ty: Oid, _typmod: i32| match ty {
        oids::INT2 | oids::INT4 | oids::INT8 | oids::FLOAT4 | oids::FLOAT8 => Some(2),
        oids::NUMERIC => Some(10),
        _ => None,
    },
    "_pg_numeric_scale(oid,integer)" => |ty: Oid, typmod: i32| match ty {
        oids::INT2 | oids::INT4 | oids::INT8 => Some(0),
        oids::NUMERIC if typmod != -1 => Some(typmod.wrapping_sub(4) & 0xffff),
        _ => None,
    },
    "_pg_datetime_precision(oid,integer)" => |ty: Oid, typmod: i32| match ty {
        oids::DATE => Some(0),
        oids::TIME | oids::TIMETZ | oids::TIMESTAMP | oids::TIMESTAMPTZ => Some(if typmod < 0 { 6 } else { typmod }),
        oids::INTERVAL if typmod < 0 || typmod & 0xffff == 0xffff => Some(6),
        oids::INTERVAL => Some(typmod & 0xffff),
        _ => None,
    },
    "_pg_interval_type(oid,integer)" => |cx; ty: Oid, typmod: i32| interval_fields(cx, ty, typmod),
};

fn char_max_length(ty: Oid, typmod: i32) -> Option<i32> {
    match ty {
        _ if typmod == -1 => None,
        oids::BPCHAR | oids::VARCHAR => typmod.checked_sub(4),
        oids::BIT | oids::VARBIT => Some(typmod),
        _ => None,
    }
}

/// `DAY TO SECOND` of `interval(3) day to second`; an interval of all fields has none.
fn interval_fields(cx: &CallContext<'_>, ty: Oid, typmod: i32) -> Option<String> {
    if ty != oids::INTERVAL {
        return None;
    }
    let name = type_name_with_modifier(cx.env, Type::with_typmod(ty, typmod), &|_| None);
    let fields = name.strip_prefix("interval")?.trim_start_matches(|c: char| "()".contains(c) || c.is_ascii_digit());
    Some(fields.strip_prefix(' ')?.to_ascii_uppercase())
}
