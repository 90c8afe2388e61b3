//! Collations (`pg_collation`): those that every database has and those that users made.
//!
//! PostgreSQL's initdb makes a collation of the provider `i` for every locale that ICU knows, and one of the provider `c` for every
//! locale of the system. The former are exported; of the latter there is a list here, because there is no system to ask: they order by
//! the same tables as the others.
//!
//! What `default` stands for is the database's own: C, unless its catalog has a definition with that oid. Being an object of the catalog,
//! it goes wherever the catalog goes: to disk, into clones and backups.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use dictdb_functions::{collation, facts};
use dictdb_types::Oid;

use crate::{BOOTSTRAP_ROLE, Catalog, Change, Definition, DefinitionBody, DefinitionKind, Key, Object, namespaces};

/// A row of `pg_collation`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollationInfo {
    /// `collprovider`: `d`, `c` or `i`.
    pub provider: u8,
    /// `collisdeterministic`.
    pub deterministic: bool,
    /// `collencoding`.
    pub encoding: i32,
    /// `collcollate`.
    pub collate: Option<Arc<str>>,
    /// `collctype`.
    pub ctype: Option<Arc<str>>,
    /// `colliculocale`.
    pub icu_locale: Option<Arc<str>>,
    /// `collversion`.
    pub version: Option<Arc<str>>,
}

/// `pg_collation.oid` of `default`.
pub const DEFAULT_COLLATION: Oid = Oid(100);
/// The encoding UTF-8.
pub const UTF8: i32 = 6;

/// Locales of the provider `c`, as systems name them.
const SYSTEM_LOCALES: &[&str] = &[
    "ar_EG", "bg_BG", "ca_ES", "cs_CZ", "da_DK", "de_AT", "de_CH", "de_DE", "el_GR", "en_AU", "en_CA", "en_GB",
    "en_IE", "en_IN", "en_NZ", "en_US", "en_ZA", "es_AR", "es_ES", "es_MX", "et_EE", "eu_ES", "fa_IR", "fi_FI",
    "fr_BE", "fr_CH", "fr_FR", "ga_IE", "gl_ES", "he_IL", "hi_IN", "hr_HR", "hu_HU", "id_ID", "is_IS", "it_CH",
    "it_IT", "ja_JP", "ko_KR", "lt_LT", "lv_LV", "mk_MK", "nb_NO", "nl_BE", "nl_NL", "nn_NO", "pl_PL", "pt_BR",
    "pt_PT", "ro_RO", "ru_RU", "sk_SK", "sl_SI", "sq_AL", "sv_FI", "sv_SE", "th_TH", "tr_TR", "uk_UA", "vi_VN",
    "zh_CN", "zh_HK", "zh_SG", "zh_TW",
];

/// Oids of their rows, beyond those that initdb gives.
const FIRST_SYSTEM_LOCALE: u32 = 15_000;

impl CollationInfo {
    /// The rule that texts are ordered by ([`collation::Rule`]); `None` is by their bytes.
    pub fn order_rule(&self) -> Option<String> {
        match (self.provider, &self.icu_locale, &self.collate) {
            (b'i', Some(locale), _) => Some(format!("i{locale}")),
            (b'c', _, Some(locale)) if !collation::is_bytewise(locale) => Some(format!("c{locale}")),
            _ => None,
        }
    }

    /// The rule that letters change their case by; `None` is that only ASCII letters have case.
    pub fn case_rule(&self) -> Option<String> {
        match (self.provider, &self.icu_locale, &self.ctype) {
            (b'i', Some(locale), _) => Some(format!("i{locale}")),
            (b'c', _, Some(locale)) if !matches!(&**locale, "C" | "POSIX") => Some(format!("c{locale}")),
            _ => None,
        }
    }

    /// The version that it has today; none where bytes decide.
    pub fn actual_version(&self) -> Option<&'static str> {
        self.order_rule().map(|_| collation::VERSION)
    }

    /// C: what `default` stands for in a database that nothing else was said of.
    pub fn c() -> Self {
        CollationInfo::of_system("C", "C", UTF8)
    }

    /// A collation of the provider `c`.
    pub fn of_system(collate: &str, ctype: &str, encoding: i32) -> Self {
        let mut info = CollationInfo {
            provider: b'c',
            deterministic: true,
            encoding,
            collate: Some(Arc::from(collate)),
            ctype: Some(Arc::from(ctype)),
            icu_locale: None,
            version: None,
        };
        info.version = info.actual_version().map(Arc::from);
        info
    }
}

/// The collations that every database has.
struct BuiltIn {
    all: Vec<Arc<Definition>>,
    by_name: HashMap<Arc<str>, usize>,
}

static BUILT_IN: LazyLock<BuiltIn> = LazyLock::new(|| {
    let exported = facts::table("pg_collation").into_iter().flat_map(|table| table.rows()).map(exported);
    let system = SYSTEM_LOCALES.iter().enumerate().flat_map(|(number, locale)| {
        let with_encoding = format!("{locale}.utf8");
        let oid = FIRST_SYSTEM_LOCALE + 2 * number as u32;
        let info = CollationInfo::of_system(&with_encoding, &with_encoding, UTF8);
        [named(oid, locale, info.clone()), named(oid + 1, &with_encoding, info)]
    });
    let all: Vec<_> = exported.chain(system).map(Arc::new).collect();
    let by_name = all.iter().enumerate().map(|(place, own)| (own.name.clone(), place)).collect();
    BuiltIn { all, by_name }
});

