//! Metrics that an operator defines in SQL: rows of `dictdb.metric_queries`.
//!
//! A row names a metric, its kind (`gauge` or `counter`), the columns that become labels, and a query. The column `value` of the
//! query's result is the metric's value, or its last column when there is none of that name. A query may only read; it fails
//! alone and as a whole, and `dictdb_metric_query_errors` counts it: whatever stands in the table, the text stays one that Prometheus reads.

use std::sync::Arc;
use std::time::Duration;

use dictdb_session::Instance;
use dictdb_types::{Error, Result, SqlState};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::family::Family;
use super::names::{self, Kind, METRIC_QUERY_ERRORS};
use crate::State;

/// How long all queries together may take: Prometheus waits 10 s unless it is told otherwise.
const SCRAPE_LIMIT: Duration = Duration::from_secs(8);
/// Series that one query may make.
const MAX_SERIES: usize = 1000;
/// What is said of a metric whose row does not say it.
const NO_HELP: &str = "The result of a query in dictdb.metric_queries.";

const FIND: &str = "SELECT (to_regclass('dictdb.metric_queries') IS NOT NULL)::text";
const LIST: &str = "SELECT json_build_object('name', name, 'help', help, 'type', type, 'sql', sql, 'labels', labels)::text \
                    FROM dictdb.metric_queries ORDER BY name";

/// A row of the table.
struct Definition {
    name: String,
    help: String,
    kind: Kind,
    sql: String,
    labels: Vec<String>,
}

/// The text of all metrics that queries define.
pub(super) async fn render(state: &State, instance: &Arc<Instance>) -> String {
    let rows = match list(state, instance).await {
        Ok(rows) => rows,
        Err(error) => {
            tracing::warn!("could not read dictdb.metric_queries: {}", error.message());
            return String::new();
        }
    };
    let deadline = Instant::now() + SCRAPE_LIMIT;
    let (mut text, mut failed) = (String::new(), 0.0);
    for row in &rows {
        let evaluated = match Definition::read(row) {
            Ok(definition) => {
                let evaluated = timeout_at(deadline, evaluate(state, instance, &definition)).await;
                evaluated.unwrap_or_else(|_| Err(wrong("the scrape had no time left for it")))
            }
            Err(error) => Err(error),
        };
        match evaluated {
            Ok(family) => family.write(&mut text),
            Err(error) => {
                failed += 1.0;
                tracing::warn!("metric query {} failed: {}", row["name"], error.message());
            }
        }
    }
    let (name, help) = METRIC_QUERY_ERRORS;
    let mut errors = Family::new(name, help, Kind::Gauge);
    errors.add(Vec::new(), failed);
    errors.write(&mut text);
    text
}

