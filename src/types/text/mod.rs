//! PostgreSQL's text form of every type.

use crate::{Datum, Env, Error, Oid, Result, Type};

/// Reads the text form of a value of `ty`, applying its type modifier.
pub fn input(_text: &str, ty: Type, _env: &dyn Env) -> Result<Datum> {
    Err(Error::unsupported(format_args!("text input of type {}", ty.oid)))
}

/// Appends the text form of a value that is not NULL.
pub fn output(_value: &Datum, oid: Oid, _env: &dyn Env, _out: &mut String) -> Result<()> {
    Err(Error::unsupported(format_args!("text output of type {oid}")))
}

/// Appends the bytes of the text form, without a length: [`output`] for the socket.
pub fn write_wire(value: &Datum, oid: Oid, env: &dyn Env, out: &mut Vec<u8>) -> Result<()> {
    let mut text = String::new();
    output(value, oid, env, &mut text)?;
    out.extend_from_slice(text.as_bytes());
    Ok(())
}
