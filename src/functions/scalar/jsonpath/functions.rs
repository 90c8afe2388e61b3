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
    "jsonb_path_exists" => |cx; json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| exists(cx, &Asked { zoned: false, json, path, vars: Some(vars), silent }),
    "jsonb_path_exists_tz" => |cx; json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| exists(cx, &Asked { zoned: true, json, path, vars: Some(vars), silent }),
    "jsonb_path_exists_opr" => |cx; json: &Jsonb, path: &str| exists(cx, &Asked { zoned: false, json, path, vars: None, silent: true }),
    "jsonb_path_match" => |cx; json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| matches(cx, &Asked { zoned: false, json, path, vars: Some(vars), silent }),
    "jsonb_path_match_tz" => |cx; json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| matches(cx, &Asked { zoned: true, json, path, vars: Some(vars), silent }),
    "jsonb_path_match_opr" => |cx; json: &Jsonb, path: &str| matches(cx, &Asked { zoned: false, json, path, vars: None, silent: true }),
    "jsonb_path_query_array" => |cx; json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| {
        query(cx, &Asked { zoned: false, json, path, vars: Some(vars), silent }).map(Jsonb::Array)
    },
    "jsonb_path_query_array_tz" => |cx; json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| {
        query(cx, &Asked { zoned: true, json, path, vars: Some(vars), silent }).map(Jsonb::Array)
    },
    "jsonb_path_query_first" => |cx; json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| {
        Ok(query(cx, &Asked { zoned: false, json, path, vars: Some(vars), silent })?.into_iter().next())
    },
    "jsonb_path_query_first_tz" => |cx; json: &Jsonb, path: &str, vars: &Jsonb, silent: bool| {
        Ok(query(cx, &Asked { zoned: true, json, path, vars: Some(vars), silent })?.into_iter().next())
    },
};

/// What a function is asked.
pub(crate) struct Asked<'a> {
    /// Whether the session's time zone may be used.
    pub zoned: bool,
    /// The document.
    pub json: &'a Jsonb,
    /// The path.
    pub path: &'a str,
    /// The path's variables: an object. Where none are given every variable is null.
    pub vars: Option<&'a Jsonb>,
    /// Whether errors that depend on the document are kept silent.
    pub silent: bool,
}

impl<'a> Asked<'a> {
    /// 22023 for variables that are no object.
    fn evaluation(&self, cx: &CallContext<'a>, strict: bool) -> Result<Evaluation<'a>> {
        let variables = match self.vars {
            None => None,
            Some(Jsonb::Object(variables)) => Some(variables.as_slice()),
            Some(_) => {
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "\"vars\" argument is not an object")
                    .detail("Jsonpath parameters should be encoded as key-value pairs of \"vars\" object."));
            }
        };
        Ok(Evaluation { strict, root: self.json, variables, numbered: 0, env: cx.env, zoned: self.zoned })
    }

    /// The document, from which a path starts.
    fn start(&self) -> Item<'a> {
        Item::of(self.json)
    }
}

/// The items found. With `silent`, those before an error.
fn run<'a>(cx: &CallContext<'a>, asked: &Asked<'a>) -> Result<Vec<Item<'a>>> {
    let path = parsed(asked.path)?;
    let mut evaluation = asked.evaluation(cx, path.strict)?;
    let scope = Scope { current: &asked.start(), array_size: None, forgiving: false };
    let mut items = vec![];
    match evaluation.node(&path.root, scope, Some(&mut items)) {
        Ok(_) => Ok(items),
        Err(Fault::Soft(_)) if asked.silent => Ok(items),
        Err(fault) => Err(fault.into_error()),
    }
}

/// All items of a path.
pub(crate) fn query(cx: &CallContext<'_>, asked: &Asked<'_>) -> Result<Vec<Jsonb>> {
    Ok(run(cx, asked)?.into_iter().map(Item::into_json).collect())
}

/// Whether there is any item; NULL for an error that is kept silent.
fn exists(cx: &CallContext<'_>, asked: &Asked<'_>) -> Result<Option<bool>> {
    let path = parsed(asked.path)?;
    let mut evaluation = asked.evaluation(cx, path.strict)?;
    let scope = Scope { current: &asked.start(), array_size: None, forgiving: false };
    let mut items = vec![];
    // In strict mode an error after the first item still counts.
    let found = if path.strict { Some(&mut items) } else { None };
    match evaluation.node(&path.root, scope, found) {
        Ok(any) => Ok(Some(any)),
        Err(Fault::Soft(_)) if asked.silent => Ok(None),
        Err(fault) => Err(fault.into_error()),
    }
}

/// The truth of a predicate; NULL for unknown.
fn matches(cx: &CallContext<'_>, asked: &Asked<'_>) -> Result<Option<bool>> {
    match run(cx, asked)?.as_slice() {
        [item] if matches!(&**item, Jsonb::Null) => return Ok(None),
        [item] => {
            if let Jsonb::Bool(value) = &**item {
                return Ok(Some(*value));
            }
        }
        _ => {}
    }
    if !asked.silent {
        bail!(SINGLETON_SQL_JSON_ITEM_REQUIRED, "single boolean result is expected");
    }
    Ok(None)
}
