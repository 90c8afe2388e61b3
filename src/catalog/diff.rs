//! From one version of a catalog to another: the changes in between, wherever the two come from.
//!
//! Objects are compared by identity first: versions of one catalog share what did not change, so the difference of two of them
//! costs what changed, apart from one look at every object.

use std::collections::BTreeSet;
use std::sync::Arc;

use dictdb_types::{Oid, TypeInfo};
use imbl::OrdMap;

use crate::{
    Catalog, Change, Definition, Extension, Key, Object, Operator, OperatorFamily, Relation, Routine, Schema, Trigger,
};

/// An object that goes by a name among others.
trait Named: Clone {
    fn name(&self) -> (Oid, &Arc<str>);
    fn rename(&mut self, name: Arc<str>);
}

macro_rules! named {
    ($($ty:ty: $place:ident),*) => {
        $(impl Named for $ty {
            fn name(&self) -> (Oid, &Arc<str>) {
                (self.$place, &self.name)
            }

            fn rename(&mut self, name: Arc<str>) {
                self.name = name;
            }
        })*
    };
}

named!(
    Schema: owner, Relation: namespace, TypeInfo: namespace, Routine: namespace, Trigger: relation, Extension: namespace,
    Operator: namespace, OperatorFamily: namespace, Definition: namespace
);

/// Collects changes, in an order in which they can be applied.
#[derive(Default)]
struct Difference {
    removed: Vec<Change>,
    /// Objects that take another name make room for each other first.
    renamed: Vec<Change>,
    put: Vec<Change>,
}

impl Difference {
    fn objects<K: Ord + Clone, T: Named>(
        &mut self,
        (from, to): (&OrdMap<K, Arc<T>>, &OrdMap<K, Arc<T>>),
        key: impl Fn(&T) -> Key,
        object: impl Fn(Arc<T>) -> Object,
    ) {
        for (id, old) in from {
            match to.get(id) {
                None => self.removed.push(Change::Remove(key(old))),
                Some(new) if new.name() != old.name() => {
                    let mut passing = T::clone(old);
                    passing.rename(format!("{}\u{1}", new.name().1).into());
                    self.renamed.push(Change::Put(object(Arc::new(passing))));
                }
                Some(_) => {}
            }
        }
        let changed = to.iter().filter(|(id, new)| !from.get(*id).is_some_and(|old| Arc::ptr_eq(old, new)));
        self.put.extend(changed.map(|(_, new)| Change::Put(object(new.clone()))));
    }

    /// Objects that do not change names with each other.
    fn entries<K: Ord + Clone, T>(
        &mut self,
        (from, to): (&OrdMap<K, Arc<T>>, &OrdMap<K, Arc<T>>),
        key: impl Fn(&T) -> Option<Key>,
        object: impl Fn(Arc<T>) -> Object,
    ) {
        let gone = from.iter().filter(|(id, _)| !to.contains_key(*id));
        self.removed.extend(gone.filter_map(|(_, old)| key(old)).map(Change::Remove));
        let changed = to.iter().filter(|(id, new)| !from.get(*id).is_some_and(|old| Arc::ptr_eq(old, new)));
        self.put.extend(changed.map(|(_, new)| Change::Put(object(new.clone()))));
    }

    fn values<K: Ord + Clone, V: Clone + PartialEq>(
        &mut self,
        (from, to): (&OrdMap<K, V>, &OrdMap<K, V>),
        change: impl Fn(&K, Option<&V>) -> Change,
    ) {
        let gone = from.keys().filter(|key| !to.contains_key(*key));
        self.removed.extend(gone.map(|key| change(key, None)));
        let changed = to.iter().filter(|(key, value)| from.get(*key) != Some(*value));
        self.put.extend(changed.map(|(key, value)| change(key, Some(value))));
    }
}

