//! What depends on what: the objects a DROP takes along, in the order PostgreSQL reports them.
//!
//! Recorded dependencies are in the catalog; that a constraint is part of its columns follows from its structure. Objects
//! are met as PostgreSQL's `findDependentObjects` meets them: depth first, newer dependents before older ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dictdb_catalog::{Catalog, ConstraintKind, Dependency, IndexTarget, Key};
use dictdb_parser::utility::Behavior;
use dictdb_types::{Error, Oid, Result, Severity, SqlState};

use super::DdlContext;

/// Lines of DETAIL a message lists before it only counts the rest.
const MAX_REPORTED: usize = 100;

/// What a DROP takes with it.
pub(super) struct Doomed {
    /// Every object with what it was met through, dependents before what they depend on.
    order: Vec<(Key, Key)>,
    /// Whether an object goes silently because it is a part of another one. All that were met are here.
    silent: BTreeMap<Key, bool>,
    /// Those that depend on another one that goes without being a part of it, whatever else they are.
    normal: BTreeSet<Key>,
    visited: BTreeSet<Key>,
}

impl Doomed {
    /// Everything that goes when some objects go.
    pub fn of(named: &[Key], catalog: &Catalog) -> Self {
        let mut doomed =
            Doomed { order: Vec::new(), silent: BTreeMap::new(), normal: BTreeSet::new(), visited: BTreeSet::new() };
        for key in named {
            doomed.silent.insert(*key, true);
        }
        for key in named {
            doomed.visit(*key, *key, catalog);
        }
        doomed
    }

    /// The objects, dependents before what they depend on.
    pub fn dependents_first(&self) -> impl Iterator<Item = Key> + '_ {
        self.order.iter().map(|(key, _)| *key)
    }

    /// Newer objects are met first; what an object is reported to depend on is what it was met through.
    fn visit(&mut self, key: Key, through: Key, catalog: &Catalog) {
        if !self.visited.insert(key) {
            return;
        }
        for (dependent, kind) in dependents(key, catalog).into_iter().rev() {
            let dependent = constraint_of(dependent, catalog)
                .filter(|constraint| *constraint != key && !self.visited.contains(constraint))
                .filter(|constraint| !is_part_of_doomed(*constraint, &self.visited))
                .or_else(|| divided_by(dependent, catalog))
                .unwrap_or(dependent);
            let silent = kind != Dependency::Normal;
            if !silent || is_check(dependent, catalog) {
                self.normal.insert(dependent);
            }
            match self.silent.get_mut(&dependent) {
                Some(known) => *known |= silent,
                None => {
                    self.silent.insert(dependent, silent);
                }
            }
            // A part of a table that goes anyway is no object of its own.
            if !is_part_of_doomed(dependent, &self.visited) {
                self.visit(dependent, key, catalog);
            }
        }
        self.order.push((key, through));
    }

    /// The objects that need CASCADE, with what each depends on, the oldest first.
    fn reported(&self) -> impl Iterator<Item = (Key, Key)> + '_ {
        let reported =
            |key: Key| !self.silent.get(&key).copied().unwrap_or(true) && !is_part_of_doomed(key, &self.visited);
        self.order.iter().rev().copied().filter(move |(key, _)| reported(*key))
    }
}

/// Whether it is a CHECK constraint: its expression needs the columns that it belongs to.
fn is_check(key: Key, catalog: &Catalog) -> bool {
    let Key::Constraint(table, oid) = key else { return false };
    let found = catalog.relation(table).and_then(|table| table.constraints.iter().find(|own| own.oid == oid));
    found.is_some_and(|own| matches!(own.kind, ConstraintKind::Check { .. }))
}

/// The constraint that an index keeps: the one does not go without the other.
fn constraint_of(index: Key, catalog: &Catalog) -> Option<Key> {
    let is_constraint =
        |(on, kind): &(Key, Dependency)| *kind == Dependency::Internal && matches!(on, Key::Constraint(..));
    matches!(index, Key::Relation(_))
        .then(|| catalog.dependencies_of(index).find(is_constraint))
        .flatten()
        .map(|(on, _)| on)
}

