//! The state of a generator of statements, and the choices that all its parts make.

use super::kind::Kind;
use super::phrase::Phrase;
use super::schema::Schema;
use super::scope::{Relation, Scope};
use crate::random::Random;

/// Makes statements over a schema, all of them determined by the seed of its random numbers: what servers answer is not
/// looked at.
pub struct Generator {
    /// Where choices come from.
    pub random: Random,
    /// The tables.
    pub schema: Schema,
    /// The CTEs that can be named where something is being made.
    pub(super) named_queries: Vec<Relation>,
    /// The last number that a name or a constant had.
    pub(super) last_number: u32,
    /// How many rows a FROM clause may make, about.
    pub(super) rows_limit: u64,
    /// How many rows the last query has that was made, about.
    pub(super) rows_made: u64,
}

/// What a statement's joins may make.
const ROWS_LIMIT: u64 = 4_000;

impl Generator {
    /// A generator over a schema.
    pub fn new(random: Random, schema: Schema) -> Self {
        Generator { random, schema, named_queries: Vec::new(), last_number: 0, rows_limit: ROWS_LIMIT, rows_made: 0 }
    }

    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.random.chance(percent)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.random.below(end as u64) as usize
    }

    /// A number nobody else has.
    pub(super) fn number(&mut self) -> u32 {
        self.last_number += 1;
        self.last_number
    }

    /// A name for a relation.
    pub(super) fn alias(&mut self, letter: char) -> String {
        format!("{letter}{}", self.number())
    }

    /// A type; those that columns have come more often.
    pub(super) fn kind(&mut self) -> Kind {
        if self.chance(15) {
            return self.random.pick(&Kind::ALL);
        }
        let at = self.below(self.schema.tables.len());
        let columns = &self.schema.tables[at].relation.columns;
        self.random.pick(columns).1
    }

    /// Some types.
    pub(super) fn kinds(&mut self, most: usize) -> Vec<Kind> {
        let count = 1 + self.below(most);
        (0..count).map(|_| self.kind()).collect()
    }

    /// A type that a scope has a column of, more often than not.
    pub(super) fn kind_in(&mut self, scope: &Scope) -> Kind {
        if scope.columns.is_empty() || self.chance(15) {
            return self.kind();
        }
        let at = self.below(scope.columns.len());
        scope.columns[at].kind
    }

    /// A constant of a type.
    pub(super) fn constant(&mut self, kind: Kind) -> Phrase {
        if self.chance(5) {
            return Phrase::value(kind, Phrase::from(format!("NULL::{}", kind.name())));
        }
        let number = self.number();
        Phrase::value(kind, Phrase::Constant(kind.constant(&mut self.random, number)))
    }

    /// A direction of an ORDER BY item.
    pub(super) fn direction(&mut self) -> &'static str {
        self.random.pick(&["", "", "", " DESC", " NULLS FIRST", " DESC NULLS LAST", " ASC"])
    }
}
