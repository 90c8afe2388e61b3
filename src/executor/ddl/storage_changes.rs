//! What a transaction made and removed in storage: the other half of transactional DDL.

use dictdb_storage::Storage;
use dictdb_types::stored::{corrupted, put_uint, take_bytes, take_uint};
use dictdb_types::{Oid, Result};

/// Something in storage that is removed, or taken back, when a transaction ends one way or the other.
#[derive(Clone, Copy, Debug)]
enum Removal {
    Table(Oid),
    Index {
        table: Oid,
        index: Oid,
    },
    /// That an index is no longer unique.
    Release {
        table: Oid,
        index: Oid,
    },
    Column {
        table: Oid,
        column: usize,
    },
    Sequence(Oid),
}

/// Removals that wait for the end of a transaction.
#[derive(Debug, Default)]
pub struct StorageChanges {
    on_commit: Vec<Removal>,
    on_rollback: Vec<Removal>,
}

impl StorageChanges {
    /// A table was made.
    pub fn created_table(&mut self, table: Oid) {
        self.on_rollback.push(Removal::Table(table));
    }

    /// A table got a column. Without it the rows must not keep its values: what is logged of them would hold values that no column of
    /// the table explains.
    pub fn created_column(&mut self, table: Oid, column: usize) {
        self.on_rollback.push(Removal::Column { table, column });
    }

    /// An index was made on a table.
    pub fn created_index(&mut self, table: Oid, index: Oid) {
        self.on_rollback.push(Removal::Index { table, index });
    }

    /// A sequence was made.
    pub fn created_sequence(&mut self, sequence: Oid) {
        self.on_rollback.push(Removal::Sequence(sequence));
    }

    /// A table is no longer needed once this transaction commits.
    pub fn dropped_table(&mut self, table: Oid) {
        self.on_commit.push(Removal::Table(table));
    }

    /// Likewise, an index, which is not unique any more for this transaction. The caller's lock keeps other writers out.
    pub fn dropped_index(&mut self, storage: &Storage, table: Oid, index: Oid) {
        if let Some(table) = storage.table(table) {
            table.release_index(index);
        }
        self.on_rollback.push(Removal::Release { table, index });
        self.on_commit.push(Removal::Index { table, index });
    }

    /// Likewise, the values of a column.
    pub fn dropped_column(&mut self, table: Oid, column: usize) {
        self.on_commit.push(Removal::Column { table, column });
    }

    /// Likewise, a sequence.
    pub fn dropped_sequence(&mut self, sequence: Oid) {
        self.on_commit.push(Removal::Sequence(sequence));
    }

    /// All of them as bytes, for [`StorageChanges::decode`]: byte kind, uint and uint for each; those of a rollback follow those
    /// of a commit, with their number before each.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for removals in [&self.on_commit, &self.on_rollback] {
            put_uint(removals.len() as u64, &mut out);
            removals.iter().for_each(|removal| removal.encode(&mut out));
        }
        out
    }

    /// What [`StorageChanges::encode`] wrote. XX001.
    pub fn decode(mut bytes: &[u8]) -> Result<StorageChanges> {
        let mut list = || (0..take_uint(&mut bytes)?).map(|_| Removal::decode(&mut bytes)).collect::<Result<Vec<_>>>();
        Ok(StorageChanges { on_commit: list()?, on_rollback: list()? })
    }

    /// Before a transaction found after a start does again what it did to rows: keys that it dropped bind it no more.
    pub fn resume(&self, storage: &Storage) {
        for removal in &self.on_rollback {
            if let Removal::Release { table, index } = *removal
                && let Some(table) = storage.table(table)
            {
                table.release_index(index);
            }
        }
    }

    /// How far the changes have come, for a savepoint.
    pub fn position(&self) -> (usize, usize) {
        (self.on_commit.len(), self.on_rollback.len())
    }

    /// Takes back what came after a savepoint.
    pub fn rollback_to(&mut self, (commits, rollbacks): (usize, usize), storage: &Storage) {
        self.on_commit.truncate(commits);
        for removal in self.on_rollback.drain(rollbacks.min(self.on_rollback.len())..).rev() {
            removal.apply(storage);
        }
    }

    /// After the transaction has committed.
    pub fn committed(&mut self, storage: &Storage) {
        self.on_rollback.clear();
        self.on_commit.drain(..).for_each(|removal| removal.apply(storage));
    }

    /// After the transaction has rolled back.
    pub fn rolled_back(&mut self, storage: &Storage) {
        self.rollback_to((0, 0), storage);
    }
}

impl Removal {
    fn encode(self, out: &mut Vec<u8>) {
        let (kind, object, part) = match self {
            Removal::Table(table) => (1, table, 0),
            Removal::Index { table, index } => (2, table, u64::from(index.0)),
            Removal::Column { table, column } => (3, table, column as u64),
            Removal::Sequence(sequence) => (4, sequence, 0),
            Removal::Release { table, index } => (5, table, u64::from(index.0)),
        };
        out.push(kind);
        put_uint(object.0.into(), out);
        put_uint(part, out);
    }

    fn decode(bytes: &mut &[u8]) -> Result<Removal> {
        let kind = take_bytes(bytes, 1)?[0];
        let (object, part) = (Oid(take_uint(bytes)? as u32), take_uint(bytes)?);
        Ok(match kind {
            1 => Removal::Table(object),
            2 => Removal::Index { table: object, index: Oid(part as u32) },
            3 => Removal::Column { table: object, column: part as usize },
            4 => Removal::Sequence(object),
            5 => Removal::Release { table: object, index: Oid(part as u32) },
            _ => return Err(corrupted("an unknown removal")),
        })
    }

    fn apply(self, storage: &Storage) {
        match self {
            Removal::Table(table) => storage.drop_table(table),
            Removal::Index { table, index } => {
                if let Some(table) = storage.table(table) {
                    table.drop_index(index);
                }
            }
            Removal::Release { table, index } => {
                if let Some(table) = storage.table(table) {
                    table.restore_index(index);
                }
            }
            Removal::Column { table, column } => {
                if let Some(table) = storage.table(table) {
                    table.clear_column(column);
                }
            }
            Removal::Sequence(sequence) => storage.drop_sequence(sequence),
        }
    }
}
