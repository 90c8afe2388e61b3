//! Messages out of bytes that nobody vouches for: what they claim is looked at before it is believed.

use std::collections::HashMap;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow_ipc::convert::{MessageBuffer, fb_to_schema};
use arrow_ipc::reader::read_record_batch;
use arrow_ipc::{MessageHeader, MetadataVersion};

use super::CONTINUATION;

/// Longest head of a message.
const MAX_HEAD_BYTES: usize = 256 << 20;
/// Most that the buffers of one batch become when they are decompressed.
const MAX_BATCH_BYTES: i64 = 2 << 30;
/// Memory that is taken before bytes are there to fill it.
const AT_ONCE_BYTES: usize = 16 << 20;

/// A message.
pub(crate) enum Frame {
    /// A stream begins.
    Schema(SchemaRef),
    /// Rows of it.
    Batch(Encoded),
    /// It ends.
    End,
}

/// A batch as it is in the file.
pub(crate) struct Encoded {
    message: MessageBuffer,
    body: Buffer,
}

fn invalid(what: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}

/// What the library makes of bytes; it takes some damage for impossible.
fn guarded<T>(read: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(invalid("an Arrow message cannot be read")))
}

/// Reads a message; `None` at the end of all.
pub(crate) fn read_frame(from: &mut impl Read) -> io::Result<Option<Frame>> {
    let mut start = [0; 8];
    let first = from.read(&mut start)?;
    if first == 0 {
        return Ok(None);
    }
    from.read_exact(&mut start[first..])?;
    let [a, b, c, d, length @ ..] = start;
    if [a, b, c, d] != CONTINUATION {
        return Err(invalid("there is no Arrow message where one should be"));
    }
    let length = u32::from_le_bytes(length) as usize;
    if length == 0 {
        return Ok(Some(Frame::End));
    }
    if length > MAX_HEAD_BYTES {
        return Err(invalid("the head of an Arrow message is too long"));
    }
    let head = read_bytes(from, length as u64)?;
    let message = guarded(|| MessageBuffer::try_new(Buffer::from_vec(head)).map_err(invalid))?;
    let (kind, body) = (message.as_ref().header_type(), message.as_ref().bodyLength());
    let body = read_bytes(from, u64::try_from(body).map_err(invalid)?)?;
    match kind {
        MessageHeader::Schema => {
            let schema = guarded(|| {
                let schema = message.as_ref().header_as_schema().ok_or_else(|| invalid("a schema is missing"))?;
                Ok(Arc::new(fb_to_schema(schema)))
            });
            schema.map(|schema| Some(Frame::Schema(schema)))
        }
        MessageHeader::RecordBatch => Ok(Some(Frame::Batch(Encoded { message, body: Buffer::from_vec(body) }))),
        other => Err(invalid(format_args!("a message of kind {other:?} does not belong here"))),
    }
}

