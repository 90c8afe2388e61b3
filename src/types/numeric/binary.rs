//! The binary wire form of `numeric`: groups of four decimal digits.
//!
//! ```text
//!   i16 number of groups   i16 weight of the first (powers of 10000)   u16 sign   u16 display scale   u16 groups…
//! ```

use num_bigint::{BigInt, Sign};

use super::{MAX_SCALE, Numeric, Parts, pow10};
use crate::{Error, Result, SqlState};

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEG_INFINITY: u16 = 0xF000;

fn invalid(what: &str) -> Error {
    Error::new(SqlState::INVALID_BINARY_REPRESENTATION, format!("invalid {what} in external \"numeric\" value"))
}

impl Numeric {
    /// Appends the wire form, without a length.
    pub fn send(&self, out: &mut Vec<u8>) {
        let (groups, weight) = self.groups();
        let sign = match self.parts() {
            Parts::NaN => NAN,
            Parts::Infinity(false) => INFINITY,
            Parts::Infinity(true) => NEG_INFINITY,
            _ if self.is_negative() => NEGATIVE,
            _ => 0,
        };
        // PostgreSQL reads an infinity's scale off bits that hold something else, and so sends this.
        let scale = if self.is_infinite() { 0x20 } else { self.dscale() };
        for word in [groups.len() as u16, weight as u16, sign, scale].into_iter().chain(groups) {
            out.extend_from_slice(&word.to_be_bytes());
        }
    }

    /// The base 10000 digits without leading and trailing zeros, and the weight of the first.
    fn groups(&self) -> (Vec<u16>, i16) {
        let scale = self.dscale();
        // Digits after the point fill whole groups.
        let padding = (4 - scale % 4) % 4;
        let fraction_groups = i64::from((scale + padding) / 4);
        let mut groups = match self.parts() {
            Parts::Small(coefficient, _) => small_groups(coefficient.unsigned_abs(), padding),
            Parts::Big(coefficient, _) => big_groups(coefficient * pow10(u64::from(padding))),
            Parts::NaN | Parts::Infinity(_) => vec![],
        };
        let weight = if groups.is_empty() { 0 } else { groups.len() as i64 - fraction_groups - 1 };
        while groups.last() == Some(&0) {
            groups.pop();
        }
        (groups, weight as i16)
    }

    /// Makes a value of the parts of the wire form, `groups` being the bytes after them; 22P03.
    pub fn recv(groups: &[u8], weight: i16, sign: u16, scale: u16) -> Result<Self> {
        let groups: Vec<u16> = groups.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        if !matches!(sign, 0 | NEGATIVE | NAN | INFINITY | NEG_INFINITY) {
            return Err(invalid("sign"));
        }
        if scale > MAX_SCALE {
            return Err(invalid("scale"));
        }
        if groups.iter().any(|group| *group > 9999) {
            return Err(invalid("digit"));
        }
        match sign {
            NAN => Ok(Self::NAN),
            INFINITY => Ok(Self::INFINITY),
            NEG_INFINITY => Ok(Self::NEG_INFINITY),
            _ => from_groups(&groups, i64::from(weight), sign == NEGATIVE, scale),
        }
    }
}

fn small_groups(magnitude: u64, padding: u16) -> Vec<u16> {
    let mut rest = u128::from(magnitude) * 10u128.pow(u32::from(padding));
    let mut groups = Vec::with_capacity(6);
    while rest > 0 {
        groups.push((rest % 10_000) as u16);
        rest /= 10_000;
    }
    groups.reverse();
    groups
}

fn big_groups(coefficient: BigInt) -> Vec<u16> {
    let digits = coefficient.magnitude().to_radix_be(100);
    let odd = digits.len() % 2;
    let first = digits[..odd].iter().map(|d| u16::from(*d));
    first.chain(digits[odd..].chunks(2).map(|pair| u16::from(pair[0]) * 100 + u16::from(pair[1]))).collect()
}

/// Digits beyond the display scale are cut off, as PostgreSQL does.
fn from_groups(groups: &[u16], weight: i64, negative: bool, scale: u16) -> Result<Numeric> {
    let digits: Vec<u8> = groups.iter().flat_map(|group| [(group / 100) as u8, (group % 100) as u8]).collect();
    let magnitude = BigInt::from_radix_be(Sign::Plus, &digits, 100).unwrap_or_default();
    // The last group counts 10000^(weight - n + 1).
    let exponent = (weight - groups.len() as i64 + 1) * 4 + i64::from(scale);
    let power = pow10(exponent.unsigned_abs());
    let coefficient = if exponent >= 0 { magnitude * power } else { magnitude / power };
    Numeric::from_big(if negative { -coefficient } else { coefficient }, u64::from(scale))
}
