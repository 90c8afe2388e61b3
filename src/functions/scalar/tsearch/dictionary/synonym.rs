//! The template `synonym`: one word for another, from a file with a pair on each line.

use std::collections::HashMap;
use std::sync::Arc;

use dictdb_types::{Env, Result};

use super::{Lexeme, Lexized, Options, files};

/// A dictionary of the template.
#[derive(Debug)]
pub(in super::super) struct Synonym {
    case_sensitive: bool,
    pairs: HashMap<String, Lexeme>,
}

impl Synonym {
    pub(super) fn new(options: &[(Arc<str>, Arc<str>)], env: &dyn Env) -> Result<Self> {
        let options = Options::new("synonym", &["Synonyms", "CaseSensitive"], options)?;
        let case_sensitive = options.boolean("CaseSensitive")?.unwrap_or(false);
        let text = files::text(env, "synonym", options.required("Synonyms")?, "syn")?;
        let folded = |word: &str| if case_sensitive { word.to_owned() } else { word.to_lowercase() };
        let mut pairs = HashMap::new();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let (Some(word), Some(other)) = (words.next(), words.next()) else { continue };
            // A star at the end is for all words that begin so.
            let (other, prefix) = match other.strip_suffix('*') {
                Some(beginning) => (beginning, true),
                None => (other, false),
            };
            pairs.insert(folded(word), Lexeme { word: folded(other), prefix, ..Lexeme::default() });
        }
        Ok(Synonym { case_sensitive, pairs })
    }

    pub(super) fn lexize(&self, token: &str) -> Lexized {
        let found = match self.case_sensitive {
            true => self.pairs.get(token),
            false => self.pairs.get(&token.to_lowercase()),
        };
        found.map_or(Lexized::Unknown, |other| Lexized::Known(vec![other.clone()]))
    }
}
