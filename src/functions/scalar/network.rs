//! `inet`, `cidr`, `macaddr`, `macaddr8`. Their layout is in `dictdb_types::network`.

use std::cmp::Ordering;

use dictdb_types::network::{IPV4, Inet, compare};
use dictdb_types::{Error, Result, SqlState, bail, text};

use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Tables of this family.
pub(super) const TABLES: &[&[(&str, ScalarFn)]] = &[ADDRESS, MAC, MAC8, MAC_CASTS];

const ADDRESS: &[(&str, ScalarFn)] = kernels! {
    "network_eq" => |a: &[u8], b: &[u8]| compare(a, b).is_eq(),
    "network_ne" => |a: &[u8], b: &[u8]| compare(a, b).is_ne(),
    "network_lt" => |a: &[u8], b: &[u8]| compare(a, b).is_lt(),
    "network_le" => |a: &[u8], b: &[u8]| compare(a, b).is_le(),
    "network_gt" => |a: &[u8], b: &[u8]| compare(a, b).is_gt(),
    "network_ge" => |a: &[u8], b: &[u8]| compare(a, b).is_ge(),
    "network_cmp" => |a: &[u8], b: &[u8]| compare(a, b) as i32,
    "network_larger" => |a: &[u8], b: &[u8]| if compare(a, b).is_gt() { a } else { b }.to_vec(),
    "network_smaller" => |a: &[u8], b: &[u8]| if compare(a, b).is_lt() { a } else { b }.to_vec(),
    "network_sub" => |a: &[u8], b: &[u8]| inside(a, b, Ordering::Greater),
    "network_subeq" => |a: &[u8], b: &[u8]| Ok(inside(a, b, Ordering::Greater)? || inside(a, b, Ordering::Equal)?),
    "network_sup" => |a: &[u8], b: &[u8]| inside(b, a, Ordering::Greater),
    "network_supeq" => |a: &[u8], b: &[u8]| Ok(inside(b, a, Ordering::Greater)? || inside(b, a, Ordering::Equal)?),
    "network_overlap" => |a: &[u8], b: &[u8]| overlap(inet(a)?, inet(b)?),
    "network_host" => |a: &[u8]| host(inet(a)?),
    "network_show" => |a: &[u8]| inet(a).map(|a| format!("{}/{}", host(a), a.bits)),
    "inet_abbrev" => |a: &[u8]| shown(a, false),
    "cidr_abbrev" => |a: &[u8]| inet(a).map(abbreviated),
    "network_masklen" => |a: &[u8]| inet(a).map(|a| i32::from(a.bits)),
    "network_family" => |a: &[u8]| inet(a).map(|a| if a.family == IPV4 { 4 } else { 6 }),
    "network_broadcast" => |a: &[u8]| inet(a).map(|a| with_host_bits(a, true)),
    "network_network" => |a: &[u8]| inet(a).map(|a| with_host_bits(a, false)),
    "inet_to_cidr" => |a: &[u8]| inet(a).map(|a| with_host_bits(a, false)),
    "network_netmask" => |a: &[u8]| inet(a).map(|a| mask(a, true)),
    "network_hostmask" => |a: &[u8]| inet(a).map(|a| mask(a, false)),
    "inet_set_masklen" => |a: &[u8], bits: i32| set_masklen(inet(a)?, bits),
    "cidr_set_masklen" => |a: &[u8], bits: i32| {
        let resized = set_masklen(inet(a)?, bits)?;
        Ok(with_host_bits(inet(&resized)?, false))
    },
    "inet_same_family" => |a: &[u8], b: &[u8]| Ok(inet(a)?.family == inet(b)?.family),
    "inet_merge" => |a: &[u8], b: &[u8]| merge(inet(a)?, inet(b)?),
    "inetnot" => |a: &[u8]| inet(a).map(|a| with_address(a, a.address.iter().map(|byte| !byte).collect())),
    "inetand" => |a: &[u8], b: &[u8]| combine(inet(a)?, inet(b)?, "AND", |a, b| a & b),
    "inetor" => |a: &[u8], b: &[u8]| combine(inet(a)?, inet(b)?, "OR", |a, b| a | b),
    "inetpl" => |a: &[u8], n: i64| shift(inet(a)?, n.into()),
    "int8pl_inet(bigint,inet)" => |n: i64, a: &[u8]| shift(inet(a)?, n.into()),
    "inetmi_int8" => |a: &[u8], n: i64| shift(inet(a)?, i128::from(n.wrapping_neg())),
    "inetmi" => |a: &[u8], b: &[u8]| difference(inet(a)?, inet(b)?),
};

