//! `pg_proc`: functions, aggregates, window functions.

use std::borrow::Cow;
use std::sync::LazyLock;

use dictdb_types::{Oid, stored_enum};

use super::tables::{Row, table, unescape};

/// `prokind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcKind {
    /// `f`.
    Function,
    /// `p`.
    Procedure,
    /// `a`.
    Aggregate,
    /// `w`.
    Window,
}

/// `provolatile`, from the most to the least predictable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatility {
    /// `i`: depends on the arguments alone.
    Immutable,
    /// `s`: constant within a statement.
    Stable,
    /// `v`: may change at every call or has side effects.
    Volatile,
}

/// `proparallel`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parallel {
    /// `s`.
    Safe,
    /// `r`.
    Restricted,
    /// `u`.
    Unsafe,
}

/// One letter of `proargmodes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgMode {
    /// `i`.
    In,
    /// `o`.
    Out,
    /// `b`.
    InOut,
    /// `v`.
    Variadic,
    /// `t`: a column of `RETURNS TABLE`.
    Table,
}

// Users' functions keep these on disk.
stored_enum!(ProcKind { 1: Function, 2: Procedure, 3: Aggregate, 4: Window });
stored_enum!(Volatility { 1: Immutable, 2: Stable, 3: Volatile });
stored_enum!(Parallel { 1: Safe, 2: Restricted, 3: Unsafe });
stored_enum!(ArgMode { 1: In, 2: Out, 3: InOut, 4: Variadic, 5: Table });

impl ArgMode {
    /// Whether a caller gives a value for the parameter.
    pub fn is_input(self) -> bool {
        matches!(self, ArgMode::In | ArgMode::InOut | ArgMode::Variadic)
    }
}

/// A row of `pg_proc`. The owner is always the bootstrap superuser.
#[derive(Debug)]
pub struct Proc {
    /// `oid`.
    pub oid: Oid,
    /// `proname`.
    pub name: &'static str,
    /// `pronamespace`.
    pub namespace: Oid,
    /// `prolang`.
    pub language: Oid,
    /// `procost`.
    pub cost: f32,
    /// `prorows`, zero unless [`Proc::returns_set`].
    pub rows: f32,
    /// `provariadic`: element type of the last parameter, `"any"`, or zero.
    pub variadic: Oid,
    /// `prosupport`.
    pub support: Oid,
    /// `prokind`.
    pub kind: ProcKind,
    /// `prosecdef`.
    pub security_definer: bool,
    /// `proleakproof`.
    pub leakproof: bool,
    /// `proisstrict`.
    pub strict: bool,
    /// `proretset`.
    pub returns_set: bool,
    /// `provolatile`.
    pub volatility: Volatility,
    /// `proparallel`.
    pub parallel: Parallel,
    /// `pronargdefaults`: so many of the last parameters have a default.
    pub default_count: usize,
    /// `prorettype`.
    pub result: Oid,
    /// `proargtypes`: input parameters only.
    pub args: Box<[Oid]>,
    /// `proallargtypes`, when there are output parameters.
    pub all_args: Option<Box<[Oid]>>,
    /// `proargmodes`, when not all are input parameters.
    pub arg_modes: Option<Box<[ArgMode]>>,
    /// `proargnames`, empty for parameters without a name.
    pub arg_names: Option<Box<[&'static str]>>,
    /// The default expressions as SQL, separated by `, `.
    pub defaults: Option<&'static str>,
    /// `prosrc`: the C symbol; see [`Proc::body`] for functions written in SQL.
    pub source: &'static str,
    /// `probin`.
    pub library: Option<&'static str>,
    sql_body: Option<&'static str>,
    /// `proconfig`, as array text.
    pub config: Option<&'static str>,
    /// `proacl`, as array text.
    pub acl: Option<&'static str>,
}

impl Proc {
    /// The text of a function written in SQL: `RETURN expression`, or the statements of its string body.
    pub fn body(&self) -> Option<Cow<'static, str>> {
        match self.sql_body {
            Some(body) => Some(unescape(body)),
            None => (self.language == super::ids::LANGUAGE_SQL).then(|| unescape(self.source)),
        }
    }

    /// Whether the body is of the `RETURN expression` form, PostgreSQL's `prosqlbody`.
    pub fn has_parsed_body(&self) -> bool {
        self.sql_body.is_some()
    }
}

struct Procs {
    rows: Vec<Proc>,
    by_name: Vec<u16>,
    by_source: Vec<u16>,
}

