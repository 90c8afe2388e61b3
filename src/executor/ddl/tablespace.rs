//! Tablespaces: CREATE, ALTER, DROP TABLESPACE, which one a new relation is in, and how relations come from one to another. All rows
//! are in memory, so nothing moves but the entry in the catalog; directories are looked for and not written to.

use std::path::Path;
use std::sync::Arc;

use dictdb_catalog::{
    AclKind, Change, Definition, DefinitionBody, DefinitionKind, Key, Object, PG_DEFAULT, PG_GLOBAL, Persistence,
    Privileges, Relation, RelationKind, TablespaceInfo,
};
use dictdb_parser::ast::Ident;
use dictdb_parser::utility::{
    AlterTablespace, CreateTablespace, DropTablespace, MoveTablespace, RelationKind as Written, RoleSpec,
};
use dictdb_storage::{LockMode, WaitPolicy};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::DdlContext;
use super::options::{self, Target};

impl DdlContext<'_> {
    /// 42501, 42602, 42P17, 42939, 42710, 22023, 58P01.
    pub(super) fn create_tablespace(&mut self, create: &CreateTablespace) -> Result<()> {
        let name = create.name.value.as_str();
        if !self.is_superuser() {
            let message = format!("permission denied to create tablespace \"{name}\"");
            return Err(
                Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message).hint("Must be superuser to create a tablespace.")
            );
        }
        let owner = match &create.owner {
            Some(role) => self.role_oid(role)?,
            None => self.role,
        };
        let location = create.location.trim_end_matches('/');
        if location.contains('\'') {
            let message = "tablespace location cannot contain single quotes";
            return Err(Error::new(SqlState::INVALID_NAME, message));
        }
        let in_place = location.is_empty() && self.is_on("allow_in_place_tablespaces");
        if !in_place && !location.starts_with('/') {
            let message = "tablespace location must be an absolute path";
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, message));
        }
        check_tablespace_name(name)?;
        if self.view().tablespace_named(name).is_some() {
            return Err(already_exists(name));
        }
        let options = options::given(&create.options, Target::Tablespace)?;
        if !in_place && !Path::new(location).is_dir() {
            let message = format!("directory \"{location}\" does not exist");
            return Err(Error::new(SqlState::UNDEFINED_FILE, message));
        }
        let body = DefinitionBody::Tablespace(TablespaceInfo { location: Arc::from(location), options });
        let (oid, namespace) = (self.new_oid(), Oid::INVALID);
        let made = Definition { oid, name: Arc::from(name), namespace, owner, body };
        self.put(Object::Definition(Arc::new(made)));
        Ok(())
    }

    /// 42704, 42501, 22023.
    pub(super) fn alter_tablespace(&mut self, alter: &AlterTablespace) -> Result<()> {
        let own = self.own_tablespace(&alter.name.value)?;
        let Some(info) = own.tablespace() else { return Ok(()) };
        let options = options::changed(&info.options, &alter.options, alter.reset, Target::Tablespace)?;
        let body = DefinitionBody::Tablespace(TablespaceInfo { options, ..info.clone() });
        self.put(Object::Definition(Arc::new(Definition { body, ..Definition::clone(&own) })));
        Ok(())
    }

    /// 42704, 42501, 2BP01, 55000.
    pub(super) fn drop_tablespace(&mut self, drop: &DropTablespace) -> Result<()> {
        let name = drop.name.value.as_str();
        if drop.if_exists && self.view().tablespace_named(name).is_none() {
            let message = format!("tablespace \"{name}\" does not exist, skipping");
            self.notice(SqlState::SUCCESSFUL_COMPLETION, message);
            return Ok(());
        }
        let own = self.own_tablespace(name)?;
        let catalog = self.view();
        let inside: Vec<&Arc<Relation>> =
            catalog.relations().filter(|relation| relation.tablespace == own.oid).collect();
        let has_rows = |relation: &Relation| !relation.is_partitioned() && !is_partitioned_index(relation);
        let mut listed: Vec<(Oid, String)> = inside
            .iter()
            .filter(|relation| !has_rows(relation))
            .map(|relation| {
                let described = self.describe(Key::Relation(relation.oid), &catalog);
                (relation.oid, format!("tablespace for {described}"))
            })
            .collect();
        if !listed.is_empty() {
            listed.sort();
            let lines: Vec<String> = listed.into_iter().map(|(_, line)| line).collect();
            let message = format!("tablespace \"{name}\" cannot be dropped because some objects depend on it");
            return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message).detail(lines.join("\n")));
        }
        if !inside.is_empty() || self.surroundings.is_used_elsewhere(own.oid) {
            let message = format!("tablespace \"{name}\" is not empty");
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message));
        }
        let (class, object) = (own.kind().class(), own.oid);
        if catalog.acl_of(class, object).is_some() {
            self.change(Change::Acl { class, object, acl: None });
        }
        self.remove(own.key());
        Ok(())
    }

    /// `ALTER … ALL IN TABLESPACE`. 42704, 22023, 42501, 55P03.
    pub(super) fn move_tablespace(&mut self, mover: &MoveTablespace) -> Result<()> {
        let (from, to) = (self.find_tablespace(&mover.from.value)?, self.find_tablespace(&mover.to.value)?);
        if from == PG_GLOBAL || to == PG_GLOBAL {
            let message = "cannot move relations in to or out of pg_global tablespace";
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        self.check_may_use(to)?;
        if from == to {
            return Ok(());
        }
        let owners = mover.owners.iter().map(|role: &RoleSpec| self.role_oid(role)).collect::<Result<Vec<_>>>()?;
        let catalog = self.view();
        let (old, new) = (kept(from), kept(to));
        let is_moved = |relation: &Relation| {
            relation.tablespace == old
                && relation.oid >= Oid::FIRST_NORMAL
                && is_of(mover.kind, relation)
                && (relation.persistence != Persistence::Temporary || relation.namespace == self.temporary_schema)
                && (owners.is_empty() || owners.contains(&relation.owner))
        };
        let moved: Vec<Arc<Relation>> = catalog.relations().filter(|relation| is_moved(relation)).cloned().collect();
        if moved.is_empty() {
            let shown = if old.is_valid() { mover.from.value.as_str() } else { "(database default)" };
            let message = format!("no matching relations in tablespace \"{shown}\" found");
            self.notice(SqlState::NO_DATA_FOUND, message);
        }
        for relation in moved {
            self.check_owner(&relation)?;
            if mover.nowait {
                let lock = self.storage.relation_lock(self.database, relation.oid);
                let exclusive = LockMode::AccessExclusive;
                let locked = self.transaction.lock_relation(&lock, exclusive, WaitPolicy::Error, &self.wait);
                locked.map_err(|error| match error.code() {
                    SqlState::LOCK_NOT_AVAILABLE => {
                        let schema = catalog.schema(relation.namespace).map_or("", |schema| &schema.name);
                        let name = format!("\"{schema}.{}\"", relation.name);
                        let message = format!("aborting because lock on relation {name} is not available");
                        Error::new(SqlState::OBJECT_IN_USE, message)
                    }
                    _ => error,
                })?;
            }
            self.lock(relation.oid, LockMode::AccessExclusive)?;
            let relation = self.table(relation.oid)?;
            self.put_relation(Relation { tablespace: new, ..Relation::clone(&relation) });
        }
        Ok(())
    }

    /// `SET TABLESPACE`. 42704, 42501, 22023.
    pub(super) fn set_tablespace(&mut self, relation: &Arc<Relation>, name: &str) -> Result<()> {
        let to = self.find_tablespace(name)?;
        self.check_may_use(to)?;
        refuse_global(to)?;
        self.put_relation(Relation { tablespace: kept(to), ..Relation::clone(relation) });
        Ok(())
    }

    /// Likewise what REINDEX does with an index. 42704, 42501, 22023.
    pub(super) fn move_index(&mut self, index: &Arc<Relation>, name: &str, is_concurrent: bool) -> Result<()> {
        if is_concurrent && self.find_tablespace(name)? == PG_GLOBAL {
            let message = format!("cannot move non-shared relation to tablespace \"{name}\"");
            return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
        }
        self.set_tablespace(index, name)
    }

    /// 42704, 42501 for a tablespace that a command may not use.
    pub(super) fn check_named_tablespace(&mut self, name: &str) -> Result<()> {
        let named = self.find_tablespace(name)?;
        self.check_may_use(named)
    }

    /// Where a new relation is: what the statement says, else what its parent has, else what the settings say. 42704, 42501, 22023,
    /// 0A000.
    pub(super) fn new_tablespace(
        &mut self,
        given: Option<&Ident>,
        (persistence, partitioned): (Persistence, bool),
        inherited: Oid,
    ) -> Result<Oid> {
        let named = match given {
            Some(name) => Some(self.find_tablespace(&name.value)?),
            None if inherited.is_valid() => Some(inherited),
            None => self.default_tablespace(persistence),
        };
        if partitioned && named == Some(PG_DEFAULT) {
            let message = "cannot specify default tablespace for partitioned relations";
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
        }
        let found = named.unwrap_or(PG_DEFAULT);
        self.check_may_use(found)?;
        refuse_global(found)?;
        Ok(kept(found))
    }

    /// `default_tablespace`, or the first of `temp_tablespaces` that there is.
    fn default_tablespace(&mut self, persistence: Persistence) -> Option<Oid> {
        let setting = match persistence {
            Persistence::Temporary => "temp_tablespaces",
            _ => "default_tablespace",
        };
        let text = self.row_env().setting(setting).unwrap_or_default();
        let catalog = self.view();
        let mut names = text.split(',').map(|name| name.trim().trim_matches('"'));
        names.find_map(|name| catalog.tablespace_named(name))
    }

    /// 42704.
    fn find_tablespace(&mut self, name: &str) -> Result<Oid> {
        let missing = || Error::new(SqlState::UNDEFINED_OBJECT, format!("tablespace \"{name}\" does not exist"));
        self.view().tablespace_named(name).ok_or_else(missing)
    }

    /// A tablespace that the current role owns; nobody owns those that every server has. 42704, 42501.
    fn own_tablespace(&mut self, name: &str) -> Result<Arc<Definition>> {
        self.find_tablespace(name)?;
        match self.view().definition_in(DefinitionKind::Tablespace, Oid::INVALID, name).cloned() {
            Some(own) => {
                self.check_definition_owner(&own)?;
                Ok(own)
            }
            None => Err(denied(name)),
        }
    }

    /// 42501 for a tablespace in which the current role may make nothing; that of the database is everybody's.
    fn check_may_use(&mut self, tablespace: Oid) -> Result<()> {
        let catalog = self.view();
        let Some(own) = catalog.tablespaces().find(|own| own.oid == tablespace) else { return Ok(()) };
        let acl = catalog.acl_of(own.kind().class(), own.oid);
        let held = catalog.held_privileges(self.role, AclKind::Tablespace, own.owner, acl);
        match held.privileges.contains(Privileges::CREATE) {
            true => Ok(()),
            false => Err(denied(&own.name)),
        }
    }

    fn is_on(&mut self, setting: &str) -> bool {
        self.row_env().setting(setting).is_some_and(|value| value == "on")
    }
}

