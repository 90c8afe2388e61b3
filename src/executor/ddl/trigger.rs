//! CREATE TRIGGER, ALTER TRIGGER, and enabling triggers.

use std::sync::Arc;

use dictdb_catalog::trigger::{Event, Firing, Timing};
use dictdb_catalog::{AclKind, Dependency, Key, Object, Privileges, Relation, RelationKind, Routine, Trigger};
use dictdb_parser::Locations;
use dictdb_parser::ast::{Ident, ObjectName};
use dictdb_parser::utility::{CreateTrigger, FiringMode, TriggerEvent, TriggerSelection, TriggerTiming};
use dictdb_planner::table_expr::BoundTableExpr;
use dictdb_planner::trigger_when::{TriggerScope, bind_when};
use dictdb_storage::LockMode;
use dictdb_types::{Error, Oid, Result, SqlState, oids, quote_identifier};

use super::DdlContext;
use super::names::{parts, shown};
use super::ownership::not_owner;

/// Trigger functions of PostgreSQL's own that exist here.
const BUILTINS: [&str; 3] =
    ["suppress_redundant_updates_trigger", "tsvector_update_trigger", "tsvector_update_trigger_column"];

fn wrong_type(message: String) -> Error {
    Error::new(SqlState::WRONG_OBJECT_TYPE, message)
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_OBJECT_DEFINITION, message)
}

