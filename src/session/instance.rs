//! What all sessions of a server share.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use dictdb_backup::Manager;
use dictdb_catalog::{BOOTSTRAP_ROLE, Catalog, CatalogStore, Change, Key, Object, Role, are_comments_shared};
use dictdb_durability::{Breaker, DatabaseAttributes, Durability, RecoveryProgress};
use dictdb_executor::Engine;
use dictdb_executor::ddl::Verifiers;
use dictdb_functions::kernel::Registry;
use dictdb_storage::{Blocking, Storage};
use dictdb_types::{Error, Oid, Result, Severity, SqlState};
use parking_lot::RwLock;

use crate::analysis::Analyses;
use crate::backends::Backends;
use crate::clock;
use crate::configuration::Configuration;
use crate::deadlines::Deadlines;
use crate::exported_snapshots::ExportedSnapshots;
use crate::feed::Feeds;
use crate::function_statistics::FunctionStatistics;
use crate::long_waits::LockWaits;
use crate::notifications::Hub;
use crate::persistence::{self, Opened};
use crate::pipeline::StatisticsCache;
use crate::plan_cache::PlanCache;
use crate::prepared_transactions::PreparedTransactions;
use crate::rate_limits::RateLimits;
use crate::result_cache::ResultCache;
use crate::settings::ServerSettings;
use crate::statement_statistics::StatementStatistics;
use crate::statistics_resets::StatisticsResets;
use crate::unsupported::UnsupportedUsage;

/// One database.
pub struct Database {
    /// `pg_database.oid`.
    pub oid: Oid,
    /// `pg_database.datname`.
    pub name: Arc<str>,
    /// `pg_database.datdba` and what else ALTER DATABASE changes.
    pub attributes: DatabaseAttributes,
    /// Its objects.
    pub catalog: Arc<CatalogStore>,
}

/// What CREATE DATABASE says of a database.
pub(crate) struct NewDatabase {
    /// Its name.
    pub name: Arc<str>,
    /// Its owner and options.
    pub attributes: DatabaseAttributes,
}

/// `pg_class.oid` of `pg_database`.
pub(crate) const DATABASE_CLASS: Oid = Oid(1262);

/// `pg_database.oid` of the database that exists from the start.
pub(crate) const FIRST_DATABASE: Oid = Oid(5);

/// Those of the databases that new ones are copies of.
pub(crate) const TEMPLATE1: Oid = Oid(1);
pub(crate) const TEMPLATE0: Oid = Oid(4);

/// A running server, as sessions know it.
pub struct Instance {
    /// Values of settings for all sessions; replaced as a whole when the configuration is read again.
    pub settings: RwLock<Arc<ServerSettings>>,
    /// The other sessions.
    pub backends: Arc<Backends>,
    /// LISTEN and NOTIFY.
    pub hub: Hub,
    /// `statement_timeout`.
    pub deadlines: Arc<Deadlines>,
    /// `pg_postmaster_start_time()`.
    pub started: i64,
    /// The data of all databases.
    pub storage: Storage,
    /// What executions share.
    pub engine: Arc<Engine>,
    /// Bytes that tables and statements may hold between them.
    pub(crate) memory_bytes: usize,
    /// Every function that has an implementation.
    pub registry: Registry,
    /// Statements that have been analysed.
    pub(crate) plans: PlanCache,
    /// Results of queries.
    pub(crate) results: ResultCache,
    /// When counters were reset.
    pub(crate) statistics_resets: StatisticsResets,
    /// How often functions of users were called.
    pub(crate) function_statistics: FunctionStatistics,
    /// Statistics of columns.
    pub(crate) statistics: StatisticsCache,
    /// What ANALYZE found.
    pub(crate) analyses: Arc<Analyses>,
    /// What statements ask of stored passwords; the server knows.
    pub verifiers: OnceLock<Verifiers>,
    /// What the settings come from.
    pub(crate) configuration: Configuration,
    /// Snapshots that sessions have exported.
    pub(crate) snapshots: ExportedSnapshots,
    /// How often clients ask.
    pub rate_limits: RateLimits,
    /// What clients asked for in vain.
    pub(crate) unsupported: UnsupportedUsage,
    /// Guards the cache of results.
    pub(crate) cache_breaker: Breaker,
    /// Databases that are being dropped with their sessions: nobody comes in any more.
    pub closing: Closing,
    /// Tables that are followed live.
    pub(crate) feeds: Arc<Feeds>,
    /// Transactions that wait for their second phase.
    pub(crate) prepared: PreparedTransactions,
    epochs: AtomicU64,
    databases: Arc<RwLock<Vec<Arc<Database>>>>,
    /// What statements were counted.
    pub(crate) statement_statistics: StatementStatistics,
    /// Backups of its databases.
    pub(crate) backups: Arc<Manager>,
    /// The data directory; `None` when everything is in memory only.
    pub(crate) durability: Option<Arc<Durability>>,
}

