//! The file of the log, and when it makes way for a new one.
//!
//! The file keeps its name; when it is full or old it is renamed to that name with its time behind it, and the oldest of those
//! are removed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// What file, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Its name.
    pub path: PathBuf,
    /// Bytes from which on it makes way; zero is any number.
    pub max_bytes: u64,
    /// Minutes after which it makes way; zero is never.
    pub max_age_minutes: u64,
    /// Files kept that have made way.
    pub kept_files: usize,
}

/// The open file.
#[derive(Debug)]
pub(super) struct LogFile {
    limits: Limits,
    file: File,
    bytes: u64,
    opened: Instant,
}

impl LogFile {
    pub(super) fn open(limits: Limits) -> io::Result<LogFile> {
        if let Some(folder) = limits.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        let file = open(&limits.path)?;
        let bytes = file.metadata()?.len();
        Ok(LogFile { limits, file, bytes, opened: Instant::now() })
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Appends an entry, to a new file if it is time.
    pub(super) fn write(&mut self, text: &str) -> io::Result<()> {
        if self.is_due(text.len() as u64) {
            self.rotate()?;
        }
        self.bytes += text.len() as u64;
        self.file.write_all(text.as_bytes())
    }

    fn is_due(&self, more: u64) -> bool {
        let Limits { max_bytes, max_age_minutes, .. } = self.limits;
        let is_full = max_bytes > 0 && self.bytes > 0 && self.bytes + more > max_bytes;
        is_full || max_age_minutes > 0 && self.opened.elapsed() >= Duration::from_secs(max_age_minutes * 60)
    }

    fn rotate(&mut self) -> io::Result<()> {
        let time = Timestamp::now().strftime("%Y-%m-%d_%H%M%S.%6f").to_string();
        let mut name = self.limits.path.clone().into_os_string();
        name.push(format!(".{time}"));
        fs::rename(&self.limits.path, &name)?;
        self.file = open(&self.limits.path)?;
        (self.bytes, self.opened) = (0, Instant::now());
        let old = rotated(&self.limits.path)?;
        let surplus = old.len().saturating_sub(self.limits.kept_files);
        old.into_iter().take(surplus).try_for_each(fs::remove_file)
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Files that have made way, the oldest first.
fn rotated(path: &Path) -> io::Result<Vec<PathBuf>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let head = format!("{}.", path.file_name().unwrap_or_default().to_string_lossy());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let suffix = name.to_str().and_then(|name| name.strip_prefix(&head));
        // Only what has a time behind the name: other files are not ours.
        if suffix.is_some_and(|suffix| suffix.len() == 24 && suffix.starts_with(|c: char| c.is_ascii_digit())) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_makes_way_and_the_oldest_go() {
        let folder = std::env::temp_dir().join(format!("dictdb-log-{}", std::process::id()));
        let path = folder.join("dictdb.log");
        let limits = Limits { path: path.clone(), max_bytes: 10, max_age_minutes: 0, kept_files: 2 };
        let mut file = LogFile::open(limits).unwrap();
        for number in 0..6 {
            file.write(&format!("entry {number}\n")).unwrap();
        }
        fs::write(folder.join("dictdb.log.gz"), "not ours").unwrap();
        let kept = rotated(&path).unwrap();
        assert_eq!(kept.len(), 2, "{kept:?}");
        assert_eq!(fs::read_to_string(&kept[0]).unwrap(), "entry 3\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "entry 5\n");
        fs::remove_dir_all(folder).unwrap();
    }
}
