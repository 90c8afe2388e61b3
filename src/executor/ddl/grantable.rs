//! Objects with owners and access control lists, whatever catalog keeps them.

use std::sync::Arc;

use dictdb_catalog::{
    AclKind, Catalog, Change, Column, DefinitionKind, Extension, Key, Language, Object, Operator, OperatorClass,
    OperatorFamily, PROC_CLASS, Relation, RelationKind, Routine, Schema, built_in_acl, namespaces,
};
use dictdb_functions::facts;
use dictdb_types::{Error, Oid, Result, quote_identifier};

use super::DdlContext;
use super::context::DatabaseName;
use super::routine::type_text;

/// Something with an owner; most kinds have an access control list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grantable {
    /// A table, view or sequence.
    Relation(Oid),
    /// A column.
    Column(Oid, i16),
    /// A schema.
    Schema(Oid),
    /// A type.
    Type(Oid),
    /// A function, procedure or aggregate.
    Routine(Oid),
    /// A function that every database has.
    BuiltIn(Oid),
    /// A database, and its owner.
    Database(Oid, Oid),
    /// A language.
    Language(Oid),
    /// A configuration parameter with a list of its own.
    Parameter(Oid),
    /// A definition; wrappers and servers have lists, all have owners.
    Definition(DefinitionKind, Oid),
    /// An operator, an operator class or family, or an extension, which have no lists.
    Owned(Key),
}

/// `pg_class.oid` of `pg_database` and `pg_type`.
const DATABASE: Oid = Oid(1262);
const TYPE: Oid = Oid(1247);

/// The parameter with an oid: name and list.
fn parameter(catalog: &Catalog, oid: Oid) -> Option<(&Arc<str>, &[Arc<str>])> {
    catalog.parameters().find(|(_, own, _)| *own == oid).map(|(name, _, list)| (name, list))
}

impl Grantable {
    /// Everything users made, the databases, and what was born with a database and has been given another list.
    pub fn all(catalog: &Catalog, databases: &[DatabaseName]) -> Vec<Grantable> {
        let mut all: Vec<Grantable> = Vec::new();
        all.extend(databases.iter().map(|database| Grantable::Database(database.oid, database.owner)));
        for (class, oid) in catalog.listed() {
            match class {
                PROC_CLASS => all.push(Grantable::BuiltIn(oid)),
                Language::CLASS if Language::of_oid(oid).is_some() => all.push(Grantable::Language(oid)),
                _ => {}
            }
        }
        let users = |oid: Oid| oid >= Oid::FIRST_NORMAL;
        let schemas = catalog.schemas().filter(|s| users(s.oid) || s.oid == namespaces::PUBLIC || s.acl.is_some());
        all.extend(schemas.map(|schema| Grantable::Schema(schema.oid)));
        for relation in catalog.relations().filter(|r| users(r.oid) && r.index().is_none()) {
            if matches!(relation.kind, RelationKind::Composite) {
                continue;
            }
            all.push(Grantable::Relation(relation.oid));
            all.extend(relation.listed_columns().map(|attnum| Grantable::Column(relation.oid, attnum)));
        }
        let own = |info: &&Arc<dictdb_types::TypeInfo>| {
            let of_table = info.relation.is_valid()
                && catalog.relation(info.relation).is_some_and(|r| !matches!(r.kind, RelationKind::Composite));
            !(of_table || info.is_array() && info.element.is_valid())
        };
        all.extend(catalog.user_types().filter(own).map(|info| Grantable::Type(info.oid)));
        all.extend(catalog.routines().map(|routine| Grantable::Routine(routine.oid)));
        all.extend(catalog.parameters().map(|(_, oid, _)| Grantable::Parameter(oid)));
        let owned = catalog.definitions().filter(|own| own.kind() != DefinitionKind::UserMapping);
        all.extend(owned.map(|own| Grantable::Definition(own.kind(), own.oid)));
        let operators = catalog.operators().map(|own| Key::Operator(own.oid));
        let classes = catalog.operator_classes().map(|own| Key::OperatorClass(own.class.oid));
        let families = catalog.operator_families().map(|own| Key::OperatorFamily(own.oid));
        let extensions = catalog.extensions().map(|own| Key::Extension(own.oid));
        let unlisted = operators.chain(classes).chain(families).chain(extensions);
        all.extend(unlisted.filter(|key| users(oid_of(*key))).map(Grantable::Owned));
        all
    }

