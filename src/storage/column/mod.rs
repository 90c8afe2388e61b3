//! One column of one block: typed values, NULLs, and the Arrow array made of them when it was last scanned.
//!
//! The array shares memory with the column. A write drops it, and copies only while a reader still holds it.
//! Versions are not known here: a column is the newest state of its slots.

mod arena;
mod bits;
mod cells;
mod from_arrow;

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryViewArray, BooleanArray, FixedSizeBinaryArray, PrimitiveArray, StringViewArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, Date32Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, Time64MicrosecondType,
    TimestampMicrosecondType, UInt32Type,
};
use dictdb_types::{Datum, Error, Physical, Result, SqlState};

pub(crate) use arena::Arena;
pub(crate) use bits::Bits;
pub(crate) use cells::Cells;
pub use from_arrow::contiguous;

use crate::value::ValueRef;

/// Largest value of a column, PostgreSQL's `MaxAllocSize`.
const VALUE_BYTES_MAX: usize = 0x3fff_ffff;

/// The values by layout. What `Physical` says about Arrow types holds here.
#[derive(Clone, Debug)]
enum Values {
    Bool(Bits),
    Int2(Cells<i16>),
    Int4(Cells<i32>),
    Int8(Cells<i64>),
    Float4(Cells<f32>),
    Float8(Cells<f64>),
    Date(Cells<i32>),
    Time(Cells<i64>),
    Timestamp(Cells<i64>),
    Uuid(Cells<u128>),
    Oid(Cells<u32>),
    Enum(Cells<u32>),
    Text(Arena),
    Bytea(Arena),
    Opaque(Arena),
    /// Every slot has this value: a column added to a table that had rows. Turned into one of the others by a write.
    Constant(Physical, Datum, usize),
}

/// An old value of one slot, as undo records keep it: fixed-width bits, or a view into the column's arena.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Saved {
    null: bool,
    pub(crate) bits: u128,
}

/// A column of a block.
#[derive(Debug)]
pub(crate) struct Column {
    values: Values,
    /// Set bits are present values; `None` while there is no NULL.
    valid: Option<Bits>,
    array: Option<ArrayRef>,
}

/// Runs an expression with `$cells` bound to the fixed-width values, or `$arena` to the byte strings, or the special cases.
macro_rules! by_layout {
    ($values:expr, bool $bits:ident => $on_bool:expr, fixed $cells:ident => $on_fixed:expr,
     bytes $arena:ident => $on_bytes:expr, constant $physical:ident $datum:ident $len:ident => $on_constant:expr) => {
        match $values {
            Values::Bool($bits) => $on_bool,
            Values::Int2($cells) => $on_fixed,
            Values::Int4($cells) | Values::Date($cells) => $on_fixed,
            Values::Int8($cells) | Values::Time($cells) | Values::Timestamp($cells) => $on_fixed,
            Values::Float4($cells) => $on_fixed,
            Values::Float8($cells) => $on_fixed,
            Values::Uuid($cells) => $on_fixed,
            Values::Oid($cells) | Values::Enum($cells) => $on_fixed,
            Values::Text($arena) | Values::Bytea($arena) | Values::Opaque($arena) => $on_bytes,
            Values::Constant($physical, $datum, $len) => $on_constant,
        }
    };
}

/// Fixed-width values as the bits of an undo record.
trait Word: Copy {
    fn to_bits(self) -> u128;
    fn from_bits(bits: u128) -> Self;
}

macro_rules! words {
    ($($ty:ty: $to:expr, $from:expr;)*) => {
        $(impl Word for $ty {
            #[inline]
            fn to_bits(self) -> u128 {
                $to(self)
            }
            #[inline]
            fn from_bits(bits: u128) -> Self {
                $from(bits)
            }
        })*
    };
}

words! {
    i16: |v: i16| v as u16 as u128, |b: u128| b as i16;
    i32: |v: i32| v as u32 as u128, |b: u128| b as i32;
    i64: |v: i64| v as u64 as u128, |b: u128| b as i64;
    u32: |v: u32| v as u128, |b: u128| b as u32;
    u128: |v: u128| v, |b: u128| b;
    f32: |v: f32| v.to_bits() as u128, |b: u128| f32::from_bits(b as u32);
    f64: |v: f64| v.to_bits() as u128, |b: u128| f64::from_bits(b as u64);
}

