//! Messages into bytes.

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions, write_message};
use dictdb_types::{Error, Result};

use super::CONTINUATION;

/// Half as quick again as level 1, and still finds what repeats; lower ones hardly do.
const ZSTD_LEVEL: i32 = -1;

fn failed(error: arrow::error::ArrowError) -> Error {
    Error::internal(format!("could not encode an Arrow message: {error}"))
}

/// Appends the message that begins a stream.
pub(crate) fn put_schema(schema: &Schema, out: &mut Vec<u8>) -> Result<()> {
    let options = IpcWriteOptions::default();
    let mut tracker = DictionaryTracker::new(true);
    let message = IpcDataGenerator::default().schema_to_bytes_with_dictionary_tracker(schema, &mut tracker, &options);
    write_message(out, message, &options).map(drop).map_err(failed)
}

/// Appends the end of a stream.
pub(crate) fn end_stream(out: &mut Vec<u8>) {
    out.extend_from_slice(&CONTINUATION);
    out.extend_from_slice(&[0; 4]);
}

/// Makes messages of batches; one for each thread.
pub(crate) struct Encoder {
    options: IpcWriteOptions,
    context: IpcWriteContext,
}

impl Encoder {
    pub(crate) fn new() -> Result<Encoder> {
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD));
        let options = options.and_then(|options| options.try_with_compression_level(Some(ZSTD_LEVEL)));
        Ok(Encoder { options: options.map_err(failed)?, context: IpcWriteContext::default() })
    }

    /// Appends a batch.
    pub(crate) fn put(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        let mut tracker = DictionaryTracker::new(true);
        let encoded = IpcDataGenerator::default().encode(batch, &mut tracker, &self.options, &mut self.context);
        let (_, message) = encoded.map_err(failed)?;
        write_message(out, message, &self.options).map(drop).map_err(failed)
    }
}
