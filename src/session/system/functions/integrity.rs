//! `dictdb.check_integrity()` as a function; what it does is in [`crate::integrity`].

use dictdb_functions::CallContext;
use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_types::{Datum, Result};

use super::arguments::{records, session};

pub(super) const SETS: &[(&str, SetFn)] = &[("dictdb_check_integrity", check_integrity)];

fn check_integrity(cx: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let rows = session(cx)?.shared.in_session(|session| session.check_integrity())?;
    Ok(records("dictdb_check_integrity", rows))
}
