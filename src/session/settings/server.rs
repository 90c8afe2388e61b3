//! Values for all sessions: what command line, environment and files give, at start and when they are read again.
//!
//! ```text
//!   built in < configuration file < environment < ALTER SYSTEM < command line
//! ```
//! When they are read again a wrong value is left out, as in PostgreSQL, and a name that is no setting leaves everything as it was.
//! What only a start can change waits for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dictdb_types::{Error, Result};

use super::definition::{Context, Definition};
use super::unrecognized;
use super::{Derived, Entry, Key, Layer, Source, Value, built_in, cannot_change, check, definition, resolve, value};

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
}

/// A value as some source gives it.
#[derive(Clone, Debug)]
pub struct Given {
    /// Name as written.
    pub name: String,
    /// Value as written.
    pub text: String,
    /// What gives it.
    pub source: Source,
    /// Where in a file.
    pub place: Option<Arc<Place>>,
}

/// One row of `pg_file_settings`.
#[derive(Clone, Debug)]
pub struct FileSetting {
    /// What the file says.
    pub given: Given,
    /// Whether the server goes by it.
    pub applied: bool,
    /// Why not.
    pub error: Option<String>,
}

/// What reading the configuration again comes to.
pub struct Reloaded {
    /// The values from now on; `None` when nothing is applied.
    pub settings: Option<ServerSettings>,
    /// What the files say, in their order.
    pub rows: Vec<FileSetting>,
    /// What is to be logged.
    pub complaints: Vec<String>,
}

/// Values for all sessions: from the command line, the environment and the configuration file.
#[derive(Clone, Debug, Default)]
pub struct ServerSettings {
    layer: Layer,
    /// Settings that the next start will change.
    pending: BTreeSet<Key>,
}

impl ServerSettings {
    /// Sets a value at server start. Unknown names and wrong values are errors, read-only settings too.
    pub fn set(&mut self, name: &str, text: &str, source: Source) -> Result<()> {
        self.set_given(&Given { name: name.to_owned(), text: text.to_owned(), source, place: None })
    }

    /// The same with the place it was found at.
    pub fn set_given(&mut self, given: &Given) -> Result<()> {
        let (key, entry) = entry_of(given)?;
        self.layer.insert(key, entry);
        Ok(())
    }

    /// Sets what the server itself found out, such as `data_directory`, even when nobody else may set it.
    pub fn set_computed(&mut self, name: &str, text: &str) -> Result<()> {
        let (key, definition) = resolve(name)?;
        let value = match definition {
            Some(definition) => value::parse(definition, name, text)?,
            None => Value::Text(text.into()),
        };
        self.layer.insert(key, Entry::new(value, Source::Default));
        Ok(())
    }

    /// The value in force at server level; a name that is no setting is a programming error and gives the empty text.
    pub fn value(&self, name: &str) -> Value {
        let Some(id) = definition::by_name(name) else { return Value::Text("".into()) };
        self.value_of(&Key::Known(id))
    }

    /// Where the value at server level comes from.
    pub fn source(&self, name: &str) -> Source {
        let entry = definition::by_name(name).and_then(|id| self.layer.get(&Key::Known(id)));
        entry.map_or(Source::Default, |entry| entry.source)
    }

    fn value_of(&self, key: &Key) -> Value {
        match (self.layer.get(key), key) {
            (Some(entry), _) => entry.value.clone(),
            (None, Key::Known(id)) => built_in(*id),
            (None, Key::Custom(_)) => Value::Text("".into()),
        }
    }

    pub(super) fn entry(&self, key: &Key) -> Option<&Entry> {
        self.layer.get(key)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.layer.keys()
    }

    pub(super) fn is_pending(&self, key: &Key) -> bool {
        self.pending.contains(key)
    }

