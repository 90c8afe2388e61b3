//! Tokens of JSON text and the errors that show where they went wrong.

use crate::{Error, Result, SqlState};

/// A token; numbers and strings are their text in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    Comma,
    Colon,
    String,
    Number,
    True,
    False,
    Null,
    End,
}

/// Bytes of a line that an error shows at most.
const CONTEXT_BYTES: usize = 50;

pub(super) struct Lexer<'a> {
    input: &'a str,
    /// Whether escapes of strings are resolved, and so checked for surrogates.
    unescape: bool,
    start: usize,
    end: usize,
    line_start: usize,
    line_number: usize,
    pub(super) token: Token,
    /// The last string, resolved.
    pub(super) string: String,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(input: &'a str, unescape: bool) -> Self {
        Lexer {
            input,
            unescape,
            start: 0,
            end: 0,
            line_start: 0,
            line_number: 1,
            token: Token::Null,
            string: String::new(),
        }
    }

    /// The text of the current token.
    pub(super) fn text(&self) -> &'a str {
        &self.input[self.start..self.end]
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.input.as_bytes().get(at).copied()
    }

    /// Moves to the next token.
    pub(super) fn advance(&mut self) -> Result<()> {
        let mut at = self.end;
        while let Some(byte @ (b' ' | b'\t' | b'\n' | b'\r')) = self.byte(at) {
            at += 1;
            if byte == b'\n' {
                self.line_number += 1;
                self.line_start = at;
            }
        }
        (self.start, self.end) = (at, at + 1);
        self.token = match self.byte(at) {
            None => {
                self.end = at;
                Token::End
            }
            Some(b'{') => Token::ObjectStart,
            Some(b'}') => Token::ObjectEnd,
            Some(b'[') => Token::ArrayStart,
            Some(b']') => Token::ArrayEnd,
            Some(b',') => Token::Comma,
            Some(b':') => Token::Colon,
            Some(b'"') => return self.string(),
            Some(b'-') => return self.number(at + 1),
            Some(b'0'..=b'9') => return self.number(at),
            Some(_) => return self.word(),
        };
        Ok(())
    }

    fn word(&mut self) -> Result<()> {
        let rest = &self.input[self.start..];
        let len = rest.bytes().position(|b| !is_word_byte(b)).unwrap_or(rest.len());
        self.end = self.start + len.max(rest.chars().next().map_or(1, char::len_utf8));
        self.token = match self.text() {
            "true" => Token::True,
            "false" => Token::False,
            "null" => Token::Null,
            _ => return Err(self.invalid_token()),
        };
        Ok(())
    }

    fn digits(&self, at: usize) -> usize {
        at + self.input.as_bytes()[at..].iter().take_while(|b| b.is_ascii_digit()).count()
    }

    fn number(&mut self, start: usize) -> Result<()> {
        let mut at = if self.byte(start) == Some(b'0') { start + 1 } else { self.digits(start) };
        let mut valid = at > start;
        if self.byte(at) == Some(b'.') {
            let end = self.digits(at + 1);
            valid &= end > at + 1;
            at = end;
        }
        if matches!(self.byte(at), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.byte(at + 1), Some(b'+' | b'-')));
            let end = self.digits((at + 1 + sign).min(self.input.len()));
            valid &= end > at + 1 + sign;
            at = end;
        }
        // Letters that follow belong to the token as an error shows it.
        let garbage = self.input.as_bytes()[at..].iter().take_while(|b| is_word_byte(**b)).count();
        self.end = at + garbage;
        self.token = Token::Number;
        if valid && garbage == 0 { Ok(()) } else { Err(self.invalid_token()) }
    }

    /// Reads a string, resolving its escapes where that is wanted.
    fn string(&mut self) -> Result<()> {
        self.token = Token::String;
        self.string.clear();
        let mut at = self.start + 1;
        let mut high = None;
        loop {
            let plain =
                self.input.as_bytes()[at..].iter().take_while(|b| !matches!(b, b'"' | b'\\' | 0..=0x1f)).count();
            if plain > 0 {
                let next = at + self.input[at..].chars().next().map_or(1, char::len_utf8);
                self.no_pending_surrogate(high, next)?;
                if self.unescape {
                    self.string.push_str(&self.input[at..at + plain]);
                }
                at += plain;
            }
            match self.byte(at) {
                None => {
                    self.end = self.input.len();
                    return Err(self.invalid_token());
                }
                Some(b'"') => {
                    self.end = at + 1;
                    return self.no_pending_surrogate(high, at + 1);
                }
                Some(b'\\') => at = self.escape(at + 1, &mut high)?,
                Some(byte) => {
                    self.end = at;
                    return Err(self.error(format!("Character with value 0x{byte:02x} must be escaped.")));
                }
            }
        }
    }

    fn no_pending_surrogate(&mut self, high: Option<u32>, end: usize) -> Result<()> {
        if high.is_none() {
            return Ok(());
        }
        self.end = end;
        Err(self.error("Unicode low surrogate must follow a high surrogate."))
    }

    /// Reads what follows a backslash and tells where it ends.
    fn escape(&mut self, at: usize, high: &mut Option<u32>) -> Result<usize> {
        let Some(c) = self.input[at..].chars().next() else {
            self.end = at;
            return Err(self.invalid_token());
        };
        if c == 'u' {
            return self.unicode_escape(at + 1, high);
        }
        let end = at + c.len_utf8();
        if self.unescape {
            self.no_pending_surrogate(*high, end)?;
        }
        let plain = match c {
            '"' | '\\' | '/' => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            _ => {
                self.end = end;
                return Err(self.error(format!("Escape sequence \"\\{c}\" is invalid.")));
            }
        };
        if self.unescape {
            self.string.push(plain);
        }
        Ok(end)
    }

    fn unicode_escape(&mut self, at: usize, high: &mut Option<u32>) -> Result<usize> {
        let mut code = 0;
        let mut end = at;
        for _ in 0..4 {
            let Some(c) = self.input[end..].chars().next() else {
                self.end = end;
                return Err(self.invalid_token());
            };
            end += c.len_utf8();
            let Some(digit) = c.to_digit(16) else {
                self.end = end;
                return Err(self.error("\"\\u\" must be followed by four hexadecimal digits."));
            };
            code = code * 16 + digit;
        }
        if self.unescape {
            self.end = end;
            self.push_code(code, high)?;
        }
        Ok(end)
    }

    fn push_code(&mut self, code: u32, high: &mut Option<u32>) -> Result<()> {
        let code = match (code, high.take()) {
            (0xd800..=0xdbff, None) => {
                *high = Some(code);
                return Ok(());
            }
            (0xd800..=0xdbff, Some(_)) => {
                return Err(self.error("Unicode high surrogate must not follow a high surrogate."));
            }
            (0xdc00..=0xdfff, Some(high)) => 0x10000 + ((high - 0xd800) << 10) + (code - 0xdc00),
            (0xdc00..=0xdfff, None) | (_, Some(_)) => {
                return Err(self.error("Unicode low surrogate must follow a high surrogate."));
            }
            (0, None) => {
                let error = Error::new(SqlState::UNTRANSLATABLE_CHARACTER, "unsupported Unicode escape sequence");
                return Err(error.detail("\\u0000 cannot be converted to text.").context(self.context()));
            }
            (code, None) => code,
        };
        self.string.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        Ok(())
    }

    fn invalid_token(&self) -> Error {
        self.error(format!("Token \"{}\" is invalid.", self.text()))
    }

    /// 22P02: something else was expected here.
    pub(super) fn expected(&self, what: &str) -> Error {
        match self.token {
            Token::End => self.error("The input string ended unexpectedly."),
            _ => self.error(format!("Expected {what}, but found \"{}\".", self.text())),
        }
    }

    fn error(&self, detail: impl Into<String>) -> Error {
        let error = Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json");
        error.detail(detail).context(self.context())
    }

    /// The line up to the end of the token, its beginning cut when it is long.
    fn context(&self) -> String {
        let mut from = self.line_start;
        while self.end - from >= CONTEXT_BYTES {
            from += self.input[from..].chars().next().map_or(1, char::len_utf8);
        }
        if from - self.line_start <= 3 {
            from = self.line_start;
        }
        let prefix = if from > self.line_start { "..." } else { "" };
        let more = self.token != Token::End && !matches!(self.byte(self.end), None | Some(b'\n' | b'\r'));
        let suffix = if more { "..." } else { "" };
        format!("JSON data, line {}: {prefix}{}{suffix}", self.line_number, &self.input[from..self.end])
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}
