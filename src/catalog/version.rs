//! One version of the catalog: persistent maps behind a cheap clone, and the look-ups of name resolution.

use std::sync::Arc;

use dictdb_types::{Oid, TypeInfo, TypeKind, TypeLookup, builtin_types};
use imbl::{HashMap, OrdMap, OrdSet};

use dictdb_functions::facts::Cast;

use crate::{
    BaseInfo, Change, Definition, Dependency, Domain, Extension, Key, Object, Operator, OperatorClass, OperatorFamily,
    RangeInfo, Relation, Role, Routine, Schema, ToldSize, Trigger,
};

/// `pg_namespace.oid` of the schemas every database has.
pub mod namespaces {
    use dictdb_types::Oid;

    /// `pg_catalog`.
    pub const PG_CATALOG: Oid = Oid(11);
    /// `pg_toast`.
    pub const PG_TOAST: Oid = Oid(99);
    /// `public`.
    pub const PUBLIC: Oid = Oid(2200);
    /// `dictdb`, which is DictDB's own and which system catalogs do not list.
    pub const DICTDB: Oid = Oid(9900);
    /// `information_schema`.
    pub const INFORMATION_SCHEMA: Oid = Oid(13_207);
}

/// `pg_authid.oid` of the bootstrap superuser.
pub const BOOTSTRAP_ROLE: Oid = Oid(10);

/// An immutable version of all objects of a database. Cloning copies roots, not objects.
#[derive(Clone, Default)]
pub struct Catalog {
    pub(crate) version: u64,
    pub(crate) schemas: OrdMap<Oid, Arc<Schema>>,
    pub(crate) relations: OrdMap<Oid, Arc<Relation>>,
    pub(crate) types: OrdMap<Oid, Arc<TypeInfo>>,
    pub(crate) domains: OrdMap<Oid, Arc<Domain>>,
    pub(crate) roles: OrdMap<Oid, Arc<Role>>,
    pub(crate) acls: OrdMap<(Oid, Oid), Vec<Arc<str>>>,
    pub(crate) default_acls: OrdMap<(Oid, Oid, u8), (Oid, Vec<Arc<str>>)>,
    pub(crate) settings: OrdMap<(Oid, Oid), Vec<Arc<str>>>,
    pub(crate) told_sizes: OrdMap<Oid, ToldSize>,
    pub(crate) parameters: OrdMap<Arc<str>, (Oid, Vec<Arc<str>>)>,
    pub(crate) comments: OrdMap<(Oid, Oid, i32), Arc<str>>,
    pub(crate) dependencies: OrdMap<(Key, Key), Dependency>,
    pub(crate) dependents: OrdMap<(Key, Key), Dependency>,
    pub(crate) relation_names: HashMap<(Oid, Arc<str>), Oid>,
    pub(crate) type_names: HashMap<(Oid, Arc<str>), Oid>,
    /// The table of each constraint and of each part of a foreign key.
    pub(crate) constraint_tables: HashMap<Oid, Oid>,
    pub(crate) routines: OrdMap<Oid, Arc<Routine>>,
    pub(crate) triggers: OrdMap<(Oid, Arc<str>), Arc<Trigger>>,
    pub(crate) extensions: OrdMap<Oid, Arc<Extension>>,
    pub(crate) routine_names: OrdSet<(Arc<str>, Oid, Oid)>,
    pub(crate) operators: OrdMap<Oid, Arc<Operator>>,
    pub(crate) operator_names: OrdSet<(Arc<str>, Oid, Oid)>,
    pub(crate) casts: OrdMap<(Oid, Oid), Arc<Cast>>,
    pub(crate) operator_classes: OrdMap<Oid, Arc<OperatorClass>>,
    pub(crate) operator_families: OrdMap<Oid, Arc<OperatorFamily>>,
    pub(crate) ranges: OrdMap<Oid, Arc<RangeInfo>>,
    pub(crate) base_types: OrdMap<Oid, Arc<BaseInfo>>,
    pub(crate) definitions: OrdMap<Oid, Arc<Definition>>,
}

