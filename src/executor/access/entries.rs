//! Entries of inverted indexes: what operator classes make of values, with the number of the index's key before it.

use dictdb_functions::facts::opclass_by_oid;
use dictdb_functions::inverted::{Condition, InvertedClass, inverted_class};
use dictdb_storage::{EntryQuery, KeyExtractor, KeyOutcome, RowReader, write_entries};
use dictdb_types::{Error, Oid, Result};

use super::extractor::IndexValues;

/// The implementation of an operator class. 0A000 when there is none.
pub(crate) fn class_of(opclass: Oid) -> Result<&'static InvertedClass> {
    let name = opclass_by_oid(opclass).map(|class| &*class.name);
    let class = name.and_then(inverted_class);
    class.ok_or_else(|| Error::unsupported(format_args!("operator class \"{}\"", name.unwrap_or("?"))))
}

/// The entries of rows.
#[derive(Debug)]
pub(super) struct EntryKey {
    /// Key values.
    pub values: IndexValues,
    /// Their operator classes.
    pub classes: Box<[&'static InvertedClass]>,
}

impl KeyExtractor for EntryKey {
    fn key(&self, row: &dyn RowReader, out: &mut Vec<u8>) -> Result<KeyOutcome> {
        let mut entries = Vec::new();
        let indexed = self.values.each(row, |number, value| {
            let class = self.classes.get(number).ok_or_else(|| Error::internal("a key without operator class"))?;
            entries.extend(class.keys(value)?.iter().map(|key| entry(number, key)));
            Ok(())
        })?;
        if !indexed {
            return Ok(KeyOutcome::NotIndexed);
        }
        write_entries(entries, out);
        Ok(KeyOutcome::Key)
    }

    fn columns(&self) -> &[usize] {
        self.values.columns()
    }
}

fn entry(key: usize, bytes: &[u8]) -> Vec<u8> {
    let mut entry = Vec::with_capacity(bytes.len() + 1);
    entry.push(key as u8);
    entry.extend_from_slice(bytes);
    entry
}

/// A condition on a key of an index.
pub(super) fn entry_query(key: usize, condition: Condition) -> EntryQuery {
    let all = |parts: Vec<Condition>| parts.into_iter().map(|part| entry_query(key, part)).collect();
    match condition {
        Condition::Nothing => EntryQuery::Nothing,
        Condition::Everything => EntryQuery::Prefix(vec![key as u8]),
        Condition::Key(bytes) => EntryQuery::Entry(entry(key, &bytes)),
        Condition::Prefix(bytes) => EntryQuery::Prefix(entry(key, &bytes)),
        Condition::All(parts) => EntryQuery::All(all(parts)),
        Condition::Any(parts) => EntryQuery::Any(all(parts)),
    }
}
