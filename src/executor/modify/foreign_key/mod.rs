//! Foreign keys, checked from both sides and exact under concurrency.
//!
//! ```text
//!   child written  ──► is the parent there? lock it FOR KEY SHARE, so that it stays      (child)
//!   parent deleted ──► the delete has waited for every such lock; does a child refer     (parent)
//!   or key changed     to the old key? then fail, or act on the children (action)
//! ```
//! All of it happens at the end of the statement or transaction: [`super::events`].

mod action;
mod child;
mod convert;
mod key;
mod parent;

use std::sync::{Arc, OnceLock};

use dictdb_catalog::trigger::Firing;
use dictdb_catalog::{Catalog, Constraint, ConstraintKind, ForeignKey, ReferentialAction, Relation};
use dictdb_storage::{LockMode, RelationLock, Storage, WaitPolicy};
use dictdb_types::{Datum, Error, Oid, Result, SqlState};

pub(crate) use child::CheckedKeys;

use self::key::{KeySearch, Side};
use super::events::Events;
use super::members::Member;
use super::partition::Router;
use super::target::{Rules, Target, place};
use super::trigger::Triggers;
use super::unique::same_image;
use super::writer::Writer;
use crate::access::TableHandle;
use crate::context::ExecContext;
use crate::engine::Engine;
use crate::row::Row;

/// A foreign key with both its tables.
#[derive(Debug)]
pub(crate) struct ForeignKeyCode {
    /// The constraint.
    pub constraint: Arc<Constraint>,
    key: Arc<ForeignKey>,
    child: Side,
    parent: Side,
    /// Finds a parent by its key.
    parent_search: KeySearch,
    /// The other partitions that parents may be in, where the referenced table is partitioned.
    other_parents: Box<[(Side, KeySearch)]>,
    /// Finds children by their reference.
    child_search: KeySearch,
    /// The child as a table to change, once a cascade needs it.
    child_target: OnceLock<Arc<Target>>,
    /// Where children may move to when they change: their key is one of a partitioned table.
    child_family: OnceLock<Option<ChildFamily>>,
    database: Oid,
}

/// A partitioned table with a foreign key, and the partition whose rows refer.
#[derive(Debug)]
struct ChildFamily {
    root: Arc<Relation>,
    /// Its triggers: an action changes rows by its name.
    triggers: Option<Box<Triggers>>,
    /// The places of the key in its rows.
    places: Vec<usize>,
    router: Router,
    member: Member,
}

type Keys = Box<[Arc<ForeignKeyCode>]>;

/// Checks every row of a table against one of its foreign keys. 23503.
pub(crate) fn validate(
    child: &Arc<Relation>,
    constraint: &Arc<Constraint>,
    cx: &ExecContext,
    engine: &Arc<Engine>,
    database: Oid,
) -> Result<()> {
    let code = ForeignKeyCode::new(child, constraint, None, &cx.catalog, &cx.storage, database)?;
    let mut rows = Vec::new();
    code.child.handle.table.for_each(&cx.snapshot, |row, _| -> Result<bool> {
        rows.push(row);
        Ok(true)
    })?;
    let events = Events::default();
    let writer = Writer { cx, snapshot: &cx.snapshot, engine, events: &events, rt: None };
    let mut checked = CheckedKeys::default();
    for row in rows {
        cx.env.check_interrupts()?;
        code.check_child(row, &writer, &mut checked)?;
    }
    Ok(())
}

impl ForeignKeyCode {
    /// The foreign keys of a relation, and those that refer to it.
    pub fn of_relation(
        relation: &Arc<Relation>,
        catalog: &Catalog,
        storage: &Storage,
        database: Oid,
    ) -> Result<(Keys, Keys)> {
        let own =
            relation.constraints.iter().filter(|constraint| matches!(constraint.kind, ConstraintKind::Foreign(_)));
        let own = own.map(|constraint| Self::new(relation, constraint, None, catalog, storage, database));
        // Who refers to a partitioned table refers to its partitions.
        let above = catalog.partition_ancestors(relation);
        let referring = relation.referenced_by.iter().chain(above.iter().flat_map(|table| &table.referenced_by));
        let referring = referring.map(|(oid, constraint)| {
            let child = catalog.relation(*oid).ok_or_else(|| Error::internal(format!("relation {oid} is gone")))?;
            let found = child.constraints.iter().find(|other| other.oid == *constraint);
            let constraint = found.ok_or_else(|| Error::internal(format!("constraint {constraint} is gone")))?;
            Self::new(child, constraint, Some(relation), catalog, storage, database)
        });
        Ok((own.collect::<Result<_>>()?, referring.collect::<Result<_>>()?))
    }

