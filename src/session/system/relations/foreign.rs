//! Event triggers, foreign-data wrappers, servers, user mappings, foreign tables, subscriptions, conversions.

use std::sync::Arc;

use dictdb_catalog::ForeignOptions;
use dictdb_types::{Datum, Oid, oids};

use super::super::exported;
use super::super::output::{Output, acl, row, text_array};
use super::{Source, push_exported};

/// Options as `name=value`; NULL when there are none.
pub(super) fn foreign_options(options: &ForeignOptions) -> Datum {
    let items: Vec<Arc<str>> = options.iter().map(|(name, value)| Arc::from(format!("{name}={value}"))).collect();
    if items.is_empty() { Datum::Null } else { text_array(oids::TEXT, &items) }
}

/// Event triggers.
pub fn pg_event_trigger(source: &Source<'_>, out: &mut Output<'_>) {
    for own in source.catalog.definitions() {
        let Some(info) = own.event_trigger() else { continue };
        let tags = if info.tags.is_empty() { Datum::Null } else { text_array(oids::TEXT, &info.tags) };
        row!(out; own.oid, &own.name, info.event.name(), own.owner, info.function, info.firing.letter(), tags);
    }
}

/// Foreign-data wrappers.
pub fn pg_foreign_data_wrapper(source: &Source<'_>, out: &mut Output<'_>) {
    for own in source.catalog.definitions() {
        let Some(info) = own.wrapper() else { continue };
        let list = acl(source.catalog.acl_of(own.kind().class(), own.oid));
        row!(out;
            own.oid, &own.name, own.owner, info.handler, info.validator, list, foreign_options(&info.options),
        );
    }
}

/// Foreign servers.
pub fn pg_foreign_server(source: &Source<'_>, out: &mut Output<'_>) {
    for own in source.catalog.definitions() {
        let Some(info) = own.server() else { continue };
        let list = acl(source.catalog.acl_of(own.kind().class(), own.oid));
        row!(out;
            own.oid, &own.name, own.owner, info.wrapper, info.server_type.clone(), info.version.clone(), list,
            foreign_options(&info.options),
        );
    }
}

/// User mappings.
pub fn pg_user_mapping(source: &Source<'_>, out: &mut Output<'_>) {
    for own in source.catalog.definitions() {
        let Some(info) = own.user_mapping() else { continue };
        row!(out; own.oid, info.user, info.server, foreign_options(&info.options));
    }
}

/// Foreign tables.
pub fn pg_foreign_table(source: &Source<'_>, out: &mut Output<'_>) {
    for relation in source.relations_wanted(out, 1) {
        let Some(foreign) = &relation.foreign else { continue };
        row!(out; relation.oid, foreign.server, foreign_options(&foreign.options));
    }
}

/// Conversions: those of PostgreSQL's and of users.
pub fn pg_conversion(source: &Source<'_>, out: &mut Output<'_>) {
    push_exported(exported::rows("pg_conversion"), out);
    for own in source.catalog.definitions() {
        let Some(info) = own.conversion() else { continue };
        row!(out;
            own.oid, &own.name, own.namespace, own.owner, info.source, info.target, info.function, info.default,
        );
    }
}

/// Subscriptions.
pub fn pg_subscription(source: &Source<'_>, out: &mut Output<'_>) {
    let database: Oid = source.env.shared.database.oid;
    for own in source.catalog.definitions() {
        let Some(info) = own.subscription() else { continue };
        row!(out;
            own.oid, database, Datum::Int8(info.skip_lsn), &own.name, own.owner, info.enabled, info.binary, info.stream,
            char::from(info.two_phase), info.disable_on_error, &info.connection, info.slot.clone(),
            &info.synchronous_commit, text_array(oids::TEXT, &info.publications),
        );
    }
}
