//! The functions of the extension `pg_stat_statements`.

use dictdb_functions::kernel::{CallContext, ScalarFn};
use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_types::{Datum, Error, Numeric, Oid, Record, Result, SqlState, oids};

use super::{Counted, Place};
use crate::StatementEnv;

/// Scalar functions by symbol.
pub(crate) const FUNCTIONS: &[(&str, ScalarFn)] =
    &[("pg_stat_statements_info", info), ("pg_stat_statements_reset_1_7", reset)];

/// Set-returning functions by symbol.
pub(crate) const SETS: &[(&str, SetFn)] = &[("pg_stat_statements_1_10", statements)];

/// Columns that count blocks, written-ahead bytes and compiled code: there are none of these here.
const TYPES_AFTER_ROWS: &[Oid] = &[
    oids::INT8,
    oids::INT8,
    oids::INT8,
    oids::INT8,
    oids::INT8,
    oids::INT8,
    oids::INT8,
    oids::INT8,
    oids::INT8,
    oids::INT8,
    oids::FLOAT8,
    oids::FLOAT8,
    oids::FLOAT8,
    oids::FLOAT8,
    oids::INT8,
    oids::INT8,
    oids::NUMERIC,
    oids::INT8,
    oids::FLOAT8,
    oids::INT8,
    oids::FLOAT8,
    oids::INT8,
    oids::FLOAT8,
    oids::INT8,
    oids::FLOAT8,
];

fn session<'a>(cx: &CallContext<'a>) -> Result<&'a StatementEnv> {
    let env = cx.env.as_any().downcast_ref::<StatementEnv>();
    env.ok_or_else(|| Error::internal("pg_stat_statements outside a session"))
}

/// Superusers and members of `pg_read_all_stats` see the statements of others.
fn sees_all_statistics(env: &StatementEnv) -> bool {
    env.has_privileges_of("pg_read_all_stats")
}

fn record(columns: Vec<(Oid, Datum)>) -> Datum {
    let (types, fields) = columns.into_iter().unzip();
    Datum::Record(Record { ty: oids::RECORD, types, fields, names: None }.into())
}

fn statements(cx: &CallContext<'_>, args: &[Datum]) -> Result<Rows> {
    let env = session(cx)?;
    let with_text = matches!(args.first(), Some(Datum::Bool(true)));
    let shared = &env.shared;
    let role = env.catalog.role_named(&shared.current_user()).map(|role| role.oid);
    let sees_all = sees_all_statistics(env);
    let found = shared.instance.statement_statistics.all();
    let rows = found.into_iter().map(|(place, counted)| {
        let visible = sees_all || Some(place.role) == role;
        Ok(row(place, &counted, visible, with_text))
    });
    Ok(Box::new(rows.collect::<Vec<_>>().into_iter()))
}

fn row(place: Place, counted: &Counted, visible: bool, with_text: bool) -> Datum {
    let float = |value: f64| (oids::FLOAT8, Datum::Float8(value));
    let int = |value: u64| (oids::INT8, Datum::Int8(value as i64));
    let text = match (visible, with_text) {
        (true, true) => Datum::Text(counted.text.clone()),
        (false, true) => Datum::text("<insufficient privilege>"),
        (_, false) => Datum::Null,
    };
    let query = if visible { Datum::Int8(place.query) } else { Datum::Null };
    let mut columns = vec![
        (oids::OID, Datum::Oid(place.role.0)),
        (oids::OID, Datum::Oid(place.database.0)),
        (oids::BOOL, Datum::Bool(true)),
        (oids::INT8, query),
        (oids::TEXT, text),
        int(0),
    ];
    columns.extend([0.0; 5].map(float));
    columns.push(int(counted.calls));
    let times = [counted.total, counted.min, counted.max, counted.mean, counted.deviation()];
    columns.extend(times.map(float));
    columns.push(int(counted.rows));
    columns.extend(TYPES_AFTER_ROWS.iter().map(|ty| match *ty {
        oids::FLOAT8 => float(0.0),
        oids::NUMERIC => (oids::NUMERIC, Datum::Numeric(Numeric::new(0, 0))),
        _ => int(0),
    }));
    record(columns)
}

fn info(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    let (dropped, reset_at) = session(cx)?.shared.instance.statement_statistics.info();
    Ok(record(vec![(oids::INT8, Datum::Int8(dropped as i64)), (oids::TIMESTAMPTZ, Datum::Timestamp(reset_at))]))
}

/// 42501 is left to the privileges of the function, which only a superuser has at first.
fn reset(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let oid = |at: usize| match args.get(at) {
        Some(Datum::Oid(oid)) => Ok(Oid(*oid)),
        _ => Err(Error::new(SqlState::INTERNAL_ERROR, "an oid was resolved")),
    };
    let query = match args.get(2) {
        Some(Datum::Int8(query)) => *query,
        _ => 0,
    };
    session(cx)?.shared.instance.statement_statistics.reset(oid(0)?, oid(1)?, query);
    Ok(Datum::text(""))
}
