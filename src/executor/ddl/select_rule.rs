//! CREATE RULE … ON SELECT: the rule that makes a relation a view. Of a view it replaces the query; a table without rows and
//! without anything that only tables have becomes a view, which is how dumps write views that need each other.

use std::sync::Arc;

use dictdb_catalog::{Catalog, Dependency, Key, Relation, RelationKind, ViewInfo};
use dictdb_parser::ast::{self, SetExpr, Statement as Ast};
use dictdb_parser::utility::CreateRule;
use dictdb_parser::{Locations, Statement};
use dictdb_planner::OutputColumn;
use dictdb_types::{Error, Result, SqlState, Type};

use super::DdlContext;
use super::rule::{VIEW_RULE, not_supported};
use super::view::changes_data;

impl DdlContext<'_> {
    /// 0A000, 42809, 42P17, 55000.
    pub(super) fn create_select_rule(
        &mut self,
        create: &CreateRule,
        locations: &Locations,
        relation: &Arc<Relation>,
    ) -> Result<()> {
        self.check_ruled(relation)?;
        let query = select_of(create)?;
        let bound = self.with_binding(|cx| dictdb_planner::bind_view(query, locations, cx))?;
        if changes_data(query) {
            return Err(not_supported("rules on SELECT must not contain data-modifying statements in WITH"));
        }
        if create.condition.is_some() {
            return Err(not_supported("event qualifications are not implemented for rules on SELECT"));
        }
        let known = match &relation.kind {
            RelationKind::View(view) => Some(view.clone()),
            _ => None,
        };
        check_columns(relation, &bound.columns, &self.view())?;
        if known.is_some() && !create.or_replace {
            let message = format!("\"{}\" is already a view", relation.name);
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        if create.name.value != VIEW_RULE {
            let message = format!("view rule for \"{}\" must be named \"{VIEW_RULE}\"", relation.name);
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        let info = ViewInfo {
            query: Arc::from(create.last_text.as_str()),
            search_path: Arc::from(self.search_path),
            check_option: known.as_ref().and_then(|view| view.check_option),
            populated: true,
        };
        if known.is_none() {
            self.check_convertible(relation)?;
            self.drop_what_views_lack(relation);
        }
        self.undepend_all(Key::Relation(relation.oid));
        self.depend(Key::Relation(relation.oid), Key::Schema(relation.namespace), Dependency::Normal);
        let converted = Relation {
            kind: RelationKind::View(Arc::new(info)),
            acl: relation.acl.clone(),
            persistence: relation.persistence,
            columns: relation.columns.clone(),
            row_type: relation.row_type,
            options: if known.is_some() { relation.options.clone() } else { Vec::new() },
            rules: relation.rules.clone(),
            ..Relation::new(
                relation.oid,
                relation.namespace,
                relation.name.clone(),
                relation.owner,
                relation.kind.clone(),
            )
        };
        let view = self.put_relation(converted);
        let view = self.canonical_relation(&view)?;
        self.depend_view(&view, bound)
    }

    /// 42809, 55000 for a table with rows, or with what a view cannot have.
    fn check_convertible(&mut self, table: &Arc<Relation>) -> Result<()> {
        let wrong = |what: &str| {
            let message = format!("cannot convert {what} \"{}\" to a view", table.name);
            Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message))
        };
        if table.partition_key.is_some() {
            return wrong("partitioned table");
        }
        if table.is_partition() {
            return wrong("partition");
        }
        let obstacles = [
            (self.has_rows(table)?, "is not empty"),
            (self.has_triggers(table), "has triggers"),
            (!table.indexes.is_empty(), "has indexes"),
            (!table.children.is_empty(), "has child tables"),
            (!table.parents.is_empty(), "has parent tables"),
            (table.row_security, "has row security enabled"),
            (!table.policies.is_empty(), "has row security policies"),
        ];
        match obstacles.iter().find(|(is_there, _)| *is_there) {
            None => Ok(()),
            Some((_, what)) => {
                let message = format!("could not convert table \"{}\" to a view because it {what}", table.name);
                Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message))
            }
        }
    }

    /// Whether a table has triggers, or foreign keys on either side.
    fn has_triggers(&mut self, table: &Relation) -> bool {
        let refers = table.constraints.iter().any(|own| matches!(own.kind, dictdb_catalog::ConstraintKind::Foreign(_)));
        refers || !table.referenced_by.is_empty() || self.view().triggers_of(table.oid).next().is_some()
    }

    /// Forgets the storage and the constraints of a table.
    fn drop_what_views_lack(&mut self, table: &Relation) {
        for constraint in &table.constraints {
            self.remove(Key::Constraint(table.oid, constraint.oid));
        }
        self.own.lock().changes.dropped_table(table.storage);
    }
}

/// The only action of a rule, which is a query. 0A000.
fn select_of(create: &CreateRule) -> Result<&ast::Query> {
    let query = match &create.actions[..] {
        [Statement::Sql(tree)] => match &**tree {
            Ast::Query(query) => Some(&**query),
            _ => None,
        },
        [] | [_] => None,
        _ => return Err(not_supported("multiple actions for rules on SELECT are not implemented")),
    };
    let is_select = |query: &&ast::Query| {
        !matches!(&*query.body, SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_))
    };
    let query = query.filter(is_select).filter(|_| create.instead);
    query.ok_or_else(|| not_supported("rules on SELECT must have action INSTEAD SELECT"))
}

/// 42P17, 0A000 unless a query gives a relation's columns.
fn check_columns(relation: &Relation, outputs: &[OutputColumn], catalog: &Catalog) -> Result<()> {
    let shown = |ty: Type| dictdb_types::type_name_with_modifier(catalog, ty, &|_| None);
    let invalid = |message: String| Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
    for (at, output) in outputs.iter().enumerate() {
        let number = at + 1;
        let Some(column) = relation.columns.get(at) else {
            return invalid("SELECT rule's target list has too many entries".to_owned());
        };
        if column.dropped {
            return Err(not_supported("cannot convert relation containing dropped columns to view"));
        }
        let differs = |what: &str| {
            let message =
                format!("SELECT rule's target entry {number} has different {what} from column \"{}\"", column.name);
            Error::new(SqlState::INVALID_OBJECT_DEFINITION, message)
        };
        if column.name != output.name {
            let named = format!("SELECT target entry is named \"{}\".", output.name);
            return Err(differs("column name").detail(named));
        }
        let types =
            |a: Type, b: Type| format!("SELECT target entry has type {}, but column has type {}.", shown(a), shown(b));
        if column.ty.oid != output.ty.oid {
            let detail = types(Type::new(output.ty.oid), Type::new(column.ty.oid));
            return Err(differs("type").detail(detail));
        }
        if column.ty.typmod != output.ty.typmod && column.ty.typmod >= 0 && output.ty.typmod >= 0 {
            return Err(differs("size").detail(types(output.ty, column.ty)));
        }
    }
    match outputs.len() < relation.columns.len() {
        true => invalid("SELECT rule's target list has too few entries".to_owned()),
        false => Ok(()),
    }
}
