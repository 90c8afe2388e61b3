//! Changing single rows: what INSERT, UPDATE, DELETE, cascades and COPY have in common.
//!
//! A [`Writer`] belongs to one command of one transaction: its snapshot says which command. It waits for whoever is in
//! the way, checks what a row has to satisfy at once, and notes what is checked at the end of the statement.

use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_catalog::trigger::Event;
use dictdb_planner::BindContext;
use dictdb_planner::logical::{Check, PolicyStage};
use dictdb_planner::table_expr::{TableExpr, bind_for_storage, bind_text, shown_as_key};
use dictdb_storage::{
    Holder, Inserted, Isolation, Snapshot, Table, VersionTag, Written, concurrent_delete, concurrent_update,
    moved_to_another_partition,
};
use dictdb_types::{Datum, Error, Oid, Result, RowId, SqlState, TypeLookup};

use super::events::Events;
use super::target::Target;
use super::violation;
use crate::access::index_env::IndexEnv;
use crate::context::ExecContext;
use crate::engine::Engine;
use crate::eval::{CompileContext, Scope, compile};
use crate::row::Row;
use crate::runtime::Runtime;

/// Changes rows on behalf of one command.
#[derive(Clone, Copy)]
pub(crate) struct Writer<'a> {
    /// Transaction and surroundings.
    pub cx: &'a ExecContext,
    /// What the command sees, and the number of its writes.
    pub snapshot: &'a Snapshot,
    /// Implementations of functions.
    pub engine: &'a Arc<Engine>,
    /// What is checked at the end of the statement.
    pub events: &'a Events,
    /// The execution whose plan has the rules; none for cascades and COPY.
    pub rt: Option<&'a Runtime>,
}

/// What came of changing a row.
#[derive(Debug)]
pub(crate) enum Change {
    /// It was done.
    Done,
    /// READ COMMITTED: somebody committed a newer version. The caller decides again over it.
    Changed,
    /// Somebody deleted the row: nothing to do.
    Gone,
    /// The command has changed the row already: nothing to do, except where that is an error.
    Repeated,
    /// A BEFORE trigger has said no.
    Skipped,
}

/// Which row is updated, and where.
pub(crate) struct Update<'r> {
    /// The row.
    pub id: RowId,
    /// The version that was looked at, where that is not the one the command sees.
    pub expected: Option<VersionTag>,
    /// Places that are written.
    pub places: &'r [usize],
    /// Those of them that the statement itself sets.
    pub assigned: &'r [usize],
}

impl<'a> Writer<'a> {
    /// Computes generated columns.
    pub(super) fn generate(&self, target: &Target, row: &mut Row) -> Result<()> {
        for (place, code) in &target.rules.generated {
            let value = code.eval(self.scope(row))?;
            if let Some(cell) = row.get_mut(*place) {
                *cell = value;
            }
        }
        Ok(())
    }

    /// NOT NULL and CHECK of a complete row.
    pub fn check_row(&self, target: &Target, row: &Row) -> Result<()> {
        for place in &target.rules.not_null {
            if row.get(*place).is_none_or(Datum::is_null) {
                return Err(violation::not_null(target, *place, row, self.cx));
            }
        }
        if target.rules.checks.is_empty() || self.cx.session.skips_validation() {
            return Ok(());
        }
        self.check_some(target, row, |check| matches!(check, Check::Constraint(_)))
    }

    /// WITH CHECK OPTION, which comes after everything else.
    #[inline]
    pub fn check_views(&self, target: &Target, row: &Row) -> Result<()> {
        self.check(target, row, |check| matches!(check, Check::View(_)))
    }

    /// What policies say of a row. 42501.
    #[inline]
    pub fn check_policies(&self, target: &Target, row: &Row, stage: PolicyStage) -> Result<()> {
        self.check(target, row, |check| matches!(check, Check::Policy { stage: of, .. } if *of == stage))
    }

    /// Whether a complete row belongs into the partition that it is put into. 23514.
    #[inline]
    pub fn check_partition(&self, target: &Target, row: &Row) -> Result<()> {
        match target.partition_rule(self)? {
            Some(rule) if !rule.fits(row, self)? => {
                let partition = (&**target.relation(), &*target.schema);
                Err(violation::partition(partition, violation::RowShape::of(target), row, self.cx))
            }
            _ => Ok(()),
        }
    }

    /// Most tables have nothing to check.
    #[inline]
    fn check(&self, target: &Target, row: &Row, applies: impl Fn(&Check) -> bool) -> Result<()> {
        if target.rules.checks.is_empty() { Ok(()) } else { self.check_some(target, row, applies) }
    }

    /// A CHECK is satisfied by NULL, a view's condition is not.
    fn check_some(&self, target: &Target, row: &Row, applies: impl Fn(&Check) -> bool) -> Result<()> {
        for (check, code) in target.rules.checks.iter().filter(|(check, _)| applies(check)) {
            let value = code.eval(self.scope(row))?;
            let holds = match check {
                Check::Constraint(_) => !matches!(value, Datum::Bool(false)),
                Check::View(_) | Check::Policy { .. } => matches!(value, Datum::Bool(true)),
            };
            if !holds {
                return Err(violation::check(target, check, row, self.cx));
            }
        }
        Ok(())
    }

