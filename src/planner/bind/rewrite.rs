//! What the rules of its target make of a data-modifying statement (manual, "Rules on INSERT, UPDATE, and DELETE").
//!
//! ```text
//!   statement ──expand──► steps ──bind_step──► one plan each, run one after the other
//!                         (a path of rules, each applied to the statement that the one before it gave)
//! ```
//! An INSERT comes before what its rules add, an UPDATE or DELETE after that. A view without rules that replace the statement
//! stands for its table, whose rules count then.

use std::sync::Arc;

use dictdb_catalog::trigger::Event;
use dictdb_catalog::{Relation, RelationKind, Rule};
use dictdb_parser::ast::{self, FromTable, ObjectName, OnInsert, SetExpr, Statement, TableFactor, TableObject};
use dictdb_parser::utility::Utility;
use dictdb_parser::{ParsedStatement, Statement as Parsed};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::Binder;
use super::names::{NamedColumn, Names, TableName};
use super::updatable::Verb;
use crate::expr::Expr;
use crate::logical::{Column, Node};

/// A statement that rules made of another one, or what they left of it.
#[derive(Clone)]
pub(crate) struct Step {
    /// The rules it went through, the one of the client's statement first.
    pub path: Vec<Application>,
    /// Conditional INSTEAD rules whose rows it leaves alone.
    unless: Vec<Arc<Rule>>,
}

/// A rule applied to a statement.
#[derive(Clone)]
pub(crate) struct Application {
    relation: Arc<Relation>,
    rule: Arc<Rule>,
    /// Which of the rule's actions.
    action: usize,
    /// The relation is what a view stands for: the table, or a view between.
    through: bool,
    /// The action's RETURNING list answers the statement's.
    returning: bool,
}

impl Step {
    /// The rule that it is an action of; none for the statement itself.
    pub fn rule(&self) -> Option<&Rule> {
        self.path.last().map(|application| &*application.rule)
    }
}

impl Application {
    /// The action.
    pub fn parsed(&self) -> Result<ParsedStatement> {
        let mut statements =
            dictdb_parser::parse(&self.rule.actions[self.action].text, &dictdb_parser::Limits::default())?;
        statements.pop().ok_or_else(|| Error::internal("an action of a rule without a text"))
    }
}

/// What a statement changes and how.
struct Change<'s> {
    target: &'s ObjectName,
    event: Event,
    returns: bool,
    on_conflict: bool,
}

impl<'s> Change<'s> {
    fn of(statement: &'s Statement) -> Option<Change<'s>> {
        let table = |factor: &'s TableFactor| match factor {
            TableFactor::Table { name, .. } => Some(name),
            _ => None,
        };
        let (target, event, returns, on_conflict) = match statement {
            Statement::Insert(insert) => {
                let TableObject::TableName(name) = &insert.table else { return None };
                let on_conflict = matches!(insert.on, Some(OnInsert::OnConflict(_)));
                (name, Event::Insert, insert.returning.is_some(), on_conflict)
            }
            Statement::Update(update) => {
                (table(&update.table.relation)?, Event::Update, update.returning.is_some(), false)
            }
            Statement::Delete(delete) => {
                let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = &delete.from;
                (table(&tables.first()?.relation)?, Event::Delete, delete.returning.is_some(), false)
            }
            _ => return None,
        };
        Some(Change { target, event, returns, on_conflict })
    }
}

/// The data-modifying statement that a statement is, perhaps after its WITH clause.
pub(crate) fn modification(statement: &Statement) -> Option<&Statement> {
    match statement {
        Statement::Query(query) => match &*query.body {
            SetExpr::Insert(inner) | SetExpr::Update(inner) | SetExpr::Delete(inner) => Some(inner),
            _ => None,
        },
        Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) => Some(statement),
        _ => None,
    }
}

/// What is expanded, on the way from the client's statement to the steps.
struct Expansion {
    path: Vec<Application>,
    /// The events whose rules are being applied.
    events: Vec<(Oid, Event)>,
    steps: Vec<Step>,
}

/// The rules of one relation sorted out.
#[derive(Default)]
struct Fired {
    actions: Vec<(Arc<Rule>, usize)>,
    unless: Vec<Arc<Rule>>,
    instead: bool,
}

