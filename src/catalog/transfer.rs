//! A catalog on its way to another server: the same objects under other role ids and with rows under other storage ids.

use std::collections::BTreeMap;
use std::sync::Arc;

use dictdb_types::Oid;

use crate::{Catalog, Change, Key, Object, RelationKind};

/// `pg_class.oid` of `pg_database`.
const DATABASE_CLASS: Oid = Oid(1262);
/// `pg_class.oid` of `pg_authid`.
const ROLE_CLASS: Oid = Oid(1260);
/// `pg_class.oid` of `pg_tablespace`.
const TABLESPACE_CLASS: Oid = Oid(1213);

/// Whether comments on a catalog's objects are of all databases (`pg_shdescription`).
pub fn are_comments_shared(class: Oid) -> bool {
    matches!(class, DATABASE_CLASS | ROLE_CLASS | TABLESPACE_CLASS)
}

impl Change {
    /// Whether it is about a database that is not this one: what its comment, privileges and settings are is not told with this one.
    pub fn is_of_another_database(&self, own: Oid) -> bool {
        let other = match self {
            Change::Comment((DATABASE_CLASS, object, _), _) => *object,
            Change::Acl { class: DATABASE_CLASS, object, .. } => *object,
            Change::Settings { place: (database, _), .. } if database.is_valid() => *database,
            _ => return false,
        };
        other != own
    }
}

impl Catalog {
    /// The same with other roles in the place of its own, by oid. The roles themselves stay as they are.
    #[must_use]
    pub fn with_roles(&self, roles: &BTreeMap<Oid, Oid>) -> Catalog {
        if roles.iter().all(|(from, to)| from == to) {
            return self.clone();
        }
        let role = |oid: Oid| roles.get(&oid).copied().unwrap_or(oid);
        let mut moved = self.clone();
        macro_rules! owned {
            ($($objects:ident: $object:path),*) => {
                $(for known in self.$objects.values().filter(|known| role(known.owner) != known.owner) {
                    let mut known = (**known).clone();
                    known.owner = role(known.owner);
                    moved.apply(&Change::Put($object(Arc::new(known))));
                })*
            };
        }
        owned!(schemas: Object::Schema, relations: Object::Relation, types: Object::Type, routines: Object::Routine, extensions: Object::Extension,
            operators: Object::Operator, operator_classes: Object::OperatorClass,
            operator_families: Object::OperatorFamily, definitions: Object::Definition);
        moved.default_acls = self
            .default_acls
            .iter()
            .map(|((owner, schema, kind), acl)| ((role(*owner), *schema, *kind), acl.clone()))
            .collect();
        moved.settings = self.settings.iter().map(|((of, id), values)| ((*of, role(*id)), values.clone())).collect();
        let key = |key: Key| if let Key::Role(oid) = key { Key::Role(role(oid)) } else { key };
        moved.dependencies = self.dependencies.iter().map(|((a, b), kind)| ((key(*a), key(*b)), *kind)).collect();
        moved.dependents = self.dependents.iter().map(|((a, b), kind)| ((key(*a), key(*b)), *kind)).collect();
        moved
    }

    /// Takes the settings of one database along as those of another one; all others are as they are `here`.
    pub fn move_settings(&mut self, from: Oid, here: &Catalog, to: Oid) {
        let own = self.settings.iter().filter(|((database, _), _)| *database == from);
        let own = own.map(|((_, role), values)| ((to, *role), values.clone()));
        let others = here.settings.iter().filter(|((database, _), _)| *database != to);
        self.settings = others.map(|(place, values)| (*place, values.clone())).chain(own).collect();
    }

    /// Takes the privileges on configuration parameters of all databases `here`; parameters that have none there keep their own, under
    /// their oids if those are free.
    pub fn move_parameters(&mut self, here: &Catalog, mut new_oid: impl FnMut() -> Oid) {
        let is_taken = |oid: Oid| here.parameters().any(|(_, other, _)| other == oid);
        let mut moved = here.parameters.clone();
        for (name, (oid, list)) in self.parameters.iter().filter(|(name, _)| !here.parameters.contains_key(*name)) {
            let oid = if is_taken(*oid) { new_oid() } else { *oid };
            moved.insert(name.clone(), (oid, list.clone()));
        }
        self.parameters = moved;
    }