fn named(oid: u32, name: &str, info: CollationInfo) -> Definition {
    Definition {
        oid: Oid(oid),
        name: Arc::from(name),
        namespace: namespaces::PG_CATALOG,
        owner: BOOTSTRAP_ROLE,
        body: DefinitionBody::Collation(info),
    }
}

fn exported(mut row: facts::Row) -> Definition {
    let mut next = || row.nullable();
    let oid = next().and_then(|oid| oid.parse().ok()).unwrap_or_default();
    let name = next().unwrap_or_default();
    let _namespace = next();
    let mut info = CollationInfo {
        provider: next().and_then(|letter| letter.bytes().next()).unwrap_or_default(),
        deterministic: next() == Some("t"),
        encoding: next().and_then(|encoding| encoding.parse().ok()).unwrap_or(-1),
        collate: next().map(Arc::from),
        ctype: next().map(Arc::from),
        icu_locale: next().map(Arc::from),
        version: None,
    };
    info.version = info.actual_version().map(Arc::from);
    named(oid, name, info)
}

/// The collations that every database has, by oid.
pub fn built_in_collations() -> &'static [Arc<Definition>] {
    &BUILT_IN.all
}

/// The collation with this oid that every database has.
fn built_in(oid: Oid) -> Option<&'static Arc<Definition>> {
    let all = &BUILT_IN.all;
    all.binary_search_by_key(&oid, |own| own.oid).ok().and_then(|place| all.get(place))
}

impl Catalog {
    /// The collation with this oid.
    pub fn collation(&self, oid: Oid) -> Option<&Arc<Definition>> {
        let is_built_in = oid < Oid::FIRST_NORMAL && (oid != DEFAULT_COLLATION || !self.has_locale());
        if is_built_in { built_in(oid) } else { self.definition(oid) }
    }

    /// Whether `default` stands for anything but C.
    pub fn has_locale(&self) -> bool {
        self.definition(DEFAULT_COLLATION).is_some()
    }

    /// What `default` stands for.
    pub fn locale(&self) -> CollationInfo {
        let own = self.definition(DEFAULT_COLLATION).and_then(|own| own.collation());
        own.cloned().unwrap_or_else(CollationInfo::c)
    }

    /// The change that lets `default` stand for this, if it does not yet.
    pub fn locale_change(&self, locale: &CollationInfo) -> Option<Change> {
        if self.locale() == *locale {
            return None;
        }
        Some(match *locale == CollationInfo::c() {
            true => Change::Remove(Key::Definition(DefinitionKind::Collation, DEFAULT_COLLATION)),
            false => {
                let definition = named(DEFAULT_COLLATION.0, "default", locale.clone());
                Change::Put(Object::Definition(Arc::new(definition)))
            }
        })
    }

    /// What the collation with this oid says.
    pub fn collation_info(&self, oid: Oid) -> Option<&CollationInfo> {
        self.collation(oid).and_then(|own| own.collation())
    }

    /// The collation of this name in a schema.
    pub fn collation_in(&self, namespace: Oid, name: &str) -> Option<&Arc<Definition>> {
        let known = (namespace == namespaces::PG_CATALOG).then(|| BUILT_IN.by_name.get(name)).flatten();
        let known = known.and_then(|place| BUILT_IN.all.get(*place));
        known.or_else(|| self.definition_in(DefinitionKind::Collation, namespace, name))
    }

    /// The first collation of this name along a search path.
    pub fn collation_on_path(&self, path: &[Oid], name: &str) -> Option<&Arc<Definition>> {
        path.iter().find_map(|namespace| self.collation_in(*namespace, name))
    }

    /// Whether there are tables for a locale of the provider `c`: `en_US`, with or without `.utf8`.
    pub fn has_system_locale(&self, locale: &str) -> bool {
        let base = locale.split(['.', '@']).next().unwrap_or_default();
        let by_icu = || format!("{}-x-icu", base.replace('_', "-"));
        let is_known = |name: &str| BUILT_IN.by_name.contains_key(name);
        collation::is_bytewise(locale) || collation::is_system_name(locale) && (is_known(base) || is_known(&by_icu()))
    }

    /// The name of a collation for messages, without its schema.
    pub fn collation_name(&self, oid: Oid) -> Arc<str> {
        self.collation(oid).map_or_else(|| Arc::from(oid.to_string()), |own| own.name.clone())
    }

    /// The name of a collation as SQL text, with its schema where the search path does not lead to it, or always outside `pg_catalog`.
    pub fn collation_text(&self, oid: Oid, path: &[Oid], qualified: bool) -> String {
        let Some(own) = self.collation(oid) else { return oid.to_string() };
        let name = dictdb_types::quote_identifier(&own.name);
        let seen = self.collation_on_path(path, &own.name).is_some_and(|found| found.oid == oid);
        let plain = if qualified { own.namespace == namespaces::PG_CATALOG } else { seen };
        match self.schema(own.namespace).filter(|_| !plain) {
            Some(schema) => format!("{}.{name}", dictdb_types::quote_identifier(&schema.name)),
            None => name.into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_collation_has_a_rule_that_can_be_read() {
        assert!(built_in_collations().is_sorted_by_key(|own| own.oid));
        assert!(built_in_collations().len() > 800);
        for own in built_in_collations() {
            let info = own.collation().unwrap();
            for rule in [info.order_rule(), info.case_rule()].into_iter().flatten() {
                assert!(collation::Rule::of(&rule).is_ok(), "{rule}");
            }
        }
    }
}