impl Binder<'_> {
    /// What the rules of its target make of a statement; none if there are no rules for it.
    pub(crate) fn steps(&mut self, statement: &Statement) -> Result<Option<Vec<Step>>> {
        let Some(change) = Change::of(statement) else { return Ok(None) };
        if self.records() || self.ignores_rules || !self.may_have_rules(&change)? {
            return Ok(None);
        }
        let mut expansion = Expansion { path: Vec::new(), events: Vec::new(), steps: Vec::new() };
        self.expand(statement, change.returns, &mut expansion)?;
        let applies = !matches!(&expansion.steps[..], [only] if only.path.is_empty() && only.unless.is_empty());
        Ok(applies.then_some(expansion.steps))
    }

    /// Cheap for tables; a view may stand for a table that has rules.
    fn may_have_rules(&mut self, change: &Change<'_>) -> Result<bool> {
        let name = super::names::idents(change.target)?;
        if self.transient(&name).is_some() {
            return Ok(false);
        }
        let relation = self.relation_of(&name)?;
        let any = || self.cx.catalog.relations().any(|relation| !relation.rules.is_empty());
        Ok(!relation.rules.is_empty() || matches!(relation.kind, RelationKind::View(_)) && any())
    }

    fn expand(&mut self, statement: &Statement, returns: bool, expansion: &mut Expansion) -> Result<()> {
        let Some(change) = Change::of(statement) else {
            expansion.steps.push(Step { path: expansion.path.clone(), unless: Vec::new() });
            return Ok(());
        };
        let change = Change { returns, ..change };
        let relation = self.modify_target(change.target)?;
        self.nested(|binder| binder.expand_on(&relation, None, &change, expansion))
    }

    /// Applies the rules of a relation to a statement that changes it. `below` is what is below it when it is changed through a
    /// view.
    fn expand_on(
        &mut self,
        relation: &Arc<Relation>,
        below: Option<&[Arc<Relation>]>,
        change: &Change<'_>,
        expansion: &mut Expansion,
    ) -> Result<()> {
        let fired = self.fired(relation, change.event);
        let returning = returning_action(&fired, change)?;
        let key = (relation.oid, change.event);
        if !fired.actions.is_empty() && expansion.events.contains(&key) {
            let message = format!("infinite recursion detected in rules for relation \"{}\"", relation.name);
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        expansion.events.push(key);
        let first = change.event == Event::Insert;
        let through = below.is_some();
        if first && !fired.instead {
            self.expand_rest(relation, below, change, &fired, expansion)?;
        }
        for (rule, action) in &fired.actions {
            let returning = returning.is_some_and(|at| at == (rule.oid, *action));
            let (relation, rule) = (relation.clone(), rule.clone());
            self.apply(Application { relation, rule, action: *action, through, returning }, expansion)?;
        }
        if !first && !fired.instead {
            self.expand_rest(relation, below, change, &fired, expansion)?;
        }
        expansion.events.pop();
        if change.on_conflict && self.conflicts(relation, &fired) {
            let message = "INSERT with ON CONFLICT clause cannot be used with table that has INSERT or UPDATE rules";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        if change.returns && returning.is_none() && (fired.instead || !fired.unless.is_empty()) {
            return Err(no_returning(relation, change.event));
        }
        Ok(())
    }

    fn apply(&mut self, application: Application, expansion: &mut Expansion) -> Result<()> {
        let parsed = application.parsed()?;
        let returns = application.returning;
        let relation = application.relation.clone();
        expansion.path.push(application);
        let applied = match &parsed.statement {
            Parsed::Sql(tree) => {
                let mut inner = self.for_rule(&relation, &parsed.locations);
                inner.expand(tree, returns, expansion)
            }
            Parsed::Utility(_) => {
                expansion.steps.push(Step { path: expansion.path.clone(), unless: Vec::new() });
                Ok(())
            }
        };
        expansion.path.pop();
        applied
    }

    /// What the rules leave of a statement: of one that changes a view, a change of what is below it, down to its table.
    fn expand_rest(
        &mut self,
        relation: &Arc<Relation>,
        below: Option<&[Arc<Relation>]>,
        change: &Change<'_>,
        fired: &Fired,
        expansion: &mut Expansion,
    ) -> Result<()> {
        let is_view = matches!(relation.kind, RelationKind::View(_)) && !self.has_instead(relation, change.event);
        if is_view {
            let verb = Verb::of(change.event);
            if !fired.unless.is_empty() {
                let detail = "Views with conditional DO INSTEAD rules are not automatically updatable.";
                return Err(super::updatable::not_updatable(relation, verb, detail));
            }
            let found;
            let below = match below {
                Some(below) => below,
                None => {
                    found = self.in_level(|binder| binder.view_target(relation, verb))?.below();
                    &found[..]
                }
            };
            let Some((next, rest)) = below.split_first() else { return Err(Error::internal("a view of nothing")) };
            return self.expand_on(next, Some(rest), change, expansion);
        }
        expansion.steps.push(Step { path: expansion.path.clone(), unless: fired.unless.clone() });
        Ok(())
    }

    /// The rules of a relation that are in force for an event.
    fn fired(&self, relation: &Relation, event: Event) -> Fired {
        let mut fired = Fired::default();
        if relation.rules.is_empty() {
            return fired;
        }
        let replica = self.cx.env.setting("session_replication_role").is_some_and(|role| role == "replica");
        for rule in relation.rules_for(event, replica) {
            if rule.replaces() {
                fired.instead = true;
            } else if rule.instead && !fired.instead {
                fired.unless.push(rule.clone());
            }
            fired.actions.extend((0..rule.actions.len()).map(|action| (rule.clone(), action)));
        }
        fired
    }

    /// Whether rules stand in the way of ON CONFLICT.
    fn conflicts(&self, relation: &Relation, fired: &Fired) -> bool {
        let on_update = || !self.fired(relation, Event::Update).is_nothing();
        let is_view = matches!(relation.kind, RelationKind::View(_));
        (!is_view || fired.instead) && (!fired.actions.is_empty() || on_update())
    }

    /// Whether a view has rules that are run in place of any statement for an event.
    pub(crate) fn has_replacing_rule(&self, view: &Relation, event: Event) -> bool {
        self.fired(view, event).instead
    }
}

impl Fired {
    fn is_nothing(&self) -> bool {
        self.actions.is_empty() && self.unless.is_empty() && !self.instead
    }
}

/// What kind of rules make other than one statement of one.
pub(crate) fn words(steps: &[Step]) -> &'static str {
    if steps.is_empty() {
        return "DO INSTEAD NOTHING";
    }
    match steps.iter().filter_map(Step::rule).find(|rule| !rule.replaces()) {
        Some(rule) if rule.instead => "conditional DO INSTEAD",
        Some(_) => "DO ALSO",
        None => "multi-statement DO INSTEAD",
    }
}

