//! `pg_authid`, `pg_auth_members`, `pg_db_role_setting`, `pg_default_acl`, `pg_parameter_acl`.

use dictdb_catalog::BOOTSTRAP_ROLE;
use dictdb_types::{Datum, Oid};

use super::super::output::{Output, acl, options, row};
use super::Source;

/// Roles. Passwords are SCRAM verifiers; the table is readable by superusers only.
pub fn pg_authid(source: &Source<'_>, out: &mut Output<'_>) {
    for role in source.catalog.roles() {
        row!(out;
            role.oid, &role.name, role.superuser, role.inherit, role.create_role, role.create_db, role.login,
            role.replication, role.bypass_rls, role.connection_limit, role.password.clone(),
            role.valid_until.map(Datum::Timestamp),
        );
    }
}

/// Memberships.
pub fn pg_auth_members(source: &Source<'_>, out: &mut Output<'_>) {
    for member in source.catalog.roles() {
        for (role, admin) in &member.member_of {
            row!(out; *role, member.oid, BOOTSTRAP_ROLE, *admin);
        }
    }
}

/// `ALTER ROLE … SET` and `ALTER DATABASE … SET`.
pub fn pg_db_role_setting(source: &Source<'_>, out: &mut Output<'_>) {
    for ((database, role), values) in source.catalog.settings() {
        row!(out; *database, *role, options(values));
    }
    for role in source.catalog.roles().filter(|role| !role.settings.is_empty()) {
        row!(out; Oid::INVALID, role.oid, options(&role.settings));
    }
}

/// Who may set configuration parameters.
pub fn pg_parameter_acl(source: &Source<'_>, out: &mut Output<'_>) {
    for (name, oid, items) in source.catalog.parameters() {
        row!(out; oid, name, acl(Some(items)));
    }
}

/// What future objects begin with.
pub fn pg_default_acl(source: &Source<'_>, out: &mut Output<'_>) {
    for ((role, schema, kind), oid, items) in source.catalog.default_acls() {
        row!(out; oid, *role, *schema, char::from(*kind), acl(Some(items)));
    }
}
