//! `pgcrypto`: encryption by a key as it is (`aes`, `bf`, `des`, `3des`, `cast5`; modes `cbc` and `ecb`; padding `pkcs` and `none`).

use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockDecrypt, BlockEncrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use blowfish::Blowfish;
use cast5::Cast5;
use des::{Des, TdesEde3};
use dictdb_types::{Datum, Error, Result, SqlState};

use super::digest::{bytes_of, name_of, unknown};
use crate::kernel::ScalarFn;

/// Functions of this family by symbol.
pub const KERNELS: &[(&str, ScalarFn)] = &[
    ("pg_encrypt", |_, args| run(args, None, true)),
    ("pg_decrypt", |_, args| run(args, None, false)),
    ("pg_encrypt_iv", |_, args| run(args, Some(2), true)),
    ("pg_decrypt_iv", |_, args| run(args, Some(2), false)),
];

/// Bytes a Blowfish key may have.
const BLOWFISH_KEY: std::ops::RangeInclusive<usize> = 4..=56;

/// Bytes a CAST5 key may have.
const CAST5_KEY: std::ops::RangeInclusive<usize> = 5..=16;

/// A cipher with its key.
pub(super) enum Cipher {
    Aes128(Box<Aes128>),
    Aes192(Box<Aes192>),
    Aes256(Box<Aes256>),
    Blowfish(Box<Blowfish>),
    Des(Box<Des>),
    TripleDes(Box<TdesEde3>),
    Cast5(Box<Cast5>),
}

impl Cipher {
    /// The cipher of this name; none where there is none. 39000 for a key of the wrong length.
    pub(super) fn new(name: &str, key: &[u8]) -> Result<Option<Cipher>> {
        let too_big = || fault("Key was too big");
        Ok(Some(match name {
            "aes" | "rijndael" => match key.len() {
                0..=16 => Cipher::Aes128(Box::new(Aes128::new(&filled::<16>(key).into()))),
                17..=24 => Cipher::Aes192(Box::new(Aes192::new(&filled::<24>(key).into()))),
                // What a longer key has beyond that is not used.
                _ => Cipher::Aes256(Box::new(Aes256::new(&filled::<32>(key).into()))),
            },
            "bf" | "blowfish" if key.len() > *BLOWFISH_KEY.end() => return Err(too_big()),
            "bf" | "blowfish" => Cipher::Blowfish(Box::new(Blowfish::new_from_slice(key).map_err(|_| too_big())?)),
            "des" => Cipher::Des(Box::new(Des::new(&filled::<8>(key).into()))),
            "3des" | "des3" => Cipher::TripleDes(Box::new(TdesEde3::new(&filled::<24>(key).into()))),
            "cast5" if key.len() > *CAST5_KEY.end() => return Err(too_big()),
            "cast5" => Cipher::Cast5(Box::new(Cast5::new_from_slice(key).map_err(|_| too_big())?)),
            _ => return Ok(None),
        }))
    }

    /// Bytes of a block.
    pub(super) fn block_bytes(&self) -> usize {
        match self {
            Cipher::Aes128(_) | Cipher::Aes192(_) | Cipher::Aes256(_) => 16,
            Cipher::Blowfish(_) | Cipher::Des(_) | Cipher::TripleDes(_) | Cipher::Cast5(_) => 8,
        }
    }

    /// Encrypts a block in its place.
    pub(super) fn encrypt(&self, block: &mut [u8]) {
        match self {
            Cipher::Aes128(aes) => aes.encrypt_block(GenericArray::from_mut_slice(block)),
            Cipher::Aes192(aes) => aes.encrypt_block(GenericArray::from_mut_slice(block)),
            Cipher::Aes256(aes) => aes.encrypt_block(GenericArray::from_mut_slice(block)),
            Cipher::Blowfish(blowfish) => blowfish.encrypt_block(GenericArray::from_mut_slice(block)),
            Cipher::Des(des) => des.encrypt_block(GenericArray::from_mut_slice(block)),
            Cipher::TripleDes(des) => des.encrypt_block(GenericArray::from_mut_slice(block)),
            Cipher::Cast5(cast) => cast.encrypt_block(GenericArray::from_mut_slice(block)),
        }
    }

    fn decrypt(&self, block: &mut [u8]) {
        match self {
            Cipher::Aes128(aes) => aes.decrypt_block(GenericArray::from_mut_slice(block)),
            Cipher::Aes192(aes) => aes.decrypt_block(GenericArray::from_mut_slice(block)),
            Cipher::Aes256(aes) => aes.decrypt_block(GenericArray::from_mut_slice(block)),
            Cipher::Blowfish(blowfish) => blowfish.decrypt_block(GenericArray::from_mut_slice(block)),
            Cipher::Des(des) => des.decrypt_block(GenericArray::from_mut_slice(block)),
            Cipher::TripleDes(des) => des.decrypt_block(GenericArray::from_mut_slice(block)),
            Cipher::Cast5(cast) => cast.decrypt_block(GenericArray::from_mut_slice(block)),
        }
    }
}

