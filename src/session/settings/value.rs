//! One setting's value: from text, to text. Messages, hints and rounding follow PostgreSQL's `guc.c`.

use std::sync::Arc;

use dictdb_types::{Error, Result, SqlState};

use super::definition::{Definition, Kind};
use super::unit::Unit;

/// A setting's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of a [`Kind::Bool`].
    Bool(bool),
    /// Of a [`Kind::Int`], in the setting's unit.
    Int(i64),
    /// Of a [`Kind::Real`], in the setting's unit.
    Real(f64),
    /// Of a [`Kind::Enum`]: one of its words, in their spelling.
    Word(&'static str),
    /// Of a [`Kind::String`].
    Text(Arc<str>),
}

/// Reads `text` for a setting that the user called `name`; 22023 with PostgreSQL's messages.
pub fn parse(definition: &Definition, name: &str, text: &str) -> Result<Value> {
    match &definition.kind {
        Kind::Bool => parse_bool(text).map(Value::Bool).ok_or_else(|| {
            Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("parameter \"{name}\" requires a Boolean value"))
        }),
        Kind::Int { min, max } => parse_int(definition.unit, name, text, *min, *max).map(Value::Int),
        Kind::Real { min, max } => parse_real(definition.unit, name, text, *min, *max).map(Value::Real),
        Kind::String => Ok(Value::Text(text.into())),
        Kind::Enum(words) => parse_word(words, text).map(Value::Word).ok_or_else(|| {
            let words: Vec<&str> = words.iter().copied().filter(|word| !word.is_empty()).collect();
            invalid(name, text).hint(format!("Available values: {}.", words.join(", ")))
        }),
    }
}

/// `invalid value for parameter "name": "value"`.
pub fn invalid(name: &str, value: &str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid value for parameter \"{name}\": \"{value}\""))
}

/// PostgreSQL's boolean words: unique prefixes of true, false, yes, no, on, off, and 1 and 0, in any case.
pub fn parse_bool(text: &str) -> Option<bool> {
    let word = text.to_ascii_lowercase();
    match word.as_str() {
        "" | "o" => None,
        "1" | "on" => Some(true),
        "0" | "of" | "off" => Some(false),
        word if "true".starts_with(word) || "yes".starts_with(word) => Some(true),
        word if "false".starts_with(word) || "no".starts_with(word) => Some(false),
        _ => None,
    }
}

/// A word of an enumerated setting. The words PostgreSQL accepts without listing them are accepted here too.
fn parse_word(words: &[&'static str], text: &str) -> Option<&'static str> {
    let find = |wanted: &str| words.iter().copied().find(|word| word.eq_ignore_ascii_case(wanted));
    find(text).or_else(|| match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => find("on"),
        "false" | "no" | "0" => find("off"),
        "debug" => find("debug2"),
        "info" if words.contains(&"debug1") => Some("info"),
        _ => None,
    })
}

/// A number and what follows it.
struct Number<'a> {
    value: f64,
    rest: &'a str,
}

/// Splits a leading number off, in `strtol` base 0 or `strtod` notation.
fn leading_number(text: &str) -> Option<Number<'_>> {
    let text = text.trim_start();
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        let end = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
        let value = u64::from_str_radix(&hex[..end], 16).ok()?;
        return Some(Number { value: sign * value as f64, rest: &hex[end..] });
    }
    let end = decimal_end(digits);
    let written = &digits[..end];
    let octal = written.len() > 1 && written.starts_with('0') && written.bytes().all(|b| (b'0'..=b'7').contains(&b));
    let value = if octal { u64::from_str_radix(written, 8).ok()? as f64 } else { written.parse::<f64>().ok()? };
    Some(Number { value: sign * value, rest: &digits[end..] })
}

/// Where a decimal number with optional fraction and exponent ends.
fn decimal_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| from + bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent_end = digits((end + 1 + sign).min(bytes.len()));
        if exponent_end > end + 1 + sign {
            end = exponent_end;
        }
    }
    end
}

/// A number in the setting's unit, unrounded.
fn parse_number(unit: Unit, name: &str, text: &str) -> Result<f64> {
    let number = leading_number(text).ok_or_else(|| invalid(name, text))?;
    let written_unit = number.rest.trim_matches(|c: char| c.is_ascii_whitespace());
    if written_unit.is_empty() {
        return Ok(number.value);
    }
    match unit.hint() {
        None => Err(invalid(name, text)),
        Some(hint) => unit.to_base(number.value, written_unit).ok_or_else(|| invalid(name, text).hint(hint)),
    }
}

fn parse_int(unit: Unit, name: &str, text: &str, min: i64, max: i64) -> Result<i64> {
    let value = parse_number(unit, name, text)?.round_ties_even();
    if !(value >= f64::from(i32::MIN) && value <= f64::from(i32::MAX)) {
        return Err(invalid(name, text).hint("Value exceeds integer range."));
    }
    let value = value as i64;
    if (min..=max).contains(&value) { Ok(value) } else { Err(out_of_range(unit, name, value, min, max)) }
}

