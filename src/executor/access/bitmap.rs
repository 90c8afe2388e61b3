//! Searches of indexes that give sets of rows.

use std::sync::Arc;

use dictdb_catalog::{Catalog, IndexKey, Relation};
use dictdb_functions::intervals::IntervalClass;
use dictdb_functions::inverted::{Asked, InvertedClass};
use dictdb_planner::physical::{Bitmap, KeyCondition, KeyTest};
use dictdb_storage::{Candidates, Direction, EntryQuery, Index, IndexCursor, IndexKind, RowSet};
use dictdb_types::{Datum, Error, Oid, Physical, Result};

use super::extractor::index_kind;
use super::index::{BoundsCode, Fit, IndexKeys, KeyRanges, fit};
use super::{TableHandle, entries, regions, storage_of};
use crate::eval::{Code, CompileContext, Scope, compile};
use crate::runtime::Runtime;

/// Entries of an index that are read at a time.
const BATCH_ROWS: usize = 1024;

/// A compiled [`Bitmap`].
#[derive(Debug)]
pub(crate) enum BitmapCode {
    /// An inverted index.
    Entries(Arc<Index>, Box<[EntryCondition]>),
    /// An index of boxes.
    Regions(Arc<Index>, Box<[RegionCondition]>),
    /// Ranges of an ordered index.
    Ranges(Arc<Index>, IndexKeys, Box<[BoundsCode]>),
    All(Box<[BitmapCode]>),
    Any(Box<[BitmapCode]>),
}

/// A condition on a key of an inverted index.
#[derive(Debug)]
pub(crate) struct EntryCondition {
    key: usize,
    class: &'static InvertedClass,
    oid: Oid,
    strategy: i16,
    value: Code,
}

/// A condition on a key of an index of boxes.
#[derive(Debug)]
pub(crate) struct RegionCondition {
    /// The first axis of the key.
    pub first_axis: usize,
    class: &'static IntervalClass,
    oid: Oid,
    physical: Physical,
    test: RegionTest,
}

/// What it asks.
#[derive(Debug)]
enum RegionTest {
    Operator(i16, Code),
    IsNull,
    IsNotNull,
}

impl BitmapCode {
    /// Resolves and compiles.
    pub fn compile(bitmap: &Bitmap, handle: &TableHandle, catalog: &Catalog, cx: &CompileContext<'_>) -> Result<Self> {
        let all = |parts: &[Bitmap]| -> Result<Box<[BitmapCode]>> {
            parts.iter().map(|part| BitmapCode::compile(part, handle, catalog, cx)).collect()
        };
        match bitmap {
            Bitmap::All(parts) => Ok(BitmapCode::All(all(parts)?)),
            Bitmap::Any(parts) => Ok(BitmapCode::Any(all(parts)?)),
            Bitmap::Search { index, conditions } => BitmapCode::search(index, conditions, handle, (catalog, cx)),
            Bitmap::Ranges { index, bounds } => {
                let bounds = bounds.iter().map(|bounds| BoundsCode::compile(bounds, cx)).collect::<Result<_>>()?;
                Ok(BitmapCode::Ranges(storage_of(index, handle)?, IndexKeys::new(index, cx.types)?, bounds))
            }
        }
    }

