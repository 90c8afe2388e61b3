//! The template of the extension `dict_int`: numbers, cut to a length or taken for stop words beyond it.

use std::sync::Arc;

use dictdb_types::{Result, bail};

use super::{Lexeme, Lexized, Options};

/// A dictionary of the template.
#[derive(Debug)]
pub(in super::super) struct Integers {
    /// Most digits.
    longest: usize,
    /// Whether longer numbers are stop words.
    rejects_long: bool,
    /// Whether signs go.
    absolute: bool,
}

impl Integers {
    /// 22023, 42601.
    pub(super) fn new(options: &[(Arc<str>, Arc<str>)]) -> Result<Self> {
        let options = Options::new("intdict", &["maxlen", "rejectlong", "absval"], options)?;
        let longest = options.get("maxlen").map_or(6, leading_number);
        if longest < 1 {
            bail!(INVALID_PARAMETER_VALUE, "maxlen value has to be >= 1");
        }
        Ok(Integers {
            longest: longest as usize,
            rejects_long: options.boolean("rejectlong")?.unwrap_or(false),
            absolute: options.boolean("absval")?.unwrap_or(false),
        })
    }

    pub(super) fn lexize(&self, token: &str) -> Lexized {
        let number = match token.strip_prefix(['+', '-']) {
            Some(digits) if self.absolute => digits,
            _ => token,
        };
        let cut = number.char_indices().nth(self.longest).map(|(at, _)| at);
        match cut {
            Some(_) if self.rejects_long => Lexized::Known(Vec::new()),
            Some(end) => Lexized::Known(vec![Lexeme::plain(number[..end].to_owned())]),
            None => Lexized::Known(vec![Lexeme::plain(number.to_owned())]),
        }
    }
}

/// The number at the front of a text as C's `atoi` reads it.
fn leading_number(text: &str) -> i64 {
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    sign * digits[..end].parse::<i64>().unwrap_or_default()
}
