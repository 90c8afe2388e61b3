//! Text of `inet`, `cidr`, `macaddr` and `macaddr8`.

use super::integer::{invalid, trim};
use crate::network::{IPV4, IPV6, Inet};
use crate::{Error, Result, SqlState};

/// Reads an `inet` into a datum's bytes; 22P02.
pub fn input_inet(text: &str) -> Result<Vec<u8>> {
    parse(text, false).ok_or_else(|| invalid("inet", text))
}

/// Reads a `cidr` into a datum's bytes; 22P02, also for bits right of the prefix.
pub fn input_cidr(text: &str) -> Result<Vec<u8>> {
    let bytes = parse(text, true).ok_or_else(|| invalid("cidr", text))?;
    if Inet::new(&bytes).is_some_and(|inet| inet.has_host_bits()) {
        let message = format!("invalid cidr value: \"{text}\"");
        let error = Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message);
        return Err(error.detail("Value has bits set to right of mask."));
    }
    Ok(bytes)
}

fn parse(text: &str, cidr: bool) -> Option<Vec<u8>> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix_length(prefix)?)),
        None => (text, None),
    };
    if address.contains(':') {
        let bytes = ipv6(address)?;
        let bits = prefix.unwrap_or(128);
        return (bits <= 128).then(|| Inet { family: IPV6, bits: bits as u8, address: &bytes }.to_bytes());
    }
    let octets = ipv4(address)?;
    let given = octets.len() as u32 * 8;
    let bits = match prefix {
        Some(bits) if bits <= if cidr { 32 } else { given } => bits,
        Some(_) => return None,
        None if cidr => class_prefix(&octets),
        None => (given == 32).then_some(32)?,
    };
    let mut bytes = [0; 4];
    bytes[..octets.len()].copy_from_slice(&octets);
    Some(Inet { family: IPV4, bits: bits as u8, address: &bytes }.to_bytes())
}

