//! Requests checked against their tables of fields: everything that is wrong is said at once, in pydantic's words.

use std::collections::BTreeMap;

use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use serde_json::Value;

use super::fields::{Field, Kind};
use crate::answer::{Fault, Refusal};
use crate::query::pairs;

/// Texts in a list of texts.
const MAX_TEXTS: usize = 50;
/// Whole numbers up to here are exact in every reader of JSON.
const MAX_WHOLE: f64 = 9_007_199_254_740_991.0;
/// Characters of an address, as in RFC 5321.
const MAX_EMAIL: usize = 254;

/// A body that holds what the table allows: 413, 415 or 422 otherwise.
pub(super) fn body(
    headers: &HeaderMap,
    bytes: Result<Bytes, BytesRejection>,
    fields: &[Field],
) -> Result<Value, Refusal> {
    let bytes = bytes.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::too_large(),
        _ => Refusal::Plain(StatusCode::BAD_REQUEST, "The request's body could not be read".to_owned()),
    })?;
    if !is_json(headers) {
        let detail = "Content-Type must be application/json";
        return Err(Refusal::Plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail.to_owned()));
    }
    let fault = |kind, message: &str| Refusal::Invalid(vec![Fault::new(kind, &["body"], message)]);
    let mut value: Value = serde_json::from_slice(&bytes).map_err(|_| fault("json_invalid", "JSON decode error"))?;
    let Some(object) = value.as_object_mut() else {
        return Err(fault("dict_type", "Input should be a valid dictionary"));
    };
    for field in fields {
        if let Some(value) = object.get_mut(field.name) {
            make_whole(value, field.kind);
        }
    }
    let mut faults = Vec::new();
    for field in fields.iter().filter(|field| field.required && !object.contains_key(field.name)) {
        faults.push(Fault::new("missing", &["body", field.name], "Field required"));
    }
    for (name, value) in &*object {
        match fields.iter().find(|field| field.name == name) {
            Some(field) => faults.extend(check(field, value)),
            None => faults.push(Fault::new("extra_forbidden", &["body", name], "Extra inputs are not permitted")),
        }
    }
    if faults.is_empty() { Ok(value) } else { Err(Refusal::Invalid(faults)) }
}

/// A whole number may be written with a fraction of zero.
fn make_whole(value: &mut Value, kind: Kind) {
    let whole = value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() <= MAX_WHOLE);
    if let (Kind::Number { .. }, None, Some(whole)) = (kind, value.as_i64(), whole) {
        *value = Value::from(whole as i64);
    }
}

/// JSON, under one of its names. A page of another origin cannot send it without being asked for permission first.
fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence.starts_with("application/") && essence.ends_with("+json")
}

fn check(field: &Field, value: &Value) -> Option<Fault> {
    let fault = |kind, message: String| Some(Fault::new(kind, &["body", field.name], message));
    if value.is_null() {
        return if field.nullable { None } else { fault(type_fault(field.kind), type_message(field.kind)) };
    }
    match (field.kind, value) {
        (Kind::Text { min, max }, Value::String(text)) => {
            check_text(text, min, max).and_then(|(kind, message)| fault(kind, message))
        }
        (Kind::Email, Value::String(text)) if !is_email(text) => {
            fault("value_error", "value is not a valid email address".to_owned())
        }
        (Kind::Word(words), Value::String(text)) if !words.contains(&text.as_str()) => {
            fault("enum", type_message(field.kind))
        }
        (Kind::Texts { .. }, Value::Array(texts)) if texts.len() > MAX_TEXTS => {
            fault("too_long", format!("List should have at most {MAX_TEXTS} items"))
        }
        (Kind::Texts { max }, Value::Array(texts)) => texts.iter().find_map(|text| match text.as_str() {
            None => fault("string_type", "Input should be a valid string".to_owned()),
            Some(text) => check_text(text, 1, max).and_then(|(kind, message)| fault(kind, message)),
        }),
        (Kind::Object, Value::Object(_)) if has_nul(value) => fault("value_error", NUL_MESSAGE.to_owned()),
        (Kind::Number { min, max }, Value::Number(number)) => match number.as_i64() {
            Some(number) => check_number(number, min, max).and_then(|(kind, message)| fault(kind, message)),
            None => fault("int_type", type_message(field.kind)),
        },
        (Kind::Email | Kind::Word(_), Value::String(_)) | (Kind::Object, Value::Object(_)) => None,
        (Kind::Flag, Value::Bool(_)) => None,
        _ => fault(type_fault(field.kind), type_message(field.kind)),
    }
}

