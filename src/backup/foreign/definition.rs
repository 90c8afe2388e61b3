//! A table out of records: its columns, its key, and the catalog objects that it is.

use std::sync::Arc;

use dictdb_catalog::{
    Change, Column, Constraint, ConstraintKind, Dependency, IndexInfo, IndexKey, IndexMethod, IndexTarget, Key, Object,
    Relation, RelationKind, namespaces,
};
use dictdb_types::{Field, Oid, Type, TypeInfo, TypeKind, oids};
use hashbrown::{HashMap, HashSet};

use super::Facts;

/// `pg_opclass.oid` of the default btree classes.
const OPCLASSES: [(Oid, Oid); 10] = [
    (oids::INT8, Oid(3124)),
    (oids::TEXT, Oid(3126)),
    (oids::FLOAT8, Oid(3123)),
    (oids::NUMERIC, Oid(3125)),
    (oids::BOOL, Oid(424)),
    (oids::DATE, Oid(3122)),
    (oids::TIMESTAMP, Oid(3128)),
    (oids::TIMESTAMPTZ, Oid(3127)),
    (oids::BYTEA, Oid(10006)),
    (oids::UUID, Oid(10065)),
];

/// A table to be.
pub(super) struct Definition {
    name: Arc<str>,
    /// The table's; its other objects have the ids behind it.
    oid: Oid,
    columns: Vec<(Arc<str>, Oid)>,
    /// Position of the primary key's column.
    key: Option<usize>,
}

impl Definition {
    /// What the records of a table need; it has no key yet.
    pub(super) fn of(facts: &Facts, oid: Oid) -> Definition {
        let said = |name: &str| facts.schema.iter().find(|(known, _)| known == name).and_then(|(_, ty)| type_named(ty));
        let found: HashMap<&str, Option<Oid>> = facts.survey.fields().collect();
        let known = facts.key.iter().chain(facts.schema.iter().map(|(name, _)| name)).map(String::as_str);
        let mut all = HashSet::new();
        let names = known.chain(facts.survey.fields().map(|(name, _)| name)).filter(|name| all.insert(*name));
        let column = |name: &str| {
            let found = found.get(name).copied().flatten();
            (Arc::from(name), found.or_else(|| said(name)).unwrap_or(oids::TEXT))
        };
        Definition { name: facts.name.as_str().into(), oid, columns: names.map(column).collect(), key: None }
    }

    /// The place and type of the column that may be the key, if there is one.
    pub(super) fn key_column(&self, facts: &Facts) -> Option<(usize, Oid)> {
        let (_, ty) = self.columns.first().filter(|_| facts.key.is_some())?;
        OPCLASSES.iter().any(|(known, _)| known == ty).then_some((0, *ty))
    }

    /// The same with that column as its primary key.
    pub(super) fn with_key(self) -> Definition {
        Definition { key: Some(0), ..self }
    }

    /// Names and types of its columns.
    pub(super) fn columns(&self) -> &[(Arc<str>, Oid)] {
        &self.columns
    }

    pub(super) fn oid(&self) -> Oid {
        self.oid
    }

    fn part(&self, part: u32) -> Oid {
        Oid(self.oid.0 + part)
    }

    /// Types, table, index and key.
    pub(super) fn objects(&self, owner: Oid) -> Vec<Object> {
        let mut relation = Relation::new(self.oid, namespaces::PUBLIC, self.name.clone(), owner, RelationKind::Table);
        relation.columns =
            self.columns.iter().enumerate().map(|(slot, (name, ty))| self.column(slot, name, *ty)).collect();
        relation.row_type = self.part(1);
        relation.storage = self.oid;
        let mut objects = self.types(owner);
        if let Some(slot) = self.key {
            let (constraint, index) = self.key_of(slot, owner);
            relation.indexes.push(index.oid);
            relation.constraints.push(Arc::new(constraint));
            objects.push(Object::Relation(Arc::new(relation)));
            objects.push(Object::Relation(Arc::new(index)));
        } else {
            objects.push(Object::Relation(Arc::new(relation)));
        }
        objects
    }

    fn column(&self, slot: usize, name: &Arc<str>, ty: Oid) -> Column {
        let collation = if ty == oids::TEXT { DEFAULT_COLLATION } else { Oid::INVALID };
        Column { not_null: self.key == Some(slot), collation, ..Column::new(name.clone(), Type::new(ty), slot) }
    }

