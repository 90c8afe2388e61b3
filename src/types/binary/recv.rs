//! Bytes to values.
//!
//! Bytes are a client's: every length is checked against what is there, and nesting is limited.

use std::sync::Arc;

use super::reader::{Reader, invalid};
use super::send::{POINT_FLAG, TEXT_VERSION};
use super::{geometry, range_flag, tsearch};
use crate::datetime::calendar::{Y2000_DAYS, Y2000_MICROS, is_valid_date, is_valid_timestamp};
use crate::geometry::is_geometric;
use crate::jsonpath::JsonPath;
use crate::network::{IPV4, IPV6, Inet};
use crate::opaque::MAX_DEPTH;
use crate::text::array::{MAX_DIMENSIONS, too_many_dimensions};
use crate::text::{from_utf8, name_of, reg_kind, string, system, type_info};
use crate::{
    Array, Bound, CUBE_DIMENSIONS, Cube, Datum, Dimension, Env, Error, ExtensionType, Field, Hstore, Interval, Numeric,
    Oid, Range, Record, Result, SqlState, Type, TypeKind, json, oids, range, typmod,
};

/// Reads the binary form of a value of `ty`, applying its type modifier as an assignment does.
///
/// 08P01 for too few bytes; 22P03 `incorrect binary data format` for too many, to which a Bind adds the parameter's
/// number; 22021 for text that is not UTF-8; otherwise the errors of [`crate::text::input`].
pub fn recv(bytes: &[u8], ty: Type, env: &dyn Env) -> Result<Datum> {
    let mut reader = Reader::new(bytes);
    let value = read(&mut reader, ty, env, 0)?;
    if reader.is_empty() { Ok(value) } else { Err(invalid("incorrect binary data format")) }
}

fn read(reader: &mut Reader<'_>, ty: Type, env: &dyn Env, depth: usize) -> Result<Datum> {
    let value = match ty.oid {
        oids::BOOL => Datum::Bool(reader.u8()? != 0),
        oids::INT2 => Datum::Int2(reader.i16()?),
        oids::INT4 => Datum::Int4(reader.i32()?),
        oids::INT8 | oids::XID8 | oids::PG_LSN | oids::MONEY => Datum::Int8(reader.i64()?),
        oids::TID => Datum::Int8(system::tid(reader.u32()?, reader.u16()?)),
        oids::FLOAT4 => Datum::Float4(f32::from_bits(reader.u32()?)),
        oids::FLOAT8 => Datum::Float8(f64::from_bits(reader.i64()? as u64)),
        oids::NUMERIC => Datum::Numeric(read_numeric(reader)?),
        oids::TEXT | oids::VARCHAR | oids::BPCHAR | oids::UNKNOWN | oids::CSTRING | oids::REFCURSOR => {
            Datum::text(from_utf8(reader.rest())?)
        }
        oids::NAME => Datum::text(string::fit_name(from_utf8(reader.rest())?)),
        oids::JSON => {
            let text = from_utf8(reader.rest())?;
            json::check(text)?;
            Datum::text(text)
        }
        oids::XML => Datum::text(crate::xml::receive(reader.rest(), env)?),
        oids::JSONB => Datum::Jsonb(Arc::new(json::parse(read_versioned_text(reader, "jsonb version number")?)?)),
        oids::JSONPATH => {
            Datum::text(JsonPath::input(read_versioned_text(reader, "jsonpath version number:")?, env)?.to_string())
        }
        oids::CHAR => Datum::Text(string::char_datum(char::from(reader.u8()?))),
        oids::BYTEA => Datum::bytea(reader.rest()),
        oids::UUID => Datum::Uuid(reader.uuid()?),
        oids::DATE => Datum::Date(read_date(reader)?),
        oids::TIME => Datum::Time(read_time(reader)?),
        oids::TIMETZ => read_timetz(reader)?,
        oids::TIMESTAMP | oids::TIMESTAMPTZ => Datum::Timestamp(read_timestamp(reader)?),
        oids::INTERVAL => {
            let (micros, days, months) = (reader.i64()?, reader.i32()?, reader.i32()?);
            Datum::Interval(Interval { months, days, micros })
        }
        oids::OID | oids::XID | oids::CID => Datum::Oid(reader.u32()?),
        oids::INET | oids::CIDR => Datum::bytea(read_inet(reader, ty.oid == oids::CIDR)?),
        oids::MACADDR => Datum::bytea(reader.bytes(6)?),
        oids::MACADDR8 if reader.len() == 6 => {
            let bytes = reader.rest();
            Datum::bytea([&bytes[..3], &[0xff, 0xfe], &bytes[3..]].concat())
        }
        oids::MACADDR8 => Datum::bytea(reader.bytes(8)?),
        oids::BIT | oids::VARBIT => Datum::text(read_bits(reader)?),
        oids::PG_SNAPSHOT | oids::TXID_SNAPSHOT => Datum::text(read_snapshot(reader)?),
        oids::TSVECTOR => Datum::bytea(tsearch::read_vector(reader)?),
        oids::TSQUERY => Datum::bytea(tsearch::read_query(reader)?),
        oid if is_geometric(oid) => Datum::bytea(geometry::read(reader, oid)?),
        oids::VOID => Datum::text(""),
        oids::INT2VECTOR => Datum::Array(Arc::new(read_vector(reader, oids::INT2, "int2vector", env)?)),
        oids::OIDVECTOR => Datum::Array(Arc::new(read_vector(reader, oids::OID, "oidvector", env)?)),
        oid if reg_kind(oid).is_some() => Datum::Oid(reader.u32()?),
        _ => return read_by_kind(reader, ty, env, depth),
    };
    typmod::coerce(&value, ty, false)
}

