//! MERGE.
//!
//! ```text
//!   source ──LEFT JOIN── target ──► Modify: the first clause that applies to the row
//! ```
//! Without a clause for source rows that match nothing, an inner join does.

use std::sync::Arc;

use dictdb_catalog::{Privileges, Relation, RelationKind};
use dictdb_parser::ast::{self, MergeAction as Action, MergeClauseKind, MergeInsertKind, MergeUpdateKind, TableFactor};
use dictdb_parser::node;
use dictdb_types::{Error, Result, SqlState};

use super::Binder;
use super::clause::Clause;
use super::insert_source::InsertTargets;
use super::modify_source::identity_of;
use super::names::Names;
use super::update::with_rows;
use crate::expr::{ColumnId, Expr};
use crate::logical::{Column, JoinKind, MergeAction, MergeClause, Modify, ModifyAction, Node, PolicyStage};
use crate::view;

/// The target of a MERGE and the rows it is joined with.
struct Merging {
    relation: Arc<Relation>,
    /// Names of the target alone: what DELETE and UPDATE change.
    current: Vec<(i16, Expr)>,
    /// Names of both sides.
    both: Names,
    /// Names of the source alone: all that INSERT sees.
    source: Names,
    /// Columns that subqueries in SET compute, to be made below.
    rows: Vec<(Column, Expr)>,
}

