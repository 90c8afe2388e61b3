//! Reading rows through an index of boxes in boxes one by one: those that may satisfy conditions on its keys, the nearest first
//! where that is asked.

use std::sync::Arc;

use dictdb_catalog::{Catalog, IndexKey, IndexTarget, Relation};
use dictdb_functions::intervals::{Ends, IntervalClass};
use dictdb_planner::physical::{Fetch, KeyCondition, Nearest};
use dictdb_storage::{Index, Interval, RegionCursor, RegionEntry};
use dictdb_types::{Datum, Error, Oid, Physical, Result};
use smallvec::SmallVec;

use super::bitmap::RegionCondition;
use super::columns::OutputColumns;
use super::{TableHandle, regions};
use crate::eval::{Code, CompileContext, Scope, compile};
use crate::row::Row;
use crate::runtime::Runtime;

/// Where the box of a key is in that of an entry.
#[derive(Debug)]
struct KeyBox {
    first_axis: usize,
    class: &'static IntervalClass,
}

impl KeyBox {
    fn of(keys: &[IndexKey], number: usize, catalog: &Catalog) -> Result<Self> {
        let key = keys.get(number).ok_or_else(|| Error::internal("a walk by no key"))?;
        Ok(KeyBox {
            first_axis: regions::first_axis(keys, number, catalog)?,
            class: regions::class_of(catalog, key.opclass)?,
        })
    }

    fn ends<'r>(&self, region: &'r [Interval]) -> SmallVec<[Ends<'r>; 2]> {
        let own = region.iter().skip(self.first_axis).take(self.class.axes());
        own.map(|interval| (&*interval.low, &*interval.high)).collect()
    }
}

/// An output column that a key tells.
#[derive(Debug)]
struct Told {
    key: KeyBox,
    oid: Oid,
    physical: Physical,
}

/// A compiled walk.
#[derive(Debug)]
pub(crate) struct RegionWalk {
    /// The table.
    pub handle: TableHandle,
    index: Arc<Index>,
    conditions: Box<[RegionCondition]>,
    /// What comes nearest first, and the value that it is near.
    nearest: Option<(KeyBox, Code)>,
    /// How far a row is.
    distance: Option<Code>,
    /// What is read of each row.
    columns: OutputColumns,
    /// Where keys tell all of that: how.
    told: Option<Box<[Told]>>,
    /// The operator's number, if it is counted.
    number: Option<usize>,
}

