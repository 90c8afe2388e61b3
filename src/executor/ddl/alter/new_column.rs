//! ADD COLUMN: rows that are there get the default, by a remembered value where it is one for all, else by a rewrite.

use std::sync::Arc;

use dictdb_catalog::{Column, Dependency, Key, Relation, RelationKind};
use dictdb_parser::Locations;
use dictdb_parser::utility::{ColumnDef, Constraint, ConstraintKind};
use dictdb_planner::expr::{Expr, Volatility};
use dictdb_planner::table_expr::{self, TableExpr};
use dictdb_types::{Datum, Error, Oid, Result, SqlState, TypeLookup};

use super::super::DdlContext;
use super::super::column::NewColumn;
use crate::eval::Scope;

/// Columns a table may have (`MaxHeapAttributeNumber`).
const MAX_COLUMNS: usize = 1600;

impl DdlContext<'_> {
    /// Adds a column to a table and its children; returns the constraints to add afterwards, with the column's attnum.
    pub(super) fn add_column<'a>(
        &mut self,
        table: Oid,
        definition: &'a ColumnDef,
        if_not_exists: bool,
        recurse: bool,
        locations: &Locations,
    ) -> Result<Vec<(i16, &'a Constraint)>> {
        let relation = self.table(table)?;
        let name = &definition.name.value;
        if relation.column_named(name).is_some() {
            let message = format!("column \"{name}\" of relation \"{}\" already exists", relation.name);
            if if_not_exists {
                self.notice(SqlState::DUPLICATE_COLUMN, format!("{message}, skipping"));
                return Ok(Vec::new());
            }
            return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
        }
        check_system_name(name)?;
        if relation.columns.len() >= MAX_COLUMNS {
            return Err(Error::new(
                SqlState::TOO_MANY_COLUMNS,
                format!("tables can have at most {MAX_COLUMNS} columns"),
            ));
        }
        if !recurse && !relation.children.is_empty() {
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, "column must be added to child tables too"));
        }
        if definition.constraints.iter().any(gives_values) {
            self.refuse_change_of_used_type(&relation, true)?;
        }
        if relation.is_partition() {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, "cannot add column to a partition"));
        }
        let mut new = self.define_column(definition, &relation.name, relation.columns.len())?;
        super::super::foreign_table::check_column_options(&relation, &new.column)?;
        self.refuse_own_member(&relation, new.column.ty.oid)?;
        if recurse && new.column.identity.is_some() && !relation.children.is_empty() {
            let message = "cannot recursively add identity column to table that has child tables";
            return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message));
        }
        let constraints = std::mem::take(&mut new.constraints);
        let attnum = relation.columns.len() as i16 + 1;
        self.append_column(&relation, new, locations)?;
        for child in relation.children.clone() {
            self.add_inherited_column(child, definition, locations)?;
        }
        Ok(constraints.into_iter().map(|constraint| (attnum, constraint)).collect())
    }

    fn add_inherited_column(&mut self, child: Oid, definition: &ColumnDef, locations: &Locations) -> Result<()> {
        self.lock(child, dictdb_storage::LockMode::AccessExclusive)?;
        let relation = self.table(child)?;
        let mut new = self.define_column(definition, &relation.name, relation.columns.len())?;
        self.refuse_own_member(&relation, new.column.ty.oid)?;
        if let Some((attnum, column)) = relation.column_named(&definition.name.value) {
            if column.ty != new.column.ty {
                return Err(Error::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!("child table \"{}\" has different type for column \"{}\"", relation.name, column.name),
                ));
            }
            let message = format!("merging definition of column \"{}\" for child \"{}\"", column.name, relation.name);
            self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
            return self.change_column(&relation, attnum, |column| column.inherited += 1).map(drop);
        }
        new.column.local = false;
        new.column.inherited = 1;
        new.constraints.clear();
        self.append_column(&relation, new, locations)?;
        for grandchild in relation.children.clone() {
            self.add_inherited_column(grandchild, definition, locations)?;
        }
        Ok(())
    }

    /// Puts a column behind the others, in catalog and storage.
    fn append_column(&mut self, relation: &Arc<Relation>, new: NewColumn<'_>, locations: &Locations) -> Result<()> {
        let attnum = relation.columns.len() as i16 + 1;
        let mut column = new.column;
        if matches!(relation.kind, RelationKind::Composite) {
            return self.put_columns(relation, appended(relation, column), attnum);
        }
        if let Some(sequence) = &new.sequence {
            let oid = self.column_sequence(relation, &column, attnum, sequence)?;
            column.default = Some(Arc::from(format!("nextval('{oid}'::regclass)")));
        } else if let Some(source) = new.default {
            // The expression of a generated column may not mention the column itself, so the table of before will do.
            // PostgreSQL does not know where the expression stands.
            let bound = self.column_expression(source, locations, relation, &column);
            column.default = bound.map_err(super::super::column::without_position)?;
        }
        let value = self.value_of_new_column(relation, &column)?;
        if is_the_same_for_all(&value) {
            self.append_constant(relation, column, &value, attnum)?;
        } else {
            let code = self.row_code(&value)?;
            // Functions that compute its values see the column, which has none.
            self.put_stored_column(relation, column, Datum::Null, attnum)?;
            self.before_rewrite(relation.oid, 2)?;
            let relation = self.table(relation.oid)?;
            self.rewrite_table(&relation, relation.columns.to_vec(), &[(relation.columns.len() - 1, code)])?;
        }
        self.depend_default(relation.oid, attnum)
    }

    fn append_constant(&mut self, relation: &Arc<Relation>, column: Column, value: &Expr, attnum: i16) -> Result<()> {
        let has_rows = self.has_rows(relation)?;
        let code = self.row_code(value)?;
        let env = self.row_env();
        let missing = if has_rows { code.eval(Scope::of_table(&*env, &[]))? } else { Datum::Null };
        if has_rows && column.not_null && missing.is_null() {
            return Err(self.contains_null(relation, &column.name));
        }
        self.put_stored_column(relation, column, missing, attnum)
    }

    /// Puts a column of which the rows that are there have this value.
    fn put_stored_column(
        &mut self,
        relation: &Arc<Relation>,
        mut column: Column,
        missing: Datum,
        attnum: i16,
    ) -> Result<()> {
        column.missing = missing;
        self.make_room(relation, &mut column)?;
        self.put_columns(relation, appended(relation, column), attnum)
    }

    /// Gives a new column a place in storage, where the rows that are there have its missing value.
    pub(in crate::ddl) fn make_room(&mut self, relation: &Relation, column: &mut Column) -> Result<()> {
        let physical = self.view().physical(column.ty.oid);
        let table = self
            .storage
            .table(relation.storage)
            .ok_or_else(|| Error::internal(format!("table {} has no storage", relation.name)))?;
        column.slot = table.add_column(physical, column.missing.clone())?;
        self.own.lock().changes.created_column(relation.storage, column.slot);
        Ok(())
    }

    /// What rows that are there get: the default or generation expression, else NULL as a value of the column's type.
    fn value_of_new_column(&mut self, relation: &Arc<Relation>, column: &Column) -> Result<Expr> {
        let path = [dictdb_catalog::namespaces::PG_CATALOG];
        let purpose = match column.generated {
            true => TableExpr::Generated(column.ty),
            false => TableExpr::Default(column.ty),
        };
        let text = match (&column.default, self.view().domain_default(column.ty.oid)) {
            (Some(text), _) | (None, Some(text)) => text.clone(),
            (None, None) => Arc::from("NULL"),
        };
        self.with_path(&path, |cx| table_expr::bind_text(&text, relation, purpose, cx)).map(|bound| bound.expr)
    }

    /// Replaces a relation's columns and tells its row type; `added` depends on its type.
    fn put_columns(&mut self, relation: &Arc<Relation>, columns: Vec<Column>, added: i16) -> Result<()> {
        let Column { ty, collation, .. } = columns[added as usize - 1];
        let ty = ty.oid;
        let changed = Relation { columns: columns.into(), ..Relation::clone(relation) };
        let relation = self.reshaping(&relation.name, |ddl| Ok(ddl.put_relation(changed)))?;
        if ty >= Oid::FIRST_NORMAL {
            self.depend(Key::Column(relation.oid, added), Key::Type(ty), Dependency::Normal);
        }
        self.depend_on_collation(Key::Column(relation.oid, added), collation);
        self.sync_row_type(&relation)
    }
}

