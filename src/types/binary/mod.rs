//! PostgreSQL's binary wire form of every type.
//!
//! ```text
//!   bool 1 byte     int2, int4, int8, oid, money, pg_lsn, xid8 big endian     float4, float8 IEEE bits
//!   text, json, enum labels the characters     bytea, uuid, macaddr the bytes     "char" 1 byte
//!   date i32 days, timestamp i64 microseconds, both since 2000     time i64     timetz i64, i32 seconds west
//!   interval i64 microseconds, i32 days, i32 months     numeric see crate::numeric     jsonb 01 and its text
//!   bit i32 length and bits, from the highest of each byte     tid u32 block, u16 offset
//!   inet family, prefix length, whether cidr, length, address
//!   array i32 dimensions, i32 has NULLs, u32 element type, for each dimension i32 length and i32 lower bound, items
//!   composite i32 fields, for each u32 type and item
//!   range flags byte (01 empty, 02 [, 04 ], 08 no lower, 10 no upper bound), its bounds as items
//!   multirange i32 count, ranges as items     item: i32 length (-1 for NULL) and so many bytes
//! ```

mod geometry;
mod reader;
mod recv;
mod send;
#[cfg(test)]
mod tests;
mod tsearch;

pub use recv::recv;
pub use send::send;

/// Bits of a range's flags byte.
mod range_flag {
    pub const EMPTY: u8 = 0x01;
    pub const LOWER_INCLUSIVE: u8 = 0x02;
    pub const UPPER_INCLUSIVE: u8 = 0x04;
    pub const LOWER_INFINITE: u8 = 0x08;
    pub const UPPER_INFINITE: u8 = 0x10;
}
