//! The columns of a foreign key on either side, and how rows with a key are found.

use std::sync::Arc;

use dictdb_catalog::{Catalog, IndexMethod, IndexTarget, Relation};
use dictdb_storage::{Bound, Candidates, Direction, Index, IndexCursor, RowReader, RowView, Snapshot, Transaction};
use dictdb_types::{Datum, Oid, Result, RowId, TypeLookup, sort_key};

use super::super::target::place;
use super::convert::{convert_value, is_exact};
use crate::access::TableHandle;
use crate::access::language::Language;
use crate::row::Row;

/// Rows of an index range read at a time.
const BATCH: usize = 128;

/// One side of a foreign key.
#[derive(Debug)]
pub(super) struct Side {
    /// The table.
    pub handle: TableHandle,
    /// Attnums of the key's columns.
    pub columns: Vec<i16>,
    /// Their places in a full row.
    pub places: Vec<usize>,
    /// Their storage columns.
    slots: Vec<usize>,
    /// Their base types.
    pub oids: Vec<Oid>,
    /// The types in which their values are compared: those of the other side, where its values may be several of one's own.
    pub compared: Vec<Oid>,
    /// How texts of other bytes can be equal, where they can.
    equalities: Vec<Option<Language>>,
}

impl Side {
    pub fn new(handle: TableHandle, columns: &[i16], types: &Catalog) -> Result<Self> {
        let mut side = Self::unpaired(handle, columns, types)?;
        side.compared = side.oids.clone();
        Ok(side)
    }

    /// The child's side of a key that refers to columns of these base types.
    pub fn of_child(handle: TableHandle, columns: &[i16], parent: &[Oid], types: &Catalog) -> Result<Self> {
        let mut side = Self::unpaired(handle, columns, types)?;
        let compared = side.oids.iter().zip(parent);
        side.compared = compared.map(|(own, parent)| if is_exact(*own, *parent) { *own } else { *parent }).collect();
        Ok(side)
    }

    fn unpaired(handle: TableHandle, columns: &[i16], types: &Catalog) -> Result<Self> {
        let places = columns.iter().map(|attnum| place(*attnum)).collect::<Result<Vec<_>>>()?;
        let column = |place: &usize| &handle.relation.columns[*place];
        let slots = places.iter().map(|place| column(place).slot).collect();
        let oids = places.iter().map(|place| types.base_type(column(place).ty).oid).collect();
        let equalities = places.iter().map(|place| Language::telling(types, column(place).collation));
        let equalities = equalities.collect::<Result<_>>()?;
        Ok(Side { columns: columns.to_vec(), places, slots, oids, compared: Vec::new(), equalities, handle })
    }

    /// Values of the columns in a full row.
    pub fn values(&self, row: &Row) -> Row {
        self.places.iter().map(|place| row.get(*place).cloned().unwrap_or(Datum::Null)).collect()
    }

    /// Values of the columns in a stored version.
    pub fn read(&self, version: &dyn RowReader) -> Result<Row> {
        self.slots.iter().map(|slot| version.column(*slot).to_datum()).collect()
    }

