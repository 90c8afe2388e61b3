//! One session: its state, its beginning and its end.
//!
//! What it does for every statement is in the modules below: [`environment`] and [`activity`] before, [`ending`] after it,
//! with [`savepoint`] for parts of a transaction and [`channels`] for what a commit delivers; [`admission`] is who may come in.

mod activity;
mod admission;
mod channels;
mod ending;
mod environment;
mod savepoint;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use dictdb_durability::DatabaseAttributes;
use dictdb_executor::ddl::{ConcurrentIndex, Definitions};
use dictdb_executor::modify::{ConstraintQueue, StatementEvents};
use dictdb_storage::{Session as StorageSession, Transaction};
use dictdb_types::{Error, Oid, Result, Severity, SqlState};

use self::admission::{admit, fatal};
use self::environment::EnvKey;
use crate::authorization::{Asking, authority_over};
use crate::backends::Backend;
use crate::client::Row;
use crate::clock;
use crate::env::StatementEnv;
use crate::instance::{Closing, Instance};
use crate::large_object::OpenLargeObjects;
use crate::log::{Sampling, Watch};
use crate::meters::Verb;
use crate::notifications::Action;
use crate::persistence::Seen;
use crate::pipeline::RowsOfRule;
use crate::plan_cache::KeyMaker;
use crate::portal::Portals;
use crate::prepared::PreparedStatements;
use crate::routines::RoutineCache;
use crate::settings::{Derived, Settings, Source, kept_part};
use crate::shared::Shared;
use crate::statement::database_locale::version_warning;
use crate::statement_statistics::Counting;
use crate::transaction::{Status, TransactionBlock};

/// What a start-up packet asks for besides user and database.
#[derive(Clone, Debug, Default)]
pub struct Startup {
    /// Settings, in the order given: from `options` and from parameters of their own.
    pub settings: Vec<(String, String)>,
}

/// One session.
pub struct Session {
    pub(crate) shared: Arc<Shared>,
    pub(crate) block: TransactionBlock,
    /// What the transaction has defined. While a definition runs, only functions that it calls find it here.
    pub(crate) definitions: Definitions,
    /// How far the last CREATE INDEX CONCURRENTLY has come.
    pub(crate) concurrent_index: ConcurrentIndex,
    pub(crate) prepared: PreparedStatements,
    pub(crate) portals: Portals,
    pub(crate) statement_timestamp: i64,
    /// The session's place in storage.
    pub(crate) storage: Arc<StorageSession>,
    /// The open transaction in storage; a transaction that touches nothing has none.
    pub(crate) transaction: Option<Arc<Transaction>>,
    /// Counts changes of the transaction's own catalog, of which no version number tells.
    pub(crate) catalog_epoch: u64,
    /// Constraints that are checked when the transaction commits.
    pub(crate) constraints: Arc<ConstraintQueue>,
    /// The statement that the next execution is a part of.
    pub(crate) part_of: Option<StatementEvents>,
    /// What queries that are actions of rules have given, while a statement of the client runs.
    pub(crate) rows_of_rules: Option<Vec<RowsOfRule>>,
    /// Hash of what plans depend on besides the catalog, and the generation of settings it is of.
    pub(crate) surroundings: (u64, u64),
    /// Makes keys for the cache of statements.
    pub(crate) keys: KeyMaker,
    /// The last environment that was made, and what it was made for.
    last_env: Option<(EnvKey, Arc<StatementEnv>)>,
    /// Derived settings and the generation they are of.
    derived: (u64, Arc<Derived>),
    /// The generation of settings that the last transaction left.
    settled_settings: u64,
    /// The reading of the configuration that its settings are of.
    configured: u64,
    /// A message is being answered, and can be cancelled.
    is_running: bool,
    /// `statement_timestamp` is the time of the messages that are there.
    clock_read: bool,
    /// What the last statement did, until its time is counted.
    pub(crate) done: Option<Verb>,
    /// Whether statements are counted.
    pub(crate) counting: Counting,
    /// What of the message that is answered is to be logged.
    pub(crate) watch: Option<Watch>,
    /// What is logged because it is part of a sample.
    pub(crate) sampling: Sampling,
    /// The text that others see as the running or last statement, and its time while it runs.
    shown: (Arc<str>, Option<i64>),
    /// The buffer that rows pass through on their way to the client.
    pub(crate) row: Row,
    listening: BTreeSet<Arc<str>>,
    /// What it knows of the routines it has called.
    pub(crate) routines: RoutineCache,
    /// Its open large objects.
    pub(crate) large_objects: OpenLargeObjects,
    /// What its answers show that may not be on disk yet.
    pub(crate) seen: Seen,
    /// What the open transaction, which is one statement, has changed of databases.
    pub(crate) altered_databases: Vec<(Oid, DatabaseAttributes)>,
    /// Its transaction was taken back because the database became another one, and the client does not know.
    pub(crate) owes_reset: bool,
    /// It is only the place of a session that has been lent.
    is_vacant: bool,
    /// Values of reported settings as the client knows them, and the generation they are of.
    reported: Vec<String>,
    reported_generation: u64,
}

