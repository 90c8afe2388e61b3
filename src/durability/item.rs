//! Items: what records and chunks are made of. The layout is in the crate's head.

use std::sync::Arc;

use crate::cloning::DatabaseClone;
use dictdb_catalog::{Change, decode_changes, encode_changes};
use dictdb_storage::SequenceState;
use dictdb_types::stored::{Stored, corrupted, put_int, put_uint, take_bytes, take_int, take_uint};
use dictdb_types::{Oid, Physical, Result, TxnId};

use crate::prepared::{PreparedTransaction, take_finished};

pub(crate) const ROWS: u8 = 0x01;
pub(crate) const CATALOG: u8 = 0x02;
pub(crate) const SEQUENCE: u8 = 0x03;
pub(crate) const DATABASE: u8 = 0x04;
pub(crate) const START: u8 = 0x05;
pub(crate) const UNLOGGED: u8 = 0x06;
pub(crate) const COMMIT: u8 = 0x07;
pub(crate) const DROPPED_DATABASE: u8 = 0x08;
pub(crate) const DATABASE_FLAGS: u8 = 0x09;
pub(crate) const CLONED: u8 = 0x0b;
pub(crate) const SNAPSHOT: u8 = 0x0c;
pub(crate) const SHARED: u8 = 0x0d;
pub(crate) const ANALYZED: u8 = 0x0e;
pub(crate) const STAGED: u8 = 0x10;
pub(crate) const PREPARED: u8 = 0x11;
pub(crate) const FINISHED: u8 = 0x12;

/// Changes of a database's catalog as an item, to go along with a commit.
pub fn catalog_item(database: Oid, next_oid: Oid, changes: &[Change]) -> Vec<u8> {
    let encoded = encode_changes(changes);
    let mut out = Vec::with_capacity(encoded.len() + 16);
    out.push(CATALOG);
    put_uint(database.0.into(), &mut out);
    put_uint(next_oid.0.into(), &mut out);
    put_uint(encoded.len() as u64, &mut out);
    out.extend_from_slice(&encoded);
    out
}

/// What ALTER DATABASE changes, but for the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatabaseAttributes {
    /// `datdba`.
    pub owner: Oid,
    /// `datconnlimit`.
    pub connection_limit: i32,
    /// `datallowconn`.
    pub allows_connections: bool,
    /// `datistemplate`.
    pub is_template: bool,
    /// What it is a snapshot of; nobody connects to one.
    pub snapshot: Option<SnapshotOf>,
}

/// Where a snapshot of a database comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotOf {
    /// The database.
    pub database: Oid,
    /// When, in microseconds since 1970.
    pub created: i64,
}

impl DatabaseAttributes {
    /// Those of a database that nothing was said about.
    pub fn of_owner(owner: Oid) -> Self {
        DatabaseAttributes { owner, connection_limit: -1, allows_connections: true, is_template: false, snapshot: None }
    }
}

/// What items say of a database.
pub(crate) struct DatabaseFacts<'a> {
    pub(crate) oid: Oid,
    pub(crate) attributes: DatabaseAttributes,
    pub(crate) name: &'a str,
}

pub(crate) fn put_dropped_database(oid: Oid, out: &mut Vec<u8>) {
    out.push(DROPPED_DATABASE);
    put_uint(oid.0.into(), out);
}

pub(crate) fn put_sequence(id: Oid, state: SequenceState, out: &mut Vec<u8>) {
    out.push(SEQUENCE);
    put_uint(id.0.into(), out);
    put_int(state.last_value, out);
    out.push(state.is_called.into());
}

pub(crate) fn put_database(database: &DatabaseFacts<'_>, out: &mut Vec<u8>) {
    let DatabaseFacts { oid, attributes, name } = *database;
    out.push(DATABASE);
    put_uint(oid.0.into(), out);
    put_uint(attributes.owner.0.into(), out);
    put_int(attributes.connection_limit.into(), out);
    put_uint(name.len() as u64, out);
    out.extend_from_slice(name.as_bytes());
    if !attributes.allows_connections || attributes.is_template {
        out.push(DATABASE_FLAGS);
        put_uint(oid.0.into(), out);
        out.extend_from_slice(&[attributes.allows_connections.into(), attributes.is_template.into()]);
    }
    if let Some(SnapshotOf { database, created }) = attributes.snapshot {
        out.push(SNAPSHOT);
        put_uint(oid.0.into(), out);
        put_uint(database.0.into(), out);
        put_int(created, out);
    }
}

