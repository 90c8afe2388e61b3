//! The btree order of `tsvector` and `tsquery`, which follows how PostgreSQL stores them and means nothing else.

use std::cmp::Ordering;

use super::{Operator, Query, Vector};
use crate::{Oid, oids};

/// Order of two values of `tsvector` or `tsquery`.
pub fn compare(oid: Oid, a: &[u8], b: &[u8]) -> Ordering {
    let key = |bytes| {
        let mut key = vec![];
        write_key(oid, bytes, &mut key);
        key
    };
    key(a).cmp(&key(b))
}

/// Order of two queries as parts of a query: by their trees alone.
pub fn compare_nodes(a: &Query, b: &Query) -> Ordering {
    let key = |query| {
        let mut key = vec![];
        node_key(query, &mut key);
        key
    };
    key(a).cmp(&key(b))
}

/// Appends bytes in the order of [`compare`].
pub fn write_key(oid: Oid, bytes: &[u8], out: &mut Vec<u8>) {
    match oid {
        oids::TSVECTOR => match Vector::from_bytes(bytes) {
            Some(vector) => vector_key(&vector, out),
            None => out.extend_from_slice(bytes),
        },
        _ => query_key(Query::from_bytes(bytes).as_ref(), out),
    }
}

/// Stored size, number of lexemes, then each lexeme: those with positions first, text, positions from many to few
/// and from last to first.
fn vector_key(vector: &Vector, out: &mut Vec<u8>) {
    put(vector.stored_bytes(), out);
    put(vector.lexemes.len(), out);
    for lexeme in &vector.lexemes {
        out.push(u8::from(lexeme.positions.is_empty()));
        put_text(&lexeme.word, out);
        out.extend_from_slice(&(!(lexeme.positions.len() as u16)).to_be_bytes());
        for position in &lexeme.positions {
            out.extend_from_slice(&(!position.at).to_be_bytes());
            out.push(!position.weight);
        }
    }
}

/// Number of nodes, stored size, then the tree.
fn query_key(query: Option<&Query>, out: &mut Vec<u8>) {
    put(query.map_or(0, Query::nodes), out);
    put(query.map_or(8, Query::stored_bytes), out);
    if let Some(query) = query {
        node_key(query, out);
    }
}

/// Operators before lexemes, larger operator numbers before smaller ones, lexemes by a checksum before their text.
fn node_key(query: &Query, out: &mut Vec<u8>) {
    match query {
        Query::Term(term) => {
            out.push(1);
            out.extend_from_slice(&((!legacy_crc32(term.word.as_bytes())) ^ 0x8000_0000).to_be_bytes());
            put_text(&term.word, out);
        }
        Query::Not(inner) => {
            out.extend_from_slice(&[0, !1]);
            node_key(inner, out);
        }
        Query::Binary(operator, left, right) => {
            out.extend_from_slice(&[0, !operator.number()]);
            node_key(right, out);
            node_key(left, out);
            if let Operator::Phrase(distance) = operator {
                out.extend_from_slice(&(!distance).to_be_bytes());
            }
        }
    }
}

fn put(number: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&(number as u32).to_be_bytes());
}

/// Text holds no zero byte, so one ends it.
fn put_text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(text.as_bytes());
    out.push(0);
}

/// The checksum PostgreSQL keeps beside a query's lexemes: CRC-32's reflected table used as if it were not reflected.
fn legacy_crc32(bytes: &[u8]) -> u32 {
    let entry = |index: u8| {
        (0..8).fold(u32::from(index), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    };
    !bytes.iter().fold(u32::MAX, |crc, byte| crc << 8 ^ entry((crc >> 24) as u8 ^ byte))
}
