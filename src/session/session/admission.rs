//! Who may open a session.

use dictdb_catalog::{AclKind, Privileges, Role};
use dictdb_types::{Error, Result, Severity, SqlState};

use crate::instance::{DATABASE_CLASS, Database, Instance};

/// Whether the database accepts connections, CONNECT on it, and the connection limits of role and database; of these superusers are
/// free. 55000, 42501, 53300.
pub(super) fn admit(instance: &Instance, database: &Database, role: &Role) -> Result<()> {
    let refuse = |code, message: String| Err(Error::with_severity(Severity::Fatal, code, message));
    if !database.attributes.allows_connections {
        let message = format!("database \"{}\" is not currently accepting connections", database.name);
        return refuse(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message);
    }
    if role.superuser {
        return Ok(());
    }
    let catalog = database.catalog.current();
    let acl = catalog.acl_of(DATABASE_CLASS, database.oid);
    let held = catalog.held_privileges(role.oid, AclKind::Database, database.attributes.owner, acl);
    if !held.privileges.contains(Privileges::CONNECT) {
        let message = format!("permission denied for database \"{}\"", database.name);
        return refuse(SqlState::INSUFFICIENT_PRIVILEGE, message)
            .map_err(|error| error.detail("User does not have CONNECT privilege."));
    }
    let all = instance.backends.all();
    let of_database = all.iter().filter(|backend| backend.identity.database == database.name).count();
    let of_role = all.iter().filter(|backend| backend.identity.user == role.name).count();
    let over = |limit: i32, count: usize| usize::try_from(limit).is_ok_and(|limit| count > limit);
    if over(database.attributes.connection_limit, of_database) {
        let message = format!("too many connections for database \"{}\"", database.name);
        return refuse(SqlState::TOO_MANY_CONNECTIONS, message);
    }
    if over(role.connection_limit, of_role) {
        return refuse(SqlState::TOO_MANY_CONNECTIONS, format!("too many connections for role \"{}\"", role.name));
    }
    Ok(())
}

/// Makes an error end the session.
pub(super) fn fatal(mut error: Error) -> Error {
    error.fields_mut().severity = Severity::Fatal;
    error
}
