//! The template of the extension `dict_xsyn`: a word and its synonyms, from a file with a group on each line.

use std::collections::HashMap;
use std::sync::Arc;

use dictdb_types::{Env, Result};

use super::{Lexeme, Lexized, Options, files};

/// A dictionary of the template.
#[derive(Debug)]
pub(in super::super) struct Synonyms {
    /// What is given for a word.
    groups: HashMap<String, Vec<String>>,
}

impl Synonyms {
    pub(super) fn new(options: &[(Arc<str>, Arc<str>)], env: &dyn Env) -> Result<Self> {
        let known = ["matchorig", "keeporig", "matchsynonyms", "keepsynonyms", "rules"];
        let options = Options::new("xsyn", &known, options)?;
        let flag = |name: &str, default: bool| Ok::<_, dictdb_types::Error>(options.boolean(name)?.unwrap_or(default));
        let (match_first, keep_first) = (flag("matchorig", true)?, flag("keeporig", true)?);
        let (match_others, keep_others) = (flag("matchsynonyms", false)?, flag("keepsynonyms", true)?);
        let mut groups = HashMap::new();
        let text = match options.get("rules") {
            Some(rules) => files::text(env, "synonym", rules, "rules")?,
            None => Default::default(),
        };
        for line in text.lines().map(str::to_lowercase) {
            let line = line.split('#').next().unwrap_or_default();
            let words: Vec<&str> = line.split_whitespace().collect();
            let Some((first, others)) = words.split_first() else { continue };
            let kept = [*first].into_iter().filter(|_| keep_first);
            let kept: Vec<String> =
                kept.chain(others.iter().copied().filter(|_| keep_others)).map(str::to_owned).collect();
            let matched = [*first].into_iter().filter(|_| match_first);
            for word in matched.chain(others.iter().copied().filter(|_| match_others)) {
                groups.entry(word.to_owned()).or_insert_with(|| kept.clone());
            }
        }
        Ok(Synonyms { groups })
    }

    pub(super) fn lexize(&self, token: &str) -> Lexized {
        match self.groups.get(&token.to_lowercase()) {
            Some(words) => Lexized::Known(words.iter().cloned().map(Lexeme::plain).collect()),
            None => Lexized::Unknown,
        }
    }
}
