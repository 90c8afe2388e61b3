//! `intarray`: arrays of integers as lists and as sets. None of them may have a NULL.

use std::sync::Arc;

use dictdb_types::{Array, Datum, Error, QueryInt, Result, SqlState, oids};

use crate::CallContext;
use crate::args::{arg, kernels};
use crate::kernel::ScalarFn;
use crate::scalar::type_io;

/// Functions of this family by symbol.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "bqarr_in" => type_io::input,
    "bqarr_out" => type_io::output,
    "_int_contains" => |a: &Array, b: &Array| Ok(contains(&set(a)?, &set(b)?)),
    "_int_contained" => |a: &Array, b: &Array| Ok(contains(&set(b)?, &set(a)?)),
    "_int_overlap" => |a: &Array, b: &Array| {
        let (a, b) = (set(a)?, set(b)?);
        Ok(a.iter().any(|item| b.binary_search(item).is_ok()))
    },
    "_int_same" => |a: &Array, b: &Array| Ok(sorted(items(a)?) == sorted(items(b)?)),
    "_int_different" => |a: &Array, b: &Array| Ok(sorted(items(a)?) != sorted(items(b)?)),
    "_int_union" => |a: &Array, b: &Array| Ok(list(distinct(sorted([items(a)?, items(b)?].concat())))),
    "_int_inter" => |a: &Array, b: &Array| {
        let (mut a, b) = (set(a)?, set(b)?);
        a.retain(|item| b.binary_search(item).is_ok());
        Ok(list(a))
    },
    "intset" => |item: i32| list(vec![item]),
    "icount" => |a: &Array| a.items.len() as i32,
    "sort" => sort,
    "subarray" => subarray,
    "sort_asc" => |a: &Array| Ok(shaped(a, sorted(items(a)?))),
    "sort_desc" => |a: &Array| Ok(shaped(a, descending(items(a)?))),
    "uniq" => |a: &Array| Ok(list(distinct(items(a)?))),
    "idx" => |a: &Array, item: i32| Ok(items(a)?.iter().position(|own| *own == item).map_or(0, |at| at as i32 + 1)),
    "intarray_push_elem" => |a: &Array, item: i32| Ok(list([items(a)?, vec![item]].concat())),
    "intarray_push_array" => |a: &Array, b: &Array| Ok(list([items(a)?, items(b)?].concat())),
    "intarray_del_elem" => |a: &Array, item: i32| {
        let mut kept = items(a)?;
        kept.retain(|own| *own != item);
        Ok(list(kept))
    },
    "intset_union_elem" => |a: &Array, item: i32| Ok(list(distinct(sorted([items(a)?, vec![item]].concat())))),
    "boolop" => |a: &Array, query: &QueryInt| {
        let a = set(a)?;
        Ok(query.matches(|item| a.binary_search(&item).is_ok()))
    },
    "rboolop" => |query: &QueryInt, a: &Array| {
        let a = set(a)?;
        Ok(query.matches(|item| a.binary_search(&item).is_ok()))
    },
    "querytree" => |_query: &QueryInt| not_implemented(),
    "intset_subtract" => |a: &Array, b: &Array| {
        let (mut a, b) = (set(a)?, set(b)?);
        a.retain(|item| b.binary_search(item).is_err());
        Ok(list(a))
    },
};

fn items(array: &Array) -> Result<Vec<i32>> {
    let item = |item: &Datum| match item {
        Datum::Int4(item) => Ok(*item),
        _ => Err(contains_null()),
    };
    array.items.iter().map(item).collect()
}

/// What PostgreSQL has left of a function.
fn not_implemented() -> Result<String> {
    Err(Error::internal("querytree is no longer implemented"))
}

/// 22004.
pub(crate) fn contains_null() -> Error {
    Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "array must not contain nulls")
}

fn set(array: &Array) -> Result<Vec<i32>> {
    items(array).map(|items| distinct(sorted(items)))
}

fn sorted(mut items: Vec<i32>) -> Vec<i32> {
    items.sort_unstable();
    items
}

fn descending(mut items: Vec<i32>) -> Vec<i32> {
    items.sort_unstable_by(|a, b| b.cmp(a));
    items
}

/// Without those that repeat the one before.
fn distinct(mut items: Vec<i32>) -> Vec<i32> {
    items.dedup();
    items
}

fn list(items: Vec<i32>) -> Datum {
    Datum::Array(Arc::new(Array::vector(oids::INT4, items.into_iter().map(Datum::Int4).collect())))
}

/// The items in an array of the dimensions of another.
fn shaped(array: &Array, items: Vec<i32>) -> Datum {
    let items = items.into_iter().map(Datum::Int4).collect();
    Datum::Array(Arc::new(Array { element: array.element, dims: array.dims.clone(), items }))
}

/// Whether a set has all of another.
fn contains(a: &[i32], b: &[i32]) -> bool {
    b.iter().all(|item| a.binary_search(item).is_ok())
}

/// `sort(array [, direction])`. 22023.
fn sort(_: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let array: &Array = arg(args, 0)?;
    let sorted = sorted(items(array)?);
    let direction = if args.len() > 1 { arg::<&str>(args, 1)? } else { "asc" };
    match direction.to_ascii_lowercase().as_str() {
        "asc" => Ok(shaped(array, sorted)),
        "desc" => Ok(shaped(array, sorted.into_iter().rev().collect())),
        _ => {
            let message = "second parameter must be \"ASC\" or \"DESC\"";
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
        }
    }
}

/// `subarray(array, start [, length])`: a start below zero counts from the end, and so does the end with a length below zero.
fn subarray(_: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let items = items(arg(args, 0)?)?;
    let all = items.len() as i64;
    let start = i64::from(arg::<i32>(args, 1)?);
    let start = if start > 0 {
        start - 1
    } else if start < 0 {
        all + start
    } else {
        0
    };
    let length = if args.len() > 2 { i64::from(arg::<i32>(args, 2)?) } else { 0 };
    let end = match length {
        0 => all,
        length if length < 0 => all + length,
        length => start + length,
    };
    let (start, end) = (start.max(0), end.min(all));
    Ok(list(if start < end { items[start as usize..end as usize].to_vec() } else { Vec::new() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_sorted_and_distinct() {
        assert_eq!(distinct(sorted(vec![3, 1, 3])), [1, 3]);
        assert!(contains(&[1, 2, 3], &[1, 3]) && !contains(&[1], &[2]));
        let null = Array::vector(oids::INT4, vec![Datum::Null]);
        assert_eq!(items(&null).unwrap_err().code(), SqlState::NULL_VALUE_NOT_ALLOWED);
    }
}
