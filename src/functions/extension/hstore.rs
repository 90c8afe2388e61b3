//! `hstore`: what its operators and functions ask of keys and values. Conversions are in [`super::hstore_convert`].

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use dictdb_types::extension::hstore::Pair;
use dictdb_types::{Array, Datum, Dimension, Hstore, Result, oids};

use crate::CallContext;
use crate::args::{arg, kernels};
use crate::kernel::ScalarFn;
use crate::scalar::hash;
use crate::set_returning::{Rows, SetFn, ready, record};

/// Functions of this family by symbol.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "hstore_version_diag" => |_pairs: &Hstore| 2,
    "hstore_fetchval" => |pairs: &Hstore, key: &str| pairs.get(key).cloned().flatten(),
    "hstore_exists" => |pairs: &Hstore, key: &str| pairs.get(key).is_some(),
    "hstore_exists_any" => |pairs: &Hstore, keys: &Array| texts(keys).any(|key| pairs.get(key).is_some()),
    "hstore_exists_all" => |pairs: &Hstore, keys: &Array| texts(keys).all(|key| pairs.get(key).is_some()),
    "hstore_defined" => |pairs: &Hstore, key: &str| pairs.get(key).is_some_and(Option::is_some),
    "hstore_delete" => |pairs: &Hstore, key: &str| kept(pairs, |(own, _)| &**own != key),
    "hstore_delete_array" => |pairs: &Hstore, keys: &Array| {
        let keys: BTreeSet<&str> = texts(keys).collect();
        kept(pairs, |(own, _)| !keys.contains(&**own))
    },
    "hstore_delete_hstore" => |pairs: &Hstore, gone: &Hstore|
        kept(pairs, |(key, value)| gone.get(key) != Some(value)),
    "hstore_concat" => |pairs: &Hstore, over: &Hstore|
        over.pairs().iter().chain(pairs.pairs()).cloned().collect::<Hstore>(),
    "hstore_contains" => |pairs: &Hstore, part: &Hstore| contains(pairs, part),
    "hstore_contained" => |part: &Hstore, pairs: &Hstore| contains(pairs, part),
    "hstore_slice_to_array" => |pairs: &Hstore, keys: &Array| slice_array(pairs, keys),
    "hstore_slice_to_hstore" => |pairs: &Hstore, keys: &Array| slice(pairs, keys),
    "hstore_akeys" => |pairs: &Hstore| Array::vector(oids::TEXT, keys(pairs).collect()),
    "hstore_avals" => |pairs: &Hstore| Array::vector(oids::TEXT, values(pairs).collect()),
    "hstore_to_array" => |pairs: &Hstore| Array::vector(oids::TEXT, flat(pairs)),
    "hstore_to_matrix" => |pairs: &Hstore| matrix(pairs),
    "hstore_eq" => |a: &Hstore, b: &Hstore| a.compare(b).is_eq(),
    "hstore_ne" => |a: &Hstore, b: &Hstore| a.compare(b).is_ne(),
    "hstore_lt" => |a: &Hstore, b: &Hstore| a.compare(b).is_lt(),
    "hstore_le" => |a: &Hstore, b: &Hstore| a.compare(b).is_le(),
    "hstore_gt" => |a: &Hstore, b: &Hstore| a.compare(b).is_gt(),
    "hstore_ge" => |a: &Hstore, b: &Hstore| a.compare(b).is_ge(),
    "hstore_cmp" => |a: &Hstore, b: &Hstore| match a.compare(b) {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    },
    "hstore_hash" => |pairs: &Hstore| hash::of_bytes(&stored_form(pairs), None) as u32 as i32,
    "hstore_hash_extended" => |pairs: &Hstore, seed: i64| hash::of_bytes(&stored_form(pairs), Some(seed as u64)) as i64,
};

/// Set-returning functions by symbol.
pub const SETS: &[(&str, SetFn)] = &[
    ("hstore_skeys", |_, args| Ok(ready(keys(arg(args, 0)?).collect()))),
    ("hstore_svals", |_, args| Ok(ready(values(arg(args, 0)?).collect()))),
    ("hstore_each", each),
];