impl Session {
    /// Opens a session for a backend that has been entered into the instance's table. Fatal errors: 3D000, 28000, and those of
    /// settings.
    pub fn start(instance: Arc<Instance>, backend: Arc<Backend>, startup: &Startup) -> Result<Session> {
        let identity = backend.identity.clone();
        // Before the values are read: what is read again meanwhile is noticed at the first message.
        let configured = instance.configuration.version();
        let database = instance.database(&identity.database).map_err(fatal);
        let mut settings = Settings::new(instance.settings.read().clone());
        let catalog_of = database.as_ref().ok().cloned().or_else(|| instance.databases().first().cloned());
        let role = catalog_of.and_then(|database| database.catalog.current().role_named(&identity.user).cloned());
        let role = role.ok_or_else(|| {
            let message = format!("role \"{}\" does not exist", identity.user);
            Error::with_severity(Severity::Fatal, SqlState::INVALID_AUTHORIZATION_SPECIFICATION, message)
        })?;
        if !role.login {
            let message = format!("role \"{}\" is not permitted to log in", identity.user);
            return Err(Error::with_severity(Severity::Fatal, SqlState::INVALID_AUTHORIZATION_SPECIFICATION, message));
        }
        let database = database?;
        if instance.closing.has(database.oid) {
            return Err(Closing::refusal(&database.name));
        }
        admit(&instance, &database, &role)?;
        settings.set_computed("is_superuser", if role.superuser { "on" } else { "off" });
        settings.set_computed("session_authorization", &identity.user);
        let catalog = database.catalog.current();
        let (mut warnings, mut notices) = (Vec::new(), Vec::new());
        if catalog.has_locale() {
            let locale = catalog.locale();
            settings.set_computed("lc_collate", locale.collate.as_deref().unwrap_or_default());
            settings.set_computed("lc_ctype", locale.ctype.as_deref().unwrap_or_default());
            warnings.extend(version_warning(&database.name, &locale));
        }
        warnings.extend(settings.begin_with(&catalog, database.oid, &role));
        for (name, value) in &startup.settings {
            let asking = Asking { authenticated: &role.name, session_user: &settings.text("session_authorization") };
            asking.check(&catalog, name, value).map_err(fatal)?;
            let authority = authority_over(&catalog, role.oid, name);
            let (value, notice) = kept_part(name, value);
            notices.extend(notice);
            settings.set_at_start(name, value, Source::Client, authority).map_err(fatal)?;
        }
        backend.activity.lock().application_name = settings.text("application_name").into();
        if backend.identity.address.is_some() && settings.bool("log_connections") {
            backend.log_connection();
        }
        let derived = (settings.generation(), settings.derived().clone());
        let storage = Arc::new(instance.storage.connect(u32::try_from(backend.pid).unwrap_or_default()));
        backend.interrupts.connect(storage.clone());
        let (prepared, portals) = (PreparedStatements::default(), Portals::default());
        let shared = Arc::new(Shared::new(instance, database, backend, settings, (&prepared, &portals)));
        for warning in &mut warnings {
            warning.fields_mut().severity = Severity::Warning;
        }
        warnings.into_iter().chain(notices).for_each(|notice| shared.notice(notice));
        let mut session = Session::over(shared, storage, derived, configured);
        (session.prepared, session.portals) = (prepared, portals);
        Ok(session)
    }

