//! What a running statement may ask of its session: the session's side of [`dictdb_types::Env`].
//!
//! One per statement, shared by the threads that run it. Functions of upper layers (`current_setting`, `pg_notify`,
//! `pg_backend_pid`) reach the session through [`StatementEnv::of`].

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use dictdb_catalog::{AclKind, BOOTSTRAP_ROLE, Catalog, DefinitionKind, Privileges, Schema, namespaces};
use dictdb_executor::DomainCode;
use dictdb_executor::ddl::template_function;
use dictdb_planner::BindContext;
use dictdb_types::env::{RestrictedKinds, TextSearchDictionary};
use dictdb_types::{
    Datum, Env, Error, FormatSettings, Oid, RegKind, Result, SqlState, TypeInfo, TypeKind, TypeLookup, builtin_types,
};
use parking_lot::Mutex;

use crate::Shared;
use crate::encoding::Codec;
use crate::settings::Derived;
use crate::system::{self, names};
use crate::transaction::Modes;

/// The surroundings of one statement.
pub struct StatementEnv {
    /// The session.
    pub shared: Arc<Shared>,
    /// The catalog as the statement sees it.
    pub catalog: Arc<Catalog>,
    /// Settings when the statement began.
    pub derived: Arc<Derived>,
    /// `transaction_timestamp()`.
    pub transaction_timestamp: i64,
    /// `statement_timestamp()`.
    pub statement_timestamp: i64,
    /// The modes of the transaction.
    pub(crate) modes: Modes,
    /// Domains that have been needed.
    pub(crate) domains: Mutex<HashMap<Oid, Arc<DomainCode>>>,
}

impl StatementEnv {
    /// The session's environment behind a general one; `None` in tests and at start-up.
    pub fn of(env: &dyn Env) -> Option<&StatementEnv> {
        env.as_any().downcast_ref()
    }

    /// What converts texts to the client's encoding; `None` when that is UTF-8, or when nobody's session is behind it.
    pub fn codec(env: &dyn Env) -> Option<&'static Codec> {
        Self::of(env).and_then(|env| env.derived.codec)
    }

    /// Schemas that unqualified names are looked for in: `search_path` as oids, `pg_catalog` first unless it is listed.
    pub fn search_path(&self) -> Vec<Oid> {
        let mut path = self.listed_path();
        if !path.contains(&namespaces::PG_CATALOG) {
            path.insert(0, namespaces::PG_CATALOG);
        }
        if let Some(temporary) = self.shared.temporary_schema()
            && !path.contains(&temporary)
        {
            path.insert(0, temporary);
        }
        path
    }

    /// The schemas of `search_path` that exist, in its order: new objects go to the first.
    pub fn listed_path(&self) -> Vec<Oid> {
        let user = self.shared.current_user();
        let mut path: Vec<Oid> = Vec::with_capacity(self.derived.search_path.len() + 1);
        for name in self.derived.search_path.iter() {
            let name = if name == "$user" { &*user } else { name.as_str() };
            let own = || self.shared.temporary_schema().and_then(|oid| self.catalog.schema(oid));
            let found = if name == "pg_temp" { own() } else { self.catalog.schema_named(name) };
            if let Some(schema) = found
                && !path.contains(&schema.oid)
                && self.may_use(schema, &user)
            {
                path.push(schema.oid);
            }
        }
        path
    }

    /// Schemas that the current role may not use are as if they were not there.
    fn may_use(&self, schema: &Schema, user: &str) -> bool {
        let Some(role) = self.catalog.role_named(user).filter(|role| !role.superuser) else { return true };
        let held = self.catalog.held_privileges(role.oid, AclKind::Schema, schema.owner, schema.acl.as_deref());
        held.privileges.contains(Privileges::USAGE)
    }

    /// Schema that new objects go to: the first on the search path that exists.
    pub fn creation_schema(&self) -> Option<Oid> {
        self.listed_path().into_iter().next()
    }
}

impl StatementEnv {
    /// The role whose rights count now.
    pub(crate) fn current_role(&self) -> Oid {
        self.catalog.role_named(&self.shared.current_user()).map_or(BOOTSTRAP_ROLE, |role| role.oid)
    }

    /// Whether the current role has the privileges of a role of this name.
    pub(crate) fn has_privileges_of(&self, name: &str) -> bool {
        let inherits = |role: Oid| self.catalog.inherited_roles(self.current_role()).contains(&role);
        self.shared.is_superuser() || self.catalog.role_named(name).is_some_and(|role| inherits(role.oid))
    }