impl Column {
    pub(crate) fn new(physical: Physical) -> Self {
        let values = match physical {
            Physical::Bool => Values::Bool(Bits::default()),
            Physical::Int2 => Values::Int2(Cells::default()),
            Physical::Int4 => Values::Int4(Cells::default()),
            Physical::Int8 => Values::Int8(Cells::default()),
            Physical::Float4 => Values::Float4(Cells::default()),
            Physical::Float8 => Values::Float8(Cells::default()),
            Physical::Date => Values::Date(Cells::default()),
            Physical::Time => Values::Time(Cells::default()),
            Physical::Timestamp => Values::Timestamp(Cells::default()),
            Physical::Uuid => Values::Uuid(Cells::default()),
            Physical::Oid => Values::Oid(Cells::default()),
            Physical::Enum => Values::Enum(Cells::default()),
            Physical::Text => Values::Text(Arena::default()),
            Physical::Bytea => Values::Bytea(Arena::default()),
            Physical::Opaque => Values::Opaque(Arena::default()),
        };
        Column { values, valid: None, array: None }
    }

    /// An empty column with room for so many values.
    pub(crate) fn with_room(physical: Physical, values: usize) -> Self {
        let mut column = Column::new(physical);
        by_layout!(&mut column.values, bool _v => (), fixed v => v.make_mut().reserve_exact(values),
            bytes v => v.reserve_exact(values), constant _p _d _l => ());
        column
    }

    /// A column of `len` equal values in constant space.
    pub(crate) fn constant(physical: Physical, value: Datum, len: usize) -> Self {
        Column { values: Values::Constant(physical, value, len), valid: None, array: None }
    }

    /// The same values in the same memory: whoever writes first copies them.
    pub(crate) fn twin(&mut self) -> Column {
        by_layout!(&mut self.values, bool _v => (), fixed v => drop(v.share()), bytes v => drop(v.share()),
            constant _p _d _l => ());
        Column { values: self.values.clone(), valid: self.valid.clone(), array: self.array.clone() }
    }

    pub(crate) fn len(&self) -> usize {
        by_layout!(&self.values, bool bits => bits.len(), fixed cells => cells.as_slice().len(),
            bytes arena => arena.len(), constant _p _d len => *len)
    }

    pub(crate) fn physical(&self) -> Physical {
        match &self.values {
            Values::Bool(_) => Physical::Bool,
            Values::Int2(_) => Physical::Int2,
            Values::Int4(_) => Physical::Int4,
            Values::Int8(_) => Physical::Int8,
            Values::Float4(_) => Physical::Float4,
            Values::Float8(_) => Physical::Float8,
            Values::Date(_) => Physical::Date,
            Values::Time(_) => Physical::Time,
            Values::Timestamp(_) => Physical::Timestamp,
            Values::Uuid(_) => Physical::Uuid,
            Values::Oid(_) => Physical::Oid,
            Values::Enum(_) => Physical::Enum,
            Values::Text(_) => Physical::Text,
            Values::Bytea(_) => Physical::Bytea,
            Values::Opaque(_) => Physical::Opaque,
            Values::Constant(physical, ..) => *physical,
        }
    }

