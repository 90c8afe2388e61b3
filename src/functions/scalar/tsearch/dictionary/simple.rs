//! `simple`, which takes words as they are, and the Snowball stemmers; both leave stop words out.

use std::collections::HashSet;
use std::sync::Arc;

use dictdb_types::env::BareEnv;
use dictdb_types::{Env, Error, Result, SqlState};
use rust_stemmers::{Algorithm, Stemmer};

use super::{DICTIONARIES, Dictionary, Lexeme, Lexized, Options, files};

/// A dictionary of the template `simple`.
#[derive(Debug)]
pub(in super::super) struct Simple {
    stop_words: HashSet<String>,
    /// Whether it knows every word.
    accept: bool,
}

impl Default for Simple {
    fn default() -> Self {
        Simple { stop_words: HashSet::new(), accept: true }
    }
}

impl Simple {
    pub(super) fn new(options: &[(Arc<str>, Arc<str>)], env: &dyn Env) -> Result<Self> {
        let options = Options::new("simple dictionary", &["StopWords", "Accept"], options)?;
        let stop_words = options.get("StopWords").map(|name| files::stop_words(env, name)).transpose()?;
        Ok(Simple { stop_words: stop_words.unwrap_or_default(), accept: options.boolean("Accept")?.unwrap_or(true) })
    }

    pub(super) fn lexize(&self, token: &str) -> Lexized {
        let word = token.to_lowercase();
        if word.is_empty() || self.stop_words.contains(word.as_str()) {
            return Lexized::Known(vec![]);
        }
        if self.accept { Lexized::Known(vec![Lexeme::plain(word)]) } else { Lexized::Unknown }
    }
}

/// A dictionary of the template `snowball`.
#[derive(Debug)]
pub(in super::super) struct Snowball {
    /// Empty for those of users.
    name: String,
    language: String,
    stop_words: HashSet<String>,
}

impl Snowball {
    /// One of PostgreSQL's own; no file of stop words is none.
    pub(super) fn shipped(name: String, language: String, stop_words: &str) -> Self {
        let stop_words = files::stop_words(&BareEnv::default(), stop_words).unwrap_or_default();
        Snowball { name, language, stop_words }
    }

    pub(super) fn new(options: &[(Arc<str>, Arc<str>)], env: &dyn Env) -> Result<Self> {
        let options = Options::new("Snowball", &["StopWords", "Language"], options)?;
        let stop_words = options.get("StopWords").map(|name| files::stop_words(env, name)).transpose()?;
        let language = known_language(options.required("Language")?)?;
        Ok(Snowball { name: String::new(), language, stop_words: stop_words.unwrap_or_default() })
    }

    pub(super) fn lexize(&self, token: &str) -> Result<Lexized> {
        let word = token.to_lowercase();
        if word.is_empty() || self.stop_words.contains(word.as_str()) {
            return Ok(Lexized::Known(vec![]));
        }
        let algorithm = algorithm(&self.language)
            .ok_or_else(|| Error::unsupported(format_args!("text search dictionary \"{}\"", self.name)))?;
        Ok(Lexized::Known(vec![Lexeme::plain(Stemmer::create(algorithm).stem(&word).into_owned())]))
    }
}

/// A language that PostgreSQL has a stemmer for.
fn known_language(value: &str) -> Result<String> {
    let language = value.to_ascii_lowercase();
    let known = |own: &Arc<Dictionary>| matches!(&**own, Dictionary::Snowball(own) if own.language == language);
    match language == "porter" || DICTIONARIES.values().any(known) {
        true => Ok(language),
        false => Err(Error::new(
            SqlState::UNDEFINED_OBJECT,
            format!("no Snowball stemmer available for language \"{value}\" and encoding \"UTF8\""),
        )),
    }
}

fn algorithm(language: &str) -> Option<Algorithm> {
    Some(match language {
        "arabic" => Algorithm::Arabic,
        "danish" => Algorithm::Danish,
        "dutch" => Algorithm::Dutch,
        "english" => Algorithm::English,
        "finnish" => Algorithm::Finnish,
        "french" => Algorithm::French,
        "german" => Algorithm::German,
        "greek" => Algorithm::Greek,
        "hungarian" => Algorithm::Hungarian,
        "italian" => Algorithm::Italian,
        "norwegian" => Algorithm::Norwegian,
        "portuguese" => Algorithm::Portuguese,
        "romanian" => Algorithm::Romanian,
        "russian" => Algorithm::Russian,
        "spanish" => Algorithm::Spanish,
        "swedish" => Algorithm::Swedish,
        "tamil" => Algorithm::Tamil,
        "turkish" => Algorithm::Turkish,
        _ => return None,
    })
}
