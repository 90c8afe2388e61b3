//! What type a column of a file has, told from all of its values.
//!
//! A value rules out the types that it is not written as. What is left at the end, the narrowest first, is the column's type. Types are
//! recognised by the form in which they are usually written and not by all that their input functions take: `1` is no boolean, `007`
//! and `+33612345678` are no numbers, `20240131` is no date.

use dictdb_types::{Env, Oid, Type, oids, text};

/// The types, narrowest first.
const TYPES: [(&str, Oid, Form); 11] = [
    ("boolean", oids::BOOL, is_boolean),
    ("integer", oids::INT4, is_integer),
    ("bigint", oids::INT8, is_integer),
    ("numeric", oids::NUMERIC, is_decimal),
    ("double precision", oids::FLOAT8, is_float),
    ("date", oids::DATE, is_date),
    ("timestamp without time zone", oids::TIMESTAMP, is_timestamp),
    ("timestamp with time zone", oids::TIMESTAMPTZ, is_timestamp_with_zone),
    ("uuid", oids::UUID, is_uuid),
    ("jsonb", oids::JSONB, is_json),
    ("text", oids::TEXT, |_| true),
];
/// The last of them, which takes everything.
const TEXT: usize = TYPES.len() - 1;

/// Whether a value is written as values of a type are.
type Form = fn(&str) -> bool;

/// What the values of a column so far leave of [`TYPES`], as a set of bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guess {
    left: u16,
    /// It has had a value that is not NULL.
    has_value: bool,
}

impl Default for Guess {
    fn default() -> Guess {
        Guess { left: (1 << TYPES.len()) - 1, has_value: false }
    }
}

impl Guess {
    /// Takes a value into account.
    pub(super) fn see(&mut self, value: &str, env: &dyn Env) {
        self.has_value = true;
        for (index, (_, oid, form)) in TYPES.iter().enumerate().take(TEXT) {
            let fits = || form(value) && text::input(value, Type::new(*oid), env).is_ok();
            if self.left & (1 << index) != 0 && !fits() {
                self.left &= !(1 << index);
            }
        }
    }

    /// The type's name in SQL; a column without values is text.
    pub(super) fn type_name(self) -> &'static str {
        let narrowest = if self.has_value { self.left.trailing_zeros() as usize } else { TEXT };
        TYPES[narrowest.min(TEXT)].0
    }
}

fn is_boolean(value: &str) -> bool {
    ["true", "false", "t", "f"].iter().any(|word| word.eq_ignore_ascii_case(value))
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Digits without a sign, and without zeros before others.
fn is_natural(text: &str) -> bool {
    all_digits(text) && (text.len() == 1 || !text.starts_with('0'))
}

fn unsigned(value: &str) -> &str {
    value.strip_prefix('-').unwrap_or(value)
}

fn is_integer(value: &str) -> bool {
    is_natural(unsigned(value))
}

fn is_decimal(value: &str) -> bool {
    match unsigned(value).split_once('.') {
        None => is_integer(value),
        Some((whole, part)) => (whole.is_empty() || is_natural(whole)) && all_digits(part),
    }
}

fn is_float(value: &str) -> bool {
    if ["nan", "inf", "infinity"].iter().any(|word| unsigned(value).eq_ignore_ascii_case(word)) {
        return true;
    }
    match value.split_once(['e', 'E']) {
        None => is_decimal(value),
        Some((digits, exponent)) => {
            is_decimal(digits) && all_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
        }
    }
}

/// Whether a text has this picture: `0` is a digit, everything else itself.
fn looks_like(text: &str, picture: &str) -> bool {
    text.len() == picture.len()
        && text.bytes().zip(picture.bytes()).all(|(byte, wanted)| match wanted {
            b'0' => byte.is_ascii_digit(),
            other => byte == other,
        })
}

fn is_date(value: &str) -> bool {
    looks_like(value, "0000-00-00")
}

fn is_timestamp(value: &str) -> bool {
    match value.split_once([' ', 'T']) {
        None => is_date(value),
        Some((date, time)) => is_date(date) && is_time(time),
    }
}

/// Hours and minutes, and maybe seconds and a part of one.
fn is_time(text: &str) -> bool {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    all_digits(part) && (looks_like(whole, "00:00:00") || looks_like(text, "00:00"))
}

fn is_timestamp_with_zone(value: &str) -> bool {
    let Some((date, time)) = value.split_once([' ', 'T']) else { return false };
    let zone = time.find(['+', '-', 'Z']).map(|at| time.split_at(at));
    let is_zone = |zone: &str| {
        zone == "Z" || zone.get(1..).is_some_and(|hours| ["00", "00:00", "0000"].iter().any(|p| looks_like(hours, p)))
    };
    zone.is_some_and(|(time, zone)| is_date(date) && is_time(time) && is_zone(zone))
}

fn is_uuid(value: &str) -> bool {
    let groups: Vec<usize> = value.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && value.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Objects and arrays; a number or a word is not taken for JSON.
fn is_json(value: &str) -> bool {
    value.starts_with(['{', '['])
}

#[cfg(test)]
mod tests {
    use dictdb_types::env::BareEnv;

    use super::*;

    fn guess(values: &[&str]) -> &'static str {
        let mut guess = Guess::default();
        values.iter().for_each(|value| guess.see(value, &BareEnv::default()));
        guess.type_name()
    }

    #[test]
    fn the_narrowest_type_of_all_values_is_taken() {
        assert_eq!(guess(&[]), "text");
        assert_eq!(guess(&["true", "F"]), "boolean");
        assert_eq!(guess(&["1", "0"]), "integer");
        assert_eq!(guess(&["1", "-2147483649"]), "bigint");
        assert_eq!(guess(&["1", "99999999999999999999"]), "numeric");
        assert_eq!(guess(&["1", "1.50", "-.5"]), "numeric");
        assert_eq!(guess(&["1.5", "1e-3"]), "double precision");
        assert_eq!(guess(&["1.5", "NaN"]), "double precision");
        assert_eq!(guess(&["2024-02-29"]), "date");
        assert_eq!(guess(&["2024-02-29", "2024-03-01 10:00"]), "timestamp without time zone");
        assert_eq!(guess(&["2024-03-01T10:00:00.5Z", "2024-03-01 10:00+02"]), "timestamp with time zone");
        assert_eq!(guess(&["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]), "uuid");
        assert_eq!(guess(&["{\"a\": 1}", "[]"]), "jsonb");
    }

    #[test]
    fn what_is_not_written_so_stays_text() {
        for values in [["007", "1"], ["+33612345678", "1"], ["1", "true"], ["2023-02-29", "2024-01-01"], ["", "1"]] {
            assert_eq!(guess(&values), "text", "{values:?}");
        }
        assert_eq!(guess(&[" 1"]), "text");
        assert_eq!(guess(&["{not json"]), "text");
        assert_eq!(guess(&["2024-03-01 10:00", "2024-03-01 10:00Z"]), "text");
    }
}
