//! REINDEX and CLUSTER: what there is, built anew; CLUSTER in the order of an index.

use std::sync::Arc;

use dictdb_catalog::{BOOTSTRAP_ROLE, Constraint, ConstraintKind, Relation, RelationKind, namespaces};
use dictdb_parser::position;
use dictdb_parser::utility::{Cluster, DefElem, Reindex, ReindexKind};
use dictdb_storage::LockMode;
use dictdb_types::{Error, Oid, Result, Severity, SqlState};

use super::DdlContext;
use super::names::shown;
use crate::access::extractor::key_extractor;

/// Rows that CLUSTER moves at once.
const ROWS_AT_ONCE: usize = 4096;

/// How REINDEX goes about it.
struct Rebuilding {
    is_concurrent: bool,
    is_verbose: bool,
    /// `TABLESPACE`: where the indexes come.
    tablespace: Option<String>,
}

impl Rebuilding {
    /// System catalogs are made anew for every look at them: there is nothing to build. 0A000 for what cannot be done to their indexes.
    fn of_system_catalog(&self, index: &str) -> Result<()> {
        if self.is_concurrent {
            return Err(concurrent_catalogs());
        }
        match self.tablespace {
            Some(_) => {
                let message = format!("cannot move system relation \"{index}\"");
                Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
            }
            None => Ok(()),
        }
    }
}

fn concurrent_catalogs() -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, "cannot reindex system catalogs concurrently")
}

