//! One partitioned table: the key of a row, and its partitions.

use std::sync::Arc;

use dictdb_catalog::{IndexTarget, Partitions, Relation};
use dictdb_planner::BindContext;
use dictdb_planner::table_expr::{TableExpr, bind_text, shown};
use dictdb_types::{Datum, Error, Oid, Result, quote_identifier};

use super::super::target::place;
use super::super::writer::Writer;
use crate::eval::{Code, CompileContext, Scope, compile};

/// A partitioned table that rows pass on their way to their partition.
#[derive(Debug)]
pub(super) struct Level {
    /// The table.
    pub relation: Arc<Relation>,
    partitions: Partitions,
    keys: Box<[Key]>,
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
        Ok(Level { relation: relation.clone(), partitions, keys })
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

    /// The partition that takes a key.
    pub fn find(&self, key: &[Datum], writer: &Writer<'_>) -> Result<Option<Oid>> {
        self.partitions.find(key, &*writer.cx.env)
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
