//! The files dictionaries are made of: those in `tsearch_data` of the data directory, else those that come with PostgreSQL.

use std::borrow::Cow;
use std::collections::HashSet;

use dictdb_types::{Env, Error, Result, SqlState, bail};

/// The text of `name.extension`, which `noun` describes when it is missing. 22023 for a name with other characters than
/// `a` to `z`, digits and `_`; F0000.
pub(super) fn text(env: &dyn Env, noun: &str, name: &str, extension: &str) -> Result<Cow<'static, str>> {
    if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
        bail!(INVALID_PARAMETER_VALUE, "invalid text search configuration file name \"{name}\"");
    }
    let file = format!("{name}.{extension}");
    if let Some(own) = env.text_search_file(&file) {
        return own.map(Cow::Owned);
    }
    if file == "unaccent.rules" {
        return Ok(super::unaccent::shipped_rules());
    }
    let shipped = SHIPPED_STOP_WORDS.iter().chain(SHIPPED_SAMPLES).find(|(known, _)| *known == file);
    shipped.map(|(_, text)| Cow::Borrowed(*text)).ok_or_else(|| {
        let message = format!("could not open {noun} file \"{file}\": No such file or directory");
        Error::new(SqlState::CONFIG_FILE_ERROR, message)
    })
}

/// Calls `read` with every line; what it fails with says which line that was.
pub(super) fn for_each_line<'a>(file: &str, text: &'a str, mut read: impl FnMut(&'a str) -> Result<()>) -> Result<()> {
    for (number, line) in text.lines().enumerate() {
        let place =
            |error: Error| error.context(format!("line {} of configuration file \"{file}\": \"{line}\"", number + 1));
        read(line).map_err(place)?;
    }
    Ok(())
}

/// The words of a stop-word file: the first of each line.
pub(super) fn stop_words(env: &dyn Env, name: &str) -> Result<HashSet<String>> {
    let text = text(env, "stop-word", name, "stop")?;
    Ok(text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_lowercase).collect())
}

macro_rules! shipped {
    ($folder:literal: $($file:literal),* $(,)?) => {
        &[$(($file, include_str!(concat!("../../../facts/", $folder, "/", $file)))),*]
    };
}

/// Name and text of PostgreSQL's files of one folder.
type Shipped = &'static [(&'static str, &'static str)];

const SHIPPED_STOP_WORDS: Shipped = shipped!["stopwords":
    "danish.stop", "dutch.stop", "english.stop", "finnish.stop", "french.stop", "german.stop", "hungarian.stop",
    "italian.stop", "nepali.stop", "norwegian.stop", "portuguese.stop", "russian.stop", "spanish.stop", "swedish.stop",
    "turkish.stop",
];

const SHIPPED_SAMPLES: Shipped = shipped!["tsearch_data":
    "hunspell_sample.affix", "hunspell_sample_long.affix", "hunspell_sample_long.dict", "hunspell_sample_num.affix",
    "hunspell_sample_num.dict", "ispell_sample.affix", "ispell_sample.dict", "synonym_sample.syn",
    "thesaurus_sample.ths", "xsyn_sample.rules",
];
