//! Part of the log once more, while the server runs: from a backup's position to a moment that was asked for.

use dictdb_types::{Oid, Result, SqlState};
use dictdb_wal::{LogError, Lsn};

use crate::Durability;
use crate::item::Item;
use crate::restore::Restorer;

/// Where to begin.
#[derive(Clone, Copy, Debug)]
pub struct ReplayFrom {
    /// The data directory whose log it is.
    pub system: u64,
    /// The database; what the log says of others is left out.
    pub database: Oid,
    /// The position.
    pub lsn: Lsn,
}

impl Durability {
    /// Applies the commits of a database from a position to a moment, in microseconds since 1970, to a restorer that has what came
    /// before. Returns the moment of the last of them, or `None` when the log is another one's or is not kept that far back.
    pub fn replay_until(&self, restorer: &mut Restorer<'_>, from: ReplayFrom, moment: i64) -> Result<Option<i64>> {
        if from.system != self.directory.identifier() {
            return Ok(None);
        }
        self.log.flush_soon();
        self.durable_at(self.log.appended()).block()?;
        restorer.only(from.database);
        // A checkpoint would remove segments while they are looked for, from the directory or into the archive.
        let _no_checkpoint = self.checkpointing.lock();
        let (mut last, mut failed) = (0, None);
        let replayed = dictdb_wal::replay(&self.directory, from.lsn, self.log.segment_bytes(), |_, record| {
            let micros = match Item::take(&mut &record[..]) {
                Ok(Item::Commit { micros, .. }) => micros,
                _ => last,
            };
            if micros > moment {
                return Err(LogError::Closed);
            }
            last = micros;
            restorer.apply(record).map_err(|error| {
                failed = Some(error);
                LogError::Closed
            })
        });
        match (replayed, failed) {
            (_, Some(error)) => Err(error),
            (Ok(_) | Err(LogError::Closed), None) => Ok(Some(last)),
            (Err(error), None) if error.sqlstate() == SqlState::DATA_CORRUPTED => Ok(None),
            (Err(error), None) => Err(error.into()),
        }
    }
}
