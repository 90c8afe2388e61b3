//! `pg_available_extensions` and its like.

use dictdb_functions::CallContext;
use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_types::{Array, Datum, Record, Result, oids};

use super::control::{CONTROLS, Control};

/// Functions by `prosrc`.
pub(crate) const SETS: &[(&str, SetFn)] = &[
    ("pg_available_extensions", extensions),
    ("pg_available_extension_versions", versions),
    ("pg_extension_update_paths", update_paths),
];

fn rows(columns: &[dictdb_types::Oid], row: impl Fn(&Control) -> Vec<Datum>) -> Result<Rows> {
    let record = |control: &Control| {
        let fields = row(control);
        Ok(Datum::Record(Record { ty: oids::RECORD, types: columns.to_vec(), fields, names: None }.into()))
    };
    Ok(Box::new(CONTROLS.iter().map(record).collect::<Vec<_>>().into_iter()))
}

fn extensions(_: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    rows(&[oids::NAME, oids::TEXT, oids::TEXT], |control| {
        vec![Datum::text(control.name), Datum::text(control.version), Datum::text(control.comment)]
    })
}

fn versions(_: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let (bool, name, text) = (oids::BOOL, oids::NAME, oids::TEXT);
    rows(&[name, text, bool, bool, bool, name, oids::NAME_ARRAY, text], |control| {
        let requires = control.requires.iter().map(|name| Datum::text(*name)).collect::<Vec<_>>();
        vec![
            Datum::text(control.name),
            Datum::text(control.version),
            Datum::Bool(control.superuser),
            Datum::Bool(control.trusted),
            Datum::Bool(control.relocatable),
            control.schema.map_or(Datum::Null, Datum::text),
            match requires.is_empty() {
                true => Datum::Null,
                false => Datum::Array(Array::vector(oids::NAME, requires).into()),
            },
            Datum::text(control.comment),
        ]
    })
}

/// Every extension has one version, so that there are no paths.
fn update_paths(_: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    Ok(Box::new(std::iter::empty()))
}
