//! ALTER DEFAULT PRIVILEGES: the lists that future objects of a role begin with.

use std::sync::Arc;

use dictdb_catalog::{AclItem, AclKind, Change};
use dictdb_parser::utility::{AlterDefaultPrivileges, ObjectKind, RoleSpec};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::DdlContext;
use super::grant::{add, default_items, object_privileges, take};

/// `pg_default_acl.defaclobjtype` of a kind of objects, what its lists are checked as, and its word in messages.
fn facts(kind: ObjectKind) -> Option<(u8, AclKind, &'static str)> {
    Some(match kind {
        ObjectKind::Table => (b'r', AclKind::Table, "relation"),
        ObjectKind::Sequence => (b'S', AclKind::Sequence, "sequence"),
        ObjectKind::Function | ObjectKind::Routine => (b'f', AclKind::Function, "function"),
        ObjectKind::Type => (b'T', AclKind::Type, "type"),
        ObjectKind::Schema => (b'n', AclKind::Schema, "schema"),
        _ => return None,
    })
}

/// What the lists of an entry are checked as.
fn kind_of(letter: u8) -> Option<AclKind> {
    use ObjectKind::{Function, Schema, Sequence, Table, Type};
    let mut all = [Table, Sequence, Function, Type, Schema].into_iter().filter_map(facts);
    all.find(|(own, ..)| *own == letter).map(|(_, kind, _)| kind)
}

impl DdlContext<'_> {
    pub(super) fn alter_default_privileges(&mut self, alter: &AlterDefaultPrivileges) -> Result<()> {
        let (letter, kind, noun) = facts(alter.kind)
            .ok_or_else(|| Error::unsupported(format_args!("default privileges of {:?}", alter.kind)))?;
        let privileges = object_privileges(&alter.privileges, kind, noun)?;
        if kind == AclKind::Schema && !alter.schemas.is_empty() {
            return Err(Error::new(
                SqlState::INVALID_GRANT_OPERATION,
                "cannot use IN SCHEMA clause when using GRANT/REVOKE ON SCHEMAS",
            ));
        }
        let mut grantees = Vec::with_capacity(alter.grantees.len());
        for grantee in &alter.grantees {
            grantees.push(match grantee {
                RoleSpec::Public => String::new(),
                role => {
                    let oid = self.role_oid(role)?;
                    self.role_name(oid)
                }
            });
        }
        let mut roles = Vec::new();
        for role in &alter.roles {
            let oid = self.role_oid(role)?;
            if !self.is_superuser() && !self.view().member_roles(self.role).contains(&oid) {
                let name = self.role_name(oid);
                return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("must be member of role \"{name}\"")));
            }
            roles.push(oid);
        }
        if roles.is_empty() {
            roles.push(self.role);
        }
        let mut schemas = Vec::new();
        for schema in &alter.schemas {
            let catalog = self.view();
            schemas.push(self.schema_oid(&catalog, &schema.value)?);
        }
        if schemas.is_empty() {
            schemas.push(Oid::INVALID);
        }
        for role in roles {
            for schema in &schemas {
                let place = (role, *schema, letter);
                let name = self.role_name(role);
                let mut items = self.listed_defaults(place, kind, &name);
                for grantee in &grantees {
                    match alter.grant {
                        true => add(&mut items, grantee, &name, privileges, alter.grant_option),
                        false => take(&mut items, grantee, &name, privileges, alter.grant_option),
                    }
                }
                self.put_defaults(place, kind, &name, &items);
            }
        }
        Ok(())
    }

    pub(super) fn role_name(&mut self, oid: Oid) -> String {
        self.view().role(oid).map_or_else(String::new, |role| role.name.to_string())
    }

    /// What an entry says now. Without a schema it replaces the built-in default, with one it adds to that.
    fn listed_defaults(&mut self, place: (Oid, Oid, u8), kind: AclKind, owner: &str) -> Vec<AclItem> {
        match self.view().default_acl(place) {
            Some(acl) => acl.iter().filter_map(|item| AclItem::parse(item)).collect(),
            None if place.1.is_valid() => Vec::new(),
            None => default_items(kind, owner),
        }
    }

    fn put_defaults(&mut self, place: (Oid, Oid, u8), kind: AclKind, owner: &str, items: &[AclItem]) {
        let plain = if place.1.is_valid() { Vec::new() } else { default_items(kind, owner) };
        let same = items.len() == plain.len() && items.iter().all(|item| plain.contains(item));
        let acl = (!same).then(|| items.iter().map(|item| Arc::from(item.to_string())).collect());
        let known = self.view().default_acl_oid(place);
        let oid = known.unwrap_or_else(|| self.new_oid());
        self.change(Change::DefaultAcl { place, oid, acl });
    }

    /// Takes from all entries what they give to a role, or what it gives.
    pub(super) fn revoke_defaults(&mut self, role: &str) {
        let entries: Vec<((Oid, Oid, u8), Vec<AclItem>)> = {
            let catalog = self.view();
            let parsed = |acl: &[Arc<str>]| acl.iter().filter_map(|item| AclItem::parse(item)).collect();
            catalog.default_acls().map(|(place, _, acl)| (*place, parsed(acl))).collect()
        };
        for (place, items) in entries {
            let Some(kind) = kind_of(place.2) else { continue };
            let owner = self.role_name(place.0);
            let kept: Vec<AclItem> =
                items.iter().filter(|item| *item.grantee != *role || owner == role).cloned().collect();
            if kept.len() != items.len() {
                self.put_defaults(place, kind, &owner, &kept);
            }
        }
    }

    /// The default privileges of some places are gone: with their role or their schema.
    pub(super) fn forget_default_acls(&mut self, gone: impl Fn(&(Oid, Oid, u8)) -> bool) {
        let catalog = self.view();
        for (place, oid, _) in catalog.default_acls().filter(|(place, ..)| gone(place)) {
            self.change(Change::DefaultAcl { place: *place, oid, acl: None });
        }
    }

    /// The list a new object of the role begins with (`get_user_default_acl`); `None` is the built-in default.
    pub(super) fn initial_acl(&mut self, kind: ObjectKind, schema: Oid) -> Option<Vec<Arc<str>>> {
        let (letter, acl_kind, _) = facts(kind)?;
        let role = self.role;
        let catalog = self.view();
        let everywhere = catalog.default_acl((role, Oid::INVALID, letter)).is_some();
        let here = catalog.default_acl((role, schema, letter)).is_some();
        if !(everywhere || here && schema.is_valid()) {
            return None;
        }
        let owner = self.role_name(role);
        let mut items = self.listed_defaults((role, Oid::INVALID, letter), acl_kind, &owner);
        if here && schema.is_valid() {
            for item in self.listed_defaults((role, schema, letter), acl_kind, &owner) {
                let plain = item.privileges.without(item.grantable);
                add(&mut items, &item.grantee, &item.grantor, plain, false);
                add(&mut items, &item.grantee, &item.grantor, item.grantable, true);
            }
        }
        Some(items.iter().map(|item| Arc::from(item.to_string())).collect())
    }
}
