//! PostgreSQL's hash functions (`hashtext`, `hashint4`, …): applications use them to spread keys, so values must agree.
//!
//! The mixing is Bob Jenkins' lookup3 as PostgreSQL seeds it. Nothing inside DictDB hashes with this.

use dictdb_types::datetime::calendar::{Y2000_DAYS, Y2000_MICROS};
use dictdb_types::datetime::is_finite_timestamp;
use dictdb_types::stack::with_stack;
use dictdb_types::{
    Array, Bound, Datum, Env, Error, Interval, Jsonb, Numeric, Oid, Range, Record, RegKind, Result, SqlState, Type,
    TypeInfo, TypeKind, oids, text,
};

use super::comparable::require_hash;
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
    "hash_range", "hash_range_extended" => |cx; v: &Datum| input(cx, v, cx.arg_type(0).oid),
    "hash_multirange", "hash_multirange_extended" => |cx; v: &Datum| input(cx, v, cx.arg_type(0).oid),
    "hashinet", "hashinetextended" => |cx; v: &Datum| input(cx, v, oids::INET),
    "hashmacaddr", "hashmacaddrextended" => |cx; v: &Datum| input(cx, v, oids::MACADDR),
    "hashmacaddr8", "hashmacaddr8extended" => |cx; v: &Datum| input(cx, v, oids::MACADDR8),
    "hashoidvector", "hashoidvectorextended" => |cx; v: &Datum| input(cx, v, oids::OIDVECTOR),
    "hashtid", "hashtidextended" => |cx; v: &Datum| input(cx, v, oids::TID),
    "interval_hash", "interval_hash_extended" => |cx; v: &Datum| input(cx, v, oids::INTERVAL),
    "jsonb_hash", "jsonb_hash_extended" => |cx; v: &Datum| input(cx, v, oids::JSONB),
    "pg_lsn_hash", "pg_lsn_hash_extended" => |cx; v: &Datum| input(cx, v, oids::PG_LSN),
    "time_hash", "time_hash_extended" => |cx; v: &Datum| input(cx, v, oids::TIME),
    "timestamp_hash", "timestamp_hash_extended" => |cx; v: &Datum| input(cx, v, oids::TIMESTAMP),
    "timetz_hash", "timetz_hash_extended" => |cx; v: &Datum| input(cx, v, oids::TIMETZ),
}

/// The hash of a value that is not NULL by the type's own hash function, such as `hashint4`. 42883 for a type that has none.
pub fn hash_value(env: &dyn Env, value: &Datum, ty: Oid) -> Result<u32> {
    let types = [Type::new(ty)];
    let cx = CallContext::new(env, &types, Type::new(oids::INT4));
    Ok(hash_input(input(&cx, value, ty)?, None) as u32)
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
    /// Parts combined by exclusive or; before those that say so the hash so far is rotated.
    Mixed(Vec<(Rotate, Input)>),
    /// A number that is the same without a seed; with one, the seed is added to the second number.
    Fixed(u32, Seeded),
}

/// Whether the hash so far is rotated.
type Rotate = bool;

/// What a fixed number becomes under a seed.
#[derive(Clone, Copy)]
enum Seeded {
    /// Both halves of the 64 bits are the number.
    Doubled,
    /// The seed is added.
    Added,
    /// The hash of a boolean, unless the seed is zero.
    Boolean(bool),
}

