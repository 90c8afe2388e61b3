//! Lock modes and what they exclude (PostgreSQL manual, 13.3).

use dictdb_types::{Oid, RowId};

use crate::block::{BLOCK_ROWS, BLOCK_SHIFT};

/// Modes of relation and advisory locks, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum LockMode {
    /// SELECT.
    AccessShare = 1,
    /// SELECT FOR ….
    RowShare,
    /// INSERT, UPDATE, DELETE.
    RowExclusive,
    /// VACUUM, ANALYZE, CREATE INDEX CONCURRENTLY.
    ShareUpdateExclusive,
    /// CREATE INDEX.
    Share,
    /// CREATE TRIGGER.
    ShareRowExclusive,
    /// REFRESH MATERIALIZED VIEW CONCURRENTLY.
    Exclusive,
    /// DROP, TRUNCATE, most ALTER.
    AccessExclusive,
}

/// For each mode the set of modes it conflicts with, as bits `1 << mode`.
const CONFLICTS: [u16; 9] = [
    0,
    1 << 8,
    1 << 7 | 1 << 8,
    1 << 5 | 1 << 6 | 1 << 7 | 1 << 8,
    1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8,
    1 << 3 | 1 << 4 | 1 << 6 | 1 << 7 | 1 << 8,
    1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8,
    1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8,
    1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8,
];

impl LockMode {
    /// All modes, weakest first.
    pub const ALL: [LockMode; 8] = [
        LockMode::AccessShare,
        LockMode::RowShare,
        LockMode::RowExclusive,
        LockMode::ShareUpdateExclusive,
        LockMode::Share,
        LockMode::ShareRowExclusive,
        LockMode::Exclusive,
        LockMode::AccessExclusive,
    ];

    /// Whether two sessions cannot have these modes at the same time.
    pub fn conflicts(self, other: LockMode) -> bool {
        CONFLICTS[self as usize] & other.bit() != 0
    }

    /// `pg_locks.mode`.
    pub fn name(self) -> &'static str {
        match self {
            LockMode::AccessShare => "AccessShareLock",
            LockMode::RowShare => "RowShareLock",
            LockMode::RowExclusive => "RowExclusiveLock",
            LockMode::ShareUpdateExclusive => "ShareUpdateExclusiveLock",
            LockMode::Share => "ShareLock",
            LockMode::ShareRowExclusive => "ShareRowExclusiveLock",
            LockMode::Exclusive => "ExclusiveLock",
            LockMode::AccessExclusive => "AccessExclusiveLock",
        }
    }

    /// The mode as a bit in a set of modes.
    pub(crate) fn bit(self) -> u16 {
        1 << self as u8
    }

    /// Weak modes do not conflict with each other.
    pub(crate) fn is_weak(self) -> bool {
        self <= LockMode::RowExclusive
    }
}

/// How strongly a row is locked (PostgreSQL manual, 13.3.2), weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowStrength {
    /// `FOR KEY SHARE`: what a foreign key check takes.
    KeyShare,
    /// `FOR SHARE`.
    Share,
    /// `FOR NO KEY UPDATE`: what an UPDATE takes that changes no key column.
    NoKeyUpdate,
    /// `FOR UPDATE`: what DELETE and an UPDATE of key columns take.
    Update,
}

impl RowStrength {
    /// All strengths, weakest first.
    pub(crate) const ALL: [RowStrength; 4] =
        [RowStrength::KeyShare, RowStrength::Share, RowStrength::NoKeyUpdate, RowStrength::Update];

    /// Whether two transactions cannot lock a row so at the same time.
    pub fn conflicts(self, other: RowStrength) -> bool {
        use RowStrength::*;
        match (self, other) {
            (KeyShare, other) | (other, KeyShare) => other == Update,
            (Share, Share) => false,
            _ => true,
        }
    }
}

/// What a heavyweight lock is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockTag {
    /// A relation of a database; zero for a shared one.
    Relation {
        /// `pg_database.oid`.
        database: Oid,
        /// `pg_class.oid`.
        relation: Oid,
    },
    /// An advisory key.
    Advisory {
        /// `pg_database.oid`.
        database: Oid,
        /// Upper half of a `bigint` key, or the first of two `int` keys.
        class: u32,
        /// Lower half, or the second key.
        object: u32,
        /// 1 for a `bigint` key, 2 for two `int` keys.
        sub: u16,
    },
    /// The right to be the next who waits for the writer of a row; everybody else waits for this.
    Tuple {
        /// The table's id.
        table: Oid,
        /// The row.
        row: RowId,
    },
}

impl LockTag {
    /// The advisory lock with one `bigint` key.
    pub fn advisory(database: Oid, key: i64) -> Self {
        LockTag::Advisory { database, class: (key >> 32) as u32, object: key as u32, sub: 1 }
    }

    /// The advisory lock with two `int` keys.
    pub fn advisory_pair(database: Oid, first: i32, second: i32) -> Self {
        LockTag::Advisory { database, class: first as u32, object: second as u32, sub: 2 }
    }
}

impl std::fmt::Display for LockTag {
    /// As in the detail of a deadlock report.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LockTag::Relation { database, relation } => write!(f, "relation {relation} of database {database}"),
            LockTag::Advisory { database, class, object, sub } => {
                write!(f, "advisory lock [{database},{class},{object},{sub}]")
            }
            LockTag::Tuple { table, row } => {
                let (block, slot) = (row.0 >> BLOCK_SHIFT, row.0 as usize % BLOCK_ROWS);
                write!(f, "tuple ({block},{}) of relation {table}", slot + 1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the manual, 13.3.1: rows and columns from ACCESS SHARE to ACCESS EXCLUSIVE.
    #[test]
    fn relation_conflicts() {
        let table = [".......X", "......XX", "....XXXX", "...XXXXX", "..XX.XXX", "..XXXXXX", ".XXXXXXX", "XXXXXXXX"];
        for (a, row) in LockMode::ALL.iter().zip(table) {
            let found: String = LockMode::ALL.iter().map(|b| if a.conflicts(*b) { 'X' } else { '.' }).collect();
            assert_eq!(found, row, "{a:?}");
        }
    }

    /// The table of the manual, 13.3.2: rows and columns from KEY SHARE to UPDATE.
    #[test]
    fn row_conflicts() {
        use RowStrength::*;
        let all = [KeyShare, Share, NoKeyUpdate, Update];
        for (a, row) in all.iter().zip(["...X", "..XX", ".XXX", "XXXX"]) {
            let found: String = all.iter().map(|b| if a.conflicts(*b) { 'X' } else { '.' }).collect();
            assert_eq!(found, row, "{a:?}");
        }
    }
}