async fn list(state: &State, instance: &Arc<Instance>) -> Result<Vec<Value>> {
    let found = state.read(instance, FIND).await?;
    let is_there = found.rows.first().and_then(|row| row.first()?.as_deref()) == Some("true");
    if !is_there {
        return Ok(Vec::new());
    }
    let listed = state.read(instance, LIST).await?;
    let rows = listed.rows.iter().filter_map(|row| row.first()?.as_deref());
    Ok(rows.filter_map(|row| serde_json::from_str(row).ok()).collect())
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
        if names::is_taken(&name) {
            return Err(wrong("the server has a metric of this name"));
        }
        let kind = match text("type").as_str() {
            "" | "gauge" => Kind::Gauge,
            "counter" => Kind::Counter,
            other => return Err(wrong(format!("\"{other}\" is no type of a metric (gauge, counter)"))),
        };
        // An array of names, or names separated by commas.
        let labels: Vec<String> = match &row["labels"] {
            Value::Array(names) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Value::String(names) => names.split(',').map(|name| name.trim().to_owned()).collect(),
            _ => Vec::new(),
        };
        let labels: Vec<String> = labels.into_iter().filter(|label| !label.is_empty()).collect();
        if let Some(label) = labels.iter().find(|label| !is_label(label)) {
            return Err(wrong(format!("\"{label}\" is no name of a label")));
        }
        if let Some((_, label)) = labels.iter().enumerate().find(|(place, label)| labels[..*place].contains(label)) {
            return Err(wrong(format!("label \"{label}\" is there twice")));
        }
        Ok(Definition { name, help: text("help"), kind, sql: text("sql"), labels })
    }

    fn family(&self) -> Family {
        let help = if self.help.is_empty() { NO_HELP } else { &self.help };
        Family::new(&self.name, help, self.kind)
    }
}

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`.
fn is_name(name: &str) -> bool {
    let is_start = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    name.starts_with(is_start) && name.chars().all(|c| is_start(c) || c.is_ascii_digit())
}

/// A name without colons; those with two underscores in front are Prometheus's own.
fn is_label(name: &str) -> bool {
    is_name(name) && !name.contains(':') && !name.starts_with("__")
}

async fn evaluate(state: &State, instance: &Arc<Instance>, definition: &Definition) -> Result<Family> {
    let answer = state.read(instance, &definition.sql).await?;
    if answer.rows.len() > MAX_SERIES {
        return Err(wrong(format!(
            "{} rows are more than the {MAX_SERIES} series a query may make",
            answer.rows.len()
        )));
    }
    let mut family = definition.family();
    answer.rows.iter().try_for_each(|row| put(definition, &answer.columns, row, &mut family))?;
    Ok(family)
}

fn put(definition: &Definition, columns: &[Arc<str>], row: &[Option<String>], family: &mut Family) -> Result<()> {
    let column = |name: &str| columns.iter().position(|column| **column == *name);
    let place = column("value").or(columns.len().checked_sub(1)).ok_or_else(|| wrong("the query has no columns"))?;
    // NULL says nothing.
    let Some(value) = row.get(place).and_then(Option::as_deref) else { return Ok(()) };
    let value = match value {
        "t" => 1.0,
        "f" => 0.0,
        number => number.parse().map_err(|_| wrong(format!("\"{number}\" is no number")))?,
    };
    let labels = definition.labels.iter().map(|label| {
        let place = column(label).ok_or_else(|| wrong(format!("the query has no column \"{label}\"")))?;
        Ok((label.clone(), row.get(place).cloned().flatten().unwrap_or_default()))
    });
    match family.add(labels.collect::<Result<Vec<_>>>()?, value) {
        true => Ok(()),
        false => Err(wrong("two rows have the same labels")),
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
        let mut family = definition.family();
        let columns = ["value", "site", "line"].map(Arc::from);
        let row = |values: [Option<&str>; 3]| values.map(|value| value.map(str::to_owned));
        put(&definition, &columns, &row([Some("2.5"), Some("a\"b"), Some("3")]), &mut family).unwrap();
        put(&definition, &columns, &row([None, Some("c"), Some("3")]), &mut family).unwrap();
        let mut text = String::new();
        family.write(&mut text);
        let expected = [
            "# HELP reject_rate_percent The result of a query in dictdb.metric_queries.",
            "# TYPE reject_rate_percent gauge",
            "reject_rate_percent{site=\"a\\\"b\",line=\"3\"} 2.5",
            "",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        assert!(put(&definition, &columns, &row([Some("9"), Some("a\"b"), Some("3")]), &mut family).is_err());
        assert!(put(&definition, &columns[..2], &row([Some("1"), Some("a"), None]), &mut family).is_err());
        assert!(put(&definition, &columns, &row([Some("x"), Some("a"), Some("1")]), &mut family).is_err());
    }

    #[test]
    fn wrong_definitions_are_refused() {
        for wrong in [
            json!({ "name": "a b" }),
            json!({ "name": "a", "type": "summary" }),
            json!({ "name": "a", "labels": ["x-y"] }),
            json!({ "name": "a", "labels": ["__name__"] }),
            json!({ "name": "a", "labels": ["x:y"] }),
            json!({ "name": "a", "labels": ["x", "x"] }),
            json!({ "name": "http_requests_total" }),
            json!({ "name": "db_query_duration_seconds_count" }),
        ] {
            assert!(Definition::read(&wrong).is_err(), "{wrong}");
        }
    }
}
