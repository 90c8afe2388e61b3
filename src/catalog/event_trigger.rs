//! Event triggers: what CREATE EVENT TRIGGER says.

use std::sync::Arc;

use dictdb_types::Oid;

use crate::trigger::Firing;
use crate::{Catalog, Definition, DefinitionKind};

/// What an event trigger waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandEvent {
    /// `ddl_command_start`.
    Start,
    /// `ddl_command_end`.
    End,
    /// `sql_drop`.
    Drop,
    /// `table_rewrite`.
    Rewrite,
}

/// A row of `pg_event_trigger`.
#[derive(Clone, Debug)]
pub struct EventTriggerInfo {
    /// `evtevent`.
    pub event: CommandEvent,
    /// `evtfoid`.
    pub function: Oid,
    /// `evtenabled`.
    pub firing: Firing,
    /// `evttags`: the commands it fires for, in upper case; empty is all.
    pub tags: Vec<Arc<str>>,
}

impl CommandEvent {
    const NAMES: [(CommandEvent, &'static str); 4] = [
        (CommandEvent::Start, "ddl_command_start"),
        (CommandEvent::End, "ddl_command_end"),
        (CommandEvent::Drop, "sql_drop"),
        (CommandEvent::Rewrite, "table_rewrite"),
    ];

    /// As `evtevent` shows it.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(event, _)| *event == self).map_or("", |(_, name)| name)
    }

    /// The event of this name.
    pub fn named(name: &str) -> Option<CommandEvent> {
        Self::NAMES.iter().find(|(_, own)| *own == name).map(|(event, _)| *event)
    }
}

impl Catalog {
    /// The event triggers of an event that fire for a command, by name.
    pub fn event_triggers_for(&self, event: CommandEvent, tag: &str) -> Vec<Arc<Definition>> {
        let fires = |info: &EventTriggerInfo| {
            info.event == event && (info.tags.is_empty() || info.tags.iter().any(|own| **own == *tag))
        };
        let all = self.definitions().filter(|own| own.event_trigger().is_some_and(fires));
        let mut found: Vec<Arc<Definition>> = all.cloned().collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    /// Whether there are any.
    pub fn has_event_triggers(&self) -> bool {
        self.definitions().any(|own| own.kind() == DefinitionKind::EventTrigger)
    }
}
