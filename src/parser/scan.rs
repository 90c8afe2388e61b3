//! The lexical shapes of PostgreSQL over bytes: where blanks, names, strings, numbers and operators end.
//!
//! Shared by the lexer, which makes tokens of them, and by literal lifting, which only skips. Nothing here allocates or
//! decides what a shape means.

use memchr::{memchr, memchr2, memmem};

/// White space of the scanner; no vertical tab.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c)
}

/// First byte of a name.
pub(crate) fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

/// Further byte of a name.
pub(crate) fn is_name_part(byte: u8) -> bool {
    is_name_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

/// A byte operators are made of.
pub(crate) fn is_operator(byte: u8) -> bool {
    matches!(
        byte,
        b'~' | b'!'
            | b'@'
            | b'#'
            | b'^'
            | b'&'
            | b'|'
            | b'`'
            | b'?'
            | b'+'
            | b'-'
            | b'*'
            | b'/'
            | b'%'
            | b'<'
            | b'>'
            | b'='
    )
}

fn byte(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}

/// Skips white space and comments. `Err` holds the start of a comment without end.
pub(crate) fn blank(text: &[u8], mut at: usize) -> Result<usize, usize> {
    loop {
        match byte(text, at) {
            b if is_space(b) => at += 1,
            b'-' if byte(text, at + 1) == b'-' => at = line_end(text, at),
            b'/' if byte(text, at + 1) == b'*' => at = block_comment(text, at).ok_or(at)?,
            _ => return Ok(at),
        }
    }
}

fn line_end(text: &[u8], at: usize) -> usize {
    memchr2(b'\n', b'\r', &text[at..]).map_or(text.len(), |length| at + length)
}

/// End of a comment that starts at `at`; such comments nest.
fn block_comment(text: &[u8], at: usize) -> Option<usize> {
    let mut depth = 1;
    let mut at = at + 2;
    while depth > 0 {
        at += memchr2(b'*', b'/', text.get(at..)?)?;
        match (byte(text, at), byte(text, at + 1)) {
            (b'*', b'/') => {
                depth -= 1;
                at += 2;
            }
            (b'/', b'*') => {
                depth += 1;
                at += 2;
            }
            _ => at += 1,
        }
    }
    Some(at)
}

/// End of an unquoted name that starts at `at`.
pub(crate) fn name(text: &[u8], at: usize) -> usize {
    text[at..].iter().position(|b| !is_name_part(*b)).map_or(text.len(), |length| at + length)
}

/// End of a text in `quote` whose opening quote is at `at`, doubled quotes inside; `None` without end.
pub(crate) fn quoted(text: &[u8], at: usize, quote: u8) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at += memchr(quote, text.get(at..)?)? + 1;
        if byte(text, at) != quote {
            return Some(at);
        }
        at += 1;
    }
}

/// End of a string whose opening quote is at `at`, with its continuations on further lines; `None` without end.
pub(crate) fn string(text: &[u8], at: usize, escapes: bool) -> Option<usize> {
    let mut end = if escapes { escape_string(text, at)? } else { quoted(text, at, b'\'')? };
    while let Some(next) = continuation(text, end) {
        end = if escapes { escape_string(text, next)? } else { quoted(text, next, b'\'')? };
    }
    Some(end)
}

fn escape_string(text: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at += memchr2(b'\'', b'\\', text.get(at..)?)?;
        match (byte(text, at), byte(text, at + 1)) {
            (b'\'', b'\'') | (b'\\', _) => at += 2,
            _ => return Some(at + 1),
        }
    }
}

/// The quote at which a string that ended at `at` goes on: after white space with at least one newline.
pub(crate) fn continuation(text: &[u8], at: usize) -> Option<usize> {
    let mut at = at;
    let mut newline = false;
    loop {
        match byte(text, at) {
            b'\n' | b'\r' => {
                newline = true;
                at += 1;
            }
            b if is_space(b) => at += 1,
            b'-' if byte(text, at + 1) == b'-' => at = line_end(text, at),
            b'\'' if newline => return Some(at),
            _ => return None,
        }
    }
}

/// The opening delimiter of a dollar-quoted string at `at`, such as `$tag$`: its end.
pub(crate) fn dollar_tag(text: &[u8], at: usize) -> Option<usize> {
    let mut end = at + 1;
    if is_name_start(byte(text, end)) {
        while is_name_part(byte(text, end)) && byte(text, end) != b'$' {
            end += 1;
        }
    }
    (byte(text, end) == b'$').then_some(end + 1)
}

/// End of a dollar-quoted string whose delimiter is `text[at..tag_end]`; `None` without end.
pub(crate) fn dollar_string(text: &[u8], at: usize, tag_end: usize) -> Option<usize> {
    let tag = &text[at..tag_end];
    memmem::find(&text[tag_end..], tag).map(|length| tag_end + length + tag.len())
}

fn digits(text: &[u8], at: usize) -> usize {
    text[at.min(text.len())..].iter().position(|b| !b.is_ascii_digit()).map_or(text.len(), |length| at + length)
}

/// A number at `at`, which starts with a digit or with a dot before one.
pub(crate) struct Number {
    /// Its end.
    pub(crate) end: usize,
    /// No fraction and no exponent.
    pub(crate) integer: bool,
    /// A name follows without space, or an exponent has no digits.
    pub(crate) junk: bool,
}

/// Reads a number.
pub(crate) fn number(text: &[u8], at: usize) -> Number {
    let mut end = digits(text, at);
    let mut integer = true;
    if byte(text, end) == b'.' && byte(text, end + 1) != b'.' {
        integer = false;
        end = digits(text, end + 1);
    }
    if matches!(byte(text, end), b'e' | b'E') {
        let sign = usize::from(matches!(byte(text, end + 1), b'+' | b'-'));
        let exponent = digits(text, end + 1 + sign);
        if exponent == end + 1 + sign {
            // Without digits, a sign belongs to the junk and any letters do.
            let end = if sign == 1 { exponent } else { name(text, end) };
            return Number { end, integer: false, junk: true };
        }
        integer = false;
        end = exponent;
    }
    match is_name_start(byte(text, end)) {
        true => Number { end: name(text, end), integer, junk: true },
        false => Number { end, integer, junk: false },
    }
}

/// End of a run of operator characters that starts at `at`, as the scanner cuts it: a comment ends it, and a trailing plus
/// or minus belongs to it only if it holds one of `~ ! @ # ^ & | ? %` or a back-tick.
pub(crate) fn operator(text: &[u8], at: usize) -> usize {
    let mut end = at;
    while is_operator(byte(text, end)) && !matches!(&text[end..], [b'/', b'*', ..] | [b'-', b'-', ..]) {
        end += 1;
    }
    let special = |b: &u8| matches!(b, b'~' | b'!' | b'@' | b'#' | b'^' | b'&' | b'|' | b'`' | b'?' | b'%');
    while end > at + 1 && matches!(text[end - 1], b'+' | b'-') && !text[at..end - 1].iter().any(special) {
        end -= 1;
    }
    end
}
