//! CREATE and DROP DATABASE: databases are entries of the instance, made and dropped outside transactions.

use std::sync::Arc;

use dictdb_catalog::{Catalog, RelationKind};
use dictdb_durability::DatabaseAttributes;
use dictdb_parser::utility::{CreateDatabase, DropDatabase};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::database_locale::Template;
use super::database_options::DatabaseOptions;
use crate::Session;
use crate::client::Tag;
use crate::instance::{Database, NewDatabase, in_use};
use crate::portal::Outcome;

impl Session {
    pub(super) fn run_create_database(&mut self, create: &CreateDatabase) -> Result<Outcome> {
        let attributes = DatabaseAttributes::of_owner(self.role());
        let options = DatabaseOptions::read(&self.shared, create, attributes)?;
        let mut attributes = options.attributes;
        let env = self.env();
        if let Some(owner) = options.text("owner") {
            let known = env.catalog.role_named(&owner);
            let unknown = || Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{owner}\" does not exist"));
            attributes.owner = known.ok_or_else(unknown)?.oid;
        }
        self.check_may_create_databases("permission denied to create database")?;
        self.check_may_own(attributes.owner)?;
        let template = self.template(options.text("template").as_deref())?;
        let catalog = template.catalog.current();
        let locale = options.check_surroundings(&Template { name: &template.name, catalog: &catalog })?;
        let new = NewDatabase { name: create.name.value.as_str().into(), attributes };
        self.shared.instance.create_database(new, &template, &locale)?;
        Ok(Outcome::Done(Tag::new("CREATE DATABASE")))
    }

    /// 42501 unless the role may act as the owner.
    fn check_may_own(&mut self, owner: Oid) -> Result<()> {
        let (role, env) = (self.role(), self.env());
        if self.shared.is_superuser() || env.catalog.member_roles(role).contains(&owner) {
            return Ok(());
        }
        let name = env.catalog.role(owner).map(|role| role.name.clone()).unwrap_or_default();
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("must be member of role \"{name}\"")))
    }

    /// The database that a new one begins as. 3D000, 42501.
    fn template(&mut self, name: Option<&str>) -> Result<Arc<Database>> {
        let name = name.unwrap_or("template1");
        let database = self.shared.instance.database(name).map_err(|_| {
            Error::new(SqlState::UNDEFINED_DATABASE, format!("template database \"{name}\" does not exist"))
        })?;
        if !database.attributes.is_template && !self.owns_database(&database) {
            let message = format!("permission denied to copy database \"{name}\"");
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        Ok(database)
    }

    pub(super) fn run_drop_database(&mut self, drop: &DropDatabase) -> Result<Outcome> {
        let name = drop.name.value.as_str();
        let done = || Ok(Outcome::Done(Tag::new("DROP DATABASE")));
        let Ok(database) = self.shared.instance.database(name) else {
            let message = format!("database \"{name}\" does not exist");
            if drop.if_exists {
                let severity = dictdb_types::Severity::Notice;
                let message = format!("{message}, skipping");
                self.shared.notice(Error::with_severity(severity, SqlState::SUCCESSFUL_COMPLETION, message));
                return done();
            }
            return Err(Error::new(SqlState::UNDEFINED_DATABASE, message));
        };
        self.check_database_owner(&database)?;
        if database.attributes.is_template {
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, "cannot drop a template database"));
        }
        if database.oid == self.shared.database.oid {
            return Err(Error::new(SqlState::OBJECT_IN_USE, "cannot drop the currently open database"));
        }
        let instance = self.shared.instance.clone();
        let _closed = drop.force.then(|| instance.closing.close(&database));
        let deadline = std::time::Instant::now() + SESSIONS_END;
        loop {
            self.close_sessions(&database, drop.force)?;
            match instance.drop_database(database.oid) {
                // Somebody has come when the others had gone.
                Err(error) if error.code() == SqlState::OBJECT_IN_USE && std::time::Instant::now() < deadline => {}
                dropped => return dropped.and_then(|()| done()),
            }
        }
    }

    /// 55006 while other sessions use the database; FORCE ends them.
    pub(super) fn close_sessions(&self, database: &Database, force: bool) -> Result<()> {
        let backends = &self.shared.instance.backends;
        let using = || backends.all().into_iter().filter(|backend| backend.identity.database == database.name);
        // A client that has gone away may not be gone here yet.
        let deadline = std::time::Instant::now() + SESSIONS_END;
        let left = loop {
            let left = using().count();
            if left == 0 || std::time::Instant::now() >= deadline {
                break left;
            }
            if force {
                using().for_each(|backend| backend.interrupts.terminate());
            }
            self.shared.backend.interrupts.check()?;
            tokio::task::block_in_place(|| std::thread::sleep(std::time::Duration::from_millis(2)));
        };
        let prepared = self.shared.instance.prepared.list();
        let prepared = prepared.iter().filter(|facts| facts.database == database.oid).count();
        let detail = match (left, prepared) {
            (0, 0) => return Ok(()),
            (0, 1) => "There is 1 prepared transaction using the database.".to_owned(),
            (0, count) => format!("There are {count} prepared transactions using the database."),
            (1, 0) => "There is 1 other session using the database.".to_owned(),
            (count, 0) => format!("There are {count} other sessions using the database."),
            (sessions, count) => {
                format!("There are {sessions} other session(s) and {count} prepared transaction(s) using the database.")
            }
        };
        Err(in_use(&database.name).detail(detail))
    }
}

/// How long DROP DATABASE waits for sessions to end, as PostgreSQL does.
const SESSIONS_END: std::time::Duration = std::time::Duration::from_secs(5);

/// Whether a database holds nothing but what it was born with.
pub(crate) fn is_empty(catalog: &Catalog) -> bool {
    let users = |oid: Oid| oid >= Oid::FIRST_NORMAL;
    !catalog.relations().any(|r| users(r.oid) && !matches!(r.kind, RelationKind::Virtual))
        && !catalog.user_types().any(|info| users(info.oid))
        && !catalog.schemas().any(|schema| users(schema.oid) && !schema.is_temporary())
}
