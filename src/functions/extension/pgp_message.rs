//! OpenPGP messages under a password (RFC 4880): packets, the key that a password becomes, the cipher feedback mode.
//!
//! ```text
//!   SKESK (3)   how the password becomes a key, and a session key under it, if there is one
//!   SEIPD (18)  encrypted: random prefix, literal or compressed packet, SHA-1 of all that (MDC)
//!   SED (9)     encrypted without that hash, the feedback starting anew after the prefix
//! ```

use std::io::{Read, Write};

use dictdb_types::{Error, Result, SqlState};
use flate2::Compression;
use flate2::read::{DeflateDecoder, ZlibDecoder};
use flate2::write::{DeflateEncoder, ZlibEncoder};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::cipher::Cipher;
use super::digest::random_block;

/// Ciphers: name, number, bytes of the key, name among [`Cipher`]'s.
pub(super) const CIPHERS: &[(&str, u8, usize, &str)] = &[
    ("3des", 2, 24, "3des"),
    ("cast5", 3, 16, "cast5"),
    ("bf", 4, 16, "bf"),
    ("blowfish", 4, 16, "bf"),
    ("aes", 7, 16, "aes"),
    ("aes128", 7, 16, "aes"),
    ("aes192", 8, 24, "aes"),
    ("aes256", 9, 32, "aes"),
    ("twofish", 10, 32, ""),
];

/// Hashes by name and number.
pub(super) const DIGESTS: &[(&str, u8)] =
    &[("md5", 1), ("sha1", 2), ("sha-1", 2), ("ripemd160", 3), ("sha256", 8), ("sha384", 9), ("sha512", 10)];

const SKESK: u8 = 3;
const COMPRESSED: u8 = 8;
const SED: u8 = 9;
const MARKER: u8 = 10;
const LITERAL: u8 = 11;
const SEIPD: u8 = 18;
const MDC: u8 = 19;

/// Bytes of a salt.
const SALT: usize = 8;
/// Bytes of the hash that ends a SEIPD packet, with the header of its packet.
const MDC_BYTES: usize = 22;
/// Most bytes that a compressed packet may become.
const MAX_INFLATED: u64 = 1 << 30;

/// How a message is made, or what was found of one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    pub cipher: u8,
    /// The cipher of the password's key; zero: the same.
    pub password_cipher: u8,
    pub mode: u8,
    /// Bytes hashed for a key; `None`: any number of usual ones.
    pub count: Option<u32>,
    pub digest: u8,
    pub session_key: bool,
    pub without_hash: bool,
    pub compression: u8,
    pub level: u32,
    pub converts_line_ends: bool,
    pub unicode: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            cipher: 7,
            password_cipher: 0,
            mode: 3,
            count: None,
            digest: 2,
            session_key: false,
            without_hash: false,
            compression: 0,
            level: 6,
            converts_line_ends: false,
            unicode: false,
        }
    }
}

/// What is wrong with a message or its key. 39000.
pub(super) fn fault(message: &str) -> Error {
    Error::new(SqlState::EXTERNAL_ROUTINE_INVOCATION_EXCEPTION, message)
}

fn corrupt() -> Error {
    fault("Wrong key or corrupt data")
}

/// A cipher by its number, for a key of its length.
fn cipher(number: u8, key: &[u8]) -> Result<Cipher> {
    let known = CIPHERS.iter().find(|(_, own, ..)| *own == number).map_or("", |(.., name)| name);
    Cipher::new(known, key)?.ok_or_else(|| fault("Unsupported cipher algorithm"))
}

fn key_bytes(number: u8) -> Result<usize> {
    let known = CIPHERS.iter().find(|(_, own, ..)| *own == number);
    known.map(|(_, _, bytes, _)| *bytes).ok_or_else(|| fault("Unsupported cipher algorithm"))
}

/// How a password becomes a key ("string to key").
struct KeyMaker {
    mode: u8,
    digest: u8,
    salt: [u8; SALT],
    coded_count: u8,
}