/// A key or initialisation vector filled up with zeros.
fn filled<const N: usize>(key: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    let count = key.len().min(N);
    bytes[..count].copy_from_slice(&key[..count]);
    bytes
}

/// `algorithm[-mode][/pad:padding]`.
struct Method {
    cipher: Cipher,
    chained: bool,
    padded: bool,
}

impl Method {
    fn read(name: &str, key: &[u8]) -> Result<Method> {
        let (method, option) = name.split_once('/').unwrap_or((name, "pad:pkcs"));
        let (algorithm, mode) = method.split_once('-').unwrap_or((method, "cbc"));
        let chained = match mode {
            "cbc" => true,
            "ecb" => false,
            _ => return Err(unknown(name, "cipher")),
        };
        let padded = match option {
            "pad:pkcs" => true,
            "pad:none" => false,
            _ => return Err(fault_of(name, "Unknown option")),
        };
        let cipher = Cipher::new(algorithm, key)?.ok_or_else(|| unknown(name, "cipher"))?;
        Ok(Method { cipher, chained, padded })
    }
}

fn run(args: &[Datum], vector: Option<usize>, encrypts: bool) -> Result<Datum> {
    let (data, key) = (bytes_of(args, 0)?, bytes_of(args, 1)?);
    let vector = vector.map_or(Ok(&[][..]), |index| bytes_of(args, index))?;
    let method = Method::read(&name_of(args, args.len() - 1)?, key)?;
    let chain = filled::<16>(vector);
    let chain = &chain[..method.cipher.block_bytes()];
    let bytes = if encrypts { encrypt(&method, data, chain)? } else { decrypt(&method, data, chain)? };
    Ok(Datum::Bytea(bytes.into()))
}

fn encrypt(method: &Method, data: &[u8], vector: &[u8]) -> Result<Vec<u8>> {
    let size = method.cipher.block_bytes();
    let mut bytes = data.to_vec();
    if method.padded {
        let missing = size - bytes.len() % size;
        bytes.resize(bytes.len() + missing, missing as u8);
    } else if !bytes.len().is_multiple_of(size) {
        return Err(fault("Encryption failed"));
    }
    let mut last = vector.to_vec();
    for block in bytes.chunks_mut(size) {
        if method.chained {
            block.iter_mut().zip(&last).for_each(|(byte, mask)| *byte ^= mask);
        }
        method.cipher.encrypt(block);
        last.copy_from_slice(block);
    }
    Ok(bytes)
}

fn decrypt(method: &Method, data: &[u8], vector: &[u8]) -> Result<Vec<u8>> {
    let size = method.cipher.block_bytes();
    let failed = || Error::new(SqlState::EXTERNAL_ROUTINE_INVOCATION_EXCEPTION, "decrypt error: Decryption failed");
    if !data.len().is_multiple_of(size) {
        return Err(failed());
    }
    let mut bytes = data.to_vec();
    let mut last = vector.to_vec();
    for (block, secret) in bytes.chunks_mut(size).zip(data.chunks(size)) {
        method.cipher.decrypt(block);
        if method.chained {
            block.iter_mut().zip(&last).for_each(|(byte, mask)| *byte ^= mask);
        }
        last.copy_from_slice(secret);
    }
    if method.padded {
        let count = bytes.last().map_or(0, |count| usize::from(*count));
        let padding = bytes.len().checked_sub(count).map(|at| &bytes[at..]);
        let right =
            (1..=size).contains(&count) && padding.is_some_and(|pad| pad.iter().all(|b| usize::from(*b) == count));
        if !right {
            return Err(failed());
        }
        bytes.truncate(bytes.len() - count);
    }
    Ok(bytes)
}

fn fault(message: &str) -> Error {
    Error::new(SqlState::EXTERNAL_ROUTINE_INVOCATION_EXCEPTION, format!("encrypt error: {message}"))
}

fn fault_of(name: &str, message: &str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("Cannot use \"{name}\": {message}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encrypted_comes_back() {
        for name in ["aes", "aes-ecb", "bf", "aes-cbc/pad:pkcs", "des", "3des-ecb", "cast5"] {
            let method = Method::read(name, b"secret key").unwrap();
            let vector = vec![7; method.cipher.block_bytes()];
            let hidden = encrypt(&method, b"some data of odd length", &vector).unwrap();
            assert_eq!(decrypt(&method, &hidden, &vector).unwrap(), b"some data of odd length");
            assert!(decrypt(&method, &hidden[1..], &vector).is_err());
        }
        assert!(Method::read("rot13", b"k").is_err());
    }
}