impl DdlContext<'_> {
    pub(super) fn reindex(&mut self, reindex: &Reindex) -> Result<()> {
        let is_concurrent = is_on(&reindex.options, "concurrently");
        let mut tablespace = None;
        for option in &reindex.options {
            match option.name.value.as_str() {
                "verbose" | "concurrently" => {}
                "tablespace" => {
                    let name = super::options::shown(option.value.as_ref());
                    self.check_named_tablespace(&name)?;
                    tablespace = Some(name);
                }
                other => {
                    let error = Error::new(SqlState::SYNTAX_ERROR, format!("unrecognized REINDEX option \"{other}\""));
                    return Err(error.at(position::of_span(option.name.span)));
                }
            }
        }
        let how = Rebuilding { is_concurrent, is_verbose: is_on(&reindex.options, "verbose"), tablespace };
        match reindex.kind {
            ReindexKind::Index => {
                let index = self.find_relation(&reindex.name)?;
                let Some(info) = index.index() else {
                    return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not an index", index.name)));
                };
                self.check_owner(&index)?;
                if info.partitioned {
                    return self.reindex_members(&index, &how);
                }
                if index.oid < Oid::FIRST_NORMAL {
                    return how.of_system_catalog(&index.name);
                }
                if is_concurrent && self.is_exclusion(info.table, index.oid)? {
                    let message = "concurrent index creation for exclusion constraints is not supported";
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
                }
                self.reindex_one(info.table, index.oid, &how)
            }
            ReindexKind::Table => {
                let table = self.find_relation(&reindex.name)?;
                if matches!(table.kind, RelationKind::Virtual) {
                    self.check_owner(&table)?;
                    let first = table.indexes.first().map(|index| self.table(*index)).transpose()?;
                    return how.of_system_catalog(first.as_ref().map_or("", |index| &index.name));
                }
                if !table.is_stored() {
                    return Err(Error::new(
                        SqlState::WRONG_OBJECT_TYPE,
                        format!("\"{}\" is not a table or materialized view", table.name),
                    ));
                }
                self.check_owner(&table)?;
                if table.is_partitioned() {
                    return self.reindex_members(&table, &how);
                }
                if table.indexes.is_empty() {
                    let what = if is_concurrent { "that can be reindexed concurrently" } else { "to reindex" };
                    let message = format!("table \"{}\" has no indexes {what}", table.name);
                    self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
                }
                self.reindex_table(table.oid, &how)
            }
            ReindexKind::Schema => {
                let name = shown(&reindex.name);
                let catalog = self.view();
                let schema = self.schema_oid(&catalog, &name)?;
                let owner = catalog.schema(schema).map_or(BOOTSTRAP_ROLE, |schema| schema.owner);
                if !self.has_privileges_of(owner) {
                    return Err(super::ownership::not_owner("schema", &name));
                }
                if schema == namespaces::PG_CATALOG && is_concurrent {
                    self.skip_system_catalogs();
                }
                self.reindex_all(&how, |relation| relation.namespace == schema)
            }
            ReindexKind::Database | ReindexKind::System => {
                if matches!(reindex.kind, ReindexKind::System) && is_concurrent {
                    return Err(concurrent_catalogs());
                }
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
                    _ => {
                        if is_concurrent {
                            self.skip_system_catalogs();
                        }
                        self.reindex_all(&how, |_| true)
                    }
                }
            }
        }
    }

    fn skip_system_catalogs(&mut self) {
        let message = "cannot reindex system catalogs concurrently, skipping all";
        self.notices.push(Error::with_severity(Severity::Warning, SqlState::FEATURE_NOT_SUPPORTED, message));
    }

    /// Whether an index is that of an exclusion constraint.
    fn is_exclusion(&mut self, table: Oid, index: Oid) -> Result<bool> {
        let table = self.table(table)?;
        let of_index = |constraint: &&Arc<Constraint>| constraint.kind.index() == Some(index);
        let found = table.constraints.iter().find(of_index);
        Ok(found.is_some_and(|constraint| matches!(constraint.kind, ConstraintKind::Exclude { .. })))
    }

    /// REINDEX of a partitioned table or index: of all partitions, or of their indexes that belong to it.
    fn reindex_members(&mut self, family: &Arc<Relation>, how: &Rebuilding) -> Result<()> {
        for member in self.view().descendants(family) {
            match member.index() {
                Some(info) if !info.partitioned => self.reindex_one(info.table, member.oid, how)?,
                None if member.is_stored() && !member.is_partitioned() => {
                    self.reindex_table(member.oid, how)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn reindex_all(&mut self, how: &Rebuilding, wanted: impl Fn(&Relation) -> bool) -> Result<()> {
        let catalog = self.view();
        let is_stored = |relation: &Relation| relation.is_stored() && !relation.is_partitioned();
        let tables = catalog.relations().filter(|relation| is_stored(relation) && wanted(relation));
        let tables: Vec<Oid> = tables.map(|relation| relation.oid).collect();
        tables.into_iter().try_for_each(|table| self.reindex_table(table, how))
    }

    fn reindex_table(&mut self, table: Oid, how: &Rebuilding) -> Result<()> {
        let mode = if how.is_concurrent { LockMode::ShareUpdateExclusive } else { LockMode::Share };
        self.lock(table, mode)?;
        let relation = self.table(table)?;
        for index in relation.indexes.clone() {
            let index = self.table(index)?;
            let passed_over = if !how.is_concurrent {
                None
            } else if index.index().is_some_and(|info| info.invalid) {
                Some("invalid index")
            } else {
                self.is_exclusion(table, index.oid)?.then_some("exclusion constraint index")
            };
            if let Some(kind) = passed_over {
                let message = format!("cannot reindex {kind} \"{}\" concurrently, skipping", self.spelt(&index));
                self.notices.push(Error::with_severity(Severity::Warning, SqlState::FEATURE_NOT_SUPPORTED, message));
                continue;
            }
            self.reindex_one(table, index.oid, how)?;
        }
        Ok(())
    }

    /// Builds an index anew. PostgreSQL's statements have the indexes of their tables locked, so it waits for those; under
    /// CONCURRENTLY they go on meanwhile.
    fn reindex_one(&mut self, table: Oid, index: Oid, how: &Rebuilding) -> Result<()> {
        let (of_table, of_index) = match how.is_concurrent {
            true => (LockMode::ShareUpdateExclusive, LockMode::ShareUpdateExclusive),
            false => (LockMode::Share, LockMode::AccessExclusive),
        };
        self.lock(table, of_table)?;
        self.lock(index, of_index)?;
        let relation = self.table(table)?;
        if let Some(name) = &how.tablespace {
            let index = self.table(index)?;
            self.move_index(&index, name, how.is_concurrent)?;
        }
        if how.is_concurrent {
            self.while_locked(table, LockMode::Share, |cx| cx.rebuild_index(&relation, index))?;
            self.wait_for_index_users(table)?;
        } else {
            self.wait_for_users(table)?;
            self.rebuild_index(&relation, index)?;
        }
        if how.is_verbose {
            let index = self.table(index)?;
            let name = if how.is_concurrent { self.spelt(&index) } else { index.name.to_string() };
            self.info(format!("index \"{name}\" was reindexed"));
        }
        Ok(())
    }

    /// A relation's name behind that of its schema, without quotes.
    fn spelt(&mut self, relation: &Relation) -> String {
        let catalog = self.view();
        let schema = catalog.schema(relation.namespace).map_or("", |schema| &*schema.name);
        format!("{schema}.{}", relation.name)
    }

    pub(super) fn cluster(&mut self, cluster: &Cluster) -> Result<()> {
        if let Some(option) = cluster.options.iter().find(|option| option.name.value != "verbose") {
            return Err(Error::new(
                SqlState::SYNTAX_ERROR,
                format!("unrecognized CLUSTER option \"{}\"", option.name.value),
            )
            .at(position::of_span(option.name.span)));
        }
        let is_verbose = is_on(&cluster.options, "verbose");
        let Some(name) = &cluster.table else {
            let catalog = self.view();
            let clustered = catalog.relations().filter(|relation| relation.clustered_on.is_valid());
            let clustered: Vec<Arc<Relation>> = clustered.cloned().collect();
            for table in clustered {
                if self.has_privileges_of(table.owner) {
                    self.cluster_table(table.oid, table.clustered_on, is_verbose)?;
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
            return self.cluster_partitions(&table, index, is_verbose);
        }
        self.cluster_table(table.oid, index, is_verbose)
    }

    /// CLUSTER of a partitioned table: the partitions that the role owns, each in the order of its part of the index.
    fn cluster_partitions(&mut self, table: &Arc<Relation>, index: Oid, is_verbose: bool) -> Result<()> {
        let catalog = self.view();
        let Some(index) = catalog.relation(index).cloned() else { return Ok(()) };
        let parts = catalog.descendants(&index);
        let leaves = catalog.descendants(table).into_iter().filter(|member| !member.is_partitioned());
        for leaf in leaves.collect::<Vec<_>>() {
            let part = parts.iter().find(|part| part.index().is_some_and(|info| info.table == leaf.oid));
            if let Some(part) = part.filter(|_| self.has_privileges_of(leaf.owner)) {
                self.cluster_table(leaf.oid, part.oid, is_verbose)?;
            }
        }
        Ok(())
    }

    fn cluster_table(&mut self, table: Oid, index: Oid, is_verbose: bool) -> Result<()> {
        self.lock(table, LockMode::AccessExclusive)?;
        let relation = self.table(table)?;
        self.check_not_in_use(&relation, "CLUSTER")?;
        let relation = self.put_relation(Relation { clustered_on: index, ..Relation::clone(&relation) });
        let index = self.table(index)?;
        let RelationKind::Index(info) = &index.kind else { return Err(Error::internal("not an index")) };
        let catalog = self.view();
        let key = key_extractor(&relation, info, &catalog, self.registry)?;
        let mut stored = self.stored_rows(&relation)?;
        let rows = stored.sorted_by(|version| {
            let mut bytes = Vec::new();
            key.key(version, &mut bytes).map(|_| bytes)
        })?;
        if is_verbose {
            let (name, count) = (self.spelt(&relation), rows.len());
            let blocks = self.storage.table(relation.storage).map_or(0, |table| table.block_count());
            self.info(format!("clustering \"{name}\" using sequential scan and sort"));
            let found = format!("found 0 removable, {count} nonremovable row versions in {blocks} pages");
            self.info(format!("\"{name}\": {found}"));
        }
        let rows = rows.chunks(ROWS_AT_ONCE).map(|ids| stored.rows(ids));
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
