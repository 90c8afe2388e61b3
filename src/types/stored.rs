//! Objects as bytes that outlive the program: numbered fields, so that objects can grow.
//!
//! ```text
//!   uint           LEB128: seven bits a byte, low ones first         int    a zigzag uint
//!   sized          4 bytes length, little endian, and so many bytes
//!   text           sized UTF-8                                       option 00, or 01 and the value
//!   list, map      uint count and the items or pairs                 pair   one after the other
//!   double         8 bytes, little endian
//!   struct         sized: for each field uint number, then the field, sized
//!   enum           uint number of the variant, then its contents, sized: items in order, or fields as of a struct
//! ```
//! Numbers are what is stable: a field keeps its number when it is renamed, a number is never used again, a field that is not
//! known is skipped, and one that is missing is empty, false or zero where its type can be, and an error where it cannot. The macros
//! take structures apart completely, so that a field without a number does not compile.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{Datum, EnumLabel, Error, Field, Oid, Result, SqlState, Type, TypeInfo, TypeKind, opaque};

/// A value that can be stored.
pub trait Stored: Sized {
    /// Appends the value.
    fn write(&self, out: &mut Vec<u8>);

    /// Takes a value from the front of the bytes. XX001.
    fn read(bytes: &mut &[u8]) -> Result<Self>;

    /// What a field of this type is in an object that was stored without it.
    fn missing() -> Option<Self> {
        None
    }
}

/// XX001 for bytes that are not what was stored.
pub fn corrupted(what: &str) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, format!("invalid stored data: {what}"))
}

/// Appends a `uint`.
#[inline]
pub fn put_uint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes a `uint` from the front of the bytes; XX001.
#[inline]
pub fn take_uint(bytes: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take_bytes(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(corrupted("a number is too long"))
}

/// Appends an `int`.
pub fn put_int(value: i64, out: &mut Vec<u8>) {
    put_uint(((value << 1) ^ (value >> 63)) as u64, out);
}

/// Takes an `int` from the front of the bytes; XX001.
pub fn take_int(bytes: &mut &[u8]) -> Result<i64> {
    let value = take_uint(bytes)?;
    Ok((value >> 1) as i64 ^ -((value & 1) as i64))
}

/// Takes so many bytes from the front; XX001.
#[inline]
pub fn take_bytes<'a>(bytes: &mut &'a [u8], len: usize) -> Result<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(len).ok_or_else(|| corrupted("it ends early"))?;
    *bytes = rest;
    Ok(taken)
}

/// Appends what `write` does, with its length before it.
pub fn put_sized(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    write(out);
    let len = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&len.to_le_bytes());
}

/// Takes sized bytes from the front; XX001.
pub fn take_sized<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8]> {
    let len = take_bytes(bytes, 4)?.try_into().map_or(0, u32::from_le_bytes);
    take_bytes(bytes, len as usize)
}

/// Appends a field of a struct.
pub fn put_field(number: u64, field: &impl Stored, out: &mut Vec<u8>) {
    put_uint(number, out);
    put_sized(out, |out| field.write(out));
}

/// The fields of a struct by number.
pub struct Fields<'a>(Vec<(u64, &'a [u8])>);

impl<'a> Fields<'a> {
    /// Takes the contents of a struct apart; XX001.
    pub fn of(mut bytes: &'a [u8]) -> Result<Self> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            fields.push((take_uint(&mut bytes)?, take_sized(&mut bytes)?));
        }
        Ok(Fields(fields))
    }

    /// The field of a number; XX001 when it is missing and has to be there.
    pub fn get<T: Stored>(&self, number: u64, name: &str) -> Result<T> {
        match self.0.iter().find(|(known, _)| *known == number) {
            Some((_, field)) => {
                let mut field = *field;
                T::read(&mut field)
            }
            None => T::missing().ok_or_else(|| corrupted(&format!("field {name} is missing"))),
        }
    }
}

/// Implements [`Stored`] for a struct whose fields have these numbers.
#[macro_export]
macro_rules! stored_struct {
    ($name:ty { $($number:literal: $field:ident),* $(,)? }) => {
        impl $crate::stored::Stored for $name {
            fn write(&self, out: &mut Vec<u8>) {
                let Self { $($field),* } = self;
                $crate::stored::put_sized(out, |out| {
                    $($crate::stored::put_field($number, $field, out);)*
                });
            }

            fn read(bytes: &mut &[u8]) -> $crate::Result<Self> {
                let fields = $crate::stored::Fields::of($crate::stored::take_sized(bytes)?)?;
                Ok(Self { $($field: fields.get($number, concat!(stringify!($name), ".", stringify!($field)))?),* })
            }
        }
    };
}

