//! Pickles of the original package, read as data: nothing is called, nothing is imported.
//!
//! A pickle is a program for a small machine with a stack. [`machine`] runs it, but where Python would import and call something, this
//! machine only notes what was named, and refuses what is not on the list of [`globals`]. [`convert`] makes values of what is left on the
//! stack: within limits on its bytes, its objects and its depth, because a small pickle can describe a large or endless structure.

mod convert;
mod globals;
mod machine;
mod node;
mod opcode;

use std::io::{Read, Seek};

use dictdb_storage::BLOCK_ROWS;
use dictdb_types::{Error, Result, SqlState};

use super::load::Loading;
use super::{Check, Facts};
use crate::ahead::Ahead;
use crate::error::unreadable;
use crate::store::Opened;
use convert::{Converter, PickledTable};
use node::Nodes;

/// The first byte of a pickle of protocol 2 or later.
pub(super) const MARK: u8 = opcode::PROTO;
/// Longest pickle that is read.
const MAX_BYTES: u64 = 1 << 30;

/// All of a pickle. 0A000 when that is too much, 58030.
pub(super) fn read(opened: &mut Opened, name: &str) -> Result<Vec<u8>> {
    if opened.bytes > MAX_BYTES {
        return Err(refused(name, &format!("it is longer than {MAX_BYTES} bytes")));
    }
    let mut bytes = Vec::with_capacity(opened.bytes as usize);
    let read = opened.file.rewind().and_then(|()| opened.file.by_ref().take(MAX_BYTES).read_to_end(&mut bytes));
    read.map_err(|error| unreadable(name, &error)).map(|_| bytes)
}

/// A pickled database.
pub(super) struct Pickle<'a> {
    name: &'a str,
    bytes: usize,
    nodes: Nodes<'a>,
    tables: Vec<PickledTable<'a>>,
}

impl<'a> Pickle<'a> {
    /// XX001 when it is damaged or something else; 0A000 when it names what is not data, or is more than is good.
    pub(super) fn read(bytes: &'a [u8], name: &'a str) -> Result<Pickle<'a>> {
        let found = machine::run(bytes).and_then(|(nodes, root)| {
            let tables = convert::tables(&nodes, root)?;
            Ok((nodes, tables))
        });
        let (nodes, tables) = found.map_err(|fault| fault.in_file(name))?;
        Ok(Pickle { name, bytes: bytes.len(), nodes, tables })
    }

    fn converter(&self) -> Converter<'_, 'a> {
        Converter::new(&self.nodes, self.bytes)
    }

    /// What its tables are.
    pub(super) fn survey(&self, look: Check<'_>) -> Result<Vec<Facts>> {
        let mut converter = self.converter();
        let survey = |table: &PickledTable<'a>| {
            let mut facts = Facts {
                name: table.name.to_string(),
                key: table.key.as_ref().map(|key| key.to_string()),
                schema: table.schema.iter().map(|(name, ty)| (name.to_string(), ty.to_string())).collect(),
                records: table.records.len() as u64,
                ..Facts::default()
            };
            for records in table.records.chunks(BLOCK_ROWS) {
                look(records.len() as u64)?;
                for record in records {
                    let fields = converter.record(*record).map_err(|fault| fault.in_file(self.name))?;
                    fields.into_iter().for_each(|(name, value)| facts.survey.field(name, &value));
                    facts.survey.end_record();
                }
            }
            Ok(facts)
        };
        self.tables.iter().map(survey).collect()
    }

    /// Puts the records of its tables where they belong.
    pub(super) fn load(&self, into: &[Loading], ahead: Option<Ahead<'_>>, done: Check<'_>) -> Result<()> {
        let mut converter = self.converter();
        for (table, loading) in self.tables.iter().zip(into) {
            let mut first = 0;
            for records in table.records.chunks(BLOCK_ROWS) {
                done(records.len() as u64)?;
                let mut rows = loading.rows(records.len());
                for record in records {
                    let fields = converter.record(*record).map_err(|fault| fault.in_file(self.name))?;
                    fields.into_iter().try_for_each(|(name, value)| rows.field(name, value))?;
                    rows.end();
                }
                loading.put_rows(first, rows, ahead)?;
                first += records.len() as u64;
            }
        }
        Ok(())
    }
}

fn refused(name: &str, what: &str) -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("pickle \"{name}\" is refused: {what}")).hint(
        "Pickles are read as data: databases of the original package with numbers, texts, bytes, lists, dictionaries, \
         sets, dates and times, Decimal and UUID.",
    )
}

impl Fault {
    fn in_file(self, name: &str) -> Error {
        match self {
            Fault::Damaged(what) => crate::error::damaged(name, what),
            Fault::Refused(what) => refused(name, &what),
        }
    }
}

/// Why a pickle cannot be read.
#[derive(Debug, PartialEq)]
enum Fault {
    Damaged(String),
    Refused(String),
}

/// What a step of reading comes to.
type Step<T> = std::result::Result<T, Fault>;

fn damaged<T>(what: impl std::fmt::Display) -> Step<T> {
    Err(Fault::Damaged(what.to_string()))
}

#[cfg(test)]
mod tests;
