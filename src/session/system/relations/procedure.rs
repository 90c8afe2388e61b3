//! `pg_proc`: the functions PostgreSQL is born with and those that users made.

use dictdb_catalog::{PROC_CLASS, Routine};
use dictdb_functions::facts::{ArgMode, Parallel, ProcKind, Volatility};
use dictdb_types::{Array, Datum, Oid, oids};

use super::super::described::variadic;
use super::super::exported;
use super::super::output::{NULL, Output, acl, oid_array, oid_vector, options, row, text_array};
use super::{Source, first_oid, push_exported};

/// Functions, procedures and aggregates.
pub fn pg_proc(source: &Source<'_>, out: &mut Output<'_>) {
    match out.wanted_oid(1) {
        Some(oid) if oid >= Oid::FIRST_NORMAL => {
            source.catalog.routine(oid).into_iter().for_each(|routine| push(source, routine, out));
        }
        _ => {
            push_built_in(source, out);
            source.catalog.routines().for_each(|routine| push(source, routine, out));
        }
    }
}

/// The built-in ones; some have been given other lists of who may execute them.
fn push_built_in(source: &Source<'_>, out: &mut Output<'_>) {
    let changed = |oid: Oid| source.catalog.acl_of(PROC_CLASS, oid);
    if out.wanted_oid(1).is_some_and(|oid| changed(oid).is_none()) {
        return push_exported(exported::rows("pg_proc"), out);
    }
    for row in exported::rows("pg_proc") {
        match changed(first_oid(row)) {
            None => out.push(row),
            Some(list) => {
                let mut row = row.to_vec();
                row.pop();
                row.push(acl(Some(list)));
                out.push(&row);
            }
        }
    }
}

fn push(source: &Source<'_>, routine: &Routine, out: &mut Output<'_>) {
    let kind = match routine.kind {
        ProcKind::Function => 'f',
        ProcKind::Procedure => 'p',
        ProcKind::Aggregate => 'a',
        ProcKind::Window => 'w',
    };
    let volatility = match routine.volatility {
        Volatility::Immutable => 'i',
        Volatility::Stable => 's',
        Volatility::Volatile => 'v',
    };
    let parallel = match routine.parallel {
        Parallel::Safe => 's',
        Parallel::Restricted => 'r',
        Parallel::Unsafe => 'u',
    };
    let named = routine.params.iter().any(|parameter| !parameter.name.is_empty());
    let names: Vec<_> = routine.params.iter().map(|parameter| parameter.name.clone()).collect();
    let defaults: Vec<_> = routine.params.iter().filter_map(|p| p.default.as_ref().map(|(text, _)| &**text)).collect();
    row!(out;
        routine.oid, &routine.name, routine.namespace, routine.owner, routine.language_oid(), routine.cost, routine.rows,
        variadic(source.catalog, routine), Oid::INVALID, kind, routine.security_definer, routine.leakproof,
        routine.strict, routine.returns_set, volatility, parallel, routine.args.len() as i16,
        routine.default_count() as i16, routine.result, oid_vector(routine.args.iter().copied()),
        if routine.all_args.is_empty() { NULL } else { oid_array(routine.all_args.iter().copied()) },
        modes(&routine.modes), if named { text_array(oids::TEXT, &names) } else { NULL },
        (!defaults.is_empty()).then(|| defaults.join(", ")), NULL, &routine.source, routine.library.clone(),
        routine.body.as_ref().map(|body| body.shown.clone()), options(&routine.config), acl(routine.acl.as_deref()),
    );
}

fn modes(modes: &[ArgMode]) -> Datum {
    if modes.is_empty() {
        return NULL;
    }
    let letter = |mode: &ArgMode| match mode {
        ArgMode::In => "i",
        ArgMode::Out => "o",
        ArgMode::InOut => "b",
        ArgMode::Variadic => "v",
        ArgMode::Table => "t",
    };
    let items = modes.iter().map(|mode| Datum::text(letter(mode))).collect();
    Datum::Array(Array::vector(oids::CHAR, items).into())
}