    /// Who owns it.
    pub fn owner(self, catalog: &Catalog) -> Oid {
        use dictdb_types::TypeLookup;
        let found = match self {
            Grantable::Relation(oid) | Grantable::Column(oid, _) => catalog.relation(oid).map(|r| r.owner),
            Grantable::Schema(oid) => catalog.schema(oid).map(|schema| schema.owner),
            Grantable::Type(oid) => catalog.type_info(oid).map(|info| info.owner),
            Grantable::Routine(oid) => catalog.routine(oid).map(|routine| routine.owner),
            Grantable::Database(_, owner) => Some(owner),
            Grantable::Language(_) | Grantable::BuiltIn(_) | Grantable::Parameter(_) => {
                Some(dictdb_catalog::BOOTSTRAP_ROLE)
            }
            Grantable::Definition(_, oid) => catalog.definition(oid).map(|own| own.owner),
            Grantable::Owned(Key::Operator(oid)) => catalog.operator(oid).map(|own| own.owner),
            Grantable::Owned(Key::OperatorClass(oid)) => catalog.operator_class(oid).map(|own| own.owner),
            Grantable::Owned(Key::OperatorFamily(oid)) => catalog.operator_family(oid).map(|own| own.owner),
            Grantable::Owned(Key::Extension(oid)) => catalog.extension(oid).map(|own| own.owner),
            Grantable::Owned(_) => None,
        };
        found.unwrap_or(Oid::INVALID)
    }

    /// Its list; `None` is the default.
    pub fn acl(self, catalog: &Catalog) -> Option<Vec<Arc<str>>> {
        match self {
            Grantable::Relation(oid) => catalog.relation(oid)?.acl.clone(),
            Grantable::Column(oid, attnum) => catalog.relation(oid)?.column_acl(attnum).map(<[_]>::to_vec),
            Grantable::Schema(oid) => catalog.schema(oid)?.acl.clone(),
            Grantable::Type(oid) => catalog.acl_of(TYPE, oid).map(<[_]>::to_vec),
            Grantable::Routine(oid) => catalog.routine(oid)?.acl.clone(),
            Grantable::Database(oid, _) => catalog.acl_of(DATABASE, oid).map(<[_]>::to_vec),
            Grantable::BuiltIn(oid) => built_in_acl(catalog, oid),
            Grantable::Language(oid) => catalog.acl_of(Language::CLASS, oid).map(<[_]>::to_vec),
            Grantable::Parameter(oid) => parameter(catalog, oid).map(|(_, list)| list.to_vec()),
            Grantable::Definition(kind, oid) => catalog.acl_of(kind.class(), oid).map(<[_]>::to_vec),
            Grantable::Owned(_) => None,
        }
    }

    /// Whether it is of all databases, so that DROP OWNED leaves it.
    pub fn is_shared(self) -> bool {
        matches!(self, Grantable::Database(..) | Grantable::Definition(DefinitionKind::Tablespace, _))
    }

    /// What it is to dependencies.
    pub fn key(self) -> Option<Key> {
        match self {
            Grantable::Relation(oid) => Some(Key::Relation(oid)),
            Grantable::Column(..)
            | Grantable::Database(..)
            | Grantable::Language(_)
            | Grantable::BuiltIn(_)
            | Grantable::Parameter(_) => None,
            Grantable::Schema(oid) => Some(Key::Schema(oid)),
            Grantable::Type(oid) => Some(Key::Type(oid)),
            Grantable::Routine(oid) => Some(Key::Function(oid)),
            Grantable::Definition(kind, oid) => Some(Key::Definition(kind, oid)),
            Grantable::Owned(key) => Some(key),
        }
    }

