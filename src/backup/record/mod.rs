//! Rows as JSON objects, one a line: `{"id": 1, "name": "Alice"}`.

mod form;
pub(crate) mod json;
mod value;

use dictdb_catalog::{ConstraintKind, Relation};
use dictdb_storage::{RowReader, Run};
use dictdb_types::{Datum, Result};

use crate::surroundings::Surroundings;
pub(crate) use form::Cell;
use form::{Form, invalid};

/// One column of a record.
struct Column {
    /// `{"name": ` or `, "name": `.
    before: Box<str>,
    name: std::sync::Arc<str>,
    slot: usize,
    form: Form,
}

/// The records of one relation.
pub(crate) struct Shape {
    columns: Vec<Column>,
    /// Storage columns.
    width: usize,
}

/// Columns whose values have all been of their Python type so far.
pub(crate) struct Conformity(Vec<bool>);

impl Conformity {
    /// Those of both.
    pub(crate) fn join(&mut self, other: &Conformity) {
        self.0.iter_mut().zip(&other.0).for_each(|(own, other)| *own &= other);
    }
}

impl Shape {
    pub(crate) fn of(relation: &Relation, surroundings: &Surroundings) -> Shape {
        let columns = relation.live_columns().enumerate().map(|(position, (_, column))| {
            let mut name = Vec::new();
            json::put_string(&column.name, &mut name);
            let before = format!("{}{}: ", if position == 0 { "{" } else { ", " }, String::from_utf8_lossy(&name));
            Column {
                before: before.into(),
                name: column.name.clone(),
                slot: column.slot,
                form: Form::of(column.ty, surroundings),
            }
        });
        let width = relation.columns.iter().map(|column| column.slot + 1).max().unwrap_or(0);
        Shape { columns: columns.collect(), width }
    }

    pub(crate) fn conformity(&self) -> Conformity {
        Conformity(vec![true; self.columns.len()])
    }

    /// Appends a record.
    pub(crate) fn put(
        &self,
        row: &dyn RowReader,
        surroundings: &Surroundings,
        conformity: &mut Conformity,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        if self.columns.is_empty() {
            out.extend_from_slice(b"{}");
            return Ok(());
        }
        for (column, conforms) in self.columns.iter().zip(&mut conformity.0) {
            out.extend_from_slice(column.before.as_bytes());
            *conforms &= column.form.put(row.column(column.slot), surroundings, out)?;
        }
        out.push(b'}');
        Ok(())
    }

    /// Reads a record into a run; the line may end with a comma. XX001.
    pub(crate) fn take(&self, line: &str, surroundings: &Surroundings, run: &mut Run) -> Result<()> {
        let mut rest = line.trim_ascii_end();
        if self.columns.is_empty() {
            rest = rest.strip_prefix('{').ok_or_else(|| invalid("no object"))?;
        }
        for column in &self.columns {
            rest = rest
                .strip_prefix(&*column.before)
                .ok_or_else(|| invalid(format_args!("{} is missing", column.before)))?;
            run.put(column.slot, column.form.take(&mut rest, surroundings)?.value())?;
        }
        run.end_row();
        match rest {
            "}" | "}," => Ok(()),
            _ => Err(invalid("more than its columns")),
        }
    }

    /// Appends the old key of a row: its value, or a list when it has several columns.
    pub(crate) fn put_key(
        &self,
        slots: &[usize],
        key: &[Datum],
        surroundings: &Surroundings,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        if slots.len() > 1 {
            out.push(b'[');
        }
        for (position, (slot, value)) in slots.iter().zip(key).enumerate() {
            if position > 0 {
                out.extend_from_slice(b", ");
            }
            let Some(column) = self.columns.iter().find(|column| column.slot == *slot) else { continue };
            column.form.put(value.into(), surroundings, out)?;
        }
        if slots.len() > 1 {
            out.push(b']');
        }
        Ok(())
    }

    /// The schema as the original package reads it: the Python type of every column, or `null` when some value is not of its
    /// column's, which that package would refuse.
    pub(crate) fn put_schema(&self, conformity: &Conformity, out: &mut Vec<u8>) {
        if self.columns.is_empty() || !conformity.0.iter().all(|conforms| *conforms) {
            out.extend_from_slice(b"null");
            return;
        }
        for column in &self.columns {
            out.extend_from_slice(column.before.as_bytes());
            json::put_string(column.form.python(), out);
        }
        out.push(b'}');
    }
}

/// Storage columns of a relation's primary key, in its order; none when it has none.
pub(crate) fn key_slots(relation: &Relation) -> Vec<usize> {
    let columns = match relation.primary_key().map(|constraint| &constraint.kind) {
        Some(ConstraintKind::Primary { columns, .. }) => columns.as_slice(),
        _ => &[],
    };
    columns.iter().filter_map(|attnum| relation.column(*attnum)).map(|column| column.slot).collect()
}
