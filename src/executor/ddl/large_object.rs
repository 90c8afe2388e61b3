//! Large objects, as far as statements that change the catalog are about them: owners, privileges, comments.
//!
//! Who owns a large object is said by a row of `pg_largeobject_metadata`, not by the catalog. The session reads the rows that a
//! statement may be about ([`wanted_large_objects`]) and writes back what it changed in [`LargeObjects`].

use std::collections::BTreeSet;
use std::sync::Arc;

use dictdb_catalog::{AclItem, AclKind, Catalog, Change, Object, Relation, RelationKind, Role};
use dictdb_functions::Registry;
use dictdb_parser::utility::{Grant, GrantTarget, ObjectRef, RoleSpec, Utility};
use dictdb_storage::{IndexBuilt, Storage};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::DdlContext;
use super::comment::LARGE_OBJECT;
use super::grant::object_privileges;
use super::index::index_def;
use super::ownership::not_owner;

/// `pg_class.oid` of `pg_largeobject` and `pg_largeobject_metadata`.
const TABLES: [Oid; 2] = [LARGE_OBJECT, Oid(2995)];

/// A row of `pg_largeobject_metadata`.
#[derive(Clone, Debug)]
pub struct LargeObject {
    /// `oid`.
    pub oid: Oid,
    /// `lomowner`.
    pub owner: Oid,
    /// `lomacl`; `None` is the default.
    pub acl: Option<Vec<Arc<str>>>,
}

/// The rows that a statement may be about, and what it did to them.
#[derive(Clone, Debug, Default)]
pub struct LargeObjects {
    /// The rows, as the statement leaves them.
    pub rows: Vec<LargeObject>,
    /// Those that it changed.
    pub changed: BTreeSet<Oid>,
    /// Those that it dropped.
    pub dropped: Vec<Oid>,
}

/// Which large objects a statement may be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// None of them.
    None,
    /// These.
    Named(Vec<Oid>),
    /// All: it is about roles.
    All,
}

/// Which large objects a statement may be about. 22003 for a number that is no oid.
pub fn wanted_large_objects(statement: &Utility) -> Result<Wanted> {
    let named = |objects: &[&ObjectRef]| {
        let numbers = objects.iter().filter_map(|object| match object {
            ObjectRef::LargeObject(number) => Some(number_of(number)),
            _ => None,
        });
        let numbers = numbers.collect::<Result<Vec<Oid>>>()?;
        Ok(if numbers.is_empty() { Wanted::None } else { Wanted::Named(numbers) })
    };
    match statement {
        Utility::Comment(comment) => named(&[&comment.object]),
        Utility::SetOwner(set) => named(&[&set.object]),
        Utility::Grant(Grant { target: GrantTarget::Objects(_, objects), .. }) => {
            named(&objects.iter().collect::<Vec<_>>())
        }
        Utility::DropRole(_) | Utility::DropOwned(_) | Utility::ReassignOwned(_) => Ok(Wanted::All),
        Utility::Rename(rename) if rename.kind == dictdb_parser::utility::ObjectKind::Role => Ok(Wanted::All),
        _ => Ok(Wanted::None),
    }
}

/// A number as an oid, which may be written as a negative one. 22003.
fn number_of(text: &str) -> Result<Oid> {
    let number = text.parse::<i64>().ok();
    let oid = number.and_then(|number| match number {
        0.. => u32::try_from(number).ok(),
        _ => i32::try_from(number).ok().map(i32::cast_unsigned),
    });
    oid.map(Oid).ok_or_else(|| {
        let message = format!("value \"{text}\" is out of range for type oid");
        Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
    })
}

impl LargeObjects {
    fn change(&mut self, oid: Oid, change: impl FnOnce(&mut LargeObject)) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.oid == oid) {
            change(row);
            self.changed.insert(oid);
        }
    }

    /// Lines that say why a role is needed, each with the object.
    pub(super) fn uses_of_role(&self, role: &Role) -> impl Iterator<Item = (Oid, String)> {
        self.rows.iter().filter_map(|row| {
            let mut items = row.acl.iter().flatten().filter_map(|item| AclItem::parse(item));
            match row.owner == role.oid {
                true => Some((row.oid, format!("owner of large object {}", row.oid))),
                false => items
                    .any(|item| item.grantee == *role.name || item.grantor == *role.name)
                    .then(|| (row.oid, format!("privileges for large object {}", row.oid))),
            }
        })
    }

    /// Roles are in lists by name.
    pub(super) fn rename_role(&mut self, from: &str, to: &str) {
        let swap = |name: String| if name == from { to.to_owned() } else { name };
        for row in &mut self.rows {
            let Some(acl) = &mut row.acl else { continue };
            for item in acl.iter_mut() {
                let Some(parsed) = AclItem::parse(item) else { continue };
                let renamed = AclItem { grantee: swap(parsed.grantee), grantor: swap(parsed.grantor), ..parsed };
                let text: Arc<str> = renamed.to_string().into();
                if text != *item {
                    *item = text;
                    self.changed.insert(row.oid);
                }
            }
        }
    }
}

