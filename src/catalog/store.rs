//! The committed catalog of a database and the private version of a transaction that changes it.
//!
//! ```text
//!   committed:   v7 ────────────────► v8 = v7 + changes of T1 ──► v9 = v8 + changes of T2
//!   T2:          v7 + own changes ────────────────────────────────┘ (changes applied again to the newest version)
//! ```
//! Relation locks in storage keep two transactions from changing the same object; names are checked at commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use dictdb_types::{Error, Oid, Result, SqlState};
use parking_lot::RwLock;

use crate::{Catalog, Change, Key, Object};

/// The committed catalog. Readers take a version and keep it as long as they like.
pub struct CatalogStore {
    current: RwLock<Arc<Catalog>>,
    version: AtomicU64,
    next_oid: Arc<AtomicU32>,
    /// Changes of prepared transactions: they will be committed, so no other commit may take the names in them.
    reserved: RwLock<Vec<(Arc<str>, Arc<[Change]>)>>,
    /// The database was dropped.
    is_closed: AtomicBool,
}

impl CatalogStore {
    /// A store whose first version is `initial`.
    pub fn new(initial: Catalog) -> Self {
        let version = initial.version();
        CatalogStore {
            current: RwLock::new(Arc::new(initial)),
            version: AtomicU64::new(version),
            next_oid: Arc::new(AtomicU32::new(Oid::FIRST_NORMAL.0)),
            reserved: RwLock::default(),
            is_closed: AtomicBool::new(false),
        }
    }

    /// A store for another database of the same server: no two objects of them get the same oid.
    pub fn beside(other: &CatalogStore, initial: Catalog) -> Self {
        CatalogStore { next_oid: other.next_oid.clone(), ..CatalogStore::new(initial) }
    }

    /// The newest committed version.
    pub fn current(&self) -> Arc<Catalog> {
        self.current.read().clone()
    }

    /// Number of the newest committed version; cheaper than [`CatalogStore::current`].
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The object id that is handed out next.
    pub fn next_oid(&self) -> Oid {
        Oid(self.next_oid.load(Ordering::Relaxed))
    }

    /// Hands out no id below this one.
    pub fn reserve_oids(&self, next: Oid) {
        self.next_oid.fetch_max(next.0, Ordering::Relaxed);
    }

    /// A new object id. Ids are not reused within the life of a server.
    pub fn allocate_oid(&self) -> Oid {
        Oid(self.next_oid.fetch_add(1, Ordering::Relaxed))
    }

    /// Puts another catalog in the place of the newest version, which it returns. Nobody who has changed that one may commit.
    pub fn replace(&self, mut catalog: Catalog) -> Arc<Catalog> {
        let mut current = self.current.write();
        catalog.set_version(current.version() + 1);
        let before = std::mem::replace(&mut *current, Arc::new(catalog));
        self.version.store(current.version(), Ordering::Release);
        before
    }

    /// The database is dropped: nothing is committed any more.
    pub fn close(&self) {
        let _none_in_between = self.current.write();
        self.is_closed.store(true, Ordering::Release);
    }

    /// Applies a transaction's changes to the newest version and publishes it. 23505 when a concurrent transaction
    /// took a name first, or a prepared one will; 3D000 when the database was dropped. Call it while the transaction still holds its
    /// relation locks.
    pub fn commit(&self, changes: &[Change]) -> Result<Arc<Catalog>> {
        let mut current = self.current.write();
        if self.is_closed.load(Ordering::Acquire) {
            return Err(Error::new(SqlState::UNDEFINED_DATABASE, "the database was dropped"));
        }
        let mut next = applied(Catalog::clone(&current), changes)?;
        self.check_reserved(&next)?;
        next.set_version(current.version() + 1);
        *current = Arc::new(next);
        self.version.store(current.version(), Ordering::Release);
        Ok(current.clone())
    }

    /// Keeps the names in a prepared transaction's changes for it, until [`CatalogStore::release`]. 23505 when one is taken.
    pub fn reserve(&self, key: Arc<str>, changes: Arc<[Change]>) -> Result<()> {
        // No commit may come in between.
        let current = self.current.write();
        applied(Catalog::clone(&current), &changes)?;
        self.reserved.write().push((key, changes));
        Ok(())
    }

    /// The transaction has ended, or is about to.
    pub fn release(&self, key: &str) {
        self.reserved.write().retain(|(other, _)| **other != *key);
    }

    fn check_reserved(&self, next: &Catalog) -> Result<()> {
        let reserved = self.reserved.read();
        reserved.iter().try_for_each(|(_, changes)| applied(next.clone(), changes).map(drop))
    }
}

/// A catalog with changes. 23505 when a name in them is taken.
fn applied(mut catalog: Catalog, changes: &[Change]) -> Result<Catalog> {
    for change in changes {
        if let Change::Put(object) = change {
            check_name(&catalog, object)?;
        }
        catalog.apply(change);
    }
    Ok(catalog)
}

