//! Segments that recovery no longer needs: gone, or kept to be used again.

use std::path::{Path, PathBuf};

use crate::directory::DataDirectory;
use crate::segment::SPARE_PREFIX;
use crate::{LogError, Lsn, archive, segment};

/// Removes the segments that end at or before a position, unless the archive is still to get them, keeping up to `spares` files to be used again. Returns how many
/// segments went.
pub(crate) fn remove_before(
    directory: &DataDirectory,
    lsn: Lsn,
    segment_bytes: u64,
    spares: usize,
) -> Result<usize, LogError> {
    let archived = directory.archive().map(|archive| directory.list(&archive).unwrap_or_default());
    let names = directory.list(&directory.log_dir())?;
    let is_in =
        |names: &[String], path: &Path| names.iter().any(|n| path.file_name().is_some_and(|name| name == n.as_str()));
    let is_marked = |path: &Path| is_in(&names, &archive::mark_of(path));
    let is_archived = |path: &PathBuf| match (&archived, directory.archive().zip(path.file_name())) {
        (Some(there), Some((folder, name))) => {
            is_in(there, path) && archive::is_same(directory, path, &folder.join(name)).unwrap_or(false)
        }
        _ => archived.is_none(),
    };
    let is_safe = |path: &PathBuf| is_archived(path) && (!directory.needs_marks() || is_marked(path));
    let is_old = |start: &Lsn| start.0 + segment_bytes <= lsn.0;
    let old = segment::files(directory)?.into_iter().filter(|(start, path)| is_old(start) && is_safe(path));
    let old: Vec<_> = old.collect();
    let mut kept = names.iter().filter(|name| name.starts_with(SPARE_PREFIX)).count();
    for (start, path) in &old {
        if kept < spares {
            directory.rename(path, &directory.log_dir().join(format!("{SPARE_PREFIX}{:016X}.tmp", start.0)))?;
            kept += 1;
        } else {
            directory.remove(path)?;
        }
        if is_marked(path) {
            directory.remove(&archive::mark_of(path))?;
        }
    }
    if !old.is_empty() {
        directory.sync_dir(&directory.log_dir())?;
    }
    Ok(old.len())
}
