//! Functions over types that users made: enums, composites, a domain. Answers are PostgreSQL 15's, to
//! `create type mood as enum ('sad', 'ok', 'happy'); create type pair as (a int, b text);
//! create domain pos as int check (value > 0);
//! create type nest as (p pair, l int[], j json, jb jsonb, d date);`

use std::any::Any;
use std::sync::Arc;

use dictdb_types::env::BareEnv;
use dictdb_types::{
    Array, Datum, EnumLabel, Env, Error, Field, FormatSettings, Jsonb, Oid, Record, RegKind, Result, SqlState, Type,
    TypeInfo, TypeKind, TypeLookup, builtin_types, json, oids, text,
};

use crate::set_returning::set_returning;
use crate::{CallContext, scalar};

const MOOD: Oid = Oid(90_001);
const PAIR: Oid = Oid(90_002);
const POS: Oid = Oid(90_003);
const NEST: Oid = Oid(90_004);

#[derive(Default)]
struct UserEnv(BareEnv);

fn field(name: &str, ty: Oid) -> Field {
    Field { name: name.into(), ty: Type::new(ty) }
}

impl TypeLookup for UserEnv {
    fn type_info(&self, oid: Oid) -> Option<Arc<TypeInfo>> {
        let label = |(n, label): (u32, &str)| EnumLabel { oid: Oid(95_000 + n), code: 10 * n, label: label.into() };
        let (name, kind) = match oid {
            MOOD => ("mood", TypeKind::Enum([(1, "sad"), (2, "ok"), (3, "happy")].map(label).into())),
            PAIR => ("pair", TypeKind::Composite([field("a", oids::INT4), field("b", oids::TEXT)].into())),
            POS => ("pos", TypeKind::Domain(Type::new(oids::INT4))),
            NEST => {
                let fields = [
                    field("p", PAIR),
                    field("l", oids::INT4_ARRAY),
                    field("j", oids::JSON),
                    field("jb", oids::JSONB),
                    field("d", oids::DATE),
                ];
                ("nest", TypeKind::Composite(fields.into()))
            }
            oid => return self.0.type_info(oid),
        };
        let template = builtin_types::by_oid(oids::RECORD)?;
        Some(Arc::new(TypeInfo { oid, name: name.into(), kind, ..template.as_ref().clone() }))
    }
}

impl Env for UserEnv {
    fn format(&self) -> &FormatSettings {
        self.0.format()
    }

    fn transaction_timestamp(&self) -> i64 {
        0
    }

    fn statement_timestamp(&self) -> i64 {
        0
    }

    fn reg_in(&self, kind: RegKind, text: &str) -> Result<Oid> {
        self.0.reg_in(kind, text)
    }

    fn reg_out(&self, _: RegKind, oid: Oid) -> String {
        crate::resolve::format_type(&crate::resolve::BuiltinScope, oid)
    }

