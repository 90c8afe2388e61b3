//! CREATE and ALTER of foreign-data wrappers, servers and user mappings, and their options.

use std::sync::Arc;

use dictdb_catalog::{
    AclKind, Definition, DefinitionBody, DefinitionKind, Dependency, ForeignOptions, Key, ServerInfo, UserMappingInfo,
    WrapperInfo,
};
use dictdb_parser::ast::{Ident, ObjectName};
use dictdb_parser::utility::{
    AlterServer, CreateServer, ImportForeignSchema, OptionAction, OptionChange, RoleSpec, UserMapping,
    UserMappingAction, WrapperCommand, WrapperFunction,
};
use dictdb_types::{Error, Oid, Result, SqlState, oids};

use super::super::DdlContext;
use super::super::grantable::Grantable;
use super::super::names::{parts, shown};
use super::super::ownership::not_owner;

/// `pg_proc.oid` of `postgresql_fdw_validator`.
const POSTGRESQL_VALIDATOR: Oid = Oid(2316);

/// What `postgresql_fdw_validator` allows, by the system catalog of the object with the options.
const POSTGRESQL_OPTIONS: [(DefinitionKind, &[&str]); 2] = [
    (
        DefinitionKind::Server,
        &[
            "authtype",
            "service",
            "connect_timeout",
            "dbname",
            "host",
            "hostaddr",
            "port",
            "tty",
            "options",
            "requiressl",
            "sslmode",
            "gsslib",
        ],
    ),
    (DefinitionKind::UserMapping, &["user", "password"]),
];

fn denied(message: String, hint: &str) -> Error {
    Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message).hint(hint)
}

fn name_of(ident: &Ident) -> ObjectName {
    ObjectName::from(vec![ident.clone()])
}

/// The options after some changes. 42704, 42710.
pub(in crate::ddl) fn changed_options(before: &ForeignOptions, changes: &[OptionChange]) -> Result<ForeignOptions> {
    let mut options = before.clone();
    for change in changes {
        let name = change.name.value.as_str();
        let known = options.iter().position(|(own, _)| **own == *name);
        let value = || Arc::from(change.value.as_str());
        match (change.action, known) {
            (OptionAction::Add, None) => options.push((Arc::from(name), value())),
            (OptionAction::Set, Some(at)) => options[at].1 = value(),
            (OptionAction::Drop, Some(at)) => drop(options.remove(at)),
            (OptionAction::Add, Some(_)) => {
                let message = format!("option \"{name}\" provided more than once");
                return Err(Error::new(SqlState::DUPLICATE_OBJECT, message));
            }
            (OptionAction::Set | OptionAction::Drop, None) => {
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, format!("option \"{name}\" not found")));
            }
        }
    }
    Ok(options)
}

/// What a wrapper's validator says of options. 42601.
pub(in crate::ddl) fn validate(
    wrapper: &WrapperInfo,
    kind: Option<DefinitionKind>,
    options: &ForeignOptions,
) -> Result<()> {
    if wrapper.validator != POSTGRESQL_VALIDATOR {
        return Ok(());
    }
    let valid = POSTGRESQL_OPTIONS.iter().find(|(own, _)| Some(*own) == kind).map_or(&[][..], |(_, names)| *names);
    let Some((wrong, _)) = options.iter().find(|(name, _)| !valid.contains(&&**name)) else { return Ok(()) };
    let hint = match valid.is_empty() {
        true => "There are no valid options in this context.".to_owned(),
        false => format!("Valid options in this context are: {}", valid.join(", ")),
    };
    Err(Error::new(SqlState::SYNTAX_ERROR, format!("invalid option \"{wrong}\"")).hint(hint))
}

