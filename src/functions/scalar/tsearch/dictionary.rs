//! Dictionaries: `simple`, and the Snowball stemmers with their stop words.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use dictdb_types::{Array, Datum, Error, Oid, Result, bail, oids};
use rust_stemmers::{Algorithm, Stemmer};

use crate::args::kernels;
use crate::facts::{table, unescape};
use crate::kernel::ScalarFn;

pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "ts_lexize" => |own: Oid, token: &str| {
        let lexemes = dictionary(own)?.lexize(token)?;
        Ok(lexemes.map(|lexemes| Array::vector(oids::TEXT, lexemes.into_iter().map(Datum::text).collect())))
    },
};

/// A row of `pg_ts_dict`.
pub(super) struct Dictionary {
    pub(super) name: &'static str,
    /// Language of the stemmer; none for `simple`.
    language: Option<String>,
    stop_words: HashSet<&'static str>,
}

static DICTIONARIES: LazyLock<HashMap<u32, Dictionary>> = LazyLock::new(|| {
    let rows = table("pg_ts_dict").into_iter().flat_map(|table| table.rows());
    rows.map(|mut row| {
        let oid = row.field().and_then(|oid| oid.parse().ok()).unwrap_or_default();
        let name = row.field().unwrap_or_default();
        let options = row.nullable().and_then(|_| row.nullable()).and_then(|_| row.nullable()).map(unescape);
        let options = options.unwrap_or_default();
        let stop_words = option(&options, "stopwords").map(|language| stop_words(&language)).unwrap_or_default();
        (oid, Dictionary { name, language: option(&options, "language"), stop_words })
    })
    .collect()
});

/// The value of `name = 'value'` in a dictionary's options.
fn option(options: &str, name: &str) -> Option<String> {
    options.split(", ").find_map(|option| {
        let value = option.strip_prefix(name)?.strip_prefix(" = '")?.strip_suffix('\'')?;
        Some(value.to_owned())
    })
}

/// The dictionary with this oid; XX000 when there is none.
pub(super) fn dictionary(oid: Oid) -> Result<&'static Dictionary> {
    match DICTIONARIES.get(&oid.0) {
        Some(dictionary) => Ok(dictionary),
        None => bail!(INTERNAL_ERROR, "cache lookup failed for text search dictionary {oid}"),
    }
}

impl Dictionary {
    /// The lexemes of a token, none for a stop word. 0A000 for a language without a stemmer here.
    pub(super) fn lexize(&self, token: &str) -> Result<Option<Vec<String>>> {
        let word = token.to_lowercase();
        let Some(language) = &self.language else { return Ok(Some(vec![word])) };
        if word.is_empty() || self.stop_words.contains(word.as_str()) {
            return Ok(Some(vec![]));
        }
        let algorithm = algorithm(language)
            .ok_or_else(|| Error::unsupported(format_args!("text search dictionary \"{}\"", self.name)))?;
        Ok(Some(vec![Stemmer::create(algorithm).stem(&word).into_owned()]))
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
        fn stop_words(language: &str) -> HashSet<&'static str> {
            let text = match language {
                $($language => include_str!(concat!("../../facts/stopwords/", $language, ".stop")),)*
                _ => "",
            };
            text.lines().map(str::trim).filter(|word| !word.is_empty()).collect()
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
