//! What an expression can refer to.

use super::kind::Kind;
use super::phrase::{Phrase, phrase};

/// Something that has a type and can be written.
#[derive(Clone, Debug)]
pub struct Column {
    /// How it is written.
    pub sql: Phrase,
    /// Its type.
    pub kind: Kind,
    /// Whether subqueries can refer to it: it is a column, not an expression that is grouped by.
    pub plain: bool,
}

/// The columns that can be used at a place.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Those of the query itself.
    pub columns: Vec<Column>,
    /// Those of the queries around it.
    pub outer: Vec<Column>,
    /// What tells rows apart: rows that are equal in these look the same in everything. `None` when nothing does.
    pub identity: Option<Vec<Phrase>>,
    /// How many rows there can be, about.
    pub rows: u64,
    /// Names that stand for whole rows.
    pub names: Vec<String>,
}

/// A table, view, subquery or the like under the name it has in a query.
#[derive(Clone, Debug)]
pub struct Relation {
    /// Its name.
    pub name: String,
    /// Names and types of its columns.
    pub columns: Vec<(String, Kind)>,
    /// The columns that tell its rows apart.
    pub key: Vec<String>,
    /// How many rows it has, about.
    pub rows: u64,
}

impl Relation {
    /// A query's rows: what tells them apart is all they have.
    pub fn of_query(name: &str, kinds: &[Kind], rows: u64) -> Self {
        let columns: Vec<(String, Kind)> =
            kinds.iter().enumerate().map(|(at, kind)| (format!("c{}", at + 1), *kind)).collect();
        let key = columns.iter().map(|(name, _)| name.clone()).collect();
        Relation { name: name.to_owned(), columns, key, rows }
    }

    /// The same under another name.
    pub fn named(&self, name: &str) -> Self {
        Relation { name: name.to_owned(), ..self.clone() }
    }

    /// A column, written with the relation's name.
    pub fn column(&self, name: &str) -> Phrase {
        Phrase::from(format!("{}.{name}", self.name))
    }

    /// The columns of a type.
    pub fn of_kind(&self, kind: Kind) -> Vec<String> {
        self.columns.iter().filter(|(_, found)| *found == kind).map(|(name, _)| name.clone()).collect()
    }
}

impl Scope {
    /// No columns but those of the queries around.
    pub fn inside(outer: &[Column]) -> Self {
        Scope { columns: Vec::new(), outer: outer.to_vec(), identity: Some(Vec::new()), rows: 1, names: Vec::new() }
    }

    /// Adds a relation's columns.
    pub fn add(&mut self, relation: &Relation) {
        self.names.push(relation.name.clone());
        for (name, kind) in &relation.columns {
            let sql = Phrase::value(*kind, relation.column(name));
            self.columns.push(Column { sql, kind: *kind, plain: true });
        }
        if let Some(identity) = &mut self.identity {
            identity.extend(relation.key.iter().map(|name| relation.column(name)));
        }
    }

    /// What subqueries can refer to.
    pub fn for_subqueries(&self) -> Vec<Column> {
        self.columns.iter().filter(|column| column.plain).chain(&self.outer).cloned().collect()
    }

    /// The columns of a type, those of the query itself first.
    pub fn of_kind(&self, kind: Kind) -> (Vec<Phrase>, Vec<Phrase>) {
        let of = |columns: &[Column]| {
            columns.iter().filter(|column| column.kind == kind).map(|column| column.sql.clone()).collect()
        };
        (of(&self.columns), of(&self.outer))
    }

    /// What tells rows apart, as the end of an ORDER BY list; `None` when nothing does.
    pub fn identity_list(&self) -> Option<Phrase> {
        let identity = self.identity.as_ref()?;
        let (first, rest) = identity.split_first()?;
        Some(rest.iter().fold(phrase![first], |list, item| phrase![list, ", ", item]))
    }
}
