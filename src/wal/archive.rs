//! Old segments in a folder of their own, for recovery to a moment before the oldest one that the data directory needs.

use std::path::{Path, PathBuf};

use crate::directory::DataDirectory;
use crate::disk::Open;
use crate::{LogError, Lsn, segment};

/// Copies every complete segment before a position that the archive has not got. Returns how many.
pub(crate) fn copy_before(directory: &DataDirectory, lsn: Lsn, segment_bytes: u64) -> Result<usize, LogError> {
    let Some(archive) = directory.archive() else { return Ok(0) };
    let complete = |start: Lsn| start.0 + segment_bytes <= lsn.0;
    let files: Vec<_> = segment::files(directory)?.into_iter().filter(|(start, _)| complete(*start)).collect();
    if files.is_empty() {
        return Ok(0);
    }
    directory.create_dir(&archive)?;
    let there = directory.list(&archive)?;
    let mut copied = 0;
    for (_, path) in files {
        let Some(name) = path.file_name() else { continue };
        let target = archive.join(name);
        if !there.iter().any(|known| name == known.as_str()) {
            copy(directory, &path, &target)?;
            copied += 1;
        } else if !is_same(directory, &path, &target)? {
            let what = format!("it is not the archived form of \"{}\"", path.display());
            return Err(LogError::Foreign { file: target, what });
        }
    }
    if copied > 0 {
        directory.sync_dir(&archive)?;
    }
    Ok(copied)
}

/// Whether two files are the same segment of the same data directory: an archive may have been another one's before.
pub(crate) fn is_same(directory: &DataDirectory, segment: &Path, archived: &Path) -> Result<bool, LogError> {
    let head = |path: &Path| {
        let mut head = [0; segment::HEADER_BYTES];
        let read = directory.open_file(path, Open::Read)?.read_at(0, &mut head);
        read.map_err(|error| LogError::io("read file", path, error)).map(|_| head)
    };
    Ok(head(segment)? == head(archived)?)
}

/// The ending of a file that says that the segment beside it was taken care of.
const MARK: &str = "done";

/// The segments that are complete before a position and that nobody has marked yet, in order.
pub(crate) fn unmarked(directory: &DataDirectory, lsn: Lsn, segment_bytes: u64) -> Result<Vec<PathBuf>, LogError> {
    let names = directory.list(&directory.log_dir())?;
    let is_marked = |path: &Path| {
        let mark = mark_of(path);
        names.iter().any(|name| mark.file_name().is_some_and(|mark| mark == name.as_str()))
    };
    let complete = segment::files(directory)?.into_iter().filter(|(start, _)| start.0 + segment_bytes <= lsn.0);
    Ok(complete.map(|(_, path)| path).filter(|path| !is_marked(path)).collect())
}

/// Marks a segment, durably.
pub(crate) fn mark(directory: &DataDirectory, segment: &Path) -> Result<(), LogError> {
    directory.open_file(&mark_of(segment), Open::Create)?;
    directory.sync_dir(&directory.log_dir())
}

/// The mark of a segment.
pub(crate) fn mark_of(segment: &Path) -> PathBuf {
    segment.with_extension(MARK)
}

/// Under its final name a file is complete.
fn copy(directory: &DataDirectory, from: &Path, to: &Path) -> Result<(), LogError> {
    let bytes = directory.read_file(from)?;
    let temporary: PathBuf = to.with_extension("tmp");
    let file = directory.open_file(&temporary, Open::Create)?;
    file.write_at(0, &bytes).map_err(|error| LogError::io("write to file", &temporary, error))?;
    file.sync().map_err(|error| LogError::io("fsync file", &temporary, error))?;
    directory.rename(&temporary, to)
}
