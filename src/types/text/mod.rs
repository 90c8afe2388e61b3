//! PostgreSQL's text form of every type.
//!
//! [`input`] reads it, [`output`] writes it, [`write_wire`] writes it to a socket buffer. Each family of types has a
//! file; dates and times are in [`crate::datetime`], JSON in [`crate::json`], numbers in [`crate::numeric`]. Types
//! that need the catalog (enums, composites, domains, ranges) are found through [`Env`].

use std::cell::RefCell;
use std::sync::Arc;

use crate::geometry::is_geometric;
use crate::jsonpath::JsonPath;
use crate::numeric::NumericText;
use crate::{
    Datum, EnumLabel, Env, Error, ExtensionType, Numeric, Oid, RegKind, Result, SqlState, Type, TypeInfo, TypeKind,
    datetime, json, oids, tsearch, type_name, xml,
};

mod acl;
pub mod array;
pub mod float;
mod geometry;
pub mod integer;
pub mod network;
mod range;
mod record;
pub mod string;
pub mod system;
#[cfg(test)]
mod tests;

use float::FloatText;

/// First oid that is not fixed: from here on a type may be a domain.
const FIRST_GENERATED: u32 = 10_000;

/// Reads the text form of a value of `ty`, applying its type modifier as an assignment does.
///
/// 22P02 for what is no value of the type, 22003 and 22008 out of range, 22001 too long, 0A000 for types DictDB has not.
#[inline]
pub fn input(text: &str, ty: Type, env: &dyn Env) -> Result<Datum> {
    match ty.oid {
        oids::INT4 => integer::input_int4(text).map(Datum::Int4),
        oids::INT8 => integer::input_int8(text).map(Datum::Int8),
        oids::TEXT | oids::UNKNOWN | oids::CSTRING | oids::REFCURSOR => Ok(Datum::text(text)),
        oids::VARCHAR => string::fit_varchar(text, ty.typmod, false).map(Datum::text),
        _ => input_scalar(text, ty, env),
    }
}

fn input_scalar(text: &str, ty: Type, env: &dyn Env) -> Result<Datum> {
    Ok(match ty.oid {
        oids::BOOL => Datum::Bool(string::input_bool(text)?),
        oids::INT2 => Datum::Int2(integer::input_int2(text)?),
        oids::FLOAT4 => Datum::Float4(float::input_float4(text)?),
        oids::FLOAT8 => Datum::Float8(float::input_float8(text)?),
        oids::NUMERIC => Datum::Numeric(Numeric::parse(text)?.apply_typmod(ty.typmod)?),
        oids::BPCHAR => Datum::Text(string::fit_bpchar(text, ty.typmod, false)?),
        oids::NAME => Datum::text(string::fit_name(text)),
        oids::CHAR => Datum::Text(string::char_datum(string::input_char(text))),
        oids::BYTEA => Datum::bytea(string::input_bytea(text)?),
        oids::UUID => Datum::Uuid(string::input_uuid(text)?),
        oids::BIT => Datum::text(string::fit_bit(string::input_bits(text)?, ty.typmod, false)?),
        oids::VARBIT => Datum::text(string::fit_varbit(string::input_bits(text)?, ty.typmod, false)?),
        oids::DATE => Datum::Date(datetime::input_date(text, env)?),
        oids::TIME => Datum::Time(datetime::input_time(text, ty.typmod, env)?),
        oids::TIMETZ => {
            let (micros, west) = datetime::input_timetz(text, ty.typmod, env)?;
            Datum::TimeTz(micros, west)
        }
        oids::TIMESTAMP => Datum::Timestamp(datetime::input_timestamp(text, ty.typmod, env)?),
        oids::TIMESTAMPTZ => Datum::Timestamp(datetime::input_timestamptz(text, ty.typmod, env)?),
        oids::INTERVAL => Datum::Interval(datetime::input_interval(text, ty.typmod, env)?),
        oids::JSON => {
            json::check(text)?;
            Datum::text(text)
        }
        oids::XML => {
            xml::input(text, env)?;
            Datum::text(text)
        }
        oids::JSONB => Datum::Jsonb(Arc::new(json::parse(text)?)),
        oids::JSONPATH => Datum::text(JsonPath::input(text, env)?.to_string()),
        oids::OID => Datum::Oid(integer::input_oid(text)?),
        oids::XID | oids::CID => Datum::Oid(integer::input_lenient(text) as u32),
        oids::XID8 => Datum::Int8(integer::input_lenient(text) as i64),
        oids::TID => Datum::Int8(system::input_tid(text)?),
        oids::PG_LSN => Datum::Int8(system::input_lsn(text)?),
        oids::PG_SNAPSHOT | oids::TXID_SNAPSHOT => Datum::text(system::input_snapshot(text)?),
        oids::ACLITEM => Datum::text(acl::input_aclitem(text, env)?),
        oids::MONEY => Datum::Int8(system::input_money(text)?),
        oids::INET => Datum::bytea(network::input_inet(text)?),
        oids::CIDR => Datum::bytea(network::input_cidr(text)?),
        oids::MACADDR => Datum::bytea(network::input_macaddr(text)?),
        oids::MACADDR8 => Datum::bytea(network::input_macaddr8(text)?),
        oids::TSVECTOR => Datum::bytea(tsearch::parse_vector(text)?.to_bytes()),
        oids::TSQUERY => Datum::bytea(input_tsquery(text, env)?),
        oid if is_geometric(oid) => Datum::bytea(geometry::input(text, oid)?),
        oids::VOID => Datum::text(""),
        oids::INT2VECTOR => Datum::Array(Arc::new(array::input_vector(text, oids::INT2, env)?)),
        oids::OIDVECTOR => Datum::Array(Arc::new(array::input_vector(text, oids::OID, env)?)),
        oid => match reg_kind(oid) {
            Some(kind) => Datum::Oid(input_reg(kind, text, env)?),
            None => return input_by_kind(text, ty, env),
        },
    })
}

