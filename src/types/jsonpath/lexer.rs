//! Tokens of a path.

use crate::{Error, Numeric, Result, SqlState};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name or key word, as written.
    Name(String),
    /// A quoted string, unescaped.
    String(String),
    /// `$name` or `$"name"`.
    Variable(String),
    /// A number, and whether it is a whole one.
    Number(NumberText),
    /// An operator or punctuation mark.
    Sign(&'static str),
    End,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct NumberText {
    pub(super) text: String,
    pub(super) whole: bool,
}

/// Longer signs before their prefixes.
const SIGNS: &[&str] = &[
    "**", "&&", "||", "==", "!=", "<>", "<=", ">=", "<", ">", "!", "$", "@", "*", "/", "%", "+", "-", "(", ")", "[",
    "]", "{", "}", ".", ",", "?",
];

/// Characters that end a name.
const SPECIAL: &str = "?%$.[]{}()|&!=<>@#,*:-+/\"\\ \t\n\r\x0c";

pub(super) struct Lexer<'a> {
    input: &'a str,
    at: usize,
    /// Where the last token starts.
    pub(super) start: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(input: &'a str) -> Self {
        Lexer { input, at: 0, start: 0 }
    }

    fn rest(&self) -> &'a str {
        &self.input[self.at..]
    }

    /// 42601 at the last token.
    pub(super) fn error(&self, message: &str) -> Error {
        let near = &self.input[self.start..self.at];
        let place = match near {
            "" => "at end of jsonpath input".to_owned(),
            near => format!("at or near \"{near}\" of jsonpath input"),
        };
        Error::new(SqlState::SYNTAX_ERROR, format!("{message} {place}"))
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Result<Token> {
        self.skip_blanks()?;
        self.start = self.at;
        let Some(first) = self.rest().chars().next() else { return Ok(Token::End) };
        let second = self.rest()[first.len_utf8()..].chars().next();
        match first {
            '"' => self.quoted().map(Token::String),
            '0'..='9' => self.number(),
            '.' if second.is_some_and(|c| c.is_ascii_digit()) => self.number(),
            '$' if second == Some('"') => {
                self.at += 1;
                self.quoted().map(Token::Variable)
            }
            '$' if second.is_some_and(|c| !SPECIAL.contains(c)) => {
                self.at += 1;
                self.name().map(Token::Variable)
            }
            c if !SPECIAL.contains(c) || c == '\\' => {
                let name = self.name()?;
                // PostgreSQL knows a word only by what ends it, and finds fault with that: blanks, or nothing.
                self.start = self.at;
                self.at += self.blanks();
                Ok(Token::Name(name))
            }
            c => match SIGNS.iter().find(|sign| self.rest().starts_with(**sign)) {
                Some(sign) => {
                    self.at += sign.len();
                    Ok(Token::Sign(sign))
                }
                None => {
                    self.at += c.len_utf8();
                    Err(self.error("syntax error"))
                }
            },
        }
    }

    /// Bytes of blanks that come next.
    fn blanks(&self) -> usize {
        let rest = self.rest();
        rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']).len()
    }

    fn skip_blanks(&mut self) -> Result<()> {
        loop {
            let blanks = self.blanks();
            self.at += blanks;
            if self.rest().starts_with("/*") {
                match self.rest().find("*/") {
                    Some(end) => self.at += end + 2,
                    None => {
                        (self.start, self.at) = (self.input.len(), self.input.len());
                        return Err(self.error("unexpected end of comment"));
                    }
                }
            } else if blanks == 0 {
                return Ok(());
            }
        }
    }

    fn number(&mut self) -> Result<Token> {
        let bytes = self.input.as_bytes();
        let digits = |from: usize| from + bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let mut end = digits(self.at);
        let leading_zero = end > self.at + 1 && bytes[self.at] == b'0';
        let mut whole = true;
        if leading_zero {
            end = self.at + 1;
        } else if bytes.get(end) == Some(&b'.') {
            whole = false;
            end = digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) && !leading_zero {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits((end + 1 + sign).min(bytes.len()));
            if exponent > end + 1 + sign {
                whole = false;
                end = exponent;
            }
        }
        let text = self.input[self.at..end].to_owned();
        self.at = end;
        if let Some(junk) = self.rest().chars().next().filter(|c| !SPECIAL.contains(*c)) {
            self.at += junk.len_utf8();
            return Err(self.error("trailing junk after numeric literal"));
        }
        Ok(Token::Number(NumberText { text, whole }))
    }

    fn name(&mut self) -> Result<String> {
        let mut name = String::new();
        while let Some(c) = self.rest().chars().next() {
            if c == '\\' {
                self.escape(&mut name)?;
            } else if SPECIAL.contains(c) {
                break;
            } else {
                name.push(c);
                self.at += c.len_utf8();
            }
        }
        Ok(name)
    }

    fn quoted(&mut self) -> Result<String> {
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.rest().chars().next() {
                None => {
                    self.start = self.at;
                    return Err(self.error("unexpected end of quoted string"));
                }
                Some('"') => {
                    // Of a text it finds fault with the end.
                    self.start = self.at;
                    self.at += 1;
                    return Ok(text);
                }
                Some('\\') => self.escape(&mut text)?,
                Some(c) => {
                    text.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    /// Reads one backslash sequence, or two that are a surrogate pair.
    fn escape(&mut self, out: &mut String) -> Result<()> {
        self.at += 1;
        let Some(c) = self.rest().chars().next() else {
            self.start = self.at;
            return Err(self.error("unexpected end after backslash"));
        };
        self.at += c.len_utf8();
        let plain = match c {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' => {
                let code = self.hexadecimal(2, "invalid hexadecimal character sequence")?;
                self.code(code)?
            }
            'u' => {
                let code = self.unicode()?;
                if (0xd800..0xdc00).contains(&code) && self.rest().starts_with("\\u") {
                    self.at += 2;
                    let low = self.unicode()?;
                    if !(0xdc00..0xe000).contains(&low) {
                        return Err(bad_surrogate());
                    }
                    self.code(0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff))?
                } else {
                    self.code(code)?
                }
            }
            c => c,
        };
        out.push(plain);
        Ok(())
    }

    fn hexadecimal(&mut self, digits: usize, message: &str) -> Result<u32> {
        let text = self.rest().get(..digits).filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(text) = text else { return Err(self.error(message)) };
        self.at += digits;
        u32::from_str_radix(text, 16).map_err(|_| self.error(message))
    }

    /// `XXXX`, or `{X…}` with up to six digits.
    fn unicode(&mut self) -> Result<u32> {
        let message = "invalid Unicode escape sequence";
        let Some(inside) = self.rest().strip_prefix('{') else { return self.hexadecimal(4, message) };
        let length = inside.find('}').filter(|length| (1..=6).contains(length));
        let Some(length) = length else { return Err(self.error(message)) };
        self.at += 1;
        let code = self.hexadecimal(length, message)?;
        self.at += 1;
        Ok(code)
    }

    fn code(&self, code: u32) -> Result<char> {
        match char::from_u32(code) {
            Some('\0') => Err(Error::new(SqlState::UNTRANSLATABLE_CHARACTER, "unsupported Unicode escape sequence")
                .detail("\\u0000 cannot be converted to text.")),
            Some(c) => Ok(c),
            None => Err(bad_surrogate()),
        }
    }
}

fn bad_surrogate() -> Error {
    Error::new(SqlState::INVALID_TEXT_REPRESENTATION, "invalid input syntax for type jsonpath")
        .detail("Unicode low surrogate must follow a high surrogate.")
}

impl NumberText {
    /// Its value.
    pub(super) fn value(&self) -> Result<Numeric> {
        Numeric::parse(&self.text)
    }
}