    /// Name of a relation's schema, for error fields.
    pub fn schema_name(&self, relation: &Relation) -> String {
        self.cx.catalog.schema(relation.namespace).map_or_else(String::new, |schema| schema.name.to_string())
    }

    fn scope<'b>(&'b self, row: &'b [Datum]) -> Scope<'b> {
        match self.rt {
            Some(rt) => Scope::new(rt, row),
            None => Scope::of_table(&*self.cx.env, row),
        }
    }

    /// Inserts a complete row, which transition tables show as part of `event`. A conflict is the caller's to judge.
    pub fn insert(&self, target: &Target, row: &Row, event: Event) -> Result<Inserted> {
        self.check_room()?;
        let stored = target.storage_row(row);
        loop {
            match target.handle.table.insert(&self.cx.transaction, self.snapshot, &stored)? {
                Inserted::Busy(holder) => self.wait(holder)?,
                Inserted::Done(id) => {
                    self.events.inserted(target, (id, event), row, self)?;
                    if let Some(lifetime) = &target.lifetime {
                        self.make_room(target, lifetime)?;
                    }
                    return Ok(Inserted::Done(id));
                }
                Inserted::Conflict(conflict) if self.removes_expired(target, conflict.row)? => {}
                conflict => return Ok(conflict),
            }
        }
    }

    /// Whether there is memory for a row more; looked at now and then. 53200.
    fn check_room(&self) -> Result<()> {
        if self.events.is_time_to_look() { self.engine.check_room() } else { Ok(()) }
    }

    /// Likewise; 23505 on conflict.
    pub fn insert_new(&self, target: &Target, row: &Row, event: Event) -> Result<RowId> {
        match self.insert(target, row, event)? {
            Inserted::Done(id) => Ok(id),
            Inserted::Conflict(conflict) => {
                self.cx.transaction.collides(&target.handle.table, &conflict)?;
                Err(violation::unique(target, conflict.index, row, self))
            }
            Inserted::Busy(_) => Err(Error::internal("insert gave up waiting")),
        }
    }

    /// Writes values of a stored row. `old` and `new` are the complete rows before and after.
    pub fn update(&self, target: &Target, update: Update<'_>, old: &Row, new: &Row) -> Result<Change> {
        self.check_room()?;
        let Update { id, expected, places, assigned } = update;
        let value = |place: usize| new.get(place).cloned().unwrap_or(Datum::Null);
        let changes: Vec<(usize, Datum)> = places.iter().map(|place| (target.slot(*place), value(*place))).collect();
        let table = &target.handle.table;
        let write = || table.update(&self.cx.transaction, self.snapshot, id, expected, &changes);
        let change =
            self.until_free((target, id), write, "updated", |index| violation::unique(target, index, new, self))?;
        if matches!(change, Change::Done) {
            self.events.updated(target, (id, assigned), old, new, self)?;
        }
        Ok(change)
    }

    /// Sets storage columns of a row of a table without rules. `new` makes the whole row for an error.
    pub fn update_blind(
        &self,
        target: &Target,
        id: RowId,
        expected: Option<VersionTag>,
        changes: &[(usize, Datum)],
        new: impl Fn() -> Result<Row>,
    ) -> Result<Change> {
        self.check_room()?;
        let table = &target.handle.table;
        let write = || table.update(&self.cx.transaction, self.snapshot, id, expected, changes);
        let conflict = |index| match new() {
            Ok(row) => violation::unique(target, index, &row, self),
            Err(error) => error,
        };
        self.until_free((target, id), write, "updated", conflict)
    }

    /// Takes a row out of a partition that goes on as `new` in another one: which event transition tables show that as part of,
    /// and the table whose partitions they are.
    pub fn take_out(
        &self,
        target: &Target,
        (id, expected): (RowId, Option<VersionTag>),
        old: &Row,
        new: &Row,
        moved: (Event, &Relation),
    ) -> Result<Change> {
        match self.before_delete(target, (id, expected), old)? {
            Change::Done => {}
            other => return Ok(other),
        }
        let table = &target.handle.table;
        let write = || table.delete(&self.cx.transaction, self.snapshot, id, expected);
        let change = self.until_free((target, id), write, "updated", |_| Error::internal("delete met a unique key"))?;
        if matches!(change, Change::Done) {
            table.set_moved(id);
            self.events.moved(target, old, new, moved, self)?;
        }
        Ok(change)
    }

    /// Deletes a stored row, `old` being its complete values.
    pub fn delete(&self, target: &Target, id: RowId, expected: Option<VersionTag>, old: &Row) -> Result<Change> {
        let table = &target.handle.table;
        let write = || table.delete(&self.cx.transaction, self.snapshot, id, expected);
        let change = self.until_free((target, id), write, "deleted", |_| Error::internal("delete met a unique key"))?;
        if matches!(change, Change::Done) {
            self.events.deleted(target, old, self)?;
        }
        Ok(change)
    }

