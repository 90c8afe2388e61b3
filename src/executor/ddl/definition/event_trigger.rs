//! CREATE EVENT TRIGGER, and ALTER EVENT TRIGGER … ENABLE and DISABLE.

use std::sync::Arc;

use dictdb_catalog::trigger::Firing;
use dictdb_catalog::{CommandEvent, DefinitionBody, DefinitionKind, Dependency, EventTriggerInfo, Key};
use dictdb_parser::ast::{Ident, ObjectName};
use dictdb_parser::utility::{AlterEventTrigger, CreateEventTrigger};
use dictdb_types::{Error, Oid, Result, SqlState, oids};

use super::super::DdlContext;
use super::command_tag::{fires_event_triggers, rewrites_tables};

impl DdlContext<'_> {
    /// 42501, 42601, 0A000, 42710, 42883, 42P17.
    pub(in crate::ddl) fn create_event_trigger(&mut self, create: &CreateEventTrigger) -> Result<()> {
        let name = create.name.value.as_str();
        if !self.is_superuser() {
            let message = format!("permission denied to create event trigger \"{name}\"");
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
                .hint("Must be superuser to create an event trigger."));
        }
        let event = CommandEvent::named(&create.event.value).ok_or_else(|| {
            Error::new(SqlState::SYNTAX_ERROR, format!("unrecognized event name \"{}\"", create.event.value))
        })?;
        let tags = filter_tags(event, &create.filters)?;
        self.check_definition_free(DefinitionKind::EventTrigger, Oid::INVALID, name)?;
        let function = self.event_trigger_function(&create.function)?;
        let info = EventTriggerInfo { event, function, firing: Firing::Origin, tags };
        let key = self.new_definition(Oid::INVALID, Arc::from(name), DefinitionBody::EventTrigger(info));
        self.depend(key, Key::Function(function), Dependency::Normal);
        Ok(())
    }

    fn event_trigger_function(&mut self, name: &ObjectName) -> Result<Oid> {
        self.function_without_arguments(name, oids::EVENT_TRIGGER, "event_trigger").map(|(oid, _)| oid)
    }

    /// 42704, 42501.
    pub(in crate::ddl) fn alter_event_trigger(&mut self, alter: &AlterEventTrigger) -> Result<()> {
        let name = ObjectName::from(vec![alter.name.clone()]);
        let own = self.own_definition(DefinitionKind::EventTrigger, &name)?;
        let Some(info) = own.event_trigger() else { return Ok(()) };
        let firing = super::super::trigger::firing(alter.mode);
        self.redefine(&own, DefinitionBody::EventTrigger(EventTriggerInfo { firing, ..info.clone() }));
        Ok(())
    }
}

/// The commands that `WHEN` names. 42601, 0A000.
fn filter_tags(event: CommandEvent, filters: &[(Ident, Vec<String>)]) -> Result<Vec<Arc<str>>> {
    let mut tags: Option<Vec<Arc<str>>> = None;
    let wrong = |message: String| Error::new(SqlState::SYNTAX_ERROR, message);
    for (variable, values) in filters {
        let variable = variable.value.as_str();
        if variable != "tag" {
            return Err(wrong(format!("unrecognized filter variable \"{variable}\"")));
        }
        if tags.is_some() {
            return Err(wrong(format!("filter variable \"{variable}\" specified more than once")));
        }
        tags = Some(values.iter().map(|value| Arc::from(value.to_ascii_uppercase())).collect());
    }
    for (_, values) in filters {
        values.iter().try_for_each(|value| check_tag(event, value))?;
    }
    Ok(tags.unwrap_or_default())
}

/// 42601 for what is no command, 0A000 for one that does not fire the event.
fn check_tag(event: CommandEvent, value: &str) -> Result<()> {
    let tag = value.to_ascii_uppercase();
    let refused =
        || Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("event triggers are not supported for {value}"));
    match fires_event_triggers(&tag) {
        _ if event == CommandEvent::Rewrite => {
            if rewrites_tables(&tag) {
                Ok(())
            } else {
                Err(refused())
            }
        }
        None => {
            let message = format!("filter value \"{value}\" not recognized for filter variable \"tag\"");
            Err(Error::new(SqlState::SYNTAX_ERROR, message))
        }
        Some(false) => Err(refused()),
        Some(true) => Ok(()),
    }
}
