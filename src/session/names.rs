//! Names in commands that the session runs itself.

use std::sync::Arc;

use dictdb_catalog::{BOOTSTRAP_ROLE, Change, Object, Relation, Schema};
use dictdb_executor::ddl;
use dictdb_parser::ast::{ObjectName, ObjectNamePart};
use dictdb_parser::utility::{Persistence, Utility};
use dictdb_types::{Error, Oid, Result, SqlState};

use crate::Session;

impl Session {
    /// The relation a name means; 42P01, 3F000.
    pub(crate) fn find_relation(&mut self, name: &ObjectName) -> Result<Arc<Relation>> {
        let env = self.env();
        let parts: Vec<&str> =
            name.0.iter().filter_map(ObjectNamePart::as_ident).map(|ident| ident.value.as_str()).collect();
        let relation = match parts.as_slice() {
            [.., schema, relation] => {
                let namespace = env.catalog.schema_seen(&env.search_path(), schema).ok_or_else(|| {
                    Error::new(SqlState::UNDEFINED_SCHEMA, format!("schema \"{schema}\" does not exist"))
                })?;
                env.catalog.relation_in(namespace.oid, relation)
            }
            [relation] => env.catalog.relation_on_path(&env.search_path(), relation),
            [] => None,
        };
        relation.cloned().ok_or_else(|| {
            Error::new(SqlState::UNDEFINED_TABLE, format!("relation \"{}\" does not exist", parts.join(".")))
        })
    }

    /// Schema for temporary objects; made when a command is about to need it.
    pub(crate) fn temporary_schema(&mut self, command: &Utility) -> Result<Oid> {
        let store = &self.shared.database.catalog;
        let known = self.shared.temporary_schema();
        if !makes_temporary(command) {
            return Ok(known.unwrap_or(Oid::INVALID));
        }
        self.shared.check_unrestricted(|| "create temporary table".to_owned())?;
        let oid = known.unwrap_or_else(|| store.allocate_oid());
        if self.definitions.catalog.view(store).schema(oid).is_none() {
            let name = format!("pg_temp_{}", self.shared.backend.pid).into();
            let schema = Schema { oid, name, owner: BOOTSTRAP_ROLE, acl: None };
            self.definitions.catalog.change(store, Change::Put(Object::Schema(Arc::new(schema))));
            self.shared.set_temporary_schema(oid);
        }
        Ok(oid)
    }

    /// The current role.
    pub(crate) fn role(&mut self) -> Oid {
        let user = self.shared.current_user();
        self.env().catalog.role_named(&user).map_or(BOOTSTRAP_ROLE, |role| role.oid)
    }
}

/// Whether a command makes something temporary.
fn makes_temporary(command: &Utility) -> bool {
    let (persistence, name) = match command {
        Utility::CreateTable(create) => (create.persistence, &create.name),
        Utility::CreateTableAs(create) => (create.persistence, &create.name),
        Utility::CreateView(create) => (create.persistence, &create.name),
        Utility::CreateSequence(create) => (create.persistence, &create.name),
        Utility::CreateFunction(create) => (Persistence::Permanent, &create.name),
        Utility::CreateEnum(create) => (Persistence::Permanent, &create.name),
        Utility::CreateComposite(create) => (Persistence::Permanent, &create.name),
        Utility::CreateDomain(create) => (Persistence::Permanent, &create.name),
        Utility::CreateRange(define) | Utility::Define(define) => (Persistence::Permanent, &define.name),
        Utility::CreateOperatorClass(create) => (Persistence::Permanent, &create.name),
        Utility::CreateOperatorFamily(create) => (Persistence::Permanent, &create.name),
        Utility::CreateStatistics(create) => (Persistence::Permanent, &create.name),
        Utility::CreateConversion(create) => (Persistence::Permanent, &create.name),
        _ => return false,
    };
    persistence == Persistence::Temporary || ddl::in_temporary_schema(name)
}
