//! Thousands of calls whose meaning PostgreSQL itself told: `cases/*.txt`, written by `cases/rewrite.sh`.

mod case;
mod test_scope;

use dictdb_types::{Error, Oid, quote_identifier};

use super::*;
use crate::facts::{self, CastContext};
use case::{Case, parse};
use test_scope::TestScope;

#[test]
fn operators() {
    run(include_str!("../cases/operators.txt"));
}

#[test]
fn functions() {
    run(include_str!("../cases/functions.txt"));
}

#[test]
fn casts() {
    run(include_str!("../cases/casts.txt"));
}

#[test]
fn common_types() {
    run(include_str!("../cases/common_types.txt"));
}

/// Every case of a file; reports all differences at once.
fn run(file: &'static str) {
    let scope = TestScope::default();
    let mut wrong = Vec::new();
    let cases = file.lines().filter_map(|line| line.split_once('\t'));
    let mut count = 0;
    for (input, expected) in cases {
        count += 1;
        let got = meaning(&scope, input);
        if got != expected {
            wrong.push(format!("{input}\n  expected {expected}\n  got      {got}"));
        }
    }
    assert!(count > 0);
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

fn meaning(scope: &TestScope, input: &'static str) -> String {
    let case = parse(scope, input);
    answer(scope, &case).unwrap_or_else(|error| describe(&error))
}

fn answer(scope: &TestScope, case: &Case<'_>) -> dictdb_types::Result<String> {
    match case {
        Case::Binary(left, name, right) => {
            let found = resolve_operator(scope, None, name, *left, *right)?;
            Ok(format!("{} {}", operator_text(scope, found.oid), format_type(scope, found.result)))
        }
        Case::Prefix(name, right) => {
            let found = resolve_prefix_operator(scope, None, name, *right)?;
            Ok(format!("{} {}", operator_text(scope, found.oid), format_type(scope, found.result)))
        }
        Case::OverArray(left, name, right) => {
            let found = resolve_scalar_array_operator(scope, None, name, *left, *right)?;
            Ok(format!("{} boolean", operator_text(scope, found.operator.oid)))
        }
        Case::Call(call) => match resolve_function(scope, call)? {
            Resolution::Call(found) => {
                Ok(format!("{} {}", function_text(scope, found.oid), format_type(scope, found.result)))
            }
            Resolution::Cast(target) => cast(scope, call.args[0], target),
        },
        Case::Cast(source, target) => cast(scope, *source, *target),
        Case::Common(types) => {
            let common = select_common_type(scope, types, &[], "COALESCE")?;
            match types.iter().find(|ty| !can_coerce(scope, **ty, common, CastContext::Implicit)) {
                Some(ty) => Err(cannot_convert(scope, "COALESCE", *ty, common)),
                None => Ok(format_type(scope, common)),
            }
        }
    }
}

fn cast(scope: &TestScope, source: Oid, target: Oid) -> dictdb_types::Result<String> {
    let path = coercion_path(scope, source, target, CastContext::Explicit);
    let how = match path.ok_or_else(|| cannot_cast(scope, source, target))? {
        Coercion::Identity => "nothing".to_owned(),
        // A literal is read by the input function while parsing.
        Coercion::ViaIo if source == dictdb_types::oids::UNKNOWN => "nothing".to_owned(),
        Coercion::Relabel => "relabel".to_owned(),
        Coercion::Function(oid) => function_text(scope, oid),
        Coercion::ViaIo => "text".to_owned(),
        Coercion::Array(_) => "element".to_owned(),
        Coercion::ToDomain(_) => "domain".to_owned(),
        Coercion::RecordToComposite | Coercion::ChildToParent => "row".to_owned(),
    };
    Ok(format!("cast by {how} {}", format_type(scope, target)))
}

/// `regprocedure`'s text.
fn function_text(scope: &TestScope, oid: Oid) -> String {
    let (name, args) = match facts::proc_by_oid(oid) {
        Some(proc) => (proc.name, proc.args.to_vec()),
        None => scope.function_by_oid(oid),
    };
    let args: Vec<String> = args.iter().map(|oid| format_type(scope, *oid)).collect();
    format!("{}({})", quote_identifier(name), args.join(","))
}

/// `regoperator`'s text.
fn operator_text(scope: &TestScope, oid: Oid) -> String {
    let operator = facts::operator_by_oid(oid).unwrap();
    let left = if operator.prefix { "NONE".to_owned() } else { format_type(scope, operator.left) };
    format!("{}({left},{})", operator.name, format_type(scope, operator.right))
}

const SHORT_HINTS: [(&str, &str); 4] = [
    (
        "No function matches the given name and argument types. You might need to add explicit type casts.",
        "(no function)",
    ),
    (
        "No operator matches the given name and argument types. You might need to add explicit type casts.",
        "(no operator)",
    ),
    ("Could not choose a best candidate function. You might need to add explicit type casts.", "(no best function)"),
    ("Could not choose a best candidate operator. You might need to add explicit type casts.", "(no best operator)"),
];

fn describe(error: &Error) -> String {
    let fields = error.fields();
    let mut text = format!("{} {}", fields.code, fields.message);
    for part in [&fields.detail, &fields.hint].into_iter().flatten() {
        let short = SHORT_HINTS.iter().find(|(long, _)| long == part).map_or(part.as_str(), |(_, short)| short);
        text = format!("{text} / {short}");
    }
    text
}

#[test]
fn typmods_have_length_functions() {
    let by_name = |name: &str| dictdb_types::builtin_types::by_name(name).unwrap().oid;
    let function =
        |name: &str| length_coercion(&BuiltinScope, by_name(name)).map(|c| (c.function.0, c.arg_count, c.array));
    assert_eq!(function("varchar"), Some((669, 3, false)));
    assert_eq!(function("numeric"), Some((1703, 2, false)));
    assert_eq!(function("_varchar"), Some((669, 3, true)));
    assert_eq!(function("interval"), Some((1200, 2, false)));
    assert_eq!(function("text"), None);
}

#[test]
fn default_operator_classes() {
    use crate::facts::ids;
    let by_name = |name: &str| dictdb_types::builtin_types::by_name(name).unwrap().oid;
    let scope = BuiltinScope;
    // Expectations: pg_opclass and pg_operator of PostgreSQL 15.
    let cases = [
        ("int4", Some("int4_ops"), Some(96), Some(97)),
        ("varchar", Some("text_ops"), Some(98), Some(664)),
        ("name", Some("name_ops"), Some(93), Some(660)),
        ("regclass", Some("oid_ops"), Some(607), Some(609)),
        ("_int4", Some("array_ops"), Some(1070), Some(1072)),
        ("_json", Some("array_ops"), None, None),
        ("int4range", Some("range_ops"), Some(3882), Some(3884)),
        ("record", Some("record_ops"), Some(2988), Some(2990)),
        ("json", None, None, None),
        ("point", None, None, None),
        ("xid", None, Some(352), None),
    ];
    for (name, class, equal, less) in cases {
        let ty = by_name(name);
        assert_eq!(opclass::default_opclass(&scope, ty, ids::BTREE).map(|c| &*c.name), class, "{name}");
        assert_eq!(opclass::equality_operator(&scope, ty).map(|o| o.0), equal, "{name}");
        assert_eq!(opclass::less_than_operator(&scope, ty).map(|o| o.0), less, "{name}");
    }
}
