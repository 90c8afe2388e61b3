//! Stored texts after a renaming, or a change of a table's columns: they are bound over the names of before and written with the
//! names of now.
//!
//! Texts are found by the words that were renamed: whatever kind of object one names, the text of a view, a default, a CHECK,
//! an index or a trigger that uses it contains it. All texts are looked at once for a change, however many tables it is of.

use std::sync::Arc;

use aho_corasick::AhoCorasick;
use dictdb_catalog::{
    Catalog, Column, Constraint, ConstraintKind, Domain, DomainCheck, IndexInfo, IndexKey, IndexTarget, Object,
    PartitionColumn, PartitionKey, Policy, Relation, RelationKind, Routine, Rule, SqlBody, Trigger, ViewInfo,
    namespaces,
};
use dictdb_functions::Registry;
use dictdb_planner::table_expr::{self, TableExpr};
use dictdb_planner::trigger_when::when_restated;
use dictdb_planner::variables::Parameters;
use dictdb_planner::{BindContext, Renaming, routine_body, view};
use dictdb_storage::LockMode;
use dictdb_types::{Env, Error, Oid, Result, Type, TypeKind};

use super::DdlContext;

/// The search path of texts that are kept.
const PATH: [Oid; 1] = [namespaces::PG_CATALOG];

/// Two versions of the catalog and the words that differ.
struct Renamed<'a> {
    words: &'a [Arc<str>],
    /// Finds them in texts, in whatever case.
    finder: AhoCorasick,
    /// The columns of the tables called so differ: only texts that list columns are concerned.
    reshaped: bool,
    registry: &'a Registry,
    before: Arc<Catalog>,
    after: Arc<Catalog>,
    env_before: Arc<dyn Env>,
    env_after: Arc<dyn Env>,
}

