//! Objects by catalog, oid and column (`objectaddress.c`): what each is called.
//!
//! ```text
//!   class      the system catalogs that objects are found in, a row of facts each; a row of one of them
//!   identity   type, schema, name and identity, all qualified
//!   describe   the same in words, as messages have it: qualified where the search path does not lead to it
//!   lookup     the other way: from the words of pg_identify_object_as_address to the object
//! ```

mod class;
mod describe;
mod identity;
mod lookup;

use dictdb_types::Oid;

pub(crate) use class::{schema_name, texts};
pub(crate) use describe::describe;
pub(crate) use identity::{Identity, identify, kind_of_missing};
pub(crate) use lookup::find;

/// An object as `pg_depend` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// The system catalog.
    pub class: Oid,
    /// `oid`.
    pub object: Oid,
    /// Column, or zero.
    pub part: i32,
}
