//! Operands of column kernels, and the loops over them.
//!
//! A loop computes every slot without branching and notes whether anything went wrong; only then are the valid slots
//! gone through again, because what lies under a NULL must not fail.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Datum, PrimitiveArray, new_null_array};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::DataType;
use dictdb_types::{Error, Result};

/// A column, or one value for all rows.
pub(super) enum Operand<'a, T: ArrowPrimitiveType> {
    Column(&'a PrimitiveArray<T>),
    Value(T::Native),
    Null,
}

#[cold]
pub(super) fn mismatch(array: &dyn Array) -> Error {
    Error::internal(format!("column kernel was given {}", array.data_type()))
}

/// The argument at `index`.
pub(super) fn argument<'a>(args: &[&'a dyn Datum], index: usize) -> Result<&'a dyn Datum> {
    args.get(index).copied().ok_or_else(|| Error::internal("column kernel was given too few arguments"))
}

/// The argument at `index` as numbers.
pub(super) fn operand<'a, T: ArrowPrimitiveType>(args: &[&'a dyn Datum], index: usize) -> Result<Operand<'a, T>> {
    let (array, is_scalar) = argument(args, index)?.get();
    let column = array.as_primitive_opt::<T>().ok_or_else(|| mismatch(array))?;
    Ok(match is_scalar {
        false => Operand::Column(column),
        true if column.is_empty() || column.is_null(0) => Operand::Null,
        true => Operand::Value(column.value(0)),
    })
}

impl<T: ArrowPrimitiveType> Operand<'_, T> {
    fn len(&self) -> Option<usize> {
        match self {
            Operand::Column(column) => Some(column.len()),
            _ => None,
        }
    }

    fn nulls(&self) -> Option<&NullBuffer> {
        match self {
            Operand::Column(column) => column.nulls(),
            _ => None,
        }
    }
}

/// Rows of the result of two operands.
fn rows<L: ArrowPrimitiveType, R: ArrowPrimitiveType>(left: &Operand<'_, L>, right: &Operand<'_, R>) -> usize {
    left.len().or(right.len()).unwrap_or(1)
}

/// `fast` gives a value and whether it is wrong; where any is, `exact` decides for each valid slot.
pub(super) fn binary<L, R, O>(
    args: &[&dyn Datum],
    fast: impl Fn(L::Native, R::Native) -> (O::Native, bool),
    exact: impl Fn(L::Native, R::Native) -> Result<O::Native>,
) -> Result<ArrayRef>
where
    L: ArrowPrimitiveType,
    R: ArrowPrimitiveType,
    O: ArrowPrimitiveType,
{
    let (left, right) = (operand::<L>(args, 0)?, operand::<R>(args, 1)?);
    let len = rows(&left, &right);
    let nulls = NullBuffer::union(left.nulls(), right.nulls());
    match (&left, &right) {
        (Operand::Null, _) | (_, Operand::Null) => Ok(new_null_array(&O::DATA_TYPE, len)),
        (Operand::Column(l), Operand::Column(r)) => {
            let pairs = || l.values().iter().copied().zip(r.values().iter().copied());
            finish::<L, R, O, _>(pairs, nulls, fast, exact)
        }
        (Operand::Column(l), Operand::Value(r)) => {
            finish::<L, R, O, _>(|| l.values().iter().map(|l| (*l, *r)), nulls, fast, exact)
        }
        (Operand::Value(l), Operand::Column(r)) => {
            finish::<L, R, O, _>(|| r.values().iter().map(|r| (*l, *r)), nulls, fast, exact)
        }
        (Operand::Value(l), Operand::Value(r)) => {
            finish::<L, R, O, _>(|| std::iter::once((*l, *r)), nulls, fast, exact)
        }
    }
}

