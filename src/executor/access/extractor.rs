//! Keys of indexes over expressions and of partial indexes, computed by storage for every row it changes.

use std::sync::Arc;

use dictdb_catalog::{Catalog, IndexInfo, IndexKey, IndexMethod, IndexTarget, Relation};
use dictdb_functions::Registry;
use dictdb_planner::BindContext;
use dictdb_planner::collation::index_order;
use dictdb_planner::table_expr::{TableExpr, bind_for_storage};
use dictdb_storage::{ColumnKey, IndexKind, KeyColumn, KeyExtractor, KeyOutcome, RowReader};
use dictdb_types::{Datum, Error, Oid, Result, TypeLookup, sort_key};

use super::entries::{self, EntryKey};
use super::index_env::IndexEnv;
use super::language::Language;
use super::regions::{self, RegionKey};
use crate::eval::{Code, CompileContext, Scope, compile};

/// What storage needs to keep an index of a table: its columns as they are, or expressions over them.
///
/// 0A000 for functions without implementation; errors of the binder for text that no longer binds.
pub fn key_extractor(
    table: &Arc<Relation>,
    index: &IndexInfo,
    catalog: &Arc<Catalog>,
    registry: &Registry,
) -> Result<Arc<dyn KeyExtractor>> {
    if index.method.is_bitmap() {
        let values = IndexValues::new(table, index, catalog, registry)?;
        let base = |key: &IndexKey| catalog.base_type(key.ty).oid;
        if index_kind(index, catalog) == IndexKind::Inverted {
            let classes = index.keys.iter().map(|key| Ok((entries::class_of(catalog, key.opclass)?, base(key))));
            return Ok(Arc::new(EntryKey { values, classes: classes.collect::<Result<_>>()? }));
        }
        let classes = index.keys.iter().map(|key| Ok((regions::class_of(catalog, key.opclass)?, base(key))));
        return Ok(Arc::new(RegionKey { values, classes: classes.collect::<Result<_>>()? }));
    }
    match plain_columns(table, index, catalog)? {
        Some(columns) if index.predicate.is_none() => Ok(Arc::new(ColumnKey::new(columns))),
        _ => {
            let orders = index.keys.iter().map(|key| {
                Ok(KeyOrder {
                    oid: catalog.base_type(key.ty).oid,
                    language: Language::of(catalog, table, index.method, key)?,
                    descending: key.descending,
                    nulls_first: key.nulls_first,
                })
            });
            let orders = orders.collect::<Result<_>>()?;
            let values = IndexValues::new(table, index, catalog, registry)?;
            Ok(Arc::new(ExpressionKey { values, orders }))
        }
    }
}

/// How storage keeps an index. What gist keeps as trees of signatures is an inverted index here.
pub(crate) fn index_kind(index: &IndexInfo, catalog: &Catalog) -> IndexKind {
    match index.method {
        IndexMethod::Btree => IndexKind::Ordered,
        IndexMethod::Hash => IndexKind::Hash,
        IndexMethod::Gin | IndexMethod::Bloom => IndexKind::Inverted,
        IndexMethod::Gist => {
            let is_inverted =
                |key: &IndexKey| key.opclass >= Oid::FIRST_NORMAL && entries::class_of(catalog, key.opclass).is_ok();
            if index.keys.iter().all(is_inverted) { IndexKind::Inverted } else { IndexKind::Regions }
        }
        IndexMethod::Brin => IndexKind::Blocks,
        IndexMethod::Spgist => IndexKind::Regions,
    }
}

/// The key columns of an index without expressions, all in the order of their types.
fn plain_columns(table: &Relation, index: &IndexInfo, types: &Catalog) -> Result<Option<Vec<KeyColumn>>> {
    let mut columns = Vec::with_capacity(index.keys.len());
    for key in &index.keys {
        let IndexTarget::Column(attnum) = key.target else { return Ok(None) };
        if index_order(types, table, index.method, key).is_some() {
            return Ok(None);
        }
        let column = table.column(attnum).ok_or_else(|| Error::internal("index on a column that does not exist"))?;
        columns.push(KeyColumn {
            column: column.slot,
            oid: types.base_type(key.ty).oid,
            descending: key.descending,
            nulls_first: key.nulls_first,
        });
    }
    Ok(Some(columns))
}

/// Keys made by evaluating expressions over a row.
#[derive(Debug)]
struct ExpressionKey {
    values: IndexValues,
    orders: Box<[KeyOrder]>,
}