impl DdlContext<'_> {
    /// Runs a change of names, and rewrites all texts that have the old one.
    pub(super) fn renaming<T>(&mut self, word: &str, change: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let before = self.view();
        let changed = change(self)?;
        self.restate(before, &[Arc::from(word)], false)?;
        Ok(changed)
    }

    /// Runs a change that gives a table a column or takes one, and rewrites all texts that list columns by their places.
    pub(super) fn reshaping<T>(&mut self, table: &Arc<str>, change: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.reshaping_tables(|ddl| {
            ddl.reshaped.get_or_insert_default().push(table.clone());
            change(ddl)
        })
    }

    /// Runs a change in which several tables may get columns or lose some: texts are rewritten at its end.
    pub(super) fn reshaping_tables<T>(&mut self, change: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.reshaped.is_some() {
            return change(self);
        }
        let before = self.view();
        self.reshaped = Some(Vec::new());
        let changed = change(self);
        let tables = self.reshaped.take().unwrap_or_default();
        let changed = changed?;
        if !tables.is_empty() {
            self.restate(before, &tables, true)?;
        }
        Ok(changed)
    }

    /// Makes a view's text one that means the same whatever the search path, and whatever columns its tables get.
    pub(super) fn canonical_view(&mut self, relation: &Arc<Relation>, info: ViewInfo) -> Result<ViewInfo> {
        let types: Vec<Type> = relation.live_columns().map(|(_, column)| column.ty).collect();
        let plain = self.with_path(&PATH, |cx| view::canonical(relation, &info, cx));
        if let Some(canonical) = self.checked_view(plain, &info, &types) {
            return Ok(canonical);
        }
        let named = self.with_path(&PATH, |cx| view::disambiguated(relation, &info, cx));
        Ok(self.checked_view(named, &info, &types).unwrap_or(info))
    }

    /// A view with another text, if its query still gives columns of these types.
    fn checked_view(&mut self, text: Result<String>, info: &ViewInfo, types: &[Type]) -> Option<ViewInfo> {
        let canonical = ViewInfo { query: Arc::from(text.ok()?), search_path: Arc::from(PATH), ..info.clone() };
        let same = self.with_path(&PATH, |cx| view::types(&canonical, cx)).is_ok_and(|found| found == types);
        same.then_some(canonical)
    }

    fn restate(&mut self, before: Arc<Catalog>, words: &[Arc<str>], reshaped: bool) -> Result<()> {
        let finder =
            AhoCorasick::builder().ascii_case_insensitive(true).build(words.iter().map(|word| word.as_bytes()));
        let finder = finder.map_err(|error| Error::internal(error.to_string()))?;
        let after = self.view();
        let env_before = self.surroundings.env(before.clone());
        let env_after = self.surroundings.env(after.clone());
        let renamed =
            &Renamed { words, finder, reshaped, registry: self.registry, before, after, env_before, env_after };
        let users = |relation: &&Arc<Relation>| relation.oid >= Oid::FIRST_NORMAL;
        for relation in renamed.after.relations().filter(users).filter(|relation| renamed.is_in_texts_of(relation)) {
            // What is new has no text of before.
            if let Some(old) = renamed.before.relation(relation.oid) {
                self.restate_relation(renamed, old, relation)?;
            }
        }
        renamed.after.domains().try_for_each(|domain| self.restate_domain(renamed, domain))?;
        renamed.after.routines().try_for_each(|routine| self.restate_routine(renamed, routine))
    }

    fn restate_relation(&mut self, renamed: &Renamed<'_>, old: &Arc<Relation>, now: &Arc<Relation>) -> Result<()> {
        let columns = renamed.columns(old, now)?;
        let constraints = renamed.constraints(old, now)?;
        let kind = renamed.kind(now)?;
        let partition_key = renamed.partition_key(old, now)?;
        let policies = renamed.policies(old, now)?;
        let rules = renamed.rules(old, now)?;
        if rules.is_some()
            || policies.is_some()
            || columns.is_some()
            || constraints.is_some()
            || kind.is_some()
            || partition_key.is_some()
        {
            // Nobody drops or replaces it meanwhile; reading it goes on.
            self.lock(now.oid, LockMode::ShareUpdateExclusive)?;
            let mut changed = Relation::clone(now);
            changed.columns = columns.map_or(changed.columns, Arc::from);
            changed.constraints = constraints.unwrap_or(changed.constraints);
            changed.policies = policies.unwrap_or(changed.policies);
            changed.rules = rules.unwrap_or(changed.rules);
            changed.kind = kind.unwrap_or(changed.kind);
            changed.partition_key = partition_key.or(changed.partition_key);
            self.put_relation(changed);
        }
        for trigger in renamed.after.triggers_of(now.oid) {
            let Some(text) = trigger.when.as_ref().filter(|text| renamed.concerns(text)) else { continue };
            let when = Some(when_restated(text, old, now, renamed.names())?);
            self.put(Object::Trigger(Arc::new(Trigger { when, ..Trigger::clone(trigger) })));
        }
        Ok(())
    }

    fn restate_domain(&mut self, renamed: &Renamed<'_>, domain: &Domain) -> Result<()> {
        let texts = domain.default.iter().chain(domain.checks.iter().map(|check| &check.expression));
        if !texts.into_iter().any(|text| renamed.concerns(text)) {
            return Ok(());
        }
        let TypeKind::Domain(base) = self.type_info(domain.oid)?.kind else { return Ok(()) };
        let again = |text: &Arc<str>| table_expr::value_restated(text, base, renamed.names());
        let default = domain.default.as_ref().map(again).transpose()?;
        let check = |check: &DomainCheck| Ok(DomainCheck { expression: again(&check.expression)?, ..check.clone() });
        let checks = domain.checks.iter().map(check).collect::<Result<_>>()?;
        self.put(Object::Domain(Arc::new(Domain { default, checks, ..domain.clone() })));
        Ok(())
    }

    fn restate_routine(&mut self, renamed: &Renamed<'_>, routine: &Routine) -> Result<()> {
        let defaults = routine.params.iter().filter_map(|parameter| parameter.default.as_ref().map(|(text, _)| text));
        let mut texts = defaults.chain(routine.body.as_ref().map(|body| &body.statements));
        if !texts.any(|text| renamed.may_be_in(text)) {
            return Ok(());
        }
        let mut changed = routine.clone();
        let mut found = false;
        for parameter in &mut changed.params {
            if let Some((text, ty)) = &mut parameter.default
                && renamed.concerns(text)
            {
                *text = table_expr::value_restated(text, Type::new(*ty), renamed.names())?;
                found = true;
            }
        }
        if let Some(body) = routine.body.as_ref().filter(|body| renamed.concerns(&body.statements)) {
            let types: Vec<Type> = routine.args.iter().map(|oid| Type::new(*oid)).collect();
            let parameters = Parameters::of(routine, &types);
            let statements = Arc::from(routine_body::restated(body, &parameters, renamed.names())?);
            changed.body = Some(SqlBody { statements, ..body.clone() });
            found = true;
        }
        if found {
            self.put(Object::Routine(Arc::new(changed)));
        }
        Ok(())
    }
}

