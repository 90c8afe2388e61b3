//! Lines of COPY data, cut from pieces of any size.

use dictdb_types::Result;
use memchr::memchr3;

use super::bad_format;
use super::options::{CopyFormat, Options};

/// How lines end; the first one decides for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineEnd {
    Newline,
    Return,
    Both,
}

/// What a backslash begins.
enum Escape {
    /// An escape, or nothing.
    Usual,
    /// The end-of-data marker: `\.` before the end of a line.
    End,
    /// That is seen when there is more.
    Unknown,
}

/// A line without its end.
pub(super) struct Line<'a> {
    pub bytes: &'a [u8],
    /// The input ended inside its quotes.
    pub is_cut_off: bool,
}

/// Cuts lines.
pub(super) struct Lines {
    data: Vec<u8>,
    /// Start of the line that is being looked at.
    start: usize,
    /// How far it has been looked at.
    seen: usize,
    line_end: Option<LineEnd>,
    csv: bool,
    quote: u8,
    /// Zero when quotes escape themselves.
    escape: u8,
    in_quote: bool,
    escaped: bool,
    /// The end-of-data marker was met, or the input ended.
    finished: bool,
}

impl Lines {
    pub(super) fn new(options: &Options) -> Lines {
        Lines {
            data: Vec::new(),
            start: 0,
            seen: 0,
            line_end: None,
            csv: options.format == CopyFormat::Csv,
            quote: options.quote,
            escape: if options.escape == options.quote { 0 } else { options.escape },
            in_quote: false,
            escaped: false,
            finished: false,
        }
    }

