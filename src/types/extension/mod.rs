//! Values of the types that extensions bring and that no type of PostgreSQL's own can stand for: `citext`, `hstore`, `ltree` with its
//! two query types, `query_int` and `cube`.
//!
//! A type is known by the symbol of its input function ([`crate::TypeInfo::input`]), because its oid differs from database to database.
//! Order, equality, keys and both wire forms follow from the value, so the type may be grouped, joined and indexed like any other.

mod cube;
pub mod hstore;
mod label;
mod lquery;
mod ltree;
mod ltxtquery;
mod query_int;

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

pub use cube::{Cube, MAX_DIMENSIONS};
pub use hstore::Hstore;
pub use label::LabelPattern;
pub use lquery::{Level, Lquery};
pub use ltree::Ltree;
pub use ltxtquery::Ltxtquery;
pub use query_int::QueryInt;

use crate::{Datum, Error, Result, SqlState};

/// A value of an extension's type.
#[derive(Clone, Debug)]
pub enum ExtensionValue {
    /// `citext`: text that is compared in lower case. The locale is `C`: only ASCII letters have case.
    Citext(Box<str>),
    /// `hstore`.
    Hstore(Hstore),
    /// `ltree`.
    Ltree(Ltree),
    /// `lquery`.
    Lquery(Lquery),
    /// `ltxtquery`.
    Ltxtquery(Ltxtquery),
    /// `query_int`.
    QueryInt(QueryInt),
    /// `cube`.
    Cube(Cube),
}

/// The types, by what they read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtensionType {
    /// `citext`.
    Citext,
    /// `hstore`.
    Hstore,
    /// `ltree`.
    Ltree,
    /// `lquery`.
    Lquery,
    /// `ltxtquery`.
    Ltxtquery,
    /// `query_int`.
    QueryInt,
    /// `cube`.
    Cube,
    /// What an operator class keeps in indexes instead of values: it has no text form. A row of [`KEY_TYPES`].
    IndexKey(usize),
}

/// Types of keys: their input functions, and what these say, which the output functions say too.
const KEY_TYPES: &[(&str, SqlState, &str)] = &[
    ("gtrgm_in", SqlState::INTERNAL_ERROR, "not implemented"),
    ("ghstore_in", SqlState::INTERNAL_ERROR, "Not implemented"),
    ("gbtreekey_in", SqlState::FEATURE_NOT_SUPPORTED, "<datatype>key_in() not implemented"),
    ("_intbig_in", SqlState::FEATURE_NOT_SUPPORTED, "_intbig_in() not implemented"),
    ("ltree_gist_in", SqlState::FEATURE_NOT_SUPPORTED, "ltree_gist_in() not implemented"),
];

impl ExtensionType {
    /// The type whose input function has this symbol.
    pub fn of_input(symbol: &str) -> Option<ExtensionType> {
        match symbol {
            "citextin" => Some(ExtensionType::Citext),
            "hstore_in" => Some(ExtensionType::Hstore),
            "ltree_in" => Some(ExtensionType::Ltree),
            "lquery_in" => Some(ExtensionType::Lquery),
            "ltxtq_in" => Some(ExtensionType::Ltxtquery),
            "bqarr_in" => Some(ExtensionType::QueryInt),
            "cube_in" => Some(ExtensionType::Cube),
            _ => KEY_TYPES.iter().position(|(input, ..)| *input == symbol).map(ExtensionType::IndexKey),
        }
    }

    /// Reads the text form. XX000 and 22001 for what is no `hstore`; 42601, 42622, 54000 and 22023 for what is no path or query;
    /// XX000 or 0A000 for types that have none.
    pub fn input(self, text: &str) -> Result<Datum> {
        Ok(match self {
            ExtensionType::Citext => Datum::citext(text),
            ExtensionType::Hstore => Hstore::parse(text)?.into(),
            ExtensionType::Ltree => Ltree::parse(text)?.into(),
            ExtensionType::Lquery => Lquery::parse(text)?.into(),
            ExtensionType::Ltxtquery => Ltxtquery::parse(text)?.into(),
            ExtensionType::QueryInt => QueryInt::parse(text)?.into(),
            ExtensionType::Cube => Cube::parse(text)?.into(),
            ExtensionType::IndexKey(number) => {
                let (_, code, message) = KEY_TYPES[number];
                return Err(Error::new(code, message));
            }
        })
    }
}

impl ExtensionValue {
    fn rank(&self) -> u8 {
        match self {
            ExtensionValue::Citext(_) => 0,
            ExtensionValue::Hstore(_) => 1,
            ExtensionValue::Ltree(_) => 2,
            ExtensionValue::Lquery(_) => 3,
            ExtensionValue::Ltxtquery(_) => 4,
            ExtensionValue::QueryInt(_) => 5,
            ExtensionValue::Cube(_) => 6,
        }
    }

