//! Memcomparable keys: byte strings that sort as the values do and are equal exactly when the values are.
//!
//! Index keys, grouping, joins and ORDER BY use them where Arrow's own order or equality is not PostgreSQL's. Keys of
//! several columns are appended to one another; no key is the beginning of another, so the whole sorts by columns.
//!
//! ```text
//!   key      = marker, then for a value its body; every byte of the body inverted when descending
//!   marker   = 1 for a value; NULL is 0 when nulls come first, else 2
//!   integers, dates, times   big endian, sign bit turned      unsigned ids    big endian
//!   floats   IEEE bits, negative ones inverted                numeric         see Numeric::write_key
//!   text, bytea   the bytes with 00 as 01 01 and 01 as 01 02, then 00
//!   arrays, composites   items each with its marker (NULL 2), 00, then what orders equal items
//!   oidvector            how many items, then these
//! ```
//!
//! Domains are resolved by the caller; see [`crate::order`] for the rest of the contract. What a key is of can be told from it for
//! some types: [`value`].

pub mod value;

use crate::order::{float_bits, interval_micros, jsonb_rank, timetz_key};
use crate::stack::with_stack;
use crate::{Array, Bound, Datum, ExtensionValue, Jsonb, Numeric, Oid, Range, Record, network, oids, tsearch};

const NULL_FIRST: u8 = 0;
const VALUE: u8 = 1;
const NULL_LAST: u8 = 2;

/// Appends the key of one column.
#[inline]
pub fn encode(value: &Datum, oid: Oid, descending: bool, nulls_first: bool, out: &mut Vec<u8>) {
    match value {
        Datum::Null => out.push(if nulls_first { NULL_FIRST } else { NULL_LAST }),
        // The keys that indexes mostly consist of are written in one piece.
        Datum::Int4(v) => {
            let ordered = (*v as u32) ^ (1 << 31) ^ if descending { u32::MAX } else { 0 };
            let mut key = [VALUE; 5];
            key[1..].copy_from_slice(&ordered.to_be_bytes());
            out.extend_from_slice(&key);
        }
        Datum::Int8(v) if oid == oids::INT8 => {
            let ordered = (*v as u64) ^ (1 << 63) ^ if descending { u64::MAX } else { 0 };
            let mut key = [VALUE; 9];
            key[1..].copy_from_slice(&ordered.to_be_bytes());
            out.extend_from_slice(&key);
        }
        _ => {
            out.push(VALUE);
            let start = out.len();
            body(value, oid, out);
            invert_if(descending, &mut out[start..]);
        }
    }
}

fn invert_if(descending: bool, key: &mut [u8]) {
    if descending {
        key.iter_mut().for_each(|byte| *byte = !*byte);
    }
}

/// Appends the key of a text that is not in a datum; the same bytes as [`encode`] writes for one.
#[inline]
pub fn encode_text(text: &str, oid: Oid, descending: bool, out: &mut Vec<u8>) {
    out.push(VALUE);
    let start = out.len();
    put_bytes(if oid == oids::BPCHAR { text.trim_end_matches(' ') } else { text }.as_bytes(), out);
    invert_if(descending, &mut out[start..]);
}

