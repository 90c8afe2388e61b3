//! Values of text settings that must mean something: PostgreSQL's check hooks.

use dictdb_types::datetime::{date_style_name, parse_date_style, zone};
use dictdb_types::env::RestrictedKinds;
use dictdb_types::{Error, Result, SqlState, encoding};

use super::definition::Definition;
use super::derived::split_identifiers;
use super::value::{Value, invalid};
use crate::encoding::for_client;
use crate::rate_limits::Rate;
use crate::result_cache::POLICIES;
use crate::settings::Derived;

/// Settings that would change what statements or sessions do or what is logged, and are not followed: they stay as they are by default,
/// which is off.
const NOT_FOLLOWED: [&str; 6] = [
    "client_connection_check_interval",
    "exit_on_error",
    "log_hostname",
    "log_parameter_max_length_on_error",
    "logging_collector",
    "transform_null_equals",
];

/// Brings a value into the form that is kept and shown, or refuses it.
pub(super) fn check(definition: &Definition, value: Value, current: &Derived, default: &Derived) -> Result<Value> {
    if definition.name == "default_with_oids" && value == Value::Bool(true) {
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "tables declared WITH OIDS are not supported"));
    }
    if NOT_FOLLOWED.contains(&definition.name) && !matches!(value, Value::Bool(false) | Value::Int(0)) {
        return Err(Error::unsupported(format_args!("setting \"{}\"", definition.name)));
    }
    let Value::Text(text) = &value else { return Ok(value) };
    let kept = match definition.name {
        "DateStyle" => {
            let of = |derived: &Derived| (derived.format.date_style, derived.format.date_order);
            let style = parse_date_style(text, of(current), of(default));
            date_style_name(style.map_err(|detail| invalid("DateStyle", text).detail(detail))?)
        }
        "TimeZone" | "log_timezone" => zone::from_setting(text).ok_or_else(|| invalid(definition.name, text))?.1,
        "client_encoding" => client_encoding(text)?.to_owned(),
        "log_destination" => log_destination(text)?,
        "application_name" | "cluster_name" => printable_ascii(text),
        "lc_messages" | "lc_monetary" | "lc_numeric" | "lc_time" => locale(definition.name, text)?,
        "plpgsql.extra_errors" | "plpgsql.extra_warnings" => extra_checks(definition.name, text)?,
        "dictdb.rate_limit" | "dictdb.rate_limit_by_address" => rate_limit(definition.name, text)?,
        "dictdb.cache_policy" => cache_policy(text)?,
        "restrict_nonsystem_relation_kind" => restricted_kinds(text)?,
        "search_path" | "temp_tablespaces" => identifiers(definition.name, text)?,
        "default_table_access_method" if text.is_empty() => {
            let detail = format!("{} cannot be empty.", definition.name);
            return Err(invalid(definition.name, text).detail(detail));
        }
        _ => return Ok(value),
    };
    Ok(Value::Text(kept.into()))
}

/// The name of a policy, or nothing.
fn cache_policy(text: &str) -> Result<String> {
    let mut names = POLICIES.iter().map(|policy| policy.name);
    match text.to_ascii_lowercase() {
        name if name.is_empty() || names.any(|known| known == name) => Ok(name),
        _ => {
            let names: Vec<&str> = POLICIES.iter().map(|policy| policy.name).collect();
            Err(invalid("dictdb.cache_policy", text).hint(format!("Available values: {}.", names.join(", "))))
        }
    }
}

/// Entries go to standard error; `log_file` and `log_json` are the way to files and objects. 22023, 0A000.
fn log_destination(text: &str) -> Result<String> {
    const PLACES: [&str; 4] = ["stderr", "csvlog", "jsonlog", "syslog"];
    let refused = |detail: &str| invalid("log_destination", text).detail(detail);
    let words = split_identifiers(text).ok_or_else(|| refused("List syntax is invalid."))?;
    let is_known = |word: &&String| PLACES.contains(&word.to_ascii_lowercase().as_str());
    if let Some(word) = words.iter().find(|word| !is_known(word)) {
        return Err(refused(&format!("Unrecognized key word: \"{word}\".")));
    }
    match words.iter().find(|word| !word.eq_ignore_ascii_case("stderr")) {
        Some(word) => Err(Error::unsupported(format_args!("\"{word}\" in setting \"log_destination\""))),
        None => Ok(text.to_owned()),
    }
}

fn client_encoding(text: &str) -> Result<&'static str> {
    match encoding::number(text).map(|number| encoding::NAMES[number]) {
        Some(name) if matches!(name, "UTF8" | "SQL_ASCII") || for_client(name).is_some() => Ok(name),
        Some(_) => Err(Error::unsupported(format!("client encoding \"{text}\""))),
        None => Err(invalid("client_encoding", text)),
    }
}

/// `all`, `none`, or a list of PL/pgSQL's checks.
fn extra_checks(name: &str, text: &str) -> Result<String> {
    let one = |word: &str| word.eq_ignore_ascii_case("all") || word.eq_ignore_ascii_case("none");
    if one(text) {
        return Ok(text.to_owned());
    }
    for word in text.split(',').map(str::trim) {
        let lower = word.to_ascii_lowercase();
        if one(word) {
            let detail = format!("Key word \"{word}\" cannot be combined with other key words.");
            return Err(invalid(name, text).detail(detail));
        }
        if !matches!(lower.as_str(), "shadowed_variables" | "too_many_rows" | "strict_multi_assignment") {
            return Err(invalid(name, text).detail(format!("Unrecognized key word: \"{word}\".")));
        }
    }
    Ok(text.to_owned())
}

/// Names that end in logs and views are kept to printable ASCII.
fn printable_ascii(text: &str) -> String {
    text.bytes().map(|byte| if (32..127).contains(&byte) { char::from(byte) } else { '?' }).collect()
}

fn rate_limit(name: &str, text: &str) -> Result<String> {
    if text.eq_ignore_ascii_case("off") {
        return Ok("off".to_owned());
    }
    let hint = "A rate is a number of statements and an interval, such as 1000/60s, 10/s, 5000/h; off is none.";
    Rate::parse(text).map(|_| text.to_owned()).ok_or_else(|| invalid(name, text).hint(hint))
}

fn locale(name: &str, text: &str) -> Result<String> {
    match text {
        "" | "C" | "POSIX" | "C.UTF-8" | "C.utf8" | "en_US.UTF-8" | "en_US.utf8" => Ok(text.to_owned()),
        _ => Err(invalid(name, text)),
    }
}

/// A list of names as SQL writes them.
/// A list of kinds of relations, as [`RestrictedKinds`] reads it.
fn restricted_kinds(text: &str) -> Result<String> {
    const NAME: &str = "restrict_nonsystem_relation_kind";
    let words = split_identifiers(text).ok_or_else(|| invalid(NAME, text).detail("List syntax is invalid."))?;
    match words.iter().find(|word| !RestrictedKinds::default().add(word)) {
        Some(unknown) => Err(invalid(NAME, text).detail(format!("Unrecognized key word: \"{unknown}\"."))),
        None => Ok(text.to_owned()),
    }
}

fn identifiers(name: &str, text: &str) -> Result<String> {
    match split_identifiers(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(invalid(name, text).detail("List syntax is invalid.")),
    }
}
