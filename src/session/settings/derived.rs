//! What statements need of the settings, worked out once per change instead of once per statement.

use std::sync::Arc;
use std::time::Duration;

use dictdb_parser::Strings;
use dictdb_storage::WaitOptions;
use dictdb_types::datetime::{parse_date_style, parse_interval_style, zone};
use dictdb_types::env::RestrictedKinds;
use dictdb_types::xml::XmlOption;
use dictdb_types::{ByteaOutput, DateOrder, DateStyle, FormatSettings, Severity, unquote_identifier};

use super::Settings;
use crate::encoding::{Codec, for_client};
use crate::function_statistics::TrackFunctions;
use crate::log::LogWishes;
use crate::rate_limits::Rate;
use crate::transaction::Modes;

/// Settings in the form the code wants them.
#[derive(Clone, Debug)]
pub struct Derived {
    /// How values look as text.
    pub format: Arc<FormatSettings>,
    /// `statement_timeout` in milliseconds; zero is none.
    pub statement_timeout_ms: u64,
    /// `lock_timeout` in milliseconds; zero is none.
    pub lock_timeout_ms: u64,
    /// `idle_in_transaction_session_timeout` in milliseconds; zero is none.
    pub idle_in_transaction_timeout_ms: u64,
    /// `idle_session_timeout` in milliseconds; zero is none.
    pub idle_session_timeout_ms: u64,
    /// `client_min_messages`.
    pub client_min_messages: Severity,
    /// `search_path`, split; `"$user"` stands as it is.
    pub search_path: Arc<[String]>,
    /// `synchronous_commit` other than `off`.
    pub synchronous_commit: bool,
    /// `standard_conforming_strings` and `escape_string_warning`.
    pub strings: Strings,
    /// `default_transaction_isolation` and its kin.
    pub transaction_modes: Modes,
    /// `session_replication_role` is `replica`: triggers and foreign keys are not for this session.
    pub is_replica: bool,
    /// `dictdb.skip_validation`: CHECK constraints and foreign keys of what is written are not evaluated.
    pub skips_validation: bool,
    /// What converts texts from and to `client_encoding`; UTF8 and SQL_ASCII need nothing.
    pub codec: Option<&'static Codec>,
    /// What is logged.
    pub log: LogWishes,
    /// `track_functions`.
    pub track_functions: TrackFunctions,
    /// `dictdb.rate_limit`.
    pub rate_limit: Option<Rate>,
    /// `dictdb.rate_limit_by_address`.
    pub rate_limit_by_address: Option<Rate>,
    /// `restrict_nonsystem_relation_kind`.
    pub restricted_kinds: RestrictedKinds,
    /// `quote_all_identifiers`.
    pub quotes_all_identifiers: bool,
    /// What is wanted of the cache of results.
    pub caching: crate::result_cache::Wishes,
}

impl Default for Derived {
    fn default() -> Self {
        Derived {
            format: Arc::default(),
            statement_timeout_ms: 0,
            lock_timeout_ms: 0,
            idle_in_transaction_timeout_ms: 0,
            idle_session_timeout_ms: 0,
            client_min_messages: Severity::Notice,
            search_path: Arc::new(["$user".to_owned(), "public".to_owned()]),
            synchronous_commit: true,
            strings: Strings::Standard,
            transaction_modes: Modes::default(),
            is_replica: false,
            skips_validation: false,
            codec: None,
            log: LogWishes::default(),
            track_functions: TrackFunctions::None,
            rate_limit: None,
            rate_limit_by_address: None,
            restricted_kinds: RestrictedKinds::default(),
            quotes_all_identifiers: false,
            caching: Default::default(),
        }
    }
}

impl Derived {
    /// How long locks are waited for.
    pub fn wait_options(&self) -> WaitOptions {
        let timeout = (self.lock_timeout_ms > 0).then(|| Duration::from_millis(self.lock_timeout_ms));
        WaitOptions { timeout, note_after: self.log.waits_after }
    }

