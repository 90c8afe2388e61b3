//! A session's settings: their values, where each comes from, and what a rollback takes back.
//!
//! ```text
//!   local     SET LOCAL                      until the transaction ends
//!   session   SET, set_config                until the session ends, or the transaction that set it fails
//!   reset     connection options, role, database
//!   defaults  command line, environment, configuration file        shared by all sessions
//!   (built in) facts/settings.tsv
//! ```
//!
//! A value is looked for from the top down. The two upper layers are small sorted maps behind `Arc`, so that a
//! savepoint is two pointer copies and an idle session costs nothing. Statements that change settings are in
//! [`crate::statement`]; this module knows no SQL.

pub mod auto_file;
mod check;
pub mod definition;
mod derived;
mod server;
mod unit;
mod value;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use dictdb_types::{Error, Result, SqlState, quote_all_identifiers};

pub use definition::{Context, Definition, Kind, kept_part};
pub use derived::{Derived, split_identifiers};
pub(crate) use server::check_for_file;
pub use server::{FileSetting, Given, Place, Reloaded, ServerSettings};
pub use unit::Unit;
pub use value::{Value, parse_bool};
pub(crate) use value::{format_real, invalid};

use definition::SettingId;

/// A setting by number, or a user's own (`myapp.user_id`) by its lower-cased name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Known(SettingId),
    Custom(Arc<str>),
}

/// Where a value comes from, as `pg_settings.source`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Built in.
    Default,
    /// `DICTDB_…` in the environment.
    Environment,
    /// The configuration file.
    ConfigurationFile,
    /// `-c name=value`.
    CommandLine,
    /// `ALTER ROLE ALL SET`.
    Global,
    /// `ALTER DATABASE … SET`.
    Database,
    /// `ALTER ROLE … SET`.
    User,
    /// `ALTER ROLE … IN DATABASE … SET`.
    DatabaseUser,
    /// The start-up packet.
    Client,
    /// `SET`.
    Session,
}

impl Source {
    /// `pg_settings.source`.
    pub fn name(self) -> &'static str {
        match self {
            Source::Default => "default",
            Source::Environment => "environment variable",
            Source::ConfigurationFile => "configuration file",
            Source::CommandLine => "command line",
            Source::Global => "global",
            Source::Database => "database",
            Source::User => "user",
            Source::DatabaseUser => "database user",
            Source::Client => "client",
            Source::Session => "session",
        }
    }
}

#[derive(Clone, Debug)]
struct Entry {
    value: Value,
    source: Source,
    /// Where in a file it was found.
    place: Option<Arc<Place>>,
}

impl Entry {
    fn new(value: Value, source: Source) -> Entry {
        Entry { value, source, place: None }
    }
}

type Layer = BTreeMap<Key, Entry>;

/// One row of `pg_settings`.
#[derive(Clone, Debug)]
pub struct SettingRow {
    /// Name as it is shown.
    pub name: String,
    /// The definition; a user's own setting has none.
    pub definition: Option<&'static Definition>,
    /// Value in the setting's unit.
    pub setting: String,
    /// Value as `SHOW` prints it.
    pub shown: String,
    /// Where the value comes from.
    pub source: Source,
    /// Value after `RESET`.
    pub reset: Option<String>,
    /// Where in a file it was found.
    pub place: Option<Arc<Place>>,
    /// It was configured otherwise since the server started, and waits for the next start.
    pub pending_restart: bool,
}

/// What [`Settings::set`] reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Until the session ends.
    Session,
    /// Until the transaction ends.
    Local,
}

/// Who changes a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// An ordinary role.
    User,
    /// A superuser, or a role with the privilege to set it.
    Superuser,
}

/// The settings of one session.
#[derive(Debug)]
pub struct Settings {
    server: Arc<ServerSettings>,
    reset: Arc<Layer>,
    upper: Upper,
    /// `upper` as the last committed transaction left it.
    committed: Upper,
    /// `upper` at each open savepoint.
    savepoints: Vec<Upper>,
    derived: Arc<Derived>,
    reset_derived: Arc<Derived>,
    beacon: Arc<Beacon>,
}

/// What is to be seen of a session's settings without locking them.
#[derive(Debug, Default)]
pub(crate) struct Beacon {
    generation: AtomicU64,
    quotes_all_identifiers: AtomicBool,
}