fn each(cx: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    let pairs: &Hstore = arg(args, 0)?;
    let row = |(key, value): &Pair| {
        record(cx.result.oid, &[oids::TEXT, oids::TEXT], vec![Datum::Text(key.clone()), text_or_null(value)])
    };
    Ok(ready(pairs.pairs().iter().map(row).collect()))
}

/// The texts of an array that are not NULL.
fn texts(array: &Array) -> impl Iterator<Item = &str> {
    array.items.iter().filter_map(|item| match item {
        Datum::Text(text) => Some(&**text),
        _ => None,
    })
}

pub(super) fn text_or_null(value: &Option<Arc<str>>) -> Datum {
    value.clone().map_or(Datum::Null, Datum::Text)
}

fn keys(pairs: &Hstore) -> impl Iterator<Item = Datum> + '_ {
    pairs.pairs().iter().map(|(key, _)| Datum::Text(key.clone()))
}

fn values(pairs: &Hstore) -> impl Iterator<Item = Datum> + '_ {
    pairs.pairs().iter().map(|(_, value)| text_or_null(value))
}

fn flat(pairs: &Hstore) -> Vec<Datum> {
    pairs.pairs().iter().flat_map(|(key, value)| [Datum::Text(key.clone()), text_or_null(value)]).collect()
}

fn matrix(pairs: &Hstore) -> Array {
    let items = flat(pairs);
    let (rows, columns) = (Dimension { len: (items.len() / 2) as i32, lower: 1 }, Dimension { len: 2, lower: 1 });
    let dims = if items.is_empty() { Vec::new() } else { vec![rows, columns] };
    Array { element: oids::TEXT, dims, items }
}

fn kept(pairs: &Hstore, keep: impl Fn(&Pair) -> bool) -> Hstore {
    pairs.pairs().iter().filter(|pair| keep(pair)).cloned().collect()
}

fn contains(pairs: &Hstore, part: &Hstore) -> bool {
    part.pairs().iter().all(|(key, value)| pairs.get(key) == Some(value))
}

/// The values of some keys, in the shape of the keys.
fn slice_array(pairs: &Hstore, keys: &Array) -> Array {
    let value = |key: &Datum| match key {
        Datum::Text(key) => pairs.get(key).map_or(Datum::Null, text_or_null),
        _ => Datum::Null,
    };
    Array { element: oids::TEXT, dims: keys.dims.clone(), items: keys.items.iter().map(value).collect() }
}

fn slice(pairs: &Hstore, keys: &Array) -> Hstore {
    texts(keys).filter_map(|key| Some((Arc::from(key), pairs.get(key)?.clone()))).collect()
}

/// The bytes PostgreSQL keeps a value in, which its hash is over: the number of pairs with the mark of the format, where each string
/// ends, and the strings.
fn stored_form(pairs: &Hstore) -> Vec<u8> {
    const NEW_VERSION: u32 = 0x8000_0000;
    const FIRST: u32 = 0x8000_0000;
    const IS_NULL: u32 = 0x4000_0000;
    let mut bytes = (pairs.pairs().len() as u32 | NEW_VERSION).to_le_bytes().to_vec();
    let mut end = 0u32;
    for (at, (key, value)) in pairs.pairs().iter().enumerate() {
        end += key.len() as u32;
        let first = if at == 0 { FIRST } else { 0 };
        bytes.extend_from_slice(&(end | first).to_le_bytes());
        end += value.as_ref().map_or(0, |value| value.len() as u32);
        let is_null = if value.is_none() { IS_NULL } else { 0 };
        bytes.extend_from_slice(&(end | is_null).to_le_bytes());
    }
    for (key, value) in pairs.pairs() {
        bytes.extend_from_slice(key.as_bytes());
        bytes.extend_from_slice(value.as_deref().unwrap_or_default().as_bytes());
    }
    bytes
}
