//! `pgcrypto`: hashing of passwords by Blowfish (`bf`). The older kinds of salt are not supported.

use bcrypt::Version;
use dictdb_types::{Error, Result, SqlState};

use super::digest::random_block;
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
/// Bytes of a salt.
const SALT_BYTES: usize = 16;
/// Its characters.
const SALT_CHARS: usize = 22;
/// The digits that Blowfish salts are written in.
const DIGITS: &[u8; 64] = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn gen_salt(kind: &str, rounds: i32) -> Result<String> {
    match kind.to_lowercase().as_str() {
        "bf" => {}
        "md5" | "des" | "xdes" => return Err(Error::unsupported(format!("a salt of kind \"{kind}\""))),
        _ => return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "gen_salt: Unknown salt algorithm")),
    }
    let rounds = if rounds == 0 { DEFAULT_ROUNDS } else { rounds };
    if !(4..=31).contains(&rounds) {
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, "gen_salt: Incorrect number of rounds"));
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
        _ if salt.starts_with('$') && !salt.starts_with("$1$") => return Err(invalid()),
        _ if salt.len() < 2 => return Err(invalid()),
        _ => return Err(Error::unsupported("crypt() with a salt of another kind than \"bf\"")),
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