    /// Adds a piece of input.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        if self.start > 0 {
            self.data.drain(..self.start);
            self.seen -= self.start;
            self.start = 0;
        }
        if !self.finished {
            self.data.extend_from_slice(piece);
        }
    }

    /// The next whole line. `at_end`: no more input will come, so what is left is a line. `None`: no line, either because
    /// there is no more, or not yet.
    pub(super) fn next(&mut self, at_end: bool) -> Result<Option<Line<'_>>> {
        if self.finished {
            return Ok(None);
        }
        let Some((end, next)) = self.find_end(at_end)? else {
            if !at_end || self.start == self.data.len() {
                return Ok(None);
            }
            if self.in_quote {
                self.finished = true;
                return Ok(Some(Line { bytes: &self.data[self.start..], is_cut_off: true }));
            }
            let line = self.start..self.data.len();
            self.start = line.end;
            self.seen = line.end;
            return Ok(Some(Line { bytes: &self.data[line], is_cut_off: false }));
        };
        let begin = std::mem::replace(&mut self.start, next);
        self.seen = next;
        let has_line = !self.finished || begin < end;
        Ok(has_line.then(|| Line { bytes: &self.data[begin..end], is_cut_off: false }))
    }

    /// Where the current line ends, and where the next begins. The end-of-data marker ends it too, and the input with it; in CSV
    /// it is one at the beginning of a line only.
    fn find_end(&mut self, at_end: bool) -> Result<Option<(usize, usize)>> {
        if self.csv && self.seen == self.start && self.data.get(self.seen) == Some(&b'\\') {
            match self.escape_at(at_end)? {
                Escape::Usual => {}
                Escape::End => return Ok(Some(self.finish())),
                Escape::Unknown => return Ok(None),
            }
        }
        while let Some(byte) = self.skip_plain() {
            if self.csv {
                self.track_quotes(byte);
            }
            let quoted = self.csv && self.in_quote;
            match byte {
                b'\n' if !quoted => return self.at_newline().map(Some),
                b'\r' if !quoted => {
                    let Some(next) = self.data.get(self.seen + 1) else {
                        if !at_end {
                            return Ok(None);
                        }
                        return self.at_return(false).map(Some);
                    };
                    let both = *next == b'\n';
                    return self.at_return(both).map(Some);
                }
                b'\\' if !self.csv => match self.escape_at(at_end)? {
                    // An escaped line end belongs to the text. Before the very end of the data it is no escape.
                    Escape::Usual => self.seen = (self.seen + 2).min(self.data.len()),
                    Escape::End => return Ok(Some(self.finish())),
                    Escape::Unknown => return Ok(None),
                },
                _ => self.seen += 1,
            }
        }
        self.seen = self.seen.min(self.data.len());
        Ok(None)
    }

    /// Goes on to the next byte that may mean something, and gives it.
    fn skip_plain(&mut self) -> Option<u8> {
        let rest = self.data.get(self.seen..)?;
        let plain = match self.csv {
            false => memchr3(b'\n', b'\r', b'\\', rest),
            true if self.escape == 0 => memchr3(b'\n', b'\r', self.quote, rest),
            // What follows an escape means something whatever it is.
            true => (!rest.is_empty()).then_some(0),
        };
        self.seen += plain.unwrap_or(rest.len());
        self.data.get(self.seen).copied()
    }

    /// What the backslash that was reached begins. 22P04 for a marker that is not followed by the end of a line, or by another
    /// kind of end than the lines before; in CSV the former is text.
    fn escape_at(&self, at_end: bool) -> Result<Escape> {
        let after = match &self.data[self.seen + 1..] {
            [] if !at_end => return Ok(Escape::Unknown),
            [b'.', after @ ..] => after,
            _ => return Ok(Escape::Usual),
        };
        use LineEnd::{Both, Newline, Return};
        match (self.line_end, after) {
            (_, []) | (Some(Both), [b'\r']) if !at_end => Ok(Escape::Unknown),
            (None | Some(Newline), [b'\n', ..])
            | (None | Some(Return), [b'\r', ..])
            | (Some(Both), [b'\r', b'\n', ..]) => Ok(Escape::End),
            (Some(Both), [b'\n', ..]) if self.csv => Ok(Escape::Usual),
            (Some(Both), [b'\n', ..] | [b'\r', b'\r', ..]) | (Some(Newline | Return), [b'\n' | b'\r', ..]) => {
                Err(bad_format("end-of-copy marker does not match previous newline style"))
            }
            _ if self.csv => Ok(Escape::Usual),
            _ => Err(bad_format("end-of-copy marker corrupt")),
        }
    }

    /// The marker was reached: what stands before it in its line is the last line.
    fn finish(&mut self) -> (usize, usize) {
        self.finished = true;
        (self.seen, self.data.len())
    }

    fn track_quotes(&mut self, byte: u8) {
        if self.in_quote && self.escape != 0 && byte == self.escape {
            self.escaped = !self.escaped;
        }
        if byte == self.quote && !self.escaped {
            self.in_quote = !self.in_quote;
        }
        if byte != self.escape {
            self.escaped = false;
        }
    }

    fn at_newline(&mut self) -> Result<(usize, usize)> {
        match self.line_end.replace(LineEnd::Newline) {
            None | Some(LineEnd::Newline) => Ok((self.seen, self.seen + 1)),
            Some(_) => Err(self.mixed("newline", "\\n")),
        }
    }

    fn at_return(&mut self, both: bool) -> Result<(usize, usize)> {
        let end = if both { LineEnd::Both } else { LineEnd::Return };
        let length = if both { 2 } else { 1 };
        match self.line_end.replace(end) {
            None => Ok((self.seen, self.seen + length)),
            Some(known) if known == end => Ok((self.seen, self.seen + length)),
            Some(_) => Err(self.mixed("carriage return", "\\r")),
        }
    }

    fn mixed(&self, name: &str, written: &str) -> dictdb_types::Error {
        if self.csv {
            return bad_format(format!("unquoted {name} found in data"))
                .hint(format!("Use quoted CSV field to represent {name}."));
        }
        bad_format(format!("literal {name} found in data")).hint(format!("Use \"{written}\" to represent {name}."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(csv: bool, pieces: &[&str]) -> Result<Vec<String>> {
        let format = if csv { CopyFormat::Csv } else { CopyFormat::Text };
        let mut options = Options::read(&[], true, None)?;
        options.format = format;
        let mut lines = Lines::new(&options);
        let mut found = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            lines.feed(piece.as_bytes());
            while let Some(line) = lines.next(index + 1 == pieces.len())? {
                found.push(String::from_utf8_lossy(line.bytes).into_owned());
            }
        }
        Ok(found)
    }

    #[test]
    fn lines_may_come_in_pieces() {
        assert_eq!(lines(false, &["a\nb", "c\nd"]).unwrap(), ["a", "bc", "d"]);
        assert_eq!(lines(false, &["a\r", "\nb\r\n"]).unwrap(), ["a", "b"]);
        assert_eq!(lines(false, &["a\\\nb\nc"]).unwrap(), ["a\\\nb", "c"]);
        assert_eq!(lines(false, &["a\\", "\nb\n"]).unwrap(), ["a\\\nb"]);
        assert_eq!(lines(false, &["1\t\\"]).unwrap(), ["1\t\\"]);
    }

    #[test]
    fn quotes_keep_a_line_together() {
        assert_eq!(lines(true, &["a,\"b\nc\"\nd", "\n"]).unwrap(), ["a,\"b\nc\"", "d"]);
        assert_eq!(lines(true, &["\"a\"\"\n\"\nb"]).unwrap(), ["\"a\"\"\n\"", "b"]);
        assert_eq!(lines(true, &["a,\"b", "\n", "c\",d\ne"]).unwrap(), ["a,\"b\nc\",d", "e"]);
    }

    #[test]
    fn the_end_marker_ends_it() {
        assert_eq!(lines(false, &["a\n\\.\nb\n"]).unwrap(), ["a"]);
        assert_eq!(lines(true, &["a\n\\.\nb\n"]).unwrap(), ["a"]);
        assert_eq!(lines(false, &["a\nb\\", ".", "\nc\n"]).unwrap(), ["a", "b"]);
        assert_eq!(lines(false, &["a\r\n\\.\r", "\n", "b\r\n"]).unwrap(), ["a"]);
        assert_eq!(lines(true, &["a\\.\n\\", ".b\n\\."]).unwrap(), ["a\\.", "\\.b", "\\."]);
        let refusal = |pieces: &[&str]| lines(false, pieces).unwrap_err().message().to_owned();
        assert_eq!(refusal(&["a\n\\", ".b\n"]), "end-of-copy marker corrupt");
        assert_eq!(refusal(&["a\n\\."]), "end-of-copy marker corrupt");
        assert_eq!(refusal(&["a\r\n\\.\n"]), "end-of-copy marker does not match previous newline style");
    }

    #[test]
    fn line_ends_do_not_mix() {
        assert_eq!(lines(false, &["a\nb\r\n"]).unwrap_err().message(), "literal carriage return found in data");
        assert_eq!(lines(true, &["a\r\nb\n"]).unwrap_err().message(), "unquoted newline found in data");
    }
}
