//! CREATE, ALTER and DROP SUBSCRIPTION. A subscription is what it says in `pg_subscription`: nothing is received, so those that would
//! connect to a publisher are refused.

use std::sync::Arc;

use dictdb_catalog::{Definition, DefinitionBody, DefinitionKind, SubscriptionInfo};
use dictdb_parser::ast::{Ident, ObjectName};
use dictdb_parser::position;
use dictdb_parser::utility::{
    AlterSubscription, Behavior, CreateSubscription, DefElem, DropSubscription, PublicationChange, SubscriptionAction,
};
use dictdb_types::{Error, Oid, Result, Severity, SqlState};

use super::super::DdlContext;
use super::super::options::{boolean, shown};
use super::connection::check_connection;

/// What the options of a command say; what it does not say is `None`.
#[derive(Default)]
struct Options {
    connect: Option<bool>,
    enabled: Option<bool>,
    create_slot: Option<bool>,
    copy_data: Option<bool>,
    refresh: Option<bool>,
    binary: Option<bool>,
    streaming: Option<bool>,
    two_phase: Option<bool>,
    disable_on_error: Option<bool>,
    /// The inner `None` is `NONE`.
    slot_name: Option<Option<Arc<str>>>,
    synchronous_commit: Option<Arc<str>>,
    lsn: Option<i64>,
}

const CREATE: &[&str] = &[
    "connect",
    "enabled",
    "create_slot",
    "slot_name",
    "copy_data",
    "synchronous_commit",
    "binary",
    "streaming",
    "two_phase",
    "disable_on_error",
];
const SET: &[&str] = &["slot_name", "synchronous_commit", "binary", "streaming", "disable_on_error"];

fn syntax(message: impl Into<String>) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, message)
}

fn state(message: impl Into<String>) -> Error {
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
}

/// Reads options, of which a command has these. 42601, 42602, 22023.
fn options_of(given: &[DefElem], allowed: &[&str]) -> Result<Options> {
    let mut options = Options::default();
    let mut seen: Vec<&str> = Vec::new();
    for element in given {
        let name = element.name.value.as_str();
        if !allowed.contains(&name) {
            return Err(syntax(format!("unrecognized subscription parameter: \"{name}\"")));
        }
        if seen.contains(&name) {
            return Err(syntax("conflicting or redundant options").at(position::of_span(element.name.span)));
        }
        seen.push(name);
        match name {
            "slot_name" => options.slot_name = Some(slot_name(element)?),
            "synchronous_commit" => options.synchronous_commit = Some(synchronous_commit(element)?),
            "lsn" => options.lsn = Some(location(element)?),
            _ => *flag(&mut options, name) = Some(boolean_of(element)?),
        }
    }
    Ok(options)
}

fn flag<'a>(options: &'a mut Options, name: &str) -> &'a mut Option<bool> {
    match name {
        "connect" => &mut options.connect,
        "enabled" => &mut options.enabled,
        "create_slot" => &mut options.create_slot,
        "copy_data" => &mut options.copy_data,
        "refresh" => &mut options.refresh,
        "binary" => &mut options.binary,
        "streaming" => &mut options.streaming,
        "two_phase" => &mut options.two_phase,
        _ => &mut options.disable_on_error,
    }
}

fn boolean_of(element: &DefElem) -> Result<bool> {
    let text = shown(element.value.as_ref());
    let exact = ["true", "false", "on", "off", "0", "1"].iter().any(|word| word.eq_ignore_ascii_case(&text));
    match boolean(&text).filter(|_| exact) {
        Some(value) => Ok(value),
        None => Err(syntax(format!("{} requires a Boolean value", element.name.value))),
    }
}

fn text_of(element: &DefElem) -> Result<String> {
    match &element.value {
        None => Err(syntax(format!("{} requires a parameter", element.name.value))),
        value => Ok(shown(value.as_ref())),
    }
}

fn slot_name(element: &DefElem) -> Result<Option<Arc<str>>> {
    let name = text_of(element)?;
    if name == "none" {
        return Ok(None);
    }
    if name.is_empty() {
        let message = format!("replication slot name \"{name}\" is too short");
        return Err(Error::new(SqlState::INVALID_NAME, message));
    }
    if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
        let message = format!("replication slot name \"{name}\" contains invalid character");
        return Err(Error::new(SqlState::INVALID_NAME, message).hint(
            "Replication slot names may only contain lower case letters, numbers, and the underscore character.",
        ));
    }
    Ok(Some(Arc::from(name)))
}

fn synchronous_commit(element: &DefElem) -> Result<Arc<str>> {
    let value = text_of(element)?;
    let words = ["local", "remote_write", "remote_apply", "on", "off", "true", "false", "yes", "no", "1", "0"];
    if words.iter().any(|word| word.eq_ignore_ascii_case(&value)) {
        return Ok(Arc::from(value));
    }
    let message = format!("invalid value for parameter \"synchronous_commit\": \"{value}\"");
    Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
        .hint("Available values: local, remote_write, remote_apply, on, off."))
}

