//! `x = ANY (…)` with an array that is the same for all rows: a hash table instead of a loop.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, ByteView, MAX_INLINE_VIEW_LEN, PrimitiveArray, StringViewArray,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use dictdb_functions::facts::{self, Operator};
use dictdb_planner::expr::Function;
use dictdb_types::arrow::ColumnReader;
use dictdb_types::{Datum, Error, Oid, Physical, Result, oids};
use hashbrown::{HashMap, HashSet};

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

/// So many texts are remembered.
const MOST_KNOWN: usize = 1024;

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
        let found = members.among(&ColumnReader::new(&column, self.physical)?, column.len(), self.oid)?;
        // Where a NULL is among the members, it is not known of others whether they are.
        let known = has_null.then(|| NullBuffer::new(found.clone()));
        let nulls = NullBuffer::union(column.logical_nulls().as_ref(), known.as_ref());
        Ok(Arc::new(BooleanArray::new(found, nulls)))
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

    /// Which rows of a column are members; of NULLs it does not matter.
    fn among(&self, reader: &ColumnReader<'_>, rows: usize, oid: Oid) -> Result<BooleanBuffer> {
        match (self, reader) {
            (Members::Integers(integers), ColumnReader::Int2(column)) => Ok(integers_among(integers, column)),
            (Members::Integers(integers), ColumnReader::Int4(column)) => Ok(integers_among(integers, column)),
            (Members::Integers(integers), ColumnReader::Int8(column)) => Ok(integers_among(integers, column)),
            (Members::Integers(integers), ColumnReader::Date(column)) => Ok(integers_among(integers, column)),
            (Members::Integers(integers), ColumnReader::Timestamp(column)) => Ok(integers_among(integers, column)),
            (Members::Texts { texts, blank_padded }, ColumnReader::Text(column)) => {
                Ok(texts_among(column, |text| texts.contains(compared(text, *blank_padded))))
            }
            (Members::Keys(keys), _) => {
                let mut key = Vec::new();
                let is_member = |row| {
                    key.clear();
                    append_equality_key(&reader.get(row)?, oid, &mut key);
                    Ok(!reader.is_null(row) && keys.contains(key.as_slice()))
                };
                Ok((0..rows).map(is_member).collect::<Result<Vec<bool>>>()?.into())
            }
            (_, ColumnReader::Null(_)) => Ok(BooleanBuffer::new_unset(rows)),
            _ => Err(Error::internal("members of another layout than the column's")),
        }
    }
}

fn integers_among<T: ArrowPrimitiveType>(integers: &HashSet<i64>, column: &PrimitiveArray<T>) -> BooleanBuffer
where
    i64: From<T::Native>,
{
    BooleanBuffer::collect_bool(column.len(), |row| integers.contains(&i64::from(column.values()[row])))
}

/// Asks once for each text that stands in its view, as long as they are few.
fn texts_among(column: &StringViewArray, is_member: impl Fn(&str) -> bool) -> BooleanBuffer {
    let mut known: HashMap<u128, bool> = HashMap::new();
    BooleanBuffer::collect_bool(column.len(), |row| {
        let view = column.views()[row];
        if ByteView::from(view).length > MAX_INLINE_VIEW_LEN {
            return is_member(column.value(row));
        }
        if let Some(is_member) = known.get(&view) {
            return *is_member;
        }
        let is_member = is_member(column.value(row));
        if known.len() < MOST_KNOWN {
            known.insert(view, is_member);
        }
        is_member
    })
}

/// Whether a function is behind an operator that finds equal what has equal keys.
pub(super) fn is_key_equality(function: &Function) -> bool {
    facts::operators_named("=").any(|operator| operator.code == function.oid && compares_keys(operator))
}

/// Whether a function is behind the negation of such an operator.
pub(super) fn is_key_inequality(function: &Function) -> bool {
    let equality = |operator: &Operator| facts::operator_by_oid(operator.negator).is_some_and(compares_keys);
    facts::operators_named("<>").any(|operator| operator.code == function.oid && equality(operator))
}

/// Keys of two types differ, also those of equal values.
fn compares_keys(equality: &Operator) -> bool {
    equality.can_hash && equality.left == equality.right
}