    /// The value of a slot, if it is a number of the kinds that most columns hold, without a look at all others.
    #[inline]
    pub(crate) fn number(&self, slot: usize) -> Option<Datum> {
        if self.valid.is_some() {
            return None;
        }
        match &self.values {
            Values::Int4(v) => Some(Datum::Int4(v.as_slice()[slot])),
            Values::Int8(v) => Some(Datum::Int8(v.as_slice()[slot])),
            Values::Timestamp(v) => Some(Datum::Timestamp(v.as_slice()[slot])),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn get(&self, slot: usize) -> ValueRef<'_> {
        if self.valid.as_ref().is_some_and(|valid| !valid.get(slot)) {
            return ValueRef::Null;
        }
        match &self.values {
            Values::Bool(v) => ValueRef::Bool(v.get(slot)),
            Values::Int2(v) => ValueRef::Int2(v.as_slice()[slot]),
            Values::Int4(v) => ValueRef::Int4(v.as_slice()[slot]),
            Values::Int8(v) => ValueRef::Int8(v.as_slice()[slot]),
            Values::Float4(v) => ValueRef::Float4(v.as_slice()[slot]),
            Values::Float8(v) => ValueRef::Float8(v.as_slice()[slot]),
            Values::Date(v) => ValueRef::Date(v.as_slice()[slot]),
            Values::Time(v) => ValueRef::Time(v.as_slice()[slot]),
            Values::Timestamp(v) => ValueRef::Timestamp(v.as_slice()[slot]),
            Values::Uuid(v) => ValueRef::Uuid(v.as_slice()[slot].to_ne_bytes()),
            Values::Oid(v) => ValueRef::Oid(v.as_slice()[slot]),
            Values::Enum(v) => ValueRef::Enum(v.as_slice()[slot]),
            Values::Text(v) => text(v.get(slot)),
            Values::Bytea(v) => ValueRef::Bytea(v.get(slot)),
            Values::Opaque(v) => ValueRef::Opaque(v.get(slot)),
            Values::Constant(_, datum, _) => datum.into(),
        }
    }

    /// The value an undo record kept of this column.
    #[inline]
    pub(crate) fn get_saved<'a>(&'a self, saved: &'a Saved) -> ValueRef<'a> {
        if saved.null {
            return ValueRef::Null;
        }
        let bits = saved.bits;
        match &self.values {
            Values::Bool(_) => ValueRef::Bool(bits != 0),
            Values::Int2(_) => ValueRef::Int2(Word::from_bits(bits)),
            Values::Int4(_) => ValueRef::Int4(Word::from_bits(bits)),
            Values::Int8(_) => ValueRef::Int8(Word::from_bits(bits)),
            Values::Float4(_) => ValueRef::Float4(Word::from_bits(bits)),
            Values::Float8(_) => ValueRef::Float8(Word::from_bits(bits)),
            Values::Date(_) => ValueRef::Date(Word::from_bits(bits)),
            Values::Time(_) => ValueRef::Time(Word::from_bits(bits)),
            Values::Timestamp(_) => ValueRef::Timestamp(Word::from_bits(bits)),
            Values::Uuid(_) => ValueRef::Uuid(bits.to_ne_bytes()),
            Values::Oid(_) => ValueRef::Oid(Word::from_bits(bits)),
            Values::Enum(_) => ValueRef::Enum(Word::from_bits(bits)),
            Values::Text(v) => text(v.resolve(&saved.bits)),
            Values::Bytea(v) => ValueRef::Bytea(v.resolve(&saved.bits)),
            Values::Opaque(v) => ValueRef::Opaque(v.resolve(&saved.bits)),
            Values::Constant(_, datum, _) => datum.into(),
        }
    }

    /// Fails with XX000 when the value is not of the column's layout, 54000 when it is too long.
    pub(crate) fn check(&self, value: ValueRef<'_>) -> Result<()> {
        use ValueRef as V;
        let bytes = match (self.physical(), value) {
            (_, V::Null)
            | (Physical::Bool, V::Bool(_))
            | (Physical::Int2, V::Int2(_))
            | (Physical::Int4, V::Int4(_))
            | (Physical::Int8, V::Int8(_))
            | (Physical::Float4, V::Float4(_))
            | (Physical::Float8, V::Float8(_))
            | (Physical::Date, V::Date(_))
            | (Physical::Time, V::Time(_))
            | (Physical::Timestamp, V::Timestamp(_))
            | (Physical::Uuid, V::Uuid(_))
            | (Physical::Oid, V::Oid(_))
            | (Physical::Enum, V::Enum(_))
            | (Physical::Opaque, V::Datum(_)) => 0,
            (Physical::Text, V::Text(text)) => text.len(),
            (Physical::Bytea, V::Bytea(bytes)) | (Physical::Opaque, V::Opaque(bytes)) => bytes.len(),
            (physical, value) => {
                return Err(Error::internal(format!("{value:?} does not fit into a column of {physical:?}")));
            }
        };
        if bytes > VALUE_BYTES_MAX {
            dictdb_types::bail!(PROGRAM_LIMIT_EXCEEDED, "invalid memory alloc request size {bytes}");
        }
        Ok(())
    }

    /// Appends a value that passed [`Column::check`].
    pub(crate) fn push(&mut self, value: ValueRef<'_>) {
        self.touch();
        let present = !value.is_null();
        if !present && self.valid.is_none() {
            self.valid = Some(Bits::filled(self.len(), true));
        }
        if let Some(valid) = &mut self.valid {
            valid.push(present);
        }
        use ValueRef as V;
        match (&mut self.values, value) {
            (Values::Bool(v), V::Bool(x)) => v.push(x),
            (Values::Int2(v), V::Int2(x)) => v.make_mut().push(x),
            (Values::Int4(v), V::Int4(x)) | (Values::Date(v), V::Date(x)) => v.make_mut().push(x),
            (Values::Int8(v), V::Int8(x)) | (Values::Time(v), V::Time(x)) | (Values::Timestamp(v), V::Timestamp(x)) => {
                v.make_mut().push(x)
            }
            (Values::Float4(v), V::Float4(x)) => v.make_mut().push(x),
            (Values::Float8(v), V::Float8(x)) => v.make_mut().push(x),
            (Values::Uuid(v), V::Uuid(x)) => v.make_mut().push(u128::from_ne_bytes(x)),
            (Values::Oid(v), V::Oid(x)) | (Values::Enum(v), V::Enum(x)) => v.make_mut().push(x),
            (Values::Text(v), V::Text(x)) => v.push(x.as_bytes()),
            (Values::Bytea(v), V::Bytea(x)) | (Values::Opaque(v), V::Opaque(x)) => v.push(x),
            (Values::Opaque(v), V::Datum(x)) => crate::opaque::with_bytes(x, |bytes| v.push(bytes)),
            (values, _) => {
                by_layout!(values, bool v => v.push(false), fixed v => v.make_mut().push(Default::default()),
                bytes v => v.push(&[]), constant _p _d len => *len += 1)
            }
        }
    }

    /// Overwrites a slot with a value that passed [`Column::check`].
    pub(crate) fn set(&mut self, slot: usize, value: ValueRef<'_>) {
        self.touch();
        self.set_valid(slot, !value.is_null());
        use ValueRef as V;
        match (&mut self.values, value) {
            (Values::Bool(v), V::Bool(x)) => v.set(slot, x),
            (Values::Int2(v), V::Int2(x)) => v.make_mut()[slot] = x,
            (Values::Int4(v), V::Int4(x)) | (Values::Date(v), V::Date(x)) => v.make_mut()[slot] = x,
            (Values::Int8(v), V::Int8(x)) | (Values::Time(v), V::Time(x)) | (Values::Timestamp(v), V::Timestamp(x)) => {
                v.make_mut()[slot] = x
            }
            (Values::Float4(v), V::Float4(x)) => v.make_mut()[slot] = x,
            (Values::Float8(v), V::Float8(x)) => v.make_mut()[slot] = x,
            (Values::Uuid(v), V::Uuid(x)) => v.make_mut()[slot] = u128::from_ne_bytes(x),
            (Values::Oid(v), V::Oid(x)) | (Values::Enum(v), V::Enum(x)) => v.make_mut()[slot] = x,
            (Values::Text(v), V::Text(x)) => v.set(slot, x.as_bytes()),
            (Values::Bytea(v), V::Bytea(x)) | (Values::Opaque(v), V::Opaque(x)) => v.set(slot, x),
            (Values::Opaque(v), V::Datum(x)) => crate::opaque::with_bytes(x, |bytes| v.set(slot, bytes)),
            (values, _) => by_layout!(values, bool v => v.set(slot, false),
                fixed v => v.make_mut()[slot] = Default::default(), bytes v => v.set(slot, &[]), constant _p _d _l => ()),
        }
    }

    /// What an undo record needs to bring this slot back.
    pub(crate) fn save(&self, slot: usize) -> Saved {
        let null = self.valid.as_ref().is_some_and(|valid| !valid.get(slot));
        let bits = by_layout!(&self.values, bool v => v.get(slot) as u128, fixed v => Word::to_bits(v.as_slice()[slot]),
            bytes v => v.view(slot), constant _p _d _l => 0);
        Saved { null, bits }
    }

    /// Puts a saved value back; what the slot had is forgotten.
    pub(crate) fn restore(&mut self, slot: usize, saved: &Saved) {
        self.touch();
        self.set_valid(slot, !saved.null);
        let bits = saved.bits;
        by_layout!(&mut self.values, bool v => v.set(slot, bits != 0), fixed v => v.make_mut()[slot] = Word::from_bits(bits),
            bytes v => { v.forget(v.view(slot)); v.set_view(slot, bits) }, constant _p _d _l => ());
    }

    /// Tells the column that a saved value will never be asked for again.
    pub(crate) fn forget(&mut self, saved: &Saved) {
        if let Values::Text(v) | Values::Bytea(v) | Values::Opaque(v) = &mut self.values {
            v.forget(saved.bits);
        }
    }

    /// Drops the bytes of a slot whose row is dead for everybody.
    pub(crate) fn clear(&mut self, slot: usize) {
        if let Values::Text(v) | Values::Bytea(v) | Values::Opaque(v) = &mut self.values {
            self.array = None;
            v.forget(v.view(slot));
            v.set(slot, &[]);
        }
    }

    /// Whether [`Column::compact`] is worth its copy.
    pub(crate) fn wants_compaction(&self) -> bool {
        match &self.values {
            Values::Text(v) | Values::Bytea(v) | Values::Opaque(v) => v.wants_compaction(),
            _ => false,
        }
    }

    /// Squeezes dead bytes out. `others` are all saved values of this column that undo records hold.
    pub(crate) fn compact<'a>(&mut self, others: impl Iterator<Item = &'a mut Saved>) {
        self.array = None;
        if let Values::Text(v) | Values::Bytea(v) | Values::Opaque(v) = &mut self.values {
            v.compact(others.map(|saved| &mut saved.bits));
        }
    }

