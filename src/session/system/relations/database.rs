//! `pg_database` and `pg_tablespace`.

use std::sync::Arc;

use dictdb_catalog::{BOOTSTRAP_ROLE, BUILT_IN_TABLESPACES, PG_DEFAULT};
use dictdb_types::{Datum, Oid};

use super::super::output::{NULL, Output, acl, options, row};
use super::{Source, class};
use crate::instance::DATABASE_CLASS;

/// `pg_enc.h`: UTF8, the only encoding there is.
pub const UTF8: i32 = 6;

/// The databases of the server.
pub fn pg_database(source: &Source<'_>, out: &mut Output<'_>) {
    for database in source.env.shared.instance.databases() {
        let locale = database.catalog.current().locale();
        let text = |value: &Option<Arc<str>>| value.as_deref().map(Datum::text);
        row!(out;
            database.oid, &database.name, database.attributes.owner, UTF8, char::from(locale.provider), database.attributes.is_template,
            database.attributes.allows_connections, database.attributes.connection_limit, class::frozen(source), Oid(1), PG_DEFAULT,
            text(&locale.collate), text(&locale.ctype), text(&locale.icu_locale), text(&locale.version), acl(source.catalog.acl_of(DATABASE_CLASS, database.oid)),
        );
    }
}

/// `dictdb.snapshots`: how much memory a snapshot has for itself, besides what it shares.
pub fn snapshots(source: &Source<'_>, out: &mut Output<'_>) {
    let instance = &source.env.shared.instance;
    let databases = instance.databases();
    for snapshot in instance.snapshots_of(None) {
        let Some(of) = snapshot.attributes.snapshot else { continue };
        let database =
            databases.iter().find(|database| database.oid == of.database).map(|known| known.name.to_string());
        let owner = source.catalog.role(snapshot.attributes.owner).map(|role| role.name.to_string());
        let size = super::super::functions::bytes_of(source.env, &snapshot);
        row!(out; &snapshot.name, database, owner, Datum::Timestamp(of.created), size);
    }
}

/// The two tablespaces every server has, and those of users.
pub fn pg_tablespace(source: &Source<'_>, out: &mut Output<'_>) {
    for (oid, name) in BUILT_IN_TABLESPACES {
        row!(out; oid, name, BOOTSTRAP_ROLE, NULL, NULL);
    }
    for own in source.catalog.tablespaces() {
        let Some(info) = own.tablespace() else { continue };
        let list = acl(source.catalog.acl_of(own.kind().class(), own.oid));
        row!(out; own.oid, &own.name, own.owner, list, options(&info.options));
    }
}
