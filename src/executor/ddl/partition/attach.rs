//! New partitions and `ATTACH PARTITION`.

use std::sync::Arc;

use dictdb_catalog::{
    Constraint, ConstraintKind, Dependency, Key, PartitionBound, Partitions, Persistence, Relation, RelationKind,
};
use dictdb_parser::Locations;
use dictdb_parser::ast::ObjectName;
use dictdb_parser::utility::PartitionBoundSpec as Syntax;
use dictdb_storage::LockMode;
use dictdb_types::{Error, Oid, Result, SqlState};

use super::super::DdlContext;

impl DdlContext<'_> {
    /// The table that PARTITION OF names. 42809.
    pub(in crate::ddl) fn partition_parent(
        &mut self,
        name: &ObjectName,
        persistence: Persistence,
    ) -> Result<Arc<Relation>> {
        let parent = self.find_relation(name)?;
        self.lock(parent.oid, LockMode::ShareUpdateExclusive)?;
        let parent = self.table(parent.oid)?;
        if !parent.is_partitioned() {
            let message = format!("\"{}\" is not partitioned", parent.name);
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        self.check_owner(&parent)?;
        let (temporary, of_temporary) =
            (persistence == Persistence::Temporary, parent.persistence == Persistence::Temporary);
        if temporary != of_temporary {
            let (what, of) = if temporary { ("temporary", "permanent") } else { ("permanent", "temporary") };
            let message = format!("cannot create a {what} relation as partition of {of} relation \"{}\"", parent.name);
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message));
        }
        Ok(parent)
    }

    /// Makes a table that has the columns of a partitioned table already one of its partitions: its bound, its indexes, its
    /// foreign keys. Rows of the default partition must not belong into it.
    pub(in crate::ddl) fn put_partition(&mut self, parent: Oid, child: Oid, bound: PartitionBound) -> Result<()> {
        let is_default = bound.is_default();
        let mut relation = Relation::clone(&*self.table(child)?);
        relation.bound = Some(Arc::new(bound));
        self.put_relation(relation);
        let parent = self.table(parent)?;
        let catalog = self.view();
        let default = Partitions::of(&parent, &catalog).and_then(|partitions| partitions.default);
        if let Some(default) = default.filter(|_| !is_default) {
            self.lock(default, LockMode::AccessExclusive)?;
            let default = self.table(default)?;
            self.check_partition_rows(&default, true)?;
        }
        Ok(())
    }

    /// Gives a partition its parts of the indexes and its copies of the foreign keys of a partitioned table.
    pub(in crate::ddl) fn complete_partition(&mut self, parent: Oid, child: Oid) -> Result<()> {
        let parent = self.table(parent)?;
        for index in parent.indexes.clone() {
            self.index_partition(&parent, child, index, true)?;
        }
        for constraint in &parent.constraints {
            if matches!(constraint.kind, ConstraintKind::Foreign(_)) {
                self.copy_foreign_key(&parent, constraint, child)?;
            }
        }
        self.refer_to_partition(parent.oid, child)?;
        self.clone_triggers(&parent, child)
    }

    /// A foreign key of a partitioned table holds for each partition, which has its own.
    pub(in crate::ddl) fn copy_foreign_key(
        &mut self,
        parent: &Arc<Relation>,
        constraint: &Arc<Constraint>,
        child: Oid,
    ) -> Result<()> {
        let ConstraintKind::Foreign(key) = &constraint.kind else { return Ok(()) };
        let relation = self.table(child)?;
        let own = |attnums: &[i16]| attnums.iter().filter_map(|attnum| parent.attnum_in(*attnum, &relation)).collect();
        let copy = dictdb_catalog::ForeignKey {
            columns: own(&key.columns),
            delete_set_columns: own(&key.delete_set_columns),
            parts: Vec::new(),
            ..dictdb_catalog::ForeignKey::clone(key)
        };
        let same = |other: &&Arc<Constraint>| match &other.kind {
            ConstraintKind::Foreign(known) => {
                known.referenced == copy.referenced
                    && known.columns == copy.columns
                    && known.referenced_columns == copy.referenced_columns
                    && known.on_delete == copy.on_delete
                    && known.on_update == copy.on_update
                    && known.match_full == copy.match_full
                    && other.deferrable == constraint.deferrable
                    && other.initially_deferred == constraint.initially_deferred
                    && other.validated
                    && other.inherited == 0
            }
            _ => false,
        };
        // Of several the one whose name comes first.
        let own = relation.constraints.iter().filter(same).min_by(|a, b| a.name.cmp(&b.name)).cloned();
        let oid = match own {
            Some(known) => {
                let kind = match &known.kind {
                    ConstraintKind::Foreign(key) => Self::without_parts(key),
                    other => other.clone(),
                };
                self.replace_constraint(
                    child,
                    Constraint { inherited: 1, local: false, kind, ..Constraint::clone(&known) },
                )?;
                self.undepend_all(Key::Constraint(child, known.oid));
                self.depend_foreign_key(child, known.oid, &copy);
                // Its partitions have copies of it already.
                let above = Key::Constraint(parent.oid, constraint.oid);
                self.depend(Key::Constraint(child, known.oid), above, Dependency::Auto);
                return Ok(());
            }
            None => {
                let taken = relation.constraints.iter().any(|other| other.name == constraint.name);
                let words: Vec<&str> =
                    copy.columns.iter().filter_map(|n| relation.column(*n)).map(|c| &*c.name).collect();
                let name = match taken {
                    true => super::super::constraint::free_name(&relation, &relation.name, &words.join("_"), "fkey"),
                    false => constraint.name.clone(),
                };
                let oid = self.new_oid();
                let kind = ConstraintKind::Foreign(copy.clone().into());
                let own = Constraint {
                    oid,
                    name,
                    relation: child,
                    kind,
                    local: false,
                    inherited: 1,
                    ..Constraint::clone(constraint)
                };
                let own_syntax = Arc::new(own.clone());
                self.put_constraint(child, own)?;
                self.refer(child, oid, &copy)?;
                self.check_existing_rows(child, &own_syntax)?;
                oid
            }
        };
        self.depend(Key::Constraint(child, oid), Key::Constraint(parent.oid, constraint.oid), Dependency::Auto);
        let relation = self.table(child)?;
        if !relation.is_partitioned() {
            return Ok(());
        }
        let Some(own) = relation.constraints.iter().find(|own| own.oid == oid).cloned() else { return Ok(()) };
        for grandchild in relation.children.clone() {
            self.copy_foreign_key(&relation, &own, grandchild)?;
        }
        Ok(())
    }

    /// `ALTER TABLE … ATTACH PARTITION`.
    pub(in crate::ddl) fn attach_partition(
        &mut self,
        parent: &Arc<Relation>,
        name: &ObjectName,
        syntax: &Syntax,
        locations: &Locations,
    ) -> Result<()> {
        // What the statement says of the parent is looked at before the child is.
        require_partitioned(parent)?;
        let bound = self.partition_bound(parent, syntax, locations)?;
        let child = self.find_relation(name)?;
        self.lock(child.oid, LockMode::AccessExclusive)?;
        let child = self.table(child.oid)?;
        self.check_owner(&child)?;
        refuse_child(parent, &child)?;
        self.refuse_circle(parent, &child)?;
        self.refuse_reference_to_child(parent, &child)?;
        let extra = child.live_columns().find(|(_, column)| parent.column_named(&column.name).is_none());
        if let Some((_, column)) = extra {
            let message = format!(
                "table \"{}\" contains column \"{}\" not found in parent \"{}\"",
                child.name, column.name, parent.name
            );
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, message)
                .detail("The new partition may contain only the columns present in parent."));
        }
        self.refuse_transition_tables(&child, "a partition", "on partitions")?;
        self.check_room(parent, &child.name, &bound, syntax, locations)?;
        self.take_parent(parent, child.oid)?;
        self.put_partition(parent.oid, child.oid, bound)?;
        let attached = self.table(child.oid)?;
        self.check_partition_rows(&attached, false)?;
        self.check_foreign_partition(parent, &child, true)?;
        self.complete_partition(parent.oid, child.oid)
    }
}