fn finish<L, R, O, I>(
    pairs: impl Fn() -> I,
    nulls: Option<NullBuffer>,
    fast: impl Fn(L::Native, R::Native) -> (O::Native, bool),
    exact: impl Fn(L::Native, R::Native) -> Result<O::Native>,
) -> Result<ArrayRef>
where
    L: ArrowPrimitiveType,
    R: ArrowPrimitiveType,
    O: ArrowPrimitiveType,
    I: Iterator<Item = (L::Native, R::Native)>,
{
    let mut wrong = false;
    let compute = |(l, r)| {
        let (value, is_wrong) = fast(l, r);
        wrong |= is_wrong;
        value
    };
    let values: Vec<O::Native> = pairs().map(compute).collect();
    if wrong {
        for (index, (l, r)) in pairs().enumerate() {
            if nulls.as_ref().is_none_or(|nulls| nulls.is_valid(index)) {
                exact(l, r)?;
            }
        }
    }
    Ok(Arc::new(PrimitiveArray::<O>::new(ScalarBuffer::from(values), nulls)))
}

/// `fast` and `exact` as in [`binary`], of one operand.
pub(super) fn unary<T, O>(
    args: &[&dyn Datum],
    fast: impl Fn(T::Native) -> (O::Native, bool),
    exact: impl Fn(T::Native) -> Result<O::Native>,
) -> Result<ArrayRef>
where
    T: ArrowPrimitiveType,
    O: ArrowPrimitiveType,
{
    match operand::<T>(args, 0)? {
        Operand::Null => Ok(new_null_array(&O::DATA_TYPE, 1)),
        Operand::Value(value) => {
            finish::<T, T, O, _>(|| std::iter::once((value, value)), None, |v, _| fast(v), |v, _| exact(v))
        }
        Operand::Column(column) => {
            let pairs = || column.values().iter().map(|value| (*value, *value));
            finish::<T, T, O, _>(pairs, column.nulls().cloned(), |v, _| fast(v), |v, _| exact(v))
        }
    }
}

/// Rows whose bits make a word.
const WORD: usize = 64;

/// Words of bits as a buffer of so many bits.
fn bits(len: usize, words: impl Iterator<Item = u64>) -> BooleanBuffer {
    BooleanBuffer::new(Buffer::from_vec(words.collect::<Vec<u64>>()), 0, len)
}

/// Up to 64 results as bits. They become bytes first, which a processor makes of many comparisons at once; then the bits of eight
/// bytes are moved next to each other by one multiplication.
#[inline]
fn packed(results: impl Iterator<Item = bool>) -> u64 {
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut bytes = [0; WORD];
    bytes.iter_mut().zip(results).for_each(|(byte, result)| *byte = u8::from(result));
    let (eights, _) = bytes.as_chunks::<8>();
    let gathered = eights.iter().map(|eight| u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56);
    gathered.rev().fold(0, |word, eight| word << 8 | eight)
}

/// A condition on two operands.
pub(super) fn condition<L, R>(args: &[&dyn Datum], test: impl Fn(L::Native, R::Native) -> bool) -> Result<ArrayRef>
where
    L: ArrowPrimitiveType,
    R: ArrowPrimitiveType,
{
    let (left, right) = (operand::<L>(args, 0)?, operand::<R>(args, 1)?);
    let len = rows(&left, &right);
    let bits = match (&left, &right) {
        (Operand::Null, _) | (_, Operand::Null) => return Ok(new_null_array(&DataType::Boolean, len)),
        (Operand::Column(l), Operand::Column(r)) => {
            let (l, r) = (l.values().chunks(WORD), r.values().chunks(WORD));
            bits(len, l.zip(r).map(|(l, r)| packed(l.iter().zip(r).map(|(l, r)| test(*l, *r)))))
        }
        (Operand::Column(l), Operand::Value(r)) => {
            bits(len, l.values().chunks(WORD).map(|l| packed(l.iter().map(|l| test(*l, *r)))))
        }
        (Operand::Value(l), Operand::Column(r)) => {
            bits(len, r.values().chunks(WORD).map(|r| packed(r.iter().map(|r| test(*l, *r)))))
        }
        (Operand::Value(l), Operand::Value(r)) => BooleanBuffer::collect_bool(1, |_| test(*l, *r)),
    };
    Ok(Arc::new(BooleanArray::new(bits, NullBuffer::union(left.nulls(), right.nulls()))))
}