impl KeyMaker {
    fn new(settings: &Settings) -> KeyMaker {
        let coded_count = match settings.count {
            None => 96 + (random_block()[0] & 0x1f),
            Some(count) => (0..=255).find(|coded| decoded_count(*coded) >= count as usize).unwrap_or(255),
        };
        KeyMaker { mode: settings.mode, digest: settings.digest, salt: random_block(), coded_count }
    }

    fn read(bytes: &mut &[u8]) -> Result<KeyMaker> {
        let (mode, digest) = (take(bytes, 1)?[0], take(bytes, 1)?[0]);
        let mut maker = KeyMaker { mode, digest, salt: [0; SALT], coded_count: 0 };
        match mode {
            0 => {}
            1 => maker.salt.copy_from_slice(take(bytes, SALT)?),
            3 => {
                maker.salt.copy_from_slice(take(bytes, SALT)?);
                maker.coded_count = take(bytes, 1)?[0];
            }
            _ => return Err(fault("Bad S2K mode")),
        }
        Ok(maker)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend([self.mode, self.digest]);
        if self.mode > 0 {
            out.extend(self.salt);
        }
        if self.mode == 3 {
            out.push(self.coded_count);
        }
    }

    fn key(&self, password: &[u8], length: usize) -> Result<Vec<u8>> {
        match self.digest {
            1 => Ok(self.key_by::<Md5>(password, length)),
            2 => Ok(self.key_by::<Sha1>(password, length)),
            8 => Ok(self.key_by::<Sha256>(password, length)),
            9 => Ok(self.key_by::<Sha384>(password, length)),
            10 => Ok(self.key_by::<Sha512>(password, length)),
            _ => Err(fault("Unsupported digest algorithm")),
        }
    }

    fn key_by<D: Digest>(&self, password: &[u8], length: usize) -> Vec<u8> {
        let salt = if self.mode > 0 { &self.salt[..] } else { &[] };
        let repeated = [salt, password].concat();
        let count = if self.mode == 3 { decoded_count(self.coded_count).max(repeated.len()) } else { repeated.len() };
        let mut key = Vec::with_capacity(length + <D as Digest>::output_size());
        for round in 0.. {
            if key.len() >= length {
                break;
            }
            let mut digest = D::new().chain_update(vec![0; round]);
            let mut left = count;
            while left >= repeated.len() && !repeated.is_empty() {
                digest.update(&repeated);
                left -= repeated.len();
            }
            digest.update(&repeated[..left.min(repeated.len())]);
            key.extend(digest.finalize());
        }
        key.truncate(length);
        key
    }
}

/// The number of bytes that a count octet stands for.
fn decoded_count(coded: u8) -> usize {
    (16 + usize::from(coded & 15)) << (usize::from(coded >> 4) + 6)
}

/// Cipher feedback.
struct Feedback<'a> {
    cipher: &'a Cipher,
    /// The last block of what is encrypted.
    last: Vec<u8>,
    mask: Vec<u8>,
    at: usize,
}

impl<'a> Feedback<'a> {
    fn new(cipher: &'a Cipher) -> Self {
        let size = cipher.block_bytes();
        Feedback { cipher, last: vec![0; size], mask: vec![0; size], at: size }
    }

    fn run(&mut self, bytes: &mut [u8], encrypts: bool) {
        for byte in bytes {
            if self.at == self.mask.len() {
                self.mask.copy_from_slice(&self.last);
                self.cipher.encrypt(&mut self.mask);
                self.at = 0;
            }
            let secret = if encrypts { *byte ^ self.mask[self.at] } else { *byte };
            *byte ^= self.mask[self.at];
            self.last.rotate_left(1);
            if let Some(end) = self.last.last_mut() {
                *end = secret;
            }
            self.at += 1;
        }
    }

