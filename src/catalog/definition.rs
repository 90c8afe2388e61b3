//! Objects that are little more than a definition under a name: statistics objects, text search objects, publications and
//! subscriptions, event triggers, foreign-data wrappers and servers, conversions, collations, access methods, languages. They are found, renamed, given away and dropped
//! in one way.

use std::sync::Arc;

use dictdb_types::{Oid, quote_identifier};

use crate::event_trigger::EventTriggerInfo;
use crate::foreign::{ServerInfo, UserMappingInfo, WrapperInfo};
use crate::{AccessMethodInfo, Catalog, CollationInfo, Key, LanguageInfo, TablespaceInfo};

/// Declares the kinds of definitions: variant, what its body holds, the method that gives it, the `pg_class.oid` of its system
/// catalog, the noun of messages, the unique index on its name with its columns, and whether its objects are in schemas.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident($info:ty) as $accessor:ident: $class:literal, $noun:literal, $index:literal, $key:literal, $schema:literal;)*) => {
        /// Kinds of definitions.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DefinitionKind {
            $($(#[$doc])* $kind,)*
        }

        /// What a definition says.
        #[derive(Clone, Debug)]
        pub enum DefinitionBody {
            $($(#[$doc])* $kind($info),)*
        }

        impl DefinitionKind {
            /// `pg_class.oid` of the system catalog.
            pub fn class(self) -> Oid {
                Oid(match self { $(DefinitionKind::$kind => $class,)* })
            }

            /// As messages name it.
            pub fn noun(self) -> &'static str {
                match self { $(DefinitionKind::$kind => $noun,)* }
            }

            /// The unique index on its name, with its columns.
            pub(crate) fn name_index(self) -> (&'static str, &'static str) {
                match self { $(DefinitionKind::$kind => ($index, $key),)* }
            }

            /// Whether its objects are in schemas.
            pub fn has_schema(self) -> bool {
                match self { $(DefinitionKind::$kind => $schema,)* }
            }

            /// The kind whose system catalog this is.
            pub fn of_class(class: Oid) -> Option<DefinitionKind> {
                [$(DefinitionKind::$kind),*].into_iter().find(|kind| kind.class() == class)
            }
        }

        impl Definition {
            /// Its kind.
            pub fn kind(&self) -> DefinitionKind {
                match self.body { $(DefinitionBody::$kind(_) => DefinitionKind::$kind,)* }
            }

            $(
                $(#[$doc])*
                pub fn $accessor(&self) -> Option<&$info> {
                    match &self.body {
                        DefinitionBody::$kind(info) => Some(info),
                        _ => None,
                    }
                }
            )*
        }
    };
}

kinds! {
    /// `pg_statistic_ext`.
    Statistics(StatisticsInfo) as statistics:
        3381, "statistics object", "pg_statistic_ext_name_index", "(stxname, stxnamespace)", true;
    /// `pg_ts_dict`.
    Dictionary(DictionaryInfo) as dictionary:
        3600, "text search dictionary", "pg_ts_dict_dictname_index", "(dictname, dictnamespace)", true;
    /// `pg_ts_config`.
    Configuration(ConfigurationInfo) as configuration:
        3602, "text search configuration", "pg_ts_config_cfgname_index", "(cfgname, cfgnamespace)", true;
    /// `pg_ts_template`.
    Template(TemplateInfo) as template:
        3764, "text search template", "pg_ts_template_tmplname_index", "(tmplname, tmplnamespace)", true;
    /// `pg_ts_parser`.
    Parser(ParserInfo) as parser:
        3601, "text search parser", "pg_ts_parser_prsname_index", "(prsname, prsnamespace)", true;
    /// `pg_publication`.
    Publication(PublicationInfo) as publication:
        6104, "publication", "pg_publication_pubname_index", "(pubname)", false;
    /// `pg_event_trigger`.
    EventTrigger(EventTriggerInfo) as event_trigger:
        3466, "event trigger", "pg_event_trigger_evtname_index", "(evtname)", false;
    /// `pg_foreign_data_wrapper`.
    Wrapper(WrapperInfo) as wrapper:
        2328, "foreign-data wrapper", "pg_foreign_data_wrapper_name_index", "(fdwname)", false;
    /// `pg_foreign_server`.
    Server(ServerInfo) as server:
        1417, "server", "pg_foreign_server_name_index", "(srvname)", false;
    /// `pg_user_mapping`.
    UserMapping(UserMappingInfo) as user_mapping:
        1418, "user mapping", "pg_user_mapping_user_server_index", "(umuser, umserver)", false;
    /// `pg_subscription`.
    Subscription(SubscriptionInfo) as subscription:
        6100, "subscription", "pg_subscription_subname_index", "(subdbid, subname)", false;
    /// `pg_conversion`.
    Conversion(ConversionInfo) as conversion:
        2607, "conversion", "pg_conversion_name_nsp_index", "(conname, connamespace)", true;
    /// `pg_collation`.
    Collation(CollationInfo) as collation:
        3456, "collation", "pg_collation_name_enc_nsp_index", "(collname, collencoding, collnamespace)", true;
    /// `pg_tablespace`.
    Tablespace(TablespaceInfo) as tablespace:
        1213, "tablespace", "pg_tablespace_spcname_index", "(spcname)", false;
    /// `pg_am`.
    AccessMethod(AccessMethodInfo) as access_method:
        2601, "access method", "pg_am_name_index", "(amname)", false;
    /// `pg_language`.
    Language(LanguageInfo) as language:
        2612, "language", "pg_language_name_index", "(lanname)", false;
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

/// A row of `pg_ts_template`: functions, of which the first need not be.
#[derive(Clone, Debug)]
pub struct TemplateInfo {
    /// `tmplinit`; zero for none.
    pub init: Oid,
    /// `tmpllexize`.
    pub lexize: Oid,
}

/// A row of `pg_ts_parser`: functions, of which the one for headlines need not be.
#[derive(Clone, Debug)]
pub struct ParserInfo {
    /// `prsstart`.
    pub start: Oid,
    /// `prstoken`.
    pub token: Oid,
    /// `prsend`.
    pub end: Oid,
    /// `prsheadline`; zero for none.
    pub headline: Oid,
    /// `prslextype`.
    pub lextype: Oid,
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

/// A row of `pg_subscription`.
#[derive(Clone, Debug)]
pub struct SubscriptionInfo {
    /// `subskiplsn`.
    pub skip_lsn: i64,
    /// `subenabled`.
    pub enabled: bool,
    /// `subbinary`.
    pub binary: bool,
    /// `substream`.
    pub stream: bool,
    /// `subtwophasestate`: `d`, `p` or `e`.
    pub two_phase: u8,
    /// `subdisableonerr`.
    pub disable_on_error: bool,
    /// `subconninfo`.
    pub connection: Arc<str>,
    /// `subslotname`.
    pub slot: Option<Arc<str>>,
    /// `subsynccommit`.
    pub synchronous_commit: Arc<str>,
    /// `subpublications`.
    pub publications: Vec<Arc<str>>,
}

/// A row of `pg_conversion`.
#[derive(Clone, Debug)]
pub struct ConversionInfo {
    /// `conforencoding`.
    pub source: i32,
    /// `contoencoding`.
    pub target: i32,
    /// `conproc`.
    pub function: Oid,
    /// `condefault`.
    pub default: bool,
}

impl Definition {
    /// Its key.
    pub fn key(&self) -> Key {
        Key::Definition(self.kind(), self.oid)
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

    /// All definitions of users, by oid.
    pub fn definitions(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.definitions.range(Oid::FIRST_NORMAL..).map(|(_, own)| own)
    }

    /// The definition of this name in a schema; zero for kinds that are in none.
    pub fn definition_in(&self, kind: DefinitionKind, namespace: Oid, name: &str) -> Option<&Arc<Definition>> {
        let mut all = self.definitions();
        all.find(|own| own.kind() == kind && own.namespace == namespace && &*own.name == name)
    }

    /// A definition as messages name it: qualified unless the search path finds it.
    pub fn describe_definition(&self, own: &Definition, path: &[Oid]) -> String {
        if let Some(info) = own.user_mapping() {
            let user = self.role(info.user).map_or("public", |role| &role.name);
            let server = self.definition(info.server).map_or("", |server| &server.name);
            return format!("user mapping for {user} on server {server}");
        }
        let seen = self.definition_on_path(own.kind(), path, &own.name).is_some_and(|found| found.oid == own.oid);
        let schema = self.schema(own.namespace).filter(|_| !seen);
        let schema = schema.map(|schema| format!("{}.", quote_identifier(&schema.name))).unwrap_or_default();
        match own.kind().has_schema() {
            true => format!("{} {schema}{}", own.kind().noun(), quote_identifier(&own.name)),
            false => format!("{} {}", own.kind().noun(), own.name),
        }
    }

    /// The first definition of this name along a search path; only relations and types are looked for among temporary objects.
    pub fn definition_on_path(&self, kind: DefinitionKind, path: &[Oid], name: &str) -> Option<&Arc<Definition>> {
        let is_temporary = |oid: Oid| self.schema(oid).is_some_and(|schema| schema.is_temporary());
        let searched = path.iter().filter(|namespace| !is_temporary(**namespace));
        searched.copied().find_map(|namespace| self.definition_in(kind, namespace, name))
    }
}