#[inline]
fn body(value: &Datum, oid: Oid, out: &mut Vec<u8>) {
    match value {
        Datum::Null => {}
        Datum::Bool(v) => out.push(u8::from(*v)),
        Datum::Int2(v) => out.extend_from_slice(&((*v as u16) ^ (1 << 15)).to_be_bytes()),
        Datum::Int4(v) | Datum::Date(v) => out.extend_from_slice(&((*v as u32) ^ (1 << 31)).to_be_bytes()),
        Datum::Int8(v) if matches!(oid, oids::PG_LSN | oids::XID8) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Int8(v) | Datum::Time(v) | Datum::Timestamp(v) => put_i64(*v, out),
        Datum::Text(v) if oid == oids::BPCHAR => put_bytes(v.trim_end_matches(' ').as_bytes(), out),
        Datum::Text(v) => put_bytes(v.as_bytes(), out),
        Datum::Bytea(v) if matches!(oid, oids::INET | oids::CIDR) => network::write_key(v, out),
        Datum::Bytea(v) if matches!(oid, oids::TSVECTOR | oids::TSQUERY) => tsearch::write_key(oid, v, out),
        Datum::Bytea(v) => put_bytes(v, out),
        Datum::Uuid(v) => out.extend_from_slice(v),
        Datum::Oid(v) | Datum::Enum(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Float4(v) => put_float(f64::from(*v), out),
        Datum::Float8(v) => put_float(*v, out),
        Datum::Numeric(v) => v.write_key(out),
        Datum::TimeTz(micros, west) => {
            let (instant, west) = timetz_key(*micros, *west);
            put_i64(instant, out);
            out.extend_from_slice(&((west as u32) ^ (1 << 31)).to_be_bytes());
        }
        // 80 bits hold the longest interval.
        Datum::Interval(v) => out.extend_from_slice(&(interval_micros(v) + (1 << 79)).to_be_bytes()[6..]),
        Datum::Jsonb(v) => put_jsonb(v, out),
        Datum::Array(v) if oid == oids::OIDVECTOR => put_vector(v, out),
        Datum::Array(v) => put_array(v, out),
        Datum::Record(v) => put_record(v, out),
        Datum::Range(v) => put_range(v, out),
        Datum::Extension(v) => put_extension(v, out),
    }
}

fn put_i64(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(&((value as u64) ^ (1 << 63)).to_be_bytes());
}

fn put_float(value: f64, out: &mut Vec<u8>) {
    let bits = float_bits(value);
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    out.extend_from_slice(&ordered.to_be_bytes());
}

#[inline]
fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    // Without an early exit the loop is a few vector instructions.
    if bytes.iter().fold(true, |plain, byte| plain & (*byte > 1)) {
        out.extend_from_slice(bytes);
    } else {
        for byte in bytes {
            match byte {
                0 | 1 => out.extend_from_slice(&[1, byte + 1]),
                _ => out.push(*byte),
            }
        }
    }
    out.push(0);
}

fn put_array(array: &Array, out: &mut Vec<u8>) {
    array.items.iter().for_each(|item| encode(item, array.element, false, false, out));
    out.push(0);
    out.push(array.dims.len() as u8);
    for dimension in &array.dims {
        out.extend_from_slice(&((dimension.len as u32) ^ (1 << 31)).to_be_bytes());
    }
    for dimension in &array.dims {
        out.extend_from_slice(&((dimension.lower as u32) ^ (1 << 31)).to_be_bytes());
    }
}

fn put_vector(vector: &Array, out: &mut Vec<u8>) {
    out.extend_from_slice(&(vector.items.len() as u32).to_be_bytes());
    vector.items.iter().for_each(|item| body(item, oids::OID, out));
}

fn put_record(record: &Record, out: &mut Vec<u8>) {
    record.types.iter().zip(&record.fields).for_each(|(ty, field)| encode(field, *ty, false, false, out));
    out.push(0);
}

fn put_range(range: &Range, out: &mut Vec<u8>) {
    let Some((lower, upper)) = &range.bounds else { return out.push(0) };
    out.push(1);
    match lower {
        Bound::Unbounded => out.push(0),
        Bound::Inclusive(value) => put_bound(value, 0, out),
        Bound::Exclusive(value) => put_bound(value, 1, out),
    }
    match upper {
        Bound::Exclusive(value) => put_bound(value, 0, out),
        Bound::Inclusive(value) => put_bound(value, 1, out),
        Bound::Unbounded => out.push(2),
    }
}