#[derive(Debug)]
struct KeyOrder {
    oid: Oid,
    language: Option<Language>,
    descending: bool,
    nulls_first: bool,
}

impl KeyExtractor for ExpressionKey {
    fn key(&self, row: &dyn RowReader, out: &mut Vec<u8>) -> Result<KeyOutcome> {
        let mut outcome = KeyOutcome::Key;
        let indexed = self.values.each(row, |number, value| {
            if value.is_null() {
                outcome = KeyOutcome::HasNull;
            }
            if let Some(order) = self.orders.get(number) {
                let keyed = order.language.as_ref().map(|language| language.key(value, order.oid)).transpose()?;
                let value = keyed.as_ref().unwrap_or(value);
                sort_key::encode(value, order.oid, order.descending, order.nulls_first, out);
            }
            Ok(())
        })?;
        Ok(if indexed { outcome } else { KeyOutcome::NotIndexed })
    }

    fn columns(&self) -> &[usize] {
        self.values.columns()
    }
}

/// The values of an index's keys in a row, and whether the row belongs to a partial index.
#[derive(Debug)]
pub(crate) struct IndexValues {
    keys: Box<[Code]>,
    predicate: Option<Code>,
    /// Storage columns that are read, and their places in the full row.
    columns: Vec<usize>,
    places: Vec<usize>,
    /// Number of columns of the full row.
    width: usize,
    env: IndexEnv,
}

impl IndexValues {
    /// Binds and compiles. As [`key_extractor`].
    pub fn new(table: &Arc<Relation>, index: &IndexInfo, catalog: &Arc<Catalog>, registry: &Registry) -> Result<Self> {
        let env = IndexEnv::new(catalog.clone(), table.owner);
        let search_path = [dictdb_catalog::namespaces::PG_CATALOG];
        let role = dictdb_catalog::BOOTSTRAP_ROLE;
        let bind = BindContext { catalog, registry, env: &env, search_path: &search_path, role, transient: &[] };
        let mut attnums = Vec::new();
        let mut expression = |text: &str, purpose| -> Result<Code> {
            let bound = bind_for_storage(text, table, purpose, bind)?;
            attnums.extend(bound.columns);
            compile(&bound.expr, &CompileContext::of_table(&**catalog))
        };
        let keys = index.keys.iter().map(|key| match &key.target {
            IndexTarget::Expression(text) => expression(text, TableExpr::IndexKey),
            IndexTarget::Column(attnum) => {
                attnums_of_column(*attnum).map(Code::Input).ok_or_else(|| Error::internal("index on a system column"))
            }
        });
        let keys = keys.collect::<Result<_>>()?;
        let predicate =
            index.predicate.as_deref().map(|text| expression(text, TableExpr::IndexPredicate)).transpose()?;
        attnums.extend(index.keys.iter().filter_map(|key| match key.target {
            IndexTarget::Column(attnum) => Some(attnum),
            IndexTarget::Expression(_) => None,
        }));
        attnums.sort_unstable();
        attnums.dedup();
        let read = attnums.iter().filter_map(|attnum| Some((table.column(*attnum)?.slot, attnums_of_column(*attnum)?)));
        let (columns, places) = read.unzip();
        Ok(IndexValues { keys, predicate, columns, places, width: table.columns.len(), env })
    }

    /// Calls `f` with the number and value of every key; returns `false` instead for a row that is not indexed.
    pub fn each(&self, row: &dyn RowReader, mut f: impl FnMut(usize, &Datum) -> Result<()>) -> Result<bool> {
        let mut full = vec![Datum::Null; self.width];
        for (column, place) in self.columns.iter().zip(&self.places) {
            if let Some(value) = full.get_mut(*place) {
                *value = row.column(*column).to_datum()?;
            }
        }
        let scope = Scope::of_table(&self.env, &full);
        if let Some(predicate) = &self.predicate
            && !predicate.is_true(scope)?
        {
            return Ok(false);
        }
        for (number, key) in self.keys.iter().enumerate() {
            f(number, &*key.eval_ref(scope)?)?;
        }
        Ok(true)
    }

    /// The storage columns that are read.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }
}

/// Place of a column in the full row.
fn attnums_of_column(attnum: i16) -> Option<usize> {
    usize::try_from(attnum).ok()?.checked_sub(1)
}