/// A type that `pg_type` must explain.
fn read_by_kind(reader: &mut Reader<'_>, ty: Type, env: &dyn Env, depth: usize) -> Result<Datum> {
    if depth >= MAX_DEPTH {
        return Err(json::too_deep());
    }
    let info = type_info(ty.oid, env)?;
    Ok(match &info.kind {
        TypeKind::Domain(base) => {
            let value = read(reader, env.base_type(*base), env, depth + 1)?;
            env.check_domain(ty.oid, &value)?;
            value
        }
        TypeKind::Enum(_) => return crate::text::input(from_utf8(reader.rest())?, ty, env),
        TypeKind::Composite(fields) => Datum::Record(Arc::new(read_record(reader, ty.oid, fields, env, depth + 1)?)),
        TypeKind::Range(subtype) => Datum::Range(Arc::new(read_range(reader, ty.oid, *subtype, env, depth + 1)?)),
        TypeKind::Multirange(range_type) => read_multirange(reader, *range_type, env, depth + 1)?,
        TypeKind::Base | TypeKind::Pseudo if info.is_array() => {
            let element = Type::with_typmod(info.element, ty.typmod);
            Datum::Array(Arc::new(read_array(reader, element, env, depth + 1)?))
        }
        TypeKind::Pseudo if ty.oid == oids::RECORD => {
            let message = "input of anonymous composite types is not implemented";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        TypeKind::Pseudo => {
            let message = format!("cannot accept a value of type {}", info.name);
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        TypeKind::Base => match (ExtensionType::of_input(&info.input), info.model()) {
            (Some(ExtensionType::Citext), _) => Datum::citext(from_utf8(reader.rest())?),
            (Some(ExtensionType::Hstore), _) => read_hstore(reader)?,
            (Some(ExtensionType::Cube), _) => read_cube(reader)?,
            (Some(own @ (ExtensionType::Ltree | ExtensionType::Lquery | ExtensionType::Ltxtquery)), _) => {
                let version = reader.u8()?;
                if version != TEXT_VERSION {
                    let message = format!("unsupported {} version number {version}", info.name);
                    return Err(Error::internal(message));
                }
                own.input(from_utf8(reader.rest())?)?
            }
            (None, model) if model != ty.oid => read(reader, Type::new(model), env, depth + 1)?,
            _ => return Err(Error::unsupported(format_args!("type {}", info.name))),
        },
    })
}

/// Dimensions and a flag for points, then the corners. 54000.
fn read_cube(reader: &mut Reader<'_>) -> Result<Datum> {
    let header = reader.i32()? as u32;
    let dimensions = (header & !POINT_FLAG) as usize;
    if dimensions > CUBE_DIMENSIONS {
        return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "cube dimension is too large")
            .detail(format!("A cube cannot have more than {CUBE_DIMENSIONS} dimensions.")));
    }
    let mut corner = || (0..dimensions).map(|_| reader.i64().map(|bits| f64::from_bits(bits as u64))).collect();
    let first: Result<Vec<f64>> = corner();
    if header & POINT_FLAG != 0 {
        return Ok(Cube::point(first?).into());
    }
    let second: Result<Vec<f64>> = corner();
    Ok(Cube::new(first?, second?).into())
}

