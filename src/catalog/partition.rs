//! Partitioned tables and inheritance: how rows are divided, who takes a row, whose rows a table's are.
//!
//! A partitioned table has storage like any other, which stays empty: its rows are in its partitions. Partitions are children
//! (`pg_inherits`) with a [`PartitionBound`]; reading, changing and locking go over [`Catalog::members`] whatever kind of
//! parent it is.

use std::cmp::Ordering;
use std::sync::Arc;

use dictdb_functions::facts;
use dictdb_functions::kernel::{CallContext, scalar};
use dictdb_types::{Datum, Env, Error, Oid, Result, Type, oids, order};

use crate::{Catalog, IndexTarget, Relation};

/// `pg_partitioned_table`.
#[derive(Clone, Debug)]
pub struct PartitionKey {
    /// `partstrat`.
    pub strategy: PartitionStrategy,
    /// The key's columns, in order.
    pub columns: Vec<PartitionColumn>,
}

/// `pg_partitioned_table.partstrat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionStrategy {
    /// `l`.
    List,
    /// `r`.
    Range,
    /// `h`.
    Hash,
}

impl PartitionStrategy {
    /// As it is written.
    pub fn as_sql(self) -> &'static str {
        match self {
            PartitionStrategy::List => "LIST",
            PartitionStrategy::Range => "RANGE",
            PartitionStrategy::Hash => "HASH",
        }
    }
}

/// One column of a partition key.
#[derive(Clone, Debug)]
pub struct PartitionColumn {
    /// What rows are divided by.
    pub target: IndexTarget,
    /// Its type, domains resolved.
    pub ty: Type,
    /// `partclass`.
    pub opclass: Oid,
    /// `partcollation`, or zero.
    pub collation: Oid,
}

/// `pg_class.relpartbound`: which rows a partition takes.
#[derive(Clone, Debug)]
pub enum PartitionBound {
    /// `FOR VALUES IN (…)`.
    List {
        /// The values; NULL may be among them.
        values: Vec<Datum>,
    },
    /// `FOR VALUES FROM (…) TO (…)`.
    Range {
        /// The lower bound, which is taken.
        from: Vec<RangeDatum>,
        /// The upper bound, which is not.
        to: Vec<RangeDatum>,
    },
    /// `FOR VALUES WITH (MODULUS m, REMAINDER r)`.
    Hash {
        /// `m`.
        modulus: i32,
        /// `r`.
        remainder: i32,
    },
    /// `DEFAULT`: what no other partition takes.
    Default,
}

/// One value of a range bound.
#[derive(Clone, Debug)]
pub enum RangeDatum {
    /// `MINVALUE`.
    MinValue,
    /// A value.
    Value(Datum),
    /// `MAXVALUE`.
    MaxValue,
}

/// The partitions of a table, ready to find the one that takes a row.
#[derive(Clone, Debug)]
pub struct Partitions {
    /// How rows are divided.
    pub key: Arc<PartitionKey>,
    /// The partitions in PostgreSQL's order, without the default one.
    pub bounds: Vec<(Oid, Arc<PartitionBound>)>,
    /// The default partition.
    pub default: Option<Oid>,
}

impl PartitionBound {
    /// Whether it is the one of a default partition.
    pub fn is_default(&self) -> bool {
        matches!(self, PartitionBound::Default)
    }
}

impl RangeDatum {
    fn rank(&self) -> u8 {
        match self {
            RangeDatum::MinValue => 0,
            RangeDatum::Value(_) => 1,
            RangeDatum::MaxValue => 2,
        }
    }