/// Tells the runtime that a thread is about to wait.
struct RuntimeBlocking;

impl Blocking for RuntimeBlocking {
    fn block(&self, wait: &mut dyn FnMut()) {
        tokio::task::block_in_place(wait);
    }
}

impl Instance {
    /// An instance whose statements may hold so many bytes between them: with what is in a data directory, or with one empty
    /// database in memory only.
    pub fn new(
        settings: ServerSettings,
        database: &str,
        memory_bytes: usize,
        directory: Option<&Path>,
    ) -> Result<Instance> {
        Self::watched(settings, database, memory_bytes, directory, Arc::default())
    }

    /// Likewise, for somebody who wants to know how far it is.
    pub fn watched(
        mut settings: ServerSettings,
        database: &str,
        memory_bytes: usize,
        directory: Option<&Path>,
        progress: Arc<RecoveryProgress>,
    ) -> Result<Instance> {
        let storage = Storage::new();
        storage.set_blocking(Arc::new(RuntimeBlocking));
        let backends = Arc::<Backends>::default();
        storage.set_wait_log(Arc::new(LockWaits(backends.clone())));
        let registry = crate::system::registry().clone();
        let opened = match directory {
            Some(directory) => persistence::open(&mut settings, directory, database, &storage, &registry, progress)?,
            None => in_memory(database)?,
        };
        let feeds = Arc::new(Feeds::new(opened.databases.clone()));
        storage.set_watcher(feeds.clone());
        let engine = Engine::new(memory_bytes, registry.clone())?;
        engine.count_tables(&storage);
        let statistics = StatisticsCache::default();
        opened.databases.read().iter().for_each(|database| {
            statistics.recall(&opened.analyses, database.oid, &database.catalog.current(), &storage);
        });
        Ok(Instance {
            settings: RwLock::new(Arc::new(settings)),
            backends,
            hub: Hub::default(),
            deadlines: Arc::default(),
            started: clock::now_micros(),
            storage,
            engine,
            memory_bytes,
            registry,
            plans: PlanCache::default(),
            results: ResultCache::default(),
            statement_statistics: StatementStatistics::default(),
            statistics_resets: StatisticsResets::default(),
            function_statistics: FunctionStatistics::default(),
            statistics,
            analyses: opened.analyses,
            verifiers: OnceLock::new(),
            configuration: Configuration::default(),
            snapshots: ExportedSnapshots::default(),
            rate_limits: RateLimits::default(),
            unsupported: UnsupportedUsage::default(),
            cache_breaker: Breaker::new("cache"),
            closing: Closing::default(),
            feeds,
            prepared: opened.prepared,
            epochs: AtomicU64::new(1),
            databases: opened.databases,
            backups: Arc::default(),
            durability: opened.durability,
        })
    }

    /// The database of that name; fatally 3D000 when there is none.
    pub fn database(&self, name: &str) -> Result<Arc<Database>> {
        let mut databases = self.databases().into_iter();
        databases.find(|database| *database.name == *name).ok_or_else(|| {
            let message = format!("database \"{name}\" does not exist");
            Error::with_severity(Severity::Fatal, SqlState::UNDEFINED_DATABASE, message)
        })
    }

    /// Makes a role a superuser that may log in, creating it if need be, with a SCRAM verifier as its password.
    pub fn ensure_superuser(&self, name: &str, verifier: Option<Arc<str>>) -> Result<()> {
        let databases = self.databases();
        let database = databases.first().ok_or_else(|| Error::internal("there is no database"))?;
        let catalog = database.catalog.current();
        if let Some(role) = catalog.role_named(name)
            && self.durability.as_ref().is_some_and(|durability| !durability.directory().is_new())
            && role.superuser
            && role.login
            && (verifier.is_none() || role.password.is_some())
        {
            // A password that was changed since is not changed back.
            return Ok(());
        }
        let known = catalog.role_named(name).or_else(|| catalog.role(BOOTSTRAP_ROLE));
        let template = known.ok_or_else(|| Error::internal("the bootstrap role is missing"))?;
        let mut role = Role::clone(template);
        if *role.name != *name {
            role.oid = database.catalog.allocate_oid();
            role.name = name.into();
        }
        role.password = verifier.or(role.password);
        role.superuser = true;
        role.login = true;
        self.change_catalog(database, &[Change::Put(Object::Role(Arc::new(role)))])
    }