    /// What lists of objects are ordered by: system columns come last.
    pub fn place(self) -> (Oid, u16) {
        match self {
            Grantable::Column(oid, attnum) => (oid, attnum as u16),
            Grantable::Relation(oid)
            | Grantable::Schema(oid)
            | Grantable::Type(oid)
            | Grantable::Routine(oid)
            | Grantable::Language(oid)
            | Grantable::Parameter(oid)
            | Grantable::BuiltIn(oid)
            | Grantable::Definition(_, oid)
            | Grantable::Database(oid, _) => (oid, 0),
            Grantable::Owned(key) => (oid_of(key), 0),
        }
    }

    /// As messages name it.
    pub fn describe(self, cx: &DdlContext<'_>, catalog: &Arc<Catalog>) -> String {
        match self {
            Grantable::Column(oid, attnum) => cx.describe(Key::Column(oid, attnum), catalog),
            Grantable::Parameter(oid) => {
                parameter(catalog, oid).map_or_else(String::new, |(name, _)| format!("parameter {name}"))
            }
            Grantable::Database(oid, _) => {
                let found = cx.databases.iter().find(|database| database.oid == oid);
                found.map_or_else(String::new, |database| format!("database {}", quote_identifier(&database.name)))
            }
            Grantable::Language(oid) => {
                Language::of_oid(oid).map_or_else(String::new, |language| format!("language {}", language.name()))
            }
            Grantable::BuiltIn(oid) => facts::proc_by_oid(oid).map_or_else(String::new, |proc| {
                let types: Vec<String> = proc.args.iter().map(|oid| type_text(catalog, cx.search_path, *oid)).collect();
                format!("function {}({})", proc.name, types.join(","))
            }),
            other => other.key().map_or_else(String::new, |key| cx.describe(key, catalog)),
        }
    }

    /// What its list is checked as.
    pub fn kind(self, catalog: &Catalog) -> AclKind {
        match self {
            Grantable::Relation(oid) => match catalog.relation(oid).map(|relation| &relation.kind) {
                Some(RelationKind::Sequence(_)) => AclKind::Sequence,
                _ => AclKind::Table,
            },
            Grantable::Column(..) => AclKind::Column,
            Grantable::Schema(_) => AclKind::Schema,
            Grantable::Type(_) => AclKind::Type,
            Grantable::Routine(_) | Grantable::BuiltIn(_) => AclKind::Function,
            Grantable::Database(..) => AclKind::Database,
            Grantable::Language(_) => AclKind::Language,
            Grantable::Parameter(_) => AclKind::Parameter,
            Grantable::Definition(DefinitionKind::Wrapper, _) => AclKind::ForeignWrapper,
            Grantable::Definition(DefinitionKind::Tablespace, _) => AclKind::Tablespace,
            Grantable::Definition(DefinitionKind::Language, _) => AclKind::Language,
            Grantable::Definition(..) | Grantable::Owned(_) => AclKind::ForeignServer,
        }
    }

