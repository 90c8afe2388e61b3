//! Values of text settings that must mean something: PostgreSQL's check hooks.

use dictdb_types::datetime::{date_style_name, parse_date_style, zone};
use dictdb_types::{Error, Result};

use super::definition::Definition;
use super::value::{Value, invalid};
use crate::settings::Derived;

/// Encodings that PostgreSQL knows by these names and DictDB does not convert to; compared without punctuation.
const OTHER_ENCODINGS: &[&str] = &[
    "abc",
    "alt",
    "big5",
    "eucjis2004",
    "euccn",
    "eucjp",
    "euckr",
    "euctw",
    "gb18030",
    "gbk",
    "iso88591",
    "iso885910",
    "iso885913",
    "iso885914",
    "iso885915",
    "iso885916",
    "iso88592",
    "iso88593",
    "iso88594",
    "iso88595",
    "iso88596",
    "iso88597",
    "iso88598",
    "iso88599",
    "johab",
    "koi8",
    "koi8r",
    "koi8u",
    "latin1",
    "latin10",
    "latin2",
    "latin3",
    "latin4",
    "latin5",
    "latin6",
    "latin7",
    "latin8",
    "latin9",
    "mskanji",
    "muleinternal",
    "shiftjis",
    "shiftjis2004",
    "sjis",
    "tcvn",
    "tcvn5712",
    "uhc",
    "vscii",
    "win",
    "win1250",
    "win1251",
    "win1252",
    "win1253",
    "win1254",
    "win1255",
    "win1256",
    "win1257",
    "win1258",
    "win866",
    "win874",
    "win932",
    "win936",
    "win949",
    "win950",
    "windows1250",
    "windows1251",
    "windows1252",
    "windows1253",
    "windows1254",
    "windows1255",
    "windows1256",
    "windows1257",
    "windows1258",
    "windows866",
    "windows874",
    "windows932",
    "windows936",
    "windows949",
    "windows950",
];

/// Brings a value into the form that is kept and shown, or refuses it.
pub(super) fn check(definition: &Definition, value: Value, current: &Derived, default: &Derived) -> Result<Value> {
    let Value::Text(text) = &value else { return Ok(value) };
    let kept = match definition.name {
        "DateStyle" => {
            let of = |derived: &Derived| (derived.format.date_style, derived.format.date_order);
            let style = parse_date_style(text, of(current), of(default));
            date_style_name(style.map_err(|detail| invalid("DateStyle", text).detail(detail))?)
        }
        "TimeZone" | "log_timezone" => zone::from_setting(text).ok_or_else(|| invalid(definition.name, text))?.1,
        "client_encoding" => client_encoding(text)?.to_owned(),
        "application_name" | "cluster_name" => printable_ascii(text),
        "lc_messages" | "lc_monetary" | "lc_numeric" | "lc_time" => locale(definition.name, text)?,
        "default_tablespace" => tablespace(definition.name, text)?,
        "default_table_access_method" => match text.as_ref() {
            "heap" => "heap".to_owned(),
            other => {
                let detail = format!("Table access method \"{other}\" does not exist.");
                return Err(invalid(definition.name, other).detail(detail));
            }
        },
        _ => return Ok(value),
    };
    Ok(Value::Text(kept.into()))
}

/// Whether PostgreSQL knows an encoding by this name.
pub(crate) fn is_encoding(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    matches!(plain.as_str(), "utf8" | "unicode" | "sqlascii") || OTHER_ENCODINGS.contains(&plain.as_str())
}

fn client_encoding(text: &str) -> Result<&'static str> {
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    match plain.as_str() {
        "utf8" | "unicode" => Ok("UTF8"),
        "sqlascii" => Ok("SQL_ASCII"),
        other if OTHER_ENCODINGS.contains(&other) => Err(Error::unsupported(format!("client encoding \"{text}\""))),
        _ => Err(invalid("client_encoding", text)),
    }
}

/// Names that end in logs and views are kept to printable ASCII.
fn printable_ascii(text: &str) -> String {
    text.bytes().map(|byte| if (32..127).contains(&byte) { char::from(byte) } else { '?' }).collect()
}

fn locale(name: &str, text: &str) -> Result<String> {
    match text {
        "" | "C" | "POSIX" | "C.UTF-8" | "C.utf8" | "en_US.UTF-8" | "en_US.utf8" => Ok(text.to_owned()),
        _ => Err(invalid(name, text)),
    }
}

fn tablespace(name: &str, text: &str) -> Result<String> {
    match text {
        "" | "pg_default" => Ok(text.to_owned()),
        _ => Err(invalid(name, text).detail(format!("Tablespace \"{text}\" does not exist."))),
    }
}
