//! `DETACH PARTITION`, at once or concurrently.
//!
//! CONCURRENTLY has two transactions (the session commits the first): one takes the partition out of the sight of who begins a
//! statement from then on, and gives it a CHECK that says what its bound said; the other, when all have gone who might still see it
//! as a partition, makes it a table of its own. FINALIZE is the second one alone, for when it failed.

use std::sync::Arc;

use dictdb_catalog::{Constraint, ConstraintKind, Key, PartitionStrategy, Partitions, Relation};
use dictdb_parser::Locations;
use dictdb_parser::ast::{self, ObjectName};
use dictdb_parser::utility::{Constraint as Syntax, ConstraintKind as SyntaxKind, Detach, SourceExpr};
use dictdb_planner::table_expr::{self, TableExpr};
use dictdb_storage::LockMode;
use dictdb_types::{Datum, Error, Result, SqlState, Type, oids};

use super::super::DdlContext;
use super::attach::require_partitioned;
use crate::eval::Scope;

impl DdlContext<'_> {
    /// `ALTER TABLE … DETACH PARTITION`. 42P01, 42P17, 55000, 23503.
    pub(in crate::ddl) fn detach_partition(
        &mut self,
        parent: &Arc<Relation>,
        name: &ObjectName,
        how: Detach,
    ) -> Result<()> {
        require_partitioned(parent)?;
        let catalog = self.view();
        let default = Partitions::of(parent, &catalog).and_then(|partitions| partitions.default);
        match (how, default) {
            (Detach::Concurrently, Some(_)) => {
                let message = "cannot detach partitions concurrently when a default partition exists";
                return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
            }
            (Detach::Now, Some(default)) => self.lock(default, LockMode::AccessExclusive)?,
            _ => {}
        }
        let child = self.find_relation(name)?;
        let mode = match how {
            Detach::Concurrently => LockMode::ShareUpdateExclusive,
            Detach::Now | Detach::Finalize => LockMode::AccessExclusive,
        };
        self.lock(child.oid, mode)?;
        if how == Detach::Finalize {
            // Who did not wait for the first half to be everybody's must do it now.
            self.wait_for_older_snapshots()?;
        }
        let (parent, child) = (self.table(parent.oid)?, self.table(child.oid)?);
        if child.partition_parent() != Some(parent.oid) {
            let message = format!("relation \"{}\" is not a partition of relation \"{}\"", child.name, parent.name);
            return Err(Error::new(SqlState::UNDEFINED_TABLE, message));
        }
        match how {
            Detach::Concurrently => self.begin_detaching(&parent, &child),
            Detach::Now if child.detach_pending => Err(self
                .pending(format!("cannot detach partition \"{}\"", child.name))
                .detail("The partition is being detached concurrently or has an unfinished detach.")),
            Detach::Finalize if !child.detach_pending => {
                let message = format!("cannot complete detaching partition \"{}\"", child.name);
                Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
                    .detail("There's no pending concurrent detach."))
            }
            Detach::Now | Detach::Finalize => self.finish_detaching(&parent, &child),
        }
    }

    /// 55000 with the hint how an unfinished detach comes to its end.
    fn pending(&self, message: String) -> Error {
        let hint = "Use ALTER TABLE ... DETACH PARTITION ... FINALIZE to complete the pending detach operation.";
        Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message).hint(hint)
    }

    /// 55000 for a partition that is being detached: nothing else is done to it.
    pub(in crate::ddl) fn refuse_pending(&mut self, relation: &Relation) -> Result<()> {
        match relation.detach_pending {
            true => {
                Err(self.pending(format!("cannot alter partition \"{}\" with an incomplete detach", relation.name)))
            }
            false => Ok(()),
        }
    }

    /// The first half of CONCURRENTLY.
    fn begin_detaching(&mut self, parent: &Arc<Relation>, child: &Arc<Relation>) -> Result<()> {
        let catalog = self.view();
        let others = parent.children.iter().filter_map(|oid| catalog.relation(*oid));
        if let Some(other) = others.into_iter().find(|other| other.detach_pending) {
            let schema = catalog.schema(parent.namespace).map_or("?", |schema| &schema.name);
            let message = format!(
                "partition \"{}\" already pending detach in partitioned table \"{schema}.{}\"",
                other.name, parent.name
            );
            return Err(self.pending(message));
        }
        if parent.partition_key.as_ref().is_some_and(|key| key.strategy != PartitionStrategy::Hash) {
            self.keep_bound(child)?;
        }
        let marked = self.table(child.oid)?;
        let marked = self.put_relation(Relation { detach_pending: true, ..Relation::clone(&marked) });
        // Plans over the parent are made anew.
        self.touch(parent);
        self.refuse_referenced(parent, &marked)
    }

    /// Gives a partition a CHECK of what its bound says, unless it has one that says so.
    fn keep_bound(&mut self, child: &Arc<Relation>) -> Result<()> {
        let call = format!("pg_catalog.pg_get_partition_constraintdef({}::oid)", child.oid);
        let locations = Locations::default();
        let call = dictdb_parser::parse_expression(&call)?;
        let ty = TableExpr::Default(Type::new(oids::TEXT));
        let bound = self.with_binding(|cx| table_expr::bind(&call, &locations, child, ty, cx))?;
        let code = self.row_code(&bound.expr)?;
        let env = self.row_env();
        let Datum::Text(text) = code.eval(Scope::of_table(&*env, &[]))? else { return Ok(()) };
        let expr = dictdb_parser::parse_expression(&text)?;
        let implied = self.with_binding(|cx| table_expr::is_implied(&expr, child, cx))?;
        if implied {
            return Ok(());
        }
        let syntax = Syntax {
            name: None,
            kind: SyntaxKind::Check(SourceExpr { expr: Box::new(ast::Expr::clone(&expr)), text: text.to_string() }),
            position: 0,
            deferrable: false,
            initially_deferred: false,
            not_valid: false,
            no_inherit: false,
        };
        self.add_constraint(child.oid, None, &syntax, true, &locations)
    }

    /// Makes a partition a table of its own.
    fn finish_detaching(&mut self, parent: &Arc<Relation>, child: &Arc<Relation>) -> Result<()> {
        for index in child.indexes.clone() {
            self.detach_index(index)?;
        }
        let child = self.table(child.oid)?;
        for own in &child.constraints {
            if let ConstraintKind::Foreign(foreign) = &own.kind
                && own.inherited > 0
            {
                let inherited = own.inherited - 1;
                self.replace_constraint(child.oid, Constraint { inherited, local: true, ..Constraint::clone(own) })?;
                let key = Key::Constraint(child.oid, own.oid);
                self.undepend_all(key);
                self.depend_foreign_key(child.oid, own.oid, foreign);
                self.add_parts(child.oid, own.oid)?;
            }
        }
        self.drop_clones(parent.oid, child.oid);
        self.leave_parent(parent, child.oid)?;
        let child = self.table(child.oid)?;
        let child = self.put_relation(Relation { bound: None, detach_pending: false, ..Relation::clone(&child) });
        self.refuse_referenced(parent, &child)?;
        self.refer_without(parent.oid, &child)
    }

    /// 23503 when rows of other tables refer to rows that have left the parent, or what it is a partition of.
    fn refuse_referenced(&mut self, parent: &Arc<Relation>, child: &Relation) -> Result<()> {
        let mut above = Some(parent.oid);
        while let Some(oid) = above {
            let relation = self.table(oid)?;
            for (referencing, constraint) in relation.referenced_by.clone() {
                self.lock(referencing, LockMode::ShareRowExclusive)?;
                let other = self.table(referencing)?;
                let Some(key) = other.constraints.iter().find(|own| own.oid == constraint).cloned() else { continue };
                self.check_existing_rows(referencing, &key)
                    .map_err(|error| still_referenced(error, child, &key, &other, &relation))?;
            }
            above = relation.partition_parent();
        }
        Ok(())
    }
}

/// A row without the row it refers to, as an error of the partition that is taken away from `referenced`.
fn still_referenced(
    error: Error,
    partition: &Relation,
    key: &Constraint,
    referencing: &Relation,
    referenced: &Relation,
) -> Error {
    let ConstraintKind::Foreign(foreign) = &key.kind else { return error };
    if error.code() != SqlState::FOREIGN_KEY_VIOLATION {
        return error;
    }
    let columns = foreign.referenced_columns.iter().filter_map(|attnum| referenced.column(*attnum));
    let names: Vec<&str> = columns.map(|column| &*column.name).collect();
    let detail = error.fields().detail.as_deref().unwrap_or_default();
    let values =
        detail.split_once(")=(").and_then(|(_, rest)| rest.rsplit_once(") is not present")).map(|(values, _)| values);
    let name = foreign.part_for(partition.oid).map_or(&key.name, |part| &part.name);
    let message = format!("removing partition \"{}\" violates foreign key constraint \"{name}\"", partition.name);
    Error::new(SqlState::FOREIGN_KEY_VIOLATION, message).detail(format!(
        "Key ({})=({}) is still referenced from table \"{}\".",
        names.join(", "),
        values.unwrap_or_default(),
        referencing.name
    ))
}