/// Operands of a `tsquery` literal are lexemes as they stand.
fn input_tsquery(text: &str, env: &dyn Env) -> Result<Vec<u8>> {
    let query = tsearch::parse_query(text)?.map(tsearch::ParsedQuery::into_query);
    if query.is_none() {
        env.notice(tsearch::no_lexemes(text));
    }
    Ok(tsearch::Query::to_bytes(query.as_ref()))
}

/// 55P04 for a label that the running transaction has added to an enum from before it.
pub fn check_label(label: &EnumLabel, enumeration: Oid, env: &dyn Env) -> Result<()> {
    if !env.is_new_label(enumeration, label.oid) {
        return Ok(());
    }
    let name = name_of(enumeration, env);
    let message = format!("unsafe use of new value \"{}\" of enum type {name}", label.label);
    Err(Error::new(SqlState::UNSAFE_NEW_ENUM_VALUE_USAGE, message)
        .hint("New enum values must be committed before they can be used."))
}

/// What stands for no value of `ty`: NULL, unless it is a domain that has none (23502, 23514).
#[inline]
pub fn input_null(ty: Type, env: &dyn Env) -> Result<Datum> {
    if ty.oid.0 >= FIRST_GENERATED && matches!(type_info(ty.oid, env)?.kind, TypeKind::Domain(_)) {
        env.check_domain(ty.oid, &Datum::Null)?;
    }
    Ok(Datum::Null)
}

/// A type that `pg_type` must explain.
fn input_by_kind(text: &str, ty: Type, env: &dyn Env) -> Result<Datum> {
    let info = type_info(ty.oid, env)?;
    Ok(match &info.kind {
        TypeKind::Domain(base) => {
            // The constraints of domains below are among its own.
            let value = input(text, env.base_type(*base), env)?;
            env.check_domain(ty.oid, &value)?;
            value
        }
        TypeKind::Enum(labels) => match labels.iter().find(|label| label.label.as_ref() == text) {
            Some(label) => {
                check_label(label, ty.oid, env)?;
                Datum::Enum(label.code)
            }
            None => {
                let message = format!("invalid input value for enum {}: \"{text}\"", name_of(ty.oid, env));
                return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message));
            }
        },
        TypeKind::Composite(fields) => Datum::Record(Arc::new(record::input_record(text, ty.oid, fields, env)?)),
        TypeKind::Range(subtype) => Datum::Range(Arc::new(range::input_range(text, ty.oid, *subtype, env)?)),
        TypeKind::Multirange(range_type) => {
            let subtype = range_subtype(*range_type, env)?;
            Datum::Array(Arc::new(range::input_multirange(text, *range_type, subtype, env)?))
        }
        TypeKind::Base | TypeKind::Pseudo if info.is_array() => {
            let element = Type::with_typmod(info.element, ty.typmod);
            let delimiter = type_info(info.element, env)?.delimiter;
            Datum::Array(Arc::new(array::input_array(text, element, delimiter, env)?))
        }
        TypeKind::Pseudo => return Err(cannot_accept(&info)),
        TypeKind::Base if is_output_only(ty.oid) => return Err(cannot_accept(&info)),
        TypeKind::Base => match (ExtensionType::of_input(&info.input), info.model()) {
            (Some(own), _) => own.input(text)?,
            (None, model) if model != ty.oid => input(text, Type::new(model), env)?,
            _ => return Err(Error::unsupported(format_args!("type {}", info.name))),
        },
    })
}

