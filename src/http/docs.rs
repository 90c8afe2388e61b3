//! `/docs`: what `/openapi.json` says, as a page for people. It needs nothing but itself: no script, no other server.

use std::fmt::Write;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State as Extract;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde_json::{Map, Value};

use crate::{State, openapi};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}\
                     section{border-top:1px solid #ccc;margin-top:1.5rem}table{border-collapse:collapse}\
                     td,th{border:1px solid #ddd;padding:.2rem .6rem;text-align:left;vertical-align:top}";
/// The methods of a path, in the order they are shown.
const METHODS: [&str; 3] = ["get", "post", "patch"];

/// `/docs`.
pub(crate) async fn show(Extract(state): Extract<Arc<State>>) -> Response {
    let mut response = Response::new(Body::from(page(&openapi::describe(&state))));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

// Writing to a string does not fail.
fn page(document: &Value) -> String {
    let info = |key: &str| escaped(document["info"][key].as_str().unwrap_or_default());
    let mut out = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{0} API</title><style>{STYLE}</style>\
         <h1>{0} {1}</h1><p>{2} For programs: <a href=\"openapi.json\">openapi.json</a>.</p>",
        info("title"),
        info("version"),
        info("description")
    );
    if document.get("security").is_some() {
        out.push_str("<p>Requests to <code>/api</code> have the header <code>Authorization: Bearer</code> with the server's token.</p>");
    }
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                section(&mut out, document, (path, method), (item, operation));
            }
        }
    }
    out.push_str("</html>\n");
    out
}

fn section(out: &mut String, document: &Value, (path, method): (&str, &str), (item, operation): (&Value, &Value)) {
    let summary = escaped(operation["summary"].as_str().unwrap_or_default());
    let _ = write!(out, "<section><h2><code>{} {}</code></h2><p>{summary}.</p>", method.to_uppercase(), escaped(path));
    let parameters: Vec<&Value> =
        [item, operation].iter().filter_map(|at| at["parameters"].as_array()).flatten().collect();
    if !parameters.is_empty() {
        out.push_str("<h3>Parameters</h3><table><tr><th>Name<th>In<th>Value</tr>");
        for parameter in parameters {
            let text = |key: &str| escaped(parameter[key].as_str().unwrap_or_default());
            let _ = write!(
                out,
                "<tr><td><code>{}</code><td>{}<td>{}</tr>",
                text("name"),
                text("in"),
                value_of(&parameter["schema"])
            );
        }
        out.push_str("</table>");
    }
    if let Some(body) = schema(document, &operation["requestBody"]["content"]["application/json"]["schema"]) {
        out.push_str("<h3>Body</h3><table><tr><th>Key<th>Value<th></tr>");
        let required: Vec<&str> = body["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (key, field) in body["properties"].as_object().into_iter().flatten() {
            let note = if required.contains(&key.as_str()) { "required" } else { "" };
            let _ = write!(out, "<tr><td><code>{}</code><td>{}<td>{note}</tr>", escaped(key), value_of(field));
        }
        out.push_str("</table>");
    }
    out.push_str("<h3>Answers</h3><table><tr><th>Status<th>Meaning<th>Keys</tr>");
    for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
        let meaning = escaped(answer["description"].as_str().unwrap_or_default());
        let keys = schema(document, &answer["content"]["application/json"]["schema"])
            .and_then(|schema| schema["properties"].as_object())
            .map_or_else(String::new, keys);
        let _ = write!(out, "<tr><td>{}<td>{meaning}<td>{keys}</tr>", escaped(status));
    }
    out.push_str("</table></section>");
}

/// The schema, behind its reference.
fn schema<'d>(document: &'d Value, schema: &'d Value) -> Option<&'d Value> {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.strip_prefix('#')?),
        None => Some(schema).filter(|schema| schema.is_object()),
    }
}

fn keys(properties: &Map<String, Value>) -> String {
    properties.keys().map(|key| format!("<code>{}</code>", escaped(key))).collect::<Vec<_>>().join(", ")
}

/// What a value may be: `open | closed`, `integer, 1 to 1000`, `string or null, at most 100 characters`.
fn value_of(schema: &Value) -> String {
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        return escaped(&words.join(" | "));
    }
    let mut text = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        kind => kind.as_str().unwrap_or("any").to_owned(),
    };
    if let Some(format) = schema["format"].as_str() {
        let _ = write!(text, " ({format})");
    }
    if let Some(least) = schema["minimum"].as_i64() {
        let most = schema["maximum"].as_i64().map_or_else(|| " or more".to_owned(), |most| format!(" to {most}"));
        let _ = write!(text, ", {least}{most}");
    }
    for (key, what) in [("maxLength", "characters"), ("maxItems", "items")] {
        if let Some(most) = schema[key].as_i64() {
            let _ = write!(text, ", at most {most} {what}");
        }
    }
    escaped(&text)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_told_in_words() {
        assert_eq!(value_of(&json!({ "type": "string", "enum": ["open", "closed"] })), "open | closed");
        assert_eq!(value_of(&json!({ "type": "integer", "minimum": 1, "maximum": 1000 })), "integer, 1 to 1000");
        let text = json!({ "type": ["string", "null"], "maxLength": 100 });
        assert_eq!(value_of(&text), "string or null, at most 100 characters");
        assert_eq!(escaped("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
    }

    #[test]
    fn a_page_has_every_operation() {
        let document = json!({
            "info": { "title": "T", "version": "1", "description": "D." },
            "paths": { "/a/{id}": {
                "parameters": [{ "name": "id", "in": "path", "schema": { "type": "string", "format": "uuid" } }],
                "post": {
                    "summary": "Do",
                    "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/B" } } } },
                    "responses": { "201": { "description": "Done." } }
                }
            } },
            "components": { "schemas": { "B": { "properties": { "k": { "type": "boolean" } }, "required": ["k"] } } }
        });
        let page = page(&document);
        for part in [
            "<h2><code>POST /a/{id}</code></h2><p>Do.</p>",
            "<td><code>id</code><td>path<td>string (uuid)",
            "<td><code>k</code><td>boolean<td>required",
            "<td>201<td>Done.",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }
}
