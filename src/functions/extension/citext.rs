//! `citext`: text that is compared without case. What its operators on patterns call are PostgreSQL's functions of `text`.

use std::cmp::Ordering;

use dictdb_types::{Datum, oids};

use crate::args::kernels;
use crate::kernel::ScalarFn;
use crate::scalar::{ctype, hash};

/// Functions of this family by symbol.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "citextin" => |text: &str| Datum::citext(text),
    "citext_eq" => |a: &str, b: &str| order(a, b).is_eq(),
    "citext_ne" => |a: &str, b: &str| order(a, b).is_ne(),
    "citext_lt" => |a: &str, b: &str| order(a, b).is_lt(),
    "citext_le" => |a: &str, b: &str| order(a, b).is_le(),
    "citext_gt" => |a: &str, b: &str| order(a, b).is_gt(),
    "citext_ge" => |a: &str, b: &str| order(a, b).is_ge(),
    "citext_cmp" => |a: &str, b: &str| order(a, b) as i32,
    // All text sorts by its bytes, so the pattern operators do as the others.
    "citext_pattern_lt" => |a: &str, b: &str| order(a, b).is_lt(),
    "citext_pattern_le" => |a: &str, b: &str| order(a, b).is_le(),
    "citext_pattern_gt" => |a: &str, b: &str| order(a, b).is_gt(),
    "citext_pattern_ge" => |a: &str, b: &str| order(a, b).is_ge(),
    "citext_pattern_cmp" => |a: &str, b: &str| order(a, b) as i32,
    "citext_hash" => |text: &str| hash::of_bytes(ctype::to_lower(text).as_bytes(), None) as u32 as i32,
    "citext_hash_extended" =>
        |text: &str, seed: i64| hash::of_bytes(ctype::to_lower(text).as_bytes(), Some(seed as u64)) as i64,
    "citext_smaller" => |a: &str, b: &str| Datum::citext(if order(a, b).is_lt() { a } else { b }),
    "citext_larger" => |a: &str, b: &str| Datum::citext(if order(a, b).is_gt() { a } else { b }),
    "citext_of_bpchar" => |text: &str| Datum::citext(text.trim_end_matches(' ')),
    "citext_of_boolean" => |value: bool| Datum::citext(if value { "true" } else { "false" }),
    "citext_of_inet" => |cx; address: &Datum|
        crate::io::cast_to_text(cx, oids::INET, address).map(Datum::citext),
};

/// Order of two texts in lower case.
fn order(a: &str, b: &str) -> Ordering {
    ctype::to_lower(a).cmp(&ctype::to_lower(b))
}
