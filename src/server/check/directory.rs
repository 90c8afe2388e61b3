//! Directories: there or can be made, can be written, closed to others, with room.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{Line, Verdict};

/// Less free room than this is worth a word.
const LITTLE_ROOM_BYTES: u64 = 1 << 30;
/// With less than this no checkpoint or segment of the log fits.
const NO_ROOM_BYTES: u64 = 64 << 20;

/// Whether a directory can be written, or made where it is to be.
pub(super) fn usable(name: &'static str, path: &Path) -> Line {
    let shown = path.display();
    let Some(existing) = nearest(path) else {
        return (name, Verdict::Bad, format!("{shown} cannot be made"));
    };
    if !existing.is_dir() {
        return (name, Verdict::Bad, format!("{} is not a directory", existing.display()));
    }
    let probe = existing.join(format!(".dictdb-check-{}", std::process::id()));
    match fs::create_dir(&probe).and_then(|()| fs::remove_dir(&probe)) {
        Err(error) => (name, Verdict::Bad, format!("{} cannot be written: {error}", existing.display())),
        Ok(()) if existing == path => (name, Verdict::Good, format!("{shown} is there and can be written")),
        Ok(()) => (name, Verdict::Good, format!("{shown} is not there yet and can be made")),
    }
}

/// The directory itself, or the one in which it would be made.
fn nearest(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    let found = absolute.ancestors().find(|ancestor| ancestor.exists())?;
    Some(if found == absolute { path.to_path_buf() } else { found.to_path_buf() })
}

/// Whether others may look into the directory, once it is there.
pub(super) fn permissions(path: &Path) -> Option<Line> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    Some(match mode & 0o077 {
        0 => ("permissions", Verdict::Good, format!("{mode:04o}: of the owner alone")),
        _ => ("permissions", Verdict::Warning, format!("{mode:04o}: others may look into {}", path.display())),
    })
}

/// Whether there is room on the directory's file system.
pub(super) fn space(path: &Path) -> Option<Line> {
    let place = nearest(path)?;
    Some(match rustix::fs::statvfs(&place) {
        Err(error) => ("disk space", Verdict::Warning, format!("unknown: {error}")),
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            let verdict = match free {
                ..NO_ROOM_BYTES => Verdict::Bad,
                NO_ROOM_BYTES..LITTLE_ROOM_BYTES => Verdict::Warning,
                _ => Verdict::Good,
            };
            ("disk space", verdict, format!("{} MB free", free >> 20))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_looked_for_above() {
        let folder = std::env::temp_dir();
        assert_eq!(nearest(&folder.join("dictdb-no-such/deeper")), Some(folder.clone()));
        assert_eq!(usable("x", &folder.join("dictdb-no-such")).1, Verdict::Good);
        assert_eq!(usable("x", Path::new("/proc/version")).1, Verdict::Bad);
        assert!(permissions(&folder.join("dictdb-no-such")).is_none());
        assert!(space(&folder).is_some());
    }
}
