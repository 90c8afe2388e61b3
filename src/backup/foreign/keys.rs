//! Rows by the key that the original package knows them by, compared as Python compares the keys of a dictionary: numbers of all
//! types by value, truth like numbers, and text like no number.

use std::hash::BuildHasher;

use dictdb_storage::{BLOCK_ROWS, RowView, Snapshot, Table, ValueRef};
use dictdb_types::env::BareEnv;
use dictdb_types::text::float::FloatText;
use dictdb_types::{Datum, Error, Oid, Result, RowId, Type, oids, text};
use hashbrown::{DefaultHashBuilder, HashTable};

use super::json;
use super::value::Value;

/// Beyond these whole floats are compared as text.
const WHOLE_FLOATS: f64 = 9_007_199_254_740_992.0;

/// A key.
#[derive(Debug, Hash, PartialEq, Eq)]
pub(super) enum Key {
    Int(i64),
    /// A number that is none of these, without zeros at its end.
    Number(String),
    Text(String),
    /// Anything else, as JSON.
    Other(String),
}

impl Key {
    /// The key that a value in a file is.
    pub(super) fn of(value: &Value<'_>) -> Key {
        match value {
            Value::Bool(value) => Key::Int(i64::from(*value)),
            Value::Int(value) => Key::Int(*value),
            Value::Float(value) => Key::float(*value),
            Value::Number(text) => Key::number(text),
            Value::Text(text) => Key::Text(text.to_string()),
            Value::Typed(_, text) => Key::Text(text.to_string()),
            other => Key::Other(other.to_string()),
        }
    }

    fn float(value: f64) -> Key {
        match value.fract() == 0.0 && value.abs() <= WHOLE_FLOATS {
            true => Key::Int(value as i64),
            false => Key::number(FloatText::of_f64(value, 1).as_str()),
        }
    }

    fn number(written: &str) -> Key {
        let plain = text::input(written, Type::new(oids::NUMERIC), &BareEnv::default());
        let plain = plain.ok().and_then(|number| written_as(&number, oids::NUMERIC)).unwrap_or_else(|| written.into());
        let plain = match plain.contains('.') {
            true => plain.trim_end_matches('0').trim_end_matches('.'),
            false => &plain,
        };
        plain.parse().map_or_else(|_| Key::Number(plain.to_owned()), Key::Int)
    }

    /// The key of a stored value of a type; `None` is NULL.
    fn stored(value: ValueRef<'_>, ty: Oid) -> Result<Option<Key>> {
        Ok(Some(match value {
            ValueRef::Null => return Ok(None),
            ValueRef::Bool(value) => Key::Int(i64::from(value)),
            ValueRef::Int8(value) => Key::Int(value),
            ValueRef::Float8(value) => Key::float(value),
            ValueRef::Text(text) => Key::Text(text.to_owned()),
            ValueRef::Bytea(bytes) => Key::of(&Value::Bytes(bytes.into())),
            other => {
                let datum = other.to_datum()?;
                let written = written_as(&datum, ty).ok_or_else(|| Error::internal("a key cannot be written"))?;
                match ty {
                    oids::NUMERIC => Key::number(&written),
                    oids::JSONB => Key::of(&json::parse(written.as_bytes())?),
                    _ => Key::Text(written),
                }
            }
        }))
    }
}

fn written_as(value: &Datum, ty: Oid) -> Option<String> {
    let mut written = String::new();
    text::output(value, ty, &BareEnv::default(), &mut written).ok().map(|()| written)
}

/// The rows of a table by their keys.
pub(super) struct Keys<'t> {
    table: &'t Table,
    snapshot: &'t Snapshot,
    slot: usize,
    ty: Oid,
    hasher: DefaultHashBuilder,
    /// Hashes of keys, and rows.
    rows: HashTable<(u64, RowId)>,
    are_unique: bool,
}

impl<'t> Keys<'t> {
    /// Those of a column with values of a type.
    pub(super) fn of(table: &'t Table, snapshot: &'t Snapshot, slot: usize, ty: Oid) -> Result<Keys<'t>> {
        let rows = HashTable::with_capacity(table.block_count() * BLOCK_ROWS);
        let mut keys =
            Keys { table, snapshot, slot, ty, hasher: DefaultHashBuilder::default(), rows, are_unique: true };
        for number in 0..table.block_count() {
            // No latch is held while other rows are looked at.
            let mut found = Vec::with_capacity(BLOCK_ROWS);
            table.each_visible(number, snapshot, |row, version| {
                found.push((row, Key::stored(version.value(slot), ty)?));
                Ok::<(), Error>(())
            })?;
            for (row, key) in found {
                let is_its_own = key.is_some_and(|key| keys.insert(&key, row));
                keys.are_unique &= is_its_own;
            }
        }
        Ok(keys)
    }

    /// Whether every row had a key when they were read, and none that of another one.
    pub(super) fn are_unique(&self) -> bool {
        self.are_unique
    }

    fn has(&self, row: RowId, key: &Key) -> bool {
        let stored = |version: &RowView<'_>| Key::stored(version.value(self.slot), self.ty).ok().flatten();
        self.table.read(row, self.snapshot, stored).flatten().as_ref() == Some(key)
    }

    /// The row that has a key.
    pub(super) fn find(&self, key: &Key) -> Option<RowId> {
        let hash = self.hasher.hash_one(key);
        let found = self.rows.find(hash, |(known, row)| *known == hash && self.has(*row, key));
        found.map(|(_, row)| *row)
    }

    /// Takes the row that has a key out.
    pub(super) fn remove(&mut self, key: &Key) -> Option<RowId> {
        let (hash, row) = (self.hasher.hash_one(key), self.find(key)?);
        let entry = self.rows.find_entry(hash, |(_, known)| *known == row).ok()?;
        Some(entry.remove().0.1)
    }

    /// Lets a row have a key; false when it takes it from another one.
    pub(super) fn insert(&mut self, key: &Key, row: RowId) -> bool {
        let before = self.remove(key);
        let hash = self.hasher.hash_one(key);
        self.rows.insert_unique(hash, (hash, row), |(hash, _)| *hash);
        before.is_none()
    }
}
