//! `BACKUP`, `RESTORE`, `APPLY DELTA`, `VERIFY BACKUP`, `SHOW BACKUPS`: their words are no keywords of PostgreSQL's, and stay names
//! everywhere else.

use dictdb_types::Result;

use super::Parser;
use crate::keyword::Keyword as K;
use crate::token::Kind;
use crate::utility::{Backup, BackupKind, Restore, Utility};

const KINDS: [(&str, BackupKind); 4] = [
    ("full", BackupKind::Full),
    ("delta", BackupKind::Delta),
    ("now", BackupKind::Now),
    ("notify", BackupKind::Notify),
];

impl Parser<'_> {
    /// Whether the word that is so far ahead is this one.
    fn is_plain(&self, ahead: usize, word: &str) -> bool {
        self.text(self.nth(ahead)).eq_ignore_ascii_case(word)
    }

    fn eat_plain(&mut self, word: &str) -> bool {
        let found = self.is_plain(0, word);
        if found {
            self.advance();
        }
        found
    }

    fn expect_plain(&mut self, word: &str) -> Result<()> {
        if self.eat_plain(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// A statement about backups, if one begins here.
    pub(super) fn backup_statement(&mut self) -> Result<Option<Utility>> {
        let command = match self.text(self.peek()).to_ascii_lowercase().as_str() {
            "backup" => self.backup()?,
            "restore" => self.restore()?,
            "apply" => {
                self.advance();
                self.expect_plain("delta")?;
                Backup::ApplyDelta(self.string()?)
            }
            "verify" => {
                self.advance();
                self.expect_plain("backup")?;
                Backup::Verify(if self.eat_word(K::All) { None } else { Some(self.string()?) })
            }
            _ => return Ok(None),
        };
        Ok(Some(Utility::Backup(command)))
    }

    fn backup(&mut self) -> Result<Backup> {
        self.advance();
        if self.eat_word(K::Start) {
            return Ok(Backup::Start);
        }
        if self.eat_plain("stop") {
            return Ok(Backup::Stop);
        }
        let kind = KINDS.iter().find(|(word, _)| self.is_plain(0, word)).map(|(_, kind)| *kind);
        let kind = kind.ok_or_else(|| self.unexpected())?;
        self.advance();
        Ok(Backup::Take { kind, background: self.eat_plain("async") })
    }

    fn restore(&mut self) -> Result<Backup> {
        self.advance();
        self.expect_word(K::From)?;
        let file = if self.eat_plain("latest") { None } else { Some(self.string()?) };
        let mut restore = Restore { file, until: None, database: None, dry_run: false };
        if self.eat_plain("until") {
            self.eat_word(K::Timestamp);
            restore.until = Some(self.string()?);
        }
        if self.eat_word(K::Into) {
            self.expect_word(K::Database)?;
            restore.database = Some(self.col_id()?);
        }
        if self.eat_plain("dry") {
            self.expect_plain("run")?;
            restore.dry_run = true;
        }
        Ok(Backup::Restore(restore))
    }

    /// `SHOW BACKUPS`, `SHOW BACKUP STATUS`, after `SHOW`; no setting has such a name.
    pub(super) fn show_backups(&mut self) -> Option<Utility> {
        let ends = |parser: &Self, ahead| matches!(parser.nth(ahead).kind, Kind::Semicolon | Kind::End);
        let (words, command) = if self.is_plain(0, "backups") && ends(self, 1) {
            (1, Backup::ShowAll)
        } else if self.is_plain(0, "backup") && self.is_plain(1, "status") && ends(self, 2) {
            (2, Backup::ShowStatus)
        } else {
            return None;
        };
        for _ in 0..words {
            self.advance();
        }
        Some(Utility::Backup(command))
    }
}
