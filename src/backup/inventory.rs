//! Catalog changes and sequences in a file: a name for people, and the stored form for the restore.
//!
//! ```text
//!   {"object": "table public.users", "stored": "<base64 of dictdb_catalog::encode_changes>"}
//!   {"sequence": "public.users_id_seq", "storage": 16390, "last_value": 7, "is_called": true}
//! ```

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dictdb_catalog::{Catalog, Change, Key, Object, decode_changes, encode_changes};
use dictdb_storage::SequenceState;
use dictdb_types::{Oid, Result};
use serde::{Deserialize, Serialize};

use crate::error::damaged;

#[derive(Serialize, Deserialize)]
struct StoredChange {
    object: String,
    stored: String,
}

#[derive(Serialize, Deserialize)]
struct StoredSequence {
    sequence: String,
    storage: u32,
    last_value: i64,
    is_called: bool,
}

/// A change as a line, without the comma.
pub(crate) fn change_line(change: &Change, catalog: &Catalog) -> String {
    let stored = STANDARD.encode(encode_changes(std::slice::from_ref(change)));
    let line = StoredChange { object: label(change, catalog), stored };
    serde_json::to_string(&line).unwrap_or_default()
}

/// The changes of a line.
pub(crate) fn read_change(line: &[u8], file: &str) -> Result<Vec<Change>> {
    let line: StoredChange = serde_json::from_slice(line).map_err(|error| damaged(file, error))?;
    let bytes = STANDARD.decode(&line.stored).map_err(|error| damaged(file, error))?;
    decode_changes(&bytes).map_err(|error| damaged(file, error.message()))
}

/// A sequence as a line, without the comma.
pub(crate) fn sequence_line(storage: Oid, state: SequenceState, catalog: &Catalog) -> String {
    let name = catalog.relations().find(|relation| relation.storage == storage && relation.kind_letter() == 'S');
    let sequence = name.map(|relation| qualified(catalog, relation.namespace, &relation.name)).unwrap_or_default();
    let SequenceState { last_value, is_called } = state;
    serde_json::to_string(&StoredSequence { sequence, storage: storage.0, last_value, is_called }).unwrap_or_default()
}

/// The sequence of a line.
pub(crate) fn read_sequence(line: &[u8], file: &str) -> Result<(Oid, SequenceState)> {
    let line: StoredSequence = serde_json::from_slice(line).map_err(|error| damaged(file, error))?;
    Ok((Oid(line.storage), SequenceState { last_value: line.last_value, is_called: line.is_called }))
}

fn qualified(catalog: &Catalog, namespace: Oid, name: &str) -> String {
    match catalog.schema(namespace) {
        Some(schema) => format!("{}.{name}", schema.name),
        None => name.to_owned(),
    }
}

/// What a change is about, for people.
fn label(change: &Change, catalog: &Catalog) -> String {
    match change {
        Change::Put(object) => object_label(object, catalog),
        Change::Remove(key) => format!("drop {key:?}"),
        Change::Comment((_, object, _), _) => format!("comment on {object}"),
        Change::Acl { object, .. } => format!("privileges on {object}"),
        Change::DefaultAcl { place, .. } => format!("default privileges of role {}", place.0),
        Change::Settings { place: (database, role), .. } => format!("settings of role {role} in database {database}"),
        Change::Parameter(name, _) => format!("privileges on parameter {name}"),
        Change::ToldSize(table, _) => format!("size of {table}"),
        Change::Depend { dependent, on, .. } => format!("{dependent:?} depends on {on:?}"),
        Change::Undepend { dependent } => format!("dependencies of {dependent:?}"),
    }
}

fn object_label(object: &Object, catalog: &Catalog) -> String {
    match object {
        Object::Schema(schema) => format!("schema {}", schema.name),
        Object::Relation(r) => format!("{} {}", r.kind_noun(), qualified(catalog, r.namespace, &r.name)),
        Object::Type(info) => format!("type {}", qualified(catalog, info.namespace, &info.name)),
        Object::Domain(domain) => format!("constraints of {:?}", Key::Type(domain.oid)),
        Object::Role(role) => format!("role {}", role.name),
        Object::Routine(routine) => {
            format!("{} {}", routine.kind_noun(), qualified(catalog, routine.namespace, &routine.name))
        }
        Object::Trigger(trigger) => format!("trigger {}", trigger.name),
        Object::Extension(extension) => format!("extension {}", extension.name),
        Object::Operator(operator) => format!("operator {}", qualified(catalog, operator.namespace, &operator.name)),
        Object::Cast(cast) => format!("cast from type {} to type {}", cast.source, cast.target),
        Object::OperatorClass(own) => {
            format!("operator class {}", qualified(catalog, own.class.namespace, &own.class.name))
        }
        Object::OperatorFamily(family) => {
            format!("operator family {}", qualified(catalog, family.namespace, &family.name))
        }
        Object::Definition(own) => match own.kind().has_schema() {
            true => format!("{} {}", own.kind().noun(), qualified(catalog, own.namespace, &own.name)),
            false => format!("{} {}", own.kind().noun(), own.name),
        },
        Object::Range(range) => format!("range of {:?}", Key::Type(range.range)),
        Object::Base(base) => format!("functions of {:?}", Key::Type(base.ty)),
    }
}
