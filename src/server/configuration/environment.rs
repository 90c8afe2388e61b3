//! The environment: `DICTDB_…`, and what the official PostgreSQL image understands. A variable with `_FILE` after it names a file that has
//! the value, such as a secret of a container.

use std::path::PathBuf;

use dictdb_session::settings::Source;

use super::{Values, is_known};

const PREFIX: &str = "DICTDB_";

/// Variables of PostgreSQL's image and the keys they stand for.
const IMAGE_VARIABLES: &[(&str, &str)] =
    &[("POSTGRES_USER", "user"), ("POSTGRES_PASSWORD", "password"), ("POSTGRES_DB", "database")];

/// `DICTDB_CONFIG`.
pub(super) fn config_path() -> Option<PathBuf> {
    std::env::var_os("DICTDB_CONFIG").map(PathBuf::from)
}

/// Puts the variables over what is there. A `DICTDB_…` variable that means nothing is an error.
pub(super) fn read(variables: impl Iterator<Item = (String, String)>, values: &mut Values) -> Result<(), String> {
    for (variable, value) in variables {
        if let Some(key) = key_of(&variable)? {
            let (key, value) = match key.strip_suffix("_file") {
                // The password's file is read later, with the other secrets.
                Some(_) if key == "password_file" || is_known(&key) => (key, value),
                Some(key) => (key.to_owned(), super::read_secret(&value)?),
                None => (key, value),
            };
            values.insert(key, (value, Source::Environment));
        }
    }
    Ok(())
}

fn key_of(variable: &str) -> Result<Option<String>, String> {
    for (name, key) in IMAGE_VARIABLES {
        match variable.strip_prefix(name) {
            Some("") => return Ok(Some((*key).to_owned())),
            Some("_FILE") => return Ok(Some(format!("{key}_file"))),
            _ => {}
        }
    }
    let Some(name) = variable.strip_prefix(PREFIX) else { return Ok(None) };
    let key = name.to_ascii_lowercase();
    if key == "config" {
        return Ok(None);
    }
    let setting = |key: &str| [key.to_owned(), format!("dictdb.{key}")].into_iter().find(|key| is_known(key));
    let in_file = || key.strip_suffix("_file").and_then(setting).map(|key| format!("{key}_file"));
    match setting(&key).or_else(in_file) {
        Some(key) => Ok(Some(key)),
        None => Err(format!("environment variable {variable} names no setting")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_become_keys() {
        let pairs = [("DICTDB_WORK_MEM", "8MB"), ("POSTGRES_DB", "shop"), ("HOME", "/")];
        let mut values = Values::new();
        read(pairs.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())), &mut values).unwrap();
        assert_eq!(values["work_mem"].0, "8MB");
        assert_eq!(values["database"].0, "shop");
        assert_eq!(values.len(), 2);
        let unknown = [("DICTDB_NOTHING".to_owned(), String::new())];
        assert!(read(unknown.into_iter(), &mut Values::new()).is_err());
    }

    #[test]
    fn files_have_values() {
        let key = |variable| key_of(variable).unwrap().unwrap();
        assert_eq!(key("DICTDB_HTTP_TOKEN_FILE"), "http_token_file");
        assert_eq!(key("DICTDB_RATE_LIMIT_FILE"), "dictdb.rate_limit_file");
        assert_eq!(key("POSTGRES_PASSWORD_FILE"), "password_file");
        assert!(key_of("DICTDB_NOTHING_FILE").is_err());
        let path = std::env::temp_dir().join(format!("dictdb-token-{}", std::process::id()));
        std::fs::write(&path, "secret\n").unwrap();
        let pairs =
            [("DICTDB_HTTP_TOKEN_FILE", path.to_string_lossy().into_owned()), ("DICTDB_LOG_FILE", "a.log".to_owned())];
        let mut values = Values::new();
        read(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)), &mut values).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!((&*values["http_token"].0, &*values["log_file"].0), ("secret", "a.log"));
    }
}
