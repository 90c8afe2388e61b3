//! Indexes of partitioned tables: each partition has its part, made or found.

use std::sync::Arc;

use dictdb_catalog::{Constraint, Dependency, IndexInfo, IndexKey, IndexTarget, Key, Relation, RelationKind};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::super::DdlContext;
use super::super::constraint::multiple_keys;

impl DdlContext<'_> {
    /// A unique index of a partitioned table must have the whole key: only one partition may have a row of each value. 0A000.
    pub(in crate::ddl) fn check_unique_over_partitions(
        &mut self,
        relation: &Relation,
        keys: &[IndexKey],
        what: &str,
    ) -> Result<()> {
        let Some(key) = &relation.partition_key else { return Ok(()) };
        let unsupported = |message: String| Error::new(SqlState::FEATURE_NOT_SUPPORTED, message);
        for column in &key.columns {
            let IndexTarget::Column(attnum) = column.target else {
                return Err(unsupported(format!("unsupported {what} constraint with partition key definition"))
                    .detail(format!("{what} constraints cannot be used when partition keys include expressions.")));
            };
            if keys.iter().any(|key| key.target == column.target) {
                continue;
            }
            let name = relation.column(attnum).map_or("?", |column| &column.name);
            return Err(unsupported(
                "unique constraint on partitioned table must include all partitioning columns".to_owned(),
            )
            .detail(format!(
                "{what} constraint on table \"{}\" lacks column \"{name}\" which is part of the partition key.",
                relation.name
            )));
        }
        Ok(())
    }

    /// Gives every partition of a table its part of an index.
    pub(in crate::ddl) fn index_partitions(&mut self, table: Oid, index: Oid) -> Result<()> {
        let relation = self.table(table)?;
        if !relation.is_partitioned() {
            return Ok(());
        }
        self.check_no_foreign_partition(&relation, index, &relation.children)?;
        for child in relation.children.clone() {
            self.lock(child, dictdb_storage::LockMode::Share)?;
            self.index_partition(&relation, child, index, false)?;
        }
        Ok(())
    }

    /// 42809 when an index is unique and one of these partitions is a foreign table, of which nobody knows the rows.
    pub(in crate::ddl) fn check_no_foreign_partition(
        &mut self,
        relation: &Relation,
        index: Oid,
        partitions: &[Oid],
    ) -> Result<()> {
        if !self.table(index)?.index().is_some_and(|info| info.unique) {
            return Ok(());
        }
        for partition in partitions {
            if self.table(*partition)?.foreign.is_some() {
                let message = format!("cannot create unique index on partitioned table \"{}\"", relation.name);
                let detail = format!("Table \"{}\" contains partitions that are foreign tables.", relation.name);
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).detail(detail));
            }
        }
        Ok(())
    }

    /// 42809 for a foreign table that becomes a partition of a table with unique indexes.
    pub(in crate::ddl) fn check_foreign_partition(
        &mut self,
        parent: &Relation,
        child: &Relation,
        attaches: bool,
    ) -> Result<()> {
        if child.foreign.is_none() {
            return Ok(());
        }
        for index in &parent.indexes {
            if self.table(*index)?.index().is_some_and(|info| info.unique) {
                let table = &parent.name;
                let (message, detail) = match attaches {
                    true => (
                        format!(
                            "cannot attach foreign table \"{}\" as partition of partitioned table \"{table}\"",
                            child.name
                        ),
                        format!("Partitioned table \"{table}\" contains unique indexes."),
                    ),
                    false => (
                        format!("cannot create foreign partition of partitioned table \"{table}\""),
                        format!("Table \"{table}\" contains indexes that are unique."),
                    ),
                };
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).detail(detail));
            }
        }
        Ok(())
    }

    /// Gives one partition its part of an index: one it has already, or a new one. Foreign tables have none. What is attached takes
    /// no invalid index for a part; a new index does, and is invalid too.
    pub(in crate::ddl) fn index_partition(
        &mut self,
        parent: &Arc<Relation>,
        child: Oid,
        index: Oid,
        attaches: bool,
    ) -> Result<()> {
        let whole = self.table(index)?;
        let Some(info) = whole.index().cloned() else { return Ok(()) };
        let partition = self.table(child)?;
        if partition.foreign.is_some() {
            return Ok(());
        }
        let wanted = translated(&info, parent, &partition)?;
        if info.unique {
            let what = if info.primary { "PRIMARY KEY" } else { "UNIQUE" };
            self.check_unique_over_partitions(&partition, &wanted.keys, what)?;
        }
        let constrained = parent.constraints.iter().any(|constraint| constraint.kind.index() == Some(index));
        for own in partition.indexes.clone() {
            let own = self.table(own)?;
            let Some(own_info) = own.index() else { continue };
            let backs = partition.constraints.iter().any(|constraint| constraint.kind.index() == Some(own.oid));
            let fits = own.parents.is_empty() && !(attaches && own_info.invalid);
            if fits && is_alike(own_info, &wanted) && (!constrained || backs) {
                self.attach_index(index, own.oid)?;
                return if own_info.invalid { self.invalidate_index(index) } else { Ok(()) };
            }
        }
        if info.primary && partition.primary_key().is_some() {
            return Err(multiple_keys(&partition));
        }
        let (part, _) = self.clone_index(child, parent, index)?;
        self.attach_index(index, part)?;
        self.index_partitions(child, part)
    }

    /// Makes an index a part of another one, and its constraint a part of the other one's.
    pub(in crate::ddl) fn attach_index(&mut self, whole: Oid, part: Oid) -> Result<()> {
        let mut parent = Relation::clone(&*self.table(whole)?);
        parent.children.push(part);
        let parent = self.put_relation(parent);
        let mut child = Relation::clone(&*self.table(part)?);
        child.parents.push(whole);
        let child = self.put_relation(child);
        let constraint_of = |cx: &mut Self, index: &Relation| -> Result<Option<(Oid, Arc<Constraint>)>> {
            let Some(info) = index.index() else { return Ok(None) };
            let table = cx.table(info.table)?;
            let found = table.constraints.iter().find(|constraint| constraint.kind.index() == Some(index.oid)).cloned();
            Ok(found.map(|constraint| (table.oid, constraint)))
        };
        if let (Some((above, whole)), Some((table, own))) =
            (constraint_of(self, &parent)?, constraint_of(self, &child)?)
        {
            let inherited = own.inherited + 1;
            self.depend(Key::Constraint(table, own.oid), Key::Constraint(above, whole.oid), Dependency::Auto);
            self.replace_constraint(table, Constraint { inherited, local: false, ..Constraint::clone(&own) })?;
        }
        self.depend(Key::Relation(part), Key::Relation(whole), Dependency::Internal);
        Ok(())
    }

    /// Makes an index a part of no other one.
    pub(in crate::ddl) fn detach_index(&mut self, part: Oid) -> Result<()> {
        let mut child = Relation::clone(&*self.table(part)?);
        let table = child.index().map(|info| info.table);
        for whole in std::mem::take(&mut child.parents) {
            let mut parent = Relation::clone(&*self.table(whole)?);
            parent.children.retain(|oid| *oid != part);
            self.put_relation(parent);
            self.undepend_all(Key::Relation(part));
        }
        let child = self.put_relation(child);
        self.depend_index(&child)?;
        let Some(table) = table else { return Ok(()) };
        let relation = self.table(table)?;
        if let Some(own) = relation.constraints.iter().find(|constraint| constraint.kind.index() == Some(part)).cloned()
        {
            let inherited = (own.inherited - 1).max(0);
            let key = Key::Constraint(table, own.oid);
            self.undepend_all(key);
            self.replace_constraint(table, Constraint { inherited, local: true, ..Constraint::clone(&own) })?;
        }
        Ok(())
    }

    /// `ALTER INDEX … ATTACH PARTITION`. Of an index that is a part already, whether the whole is valid by now.
    pub(in crate::ddl) fn attach_index_named(
        &mut self,
        whole: &Arc<Relation>,
        name: &dictdb_parser::ast::ObjectName,
    ) -> Result<()> {
        let part = self.find_relation(name)?;
        let (Some(whole_info), Some(part_info)) = (whole.index().cloned(), part.index().cloned()) else {
            let message = format!("\"{}\" is not an index", part.name);
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        };
        if part.parents.contains(&whole.oid) {
            // The part may have become valid since.
            return self.validate_index(whole.oid);
        }
        let refuse = |code: SqlState, detail: String| {
            let message = format!("cannot attach index \"{}\" as a partition of index \"{}\"", part.name, whole.name);
            Err(Error::new(code, message).detail(detail))
        };
        if !part.parents.is_empty() {
            return refuse(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("Index \"{}\" is already attached to another index.", part.name),
            );
        }
        let (table, partition) = (self.table(whole_info.table)?, self.table(part_info.table)?);
        if partition.partition_parent() != Some(table.oid) {
            return refuse(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("Index \"{}\" is not an index on any partition of table \"{}\".", part.name, table.name),
            );
        }
        for sibling in &whole.children {
            let sibling = self.table(*sibling)?;
            if sibling.index().is_some_and(|info| info.table == partition.oid) {
                return refuse(
                    SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format!("Another index is already attached for partition \"{}\".", partition.name),
                );
            }
        }
        // Whether it is a key's is a question of its own.
        let wanted = IndexInfo { primary: part_info.primary, ..translated(&whole_info, &table, &partition)? };
        if !is_alike(&part_info, &wanted) {
            return refuse(SqlState::INVALID_OBJECT_DEFINITION, "The index definitions do not match.".to_owned());
        }
        let backs = |table: &Relation, index: Oid| table.constraints.iter().any(|own| own.kind.index() == Some(index));
        if backs(&table, whole.oid) && !backs(&partition, part.oid) {
            return refuse(
                SqlState::INVALID_OBJECT_DEFINITION,
                format!(
                    "The index \"{}\" belongs to a constraint in table \"{}\" but no constraint exists for index \"{}\".",
                    whole.name, table.name, part.name
                ),
            );
        }
        self.attach_index(whole.oid, part.oid)?;
        self.validate_index(whole.oid)
    }

    /// An index with a part that is invalid is so too, and what it is a part of.
    fn invalidate_index(&mut self, index: Oid) -> Result<()> {
        let index = self.table(index)?;
        for above in self.view().index_ancestors(&index).collect::<Vec<_>>() {
            let Some(info) = above.index() else { continue };
            let info = IndexInfo { invalid: true, ..IndexInfo::clone(info) };
            self.put_relation(Relation { kind: RelationKind::Index(Arc::new(info)), ..Relation::clone(&above) });
        }
        Ok(())
    }

    /// An index of which every partition has its part, a valid one, is valid; then the one it is a part of may be.
    fn validate_index(&mut self, whole: Oid) -> Result<()> {
        let mut next = Some(whole);
        while let Some(whole) = next {
            let index = self.table(whole)?;
            let Some(info) = index.index().filter(|info| info.invalid) else { return Ok(()) };
            let (table, catalog) = (self.table(info.table)?, self.view());
            let is_valid =
                |part: &Oid| catalog.relation(*part).and_then(|part| part.index()).is_some_and(|part| !part.invalid);
            if index.children.len() != table.children.len() || !index.children.iter().all(is_valid) {
                return Ok(());
            }
            let info = IndexInfo { invalid: false, ..IndexInfo::clone(info) };
            self.put_relation(Relation { kind: RelationKind::Index(Arc::new(info)), ..Relation::clone(&index) });
            next = index.parents.first().copied();
        }
        Ok(())
    }
}

