//! COPY's options, checked in PostgreSQL's order and with its messages.

use dictdb_parser::TypeName;
use dictdb_parser::utility::{DefElem, DefValue};
use dictdb_types::{Error, Result, SqlState};

use crate::encoding::{Codec, for_client};
use crate::settings::parse_bool;

/// The three formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CopyFormat {
    /// Tab-separated with backslash escapes.
    #[default]
    Text,
    /// Comma-separated with quotes.
    Csv,
    /// Length and bytes.
    Binary,
}

/// The first line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Header {
    /// It is data.
    #[default]
    None,
    /// It has the names of the columns.
    Names,
    /// It must have the names of the columns.
    Match,
}

/// Columns that an option is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Columns {
    /// None.
    #[default]
    None,
    /// `*`.
    All,
    /// These.
    Named(Vec<String>),
}

impl Columns {
    /// Whether a column is among them.
    pub(crate) fn contains(&self, name: &str) -> bool {
        match self {
            Columns::None => false,
            Columns::All => true,
            Columns::Named(names) => names.iter().any(|item| item == name),
        }
    }

    pub(crate) fn names(&self) -> &[String] {
        match self {
            Columns::Named(names) => names,
            _ => &[],
        }
    }
}

/// Everything that can be said about the format.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub format: CopyFormat,
    pub delimiter: u8,
    pub null: String,
    pub header: Header,
    pub quote: u8,
    pub escape: u8,
    pub force_quote: Columns,
    pub force_not_null: Columns,
    pub force_null: Columns,
    /// `FREEZE`: the table has to be new.
    pub freeze: bool,
    /// `ENCODING`, or the client's; `None` is UTF-8.
    pub codec: Option<&'static Codec>,
}

/// Options as they were written.
#[derive(Default)]
struct Given {
    format: Option<CopyFormat>,
    freeze: bool,
    delimiter: Option<String>,
    null: Option<String>,
    header: Option<Header>,
    quote: Option<String>,
    escape: Option<String>,
    force_quote: Columns,
    force_not_null: Columns,
    force_null: Columns,
    encoding: Option<Option<&'static Codec>>,
}

impl Options {
    /// Reads and checks the options of one COPY by a client of this encoding.
    pub(crate) fn read(list: &[DefElem], from: bool, client: Option<&'static Codec>) -> Result<Options> {
        let mut given = Given::default();
        let mut seen: Vec<&str> = Vec::new();
        for option in list {
            let name = option.name.value.as_str();
            if seen.contains(&name) {
                return Err(Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options").at(position(option)));
            }
            seen.push(name);
            given.take(option, name, from)?;
        }
        given.check(from)?;
        if given.freeze && !from {
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "COPY freeze only available using COPY FROM"));
        }
        Ok(given.finish(client))
    }
}

fn position(option: &DefElem) -> Option<u32> {
    dictdb_parser::position::of_span(option.name.span)
}

impl Given {
    fn take(&mut self, option: &DefElem, name: &str, from: bool) -> Result<()> {
        match name {
            "format" => {
                let format = required_text(option)?;
                self.format = Some(match format.as_str() {
                    "text" => CopyFormat::Text,
                    "csv" => CopyFormat::Csv,
                    "binary" => CopyFormat::Binary,
                    other => {
                        let message = format!("COPY format \"{other}\" not recognized");
                        return Err(invalid(message).at(position(option)));
                    }
                });
            }
            // Rows are readable by everybody once they are committed; there is nothing to freeze, only something to refuse.
            "freeze" => self.freeze = flag(option)?,
            "delimiter" => self.delimiter = Some(required_text(option)?),
            "null" => self.null = Some(required_text(option)?),
            "header" => self.header = Some(header(option, from)?),
            "quote" => self.quote = Some(required_text(option)?),
            "escape" => self.escape = Some(required_text(option)?),
            "force_quote" => self.force_quote = columns(option, true)?,
            "force_not_null" => self.force_not_null = columns(option, false)?,
            "force_null" => self.force_null = columns(option, false)?,
            "encoding" => self.encoding = Some(encoding(option)?),
            other => {
                let message = format!("option \"{other}\" not recognized");
                return Err(Error::new(SqlState::SYNTAX_ERROR, message).at(position(option)));
            }
        }
        Ok(())
    }

    fn check(&self, from: bool) -> Result<()> {
        let binary = self.format == Some(CopyFormat::Binary);
        let csv = self.format == Some(CopyFormat::Csv);
        let syntax = |message: &str| Err(Error::new(SqlState::SYNTAX_ERROR, message));
        if binary && self.delimiter.is_some() {
            return syntax("cannot specify DELIMITER in BINARY mode");
        }
        if binary && self.null.is_some() {
            return syntax("cannot specify NULL in BINARY mode");
        }
        self.check_delimiter(csv)?;
        if binary && self.header.is_some_and(|header| header != Header::None) {
            return unsupported("cannot specify HEADER in BINARY mode");
        }
        self.check_quotes(csv)?;
        self.check_forced(csv, from)?;
        let (delimiter, null) = (self.delimiter(csv), self.null(csv));
        if null.contains(delimiter) {
            return unsupported("COPY delimiter must not appear in the NULL specification");
        }
        if csv && null.contains(self.quote.as_deref().unwrap_or("\"")) {
            return unsupported("CSV quote character must not appear in the NULL specification");
        }
        Ok(())
    }

    fn delimiter(&self, csv: bool) -> &str {
        self.delimiter.as_deref().unwrap_or(if csv { "," } else { "\t" })
    }

    fn null(&self, csv: bool) -> &str {
        self.null.as_deref().unwrap_or(if csv { "" } else { "\\N" })
    }

