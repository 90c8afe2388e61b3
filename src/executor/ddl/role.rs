//! CREATE, ALTER and DROP ROLE, membership, ALTER ROLE … SET, REASSIGN and DROP OWNED.

use std::sync::Arc;

use dictdb_catalog::{AclItem, AclKind, Key, Object, Privileges, Relation, RelationKind, Role};
use dictdb_parser::utility::{
    AlterRole, Behavior, CreateRole, DropOwned, DropRole, GrantRole, ReassignOwned, RoleOption, RoleSpec,
};
use dictdb_types::{Datum, Error, Oid, Result, Severity, SqlState, Type, TypeLookup, oids};

use super::DdlContext;
use super::grantable::Grantable;

/// Shortest prefix of names that the system keeps.
const RESERVED_PREFIX: &str = "pg_";
/// Its one member is the owner of the current database, and nobody else.
const DATABASE_OWNER: &str = "pg_database_owner";

impl DdlContext<'_> {
    pub(super) fn create_role(&mut self, create: &CreateRole) -> Result<()> {
        let RoleSpec::Name(name) = &create.name else {
            return Err(reserved_word(&create.name));
        };
        self.check_role_name(&name.value)?;
        let mut role = Role {
            oid: self.new_oid(),
            name: Arc::from(name.value.as_str()),
            superuser: false,
            inherit: true,
            create_role: false,
            create_db: false,
            login: create.user,
            replication: false,
            bypass_rls: false,
            connection_limit: -1,
            password: None,
            valid_until: None,
            settings: Vec::new(),
            member_of: Vec::new(),
        };
        self.check_role_options(None, &create.options)?;
        self.apply_role_options(&mut role, &create.options)?;
        let oid = role.oid;
        self.put(Object::Role(Arc::new(role)));
        for option in &create.options {
            match option {
                RoleOption::InRole(roles) => {
                    for parent in roles {
                        let parent = self.role_oid(parent)?;
                        self.check_admin(parent)?;
                        self.join_role(oid, parent, false)?;
                    }
                }
                RoleOption::Members(members) | RoleOption::Admins(members) => {
                    let admin = matches!(option, RoleOption::Admins(_));
                    for member in members {
                        let member = self.role_oid(member)?;
                        self.join_role(member, oid, admin)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn check_role_name(&mut self, name: &str) -> Result<()> {
        if name.starts_with(RESERVED_PREFIX) {
            return Err(Error::new(SqlState::RESERVED_NAME, format!("role name \"{name}\" is reserved"))
                .detail("Role names starting with \"pg_\" are reserved."));
        }
        if matches!(name, "public" | "none") {
            return Err(Error::new(SqlState::RESERVED_NAME, format!("role name \"{name}\" is reserved")));
        }
        if self.view().role_named(name).is_some() {
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, format!("role \"{name}\" already exists")));
        }
        Ok(())
    }

    /// 42501 for attributes that the current role may not give. `None`: a new role.
    fn check_role_options(&mut self, role: Option<&Role>, options: &[RoleOption]) -> Result<()> {
        if self.is_superuser() {
            return Ok(());
        }
        let refuse = |message: &str| Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        let touches = |test: fn(&RoleOption) -> bool| options.iter().any(test);
        let superuser = touches(|option| matches!(option, RoleOption::Superuser(_)));
        let replication = touches(|option| matches!(option, RoleOption::Replication(_)));
        let bypass = touches(|option| matches!(option, RoleOption::BypassRls(_)));
        let own = self.view().role(self.role).cloned();
        let may_create = own.as_ref().is_some_and(|role| role.create_role);
        match role {
            None => {
                if touches(|option| matches!(option, RoleOption::Superuser(true))) {
                    return refuse("must be superuser to create superusers");
                }
                if touches(|option| matches!(option, RoleOption::Replication(true))) {
                    return refuse("must be superuser to create replication users");
                }
                if touches(|option| matches!(option, RoleOption::BypassRls(true))) {
                    return refuse("must be superuser to create bypassrls users");
                }
                if may_create { Ok(()) } else { refuse("permission denied to create role") }
            }
            Some(role) if role.superuser || superuser => {
                refuse("must be superuser to alter superuser roles or change superuser attribute")
            }
            Some(role) if role.replication || replication => {
                refuse("must be superuser to alter replication roles or change replication attribute")
            }
            Some(_) if bypass => refuse("must be superuser to change bypassrls attribute"),
            Some(role) => {
                let only_password = options.iter().all(|option| matches!(option, RoleOption::Password(_)));
                if may_create || only_password && role.oid == self.role { Ok(()) } else { refuse("permission denied") }
            }
        }
    }

    fn apply_role_options(&mut self, role: &mut Role, options: &[RoleOption]) -> Result<()> {
        for option in options {
            match option {
                RoleOption::Superuser(on) => role.superuser = *on,
                RoleOption::CreateDb(on) => role.create_db = *on,
                RoleOption::CreateRole(on) => role.create_role = *on,
                RoleOption::Inherit(on) => role.inherit = *on,
                RoleOption::Login(on) => role.login = *on,
                RoleOption::Replication(on) => role.replication = *on,
                RoleOption::BypassRls(on) => role.bypass_rls = *on,
                RoleOption::ConnectionLimit(limit) => {
                    role.connection_limit =
                        i32::try_from(*limit).ok().filter(|limit| *limit >= -1).ok_or_else(|| {
                            Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid connection limit: {limit}"))
                        })?;
                }
                RoleOption::Password(password) => {
                    role.password = self.stored_password(&role.name, password.as_deref())?;
                }
                RoleOption::ValidUntil(text) => {
                    let env = self.row_env();
                    let value = dictdb_types::text::input(text, Type::new(oids::TIMESTAMPTZ), &*env)?;
                    role.valid_until = match value {
                        Datum::Timestamp(micros) => Some(micros),
                        _ => return Err(Error::internal("a time stamp of another kind")),
                    };
                }
                RoleOption::SysId(_) => {
                    self.notice(SqlState::SUCCESSFUL_COMPLETION, "SYSID can no longer be specified".to_owned());
                }
                RoleOption::InRole(_) | RoleOption::Members(_) | RoleOption::Admins(_) | RoleOption::DropMembers(_) => {
                }
            }
        }
        Ok(())
    }

    /// `rolpassword`: given as it is stored, or made of a password as `password_encryption` says. An empty password is none.
    fn stored_password(&mut self, role: &str, password: Option<&str>) -> Result<Option<Arc<str>>> {
        let Some(password) = password else { return Ok(None) };
        let known = self.verifiers.ok_or_else(|| Error::unsupported("a password without a server"))?;
        let is_stored = (known.is_stored)(password);
        if password.is_empty() || is_stored && (known.fits)(role, password, "") {
            let message = "empty string is not a valid password, clearing password".to_owned();
            self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
            return Ok(None);
        }
        if is_stored {
            return Ok(Some(Arc::from(password)));
        }
        let is_md5 = self.row_env().setting("password_encryption").is_some_and(|encryption| encryption == "md5");
        Ok(Some(Arc::from((known.make)(role, password, is_md5))))
    }

    pub(super) fn alter_role(&mut self, alter: &AlterRole) -> Result<()> {
        let oid = self.role_oid(&alter.name)?;
        let known = self.view().role(oid).cloned();
        let known = known.ok_or_else(|| Error::internal("a role without its entry"))?;
        if known.name.starts_with(RESERVED_PREFIX) {
            return Err(Error::new(SqlState::RESERVED_NAME, format!("role name \"{}\" is reserved", known.name))
                .detail("Cannot alter reserved roles."));
        }
        self.check_role_options(Some(&known), &alter.options)?;
        let mut role = Role::clone(&known);
        self.apply_role_options(&mut role, &alter.options)?;
        self.put(Object::Role(Arc::new(role)));
        for option in &alter.options {
            match option {
                RoleOption::Members(members) => {
                    for member in members {
                        let member = self.role_oid(member)?;
                        self.join_role(member, oid, false)?;
                    }
                }
                RoleOption::DropMembers(members) => {
                    for member in members {
                        let member = self.role_oid(member)?;
                        self.leave_role(member, oid, false)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn rename_role(&mut self, from: &str, to: &str) -> Result<()> {
        let found = self.view().role_named(from).cloned();
        let role =
            found.ok_or_else(|| Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{from}\" does not exist")))?;
        let in_use = |what: &str| Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("{what} cannot be renamed")));
        if role.oid == self.session_role {
            return in_use("session user");
        }
        if role.oid == self.role {
            return in_use("current user");
        }
        self.check_role_name(to)?;
        self.check_role_options(Some(&role), &[])?;
        // A hash is of the name too.
        let password = role.password.clone().filter(|stored| !stored.starts_with("md5"));
        if password.is_none() && role.password.is_some() {
            self.notice(SqlState::SUCCESSFUL_COMPLETION, "MD5 password cleared because of role rename".to_owned());
        }
        self.put(Object::Role(Arc::new(Role { name: Arc::from(to), password, ..Role::clone(&role) })));
        // Access control lists name roles.
        self.rename_in_lists(from, to)
    }

    pub(super) fn drop_role(&mut self, drop: &DropRole) -> Result<()> {
        let own = self.view().role(self.role).cloned();
        if !self.is_superuser() && !own.is_some_and(|role| role.create_role) {
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, "permission denied to drop role"));
        }
        for name in &drop.names {
            let RoleSpec::Name(name) = name else {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    "cannot use special role specifier in DROP ROLE",
                ));
            };
            let Some(role) = self.view().role_named(&name.value).cloned() else {
                let message = format!("role \"{}\" does not exist", name.value);
                if drop.if_exists {
                    self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{message}, skipping"));
                    continue;
                }
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
            };
            self.drop_one_role(&role)?;
        }
        Ok(())
    }

    fn drop_one_role(&mut self, role: &Role) -> Result<()> {
        let in_use = |what: &str| Err(Error::new(SqlState::OBJECT_IN_USE, format!("{what} cannot be dropped")));
        if role.oid == self.role {
            return in_use("current user");
        }
        if role.oid == self.session_role {
            return in_use("session user");
        }
        if role.superuser && !self.is_superuser() {
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, "must be superuser to drop superusers"));
        }
        if role.oid < Oid::FIRST_NORMAL {
            return Err(Error::new(
                SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                format!("cannot drop role {} because it is required by the database system", role.name),
            ));
        }
        let uses = self.uses_of_role(role);
        if !uses.is_empty() {
            return Err(Error::new(
                SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                format!("role \"{}\" cannot be dropped because some objects depend on it", role.name),
            )
            .detail(uses.join("\n")));
        }
        let members: Vec<Arc<Role>> = self.view().roles().cloned().collect();
        for member in members.iter().filter(|member| member.member_of.iter().any(|(of, _)| *of == role.oid)) {
            let mut member = Role::clone(member);
            member.member_of.retain(|(of, _)| *of != role.oid);
            self.put(Object::Role(Arc::new(member)));
        }
        self.remove(Key::Role(role.oid));
        Ok(())
    }

    /// What keeps a role: objects it owns, privileges it has or has granted.
    fn uses_of_role(&mut self, role: &Role) -> Vec<String> {
        let catalog = self.view();
        let mut lines: Vec<((Oid, u16), String)> = Vec::new();
        for object in Grantable::all(&catalog, self.databases) {
            let described = object.describe(self, &catalog);
            let is_owned = object.key().is_some() || matches!(object, Grantable::Database(..));
            if object.owner(&catalog) == role.oid && is_owned {
                lines.push((object.place(), format!("owner of {described}")));
            }
            let mentioned = object.acl(&catalog).iter().flatten().filter_map(|item| AclItem::parse(item)).any(|item| {
                (item.grantee == *role.name && object.owner(&catalog) != role.oid) || item.grantor == *role.name
            });
            if mentioned && object.owner(&catalog) != role.oid {
                lines.push((object.place(), format!("privileges for {described}")));
            }
        }
        lines.extend(self.large_objects.uses_of_role(role).map(|(oid, line)| ((oid, 0), line)));
        for ((owner, schema, kind), oid, items) in catalog.default_acls() {
            let line = format!("default privileges on new {}", self.default_place(&catalog, *owner, *schema, *kind));
            let mentioned = items.iter().filter_map(|item| AclItem::parse(item));
            if *owner == role.oid {
                lines.push(((oid, 0), format!("owner of {line}")));
            } else if mentioned.into_iter().any(|item| item.grantee == *role.name) {
                lines.push(((oid, 0), format!("privileges for {line}")));
            }
        }
        for own in catalog.definitions() {
            if own.user_mapping().is_some_and(|info| info.user == role.oid) {
                lines.push(((own.oid, 0), format!("owner of {}", catalog.describe_definition(own, &[]))));
            }
        }
        for relation in catalog.relations() {
            for policy in relation.policies.iter().filter(|policy| policy.roles.contains(&role.oid)) {
                let described = self.describe(Key::Policy(relation.oid, policy.oid), &catalog);
                lines.push(((policy.oid, 0), format!("target of {described}")));
            }
        }
        lines.sort_by_key(|(place, _)| *place);
        lines.into_iter().map(|(_, line)| line).collect()
    }

    /// `relations belonging to role r in schema s`.
    fn default_place(&self, catalog: &dictdb_catalog::Catalog, owner: Oid, schema: Oid, kind: u8) -> String {
        let noun = match kind {
            b'r' => "relations",
            b'S' => "sequences",
            b'f' => "functions",
            b'T' => "types",
            _ => "schemas",
        };
        let owner = catalog.role(owner).map_or("?", |role| &role.name);
        let place = catalog.schema(schema).map_or_else(String::new, |schema| format!(" in schema {}", schema.name));
        format!("{noun} belonging to role {owner}{place}")
    }

    pub(super) fn grant_role(&mut self, grant: &GrantRole) -> Result<()> {
        for named in &grant.roles {
            let Some(name) = &named.name else {
                return Err(Error::new(SqlState::SYNTAX_ERROR, "role name is missing"));
            };
            let parent = self.role_oid(&RoleSpec::Name(name.clone()))?;
            self.check_admin(parent)?;
            for grantee in &grant.grantees {
                let member = self.role_oid(grantee)?;
                match grant.grant {
                    true => self.join_role(member, parent, grant.admin_option)?,
                    false => self.leave_role(member, parent, grant.admin_option)?,
                }
            }
        }
        Ok(())
    }

    fn check_admin(&mut self, parent: Oid) -> Result<()> {
        let catalog = self.view();
        let name = catalog.role(parent).map_or_else(String::new, |role| role.name.to_string());
        if self.is_superuser() {
            return Ok(());
        }
        let own = catalog.role(self.role);
        let superuser = catalog.role(parent).is_some_and(|role| role.superuser);
        if superuser {
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, "must be superuser to alter superusers"));
        }
        let roles = catalog.member_roles(self.role);
        let admin = roles
            .iter()
            .filter_map(|oid| catalog.role(*oid))
            .any(|role| role.member_of.iter().any(|(of, admin)| *of == parent && *admin));
        if own.is_some_and(|role| role.create_role) || admin {
            return Ok(());
        }
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("must have admin option on role \"{name}\"")))
    }

    fn join_role(&mut self, member: Oid, parent: Oid, admin: bool) -> Result<()> {
        let catalog = self.view();
        let name = |oid: Oid| catalog.role(oid).map_or_else(String::new, |role| role.name.to_string());
        if let Some((role, whats)) = [(parent, "have explicit members"), (member, "be a member of any role")]
            .into_iter()
            .find(|(role, _)| name(*role) == DATABASE_OWNER)
        {
            return Err(Error::internal(format!("role \"{}\" cannot {whats}", name(role))));
        }
        if catalog.member_roles(parent).contains(&member) {
            return Err(Error::new(
                SqlState::INVALID_GRANT_OPERATION,
                format!("role \"{}\" is a member of role \"{}\"", name(parent), name(member)),
            ));
        }
        let Some(role) = catalog.role(member) else { return Err(Error::internal("a member without its entry")) };
        let mut role = Role::clone(role);
        match role.member_of.iter_mut().find(|(of, _)| *of == parent) {
            Some((_, known)) if *known || !admin => {
                let message = format!("role \"{}\" is already a member of role \"{}\"", name(member), name(parent));
                self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
                return Ok(());
            }
            Some((_, known)) => *known = true,
            None => role.member_of.push((parent, admin)),
        }
        self.put(Object::Role(Arc::new(role)));
        Ok(())
    }

    fn leave_role(&mut self, member: Oid, parent: Oid, only_admin: bool) -> Result<()> {
        let catalog = self.view();
        let name = |oid: Oid| catalog.role(oid).map_or_else(String::new, |role| role.name.to_string());
        let Some(role) = catalog.role(member) else { return Err(Error::internal("a member without its entry")) };
        let mut role = Role::clone(role);
        let Some(place) = role.member_of.iter().position(|(of, _)| *of == parent) else {
            let message = format!("role \"{}\" is not a member of role \"{}\"", name(member), name(parent));
            self.notices.push(Error::with_severity(Severity::Warning, SqlState::WARNING, message));
            return Ok(());
        };
        match only_admin {
            true => role.member_of[place].1 = false,
            false => {
                role.member_of.remove(place);
            }
        }
        self.put(Object::Role(Arc::new(role)));
        Ok(())
    }

    pub(super) fn reassign_owned(&mut self, reassign: &ReassignOwned) -> Result<()> {
        let to = self.role_oid(&reassign.to)?;
        for from in &reassign.from {
            let from = self.role_oid(from)?;
            self.check_owned(from, "reassign objects")?;
            if !self.has_privileges_of(to) {
                let message = "permission denied to reassign objects";
                return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
            }
            let catalog = self.view();
            for object in Grantable::all(&catalog, self.databases) {
                if object.owner(&catalog) == from {
                    object.give(self, to)?;
                }
            }
            self.give_large_objects(from, to);
        }
        Ok(())
    }

    fn check_owned(&mut self, role: Oid, what: &str) -> Result<()> {
        if !self.has_privileges_of(role) {
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied to {what}")));
        }
        if role < Oid::FIRST_UNPINNED {
            let name = self.view().role(role).map_or_else(String::new, |role| role.name.to_string());
            let verb = if what == "reassign objects" { "reassign ownership of" } else { "drop" };
            return Err(Error::new(
                SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                format!("cannot {verb} objects owned by role {name} because they are required by the database system"),
            ));
        }
        Ok(())
    }

    pub(super) fn drop_owned(&mut self, drop: &DropOwned) -> Result<()> {
        for role in &drop.roles {
            let oid = self.role_oid(role)?;
            self.check_owned(oid, "drop objects")?;
            let catalog = self.view();
            let name = catalog.role(oid).map_or_else(String::new, |role| role.name.to_string());
            let mut named = Vec::new();
            for object in Grantable::all(&catalog, self.databases) {
                if object.owner(&catalog) == oid {
                    named.extend(object.key().filter(|_| !object.is_shared()));
                } else if let Some(acl) = object.acl(&catalog) {
                    let kept = acl.iter().filter(|item| {
                        AclItem::parse(item).is_none_or(|item| item.grantee != name && item.grantor != name)
                    });
                    let kept: Vec<Arc<str>> = kept.cloned().collect();
                    if kept.len() != acl.len() {
                        object.set_acl(self, Some(kept))?;
                    }
                }
            }
            self.drop_large_objects(oid, &name);
            self.forget_default_acls(|place| place.0 == oid);
            self.revoke_defaults(&name);
            let policies = self.leave_policies(oid)?;
            // What belongs to another dropped object goes with it.
            let catalog = self.view();
            // A composite type goes with its relation.
            for key in &mut named {
                let Key::Type(oid) = *key else { continue };
                let row = catalog.type_info(oid).and_then(|info| catalog.relation(info.relation));
                if let Some(row) = row.filter(|row| matches!(row.kind, RelationKind::Composite)) {
                    *key = Key::Relation(row.oid);
                }
            }
            named.retain(|key| {
                !catalog.dependencies_of(*key).any(|(_, kind)| kind != dictdb_catalog::Dependency::Normal)
            });
            named.extend(policies);
            let mapped =
                |own: &&Arc<dictdb_catalog::Definition>| own.user_mapping().is_some_and(|info| info.user == oid);
            named.extend(catalog.definitions().filter(mapped).map(|own| own.key()));
            // The newest first.
            named.reverse();
            self.drop_keys(&named, drop.behavior)?;
        }
        debug_assert!(matches!(drop.behavior, Behavior::Restrict | Behavior::Cascade));
        Ok(())
    }

    /// 42501 unless the role holds a privilege on a table.
    pub(super) fn check_table_privilege(&mut self, relation: &Relation, wanted: Privileges) -> Result<()> {
        let role = self.role;
        let held = self.view().held_privileges(role, AclKind::Table, relation.owner, relation.acl.as_deref());
        if held.privileges.contains(wanted) {
            return Ok(());
        }
        Err(Error::new(
            SqlState::INSUFFICIENT_PRIVILEGE,
            format!("permission denied for {} {}", relation.kind_noun(), relation.name),
        ))
    }
}

fn reserved_word(spec: &RoleSpec) -> Error {
    let word = match spec {
        RoleSpec::CurrentUser => "current_user",
        RoleSpec::SessionUser => "session_user",
        _ => "public",
    };
    Error::new(SqlState::RESERVED_NAME, format!("role name \"{word}\" is reserved"))
}
