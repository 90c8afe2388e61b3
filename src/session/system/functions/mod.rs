//! Functions that read the catalog, by the C symbol PostgreSQL gives them.

mod arguments;
mod name;
mod visibility;

use dictdb_functions::ScalarFn;
use dictdb_functions::set_returning::SetFn;

/// Scalar functions.
pub(super) const SCALARS: &[&[(&str, ScalarFn)]] =
    &[crate::functions::FUNCTIONS, visibility::FUNCTIONS, name::FUNCTIONS];

/// Set-returning functions.
pub(super) const SETS: &[&[(&str, SetFn)]] = &[];
