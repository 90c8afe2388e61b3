//! Tables, queries, cursors, schemas and the database as XML (SQL/XML:2008, sections 9.11 to 9.16): their contents in [`data`],
//! their structure as XML Schema in [`schema`], both from what [`source`] reads.

mod data;
mod schema;
mod source;

use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Datum, Oid, Result};

use data::Form;
use schema::Layout;
use source::Table;

/// Every function of this family, by `pg_proc.prosrc`.
pub(crate) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("table_to_xml", |cx, args| {
        let table = source::table(cx, oid(args, 0))?;
        data::of_table(cx, &table, None, &Form::of(args, 1), true).map(Datum::text)
    }),
    ("table_to_xmlschema", |cx, args| {
        let table = source::table(cx, oid(args, 0))?;
        schema::of_table(cx, Some(&table), &table.columns, &Form::of(args, 1)).map(Datum::text)
    }),
    ("table_to_xml_and_xmlschema", |cx, args| {
        let (table, form) = (source::table(cx, oid(args, 0))?, Form::of(args, 1));
        let schema = schema::of_table(cx, Some(&table), &table.columns, &form)?;
        data::of_table(cx, &table, Some(&schema), &form, true).map(Datum::text)
    }),
    ("query_to_xml", |cx, args| {
        let found = source::query(cx, text(args, 0))?;
        data::of_rows(cx, &found, None, None, &Form::of(args, 1), true).map(Datum::text)
    }),
    ("query_to_xmlschema", |cx, args| {
        let found = source::query(cx, text(args, 0))?;
        schema::of_table(cx, None, &found.columns, &Form::of(args, 1)).map(Datum::text)
    }),
    ("query_to_xml_and_xmlschema", |cx, args| {
        let (found, form) = (source::query(cx, text(args, 0))?, Form::of(args, 1));
        let schema = schema::of_table(cx, None, &found.columns, &form)?;
        data::of_rows(cx, &found, None, Some(&schema), &form, true).map(Datum::text)
    }),
    ("cursor_to_xml", |cx, args| {
        let count = if let Some(Datum::Int4(count)) = args.get(1) { *count } else { 0 };
        let found = source::cursor(cx, text(args, 0), Some(i64::from(count)))?;
        data::of_rows(cx, &found, None, None, &Form::of(args, 2), true).map(Datum::text)
    }),
    ("cursor_to_xmlschema", |cx, args| {
        let found = source::cursor(cx, text(args, 0), None)?;
        schema::of_table(cx, None, &found.columns, &Form::of(args, 1)).map(Datum::text)
    }),
    ("schema_to_xml", |cx, args| {
        let layout = Layout::of_schema(cx, text(args, 0))?;
        data::of_schema(cx, &layout.schemas[0], None, &Form::of(args, 1), true).map(Datum::text)
    }),
    ("schema_to_xmlschema", |cx, args| {
        Layout::of_schema(cx, text(args, 0))?.written(cx, &Form::of(args, 1)).map(Datum::text)
    }),
    ("schema_to_xml_and_xmlschema", |cx, args| {
        let (layout, form) = (Layout::of_schema(cx, text(args, 0))?, Form::of(args, 1));
        let schema = layout.written(cx, &form)?;
        data::of_schema(cx, &layout.schemas[0], Some(&schema), &form, true).map(Datum::text)
    }),
    ("database_to_xml", |cx, args| {
        let layout = Layout::of_database(cx)?;
        data::of_database(cx, &layout, None, &Form::of(args, 0)).map(Datum::text)
    }),
    ("database_to_xmlschema", |cx, args| Layout::of_database(cx)?.written(cx, &Form::of(args, 0)).map(Datum::text)),
    ("database_to_xml_and_xmlschema", |cx, args| {
        let (layout, form) = (Layout::of_database(cx)?, Form::of(args, 0));
        let schema = layout.written(cx, &form)?;
        data::of_database(cx, &layout, Some(&schema), &form).map(Datum::text)
    }),
];

/// A schema with its tables.
struct Schema {
    name: String,
    tables: Vec<Table>,
}

fn oid(args: &[Datum], index: usize) -> Oid {
    if let Some(Datum::Oid(oid)) = args.get(index) { Oid(*oid) } else { Oid::INVALID }
}

fn text(args: &[Datum], index: usize) -> &str {
    if let Some(Datum::Text(text)) = args.get(index) { text } else { "" }
}

/// The name of the database that a call is in.
fn database(cx: &CallContext<'_>) -> Result<String> {
    Ok(super::session(cx)?.shared.database.name.to_string())
}
