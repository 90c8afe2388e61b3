//! `inet` and `cidr` values: how they lie in a byte-string datum, and their order.
//!
//! ```text
//!   byte 0: 2 for IPv4, 3 for IPv6     byte 1: prefix length in bits     then 4 or 16 address bytes
//! ```
//!
//! `macaddr` and `macaddr8` are byte strings of 6 and 8 bytes and need nothing from here.

use std::cmp::Ordering;

/// Family byte of IPv4.
pub const IPV4: u8 = 2;
/// Family byte of IPv6.
pub const IPV6: u8 = 3;

/// An address with its prefix length, taken from a datum's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inet<'a> {
    /// [`IPV4`] or [`IPV6`].
    pub family: u8,
    /// Prefix length.
    pub bits: u8,
    /// 4 or 16 bytes.
    pub address: &'a [u8],
}

impl<'a> Inet<'a> {
    /// Looks at a datum's bytes; `None` when they are no address.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let [family, bits, address @ ..] = bytes else { return None };
        let inet = Inet { family: *family, bits: *bits, address };
        (address.len() == inet.max_bytes() && *bits <= inet.max_bits()).then_some(inet)
    }

    /// The datum's bytes.
    pub fn to_bytes(self) -> Vec<u8> {
        [&[self.family, self.bits], self.address].concat()
    }

    /// Bytes of an address of this family.
    pub fn max_bytes(&self) -> usize {
        if self.family == IPV4 { 4 } else { 16 }
    }

    /// Bits of an address of this family.
    pub fn max_bits(&self) -> u8 {
        (self.max_bytes() * 8) as u8
    }

    /// Bit `n` of the address, from the left.
    pub fn bit(&self, n: u8) -> bool {
        self.address[usize::from(n / 8)] & (0x80 >> (n % 8)) != 0
    }

    /// Whether a bit right of the prefix is set, which `cidr` forbids.
    pub fn has_host_bits(&self) -> bool {
        (self.bits..self.max_bits()).any(|n| self.bit(n))
    }
}

/// Family, then the common part of the networks, then the prefix length, then the whole address.
pub fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (Some(x), Some(y)) = (Inet::new(a), Inet::new(b)) else { return a.cmp(b) };
    if x.family != y.family {
        return x.family.cmp(&y.family);
    }
    let common = x.bits.min(y.bits);
    let by_network = (0..common).map(|n| x.bit(n).cmp(&y.bit(n))).find(|by_bit| by_bit.is_ne());
    by_network.unwrap_or_else(|| x.bits.cmp(&y.bits).then_with(|| x.address.cmp(y.address)))
}

/// Appends a key in the order of [`compare`]: family, each bit of the network as a byte, an end byte, the address.
pub fn write_key(bytes: &[u8], out: &mut Vec<u8>) {
    let Some(inet) = Inet::new(bytes) else { return out.extend_from_slice(bytes) };
    out.push(inet.family);
    out.extend((0..inet.bits).map(|n| 1 + u8::from(inet.bit(n))));
    out.push(0);
    out.extend_from_slice(inet.address);
}
