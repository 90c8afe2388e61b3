//! Partitioned tables as SQL text, and the functions that walk them.

use std::sync::Arc;

use dictdb_catalog::{
    IndexTarget, PartitionBound, PartitionColumn, PartitionKey, PartitionStrategy, Partitions, RangeDatum, Relation,
    RelationKind,
};
use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Datum, Oid, Result, TypeKind, TypeLookup, order, quote_identifier, quote_literal, text as plain};

use super::arguments::{nullable, oid, records, session, values};
use super::definition::{expression, index_expression};
use crate::StatementEnv;

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_get_partkeydef", pg_get_partkeydef),
    ("pg_get_partition_constraintdef", pg_get_partition_constraintdef),
    ("pg_partition_root", pg_partition_root),
];

pub(super) const SETS: &[(&str, SetFn)] =
    &[("pg_partition_ancestors", pg_partition_ancestors), ("pg_partition_tree", pg_partition_tree)];

/// `RANGE (a, lower(b))`.
fn pg_get_partkeydef(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let Some(relation) = env.catalog.relation(oid(args, 0)) else { return Ok(Datum::Null) };
    let Some(key) = &relation.partition_key else { return Ok(Datum::Null) };
    let columns: Vec<String> = key.columns.iter().map(|column| key_column(env, relation, column)).collect();
    Ok(Datum::text(format!("{} ({})", key.strategy.as_sql(), columns.join(", "))))
}

/// A column of a key, with its operator class where that is not the type's own.
fn key_column(env: &StatementEnv, relation: &Arc<Relation>, column: &PartitionColumn) -> String {
    use dictdb_functions::facts::ids;
    use dictdb_functions::resolve::opclass;
    use dictdb_planner::scope::CatalogScope;
    let mut text = key_text(env, relation, column, false);
    let methods = [ids::BTREE, ids::HASH];
    let scope = CatalogScope { catalog: &env.catalog, search_path: &[] };
    let defaults = methods.map(|method| opclass::default_opclass(&scope, column.ty.oid, method));
    let is_default = defaults.iter().flatten().any(|class| class.oid == column.opclass);
    if !is_default && let Some(class) = env.catalog.any_opclass(column.opclass) {
        let of_enum = column.ty.oid >= Oid::FIRST_NORMAL;
        if !of_enum {
            text += &format!(" {}", class.name);
        }
    }
    text
}

/// What a column of a key is, over a table of the family.
fn key_text(env: &StatementEnv, relation: &Arc<Relation>, column: &PartitionColumn, inner: bool) -> String {
    match &column.target {
        IndexTarget::Column(attnum) => {
            let name = relation.column(*attnum).map_or("?", |column| &column.name);
            quote_identifier(name).into_owned()
        }
        IndexTarget::Expression(stored) => {
            if inner {
                expression(env, relation, stored, false)
            } else {
                index_expression(env, relation, stored, false)
            }
        }
    }
}

/// `FOR VALUES …` or `DEFAULT`, as `pg_class.relpartbound` keeps it.
pub(in crate::system) fn bound_text(env: &StatementEnv, relation: &Relation) -> Option<String> {
    let bound = relation.bound.as_ref()?;
    let parent = env.catalog.relation(relation.partition_parent()?)?;
    let key = parent.partition_key.as_ref()?;
    Some(match &**bound {
        PartitionBound::Default => "DEFAULT".to_owned(),
        PartitionBound::List { values } => {
            let column = key.columns.first()?;
            let shown: Vec<String> = values.iter().map(|value| bound_value(env, value, column)).collect();
            format!("FOR VALUES IN ({})", shown.join(", "))
        }
        PartitionBound::Range { from, to } => {
            format!("FOR VALUES FROM {} TO {}", range_end(env, from, key), range_end(env, to, key))
        }
        PartitionBound::Hash { modulus, remainder } => {
            format!("FOR VALUES WITH (modulus {modulus}, remainder {remainder})")
        }
    })
}