/// The partitioned table whose key has a column: without it the rows have no place.
fn divided_by(column: Key, catalog: &Catalog) -> Option<Key> {
    let Key::Column(table, attnum) = column else { return None };
    let relation = catalog.relation(table)?;
    let key = relation.partition_key.as_ref()?;
    let name = &relation.column(attnum)?.name;
    let has = |target: &IndexTarget| match target {
        IndexTarget::Column(own) => *own == attnum,
        IndexTarget::Expression(text) => dictdb_planner::table_expr::mentions(text, name),
    };
    key.columns.iter().any(|own| has(&own.target)).then_some(Key::Relation(table))
}

/// Whether something is a part of a table that goes.
fn is_part_of_doomed(key: Key, visited: &BTreeSet<Key>) -> bool {
    let (Key::Constraint(table, _) | Key::Column(table, _) | Key::Default(table, _)) = key else { return false };
    visited.contains(&Key::Relation(table))
}

/// What depends directly on an object, ascending by oid.
pub(super) fn dependents(key: Key, catalog: &Catalog) -> Vec<(Key, Dependency)> {
    let mut found: Vec<(Key, Dependency)> = catalog.dependents_of(key).collect();
    match key {
        Key::Relation(oid) => {
            if let Some(relation) = catalog.relation(oid) {
                for attnum in 1..=relation.columns.len() {
                    found.extend(catalog.dependents_of(Key::Column(oid, attnum as i16)));
                }
                for constraint in &relation.constraints {
                    found.extend(catalog.dependents_of(Key::Constraint(oid, constraint.oid)));
                }
                let tables = relation.children.iter().filter(|_| relation.index().is_none());
                found.extend(tables.map(|child| {
                    let partition = catalog.relation(*child).is_some_and(|child| child.is_partition());
                    (Key::Relation(*child), if partition { Dependency::Auto } else { Dependency::Normal })
                }));
            }
            found.retain(|(dependent, _)| !is_part_of(*dependent, oid));
        }
        Key::Column(oid, attnum) => {
            if let Some(relation) = catalog.relation(oid) {
                if relation.column(attnum).is_some_and(|column| column.default.is_some()) {
                    found.push((Key::Default(oid, attnum), Dependency::Auto));
                }
                let of_column = relation.constraints.iter().filter(|constraint| match &constraint.kind {
                    ConstraintKind::Check { columns, .. }
                    | ConstraintKind::Primary { columns, .. }
                    | ConstraintKind::Unique { columns, .. }
                    | ConstraintKind::Exclude { columns, .. } => columns.contains(&attnum),
                    ConstraintKind::Foreign(foreign) => foreign.columns.contains(&attnum),
                });
                found.extend(of_column.map(|constraint| (Key::Constraint(oid, constraint.oid), Dependency::Auto)));
            }
        }
        _ => {}
    }
    found.sort_by_key(|(dependent, _)| order_of(*dependent));
    found.dedup_by_key(|(dependent, _)| *dependent);
    found
}

fn is_part_of(key: Key, table: Oid) -> bool {
    matches!(key, Key::Constraint(owner, _) | Key::Column(owner, _) | Key::Default(owner, _) if owner == table)
}

fn order_of(key: Key) -> (Oid, i16) {
    match key {
        // The last columns of a table come first.
        Key::Column(oid, attnum) | Key::Default(oid, attnum) => (oid, -attnum),
        Key::Constraint(_, oid)
        | Key::Trigger(_, oid)
        | Key::Policy(_, oid)
        | Key::Rule(_, oid)
        | Key::Published(_, oid) => (oid, 0),
        Key::Schema(oid)
        | Key::Relation(oid)
        | Key::Type(oid)
        | Key::Function(oid)
        | Key::Extension(oid)
        | Key::Operator(oid)
        | Key::Cast(oid)
        | Key::OperatorClass(oid)
        | Key::OperatorFamily(oid)
        | Key::Definition(_, oid)
        | Key::Role(oid) => (oid, 0),
    }
}

/// Whether what something depends on so is what it is a part of.
fn is_whole(kind: Dependency) -> bool {
    matches!(kind, Dependency::Internal | Dependency::Extension)
}

