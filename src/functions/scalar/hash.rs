//! PostgreSQL's hash functions (`hashtext`, `hashint4`, …): applications use them to spread keys, so values must agree.
//!
//! The mixing is Bob Jenkins' lookup3 as PostgreSQL seeds it. Nothing inside DictDB hashes with this.

use dictdb_types::{
    Array, Datum, Error, Numeric, Oid, Record, RegKind, Result, SqlState, Type, TypeInfo, TypeKind, oids,
};

use crate::args::kernels;
use crate::kernel::{CallContext, ScalarFn};

/// Tables of this family.
pub(super) const TABLES: &[&[(&str, ScalarFn)]] = &[PLAIN, EXTENDED];

macro_rules! hashes {
    ($plain:ident, $extended:ident: $($name:literal, $seeded:literal => |$cx:ident; $arg:ident: $ty:ty| $input:expr),* $(,)?) => {
        const $plain: &[(&str, ScalarFn)] = kernels! {
            $($name => |$cx; $arg: $ty| Ok(hash_input($input?, None) as u32 as i32),)*
        };
        const $extended: &[(&str, ScalarFn)] = kernels! {
            $($seeded => |$cx; $arg: $ty, seed: i64| Ok(hash_input($input?, Some(seed as u64)) as i64),)*
        };
    };
}

hashes! { PLAIN, EXTENDED:
    "hashint2", "hashint2extended" => |cx; v: &Datum| input(cx, v, oids::INT2),
    "hashint4", "hashint4extended" => |cx; v: &Datum| input(cx, v, oids::INT4),
    "hashint8", "hashint8extended" => |cx; v: &Datum| input(cx, v, oids::INT8),
    "hashoid", "hashoidextended" => |cx; v: &Datum| input(cx, v, oids::OID),
    "hashchar", "hashcharextended" => |cx; v: &Datum| input(cx, v, oids::CHAR),
    "hashfloat4", "hashfloat4extended" => |cx; v: &Datum| input(cx, v, oids::FLOAT4),
    "hashfloat8", "hashfloat8extended" => |cx; v: &Datum| input(cx, v, oids::FLOAT8),
    "hashtext", "hashtextextended" => |cx; v: &Datum| input(cx, v, oids::TEXT),
    "hashbpchar", "hashbpcharextended" => |cx; v: &Datum| input(cx, v, oids::BPCHAR),
    "hashname", "hashnameextended" => |cx; v: &Datum| input(cx, v, oids::NAME),
    "hashenum", "hashenumextended" => |cx; v: &Datum| input(cx, v, cx.arg_type(0).oid),
    "uuid_hash", "uuid_hash_extended" => |cx; v: &Datum| input(cx, v, oids::UUID),
    "hash_numeric", "hash_numeric_extended" => |cx; v: &Datum| input(cx, v, oids::NUMERIC),
    "hash_array", "hash_array_extended" => |cx; v: &Datum| input(cx, v, cx.arg_type(0).oid),
    "hash_record", "hash_record_extended" => |cx; v: &Datum| input(cx, v, oids::RECORD),
}

/// What a value feeds into the hash.
enum Input {
    /// One 32-bit word.
    Word(u32),
    Bytes(Vec<u8>),
    /// A hash that needs no mixing.
    Ready(u64),
    /// Base-10000 digits and the weight of the first.
    Digits(Vec<u8>, i16),
    /// Members with the hash to start from, combined as `31 * hash + member`.
    Members(u64, Vec<Option<Input>>),
}

/// The input of a value of a type; 42883 for a type that PostgreSQL cannot hash either, or that has no place here.
fn input(cx: &CallContext<'_>, value: &Datum, ty: Oid) -> Result<Input> {
    Ok(match value {
        Datum::Int2(v) => Input::Word(i32::from(*v) as u32),
        Datum::Int4(v) => Input::Word(*v as u32),
        Datum::Int8(v) => Input::Word((*v as u32) ^ if *v >= 0 { (*v >> 32) as u32 } else { !(*v >> 32) as u32 }),
        Datum::Oid(v) => Input::Word(*v),
        Datum::Float4(v) => float(f64::from(*v)),
        Datum::Float8(v) => float(*v),
        Datum::Text(v) if ty == oids::CHAR => {
            Input::Word(v.chars().next().map_or(0, |c| i32::from(c as u32 as u8 as i8)) as u32)
        }
        Datum::Text(v) if ty == oids::BPCHAR => Input::Bytes(v.trim_end_matches(' ').into()),
        Datum::Text(v) => Input::Bytes(v.as_bytes().to_vec()),
        Datum::Bytea(v) => Input::Bytes(v.to_vec()),
        Datum::Uuid(v) => Input::Bytes(v.to_vec()),
        Datum::Numeric(v) => numeric(v),
        Datum::Bool(v) => Input::Word(u32::from(*v)),
        Datum::Enum(code) => Input::Word(label_oid(cx, ty, *code)),
        Datum::Array(v) => array(cx, v)?,
        Datum::Record(v) => record(cx, v)?,
        _ => {
            let name = cx.env.reg_out(RegKind::Type, ty);
            let message = format!("could not identify a hash function for type {name}");
            return Err(Error::new(SqlState::UNDEFINED_FUNCTION, message));
        }
    })
}

fn float(value: f64) -> Input {
    if value == 0.0 {
        return Input::Ready(0);
    }
    let value = if value.is_nan() { f64::NAN } else { value };
    Input::Bytes(value.to_le_bytes().to_vec())
}

fn label_oid(cx: &CallContext<'_>, ty: Oid, code: u32) -> u32 {
    match cx.env.type_info(cx.env.base_type(Type::new(ty)).oid).as_deref() {
        Some(TypeInfo { kind: TypeKind::Enum(labels), .. }) => {
            labels.iter().find(|label| label.code == code).map_or(code, |label| label.oid.0)
        }
        _ => code,
    }
}

