//! Pickles of the original package, read as data: nothing is called, nothing is imported.
//!
//! A pickle is a program for a small machine with a stack. [`machine`] runs it, but where Python would import and call something, this
//! machine only notes what was named, and refuses what is not on the list of [`globals`]. [`convert`] makes values of what is left on the
//! stack: within limits, because a small pickle can describe a large or endless structure.

mod convert;
mod globals;
mod machine;
mod node;
mod opcode;

use dictdb_types::{Error, Result, SqlState};

use super::Tables;

/// The first byte of a pickle of protocol 2 or later.
pub(super) const MARK: u8 = opcode::PROTO;

/// The tables of a pickled database. XX001 when it is damaged or something else; 0A000 when it names what is not data.
pub(super) fn tables<'a>(bytes: &'a [u8], name: &str) -> Result<Tables<'a>> {
    let found = machine::run(bytes).and_then(|(nodes, root)| convert::tables(&nodes, root, bytes.len()));
    found.map_err(|fault| match fault {
        Fault::Damaged(what) => crate::error::damaged(name, what),
        Fault::Refused(what) => {
            Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("pickle \"{name}\" is refused: {what}")).hint(
                "Pickles are read as data: databases of the original package with numbers, texts, bytes, lists, dictionaries, \
                 sets, dates and times, Decimal and UUID.",
            )
        }
    })
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