impl Catalog {
    /// Counts committed changes; a plan is valid for the version it was made in.
    pub fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn set_version(&mut self, version: u64) {
        self.version = version;
    }

    /// The schema with this oid.
    pub fn schema(&self, oid: Oid) -> Option<&Arc<Schema>> {
        self.schemas.get(&oid)
    }

    /// The schema with this name.
    pub fn schema_named(&self, name: &str) -> Option<&Arc<Schema>> {
        self.schemas.values().find(|schema| &*schema.name == name)
    }

    /// The schema a qualified name means to a session with this search path: `pg_temp` is its own temporary one.
    pub fn schema_seen(&self, path: &[Oid], name: &str) -> Option<&Arc<Schema>> {
        match name {
            "pg_temp" => path.iter().filter_map(|oid| self.schema(*oid)).find(|schema| schema.is_temporary()),
            _ => self.schema_named(name),
        }
    }

    /// All schemas by oid.
    pub fn schemas(&self) -> impl Iterator<Item = &Arc<Schema>> {
        self.schemas.values()
    }

    /// The relation with this oid: table, index, sequence, view or composite type.
    pub fn relation(&self, oid: Oid) -> Option<&Arc<Relation>> {
        self.relations.get(&oid)
    }

    /// The table of the constraint with this oid, or of the foreign key that has a part with it.
    pub fn table_of_constraint(&self, oid: Oid) -> Option<&Arc<Relation>> {
        self.relation(*self.constraint_tables.get(&oid)?)
    }

    /// The relation of this name in a schema.
    pub fn relation_in(&self, namespace: Oid, name: &str) -> Option<&Arc<Relation>> {
        let oid = self.relation_names.get(&(namespace, Arc::from(name)))?;
        self.relations.get(oid)
    }

    /// The first relation of this name along a search path.
    pub fn relation_on_path(&self, path: &[Oid], name: &str) -> Option<&Arc<Relation>> {
        let name: Arc<str> = Arc::from(name);
        let oid = path.iter().find_map(|namespace| self.relation_names.get(&(*namespace, name.clone())))?;
        self.relations.get(oid)
    }

    /// All relations by oid.
    pub fn relations(&self) -> impl Iterator<Item = &Arc<Relation>> {
        self.relations.values()
    }

    /// What the domains add to their types.
    pub fn domains(&self) -> impl Iterator<Item = &Arc<Domain>> {
        self.domains.values()
    }

    /// A type of this name in a schema.
    pub fn type_in(&self, namespace: Oid, name: &str) -> Option<Arc<TypeInfo>> {
        if namespace == namespaces::PG_CATALOG
            && let Some(builtin) = builtin_types::by_name(name)
        {
            return Some(builtin);
        }
        if namespace == namespaces::INFORMATION_SCHEMA {
            let builtin = builtin_types::all().iter().find(|t| t.namespace == namespace && &*t.name == name);
            return builtin.cloned();
        }
        let oid = self.type_names.get(&(namespace, Arc::from(name)))?;
        self.types.get(oid).cloned()
    }

    /// The first type of this name along a search path.
    pub fn type_on_path(&self, path: &[Oid], name: &str) -> Option<Arc<TypeInfo>> {
        path.iter().find_map(|namespace| self.type_in(*namespace, name))
    }

    /// Users' types by oid; the built-in ones are in [`builtin_types`].
    pub fn user_types(&self) -> impl Iterator<Item = &Arc<TypeInfo>> {
        self.types.values()
    }

    /// What a domain adds to its base type; `None` for the built-in ones and for what is no domain.
    pub fn domain(&self, oid: Oid) -> Option<&Arc<Domain>> {
        self.domains.get(&oid)
    }

