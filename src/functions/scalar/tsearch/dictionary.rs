//! Dictionaries: `simple`, and the Snowball stemmers with their stop words. PostgreSQL's own are from its catalog tables;
//! what users make of the templates is kept by template and options.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use dictdb_types::env::TextSearchDictionary;
use dictdb_types::{Array, Datum, Env, Error, Oid, Result, SqlState, bail, oids};
use rust_stemmers::{Algorithm, Stemmer};

use crate::args::kernels;
use crate::facts::{table, unescape};
use crate::kernel::ScalarFn;

pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "ts_lexize" => |cx; own: Oid, token: &str| {
        let array = |lexemes: Vec<String>| {
            Some(Array::vector(oids::TEXT, lexemes.into_iter().map(Datum::text).collect()))
        };
        Ok(match dictionary(own, cx.env)?.lexize(token)? {
            Lexized::Known(lexemes) => array(lexemes),
            Lexized::Filtered(other) => array(vec![other]),
            Lexized::Unknown => None,
        })
    },
};

/// As many dictionaries of users are kept ready.
const MAX_KEPT: usize = 1000;

/// What a dictionary makes of a token.
pub(super) enum Lexized {
    /// Its lexemes, none for a stop word.
    Known(Vec<String>),
    /// Another token, for the next dictionary.
    #[allow(dead_code, reason = "dictionaries of extensions filter")]
    Filtered(String),
    /// Nothing: the next dictionary may know it.
    Unknown,
}

/// A dictionary.
#[derive(Debug)]
pub(super) struct Dictionary {
    name: String,
    /// Language of the stemmer; none for `simple`.
    language: Option<String>,
    stop_words: HashSet<&'static str>,
    /// Whether `simple` knows every word.
    accept: bool,
}

static DICTIONARIES: LazyLock<HashMap<u32, Arc<Dictionary>>> = LazyLock::new(|| {
    let rows = table("pg_ts_dict").into_iter().flat_map(|table| table.rows());
    rows.map(|mut row| {
        let oid = row.field().and_then(|oid| oid.parse().ok()).unwrap_or_default();
        let name = row.field().unwrap_or_default().to_owned();
        let options = row.nullable().and_then(|_| row.nullable()).and_then(|_| row.nullable()).map(unescape);
        let options = options.unwrap_or_default();
        let stop_words = option(&options, "stopwords").and_then(|language| stop_words(&language)).unwrap_or_default();
        (oid, Arc::new(Dictionary { name, language: option(&options, "language"), stop_words, accept: true }))
    })
    .collect()
});

/// Dictionaries of users by what they are made of.
static OWN: LazyLock<Mutex<HashMap<TextSearchDictionary, Arc<Dictionary>>>> = LazyLock::new(Mutex::default);

/// The value of `name = 'value'` in a dictionary's options.
fn option(options: &str, name: &str) -> Option<String> {
    options.split(", ").find_map(|option| {
        let value = option.strip_prefix(name)?.strip_prefix(" = '")?.strip_suffix('\'')?;
        Some(value.to_owned())
    })
}

/// The dictionary with this oid; XX000 when there is none.
pub(super) fn dictionary(oid: Oid, env: &dyn Env) -> Result<Arc<Dictionary>> {
    if let Some(dictionary) = DICTIONARIES.get(&oid.0) {
        return Ok(dictionary.clone());
    }
    let Some(own) = env.text_search_dictionary(oid) else {
        bail!(INTERNAL_ERROR, "cache lookup failed for text search dictionary {oid}");
    };
    let mut kept = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = kept.get(&own) {
        return Ok(known.clone());
    }
    let made = Arc::new(Dictionary::new(&own)?);
    if kept.len() >= MAX_KEPT {
        kept.clear();
    }
    kept.insert(own, made.clone());
    Ok(made)
}