impl DdlContext<'_> {
    /// CREATE [OR REPLACE] [CONSTRAINT] TRIGGER.
    pub(super) fn create_trigger(&mut self, create: &CreateTrigger, locations: &Locations) -> Result<()> {
        let relation = self.find_relation(&create.table)?;
        self.lock(relation.oid, LockMode::ShareRowExclusive)?;
        check_relation(create, &relation)?;
        let referenced = match &create.from {
            Some(name) => self.find_relation(name)?.oid,
            None => Oid::INVALID,
        };
        self.check_table_privilege(&relation, Privileges::TRIGGER)?;
        check_kind(create)?;
        let (old_table, new_table) = transition_tables(create, &relation)?;
        let when = self.trigger_condition(create, locations, &relation)?;
        let function = self.trigger_function(&create.function)?;
        let name: Arc<str> = Arc::from(create.name.value.as_str());
        let old = self.view().trigger_named(relation.oid, &name).cloned();
        if let Some(old) = &old {
            check_replacement(old, create, &relation)?;
            let dependent = Key::Trigger(relation.oid, old.oid);
            self.undepend_all(dependent);
        }
        let columns = trigger_columns(create, &relation)?;
        let trigger = Trigger {
            oid: old.map_or_else(|| self.new_oid(), |old| old.oid),
            name,
            relation: relation.oid,
            function: function.0,
            timing: timing(create.timing),
            events: create.events.iter().fold(0, |bits, event| bits | event_of(event).bit()),
            row: create.row,
            firing: Firing::Origin,
            columns,
            args: create.args.iter().map(|arg| Arc::from(arg.as_str())).collect(),
            when: when.as_ref().map(|when| when.text.clone()),
            old_table,
            new_table,
            constraint: if create.constraint { self.new_oid() } else { Oid::INVALID },
            referenced,
            parent: Oid::INVALID,
            deferrable: create.deferrable,
            initially_deferred: create.initially_deferred,
        };
        let (mut columns, functions, types) =
            when.map(|when| (when.columns, when.functions, when.types)).unwrap_or_default();
        columns.extend(&trigger.columns);
        let trigger = self.record_trigger(trigger, &columns, &functions);
        self.depend_on_types(Key::Trigger(trigger.relation, trigger.oid), &types);
        self.touch(&relation);
        if trigger.row && relation.is_partitioned() {
            for child in relation.children.clone() {
                self.clone_trigger(&trigger, &relation, child, create.or_replace)?;
            }
        }
        Ok(())
    }

    /// Puts a trigger into the catalog, with what it depends on.
    pub(super) fn record_trigger(&mut self, trigger: Trigger, columns: &[i16], functions: &[Oid]) -> Arc<Trigger> {
        let relation = trigger.relation;
        let own = Key::Trigger(relation, trigger.oid);
        self.depend(own, Key::Relation(relation), Dependency::Auto);
        if trigger.function >= Oid::FIRST_NORMAL {
            self.depend(own, Key::Function(trigger.function), Dependency::Normal);
        }
        if trigger.referenced.is_valid() {
            self.depend(own, Key::Relation(trigger.referenced), Dependency::Auto);
        }
        for function in functions {
            self.depend(own, Key::Function(*function), Dependency::Normal);
        }
        for attnum in columns {
            self.depend(own, Key::Column(relation, *attnum), Dependency::Normal);
        }
        let trigger = Arc::new(trigger);
        self.put(Object::Trigger(trigger.clone()));
        trigger
    }

    /// WHEN. 42P17.
    fn trigger_condition(
        &mut self,
        create: &CreateTrigger,
        locations: &Locations,
        relation: &Arc<Relation>,
    ) -> Result<Option<BoundTableExpr>> {
        let Some(when) = &create.when else { return Ok(None) };
        let scope = TriggerScope {
            old: !is_for(create, Event::Insert),
            new: !is_for(create, Event::Delete),
            row: create.row,
            before: create.timing == TriggerTiming::Before,
        };
        self.with_binding(|cx| bind_when(&when.expr, locations, relation, scope, cx)).map(Some)
    }

    /// Puts a relation anew, so that plans over it are made anew.
    pub(super) fn touch(&mut self, relation: &Arc<Relation>) {
        self.put_relation(Relation::clone(relation));
    }

    /// The function of a trigger. 42883, 42501, 42P17.
    fn trigger_function(&mut self, name: &ObjectName) -> Result<(Oid, Arc<str>)> {
        self.function_without_arguments(name, oids::TRIGGER, "trigger")
    }

    /// A function without parameters that returns a type of the system's. 42883, 42501, 42P17, 42809.
    pub(super) fn function_without_arguments(
        &mut self,
        name: &ObjectName,
        result: Oid,
        shown_result: &str,
    ) -> Result<(Oid, Arc<str>)> {
        let catalog = self.view();
        let path: Vec<Oid> = match parts(name).as_slice() {
            [.., schema, _] => vec![self.schema_oid(&catalog, &schema.value)?],
            _ => self.search_path.to_vec(),
        };
        let bare = parts(name).last().map(|ident| ident.value.clone()).unwrap_or_default();
        let written = parts(name).iter().map(|ident| quote_identifier(&ident.value)).collect::<Vec<_>>().join(".");
        let found = path.iter().find_map(|namespace| {
            catalog.routines_named(*namespace, &bare).find(|routine| routine.args.is_empty()).cloned()
        });
        if let Some(routine) = found {
            self.check_routine_privilege(&routine, &shown(name))?;
            if routine.result != result {
                let message = format!("function {written} must return type {shown_result}");
                return Err(if result == oids::FDW_HANDLER { wrong_type(message) } else { invalid(message) });
            }
            return Ok((routine.oid, routine.name.clone()));
        }
        let mut builtin = dictdb_functions::facts::procs_named(&bare).filter(|proc| proc.args.is_empty());
        match builtin.find(|proc| path.contains(&proc.namespace)) {
            Some(proc) if proc.result != result => {
                Err(invalid(format!("function {written} must return type {shown_result}")))
            }
            Some(proc) if BUILTINS.contains(&proc.name) => Ok((proc.oid, Arc::from(proc.name))),
            Some(proc) => Err(Error::unsupported(format_args!("the trigger function {}()", proc.name))),
            None => {
                let message = format!("function {}() does not exist", shown(name));
                Err(Error::new(SqlState::UNDEFINED_FUNCTION, message))
            }
        }
    }

    /// 42501 unless the role may execute a routine.
    pub(super) fn check_routine_privilege(&mut self, routine: &Routine, written: &str) -> Result<()> {
        let role = self.role;
        let held = self.view().held_privileges(role, AclKind::Function, routine.owner, routine.acl.as_deref());
        if held.privileges.contains(Privileges::EXECUTE) {
            return Ok(());
        }
        let message = format!("permission denied for function {written}");
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
    }

    /// The trigger that DROP names; the inner error says that there is none, in the words of what is skipped if it is.
    pub(super) fn trigger_key(&mut self, name: &str, table: &ObjectName, skip: bool) -> Result<Result<Key>> {
        let Some(relation) = self.look_up_relation(table)? else {
            let message = format!("relation \"{}\" does not exist", shown(table));
            let missing = self.missing_schema(table);
            return Ok(Err(missing.unwrap_or_else(|| Error::new(SqlState::UNDEFINED_TABLE, message))));
        };
        let catalog = self.view();
        let Some(trigger) = catalog.trigger_named(relation.oid, name) else {
            let noun = if skip { "relation" } else { "table" };
            return Ok(Err(missing_for(name, noun, &relation.name)));
        };
        let key = Key::Trigger(relation.oid, trigger.oid);
        self.check_trigger_owner(&relation)?;
        if let Some(parent) = catalog.trigger(trigger.parent) {
            let above = catalog.relation(parent.relation).map_or("?", |relation| &*relation.name);
            let whole = format!("trigger {} on table {above}", parent.name);
            let message = format!("cannot drop trigger {name} on table {} because {whole} requires it", relation.name);
            let error = Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message);
            return Err(error.hint(format!("You can drop {whole} instead.")));
        }
        self.lock(relation.oid, LockMode::AccessExclusive)?;
        Ok(Ok(key))
    }

    /// 42501 unless the role owns the relation of a trigger.
    fn check_trigger_owner(&mut self, relation: &Relation) -> Result<()> {
        if self.has_privileges_of(relation.owner) {
            return Ok(());
        }
        Err(not_owner("relation", &relation.name))
    }

    /// ALTER TRIGGER … RENAME TO.
    pub(super) fn rename_trigger(&mut self, name: &str, table: &ObjectName, to: &str) -> Result<()> {
        let relation = self.find_relation(table)?;
        if !matches!(relation.kind, RelationKind::Table | RelationKind::View(_)) {
            return Err(wrong_type(format!("relation \"{}\" cannot have triggers", relation.name))
                .detail(format!("This operation is not supported for {}.", plural(&relation))));
        }
        self.check_owner(&relation)?;
        self.lock(relation.oid, LockMode::AccessExclusive)?;
        let catalog = self.view();
        let Some(trigger) = catalog.trigger_named(relation.oid, name) else { return Err(missing(name, &relation)) };
        if catalog.trigger_named(relation.oid, to).is_some() {
            let message = format!("trigger \"{to}\" for relation \"{}\" already exists", relation.name);
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
        }
        if let Some(parent) = catalog.trigger(trigger.parent) {
            let above = catalog.relation(parent.relation).map_or("?", |relation| &*relation.name);
            let message = format!("cannot rename trigger \"{name}\" on table \"{}\"", relation.name);
            let hint = format!("Rename the trigger on the partitioned table \"{above}\" instead.");
            return Err(Error::internal(message).hint(hint));
        }
        for trigger in self.with_clones(trigger) {
            let relation = self.table(trigger.relation)?;
            if self.view().trigger_named(relation.oid, to).is_some() {
                let message = format!("trigger \"{to}\" for relation \"{}\" already exists", relation.name);
                return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
            }
            if trigger.name.as_ref() != name {
                let message = format!("renamed trigger \"{}\" on relation \"{}\"", trigger.name, relation.name);
                self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
            }
            self.put(Object::Trigger(Arc::new(Trigger { name: Arc::from(to), ..Trigger::clone(&trigger) })));
            self.touch(&relation);
        }
        Ok(())
    }

    /// 0A000 for a table whose row triggers see transition tables, when it would become part of a family.
    pub(super) fn refuse_transition_tables(&mut self, relation: &Relation, what: &str, place: &str) -> Result<()> {
        let sees_tables =
            |trigger: &&Arc<Trigger>| trigger.row && (trigger.old_table.is_some() || trigger.new_table.is_some());
        let catalog = self.view();
        let Some(trigger) = catalog.triggers_of(relation.oid).find(sees_tables) else { return Ok(()) };
        let message = format!("trigger \"{}\" prevents table \"{}\" from becoming {what}", trigger.name, relation.name);
        Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
            .detail(format!("ROW triggers with transition tables are not supported {place}.")))
    }

    /// ALTER TABLE … ENABLE or DISABLE TRIGGER. 42704, 42501.
    pub(super) fn set_firing(
        &mut self,
        relation: &Arc<Relation>,
        which: &TriggerSelection,
        mode: FiringMode,
        recurse: bool,
    ) -> Result<()> {
        let firing = firing(mode);
        let catalog = self.view();
        let triggers: Vec<Arc<Trigger>> = match which {
            TriggerSelection::All | TriggerSelection::User => catalog.triggers_of(relation.oid).cloned().collect(),
            TriggerSelection::Name(name) => match catalog.trigger_named(relation.oid, &name.value) {
                Some(trigger) => vec![trigger.clone()],
                None if self.set_key_firing(relation, Some(&name.value), firing, recurse)? => return Ok(()),
                None => return Err(missing(&name.value, relation)),
            },
        };
        if matches!(which, TriggerSelection::All) {
            self.set_key_firing(relation, None, firing, recurse)?;
        }
        let all = match recurse {
            true => triggers.iter().flat_map(|trigger| self.with_clones(trigger)).collect(),
            false => triggers,
        };
        for trigger in all {
            self.put(Object::Trigger(Arc::new(Trigger { firing, ..Trigger::clone(&trigger) })));
            let relation = self.table(trigger.relation)?;
            self.touch(&relation);
        }
        let now = self.table(relation.oid)?;
        self.touch(&now);
        Ok(())
    }

    /// The oid of a trigger that COMMENT names.
    pub(super) fn commented_trigger(&mut self, name: &str, table: &ObjectName) -> Result<Oid> {
        let relation = self.find_relation(table)?;
        let found = self.view().trigger_named(relation.oid, name).map(|trigger| trigger.oid);
        let found = found.ok_or_else(|| missing(name, &relation))?;
        self.check_trigger_owner(&relation)?;
        Ok(found)
    }
}