impl Beacon {
    /// [`Settings::generation`].
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// [`Derived::quotes_all_identifiers`].
    pub(crate) fn quotes_all_identifiers(&self) -> bool {
        self.quotes_all_identifiers.load(Ordering::Relaxed)
    }
}

/// What a function with settings of its own returns to.
#[derive(Debug)]
pub struct FunctionEntry(Upper);

#[derive(Clone, Debug, Default)]
struct Upper {
    session: Arc<Layer>,
    local: Arc<Layer>,
}

impl Settings {
    /// Settings of a new session.
    pub fn new(server: Arc<ServerSettings>) -> Settings {
        let mut settings = Settings {
            server,
            reset: Arc::default(),
            upper: Upper::default(),
            committed: Upper::default(),
            savepoints: Vec::new(),
            derived: Arc::default(),
            reset_derived: Arc::default(),
            beacon: Arc::default(),
        };
        settings.derive();
        settings.reset_derived = settings.derived.clone();
        settings
    }

    /// Goes over to other values for all sessions, after the configuration was read again.
    pub fn set_server(&mut self, server: Arc<ServerSettings>) {
        self.server = server;
        self.derive();
    }

    /// Sets a value that `RESET` returns to: connection options, settings of role and database.
    pub fn set_at_start(&mut self, name: &str, text: &str, source: Source, authority: Authority) -> Result<()> {
        let (key, value) = self.checked(name, text, authority, true)?;
        Arc::make_mut(&mut self.reset).insert(key, Entry::new(value, source));
        self.derive();
        self.reset_derived = self.derived.clone();
        Ok(())
    }

    /// `SET name TO text`. 42704, 42501, 55P02 and 22023 as PostgreSQL.
    pub fn set(&mut self, name: &str, text: &str, scope: Scope, authority: Authority) -> Result<()> {
        let (key, value) = self.checked(name, text, authority, false)?;
        self.put(key, Some(value), scope);
        Ok(())
    }

    /// `RESET name`, `SET name TO DEFAULT`.
    pub fn reset(&mut self, name: &str, scope: Scope, authority: Authority) -> Result<()> {
        let (key, definition) = resolve(name)?;
        match definition {
            Some(definition) => may_change(definition, name, authority, false)?,
            None if !self.knows(&key) => return Err(unrecognized(name)),
            None => {}
        }
        match scope {
            // A setting that somebody has named stays known, without a value.
            Scope::Session if definition.is_none() => self.put(key, Some(Value::Text("".into())), scope),
            Scope::Session => self.put(key, None, scope),
            Scope::Local => {
                let value = self.reset_value(&key);
                self.put(key, Some(value), scope);
            }
        }
        Ok(())
    }

    /// `RESET ALL`.
    pub fn reset_all(&mut self) {
        let keeps = |key: &Key| match key {
            Key::Known(id) => {
                let definition = &definition::all()[*id as usize];
                definition.no_reset_all || definition.hidden
            }
            Key::Custom(_) => false,
        };
        Arc::make_mut(&mut self.upper.session).retain(|key, _| keeps(key));
        Arc::make_mut(&mut self.upper.local).retain(|key, _| keeps(key));
        self.derive();
    }

    /// Sets a value whatever its context: for what the session itself knows, such as `is_superuser`.
    pub fn set_computed(&mut self, name: &str, text: &str) {
        let Ok((key, Some(definition))) = resolve(name) else { return };
        let Ok(value) = value::parse(definition, name, text) else { return };
        Arc::make_mut(&mut self.reset).insert(key, Entry::new(value, Source::Default));
        self.derive();
    }

    fn checked(&self, name: &str, text: &str, authority: Authority, at_start: bool) -> Result<(Key, Value)> {
        let (key, definition) = resolve(name)?;
        let Some(definition) = definition else { return Ok((key, Value::Text(text.into()))) };
        may_change(definition, name, authority, at_start)?;
        let value = value::parse(definition, name, text)?;
        Ok((key, check::check(definition, value, &self.derived, &self.reset_derived)?))
    }

