//! PostgreSQL's binary wire form of every type.

use crate::{Datum, Env, Error, Oid, Result, Type};

/// Appends the binary form of a value that is not NULL, without a length.
pub fn send(_value: &Datum, oid: Oid, _env: &dyn Env, _out: &mut Vec<u8>) -> Result<()> {
    Err(Error::unsupported(format_args!("binary output of type {oid}")))
}

/// Reads the binary form of a value of `ty`; 22P03, 08P01 for malformed bytes.
pub fn recv(_bytes: &[u8], ty: Type, _env: &dyn Env) -> Result<Datum> {
    Err(Error::unsupported(format_args!("binary input of type {}", ty.oid)))
}
