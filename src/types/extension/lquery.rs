//! `lquery`: a pattern for whole paths, level by level.
//!
//! ```text
//!   lquery  = level { "." level }
//!   level   = "*" [ count ] | [ "!" ] pattern { "|" pattern } [ count ]
//!   pattern = label { "@" | "*" | "%" }
//!   count   = "{" n "}" | "{" [ n ] "," [ n ] "}"
//! ```

use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

use super::label::{LEVELS_MAX, LabelPattern, check_length, is_label_char};
use super::ltree::Ltree;
use crate::{Error, Result, SqlState};

/// Most patterns of a level.
const PATTERNS_MAX: usize = u16::MAX as usize;

/// Most bytes that PostgreSQL's form of a level may take.
const LEVEL_BYTES_MAX: usize = u16::MAX as usize;

/// A value of the type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lquery {
    levels: Vec<Level>,
}

/// What the query asks of consecutive labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// `!`: none of the patterns matches.
    pub negated: bool,
    /// One of these matches; without any, every label will do.
    pub patterns: Vec<LabelPattern>,
    /// At least so many labels.
    pub low: usize,
    /// At most so many.
    pub high: usize,
    /// Whether the numbers are written behind patterns.
    counted: bool,
}

impl Level {
    fn matches(&self, label: &str) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.matches(label)) != self.negated
    }

    /// The only label that the level allows, once.
    pub fn exact(&self) -> Option<&str> {
        match self.patterns.as_slice() {
            [only] if !self.negated && !self.counted && !only.is_marked() => Some(&only.text),
            _ => None,
        }
    }

    /// 54000 for a level that PostgreSQL has no room for: 16 bytes, and for each pattern 8 and its text, in steps of 8.
    fn check_size(&self) -> Result<()> {
        let size = 16 + self.patterns.iter().map(|pattern| (8 + pattern.text.len()).next_multiple_of(8)).sum::<usize>();
        if size <= LEVEL_BYTES_MAX {
            return Ok(());
        }
        let detail = format!("Total size of level exceeds the maximum allowed ({LEVEL_BYTES_MAX} bytes).");
        Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "lquery level is too large").detail(detail))
    }

    fn write(&self, out: &mut String) {
        if self.negated {
            out.push('!');
        }
        if self.patterns.is_empty() {
            out.push('*');
        }
        for (at, pattern) in self.patterns.iter().enumerate() {
            if at > 0 {
                out.push('|');
            }
            pattern.write(out);
        }
        // Writing to a string does not fail.
        let _ = match (self.low, self.high) {
            _ if !self.counted && !self.patterns.is_empty() => Ok(()),
            (low, high) if low == high => write!(out, "{{{low}}}"),
            (0, LEVELS_MAX) if self.patterns.is_empty() => Ok(()),
            (0, LEVELS_MAX) => write!(out, "{{,}}"),
            (0, high) => write!(out, "{{,{high}}}"),
            (low, LEVELS_MAX) => write!(out, "{{{low},}}"),
            (low, high) => write!(out, "{{{low},{high}}}"),
        };
    }
}

impl Lquery {
    /// Reads the text form. 42601, 42622, 54000.
    pub fn parse(text: &str) -> Result<Lquery> {
        let count = text.matches('.').count() + 1;
        if count > LEVELS_MAX {
            let message = format!("number of lquery items ({count}) exceeds the maximum allowed ({LEVELS_MAX})");
            return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
        }
        let mut reader = Reader { chars: text.chars().peekable(), position: 1 };
        let mut levels = vec![reader.level()?];
        while reader.next().is_some() {
            levels.push(reader.level()?);
        }
        levels.iter().try_for_each(Level::check_size)?;
        Ok(Lquery { levels })
    }

    /// The levels.
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// The labels that every path has to begin with: those of the levels before the first that allows more than one.
    pub fn exact_labels(&self) -> impl Iterator<Item = &str> {
        self.levels.iter().map_while(Level::exact)
    }

    /// Bytes it takes.
    pub(super) fn size(&self) -> usize {
        let patterns = self.levels.iter().flat_map(|level| &level.patterns);
        size_of_val(self.levels.as_slice()) + patterns.map(LabelPattern::size).sum::<usize>()
    }

