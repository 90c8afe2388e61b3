//! Exclusion constraints: no two rows whose keys satisfy all of the constraint's operators.
//!
//! A row is written and entered into the index first, then the index is searched for others. So of two transactions one
//! sees the other's row, and waits for it.

use std::sync::Arc;

use dictdb_catalog::{Catalog, Constraint, ConstraintKind, IndexInfo, Relation};
use dictdb_functions::facts::proc_by_oid;
use dictdb_functions::intervals::IntervalClass;
use dictdb_functions::inverted::{Asked, InvertedClass};
use dictdb_functions::{CallContext, Registry, ScalarFn};
use dictdb_storage::{DatumRow, EntryQuery, Index, IndexKind, RegionQuery, RowReader, Standing, Storage};
use dictdb_types::{Datum, Env, Error, Oid, Result, RowId, SqlState, Type, TypeLookup, oids};

use super::events::{Event, Events};
use super::target::{Target, place};
use super::unique::same_image;
use super::violation;
use super::writer::Writer;
use crate::access::extractor::{IndexValues, index_kind};
use crate::access::{TableHandle, entries, regions};
use crate::context::ExecContext;
use crate::engine::Engine;
use crate::row::Row;

/// An exclusion constraint.
#[derive(Debug)]
pub(crate) struct ExclusionCode {
    /// The constraint.
    pub constraint: Arc<Constraint>,
    handle: TableHandle,
    index: Arc<Index>,
    values: IndexValues,
    keys: Box<[Key]>,
    /// Places of the columns, when the keys are columns and all rows are indexed.
    places: Option<Vec<usize>>,
}

/// A key with its operator.
#[derive(Debug)]
struct Key {
    types: [Type; 2],
    operator: ScalarFn,
    /// How the index is searched.
    search: Search,
}

