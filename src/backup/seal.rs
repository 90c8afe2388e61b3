//! The content hash at the end of every file, over every byte before it.
//!
//! ```text
//!   {"dictdb": {…},            every JSON file of ours begins so
//!   …
//!   "content_hash": "sha256:<64 hex digits>"
//!   }                          and ends so; a byte that is different anywhere is found
//! ```
//! A binary file begins with Arrow's mark and ends with a stream that has the hash in its schema.

use std::io::{self, Read, SeekFrom};

use dictdb_types::{Error, Result};
use sha2::{Digest, Sha256};

use crate::error::{damaged, unreadable};
use crate::ipc;
use crate::name::Format;
use crate::store::{Draft, Opened};

/// The beginning of a JSON file of ours.
pub(crate) const MARK: &str = "{\"dictdb\": ";
const BEFORE: &str = "\"content_hash\": \"sha256:";
const AFTER: &str = "\"\n}\n";
const DIGITS: usize = 64;
const SCHEME: &str = "sha256:";
const BUFFER_BYTES: usize = 1 << 20;

/// What a file ends with.
fn tail(format: Format, digits: &str) -> Result<Vec<u8>> {
    match format {
        Format::Json => Ok(format!("{BEFORE}{digits}{AFTER}").into_bytes()),
        Format::Arrow => {
            let mut tail = Vec::new();
            let hash = format!("{SCHEME}{digits}");
            ipc::put_schema(&ipc::schema(Vec::new(), &[(ipc::key::CONTENT_HASH, &hash)]), &mut tail)?;
            ipc::end_stream(&mut tail);
            Ok(tail)
        }
    }
}

/// The digits in the last bytes of a file, if they are its tail.
fn digits_of(format: Format, bytes: &[u8]) -> Result<Option<String>> {
    let model = tail(format, &"0".repeat(DIGITS))?;
    let zeros = "0".repeat(DIGITS);
    let at = model.windows(DIGITS).position(|window| window == zeros.as_bytes()).unwrap_or(0);
    let digits = bytes.get(at..at + DIGITS).and_then(|digits| std::str::from_utf8(digits).ok());
    let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    match digits {
        Some(digits) if tail(format, digits)? == bytes => Ok(Some(digits.to_owned())),
        _ => Ok(None),
    }
}

/// Writes a file and its hash.
pub(crate) struct Sealing {
    draft: Box<dyn Draft>,
    format: Format,
    hash: Sha256,
    buffer: Vec<u8>,
    bytes: u64,
}

/// A file that is written, but not published.
pub(crate) struct Sealed {
    pub(crate) draft: Box<dyn Draft>,
    pub(crate) content_hash: String,
    pub(crate) bytes: u64,
}

impl Sealing {
    pub(crate) fn new(draft: Box<dyn Draft>, format: Format) -> Self {
        Sealing { draft, format, hash: Sha256::new(), buffer: Vec::new(), bytes: 0 }
    }

    /// Where to put bytes; call [`Sealing::drain`] from time to time.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Writes what has gathered, if it is much.
    pub(crate) fn drain(&mut self) -> Result<()> {
        if self.buffer.len() < BUFFER_BYTES { Ok(()) } else { self.write_buffer() }
    }

    /// Writes bytes behind those that have gathered.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() < BUFFER_BYTES / 4 {
            self.buffer.extend_from_slice(bytes);
            return self.drain();
        }
        self.write_buffer()?;
        self.write(bytes)
    }

    fn write_buffer(&mut self) -> Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        self.write(&buffer)?;
        self.buffer = buffer;
        self.buffer.clear();
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.hash.update(bytes);
        self.write_raw(bytes)
    }

    fn write_raw(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes += bytes.len() as u64;
        self.draft.write_all(bytes).map_err(|error| self.draft.failed(&error))
    }

    /// Ends the file.
    pub(crate) fn finish(mut self) -> Result<Sealed> {
        self.write_buffer()?;
        let digits = hex(&std::mem::take(&mut self.hash).finalize());
        self.write_raw(&tail(self.format, &digits)?)?;
        Ok(Sealed { draft: self.draft, content_hash: format!("{SCHEME}{digits}"), bytes: self.bytes })
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(DIGITS), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What a file of ours claims to be.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) format: Format,
    pub(crate) content_hash: String,
    /// Bytes that the hash is over.
    bytes: u64,
}

