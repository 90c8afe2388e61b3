//! `pg_cast`.

use std::collections::HashMap;
use std::sync::LazyLock;

use dictdb_types::{Oid, stored_enum, stored_struct};

use super::tables::{Row, table};

/// When a cast may be used without being written, in growing order of licence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CastContext {
    /// Anywhere in an expression (`castcontext` `i`).
    Implicit,
    /// When a value is stored in a column (`a`).
    Assignment,
    /// PL/pgSQL's assignments: like [`CastContext::Assignment`], and through the text form where there is no cast.
    PlPgSql,
    /// Only by `CAST` or `::` (`e`).
    Explicit,
}

/// How a cast computes its result (`castmethod`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CastMethod {
    /// `f`: by calling this function.
    Function(Oid),
    /// `b`: not at all, the value is the same.
    Binary,
    /// `i`: through output and input functions.
    InOut,
}

/// A row of `pg_cast`.
#[derive(Clone, Copy, Debug)]
pub struct Cast {
    /// `oid`.
    pub oid: Oid,
    /// `castsource`.
    pub source: Oid,
    /// `casttarget`.
    pub target: Oid,
    /// `castcontext`.
    pub context: CastContext,
    /// `castmethod` and `castfunc`.
    pub method: CastMethod,
}

stored_enum!(CastContext { 1: Implicit, 2: Assignment, 3: PlPgSql, 4: Explicit });
stored_enum!(CastMethod { 1: Function(oid), 2: Binary, 3: InOut });
stored_struct!(Cast { 1: oid, 2: source, 3: target, 4: context, 5: method });

struct Casts {
    rows: Vec<Cast>,
    by_types: HashMap<(Oid, Oid), u16>,
}

static CASTS: LazyLock<Casts> = LazyLock::new(|| {
    let rows: Vec<Cast> = table("pg_cast").into_iter().flat_map(|t| t.rows()).map(read).collect();
    let by_types = rows.iter().zip(0..).map(|(cast, i)| ((cast.source, cast.target), i)).collect();
    Casts { rows, by_types }
});

fn read(mut row: Row) -> Cast {
    let (oid, source, target, function) = (row.oid(), row.oid(), row.oid(), row.oid());
    let context = match row.letter() {
        b'i' => CastContext::Implicit,
        b'a' => CastContext::Assignment,
        _ => CastContext::Explicit,
    };
    let method = match row.letter() {
        b'b' => CastMethod::Binary,
        b'i' => CastMethod::InOut,
        _ => CastMethod::Function(function),
    };
    Cast { oid, source, target, context, method }
}

/// Every built-in cast, by oid.
pub fn casts() -> &'static [Cast] {
    &CASTS.rows
}

/// The built-in cast between two types; from a type to itself, the one that applies a type modifier.
pub fn cast(source: Oid, target: Oid) -> Option<&'static Cast> {
    let Casts { rows, by_types } = &*CASTS;
    by_types.get(&(source, target)).map(|&i| &rows[usize::from(i)])
}