/// How an index is searched for what the operator of a key finds: the class, the base type, and the operator's number in the class.
#[derive(Debug)]
enum Search {
    /// By the key as a whole.
    Equal,
    /// For entries.
    Entries(&'static InvertedClass, Oid, i16),
    /// For boxes.
    Regions(&'static IntervalClass, Oid, i16),
}

/// A row that must not be there together with another one.
struct Conflict(RowId);

impl ExclusionCode {
    /// The exclusion constraints of a table.
    pub fn of_relation(
        relation: &Arc<Relation>,
        catalog: &Arc<Catalog>,
        storage: &Storage,
    ) -> Result<Box<[Arc<Self>]>> {
        let constraints = relation.constraints.iter();
        let found = constraints.filter(|constraint| matches!(constraint.kind, ConstraintKind::Exclude { .. }));
        found.map(|constraint| ExclusionCode::new(relation, constraint, catalog, storage).map(Arc::new)).collect()
    }

    fn new(
        relation: &Arc<Relation>,
        constraint: &Arc<Constraint>,
        catalog: &Arc<Catalog>,
        storage: &Storage,
    ) -> Result<Self> {
        // Operators of operator classes, and what stands in index expressions, are built in.
        let registry = Registry::builtin();
        let missing = || Error::internal("an exclusion constraint without index");
        let ConstraintKind::Exclude { columns, index, operators } = &constraint.kind else { return Err(missing()) };
        let handle = TableHandle::new(relation, storage)?;
        let relation_of_index = catalog.relation(*index).ok_or_else(missing)?;
        let info = relation_of_index.index().ok_or_else(missing)?;
        let index = handle.table.index(relation_of_index.storage).ok_or_else(missing)?;
        let keys = (0..operators.len()).map(|number| key(info, operators, number, catalog, &registry));
        let is_plain = info.predicate.is_none() && columns.iter().all(|attnum| *attnum > 0);
        let places = columns.iter().map(|attnum| place(*attnum)).collect::<Result<_>>();
        Ok(ExclusionCode {
            constraint: constraint.clone(),
            values: IndexValues::new(relation, info, catalog, &registry)?,
            keys: keys.collect::<Result<_>>()?,
            places: places.ok().filter(|_| is_plain),
            handle,
            index,
        })
    }

    /// The table it is of.
    pub fn table(&self) -> Oid {
        self.handle.relation.oid
    }

    /// Storage id of its index.
    pub fn index(&self) -> Oid {
        self.index.def().id
    }

    /// Whether an update may have changed a key.
    pub fn changed(&self, old: &Row, new: &Row) -> bool {
        self.places.as_ref().is_none_or(|places| !same_image(places, old, new))
    }

    /// Checks a row that was written, or notes that it is to be checked.
    pub fn written(self: &Arc<Self>, row: RowId, events: &Events, writer: &Writer<'_>) -> Result<()> {
        match self.constraint.deferrable {
            true => {
                events.add(Event::Exclusion(self.clone(), row), writer.cx);
                Ok(())
            }
            false => self.check(row, writer),
        }
    }

    /// Fails with 23P01 if another row is in conflict with this one.
    pub fn check(&self, row: RowId, writer: &Writer<'_>) -> Result<()> {
        let transaction = &writer.cx.transaction;
        let Some((_, found)) = self.handle.table.read_latest(row, transaction, |version| self.keys_of(version)) else {
            return Ok(());
        };
        let Some((values, key)) = found? else { return Ok(()) };
        match self.search(Some(row), &values, &key, writer)? {
            Some(conflict) => Err(self.violation(row, &conflict, false, writer)),
            None => Ok(()),
        }
    }

    /// Whether a row that is to be written would be in conflict with one that is there.
    pub fn stands_against(&self, stored: &[Datum], writer: &Writer<'_>) -> Result<bool> {
        match self.keys_of(&DatumRow(stored))? {
            Some((values, key)) => Ok(self.search(None, &values, &key, writer)?.is_some()),
            None => Ok(false),
        }
    }

    /// The values of a row's keys and their bytes in the index; none when no row can be in conflict with it.
    fn keys_of(&self, row: &dyn RowReader) -> Result<Option<(Vec<Datum>, Vec<u8>)>> {
        let mut values = Vec::with_capacity(self.keys.len());
        let indexed = self.values.each(row, |_, value| {
            values.push(value.clone());
            Ok(())
        })?;
        if !indexed || values.iter().take(self.keys.len()).any(Datum::is_null) {
            return Ok(None);
        }
        let mut key = Vec::new();
        self.index.def().key.key(row, &mut key)?;
        Ok(Some((values, key)))
    }

    /// A row in conflict with these values, after the transactions that are writing such rows have ended.
    fn search(
        &self,
        own: Option<RowId>,
        values: &[Datum],
        key: &[u8],
        writer: &Writer<'_>,
    ) -> Result<Option<Conflict>> {
        let table = &self.handle.table;
        let transaction = &writer.cx.transaction;
        'search: loop {
            for other in self.candidates(values, key, &*writer.cx.env)? {
                if Some(other) == own {
                    continue;
                }
                let in_conflict = |version: &dictdb_storage::RowView<'_>| match self.keys_of(version)? {
                    Some((others, _)) => self.in_conflict(values, &others, &*writer.cx.env),
                    None => Ok(false),
                };
                match table.standing(other, transaction, in_conflict)? {
                    Standing::Clear => {}
                    Standing::Taken => return Ok(Some(Conflict(other))),
                    Standing::Busy(holder) => {
                        writer.wait(holder)?;
                        continue 'search;
                    }
                }
            }
            return Ok(None);
        }
    }

    /// Rows that the index has near these values.
    fn candidates(&self, values: &[Datum], key: &[u8], env: &dyn Env) -> Result<Vec<RowId>> {
        let found = match self.index.def().kind {
            IndexKind::Regions => self.index.search_regions(&self.regions_near(values)?),
            IndexKind::Inverted => self.index.search(&self.entries_of(values, env)?),
            _ => return Ok(self.handle.table.candidates(&self.index, key).into_vec()),
        };
        let mut rows = Vec::new();
        (0..found.block_count()).for_each(|block| found.block_rows(block, &mut rows));
        Ok(rows)
    }

    fn regions_near(&self, values: &[Datum]) -> Result<RegionQuery> {
        let mut query = vec![Vec::new()];
        let mut axis = 0;
        for (key, value) in self.keys.iter().zip(values) {
            if let Search::Regions(class, oid, strategy) = key.search {
                query = regions::and(query, &class.conditions(strategy, value, oid)?, axis);
                axis += class.axes();
            }
        }
        Ok(query)
    }

