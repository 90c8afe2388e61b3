//! Parts of texts over columns: `substring`, `left` and `right`, and texts without the blanks at their end. The bytes are shared.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ByteView, Datum, StringViewArray, make_view, new_null_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Int32Type};
use dictdb_types::{Error, Result};

use super::VectorFn;
use super::operand::{Operand, argument, mismatch, operand};
use crate::scalar::text::{left, right, substring};

pub(super) const SUBSTRINGS: &[(&str, VectorFn)] = &[("text_substr", |args| substrings(args, true))];

pub(super) const ENDS: &[(&str, VectorFn)] =
    &[("text_substr_no_len", |args| substrings(args, false)), ("rtrim1", trimmed)];

pub(super) const SIDES: &[(&str, VectorFn)] =
    &[("text_left", |args| sides(args, left)), ("text_right", |args| sides(args, right))];

/// A part of each text that is not NULL.
fn parts(
    texts: &StringViewArray,
    nulls: Option<NullBuffer>,
    part: impl for<'a> Fn(usize, &'a str) -> Result<&'a str>,
) -> Result<ArrayRef> {
    let mut views = Vec::with_capacity(texts.len());
    for (row, view) in texts.views().iter().enumerate() {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            views.push(0);
            continue;
        }
        let text = texts.value(row);
        let part = part(row, text)?;
        if part.len() == text.len() {
            views.push(*view);
            continue;
        }
        // What is short enough is in the view itself, which then says nothing of a buffer.
        let (whole, skipped) = (ByteView::from(*view), (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize));
        views.push(make_view(part.as_bytes(), whole.buffer_index, whole.offset.wrapping_add(skipped as u32)));
    }
    let array = StringViewArray::try_new(views.into(), texts.data_buffers().to_vec(), nulls);
    array.map(|array| Arc::new(array) as ArrayRef).map_err(|error| Error::internal(error.to_string()))
}

/// A number of each row.
struct Numbers<'a>(Operand<'a, Int32Type>);

impl Numbers<'_> {
    fn get(&self, row: usize) -> i32 {
        match &self.0 {
            Operand::Column(column) => column.value(row),
            Operand::Value(value) => *value,
            Operand::Null => 0,
        }
    }

    fn nulls(&self) -> Option<&NullBuffer> {
        if let Operand::Column(column) = &self.0 { column.nulls() } else { None }
    }

    /// Whether there is one for all rows.
    fn is_single(&self) -> bool {
        !matches!(self.0, Operand::Column(_))
    }
}

/// A part of each text that a number says.
fn sides(args: &[&dyn Datum], side: fn(&str, i32) -> &str) -> Result<ArrayRef> {
    numbered(args, false, |text, number, _| Ok(side(text, number)))
}

fn substrings(args: &[&dyn Datum], with_length: bool) -> Result<ArrayRef> {
    numbered(args, with_length, substring)
}

/// A part of each text that a number says, or two.
fn numbered(
    args: &[&dyn Datum],
    with_length: bool,
    part: impl for<'a> Fn(&'a str, i32, Option<i32>) -> Result<&'a str>,
) -> Result<ArrayRef> {
    let (array, one_text) = argument(args, 0)?.get();
    let texts = array.as_string_view_opt().ok_or_else(|| mismatch(array))?;
    let starts = Numbers(operand(args, 1)?);
    let lengths = if with_length { Some(Numbers(operand(args, 2)?)) } else { None };
    let numbers = || std::iter::once(&starts).chain(&lengths);
    let columns = numbers()
        .filter_map(|numbers| if let Operand::Column(column) = &numbers.0 { Some(column.len()) } else { None });
    let rows = if one_text { columns.max().unwrap_or(1) } else { texts.len() };
    if numbers().any(|numbers| matches!(numbers.0, Operand::Null))
        || (one_text && (texts.is_empty() || texts.is_null(0)))
    {
        return Ok(new_null_array(&DataType::Utf8View, rows));
    }
    let repeated;
    let texts = if one_text && !numbers().all(Numbers::is_single) {
        let view = texts.views()[0];
        let views = vec![view; rows].into();
        repeated = StringViewArray::try_new(views, texts.data_buffers().to_vec(), None)
            .map_err(|error| Error::internal(error.to_string()))?;
        &repeated
    } else {
        texts
    };
    let nulls =
        numbers().fold(texts.nulls().cloned(), |nulls, numbers| NullBuffer::union(nulls.as_ref(), numbers.nulls()));
    parts(texts, nulls, |row, text| part(text, starts.get(row), lengths.as_ref().map(|lengths| lengths.get(row))))
}

/// The same texts without the blanks at their ends; what `char(n)` is compared by.
pub fn trimmed(args: &[&dyn Datum]) -> Result<ArrayRef> {
    let (array, _) = argument(args, 0)?.get();
    let texts = array.as_string_view_opt().ok_or_else(|| mismatch(array))?;
    if texts.iter().flatten().all(|text| !text.ends_with(' ')) {
        return Ok(Arc::new(texts.clone()));
    }
    parts(texts, texts.nulls().cloned(), |_, text| Ok(text.trim_end_matches(' ')))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, Scalar};

    use super::*;

    fn texts(array: ArrayRef) -> Vec<Option<String>> {
        array.as_string_view().iter().map(|text| text.map(str::to_owned)).collect()
    }

    fn some(texts: &[&str]) -> Vec<Option<String>> {
        texts.iter().map(|text| Some((*text).to_owned())).collect()
    }

    #[test]
    fn parts_share_the_bytes_of_long_texts() {
        let long = StringViewArray::from(vec![Some("Äpfel und Birnen und Pflaumen"), Some("kurz"), None]);
        let (two, twenty) = (Scalar::new(Int32Array::from(vec![2])), Scalar::new(Int32Array::from(vec![20])));
        let expected = [some(&["pfel und Birnen und ", "urz"]), vec![None]].concat();
        assert_eq!(texts(substrings(&[&long, &two, &twenty], true).unwrap()), expected);
        let starts = Int32Array::from(vec![25, -1, 1]);
        let expected = [some(&["aumen", "kurz"]), vec![None]].concat();
        assert_eq!(texts(substrings(&[&long, &starts], false).unwrap()), expected);
        let negative = Scalar::new(Int32Array::from(vec![-1]));
        assert!(substrings(&[&long, &two, &negative], true).is_err());
    }

    #[test]
    fn one_text_and_many_places() {
        let one = Scalar::new(StringViewArray::from(vec!["a text of more than twelve bytes"]));
        let starts = Int32Array::from(vec![Some(3), None, Some(100)]);
        let three = Scalar::new(Int32Array::from(vec![3]));
        let parts = substrings(&[&one, &starts, &three], true).unwrap();
        assert_eq!(texts(parts), [Some("tex".to_owned()), None, Some(String::new())]);
    }

    #[test]
    fn blanks_go() {
        let padded = StringViewArray::from(vec!["a long text with blanks         ", "a     ", " b"]);
        assert_eq!(texts(trimmed(&[&padded]).unwrap()), some(&["a long text with blanks", "a", " b"]));
    }
}
