//! The first line of a file: what it is of, when it was taken, and what it follows.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek};

use dictdb_types::Result;
use serde::{Deserialize, Serialize};

use crate::error::damaged;
use crate::name::Kind;
use crate::seal::MARK;

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
    /// The first line.
    pub(crate) fn line(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        format!("{MARK}{json},\n")
    }

    /// Reads the first line; `None` when the file is none of ours. XX001 when it is damaged, 0A000 when it is of a later
    /// format.
    pub(crate) fn read(file: &mut File, name: &str) -> Result<Option<Head>> {
        let mut line = String::new();
        file.rewind().map_err(|error| damaged(name, error))?;
        let read = BufReader::new(std::io::Read::take(&*file, MAX_BYTES)).read_line(&mut line);
        file.rewind().map_err(|error| damaged(name, error))?;
        if read.is_err() {
            return Ok(None);
        }
        let Some(json) = line.strip_prefix(MARK) else { return Ok(None) };
        let Some(json) = json.trim_end().strip_suffix(',') else {
            return Err(damaged(name, "its first line is cut off"));
        };
        let head: Head = serde_json::from_str(json).map_err(|error| damaged(name, error))?;
        match head.format <= FORMAT {
            true => Ok(Some(head)),
            false => {
                Err(dictdb_types::Error::unsupported(format_args!("format {} of backup file \"{name}\"", head.format)))
            }
        }
    }
}