    fn put(&mut self, key: Key, value: Option<Value>, scope: Scope) {
        let entry = value.map(|value| Entry::new(value, Source::Session));
        match (scope, entry) {
            (Scope::Local, Some(entry)) => {
                Arc::make_mut(&mut self.upper.local).insert(key, entry);
            }
            (Scope::Session, Some(entry)) => {
                if self.upper.local.contains_key(&key) {
                    Arc::make_mut(&mut self.upper.local).remove(&key);
                }
                Arc::make_mut(&mut self.upper.session).insert(key, entry);
            }
            (_, None) => {
                for layer in [&mut self.upper.local, &mut self.upper.session] {
                    if layer.contains_key(&key) {
                        Arc::make_mut(layer).remove(&key);
                    }
                }
            }
        }
        self.derive();
    }

    /// The value in force, and its source.
    fn entry(&self, key: &Key) -> Option<Entry> {
        let layers = [&*self.upper.local, &*self.upper.session, &*self.reset];
        let own = layers.into_iter().find_map(|layer| layer.get(key));
        own.or_else(|| self.server.entry(key)).cloned().or_else(|| match key {
            Key::Known(id) => Some(Entry::new(built_in(*id), Source::Default)),
            Key::Custom(_) => None,
        })
    }

    fn knows(&self, key: &Key) -> bool {
        self.entry(key).is_some()
    }

    fn reset_value(&self, key: &Key) -> Value {
        match self.reset.get(key).or_else(|| self.server.entry(key)) {
            Some(entry) => entry.value.clone(),
            None => match key {
                Key::Known(id) => built_in(*id),
                Key::Custom(_) => Value::Text("".into()),
            },
        }
    }

    /// What `SHOW name` and `current_setting(name)` return; 42704 when there is no such setting.
    pub fn show(&self, name: &str) -> Result<String> {
        let (key, definition) = resolve(name).map_err(|_| unrecognized(name))?;
        let entry = self.entry(&key).ok_or_else(|| unrecognized(name))?;
        Ok(match definition {
            Some(definition) if definition.name == "seed" => "unavailable".to_owned(),
            Some(definition) => entry.value.show(definition),
            None => entry.value.plain(),
        })
    }

    /// The setting's own spelling of a name given in any case.
    pub fn canonical_name(name: &str) -> String {
        match definition::by_name(name) {
            Some(id) => definition::all()[id as usize].name.to_owned(),
            None => name.to_owned(),
        }
    }

    /// The name of a setting as privileges on it have it; `None` when no setting can be called so.
    pub fn name_of_privileges(name: &str) -> Option<String> {
        let is_custom = || name.contains('.') && name.split('.').all(is_simple_identifier);
        let known = definition::by_name(name).is_some() || is_custom();
        known.then(|| Self::canonical_name(name).to_ascii_lowercase())
    }

    /// The value of a setting of any kind; a name that is no setting gives the empty text.
    pub fn value(&self, name: &str) -> Value {
        let entry = resolve(name).ok().and_then(|(key, _)| self.entry(&key));
        entry.map_or_else(|| Value::Text("".into()), |entry| entry.value)
    }

    /// A text or enumerated value; a name that is no setting gives the empty text.
    pub fn text(&self, name: &str) -> String {
        let entry = resolve(name).ok().and_then(|(key, _)| self.entry(&key));
        entry.map(|entry| entry.value.plain()).unwrap_or_default()
    }

    /// A number in the setting's unit; zero when the setting is of another kind.
    pub fn real(&self, name: &str) -> f64 {
        match resolve(name).ok().and_then(|(key, _)| self.entry(&key)).map(|entry| entry.value) {
            Some(Value::Real(value)) => value,
            _ => 0.0,
        }
    }

    /// A whole number in the setting's unit; zero when the setting is of another kind.
    pub fn int(&self, name: &str) -> i64 {
        match resolve(name).ok().and_then(|(key, _)| self.entry(&key)).map(|entry| entry.value) {
            Some(Value::Int(value)) => value,
            _ => 0,
        }
    }

    /// A boolean; false when the setting is of another kind.
    pub fn bool(&self, name: &str) -> bool {
        matches!(
            resolve(name).ok().and_then(|(key, _)| self.entry(&key)).map(|entry| entry.value),
            Some(Value::Bool(true))
        )
    }

