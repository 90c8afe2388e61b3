//! Reading the log again after a stop, whether it was clean or not: every whole record in order, and where they end.

use std::path::{Path, PathBuf};

use crate::directory::DataDirectory;
use crate::frame::{FILLER, FIRST, HEADER_BYTES, Header, LAST, u64_at};
use crate::segment::{self, Began};
use crate::{LogError, Lsn};

/// Where the log ends, and what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEnd {
    /// The position after the last whole record, or after the filler behind it.
    pub end: Lsn,
    /// Records read.
    pub records: u64,
    /// Bytes of a segment in this directory.
    pub segment_bytes: u64,
}

/// Hands every record from a position on to `visit`, with the position after it.
///
/// XX001 when something that was durable is missing or damaged, or a file is of somewhere else; 58030; and what `visit` returns.
/// Nothing is changed on disk: [`Log::open`](crate::Log::open) cuts off what was torn.
pub fn replay<E: From<LogError>>(
    directory: &DataDirectory,
    from: Lsn,
    default_segment_bytes: u64,
    visit: impl FnMut(Lsn, &[u8]) -> Result<(), E>,
) -> Result<LogEnd, E> {
    replay_fetching(directory, from, default_segment_bytes, None, visit)
}

/// Gets a segment of this name from elsewhere to a path; whether it is there now.
pub type Fetch<'a> = dyn Fn(&str, &Path) -> bool + 'a;

/// Like [`replay`], but segments that are neither in the directory nor in its archive are asked for.
pub fn replay_fetching<E: From<LogError>>(
    directory: &DataDirectory,
    from: Lsn,
    default_segment_bytes: u64,
    fetch: Option<&Fetch<'_>>,
    mut visit: impl FnMut(Lsn, &[u8]) -> Result<(), E>,
) -> Result<LogEnd, E> {
    let segment_bytes = segment::size_in(directory)?.unwrap_or(default_segment_bytes);
    let mut reader =
        Reader { directory, segment_bytes, segment: None, position: from, end: from, is_open: false, fetch };
    reader.check_all_headers()?;
    let mut records = 0;
    let mut long: Vec<u8> = Vec::new();
    while let Next::Frame(header, payload) = reader.next()? {
        if header.flags & FIRST != 0 {
            long.clear();
        }
        let next = Lsn(header.lsn.0 + (HEADER_BYTES + payload.len()) as u64);
        match header.flags & (FIRST | LAST) {
            both if both == FIRST | LAST => visit(next, payload)?,
            LAST => {
                long.extend_from_slice(payload);
                visit(next, &long)?;
                long = Vec::new();
            }
            _ => long.extend_from_slice(payload),
        }
        reader.position = next;
        reader.is_open = header.flags & LAST == 0;
        if !reader.is_open {
            reader.end = next;
            records += 1;
        }
    }
    reader.check_nothing_durable_follows()?;
    Ok(LogEnd { end: reader.end, records, segment_bytes })
}

/// Where a fetched segment is put while it is read.
const FETCHED_FILE: &str = "fetched.tmp";

/// What unused parts are compared with.
pub(crate) const ZEROS: &[u8] = &[0; 4096];

enum Next<'a> {
    Frame(Header, &'a [u8]),
    Nothing,
}

struct Reader<'a> {
    directory: &'a DataDirectory,
    segment_bytes: u64,
    /// The segment in memory: where it starts and its bytes.
    segment: Option<(Lsn, Vec<u8>)>,
    position: Lsn,
    /// The end of the log as far as it was read: behind a record, or behind a filler, which may be in the archive already.
    end: Lsn,
    /// Whether a record was begun there.
    is_open: bool,
    fetch: Option<&'a Fetch<'a>>,
}

