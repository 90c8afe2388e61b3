//! Foreign keys to partitioned tables: what they have for each partition.

use std::sync::Arc;

use dictdb_catalog::{Constraint, ConstraintKind, ForeignKey, Partitions, ReferencedPart, Relation};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::super::DdlContext;
use super::super::constraint::free_name;

impl DdlContext<'_> {
    /// Gives a foreign key its parts for all partitions of the table it refers to.
    pub(in crate::ddl) fn add_parts(&mut self, table: Oid, key: Oid) -> Result<()> {
        let Some((_, foreign)) = self.foreign_key_of(table, key)? else { return Ok(()) };
        for partition in self.partitions_in_order(foreign.referenced)? {
            self.add_part(table, key, partition, key)?;
        }
        Ok(())
    }

    /// The foreign keys to a partitioned table have parts for a new partition, and for its partitions.
    pub(in crate::ddl) fn refer_to_partition(&mut self, parent: Oid, partition: Oid) -> Result<()> {
        for (table, key) in self.keys_referring(parent)? {
            let Some((_, foreign)) = self.foreign_key_of(table, key)? else { continue };
            let above = foreign.part_for(parent).map_or(key, |part| part.oid);
            self.add_part(table, key, partition, above)?;
        }
        Ok(())
    }

    /// A partition leaves a partitioned table: the foreign keys to it have no parts for what was in it any more.
    pub(in crate::ddl) fn refer_without(&mut self, parent: Oid, partition: &Arc<Relation>) -> Result<()> {
        let gone = self.view().descendants(partition);
        for (table, key) in self.keys_referring(parent)? {
            let Some((constraint, mut foreign)) = self.foreign_key_of(table, key)? else { continue };
            foreign.parts.retain(|part| gone.iter().all(|relation| relation.oid != part.relation));
            self.put_parts(table, &constraint, foreign)?;
        }
        Ok(())
    }

    /// A foreign key becomes the copy of another one, which has the parts.
    pub(in crate::ddl) fn without_parts(key: &ForeignKey) -> ConstraintKind {
        ConstraintKind::Foreign(Arc::new(ForeignKey { parts: Vec::new(), ..ForeignKey::clone(key) }))
    }

    /// 0A000 for a table that would become a partition of one that refers to it, or to one of its partitions.
    pub(in crate::ddl) fn refuse_reference_to_child(&mut self, parent: &Relation, child: &Arc<Relation>) -> Result<()> {
        let family = self.view().descendants(child);
        for constraint in &parent.constraints {
            let ConstraintKind::Foreign(key) = &constraint.kind else { continue };
            let refers =
                |relation: &Arc<Relation>| relation.oid == key.referenced || key.part_for(relation.oid).is_some();
            if let Some(referenced) = family.iter().find(|relation| refers(relation)) {
                let message = format!(
                    "cannot attach table \"{}\" as a partition because it is referenced by foreign key \"{}\"",
                    referenced.name, constraint.name
                );
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
        }
        Ok(())
    }

    fn add_part(&mut self, table: Oid, key: Oid, partition: Oid, parent: Oid) -> Result<()> {
        let Some((constraint, mut foreign)) = self.foreign_key_of(table, key)? else { return Ok(()) };
        let relation = self.table(table)?;
        let names: Vec<&str> =
            foreign.columns.iter().filter_map(|n| relation.column(*n)).map(|column| &*column.name).collect();
        let name = free_name(&relation, &relation.name, &names.join("_"), "fkey");
        let oid = self.new_oid();
        let index = self.part_of_index(foreign.index, partition)?;
        foreign.parts.push(ReferencedPart { oid, name, relation: partition, parent, index, firing: None });
        self.put_parts(table, &constraint, foreign)?;
        for below in self.partitions_in_order(partition)? {
            self.add_part(table, key, below, oid)?;
        }
        Ok(())
    }

    fn put_parts(&mut self, table: Oid, constraint: &Constraint, foreign: ForeignKey) -> Result<()> {
        let kind = ConstraintKind::Foreign(Arc::new(foreign.clone()));
        self.replace_constraint(table, Constraint { kind, ..constraint.clone() })?;
        let key = dictdb_catalog::Key::Constraint(table, constraint.oid);
        self.undepend_all(key);
        self.depend_foreign_key(table, constraint.oid, &foreign);
        Ok(())
    }

    /// The partition's part of an index, or of the part of an index that the table above has.
    fn part_of_index(&mut self, index: Oid, partition: Oid) -> Result<Oid> {
        let catalog = self.view();
        let relation = self.table(partition)?;
        let is_part = |own: &&Oid| {
            catalog.relation(**own).is_some_and(|own| catalog.index_ancestors(own).any(|above| above.oid == index))
        };
        Ok(relation.indexes.iter().find(is_part).copied().unwrap_or(Oid::INVALID))
    }

    /// Foreign keys to a table or to one that it is a partition of, without those that are copies: their table and oid.
    fn keys_referring(&mut self, referenced: Oid) -> Result<Vec<(Oid, Oid)>> {
        let relation = self.table(referenced)?;
        let above = self.view().partition_ancestors(&relation);
        let tables = std::iter::once(&relation).chain(&above);
        let mut found = Vec::new();
        for (table, key) in tables.flat_map(|table| table.referenced_by.clone()).collect::<Vec<_>>() {
            if self.foreign_key_of(table, key)?.is_some_and(|(constraint, _)| constraint.inherited == 0) {
                found.push((table, key));
            }
        }
        Ok(found)
    }

    fn foreign_key_of(&mut self, table: Oid, key: Oid) -> Result<Option<(Constraint, ForeignKey)>> {
        let relation = self.table(table)?;
        let found = relation.constraints.iter().find(|own| own.oid == key);
        Ok(found.and_then(|own| match &own.kind {
            ConstraintKind::Foreign(foreign) => Some((Constraint::clone(own), ForeignKey::clone(foreign))),
            _ => None,
        }))
    }

    fn partitions_in_order(&mut self, table: Oid) -> Result<Vec<Oid>> {
        let relation = self.table(table)?;
        let catalog = self.view();
        Ok(Partitions::of(&relation, &catalog).map(|partitions| partitions.in_order().collect()).unwrap_or_default())
    }
}
