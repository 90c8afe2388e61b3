//! What a statement does to which objects, for event triggers. Nothing is collected while a database has none.

use std::sync::Arc;

use dictdb_catalog::{Catalog, DefinitionKind, Key, Object, Persistence, Relation, RelationKind};
use dictdb_functions::facts::ProcKind;
use dictdb_parser::ast::{Ident, ObjectName};
use dictdb_parser::utility::{
    ConstraintKind, CreateTable, GrantTarget, ObjectKind, ObjectRef, Rename, TableElement, Utility,
};
use dictdb_types::{Oid, Result, TypeInfo, TypeKind};

use super::DdlContext;

/// An object as `pg_depend` names it: system catalog, oid, column.
pub type Address = (Oid, Oid, i32);

/// What a statement has done so far.
#[derive(Default)]
pub struct Collected {
    /// What it has done to objects, in order.
    pub commands: Vec<CollectedCommand>,
    /// What it has dropped, in order.
    pub dropped: Vec<DroppedObject>,
}

/// A row of `pg_event_trigger_ddl_commands()`.
#[derive(Clone, Debug)]
pub struct CollectedCommand {
    /// The command; `None` is the statement's own.
    pub tag: Option<&'static str>,
    /// The object; GRANT and ALTER DEFAULT PRIVILEGES name none.
    pub object: Option<Address>,
    /// The kind of objects that privileges are about.
    pub kind: Option<ObjectKind>,
}

/// A row of `pg_event_trigger_dropped_objects()`.
#[derive(Clone)]
pub struct DroppedObject {
    /// The object.
    pub key: Key,
    /// The statement named it.
    pub original: bool,
    /// It went because what it needs went.
    pub normal: bool,
    /// The catalog that still has it.
    pub catalog: Arc<Catalog>,
}

/// The command that makes an object of its own.
fn creation(object: &Object) -> Option<(&'static str, Key)> {
    let user = |oid: Oid| oid >= Oid::FIRST_NORMAL;
    Some(match object {
        Object::Schema(schema) => ("CREATE SCHEMA", Key::Schema(schema.oid)),
        Object::Relation(relation) => match relation.kind {
            RelationKind::Table if relation.foreign.is_some() => ("CREATE FOREIGN TABLE", Key::Relation(relation.oid)),
            RelationKind::Table => ("CREATE TABLE", Key::Relation(relation.oid)),
            RelationKind::Index(_) => ("CREATE INDEX", Key::Relation(relation.oid)),
            RelationKind::Sequence(_) => ("CREATE SEQUENCE", Key::Relation(relation.oid)),
            RelationKind::View(_) => ("CREATE VIEW", Key::Relation(relation.oid)),
            RelationKind::MaterializedView(_) => ("CREATE MATERIALIZED VIEW", Key::Relation(relation.oid)),
            RelationKind::Composite => ("CREATE TYPE", Key::Type(relation.row_type)),
            RelationKind::Virtual => return None,
        },
        Object::Type(info) if is_own_type(info) => match info.kind {
            TypeKind::Domain(_) => ("CREATE DOMAIN", Key::Type(info.oid)),
            _ => ("CREATE TYPE", Key::Type(info.oid)),
        },
        Object::Routine(routine) if user(routine.oid) => match routine.kind {
            ProcKind::Procedure => ("CREATE PROCEDURE", Key::Function(routine.oid)),
            ProcKind::Aggregate => ("CREATE AGGREGATE", Key::Function(routine.oid)),
            _ => ("CREATE FUNCTION", Key::Function(routine.oid)),
        },
        Object::Trigger(trigger) if !trigger.parent.is_valid() => {
            ("CREATE TRIGGER", Key::Trigger(trigger.relation, trigger.oid))
        }
        Object::Extension(own) => ("CREATE EXTENSION", Key::Extension(own.oid)),
        Object::Operator(own) => ("CREATE OPERATOR", Key::Operator(own.oid)),
        Object::Cast(own) => ("CREATE CAST", Key::Cast(own.oid)),
        Object::OperatorClass(own) => ("CREATE OPERATOR CLASS", Key::OperatorClass(own.class.oid)),
        Object::OperatorFamily(own) => ("CREATE OPERATOR FAMILY", Key::OperatorFamily(own.oid)),
        Object::Definition(own) => (definition_creation(own.kind()), own.key()),
        _ => return None,
    })
}