    /// The Arrow array of all slots, if it has been built since the last write.
    pub(crate) fn array(&self) -> Option<&ArrayRef> {
        self.array.as_ref()
    }

    /// Builds the Arrow array of all slots. XX000 if stored text is not UTF-8.
    pub(crate) fn freeze(&mut self) -> Result<ArrayRef> {
        if let Some(array) = &self.array {
            return Ok(array.clone());
        }
        self.materialize();
        let nulls = self.valid.as_ref().map(|valid| NullBuffer::new(valid.to_arrow()));
        let array: ArrayRef = match &mut self.values {
            Values::Bool(v) => Arc::new(BooleanArray::new(v.to_arrow(), nulls)),
            Values::Int2(v) => primitive::<Int16Type>(v.share(), nulls),
            Values::Int4(v) => primitive::<Int32Type>(v.share(), nulls),
            Values::Int8(v) => primitive::<Int64Type>(v.share(), nulls),
            Values::Float4(v) => primitive::<Float32Type>(v.share(), nulls),
            Values::Float8(v) => primitive::<Float64Type>(v.share(), nulls),
            Values::Date(v) => primitive::<Date32Type>(v.share(), nulls),
            Values::Time(v) => primitive::<Time64MicrosecondType>(v.share(), nulls),
            Values::Timestamp(v) => primitive::<TimestampMicrosecondType>(v.share(), nulls),
            Values::Oid(v) | Values::Enum(v) => primitive::<UInt32Type>(v.share(), nulls),
            Values::Uuid(v) => {
                Arc::new(FixedSizeBinaryArray::try_new(16, v.share().into_inner(), nulls).map_err(damaged)?)
            }
            Values::Text(v) => {
                let (views, buffers) = v.share();
                Arc::new(StringViewArray::try_new(views, buffers, nulls).map_err(damaged)?)
            }
            Values::Bytea(v) | Values::Opaque(v) => {
                let (views, buffers) = v.share();
                Arc::new(BinaryViewArray::try_new(views, buffers, nulls).map_err(damaged)?)
            }
            Values::Constant(..) => return Err(Error::internal("constant column was not materialized")),
        };
        self.array = Some(array.clone());
        Ok(array)
    }

