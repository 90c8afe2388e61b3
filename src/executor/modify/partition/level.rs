//! One partitioned table: the key of a row, and its partitions.

use std::sync::Arc;

use dictdb_catalog::{
    HASH_SEED, IndexTarget, PartitionColumn, PartitionKey, PartitionStrategy, Partitions, Relation, combined,
    extended_hash,
};
use dictdb_planner::BindContext;
use dictdb_planner::table_expr::{TableExpr, bind_text, shown};
use dictdb_types::{Datum, Error, Oid, Result, quote_identifier};

use super::super::target::place;
use super::super::writer::Writer;
use super::own_order::{OwnOrder, routine_name};
use crate::eval::{Code, CompileContext, Scope, compile};

/// A partitioned table that rows pass on their way to their partition.
#[derive(Debug)]
pub(super) struct Level {
    /// The table.
    pub relation: Arc<Relation>,
    partitions: Partitions,
    keys: Box<[Key]>,
    /// The hash of each column of the key where operator classes of users hash some of them.
    hashes: Option<Box<[Hash]>>,
    /// The bounds where operator classes of users order some of them.
    order: Option<OwnOrder>,
}

/// What hashes a column of a key.
#[derive(Debug)]
enum Hash {
    /// A built-in function.
    BuiltIn,
    /// A call over a row.
    Code(Code),
}

/// A column of a key, over rows of another table of the family.
#[derive(Debug)]
enum Key {
    Place(usize),
    Code(Code),
}

impl Level {
    /// A partitioned table, for rows as `rows` has them.
    pub fn new(relation: &Arc<Relation>, rows: &Arc<Relation>, writer: &Writer<'_>) -> Result<Level> {
        let partitions = Partitions::of(relation, &writer.cx.catalog)
            .ok_or_else(|| Error::internal(format!("\"{}\" is not partitioned", relation.name)))?;
        let keys = partitions.key.columns.iter().map(|column| match &column.target {
            IndexTarget::Column(attnum) => {
                let own = relation.attnum_in(*attnum, rows);
                let own = own.ok_or_else(|| Error::internal(format!("\"{}\" lacks a key column", rows.name)))?;
                place(own).map(Key::Place)
            }
            IndexTarget::Expression(text) => with_binding(writer, |cx| {
                let bound = bind_text(text, rows, TableExpr::IndexKey, cx)?;
                compile(&bound.expr, &CompileContext::of_table(&**cx.catalog)).map(Key::Code)
            }),
        });
        let keys = keys.collect::<Result<_>>()?;
        let hashes = own_hashes(relation, rows, &partitions.key, writer)?;
        let order = OwnOrder::new(
            &partitions,
            (&writer.cx.catalog, &*writer.cx.env),
            |column| column_text(relation, rows, column),
            |text| call_over(text, rows, writer),
        )?;
        Ok(Level { relation: relation.clone(), partitions, keys, hashes, order })
    }

    /// The key of a row.
    pub fn key(&self, row: &[Datum], writer: &Writer<'_>) -> Result<Vec<Datum>> {
        let env = &*writer.cx.env;
        let value = |key: &Key| match key {
            Key::Place(place) => Ok(row.get(*place).cloned().unwrap_or(Datum::Null)),
            Key::Code(code) => code.eval(Scope::of_table(env, row)),
        };
        self.keys.iter().map(value).collect()
    }

    /// The partition that takes a row, which has this key.
    pub fn find(&self, row: &[Datum], key: &[Datum], writer: &Writer<'_>) -> Result<Option<Oid>> {
        let env = &*writer.cx.env;
        if let Some(order) = &self.order {
            return Ok(order.find(row, key, env)?.or(self.partitions.default));
        }
        let Some(hashes) = &self.hashes else { return self.partitions.find(key, env) };
        let mut hash = 0;
        for ((own, column), value) in hashes.iter().zip(&self.partitions.key.columns).zip(key) {
            if value.is_null() {
                continue;
            }
            let own = match own {
                Hash::BuiltIn => extended_hash(value, column, env)?,
                Hash::Code(code) => match code.eval(Scope::of_table(env, row))? {
                    Datum::Int8(own) => own as u64,
                    _ => return Err(Error::internal("a hash function that gave no hash")),
                },
            };
            hash = combined(hash, own);
        }
        Ok(self.partitions.find_hash(hash))
    }

