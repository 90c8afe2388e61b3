//! `ltree`: paths as lists of labels, their order, and what queries say of them. Functions of arrays are in [`super::ltree_array`].

use std::cmp::Ordering;

use dictdb_types::{Datum, Error, Lquery, Ltree, Ltxtquery, Result, SqlState};

use crate::CallContext;
use crate::args::{arg, kernels};
use crate::kernel::ScalarFn;
use crate::scalar::type_io;

/// Functions of this family by symbol.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "ltree_in" => type_io::input,
    "ltree_out" => type_io::output,
    "ltree_send" => type_io::send,
    "lquery_in" => type_io::input,
    "lquery_out" => type_io::output,
    "lquery_send" => type_io::send,
    "ltxtq_in" => type_io::input,
    "ltxtq_out" => type_io::output,
    "ltxtq_send" => type_io::send,
    "ltree2text" => |path: &Ltree| path.as_str(),
    "text2ltree" => |text: &str| Ltree::parse(text),
    "ltree_cmp" => |a: &Ltree, b: &Ltree| distance(a, b),
    "ltree_eq" => |a: &Ltree, b: &Ltree| a == b,
    "ltree_ne" => |a: &Ltree, b: &Ltree| a != b,
    "ltree_lt" => |a: &Ltree, b: &Ltree| a.compare(b).is_lt(),
    "ltree_le" => |a: &Ltree, b: &Ltree| a.compare(b).is_le(),
    "ltree_gt" => |a: &Ltree, b: &Ltree| a.compare(b).is_gt(),
    "ltree_ge" => |a: &Ltree, b: &Ltree| a.compare(b).is_ge(),
    "nlevel" => |path: &Ltree| path.level_count() as i32,
    "subltree" => |path: &Ltree, start: i32, end: i32| part(path, start, end),
    "subpath" => subpath,
    "ltree_index" => index,
    "lca" => lowest_common_ancestor,
    "ltree_isparent" => |above: &Ltree, below: &Ltree| above.is_ancestor_of(below),
    "ltree_risparent" => |below: &Ltree, above: &Ltree| above.is_ancestor_of(below),
    "ltree_addltree" => |a: &Ltree, b: &Ltree| a.concat(b),
    "ltree_addtext" => |a: &Ltree, b: &str| Ltree::parse(b).and_then(|b| a.concat(&b)),
    "ltree_textadd" => |a: &str, b: &Ltree| Ltree::parse(a).and_then(|a| a.concat(b)),
    "ltq_regex" => |path: &Ltree, query: &Lquery| query.matches(path),
    "ltq_rregex" => |query: &Lquery, path: &Ltree| query.matches(path),
    "ltxtq_exec" => |path: &Ltree, query: &Ltxtquery| query.matches(path),
    "ltxtq_rexec" => |query: &Ltxtquery, path: &Ltree| query.matches(path),
};

/// What `ltree_cmp` returns: how two paths compare, weighted by how early they differ. It wraps where an `int` of C does.
fn distance(a: &Ltree, b: &Ltree) -> i32 {
    const STEP: i32 = 10;
    let (levels, others) = (a.level_count() as i32, b.level_count() as i32);
    let differing = a.labels().zip(b.labels()).enumerate().find(|(_, (a, b))| a != b);
    let (by, passed) = match differing {
        Some((at, (a, b))) => {
            let shorter = a.len().min(b.len());
            let by = match a.as_bytes()[..shorter].cmp(&b.as_bytes()[..shorter]) {
                Ordering::Less => -1,
                Ordering::Equal => a.len() as i32 - b.len() as i32,
                Ordering::Greater => 1,
            };
            (by, at as i32)
        }
        None => (levels - others, levels.min(others)),
    };
    by.wrapping_mul(STEP).wrapping_mul(levels - passed + 1)
}