    fn check_domain(&self, _: Oid, value: &Datum) -> Result<()> {
        match value {
            Datum::Int4(value) if *value <= 0 => Err(Error::new(
                SqlState::CHECK_VIOLATION,
                "value for domain pos violates check constraint \"pos_check\"",
            )),
            _ => Ok(()),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn value(text: &str, ty: Oid) -> (Datum, Oid) {
    (text::input(text, Type::new(ty), &UserEnv::default()).expect("a value"), ty)
}

fn null(ty: Oid) -> (Datum, Oid) {
    (Datum::Null, ty)
}

fn show(value: &Datum, ty: Oid) -> Result<String> {
    if value.is_null() {
        return Ok("NULL".into());
    }
    let mut out = String::new();
    text::output(value, ty, &UserEnv::default(), &mut out)?;
    Ok(out)
}

/// Calls a scalar or set-returning function and shows what it answers.
fn call(prosrc: &str, args: &[(Datum, Oid)], result: Oid) -> String {
    let env = UserEnv::default();
    let types: Vec<Type> = args.iter().map(|(_, ty)| Type::new(*ty)).collect();
    let values: Vec<Datum> = args.iter().map(|(value, _)| value.clone()).collect();
    let cx = CallContext::new(&env, &types, Type::new(result));
    let answer = match (scalar(prosrc), set_returning(prosrc)) {
        (Some(function), _) => function(&cx, &values).and_then(|value| show(&value, result)),
        (None, Some(function)) => function(&cx, &values).and_then(|rows| {
            let texts: Vec<String> = rows.map(|row| show(&row?, result)).collect::<Result<_>>()?;
            Ok(texts.join("; "))
        }),
        (None, None) => panic!("no function {prosrc}"),
    };
    answer.unwrap_or_else(|error| {
        let hint = error.fields().hint.as_ref().map_or(String::new(), |hint| format!(" HINT {hint}"));
        format!("ERROR {} {}{hint}", error.code(), error.message())
    })
}

#[test]
fn enums() {
    let (sad, ok, happy) = (value("sad", MOOD), value("ok", MOOD), value("happy", MOOD));
    assert_eq!(call("enum_first", std::slice::from_ref(&ok), MOOD), "sad");
    assert_eq!(call("enum_last", &[null(MOOD)], MOOD), "happy");
    assert_eq!(call("enum_lt", &[sad.clone(), ok.clone()], oids::BOOL), "t");
    assert_eq!(call("enum_larger", &[sad.clone(), ok.clone()], MOOD), "ok");
    assert_eq!(call("to_json", std::slice::from_ref(&sad), oids::JSON), "\"sad\"");
    let range = |args: &[(Datum, Oid)]| {
        let env = UserEnv::default();
        let types: Vec<Type> = args.iter().map(|(_, ty)| Type::new(*ty)).collect();
        let values: Vec<Datum> = args.iter().map(|(value, _)| value.clone()).collect();
        let function = scalar("enum_range_bounds").expect("a function");
        match function(&CallContext::new(&env, &types, Type::new(oids::ANYARRAY)), &values) {
            Ok(Datum::Array(array)) => {
                array.items.iter().map(|item| show(item, MOOD).expect("a label")).collect::<Vec<_>>().join(",")
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(range(&[ok.clone(), null(MOOD)]), "ok,happy");
    assert_eq!(range(&[ok.clone(), happy.clone()]), "ok,happy");
    assert_eq!(range(&[happy, ok]), "");
}

#[test]
fn composites_to_json() {
    let pair = value("(1,x)", PAIR);
    assert_eq!(call("to_json", std::slice::from_ref(&pair), oids::JSON), "{\"a\":1,\"b\":\"x\"}");
    let nest = value("(\"(1,x)\",\"{1,2}\",\"{\"\"k\"\": [1]}\",\"[1, 2]\",2020-01-02)", NEST);
    let expected = "{\"p\":{\"a\":1,\"b\":\"x\"},\"l\":[1,2],\"j\":{\"k\": [1]},\"jb\":[1, 2],\"d\":\"2020-01-02\"}";
    assert_eq!(call("row_to_json", std::slice::from_ref(&nest), oids::JSON), expected);
    let pretty = call("row_to_json_pretty", &[nest.clone(), value("t", oids::BOOL)], oids::JSON);
    assert_eq!(pretty, expected.replace(",\"l\"", ",\n \"l\"").replace(",\"j", ",\n \"j").replace(",\"d", ",\n \"d"));
    let expected =
        "{\"d\": \"2020-01-02\", \"j\": {\"k\": [1]}, \"l\": [1, 2], \"p\": {\"a\": 1, \"b\": \"x\"}, \"jb\": [1, 2]}";
    assert_eq!(call("to_jsonb", &[nest], oids::JSONB), expected);
    let args = [value("sad", MOOD), value("5", POS)];
    assert_eq!(call("json_build_object", &args, oids::JSON), "{\"sad\" : 5}");
}

/// Base row, JSON, row made of it.
const POPULATE: &[(Oid, &str, &str, &str)] = &[
    (PAIR, "", "{\"a\":1,\"b\":\"x\"}", "(1,x)"),
    (PAIR, "(5,y)", "{\"a\":1}", "(1,y)"),
    (PAIR, "(5,y)", "{\"a\":null}", "(,y)"),
    (PAIR, "", "{\"a\":\"12\",\"b\":{\"x\":1}}", "(12,\"{\"\"x\"\":1}\")"),
    (PAIR, "", "{\"a\":\"x\"}", "ERROR 22P02 invalid input syntax for type integer: \"x\""),
    (PAIR, "", "[1]", "ERROR 22023 cannot call populate_composite on an array"),
    (PAIR, "", "1", "ERROR 22023 cannot call populate_composite on a scalar"),
    (
        NEST,
        "",
        "{\"p\":{\"a\":1},\"l\":[1,2],\"j\":{\"x\": 1},\"jb\":\"s\",\"d\":\"2020-01-02\"}",
        "(\"(1,)\",\"{1,2}\",\"{\"\"x\"\": 1}\",\"\"\"s\"\"\",2020-01-02)",
    ),
    (NEST, "", "{\"p\":\"(1,x)\",\"l\":\"{1,2}\"}", "(\"(1,x)\",\"{1,2}\",,,)"),
    (NEST, "", "{\"l\":[[1,2],[3,4]]}", "(,\"{{1,2},{3,4}}\",,,)"),
    (NEST, "", "{\"l\":[[1,2],[3]]}", "ERROR 22P02 malformed JSON array"),
    (NEST, "", "{\"l\":[1,[2]]}", "ERROR 22P02 invalid input syntax for type integer: \"[2]\""),
    (NEST, "", "{\"l\":[[1],2]}", "ERROR 22P02 expected JSON array HINT See the array element [1] of key \"l\"."),
    (NEST, "", "{\"l\":1}", "ERROR 22P02 expected JSON array HINT See the value of key \"l\"."),
    (NEST, "", "{\"p\":[1]}", "ERROR 22023 cannot call populate_composite on an array"),
    (NEST, "", "{\"l\":[]}", "(,{},,,)"),
    (NEST, "", "{\"l\":[null,3]}", "(,\"{NULL,3}\",,,)"),
    (NEST, "", "{\"j\":\"str\",\"jb\":null}", "(,,\"\"\"str\"\"\",,)"),
];

#[test]
fn records_from_json() {
    for (ty, base, json, expected) in POPULATE {
        let base = if base.is_empty() { null(*ty) } else { value(base, *ty) };
        let args = [base, value(json, oids::JSON), value("f", oids::BOOL)];
        assert_eq!(call("json_populate_record", &args, *ty), *expected, "{json}");
    }
    let sets = [
        ("[{\"a\":1},{\"b\":\"z\"}]", "(1,q); (7,z)"),
        ("[1]", "ERROR 22023 argument of json_populate_recordset must be an array of objects"),
        ("{\"a\":1}", "ERROR 22023 cannot call json_populate_recordset on an object"),
        ("1", "ERROR 22023 cannot call json_populate_recordset on a scalar"),
    ];
    for (json, expected) in sets {
        let args = [value("(7,q)", PAIR), value(json, oids::JSON), value("f", oids::BOOL)];
        assert_eq!(call("json_populate_recordset", &args, PAIR), expected, "{json}");
    }
}

#[test]
fn column_definition_lists() {
    let env = UserEnv::default();
    let columns = [field("a", POS), field("b", oids::INT4_ARRAY)];
    let types = [Type::new(oids::JSONB)];
    let cx = CallContext { columns: &columns, ..CallContext::new(&env, &types, Type::new(oids::RECORD)) };
    let record = |json: &str| {
        let json = json::parse(json).expect("JSON");
        scalar("jsonb_to_record").expect("a function")(&cx, &[Datum::Jsonb(Arc::<Jsonb>::new(json))])
    };
    let row = record("{\"a\":1,\"b\":[1,2]}").expect("a row");
    assert_eq!(show(&row, oids::RECORD).expect("a text"), "(1,\"{1,2}\")");
    let error = record("{\"a\":-1}").expect_err("a check");
    assert_eq!(error.message(), "value for domain pos violates check constraint \"pos_check\"");
    let bare = CallContext::new(&env, &types, Type::new(oids::RECORD));
    let without =
        scalar("jsonb_to_record").expect("a function")(&bare, &[Datum::Jsonb(Arc::new(Jsonb::Object(vec![])))]);
    assert_eq!(
        without.expect_err("no row type").message(),
        "could not determine row type for result of jsonb_to_record"
    );
}

#[test]
fn records_compare_field_by_field() {
    let record = |fields: Vec<Datum>, types: Vec<Oid>| {
        (Datum::Record(Arc::new(Record { ty: oids::RECORD, types, fields, names: None })), oids::RECORD)
    };
    let ints = |a: i32, b: i32| record(vec![Datum::Int4(a), Datum::Int4(b)], vec![oids::INT4; 2]);
    let with_null = record(vec![Datum::Int4(1), Datum::Null], vec![oids::INT4; 2]);
    let with_text = record(vec![Datum::Int4(1), Datum::text("a")], vec![oids::INT4, oids::TEXT]);
    let one = record(vec![Datum::Int4(1)], vec![oids::INT4]);
    let cases = [
        ("record_eq", ints(1, 2), ints(1, 2), "t"),
        ("record_lt", ints(1, 2), with_null.clone(), "t"),
        ("record_eq", with_null.clone(), with_null, "t"),
        ("btrecordcmp", ints(1, 2), ints(1, 3), "-1"),
        ("record_eq", ints(1, 2), one, "ERROR 42804 cannot compare record types with different numbers of columns"),
        (
            "record_eq",
            ints(1, 2),
            with_text,
            "ERROR 42804 cannot compare dissimilar column types integer and text at record column 2",
        ),
    ];
    for (name, a, b, expected) in cases {
        let result = if name == "btrecordcmp" { oids::INT4 } else { oids::BOOL };
        assert_eq!(call(name, &[a, b], result), expected, "{name}");
    }
    let numeric = |text: &str| {
        let (number, _) = value(text, oids::NUMERIC);
        record(vec![number], vec![oids::NUMERIC])
    };
    assert_eq!(call("record_eq", &[numeric("1.0"), numeric("1.00")], oids::BOOL), "t");
    assert_eq!(call("record_image_eq", &[numeric("1.0"), numeric("1.00")], oids::BOOL), "f");
}

#[test]
fn arrays_of_enums() {
    let env = UserEnv::default();
    let moods = |labels: &[&str]| {
        let items = labels.iter().map(|label| value(label, MOOD).0).collect();
        Datum::Array(Arc::new(Array::vector(MOOD, items)))
    };
    let types = [Type::new(oids::ANYARRAY); 2];
    let cx = CallContext::new(&env, &types, Type::new(oids::BOOL));
    let contains = scalar("arraycontains").expect("a function");
    let answer = contains(&cx, &[moods(&["ok", "sad"]), moods(&["sad"])]).expect("an answer");
    assert!(matches!(answer, Datum::Bool(true)));
}