impl Binder<'_> {
    pub(crate) fn bind_merge(&mut self, merge: &ast::Merge) -> Result<Node> {
        refuse_unreachable(merge)?;
        let TableFactor::Table { name, alias, with_hints, .. } = &merge.table else {
            return Err(Error::internal("a MERGE into other than a table"));
        };
        let relation = self.merge_target(name)?;
        if !relation.rules.is_empty() {
            let message = format!("cannot execute MERGE on relation \"{}\"", relation.name);
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
                .detail("MERGE is not supported for relations with rules."));
        }
        let (bound, target_names) = self.bind_relation(&relation, alias.as_ref(), node::is_only(with_hints), None)?;
        self.note_target();
        let Node::Scan(scan_ref) = &bound else { return Err(Error::internal("the target is not a table")) };
        let row_id = scan_ref.row_id.ok_or_else(|| Error::internal("the target has no row ids"))?;
        let (shown, members) = (scan_ref.alias.clone(), scan_ref.members.clone());
        let columns = scan_ref.columns.clone();
        let scan = self.secure_scan(bound, &relation, &columns)?;
        self.enter(&target_names.tables[0], Some(relation.oid));
        let source_item = match &merge.source {
            TableFactor::NestedJoin { table_with_joins, alias: None } => (**table_with_joins).clone(),
            other => ast::TableWithJoins { relation: other.clone(), joins: Vec::new() },
        };
        let source = self.bind_from(std::slice::from_ref(&source_item))?;
        let recorded_source = self.recorded_from(1);
        let source_names = self.level().names.clone();
        if source_names.tables.iter().any(|table| table.alias == shown) {
            return Err(Error::new(SqlState::DUPLICATE_ALIAS, format!("name \"{shown}\" specified more than once"))
                .detail("The name is used both as MERGE target table and data source."));
        }
        let current = target_names.tables[0].columns.iter();
        let current = current.filter_map(|column| Some((column.source?.1, column.expr.clone()))).collect();
        let target = target_names.tables[0].clone();
        let mut both = target_names;
        both.tables.extend(source_names.tables.iter().cloned());
        both.columns.extend(source_names.columns.iter().cloned());
        self.level().names = both.clone();
        let on = self.bind_merge_condition(&merge.on)?;
        let mut merging = Merging { relation, current, both, source: source_names, rows: Vec::new() };
        let (mut clauses, mut recorded) = (Vec::with_capacity(merge.clauses.len()), Vec::new());
        for clause in &merge.clauses {
            let bound = self.bind_merge_clause(clause, &mut merging)?;
            if self.records() {
                recorded.push(self.recorded_when(clause, bound.condition.as_ref()));
            }
            clauses.push(bound);
        }
        if self.records() {
            let wording = view::tree::Merge { source: recorded_source, on: on.clone(), clauses: recorded };
            let alias = (alias.as_ref(), node::is_only(with_hints));
            self.record_merge((&merging.relation, &target), alias, wording);
        }
        self.finish_merge(merging, (shown, members), row_id, (source, scan, on), clauses)
    }

    fn finish_merge(
        &mut self,
        merging: Merging,
        (alias, members): (Arc<str>, Arc<[Arc<Relation>]>),
        row_id: ColumnId,
        (source, scan, on): (Node, Node, Expr),
        clauses: Vec<MergeClause>,
    ) -> Result<Node> {
        let identity = identity_of(&source);
        let inserts = clauses.iter().any(|clause| !clause.matched);
        let kind = if inserts { JoinKind::Left } else { JoinKind::Inner };
        let (left, right) = (Box::new(source), Box::new(scan));
        let input = with_rows(Node::Join { kind, left, right, on: Some(on), lateral: false }, merging.rows);
        let relation = merging.relation;
        let row = self.row_columns(&relation);
        let (mut checks, generated) = self.row_rules(&relation, &row)?;
        use PolicyStage::{Insert, MergeDelete, MergeUpdate, Update};
        for stage in [Insert, Update, MergeUpdate, MergeDelete] {
            // The ON condition reads the table: what it becomes by UPDATE has to be visible as well.
            checks.extend(self.policy_checks(&relation, &row, stage, stage == Update)?);
        }
        let action = ModifyAction::Merge { row_id, clauses };
        Ok(Node::Modify(Box::new(Modify {
            relation,
            alias,
            members,
            action,
            input,
            identity,
            row,
            returning: None,
            checks,
            generated,
        })))
    }

    /// The table to merge into; 0A000 for a view.
    fn merge_target(&mut self, name: &ast::ObjectName) -> Result<Arc<Relation>> {
        let relation = self.relation(name)?;
        let kind = match relation.kind {
            RelationKind::View(_) => "views",
            RelationKind::MaterializedView(_) => "materialized views",
            RelationKind::Virtual => {
                // Whoever may not change it at all is told so.
                self.modify_target(name)?;
                return Err(Error::unsupported(format_args!("MERGE into system catalog \"{}\"", relation.name)));
            }
            _ => return self.modify_target(name),
        };
        let message = format!("cannot execute MERGE on relation \"{}\"", relation.name);
        Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
            .detail(format!("This operation is not supported for {kind}.")))
    }

    fn bind_merge_condition(&mut self, on: &ast::Expr) -> Result<Expr> {
        let position = self.leftmost(on);
        let bound = self.in_clause(Clause::JoinOn, |binder| binder.bind_expr(on))?;
        self.coerce_to_boolean(bound, "JOIN/ON", position)
    }

    fn bind_merge_clause(&mut self, clause: &ast::MergeClause, merging: &mut Merging) -> Result<MergeClause> {
        let matched = clause.clause_kind == MergeClauseKind::Matched;
        self.level().names = if matched { merging.both.clone() } else { merging.source.clone() };
        let condition = match &clause.predicate {
            Some(predicate) => Some(self.bind_predicate(predicate, Clause::MergeWhen)?),
            None => None,
        };
        let action = match &clause.action {
            Action::DoNothing { .. } => {
                self.note_read(&merging.relation);
                MergeAction::Nothing
            }
            Action::Delete { .. } => {
                self.note_change(&merging.relation, Privileges::DELETE, Vec::new());
                MergeAction::Delete
            }
            Action::Update(update) => {
                let MergeUpdateKind::Set(assignments) = &update.kind else {
                    return Err(Error::internal("a MERGE update without SET"));
                };
                let current = merging.current.clone();
                let bound = self.bind_assignments(&merging.relation.clone(), &current, assignments)?;
                merging.rows.extend(bound.rows);
                let assigned = bound.values.iter().map(|(attnum, _)| *attnum).collect();
                self.note_change(&merging.relation, Privileges::UPDATE, assigned);
                MergeAction::Update { values: bound.values }
            }
            Action::Insert(insert) => MergeAction::Insert { values: self.bind_merge_insert(insert, merging)? },
        };
        Ok(MergeClause { matched, condition, action })
    }

    fn bind_merge_insert(&mut self, insert: &ast::MergeInsertExpr, merging: &Merging) -> Result<Vec<(i16, Expr)>> {
        let MergeInsertKind::Values(values) = &insert.kind else {
            return Err(Error::internal("a MERGE insert without VALUES"));
        };
        let relation = merging.relation.clone();
        let columns = node::merge_columns(&insert.columns);
        let to = InsertTargets {
            targets: self.insert_targets(&relation, columns)?,
            explicit: !columns.is_empty(),
            overriding: node::merge_overriding(&insert.columns),
        };
        let given = to.targets.iter().map(|target| target.attnum).collect();
        self.note_change(&relation, Privileges::INSERT, given);
        let rows: Vec<&[ast::Expr]> = values.rows.iter().map(|row| row.content.as_slice()).collect();
        let (input, given) = match rows.is_empty() {
            true => (Node::Values { columns: Vec::new(), rows: vec![Vec::new()] }, Vec::new()),
            false => self.insert_values(&to, &rows)?,
        };
        let (input, attnums) = self.add_defaults(&relation, input, given)?;
        match input {
            Node::Values { mut rows, .. } if rows.len() == 1 => {
                Ok(attnums.into_iter().zip(rows.swap_remove(0)).collect())
            }
            Node::Values { .. } => Err(Error::internal("a MERGE insert of other than one row")),
            _ => Err(Error::unsupported("a set-returning function in INSERT of MERGE")),
        }
    }
}

/// 42601 for a clause after one of its kind that takes all rows.
fn refuse_unreachable(merge: &ast::Merge) -> Result<()> {
    for (index, clause) in merge.clauses.iter().enumerate() {
        let shadows =
            |earlier: &ast::MergeClause| earlier.predicate.is_none() && earlier.clause_kind == clause.clause_kind;
        if merge.clauses[..index].iter().any(shadows) {
            return Err(Error::new(
                SqlState::SYNTAX_ERROR,
                "unreachable WHEN clause specified after unconditional WHEN clause",
            ));
        }
    }
    Ok(())
}
