//! The cases' little language: SQL in which `$type` is a value of that type and `?` a literal without one.

use dictdb_types::{Oid, oids};

use super::super::{FunctionCall, Scope};
use super::TestScope;

/// One case.
pub enum Case<'a> {
    /// `$int4 + $int8`.
    Binary(Oid, &'a str, Oid),
    /// `- $int4`.
    Prefix(&'a str, Oid),
    /// `$int4 = ANY ($_int4)`.
    OverArray(Oid, &'a str, Oid),
    /// `f($int4)`.
    Call(FunctionCall<'a>),
    /// `$int4::text`.
    Cast(Oid, Oid),
    /// `coalesce($int4, ?)`.
    Common(Vec<Oid>),
}

/// The types a scope knows by name.
fn value(scope: &TestScope, token: &str) -> Option<Oid> {
    match token.strip_prefix('$') {
        Some(name) => Some(scope.any_type(name)),
        None => (token == "?").then_some(oids::UNKNOWN),
    }
}

/// Reads a case. Borrowed parts of the result live as long as the process: these are tests.
pub fn parse(scope: &TestScope, input: &'static str) -> Case<'static> {
    if let Some((source, target)) = input.split_once("::") {
        let target = scope.any_type(target.trim_matches('"'));
        return Case::Cast(value(scope, source).unwrap(), target);
    }
    if let Some(args) = input.strip_prefix("coalesce(") {
        let args = args.trim_end_matches(')').split(", ");
        return Case::Common(args.map(|a| value(scope, a).unwrap()).collect());
    }
    let words: Vec<&'static str> = input.split(' ').collect();
    match words[..] {
        [left, name, right] if value(scope, left).is_some() && value(scope, right).is_some() => {
            Case::Binary(value(scope, left).unwrap(), name, value(scope, right).unwrap())
        }
        [name, right] if !name.contains('(') && value(scope, right).is_some() => {
            Case::Prefix(name, value(scope, right).unwrap())
        }
        [left, name, "ANY", array] => {
            let array = array.trim_start_matches('(').trim_end_matches(')');
            Case::OverArray(value(scope, left).unwrap(), name, value(scope, array).unwrap())
        }
        _ => Case::Call(call(scope, input)),
    }
}

fn call(scope: &TestScope, input: &'static str) -> FunctionCall<'static> {
    let (name, rest) = input.split_once('(').unwrap();
    let (schema, name) = match name.split_once('.') {
        Some((schema, name)) => (Some(schema), name),
        None => (None, name),
    };
    let (inside, after) = rest.split_once(')').unwrap();
    let mut call = FunctionCall { schema, name: name.trim_matches('"'), ..FunctionCall::default() };
    let (mut args, mut names) = (Vec::new(), Vec::new());
    let (arguments, order) = inside.split_once("ORDER BY ").unwrap_or((inside, ""));
    read_arguments(scope, arguments, &mut call, &mut args, &mut names);
    // The expressions of an ORDER BY inside the call are no arguments.
    call.order_by = order.split(", ").filter(|part| !part.is_empty()).count();
    if let Some(group) = after.trim_start().strip_prefix("WITHIN GROUP (ORDER BY ") {
        let (list, _) = group.split_once(')').unwrap();
        let types: Vec<Oid> = list.split(", ").map(|part| value(scope, part).unwrap()).collect();
        (call.within_group, call.order_by) = (true, types.len());
        args.extend(types);
    }
    call.filter = after.contains("FILTER");
    call.over = after.contains("OVER");
    call.literal = args == [oids::UNKNOWN];
    call.args = args.leak();
    call.arg_names = names.leak();
    call
}

fn read_arguments(
    scope: &TestScope,
    list: &'static str,
    call: &mut FunctionCall<'static>,
    args: &mut Vec<Oid>,
    names: &mut Vec<&'static str>,
) {
    for mut part in list.split(", ").map(str::trim).filter(|part| !part.is_empty()) {
        if part == "*" {
            call.star = true;
            continue;
        }
        if let Some(rest) = part.strip_prefix("DISTINCT ") {
            (call.distinct, part) = (true, rest);
        }
        if let Some(rest) = part.strip_prefix("VARIADIC ") {
            (call.variadic, part) = (true, rest);
        }
        if let Some((name, rest)) = part.split_once(" => ") {
            names.push(name);
            part = rest;
        }
        args.push(value(scope, part).unwrap_or_else(|| panic!("argument {part}")));
    }
}

impl TestScope {
    fn any_type(&self, name: &str) -> Oid {
        let row_type = || dictdb_types::builtin_types::all().iter().find(|t| &*t.name == name).map(|t| t.oid);
        self.type_by_name(name)
            .or_else(|| self.type_named(None, name))
            .or_else(row_type)
            .unwrap_or_else(|| panic!("type {name}"))
    }
}