/// `pg_node_tree` and its like are written by the server only.
fn is_output_only(oid: Oid) -> bool {
    // pg_node_tree, pg_ndistinct, pg_dependencies, pg_mcv_list, the two brin summaries.
    matches!(oid.0, 194 | 3361 | 3402 | 5017 | 4600 | 4601)
}

/// The type, which plans have found before; XX000.
pub(crate) fn type_info(oid: Oid, env: &dyn Env) -> Result<Arc<TypeInfo>> {
    env.type_info(oid).ok_or_else(|| Error::internal(format!("cache lookup failed for type {oid}")))
}

/// The type's name as messages write it, with its schema where the search path needs that.
pub(crate) fn name_of(oid: Oid, env: &dyn Env) -> String {
    match oid < Oid::FIRST_NORMAL {
        true => type_name(env, oid, &|_| None),
        false => env.reg_out(RegKind::Type, oid),
    }
}

pub(crate) fn range_subtype(range_type: Oid, env: &dyn Env) -> Result<Oid> {
    match type_info(range_type, env)?.kind {
        TypeKind::Range(subtype) => Ok(subtype),
        _ => Err(Error::internal(format!("type {range_type} is not a range type"))),
    }
}

fn cannot_accept(info: &TypeInfo) -> Error {
    let message = match info.oid {
        oids::RECORD => "input of anonymous composite types is not implemented".to_owned(),
        _ => format!("cannot accept a value of type {}", info.name),
    };
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
}

/// What a `reg…` type names.
pub fn reg_kind(oid: Oid) -> Option<RegKind> {
    Some(match oid {
        oids::REGCLASS => RegKind::Class,
        oids::REGTYPE => RegKind::Type,
        oids::REGPROC => RegKind::Proc,
        oids::REGPROCEDURE => RegKind::Procedure,
        oids::REGOPER => RegKind::Oper,
        oids::REGOPERATOR => RegKind::Operator,
        oids::REGNAMESPACE => RegKind::Namespace,
        oids::REGROLE => RegKind::Role,
        oids::REGCOLLATION => RegKind::Collation,
        oids::REGCONFIG => RegKind::Config,
        oids::REGDICTIONARY => RegKind::Dictionary,
        _ => return None,
    })
}

/// How a `reg…` type shows oid zero.
fn no_object(kind: RegKind) -> &'static str {
    if matches!(kind, RegKind::Oper | RegKind::Operator) { "0" } else { "-" }
}

/// Numbers are oids as they are; names are the catalog's.
fn input_reg(kind: RegKind, text: &str, env: &dyn Env) -> Result<u32> {
    if text == "-" {
        return Ok(0);
    }
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return integer::input_oid(text);
    }
    env.reg_in(kind, text).map(|oid| oid.0)
}

/// The type behind domains, without asking for types that cannot be one.
#[inline]
pub(crate) fn base_oid(oid: Oid, env: &dyn Env) -> Oid {
    if oid.0 < FIRST_GENERATED { oid } else { env.base_type(Type::new(oid)).oid }
}

/// Text from a client's bytes; 22021 for what is not UTF-8, and for NUL, which no text contains.
#[inline]
pub fn from_utf8(bytes: &[u8]) -> Result<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !bytes.contains(&0) => Ok(text),
        checked => Err(no_text(bytes, checked)),
    }
}

/// Likewise of bytes that ended where a NUL was.
#[inline]
pub fn from_c_string(bytes: &[u8]) -> Result<&str> {
    let checked = std::str::from_utf8(bytes);
    checked.map_err(|_| no_text(bytes, checked))
}

#[cold]
fn no_text(bytes: &[u8], checked: std::result::Result<&str, std::str::Utf8Error>) -> Error {
    let (bad, len) = match checked {
        Ok(text) => (text.find('\0').unwrap_or_default(), 1),
        Err(error) => {
            let at = error.valid_up_to();
            let expected = match bytes[at] {
                0xc0..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf7 => 4,
                _ => 1,
            };
            (at, expected)
        }
    };
    let shown: Vec<String> = bytes[bad..].iter().take(len).map(|byte| format!("0x{byte:02x}")).collect();
    let message = format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" "));
    Error::new(SqlState::CHARACTER_NOT_IN_REPERTOIRE, message)
}

