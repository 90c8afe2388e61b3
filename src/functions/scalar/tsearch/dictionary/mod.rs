//! Dictionaries: what becomes of a token. PostgreSQL's own are from its catalog tables; what users make of the templates
//! is kept by template and options.
//!
//! ```text
//!   template   simple, snowball   synonym    ispell            thesaurus
//!   makes of   a word             a word     a word's forms    a phrase, through another dictionary
//!   reads      *.stop             *.syn      *.dict, *.affix   *.ths
//! ```
//!
//! Extensions bring `unaccent` (letters without accents, for the next dictionary), `integers` (`dict_int`) and `synonyms`
//! (`dict_xsyn`). A template is known by the symbol of its function for tokens.

mod files;
mod integers;
mod ispell;
mod simple;
mod synonym;
mod synonyms;
pub(super) mod thesaurus;
mod unaccent;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use dictdb_types::env::TextSearchDictionary;
use dictdb_types::{Array, Datum, Env, Error, Oid, Result, SqlState, bail, oids};

use self::integers::Integers;
use self::ispell::Ispell;
use self::simple::{Simple, Snowball};
use self::synonym::Synonym;
use self::synonyms::Synonyms;
use self::thesaurus::{Phrase, Thesaurus};
use self::unaccent::Unaccent;
use crate::args::kernels;
use crate::facts::{table, unescape};
use crate::kernel::ScalarFn;

pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "ts_lexize" => |cx; own: Oid, token: &str| {
        let array = |words: Vec<String>| {
            Some(Array::vector(oids::TEXT, words.into_iter().map(Datum::text).collect()))
        };
        Ok(match dictionary(own, cx.env)?.lexize_alone(token)? {
            Lexized::Known(lexemes) => array(lexemes.into_iter().map(|lexeme| lexeme.word).collect()),
            Lexized::Filtered(other) => array(vec![other]),
            Lexized::Unknown => None,
        })
    },
};

/// As many dictionaries of users are kept ready.
const MAX_KEPT: usize = 1000;

/// What a dictionary makes of a token.
#[derive(Clone, Debug)]
pub(super) enum Lexized {
    /// Its lexemes, none for a stop word.
    Known(Vec<Lexeme>),
    /// Another token, for the next dictionary.
    Filtered(String),
    /// Nothing: the next dictionary may know it.
    Unknown,
}

/// A lexeme as a dictionary gives it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Lexeme {
    pub(super) word: String,
    /// Lexemes of one variant belong together, several variants are alternatives.
    pub(super) variant: u16,
    /// Whether a query asks for words that begin so.
    pub(super) prefix: bool,
    /// Whether it stands at the place after the lexeme before.
    pub(super) next_place: bool,
}

impl Lexeme {
    fn plain(word: String) -> Self {
        Lexeme { word, ..Lexeme::default() }
    }
}

/// A dictionary.
#[derive(Debug)]
pub(super) enum Dictionary {
    Simple(Simple),
    Snowball(Snowball),
    Synonym(Synonym),
    Ispell(Ispell),
    Thesaurus(Thesaurus),
    /// `unaccent`.
    Unaccent(Unaccent),
    /// `dict_int`.
    Integers(Integers),
    /// `dict_xsyn`.
    Synonyms(Synonyms),
}

static DICTIONARIES: LazyLock<HashMap<u32, Arc<Dictionary>>> = LazyLock::new(|| {
    let rows = table("pg_ts_dict").into_iter().flat_map(|table| table.rows());
    rows.map(|mut row| {
        let oid = row.field().and_then(|oid| oid.parse().ok()).unwrap_or_default();
        let name = row.field().unwrap_or_default().to_owned();
        let options = row.nullable().and_then(|_| row.nullable()).and_then(|_| row.nullable()).map(unescape);
        let options = options.unwrap_or_default();
        let stop_words = option(&options, "stopwords").unwrap_or_default();
        let own = match option(&options, "language") {
            Some(language) => Dictionary::Snowball(Snowball::shipped(name, language, &stop_words)),
            None => Dictionary::Simple(Simple::default()),
        };
        (oid, Arc::new(own))
    })
    .collect()
});

