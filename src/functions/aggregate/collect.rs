//! Aggregates that keep their rows: `array_agg`, `string_agg`.

use std::sync::Arc;

use dictdb_types::{Array, Datum, Dimension, Error, Result, SqlState, bail, oids};

use super::{Accumulator, Entry, arg, mismatch, size_of_datum};
use crate::CallContext;
use crate::scalar::array::{MAX_DIMENSIONS, check_count};
use crate::scalar::limits::check_growth;

pub(super) const AGGREGATES: &[Entry] = &[
    ("array_agg", &[oids::ANYNONARRAY], || Box::new(Values::default())),
    ("array_agg", &[oids::ANYARRAY], || Box::new(Arrays::default())),
    ("string_agg", &[oids::TEXT, oids::TEXT], || Box::new(Strings::default())),
    ("string_agg", &[oids::BYTEA, oids::BYTEA], || Box::new(Bytes::default())),
];

/// `array_agg` of what is no array; NULL counts as a value.
#[derive(Default)]
struct Values {
    items: Vec<Datum>,
    size: usize,
}

impl Accumulator for Values {
    fn update(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        check_count(Some(self.items.len() + 1))?;
        let value = arg(args, 0);
        self.size += size_of_datum(value);
        self.items.push(value.clone());
        Ok(())
    }

    fn finish(&mut self, cx: &CallContext<'_>) -> Result<Datum> {
        if self.items.is_empty() {
            return Ok(Datum::Null);
        }
        let element = cx.element_of(cx.result.oid).unwrap_or(cx.arg_type(0).oid);
        Ok(Datum::Array(Arc::new(Array::vector(element, self.items.clone()))))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.size
    }
}

/// `array_agg` of arrays: one dimension more.
#[derive(Default)]
struct Arrays {
    first: Option<Arc<Array>>,
    count: i32,
    items: Vec<Datum>,
    size: usize,
}

impl Accumulator for Arrays {
    fn update(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        let array = match arg(args, 0) {
            Datum::Null => bail!(NULL_VALUE_NOT_ALLOWED, "cannot accumulate null arrays"),
            Datum::Array(array) => array,
            other => return Err(mismatch(other)),
        };
        let lengths = |array: &Array| array.dims.iter().map(|dim| dim.len).collect::<Vec<_>>();
        match &self.first {
            None if array.dims.is_empty() => bail!(ARRAY_SUBSCRIPT_ERROR, "cannot accumulate empty arrays"),
            None if array.dims.len() >= MAX_DIMENSIONS => {
                let count = array.dims.len() + 1;
                bail!(
                    PROGRAM_LIMIT_EXCEEDED,
                    "number of array dimensions ({count}) exceeds the maximum allowed ({MAX_DIMENSIONS})"
                )
            }
            None => self.first = Some(array.clone()),
            Some(first) if lengths(first) != lengths(array) => {
                let message = "cannot accumulate arrays of different dimensionality";
                return Err(Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, message));
            }
            Some(_) => {}
        }
        check_count(Some(self.items.len() + array.items.len()))?;
        self.size += array.items.iter().map(size_of_datum).sum::<usize>();
        self.items.extend_from_slice(&array.items);
        self.count += 1;
        Ok(())
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        let Some(first) = &self.first else { return Ok(Datum::Null) };
        let outer = Dimension { len: self.count, lower: 1 };
        let dims = [outer].into_iter().chain(first.dims.iter().copied()).collect();
        Ok(Datum::Array(Arc::new(Array { element: first.element, dims, items: self.items.clone() })))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.size
    }
}

/// `string_agg` of text: a row's delimiter stands before its value.
#[derive(Default)]
struct Strings(Option<String>);

impl Accumulator for Strings {
    fn update(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        let Datum::Text(value) = arg(args, 0) else { return Ok(()) };
        match &mut self.0 {
            None => self.0 = Some(value.as_ref().to_owned()),
            Some(text) => {
                let delimiter = if let Datum::Text(delimiter) = arg(args, 1) { delimiter.as_ref() } else { "" };
                check_growth(text.len(), delimiter.len() + value.len())?;
                text.push_str(delimiter);
                text.push_str(value);
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        Ok(self.0.as_ref().map_or(Datum::Null, Datum::text))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.0.as_ref().map_or(0, String::capacity)
    }
}

/// `string_agg` of `bytea`.
#[derive(Default)]
struct Bytes(Option<Vec<u8>>);

impl Accumulator for Bytes {
    fn update(&mut self, _: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        let Datum::Bytea(value) = arg(args, 0) else { return Ok(()) };
        match &mut self.0 {
            None => self.0 = Some(value.to_vec()),
            Some(bytes) => {
                let delimiter: &[u8] = if let Datum::Bytea(delimiter) = arg(args, 1) { delimiter } else { &[] };
                check_growth(bytes.len(), delimiter.len() + value.len())?;
                bytes.extend_from_slice(delimiter);
                bytes.extend_from_slice(value);
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        Ok(self.0.as_ref().map_or(Datum::Null, Datum::bytea))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.0.as_ref().map_or(0, Vec::capacity)
    }
}
