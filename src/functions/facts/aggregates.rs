//! `pg_aggregate`, as far as calls and result types need it; the other columns are in [`table`].

use std::sync::LazyLock;

use dictdb_types::{Oid, stored_enum};

use super::tables::{Row, table};

/// `aggkind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AggregateKind {
    /// `n`.
    Normal,
    /// `o`: called with WITHIN GROUP.
    OrderedSet,
    /// `h`: WITHIN GROUP with a hypothetical row.
    HypotheticalSet,
}

stored_enum!(AggregateKind { 1: Normal, 2: OrderedSet, 3: HypotheticalSet });

/// A row of `pg_aggregate`.
#[derive(Clone, Copy, Debug)]
pub struct Aggregate {
    /// `aggfnoid`.
    pub oid: Oid,
    /// `aggkind`.
    pub kind: AggregateKind,
    /// `aggnumdirectargs`: parameters before WITHIN GROUP.
    pub direct_args: usize,
    /// `aggtransfn`.
    pub transition: Oid,
    /// `aggfinalfn`, or zero.
    pub finish: Oid,
    /// `aggcombinefn`, or zero.
    pub combine: Oid,
    /// `aggsortop`: the operator whose first value the aggregate is (`min`, `max`), or zero.
    pub sort_operator: Oid,
    /// `aggtranstype`.
    pub state: Oid,
    /// `agginitval`.
    pub initial: Option<&'static str>,
}

static AGGREGATES: LazyLock<Vec<Aggregate>> =
    LazyLock::new(|| table("pg_aggregate").into_iter().flat_map(|t| t.rows()).map(read).collect());

fn read(mut row: Row) -> Aggregate {
    let oid = row.oid();
    let kind = match row.letter() {
        b'o' => AggregateKind::OrderedSet,
        b'h' => AggregateKind::HypotheticalSet,
        _ => AggregateKind::Normal,
    };
    let direct_args = row.number();
    let [transition, finish, combine] = [row.oid(), row.oid(), row.oid()];
    // aggserialfn, aggdeserialfn, aggmtransfn, aggminvtransfn, aggmfinalfn and the four flags of final functions.
    for _ in 0..9 {
        row.nullable();
    }
    let (sort_operator, state) = (row.oid(), row.oid());
    // aggtransspace, aggmtranstype, aggmtransspace.
    for _ in 0..3 {
        row.nullable();
    }
    Aggregate { oid, kind, direct_args, transition, finish, combine, sort_operator, state, initial: row.nullable() }
}

/// Every built-in aggregate, by oid.
pub fn aggregates() -> &'static [Aggregate] {
    &AGGREGATES
}

/// What makes the function with this oid an aggregate.
pub fn aggregate(oid: Oid) -> Option<&'static Aggregate> {
    let rows = aggregates();
    rows.binary_search_by_key(&oid, |a| a.oid).ok().map(|i| &rows[i])
}
