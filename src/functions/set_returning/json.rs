//! Rows from `json` and `jsonb`: elements, pairs, keys, record sets.

use std::sync::Arc;

use dictdb_types::{Datum, Jsonb, Result, bail, oids};

use super::{Rows, SetFn, ready, record};
use crate::CallContext;
use crate::args::arg;
use crate::scalar::json::populate::{Source, check_result, fill, target};
use crate::scalar::json::raw::{Raw, unquote};
use crate::scalar::jsonb::access::plain;
use crate::scalar::jsonpath::{Asked, query};

/// Functions of this file by `prosrc`.
pub(super) const SETS: &[(&str, SetFn)] = &[
    ("json_array_elements", |_, args| elements(args, "json_array_elements", false)),
    ("json_array_elements_text", |_, args| elements(args, "json_array_elements_text", true)),
    ("json_each", |cx, args| each(cx, args, false)),
    ("json_each_text", |cx, args| each(cx, args, true)),
    ("json_object_keys", |_, args| keys(args)),
    ("jsonb_array_elements", |_, args| jsonb_elements(args, false)),
    ("jsonb_array_elements_text", |_, args| jsonb_elements(args, true)),
    ("jsonb_each", |cx, args| jsonb_each(cx, args, "jsonb_each", false)),
    ("jsonb_each_text", |cx, args| jsonb_each(cx, args, "jsonb_each_text", true)),
    ("jsonb_object_keys", |_, args| jsonb_keys(args)),
    ("jsonb_path_query", |cx, args| path_query(cx, false, args)),
    ("jsonb_path_query_tz", |cx, args| path_query(cx, true, args)),
    ("json_populate_recordset", |cx, args| record_set(cx, "json_populate_recordset", arg(args, 0)?, args.get(1))),
    ("jsonb_populate_recordset", |cx, args| record_set(cx, "jsonb_populate_recordset", arg(args, 0)?, args.get(1))),
    ("json_to_recordset", |cx, args| record_set(cx, "json_to_recordset", &Datum::Null, args.first())),
    ("jsonb_to_recordset", |cx, args| record_set(cx, "jsonb_to_recordset", &Datum::Null, args.first())),
];

fn text_of(value: Raw<'_>) -> Result<Datum> {
    Ok(value.plain()?.map_or(Datum::Null, Datum::text))
}

fn elements(args: &[Datum], function: &str, text: bool) -> Result<Rows> {
    let json = Raw::new(arg(args, 0)?);
    if !json.is_array() {
        let what = if json.is_object() { "non-array" } else { "scalar" };
        bail!(INVALID_PARAMETER_VALUE, "cannot call {function} on a {what}");
    }
    let value = |element: Raw<'_>| if text { text_of(element) } else { Ok(Datum::text(element.text())) };
    json.elements().map(value).collect::<Result<_>>().map(ready)
}

fn each(cx: &CallContext<'_>, args: &[Datum], text: bool) -> Result<Rows> {
    let json = Raw::checked(arg(args, 0)?)?;
    if !json.is_object() {
        let what = if json.is_array() { "an array as an object" } else { "a scalar" };
        bail!(INVALID_PARAMETER_VALUE, "cannot deconstruct {what}");
    }
    let types = [oids::TEXT, if text { oids::TEXT } else { oids::JSON }];
    let row = |(key, value): (Raw<'_>, Raw<'_>)| {
        let value = if text { text_of(value)? } else { Datum::text(value.text()) };
        Ok(record(cx.result.oid, &types, vec![Datum::text(unquote(key.text())?), value]))
    };
    json.pairs().map(row).collect::<Result<_>>().map(ready)
}

fn keys(args: &[Datum]) -> Result<Rows> {
    let json = Raw::checked(arg(args, 0)?)?;
    if !json.is_object() {
        let what = if json.is_array() { "an array" } else { "a scalar" };
        bail!(INVALID_PARAMETER_VALUE, "cannot call json_object_keys on {what}");
    }
    json.pairs().map(|(key, _)| Ok(Datum::text(unquote(key.text())?))).collect::<Result<_>>().map(ready)
}

fn jsonb_elements(args: &[Datum], text: bool) -> Result<Rows> {
    let json: &Jsonb = arg(args, 0)?;
    let Jsonb::Array(items) = json else {
        let what = if matches!(json, Jsonb::Object(_)) { "an object" } else { "a scalar" };
        bail!(INVALID_PARAMETER_VALUE, "cannot extract elements from {what}");
    };
    Ok(ready(items.iter().map(|item| jsonb_value(item, text)).collect()))
}

fn jsonb_value(json: &Jsonb, text: bool) -> Datum {
    if text { plain(json).unwrap_or(Datum::Null) } else { Datum::Jsonb(Arc::new(json.clone())) }
}

fn jsonb_each(cx: &CallContext<'_>, args: &[Datum], function: &str, text: bool) -> Result<Rows> {
    let Jsonb::Object(pairs) = arg::<&Jsonb>(args, 0)? else {
        bail!(INVALID_PARAMETER_VALUE, "cannot call {function} on a non-object");
    };
    let types = [oids::TEXT, if text { oids::TEXT } else { oids::JSONB }];
    let row = |(key, value): &(Arc<str>, Jsonb)| {
        record(cx.result.oid, &types, vec![Datum::Text(key.clone()), jsonb_value(value, text)])
    };
    Ok(ready(pairs.iter().map(row).collect()))
}

fn jsonb_keys(args: &[Datum]) -> Result<Rows> {
    let json: &Jsonb = arg(args, 0)?;
    let Jsonb::Object(pairs) = json else {
        let what = if matches!(json, Jsonb::Array(_)) { "an array" } else { "a scalar" };
        bail!(INVALID_PARAMETER_VALUE, "cannot call jsonb_object_keys on {what}");
    };
    Ok(ready(pairs.iter().map(|(key, _)| Datum::Text(key.clone())).collect()))
}

fn path_query(cx: &CallContext<'_>, zoned: bool, args: &[Datum]) -> Result<Rows> {
    let items = query(
        cx,
        &Asked { zoned, json: arg(args, 0)?, path: arg(args, 1)?, vars: Some(arg(args, 2)?), silent: arg(args, 3)? },
    )?;
    Ok(ready(items.into_iter().map(|item| Datum::Jsonb(Arc::new(item))).collect()))
}

/// One row per object of an array.
fn record_set(cx: &CallContext<'_>, function: &str, base: &Datum, json: Option<&Datum>) -> Result<Rows> {
    let json = match json {
        Some(Datum::Text(json)) => Source::Json(Raw::new(json)),
        Some(Datum::Jsonb(json)) => Source::Jsonb(json),
        _ => return Ok(ready(vec![])),
    };
    let target = target(cx, function, base)?;
    if !json.is_array() {
        let what = match json {
            Source::Jsonb(_) => "a non-array",
            _ if json.is_object() => "an object",
            _ => "a scalar",
        };
        bail!(INVALID_PARAMETER_VALUE, "cannot call {function} on {what}");
    }
    let row = |element: Source<'_>| {
        if !element.is_object() {
            bail!(INVALID_PARAMETER_VALUE, "argument of {function} must be an array of objects");
        }
        let row = fill(cx, &target, base, element)?;
        check_result(cx, &row)?;
        Ok(row)
    };
    json.elements().into_iter().map(row).collect::<Result<_>>().map(ready)
}
