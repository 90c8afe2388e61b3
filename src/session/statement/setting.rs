//! SET, RESET and SHOW.

use std::sync::Arc;

use dictdb_catalog::Catalog;
use dictdb_parser::utility::{IsolationLevel, Set, SetAction, SetScope, SetValue, Show, TransactionMode};
use dictdb_types::datetime::zone;
use dictdb_types::{Datum, Env, Error, RegKind, Result, Severity, SqlState, Type, oids, text};

use crate::authorization::Asking;
use crate::client::{Column, Tag};
use crate::portal::{Outcome, RowSource, TagCount};
use crate::settings::{Scope, Settings, definition, invalid, kept_part, parse_bool, split_identifiers};
use crate::transaction::{Modes, isolation_name, isolation_named, warning};
use crate::{Session, Shared, StatementEnv};

/// The value of a setting that names an object, as it is kept: a text search configuration, with its schema. None for other settings;
/// 22023 when there is no such object, 42704 when there is no such tablespace among several, 55000 for an access method of indexes.
pub(crate) fn named_object(env: &StatementEnv, name: &str, text: &str) -> Result<Option<String>> {
    const SETTING: &str = "default_text_search_config";
    check_tablespaces(env, name, text)?;
    check_table_method(env, name, text)?;
    if !name.eq_ignore_ascii_case(SETTING) {
        return Ok(None);
    }
    let oid = env.reg_in(RegKind::Config, text).map_err(|error| match error.code() {
        SqlState::UNDEFINED_OBJECT | SqlState::INVALID_SCHEMA_NAME => invalid(SETTING, text),
        _ => error,
    })?;
    let own = env.catalog.definition(oid);
    let schema = own.and_then(|own| env.catalog.schema(own.namespace)).map(|schema| schema.name.clone());
    Ok(Some(match (own, schema) {
        (Some(own), Some(schema)) => {
            let quoted = dictdb_types::quote_identifier;
            format!("{}.{}", quoted(&schema), quoted(&own.name))
        }
        _ => {
            let shown = env.reg_out(RegKind::Config, oid);
            format!("pg_catalog.{}", shown.strip_prefix("pg_catalog.").unwrap_or(&shown))
        }
    }))
}