    /// The text form.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    /// Btree order. Query types have none in PostgreSQL; here it is that of their texts.
    pub fn compare(&self, other: &ExtensionValue) -> Ordering {
        match (self, other) {
            (ExtensionValue::Citext(a), ExtensionValue::Citext(b)) => compare_citext(a, b),
            (ExtensionValue::Hstore(a), ExtensionValue::Hstore(b)) => a.compare(b),
            (ExtensionValue::Ltree(a), ExtensionValue::Ltree(b)) => a.compare(b),
            (ExtensionValue::Cube(a), ExtensionValue::Cube(b)) => a.compare(b),
            _ if self.rank() == other.rank() => self.text().cmp(&other.text()),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    /// Feeds what makes the value equal to others.
    pub fn hash_into<H: Hasher>(&self, state: &mut H) {
        match self {
            ExtensionValue::Citext(text) => {
                text.bytes().for_each(|byte| state.write_u8(byte.to_ascii_lowercase()));
                state.write_u8(0xff);
            }
            ExtensionValue::Hstore(pairs) => pairs.pairs().hash(state),
            ExtensionValue::Ltree(path) => path.hash(state),
            ExtensionValue::Lquery(_) | ExtensionValue::Ltxtquery(_) | ExtensionValue::QueryInt(_) => {
                self.text().hash(state);
            }
            ExtensionValue::Cube(own) => {
                own.dimensions().hash(state);
                own.order_parts().for_each(|part| part.to_bits().hash(state));
            }
        }
    }

    /// Appends the text form.
    pub fn write(&self, out: &mut String) {
        match self {
            ExtensionValue::Citext(text) => out.push_str(text),
            ExtensionValue::Hstore(pairs) => pairs.write(out),
            ExtensionValue::Ltree(path) => out.push_str(path.as_str()),
            ExtensionValue::Lquery(query) => query.write(out),
            ExtensionValue::Ltxtquery(query) => query.write(out),
            ExtensionValue::QueryInt(query) => query.write(out),
            ExtensionValue::Cube(own) => own.write(out),
        }
    }

    /// Bytes it takes.
    pub fn size(&self) -> usize {
        match self {
            ExtensionValue::Citext(text) => text.len(),
            ExtensionValue::Hstore(pairs) => {
                let size = |(key, value): &hstore::Pair| key.len() + value.as_ref().map_or(0, |value| value.len()) + 32;
                pairs.pairs().iter().map(size).sum()
            }
            ExtensionValue::Ltree(path) => path.as_str().len(),
            ExtensionValue::Lquery(query) => query.size(),
            ExtensionValue::Ltxtquery(query) => query.size(),
            ExtensionValue::QueryInt(query) => query.size(),
            ExtensionValue::Cube(own) => own.size(),
        }
    }
}

/// Order of two texts in lower case.
fn compare_citext(a: &str, b: &str) -> Ordering {
    a.bytes().map(|byte| byte.to_ascii_lowercase()).cmp(b.bytes().map(|byte| byte.to_ascii_lowercase()))
}

impl Datum {
    /// A `citext`.
    pub fn citext(text: impl Into<Box<str>>) -> Datum {
        Datum::Extension(Arc::new(ExtensionValue::Citext(text.into())))
    }
}

macro_rules! into_datum {
    ($($ty:ident),*) => {$(
        impl From<$ty> for Datum {
            fn from(value: $ty) -> Datum {
                Datum::Extension(Arc::new(ExtensionValue::$ty(value)))
            }
        }
    )*};
}

into_datum!(Hstore, Ltree, Lquery, Ltxtquery, QueryInt, Cube);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Oid, opaque, order, sort_key};

    fn key(value: &Datum) -> Vec<u8> {
        let mut key = Vec::new();
        sort_key::encode(value, Oid::INVALID, false, false, &mut key);
        key
    }

    #[test]
    fn citext_has_no_case_where_it_is_compared_and_keeps_it_where_it_is_shown() {
        let (a, b, c) = (Datum::citext("Straße"), Datum::citext("sTRAßE"), Datum::citext("strasse"));
        assert!(order::equal(&a, &b) && !order::equal(&a, &c));
        assert_eq!(order::hash(Oid::INVALID, &a), order::hash(Oid::INVALID, &b));
        assert_eq!(key(&a), key(&b));
        assert_eq!(key(&a).cmp(&key(&c)), order::compare(&a, &c));
        let mut bytes = Vec::new();
        opaque::encode(&a, &mut bytes);
        let Ok(Datum::Extension(read)) = opaque::decode(&bytes) else { panic!("a citext") };
        assert!(matches!(&*read, ExtensionValue::Citext(text) if &**text == "Straße"));
    }

    #[test]
    fn paths_and_queries_survive_and_keys_of_paths_sort_as_they_do() {
        let paths =
            ["", "a", "a.b", "a.b.c", "a.c", "a_", "ab", "b"].map(|text| Datum::from(Ltree::parse(text).unwrap()));
        for a in &paths {
            for b in &paths {
                assert_eq!(key(a).cmp(&key(b)), order::compare(a, b), "{a:?} {b:?}");
            }
        }
        let queries = [Lquery::parse("*.!a@{2,}").unwrap().into(), Ltxtquery::parse("a & !(b|c%)").unwrap().into()];
        for value in paths.iter().chain(&queries) {
            let mut bytes = Vec::new();
            opaque::encode(value, &mut bytes);
            assert_eq!(format!("{value:?}"), format!("{:?}", opaque::decode(&bytes).unwrap()));
        }
    }

    #[test]
    fn keys_of_hstore_sort_as_the_values_do() {
        let texts = ["", "a=>1", "a=>2", "a=>NULL", "aa=>1", "a=>1, b=>2", "b=>1", "a=>11", "a1=>1", "a=>\"\""];
        let values: Vec<Datum> = texts.iter().map(|text| Hstore::parse(text).unwrap().into()).collect();
        for a in &values {
            for b in &values {
                assert_eq!(key(a).cmp(&key(b)), order::compare(a, b), "{a:?} {b:?}");
            }
            let mut bytes = Vec::new();
            opaque::encode(a, &mut bytes);
            assert!(order::equal(a, &opaque::decode(&bytes).unwrap()));
        }
    }
}
