//! Identifiers and positions: `oid` and its aliases, `xid`, `cid`, `xid8`, `tid`, `pg_lsn`, `uuid`, `oidvector`.

use dictdb_types::{Array, Datum, Error, Numeric, Oid, Result, SqlState, bail, order};

use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Tables of this family.
pub(super) const TABLES: &[&[(&str, ScalarFn)]] = &[OID, TRANSACTION, XID8, TID, LSN, LSN_ARITHMETIC, UUID, VECTOR];

const OID: &[(&str, ScalarFn)] = kernels! {
    "oideq" => |a: Oid, b: Oid| a == b,
    "oidne" => |a: Oid, b: Oid| a != b,
    "oidlt" => |a: Oid, b: Oid| a < b,
    "oidle" => |a: Oid, b: Oid| a <= b,
    "oidgt" => |a: Oid, b: Oid| a > b,
    "oidge" => |a: Oid, b: Oid| a >= b,
    "btoidcmp" => |a: Oid, b: Oid| a.cmp(&b) as i32,
    "oidlarger" => |a: Oid, b: Oid| a.max(b),
    "oidsmaller" => |a: Oid, b: Oid| a.min(b),
};

/// The right side of `xid = integer` is an integer.
fn same_xid(a: Oid, b: &Datum) -> bool {
    match b {
        Datum::Int4(b) => a.0 == *b as u32,
        Datum::Oid(b) => a.0 == *b,
        _ => false,
    }
}

const TRANSACTION: &[(&str, ScalarFn)] = kernels! {
    "xideq" => |a: Oid, b: &Datum| same_xid(a, b),
    "xidneq" => |a: Oid, b: &Datum| !same_xid(a, b),
    "cideq" => |a: Oid, b: Oid| a == b,
    "xid8toxid" => |a: i64| Oid(a as u32),
};

macro_rules! unsigned {
    ($table:ident: [$eq:literal, $ne:literal, $lt:literal, $le:literal, $gt:literal, $ge:literal, $cmp:literal, $larger:literal, $smaller:literal]) => {
        const $table: &[(&str, ScalarFn)] = kernels! {
            $eq => |a: i64, b: i64| a == b,
            $ne => |a: i64, b: i64| a != b,
            $lt => |a: i64, b: i64| (a as u64) < b as u64,
            $le => |a: i64, b: i64| a as u64 <= b as u64,
            $gt => |a: i64, b: i64| a as u64 > b as u64,
            $ge => |a: i64, b: i64| a as u64 >= b as u64,
            $cmp => |a: i64, b: i64| (a as u64).cmp(&(b as u64)) as i32,
            $larger => |a: i64, b: i64| (a as u64).max(b as u64) as i64,
            $smaller => |a: i64, b: i64| (a as u64).min(b as u64) as i64,
        };
    };
}

unsigned!(XID8: ["xid8eq", "xid8ne", "xid8lt", "xid8le", "xid8gt", "xid8ge", "xid8cmp", "xid8_larger", "xid8_smaller"]);
unsigned!(TID: ["tideq", "tidne", "tidlt", "tidle", "tidgt", "tidge", "bttidcmp", "tidlarger", "tidsmaller"]);
unsigned!(LSN: [
    "pg_lsn_eq", "pg_lsn_ne", "pg_lsn_lt", "pg_lsn_le", "pg_lsn_gt", "pg_lsn_ge", "pg_lsn_cmp", "pg_lsn_larger",
    "pg_lsn_smaller"
]);

const LSN_ARITHMETIC: &[(&str, ScalarFn)] = kernels! {
    "pg_wal_lsn_diff" => |a: i64, b: i64| Numeric::from(i128::from(a as u64) - i128::from(b as u64)),
    "pg_lsn_mi" => |a: i64, b: i64| Numeric::from(i128::from(a as u64) - i128::from(b as u64)),
    "pg_lsn_pli" => |lsn: i64, bytes: &Numeric| move_lsn(lsn, bytes, "add NaN to"),
    "numeric_pl_pg_lsn(numeric,pg_lsn)" => |bytes: &Numeric, lsn: i64| move_lsn(lsn, bytes, "add NaN to"),
    "pg_lsn_mii" => |lsn: i64, bytes: &Numeric| move_lsn(lsn, &bytes.neg(), "subtract NaN from"),
    "numeric_pg_lsn" => |value: &Numeric| to_lsn(value, "convert NaN to"),
};

fn move_lsn(lsn: i64, bytes: &Numeric, what: &str) -> Result<i64> {
    to_lsn(&Numeric::from(lsn as u64).add(bytes)?, what)
}

fn to_lsn(value: &Numeric, what: &str) -> Result<i64> {
    if value.is_nan() {
        bail!(FEATURE_NOT_SUPPORTED, "cannot {what} pg_lsn");
    }
    if value.is_infinite() {
        bail!(FEATURE_NOT_SUPPORTED, "cannot convert infinity to pg_lsn");
    }
    let whole = value.round(0)?.to_string();
    whole
        .parse::<u64>()
        .map(|lsn| lsn as i64)
        .map_err(|_| Error::new(SqlState::INVALID_PARAMETER_VALUE, "pg_lsn out of range"))
}

const UUID: &[(&str, ScalarFn)] = kernels! {
    "uuid_eq" => |a: [u8; 16], b: [u8; 16]| a == b,
    "uuid_ne" => |a: [u8; 16], b: [u8; 16]| a != b,
    "uuid_lt" => |a: [u8; 16], b: [u8; 16]| a < b,
    "uuid_le" => |a: [u8; 16], b: [u8; 16]| a <= b,
    "uuid_gt" => |a: [u8; 16], b: [u8; 16]| a > b,
    "uuid_ge" => |a: [u8; 16], b: [u8; 16]| a >= b,
    "uuid_cmp" => |a: [u8; 16], b: [u8; 16]| a.cmp(&b) as i32,
    "gen_random_uuid" => | | *uuid::Uuid::new_v4().as_bytes(),
};

const VECTOR: &[(&str, ScalarFn)] = kernels! {
    "oidvectoreq" => |a: &Array, b: &Array| order::compare_vectors(a, b).is_eq(),
    "oidvectorne" => |a: &Array, b: &Array| order::compare_vectors(a, b).is_ne(),
    "oidvectorlt" => |a: &Array, b: &Array| order::compare_vectors(a, b).is_lt(),
    "oidvectorle" => |a: &Array, b: &Array| order::compare_vectors(a, b).is_le(),
    "oidvectorgt" => |a: &Array, b: &Array| order::compare_vectors(a, b).is_gt(),
    "oidvectorge" => |a: &Array, b: &Array| order::compare_vectors(a, b).is_ge(),
    "btoidvectorcmp" => |a: &Array, b: &Array| order::compare_vectors(a, b) as i32,
};