    /// Appends the text form.
    pub fn write(&self, out: &mut String) {
        for (at, level) in self.levels.iter().enumerate() {
            if at > 0 {
                out.push('.');
            }
            level.write(out);
        }
    }

    /// Whether a path is as the query says. After each level, `reachable` has where the labels it took can end; what one level takes
    /// from a place further on begins and ends no earlier, so that each label is looked at about once a level.
    pub fn matches(&self, path: &Ltree) -> bool {
        let labels: Vec<&str> = path.labels().collect();
        let mut reachable = vec![false; labels.len() + 1];
        reachable[0] = true;
        for level in &self.levels {
            let mut after = vec![false; labels.len() + 1];
            let (mut matched, mut marked) = (0, 0);
            for start in (0..=labels.len()).filter(|start| reachable[*start]) {
                let limit = labels.len().min(start + level.high);
                matched = start.max(matched);
                while matched < limit && level.matches(labels[matched]) {
                    matched += 1;
                }
                if let Some(ends) = after.get_mut(marked.max(start + level.low)..matched + 1) {
                    ends.fill(true);
                    marked = matched + 1;
                }
            }
            reachable = after;
        }
        reachable[labels.len()]
    }
}

struct Reader<'t> {
    chars: Peekable<Chars<'t>>,
    /// Of the next character, from 1.
    position: usize,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        self.chars.peek().copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.chars.next()?;
        self.position += 1;
        Some(next)
    }

    /// Goes over the character if it is this one.
    fn accept(&mut self, wanted: char) -> bool {
        let is_there = self.peek() == Some(wanted);
        if is_there {
            self.next();
        }
        is_there
    }

    /// 42601: the next character, or the end, is not what has to be here.
    fn unexpected(&mut self) -> Error {
        match self.peek() {
            Some(_) => syntax_error(format!("lquery syntax error at character {}", self.position)),
            None => syntax_error("lquery syntax error").detail("Unexpected end of input."),
        }
    }

    /// A level, up to the dot behind it or the end.
    fn level(&mut self) -> Result<Level> {
        let mut level = Level { negated: false, patterns: Vec::new(), low: 1, high: 1, counted: false };
        if self.accept('*') {
            (level.low, level.high) = (0, LEVELS_MAX);
        } else {
            level.negated = self.accept('!');
            if !level.negated && !self.peek().is_some_and(is_label_char) {
                return Err(self.unexpected());
            }
            level.patterns.push(self.pattern()?);
            while self.accept('|') {
                if !self.peek().is_some_and(is_label_char) {
                    return Err(self.unexpected());
                }
                if level.patterns.len() == PATTERNS_MAX {
                    let detail = format!("Number of variants exceeds the maximum allowed ({PATTERNS_MAX}).");
                    let message = "lquery level has too many variants";
                    return Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message).detail(detail));
                }
                level.patterns.push(self.pattern()?);
            }
        }
        if self.accept('{') {
            (level.low, level.high) = self.count()?;
            level.counted = !level.patterns.is_empty();
        }
        match self.peek() {
            None | Some('.') => Ok(level),
            Some(_) => Err(self.unexpected()),
        }
    }

    /// A label and its marks, up to what may stand behind them.
    fn pattern(&mut self) -> Result<LabelPattern> {
        let mut text = String::new();
        let mut pattern = LabelPattern::default();
        let mut end = self.position;
        while let Some(c) = self.peek() {
            if is_label_char(c) && !pattern.is_marked() {
                text.push(c);
                end += 1;
            } else if matches!(c, '|' | '{' | '.') {
                break;
            } else if !pattern.mark(c) {
                return Err(self.unexpected());
            }
            self.next();
        }
        if text.is_empty() {
            let message = format!("lquery syntax error at character {end}");
            return Err(syntax_error(message).detail("Empty labels are not allowed."));
        }
        check_length(text.len(), end)?;
        pattern.text = text.into();
        Ok(pattern)
    }

    /// The numbers behind an opening brace, and the closing one.
    fn count(&mut self) -> Result<(usize, usize)> {
        let low = self.number("Low")?;
        let counts = if self.accept(',') {
            let low = low.unwrap_or(0);
            let position = self.position;
            let high = self.number("High")?.unwrap_or(LEVELS_MAX);
            if low > high {
                let detail = format!("Low limit ({low}) is greater than high limit ({high}), at character {position}.");
                return Err(syntax_error("lquery syntax error").detail(detail));
            }
            Some((low, high))
        } else {
            low.map(|low| (low, low))
        };
        match counts {
            Some(counts) if self.accept('}') => Ok(counts),
            _ => Err(self.unexpected()),
        }
    }

    /// A number, if there is one. As C's `atoi` reads it: what is too large wraps to 32 bits, or is -1 beyond 64.
    fn number(&mut self, which: &str) -> Result<Option<usize>> {
        let position = self.position;
        let mut value: Option<i64> = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            value = Some(value.unwrap_or(0).saturating_mul(10).saturating_add(i64::from(digit)));
            self.next();
        }
        let Some(value) = value.map(|value| value as i32) else { return Ok(None) };
        match usize::try_from(value) {
            Ok(value) if value <= LEVELS_MAX => Ok(Some(value)),
            _ => {
                let detail = format!(
                    "{which} limit ({value}) exceeds the maximum allowed ({LEVELS_MAX}), at character {position}."
                );
                Err(Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, "lquery syntax error").detail(detail))
            }
        }
    }
}

