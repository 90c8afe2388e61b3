//! A vector of fixed-width values that can be handed to Arrow without copying and taken back when nobody holds it.

use arrow::buffer::ScalarBuffer;
use arrow::datatypes::ArrowNativeType;

/// Values, either writable or shared with Arrow arrays.
#[derive(Clone, Debug)]
pub(crate) enum Cells<T: ArrowNativeType> {
    Owned(Vec<T>),
    Shared(ScalarBuffer<T>),
}

impl<T: ArrowNativeType> Default for Cells<T> {
    fn default() -> Self {
        Cells::Owned(Vec::new())
    }
}

impl<T: ArrowNativeType> Cells<T> {
    pub(crate) fn filled(len: usize, value: T) -> Self {
        Cells::Owned(vec![value; len])
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[T] {
        match self {
            Cells::Owned(values) => values,
            Cells::Shared(values) => values,
        }
    }

    /// For writing. Copies only while a reader still holds the shared buffer.
    #[inline]
    pub(crate) fn make_mut(&mut self) -> &mut Vec<T> {
        if let Cells::Shared(shared) = self {
            let buffer = std::mem::replace(shared, ScalarBuffer::from(Vec::new())).into_inner();
            let values = buffer.into_vec::<T>().unwrap_or_else(|held| held.typed_data::<T>().to_vec());
            *self = Cells::Owned(values);
        }
        match self {
            Cells::Owned(values) => values,
            Cells::Shared(_) => unreachable!("made owned above"),
        }
    }

    /// The values as an Arrow buffer; no copy.
    pub(crate) fn share(&mut self) -> ScalarBuffer<T> {
        if let Cells::Owned(values) = self {
            *self = Cells::Shared(ScalarBuffer::from(std::mem::take(values)));
        }
        match self {
            Cells::Shared(shared) => shared.clone(),
            Cells::Owned(_) => unreachable!("made shared above"),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        match self {
            Cells::Owned(values) => values.capacity() * size_of::<T>(),
            Cells::Shared(values) => values.inner().capacity(),
        }
    }
}