fn appended(relation: &Relation, column: Column) -> Vec<Column> {
    let mut columns = relation.columns.to_vec();
    columns.push(column);
    columns
}

/// Whether an expression need not be evaluated for each row.
fn is_the_same_for_all(value: &Expr) -> bool {
    !value.any(&mut |e| match e {
        Expr::Input(..) => true,
        Expr::Call(call) => call.function.volatility == Volatility::Volatile,
        _ => false,
    })
}

pub(in crate::ddl) fn check_system_name(name: &str) -> Result<()> {
    if dictdb_catalog::system_column_named(name).is_some() {
        return Err(Error::new(
            SqlState::DUPLICATE_COLUMN,
            format!("column name \"{name}\" conflicts with a system column name"),
        ));
    }
    Ok(())
}

/// Whether a property of a new column gives the rows that are there a value other than NULL, or may.
fn gives_values(constraint: &Constraint) -> bool {
    use dictdb_parser::ast::{Expr, Value};
    let is_null = |expr: &Expr| matches!(expr, Expr::Value(value) if matches!(value.value, Value::Null));
    match &constraint.kind {
        ConstraintKind::Default(source) => !is_null(&source.expr),
        ConstraintKind::Identity { .. } | ConstraintKind::Generated(_) => true,
        _ => false,
    }
}
