//! SIMILAR TO: SQL's regular expressions rewritten to POSIX ones, and `substring … similar … escape`.

use dictdb_types::{Error, Result, SqlState};

use super::like::invalid_escape;
use super::regex;
use crate::args::kernels;
use crate::kernel::ScalarFn;

/// Functions of this family by `prosrc`.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "similar_escape" => |pattern: Option<&str>, escape: Option<&str>| {
        pattern.map(|pattern| rewrite(pattern, escape.unwrap_or("\\"))).transpose()
    },
    "similar_to_escape_1" => |pattern: &str| rewrite(pattern, "\\"),
    "similar_to_escape_2" => |pattern: &str, escape: &str| rewrite(pattern, escape),
    "\"substring\"(text,text,text)" => |s: &str, pattern: &str, escape: &str| regex::substring(s, &rewrite(pattern, escape)?),
};

/// The POSIX form of an SQL regular expression. `escape "` splits it into three parts, of which the middle one becomes
/// a capture while the outer ones match as little as they can.
fn rewrite(pattern: &str, escape: &str) -> Result<String> {
    let mut chars = escape.chars();
    let escape = chars.next();
    if chars.next().is_some() {
        return Err(invalid_escape());
    }
    let mut out = String::from("^(?:");
    let mut separators = 0;
    let mut class = CharacterClass::default();
    let mut escaped = false;
    for c in pattern.chars() {
        if escaped {
            escaped = false;
            if c == '"' && class.depth == 0 {
                out.push_str(separator(separators)?);
                separators += 1;
            } else {
                out.push('\\');
                out.push(c);
                class.begins = false;
            }
        } else if Some(c) == escape {
            escaped = true;
        } else if class.depth > 0 {
            if c == '\\' {
                out.push('\\');
            }
            out.push(c);
            class.go_on(c);
        } else {
            if c == '[' {
                class = CharacterClass { depth: 1, begins: true, may_negate: true };
            }
            push_outside_class(&mut out, c);
        }
    }
    out.push_str(")$");
    Ok(out)
}

/// How far a bracket expression is read.
#[derive(Default)]
struct CharacterClass {
    /// Brackets that are open: those of collating elements and named classes are inside.
    depth: usize,
    /// Nothing but a caret has come so far, so that `]` is an element.
    begins: bool,
    /// Not even that.
    may_negate: bool,
}

impl CharacterClass {
    fn go_on(&mut self, c: char) {
        match c {
            ']' if !self.begins => self.depth -= 1,
            '[' => self.depth += 1,
            '^' if self.may_negate => {
                self.may_negate = false;
                return;
            }
            _ => {}
        }
        (self.begins, self.may_negate) = (false, false);
    }
}

fn separator(seen: usize) -> Result<&'static str> {
    match seen {
        0 => Ok("){1,1}?("),
        1 => Ok("){1,1}(?:"),
        _ => Err(Error::new(
            SqlState::INVALID_USE_OF_ESCAPE_CHARACTER,
            "SQL regular expression may not contain more than two escape-double-quote separators",
        )),
    }
}

fn push_outside_class(out: &mut String, c: char) {
    match c {
        '%' => out.push_str(".*"),
        '_' => out.push('.'),
        '(' => out.push_str("(?:"),
        '\\' | '.' | '^' | '$' => {
            out.push('\\');
            out.push(c);
        }
        _ => out.push(c),
    }
}