/// A number of pairs, each key and value with its length, which is -1 for NULL. 22003, 22004.
fn read_hstore(reader: &mut Reader<'_>) -> Result<Datum> {
    let count = reader.i32()?;
    if count < 0 || count as usize > reader.len() {
        let message = format!("number of pairs ({count}) exceeds the maximum allowed (134217727)");
        return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
    }
    let mut pairs = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let key = read_sized_text(reader)?
            .ok_or_else(|| Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "null value not allowed for hstore key"))?;
        pairs.push((Arc::from(key), read_sized_text(reader)?.map(Arc::from)));
    }
    Ok(pairs.into_iter().collect::<Hstore>().into())
}

fn read_sized_text<'a>(reader: &mut Reader<'a>) -> Result<Option<&'a str>> {
    match reader.i32()? {
        len if len < 0 => Ok(None),
        len => from_utf8(reader.take(len as usize)?).map(Some),
    }
}

fn out_of_range(code: SqlState, what: &str) -> Error {
    Error::new(code, format!("{what} out of range"))
}

fn read_numeric(reader: &mut Reader<'_>) -> Result<Numeric> {
    let (count, weight, sign, scale) = (reader.u16()?, reader.i16()?, reader.u16()?, reader.u16()?);
    let groups = reader.take(2 * usize::from(count))?;
    Numeric::recv(groups, weight, sign, scale)
}

/// Text behind its version; an error calls the number what it is.
fn read_versioned_text<'a>(reader: &mut Reader<'a>, number: &str) -> Result<&'a str> {
    match reader.u8()? {
        1 => from_utf8(reader.rest()),
        version => Err(Error::internal(format!("unsupported {number} {version}"))),
    }
}

fn read_date(reader: &mut Reader<'_>) -> Result<i32> {
    let days = reader.i32()?;
    if matches!(days, i32::MIN | i32::MAX) {
        return Ok(days);
    }
    let days = days.checked_add(Y2000_DAYS).filter(|days| is_valid_date(*days));
    days.ok_or_else(|| out_of_range(SqlState::DATETIME_FIELD_OVERFLOW, "date"))
}

fn read_timestamp(reader: &mut Reader<'_>) -> Result<i64> {
    let micros = reader.i64()?;
    if matches!(micros, i64::MIN | i64::MAX) {
        return Ok(micros);
    }
    let micros = micros.checked_add(Y2000_MICROS).filter(|micros| is_valid_timestamp(*micros));
    micros.ok_or_else(|| out_of_range(SqlState::DATETIME_FIELD_OVERFLOW, "timestamp"))
}

fn read_time(reader: &mut Reader<'_>) -> Result<i64> {
    let micros = Some(reader.i64()?).filter(|micros| (0..=86_400_000_000).contains(micros));
    micros.ok_or_else(|| out_of_range(SqlState::DATETIME_FIELD_OVERFLOW, "time"))
}

fn read_timetz(reader: &mut Reader<'_>) -> Result<Datum> {
    /// Zones lie less than sixteen hours from UTC.
    const LIMIT_SECONDS: i32 = 16 * 3600;
    let micros = read_time(reader)?;
    let west = reader.i32()?;
    if west.checked_abs().is_none_or(|seconds| seconds >= LIMIT_SECONDS) {
        return Err(out_of_range(SqlState::INVALID_TIME_ZONE_DISPLACEMENT_VALUE, "time zone displacement"));
    }
    Ok(Datum::TimeTz(micros, west))
}