/// The action whose RETURNING list answers the statement's. 0A000 for several.
fn returning_action(fired: &Fired, change: &Change<'_>) -> Result<Option<(Oid, usize)>> {
    let returns = |(rule, action): &&(Arc<Rule>, usize)| rule.actions[*action].returning;
    let mut found = fired.actions.iter().filter(|_| change.returns).filter(returns);
    let first = found.next().map(|(rule, action)| (rule.oid, *action));
    match found.next() {
        Some(_) => {
            let message = "cannot have RETURNING lists in multiple rules";
            Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
        }
        None => Ok(first),
    }
}

fn no_returning(relation: &Relation, event: Event) -> Error {
    let word = event.word();
    let message = format!("cannot perform {word} RETURNING on relation \"{}\"", relation.name);
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
        .hint(format!("You need an unconditional ON {word} DO INSTEAD rule with a RETURNING clause."))
}

impl Binder<'_> {
    /// The only statement that the rules of its target leave of one in a WITH query. 0A000 where it does not come to one.
    pub(crate) fn only_step(&mut self, statement: &Statement) -> Result<Option<Step>> {
        let Some(mut steps) = self.steps(statement)? else { return Ok(None) };
        let refuse = |what: &str| {
            let message = format!("{what} rules are not supported for data-modifying statements in WITH");
            Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
        };
        match (steps.pop(), steps.is_empty()) {
            (None, _) => refuse("DO INSTEAD NOTHING"),
            (Some(only), true) => match only.path.last().map(Application::parsed).transpose()? {
                Some(action) if matches!(action.statement, Parsed::Utility(_)) => refuse("DO INSTEAD NOTIFY"),
                _ => Ok(Some(only)),
            },
            (Some(last), false) => {
                steps.push(last);
                refuse(words(&steps))
            }
        }
    }

    /// Binds a step that the rules made of a statement, in the current (fresh) level.
    pub(crate) fn bind_step(&mut self, statement: &Statement, step: &Step) -> Result<Node> {
        self.bind_path(statement, &step.path, &step.unless)
    }

    fn bind_path(&mut self, statement: &Statement, path: &[Application], unless: &[Arc<Rule>]) -> Result<Node> {
        let Some((applied, rest)) = path.split_first() else {
            self.exceptions = unless.to_vec();
            return match statement {
                Statement::Query(query) => {
                    let node = self.bind_query(query)?;
                    self.settle_unknown(node)
                }
                change => self.bind_change(change),
            };
        };
        let change = modification(statement).ok_or_else(|| Error::internal("a rule for what changes nothing"))?;
        let action = &applied.rule.actions[applied.action];
        let through = applied.through.then_some(applied.relation.oid);
        let mut rows = self.changed_rows(change, through)?.into_rule_rows(action.uses_row);
        if let Some(predicate) = self.rule_condition(&applied.rule, &applied.relation, &rows.names)? {
            let input = Box::new(rows.node.unwrap_or_else(super::rule_rows::one_row));
            rows.node = Some(Node::Filter { input, predicate });
        }
        let parsed = applied.parsed()?;
        let Parsed::Sql(tree) = &parsed.statement else {
            return Err(Error::internal("an action of a rule that is no query is not planned"));
        };
        let (mut node, carried) = {
            let mut inner = self.for_rule(&applied.relation, &parsed.locations);
            inner.enclose_in_rule(&rows.names);
            inner.rule_rows = Some(rows);
            let node = inner.in_level(|binder| binder.bind_path(tree, rest, unless))?;
            (node, inner.carried())
        };
        self.carry(carried);
        let answers = applied.returning && rest.iter().all(|applied| applied.returning);
        self.answer(change, (applied, answers), &mut node)?;
        Ok(node)
    }

    /// Makes an action's RETURNING list that of the statement, or removes it.
    fn answer(
        &mut self,
        statement: &Statement,
        (applied, answers): (&Application, bool),
        node: &mut Node,
    ) -> Result<()> {
        let Some(list) = returning_of(node) else { return Ok(()) };
        if !answers {
            *list = None;
            return Ok(());
        }
        let given = list.take().unwrap_or_default();
        let (items, alias) = match statement {
            Statement::Insert(insert) => {
                (insert.returning.as_ref(), insert.table_alias.as_ref().map(|alias| &alias.alias))
            }
            Statement::Update(update) => (update.returning.as_ref(), alias_of(&update.table.relation)),
            Statement::Delete(delete) => {
                let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = &delete.from;
                (delete.returning.as_ref(), tables.first().and_then(|table| alias_of(&table.relation)))
            }
            _ => return Err(Error::internal("RETURNING of what changes nothing")),
        };
        let mut names = std::mem::take(&mut self.level().names);
        let relation = &applied.relation;
        let table = returned_table(relation, alias.map_or(&*relation.name, |alias| alias.value.as_str()), &given);
        match names.tables.first_mut().filter(|_| !matches!(statement, Statement::Insert(_))) {
            Some(target) => {
                *target = table;
                super::modify_source::replace_target_columns(&mut names);
            }
            None => names = Names::of_table(table),
        }
        let bound = self.bind_returning(items, names)?;
        if let Some(list) = returning_of(node) {
            *list = bound;
        }
        Ok(())
    }
}