impl DdlContext<'_> {
    /// 42501, 42710, 42601, 42883.
    pub(in crate::ddl) fn create_wrapper(&mut self, create: &WrapperCommand) -> Result<()> {
        let name = create.name.value.as_str();
        if !self.is_superuser() {
            let message = format!("permission denied to create foreign-data wrapper \"{name}\"");
            return Err(denied(message, "Must be superuser to create a foreign-data wrapper."));
        }
        self.check_definition_free(DefinitionKind::Wrapper, Oid::INVALID, name)?;
        let (handler, validator) = self.wrapper_functions(&create.functions)?;
        let options = changed_options(&Vec::new(), &create.options)?;
        let info =
            WrapperInfo { handler: handler.unwrap_or_default(), validator: validator.unwrap_or_default(), options };
        validate(&info, Some(DefinitionKind::Wrapper), &info.options)?;
        let key = self.new_definition(Oid::INVALID, Arc::from(name), DefinitionBody::Wrapper(info.clone()));
        self.depend_wrapper(key, &info);
        Ok(())
    }

    fn depend_wrapper(&mut self, key: Key, info: &WrapperInfo) {
        self.undepend_all(key);
        for function in [info.handler, info.validator].into_iter().filter(|oid| *oid >= Oid::FIRST_NORMAL) {
            self.depend(key, Key::Function(function), Dependency::Normal);
        }
    }

    /// Handler and validator, where they are given; zero for `NO`. 42601 for one that is given twice.
    fn wrapper_functions(&mut self, given: &[WrapperFunction]) -> Result<(Option<Oid>, Option<Oid>)> {
        let (mut handler, mut validator) = (None, None);
        for function in given {
            let place = if function.validator { &mut validator } else { &mut handler };
            if place.is_some() {
                return Err(
                    Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options").at(Some(function.position))
                );
            }
            *place = Some(match &function.function {
                None => Oid::INVALID,
                Some(name) if function.validator => self.validator_function(name)?,
                Some(name) => self.function_without_arguments(name, oids::FDW_HANDLER, "fdw_handler")?.0,
            });
        }
        Ok((handler, validator))
    }

    /// A function of `(text[], oid)`. 42883; 0A000 for one of a user's.
    fn validator_function(&mut self, name: &ObjectName) -> Result<Oid> {
        let catalog = self.view();
        let bare = parts(name).last().map(|ident| ident.value.clone()).unwrap_or_default();
        let args = [oids::TEXT_ARRAY, oids::OID];
        let mut builtin = dictdb_functions::facts::procs_named(&bare).filter(|proc| *proc.args == args);
        if let Some(proc) = builtin.find(|proc| proc.oid == POSTGRESQL_VALIDATOR) {
            return Ok(proc.oid);
        }
        let mut own = catalog.routines().filter(|routine| *routine.name == *bare && *routine.args == args);
        match own.next() {
            Some(_) => Err(Error::unsupported("validators of foreign-data wrappers that users write")),
            None => {
                let message = format!("function {}(text[], oid) does not exist", shown(name));
                Err(Error::new(SqlState::UNDEFINED_FUNCTION, message))
            }
        }
    }

    /// 42501, 42704.
    pub(in crate::ddl) fn alter_wrapper(&mut self, alter: &WrapperCommand) -> Result<()> {
        if !self.is_superuser() {
            let message = format!("permission denied to alter foreign-data wrapper \"{}\"", alter.name.value);
            return Err(denied(message, "Must be superuser to alter a foreign-data wrapper."));
        }
        let own = self.find_definition(DefinitionKind::Wrapper, &name_of(&alter.name))?;
        let Some(info) = own.wrapper() else { return Ok(()) };
        let (handler, validator) = self.wrapper_functions(&alter.functions)?;
        if handler.is_some() {
            self.warn("changing the foreign-data wrapper handler can change behavior of existing foreign tables");
        }
        if validator.is_some_and(|validator| validator.is_valid()) {
            self.warn(
                "changing the foreign-data wrapper validator can cause the options for dependent objects to become invalid",
            );
        }
        let info = WrapperInfo {
            handler: handler.unwrap_or(info.handler),
            validator: validator.unwrap_or(info.validator),
            options: changed_options(&info.options, &alter.options)?,
        };
        if !alter.options.is_empty() {
            validate(&info, Some(DefinitionKind::Wrapper), &info.options)?;
        }
        self.redefine(&own, DefinitionBody::Wrapper(info.clone()));
        self.depend_wrapper(own.key(), &info);
        Ok(())
    }

    fn warn(&mut self, message: &str) {
        self.notices.push(Error::with_severity(dictdb_types::Severity::Warning, SqlState::WARNING, message));
    }

    /// 42501 without USAGE of a wrapper or server.
    pub(super) fn check_definition_usage(&mut self, own: &Definition, role: Oid) -> Result<()> {
        let target = Grantable::Definition(own.kind(), own.oid);
        let catalog = self.view();
        let (kind, acl) = (target.kind(&catalog), target.acl(&catalog));
        let held = catalog.held_privileges(role, kind, own.owner, acl.as_deref());
        if held.privileges.contains(AclKind::ForeignServer.all()) {
            return Ok(());
        }
        let message = format!("permission denied for {} {}", owned_noun(own.kind()), own.name);
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message))
    }

    /// 42710, 42704, 42501.
    pub(in crate::ddl) fn create_server(&mut self, create: &CreateServer) -> Result<()> {
        let name = create.name.value.as_str();
        let taken = self.check_definition_free(DefinitionKind::Server, Oid::INVALID, name);
        if let Err(taken) = taken {
            return self.skip_or(create.if_not_exists, taken);
        }
        let wrapper = self.find_definition(DefinitionKind::Wrapper, &name_of(&create.wrapper))?;
        let role = self.role;
        self.check_definition_usage(&wrapper, role)?;
        let info = ServerInfo {
            wrapper: wrapper.oid,
            server_type: create.server_type.as_deref().map(Arc::from),
            version: create.version.as_deref().map(Arc::from),
            options: changed_options(&Vec::new(), &create.options)?,
        };
        if let Some(wrapper) = wrapper.wrapper() {
            validate(wrapper, Some(DefinitionKind::Server), &info.options)?;
        }
        let key = self.new_definition(Oid::INVALID, Arc::from(name), DefinitionBody::Server(info));
        self.depend(key, wrapper.key(), Dependency::Normal);
        Ok(())
    }

    fn skip_or(&mut self, skip: bool, error: Error) -> Result<()> {
        if !skip {
            return Err(error);
        }
        let is_taken = error.code() == SqlState::DUPLICATE_OBJECT;
        let code = if is_taken { error.code() } else { SqlState::SUCCESSFUL_COMPLETION };
        self.notice(code, format!("{}, skipping", error.message()));
        Ok(())
    }

    /// The wrapper of a server.
    pub(in crate::ddl) fn wrapper_of(&mut self, server: Oid) -> Result<WrapperInfo> {
        let catalog = self.view();
        let server = catalog.definition(server).and_then(|own| own.server());
        let wrapper = server.and_then(|info| catalog.definition(info.wrapper)?.wrapper());
        wrapper.cloned().ok_or_else(|| Error::internal("a server without its wrapper"))
    }

    /// 42704, 42501.
    pub(in crate::ddl) fn alter_server(&mut self, alter: &AlterServer) -> Result<()> {
        let own = self.own_definition(DefinitionKind::Server, &name_of(&alter.name))?;
        let Some(info) = own.server() else { return Ok(()) };
        let options = changed_options(&info.options, &alter.options)?;
        if !alter.options.is_empty() {
            validate(&self.wrapper_of(own.oid)?, Some(DefinitionKind::Server), &options)?;
        }
        let version = match &alter.version {
            Some(version) => version.as_deref().map(Arc::from),
            None => info.version.clone(),
        };
        self.redefine(&own, DefinitionBody::Server(ServerInfo { version, options, ..info.clone() }));
        Ok(())
    }

    /// A server that the current role may use. 42704, 42501.
    pub(in crate::ddl) fn usable_server(&mut self, name: &Ident) -> Result<Arc<Definition>> {
        let own = self.find_definition(DefinitionKind::Server, &name_of(name))?;
        let role = self.role;
        self.check_definition_usage(&own, role)?;
        Ok(own)
    }

    /// `CREATE`, `ALTER` and `DROP USER MAPPING`. 42704, 42710, 42501.
    pub(in crate::ddl) fn user_mapping(&mut self, mapping: &UserMapping) -> Result<()> {
        let skips = matches!(mapping.action, UserMappingAction::Drop { if_exists: true });
        let user = match self.mapped_role(&mapping.user) {
            Ok(user) => user,
            Err(missing) => return self.skip_or(skips, missing),
        };
        let server = match self.find_definition(DefinitionKind::Server, &name_of(&mapping.server)) {
            Ok(server) => server,
            Err(missing) => return self.skip_or(skips, missing),
        };
        let name = UserMappingInfo::name(user, server.oid);
        let known = self.view().definition_in(DefinitionKind::UserMapping, Oid::INVALID, &name).cloned();
        let shown = match user.is_valid() {
            true => self.view().role(user).map_or_else(String::new, |role| role.name.to_string()),
            false => "public".to_owned(),
        };
        let on = format!("for server \"{}\"", server.name);
        let missing = || {
            let message = format!("user mapping for \"{shown}\" does not exist {on}");
            Error::new(SqlState::UNDEFINED_OBJECT, message)
        };
        match (&mapping.action, known) {
            (UserMappingAction::Create { .. }, known) => {
                self.check_mapping(&server, user)?;
                let UserMappingAction::Create { if_not_exists, options } = &mapping.action else { return Ok(()) };
                if known.is_some() {
                    let message = format!("user mapping for \"{shown}\" already exists {on}");
                    return self.skip_or(*if_not_exists, Error::new(SqlState::DUPLICATE_OBJECT, message));
                }
                let options = self.mapping_options(&server, &Vec::new(), options)?;
                let info = UserMappingInfo { user, server: server.oid, options };
                let key = self.new_definition(Oid::INVALID, name, DefinitionBody::UserMapping(info));
                self.depend(key, server.key(), Dependency::Normal);
                if user.is_valid() {
                    self.depend(key, Key::Role(user), Dependency::Normal);
                }
                Ok(())
            }
            (_, None) => self.skip_or(skips, missing()),
            (UserMappingAction::Alter(changes), Some(own)) => {
                self.check_mapping(&server, user)?;
                let Some(info) = own.user_mapping() else { return Ok(()) };
                let options = self.mapping_options(&server, &info.options, changes)?;
                self.redefine(&own, DefinitionBody::UserMapping(UserMappingInfo { options, ..info.clone() }));
                Ok(())
            }
            (UserMappingAction::Drop { .. }, Some(own)) => {
                self.check_mapping(&server, user)?;
                self.drop_keys(&[own.key()], dictdb_parser::utility::Behavior::Restrict)
            }
        }
    }

    fn mapped_role(&mut self, user: &RoleSpec) -> Result<Oid> {
        if matches!(user, RoleSpec::Public) { Ok(Oid::INVALID) } else { self.role_oid(user) }
    }

    fn mapping_options(
        &mut self,
        server: &Definition,
        before: &ForeignOptions,
        changes: &[OptionChange],
    ) -> Result<ForeignOptions> {
        let options = changed_options(before, changes)?;
        if !changes.is_empty() {
            validate(&self.wrapper_of(server.oid)?, Some(DefinitionKind::UserMapping), &options)?;
        }
        Ok(options)
    }

    /// 42501: the mappings of others are the server's owner's, one's own needs USAGE of the server.
    fn check_mapping(&mut self, server: &Definition, user: Oid) -> Result<()> {
        if self.has_privileges_of(server.owner) {
            return Ok(());
        }
        if user != self.role {
            return Err(not_owner(owned_noun(DefinitionKind::Server), &server.name));
        }
        let role = self.role;
        self.check_definition_usage(server, role)
    }

    /// Nothing can be imported: no wrapper has a handler. 42704, 42501, 3F000, 55000.
    pub(in crate::ddl) fn import_foreign_schema(&mut self, import: &ImportForeignSchema) -> Result<()> {
        let server = self.usable_server(&import.server)?;
        let catalog = self.view();
        self.schema_oid(&catalog, &import.schema.value)?;
        let wrapper = server.server().and_then(|info| catalog.definition(info.wrapper));
        Err(no_handler(wrapper.map_or("", |wrapper| &wrapper.name)))
    }
}

/// 55000.
fn no_handler(wrapper: &str) -> Error {
    let message = format!("foreign-data wrapper \"{wrapper}\" has no handler");
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message)
}

/// As messages about owners and privileges name a kind.
pub(super) fn owned_noun(kind: DefinitionKind) -> &'static str {
    match kind {
        DefinitionKind::Server => "foreign server",
        other => other.noun(),
    }
}
