//! Set-returning functions as iterators.
//!
//! A function with several output columns yields [`Datum::Record`]s. The iterator does not check for cancellation:
//! the executor does between rows.

use std::collections::HashMap;
use std::sync::LazyLock;

use dictdb_types::{Datum, Result};

use crate::CallContext;

/// The rows of one call.
pub type Rows = Box<dyn Iterator<Item = Result<Datum>> + Send>;

/// A set-returning function. Strict ones never see NULL: the caller answers no rows.
pub type SetFn = fn(&CallContext<'_>, &[Datum]) -> Result<Rows>;

pub(crate) const FAMILIES: &[&[(&str, SetFn)]] = &[crate::datetime::SETS];

static BUILTIN: LazyLock<HashMap<&'static str, SetFn>> =
    LazyLock::new(|| FAMILIES.iter().flat_map(|family| family.iter().copied()).collect());

/// The built-in set-returning function by `pg_proc.prosrc`.
pub fn set_returning(prosrc: &str) -> Option<SetFn> {
    BUILTIN.get(prosrc).copied()
}