    fn new(
        child: &Arc<Relation>,
        constraint: &Arc<Constraint>,
        changed: Option<&Arc<Relation>>,
        catalog: &Catalog,
        storage: &Storage,
        database: Oid,
    ) -> Result<Arc<Self>> {
        let ConstraintKind::Foreign(key) = &constraint.kind else {
            return Err(Error::internal(format!("constraint \"{}\" is not a foreign key", constraint.name)));
        };
        let gone = || Error::internal(format!("relation {} is gone", key.referenced));
        let referenced = catalog.relation(key.referenced).ok_or_else(gone)?;
        let parent_side = |table: &Arc<Relation>| -> Result<Side> {
            let own = key.referenced_columns.iter().filter_map(|attnum| referenced.attnum_in(*attnum, table));
            Side::new(TableHandle::new(table, storage)?, &own.collect::<Vec<i16>>(), catalog)
        };
        // The parent is the partition that changes; a child's may be in any of them.
        let changed = changed.unwrap_or(referenced);
        let parent = parent_side(changed)?;
        let mut other_parents = Vec::new();
        if referenced.is_partitioned() {
            for member in catalog.members(referenced).iter().filter(|member| member.oid != changed.oid) {
                let side = parent_side(member)?;
                let search = KeySearch::new(&side, catalog);
                other_parents.push((side, search));
            }
        }
        let child = Side::of_child(TableHandle::new(child, storage)?, &key.columns, &parent.oids, catalog)?;
        Ok(Arc::new(ForeignKeyCode {
            constraint: constraint.clone(),
            parent_search: KeySearch::new(&parent, catalog),
            other_parents: other_parents.into(),
            child_search: KeySearch::new(&child, catalog),
            key: key.clone(),
            child,
            parent,
            child_target: OnceLock::new(),
            child_family: OnceLock::new(),
            database,
        }))
    }

    /// The table that refers.
    pub fn child_table(&self) -> Oid {
        self.child.handle.relation.oid
    }

    /// The table that is referred to.
    pub fn parent_table(&self) -> Oid {
        self.parent.handle.relation.oid
    }

    /// The table that the constraint names: it, or one it is a partition of, is [`ForeignKeyCode::parent_table`].
    pub fn referenced_table(&self) -> Oid {
        self.key.referenced
    }

