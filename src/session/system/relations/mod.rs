//! The system tables, one producer each.

mod attribute;
mod backup;
mod cache;
mod class;
mod constraint;
mod database;
pub(crate) mod definition;
mod depend;
mod description;
mod durability;
mod extension;
mod foreign;
mod index;
mod inherit;
mod limits;
mod operator;
mod policy;
mod procedure;
mod role;
mod rule;
mod schema;
mod sequence;
pub(crate) mod statistic;
mod trigger;
mod types;

pub(super) use attribute::attrdef_oid;
pub(super) use depend::classes;
use std::sync::Arc;

use dictdb_catalog::{Catalog, Key, Relation, RelationKind, namespaces};
use dictdb_types::{Error, Oid, Result, TypeInfo, TypeLookup};
pub(super) use index::attnums as index_attnums;
pub(super) use rule::{oid as rule_oid, view as view_of_rule};

use super::exported;
use super::output::Output;
use crate::StatementEnv;

/// What rows are made from.
pub(super) struct Source<'a> {
    pub env: &'a StatementEnv,
    pub catalog: &'a Catalog,
}

impl Source<'_> {
    /// The relations that system catalogs list.
    fn relations(&self) -> impl Iterator<Item = &Arc<Relation>> {
        self.catalog.relations().filter(|relation| relation.namespace != namespaces::DICTDB)
    }

    /// Those of them that a scan wants, whose relation is in a column of this attnum.
    fn relations_wanted(&self, out: &Output<'_>, attnum: i16) -> impl Iterator<Item = &Arc<Relation>> + use<'_> {
        let one = out.wanted_oid(attnum);
        let all = one.is_none().then(|| self.catalog.relations());
        let found = one.and_then(|oid| self.catalog.relation(oid)).into_iter().chain(all.into_iter().flatten());
        found.filter(|relation| relation.namespace != namespaces::DICTDB)
    }

    /// The types that they list besides the built-in ones.
    fn user_types(&self) -> impl Iterator<Item = &Arc<TypeInfo>> {
        self.catalog.user_types().filter(|info| info.namespace != namespaces::DICTDB)
    }

    /// Whether an object is none of the schema `dictdb` or of its tables.
    fn lists(&self, key: Key) -> bool {
        let of_relation =
            |oid| self.catalog.relation(oid).is_none_or(|relation| relation.namespace != namespaces::DICTDB);
        match key {
            Key::Schema(oid) => oid != namespaces::DICTDB,
            Key::Relation(oid) | Key::Column(oid, _) | Key::Default(oid, _) => of_relation(oid),
            Key::Constraint(oid, _) | Key::Trigger(oid, _) | Key::Policy(oid, _) => of_relation(oid),
            Key::Type(oid) => self.catalog.type_info(oid).is_none_or(|info| info.namespace != namespaces::DICTDB),
            _ => true,
        }
    }
}

/// Makes all rows of a table.
type Producer = fn(&Source<'_>, &mut Output<'_>);