    /// What binding depends on; the path is [`StatementEnv::search_path`], which the caller keeps.
    pub(crate) fn bind_context<'a>(&'a self, search_path: &'a [Oid]) -> BindContext<'a> {
        let role = self.current_role();
        BindContext {
            catalog: &self.catalog,
            registry: &self.shared.instance.registry,
            env: self,
            search_path,
            role,
            transient: &[],
        }
    }
}

impl StatementEnv {
    /// The constraints of a user's domain, compiled once per statement.
    fn domain_code(&self, domain: Oid) -> Result<Arc<DomainCode>> {
        if let Some(code) = self.domains.lock().get(&domain) {
            return Ok(code.clone());
        }
        let code = DomainCode::new(domain, &self.catalog, &self.shared.instance.registry, self)?;
        let code = Arc::new(code.ok_or_else(|| Error::internal(format!("cache lookup failed for type {domain}")))?);
        self.domains.lock().insert(domain, code.clone());
        Ok(code)
    }
}

impl TypeLookup for StatementEnv {
    fn type_info(&self, oid: Oid) -> Option<Arc<TypeInfo>> {
        builtin_types::by_oid(oid).or_else(|| self.catalog.type_info(oid))
    }
}

impl Env for StatementEnv {
    fn format(&self) -> &FormatSettings {
        &self.derived.format
    }

    fn restricted_kinds(&self) -> RestrictedKinds {
        self.derived.restricted_kinds
    }

    fn check_path_pattern(&self, pattern: &str, flags: &str) -> Result<()> {
        dictdb_functions::check_path_pattern(pattern, flags)
    }

    fn transaction_timestamp(&self) -> i64 {
        self.transaction_timestamp
    }

    fn statement_timestamp(&self) -> i64 {
        self.statement_timestamp
    }

    fn reg_in(&self, kind: RegKind, text: &str) -> Result<Oid> {
        names::reg_in(self, kind, text)
    }

    fn reg_out(&self, kind: RegKind, oid: Oid) -> String {
        names::reg_out(self, kind, oid)
    }

    fn is_new_label(&self, enumeration: Oid, label: Oid) -> bool {
        let committed = self.shared.database.catalog.current();
        if Arc::ptr_eq(&committed, &self.catalog) {
            return false;
        }
        match committed.type_info(enumeration).as_deref() {
            Some(TypeInfo { kind: TypeKind::Enum(labels), .. }) => !labels.iter().any(|known| known.oid == label),
            // The labels that the type was made with are numbered before it.
            _ => label > enumeration,
        }
    }

    fn check_domain(&self, domain: Oid, value: &Datum) -> Result<()> {
        match builtin_types::by_oid(domain) {
            Some(info) => system::check_builtin_domain(&info.name, value),
            None => self.domain_code(domain)?.check(value, self),
        }
    }

    fn notice(&self, notice: Error) {
        self.shared.notice(notice);
    }

    fn text_search_dictionary(&self, dictionary: Oid) -> Option<TextSearchDictionary> {
        let own = self.catalog.definition(dictionary)?;
        let info = own.dictionary()?;
        let lexize = template_function(info.template, &self.catalog)?;
        Some(TextSearchDictionary { lexize, options: info.options.clone() })
    }

    fn text_search_dictionary_beside(&self, function: Oid, name: &str) -> Option<Oid> {
        let namespace = self.catalog.routine(function)?.namespace;
        self.catalog.definition_in(DefinitionKind::Dictionary, namespace, name).map(|own| own.oid)
    }

    fn text_search_file(&self, name: &str) -> Option<Result<String>> {
        let folder = self.shared.show("data_directory").ok().filter(|folder| !folder.is_empty())?;
        let path = std::path::Path::new(&folder).join("tsearch_data").join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => Some(Ok(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                let message = format!("could not read file \"tsearch_data/{name}\": {error}");
                Some(Err(Error::new(SqlState::CONFIG_FILE_ERROR, message)))
            }
        }
    }

    fn text_search_map(&self, config: Oid) -> Option<Vec<(i32, Vec<Oid>)>> {
        self.catalog.definition(config)?.configuration().map(|info| info.map.clone())
    }

    fn text_search_config(&self) -> Result<Oid> {
        let name = self.shared.show("default_text_search_config")?;
        names::reg_in(self, RegKind::Config, &name)
    }

    fn decode(&self, encoding: &str, bytes: &[u8]) -> Result<String> {
        crate::encoding::text_in(encoding, bytes)
    }

    fn setting(&self, name: &str) -> Option<String> {
        self.shared.show(name).ok()
    }

    fn check_interrupts(&self) -> Result<()> {
        self.shared.backend.interrupts.check()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
