//! A composite type or the row type of a table or view gets other fields while columns of tables have values of it: they follow at once.
//!
//! A value has a field for each column of its type, in order, and nothing that says of which version of the type it is. So whoever
//! adds or drops a field rewrites the tables that have such values, however deep inside of arrays, ranges and other rows.

use std::sync::Arc;

use dictdb_catalog::{Catalog, Relation};
use dictdb_storage::LockMode;
use dictdb_types::{Array, Bound, Datum, Error, Oid, Range, Record, Result, SqlState, TypeKind, TypeLookup};

use super::super::DdlContext;

/// Where the fields of a row type come from: places among those it had before, `None` for a new one.
struct Fields {
    ty: Oid,
    types: Vec<Oid>,
    from: Vec<Option<usize>>,
}

impl DdlContext<'_> {
    /// Changes the columns of a relation, and then the values of its row type that other tables have.
    pub(in crate::ddl) fn changing_fields<T>(
        &mut self,
        relation: Oid,
        change: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let before = self.table(relation)?;
        let users = self.users_of_type(before.row_type)?;
        let changed = change(self)?;
        if users.is_empty() {
            return Ok(changed);
        }
        let fields = fields_of_change(&before, &*self.table(relation)?);
        for user in users {
            let now = self.table(user)?;
            self.before_rewrite(now.oid, 4)?;
            let rows = self.stored_rows(&now)?.map(|rows| {
                let mut rows = rows?;
                rows.iter_mut().flatten().for_each(|value| fields.follow(value));
                Ok(rows)
            });
            self.rewrite_rows(&now, now.columns.to_vec(), rows, &[])?;
        }
        Ok(changed)
    }

    /// Refuses a column whose type has the row type of its own relation inside: such a value would have no end. 42P16.
    pub(in crate::ddl) fn refuse_own_member(&mut self, relation: &Relation, ty: Oid) -> Result<()> {
        let catalog = self.view();
        if !relation.row_type.is_valid() || !contains(&catalog, ty, relation.row_type) {
            return Ok(());
        }
        let shown = self.shown_type(relation.row_type, &catalog);
        let message = format!("composite type {shown} cannot be made a member of itself");
        Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message))
    }

    /// The tables with rows and columns that have values of a row type, locked.
    fn users_of_type(&mut self, ty: Oid) -> Result<Vec<Oid>> {
        let mut users = Vec::new();
        if !ty.is_valid() {
            return Ok(users);
        }
        let catalog = self.view();
        let holds = |user: &&Arc<Relation>| {
            user.is_stored() && user.live_columns().any(|(_, column)| contains(&catalog, column.ty.oid, ty))
        };
        for user in catalog.relations().filter(holds) {
            self.lock(user.oid, LockMode::AccessExclusive)?;
            if self.has_rows(user)? {
                users.push(user.oid);
            }
        }
        Ok(users)
    }
}

/// Whether values of a type may have values of another one inside.
pub(in crate::ddl) fn contains(catalog: &Catalog, ty: Oid, wanted: Oid) -> bool {
    if ty == wanted {
        return true;
    }
    // Nothing of users is in a type of the system.
    if ty < Oid::FIRST_NORMAL {
        return false;
    }
    let Some(info) = catalog.type_info(ty) else { return false };
    match &info.kind {
        TypeKind::Composite(fields) => fields.iter().any(|field| contains(catalog, field.ty.oid, wanted)),
        TypeKind::Domain(base) => contains(catalog, base.oid, wanted),
        TypeKind::Range(subtype) => contains(catalog, *subtype, wanted),
        TypeKind::Multirange(range) => contains(catalog, *range, wanted),
        _ => info.element.is_valid() && contains(catalog, info.element, wanted),
    }
}

fn fields_of_change(before: &Relation, after: &Relation) -> Fields {
    let known: Vec<i16> = before.live_columns().map(|(attnum, _)| attnum).collect();
    let live = || after.live_columns();
    Fields {
        ty: before.row_type,
        types: live().map(|(_, column)| column.ty.oid).collect(),
        from: live().map(|(attnum, _)| known.iter().position(|old| *old == attnum)).collect(),
    }
}

impl Fields {
    /// Gives a value, and what is inside of it, the fields the type has now.
    fn follow(&self, value: &mut Datum) {
        match value {
            Datum::Array(array) => {
                let mut items = array.items.clone();
                items.iter_mut().for_each(|item| self.follow(item));
                *value = Datum::Array(Arc::new(Array { items, ..Array::clone(array) }));
            }
            Datum::Range(range) => {
                let mut range = Range::clone(range);
                if let Some((lower, upper)) = &mut range.bounds {
                    self.follow_bound(lower);
                    self.follow_bound(upper);
                }
                *value = Datum::Range(Arc::new(range));
            }
            Datum::Record(record) => {
                let mut fields = record.fields.clone();
                fields.iter_mut().for_each(|field| self.follow(field));
                *value = Datum::Record(Arc::new(self.changed(record, fields)));
            }
            _ => {}
        }
    }

    fn follow_bound(&self, bound: &mut Bound) {
        if let Bound::Inclusive(value) | Bound::Exclusive(value) = bound {
            self.follow(value);
        }
    }

    fn changed(&self, record: &Record, fields: Vec<Datum>) -> Record {
        if record.ty != self.ty {
            return Record { fields, ..record.clone() };
        }
        let old = |place: &Option<usize>| place.and_then(|place| fields.get(place).cloned()).unwrap_or(Datum::Null);
        Record { ty: self.ty, types: self.types.clone(), fields: self.from.iter().map(old).collect(), names: None }
    }
}
