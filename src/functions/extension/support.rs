//! Functions that only index methods and text search call, and the types of what is kept in indexes: the operator classes and templates of
//! extensions name them, and [`crate::inverted`], [`crate::intervals`] and the dictionaries do what they would.

use dictdb_types::{Datum, Error, ExtensionType, Numeric, Oid, Result, oids, order};

use crate::args::kernels;
use crate::kernel::ScalarFn;

/// How the functions of operator classes and templates begin.
const STEMS: &[&str] = &[
    "_int_",
    "g_int_",
    "g_intbig_",
    "gbt_",
    "ghstore_",
    "gin_btree_",
    "gin_compare_",
    "gin_consistent_",
    "gin_enum_",
    "gin_extract_",
    "gin_numeric_",
    "gin_trgm_",
    "ginint4_",
    "gtrgm_",
    "lquery_",
    "ltree_",
    "_ltree_",
    "cube_recv",
    "dintdict_",
    "g_cube_",
    "dxsyn_",
    "ltreeparentsel",
    "ltxtq_",
    "unaccent_",
];

/// Whether a function whose arguments nobody but an index method or text search has is one of an extension's.
pub fn is_support_function(symbol: &str, args: &[Oid]) -> bool {
    args.contains(&oids::INTERNAL) && STEMS.iter().any(|stem| symbol.starts_with(stem))
}

/// Input and output functions of the types of keys, which have no text form, and orders of keys.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "gin_numeric_cmp" => |a: &Numeric, b: &Numeric| a.cmp(b) as i32,
    "gin_enum_cmp" => |a: &Datum, b: &Datum| order::compare(a, b) as i32,
    "gtrgm_in" => |_text: &str| refused("gtrgm_in"),
    "gtrgm_out" => |_key: &Datum| refused("gtrgm_in"),
    "ghstore_in" => |_text: &str| refused("ghstore_in"),
    "ghstore_out" => |_key: &Datum| refused("ghstore_in"),
    "gbtreekey_in" => |_text: &str| refused("gbtreekey_in"),
    "gbtreekey_out" => |_key: &Datum| refused("gbtreekey_in"),
    "_intbig_in" => |_text: &str| refused("_intbig_in"),
    "_intbig_out" => |_key: &Datum| refused("_intbig_in"),
    "ltree_gist_in" => |_text: &str| refused("ltree_gist_in"),
    "ltree_gist_out" => |_key: &Datum| refused("ltree_gist_in"),
};

fn refused(input: &str) -> Result<bool> {
    match ExtensionType::of_input(input) {
        Some(ty) => ty.input("").map(|_| false),
        None => Err(Error::internal("a type of keys that is none")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn support_functions_take_what_queries_do_not_have() {
        assert!(is_support_function("gbt_int4_union", &[oids::INTERNAL, oids::INTERNAL]));
        assert!(!is_support_function("gbt_int4_union", &[oids::INT4]));
        assert!(!is_support_function("pg_sleep", &[oids::INTERNAL]));
    }
}