pub(crate) fn put_commit(id: TxnId, micros: i64, out: &mut Vec<u8>) {
    out.push(COMMIT);
    put_uint(id.0, out);
    put_int(micros, out);
}

/// A database that has become another one.
pub(crate) fn put_clone(clone: &DatabaseClone<'_>, out: &mut Vec<u8>) {
    out.push(CLONED);
    for oid in [clone.source, clone.database] {
        put_uint(oid.0.into(), out);
    }
    out.push(clone.resets.into());
    put_uint(clone.next_oid.0.into(), out);
    put_uint(clone.places.len() as u64, out);
    for oid in clone.places.iter().flat_map(|(old, new)| [old, new]) {
        put_uint(oid.0.into(), out);
    }
}

/// Consecutive blocks of a table whose rows are those of another one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SharedBlocks {
    pub(crate) table: Oid,
    pub(crate) of: Oid,
    pub(crate) first: usize,
    pub(crate) count: usize,
}

pub(crate) fn put_shared(shared: &SharedBlocks, out: &mut Vec<u8>) {
    out.push(SHARED);
    put_uint(shared.table.0.into(), out);
    put_uint(shared.of.0.into(), out);
    put_uint(shared.first as u64, out);
    put_uint(shared.count as u64, out);
}

/// What ANALYZE found of a relation of a database: bytes that their maker understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analyzed {
    /// The relation.
    pub relation: Oid,
    /// Its place in storage then.
    pub storage: Oid,
    /// Whether it is about all that inherit from it too (`stainherit`).
    pub is_inherited: bool,
    /// What was found.
    pub found: Arc<[u8]>,
}

/// What ANALYZE found as an item.
pub(crate) fn put_analyzed(database: Oid, analyzed: &Analyzed, out: &mut Vec<u8>) {
    out.push(ANALYZED);
    for oid in [database, analyzed.relation, analyzed.storage] {
        put_uint(oid.0.into(), out);
    }
    out.push(analyzed.is_inherited.into());
    put_uint(analyzed.found.len() as u64, out);
    out.extend_from_slice(&analyzed.found);
}

fn take_places(bytes: &mut &[u8]) -> Result<Vec<(Oid, Oid)>> {
    let count = take_uint(bytes)?;
    (0..count).map(|_| Ok((Oid::read(bytes)?, Oid::read(bytes)?))).collect()
}

/// A table that no catalog knows yet, with the layouts of its columns.
pub(crate) fn put_staged(table: Oid, layouts: &[Physical], out: &mut Vec<u8>) {
    out.push(STAGED);
    put_uint(table.0.into(), out);
    put_uint(layouts.len() as u64, out);
    out.extend(layouts.iter().filter_map(|layout| LAYOUTS.iter().position(|known| known == layout)).map(|n| n as u8));
}

pub(crate) fn take_block<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8]> {
    let len = take_uint(bytes)? as usize;
    take_bytes(bytes, len)
}

/// Layouts by their number in the log, which is never given to another one.
const LAYOUTS: [Physical; 15] = [
    Physical::Bool,
    Physical::Int2,
    Physical::Int4,
    Physical::Int8,
    Physical::Float4,
    Physical::Float8,
    Physical::Date,
    Physical::Time,
    Physical::Timestamp,
    Physical::Uuid,
    Physical::Oid,
    Physical::Enum,
    Physical::Text,
    Physical::Bytea,
    Physical::Opaque,
];

fn layout(number: u8) -> Result<Physical> {
    LAYOUTS.get(usize::from(number)).copied().ok_or_else(|| corrupted(&format!("layout {number} is unknown")))
}

