//! DROP, with everything that depends on the object.
//!
//! Objects that belong to the dropped one (its indexes, constraints, row type, serial sequences) go silently. Others need
//! CASCADE, and are reported; without it they are the reason for 2BP01.

use std::sync::Arc;

use dictdb_catalog::{ConstraintKind, Key, Persistence, Relation, RelationKind};
use dictdb_parser::utility::{Behavior, Drop, ObjectKind, ObjectRef};
use dictdb_storage::LockMode;
use dictdb_types::{Error, Oid, Result, SqlState};

use super::DdlContext;
use super::names::{parts, shown};
use super::routine::refuse_aggregate;

impl DdlContext<'_> {
    pub(super) fn drop_objects(&mut self, drop: &Drop) -> Result<()> {
        let noun = match drop.kind {
            ObjectKind::Table => "table",
            ObjectKind::ForeignTable => "foreign table",
            ObjectKind::Index => "index",
            ObjectKind::Sequence => "sequence",
            ObjectKind::View => "view",
            ObjectKind::MaterializedView => "materialized view",
            ObjectKind::Schema => "schema",
            ObjectKind::Type => "type",
            ObjectKind::Domain => "domain",
            ObjectKind::Function => "function",
            ObjectKind::Procedure => "procedure",
            ObjectKind::Routine => "routine",
            ObjectKind::Aggregate => "aggregate",
            ObjectKind::Trigger => "trigger",
            ObjectKind::Policy => "policy",
            ObjectKind::Rule => "rule",
            ObjectKind::Extension => "extension",
            ObjectKind::Operator => "operator",
            ObjectKind::Cast => "cast",
            ObjectKind::OperatorClass => "operator class",
            ObjectKind::OperatorFamily => "operator family",
            kind => match super::definition::kind_of(kind) {
                Some(own) => own.noun(),
                None => return Err(Error::unsupported(format_args!("DROP {:?}", drop.kind))),
            },
        };
        check_concurrently(drop)?;
        let mut named = Vec::with_capacity(drop.objects.len());
        for object in &drop.objects {
            match self.object_key(drop.kind, noun, object, drop.if_exists)? {
                Ok(key) => {
                    self.check_droppable(key, object)?;
                    named.push(key);
                }
                Err(missing) if drop.if_exists => {
                    let message = skipped(drop.kind, object, &missing).unwrap_or_else(|| missing.message().to_owned());
                    self.notice(SqlState::SUCCESSFUL_COMPLETION, format!("{message}, skipping"));
                }
                Err(missing) => return Err(missing),
            }
        }
        match named[..] {
            // Nobody else can look at an index of a temporary table.
            [Key::Relation(index)] if drop.concurrently && !self.is_temporary(index)? => {
                self.drop_index_concurrently(index)
            }
            _ => self.drop_keys(&named, drop.behavior),
        }
    }

    fn is_temporary(&mut self, relation: Oid) -> Result<bool> {
        Ok(self.table(relation)?.persistence == Persistence::Temporary)
    }

    /// DROP INDEX CONCURRENTLY: goes when those have gone who may use it. 0A000, 2BP01.
    fn drop_index_concurrently(&mut self, oid: Oid) -> Result<()> {
        let Some(info) = self.table(oid)?.index().cloned() else { return Err(Error::internal("not an index")) };
        if info.partitioned {
            let message = format!("cannot drop partitioned index \"{}\" concurrently", self.table(oid)?.name);
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        self.lock(info.table, LockMode::ShareUpdateExclusive)?;
        self.lock(oid, LockMode::ShareUpdateExclusive)?;
        let doomed = self.doom(&[Key::Relation(oid)], Behavior::Restrict)?;
        self.wait_for_index_users(info.table)?;
        doomed.dependents_first().try_for_each(|key| self.drop_key(key))
    }

    /// Drops objects with what depends on them; 2BP01 without CASCADE.
    pub(super) fn drop_keys(&mut self, named: &[Key], behavior: Behavior) -> Result<()> {
        self.lock_doomed(named.iter().copied())?;
        let doomed = self.doom(named, behavior)?;
        self.lock_doomed(doomed.dependents_first())?;
        // Dependents first, so that nothing refers to what is gone.
        for key in doomed.dependents_first() {
            self.drop_key(key)?;
        }
        Ok(())
    }

    /// Locks relations that are about to go, or to lose a part; of an index the table first, as everybody else does.
    fn lock_doomed(&mut self, keys: impl Iterator<Item = Key>) -> Result<()> {
        let catalog = self.view();
        for key in keys {
            let oid = match key {
                Key::Relation(oid) => oid,
                // Constraints may be of domains.
                _ => match key.whole().filter(|whole| catalog.relation(*whole).is_some()) {
                    Some(whole) => whole,
                    None => continue,
                },
            };
            if let Some(index) = catalog.relation(oid).and_then(|relation| relation.index()) {
                self.lock(index.table, LockMode::AccessExclusive)?;
            }
            self.lock(oid, LockMode::AccessExclusive)?;
        }
        Ok(())
    }

    /// 42501 unless the role owns the object, or the schema it is in.
    fn check_droppable(&mut self, key: Key, object: &ObjectRef) -> Result<()> {
        let catalog = self.view();
        match key {
            Key::Relation(oid) => {
                let Some(relation) = catalog.relation(oid).cloned() else { return Ok(()) };
                let schema_owner = catalog.schema(relation.namespace).map(|schema| schema.owner);
                match schema_owner.is_some_and(|owner| self.has_privileges_of(owner)) {
                    true => Ok(()),
                    false => self.check_owner(&relation),
                }
            }
            Key::Schema(oid) => match catalog.schema(oid).cloned() {
                Some(schema) => self.check_schema_owner(&schema),
                None => Ok(()),
            },
            Key::Type(oid) => {
                let info = self.type_info(oid)?;
                self.check_type_owner(&info)
            }
            Key::Function(oid) => {
                let Some(routine) = catalog.routine(oid).cloned() else { return Ok(()) };
                let schema_owner = catalog.schema(routine.namespace).map(|schema| schema.owner);
                match schema_owner.is_some_and(|owner| self.has_privileges_of(owner)) {
                    true => Ok(()),
                    false => {
                        let written = match object {
                            ObjectRef::Function(function) => shown(&function.name),
                            _ => routine.name.to_string(),
                        };
                        self.check_routine_owner(&routine, &written)
                    }
                }
            }
            Key::Extension(oid) => self.check_extension_owner(oid),
            Key::Operator(oid) => match catalog.operator(oid).cloned() {
                Some(own) => self.check_operator_owner(&own),
                None => {
                    let described = self.describe_operator(oid, &catalog);
                    let message = format!("cannot drop {described} because it is required by the database system");
                    Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message))
                }
            },
            Key::Cast(oid) => self.check_cast_droppable(oid),
            Key::OperatorClass(_) | Key::OperatorFamily(_) => self.check_class_owner(key),
            Key::Definition(_, oid) => self.check_definition_droppable(oid),
            _ => Ok(()),
        }
    }

    /// The object that ALTER EXTENSION names.
    pub(super) fn member_key(&mut self, kind: ObjectKind, object: &ObjectRef) -> Result<Key> {
        let noun = match kind {
            ObjectKind::Table => "table",
            ObjectKind::View => "view",
            ObjectKind::MaterializedView => "materialized view",
            ObjectKind::Sequence => "sequence",
            _ => "object",
        };
        let key = self.object_key(kind, noun, object, false)??;
        self.check_droppable(key, object)?;
        Ok(key)
    }

    /// The object a name means; the inner error says that there is none.
    pub(super) fn object_key(
        &mut self,
        kind: ObjectKind,
        noun: &str,
        object: &ObjectRef,
        skip: bool,
    ) -> Result<Result<Key>> {
        match (kind, object) {
            (ObjectKind::Schema, ObjectRef::Name(name)) => {
                let name = shown(name);
                let found = self.view().schema_named(&name).map(|schema| Key::Schema(schema.oid));
                if found
                    .is_some_and(|key| matches!(key, Key::Schema(oid) if oid < Oid::FIRST_NORMAL && name != "public"))
                {
                    return Err(Error::new(
                        SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                        format!("cannot drop schema {name} because it is required by the database system"),
                    ));
                }
                Ok(found.ok_or_else(|| {
                    Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{name}\" does not exist"))
                }))
            }
            (kind, ObjectRef::Name(name)) if super::definition::kind_of(kind).is_some() => {
                match super::definition::kind_of(kind) {
                    Some(kind) => self.definition_key(kind, name),
                    None => Err(Error::internal("no kind of definition")),
                }
            }
            (ObjectKind::Extension, ObjectRef::Name(name)) => {
                let name = shown(name);
                let found = self.view().extension_named(&name).map(|extension| Key::Extension(extension.oid));
                Ok(found.ok_or_else(|| super::extension::missing(&name)))
            }
            (ObjectKind::Type | ObjectKind::Domain, ObjectRef::Type(data_type)) => {
                if let Some(shell) = self.type_or_shell(data_type, false)? {
                    return Ok(Ok(Key::Type(shell)));
                }
                let bound = self.bind_type(data_type);
                match bound {
                    Ok(ty) => self.type_key(ty.oid).map(Ok),
                    Err(error) if is_missing_type(&error) => Ok(Err(error)),
                    Err(error) => Err(error),
                }
            }
            (ObjectKind::Type | ObjectKind::Domain, ObjectRef::Name(name)) => match self.find_type(name) {
                Ok(info) => self.type_key(info.oid).map(Ok),
                Err(missing) => Ok(Err(missing)),
            },
            (_, ObjectRef::Function(function)) => match self.find_routine(kind, function)? {
                Ok(routine) => {
                    if kind == ObjectKind::Function {
                        let hint = "Use DROP AGGREGATE to drop aggregate functions.";
                        refuse_aggregate(&routine, &shown(&function.name)).map_err(|error| error.hint(hint))?;
                    }
                    Ok(Ok(Key::Function(routine.oid)))
                }
                Err(missing) if function.args.is_none() && missing.code() == SqlState::UNDEFINED_FUNCTION => {
                    let noun = if kind == ObjectKind::Routine { "function" } else { noun };
                    let skipped = format!("{noun} {}() does not exist", shown(&function.name));
                    Ok(Err(if skip { Error::new(SqlState::SUCCESSFUL_COMPLETION, skipped) } else { missing }))
                }
                Err(missing) => Ok(Err(missing)),
            },
            (_, ObjectRef::Operator(operator)) => Ok(self.find_operator(operator)?.map(Key::Operator)),
            (_, ObjectRef::Cast(source, target)) => self.find_cast(source, target),
            (_, ObjectRef::Using(name, method)) => {
                self.find_class_or_family(name, method, kind == ObjectKind::OperatorFamily)
            }
            (ObjectKind::Policy, ObjectRef::On(name, table)) => self.policy_key(&name.value, table, skip),
            (ObjectKind::Rule, ObjectRef::On(name, table)) => self.rule_key(&name.value, table),
            (ObjectKind::Trigger, ObjectRef::On(name, table)) => self.trigger_key(&name.value, table, skip),
            (_, ObjectRef::Name(name)) => self.relation_key(kind, noun, name),
            _ => Err(Error::unsupported(format_args!("DROP {noun} of this form"))),
        }
    }

    fn type_key(&mut self, oid: Oid) -> Result<Key> {
        let info = self.type_info(oid)?;
        if oid < Oid::FIRST_NORMAL {
            return Err(Error::new(
                SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                format!("cannot drop type {} because it is required by the database system", info.name),
            ));
        }
        if info.relation.is_valid() {
            let relation = self.table(info.relation)?;
            if !matches!(relation.kind, RelationKind::Composite) {
                return Err(Error::new(
                    SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                    format!(
                        "cannot drop type {} because {} {} requires it",
                        info.name,
                        relation.kind_noun(),
                        relation.name
                    ),
                )
                .hint(format!("You can drop {} {} instead.", relation.kind_noun(), relation.name)));
            }
            return Ok(Key::Relation(relation.oid));
        }
        Ok(Key::Type(oid))
    }

    fn relation_key(
        &mut self,
        kind: ObjectKind,
        noun: &str,
        name: &dictdb_parser::ast::ObjectName,
    ) -> Result<Result<Key>> {
        if let [schema, _] = parts(name).as_slice()
            && self.view().schema_seen(self.search_path, &schema.value).is_none()
        {
            return Ok(Err(Error::new(
                SqlState::INVALID_SCHEMA_NAME,
                format!("schema \"{}\" does not exist", schema.value),
            )));
        }
        let Some(relation) = self.look_up_relation(name)? else {
            let code = match kind {
                ObjectKind::Index | ObjectKind::ForeignTable => SqlState::UNDEFINED_OBJECT,
                _ => SqlState::UNDEFINED_TABLE,
            };
            // The schema, if one was named, is there.
            let bare = parts(name).last().map(|ident| ident.value.clone()).unwrap_or_default();
            return Ok(Err(Error::new(code, format!("{noun} \"{bare}\" does not exist"))));
        };
        let fits = match kind {
            ObjectKind::Table => matches!(relation.kind, RelationKind::Table) && relation.foreign.is_none(),
            ObjectKind::ForeignTable => relation.foreign.is_some(),
            ObjectKind::Index => matches!(relation.kind, RelationKind::Index(_)),
            ObjectKind::Sequence => matches!(relation.kind, RelationKind::Sequence(_)),
            ObjectKind::View => matches!(relation.kind, RelationKind::View(_)),
            ObjectKind::MaterializedView => matches!(relation.kind, RelationKind::MaterializedView(_)),
            _ => false,
        };
        if !fits {
            let article = if noun.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
            let actual = relation.kind_noun();
            let error =
                Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is not {article} {noun}", relation.name));
            let article = if actual.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
            return Err(error.hint(format!("Use DROP {} to remove {article} {actual}.", actual.to_uppercase())));
        }
        if relation.is_system_table() {
            self.check_not_system(&relation)?;
        }
        Ok(Ok(Key::Relation(relation.oid)))
    }

    fn drop_key(&mut self, key: Key) -> Result<()> {
        let catalog = self.view();
        match key {
            Key::Extension(oid) => {
                self.clear_comment(dictdb_catalog::PG_EXTENSION, oid, 0);
                self.remove(key);
            }
            Key::Relation(oid) => {
                if let Some(relation) = catalog.relation(oid).cloned() {
                    self.drop_relation(&relation)?;
                }
            }
            Key::Constraint(table, oid) => self.drop_constraint(table, oid)?,
            Key::Column(table, attnum) => self.remove_column(table, attnum)?,
            Key::Default(table, attnum) => self.remove_default(table, attnum)?,
            Key::Policy(table, oid) => self.drop_policy(table, oid)?,
            Key::Rule(table, oid) => self.drop_rule(table, oid),
            Key::Published(publication, row) => self.drop_published(publication, row),
            Key::Role(_) => {}
            Key::Operator(oid) => {
                self.forget_member(Some(oid), None);
                self.drop_operator(oid);
            }
            Key::OperatorClass(oid) => self.drop_operator_class(oid),
            Key::Function(oid) => {
                self.forget_member(None, Some(oid));
                self.remove(key);
            }
            Key::Schema(oid) => {
                self.forget_published(oid);
                self.forget_default_acls(|place| place.1 == oid);
                self.remove(key);
            }
            Key::Definition(_, oid) => {
                let own = catalog.definition(oid).cloned();
                for table in own.iter().filter_map(|own| own.publication()).flat_map(|info| &info.tables) {
                    self.remove(Key::Published(oid, table.oid));
                }
                self.remove(key);
            }
            Key::Type(_) | Key::Trigger(..) | Key::Cast(_) | Key::OperatorFamily(_) => self.remove(key),
        }
        Ok(())
    }

    fn drop_relation(&mut self, relation: &Arc<Relation>) -> Result<()> {
        self.check_not_in_use(relation, "DROP TABLE")?;
        match &relation.kind {
            RelationKind::Table | RelationKind::MaterializedView(_) => {
                for constraint in &relation.constraints {
                    self.forget_reference(constraint, relation.oid)?;
                    // It is part of the table, but what it depends on is recorded under its own key.
                    self.remove(Key::Constraint(relation.oid, constraint.oid));
                }
                self.own.lock().changes.dropped_table(relation.storage);
                self.forget_inheritance(relation)?;
                for attnum in 1..=relation.columns.len() as i16 {
                    self.remove(Key::Default(relation.oid, attnum));
                    self.remove(Key::Column(relation.oid, attnum));
                }
            }
            RelationKind::Index(info) => {
                self.forget_inheritance(relation)?;
                if let Some(table) = self.view().relation(info.table).cloned() {
                    self.own.lock().changes.dropped_index(self.storage, table.storage, relation.storage);
                    let mut table = Relation::clone(&table);
                    table.indexes.retain(|index| *index != relation.oid);
                    self.put_relation(table);
                }
            }
            RelationKind::Sequence(_) => self.own.lock().changes.dropped_sequence(relation.storage),
            RelationKind::Composite => {
                (1..=relation.columns.len() as i16).for_each(|attnum| self.remove(Key::Column(relation.oid, attnum)));
            }
            RelationKind::View(_) | RelationKind::Virtual => {}
        }
        self.forget_published(relation.oid);
        self.remove(Key::Relation(relation.oid));
        Ok(())
    }

    /// Removes a constraint from its table or domain.
    pub(super) fn drop_constraint(&mut self, table: Oid, oid: Oid) -> Result<()> {
        let Some(relation) = self.view().relation(table).cloned() else {
            self.drop_domain_check(table, oid);
            return Ok(());
        };
        let Some(constraint) = relation.constraints.iter().find(|constraint| constraint.oid == oid) else {
            return Ok(());
        };
        self.forget_reference(constraint, table)?;
        let mut relation = Relation::clone(&*self.table(table)?);
        relation.constraints.retain(|constraint| constraint.oid != oid);
        self.put_relation(relation);
        self.remove(Key::Constraint(table, oid));
        Ok(())
    }

    /// Tells the parents of a table that it is gone.
    fn forget_inheritance(&mut self, relation: &Relation) -> Result<()> {
        for parent in &relation.parents {
            let Some(parent) = self.view().relation(*parent).cloned() else { continue };
            let mut parent = Relation::clone(&parent);
            parent.children.retain(|child| *child != relation.oid);
            self.put_relation(parent);
        }
        Ok(())
    }

    /// Tells the referenced table that a foreign key is gone.
    fn forget_reference(&mut self, constraint: &dictdb_catalog::Constraint, table: Oid) -> Result<()> {
        let ConstraintKind::Foreign(foreign) = &constraint.kind else { return Ok(()) };
        let Some(referenced) = self.view().relation(foreign.referenced).cloned() else { return Ok(()) };
        self.lock(referenced.oid, LockMode::AccessExclusive)?;
        let mut referenced = Relation::clone(&*self.table(referenced.oid)?);
        referenced.referenced_by.retain(|(other, oid)| (*other, *oid) != (table, constraint.oid));
        self.put_relation(referenced);
        Ok(())
    }
}

