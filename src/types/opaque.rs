//! A self-describing, lossless byte form of any datum: for Arrow columns without a flat type, and for the log.
//!
//! One tag byte, then what the tag needs. `uint` is LEB128 (seven bits a byte, low ones first), `int` is a zigzag
//! `uint`, `bytes` is a `uint` length and so many bytes. Fixed-size numbers are little endian.
//!
//! ```text
//!   00 NULL           01 false             02 true             03 int2: int         04 int4: int
//!   05 int8: int      06 float4: 4 bytes   07 float8: 8 bytes  08 text: bytes       09 bytea: bytes
//!   0a date: int      0b time: int         0c timetz: int, int (seconds west)       0d timestamp: int
//!   0e interval: int months, int days, int micros              0f uuid: 16 bytes    10 oid: uint
//!   11 enum: uint     12 jsonb: node       13 array: uint element, uint dimensions, each uint length and int lower
//!   bound, then the items           14 record: uint type, uint fields, each uint type and datum
//!   15 range: uint type, flags byte (01 empty, 02 lower finite, 04 lower inclusive, 08 upper finite, 10 upper
//!   inclusive), then the finite bounds     16 NaN     17 Infinity     18 -Infinity
//!   19 big numeric: uint scale, sign byte (0 or 1), bytes magnitude (little endian)
//!   1a record with names: uint type, uint fields, the names each as bytes, then as in a record
//!   1b citext: bytes     1c hstore: uint pairs, each the key's bytes and a datum, text or NULL
//!   1d ltree: bytes   1e lquery: bytes     1f ltxtquery: bytes; each the text form
//!   20+n numeric (n from 0 to 8): uint scale, the coefficient as n bytes of two's complement
//! ```
//!
//! A jsonb `node` is one of 00 null, 01 false, 02 true, 03 string: bytes, 04 number: datum, 05 array: uint count and
//! nodes, 06 object: uint count and pairs of bytes and node.
//!
//! Bytes from outside cannot make [`decode`] panic, overflow the stack or reserve more memory than they are long.

use std::sync::Arc;

use num_bigint::{BigInt, BigUint, Sign};

use crate::numeric::Parts;
use crate::stack::with_stack;
use crate::{
    Array, Bound, Cube, Datum, Dimension, Error, ExtensionValue, Hstore, Interval, Jsonb, Lquery, Ltree, Ltxtquery,
    Numeric, Oid, QueryInt, Range, Record, Result, SqlState, json,
};

/// Deepest nesting of arrays, composites and ranges that is written or read.
pub const MAX_DEPTH: usize = 500;

/// Most dimensions of an array.
const MAX_DIMENSIONS: usize = 6;

pub(crate) mod tag {
    pub const NULL: u8 = 0x00;
    pub const FALSE: u8 = 0x01;
    pub const TRUE: u8 = 0x02;
    pub const INT2: u8 = 0x03;
    pub const INT4: u8 = 0x04;
    pub const INT8: u8 = 0x05;
    pub const FLOAT4: u8 = 0x06;
    pub const FLOAT8: u8 = 0x07;
    pub const TEXT: u8 = 0x08;
    pub const BYTEA: u8 = 0x09;
    pub const DATE: u8 = 0x0a;
    pub const TIME: u8 = 0x0b;
    pub const TIMETZ: u8 = 0x0c;
    pub const TIMESTAMP: u8 = 0x0d;
    pub const INTERVAL: u8 = 0x0e;
    pub const UUID: u8 = 0x0f;
    pub const OID: u8 = 0x10;
    pub const ENUM: u8 = 0x11;
    pub const JSONB: u8 = 0x12;
    pub const ARRAY: u8 = 0x13;
    pub const RECORD: u8 = 0x14;
    pub const RANGE: u8 = 0x15;
    pub const NAN: u8 = 0x16;
    pub const INFINITY: u8 = 0x17;
    pub const NEG_INFINITY: u8 = 0x18;
    pub const BIG_NUMERIC: u8 = 0x19;
    pub const NAMED_RECORD: u8 = 0x1a;
    pub const CITEXT: u8 = 0x1b;
    pub const HSTORE: u8 = 0x1c;
    pub const LTREE: u8 = 0x1d;
    pub const LQUERY: u8 = 0x1e;
    pub const LTXTQUERY: u8 = 0x1f;
    pub const NUMERIC: u8 = 0x20;
    pub const NUMERIC_8: u8 = 0x28;
    pub const QUERY_INT: u8 = 0x29;
    pub const CUBE: u8 = 0x2a;
}

