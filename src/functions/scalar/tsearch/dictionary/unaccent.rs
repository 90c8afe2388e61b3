//! The template of the extension `unaccent`: characters give way to others, and the text goes to the next dictionary.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use dictdb_types::{Env, Error, Result, Severity, SqlState};

use super::{Lexized, Options, files};

/// A dictionary of the template.
#[derive(Debug)]
pub(in super::super) struct Unaccent {
    /// What texts become, most of them one character.
    rules: HashMap<Box<str>, Box<str>>,
    /// Characters of the longest of them.
    longest: usize,
}

impl Unaccent {
    pub(super) fn new(options: &[(Arc<str>, Arc<str>)], env: &dyn Env) -> Result<Self> {
        let options = Options::new("Unaccent", &["Rules"], options)?;
        let text = files::text(env, "unaccent", options.required("Rules")?, "rules")?;
        let mut rules = HashMap::new();
        let warn =
            |message: &str| env.notice(Error::with_severity(Severity::Warning, SqlState::CONFIG_FILE_ERROR, message));
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let Some(source) = words.next() else { continue };
            let target = words.next().unwrap_or_default();
            if words.next().is_some() {
                warn("invalid syntax: more than two strings in unaccent rule");
            } else if rules.contains_key(source) {
                warn("duplicate source strings, first one will be used");
            } else {
                rules.insert(Box::from(source), Box::from(target));
            }
        }
        let longest = rules.keys().map(|source| source.chars().count()).max().unwrap_or_default();
        Ok(Unaccent { rules, longest })
    }

    /// What becomes of a text; `None` when no rule is for it.
    pub(super) fn applied(&self, text: &str) -> Option<String> {
        let mut out: Option<String> = None;
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            // No rule of letters of ASCII alone is shipped, but a user's may be.
            match self.longest_rule(&text[at..]) {
                Some((len, target)) => {
                    out.get_or_insert_with(|| text[..at].to_owned()).push_str(target);
                    at += len;
                }
                None => {
                    if let Some(out) = &mut out {
                        out.push(c);
                    }
                    at += c.len_utf8();
                }
            }
        }
        out
    }

    /// The rule for the longest beginning, with its length in bytes.
    fn longest_rule(&self, text: &str) -> Option<(usize, &str)> {
        let ends = text.char_indices().skip(1).map(|(at, _)| at).chain([text.len()]).take(self.longest);
        let found = ends.filter_map(|end| Some((end, &**self.rules.get(&text[..end])?)));
        found.last()
    }

    pub(super) fn lexize(&self, token: &str) -> Lexized {
        self.applied(token).map_or(Lexized::Unknown, Lexized::Filtered)
    }
}

/// The rules that come with the extension, as its file has them.
pub(super) fn shipped_rules() -> Cow<'static, str> {
    let rule = |line: &str| {
        let (code, text) = line.split_once('\t')?;
        let source = char::from_u32(u32::from_str_radix(code, 16).ok()?)?;
        Some(format!("{source}\t{text}\n"))
    };
    Cow::Owned(include_str!("../../../facts/unaccent.tsv").lines().filter_map(rule).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use dictdb_types::env::BareEnv;

    #[test]
    fn letters_lose_accents_and_ligatures_come_apart() {
        let own = Unaccent::new(&[(Arc::from("rules"), Arc::from("unaccent"))], &BareEnv::default()).unwrap();
        let plain = own.applied("Hôtel Müller, Œuvre, Straße");
        assert_eq!(plain.as_deref(), Some("Hotel Muller, OEuvre, Strasse"));
        assert_eq!(own.applied("plain"), None);
    }
}