/// Row types, arrays and multiranges come with something else.
fn is_own_type(info: &TypeInfo) -> bool {
    let comes_along = info.relation.is_valid() || info.is_array() && info.element.is_valid();
    !(comes_along || matches!(info.kind, TypeKind::Multirange(_)))
}

fn definition_creation(kind: DefinitionKind) -> &'static str {
    match kind {
        DefinitionKind::Statistics => "CREATE STATISTICS",
        DefinitionKind::Dictionary => "CREATE TEXT SEARCH DICTIONARY",
        DefinitionKind::Configuration => "CREATE TEXT SEARCH CONFIGURATION",
        DefinitionKind::Template => "CREATE TEXT SEARCH TEMPLATE",
        DefinitionKind::Parser => "CREATE TEXT SEARCH PARSER",
        DefinitionKind::Publication => "CREATE PUBLICATION",
        DefinitionKind::EventTrigger => "CREATE EVENT TRIGGER",
        DefinitionKind::Wrapper => "CREATE FOREIGN DATA WRAPPER",
        DefinitionKind::Server => "CREATE SERVER",
        DefinitionKind::UserMapping => "CREATE USER MAPPING",
        DefinitionKind::Subscription => "CREATE SUBSCRIPTION",
        DefinitionKind::Conversion => "CREATE CONVERSION",
        DefinitionKind::Collation => "CREATE COLLATION",
        DefinitionKind::Tablespace => "CREATE TABLESPACE",
        DefinitionKind::AccessMethod => "CREATE ACCESS METHOD",
        DefinitionKind::Language => "CREATE LANGUAGE",
    }
}

/// Whether CREATE TABLE adds its foreign keys by an ALTER TABLE of its own, as PostgreSQL's does.
fn has_foreign_keys(create: &CreateTable) -> bool {
    create.elements.iter().any(|element| match element {
        TableElement::Column(column) => {
            column.constraints.iter().any(|constraint| matches!(constraint.kind, ConstraintKind::ForeignKey(_)))
        }
        TableElement::Constraint(constraint) => matches!(constraint.kind, ConstraintKind::ForeignKey(_)),
        TableElement::Like(_) => false,
    })
}

