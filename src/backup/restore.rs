//! A database out of a chain of files: built aside, where nobody sees it, and handed over whole.

use std::sync::Arc;

use dictdb_catalog::Catalog;
use dictdb_durability::{Durability, Restorer, Staging};
use dictdb_storage::Storage;
use dictdb_types::{Error, Oid, Result, SqlState};

use crate::ahead::Ahead;
use crate::chain::{self, Until};
use crate::folder::Folder;
use crate::foreign;
use crate::member::Member;
use crate::name::FileName;
use crate::progress::Work;
use crate::read;

/// What a restore begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// The newest full backup of the database, and what follows it.
    Latest,
    /// A file: the state it is of.
    File(String),
}

/// A database as it was, in a storage of its own. Its tables have no indexes yet: somebody above has to compile their expressions.
pub struct Restored {
    /// Its rows and sequences.
    pub storage: Storage,
    /// The oid it had.
    pub database: Oid,
    /// Its objects.
    pub catalog: Arc<Catalog>,
    /// The files it is from, in order.
    pub files: Vec<String>,
    /// The content hash of the last of them, when nothing came after it.
    pub content_hash: Option<String>,
    /// Tables.
    pub tables: u64,
    /// Rows.
    pub rows: u64,
    /// The moment it is of, in microseconds since 1970.
    pub taken_at: i64,
    /// Whether it is of the moment that was asked for: a log that is gone leaves it at the last backup before.
    pub is_exact: bool,
}

/// Where a restore reads.
pub struct Sources<'a> {
    /// The files.
    pub folder: &'a Folder,
    /// The database whose backups `LATEST` means.
    pub database: &'a str,
    /// The server's own log, for what came after a backup.
    pub durability: Option<&'a Durability>,
    /// Where rows are logged while they are read. What it has not seen of the restored tables is to be logged afterwards. Not with a
    /// moment to restore to.
    pub staging: Option<&'a Staging<'a>>,
    /// What is empty, and where the database is built.
    pub storage: &'a Storage,
}

/// Builds a database. Every file is checked while it is read: what is built of one that turns out damaged is thrown away.
///
/// XX001 for a file that is damaged, missing or out of its order; 58P01, 42501, 58030; 22023 for a moment before the first backup.
pub fn restore(sources: &Sources<'_>, from: &From, until: &Until, work: &Work<'_>) -> Result<Restored> {
    let members = members(sources, from, until)?;
    let storage = sources.storage;
    let mut restorer = Restorer::new(storage);
    let mut files = Vec::new();
    let (mut taken_at, mut content_hash) = (0, None);
    let mut last = None;
    let (foreign, own): (Vec<Member>, Vec<Member>) = members.into_iter().partition(|member| member.head.is_none());
    let snapshot = storage.begin().snapshot()?;
    let mut ahead = sources.staging.map(|staging| Ahead { staging, snapshot: &snapshot });
    if !foreign.is_empty() {
        files.extend(foreign.iter().map(|member| member.name.clone()));
        taken_at = files.last().and_then(|name| FileName::parse(name)).map_or(0, |name| name.micros);
        foreign::restore(foreign, storage, &mut restorer, ahead, work)?;
    }
    for mut member in own {
        read::apply(&mut member, storage, &mut restorer, &mut ahead, work)?;
        content_hash = member.content_hash().map(str::to_owned);
        taken_at = member.head.as_ref().map_or(0, |head| head.taken_at);
        files.push(member.name);
        last = member.head;
    }
    drop(snapshot);
    let mut is_exact = true;
    if let (Until::Moment(moment), Some(head)) = (until, &last) {
        let found = sources.durability.map(|durability| durability.replay_until(&mut restorer, head.replay(), *moment));
        match found.transpose()?.flatten() {
            Some(last_commit) => {
                content_hash = content_hash.filter(|_| last_commit <= taken_at);
                taken_at = last_commit.max(taken_at);
            }
            None => is_exact = false,
        }
    }
    let mut restored = restorer.finish()?;
    let database = restored.pop().ok_or_else(|| Error::internal("a restore without a database"))?;
    let catalog = database.catalog.current();
    let tables: Vec<_> = storage.tables();
    let rows = tables.iter().map(|table| table.live_rows() as u64).sum();
    let tables = tables.len() as u64;
    Ok(Restored {
        database: database.oid,
        catalog,
        files,
        content_hash,
        tables,
        rows,
        taken_at,
        is_exact,
        storage: storage.clone(),
    })
}

fn members(sources: &Sources<'_>, from: &From, until: &Until) -> Result<Vec<Member>> {
    let folder = sources.folder;
    let members = match (from, until) {
        (From::Latest, Until::File(last)) => chain::ending_with(folder, last)?,
        (From::Latest, _) => {
            let last = chain::latest(folder, sources.database, until)?;
            chain::ending_with(folder, &last)?
        }
        (From::File(file), Until::File(last)) => {
            let members = chain::ending_with(folder, last)?;
            let short = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
            if !members.iter().any(|member| member.name == short(file)) {
                let message = format!("backup file \"{last}\" does not follow \"{file}\"");
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
            }
            members
        }
        (From::File(file), _) => chain::ending_with(folder, file)?,
    };
    if let (Until::Moment(moment), Some(head)) = (until, members.last().and_then(|last| last.head.as_ref()))
        && head.taken_at > *moment
    {
        let message = format!("backup file \"{}\" is of a later moment", head.file);
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    Ok(members)
}

impl crate::head::Head {
    fn replay(&self) -> dictdb_durability::ReplayFrom {
        let (system, database) = (self.system, Oid(self.database_oid));
        dictdb_durability::ReplayFrom { system, database, lsn: dictdb_durability::Lsn(self.lsn) }
    }
}