impl DdlContext<'_> {
    /// Records what an expression calls: operators, and functions that are called by name.
    pub(super) fn depend_on_calls(&mut self, own: Key, functions: &[Oid], operators: &[(Oid, Oid)]) {
        for (operator, _) in operators {
            self.depend(own, Key::Operator(*operator), Dependency::Normal);
        }
        for function in functions.iter().filter(|oid| operators.iter().all(|(_, of_operator)| of_operator != *oid)) {
            self.depend(own, Key::Function(*function), Dependency::Normal);
        }
    }

    /// Records the types that an expression casts to.
    pub(super) fn depend_on_types<'t>(&mut self, own: Key, types: impl IntoIterator<Item = &'t Oid>) {
        for ty in types {
            self.depend(own, Key::Type(*ty), Dependency::Normal);
        }
    }

    /// Records the fields of composite types that an expression selects.
    pub(super) fn depend_on_fields(&mut self, own: Key, fields: &[(Oid, i16)]) {
        for (relation, attnum) in fields {
            self.depend(own, Key::Column(*relation, *attnum), Dependency::Normal);
        }
    }

    /// What goes with some objects; without CASCADE, 2BP01 if anything else depends on them. Reports what cascades.
    pub(super) fn doom(&mut self, named: &[Key], behavior: Behavior) -> Result<Doomed> {
        let catalog = self.view();
        for key in named {
            self.refuse_required(*key, named, &catalog)?;
        }
        let doomed = Doomed::of(named, &catalog);
        let reported: Vec<(Key, Key)> = doomed.reported().collect();
        if reported.is_empty() || behavior == Behavior::Cascade {
            let is_named = |key: Key| named.contains(&key);
            let row = |key: Key| (key, is_named(key), doomed.normal.contains(&key) && !is_named(key));
            self.collect_dropped(doomed.dependents_first().map(row));
        }
        if reported.is_empty() {
            return Ok(doomed);
        }
        if behavior == Behavior::Restrict {
            return Err(self.restricted(named, &reported, &catalog));
        }
        let lines: Vec<String> =
            reported.iter().map(|(key, _)| format!("drop cascades to {}", self.describe(*key, &catalog))).collect();
        match lines.as_slice() {
            [single] => self.notice(SqlState::SUCCESSFUL_COMPLETION, single.clone()),
            several => {
                let message = format!("drop cascades to {} other objects", several.len());
                let notice = Error::with_severity(Severity::Notice, SqlState::SUCCESSFUL_COMPLETION, message);
                self.notices.push(notice.detail(listed(several)));
            }
        }
        Ok(doomed)
    }

    /// 2BP01 for an object that is a part of another one: the whole is to be dropped.
    fn refuse_required(&mut self, key: Key, named: &[Key], catalog: &Arc<Catalog>) -> Result<()> {
        let whole = catalog.dependencies_of(key).find(|(on, kind)| is_whole(*kind) && !named.contains(on));
        let Some((whole, _)) = whole else { return Ok(()) };
        let (part, whole) = (self.describe(key, catalog), self.describe(whole, catalog));
        Err(Error::new(
            SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
            format!("cannot drop {part} because {whole} requires it"),
        )
        .hint(format!("You can drop {whole} instead.")))
    }

    fn restricted(&self, named: &[Key], reported: &[(Key, Key)], catalog: &Arc<Catalog>) -> Error {
        let subject = match named {
            [single] => {
                format!("cannot drop {} because other objects depend on it", self.describe(*single, catalog))
            }
            _ => "cannot drop desired object(s) because other objects depend on them".to_owned(),
        };
        let line = |(key, on): &(Key, Key)| {
            format!("{} depends on {}", self.describe(*key, catalog), self.describe(*on, catalog))
        };
        Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, subject)
            .detail(listed(&reported.iter().map(line).collect::<Vec<_>>()))
            .hint("Use DROP ... CASCADE to drop the dependent objects too.")
    }
}

fn listed(lines: &[String]) -> String {
    let mut text = lines.iter().take(MAX_REPORTED).cloned().collect::<Vec<_>>().join("\n");
    if lines.len() > MAX_REPORTED {
        text.push_str(&format!("\nand {} other objects (see server log for list)", lines.len() - MAX_REPORTED));
    }
    text
}