    /// Approximate memory, without the array's own small header.
    pub(crate) fn bytes(&self) -> usize {
        let values = by_layout!(&self.values, bool v => v.bytes(), fixed v => v.bytes(), bytes v => v.bytes(),
            constant _p _d _l => size_of::<Datum>());
        values + self.valid.as_ref().map_or(0, Bits::bytes)
    }

    /// Makes the column writable in place.
    pub(crate) fn touch(&mut self) {
        self.array = None;
        if matches!(self.values, Values::Constant(..)) {
            self.materialize();
        }
    }

    fn materialize(&mut self) {
        let Values::Constant(physical, datum, len) = &self.values else { return };
        let (len, null) = (*len, datum.is_null());
        let mut filled = Column::new(*physical);
        filled.values = match (datum.into(), filled.values) {
            (ValueRef::Bool(x), _) => Values::Bool(Bits::filled(len, x)),
            (ValueRef::Int2(x), _) => Values::Int2(Cells::filled(len, x)),
            (ValueRef::Int4(x), _) => Values::Int4(Cells::filled(len, x)),
            (ValueRef::Int8(x), _) => Values::Int8(Cells::filled(len, x)),
            (ValueRef::Float4(x), _) => Values::Float4(Cells::filled(len, x)),
            (ValueRef::Float8(x), _) => Values::Float8(Cells::filled(len, x)),
            (ValueRef::Date(x), _) => Values::Date(Cells::filled(len, x)),
            (ValueRef::Time(x), _) => Values::Time(Cells::filled(len, x)),
            (ValueRef::Timestamp(x), _) => Values::Timestamp(Cells::filled(len, x)),
            (ValueRef::Uuid(x), _) => Values::Uuid(Cells::filled(len, u128::from_ne_bytes(x))),
            (ValueRef::Oid(x), _) => Values::Oid(Cells::filled(len, x)),
            (ValueRef::Enum(x), _) => Values::Enum(Cells::filled(len, x)),
            (ValueRef::Text(x), _) => Values::Text(Arena::filled(len, x.as_bytes())),
            (ValueRef::Bytea(x), _) => Values::Bytea(Arena::filled(len, x)),
            (ValueRef::Opaque(x), _) => Values::Opaque(Arena::filled(len, x)),
            (ValueRef::Datum(x), _) => Values::Opaque(crate::opaque::with_bytes(x, |bytes| Arena::filled(len, bytes))),
            (ValueRef::Null, mut empty) => {
                by_layout!(&mut empty, bool v => *v = Bits::filled(len, false),
                    fixed v => *v = Cells::filled(len, Default::default()), bytes v => *v = Arena::filled(len, &[]),
                    constant _p _d _l => ());
                empty
            }
        };
        filled.valid = null.then(|| Bits::filled(len, false));
        *self = filled;
    }

    fn set_valid(&mut self, slot: usize, present: bool) {
        if !present && self.valid.is_none() {
            self.valid = Some(Bits::filled(self.len(), true));
        }
        if let Some(valid) = &mut self.valid {
            valid.set(slot, present);
        }
    }
}

fn text(bytes: &[u8]) -> ValueRef<'_> {
    // Columns of text are only filled from `&str`, so the check cannot fail; an empty string is better than a panic.
    ValueRef::Text(std::str::from_utf8(bytes).unwrap_or_default())
}

fn primitive<T: ArrowPrimitiveType>(values: ScalarBuffer<T::Native>, nulls: Option<NullBuffer>) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(values, nulls))
}

fn damaged(error: arrow::error::ArrowError) -> Error {
    Error::new(SqlState::INTERNAL_ERROR, format!("damaged column: {error}"))
}
