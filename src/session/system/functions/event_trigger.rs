//! What the functions of event triggers may ask: `pg_event_trigger_ddl_commands` and its kin.

use dictdb_catalog::{Catalog, Column, CommandEvent, Key};
use dictdb_executor::ddl::{CollectedCommand, DroppedObject, is_temporary};
use dictdb_functions::set_returning::{Rows, SetFn};
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_parser::utility::ObjectKind;
use dictdb_types::{Datum, Error, Oid, Result, SqlState};

use super::address::text_array;
use super::arguments::{nullable, records, session};
use crate::StatementEnv;
use crate::event_trigger::running;
use crate::system::address::{self, Address, Identity};
use crate::system::relations::{attrdef_oid, classes, rule_oid};

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_event_trigger_table_rewrite_oid", |cx, _| rewritten(cx, "oid").map(|(table, _)| Datum::Oid(table.0))),
    ("pg_event_trigger_table_rewrite_reason", |cx, _| rewritten(cx, "reason").map(|(_, reason)| Datum::Int4(reason))),
];

pub(super) const SETS: &[(&str, SetFn)] =
    &[("pg_event_trigger_ddl_commands", ddl_commands), ("pg_event_trigger_dropped_objects", dropped_objects)];

/// 39P03.
fn wrong_place(function: &str, place: &str) -> Error {
    let message = format!("{function}() can only be called in {place}");
    Error::new(SqlState::E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED, message)
}

fn rewritten(cx: &CallContext<'_>, what: &str) -> Result<(Oid, i32)> {
    let found = running(session(cx)?).innermost(|command| command.rewritten).flatten();
    found.ok_or_else(|| {
        let function = format!("pg_event_trigger_table_rewrite_{what}");
        wrong_place(&function, "a table_rewrite event trigger function")
    })
}

fn ddl_commands(cx: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let env = session(cx)?;
    let found =
        running(env).innermost(|command| command.event.map(|_| (command.tag, command.collected.commands.clone())));
    let Some((tag, commands)) = found.flatten() else {
        return Err(wrong_place("pg_event_trigger_ddl_commands", "an event trigger function"));
    };
    let rows = commands.iter().filter_map(|command| command_row(env, command, tag));
    Ok(records("pg_event_trigger_ddl_commands", rows.collect()))
}

/// Commands that make something out of a table.
const MAKING_TABLES: [&str; 4] = ["CREATE FOREIGN TABLE", "CREATE MATERIALIZED VIEW", "CREATE TABLE AS", "SELECT INTO"];

/// A row about a command; none when the object it was about is gone.
fn command_row(env: &StatementEnv, command: &CollectedCommand, tag: &'static str) -> Option<Vec<Datum>> {
    let own_tag = match command.tag {
        // The table of CREATE TABLE AS is made by that, and so on.
        Some("CREATE TABLE") if MAKING_TABLES.contains(&tag) => tag,
        Some(made) => made,
        None => tag,
    };
    let Some((class, object, part)) = command.object else {
        let kind = command.kind.map(privileges_on);
        return Some(vec![
            Datum::Null,
            Datum::Null,
            Datum::Null,
            Datum::text(own_tag),
            nullable(kind),
            Datum::Null,
            Datum::Null,
            Datum::Bool(false),
            Datum::Null,
        ]);
    };
    let own = address::identify(env, Address { class, object, part })?;
    let is_part = |index: &dictdb_catalog::Relation| index.index().is_some() && !index.parents.is_empty();
    if class == classes::CLASS && command.tag.is_some() && env.catalog.relation(object).is_some_and(|own| is_part(own))
    {
        // An index of a partition comes with that of its table.
        return None;
    }
    let in_extension = match class {
        classes::CLASS => is_member(env, Key::Relation(object)),
        classes::TYPE => is_member(env, Key::Type(object)),
        classes::PROC => is_member(env, Key::Function(object)),
        _ => false,
    };
    Some(vec![
        Datum::Oid(class.0),
        Datum::Oid(object.0),
        Datum::Int4(part),
        Datum::text(own_tag),
        Datum::text(own.kind),
        nullable(own.schema),
        Datum::text(own.identity),
        Datum::Bool(in_extension),
        Datum::Null,
    ])
}

fn is_member(env: &StatementEnv, key: Key) -> bool {
    env.catalog.dependencies_of(key).any(|(_, kind)| kind == dictdb_catalog::Dependency::Extension)
}

/// What GRANT's row calls the kind of objects.
fn privileges_on(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Table => "TABLE",
        ObjectKind::Sequence => "SEQUENCE",
        ObjectKind::Database => "DATABASE",
        ObjectKind::Domain => "DOMAIN",
        ObjectKind::ForeignDataWrapper => "FOREIGN DATA WRAPPER",
        ObjectKind::Server => "FOREIGN SERVER",
        ObjectKind::Function => "FUNCTION",
        ObjectKind::Language => "LANGUAGE",
        ObjectKind::LargeObject => "LARGE OBJECT",
        ObjectKind::Schema => "SCHEMA",
        ObjectKind::Procedure => "PROCEDURE",
        ObjectKind::Routine => "ROUTINE",
        ObjectKind::Tablespace => "TABLESPACE",
        _ => "TYPE",
    }
}

