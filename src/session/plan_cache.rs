//! Analysed statements shared by all sessions, found by their text.
//!
//! Drivers send literals in query strings: texts that differ in constants only share a *shape* ([`Lifted`]) and so a plan
//! whose parameters are the constants. A shape that does not plan as a whole is remembered as refused, and its texts are
//! planned one by one; so are texts whose constants do not fit, which is also where their errors come from.
//!
//! The key holds everything that decides what a text means: database, schemas on the search path, role, the settings literals
//! are read under, declared parameter types. The catalog version is not part of it; a plan that is too old is made again.

use std::collections::HashMap;
use std::sync::Arc;

use dictdb_parser::{Lifted, LiteralKind};
use dictdb_types::{Oid, oids};
use parking_lot::RwLock;

use crate::prepared::Source;

/// Statements kept in each of the two generations.
const GENERATION_STATEMENTS: usize = 2048;
/// Longest text that is kept, in bytes.
const LONGEST_TEXT_BYTES: usize = 16 << 10;

/// What is known about a text or shape.
#[derive(Clone, Debug)]
pub(crate) enum Known {
    /// It is this statement.
    Statement(Arc<Source>),
    /// It cannot be shared.
    Refused,
}

/// Statements by key, in two generations: what was not asked for while a generation filled up is forgotten.
#[derive(Debug, Default)]
pub(crate) struct PlanCache {
    generations: RwLock<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Box<[u8]>, Known>,
    old: HashMap<Box<[u8]>, Known>,
}

impl PlanCache {
    pub(crate) fn get(&self, key: &[u8]) -> Option<Known> {
        let generations = self.generations.read();
        if let Some(known) = generations.young.get(key) {
            return Some(known.clone());
        }
        let known = generations.old.get(key)?.clone();
        drop(generations);
        self.put(key, known.clone());
        Some(known)
    }

    /// How many statements are kept.
    pub(crate) fn len(&self) -> usize {
        let generations = self.generations.read();
        generations.young.len() + generations.old.len()
    }

    pub(crate) fn put(&self, key: &[u8], known: Known) {
        let mut generations = self.generations.write();
        if generations.young.len() >= GENERATION_STATEMENTS {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(key.into(), known);
    }
}

/// Makes keys without allocating.
#[derive(Debug, Default)]
pub(crate) struct KeyMaker {
    /// The last key.
    pub key: Vec<u8>,
    /// The last shape.
    pub lifted: Lifted,
}

/// What a key holds besides the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyContext {
    pub database: Oid,
    pub temporary_schema: Oid,
    pub surroundings: u64,
}

impl KeyMaker {
    /// Makes the key of a query string's shape; false when it has none.
    pub(crate) fn shape(&mut self, sql: &str, context: KeyContext) -> bool {
        if !self.lifted.read(sql) {
            return false;
        }
        self.begin(b'l', context);
        self.key.extend_from_slice(self.lifted.shape.as_bytes());
        true
    }

    /// Makes the key of a text with declared parameter types; false when it is too long to be kept.
    pub(crate) fn text(&mut self, sql: &str, types: &[Oid], context: KeyContext) -> bool {
        if sql.len() > LONGEST_TEXT_BYTES {
            return false;
        }
        self.begin(b't', context);
        self.key.extend_from_slice(&(types.len() as u32).to_le_bytes());
        types.iter().for_each(|oid| self.key.extend_from_slice(&oid.0.to_le_bytes()));
        self.key.extend_from_slice(sql.as_bytes());
        true
    }

    fn begin(&mut self, kind: u8, context: KeyContext) {
        self.key.clear();
        self.key.push(kind);
        self.key.extend_from_slice(&context.database.0.to_le_bytes());
        self.key.extend_from_slice(&context.temporary_schema.0.to_le_bytes());
        self.key.extend_from_slice(&context.surroundings.to_le_bytes());
    }
}

/// The type a lifted constant is declared with.
pub(crate) fn lifted_type(kind: LiteralKind) -> Oid {
    match kind {
        LiteralKind::Int4 => oids::INT4,
        LiteralKind::Int8 => oids::INT8,
        LiteralKind::Numeric => oids::NUMERIC,
        LiteralKind::String => oids::UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: KeyContext = KeyContext { database: Oid(5), temporary_schema: Oid(0), surroundings: 1 };

    #[test]
    fn texts_that_differ_in_constants_share_a_key() {
        let (mut a, mut b) = (KeyMaker::default(), KeyMaker::default());
        assert!(a.shape("select * from t where id = 1", CONTEXT));
        assert!(b.shape("select * from t where id = 22", CONTEXT));
        assert_eq!(a.key, b.key);
        assert!(b.shape("select * from t where id = 3000000000", CONTEXT));
        assert_ne!(a.key, b.key);
        assert!(b.shape("select * from t where id = 1", KeyContext { surroundings: 2, ..CONTEXT }));
        assert_ne!(a.key, b.key);
    }

    #[test]
    fn what_is_not_used_is_forgotten() {
        let cache = PlanCache::default();
        cache.put(b"kept", Known::Refused);
        cache.put(b"lost", Known::Refused);
        for round in 0..3u32 {
            for number in 0..GENERATION_STATEMENTS as u32 {
                cache.put(&[round.to_le_bytes(), number.to_le_bytes()].concat(), Known::Refused);
            }
            assert!(cache.get(b"kept").is_some());
        }
        assert!(cache.get(b"lost").is_none());
    }
}
