//! The configuration file, `dictdb.toml`: one key per setting; a table prefixes its keys with its name and a dot.

use std::path::Path;

use dictdb_session::settings::Source;
use toml::{Table, Value};

use super::Values;

/// Reads a file into `values`.
pub(super) fn read(path: &Path, values: &mut Values) -> Result<(), String> {
    let refuse = |error: &dyn std::fmt::Display| format!("could not read \"{}\": {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| refuse(&error))?;
    let table: Table = text.parse().map_err(|error| refuse(&error))?;
    add("", table, values).map_err(|error| refuse(&error))
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
    }
}
