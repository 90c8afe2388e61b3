//! CREATE and ALTER EXTENSION: a script runs in the extension's schema, and what it makes belongs to the extension.
//!
//! ```text
//!   control   what can be created, as PostgreSQL's control files say it     available   the views over them
//! ```
//! DROP EXTENSION is a DROP like any other: members depend on their extension.

mod available;
mod control;

use std::sync::Arc;

use dictdb_catalog::{
    AclKind, BOOTSTRAP_ROLE, Catalog, Change, Dependency, Extension, Key, Object, PG_EXTENSION, Privileges, Relation,
    RelationKind,
};
use dictdb_parser::utility::{CreateExtension, Utility};
use dictdb_parser::{Limits, Statement, parse};
use dictdb_types::{Datum, Error, Oid, Result, Severity, SqlState, TypeInfo, quote_identifier};

pub(crate) use available::SETS;
use control::{CONTROLS, Control};

use crate::Session;
use crate::client::Tag;
use crate::portal::Outcome;
use crate::prepared::Source;
use crate::settings::Scope;

/// `pg_class.oid` of `pg_database`.
const PG_DATABASE: Oid = Oid(1262);

impl Session {
    /// CREATE EXTENSION.
    pub(crate) fn create_extension(&mut self, create: &CreateExtension) -> Result<Outcome> {
        let name = &create.name.value;
        check_name(name)?;
        let done = Outcome::Done(Tag::new("CREATE EXTENSION"));
        if self.env().catalog.extension_named(name).is_some() {
            let message = format!("extension \"{name}\" already exists");
            if !create.if_not_exists {
                return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
            }
            let (severity, code) = (Severity::Notice, SqlState::DUPLICATE_OBJECT);
            self.shared.notice(Error::with_severity(severity, code, format!("{message}, skipping")));
            return Ok(done);
        }
        let schema = create.schema.as_ref().map(|schema| schema.value.as_str());
        let schema = schema.map(|name| self.schema_of(name)).transpose()?;
        self.install(name, create.version.as_deref(), schema, create.cascade)?;
        Ok(done)
    }

    fn schema_of(&mut self, name: &str) -> Result<Oid> {
        let found = self.env().catalog.schema_named(name).map(|schema| schema.oid);
        found.ok_or_else(|| Error::new(SqlState::INVALID_SCHEMA_NAME, format!("schema \"{name}\" does not exist")))
    }

    /// Makes an extension and, with CASCADE, those it requires.
    fn install(&mut self, name: &str, version: Option<&str>, schema: Option<Oid>, cascade: bool) -> Result<()> {
        let control = Control::named(name).ok_or_else(|| unavailable(name))?;
        if let Some(version) = version.filter(|version| *version != control.version) {
            let message =
                format!("extension \"{name}\" has no installation script nor update path for version \"{version}\"");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        self.check_may_create(control)?;
        let namespace = match (control.schema, schema) {
            (Some(fixed), None) => self.schema_of(fixed)?,
            (Some(fixed), Some(schema)) if self.schema_of(fixed).ok() != Some(schema) => {
                let message = format!("extension \"{name}\" must be installed in schema \"{fixed}\"");
                return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
            }
            (_, Some(schema)) => schema,
            (None, None) => self
                .env()
                .creation_schema()
                .ok_or_else(|| Error::new(SqlState::INVALID_SCHEMA_NAME, "no schema has been selected to create in"))?,
        };
        let required = self.required(control, schema, cascade)?;
        let oid = self.shared.database.catalog.allocate_oid();
        let extension = Extension {
            oid,
            name: control.name.into(),
            owner: self.role(),
            namespace,
            relocatable: control.relocatable,
            version: control.version.into(),
        };
        self.record(Change::Put(Object::Extension(Arc::new(extension))));
        let on = required.into_iter().map(Key::Extension).chain([Key::Schema(namespace)]);
        for on in on {
            self.record(Change::Depend { dependent: Key::Extension(oid), on, kind: Dependency::Normal });
        }
        self.record(Change::Comment((PG_EXTENSION, oid, 0), Some(control.comment.into())));
        // What a trusted extension makes belongs to the bootstrap superuser, whoever creates it.
        let superuser = self.env().catalog.role(BOOTSTRAP_ROLE).map(|role| role.name.clone());
        let elevated = control.trusted && control.superuser && !self.shared.is_superuser();
        let outer = elevated.then(|| self.shared.act_as(superuser));
        let done = self.run_script(control, Key::Extension(oid), namespace);
        if let Some(user) = outer {
            self.shared.act_as(user);
        }
        done
    }

    /// 42501 unless the role may have the extension.
    fn check_may_create(&mut self, control: &Control) -> Result<()> {
        let may = !control.superuser || self.shared.is_superuser() || control.trusted && self.may_create_in_database();
        if may {
            return Ok(());
        }
        let message = format!("permission denied to create extension \"{}\"", control.name);
        let error = Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message);
        Err(error.hint(match control.trusted {
            true => "Must have CREATE privilege on current database to create this extension.",
            false => "Must be superuser to create this extension.",
        }))
    }

