//! Reading a data directory to see that it is whole, without a server and without changing it.

use std::path::Path;
use std::sync::Arc;

use dictdb_wal::{DataDirectory, GENESIS, LogError, Lsn, RealDisk, SnapshotReader, replay};

/// What was read.
#[derive(Clone, Copy, Debug)]
pub struct Verified {
    /// Position and size of the newest checkpoint.
    pub checkpoint: Option<(Lsn, u64)>,
    /// Records in the log behind it.
    pub records: u64,
    /// Where the log ends.
    pub end: Lsn,
}

/// Reads the newest checkpoint and the log behind it, with all their checksums; `None` when no server has used the directory
/// yet.
///
/// F0001 when a server uses it, XX001 when it is damaged or something else, 58030.
pub fn verify(root: &Path, segment_bytes: u64) -> Result<Option<Verified>, LogError> {
    let is_unused = match std::fs::read_dir(root) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(LogError::io("read directory", root, error)),
    };
    if is_unused {
        return Ok(None);
    }
    let directory = DataDirectory::open(Arc::new(RealDisk), root, 0)?;
    let mut checkpoint = None;
    if let Some(mut snapshot) = SnapshotReader::newest(&directory)? {
        checkpoint = Some((snapshot.lsn(), snapshot.bytes()));
        while let Some(chunk) = snapshot.next_chunk()? {
            chunk.verify()?;
        }
    }
    let from = checkpoint.map_or(GENESIS, |(lsn, _)| lsn);
    let end = replay(&directory, from, segment_bytes, |_, _| Ok::<(), LogError>(()))?;
    Ok(Some(Verified { checkpoint, records: end.records, end: end.end }))
}