fn check_name(catalog: &Catalog, object: &Object) -> Result<()> {
    let (oid, index, key) = match object {
        Object::Relation(r) => {
            (r.oid, "pg_class_relname_nsp_index", format!("(relname, relnamespace)=({}, {})", r.name, r.namespace))
        }
        Object::Type(t) => {
            (t.oid, "pg_type_typname_nsp_index", format!("(typname, typnamespace)=({}, {})", t.name, t.namespace))
        }
        Object::Schema(s) => (s.oid, "pg_namespace_nspname_index", format!("(nspname)=({})", s.name)),
        Object::Domain(_) | Object::Range(_) | Object::Base(_) => return Ok(()),
        Object::Role(r) => (r.oid, "pg_authid_rolname_index", format!("(rolname)=({})", r.name)),
        Object::Routine(r) => {
            let args: Vec<String> = r.args.iter().map(ToString::to_string).collect();
            let key = format!("(proname, proargtypes, pronamespace)=({}, {}, {})", r.name, args.join(" "), r.namespace);
            (r.oid, "pg_proc_proname_args_nsp_index", key)
        }
        Object::Trigger(t) => {
            (t.oid, "pg_trigger_tgrelid_tgname_index", format!("(tgrelid, tgname)=({}, {})", t.relation, t.name))
        }
        Object::Extension(e) => (e.oid, "pg_extension_name_index", format!("(extname)=({})", e.name)),
        Object::Operator(o) => {
            let key = format!(
                "(oprname, oprleft, oprright, oprnamespace)=({}, {}, {}, {})",
                o.name, o.left, o.right, o.namespace
            );
            (o.oid, "pg_operator_oprname_l_r_n_index", key)
        }
        Object::Cast(c) => {
            (c.oid, "pg_cast_source_target_index", format!("(castsource, casttarget)=({}, {})", c.source, c.target))
        }
        Object::OperatorClass(own) => {
            let class = &own.class;
            let key =
                format!("(opcmethod, opcname, opcnamespace)=({}, {}, {})", class.method, class.name, class.namespace);
            (class.oid, "pg_opclass_am_name_nsp_index", key)
        }
        Object::OperatorFamily(f) => {
            let key = format!("(opfmethod, opfname, opfnamespace)=({}, {}, {})", f.method, f.name, f.namespace);
            (f.oid, "pg_opfamily_am_name_nsp_index", key)
        }
        Object::Definition(own) => {
            let (index, columns) = own.kind().name_index();
            let schema = if own.kind().has_schema() { format!(", {}", own.namespace) } else { String::new() };
            (own.oid, index, format!("{columns}=({}{schema})", own.name))
        }
    };
    match catalog.name_owner(object) {
        Some(owner) if owner != oid => Err(Error::new(
            SqlState::UNIQUE_VIOLATION,
            format!("duplicate key value violates unique constraint \"{index}\""),
        )
        .detail(format!("Key {key} already exists."))),
        _ => Ok(()),
    }
}

/// The catalog as one transaction sees it. Until its first change it follows the committed versions.
#[derive(Clone, Default)]
pub struct CatalogTransaction {
    local: Option<Catalog>,
    changes: Vec<Change>,
    edition: u64,
}

impl CatalogTransaction {
    /// The version to use for the next statement.
    pub fn view(&mut self, store: &CatalogStore) -> Arc<Catalog> {
        if self.changes.is_empty() {
            return store.current();
        }
        let committed = store.current();
        let fresh = self.local.is_none();
        let local = self.local.get_or_insert_with(|| Catalog::clone(&committed));
        if fresh || local.version() & !LOCAL != committed.version() {
            *local = Catalog::clone(&committed);
            self.changes.iter().for_each(|change| local.apply(change));
        }
        local.set_version(committed.version() | LOCAL);
        Arc::new(local.clone())
    }

    /// Whether anything was changed.
    pub fn is_changed(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Makes a change visible to this transaction.
    pub fn change(&mut self, store: &CatalogStore, change: Change) {
        let local = self.local.get_or_insert_with(|| {
            let mut catalog = Catalog::clone(&store.current());
            self.changes.iter().for_each(|change| catalog.apply(change));
            catalog
        });
        local.apply(&change);
        self.changes.push(change);
        self.edition += 1;
    }

    /// Another number whenever it has become another catalog.
    pub fn edition(&self) -> u64 {
        self.edition
    }

    /// All changes in order, for commit.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// How far the changes have come, for a savepoint.
    pub fn position(&self) -> usize {
        self.changes.len()
    }

    /// Takes back the changes after a savepoint.
    pub fn rollback_to(&mut self, position: usize) {
        if position < self.changes.len() {
            self.changes.truncate(position);
            self.local = None;
            self.edition += 1;
        }
    }

    /// Whether an object was put by this transaction (so nobody else can see it).
    pub fn created(&self, key: Key) -> bool {
        self.changes.iter().any(|change| match change {
            Change::Put(Object::Relation(relation)) => key == Key::Relation(relation.oid),
            Change::Put(Object::Type(info)) => key == Key::Type(info.oid),
            Change::Put(Object::Routine(routine)) => key == Key::Function(routine.oid),
            Change::Put(Object::Operator(operator)) => key == Key::Operator(operator.oid),
            _ => false,
        })
    }
}

/// Marks version numbers of uncommitted catalogs, so that no cached plan takes them for a committed version.
const LOCAL: u64 = 1 << 63;