impl Catalog {
    /// The changes that make `to` of this one; roles, which are of all databases, only when asked for.
    pub fn changes_to(&self, to: &Catalog, with_roles: bool) -> Vec<Change> {
        // Named one by one, so that a new kind of object does not compile before it is compared.
        let Catalog {
            version: _,
            schemas,
            relations,
            types,
            roles,
            domains,
            acls,
            default_acls,
            settings,
            told_sizes,
            parameters,
            comments,
            dependencies: _,
            dependents: _,
            relation_names: _,
            type_names: _,
            constraint_tables: _,
            routines,
            triggers: _,
            extensions,
            routine_names: _,
            operators,
            operator_names: _,
            casts,
            operator_classes,
            operator_families,
            ranges,
            base_types,
            definitions,
        } = self;
        let mut found = Difference::default();
        found.objects(
            (&self.triggers_by_oid(), &to.triggers_by_oid()),
            |t| Key::Trigger(t.relation, t.oid),
            Object::Trigger,
        );
        found.objects((extensions, &to.extensions), |e| Key::Extension(e.oid), Object::Extension);
        found.entries((casts, &to.casts), |cast| Some(Key::Cast(cast.oid)), Object::Cast);
        found.entries(
            (operator_classes, &to.operator_classes),
            |own| Some(Key::OperatorClass(own.class.oid)),
            Object::OperatorClass,
        );
        found.objects(
            (operator_families, &to.operator_families),
            |family| Key::OperatorFamily(family.oid),
            Object::OperatorFamily,
        );
        found.objects((definitions, &to.definitions), |own| own.key(), Object::Definition);
        found.objects((operators, &to.operators), |operator| Key::Operator(operator.oid), Object::Operator);
        found.objects((relations, &to.relations), |r| Key::Relation(r.oid), Object::Relation);
        found.objects((routines, &to.routines), |r| Key::Function(r.oid), Object::Routine);
        found.objects((types, &to.types), |t| Key::Type(t.oid), Object::Type);
        found.objects((schemas, &to.schemas), |s| Key::Schema(s.oid), Object::Schema);
        // What belongs to a type goes with it.
        found.entries((domains, &to.domains), |_| None, Object::Domain);
        found.entries((ranges, &to.ranges), |_| None, Object::Range);
        found.entries((base_types, &to.base_types), |_| None, Object::Base);
        found.values((comments, &to.comments), |key, text| Change::Comment(*key, text.cloned()));
        found.values((acls, &to.acls), |(class, object), acl| Change::Acl {
            class: *class,
            object: *object,
            acl: acl.cloned(),
        });
        found.values((default_acls, &to.default_acls), |place, listed| Change::DefaultAcl {
            place: *place,
            oid: listed.map_or(Oid::INVALID, |(oid, _)| *oid),
            acl: listed.map(|(_, acl)| acl.clone()),
        });
        found.values((settings, &to.settings), |place, values| Change::Settings {
            place: *place,
            values: values.cloned(),
        });
        found.values((told_sizes, &to.told_sizes), |table, size| Change::ToldSize(*table, size.copied()));
        found.values((parameters, &to.parameters), |name, list| Change::Parameter(name.clone(), list.cloned()));
        let mut changes = found.removed;
        if with_roles {
            let gone = roles.keys().filter(|oid| !to.roles.contains_key(*oid));
            changes.extend(gone.map(|oid| Change::Remove(Key::Role(*oid))));
            let new = to.roles.iter().filter(|(oid, new)| !roles.get(*oid).is_some_and(|old| Arc::ptr_eq(old, new)));
            changes.extend(new.map(|(_, role)| Change::Put(Object::Role(role.clone()))));
        }
        changes.extend(found.renamed);
        // Types before the relations that use them, as in a dump.
        let rank = |change: &Change| match change {
            Change::Put(Object::Schema(_)) => 0,
            Change::Put(Object::Type(_)) => 1,
            Change::Put(Object::Domain(_) | Object::Range(_) | Object::Base(_)) => 2,
            Change::Put(Object::Relation(_)) => 3,
            Change::Put(Object::Routine(_)) => 4,
            Change::Put(_) => 5,
            _ => 6,
        };
        found.put.sort_by_key(rank);
        changes.extend(found.put);
        self.dependencies_to(to, &mut changes);
        changes
    }