impl DdlContext<'_> {
    /// The large object of this number. 42704.
    fn large_object(&mut self, number: &str) -> Result<LargeObject> {
        let oid = number_of(number)?;
        let found = self.large_objects.rows.iter().find(|row| row.oid == oid).cloned();
        found.ok_or_else(|| Error::new(SqlState::UNDEFINED_OBJECT, format!("large object {oid} does not exist")))
    }

    /// Likewise, if the role owns it. 42501.
    pub(super) fn owned_large_object(&mut self, number: &str) -> Result<LargeObject> {
        let object = self.large_object(number)?;
        match self.has_privileges_of(object.owner) {
            true => Ok(object),
            false => Err(not_owner("large object", &object.oid.to_string())),
        }
    }

    pub(super) fn grant_on_large_object(&mut self, grant: &Grant, number: &str, grantees: &[String]) -> Result<()> {
        let privileges = object_privileges(&grant.privileges, AclKind::LargeObject, "large object")?;
        let LargeObject { oid, owner, acl } = self.large_object(number)?;
        let list = (AclKind::LargeObject, owner, acl.as_deref());
        // As PostgreSQL names it in warnings.
        let name = format!("large object {oid}");
        let changed = self.changed_list(grant, list, privileges, grantees, (&name, "large object"))?;
        self.large_objects.change(oid, |row| row.acl = Some(changed));
        Ok(())
    }

    pub(super) fn set_large_object_owner(&mut self, number: &str, owner: &RoleSpec) -> Result<()> {
        let owner = self.role_oid(owner)?;
        let known = self.large_object(number)?;
        if known.owner != owner {
            self.owned_large_object(number)?;
            self.check_new_owner(owner)?;
            self.give_large_object(&known, owner);
        }
        Ok(())
    }

    fn give_large_object(&mut self, object: &LargeObject, owner: Oid) {
        let acl = object.acl.as_ref().map(|acl| self.acl_of_new_owner(acl, object.owner, owner));
        self.large_objects.change(object.oid, |row| (row.owner, row.acl) = (owner, acl));
    }

    /// REASSIGN OWNED.
    pub(super) fn give_large_objects(&mut self, from: Oid, to: Oid) {
        let owned: Vec<LargeObject> = self.large_objects.rows.iter().filter(|row| row.owner == from).cloned().collect();
        owned.iter().for_each(|object| self.give_large_object(object, to));
    }

    /// DROP OWNED: what the role owns goes, and what it was granted.
    pub(super) fn drop_large_objects(&mut self, role: Oid, name: &str) {
        let (owned, others): (Vec<LargeObject>, Vec<LargeObject>) =
            std::mem::take(&mut self.large_objects.rows).into_iter().partition(|row| row.owner == role);
        self.large_objects.rows = others;
        for object in owned {
            self.clear_comment(LARGE_OBJECT, object.oid, 0);
            self.large_objects.dropped.push(object.oid);
        }
        for row in &mut self.large_objects.rows {
            let Some(acl) = &mut row.acl else { continue };
            let count = acl.len();
            acl.retain(|item| AclItem::parse(item).is_none_or(|item| item.grantee != name && item.grantor != name));
            if acl.len() != count {
                self.large_objects.changed.insert(row.oid);
            }
        }
    }
}

/// Gives the two system catalogs of large objects places in storage, which they have from the first large object of a database on.
/// The changes that make it known; without their commit the tables are to be dropped.
pub fn make_large_object_tables(
    storage: &Storage,
    catalog: &Arc<Catalog>,
    registry: &Registry,
    mut new_oid: impl FnMut() -> Oid,
) -> Result<Vec<Change>> {
    let mut changes = Vec::with_capacity(TABLES.len());
    for oid in TABLES {
        let known = catalog.relation(oid).ok_or_else(|| Error::internal("a system catalog is missing"))?;
        let relation = Relation { kind: RelationKind::Table, storage: new_oid(), ..Relation::clone(known) };
        let relation = Arc::new(relation);
        let table = storage.create_table(relation.storage, &catalog.layouts(&relation.columns));
        table.set_logged(true);
        for index in relation.indexes.iter().filter_map(|oid| catalog.relation(*oid)) {
            let Some(info) = index.index() else { continue };
            let def = index_def(&relation, index.oid, info, catalog, registry)?;
            changes.push(Change::Put(Object::Relation(Arc::new(Relation {
                storage: index.oid,
                ..Relation::clone(index)
            }))));
            let IndexBuilt::Done(_) = table.create_index(&storage.begin(), def, &|| Ok(()))? else {
                return Err(Error::internal("an index of an empty table"));
            };
        }
        changes.push(Change::Put(Object::Relation(relation)));
    }
    Ok(changes)
}
