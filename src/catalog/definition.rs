//! Objects that are little more than a definition under a name: statistics objects, text search dictionaries and
//! configurations, publications, collations. They are found, renamed, given away and dropped in one way.

use std::sync::Arc;

use dictdb_types::{Oid, quote_identifier};

use crate::{Catalog, CollationInfo, Key};

/// Kinds of definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DefinitionKind {
    /// `pg_statistic_ext`.
    Statistics,
    /// `pg_ts_dict`.
    Dictionary,
    /// `pg_ts_config`.
    Configuration,
    /// `pg_publication`.
    Publication,
    /// `pg_collation`.
    Collation,
}

/// A definition.
#[derive(Clone, Debug)]
pub struct Definition {
    /// `oid`.
    pub oid: Oid,
    /// Its name.
    pub name: Arc<str>,
    /// Its schema; zero for kinds that are in none.
    pub namespace: Oid,
    /// Its owner.
    pub owner: Oid,
    /// What it says.
    pub body: DefinitionBody,
}

/// What a definition says.
#[derive(Clone, Debug)]
pub enum DefinitionBody {
    /// CREATE STATISTICS.
    Statistics(StatisticsInfo),
    /// CREATE TEXT SEARCH DICTIONARY.
    Dictionary(DictionaryInfo),
    /// CREATE TEXT SEARCH CONFIGURATION.
    Configuration(ConfigurationInfo),
    /// CREATE PUBLICATION.
    Publication(PublicationInfo),
    /// CREATE COLLATION.
    Collation(CollationInfo),
}

/// A row of `pg_statistic_ext`.
#[derive(Clone, Debug)]
pub struct StatisticsInfo {
    /// `stxrelid`.
    pub relation: Oid,
    /// `stxkeys`, ascending.
    pub columns: Vec<i16>,
    /// `stxexprs`, as SQL over the table.
    pub expressions: Vec<Arc<str>>,
    /// `stxkind`: letters.
    pub kinds: Vec<u8>,
    /// `stxstattarget`.
    pub target: i32,
}

/// A row of `pg_ts_dict`.
#[derive(Clone, Debug)]
pub struct DictionaryInfo {
    /// `dicttemplate`.
    pub template: Oid,
    /// `dictinitoption`: names and values.
    pub options: Vec<(Arc<str>, Arc<str>)>,
}

/// A row of `pg_ts_config` with its map.
#[derive(Clone, Debug)]
pub struct ConfigurationInfo {
    /// `cfgparser`.
    pub parser: Oid,
    /// `pg_ts_config_map`: token types, ascending, with their dictionaries in order.
    pub map: Vec<(i32, Vec<Oid>)>,
}

/// A row of `pg_publication` with what it publishes.
#[derive(Clone, Debug)]
pub struct PublicationInfo {
    /// `puballtables`.
    pub all_tables: bool,
    /// `pubinsert`.
    pub insert: bool,
    /// `pubupdate`.
    pub update: bool,
    /// `pubdelete`.
    pub delete: bool,
    /// `pubtruncate`.
    pub truncate: bool,
    /// `pubviaroot`.
    pub via_root: bool,
    /// `pg_publication_rel`.
    pub tables: Vec<PublishedTable>,
    /// `pg_publication_namespace`: row and schema.
    pub schemas: Vec<(Oid, Oid)>,
}

/// A row of `pg_publication_rel`.
#[derive(Clone, Debug)]
pub struct PublishedTable {
    /// `oid`.
    pub oid: Oid,
    /// `prrelid`.
    pub relation: Oid,
    /// `prattrs`, ascending; `None` is all columns.
    pub columns: Option<Vec<i16>>,
    /// `prqual`, as SQL over the table.
    pub condition: Option<Arc<str>>,
}

impl DefinitionKind {
    /// `pg_class.oid` of the system catalog.
    pub fn class(self) -> Oid {
        Oid(match self {
            DefinitionKind::Statistics => 3381,
            DefinitionKind::Dictionary => 3600,
            DefinitionKind::Configuration => 3602,
            DefinitionKind::Publication => 6104,
            DefinitionKind::Collation => 3456,
        })
    }