    /// 42P04 when there is a database of that name.
    pub(crate) fn check_vacant(&self, name: &str) -> Result<()> {
        if self.databases().iter().any(|database| *database.name == *name) {
            let message = format!("database \"{name}\" already exists");
            return Err(Error::new(SqlState::DUPLICATE_DATABASE, message));
        }
        Ok(())
    }

    /// Lets everybody see a database; under the commit lock, after [`Instance::check_vacant`].
    pub(crate) fn list(&self, database: Arc<Database>) {
        self.databases.write().push(database);
    }

    /// Gives a database another name, which nobody uses it by, or other attributes. 42P04 when the name is taken, 3D000 when the database
    /// is gone, 55006 when somebody uses the name.
    pub(crate) fn alter_database(&self, oid: Oid, name: Option<&str>, attributes: DatabaseAttributes) -> Result<()> {
        let logged = self.storage.in_commit_order(|| {
            name.map_or(Ok(()), |name| self.check_vacant(name))?;
            let put = |databases: &mut Vec<Arc<Database>>, at: usize, changed: &Arc<Database>| {
                std::mem::replace(&mut databases[at], changed.clone())
            };
            let (before, changed) = {
                let mut databases = self.databases.write();
                let at = place_of(&databases, oid)?;
                let known = databases[at].clone();
                if name.is_some() {
                    self.check_unused(&known)?;
                }
                let name = name.map_or_else(|| known.name.clone(), Arc::from);
                let changed = Arc::new(Database { oid, name, attributes, catalog: known.catalog.clone() });
                (put(&mut databases, at, &changed), changed)
            };
            self.log_database_change(&changed).inspect_err(|_| {
                let mut databases = self.databases.write();
                if let Ok(at) = place_of(&databases, oid) {
                    put(&mut databases, at, &before);
                }
            })
        })?;
        self.wait_logged(logged)
    }

    /// Forgets a database that nobody uses, or a snapshot, with its tables and snapshots. 3D000 when it is gone, 55006 when somebody has
    /// come meanwhile.
    pub(crate) fn drop_database(&self, dropped: Oid) -> Result<()> {
        let (gone, logged) = self.storage.in_commit_order(|| {
            let database = self.unlist(dropped)?;
            let snapshots = self.snapshots_of(Some(dropped));
            let gone: Vec<Arc<Database>> = snapshots.into_iter().chain([database.clone()]).collect();
            let mut logged = None;
            for database in &gone {
                logged = self.forget(database).inspect_err(|_| {
                    // What could not be logged has not happened.
                    if database.oid == dropped {
                        self.list(database.clone());
                    }
                })?;
            }
            Ok::<_, Error>((gone, logged))
        })?;
        for database in &gone {
            self.analyses.forget(database.oid);
            self.drop_stored(&database.catalog.current());
        }
        self.wait_logged(logged)
    }

    /// Takes a database out of the list. Who enters later does not find it, and who has entered before is seen here.
    fn unlist(&self, oid: Oid) -> Result<Arc<Database>> {
        let mut databases = self.databases.write();
        let at = place_of(&databases, oid)?;
        if databases[at].attributes.snapshot.is_none() {
            self.check_unused(&databases[at])?;
        }
        Ok(databases.remove(at))
    }

    /// 55006 when sessions use a database.
    fn check_unused(&self, database: &Database) -> Result<()> {
        match self.backends.all().iter().any(|backend| backend.identity.database == database.name) {
            true => Err(in_use(&database.name)),
            false => Ok(()),
        }
    }

    /// Logs that a database that is listed no more is gone; under the commit lock. Nobody commits anything in it any more.
    fn forget(&self, database: &Database) -> Result<Option<dictdb_durability::Lsn>> {
        let catalog = database.catalog.current();
        let own = catalog.settings().filter(|((of, _), _)| *of == database.oid);
        let forgotten: Vec<Change> = own.map(|(place, _)| Change::Settings { place: *place, values: None }).collect();
        let logged = self.log_dropped_database(database, &forgotten)?;
        self.databases.write().retain(|listed| listed.oid != database.oid);
        self.share_roles(&forgotten, database.oid)?;
        self.feeds.database_gone(&self.storage, database.oid, "the database was dropped");
        database.catalog.close();
        self.retire_tables(&catalog);
        Ok(logged)
    }