/// What a dictionary of a user is made of: its definition, and that of the one it asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Recipe {
    definition: TextSearchDictionary,
    asked: Option<(Oid, Option<TextSearchDictionary>)>,
}

impl Recipe {
    /// 42704 when the dictionary that a thesaurus asks is not there.
    fn new(definition: TextSearchDictionary, env: &dyn Env) -> Result<Self> {
        let asked = thesaurus::asked(&definition, env)?.map(|oid| (oid, env.text_search_dictionary(oid)));
        Ok(Recipe { definition, asked })
    }
}

/// Dictionaries of users by what they are made of.
static OWN: LazyLock<Mutex<HashMap<Recipe, Arc<Dictionary>>>> = LazyLock::new(Mutex::default);

/// The value of `name = 'value'` in a dictionary's options.
fn option(options: &str, name: &str) -> Option<String> {
    options.split(", ").find_map(|option| {
        let value = option.strip_prefix(name)?.strip_prefix(" = '")?.strip_suffix('\'')?;
        Some(value.to_owned())
    })
}

/// A whole text as one token of a dictionary, which `unaccent()` makes of it. 0A000 and XX000 as the dictionary has it.
pub(crate) fn whole_text(oid: Oid, text: &str, env: &dyn Env) -> Result<String> {
    match &*dictionary(oid, env)? {
        Dictionary::Unaccent(own) => Ok(own.applied(text).unwrap_or_else(|| text.to_owned())),
        other => match other.lexize(text)? {
            Lexized::Known(lexemes) if !lexemes.is_empty() => Ok(lexemes[0].word.clone()),
            Lexized::Filtered(other) => Ok(other),
            _ => Ok(text.to_owned()),
        },
    }
}

/// The dictionary with this oid; XX000 when there is none.
pub(super) fn dictionary(oid: Oid, env: &dyn Env) -> Result<Arc<Dictionary>> {
    if let Some(dictionary) = DICTIONARIES.get(&oid.0) {
        return Ok(dictionary.clone());
    }
    let Some(own) = env.text_search_dictionary(oid) else {
        bail!(INTERNAL_ERROR, "cache lookup failed for text search dictionary {oid}");
    };
    let recipe = Recipe::new(own, env)?;
    if let Some(known) = OWN.lock().unwrap_or_else(PoisonError::into_inner).get(&recipe) {
        return Ok(known.clone());
    }
    make(recipe, env)
}

/// Makes a dictionary anew, from its files as they are now, and keeps it.
fn make(recipe: Recipe, env: &dyn Env) -> Result<Arc<Dictionary>> {
    let made = Arc::new(Dictionary::new(&recipe, env)?);
    let mut kept = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= MAX_KEPT {
        kept.clear();
    }
    kept.insert(recipe, made.clone());
    Ok(made)
}

/// Makes the dictionary of a definition, as CREATE and ALTER do to see whether it can be made. 22023, 42704, F0000, and 0A000
/// for a template that is not here.
pub(super) fn check(definition: TextSearchDictionary, env: &dyn Env) -> Result<()> {
    make(Recipe::new(definition, env)?, env).map(drop)
}

impl Dictionary {
    fn new(recipe: &Recipe, env: &dyn Env) -> Result<Self> {
        let options = &recipe.definition.options;
        Ok(match &*recipe.definition.lexize {
            "dsimple_lexize" => Dictionary::Simple(Simple::new(options, env)?),
            "dsnowball_lexize" => Dictionary::Snowball(Snowball::new(options, env)?),
            "dsynonym_lexize" => Dictionary::Synonym(Synonym::new(options, env)?),
            "dispell_lexize" => Dictionary::Ispell(Ispell::new(options, env)?),
            "thesaurus_lexize" => Dictionary::Thesaurus(Thesaurus::new(options, env)?),
            "unaccent_lexize" => Dictionary::Unaccent(Unaccent::new(options, env)?),
            "dintdict_lexize" => Dictionary::Integers(Integers::new(options)?),
            "dxsyn_lexize" => Dictionary::Synonyms(Synonyms::new(options, env)?),
            other => return Err(Error::unsupported(format_args!("a text search template with the function {other}"))),
        })
    }

