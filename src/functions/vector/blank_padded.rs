//! Comparisons of `char(n)` over columns: by bytes, trailing blanks not counted.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Datum, StringViewArray, new_null_array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::DataType;
use dictdb_types::Result;

use super::VectorFn;
use super::operand::{argument, mismatch};

macro_rules! comparisons {
    ($($name:literal: $test:expr;)*) => {
        &[$(($name, |args| compare(args, $test)),)*]
    };
}

pub(super) const COMPARISONS: &[(&str, VectorFn)] = comparisons! {
    "bpchareq": Ordering::is_eq;
    "bpcharne": Ordering::is_ne;
    "bpcharlt": Ordering::is_lt;
    "bpcharle": Ordering::is_le;
    "bpchargt": Ordering::is_gt;
    "bpcharge": Ordering::is_ge;
};

/// A column, or one value for all rows, which is trimmed already.
enum Operand<'a> {
    Column(&'a StringViewArray),
    Value(&'a [u8]),
    Null,
}

fn trimmed(text: &str) -> &[u8] {
    text.trim_end_matches(' ').as_bytes()
}

impl<'a> Operand<'a> {
    fn of(args: &[&'a dyn Datum], index: usize) -> Result<Self> {
        let (array, is_single) = argument(args, index)?.get();
        let texts = array.as_string_view_opt().ok_or_else(|| mismatch(array))?;
        Ok(match is_single {
            false => Operand::Column(texts),
            true if texts.is_empty() || texts.is_null(0) => Operand::Null,
            true => Operand::Value(trimmed(texts.value(0))),
        })
    }

    fn column(&self) -> Option<&'a StringViewArray> {
        if let Operand::Column(column) = self { Some(column) } else { None }
    }

    #[inline]
    fn get(&self, row: usize) -> &[u8] {
        match self {
            Operand::Column(column) => trimmed(column.value(row)),
            Operand::Value(value) => value,
            Operand::Null => b"",
        }
    }
}

fn compare(args: &[&dyn Datum], test: impl Fn(Ordering) -> bool) -> Result<ArrayRef> {
    let (left, right) = (Operand::of(args, 0)?, Operand::of(args, 1)?);
    let rows = left.column().or(right.column()).map_or(1, |column| column.len());
    if matches!((&left, &right), (Operand::Null, _) | (_, Operand::Null)) {
        return Ok(new_null_array(&DataType::Boolean, rows));
    }
    let nulls = |side: &Operand<'_>| side.column().and_then(|column| column.nulls().cloned());
    let bits = BooleanBuffer::collect_bool(rows, |row| test(left.get(row).cmp(right.get(row))));
    Ok(Arc::new(BooleanArray::new(bits, NullBuffer::union(nulls(&left).as_ref(), nulls(&right).as_ref()))))
}

#[cfg(test)]
mod tests {
    use arrow::array::Scalar;

    use super::*;

    #[test]
    fn blanks_at_the_end_do_not_count() {
        let texts = StringViewArray::from(vec![Some("ab   "), Some("a"), None, Some(" ab")]);
        let one = Scalar::new(StringViewArray::from(vec!["ab "]));
        let bools = |test: fn(Ordering) -> bool| {
            compare(&[&texts, &one], test).unwrap().as_boolean().iter().collect::<Vec<_>>()
        };
        assert_eq!(bools(Ordering::is_eq), [Some(true), Some(false), None, Some(false)]);
        assert_eq!(bools(Ordering::is_lt), [Some(false), Some(true), None, Some(true)]);
    }
}
