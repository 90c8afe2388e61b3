//! Tables whose rows go by themselves (`ttl`, `max_rows`): what they may not be, and the column that says when a row was written.

use dictdb_catalog::{Column, Relation, RelationKind};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::DdlContext;
use crate::modify::remove_expired;

impl DdlContext<'_> {
    /// Before `ttl` of a table changes: rows that it has taken do not come back when it grows or goes.
    pub(super) fn remove_expired(&mut self, relation: &Relation) -> Result<()> {
        let now = self.row_env().statement_timestamp();
        remove_expired(self.storage, relation, self.transaction, now)
    }

    /// After the storage parameters of a table have changed: refuses what cannot be kept, and has a table with `ttl` keep when its rows
    /// were written. Those that are there were written now. 0A000.
    pub(super) fn settle_expiry(&mut self, table: Oid) -> Result<()> {
        let relation = self.table(table)?;
        let Some(parameter) = relation.limited_by() else { return Ok(()) };
        if !matches!(relation.kind, RelationKind::Table) {
            return Err(Error::unsupported(format_args!("\"{parameter}\" of a materialized view")));
        }
        if relation.is_partitioned() || !relation.parents.is_empty() || !relation.children.is_empty() {
            return refuse_family(&relation);
        }
        if !relation.referenced_by.is_empty() {
            return refuse_referenced(&relation);
        }
        if relation.ttl_micros().is_none() || relation.written_at().is_some() {
            return Ok(());
        }
        let now = self.row_env().statement_timestamp();
        let mut column = Column::written_at(0, now);
        self.make_room(&relation, &mut column)?;
        let mut columns = relation.columns.to_vec();
        columns.push(column);
        self.put_relation(Relation { columns: columns.into(), ..Relation::clone(&relation) });
        Ok(())
    }
}

/// 0A000 for a table whose rows go by themselves and that is to have parents or children: each table has its own limits.
pub(super) fn refuse_family(relation: &Relation) -> Result<()> {
    match relation.limited_by() {
        Some(parameter) => Err(Error::unsupported(format_args!("\"{parameter}\" with inheritance or partitions"))),
        None => Ok(()),
    }
}

/// 0A000 for a table whose rows go by themselves and that a foreign key is to refer to.
pub(super) fn refuse_referenced(relation: &Relation) -> Result<()> {
    let Some(parameter) = relation.limited_by() else { return Ok(()) };
    let message = format!("foreign keys cannot refer to table \"{}\"", relation.name);
    let detail = format!("Its rows go by \"{parameter}\", whoever refers to them.");
    Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).detail(detail))
}