    /// What becomes of a token. 0A000 for a language without a stemmer here, XX000 from a thesaurus, which wants phrases.
    pub(super) fn lexize(&self, token: &str) -> Result<Lexized> {
        match self {
            Dictionary::Simple(own) => Ok(own.lexize(token)),
            Dictionary::Snowball(own) => own.lexize(token),
            Dictionary::Synonym(own) => Ok(own.lexize(token)),
            Dictionary::Ispell(own) => own.lexize(token),
            Dictionary::Unaccent(own) => Ok(own.lexize(token)),
            Dictionary::Integers(own) => Ok(own.lexize(token)),
            Dictionary::Synonyms(own) => Ok(own.lexize(token)),
            Dictionary::Thesaurus(_) => bail!(INTERNAL_ERROR, "forbidden call of thesaurus or nested call"),
        }
    }

    /// Likewise of a token that nothing follows.
    pub(super) fn lexize_alone(&self, token: &str) -> Result<Lexized> {
        match self.thesaurus() {
            Some(thesaurus) => Ok(thesaurus.step(token, &mut Phrase::default())?.lexized),
            None => self.lexize(token),
        }
    }

    /// Itself when it looks at phrases.
    pub(super) fn thesaurus(&self) -> Option<&Thesaurus> {
        match self {
            Dictionary::Thesaurus(own) => Some(own),
            _ => None,
        }
    }
}

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn broken_file(message: impl Into<String>) -> Error {
    Error::new(SqlState::CONFIG_FILE_ERROR, message)
}

/// Takes each option once by its shown name; 22023 for others and for one that comes twice, as `noun` has it.
struct Options<'a> {
    given: Vec<(&'static str, &'a str)>,
}

impl<'a> Options<'a> {
    /// `known` are the options' shown names.
    fn new(noun: &'static str, known: &[&'static str], options: &'a [(Arc<str>, Arc<str>)]) -> Result<Self> {
        let mut given: Vec<(&'static str, &'a str)> = Vec::with_capacity(options.len());
        for (name, value) in options {
            let lower = |shown: &&&'static str| shown.to_ascii_lowercase() == **name;
            let Some(shown) = known.iter().find(lower).copied() else {
                return Err(invalid(format!("unrecognized {noun} parameter: \"{name}\"")));
            };
            if given.iter().any(|(other, _)| *other == shown) {
                return Err(invalid(format!("multiple {shown} parameters")));
            }
            given.push((shown, value));
        }
        Ok(Options { given })
    }

    fn get(&self, shown: &str) -> Option<&'a str> {
        self.given.iter().find(|(name, _)| *name == shown).map(|(_, value)| *value)
    }

    /// 22023 when it is missing.
    fn required(&self, shown: &str) -> Result<&'a str> {
        self.get(shown).ok_or_else(|| invalid(format!("missing {shown} parameter")))
    }

    /// 42601 for what is no Boolean.
    fn boolean(&self, shown: &str) -> Result<Option<bool>> {
        let Some(value) = self.get(shown) else { return Ok(None) };
        match value.to_ascii_lowercase().as_str() {
            "true" | "on" | "1" => Ok(Some(true)),
            "false" | "off" | "0" => Ok(Some(false)),
            _ => {
                let message = format!("{} requires a Boolean value", shown.to_ascii_lowercase());
                Err(Error::new(SqlState::SYNTAX_ERROR, message))
            }
        }
    }
}
