//! `pg_am`, `pg_opfamily`, `pg_opclass`, `pg_amop`, `pg_amproc`: which operators an index method can use for a type.
//!
//! Choosing the default class of a type needs the type system and is in [`crate::resolve::opclass`].

use std::sync::{Arc, LazyLock};

use dictdb_types::{Oid, stored_struct};

use super::tables::{Row, table};

/// A row of `pg_opclass`.
#[derive(Clone, Debug)]
pub struct Opclass {
    /// `oid`.
    pub oid: Oid,
    /// `opcmethod`.
    pub method: Oid,
    /// `opcname`.
    pub name: Arc<str>,
    /// `opcnamespace`.
    pub namespace: Oid,
    /// `opcfamily`.
    pub family: Oid,
    /// `opcintype`.
    pub input: Oid,
    /// `opcdefault`.
    pub default: bool,
    /// `opckeytype`, zero when the input type is stored.
    pub key: Oid,
}

/// A row of `pg_opfamily`.
#[derive(Clone, Copy, Debug)]
pub struct Opfamily {
    /// `oid`.
    pub oid: Oid,
    /// `opfmethod`.
    pub method: Oid,
    /// `opfname`.
    pub name: &'static str,
    /// `opfnamespace`.
    pub namespace: Oid,
}

/// A row of `pg_amop`: what an operator means in a family.
#[derive(Clone, Copy, Debug)]
pub struct Strategy {
    /// `oid`.
    pub oid: Oid,
    /// `amopfamily`.
    pub family: Oid,
    /// `amoplefttype`.
    pub left: Oid,
    /// `amoprighttype`.
    pub right: Oid,
    /// `amopstrategy`; for btree 1 `<`, 2 `<=`, 3 `=`, 4 `>=`, 5 `>`; for hash 1 `=`.
    pub number: i16,
    /// `amoppurpose` is `o`: the operator orders results rather than selecting rows.
    pub ordering: bool,
    /// `amopopr`.
    pub operator: Oid,
    /// `amopmethod`.
    pub method: Oid,
}

/// A row of `pg_amproc`.
#[derive(Clone, Copy, Debug)]
pub struct AmProc {
    /// `oid`.
    pub oid: Oid,
    /// `amprocfamily`.
    pub family: Oid,
    /// `amproclefttype`.
    pub left: Oid,
    /// `amprocrighttype`.
    pub right: Oid,
    /// `amprocnum`; for btree 1 is the comparison, for hash 1 the hash.
    pub number: i16,
    /// `amproc`.
    pub proc: Oid,
}

stored_struct!(Opclass { 1: oid, 2: method, 3: name, 4: namespace, 5: family, 6: input, 7: default, 8: key });
stored_struct!(Strategy { 1: oid, 2: family, 3: left, 4: right, 5: number, 6: ordering, 7: operator, 8: method });
stored_struct!(AmProc { 1: oid, 2: family, 3: left, 4: right, 5: number, 6: proc });

struct Tables {
    methods: Vec<(Oid, &'static str)>,
    classes: Vec<Opclass>,
    families: Vec<Opfamily>,
    /// By family, then types, then number.
    strategies: Vec<Strategy>,
    procs: Vec<AmProc>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let rows = |name| table(name).into_iter().flat_map(|t| t.rows());
    let mut strategies: Vec<Strategy> = rows("pg_amop").map(read_strategy).collect();
    strategies.sort_by_key(|s| (s.family, s.left, s.right, s.number));
    Tables {
        methods: rows("pg_am").map(|mut row| (row.oid(), row.text())).collect(),
        classes: rows("pg_opclass").map(read_class).collect(),
        families: rows("pg_opfamily").map(read_family).collect(),
        strategies,
        procs: rows("pg_amproc").map(read_proc).collect(),
    }
});

fn read_class(mut row: Row) -> Opclass {
    Opclass {
        oid: row.oid(),
        method: row.oid(),
        name: Arc::from(row.text()),
        namespace: row.oid(),
        family: row.oid(),
        input: row.oid(),
        default: row.flag(),
        key: row.oid(),
    }
}

fn read_family(mut row: Row) -> Opfamily {
    Opfamily { oid: row.oid(), method: row.oid(), name: row.text(), namespace: row.oid() }
}

fn read_strategy(mut row: Row) -> Strategy {
    Strategy {
        oid: row.oid(),
        family: row.oid(),
        left: row.oid(),
        right: row.oid(),
        number: row.number(),
        ordering: row.letter() == b'o',
        operator: row.oid(),
        method: row.oid(),
    }
}

fn read_proc(mut row: Row) -> AmProc {
    AmProc {
        oid: row.oid(),
        family: row.oid(),
        left: row.oid(),
        right: row.oid(),
        number: row.number(),
        proc: row.oid(),
    }
}

/// `pg_am.amname`.
pub fn access_method_name(oid: Oid) -> Option<&'static str> {
    TABLES.methods.iter().find(|(o, _)| *o == oid).map(|(_, name)| *name)
}

/// `pg_am.amname` of every built-in access method.
pub fn access_method_names() -> impl Iterator<Item = &'static str> {
    TABLES.methods.iter().map(|(_, name)| *name)
}

/// Every built-in operator class.
pub fn opclasses() -> &'static [Opclass] {
    &TABLES.classes
}

/// The operator class with this oid.
pub fn opclass_by_oid(oid: Oid) -> Option<&'static Opclass> {
    opclasses().iter().find(|c| c.oid == oid)
}

/// Every built-in operator family.
pub fn opfamilies() -> &'static [Opfamily] {
    &TABLES.families
}

/// The operator family with this oid.
pub fn opfamily_by_oid(oid: Oid) -> Option<&'static Opfamily> {
    TABLES.families.iter().find(|f| f.oid == oid)
}

/// The operators of a family, by types and number.
pub fn strategies_of_family(family: Oid) -> &'static [Strategy] {
    let rows = &TABLES.strategies;
    let start = rows.partition_point(|s| s.family < family);
    let len = rows[start..].partition_point(|s| s.family <= family);
    &rows[start..start + len]
}

/// The support functions of a family.
pub fn am_procs(family: Oid) -> impl Iterator<Item = &'static AmProc> {
    TABLES.procs.iter().filter(move |p| p.family == family)
}