    /// The default of a domain, which has that of what it is over from its creation, or of a user's base type.
    pub fn domain_default(&self, oid: Oid) -> Option<&Arc<str>> {
        match self.base_types.get(&oid) {
            Some(base) => base.default_expression.as_ref(),
            None => self.domain(oid)?.default.as_ref(),
        }
    }

    /// The size that a table is said to have.
    pub fn told_size(&self, table: &Relation) -> Option<&ToldSize> {
        self.told_sizes.get(&table.oid).filter(|size| size.storage == table.storage)
    }

    /// Likewise, by the table in storage.
    pub fn told_size_of_storage(&self, storage: Oid) -> Option<&ToldSize> {
        self.told_sizes.values().find(|size| size.storage == storage)
    }

    /// The role with this oid.
    pub fn role(&self, oid: Oid) -> Option<&Arc<Role>> {
        self.roles.get(&oid)
    }

    /// The role of this name.
    pub fn role_named(&self, name: &str) -> Option<&Arc<Role>> {
        self.roles.values().find(|role| &*role.name == name)
    }

    /// All roles by oid.
    pub fn roles(&self) -> impl Iterator<Item = &Arc<Role>> {
        self.roles.values()
    }

    /// `pg_description`: (catalog, object, sub-object) → text, in order.
    pub fn comments(&self) -> impl Iterator<Item = (&(Oid, Oid, i32), &Arc<str>)> {
        self.comments.iter()
    }

    /// The comment on an object; the catalog is `pg_class`'s or another system catalog's oid.
    pub fn comment(&self, catalog: Oid, object: Oid, sub_object: i32) -> Option<&Arc<str>> {
        self.comments.get(&(catalog, object, sub_object))
    }

