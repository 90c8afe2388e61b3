//! Logarithm and exponential in binary fixed point: an integer `m` stands for `m / 2^bits`.
//!
//! Arguments are reduced until their series converge fast; callers ask for as many guard bits as they lose.

use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive, Zero};

/// Guard bits that cover the rounding of a few thousand series terms and of the reductions.
const GUARD_BITS: u64 = 64;

/// `artanh(num / den)` by its series; `num` and `den` are at the same scale.
fn artanh(num: &BigInt, den: &BigInt, bits: u64) -> BigInt {
    let z: BigInt = (num << bits) / den;
    let square: BigInt = (&z * &z) >> bits;
    let (mut power, mut sum, mut n) = (z.clone(), z, 1u32);
    while !power.is_zero() && power != BigInt::from(-1) {
        power = (power * &square) >> bits;
        n += 2;
        sum += &power / n;
    }
    sum
}

/// `ln 2`, by Machin's way with three artanh of small fractions.
fn ln2(bits: u64) -> BigInt {
    let one = BigInt::from(1);
    [(18, 26), (-2, 4801), (8, 8749)]
        .into_iter()
        .map(|(factor, den)| artanh(&one, &BigInt::from(den), bits) * factor)
        .sum()
}

/// `ln(num / den)` of a positive fraction, absolutely exact to about `2^-bits`.
pub(super) fn ln(num: &BigInt, den: &BigInt, bits: u64) -> BigInt {
    /// Square roots taken so that the series starts near one.
    const ROOTS: u32 = 8;
    let work = bits + GUARD_BITS;
    let one = BigInt::from(1) << work;
    // num / den = m * 2^k with m between two thirds and four thirds, and k = 0 for what is there already.
    let mut k = num.bits() as i64 - den.bits() as i64;
    let scaled = |k: i64| -> BigInt {
        match work as i64 - k {
            up @ 0.. => (num << up as u64) / den,
            down => num / (den << down.unsigned_abs()),
        }
    };
    let mut m = scaled(k);
    if &m * 3 > &one * 4 {
        k += 1;
        m = scaled(k);
    } else if &m * 3 < &one * 2 {
        k -= 1;
        m = scaled(k);
    }
    for _ in 0..ROOTS {
        m = (m << work).sqrt();
    }
    let series = artanh(&(&m - &one), &(&m + &one), work) << (ROOTS + 1);
    (series + ln2(work) * k) >> GUARD_BITS
}

/// `e^x` as `m / 2^bits * 2^k`, `m` between one half and two.
pub(super) fn exp(x: &BigInt, bits: u64) -> (BigInt, i64) {
    /// Halvings of the argument, each undone by a squaring.
    const HALVINGS: u64 = 24;
    let work = bits + GUARD_BITS;
    let x: BigInt = x << GUARD_BITS;
    let ln2 = ln2(work);
    let half = &ln2 >> 1u8;
    let k: BigInt = (if x.is_negative() { &x - half } else { &x + half }) / &ln2;
    let reduced: BigInt = (x - &k * ln2) >> HALVINGS;
    let one = BigInt::from(1) << work;
    let (mut term, mut sum, mut n) = (one.clone(), one, 0u32);
    while !term.is_zero() && term != BigInt::from(-1) {
        n += 1;
        term = ((term * &reduced) >> work) / n;
        sum += &term;
    }
    for _ in 0..HALVINGS {
        sum = (&sum * &sum) >> work;
    }
    (sum >> GUARD_BITS, k.to_i64().unwrap_or(0))
}
