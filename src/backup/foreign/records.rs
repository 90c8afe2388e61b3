//! Records of one table, column by column: dictionaries with mostly the same keys.

use std::borrow::Cow;

use dictdb_types::Oid;
use hashbrown::{HashMap, HashSet};

use super::value::{Value, join_types};

/// The values under one name; what is not there yet is NULL.
#[derive(Default)]
pub(super) struct Column<'a> {
    values: Vec<Value<'a>>,
    ty: Option<Oid>,
}

impl<'a> Column<'a> {
    fn set(&mut self, row: usize, value: Value<'a>) {
        self.ty = join_types(self.ty, value.natural_type());
        match self.values.get_mut(row) {
            Some(place) => *place = value,
            None => {
                self.values.resize(row, Value::Null);
                self.values.push(value);
            }
        }
    }

    pub(super) fn get(&self, row: usize) -> &Value<'a> {
        self.values.get(row).unwrap_or(&Value::Null)
    }
}

/// Records by number.
#[derive(Default)]
pub(super) struct Records<'a> {
    names: Vec<Cow<'a, str>>,
    places: HashMap<Cow<'a, str>, usize>,
    columns: Vec<Column<'a>>,
    len: usize,
    /// Numbers of those that were deleted.
    gone: HashSet<usize>,
}

/// A record on its way in.
pub(super) struct Fields<'r, 'a> {
    records: &'r mut Records<'a>,
    row: usize,
    /// The column that came next last time.
    guess: usize,
}

impl<'a> Fields<'_, 'a> {
    /// Sets a field; the last of the same name counts.
    pub(super) fn put(&mut self, name: Cow<'a, str>, value: Value<'a>) {
        let column = match self.records.names.get(self.guess) {
            Some(known) if *known == name => self.guess,
            _ => self.records.column(name),
        };
        self.guess = column + 1;
        self.records.columns[column].set(self.row, value);
    }

    pub(super) fn end(self) {
        self.records.len = self.records.len.max(self.row + 1);
    }
}

impl<'a> Records<'a> {
    /// Numbers that were given.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Begins the next record.
    pub(super) fn begin(&mut self) -> Fields<'_, 'a> {
        let row = self.len;
        Fields { records: self, row, guess: 0 }
    }

    /// Begins to change a record.
    pub(super) fn change(&mut self, row: usize) -> Fields<'_, 'a> {
        Fields { records: self, row, guess: 0 }
    }

    pub(super) fn remove(&mut self, row: usize) {
        self.gone.insert(row);
    }

    fn column(&mut self, name: Cow<'a, str>) -> usize {
        if let Some(place) = self.places.get(&name) {
            return *place;
        }
        self.names.push(name.clone());
        self.places.insert(name, self.columns.len());
        self.columns.push(Column::default());
        self.columns.len() - 1
    }

    /// Takes other records in behind its own.
    pub(super) fn append(&mut self, other: Records<'a>) {
        for (name, mut column) in other.names.into_iter().zip(other.columns) {
            let place = self.column(name);
            let own = &mut self.columns[place];
            own.ty = join_types(own.ty, column.ty);
            own.values.resize(self.len, Value::Null);
            own.values.append(&mut column.values);
        }
        self.len += other.len;
    }

    /// Names of all fields, in the order in which they came.
    pub(super) fn names(&self) -> &[Cow<'a, str>] {
        &self.names
    }

    /// Numbers of the records that are there.
    pub(super) fn rows(&self) -> Vec<usize> {
        (0..self.len).filter(|row| self.gone.is_empty() || !self.gone.contains(row)).collect()
    }

    /// The values under a name; `None` is NULL for all records.
    pub(super) fn values(&self, name: &str) -> Option<&Column<'a>> {
        self.places.get(name).map(|place| &self.columns[*place])
    }

    /// The type of all values under a name; `None` when there is none.
    pub(super) fn type_of(&self, name: &str) -> Option<Oid> {
        self.columns[*self.places.get(name)?].ty
    }

    /// A record's fields.
    #[cfg(test)]
    pub(super) fn row(&self, row: usize) -> impl Iterator<Item = (&Cow<'a, str>, &Value<'a>)> {
        self.names.iter().zip(self.columns.iter().map(move |column| column.get(row)))
    }
}