impl DdlContext<'_> {
    /// Notes that an object is made.
    pub(super) fn collect_made(&mut self, object: &Object) {
        let Some((tag, key)) = self.collected.is_some().then(|| creation(object)).flatten() else { return };
        let Some(address) = key.address() else { return };
        let is_new = match object {
            Object::Relation(relation) => self.view().relation(relation.oid).is_none(),
            Object::Routine(routine) => self.view().routine(routine.oid).is_none(),
            Object::Trigger(trigger) => self.view().trigger(trigger.oid).is_none(),
            Object::Type(info) => self.view().user_types().all(|own| own.oid != info.oid),
            Object::Schema(schema) => self.view().schema(schema.oid).is_none(),
            Object::Extension(own) => self.view().extension(own.oid).is_none(),
            Object::Operator(own) => self.view().operator(own.oid).is_none(),
            Object::Definition(own) => self.view().definition(own.oid).is_none(),
            Object::OperatorFamily(own) => self.view().operator_family(own.oid).is_none(),
            Object::OperatorClass(own) => self.view().any_opclass(own.class.oid).is_none(),
            Object::Cast(own) => self.view().cast(own.source, own.target).is_none(),
            _ => false,
        };
        if let Some(collected) = self.collected.as_mut().filter(|_| is_new) {
            collected.commands.push(CollectedCommand { tag: Some(tag), object: Some(address), kind: None });
        }
    }

    /// Notes what a DROP takes along.
    pub(super) fn collect_dropped(&mut self, dropped: impl Iterator<Item = (Key, bool, bool)>) {
        let catalog = self.view();
        if let Some(collected) = &mut self.collected {
            let rows = dropped.map(|(key, original, normal)| DroppedObject {
                key,
                original,
                normal,
                catalog: catalog.clone(),
            });
            collected.dropped.extend(rows);
        }
    }

    /// Runs a statement and puts what it was about among what it did.
    pub(super) fn collecting<T>(&mut self, statement: &Utility, run: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let Some(before) = self.collected.as_ref().map(|collected| collected.commands.len()) else { return run(self) };
        let notices = self.notices.len();
        let subject = self.altered(statement);
        self.notices.truncate(notices);
        let done = run(self)?;
        let notices = self.notices.len();
        let subject = subject.or_else(|| self.replaced(statement, before));
        self.notices.truncate(notices);
        let privileges = match statement {
            Utility::Grant(grant) => match &grant.target {
                GrantTarget::Objects(kind, _) | GrantTarget::AllInSchema(kind, _) => Some(*kind),
                GrantTarget::Parameters(_) => None,
            },
            Utility::AlterDefaultPrivileges(alter) => Some(alter.kind),
            _ => None,
        };
        let owned = self.settle_order(statement, before);
        let Some(collected) = &mut self.collected else { return Ok(done) };
        if subject.is_some() && matches!(statement, Utility::CreateView(_)) {
            // The columns of a view that is replaced are altered first, which counts.
            collected.commands.push(CollectedCommand { tag: None, object: subject, kind: None });
        }
        if subject.is_some() || privileges.is_some() {
            collected.commands.push(CollectedCommand { tag: None, object: subject, kind: privileges });
        }
        collected.commands.extend(owned);
        Ok(done)
    }

    /// Sequences of columns are made before their tables, and tied to them afterwards.
    fn settle_order(&mut self, statement: &Utility, before: usize) -> Vec<CollectedCommand> {
        let is_table = matches!(statement, Utility::CreateTable(_) | Utility::AlterTable(_));
        let Some(collected) = self.collected.as_mut().filter(|_| is_table) else { return Vec::new() };
        let made = &mut collected.commands[before..];
        made.sort_by_key(|command| command.tag != Some("CREATE SEQUENCE"));
        let sequences = made.iter().filter(|command| command.tag == Some("CREATE SEQUENCE"));
        let sequences = sequences.map(|made| CollectedCommand { tag: Some("ALTER SEQUENCE"), ..made.clone() });
        let sequences: Vec<CollectedCommand> = sequences.collect();
        let mut after = Vec::new();
        match statement {
            Utility::CreateTable(create) if has_foreign_keys(create) => {
                let table = made.iter().find(|command| command.tag == Some("CREATE TABLE"));
                after.extend(table.map(|table| CollectedCommand { tag: Some("ALTER TABLE"), ..table.clone() }));
            }
            // What ALTER TABLE adds as constraints is a part of it.
            Utility::AlterTable(_) => collected.commands.retain(|command| command.tag != Some("CREATE INDEX")),
            _ => {}
        }
        after.extend(sequences);
        after
    }

    /// What a statement that alters something names; looked at before it runs.
    fn altered(&mut self, statement: &Utility) -> Option<Address> {
        let named = |cx: &mut Self, name: &ObjectName| cx.look_up_relation(name).ok().flatten();
        let one = |name: &Ident| ObjectName::from(vec![name.clone()]);
        let relation = |relation: Arc<Relation>| Key::Relation(relation.oid).address();
        match statement {
            Utility::AlterTable(alter) => named(self, &alter.table.name).and_then(relation),
            Utility::AlterSequence(alter) => named(self, &alter.name).and_then(relation),
            Utility::RefreshMaterializedView(refresh) => named(self, &refresh.name).and_then(relation),
            Utility::AlterEnum(alter) => self.type_address(&alter.name),
            Utility::AlterType(alter) => self.type_address(&alter.name),
            Utility::AlterDomain(alter) => self.type_address(&alter.name),
            Utility::AlterFunction(alter) => self.subject(alter.kind, &ObjectRef::Function(alter.function.clone())),
            Utility::AlterOperator(alter) => {
                self.subject(ObjectKind::Operator, &ObjectRef::Operator(alter.operator.clone()))
            }
            Utility::AlterOperatorFamily(alter) => {
                self.subject(ObjectKind::OperatorFamily, &ObjectRef::Using(alter.name.clone(), alter.method.clone()))
            }
            Utility::AlterPolicy(alter) => {
                self.subject(ObjectKind::Policy, &ObjectRef::On(alter.name.clone(), alter.table.clone()))
            }
            Utility::AlterStatistics(alter) => self.named(ObjectKind::Statistics, alter.name.clone()),
            Utility::AlterDictionary(alter) => self.named(ObjectKind::TextSearchDictionary, alter.name.clone()),
            Utility::AlterConfiguration(alter) => self.named(ObjectKind::TextSearchConfiguration, alter.name.clone()),
            Utility::AlterPublication(alter) => self.named(ObjectKind::Publication, one(&alter.name)),
            Utility::AlterWrapper(alter) => self.named(ObjectKind::ForeignDataWrapper, one(&alter.name)),
            Utility::AlterServer(alter) => self.named(ObjectKind::Server, one(&alter.name)),
            Utility::Rename(rename) => self.renamed(rename),
            Utility::SetSchema(set) => self.subject(set.kind, &set.object),
            Utility::SetOwner(set) => self.subject(set.kind, &set.object),
            _ => None,
        }
    }

    fn named(&mut self, kind: ObjectKind, name: ObjectName) -> Option<Address> {
        self.subject(kind, &ObjectRef::Name(name))
    }

    fn type_address(&mut self, name: &ObjectName) -> Option<Address> {
        self.find_type(name).ok().and_then(|info| Key::Type(info.oid).address())
    }

    fn subject(&mut self, kind: ObjectKind, object: &ObjectRef) -> Option<Address> {
        if let ObjectRef::Name(name) = object
            && let Some(relation) = is_relation(kind).then(|| self.look_up_relation(name).ok().flatten()).flatten()
        {
            return Key::Relation(relation.oid).address();
        }
        self.object_key(kind, "", object, true).ok()?.ok()?.address()
    }

    fn renamed(&mut self, rename: &Rename) -> Option<Address> {
        let (Some(part), ObjectRef::Name(name)) = (&rename.part, &rename.object) else {
            return self.subject(rename.kind, &rename.object);
        };
        let relation = self.look_up_relation(name).ok().flatten()?;
        match rename.kind {
            ObjectKind::Column | ObjectKind::Attribute => {
                let (attnum, _) = relation.column_named(&part.value)?;
                Key::Column(relation.oid, attnum).address()
            }
            _ => {
                let found = relation.constraints.iter().find(|constraint| *constraint.name == *part.value)?;
                Key::Constraint(relation.oid, found.oid).address()
            }
        }
    }

    /// What a statement that has run was about, if it has made nothing new: it replaced something, or commented on it.
    fn replaced(&mut self, statement: &Utility, before: usize) -> Option<Address> {
        let made = self.collected.as_ref().is_some_and(|collected| collected.commands.len() > before);
        match statement {
            Utility::Comment(comment) => self.commented(comment).ok().flatten(),
            Utility::CreatePolicy(create) => {
                self.subject(ObjectKind::Policy, &ObjectRef::On(create.name.clone(), create.table.clone()))
            }
            Utility::CreateRule(create) => {
                self.subject(ObjectKind::Rule, &ObjectRef::On(create.name.clone(), create.table.clone()))
            }
            _ if made => None,
            Utility::CreateView(create) => self.named(ObjectKind::View, create.name.clone()),
            Utility::CreateFunction(_) => self.made_routine.and_then(|oid| Key::Function(oid).address()),
            Utility::CreateTrigger(create) => {
                self.subject(ObjectKind::Trigger, &ObjectRef::On(create.name.clone(), create.table.clone()))
            }
            _ => None,
        }
    }
}

fn is_relation(kind: ObjectKind) -> bool {
    use ObjectKind as K;
    matches!(kind, K::Table | K::View | K::MaterializedView | K::Index | K::Sequence | K::ForeignTable)
}

/// Whether an object is of a session alone.
pub fn is_temporary(key: Key, catalog: &Catalog) -> bool {
    match key {
        Key::Relation(oid)
        | Key::Column(oid, _)
        | Key::Default(oid, _)
        | Key::Constraint(oid, _)
        | Key::Trigger(oid, _)
        | Key::Policy(oid, _)
        | Key::Rule(oid, _) => {
            catalog.relation(oid).is_some_and(|relation| relation.persistence == Persistence::Temporary)
        }
        Key::Type(oid) => {
            let schema = catalog.user_types().find(|info| info.oid == oid).map(|info| info.namespace);
            schema.and_then(|schema| catalog.schema(schema)).is_some_and(|schema| schema.is_temporary())
        }
        _ => false,
    }
}
