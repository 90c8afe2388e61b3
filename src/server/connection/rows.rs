//! Rows and their descriptions, written straight into the output buffer.

use dictdb_session::{Column, Format, Row, Shape};
use dictdb_types::{Datum, Env, Error, Result, SqlState, Type, TypeKind, binary, builtin_types, text};

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
pub(super) fn write(shape: &Shape, row: &Row, env: &dyn Env, out: &mut Vec<u8>) -> Result<()> {
    let start = out.len();
    let written = write_row(shape, row, env, out, start);
    if written.is_err() {
        out.truncate(start);
    }
    written
}

fn write_row(shape: &Shape, row: &Row, env: &dyn Env, out: &mut Vec<u8>, start: usize) -> Result<()> {
    out.extend_from_slice(&[b'D', 0, 0, 0, 0]);
    out.extend_from_slice(&(row.len() as u16).to_be_bytes());
    debug_assert_eq!(out.len() - start, ROW_HEADER_BYTES);
    for (index, (value, column)) in row.iter().zip(shape.columns.iter()).enumerate() {
        write_value(value, column, shape.format(index), env, out)?;
    }
    let length = i32::try_from(out.len() - start - 1).map_err(|_| too_large())?;
    out[start + 1..start + 5].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

fn write_value(value: &Datum, column: &Column, format: Format, env: &dyn Env, out: &mut Vec<u8>) -> Result<()> {
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
    let length = i32::try_from(out.len() - start - 4).map_err(|_| too_large())?;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

fn too_large() -> Error {
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "a row is too large for the protocol")
}
