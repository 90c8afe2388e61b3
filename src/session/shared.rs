//! What functions, and other parts of the session, may reach while a statement of it runs.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use dictdb_catalog::Catalog;
use dictdb_durability::Lsn;
use dictdb_executor::ddl::Acting;
use dictdb_storage::Transaction;
use dictdb_types::{Error, Oid, Result, Severity, SqlState};
use parking_lot::Mutex;

use crate::authorization::authority_over;
use crate::backends::Backend;
use crate::client::{Client, Herald};
use crate::event_trigger::RunningCommands;
use crate::function_statistics::PendingFunctions;
use crate::instance::{Database, Instance};
use crate::log;
use crate::notifications::Pending;
use crate::portal::{NamedPortals, Portals};
use crate::prepared::{NamedStatements, PreparedStatements};
use crate::routines::RunningTriggers;
use crate::seat::Seat;
use crate::sequences::SequenceValues;
use crate::settings::{Authority, Beacon, SettingRow, Settings};

/// The part of a session that functions may reach while a statement runs.
pub struct Shared {
    /// What all sessions share.
    pub instance: Arc<Instance>,
    /// The database.
    pub database: Arc<Database>,
    /// The session as others see it.
    pub backend: Arc<Backend>,
    /// Its settings.
    pub settings: Mutex<Settings>,
    /// What is to be seen of them without the lock.
    beacon: Arc<Beacon>,
    /// LISTEN and NOTIFY of the open transaction.
    pub pending: Mutex<Pending>,
    /// Schema of its temporary objects; zero until there are any.
    temporary_schema: AtomicU32,
    /// What `currval` and `lastval` know.
    pub sequences: Mutex<SequenceValues>,
    /// What the transaction waits for at its end because it had values of sequences; zero when it had none.
    pub(crate) drawn: AtomicU64,
    /// The open transaction in storage.
    transaction: Mutex<Weak<Transaction>>,
    notices: Mutex<Vec<Error>>,
    /// Who says notices at once, if anybody can.
    herald: OnceLock<Arc<dyn Herald>>,
    /// The client hears no notices for a while.
    is_hushed: AtomicBool,
    /// Its named prepared statements.
    pub(crate) prepared: Arc<NamedStatements>,
    /// Its named portals.
    pub(crate) cursors: Arc<NamedPortals>,
    has_notices: AtomicBool,
    /// Where the session is while a plan runs.
    pub(crate) seat: Seat,
    /// What its running triggers share with plans.
    pub(crate) triggers: RunningTriggers,
    /// The commands that event triggers watch.
    pub(crate) commands: Arc<RunningCommands>,
    /// The owner of the SECURITY DEFINER function that runs.
    acting: Mutex<Acting>,
    /// What its transaction has counted of functions.
    pub(crate) functions: Mutex<PendingFunctions>,
}

impl Shared {
    /// What a new session shares, its statements and portals by name among it.
    pub(crate) fn new(
        instance: Arc<Instance>,
        database: Arc<Database>,
        backend: Arc<Backend>,
        settings: Settings,
        (prepared, portals): (&PreparedStatements, &Portals),
    ) -> Shared {
        Shared {
            instance,
            database,
            backend,
            beacon: settings.beacon(),
            settings: Mutex::new(settings),
            pending: Mutex::default(),
            temporary_schema: AtomicU32::new(0),
            sequences: Mutex::default(),
            drawn: AtomicU64::new(0),
            transaction: Mutex::default(),
            notices: Mutex::default(),
            herald: OnceLock::new(),
            is_hushed: AtomicBool::new(false),
            prepared: prepared.named(),
            cursors: portals.named(),
            has_notices: AtomicBool::new(false),
            seat: Seat::default(),
            triggers: RunningTriggers::default(),
            commands: Arc::default(),
            acting: Mutex::default(),
            functions: Mutex::default(),
        }
    }

    /// Changes whenever the settings may have changed.
    pub(crate) fn settings_generation(&self) -> u64 {
        self.beacon.generation()
    }

    /// What is to be seen of the settings without their lock, for work that borrows the session.
    pub(crate) fn beacon(&self) -> Arc<Beacon> {
        self.beacon.clone()
    }

    /// Schema of the session's temporary objects, once it has made some.
    pub fn temporary_schema(&self) -> Option<Oid> {
        Some(Oid(self.temporary_schema.load(Ordering::Relaxed))).filter(|oid| oid.is_valid())
    }

    pub(crate) fn set_temporary_schema(&self, oid: Oid) {
        self.temporary_schema.store(oid.0, Ordering::Relaxed);
    }

    /// The open transaction in storage, for functions that ask about it.
    pub(crate) fn open_transaction(&self) -> Option<Arc<Transaction>> {
        self.transaction.lock().upgrade()
    }

    /// What the transaction has drawn from sequences: where that is on disk. Zero is nothing.
    pub(crate) fn take_drawn(&self) -> Lsn {
        // Hardly any transaction draws, and a look costs less than an exchange.
        let drawn = self.drawn.load(Ordering::Relaxed) != 0;
        Lsn(if drawn { self.drawn.swap(0, Ordering::Relaxed) } else { 0 })
    }

    pub(crate) fn opened(&self, transaction: &Arc<Transaction>) {
        *self.transaction.lock() = Arc::downgrade(transaction);
    }