const NUL_MESSAGE: &str = "Text may not contain the character U+0000";

fn check_text(text: &str, min: usize, max: usize) -> Option<(&'static str, String)> {
    let length = text.chars().count();
    if text.contains('\0') {
        return Some(("value_error", NUL_MESSAGE.to_owned()));
    }
    if length > max {
        return Some(("string_too_long", format!("String should have at most {max} characters")));
    }
    let blank = min > 0 && text.chars().all(is_blank);
    (length < min || blank).then(|| ("string_too_short", format!("String should have at least {min} character")))
}

/// ASCII's white space: of Unicode's, regular expressions have different notions.
fn is_blank(c: char) -> bool {
    matches!(c, '\t'..='\r' | ' ')
}

fn check_number(number: i64, min: i64, max: i64) -> Option<(&'static str, String)> {
    if number < min {
        return Some(("greater_than_equal", format!("Input should be greater than or equal to {min}")));
    }
    (number > max).then(|| ("less_than_equal", format!("Input should be less than or equal to {max}")))
}

/// Something, `@`, and a name with a dot or of this machine; no blanks.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '@';
    let labels = domain.split('.').all(|label| {
        !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-') && !label.starts_with('-')
    });
    text.len() <= MAX_EMAIL && !local.is_empty() && local.chars().all(plain) && domain.contains('.') && labels
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}

fn type_fault(kind: Kind) -> &'static str {
    match kind {
        Kind::Text { .. } | Kind::Email => "string_type",
        Kind::Word(_) => "enum",
        Kind::Texts { .. } => "list_type",
        Kind::Object => "dict_type",
        Kind::Flag => "bool_type",
        Kind::Number { .. } => "int_type",
    }
}

fn type_message(kind: Kind) -> String {
    let what = match kind {
        Kind::Text { .. } | Kind::Email => "a valid string",
        Kind::Texts { .. } => "a valid list",
        Kind::Object => "a valid dictionary",
        Kind::Flag => "a valid boolean",
        Kind::Number { .. } => "a valid integer",
        Kind::Word([others @ .., last]) => {
            let others: Vec<String> = others.iter().map(|word| format!("'{word}'")).collect();
            return format!("Input should be {} or '{last}'", others.join(", "));
        }
        Kind::Word([]) => "absent",
    };
    format!("Input should be {what}")
}

/// A query's names with their values; the last of several. 422 for what the table does not have.
pub(super) fn query(text: Option<&str>, fields: &[Field]) -> Result<BTreeMap<String, String>, Refusal> {
    let mut values = BTreeMap::new();
    let mut faults = Vec::new();
    for pair in pairs(text.unwrap_or_default()) {
        let Some((name, value)) = pair else {
            faults.push(Fault::new("value_error", &["query"], "The query is not valid UTF-8"));
            continue;
        };
        match fields.iter().find(|field| field.name == name) {
            Some(field) => faults.extend(check_value(field, &value)),
            None => faults.push(Fault::new("extra_forbidden", &["query", &name], "Extra inputs are not permitted")),
        }
        values.insert(name, value);
    }
    if faults.is_empty() { Ok(values) } else { Err(Refusal::Invalid(faults)) }
}

fn check_value(field: &Field, value: &str) -> Option<Fault> {
    let fault = |kind, message: String| Some(Fault::new(kind, &["query", field.name], message));
    match field.kind {
        Kind::Word(words) if !words.contains(&value) => fault("enum", type_message(field.kind)),
        Kind::Number { min, max } => match value.parse() {
            Ok(number) => check_number(number, min, max).and_then(|(kind, message)| fault(kind, message)),
            Err(_) => {
                fault("int_parsing", "Input should be a valid integer, unable to parse string as an integer".to_owned())
            }
        },
        _ => None,
    }
}