fn missing(name: &str, relation: &Relation) -> Error {
    missing_for(name, "table", &relation.name)
}

fn missing_for(name: &str, noun: &str, relation: &str) -> Error {
    let message = format!("trigger \"{name}\" for {noun} \"{relation}\" does not exist");
    Error::new(SqlState::UNDEFINED_OBJECT, message)
}

fn event_of(event: &TriggerEvent) -> Event {
    match event {
        TriggerEvent::Insert => Event::Insert,
        TriggerEvent::Update(_) => Event::Update,
        TriggerEvent::Delete => Event::Delete,
        TriggerEvent::Truncate => Event::Truncate,
    }
}

fn is_for(create: &CreateTrigger, event: Event) -> bool {
    create.events.iter().any(|other| event_of(other) == event)
}

fn timing(timing: TriggerTiming) -> Timing {
    match timing {
        TriggerTiming::Before => Timing::Before,
        TriggerTiming::After => Timing::After,
        TriggerTiming::InsteadOf => Timing::InsteadOf,
    }
}

/// The attnums of UPDATE OF. 42703, 42701.
fn trigger_columns(create: &CreateTrigger, relation: &Relation) -> Result<Vec<i16>> {
    let mut columns = Vec::new();
    for name in update_columns(create) {
        let Some((attnum, _)) = relation.column_named(&name.value) else {
            let message = format!("column \"{}\" of relation \"{}\" does not exist", name.value, relation.name);
            return Err(Error::new(SqlState::UNDEFINED_COLUMN, message));
        };
        if columns.contains(&attnum) {
            let message = format!("column \"{}\" specified more than once", name.value);
            return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
        }
        columns.push(attnum);
    }
    Ok(columns)
}