    /// Whether the role may create objects in the database.
    fn may_create_in_database(&mut self) -> bool {
        let (role, catalog) = (self.role(), self.env().catalog.clone());
        let database = &self.shared.database;
        let acl = catalog.acl_of(PG_DATABASE, database.oid);
        let held = catalog.held_privileges(role, AclKind::Database, database.attributes.owner, acl);
        held.privileges.contains(Privileges::CREATE)
    }

    /// The extensions that another one needs.
    fn required(&mut self, control: &Control, schema: Option<Oid>, cascade: bool) -> Result<Vec<Oid>> {
        let mut found = Vec::with_capacity(control.requires.len());
        for name in control.requires {
            if self.env().catalog.extension_named(name).is_none() {
                if !cascade {
                    let message = format!("required extension \"{name}\" is not installed");
                    return Err(Error::new(SqlState::UNDEFINED_OBJECT, message)
                        .hint("Use CREATE EXTENSION ... CASCADE to install required extensions too."));
                }
                let message = format!("installing required extension \"{name}\"");
                let code = SqlState::SUCCESSFUL_COMPLETION;
                self.shared.notice(Error::with_severity(Severity::Notice, code, message));
                self.install(name, None, schema, true)?;
            }
            found.extend(self.env().catalog.extension_named(name).map(|extension| extension.oid));
        }
        Ok(found)
    }

    /// Runs the statements of the script with the extension's schema in front of the search path.
    fn run_script(&mut self, control: &Control, extension: Key, namespace: Oid) -> Result<()> {
        let catalog = self.env().catalog.clone();
        let schema = catalog.schema(namespace).map(|schema| schema.name.clone()).unwrap_or_default();
        let before = self.shared.settings.lock().text("search_path");
        self.shared.set(&catalog, "search_path", &quote_identifier(&schema), Scope::Local)?;
        let messages = self.shared.settings.lock().text("client_min_messages");
        self.shared.set(&catalog, "client_min_messages", "warning", Scope::Local)?;
        let text: Arc<str> = control.script.into();
        let result = parse(&text, &Limits::default()).and_then(|statements| {
            // A script that psql can run too may begin and end a transaction; here it is part of one.
            let mut own = statements.into_iter().filter(|statement| !is_transaction_command(&statement.statement));
            own.try_for_each(|statement| {
                let source = Arc::new(Source::new(text.clone(), statement, &[]));
                let begun = self.definitions.catalog.changes().len();
                self.routines.calls.depth += 1;
                let run = self.run_command(&source, &Arc::<[Datum]>::default());
                self.routines.calls.depth -= 1;
                run?;
                self.adopt(extension, begun);
                Ok(())
            })
        });
        if result.is_ok() {
            self.shared.set(&catalog, "client_min_messages", &messages, Scope::Local)?;
            self.shared.set(&catalog, "search_path", &before, Scope::Local)?;
        }
        result
    }

    /// What was made since a point of the transaction becomes a member of an extension.
    fn adopt(&mut self, extension: Key, begun: usize) {
        let catalog = self.env().catalog.clone();
        let made = self.definitions.catalog.changes()[begun..].iter();
        let mut members: Vec<Key> = made.filter_map(|change| member_of(change, &catalog)).collect();
        members.dedup();
        for dependent in members {
            self.record(Change::Depend { dependent, on: extension, kind: Dependency::Extension });
        }
    }

