//! TRUNCATE: a table gets new, empty storage; the old one stays for those who still read it.

use std::sync::Arc;

use dictdb_catalog::trigger::Timing;
use dictdb_catalog::{Persistence, Relation, RelationKind, SequenceInfo};
use dictdb_parser::utility::{Behavior, Truncate};
use dictdb_storage::{LockMode, SequenceState};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::DdlContext;
use crate::context::ExecContext;
use crate::engine::Engine;
use crate::modify::trigger::fire_truncate;

impl DdlContext<'_> {
    pub(super) fn truncate(&mut self, truncate: &Truncate) -> Result<()> {
        let mut tables: Vec<Oid> = Vec::new();
        for table in &truncate.tables {
            let relation = self.find_relation(&table.name)?;
            if !matches!(relation.kind, RelationKind::Table) {
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not a table", relation.name)));
            }
            if let Some(error) = self.view().no_handler(&relation) {
                return Err(error);
            }
            self.check_table_privilege(&relation, dictdb_catalog::Privileges::TRUNCATE)?;
            self.check_not_system(&relation)?;
            if table.only && relation.is_partitioned() {
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, "cannot truncate only a partitioned table")
                    .hint("Do not specify the ONLY keyword, or use TRUNCATE ONLY on the partitions directly."));
            }
            let family = match table.only {
                true => vec![relation.clone()],
                false => self.view().descendants(&relation),
            };
            for member in family {
                // Those of other sessions are out of reach.
                let reachable =
                    member.persistence != Persistence::Temporary || member.namespace == self.temporary_schema;
                if reachable && !tables.contains(&member.oid) {
                    tables.push(member.oid);
                }
            }
        }
        for table in &tables {
            self.lock(*table, LockMode::AccessExclusive)?;
        }
        self.add_referencing(&mut tables, truncate.behavior)?;
        for table in &tables {
            let relation = self.table(*table)?;
            self.check_not_in_use(&relation, "TRUNCATE")?;
        }
        self.before_truncate(&tables)?;
        for table in &tables {
            self.truncate_table(*table, truncate.restart_identity)?;
        }
        self.truncated = tables;
        Ok(())
    }

    /// Adds the tables with foreign keys to those that are emptied, and those with foreign keys to them. Without CASCADE 0A000.
    fn add_referencing(&mut self, tables: &mut Vec<Oid>, behavior: Behavior) -> Result<()> {
        let mut looked_at = 0;
        while looked_at < tables.len() {
            let mut found: Vec<Oid> = Vec::new();
            for table in &tables[looked_at..] {
                let relation = self.table(*table)?;
                for referencing in self.referencing(&relation) {
                    if tables.contains(&referencing) || found.contains(&referencing) {
                        continue;
                    }
                    if behavior == Behavior::Restrict {
                        return Err(self.referenced(&relation, referencing)?);
                    }
                    found.push(referencing);
                }
            }
            looked_at = tables.len();
            found.sort_unstable();
            for table in found {
                self.lock(table, LockMode::AccessExclusive)?;
                let message = format!("truncate cascades to table \"{}\"", self.table(table)?.name);
                self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
                tables.push(table);
            }
        }
        Ok(())
    }

    /// The tables with foreign keys to a table, by oid. What refers to a partitioned table refers to its partitions.
    fn referencing(&mut self, relation: &Arc<Relation>) -> Vec<Oid> {
        let above = self.view().partition_ancestors(relation);
        let tables = std::iter::once(relation).chain(&above);
        let mut found: Vec<Oid> =
            tables.flat_map(|table| table.referenced_by.iter().map(|(referencing, _)| *referencing)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    fn referenced(&mut self, relation: &Relation, by: Oid) -> Result<Error> {
        let other = self.table(by)?;
        let message = "cannot truncate a table referenced in a foreign key constraint";
        Ok(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
            .detail(format!("Table \"{}\" references \"{}\".", other.name, relation.name))
            .hint(format!("Truncate table \"{}\" at the same time, or use TRUNCATE ... CASCADE.", other.name)))
    }

    fn before_truncate(&mut self, tables: &[Oid]) -> Result<()> {
        let catalog = self.view();
        if tables.iter().all(|table| catalog.triggers_of(*table).next().is_none()) {
            return Ok(());
        }
        let cx = self.exec_context()?;
        fire(tables, Timing::Before, &cx, self.engine)
    }

    fn truncate_table(&mut self, table: Oid, restart_identity: bool) -> Result<()> {
        let relation = self.table(table)?;
        let storage = self.new_storage(&relation.columns, relation.persistence);
        self.continue_counts(relation.storage, storage, 0);
        self.own.lock().changes.dropped_table(relation.storage);
        let relation = self.put_relation(Relation { storage, ..Relation::clone(&relation) });
        self.rebuild_indexes(&relation)?;
        if restart_identity {
            self.restart_owned_sequences(table)?;
        }
        Ok(())
    }

    fn restart_owned_sequences(&mut self, table: Oid) -> Result<()> {
        let catalog = self.view();
        let owned = catalog.relations().filter_map(|relation| match &relation.kind {
            RelationKind::Sequence(info) if info.owned_by.is_some_and(|(owner, ..)| owner == table) => {
                Some((relation.clone(), Arc::clone(info)))
            }
            _ => None,
        });
        for (sequence, info) in owned.collect::<Vec<_>>() {
            self.lock(sequence.oid, LockMode::AccessExclusive)?;
            let state = SequenceState { last_value: info.start, is_called: false };
            self.replace_sequence(&sequence, SequenceInfo::clone(&info), Some(state))?;
        }
        Ok(())
    }
}

/// Fires the AFTER triggers of tables that were emptied, in a context that sees them so.
pub fn after_truncate(tables: &[Oid], cx: &ExecContext, engine: &Arc<Engine>) -> Result<()> {
    fire(tables, Timing::After, cx, engine)
}

fn fire(tables: &[Oid], timing: Timing, cx: &ExecContext, engine: &Arc<Engine>) -> Result<()> {
    let relations: Vec<Arc<Relation>> =
        tables.iter().filter_map(|table| cx.catalog.relation(*table).cloned()).collect();
    fire_truncate(&relations, timing, cx, engine)
}