fn update_columns(create: &CreateTrigger) -> impl Iterator<Item = &Ident> {
    create.events.iter().flat_map(|event| match event {
        TriggerEvent::Update(columns) => columns.as_slice(),
        _ => &[],
    })
}

/// What a kind of relation is called where it is about all of them.
pub(super) fn plural(relation: &Relation) -> &'static str {
    match relation.kind {
        RelationKind::Table if relation.foreign.is_some() => "foreign tables",
        RelationKind::Table | RelationKind::Virtual => "tables",
        RelationKind::View(_) => "views",
        RelationKind::MaterializedView(_) => "materialized views",
        RelationKind::Index(_) => "indexes",
        RelationKind::Sequence(_) => "sequences",
        RelationKind::Composite => "composite types",
    }
}

/// What kinds of triggers a kind of relation can have. 42809, 42501.
fn check_relation(create: &CreateTrigger, relation: &Relation) -> Result<()> {
    let name = &relation.name;
    let instead = create.timing == TriggerTiming::InsteadOf;
    let refuse = |noun: &str, detail: &str| Err(wrong_type(format!("\"{name}\" is a {noun}")).detail(detail));
    match relation.kind {
        _ if relation.is_system_table() => {
            let message = format!("permission denied: \"{name}\" is a system catalog");
            Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
        }
        RelationKind::Table if relation.foreign.is_some() && instead => {
            refuse("foreign table", "Foreign tables cannot have INSTEAD OF triggers.")
        }
        RelationKind::Table if relation.foreign.is_some() && create.constraint => {
            refuse("foreign table", "Foreign tables cannot have constraint triggers.")
        }
        RelationKind::Table if instead => refuse("table", "Tables cannot have INSTEAD OF triggers."),
        RelationKind::View(_) if !instead && create.row => {
            refuse("view", "Views cannot have row-level BEFORE or AFTER triggers.")
        }
        RelationKind::View(_) if is_for(create, Event::Truncate) => {
            refuse("view", "Views cannot have TRUNCATE triggers.")
        }
        RelationKind::Table | RelationKind::View(_) => Ok(()),
        RelationKind::Index(_) => Err(wrong_type(format!("\"{name}\" is an index"))),
        RelationKind::Composite => Err(wrong_type(format!("\"{name}\" is a composite type"))),
        _ => Err(wrong_type(format!("relation \"{name}\" cannot have triggers"))
            .detail(format!("This operation is not supported for {}.", plural(relation)))),
    }
}