    /// Lets nobody commit rows of these tables any more; under the commit lock.
    pub(crate) fn retire_tables(&self, catalog: &Catalog) {
        let stored = catalog.relations().filter(|relation| relation.is_stored());
        stored.filter_map(|relation| self.storage.table(relation.storage)).for_each(|table| table.retire());
    }

    /// Roles are of all databases: repeats committed changes of them in the other ones.
    pub(crate) fn share_roles(&self, changes: &[Change], origin: Oid) -> Result<()> {
        let changes = shared_changes(changes);
        if changes.is_empty() {
            return Ok(());
        }
        let others = self.databases().into_iter().filter(|database| database.oid != origin);
        others.into_iter().try_for_each(|database| database.catalog.commit(&changes).map(drop))
    }

    /// The role of that name, looked up before a session exists.
    pub fn role(&self, name: &str) -> Option<Arc<Role>> {
        let databases = self.databases.read();
        databases.first().and_then(|database| database.catalog.current().role_named(name).cloned())
    }

    /// A number that no other version of an uncommitted catalog has.
    pub(crate) fn new_epoch(&self) -> u64 {
        self.epochs.fetch_add(1, Ordering::Relaxed)
    }

    /// Every database.
    pub fn databases(&self) -> Vec<Arc<Database>> {
        let databases = self.databases.read();
        databases.iter().filter(|database| database.attributes.snapshot.is_none()).cloned().collect()
    }

    /// Every database and every snapshot of one.
    pub(crate) fn listed(&self) -> Vec<Arc<Database>> {
        self.databases.read().clone()
    }
}

/// An empty database with the roles of another one, which nobody can see yet.
pub(crate) fn new_database(new: NewDatabase, like: &Database) -> Result<Database> {
    let catalog = CatalogStore::beside(&like.catalog, Catalog::bootstrap());
    let current = like.catalog.current();
    let roles = current.roles().map(|role| Change::Put(Object::Role(role.clone())));
    let settings =
        current.settings().map(|(place, values)| Change::Settings { place: *place, values: Some(values.clone()) });
    let parameters = current.parameters();
    let parameters = parameters.map(|(name, oid, list)| Change::Parameter(name.clone(), Some((oid, list.to_vec()))));
    let comments = current.comments().filter(|((class, ..), _)| are_comments_shared(*class));
    let comments = comments.map(|(place, text)| Change::Comment(*place, Some(text.clone())));
    let tablespaces = current.tablespace_changes();
    let all = roles.chain(settings).chain(parameters).chain(comments).chain(tablespaces);
    catalog.commit(&all.collect::<Vec<_>>())?;
    let oid = catalog.allocate_oid();
    let NewDatabase { name, attributes } = new;
    Ok(Database { oid, name, attributes, catalog: Arc::new(catalog) })
}

/// The changes that are of all databases: roles, tablespaces, privileges on databases, tablespaces and parameters, what their sessions
/// begin with, and comments on them.
pub(crate) fn shared_changes(changes: &[Change]) -> Vec<Change> {
    let is_shared = |change: &&Change| match change {
        Change::Put(Object::Role(_)) | Change::Remove(Key::Role(_)) => true,
        Change::Acl { class, .. } if *class == DATABASE_CLASS => true,
        Change::Comment((class, ..), _) if are_comments_shared(*class) => true,
        Change::Settings { .. } | Change::Parameter(..) => true,
        other => other.is_of_tablespace(),
    };
    changes.iter().filter(is_shared).cloned().collect()
}

/// What initdb says of the databases that every server has.
const INITIAL_COMMENTS: [(Oid, &str); 3] = [
    (TEMPLATE1, "default template for new databases"),
    (TEMPLATE0, "unmodifiable empty database"),
    (FIRST_DATABASE, "default administrative connection database"),
];

/// Takes that out of a catalog which becomes another database's.
pub(crate) fn forget_initial_comments(catalog: &mut Catalog) {
    for (oid, text) in INITIAL_COMMENTS {
        if catalog.comment(DATABASE_CLASS, oid, 0).is_some_and(|said| **said == *text) {
            catalog.apply(&Change::Comment((DATABASE_CLASS, oid, 0), None));
        }
    }
}

