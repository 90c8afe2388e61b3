//! Expectations are PostgreSQL 15's own answers.

use super::{check, parse};

/// Text, SQLSTATE, detail, context.
type Case = (&'static str, &'static str, &'static str, &'static str);

const BAD_JSON: &[Case] = &[
    ("{\"a\":1,}", "22P02", "Expected string, but found \"}\".", "JSON data, line 1: {\"a\":1,}"),
    ("{\"a\" 1}", "22P02", "Expected \":\", but found \"1\".", "JSON data, line 1: {\"a\" 1..."),
    ("[1 2]", "22P02", "Expected \",\" or \"]\", but found \"2\".", "JSON data, line 1: [1 2..."),
    ("[1,]", "22P02", "Expected JSON value, but found \"]\".", "JSON data, line 1: [1,]"),
    ("{1:2}", "22P02", "Expected string or \"}\", but found \"1\".", "JSON data, line 1: {1..."),
    ("{\"a\":1", "22P02", "The input string ended unexpectedly.", "JSON data, line 1: {\"a\":1"),
    ("", "22P02", "The input string ended unexpectedly.", "JSON data, line 1: "),
    ("  ", "22P02", "The input string ended unexpectedly.", "JSON data, line 1:   "),
    ("abc", "22P02", "Token \"abc\" is invalid.", "JSON data, line 1: abc"),
    ("trué x", "22P02", "Token \"trué\" is invalid.", "JSON data, line 1: trué..."),
    ("1 2", "22P02", "Expected end of input, but found \"2\".", "JSON data, line 1: 1 2"),
    ("01", "22P02", "Token \"01\" is invalid.", "JSON data, line 1: 01"),
    ("1.", "22P02", "Token \"1.\" is invalid.", "JSON data, line 1: 1."),
    ("-", "22P02", "Token \"-\" is invalid.", "JSON data, line 1: -"),
    ("1e5x.3", "22P02", "Token \"1e5x\" is invalid.", "JSON data, line 1: 1e5x..."),
    ("\"abc", "22P02", "Token \"\"abc\" is invalid.", "JSON data, line 1: \"abc"),
    ("\"\\x\"", "22P02", "Escape sequence \"\\x\" is invalid.", "JSON data, line 1: \"\\x..."),
    ("\"\\é \"", "22P02", "Escape sequence \"\\é\" is invalid.", "JSON data, line 1: \"\\é..."),
    ("\"\\u12\"", "22P02", "\"\\u\" must be followed by four hexadecimal digits.", "JSON data, line 1: \"\\u12\""),
    (
        "\"\\u12G4 zz\"",
        "22P02",
        "\"\\u\" must be followed by four hexadecimal digits.",
        "JSON data, line 1: \"\\u12G...",
    ),
    ("[1,2]]", "22P02", "Expected end of input, but found \"]\".", "JSON data, line 1: [1,2]]"),
    ("#", "22P02", "Token \"#\" is invalid.", "JSON data, line 1: #"),
    ("{\"a\":é}", "22P02", "Token \"é\" is invalid.", "JSON data, line 1: {\"a\":é..."),
    (
        "{\"a\":1 \"b\"}",
        "22P02",
        "Expected \",\" or \"}\", but found \"\"b\"\".",
        "JSON data, line 1: {\"a\":1 \"b\"...",
    ),
    ("{\"a\":}", "22P02", "Expected JSON value, but found \"}\".", "JSON data, line 1: {\"a\":}"),
    ("{\"a\"", "22P02", "The input string ended unexpectedly.", "JSON data, line 1: {\"a\""),
    ("{\"a\":1,2}", "22P02", "Expected string, but found \"2\".", "JSON data, line 1: {\"a\":1,2..."),
    ("{", "22P02", "The input string ended unexpectedly.", "JSON data, line 1: {"),
    ("[", "22P02", "The input string ended unexpectedly.", "JSON data, line 1: ["),
    (":", "22P02", "Expected JSON value, but found \":\".", "JSON data, line 1: :"),
    ("[1:2]", "22P02", "Expected \",\" or \"]\", but found \":\".", "JSON data, line 1: [1:..."),
    ("{\"a\":1}x", "22P02", "Token \"x\" is invalid.", "JSON data, line 1: {\"a\":1}x"),
    ("{\"a\":1}}", "22P02", "Expected end of input, but found \"}\".", "JSON data, line 1: {\"a\":1}}"),
    ("\"a\\", "22P02", "Token \"\"a\\\" is invalid.", "JSON data, line 1: \"a\\"),
    ("\"a\\u", "22P02", "Token \"\"a\\u\" is invalid.", "JSON data, line 1: \"a\\u"),
    ("true false", "22P02", "Expected end of input, but found \"false\".", "JSON data, line 1: true false"),
    ("nullé", "22P02", "Token \"nullé\" is invalid.", "JSON data, line 1: nullé"),
    ("null\"", "22P02", "Token \"\"\" is invalid.", "JSON data, line 1: null\""),
    ("+1", "22P02", "Token \"+\" is invalid.", "JSON data, line 1: +..."),
    (".5", "22P02", "Token \".\" is invalid.", "JSON data, line 1: ...."),
    ("1.5.5", "22P02", "Token \".\" is invalid.", "JSON data, line 1: 1.5...."),
    ("1-2", "22P02", "Expected end of input, but found \"-2\".", "JSON data, line 1: 1-2"),
    ("--1", "22P02", "Token \"-\" is invalid.", "JSON data, line 1: -..."),
    ("1e", "22P02", "Token \"1e\" is invalid.", "JSON data, line 1: 1e"),
    ("1e+", "22P02", "Token \"1e+\" is invalid.", "JSON data, line 1: 1e+"),
    ("\"a\tb\"", "22P02", "Character with value 0x09 must be escaped.", "JSON data, line 1: \"a..."),
    (
        "{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\": 1, \"b\": x, \"c\": 2}",
        "22P02",
        "Token \"x\" is invalid.",
        "JSON data, line 1: ...aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\": 1, \"b\": x...",
    ),
    (
        "{\"éééééééééééééééééééééééééééééééééééééé\": 1, \"b\": x, \"c\": 2}",
        "22P02",
        "Token \"x\" is invalid.",
        "JSON data, line 1: ...éééééééééééééééééé\": 1, \"b\": x...",
    ),
    ("{\"a\":1,\n \"b\": x, \"c\": 2}", "22P02", "Token \"x\" is invalid.", "JSON data, line 2:  \"b\": x..."),
    ("{\"a\":1,\n \"b\": x\n, \"c\": 2}", "22P02", "Token \"x\" is invalid.", "JSON data, line 2:  \"b\": x"),
];

