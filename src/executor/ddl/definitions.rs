//! What a transaction has defined so far.
//!
//! While a definition runs it is not the session's but the definition's, and lent on to the functions that the definition calls: what
//! those define goes to the same place, so that neither loses what the other does.
//!
//! ```text
//!   CREATE TABLE AS ──change──► Definitions ◄──change── CREATE TABLE in f()
//!          └── SELECT f() ── f() takes them for the length of its call ──┘
//! ```

use dictdb_catalog::CatalogTransaction;
use dictdb_storage::Storage;
use dictdb_types::Oid;

use super::StorageChanges;

/// The changes of a transaction to the catalog and to storage, and the tables that its running definitions use.
#[derive(Default)]
pub struct Definitions {
    /// The transaction's own catalog.
    pub catalog: CatalogTransaction,
    /// What to undo in storage.
    pub changes: StorageChanges,
    /// Tables that definitions which are not at their end have locked, read or fill: other definitions keep off them.
    pub in_use: Vec<Oid>,
}

/// How far definitions have come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Position {
    catalog: usize,
    changes: (usize, usize),
    in_use: usize,
}

impl Definitions {
    /// How far they have come, to return to.
    pub fn position(&self) -> Position {
        Position { catalog: self.catalog.position(), changes: self.changes.position(), in_use: self.in_use.len() }
    }

    /// Takes back what came after a position.
    pub fn rollback_to(&mut self, position: &Position, storage: &Storage) {
        self.catalog.rollback_to(position.catalog);
        self.changes.rollback_to(position.changes, storage);
        self.in_use.truncate(position.in_use);
    }
}
