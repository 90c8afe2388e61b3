//! Rules (`pg_rewrite`) that say what is done also, or instead, when a table or view is changed. The rule `_RETURN` that
//! makes a relation a view is not among them: that is [`crate::ViewInfo`].

use std::sync::Arc;

use dictdb_types::Oid;

use crate::trigger::{Event, Firing};
use crate::{Catalog, Relation};

/// A row of `pg_rewrite`. The relation has its rules in the order of their names, which is the order they are applied in.
#[derive(Clone, Debug)]
pub struct Rule {
    /// `oid`.
    pub oid: Oid,
    /// `rulename`.
    pub name: Arc<str>,
    /// `ev_type`: INSERT, UPDATE or DELETE.
    pub event: Event,
    /// `ev_enabled`.
    pub firing: Firing,
    /// `is_instead`.
    pub instead: bool,
    /// `ev_qual`: canonical text over the rows `old` and `new`.
    pub condition: Option<Arc<str>>,
    /// `ev_action`; none at all is `NOTHING`.
    pub actions: Vec<RuleAction>,
}

/// A statement of a rule.
#[derive(Clone, Debug)]
pub struct RuleAction {
    /// Canonical text over the rows `old` and `new`.
    pub text: Arc<str>,
    /// It, or the rule's condition, refers to the row that is changed: to `old`, or to `new` of an UPDATE.
    pub uses_row: bool,
    /// It has a RETURNING list.
    pub returning: bool,
}

impl Rule {
    /// `ev_type`: `2` is UPDATE, `3` INSERT, `4` DELETE.
    pub const fn event_letter(&self) -> char {
        match self.event {
            Event::Update => '2',
            Event::Insert => '3',
            Event::Delete | Event::Truncate => '4',
        }
    }

    /// Whether the statement itself is never run.
    pub const fn replaces(&self) -> bool {
        self.instead && self.condition.is_none()
    }
}

impl Relation {
    /// The rule of this name.
    pub fn rule_named(&self, name: &str) -> Option<&Arc<Rule>> {
        self.rules.iter().find(|rule| *rule.name == *name)
    }

    /// The rules for an event that are in force in an ordinary session, or in one of a replica.
    pub fn rules_for(&self, event: Event, replica: bool) -> impl Iterator<Item = &Arc<Rule>> {
        self.rules.iter().filter(move |rule| rule.event == event && rule.firing.fires(replica))
    }
}

impl Catalog {
    /// The rule with this oid, and its relation.
    pub fn rule(&self, oid: Oid) -> Option<(&Arc<Relation>, &Arc<Rule>)> {
        self.relations().find_map(|relation| Some((relation, relation.rules.iter().find(|rule| rule.oid == oid)?)))
    }
}
