//! CREATE SCHEMA.

use std::sync::Arc;

use dictdb_catalog::{Object, Schema};
use dictdb_parser::utility::{CreateSchema, RoleSpec};
use dictdb_types::{Error, Oid, Result, SqlState};

use super::DdlContext;

impl DdlContext<'_> {
    pub(super) fn create_schema(&mut self, create: &CreateSchema) -> Result<()> {
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
        self.put(Object::Schema(Arc::new(Schema { oid, name, owner, acl: None })));
        Ok(())
    }

    /// The role a name means; 42704.
    pub(super) fn role_oid(&mut self, role: &RoleSpec) -> Result<Oid> {
        match role {
            RoleSpec::CurrentUser | RoleSpec::SessionUser => Ok(self.role),
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
