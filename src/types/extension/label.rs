//! Labels of [`super::Ltree`], and the pattern for one label that both query languages have.
//!
//! The locale is `C`: only ASCII letters and digits stand in labels, and only they have case.

use crate::{Error, Result, SqlState};

/// Most labels of a path, most levels of a query.
pub const LEVELS_MAX: usize = u16::MAX as usize;

/// Longest label, in characters.
const LABEL_CHARS_MAX: usize = 255;

/// Whether a label may have this character.
pub(super) fn is_label_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// 42622 for a label that is too long and ends before the character at `position`.
pub(super) fn check_length(chars: usize, position: usize) -> Result<()> {
    if chars <= LABEL_CHARS_MAX {
        return Ok(());
    }
    let detail = format!("Label length is {chars}, must be at most {LABEL_CHARS_MAX}, at character {position}.");
    Err(Error::new(SqlState::NAME_TOO_LONG, "label string is too long").detail(detail))
}

/// What a query says about a label: a text, and the marks behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelPattern {
    /// The text.
    pub text: Box<str>,
    /// `*`: the label begins so.
    pub prefix: bool,
    /// `@`: the case of letters does not matter.
    pub any_case: bool,
    /// `%`: the label has all words of the text, in any order; underscores part words.
    pub words: bool,
}

impl LabelPattern {
    /// Sets what a mark stands for; `false` for a character that is none.
    pub(super) fn mark(&mut self, mark: char) -> bool {
        match mark {
            '*' => self.prefix = true,
            '@' => self.any_case = true,
            '%' => self.words = true,
            _ => return false,
        }
        true
    }

    /// Whether it has marks.
    pub fn is_marked(&self) -> bool {
        self.prefix || self.any_case || self.words
    }

    /// Whether a label is as the pattern says.
    pub fn matches(&self, label: &str) -> bool {
        match self.words {
            true => words(&self.text).all(|wanted| words(label).any(|own| self.is_alike(wanted, own))),
            false => self.is_alike(&self.text, label),
        }
    }

    fn is_alike(&self, wanted: &str, own: &str) -> bool {
        let (wanted, own) = (wanted.as_bytes(), own.as_bytes());
        let compared = if self.prefix { own.get(..wanted.len()).unwrap_or(own) } else { own };
        if self.any_case { wanted.eq_ignore_ascii_case(compared) } else { wanted == compared }
    }

    /// Bytes it takes.
    pub(super) fn size(&self) -> usize {
        size_of::<LabelPattern>() + self.text.len()
    }

    /// Appends the text and its marks.
    pub(super) fn write(&self, out: &mut String) {
        out.push_str(&self.text);
        let marks = [(self.words, '%'), (self.any_case, '@'), (self.prefix, '*')];
        out.extend(marks.into_iter().filter(|(is_set, _)| *is_set).map(|(_, mark)| mark));
    }
}

fn words(label: &str) -> impl Iterator<Item = &str> {
    label.split('_').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str, marks: &str) -> LabelPattern {
        let mut pattern = LabelPattern { text: text.into(), ..LabelPattern::default() };
        assert!(marks.chars().all(|mark| pattern.mark(mark)));
        pattern
    }

    #[test]
    fn marks_widen_what_matches() {
        assert!(pattern("foo", "").matches("foo") && !pattern("foo", "").matches("foobar"));
        assert!(pattern("foo", "*").matches("foobar") && !pattern("foobar", "*").matches("foo"));
        assert!(pattern("Foo", "@").matches("fOO") && !pattern("Foo", "").matches("foo"));
        assert!(pattern("b_a", "%").matches("a_x_b") && !pattern("b_a", "%").matches("ab"));
        assert!(pattern("Xa_b", "%@*").matches("bc_xAy"));
        assert!(pattern("_", "%").matches("anything"));
    }
}