/// Appends the text form of a value that is not NULL. XX000 when value and type do not belong together.
#[inline]
pub fn output(value: &Datum, oid: Oid, env: &dyn Env, out: &mut String) -> Result<()> {
    match value {
        Datum::Int4(v) => out.push_str(itoa::Buffer::new().format(*v)),
        Datum::Text(v) if oid != oids::CHAR && !may_be_xml(v, oid) => out.push_str(v),
        _ => output_rest(value, oid, env, out)?,
    }
    Ok(())
}

/// Whether a text may be `xml` with a declaration, which is written in a form of its own; by itself or through a domain.
#[inline]
fn may_be_xml(text: &str, oid: Oid) -> bool {
    (oid == oids::XML || oid >= Oid::FIRST_NORMAL) && text.starts_with("<?xml")
}

fn output_rest(value: &Datum, oid: Oid, env: &dyn Env, out: &mut String) -> Result<()> {
    match value {
        Datum::Null => return Err(Error::internal("output of NULL")),
        Datum::Bool(v) => out.push(if *v { 't' } else { 'f' }),
        Datum::Int2(v) => out.push_str(itoa::Buffer::new().format(*v)),
        Datum::Int4(v) => out.push_str(itoa::Buffer::new().format(*v)),
        Datum::Int8(v) => output_int8(*v, base_oid(oid, env), out),
        Datum::Float4(v) => out.push_str(FloatText::of_f32(*v, env.format().extra_float_digits).as_str()),
        Datum::Float8(v) => out.push_str(FloatText::of_f64(*v, env.format().extra_float_digits).as_str()),
        Datum::Numeric(v) => v.write(out),
        Datum::Text(v) => match base_oid(oid, env) {
            oids::CHAR => string::write_char(v, out),
            oids::XML => xml::output(v, out),
            _ => out.push_str(v),
        },
        Datum::Bytea(v) => match base_oid(oid, env) {
            oids::INET => network::write_inet(v, false, out),
            oids::CIDR => network::write_inet(v, true, out),
            oids::MACADDR | oids::MACADDR8 => network::write_macaddr(v, out),
            oids::TSVECTOR => tsearch::Vector::from_bytes(v).unwrap_or_default().write(out),
            oids::TSQUERY => {
                if let Some(query) = tsearch::Query::from_bytes(v) {
                    query.write(out);
                }
            }
            oid if is_geometric(oid) => geometry::write(v, oid, env.format().extra_float_digits, out)?,
            _ => string::write_bytea(v, env.format().bytea_output, out),
        },
        Datum::Date(v) => datetime::write_date(*v, env.format(), out)?,
        Datum::Time(v) => datetime::write_time(*v, env.format(), out)?,
        Datum::TimeTz(v, west) => datetime::write_timetz(*v, *west, env.format(), out)?,
        Datum::Timestamp(v) => match base_oid(oid, env) {
            oids::TIMESTAMPTZ => datetime::write_timestamptz(*v, env.format(), out)?,
            _ => datetime::write_timestamp(*v, env.format(), out)?,
        },
        Datum::Interval(v) => datetime::write_interval(v, env.format(), out)?,
        Datum::Uuid(v) => string::write_uuid(v, out),
        Datum::Oid(v) => output_oid(*v, base_oid(oid, env), env, out),
        Datum::Enum(code) => out.push_str(&enum_label(*code, base_oid(oid, env), env)?),
        Datum::Jsonb(v) => v.write(out),
        Datum::Array(v) => output_array(v, base_oid(oid, env), env, out)?,
        Datum::Record(v) => record::write_record(v, env, out)?,
        Datum::Range(v) => range::write_range(v, range_subtype(v.ty, env)?, env, out)?,
        Datum::Extension(v) => v.write(out),
    }
    Ok(())
}

fn output_int8(value: i64, oid: Oid, out: &mut String) {
    match oid {
        oids::MONEY => system::write_money(value, out),
        oids::TID => system::write_tid(value, out),
        oids::PG_LSN => system::write_lsn(value, out),
        oids::XID8 => out.push_str(itoa::Buffer::new().format(value as u64)),
        _ => out.push_str(itoa::Buffer::new().format(value)),
    }
}