    /// The next byte begins a block.
    fn start_block(&mut self) {
        self.at = self.mask.len();
    }
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8]> {
    let (front, rest) = bytes.split_at_checked(count).ok_or_else(corrupt)?;
    *bytes = rest;
    Ok(front)
}

/// Reads a packet: tag and body, put together where it comes in parts.
fn take_packet(bytes: &mut &[u8]) -> Result<(u8, Vec<u8>)> {
    let first = take(bytes, 1)?[0];
    if first & 0x80 == 0 {
        return Err(corrupt());
    }
    let number = |bytes: &[u8]| bytes.iter().fold(0usize, |number, byte| number << 8 | usize::from(*byte));
    if first & 0x40 == 0 {
        let length = match first & 3 {
            3 => bytes.len(),
            kind => number(take(bytes, 1 << kind)?),
        };
        return Ok((first >> 2 & 15, take(bytes, length)?.to_vec()));
    }
    let mut body = Vec::new();
    loop {
        let (length, is_last) = match take(bytes, 1)?[0] {
            short @ 0..=191 => (usize::from(short), true),
            high @ 192..=223 => (((usize::from(high) - 192) << 8) + usize::from(take(bytes, 1)?[0]) + 192, true),
            255 => (number(take(bytes, 4)?), true),
            part => (1 << (part & 31), false),
        };
        body.extend_from_slice(take(bytes, length)?);
        if is_last {
            return Ok((first & 63, body));
        }
    }
}

fn packet(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![0xc0 | tag];
    match body.len() {
        length @ 0..=191 => out.push(length as u8),
        length @ 192..=8383 => out.extend([((length - 192) >> 8) as u8 + 192, (length - 192) as u8]),
        length => {
            out.push(255);
            out.extend((length as u32).to_be_bytes());
        }
    }
    out.extend_from_slice(body);
    out
}

/// A message under a password. 39000 for ciphers and hashes that are not here.
pub(super) fn encrypted(data: &[u8], is_text: bool, password: &[u8], settings: &Settings) -> Result<Vec<u8>> {
    let outer = if settings.password_cipher == 0 { settings.cipher } else { settings.password_cipher };
    let maker = KeyMaker::new(settings);
    let own = if settings.session_key { outer } else { settings.cipher };
    let password_key = maker.key(password, key_bytes(own)?)?;
    let mut head = vec![4, own];
    maker.write(&mut head);
    let key = match settings.session_key {
        true => {
            let length = key_bytes(settings.cipher)?;
            let mut key: Vec<u8> = (0..4).flat_map(|_| random_block()).take(length).collect();
            let mut hidden = [&[settings.cipher], &key[..]].concat();
            Feedback::new(&cipher(own, &password_key)?).run(&mut hidden, true);
            head.extend(hidden);
            key.truncate(length);
            key
        }
        false => password_key,
    };
    let kind = match (is_text, settings.unicode) {
        (false, _) => b'b',
        (true, true) => b'u',
        (true, false) => b't',
    };
    let converted = if is_text && settings.converts_line_ends { with_returns(data) } else { data.to_vec() };
    let mut inner = packet(LITERAL, &[&[kind, 0, 0, 0, 0, 0], &converted[..]].concat());
    if settings.compression > 0 {
        let level = Compression::new(settings.level);
        let small = match settings.compression {
            1 => DeflateEncoder::new(Vec::new(), level).finished(&inner),
            _ => ZlibEncoder::new(Vec::new(), level).finished(&inner),
        };
        let small = small.map_err(|_| fault("Compression error"))?;
        inner = packet(COMPRESSED, &[&[settings.compression], &small[..]].concat());
    }
    let cipher = cipher(settings.cipher, &key)?;
    let size = cipher.block_bytes();
    let mut plain: Vec<u8> = (0..2).flat_map(|_| random_block()).take(size).collect();
    plain.extend_from_within(size - 2..);
    plain.extend(inner);
    let mut message = packet(SKESK, &head);
    let mut feedback = Feedback::new(&cipher);
    if settings.without_hash {
        let (prefix, rest) = plain.split_at_mut(size + 2);
        feedback.run(prefix, true);
        feedback.start_block();
        feedback.run(rest, true);
        message.extend(packet(SED, &plain));
    } else {
        plain.extend([0xc0 | MDC, 20]);
        let hash = Sha1::digest(&plain);
        plain.extend(hash);
        feedback.run(&mut plain, true);
        message.extend(packet(SEIPD, &[&[1], &plain[..]].concat()));
    }
    Ok(message)
}

