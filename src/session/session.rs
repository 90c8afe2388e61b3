//! One session: its state, its beginning and end, and what every statement has in common.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use dictdb_catalog::{AclKind, CatalogTransaction, Privileges, Role};
use dictdb_executor::ddl::StorageChanges;
use dictdb_executor::modify::{ConstraintQueue, StatementEvents};
use dictdb_storage::{Accompaniment, Isolation, Session as StorageSession, Transaction};
use dictdb_types::{Error, Result, Severity, SqlState};
use parking_lot::Mutex;

use crate::authorization::Asking;
use crate::backends::{Backend, State};
use crate::client::{Client, Row};
use crate::clock;
use crate::deadlines::Deadline;
use crate::encoding::Codec;
use crate::env::StatementEnv;
use crate::instance::{Closing, DATABASE_CLASS, Database, Instance};
use crate::large_object::OpenLargeObjects;
use crate::log::Watch;
use crate::meters::Verb;
use crate::notifications::{Action, Pending};
use crate::persistence::{Ended, Seen};
use crate::pipeline::RowsOfRule;
use crate::plan_cache::KeyMaker;
use crate::portal::Portals;
use crate::prepared::PreparedStatements;
use crate::routines::RoutineCache;
use crate::settings::{Authority, Derived, Settings, Source};
use crate::shared::Shared;
use crate::statement_statistics::Counting;
use crate::transaction::{Ending, Modes, Savepoint, Status, TransactionBlock};

/// What a start-up packet asks for besides user and database.
#[derive(Clone, Debug, Default)]
pub struct Startup {
    /// Settings, in the order given: from `options` and from parameters of their own.
    pub settings: Vec<(String, String)>,
}

/// What an environment depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct EnvKey {
    catalog: u64,
    epoch: u64,
    settings: u64,
    transaction: i64,
    statement: i64,
    modes: Modes,
}

impl EnvKey {
    /// Makes an environment that was made for this key good for another one, if only the time has changed since and nobody
    /// uses it any more.
    fn renew(&mut self, key: &EnvKey, env: &mut Arc<StatementEnv>) -> bool {
        if self == key {
            return true;
        }
        let same = (self.catalog, self.epoch, self.settings) == (key.catalog, key.epoch, key.settings);
        let Some(env) = Arc::get_mut(env).filter(|_| same) else { return false };
        env.transaction_timestamp = key.transaction;
        env.statement_timestamp = key.statement;
        env.modes = key.modes;
        *self = *key;
        true
    }
}

