//! Values from their keys, for types of which values that are equal are the same.

use super::{NULL_FIRST, NULL_LAST};
use crate::{Datum, Error, Oid, Physical, Result, oids};

/// Whether the keys of a type tell their values: not those of floats, of which zero has two signs, nor of numbers with a scale.
pub fn is_told(oid: Oid, physical: Physical) -> bool {
    match physical {
        Physical::Bool
        | Physical::Int2
        | Physical::Int4
        | Physical::Int8
        | Physical::Date
        | Physical::Time
        | Physical::Timestamp
        | Physical::Uuid
        | Physical::Oid
        | Physical::Enum => true,
        Physical::Text => matches!(oid, oids::TEXT | oids::VARCHAR | oids::NAME),
        Physical::Bytea => oid == oids::BYTEA,
        Physical::Float4 | Physical::Float8 | Physical::Opaque => false,
    }
}

/// A key that is read column by column. Zeros at its end may be missing.
#[derive(Clone, Copy, Debug)]
pub struct KeyReader<'k> {
    key: &'k [u8],
}

impl<'k> KeyReader<'k> {
    /// A reader at the first column.
    pub fn new(key: &'k [u8]) -> Self {
        KeyReader { key }
    }

    /// The value of the next column, of a type whose keys tell it. XX000 for bytes that no such value has.
    #[inline]
    pub fn next(&mut self, oid: Oid, physical: Physical, descending: bool) -> Result<Datum> {
        if let NULL_FIRST | NULL_LAST = self.take::<1>()[0] {
            return Ok(Datum::Null);
        }
        let turned = if descending { u8::MAX } else { 0 };
        Ok(match physical {
            Physical::Bool => Datum::Bool(self.take::<1>()[0] ^ turned != 0),
            Physical::Int2 => Datum::Int2((u16::from_be_bytes(self.turned(turned)) ^ 1 << 15) as i16),
            Physical::Int4 => Datum::Int4(self.int4(turned)),
            Physical::Date => Datum::Date(self.int4(turned)),
            Physical::Int8 if matches!(oid, oids::PG_LSN | oids::XID8) => {
                Datum::Int8(u64::from_be_bytes(self.turned(turned)) as i64)
            }
            Physical::Int8 => Datum::Int8(self.int8(turned)),
            Physical::Time => Datum::Time(self.int8(turned)),
            Physical::Timestamp => Datum::Timestamp(self.int8(turned)),
            Physical::Uuid => Datum::Uuid(self.turned(turned)),
            Physical::Oid => Datum::Oid(u32::from_be_bytes(self.turned(turned))),
            Physical::Enum => Datum::Enum(u32::from_be_bytes(self.turned(turned))),
            Physical::Text => {
                let bytes = self.bytes(turned);
                let text = std::str::from_utf8(&bytes);
                Datum::text(text.map_err(|_| Error::internal("a key that is no text"))?)
            }
            Physical::Bytea => Datum::bytea(self.bytes(turned)),
            Physical::Float4 | Physical::Float8 | Physical::Opaque => {
                return Err(Error::internal(format!("values of type {oid} from keys")));
            }
        })
    }

    fn int4(&mut self, turned: u8) -> i32 {
        (u32::from_be_bytes(self.turned(turned)) ^ 1 << 31) as i32
    }

    fn int8(&mut self, turned: u8) -> i64 {
        (u64::from_be_bytes(self.turned(turned)) ^ 1 << 63) as i64
    }

    /// The next bytes as they are.
    #[inline]
    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.key.split_first_chunk::<N>() {
            Some((bytes, rest)) => {
                self.key = rest;
                *bytes
            }
            None => {
                let mut bytes = [0; N];
                bytes[..self.key.len()].copy_from_slice(self.key);
                self.key = &[];
                bytes
            }
        }
    }

    fn turned<const N: usize>(&mut self, turned: u8) -> [u8; N] {
        self.take::<N>().map(|byte| byte ^ turned)
    }

    /// Bytes as far as the zero behind them.
    fn bytes(&mut self, turned: u8) -> Vec<u8> {
        let end = self.key.iter().position(|byte| byte ^ turned == 0).unwrap_or(self.key.len());
        let mut bytes = Vec::with_capacity(end);
        let mut written = self.key[..end].iter().map(|byte| byte ^ turned);
        while let Some(byte) = written.next() {
            // 0 and 1 are written as 1 and what they are, plus one.
            bytes.push(if byte == 1 { written.next().unwrap_or(1) - 1 } else { byte });
        }
        self.key = self.key.get(end + 1..).unwrap_or_default();
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn keys_tell_values() {
        let physical_of = |value: &Datum| match value {
            Datum::Bool(_) => Physical::Bool,
            Datum::Int2(_) => Physical::Int2,
            Datum::Int4(_) => Physical::Int4,
            Datum::Int8(_) => Physical::Int8,
            Datum::Date(_) => Physical::Date,
            Datum::Time(_) => Physical::Time,
            Datum::Timestamp(_) => Physical::Timestamp,
            Datum::Uuid(_) => Physical::Uuid,
            Datum::Oid(_) => Physical::Oid,
            Datum::Enum(_) => Physical::Enum,
            Datum::Text(_) => Physical::Text,
            Datum::Bytea(_) => Physical::Bytea,
            _ => Physical::Opaque,
        };
        let mut random = samples::Random::new(7);
        let mut told = 0;
        for _ in 0..20_000 {
            let (oid, a, b) = random.pair();
            let physical = physical_of(if a.is_null() { &b } else { &a });
            if !is_told(oid, physical) {
                continue;
            }
            told += 1;
            for descending in [false, true] {
                let mut key = Vec::new();
                super::super::encode(&a, oid, descending, descending, &mut key);
                super::super::encode(&b, oid, descending, false, &mut key);
                // A node of an index may have cut zeros off.
                let len = key.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                for key in [&key[..], &key[..len]] {
                    let mut reader = KeyReader::new(key);
                    for value in [&a, &b] {
                        let read = reader.next(oid, physical, descending).expect("the key is whole");
                        assert_eq!(format!("{read:?}"), format!("{value:?}"), "{oid}");
                    }
                }
            }
        }
        assert!(told > 1000);
    }
}