static PROCS: LazyLock<Procs> = LazyLock::new(|| {
    let tables = ["pg_proc", "dictdb_proc"].into_iter().filter_map(table);
    let mut rows: Vec<Proc> = tables.flat_map(|t| t.rows()).map(read).collect();
    rows.sort_by_key(|proc| proc.oid);
    let sorted = |key: fn(&Proc) -> &'static str| {
        let mut order: Vec<u16> = (0..rows.len() as u16).collect();
        order.sort_by_key(|&i| key(&rows[usize::from(i)]));
        order
    };
    let (by_name, by_source) = (sorted(|p| p.name), sorted(|p| p.source));
    Procs { rows, by_name, by_source }
});

impl Procs {
    /// The rows of a sorted index whose key is `wanted`, by oid.
    fn range(
        &'static self,
        index: &'static [u16],
        key: fn(&Proc) -> &'static str,
        wanted: &str,
    ) -> impl Iterator<Item = &'static Proc> + Clone {
        let row = |i: &u16| &self.rows[usize::from(*i)];
        let start = index.partition_point(|i| key(row(i)) < wanted);
        let len = index[start..].partition_point(|i| key(row(i)) <= wanted);
        index[start..start + len].iter().map(move |i| &self.rows[usize::from(*i)])
    }
}

/// Every built-in function, by oid.
pub fn procs() -> &'static [Proc] {
    &PROCS.rows
}

impl Proc {
    /// Whether its kernel runs statements of its own, in a session that must be lent for that: the functions of large objects,
    /// the one that checks the database, those that are given a query, and those that make XML of tables.
    pub fn runs_statements(&self) -> bool {
        self.source.starts_with("be_lo")
            || self.source.contains("_to_xml")
            || matches!(self.source, "dictdb_check_integrity" | "ts_stat1" | "ts_stat2" | "tsquery_rewrite_query")
    }
}

/// The built-in function with this oid.
pub fn proc_by_oid(oid: Oid) -> Option<&'static Proc> {
    let rows = &PROCS.rows;
    rows.binary_search_by_key(&oid, |p| p.oid).ok().map(|i| &rows[i])
}

/// The built-in functions of this name, those of `information_schema` included.
pub fn procs_named(name: &str) -> impl Iterator<Item = &'static Proc> + Clone {
    PROCS.range(&PROCS.by_name, |p| p.name, name)
}

/// The built-in functions implemented by this C symbol.
pub fn procs_with_source(source: &str) -> impl Iterator<Item = &'static Proc> + Clone {
    PROCS.range(&PROCS.by_source, |p| p.source, source)
}

fn read(mut row: Row) -> Proc {
    Proc {
        oid: row.oid(),
        name: row.text(),
        namespace: row.oid(),
        language: row.oid(),
        cost: row.number(),
        rows: row.number(),
        variadic: row.oid(),
        support: row.oid(),
        kind: kind(row.letter()),
        security_definer: row.flag(),
        leakproof: row.flag(),
        strict: row.flag(),
        returns_set: row.flag(),
        volatility: volatility(row.letter()),
        parallel: parallel(row.letter()),
        default_count: row.number(),
        result: row.oid(),
        args: row.oid_vector(),
        all_args: row.array().map(|items| items.map(|n| Oid(n.parse().unwrap_or_default())).collect()),
        arg_modes: row.array().map(|items| items.map(mode).collect()),
        arg_names: row.array().map(Iterator::collect),
        defaults: row.nullable(),
        source: row.text(),
        library: row.nullable(),
        sql_body: row.nullable(),
        config: row.nullable(),
        acl: row.nullable(),
    }
}

fn kind(letter: u8) -> ProcKind {
    match letter {
        b'p' => ProcKind::Procedure,
        b'a' => ProcKind::Aggregate,
        b'w' => ProcKind::Window,
        _ => ProcKind::Function,
    }
}

fn volatility(letter: u8) -> Volatility {
    match letter {
        b'i' => Volatility::Immutable,
        b's' => Volatility::Stable,
        _ => Volatility::Volatile,
    }
}

fn parallel(letter: u8) -> Parallel {
    match letter {
        b's' => Parallel::Safe,
        b'r' => Parallel::Restricted,
        _ => Parallel::Unsafe,
    }
}

fn mode(letter: &str) -> ArgMode {
    match letter {
        "o" => ArgMode::Out,
        "b" => ArgMode::InOut,
        "v" => ArgMode::Variadic,
        "t" => ArgMode::Table,
        _ => ArgMode::In,
    }
}