    /// Every setting, for `SHOW ALL` and `pg_settings`: PostgreSQL's order, users' own settings last.
    pub fn rows(&self) -> Vec<SettingRow> {
        let known = (0..definition::all().len()).map(|id| Key::Known(id as SettingId));
        let layers = [&*self.upper.local, &*self.upper.session, &*self.reset];
        let keys = layers.iter().flat_map(|layer| layer.keys()).chain(self.server.keys());
        let mut custom: Vec<Key> = keys.filter(|key| matches!(key, Key::Custom(_))).cloned().collect();
        custom.sort();
        custom.dedup();
        known.chain(custom).filter_map(|key| self.row(&key)).collect()
    }

    /// Whether only those who have the privileges of `pg_read_all_settings` see a setting.
    pub fn is_confidential(name: &str) -> bool {
        definition::by_name(name).is_some_and(|id| definition::all()[id as usize].confidential)
    }

    fn row(&self, key: &Key) -> Option<SettingRow> {
        let entry = self.entry(key)?;
        let (name, definition) = match key {
            Key::Known(id) => (definition::all()[*id as usize].name.to_owned(), Some(&definition::all()[*id as usize])),
            Key::Custom(name) => (name.to_string(), None),
        };
        if definition.is_some_and(|definition| definition.hidden) {
            return None;
        }
        Some(SettingRow {
            name,
            definition,
            setting: entry.value.plain(),
            shown: definition.map_or_else(|| entry.value.plain(), |definition| entry.value.show(definition)),
            source: entry.source,
            place: entry.place,
            pending_restart: self.server.is_pending(key),
            reset: Some(self.reset_value(key).plain()),
        })
    }

    /// What statements need of the settings, ready made.
    pub fn derived(&self) -> &Arc<Derived> {
        &self.derived
    }

    /// Changes whenever any value may have changed.
    pub fn generation(&self) -> u64 {
        self.beacon.generation()
    }

    /// What is to be seen of them without a lock.
    pub(crate) fn beacon(&self) -> Arc<Beacon> {
        self.beacon.clone()
    }

    fn derive(&mut self) {
        let before = self.derived.quotes_all_identifiers;
        self.derived = Arc::new(Derived::of(self));
        self.beacon.generation.fetch_add(1, Ordering::Relaxed);
        let quotes = self.derived.quotes_all_identifiers;
        if quotes != before {
            self.beacon.quotes_all_identifiers.store(quotes, Ordering::Relaxed);
            // Who changes settings is the statement that runs, on this thread.
            quote_all_identifiers(quotes);
        }
    }

    /// The values a client is told of, in PostgreSQL's order.
    pub fn reported(&self) -> impl Iterator<Item = (&'static str, String)> {
        let reported = definition::all().iter().filter(|definition| definition.reported);
        reported.map(|definition| (definition.name, self.show(definition.name).unwrap_or_default()))
    }

    /// Remembers the values at a savepoint.
    pub fn push_savepoint(&mut self) {
        self.savepoints.push(self.upper.clone());
    }

    /// Forgets the savepoints above the first `depth`, keeping their values.
    pub fn release_savepoints(&mut self, depth: usize) {
        self.savepoints.truncate(depth);
    }

    /// Returns to the values at savepoint number `depth` (from zero), which stays.
    pub fn rollback_to_savepoint(&mut self, depth: usize) {
        if let Some(values) = self.savepoints.get(depth).cloned() {
            self.savepoints.truncate(depth + 1);
            self.restore(values);
        }
    }

    /// The values before a function's own settings are set.
    pub fn enter_function(&self) -> FunctionEntry {
        FunctionEntry(self.upper.clone())
    }

    /// The function has ended: of its own settings what it or `SET LOCAL` set goes, what `SET` set inside stays.
    pub fn leave_function(&mut self, entry: FunctionEntry, names: impl IntoIterator<Item: AsRef<str>>) {
        let FunctionEntry(before) = entry;
        for name in names {
            let Ok((key, _)) = resolve(name.as_ref()) else { continue };
            let session = |upper: &Upper| upper.session.get(&key).map(|entry| entry.value.clone());
            let is_set = session(&before) != session(&self.upper) || !self.upper.local.contains_key(&key);
            let local = Arc::make_mut(&mut self.upper.local);
            match before.local.get(&key).filter(|_| !is_set) {
                Some(entry) => local.insert(key, entry.clone()),
                None => local.remove(&key),
            };
        }
        self.derive();
    }

    /// The transaction committed: `SET` stays, `SET LOCAL` goes.
    pub fn commit(&mut self) {
        self.savepoints.clear();
        self.committed.session = self.upper.session.clone();
        if !self.upper.local.is_empty() {
            self.restore(self.committed.clone());
        }
    }