    /// Order of two bound values of a type.
    pub fn compare(&self, other: &RangeDatum, ty: Oid) -> Ordering {
        match (self, other) {
            (RangeDatum::Value(a), RangeDatum::Value(b)) => order::compare_as(ty, a, b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

/// Order of two range bounds; after a value without end nothing counts any more.
pub fn compare_bounds(a: &[RangeDatum], b: &[RangeDatum], key: &PartitionKey) -> Ordering {
    let compare = |column: &PartitionColumn, a: &Datum, b: &Datum| Ok(order::compare_as(column.ty.oid, a, b));
    compare_bounds_with(a, b, key, compare).unwrap_or(Ordering::Equal)
}

/// Likewise, with the order of the values of a column that `compare` has.
pub fn compare_bounds_with(
    a: &[RangeDatum],
    b: &[RangeDatum],
    key: &PartitionKey,
    mut compare: impl FnMut(&PartitionColumn, &Datum, &Datum) -> Result<Ordering>,
) -> Result<Ordering> {
    for ((a, b), column) in a.iter().zip(b).zip(&key.columns) {
        let order = match (a, b) {
            (RangeDatum::Value(a), RangeDatum::Value(b)) => compare(column, a, b)?,
            _ => a.rank().cmp(&b.rank()),
        };
        if order != Ordering::Equal || !matches!(a, RangeDatum::Value(_)) {
            return Ok(order);
        }
    }
    Ok(Ordering::Equal)
}

/// Order of a row's key and a bound.
fn compare_key(values: &[Datum], bound: &[RangeDatum], key: &PartitionKey) -> Ordering {
    for ((value, bound), column) in values.iter().zip(bound).zip(&key.columns) {
        let order = match bound {
            RangeDatum::MinValue => Ordering::Greater,
            RangeDatum::MaxValue => Ordering::Less,
            RangeDatum::Value(bound) => order::compare_as(column.ty.oid, value, bound),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

impl Partitions {
    /// The partitions of a partitioned table; `None` for any other.
    pub fn of(relation: &Relation, catalog: &Catalog) -> Option<Partitions> {
        let key = relation.partition_key.clone()?;
        let mut partitions = Partitions { key, bounds: Vec::new(), default: None };
        for child in &relation.children {
            let known = catalog.relation(*child).filter(|child| !child.detach_pending);
            match known.and_then(|child| child.bound.clone()) {
                Some(bound) if bound.is_default() => partitions.default = Some(*child),
                Some(bound) => partitions.bounds.push((*child, bound)),
                None => {}
            }
        }
        let key = partitions.key.clone();
        partitions.bounds.sort_by(|(_, a), (_, b)| key.order(a, b));
        Some(partitions)
    }

    /// All of them in order, the default one last.
    pub fn in_order(&self) -> impl Iterator<Item = Oid> + '_ {
        self.bounds.iter().map(|(oid, _)| *oid).chain(self.default)
    }

    /// The partition that takes a row with this key; `None` when none does.
    pub fn find(&self, values: &[Datum], env: &dyn Env) -> Result<Option<Oid>> {
        Ok(self.find_bound(values, env)?.or(self.default))
    }

    fn find_bound(&self, values: &[Datum], env: &dyn Env) -> Result<Option<Oid>> {
        match self.key.strategy {
            PartitionStrategy::Range => {
                if values.iter().any(Datum::is_null) {
                    return Ok(None);
                }
                let after = |bound: &PartitionBound| match bound {
                    PartitionBound::Range { to, .. } => compare_key(values, to, &self.key) != Ordering::Less,
                    _ => false,
                };
                let at = self.bounds.partition_point(|(_, bound)| after(bound));
                let Some((oid, bound)) = self.bounds.get(at) else { return Ok(None) };
                Ok(self.key.accepts(bound, values, 0).then_some(*oid))
            }
            PartitionStrategy::List => {
                let found = self.bounds.iter().find(|(_, bound)| self.key.accepts(bound, values, 0));
                Ok(found.map(|(oid, _)| *oid))
            }
            PartitionStrategy::Hash => Ok(self.find_hash(self.key.hash(values, env)?)),
        }
    }

    /// The partition that takes rows of this hash.
    pub fn find_hash(&self, hash: u64) -> Option<Oid> {
        let found = self.bounds.iter().find(|(_, bound)| self.key.accepts(bound, &[], hash));
        found.map(|(oid, _)| *oid)
    }
}

/// `HASH_PARTITION_SEED`: what the hash functions of a key get as their seed.
pub const HASH_SEED: i64 = 0x7A5B_2236_7996_DCFD;

impl PartitionKey {
    /// The place of a column in the key.
    pub fn place_of(&self, attnum: i16) -> Option<usize> {
        self.columns.iter().position(|column| column.target == IndexTarget::Column(attnum))
    }

    /// Whether a bound takes a row with this key, the default one excepted.
    fn accepts(&self, bound: &PartitionBound, values: &[Datum], hash: u64) -> bool {
        match bound {
            PartitionBound::List { values: taken } => {
                let (Some(value), Some(column)) = (values.first(), self.columns.first()) else { return false };
                taken.iter().any(|taken| {
                    value.is_null() == taken.is_null() && order::compare_as(column.ty.oid, value, taken).is_eq()
                })
            }
            PartitionBound::Range { from, to } => {
                compare_key(values, from, self) != Ordering::Less && compare_key(values, to, self) == Ordering::Less
            }
            PartitionBound::Hash { modulus, remainder } => hash % (*modulus as u64).max(1) == *remainder as u64,
            PartitionBound::Default => false,
        }
    }

    /// Order of two partitions.
    fn order(&self, a: &PartitionBound, b: &PartitionBound) -> Ordering {
        match (a, b) {
            (PartitionBound::Range { from: a, .. }, PartitionBound::Range { from: b, .. }) => {
                compare_bounds(a, b, self)
            }
            (PartitionBound::List { values: a }, PartitionBound::List { values: b }) => {
                let oid = self.columns.first().map_or(oids::TEXT, |column| column.ty.oid);
                let least = |values: &[Datum]| {
                    values.iter().min_by(|a, b| order::compare_as(oid, a, b)).cloned().unwrap_or(Datum::Null)
                };
                order::compare_as(oid, &least(a), &least(b))
            }
            (PartitionBound::Hash { modulus: a, remainder: x }, PartitionBound::Hash { modulus: b, remainder: y }) => {
                (a, x).cmp(&(b, y))
            }
            _ => Ordering::Equal,
        }
    }

    /// A row's hash, the same as PostgreSQL's: rows of a dump fit the partitions they came from. Fails for operator classes of
    /// users, whose functions only a statement can call.
    pub fn hash(&self, values: &[Datum], env: &dyn Env) -> Result<u64> {
        let columns = values.iter().zip(&self.columns).filter(|(value, _)| !value.is_null());
        columns
            .map(|(value, column)| extended_hash(value, column, env))
            .try_fold(0, |hash, own| Ok(combined(hash, own?)))
    }
}

/// `hash_combine64`: the hash of a row so far, and that of the next column.
pub fn combined(hash: u64, own: u64) -> u64 {
    hash ^ own.wrapping_add(0x49a0_f4dd_15e5_a8e3).wrapping_add(hash << 54).wrapping_add(hash >> 7)
}

impl Catalog {
    /// The seeded hash function that an operator class of users has for a column of a key; none for a built-in class.
    pub fn hash_function(&self, column: &PartitionColumn) -> Option<Oid> {
        self.support_function(column, 2)
    }

    /// The function of a user that an operator class of users compares a column of a RANGE or LIST key with: none where the
    /// order is the type's own.
    pub fn compare_function(&self, column: &PartitionColumn) -> Option<Oid> {
        self.support_function(column, 1).filter(|function| self.routine(*function).is_some())
    }

    /// Whether partitions have to be found by what functions of users say.
    pub fn orders_by_users(&self, key: &PartitionKey) -> bool {
        key.strategy != PartitionStrategy::Hash
            && key.columns.iter().any(|column| self.compare_function(column).is_some())
    }

    /// A function that an operator class of users has for a column of a key; none for a built-in class.
    pub fn support_function(&self, column: &PartitionColumn, number: i16) -> Option<Oid> {
        let class = self.any_opclass(column.opclass).filter(|class| class.oid >= Oid::FIRST_NORMAL)?;
        let family = self.operator_family(class.family)?;
        let own = family.functions.iter().find(|(function, _)| {
            function.number == number && function.left == class.input && function.right == class.input
        });
        own.map(|(function, _)| function.proc)
    }
}

/// The seeded hash of a value, by the built-in operator class of its column.
pub fn extended_hash(value: &Datum, column: &PartitionColumn, env: &dyn Env) -> Result<u64> {
    let missing = || Error::internal(format!("operator class {} cannot hash", column.opclass));
    let class = facts::opclass_by_oid(column.opclass).ok_or_else(missing)?;
    let proc = facts::am_procs(class.family)
        .find(|proc| proc.number == 2 && proc.left == class.input)
        .and_then(|proc| facts::proc_by_oid(proc.proc))
        .ok_or_else(missing)?;
    let kernel = scalar(&dictdb_functions::kernel::key(proc)).ok_or_else(missing)?;
    let args = [column.ty, Type::new(oids::INT8)];
    let cx = CallContext::new(env, &args, Type::new(oids::INT8));
    match kernel(&cx, &[value.clone(), Datum::Int8(HASH_SEED)])? {
        Datum::Int8(hash) => Ok(hash as u64),
        _ => Err(missing()),
    }
}

impl Relation {
    /// The attnum that a column of this table has in another one of its family; system columns keep theirs.
    pub fn attnum_in(&self, attnum: i16, other: &Relation) -> Option<i16> {
        if attnum <= 0 {
            return Some(attnum);
        }
        let name = &self.column(attnum)?.name;
        match other.column(attnum) {
            Some(same) if same.name == *name => Some(attnum),
            _ => other.column_named(name).map(|(own, _)| own),
        }
    }

    /// Where the columns of this table stand in a row of another one of its family, place by place; `None` where they stand in
    /// the same places.
    pub fn places_in(&self, other: &Relation) -> Option<Box<[usize]>> {
        let place = |(index, column): (usize, &crate::Column)| match column.dropped {
            true => usize::MAX,
            false => self.attnum_in(index as i16 + 1, other).map_or(usize::MAX, |attnum| attnum as usize - 1),
        };
        let places: Box<[usize]> = self.columns.iter().enumerate().map(place).collect();
        let same = places.len() == other.columns.len() && places.iter().enumerate().all(|(at, place)| at == *place);
        (!same).then_some(places)
    }
}

impl Catalog {
    /// The tables whose rows a read of a table sees, in PostgreSQL's order: itself and everything that inherits from it; the
    /// partitions of a partitioned table, without those that are partitioned again. None at all for a table without
    /// children.
    pub fn members(&self, relation: &Arc<Relation>) -> Vec<Arc<Relation>> {
        let mut found = Vec::new();
        if relation.is_partitioned() {
            self.collect_partitions(relation, &mut found);
        } else if !relation.children.is_empty() {
            found = self.descendants(relation);
        }
        found
    }

    fn collect_partitions(&self, relation: &Arc<Relation>, found: &mut Vec<Arc<Relation>>) {
        let Some(partitions) = Partitions::of(relation, self) else { return found.push(relation.clone()) };
        for child in partitions.in_order().filter_map(|oid| self.relation(oid)) {
            self.collect_partitions(child, found);
        }
    }

    /// The indexes of a table that are whole: queries may use them, writes keep them.
    pub fn valid_indexes<'a>(&'a self, relation: &'a Relation) -> impl Iterator<Item = &'a Arc<Relation>> {
        let valid = |index: &&Arc<Relation>| index.index().is_some_and(|info| !info.invalid);
        relation.indexes.iter().filter_map(|oid| self.relation(*oid)).filter(valid)
    }

    /// A table and all that inherit from it, each once: breadth first, siblings by oid (`find_all_inheritors`).
    pub fn descendants(&self, relation: &Arc<Relation>) -> Vec<Arc<Relation>> {
        let mut found = vec![relation.clone()];
        let mut next = 0;
        while next < found.len() {
            let mut children = found[next].children.clone();
            children.sort_unstable();
            let known = children.iter().filter_map(|oid| self.relation(*oid)).filter(|child| !child.detach_pending);
            for child in known {
                if !found.iter().any(|known| known.oid == child.oid) {
                    found.push(child.clone());
                }
            }
            next += 1;
        }
        found
    }

    /// An index and the indexes of partitioned tables that it is a part of.
    pub fn index_ancestors<'c>(&'c self, index: &Arc<Relation>) -> impl Iterator<Item = Arc<Relation>> + 'c {
        std::iter::successors(Some(index.clone()), |index| {
            index.parents.first().and_then(|parent| self.relation(*parent)).cloned()
        })
    }

    /// The partitioned tables a partition belongs to, its parent first.
    pub fn partition_ancestors(&self, relation: &Relation) -> Vec<Arc<Relation>> {
        let mut found: Vec<Arc<Relation>> = Vec::new();
        let mut parent = relation.partition_parent();
        while let Some(relation) = parent.and_then(|oid| self.relation(oid)) {
            parent = relation.partition_parent();
            found.push(relation.clone());
        }
        found
    }
}