fn alias_of(factor: &TableFactor) -> Option<&ast::Ident> {
    match factor {
        TableFactor::Table { alias: Some(alias), .. } => Some(&alias.name),
        _ => None,
    }
}

/// What a rule's RETURNING list gives as a row of the rule's relation.
fn returned_table(relation: &Relation, alias: &str, given: &[(Column, Expr)]) -> TableName {
    let columns = relation.live_columns().zip(given).map(|((_, column), (_, expr))| NamedColumn {
        name: column.name.clone(),
        expr: expr.clone(),
        source: None,
    });
    TableName::new(alias, columns.collect(), relation.row_type)
}

/// The RETURNING list of a statement.
fn returning_of(node: &mut Node) -> Option<&mut Option<Vec<(Column, Expr)>>> {
    match node {
        Node::With { body, .. } => returning_of(body),
        Node::Modify(modify) => Some(&mut modify.returning),
        _ => None,
    }
}

/// The channel and payload of an action that is NOTIFY.
pub(crate) fn notification(parsed: &ParsedStatement) -> Option<(String, String)> {
    let Parsed::Utility(utility) = &parsed.statement else { return None };
    match &**utility {
        Utility::Notify(notify) => Some((notify.channel.value.clone(), notify.payload.clone().unwrap_or_default())),
        _ => None,
    }
}
