//! ALTER SYSTEM: settings for the next time the configuration is read.

use dictdb_catalog::Privileges;
use dictdb_parser::utility::{Set, SetAction};
use dictdb_types::{Error, Result, SqlState};

use crate::Session;
use crate::authorization::may_alter;
use crate::client::Tag;
use crate::portal::Outcome;
use crate::settings::check_for_file;

impl Session {
    pub(super) fn run_alter_system(&mut self, set: &Set) -> Result<Outcome> {
        let (name, text) = match &set.action {
            SetAction::Value { name, values } => {
                self.check_may_alter_system(Some(name))?;
                (Some(name), Some(self.flatten(name, values)?))
            }
            SetAction::Default { name, .. } => (Some(name), None),
            SetAction::ResetAll => (None, None),
            _ => return Err(Error::internal("ALTER SYSTEM of another kind")),
        };
        self.check_may_alter_system(name.map(String::as_str))?;
        if let Some(name) = name {
            check_for_file(name, text.as_deref())?;
        }
        let instance = &self.shared.instance;
        tokio::task::block_in_place(|| instance.alter_system(name.map(String::as_str), text.as_deref()))?;
        Ok(Outcome::Done(Tag::new("ALTER SYSTEM")))
    }

    fn check_may_alter_system(&mut self, name: Option<&str>) -> Result<()> {
        let (role, catalog) = (self.role(), self.env().catalog.clone());
        let granted = |name| may_alter(&catalog, role, name, Privileges::ALTER_SYSTEM);
        if self.shared.is_superuser() || name.is_some_and(granted) {
            return Ok(());
        }
        let message = match name {
            Some(name) => format!("permission denied to set parameter \"{name}\""),
            None => "permission denied to perform ALTER SYSTEM RESET ALL".to_owned(),
        };
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
    }
}
