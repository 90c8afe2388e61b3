//! Locale names with their attributes: BCP 47 (`de-u-co-phonebk-ks-level2`), ICU's older form (`de@collation=phonebook;colStrength=secondary`)
//! and the names of POSIX systems (`de_DE.utf8@euro`).

use dictdb_types::{Error, Result};
use icu_collator::options::{AlternateHandling, CaseLevel, CollatorOptions, MaxVariable, Strength};
use icu_collator::{CollatorBorrowed, CollatorPreferences};
use icu_locale_core::Locale;

use super::Rule;
use super::case::CaseRule;

/// ICU's older names of keywords and values, and what BCP 47 calls them.
const OLD_KEYWORDS: &[(&str, &str)] = &[
    ("collation", "co"),
    ("colstrength", "ks"),
    ("colalternate", "ka"),
    ("colcasefirst", "kf"),
    ("colcaselevel", "kc"),
    ("colnumeric", "kn"),
    ("colbackwards", "kb"),
    ("colreorder", "kr"),
    ("kv", "kv"),
];
const OLD_VALUES: &[(&str, &str)] = &[
    ("phonebook", "phonebk"),
    ("traditional", "trad"),
    ("dictionary", "dict"),
    ("gb2312han", "gb2312"),
    ("primary", "level1"),
    ("secondary", "level2"),
    ("tertiary", "level3"),
    ("quaternary", "level4"),
    ("quarternary", "level4"),
    ("identical", "identic"),
    ("non-ignorable", "noignore"),
    ("yes", "true"),
    ("no", "false"),
];

/// Makes what a rule says. 0A000.
pub(super) fn read(rule: &str) -> Result<Rule> {
    let (provider, name) = rule.split_at(rule.len().min(1));
    let is_libc = provider == "c";
    let locale = match is_libc {
        true => parsed(&from_libc(name)),
        false => parsed(&from_icu(name)),
    };
    let options = options(&locale, name)?;
    let preferences = CollatorPreferences::from(&locale);
    let collator = CollatorBorrowed::try_new(preferences, options)
        .map_err(|error| Error::internal(format!("could not open collator for locale \"{name}\": {error}")))?;
    Ok(Rule { collator, case: CaseRule::new(locale.id, is_libc) })
}

/// Whether a POSIX system's name of a locale is a language and a territory, in UTF-8.
pub fn is_system_name(name: &str) -> bool {
    let base = name.split(['.', '@']).next().unwrap_or_default();
    let encoding = name.split_once('.').map(|(_, rest)| rest.split('@').next().unwrap_or_default());
    let is_utf8 = encoding.is_none_or(|encoding| encoding.replace('-', "").eq_ignore_ascii_case("utf8"));
    let Some((language, territory)) = base.split_once('_') else { return false };
    is_utf8
        && matches!(language.len(), 2 | 3)
        && language.bytes().all(|c| c.is_ascii_lowercase())
        && territory.len() == 2
        && territory.bytes().all(|c| c.is_ascii_uppercase())
}

fn from_libc(name: &str) -> String {
    let base = name.split(['.', '@']).next().unwrap_or_default();
    base.replace('_', "-")
}

/// ICU's older form in BCP 47.
fn from_icu(name: &str) -> String {
    let (base, keywords) = name.split_once('@').unwrap_or((name, ""));
    let base = base.split('.').next().unwrap_or_default().replace('_', "-");
    let mut found: Vec<String> = Vec::new();
    for (key, value) in keywords.split(';').filter_map(|keyword| keyword.split_once('=')) {
        let renamed = |known: &[(&'static str, &'static str)], word: &str| {
            let word = word.trim().to_ascii_lowercase();
            known.iter().find(|(old, _)| *old == word).map_or(word.clone(), |(_, new)| (*new).to_owned())
        };
        let (key, value) = (renamed(OLD_KEYWORDS, key), renamed(OLD_VALUES, value));
        if key.len() == 2 {
            found.push(format!("{key}-{value}"));
        }
    }
    let base = if base.is_empty() { "und".to_owned() } else { base };
    match (found.is_empty(), base.contains("-u-")) {
        (true, _) => base,
        (false, true) => format!("{base}-{}", found.join("-")),
        (false, false) => format!("{base}-u-{}", found.join("-")),
    }
}

/// What is no locale at all is the root's.
fn parsed(name: &str) -> Locale {
    name.parse().unwrap_or(Locale::UNKNOWN)
}

fn options(locale: &Locale, name: &str) -> Result<CollatorOptions> {
    let mut options = CollatorOptions::default();
    for (key, value) in locale.extensions.unicode.keywords.iter() {
        let value = value.to_string();
        match key.as_str() {
            "ks" => options.strength = strength(&value),
            "ka" => options.alternate_handling = alternate(&value),
            "kv" => options.max_variable = max_variable(&value),
            "kc" => options.case_level = Some(if is_true(&value) { CaseLevel::On } else { CaseLevel::Off }),
            "kb" if is_true(&value) => return Err(unsupported("backwards secondary order", name)),
            "kr" => return Err(unsupported("reordered scripts", name)),
            _ => {}
        }
    }
    Ok(options)
}

fn unsupported(what: &str, locale: &str) -> Error {
    Error::unsupported(format_args!("{what} in the locale \"{locale}\""))
}

/// A keyword without value is true.
fn is_true(value: &str) -> bool {
    matches!(value, "" | "true" | "yes")
}

fn strength(value: &str) -> Option<Strength> {
    match value {
        "level1" => Some(Strength::Primary),
        "level2" => Some(Strength::Secondary),
        "level3" => Some(Strength::Tertiary),
        "level4" => Some(Strength::Quaternary),
        "identic" => Some(Strength::Identical),
        _ => None,
    }
}

fn alternate(value: &str) -> Option<AlternateHandling> {
    match value {
        "shifted" => Some(AlternateHandling::Shifted),
        "noignore" => Some(AlternateHandling::NonIgnorable),
        _ => None,
    }
}

fn max_variable(value: &str) -> Option<MaxVariable> {
    match value {
        "space" => Some(MaxVariable::Space),
        "punct" => Some(MaxVariable::Punctuation),
        "symbol" => Some(MaxVariable::Symbol),
        "currency" => Some(MaxVariable::Currency),
        _ => None,
    }
}
