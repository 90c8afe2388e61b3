//! Order, equality and hash of `numeric` by value: `1.0 = 1.00`, and -Infinity < numbers < Infinity < NaN.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::{Numeric, Repr, pow10};

/// First byte of a key; the classes stand in the order of the values.
mod class {
    pub const NEG_INFINITY: u8 = 0x08;
    pub const NEGATIVE: u8 = 0x09;
    pub const ZERO: u8 = 0x0a;
    pub const POSITIVE: u8 = 0x0b;
    pub const INFINITY: u8 = 0x0c;
    pub const NAN: u8 = 0x0d;
}

impl Numeric {
    fn class(&self) -> u8 {
        match &self.0 {
            Repr::NaN => class::NAN,
            Repr::Infinity => class::INFINITY,
            Repr::NegInfinity => class::NEG_INFINITY,
            _ => match self.signum() {
                0 => class::ZERO,
                1 => class::POSITIVE,
                _ => class::NEGATIVE,
            },
        }
    }

    /// Two values that no word-sized comparison settles.
    fn cmp_general(&self, other: &Self) -> Ordering {
        let class = self.class();
        let by_class = class.cmp(&other.class());
        if by_class != Ordering::Equal || !matches!(class, class::NEGATIVE | class::POSITIVE) {
            return by_class;
        }
        let by_magnitude = self.leading_exponent().cmp(&other.leading_exponent()).then_with(|| self.cmp_aligned(other));
        if class == class::NEGATIVE { by_magnitude.reverse() } else { by_magnitude }
    }

    /// Compares magnitudes of values whose leading digits stand at the same place.
    fn cmp_aligned(&self, other: &Self) -> Ordering {
        let (Some((x, xs)), Some((y, ys))) = (self.finite(), other.finite()) else { return Ordering::Equal };
        match xs.cmp(&ys) {
            Ordering::Equal => x.magnitude().cmp(y.magnitude()),
            Ordering::Less => (x * pow10(u64::from(ys - xs))).magnitude().cmp(y.magnitude()),
            Ordering::Greater => x.magnitude().cmp((y * pow10(u64::from(xs - ys))).magnitude()),
        }
    }

    /// Appends bytes whose order is the order of values, equal for equal values, and of which none begins another.
    ///
    /// One class byte; for numbers then the decimal exponent as three bytes, pairs of significant digits as 1 to 100
    /// without trailing zeros, and a zero. Negative numbers have all bytes after the class inverted.
    pub fn write_key(&self, out: &mut Vec<u8>) {
        let class = self.class();
        out.push(class);
        let Some(exponent) = self.leading_exponent() else { return };
        let start = out.len();
        let biased = (exponent + (1 << 23)) as u32;
        out.extend_from_slice(&biased.to_be_bytes()[1..]);
        match &self.0 {
            Repr::Small { coefficient, .. } => {
                push_pairs(itoa::Buffer::new().format(coefficient.unsigned_abs()).as_bytes(), out);
            }
            Repr::Big(big) => push_pairs(big.0.magnitude().to_str_radix(10).as_bytes(), out),
            _ => {}
        }
        if class == class::NEGATIVE {
            out[start..].iter_mut().for_each(|byte| *byte = !*byte);
        }
    }
}

/// Writes decimal digits in pairs, each plus one, up to the last that is not `00`, and the terminator.
fn push_pairs(digits: &[u8], out: &mut Vec<u8>) {
    let significant = digits.iter().rposition(|d| *d != b'0').map_or(0, |last| last + 1);
    for pair in digits[..significant].chunks(2) {
        let low = pair.get(1).map_or(0, |d| d - b'0');
        out.push((pair[0] - b'0') * 10 + low + 1);
    }
    out.push(0);
}

impl PartialEq for Numeric {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Numeric {}

impl PartialOrd for Numeric {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Numeric {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Repr::Small { coefficient: x, scale: xs }, Repr::Small { coefficient: y, scale: ys }) =
            (&self.0, &other.0)
        {
            let (x, y) = (i128::from(*x), i128::from(*y));
            match i32::from(*xs) - i32::from(*ys) {
                0 => return x.cmp(&y),
                up @ 1..=18 => return x.cmp(&(y * i128::from(super::POW10[up as usize]))),
                up @ -18..=-1 => return (x * i128::from(super::POW10[-up as usize])).cmp(&y),
                _ => {}
            }
        }
        self.cmp_general(other)
    }
}

impl Hash for Numeric {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.trim_scale().0 {
            Repr::Small { coefficient, scale } => (coefficient, scale).hash(state),
            Repr::Big(big) => big.hash(state),
            _ => self.class().hash(state),
        }
    }
}
