//! `ltree[]` and `lquery[]`: whether something is so of one of the elements, and which is the first. Arrays have one dimension and no
//! NULL.

use dictdb_types::{Array, Datum, Error, Lquery, Ltree, Ltxtquery, Result, SqlState};

use super::integers::contains_null;
use super::ltree::common_ancestor;
use crate::args::{FromDatum, kernels};
use crate::kernel::ScalarFn;

/// Functions of this family by symbol.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "_lca" => |paths: &Array| Ok(common_ancestor(&elements(paths)?)),
    "lt_q_regex" => |path: &Ltree, queries: &Array| matches_any(path, queries),
    "lt_q_rregex" => |queries: &Array, path: &Ltree| matches_any(path, queries),
    "_ltree_isparent" => |paths: &Array, path: &Ltree| any(paths, |own| own.is_ancestor_of(path)),
    "_ltree_r_isparent" => |path: &Ltree, paths: &Array| any(paths, |own| own.is_ancestor_of(path)),
    "_ltree_risparent" => |paths: &Array, path: &Ltree| any(paths, |own| path.is_ancestor_of(own)),
    "_ltree_r_risparent" => |path: &Ltree, paths: &Array| any(paths, |own| path.is_ancestor_of(own)),
    "_ltq_regex" => |paths: &Array, query: &Lquery| any(paths, |own| query.matches(own)),
    "_ltq_rregex" => |query: &Lquery, paths: &Array| any(paths, |own| query.matches(own)),
    "_lt_q_regex" => |paths: &Array, queries: &Array| any_matches_any(paths, queries),
    "_lt_q_rregex" => |queries: &Array, paths: &Array| any_matches_any(paths, queries),
    "_ltxtq_exec" => |paths: &Array, query: &Ltxtquery| any(paths, |own| query.matches(own)),
    "_ltxtq_rexec" => |query: &Ltxtquery, paths: &Array| any(paths, |own| query.matches(own)),
    "_ltree_extract_isparent" => |paths: &Array, path: &Ltree| first(paths, |own| own.is_ancestor_of(path)),
    "_ltree_extract_risparent" => |paths: &Array, path: &Ltree| first(paths, |own| path.is_ancestor_of(own)),
    "_ltq_extract_regex" => |paths: &Array, query: &Lquery| first(paths, |own| query.matches(own)),
    "_ltxtq_extract_exec" => |paths: &Array, query: &Ltxtquery| first(paths, |own| query.matches(own)),
};

/// The elements. 2202E for more than one dimension, 22004 for a NULL.
pub(crate) fn elements<'a, T: FromDatum<'a>>(array: &'a Array) -> Result<Vec<T>> {
    if array.dims.len() > 1 {
        return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, "array must be one-dimensional"));
    }
    if array.items.iter().any(Datum::is_null) {
        return Err(contains_null());
    }
    let element = |item| T::from_datum(item).ok_or_else(|| Error::internal(format!("element {item:?} of an array")));
    array.items.iter().map(element).collect()
}

fn first(paths: &Array, is_so: impl Fn(&Ltree) -> bool) -> Result<Option<Ltree>> {
    Ok(elements::<&Ltree>(paths)?.into_iter().find(|path| is_so(path)).cloned())
}

fn any(paths: &Array, is_so: impl Fn(&Ltree) -> bool) -> Result<bool> {
    Ok(elements::<&Ltree>(paths)?.into_iter().any(is_so))
}

fn matches_any(path: &Ltree, queries: &Array) -> Result<bool> {
    Ok(elements::<&Lquery>(queries)?.into_iter().any(|query| query.matches(path)))
}

/// Without queries nobody looks at the paths.
fn any_matches_any(paths: &Array, queries: &Array) -> Result<bool> {
    let queries: Vec<&Lquery> = elements(queries)?;
    Ok(!queries.is_empty() && any(paths, |path| queries.iter().any(|query| query.matches(path)))?)
}