fn output_oid(value: u32, oid: Oid, env: &dyn Env, out: &mut String) {
    match reg_kind(oid) {
        Some(kind) if value == 0 => out.push_str(no_object(kind)),
        Some(kind) => out.push_str(&env.reg_out(kind, Oid(value))),
        None => out.push_str(itoa::Buffer::new().format(value)),
    }
}

/// The label behind an enum's sort code; XX000 when the type has none such.
pub fn enum_label(code: u32, oid: Oid, env: &dyn Env) -> Result<Arc<str>> {
    if let TypeKind::Enum(labels) = &type_info(oid, env)?.kind
        && let Ok(at) = labels.binary_search_by_key(&code, |label| label.code)
    {
        return Ok(labels[at].label.clone());
    }
    Err(Error::internal(format!("enum type {oid} has no label with code {code}")))
}

fn output_array(value: &crate::Array, oid: Oid, env: &dyn Env, out: &mut String) -> Result<()> {
    if matches!(oid, oids::INT2VECTOR | oids::OIDVECTOR) {
        return array::write_vector(value, env, out);
    }
    let element = type_info(value.element, env)?;
    match &element.kind {
        // An array of ranges and a multirange look alike; only the type tells.
        TypeKind::Range(subtype) if is_multirange(oid, env) => range::write_multirange(value, *subtype, env, out),
        _ => array::write_array(value, element.delimiter, env, out),
    }
}

/// Whether values of this type, held as arrays of ranges, are multiranges.
pub(crate) fn is_multirange(oid: Oid, env: &dyn Env) -> bool {
    env.type_info(oid).is_some_and(|info| matches!(info.kind, TypeKind::Multirange(_)))
}

/// Puts the text from `start` on into quotes, with these bytes doubled or escaped as the caller says.
fn quote(text: &str, escape: impl Fn(u8) -> Option<u8>) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        if let Some(before) = u8::try_from(c).ok().filter(u8::is_ascii).and_then(&escape) {
            quoted.push(char::from(before));
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// Quotes a member of a composite or range from `start` on where it is empty or has a special byte, doubling quotes
/// and backslashes.
fn quote_member(start: usize, special: impl Fn(u8) -> bool, out: &mut String) {
    let text = &out[start..];
    if text.is_empty() || text.bytes().any(special) {
        let quoted = quote(text, |b| matches!(b, b'"' | b'\\').then_some(b));
        out.truncate(start);
        out.push_str(&quoted);
    }
}

thread_local! {
    /// Text on its way to a socket, kept between values so that none is allocated.
    static SCRATCH: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Scratch text above this size is given back.
const SCRATCH_BYTES: usize = 64 * 1024;

/// Appends the bytes of the text form, without a length: [`output`] for the socket, without a temporary for the
/// types that results mostly consist of.
#[inline]
pub fn write_wire(value: &Datum, oid: Oid, env: &dyn Env, out: &mut Vec<u8>) -> Result<()> {
    match value {
        Datum::Int4(v) => out.extend_from_slice(itoa::Buffer::new().format(*v).as_bytes()),
        Datum::Text(v) if oid != oids::CHAR && !may_be_xml(v, oid) => out.extend_from_slice(v.as_bytes()),
        Datum::Int8(v) if oid == oids::INT8 => out.extend_from_slice(itoa::Buffer::new().format(*v).as_bytes()),
        Datum::Bool(v) => out.push(if *v { b't' } else { b'f' }),
        Datum::Int2(v) => out.extend_from_slice(itoa::Buffer::new().format(*v).as_bytes()),
        Datum::Float8(v) => {
            out.extend_from_slice(FloatText::of_f64(*v, env.format().extra_float_digits).as_bytes());
        }
        Datum::Float4(v) => {
            out.extend_from_slice(FloatText::of_f32(*v, env.format().extra_float_digits).as_bytes());
        }
        Datum::Numeric(v) if let Some(text) = NumericText::of(v) => out.extend_from_slice(text.as_bytes()),
        _ => return write_wire_through_text(value, oid, env, out),
    }
    Ok(())
}

fn write_wire_through_text(value: &Datum, oid: Oid, env: &dyn Env, out: &mut Vec<u8>) -> Result<()> {
    // A type's output may print other values, but never through this function, so the scratch is free.
    let mut text = SCRATCH.take();
    text.clear();
    let result = output(value, oid, env, &mut text);
    if result.is_ok() {
        out.extend_from_slice(text.as_bytes());
    }
    if text.capacity() <= SCRATCH_BYTES {
        SCRATCH.set(text);
    }
    result
}
