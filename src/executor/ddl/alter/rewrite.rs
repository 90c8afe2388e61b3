//! Giving the rows of a table new values in new storage.

use std::sync::Arc;

use dictdb_catalog::{Column, Persistence, Relation};
use dictdb_planner::expr::Expr;
use dictdb_planner::table_expr::{self, TableExpr};
use dictdb_storage::Inserted;
use dictdb_types::{Datum, Env, Error, Oid, Result, SqlState};

use super::super::DdlContext;
use crate::eval::{Code, CompileContext, Scope, compile};
use crate::row::Row;

impl DdlContext<'_> {
    /// Compiles an expression over full rows of a table.
    pub(in crate::ddl) fn row_code(&mut self, expr: &Expr) -> Result<Code> {
        let catalog = self.view();
        compile(expr, &CompileContext::of_table(&*catalog))
    }

    /// Binds and compiles a stored expression of a table.
    pub(in crate::ddl) fn stored_code(
        &mut self,
        relation: &Arc<Relation>,
        text: &str,
        purpose: TableExpr,
    ) -> Result<Code> {
        let path = [dictdb_catalog::namespaces::PG_CATALOG];
        let expr = self.with_path(&path, |cx| table_expr::bind_text(text, relation, purpose, cx))?.expr;
        self.row_code(&expr)
    }

    /// The environment expressions are evaluated in.
    pub(in crate::ddl) fn row_env(&mut self) -> Arc<dyn Env> {
        let catalog = self.view();
        self.surroundings.env(catalog)
    }

    /// Tells event triggers that a table is about to be written anew; the reasons are those of
    /// [`Surroundings::before_rewrite`](crate::ddl::Surroundings::before_rewrite).
    pub(in crate::ddl) fn before_rewrite(&mut self, table: Oid, reason: i32) -> Result<()> {
        if self.collected.is_none() { Ok(()) } else { self.surroundings.before_rewrite(table, reason) }
    }

    /// Gives a table these columns and new storage with its rows, in which some columns get computed values; the codes
    /// are over the full old row. Indexes are built anew.
    pub(in crate::ddl) fn rewrite_table(
        &mut self,
        old: &Arc<Relation>,
        columns: Vec<Column>,
        computed: &[(usize, Code)],
    ) -> Result<Arc<Relation>> {
        let rows = self.stored_rows(old)?;
        self.rewrite_rows(old, columns, rows, computed)
    }

    /// Likewise, with rows that come in pieces, in the order they are to have. 53200 when there is no memory for more.
    pub(in crate::ddl) fn rewrite_rows(
        &mut self,
        old: &Arc<Relation>,
        mut columns: Vec<Column>,
        rows: impl Iterator<Item = Result<Vec<Row>>>,
        computed: &[(usize, Code)],
    ) -> Result<Arc<Relation>> {
        for (slot, column) in columns.iter_mut().enumerate() {
            column.slot = slot;
            column.missing = Datum::Null;
        }
        let storage = self.new_storage(&columns, old.persistence);
        // Functions that compute values still find the old rows.
        let relation = Relation { columns: columns.into(), storage, ..Relation::clone(old) };
        let table = self.storage.table(storage).ok_or_else(|| Error::internal("a new table has no storage"))?;
        let env = self.row_env();
        let snapshot = self.transaction.latest_snapshot()?;
        let mut count = 0;
        for rows in rows {
            let rows = rows?;
            self.engine.check_room()?;
            count += rows.len();
            for mut row in rows {
                let mut values = Vec::with_capacity(computed.len());
                for (place, code) in computed {
                    values.push((*place, code.eval(Scope::of_table(&*env, &row))?));
                }
                row.resize(relation.columns.len(), Datum::Null);
                values.into_iter().for_each(|(place, value)| row[place] = value);
                self.check_not_null(&relation, &row)?;
                match table.insert(self.transaction, &snapshot, &row)? {
                    Inserted::Done(_) => {}
                    _ => return Err(Error::internal("a row of a new table meets another")),
                }
            }
        }
        self.continue_counts(old.storage, storage, count);
        self.own.lock().changes.dropped_table(old.storage);
        let relation = self.put_relation(relation);
        self.rebuild_indexes(&relation)?;
        Ok(relation)
    }

    fn check_not_null(&mut self, relation: &Relation, row: &Row) -> Result<()> {
        let null = |(place, column): &(usize, &Column)| column.not_null && !column.dropped && row[*place].is_null();
        match relation.columns.iter().enumerate().find(null) {
            Some((_, column)) => Err(self.contains_null(relation, &column.name)),
            None => Ok(()),
        }
    }

    /// Empty storage for these columns; gone if the transaction rolls back.
    pub(in crate::ddl) fn new_storage(&mut self, columns: &[Column], persistence: Persistence) -> Oid {
        let storage = self.new_oid();
        let layouts = self.view().layouts(columns);
        self.storage.create_table(storage, &layouts).set_logged(persistence == Persistence::Permanent);
        self.own.lock().changes.created_table(storage);
        storage
    }

    /// Lets the counters of a relation go on when it gets new storage, in which so many of its rows are inserted again.
    pub(in crate::ddl) fn continue_counts(&mut self, before: Oid, after: Oid, again: usize) {
        if let (Some(before), Some(after)) = (self.storage.table(before), self.storage.table(after)) {
            after.continue_counts(&before, again);
        }
    }

    /// Builds every valid index of a table with new storage.
    pub(in crate::ddl) fn rebuild_indexes(&mut self, relation: &Arc<Relation>) -> Result<()> {
        let catalog = self.view();
        for index in catalog.valid_indexes(relation) {
            if let Some(info) = index.index().cloned() {
                self.build_index(relation, index.storage, &index.name, &info)?;
            }
        }
        Ok(())
    }

    /// 23502 for rows that are there already.
    pub(in crate::ddl) fn contains_null(&mut self, relation: &Relation, column: &str) -> Error {
        let schema = self.view().schema(relation.namespace).map(|schema| schema.name.to_string());
        Error::new(
            SqlState::NOT_NULL_VIOLATION,
            format!("column \"{column}\" of relation \"{}\" contains null values", relation.name),
        )
        .schema(schema.unwrap_or_default())
        .table(&*relation.name)
        .column(column)
    }
}