mod node {
    pub const NULL: u8 = 0x00;
    pub const FALSE: u8 = 0x01;
    pub const TRUE: u8 = 0x02;
    pub const STRING: u8 = 0x03;
    pub const NUMBER: u8 = 0x04;
    pub const ARRAY: u8 = 0x05;
    pub const OBJECT: u8 = 0x06;
}

mod flag {
    pub const EMPTY: u8 = 0x01;
    pub const LOWER_FINITE: u8 = 0x02;
    pub const LOWER_INCLUSIVE: u8 = 0x04;
    pub const UPPER_FINITE: u8 = 0x08;
    pub const UPPER_INCLUSIVE: u8 = 0x10;
}

/// Appends the byte form of a value.
pub fn encode(value: &Datum, out: &mut Vec<u8>) {
    match value {
        Datum::Null => out.push(tag::NULL),
        Datum::Bool(false) => out.push(tag::FALSE),
        Datum::Bool(true) => out.push(tag::TRUE),
        Datum::Int2(v) => tagged_int(tag::INT2, i64::from(*v), out),
        Datum::Int4(v) => tagged_int(tag::INT4, i64::from(*v), out),
        Datum::Int8(v) => tagged_int(tag::INT8, *v, out),
        Datum::Float4(v) => tagged(tag::FLOAT4, &v.to_le_bytes(), out),
        Datum::Float8(v) => tagged(tag::FLOAT8, &v.to_le_bytes(), out),
        Datum::Numeric(v) => encode_numeric(v, out),
        Datum::Text(v) => tagged_bytes(tag::TEXT, v.as_bytes(), out),
        Datum::Bytea(v) => tagged_bytes(tag::BYTEA, v, out),
        Datum::Date(v) => tagged_int(tag::DATE, i64::from(*v), out),
        Datum::Time(v) => tagged_int(tag::TIME, *v, out),
        Datum::TimeTz(micros, west) => {
            tagged_int(tag::TIMETZ, *micros, out);
            put_int(i64::from(*west), out);
        }
        Datum::Timestamp(v) => tagged_int(tag::TIMESTAMP, *v, out),
        Datum::Interval(v) => {
            tagged_int(tag::INTERVAL, i64::from(v.months), out);
            put_int(i64::from(v.days), out);
            put_int(v.micros, out);
        }
        Datum::Uuid(v) => tagged(tag::UUID, v, out),
        Datum::Oid(v) => tagged_uint(tag::OID, u64::from(*v), out),
        Datum::Enum(v) => tagged_uint(tag::ENUM, u64::from(*v), out),
        Datum::Jsonb(v) => {
            out.push(tag::JSONB);
            encode_json(v, out);
        }
        Datum::Array(v) => encode_array(v, out),
        Datum::Record(v) => encode_record(v, out),
        Datum::Range(v) => encode_range(v, out),
        Datum::Extension(v) => encode_extension(v, out),
    }
}

fn tagged(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(bytes);
}

fn tagged_int(tag: u8, value: i64, out: &mut Vec<u8>) {
    out.push(tag);
    put_int(value, out);
}

fn tagged_uint(tag: u8, value: u64, out: &mut Vec<u8>) {
    out.push(tag);
    put_uint(value, out);
}

fn tagged_bytes(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    put_bytes(bytes, out);
}