    /// What stands in a session's place while it is lent.
    pub(crate) fn vacant(of: &Session) -> Session {
        let mut vacant = Session::over(of.shared.clone(), of.storage.clone(), of.derived.clone(), of.configured);
        vacant.constraints = of.constraints.clone();
        vacant.statement_timestamp = of.statement_timestamp;
        vacant.settled_settings = of.settled_settings;
        vacant.is_vacant = true;
        vacant
    }

    /// A session at rest, that nothing has been prepared in.
    fn over(
        shared: Arc<Shared>,
        storage: Arc<StorageSession>,
        derived: (u64, Arc<Derived>),
        configured: u64,
    ) -> Session {
        let sampling = Sampling::of(shared.backend.pid);
        Session {
            shared,
            block: TransactionBlock::default(),
            definitions: Definitions::default(),
            concurrent_index: ConcurrentIndex::default(),
            prepared: PreparedStatements::default(),
            portals: Portals::default(),
            statement_timestamp: clock::now_micros(),
            storage,
            transaction: None,
            catalog_epoch: 0,
            constraints: Arc::default(),
            part_of: None,
            rows_of_rules: None,
            surroundings: (0, 0),
            keys: KeyMaker::default(),
            last_env: None,
            settled_settings: derived.0,
            configured,
            derived,
            is_running: false,
            clock_read: false,
            done: None,
            counting: Counting::default(),
            watch: None,
            sampling,
            shown: (Arc::default(), None),
            row: Row::new(),
            listening: BTreeSet::new(),
            routines: RoutineCache::default(),
            large_objects: OpenLargeObjects::default(),
            seen: Seen::default(),
            altered_databases: Vec::new(),
            owes_reset: false,
            is_vacant: false,
            reported: Vec::new(),
            reported_generation: 0,
        }
    }

    /// The session as functions and other sessions see it.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// What ReadyForQuery says.
    pub fn status(&self) -> Status {
        self.block.status()
    }

    /// How long the client may stay silent now; `None` is for ever. The error is what it hears when it does not.
    pub fn idle_limit(&mut self) -> Option<(Duration, Error)> {
        let is_idle = !self.block.is_open();
        let derived = self.derived();
        let (limit_ms, code, message) = match is_idle {
            true => (
                derived.idle_session_timeout_ms,
                SqlState::IDLE_SESSION_TIMEOUT,
                "terminating connection due to idle-session timeout",
            ),
            false => (
                derived.idle_in_transaction_timeout_ms,
                SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                "terminating connection due to idle-in-transaction timeout",
            ),
        };
        let error = || Error::with_severity(Severity::Fatal, code, message);
        (limit_ms > 0).then(|| (Duration::from_millis(limit_ms), error()))
    }

    /// The session ends: an open transaction is rolled back, nothing of it stays.
    pub fn close(&mut self) {
        self.block.abandon();
        self.rollback_transaction();
        self.portals.retain(|_| false);
        self.drop_temporary();
        self.change_channels(&Action::UnlistenAll);
        self.log_end();
        self.shared.instance.backends.leave(self.shared.backend.pid);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_vacant {
            return;
        }
        self.close();
    }
}