    /// What these values, later ones over earlier ones, make of the present ones. Nothing is changed.
    pub fn reloaded(&self, given: Vec<Given>) -> Reloaded {
        let mut reload = Reload { complaints: Vec::new(), is_refused: false };
        let mut last: BTreeMap<Key, usize> = BTreeMap::new();
        let mut rows: Vec<FileSetting> = Vec::with_capacity(given.len());
        for (index, given) in given.into_iter().enumerate() {
            let error = reload.place_of(&given, index, &mut last);
            rows.push(FileSetting { given, applied: error.is_none(), error });
        }
        // What the server has found out about itself is nobody's to configure.
        let computed = |entry: &Entry| entry.source == Source::Default;
        let mut next = ServerSettings::default();
        next.layer.extend(self.layer.iter().filter(|(_, entry)| computed(entry)).map(|(k, e)| (k.clone(), e.clone())));
        for (index, row) in rows.iter_mut().enumerate() {
            let Ok((key, _)) = resolve(&row.given.name) else { continue };
            if last.get(&key) != Some(&index) {
                row.applied = false;
                continue;
            }
            let applied = entry_of(&row.given).map_err(|error| error.message().to_owned());
            let applied = applied.and_then(|(key, entry)| self.apply(&mut next, key, entry));
            if let Err(message) = applied {
                reload.complaints.push(message);
                row.applied = false;
                row.error = Some("setting could not be applied".to_owned());
            }
        }
        self.return_to_built_in(&mut next, &mut reload.complaints);
        rows.retain(|row| row.given.place.is_some());
        Reloaded { settings: (!reload.is_refused).then_some(next), rows, complaints: reload.complaints }
    }

    /// Takes over one value; when only a start can, the old one stays.
    fn apply(&self, next: &mut ServerSettings, key: Key, entry: Entry) -> std::result::Result<(), String> {
        let definition = definition_of(&key);
        let needs_start = definition.is_some_and(|definition| definition.context == Context::Postmaster);
        if !needs_start || self.value_of(&key) == entry.value {
            next.layer.insert(key, entry);
            return Ok(());
        }
        if let Some(old) = self.layer.get(&key) {
            next.layer.insert(key.clone(), old.clone());
        }
        next.pending.insert(key);
        Err(needs_restart(definition))
    }

    /// What is no longer configured goes back to its default, or waits for a start to do so.
    fn return_to_built_in(&self, next: &mut ServerSettings, complaints: &mut Vec<String>) {
        for (key, entry) in &self.layer {
            if next.layer.contains_key(key) || next.pending.contains(key) {
                continue;
            }
            let definition = definition_of(key);
            if definition.is_some_and(|definition| definition.context == Context::Postmaster)
                && let Key::Known(id) = key
                && entry.value != built_in(*id)
            {
                next.layer.insert(key.clone(), entry.clone());
                next.pending.insert(key.clone());
                complaints.push(needs_restart(definition));
            }
        }
    }
}

/// The first pass over what was read: which names are settings, and which of several lines counts.
struct Reload {
    complaints: Vec<String>,
    is_refused: bool,
}

impl Reload {
    fn place_of(&mut self, given: &Given, index: usize, last: &mut BTreeMap<Key, usize>) -> Option<String> {
        match resolve(&given.name) {
            Ok((key, _)) => {
                last.insert(key, index);
                None
            }
            Err(error) => {
                let place = given.place.as_ref();
                let place = place.map(|place| format!(" in file \"{}\" line {}", place.file, place.line));
                self.complaints.push(format!("{}{}", error.message(), place.unwrap_or_default()));
                self.is_refused = true;
                Some(error.message().to_owned())
            }
        }
    }
}

fn definition_of(key: &Key) -> Option<&'static Definition> {
    match key {
        Key::Known(id) => Some(&definition::all()[*id as usize]),
        Key::Custom(_) => None,
    }
}

fn needs_restart(definition: Option<&Definition>) -> String {
    let name = definition.map_or("", |definition| definition.name);
    format!("parameter \"{name}\" cannot be changed without restarting the server")
}