impl Reader<'_> {
    /// Every begun segment must be of this directory and under its own name.
    fn check_all_headers(&self) -> Result<(), LogError> {
        for (start, path) in segment::files(self.directory)? {
            let mut head = [0; segment::HEADER_BYTES];
            let file = self.directory.open_file(&path, crate::disk::Open::Read)?;
            let read = file.read_at(0, &mut head).map_err(|error| LogError::io("read file", &path, error))?;
            segment::check_header(self.directory, start, self.segment_bytes, &head[..read])?;
        }
        Ok(())
    }

    /// The frame at the position, fillers skipped.
    fn next(&mut self) -> Result<Next<'_>, LogError> {
        loop {
            let start = segment::start_of(self.position, self.segment_bytes);
            if !self.load(start)? {
                return Ok(Next::Nothing);
            }
            let Some((_, bytes)) = &self.segment else { return Ok(Next::Nothing) };
            if self.position == start {
                self.position.0 += segment::HEADER_BYTES as u64;
            }
            let at = (self.position.0 - start.0) as usize;
            if self.segment_bytes as usize - at < HEADER_BYTES {
                self.position = Lsn(start.0 + self.segment_bytes);
                continue;
            }
            let Some(header) = Header::decode(bytes.get(at..).unwrap_or_default(), self.position) else {
                return Ok(Next::Nothing);
            };
            if header.flags & FILLER != 0 {
                self.position = Lsn(start.0 + self.segment_bytes);
                self.end = if self.is_open { self.end } else { self.position };
                continue;
            }
            let payload = at + HEADER_BYTES..at + HEADER_BYTES + header.payload_bytes as usize;
            let is_whole =
                bytes.get(payload.clone()).is_some_and(|bytes| crc32c::crc32c(bytes) == header.payload_checksum);
            if !is_whole {
                return Ok(Next::Nothing);
            }
            let Some((_, bytes)) = &self.segment else { return Ok(Next::Nothing) };
            return Ok(Next::Frame(header, &bytes[payload]));
        }
    }

    /// Reads the segment that starts here, if it was begun.
    fn load(&mut self, start: Lsn) -> Result<bool, LogError> {
        if self.segment.as_ref().is_some_and(|(loaded, _)| *loaded == start) {
            return Ok(true);
        }
        self.segment = None;
        let Some(bytes) = self.read(start)? else { return Ok(false) };
        if segment::check_header(self.directory, start, self.segment_bytes, &bytes)? == Began::No {
            return Ok(false);
        }
        self.segment = Some((start, bytes));
        Ok(true)
    }

    /// The bytes of the segment that starts here, wherever it is.
    fn read(&self, start: Lsn) -> Result<Option<Vec<u8>>, LogError> {
        if let Some(path) = segment::find(self.directory, start)? {
            return self.directory.read_file(&path).map(Some);
        }
        let Some(fetch) = self.fetch else { return Ok(None) };
        let name = segment::path(self.directory, start).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let fetched = self.directory.log_dir().join(FETCHED_FILE);
        if !fetch(&name, &fetched) {
            return Ok(None);
        }
        let bytes = self.directory.read_file(&fetched)?;
        self.directory.remove(&fetched)?;
        Ok(Some(bytes))
    }

    /// Refuses a log in which a later frame knows that the position was durable.
    fn check_nothing_durable_follows(&self) -> Result<(), LogError> {
        let here = segment::start_of(self.position, self.segment_bytes);
        for (start, path) in segment::files(self.directory)? {
            if start < here {
                continue;
            }
            let bytes = self.directory.read_file(&path)?;
            let from = if start == here { (self.position.0 - start.0) as usize } else { segment::HEADER_BYTES };
            if let Some(later) = self.durable_evidence(start, &bytes, from) {
                return Err(self.damage(here, later));
            }
        }
        Ok(())
    }

    /// A frame from an offset on that was appended when the position was durable.
    fn durable_evidence(&self, start: Lsn, bytes: &[u8], from: usize) -> Option<Lsn> {
        let frame_at = |at: usize| {
            let lsn = Lsn(start.0 + at as u64);
            if u64_at(bytes, at + 8) != lsn.0 {
                return None;
            }
            Header::decode(&bytes[at..], lsn).filter(|header| header.durable > self.position).map(|_| lsn)
        };
        let end = bytes.len().saturating_sub(HEADER_BYTES - 1);
        (from..end).step_by(ZEROS.len()).find_map(|at| {
            let next = end.min(at + ZEROS.len());
            // Most of a segment is still unused: a header is not all zeros.
            let is_unused = bytes.get(at..at + ZEROS.len()).is_some_and(|part| part == ZEROS);
            let from = if is_unused { next.saturating_sub(HEADER_BYTES).max(at) } else { at };
            (from..next).find_map(&frame_at)
        })
    }

    fn damage(&self, segment_start: Lsn, later: Lsn) -> LogError {
        let file: PathBuf = segment::path(self.directory, segment_start);
        let offset = self.position.0 - segment_start.0;
        let what = match &self.segment {
            Some((start, _)) if *start == segment_start => format!("no valid record at {}", self.position),
            _ => format!("the segment at {segment_start} is missing or has no header"),
        };
        LogError::Damaged { file, offset, what: format!("{what}, and the log goes on at {later}") }
    }
}