    /// Takes what belongs to sessions out: temporary schemas and all that is in them. Returns the places in storage that are left.
    pub fn remove_temporary(&mut self) -> Vec<Oid> {
        let schemas: Vec<Oid> = self.schemas().filter(|schema| schema.is_temporary()).map(|s| s.oid).collect();
        if schemas.is_empty() {
            return Vec::new();
        }
        let is_temporary = |namespace: Oid| schemas.contains(&namespace);
        let relations = self.relations().filter(|relation| is_temporary(relation.namespace));
        let (mut gone, left): (Vec<Key>, Vec<Oid>) =
            relations.map(|relation| (Key::Relation(relation.oid), relation.storage)).unzip();
        gone.extend(self.user_types().filter(|info| is_temporary(info.namespace)).map(|info| Key::Type(info.oid)));
        let routines = self.routines().filter(|routine| is_temporary(routine.namespace));
        gone.extend(routines.map(|routine| Key::Function(routine.oid)));
        gone.extend(schemas.iter().map(|oid| Key::Schema(*oid)));
        gone.into_iter().for_each(|key| self.apply(&Change::Remove(key)));
        left
    }

    /// Takes the comment on one database along as that of another one, and those on roles that are not `here` under their new oids;
    /// what else is of all databases is as it is `here`.
    pub fn move_comments(&mut self, from: Oid, here: &Catalog, to: Oid, roles: &BTreeMap<Oid, Oid>) {
        let moved = |class: Oid, object: Oid| match class {
            DATABASE_CLASS => (object == from).then_some(to),
            ROLE_CLASS => roles.get(&object).copied().filter(|role| here.role(*role).is_none()),
            TABLESPACE_CLASS => None,
            _ => Some(object),
        };
        let own = self.comments.iter().filter_map(|((class, object, part), text)| {
            moved(*class, *object).map(|object| ((*class, object, *part), text.clone()))
        });
        let others = here
            .comments
            .iter()
            .filter(|((class, object, _), _)| are_comments_shared(*class) && (*class, *object) != (DATABASE_CLASS, to));
        self.comments = others.map(|(place, text)| (*place, text.clone())).chain(own).collect();
    }

    /// Takes what is of all databases from another catalog: roles, their settings, tablespaces, privileges on databases and parameters,
    /// comments on all of them.
    pub fn share_with(&mut self, here: &Catalog) {
        let shared = here.comments.iter().filter(|((class, ..), _)| are_comments_shared(*class));
        let own = self.comments.iter().filter(|((class, ..), _)| !are_comments_shared(*class));
        self.comments = shared.chain(own).map(|(place, text)| (*place, text.clone())).collect();
        self.roles = here.roles.clone();
        self.settings = here.settings.clone();
        self.parameters = here.parameters.clone();
        self.acls = here
            .acls
            .iter()
            .filter(|((class, _), _)| *class == DATABASE_CLASS)
            .chain(self.acls.iter().filter(|((class, _), _)| *class != DATABASE_CLASS))
            .map(|(place, acl)| (*place, acl.clone()))
            .collect();
        self.share_tablespaces(here);
    }

    /// Takes over the schemas of sessions' temporary objects, which stay with their sessions; not the objects.
    pub fn keep_temporary_schemas(&mut self, here: &Catalog) {
        for schema in here.schemas().filter(|schema| schema.is_temporary()) {
            self.apply(&Change::Put(Object::Schema(schema.clone())));
        }
    }

    /// Gives every table and sequence another place in storage; `place` is told the old one.
    pub fn move_storage(&mut self, mut place: impl FnMut(Oid) -> Oid) {
        let has_place = |kind: &RelationKind| matches!(kind, RelationKind::Sequence(_));
        let stored = self.relations.values().filter(|relation| relation.is_stored() || has_place(&relation.kind));
        for relation in stored.cloned().collect::<Vec<_>>() {
            let mut relation = (*relation).clone();
            relation.storage = place(relation.storage);
            self.apply(&Change::Put(Object::Relation(Arc::new(relation))));
        }
    }
}