fn syntax_error(message: impl Into<String>) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(text: &str) -> String {
        match Lquery::parse(text) {
            Ok(query) => {
                let mut out = String::new();
                query.write(&mut out);
                out
            }
            Err(error) => {
                let detail = error.fields().detail.clone().map(|detail| format!(": {detail}"));
                format!("{}{}", error.message(), detail.unwrap_or_default())
            }
        }
    }

    #[test]
    fn queries_are_read_and_written_as_by_postgresql() {
        for text in ["1", "1.2", "!a.b", "*{2}.a*|b@", "a%@*", "a{,3}", "a{2,}", "a{1}", "a{,}", "*.a", "*{1,4}"] {
            assert_eq!(round_trip(text), text);
        }
        assert_eq!(round_trip("a*@%.*{0,}"), "a%@*.*");
        assert_eq!(round_trip(""), "lquery syntax error: Unexpected end of input.");
        assert_eq!(round_trip("1..3"), "lquery syntax error at character 3");
        assert_eq!(round_trip("!.a"), "lquery syntax error at character 2: Empty labels are not allowed.");
        assert_eq!(round_trip("!*"), "lquery syntax error at character 2: Empty labels are not allowed.");
        assert_eq!(round_trip("a@b"), "lquery syntax error at character 3");
        assert_eq!(round_trip("a{}"), "lquery syntax error at character 3");
        assert_eq!(round_trip("a{1"), "lquery syntax error: Unexpected end of input.");
        assert_eq!(
            round_trip("a{3,1}"),
            "lquery syntax error: Low limit (3) is greater than high limit (1), at character 5."
        );
        assert_eq!(
            round_trip("a{65536}"),
            "lquery syntax error: Low limit (65536) exceeds the maximum allowed (65535), at character 3."
        );
    }

    #[test]
    fn levels_take_as_many_labels_as_they_may() {
        let matches = |path: &str, query: &str| Lquery::parse(query).unwrap().matches(&Ltree::parse(path).unwrap());
        assert!(matches("a.b.c", "a.*") && matches("a", "a.*") && !matches("b", "a.*"));
        assert!(matches("", "*") && matches("", "a{,2}") && !matches("", "a"));
        assert!(matches("a.b.c.d.e", "*.!d.*.e") && !matches("a", "!a"));
        assert!(matches("a.a.b", "a{,}.b") && !matches("a.a.b", "a{1}.b") && matches("b", "a{0,3}.b"));
        assert!(matches("a.x.y.b", "a.*{2}.b") && !matches("a.x.b", "a.*{2}.b"));
        assert!(matches("a.b.a.b.c", "*.a.b.*{1}") && !matches("a.b.c.d", "*.a.b.*{1}"));
    }
}
