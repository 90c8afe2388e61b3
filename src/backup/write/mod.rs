//! Writing files: a moment into JSON or Arrow, table by table, on all cores.
//!
//! Rows are serialised by several threads, block by block, hashed and written in order by the caller: memory is bounded by a few blocks.

mod arrow;
mod delta;
mod json;

use dictdb_catalog::Relation;
use dictdb_types::Result;

pub(crate) use delta::{Delta, Rows};

use crate::folder::Folder;
use crate::head::Head;
use crate::moment::Moment;
use crate::name::{FileName, Format};
use crate::progress::Work;
use crate::record::{Shape, json as text};
use crate::seal::{Sealed, Sealing};
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

/// What goes into a file.
pub(crate) struct Contents<'a> {
    pub(crate) moment: &'a Moment,
    pub(crate) head: &'a Head,
    /// `None` is everything.
    pub(crate) delta: Option<&'a Delta>,
    pub(crate) format: Format,
}

/// Makes a file; `before_publishing` runs when all is written.
pub(crate) fn make_file(
    folder: &Folder,
    name: FileName,
    contents: &Contents<'_>,
    work: &Work<'_>,
    before_publishing: impl FnOnce() -> Result<()>,
) -> Result<Written> {
    let moment = contents.moment;
    let mut writer = Writer { seal: Sealing::new(folder.create(&name)?, contents.format), tables: 0, records: 0 };
    work.begin(contents.delta.map_or_else(|| moment.row_count(), Delta::rows));
    match contents.format {
        Format::Json => json::write(&mut writer, contents, work)?,
        Format::Arrow => arrow::write(&mut writer, contents, work)?,
    }
    let Writer { seal, tables, records } = writer;
    let Sealed { draft, content_hash, bytes } = seal.finish()?;
    before_publishing()?;
    draft.publish()?;
    Ok(Written { name, content_hash, bytes, tables, records, taken_at: moment.micros, lsn: moment.lsn })
}

/// A file in the making.
struct Writer {
    seal: Sealing,
    tables: u64,
    records: u64,
}

/// `"users": {"relation": 16384, "storage": 16384, "primary_key": "id", "key": ["id"], "columns": {"id": "integer"}`: the
/// head of a table, without its last brace.
fn put_table_head(name: &str, relation: &Relation, surroundings: &Surroundings, out: &mut Vec<u8>) {
    let slots = crate::record::key_slots(relation);
    let names = slots.iter().filter_map(|slot| relation.columns.iter().find(|c| c.slot == *slot && !c.dropped));
    let key: Vec<&str> = names.map(|column| &*column.name).collect();
    text::put_string(name, out);
    let head = format!(": {{\"relation\": {}, \"storage\": {}, \"primary_key\": ", relation.oid, relation.storage);
    out.extend_from_slice(head.as_bytes());
    match key.as_slice() {
        [single] => text::put_string(single, out),
        _ => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b", \"key\": ");
    out.extend_from_slice(serde_json::to_string(&key).unwrap_or_default().as_bytes());
    out.extend_from_slice(b", \"columns\": {");
    for (position, (_, column)) in relation.live_columns().enumerate() {
        if position > 0 {
            out.extend_from_slice(b", ");
        }
        text::put_string(&column.name, out);
        out.extend_from_slice(b": ");
        let ty = dictdb_types::type_name_with_modifier(surroundings, column.ty, &|_| None);
        text::put_string(&ty, out);
    }
    out.push(b'}');
}

/// What the tables of a file have in common.
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