fn read_bytes(from: &mut impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(AT_ONCE_BYTES.min(length as usize));
    from.take(length).read_to_end(&mut bytes)?;
    match bytes.len() as u64 == length {
        true => Ok(bytes),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

impl Encoded {
    /// Rows, about.
    pub(crate) fn rows(&self) -> u64 {
        self.message.as_ref().header_as_record_batch().map_or(0, |batch| batch.length().max(0) as u64)
    }

    /// The batch itself.
    pub(crate) fn decode(&self, schema: &SchemaRef) -> io::Result<RecordBatch> {
        guarded(|| {
            let message = self.message.as_ref();
            let batch = message.header_as_record_batch().ok_or_else(|| invalid("a batch is missing"))?;
            self.check_sizes(&batch)?;
            let none = HashMap::new();
            let version = MetadataVersion::V5;
            read_record_batch(&self.body, batch, schema.clone(), &none, None, &version).map_err(invalid)
        })
    }

    fn check_sizes(&self, batch: &arrow_ipc::RecordBatch<'_>) -> io::Result<()> {
        let mut total = 0i64;
        for buffer in batch.buffers().into_iter().flatten() {
            let (offset, length) = (buffer.offset(), buffer.length());
            let range = usize::try_from(offset).ok().zip(usize::try_from(length).ok());
            let range = range.and_then(|(offset, length)| Some(offset..offset.checked_add(length)?));
            let bytes = range.and_then(|range| self.body.as_slice().get(range));
            let bytes = bytes.ok_or_else(|| invalid("a buffer lies outside its message"))?;
            let claimed = match batch.compression() {
                Some(_) => bytes.first_chunk().map_or(0, |prefix| i64::from_le_bytes(*prefix)),
                None => length,
            };
            total = total.saturating_add(claimed.max(length));
        }
        match total <= MAX_BATCH_BYTES {
            true => Ok(()),
            false => Err(invalid("a batch is too large")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, BinaryArray, BooleanArray, Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field};

    fn stream() -> Vec<u8> {
        let field = |name: &str, ty| Field::new(name, ty, true);
        let types = [DataType::Int64, DataType::Utf8, DataType::Binary, DataType::Boolean];
        let fields = types.iter().zip(["a", "b", "c", "d"]).map(|(ty, name)| field(name, ty.clone())).collect();
        let schema = super::super::schema(fields, &[("key", "value")]);
        let rows = 0..500usize;
        let columns: Vec<arrow::array::ArrayRef> = vec![
            Arc::new(Int64Array::from_iter(rows.clone().map(|i| (i % 7 > 0).then_some(i as i64)))),
            Arc::new(StringArray::from_iter(rows.clone().map(|i| (i % 5 > 0).then(|| format!("text {i}"))))),
            Arc::new(BinaryArray::from_iter(rows.clone().map(|i| Some(vec![i as u8; i % 40])))),
            Arc::new(BooleanArray::from_iter(rows.map(|i| Some(i % 2 == 0)))),
        ];
        let batch = RecordBatch::try_new(schema.clone(), columns).expect("they have one length");
        let mut bytes = Vec::new();
        super::super::put_schema(&schema, &mut bytes).expect("a schema");
        let mut encoder = super::super::Encoder::new().expect("zstd");
        (0..3).for_each(|_| encoder.put(&batch, &mut bytes).expect("a batch"));
        super::super::end_stream(&mut bytes);
        bytes
    }

    /// Rows of all that can be read.
    fn read_all(mut bytes: &[u8]) -> io::Result<usize> {
        let (mut schema, mut rows) = (None, 0);
        while let Some(frame) = read_frame(&mut bytes)? {
            match (frame, &schema) {
                (Frame::Schema(found), _) => schema = Some(found),
                (Frame::Batch(encoded), Some(schema)) => {
                    let batch = encoded.decode(schema)?;
                    // Values that were accepted can be looked at.
                    rows += batch.columns().iter().map(|column| column.len() - column.null_count()).max().unwrap_or(0);
                    assert!(!format!("{batch:?}").is_empty());
                }
                _ => {}
            }
        }
        Ok(rows)
    }

    #[test]
    fn noise_is_an_error_and_nothing_else() {
        let whole = stream();
        assert_eq!(read_all(&whole).expect("it is whole"), 1500);
        let mut seed = 0x1234_5678_9abc_def1u64;
        let mut random = |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed % below as u64) as usize
        };
        let mut errors = 0;
        for round in 0..2000 {
            let mut noise = whole.clone();
            // Heads are where claims are.
            let reach = if round % 2 == 0 { noise.len() } else { 1200 };
            for _ in 0..=random(3) {
                noise[random(reach)] = random(256) as u8;
            }
            errors += usize::from(read_all(&noise).is_err());
        }
        assert!(errors > 500, "{errors}");
        (0..whole.len()).step_by(7).for_each(|end| drop(read_all(&whole[..end])));
        // A buffer that says it becomes something huge.
        let huge = i64::MAX.to_le_bytes();
        for at in (0..whole.len() - 8).step_by(8) {
            let mut lie = whole.clone();
            lie[at..at + 8].copy_from_slice(&huge);
            let _ = read_all(&lie);
        }
    }
}