fn parse_real(unit: Unit, name: &str, text: &str, min: f64, max: f64) -> Result<f64> {
    let value = parse_number(unit, name, text)?;
    // The exported upper bound has six digits, a little below the largest double it stands for.
    let unbounded = max > 1.79e308;
    if value >= min && (value <= max || unbounded && value.is_finite()) {
        return Ok(value);
    }
    Err(out_of_range(unit, name, format_real(value), format_real(min), format_real(max)))
}

fn out_of_range<T: std::fmt::Display>(unit: Unit, name: &str, value: T, min: T, max: T) -> Error {
    let shown = match unit.name() {
        Some(unit) => format!("{value} {unit}"),
        None => value.to_string(),
    };
    let message = format!("{shown} is outside the valid range for parameter \"{name}\" ({min} .. {max})");
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

/// C's `%g`: six significant digits, no trailing zeros, exponent outside 1e-5 ≤ |x| < 1e6.
pub fn format_real(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let scientific = format!("{value:.5e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return trim_zeros(&format!("{value:.*}", (5 - exponent) as usize)).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trim_zeros(mantissa), exponent.abs())
}

fn trim_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

impl Value {
    /// What `SHOW` prints: numbers in their largest whole unit.
    pub fn show(&self, definition: &Definition) -> String {
        match self {
            Value::Int(number) if *number > 0 && definition.unit != Unit::None => {
                let (number, unit) = definition.unit.largest_whole(*number);
                format!("{number}{unit}")
            }
            Value::Int(mode) if matches!(definition.name, "data_directory_mode" | "log_file_mode") => {
                format!("{mode:04o}")
            }
            Value::Int(mode) if definition.name == "unix_socket_permissions" => format!("{mode:04o}"),
            Value::Real(number) if *number > 0.0 && definition.unit != Unit::None => {
                let (number, unit) = definition.unit.largest_whole_real(*number);
                format!("{}{unit}", format_real(number))
            }
            other => other.plain(),
        }
    }

    /// What `pg_settings.setting` holds: numbers in the setting's own unit.
    pub fn plain(&self) -> String {
        match self {
            Value::Bool(true) => "on".to_owned(),
            Value::Bool(false) => "off".to_owned(),
            Value::Int(number) => number.to_string(),
            Value::Real(number) => format_real(*number),
            Value::Word(word) => (*word).to_owned(),
            Value::Text(text) => text.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::definition;
    use super::*;

    fn setting(name: &str) -> &'static Definition {
        &definition::all()[definition::by_name(name).unwrap() as usize]
    }

    #[test]
    fn values_are_shown_as_postgres_shows_them() {
        for (name, text, shown) in [
            ("work_mem", "10.5MB", "10752kB"),
            ("work_mem", " 8 MB", "8MB"),
            ("statement_timeout", "1.5s", "1500ms"),
            ("statement_timeout", "90min", "90min"),
            ("statement_timeout", "1d", "1d"),
            ("statement_timeout", "1001", "1001ms"),
            ("statement_timeout", "0", "0"),
            ("enable_seqscan", "of", "off"),
            ("vacuum_cost_delay", "2us", "2us"),
            ("vacuum_cost_delay", "2000 us", "2ms"),
            ("extra_float_digits", "0x2", "2"),
            ("extra_float_digits", "1.6", "2"),
            ("bytea_output", "HEX", "hex"),
            ("synchronous_commit", "yes", "on"),
            ("client_min_messages", "debug", "debug2"),
            ("client_min_messages", "info", "info"),
            ("geqo_seed", "1e-3", "0.001"),
            ("temp_buffers", "8192kB", "8MB"),
            ("effective_cache_size", "1TB", "1TB"),
            ("jit_above_cost", "100000", "100000"),
            ("jit_above_cost", "10000000", "1e+07"),
        ] {
            let definition = setting(name);
            assert_eq!(parse(definition, name, text).unwrap().show(definition), shown, "{name} = {text}");
        }
    }

    #[test]
    fn wrong_values_are_refused_in_postgres_words() {
        for (name, text, message, hint) in [
            ("work_mem", "1kB", r#"1 kB is outside the valid range for parameter "work_mem" (64 .. 2147483647)"#, None),
            ("work_mem", "abc", r#"invalid value for parameter "work_mem": "abc""#, None),
            (
                "work_mem",
                "99999999999999999",
                r#"invalid value for parameter "work_mem": "99999999999999999""#,
                Some("Value exceeds integer range."),
            ),
            (
                "statement_timeout",
                "1x",
                r#"invalid value for parameter "statement_timeout": "1x""#,
                Some(r#"Valid units for this parameter are "us", "ms", "s", "min", "h", and "d"."#),
            ),
            ("enable_seqscan", "o", r#"parameter "enable_seqscan" requires a Boolean value"#, None),
            (
                "random_page_cost",
                "-1",
                r#"-1 is outside the valid range for parameter "random_page_cost" (0 .. 1.79769e+308)"#,
                None,
            ),
            (
                "password_encryption",
                "on",
                r#"invalid value for parameter "password_encryption": "on""#,
                Some("Available values: md5, scram-sha-256."),
            ),
            ("extra_float_digits", "1kB", r#"invalid value for parameter "extra_float_digits": "1kB""#, None),
        ] {
            let error = parse(setting(name), name, text).unwrap_err();
            assert_eq!(error.message(), message);
            assert_eq!(error.fields().hint.as_deref(), hint, "{message}");
        }
    }
}
