//! The content hash: the last line of every file, over every byte before it.
//!
//! ```text
//!   {"dictdb": {…},            every file of ours begins so
//!   …
//!   "content_hash": "sha256:<64 hex digits>"
//!   }                          and ends so; a byte that is different anywhere is found
//! ```

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use dictdb_types::Result;
use sha2::{Digest, Sha256};

use crate::error::damaged;

/// The beginning of a file of ours.
pub(crate) const MARK: &str = "{\"dictdb\": ";
const BEFORE: &str = "\"content_hash\": \"sha256:";
const AFTER: &str = "\"\n}\n";
const DIGITS: usize = 64;
const TAIL_BYTES: usize = BEFORE.len() + DIGITS + AFTER.len();
const BUFFER_BYTES: usize = 256 * 1024;

/// Writes a file and its hash.
pub(crate) struct Sealing<'a> {
    file: &'a mut File,
    hash: Sha256,
    buffer: Vec<u8>,
    bytes: u64,
}

impl<'a> Sealing<'a> {
    pub(crate) fn new(file: &'a mut File) -> Self {
        Sealing { file, hash: Sha256::new(), buffer: Vec::with_capacity(BUFFER_BYTES * 2), bytes: 0 }
    }

    /// Where to put bytes; call [`Sealing::drain`] from time to time.
    #[inline]
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Writes what has gathered, if it is much.
    #[inline]
    pub(crate) fn drain(&mut self) -> io::Result<()> {
        if self.buffer.len() < BUFFER_BYTES { Ok(()) } else { self.write() }
    }

    fn write(&mut self) -> io::Result<()> {
        self.hash.update(&self.buffer);
        self.file.write_all(&self.buffer)?;
        self.bytes += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Ends the file. Returns its hash and its size.
    pub(crate) fn finish(mut self) -> io::Result<(String, u64)> {
        self.write()?;
        let digits = hex(&std::mem::take(&mut self.hash).finalize());
        let tail = format!("{BEFORE}{digits}{AFTER}");
        self.file.write_all(tail.as_bytes())?;
        Ok((format!("sha256:{digits}"), self.bytes + tail.len() as u64))
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(DIGITS), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The hash that a file claims; `None` when it is none of ours. XX001 when it is ours but does not end as it should.
pub(crate) fn claimed(file: &mut File, name: &str) -> Result<Option<String>> {
    let failed = |error: io::Error| damaged(name, error);
    let len = file.seek(SeekFrom::End(0)).map_err(failed)?;
    let mut start = [0; MARK.len()];
    file.rewind().map_err(failed)?;
    let is_marked = file.read_exact(&mut start).is_ok() && start == MARK.as_bytes();
    let mut tail = [0; TAIL_BYTES];
    let has_tail = len >= TAIL_BYTES as u64 && {
        file.seek(SeekFrom::End(-(TAIL_BYTES as i64))).map_err(failed)?;
        file.read_exact(&mut tail).map_err(failed)?;
        tail.starts_with(BEFORE.as_bytes()) && tail.ends_with(AFTER.as_bytes())
    };
    file.rewind().map_err(failed)?;
    match (is_marked, has_tail) {
        (_, true) => {
            let digits = std::str::from_utf8(&tail[BEFORE.len()..BEFORE.len() + DIGITS]);
            digits.map(|digits| Some(format!("sha256:{digits}"))).map_err(|error| damaged(name, error))
        }
        (true, false) => Err(damaged(name, "it does not end with its content hash")),
        (false, false) => Ok(None),
    }
}

/// Reads all of a file and compares its hash with the one it claims, which is returned. XX001.
pub(crate) fn verify(file: &mut File, name: &str, check: &dyn Fn() -> Result<()>) -> Result<Option<String>> {
    let Some(claimed) = claimed(file, name)? else { return Ok(None) };
    let failed = |error: io::Error| damaged(name, error);
    let len = file.metadata().map_err(failed)?.len();
    let mut rest = file.take(len - TAIL_BYTES as u64);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = rest.read(&mut buffer).map_err(failed)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        check()?;
    }
    file.rewind().map_err(failed)?;
    match format!("sha256:{}", hex(&hash.finalize())) == claimed {
        true => Ok(Some(claimed)),
        false => Err(damaged(name, "its content does not match its hash")),
    }
}