    /// Gives it another list.
    pub fn set_acl(self, cx: &mut DdlContext<'_>, acl: Option<Vec<Arc<str>>>) -> Result<()> {
        match self {
            Grantable::Relation(oid) => {
                let relation = cx.table(oid)?;
                cx.put_relation(Relation { acl, ..Relation::clone(&relation) });
            }
            Grantable::Column(oid, attnum) => {
                let relation = cx.table(oid)?;
                let acl = acl.filter(|acl| !acl.is_empty());
                if attnum < 0 {
                    let mut changed = Relation::clone(&relation);
                    changed.set_system_acl(attnum, acl);
                    cx.put_relation(changed);
                    return Ok(());
                }
                cx.change_column(&relation, attnum, |column: &mut Column| column.acl = acl)?;
            }
            Grantable::Schema(oid) => {
                let found = cx.view().schema(oid).cloned();
                let schema = found.ok_or_else(|| Error::internal("a schema is gone"))?;
                cx.put(Object::Schema(Arc::new(Schema { acl, ..Schema::clone(&schema) })));
            }
            Grantable::Type(oid) => cx.change(Change::Acl { class: TYPE, object: oid, acl }),
            Grantable::Routine(oid) => {
                let found = cx.view().routine(oid).cloned();
                let routine = found.ok_or_else(|| Error::internal("a routine is gone"))?;
                cx.put(Object::Routine(Arc::new(Routine { acl, ..Routine::clone(&routine) })));
            }
            Grantable::Database(oid, _) => {
                cx.change(Change::Acl { class: DATABASE, object: oid, acl });
            }
            Grantable::BuiltIn(oid) => cx.change(Change::Acl { class: PROC_CLASS, object: oid, acl }),
            Grantable::Language(oid) => {
                cx.change(Change::Acl { class: Language::CLASS, object: oid, acl });
            }
            Grantable::Parameter(oid) => {
                let catalog = cx.view();
                let (name, _) = parameter(&catalog, oid).ok_or_else(|| Error::internal("a parameter is gone"))?;
                cx.set_parameter_acl(name, oid, acl.unwrap_or_default());
            }
            Grantable::Definition(kind, oid) => {
                cx.change(Change::Acl { class: kind.class(), object: oid, acl });
            }
            Grantable::Owned(_) => {}
        }
        Ok(())
    }

    /// Gives the object to another role.
    pub fn give(self, cx: &mut DdlContext<'_>, owner: Oid) -> Result<()> {
        match self {
            Grantable::Relation(oid) => cx.give_relation(oid, owner),
            Grantable::Column(..)
            | Grantable::Database(..)
            | Grantable::Language(_)
            | Grantable::BuiltIn(_)
            | Grantable::Parameter(_) => Ok(()),
            Grantable::Schema(oid) => {
                let found = cx.view().schema(oid).cloned();
                let schema = found.ok_or_else(|| Error::internal("a schema is gone"))?;
                cx.put(Object::Schema(Arc::new(Schema { owner, ..Schema::clone(&schema) })));
                Ok(())
            }
            Grantable::Type(oid) => cx.give_type(oid, owner),
            Grantable::Routine(oid) => cx.give_routine(oid, owner),
            Grantable::Definition(_, oid) => {
                let found = cx.view().definition(oid).cloned();
                let own = found.ok_or_else(|| Error::internal("a definition is gone"))?;
                cx.give_definition_to(&own, owner);
                Ok(())
            }
            Grantable::Owned(key) => {
                let catalog = cx.view();
                let given = match key {
                    Key::Operator(oid) => catalog
                        .operator(oid)
                        .map(|own| Object::Operator(Arc::new(Operator { owner, ..Operator::clone(own) }))),
                    Key::OperatorClass(oid) => catalog.operator_class(oid).map(|own| {
                        Object::OperatorClass(Arc::new(OperatorClass { owner, ..OperatorClass::clone(own) }))
                    }),
                    Key::OperatorFamily(oid) => catalog.operator_family(oid).map(|own| {
                        Object::OperatorFamily(Arc::new(OperatorFamily { owner, ..OperatorFamily::clone(own) }))
                    }),
                    Key::Extension(oid) => catalog
                        .extension(oid)
                        .map(|own| Object::Extension(Arc::new(Extension { owner, ..Extension::clone(own) }))),
                    _ => None,
                };
                cx.put(given.ok_or_else(|| Error::internal("an object is gone"))?);
                Ok(())
            }
        }
    }
}

/// The oid of an object that has one.
fn oid_of(key: Key) -> Oid {
    key.address().map_or(Oid::INVALID, |(_, oid, _)| oid)
}