/// Whether an error says that a type, or its schema, does not exist.
pub(super) fn is_missing_type(error: &Error) -> bool {
    matches!(error.code(), SqlState::UNDEFINED_OBJECT | SqlState::INVALID_SCHEMA_NAME)
}

/// What DROP INDEX CONCURRENTLY cannot do. 0A000.
fn check_concurrently(drop: &Drop) -> Result<()> {
    let message = match drop.behavior {
        _ if !drop.concurrently => return Ok(()),
        _ if drop.objects.len() > 1 => "DROP INDEX CONCURRENTLY does not support dropping multiple objects",
        Behavior::Cascade => "DROP INDEX CONCURRENTLY does not support CASCADE",
        Behavior::Restrict => return Ok(()),
    };
    Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message))
}

/// What DROP IF EXISTS says of an operator, aggregate or function that is not there: the types as they were written.
fn skipped(kind: ObjectKind, object: &ObjectRef, missing: &Error) -> Option<String> {
    let type_text = |data_type: &dictdb_parser::ast::DataType| {
        let name = dictdb_parser::TypeName::of(data_type)?;
        let names: Vec<&str> = name.names.iter().map(|ident| ident.value.as_str()).collect();
        Some(format!("{}{}", names.join("."), if name.dimensions > 0 { "[]" } else { "" }))
    };
    match object {
        ObjectRef::Name(_) if kind == ObjectKind::Collation => {
            Some(missing.message().replace(" for encoding \"UTF8\"", ""))
        }
        ObjectRef::Operator(operator) if missing.message().starts_with("operator does not exist") => {
            Some(format!("operator {} does not exist", shown(&operator.name)))
        }
        ObjectRef::Function(function) if missing.code() == SqlState::UNDEFINED_FUNCTION => {
            let noun = match kind {
                ObjectKind::Procedure => "procedure",
                ObjectKind::Aggregate => "aggregate",
                _ => "function",
            };
            let args = function.args.as_ref()?;
            let types = args.iter().map(|arg| type_text(&arg.data_type)).collect::<Option<Vec<_>>>()?;
            Some(format!("{noun} {}({}) does not exist", shown(&function.name), types.join(",")))
        }
        _ => None,
    }
}
