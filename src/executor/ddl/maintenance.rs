//! REINDEX and CLUSTER: what there is, built anew; CLUSTER in the order of an index.

use std::sync::Arc;

use dictdb_catalog::{Relation, RelationKind};
use dictdb_parser::ast::Ident;
use dictdb_parser::position;
use dictdb_parser::utility::{Cluster, DefElem, Reindex, ReindexKind};
use dictdb_storage::{DatumRow, LockMode};
use dictdb_types::{Error, Oid, Result, Severity, SqlState};

use super::DdlContext;
use super::names::shown;
use crate::access::extractor::key_extractor;
use crate::row::Row;

impl DdlContext<'_> {
    pub(super) fn reindex(&mut self, reindex: &Reindex) -> Result<()> {
        for option in &reindex.options {
            match option.name.value.as_str() {
                "verbose" | "concurrently" => {}
                "tablespace" => {
                    let space = super::options::shown(option.value.as_ref());
                    super::options::check_tablespace(Some(&Ident::new(space)))?;
                }
                other => {
                    let error = Error::new(SqlState::SYNTAX_ERROR, format!("unrecognized REINDEX option \"{other}\""));
                    return Err(error.at(position::of_span(option.name.span)));
                }
            }
        }
        let is_concurrent = is_on(&reindex.options, "concurrently");
        match reindex.kind {
            ReindexKind::Index => {
                let index = self.find_relation(&reindex.name)?;
                let Some(info) = index.index() else {
                    return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not an index", index.name)));
                };
                self.check_owner(&index)?;
                if info.partitioned {
                    return self.reindex_members(&index, is_concurrent);
                }
                self.reindex_one(info.table, index.oid, is_concurrent)
            }
            ReindexKind::Table => {
                let table = self.find_relation(&reindex.name)?;
                if !table.is_stored() {
                    return Err(Error::new(
                        SqlState::WRONG_OBJECT_TYPE,
                        format!("\"{}\" is not a table or materialized view", table.name),
                    ));
                }
                self.check_owner(&table)?;
                if table.is_partitioned() {
                    return self.reindex_members(&table, is_concurrent);
                }
                if table.indexes.is_empty() {
                    let message = format!("table \"{}\" has no indexes to reindex", table.name);
                    self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
                }
                self.reindex_table(table.oid, is_concurrent)
            }
            ReindexKind::Schema => {
                let name = shown(&reindex.name);
                let catalog = self.view();
                let schema = self.schema_oid(&catalog, &name)?;
                self.reindex_all(is_concurrent, |relation| relation.namespace == schema)
            }
            ReindexKind::Database | ReindexKind::System => {
                let name = shown(&reindex.name);
                let own = self.databases.iter().find(|known| known.oid == self.database);
                let own = own.map(|database| database.name.clone());
                if !name.is_empty() && own.as_deref() != Some(name.as_str()) {
                    return Err(Error::new(
                        SqlState::FEATURE_NOT_SUPPORTED,
                        "can only reindex the currently open database",
                    ));
                }
                // System catalogs have no indexes of their own here.
                match reindex.kind {
                    ReindexKind::System => Ok(()),
                    _ => self.reindex_all(is_concurrent, |_| true),
                }
            }
        }
    }

    /// REINDEX of a partitioned table or index: of all partitions, or of their indexes that belong to it.
    fn reindex_members(&mut self, family: &Arc<Relation>, is_concurrent: bool) -> Result<()> {
        for member in self.view().descendants(family) {
            match member.index() {
                Some(info) if !info.partitioned => self.reindex_one(info.table, member.oid, is_concurrent)?,
                None if member.is_stored() && !member.is_partitioned() => {
                    self.reindex_table(member.oid, is_concurrent)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn reindex_all(&mut self, is_concurrent: bool, wanted: impl Fn(&Relation) -> bool) -> Result<()> {
        let catalog = self.view();
        let is_stored = |relation: &Relation| relation.is_stored() && !relation.is_partitioned();
        let tables = catalog.relations().filter(|relation| is_stored(relation) && wanted(relation));
        let tables: Vec<Oid> = tables.map(|relation| relation.oid).collect();
        tables.into_iter().try_for_each(|table| self.reindex_table(table, is_concurrent))
    }

    fn reindex_table(&mut self, table: Oid, is_concurrent: bool) -> Result<()> {
        let mode = if is_concurrent { LockMode::ShareUpdateExclusive } else { LockMode::Share };
        self.lock(table, mode)?;
        let relation = self.table(table)?;
        for index in relation.indexes.clone() {
            let index = self.table(index)?;
            if is_concurrent && index.index().is_some_and(|info| info.invalid) {
                let name = self.qualified(index.namespace, &index.name);
                let message = format!("cannot reindex invalid index \"{name}\" concurrently, skipping");
                let warning = Error::with_severity(Severity::Warning, SqlState::FEATURE_NOT_SUPPORTED, message);
                self.notices.push(warning);
                continue;
            }
            self.reindex_one(table, index.oid, is_concurrent)?;
        }
        Ok(())
    }

    /// Builds an index anew. PostgreSQL's statements have the indexes of their tables locked, so it waits for those; under
    /// CONCURRENTLY they go on meanwhile.
    fn reindex_one(&mut self, table: Oid, index: Oid, is_concurrent: bool) -> Result<()> {
        let (of_table, of_index) = match is_concurrent {
            true => (LockMode::ShareUpdateExclusive, LockMode::ShareUpdateExclusive),
            false => (LockMode::Share, LockMode::AccessExclusive),
        };
        self.lock(table, of_table)?;
        self.lock(index, of_index)?;
        let relation = self.table(table)?;
        if is_concurrent {
            self.while_locked(table, LockMode::Share, |cx| cx.rebuild_index(&relation, index))?;
            return self.wait_for_index_users(table);
        }
        self.wait_for_users(table)?;
        self.rebuild_index(&relation, index)
    }

    pub(super) fn cluster(&mut self, cluster: &Cluster) -> Result<()> {
        if let Some(option) = cluster.options.iter().find(|option| option.name.value != "verbose") {
            return Err(Error::new(
                SqlState::SYNTAX_ERROR,
                format!("unrecognized CLUSTER option \"{}\"", option.name.value),
            )
            .at(position::of_span(option.name.span)));
        }
        let Some(name) = &cluster.table else {
            let catalog = self.view();
            let clustered = catalog.relations().filter(|relation| relation.clustered_on.is_valid());
            let clustered: Vec<Arc<Relation>> = clustered.cloned().collect();
            for table in clustered {
                if self.has_privileges_of(table.owner) {
                    self.cluster_table(table.oid, table.clustered_on)?;
                }
            }
            return Ok(());
        };
        let table = self.find_relation(name)?;
        if !table.is_stored() {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("\"{}\" is not a table or materialized view", table.name),
            ));
        }
        self.check_owner(&table)?;
        if table.is_partitioned() {
            self.lock(table.oid, LockMode::AccessExclusive)?;
        }
        let index = match &cluster.index {
            Some(index) => {
                let found = self.view().relation_in(table.namespace, &index.value).cloned();
                let index = found.ok_or_else(|| {
                    Error::new(
                        SqlState::UNDEFINED_OBJECT,
                        format!("index \"{}\" for table \"{}\" does not exist", index.value, table.name),
                    )
                })?;
                self.check_clusterable(&table, &index)?;
                index.oid
            }
            None if table.clustered_on.is_valid() => table.clustered_on,
            None => {
                return Err(Error::new(
                    SqlState::UNDEFINED_OBJECT,
                    format!("there is no previously clustered index for table \"{}\"", table.name),
                ));
            }
        };
        if table.is_partitioned() {
            return self.cluster_partitions(&table, index);
        }
        self.cluster_table(table.oid, index)
    }

    /// CLUSTER of a partitioned table: the partitions that the role owns, each in the order of its part of the index.
    fn cluster_partitions(&mut self, table: &Arc<Relation>, index: Oid) -> Result<()> {
        let catalog = self.view();
        let Some(index) = catalog.relation(index).cloned() else { return Ok(()) };
        let parts = catalog.descendants(&index);
        let leaves = catalog.descendants(table).into_iter().filter(|member| !member.is_partitioned());
        for leaf in leaves.collect::<Vec<_>>() {
            let part = parts.iter().find(|part| part.index().is_some_and(|info| info.table == leaf.oid));
            if let Some(part) = part.filter(|_| self.has_privileges_of(leaf.owner)) {
                self.cluster_table(leaf.oid, part.oid)?;
            }
        }
        Ok(())
    }

    fn cluster_table(&mut self, table: Oid, index: Oid) -> Result<()> {
        self.lock(table, LockMode::AccessExclusive)?;
        let relation = self.table(table)?;
        self.check_not_in_use(&relation, "CLUSTER")?;
        let relation = self.put_relation(Relation { clustered_on: index, ..Relation::clone(&relation) });
        let index = self.table(index)?;
        let RelationKind::Index(info) = &index.kind else { return Err(Error::internal("not an index")) };
        let catalog = self.view();
        let key = key_extractor(&relation, info, &catalog, self.registry)?;
        let slots: Vec<usize> = relation.columns.iter().map(|column| column.slot).collect();
        let width = slots.iter().max().map_or(0, |last| last + 1);
        let mut rows: Vec<(Vec<u8>, Row)> = Vec::new();
        for row in self.all_rows(&relation)? {
            let mut stored = vec![dictdb_types::Datum::Null; width];
            row.iter().zip(&slots).for_each(|(value, slot)| stored[*slot] = value.clone());
            let mut bytes = Vec::new();
            key.key(&DatumRow(&stored), &mut bytes)?;
            rows.push((bytes, row));
        }
        rows.sort_by(|(a, _), (b, _)| a.cmp(b));
        let rows = rows.into_iter().map(|(_, row)| row).collect();
        self.rewrite_rows(&relation, relation.columns.to_vec(), rows, &[]).map(drop)
    }
}

/// Whether a boolean option is given and on.
fn is_on(options: &[DefElem], name: &str) -> bool {
    options.iter().any(|option| {
        option.name.value == name
            && !matches!(super::options::shown(option.value.as_ref()).as_str(), "false" | "off" | "0")
    })
}