fn prefix_length(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// One to four decimal octets.
fn ipv4(text: &str) -> Option<Vec<u8>> {
    let octets = text.split('.').map(|octet| {
        let digits = !octet.is_empty() && octet.bytes().all(|b| b.is_ascii_digit());
        octet.parse::<u8>().ok().filter(|_| digits)
    });
    octets.collect::<Option<Vec<u8>>>().filter(|octets| octets.len() <= 4)
}

/// The prefix that the class of an abbreviated network stands for, widened to the octets given.
fn class_prefix(octets: &[u8]) -> u32 {
    let of_class = match octets[0] {
        240.. => 32,
        224..240 => 8,
        192..224 => 24,
        128..192 => 16,
        0..128 => 8,
    };
    match of_class.max(octets.len() as u32 * 8) {
        // The whole multicast block.
        8 if octets[0] == 224 => 4,
        bits => bits,
    }
}

/// Eight groups, `::` for a run of zeros, the last two groups also as four decimal octets.
fn ipv6(text: &str) -> Option<[u8; 16]> {
    let (head, tail) = match text.split_once("::") {
        Some((head, tail)) => (groups(head)?, Some(groups(tail)?)),
        None => (groups(text)?, None),
    };
    let mut bytes = [0; 16];
    match tail {
        None => (head.len() == 16).then(|| bytes.copy_from_slice(&head))?,
        Some(tail) => {
            if head.len() + tail.len() > 14 {
                return None;
            }
            bytes[..head.len()].copy_from_slice(&head);
            bytes[16 - tail.len()..].copy_from_slice(&tail);
        }
    }
    Some(bytes)
}

fn groups(text: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![];
    if text.is_empty() {
        return Some(bytes);
    }
    let mut parts = text.split(':').peekable();
    while let Some(part) = parts.next() {
        if part.contains('.') && parts.peek().is_none() {
            bytes.extend(ipv4(part).filter(|octets| octets.len() == 4)?);
        } else {
            let valid = (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit());
            bytes.extend(u16::from_str_radix(part, 16).ok().filter(|_| valid)?.to_be_bytes());
        }
    }
    (bytes.len() <= 16).then_some(bytes)
}

/// Appends an `inet`, or a `cidr`, which always shows its prefix length.
pub fn write_inet(bytes: &[u8], cidr: bool, out: &mut String) {
    let Some(inet) = Inet::new(bytes) else { return };
    write_address(&inet, out);
    if cidr || inet.bits != inet.max_bits() {
        out.push_str(&format!("/{}", inet.bits));
    }
}

/// Appends an address without its prefix length.
pub fn write_address(inet: &Inet<'_>, out: &mut String) {
    match inet.family {
        IPV4 => write_octets(inet.address, out),
        _ => write_ipv6(inet.address, out),
    }
}

fn write_octets(octets: &[u8], out: &mut String) {
    for (n, octet) in octets.iter().enumerate() {
        if n > 0 {
            out.push('.');
        }
        out.push_str(itoa::Buffer::new().format(*octet));
    }
}

fn write_ipv6(address: &[u8], out: &mut String) {
    let groups: Vec<u16> = address.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    let (start, len) = longest_zeros(&groups);
    // An embedded IPv4 address is shown as one: ::a.b.c.d and ::ffff:a.b.c.d.
    let embedded = start == 0 && (len == 6 || (len == 5 && groups[5] == 0xffff));
    for (n, group) in groups.iter().enumerate() {
        if n >= start && n < start + len {
            out.push_str(if n == start { ":" } else { "" });
            continue;
        }
        out.push_str(if n > 0 { ":" } else { "" });
        if n == 6 && embedded {
            return write_octets(&address[12..], out);
        }
        out.push_str(&format!("{group:x}"));
    }
    out.push_str(if len > 0 && start + len == groups.len() { ":" } else { "" });
}

/// First longest run of at least two zero groups.
fn longest_zeros(groups: &[u16]) -> (usize, usize) {
    let mut best = (0, 0);
    let mut at = 0;
    while at < groups.len() {
        let run = groups[at..].iter().take_while(|group| **group == 0).count();
        if run > best.1 {
            best = (at, run);
        }
        at += run.max(1);
    }
    if best.1 < 2 { (8, 0) } else { best }
}

/// Reads a `macaddr`; 22P02, 22003 for an octet above 255.
pub fn input_macaddr(text: &str) -> Result<Vec<u8>> {
    let groups = |separator: char, widths: &[usize]| hex_groups(trim(text), separator, widths);
    if let Some(octets) = loose_octets(trim(text)) {
        let too_large = || {
            let message = format!("invalid octet value in \"macaddr\" value: \"{text}\"");
            Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
        };
        return octets.into_iter().map(|octet| u8::try_from(octet).map_err(|_| too_large())).collect();
    }
    let compact = groups(':', &[6, 6])
        .or_else(|| groups('-', &[6, 6]))
        .or_else(|| groups('.', &[4, 4, 4]))
        .or_else(|| groups('-', &[4, 4, 4]))
        .or_else(|| groups(' ', &[12]));
    compact.ok_or_else(|| invalid("macaddr", text))
}

/// Six hexadecimal numbers of any width separated by colons or hyphens.
fn loose_octets(text: &str) -> Option<Vec<u32>> {
    let separator = if text.contains(':') { ':' } else { '-' };
    let octet = |part: &str| u32::from_str_radix(part, 16).ok().filter(|_| part.bytes().all(|b| b.is_ascii_hexdigit()));
    text.split(separator).map(octet).collect::<Option<Vec<_>>>().filter(|octets| octets.len() == 6)
}

/// Groups of exactly so many hexadecimal digits.
fn hex_groups(text: &str, separator: char, widths: &[usize]) -> Option<Vec<u8>> {
    let parts: Vec<&str> = text.split(separator).collect();
    let fits = parts.len() == widths.len() && parts.iter().zip(widths).all(|(part, width)| part.len() == *width);
    fits.then(|| super::string::hexadecimal(&parts.concat()).ok())?
}

/// Reads a `macaddr8`; six bytes get `ff:fe` in their middle. 22P02.
pub fn input_macaddr8(text: &str) -> Result<Vec<u8>> {
    parse_macaddr8(trim(text)).ok_or_else(|| invalid("macaddr8", text))
}

/// Pairs of hexadecimal digits, with the same separator wherever there is one.
fn parse_macaddr8(text: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![];
    let mut separator = None;
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let (pair, after) = rest.split_at_checked(2)?;
        let digit = |d: u8| char::from(d).to_digit(16);
        bytes.push((digit(pair[0])? << 4 | digit(pair[1])?) as u8);
        rest = match after {
            [mark @ (b':' | b'-' | b'.'), after @ ..] if !after.is_empty() => {
                (*separator.get_or_insert(*mark) == *mark).then_some(after)?
            }
            _ => after,
        };
    }
    match bytes.len() {
        8 => Some(bytes),
        6 => Some([&bytes[..3], &[0xff, 0xfe], &bytes[3..]].concat()),
        _ => None,
    }
}

/// Appends a `macaddr` or `macaddr8`.
pub fn write_macaddr(bytes: &[u8], out: &mut String) {
    for (n, byte) in bytes.iter().enumerate() {
        if n > 0 {
            out.push(':');
        }
        super::string::push_hex(*byte, out);
    }
}