impl Dictionary {
    /// A dictionary of a template. 22023, F0000, and 0A000 for a template that is not here.
    pub(super) fn new(definition: &TextSearchDictionary) -> Result<Self> {
        let mut made = Dictionary { name: String::new(), language: None, stop_words: HashSet::new(), accept: true };
        let template = template_name(definition.template);
        let noun = match template.as_str() {
            "simple" => "simple dictionary",
            "snowball" => "Snowball",
            other => return Err(Error::unsupported(format_args!("text search template {other}"))),
        };
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in &definition.options {
            let known = match (&**name, template.as_str()) {
                ("stopwords", _) => "StopWords",
                ("accept", "simple") => "Accept",
                ("language", "snowball") => "Language",
                (other, _) => return Err(invalid(format!("unrecognized {noun} parameter: \"{other}\""))),
            };
            if seen.contains(&known) {
                return Err(invalid(format!("multiple {known} parameters")));
            }
            seen.push(known);
            match known {
                "StopWords" => made.stop_words = stop_words(value).ok_or_else(|| no_stop_words(value))?,
                "Accept" => made.accept = boolean(name, value)?,
                _ => made.language = Some(known_language(value)?),
            }
        }
        match template == "snowball" && made.language.is_none() {
            true => Err(invalid("missing Language parameter".to_owned())),
            false => Ok(made),
        }
    }

    /// What becomes of a token. 0A000 for a language without a stemmer here.
    pub(super) fn lexize(&self, token: &str) -> Result<Lexized> {
        let word = token.to_lowercase();
        if word.is_empty() || self.stop_words.contains(word.as_str()) {
            return Ok(Lexized::Known(vec![]));
        }
        let Some(language) = &self.language else {
            return Ok(if self.accept { Lexized::Known(vec![word]) } else { Lexized::Unknown });
        };
        let algorithm = algorithm(language)
            .ok_or_else(|| Error::unsupported(format_args!("text search dictionary \"{}\"", self.name)))?;
        Ok(Lexized::Known(vec![Stemmer::create(algorithm).stem(&word).into_owned()]))
    }
}

fn template_name(oid: Oid) -> String {
    let rows = table("pg_ts_template").into_iter().flat_map(|table| table.rows());
    let mut named = rows.filter_map(|mut row| {
        let own: u32 = row.field()?.parse().ok()?;
        (own == oid.0).then(|| row.field().unwrap_or_default().to_owned())
    });
    named.next().unwrap_or_else(|| oid.to_string())
}

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn no_stop_words(file: &str) -> Error {
    let message = format!("could not open stop-word file \"{file}.stop\": No such file or directory");
    Error::new(SqlState::CONFIG_FILE_ERROR, message)
}

fn boolean(name: &str, value: &str) -> Result<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "on" | "1" => Ok(true),
        "false" | "off" | "0" => Ok(false),
        _ => Err(Error::new(SqlState::SYNTAX_ERROR, format!("{name} requires a Boolean value"))),
    }
}

/// A language that PostgreSQL has a stemmer for.
fn known_language(value: &str) -> Result<String> {
    let language = value.to_ascii_lowercase();
    let known = DICTIONARIES.values().any(|own| own.language.as_deref() == Some(language.as_str()));
    match known || language == "porter" {
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

macro_rules! stop_word_files {
    ($($language:literal),* $(,)?) => {
        /// The stop words that come with PostgreSQL.
        fn stop_words(language: &str) -> Option<HashSet<&'static str>> {
            let text = match language {
                $($language => include_str!(concat!("../../facts/stopwords/", $language, ".stop")),)*
                _ => return None,
            };
            Some(text.lines().map(str::trim).filter(|word| !word.is_empty()).collect())
        }
    };
}

stop_word_files![
    "danish",
    "dutch",
    "english",
    "finnish",
    "french",
    "german",
    "hungarian",
    "italian",
    "nepali",
    "norwegian",
    "portuguese",
    "russian",
    "spanish",
    "swedish",
    "turkish",
];
