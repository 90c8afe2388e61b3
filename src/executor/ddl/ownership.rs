//! Owners: ALTER … OWNER TO, ALTER … SET SCHEMA, and who may do what to an object.

use std::sync::Arc;

use dictdb_catalog::{
    AclItem, AclKind, Dependency, Key, Object, Privileges, Relation, RelationKind, Schema, namespaces,
};
use dictdb_parser::ast::ObjectName;
use dictdb_parser::utility::{ObjectKind, ObjectRef, RoleSpec, SetOwner, SetSchema};
use dictdb_types::{Error, Oid, Result, SqlState, TypeInfo, TypeKind};

use super::DdlContext;
use super::grantable::Grantable;
use super::names::shown;

impl DdlContext<'_> {
    pub(super) fn set_owner(&mut self, set: &SetOwner) -> Result<()> {
        use ObjectKind as K;
        match (set.kind, &set.object) {
            (K::Schema, ObjectRef::Name(name)) => {
                let name = shown(name);
                let found = self.view().schema_named(&name).cloned();
                let schema = found.ok_or_else(|| {
                    Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{name}\" does not exist"))
                })?;
                let owner = self.role_oid(&set.owner)?;
                self.check_schema_owner(&schema)?;
                self.check_new_owner(owner)?;
                self.put(Object::Schema(Arc::new(Schema { owner, ..Schema::clone(&schema) })));
                Ok(())
            }
            (K::Type | K::Domain, ObjectRef::Name(name)) => {
                let info = self.find_type(name)?;
                if set.kind == K::Domain && !matches!(info.kind, TypeKind::Domain(_)) {
                    return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("{} is not a domain", shown(name))));
                }
                let owner = self.role_oid(&set.owner)?;
                self.check_type_owner(&info)?;
                self.check_new_owner(owner)?;
                if info.relation.is_valid() {
                    return self.give_relation(info.relation, owner);
                }
                self.give_type(info.oid, owner)
            }
            (K::Table | K::View | K::MaterializedView | K::Index | K::Sequence, ObjectRef::Name(name)) => {
                let relation = self.find_relation(name)?;
                self.change_relation_owner(relation.oid, &set.owner)
            }
            (K::LargeObject, ObjectRef::LargeObject(number)) => self.set_large_object_owner(number, &set.owner),
            (kind, ObjectRef::Name(name)) if super::definition::kind_of(kind).is_some() => {
                super::definition::kind_of(kind).map_or(Ok(()), |kind| self.give_definition(kind, name, &set.owner))
            }
            (kind, _) => Err(Error::unsupported(format_args!("ALTER {kind:?} OWNER TO"))),
        }
    }

    /// 42501 without USAGE of a type that a definition names; of an array, that of its elements counts.
    pub(super) fn check_type_usage(&mut self, oid: Oid) -> Result<()> {
        if self.is_superuser() {
            return Ok(());
        }
        let info = self.type_info(oid)?;
        let info = if info.is_array() && info.element.is_valid() { self.type_info(info.element)? } else { info };
        let (catalog, target) = (self.view(), Grantable::Type(info.oid));
        let acl = target.acl(&catalog);
        let held = catalog.held_privileges(self.role, AclKind::Type, info.owner, acl.as_deref());
        if held.privileges.contains(Privileges::USAGE) {
            return Ok(());
        }
        let message = format!("permission denied for type {}", self.shown_type(info.oid, &catalog));
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
    }

    pub(super) fn change_relation_owner(&mut self, table: Oid, role: &RoleSpec) -> Result<()> {
        let relation = self.table(table)?;
        let owner = self.role_oid(role)?;
        match &relation.kind {
            RelationKind::Index(_) => {
                if relation.owner != owner {
                    let warning = Error::with_severity(
                        dictdb_types::Severity::Warning,
                        SqlState::WRONG_OBJECT_TYPE,
                        format!("cannot change owner of index \"{}\"", relation.name),
                    );
                    self.notices.push(warning.hint("Change the ownership of the index's table instead."));
                }
                return Ok(());
            }
            RelationKind::Sequence(info) => {
                if let Some((table, _, _)) = info.owned_by.filter(|_| relation.owner != owner) {
                    let table = self.table(table)?;
                    return Err(Error::new(
                        SqlState::FEATURE_NOT_SUPPORTED,
                        format!("cannot change owner of sequence \"{}\"", relation.name),
                    )
                    .detail(format!("Sequence \"{}\" is linked to table \"{}\".", relation.name, table.name)));
                }
            }
            _ => {}
        }
        if relation.owner == owner {
            return Ok(());
        }
        self.check_owner(&relation)?;
        self.check_new_owner(owner)?;
        self.give_relation(table, owner)
    }

    /// Gives a relation, with what belongs to it, to a role.
    pub(super) fn give_relation(&mut self, oid: Oid, owner: Oid) -> Result<()> {
        let relation = self.table(oid)?;
        let acl = relation.acl.as_ref().map(|acl| self.acl_of_new_owner(acl, relation.owner, owner));
        self.put_relation(Relation { owner, acl, ..Relation::clone(&relation) });
        if relation.row_type.is_valid() {
            self.give_type(relation.row_type, owner)?;
        }
        for index in relation.indexes.clone() {
            let index = self.table(index)?;
            self.put_relation(Relation { owner, ..Relation::clone(&index) });
        }
        for sequence in self.sequences_of(oid) {
            self.give_relation(sequence, owner)?;
        }
        Ok(())
    }

    /// Privileges the old owner granted, as if the new one had.
    pub(super) fn acl_of_new_owner(&mut self, acl: &[Arc<str>], old: Oid, new: Oid) -> Vec<Arc<str>> {
        let catalog = self.view();
        let name = |oid: Oid| catalog.role(oid).map_or_else(String::new, |role| role.name.to_string());
        let (old, new) = (name(old), name(new));
        let swap = |role: String| if role == old { new.clone() } else { role };
        let mut items: Vec<AclItem> = Vec::with_capacity(acl.len());
        for item in acl.iter().filter_map(|item| AclItem::parse(item)) {
            let item = AclItem { grantee: swap(item.grantee), grantor: swap(item.grantor), ..item };
            match items.iter_mut().find(|other| other.grantee == item.grantee && other.grantor == item.grantor) {
                // What the new owner was granted is its own now.
                Some(same) => {
                    same.privileges = same.privileges.with(item.privileges);
                    same.grantable = same.grantable.with(item.grantable);
                }
                None => items.push(item),
            }
        }
        items.iter().map(|item| Arc::from(item.to_string())).collect()
    }

    pub(super) fn give_type(&mut self, oid: Oid, owner: Oid) -> Result<()> {
        let info = self.type_info(oid)?;
        self.put(Object::Type(Arc::new(TypeInfo { owner, ..TypeInfo::clone(&info) })));
        if info.array.is_valid() {
            let array = self.type_info(info.array)?;
            self.put(Object::Type(Arc::new(TypeInfo { owner, ..TypeInfo::clone(&array) })));
        }
        let relation = self.view().relation(info.relation).cloned();
        if let Some(relation) = relation.filter(|relation| matches!(relation.kind, RelationKind::Composite)) {
            self.put_relation(Relation { owner, ..Relation::clone(&relation) });
        }
        Ok(())
    }

    /// The sequences that belong to columns of a table.
    pub(super) fn sequences_of(&mut self, table: Oid) -> Vec<Oid> {
        let catalog = self.view();
        let owned = catalog.relations().filter(|relation| match &relation.kind {
            RelationKind::Sequence(info) => info.owned_by.is_some_and(|(owner, ..)| owner == table),
            _ => false,
        });
        owned.map(|relation| relation.oid).collect()
    }

    pub(super) fn set_schema(&mut self, set: &SetSchema) -> Result<()> {
        use ObjectKind as K;
        match (set.kind, &set.object) {
            (
                kind @ (K::Table | K::View | K::MaterializedView | K::Index | K::Sequence | K::ForeignTable),
                ObjectRef::Name(name),
            ) => {
                let Some(relation) = self.relation_to_alter(name, set.if_exists)? else { return Ok(()) };
                self.check_not_system(&relation)?;
                self.check_owner(&relation)?;
                if kind == K::ForeignTable && relation.foreign.is_none() {
                    let message = format!("\"{}\" is not a foreign table", relation.name);
                    return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
                }
                self.move_relation(&relation, &set.schema.value)
            }
            (K::Type | K::Domain, ObjectRef::Name(name)) => {
                self.move_named_type(name, &set.schema.value, set.kind == K::Domain)
            }
            (kind, ObjectRef::Name(name)) if super::definition::kind_of(kind).is_some() => {
                let schema = &set.schema.value;
                super::definition::kind_of(kind).map_or(Ok(()), |kind| self.move_definition(kind, name, schema))
            }
            (kind, _) => Err(Error::unsupported(format_args!("ALTER {kind:?} SET SCHEMA"))),
        }
    }

    /// The schema to move to; 3F000, and 0A000 for the special ones.
    pub(super) fn new_schema(&mut self, schema: &str) -> Result<Oid> {
        let catalog = self.view();
        let oid = self.schema_oid(&catalog, schema)?;
        self.check_create_in(oid)?;
        Ok(oid)
    }

    pub(super) fn move_relation(&mut self, relation: &Arc<Relation>, schema: &str) -> Result<()> {
        match &relation.kind {
            RelationKind::Index(_) => {
                return Err(Error::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("cannot change schema of index \"{}\"", relation.name),
                )
                .hint("Change the schema of the table instead."));
            }
            RelationKind::Composite => {
                return Err(Error::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("cannot change schema of composite type \"{}\"", relation.name),
                )
                .hint("Use ALTER TYPE instead."));
            }
            RelationKind::Sequence(info) => {
                if let Some((table, ..)) = info.owned_by {
                    let table = self.table(table)?;
                    return Err(Error::new(
                        SqlState::FEATURE_NOT_SUPPORTED,
                        "cannot move an owned sequence into another schema",
                    )
                    .detail(format!("Sequence \"{}\" is linked to table \"{}\".", relation.name, table.name)));
                }
            }
            _ => {}
        }
        self.lock(relation.oid, dictdb_storage::LockMode::AccessExclusive)?;
        let target = self.new_schema(schema)?;
        self.check_move(relation.namespace, target)?;
        if target == relation.namespace {
            return Ok(());
        }
        let mut parts = vec![relation.oid];
        parts.extend(relation.indexes.iter().copied());
        parts.extend(self.sequences_of(relation.oid));
        self.renaming(&relation.name, |ddl| {
            for part in parts {
                ddl.move_part(part, target, schema)?;
            }
            match relation.row_type.is_valid() {
                true => ddl.move_type(relation.row_type, target, schema),
                false => Ok(()),
            }
        })
    }

    fn move_part(&mut self, oid: Oid, target: Oid, schema: &str) -> Result<()> {
        let relation = self.table(oid)?;
        if self.view().relation_in(target, &relation.name).is_some() {
            return Err(Error::new(
                SqlState::DUPLICATE_TABLE,
                format!("relation \"{}\" already exists in schema \"{schema}\"", relation.name),
            ));
        }
        self.put_relation(Relation { namespace: target, ..Relation::clone(&relation) });
        self.move_dependency(Key::Relation(oid), relation.namespace, target);
        Ok(())
    }

    pub(super) fn move_dependency(&mut self, key: Key, from: Oid, to: Oid) {
        let kept: Vec<(Key, Dependency)> = self.view().dependencies_of(key).collect();
        if !kept.iter().any(|(on, _)| *on == Key::Schema(from)) {
            return;
        }
        self.undepend_all(key);
        for (on, kind) in kept {
            self.depend(key, if on == Key::Schema(from) { Key::Schema(to) } else { on }, kind);
        }
    }

    fn move_named_type(&mut self, name: &ObjectName, schema: &str, domain: bool) -> Result<()> {
        let info = self.find_type(name)?;
        if domain && !matches!(info.kind, TypeKind::Domain(_)) {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("{} is not a domain", shown(name))));
        }
        self.check_type_owner(&info)?;
        let target = self.new_schema(schema)?;
        self.check_move(info.namespace, target)?;
        if info.is_array() && info.element.is_valid() {
            let catalog = self.view();
            let element = self.shown_type(info.element, &catalog);
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("cannot alter array type {element}[]"))
                .hint(format!("You can alter type {element}, which will alter the array type as well.")));
        }
        if info.relation.is_valid() {
            let relation = self.table(info.relation)?;
            if !matches!(relation.kind, RelationKind::Composite) {
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("{} is a table's row type", info.name))
                    .hint("Use ALTER TABLE instead."));
            }
        }
        if target == info.namespace {
            return Ok(());
        }
        self.renaming(&info.name, |ddl| {
            if info.relation.is_valid() {
                ddl.move_part(info.relation, target, schema)?;
            }
            ddl.move_type(info.oid, target, schema)
        })
    }

    pub(super) fn move_type(&mut self, oid: Oid, target: Oid, schema: &str) -> Result<()> {
        let info = self.type_info(oid)?;
        if self.view().type_in(target, &info.name).is_some_and(|other| other.oid != oid) {
            return Err(Error::new(
                SqlState::DUPLICATE_OBJECT,
                format!("type \"{}\" already exists in schema \"{schema}\"", info.name),
            ));
        }
        self.put(Object::Type(Arc::new(TypeInfo { namespace: target, ..TypeInfo::clone(&info) })));
        self.move_dependency(Key::Type(oid), info.namespace, target);
        if info.array.is_valid() {
            let array = self.type_info(info.array)?;
            self.put(Object::Type(Arc::new(TypeInfo { namespace: target, ..TypeInfo::clone(&array) })));
        }
        Ok(())
    }

    /// 0A000 for moves in and out of special schemas.
    pub(super) fn check_move(&mut self, from: Oid, to: Oid) -> Result<()> {
        let catalog = self.view();
        let temporary = |oid: Oid| catalog.schema(oid).is_some_and(|schema| schema.is_temporary());
        let refuse = |what: &str| {
            Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("cannot move objects into or out of {what}")))
        };
        if temporary(from) || temporary(to) {
            return refuse("temporary schemas");
        }
        if from == namespaces::PG_TOAST || to == namespaces::PG_TOAST {
            return refuse("TOAST schema");
        }
        if from == namespaces::DICTDB || to == namespaces::DICTDB {
            return refuse("the schema of DictDB");
        }
        Ok(())
    }

    /// Whether the current role is a superuser.
    pub(super) fn is_superuser(&mut self) -> bool {
        let role = self.role;
        self.view().role(role).is_none_or(|role| role.superuser)
    }

    /// Whether the current role has what belongs to another role.
    pub(super) fn has_privileges_of(&mut self, owner: Oid) -> bool {
        let role = self.role;
        let catalog = self.view();
        self.is_superuser() || catalog.inherited_roles(role).contains(&owner)
    }

    /// 42501 unless the role owns the relation.
    pub(super) fn check_owner(&mut self, relation: &Relation) -> Result<()> {
        if self.has_privileges_of(relation.owner) {
            return Ok(());
        }
        let noun = match relation.kind {
            RelationKind::Composite => "type",
            _ => relation.kind_noun(),
        };
        Err(not_owner(noun, &relation.name))
    }

    pub(super) fn check_schema_owner(&mut self, schema: &Schema) -> Result<()> {
        if self.has_privileges_of(schema.owner) { Ok(()) } else { Err(not_owner("schema", &schema.name)) }
    }

    pub(super) fn check_type_owner(&mut self, info: &TypeInfo) -> Result<()> {
        if info.oid >= Oid::FIRST_NORMAL && self.has_privileges_of(info.owner) || self.is_superuser() {
            return Ok(());
        }
        Err(not_owner("type", &info.name))
    }

    /// 42501 unless the role could become the new owner.
    pub(super) fn check_new_owner(&mut self, owner: Oid) -> Result<()> {
        let role = self.role;
        let catalog = self.view();
        if self.is_superuser() || catalog.member_roles(role).contains(&owner) {
            return Ok(());
        }
        let name = catalog.role(owner).map_or_else(String::new, |role| role.name.to_string());
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("must be member of role \"{name}\"")))
    }

    /// 42501 unless the role may create objects in a schema.
    pub(super) fn check_create_in(&mut self, schema: Oid) -> Result<()> {
        use dictdb_catalog::{AclKind, Privileges};
        let catalog = self.view();
        let Some(found) = catalog.schema(schema) else { return Ok(()) };
        if found.is_temporary() || self.is_superuser() {
            return Ok(());
        }
        let held = catalog.held_privileges(self.role, AclKind::Schema, found.owner, found.acl.as_deref());
        if held.privileges.contains(Privileges::CREATE) {
            return Ok(());
        }
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied for schema {}", found.name)))
    }
}

/// 42501.
pub(super) fn not_owner(noun: &str, name: &str) -> Error {
    Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("must be owner of {noun} {name}"))
}