/// The labels from one place up to another; the last one may be too far. 22023.
fn part(path: &Ltree, start: i32, end: i32) -> Result<Ltree> {
    let invalid = || Error::new(SqlState::INVALID_PARAMETER_VALUE, "invalid positions");
    let from = usize::try_from(start).map_err(|_| invalid())?;
    let to = usize::try_from(end).map_err(|_| invalid())?;
    if from > to || from >= path.level_count() {
        return Err(invalid());
    }
    Ok(Ltree::of_labels(path.labels().take(to).skip(from)))
}

/// `subpath(path, offset [, length])`: an offset below zero counts from the end, and a length below zero leaves so many labels off
/// the end. 22023.
fn subpath(_: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let path: &Ltree = arg(args, 0)?;
    let mut start: i32 = arg(args, 1)?;
    let length: Option<i32> = if args.len() > 2 { Some(arg(args, 2)?) } else { None };
    let levels = path.level_count() as i32;
    // An offset that is too far below zero counts from the end twice.
    for _ in 0..2 {
        if start < 0 {
            start += levels;
        }
    }
    let end = match length {
        None => i32::MAX,
        Some(length) if length < 0 => levels.wrapping_add(length),
        Some(length) => start.wrapping_add(length),
    };
    part(path, start, end).map(Datum::from)
}

/// `index(path, part [, offset])`: where the part begins, or -1; an offset below zero counts from the end.
fn index(_: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let labels: Vec<&str> = arg::<&Ltree>(args, 0)?.labels().collect();
    let wanted: Vec<&str> = arg::<&Ltree>(args, 1)?.labels().collect();
    let offset: i32 = if args.len() > 2 { arg(args, 2)? } else { 0 };
    let start = match usize::try_from(offset) {
        Ok(start) => start,
        Err(_) => labels.len().saturating_sub(offset.unsigned_abs() as usize),
    };
    let found = match wanted.len() {
        0 => None,
        count => labels.windows(count).enumerate().skip(start).find(|(_, labels)| *labels == wanted),
    };
    Ok(Datum::Int4(found.map_or(-1, |(at, _)| at as i32)))
}

fn lowest_common_ancestor(_: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let paths = (0..args.len()).map(|at| arg(args, at)).collect::<Result<Vec<&Ltree>>>()?;
    Ok(common_ancestor(&paths).map_or(Datum::Null, Datum::from))
}

/// The longest path above all of these, none of which is above itself. `None` for no paths and where one is empty.
pub(super) fn common_ancestor(paths: &[&Ltree]) -> Option<Ltree> {
    let (first, others) = paths.split_first()?;
    let shortest = paths.iter().map(|path| path.level_count()).min()?;
    let mut shared = shortest.checked_sub(1)?;
    for other in others {
        shared = first.labels().zip(other.labels()).take(shared).take_while(|(a, b)| a == b).count();
    }
    Some(Ltree::of_labels(first.labels().take(shared)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Ltree {
        Ltree::parse(text).unwrap()
    }

    #[test]
    fn paths_differ_by_as_much_as_postgresql_says() {
        let differ = |a: &str, b: &str| distance(&path(a), &path(b));
        assert_eq!(differ("a.b.c", "a.b.c"), 0);
        assert_eq!(differ("a.b", "a.c"), -20);
        assert_eq!(differ("abc.d", "a"), 60);
        assert_eq!(differ("a.b.c", "a"), 60);
    }

    #[test]
    fn an_ancestor_is_above_every_path() {
        let ancestor = |texts: &[&str]| {
            let paths: Vec<Ltree> = texts.iter().map(|text| path(text)).collect();
            let found = common_ancestor(&paths.iter().collect::<Vec<_>>());
            found.map(|found| found.as_str().to_owned())
        };
        assert_eq!(ancestor(&["1.2.3", "1.2.3.4.5.6"]).as_deref(), Some("1.2"));
        assert_eq!(ancestor(&["1.2", "3.4"]).as_deref(), Some(""));
        assert_eq!(ancestor(&["1.2.3"]).as_deref(), Some("1.2"));
        assert_eq!((ancestor(&["1.2", ""]), ancestor(&[])), (None, None));
    }
}
