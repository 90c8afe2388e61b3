//! The configuration file, `dictdb.toml`: one key per setting; a table prefixes its keys with its name and a dot.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use dictdb_session::settings::{Place, Source};
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::Values;

/// Reads a file into `values`; returns where each key stands in it.
pub(super) fn read(path: &Path, values: &mut Values) -> Result<BTreeMap<String, Arc<Place>>, String> {
    let refuse = |error: &dyn std::fmt::Display| format!("could not read \"{}\": {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| refuse(&error))?;
    let table: Table = text.parse().map_err(|error| refuse(&error))?;
    add("", table, values).map_err(|error| refuse(&error))?;
    let file: Arc<str> = std::fs::canonicalize(path).map_err(|error| refuse(&error))?.display().to_string().into();
    let lines = lines(&text).map_err(|error| refuse(&error))?.into_iter();
    Ok(lines.map(|(key, line)| (key, Arc::new(Place { file: file.clone(), line }))).collect())
}

/// The line each key stands on, from 1.
fn lines(text: &str) -> Result<BTreeMap<String, u32>, toml::de::Error> {
    fn collect(prefix: &str, table: &DeTable<'_>, text: &str, lines: &mut BTreeMap<String, u32>) {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.get_ref());
            match value.get_ref() {
                DeValue::Table(inner) => collect(&format!("{name}."), inner, text, lines),
                _ => {
                    let before = text.get(..key.span().start).unwrap_or_default();
                    lines.insert(name, before.matches('\n').count() as u32 + 1);
                }
            }
        }
    }
    let mut lines = BTreeMap::new();
    collect("", DeTable::parse(text)?.get_ref(), text, &mut lines);
    Ok(lines)
}

fn add(prefix: &str, table: Table, values: &mut Values) -> Result<(), String> {
    for (key, value) in table {
        let key = format!("{prefix}{key}");
        match value {
            Value::Table(inner) => add(&format!("{key}."), inner, values)?,
            value => {
                let text = scalar(&key, value)?;
                values.insert(key, (text, Source::ConfigurationFile));
            }
        }
    }
    Ok(())
}

fn scalar(key: &str, value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        Value::Boolean(on) => Ok(if on { "on" } else { "off" }.to_owned()),
        Value::Array(items) => {
            let items = items.into_iter().map(|item| scalar(key, item)).collect::<Result<Vec<_>, _>>()?;
            Ok(items.join(", "))
        }
        Value::Datetime(_) | Value::Table(_) => Err(format!("\"{key}\" has a value of a kind that no setting takes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_arrays_are_flattened() {
        let table: Table = "port = 6000\nssl = true\nhost = ['a', 'b']\n[dictdb]\nkey = 'x'".parse().unwrap();
        let mut values = Values::new();
        add("", table, &mut values).unwrap();
        let flat: Vec<String> = values.iter().map(|(key, (value, _))| format!("{key}={value}")).collect();
        assert_eq!(flat, ["dictdb.key=x", "host=a, b", "port=6000", "ssl=on"]);
        let lines = lines("port = 6000\n\n[dictdb]\n# why\nkey = 'x'").unwrap();
        assert_eq!((lines["port"], lines["dictdb.key"]), (1, 5));
    }
}