/// An item taken apart. Rows stay in the bytes, because only storage knows where they end.
pub(crate) enum Item<'a> {
    Rows,
    Catalog { database: Oid, next_oid: Oid, changes: Vec<Change> },
    Sequence(Oid, SequenceState),
    Database(DatabaseFacts<'a>),
    DatabaseFlags { oid: Oid, allows_connections: bool, is_template: bool },
    DroppedDatabase(Oid),
    Start,
    Unlogged(&'a [u8]),
    Commit { id: TxnId, micros: i64 },
    Staged(Oid, Vec<Physical>),
    Cloned { source: Oid, database: Oid, resets: bool, next_oid: Oid, places: Vec<(Oid, Oid)> },
    Snapshot { oid: Oid, of: SnapshotOf },
    Shared(SharedBlocks),
    Analyzed { database: Oid, analyzed: Analyzed },
    Prepared(Box<PreparedTransaction>),
    Finished(Arc<str>),
}

impl<'a> Item<'a> {
    /// Takes an item from the front of the bytes; of rows only the tag. XX001.
    pub(crate) fn take(bytes: &mut &'a [u8]) -> Result<Self> {
        let tag = take_bytes(bytes, 1)?;
        Ok(match tag[0] {
            ROWS => Item::Rows,
            CATALOG => Item::Catalog {
                database: Oid::read(bytes)?,
                next_oid: Oid::read(bytes)?,
                changes: decode_changes(take_block(bytes)?)?,
            },
            SEQUENCE => {
                let id = Oid::read(bytes)?;
                let last_value = take_int(bytes)?;
                Item::Sequence(id, SequenceState { last_value, is_called: take_bytes(bytes, 1)? == [1] })
            }
            DATABASE => {
                let (oid, owner) = (Oid::read(bytes)?, Oid::read(bytes)?);
                let connection_limit = i32::read(bytes)?;
                let name = std::str::from_utf8(take_block(bytes)?).map_err(|_| corrupted("a name is not UTF-8"))?;
                let attributes = DatabaseAttributes { connection_limit, ..DatabaseAttributes::of_owner(owner) };
                Item::Database(DatabaseFacts { oid, attributes, name })
            }
            DATABASE_FLAGS => {
                let oid = Oid::read(bytes)?;
                let flags = take_bytes(bytes, 2)?;
                Item::DatabaseFlags { oid, allows_connections: flags[0] == 1, is_template: flags[1] == 1 }
            }
            START => Item::Start,
            DROPPED_DATABASE => Item::DroppedDatabase(Oid::read(bytes)?),
            UNLOGGED => Item::Unlogged(take_block(bytes)?),
            COMMIT => {
                let id = TxnId(take_uint(bytes)?);
                Item::Commit { id, micros: take_int(bytes)? }
            }
            CLONED => Item::Cloned {
                source: Oid::read(bytes)?,
                database: Oid::read(bytes)?,
                resets: take_bytes(bytes, 1)? == [1],
                next_oid: Oid::read(bytes)?,
                places: take_places(bytes)?,
            },
            SNAPSHOT => {
                let (oid, database) = (Oid::read(bytes)?, Oid::read(bytes)?);
                Item::Snapshot { oid, of: SnapshotOf { database, created: take_int(bytes)? } }
            }
            SHARED => {
                let (table, of) = (Oid::read(bytes)?, Oid::read(bytes)?);
                let (first, count) = (take_uint(bytes)? as usize, take_uint(bytes)? as usize);
                Item::Shared(SharedBlocks { table, of, first, count })
            }
            ANALYZED => {
                let (database, relation, storage) = (Oid::read(bytes)?, Oid::read(bytes)?, Oid::read(bytes)?);
                let is_inherited = take_bytes(bytes, 1)? == [1];
                let found = take_block(bytes)?.into();
                Item::Analyzed { database, analyzed: Analyzed { relation, storage, is_inherited, found } }
            }
            STAGED => {
                let table = Oid::read(bytes)?;
                let layouts = take_block(bytes)?.iter().map(|byte| layout(*byte)).collect::<Result<_>>()?;
                Item::Staged(table, layouts)
            }
            PREPARED => Item::Prepared(Box::new(PreparedTransaction::take(take_block(bytes)?)?)),
            FINISHED => Item::Finished(take_finished(bytes)?),
            other => return Err(corrupted(&format!("item {other:#04x} is unknown"))),
        })
    }
}
