//! RANGE and LIST partitions in the order of operator classes of users: every value of a bound is compared by a call.

use std::cmp::Ordering;
use std::sync::Arc;

use dictdb_catalog::{Catalog, PartitionBound, PartitionColumn, Partitions, RangeDatum};
use dictdb_functions::resolve::format_type;
use dictdb_planner::scope::CatalogScope;
use dictdb_types::{Datum, Env, Error, Oid, Result, SqlState, order, quote_literal, quote_qualified};

use super::super::value_text;
use crate::eval::{Code, Scope};

/// The bounds of a table's partitions, without the default one.
#[derive(Debug)]
pub(super) struct OwnOrder(Box<[(Oid, Bound)]>);

#[derive(Debug)]
enum Bound {
    List { values: Box<[Value]>, takes_null: bool },
    Range { from: Box<[End]>, to: Box<[End]> },
}

#[derive(Debug)]
enum End {
    Min,
    Max,
    Value(Value),
}

/// A value of a bound, and how a key compares with it.
#[derive(Debug)]
enum Value {
    /// In the order of the type.
    BuiltIn(Datum, Oid),
    /// By a call over the row.
    Code(Code),
}

impl OwnOrder {
    /// Compiles the comparisons; `compile` makes one of a call's text. `None` where all orders are the types' own.
    pub fn new(
        partitions: &Partitions,
        (catalog, env): (&Arc<Catalog>, &dyn Env),
        key_text: impl Fn(&PartitionColumn) -> Result<String>,
        compile: impl Fn(&str) -> Result<Code>,
    ) -> Result<Option<OwnOrder>> {
        if !catalog.orders_by_users(&partitions.key) {
            return Ok(None);
        }
        let value = |column: &PartitionColumn, value: &Datum| -> Result<Value> {
            let Some(function) = catalog.compare_function(column) else {
                return Ok(Value::BuiltIn(value.clone(), column.ty.oid));
            };
            let written = written_value(value, column.ty.oid, env, catalog);
            let text = format!("{}({}, {written})", routine_name(function, catalog)?, key_text(column)?);
            compile(&text).map(Value::Code)
        };
        let ends = |ends: &[RangeDatum]| -> Result<Box<[End]>> {
            let columns = ends.iter().zip(&partitions.key.columns);
            let end = |(end, column): (&RangeDatum, &PartitionColumn)| {
                Ok(match end {
                    RangeDatum::MinValue => End::Min,
                    RangeDatum::MaxValue => End::Max,
                    RangeDatum::Value(datum) => End::Value(value(column, datum)?),
                })
            };
            columns.map(end).collect()
        };
        let bound = |(oid, bound): &(Oid, Arc<PartitionBound>)| -> Result<(Oid, Bound)> {
            let compiled = match &**bound {
                PartitionBound::List { values } => {
                    let known = values.iter().filter(|value| !value.is_null());
                    Bound::List {
                        values: known.map(|datum| value(&partitions.key.columns[0], datum)).collect::<Result<_>>()?,
                        takes_null: values.iter().any(Datum::is_null),
                    }
                }
                PartitionBound::Range { from, to } => Bound::Range { from: ends(from)?, to: ends(to)? },
                PartitionBound::Hash { .. } | PartitionBound::Default => {
                    return Err(Error::internal("a bound without an order"));
                }
            };
            Ok((*oid, compiled))
        };
        partitions.bounds.iter().map(bound).collect::<Result<_>>().map(|bounds| Some(OwnOrder(bounds)))
    }

    /// The partition that takes a row, which has this key.
    pub fn find(&self, row: &[Datum], key: &[Datum], env: &dyn Env) -> Result<Option<Oid>> {
        for (oid, bound) in &self.0 {
            if bound.takes(row, key, env)? {
                return Ok(Some(*oid));
            }
        }
        Ok(None)
    }
}

impl Bound {
    fn takes(&self, row: &[Datum], key: &[Datum], env: &dyn Env) -> Result<bool> {
        match self {
            Bound::List { values, takes_null } => {
                let Some(own) = key.first().filter(|own| !own.is_null()) else { return Ok(*takes_null) };
                for value in values {
                    if value.compare(row, own, env)?.is_eq() {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Bound::Range { .. } if key.iter().any(Datum::is_null) => Ok(false),
            Bound::Range { from, to } => {
                Ok(compare_key(from, row, key, env)?.is_ge() && compare_key(to, row, key, env)?.is_lt())
            }
        }
    }
}

/// The order of a row's key and an end of a range.
fn compare_key(ends: &[End], row: &[Datum], key: &[Datum], env: &dyn Env) -> Result<Ordering> {
    for (end, own) in ends.iter().zip(key) {
        let order = match end {
            End::Min => Ordering::Greater,
            End::Max => Ordering::Less,
            End::Value(value) => value.compare(row, own, env)?,
        };
        if order.is_ne() {
            return Ok(order);
        }
    }
    Ok(Ordering::Equal)
}

impl Value {
    /// The order of a row's value and this one.
    fn compare(&self, row: &[Datum], own: &Datum, env: &dyn Env) -> Result<Ordering> {
        match self {
            Value::BuiltIn(value, ty) => Ok(order::compare_as(*ty, own, value)),
            Value::Code(code) => order_of(&code.eval(Scope::of_table(env, row))?),
        }
    }
}

/// What a comparison function has said. 22004 for NULL.
pub(crate) fn order_of(said: &Datum) -> Result<Ordering> {
    match said {
        Datum::Int4(order) => Ok(order.cmp(&0)),
        Datum::Null => Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, "a comparison function returned NULL")),
        _ => Err(Error::internal("a comparison function that gave no integer")),
    }
}

/// A value as a constant of its type.
pub(crate) fn written_value(value: &Datum, ty: Oid, env: &dyn Env, catalog: &Arc<Catalog>) -> String {
    let scope = CatalogScope { catalog, search_path: &[dictdb_catalog::namespaces::PG_CATALOG] };
    format!("{}::{}", quote_literal(&value_text(value, ty, env)), format_type(&scope, ty))
}

/// The qualified name of a function of a user.
pub(crate) fn routine_name(function: Oid, catalog: &Catalog) -> Result<String> {
    let lost = || Error::internal(format!("function {function} of an operator class is gone"));
    let routine = catalog.routine(function).ok_or_else(lost)?;
    let schema = catalog.schema(routine.namespace).ok_or_else(lost)?;
    Ok(quote_qualified(&schema.name, &routine.name))
}
