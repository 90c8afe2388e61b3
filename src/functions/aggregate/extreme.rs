//! `min` and `max` of every type that has an order.

use std::cmp::Ordering;

use dictdb_types::{Datum, Oid, Result, oids, order};

use super::{Accumulator, Entry, arg, size_of_datum};
use crate::CallContext;

macro_rules! extremes {
    ($($ty:ident),* $(,)?) => {
        &[$(
            ("min", &[oids::$ty], || Box::new(Extreme::new(Ordering::Less, oids::$ty))),
            ("max", &[oids::$ty], || Box::new(Extreme::new(Ordering::Greater, oids::$ty))),
        )*]
    };
}

pub(super) const AGGREGATES: &[Entry] = extremes![
    ANYARRAY,
    INT8,
    INT4,
    INT2,
    OID,
    FLOAT4,
    FLOAT8,
    DATE,
    TIME,
    TIMETZ,
    MONEY,
    TIMESTAMP,
    TIMESTAMPTZ,
    INTERVAL,
    TEXT,
    NUMERIC,
    BPCHAR,
    TID,
    ANYENUM,
    INET,
    PG_LSN,
    XID8,
];

struct Extreme {
    wanted: Ordering,
    best: Datum,
    /// The type compared, looked up once.
    ty: Option<Oid>,
}

impl Extreme {
    fn new(wanted: Ordering, declared: Oid) -> Self {
        // Arrays are all compared in one way: `oidvector`, whose own order is another one, comes here as any array.
        let ty = (declared == oids::ANYARRAY).then_some(declared);
        Extreme { wanted, best: Datum::Null, ty }
    }
}

impl Accumulator for Extreme {
    fn update(&mut self, cx: &CallContext<'_>, args: &[Datum]) -> Result<()> {
        let value = arg(args, 0);
        if value.is_null() {
            return Ok(());
        }
        let ty = *self.ty.get_or_insert_with(|| cx.env.base_type(cx.arg_type(0)).oid);
        // Of equal values the later one stays, as in PostgreSQL's larger and smaller functions.
        if self.best.is_null() || order::compare_as(ty, &self.best, value) != self.wanted {
            self.best = value.clone();
        }
        Ok(())
    }

    fn finish(&mut self, _: &CallContext<'_>) -> Result<Datum> {
        Ok(self.best.clone())
    }

    fn size(&self) -> usize {
        size_of::<Self>() + size_of_datum(&self.best)
    }
}