/// The id in a path, in its usual form: 422 when it is none.
pub(super) fn id(text: &str) -> Result<String, Refusal> {
    let groups: Vec<&str> = text.split('-').collect();
    let is_uuid = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if is_uuid {
        return Ok(text.to_ascii_lowercase());
    }
    Err(Refusal::Invalid(vec![Fault::new("uuid_parsing", &["path", "id"], "Input should be a valid UUID")]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bugs::fields::{ATTACHMENT, CHANGES, LISTING, REPORT};

    fn faults(json: &str, fields: &[Field]) -> Vec<(String, &'static str)> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "application/json; charset=utf-8".parse().unwrap());
        match body(&headers, Ok(Bytes::copy_from_slice(json.as_bytes())), fields) {
            Err(Refusal::Invalid(faults)) => faults.into_iter().map(|f| (f.place.join("."), f.kind)).collect(),
            Err(other) => panic!("{other:?}"),
            Ok(_) => Vec::new(),
        }
    }

    fn one(place: &str, kind: &'static str) -> Vec<(String, &'static str)> {
        vec![(place.to_owned(), kind)]
    }

    #[test]
    fn everything_that_is_wrong_is_said() {
        assert_eq!(faults(r#"{"title":"a","description":"b","severity":"low","priority":"medium"}"#, REPORT), []);
        assert_eq!(faults("{}", REPORT).len(), 2);
        assert_eq!(faults("[]", REPORT), one("body", "dict_type"));
        assert_eq!(faults("{", REPORT), one("body", "json_invalid"));
        assert_eq!(faults(r#"{"status":"gone"}"#, CHANGES), one("body.status", "enum"));
        assert_eq!(faults(r#"{"title":"  "}"#, CHANGES), one("body.title", "string_too_short"));
        assert_eq!(faults(r#"{"title":null}"#, CHANGES), one("body.title", "string_type"));
        assert_eq!(faults(r#"{"deviceId":null}"#, CHANGES), []);
        assert_eq!(faults(r#"{"tags":["a",1]}"#, CHANGES), one("body.tags", "string_type"));
        assert_eq!(faults(r#"{"deviceId":"a\u0000"}"#, CHANGES), one("body.deviceId", "value_error"));
        assert_eq!(faults(r#"{"environment":{"a":["\u0000"]}}"#, CHANGES), one("body.environment", "value_error"));
        assert_eq!(faults(r#"{"fileName":"a","fileUrl":"b","fileSize":2.0}"#, ATTACHMENT), []);
        assert_eq!(
            faults(r#"{"fileName":"a","fileUrl":"b","fileSize":2.5}"#, ATTACHMENT),
            one("body.fileSize", "int_type")
        );
        assert_eq!(faults(r#"{"id":1}"#, CHANGES), one("body.id", "extra_forbidden"));
    }

    #[test]
    fn addresses_are_told_from_other_texts() {
        for (text, expected) in [
            ("jean@euralis.com", true),
            ("a.b+c@x-y.example.org", true),
            ("a@b", false),
            ("@b.c", false),
            ("a b@c.d", false),
            ("a@b..c", false),
        ] {
            assert_eq!(is_email(text), expected, "{text}");
        }
    }

    #[test]
    fn queries_are_decoded_and_checked() {
        let read = query(Some("status=in%5Fprogress&limit=7"), LISTING).unwrap();
        assert_eq!(read["status"], "in_progress");
        for wrong in ["limit=0", "limit=x", "skip=-1", "status=", "page=1", "status=%ff"] {
            assert!(query(Some(wrong), LISTING).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ids_are_uuids() {
        assert!(id("123E4567-e89b-12d3-a456-426614174000").is_ok());
        assert!(id("123e4567e89b12d3a456426614174000").is_err());
        assert!(id("x").is_err());
    }
}