    pub(crate) fn record(&mut self, change: Change) {
        self.definitions.catalog.change(&self.shared.database.catalog, change);
        self.catalog_epoch = self.shared.instance.new_epoch();
    }

    /// ALTER EXTENSION … UPDATE.
    pub(crate) fn update_extension(&mut self, name: &str, version: Option<&str>) -> Result<Outcome> {
        let found = self.env().catalog.extension_named(name).cloned();
        let extension = found
            .ok_or_else(|| Error::new(SqlState::UNDEFINED_OBJECT, format!("extension \"{name}\" does not exist")))?;
        let latest = Control::named(name).map_or(&*extension.version, |control| control.version);
        let wanted = version.unwrap_or(latest);
        if wanted != &*extension.version {
            let message = format!(
                "extension \"{name}\" has no update path from version \"{}\" to version \"{wanted}\"",
                extension.version
            );
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        let message = format!("version \"{wanted}\" of extension \"{name}\" is already installed");
        self.shared.notice(Error::with_severity(Severity::Notice, SqlState::SUCCESSFUL_COMPLETION, message));
        Ok(Outcome::Done(Tag::new("ALTER EXTENSION")))
    }
}

fn is_transaction_command(statement: &Statement) -> bool {
    matches!(statement, Statement::Utility(utility) if matches!(**utility, Utility::Transaction(_)))
}

/// 22023 for what cannot be the name of a file.
fn check_name(name: &str) -> Result<()> {
    let why = if name.contains("--") {
        "Extension names must not contain \"--\"."
    } else if name.starts_with('-') || name.ends_with('-') {
        "Extension names must not begin or end with \"-\"."
    } else if name.contains(['/', '\\']) {
        "Extension names must not contain directory separator characters."
    } else {
        return Ok(());
    };
    Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, format!("invalid extension name: \"{name}\"")).detail(why))
}

/// 0A000 for an extension that there is not.
fn unavailable(name: &str) -> Error {
    let error = Error::new(SqlState::FEATURE_NOT_SUPPORTED, format!("extension \"{name}\" is not available"));
    let known: Vec<&str> = CONTROLS.iter().map(|control| control.name).collect();
    error
        .detail("There is no extension of this name.")
        .hint(format!("Extensions that can be created: {}.", known.join(", ")))
}

/// The object that a change makes, if it counts as one: parts of tables do not.
fn member_of(change: &Change, catalog: &Catalog) -> Option<Key> {
    let Change::Put(object) = change else { return None };
    match object {
        Object::Schema(schema) => Some(Key::Schema(schema.oid)),
        Object::Routine(routine) => Some(Key::Function(routine.oid)),
        Object::Relation(relation) => counts(relation).then_some(Key::Relation(relation.oid)),
        Object::Type(info) => is_own_type(info, catalog).then_some(Key::Type(info.oid)),
        Object::Operator(operator) => operator.code.is_valid().then_some(Key::Operator(operator.oid)),
        Object::Cast(cast) => Some(Key::Cast(cast.oid)),
        Object::OperatorClass(own) => Some(Key::OperatorClass(own.class.oid)),
        Object::Definition(own) => Some(own.key()),
        Object::OperatorFamily(family) => (!family.name.is_empty()).then_some(Key::OperatorFamily(family.oid)),
        Object::Domain(_)
        | Object::Role(_)
        | Object::Trigger(_)
        | Object::Extension(_)
        | Object::Range(_)
        | Object::Base(_) => None,
    }
}

fn counts(relation: &Relation) -> bool {
    match &relation.kind {
        RelationKind::Index(_) => false,
        RelationKind::Sequence(sequence) => sequence.owned_by.is_none(),
        _ => true,
    }
}

/// Neither an array type nor the row type of a relation.
fn is_own_type(info: &TypeInfo, catalog: &Catalog) -> bool {
    !info.is_array() && catalog.relations().all(|relation| relation.row_type != info.oid)
}
