//! What INSERT, UPDATE and DELETE share: the target table, assignment coercion, constraints, RETURNING.

use std::sync::Arc;

use dictdb_catalog::trigger::{Event, Timing};
use dictdb_catalog::{Column as TableColumn, ConstraintKind, Relation, RelationKind, namespaces};
use dictdb_functions::facts::CastContext;
use dictdb_parser::ast::{self, Statement};
use dictdb_types::{Datum, Error, Result, SqlState, Type, oids};

use super::Binder;
use super::clause::Clause;
use super::level::Level;
use super::names::{FromItem, NamedColumn, Names, Referable, TableName, idents};
use crate::expr::Expr;
use crate::logical::{Check, Column, Node};

/// CHECK constraints and generated columns over a row.
pub(crate) type RowRules = (Vec<(Check, Expr)>, Vec<(i16, Expr)>);

/// The row a Modify node makes or removes, as columns that expressions can refer to.
pub(crate) type RowColumns = Vec<(Column, i16)>;

impl Binder<'_> {
    /// A data-modifying statement in the current (fresh) level.
    pub(crate) fn bind_modify(&mut self, statement: &Statement) -> Result<Node> {
        match self.only_step(statement)? {
            Some(step) => self.bind_step(statement, &step),
            None => self.bind_change(statement),
        }
    }

    /// A data-modifying statement as it is, without the rules of its target.
    pub(crate) fn bind_change(&mut self, statement: &Statement) -> Result<Node> {
        match statement {
            Statement::Insert(insert) => self.bind_insert(insert),
            Statement::Update(update) => self.bind_update(update),
            Statement::Delete(delete) => self.bind_delete(delete),
            Statement::Merge(merge) => self.bind_merge(merge),
            other => Err(Error::internal(format!("not a data-modifying statement: {other}"))),
        }
    }

    /// The table or view to change; 42809 for what cannot be changed.
    pub(crate) fn modify_target(&mut self, name: &ast::ObjectName) -> Result<Arc<Relation>> {
        if let Some(transient) = self.transient(&idents(name)?) {
            let message = format!("relation \"{}\" cannot be the target of a modifying statement", transient.name);
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let relation = self.relation(name)?;
        self.ranges += 1;
        self.relations.insert(relation.oid);
        match relation.kind {
            RelationKind::Table => Ok(relation),
            RelationKind::Virtual => {
                let superuser = self.cx.catalog.role(self.cx.role).is_some_and(|role| role.superuser);
                if !superuser || relation.namespace != namespaces::PG_CATALOG {
                    let message = format!("permission denied for table {}", relation.name);
                    return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
                }
                // What its rows show is changed by the session.
                self.runs_statements.set(true);
                Ok(relation)
            }
            RelationKind::View(_) => {
                self.note_view(&relation);
                Ok(relation)
            }
            RelationKind::MaterializedView(_) => Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("cannot change materialized view \"{}\"", relation.name),
            )),
            RelationKind::Sequence(_) => {
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("cannot change sequence \"{}\"", relation.name)))
            }
            RelationKind::Index(_) | RelationKind::Composite => {
                Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("cannot open relation \"{}\"", relation.name))
                    .detail("This operation is not supported for this kind of relation."))
            }
        }
    }

    /// Whether it is the relation itself that a statement changes, and not the table that a view stands for.
    pub(crate) fn changes_itself(&mut self, relation: &Relation, event: Event) -> bool {
        let takes_view = std::mem::take(&mut self.takes_view) || self.records();
        takes_view || !matches!(relation.kind, RelationKind::View(_)) || self.has_instead(relation, event)
    }

    /// Whether a view has INSTEAD OF triggers for an event: then it is they that change something.
    pub(crate) fn has_instead(&self, view: &Relation, event: Event) -> bool {
        let mut triggers = self.cx.catalog.triggers_of(view.oid).filter(|_| !self.ignores_triggers);
        triggers.any(|trigger| trigger.timing == Timing::InsteadOf && trigger.is_for(event))
    }

    /// Fresh columns for a whole row of the table.
    pub(crate) fn row_columns(&mut self, relation: &Relation) -> RowColumns {
        relation
            .live_columns()
            .map(|(attnum, column)| {
                let source = Some((relation.oid, attnum));
                (Column { source, ..self.new_column(column.name.clone(), column.ty) }, attnum)
            })
            .collect()
    }

    /// Likewise, with the system columns: RETURNING may name them.
    pub(crate) fn returned_columns(&mut self, relation: &Relation) -> RowColumns {
        let mut row = self.row_columns(relation);
        row.extend(dictdb_catalog::SYSTEM_COLUMNS.map(|(name, attnum, ty)| (self.new_column(name, ty), attnum)));
        row
    }

    /// A row's columns as a table name.
    pub(crate) fn row_name(&self, relation: &Relation, alias: &str, row: &RowColumns) -> TableName {
        TableName {
            alias: Arc::from(alias),
            schema: self.cx.catalog.schema(relation.namespace).map(|schema| schema.name.clone()),
            columns: row.iter().filter(|(_, attnum)| *attnum > 0).map(|(column, _)| NamedColumn::of(column)).collect(),
            system: row.iter().filter(|(_, attnum)| *attnum < 0).map(|(column, _)| NamedColumn::of(column)).collect(),
            row_type: relation.row_type,
            referable: Referable::Yes,
            scalar_function: false,
            item: FromItem::Rows(Vec::new()),
            presence: None,
            noted: None,
        }
    }

    /// A value as one of a column's type; 42804 naming the column.
    pub(crate) fn coerce_for_column(
        &mut self,
        value: Expr,
        column: &TableColumn,
        position: Option<u32>,
    ) -> Result<Expr> {
        let source = value.ty();
        let coerced = self.coerce(value, column.ty, CastContext::Assignment);
        // What a literal or a record is not has a place; what does not fit into the column is found when it is stored.
        let has_place = |e: &Error| source.oid == oids::UNKNOWN || e.code() == SqlState::CANNOT_COERCE;
        let coerced = coerced.map_err(|e| if has_place(&e) { e.at(position) } else { e })?;
        coerced.ok_or_else(|| {
            Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!(
                    "column \"{}\" is of type {} but expression is of type {}",
                    column.name,
                    self.type_name(Type::new(column.ty.oid)),
                    self.type_name(Type::new(source.oid))
                ),
            )
            .hint("You will need to rewrite or cast the expression.")
            .at(position)
        })
    }

    /// A column's default; NULL when it has none.
    pub(crate) fn default_of(&mut self, column: &TableColumn) -> Result<Expr> {
        let text = match &column.default {
            Some(text) if !column.generated => Some(text.clone()),
            Some(_) => None,
            None => self.cx.catalog.domain_default(column.ty.oid).cloned(),
        };
        let value = match text {
            Some(text) => self.bind_stored(&text, Level::default())?,
            // A domain may refuse NULL: it is coerced like any other value.
            None => Expr::null(Type::new(dictdb_types::oids::UNKNOWN)),
        };
        self.coerce_for_column(value, column, None)
    }

    /// CHECK constraints and generated columns over a row.
    pub(crate) fn row_rules(&mut self, relation: &Relation, row: &RowColumns) -> Result<RowRules> {
        let mut table = self.row_name(relation, &relation.name, row);
        // Of the system columns, conditions know the one that all rows of a table share.
        let oid = Expr::Const(Datum::Oid(relation.oid.0), Type::new(oids::OID));
        table.system = vec![NamedColumn { name: Arc::from("tableoid"), expr: oid, source: None }];
        let names = Names::of_table(table);
        let level = Level { names, clause: Clause::Check, ..Level::default() };
        self.in_stored_text(level, |binder| binder.row_rules_inside(relation))
    }

    fn row_rules_inside(&mut self, relation: &Relation) -> Result<RowRules> {
        let mut checks = Vec::new();
        for constraint in &relation.constraints {
            if let ConstraintKind::Check { expression, .. } = &constraint.kind {
                let tree = dictdb_parser::parse_expression(expression)?;
                let bound = self.bind_expr(&tree)?;
                let bound = self.coerce_to_boolean(bound, "CHECK", None)?;
                checks.push((Check::Constraint(constraint.name.clone()), bound));
            }
        }
        // PostgreSQL checks them in the order of their names.
        checks.sort_by(|(a, _), (b, _)| check_name(a).cmp(check_name(b)));
        let mut generated = Vec::new();
        for (attnum, column) in relation.computed_columns() {
            if let Some(text) = &column.default {
                let tree = dictdb_parser::parse_expression(text)?;
                let bound = self.bind_expr(&tree)?;
                generated.push((attnum, self.coerce_for_column(bound, column, None)?));
            }
        }
        Ok((checks, generated))
    }

    /// RETURNING over the names given.
    pub(crate) fn bind_returning(
        &mut self,
        items: Option<&Vec<ast::SelectItem>>,
        names: Names,
    ) -> Result<Option<Vec<(Column, Expr)>>> {
        let Some(items) = items else { return Ok(None) };
        self.level().names = names;
        let mut columns = self.in_clause(Clause::Returning, |binder| binder.bind_targets(items))?;
        for (column, expr) in &mut columns {
            *expr = self.resolve_unknown(expr.clone())?;
            column.ty = expr.ty();
        }
        Ok(Some(columns))
    }
}

fn check_name(check: &Check) -> &str {
    match check {
        Check::Constraint(name) | Check::View(name) | Check::Policy { table: name, .. } => name,
    }
}

/// 42701: a column assigned twice.
pub(crate) fn assigned_twice(name: &str) -> Error {
    Error::new(SqlState::DUPLICATE_COLUMN, format!("column \"{name}\" specified more than once"))
}

/// 428C9: a value for a column that makes its own.
pub(crate) fn not_assignable(column: &TableColumn, verb: &str) -> Error {
    let (detail, hint) = if column.generated {
        (format!("Column \"{}\" is a generated column.", column.name), None)
    } else {
        (
            format!("Column \"{}\" is an identity column defined as GENERATED ALWAYS.", column.name),
            (verb == "insert").then_some("Use OVERRIDING SYSTEM VALUE to override."),
        )
    };
    let message = match verb {
        "insert" => format!("cannot insert a non-DEFAULT value into column \"{}\"", column.name),
        _ => format!("column \"{}\" can only be updated to DEFAULT", column.name),
    };
    let error = Error::new(SqlState::GENERATED_ALWAYS, message).detail(detail);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}