fn read_inet(reader: &mut Reader<'_>, cidr: bool) -> Result<Vec<u8>> {
    let name = if cidr { "cidr" } else { "inet" };
    let fail = |what: &str| invalid(format!("invalid {what} in external \"{name}\" value"));
    let (family, bits, _, length) = (reader.u8()?, reader.u8()?, reader.u8()?, reader.u8()?);
    if !matches!(family, IPV4 | IPV6) {
        return Err(fail("address family"));
    }
    let size = if family == IPV4 { 4 } else { 16 };
    if usize::from(bits) > size * 8 {
        return Err(fail("bits"));
    }
    if usize::from(length) != size {
        return Err(fail("length"));
    }
    let inet = Inet { family, bits, address: reader.bytes(size)? };
    if cidr && inet.has_host_bits() {
        let error = invalid("invalid external \"cidr\" value");
        return Err(error.detail("Value has bits set to right of mask."));
    }
    Ok(inet.to_bytes())
}

fn read_snapshot(reader: &mut Reader<'_>) -> Result<String> {
    let count = reader.u32()?;
    let (xmin, xmax) = (reader.i64()?, reader.i64()?);
    let list = (0..count).map(|_| reader.i64().map(|xid| xid.to_string())).collect::<Result<Vec<_>>>()?;
    let text = format!("{xmin}:{xmax}:{}", list.join(","));
    system::input_snapshot(&text).map_err(|_| invalid("invalid external pg_snapshot data"))
}

fn read_bits(reader: &mut Reader<'_>) -> Result<String> {
    let length = usize::try_from(reader.i32()?).map_err(|_| invalid("invalid length in external bit string"))?;
    let bytes = reader.take(length.div_ceil(8))?;
    Ok((0..length).map(|n| if bytes[n / 8] & 0x80 >> (n % 8) != 0 { '1' } else { '0' }).collect())
}

/// An item behind its length, 22P03 where that is not left; its bytes must be used up, else 22P03 with `message`.
fn read_item(
    reader: &mut Reader<'_>,
    ty: Type,
    env: &dyn Env,
    depth: usize,
    message: impl Fn() -> String,
) -> Result<Datum> {
    let length = match reader.i32()? {
        -1 => return crate::text::input_null(ty, env),
        length => usize::try_from(length).ok().filter(|length| *length <= reader.len()),
    };
    let mut item = Reader::new(reader.take(length.ok_or_else(|| invalid("insufficient data left in message"))?)?);
    let value = read(&mut item, ty, env, depth)?;
    if item.is_empty() { Ok(value) } else { Err(invalid(message())) }
}

/// 42804 when the bytes say another type than the column or array has, unless one of them has another number on each server.
fn check_type(got: Oid, expected: Oid, what: &str, place: &str, env: &dyn Env) -> Result<()> {
    /// PostgreSQL's `FirstGenbkiObjectId`.
    const FIRST_OTHER: Oid = Oid(10_000);
    if got == expected || got >= FIRST_OTHER || expected >= FIRST_OTHER {
        return Ok(());
    }
    let (got_name, name) = (name_of(got, env), name_of(expected, env));
    let message = format!("binary data has {what} {got} ({got_name}) instead of expected {expected} ({name}){place}");
    Err(Error::new(SqlState::DATATYPE_MISMATCH, message))
}

fn read_array(reader: &mut Reader<'_>, element: Type, env: &dyn Env, depth: usize) -> Result<Array> {
    let count = reader.i32()?;
    let count = usize::try_from(count).map_err(|_| invalid(format!("invalid number of dimensions: {count}")))?;
    if count > MAX_DIMENSIONS {
        return Err(too_many_dimensions(count));
    }
    if !matches!(reader.i32()?, 0 | 1) {
        return Err(invalid("invalid array flags"));
    }
    check_type(Oid(reader.u32()?), element.oid, "array element type", "", env)?;
    let mut dims = Vec::with_capacity(count);
    for _ in 0..count {
        dims.push(Dimension { len: reader.i32()?, lower: reader.i32()? });
    }
    let size = array_size(&dims)?;
    let items = (0..size)
        .map(|n| {
            read_item(reader, element, env, depth, || format!("improper binary format in array element {}", n + 1))
        })
        .collect::<Result<Vec<_>>>()?;
    let dims = if items.is_empty() { vec![] } else { dims };
    Ok(Array { element: element.oid, dims, items })
}