    fn check_delimiter(&self, csv: bool) -> Result<()> {
        const RESERVED: &str = "\\.abcdefghijklmnopqrstuvwxyz0123456789";
        let delimiter = self.delimiter(csv);
        if delimiter.len() != 1 {
            return unsupported("COPY delimiter must be a single one-byte character");
        }
        if delimiter.contains(['\n', '\r']) {
            return Err(invalid("COPY delimiter cannot be newline or carriage return"));
        }
        if self.null(csv).contains(['\n', '\r']) {
            return Err(invalid("COPY null representation cannot use newline or carriage return"));
        }
        if !csv && RESERVED.contains(delimiter) {
            return Err(invalid(format!("COPY delimiter cannot be \"{delimiter}\"")));
        }
        Ok(())
    }

    fn check_quotes(&self, csv: bool) -> Result<()> {
        if !csv && self.quote.is_some() {
            return unsupported("COPY quote available only in CSV mode");
        }
        if self.quote.as_ref().is_some_and(|quote| quote.len() != 1) {
            return unsupported("COPY quote must be a single one-byte character");
        }
        if csv && self.delimiter(csv) == self.quote.as_deref().unwrap_or("\"") {
            return Err(invalid("COPY delimiter and quote must be different"));
        }
        if !csv && self.escape.is_some() {
            return unsupported("COPY escape available only in CSV mode");
        }
        if self.escape.as_ref().is_some_and(|escape| escape.len() != 1) {
            return unsupported("COPY escape must be a single one-byte character");
        }
        Ok(())
    }

    fn check_forced(&self, csv: bool, from: bool) -> Result<()> {
        let checks = [
            (&self.force_quote, "force quote", !from, "TO"),
            (&self.force_not_null, "force not null", from, "FROM"),
            (&self.force_null, "force null", from, "FROM"),
        ];
        for (columns, name, fits, direction) in checks {
            if *columns != Columns::None && !csv {
                return unsupported(format!("COPY {name} available only in CSV mode"));
            }
            if *columns != Columns::None && !fits {
                return unsupported(format!("COPY {name} only available using COPY {direction}"));
            }
        }
        Ok(())
    }

    fn finish(self, client: Option<&'static Codec>) -> Options {
        let csv = self.format == Some(CopyFormat::Csv);
        let byte = |text: &str| text.as_bytes().first().copied().unwrap_or(0);
        let quote = byte(self.quote.as_deref().unwrap_or("\""));
        Options {
            delimiter: byte(self.delimiter(csv)),
            null: self.null(csv).to_owned(),
            header: self.header.unwrap_or_default(),
            quote,
            escape: self.escape.as_deref().map_or(quote, byte),
            format: self.format.unwrap_or_default(),
            force_quote: self.force_quote,
            force_not_null: self.force_not_null,
            force_null: self.force_null,
            freeze: self.freeze,
            codec: self.encoding.unwrap_or(client),
        }
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn unsupported<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
}

/// An option's value as text, if it is one.
fn text(value: &DefValue) -> Option<String> {
    match value {
        DefValue::String(text) | DefValue::Keyword(text) | DefValue::Number(text) => Some(text.clone()),
        DefValue::Type(ty) => {
            let name = TypeName::of(ty)?;
            Some(name.names.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join("."))
        }
        DefValue::SetOf(_) | DefValue::Operator(_) | DefValue::List(_) | DefValue::Star => None,
    }
}

fn required_text(option: &DefElem) -> Result<String> {
    option
        .value
        .as_ref()
        .and_then(text)
        .ok_or_else(|| Error::new(SqlState::SYNTAX_ERROR, format!("{} requires a parameter", option.name.value)))
}

fn flag(option: &DefElem) -> Result<bool> {
    let Some(value) = &option.value else { return Ok(true) };
    text(value)
        .and_then(|text| parse_bool(&text))
        .ok_or_else(|| Error::new(SqlState::SYNTAX_ERROR, format!("{} requires a Boolean value", option.name.value)))
}

fn header(option: &DefElem, from: bool) -> Result<Header> {
    let value = option.value.as_ref().map(|value| text(value).unwrap_or_default());
    match value.as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("match") if from => Ok(Header::Match),
        Some("match") => unsupported("cannot use \"match\" with HEADER in COPY TO"),
        None => Ok(Header::Names),
        Some(word) => match parse_bool(word) {
            Some(true) => Ok(Header::Names),
            Some(false) => Ok(Header::None),
            None => {
                let message = format!("{} requires a Boolean value or \"match\"", option.name.value);
                Err(Error::new(SqlState::SYNTAX_ERROR, message))
            }
        },
    }
}

fn columns(option: &DefElem, star: bool) -> Result<Columns> {
    let names = match &option.value {
        Some(DefValue::Star) if star => return Ok(Columns::All),
        Some(DefValue::List(items)) => items.iter().map(text).collect::<Option<Vec<String>>>(),
        _ => None,
    };
    names.map(Columns::Named).ok_or_else(|| {
        let message = format!("argument to option \"{}\" must be a list of column names", option.name.value);
        invalid(message).at(position(option))
    })
}

/// The encoding of what is copied; `None` is UTF-8.
fn encoding(option: &DefElem) -> Result<Option<&'static Codec>> {
    let name = required_text(option)?;
    let Some(number) = dictdb_types::encoding::number(&name) else {
        let message = format!("argument to option \"{}\" must be a valid encoding name", option.name.value);
        return Err(invalid(message).at(position(option)));
    };
    match dictdb_types::encoding::NAMES[number] {
        "UTF8" | "SQL_ASCII" => Ok(None),
        shown => match for_client(shown) {
            Some(codec) => Ok(Some(codec)),
            None => Err(Error::unsupported(format!("encoding \"{name}\" in COPY"))),
        },
    }
}
