//! Entries as JSON: PostgreSQL's jsonlog keys, one object a line.

use serde_json::{Map, Value, json};

use super::entry::{Entry, TIME_MILLIS};

/// The object of an entry.
pub(super) fn write(entry: &Entry) -> String {
    let mut object = Map::new();
    object.insert("timestamp".to_owned(), json!(entry.time.strftime(TIME_MILLIS).to_string()));
    let identity = ["user", "dbname", "pid", "remote_host", "remote_port", "session_id"];
    let copy = |object: &mut Map<String, Value>, names: &[&str]| {
        for name in names {
            if let Some(value) = entry.fields.get(*name) {
                object.insert((*name).to_owned(), value.clone());
            }
        }
    };
    copy(&mut object, &identity);
    object.entry("pid").or_insert_with(|| json!(std::process::id()));
    object.insert("line_num".to_owned(), json!(entry.number));
    copy(&mut object, &["session_start", "vxid", "txid"]);
    object.insert("error_severity".to_owned(), json!(entry.severity));
    copy(&mut object, &["state_code"]);
    object.insert("message".to_owned(), json!(entry.message));
    for (name, value) in &entry.fields {
        if !object.contains_key(name) {
            object.insert(name.clone(), value.clone());
        }
    }
    object.entry("backend_type").or_insert_with(|| json!("server"));
    let mut line = Value::Object(object).to_string();
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_postgres() {
        let line = write(&Entry::example());
        let object: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(object["timestamp"], "1970-01-01 00:00:00.000 UTC");
        assert_eq!((&object["error_severity"], &object["state_code"]), (&json!("ERROR"), &json!("42P01")));
        assert_eq!((&object["pid"], &object["line_num"], &object["user"]), (&json!(101), &json!(7), &json!("anna")));
        assert_eq!(object["statement"], "select * from nothing");
        assert_eq!(line.matches('\n').count(), 1);
    }
}