/// Implements [`Stored`] for an enum whose variants have these numbers.
#[macro_export]
macro_rules! stored_enum {
    ($name:ty { $($number:literal: $variant:ident $(($($item:ident),*))? $({ $($place:literal: $field:ident),* })?),* $(,)? }) => {
        impl $crate::stored::Stored for $name {
            fn write(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $(($($item),*))? $({ $($field),* })? => {
                        $crate::stored::put_uint($number, out);
                        $crate::stored::put_sized(out, |_out| {
                            $($($crate::stored::Stored::write($item, _out);)*)?
                            $($($crate::stored::put_field($place, $field, _out);)*)?
                        });
                    })*
                }
            }

            fn read(bytes: &mut &[u8]) -> $crate::Result<Self> {
                let number = $crate::stored::take_uint(bytes)?;
                #[allow(unused_mut)]
                let mut _contents = $crate::stored::take_sized(bytes)?;
                match number {
                    $($number => {
                        $($(let $item = $crate::stored::Stored::read(&mut _contents)?;)*)?
                        $(
                            let fields = $crate::stored::Fields::of(_contents)?;
                            $(let $field = fields.get($place, stringify!($field))?;)*
                        )?
                        Ok(Self::$variant $(($($item),*))? $({ $($field),* })?)
                    })*
                    other => {
                        let what = format!(concat!("{} is no variant of ", stringify!($name)), other);
                        Err($crate::stored::corrupted(&what))
                    }
                }
            }
        }
    };
}

macro_rules! numbers {
    ($($ty:ty)*) => {
        $(impl Stored for $ty {
            fn write(&self, out: &mut Vec<u8>) {
                put_int(*self as i64, out);
            }

            fn read(bytes: &mut &[u8]) -> Result<Self> {
                <$ty>::try_from(take_int(bytes)?).map_err(|_| corrupted("a number is too large"))
            }

            fn missing() -> Option<Self> {
                Some(0)
            }
        })*
    };
}

numbers!(i16 i32 u8 u32 usize);

impl Stored for i64 {
    fn write(&self, out: &mut Vec<u8>) {
        put_int(*self, out);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self> {
        take_int(bytes)
    }

    fn missing() -> Option<Self> {
        Some(0)
    }
}

impl Stored for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push((*self).into());
    }

    fn read(bytes: &mut &[u8]) -> Result<Self> {
        Ok(take_bytes(bytes, 1)? == [1])
    }

    fn missing() -> Option<Self> {
        Some(false)
    }
}

impl Stored for Oid {
    fn write(&self, out: &mut Vec<u8>) {
        put_uint(self.0.into(), out);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self> {
        u32::try_from(take_uint(bytes)?).map(Oid).map_err(|_| corrupted("an object id is too large"))
    }

    fn missing() -> Option<Self> {
        Some(Oid::INVALID)
    }
}

impl Stored for f32 {
    fn write(&self, out: &mut Vec<u8>) {
        put_uint(self.to_bits().into(), out);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self> {
        u32::try_from(take_uint(bytes)?).map(f32::from_bits).map_err(|_| corrupted("a number is too large"))
    }

    fn missing() -> Option<Self> {
        Some(0.0)
    }
}

impl Stored for f64 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    fn read(bytes: &mut &[u8]) -> Result<Self> {
        take_bytes(bytes, 8)?.try_into().map(f64::from_le_bytes).map_err(|_| corrupted("it ends early"))
    }

    fn missing() -> Option<Self> {
        Some(0.0)
    }
}

impl Stored for Arc<str> {
    fn write(&self, out: &mut Vec<u8>) {
        put_sized(out, |out| out.extend_from_slice(self.as_bytes()));
    }

    fn read(bytes: &mut &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(take_sized(bytes)?).map_err(|_| corrupted("text is not UTF-8"))?;
        Ok(text.into())
    }
}

impl Stored for String {
    fn write(&self, out: &mut Vec<u8>) {
        put_sized(out, |out| out.extend_from_slice(self.as_bytes()));
    }

    fn read(bytes: &mut &[u8]) -> Result<Self> {
        Arc::<str>::read(bytes).map(|text| text.to_string())
    }
}

impl Stored for Datum {
    fn write(&self, out: &mut Vec<u8>) {
        put_sized(out, |out| opaque::encode(self, out));
    }

    fn read(bytes: &mut &[u8]) -> Result<Self> {
        opaque::decode(take_sized(bytes)?)
    }

    fn missing() -> Option<Self> {
        Some(Datum::Null)
    }
}

impl<T: Stored> Stored for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        self.is_some().write(out);
        if let Some(value) = self {
            value.write(out);
        }
    }

    fn read(bytes: &mut &[u8]) -> Result<Self> {
        if bool::read(bytes)? { T::read(bytes).map(Some) } else { Ok(None) }
    }

    fn missing() -> Option<Self> {
        Some(None)
    }
}

