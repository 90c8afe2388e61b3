//! From a partitioned table to the partition that takes a row.

use std::collections::BTreeMap;
use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_types::{Datum, Error, Oid, Result, SqlState};

use super::super::members::Member;
use super::super::violation::{self, value_text};
use super::super::writer::Writer;
use super::PartitionRule;
use super::level::Level;
use crate::row::Row;

/// Finds the partition of a row of a partitioned table, however deep it lies.
#[derive(Debug)]
pub(crate) struct Router {
    root: Arc<Relation>,
    /// What the table is a partition of sends no other rows to it.
    rule: Option<PartitionRule>,
    levels: BTreeMap<Oid, Level>,
    leaves: BTreeMap<Oid, Member>,
}

impl Router {
    /// The partitions of a table. Rows are as that table has them.
    pub fn new(root: &Arc<Relation>, writer: &Writer<'_>) -> Result<Router> {
        let rule = root.is_partition().then(|| PartitionRule::new(root, writer)).transpose()?;
        let mut router = Router { root: root.clone(), rule, levels: BTreeMap::new(), leaves: BTreeMap::new() };
        router.add(root, root, writer)?;
        Ok(router)
    }

    /// The table whose partitions it knows.
    pub fn root(&self) -> &Relation {
        &self.root
    }

    fn add(&mut self, relation: &Arc<Relation>, root: &Arc<Relation>, writer: &Writer<'_>) -> Result<()> {
        if !relation.is_partitioned() {
            self.leaves.insert(relation.oid, Member::new(root, relation));
            return Ok(());
        }
        self.levels.insert(relation.oid, Level::new(relation, root, writer)?);
        for child in &relation.children {
            if let Some(child) = writer.cx.catalog.relation(*child).cloned() {
                self.add(&child, root, writer)?;
            }
        }
        Ok(())
    }

    /// The partition that takes a row. 23514 when there is none.
    pub fn route(&self, row: &Row, writer: &Writer<'_>) -> Result<&Member> {
        if let Some(rule) = &self.rule
            && !rule.fits(row, writer)?
        {
            let schema = writer.schema_name(&self.root);
            let shape = violation::RowShape { relation: &self.root, given: &[], order: None };
            return Err(violation::partition((&self.root, &schema), shape, row, writer.cx));
        }
        let mut at = self.root.oid;
        while let Some(level) = self.levels.get(&at) {
            let key = level.key(row, writer)?;
            at = match level.find(row, &key, writer)? {
                Some(child) => child,
                None => return Err(no_partition(level, &key, writer)),
            };
        }
        self.leaves.get(&at).ok_or_else(|| Error::internal(format!("partition {at} is gone")))
    }
}

/// 23514, as PostgreSQL shows the key.
fn no_partition(level: &Level, key: &[Datum], writer: &Writer<'_>) -> Error {
    let relation = &level.relation;
    let env = &*writer.cx.env;
    let values: Vec<String> =
        key.iter().zip(level.key_types()).map(|(value, oid)| value_text(value, oid, env)).collect();
    let message = format!("no partition of relation \"{}\" found for row", relation.name);
    let error =
        Error::new(SqlState::CHECK_VIOLATION, message).schema(writer.schema_name(relation)).table(&*relation.name);
    if !violation::may_show(relation, level.key_columns(), writer.cx) {
        return error;
    }
    let (key, values) = (level.key_text(writer), values.join(", "));
    error.detail(format!("Partition key of the failing row contains ({key}) = ({values})."))
}
