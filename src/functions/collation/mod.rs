//! Language collations: the order of texts by the Unicode collation algorithm with CLDR's tailorings, and the case mapping of languages.
//!
//! A collation is used in the form of a *rule*, a short text that plans carry as a constant: the provider's letter of `pg_collation`
//! and the locale (`ide-u-co-phonebk`, `csv_SE.utf8`). Collators are made once per rule and kept.
//!
//! Texts are never compared by a collator: they are turned into sort keys, byte strings that compare as the texts do, so that sorts,
//! joins, groups and indexes work on bytes as they do for every other type.
//!
//! ```text
//!   deterministic        sort key of the collator, 00, the text      (no two texts are equal: the bytes of the text decide in the end)
//!   not deterministic    sort key of the collator                    (texts that the collator takes for equal have one key)
//! ```
//! A sort key has no byte 00, so the whole is ordered by the sort key first, and the text can be read back from a deterministic key.

mod case;
mod functions;
mod locale;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock};

use dictdb_types::Result;
use icu_collator::CollatorBorrowed;

pub(crate) use functions::KERNELS;
pub use functions::{INITCAP, KEY, LOWER, REFUSAL, TEXT_OF_KEY, UPPER, sort_key};
pub use locale::is_system_name;

/// `pg_collation.collversion` of language collations: the version of CLDR that the tables are made from.
pub const VERSION: &str = "49";

/// A collation's order and case mapping, by its rule.
pub struct Rule {
    collator: CollatorBorrowed<'static>,
    case: case::CaseRule,
}

static RULES: LazyLock<RwLock<HashMap<Box<str>, Arc<Rule>>>> = LazyLock::new(Default::default);

thread_local! {
    /// The rule that this thread used last.
    static LAST: RefCell<Option<(Box<str>, Arc<Rule>)>> = const { RefCell::new(None) };
}

impl Rule {
    /// The rule that a text of a provider's letter and a locale means. A locale that is not known is its language's, or the root's, as
    /// in ICU. 0A000 for attributes that there are no tables for.
    pub fn of(rule: &str) -> Result<Arc<Rule>> {
        LAST.with_borrow_mut(|last| match last {
            Some((known, found)) if **known == *rule => Ok(found.clone()),
            _ => {
                let found = Rule::shared(rule)?;
                *last = Some((rule.into(), found.clone()));
                Ok(found)
            }
        })
    }

    fn shared(rule: &str) -> Result<Arc<Rule>> {
        let known = RULES.read().map(|rules| rules.get(rule).cloned()).unwrap_or_default();
        if let Some(known) = known {
            return Ok(known);
        }
        let made = Arc::new(locale::read(rule)?);
        if let Ok(mut rules) = RULES.write() {
            rules.insert(rule.into(), made.clone());
        }
        Ok(made)
    }

    /// Appends the sort key of a text.
    pub fn write_key(&self, text: &str, deterministic: bool, out: &mut Vec<u8>) {
        // Writing to a vector cannot fail.
        let Ok(()) = self.collator.write_sort_key_to(text, out);
        if deterministic {
            out.push(0);
            out.extend_from_slice(text.as_bytes());
        }
    }

    /// `lower`.
    pub fn lower(&self, text: &str) -> String {
        self.case.lower(text)
    }

    /// `upper`.
    pub fn upper(&self, text: &str) -> String {
        self.case.upper(text)
    }

    /// `initcap`.
    pub fn initcap(&self, text: &str) -> String {
        self.case.initcap(text)
    }
}

/// Whether a locale of the provider `c` orders texts by their bytes.
pub fn is_bytewise(locale: &str) -> bool {
    matches!(locale, "C" | "POSIX") || is_unicode_c(locale)
}

/// Whether a locale is `C` with the character classes of Unicode.
pub fn is_unicode_c(locale: &str) -> bool {
    locale.strip_prefix("C.").is_some_and(|encoding| encoding.replace('-', "").eq_ignore_ascii_case("utf8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(rule: &str, texts: &[&str]) -> String {
        let rule = Rule::of(rule).unwrap();
        let mut keyed: Vec<(Vec<u8>, &str)> = texts
            .iter()
            .map(|text| {
                let mut key = Vec::new();
                rule.write_key(text, true, &mut key);
                (key, *text)
            })
            .collect();
        keyed.sort();
        keyed.iter().map(|(_, text)| *text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn languages_order_in_their_ways() {
        let texts = ["z", "ä", "a", "Z", "b", "A", "å"];
        assert_eq!(sorted("iund", &texts), "a A å ä b z Z");
        assert_eq!(sorted("isv", &texts), "a A b z Z å ä");
        assert_eq!(sorted("csv_SE.utf8", &texts), "a A b z Z å ä");
        assert_eq!(sorted("ide-u-co-phonebk", &["ä", "ad", "af"]), "ad ä af");
        assert_eq!(sorted("ide@collation=phonebook", &["ä", "ad", "af"]), "ad ä af");
        assert_eq!(sorted("iund-u-kn-true", &["a10", "a9"]), "a9 a10");
        assert_eq!(sorted("iund-u-kf-upper", &["a", "A", "b"]), "A a b");
        assert_eq!(sorted("iund@colCaseFirst=upper", &["a", "A", "b"]), "A a b");
        assert_eq!(sorted("inowhere at all", &["b", "A", "a"]), "a A b");
    }

    #[test]
    fn strength_decides_what_is_equal() {
        let equal = |rule: &str, a: &str, b: &str| {
            let rule = Rule::of(rule).unwrap();
            let key = |text: &str| {
                let mut key = Vec::new();
                rule.write_key(text, false, &mut key);
                key
            };
            key(a) == key(b)
        };
        assert!(equal("iund-u-ks-level2", "abc", "ABC"));
        assert!(!equal("iund-u-ks-level2", "abc", "äbc"));
        assert!(equal("iund-u-ks-level1", "abc", "äBC"));
        assert!(!equal("iund-u-ks-level1-kc-true", "abc", "äBC"));
        assert!(equal("iund", "\u{e4}", "a\u{308}"));
        assert!(equal("i@colStrength=secondary", "abc", "ABC"));
        assert!(equal("iund-u-ka-shifted", "a-b", "ab"));
        assert!(!equal("iund-u-ks-identic", "\u{e4}", "a\u{308}x"));
    }

    #[test]
    fn what_has_no_tables_is_refused() {
        assert!(Rule::of("iund-u-kr-latn-digit").is_err());
        assert!(Rule::of("iund-u-kb-true").is_err());
    }
}
