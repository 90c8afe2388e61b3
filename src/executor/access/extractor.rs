//! Keys of indexes over expressions and of partial indexes, computed by storage for every row it changes.

use std::any::Any;
use std::sync::Arc;

use dictdb_catalog::{Catalog, IndexInfo, IndexTarget, Relation};
use dictdb_functions::Registry;
use dictdb_planner::BindContext;
use dictdb_planner::table_expr::{TableExpr, bind_text};
use dictdb_storage::{ColumnKey, KeyColumn, KeyExtractor, KeyOutcome, RowReader};
use dictdb_types::{Datum, Env, Error, FormatSettings, Oid, RegKind, Result, TypeInfo, TypeLookup, sort_key};

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
    match plain_columns(table, index, &**catalog)? {
        Some(columns) if index.predicate.is_none() => Ok(Arc::new(ColumnKey::new(columns))),
        _ => Ok(Arc::new(ExpressionKey::new(table, index, catalog, registry)?)),
    }
}

/// The key columns of an index without expressions.
fn plain_columns(table: &Relation, index: &IndexInfo, types: &dyn TypeLookup) -> Result<Option<Vec<KeyColumn>>> {
    let mut columns = Vec::with_capacity(index.keys.len());
    for key in &index.keys {
        let IndexTarget::Column(attnum) = key.target else { return Ok(None) };
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
    keys: Box<[ExpressionColumn]>,
    predicate: Option<Code>,
    /// Storage columns that are read, and their places in the full row.
    columns: Vec<usize>,
    places: Vec<usize>,
    /// Number of columns of the full row.
    width: usize,
    env: IndexEnv,
}

#[derive(Debug)]
struct ExpressionColumn {
    code: Code,
    oid: Oid,
    descending: bool,
    nulls_first: bool,
}

impl ExpressionKey {
    fn new(table: &Arc<Relation>, index: &IndexInfo, catalog: &Arc<Catalog>, registry: &Registry) -> Result<Self> {
        let env = IndexEnv { catalog: catalog.clone(), format: FormatSettings::default() };
        let search_path = [dictdb_catalog::namespaces::PG_CATALOG];
        let role = dictdb_catalog::BOOTSTRAP_ROLE;
        let bind = BindContext { catalog, registry, env: &env, search_path: &search_path, role, transient: &[] };
        let mut attnums = Vec::new();
        let mut expression = |text: &str, purpose| -> Result<Code> {
            let bound = bind_text(text, table, purpose, bind)?;
            attnums.extend(bound.columns);
            compile(&bound.expr, &CompileContext::of_table(&**catalog))
        };
        let mut keys = Vec::with_capacity(index.keys.len());
        for key in &index.keys {
            let code = match &key.target {
                IndexTarget::Expression(text) => expression(text, TableExpr::IndexKey)?,
                IndexTarget::Column(attnum) => attnums_of_column(*attnum)
                    .map(Code::Input)
                    .ok_or_else(|| Error::internal("index on a system column"))?,
            };
            let oid = catalog.base_type(key.ty).oid;
            keys.push(ExpressionColumn { code, oid, descending: key.descending, nulls_first: key.nulls_first });
        }
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
        Ok(ExpressionKey { keys: keys.into(), predicate, columns, places, width: table.columns.len(), env })
    }
}

/// Place of a column in the full row.
fn attnums_of_column(attnum: i16) -> Option<usize> {
    usize::try_from(attnum).ok()?.checked_sub(1)
}

impl KeyExtractor for ExpressionKey {
    fn key(&self, row: &dyn RowReader, out: &mut Vec<u8>) -> Result<KeyOutcome> {
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
            return Ok(KeyOutcome::NotIndexed);
        }
        let mut outcome = KeyOutcome::Key;
        for key in &self.keys {
            let value = key.code.eval_ref(scope)?;
            if value.is_null() {
                outcome = KeyOutcome::HasNull;
            }
            sort_key::encode(&value, key.oid, key.descending, key.nulls_first, out);
        }
        Ok(outcome)
    }

    fn columns(&self) -> &[usize] {
        &self.columns
    }
}

/// Surroundings of immutable expressions: types, and settings nobody may depend on.
struct IndexEnv {
    catalog: Arc<Catalog>,
    format: FormatSettings,
}

impl std::fmt::Debug for IndexEnv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "catalog version {}", self.catalog.version())
    }
}

impl TypeLookup for IndexEnv {
    fn type_info(&self, oid: Oid) -> Option<Arc<TypeInfo>> {
        self.catalog.type_info(oid)
    }
}

impl Env for IndexEnv {
    fn format(&self) -> &FormatSettings {
        &self.format
    }

    fn transaction_timestamp(&self) -> i64 {
        0
    }

    fn statement_timestamp(&self) -> i64 {
        0
    }

    fn reg_in(&self, _: RegKind, _: &str) -> Result<Oid> {
        Err(Error::internal("object name in an index expression"))
    }

    fn reg_out(&self, _: RegKind, oid: Oid) -> String {
        oid.to_string()
    }

    fn check_domain(&self, domain: Oid, _: &Datum) -> Result<()> {
        Err(Error::unsupported(format_args!("cast to domain {domain} in an index expression")))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
