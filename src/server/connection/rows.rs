//! Rows and their descriptions, written straight into the output buffer.

use dictdb_session::encoding::{Codec, is_text_in_binary};
use dictdb_session::{Column, Format, Row, Shape};
use dictdb_types::{Datum, Env, Error, Result, SqlState, Type, TypeKind, binary, builtin_types, text};

/// What values are written by: settings and types, and what converts texts to the client's encoding.
pub(super) type To<'a> = (&'a dyn Env, Option<&'static Codec>);

/// Type byte, length and number of columns.
const ROW_HEADER_BYTES: usize = 7;

/// The body of RowDescription. Domains are described as the types they stand for.
pub(super) fn describe(shape: &Shape, env: &dyn Env, out: &mut Vec<u8>) {
    out.extend_from_slice(&(shape.columns.len() as u16).to_be_bytes());
    for (index, column) in shape.columns.iter().enumerate() {
        let (ty, size) = described(column.ty, env);
        let format = i16::from(shape.format(index) == Format::Binary);
        out.extend_from_slice(column.name.as_bytes());
        out.push(0);
        out.extend_from_slice(&column.table.0.to_be_bytes());
        out.extend_from_slice(&column.attnum.to_be_bytes());
        out.extend_from_slice(&ty.oid.0.to_be_bytes());
        out.extend_from_slice(&size.to_be_bytes());
        out.extend_from_slice(&ty.typmod.to_be_bytes());
        out.extend_from_slice(&format.to_be_bytes());
    }
}

/// The type that a column is described with, and its length.
fn described(ty: Type, env: &dyn Env) -> (Type, i16) {
    match builtin_types::find(ty.oid) {
        Some(info) if !matches!(info.kind, TypeKind::Domain(_)) => (ty, info.len),
        _ => {
            let ty = env.base_type(ty);
            (ty, env.type_info(ty.oid).map_or(-1, |info| info.len))
        }
    }
}

/// Appends a DataRow. On error nothing of it stays.
pub(super) fn write(shape: &Shape, row: &Row, to: To<'_>, out: &mut Vec<u8>) -> Result<()> {
    let start = out.len();
    let written = write_row(shape, row, to, out, start);
    if written.is_err() {
        out.truncate(start);
    }
    written
}

/// Appends a FunctionCallResponse. On error nothing of it stays.
pub(super) fn write_function_result(
    value: &Datum,
    ty: Type,
    format: Format,
    to: To<'_>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let start = out.len();
    out.extend_from_slice(&[b'V', 0, 0, 0, 0]);
    if let Err(error) = write_value(value, &Column::new("", ty), format, to, out) {
        out.truncate(start);
        return Err(error);
    }
    let length = i32::try_from(out.len() - start - 1).map_err(|_| too_large())?;
    out[start + 1..start + 5].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

fn write_row(shape: &Shape, row: &Row, to: To<'_>, out: &mut Vec<u8>, start: usize) -> Result<()> {
    out.extend_from_slice(&[b'D', 0, 0, 0, 0]);
    out.extend_from_slice(&(row.len() as u16).to_be_bytes());
    debug_assert_eq!(out.len() - start, ROW_HEADER_BYTES);
    for (index, (value, column)) in row.iter().zip(shape.columns.iter()).enumerate() {
        write_value(value, column, shape.format(index), to, out)?;
    }
    let length = i32::try_from(out.len() - start - 1).map_err(|_| too_large())?;
    out[start + 1..start + 5].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

fn write_value(value: &Datum, column: &Column, format: Format, (env, codec): To<'_>, out: &mut Vec<u8>) -> Result<()> {
    if value.is_null() {
        out.extend_from_slice(&(-1i32).to_be_bytes());
        return Ok(());
    }
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    match format {
        Format::Text => text::write_wire(value, column.ty.oid, env, out)?,
        Format::Binary => binary::send(value, column.ty.oid, env, out)?,
    }
    if let Some(codec) = codec
        && (format == Format::Text || is_text_in_binary(env.base_type(column.ty).oid))
    {
        let plain = out.split_off(start + 4);
        codec.encode(dictdb_types::text::from_utf8(&plain)?, out)?;
    }
    let length = i32::try_from(out.len() - start - 4).map_err(|_| too_large())?;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

fn too_large() -> Error {
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "a row is too large for the protocol")
}
