//! Parts of a transaction that can be taken back: savepoints by name, and by depth those of blocks in functions.

use dictdb_types::Result;

use super::Session;
use crate::transaction::Savepoint;

impl Session {
    /// SAVEPOINT.
    pub(crate) fn push_savepoint(&mut self, name: &str) -> Result<()> {
        self.block.require_block("SAVEPOINT")?;
        self.begin_part(name);
        Ok(())
    }

    /// Begins a part of the transaction that can be taken back.
    pub(crate) fn begin_part(&mut self, name: &str) {
        self.shared.settings.lock().push_savepoint();
        self.block.savepoints.push(Savepoint {
            name: name.into(),
            notifications: self.shared.pending.lock().position(),
            definitions: self.definitions.position(),
            constraints: self.constraints.position(),
            storage: self.transaction.as_ref().map(|transaction| transaction.savepoint()),
            modes: self.block.modes,
        });
    }

    /// RELEASE SAVEPOINT.
    pub(crate) fn release_savepoint(&mut self, name: &str) -> Result<()> {
        self.block.require_block("RELEASE SAVEPOINT")?;
        let depth = self.block.find_savepoint(name)?;
        self.release_part(depth)
    }

    /// Keeps what was done since the savepoint at this depth, which is forgotten.
    pub(crate) fn release_part(&mut self, depth: usize) -> Result<()> {
        if let (Some(transaction), Some(savepoint)) = (&self.transaction, self.block.savepoints[depth].storage) {
            transaction.release(savepoint)?;
        }
        self.block.modes.read_only = self.block.savepoints[depth].modes.read_only;
        self.block.savepoints.truncate(depth);
        self.shared.settings.lock().release_savepoints(depth);
        for portal in self.portals.iter_mut() {
            portal.depth = portal.depth.min(depth);
        }
        self.large_objects.keep_at(depth);
        Ok(())
    }

    /// ROLLBACK TO SAVEPOINT.
    pub(crate) fn rollback_to_savepoint(&mut self, name: &str) -> Result<()> {
        self.block.require_block("ROLLBACK TO SAVEPOINT")?;
        let depth = self.block.find_savepoint(name)?;
        self.roll_back_part(depth)
    }

    /// Takes back what was done since the savepoint at this depth, which stays.
    pub(crate) fn roll_back_part(&mut self, depth: usize) -> Result<()> {
        self.block.savepoints.truncate(depth + 1);
        let Some(savepoint) = self.block.savepoints.last().cloned() else { return Ok(()) };
        self.block.modes = savepoint.modes;
        self.portals.retain(|portal| portal.is_held() || portal.depth <= depth);
        self.large_objects.close_from(depth + 1);
        if let (Some(transaction), Some(savepoint)) = (&self.transaction, savepoint.storage) {
            transaction.rollback_to(savepoint)?;
        }
        self.catalog_epoch = self.shared.instance.new_epoch();
        self.definitions.rollback_to(&savepoint.definitions, &self.shared.instance.storage);
        self.constraints.rollback_to(&savepoint.constraints);
        self.shared.pending.lock().rollback_to(savepoint.notifications);
        self.shared.settings.lock().rollback_to_savepoint(depth);
        self.block.revive();
        Ok(())
    }
}