    pub(super) fn of(settings: &Settings) -> Derived {
        let milliseconds = |name: &str| u64::try_from(settings.int(name)).unwrap_or(0);
        Derived {
            format: Arc::new(format_settings(settings)),
            statement_timeout_ms: milliseconds("statement_timeout"),
            lock_timeout_ms: milliseconds("lock_timeout"),
            idle_in_transaction_timeout_ms: milliseconds("idle_in_transaction_session_timeout"),
            idle_session_timeout_ms: milliseconds("idle_session_timeout"),
            client_min_messages: severity(&settings.text("client_min_messages")),
            search_path: split_identifiers(&settings.text("search_path")).unwrap_or_default().into(),
            synchronous_commit: settings.text("synchronous_commit") != "off",
            strings: match settings.bool("standard_conforming_strings") {
                true => Strings::Standard,
                false => Strings::Escaped { warn: settings.bool("escape_string_warning") },
            },
            transaction_modes: Modes::from_settings(settings),
            is_replica: settings.text("session_replication_role") == "replica",
            skips_validation: settings.bool("dictdb.skip_validation"),
            codec: for_client(&settings.text("client_encoding")),
            log: LogWishes::of(settings),
            track_functions: TrackFunctions::named(&settings.text("track_functions")),
            // The word off is no rate.
            rate_limit: Rate::parse(&settings.text("dictdb.rate_limit")),
            rate_limit_by_address: Rate::parse(&settings.text("dictdb.rate_limit_by_address")),
            restricted_kinds: restricted_kinds(&settings.text("restrict_nonsystem_relation_kind")),
            quotes_all_identifiers: settings.bool("quote_all_identifiers"),
            caching: crate::result_cache::Wishes::of(settings),
        }
    }
}

fn format_settings(settings: &Settings) -> FormatSettings {
    let iso = (DateStyle::Iso, DateOrder::Mdy);
    let (date_style, date_order) = parse_date_style(&settings.text("DateStyle"), iso, iso).unwrap_or(iso);
    FormatSettings {
        date_style,
        date_order,
        interval_style: parse_interval_style(&settings.text("IntervalStyle")).unwrap_or_default(),
        time_zone: zone::from_setting(&settings.text("TimeZone")).map_or(jiff::tz::TimeZone::UTC, |zone| zone.0),
        extra_float_digits: settings.int("extra_float_digits") as i32,
        bytea_output: match settings.text("bytea_output").as_str() {
            "escape" => ByteaOutput::Escape,
            _ => ByteaOutput::Hex,
        },
        xml_option: match settings.text("xmloption").as_str() {
            "document" => XmlOption::Document,
            _ => XmlOption::Content,
        },
        xml_binary_hex: settings.text("xmlbinary") == "hex",
    }
}

fn restricted_kinds(list: &str) -> RestrictedKinds {
    let mut kinds = RestrictedKinds::default();
    for word in split_identifiers(list).unwrap_or_default() {
        // The words were checked when they were set.
        kinds.add(&word);
    }
    kinds
}

fn severity(word: &str) -> Severity {
    match word {
        "debug5" | "debug4" | "debug3" | "debug2" | "debug1" => Severity::Debug,
        "log" => Severity::Log,
        "info" => Severity::Info,
        "warning" => Severity::Warning,
        "error" => Severity::Error,
        _ => Severity::Notice,
    }
}

/// Splits a comma-separated list of identifiers, folding unquoted ones; `None` when the list is malformed.
pub fn split_identifiers(list: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = list.trim_start();
    while !rest.is_empty() {
        let (name, after) = match rest.strip_prefix('"') {
            Some(quoted) => unquote_identifier(quoted)?,
            None => {
                let end = rest.find([',', ' ', '\t', '\n', '\r']).unwrap_or(rest.len());
                (rest[..end].to_ascii_lowercase(), &rest[end..])
            }
        };
        names.push(name);
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(next) if !next.trim_start().is_empty() => rest = next.trim_start(),
            None if rest.is_empty() => {}
            _ => return None,
        }
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::split_identifiers;

    #[test]
    fn identifier_lists_are_split() {
        let split = |list| split_identifiers(list).map(|names| names.join("|"));
        assert_eq!(split(r#""$user", public"#).as_deref(), Some("$user|public"));
        assert_eq!(split(r#"A, "B ""c""" ,d"#).as_deref(), Some(r#"a|B "c"|d"#));
        assert_eq!(split(r#""""#).as_deref(), Some(""));
        assert_eq!(split("").as_deref(), Some(""));
        assert_eq!(split("a,"), None);
        assert_eq!(split(r#""a"#), None);
    }
}
