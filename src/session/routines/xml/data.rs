//! Contents as XML.

use dictdb_functions::CallContext;
use dictdb_functions::xml::value_to_xml;
use dictdb_types::{Datum, Field, Result};
use dictdb_xml::names::{Escaping, from_identifier};

use super::Schema;
use super::schema::Layout;
use super::source::{self, Found, Table};

const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// How the result is to look.
pub(super) struct Form<'a> {
    /// NULLs are elements with `xsi:nil`; otherwise they are left out.
    pub nulls: bool,
    /// Each row is an element named after the table; otherwise rows are inside of one.
    pub forest: bool,
    /// The namespace of the elements; may be empty.
    pub namespace: &'a str,
}

impl<'a> Form<'a> {
    /// The arguments from one on.
    pub fn of(args: &'a [Datum], first: usize) -> Form<'a> {
        let is_set = |index: usize| matches!(args.get(index), Some(Datum::Bool(true)));
        Form { nulls: is_set(first), forest: is_set(first + 1), namespace: super::text(args, first + 2) }
    }
}

/// An identifier as the name of an element.
pub(super) fn element_name(identifier: &str) -> String {
    from_identifier(identifier, Escaping::FULL)
}

fn start_root(out: &mut String, name: &str, schema: Option<&str>, form: &Form<'_>, top: bool) {
    out.push_str(&format!("<{name}"));
    if top {
        out.push_str(&format!(" xmlns:xsi=\"{XSI}\""));
    }
    let namespace = form.namespace;
    if !namespace.is_empty() {
        out.push_str(&format!(" xmlns=\"{namespace}\""));
    }
    match schema {
        Some(_) if namespace.is_empty() => out.push_str(" xsi:noNamespaceSchemaLocation=\"#\""),
        Some(_) => out.push_str(&format!(" xsi:schemaLocation=\"{namespace} #\"")),
        None => {}
    }
    out.push_str(">\n");
}

fn end_root(out: &mut String, name: &str) {
    out.push_str(&format!("</{name}>\n"));
}

/// The schema inside of the data.
fn include_schema(out: &mut String, schema: Option<&str>) {
    if let Some(schema) = schema {
        out.push_str(schema);
        out.push_str("\n\n");
    }
}

/// The rows of a table.
pub(super) fn of_table(
    cx: &CallContext<'_>,
    table: &Table,
    schema: Option<&str>,
    form: &Form<'_>,
    top: bool,
) -> Result<String> {
    let found = source::query(cx, &source::all_of(cx, table))?;
    of_rows(cx, &found, Some(&table.name), schema, form, top)
}

/// Rows, of a table of this name.
pub(super) fn of_rows(
    cx: &CallContext<'_>,
    found: &Found,
    table: Option<&str>,
    schema: Option<&str>,
    form: &Form<'_>,
    top: bool,
) -> Result<String> {
    let root = table.map_or_else(|| "table".to_owned(), element_name);
    let mut out = String::new();
    if !form.forest {
        start_root(&mut out, &root, schema, form, top);
        out.push('\n');
    }
    include_schema(&mut out, schema);
    let row_name = table.map_or_else(|| "row".to_owned(), element_name);
    let names: Vec<String> = found.columns.iter().map(|column| element_name(&column.name)).collect();
    for row in &found.rows {
        match form.forest {
            true => start_root(&mut out, &row_name, None, form, top),
            false => out.push_str("<row>\n"),
        }
        for ((field, name), value) in found.columns.iter().zip(&names).zip(row.iter()) {
            column(cx, field, name, value, form, &mut out)?;
        }
        match form.forest {
            true => end_root(&mut out, &row_name),
            false => out.push_str("</row>\n"),
        }
        out.push('\n');
        dictdb_functions::check_growth(out.len(), 0)?;
    }
    if !form.forest {
        end_root(&mut out, &root);
    }
    Ok(out)
}

fn column(
    cx: &CallContext<'_>,
    field: &Field,
    name: &str,
    value: &Datum,
    form: &Form<'_>,
    out: &mut String,
) -> Result<()> {
    if !value.is_null() {
        let value = value_to_xml(cx, value, field.ty, true)?;
        out.push_str(&format!("  <{name}>{value}</{name}>\n"));
    } else if form.nulls {
        out.push_str(&format!("  <{name} xsi:nil=\"true\"/>\n"));
    }
    Ok(())
}

/// Documents one after the other inside an element of a name.
fn enclosed(
    name: &str,
    structure: Option<&str>,
    form: &Form<'_>,
    top: bool,
    parts: impl Iterator<Item = Result<String>>,
) -> Result<String> {
    let name = element_name(name);
    let mut out = String::new();
    start_root(&mut out, &name, structure, form, top);
    out.push('\n');
    include_schema(&mut out, structure);
    for part in parts {
        out.push_str(&part?);
        out.push('\n');
    }
    end_root(&mut out, &name);
    Ok(out)
}

/// All tables of a schema.
pub(super) fn of_schema(
    cx: &CallContext<'_>,
    schema: &Schema,
    structure: Option<&str>,
    form: &Form<'_>,
    top: bool,
) -> Result<String> {
    // The namespace is that of the elements around them.
    let inner = Form { namespace: "", ..*form };
    let tables = schema.tables.iter().map(|table| of_table(cx, table, None, &inner, false));
    enclosed(&schema.name, structure, form, top, tables)
}

/// All schemas of the database.
pub(super) fn of_database(
    cx: &CallContext<'_>,
    layout: &Layout,
    structure: Option<&str>,
    form: &Form<'_>,
) -> Result<String> {
    let inner = Form { namespace: "", ..*form };
    let schemas = layout.schemas.iter().map(|schema| of_schema(cx, schema, None, &inner, false));
    enclosed(&layout.database, structure, form, true, schemas)
}