/// Privileges and comments on the databases that every server has, as initdb makes them; they are of all databases.
pub(crate) fn initial_shared_changes() -> Vec<Change> {
    let acl = ["=c/postgres", "postgres=CTc/postgres"].map(Arc::from).to_vec();
    let acl = |object| Change::Acl { class: DATABASE_CLASS, object, acl: Some(acl.clone()) };
    let comments = INITIAL_COMMENTS.map(|(oid, text)| Change::Comment((DATABASE_CLASS, oid, 0), Some(Arc::from(text))));
    [TEMPLATE1, TEMPLATE0].map(acl).into_iter().chain(comments).collect()
}

/// The databases that every server has besides the first: the one that new ones begin as, and the one that stays as it was.
pub(crate) fn template_databases(first: &CatalogStore) -> [Arc<Database>; 2] {
    [(TEMPLATE1, "template1", true), (TEMPLATE0, "template0", false)].map(|(oid, name, allows_connections)| {
        let mut catalog = Catalog::bootstrap();
        catalog.share_with(&first.current());
        let catalog = Arc::new(CatalogStore::beside(first, catalog));
        let own = DatabaseAttributes::of_owner(BOOTSTRAP_ROLE);
        let attributes = DatabaseAttributes { allows_connections, is_template: true, ..own };
        Arc::new(Database { oid, name: name.into(), attributes, catalog })
    })
}

/// Empty databases that end with the process.
fn in_memory(name: &str) -> Result<Opened> {
    let catalog = Arc::new(CatalogStore::new(Catalog::bootstrap()));
    catalog.commit(&initial_shared_changes())?;
    let attributes = DatabaseAttributes::of_owner(BOOTSTRAP_ROLE);
    let database = Database { oid: FIRST_DATABASE, name: name.into(), attributes, catalog };
    let templates = template_databases(&database.catalog);
    let databases = Arc::new(RwLock::new([Arc::new(database)].into_iter().chain(templates).collect()));
    Ok(Opened { durability: None, databases, prepared: PreparedTransactions::default(), analyses: Arc::default() })
}

/// Databases that let nobody in.
#[derive(Default)]
pub struct Closing(RwLock<Vec<(Oid, Arc<str>)>>);

impl Closing {
    /// Closes a database, until what is returned is dropped.
    pub(crate) fn close(&self, database: &Database) -> ClosedDoor<'_> {
        self.0.write().push((database.oid, database.name.clone()));
        ClosedDoor { closing: self, database: database.oid }
    }

    /// 3D000, fatal, when the database of that name lets nobody in: asked before a session takes a place, so that those who are
    /// waited for become no more.
    pub fn check(&self, name: &str) -> Result<()> {
        match self.0.read().iter().any(|(_, closed)| **closed == *name) {
            true => Err(Closing::refusal(name)),
            false => Ok(()),
        }
    }

    /// What those hear who want in.
    pub(crate) fn refusal(name: &str) -> Error {
        let message = format!("database \"{name}\" does not exist");
        Error::with_severity(Severity::Fatal, SqlState::UNDEFINED_DATABASE, message)
    }

    /// Whether a database lets nobody in.
    pub(crate) fn has(&self, database: Oid) -> bool {
        self.0.read().iter().any(|(oid, _)| *oid == database)
    }
}

/// Keeps a database closed.
pub(crate) struct ClosedDoor<'a> {
    closing: &'a Closing,
    database: Oid,
}

impl Drop for ClosedDoor<'_> {
    fn drop(&mut self) {
        let mut closed = self.closing.0.write();
        if let Some(at) = closed.iter().position(|(oid, _)| *oid == self.database) {
            closed.swap_remove(at);
        }
    }
}

/// Where a database is in the list. 3D000.
fn place_of(databases: &[Arc<Database>], oid: Oid) -> Result<usize> {
    let at = databases.iter().position(|database| database.oid == oid);
    at.ok_or_else(|| Error::new(SqlState::UNDEFINED_DATABASE, "the database was dropped"))
}

/// 55006 for a database that sessions use.
pub(crate) fn in_use(name: &str) -> Error {
    Error::new(SqlState::OBJECT_IN_USE, format!("database \"{name}\" is being accessed by other users"))
}
