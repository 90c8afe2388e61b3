//! The data directory: a log of byte records, snapshots beside it, and the disk under both.
//!
//! Layer 2. Knows neither rows nor SQL: a record is bytes, a snapshot is a sequence of chunks of bytes.
//!
//! ```text
//!   append ──copy──► tail ──leader──► segment file ──fdatasync──► durable LSN ──► whoever waits
//!   (commit lock)   (memory)  one batch: everything that came while the last one was synced
//! ```
//! The leader is whoever waits and finds nobody writing, or the writer thread: see `log/waiters.rs`. Two of them may sync at a time, which
//! `log/flights.rs` puts in order.
//! # Layout
//! ```text
//!   data/                       0700; files are 0600
//!     DICTDB                    says that this is a data directory, its format and its identifier
//!     dictdb.lock               locked by the server that uses the directory
//!     log/0000000001000000.log  a segment: bytes of the log from this LSN on
//!     log/spare-….tmp           a segment that is no longer needed and will be used again
//!     checkpoint/….checkpoint   everything as of the LSN in its name
//!     elsewhere/log             where fetched segments of another data directory are read
//! ```
//! `DICTDB` is text: `DictDB data directory`, `format 1`, `identifier <decimal>`, one per line.
//!
//! # The log, byte by byte (format 1)
//! The log is one sequence of bytes. An LSN is a position in it, so the difference of two is a number of bytes. It begins
//! at [`GENESIS`] and is cut into segments of equal size, `wal_segment_size`; the file of a segment has the LSN of its first byte in
//! hexadecimal as its name. Numbers are little endian, checksums are CRC-32C.
//! ```text
//!   segment header, 64 bytes
//!      0  8  "DICTDBWL"
//!      8  4  format, 1
//!     12  4  bytes of a segment
//!     16  8  identifier of the data directory
//!     24  8  LSN of this byte 0, as in the file's name
//!     32 28  zero
//!     60  4  checksum of bytes 0..60
//!   frame: header of 32 bytes, then the payload
//!      0  4  bytes of payload
//!      4  1  flags: 01 begins a record, 02 ends one, 04 fills the segment up and is no record
//!      5  3  zero
//!      8  8  LSN of this frame's byte 0
//!     16  8  an LSN that was durable when the frame was appended
//!     24  4  checksum of the payload (zero under flag 04)
//!     28  4  checksum of bytes 0..28
//! ```
//! A record is one frame, or several where it is longer than a fragment; the first is flagged 01, the last 02. Frames do not
//! cross segments: what does not fit is filled up by a frame flagged 04, or left zero when not even a header fits. A segment that is ended
//! early ([`Log::switch_segment`]) is filled up too, and stays so after a restart.
//!
//! Unused bytes of a segment are zero, or what an earlier use of the file left: its frames carry other LSNs.
//!
//! # The end of the log
//! Replay ends at the first position without a whole record. Was it torn by the crash, or damaged later? Every frame says what
//! was durable when it was appended. If a frame after the position says that the position was durable, data was lost:
//! the server refuses to start and names file and offset. Otherwise nobody was told that what follows is safe; it is cut off, and
//! overwritten with zeros before anything is appended, so that it cannot come back.
//!
//! # Snapshots, byte by byte (format 1)
//! ```text
//!   header, 64 bytes
//!      0  8  "DICTDBCP"
//!      8  4  format, 1
//!     12  4  zero
//!     16  8  identifier of the data directory
//!     24  8  LSN: records before it are contained
//!     32 28  zero
//!     60  4  checksum of bytes 0..60
//!   chunk: header of 16 bytes, then the payload
//!      0  4  bytes of payload, not zero
//!      4  4  number of the chunk, from 0
//!      8  4  checksum of the payload
//!     12  4  checksum of bytes 0..12
//!   end: like the header of a chunk; bytes 0, number = how many chunks there were
//! ```
//! A snapshot is written under a name of its own, synced, renamed, and the directory synced: under its final name it is complete.
//!
//! # The archive
//! Segments are removed when a checkpoint makes them unnecessary, unless they are to be kept ([`Log::remove_before`] is told how far). With an
//! archive folder ([`DataDirectory::set_archive`]) a complete segment is first copied there, under its own name, and none is removed that is not there.
//! Who takes care of segments otherwise marks them (`<start>.done` beside `<start>.log`), and none goes without its mark where marks are needed.
//! [`replay`] finds a segment in either place, so that it can begin before the oldest one in the directory.
//!
//! # When the disk fails
//! After a failed write or fdatasync nobody knows what is on disk, and a second fdatasync may lie: the log stops. Nothing that
//! waits is acknowledged, nothing more is accepted. [`Log::begin_resume`] goes on in a fresh segment once a snapshot
//! of everything in memory is on disk.
//!
//! # Tests
//! [`SimulatedDisk`] loses unsynced writes sector by sector, forgets unsynced directory entries, fails at any call, flips bits.
//! `tests.rs` runs a workload up to every call of it and recovers from crash images; failures print the seed.

mod archive;
mod directory;
pub mod disk;
mod error;
mod frame;
mod log;
mod lsn;
mod removal;
mod replay;
mod segment;
mod snapshot;
#[cfg(test)]
mod tests;

pub use directory::DataDirectory;
pub use disk::{Disk, RealDisk, SimulatedDisk};
pub use error::LogError;
pub use frame::Record;
pub use log::{Durable, LastFailure, Log, LogOptions, LogStatistics};
pub use lsn::{GENESIS, Lsn};
pub use replay::{Fetch, LogEnd, replay, replay_fetching};
pub use segment::SEGMENT_BYTES;
pub use snapshot::{Chunk, SnapshotReader, SnapshotWriter};
