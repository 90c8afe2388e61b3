//! Positions in the log.

use std::fmt;

/// Position in the log: what is durable up to here is durable before. Prints as PostgreSQL's `pg_lsn`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

/// Where the log of a new data directory begins, as PostgreSQL's.
pub const GENESIS: Lsn = Lsn(0x0100_0000);

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 as u32)
    }
}