/// The claim of a file; `None` when it is none of ours. XX001 when it is ours but does not end as it should.
pub(crate) fn claimed(opened: &mut Opened, name: &str) -> Result<Option<Claim>> {
    let failed = |error: io::Error| unreadable(name, &error);
    let mut start = Vec::new();
    opened.file.rewind().map_err(failed)?;
    opened.file.by_ref().take(MARK.len() as u64).read_to_end(&mut start).map_err(failed)?;
    for (format, mark) in [(Format::Json, MARK.as_bytes()), (Format::Arrow, &ipc::MARK[..])] {
        let is_marked = start.starts_with(mark);
        let digits = last_digits(opened, format).map_err(failed)??;
        match (is_marked, digits) {
            (_, Some((digits, bytes))) => {
                let content_hash = format!("{SCHEME}{digits}");
                return Ok(Some(Claim { format, content_hash, bytes }));
            }
            (true, None) => return Err(damaged(name, "it does not end with its content hash")),
            (false, None) => {}
        }
    }
    match name.ends_with(".arrow") {
        true => Err(damaged(name, "it neither begins nor ends as it should")),
        false => Ok(None),
    }
}

fn last_digits(opened: &mut Opened, format: Format) -> io::Result<Result<Option<(String, u64)>>> {
    let length = match tail(format, &"0".repeat(DIGITS)) {
        Ok(model) => model.len() as u64,
        Err(error) => return Ok(Err(error)),
    };
    let Some(bytes) = opened.bytes.checked_sub(length) else { return Ok(Ok(None)) };
    let mut last = Vec::new();
    opened.file.seek(SeekFrom::Start(bytes))?;
    opened.file.by_ref().take(length).read_to_end(&mut last)?;
    opened.file.rewind()?;
    Ok(digits_of(format, &last).map(|digits| digits.map(|digits| (digits, bytes))))
}

/// A file that is hashed while it is read: it ends before its tail, and [`Checked::finish`] says whether it is what it claims.
pub(crate) struct Checked<'a> {
    opened: &'a mut Opened,
    name: &'a str,
    claim: Claim,
    left: u64,
    hash: Sha256,
}

impl<'a> Checked<'a> {
    pub(crate) fn new(opened: &'a mut Opened, name: &'a str, claim: Claim) -> Result<Self> {
        opened.file.rewind().map_err(|error| unreadable(name, &error))?;
        Ok(Checked { opened, name, left: claim.bytes, claim, hash: Sha256::new() })
    }

    /// Reads what is left, and compares. XX001.
    pub(crate) fn finish(mut self, check: &dyn Fn() -> Result<()>) -> Result<()> {
        let mut buffer = vec![0; BUFFER_BYTES];
        while self.read(&mut buffer).map_err(|error| unreadable(self.name, &error))? > 0 {
            check()?;
        }
        match self.left == 0 && format!("{SCHEME}{}", hex(&self.hash.finalize())) == self.claim.content_hash {
            true => Ok(()),
            false => Err(damaged(self.name, "its content does not match its hash")),
        }
    }
}

impl Read for Checked<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(out.len());
        let read = self.opened.file.read(&mut out[..wanted])?;
        self.hash.update(&out[..read]);
        self.left -= read as u64;
        Ok(read)
    }
}

/// Runs `read` over a file and checks the hash of all of it. What is wrong with the hash says more than what was found in the content.
pub(crate) fn read_checked<T>(
    opened: &mut Opened,
    name: &str,
    claim: Claim,
    check: &dyn Fn() -> Result<()>,
    read: impl FnOnce(&mut Checked<'_>) -> Result<T>,
) -> Result<T> {
    let mut checked = Checked::new(opened, name, claim)?;
    let found = read(&mut checked);
    match (found, checked.finish(check)) {
        (Err(error), Ok(())) => Err(error),
        (Err(error), Err(_)) if is_cancelled(&error) => Err(error),
        (_, Err(error)) => Err(error),
        (found, Ok(())) => found,
    }
}

fn is_cancelled(error: &Error) -> bool {
    error.code() == dictdb_types::SqlState::QUERY_CANCELED
}

/// A file whose last bytes are replaced by the hash of what is before them.
#[cfg(test)]
pub(crate) fn sealed_again(file: &[u8], format: Format) -> Vec<u8> {
    let length = tail(format, &"0".repeat(DIGITS)).expect("a tail").len();
    let content = &file[..file.len() - length];
    [content, &tail(format, &hex(&Sha256::digest(content))).expect("a tail")].concat()
}