fn put_uint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_int(value: i64, out: &mut Vec<u8>) {
    put_uint(((value << 1) ^ (value >> 63)) as u64, out);
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_uint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn encode_numeric(value: &Numeric, out: &mut Vec<u8>) {
    match value.parts() {
        Parts::Small(coefficient, scale) => {
            // As many bytes as hold the sign bit too.
            let spare = if coefficient < 0 { coefficient.leading_ones() } else { coefficient.leading_zeros() };
            let len = if coefficient == 0 { 0 } else { (64 - spare) as usize / 8 + 1 };
            tagged_uint(tag::NUMERIC + len as u8, u64::from(scale), out);
            out.extend_from_slice(&coefficient.to_le_bytes()[..len]);
        }
        Parts::Big(coefficient, scale) => {
            tagged_uint(tag::BIG_NUMERIC, u64::from(scale), out);
            out.push(u8::from(coefficient.sign() == Sign::Minus));
            put_bytes(&coefficient.magnitude().to_bytes_le(), out);
        }
        Parts::NaN => out.push(tag::NAN),
        Parts::Infinity(false) => out.push(tag::INFINITY),
        Parts::Infinity(true) => out.push(tag::NEG_INFINITY),
    }
}

fn encode_json(value: &Jsonb, out: &mut Vec<u8>) {
    match value {
        Jsonb::Null => out.push(node::NULL),
        Jsonb::Bool(false) => out.push(node::FALSE),
        Jsonb::Bool(true) => out.push(node::TRUE),
        Jsonb::String(text) => tagged_bytes(node::STRING, text.as_bytes(), out),
        Jsonb::Number(number) => {
            out.push(node::NUMBER);
            encode_numeric(number, out);
        }
        Jsonb::Array(items) => {
            tagged_uint(node::ARRAY, items.len() as u64, out);
            items.iter().for_each(|item| with_stack(|| encode_json(item, out)));
        }
        Jsonb::Object(pairs) => {
            tagged_uint(node::OBJECT, pairs.len() as u64, out);
            for (key, value) in pairs {
                put_bytes(key.as_bytes(), out);
                with_stack(|| encode_json(value, out));
            }
        }
    }
}

fn encode_array(array: &Array, out: &mut Vec<u8>) {
    tagged_uint(tag::ARRAY, u64::from(array.element.0), out);
    put_uint(array.dims.len() as u64, out);
    for dimension in &array.dims {
        put_uint(dimension.len.max(0) as u64, out);
        put_int(i64::from(dimension.lower), out);
    }
    array.items.iter().for_each(|item| encode(item, out));
}

fn encode_record(record: &Record, out: &mut Vec<u8>) {
    let tag = if record.names.is_some() { tag::NAMED_RECORD } else { tag::RECORD };
    tagged_uint(tag, u64::from(record.ty.0), out);
    put_uint(record.fields.len() as u64, out);
    for name in record.names.iter().flat_map(|names| names.iter()) {
        put_bytes(name.as_bytes(), out);
    }
    for (ty, field) in record.types.iter().zip(&record.fields) {
        put_uint(u64::from(ty.0), out);
        encode(field, out);
    }
}

fn encode_range(range: &Range, out: &mut Vec<u8>) {
    tagged_uint(tag::RANGE, u64::from(range.ty.0), out);
    let Some((lower, upper)) = &range.bounds else { return out.push(flag::EMPTY) };
    let flags = |bound: &Bound, finite: u8, inclusive: u8| match bound {
        Bound::Inclusive(_) => finite | inclusive,
        Bound::Exclusive(_) => finite,
        Bound::Unbounded => 0,
    };
    out.push(
        flags(lower, flag::LOWER_FINITE, flag::LOWER_INCLUSIVE)
            | flags(upper, flag::UPPER_FINITE, flag::UPPER_INCLUSIVE),
    );
    for bound in [lower, upper] {
        if let Bound::Inclusive(value) | Bound::Exclusive(value) = bound {
            encode(value, out);
        }
    }
}

fn encode_extension(value: &ExtensionValue, out: &mut Vec<u8>) {
    match value {
        ExtensionValue::Citext(text) => tagged_bytes(tag::CITEXT, text.as_bytes(), out),
        ExtensionValue::Hstore(pairs) => {
            tagged_uint(tag::HSTORE, pairs.pairs().len() as u64, out);
            for (key, value) in pairs.pairs() {
                put_bytes(key.as_bytes(), out);
                match value {
                    Some(value) => tagged_bytes(tag::TEXT, value.as_bytes(), out),
                    None => out.push(tag::NULL),
                }
            }
        }
        ExtensionValue::Ltree(path) => tagged_bytes(tag::LTREE, path.as_str().as_bytes(), out),
        ExtensionValue::Lquery(_) => tagged_bytes(tag::LQUERY, value.text().as_bytes(), out),
        ExtensionValue::Ltxtquery(_) => tagged_bytes(tag::LTXTQUERY, value.text().as_bytes(), out),
        ExtensionValue::QueryInt(_) => tagged_bytes(tag::QUERY_INT, value.text().as_bytes(), out),
        ExtensionValue::Cube(_) => tagged_bytes(tag::CUBE, value.text().as_bytes(), out),
    }
}

/// Reads one value; XX001 unless the bytes are exactly what [`encode`] writes.
pub fn decode(bytes: &[u8]) -> Result<Datum> {
    let mut reader = Reader { bytes };
    let value = reader.datum(0)?;
    if reader.bytes.is_empty() { Ok(value) } else { Err(corrupted("bytes after the end")) }
}

/// Reads one value from the front of the bytes and moves them on; XX001.
pub fn decode_prefix(bytes: &mut &[u8]) -> Result<Datum> {
    let mut reader = Reader { bytes };
    let value = reader.datum(0)?;
    *bytes = reader.bytes;
    Ok(value)
}

fn corrupted(what: &str) -> Error {
    Error::new(SqlState::DATA_CORRUPTED, format!("invalid encoded value: {what}"))
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(len).ok_or_else(|| corrupted("it ends early"))?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| corrupted("it ends early"))
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn uint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(corrupted("a number too large"))
    }

    fn int<T: TryFrom<i64>>(&mut self) -> Result<T> {
        let value = self.uint()?;
        let value = (value >> 1) as i64 ^ -((value & 1) as i64);
        T::try_from(value).map_err(|_| corrupted("a number out of range"))
    }

    fn u32(&mut self) -> Result<u32> {
        u32::try_from(self.uint()?).map_err(|_| corrupted("a number out of range"))
    }

    fn scale(&mut self) -> Result<u16> {
        let scale = u16::try_from(self.uint()?).ok().filter(|scale| *scale <= crate::numeric::MAX_SCALE);
        scale.ok_or_else(|| corrupted("a scale out of range"))
    }

    /// A number of things of which each takes at least one byte, so that it bounds what may be reserved.
    fn count(&mut self) -> Result<usize> {
        let count = usize::try_from(self.uint()?).ok().filter(|count| *count <= self.bytes.len());
        count.ok_or_else(|| corrupted("more items than bytes"))
    }

    fn sized(&mut self) -> Result<&'a [u8]> {
        let len = self.count()?;
        self.take(len)
    }

    fn text(&mut self) -> Result<Arc<str>> {
        std::str::from_utf8(self.sized()?).map(Arc::from).map_err(|_| corrupted("text that is not UTF-8"))
    }

    fn datum(&mut self, depth: usize) -> Result<Datum> {
        let tag = self.byte()?;
        Ok(match tag {
            tag::NULL => Datum::Null,
            tag::FALSE => Datum::Bool(false),
            tag::TRUE => Datum::Bool(true),
            tag::INT2 => Datum::Int2(self.int()?),
            tag::INT4 => Datum::Int4(self.int()?),
            tag::INT8 => Datum::Int8(self.int()?),
            tag::FLOAT4 => Datum::Float4(f32::from_le_bytes(self.array()?)),
            tag::FLOAT8 => Datum::Float8(f64::from_le_bytes(self.array()?)),
            tag::TEXT => Datum::Text(self.text()?),
            tag::BYTEA => Datum::Bytea(Arc::from(self.sized()?)),
            tag::DATE => Datum::Date(self.int()?),
            tag::TIME => Datum::Time(self.int()?),
            tag::TIMETZ => Datum::TimeTz(self.int()?, self.int()?),
            tag::TIMESTAMP => Datum::Timestamp(self.int()?),
            tag::INTERVAL => Datum::Interval(Interval { months: self.int()?, days: self.int()?, micros: self.int()? }),
            tag::UUID => Datum::Uuid(self.array()?),
            tag::OID => Datum::Oid(self.u32()?),
            tag::ENUM => Datum::Enum(self.u32()?),
            tag::NAN..=tag::BIG_NUMERIC | tag::NUMERIC..=tag::NUMERIC_8 => Datum::Numeric(self.numeric(tag)?),
            tag::JSONB | tag::ARRAY | tag::RECORD | tag::RANGE if depth >= MAX_DEPTH => return Err(too_deep()),
            tag::JSONB => Datum::Jsonb(Arc::new(self.json(0)?)),
            tag::ARRAY => Datum::Array(Arc::new(self.array_value(depth + 1)?)),
            tag::RECORD => Datum::Record(Arc::new(self.record(depth + 1, false)?)),
            tag::NAMED_RECORD => Datum::Record(Arc::new(self.record(depth + 1, true)?)),
            tag::RANGE => Datum::Range(Arc::new(self.range(depth + 1)?)),
            tag::CITEXT => Datum::citext(&*self.text()?),
            tag::HSTORE => self.hstore()?,
            tag::LTREE..=tag::LTXTQUERY | tag::QUERY_INT | tag::CUBE => self.path_or_query(tag)?,
            _ => return Err(corrupted("an unknown tag")),
        })
    }

    fn path_or_query(&mut self, tag: u8) -> Result<Datum> {
        let text = self.text()?;
        Ok(match tag {
            tag::LTREE => Ltree::from_stored(&text).into(),
            tag::CUBE => Cube::parse(&text).map_err(|_| corrupted("a malformed cube"))?.into(),
            tag::QUERY_INT => QueryInt::parse(&text).map_err(|_| corrupted("a malformed query_int"))?.into(),
            tag::LQUERY => Lquery::parse(&text).map_err(|_| corrupted("a malformed lquery"))?.into(),
            _ => Ltxtquery::parse(&text).map_err(|_| corrupted("a malformed ltxtquery"))?.into(),
        })
    }

    fn hstore(&mut self) -> Result<Datum> {
        let count = self.count()?;
        let pair = |reader: &mut Self| {
            let key = reader.text()?;
            match reader.datum(MAX_DEPTH)? {
                Datum::Null => Ok((key, None)),
                Datum::Text(value) => Ok((key, Some(value))),
                _ => Err(corrupted("a value of hstore that is no text")),
            }
        };
        let pairs = (0..count).map(|_| pair(self)).collect::<Result<Hstore>>()?;
        Ok(pairs.into())
    }

    fn numeric(&mut self, tag: u8) -> Result<Numeric> {
        match tag {
            tag::NAN => Ok(Numeric::NAN),
            tag::INFINITY => Ok(Numeric::INFINITY),
            tag::NEG_INFINITY => Ok(Numeric::NEG_INFINITY),
            tag::NUMERIC..=tag::NUMERIC_8 => {
                let scale = self.scale()?;
                let bytes = self.take(usize::from(tag - tag::NUMERIC))?;
                let fill = if bytes.last().is_some_and(|high| *high >= 0x80) { 0xff } else { 0 };
                let mut word = [fill; 8];
                word[..bytes.len()].copy_from_slice(bytes);
                Ok(Numeric::new(i64::from_le_bytes(word), scale))
            }
            tag::BIG_NUMERIC => {
                let scale = self.scale()?;
                let sign = if self.byte()? == 0 { Sign::Plus } else { Sign::Minus };
                let magnitude = BigUint::from_bytes_le(self.sized()?);
                Numeric::from_big(BigInt::from_biguint(sign, magnitude), u64::from(scale))
            }
            _ => Err(corrupted("a number expected")),
        }
    }

    fn json(&mut self, depth: usize) -> Result<Jsonb> {
        if depth > json::MAX_DEPTH {
            return Err(too_deep());
        }
        Ok(match self.byte()? {
            node::NULL => Jsonb::Null,
            node::FALSE => Jsonb::Bool(false),
            node::TRUE => Jsonb::Bool(true),
            node::STRING => Jsonb::String(self.text()?),
            node::NUMBER => {
                let tag = self.byte()?;
                Jsonb::Number(self.numeric(tag)?)
            }
            node::ARRAY => {
                let count = self.count()?;
                Jsonb::Array((0..count).map(|_| with_stack(|| self.json(depth + 1))).collect::<Result<_>>()?)
            }
            node::OBJECT => {
                let count = self.count()?;
                let pair = |_| Ok((self.text()?, with_stack(|| self.json(depth + 1))?));
                Jsonb::Object((0..count).map(pair).collect::<Result<_>>()?)
            }
            _ => return Err(corrupted("an unknown JSON tag")),
        })
    }

    fn array_value(&mut self, depth: usize) -> Result<Array> {
        let element = Oid(self.u32()?);
        let count = self.count()?;
        if count > MAX_DIMENSIONS {
            return Err(corrupted("too many dimensions"));
        }
        let mut dims = Vec::with_capacity(count);
        let mut size = usize::from(count > 0);
        for _ in 0..count {
            let len = i32::try_from(self.uint()?).map_err(|_| corrupted("a dimension out of range"))?;
            size = size.checked_mul(len as usize).ok_or_else(|| corrupted("a dimension out of range"))?;
            dims.push(Dimension { len, lower: self.int()? });
        }
        if size > self.bytes.len() {
            return Err(corrupted("more items than bytes"));
        }
        let items = (0..size).map(|_| self.datum(depth)).collect::<Result<_>>()?;
        Ok(Array { element, dims, items })
    }

    fn record(&mut self, depth: usize, named: bool) -> Result<Record> {
        let ty = Oid(self.u32()?);
        let count = self.count()?;
        let names = named.then(|| (0..count).map(|_| self.text()).collect::<Result<_>>()).transpose()?;
        let (mut types, mut fields) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for _ in 0..count {
            types.push(Oid(self.u32()?));
            fields.push(self.datum(depth)?);
        }
        Ok(Record { ty, types, fields, names })
    }

    fn range(&mut self, depth: usize) -> Result<Range> {
        let ty = Oid(self.u32()?);
        let flags = self.byte()?;
        if flags & flag::EMPTY != 0 {
            return Ok(Range { ty, bounds: None });
        }
        let mut bound = |finite: u8, inclusive: u8| -> Result<Bound> {
            Ok(match (flags & finite != 0, flags & inclusive != 0) {
                (false, _) => Bound::Unbounded,
                (true, true) => Bound::Inclusive(self.datum(depth)?),
                (true, false) => Bound::Exclusive(self.datum(depth)?),
            })
        };
        let lower = bound(flag::LOWER_FINITE, flag::LOWER_INCLUSIVE)?;
        let upper = bound(flag::UPPER_FINITE, flag::UPPER_INCLUSIVE)?;
        Ok(Range { ty, bounds: Some((lower, upper)) })
    }
}