fn put_extension(value: &ExtensionValue, out: &mut Vec<u8>) {
    match value {
        ExtensionValue::Citext(text) => put_bytes(text.to_ascii_lowercase().as_bytes(), out),
        ExtensionValue::Hstore(pairs) if pairs.pairs().is_empty() => out.push(0),
        ExtensionValue::Hstore(pairs) => {
            out.push(1);
            put_bytes(&pairs.strings(), out);
            out.extend_from_slice(&(pairs.pairs().len() as u32).to_be_bytes());
            for (end, is_null) in pairs.ends() {
                out.extend_from_slice(&end.to_be_bytes());
                out.push(u8::from(is_null));
            }
        }
        ExtensionValue::Ltree(path) => {
            path.labels().for_each(|label| put_bytes(label.as_bytes(), out));
            out.push(0);
        }
        ExtensionValue::Cube(own) => {
            out.push(own.dimensions() as u8);
            own.order_parts().for_each(|part| put_float(part, out));
        }
        ExtensionValue::Lquery(_) | ExtensionValue::Ltxtquery(_) | ExtensionValue::QueryInt(_) => {
            put_bytes(value.text().as_bytes(), out);
        }
    }
}

/// A bound's value and then which side of the value it lies on.
fn put_bound(value: &Datum, side: u8, out: &mut Vec<u8>) {
    out.push(1);
    body(value, Oid::INVALID, out);
    out.push(side);
}

fn put_jsonb(value: &Jsonb, out: &mut Vec<u8>) {
    match value {
        Jsonb::Array(items) if items.is_empty() => out.push(0),
        _ => put_node(value, out),
    }
}

fn put_node(value: &Jsonb, out: &mut Vec<u8>) {
    out.push(jsonb_rank(value));
    match value {
        Jsonb::Null => {}
        Jsonb::Bool(v) => out.push(u8::from(*v)),
        Jsonb::Number(v) => Numeric::write_key(v, out),
        Jsonb::String(v) => put_bytes(v.as_bytes(), out),
        Jsonb::Array(items) => {
            out.extend_from_slice(&(items.len() as u32).to_be_bytes());
            items.iter().for_each(|item| with_stack(|| put_node(item, out)));
        }
        Jsonb::Object(pairs) => {
            out.extend_from_slice(&(pairs.len() as u32).to_be_bytes());
            for (key, value) in pairs {
                put_bytes(key.as_bytes(), out);
                with_stack(|| put_node(value, out));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{order, samples};

    fn key(value: &Datum, oid: Oid, descending: bool) -> Vec<u8> {
        let mut out = vec![];
        encode(value, oid, descending, false, &mut out);
        out
    }

    #[test]
    fn keys_sort_as_values() {
        for group in samples::ordered() {
            for (oid, a, _) in &group {
                for (_, b, _) in &group {
                    let by_value = order::compare_as(*oid, a, b);
                    assert_eq!(key(a, *oid, false).cmp(&key(b, *oid, false)), by_value, "{oid} {a:?} {b:?}");
                    if !a.is_null() && !b.is_null() {
                        let reverse = key(a, *oid, true).cmp(&key(b, *oid, true));
                        assert_eq!(reverse, by_value.reverse(), "{oid} {a:?} {b:?}");
                    }
                    assert!(a.is_null() || by_value.is_eq() || !key(a, *oid, false).starts_with(&key(b, *oid, false)));
                }
            }
        }
    }

    #[test]
    fn random_keys_sort_as_values() {
        let mut random = samples::Random::new(42);
        for _ in 0..20_000 {
            let (oid, a, b) = random.pair();
            let by_value = order::compare_as(oid, &a, &b);
            assert_eq!(key(&a, oid, false).cmp(&key(&b, oid, false)), by_value, "{oid} {a:?} {b:?}");
            assert_eq!(order::hash(oid, &a) == order::hash(oid, &b), by_value.is_eq(), "{oid} {a:?} {b:?}");
        }
    }

    #[test]
    fn nulls_go_where_they_are_asked_to() {
        let encoded = |value: Datum, descending, first| {
            let mut out = vec![];
            encode(&value, oids::INT4, descending, first, &mut out);
            out
        };
        for descending in [false, true] {
            assert!(encoded(Datum::Null, descending, true) < encoded(Datum::Int4(i32::MIN), descending, true));
            assert!(encoded(Datum::Null, descending, false) > encoded(Datum::Int4(i32::MAX), descending, false));
        }
    }
}