/// What does not go together. 0A000.
fn check_kind(create: &CreateTrigger) -> Result<()> {
    let unsupported = |message: &str| Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message.to_owned()));
    if create.row && is_for(create, Event::Truncate) {
        return unsupported("TRUNCATE FOR EACH ROW triggers are not supported");
    }
    if create.timing != TriggerTiming::InsteadOf {
        return Ok(());
    }
    if !create.row {
        return unsupported("INSTEAD OF triggers must be FOR EACH ROW");
    }
    if create.when.is_some() {
        return unsupported("INSTEAD OF triggers cannot have WHEN conditions");
    }
    if update_columns(create).next().is_some() {
        return unsupported("INSTEAD OF triggers cannot have column lists");
    }
    Ok(())
}

/// The names of the transition tables.
#[derive(Default)]
struct TransitionNames {
    old: Option<Arc<str>>,
    new: Option<Arc<str>>,
}

/// Names of the transition tables: old, new. 42P17, 42809, 0A000.
fn transition_tables(create: &CreateTrigger, relation: &Relation) -> Result<(Option<Arc<str>>, Option<Arc<str>>)> {
    let mut names = TransitionNames::default();
    for (is_new, table, name) in &create.transitions {
        check_transition(create, relation, *table)?;
        let (slot, word) = if *is_new { (&mut names.new, "NEW") } else { (&mut names.old, "OLD") };
        let (other, events) =
            if *is_new { (Event::Insert, "an INSERT or UPDATE") } else { (Event::Delete, "a DELETE or UPDATE") };
        if !is_for(create, other) && !is_for(create, Event::Update) {
            return Err(invalid(format!("{word} TABLE can only be specified for {events} trigger")));
        }
        if slot.is_some() {
            return Err(invalid(format!("{word} TABLE cannot be specified multiple times")));
        }
        *slot = Some(Arc::from(name.value.as_str()));
    }
    if names.old.is_some() && names.old == names.new {
        return Err(invalid("OLD TABLE name and NEW TABLE name cannot be the same"));
    }
    Ok((names.old, names.new))
}

