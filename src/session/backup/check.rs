//! Is every backup file whole, and does it follow the one it names?

use std::path::Path;

use dictdb_backup::{FileName, Verified};
use dictdb_types::{Error, Result};

use super::settings_from;
use crate::settings::ServerSettings;

/// Reads every backup of `backup_dir` with its hash, and what it follows, without a server: a sentence about what is there. XX001,
/// 58P01: of every file that is not whole. Relative paths begin at `base`.
pub fn verify_backups(settings: &ServerSettings, base: &Path) -> Result<String> {
    let folder = settings_from(|name| settings.value(name), base).folder;
    if folder.is_missing() {
        return Ok("none yet".to_owned());
    }
    let files = all_whole(dictdb_backup::verify_all(&folder, &|| Ok(()))?)?;
    Ok(format!("{} files in {folder}, every chain is whole", files.len()))
}

/// The files, if all of them are whole; else an error that tells of each that is not.
pub(super) fn all_whole(files: Vec<(FileName, Result<Verified>)>) -> Result<Vec<Verified>> {
    let count = files.len();
    let (mut whole, mut failed): (Vec<Verified>, Vec<(FileName, Error)>) = (Vec::new(), Vec::new());
    for (name, found) in files {
        match found {
            Ok(file) => whole.push(file),
            Err(error) => failed.push((name, error)),
        }
    }
    match failed.as_slice() {
        [] => Ok(whole),
        [(_, error)] => Err(error.clone()),
        [(_, first), ..] => {
            let line = |(name, error): &(FileName, Error)| match error.message().contains(&name.to_string()) {
                true => error.message().to_owned(),
                false => format!("backup file \"{name}\" needs another one: {}", error.message()),
            };
            let lines: Vec<String> = failed.iter().map(line).collect();
            let message = format!("{} of {count} backup files are not whole", failed.len());
            Err(Error::new(first.code(), message).detail(lines.join("\n")))
        }
    }
}
