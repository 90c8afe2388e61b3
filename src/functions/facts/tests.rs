//! The exported tables are whole, and their views find what PostgreSQL finds.

use dictdb_types::Oid;

use super::*;

#[test]
fn every_row_has_as_many_fields_as_the_header() {
    for name in TABLE_NAMES {
        let table = table(name).unwrap();
        let width = table.columns().count();
        for (number, mut row) in table.rows().enumerate() {
            let fields = std::iter::from_fn(|| row.field()).count();
            assert_eq!(fields, width, "{name}, row {}", number + 1);
        }
    }
}

/// The schema of functions that are not PostgreSQL's.
const DICTDB: Oid = Oid(9900);

#[test]
fn tables_are_whole() {
    let counts = [
        procs().iter().filter(|proc| proc.namespace != DICTDB).count(),
        operators().len(),
        casts().len(),
        aggregates().len(),
        opclasses().len(),
    ];
    assert_eq!(counts, [3244, 799, 229, 148, 177]);
    assert!(procs().is_sorted_by_key(|p| p.oid));
    assert!(operators().is_sorted_by_key(|o| o.oid));
    assert!(aggregates().iter().all(|a| proc_by_oid(a.oid).is_some_and(|p| p.kind == ProcKind::Aggregate)));
    assert!(operators().iter().all(|o| proc_by_oid(o.code).is_some()));
    for cast in casts() {
        if let CastMethod::Function(function) = cast.method {
            assert!(proc_by_oid(function).is_some(), "{cast:?}");
        }
    }
}

#[test]
fn lookups_by_name() {
    assert_eq!(procs_named("abs").map(|p| p.oid.0).collect::<Vec<_>>(), [1394, 1395, 1396, 1397, 1398, 1705]);
    assert_eq!(procs_named("no such").count(), 0);
    assert_eq!(operators_named("!~~").map(|o| o.oid.0).collect::<Vec<_>>(), [1208, 1210, 1212, 2017]);
    assert_eq!(cast(Oid(23), Oid(20)).map(|c| c.context), Some(CastContext::Implicit));
    assert!(procs_with_source("int4pl").all(|p| p.oid == Oid(177)));
    assert_eq!(description(ids::PG_PROC, Oid(177)).as_deref(), Some("implementation of + operator"));
}

#[test]
fn parameters_and_bodies() {
    let insert = procs_named("jsonb_insert").next().unwrap();
    assert_eq!(insert.defaults, Some("false"));
    assert_eq!(insert.arg_names.as_deref().unwrap()[3], "insert_after");
    let lpad = procs_named("lpad").find(|p| p.args.len() == 2).unwrap();
    assert_eq!(lpad.body().unwrap(), "RETURN lpad($1, $2, ' '::text)");
    let expand = procs_named("_pg_expandarray").next().unwrap();
    assert!(expand.body().unwrap().starts_with("select $1[s],\n        s operator"));
    assert_eq!(expand.arg_modes.as_deref(), Some([ArgMode::In, ArgMode::Out, ArgMode::Out].as_slice()));
    assert!(proc_by_oid(Oid(177)).unwrap().body().is_none());
}

#[test]
fn every_table_loads() {
    let counts = [
        procs().iter().filter(|proc| proc.namespace != DICTDB).count(),
        operators().len(),
        casts().len(),
        aggregates().len(),
        opclasses().len(),
    ];
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    assert!(description(ids::PG_PROC, Oid(177)).is_some());
}
