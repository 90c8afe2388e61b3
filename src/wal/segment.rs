//! Segments: names, headers, making them ahead of need and using them again.

use std::path::PathBuf;

use crate::directory::{DataDirectory, FORMAT};
use crate::disk::Open;
use crate::frame::{u32_at, u64_at};
use crate::{LogError, Lsn};

/// Bytes of a segment unless told otherwise.
pub const SEGMENT_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of a segment's header.
pub(crate) const HEADER_BYTES: usize = 64;
const MAGIC: &[u8; 8] = b"DICTDBWL";
const SUFFIX: &str = ".log";
/// What the name of a file begins with that waits to be a segment again.
pub(crate) const SPARE_PREFIX: &str = "spare-";
/// Zeros are written so many at a time.
const FILL_BYTES: usize = 1024 * 1024;

/// Start of the segment that a position is in.
pub(crate) fn start_of(lsn: Lsn, segment_bytes: u64) -> Lsn {
    Lsn(lsn.0 / segment_bytes * segment_bytes)
}

/// The header of the segment that starts here.
pub(crate) fn header(start: Lsn, segment_bytes: u64, identifier: u64) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[0..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    bytes[12..16].copy_from_slice(&(segment_bytes as u32).to_le_bytes());
    bytes[16..24].copy_from_slice(&identifier.to_le_bytes());
    bytes[24..32].copy_from_slice(&start.0.to_le_bytes());
    let checksum = crc32c::crc32c(&bytes[..60]);
    bytes[60..64].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// What the first bytes of a segment's file say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Began {
    /// The segment was begun.
    Yes,
    /// Nothing was written to it, or what was written was lost.
    No,
}

/// Judges a segment's first bytes. XX001 when it is whole and of somewhere else.
pub(crate) fn check_header(directory: &DataDirectory, start: Lsn, size: u64, bytes: &[u8]) -> Result<Began, LogError> {
    let foreign = |what: String| Err(LogError::Foreign { file: path(directory, start), what });
    if bytes.len() < HEADER_BYTES || crc32c::crc32c(&bytes[..60]) != u32_at(bytes, 60) || &bytes[..8] != MAGIC {
        return Ok(Began::No);
    }
    if u32_at(bytes, 8) != FORMAT {
        return foreign(format!("it is of format {}, this server reads format {FORMAT}", u32_at(bytes, 8)));
    }
    if u64_at(bytes, 16) != directory.identifier() {
        return foreign(format!("it is of data directory {}, not {}", u64_at(bytes, 16), directory.identifier()));
    }
    if u64_at(bytes, 24) != start.0 {
        return foreign(format!("it is the segment at {}, not at {start}", Lsn(u64_at(bytes, 24))));
    }
    if u64::from(u32_at(bytes, 12)) != size {
        return foreign(format!("its segments have {} bytes, not {size}", u32_at(bytes, 12)));
    }
    Ok(Began::Yes)
}

/// The segment size that the first begun segment of a directory says.
pub(crate) fn size_in(directory: &DataDirectory) -> Result<Option<u64>, LogError> {
    for (_, path) in files(directory)? {
        let mut head = [0; HEADER_BYTES];
        let file = directory.open_file(&path, Open::Read)?;
        let read = file.read_at(0, &mut head).map_err(|error| LogError::io("read file", &path, error))?;
        if read == HEADER_BYTES && crc32c::crc32c(&head[..60]) == u32_at(&head, 60) && &head[..8] == MAGIC {
            return Ok(Some(u64::from(u32_at(&head, 12))).filter(|size| *size > 0));
        }
    }
    Ok(None)
}

/// The file of the segment that starts here.
pub(crate) fn path(directory: &DataDirectory, start: Lsn) -> PathBuf {
    directory.log_dir().join(format!("{:016X}{SUFFIX}", start.0))
}

/// Where the segment that starts here can be read: in the log, or else in the archive.
pub(crate) fn find(directory: &DataDirectory, start: Lsn) -> Result<Option<PathBuf>, LogError> {
    let own = path(directory, start);
    let name = own.file_name().unwrap_or_default().to_owned();
    let is_in =
        |folder: &std::path::Path| directory.list(folder).map(|names| names.iter().any(|known| name == known.as_str()));
    if is_in(&directory.log_dir())? {
        return Ok(Some(own));
    }
    match directory.archive() {
        Some(archive) if is_in(&archive).unwrap_or(false) => Ok(Some(archive.join(name))),
        _ => Ok(None),
    }
}

/// The segments there are, in order.
pub(crate) fn files(directory: &DataDirectory) -> Result<Vec<(Lsn, PathBuf)>, LogError> {
    let mut found = Vec::new();
    for name in directory.list(&directory.log_dir())? {
        if let Some(start) = name.strip_suffix(SUFFIX).and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
            found.push((Lsn(start), directory.log_dir().join(name)));
        }
    }
    found.sort();
    Ok(found)
}

/// What a segment has before records are written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// Its full length: fdatasync of a file whose blocks are there writes data only.
    Zeros,
    /// Nothing yet: much of it is written at a time.
    Later,
}

/// Makes sure the file of a segment is there, without a header: from a spare one, of zeros, or empty.
pub(crate) fn prepare(directory: &DataDirectory, start: Lsn, segment_bytes: u64, fill: Fill) -> Result<(), LogError> {
    let target = path(directory, start);
    let names = directory.list(&directory.log_dir())?;
    if names.iter().any(|name| directory.log_dir().join(name) == target) {
        return Ok(());
    }
    let spare = names.iter().find(|name| name.starts_with(SPARE_PREFIX));
    let prepared = match spare {
        Some(name) => {
            let path = directory.log_dir().join(name);
            erase(directory, &path, 0, HEADER_BYTES as u64)?;
            path
        }
        None if fill == Fill::Later => {
            directory.open_file(&target, Open::Create)?;
            return directory.sync_dir(&directory.log_dir());
        }
        None => {
            let path = directory.log_dir().join(format!("prepare-{:016X}.tmp", start.0));
            directory.open_file(&path, Open::Create)?;
            erase(directory, &path, 0, segment_bytes).inspect_err(|_| {
                // It would take the room that is missing.
                let _ = directory.remove(&path);
            })?;
            path
        }
    };
    directory.rename(&prepared, &target)?;
    directory.sync_dir(&directory.log_dir())
}

/// Overwrites a part of a file with zeros, durably.
pub(crate) fn erase(directory: &DataDirectory, path: &std::path::Path, from: u64, to: u64) -> Result<(), LogError> {
    let file = directory.open_file(path, Open::Write)?;
    let zeros = vec![0; FILL_BYTES.min((to - from) as usize)];
    let mut at = from;
    while at < to {
        let len = (to - at).min(zeros.len() as u64);
        file.write_at(at, &zeros[..len as usize]).map_err(|error| LogError::io("write to file", path, error))?;
        at += len;
    }
    file.sync().map_err(|error| LogError::io("fsync file", path, error))
}