impl<T: Stored> Stored for Arc<T> {
    fn write(&self, out: &mut Vec<u8>) {
        T::write(self, out);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self> {
        T::read(bytes).map(Arc::new)
    }

    fn missing() -> Option<Self> {
        T::missing().map(Arc::new)
    }
}

fn write_list<T: Stored>(items: &[T], out: &mut Vec<u8>) {
    put_uint(items.len() as u64, out);
    items.iter().for_each(|item| item.write(out));
}

impl<T: Stored> Stored for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        write_list(self, out);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self> {
        let count = take_uint(bytes)?;
        // Not reserved: a count from outside may be anything.
        (0..count).map(|_| T::read(bytes)).collect()
    }

    fn missing() -> Option<Self> {
        Some(Vec::new())
    }
}

impl<K: Stored + Ord, V: Stored> Stored for BTreeMap<K, V> {
    fn write(&self, out: &mut Vec<u8>) {
        put_uint(self.len() as u64, out);
        for (key, value) in self {
            key.write(out);
            value.write(out);
        }
    }

    fn read(bytes: &mut &[u8]) -> Result<Self> {
        Vec::read(bytes).map(|pairs: Vec<(K, V)>| pairs.into_iter().collect())
    }

    fn missing() -> Option<Self> {
        Some(BTreeMap::new())
    }
}

impl<T: Stored> Stored for Arc<[T]> {
    fn write(&self, out: &mut Vec<u8>) {
        write_list(self, out);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self> {
        Vec::read(bytes).map(Into::into)
    }

    fn missing() -> Option<Self> {
        Some(Arc::from(Vec::new()))
    }
}

impl<A: Stored, B: Stored> Stored for (A, B) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self> {
        Ok((A::read(bytes)?, B::read(bytes)?))
    }
}

impl<A: Stored, B: Stored, C: Stored> Stored for (A, B, C) {
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
        self.2.write(out);
    }

    fn read(bytes: &mut &[u8]) -> Result<Self> {
        Ok((A::read(bytes)?, B::read(bytes)?, C::read(bytes)?))
    }
}

stored_struct!(Type { 1: oid, 2: typmod });
stored_struct!(Field { 1: name, 2: ty });
stored_struct!(EnumLabel { 1: oid, 2: code, 3: label });
stored_enum!(TypeKind {
    1: Base,
    2: Composite(fields),
    3: Domain(base),
    4: Enum(labels),
    5: Pseudo,
    6: Range(subtype),
    7: Multirange(range),
});
stored_struct!(TypeInfo {
    1: oid,
    2: name,
    3: namespace,
    4: owner,
    5: kind,
    6: category,
    7: preferred,
    8: len,
    9: by_value,
    10: align,
    11: delimiter,
    12: relation,
    13: element,
    14: array,
    15: collation,
    16: input,
});

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Old {
        name: Arc<str>,
        gone: Vec<i64>,
    }

    #[derive(Debug, PartialEq)]
    struct New {
        name: Arc<str>,
        added: Option<bool>,
        count: i32,
    }

    stored_struct!(Old { 1: name, 2: gone });
    stored_struct!(New { 1: name, 3: added, 4: count });

    #[derive(Debug, PartialEq)]
    enum Choice {
        Nothing,
        Pair(i64, Oid),
        Named { text: String, list: Arc<[u8]> },
    }

    stored_enum!(Choice { 1: Nothing, 2: Pair(a, b), 7: Named { 1: text, 2: list } });

    fn round<T: Stored + PartialEq + std::fmt::Debug>(value: T) {
        let mut bytes = Vec::new();
        value.write(&mut bytes);
        for len in 0..bytes.len() {
            let _ = T::read(&mut &bytes[..len]);
        }
        let mut rest = &bytes[..];
        assert_eq!(T::read(&mut rest).unwrap(), value);
        assert!(rest.is_empty());
    }

    #[test]
    fn what_is_written_is_read() {
        round((i64::MIN, u32::MAX, vec![Some(true), None]));
        round(Old { name: Arc::from("ä"), gone: vec![1, -1] });
        round(vec![
            Choice::Nothing,
            Choice::Pair(-5, Oid(7)),
            Choice::Named { text: String::new(), list: Arc::from([1, 2]) },
        ]);
        assert!(Choice::read(&mut &[9, 0, 0, 0, 0][..]).is_err());
    }

    #[test]
    fn objects_grow_and_shrink() {
        let mut bytes = Vec::new();
        Old { name: Arc::from("x"), gone: vec![1] }.write(&mut bytes);
        let new = New::read(&mut &bytes[..]).unwrap();
        assert_eq!(new, New { name: Arc::from("x"), added: None, count: 0 });
        bytes.clear();
        New { name: Arc::from("y"), added: Some(true), count: 3 }.write(&mut bytes);
        assert_eq!(Old::read(&mut &bytes[..]).unwrap(), Old { name: Arc::from("y"), gone: vec![] });
        assert!(New::read(&mut &[0, 0, 0, 0][..]).is_err(), "a name has to be there");
    }
}
