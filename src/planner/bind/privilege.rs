//! Privileges of a statement: what it does to which relations as whom, checked once it is bound (`ExecCheckRTPerms`).
//!
//! A view's query runs with the rights of the view's owner; who uses the view needs rights on the view only.

use std::sync::Arc;

use dictdb_catalog::{AclKind, IndexTarget, Privileges, Relation, RelationKind};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::Binder;
use super::updatable::ViewTarget;
use crate::logical::Node;

/// One relation that a statement reads or changes.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    relation: Arc<Relation>,
    /// Whose rights count.
    role: Oid,
    wanted: Privileges,
    /// For INSERT and UPDATE, the columns that are given values; empty means all. For SELECT, those that are read beside the
    /// ones that the plan has.
    columns: Vec<i16>,
    /// The table to change: reading it counts only if a column of it is mentioned.
    target: bool,
    /// Of a table below a view that is changed: reading it counts only if a column of that view is mentioned.
    when_read: Option<Oid>,
    /// How many subqueries of expressions and WITH queries enclose it.
    nesting: usize,
    /// Rows that are read are locked, which needs the right to change them as well.
    locked: bool,
}

impl Binder<'_> {
    fn is_checked(&self) -> bool {
        self.cx.catalog.role(self.cx.role).is_some_and(|role| !role.superuser)
    }

    /// Notes that a relation is read.
    pub(crate) fn note_read(&mut self, relation: &Arc<Relation>) {
        self.note(relation, Privileges::SELECT, Vec::new(), false);
    }

    /// Notes that a table is changed, and perhaps read.
    pub(crate) fn note_change(&mut self, relation: &Arc<Relation>, wanted: Privileges, columns: Vec<i16>) {
        self.note(relation, wanted, columns, true);
        self.note(relation, Privileges::SELECT, Vec::new(), true);
    }

    /// Notes that a table is changed below a view, which is of these columns of it: whoever reads the view reads them all.
    pub(crate) fn note_change_below(
        &mut self,
        relation: &Arc<Relation>,
        wanted: Privileges,
        columns: Vec<i16>,
        read: &[i16],
    ) {
        self.note(relation, wanted, columns, true);
        self.note(relation, Privileges::SELECT, read.to_vec(), true);
    }

    /// Where the accesses end that are noted so far.
    pub(crate) fn noted(&self) -> usize {
        self.accesses.len()
    }

    /// Notes that the rows of FROM items are locked: of the tables and views that were noted in these places, which needs the
    /// right to change them, of whoever reads them. Subqueries of expressions lock nothing, nor do WITH queries.
    pub(crate) fn note_locks(&mut self, places: &[std::ops::Range<usize>]) {
        let nesting = self.nesting;
        for place in places {
            let accesses = self.accesses.get_mut(place.clone()).unwrap_or_default();
            accesses.iter_mut().filter(|access| access.nesting == nesting).for_each(|access| access.locked = true);
        }
    }

    /// Runs `f` for a query that is no part of the FROM clause around it.
    pub(crate) fn apart<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> T {
        self.nesting += 1;
        let result = f(self);
        self.nesting -= 1;
        result
    }

    /// Notes that a name meant a column of a view: those of tables are found in the plan.
    pub(crate) fn note_mention(&mut self, source: Option<(Oid, i16)>) {
        let Some((oid, attnum)) = source else { return };
        if self.is_checked() && self.cx.catalog.relation(oid).is_some_and(|relation| relation.view().is_some()) {
            self.mentions.push((oid, attnum));
        }
    }

    /// Notes that the columns of an index that ON CONFLICT names are read, through the view that the statement names.
    pub(crate) fn note_arbiter(&mut self, relation: &Relation, view: Option<&ViewTarget>, index: Oid) {
        let Some(info) = self.cx.catalog.relation(index).and_then(|index| index.index()) else { return };
        let attnums = info.keys.iter().filter_map(|key| match key.target {
            IndexTarget::Column(attnum) => Some(attnum),
            IndexTarget::Expression(_) => None,
        });
        for attnum in attnums {
            self.mentions.push((relation.oid, attnum));
            self.mentions.extend(view.into_iter().flat_map(|view| view.shown_as(attnum)));
        }
    }

    /// From here on, reading what is below a view that is changed counts only if the view is read.
    pub(crate) fn note_below(&mut self, from: usize, view: Oid) {
        for access in self.accesses.iter_mut().skip(from).filter(|access| access.target) {
            access.when_read = Some(view);
        }
    }

    /// Of the accesses noted since `from`, forgets that targets are read: it is for rules, which need no right to.
    pub(crate) fn forget_reading_target(&mut self, from: usize) {
        let noted = self.accesses.split_off(from.min(self.accesses.len()));
        let reads = |access: &Access| access.target && access.wanted == Privileges::SELECT;
        self.accesses.extend(noted.into_iter().filter(|access| !reads(access)));
    }

    /// The last relation that was noted is the table to change.
    pub(crate) fn note_target(&mut self) {
        if let Some(access) = self.accesses.last_mut() {
            access.target = true;
        }
    }

    fn note(&mut self, relation: &Arc<Relation>, wanted: Privileges, columns: Vec<i16>, target: bool) {
        if self.is_checked() {
            let (relation, role) = (relation.clone(), self.cx.role);
            let nesting = self.nesting;
            let access = Access { relation, role, wanted, columns, target, when_read: None, nesting, locked: false };
            self.accesses.push(access);
        }
    }

    /// Notes that a view is read or changed.
    pub(crate) fn note_view(&mut self, view: &Relation) {
        if view.oid >= Oid::FIRST_NORMAL && self.user_view.is_none() {
            self.user_view = Some(view.name.clone());
        }
    }

    /// 55000 for what nobody may get at (`restrict_nonsystem_relation_kind`), 42501 for what the roles may not do.
    pub(crate) fn check_privileges(&self, node: &Node) -> Result<()> {
        if let Some(view) = &self.user_view
            && self.cx.env.restricted_kinds().views
        {
            let message = format!("access to non-system view \"{view}\" is restricted");
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        if self.accesses.is_empty() {
            return Ok(());
        }
        let mut used = crate::columns::read(node);
        used.extend(&self.mentions);
        self.accesses.iter().try_for_each(|access| self.check_access(access, &used))
    }

    fn check_access(&self, access: &Access, used: &[(Oid, i16)]) -> Result<()> {
        let relation = &access.relation;
        let is_read = |view: Oid| used.iter().any(|(oid, _)| *oid == view);
        if access.wanted == Privileges::SELECT && access.target && access.when_read.is_some_and(|view| !is_read(view)) {
            return Ok(());
        }
        let mentioned = || !access.columns.is_empty() || used.iter().any(|(oid, _)| *oid == relation.oid);
        if access.wanted == Privileges::SELECT && access.target && !mentioned() {
            return Ok(());
        }
        let columns: Vec<i16> = match access.wanted == Privileges::SELECT {
            true => {
                let in_plan = used.iter().filter(|(oid, _)| *oid == relation.oid).map(|(_, attnum)| *attnum);
                in_plan.chain(access.columns.iter().copied()).collect()
            }
            false => access.columns.clone(),
        };
        let allowed = match columns.as_slice() {
            [] if access.wanted != Privileges::SELECT => self.holds_on_table(access, access.wanted),
            columns => self.holds(access, access.wanted, columns),
        };
        if allowed && (!access.locked || self.holds(access, Privileges::UPDATE, &[])) {
            return Ok(());
        }
        let noun = relation.kind_noun();
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied for {noun} {}", relation.name)))
    }

    fn holds_on_table(&self, access: &Access, wanted: Privileges) -> bool {
        let relation = &access.relation;
        let kind = match relation.kind {
            RelationKind::Sequence(_) => AclKind::Sequence,
            _ => AclKind::Table,
        };
        let held = self.cx.catalog.held_privileges(access.role, kind, relation.owner, relation.acl.as_deref());
        held.privileges.contains(wanted)
    }

    /// Whether the role holds a privilege on the relation, or on each of these columns; without columns any one will do.
    fn holds(&self, access: &Access, wanted: Privileges, columns: &[i16]) -> bool {
        let relation = &access.relation;
        let on_column = |attnum: i16| {
            relation.column_acl(attnum).is_some_and(|acl| {
                let held = self.cx.catalog.held_privileges(access.role, AclKind::Column, relation.owner, Some(acl));
                held.privileges.contains(wanted)
            })
        };
        self.holds_on_table(access, wanted)
            || match columns {
                [] => relation.live_columns().any(|(attnum, _)| on_column(attnum)),
                columns => columns.iter().all(|attnum| on_column(*attnum)),
            }
    }

    /// 42501 without USAGE of a schema that a name is qualified by.
    pub(crate) fn check_schema_usage(&self, schema: &dictdb_catalog::Schema) -> Result<()> {
        if !self.is_checked() {
            return Ok(());
        }
        let held = self.cx.catalog.held_privileges(self.cx.role, AclKind::Schema, schema.owner, schema.acl.as_deref());
        if held.privileges.contains(Privileges::USAGE) || schema.is_temporary() {
            return Ok(());
        }
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied for schema {}", schema.name)))
    }
}
