//! The partition constraint of a table that is changed by its own name.

use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_types::{Datum, Oid, Result};

use super::super::writer::Writer;
use super::level::Level;

/// Whether rows belong into a partition: every partitioned table above must send them there.
#[derive(Debug)]
pub(crate) struct PartitionRule(Box<[(Level, Oid)]>);

impl PartitionRule {
    /// The rule of a partition, over its own rows.
    pub fn new(partition: &Arc<Relation>, writer: &Writer<'_>) -> Result<PartitionRule> {
        let mut levels = Vec::new();
        let mut child = partition.oid;
        for parent in writer.cx.catalog.partition_ancestors(partition) {
            levels.push((Level::new(&parent, partition, writer)?, child));
            child = parent.oid;
        }
        Ok(PartitionRule(levels.into()))
    }

    /// Whether a row belongs into the partition.
    pub fn fits(&self, row: &[Datum], writer: &Writer<'_>) -> Result<bool> {
        for (level, child) in &self.0 {
            let key = level.key(row, writer)?;
            if level.find(row, &key, writer)? != Some(*child) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