    /// The same without the objects of sessions.
    #[must_use]
    pub fn without_temporary(&self) -> Catalog {
        let schemas: BTreeSet<Oid> =
            self.schemas.values().filter(|schema| schema.is_temporary()).map(|schema| schema.oid).collect();
        let mut kept = self.clone();
        if schemas.is_empty() {
            return kept;
        }
        let relations =
            self.relations.values().filter(|r| schemas.contains(&r.namespace)).map(|r| Key::Relation(r.oid));
        let types = self.types.values().filter(|t| schemas.contains(&t.namespace)).map(|t| Key::Type(t.oid));
        let routines = self.routines.values().filter(|r| schemas.contains(&r.namespace));
        let operators =
            self.operators.values().filter(|o| schemas.contains(&o.namespace)).map(|o| Key::Operator(o.oid));
        let definitions = self.definitions.values().filter(|own| schemas.contains(&own.namespace));
        let gone = relations.chain(types).chain(routines.map(|r| Key::Function(r.oid))).chain(operators);
        let gone = gone.chain(definitions.map(|own| own.key()));
        for key in gone.chain(schemas.iter().map(|oid| Key::Schema(*oid))) {
            kept.apply(&Change::Remove(key));
        }
        kept
    }

    fn triggers_by_oid(&self) -> OrdMap<Oid, Arc<Trigger>> {
        self.triggers.values().map(|trigger| (trigger.oid, trigger.clone())).collect()
    }

    /// Dependencies of what depends on something else than before, or is new.
    fn dependencies_to(&self, to: &Catalog, changes: &mut Vec<Change>) {
        let gone = self.dependencies.iter().filter(|(pair, kind)| to.dependencies.get(*pair) != Some(*kind));
        let again: BTreeSet<Key> = gone.map(|((dependent, _), _)| *dependent).collect();
        changes.extend(again.iter().map(|dependent| Change::Undepend { dependent: *dependent }));
        let wanted = to
            .dependencies
            .iter()
            .filter(|(pair, kind)| again.contains(&pair.0) || self.dependencies.get(*pair) != Some(*kind));
        changes.extend(wanted.map(|((dependent, on), kind)| Change::Depend {
            dependent: *dependent,
            on: *on,
            kind: *kind,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BOOTSTRAP_ROLE, CatalogStore, Dependency, RelationKind, namespaces};

    fn table(oid: u32, name: &str) -> Change {
        let relation = Relation::new(Oid(oid), namespaces::PUBLIC, name.into(), BOOTSTRAP_ROLE, RelationKind::Table);
        Change::Put(Object::Relation(Arc::new(relation)))
    }

    fn made(changes: &[Change]) -> Catalog {
        let mut catalog = Catalog::bootstrap();
        changes.iter().for_each(|change| catalog.replay(change));
        catalog
    }

    #[test]
    fn changes_lead_from_one_to_the_other() {
        let depend = |a, b| Change::Depend {
            dependent: Key::Relation(Oid(a)),
            on: Key::Relation(Oid(b)),
            kind: Dependency::Normal,
        };
        let comment = |oid, text: &str| Change::Comment((Oid(1259), Oid(oid), 0), Some(text.into()));
        let from = made(&[
            table(20_000, "a"),
            table(20_001, "b"),
            table(20_002, "c"),
            depend(20_001, 20_002),
            comment(20_000, "x"),
        ]);
        // Two change names with each other, one goes, one comes.
        let to = made(&[
            table(20_000, "b"),
            table(20_001, "a"),
            table(20_003, "c"),
            depend(20_001, 20_003),
            comment(20_001, "y"),
        ]);
        let store = CatalogStore::new(from.clone());
        let reached = store.commit(&from.changes_to(&to, true)).unwrap();
        assert_eq!(format!("{:?}", reached.dump()), format!("{:?}", to.dump()));
        assert_eq!(reached.relation_in(namespaces::PUBLIC, "b").unwrap().oid, Oid(20_000));
        assert!(reached.changes_to(&reached, true).is_empty());
        let dependents: Vec<_> = reached.dependents_of(Key::Relation(Oid(20_002))).collect();
        assert!(dependents.is_empty());
    }
}
