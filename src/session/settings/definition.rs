//! The table of settings: PostgreSQL 15's own from `facts/settings.tsv`, DictDB's from `facts/dictdb_settings.tsv`, those of extensions
//! from `facts/extension_settings.tsv`.
//!
//! All files have the columns of `pg_settings`. Values at run time are in [`super::Settings`].

use std::collections::HashMap;
use std::sync::LazyLock;

use dictdb_types::Error;

use super::unit::Unit;

/// What kind of value a setting takes, with its limits.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `on` or `off`.
    Bool,
    /// A whole number between two bounds, in [`Definition::unit`].
    Int {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
    },
    /// A number between two bounds.
    Real {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
    },
    /// Any text, unless a check in [`super::check`] objects.
    String,
    /// One of these words.
    Enum(Vec<&'static str>),
}

/// When a setting may be changed, as `pg_settings.context`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Context {
    /// Never.
    Internal,
    /// At server start.
    Postmaster,
    /// When the configuration file is read again.
    Sighup,
    /// When a superuser's connection starts.
    SuperuserBackend,
    /// When a connection starts.
    Backend,
    /// By a superuser at any time.
    Superuser,
    /// By anybody at any time.
    User,
}

impl Context {
    /// `pg_settings.context`.
    pub fn name(self) -> &'static str {
        match self {
            Context::Internal => "internal",
            Context::Postmaster => "postmaster",
            Context::Sighup => "sighup",
            Context::SuperuserBackend => "superuser-backend",
            Context::Backend => "backend",
            Context::Superuser => "superuser",
            Context::User => "user",
        }
    }

    fn by_name(name: &str) -> Context {
        match name {
            "postmaster" => Context::Postmaster,
            "sighup" => Context::Sighup,
            "superuser-backend" => Context::SuperuserBackend,
            "backend" => Context::Backend,
            "superuser" => Context::Superuser,
            "user" => Context::User,
            _ => Context::Internal,
        }
    }
}

/// One setting.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The name in its own spelling, such as `DateStyle`.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// When it may change.
    pub context: Context,
    /// What its number counts.
    pub unit: Unit,
    /// The built-in default as text.
    pub default: Option<&'static str>,
    /// `GUC_EXPLAIN`: shown by `EXPLAIN (SETTINGS)`.
    pub in_explain: bool,
    /// `GUC_NO_RESET_ALL`: `RESET ALL` leaves it alone.
    pub no_reset_all: bool,
    /// `GUC_NOT_IN_SAMPLE`: the sample configuration file leaves it out.
    pub not_in_sample: bool,
    /// `GUC_RUNTIME_COMPUTED`: the server finds it out as it starts.
    pub runtime_computed: bool,
    /// Absent from `SHOW ALL` and `pg_settings`, though `SHOW name` knows it.
    pub hidden: bool,
    /// Shown to those only who have the privileges of `pg_read_all_settings`.
    pub confidential: bool,
    /// `GUC_REPORT`: clients are told of every change.
    pub reported: bool,
    /// `GUC_LIST_INPUT`: `SET` takes several values, joined by commas.
    pub list: bool,
    /// `GUC_LIST_QUOTE`: the values of such a list are identifiers.
    pub quoted_list: bool,
    /// `pg_settings.category`.
    pub category: &'static str,
    /// `pg_settings.short_desc`.
    pub short_description: &'static str,
    /// `pg_settings.extra_desc`, or empty.
    pub extra_description: &'static str,
}

/// Index of a setting in [`all`].
pub type SettingId = u16;

const FACTS: &[&str] = &[
    include_str!("../facts/settings.tsv"),
    include_str!("../facts/dictdb_settings.tsv"),
    include_str!("../facts/extension_settings.tsv"),
];

/// What `pg_settings` does not say: `GUC_REPORT`.
const REPORTED: &[&str] = &[
    "application_name",
    "client_encoding",
    "DateStyle",
    "default_transaction_read_only",
    "in_hot_standby",
    "integer_datetimes",
    "IntervalStyle",
    "is_superuser",
    "server_encoding",
    "server_version",
    "session_authorization",
    "standard_conforming_strings",
    "TimeZone",
];

/// `GUC_LIST_INPUT`.
const LISTS: &[&str] = &[
    "DateStyle",
    "listen_addresses",
    "log_destination",
    "restrict_nonsystem_relation_kind",
    "synchronous_standby_names",
    "unix_socket_directories",
    "wal_consistency_checking",
];

/// `GUC_LIST_INPUT | GUC_LIST_QUOTE`.
const QUOTED_LISTS: &[&str] = &[
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
];