/// One session.
pub struct Session {
    pub(crate) shared: Arc<Shared>,
    pub(crate) block: TransactionBlock,
    pub(crate) catalog: CatalogTransaction,
    /// What the transaction made and removed in storage.
    pub(crate) storage_changes: StorageChanges,
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
        let authority = if role.superuser { Authority::Superuser } else { Authority::User };
        settings.set_computed("is_superuser", if role.superuser { "on" } else { "off" });
        settings.set_computed("session_authorization", &identity.user);
        let catalog = database.catalog.current();
        let warnings = settings.begin_with(&catalog, database.oid, &role);
        for (name, value) in &startup.settings {
            let asking = Asking { authenticated: &role.name, session_user: &settings.text("session_authorization") };
            asking.check(&catalog, name, value).map_err(fatal)?;
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
        for mut warning in warnings {
            warning.fields_mut().severity = Severity::Warning;
            shared.notice(warning);
        }
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
        Session {
            shared,
            block: TransactionBlock::default(),
            catalog: CatalogTransaction::default(),
            storage_changes: StorageChanges::default(),
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
            shown: (Arc::default(), None),
            row: Row::new(),
            listening: BTreeSet::new(),
            routines: RoutineCache::default(),
            large_objects: OpenLargeObjects::default(),
            seen: Seen::default(),
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

    /// What statements need of the settings.
    #[inline]
    pub(crate) fn derived(&mut self) -> &Arc<Derived> {
        if self.derived.0 != self.shared.settings_generation() {
            self.derive();
        }
        &self.derived.1
    }

    #[cold]
    fn derive(&mut self) {
        let settings = self.shared.settings.lock();
        self.derived = (settings.generation(), settings.derived().clone());
    }

    /// What converts texts from and to the client's encoding; `None` when that is UTF-8.
    #[inline]
    pub fn codec(&mut self) -> Option<&'static Codec> {
        self.derived().codec
    }

    /// The modes of the open transaction, or those that the next one begins with.
    pub(crate) fn modes(&mut self) -> Modes {
        if self.block.is_open() { self.block.modes } else { self.derived().transaction_modes }
    }

    /// The environment of a statement that begins now.
    #[inline]
    pub(crate) fn env(&mut self) -> Arc<StatementEnv> {
        self.env_now().clone()
    }

    /// Likewise, for a look.
    pub(crate) fn env_now(&mut self) -> &Arc<StatementEnv> {
        let key = EnvKey {
            catalog: self.shared.database.catalog.version(),
            epoch: if self.catalog.is_changed() { self.catalog_epoch } else { 0 },
            settings: self.shared.settings_generation(),
            transaction: if self.block.is_open() { self.block.started } else { self.statement_timestamp },
            statement: self.statement_timestamp,
            modes: self.modes(),
        };
        let is_good = self.last_env.as_mut().is_some_and(|(last, env)| last.renew(&key, env));
        if !is_good {
            self.last_env = Some((key, self.make_env(&key)));
        }
        match &self.last_env {
            Some((_, env)) => env,
            None => unreachable!("made above"),
        }
    }

    fn make_env(&mut self, key: &EnvKey) -> Arc<StatementEnv> {
        let derived = self.derived().clone();
        Arc::new(StatementEnv {
            catalog: self.catalog.view(&self.shared.database.catalog),
            derived,
            transaction_timestamp: key.transaction,
            statement_timestamp: key.statement,
            modes: key.modes,
            shared: self.shared.clone(),
            domains: Mutex::default(),
        })
    }

    /// Whether there were routines when the surroundings were last looked at: then a query may call one.
    #[inline]
    pub(crate) fn may_call_routines(&self) -> bool {
        self.last_env.as_ref().is_none_or(|(_, env)| env.catalog.has_routines())
    }

    /// A message begins to be answered: it can be cancelled, and its time is limited. Its time is that of its receipt, so
    /// messages that arrived together share it, up to the first that runs a statement.
    pub(crate) fn begin_message(&mut self) -> Option<Deadline> {
        if !self.is_running {
            self.is_running = true;
            self.follow_configuration();
            self.shared.backend.interrupts.begin_statement();
        }
        if !self.clock_read {
            self.clock_read = true;
            self.statement_timestamp = clock::now_micros();
        }
        self.statement_deadline()
    }

    /// Goes over to values for all sessions that were read since the last message.
    fn follow_configuration(&mut self) {
        let instance = &self.shared.instance;
        let version = instance.configuration.version();
        if version != self.configured {
            self.configured = version;
            let server = instance.settings.read().clone();
            self.shared.settings.lock().set_server(server);
        }
    }

    /// When a statement that begins now must have ended.
    pub(crate) fn statement_deadline(&mut self) -> Option<Deadline> {
        let timeout_ms = self.derived().statement_timeout_ms;
        let limit = Duration::from_millis(timeout_ms);
        (timeout_ms > 0).then(|| self.shared.instance.deadlines.set(limit, &self.shared.backend))
    }

    /// Shows others what runs.
    pub(crate) fn show_activity(&mut self, text: &Arc<str>) {
        let now = self.statement_timestamp;
        let is_known = Arc::ptr_eq(&self.shown.0, text);
        if is_known && self.shown.1 == Some(now) {
            return;
        }
        if let Some(started) = self.shown.1.replace(now) {
            self.meter_time(started, now);
        }
        let mut activity = self.shared.backend.activity.lock();
        if !is_known {
            self.shown.0 = text.clone();
            activity.query = text.clone();
        }
        activity.state = State::Active;
        activity.state_change = now;
        activity.query_start = Some(now);
        activity.transaction_start = self.block.is_open().then_some(self.block.started);
    }

    /// The statement of a message has run, well or badly; messages behind it run later than they came.
    pub(crate) fn end_message(&mut self, deadline: Option<Deadline>) {
        self.clock_read = false;
        // What came too late for this statement is not for the next one.
        if deadline.is_some() {
            drop(deadline);
            self.shared.backend.interrupts.end_statement();
            self.shared.backend.interrupts.begin_statement();
        }
    }

    /// The client is waited for: nothing can be cancelled.
    pub fn pause(&mut self) {
        self.clock_read = false;
        if std::mem::take(&mut self.is_running) {
            self.shared.backend.interrupts.end_statement();
        }
    }

    /// A query string or pipeline has been answered.
    pub(crate) fn end_activity(&mut self, client: &mut dyn Client) {
        self.pause();
        self.send_notices(client);
        let Some(started) = self.shown.1.take() else { return };
        let now = clock::now_micros();
        self.meter_time(started, now);
        let mut activity = self.shared.backend.activity.lock();
        activity.state_change = now;
        activity.state = match self.block.status() {
            Status::Idle => State::Idle,
            Status::InTransaction => State::IdleInTransaction,
            Status::Failed => State::IdleInTransactionAborted,
        };
        activity.transaction_start = self.block.is_open().then_some(self.block.started);
    }

    /// Lets notices of a statement that begins reach the client while it runs.
    pub(crate) fn lend_output(&self, client: &mut dyn Client) {
        self.send_notices(client);
        client.lend_output();
    }

    /// Hands waiting notices to the client.
    #[inline]
    pub fn send_notices(&self, client: &mut dyn Client) {
        self.shared.send_notices(client);
    }

    /// Whether a statement is one of several in its transaction: inside a block, or of a function.
    pub(crate) fn in_block(&self) -> bool {
        self.block.in_block() || self.routines.depth > 0
    }

    /// Opens a transaction if none is open.
    pub(crate) fn start_statement(&mut self) {
        if !self.block.is_open() {
            self.shared.backend.interrupts.end_reset();
            let modes = self.derived().transaction_modes;
            self.block.start_statement(modes, self.statement_timestamp);
        }
    }

    /// A statement or query string is done: outside a block its transaction is committed.
    pub(crate) async fn finish_statement(&mut self) -> Result<()> {
        let ending = self.block.finish();
        self.conclude(ending).await
    }

    /// Ends the transaction as [`TransactionBlock`] decided. A commit that fails has rolled back.
    pub(crate) async fn conclude(&mut self, ending: Ending) -> Result<()> {
        match ending {
            Ending::None => {
                self.settle().await;
                Ok(())
            }
            Ending::Rollback => {
                self.shared.backend.meters.rolled_back();
                self.rollback_transaction();
                Ok(())
            }
            Ending::Commit => match self.commit_transaction() {
                Ok(ended) => self.wait_durable(ended).await,
                Err(error) => {
                    self.block.abandon();
                    self.shared.backend.meters.rolled_back();
                    self.rollback_transaction();
                    Err(error)
                }
            },
        }
    }

    /// Commits what the session does on its own account.
    pub(crate) fn commit_quietly(&mut self) -> Result<()> {
        self.block.abandon();
        self.commit_transaction().map(drop)
    }

    fn commit_transaction(&mut self) -> Result<Ended> {
        self.check_deferred()?;
        self.hold_cursors()?;
        self.end_temporary_tables()?;
        let pending = self.take_pending()?;
        // Streams hold snapshots of the transaction.
        self.portals.retain(|portal| portal.is_held());
        let ended = self.commit_storage()?;
        self.storage_changes.committed(&self.shared.instance.storage);
        self.settle_settings();
        if let Some(pending) = pending {
            for action in pending.actions() {
                self.change_channels(action);
            }
            self.shared.instance.hub.deliver(&self.shared.database.name, pending.sent());
        }
        self.end_transaction();
        self.shared.backend.meters.committed();
        Ok(ended.and(self.shared.take_drawn()))
    }

    /// What SET said stays.
    fn settle_settings(&mut self) {
        if self.shared.settings_generation() != self.settled_settings || !self.block.savepoints.is_empty() {
            let mut settings = self.shared.settings.lock();
            settings.commit();
            self.settled_settings = settings.generation();
        }
    }

    /// The session goes on without the transaction that it has prepared.
    pub(crate) fn leave_prepared(&mut self, prepared: Result<Ended>) -> Result<Ended> {
        let ended = prepared?;
        self.settle_settings();
        self.end_transaction();
        Ok(ended.and(self.shared.take_drawn()))
    }

    /// Commits rows and catalog as one.
    fn commit_storage(&mut self) -> Result<Ended> {
        let is_promised = self.derived().synchronous_commit;
        let transaction = self.transaction.take();
        if !self.catalog.is_changed() {
            let committed = transaction.map(|transaction| transaction.commit_with(None, is_promised)).transpose()?;
            return Ok(Ended { lsn: committed.and_then(|committed| committed.lsn), is_promised });
        }
        let (instance, database) = (&self.shared.instance, &self.shared.database);
        let changes = self.catalog.changes();
        let attachment = instance.attachment(database, changes);
        let transaction = transaction.unwrap_or_else(|| Arc::new(self.storage.begin(Isolation::ReadCommitted)));
        let interrupts = &self.shared.backend.interrupts;
        let mut publish = || {
            if interrupts.is_reset() {
                return Err(dictdb_storage::database_reset());
            }
            database.catalog.commit(changes)?;
            instance.share_roles(changes, database.oid)
        };
        let with = Accompaniment { attachment: &attachment, publish: &mut publish };
        let committed = transaction.commit_with(Some(with), is_promised)?;
        Ok(Ended { lsn: committed.lsn, is_promised })
    }

    /// What the transaction does to channels, if anything; 54000 when there is no room for its notifications.
    fn take_pending(&self) -> Result<Option<Pending>> {
        let mut pending = self.shared.pending.lock();
        if pending.is_empty() {
            return Ok(None);
        }
        let pending = std::mem::take(&mut *pending);
        self.shared.instance.hub.check_room(pending.sent())?;
        Ok(Some(pending))
    }

    fn rollback_transaction(&mut self) {
        self.portals.retain(|portal| portal.is_held());
        if let Some(transaction) = self.transaction.take() {
            transaction.rollback();
        }
        self.storage_changes.rolled_back(&self.shared.instance.storage);
        *self.shared.pending.lock() = Pending::default();
        self.shared.drawn.store(0, Ordering::Relaxed);
        let mut settings = self.shared.settings.lock();
        settings.rollback();
        self.settled_settings = settings.generation();
        drop(settings);
        self.end_transaction();
    }

    fn end_transaction(&mut self) {
        self.owes_reset = false;
        if self.catalog.is_changed() {
            self.catalog = CatalogTransaction::default();
            self.catalog_epoch = self.shared.instance.new_epoch();
        }
        // A portal that was dropped, or a statement that failed, may have left something in it.
        if Arc::get_mut(&mut self.constraints).is_none_or(ConstraintQueue::is_touched) {
            self.constraints = Arc::default();
        }
        self.block.savepoints.clear();
        self.block.pipelined = false;
        self.large_objects.close_all();
    }

    fn change_channels(&mut self, action: &Action) {
        let (hub, backend) = (&self.shared.instance.hub, &self.shared.backend);
        let database = &self.shared.database.name;
        match action {
            Action::Listen(channel) => {
                if self.listening.insert(channel.clone()) {
                    hub.listen(database, channel, backend.pid, (backend.inbox.clone(), backend.attention.clone()));
                }
            }
            Action::Unlisten(channel) => {
                if self.listening.remove(channel) {
                    hub.unlisten(database, channel, backend.pid);
                }
            }
            Action::UnlistenAll => {
                for channel in std::mem::take(&mut self.listening) {
                    hub.unlisten(database, &channel, backend.pid);
                }
            }
        }
    }

    /// Whether it listens to something, or is about to.
    pub(crate) fn is_listening(&self) -> bool {
        !self.listening.is_empty() || !self.shared.pending.lock().is_empty()
    }

    /// Channels this session listens to.
    pub fn channels(&self) -> impl Iterator<Item = &Arc<str>> {
        self.listening.iter()
    }

    /// A statement failed: the transaction, or the innermost savepoint's part of it, is taken back.
    pub(crate) fn fail(&mut self) {
        let was_block = self.block.status() == Status::InTransaction;
        if self.shared.backend.interrupts.is_reset() {
            // No part of it can go on.
            self.block.savepoints.clear();
        }
        match self.block.fail() {
            Ending::Rollback => {
                self.shared.backend.meters.rolled_back();
                self.rollback_transaction();
            }
            _ if was_block => self.fail_block(),
            _ => {}
        }
        self.shared.backend.interrupts.end_reset();
    }

    /// The block has failed. What its innermost savepoint covers is undone at once, everything when there is none, so that
    /// others need not wait for the client's ROLLBACK.
    fn fail_block(&mut self) {
        let depth = self.block.savepoints.len();
        // They stay until the client ends the block or takes it back to before them.
        for portal in self.portals.iter_mut().filter(|portal| !portal.is_held() && portal.depth >= depth) {
            portal.fail();
        }
        self.large_objects.close_from(depth);
        let mut settings = self.shared.settings.lock();
        match depth.checked_sub(1) {
            Some(innermost) => settings.rollback_to_savepoint(innermost),
            None => settings.rollback(),
        }
        drop(settings);
        if let Some(transaction) = &self.transaction {
            match self.block.savepoints.last().and_then(|savepoint| savepoint.storage) {
                // A savepoint that storage does not know is one it has rolled back to already.
                Some(savepoint) => drop(transaction.rollback_to(savepoint)),
                None => transaction.rollback(),
            }
        }
        self.catalog_epoch = self.shared.instance.new_epoch();
        let (catalog, ddl) = match self.block.savepoints.last() {
            Some(savepoint) => (savepoint.catalog, savepoint.storage_changes),
            None => (0, (0, 0)),
        };
        self.catalog.rollback_to(catalog);
        self.storage_changes.rollback_to(ddl, &self.shared.instance.storage);
    }

    /// SAVEPOINT.
    pub(crate) fn push_savepoint(&mut self, name: &str) -> Result<()> {
        self.block.require_block("SAVEPOINT")?;
        self.begin_part(name);
        Ok(())
    }

    /// Begins a part of the transaction that can be taken back.
    pub(crate) fn begin_part(&mut self, name: &str) {
        self.shared.settings.lock().push_savepoint();
        self.block.savepoints.push(Savepoint {
            name: name.into(),
            notifications: self.shared.pending.lock().position(),
            catalog: self.catalog.position(),
            storage_changes: self.storage_changes.position(),
            constraints: self.constraints.position(),
            storage: self.transaction.as_ref().map(|transaction| transaction.savepoint()),
            modes: self.block.modes,
        });
    }

    /// RELEASE SAVEPOINT.
    pub(crate) fn release_savepoint(&mut self, name: &str) -> Result<()> {
        self.block.require_block("RELEASE SAVEPOINT")?;
        let depth = self.block.find_savepoint(name)?;
        self.release_part(depth)
    }

    /// Keeps what was done since the savepoint at this depth, which is forgotten.
    pub(crate) fn release_part(&mut self, depth: usize) -> Result<()> {
        if let (Some(transaction), Some(savepoint)) = (&self.transaction, self.block.savepoints[depth].storage) {
            transaction.release(savepoint)?;
        }
        self.block.modes.read_only = self.block.savepoints[depth].modes.read_only;
        self.block.savepoints.truncate(depth);
        self.shared.settings.lock().release_savepoints(depth);
        for portal in self.portals.iter_mut() {
            portal.depth = portal.depth.min(depth);
        }
        self.large_objects.keep_at(depth);
        Ok(())
    }

    /// ROLLBACK TO SAVEPOINT.
    pub(crate) fn rollback_to_savepoint(&mut self, name: &str) -> Result<()> {
        self.block.require_block("ROLLBACK TO SAVEPOINT")?;
        let depth = self.block.find_savepoint(name)?;
        self.roll_back_part(depth)
    }

    /// Takes back what was done since the savepoint at this depth, which stays.
    pub(crate) fn roll_back_part(&mut self, depth: usize) -> Result<()> {
        self.block.savepoints.truncate(depth + 1);
        let Some(savepoint) = self.block.savepoints.last().cloned() else { return Ok(()) };
        self.block.modes = savepoint.modes;
        self.portals.retain(|portal| portal.is_held() || portal.depth <= depth);
        self.large_objects.close_from(depth + 1);
        if let (Some(transaction), Some(savepoint)) = (&self.transaction, savepoint.storage) {
            transaction.rollback_to(savepoint)?;
        }
        self.catalog_epoch = self.shared.instance.new_epoch();
        self.catalog.rollback_to(savepoint.catalog);
        self.storage_changes.rollback_to(savepoint.storage_changes, &self.shared.instance.storage);
        self.constraints.rollback_to(&savepoint.constraints);
        self.shared.pending.lock().rollback_to(savepoint.notifications);
        self.shared.settings.lock().rollback_to_savepoint(depth);
        self.block.revive();
        Ok(())
    }

    /// What came for the session while it waited for its client: notifications, outside a transaction.
    pub fn report_mail(&mut self, client: &mut dyn Client) {
        if !self.block.is_open() && !self.shared.backend.inbox.is_empty() {
            for notification in self.shared.instance.hub.take(&self.shared.backend.inbox) {
                client.notification(notification.sender, &notification.channel, &notification.payload);
            }
        }
    }

    /// Tells the client what changed for it: notices, notifications outside a transaction, reported settings. Called before
    /// every ReadyForQuery.
    pub fn report_changes(&mut self, client: &mut dyn Client) {
        self.send_notices(client);
        self.report_mail(client);
        if self.reported_generation == self.shared.settings_generation() {
            return;
        }
        let settings = self.shared.settings.lock();
        self.reported_generation = settings.generation();
        let known = std::mem::take(&mut self.reported);
        for (index, (name, value)) in settings.reported().enumerate() {
            if known.get(index) != Some(&value) {
                client.parameter_status(name, &value);
            }
            self.reported.push(value);
        }
        self.shared.backend.activity.lock().application_name = settings.text("application_name").into();
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

/// Whether the database accepts connections, CONNECT on it, and the connection limits of role and database; of these superusers are
/// free. 55000, 42501, 53300.
fn admit(instance: &Instance, database: &Database, role: &Role) -> Result<()> {
    let refuse = |code, message: String| Err(Error::with_severity(Severity::Fatal, code, message));
    if !database.attributes.allows_connections {
        let message = format!("database \"{}\" is not currently accepting connections", database.name);
        return refuse(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message);
    }
    if role.superuser {
        return Ok(());
    }
    let catalog = database.catalog.current();
    let acl = catalog.acl_of(DATABASE_CLASS, database.oid);
    let held = catalog.held_privileges(role.oid, AclKind::Database, database.attributes.owner, acl);
    if !held.privileges.contains(Privileges::CONNECT) {
        let message = format!("permission denied for database \"{}\"", database.name);
        return refuse(SqlState::INSUFFICIENT_PRIVILEGE, message)
            .map_err(|error| error.detail("User does not have CONNECT privilege."));
    }
    let all = instance.backends.all();
    let of_database = all.iter().filter(|backend| backend.identity.database == database.name).count();
    let of_role = all.iter().filter(|backend| backend.identity.user == role.name).count();
    let over = |limit: i32, count: usize| usize::try_from(limit).is_ok_and(|limit| count > limit);
    if over(database.attributes.connection_limit, of_database) {
        let message = format!("too many connections for database \"{}\"", database.name);
        return refuse(SqlState::TOO_MANY_CONNECTIONS, message);
    }
    if over(role.connection_limit, of_role) {
        return refuse(SqlState::TOO_MANY_CONNECTIONS, format!("too many connections for role \"{}\"", role.name));
    }
    Ok(())
}

/// Makes an error end the session.
fn fatal(mut error: Error) -> Error {
    error.fields_mut().severity = Severity::Fatal;
    error
}
