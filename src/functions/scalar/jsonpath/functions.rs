//! `jsonb_path_exists`, `jsonb_path_match`, `jsonb_path_query` and their operators.
//!
//! The `_tz` variants differ only in how `.datetime()` compares, which is not supported.

use std::borrow::Cow;

use dictdb_types::{Error, Jsonb, Result, SqlState, bail};

use super::{Evaluation, Fault, Item, Scope, parsed};
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "jsonb_path_exists" => |json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| exists(json, path, vars, silent),
    "jsonb_path_exists_tz" => |json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| exists(json, path, vars, silent),
    "jsonb_path_exists_opr" => |json: &Jsonb, path: &str| exists(json, path, &NO_VARIABLES, true),
    "jsonb_path_match" => |json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| matches(json, path, vars, silent),
    "jsonb_path_match_tz" => |json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| matches(json, path, vars, silent),
    "jsonb_path_match_opr" => |json: &Jsonb, path: &str| matches(json, path, &NO_VARIABLES, true),
    "jsonb_path_query_array" => |json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| {
        query(json, path, vars, silent).map(Jsonb::Array)
    },
    "jsonb_path_query_array_tz" => |json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| {
        query(json, path, vars, silent).map(Jsonb::Array)
    },
    "jsonb_path_query_first" => |json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| {
        Ok(query(json, path, vars, silent)?.into_iter().next())
    },
    "jsonb_path_query_first_tz" => |json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| {
        Ok(query(json, path, vars, silent)?.into_iter().next())
    },
};

const NO_VARIABLES: Jsonb = Jsonb::Object(vec![]);

fn evaluation<'a>(json: &'a Jsonb, variables: &'a Jsonb, strict: bool) -> Result<Evaluation<'a>> {
    let Jsonb::Object(variables) = variables else {
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "\"vars\" argument is not an object")
            .detail("Jsonpath parameters should be encoded as key-value pairs of \"vars\" object."));
    };
    Ok(Evaluation { strict, root: json, variables, numbered: 0 })
}

/// The items found. With `silent`, those before an error.
fn run<'a>(json: &'a Jsonb, path: &str, variables: &'a Jsonb, silent: bool) -> Result<Vec<Item<'a>>> {
    let path = parsed(path)?;
    let mut evaluation = evaluation(json, variables, path.strict)?;
    let scope = Scope { current: &Cow::Borrowed(json), array_size: None, forgiving: false };
    let mut items = vec![];
    match evaluation.node(&path.root, scope, Some(&mut items)) {
        Ok(_) => Ok(items),
        Err(Fault::Soft(_)) if silent => Ok(items),
        Err(fault) => Err(fault.into_error()),
    }
}

/// All items of a path.
pub(crate) fn query(json: &Jsonb, path: &str, variables: &Jsonb, silent: bool) -> Result<Vec<Jsonb>> {
    Ok(run(json, path, variables, silent)?.into_iter().map(Cow::into_owned).collect())
}

/// Whether there is any item; NULL for an error that is kept silent.
fn exists(json: &Jsonb, path: &str, variables: &Jsonb, silent: bool) -> Result<Option<bool>> {
    let path = parsed(path)?;
    let mut evaluation = evaluation(json, variables, path.strict)?;
    let scope = Scope { current: &Cow::Borrowed(json), array_size: None, forgiving: false };
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
fn matches(json: &Jsonb, path: &str, variables: &Jsonb, silent: bool) -> Result<Option<bool>> {
    match run(json, path, variables, silent)?.as_slice() {
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
