//! `CREATE SNAPSHOT`, `DROP SNAPSHOT`, `RESET DATABASE … TO SNAPSHOT`, which PostgreSQL does not have.

use dictdb_types::Result;

use super::Parser;
use crate::keyword::Keyword as K;
use crate::token::Kind;
use crate::utility::{SnapshotCommand, Utility};

impl Parser<'_> {
    /// `CREATE SNAPSHOT name [OF DATABASE database]`, after the first two words.
    pub(super) fn create_snapshot(&mut self) -> Result<Utility> {
        let name = self.col_id()?;
        let database = match self.eat_word(K::Of) {
            true => {
                self.expect_word(K::Database)?;
                Some(self.col_id()?)
            }
            false => None,
        };
        Ok(Utility::Snapshot(SnapshotCommand::Create { name, database }))
    }

    /// `DROP SNAPSHOT [IF EXISTS] name`, after the first word.
    pub(super) fn drop_snapshot(&mut self) -> Result<Utility> {
        self.advance();
        let if_exists = self.if_exists()?;
        Ok(Utility::Snapshot(SnapshotCommand::Drop { name: self.col_id()?, if_exists }))
    }

    /// Whether `RESET` is of a database and not of a setting, which may have that name.
    pub(super) fn resets_database(&self) -> bool {
        let after = self.nth(2).kind;
        self.nth(1).keyword == K::Database && !matches!(after, Kind::End | Kind::Semicolon | Kind::Dot)
    }

    /// `RESET DATABASE database TO SNAPSHOT name`.
    pub(super) fn reset_database(&mut self) -> Result<Utility> {
        self.expect_words(&[K::Reset, K::Database])?;
        let database = self.col_id()?;
        self.expect_words(&[K::To, K::Snapshot])?;
        Ok(Utility::Snapshot(SnapshotCommand::Reset { database, name: self.col_id()? }))
    }
}
