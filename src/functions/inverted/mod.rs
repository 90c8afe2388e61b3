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
mod hstore;
mod integers;
mod jsonb;
mod jsonpath;
mod ltree;
mod scalar;
mod trigram;
mod tsvector;

use dictdb_types::{Datum, Env, Oid, Result};

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
    /// The value has a key between these, themselves included.
    Range(Key, Key),
    /// At least so many of these hold.
    AtLeast(usize, Vec<Condition>),
    /// All of these hold.
    All(Vec<Condition>),
    /// One of these holds.
    Any(Vec<Condition>),
}

/// An operator class.
#[derive(Debug)]
pub struct InvertedClass {
    /// `pg_opclass.opcname` of a class that every database has.
    pub name: &'static str,
    /// What searches in other classes: `pg_proc.prosrc` of their function 3 (gin) or 1 (gist).
    functions: &'static [&'static str],
    /// The keys of a value that is not NULL, of a base type.
    keys: fn(&Datum, Oid) -> Result<Vec<Key>>,
    /// What an operator, by its strategy number in `pg_amop`, asks with a right operand that is not NULL.
    condition: fn(i16, &Datum, &Asked<'_>) -> Result<Condition>,
}

/// Where an operator asks.
pub struct Asked<'a> {
    /// Base type of the key.
    pub oid: Oid,
    /// Settings.
    pub env: &'a dyn Env,
}

const CLASSES: &[InvertedClass] = &[
    InvertedClass {
        name: "array_ops",
        functions: &["ginqueryarrayextract"],
        keys: |value, _| array::keys(value),
        condition: |strategy, operand, _| array::condition(strategy, operand),
    },
    InvertedClass {
        name: "jsonb_ops",
        functions: &["gin_extract_jsonb_query"],
        keys: |value, _| jsonb::keys(value),
        condition: |strategy, operand, _| jsonb::condition(strategy, operand),
    },
    InvertedClass {
        name: "jsonb_path_ops",
        functions: &["gin_extract_jsonb_query_path"],
        keys: |value, _| jsonb::path_keys(value),
        condition: |strategy, operand, _| jsonb::path_condition(strategy, operand),
    },
    InvertedClass {
        name: "tsvector_ops",
        functions: &["gin_extract_tsquery"],
        keys: |value, _| tsvector::keys(value),
        condition: |strategy, operand, _| tsvector::condition(strategy, operand),
    },
    InvertedClass {
        name: "gin_trgm_ops",
        functions: &["gin_extract_query_trgm", "gtrgm_consistent"],
        keys: |value, _| trigram::keys(value),
        condition: trigram::condition,
    },
    InvertedClass {
        name: "gin_hstore_ops",
        functions: &["gin_extract_hstore_query", "ghstore_consistent"],
        keys: |value, _| hstore::keys(value),
        condition: |strategy, operand, _| hstore::condition(strategy, operand),
    },
    InvertedClass {
        name: "gist__int_ops",
        functions: &["ginint4_queryextract", "g_int_consistent", "g_intbig_consistent"],
        keys: |value, _| array::keys(value),
        condition: |strategy, operand, _| integers::condition(strategy, operand),
    },
    InvertedClass {
        name: "gist_ltree_ops",
        functions: &["ltree_consistent"],
        keys: |value, _| ltree::keys(value),
        condition: |strategy, operand, _| ltree::condition(strategy, operand),
    },
    InvertedClass {
        name: "gist__ltree_ops",
        functions: &["_ltree_consistent"],
        keys: |value, _| ltree::element_keys(value),
        condition: |strategy, operand, _| ltree::element_condition(strategy, operand),
    },
    InvertedClass {
        name: "bloom",
        functions: &[],
        keys: scalar::keys,
        condition: |strategy, operand, asked| scalar::equality(strategy, operand, asked.oid),
    },
];

/// The classes of single values in order, whatever the type.
const SCALAR: InvertedClass = InvertedClass {
    name: "btree_gin",
    functions: &[],
    keys: scalar::keys,
    condition: |strategy, operand, asked| scalar::condition(strategy, operand, asked.oid),
};

/// The class that is so implemented, by its own name or that of the function that searches in it; `None` when there is none.
pub fn inverted_class(implementation: &str) -> Option<&'static InvertedClass> {
    let is_named = |class: &&InvertedClass| class.name == implementation || class.functions.contains(&implementation);
    let scalar = || scalar::is_query_function(implementation).then_some(&SCALAR);
    CLASSES.iter().find(is_named).or_else(scalar)
}

impl InvertedClass {
    /// The keys of a value of a base type; one at least.
    pub fn keys(&self, value: &Datum, oid: Oid) -> Result<Vec<Key>> {
        if value.is_null() {
            return Ok(vec![vec![NULL]]);
        }
        let keys = (self.keys)(value, oid)?;
        Ok(if keys.is_empty() { vec![vec![EMPTY]] } else { keys })
    }

    /// What an operator asks with this right operand. Operators are strict.
    pub fn condition(&self, strategy: i16, operand: &Datum, asked: &Asked<'_>) -> Result<Condition> {
        if operand.is_null() { Ok(Condition::Nothing) } else { (self.condition)(strategy, operand, asked) }
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
        let oid = dictdb_types::oids::TSVECTOR;
        assert_eq!(class.keys(&Datum::Null, oid).unwrap(), [[NULL]]);
        assert_eq!(class.keys(&Datum::bytea([0, 0, 0, 0]), oid).unwrap(), [[EMPTY]]);
    }
}
