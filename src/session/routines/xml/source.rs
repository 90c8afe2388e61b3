//! What the functions read: the rows of queries and cursors, the tables that the role may see.

use std::sync::Arc;

use dictdb_functions::CallContext;
use dictdb_parser::ast::Ident;
use dictdb_parser::utility::{Fetch, FetchDirection};
use dictdb_types::{Datum, Error, Field, Oid, RegKind, Result, SqlState};

use super::Schema;
use crate::client::Row;
use crate::portal::Outcome;
use crate::prepared::Source;
use crate::{Session, StatementEnv};

/// Schemas that are nobody's own.
const OWN_SCHEMAS: &str = "pg_catalog.has_schema_privilege(oid, 'USAGE') \
    AND NOT (nspname ~ '^pg_' OR nspname = 'information_schema')";

/// Rows with their columns.
pub(super) struct Found {
    pub columns: Vec<Field>,
    pub rows: Vec<Row>,
}

/// A table, view or materialized view.
pub(super) struct Table {
    pub oid: Oid,
    pub schema: String,
    pub name: String,
    pub columns: Vec<Field>,
}

fn environment<'a>(cx: &CallContext<'a>) -> Result<&'a StatementEnv> {
    super::super::session(cx)
}

/// The rows of a query. 22000 for what is no query.
pub(super) fn query(cx: &CallContext<'_>, text: &str) -> Result<Found> {
    environment(cx)?.shared.in_session(|session| session.rows_of(text))
}

/// The next rows of a cursor, or its columns alone. 34000.
pub(super) fn cursor(cx: &CallContext<'_>, name: &str, count: Option<i64>) -> Result<Found> {
    environment(cx)?.shared.in_session(|session| session.rows_of_cursor(name, count))
}

/// 42P01.
pub(super) fn table(cx: &CallContext<'_>, oid: Oid) -> Result<Table> {
    let env = environment(cx)?;
    let relation = env
        .catalog
        .relation(oid)
        .ok_or_else(|| Error::new(SqlState::UNDEFINED_TABLE, format!("relation with OID {oid} does not exist")))?;
    let schema = schema_name(cx, relation.namespace)?;
    let columns = relation.live_columns().map(|(_, column)| Field { name: column.name.clone(), ty: column.ty });
    Ok(Table { oid, schema, name: relation.name.to_string(), columns: columns.collect() })
}

/// The name of a schema.
pub(super) fn schema_name(cx: &CallContext<'_>, oid: Oid) -> Result<String> {
    let found = environment(cx)?.catalog.schema(oid).map(|schema| schema.name.to_string());
    found.ok_or_else(|| Error::internal(format!("cache lookup failed for namespace {oid}")))
}

/// A schema with the tables in it that the role may read. 3F000.
pub(super) fn schema(cx: &CallContext<'_>, name: &str) -> Result<Schema> {
    let namespace = environment(cx)?.reg_in_namespace(name)?;
    let text = format!(
        "SELECT oid FROM pg_catalog.pg_class WHERE relnamespace = {namespace} AND relkind IN ('r', 'm', 'v') \
         AND pg_catalog.has_table_privilege(oid, 'SELECT') ORDER BY relname"
    );
    let tables = oids(cx, &text)?.into_iter().map(|oid| table(cx, oid)).collect::<Result<_>>()?;
    Ok(Schema { name: name.to_owned(), tables })
}

/// The schemas of the database that the role may use.
pub(super) fn schemas(cx: &CallContext<'_>) -> Result<Vec<Schema>> {
    let text = format!("SELECT nspname FROM pg_catalog.pg_namespace WHERE {OWN_SCHEMAS} ORDER BY nspname");
    let names = query(cx, &text)?.rows.into_iter().filter_map(|row| match row.first() {
        Some(Datum::Text(name)) => Some(name.to_string()),
        _ => None,
    });
    names.map(|name| schema(cx, &name)).collect()
}

fn oids(cx: &CallContext<'_>, text: &str) -> Result<Vec<Oid>> {
    let oid = |row: Row| if let Some(Datum::Oid(oid)) = row.first() { Some(Oid(*oid)) } else { None };
    Ok(query(cx, text)?.rows.into_iter().filter_map(oid).collect())
}

/// The query for all of a table.
pub(super) fn all_of(cx: &CallContext<'_>, table: &Table) -> String {
    format!("SELECT * FROM {}", cx.env.reg_out(RegKind::Class, table.oid))
}

impl StatementEnv {
    fn reg_in_namespace(&self, name: &str) -> Result<Oid> {
        self.catalog
            .schema_named(name)
            .map(|schema| schema.oid)
            .ok_or_else(|| Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{name}\" does not exist")))
    }
}

impl Session {
    fn rows_of(&mut self, text: &str) -> Result<Found> {
        let source = Arc::new(Source::parse(text).map_err(|error| super::super::about_text(error, text))?);
        let tag = crate::statement::command_tag(&source.parsed.statement);
        if !matches!(tag, "SELECT" | "SHOW" | "EXPLAIN") {
            let message = format!("{tag} is not allowed in a non-volatile function");
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let outcome = self.execute_source(&source, &Arc::default(), None);
        let outcome = outcome.map_err(|error| super::super::about_text(error, text))?;
        let Outcome::Rows { columns, source, .. } = outcome else {
            return Err(Error::new(SqlState::DATA_EXCEPTION, "invalid query"));
        };
        let rows = self.all_rows(source)?;
        let columns = columns.iter().map(|column| Field { name: column.name.clone(), ty: column.ty }).collect();
        Ok(Found { columns, rows })
    }

    fn rows_of_cursor(&mut self, name: &str, count: Option<i64>) -> Result<Found> {
        let mut portal = self.portals.take(name, "cursor")?;
        let begun = self.begin_cursor(&mut portal);
        let lends = portal.calls_routines();
        let fetched = begun.and_then(|()| match count {
            Some(count) => {
                let direction = FetchDirection::Forward(count);
                let fetch = Fetch { is_move: false, direction, cursor: Ident::new(name) };
                self.lend_if(lends, || portal.fetch(&fetch)).map(|fetched| fetched.rows)
            }
            None => Ok(Vec::new()),
        });
        let shape = portal.shape.as_ref().map(|shape| shape.columns.clone());
        self.portals.put(portal);
        let rows = fetched?;
        let columns = shape
            .ok_or_else(|| Error::new(SqlState::INTERNAL_ERROR, format!("portal \"{name}\" does not return tuples")))?;
        let columns = columns.iter().map(|column| Field { name: column.name.clone(), ty: column.ty }).collect();
        Ok(Found { columns, rows })
    }
}
