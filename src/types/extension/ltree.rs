//! `ltree`: a path of labels from the root of a tree.

use std::cmp::Ordering;

use super::label::{LEVELS_MAX, check_length, is_label_char};
use crate::{Error, Result, SqlState};

/// A path: its labels with dots between them, which is the text form too. The empty path is above all others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ltree(Box<str>);

impl Ltree {
    /// Reads the text form. 42601, 42622, 54000.
    pub fn parse(text: &str) -> Result<Ltree> {
        let levels = text.matches('.').count() + 1;
        if levels > LEVELS_MAX {
            return Err(too_many("labels", levels));
        }
        let syntax_error = |message: String| Error::new(SqlState::SYNTAX_ERROR, message);
        let mut chars = 0;
        for (at, c) in text.chars().enumerate() {
            let position = at + 1;
            match c {
                '.' if chars > 0 => {
                    check_length(chars, position)?;
                    chars = 0;
                }
                c if is_label_char(c) => chars += 1,
                _ => return Err(syntax_error(format!("ltree syntax error at character {position}"))),
            }
        }
        if chars == 0 && !text.is_empty() {
            return Err(syntax_error("ltree syntax error".to_owned()).detail("Unexpected end of input."));
        }
        check_length(chars, text.len() + 1)?;
        Ok(Ltree(text.into()))
    }

    /// A path that was read before, as [`Ltree::as_str`] gave it.
    pub(crate) fn from_stored(text: &str) -> Ltree {
        Ltree(text.into())
    }

    /// The path of these labels, which are those of other paths.
    pub fn of_labels<'l>(labels: impl IntoIterator<Item = &'l str>) -> Ltree {
        let mut text = String::new();
        for label in labels {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(label);
        }
        Ltree(text.into())
    }

    /// The text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The labels from the root on.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.0.split('.').filter(|label| !label.is_empty())
    }

    /// Number of labels.
    pub fn level_count(&self) -> usize {
        self.labels().count()
    }

    /// Order of the type: label by label as bytes, and what is above before what is below it.
    pub fn compare(&self, other: &Ltree) -> Ordering {
        self.labels().cmp(other.labels())
    }

    /// Whether the other path is this one or below it.
    pub fn is_ancestor_of(&self, other: &Ltree) -> bool {
        let rest = other.0.strip_prefix(&*self.0);
        rest.is_some_and(|rest| self.0.is_empty() || rest.is_empty() || rest.starts_with('.'))
    }

    /// The path with another one appended. 54000.
    pub fn concat(&self, other: &Ltree) -> Result<Ltree> {
        let levels = self.level_count() + other.level_count();
        if levels > LEVELS_MAX {
            return Err(too_many("levels", levels));
        }
        Ok(Ltree::of_labels(self.labels().chain(other.labels())))
    }
}

fn too_many(what: &str, count: usize) -> Error {
    let message = format!("number of ltree {what} ({count}) exceeds the maximum allowed ({LEVELS_MAX})");
    Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Ltree {
        Ltree::parse(text).unwrap()
    }

    #[test]
    fn paths_are_read_as_by_postgresql() {
        let fault = |text: &str| Ltree::parse(text).unwrap_err().message().to_owned();
        assert_eq!(fault(".2.3"), "ltree syntax error at character 1");
        assert_eq!(fault("1..3"), "ltree syntax error at character 3");
        assert_eq!(fault("1.2."), "ltree syntax error");
        assert_eq!(fault("aé"), "ltree syntax error at character 2");
        assert_eq!(fault(&"x".repeat(256)), "label string is too long");
        assert_eq!(fault(&"x.".repeat(65535)), "number of ltree labels (65536) exceeds the maximum allowed (65535)");
        assert_eq!((path("").level_count(), path("1.2._3").level_count()), (0, 3));
    }

    #[test]
    fn paths_sort_label_by_label() {
        let sorted = ["", "a", "a.b", "a.b.c", "a.c", "a_", "ab", "b"].map(path);
        for pair in sorted.windows(2) {
            assert!(pair[0].compare(&pair[1]).is_lt(), "{pair:?}");
        }
        assert!(path("a").is_ancestor_of(&path("a.b")) && !path("a").is_ancestor_of(&path("ab")));
        assert!(path("").is_ancestor_of(&path("a")) && path("a").is_ancestor_of(&path("a")));
        assert!(!path("a.b").is_ancestor_of(&path("a")));
    }
}
