//! `pgcrypto`: the password hashes of Unix by DES (FIPS 46-3, with its expansion changed by a salt): the traditional one of eight letters,
//! and the extended one of BSDI with a count of rounds.

use dictdb_types::{Error, Result, SqlState};

use super::crypt::{digit, value};

/// What becomes of a password under a salt: two characters, or `_` with four of a count and four of salt. 22023 for a salt that is too
/// short, 39000 for a count of zero.
pub(super) fn crypt(password: &[u8], setting: &str) -> Result<String> {
    let setting = setting.as_bytes();
    let invalid = || Error::new(SqlState::INVALID_PARAMETER_VALUE, "invalid salt");
    let length = if setting.first() == Some(&b'_') { 9 } else { 2 };
    let prefix = setting.get(..length).ok_or_else(invalid)?;
    let (key, salt, count) = match prefix {
        [b'_', rest @ ..] => (long_key(password), number(&rest[4..]), number(&rest[..4])),
        salt => (short_key(password), number(salt), 25),
    };
    if count == 0 {
        return Err(Error::new(SqlState::EXTERNAL_ROUTINE_INVOCATION_EXCEPTION, "crypt(3) returned NULL"));
    }
    let block = encrypted(0, &subkeys(key), salt, count);
    let mut out: String = String::from_utf8_lossy(prefix).into_owned();
    // 64 bits in eleven digits, the last of which has two bits of zero.
    for place in 0..11 {
        let shift = 58 - 6 * place;
        let bits = if shift >= 0 { block >> shift } else { block << -shift };
        out.push(digit((bits & 63) as u8));
    }
    Ok(out)
}

/// A number of six-bit digits, the lowest first.
fn number(digits: &[u8]) -> u32 {
    digits.iter().rev().fold(0, |number, byte| number << 6 | u32::from(value(*byte)))
}

/// The first eight bytes, seven bits of each.
fn short_key(password: &[u8]) -> u64 {
    (0..8).fold(0, |key, at| key << 8 | u64::from(password.get(at).copied().unwrap_or(0) << 1))
}

/// All bytes: each eight of them are mixed into what the key before makes of itself.
fn long_key(password: &[u8]) -> u64 {
    let mut key = short_key(password);
    for part in password.chunks(8).skip(1) {
        key = encrypted(key, &subkeys(key), 0, 1) ^ short_key(part);
    }
    key
}

/// Picks bits of a word of `width` bits; the table counts them from the left, from one.
fn permuted(word: u64, width: u32, table: &[u8]) -> u64 {
    table.iter().fold(0, |out, place| out << 1 | word >> (width - u32::from(*place)) & 1)
}

/// The keys of the sixteen rounds, of 48 bits.
fn subkeys(key: u64) -> [u64; 16] {
    const HALF: u64 = (1 << 28) - 1;
    let chosen = permuted(key, 64, &PC1);
    let (mut left, mut right) = (chosen >> 28, chosen & HALF);
    let mut keys = [0; 16];
    for (own, shift) in keys.iter_mut().zip(SHIFTS) {
        let rotated = |half: u64| (half << shift | half >> (28 - shift)) & HALF;
        (left, right) = (rotated(left), rotated(right));
        *own = permuted(left << 28 | right, 56, &PC2);
    }
    keys
}

/// A block encrypted `count` times. Each bit of the salt swaps two bits of the expansion, which are 24 apart.
fn encrypted(block: u64, keys: &[u64; 16], salt: u32, count: u32) -> u64 {
    let salt = (0..24).fold(0u64, |mask, bit| mask << 1 | u64::from(salt >> bit & 1));
    let start = permuted(block, 64, &IP);
    let (mut left, mut right) = (start >> 32, start & 0xffff_ffff);
    for _ in 0..count {
        for key in keys {
            let mut wide = permuted(right, 32, &E);
            let swapped = (wide >> 24 ^ wide) & salt;
            wide ^= swapped | swapped << 24;
            wide ^= key;
            let mut narrow = 0;
            for (place, table) in S.iter().enumerate() {
                let six = (wide >> (42 - 6 * place) & 63) as usize;
                let row = six >> 4 & 2 | six & 1;
                narrow = narrow << 4 | u64::from(table[row * 16 + (six >> 1 & 15)]);
            }
            (left, right) = (right, left ^ permuted(narrow, 32, &P));
        }
        (left, right) = (right, left);
    }
    permuted(left << 32 | right, 64, &FP)
}

const SHIFTS: [u32; 16] = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];

#[rustfmt::skip]
const IP: [u8; 64] = [
    58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6, 64, 56, 48, 40, 32, 24, 16, 8,
    57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3, 61, 53, 45, 37, 29, 21, 13, 5, 63, 55, 47, 39, 31, 23, 15, 7,
];

#[rustfmt::skip]
const FP: [u8; 64] = [
    40, 8, 48, 16, 56, 24, 64, 32, 39, 7, 47, 15, 55, 23, 63, 31, 38, 6, 46, 14, 54, 22, 62, 30, 37, 5, 45, 13, 53, 21, 61, 29,
    36, 4, 44, 12, 52, 20, 60, 28, 35, 3, 43, 11, 51, 19, 59, 27, 34, 2, 42, 10, 50, 18, 58, 26, 33, 1, 41, 9, 49, 17, 57, 25,
];

