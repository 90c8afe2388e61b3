//! Metrics that an operator defines in SQL: rows of `dictdb.metric_queries`.
//!
//! A row names a metric, its kind (`gauge` or `counter`), the columns that become labels, and a query. The column `value` of the
//! query's result is the metric's value, or its last column when there is none of that name. A query may only read; it fails
//! alone, and `dictdb_metric_query_errors` counts it.

use std::sync::Arc;

use dictdb_session::{Collector, Instance};
use dictdb_types::{Datum, Error, Result, SqlState};
use metrics::{Key, KeyName, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use serde_json::Value;

use crate::State;

const METADATA: Metadata<'static> = Metadata::new("dictdb", Level::INFO, None);
/// Series that one query may make.
const MAX_SERIES: usize = 1000;

const FIND: &str = "SELECT (to_regclass('dictdb.metric_queries') IS NOT NULL)::text";
const LIST: &str = "SELECT json_build_object('name', name, 'help', help, 'type', type, 'sql', sql, 'labels', labels)::text \
                    FROM dictdb.metric_queries ORDER BY name";

/// A row of the table.
struct Definition {
    name: String,
    help: String,
    is_counter: bool,
    sql: String,
    labels: Vec<String>,
}

/// The text of all metrics that queries define; empty when there are none.
pub(super) async fn render(state: &State, instance: &Arc<Instance>) -> String {
    let rows = match list(state, instance).await {
        Ok(rows) if rows.is_empty() => return String::new(),
        Ok(rows) => rows,
        Err(error) => {
            tracing::warn!("could not read dictdb.metric_queries: {}", error.message());
            return String::new();
        }
    };
    let recorder = PrometheusBuilder::new().build_recorder();
    let mut failed = 0.0;
    for row in &rows {
        let evaluated = match Definition::read(row) {
            Ok(definition) => evaluate(state, instance, &definition, &recorder).await,
            Err(error) => Err(error),
        };
        if let Err(error) = evaluated {
            failed += 1.0;
            tracing::warn!("metric query {} failed: {}", row["name"], error.message());
        }
    }
    let help = "Queries of dictdb.metric_queries that failed at this scrape.";
    recorder.describe_gauge(KeyName::from_const_str("dictdb_metric_query_errors"), None, help.into());
    recorder.register_gauge(&Key::from_name("dictdb_metric_query_errors"), &METADATA).set(failed);
    recorder.handle().render()
}

async fn list(state: &State, instance: &Arc<Instance>) -> Result<Vec<Value>> {
    let found = state.read(instance, FIND).await?;
    if text(found.rows.first().and_then(|row| row.first())) != Some("true") {
        return Ok(Vec::new());
    }
    let listed = state.read(instance, LIST).await?;
    let rows = listed.rows.iter().filter_map(|row| text(row.first()));
    Ok(rows.filter_map(|row| serde_json::from_str(row).ok()).collect())
}

fn text(datum: Option<&Datum>) -> Option<&str> {
    match datum {
        Some(Datum::Text(text)) => Some(text),
        _ => None,
    }
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

impl Definition {
    fn read(row: &Value) -> Result<Definition> {
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let name = text("name");
        if !is_name(&name) {
            return Err(wrong("the name is no name of a metric"));
        }
        let is_counter = match text("type").as_str() {
            "" | "gauge" => false,
            "counter" => true,
            other => return Err(wrong(format!("\"{other}\" is no type of a metric (gauge, counter)"))),
        };
        // An array of names, or names separated by commas.
        let labels: Vec<String> = match &row["labels"] {
            Value::Array(names) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Value::String(names) => names.split(',').map(|name| name.trim().to_owned()).collect(),
            _ => Vec::new(),
        };
        let labels: Vec<String> = labels.into_iter().filter(|label| !label.is_empty()).collect();
        if let Some(label) = labels.iter().find(|label| !is_name(label)) {
            return Err(wrong(format!("\"{label}\" is no name of a label")));
        }
        Ok(Definition { name, help: text("help"), is_counter, sql: text("sql"), labels })
    }
}

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`.
fn is_name(name: &str) -> bool {
    let is_start = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    name.starts_with(is_start) && name.chars().all(|c| is_start(c) || c.is_ascii_digit())
}

async fn evaluate(
    state: &State,
    instance: &Arc<Instance>,
    definition: &Definition,
    recorder: &PrometheusRecorder,
) -> Result<()> {
    let wrapped = format!(
        "SELECT row_to_json(metric_query)::text FROM ({}\n) AS metric_query",
        definition.sql.trim_end_matches([';', ' ', '\n'])
    );
    let answer: Collector = state.read(instance, &wrapped).await?;
    if answer.rows.len() > MAX_SERIES {
        return Err(wrong(format!(
            "{} rows are more than the {MAX_SERIES} series a query may make",
            answer.rows.len()
        )));
    }
    let name = KeyName::from(definition.name.clone());
    if !definition.help.is_empty() {
        match definition.is_counter {
            true => recorder.describe_counter(name, None, definition.help.clone().into()),
            false => recorder.describe_gauge(name, None, definition.help.clone().into()),
        }
    }
    for row in answer.rows.iter().filter_map(|row| text(row.first())) {
        let row: Value = serde_json::from_str(row).map_err(|_| wrong("a row is no JSON"))?;
        put(definition, &row, recorder)?;
    }
    Ok(())
}

fn put(definition: &Definition, row: &Value, recorder: &PrometheusRecorder) -> Result<()> {
    let Some(columns) = row.as_object() else { return Err(wrong("a row is no object")) };
    let value = columns.get("value").or_else(|| columns.values().next_back());
    let value = match value {
        // Nothing to say.
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Bool(value)) => f64::from(u8::from(*value)),
        Some(value) => plain(value).parse().map_err(|_| wrong(format!("{value} is no number")))?,
    };
    let labels = definition.labels.iter().map(|label| {
        let value = columns.get(label).ok_or_else(|| wrong(format!("the query has no column \"{label}\"")))?;
        Ok(Label::new(label.clone(), plain(value)))
    });
    let key = Key::from_parts(definition.name.clone(), labels.collect::<Result<Vec<_>>>()?);
    if definition.is_counter {
        recorder.register_counter(&key, &METADATA).absolute(value as u64);
    } else {
        recorder.register_gauge(&key, &METADATA).set(value);
    }
    Ok(())
}

/// A value as a label shows it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_become_series() {
        let row = json!({ "name": "reject_rate_percent", "type": "gauge", "sql": "", "labels": "site, line" });
        let definition = Definition::read(&row).unwrap();
        let recorder = PrometheusBuilder::new().build_recorder();
        put(&definition, &json!({ "value": 2.5, "site": "a\"b", "line": 3 }), &recorder).unwrap();
        put(&definition, &json!({ "value": null, "site": "c", "line": 3 }), &recorder).unwrap();
        let text = recorder.handle().render();
        assert!(text.contains("reject_rate_percent{site=\"a\\\"b\",line=\"3\"} 2.5"), "{text}");
        assert!(!text.contains("site=\"c\""));
        assert!(put(&definition, &json!({ "value": 1, "site": "a" }), &recorder).is_err());
        assert!(put(&definition, &json!({ "value": "x", "site": "a", "line": 1 }), &recorder).is_err());
    }

    #[test]
    fn wrong_definitions_are_refused() {
        assert!(Definition::read(&json!({ "name": "a b" })).is_err());
        assert!(Definition::read(&json!({ "name": "a", "type": "summary" })).is_err());
        assert!(Definition::read(&json!({ "name": "a", "labels": ["x-y"] })).is_err());
    }
}