impl RegionWalk {
    /// Resolves and compiles.
    pub fn compile(
        relation: &Relation,
        (conditions, nearest): (&[KeyCondition], Option<&Nearest>),
        fetch: &Fetch,
        handle: TableHandle,
        number: Option<usize>,
        (catalog, cx): (&Catalog, &CompileContext<'_>),
    ) -> Result<Self> {
        let info = relation.index().ok_or_else(|| Error::internal("a walk through what is no index"))?;
        let told = |attnum: &i16| -> Result<Told> {
            let is_own = |key: &IndexKey| matches!(key.target, IndexTarget::Column(own) if own == *attnum);
            let number = info.keys.iter().position(is_own);
            let number = number.ok_or_else(|| Error::internal(format!("column {attnum} is no key")))?;
            let (oid, physical) =
                (cx.types.base_type(info.keys[number].ty).oid, cx.types.physical(info.keys[number].ty.oid));
            Ok(Told { key: KeyBox::of(&info.keys, number, catalog)?, oid, physical })
        };
        let key = |nearest: &Nearest| -> Result<_> {
            Ok((KeyBox::of(&info.keys, nearest.key, catalog)?, compile(&nearest.value, cx)?))
        };
        let conditions = conditions.iter().map(|own| RegionCondition::compile(own, &info.keys, (catalog, cx)));
        let columns = OutputColumns::new(&handle.relation, fetch)?;
        Ok(RegionWalk {
            index: super::storage_of(relation, &handle)?,
            conditions: conditions.collect::<Result<_>>()?,
            nearest: nearest.map(key).transpose()?,
            distance: nearest.map(|nearest| compile(&nearest.distance, cx)).transpose()?,
            columns,
            told: fetch.from_keys.then(|| fetch.columns.iter().map(told).collect::<Result<_>>()).transpose()?,
            number,
            handle,
        })
    }

    /// Begins, with the values that conditions have now. A SERIALIZABLE transaction remembers that it looks.
    pub fn start(&self, rt: &Runtime) -> Result<Walk> {
        // The entries that are read cannot be told as a range of keys.
        rt.cx().transaction.reads_table(&self.handle.table)?;
        let scope = Scope::new(rt, &[]);
        let mut query = vec![Vec::new()];
        for condition in &self.conditions {
            query = regions::and(query, &condition.conditions(scope)?, condition.first_axis);
        }
        let place = self.nearest.as_ref().map(|(_, value)| value.eval(scope));
        let cursor = self.index.walk_regions(query, self.nearest.is_some());
        let cursor = cursor.ok_or_else(|| Error::internal("a walk through an index of another kind"))?;
        Ok(Walk { cursor, place: place.transpose()? })
    }

    /// Appends the columns of the next row that the snapshot sees.
    pub fn next(&self, walk: &mut Walk, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let Walk { cursor, place } = walk;
        let distance = |region: &[Interval]| match (&self.nearest, &*place) {
            (Some((key, _)), Some(place)) => key.class.distance(&key.ends(region), place),
            _ => 0.0,
        };
        while let Some(entry) = cursor.next(&distance) {
            if self.append(&entry, cursor.is_exact(), rt, row)? {
                return Ok(true);
            }
            rt.env().check_interrupts()?;
        }
        Ok(false)
    }

    /// How far a row is; `None` where that is unknown, and where rows come in no order.
    pub fn distance(&self, scope: Scope<'_>) -> Result<Option<Datum>> {
        self.distance.as_ref().map(|code| code.eval(scope)).transpose()
    }

    /// Appends the columns of an entry's row, if the snapshot sees it with the entry's box.
    fn append(&self, entry: &RegionEntry, is_exact: bool, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let (table, snapshot) = (&self.handle.table, &rt.cx().snapshot);
        if let Some(values) = self.told_values(entry) {
            let mut looked_at = 0;
            let is_seen = table.sees_entry(&self.index, entry, is_exact, snapshot, &mut looked_at)?;
            self.count_rows_looked_at(looked_at, rt);
            row.extend(values.into_iter().filter(|_| is_seen));
            return Ok(is_seen);
        }
        if self.told.is_some() {
            self.count_rows_looked_at(1, rt);
        }
        let transaction = &rt.cx().transaction;
        let visit = |id, version: &dictdb_storage::RowView<'_>| self.columns.append(id, version, transaction, row);
        let read = table.read_entry(&self.index, entry, is_exact, snapshot, visit)?;
        read.map_or(Ok(false), |appended| appended.map(|()| true))
    }

    /// What the box of an entry tells; none if that is not all that is read.
    fn told_values(&self, entry: &RegionEntry) -> Option<SmallVec<[Datum; 2]>> {
        let told = self.told.as_ref()?.iter();
        told.map(|told| told.key.class.value(&told.key.ends(entry.region()), told.oid, told.physical)).collect()
    }

    fn count_rows_looked_at(&self, rows: u64, rt: &Runtime) {
        if let Some(number) = self.number.filter(|_| rows > 0) {
            rt.count(number, |actual| actual.heap_fetches += rows);
        }
    }

    /// Appends the columns of the newest version of a row.
    pub fn append_latest(&self, id: dictdb_types::RowId, rt: &Runtime, row: &mut Row) -> Result<bool> {
        let transaction = &rt.cx().transaction;
        let visit = |version: &dictdb_storage::RowView<'_>| self.columns.append(id, version, transaction, row);
        let read = self.handle.table.read_latest(id, transaction, visit);
        read.map_or(Ok(false), |(_, appended)| appended.map(|()| true))
    }
}

/// A walk on its way.
pub(crate) struct Walk {
    cursor: RegionCursor,
    /// What rows are near.
    place: Option<Datum>,
}

impl Walk {
    /// A distance that no further row is below; `None` at the end.
    pub fn bound(&self) -> Option<f64> {
        self.cursor.bound()
    }
}