    /// The key's columns as a detail names them.
    pub fn key_text(&self, writer: &Writer<'_>) -> String {
        let column = |target: &IndexTarget| match target {
            IndexTarget::Column(attnum) => {
                let name = self.relation.column(*attnum).map_or("?", |column| &*column.name);
                quote_identifier(name).into_owned()
            }
            IndexTarget::Expression(text) => {
                let written = with_binding(writer, |cx| shown(text, &self.relation, true, cx));
                let text = written.unwrap_or_else(|_| text.to_string());
                let name_len = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(0);
                let is_call = name_len > 0 && text[name_len..].starts_with('(') && text.ends_with(')');
                if is_call { text } else { format!("({text})") }
            }
        };
        self.partitions.key.columns.iter().map(|key| column(&key.target)).collect::<Vec<_>>().join(", ")
    }

    /// The key's columns by attnum; `None` for an expression.
    pub fn key_columns(&self) -> impl Iterator<Item = Option<i16>> + '_ {
        self.partitions.key.columns.iter().map(|column| match &column.target {
            IndexTarget::Column(attnum) => Some(*attnum),
            IndexTarget::Expression(_) => None,
        })
    }

    /// Types of the key's columns.
    pub fn key_types(&self) -> impl Iterator<Item = Oid> + '_ {
        self.partitions.key.columns.iter().map(|column| column.ty.oid)
    }
}

/// The hashes of a key's columns, if a function of users is among them.
fn own_hashes(
    relation: &Arc<Relation>,
    rows: &Arc<Relation>,
    key: &PartitionKey,
    writer: &Writer<'_>,
) -> Result<Option<Box<[Hash]>>> {
    let catalog = &writer.cx.catalog;
    if key.strategy != PartitionStrategy::Hash || key.columns.iter().all(|own| catalog.hash_function(own).is_none()) {
        return Ok(None);
    }
    let hash = |column: &PartitionColumn| -> Result<Hash> {
        let Some(function) = catalog.hash_function(column) else { return Ok(Hash::BuiltIn) };
        let (name, value) = (routine_name(function, catalog)?, column_text(relation, rows, column)?);
        call_over(&format!("{name}({value}, {HASH_SEED}::bigint)"), rows, writer).map(Hash::Code)
    };
    key.columns.iter().map(hash).collect::<Result<_>>().map(Some)
}

/// A column of a key as the rows have it.
fn column_text(relation: &Relation, rows: &Arc<Relation>, column: &PartitionColumn) -> Result<String> {
    match &column.target {
        IndexTarget::Column(attnum) => {
            let own = relation.attnum_in(*attnum, rows).and_then(|own| rows.column(own));
            let own = own.ok_or_else(|| Error::internal(format!("\"{}\" lacks a key column", rows.name)))?;
            Ok(quote_identifier(&own.name).into_owned())
        }
        IndexTarget::Expression(text) => Ok(format!("({text})")),
    }
}

/// A call over the rows of a table.
fn call_over(text: &str, rows: &Arc<Relation>, writer: &Writer<'_>) -> Result<Code> {
    with_binding(writer, |cx| {
        let bound = bind_text(text, rows, TableExpr::Statistics, cx)?;
        compile(&bound.expr, &CompileContext::of_table(&**cx.catalog))
    })
}

fn with_binding<T>(writer: &Writer<'_>, f: impl FnOnce(BindContext<'_>) -> Result<T>) -> Result<T> {
    let search_path = [dictdb_catalog::namespaces::PG_CATALOG];
    f(BindContext {
        catalog: &writer.cx.catalog,
        registry: writer.engine.registry(),
        env: &*writer.cx.env,
        search_path: &search_path,
        role: dictdb_catalog::BOOTSTRAP_ROLE,
        transient: &[],
    })
}
