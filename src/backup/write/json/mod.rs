//! A moment as JSON, line by line.
//!
//! ```text
//!   {"dictdb": {…},                                     head
//!   "type": "delta", "timestamp": 1234567890.123456,    of a delta
//!   "catalog": [ … ],                                   one object a line
//!   "sequences": [ … ],
//!   "tables": {                                         full                                delta
//!   "users": {"relation": 16384, …, "rows": [[0,2]],    "records": [ … ], "schema": {…}}    "deletes": […], "upserts": [ … ]}
//!   },
//!   "content_hash": "sha256:…"
//!   }
//! ```
//! `rows` says where the records are in the table: runs of consecutive row ids. It is how a delta, whose `gone` are such runs
//! too, is exact for tables with any key or none. Keys of several columns are in `deleted_keys` and not in `deletes`, see [`table`].

mod table;

use dictdb_catalog::Change;
use dictdb_storage::SequenceState;
use dictdb_types::{Oid, Result};

use super::{Contents, Context, Writer, put_table_head};
use crate::inventory::{change_line, sequence_line};
use crate::moment::{Moment, table_names};
use crate::progress::Work;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// Writes a file.
pub(super) fn write(writer: &mut Writer, contents: &Contents<'_>, work: &Work<'_>) -> Result<()> {
    let moment = contents.moment;
    let context = Context::new(moment);
    let names = table_names(&moment.catalog, &moment.tables);
    writer.text(&contents.head.line());
    let mut is_first = true;
    if let Some(delta) = contents.delta {
        let (seconds, micros) = (moment.micros / MICROS_PER_SECOND, moment.micros % MICROS_PER_SECOND);
        writer.text(&format!("\"type\": \"delta\",\n\"timestamp\": {seconds}.{micros:06},\n"));
        writer.inventory(moment, &delta.changes, delta.sequences.iter().copied())?;
        writer.text("\"tables\": {\n");
        for (number, rows) in &delta.tables {
            let table = &moment.tables[*number];
            writer.begin_table(&mut is_first, &names[*number], table, &context);
            table::write_changes(writer, table, rows, &context, work)?;
        }
    } else {
        let sequences = moment.sequences.iter().map(|(id, state)| (*id, *state));
        writer.inventory(moment, &moment.catalog.dump(), sequences)?;
        writer.text("\"tables\": {\n");
        for (table, name) in moment.tables.iter().zip(&names) {
            writer.begin_table(&mut is_first, name, table, &context);
            table::write_all(writer, table, &context, work)?;
        }
    }
    writer.text(if is_first { "},\n" } else { "\n},\n" });
    Ok(())
}

impl Writer {
    fn out(&mut self) -> &mut Vec<u8> {
        self.seal.buffer()
    }

    fn text(&mut self, text: &str) {
        self.out().extend_from_slice(text.as_bytes());
    }

    fn begin_table(
        &mut self,
        is_first: &mut bool,
        name: &str,
        table: &crate::moment::StoredRelation,
        context: &Context<'_>,
    ) {
        self.text(if std::mem::take(is_first) { "" } else { ",\n" });
        self.tables += 1;
        put_table_head(name, &table.relation, &context.surroundings, self.out());
    }

    /// `"name": [`, one item a line, `],`.
    fn list(&mut self, name: &str, lines: impl Iterator<Item = String>) -> Result<()> {
        self.text(&format!("\"{name}\": [\n"));
        let mut lines = lines.peekable();
        while let Some(line) = lines.next() {
            self.text(&line);
            self.text(if lines.peek().is_some() { ",\n" } else { "\n" });
            self.seal.drain()?;
        }
        self.text("],\n");
        Ok(())
    }

    fn inventory(
        &mut self,
        moment: &Moment,
        changes: &[Change],
        sequences: impl Iterator<Item = (Oid, SequenceState)>,
    ) -> Result<()> {
        self.list("catalog", changes.iter().map(|change| change_line(change, &moment.catalog)))?;
        self.list("sequences", sequences.map(|(id, state)| sequence_line(id, state, &moment.catalog)))
    }
}
