//! Values to bytes.

use super::range_flag;
use crate::datetime::calendar::{Y2000_DAYS, Y2000_MICROS};
use crate::network::Inet;
use crate::text::system::{Snapshot, tid_parts};
use crate::text::{base_oid, enum_label, is_multirange};
use crate::{Array, Bound, Datum, Env, Error, ExtensionValue, Oid, Range, Record, Result, oids};

/// Appends the binary form of a value that is not NULL, without a length. XX000 when value and type do not belong
/// together.
#[inline]
pub fn send(value: &Datum, oid: Oid, env: &dyn Env, out: &mut Vec<u8>) -> Result<()> {
    match value {
        Datum::Int4(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Text(v) if oid.0 < 1000 && oid != oids::XML || !is_odd_text(oid, env) => match oid {
            oids::CHAR => out.push(v.chars().next().map_or(0, |c| c as u8)),
            _ => out.extend_from_slice(v.as_bytes()),
        },
        _ => send_rest(value, oid, env, out)?,
    }
    Ok(())
}

/// Bit strings and paths are text inside but not on the wire; the declaration of XML is written anew.
fn is_odd_text(oid: Oid, env: &dyn Env) -> bool {
    matches!(
        base_oid(oid, env),
        oids::BIT | oids::VARBIT | oids::CHAR | oids::JSONPATH | oids::PG_SNAPSHOT | oids::TXID_SNAPSHOT | oids::XML
    )
}

fn send_rest(value: &Datum, oid: Oid, env: &dyn Env, out: &mut Vec<u8>) -> Result<()> {
    match value {
        Datum::Null => return Err(Error::internal("binary output of NULL")),
        Datum::Bool(v) => out.push(u8::from(*v)),
        Datum::Int2(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Int4(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Int8(v) if base_oid(oid, env) == oids::TID => {
            let (block, offset) = tid_parts(*v);
            out.extend_from_slice(&block.to_be_bytes());
            out.extend_from_slice(&offset.to_be_bytes());
        }
        Datum::Int8(v) | Datum::Time(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Float4(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Float8(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Numeric(v) => v.send(out),
        Datum::Text(v) => match base_oid(oid, env) {
            oids::CHAR => out.push(v.chars().next().map_or(0, |c| c as u8)),
            oids::JSONPATH => {
                out.push(1);
                out.extend_from_slice(v.as_bytes());
            }
            oids::PG_SNAPSHOT | oids::TXID_SNAPSHOT => send_snapshot(v, out),
            oids::XML => {
                let mut text = String::new();
                crate::xml::output(v, &mut text);
                out.extend_from_slice(text.as_bytes());
            }
            _ => send_bits(v, out),
        },
        Datum::Bytea(v) => match base_oid(oid, env) {
            oid @ (oids::INET | oids::CIDR) => send_inet(v, oid == oids::CIDR, out),
            _ => out.extend_from_slice(v),
        },
        Datum::Date(v) => out.extend_from_slice(&date_to_wire(*v).to_be_bytes()),
        Datum::TimeTz(v, west) => {
            out.extend_from_slice(&v.to_be_bytes());
            out.extend_from_slice(&west.to_be_bytes());
        }
        Datum::Timestamp(v) => out.extend_from_slice(&timestamp_to_wire(*v).to_be_bytes()),
        Datum::Interval(v) => {
            out.extend_from_slice(&v.micros.to_be_bytes());
            out.extend_from_slice(&v.days.to_be_bytes());
            out.extend_from_slice(&v.months.to_be_bytes());
        }
        Datum::Uuid(v) => out.extend_from_slice(v),
        Datum::Oid(v) => out.extend_from_slice(&v.to_be_bytes()),
        Datum::Enum(code) => out.extend_from_slice(enum_label(*code, base_oid(oid, env), env)?.as_bytes()),
        Datum::Jsonb(v) => {
            out.push(1);
            out.extend_from_slice(v.to_string().as_bytes());
        }
        Datum::Array(v) if is_multirange(base_oid(oid, env), env) => send_multirange(v, env, out)?,
        Datum::Array(v) => send_array(v, env, out)?,
        Datum::Record(v) => send_record(v, env, out)?,
        Datum::Range(v) => send_range(v, env, out)?,
        Datum::Extension(v) => send_extension(v, out),
    }
    Ok(())
}

fn send_sized(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as i32).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// What stands before the text in the binary form of `ltree` and its queries.
pub(super) const TEXT_VERSION: u8 = 1;

/// In front of the number of a cube's dimensions: it has one corner.
pub(super) const POINT_FLAG: u32 = 1 << 31;

fn send_extension(value: &ExtensionValue, out: &mut Vec<u8>) {
    match value {
        ExtensionValue::Citext(text) => out.extend_from_slice(text.as_bytes()),
        ExtensionValue::Hstore(pairs) => {
            out.extend_from_slice(&(pairs.pairs().len() as i32).to_be_bytes());
            for (key, value) in pairs.pairs() {
                send_sized(key, out);
                match value {
                    Some(value) => send_sized(value, out),
                    None => out.extend_from_slice(&(-1i32).to_be_bytes()),
                }
            }
        }
        ExtensionValue::Cube(own) => {
            let point = if own.is_point() { POINT_FLAG } else { 0 };
            out.extend_from_slice(&(own.dimensions() as u32 | point).to_be_bytes());
            let dimensions = 0..own.dimensions();
            dimensions.clone().for_each(|at| out.extend_from_slice(&own.first(at).to_be_bytes()));
            if !own.is_point() {
                dimensions.for_each(|at| out.extend_from_slice(&own.second(at).to_be_bytes()));
            }
        }
        // It has no binary form, so that nobody asks for one.
        ExtensionValue::QueryInt(_) => out.extend_from_slice(value.text().as_bytes()),
        ExtensionValue::Ltree(_) | ExtensionValue::Lquery(_) | ExtensionValue::Ltxtquery(_) => {
            out.push(TEXT_VERSION);
            out.extend_from_slice(value.text().as_bytes());
        }
    }
}

/// Infinities are the same numbers on either side.
fn date_to_wire(days: i32) -> i32 {
    if matches!(days, i32::MIN | i32::MAX) { days } else { days.saturating_sub(Y2000_DAYS) }
}

fn timestamp_to_wire(micros: i64) -> i64 {
    if matches!(micros, i64::MIN | i64::MAX) { micros } else { micros.saturating_sub(Y2000_MICROS) }
}

fn send_bits(bits: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(bits.len() as i32).to_be_bytes());
    for byte in bits.as_bytes().chunks(8) {
        let ones = byte.iter().enumerate().filter(|(_, bit)| **bit == b'1');
        out.push(ones.fold(0, |byte, (n, _)| byte | 0x80 >> n));
    }
}

fn send_snapshot(text: &str, out: &mut Vec<u8>) {
    if let Some(snapshot) = Snapshot::parse(text) {
        out.extend_from_slice(&(snapshot.in_progress.len() as u32).to_be_bytes());
        let bounds = [snapshot.xmin, snapshot.xmax];
        bounds.iter().chain(&snapshot.in_progress).for_each(|xid| out.extend_from_slice(&xid.to_be_bytes()));
    }
}

fn send_inet(bytes: &[u8], cidr: bool, out: &mut Vec<u8>) {
    if let Some(inet) = Inet::new(bytes) {
        out.extend_from_slice(&[inet.family, inet.bits, u8::from(cidr), inet.max_bytes() as u8]);
        out.extend_from_slice(inet.address);
    }
}

/// Appends an item: its length, which is known only afterwards, and its bytes.
fn send_item(item: &Datum, oid: Oid, env: &dyn Env, out: &mut Vec<u8>) -> Result<()> {
    if item.is_null() {
        out.extend_from_slice(&(-1i32).to_be_bytes());
        return Ok(());
    }
    with_length(out, |out| send(item, oid, env, out))
}

fn with_length(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    body(out)?;
    let length = (out.len() - start - 4) as i32;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

fn send_array(array: &Array, env: &dyn Env, out: &mut Vec<u8>) -> Result<()> {
    let has_nulls = array.items.iter().any(Datum::is_null);
    out.extend_from_slice(&(array.dims.len() as i32).to_be_bytes());
    out.extend_from_slice(&i32::from(has_nulls).to_be_bytes());
    out.extend_from_slice(&array.element.0.to_be_bytes());
    for dimension in &array.dims {
        out.extend_from_slice(&dimension.len.to_be_bytes());
        out.extend_from_slice(&dimension.lower.to_be_bytes());
    }
    array.items.iter().try_for_each(|item| send_item(item, array.element, env, out))
}

fn send_record(record: &Record, env: &dyn Env, out: &mut Vec<u8>) -> Result<()> {
    out.extend_from_slice(&(record.fields.len() as i32).to_be_bytes());
    for (ty, field) in record.types.iter().zip(&record.fields) {
        out.extend_from_slice(&ty.0.to_be_bytes());
        send_item(field, *ty, env, out)?;
    }
    Ok(())
}

fn send_range(range: &Range, env: &dyn Env, out: &mut Vec<u8>) -> Result<()> {
    let Some((lower, upper)) = &range.bounds else {
        out.push(range_flag::EMPTY);
        return Ok(());
    };
    let flag = |bound: &Bound, inclusive: u8, infinite: u8| match bound {
        Bound::Inclusive(_) => inclusive,
        Bound::Exclusive(_) => 0,
        Bound::Unbounded => infinite,
    };
    out.push(
        flag(lower, range_flag::LOWER_INCLUSIVE, range_flag::LOWER_INFINITE)
            | flag(upper, range_flag::UPPER_INCLUSIVE, range_flag::UPPER_INFINITE),
    );
    let subtype = crate::text::range_subtype(range.ty, env)?;
    for bound in [lower, upper] {
        if let Bound::Inclusive(value) | Bound::Exclusive(value) = bound {
            send_item(value, subtype, env, out)?;
        }
    }
    Ok(())
}

fn send_multirange(multirange: &Array, env: &dyn Env, out: &mut Vec<u8>) -> Result<()> {
    out.extend_from_slice(&(multirange.items.len() as i32).to_be_bytes());
    multirange.items.iter().try_for_each(|range| send_item(range, multirange.element, env, out))
}
