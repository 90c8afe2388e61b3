//! `pgcrypto`: hashing of passwords by Blowfish (`bf`), MD5 (`md5`) and DES (`des`, `xdes`).

use bcrypt::Version;
use dictdb_types::{Error, Result, SqlState};

use super::digest::random_block;
use super::{crypt_des, crypt_md5};
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by symbol.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "pg_crypt" => |password: &str, salt: &str| crypt(password, salt),
    "pg_gen_salt" => |kind: &str| gen_salt(kind, 0),
    "pg_gen_salt_rounds" => |kind: &str, rounds: i32| gen_salt(kind, rounds),
};

/// What `gen_salt('bf')` takes.
const DEFAULT_ROUNDS: i32 = 6;
/// What `gen_salt('xdes')` takes.
const DEFAULT_DES_ROUNDS: i32 = 725;
/// The digits of the older kinds.
const OLDER_DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Bytes of a salt.
const SALT_BYTES: usize = 16;
/// Its characters.
const SALT_CHARS: usize = 22;
/// The digits that Blowfish salts are written in.
const DIGITS: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A digit of the older kinds, of six bits.
pub(super) fn digit(value: u8) -> char {
    char::from(OLDER_DIGITS[usize::from(value & 63)])
}

/// Its value; zero for other characters.
pub(super) fn value(digit: u8) -> u8 {
    OLDER_DIGITS.iter().position(|known| *known == digit).unwrap_or_default() as u8
}

/// Digits that nobody can foretell.
fn random_digits(count: usize) -> String {
    random_block().into_iter().map(digit).take(count).collect()
}

/// 22023 for a kind that there is not and for rounds that it does not take.
fn gen_salt(kind: &str, rounds: i32) -> Result<String> {
    let wrong_rounds = || Error::new(SqlState::INVALID_PARAMETER_VALUE, "gen_salt: Incorrect number of rounds");
    let usual = |usual: i32| if rounds == 0 { usual } else { rounds };
    match kind.to_lowercase().as_str() {
        "bf" => {}
        "md5" if rounds != 0 && rounds != 1000 => return Err(wrong_rounds()),
        "md5" => return Ok(format!("$1${}", random_digits(8))),
        "des" if rounds != 0 && rounds != 25 => return Err(wrong_rounds()),
        "des" => return Ok(random_digits(2)),
        "xdes" => {
            // An even count would make weak keys show.
            let count = usual(DEFAULT_DES_ROUNDS);
            if !(1..=0xff_ffff).contains(&count) || count % 2 == 0 {
                return Err(wrong_rounds());
            }
            let digits: String = (0..4).map(|place| digit((count >> (6 * place)) as u8)).collect();
            return Ok(format!("_{digits}{}", random_digits(4)));
        }
        _ => return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "gen_salt: Unknown salt algorithm")),
    }
    let rounds = usual(DEFAULT_ROUNDS);
    if !(4..=31).contains(&rounds) {
        return Err(wrong_rounds());
    }
    let random = [random_block(), random_block()].concat();
    Ok(format!("$2a${rounds:02}${}", encode(&random)))
}

/// Bytes in the digits of Blowfish salts, six bits each.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(SALT_CHARS);
    let (mut bits, mut held) = (0u32, 0);
    for byte in bytes {
        (bits, held) = (bits << 8 | u32::from(*byte), held + 8);
        while held >= 6 {
            held -= 6;
            text.push(char::from(DIGITS[(bits >> held & 63) as usize]));
        }
    }
    if held > 0 {
        text.push(char::from(DIGITS[(bits << (6 - held) & 63) as usize]));
    }
    text
}

fn decode(text: &[u8]) -> Option<[u8; SALT_BYTES]> {
    let mut bytes = Vec::with_capacity(SALT_BYTES);
    let (mut bits, mut held) = (0u32, 0);
    for digit in text {
        let value = DIGITS.iter().position(|known| known == digit)? as u32;
        (bits, held) = (bits << 6 | value, held + 6);
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes.truncate(SALT_BYTES);
    bytes.try_into().ok()
}

fn crypt(password: &str, salt: &str) -> Result<String> {
    let invalid = || Error::new(SqlState::INVALID_PARAMETER_VALUE, "invalid salt");
    let version = match salt.get(..4) {
        Some("$2a$") => Version::TwoA,
        Some("$2x$") => Version::TwoX,
        _ if salt.starts_with("$1$") => return Ok(crypt_md5::crypt(password.as_bytes(), salt)),
        _ if salt.starts_with('$') => return Err(invalid()),
        _ => return crypt_des::crypt(password.as_bytes(), salt),
    };
    let rest = salt.as_bytes().get(4..7 + SALT_CHARS).ok_or_else(invalid)?;
    let (cost, digits) = (&rest[..2], &rest[3..]);
    let cost: u32 = std::str::from_utf8(cost).ok().and_then(|cost| cost.parse().ok()).ok_or_else(invalid)?;
    if rest[2] != b'$' || !(4..=31).contains(&cost) {
        return Err(invalid());
    }
    let salt = decode(digits).ok_or_else(invalid)?;
    let hashed = bcrypt::hash_with_salt(password, cost, salt).map_err(|_| invalid())?;
    Ok(hashed.format_for_version(version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again() {
        let salt = gen_salt("bf", 4).unwrap();
        assert_eq!(salt.len(), 29);
        let hashed = crypt("secret", &salt).unwrap();
        assert_eq!(crypt("secret", &hashed).unwrap(), hashed);
        assert_ne!(crypt("Secret", &hashed).unwrap(), hashed);
    }

    #[test]
    fn the_digits_are_those_of_bcrypt() {
        let hashed = crypt("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.").unwrap();
        assert_eq!(hashed, "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW");
        assert!(gen_salt("nothing", 0).is_err() && gen_salt("bf", 3).is_err() && crypt("x", "").is_err());
    }
}
