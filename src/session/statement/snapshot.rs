//! CREATE SNAPSHOT, DROP SNAPSHOT, RESET DATABASE.

use std::sync::Arc;

use dictdb_parser::utility::SnapshotCommand;
use dictdb_types::{Error, Result, Severity, SqlState};

use crate::Session;
use crate::client::Tag;
use crate::instance::Database;
use crate::portal::Outcome;

/// The command's tag, also its name in errors.
pub(super) fn tag(command: &SnapshotCommand) -> &'static str {
    match command {
        SnapshotCommand::Create { .. } => "CREATE SNAPSHOT",
        SnapshotCommand::Drop { .. } => "DROP SNAPSHOT",
        SnapshotCommand::Reset { .. } => "RESET DATABASE",
    }
}

impl Session {
    pub(super) fn run_snapshot(&mut self, command: &SnapshotCommand) -> Result<Outcome> {
        match command {
            SnapshotCommand::Create { name, database } => {
                let database = match database {
                    Some(database) => self.existing_database(&database.value)?,
                    None => self.shared.database.clone(),
                };
                self.check_database_owner(&database)?;
                self.shared.instance.create_snapshot(&name.value, &database)?;
            }
            SnapshotCommand::Drop { name, if_exists } => self.drop_snapshot(&name.value, *if_exists)?,
            SnapshotCommand::Reset { database, name } => {
                let database = self.existing_database(&database.value)?;
                self.check_database_owner(&database)?;
                let snapshot = self.own_snapshot(&name.value)?;
                let by = self.shared.backend.pid;
                self.shared.instance.reset_database(database.oid, snapshot.oid, by)?;
            }
        }
        Ok(Outcome::Done(Tag::new(tag(command))))
    }

    fn drop_snapshot(&mut self, name: &str, if_exists: bool) -> Result<()> {
        if if_exists && self.shared.instance.snapshot(name).is_none() {
            let message = format!("snapshot \"{name}\" does not exist, skipping");
            let notice = Error::with_severity(Severity::Notice, SqlState::SUCCESSFUL_COMPLETION, message);
            self.shared.notice(notice);
            return Ok(());
        }
        let snapshot = self.own_snapshot(name)?;
        self.shared.instance.drop_snapshot(&snapshot)
    }

    /// 42704 when there is none of that name, 42501 when it is somebody else's.
    fn own_snapshot(&mut self, name: &str) -> Result<Arc<Database>> {
        let snapshot = self
            .shared
            .instance
            .snapshot(name)
            .ok_or_else(|| Error::new(SqlState::UNDEFINED_OBJECT, format!("snapshot \"{name}\" does not exist")))?;
        match self.owns_database(&snapshot) {
            true => Ok(snapshot),
            false => {
                let message = format!("must be owner of snapshot {name}");
                Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
            }
        }
    }
}