/// 22023, 42704 for a tablespace that there is not.
fn check_tablespaces(env: &StatementEnv, setting: &str, text: &str) -> Result<()> {
    let is_known = |name: &str| name.is_empty() || env.catalog.tablespace_named(name).is_some();
    match setting.to_ascii_lowercase().as_str() {
        "default_tablespace" if !is_known(text) => {
            let (name, cut) = kept_part("default_tablespace", text);
            cut.into_iter().for_each(|notice| env.shared.notice(notice));
            Err(invalid("default_tablespace", name).detail(format!("Tablespace \"{name}\" does not exist.")))
        }
        "temp_tablespaces" => {
            // What is no list is refused where its text is checked.
            let names = split_identifiers(text).unwrap_or_default();
            match names.iter().find(|name| !is_known(name)) {
                Some(missing) => {
                    let message = format!("tablespace \"{missing}\" does not exist");
                    Err(Error::new(SqlState::UNDEFINED_OBJECT, message))
                }
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// 22023 for an access method that there is not, 55000 for one of indexes.
fn check_table_method(env: &StatementEnv, setting: &str, text: &str) -> Result<()> {
    const SETTING: &str = "default_table_access_method";
    // That it is empty is refused where texts are checked.
    if !setting.eq_ignore_ascii_case(SETTING) || text.is_empty() || env.catalog.table_method_named(text).is_some() {
        return Ok(());
    }
    if env.catalog.index_method_named(text).is_some() {
        let message = format!("access method \"{text}\" is not of type TABLE");
        return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
    }
    let (name, cut) = kept_part(SETTING, text);
    cut.into_iter().for_each(|notice| env.shared.notice(notice));
    Err(invalid(SETTING, name).detail(format!("Table access method \"{name}\" does not exist.")))
}

impl Session {
    /// A notice of a value that names no object, where it is only kept for later.
    pub(crate) fn note_missing_object(&mut self, name: &str, text: &str) {
        if named_object(&self.env(), name, text).is_err() {
            let noun = match name {
                "default_table_access_method" => "table access method",
                _ if name.contains("tablespace") => "tablespace",
                _ => "text search configuration",
            };
            let message = format!("{noun} \"{text}\" does not exist");
            self.shared.notice(Error::with_severity(Severity::Notice, SqlState::UNDEFINED_OBJECT, message));
        }
    }

    pub(super) fn run_set(&mut self, set: &Set) -> Result<Outcome> {
        let scope = match set.scope {
            SetScope::Session => Scope::Session,
            SetScope::Local => Scope::Local,
        };
        if scope == Scope::Local && !self.in_block() {
            self.warn_outside_block("SET LOCAL");
        }
        let tag = match &set.action {
            SetAction::Value { name, values } => {
                let text = self.flatten(name, values)?;
                self.set_by_name(name, &text, scope)?;
                "SET"
            }
            SetAction::Default { name, reset } => {
                self.reset_by_name(name, scope, *reset)?;
                if *reset { "RESET" } else { "SET" }
            }
            SetAction::FromCurrent { .. } => return Err(Error::internal("SET FROM CURRENT outside a definition")),
            SetAction::ResetAll => {
                self.shared.settings.lock().reset_all();
                "RESET"
            }
            SetAction::Transaction { session, modes } => {
                self.set_transaction(*session, modes)?;
                "SET"
            }
            SetAction::TransactionSnapshot(name) => {
                self.import_snapshot(name)?;
                "SET"
            }
        };
        Ok(Outcome::Done(Tag::new(tag)))
    }

    fn warn_outside_block(&self, command: &str) {
        let message = format!("{command} can only be used in transaction blocks");
        self.shared.notice(warning(SqlState::NO_ACTIVE_SQL_TRANSACTION, &message));
    }

    /// The values of a SET as one text, as the setting's kind wants it.
    pub(crate) fn flatten(&mut self, name: &str, values: &[SetValue]) -> Result<String> {
        let definition = definition::by_name(name).map(|id| &definition::all()[id as usize]);
        let (list, quoted) = definition.map_or((false, false), |setting| (setting.list, setting.quoted_list));
        if values.len() > 1 && !list {
            let message = format!("SET {name} takes only one argument");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        let mut items = Vec::with_capacity(values.len());
        for value in values {
            items.push(match value {
                SetValue::String(text) if quoted => quote_identifier(text),
                SetValue::String(text) | SetValue::Number(text) => text.clone(),
                SetValue::Interval(text) => self.zone_of_interval(text)?,
            });
        }
        Ok(items.join(", "))
    }

    /// `SET TIME ZONE INTERVAL '…'` as the rule it stands for.
    fn zone_of_interval(&mut self, literal: &str) -> Result<String> {
        let env = self.env();
        let invalid = |message| Error::new(SqlState::INVALID_PARAMETER_VALUE, message);
        match text::input(literal, Type::new(oids::INTERVAL), &*env)? {
            Datum::Interval(interval) if interval.months != 0 => {
                Err(invalid("cannot specify months in time zone interval"))
            }
            Datum::Interval(interval) if interval.days != 0 => {
                Err(invalid("cannot specify days in time zone interval"))
            }
            Datum::Interval(interval) => i32::try_from(-interval.micros / 1_000_000)
                .ok()
                .and_then(zone::from_west)
                .map(|zone| zone.1)
                .ok_or_else(|| invalid("UTC timezone offset is out of range.")),
            _ => Err(Error::internal("an interval literal is no interval")),
        }
    }

    fn set_by_name(&mut self, name: &str, text: &str, scope: Scope) -> Result<()> {
        match name.to_ascii_lowercase().as_str() {
            "transaction_isolation" => self.block.set_isolation(parse_isolation(name, text)?),
            "transaction_read_only" => self.block.set_read_only(parse_flag(name, text)?),
            "transaction_deferrable" => self.block.set_deferrable(parse_flag(name, text)?),
            _ => {
                let env = self.env();
                let kept = named_object(&env, name, text)?;
                self.shared.set(&env.catalog, name, kept.as_deref().unwrap_or(text), scope)
            }
        }
    }

    fn reset_by_name(&mut self, name: &str, scope: Scope, reset: bool) -> Result<()> {
        let lower = name.to_ascii_lowercase();
        if matches!(lower.as_str(), "role" | "session_authorization") {
            self.shared.check_may_become(&lower)?;
        }
        // Who asks is a setting too (`role`), so it is known before the settings are locked.
        let catalog = self.env().catalog.clone();
        let authority = self.shared.authority_over(&catalog, name);
        if !lower.starts_with("transaction_") {
            let mut settings = self.shared.settings.lock();
            settings.reset(name, scope, authority)?;
            return match lower == "session_authorization" {
                true => settings.set("role", "none", scope, authority),
                false => Ok(()),
            };
        }
        let defaults = self.shared.settings.lock().derived().transaction_modes;
        if reset && !self.in_block() {
            self.warn_outside_block("RESET TRANSACTION");
        }
        match lower.as_str() {
            "transaction_isolation" => self.block.set_isolation(defaults.isolation),
            "transaction_read_only" => self.block.set_read_only(defaults.read_only),
            "transaction_deferrable" => self.block.set_deferrable(defaults.deferrable),
            _ => self.shared.settings.lock().reset(name, scope, authority),
        }
    }

    fn set_transaction(&mut self, session: bool, modes: &[TransactionMode]) -> Result<()> {
        if !session {
            if !self.in_block() {
                self.warn_outside_block("SET TRANSACTION");
            }
            return self.block.set_modes(modes);
        }
        for mode in modes {
            let (name, value) = match mode {
                TransactionMode::Isolation(level) => ("default_transaction_isolation", isolation_name(*level)),
                TransactionMode::ReadOnly(on) => ("default_transaction_read_only", on_off(*on)),
                TransactionMode::Deferrable(on) => ("default_transaction_deferrable", on_off(*on)),
            };
            let catalog = self.env().catalog.clone();
            self.shared.set(&catalog, name, value, Scope::Session)?;
        }
        Ok(())
    }

    pub(super) fn run_show(&mut self, show: &Show) -> Result<Outcome> {
        let rows = match show {
            Show::Name(name) => vec![vec![Datum::text(self.show_setting(name)?)]],
            Show::All => self
                .shared
                .setting_rows()
                .into_iter()
                .map(|row| {
                    let description = row.definition.map(|definition| definition.short_description);
                    let shown = self.transaction_setting(&row.name).unwrap_or(row.shown);
                    vec![Datum::text(row.name), Datum::text(shown), description.map_or(Datum::Null, Datum::text)]
                })
                .collect(),
        };
        Ok(Outcome::Rows {
            columns: columns(show),
            source: RowSource::stored(rows),
            command: "SHOW",
            count: TagCount::None,
        })
    }

    fn show_setting(&self, name: &str) -> Result<String> {
        match self.transaction_setting(name) {
            Some(value) => Ok(value),
            None => self.shared.show(name),
        }
    }

    /// Settings that are the open transaction's own.
    fn transaction_setting(&self, name: &str) -> Option<String> {
        let modes = if self.block.is_open() {
            self.block.modes
        } else {
            self.shared.settings.lock().derived().transaction_modes
        };
        transaction_setting(name, modes)
    }
}

/// The value of a setting that is a transaction's own.
pub(crate) fn transaction_setting(name: &str, modes: Modes) -> Option<String> {
    match name.to_ascii_lowercase().as_str() {
        "transaction_isolation" => Some(isolation_name(modes.isolation).to_owned()),
        "transaction_read_only" => Some(on_off(modes.read_only).to_owned()),
        "transaction_deferrable" => Some(on_off(modes.deferrable).to_owned()),
        _ => None,
    }
}

impl Shared {
    /// Changes a setting on behalf of SET and `set_config`; roles are those of the catalog as the transaction sees it.
    pub fn set(&self, catalog: &Catalog, name: &str, text: &str, scope: Scope) -> Result<()> {
        let (text, notice) = kept_part(name, text);
        notice.into_iter().for_each(|notice| self.notice(notice));
        let is_user = name.eq_ignore_ascii_case("session_authorization");
        if is_user || name.eq_ignore_ascii_case("role") {
            self.check_becoming(catalog, name, text)?;
        }
        let authority = self.authority_over(catalog, name);
        let mut settings = self.settings.lock();
        settings.set(name, text, scope, authority)?;
        // Another user begins without a role.
        if is_user { settings.set("role", "none", scope, authority) } else { Ok(()) }
    }

    /// 42501 for a change of who the session is where somebody else lends it rights.
    fn check_may_become(&self, name: &str) -> Result<()> {
        self.check_unrestricted(|| format!("set parameter \"{name}\""))?;
        if self.acts_as_definer() {
            let message = format!("cannot set parameter \"{name}\" within security-definer function");
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        Ok(())
    }

    fn check_becoming(&self, catalog: &Catalog, name: &str, text: &str) -> Result<()> {
        self.check_may_become(name)?;
        let session_user = self.session_user();
        let asking = Asking { authenticated: &self.backend.identity.user, session_user: &session_user };
        asking.check(catalog, name, text)
    }
}

/// Columns of SHOW.
pub(super) fn columns(show: &Show) -> Arc<[Column]> {
    match show {
        Show::Name(name) => super::text_column(&Settings::canonical_name(name)),
        Show::All => ["name", "setting", "description"].map(|name| Column::new(name, oids::TEXT)).into(),
    }
}

fn parse_isolation(name: &str, text: &str) -> Result<IsolationLevel> {
    isolation_named(text).ok_or_else(|| {
        let message = format!("invalid value for parameter \"{name}\": \"{text}\"");
        Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
            .hint("Available values: serializable, repeatable read, read committed, read uncommitted.")
    })
}

fn parse_flag(name: &str, text: &str) -> Result<bool> {
    parse_bool(text).ok_or_else(|| {
        Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("parameter \"{name}\" requires a Boolean value"))
    })
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// An identifier as it must be written to mean itself.
fn quote_identifier(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}
