//! What the keys of partitions by hash hash to while a statement is planned or begins to run: by the built-in functions, and by
//! those of users whose bodies can be put in place of the call.

use std::sync::Arc;

use dictdb_catalog::{HASH_SEED, IndexTarget, PartitionColumn, Partitions, Relation, combined, extended_hash};
use dictdb_types::{Datum, Env, quote_identifier, quote_qualified};

use crate::BindContext;
use crate::expr::Expr;
use crate::fold;
use crate::table_expr::{TableExpr, bind_for_storage};

/// How the columns of a key are hashed.
#[derive(Debug)]
pub(super) struct KeyHash {
    columns: Vec<ColumnHash>,
}

#[derive(Debug)]
enum ColumnHash {
    BuiltIn,
    /// By a function of a user: its body over the table's row.
    Body(Expr),
    /// By one that only a session can call.
    Unknown,
}

impl KeyHash {
    /// How the key of a partitioned table is hashed.
    pub fn of(relation: &Arc<Relation>, partitions: &Partitions, cx: BindContext<'_>) -> KeyHash {
        let hash = |column: &PartitionColumn| match cx.catalog.hash_function(column) {
            None => ColumnHash::BuiltIn,
            Some(_) => body(relation, column, cx).map_or(ColumnHash::Unknown, ColumnHash::Body),
        };
        KeyHash { columns: partitions.key.columns.iter().map(hash).collect() }
    }

    /// The hash of a key; `None` when it cannot be told here.
    pub fn hash(&self, values: &[Datum], partitions: &Partitions, env: &dyn Env) -> Option<u64> {
        let mut hash = 0;
        for ((own, column), value) in self.columns.iter().zip(&partitions.key.columns).zip(values) {
            if value.is_null() {
                continue;
            }
            let own = match own {
                ColumnHash::BuiltIn => extended_hash(value, column, env).ok()?,
                ColumnHash::Body(body) => evaluated(body.clone(), value, env)?,
                ColumnHash::Unknown => return None,
            };
            hash = combined(hash, own);
        }
        Some(hash)
    }
}

/// The hash function of a column, called with the column and the seed, as far as it can be computed without a session.
fn body(relation: &Arc<Relation>, column: &PartitionColumn, cx: BindContext<'_>) -> Option<Expr> {
    let IndexTarget::Column(attnum) = column.target else { return None };
    let function = cx.catalog.routine(cx.catalog.hash_function(column)?)?;
    let schema = cx.catalog.schema(function.namespace)?;
    let name = quote_qualified(&schema.name, &function.name);
    let value = quote_identifier(&relation.column(attnum)?.name).into_owned();
    let call = format!("{name}({value}, {HASH_SEED}::bigint)");
    Some(bind_for_storage(&call, relation, TableExpr::IndexKey, cx).ok()?.expr)
}

/// What a body over one column gives for a value.
fn evaluated(mut body: Expr, value: &Datum, env: &dyn Env) -> Option<u64> {
    body.rewrite(&mut |part| {
        if let Expr::Input(_, ty) = part {
            *part = Expr::Const(value.clone(), *ty);
        }
    });
    fold::fold(&mut body, env).ok()?;
    match body {
        Expr::Const(Datum::Int8(hash), _) => Some(hash as u64),
        _ => None,
    }
}
