//! Operator classes of inverted indexes (GIN): the keys of a value, and the keys a search looks for.
//!
//! A class is a row of [`CLASSES`]. A condition may find more values than the operator does, never fewer: whoever searches
//! looks at the values again. What PostgreSQL's catalogs say of the classes is in [`crate::facts`].
//!
//! ```text
//!   key = 0, what the class makes of a part of the value
//!       | 1    a part that is NULL
//!       | 2    a value without keys
//!       | 3    NULL
//! ```

mod array;
mod jsonb;
mod jsonpath;
mod tsvector;

use dictdb_types::{Datum, Result};

/// A part of a value, as bytes.
pub type Key = Vec<u8>;

const PART: u8 = 0;
const NULL_PART: u8 = 1;
const EMPTY: u8 = 2;
const NULL: u8 = 3;

/// What an operator asks of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// No value satisfies it.
    Nothing,
    /// Keys say nothing about it.
    Everything,
    /// The value has this key.
    Key(Key),
    /// The value has a key that begins so.
    Prefix(Key),
    /// All of these hold.
    All(Vec<Condition>),
    /// One of these holds.
    Any(Vec<Condition>),
}

/// An operator class.
#[derive(Debug)]
pub struct InvertedClass {
    /// `pg_opclass.opcname`.
    pub name: &'static str,
    /// The keys of a value that is not NULL.
    keys: fn(&Datum) -> Result<Vec<Key>>,
    /// What an operator, by its strategy number in `pg_amop`, asks with a right operand that is not NULL.
    condition: fn(i16, &Datum) -> Result<Condition>,
}

const CLASSES: &[InvertedClass] = &[
    InvertedClass { name: "array_ops", keys: array::keys, condition: array::condition },
    InvertedClass { name: "jsonb_ops", keys: jsonb::keys, condition: jsonb::condition },
    InvertedClass { name: "jsonb_path_ops", keys: jsonb::path_keys, condition: jsonb::path_condition },
    InvertedClass { name: "tsvector_ops", keys: tsvector::keys, condition: tsvector::condition },
];

/// The class of that name; `None` when it has no implementation.
pub fn inverted_class(name: &str) -> Option<&'static InvertedClass> {
    CLASSES.iter().find(|class| class.name == name)
}

impl InvertedClass {
    /// The keys of a value; one at least.
    pub fn keys(&self, value: &Datum) -> Result<Vec<Key>> {
        if value.is_null() {
            return Ok(vec![vec![NULL]]);
        }
        let keys = (self.keys)(value)?;
        Ok(if keys.is_empty() { vec![vec![EMPTY]] } else { keys })
    }

    /// What an operator asks with this right operand. Operators are strict.
    pub fn condition(&self, strategy: i16, operand: &Datum) -> Result<Condition> {
        if operand.is_null() { Ok(Condition::Nothing) } else { (self.condition)(strategy, operand) }
    }
}

impl Condition {
    /// The value has no keys.
    fn empty() -> Self {
        Condition::Key(vec![EMPTY])
    }

    /// All of these; what says nothing is left out.
    fn all(conditions: impl IntoIterator<Item = Condition>) -> Self {
        let mut parts: Vec<Condition> = conditions.into_iter().filter(|part| *part != Condition::Everything).collect();
        if parts.contains(&Condition::Nothing) {
            return Condition::Nothing;
        }
        match parts.len() {
            0 => Condition::Everything,
            1 => parts.remove(0),
            _ => Condition::All(parts),
        }
    }

    /// One of these; what nothing satisfies is left out.
    fn any(conditions: impl IntoIterator<Item = Condition>) -> Self {
        let mut parts: Vec<Condition> = conditions.into_iter().filter(|part| *part != Condition::Nothing).collect();
        if parts.contains(&Condition::Everything) {
            return Condition::Everything;
        }
        match parts.len() {
            0 => Condition::Nothing,
            1 => parts.remove(0),
            _ => Condition::Any(parts),
        }
    }
}

/// A key of a part of a value.
fn part(bytes: &[u8]) -> Key {
    let mut key = Vec::with_capacity(bytes.len() + 1);
    key.push(PART);
    key.extend_from_slice(bytes);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_as_short_as_they_can_be() {
        let key = || Condition::Key(part(b"a"));
        assert_eq!(Condition::all([Condition::Everything, key()]), key());
        assert_eq!(Condition::all([]), Condition::Everything);
        assert_eq!(Condition::all([key(), Condition::Nothing]), Condition::Nothing);
        assert_eq!(Condition::any([Condition::Nothing, key()]), key());
        assert_eq!(Condition::any([]), Condition::Nothing);
        assert_eq!(Condition::any([key(), Condition::Everything]), Condition::Everything);
    }

    #[test]
    fn values_without_keys_can_be_found() {
        let class = inverted_class("tsvector_ops").unwrap();
        assert_eq!(class.keys(&Datum::Null).unwrap(), [[NULL]]);
        assert_eq!(class.keys(&Datum::bytea([0, 0, 0, 0])).unwrap(), [[EMPTY]]);
        assert_eq!(class.condition(1, &Datum::Null).unwrap(), Condition::Nothing);
    }
}