/// Equal numbers hash alike whatever their scale: digits without zeros at either end, and where they stand.
fn numeric(value: &Numeric) -> Input {
    if !value.is_finite() {
        return Input::Ready(0);
    }
    let mut wire = vec![];
    value.send(&mut wire);
    let word = |at: usize| i16::from_be_bytes([wire[at], wire[at + 1]]);
    let mut digits: Vec<i16> = (8..wire.len()).step_by(2).map(word).collect();
    let leading = digits.iter().take_while(|digit| **digit == 0).count();
    digits.drain(..leading);
    while digits.last() == Some(&0) {
        digits.pop();
    }
    if digits.is_empty() {
        return Input::Ready(u64::MAX);
    }
    let weight = word(2).wrapping_sub(leading as i16);
    Input::Digits(digits.iter().flat_map(|digit| digit.to_le_bytes()).collect(), weight)
}

fn members(cx: &CallContext<'_>, start: u64, items: impl Iterator<Item = (Datum, Oid)>) -> Result<Input> {
    let member = |(value, ty): (Datum, Oid)| if value.is_null() { Ok(None) } else { input(cx, &value, ty).map(Some) };
    Ok(Input::Members(start, items.map(member).collect::<Result<_>>()?))
}

fn array(cx: &CallContext<'_>, array: &Array) -> Result<Input> {
    members(cx, 1, array.items.iter().map(|item| (item.clone(), array.element)))
}

fn record(cx: &CallContext<'_>, record: &Record) -> Result<Input> {
    members(cx, 0, record.fields.iter().cloned().zip(record.types.iter().copied()))
}

/// The hash: 32 bits without a seed, 64 with one.
fn hash_input(input: Input, seed: Option<u64>) -> u64 {
    let narrow = |hash: u64| if seed.is_some() { hash } else { hash & 0xffff_ffff };
    match input {
        Input::Word(word) => {
            let mut state = State::new(4, seed);
            state.a = state.a.wrapping_add(word);
            state.finish(seed)
        }
        Input::Bytes(bytes) => hash_bytes(&bytes, seed),
        // A seed replaces the hash of zero, and stands for that of NaN's kin.
        Input::Ready(hash) => match seed {
            Some(seed) if hash == 0 => seed,
            Some(seed) => seed.wrapping_sub(1),
            None => hash & 0xffff_ffff,
        },
        Input::Digits(digits, weight) => narrow(hash_bytes(&digits, seed) ^ i64::from(weight) as u64),
        Input::Members(start, members) => members.into_iter().fold(start, |hash, member| {
            let member = member.map_or(0, |member| hash_input(member, seed));
            narrow(hash.wrapping_mul(31).wrapping_add(member))
        }),
    }
}

struct State {
    a: u32,
    b: u32,
    c: u32,
}

impl State {
    fn new(len: usize, seed: Option<u64>) -> Self {
        let start = 0x9e37_79b9u32.wrapping_add(len as u32).wrapping_add(3_923_095);
        let mut state = State { a: start, b: start, c: start };
        if let Some(seed) = seed.filter(|seed| *seed != 0) {
            state.a = state.a.wrapping_add((seed >> 32) as u32);
            state.b = state.b.wrapping_add(seed as u32);
            state.mix();
        }
        state
    }

    fn mix(&mut self) {
        let State { a, b, c } = self;
        for rotate in [(4, 6, 8), (16, 19, 4)] {
            *a = a.wrapping_sub(*c) ^ c.rotate_left(rotate.0);
            *c = c.wrapping_add(*b);
            *b = b.wrapping_sub(*a) ^ a.rotate_left(rotate.1);
            *a = a.wrapping_add(*c);
            *c = c.wrapping_sub(*b) ^ b.rotate_left(rotate.2);
            *b = b.wrapping_add(*a);
        }
    }

    fn finish(mut self, seed: Option<u64>) -> u64 {
        let State { a, b, c } = &mut self;
        *c = (*c ^ *b).wrapping_sub(b.rotate_left(14));
        *a = (*a ^ *c).wrapping_sub(c.rotate_left(11));
        *b = (*b ^ *a).wrapping_sub(a.rotate_left(25));
        *c = (*c ^ *b).wrapping_sub(b.rotate_left(16));
        *a = (*a ^ *c).wrapping_sub(c.rotate_left(4));
        *b = (*b ^ *a).wrapping_sub(a.rotate_left(14));
        *c = (*c ^ *b).wrapping_sub(b.rotate_left(24));
        if seed.is_some() { u64::from(*b) << 32 | u64::from(*c) } else { u64::from(*c) }
    }
}

fn hash_bytes(bytes: &[u8], seed: Option<u64>) -> u64 {
    let mut state = State::new(bytes.len(), seed);
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0u32, |word, byte| word << 8 | u32::from(*byte));
    let mut chunks = bytes.chunks_exact(12);
    for chunk in &mut chunks {
        state.a = state.a.wrapping_add(word(&chunk[..4]));
        state.b = state.b.wrapping_add(word(&chunk[4..8]));
        state.c = state.c.wrapping_add(word(&chunk[8..]));
        state.mix();
    }
    let rest = chunks.remainder();
    let part = |from: usize, to: usize| word(rest.get(from..to.min(rest.len())).unwrap_or_default());
    state.a = state.a.wrapping_add(part(0, 4));
    state.b = state.b.wrapping_add(part(4, 8));
    // The lowest byte of c is the length's.
    state.c = state.c.wrapping_add(part(8, 12) << 8);
    state.finish(seed)
}
