//! `pg_operator`.

use std::sync::LazyLock;

use dictdb_types::Oid;

use super::tables::{Row, table};

/// A row of `pg_operator`. Zero is "none" in every oid.
#[derive(Clone, Copy, Debug)]
pub struct Operator {
    /// `oid`.
    pub oid: Oid,
    /// `oprname`.
    pub name: &'static str,
    /// `oprnamespace`.
    pub namespace: Oid,
    /// `oprkind` is `l`: a prefix operator, whose [`Operator::left`] is zero.
    pub prefix: bool,
    /// `oprcanmerge`.
    pub can_merge: bool,
    /// `oprcanhash`.
    pub can_hash: bool,
    /// `oprleft`.
    pub left: Oid,
    /// `oprright`.
    pub right: Oid,
    /// `oprresult`.
    pub result: Oid,
    /// `oprcom`.
    pub commutator: Oid,
    /// `oprnegate`.
    pub negator: Oid,
    /// `oprcode`: the function behind it.
    pub code: Oid,
    /// `oprrest`.
    pub restriction_estimator: Oid,
    /// `oprjoin`.
    pub join_estimator: Oid,
}

struct Operators {
    rows: Vec<Operator>,
    by_name: Vec<u16>,
}

static OPERATORS: LazyLock<Operators> = LazyLock::new(|| {
    let rows: Vec<Operator> = table("pg_operator").into_iter().flat_map(|t| t.rows()).map(read).collect();
    let mut by_name: Vec<u16> = (0..rows.len() as u16).collect();
    by_name.sort_by_key(|&i| rows[usize::from(i)].name);
    Operators { rows, by_name }
});

fn read(mut row: Row) -> Operator {
    Operator {
        oid: row.oid(),
        name: row.text(),
        namespace: row.oid(),
        prefix: row.letter() == b'l',
        can_merge: row.flag(),
        can_hash: row.flag(),
        left: row.oid(),
        right: row.oid(),
        result: row.oid(),
        commutator: row.oid(),
        negator: row.oid(),
        code: row.oid(),
        restriction_estimator: row.oid(),
        join_estimator: row.oid(),
    }
}

/// Every built-in operator, by oid.
pub fn operators() -> &'static [Operator] {
    &OPERATORS.rows
}

/// The built-in operator with this oid.
pub fn operator_by_oid(oid: Oid) -> Option<&'static Operator> {
    let rows = &OPERATORS.rows;
    rows.binary_search_by_key(&oid, |o| o.oid).ok().map(|i| &rows[i])
}

/// The built-in operators of this name, prefix and binary ones together.
pub fn operators_named(name: &str) -> impl Iterator<Item = &'static Operator> + Clone {
    let Operators { rows, by_name } = &*OPERATORS;
    let start = by_name.partition_point(|&i| rows[usize::from(i)].name < name);
    let len = by_name[start..].partition_point(|&i| rows[usize::from(i)].name <= name);
    by_name[start..start + len].iter().map(|&i| &rows[usize::from(i)])
}
