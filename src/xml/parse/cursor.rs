//! A place in the text that moves forward.

use crate::chars::is_space;

pub(super) struct Cursor<'a> {
    text: &'a str,
    offset: usize,
    /// The line of `offset`, counted as far as `counted`.
    line: usize,
    counted: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(text: &'a str) -> Cursor<'a> {
        Cursor { text, offset: 0, line: 1, counted: 0 }
    }

    pub fn text(&self) -> &'a str {
        self.text
    }

    pub fn offset(&self) -> usize {
        self.offset
    }

    pub fn rest(&self) -> &'a str {
        &self.text[self.offset..]
    }

    /// A NUL character ends the text as it would in C; no caller lets one in.
    pub fn at_end(&self) -> bool {
        self.offset >= self.text.len()
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub fn is(&self, c: char) -> bool {
        self.peek() == Some(c)
    }

    pub fn starts_with(&self, prefix: &str) -> bool {
        self.rest().starts_with(prefix)
    }

    /// Moves past a character.
    pub fn bump(&mut self) {
        if let Some(c) = self.peek() {
            self.offset += c.len_utf8();
        }
    }

    /// Moves by bytes that are known to be there.
    pub fn skip(&mut self, bytes: usize) {
        self.offset += bytes;
    }

    /// Moves back or forward to an offset.
    pub fn go_to(&mut self, offset: usize) {
        self.offset = offset;
    }

    /// Moves past a character if it is the next one.
    pub fn eat(&mut self, c: char) -> bool {
        let found = self.is(c);
        if found {
            self.offset += c.len_utf8();
        }
        found
    }

    /// Moves past a text if it comes next.
    pub fn eat_str(&mut self, text: &str) -> bool {
        let found = self.starts_with(text);
        if found {
            self.offset += text.len();
        }
        found
    }

    /// Moves past white space; whether there was any.
    pub fn skip_spaces(&mut self) -> bool {
        !self.take_while(is_space).is_empty()
    }

    /// The longest run of characters of a class.
    pub fn take_while(&mut self, mut belongs: impl FnMut(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.offset += end;
        &rest[..end]
    }

    /// The number of the current line.
    pub fn line(&mut self) -> usize {
        if self.offset > self.counted {
            let passed = &self.text.as_bytes()[self.counted..self.offset];
            self.line += passed.iter().filter(|byte| **byte == b'\n').count();
            self.counted = self.offset;
        }
        self.line
    }
}

/// Text with its line ends as XML wants them: one line feed each.
pub(super) fn normalize_lines(text: &str) -> String {
    match text.contains('\r') {
        true => text.replace("\r\n", "\n").replace('\r', "\n"),
        false => text.to_owned(),
    }
}
