//! `satisfies_hash_partition`: whether values belong into a HASH partition, as the constraints of such partitions say it.

use std::sync::Arc;

use dictdb_catalog::{HASH_SEED, PartitionColumn, PartitionKey, PartitionStrategy, combined, extended_hash};
use dictdb_functions::resolve::is_binary_coercible;
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_planner::scope::CatalogScope;
use dictdb_types::{Datum, Error, Oid, RegKind, Result, SqlState, Type, oids};

use super::arguments::{integer, oid, session};
use crate::StatementEnv;
use crate::routines::Invocation;

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[("satisfies_hash_partition", satisfies_hash_partition)];

/// The arguments before the values of the key.
const LEADING: usize = 3;

/// False where the table, the modulus or the remainder is NULL. 22023.
fn satisfies_hash_partition(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    if args.iter().take(LEADING).any(Datum::is_null) {
        return Ok(Datum::Bool(false));
    }
    let (Some(modulus), Some(remainder)) = (integer(args, 1), integer(args, 2)) else {
        return Err(Error::internal("a modulus that is no integer"));
    };
    check_numbers(modulus, remainder)?;
    let env = session(cx)?;
    let key = hash_key(env, oid(args, 0))?;
    let values = key_values(cx, args, &key, env)?;
    let mut hash = 0;
    for (value, column) in values.iter().zip(&key.columns).filter(|(value, _)| !value.is_null()) {
        hash = combined(hash, hash_of(value, column, cx, env)?);
    }
    Ok(Datum::Bool(hash % modulus as u64 == remainder as u64))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn check_numbers(modulus: i32, remainder: i32) -> Result<()> {
    if modulus <= 0 {
        return Err(invalid("modulus for hash partition must be an integer value greater than zero"));
    }
    if remainder < 0 {
        return Err(invalid("remainder for hash partition must be an integer value greater than or equal to zero"));
    }
    if remainder >= modulus {
        return Err(invalid("remainder for hash partition must be less than modulus"));
    }
    Ok(())
}

fn hash_key(env: &StatementEnv, table: Oid) -> Result<Arc<PartitionKey>> {
    let relation = env.catalog.relation(table);
    let relation = relation.ok_or_else(|| Error::internal(format!("could not open relation with OID {table}")))?;
    let key = relation.partition_key.clone().filter(|key| key.strategy == PartitionStrategy::Hash);
    key.ok_or_else(|| invalid(format!("\"{}\" is not a hash partitioned table", relation.name)))
}

/// The values of the key, one by one or as a VARIADIC array, which must be of its types.
fn key_values(cx: &CallContext<'_>, args: &[Datum], key: &PartitionKey, env: &StatementEnv) -> Result<Vec<Datum>> {
    let scope = CatalogScope { catalog: &env.catalog, search_path: &[] };
    let count = |given: usize| match given == key.columns.len() {
        true => Ok(()),
        false => Err(invalid(format!(
            "number of partitioning columns ({}) does not match number of partition keys provided ({given})",
            key.columns.len()
        ))),
    };
    let columns = || (1..).zip(&key.columns);
    let shown = |oid: Oid| cx.env.reg_out(RegKind::Type, oid);
    if !cx.variadic {
        count(args.len() - LEADING)?;
        for (number, column) in columns() {
            let given = cx.arg_type(LEADING + number - 1).oid;
            if given != column.ty.oid && !is_binary_coercible(&scope, given, column.ty.oid) {
                let (wanted, given) = (shown(column.ty.oid), shown(given));
                return Err(invalid(format!(
                    "column {number} of the partition key has type {wanted}, but supplied value is of type {given}"
                )));
            }
        }
        return Ok(args[LEADING..].to_vec());
    }
    let element = cx.element_of(cx.arg_type(LEADING).oid).unwrap_or_default();
    if let Some((number, column)) = columns().find(|(_, column)| column.ty.oid != element) {
        let (wanted, given) = (shown(column.ty.oid), shown(element));
        return Err(invalid(format!(
            "column {number} of the partition key has type \"{wanted}\", but supplied value is of type \"{given}\""
        )));
    }
    let values = match args.get(LEADING) {
        Some(Datum::Array(array)) => array.items.clone(),
        _ => Vec::new(),
    };
    count(values.len())?;
    Ok(values)
}

/// The seeded hash of a value, by the operator class of its column.
fn hash_of(value: &Datum, column: &PartitionColumn, cx: &CallContext<'_>, env: &StatementEnv) -> Result<u64> {
    let Some(routine) = env.catalog.hash_function(column) else { return extended_hash(value, column, cx.env) };
    let result = Type::new(oids::INT8);
    let call = Invocation {
        routine,
        types: &[column.ty, result],
        result,
        columns: &[],
        args: &[value.clone(), Datum::Int8(HASH_SEED)],
        nonatomic: false,
    };
    match env.shared.in_session(|session| session.invoke(&call))? {
        Datum::Int8(hash) => Ok(hash as u64),
        _ => Err(Error::internal("a hash function that gave no hash")),
    }
}