fn range_end(env: &StatementEnv, end: &[RangeDatum], key: &PartitionKey) -> String {
    let shown = |(value, column): (&RangeDatum, &PartitionColumn)| match value {
        RangeDatum::MinValue => "MINVALUE".to_owned(),
        RangeDatum::MaxValue => "MAXVALUE".to_owned(),
        RangeDatum::Value(value) => bound_value(env, value, column),
    };
    format!("({})", end.iter().zip(&key.columns).map(shown).collect::<Vec<_>>().join(", "))
}

/// A constant without its type, as bounds show it.
fn bound_value(env: &StatementEnv, value: &Datum, column: &PartitionColumn) -> String {
    let mut text = String::new();
    if value.is_null() || plain::output(value, column.ty.oid, env, &mut text).is_err() {
        return "NULL".to_owned();
    }
    match value {
        Datum::Bool(value) => value.to_string(),
        Datum::Int4(_) if !text.starts_with('-') => text,
        // A whole number would be read as an integer.
        Datum::Numeric(_) if text.starts_with(|c: char| c.is_ascii_digit()) && text.contains('.') => text,
        _ => quote_literal(&text),
    }
}

/// A constant with its type, as expressions show it.
fn typed_value(env: &StatementEnv, value: &Datum, column: &PartitionColumn) -> String {
    let mut text = String::new();
    if value.is_null() || plain::output(value, column.ty.oid, env, &mut text).is_err() {
        return "NULL".to_owned();
    }
    match value {
        Datum::Bool(value) => value.to_string(),
        Datum::Int4(number) if *number >= 0 => text,
        _ => format!("{}::{}", quote_literal(&text), type_name(env, column)),
    }
}

fn type_name(env: &StatementEnv, column: &PartitionColumn) -> String {
    dictdb_types::Env::reg_out(env, dictdb_types::RegKind::Type, column.ty.oid)
}

/// The constraint that a partition's bound and those above it are.
fn pg_get_partition_constraintdef(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let Some(relation) = env.catalog.relation(oid(args, 0)) else { return Ok(Datum::Null) };
    let mut parts: Vec<String> = Vec::new();
    let mut child = relation.clone();
    let mut levels = Vec::new();
    for parent in env.catalog.partition_ancestors(relation) {
        levels.push((parent.clone(), child));
        child = parent;
    }
    for (parent, child) in levels.iter().rev() {
        parts.extend(constraint_parts(env, parent, child, relation));
    }
    Ok(nullable(conjunction(parts)))
}

fn conjunction(parts: Vec<String>) -> Option<String> {
    match parts.as_slice() {
        [] => None,
        [single] => Some(single.clone()),
        several => Some(format!("({})", several.join(" AND "))),
    }
}

/// What a bound says about rows, as conditions over the columns of `shown`.
fn constraint_parts(
    env: &StatementEnv,
    parent: &Arc<Relation>,
    child: &Relation,
    shown: &Arc<Relation>,
) -> Vec<String> {
    let (Some(key), Some(bound)) = (&parent.partition_key, &child.bound) else { return Vec::new() };
    let texts: Vec<String> = key.columns.iter().map(|column| own_text(env, parent, shown, column)).collect();
    match &**bound {
        PartitionBound::List { values } => list_conditions(env, &texts[0], values, &key.columns[0]),
        PartitionBound::Range { from, to } => range_conditions(env, &texts, from, to, key),
        PartitionBound::Hash { modulus, remainder } => vec![format!(
            "satisfies_hash_partition('{}'::oid, {modulus}, {remainder}, {})",
            parent.oid,
            texts.join(", ")
        )],
        PartitionBound::Default => {
            let others = Partitions::of(parent, &env.catalog).map(|partitions| partitions.bounds).unwrap_or_default();
            default_condition(env, &texts, &others, key).into_iter().collect()
        }
    }
}

/// A column of a key as a member of the family names it.
fn own_text(env: &StatementEnv, parent: &Arc<Relation>, shown: &Arc<Relation>, column: &PartitionColumn) -> String {
    let own = match &column.target {
        IndexTarget::Column(attnum) => parent.attnum_in(*attnum, shown).map(IndexTarget::Column),
        expression => Some(expression.clone()),
    };
    let target = own.unwrap_or_else(|| column.target.clone());
    key_text(env, shown, &PartitionColumn { target, ..column.clone() }, true)
}

