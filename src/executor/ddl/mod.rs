//! Statements that change the catalog: tables, indexes, sequences, views, types, schemas.
//!
//! They run inside the session's transaction: catalog changes are collected in its [`Definitions`], which also undo what they make in
//! storage when the transaction rolls back. Locks are PostgreSQL's.

mod alter;
mod built_in;
mod collect;
mod column;
mod comment;
mod concurrently;
mod constraint;
mod context;
mod create_as;
mod create_table;
mod default_acl;
mod definition;
mod definitions;
mod dependency;
mod description;
mod domain;
mod drop;
mod exclude;
mod expiry;
mod extension;
mod foreign_key;
mod foreign_table;
mod grant;
mod grantable;
mod index;
mod index_method;
mod inherit;
mod key_trigger;
mod large_object;
mod like;
mod maintenance;
mod names;
mod operator;
mod options;
mod own_type;
mod ownership;
mod partition;
mod policy;
mod range_type;
mod rename;
mod restart;
mod restate;
mod restore;
mod role;
pub mod routine;
mod rule;
mod schema;
mod select_rule;
mod sequence;
mod statement;
mod storage_changes;
mod stored_rows;
mod table_method;
mod tablespace;
mod trigger;
mod truncate;
mod typed;
mod types;
mod view;

use dictdb_parser::Locations;
use dictdb_parser::utility::{
    AlterExtension, AlterExtensionAction, ObjectKind, ObjectRef, Rename, SetOwner, SetSchema, Utility,
};
use dictdb_types::Result;

pub use collect::{Address, Collected, CollectedCommand, DroppedObject, is_temporary};
pub use concurrently::ConcurrentIndex;
pub use context::{Acting, Counted, DatabaseName, DdlContext, Surroundings, Verifiers};
pub use definition::{fires_event_triggers, template_function};
pub use definitions::{Definitions, Position};
pub use large_object::{LargeObject, LargeObjects, Wanted, make_large_object_tables, wanted_large_objects};
pub use names::in_temporary_schema;
pub use restart::Attempt;
pub use restore::{restore_indexes, restore_open_indexes};
pub use storage_changes::StorageChanges;
pub use truncate::after_truncate;

/// How a statement that changes the catalog has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completed {
    /// Its tag says no more than what it was.
    Done,
    /// It has put this many rows into a new table.
    Rows(u64),
}

/// Executes a statement that changes the catalog; `None` when the statement is of another kind.
pub fn execute(statement: &Utility, locations: &Locations, cx: &mut DdlContext<'_>) -> Result<Option<Completed>> {
    cx.until_settled(|cx| cx.collecting(statement, |cx| execute_once(statement, locations, cx)))
}

