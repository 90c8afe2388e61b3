//! UPDATE of system catalogs by superusers: what a changed row means for the object that it shows.
//!
//! A table says for each catalog which of its columns can be changed, and what of an object each of them is. A change is one of a
//! definition like any other: transactional, logged, and seen by the next statement. Comments are rows that can also come and go.
//! What is in no table answers 0A000 with the column's name.

mod columns;

use std::sync::Arc;

use dictdb_catalog::{Catalog, Change, Relation, are_comments_shared};
use dictdb_storage::{LockMode, WaitPolicy};
use dictdb_types::order::equal_as;
use dictdb_types::{Datum, Error, Oid, Result};

use crate::Session;
use columns::CATALOGS;

/// A row of a system catalog before and after an UPDATE.
pub(super) struct Changed<'a> {
    /// The system catalog.
    pub catalog: &'a Relation,
    /// Places of the columns that it sets.
    pub assigned: &'a [usize],
    pub before: &'a [Datum],
    pub after: &'a [Datum],
}

impl Changed<'_> {
    /// The columns that have other values now, with these.
    fn columns(&self) -> impl Iterator<Item = (&str, &Datum)> {
        self.assigned.iter().filter_map(|place| {
            let (column, value) = (&self.catalog.columns[*place], &self.after[*place]);
            (!equal_as(column.ty.oid, &self.before[*place], value)).then_some((&*column.name, value))
        })
    }

    /// 0A000 for a column that cannot be changed, or not to this value or in this row.
    fn refused(&self, column: &str) -> Error {
        Error::unsupported(format_args!(
            "this change of column \"{column}\" of system catalog \"{}\"",
            self.catalog.name
        ))
    }
}

/// Puts a value in its place of what a row shows; `None` when there is no place for it.
type Setter<T> = fn(&mut T, &[Datum], &Datum) -> Option<()>;

/// How rows of one system catalog are changed.
struct Rows<T: 'static> {
    /// The relation that is locked against other definitions, if the row is of one.
    locks: fn(&Catalog, &[Datum]) -> Option<Oid>,
    /// A copy of what a row shows.
    find: fn(&Session, &Catalog, &[Datum]) -> Option<T>,
    /// What can be changed of it, by column.
    columns: &'static [(&'static str, Setter<T>)],
    /// Puts it in the place of what was there.
    put: fn(&mut Session, T),
}

/// [`Rows`] of any kind of object.
trait Update: Sync {
    fn update(&self, session: &mut Session, row: &Changed<'_>) -> Result<()>;
}

impl<T> Update for Rows<T> {
    fn update(&self, session: &mut Session, row: &Changed<'_>) -> Result<()> {
        let Some((first, _)) = row.columns().next() else { return Ok(()) };
        if let Some(relation) = (self.locks)(&session.env().catalog, row.before) {
            session.lock_definition(relation)?;
        }
        let catalog = session.env().catalog.clone();
        let mut object = (self.find)(session, &catalog, row.before).ok_or_else(|| row.refused(first))?;
        for (column, value) in row.columns() {
            let setter = self.columns.iter().find(|(name, _)| *name == column).map(|(_, setter)| setter);
            setter.and_then(|set| set(&mut object, row.before, value)).ok_or_else(|| row.refused(column))?;
        }
        (self.put)(session, object);
        Ok(())
    }
}

impl Session {
    /// Changes what a row of a system catalog shows. 0A000 for what cannot be changed so.
    pub(super) fn change_catalog_row(
        &mut self,
        catalog: &Relation,
        assigned: &[usize],
        before: Option<&[Datum]>,
        after: Option<&[Datum]>,
    ) -> Result<()> {
        if matches!(&*catalog.name, "pg_description" | "pg_shdescription") {
            return self.change_comment(catalog, before, after);
        }
        let refuse = |verb: &str| Err(Error::unsupported(format_args!("{verb} system catalog \"{}\"", catalog.name)));
        match (before, after) {
            (Some(before), Some(after)) => {
                let row = Changed { catalog, assigned, before, after };
                match CATALOGS.iter().find(|(name, _)| *name == &*catalog.name) {
                    Some((_, rows)) => rows.update(self, &row),
                    None => row.columns().next().map_or(Ok(()), |(column, _)| Err(row.refused(column))),
                }
            }
            (None, _) => refuse("INSERT into"),
            (_, None) => refuse("DELETE from"),
        }
    }

    /// A comment is a row of its own: it comes, changes and goes.
    fn change_comment(&mut self, catalog: &Relation, before: Option<&[Datum]>, after: Option<&[Datum]>) -> Result<()> {
        let is_shared = &*catalog.name == "pg_shdescription";
        let refused = || Error::unsupported(format_args!("this change of system catalog \"{}\"", catalog.name));
        let read = |row: &[Datum]| {
            let (key, text) = match row {
                [Datum::Oid(object), Datum::Oid(class), Datum::Int4(part), Datum::Text(text)] => {
                    ((Oid(*class), Oid(*object), *part), text.clone())
                }
                [Datum::Oid(object), Datum::Oid(class), Datum::Text(text)] => {
                    ((Oid(*class), Oid(*object), 0), text.clone())
                }
                _ => return Err(refused()),
            };
            if are_comments_shared(key.0) == is_shared { Ok((key, text)) } else { Err(refused()) }
        };
        if let Some(before) = before {
            let (key, text) = read(before)?;
            // Those that every database has are not kept as comments.
            if self.env().catalog.comment(key.0, key.1, key.2) != Some(&text) {
                return Err(refused());
            }
            self.record(Change::Comment(key, None));
        }
        if let Some(after) = after {
            let (key, text) = read(after)?;
            self.record(Change::Comment(key, Some(text)));
        }
        Ok(())
    }

    /// Keeps other definitions of a relation out until the transaction ends; changes of its rows go on.
    fn lock_definition(&mut self, relation: Oid) -> Result<()> {
        let (transaction, wait) = (self.transaction()?, self.wait_options());
        let lock = self.shared.instance.storage.relation_lock(self.shared.database.oid, relation);
        transaction.lock_relation(&lock, LockMode::ShareUpdateExclusive, WaitPolicy::Block, &wait).map(drop)
    }

    /// Counting has shown how large a table is.
    pub(crate) fn forget_told_size(&mut self, table: &Arc<Relation>) {
        if self.env().catalog.told_size(table).is_some() {
            self.record(Change::ToldSize(table.oid, None));
        }
    }
}