#[rustfmt::skip]
const E: [u8; 48] = [
    32, 1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9, 8, 9, 10, 11, 12, 13, 12, 13, 14, 15, 16, 17,
    16, 17, 18, 19, 20, 21, 20, 21, 22, 23, 24, 25, 24, 25, 26, 27, 28, 29, 28, 29, 30, 31, 32, 1,
];

#[rustfmt::skip]
const P: [u8; 32] = [
    16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
];

#[rustfmt::skip]
const PC1: [u8; 56] = [
    57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
    63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
];

#[rustfmt::skip]
const PC2: [u8; 48] = [
    14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
    41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
];

#[rustfmt::skip]
const S: [[u8; 64]; 8] = [
    [
        14, 4, 13, 1, 2, 15, 11, 8, 3, 10, 6, 12, 5, 9, 0, 7, 0, 15, 7, 4, 14, 2, 13, 1, 10, 6, 12, 11, 9, 5, 3, 8,
        4, 1, 14, 8, 13, 6, 2, 11, 15, 12, 9, 7, 3, 10, 5, 0, 15, 12, 8, 2, 4, 9, 1, 7, 5, 11, 3, 14, 10, 0, 6, 13,
    ],
    [
        15, 1, 8, 14, 6, 11, 3, 4, 9, 7, 2, 13, 12, 0, 5, 10, 3, 13, 4, 7, 15, 2, 8, 14, 12, 0, 1, 10, 6, 9, 11, 5,
        0, 14, 7, 11, 10, 4, 13, 1, 5, 8, 12, 6, 9, 3, 2, 15, 13, 8, 10, 1, 3, 15, 4, 2, 11, 6, 7, 12, 0, 5, 14, 9,
    ],
    [
        10, 0, 9, 14, 6, 3, 15, 5, 1, 13, 12, 7, 11, 4, 2, 8, 13, 7, 0, 9, 3, 4, 6, 10, 2, 8, 5, 14, 12, 11, 15, 1,
        13, 6, 4, 9, 8, 15, 3, 0, 11, 1, 2, 12, 5, 10, 14, 7, 1, 10, 13, 0, 6, 9, 8, 7, 4, 15, 14, 3, 11, 5, 2, 12,
    ],
    [
        7, 13, 14, 3, 0, 6, 9, 10, 1, 2, 8, 5, 11, 12, 4, 15, 13, 8, 11, 5, 6, 15, 0, 3, 4, 7, 2, 12, 1, 10, 14, 9,
        10, 6, 9, 0, 12, 11, 7, 13, 15, 1, 3, 14, 5, 2, 8, 4, 3, 15, 0, 6, 10, 1, 13, 8, 9, 4, 5, 11, 12, 7, 2, 14,
    ],
    [
        2, 12, 4, 1, 7, 10, 11, 6, 8, 5, 3, 15, 13, 0, 14, 9, 14, 11, 2, 12, 4, 7, 13, 1, 5, 0, 15, 10, 3, 9, 8, 6,
        4, 2, 1, 11, 10, 13, 7, 8, 15, 9, 12, 5, 6, 3, 0, 14, 11, 8, 12, 7, 1, 14, 2, 13, 6, 15, 0, 9, 10, 4, 5, 3,
    ],
    [
        12, 1, 10, 15, 9, 2, 6, 8, 0, 13, 3, 4, 14, 7, 5, 11, 10, 15, 4, 2, 7, 12, 9, 5, 6, 1, 13, 14, 0, 11, 3, 8,
        9, 14, 15, 5, 2, 8, 12, 3, 7, 0, 4, 10, 1, 13, 11, 6, 4, 3, 2, 12, 9, 5, 15, 10, 11, 14, 1, 7, 6, 0, 8, 13,
    ],
    [
        4, 11, 2, 14, 15, 0, 8, 13, 3, 12, 9, 7, 5, 10, 6, 1, 13, 0, 11, 7, 4, 9, 1, 10, 14, 3, 5, 12, 2, 15, 8, 6,
        1, 4, 11, 13, 12, 3, 7, 14, 10, 15, 6, 8, 0, 5, 9, 2, 6, 11, 13, 8, 1, 4, 10, 7, 9, 5, 0, 15, 14, 2, 3, 12,
    ],
    [
        13, 2, 8, 4, 6, 15, 11, 1, 10, 9, 3, 14, 5, 0, 12, 7, 1, 15, 13, 8, 10, 3, 7, 4, 12, 5, 6, 11, 0, 14, 9, 2,
        7, 11, 4, 1, 9, 12, 14, 2, 0, 6, 10, 13, 15, 3, 5, 8, 2, 1, 14, 7, 4, 10, 8, 13, 15, 12, 9, 0, 3, 5, 6, 11,
    ],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_unix() {
        assert_eq!(crypt(b"", "NB").unwrap(), "NBPx/38Y48kHg");
        assert_eq!(crypt(b"foox", "NB").unwrap(), "NB53EGGqrrb5E");
        assert_eq!(crypt(b"", "_J9..j2zz").unwrap(), "_J9..j2zzR/nIRDK3pPc");
        assert_eq!(crypt(b"longlongpassword", "_J9..j2zz").unwrap(), "_J9..j2zz4BeseiQNwUg");
    }
}
