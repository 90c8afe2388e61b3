//! Which files belong together: a full backup and the deltas that follow it, each naming its parent by name and content hash.

use dictdb_types::{Error, Result, SqlState};
use hashbrown::HashMap;

use crate::error::broken_chain;
use crate::folder::Folder;
use crate::foreign;
use crate::head::{Head, Link};
use crate::member::Member;
use crate::name::{FileName, Kind};
use crate::seal::Checked;

/// A file as it says it is.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: FileName,
    /// Its size.
    pub bytes: u64,
    /// Its head; `None` for a file of the original package.
    pub head: Option<Head>,
    /// The content hash it claims.
    pub content_hash: Option<String>,
}

impl Entry {
    /// Reads what a file says of itself. XX001, 58P01, 58030.
    pub fn read(folder: &Folder, name: &FileName) -> Result<Entry> {
        let Member { head, claim, opened, .. } = Member::open(folder, &name.to_string())?;
        let content_hash = claim.map(|claim| claim.content_hash);
        Ok(Entry { name: name.clone(), bytes: opened.bytes, head, content_hash })
    }

    fn is_foreign(&self, kind: Kind) -> bool {
        self.head.is_none() && self.name.kind == kind
    }
}

/// The folder's files with what they say, oldest first; those that cannot be read with the error. One that is gone when its turn comes was
/// removed because nobody is to need it any more, and is not listed.
pub fn list(folder: &Folder) -> Result<Vec<(FileName, Result<Entry>)>> {
    let files = folder.files()?;
    let read = files.into_iter().map(|name| (name.clone(), Entry::read(folder, &name)));
    let is_gone = |entry: &Result<Entry>| entry.as_ref().is_err_and(|error| error.code() == SqlState::UNDEFINED_FILE);
    Ok(read.filter(|(_, entry)| !is_gone(entry)).collect())
}

/// How far a restore goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Until {
    /// As far as there are files.
    End,
    /// Up to this file.
    File(String),
    /// Up to this moment, in microseconds since 1970.
    Moment(i64),
}

/// The chain that ends with a file: the full backup first, every link checked.
pub(crate) fn ending_with(folder: &Folder, name: &str) -> Result<Vec<Member>> {
    let mut chain = vec![Member::open(folder, name)?];
    if let Some(name) = chain.first().filter(|last| last.head.is_none()).and_then(|last| FileName::parse(&last.name))
        && name.kind == Kind::Delta
    {
        return foreign_chain(folder, &name, chain);
    }
    while let Some(link) = chain.last().and_then(|last| last.head.as_ref()).and_then(|head| head.parent.clone()) {
        let child = chain.last().map(|last| last.name.clone()).unwrap_or_default();
        let parent = open_parent(folder, &link, &child)?;
        check_link(&parent, chain.last().and_then(|last| last.head.as_ref()), &child, &link)?;
        chain.push(parent);
    }
    chain.reverse();
    match chain.first().and_then(|first| first.head.as_ref()) {
        Some(head) if head.kind == Kind::Delta => Err(broken_chain(&head.file, "it follows nothing")),
        _ => Ok(chain),
    }
}

/// Files of the original package do not name what they follow: their times do.
fn foreign_chain(folder: &Folder, last: &FileName, mut tail: Vec<Member>) -> Result<Vec<Member>> {
    let mut chain: Vec<FileName> = Vec::new();
    for name in folder.files()?.into_iter().filter(|name| name.micros < last.micros) {
        let entry = Entry::read(folder, &name)?;
        if entry.is_foreign(Kind::Full) {
            chain.clear();
        }
        if entry.is_foreign(Kind::Full) || entry.is_foreign(Kind::Delta) {
            chain.push(name);
        }
    }
    if chain.first().is_none_or(|first| first.kind == Kind::Delta) {
        return Err(broken_chain(&last.to_string(), "there is no full backup that it could follow"));
    }
    let mut members =
        chain.iter().map(|name| Member::open(folder, &name.to_string())).collect::<Result<Vec<Member>>>()?;
    members.append(&mut tail);
    Ok(members)
}

fn open_parent(folder: &Folder, link: &Link, child: &str) -> Result<Member> {
    if FileName::parse(&link.file).is_none() {
        return Err(broken_chain(child, format_args!("its parent \"{}\" is no backup file", link.file)));
    }
    Member::open(folder, &link.file).map_err(|error| match error.code() {
        SqlState::UNDEFINED_FILE => {
            let message = format!("backup file \"{}\" is missing", link.file);
            Error::new(SqlState::UNDEFINED_FILE, message).detail(format!("Backup file \"{child}\" follows it."))
        }
        _ => error,
    })
}

fn check_link(parent: &Member, child_head: Option<&Head>, child: &str, link: &Link) -> Result<()> {
    if parent.content_hash() != Some(&link.content_hash) {
        return Err(broken_chain(&parent.name, format_args!("\"{child}\" follows another file of this name")));
    }
    let numbers = parent.head.as_ref().map(|head| head.number + 1) == child_head.map(|head| head.number);
    let same = parent.head.as_ref().map(|head| head.database_oid) == child_head.map(|head| head.database_oid);
    match numbers && same {
        true => Ok(()),
        false => Err(broken_chain(child, format_args!("it does not follow \"{}\"", parent.name))),
    }
}

