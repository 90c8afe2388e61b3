//! `x = ANY (…)` with an array that is the same for all rows: a hash table instead of a loop.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, BooleanBuilder};
use dictdb_types::arrow::ColumnReader;
use dictdb_types::{Datum, Oid, Physical, Result, oids};
use hashbrown::HashSet;

use super::{Batch, Vector};
use crate::eval::{Code, Scope, as_array};
use crate::keys::append_equality_key;

/// `left = ANY (array)`.
#[derive(Debug)]
pub(crate) struct InSet {
    /// The left operand.
    pub left: Vector,
    /// Its layout.
    pub physical: Physical,
    /// The base type of both sides.
    pub oid: Oid,
    /// The array, without columns.
    pub array: Code,
}

/// The elements.
enum Members {
    /// Integers and what is laid out as such.
    Integers(HashSet<i64>),
    /// Texts that are equal when their bytes are, those of `bpchar` without the blanks at their end.
    Texts { texts: HashSet<Box<str>>, blank_padded: bool },
    /// Anything else by its equality key.
    Keys(HashSet<Box<[u8]>>),
}

impl InSet {
    pub(super) fn eval(&self, batch: Batch<'_>) -> Result<ArrayRef> {
        let value = self.array.eval(Scope::new(batch.rt, &[]))?;
        let Some(array) = as_array(&value)? else { return Ok(super::nulls(Physical::Bool, batch.rows)) };
        if array.items.is_empty() {
            return Ok(Arc::new(BooleanArray::from(vec![false; batch.rows])));
        }
        let has_null = array.items.iter().any(Datum::is_null);
        let members = Members::new(self.oid, &array.items);
        let column = self.left.array(batch)?;
        let reader = ColumnReader::new(&column, self.physical)?;
        let mut found = BooleanBuilder::with_capacity(batch.rows);
        let mut key = Vec::new();
        for row in 0..column.len() {
            if reader.is_null(row) {
                found.append_null();
            } else if members.contain(&reader, row, self.oid, &mut key)? {
                found.append_value(true);
            } else {
                found.append_option((!has_null).then_some(false));
            }
        }
        Ok(Arc::new(found.finish()))
    }

    pub(super) fn can_fail(&self) -> bool {
        self.left.can_fail() || !matches!(self.array, Code::Const(_) | Code::Param(_) | Code::Outer(_))
    }
}

fn integer(value: &Datum) -> Option<i64> {
    match value {
        Datum::Int2(v) => Some(i64::from(*v)),
        Datum::Int4(v) | Datum::Date(v) => Some(i64::from(*v)),
        Datum::Int8(v) | Datum::Timestamp(v) => Some(*v),
        _ => None,
    }
}

/// What of a text counts.
fn compared(text: &str, blank_padded: bool) -> &str {
    if blank_padded { text.trim_end_matches(' ') } else { text }
}

impl Members {
    fn new(oid: Oid, items: &[Datum]) -> Self {
        let items = || items.iter().filter(|item| !item.is_null());
        if let Some(integers) = items().map(integer).collect() {
            return Members::Integers(integers);
        }
        let blank_padded = oid == oids::BPCHAR;
        if blank_padded || matches!(oid, oids::TEXT | oids::VARCHAR | oids::NAME) {
            let text = |item: &Datum| match item {
                Datum::Text(text) => Some(compared(text, blank_padded).into()),
                _ => None,
            };
            if let Some(texts) = items().map(text).collect() {
                return Members::Texts { texts, blank_padded };
            }
        }
        let keys = items().map(|item| {
            let mut key = Vec::new();
            append_equality_key(item, oid, &mut key);
            key.into_boxed_slice()
        });
        Members::Keys(keys.collect())
    }

    fn contain(&self, reader: &ColumnReader<'_>, row: usize, oid: Oid, key: &mut Vec<u8>) -> Result<bool> {
        if let (Members::Texts { texts, blank_padded }, ColumnReader::Text(column)) = (self, reader) {
            return Ok(texts.contains(compared(column.value(row), *blank_padded)));
        }
        let value = reader.get(row)?;
        Ok(match self {
            Members::Integers(integers) => integer(&value).is_some_and(|value| integers.contains(&value)),
            Members::Texts { texts, blank_padded } => match &value {
                Datum::Text(text) => texts.contains(compared(text, *blank_padded)),
                _ => false,
            },
            Members::Keys(keys) => {
                key.clear();
                append_equality_key(&value, oid, key);
                keys.contains(key.as_slice())
            }
        })
    }
}

/// Whether equality of this type is that of its keys for both sides of the operator.
pub(super) fn is_key_equality(source: &str) -> bool {
    // Operators between two types compare values whose keys differ.
    const CROSS: &[&str] =
        &["int24eq", "int28eq", "int42eq", "int48eq", "int82eq", "int84eq", "float48eq", "float84eq"];
    source.ends_with("eq") && !CROSS.contains(&source)
}