    fn search(
        relation: &Relation,
        conditions: &[KeyCondition],
        handle: &TableHandle,
        cx: (&Catalog, &CompileContext<'_>),
    ) -> Result<Self> {
        let index = storage_of(relation, handle)?;
        let info = relation.index().ok_or_else(|| Error::internal("a search of what is no index"))?;
        if index_kind(info, cx.0) == IndexKind::Inverted {
            let conditions = conditions.iter().map(|condition| EntryCondition::compile(condition, &info.keys, cx));
            return Ok(BitmapCode::Entries(index, conditions.collect::<Result<_>>()?));
        }
        let conditions = conditions.iter().map(|condition| RegionCondition::compile(condition, &info.keys, cx));
        Ok(BitmapCode::Regions(index, conditions.collect::<Result<_>>()?))
    }

    /// The rows found with the values that the conditions have now; some may not satisfy them.
    /// A SERIALIZABLE transaction remembers what it looks for.
    pub fn rows(&self, rt: &Runtime, handle: &TableHandle) -> Result<RowSet> {
        let scope = Scope::new(rt, &[]);
        if matches!(self, BitmapCode::Entries(..) | BitmapCode::Regions(..)) {
            // The entries that are read cannot be told as a range of keys.
            rt.cx().transaction.reads_table(&handle.table)?;
        }
        match self {
            BitmapCode::Ranges(index, keys, bounds) => {
                let mut ranges = KeyRanges::new();
                for bounds in bounds {
                    bounds.ranges(keys, scope, Vec::new(), &mut ranges)?;
                }
                let (mut rows, mut batch) = (RowSet::default(), Candidates::default());
                for range in &ranges {
                    let (from, to) = range.ends();
                    rt.cx().transaction.reads_keys(&handle.table, index, from, to)?;
                    let mut cursor = IndexCursor::new(index.clone(), from, to, Direction::Forward);
                    while cursor.next_batch(BATCH_ROWS, &mut batch) {
                        rt.env().check_interrupts()?;
                        batch.rows().iter().for_each(|row| {
                            rows.insert(*row);
                        });
                    }
                }
                Ok(rows)
            }
            BitmapCode::Entries(index, conditions) => {
                let queries = conditions.iter().map(|condition| condition.query(scope));
                Ok(index.search(&EntryQuery::All(queries.collect::<Result<_>>()?)))
            }
            BitmapCode::Regions(index, conditions) => {
                let mut query = vec![Vec::new()];
                for condition in conditions {
                    query = regions::and(query, &condition.conditions(scope)?, condition.first_axis);
                }
                Ok(index.search_regions(&query))
            }
            BitmapCode::All(parts) => combine(parts, (rt, handle), RowSet::intersect),
            BitmapCode::Any(parts) => combine(parts, (rt, handle), RowSet::union),
        }
    }
}

fn combine(
    parts: &[BitmapCode],
    (rt, handle): (&Runtime, &TableHandle),
    with: fn(&mut RowSet, &RowSet),
) -> Result<RowSet> {
    let mut sets = parts.iter().map(|part| part.rows(rt, handle));
    let mut rows = sets.next().transpose()?.unwrap_or_default();
    for set in sets {
        with(&mut rows, &set?);
    }
    Ok(rows)
}

fn key_of<'k>(condition: &KeyCondition, keys: &'k [IndexKey]) -> Result<&'k IndexKey> {
    keys.get(condition.key).ok_or_else(|| Error::internal("a condition on no key"))
}

impl EntryCondition {
    fn compile(
        condition: &KeyCondition,
        keys: &[IndexKey],
        (catalog, cx): (&Catalog, &CompileContext<'_>),
    ) -> Result<Self> {
        let key = key_of(condition, keys)?;
        let KeyTest::Operator { strategy, value, .. } = &condition.test else {
            return Err(Error::internal("an inverted index asked for NULLs"));
        };
        Ok(EntryCondition {
            key: condition.key,
            class: entries::class_of(catalog, key.opclass)?,
            oid: cx.types.base_type(key.ty).oid,
            strategy: *strategy,
            value: compile(value, cx)?,
        })
    }

    fn query(&self, scope: Scope<'_>) -> Result<EntryQuery> {
        let asked = Asked { oid: self.oid, env: scope.env };
        let condition = self.class.condition(self.strategy, &*self.value.eval_ref(scope)?, &asked)?;
        Ok(entries::entry_query(self.key, condition))
    }
}

impl RegionCondition {
    /// Resolves and compiles.
    pub fn compile(
        condition: &KeyCondition,
        keys: &[IndexKey],
        (catalog, cx): (&Catalog, &CompileContext<'_>),
    ) -> Result<Self> {
        let key = key_of(condition, keys)?;
        Ok(RegionCondition {
            first_axis: regions::first_axis(keys, condition.key, catalog)?,
            class: regions::class_of(catalog, key.opclass)?,
            oid: cx.types.base_type(key.ty).oid,
            physical: cx.types.physical(key.ty.oid),
            test: match &condition.test {
                KeyTest::Operator { strategy, value, .. } => RegionTest::Operator(*strategy, compile(value, cx)?),
                KeyTest::IsNull => RegionTest::IsNull,
                KeyTest::IsNotNull => RegionTest::IsNotNull,
            },
        })
    }

    /// Where boxes lie that may satisfy it, with the value that it has now.
    pub fn conditions(&self, scope: Scope<'_>) -> Result<dictdb_functions::intervals::Conditions> {
        let (strategy, value) = match &self.test {
            RegionTest::Operator(strategy, value) => (*strategy, value.eval_ref(scope)?),
            RegionTest::IsNull => return Ok(self.class.null_conditions()),
            // What is nothing may be no NULL.
            RegionTest::IsNotNull => return Ok(vec![Vec::new()]),
        };
        let ask = |value: &Datum| self.class.conditions(strategy, value, self.oid);
        match fit(&value, self.physical) {
            Fit::Null => Ok(Vec::new()),
            Fit::Value(None) => ask(&value),
            Fit::Value(Some(value)) => ask(&value),
            // A number that no key can be says nothing about boxes.
            Fit::Below | Fit::Above => Ok(vec![Vec::new()]),
        }
    }
}