    /// `session_user`, until SET SESSION AUTHORIZATION changes it.
    pub fn session_user(&self) -> Arc<str> {
        let settings = self.settings.lock();
        match settings.text("session_authorization") {
            name if name.is_empty() => self.backend.identity.user.clone(),
            name => name.into(),
        }
    }

    /// `current_user`: the role of SET ROLE, or the session's user.
    pub fn current_user(&self) -> Arc<str> {
        if let Some(role) = &self.acting.lock().role {
            return role.clone();
        }
        let role = self.settings.lock().text("role");
        if role.is_empty() || role == "none" { self.session_user() } else { role.into() }
    }

    /// Whether statements run as the owner of a function.
    pub(crate) fn acts_as_definer(&self) -> bool {
        self.acting.lock().role.is_some()
    }

    /// Whether statements may do nothing that outlasts the operation that they are a part of.
    pub(crate) fn is_restricted(&self) -> bool {
        self.acting.lock().restricted
    }

    /// 42501 for something that a restricted operation may not do.
    pub(crate) fn check_unrestricted(&self, doing: impl FnOnce() -> String) -> Result<()> {
        if !self.is_restricted() {
            return Ok(());
        }
        let message = format!("cannot {} within security-restricted operation", doing());
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
    }

    /// As whom statements run.
    pub(crate) fn acting(&self) -> Acting {
        self.acting.lock().clone()
    }

    /// Lets statements run as somebody.
    pub(crate) fn act(&self, acting: Acting) {
        *self.acting.lock() = acting;
    }

    /// Lets statements run as another role, or (`None`) as the session's own; who it was before.
    pub(crate) fn act_as(&self, role: Option<Arc<str>>) -> Option<Arc<str>> {
        std::mem::replace(&mut self.acting.lock().role, role)
    }

    /// Whether the current user is a superuser.
    pub fn is_superuser(&self) -> bool {
        let catalog = self.database.catalog.current();
        catalog.role_named(&self.current_user()).is_some_and(|role| role.superuser)
    }

    /// Sends a notice or warning to the client, if it wants reports of that kind.
    pub fn notice(&self, notice: Error) {
        let severity = notice.fields().severity;
        let settings = self.settings.lock();
        let (wanted, logged) = (settings.derived().client_min_messages, log::wants(&settings.derived().log, severity));
        drop(settings);
        if let Some(verbosity) = logged {
            self.log_error(&notice, &log::Details { verbosity, ..log::Details::default() });
        }
        let is_heard = severity == Severity::Info || severity >= wanted && wanted < Severity::Error;
        if is_heard && !self.is_hushed.load(Ordering::Relaxed) && !self.is_said(&notice) {
            self.notices.lock().push(notice);
            self.has_notices.store(true, Ordering::Release);
        }
    }

    /// Says a notice at once, unless others wait or nobody can.
    fn is_said(&self, notice: &Error) -> bool {
        !self.has_notices.load(Ordering::Acquire) && self.herald.get().is_some_and(|herald| herald.say(notice))
    }

    /// Names who says notices at once.
    pub fn set_herald(&self, herald: Arc<dyn Herald>) {
        // A session has one connection.
        let _ = self.herald.set(herald);
    }

    /// Does something of which the client hears no notice.
    pub(crate) fn hush(&self, is_hushed: bool) {
        self.is_hushed.store(is_hushed, Ordering::Relaxed);
    }

    /// What `SHOW name` and `current_setting(name)` return; 42704, 42501.
    pub fn show(&self, name: &str) -> Result<String> {
        if Settings::is_confidential(name) && !self.reads_all_settings() {
            let message = format!("must be superuser or have privileges of pg_read_all_settings to examine \"{name}\"");
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        self.settings.lock().show(name)
    }

    /// All settings that the current user may see.
    pub(crate) fn setting_rows(&self) -> Vec<SettingRow> {
        let mut rows = self.settings.lock().rows();
        if !self.reads_all_settings() {
            rows.retain(|row| row.definition.is_none_or(|definition| !definition.confidential));
        }
        rows
    }

    /// Whether the current user has the privileges of `pg_read_all_settings`.
    pub(crate) fn reads_all_settings(&self) -> bool {
        let catalog = self.database.catalog.current();
        let (user, role) = (catalog.role_named(&self.current_user()), catalog.role_named("pg_read_all_settings"));
        user.zip(role)
            .is_some_and(|(user, role)| user.superuser || catalog.inherited_roles(user.oid).contains(&role.oid))
    }

    /// As who the current user changes a setting.
    pub(crate) fn authority_over(&self, catalog: &Catalog, setting: &str) -> Authority {
        match catalog.role_named(&self.current_user()) {
            Some(role) => authority_over(catalog, role.oid, setting),
            None => Authority::User,
        }
    }

    /// Hands waiting notices to the client.
    #[inline]
    pub(crate) fn send_notices(&self, client: &mut dyn Client) {
        if self.has_notices.load(Ordering::Acquire) {
            for notice in self.take_notices() {
                client.notice(&notice);
            }
        }
    }

    pub(crate) fn take_notices(&self) -> Vec<Error> {
        self.has_notices.store(false, Ordering::Release);
        std::mem::take(&mut *self.notices.lock())
    }
}
