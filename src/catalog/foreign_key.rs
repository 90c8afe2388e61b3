//! Foreign keys of and to partitioned tables: what stands for them elsewhere, and what they stand for.
//!
//! A key of a partitioned table is copied to each of its partitions; the copies are constraints of their own. A key *to* a
//! partitioned table is one constraint, which has a [`ReferencedPart`] for each partition that is referred to, direct or not:
//! PostgreSQL has rows in `pg_constraint` for them, and says their names when a row of the partition is still needed.

use std::sync::Arc;

use dictdb_types::Oid;

use crate::trigger::Firing;
use crate::{Catalog, Constraint, ConstraintKind, ForeignKey, Key, Relation};

/// What a foreign key has for one partition of the table it refers to.
#[derive(Clone, Debug)]
pub struct ReferencedPart {
    /// `oid`.
    pub oid: Oid,
    /// `conname`.
    pub name: Arc<str>,
    /// `confrelid`: the partition.
    pub relation: Oid,
    /// `conparentid`: the key, or the part for the partitioned table in between.
    pub parent: Oid,
    /// `conindid`.
    pub index: Oid,
    /// `tgenabled` of the triggers that act when a row of the partition goes; `None` is `O`.
    pub firing: Option<Firing>,
}

impl ForeignKey {
    /// The part for a partition.
    pub fn part_for(&self, relation: Oid) -> Option<&ReferencedPart> {
        self.parts.iter().find(|part| part.relation == relation)
    }

    /// `tgenabled` of the triggers that act when a row of this table goes.
    pub fn firing_for(&self, referenced: Oid) -> Firing {
        let of_part = self.part_for(referenced).map(|part| part.firing);
        of_part.unwrap_or(self.action_firing).unwrap_or(Firing::Origin)
    }
}

impl Constraint {
    /// The parts of a foreign key; none for anything else.
    pub fn parts(&self) -> &[ReferencedPart] {
        match &self.kind {
            ConstraintKind::Foreign(key) => &key.parts,
            _ => &[],
        }
    }
}

impl Relation {
    /// The oids of the table's constraints and of their parts.
    pub(crate) fn constraint_oids(&self) -> impl Iterator<Item = Oid> {
        let parts = |own: &Arc<Constraint>| own.parts().iter().map(|part| part.oid).collect::<Vec<_>>();
        self.constraints.iter().flat_map(move |own| std::iter::once(own.oid).chain(parts(own)))
    }

    /// Whether a constraint of the table, or a part of one, is called so.
    pub fn has_constraint(&self, name: &str) -> bool {
        self.constraints.iter().any(|own| *own.name == *name || own.parts().iter().any(|part| *part.name == *name))
    }

    /// The foreign key that has a part of this name.
    pub fn key_of_part(&self, name: &str) -> Option<&Arc<Constraint>> {
        self.constraints.iter().find(|own| own.parts().iter().any(|part| *part.name == *name))
    }
}

impl Catalog {
    /// The rows of `pg_constraint` for the parts of a foreign key, with the parent of each.
    pub fn part_rows(&self, constraint: &Constraint) -> Vec<(Constraint, Oid)> {
        let ConstraintKind::Foreign(key) = &constraint.kind else { return Vec::new() };
        let Some(referenced) = self.relation(key.referenced).filter(|_| !key.parts.is_empty()) else {
            return Vec::new();
        };
        let row = |part: &ReferencedPart| {
            let table = self.relation(part.relation)?;
            let columns = key.referenced_columns.iter().filter_map(|attnum| referenced.attnum_in(*attnum, table));
            let own = ForeignKey {
                referenced: part.relation,
                referenced_columns: columns.collect(),
                index: part.index,
                parts: Vec::new(),
                ..ForeignKey::clone(key)
            };
            let row = Constraint {
                oid: part.oid,
                name: part.name.clone(),
                kind: ConstraintKind::Foreign(own.into()),
                local: false,
                inherited: 1,
                ..constraint.clone()
            };
            Some((row, part.parent))
        };
        key.parts.iter().filter_map(row).collect()
    }

    /// The foreign key of a partitioned table that this one is the copy of, and its table; itself, where it is none.
    pub fn original_key(&self, relation: &Arc<Relation>, key: &Arc<Constraint>) -> (Arc<Relation>, Arc<Constraint>) {
        let mut found = (relation.clone(), key.clone());
        while found.1.inherited > 0 {
            let above = self.dependencies_of(Key::Constraint(found.0.oid, found.1.oid)).find_map(|(on, _)| match on {
                Key::Constraint(table, oid) => {
                    let table = self.relation(table)?;
                    Some((table.clone(), table.constraints.iter().find(|own| own.oid == oid)?.clone()))
                }
                _ => None,
            });
            let Some(above) = above else { break };
            found = above;
        }
        found
    }
}
