//! `pg_settings`.

use std::sync::Arc;

use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Array, Datum, Result, oids};

use super::arguments::{nullable, records, session, text};
use crate::settings::{Definition, FileSetting, Kind, SettingRow, format_real};
use crate::statement::transaction_setting;

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[("pg_settings_get_flags", pg_settings_get_flags)];

pub(super) const SETS: &[(&str, SetFn)] = &[
    ("show_all_settings", show_all_settings),
    ("show_all_file_settings", show_all_file_settings),
    ("pg_config", pg_config),
];

/// `pg_config()`: of what it tells about the building of a PostgreSQL, the version is what a DictDB has.
fn pg_config(_: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let version = format!("PostgreSQL {}", crate::SERVER_VERSION);
    Ok(records("pg_config", vec![vec![Datum::text("VERSION"), Datum::text(version)]]))
}

/// `pg_show_all_settings()`, the rows of `pg_settings`.
fn show_all_settings(cx: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let env = session(cx)?;
    let mut rows = env.shared.setting_rows();
    for row in &mut rows {
        if let Some(value) = transaction_setting(&row.name, env.modes) {
            row.setting = value;
        }
    }
    let may_know_files = env.shared.reads_all_settings();
    Ok(records("show_all_settings", rows.iter().map(|setting| row(setting, may_know_files)).collect()))
}

/// `pg_show_all_file_settings()`, the rows of `pg_file_settings`.
fn show_all_file_settings(cx: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let rows = session(cx)?.shared.instance.file_settings()?;
    let row = |(index, row): (usize, &FileSetting)| {
        let place = row.given.place.as_ref();
        vec![
            nullable(place.map(|place| &place.file)),
            place.map_or(Datum::Null, |place| Datum::Int4(place.line as i32)),
            Datum::Int4(index as i32 + 1),
            Datum::text(&row.given.name),
            Datum::text(&row.given.text),
            Datum::Bool(row.applied),
            nullable(row.error.as_ref()),
        ]
    };
    Ok(records("show_all_file_settings", rows.iter().enumerate().map(row).collect()))
}

fn row(setting: &SettingRow, may_know_files: bool) -> Vec<Datum> {
    let place = setting.place.as_ref().filter(|_| may_know_files);
    let definition = setting.definition;
    let (minimum, maximum) = definition.map_or((None, None), bounds);
    let words = match definition.map(|d| &d.kind) {
        Some(Kind::Enum(words)) => {
            let words = words.iter().map(|word| Datum::text(*word)).collect();
            Datum::Array(Arc::new(Array::vector(oids::TEXT, words)))
        }
        _ => Datum::Null,
    };
    let text_of = |text: Option<&'static str>| nullable(text.filter(|text| !text.is_empty()));
    vec![
        Datum::text(&setting.name),
        Datum::text(&setting.setting),
        text_of(definition.and_then(|d| d.unit.name())),
        Datum::text(definition.map_or("Customized Options", |d| d.category)),
        text_of(definition.map(|d| d.short_description)),
        text_of(definition.map(|d| d.extra_description)),
        Datum::text(definition.map_or("user", |d| d.context.name())),
        Datum::text(definition.map_or("string", |d| type_name(&d.kind))),
        Datum::text(setting.source.name()),
        nullable(minimum),
        nullable(maximum),
        words,
        nullable(definition.and_then(|d| d.default)),
        nullable(setting.reset.as_ref()),
        nullable(place.map(|place| &place.file)),
        place.map_or(Datum::Null, |place| Datum::Int4(place.line as i32)),
        Datum::Bool(setting.pending_restart),
    ]
}

fn type_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Bool => "bool",
        Kind::Int { .. } => "integer",
        Kind::Real { .. } => "real",
        Kind::String => "string",
        Kind::Enum(_) => "enum",
    }
}

fn bounds(definition: &Definition) -> (Option<String>, Option<String>) {
    match &definition.kind {
        Kind::Int { min, max } => (Some(min.to_string()), Some(max.to_string())),
        Kind::Real { min, max } => (Some(format_real(*min)), Some(format_real(*max))),
        Kind::Bool | Kind::String | Kind::Enum(_) => (None, None),
    }
}

/// `pg_settings_get_flags(name)`: NULL for a setting that does not exist.
fn pg_settings_get_flags(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let rows = session(cx)?.shared.settings.lock().rows();
    let Some(row) = rows.iter().find(|row| row.name.eq_ignore_ascii_case(text(args, 0))) else {
        return Ok(Datum::Null);
    };
    let flag = |set: bool, name: &'static str| set.then(|| Datum::text(name));
    let flags = row.definition.map(|d| {
        [
            flag(d.in_explain, "EXPLAIN"),
            flag(d.hidden, "NO_SHOW_ALL"),
            flag(d.no_reset_all, "NO_RESET_ALL"),
            flag(d.not_in_sample, "NOT_IN_SAMPLE"),
            flag(d.runtime_computed, "RUNTIME_COMPUTED"),
        ]
    });
    let flags = flags.into_iter().flatten().flatten().collect();
    Ok(Datum::Array(Arc::new(Array::vector(oids::TEXT, flags))))
}
