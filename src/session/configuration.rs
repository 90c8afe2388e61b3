//! Configuration while the server runs: ALTER SYSTEM, and reading everything again.
//!
//! ```text
//!   ALTER SYSTEM ──► postgresql.auto.conf (as a whole, durably)          pg_reload_conf(), SIGHUP
//!   configuration file, environment, command line (the server reads them) ───┴──► ServerSettings ──► sessions, at their next message
//! ```

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use dictdb_types::{Error, Result, SqlState};
use parking_lot::Mutex;

use crate::Instance;
use crate::settings::{FileSetting, Given, Reloaded, ServerSettings, Source, auto_file};

/// Reads what the server is given from outside, in ascending precedence.
type Reader = Box<dyn Fn() -> std::result::Result<Vec<Given>, String> + Send + Sync>;
/// Told of values that have changed.
type Listener = Box<dyn Fn(&ServerSettings) + Send + Sync>;

/// Where an instance's configuration comes from.
#[derive(Default)]
pub(crate) struct Configuration {
    reader: OnceLock<Reader>,
    listeners: Mutex<Vec<Listener>>,
    /// Counts how often values were read again.
    version: AtomicU64,
    /// One change or reading at a time.
    turn: Mutex<()>,
    /// What ALTER SYSTEM has set, where there is no data directory to keep it in.
    in_memory: Mutex<String>,
}

impl Configuration {
    /// Changes when the values for all sessions do.
    #[inline]
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }
}

impl Instance {
    /// Sets how the configuration is read again; once.
    pub fn set_configuration_reader(
        &self,
        reader: impl Fn() -> std::result::Result<Vec<Given>, String> + Send + Sync + 'static,
    ) {
        // The first one stays: there is one server per instance.
        let _ = self.configuration.reader.set(Box::new(reader));
    }

    /// Has somebody told of new values, after they were read again.
    pub fn on_reload(&self, listener: impl Fn(&ServerSettings) + Send + Sync + 'static) {
        self.configuration.listeners.lock().push(Box::new(listener));
    }

    /// Reads the configuration again and applies what can be applied now. What cannot is logged.
    pub fn reload(&self) {
        let _turn = self.configuration.turn.lock();
        let reloaded = match self.read_configuration() {
            Ok(reloaded) => reloaded,
            Err(error) => return tracing::error!("the configuration was not read again: {error}"),
        };
        reloaded.complaints.iter().for_each(|complaint| tracing::warn!("{complaint}"));
        let Some(settings) = reloaded.settings else {
            return tracing::error!("configuration file contains errors; no changes were applied");
        };
        let settings = Arc::new(settings);
        *self.settings.write() = settings.clone();
        self.configuration.version.fetch_add(1, Ordering::Release);
        if let Some(durability) = &self.durability {
            durability.retune(crate::persistence::tuning(&settings));
        }
        self.configuration.listeners.lock().iter().for_each(|listener| listener(&settings));
        tracing::info!("the configuration was read again");
    }

    /// The rows of `pg_file_settings`: what the files say now, and what of it would be applied.
    pub(crate) fn file_settings(&self) -> Result<Vec<FileSetting>> {
        let read = self.read_configuration();
        Ok(read.map_err(|message| Error::new(SqlState::CONFIG_FILE_ERROR, message))?.rows)
    }

    fn read_configuration(&self) -> std::result::Result<Reloaded, String> {
        let mut given = self.configuration.reader.get().map(|read| read()).transpose()?.unwrap_or_default();
        let auto = auto_file::read(&self.auto_file()?, &self.auto_file_path())?;
        let above = given.iter().position(|given| given.source == Source::CommandLine).unwrap_or(given.len());
        given.splice(above..above, auto);
        Ok(self.settings.read().clone().reloaded(given))
    }

    fn auto_file_path(&self) -> String {
        let Some(durability) = &self.durability else { return auto_file::FILE_NAME.to_owned() };
        let root = durability.directory().root();
        let root = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf());
        root.join(auto_file::FILE_NAME).display().to_string()
    }

    /// The text of the file that ALTER SYSTEM writes.
    fn auto_file(&self) -> std::result::Result<String, String> {
        let Some(durability) = &self.durability else { return Ok(self.configuration.in_memory.lock().clone()) };
        match std::fs::read_to_string(durability.directory().root().join(auto_file::FILE_NAME)) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(format!("could not open file \"{}\": {error}", self.auto_file_path())),
        }
    }

    /// ALTER SYSTEM: a name with its new value, or with none; no name is all of them. F0000, 58030, 53100.
    pub(crate) fn alter_system(&self, name: Option<&str>, text: Option<&str>) -> Result<()> {
        let _turn = self.configuration.turn.lock();
        let config_error = |message| Error::new(SqlState::CONFIG_FILE_ERROR, message);
        let mut entries = Vec::new();
        if let Some(name) = name {
            let known = self.auto_file().and_then(|known| auto_file::read(&known, &self.auto_file_path()));
            let others = known.map_err(config_error)?.into_iter();
            let others = others.filter(|given| !given.name.eq_ignore_ascii_case(name));
            entries.extend(others.map(|given| (given.name, given.text)));
            entries.extend(text.map(|text| (name.to_ascii_lowercase(), text.to_owned())));
        }
        let written = auto_file::write(&entries);
        match &self.durability {
            Some(durability) => Ok(durability.directory().replace(auto_file::FILE_NAME, written.as_bytes())?),
            None => {
                *self.configuration.in_memory.lock() = written;
                Ok(())
            }
        }
    }
}