/// Whether a trigger can have transition tables.
fn check_transition(create: &CreateTrigger, relation: &Relation, table: bool) -> Result<()> {
    let unsupported = |message: &str| Error::new(SqlState::FEATURE_NOT_SUPPORTED, message.to_owned());
    if !table {
        return Err(unsupported("ROW variable naming in the REFERENCING clause is not supported")
            .hint("Use OLD TABLE or NEW TABLE for naming transition tables."));
    }
    if relation.foreign.is_some() {
        return Err(wrong_type(format!("\"{}\" is a foreign table", relation.name))
            .detail("Triggers on foreign tables cannot have transition tables."));
    }
    if matches!(relation.kind, RelationKind::View(_)) {
        return Err(wrong_type(format!("\"{}\" is a view", relation.name))
            .detail("Triggers on views cannot have transition tables."));
    }
    if create.row {
        refuse_row_transition(relation)?;
    }
    if create.timing != TriggerTiming::After {
        return Err(invalid("transition table name can only be specified for an AFTER trigger"));
    }
    if is_for(create, Event::Truncate) {
        return Err(unsupported("TRUNCATE triggers with transition tables are not supported"));
    }
    if create.events.len() > 1 {
        return Err(unsupported("transition tables cannot be specified for triggers with more than one event"));
    }
    if update_columns(create).next().is_some() {
        return Err(unsupported("transition tables cannot be specified for triggers with column lists"));
    }
    Ok(())
}

/// Row triggers see the rows of one table, transition tables those of the statement.
fn refuse_row_transition(relation: &Relation) -> Result<()> {
    if relation.is_partitioned() {
        let message = format!("\"{}\" is a partitioned table", relation.name);
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
            .detail("ROW triggers with transition tables are not supported on partitioned tables."));
    }
    let what = match (relation.is_partition(), relation.parents.is_empty()) {
        (true, _) => "partitions",
        (false, false) => "inheritance children",
        (false, true) => return Ok(()),
    };
    let message = format!("ROW triggers with transition tables are not supported on {what}");
    Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
}

/// 42710 unless OR REPLACE may replace it.
fn check_replacement(old: &Trigger, create: &CreateTrigger, relation: &Relation) -> Result<()> {
    let duplicate = |message: String| Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
    if !create.or_replace {
        return duplicate(format!("trigger \"{}\" for relation \"{}\" already exists", old.name, relation.name));
    }
    if old.parent.is_valid() {
        let message =
            format!("trigger \"{}\" for relation \"{}\" is an internal or a child trigger", old.name, relation.name);
        return duplicate(message);
    }
    if old.constraint.is_valid() {
        return duplicate(format!(
            "trigger \"{}\" for relation \"{}\" is a constraint trigger",
            old.name, relation.name
        ));
    }
    Ok(())
}

/// When a trigger, event trigger or rule fires that is enabled or disabled so.
pub(super) fn firing(mode: FiringMode) -> Firing {
    match mode {
        FiringMode::Enable => Firing::Origin,
        FiringMode::EnableAlways => Firing::Always,
        FiringMode::EnableReplica => Firing::Replica,
        FiringMode::Disable => Firing::Disabled,
    }
}