/// The value of a source, checked.
fn entry_of(given: &Given) -> Result<(Key, Entry)> {
    let (key, definition) = resolve(&given.name)?;
    let value = match definition {
        None => Value::Text(given.text.as_str().into()),
        Some(definition) if definition.context == Context::Internal => return Err(cannot_change(&given.name)),
        Some(definition) => {
            let value = value::parse(definition, &given.name, &given.text)?;
            check::check(definition, value, &Derived::default(), &Derived::default())?
        }
    };
    Ok((key, Entry { value, source: given.source, place: given.place.clone() }))
}

/// Settings that ALTER SYSTEM may not set because they belong to a session or a transaction, or say where the files are
/// (`GUC_DISALLOW_IN_FILE`, `GUC_DISALLOW_IN_AUTO_FILE`).
const NOT_IN_FILE: &[&str] = &[
    "config_file",
    "data_directory",
    "in_hot_standby",
    "is_superuser",
    "role",
    "seed",
    "session_authorization",
    "ssl_renegotiation_limit",
    "transaction_deferrable",
    "transaction_isolation",
    "transaction_read_only",
];

/// Checks what ALTER SYSTEM is about to write; `text` is `None` for RESET. 42704, 55P02, 22023.
pub(crate) fn check_for_file(name: &str, text: Option<&str>) -> Result<()> {
    let Some(id) = definition::by_name(name) else { return Err(unrecognized(name)) };
    let definition = &definition::all()[id as usize];
    if definition.context == Context::Internal || NOT_IN_FILE.contains(&definition.name) {
        return Err(cannot_change(name));
    }
    let Some(text) = text else { return Ok(()) };
    let value = value::parse(definition, name, text)?;
    check::check(definition, value, &Derived::default(), &Derived::default())?;
    if text.contains('\n') {
        let message = "parameter value for ALTER SYSTEM must not contain a newline";
        return Err(Error::new(dictdb_types::SqlState::INVALID_PARAMETER_VALUE, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(name: &str, text: &str, source: Source) -> Given {
        let place = (source == Source::ConfigurationFile).then(|| Arc::new(Place { file: "f".into(), line: 1 }));
        Given { name: name.to_owned(), text: text.to_owned(), source, place }
    }

    #[test]
    fn reading_again_applies_what_it_can() {
        let mut settings = ServerSettings::default();
        settings.set("work_mem", "8MB", Source::ConfigurationFile).unwrap();
        let file = |name, text| given(name, text, Source::ConfigurationFile);
        let reloaded = settings.reloaded(vec![
            file("enable_seqscan", "off"),
            file("enable_sort", "perhaps"),
            file("max_connections", "7"),
            file("enable_seqscan", "on"),
        ]);
        let applied: Vec<bool> = reloaded.rows.iter().map(|row| row.applied).collect();
        assert_eq!(applied, [false, false, false, true]);
        let next = reloaded.settings.unwrap();
        assert_eq!(next.value("work_mem"), ServerSettings::default().value("work_mem"));
        assert_eq!(next.value("max_connections"), ServerSettings::default().value("max_connections"));
        let key = Key::Known(definition::by_name("max_connections").unwrap());
        assert!(next.is_pending(&key));
        // As it was: nothing waits any more.
        assert!(!next.reloaded(Vec::new()).settings.unwrap().is_pending(&key));
    }

    #[test]
    fn an_unknown_name_stops_everything() {
        let reloaded = ServerSettings::default().reloaded(vec![given("nosuch", "1", Source::ConfigurationFile)]);
        assert!(reloaded.settings.is_none());
        assert_eq!(reloaded.rows[0].error.as_deref(), Some("unrecognized configuration parameter \"nosuch\""));
    }

    #[test]
    fn the_command_line_stays_above() {
        let reloaded = ServerSettings::default().reloaded(vec![
            given("work_mem", "8MB", Source::ConfigurationFile),
            given("work_mem", "9MB", Source::CommandLine),
        ]);
        assert_eq!(reloaded.settings.unwrap().value("work_mem"), Value::Int(9216));
        assert!(!reloaded.rows[0].applied);
    }
}
