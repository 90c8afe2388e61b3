//! Builds a column of `numeric` without datums: the encoded form of most numbers stands in their views.

use std::sync::Arc;

use ::arrow::array::{ArrayRef, BinaryViewArray, make_view};
use ::arrow::buffer::{Buffer, NullBuffer};

use crate::numeric::{Parts, SmallNumeric, WideNumeric};
use crate::{Datum, Error, Numeric, Result, opaque};

/// The view of an empty value, which no number has.
const NO_NUMBER: u128 = 0;

/// A column in the making. Places may be left without a number and be given one later, or be those of NULLs.
#[derive(Debug, Default)]
pub struct NumericColumn {
    views: Vec<u128>,
    /// Forms too long for a view.
    long: Vec<u8>,
}

impl NumericColumn {
    /// An empty column with room for so many numbers.
    pub fn with_capacity(rows: usize) -> Self {
        NumericColumn { views: Vec::with_capacity(rows), long: Vec::new() }
    }

    /// So many places without a number.
    pub fn missing(rows: usize) -> Self {
        NumericColumn { views: vec![NO_NUMBER; rows], long: Vec::new() }
    }

    /// Appends a number, or a place without one.
    #[inline]
    pub fn push_small(&mut self, number: Option<SmallNumeric>) {
        self.views.push(number.map_or(NO_NUMBER, SmallNumeric::view));
    }

    /// Appends a number.
    pub fn push_wide(&mut self, number: WideNumeric) {
        let view = self.view_of_wide(number);
        self.views.push(view);
    }

    /// Appends any number, or a place without one.
    pub fn push(&mut self, number: Option<&Numeric>) {
        let view = number.map_or(NO_NUMBER, |number| self.view(number));
        self.views.push(view);
    }

    /// Whether a place has no number.
    #[inline]
    pub fn is_missing(&self, row: usize) -> bool {
        self.views[row] == NO_NUMBER
    }

    /// Puts a number in a place.
    pub fn set_wide(&mut self, row: usize, number: WideNumeric) {
        self.views[row] = self.view_of_wide(number);
    }

    /// Puts any number in a place.
    pub fn set(&mut self, row: usize, number: &Numeric) {
        self.views[row] = self.view(number);
    }

    fn view_of_wide(&mut self, number: WideNumeric) -> u128 {
        match number.small() {
            Some(small) => small.view(),
            None => self.long_view(|long| number.write(long)),
        }
    }

    fn view(&mut self, number: &Numeric) -> u128 {
        match number.parts() {
            Parts::Small(coefficient, scale) if SmallNumeric::has_scale(scale) => {
                SmallNumeric { coefficient, scale }.view()
            }
            _ => self.long_view(|long| opaque::encode(&Datum::Numeric(number.clone()), long)),
        }
    }

    /// The view of a form that may be too long for one.
    fn long_view(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> u128 {
        let start = self.long.len();
        write(&mut self.long);
        // A short form is in the view now; the bytes that stay behind do not matter.
        make_view(&self.long[start..], 0, start as u32)
    }

    /// The column. Places without a number have to be NULL.
    pub fn finish(self, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
        let buffers: Vec<Buffer> = if self.long.is_empty() { Vec::new() } else { vec![Buffer::from_vec(self.long)] };
        let array = BinaryViewArray::try_new(self.views.into(), buffers, nulls);
        array.map(|array| Arc::new(array) as ArrayRef).map_err(|error| Error::internal(error.to_string()))
    }

    /// The column, with NULLs where there is no number.
    pub fn finish_with_nulls(self) -> Result<ArrayRef> {
        let nulls: NullBuffer = self.views.iter().map(|view| *view != NO_NUMBER).collect::<Vec<bool>>().into();
        self.finish((nulls.null_count() > 0).then_some(nulls))
    }
}