/// The tables whose rows come, all or in part, from the catalog.
const PRODUCERS: &[(&str, Producer)] = &[
    ("backup_status", backup::backup_status),
    ("backups", backup::backups),
    ("cache_stats", cache::cache_stats),
    ("jobs", backup::jobs),
    ("snapshots", database::snapshots),
    ("circuit_breakers", durability::circuit_breakers),
    ("rate_limits", limits::rate_limits),
    ("unsupported_usage", limits::unsupported_usage),
    ("pg_aggregate", operator::pg_aggregate),
    ("pg_am", operator::pg_am),
    ("pg_amop", operator::pg_amop),
    ("pg_amproc", operator::pg_amproc),
    ("pg_attrdef", attribute::pg_attrdef),
    ("pg_attribute", attribute::pg_attribute),
    ("pg_auth_members", role::pg_auth_members),
    ("pg_authid", role::pg_authid),
    ("pg_cast", operator::pg_cast),
    ("pg_class", class::pg_class),
    ("pg_constraint", constraint::pg_constraint),
    ("pg_database", database::pg_database),
    ("pg_db_role_setting", role::pg_db_role_setting),
    ("pg_default_acl", role::pg_default_acl),
    ("pg_depend", depend::pg_depend),
    ("pg_description", description::pg_description),
    ("pg_conversion", foreign::pg_conversion),
    ("pg_enum", types::pg_enum),
    ("pg_event_trigger", foreign::pg_event_trigger),
    ("pg_extension", extension::pg_extension),
    ("pg_foreign_data_wrapper", foreign::pg_foreign_data_wrapper),
    ("pg_foreign_server", foreign::pg_foreign_server),
    ("pg_foreign_table", foreign::pg_foreign_table),
    ("pg_index", index::pg_index),
    ("pg_inherits", inherit::pg_inherits),
    ("pg_language", operator::pg_language),
    ("pg_namespace", schema::pg_namespace),
    ("pg_opclass", operator::pg_opclass),
    ("pg_operator", operator::pg_operator),
    ("pg_opfamily", operator::pg_opfamily),
    ("pg_parameter_acl", role::pg_parameter_acl),
    ("pg_partitioned_table", inherit::pg_partitioned_table),
    ("pg_policy", policy::pg_policy),
    ("pg_publication", definition::pg_publication),
    ("pg_publication_namespace", definition::pg_publication_namespace),
    ("pg_publication_rel", definition::pg_publication_rel),
    ("pg_statistic", statistic::pg_statistic),
    ("pg_statistic_ext", definition::pg_statistic_ext),
    ("pg_statistic_ext_data", statistic::pg_statistic_ext_data),
    ("pg_ts_config", definition::pg_ts_config),
    ("pg_ts_config_map", definition::pg_ts_config_map),
    ("pg_collation", definition::pg_collation),
    ("pg_ts_dict", definition::pg_ts_dict),
    ("pg_ts_parser", definition::pg_ts_parser),
    ("pg_ts_template", definition::pg_ts_template),
    ("pg_proc", procedure::pg_proc),
    ("pg_range", types::pg_range),
    ("pg_rewrite", rule::pg_rewrite),
    ("pg_sequence", sequence::pg_sequence),
    ("pg_shdepend", depend::pg_shdepend),
    ("pg_shdescription", description::pg_shdescription),
    ("pg_tablespace", database::pg_tablespace),
    ("pg_subscription", foreign::pg_subscription),
    ("pg_trigger", trigger::pg_trigger),
    ("pg_user_mapping", foreign::pg_user_mapping),
    ("recovery", durability::recovery),
    ("pg_type", types::pg_type),
];

/// The tables of things that DictDB's databases never hold.
const EMPTY: &[&str] = &[
    "pg_largeobject",
    "pg_largeobject_metadata",
    "pg_replication_origin",
    "pg_seclabel",
    "pg_shseclabel",
    "pg_subscription_rel",
    "pg_transform",
];

/// Makes the rows of a system table, or the one row of a sequence. 0A000 for one nobody makes rows for.
pub(super) fn produce(env: &StatementEnv, relation: Oid, out: &mut Output<'_>) -> Result<()> {
    let found = env.catalog.relation(relation);
    if let Some(sequence) = found.filter(|relation| matches!(relation.kind, RelationKind::Sequence(_))) {
        sequence::state(env, sequence, out);
        return Ok(());
    }
    let name = found.map(|relation| relation.name.clone()).unwrap_or_default();
    if let Some((_, producer)) = PRODUCERS.iter().find(|(table, _)| *table == &*name) {
        producer(&Source { env, catalog: &env.catalog }, out);
        return Ok(());
    }
    let rows = exported::rows(&name);
    if rows.is_empty() && !EMPTY.contains(&&*name) {
        return Err(Error::unsupported(format_args!("system table \"{name}\"")));
    }
    push_exported(rows, out);
    Ok(())
}

/// Adds the rows that every database has.
fn push_exported(rows: &[Box<[dictdb_types::Datum]>], out: &mut Output<'_>) {
    match out.wanted_oid(1) {
        // Exported rows are in the order of their first column, which is the oid but for a few tables.
        Some(oid) if rows.is_sorted_by_key(|row| first_oid(row)) => {
            let start = rows.partition_point(|row| first_oid(row) < oid);
            rows[start..].iter().take_while(|row| first_oid(row) == oid).for_each(|row| out.push(row));
        }
        _ => rows.iter().for_each(|row| out.push(row)),
    }
}

fn first_oid(row: &[dictdb_types::Datum]) -> Oid {
    match row.first() {
        Some(dictdb_types::Datum::Oid(oid)) => Oid(*oid),
        _ => Oid::INVALID,
    }
}

/// An oid for a part of an object that has none of its own here but has in PostgreSQL (a default, a rule). It is the
/// same as long as the object lives.
fn derived_oid(object: Oid, part: i16) -> Oid {
    const PARTS: u32 = 1600;
    const UPPER_HALF: u32 = 1 << 31;
    Oid(UPPER_HALF | object.0.wrapping_mul(PARTS).wrapping_add(part.unsigned_abs().into()))
}
