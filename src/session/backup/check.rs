//! Backups looked at without a server: is every file whole, and does it follow the one it names?

use std::path::Path;

use dictdb_types::Result;

use super::settings_from;
use crate::settings::ServerSettings;

/// Reads every backup of `backup_dir` with its hash, and what it follows: a sentence about what is there. XX001, 58P01. Relative paths
/// begin at `base`.
pub fn verify_backups(settings: &ServerSettings, base: &Path) -> Result<String> {
    let folder = settings_from(|name| settings.value(name), base).folder;
    if folder.is_missing() {
        return Ok("none yet".to_owned());
    }
    let files = dictdb_backup::list(&folder)?;
    let mut verification = dictdb_backup::Verification::default();
    for (name, _) in &files {
        verification.file(&folder, &name.to_string(), &|| Ok(()))?;
    }
    Ok(format!("{} files in {folder}, every chain is whole", files.len()))
}