    fn types(&self, owner: Oid) -> Vec<Object> {
        let fields = self.columns.iter().map(|(name, ty)| Field { name: name.clone(), ty: Type::new(*ty) }).collect();
        let row = TypeInfo {
            oid: self.part(1),
            name: self.name.clone(),
            namespace: namespaces::PUBLIC,
            owner,
            kind: TypeKind::Composite(fields),
            category: b'C',
            preferred: false,
            len: -1,
            by_value: false,
            align: b'd',
            delimiter: b',',
            relation: self.oid,
            element: Oid::INVALID,
            array: self.part(2),
            collation: Oid::INVALID,
            input: Arc::from("record_in"),
        };
        let array = TypeInfo {
            oid: self.part(2),
            name: format!("_{}", self.name).into(),
            kind: TypeKind::Base,
            category: b'A',
            relation: Oid::INVALID,
            element: row.oid,
            array: Oid::INVALID,
            input: Arc::from("array_in"),
            ..row.clone()
        };
        vec![Object::Type(Arc::new(row)), Object::Type(Arc::new(array))]
    }

    fn key_of(&self, slot: usize, owner: Oid) -> (Constraint, Relation) {
        let attnum = slot as i16 + 1;
        let (name, ty): (Arc<str>, Oid) = (format!("{}_pkey", self.name).into(), self.columns[slot].1);
        let opclass = OPCLASSES.iter().find(|(known, _)| *known == ty).map_or(Oid::INVALID, |(_, opclass)| *opclass);
        let (target, key_type) = (IndexTarget::Column(attnum), Type::new(ty));
        let info = IndexInfo {
            table: self.oid,
            method: IndexMethod::Btree,
            unique: true,
            primary: true,
            nulls_not_distinct: false,
            keys: vec![IndexKey {
                target,
                ty: key_type,
                opclass,
                descending: false,
                nulls_first: false,
                statistics: None,
                collation: None,
                options: Vec::new(),
            }],
            include: Vec::new(),
            predicate: None,
            deferrable: false,
            invalid: false,
            partitioned: false,
        };
        let kind = RelationKind::Index(Arc::new(info));
        let mut index = Relation::new(self.part(3), namespaces::PUBLIC, name.clone(), owner, kind);
        index.storage = index.oid;
        let constraint = Constraint {
            oid: self.part(4),
            name,
            relation: self.oid,
            kind: ConstraintKind::Primary { columns: vec![attnum], index: index.oid },
            deferrable: false,
            initially_deferred: false,
            validated: true,
            no_inherit: true,
            local: true,
            inherited: 0,
        };
        (constraint, index)
    }

    /// What depends on what, as CREATE TABLE records it.
    pub(super) fn dependencies(&self) -> Vec<Change> {
        let (table, row) = (Key::Relation(self.oid), Key::Type(self.part(1)));
        let mut pairs = vec![
            (table, Key::Schema(namespaces::PUBLIC), Dependency::Normal),
            (row, table, Dependency::Internal),
            (Key::Type(self.part(2)), row, Dependency::Internal),
        ];
        if let Some(slot) = self.key {
            let (constraint, index) = (Key::Constraint(self.oid, self.part(4)), Key::Relation(self.part(3)));
            pairs.push((constraint, Key::Column(self.oid, slot as i16 + 1), Dependency::Auto));
            pairs.push((index, constraint, Dependency::Internal));
        }
        pairs.into_iter().map(|(dependent, on, kind)| Change::Depend { dependent, on, kind }).collect()
    }
}

/// `pg_collation.oid` of `default`.
const DEFAULT_COLLATION: Oid = Oid(100);

/// What a Python type of a schema is.
fn type_named(name: &str) -> Option<Oid> {
    const TYPES: [(&str, Oid); 6] = [
        ("int", oids::INT8),
        ("str", oids::TEXT),
        ("float", oids::FLOAT8),
        ("bool", oids::BOOL),
        ("list", oids::JSONB),
        ("dict", oids::JSONB),
    ];
    TYPES.iter().find(|(known, _)| *known == name).map(|(_, ty)| *ty)
}
