//! `jsonb_path_exists`, `jsonb_path_match`, `jsonb_path_query` and their operators.
//!
//! The `_tz` variants differ only in how `.datetime()` compares: they may use the session's time zone.

use dictdb_types::{Error, Jsonb, Result, SqlState, bail};

use super::{Evaluation, Fault, Item, Scope, parsed};
use crate::CallContext;
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "jsonb_path_exists" => |cx; json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| exists(cx, false, json, path, vars, silent),
    "jsonb_path_exists_tz" => |cx; json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| exists(cx, true, json, path, vars, silent),
    "jsonb_path_exists_opr" => |cx; json: &Jsonb, path: &str| exists(cx, false, json, path, &NO_VARIABLES, true),
    "jsonb_path_match" => |cx; json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| matches(cx, false, json, path, vars, silent),
    "jsonb_path_match_tz" => |cx; json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| matches(cx, true, json, path, vars, silent),
    "jsonb_path_match_opr" => |cx; json: &Jsonb, path: &str| matches(cx, false, json, path, &NO_VARIABLES, true),
    "jsonb_path_query_array" => |cx; json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| {
        query(cx, false, json, path, vars, silent).map(Jsonb::Array)
    },
    "jsonb_path_query_array_tz" => |cx; json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| {
        query(cx, true, json, path, vars, silent).map(Jsonb::Array)
    },
    "jsonb_path_query_first" => |cx; json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| {
        Ok(query(cx, false, json, path, vars, silent)?.into_iter().next())
    },
    "jsonb_path_query_first_tz" => |cx; json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| {
        Ok(query(cx, true, json, path, vars, silent)?.into_iter().next())
    },
};

const NO_VARIABLES: Jsonb = Jsonb::Object(vec![]);

fn evaluation<'a>(
    cx: &CallContext<'a>,
    zoned: bool,
    json: &'a Jsonb,
    variables: &'a Jsonb,
    strict: bool,
) -> Result<Evaluation<'a>> {
    let Jsonb::Object(variables) = variables else {
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "\"vars\" argument is not an object")
            .detail("Jsonpath parameters should be encoded as key-value pairs of \"vars\" object."));
    };
    Ok(Evaluation { strict, root: json, variables, numbered: 0, env: cx.env, zoned })
}

/// The items found. With `silent`, those before an error.
fn run<'a>(
    cx: &CallContext<'a>,
    zoned: bool,
    json: &'a Jsonb,
    path: &str,
    variables: &'a Jsonb,
    silent: bool,
) -> Result<Vec<Item<'a>>> {
    let path = parsed(path)?;
    let mut evaluation = evaluation(cx, zoned, json, variables, path.strict)?;
    let scope = Scope { current: &Item::of(json), array_size: None, forgiving: false };
    let mut items = vec![];
    match evaluation.node(&path.root, scope, Some(&mut items)) {
        Ok(_) => Ok(items),
        Err(Fault::Soft(_)) if silent => Ok(items),
        Err(fault) => Err(fault.into_error()),
    }
}

/// All items of a path.
pub(crate) fn query(
    cx: &CallContext<'_>,
    zoned: bool,
    json: &Jsonb,
    path: &str,
    variables: &Jsonb,
    silent: bool,
) -> Result<Vec<Jsonb>> {
    Ok(run(cx, zoned, json, path, variables, silent)?.into_iter().map(Item::into_json).collect())
}

/// Whether there is any item; NULL for an error that is kept silent.
fn exists(
    cx: &CallContext<'_>,
    zoned: bool,
    json: &Jsonb,
    path: &str,
    variables: &Jsonb,
    silent: bool,
) -> Result<Option<bool>> {
    let path = parsed(path)?;
    let mut evaluation = evaluation(cx, zoned, json, variables, path.strict)?;
    let scope = Scope { current: &Item::of(json), array_size: None, forgiving: false };
    let mut items = vec![];
    // In strict mode an error after the first item still counts.
    let found = if path.strict { Some(&mut items) } else { None };
    match evaluation.node(&path.root, scope, found) {
        Ok(any) => Ok(Some(any)),
        Err(Fault::Soft(_)) if silent => Ok(None),
        Err(fault) => Err(fault.into_error()),
    }
}

/// The truth of a predicate; NULL for unknown.
fn matches(
    cx: &CallContext<'_>,
    zoned: bool,
    json: &Jsonb,
    path: &str,
    variables: &Jsonb,
    silent: bool,
) -> Result<Option<bool>> {
    match run(cx, zoned, json, path, variables, silent)?.as_slice() {
        [item] if matches!(&**item, Jsonb::Null) => return Ok(None),
        [item] => {
            if let Jsonb::Bool(value) = &**item {
                return Ok(Some(*value));
            }
        }
        _ => {}
    }
    if !silent {
        bail!(SINGLETON_SQL_JSON_ITEM_REQUIRED, "single boolean result is expected");
    }
    Ok(None)
}
