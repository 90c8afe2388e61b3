//! Entries of inverted indexes: what operator classes make of values, with the number of the index's key before it.

use dictdb_catalog::Catalog;
use dictdb_functions::inverted::{Condition, InvertedClass, inverted_class};
use dictdb_storage::{EntryQuery, KeyExtractor, KeyOutcome, RowReader, write_entries};
use dictdb_types::{Error, Oid, Result};

use super::extractor::IndexValues;

/// The implementation of an operator class. 0A000 when there is none.
pub(crate) fn class_of(catalog: &Catalog, opclass: Oid) -> Result<&'static InvertedClass> {
    let class = catalog.class_implementation(opclass).and_then(|name| inverted_class(&name));
    class.ok_or_else(|| without_implementation(catalog, opclass))
}

/// 0A000 for an operator class.
pub(super) fn without_implementation(catalog: &Catalog, opclass: Oid) -> Error {
    let name = catalog.any_opclass(opclass).map_or("?", |class| &*class.name);
    Error::unsupported(format_args!("operator class \"{name}\""))
}

/// The entries of rows.
#[derive(Debug)]
pub(super) struct EntryKey {
    /// Key values.
    pub values: IndexValues,
    /// Their operator classes and base types.
    pub classes: Box<[(&'static InvertedClass, Oid)]>,
}

impl KeyExtractor for EntryKey {
    fn key(&self, row: &dyn RowReader, out: &mut Vec<u8>) -> Result<KeyOutcome> {
        let mut entries = Vec::new();
        let indexed = self.values.each(row, |number, value| {
            let (class, oid) =
                self.classes.get(number).ok_or_else(|| Error::internal("a key without operator class"))?;
            entries.extend(class.keys(value, *oid)?.iter().map(|key| entry(number, key)));
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
pub(crate) fn entry_query(key: usize, condition: Condition) -> EntryQuery {
    let all = |parts: Vec<Condition>| parts.into_iter().map(|part| entry_query(key, part)).collect();
    match condition {
        Condition::Nothing => EntryQuery::Nothing,
        Condition::Everything => EntryQuery::Prefix(vec![key as u8]),
        Condition::Key(bytes) => EntryQuery::Entry(entry(key, &bytes)),
        Condition::Prefix(bytes) => EntryQuery::Prefix(entry(key, &bytes)),
        Condition::Range(from, to) => EntryQuery::Range(entry(key, &from), entry(key, &to)),
        Condition::AtLeast(count, parts) => EntryQuery::AtLeast(count, all(parts)),
        Condition::All(parts) => EntryQuery::All(all(parts)),
        Condition::Any(parts) => EntryQuery::Any(all(parts)),
    }
}
