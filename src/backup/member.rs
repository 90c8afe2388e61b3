//! A file of a chain, open, with what it says of itself.

use dictdb_types::Result;

use crate::folder::Folder;
use crate::head::Head;
use crate::seal::{self, Claim};
use crate::store::Opened;

/// One file of a chain, opened.
pub struct Member {
    /// The file's name, without its directory.
    pub name: String,
    /// Its head; `None` for a file of the original package.
    pub head: Option<Head>,
    pub(crate) claim: Option<Claim>,
    pub(crate) opened: Opened,
}

impl Member {
    /// Opens a file and reads what it says of itself. XX001, 58P01, 42501, 58030.
    pub(crate) fn open(folder: &Folder, name: &str) -> Result<Member> {
        let (name, mut opened) = folder.open(name)?;
        let claim = seal::claimed(&mut opened, &name)?;
        let head = claim.as_ref().map(|claim| Head::read(&mut opened, claim.format, &name)).transpose()?;
        Ok(Member { name, head, claim, opened })
    }

    /// The content hash; `None` for a file of the original package.
    pub fn content_hash(&self) -> Option<&str> {
        self.claim.as_ref().map(|claim| &*claim.content_hash)
    }
}