/// What only `jsonb` refuses.
const BAD_JSONB: &[Case] = &[
    ("\"\\u0000 zz\"", "22P05", "\\u0000 cannot be converted to text.", "JSON data, line 1: \"\\u0000..."),
    (
        "\"\\ud800 zz\"",
        "22P02",
        "Unicode low surrogate must follow a high surrogate.",
        "JSON data, line 1: \"\\ud800 ...",
    ),
    (
        "\"\\ud800\\ud800 zz\"",
        "22P02",
        "Unicode high surrogate must not follow a high surrogate.",
        "JSON data, line 1: \"\\ud800\\ud800...",
    ),
    (
        "\"\\udc00 zz\"",
        "22P02",
        "Unicode low surrogate must follow a high surrogate.",
        "JSON data, line 1: \"\\udc00...",
    ),
    (
        "\"\\ud800\\n\"",
        "22P02",
        "Unicode low surrogate must follow a high surrogate.",
        "JSON data, line 1: \"\\ud800\\n...",
    ),
    ("\"\\ud800\"", "22P02", "Unicode low surrogate must follow a high surrogate.", "JSON data, line 1: \"\\ud800\""),
    (
        "\"\\ud800é\"",
        "22P02",
        "Unicode low surrogate must follow a high surrogate.",
        "JSON data, line 1: \"\\ud800é...",
    ),
    (
        "\"\\ud800\\u0041x\"",
        "22P02",
        "Unicode low surrogate must follow a high surrogate.",
        "JSON data, line 1: \"\\ud800\\u0041...",
    ),
    ("[\"\\u0000\"]", "22P05", "\\u0000 cannot be converted to text.", "JSON data, line 1: [\"\\u0000..."),
    ("1e400000", "22003", "", ""),
];

fn assert_error(error: crate::Error, case: &Case) {
    let fields = error.fields();
    let (detail, context) = (fields.detail.as_deref().unwrap_or(""), fields.context.as_deref().unwrap_or(""));
    assert_eq!((fields.code.as_str(), detail, context), (case.1, case.2, case.3), "{}", case.0);
}

#[test]
fn errors_tell_what_and_where() {
    for case in BAD_JSON {
        assert_error(check(case.0).unwrap_err(), case);
        assert_error(parse(case.0).unwrap_err(), case);
    }
    for case in BAD_JSONB {
        if case.1 == "22P02" || case.1 == "22P05" {
            check(case.0).unwrap();
        }
        assert_error(parse(case.0).unwrap_err(), case);
    }
}

#[test]
fn jsonb_is_canonical() {
    let cases = [
        (
            r#"{"b":1,"aa":2,"a":3,"b":4.50,"c":1e3, "d":-0, "e":-0.0,"f":1E-3}"#,
            r#"{"a": 3, "b": 4.50, "c": 1000, "d": 0, "e": 0.0, "f": 0.001, "aa": 2}"#,
        ),
        (r#""\ud83d\ude00 \u00e9\n\/\\\"""#, "\"😀 é\\n/\\\\\\\"\""),
        (r#""\u001f\u007f\b\f\r\t""#, "\"\\u001f\u{7f}\\b\\f\\r\\t\""),
        (" [ 1 , [ ] , { } , null , true ] ", "[1, [], {}, null, true]"),
    ];
    for (text, canonical) in cases {
        assert_eq!(parse(text).unwrap().to_string(), canonical);
        assert_eq!(parse(canonical).unwrap().to_string(), canonical);
    }
    let value = parse(r#"{"b": 1, "aa": 2}"#).unwrap();
    assert_eq!(value.get("aa").map(|v| v.to_string()).as_deref(), Some("2"));
    assert!(value.get("a").is_none());
}

#[test]
fn depth_is_limited() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(check(&nested(super::MAX_DEPTH)).is_ok());
    let deepest = crate::stack::deep_thread("deepest").spawn(move || {
        let value = parse(&nested(super::MAX_DEPTH)).unwrap();
        assert_eq!(value.clone().to_string(), nested(super::MAX_DEPTH));
    });
    deepest.unwrap().join().unwrap();
    assert_eq!(check(&"[".repeat(1_000_000)).unwrap_err().code().as_str(), "54001");
    assert_eq!(parse(&"{\"a\":".repeat(1_000_000)).unwrap_err().code().as_str(), "54001");
}
