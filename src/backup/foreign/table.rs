//! A table out of records: its columns, its key, and the catalog objects that it is.

use std::sync::Arc;

use dictdb_catalog::{
    Change, Column, Constraint, ConstraintKind, Dependency, IndexInfo, IndexKey, IndexMethod, IndexTarget, Key, Object,
    Relation, RelationKind, namespaces,
};
use dictdb_types::env::BareEnv;
use dictdb_types::{Datum, Error, Field, Oid, Result, SqlState, Type, TypeInfo, TypeKind, oids, text};
use serde_json::{Map, Value};

/// `pg_opclass.oid` of the default btree classes.
const OPCLASSES: [(Oid, Oid); 5] = [
    (oids::INT8, Oid(3124)),
    (oids::TEXT, Oid(3126)),
    (oids::FLOAT8, Oid(3123)),
    (oids::NUMERIC, Oid(3125)),
    (oids::BOOL, Oid(424)),
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
    /// What the records of a table need.
    pub(super) fn of(
        name: &str,
        contents: &Map<String, Value>,
        records: &[&Map<String, Value>],
        oid: Oid,
    ) -> Definition {
        let mut names: Vec<&str> = Vec::new();
        let key = contents.get("primary_key").and_then(Value::as_str);
        let schema = contents.get("schema").and_then(Value::as_object);
        let known = schema.into_iter().flat_map(Map::keys).map(String::as_str);
        let seen = records.iter().flat_map(|record| record.keys()).map(String::as_str);
        let mut all = std::collections::HashSet::new();
        names.extend(key.into_iter().chain(known).chain(seen).filter(|name| all.insert(*name)));
        let columns: Vec<(Arc<str>, Oid)> =
            names.iter().map(|name| (Arc::from(*name), column_type(name, records))).collect();
        let is_key = |name: &str, ty: Oid| {
            let values: Vec<String> = records.iter().filter_map(|r| r.get(name)).map(Value::to_string).collect();
            let unique: std::collections::HashSet<&String> = values.iter().collect();
            let has_nulls = records.iter().any(|record| record.get(name).is_none_or(Value::is_null));
            !has_nulls && unique.len() == records.len() && OPCLASSES.iter().any(|(known, _)| *known == ty)
        };
        let key = key.filter(|_| columns.first().is_some_and(|(name, ty)| is_key(name, *ty))).map(|_| 0);
        Definition { name: name.into(), oid, columns, key }
    }

    pub(super) fn oid(&self) -> Oid {
        self.oid
    }

    fn part(&self, part: u32) -> Oid {
        Oid(self.oid.0 + part)
    }

    /// A record's values by column. XX001 for a value that is not of its column's type.
    pub(super) fn row(&self, record: &Map<String, Value>) -> Result<Vec<Datum>> {
        let value = |(name, ty): &(Arc<str>, Oid)| match record.get(&**name) {
            None | Some(Value::Null) => Ok(Datum::Null),
            Some(Value::String(text)) if *ty == oids::TEXT => Ok(Datum::text(text.as_str())),
            Some(value) => text::input(&value.to_string(), Type::new(*ty), &BareEnv::default()).map_err(|error| {
                Error::new(SqlState::DATA_CORRUPTED, format!("column \"{name}\": {}", error.message()))
            }),
        };
        self.columns.iter().map(value).collect()
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
            keys: vec![IndexKey { target, ty: key_type, opclass, descending: false, nulls_first: false }],
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

/// The type that all values of a column have; `jsonb` when they differ, text when there is none.
fn column_type(name: &str, records: &[&Map<String, Value>]) -> Oid {
    let values = records.iter().filter_map(|record| record.get(name)).filter(|value| !value.is_null());
    let mut common = None;
    for value in values {
        let own = match value {
            Value::Bool(_) => oids::BOOL,
            Value::String(_) => oids::TEXT,
            Value::Number(number) if number.as_i64().is_some() => oids::INT8,
            Value::Number(number) if number.to_string().contains(['.', 'e', 'E']) => oids::FLOAT8,
            Value::Number(_) => oids::NUMERIC,
            _ => oids::JSONB,
        };
        common = Some(match common {
            None => own,
            Some(before) if before == own => own,
            Some(oids::INT8 | oids::NUMERIC) if matches!(own, oids::INT8 | oids::NUMERIC) => oids::NUMERIC,
            Some(oids::INT8 | oids::FLOAT8 | oids::NUMERIC)
                if matches!(own, oids::INT8 | oids::FLOAT8 | oids::NUMERIC) =>
            {
                oids::NUMERIC
            }
            Some(_) => oids::JSONB,
        });
    }
    common.unwrap_or(oids::TEXT)
}
