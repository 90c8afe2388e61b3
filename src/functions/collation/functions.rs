//! The functions that plans call for collations. They are in no system catalog: the planner puts them where a language's order or case
//! mapping decides.

use std::sync::Arc;

use dictdb_types::{Array, Datum, Error, Oid, Result, SqlState, oids};

use super::Rule;
use crate::args::{arg, kernels};
use crate::kernel::{CallContext, ScalarFn};

/// Sort key of a text, or of every text of an array: value, rule, whether the collation is deterministic.
pub const KEY: &str = "collation_key";
/// The text of a deterministic sort key.
pub const TEXT_OF_KEY: &str = "collation_text";
/// `lower` by a rule.
pub const LOWER: &str = "collation_lower";
/// `upper` by a rule.
pub const UPPER: &str = "collation_upper";
/// `initcap` by a rule.
pub const INITCAP: &str = "collation_initcap";
/// An error instead of a value: whether it is 42P22 rather than 0A000, and its message.
pub const REFUSAL: &str = "collation_refusal";

/// Functions of this family by name.
pub(crate) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "collation_key" => key,
    "collation_refusal" => refusal,
    "collation_text" => |key: &[u8]| text_of_key(key),
    "collation_lower" => |text: &str, rule: &str| Rule::of(rule).map(|rule| rule.lower(text)),
    "collation_upper" => |text: &str, rule: &str| Rule::of(rule).map(|rule| rule.upper(text)),
    "collation_initcap" => |text: &str, rule: &str| Rule::of(rule).map(|rule| rule.initcap(text)),
};

fn key(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let rule = Rule::of(arg::<&str>(args, 1)?)?;
    let deterministic = arg::<bool>(args, 2)?;
    args.first().map_or(Ok(Datum::Null), |value| sort_key(value, cx.arg_type(0).oid, &rule, deterministic))
}

/// The sort key of a text of a type, or those of an array's elements; NULL stays NULL. XX000 for other values.
pub fn sort_key(value: &Datum, ty: Oid, rule: &Rule, deterministic: bool) -> Result<Datum> {
    match value {
        Datum::Null => Ok(Datum::Null),
        Datum::Text(text) => {
            let text = if ty == oids::BPCHAR { text.trim_end_matches(' ') } else { text };
            let mut key = Vec::with_capacity(text.len() * 3 + 8);
            rule.write_key(text, deterministic, &mut key);
            Ok(Datum::bytea(key))
        }
        Datum::Array(array) => {
            let items = array.items.iter().map(|item| sort_key(item, array.element, rule, deterministic));
            let items = items.collect::<Result<_>>()?;
            Ok(Datum::Array(Arc::new(Array { element: oids::BYTEA, items, ..Array::clone(array) })))
        }
        other => Err(Error::internal(format!("sort key of {other:?}"))),
    }
}

fn text_of_key(key: &[u8]) -> Result<String> {
    let start = key.iter().position(|byte| *byte == 0).map(|end| end + 1);
    let text = start.and_then(|start| std::str::from_utf8(&key[start..]).ok());
    text.map(str::to_owned).ok_or_else(|| Error::internal("a sort key without its text"))
}

/// 42P22 with its hint, or 0A000.
fn refusal(_: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let (indeterminate, message) = (arg::<bool>(args, 0)?, arg::<&str>(args, 1)?);
    Err(match indeterminate {
        true => Error::new(SqlState::INDETERMINATE_COLLATION, message)
            .hint("Use the COLLATE clause to set the collation explicitly."),
        false => Error::new(SqlState::FEATURE_NOT_SUPPORTED, message),
    })
}