impl Renamed<'_> {
    fn names(&self) -> Renaming<'_> {
        Renaming { before: self.cx(&self.before, &*self.env_before), after: self.cx(&self.after, &*self.env_after) }
    }

    fn cx<'a>(&'a self, catalog: &'a Arc<Catalog>, env: &'a dyn Env) -> BindContext<'a> {
        let role = dictdb_catalog::BOOTSTRAP_ROLE;
        BindContext { catalog, registry: self.registry, env, search_path: &PATH, role, transient: &[] }
    }

    /// Whether the text of a query, a policy or a rule has to be written anew.
    fn concerns(&self, text: &str) -> bool {
        self.words_of(text).any(|word| !self.reshaped || view::lists_columns(text, word))
    }

    /// Likewise that of an expression of a table, which may have its whole row, column by column.
    fn concerns_expression(&self, text: &str) -> bool {
        self.words_of(text).next().is_some() && (!self.reshaped || table_expr::mentions(text, "row"))
    }

    /// The words that a text has.
    fn words_of<'t>(&'t self, text: &'t str) -> impl Iterator<Item = &'t str> {
        let may_be = if self.may_be_in(text) { self.words } else { &[] };
        may_be.iter().map(|word| &**word).filter(|word| table_expr::mentions(text, word))
    }

    /// Whether there is something like a word in a text, which takes no lexer to see: most have nothing like it.
    fn may_be_in(&self, text: &str) -> bool {
        // In texts quotes are doubled.
        self.finder.is_match(text) || self.words.iter().any(|word| word.contains('"'))
    }

    /// Likewise in one of the texts of a relation and its triggers: most relations have none.
    fn is_in_texts_of(&self, relation: &Relation) -> bool {
        let target = |target: &IndexTarget| matches!(target, IndexTarget::Expression(text) if self.may_be_in(text));
        let some = |text: &Option<Arc<str>>| text.as_ref().is_some_and(|text| self.may_be_in(text));
        let of_kind = match &relation.kind {
            RelationKind::View(info) | RelationKind::MaterializedView(info) => self.may_be_in(&info.query),
            RelationKind::Index(info) => info.keys.iter().any(|key| target(&key.target)) || some(&info.predicate),
            _ => false,
        };
        of_kind
            || relation.columns.iter().any(|column| some(&column.default))
            || relation.constraints.iter().any(|constraint| match &constraint.kind {
                ConstraintKind::Check { expression, .. } => self.may_be_in(expression),
                _ => false,
            })
            || relation.partition_key.iter().any(|key| key.columns.iter().any(|column| target(&column.target)))
            || relation.policies.iter().any(|policy| some(&policy.using) || some(&policy.check))
            || relation
                .rules
                .iter()
                .any(|rule| some(&rule.condition) || rule.actions.iter().any(|action| self.may_be_in(&action.text)))
            || self.after.triggers_of(relation.oid).any(|trigger| some(&trigger.when))
    }

    fn columns(&self, old: &Arc<Relation>, now: &Arc<Relation>) -> Result<Option<Vec<Column>>> {
        let mut columns = now.columns.to_vec();
        let mut found = false;
        for column in columns.iter_mut().filter(|column| !column.dropped) {
            let Some(text) = column.default.as_ref().filter(|text| self.concerns_expression(text)) else { continue };
            let purpose = if column.generated { TableExpr::Generated } else { TableExpr::Default };
            column.default = Some(table_expr::restated(text, old, now, purpose(column.ty), self.names())?);
            found = true;
        }
        Ok(found.then_some(columns))
    }

    fn constraints(&self, old: &Arc<Relation>, now: &Arc<Relation>) -> Result<Option<Vec<Arc<Constraint>>>> {
        let mut constraints = now.constraints.clone();
        let mut found = false;
        for constraint in &mut constraints {
            let ConstraintKind::Check { expression, columns } = &constraint.kind else { continue };
            if self.concerns_expression(expression) {
                let expression = table_expr::restated(expression, old, now, TableExpr::Check, self.names())?;
                let kind = ConstraintKind::Check { expression, columns: columns.clone() };
                *constraint = Arc::new(Constraint { kind, ..Constraint::clone(constraint) });
                found = true;
            }
        }
        Ok(found.then_some(constraints))
    }

    fn policies(&self, old: &Arc<Relation>, now: &Arc<Relation>) -> Result<Option<Vec<Arc<Policy>>>> {
        let mut policies = now.policies.clone();
        let mut found = false;
        for policy in &mut policies {
            let mut changed = Policy::clone(policy);
            for text in [&mut changed.using, &mut changed.check].into_iter().flatten() {
                if self.concerns(text) {
                    *text = dictdb_planner::policy::restated(text, old, now, self.names())?;
                    found = true;
                }
            }
            *policy = Arc::new(changed);
        }
        Ok(found.then_some(policies))
    }

    fn rules(&self, old: &Arc<Relation>, now: &Arc<Relation>) -> Result<Option<Vec<Arc<Rule>>>> {
        let mut rules = now.rules.clone();
        let mut found = false;
        for rule in &mut rules {
            let mut texts = rule.condition.iter().chain(rule.actions.iter().map(|action| &action.text));
            if texts.any(|text| self.concerns(text)) {
                *rule = Arc::new(dictdb_planner::rule::restated(rule, old, now, self.names())?);
                found = true;
            }
        }
        Ok(found.then_some(rules))
    }

    /// The text of a view, or those of an index.
    fn kind(&self, now: &Arc<Relation>) -> Result<Option<RelationKind>> {
        let restated = |info: &ViewInfo| -> Result<Arc<ViewInfo>> {
            let query = Arc::from(view::restated(now, info, self.names())?);
            Ok(Arc::new(ViewInfo { query, search_path: Arc::from(PATH), ..info.clone() }))
        };
        Ok(match &now.kind {
            RelationKind::View(info) if self.concerns(&info.query) => Some(RelationKind::View(restated(info)?)),
            RelationKind::MaterializedView(info) if self.concerns(&info.query) => {
                Some(RelationKind::MaterializedView(restated(info)?))
            }
            RelationKind::Index(info) => self.index(info)?.map(|info| RelationKind::Index(Arc::new(info))),
            _ => None,
        })
    }

    fn index(&self, info: &IndexInfo) -> Result<Option<IndexInfo>> {
        let tables = self.before.relation(info.table).zip(self.after.relation(info.table));
        let Some((old, now)) = tables else { return Ok(None) };
        let mut found = false;
        let mut keys: Vec<IndexKey> = Vec::with_capacity(info.keys.len());
        for key in &info.keys {
            let target = self.target(&key.target, old, now)?;
            found |= target.is_some();
            keys.push(IndexKey { target: target.unwrap_or_else(|| key.target.clone()), ..key.clone() });
        }
        let mut predicate = info.predicate.clone();
        if let Some(text) = info.predicate.as_ref().filter(|text| self.concerns_expression(text)) {
            predicate = Some(table_expr::restated(text, old, now, TableExpr::IndexPredicate, self.names())?);
            found = true;
        }
        Ok(found.then(|| IndexInfo { keys, predicate, ..info.clone() }))
    }

    fn target(&self, target: &IndexTarget, old: &Arc<Relation>, now: &Arc<Relation>) -> Result<Option<IndexTarget>> {
        let IndexTarget::Expression(text) = target else { return Ok(None) };
        if !self.concerns_expression(text) {
            return Ok(None);
        }
        let text = table_expr::restated(text, old, now, TableExpr::IndexKey, self.names())?;
        Ok(Some(IndexTarget::Expression(text)))
    }

    fn partition_key(&self, old: &Arc<Relation>, now: &Arc<Relation>) -> Result<Option<Arc<PartitionKey>>> {
        let Some(key) = &now.partition_key else { return Ok(None) };
        let mut columns: Vec<PartitionColumn> = key.columns.clone();
        let mut found = false;
        for column in &mut columns {
            if let Some(target) = self.target(&column.target, old, now)? {
                column.target = target;
                found = true;
            }
        }
        Ok(found.then(|| Arc::new(PartitionKey { columns, strategy: key.strategy })))
    }
}