/// `GUC_IS_NAME`.
const NAMES: &[&str] = &[
    "application_name",
    "client_encoding",
    "cluster_name",
    "default_table_access_method",
    "default_tablespace",
    "role",
    "server_encoding",
    "session_authorization",
];

/// `GUC_NO_SHOW_ALL`.
const HIDDEN: &[&str] =
    &["default_with_oids", "is_superuser", "role", "seed", "session_authorization", "ssl_renegotiation_limit"];

/// `GUC_SUPERUSER_ONLY`.
const CONFIDENTIAL: &[&str] = &[
    "config_file",
    "data_directory",
    "dynamic_library_path",
    "external_pid_file",
    "hba_file",
    "ident_file",
    "jit_provider",
    "krb_server_keyfile",
    "log_directory",
    "log_filename",
    "primary_conninfo",
    "session_preload_libraries",
    "shared_preload_libraries",
    "ssl_ciphers",
    "ssl_dh_params_file",
    "ssl_ecdh_curve",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "ssl_passphrase_command",
    "unix_socket_directories",
];

/// The part of a setting's value that is kept, with a notice when it is not all: values that are names have a name's length.
pub fn kept_part<'a>(name: &str, text: &'a str) -> (&'a str, Option<Error>) {
    match dictdb_parser::truncation(text).filter(|_| NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))) {
        Some((length, notice)) => (&text[..length], Some(notice)),
        None => (text, None),
    }
}

static TABLE: LazyLock<Vec<Definition>> = LazyLock::new(|| {
    let lines = FACTS.iter().flat_map(|facts| facts.lines()).filter(|line| !line.starts_with('#'));
    let mut table: Vec<Definition> = lines.filter_map(parse_line).collect();
    table.sort_by_key(|setting| setting.name.to_ascii_lowercase());
    table
});

static BY_NAME: LazyLock<HashMap<String, SettingId>> = LazyLock::new(|| {
    TABLE.iter().enumerate().map(|(id, setting)| (setting.name.to_ascii_lowercase(), id as SettingId)).collect()
});

fn parse_line(line: &'static str) -> Option<Definition> {
    let columns: Vec<&'static str> = line.split('\t').collect();
    let [name, kind, context, unit, min, max, values, default, flags, category, short, extra] =
        columns.try_into().ok()?;
    let kind = match kind {
        "bool" => Kind::Bool,
        "integer" => Kind::Int { min: min.parse().ok()?, max: max.parse().ok()? },
        "real" => Kind::Real { min: min.parse().ok()?, max: max.parse().ok()? },
        "enum" => Kind::Enum(values.split('|').collect()),
        _ => Kind::String,
    };
    Some(Definition {
        name,
        kind,
        context: Context::by_name(context),
        unit: Unit::by_name(unit),
        default: (default != "\\N").then_some(default),
        in_explain: flags.contains("EXPLAIN"),
        no_reset_all: flags.contains("NO_RESET_ALL"),
        not_in_sample: flags.contains("NOT_IN_SAMPLE"),
        runtime_computed: flags.contains("RUNTIME_COMPUTED"),
        hidden: HIDDEN.contains(&name),
        confidential: CONFIDENTIAL.contains(&name),
        reported: REPORTED.contains(&name),
        list: LISTS.contains(&name) || QUOTED_LISTS.contains(&name),
        quoted_list: QUOTED_LISTS.contains(&name),
        category,
        short_description: short,
        extra_description: extra,
    })
}

/// Every setting, ordered by name without regard to case.
pub fn all() -> &'static [Definition] {
    &TABLE
}

/// The setting of that name, in any case. PostgreSQL's two old names are known too.
pub fn by_name(name: &str) -> Option<SettingId> {
    let name = name.to_ascii_lowercase();
    let current = match name.as_str() {
        "sort_mem" => "work_mem",
        "vacuum_mem" => "maintenance_work_mem",
        other => other,
    };
    BY_NAME.get(current).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_are_complete_and_every_default_is_a_value() {
        assert!(all().len() > 350, "{} settings", all().len());
        for definition in all() {
            if let Some(default) = definition.default
                && let Err(error) = super::super::value::parse(definition, definition.name, default)
            {
                // Numbers that PostgreSQL works out at start have a boot value outside their own range.
                assert!(error.message().contains("outside the valid range"), "{error}");
            }
        }
        for name in REPORTED.iter().chain(LISTS).chain(QUOTED_LISTS).chain(HIDDEN) {
            assert!(by_name(name).is_some(), "{name} is not a setting");
        }
    }
}
