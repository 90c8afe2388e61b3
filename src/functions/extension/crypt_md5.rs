//! `pgcrypto`: the password hash of FreeBSD and Linux by MD5, `$1$salt$hash`.

use md5::{Digest, Md5};

use super::crypt::digit;

const MAGIC: &str = "$1$";
/// Characters of a salt that count.
const SALT: usize = 8;

/// The places of the hash's bytes in its text, three in four digits.
const ORDER: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];

/// What becomes of a password under a salt, with `$1$` in front of it.
pub(super) fn crypt(password: &[u8], setting: &str) -> String {
    let rest = setting.strip_prefix(MAGIC).unwrap_or(setting);
    let salt: String = rest.chars().take_while(|c| *c != '$').take(SALT).collect();
    let salt_bytes = salt.as_bytes();
    let alternate = Md5::new().chain_update(password).chain_update(salt_bytes).chain_update(password).finalize();
    let mut first = Md5::new().chain_update(password).chain_update(MAGIC).chain_update(salt_bytes);
    first.update(alternate.iter().copied().cycle().take(password.len()).collect::<Vec<u8>>());
    let mut left = password.len();
    while left > 0 {
        // The authors meant the password's first byte or the hash's, and got zero for the latter.
        first.update(if left & 1 == 1 { &[0] } else { &password[..1] });
        left >>= 1;
    }
    let mut hash = first.finalize();
    for round in 0..1000 {
        let mut next = Md5::new();
        next.update(if round & 1 == 1 { password } else { &hash });
        if round % 3 != 0 {
            next.update(salt_bytes);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(if round & 1 == 1 { &hash } else { password });
        hash = next.finalize();
    }
    let mut out = format!("{MAGIC}{salt}$");
    let mut put = |mut bits: u32, count: usize| {
        for _ in 0..count {
            out.push(digit((bits & 63) as u8));
            bits >>= 6;
        }
    };
    for [high, middle, low] in ORDER {
        put(u32::from(hash[high]) << 16 | u32::from(hash[middle]) << 8 | u32::from(hash[low]), 4);
    }
    put(u32::from(hash[11]), 2);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_unix() {
        assert_eq!(crypt(b"", "$1$Szzz0yzz"), "$1$Szzz0yzz$To38XrR3BsbXQW2ZpfKjF1");
        assert_eq!(crypt(b"foox", "$1$Szzz0yzz"), "$1$Szzz0yzz$IYL49cd3t9bllsA7Jmz1M1");
    }
}