/// What `reltablespace` has of a tablespace: nothing of that of the database.
fn kept(tablespace: Oid) -> Oid {
    if tablespace == PG_DEFAULT { Oid::INVALID } else { tablespace }
}

/// 22023 for the tablespace of shared catalogs.
fn refuse_global(tablespace: Oid) -> Result<()> {
    match tablespace == PG_GLOBAL {
        true => {
            let message = "only shared relations can be placed in pg_global tablespace";
            Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message))
        }
        false => Ok(()),
    }
}

/// 42939 for a name that is kept for tablespaces of the system.
pub(super) fn check_tablespace_name(name: &str) -> Result<()> {
    if !name.starts_with("pg_") {
        return Ok(());
    }
    Err(Error::new(SqlState::RESERVED_NAME, format!("unacceptable tablespace name \"{name}\""))
        .detail("The prefix \"pg_\" is reserved for system tablespaces."))
}

fn already_exists(name: &str) -> Error {
    Error::new(SqlState::DUPLICATE_OBJECT, format!("tablespace \"{name}\" already exists"))
}

fn denied(name: &str) -> Error {
    Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied for tablespace {name}"))
}

fn is_partitioned_index(relation: &Relation) -> bool {
    relation.index().is_some_and(|info| info.partitioned)
}

/// Whether `ALTER TABLE`, `INDEX` or `MATERIALIZED VIEW` is about a relation.
fn is_of(kind: Written, relation: &Relation) -> bool {
    match (kind, &relation.kind) {
        (Written::Table, RelationKind::Table) => relation.foreign.is_none(),
        (Written::Index, RelationKind::Index(_)) => true,
        (Written::MaterializedView, RelationKind::MaterializedView(_)) => true,
        _ => false,
    }
}
