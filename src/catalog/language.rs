//! Procedural languages: those of every database, and those that CREATE LANGUAGE makes over the handler of one of them.

use dictdb_functions::facts;
use dictdb_types::Oid;

use crate::{Catalog, DefinitionKind};

/// What a routine's body is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// `internal`: the body names a built-in function's symbol.
    Internal,
    /// `c`: the body names a symbol of an extension's library.
    C,
    /// `sql`.
    Sql,
    /// `plpgsql`.
    Plpgsql,
}

impl Language {
    /// Name, `pg_language.oid`, and the symbol its functions are called through.
    const TABLE: [(Language, &'static str, Oid, &'static str); 4] = [
        (Language::Internal, "internal", Oid(12), ""),
        (Language::C, "c", Oid(13), ""),
        (Language::Sql, "sql", Oid(14), "fmgr_sql"),
        (Language::Plpgsql, "plpgsql", Oid(13_563), "plpgsql_call_handler"),
    ];

    fn row(self) -> (Language, &'static str, Oid, &'static str) {
        Self::TABLE.into_iter().find(|(language, ..)| *language == self).unwrap_or(Self::TABLE[0])
    }

    /// `pg_class.oid` of `pg_language`, whose access control lists the catalog keeps.
    pub const CLASS: Oid = Oid(2612);

    /// The built-in language of this name.
    pub fn named(name: &str) -> Option<Language> {
        Self::TABLE.iter().find(|(_, known, ..)| *known == name).map(|(language, ..)| *language)
    }

    /// The built-in language with this oid in `pg_language`.
    pub fn of_oid(oid: Oid) -> Option<Language> {
        Self::TABLE.iter().find(|(_, _, own, _)| *own == oid).map(|(language, ..)| *language)
    }

    /// `pg_language.lanname`.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// `pg_language.lanpltrusted`: whoever may use it gains no more than they have.
    pub fn is_trusted(self) -> bool {
        matches!(self, Language::Sql | Language::Plpgsql)
    }

    /// `pg_language.oid`.
    pub fn oid(self) -> Oid {
        self.row().2
    }

    /// What is written in a language that CREATE LANGUAGE made over a handler, by `pg_proc.prosrc`.
    pub fn of_handler(source: &str) -> Option<Language> {
        (source == Language::Plpgsql.handler()).then_some(Language::Plpgsql)
    }

    /// The key under which the registry has the kernel that runs functions of this language.
    pub fn handler(self) -> &'static str {
        self.row().3
    }
}

/// A row of `pg_language` that CREATE LANGUAGE made.
#[derive(Clone, Copy, Debug)]
pub struct LanguageInfo {
    /// `lanpltrusted`.
    pub trusted: bool,
    /// `lanplcallfoid`.
    pub handler: Oid,
    /// `laninline`, or zero.
    pub inline: Oid,
    /// `lanvalidator`, or zero.
    pub validator: Oid,
}

/// A language by name.
#[derive(Clone, Debug)]
pub struct NamedLanguage<'c> {
    /// `pg_language.oid`; zero of [`NamedLanguage::language`] itself.
    pub own: Oid,
    /// `lanname`.
    pub name: &'c str,
    /// What is written in it.
    pub language: Language,
    /// `lanpltrusted`.
    pub trusted: bool,
}

impl Catalog {
    /// The language of this name, built in or made.
    pub fn language_named(&self, name: &str) -> Option<NamedLanguage<'_>> {
        if let Some(language) = Language::named(name) {
            let (own, trusted) = (Oid::INVALID, language.is_trusted());
            return Some(NamedLanguage { own, name: language.name(), language, trusted });
        }
        let own = self.definition_in(DefinitionKind::Language, Oid::INVALID, name)?;
        let info = own.language()?;
        let language = Language::of_handler(facts::proc_by_oid(info.handler)?.source)?;
        Some(NamedLanguage { own: own.oid, name: &own.name, language, trusted: info.trusted })
    }

    /// `lanname`; empty for an oid that no language has.
    pub fn language_name(&self, oid: Oid) -> &str {
        match Language::of_oid(oid) {
            Some(language) => language.name(),
            None => self.definition(oid).filter(|own| own.language().is_some()).map_or("", |own| &own.name),
        }
    }
}
