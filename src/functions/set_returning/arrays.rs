//! Rows from arrays and text: `unnest`, subscripts, `string_to_table`, regular expressions, option lists.

use std::sync::Arc;

use dictdb_types::{Array, Datum, Result, oids};

use super::{Rows, SetFn, ready, record};
use crate::CallContext;
use crate::args::arg;
use crate::scalar::acl::Item;
use crate::scalar::array::shape::dimension;
use crate::scalar::regex::functions::{all_matches, split};
use crate::scalar::split_join::fields;

/// Functions of this file by `prosrc`.
pub(super) const SETS: &[(&str, SetFn)] = &[
    ("array_unnest", |_, args| unnest(args)),
    ("multirange_unnest", |_, args| unnest(args)),
    ("_pg_expandarray(anyarray)", expand),
    ("generate_subscripts_nodir", |_, args| subscripts(args, false)),
    ("generate_subscripts", |_, args| subscripts(args, arg(args, 2)?)),
    ("text_to_table", |_, args| text_to_table(args)),
    ("text_to_table_null", |_, args| text_to_table(args)),
    ("regexp_matches_no_flags", |_, args| matches(args, "")),
    ("regexp_matches", |_, args| matches(args, arg(args, 2)?)),
    ("regexp_split_to_table_no_flags", |_, args| split_to_table(args, "")),
    ("regexp_split_to_table", |_, args| split_to_table(args, arg(args, 2)?)),
    ("pg_options_to_table", options),
    ("aclexplode", explode_acl),
];

fn unnest(args: &[Datum]) -> Result<Rows> {
    let array = arg::<&Arc<Array>>(args, 0)?.clone();
    Ok(Box::new((0..array.items.len()).map(move |index| Ok(array.items[index].clone()))))
}

/// Elements of a vector with their positions counted from 1.
fn expand(cx: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    let array = arg::<&Arc<Array>>(args, 0)?.clone();
    let (ty, types) = (cx.result.oid, [array.element, oids::INT4]);
    let row =
        move |index: usize| Ok(record(ty, &types, vec![array.items[index].clone(), Datum::Int4(index as i32 + 1)]));
    let count = arg::<&Array>(args, 0)?.items.len();
    Ok(Box::new((0..count).map(row)))
}

fn subscripts(args: &[Datum], reverse: bool) -> Result<Rows> {
    let (array, n): (&Array, i32) = (arg(args, 0)?, arg(args, 1)?);
    let Some(dim) = dimension(array, n) else { return Ok(ready(vec![])) };
    let range = i64::from(dim.lower)..i64::from(dim.lower) + i64::from(dim.len);
    let subscript = |at: i64| Ok(Datum::Int4(at as i32));
    Ok(if reverse { Box::new(range.rev().map(subscript)) } else { Box::new(range.map(subscript)) })
}

fn text_to_table(args: &[Datum]) -> Result<Rows> {
    let null: Option<&str> = if args.len() > 2 { arg(args, 2)? } else { None };
    let (text, separator): (Option<&str>, Option<&str>) = (arg(args, 0)?, arg(args, 1)?);
    let Some(text) = text else { return Ok(ready(vec![])) };
    let parts = fields(text, separator, null).into_iter();
    Ok(ready(parts.map(|part| part.map_or(Datum::Null, Datum::text)).collect()))
}

fn matches(args: &[Datum], flags: &str) -> Result<Rows> {
    all_matches(arg(args, 0)?, arg(args, 1)?, flags).map(ready)
}

fn split_to_table(args: &[Datum], flags: &str) -> Result<Rows> {
    let parts = split("regexp_split_to_table", arg(args, 0)?, arg(args, 1)?, flags)?;
    Ok(ready(parts.into_iter().map(Datum::text).collect()))
}

/// `name=value` pairs of reloptions; an option without `=` has no value.
fn options(cx: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    let array: &Array = arg(args, 0)?;
    let row = |item: &Datum| match item {
        Datum::Text(option) => {
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name, Datum::text(value)),
                None => (option.as_ref(), Datum::Null),
            };
            Some(record(cx.result.oid, &[oids::TEXT, oids::TEXT], vec![Datum::text(name), value]))
        }
        _ => None,
    };
    Ok(ready(array.items.iter().filter_map(row).collect()))
}

/// One row per privilege: grantor, grantee, name, whether it may be passed on.
fn explode_acl(cx: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    let acl: &Array = arg(args, 0)?;
    let types = [oids::OID, oids::OID, oids::TEXT, oids::BOOL];
    let mut rows = vec![];
    for item in &acl.items {
        let Datum::Text(item) = item else { continue };
        let item = Item::parse(cx, item)?;
        for (name, grantable) in item.privileges {
            let (grantor, grantee) = (Datum::Oid(item.grantor.0), Datum::Oid(item.grantee.0));
            rows.push(record(cx.result.oid, &types, vec![grantor, grantee, Datum::text(name), Datum::Bool(grantable)]));
        }
    }
    Ok(ready(rows))
}