/// `a IS NULL` or `a IS NOT NULL`, which for a row would look at its fields: it is or is not distinct from NULL.
fn null_test(env: &StatementEnv, text: &str, column: &PartitionColumn, present: bool) -> String {
    let is_row = env.catalog.type_info(column.ty.oid).is_some_and(|info| matches!(info.kind, TypeKind::Composite(_)));
    let test = match (is_row, present) {
        (false, false) => "IS NULL",
        (false, true) => "IS NOT NULL",
        (true, false) => "IS NOT DISTINCT FROM NULL",
        (true, true) => "IS DISTINCT FROM NULL",
    };
    format!("({text} {test})")
}

/// That no column of a key is NULL.
fn presence(env: &StatementEnv, texts: &[String], key: &PartitionKey) -> Vec<String> {
    texts.iter().zip(&key.columns).map(|(text, column)| null_test(env, text, column, true)).collect()
}

/// The conditions of a list.
fn list_conditions(env: &StatementEnv, text: &str, values: &[Datum], column: &PartitionColumn) -> Vec<String> {
    let takes_null = values.iter().any(Datum::is_null);
    let known: Vec<String> =
        values.iter().filter(|value| !value.is_null()).map(|value| typed_value(env, value, column)).collect();
    let test = match known.as_slice() {
        [] => None,
        [single] => Some(format!("({text} = {single})")),
        // An array of arrays would be one with more dimensions.
        several if env.catalog.type_info(column.ty.oid).is_some_and(|info| info.is_array()) => {
            let tests: Vec<String> = several.iter().map(|value| format!("({text} = {value})")).collect();
            Some(format!("({})", tests.join(" OR ")))
        }
        several => Some(format!("({text} = ANY (ARRAY[{}]))", several.join(", "))),
    };
    let null = null_test(env, text, column, !takes_null);
    match test {
        None => vec![null],
        Some(test) if takes_null => vec![format!("({null} OR {test})")],
        Some(test) => vec![null, test],
    }
}

/// The conditions of a range: NULLs are in none.
fn range_conditions(
    env: &StatementEnv,
    texts: &[String],
    from: &[RangeDatum],
    to: &[RangeDatum],
    key: &PartitionKey,
) -> Vec<String> {
    let mut parts = presence(env, texts, key);
    let value = |end: &RangeDatum, column: usize| match end {
        RangeDatum::Value(value) => Some(typed_value(env, value, &key.columns[column])),
        _ => None,
    };
    // Columns in which both ends are the same value are that value.
    let mut first = 0;
    while let (Some(RangeDatum::Value(a)), Some(RangeDatum::Value(b))) = (from.get(first), to.get(first)) {
        if first + 1 == from.len() || !order::compare_as(key.columns[first].ty.oid, a, b).is_eq() {
            break;
        }
        parts.extend(value(&from[first], first).map(|value| format!("({} = {value})", texts[first])));
        first += 1;
    }
    parts.extend(end_condition(texts, from, first, &value, (">", ">=")));
    parts.extend(end_condition(texts, to, first, &value, ("<", "<")));
    parts
}

/// `a > 1 OR a = 1 AND b >= 2`, written out for the columns from `first` on.
fn end_condition(
    texts: &[String],
    end: &[RangeDatum],
    first: usize,
    value: &dyn Fn(&RangeDatum, usize) -> Option<String>,
    (strict, last): (&str, &str),
) -> Option<String> {
    let mut arms: Vec<String> = Vec::new();
    let mut equal: Vec<String> = Vec::new();
    for column in first..end.len() {
        let Some(bound) = value(&end[column], column) else { break };
        let next = end.get(column + 1);
        let is_last = next.is_none_or(|next| !matches!(next, RangeDatum::Value(_)));
        let operator = match (next, strict) {
            (None, _) => last,
            (Some(RangeDatum::MinValue), ">") => ">=",
            (Some(RangeDatum::MaxValue), "<") => "<=",
            _ => strict,
        };
        let mut arm = equal.clone();
        arm.push(format!("({} {operator} {bound})", texts[column]));
        arms.push(joined(&arm));
        if is_last {
            break;
        }
        equal.push(format!("({} = {bound})", texts[column]));
    }
    match arms.as_slice() {
        [] => None,
        [single] => Some(single.clone()),
        several => Some(format!("({})", several.join(" OR "))),
    }
}