fn inet(bytes: &[u8]) -> Result<Inet<'_>> {
    Inet::new(bytes).ok_or_else(|| Error::internal("malformed network address"))
}

/// Whether `a` lies in the network of `b`, its prefix being longer than, or as long as, that of `b`.
fn inside(a: &[u8], b: &[u8], prefix: Ordering) -> Result<bool> {
    let (a, b) = (inet(a)?, inet(b)?);
    Ok(a.family == b.family && a.bits.cmp(&b.bits) == prefix && common_bits(a, b) >= b.bits)
}

fn overlap(a: Inet<'_>, b: Inet<'_>) -> Result<bool> {
    Ok(a.family == b.family && common_bits(a, b) >= a.bits.min(b.bits))
}

/// Leading bits that two addresses of one family share.
fn common_bits(a: Inet<'_>, b: Inet<'_>) -> u8 {
    (0..a.max_bits()).find(|n| a.bit(*n) != b.bit(*n)).unwrap_or(a.max_bits())
}

fn with_address(a: Inet<'_>, address: Vec<u8>) -> Vec<u8> {
    Inet { address: &address, ..a }.to_bytes()
}

/// The bits right of the prefix all set or all clear.
fn with_host_bits(a: Inet<'_>, set: bool) -> Vec<u8> {
    let masked = |(index, byte): (usize, &u8)| {
        let kept = (i32::from(a.bits) - index as i32 * 8).clamp(0, 8);
        let mask = (0xff00u16 >> kept) as u8;
        if set { byte | !mask } else { byte & mask }
    };
    with_address(a, a.address.iter().enumerate().map(masked).collect())
}

/// The mask of the network part, or of the host part, as an address.
fn mask(a: Inet<'_>, network: bool) -> Vec<u8> {
    let ones = vec![0xff; a.max_bytes()];
    let mut bytes = with_host_bits(Inet { address: &ones, ..a }, false);
    if !network {
        bytes[2..].iter_mut().for_each(|byte| *byte = !*byte);
    }
    bytes[1] = a.max_bits();
    bytes
}

fn host(a: Inet<'_>) -> String {
    let mut out = String::new();
    text::network::write_address(&a, &mut out);
    out
}

fn shown(bytes: &[u8], cidr: bool) -> Result<String> {
    inet(bytes)?;
    let mut out = String::new();
    text::network::write_inet(bytes, cidr, &mut out);
    Ok(out)
}

/// `10.1/16`: a network without the groups that are all host bits.
fn abbreviated(a: Inet<'_>) -> String {
    let bits = usize::from(a.bits);
    if a.family == IPV4 {
        let octets = a.address[..bits.div_ceil(8).max(1)].iter().map(u8::to_string).collect::<Vec<_>>();
        return format!("{}/{bits}", octets.join("."));
    }
    // One group alone would not look like an address.
    let shown = match bits.div_ceil(16) {
        1 => 2,
        groups => groups,
    };
    let groups: Vec<u16> =
        a.address.chunks_exact(2).take(shown).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    let text = |groups: &[u16]| groups.iter().map(|group| format!("{group:x}")).collect::<Vec<_>>().join(":");
    match longest_zeros(&groups) {
        None if groups.is_empty() => format!("::/{bits}"),
        None => format!("{}/{bits}", text(&groups)),
        Some((0, to)) if holds_ipv4(&groups, to) => {
            let mut octets: Vec<u8> = groups[6..].iter().flat_map(|group| group.to_be_bytes()).collect();
            octets.truncate(if bits > 120 { 4 } else { octets.len().min(3) });
            let octets = octets.iter().map(u8::to_string).collect::<Vec<_>>().join(".");
            let before = if to == 5 { ":ffff" } else { ":" };
            format!(":{before}:{octets}/{bits}").replace(":::", "::")
        }
        Some((from, to)) => format!("{}::{}/{bits}", text(&groups[..from]), text(&groups[to..])),
    }
}

/// Whether an address that begins with zeros up to a group is one of IPv4 inside, and is shown so.
fn holds_ipv4(groups: &[u16], zeros: usize) -> bool {
    zeros < groups.len() && groups.len() > 6 && (zeros == 6 || zeros == 5 && groups[5] == 0xffff)
}

/// The first of the longest runs of zeros; here, unlike in full addresses, one zero is a run.
fn longest_zeros(groups: &[u16]) -> Option<(usize, usize)> {
    let run = |from: usize| groups[from..].iter().take_while(|group| **group == 0).count();
    let runs = (0..groups.len()).map(|from| (from, from + run(from))).filter(|(from, to)| to > from);
    runs.reduce(|best, next| if next.1 - next.0 > best.1 - best.0 { next } else { best })
}

