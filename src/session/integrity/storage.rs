//! The rows of one table as storage has them: NOT NULL, and what its indexes say.

use dictdb_catalog::{Relation, RelationKind};
use dictdb_storage::{IndexFault, RowView, Snapshot, Table};
use dictdb_types::{Error, Result, RowId};

use super::{Findings, name_of, place};
use crate::StatementEnv;

/// Checks a table; `interrupts` is called often.
pub(super) fn check(
    env: &StatementEnv,
    relation: &Relation,
    snapshot: &Snapshot,
    interrupts: &dyn Fn() -> Result<()>,
    findings: &mut Findings,
) -> Result<()> {
    // Its absence has been reported.
    let Some(table) = env.shared.instance.storage.table(relation.storage) else { return Ok(()) };
    not_null(env, relation, (&table, snapshot), interrupts, findings)?;
    for index in env.catalog.valid_indexes(relation) {
        check_index(env, index, (&table, snapshot), interrupts, findings)?;
    }
    Ok(())
}

fn not_null(
    env: &StatementEnv,
    relation: &Relation,
    (table, snapshot): (&Table, &Snapshot),
    interrupts: &dyn Fn() -> Result<()>,
    findings: &mut Findings,
) -> Result<()> {
    let columns: Vec<_> = relation.live_columns().filter(|(_, column)| column.not_null).collect();
    if columns.is_empty() {
        return Ok(());
    }
    let object = name_of(env, relation);
    for block in 0..table.block_count() {
        interrupts()?;
        table.each_visible(block, snapshot, |row: RowId, version: &RowView<'_>| {
            for (_, column) in &columns {
                if version.value(column.slot).is_null() {
                    findings.add(&object, "not null", format!("{}: \"{}\" is null", place(row), column.name));
                }
            }
            Ok::<_, Error>(())
        })?;
    }
    Ok(())
}

fn check_index(
    env: &StatementEnv,
    relation: &Relation,
    (table, snapshot): (&Table, &Snapshot),
    interrupts: &dyn Fn() -> Result<()>,
    findings: &mut Findings,
) -> Result<()> {
    let RelationKind::Index(info) = &relation.kind else { return Ok(()) };
    let object = name_of(env, relation);
    let Some(index) = table.index(relation.storage) else {
        findings.add(&object, "index", "there is no storage for its entries");
        return Ok(());
    };
    table.verify_index(&index, snapshot, info.unique, interrupts, &mut |fault| {
        match fault {
            IndexFault::Missing(row) => findings.add(&object, "index", format!("{} has no entry", place(row))),
            IndexFault::Dangling(row) => {
                findings.add(
                    &object,
                    "index",
                    format!("an entry leads to {}, which does not have its key", place(row)),
                );
            }
            IndexFault::Duplicate(first, second) => {
                findings.add(&object, "unique", format!("{} and {} have the same key", place(first), place(second)));
            }
        }
        Ok(())
    })
}