    /// Writes a row, waiting for transactions that are in the way.
    fn until_free(
        &self,
        (target, id): (&Target, RowId),
        write: impl Fn() -> Result<Written>,
        participle: &str,
        conflict_error: impl Fn(dictdb_types::Oid) -> Error,
    ) -> Result<Change> {
        let table = &target.handle.table;
        loop {
            return match write()? {
                Written::Done => Ok(Change::Done),
                Written::Busy(holder) => {
                    self.wait_for_row(table, id, holder)?;
                    continue;
                }
                Written::Changed => self.if_read_committed(Change::Changed, concurrent_update),
                Written::Deleted => self.if_deleted((table, id), Change::Gone),
                Written::SelfModified { later: false } => Ok(Change::Repeated),
                Written::SelfModified { later: true } => Err(Error::new(
                    SqlState::TRIGGERED_DATA_CHANGE_VIOLATION,
                    format!(
                        "tuple to be {participle} was already modified by an operation triggered by the current command"
                    ),
                )
                .hint(
                    "Consider using an AFTER trigger instead of a BEFORE trigger to propagate changes to other rows.",
                )),
                Written::Conflict(conflict) if self.removes_expired(target, conflict.row)? => continue,
                Written::Conflict(conflict) => {
                    self.cx.transaction.collides(table, &conflict)?;
                    Err(conflict_error(conflict.index))
                }
            };
        }
    }

    /// What READ COMMITTED goes on with when a row is gone. 40001 for the stricter levels, and for all of them when it went to
    /// another partition.
    pub fn if_deleted<T>(&self, (table, id): (&Table, RowId), value: T) -> Result<T> {
        if table.is_moved(id) {
            return self.if_read_committed((), concurrent_update).and(Err(moved_to_another_partition()));
        }
        self.if_read_committed(value, concurrent_delete)
    }

    /// What READ COMMITTED goes on with is 40001 for the stricter levels.
    pub fn if_read_committed<T>(&self, value: T, error: fn() -> Error) -> Result<T> {
        match self.cx.transaction.isolation() {
            Isolation::ReadCommitted => Ok(value),
            _ => Err(error()),
        }
    }

    /// Waits for the end of a transaction. 55P03, 40P01, 57014.
    pub fn wait(&self, holder: Holder) -> Result<()> {
        self.cx.transaction.wait_for(holder, &self.cx.wait)
    }

    /// Likewise for the row that it has written or locked, in the order of those who want it.
    pub fn wait_for_row(&self, table: &Table, id: RowId, holder: Holder) -> Result<()> {
        self.cx.transaction.wait_for_row(table, id, holder, &self.cx.wait)
    }

    /// The newest version of a row that is committed or the transaction's own, as a complete row.
    pub fn read_latest(&self, target: &Target, id: RowId) -> Result<Option<(VersionTag, Row)>> {
        let read = target.handle.table.read_latest(id, &self.cx.transaction, |version| {
            let mut row = Row::with_capacity(target.width());
            target.read_full(version, &mut row).map(|()| row)
        });
        read.map(|(tag, row)| row.map(|row| (tag, row))).transpose()
    }

    /// The version of a row that the command sees.
    pub fn read(&self, target: &Target, id: RowId) -> Result<Option<Row>> {
        let read = target.handle.table.read(id, self.snapshot, |version| {
            let mut row = Row::with_capacity(target.width());
            target.read_full(version, &mut row).map(|()| row)
        });
        read.transpose()
    }

    /// Evaluates an expression of a table, from its catalog text. For rare cases: it is bound anew.
    pub fn evaluate(&self, relation: &Arc<Relation>, text: &str, purpose: TableExpr, row: &[Datum]) -> Result<Datum> {
        let bind = self.binding(&[dictdb_catalog::namespaces::PG_CATALOG]);
        let types: &dyn TypeLookup = &*self.cx.catalog;
        if matches!(purpose, TableExpr::IndexKey | TableExpr::IndexPredicate) {
            // As storage has computed it.
            let bound = bind_for_storage(text, relation, purpose, bind)?;
            let env = IndexEnv::new(self.cx.catalog.clone(), relation.owner);
            return compile(&bound.expr, &CompileContext::of_table(types))?.eval(Scope::of_table(&env, row));
        }
        let bound = bind_text(text, relation, purpose, bind)?;
        compile(&bound.expr, &CompileContext::of_table(types))?.eval(Scope::of_table(&*self.cx.env, row))
    }

    /// A key of an index as messages show it.
    pub fn shown_key(&self, relation: &Arc<Relation>, text: &str) -> Result<String> {
        shown_as_key(text, relation, true, self.binding(&self.cx.session.search_path()))
    }

    fn binding<'b>(&'b self, search_path: &'b [Oid]) -> BindContext<'b> {
        BindContext {
            catalog: &self.cx.catalog,
            registry: self.engine.registry(),
            env: &*self.cx.env,
            search_path,
            role: dictdb_catalog::BOOTSTRAP_ROLE,
            transient: &[],
        }
    }
}