    /// The transaction failed: everything it set goes.
    pub fn rollback(&mut self) {
        self.savepoints.clear();
        self.restore(self.committed.clone());
    }

    fn restore(&mut self, values: Upper) {
        let same = Arc::ptr_eq(&values.session, &self.upper.session) && Arc::ptr_eq(&values.local, &self.upper.local);
        if !same {
            self.upper = values;
            self.derive();
        }
    }
}

/// A setting's key, and its definition unless it is a user's own.
fn resolve(name: &str) -> Result<(Key, Option<&'static Definition>)> {
    if let Some(id) = definition::by_name(name) {
        return Ok((Key::Known(id), Some(&definition::all()[id as usize])));
    }
    let Some((first, _)) = name.split_once('.') else { return Err(unrecognized(name)) };
    if !name.split('.').all(is_simple_identifier) {
        let error = Error::new(SqlState::INVALID_NAME, format!("invalid configuration parameter name \"{name}\""));
        return Err(error.detail("Custom parameter names must be two or more simple identifiers separated by dots."));
    }
    if first.eq_ignore_ascii_case("dictdb") {
        return Err(unrecognized(name));
    }
    Ok((Key::Custom(name.to_ascii_lowercase().into()), None))
}

fn is_simple_identifier(part: &str) -> bool {
    let mut chars = part.chars();
    let first = chars.next().is_some_and(|c| c == '_' || c.is_ascii_alphabetic() || !c.is_ascii());
    first && chars.all(|c| c == '_' || c == '$' || c.is_ascii_alphanumeric() || !c.is_ascii())
}

/// The values of a server that nobody configured.
static BUILT_IN: LazyLock<Vec<Value>> = LazyLock::new(|| definition::all().iter().map(boot_value).collect());

fn built_in(id: SettingId) -> Value {
    BUILT_IN[id as usize].clone()
}

fn boot_value(definition: &Definition) -> Value {
    let text = override_default(definition.name).or(definition.default).unwrap_or("");
    match value::parse(definition, definition.name, text) {
        Ok(value) => value,
        // PostgreSQL computes these at start; until the server does, the bound nearest to its boot value stands.
        Err(_) => match definition.kind {
            Kind::Int { min, .. } => Value::Int(min),
            Kind::Real { min, .. } => Value::Real(min),
            _ => Value::Text(text.into()),
        },
    }
}

/// Defaults that PostgreSQL takes from `initdb` or from its platform rather than from its table.
fn override_default(name: &str) -> Option<&'static str> {
    Some(match name {
        "server_version" => crate::SERVER_VERSION,
        "client_encoding" | "server_encoding" => "UTF8",
        "TimeZone" | "log_timezone" => "Etc/UTC",
        "default_text_search_config" => "pg_catalog.english",
        "lc_messages" | "lc_monetary" | "lc_numeric" | "lc_time" => "C",
        "max_stack_depth" => "2MB",
        "timezone_abbreviations" => "Default",
        "ssl_library" => "rustls",
        "unix_socket_directories" => "",
        _ => return None,
    })
}

fn may_change(definition: &Definition, name: &str, authority: Authority, at_start: bool) -> Result<()> {
    let refusal = match definition.context {
        Context::Internal => return Err(cannot_change(name)),
        Context::Postmaster => "cannot be changed without restarting the server",
        Context::Sighup => "cannot be changed now",
        Context::SuperuserBackend | Context::Backend if !at_start => "cannot be set after connection start",
        Context::Superuser | Context::SuperuserBackend if authority != Authority::Superuser => {
            let message = format!("permission denied to set parameter \"{name}\"");
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        _ => return Ok(()),
    };
    Err(Error::new(SqlState::CANT_CHANGE_RUNTIME_PARAM, format!("parameter \"{name}\" {refusal}")))
}

fn cannot_change(name: &str) -> Error {
    Error::new(SqlState::CANT_CHANGE_RUNTIME_PARAM, format!("parameter \"{name}\" cannot be changed"))
}

fn unrecognized(name: &str) -> Error {
    Error::new(SqlState::UNDEFINED_OBJECT, format!("unrecognized configuration parameter \"{name}\""))
}

#[cfg(test)]
mod tests;