fn dropped_objects(cx: &CallContext<'_>, _: &[Datum]) -> Result<Rows> {
    let env = session(cx)?;
    let found = running(env)
        .innermost(|command| (command.event == Some(CommandEvent::Drop)).then(|| command.collected.dropped.clone()));
    let Some(dropped) = found.flatten() else {
        return Err(wrong_place("pg_event_trigger_dropped_objects", "a sql_drop event trigger function"));
    };
    // What was dropped last comes first. The parts of an object follow its types.
    let (mut rows, mut parts) = (Vec::new(), Vec::new());
    for object in dropped.iter().rev() {
        if !matches!(object.key, Key::Type(_)) || object.original {
            rows.append(&mut parts);
        }
        let before = env.over(object.catalog.clone());
        let own = address_of(object.key).map(|own| (own, object.original, object.normal));
        rows.extend(own.and_then(|own| dropped_row(&before, object, own)));
        let of_object = parts_of(object.key, &object.catalog).into_iter();
        parts.extend(of_object.filter_map(|part| dropped_row(&before, object, part)));
    }
    rows.append(&mut parts);
    Ok(records("pg_event_trigger_dropped_objects", rows))
}

/// The identity of a dropped object as its row has it: columns have no name there, and what is on a table has its schema.
fn settled(before: &StatementEnv, object: &DroppedObject, address: Address, own: Identity) -> Identity {
    let name = own.name.filter(|_| address.part == 0);
    let on_table = [classes::ATTRDEF, classes::TRIGGER, classes::POLICY].contains(&address.class);
    let table = match object.key {
        Key::Relation(table) | Key::Default(table, _) | Key::Trigger(table, _) | Key::Policy(table, _) => Some(table),
        _ => None,
    };
    let schema = || {
        let table = object.catalog.relation(table.filter(|_| on_table)?)?;
        address::schema_name(before, table.namespace)
    };
    Identity { name, schema: own.schema.or_else(schema), ..own }
}

fn address_of(key: Key) -> Option<Address> {
    if let Key::Default(table, attnum) = key {
        return Some(Address { class: classes::ATTRDEF, object: attrdef_oid(table, attnum), part: 0 });
    }
    let (class, object, part) = key.address()?;
    Some(Address { class, object, part })
}

/// What goes with an object without being one that others depend on; whether it depends on what remains, too.
fn parts_of(key: Key, catalog: &Catalog) -> Vec<(Address, bool, bool)> {
    let part = |class: Oid, object: Oid, normal: bool| (Address { class, object, part: 0 }, false, normal);
    match key {
        Key::Relation(oid) => catalog.relation(oid).map_or_else(Vec::new, |relation| {
            let has_default = |column: &Column| column.default.is_some() && column.identity.is_none();
            let defaults = relation.live_columns().filter(|(_, column)| has_default(column));
            let defaults = defaults.map(|(attnum, _)| part(classes::ATTRDEF, attrdef_oid(oid, attnum), false));
            let constraints = relation.constraints.iter().map(|own| part(classes::CONSTRAINT, own.oid, false));
            let rule = relation.view().map(|_| part(classes::REWRITE, rule_oid(oid), true));
            rule.into_iter().chain(defaults).chain(constraints).collect()
        }),
        Key::Definition(_, oid) => {
            let own = catalog.definition(oid).and_then(|own| own.publication());
            let tables = own.into_iter().flat_map(|info| &info.tables);
            tables.map(|table| part(classes::PUBLICATION_REL, table.oid, false)).collect()
        }
        _ => Vec::new(),
    }
}

/// The row of an object or of a part of it; none when there was no such object.
fn dropped_row(
    before: &StatementEnv,
    object: &DroppedObject,
    (address, original, normal): (Address, bool, bool),
) -> Option<Vec<Datum>> {
    let own = settled(before, object, address, address::identify(before, address)?);
    // A policy is also for roles.
    let normal = normal || !original && matches!(object.key, Key::Policy(..));
    Some(vec![
        Datum::Oid(address.class.0),
        Datum::Oid(address.object.0),
        Datum::Int4(address.part),
        Datum::Bool(original),
        Datum::Bool(normal),
        Datum::Bool(is_temporary(object.key, &object.catalog)),
        Datum::text(own.kind),
        nullable(own.schema.map(unquoted)),
        nullable(own.name.map(unquoted)),
        Datum::text(own.identity),
        text_array(&own.names),
        text_array(&own.args),
    ])
}

/// A name without the quotes that an identity needs.
fn unquoted(name: String) -> String {
    match name.strip_prefix('"').and_then(dictdb_types::unquote_identifier) {
        Some((bare, _)) => bare,
        None => name,
    }
}
