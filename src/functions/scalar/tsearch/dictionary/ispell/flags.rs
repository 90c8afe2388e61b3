//! Flags of affixes, and sets of them as words and affixes have: one character, two, or a number each.

use std::borrow::Cow;

use dictdb_types::Result;

use super::super::broken_file;

/// The largest flag that is a number.
const MAX_NUMBER: i64 = 1 << 16;

/// How the flags of an affix file are written.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Mode {
    #[default]
    Char,
    Long,
    Number,
}

/// What a word or affix may do in compound words; as bits, since many are asked for at once.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Role(pub(super) u8);

impl Role {
    /// Only inside compound words.
    pub(super) const ONLY: Role = Role(0x01);
    pub(super) const BEGIN: Role = Role(0x02);
    pub(super) const MIDDLE: Role = Role(0x04);
    pub(super) const LAST: Role = Role(0x08);
    /// Anywhere in one.
    pub(super) const ANYWHERE: Role = Role(0x0e);
    /// All that words have.
    pub(super) const OF_WORDS: Role = Role(0x0f);
    /// An affix inside a compound word.
    pub(super) const PERMITTED: Role = Role(0x10);
    pub(super) const FORBIDDEN: Role = Role(0x20);
    /// A suffix and a prefix that stand together.
    pub(super) const CROSS: Role = Role(0x40);

    /// Whether they have any in common.
    pub(super) fn meets(self, other: Role) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn and(self, other: Role) -> Role {
        Role(self.0 | other.0)
    }

    pub(super) fn only(self, other: Role) -> Role {
        Role(self.0 & other.0)
    }

    pub(super) fn without(self, other: Role) -> Role {
        Role(self.0 & !other.0)
    }
}

/// The flags of a set, each as it is compared. F0000 for a malformed one.
pub(super) fn each<'a>(mode: Mode, set: &'a str) -> impl Iterator<Item = Result<Cow<'a, str>>> {
    let mut rest = set;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let flag = match mode {
            Mode::Char => Ok(Cow::Borrowed(take_chars(&mut rest, 1).unwrap_or_default())),
            Mode::Long => {
                let at = rest;
                take_chars(&mut rest, 2)
                    .map(Cow::Borrowed)
                    .ok_or_else(|| broken_file(format!("invalid affix flag \"{at}\" with \"long\" flag value")))
            }
            Mode::Number => take_number(&mut rest).map(|number| Cow::Owned(number.to_string())),
        };
        if flag.is_err() {
            rest = "";
        }
        Some(flag)
    })
}

/// One flag alone, as it is compared. F0000.
pub(super) fn single(mode: Mode, flag: &str) -> Result<String> {
    match mode {
        Mode::Number => leading_number(flag).map(|(number, _)| number.to_string()),
        _ => Ok(flag.to_owned()),
    }
}

/// Whether a set has a flag; every set has the empty one.
pub(super) fn contains(mode: Mode, set: &str, flag: &str) -> Result<bool> {
    if flag.is_empty() {
        return Ok(true);
    }
    for own in each(mode, set) {
        if own? == flag {
            return Ok(true);
        }
    }
    Ok(false)
}

fn take_chars<'a>(rest: &mut &'a str, count: usize) -> Option<&'a str> {
    let (last, c) = rest.char_indices().nth(count - 1)?;
    let (flag, others) = rest.split_at(last + c.len_utf8());
    *rest = others;
    Some(flag)
}

/// A number and the comma after it.
fn take_number(rest: &mut &str) -> Result<i64> {
    let (number, mut others) = leading_number(rest)?;
    let mut met_comma = false;
    while let Some(c) = others.chars().next() {
        let broken = match c {
            '0'..='9' if met_comma => break,
            ',' if !met_comma => {
                met_comma = true;
                false
            }
            '0'..='9' | ',' => true,
            c if c.is_whitespace() => false,
            _ => return Err(broken_file(format!("invalid character in affix flag \"{others}\""))),
        };
        if broken {
            return Err(broken_file(format!("invalid affix flag \"{others}\"")));
        }
        others = &others[c.len_utf8()..];
    }
    *rest = others;
    Ok(number)
}

fn leading_number(text: &str) -> Result<(i64, &str)> {
    let digits = text.trim_start();
    let signed = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    let len = digits.len() - signed.len() + signed.bytes().take_while(u8::is_ascii_digit).count();
    let number: i64 = digits[..len].parse().map_err(|_| broken_file(format!("invalid affix flag \"{text}\"")))?;
    if !(0..=MAX_NUMBER).contains(&number) {
        return Err(broken_file(format!("affix flag \"{text}\" is out of range")));
    }
    Ok((number, &digits[len..]))
}