/// Writers that end their stream.
trait Finished: Sized {
    fn finished(self, data: &[u8]) -> std::io::Result<Vec<u8>>;
}

impl Finished for DeflateEncoder<Vec<u8>> {
    fn finished(mut self, data: &[u8]) -> std::io::Result<Vec<u8>> {
        self.write_all(data)?;
        self.finish()
    }
}

impl Finished for ZlibEncoder<Vec<u8>> {
    fn finished(mut self, data: &[u8]) -> std::io::Result<Vec<u8>> {
        self.write_all(data)?;
        self.finish()
    }
}

fn with_returns(data: &[u8]) -> Vec<u8> {
    data.iter()
        .flat_map(|byte| if *byte == b'\n' { &b"\r\n"[..] } else { std::slice::from_ref(byte) })
        .copied()
        .collect()
}

fn without_returns(data: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(data.len());
    for (at, byte) in data.iter().enumerate() {
        if !(*byte == b'\r' && data.get(at + 1) == Some(&b'\n')) {
            kept.push(*byte);
        }
    }
    kept
}

/// A message's data.
pub(super) struct Decrypted {
    pub data: Vec<u8>,
    /// It is said to be no text.
    pub binary: bool,
    /// What it was made with.
    pub found: Settings,
}

/// The data of a message under a password. 39000 with the wrong password, too.
pub(super) fn decrypted(message: &[u8], password: &[u8], converts_line_ends: bool) -> Result<Decrypted> {
    let mut rest = message;
    let mut found = Settings::default();
    let mut key = None;
    while !rest.is_empty() {
        let (tag, body) = take_packet(&mut rest)?;
        match tag {
            MARKER => {}
            SKESK => key = Some(read_key(&body, password, &mut found)?),
            SEIPD | SED => {
                let key = key.ok_or_else(corrupt)?;
                let inner = opened(tag, body, &key, &mut found)?;
                return read_inner(&inner, found, converts_line_ends);
            }
            1 => return Err(fault("Unsupported public key algorithm")),
            _ => return Err(corrupt()),
        }
    }
    Err(corrupt())
}

/// The session key of a message; its cipher goes into `found`.
fn read_key(mut body: &[u8], password: &[u8], found: &mut Settings) -> Result<Vec<u8>> {
    let bytes = &mut body;
    if take(bytes, 1)?[0] != 4 {
        return Err(corrupt());
    }
    let own = take(bytes, 1)?[0];
    let maker = KeyMaker::read(bytes)?;
    (found.mode, found.digest, found.cipher) = (maker.mode, maker.digest, own);
    found.count = (maker.mode == 3).then(|| decoded_count(maker.coded_count) as u32);
    let key = maker.key(password, key_bytes(own)?)?;
    if bytes.is_empty() {
        return Ok(key);
    }
    let mut hidden = bytes.to_vec();
    Feedback::new(&cipher(own, &key)?).run(&mut hidden, false);
    (found.session_key, found.password_cipher, found.cipher) = (true, own, hidden[0]);
    let session = hidden.split_off(1);
    match key_bytes(found.cipher).is_ok_and(|length| length == session.len()) {
        true => Ok(session),
        false => Err(corrupt()),
    }
}

