//! Rows of `pg_largeobject_metadata`: which large objects there are, whose they are, and what others may do.

use std::sync::Arc;

use dictdb_catalog::{AclKind, Change, Privileges};
use dictdb_executor::ddl::{LargeObject, LargeObjects, Wanted, wanted_large_objects};
use dictdb_parser::utility::Utility;
use dictdb_types::{Datum, Error, Oid, Result, SqlState, oids};

use super::missing;
use super::statement::Text;
use crate::Session;
use crate::client::Row;
use crate::system::acl;

/// `pg_class.oid` of `pg_largeobject_metadata`, and of the catalog that comments on large objects are kept by.
pub(crate) const METADATA: Oid = Oid(2995);
const PG_LARGEOBJECT: Oid = Oid(2613);

const FIND: Text =
    ("SELECT oid, lomowner, lomacl FROM pg_catalog.pg_largeobject_metadata WHERE oid = $1", &[oids::OID]);
const ALL: Text = ("SELECT oid, lomowner, lomacl FROM pg_catalog.pg_largeobject_metadata ORDER BY oid", &[]);
const INSERT: Text =
    ("INSERT INTO pg_catalog.pg_largeobject_metadata (oid, lomowner) VALUES ($1, $2)", &[oids::OID, oids::OID]);
const CHANGE: Text = (
    "UPDATE pg_catalog.pg_largeobject_metadata SET lomowner = $2, lomacl = $3 WHERE oid = $1",
    &[oids::OID, oids::OID, oids::ACLITEM_ARRAY],
);
const DELETE: Text = ("DELETE FROM pg_catalog.pg_largeobject_metadata WHERE oid = $1", &[oids::OID]);
const DELETE_PAGES: Text = ("DELETE FROM pg_catalog.pg_largeobject WHERE loid = $1", &[oids::OID]);

fn row_of(row: &Row) -> Option<LargeObject> {
    let [Datum::Oid(oid), Datum::Oid(owner), acl] = &row[..] else { return None };
    let acl = match acl {
        Datum::Array(items) => Some(items.items.iter().filter_map(text_of).collect()),
        _ => None,
    };
    Some(LargeObject { oid: Oid(*oid), owner: Oid(*owner), acl })
}

fn text_of(item: &Datum) -> Option<Arc<str>> {
    if let Datum::Text(text) = item { Some(text.clone()) } else { None }
}

impl Session {
    /// A large object's row, if there is one.
    pub(super) fn find_large_object(&mut self, oid: Oid) -> Result<Option<LargeObject>> {
        Ok(self.on_large_objects(FIND, vec![Datum::Oid(oid.0)])?.first().and_then(row_of))
    }

    /// Likewise, if the role has a privilege on it. 42704, 42501.
    pub(super) fn permitted_large_object(&mut self, oid: Oid, wanted: Privileges) -> Result<LargeObject> {
        let found = self.find_large_object(oid)?.ok_or_else(|| missing(oid))?;
        if self.shared.settings.lock().bool("lo_compat_privileges") {
            return Ok(found);
        }
        let role = self.role();
        let acl = found.acl.as_deref();
        let held = self.env().catalog.held_privileges(role, AclKind::LargeObject, found.owner, acl);
        match held.privileges.contains(wanted) {
            true => Ok(found),
            false => Err(denied(format!("permission denied for large object {oid}"))),
        }
    }

    /// Makes an empty large object with this oid, or one of the server's choice when it is zero. 23505.
    pub(super) fn make_large_object(&mut self, wanted: Oid) -> Result<Oid> {
        self.large_object_tables()?;
        let oid = if wanted.is_valid() { wanted } else { self.free_oid()? };
        let owner = self.role();
        self.on_large_objects(INSERT, vec![Datum::Oid(oid.0), Datum::Oid(owner.0)])?;
        Ok(oid)
    }

    /// An oid that no large object has: users may have chosen one that the server comes to.
    fn free_oid(&mut self) -> Result<Oid> {
        loop {
            let oid = self.shared.database.catalog.allocate_oid();
            if self.find_large_object(oid)?.is_none() {
                return Ok(oid);
            }
        }
    }

    /// Removes a large object of the role. 42704, 42501.
    pub(super) fn unlink_large_object(&mut self, oid: Oid) -> Result<()> {
        let found = self.find_large_object(oid)?.ok_or_else(|| missing(oid))?;
        let role = self.role();
        let catalog = self.env().catalog.clone();
        let owns = catalog.role(role).is_some_and(|role| role.superuser)
            || catalog.inherited_roles(role).contains(&found.owner);
        if !owns && !self.shared.settings.lock().bool("lo_compat_privileges") {
            return Err(denied(format!("must be owner of large object {oid}")));
        }
        self.large_objects.close_object(oid);
        self.remove_large_object(oid)
    }

    fn remove_large_object(&mut self, oid: Oid) -> Result<()> {
        self.on_large_objects(DELETE_PAGES, vec![Datum::Oid(oid.0)])?;
        self.on_large_objects(DELETE, vec![Datum::Oid(oid.0)])?;
        if self.env().catalog.comment(PG_LARGEOBJECT, oid, 0).is_some() {
            let forgotten = Change::Comment((PG_LARGEOBJECT, oid, 0), None);
            self.definitions.catalog.change(&self.shared.database.catalog, forgotten);
            self.catalog_epoch = self.shared.instance.new_epoch();
        }
        Ok(())
    }

    /// The rows that a statement may be about. 22003 for a number that is no oid.
    pub(crate) fn large_objects_for(&mut self, command: &Utility) -> Result<LargeObjects> {
        let rows = match wanted_large_objects(command)? {
            Wanted::None => Vec::new(),
            Wanted::All => self.on_large_objects(ALL, Vec::new())?.iter().filter_map(row_of).collect(),
            Wanted::Named(oids) => {
                let found = oids.into_iter().map(|oid| self.find_large_object(oid));
                found.filter_map(Result::transpose).collect::<Result<_>>()?
            }
        };
        Ok(LargeObjects { rows, ..LargeObjects::default() })
    }

    /// Writes back what a statement did to them.
    pub(crate) fn keep_large_objects(&mut self, objects: LargeObjects) -> Result<()> {
        for row in objects.rows.iter().filter(|row| objects.changed.contains(&row.oid)) {
            let params = vec![Datum::Oid(row.oid.0), Datum::Oid(row.owner.0), acl(row.acl.as_deref())];
            self.on_large_objects(CHANGE, params)?;
        }
        objects.dropped.into_iter().try_for_each(|oid| self.remove_large_object(oid))
    }
}

/// 42501.
fn denied(message: String) -> Error {
    Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
}
