//! Writing files: a moment into JSON, line by line.
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
//! too, is exact for tables with any key or none.

mod delta;
mod full;

use std::io;

use dictdb_catalog::{Change, Relation};
use dictdb_storage::SequenceState;
use dictdb_types::{Oid, Result};

pub(crate) use delta::{Delta, Rows, write_delta};
pub(crate) use full::write_full;

use crate::error::io_error;
use crate::folder::Folder;
use crate::head::Head;
use crate::inventory::{change_line, sequence_line};
use crate::moment::Moment;
use crate::name::FileName;
use crate::record::{Shape, json};
use crate::seal::Sealing;
use crate::surroundings::Surroundings;

/// A file that was written.
#[derive(Clone, Debug)]
pub struct Written {
    /// Its name.
    pub name: FileName,
    /// Its content hash.
    pub content_hash: String,
    /// Its size.
    pub bytes: u64,
    /// Tables in it.
    pub tables: u64,
    /// Records in it; of a delta upserts and deletes.
    pub records: u64,
    /// The moment it is of.
    pub taken_at: i64,
    /// The position in the log it is of.
    pub lsn: dictdb_durability::Lsn,
}

/// Makes a file of what `contents` writes; `before_publishing` runs when all is written.
pub(crate) fn make_file(
    folder: &Folder,
    name: FileName,
    moment: &Moment,
    contents: impl FnOnce(&mut Writer<'_>) -> Result<()>,
    before_publishing: impl FnOnce() -> Result<()>,
) -> Result<Written> {
    let mut draft = folder.create(&name)?;
    let path = draft.path().to_owned();
    let mut writer = Writer { seal: Sealing::new(&mut draft.file), tables: 0, records: 0, path: &path };
    contents(&mut writer)?;
    let Writer { seal, tables, records, .. } = writer;
    let (content_hash, bytes) = seal.finish().map_err(|error| io_error("write file", &path, &error))?;
    before_publishing()?;
    draft.publish()?;
    Ok(Written { name, content_hash, bytes, tables, records, taken_at: moment.micros, lsn: moment.lsn })
}

/// A file in the making.
pub(crate) struct Writer<'a> {
    seal: Sealing<'a>,
    tables: u64,
    records: u64,
    path: &'a std::path::Path,
}

impl Writer<'_> {
    fn out(&mut self) -> &mut Vec<u8> {
        self.seal.buffer()
    }

    fn text(&mut self, text: &str) {
        self.out().extend_from_slice(text.as_bytes());
    }

    fn drain(&mut self) -> Result<()> {
        let path = self.path;
        self.seal.drain().map_err(|error: io::Error| io_error("write file", path, &error))
    }

    /// `"name": [`, one item a line, `],`.
    fn list(&mut self, name: &str, lines: impl Iterator<Item = String>) -> Result<()> {
        self.text(&format!("\"{name}\": [\n"));
        let mut lines = lines.peekable();
        while let Some(line) = lines.next() {
            self.text(&line);
            self.text(if lines.peek().is_some() { ",\n" } else { "\n" });
            self.drain()?;
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

    /// `"users": {"relation": 16384, "storage": 16384, "primary_key": "id", "key": ["id"], "columns": {"id": "integer"}`.
    fn table_head(&mut self, name: &str, relation: &Relation, surroundings: &Surroundings) {
        self.tables += 1;
        let slots = crate::record::key_slots(relation);
        let names = slots.iter().filter_map(|slot| relation.columns.iter().find(|c| c.slot == *slot && !c.dropped));
        let key: Vec<&str> = names.map(|column| &*column.name).collect();
        let out = self.out();
        json::put_string(name, out);
        let head = format!(": {{\"relation\": {}, \"storage\": {}, \"primary_key\": ", relation.oid, relation.storage);
        out.extend_from_slice(head.as_bytes());
        match key.as_slice() {
            [single] => json::put_string(single, out),
            _ => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b", \"key\": ");
        out.extend_from_slice(serde_json::to_string(&key).unwrap_or_default().as_bytes());
        out.extend_from_slice(b", \"columns\": {");
        for (position, (_, column)) in relation.live_columns().enumerate() {
            if position > 0 {
                out.extend_from_slice(b", ");
            }
            json::put_string(&column.name, out);
            out.extend_from_slice(b": ");
            let ty = dictdb_types::type_name_with_modifier(surroundings, column.ty, &|_| None);
            json::put_string(&ty, out);
        }
        out.push(b'}');
    }
}

/// What two kinds of files have in common.
struct Context<'a> {
    moment: &'a Moment,
    surroundings: Surroundings,
}

impl<'a> Context<'a> {
    fn new(moment: &'a Moment) -> Self {
        Context { moment, surroundings: Surroundings::new(moment.catalog.clone()) }
    }

    fn shape(&self, relation: &Relation) -> Shape {
        Shape::of(relation, &self.surroundings)
    }
}

/// The head of a file of this moment.
pub(crate) fn head_of(moment: &Moment, name: &FileName, system: u64) -> Head {
    Head {
        format: crate::head::FORMAT,
        kind: name.kind,
        file: name.to_string(),
        database: moment.database.name.to_string(),
        database_oid: moment.database.oid.0,
        system,
        lsn: moment.lsn.0,
        taken_at: moment.micros,
        next_oid: moment.database.next_oid.0,
        parent: None,
        full: None,
        number: 0,
    }
}

/// Row ids as runs `[first, count]`, comma after comma.
pub(crate) struct Runs {
    run: Option<(u64, u64)>,
    is_first: bool,
}

impl Runs {
    pub(crate) fn new() -> Self {
        Runs { run: None, is_first: true }
    }

    pub(crate) fn add(&mut self, row: u64, out: &mut Vec<u8>) {
        match &mut self.run {
            Some((first, count)) if *first + *count == row => *count += 1,
            _ => {
                self.flush(out);
                self.run = Some((row, 1));
            }
        }
    }

    pub(crate) fn flush(&mut self, out: &mut Vec<u8>) {
        if let Some((first, count)) = self.run.take() {
            let comma = if std::mem::take(&mut self.is_first) { "" } else { "," };
            out.extend_from_slice(format!("{comma}[{first},{count}]").as_bytes());
        }
    }
}