/// The packets inside of an encrypted one.
fn opened(tag: u8, mut body: Vec<u8>, key: &[u8], found: &mut Settings) -> Result<Vec<u8>> {
    let cipher = cipher(found.cipher, key)?;
    let size = cipher.block_bytes();
    found.without_hash = tag == SED;
    if tag == SEIPD && (body.is_empty() || body.remove(0) != 1) {
        return Err(corrupt());
    }
    if body.len() < size + 2 {
        return Err(corrupt());
    }
    let mut feedback = Feedback::new(&cipher);
    let (prefix, rest) = body.split_at_mut(size + 2);
    feedback.run(prefix, false);
    if tag == SED {
        feedback.start_block();
    }
    feedback.run(rest, false);
    let mut end = body.len();
    if tag == SEIPD {
        end = end.checked_sub(MDC_BYTES).filter(|end| *end >= size + 2).ok_or_else(corrupt)?;
        let hash = Sha1::digest(&body[..end + 2]);
        if body[end..end + 2] != [0xc0 | MDC, 20] || body[end + 2..] != hash[..] {
            return Err(corrupt());
        }
    }
    match body[size - 2..size] == body[size..size + 2] {
        true => Ok(body[size + 2..end].to_vec()),
        false => Err(corrupt()),
    }
}

/// The data of a literal packet, which may be compressed.
fn read_inner(mut inner: &[u8], mut found: Settings, converts_line_ends: bool) -> Result<Decrypted> {
    let (tag, body) = take_packet(&mut inner)?;
    match tag {
        COMPRESSED => {
            let (kind, small) = body.split_first().ok_or_else(corrupt)?;
            found.compression = *kind;
            let mut plain = Vec::new();
            let read = match kind {
                0 => {
                    plain.extend_from_slice(small);
                    Ok(plain.len())
                }
                1 => DeflateDecoder::new(small).take(MAX_INFLATED).read_to_end(&mut plain),
                2 => ZlibDecoder::new(small).take(MAX_INFLATED).read_to_end(&mut plain),
                _ => return Err(fault("Unsupported compression algorithm")),
            };
            read.map_err(|_| corrupt())?;
            let (tag, body) = take_packet(&mut plain.as_slice())?;
            if tag != LITERAL {
                return Err(corrupt());
            }
            read_literal(&body, found, converts_line_ends)
        }
        LITERAL => read_literal(&body, found, converts_line_ends),
        _ => Err(corrupt()),
    }
}

fn read_literal(mut body: &[u8], mut found: Settings, converts_line_ends: bool) -> Result<Decrypted> {
    let bytes = &mut body;
    let kind = take(bytes, 1)?[0];
    if !matches!(kind, b'b' | b't' | b'u') {
        return Err(corrupt());
    }
    let name = usize::from(take(bytes, 1)?[0]);
    take(bytes, name + 4)?;
    found.unicode = kind == b'u';
    let binary = kind == b'b';
    let data = if converts_line_ends && !binary { without_returns(bytes) } else { bytes.to_vec() };
    Ok(Decrypted { data, binary, found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_again_whatever_they_are_made_with() {
        let data = b"line\nand line";
        for cipher in [2, 3, 4, 7, 8, 9] {
            for (mode, compression) in [(0, 0), (1, 1), (3, 2)] {
                for flag in [false, true] {
                    let settings = Settings {
                        cipher,
                        mode,
                        compression,
                        session_key: flag,
                        without_hash: flag,
                        ..Settings::default()
                    };
                    let message = encrypted(data, true, b"key", &settings).unwrap();
                    let read = decrypted(&message, b"key", false).unwrap();
                    assert_eq!((read.data.as_slice(), read.found.cipher, read.binary), (&data[..], cipher, false));
                    assert!(decrypted(&message, b"other", false).is_err());
                    assert!(decrypted(&message[..message.len() - 3], b"key", false).is_err());
                }
            }
        }
    }

    #[test]
    fn counts_are_those_of_rfc_4880() {
        assert_eq!((decoded_count(0), decoded_count(96), decoded_count(255)), (1024, 65_536, 65_011_712));
    }
}
