//! The first line of a file: what it is of, when it was taken, and what it follows.

use std::io::{self, BufRead, BufReader, Read, Seek};

use dictdb_types::Result;
use serde::{Deserialize, Serialize};

use crate::error::{damaged, unreadable};
use crate::ipc::{self, Frame};
use crate::name::{Format, Kind};
use crate::seal::MARK;
use crate::store::{Opened, Reading};

/// The format that is written.
pub(crate) const FORMAT: u32 = 1;
/// Longest first line.
const MAX_BYTES: u64 = 64 * 1024;

/// Another file, named so that it cannot be mistaken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its name.
    pub file: String,
    /// Its content hash.
    pub content_hash: String,
}

/// What a file says of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Head {
    /// Version of the format.
    pub format: u32,
    /// What is in it.
    pub kind: Kind,
    /// Its own name when it was written.
    pub file: String,
    /// The database.
    pub database: String,
    /// Its oid on that server.
    pub database_oid: u32,
    /// Who is who in the log: the data directory's identifier; zero for a server that keeps no log.
    pub system: u64,
    /// The position in the log that it is of.
    pub lsn: u64,
    /// The moment it is of, in microseconds since 1970.
    pub taken_at: i64,
    /// The object id that comes next.
    pub next_oid: u32,
    /// What it follows; of a delta only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Link>,
    /// The full backup at the beginning of its chain; of a delta only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full: Option<String>,
    /// How many deltas there are up to this one.
    #[serde(default)]
    pub number: u32,
}

impl Head {
    /// As JSON.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The first line of a JSON file.
    pub(crate) fn line(&self) -> String {
        format!("{MARK}{},\n", self.json())
    }

    /// Reads the head of a file of ours. XX001 when it is damaged, 0A000 when it is of a later format.
    pub(crate) fn read(opened: &mut Opened, format: Format, name: &str) -> Result<Head> {
        let failed = |error: io::Error| unreadable(name, &error);
        opened.file.rewind().map_err(failed)?;
        let found = match format {
            Format::Json => Head::first_line(&mut opened.file).map_err(failed)?,
            Format::Arrow => match ipc::read_frame(&mut opened.file).map_err(failed)? {
                Some(Frame::Schema(schema)) => schema.metadata().get(ipc::key::HEAD).cloned(),
                _ => None,
            },
        };
        opened.file.rewind().map_err(failed)?;
        let json = found.ok_or_else(|| damaged(name, "it does not begin as it should"))?;
        let head: Head = serde_json::from_str(&json).map_err(|error| damaged(name, error))?;
        match head.format <= FORMAT {
            true => Ok(head),
            false => {
                Err(dictdb_types::Error::unsupported(format_args!("format {} of backup file \"{name}\"", head.format)))
            }
        }
    }

    fn first_line(file: &mut dyn Reading) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        BufReader::new(file.take(MAX_BYTES)).read_until(b'\n', &mut line)?;
        let line = String::from_utf8(line).ok();
        let json = line.as_deref().and_then(|line| line.strip_prefix(MARK)?.trim_end().strip_suffix(','));
        Ok(json.map(str::to_owned))
    }
}
