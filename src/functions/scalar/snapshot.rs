//! `pg_snapshot` and `txid_snapshot`: which transactions a snapshot sees.
//!
//! A value is its canonical text, `xmin:xmax:xip,…`; transactions from `xmax` on and those listed are in progress.

use dictdb_types::text::system::Snapshot;
use dictdb_types::{Datum, Error, Result};

use crate::CallContext;
use crate::args::{arg, kernels};
use crate::kernel::ScalarFn;
use crate::set_returning::{Rows, SetFn, ready};

pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "pg_snapshot_xmin" => |text: &str| snapshot(text).map(|own| own.xmin as i64),
    "pg_snapshot_xmax" => |text: &str| snapshot(text).map(|own| own.xmax as i64),
    "pg_visible_in_snapshot" => |transaction: i64, text: &str| {
        let (own, transaction) = (snapshot(text)?, transaction as u64);
        Ok(transaction < own.xmin || transaction < own.xmax && !own.in_progress.contains(&transaction))
    },
};

/// Set-returning functions of this file.
pub(crate) const SETS: &[(&str, SetFn)] = &[("pg_snapshot_xip", in_progress)];

fn snapshot(text: &str) -> Result<Snapshot> {
    Snapshot::parse(text).ok_or_else(|| Error::internal("malformed snapshot"))
}

fn in_progress(_: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    let own = snapshot(arg(args, 0)?)?;
    Ok(ready(own.in_progress.into_iter().map(|transaction| Datum::Int8(transaction as i64)).collect()))
}
