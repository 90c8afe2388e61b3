//! Prefixes and suffixes: how a word changes to become one of the dictionary, and where that is allowed.

use std::collections::HashMap;

use dictdb_types::Result;

use super::super::broken_file;
use super::flags::{self, Mode, Role};
use crate::scalar::regex;

/// Words longer than these bytes have no forms.
pub(super) const MAX_WORD_BYTES: usize = 256;

/// On which side an affix is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Side {
    Prefix,
    Suffix,
}

/// What a word must look like without the affix.
#[derive(Clone, Debug)]
enum Mask {
    Anything,
    /// These classes of letters at the affix's end.
    Letters(Vec<Letters>),
    /// A regular expression.
    Pattern(String),
}

#[derive(Clone, Debug)]
struct Letters {
    among: String,
    negated: bool,
}

/// A rule.
#[derive(Clone, Debug)]
pub(super) struct Affix {
    pub(super) flag: String,
    pub(super) role: Role,
    pub(super) side: Side,
    mask: Mask,
    /// What the word has instead of the affix.
    find: String,
    /// The affix.
    text: String,
}

impl Affix {
    /// 2201B for a mask that is no regular expression.
    pub(super) fn new(flag: &str, role: Role, side: Side, mask: &str, find: &str, text: &str) -> Result<Self> {
        let mask = match mask {
            "" | "." => Mask::Anything,
            mask => match letters(mask) {
                Some(letters) => Mask::Letters(letters),
                None => {
                    let pattern = if side == Side::Suffix { format!("{mask}$") } else { format!("^{mask}") };
                    regex::is_match("", &pattern, false)?;
                    Mask::Pattern(pattern)
                }
            },
        };
        let needs_place = role.meets(Role::ONLY) || role.meets(Role::PERMITTED);
        let role = if needs_place && !role.meets(Role::ANYWHERE) { role.and(Role::ANYWHERE) } else { role };
        Ok(Affix { flag: flag.to_owned(), role, side, mask, find: find.to_owned(), text: text.to_owned() })
    }

    /// The word that this one is a form of, if it may be at this place of a compound word. `base` is how many bytes a suffix
    /// leaves as they are: a suffix sets it, a prefix must leave some of them.
    pub(super) fn strip(&self, word: &str, place: Role, base: Option<&mut usize>) -> Result<Option<String>> {
        if !self.may_be(place) {
            return Ok(None);
        }
        let rest = match self.side {
            Side::Prefix => word.strip_prefix(self.text.as_str()),
            Side::Suffix => word.strip_suffix(self.text.as_str()),
        };
        let Some(rest) = rest else { return Ok(None) };
        if rest.len() + self.find.len() >= 2 * MAX_WORD_BYTES {
            return Ok(None);
        }
        let stripped = match self.side {
            Side::Suffix => {
                if let Some(base) = base {
                    *base = rest.len();
                }
                format!("{rest}{}", self.find)
            }
            Side::Prefix => {
                if base.is_some_and(|base| *base + self.find.len() <= self.text.len()) {
                    return Ok(None);
                }
                format!("{}{rest}", self.find)
            }
        };
        Ok(self.allows(&stripped)?.then_some(stripped))
    }

    fn may_be(&self, place: Role) -> bool {
        let at_edge = |edge: Role, side: Side| self.role.meets(edge) || self.side != side;
        match place {
            Role(0) => !self.role.meets(Role::ONLY),
            _ if self.role.meets(Role::FORBIDDEN) => false,
            place if place.meets(Role::BEGIN) => at_edge(Role::BEGIN, Side::Suffix),
            place if place.meets(Role::MIDDLE) => self.role.meets(Role::MIDDLE),
            _ => at_edge(Role::LAST, Side::Prefix),
        }
    }

    fn allows(&self, word: &str) -> Result<bool> {
        match &self.mask {
            Mask::Anything => Ok(true),
            Mask::Pattern(pattern) => regex::is_match(word, pattern, false),
            Mask::Letters(letters) => {
                let len = word.chars().count();
                let skipped = match self.side {
                    Side::Prefix => 0,
                    Side::Suffix => len.saturating_sub(letters.len()),
                };
                let fits = |(c, letters): (char, &Letters)| letters.among.contains(c) != letters.negated;
                Ok(len >= letters.len() && word.chars().skip(skipped).zip(letters).all(fits))
            }
        }
    }
}

/// A mask of letters and classes of them; none for what needs a regular expression.
fn letters(mask: &str) -> Option<Vec<Letters>> {
    let mut out = Vec::new();
    let mut rest = mask;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c.is_alphabetic() {
            out.push(Letters { among: c.to_string(), negated: false });
            continue;
        }
        let (class, others) = rest.split_once(']').filter(|_| c == '[')?;
        let (among, negated) = match class.strip_prefix('^') {
            Some(among) => (among, true),
            None => (class, false),
        };
        if !among.chars().all(char::is_alphabetic) || (among.is_empty() && !negated) {
            return None;
        }
        out.push(Letters { among: among.to_owned(), negated });
        rest = others;
    }
    Some(out)
}