/// An index of one table as another one of its family has it.
pub(in crate::ddl) fn translated(info: &IndexInfo, from: &Relation, to: &Relation) -> Result<IndexInfo> {
    let own = |attnum: i16| {
        from.attnum_in(attnum, to).ok_or_else(|| Error::internal("a column of an index is missing in a partition"))
    };
    let mut keys = Vec::with_capacity(info.keys.len());
    for key in &info.keys {
        let target = match &key.target {
            IndexTarget::Column(attnum) => IndexTarget::Column(own(*attnum)?),
            expression => expression.clone(),
        };
        keys.push(IndexKey { target, ..key.clone() });
    }
    let include = info.include.iter().map(|attnum| own(*attnum)).collect::<Result<_>>()?;
    Ok(IndexInfo {
        table: to.oid,
        keys,
        include,
        partitioned: to.is_partitioned(),
        invalid: false,
        ..IndexInfo::clone(info)
    })
}

/// Whether an index serves as the other one would.
fn is_alike(own: &IndexInfo, wanted: &IndexInfo) -> bool {
    own.method == wanted.method
        && own.unique == wanted.unique
        && (own.primary == wanted.primary || !wanted.primary)
        && own.nulls_not_distinct == wanted.nulls_not_distinct
        && own.include == wanted.include
        && own.predicate == wanted.predicate
        && own.deferrable == wanted.deferrable
        && own.keys.len() == wanted.keys.len()
        && own.keys.iter().zip(&wanted.keys).all(|(a, b)| {
            a.target == b.target
                && a.opclass == b.opclass
                && a.descending == b.descending
                && a.nulls_first == b.nulls_first
                && a.collation == b.collation
        })
}