    fn entries_of(&self, values: &[Datum], env: &dyn Env) -> Result<EntryQuery> {
        let mut all = Vec::with_capacity(self.keys.len());
        for (number, (key, value)) in self.keys.iter().zip(values).enumerate() {
            if let Search::Entries(class, oid, strategy) = key.search {
                all.push(entries::entry_query(number, class.condition(strategy, value, &Asked { oid, env })?));
            }
        }
        Ok(EntryQuery::All(all))
    }

    fn in_conflict(&self, values: &[Datum], others: &[Datum], env: &dyn Env) -> Result<bool> {
        for ((key, value), other) in self.keys.iter().zip(values).zip(others) {
            let cx = CallContext::new(env, &key.types, Type::new(oids::BOOL));
            if !matches!((key.operator)(&cx, &[other.clone(), value.clone()])?, Datum::Bool(true)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn violation(&self, row: RowId, conflict: &Conflict, building: bool, writer: &Writer<'_>) -> Error {
        let name = &self.constraint.name;
        let target = Target::bare(&self.handle, &writer.cx.catalog);
        let (message, existing) = match building {
            true => (format!("could not create exclusion constraint \"{name}\""), ""),
            false => (format!("conflicting key value violates exclusion constraint \"{name}\""), "existing "),
        };
        let error = Error::new(SqlState::EXCLUSION_VIOLATION, message)
            .schema(&*target.schema)
            .table(&*target.relation().name)
            .constraint(&**name);
        let shown = |row| violation::key_of(&target, self.index(), row, writer);
        match (shown(row), shown(conflict.0)) {
            (Ok(own), Ok(other)) => error.detail(format!("Key {own} conflicts with {existing}key {other}.")),
            _ => error,
        }
    }
}

/// A key of an index with the operator that two rows' values must not satisfy.
fn key(info: &IndexInfo, operators: &[Oid], number: usize, catalog: &Catalog, registry: &Registry) -> Result<Key> {
    let missing = || Error::internal("an operator of an exclusion constraint is missing");
    let (own, operator) = info.keys.get(number).zip(operators.get(number)).ok_or_else(missing)?;
    let code = catalog.any_operator(*operator).ok_or_else(missing)?.code;
    let source = match catalog.routine(code) {
        Some(routine) if routine.library.is_some() => &*routine.source,
        Some(_) => return Err(missing()),
        None => proc_by_oid(code).ok_or_else(missing)?.source,
    };
    let operator_kernel = registry.scalar(source).ok_or_else(missing)?;
    let strategy = || {
        let family = catalog.any_opclass(own.opclass).map(|class| class.family).ok_or_else(missing)?;
        let strategies = catalog.strategies_of(family);
        let found = strategies.iter().find(|strategy| strategy.operator == *operator && !strategy.ordering);
        found.map(|strategy| strategy.number).ok_or_else(missing)
    };
    let oid = catalog.base_type(own.ty).oid;
    let search = match index_kind(info, catalog) {
        IndexKind::Regions => Search::Regions(regions::class_of(catalog, own.opclass)?, oid, strategy()?),
        IndexKind::Inverted => Search::Entries(entries::class_of(catalog, own.opclass)?, oid, strategy()?),
        _ => Search::Equal,
    };
    Ok(Key { types: [own.ty, own.ty], operator: operator_kernel, search })
}

/// Looks for conflicts among the rows that a table has when it gets a constraint. 23P01.
pub(crate) fn validate_exclusion(
    relation: &Arc<Relation>,
    constraint: &Arc<Constraint>,
    cx: &ExecContext,
    engine: &Arc<Engine>,
) -> Result<()> {
    let code = ExclusionCode::new(relation, constraint, &cx.catalog, &cx.storage)?;
    let snapshot = cx.transaction.latest_snapshot()?;
    let events = Events::default();
    let writer = Writer { cx, snapshot: &snapshot, engine, events: &events, rt: None };
    let mut rows = Vec::new();
    code.handle.table.for_each(&snapshot, |row, version| {
        rows.push((row, code.keys_of(version)?));
        Ok::<_, Error>(true)
    })?;
    for (row, keys) in rows {
        let Some((values, key)) = keys else { continue };
        if let Some(conflict) = code.search(Some(row), &values, &key, &writer)? {
            return Err(code.violation(row, &conflict, true, &writer));
        }
        cx.env.check_interrupts()?;
    }
    Ok(())
}
