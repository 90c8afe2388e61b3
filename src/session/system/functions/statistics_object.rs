//! What catalogs show of statistics objects and publications: `pg_get_statisticsobjdef` and its kin, `pg_mcv_list_items`,
//! `pg_get_publication_tables`.

use std::sync::Arc;

use dictdb_catalog::{Definition, DefinitionKind, StatisticsInfo};
use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Array, Datum, Error, Oid, Result, SqlState, oids, quote_identifier};

use super::arguments::{oid, records, session, text};
use super::definition::index_expression;
use crate::StatementEnv;
use crate::system::output::attnum_vector;
use crate::system::relations::definition::{is_publishable, published};
use crate::system::relations::statistic::{CommonItem, common_items};

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_get_statisticsobjdef", |cx, args| answer(cx, args, whole)),
    ("pg_get_statisticsobjdef_columns", |cx, args| answer(cx, args, columns)),
    ("pg_get_statisticsobjdef_expressions", expressions),
    ("pg_relation_is_publishable", |cx, args| {
        let found = session(cx)?.catalog.relation(oid(args, 0)).cloned();
        Ok(found.map_or(Datum::Null, |relation| Datum::Bool(is_publishable(&relation))))
    }),
];

pub(super) const SETS: &[(&str, SetFn)] =
    &[("pg_get_publication_tables", publication_tables), ("pg_stats_ext_mcvlist_items", common_rows)];

/// The combinations of a list of frequent ones.
fn common_rows(_: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    let items = match args.first() {
        Some(Datum::Bytea(bytes)) => common_items(bytes),
        _ => Vec::new(),
    };
    let row = |(index, item): (usize, CommonItem)| {
        let nulls = item.values.iter().map(|value| Datum::Bool(value.is_none())).collect();
        let values = item.values.iter().map(|value| value.as_deref().map_or(Datum::Null, Datum::text)).collect();
        vec![
            Datum::Int4(index as i32),
            Datum::Array(Arc::new(Array::vector(oids::TEXT, values))),
            Datum::Array(Arc::new(Array::vector(oids::BOOL, nulls))),
            Datum::Float8(item.frequency),
            Datum::Float8(item.base_frequency),
        ]
    };
    Ok(records("pg_stats_ext_mcvlist_items", items.into_iter().enumerate().map(row).collect()))
}

fn found(env: &StatementEnv, oid: Oid) -> Option<(Arc<Definition>, StatisticsInfo)> {
    let own = env.catalog.definition(oid)?.clone();
    let info = own.statistics()?.clone();
    Some((own, info))
}

fn answer(
    cx: &CallContext<'_>,
    args: &[Datum],
    show: impl Fn(&StatementEnv, &Definition, &StatisticsInfo) -> Option<String>,
) -> Result<Datum> {
    let env = session(cx)?;
    let shown = found(env, oid(args, 0)).and_then(|(own, info)| show(env, &own, &info));
    Ok(shown.map_or(Datum::Null, Datum::text))
}

/// `CREATE STATISTICS schema.name (kinds) ON … FROM table`.
fn whole(env: &StatementEnv, own: &Definition, info: &StatisticsInfo) -> Option<String> {
    let schema = env.catalog.schema(own.namespace)?;
    let has = |letter: u8| info.kinds.contains(&letter);
    let names = [(b'd', "ndistinct"), (b'f', "dependencies"), (b'm', "mcv")];
    let kinds: Vec<&str> = names.iter().filter(|(letter, _)| has(*letter)).map(|(_, name)| *name).collect();
    let single = info.columns.len() + info.expressions.len() < 2;
    let kinds = match kinds.len() == names.len() || single {
        true => String::new(),
        false => format!(" ({})", kinds.join(", ")),
    };
    let table = env.catalog.relation(info.relation)?;
    Some(format!(
        "CREATE STATISTICS {}.{}{kinds} ON {} FROM {}",
        quote_identifier(&schema.name),
        quote_identifier(&own.name),
        columns(env, own, info)?,
        super::definition::relation_name(env, table, false)
    ))
}

fn columns(env: &StatementEnv, _: &Definition, info: &StatisticsInfo) -> Option<String> {
    let table = env.catalog.relation(info.relation)?;
    let name = |attnum: &i16| table.column(*attnum).map(|column| quote_identifier(&column.name).into_owned());
    let columns = info.columns.iter().filter_map(name);
    let expressions = info.expressions.iter().map(|stored| index_expression(env, table, stored, true));
    Some(columns.chain(expressions).collect::<Vec<_>>().join(", "))
}

fn expressions(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let Some((_, info)) = found(env, oid(args, 0)).filter(|(_, info)| !info.expressions.is_empty()) else {
        return Ok(Datum::Null);
    };
    let Some(table) = env.catalog.relation(info.relation) else { return Ok(Datum::Null) };
    let shown = info.expressions.iter().map(|stored| super::definition::expression(env, table, stored, false));
    Ok(Datum::Array(Arc::new(Array::vector(oids::TEXT, shown.map(Datum::text).collect()))))
}

/// Tables, columns and conditions of a publication. 42704.
fn publication_tables(cx: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    let env = session(cx)?;
    let name = text(args, 0);
    let Some(own) = env.catalog.definition_in(DefinitionKind::Publication, Oid::INVALID, name).cloned() else {
        let message = format!("publication \"{name}\" does not exist");
        return Err(Error::new(SqlState::UNDEFINED_OBJECT, message));
    };
    let row = |relation: Oid| {
        let listed = own.publication().and_then(|info| info.tables.iter().find(|table| table.relation == relation));
        let columns = listed.and_then(|table| table.columns.clone()).or_else(|| {
            let relation = env.catalog.relation(relation)?;
            Some(relation.live_columns().map(|(attnum, _)| attnum).collect())
        });
        let condition = listed.and_then(|table| table.condition.clone());
        vec![
            Datum::Oid(relation.0),
            columns.map_or(Datum::Null, attnum_vector),
            condition.map_or(Datum::Null, Datum::Text),
        ]
    };
    Ok(records("pg_get_publication_tables", published(&env.catalog, &own).into_iter().map(row).collect()))
}