    /// 0A000 when a row leaves a partition as one of `root`, and the key refers to a table between the two.
    pub fn check_root(&self, partition: &Arc<Relation>, root: &Relation, writer: &Writer<'_>) -> Result<()> {
        let above = writer.cx.catalog.partition_ancestors(partition);
        let place = |oid: Oid| above.iter().position(|table| table.oid == oid);
        let (Some(referenced), Some(named)) = (place(self.key.referenced), place(root.oid)) else { return Ok(()) };
        if referenced >= named {
            return Ok(());
        }
        let message = "cannot move tuple across partitions when a non-root ancestor of the source partition is directly \
                       referenced in a foreign key";
        Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
            .detail(format!(
                "A foreign key points to ancestor \"{}\" but not the root ancestor \"{}\".",
                above[referenced].name, root.name
            ))
            .hint(format!("Consider defining the foreign key on table \"{}\".", root.name)))
    }

    /// The tables that parents may be in, with what finds them there.
    fn parents(&self) -> impl Iterator<Item = (&Side, &KeySearch)> {
        let others = self.other_parents.iter().map(|(side, search)| (side, search));
        std::iter::once((&self.parent, &self.parent_search)).chain(others)
    }

    /// Whether rows that refer are checked: the triggers that do are enabled in this session.
    pub fn checks(&self, cx: &ExecContext) -> bool {
        Firing::fires(self.key.check_firing.unwrap_or(Firing::Origin), cx.session.is_replica())
            && !cx.session.skips_validation()
    }

    /// Whether something happens when a row that is referred to goes (or, if `update`, changes), likewise. What only looks
    /// for children is left out for trusted data; what changes them is not.
    pub fn acts(&self, update: bool, cx: &ExecContext) -> bool {
        let only_looks = matches!(self.action(update), ReferentialAction::NoAction | ReferentialAction::Restrict);
        Firing::fires(self.key.firing_for(self.parent_table()), cx.session.is_replica())
            && !(only_looks && cx.session.skips_validation())
    }

    /// Values of the referenced columns in a full row of the parent.
    pub fn parent_values(&self, row: &Row) -> Row {
        self.parent.values(row)
    }

    /// Whether a row of the child refers to something, or breaks MATCH FULL, which the check finds out.
    pub fn needs_check(&self, row: &Row) -> bool {
        let nulls = self.child.places.iter().filter(|place| row.get(**place).is_none_or(Datum::is_null)).count();
        nulls == 0 || self.key.match_full && nulls < self.child.places.len()
    }

    /// Whether an update made a row of the child refer to something else.
    pub fn child_changed(&self, old: &Row, new: &Row) -> bool {
        !same_image(&self.child.places, old, new)
    }

    /// Whether an update took a key away that children may have referred to.
    pub fn parent_changed(&self, old: &Row, new: &Row) -> bool {
        let has_null = self.parent.places.iter().any(|place| old.get(*place).is_none_or(Datum::is_null));
        !has_null && !same_image(&self.parent.places, old, new)
    }

    /// Whether what happens to children can wait for the end of the transaction: only NO ACTION can.
    pub fn is_deferrable_action(&self, update: bool) -> bool {
        self.action(update) == ReferentialAction::NoAction
    }

    fn action(&self, update: bool) -> ReferentialAction {
        if update { self.key.on_update } else { self.key.on_delete }
    }

    /// The child as a table to change. A row of a partition is changed as one of the partitioned table that has the key.
    fn child_to_change(&self, writer: &Writer<'_>) -> Result<Arc<Target>> {
        match self.child_family(writer)? {
            Some(family) => family.member.target(self.database, writer).cloned(),
            None => self.child_target(writer),
        }
    }

    /// The child as a table by itself.
    fn child_target(&self, writer: &Writer<'_>) -> Result<Arc<Target>> {
        if let Some(target) = self.child_target.get() {
            return Ok(target.clone());
        }
        let (relation, cx) = (&self.child.handle.relation, writer.cx);
        let rules = Rules::of_catalog(relation, &cx.catalog, writer.engine.registry(), &*cx.env)?;
        let target = Arc::new(Target::new(relation, rules, &cx.catalog, &cx.storage, self.database)?);
        Ok(self.child_target.get_or_init(|| target).clone())
    }

    /// The partitioned table that the child is a partition of, when the key is that table's.
    fn child_family(&self, writer: &Writer<'_>) -> Result<Option<&ChildFamily>> {
        if let Some(family) = self.child_family.get() {
            return Ok(family.as_ref());
        }
        let child = &self.child.handle.relation;
        let root = match self.constraint.inherited > 0 {
            true => writer.cx.catalog.partition_ancestors(child).pop(),
            false => None,
        };
        let family = match root {
            Some(root) => {
                let router = Router::new(&root, writer)?;
                let triggers = Triggers::of_relation(&root, &writer.cx.catalog)?;
                let of_root = |attnum: &i16| child.attnum_in(*attnum, &root).and_then(|attnum| place(attnum).ok());
                let places = self.key.columns.iter().filter_map(of_root).collect();
                Some(ChildFamily { member: Member::new(&root, child), triggers, places, router, root })
            }
            None => None,
        };
        Ok(self.child_family.get_or_init(|| family).as_ref())
    }

    /// Keeps a table from being dropped or rewritten while it is looked at.
    fn lock(&self, side: &Side, mode: LockMode, writer: &Writer<'_>) -> Result<()> {
        let lock: Arc<RelationLock> = writer.cx.storage.relation_lock(self.database, side.handle.relation.oid);
        writer.cx.transaction.lock_relation(&lock, mode, WaitPolicy::Block, &writer.cx.wait).map(|_| ())
    }
}
