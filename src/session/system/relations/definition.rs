//! `pg_statistic_ext`, `pg_publication` with its tables, and the text search objects: those of PostgreSQL's and of users.

use std::sync::Arc;

use dictdb_catalog::{Catalog, Definition, built_in_collations, namespaces};
use dictdb_types::{Array, Datum, Oid, oids};

use super::super::exported;
use super::super::output::{Output, attnum_vector, row};
use super::{Source, push_exported};

/// Statistics objects.
pub fn pg_statistic_ext(source: &Source<'_>, out: &mut Output<'_>) {
    for own in source.catalog.definitions() {
        let Some(info) = own.statistics() else { continue };
        let kinds = info.kinds.iter().map(|kind| Datum::text(char::from(*kind).to_string())).collect();
        let kinds = Datum::Array(Arc::new(Array::vector(oids::CHAR, kinds)));
        let expressions = (!info.expressions.is_empty()).then(|| info.expressions.join(", "));
        row!(out;
            own.oid, info.relation, &own.name, own.namespace, own.owner, info.target,
            attnum_vector(info.columns.iter().copied()), kinds, expressions.map(Datum::text),
        );
    }
}

/// Publications.
pub fn pg_publication(source: &Source<'_>, out: &mut Output<'_>) {
    for own in source.catalog.definitions() {
        let Some(info) = own.publication() else { continue };
        row!(out;
            own.oid, &own.name, own.owner, info.all_tables, info.insert, info.update, info.delete, info.truncate,
            info.via_root,
        );
    }
}

/// Tables of publications.
pub fn pg_publication_rel(source: &Source<'_>, out: &mut Output<'_>) {
    for own in source.catalog.definitions() {
        for table in own.publication().into_iter().flat_map(|info| &info.tables) {
            let columns = table.columns.as_ref().map(|columns| attnum_vector(columns.iter().copied()));
            row!(out; table.oid, own.oid, table.relation, table.condition.clone(), columns);
        }
    }
}

/// Schemas of publications.
pub fn pg_publication_namespace(source: &Source<'_>, out: &mut Output<'_>) {
    for own in source.catalog.definitions() {
        for (oid, schema) in own.publication().into_iter().flat_map(|info| &info.schemas) {
            row!(out; *oid, own.oid, *schema);
        }
    }
}

/// Collations.
pub fn pg_collation(source: &Source<'_>, out: &mut Output<'_>) {
    let all = built_in_collations().iter().chain(source.catalog.definitions());
    let wanted = out.wanted_oid(1);
    for own in all.filter(|own| wanted.is_none_or(|oid| oid == own.oid)) {
        let Some(info) = own.collation() else { continue };
        let text = |value: &Option<Arc<str>>| value.as_deref().map(Datum::text);
        row!(out;
            own.oid, &own.name, own.namespace, own.owner, char::from(info.provider), info.deterministic, info.encoding,
            text(&info.collate), text(&info.ctype), text(&info.icu_locale), text(&info.version),
        );
    }
}

/// Text search dictionaries.
pub fn pg_ts_dict(source: &Source<'_>, out: &mut Output<'_>) {
    push_exported(exported::rows("pg_ts_dict"), out);
    for own in source.catalog.definitions() {
        let Some(info) = own.dictionary() else { continue };
        let options = info.options.iter().map(|(name, value)| {
            // Numbers stand as they are.
            let value = match value.parse::<f64>() {
                Ok(_) if value.starts_with(|c: char| c.is_ascii_digit()) => value.to_string(),
                _ => dictdb_types::quote_literal(value).to_string(),
            };
            format!("{} = {value}", dictdb_types::quote_identifier(name))
        });
        let options: Vec<String> = options.collect();
        let options = (!options.is_empty()).then(|| Datum::text(options.join(", ")));
        row!(out; own.oid, &own.name, own.namespace, own.owner, info.template, options);
    }
}

/// Text search templates.
pub fn pg_ts_template(source: &Source<'_>, out: &mut Output<'_>) {
    push_exported(exported::rows("pg_ts_template"), out);
    for own in source.catalog.definitions() {
        let Some(info) = own.template() else { continue };
        row!(out; own.oid, &own.name, own.namespace, info.init, info.lexize);
    }
}

/// Text search parsers.
pub fn pg_ts_parser(source: &Source<'_>, out: &mut Output<'_>) {
    push_exported(exported::rows("pg_ts_parser"), out);
    for own in source.catalog.definitions() {
        let Some(info) = own.parser() else { continue };
        row!(out; own.oid, &own.name, own.namespace, info.start, info.token, info.end, info.headline, info.lextype);
    }
}

/// Text search configurations.
pub fn pg_ts_config(source: &Source<'_>, out: &mut Output<'_>) {
    push_exported(exported::rows("pg_ts_config"), out);
    for own in source.catalog.definitions() {
        let Some(info) = own.configuration() else { continue };
        row!(out; own.oid, &own.name, own.namespace, own.owner, info.parser);
    }
}

/// Their maps.
pub fn pg_ts_config_map(source: &Source<'_>, out: &mut Output<'_>) {
    push_exported(exported::rows("pg_ts_config_map"), out);
    for own in source.catalog.definitions() {
        for (token, dictionaries) in own.configuration().into_iter().flat_map(|info| &info.map) {
            for (number, dictionary) in (1i32..).zip(dictionaries) {
                row!(out; own.oid, *token, number, *dictionary);
            }
        }
    }
}

/// The tables a publication publishes, partitions included or their root instead.
pub(crate) fn published(catalog: &Catalog, own: &Definition) -> Vec<Oid> {
    let Some(info) = own.publication() else { return Vec::new() };
    let everything = |schema: Option<Oid>| {
        let wanted = move |relation: &&Arc<dictdb_catalog::Relation>| {
            is_publishable(relation)
                && relation.namespace != namespaces::DICTDB
                && schema.is_none_or(|schema| relation.namespace == schema)
        };
        catalog.relations().filter(wanted).map(|relation| relation.oid).collect::<Vec<Oid>>()
    };
    let mut found: Vec<Oid> = match info.all_tables {
        true => everything(None),
        false => {
            let listed = info.tables.iter().map(|table| table.relation);
            listed.chain(info.schemas.iter().flat_map(|(_, schema)| everything(Some(*schema)))).collect()
        }
    };
    let mut at = 0;
    while let Some(oid) = found.get(at).copied() {
        at += 1;
        let Some(relation) = catalog.relation(oid).filter(|relation| relation.partition_key.is_some()) else {
            continue;
        };
        found.extend(relation.children.iter().copied());
    }
    found.sort_unstable();
    found.dedup();
    let parent_is_published = |relation: &dictdb_catalog::Relation| {
        relation.is_partition() && relation.parents.iter().any(|parent| found.contains(parent))
    };
    let shown = found.iter().filter(|oid| {
        let Some(relation) = catalog.relation(**oid) else { return false };
        match info.via_root {
            true => !parent_is_published(relation),
            false => relation.partition_key.is_none(),
        }
    });
    shown.copied().collect()
}

/// Whether logical replication can send a relation's changes.
pub(crate) fn is_publishable(relation: &dictdb_catalog::Relation) -> bool {
    matches!(relation.kind, dictdb_catalog::RelationKind::Table)
        && relation.persistence == dictdb_catalog::Persistence::Permanent
        && relation.foreign.is_none()
        && relation.oid >= Oid::FIRST_NORMAL
}
