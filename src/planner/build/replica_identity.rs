//! Rows that a publication sends when they change have to be told apart by whoever receives them: what an UPDATE or a DELETE
//! needs of the replica identity of its table (`CheckCmdReplicaIdentity`).

use std::sync::Arc;

use dictdb_catalog::{IndexTarget, PublicationInfo, PublishedTable, Relation, RelationKind, ReplicaIdentity};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::Builder;
use crate::logical::{MergeAction, Modify, ModifyAction};
use crate::table_expr::{TableExpr, bind_text};

/// What changes a row that is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Update,
    Delete,
}

impl Change {
    /// `cannot … table`, `To enable … the table`, `and publishes …`.
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Change::Update => ("update", "updating", "updates"),
            Change::Delete => ("delete from", "deleting from", "deletes"),
        }
    }

    fn is_published(self, info: &PublicationInfo) -> bool {
        match self {
            Change::Update => info.update,
            Change::Delete => info.delete,
        }
    }
}

impl Builder<'_> {
    /// 55000 and 42P10 for a change that a publication could not send. Of a partitioned table its partitions are asked.
    pub(super) fn check_replica_identity(&self, modify: &Modify) -> Result<()> {
        if !self.catalog.definitions().any(|own| own.publication().is_some()) {
            return Ok(());
        }
        let changes = match &modify.action {
            ModifyAction::Update { .. } => vec![Change::Update],
            ModifyAction::Delete { .. } => vec![Change::Delete],
            ModifyAction::Insert { on_conflict: Some(conflict), .. } if conflict.update.is_some() => {
                vec![Change::Update]
            }
            ModifyAction::Merge { clauses, .. } => {
                let change = |action: &MergeAction| match action {
                    MergeAction::Update { .. } => Some(Change::Update),
                    MergeAction::Delete => Some(Change::Delete),
                    MergeAction::Insert { .. } | MergeAction::Nothing => None,
                };
                clauses.iter().filter_map(|clause| change(&clause.action)).collect()
            }
            ModifyAction::Insert { .. } | ModifyAction::Instead { .. } => return Ok(()),
        };
        let own = std::iter::once(&modify.relation).filter(|_| modify.members.is_empty());
        let members = modify.members.iter().filter(|member| self.opened.contains(&member.oid));
        for relation in own.chain(members).filter(|relation| is_publishable(relation)) {
            changes.iter().try_for_each(|change| self.check_change(relation, *change))?;
        }
        Ok(())
    }

    fn check_change(&self, relation: &Arc<Relation>, change: Change) -> Result<()> {
        let identity = self.identity_of(relation);
        let (doing, enabling, events) = change.words();
        let mut published = false;
        for info in self.catalog.definitions().filter_map(|own| own.publication()) {
            if !change.is_published(info) || !self.publishes(info, relation) {
                continue;
            }
            published = true;
            let refuse = |detail: &str| {
                let message = format!("cannot {doing} table \"{}\"", relation.name);
                Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message).detail(detail))
            };
            let Some((table, listed)) = self.published_as(info, relation) else { continue };
            if self.condition_reads_more(&table, listed, relation, identity.as_deref())? {
                return refuse("Column used in the publication WHERE expression is not part of the replica identity.");
            }
            if list_lacks_some(&table, listed, relation, identity.as_deref()) {
                return refuse("Column list used by the publication does not cover the replica identity.");
            }
        }
        let has_identity = identity.is_none_or(|columns| !columns.is_empty());
        if has_identity || !published {
            return Ok(());
        }
        let message = format!(
            "cannot {doing} table \"{}\" because it does not have a replica identity and publishes {events}",
            relation.name
        );
        let hint = format!("To enable {enabling} the table, set REPLICA IDENTITY using ALTER TABLE.");
        Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message).hint(hint))
    }

    /// The columns that tell a row; `None` when all do, none when nothing does.
    fn identity_of(&self, relation: &Relation) -> Option<Vec<i16>> {
        let index = match relation.replica_identity {
            ReplicaIdentity::Full => return None,
            ReplicaIdentity::Nothing => None,
            ReplicaIdentity::Index(index) => Some(index),
            ReplicaIdentity::Default => {
                relation.primary_key().filter(|key| !key.deferrable).and_then(|key| key.kind.index())
            }
        };
        let index = index.and_then(|index| self.catalog.relation(index)).and_then(|index| index.index());
        let columns = index.into_iter().flat_map(|index| &index.keys).filter_map(|key| match key.target {
            IndexTarget::Column(attnum) => Some(attnum),
            IndexTarget::Expression(_) => None,
        });
        Some(columns.collect())
    }

    /// Whether a publication sends changes of a table, by itself or as a partition.
    fn publishes(&self, info: &PublicationInfo, relation: &Relation) -> bool {
        info.all_tables
            || is_listed(info, relation)
            || self.catalog.partition_ancestors(relation).iter().any(|ancestor| is_listed(info, ancestor))
    }

    /// The table that a publication sends the changes of a table as, and what it says about that one.
    fn published_as<'i>(
        &self,
        info: &'i PublicationInfo,
        relation: &Arc<Relation>,
    ) -> Option<(Arc<Relation>, &'i PublishedTable)> {
        let ancestors = self.catalog.partition_ancestors(relation).into_iter().rev();
        let root = ancestors.filter(|_| info.via_root).find(|ancestor| is_listed(info, ancestor));
        let table = root.unwrap_or_else(|| relation.clone());
        let listed = info.tables.iter().find(|listed| listed.relation == table.oid)?;
        Some((table, listed))
    }

    /// Whether the condition on published rows reads a column that does not tell them.
    fn condition_reads_more(
        &self,
        table: &Arc<Relation>,
        listed: &PublishedTable,
        relation: &Relation,
        identity: Option<&[i16]>,
    ) -> Result<bool> {
        let (Some(condition), Some(identity)) = (&listed.condition, identity) else { return Ok(false) };
        let bound = bind_text(condition, table, TableExpr::PublicationRow, self.cx)?;
        let tells = |attnum: &i16| table.attnum_in(*attnum, relation).is_some_and(|own| identity.contains(&own));
        Ok(!bound.columns.iter().all(tells))
    }
}

/// Whether a list of columns leaves one out that tells rows.
fn list_lacks_some(table: &Relation, listed: &PublishedTable, relation: &Relation, identity: Option<&[i16]>) -> bool {
    let Some(columns) = &listed.columns else { return false };
    let Some(identity) = identity else { return true };
    let sent = |attnum: &i16| relation.attnum_in(*attnum, table).is_some_and(|of_table| columns.contains(&of_table));
    !identity.iter().all(sent)
}

fn is_listed(info: &PublicationInfo, relation: &Relation) -> bool {
    info.tables.iter().any(|table| table.relation == relation.oid)
        || info.schemas.iter().any(|(_, schema)| *schema == relation.namespace)
}

/// Whether a publication sends changes of this table's own rows.
fn is_publishable(relation: &Relation) -> bool {
    matches!(relation.kind, RelationKind::Table)
        && !relation.is_partitioned()
        && relation.persistence == dictdb_catalog::Persistence::Permanent
        && relation.oid >= Oid::FIRST_NORMAL
}
