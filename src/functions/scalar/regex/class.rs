//! Sets of characters, as bracket expressions and class escapes denote them.

use super::super::ctype;
use super::fault::Fault;

/// A set of characters: ascending, disjoint, inclusive ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CharSet(Vec<(char, char)>);

const NAMED: &[(&str, &[(char, char)])] = &[
    ("alnum", &[('0', '9'), ('A', 'Z'), ('a', 'z')]),
    ("alpha", &[('A', 'Z'), ('a', 'z')]),
    ("ascii", &[('\0', '\x7f')]),
    ("blank", &[('\t', '\t'), (' ', ' ')]),
    ("cntrl", &[('\0', '\x1f'), ('\x7f', '\x7f')]),
    ("digit", &[('0', '9')]),
    ("graph", &[('!', '~')]),
    ("lower", &[('a', 'z')]),
    ("print", &[(' ', '~')]),
    ("punct", &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
    ("space", &[('\t', '\r'), (' ', ' ')]),
    ("upper", &[('A', 'Z')]),
    ("word", &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
    ("xdigit", &[('0', '9'), ('A', 'F'), ('a', 'f')]),
];

/// Characters that have names inside `[. .]` and `[= =]`: POSIX's portable character names.
const COLLATING: &[(&str, char)] = &[
    ("NUL", '\0'),
    ("SOH", '\x01'),
    ("STX", '\x02'),
    ("ETX", '\x03'),
    ("EOT", '\x04'),
    ("ENQ", '\x05'),
    ("ACK", '\x06'),
    ("BEL", '\x07'),
    ("alert", '\x07'),
    ("BS", '\x08'),
    ("backspace", '\x08'),
    ("HT", '\t'),
    ("tab", '\t'),
    ("LF", '\n'),
    ("newline", '\n'),
    ("VT", '\x0b'),
    ("vertical-tab", '\x0b'),
    ("FF", '\x0c'),
    ("form-feed", '\x0c'),
    ("CR", '\r'),
    ("carriage-return", '\r'),
    ("SO", '\x0e'),
    ("SI", '\x0f'),
    ("DLE", '\x10'),
    ("DC1", '\x11'),
    ("DC2", '\x12'),
    ("DC3", '\x13'),
    ("DC4", '\x14'),
    ("NAK", '\x15'),
    ("SYN", '\x16'),
    ("ETB", '\x17'),
    ("CAN", '\x18'),
    ("EM", '\x19'),
    ("SUB", '\x1a'),
    ("ESC", '\x1b'),
    ("IS4", '\x1c'),
    ("FS", '\x1c'),
    ("IS3", '\x1d'),
    ("GS", '\x1d'),
    ("IS2", '\x1e'),
    ("RS", '\x1e'),
    ("IS1", '\x1f'),
    ("US", '\x1f'),
    ("space", ' '),
    ("exclamation-mark", '!'),
    ("quotation-mark", '"'),
    ("number-sign", '#'),
    ("dollar-sign", '$'),
    ("percent-sign", '%'),
    ("ampersand", '&'),
    ("apostrophe", '\''),
    ("left-parenthesis", '('),
    ("right-parenthesis", ')'),
    ("asterisk", '*'),
    ("plus-sign", '+'),
    ("comma", ','),
    ("hyphen", '-'),
    ("hyphen-minus", '-'),
    ("period", '.'),
    ("full-stop", '.'),
    ("slash", '/'),
    ("solidus", '/'),
    ("zero", '0'),
    ("one", '1'),
    ("two", '2'),
    ("three", '3'),
    ("four", '4'),
    ("five", '5'),
    ("six", '6'),
    ("seven", '7'),
    ("eight", '8'),
    ("nine", '9'),
    ("colon", ':'),
    ("semicolon", ';'),
    ("less-than-sign", '<'),
    ("equals-sign", '='),
    ("greater-than-sign", '>'),
    ("question-mark", '?'),
    ("commercial-at", '@'),
    ("left-square-bracket", '['),
    ("backslash", '\\'),
    ("reverse-solidus", '\\'),
    ("right-square-bracket", ']'),
    ("circumflex", '^'),
    ("circumflex-accent", '^'),
    ("underscore", '_'),
    ("low-line", '_'),
    ("grave-accent", '`'),
    ("left-brace", '{'),
    ("left-curly-bracket", '{'),
    ("vertical-line", '|'),
    ("right-brace", '}'),
    ("right-curly-bracket", '}'),
    ("tilde", '~'),
    ("DEL", '\x7f'),
];

impl CharSet {
    /// The set of one character.
    pub(super) fn single(c: char) -> Self {
        CharSet(vec![(c, c)])
    }

    /// Every character.
    pub(super) fn all() -> Self {
        CharSet(vec![('\0', char::MAX)])
    }

    /// A named class such as `alpha`. Without case, `upper` and `lower` are `alpha`.
    pub(super) fn named(name: &str, ignore_case: bool) -> Result<Self, Fault> {
        let name = if ignore_case && matches!(name, "upper" | "lower") { "alpha" } else { name };
        let found = NAMED.iter().find(|(n, _)| *n == name).ok_or(Fault::CharacterClass)?;
        Ok(CharSet(found.1.to_vec()))
    }

    /// The character that `[.name.]` means: itself, or a name.
    pub(super) fn collating(name: &str) -> Result<char, Fault> {
        let mut chars = name.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) => Ok(c),
            _ => COLLATING.iter().find(|(n, _)| *n == name).map(|(_, c)| *c).ok_or(Fault::CollatingElement),
        }
    }

    pub(super) fn add(&mut self, low: char, high: char) {
        self.0.push((low, high));
    }

    pub(super) fn extend(&mut self, other: &CharSet) {
        self.0.extend_from_slice(&other.0);
    }

    /// Adds the other case of every member.
    pub(super) fn fold_case(&mut self) {
        let mut others = Vec::new();
        for c in ('A'..='Z').chain('a'..='z').filter(|c| self.0.iter().any(|(low, high)| (low..=high).contains(&c))) {
            others.extend(ctype::other_case(c).map(|other| (other, other)));
        }
        self.0.extend(others);
    }

    /// Sorts and merges: to be called once the last range is in.
    pub(super) fn normalize(&mut self) {
        self.0.sort_unstable();
        let mut merged: Vec<(char, char)> = Vec::with_capacity(self.0.len());
        for &(low, high) in &self.0 {
            match merged.last_mut() {
                Some(last) if next_char(last.1).is_none_or(|after| low <= after) => last.1 = last.1.max(high),
                _ => merged.push((low, high)),
            }
        }
        self.0 = merged;
    }

    /// Every character that is not in this normalised set.
    pub(super) fn complement(&self) -> Self {
        let mut out = Vec::with_capacity(self.0.len() + 1);
        let mut from = Some('\0');
        for &(low, high) in &self.0 {
            if let (Some(from), Some(before)) = (from, previous_char(low))
                && from <= before
            {
                out.push((from, before));
            }
            from = next_char(high);
        }
        if let Some(from) = from {
            out.push((from, char::MAX));
        }
        CharSet(out)
    }

    /// Takes one character out of a normalised set.
    pub(super) fn remove(&mut self, c: char) {
        let mut keep = self.complement();
        keep.add(c, c);
        keep.normalize();
        *self = keep.complement();
    }

    pub(super) fn contains(&self, c: char) -> bool {
        match self.0.as_slice() {
            [(low, high)] => (*low..=*high).contains(&c),
            ranges => {
                ranges.partition_point(|(_, high)| *high < c).lt(&ranges.len())
                    && ranges[ranges.partition_point(|(_, high)| *high < c)].0 <= c
            }
        }
    }

    pub(super) fn ranges(&self) -> &[(char, char)] {
        &self.0
    }
}

fn next_char(c: char) -> Option<char> {
    match c {
        '\u{d7ff}' => Some('\u{e000}'),
        char::MAX => None,
        c => char::from_u32(c as u32 + 1),
    }
}

fn previous_char(c: char) -> Option<char> {
    match c {
        '\u{e000}' => Some('\u{d7ff}'),
        '\0' => None,
        c => char::from_u32(c as u32 - 1),
    }
}