fn execute_once(statement: &Utility, locations: &Locations, cx: &mut DdlContext<'_>) -> Result<Option<Completed>> {
    match statement {
        Utility::CreateTable(create) => cx.create_table(create, locations)?,
        Utility::AlterTable(alter) => cx.alter_table(alter, locations)?,
        Utility::CreateIndex(create) => cx.create_index(create, locations)?,
        Utility::CreateSequence(create) => cx.create_sequence(create)?,
        Utility::AlterSequence(alter) => cx.alter_sequence(alter)?,
        Utility::CreateSchema(create) => cx.create_schema(create, locations)?,
        Utility::CreateView(create) => cx.create_view(create, locations)?,
        Utility::CreateEnum(create) => cx.create_enum(create)?,
        Utility::CreateComposite(create) => cx.create_composite(create)?,
        Utility::AlterEnum(alter) => cx.alter_enum(alter)?,
        Utility::CreateRule(create) => cx.create_rule(create, locations)?,
        Utility::CreatePolicy(create) => cx.create_policy(create, locations)?,
        Utility::AlterPolicy(alter) => cx.alter_policy(alter, locations)?,
        Utility::CreateFunction(create) => cx.create_function(create, locations)?,
        Utility::AlterFunction(alter) => cx.alter_function(alter)?,
        Utility::Rename(Rename { kind, object: ObjectRef::Function(function), to, .. }) => {
            cx.rename_routine(*kind, function, &to.value)?;
        }
        Utility::SetSchema(SetSchema { kind, object: ObjectRef::Function(function), schema, .. }) => {
            cx.set_routine_schema(*kind, function, &schema.value)?;
        }
        Utility::SetOwner(SetOwner { kind, object: ObjectRef::Function(function), owner }) => {
            cx.set_routine_owner(*kind, function, owner)?;
        }
        Utility::Define(define) => match define.kind {
            ObjectKind::Aggregate => cx.create_aggregate(define)?,
            ObjectKind::Operator => cx.create_operator(define)?,
            ObjectKind::Type => cx.create_base_type(define)?,
            ObjectKind::Collation => cx.create_collation(define)?,
            ObjectKind::TextSearchDictionary
            | ObjectKind::TextSearchConfiguration
            | ObjectKind::TextSearchParser
            | ObjectKind::TextSearchTemplate => cx.create_text_search(define)?,
            _ => return Ok(None),
        },
        Utility::AlterExtension(AlterExtension {
            name,
            action: AlterExtensionAction::Member { add, kind, object },
        }) => {
            cx.change_member(&name.value, *add, *kind, object)?;
        }
        Utility::SetSchema(SetSchema {
            kind: ObjectKind::Extension, object: ObjectRef::Name(name), schema, ..
        }) => {
            cx.set_extension_schema(&names::shown(name), &schema.value)?;
        }
        Utility::CreateRange(define) => cx.create_range_type(define)?,
        Utility::CreateCast(create) => cx.create_cast(create)?,
        Utility::AlterOperator(alter) => cx.alter_operator(alter)?,
        Utility::RefreshCollation(name) => cx.refresh_collation(name)?,
        Utility::AlterType(alter) => cx.alter_base_type(alter)?,
        Utility::CreateOperatorClass(create) => cx.create_operator_class(create)?,
        Utility::CreateOperatorFamily(create) => cx.create_operator_family(create)?,
        Utility::AlterOperatorFamily(alter) => cx.alter_operator_family(alter)?,
        Utility::SetOwner(SetOwner { object: ObjectRef::Operator(operator), owner, .. }) => {
            cx.set_operator_owner(operator, owner)?;
        }
        Utility::SetSchema(SetSchema { object: ObjectRef::Operator(operator), schema, .. }) => {
            cx.set_operator_schema(operator, &schema.value)?;
        }
        Utility::SetOwner(SetOwner { kind, object: ObjectRef::Using(name, method), owner }) => {
            let key = cx.find_class_or_family(name, method, *kind == ObjectKind::OperatorFamily)??;
            let owner = cx.role_oid(owner)?;
            cx.change_class_or_family(key, None, Some(owner), None)?;
        }
        Utility::SetSchema(SetSchema { kind, object: ObjectRef::Using(name, method), schema, .. }) => {
            let key = cx.find_class_or_family(name, method, *kind == ObjectKind::OperatorFamily)??;
            let namespace = cx.new_schema(&schema.value)?;
            cx.change_class_or_family(key, None, None, Some(namespace))?;
        }
        Utility::Rename(Rename { kind, object: ObjectRef::Using(name, method), to, .. }) => {
            let key = cx.find_class_or_family(name, method, *kind == ObjectKind::OperatorFamily)??;
            cx.change_class_or_family(key, Some(&to.value), None, None)?;
        }
        Utility::CreateStatistics(create) => cx.create_statistics(create, locations)?,
        Utility::AlterStatistics(alter) => cx.alter_statistics(alter)?,
        Utility::AlterDictionary(alter) => cx.alter_dictionary(alter)?,
        Utility::AlterConfiguration(alter) => cx.alter_configuration(alter)?,
        Utility::CreatePublication(create) => cx.create_publication(create, locations)?,
        Utility::AlterPublication(alter) => cx.alter_publication(alter, locations)?,
        Utility::CreateEventTrigger(create) => cx.create_event_trigger(create)?,
        Utility::AlterEventTrigger(alter) => cx.alter_event_trigger(alter)?,
        Utility::CreateTablespace(create) => cx.create_tablespace(create)?,
        Utility::AlterTablespace(alter) => cx.alter_tablespace(alter)?,
        Utility::DropTablespace(drop) => cx.drop_tablespace(drop)?,
        Utility::MoveTablespace(mover) => cx.move_tablespace(mover)?,
        Utility::CreateWrapper(create) => cx.create_wrapper(create)?,
        Utility::AlterWrapper(alter) => cx.alter_wrapper(alter)?,
        Utility::CreateServer(create) => cx.create_server(create)?,
        Utility::AlterServer(alter) => cx.alter_server(alter)?,
        Utility::UserMapping(mapping) => cx.user_mapping(mapping)?,
        Utility::ImportForeignSchema(import) => cx.import_foreign_schema(import)?,
        Utility::CreateSubscription(create) => cx.create_subscription(create)?,
        Utility::AlterSubscription(alter) => cx.alter_subscription(alter)?,
        Utility::DropSubscription(drop) => cx.drop_subscription(drop)?,
        Utility::CreateConversion(create) => cx.create_conversion(create)?,
        Utility::CreateAccessMethod(create) => cx.create_access_method(create)?,
        Utility::CreateLanguage(create) => cx.create_language(create)?,
        Utility::CreateTrigger(create) => cx.create_trigger(create, locations)?,
        Utility::Rename(rename) => cx.rename(rename)?,
        Utility::SetSchema(set) => cx.set_schema(set)?,
        Utility::SetOwner(set) => cx.set_owner(set)?,
        Utility::Comment(comment) => cx.comment(comment)?,
        Utility::CreateTableAs(create) => return cx.create_table_as(create, locations).map(Some),
        Utility::RefreshMaterializedView(refresh) => return cx.refresh(refresh).map(Some),
        Utility::CreateDomain(create) => cx.create_domain(create, locations)?,
        Utility::AlterDomain(alter) => cx.alter_domain(alter, locations)?,
        Utility::Reindex(reindex) => cx.reindex(reindex)?,
        Utility::Cluster(cluster) => cx.cluster(cluster)?,
        Utility::CreateRole(create) => cx.create_role(create)?,
        Utility::AlterRole(alter) => cx.alter_role(alter)?,
        Utility::DropRole(drop) => cx.drop_role(drop)?,
        Utility::GrantRole(grant) => cx.grant_role(grant)?,
        Utility::Grant(grant) => cx.grant(grant)?,
        Utility::AlterDefaultPrivileges(alter) => cx.alter_default_privileges(alter)?,
        Utility::ReassignOwned(reassign) => cx.reassign_owned(reassign)?,
        Utility::DropOwned(drop) => cx.drop_owned(drop)?,
        Utility::Drop(drop) => cx.drop_objects(drop)?,
        Utility::Truncate(truncate) => cx.truncate(truncate)?,
        _ => return Ok(None),
    }
    Ok(Some(Completed::Done))
}