fn set_masklen(a: Inet<'_>, bits: i32) -> Result<Vec<u8>> {
    let bits = if bits == -1 { a.max_bits().into() } else { bits };
    match u8::try_from(bits) {
        Ok(bits) if bits <= a.max_bits() => Ok(Inet { bits, ..a }.to_bytes()),
        _ => bail!(INVALID_PARAMETER_VALUE, "invalid mask length: {bits}"),
    }
}

/// The smallest network with both.
fn merge(a: Inet<'_>, b: Inet<'_>) -> Result<Vec<u8>> {
    if a.family != b.family {
        bail!(INVALID_PARAMETER_VALUE, "cannot merge addresses from different families");
    }
    let bits = common_bits(a, b).min(a.bits).min(b.bits);
    Ok(with_host_bits(Inet { bits, ..a }, false))
}

fn combine(a: Inet<'_>, b: Inet<'_>, name: &str, op: fn(u8, u8) -> u8) -> Result<Vec<u8>> {
    if a.family != b.family {
        bail!(INVALID_PARAMETER_VALUE, "cannot {name} inet values of different sizes");
    }
    let bits = a.bits.max(b.bits);
    Ok(with_address(Inet { bits, ..a }, a.address.iter().zip(b.address).map(|(a, b)| op(*a, *b)).collect()))
}

/// The address as a number.
fn number(a: Inet<'_>) -> u128 {
    a.address.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

fn shift(a: Inet<'_>, n: i128) -> Result<Vec<u8>> {
    let moved = number(a).checked_add_signed(n).filter(|moved| a.max_bits() == 128 || moved >> a.max_bits() == 0);
    let Some(moved) = moved else { bail!(NUMERIC_VALUE_OUT_OF_RANGE, "result is out of range") };
    Ok(with_address(a, moved.to_be_bytes()[16 - a.max_bytes()..].to_vec()))
}

fn difference(a: Inet<'_>, b: Inet<'_>) -> Result<i64> {
    if a.family != b.family {
        bail!(INVALID_PARAMETER_VALUE, "cannot subtract inet values of different sizes");
    }
    // The numbers go round: after the last address comes the first.
    let distance = number(a).wrapping_sub(number(b)) as i128;
    i64::try_from(distance).map_err(|_| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "result is out of range"))
}

macro_rules! mac {
    ($table:ident: $prefix:literal) => {
        const $table: &[(&str, ScalarFn)] = kernels! {
            concat!($prefix, "_eq") => |a: &[u8], b: &[u8]| a == b,
            concat!($prefix, "_ne") => |a: &[u8], b: &[u8]| a != b,
            concat!($prefix, "_lt") => |a: &[u8], b: &[u8]| a < b,
            concat!($prefix, "_le") => |a: &[u8], b: &[u8]| a <= b,
            concat!($prefix, "_gt") => |a: &[u8], b: &[u8]| a > b,
            concat!($prefix, "_ge") => |a: &[u8], b: &[u8]| a >= b,
            concat!($prefix, "_cmp") => |a: &[u8], b: &[u8]| a.cmp(b) as i32,
            concat!($prefix, "_not") => |a: &[u8]| a.iter().map(|byte| !byte).collect::<Vec<u8>>(),
            concat!($prefix, "_and") => |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| a & b).collect::<Vec<u8>>(),
            concat!($prefix, "_or") => |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| a | b).collect::<Vec<u8>>(),
            concat!($prefix, "_trunc") => |a: &[u8]| {
                a.iter().enumerate().map(|(n, byte)| if n < 3 { *byte } else { 0 }).collect::<Vec<u8>>()
            },
        };
    };
}

mac!(MAC: "macaddr");
mac!(MAC8: "macaddr8");

const MAC_CASTS: &[(&str, ScalarFn)] = kernels! {
    "macaddrtomacaddr8" => |a: &[u8]| [a.get(..3).unwrap_or_default(), &[0xff, 0xfe], a.get(3..).unwrap_or_default()].concat(),
    "macaddr8tomacaddr" => |a: &[u8]| match a {
        [a, b, c, 0xff, 0xfe, d, e, f] => Ok(vec![*a, *b, *c, *d, *e, *f]),
        _ => Err(Error::new(
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            "macaddr8 data out of range to convert to macaddr",
        )
        .hint(concat!(
            "Only addresses that have FF and FE as values in the 4th and 5th bytes from the left, for example ",
            "xx:xx:xx:ff:fe:xx:xx:xx, are eligible to be converted from macaddr8 to macaddr."
        ))),
    },
    "macaddr8_set7bit" => |a: &[u8]| {
        a.iter().enumerate().map(|(n, byte)| if n == 0 { byte | 2 } else { *byte }).collect::<Vec<u8>>()
    },
};