/// 42P17 for a table that has no partitions.
pub(super) fn require_partitioned(relation: &Relation) -> Result<()> {
    if relation.is_partitioned() {
        return Ok(());
    }
    let message = match relation.index() {
        Some(_) => format!("\"{}\" is not a partitioned table", relation.name),
        None => format!("table \"{}\" is not partitioned", relation.name),
    };
    Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message))
}

/// 42809 for what cannot become a partition.
fn refuse_child(parent: &Relation, child: &Relation) -> Result<()> {
    crate::ddl::expiry::refuse_family(child)?;
    let temporary = |relation: &Relation| relation.persistence == Persistence::Temporary;
    let message = match child {
        child if !matches!(child.kind, RelationKind::Table) => {
            format!("ALTER action ATTACH PARTITION cannot be performed on relation \"{}\"", child.name)
        }
        child if child.is_partition() => format!("\"{}\" is already a partition", child.name),
        child if child.of_type.is_valid() => "cannot attach a typed table as partition".to_owned(),
        child if !child.parents.is_empty() => "cannot attach inheritance child as partition".to_owned(),
        child if !child.children.is_empty() && !child.is_partitioned() => {
            "cannot attach inheritance parent as partition".to_owned()
        }
        child if temporary(child) && !temporary(parent) => {
            format!("cannot attach a temporary relation as partition of permanent relation \"{}\"", parent.name)
        }
        child if temporary(parent) && !temporary(child) => {
            format!("cannot attach a permanent relation as partition of temporary relation \"{}\"", parent.name)
        }
        _ => return Ok(()),
    };
    Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
}
