//! A script cut into what psql would send: statements up to their semicolon, `\connect`, and lines of COPY data.

/// A part of a script.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A statement with its semicolon.
    Statement(&'a str),
    /// `\connect database`.
    Connect(String),
    /// Another command of psql.
    Unknown(String),
}

/// A script, read from front to back.
pub(super) struct Script<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Script<'a> {
    pub(super) fn new(text: &'a str) -> Script<'a> {
        Script { text, at: 0 }
    }

    /// The line that comes next, from one.
    pub(super) fn line(&self) -> usize {
        let blank = self.rest().len() - self.rest().trim_start().len();
        1 + self.text[..self.at + blank].matches('\n').count()
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next part; `None` at the end.
    pub(super) fn next_piece(&mut self) -> Option<Piece<'a>> {
        let blank = self.rest().len() - self.rest().trim_start().len();
        self.at += blank;
        let rest = self.rest();
        if rest.is_empty() {
            return None;
        }
        if rest.starts_with('\\') {
            let line = self.take_line().unwrap_or_default();
            return Some(command(line));
        }
        let length = statement_length(rest);
        self.at += length;
        Some(Piece::Statement(&rest[..length]))
    }

    /// The next line of COPY data, without its end; `None` at `\.` or the end of the script.
    pub(super) fn next_data(&mut self) -> Option<&'a str> {
        let line = self.take_line()?;
        (line.trim_end_matches('\r') != "\\.").then_some(line)
    }

    /// What is left of the line that a statement ended in is no data.
    pub(super) fn begin_data(&mut self) {
        if self.rest().split('\n').next().is_some_and(|rest| rest.trim().is_empty()) {
            self.take_line();
        }
    }

    fn take_line(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        if rest.is_empty() {
            return None;
        }
        let end = rest.find('\n').unwrap_or(rest.len());
        self.at += (end + 1).min(rest.len());
        Some(&rest[..end])
    }
}

fn command(line: &str) -> Piece<'_> {
    let mut words = line.split_whitespace();
    match (words.next(), words.next()) {
        (Some("\\connect" | "\\c"), Some(database)) if words.next().is_none() => {
            Piece::Connect(database.trim_matches(['"', '\'']).to_owned())
        }
        (word, _) => Piece::Unknown(word.unwrap_or_default().to_owned()),
    }
}

/// Bytes of the statement that a text begins with, up to and with its semicolon outside quotes, comments and parentheses.
fn statement_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = bytes.get(at) {
        let rest = &text[at..];
        at += match byte {
            b';' if depth == 0 => return at + 1,
            b'(' => {
                depth += 1;
                1
            }
            b')' => {
                depth = depth.saturating_sub(1);
                1
            }
            b'\'' => quoted(rest, '\'', has_escapes(text, at)),
            b'"' => quoted(rest, '"', false),
            b'$' => dollar_quoted(text, at),
            b'-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with("/*") => comment(rest),
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
    }
    text.len()
}

/// Whether the quote at `at` is that of `E'…'`.
fn has_escapes(text: &str, at: usize) -> bool {
    let before = &text.as_bytes()[..at];
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    matches!(before.last(), Some(b'e' | b'E')) && !before.iter().nth_back(1).is_some_and(is_word)
}

/// Bytes of a quoted text; a doubled quote does not end it, nor does one behind a backslash where that escapes.
fn quoted(text: &str, quote: char, escapes: bool) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && escapes {
            chars.next();
        } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    text.len()
}

/// Bytes of a text between `$tag$`s, or of a dollar sign that is something else.
fn dollar_quoted(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    let follows_word = text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$');
    let Some(end) = rest[1..].find('$').filter(|_| !follows_word) else { return 1 };
    let tag = &rest[..end + 2];
    let name = &tag[1..=end];
    let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_numeric());
    if !is_name {
        return 1;
    }
    rest[tag.len()..].find(tag).map_or(rest.len(), |found| found + 2 * tag.len())
}

/// Bytes of a comment, with those inside it.
fn comment(text: &str) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        match rest {
            [b'/', b'*', ..] => (at, depth) = (at + 2, depth + 1),
            [b'*', b'/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<String> {
        let mut script = Script::new(text);
        let shown = |piece| match piece {
            Piece::Statement(text) => text.to_owned(),
            other => format!("{other:?}"),
        };
        std::iter::from_fn(|| script.next_piece()).map(shown).collect()
    }

    #[test]
    fn statements_end_at_semicolons_that_count() {
        for statement in [
            "select 'a;''b' || E'\\';' || \"c;d\";",
            "do $$ begin; end $$;",
            "select $x$ ; $$ ; $x$, $1;",
            "select 1 /* ; /* ; */ ; */ -- ; \n;",
            "create rule r as on insert to t do (select 1; select 2);",
            "select 'é;';",
        ] {
            assert_eq!(pieces(&format!("{statement} select 2;")), [statement, "select 2;"]);
        }
        assert_eq!(pieces("select 1"), ["select 1"]);
    }

    #[test]
    fn commands_stand_on_lines_of_their_own() {
        assert_eq!(pieces("select 1;\n\\c shop\nselect 2;"), ["select 1;", "Connect(\"shop\")", "select 2;"]);
        assert_eq!(pieces("\\i other.sql\n"), ["Unknown(\"\\\\i\")"]);
    }

    #[test]
    fn data_ends_with_its_mark() {
        let mut script = Script::new("copy t from stdin;\n1\ta\n2\tb\n\\.\nselect 1;");
        script.next_piece();
        script.begin_data();
        assert_eq!((script.next_data(), script.next_data(), script.next_data()), (Some("1\ta"), Some("2\tb"), None));
        assert_eq!(script.next_piece(), Some(Piece::Statement("select 1;")));
        assert_eq!(script.line(), 5);
    }
}
