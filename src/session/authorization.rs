//! Who a session may become: SET ROLE, SET SESSION AUTHORIZATION, and the same values when it begins.

use dictdb_catalog::{AclKind, BOOTSTRAP_ROLE, Catalog, Privileges};
use dictdb_types::{Error, Oid, Result, SqlState};

use crate::settings::{Authority, Settings};

/// Whether a role has a privilege on a setting (GRANT … ON PARAMETER).
pub(crate) fn may_alter(catalog: &Catalog, role: Oid, setting: &str, how: Privileges) -> bool {
    let list = Settings::name_of_privileges(setting);
    let list = list.and_then(|name| catalog.parameter_acl(&name));
    catalog.held_privileges(role, AclKind::Parameter, BOOTSTRAP_ROLE, list).privileges.contains(how)
}

/// As who a role changes a setting.
pub(crate) fn authority_over(catalog: &Catalog, role: Oid, setting: &str) -> Authority {
    if may_alter(catalog, role, setting, Privileges::SET) { Authority::Superuser } else { Authority::User }
}

/// Who asks.
pub(crate) struct Asking<'a> {
    /// Who the client is.
    pub(crate) authenticated: &'a str,
    /// `session_user`.
    pub(crate) session_user: &'a str,
}

impl Asking<'_> {
    /// Whether `role` or `session_authorization` may be set to a name; other settings always may.
    ///
    /// 22023 when there is no such role, 42501 when the session user is not a member of it, or the client neither it nor a superuser.
    pub(crate) fn check(&self, catalog: &Catalog, setting: &str, name: &str) -> Result<()> {
        let is_role = setting.eq_ignore_ascii_case("role");
        if !is_role && !setting.eq_ignore_ascii_case("session_authorization") || is_role && name == "none" {
            return Ok(());
        }
        let Some(wanted) = catalog.role_named(name) else {
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("role \"{name}\" does not exist")));
        };
        let denied = |message: String| Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        let own = |name: &str| catalog.role_named(name);
        if is_role {
            return match own(self.session_user) {
                Some(user) if user.superuser || catalog.member_roles(user.oid).contains(&wanted.oid) => Ok(()),
                _ => denied(format!("permission denied to set role \"{name}\"")),
            };
        }
        match own(self.authenticated) {
            Some(client) if client.superuser || client.oid == wanted.oid => Ok(()),
            _ => denied("permission denied to set session authorization".to_owned()),
        }
    }
}