/// The input of a value of a type; 42883 for a type that PostgreSQL cannot hash either, or that has no place here.
fn input(cx: &CallContext<'_>, value: &Datum, ty: Oid) -> Result<Input> {
    Ok(match value {
        Datum::Int2(v) => Input::Word(i32::from(*v) as u32),
        Datum::Int4(v) => Input::Word(*v as u32),
        Datum::Int8(v) if ty == oids::TID => tid(*v),
        Datum::Int8(v) | Datum::Time(v) => int8(*v),
        Datum::Timestamp(v) => int8(since_2000(*v)),
        Datum::Date(v) if matches!(*v, i32::MIN | i32::MAX) => Input::Word(*v as u32),
        Datum::Date(v) => Input::Word((v - Y2000_DAYS) as u32),
        Datum::TimeTz(v, west) => Input::Mixed(vec![(false, int8(*v)), (false, Input::Word(*west as u32))]),
        Datum::Interval(v) => int8(interval_micros(v) as i64),
        Datum::Jsonb(v) => jsonb(v),
        Datum::Range(v) => range(cx, v)?,
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
        Datum::Array(v) if ty == oids::OIDVECTOR => Input::Bytes(v.items.iter().flat_map(oid_bytes).collect()),
        Datum::Array(v) => array(cx, v)?,
        Datum::Record(v) => record(cx, v)?,
        Datum::Extension(v) => {
            let mut key = Vec::new();
            dictdb_types::sort_key::encode(&Datum::Extension(v.clone()), ty, false, false, &mut key);
            Input::Bytes(key)
        }
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

fn int8(value: i64) -> Input {
    let high = (value >> 32) as u32;
    Input::Word(value as u32 ^ if value >= 0 { high } else { !high })
}

fn since_2000(micros: i64) -> i64 {
    if is_finite_timestamp(micros) { micros - Y2000_MICROS } else { micros }
}

/// The length of an interval that orders it.
fn interval_micros(interval: &Interval) -> i128 {
    let days = i128::from(interval.months) * 30 + i128::from(interval.days);
    days * 86_400_000_000 + i128::from(interval.micros)
}

/// Block and offset as PostgreSQL keeps them: the block's halves, high before low.
fn tid(value: i64) -> Input {
    let (block, offset) = text::system::tid_parts(value);
    let halves = [(block >> 16) as u16, block as u16, offset];
    Input::Bytes(halves.iter().flat_map(|half| half.to_le_bytes()).collect())
}

fn oid_bytes(item: &Datum) -> [u8; 4] {
    match item {
        Datum::Oid(oid) => oid.to_le_bytes(),
        _ => [0; 4],
    }
}

fn range(cx: &CallContext<'_>, range: &Range) -> Result<Input> {
    const EMPTY: u32 = 0x01;
    let Some((lower, upper)) = &range.bounds else {
        let nothing = || Input::Fixed(0, Seeded::Doubled);
        return Ok(Input::Mixed(vec![(false, Input::Word(EMPTY)), (true, nothing())]));
    };
    let subtype = match cx.env.type_info(range.ty).as_deref() {
        Some(TypeInfo { kind: TypeKind::Range(subtype), .. }) => *subtype,
        _ => Oid::INVALID,
    };
    let flag = |bound: &Bound, inclusive: u32, infinite: u32| match bound {
        Bound::Inclusive(_) => inclusive,
        Bound::Exclusive(_) => 0,
        Bound::Unbounded => infinite,
    };
    let flags = flag(lower, 0x02, 0x08) | flag(upper, 0x04, 0x10);
    let value = |bound: &Bound| match bound {
        Bound::Inclusive(value) | Bound::Exclusive(value) => input(cx, value, subtype),
        Bound::Unbounded => Ok(Input::Fixed(0, Seeded::Doubled)),
    };
    Ok(Input::Mixed(vec![(false, Input::Word(flags)), (false, value(lower)?), (true, value(upper)?)]))
}

/// A document as its containers, keys and scalars in order.
fn jsonb(json: &Jsonb) -> Input {
    let is_empty = match json {
        Jsonb::Array(items) => items.is_empty(),
        Jsonb::Object(pairs) => pairs.is_empty(),
        _ => false,
    };
    if is_empty {
        return Input::Ready(0);
    }
    let mut parts = vec![];
    if !matches!(json, Jsonb::Array(_) | Jsonb::Object(_)) {
        // A scalar is kept as an array of one.
        parts.push((false, JSON_ARRAY));
    }
    jsonb_parts(json, &mut parts);
    Input::Mixed(parts)
}

const JSON_ARRAY: Input = Input::Fixed(0x4000_0000, Seeded::Doubled);
const JSON_OBJECT: Input = Input::Fixed(0x2000_0000, Seeded::Doubled);

fn jsonb_parts(json: &Jsonb, parts: &mut Vec<(Rotate, Input)>) {
    match json {
        Jsonb::Null => parts.push((true, Input::Fixed(1, Seeded::Added))),
        Jsonb::Bool(value) => parts.push((true, Input::Fixed(if *value { 2 } else { 4 }, Seeded::Boolean(*value)))),
        Jsonb::String(text) => parts.push((true, Input::Bytes(text.as_bytes().to_vec()))),
        Jsonb::Number(number) => parts.push((true, numeric(number))),
        Jsonb::Array(items) => {
            parts.push((false, JSON_ARRAY));
            items.iter().for_each(|item| with_stack(|| jsonb_parts(item, parts)));
        }
        Jsonb::Object(pairs) => {
            parts.push((false, JSON_OBJECT));
            for (key, value) in pairs {
                parts.push((true, Input::Bytes(key.as_bytes().to_vec())));
                with_stack(|| jsonb_parts(value, parts));
            }
        }
    }
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

/// Every member has a type that can be hashed, be it NULL or not. The functions with a seed have two arguments.
fn members(cx: &CallContext<'_>, start: u64, items: impl Iterator<Item = (Datum, Oid)>) -> Result<Input> {
    let member = |(value, ty): (Datum, Oid)| {
        require_hash(cx, ty, cx.args.len() > 1)?;
        if value.is_null() { Ok(None) } else { input(cx, &value, ty).map(Some) }
    };
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
        Input::Mixed(parts) => parts.into_iter().fold(0, |hash, (rotated, part)| {
            let hash = if rotated { rotate(hash, seed.is_some()) } else { hash };
            hash ^ hash_input(part, seed)
        }),
        Input::Fixed(number, seeded) => fixed(number, seeded, seed),
        Input::Members(start, members) => members.into_iter().fold(start, |hash, member| {
            let member = member.map_or(0, |member| hash_input(member, seed));
            narrow(hash.wrapping_mul(31).wrapping_add(member))
        }),
    }
}

/// Moves the bits left by one, in each half of a wide hash for itself.
fn rotate(hash: u64, wide: bool) -> u64 {
    if wide {
        (hash << 1) & 0xffff_fffe_ffff_fffe | (hash >> 31) & 0x1_0000_0001
    } else {
        u64::from((hash as u32).rotate_left(1))
    }
}

fn fixed(number: u32, seeded: Seeded, seed: Option<u64>) -> u64 {
    let number = u64::from(number);
    match (seeded, seed) {
        (_, None) => number,
        (Seeded::Doubled, Some(_)) => number << 32 | number,
        (Seeded::Added, Some(seed)) => seed.wrapping_add(number),
        (Seeded::Boolean(_), Some(0)) => number,
        (Seeded::Boolean(value), seed) => hash_input(Input::Word(u32::from(value)), seed),
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

/// The hash of a byte string: of `hashtext` without a seed, of `hashtextextended` with one.
pub(crate) fn of_bytes(bytes: &[u8], seed: Option<u64>) -> u64 {
    hash_bytes(bytes, seed)
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