fn too_deep() -> Error {
    corrupted("nested too deeply")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order;
    use crate::samples;

    #[test]
    fn every_sample_survives() {
        for value in samples::all() {
            let mut bytes = vec![];
            encode(&value, &mut bytes);
            let back = decode(&bytes).unwrap();
            assert!(order::equal(&value, &back), "{value:?} became {back:?}");
            assert_eq!(format!("{value:?}"), format!("{back:?}"));
        }
    }

    #[test]
    fn a_money_sized_numeric_stays_inline_in_a_view() {
        let mut bytes = vec![];
        encode(&Datum::Numeric(Numeric::new(-922_337_203_685_477, 2)), &mut bytes);
        assert!(bytes.len() <= 12, "{bytes:?}");
    }

    #[test]
    fn hostile_bytes_are_errors() {
        let mut random = samples::Random::new(7);
        for value in samples::all() {
            let mut bytes = vec![];
            encode(&value, &mut bytes);
            for cut in 0..bytes.len() {
                assert!(decode(&bytes[..cut]).is_err(), "{value:?} cut at {cut}");
            }
            for _ in 0..200 {
                let mut broken = bytes.clone();
                let at = random.below(broken.len() as u64) as usize;
                broken[at] = random.next() as u8;
                let _ = decode(&broken);
            }
        }
        let deep: Vec<u8> = std::iter::repeat_n([tag::ARRAY, 0, 1, 1, 2], 100_000).flatten().collect();
        assert!(decode(&deep).is_err());
        assert!(decode(&[tag::TEXT, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]).is_err());
    }
}