fn location(element: &DefElem) -> Result<i64> {
    let text = text_of(element)?;
    if text == "none" {
        return Ok(0);
    }
    let parsed = text.split_once('/').and_then(|(high, low)| {
        let (high, low) = (u32::from_str_radix(high, 16).ok()?, u32::from_str_radix(low, 16).ok()?);
        Some((u64::from(high) << 32 | u64::from(low)) as i64)
    });
    let Some(parsed) = parsed else {
        let message = format!("invalid input syntax for type pg_lsn: \"{text}\"");
        return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message));
    };
    if parsed == 0 {
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid WAL location (LSN): {text}")));
    }
    Ok(parsed)
}

/// What cannot be asked for together. 42601.
fn check_together(options: &Options) -> Result<()> {
    let exclusive = |one: &str, other: &str| syntax(format!("{one} and {other} are mutually exclusive options"));
    if options.connect == Some(false) {
        let refused = [
            (options.enabled, "enabled = true"),
            (options.create_slot, "create_slot = true"),
            (options.copy_data, "copy_data = true"),
        ];
        if let Some((_, words)) = refused.iter().find(|(value, _)| *value == Some(true)) {
            return Err(exclusive("connect = false", words));
        }
    }
    if options.slot_name == Some(None) {
        let default = options.connect != Some(false);
        for (value, on, off) in [
            (options.enabled, "enabled = true", "enabled = false"),
            (options.create_slot, "create_slot = true", "create_slot = false"),
        ] {
            match value {
                Some(true) => return Err(exclusive("slot_name = NONE", on)),
                None if default => {
                    return Err(syntax(format!("subscription with slot_name = NONE must also set {off}")));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// The names of publications. 42710.
fn publication_names(given: &[Ident]) -> Result<Vec<Arc<str>>> {
    let mut names: Vec<Arc<str>> = Vec::new();
    for name in given {
        if names.iter().any(|known| **known == *name.value) {
            let message = format!("publication name \"{}\" used more than once", name.value);
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        names.push(Arc::from(name.value.as_str()));
    }
    Ok(names)
}

impl DdlContext<'_> {
    /// 42501, 42601, 42710; 0A000 for one that connects.
    pub(in crate::ddl) fn create_subscription(&mut self, create: &CreateSubscription) -> Result<()> {
        let options = options_of(&create.options, CREATE)?;
        check_together(&options)?;
        if options.connect != Some(false) && options.create_slot != Some(false) {
            self.prevent_transaction("CREATE SUBSCRIPTION ... WITH (create_slot = true)")?;
        }
        let name = create.name.value.as_str();
        if !self.is_superuser() {
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, "must be superuser to create subscriptions"));
        }
        self.check_definition_free(DefinitionKind::Subscription, Oid::INVALID, name)?;
        check_connection(&create.connection)?;
        let publications = publication_names(&create.publications)?;
        if options.connect != Some(false) {
            return Err(Error::unsupported("subscriptions that connect to their publisher"));
        }
        let info = SubscriptionInfo {
            skip_lsn: 0,
            enabled: false,
            binary: options.binary.unwrap_or(false),
            stream: options.streaming.unwrap_or(false),
            two_phase: if options.two_phase == Some(true) { b'p' } else { b'd' },
            disable_on_error: options.disable_on_error.unwrap_or(false),
            connection: Arc::from(create.connection.as_str()),
            slot: options.slot_name.unwrap_or_else(|| Some(Arc::from(name))),
            synchronous_commit: options.synchronous_commit.unwrap_or_else(|| Arc::from("off")),
            publications,
        };
        self.new_definition(Oid::INVALID, Arc::from(name), DefinitionBody::Subscription(info));
        let message = "tables were not subscribed, you will have to run ALTER SUBSCRIPTION ... REFRESH PUBLICATION to \
                       subscribe the tables";
        self.notices.push(Error::with_severity(Severity::Warning, SqlState::WARNING, message));
        Ok(())
    }

    /// 42704, 42501, 42601, 55000.
    pub(in crate::ddl) fn alter_subscription(&mut self, alter: &AlterSubscription) -> Result<()> {
        let name = ObjectName::from(vec![alter.name.clone()]);
        let own = self.own_definition(DefinitionKind::Subscription, &name)?;
        let Some(info) = own.subscription() else { return Ok(()) };
        let info = match &alter.action {
            SubscriptionAction::Options(given) => changed(info, given)?,
            SubscriptionAction::Connection(connection) => {
                check_connection(connection)?;
                SubscriptionInfo { connection: Arc::from(connection.as_str()), ..info.clone() }
            }
            SubscriptionAction::Enable(true) if info.slot.is_none() => {
                return Err(state("cannot enable subscription that does not have a slot name"));
            }
            SubscriptionAction::Enable(enabled) => SubscriptionInfo { enabled: *enabled, ..info.clone() },
            SubscriptionAction::Refresh(given) => {
                if !info.enabled {
                    return Err(state("ALTER SUBSCRIPTION ... REFRESH is not allowed for disabled subscriptions"));
                }
                options_of(given, &["copy_data"])?;
                self.prevent_transaction("ALTER SUBSCRIPTION ... REFRESH")?;
                return Err(Error::unsupported("subscriptions that connect to their publisher"));
            }
            SubscriptionAction::Skip(given) => {
                let options = options_of(given, &["lsn"])?;
                if !self.is_superuser() {
                    let message = "must be superuser to skip transaction";
                    return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
                }
                SubscriptionInfo { skip_lsn: options.lsn.unwrap_or(info.skip_lsn), ..info.clone() }
            }
            SubscriptionAction::Publications(change, names, given) => {
                let (changed, refreshed) = republished(&own, info, *change, names, given)?;
                if refreshed {
                    self.prevent_transaction("ALTER SUBSCRIPTION with refresh")?;
                    return Err(Error::unsupported("subscriptions that connect to their publisher"));
                }
                changed
            }
        };
        self.redefine(&own, DefinitionBody::Subscription(info));
        Ok(())
    }

    /// 42704, 42501; 0A000 for one with a slot at its publisher.
    pub(in crate::ddl) fn drop_subscription(&mut self, drop: &DropSubscription) -> Result<()> {
        let name = ObjectName::from(vec![drop.name.clone()]);
        let Some(own) = self.look_up_definition(DefinitionKind::Subscription, &name)? else {
            let message = format!("subscription \"{}\" does not exist", drop.name.value);
            if !drop.if_exists {
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
            }
            self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{message}, skipping"));
            return Ok(());
        };
        self.check_definition_owner(&own)?;
        if own.subscription().is_some_and(|info| info.slot.is_some()) {
            self.prevent_transaction("DROP SUBSCRIPTION")?;
        }
        if own.subscription().is_some_and(|info| info.slot.is_some()) {
            return Err(Error::unsupported("dropping the replication slot of a subscription").hint(
                "Use ALTER SUBSCRIPTION ... SET (slot_name = NONE) to disassociate the subscription from the slot.",
            ));
        }
        self.drop_keys(&[own.key()], Behavior::Restrict)
    }
}

fn changed(info: &SubscriptionInfo, given: &[DefElem]) -> Result<SubscriptionInfo> {
    let options = options_of(given, SET)?;
    if options.slot_name == Some(None) && info.enabled {
        return Err(state("cannot set slot_name = NONE for enabled subscription"));
    }
    Ok(SubscriptionInfo {
        binary: options.binary.unwrap_or(info.binary),
        stream: options.streaming.unwrap_or(info.stream),
        disable_on_error: options.disable_on_error.unwrap_or(info.disable_on_error),
        slot: options.slot_name.unwrap_or_else(|| info.slot.clone()),
        synchronous_commit: options.synchronous_commit.unwrap_or_else(|| info.synchronous_commit.clone()),
        ..info.clone()
    })
}

/// `SET`, `ADD` and `DROP PUBLICATION`, and whether what is published is to be looked at again. 42601, 42710, 42704, 55000.
fn republished(
    own: &Definition,
    info: &SubscriptionInfo,
    change: PublicationChange,
    names: &[Ident],
    given: &[DefElem],
) -> Result<(SubscriptionInfo, bool)> {
    let word = match change {
        PublicationChange::Set => "SET PUBLICATION",
        PublicationChange::Add => "ADD PUBLICATION",
        PublicationChange::Drop => "DROP PUBLICATION",
    };
    let options = options_of(given, &["copy_data", "refresh"])?;
    let names = publication_names(names)?;
    let mut publications = if change == PublicationChange::Set { Vec::new() } else { info.publications.clone() };
    for name in names {
        let known = publications.iter().position(|own| *own == name);
        match (change, known) {
            (PublicationChange::Drop, Some(at)) => drop(publications.remove(at)),
            (PublicationChange::Drop, None) => {
                let message = format!("publication \"{name}\" is not in subscription \"{}\"", own.name);
                return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
            }
            (_, Some(_)) => {
                let message = format!("publication \"{name}\" is already in subscription \"{}\"", own.name);
                return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
            }
            (_, None) => publications.push(name),
        }
    }
    if publications.is_empty() {
        return Err(Error::new(
            SqlState::INVALID_OBJECT_DEFINITION,
            "cannot drop all the publications from a subscription",
        ));
    }
    if options.refresh != Some(false) && !info.enabled {
        let message = "ALTER SUBSCRIPTION with refresh is not allowed for disabled subscriptions";
        let instead = if change == PublicationChange::Set { "" } else { " instead" };
        return Err(
            state(message).hint(format!("Use ALTER SUBSCRIPTION ... {word} ... WITH (refresh = false){instead}."))
        );
    }
    Ok((SubscriptionInfo { publications, ..info.clone() }, options.refresh != Some(false)))
}
