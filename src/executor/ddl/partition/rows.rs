//! Rows that are there when partitions come: whether they belong where they are.

use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_types::{Error, Result, SqlState};

use super::super::DdlContext;
use crate::modify::{Events, PartitionRule, Writer};

impl DdlContext<'_> {
    /// Looks for a row of a table, or of its partitions, that another partition would take now. 23514.
    pub(in crate::ddl) fn check_partition_rows(&mut self, table: &Arc<Relation>, is_default: bool) -> Result<()> {
        let catalog = self.view();
        let leaves = match table.is_partitioned() {
            true => catalog.members(table),
            false => vec![table.clone()],
        };
        let cx = self.exec_context()?;
        let (engine, events) = (self.engine, Events::default());
        for leaf in leaves {
            let Some(leaf) = catalog.relation(leaf.oid).cloned() else { continue };
            let writer = Writer { cx: &cx, snapshot: &cx.snapshot, engine, events: &events, rt: None };
            let rule = PartitionRule::new(&leaf, &writer)?;
            let message = match is_default {
                true => format!(
                    "updated partition constraint for default partition \"{}\" would be violated by some row",
                    leaf.name
                ),
                false => format!("partition constraint of relation \"{}\" is violated by some row", leaf.name),
            };
            let schema = writer.schema_name(&leaf);
            self.check_rows(&leaf, |row, _| match rule.fits(row, &writer)? {
                true => Ok(()),
                false => Err(Error::new(SqlState::CHECK_VIOLATION, message.clone())
                    .schema(schema.clone())
                    .table(&*leaf.name)),
            })?;
        }
        Ok(())
    }
}