fn joined(parts: &[String]) -> String {
    match parts {
        [single] => single.clone(),
        several => format!("({})", several.join(" AND ")),
    }
}

/// What no other partition takes; nothing where there is none.
fn default_condition(
    env: &StatementEnv,
    texts: &[String],
    others: &[(Oid, Arc<PartitionBound>)],
    key: &PartitionKey,
) -> Option<String> {
    if others.is_empty() {
        return None;
    }
    if key.strategy == PartitionStrategy::List {
        let values: Vec<Datum> = others
            .iter()
            .flat_map(|(_, bound)| match &**bound {
                PartitionBound::List { values } => values.clone(),
                _ => Vec::new(),
            })
            .collect();
        let taken = list_conditions(env, &texts[0], &values, &key.columns[0]);
        return Some(format!("(NOT {})", joined(&taken)));
    }
    let arms: Vec<String> = others
        .iter()
        .filter_map(|(_, bound)| match &**bound {
            PartitionBound::Range { from, to } => {
                let all = range_conditions(env, texts, from, to, key);
                conjunction(all.into_iter().skip(texts.len()).collect())
            }
            _ => None,
        })
        .collect();
    let nulls = presence(env, texts, key);
    let arms = if arms.len() == 1 { arms[0].clone() } else { format!("({})", arms.join(" OR ")) };
    Some(format!("(NOT ({} AND {arms}))", nulls.join(" AND ")))
}

/// Whether partition functions say anything about a relation.
fn is_in_tree(relation: &Relation) -> bool {
    let partitioned_index = matches!(&relation.kind, RelationKind::Index(info) if info.partitioned);
    relation.is_partitioned() || relation.is_partition() || partitioned_index || is_index_part(relation)
}

fn is_index_part(relation: &Relation) -> bool {
    relation.index().is_some() && !relation.parents.is_empty()
}

fn parent_of(relation: &Relation) -> Option<Oid> {
    match relation.index() {
        Some(_) => relation.parents.first().copied(),
        None => relation.partition_parent(),
    }
}

/// A relation and those it is a partition of, innermost first.
fn ancestors(env: &StatementEnv, relation: &Arc<Relation>) -> Vec<Arc<Relation>> {
    let next = |relation: &Arc<Relation>| env.catalog.relation(parent_of(relation)?).cloned();
    std::iter::successors(Some(relation.clone()), next).collect()
}

fn pg_partition_root(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let found = env.catalog.relation(oid(args, 0)).filter(|relation| is_in_tree(relation));
    let root = found.and_then(|relation| ancestors(env, relation).pop());
    Ok(root.map_or(Datum::Null, |root| Datum::Oid(root.oid.0)))
}

fn pg_partition_ancestors(cx: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    let env = session(cx)?;
    let found = env.catalog.relation(oid(args, 0)).filter(|relation| is_in_tree(relation));
    let all = found.map(|relation| ancestors(env, relation)).unwrap_or_default();
    Ok(values(all.iter().map(|relation| Datum::Oid(relation.oid.0)).collect()))
}

/// `relid`, `parentrelid`, `isleaf`, `level`.
fn pg_partition_tree(cx: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    let env = session(cx)?;
    let Some(root) = env.catalog.relation(oid(args, 0)).filter(|relation| is_in_tree(relation)) else {
        return Ok(values(Vec::new()));
    };
    let mut level = vec![root.clone()];
    let mut rows = Vec::new();
    let mut depth = 0;
    while !level.is_empty() {
        let mut next = Vec::new();
        for relation in &level {
            let parent = parent_of(relation).map_or(Datum::Null, |oid| Datum::Oid(oid.0));
            let is_leaf = !relation.is_partitioned() && !relation.index().is_some_and(|info| info.partitioned);
            rows.push(vec![Datum::Oid(relation.oid.0), parent, Datum::Bool(is_leaf), Datum::Int4(depth)]);
            let mut children = relation.children.clone();
            children.sort_unstable();
            next.extend(children.iter().filter_map(|oid| env.catalog.relation(*oid)).cloned());
        }
        level = next;
        depth += 1;
    }
    Ok(records("pg_partition_tree", rows))
}