/// An affix that may stand between the words of a compound word.
#[derive(Debug)]
pub(super) struct Joint {
    pub(super) text: String,
    pub(super) side: Side,
}

/// All affixes of a file, and how it writes flags.
#[derive(Debug, Default)]
pub(super) struct Affixes {
    pub(super) mode: Mode,
    /// Whether there are compound words.
    pub(super) compounds: bool,
    /// Sets of flags by number, from one, where flags stand for these numbers.
    pub(super) aliases: Option<Vec<String>>,
    /// What flags make of words in compounds.
    pub(super) meanings: Vec<(String, Role)>,
    pub(super) all: Vec<Affix>,
    by_text: HashMap<(Side, String), Vec<usize>>,
    pub(super) joints: Vec<Joint>,
}

impl Affixes {
    /// Orders the rules when all are there.
    pub(super) fn arrange(&mut self) {
        let key = |affix: &Affix| -> Vec<u8> {
            match affix.side {
                Side::Prefix => affix.text.bytes().collect(),
                Side::Suffix => affix.text.bytes().rev().collect(),
            }
        };
        self.all.sort_by_cached_key(|affix| (affix.side, key(affix)));
        for (index, affix) in self.all.iter().enumerate() {
            self.by_text.entry((affix.side, affix.text.clone())).or_default().push(index);
        }
    }

    /// Finds the affixes that may join words, the shortest of those with a common end, when the sets of flags in use are known.
    pub(super) fn find_joints(&mut self, in_use: &[String]) -> Result<()> {
        for affix in self.all.iter().filter(|affix| affix.role.meets(Role::ANYWHERE) && !affix.text.is_empty()) {
            let mut used = false;
            for set in in_use.iter().chain(self.aliases.iter().flatten()) {
                used |= flags::contains(self.mode, set, &affix.flag)?;
            }
            let covered = |last: &Joint| last.side == affix.side && affix.text.ends_with(&last.text);
            if used && !self.joints.last().is_some_and(covered) {
                self.joints.push(Joint { text: affix.text.clone(), side: affix.side });
            }
        }
        Ok(())
    }

    /// The affixes that a word has on this side, the shortest first.
    pub(super) fn of<'a>(&'a self, word: &'a str, side: Side) -> impl Iterator<Item = &'a Affix> {
        let texts = (0..=word.len()).filter_map(move |len| match side {
            Side::Prefix => word.get(..len),
            Side::Suffix => word.get(word.len() - len..),
        });
        let found = texts.filter_map(move |text| self.by_text.get(&(side, text.to_owned())));
        found.flatten().map(|index| &self.all[*index])
    }

    /// The set of flags that a dictionary file gives a word. F0000 for an alias that is none.
    pub(super) fn word_flags<'a>(&'a self, given: &'a str) -> Result<&'a str> {
        let Some(aliases) = &self.aliases else { return Ok(given) };
        if given.is_empty() {
            return Ok("");
        }
        let invalid = || broken_file(format!("invalid affix alias \"{given}\""));
        let len = given.bytes().take_while(u8::is_ascii_digit).count();
        let number: usize = given[..len].parse().map_err(|_| invalid())?;
        match number {
            _ if len < given.len() => Err(invalid()),
            0 => Ok(""),
            number => aliases.get(number - 1).map(String::as_str).ok_or_else(invalid),
        }
    }

    /// Likewise an affix.
    pub(super) fn affix_flags<'a>(&'a self, given: &'a str) -> Result<&'a str> {
        let Some(aliases) = &self.aliases else { return Ok(given) };
        let invalid = || broken_file(format!("invalid affix alias \"{given}\""));
        let len = given.bytes().take_while(u8::is_ascii_digit).count();
        match given[..len].parse::<usize>() {
            _ if given.is_empty() => Ok(""),
            Err(_) => Err(invalid()),
            Ok(0) => Ok(""),
            Ok(number) => aliases.get(number - 1).map(String::as_str).ok_or_else(invalid),
        }
    }

    /// What a set of flags means in compounds. F0000.
    pub(super) fn roles(&self, set: &str) -> Result<Role> {
        let mut roles = Role::default();
        if self.meanings.is_empty() {
            return Ok(roles);
        }
        for flag in flags::each(self.mode, set) {
            let flag = flag?;
            if let Some((_, role)) = self.meanings.iter().find(|(known, _)| *known == flag) {
                roles = roles.and(*role);
            }
        }
        Ok(roles)
    }

    /// Both sets as one.
    pub(super) fn merged(&self, a: &str, b: &str) -> String {
        match (a, b) {
            ("", set) | (set, "") => set.to_owned(),
            (a, b) if self.mode == Mode::Number => format!("{a},{b}"),
            (a, b) => format!("{a}{b}"),
        }
    }
}
