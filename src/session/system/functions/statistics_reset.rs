//! `pg_stat_reset` and its kind, and `pg_stat_slru`, of which the moments of resets are all there is.

use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Datum, Error, Oid, Result, SqlState};

use super::arguments::{oid, records, session, text};
use super::statistics::database_named;
use super::wal::{archiver_counters, wal_counters};
use crate::clock::now_micros;
use crate::statistics_resets::{DatabaseMark, Mark, ResetTarget, TupleCounts};

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_stat_reset", reset),
    ("pg_stat_reset_shared", reset_shared),
    ("pg_stat_reset_slru", reset_slru),
    ("pg_stat_reset_single_table_counters", reset_table),
    ("pg_stat_reset_single_function_counters", reset_function),
    ("pg_stat_have_stats", have_stats),
];

pub(super) const SETS: &[(&str, SetFn)] = &[("pg_stat_get_slru", slru)];

/// PostgreSQL's caches of transaction states; none of them is here.
const SLRUS: [&str; 8] =
    ["CommitTs", "MultiXactMember", "MultiXactOffset", "Notify", "Serial", "Subtrans", "Xact", "other"];

/// Kinds of statistics that there are once, or for each object (`pgstat.c`).
const FIXED_KINDS: [&str; 5] = ["archiver", "bgwriter", "checkpointer", "slru", "wal"];

const VOID: fn() -> Datum = || Datum::text("");

/// All counters of the database.
fn reset(cx: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let (shared, instance) = (&env.shared, &env.shared.instance);
    let database = &shared.database;
    let mut tables = TupleCounts::default();
    for relation in database.catalog.current().relations() {
        if let Some(table) = instance.storage.table(relation.storage) {
            let counts = TupleCounts::of(&table.stats());
            instance.statistics_resets.reset_table(relation.storage, counts);
            tables = tables.plus(counts);
        }
    }
    instance.function_statistics.reset(None, database.oid);
    instance.statistics_resets.keep_tables(|storage| instance.storage.table(storage).is_some());
    let name = database.name.clone();
    let mark = DatabaseMark {
        at: now_micros(),
        totals: instance.backends.totals_of(&name),
        sessions: instance.backends.sessions_of(&name),
        tables,
    };
    instance.statistics_resets.reset_database(database.oid, mark);
    Ok(VOID())
}

fn reset_table(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let instance = &env.shared.instance;
    let relation = env.catalog.relation(oid(args, 0));
    if let Some((relation, table)) =
        relation.and_then(|relation| Some((relation, instance.storage.table(relation.storage)?)))
    {
        instance.statistics_resets.reset_table(relation.storage, TupleCounts::of(&table.stats()));
    }
    // What all databases have in common counts for none of them.
    let database = if relation.is_some_and(|own| own.is_shared()) { Oid::INVALID } else { env.shared.database.oid };
    instance.statistics_resets.touch_database(database, now_micros());
    Ok(VOID())
}

fn reset_function(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let shared = &session(cx)?.shared;
    shared.instance.function_statistics.reset(Some(oid(args, 0)), shared.database.oid);
    shared.instance.statistics_resets.touch_database(shared.database.oid, now_micros());
    Ok(VOID())
}

/// 22023.
fn reset_shared(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let (target, counters) = match text(args, 0) {
        "archiver" => (ResetTarget::Archiver, archiver_counters(cx)?.to_vec()),
        "bgwriter" => (ResetTarget::Bgwriter, Vec::new()),
        "recovery_prefetch" => (ResetTarget::RecoveryPrefetch, Vec::new()),
        "wal" => (ResetTarget::Wal, wal_counters(cx)?.to_vec()),
        other => {
            let message = format!("unrecognized reset target: \"{other}\"");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
                .hint("Target must be \"archiver\", \"bgwriter\", \"recovery_prefetch\", or \"wal\"."));
        }
    };
    session(cx)?.shared.instance.statistics_resets.reset_shared(target, Mark { at: now_micros(), counters });
    Ok(VOID())
}

/// One of them or, for NULL, all; an unknown name is for the others.
fn reset_slru(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let resets = &session(cx)?.shared.instance.statistics_resets;
    let mark = Mark { at: now_micros(), counters: Vec::new() };
    match args.first() {
        Some(Datum::Text(name)) => {
            let known = SLRUS.iter().find(|own| own.eq_ignore_ascii_case(name));
            resets.reset_shared(ResetTarget::Slru(known.copied().unwrap_or("other")), mark);
        }
        _ => SLRUS.iter().for_each(|own| resets.reset_shared(ResetTarget::Slru(own), mark.clone())),
    }
    Ok(VOID())
}

fn slru(cx: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let instance = &session(cx)?.shared.instance;
    let row = |name: &&'static str| {
        let at = instance.statistics_resets.shared(ResetTarget::Slru(name)).map_or(instance.started, |mark| mark.at);
        let mut row = vec![Datum::text(*name)];
        row.extend((0..7).map(|_| Datum::Int8(0)));
        row.push(Datum::Timestamp(at));
        row
    };
    Ok(records("pg_stat_get_slru", SLRUS.iter().map(row).collect()))
}

/// Whether there are statistics of a kind, for an object of a database where there is one of them for each. 22023.
fn have_stats(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let kind = text(args, 0);
    let (database, object) = (oid(args, 1), oid(args, 2));
    let here = database == env.shared.database.oid;
    let found = match kind.to_ascii_lowercase().as_str() {
        fixed if FIXED_KINDS.contains(&fixed) => true,
        "database" => {
            let known = database == Oid::INVALID || database_named(&env.shared.instance, database).is_some();
            known && object == Oid::INVALID
        }
        "relation" => here && env.catalog.relation(object).is_some(),
        "function" => {
            let (instance, catalog) = (&env.shared.instance, env.shared.database.catalog.current());
            here && instance.function_statistics.of(object, database, &catalog).is_some()
        }
        "replslot" | "subscription" => false,
        _ => {
            let message = format!("invalid statistics kind: \"{kind}\"");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
    };
    Ok(Datum::Bool(found))
}
