//! What exists in a database: schemas, relations, types, roles, as versioned immutable data.
//!
//! Layer 3. Knows nothing of plans or sockets, and nothing of rows: a relation names its table in storage by
//! [`Relation::storage`].
//!
//! ```text
//!   CatalogStore ──current()──► Arc<Catalog>  (immutable; a clone copies roots)
//!        ▲                          │ look-ups by oid, by name, along a search_path
//!        └──commit(changes)── CatalogTransaction: Arc<Catalog> + own changes
//! ```
//! DDL is transactional because a transaction collects [`Change`]s and works on its own version until commit.
//! System catalogs (`pg_class` and so on) are relations of kind [`RelationKind::Virtual`]; their rows are made by the
//! session from a `Catalog`.

mod access_method;
mod acl;
mod bootstrap;
mod change;
mod collation;
mod definition;
mod diff;
mod event_trigger;
mod expiry;
mod extension;
mod foreign;
mod foreign_key;
mod index_method;
mod key_trigger;
mod language;
mod objects;
mod operator;
mod own;
mod own_type;
mod partition;
mod policy;
mod routine;
mod rule;
mod store;
mod stored;
mod system;
mod system_column;
mod tablespace;
mod transfer;
pub mod trigger;
mod version;

pub use access_method::AccessMethodInfo;
pub use acl::{AclItem, AclKind, Held, PROC_CLASS, Privileges, built_in_acl};
pub use change::{Change, Dependency, Key, Object, ToldSize};
pub use collation::{CollationInfo, DEFAULT_COLLATION, UTF8, built_in_collations};
pub use definition::{
    ConfigurationInfo, ConversionInfo, Definition, DefinitionBody, DefinitionKind, DictionaryInfo, ParserInfo,
    PublicationInfo, PublishedTable, StatisticsInfo, SubscriptionInfo, TemplateInfo,
};
pub use event_trigger::{CommandEvent, EventTriggerInfo};
pub use expiry::ttl_micros;
pub use extension::{Extension, PG_EXTENSION};
pub use foreign::{ForeignOptions, ForeignTable, ServerInfo, UserMappingInfo, WrapperInfo};
pub use foreign_key::ReferencedPart;
pub use index_method::{Abilities, IndexMethod};
pub use key_trigger::KeyTrigger;
pub use language::{Language, LanguageInfo, NamedLanguage};
pub use objects::*;
pub use operator::{Operator, OperatorClass, OperatorFamily};
pub use own_type::{BaseInfo, RangeInfo};
pub use partition::*;
pub use policy::{Policy, PolicyCommand};
pub use routine::{AggregateInfo, MovingAggregate, Parameter, Routine, SqlBody};
pub use rule::{Rule, RuleAction};
pub use store::{CatalogStore, CatalogTransaction};
pub use stored::{decode_changes, encode_changes};
pub use system::system_relations;
pub use system_column::{SYSTEM_COLUMNS, system_column_name, system_column_named};
pub use tablespace::{BUILT_IN_TABLESPACES, PG_DEFAULT, PG_GLOBAL, TablespaceInfo};
pub use transfer::are_comments_shared;
pub use trigger::Trigger;
pub use version::{BOOTSTRAP_ROLE, Catalog, namespaces};