    /// As messages name it.
    pub fn noun(self) -> &'static str {
        match self {
            DefinitionKind::Statistics => "statistics object",
            DefinitionKind::Dictionary => "text search dictionary",
            DefinitionKind::Configuration => "text search configuration",
            DefinitionKind::Publication => "publication",
            DefinitionKind::Collation => "collation",
        }
    }

    /// The unique index on its name, with its columns.
    pub(crate) fn name_index(self) -> (&'static str, &'static str) {
        match self {
            DefinitionKind::Statistics => ("pg_statistic_ext_name_index", "(stxname, stxnamespace)"),
            DefinitionKind::Dictionary => ("pg_ts_dict_dictname_index", "(dictname, dictnamespace)"),
            DefinitionKind::Configuration => ("pg_ts_config_cfgname_index", "(cfgname, cfgnamespace)"),
            DefinitionKind::Publication => ("pg_publication_pubname_index", "(pubname)"),
            DefinitionKind::Collation => ("pg_collation_name_enc_nsp_index", "(collname, collencoding, collnamespace)"),
        }
    }

    /// Whether its objects are in schemas.
    pub fn has_schema(self) -> bool {
        self != DefinitionKind::Publication
    }
}

impl Definition {
    /// Its kind.
    pub fn kind(&self) -> DefinitionKind {
        match self.body {
            DefinitionBody::Statistics(_) => DefinitionKind::Statistics,
            DefinitionBody::Dictionary(_) => DefinitionKind::Dictionary,
            DefinitionBody::Configuration(_) => DefinitionKind::Configuration,
            DefinitionBody::Publication(_) => DefinitionKind::Publication,
            DefinitionBody::Collation(_) => DefinitionKind::Collation,
        }
    }

    /// Its key.
    pub fn key(&self) -> Key {
        Key::Definition(self.kind(), self.oid)
    }

    /// CREATE STATISTICS's part.
    pub fn statistics(&self) -> Option<&StatisticsInfo> {
        match &self.body {
            DefinitionBody::Statistics(info) => Some(info),
            _ => None,
        }
    }

    /// CREATE TEXT SEARCH DICTIONARY's part.
    pub fn dictionary(&self) -> Option<&DictionaryInfo> {
        match &self.body {
            DefinitionBody::Dictionary(info) => Some(info),
            _ => None,
        }
    }

    /// CREATE TEXT SEARCH CONFIGURATION's part.
    pub fn configuration(&self) -> Option<&ConfigurationInfo> {
        match &self.body {
            DefinitionBody::Configuration(info) => Some(info),
            _ => None,
        }
    }

    /// CREATE PUBLICATION's part.
    pub fn publication(&self) -> Option<&PublicationInfo> {
        match &self.body {
            DefinitionBody::Publication(info) => Some(info),
            _ => None,
        }
    }

    /// CREATE COLLATION's part.
    pub fn collation(&self) -> Option<&CollationInfo> {
        match &self.body {
            DefinitionBody::Collation(info) => Some(info),
            _ => None,
        }
    }

    /// All oids it has.
    pub(crate) fn oids(&self) -> impl Iterator<Item = Oid> + '_ {
        let parts = self.publication();
        let tables = parts.into_iter().flat_map(|info| info.tables.iter().map(|table| table.oid));
        let schemas = parts.into_iter().flat_map(|info| info.schemas.iter().map(|(row, _)| *row));
        [self.oid].into_iter().chain(tables).chain(schemas)
    }
}

impl Catalog {
    /// The definition with this oid.
    pub fn definition(&self, oid: Oid) -> Option<&Arc<Definition>> {
        self.definitions.get(&oid)
    }

    /// All definitions by oid.
    pub fn definitions(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.definitions.values()
    }

    /// The definition of this name in a schema; zero for kinds that are in none.
    pub fn definition_in(&self, kind: DefinitionKind, namespace: Oid, name: &str) -> Option<&Arc<Definition>> {
        let mut all = self.definitions.values();
        all.find(|own| own.kind() == kind && own.namespace == namespace && &*own.name == name)
    }

    /// A definition as messages name it: qualified unless the search path finds it.
    pub fn describe_definition(&self, own: &Definition, path: &[Oid]) -> String {
        let seen = self.definition_on_path(own.kind(), path, &own.name).is_some_and(|found| found.oid == own.oid);
        let schema = self.schema(own.namespace).filter(|_| !seen);
        let schema = schema.map(|schema| format!("{}.", quote_identifier(&schema.name))).unwrap_or_default();
        format!("{} {schema}{}", own.kind().noun(), quote_identifier(&own.name))
    }

    /// The first definition of this name along a search path.
    pub fn definition_on_path(&self, kind: DefinitionKind, path: &[Oid], name: &str) -> Option<&Arc<Definition>> {
        path.iter().find_map(|namespace| self.definition_in(kind, *namespace, name))
    }
}
