//! CREATE and DROP RULE, and what ALTER does with rules.

use std::sync::Arc;

use dictdb_catalog::trigger::{Event, Firing};
use dictdb_catalog::{Dependency, Key, Relation, RelationKind, Rule};
use dictdb_parser::Locations;
use dictdb_parser::ast::ObjectName;
use dictdb_parser::utility::{CreateRule, FiringMode, RuleEvent};
use dictdb_planner::rule::{BoundRule, WrittenRule};
use dictdb_storage::LockMode;
use dictdb_types::{Error, Oid, Result, SqlState};

use super::DdlContext;
use super::names::shown;
use super::trigger::plural;

/// The name of the rule that makes a relation a view.
pub(super) const VIEW_RULE: &str = "_RETURN";

impl DdlContext<'_> {
    pub(super) fn create_rule(&mut self, create: &CreateRule, locations: &Locations) -> Result<()> {
        let relation = self.find_relation(&create.table)?;
        if matches!(relation.kind, RelationKind::MaterializedView(_)) {
            return Err(not_supported("rules on materialized views are not supported"));
        }
        self.lock(relation.oid, LockMode::AccessExclusive)?;
        let relation = self.table(relation.oid)?;
        let event = match create.event {
            RuleEvent::Select => return self.create_select_rule(create, locations, &relation),
            RuleEvent::Insert => Event::Insert,
            RuleEvent::Update => Event::Update,
            RuleEvent::Delete => Event::Delete,
        };
        let written = WrittenRule {
            event,
            relation: &relation,
            instead: create.instead,
            condition: create.condition.as_ref().map(|condition| &*condition.expr),
            actions: &create.actions,
        };
        let bound = self.with_binding(|cx| dictdb_planner::rule::bind(&written, locations, cx))?;
        self.check_ruled(&relation)?;
        let name = create.name.value.as_str();
        if name == VIEW_RULE {
            let message = format!("non-view rule for \"{}\" must not be named \"{VIEW_RULE}\"", relation.name);
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        let known = relation.rule_named(name);
        if known.is_some() && !create.or_replace {
            return Err(already_exists(name, &relation));
        }
        let oid = known.map_or_else(|| self.new_oid(), |known| known.oid);
        let rule = Rule {
            oid,
            name: Arc::from(name),
            event,
            firing: known.map_or(Firing::Origin, |known| known.firing),
            instead: create.instead,
            condition: bound.condition.clone(),
            actions: bound.actions.clone(),
        };
        self.record_rule(&relation, rule, &bound);
        Ok(())
    }

    /// 42809 for a relation that cannot have rules, 42501 for one that is not the role's.
    pub(super) fn check_ruled(&mut self, relation: &Arc<Relation>) -> Result<()> {
        if !matches!(relation.kind, RelationKind::Table | RelationKind::View(_) | RelationKind::Virtual) {
            let message = format!("relation \"{}\" cannot have rules", relation.name);
            let detail = format!("This operation is not supported for {}.", plural(relation));
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).detail(detail));
        }
        self.check_not_system(relation)?;
        self.check_owner(relation)
    }

    /// ALTER RULE … RENAME TO.
    pub(super) fn rename_rule(&mut self, name: &str, table: &ObjectName, to: &str) -> Result<()> {
        let relation = self.find_relation(table)?;
        self.check_ruled(&relation)?;
        self.lock(relation.oid, LockMode::AccessExclusive)?;
        let relation = self.table(relation.oid)?;
        if name == VIEW_RULE && matches!(relation.kind, RelationKind::View(_)) {
            let message = "renaming an ON SELECT rule is not allowed";
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        let Some(rule) = relation.rule_named(name) else { return Err(missing(name, &relation)) };
        let is_of_view = to == VIEW_RULE && matches!(relation.kind, RelationKind::View(_));
        if is_of_view || relation.rule_named(to).is_some() {
            return Err(already_exists(to, &relation));
        }
        self.put_rule(&relation, Rule { name: Arc::from(to), ..Rule::clone(rule) });
        Ok(())
    }

    /// ALTER TABLE … ENABLE or DISABLE RULE.
    pub(super) fn set_rule_firing(&mut self, relation: &Arc<Relation>, name: &str, mode: FiringMode) -> Result<()> {
        let Some(rule) = relation.rule_named(name) else { return Err(missing(name, relation)) };
        let firing = super::trigger::firing(mode);
        self.put_rule(relation, Rule { firing, ..Rule::clone(rule) });
        Ok(())
    }

    /// The rule that DROP names; the inner error says that there is none.
    pub(super) fn rule_key(&mut self, name: &str, table: &ObjectName) -> Result<Result<Key>> {
        let Some(relation) = self.look_up_relation(table)? else {
            let message = format!("relation \"{}\" does not exist", shown(table));
            let missing = self.missing_schema(table);
            return Ok(Err(missing.unwrap_or_else(|| Error::new(SqlState::UNDEFINED_TABLE, message))));
        };
        if name == VIEW_RULE && relation.view().is_some() {
            let view = format!("{} {}", relation.kind_noun(), relation.name);
            let message = format!("cannot drop rule {VIEW_RULE} on {view} because {view} requires it");
            let error = Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message);
            return Err(error.hint(format!("You can drop {view} instead.")));
        }
        let Some(rule) = relation.rule_named(name) else { return Ok(Err(missing(name, &relation))) };
        let key = Key::Rule(relation.oid, rule.oid);
        if !self.has_privileges_of(relation.owner) {
            return Err(super::ownership::not_owner("relation", &relation.name));
        }
        self.check_not_system(&relation)?;
        self.lock(relation.oid, LockMode::AccessExclusive)?;
        Ok(Ok(key))
    }

    pub(super) fn drop_rule(&mut self, table: Oid, oid: Oid) {
        if let Some(relation) = self.view().relation(table).cloned() {
            let mut relation = Relation::clone(&relation);
            relation.rules.retain(|rule| rule.oid != oid);
            self.put_relation(relation);
        }
        self.remove(Key::Rule(table, oid));
    }

    /// The oid of a rule that COMMENT names.
    pub(super) fn commented_rule(&mut self, name: &str, table: &ObjectName) -> Result<Oid> {
        let relation = self.find_relation(table)?;
        self.check_owner(&relation)?;
        relation.rule_named(name).map(|rule| rule.oid).ok_or_else(|| missing(name, &relation))
    }

    /// Puts a rule into its relation, with what it depends on.
    fn record_rule(&mut self, relation: &Arc<Relation>, rule: Rule, bound: &BoundRule) {
        let key = Key::Rule(relation.oid, rule.oid);
        self.undepend_all(key);
        self.depend(key, Key::Relation(relation.oid), Dependency::Auto);
        for (table, attnum) in &bound.columns {
            self.depend(key, Key::Column(*table, *attnum), Dependency::Normal);
        }
        for table in bound.relations.iter().filter(|table| **table != relation.oid) {
            self.depend(key, Key::Relation(*table), Dependency::Normal);
        }
        let functions: Vec<Oid> = bound.functions.iter().copied().collect();
        let operators: Vec<(Oid, Oid)> = bound.operators.iter().copied().collect();
        self.depend_on_calls(key, &functions, &operators);
        self.depend_on_types(key, &bound.types);
        self.put_rule(relation, rule);
    }

    /// Rules stand in the order of their names.
    fn put_rule(&mut self, relation: &Relation, rule: Rule) {
        let mut relation = relation.clone();
        relation.rules.retain(|known| known.oid != rule.oid);
        relation.rules.push(Arc::new(rule));
        relation.rules.sort_by(|a, b| a.name.cmp(&b.name));
        self.put_relation(relation);
    }
}

pub(super) fn not_supported(message: &str) -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, message.to_owned())
}

fn missing(name: &str, relation: &Relation) -> Error {
    let message = format!("rule \"{name}\" for relation \"{}\" does not exist", relation.name);
    Error::new(SqlState::UNDEFINED_OBJECT, message)
}

fn already_exists(name: &str, relation: &Relation) -> Error {
    let message = format!("rule \"{name}\" for relation \"{}\" already exists", relation.name);
    Error::new(SqlState::DUPLICATE_OBJECT, message)
}
