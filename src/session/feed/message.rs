//! Changes as JSON, one object a row.
//!
//! ```text
//!   {"operation":"UPDATE","schema":"public","table":"t","old_key":{"id":1},"row":{"id":1,"v":"b"},
//!    "transaction":742,"commit":90,"lsn":"0/1A2B3C"}
//! ```
//! `old_key` has the primary key's columns before the change, all columns where there is no primary key, and is null for INSERT;
//! `row` is null for DELETE and TRUNCATE. Values look as `to_json` writes them. `commit` counts commits, `lsn` is where the log has the
//! transaction, null when nothing is logged.

use std::fmt::Write;
use std::sync::{Arc, OnceLock};

use dictdb_backup::Surroundings;
use dictdb_catalog::{Catalog, Column, ConstraintKind, Relation};
use dictdb_functions::kernel::{self, CallContext, ScalarFn};
use dictdb_storage::{CommitMoment, RowChange};
use dictdb_types::{Datum, Error, Result, Type, json, oids};

/// What one transaction did to a table.
pub(super) struct Batch {
    pub(super) catalog: Arc<Catalog>,
    pub(super) relation: Arc<Relation>,
    pub(super) moment: CommitMoment,
    /// The table was emptied before the rows.
    pub(super) is_truncated: bool,
    pub(super) rows: Vec<RowChange>,
    pub(super) messages: OnceLock<Result<Arc<[Arc<str>]>>>,
}

impl Batch {
    /// Its messages, made once for all listeners.
    pub(super) fn messages(&self) -> Result<Arc<[Arc<str>]>> {
        self.messages.get_or_init(|| self.write_all()).clone()
    }

    fn write_all(&self) -> Result<Arc<[Arc<str>]>> {
        let writer = Writer::new(self)?;
        let mut messages: Vec<Arc<str>> = Vec::with_capacity(self.rows.len() + 1);
        if self.is_truncated {
            messages.push(writer.message("TRUNCATE", None, None)?);
        }
        for row in &self.rows {
            let operation = match (&row.old_key, &row.new) {
                (None, _) => "INSERT",
                (Some(_), Some(_)) => "UPDATE",
                (Some(_), None) => "DELETE",
            };
            messages.push(writer.message(operation, row.old_key.as_deref(), row.new.as_deref())?);
        }
        Ok(messages.into())
    }
}

/// The columns whose old values name a row: those of the primary key, or all.
pub(super) fn key_columns(relation: &Relation) -> Vec<&Column> {
    let key = match relation.primary_key().map(|constraint| &constraint.kind) {
        Some(ConstraintKind::Primary { columns, .. }) => columns.as_slice(),
        _ => &[],
    };
    match key {
        [] => relation.live_columns().map(|(_, column)| column).collect(),
        key => key.iter().filter_map(|attnum| relation.column(*attnum)).collect(),
    }
}

struct Writer<'a> {
    batch: &'a Batch,
    surroundings: Surroundings,
    to_json: ScalarFn,
    key: Vec<&'a Column>,
    head: String,
    tail: String,
}

impl<'a> Writer<'a> {
    fn new(batch: &'a Batch) -> Result<Writer<'a>> {
        let to_json = kernel::scalar("to_json").ok_or_else(|| Error::internal("there is no to_json"))?;
        let schema = batch.catalog.schema(batch.relation.namespace).map(|schema| schema.name.clone());
        let mut head = String::from(",\"schema\":");
        json::write_string(schema.as_deref().unwrap_or_default(), &mut head);
        head.push_str(",\"table\":");
        json::write_string(&batch.relation.name, &mut head);
        let moment = batch.moment;
        let mut tail = format!(",\"transaction\":{},\"commit\":{},\"lsn\":", moment.id.0, moment.ts.0);
        match moment.lsn {
            Some(lsn) => write!(tail, "\"{lsn}\"}}").map_err(|_| Error::internal("a text that takes no more"))?,
            None => tail.push_str("null}"),
        }
        Ok(Writer {
            batch,
            surroundings: Surroundings::new(batch.catalog.clone()),
            to_json,
            key: key_columns(&batch.relation),
            head,
            tail,
        })
    }

    fn message(&self, operation: &str, old_key: Option<&[Datum]>, row: Option<&[Datum]>) -> Result<Arc<str>> {
        let mut out = format!("{{\"operation\":\"{operation}\"{}", self.head);
        out.push_str(",\"old_key\":");
        self.object(old_key.map(|values| self.key.iter().copied().zip(values)), &mut out)?;
        out.push_str(",\"row\":");
        let columns = self.batch.relation.live_columns().map(|(_, column)| column);
        let cells = row.map(|row| columns.map(|column| (column, row.get(column.slot).unwrap_or(&Datum::Null))));
        self.object(cells, &mut out)?;
        out.push_str(&self.tail);
        Ok(out.into())
    }

    fn object<'c>(&self, cells: Option<impl Iterator<Item = (&'c Column, &'c Datum)>>, out: &mut String) -> Result<()> {
        let Some(cells) = cells else {
            out.push_str("null");
            return Ok(());
        };
        for (position, (column, value)) in cells.enumerate() {
            out.push(if position == 0 { '{' } else { ',' });
            json::write_string(&column.name, out);
            out.push(':');
            self.value(column.ty, value, out)?;
        }
        out.push_str(if out.ends_with(':') { "{}" } else { "}" });
        Ok(())
    }

    fn value(&self, ty: Type, value: &Datum, out: &mut String) -> Result<()> {
        if value.is_null() {
            out.push_str("null");
            return Ok(());
        }
        let arguments = [ty];
        let context = CallContext::new(&self.surroundings, &arguments, Type::new(oids::JSON));
        match (self.to_json)(&context, std::slice::from_ref(value))? {
            Datum::Text(text) => out.push_str(&text),
            other => return Err(Error::internal(format!("to_json gave {other:?}"))),
        }
        Ok(())
    }
}
