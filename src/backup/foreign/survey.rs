//! What the records of a table have in common: the names of their fields, and the types of all values under each.

use std::borrow::Cow;

use dictdb_types::Oid;
use hashbrown::HashMap;

use super::value::{Value, join_types};

/// Names by their places; the one that comes next is mostly the one that came next last time.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    names: Vec<String>,
    places: HashMap<String, usize>,
    guess: usize,
}

impl Names {
    /// The place of a name.
    pub(super) fn find(&mut self, name: &str) -> Option<usize> {
        let place = match self.names.get(self.guess) {
            Some(known) if known == name => self.guess,
            _ => *self.places.get(name)?,
        };
        self.guess = place + 1;
        Some(place)
    }

    /// The place of a name, which is given one if it has none.
    pub(super) fn place(&mut self, name: Cow<'_, str>) -> usize {
        if let Some(place) = self.find(&name) {
            return place;
        }
        let place = self.names.len();
        self.names.push(name.clone().into_owned());
        self.places.insert(name.into_owned(), place);
        self.guess = place + 1;
        place
    }

    /// Begins with another record.
    pub(super) fn rewind(&mut self) {
        self.guess = 0;
    }
}

/// What was found in some records.
#[derive(Clone, Debug, Default)]
pub(super) struct Survey {
    names: Names,
    types: Vec<Option<Oid>>,
}

impl Survey {
    /// Takes note of a field.
    pub(super) fn field(&mut self, name: Cow<'_, str>, value: &Value<'_>) {
        self.add(name, value.natural_type());
    }

    fn add(&mut self, name: Cow<'_, str>, ty: Option<Oid>) {
        let place = self.names.place(name);
        if self.types.len() <= place {
            self.types.resize(place + 1, None);
        }
        self.types[place] = join_types(self.types[place], ty);
    }

    /// Takes note of the end of a record.
    pub(super) fn end_record(&mut self) {
        self.names.rewind();
    }

    /// Takes in what was found in records that come later.
    pub(super) fn join(&mut self, later: &Survey) {
        for (name, ty) in later.names.names.iter().zip(&later.types) {
            self.add(Cow::Borrowed(name), *ty);
        }
        self.end_record();
    }

    /// Names and types of all fields, in the order in which they came; no type where all values are NULL.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, Option<Oid>)> {
        self.names.names.iter().map(String::as_str).zip(self.types.iter().copied())
    }
}
