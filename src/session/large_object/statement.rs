//! Statements of the server's own over the tables of large objects.

use std::sync::Arc;

use dictdb_catalog::BOOTSTRAP_ROLE;
use dictdb_types::{Datum, Oid, Result};

use crate::Session;
use crate::client::Row;
use crate::portal::Outcome;
use crate::prepared::Source;

/// A statement and the types of its parameters.
pub(super) type Text = (&'static str, &'static [Oid]);

impl Session {
    /// Runs one with all rights: what a role may do with a large object is not what it may do with the tables. It may write in a
    /// transaction that is read only, too, as these functions may in PostgreSQL 15.
    pub(super) fn on_large_objects(&mut self, (text, types): Text, params: Vec<Datum>) -> Result<Vec<Row>> {
        let source = match self.large_objects.statements.get(text) {
            Some(known) => known.clone(),
            None => {
                let source = Arc::new(Source::parse_with(text, types)?);
                self.large_objects.statements.insert(text, source.clone());
                source
            }
        };
        let name = self.env().catalog.role(BOOTSTRAP_ROLE).map(|role| role.name.clone());
        let outer_role = self.shared.act_as(name);
        let outer_modes = self.block.modes;
        self.block.modes.read_only = false;
        self.surroundings = (0, 0);
        let rows = self.execute_source(&source, &params.into(), None).and_then(all_rows);
        self.block.modes = outer_modes;
        self.shared.act_as(outer_role);
        self.surroundings = (0, 0);
        rows
    }
}

fn all_rows(outcome: Outcome) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    if let Outcome::Rows { mut source, .. } = outcome {
        source.pump(usize::MAX, &mut Row::new(), &mut |row| {
            rows.push(row.clone());
            Ok(true)
        })?;
    }
    Ok(rows)
}
