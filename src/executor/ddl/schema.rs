//! CREATE SCHEMA.

use std::sync::Arc;

use dictdb_catalog::{AclKind, Object, Privileges, Schema};
use dictdb_parser::utility::{CreateSchema, ObjectKind, Persistence, RoleSpec, Utility};
use dictdb_parser::{Locations, Statement, position};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::DdlContext;
use super::names::parts;

/// `pg_class.oid` of `pg_database`.
const DATABASE_CLASS: Oid = Oid(1262);

impl DdlContext<'_> {
    pub(super) fn create_schema(&mut self, create: &CreateSchema, locations: &Locations) -> Result<()> {
        let owner = match &create.owner {
            None => self.role,
            Some(role) => self.role_oid(role)?,
        };
        let name: Arc<str> = match (&create.name, &create.owner) {
            (Some(name), _) => Arc::from(name.value.as_str()),
            (None, _) => {
                let catalog = self.view();
                let role = catalog.role(owner).ok_or_else(|| Error::internal("the owner has no role"))?;
                role.name.clone()
            }
        };
        self.check_database_create()?;
        if name.starts_with("pg_") {
            return Err(Error::new(SqlState::RESERVED_NAME, format!("unacceptable schema name \"{name}\""))
                .detail("The prefix \"pg_\" is reserved for system schemas."));
        }
        if self.view().schema_named(&name).is_some() {
            let message = format!("schema \"{name}\" already exists");
            if create.if_not_exists {
                self.notice(SqlState::DUPLICATE_SCHEMA, format!("{message}, skipping"));
                return Ok(());
            }
            return Err(Error::new(SqlState::DUPLICATE_SCHEMA, message));
        }
        let oid = self.new_oid();
        let acl = self.initial_acl(ObjectKind::Schema, Oid::INVALID);
        self.put(Object::Schema(Arc::new(Schema { oid, name: name.clone(), owner, acl })));
        create.elements.iter().try_for_each(|element| check_schema_of(element, &name))?;
        self.create_elements(create, oid, owner, locations)
    }

    /// Executes what CREATE SCHEMA contains: in the new schema, as its owner, tables before what may refer to them.
    fn create_elements(&mut self, create: &CreateSchema, schema: Oid, owner: Oid, locations: &Locations) -> Result<()> {
        let mut elements: Vec<&Utility> = Vec::with_capacity(create.elements.len());
        for element in &create.elements {
            match element {
                Statement::Utility(utility) => elements.push(utility),
                Statement::Sql(_) => return Err(Error::internal("a query among the elements of a schema")),
            }
        }
        elements.sort_by_key(|element| rank(element));
        let mut search_path = vec![schema];
        search_path.extend(self.search_path.iter().copied().filter(|other| *other != schema));
        let mut inner = DdlContext {
            storage: self.storage,
            transaction: self.transaction,
            wait: self.wait,
            database: self.database,
            store: self.store,
            own: self.own,
            registry: self.registry,
            engine: self.engine,
            surroundings: self.surroundings,
            constraints: self.constraints,
            open_tables: self.open_tables,
            params: self.params,
            param_types: self.param_types,
            variables: self.variables,
            search_path: &search_path,
            creation_schema: Some(schema),
            temporary_schema: self.temporary_schema,
            role: owner,
            session_role: self.session_role,
            parameter_name: self.parameter_name,
            verifiers: self.verifiers,
            databases: self.databases,
            notices: self.notices,
            large_objects: self.large_objects,
            function_settings: Vec::new(),
            made_routine: None,
            concurrent_index: self.concurrent_index,
            makes_shells: false,
            attempt: std::mem::take(&mut self.attempt),
            truncated: Vec::new(),
            reshaped: None,
            inside: self.inside,
            alters: false,
            collected: self.collected.take(),
            counted: None,
        };
        let made =
            elements.into_iter().try_for_each(|element| super::execute(element, locations, &mut inner).map(drop));
        (self.attempt, self.collected) = (inner.attempt, inner.collected);
        made
    }

    /// 42501 unless the role may make schemas in the database.
    pub(super) fn check_database_create(&mut self) -> Result<()> {
        let Some(database) = self.databases.iter().find(|known| known.oid == self.database) else { return Ok(()) };
        let (oid, name, owner) = (database.oid, database.name.clone(), database.owner);
        let role = self.role;
        let catalog = self.view();
        let held = catalog.held_privileges(role, AclKind::Database, owner, catalog.acl_of(DATABASE_CLASS, oid));
        if held.privileges.contains(Privileges::CREATE) {
            return Ok(());
        }
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied for database {name}")))
    }

    /// The role a name means; 42704.
    pub(super) fn role_oid(&mut self, role: &RoleSpec) -> Result<Oid> {
        match role {
            RoleSpec::CurrentUser => Ok(self.role),
            RoleSpec::SessionUser => Ok(self.session_role),
            RoleSpec::Public => Err(Error::new(SqlState::UNDEFINED_OBJECT, "role \"public\" does not exist")),
            RoleSpec::Name(name) => {
                let found = self.view().role_named(&name.value).map(|role| role.oid);
                found.ok_or_else(|| {
                    Error::new(SqlState::UNDEFINED_OBJECT, format!("role \"{}\" does not exist", name.value))
                })
            }
        }
    }
}

/// 42P15 for an element of a schema that names another one.
fn check_schema_of(element: &Statement, schema: &str) -> Result<()> {
    let Statement::Utility(element) = element else { return Ok(()) };
    let persistence = match &**element {
        Utility::CreateSequence(create) => create.persistence,
        Utility::CreateTable(create) => create.persistence,
        Utility::CreateView(create) => create.persistence,
        _ => Persistence::Permanent,
    };
    if persistence == Persistence::Temporary {
        let message = "cannot create temporary relation in non-temporary schema";
        let position = match &**element {
            Utility::CreateTable(create) => parts(&create.name).first().and_then(|own| position::of_span(own.span)),
            _ => None,
        };
        return Err(Error::new(SqlState::INVALID_TABLE_DEFINITION, message).at(position));
    }
    let name = match &**element {
        Utility::CreateSequence(create) => &create.name,
        Utility::CreateTable(create) => &create.name,
        Utility::CreateView(create) => &create.name,
        Utility::CreateIndex(create) => &create.table.name,
        Utility::CreateTrigger(create) => &create.table,
        _ => return Ok(()),
    };
    match parts(name).as_slice() {
        [.., other, _] if other.value != schema => {
            let other = &other.value;
            let message =
                format!("CREATE specifies a schema ({other}) different from the one being created ({schema})");
            Err(Error::new(SqlState::INVALID_SCHEMA_DEFINITION, message))
        }
        _ => Ok(()),
    }
}

/// The order in which PostgreSQL makes the elements of a schema.
fn rank(element: &Utility) -> u8 {
    match element {
        Utility::CreateSequence(_) => 0,
        Utility::CreateTable(_) => 1,
        Utility::CreateView(_) => 2,
        Utility::CreateIndex(_) => 3,
        Utility::CreateTrigger(_) => 4,
        _ => 5,
    }
}
