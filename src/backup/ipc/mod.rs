//! Arrow's stream format: messages out of and into bytes. A binary backup is such streams, one after the other.
//!
//! ```text
//!   head      schema with the metadata "dictdb": the head, as in JSON; rows: kind ("catalog", "sequence") and item, as in JSON
//!   a table   schema with "dictdb.table": its name, relation, storage, key and columns, and "dictdb.part":
//!             "records"   rows: how many row ids are left out before this one, then the columns
//!             "upserts"   of a delta: the same
//!             "gone"      of a delta: first and count of rows that are no more
//!             "deletes"   of a delta: keys that are no more
//!   seal      schema with "dictdb.content_hash": over every byte before this stream; it has no columns
//! ```
//! Numbers, truth, text, dates and times are Arrow's own types (infinities are the least and greatest values), enums their sort codes, and
//! what Arrow has no type for (numeric, interval, arrays, jsonb, …) is bytes of `dictdb_types::opaque`. Buffers are compressed with zstd.
//! `pyarrow.ipc.open_stream` over the file, again and again until its end, reads all of it.

mod read;
mod write;

use arrow::datatypes::{Schema, SchemaRef};
use dictdb_types::Physical;

pub(crate) use read::{Encoded, Frame, read_frame};
pub(crate) use write::{Encoder, end_stream, put_schema};

/// What a binary file begins with.
pub(crate) const MARK: [u8; 4] = CONTINUATION;
/// Before the length of a message.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// The metadata that says what a stream is.
pub(crate) mod key {
    pub(crate) const HEAD: &str = "dictdb";
    pub(crate) const TABLE: &str = "dictdb.table";
    pub(crate) const PART: &str = "dictdb.part";
    pub(crate) const CONTENT_HASH: &str = "dictdb.content_hash";
}

/// A schema with metadata.
pub(crate) fn schema(fields: Vec<arrow::datatypes::Field>, metadata: &[(&str, &str)]) -> SchemaRef {
    let metadata = metadata.iter().map(|(key, value)| (String::from(*key), String::from(*value))).collect();
    std::sync::Arc::new(Schema::new_with_metadata(fields, metadata))
}

/// The type that a column of this layout has in a file: the one in memory, but plain where that is a view.
pub(crate) fn type_of(layout: Physical) -> arrow::datatypes::DataType {
    use arrow::datatypes::DataType;
    match dictdb_types::arrow::data_type(layout) {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        same => same,
    }
}
