//! The function behind `pg_prepared_xacts`.

use dictdb_functions::CallContext;
use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_types::{Datum, Result};

use super::arguments::{records, session};

pub(super) const SETS: &[(&str, SetFn)] = &[("pg_prepared_xact", pg_prepared_xact)];

fn pg_prepared_xact(cx: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let prepared = session(cx)?.shared.instance.prepared.list();
    let rows = prepared.into_iter().map(|facts| {
        vec![
            Datum::Oid(facts.id.0 as u32),
            Datum::Text(facts.gid),
            Datum::Timestamp(facts.prepared_at),
            Datum::Oid(facts.owner.0),
            Datum::Oid(facts.database.0),
        ]
    });
    Ok(records("pg_prepared_xact", rows.collect()))
}
