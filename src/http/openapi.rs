//! `/openapi.json`: the interface described for machines, made from the tables that requests are checked against.

use std::sync::Arc;

use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::answer::value;
use crate::bugs::fields::{ATTACHMENT, CHANGES, COMMENT, Field, Kind, LISTING, REPORT, TRENDS};
use crate::{Access, State};

/// `/openapi.json`.
pub(crate) async fn show(Extract(state): Extract<Arc<State>>) -> Response {
    value(StatusCode::OK, &describe(&state))
}

/// The description of the interface as this server has it.
pub(crate) fn describe(state: &State) -> Value {
    document(matches!(state.options.access, Access::Token(_)))
}

fn document(with_token: bool) -> Value {
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "DictDB",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Health, metrics and the bug tracker of a DictDB server."
        },
        "paths": paths(),
        "components": { "schemas": schemas() }
    });
    if with_token {
        document["components"]["securitySchemes"] = json!({ "token": { "type": "http", "scheme": "bearer" } });
        document["security"] = json!([{ "token": [] }]);
    }
    document
}

fn paths() -> Value {
    let bug =
        json!([{ "name": "id", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" } }]);
    let probe = |summary: &str, fails: bool| {
        let mut responses = json!({ "200": answer("Yes.", json!({ "type": "object" })) });
        if fails {
            responses["503"] = answer("No, or not yet.", json!({ "type": "object" }));
        }
        json!({ "get": { "summary": summary, "responses": responses } })
    };
    json!({
        "/health": probe("Health in detail", true),
        "/health/live": probe("Does the process answer", false),
        "/health/ready": probe("May work be sent", true),
        "/ready": probe("May work be sent", true),
        "/health/startup": probe("Has the server started", true),
        "/metrics": { "get": {
            "summary": "Metrics for Prometheus",
            "responses": { "200": { "description": "The metrics.", "content": { "text/plain": { "schema": { "type": "string" } } } } }
        } },
        "/api/bugs/": {
            "get": operation("List bug reports, the newest first", Some(LISTING), None, "200", "BugList", false),
            "post": operation("Report a bug", None, Some("NewBug"), "201", "Created", false)
        },
        "/api/bugs/{id}": {
            "parameters": bug,
            "get": operation("A bug report with its comments and attachments", None, None, "200", "Bug", true),
            "patch": operation("Change a bug report", None, Some("BugChanges"), "200", "Bug", true)
        },
        "/api/bugs/{id}/comments": {
            "parameters": bug,
            "post": operation("Comment on a bug report", None, Some("NewComment"), "201", "Added", true)
        },
        "/api/bugs/{id}/attachments": {
            "parameters": bug,
            "post": operation("Attach a file to a bug report", None, Some("NewAttachment"), "201", "Added", true)
        },
        "/api/bugs/metrics/summary": {
            "get": operation("Numbers of bug reports", None, None, "200", "Summary", false)
        },
        "/api/bugs/metrics/trends": {
            "get": operation("Bug reports day by day", Some(TRENDS), None, "200", "Trends", false)
        }
    })
}

fn answer(description: &str, schema: Value) -> Value {
    json!({ "description": description, "content": { "application/json": { "schema": schema } } })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn operation(
    summary: &str,
    query: Option<&[Field]>,
    body: Option<&str>,
    status: &str,
    result: &str,
    of_one: bool,
) -> Value {
    let mut operation = json!({ "summary": summary });
    let mut responses = Map::new();
    responses.insert(status.to_owned(), answer("Done.", reference(result)));
    let mut refuse = |status: &str, description: &str, schema: &str| {
        responses.insert(status.to_owned(), answer(description, reference(schema)));
    };
    refuse("401", "A token is wanted.", "Refused");
    refuse("403", "Not from there.", "Refused");
    refuse("429", "Too many requests.", "Refused");
    refuse("503", "Not now.", "Refused");
    if of_one {
        refuse("404", "There is no such bug report.", "Refused");
    }
    if query.is_some() || body.is_some() || of_one {
        refuse("422", "The request is not valid.", "Invalid");
    }
    if let Some(body) = body {
        refuse("400", "The body could not be read.", "Refused");
        refuse("413", "The body is too large.", "Refused");
        refuse("415", "The body is no JSON.", "Refused");
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": reference(body) } } });
    }
    if let Some(query) = query {
        let parameter = |field: &Field| json!({ "name": field.name, "in": "query", "schema": kind(field.kind) });
        operation["parameters"] = query.iter().map(parameter).collect();
    }
    operation["responses"] = Value::Object(responses);
    operation
}

/// Texts are anything but the character that PostgreSQL's cannot hold.
const NO_NUL: &str = "^[^\\u0000]*$";
const NOT_BLANK: &str = "^[^\\u0000]*[^\\t-\\r \\u0000][^\\u0000]*$";

fn kind(kind: Kind) -> Value {
    match kind {
        Kind::Text { min: 0, max } => json!({ "type": "string", "maxLength": max, "pattern": NO_NUL }),
        // A text that must say something has a character that is no blank.
        Kind::Text { min, max } => {
            json!({ "type": "string", "minLength": min, "maxLength": max, "pattern": NOT_BLANK })
        }
        Kind::Email => json!({ "type": "string", "format": "email", "maxLength": 254 }),
        Kind::Word(words) => json!({ "type": "string", "enum": words }),
        Kind::Texts { max } => {
            json!({ "type": "array", "maxItems": 50, "items": { "type": "string", "minLength": 1, "maxLength": max, "pattern": NOT_BLANK } })
        }
        Kind::Object => json!({
            "type": "object",
            "propertyNames": { "pattern": NO_NUL },
            "additionalProperties": reference("Json")
        }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Number { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
    }
}

fn object(fields: &[Field]) -> Value {
    let mut properties = Map::new();
    for field in fields {
        let mut schema = kind(field.kind);
        if field.nullable {
            schema["type"] = json!([schema["type"], "null"]);
        }
        properties.insert(field.name.to_owned(), schema);
    }
    let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// A document with these numbers.
fn numbers(names: &[&str]) -> Value {
    let properties: Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), json!({ "type": ["number", "null"] }))).collect();
    json!({ "type": "object", "properties": properties, "required": names })
}

const SUMMARY: &[&str] = &[
    "totalBugs",
    "openBugs",
    "inProgressBugs",
    "resolvedBugs",
    "closedBugs",
    "criticalBugs",
    "highSeverityBugs",
    "mediumSeverityBugs",
    "lowSeverityBugs",
    "newToday",
    "resolvedToday",
    "avgResolutionTimeHours",
];

fn schemas() -> Value {
    let uuid = json!({ "type": "string", "format": "uuid" });
    let text = json!({ "type": "string" });
    let fault = json!({
        "type": "object",
        "properties": { "type": text, "loc": { "type": "array", "items": text }, "msg": text },
        "required": ["type", "loc", "msg"]
    });
    json!({
        "Json": { "anyOf": [
            { "type": ["number", "boolean", "null"] },
            { "type": "string", "pattern": NO_NUL },
            { "type": "array", "items": reference("Json") },
            { "type": "object", "propertyNames": { "pattern": NO_NUL }, "additionalProperties": reference("Json") }
        ] },
        "NewBug": object(REPORT),
        "BugChanges": object(CHANGES),
        "NewComment": object(COMMENT),
        "NewAttachment": object(ATTACHMENT),
        "Bug": {
            "type": "object",
            "properties": { "id": uuid, "title": text, "status": text, "tags": { "type": "array", "items": text } },
            "required": ["id", "title", "description", "severity", "priority", "category", "status", "createdAt", "updatedAt"]
        },
        "BugList": {
            "type": "object",
            "properties": {
                "bugs": { "type": "array", "items": reference("Bug") },
                "total": { "type": "integer" },
                "skip": { "type": "integer" },
                "limit": { "type": "integer" }
            },
            "required": ["bugs", "total", "skip", "limit"]
        },
        "Created": {
            "type": "object",
            "properties": { "id": uuid, "message": text, "status": text },
            "required": ["id", "message", "status"]
        },
        "Added": {
            "type": "object",
            "properties": { "id": uuid, "bugId": uuid, "message": text },
            "required": ["id", "bugId", "message"]
        },
        "Summary": numbers(SUMMARY),
        "Trends": {
            "type": "object",
            "properties": { "days": { "type": "integer" }, "trends": { "type": "array", "items": { "type": "object" } } },
            "required": ["days", "trends"]
        },
        "Refused": { "type": "object", "properties": { "detail": text }, "required": ["detail"] },
        "Invalid": {
            "type": "object",
            "properties": { "detail": { "type": "array", "items": fault } },
            "required": ["detail"]
        }
    })
}