    /// Objects whose access control lists their catalog rows do not keep: oids of system catalogs and objects.
    pub fn listed(&self) -> impl Iterator<Item = (Oid, Oid)> + '_ {
        self.acls.keys().copied()
    }

    /// The access control list of a database or type, by the oid of its system catalog; `None` is the default.
    pub fn acl_of(&self, class: Oid, object: Oid) -> Option<&[Arc<str>]> {
        self.acls.get(&(class, object)).map(Vec::as_slice)
    }

    /// The list that future objects of a role begin with: role, schema (zero: every schema), `defaclobjtype`.
    pub fn default_acl(&self, place: (Oid, Oid, u8)) -> Option<&[Arc<str>]> {
        self.default_acls.get(&place).map(|(_, acl)| acl.as_slice())
    }

    /// `pg_default_acl.oid` of such a list.
    pub fn default_acl_oid(&self, place: (Oid, Oid, u8)) -> Option<Oid> {
        self.default_acls.get(&place).map(|(oid, _)| *oid)
    }

    /// All of them, with their oids.
    pub fn default_acls(&self) -> impl Iterator<Item = (&(Oid, Oid, u8), Oid, &[Arc<str>])> {
        self.default_acls.iter().map(|(place, (oid, acl))| (place, *oid, acl.as_slice()))
    }

    /// What sessions of a role (zero: all) in a database (zero: all) begin with, as `name=value`. What a role has in all databases is in
    /// [`Role::settings`].
    pub fn settings_of(&self, database: Oid, role: Oid) -> &[Arc<str>] {
        self.settings.get(&(database, role)).map_or(&[], Vec::as_slice)
    }

    /// All of them, by database and role.
    pub fn settings(&self) -> impl Iterator<Item = (&(Oid, Oid), &Vec<Arc<str>>)> {
        self.settings.iter()
    }

    /// Configuration parameters with access control lists of their own (`pg_parameter_acl`): name in lower case, oid, list.
    pub fn parameters(&self) -> impl Iterator<Item = (&Arc<str>, Oid, &[Arc<str>])> {
        self.parameters.iter().map(|(name, (oid, list))| (name, *oid, list.as_slice()))
    }

    /// The list of a configuration parameter, by its name in lower case; `None` is the default.
    pub fn parameter_acl(&self, name: &str) -> Option<&[Arc<str>]> {
        self.parameters.get(name).map(|(_, list)| list.as_slice())
    }

    /// What depends on an object, directly.
    pub fn dependents_of(&self, object: Key) -> impl Iterator<Item = (Key, Dependency)> + '_ {
        self.dependents.range((object, Key::MIN)..=(object, Key::MAX)).map(|((_, dependent), kind)| (*dependent, *kind))
    }

    /// What an object depends on, directly.
    pub fn dependencies_of(&self, object: Key) -> impl Iterator<Item = (Key, Dependency)> + '_ {
        self.dependencies.range((object, Key::MIN)..=(object, Key::MAX)).map(|((_, on), kind)| (*on, *kind))
    }

    /// Every recorded dependency: dependent, what it depends on, how.
    pub fn dependencies(&self) -> impl Iterator<Item = (Key, Key, Dependency)> + '_ {
        self.dependencies.iter().map(|((dependent, on), kind)| (*dependent, *on, *kind))
    }

    /// Every recorded dependency: dependent, what it depends on, how.
    pub fn all_dependencies(&self) -> impl Iterator<Item = (Key, Key, Dependency)> + '_ {
        self.dependencies.iter().map(|((dependent, on), kind)| (*dependent, *on, *kind))
    }

    /// Applies one change. Names stay consistent with objects; uniqueness is checked by [`crate::CatalogStore::commit`].
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Put(object) => self.put(object),
            Change::Remove(key) => self.remove(*key),
            Change::Comment(key, text) => {
                match text {
                    Some(text) => self.comments.insert(*key, text.clone()),
                    None => self.comments.remove(key),
                };
            }
            Change::Acl { class, object, acl } => {
                match acl {
                    Some(acl) => self.acls.insert((*class, *object), acl.clone()),
                    None => self.acls.remove(&(*class, *object)),
                };
            }
            Change::DefaultAcl { place, oid, acl } => {
                match acl {
                    Some(acl) => self.default_acls.insert(*place, (*oid, acl.clone())),
                    None => self.default_acls.remove(place),
                };
            }
            Change::Settings { place, values } => {
                match values {
                    Some(values) => self.settings.insert(*place, values.clone()),
                    None => self.settings.remove(place),
                };
            }
            Change::ToldSize(table, size) => {
                match size {
                    Some(size) => self.told_sizes.insert(*table, *size),
                    None => self.told_sizes.remove(table),
                };
            }
            Change::Parameter(name, list) => {
                match list {
                    Some(list) => self.parameters.insert(name.clone(), list.clone()),
                    None => self.parameters.remove(name),
                };
            }
            Change::Depend { dependent, on, kind } => {
                self.dependencies.insert((*dependent, *on), *kind);
                self.dependents.insert((*on, *dependent), *kind);
            }
            Change::Undepend { dependent } => self.remove_dependencies(*dependent),
        }
    }

    fn put(&mut self, object: &Object) {
        match object {
            Object::Schema(schema) => {
                self.schemas.insert(schema.oid, schema.clone());
            }
            Object::Relation(relation) => {
                let old = self.relations.insert(relation.oid, relation.clone());
                if let Some(old) = &old {
                    self.relation_names.remove(&(old.namespace, old.name.clone()));
                }
                self.follow_constraints(old.as_deref(), Some(relation));
                self.relation_names.insert((relation.namespace, relation.name.clone()), relation.oid);
            }
            Object::Type(info) => {
                if let Some(old) = self.types.insert(info.oid, info.clone()) {
                    self.type_names.remove(&(old.namespace, old.name.clone()));
                }
                self.type_names.insert((info.namespace, info.name.clone()), info.oid);
            }
            Object::Domain(domain) => {
                self.domains.insert(domain.oid, domain.clone());
            }
            Object::Role(role) => {
                self.roles.insert(role.oid, role.clone());
            }
            Object::Routine(routine) => {
                if let Some(old) = self.routines.insert(routine.oid, routine.clone()) {
                    self.routine_names.remove(&(old.name.clone(), old.namespace, old.oid));
                }
                self.routine_names.insert((routine.name.clone(), routine.namespace, routine.oid));
            }
            Object::Trigger(trigger) => {
                if let Some(old) = self.trigger(trigger.oid).cloned() {
                    self.triggers.remove(&(old.relation, old.name.clone()));
                }
                self.triggers.insert((trigger.relation, trigger.name.clone()), trigger.clone());
            }
            Object::Extension(extension) => {
                self.extensions.insert(extension.oid, extension.clone());
            }
            Object::Operator(operator) => {
                if let Some(old) = self.operators.insert(operator.oid, operator.clone()) {
                    self.operator_names.remove(&(old.name.clone(), old.namespace, old.oid));
                }
                self.operator_names.insert((operator.name.clone(), operator.namespace, operator.oid));
            }
            Object::Cast(cast) => {
                self.casts.insert((cast.source, cast.target), cast.clone());
            }
            Object::OperatorClass(class) => {
                self.operator_classes.insert(class.class.oid, class.clone());
            }
            Object::OperatorFamily(family) => {
                self.operator_families.insert(family.oid, family.clone());
            }
            Object::Range(range) => {
                self.ranges.insert(range.range, range.clone());
            }
            Object::Base(base) => {
                self.base_types.insert(base.ty, base.clone());
            }
            Object::Definition(definition) => {
                self.definitions.insert(definition.oid, definition.clone());
            }
        }
    }

    /// Keeps track of where constraints are when a relation takes the place of another version of itself.
    fn follow_constraints(&mut self, old: Option<&Relation>, new: Option<&Relation>) {
        let oids = |relation: Option<&Relation>| relation.map_or_else(Vec::new, |own| own.constraint_oids().collect());
        let (before, now): (Vec<Oid>, Vec<Oid>) = (oids(old), oids(new));
        if before == now {
            return;
        }
        for gone in before {
            self.constraint_tables.remove(&gone);
        }
        for (oid, relation) in now.into_iter().zip(std::iter::repeat(new).flatten()) {
            self.constraint_tables.insert(oid, relation.oid);
        }
    }

    fn remove(&mut self, key: Key) {
        match key {
            Key::Schema(oid) => {
                self.schemas.remove(&oid);
            }
            Key::Relation(oid) => {
                if let Some(old) = self.relations.remove(&oid) {
                    self.relation_names.remove(&(old.namespace, old.name.clone()));
                    self.follow_constraints(Some(&old), None);
                }
                self.told_sizes.remove(&oid);
            }
            Key::Type(oid) => {
                self.domains.remove(&oid);
                self.ranges.remove(&oid);
                self.base_types.remove(&oid);
                if let Some(old) = self.types.remove(&oid) {
                    self.type_names.remove(&(old.namespace, old.name.clone()));
                }
            }
            Key::Role(oid) => {
                self.roles.remove(&oid);
                let own: Vec<(Oid, Oid)> = self.settings.keys().copied().filter(|(_, role)| *role == oid).collect();
                own.iter().for_each(|place| drop(self.settings.remove(place)));
            }
            Key::Function(oid) => {
                if let Some(old) = self.routines.remove(&oid) {
                    self.routine_names.remove(&(old.name.clone(), old.namespace, old.oid));
                }
            }
            Key::Trigger(_, oid) => {
                if let Some(old) = self.trigger(oid).cloned() {
                    self.triggers.remove(&(old.relation, old.name.clone()));
                }
            }
            Key::Extension(oid) => {
                self.extensions.remove(&oid);
            }
            Key::Operator(oid) => {
                if let Some(old) = self.operators.remove(&oid) {
                    self.operator_names.remove(&(old.name.clone(), old.namespace, old.oid));
                }
            }
            Key::Cast(oid) => {
                let place = self.casts.iter().find(|(_, cast)| cast.oid == oid).map(|(place, _)| *place);
                if let Some(place) = place {
                    self.casts.remove(&place);
                }
            }
            Key::OperatorClass(oid) => {
                self.operator_classes.remove(&oid);
            }
            Key::OperatorFamily(oid) => {
                self.operator_families.remove(&oid);
            }
            Key::Definition(kind, oid) => {
                self.definitions.remove(&oid);
                self.acls.remove(&(kind.class(), oid));
            }
            Key::Column(..)
            | Key::Default(..)
            | Key::Constraint(..)
            | Key::Policy(..)
            | Key::Rule(..)
            | Key::Published(..) => {}
        }
        self.remove_dependencies(key);
        self.remove_comments(key);
    }

    /// Comments go with their objects.
    fn remove_comments(&mut self, key: Key) {
        let Some((class, object, part)) = key.address() else { return };
        let parts = if part == 0 { i32::MIN..=i32::MAX } else { part..=part };
        let range = (class, object, *parts.start())..=(class, object, *parts.end());
        let gone: Vec<_> = self.comments.range(range).map(|(address, _)| *address).collect();
        for address in gone {
            self.comments.remove(&address);
        }
    }

    fn remove_dependencies(&mut self, dependent: Key) {
        let on: Vec<Key> = self.dependencies_of(dependent).map(|(on, _)| on).collect();
        for on in on {
            self.dependencies.remove(&(dependent, on));
            self.dependents.remove(&(on, dependent));
        }
    }

    /// Whether two relations or two types share a name after concurrent changes; the second's index name and key detail.
    pub(crate) fn name_owner(&self, object: &Object) -> Option<Oid> {
        match object {
            Object::Relation(relation) => {
                self.relation_names.get(&(relation.namespace, relation.name.clone())).copied()
            }
            Object::Type(info) => self.type_names.get(&(info.namespace, info.name.clone())).copied(),
            Object::Schema(schema) => self.schema_named(&schema.name).map(|s| s.oid),
            Object::Domain(domain) => Some(domain.oid),
            Object::Role(role) => self.role_named(&role.name).map(|r| r.oid),
            Object::Routine(routine) => {
                let mut named = self.routines_named(routine.namespace, &routine.name);
                named.find(|other| other.args == routine.args && other.oid != routine.oid).map(|other| other.oid)
            }
            Object::Trigger(trigger) => self.trigger_named(trigger.relation, &trigger.name).map(|t| t.oid),
            Object::Extension(extension) => self.extension_named(&extension.name).map(|e| e.oid),
            Object::Operator(operator) => {
                self.operator_in(operator.namespace, &operator.name, operator.left, operator.right)
            }
            Object::Cast(cast) => self.cast(cast.source, cast.target).map(|own| own.oid),
            Object::OperatorClass(own) => {
                self.opclass_in(own.class.namespace, own.class.method, &own.class.name).map(|class| class.oid)
            }
            Object::OperatorFamily(family) => {
                self.opfamily_in(family.namespace, family.method, &family.name).filter(|_| !family.name.is_empty())
            }
            Object::Range(range) => Some(range.range),
            Object::Base(base) => Some(base.ty),
            Object::Definition(own) => self.definition_in(own.kind(), own.namespace, &own.name).map(|other| other.oid),
        }
    }
}

impl TypeLookup for Catalog {
    fn type_info(&self, oid: Oid) -> Option<Arc<TypeInfo>> {
        if oid < Oid::FIRST_NORMAL
            && let Some(builtin) = builtin_types::by_oid(oid)
        {
            return Some(builtin);
        }
        self.types.get(&oid).cloned()
    }
}

impl Catalog {
    /// The fields of a composite type, in order.
    pub fn composite_fields(&self, oid: Oid) -> Option<Arc<[dictdb_types::Field]>> {
        match &self.type_info(oid)?.kind {
            TypeKind::Composite(fields) => Some(fields.clone()),
            TypeKind::Domain(base) => self.composite_fields(base.oid),
            _ => None,
        }
    }
}