/// The number of elements; 54000 beyond what an array can hold.
fn array_size(dims: &[Dimension]) -> Result<usize> {
    /// PostgreSQL's `MaxArraySize`.
    const MAX_ELEMENTS: usize = 134_217_727;
    let limit = |message: String| Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message);
    let mut size = usize::from(!dims.is_empty());
    for d in dims {
        let len = usize::try_from(d.len).ok();
        size = len
            .and_then(|len| size.checked_mul(len))
            .filter(|size| *size <= MAX_ELEMENTS)
            .ok_or_else(|| limit(format!("array size exceeds the maximum allowed ({MAX_ELEMENTS})")))?;
        if d.lower.checked_add(d.len).is_none() {
            return Err(limit(format!("array lower bound is too large: {}", d.lower)));
        }
    }
    Ok(size)
}

fn read_vector(reader: &mut Reader<'_>, element: Oid, name: &str, env: &dyn Env) -> Result<Array> {
    let array = read_array(reader, Type::new(element), env, 1)?;
    let flat = matches!(array.dims.as_slice(), [dimension] if dimension.lower == 0);
    if !flat || array.items.iter().any(Datum::is_null) {
        return Err(invalid(format!("invalid {name} data")));
    }
    Ok(Array::zero_based(element, array.items))
}

fn read_record(reader: &mut Reader<'_>, ty: Oid, fields: &[Field], env: &dyn Env, depth: usize) -> Result<Record> {
    let count = reader.i32()?;
    if usize::try_from(count) != Ok(fields.len()) {
        let message = format!("wrong number of columns: {count}, expected {}", fields.len());
        return Err(Error::new(SqlState::DATATYPE_MISMATCH, message));
    }
    let mut values = Vec::with_capacity(fields.len());
    for (n, field) in (1..).zip(fields) {
        check_type(Oid(reader.u32()?), field.ty.oid, "type", &format!(" in record column {n}"), env)?;
        let message = || format!("improper binary format in record column {n}");
        values.push(read_item(reader, field.ty, env, depth, message)?);
    }
    Ok(Record { ty, types: fields.iter().map(|field| field.ty.oid).collect(), fields: values, names: None })
}

fn read_range(reader: &mut Reader<'_>, ty: Oid, subtype: Oid, env: &dyn Env, depth: usize) -> Result<Range> {
    let flags = reader.u8()?;
    if flags & range_flag::EMPTY != 0 {
        message_end(reader)?;
        return Ok(Range { ty, bounds: None });
    }
    let mut bound = |infinite: u8, inclusive: u8| -> Result<Bound> {
        if flags & infinite != 0 {
            return Ok(Bound::Unbounded);
        }
        let length = reader.u32()? as usize;
        let value = read(&mut Reader::new(reader.take(length)?), Type::new(subtype), env, depth)?;
        Ok(if flags & inclusive != 0 { Bound::Inclusive(value) } else { Bound::Exclusive(value) })
    };
    let lower = bound(range_flag::LOWER_INFINITE, range_flag::LOWER_INCLUSIVE)?;
    let upper = bound(range_flag::UPPER_INFINITE, range_flag::UPPER_INCLUSIVE)?;
    message_end(reader)?;
    range::make(ty, subtype, lower, upper)
}

/// 08P01 for bytes behind a range.
fn message_end(reader: &Reader<'_>) -> Result<()> {
    match reader.is_empty() {
        true => Ok(()),
        false => Err(Error::new(SqlState::PROTOCOL_VIOLATION, "invalid message format")),
    }
}

fn read_multirange(reader: &mut Reader<'_>, range_type: Oid, env: &dyn Env, depth: usize) -> Result<Datum> {
    let count = reader.u32()?;
    let mut ranges = vec![];
    for _ in 0..count {
        let length = reader.u32()? as usize;
        let mut item = Reader::new(reader.take(length)?);
        if let Datum::Range(range) = read(&mut item, Type::new(range_type), env, depth)? {
            ranges.push(Range::clone(&range));
        }
    }
    message_end(reader)?;
    Ok(Datum::Array(Arc::new(range::multirange(range_type, ranges))))
}