    /// Whether a stored version has these values, which are of the compared types.
    fn has(&self, version: &dyn RowReader, values: &[Datum]) -> Result<bool> {
        for (number, value) in values.iter().enumerate().take(self.slots.len()) {
            let stored = version.column(self.slots[number]).to_datum()?;
            if stored.is_null() || !self.is_equal(number, &stored, value)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a value of a column of the key, by its number, is equal to one of the compared type.
    pub fn is_equal(&self, number: usize, own: &Datum, other: &Datum) -> Result<bool> {
        let oid = self.compared[number];
        let converted = if oid == self.oids[number] { None } else { Some(convert_value(own, self.oids[number], oid)) };
        let own = match &converted {
            None => own,
            Some(Some(own)) => own,
            Some(None) => return Ok(false),
        };
        match &self.equalities[number] {
            Some(language) => Ok(dictdb_types::order::equal(&language.key(own, oid)?, &language.key(other, oid)?)),
            None => Ok(dictdb_types::order::equal_as(oid, own, other)),
        }
    }
}

/// How rows of one side are found by the values of the key's columns.
#[derive(Debug)]
pub(super) struct KeySearch(Option<IndexSearch>);

/// A leading column of an index: its position in the key, and its encoding.
#[derive(Debug)]
struct SearchColumn {
    position: usize,
    oid: Oid,
    language: Option<Language>,
    descending: bool,
    nulls_first: bool,
}

/// An index whose leading columns are the key's.
#[derive(Debug)]
struct IndexSearch {
    index: Arc<Index>,
    /// The leading index columns.
    columns: Vec<SearchColumn>,
    /// Whether the index has no further columns.
    whole: bool,
}

impl KeySearch {
    /// Chooses an index: the smallest that begins with the key's columns, in any order. None finds values of other types.
    pub fn new(side: &Side, catalog: &Catalog) -> Self {
        if side.compared != side.oids {
            return KeySearch(None);
        }
        let indexes = catalog.valid_indexes(&side.handle.relation);
        let candidates = indexes.filter_map(|index| IndexSearch::new(index, side, catalog));
        KeySearch(candidates.min_by_key(|search| !search.whole))
    }

    /// Row ids of the versions a snapshot sees that have these values, none of them NULL. 40001 under SERIALIZABLE, which
    /// takes it for a read of the statement.
    pub fn find(
        &self,
        side: &Side,
        values: &[Datum],
        snapshot: &Snapshot,
        transaction: &Transaction,
    ) -> Result<Vec<RowId>> {
        let table = &side.handle.table;
        let mut found = Vec::new();
        let mut keep = |id: RowId, version: &RowView<'_>| -> Result<bool> {
            if side.has(version, values)? {
                found.push(id);
            }
            Ok(true)
        };
        let Some(search) = &self.0 else {
            transaction.reads_table(table)?;
            table.for_each(snapshot, keep)?;
            return Ok(found);
        };
        let key = search.key(values)?;
        transaction.reads_keys(table, &search.index, Bound::Included(&key), Bound::Included(&key))?;
        if search.whole {
            table.find(&search.index, &key, snapshot, keep)?;
            return Ok(found);
        }
        let range = Bound::Included(&key);
        let mut cursor = IndexCursor::new(search.index.clone(), range, range, Direction::Forward);
        let mut batch = Candidates::default();
        while cursor.next_batch(BATCH, &mut batch) {
            for at in 0..batch.rows().len() {
                table.read_candidate(&search.index, &batch, at, snapshot, &mut keep)?.transpose()?;
            }
        }
        Ok(found)
    }
}

impl IndexSearch {
    fn new(relation: &Relation, side: &Side, catalog: &Catalog) -> Option<Self> {
        let info = relation.index()?;
        if info.predicate.is_some() || info.keys.len() < side.columns.len() {
            return None;
        }
        let mut columns: Vec<SearchColumn> = Vec::with_capacity(side.columns.len());
        for key in info.keys.iter().take(side.columns.len()) {
            let IndexTarget::Column(attnum) = key.target else { return None };
            let position = side.columns.iter().position(|column| *column == attnum)?;
            if columns.iter().any(|used| used.position == position) {
                return None;
            }
            columns.push(SearchColumn {
                position,
                oid: catalog.base_type(key.ty).oid,
                language: Language::of(catalog, &side.handle.relation, info.method, key).ok()?,
                descending: key.descending,
                nulls_first: key.nulls_first,
            });
        }
        let whole = info.keys.len() == side.columns.len();
        if info.method == IndexMethod::Hash && !whole {
            return None;
        }
        let index = side.handle.table.index(relation.storage)?;
        Some(IndexSearch { index, columns, whole })
    }

    fn key(&self, values: &[Datum]) -> Result<Vec<u8>> {
        let mut key = Vec::with_capacity(16 * values.len());
        for column in &self.columns {
            let Some(value) = values.get(column.position) else { continue };
            let keyed = column.language.as_ref().map(|language| language.key(value, column.oid)).transpose()?;
            let value = keyed.as_ref().unwrap_or(value);
            sort_key::encode(value, column.oid, column.descending, column.nulls_first, &mut key);
        }
        Ok(key)
    }
}
