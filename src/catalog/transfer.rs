//! A catalog on its way to another server: the same objects under other role ids and with rows under other storage ids.

use std::collections::BTreeMap;
use std::sync::Arc;

use dictdb_types::Oid;

use crate::{Catalog, Change, Key, Object, RelationKind};

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
