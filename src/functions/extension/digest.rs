//! `pgcrypto`: hashes, keyed hashes and random bytes.

use dictdb_types::{Datum, Error, Result, SqlState};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use crate::args::kernels;
use crate::kernel::{CallContext, ScalarFn};

/// Functions of this family by symbol.
pub const KERNELS: &[(&str, ScalarFn)] = &[("pg_digest", digest), ("pg_hmac", hmac)];

/// Longest result of `gen_random_bytes`.
const MAX_RANDOM_BYTES: i32 = 1024;

/// Functions over random bytes by symbol.
pub const RANDOM: &[(&str, ScalarFn)] = kernels! {
    "pg_random_bytes" => |count: i32| random_bytes(count),
    "pg_random_uuid" => | | *uuid::Uuid::new_v4().as_bytes(),
};

/// The bytes of a `text` or `bytea` argument.
pub(super) fn bytes_of(args: &[Datum], index: usize) -> Result<&[u8]> {
    match args.get(index) {
        Some(Datum::Text(text)) => Ok(text.as_bytes()),
        Some(Datum::Bytea(bytes)) => Ok(bytes),
        _ => Err(Error::internal("pgcrypto over something else than text and bytea")),
    }
}

/// The name of an algorithm, in lower case.
pub(super) fn name_of(args: &[Datum], index: usize) -> Result<String> {
    Ok(String::from_utf8_lossy(bytes_of(args, index)?).to_lowercase())
}

/// 22023 for an algorithm that there is not.
pub(super) fn unknown(name: &str, noun: &str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("Cannot use \"{name}\": No such {noun} algorithm"))
}

fn digest(_: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let (data, name) = (bytes_of(args, 0)?, name_of(args, 1)?);
    let hash: Vec<u8> = match name.as_str() {
        "md5" => Md5::digest(data).to_vec(),
        "sha1" => Sha1::digest(data).to_vec(),
        "sha224" => Sha224::digest(data).to_vec(),
        "sha256" => Sha256::digest(data).to_vec(),
        "sha384" => Sha384::digest(data).to_vec(),
        "sha512" => Sha512::digest(data).to_vec(),
        _ => return Err(unknown(&name, "hash")),
    };
    Ok(Datum::Bytea(hash.into()))
}

/// The code of a message under a key (RFC 2104), for a hash over blocks of so many bytes.
fn keyed<D: Digest>(block: usize, key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut padded = if key.len() > block { D::digest(key).to_vec() } else { key.to_vec() };
    padded.resize(block, 0);
    let masked = |mask: u8| padded.iter().map(|byte| byte ^ mask).collect::<Vec<u8>>();
    let inner = D::new().chain_update(masked(0x36)).chain_update(data).finalize();
    D::new().chain_update(masked(0x5c)).chain_update(inner).finalize().to_vec()
}

fn hmac(_: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let (data, key, name) = (bytes_of(args, 0)?, bytes_of(args, 1)?, name_of(args, 2)?);
    let code: Vec<u8> = match name.as_str() {
        "md5" => keyed::<Md5>(64, key, data),
        "sha1" => keyed::<Sha1>(64, key, data),
        "sha224" => keyed::<Sha224>(64, key, data),
        "sha256" => keyed::<Sha256>(64, key, data),
        "sha384" => keyed::<Sha384>(128, key, data),
        "sha512" => keyed::<Sha512>(128, key, data),
        _ => return Err(unknown(&name, "hash")),
    };
    Ok(Datum::Bytea(code.into()))
}

fn random_bytes(count: i32) -> Result<Datum> {
    if !(1..=MAX_RANDOM_BYTES).contains(&count) {
        return Err(Error::new(SqlState::EXTERNAL_ROUTINE_INVOCATION_EXCEPTION, "Length not in range"));
    }
    let mut bytes = Vec::with_capacity(count as usize + 16);
    while bytes.len() < count as usize {
        bytes.extend_from_slice(&random_block());
    }
    bytes.truncate(count as usize);
    Ok(Datum::Bytea(bytes.into()))
}

/// Eight bytes that nobody can foretell: those of a random UUID that it does not fix.
pub(super) fn random_block() -> [u8; 8] {
    let random = *uuid::Uuid::new_v4().as_bytes();
    let mut block = [0; 8];
    block[..6].copy_from_slice(&random[..6]);
    block[6..].copy_from_slice(&random[14..]);
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_2202() {
        let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let data = b"what do ya want for nothing?";
        assert_eq!(hex(keyed::<Md5>(64, b"Jefe", data)), "750c783e6ab0b503eaa86e310a5db738");
        assert_eq!(hex(keyed::<Sha1>(64, b"Jefe", data)), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        let long = keyed::<Md5>(64, &[0xaa; 80], b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(hex(long), "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
    }
}
