//! From a row to its key in an index.

use dictdb_types::{Oid, Result, sort_key};

use crate::value::{RowReader, ValueRef};

/// What an index makes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOutcome {
    /// The row has the key that was written.
    Key,
    /// Likewise, and a key column is NULL: the key is not unique unless NULLs are not distinct.
    HasNull,
    /// The row does not satisfy the predicate of a partial index.
    NotIndexed,
}

/// Computes keys. Deterministic: the same row always has the same key.
pub trait KeyExtractor: Send + Sync + std::fmt::Debug {
    /// Appends the key of a row: prefix-free bytes that sort as the index does, such as `sort_key` writes.
    ///
    /// Called under latches, so it must not touch storage.
    fn key(&self, row: &dyn RowReader, out: &mut Vec<u8>) -> Result<KeyOutcome>;

    /// The storage columns that keys depend on. An update of others leaves the index alone.
    fn columns(&self) -> &[usize];
}

/// One key column of a plain index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyColumn {
    /// Storage column.
    pub column: usize,
    /// Type with domains resolved: some types share a layout and not an order.
    pub oid: Oid,
    /// `DESC`.
    pub descending: bool,
    /// `NULLS FIRST`.
    pub nulls_first: bool,
}

/// Keys made of columns as they are.
#[derive(Clone, Debug)]
pub struct ColumnKey {
    keys: Vec<KeyColumn>,
    columns: Vec<usize>,
}

impl ColumnKey {
    /// An extractor for these columns, most significant first.
    pub fn new(keys: Vec<KeyColumn>) -> Self {
        let columns = keys.iter().map(|key| key.column).collect();
        ColumnKey { keys, columns }
    }
}

impl KeyExtractor for ColumnKey {
    fn key(&self, row: &dyn RowReader, out: &mut Vec<u8>) -> Result<KeyOutcome> {
        let mut outcome = KeyOutcome::Key;
        for key in &self.keys {
            let value = row.column(key.column);
            if value.is_null() {
                outcome = KeyOutcome::HasNull;
            }
            encode(value, key, out)?;
        }
        Ok(outcome)
    }

    fn columns(&self) -> &[usize] {
        &self.columns
    }
}

fn encode(value: ValueRef<'_>, key: &KeyColumn, out: &mut Vec<u8>) -> Result<()> {
    match value {
        ValueRef::Text(text) => sort_key::encode_text(text, key.oid, key.descending, out),
        ValueRef::Datum(datum) => sort_key::encode(datum, key.oid, key.descending, key.nulls_first, out),
        value => sort_key::encode(&value.to_datum()?, key.oid, key.descending, key.nulls_first, out),
    }
    Ok(())
}