/// The name of the last file of the newest chain of a database, as far as `until` goes. 58P01 when there is no full backup.
pub(crate) fn latest(folder: &Folder, database: &str, until: &Until) -> Result<String> {
    let limit = if let Until::Moment(micros) = until { *micros } else { i64::MAX };
    let mut full: Option<Entry> = None;
    let mut deltas: Vec<Entry> = Vec::new();
    for (name, entry) in list(folder)? {
        // Whatever may be the newest must be readable: an older one in its place would be a silent loss.
        let entry = match entry {
            Ok(entry) => entry,
            Err(_) if name.micros > limit => continue,
            Err(error) => return Err(error),
        };
        let Some(head) = &entry.head else {
            match name.kind {
                _ if name.micros > limit => {}
                Kind::Full => {
                    full = Some(entry);
                    deltas.clear();
                }
                Kind::Delta if full.as_ref().is_some_and(|full| full.head.is_none()) => deltas.push(entry),
                Kind::Delta => {}
            }
            continue;
        };
        if head.database != database || head.taken_at > limit {
            continue;
        }
        if head.kind == Kind::Full {
            full = Some(entry);
            deltas.clear();
        } else if head.full.as_deref() == full.as_ref().map(|full| full.name.to_string()).as_deref() {
            deltas.push(entry);
        }
    }
    let full = full.ok_or_else(|| {
        let when = if limit == i64::MAX { "" } else { " from before that moment" };
        let message = format!("there is no full backup of database \"{database}\"{when} in \"{folder}\"");
        Error::new(SqlState::UNDEFINED_FILE, message)
    })?;
    if full.head.is_none() {
        return Ok(deltas.last().unwrap_or(&full).name.to_string());
    }
    follow(&full, &deltas)
}

/// From link to link to the end, which has to be the last of them.
fn follow(full: &Entry, deltas: &[Entry]) -> Result<String> {
    let mut last = full;
    let mut left: Vec<&Entry> = deltas.iter().collect();
    loop {
        let name = last.name.to_string();
        let parent_of = |entry: &Entry| entry.head.as_ref().and_then(|head| head.parent.clone());
        let next = left.iter().position(|entry| parent_of(entry).is_some_and(|link| link.file == name));
        match next {
            Some(at) => last = left.remove(at),
            None => break,
        }
    }
    match left.first() {
        None => Ok(last.name.to_string()),
        Some(orphan) => {
            let link = orphan.head.as_ref().and_then(|head| head.parent.as_ref());
            let (file, parent) = (orphan.name.to_string(), link.map(|link| link.file.clone()).unwrap_or_default());
            Err(broken_chain(&file, format_args!("backup file \"{parent}\", which it follows, is missing")))
        }
    }
}

/// A file that is whole, like all that it follows.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Its name.
    pub name: String,
    /// Whether it is a full backup or a delta.
    pub kind: Kind,
    /// The files of its chain.
    pub chain: usize,
    /// The content hash; `None` for a file of the original package.
    pub content_hash: Option<String>,
}

/// Checks a file and what it follows. XX001, 58P01, 58030.
pub fn verify(folder: &Folder, name: &str, check: &dyn Fn() -> Result<()>) -> Result<Verified> {
    Verification::default().file(folder, name, check)
}

/// Checks every file of a folder, each of which is read once, oldest first: what was found of each. 57014, 58030.
pub fn verify_all(folder: &Folder, check: &dyn Fn() -> Result<()>) -> Result<Vec<(FileName, Result<Verified>)>> {
    let mut verification = Verification::default();
    let mut found = Vec::new();
    for name in folder.files()? {
        let file = verification.file(folder, &name.to_string(), check);
        match &file {
            Err(error) if error.code() == SqlState::QUERY_CANCELED => return Err(error.clone()),
            // It was removed because nobody is to need it any more.
            Err(error) if error.code() == SqlState::UNDEFINED_FILE && !folder.files()?.contains(&name) => {}
            _ => found.push((name, file)),
        }
    }
    Ok(found)
}

/// What was read of many files, several of which may follow the same.
#[derive(Default)]
struct Verification {
    /// What was found, by name.
    read: HashMap<String, Result<()>>,
}

/// Reads all of a file. XX001, 58030 when it is not whole.
fn read_whole(member: &mut Member, check: &dyn Fn() -> Result<()>) -> Result<()> {
    match &member.claim {
        Some(claim) => Checked::new(&mut member.opened, &member.name, claim.clone())?.finish(check),
        None => foreign::verify(&mut member.opened, &member.name, check),
    }
}

impl Verification {
    fn file(&mut self, folder: &Folder, name: &str, check: &dyn Fn() -> Result<()>) -> Result<Verified> {
        let mut chain = ending_with(folder, name)?;
        for member in &mut chain {
            if let Some(found) = self.read.get(&member.name) {
                found.clone()?;
                continue;
            }
            let found = read_whole(member, check);
            if found.as_ref().is_err_and(|error| error.code() == SqlState::QUERY_CANCELED) {
                found.clone()?;
            }
            self.read.insert(member.name.clone(), found.clone());
            found?;
        }
        let last = chain.last().ok_or_else(|| Error::internal("a chain without a file"))?;
        let by_name = || FileName::parse(&last.name).map_or(Kind::Full, |name| name.kind);
        Ok(Verified {
            name: last.name.clone(),
            kind: last.head.as_ref().map_or_else(by_name, |head| head.kind),
            chain: chain.len(),
            content_hash: last.content_hash().map(str::to_owned),
        })
    }
}
