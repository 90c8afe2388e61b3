//! What a new database holds: the standard schemas, the system relations and the bootstrap superuser.

use std::sync::Arc;

use crate::{BOOTSTRAP_ROLE, Catalog, Change, Object, Role, Schema, namespaces, system_relations};

impl Catalog {
    /// The catalog of a new database.
    pub fn bootstrap() -> Self {
        let mut catalog = Catalog::default();
        let schemas = [
            (namespaces::PG_CATALOG, "pg_catalog", &["postgres=UC/postgres", "=U/postgres"][..]),
            (namespaces::PG_TOAST, "pg_toast", &[]),
            (namespaces::PUBLIC, "public", &["pg_database_owner=UC/pg_database_owner", "=U/pg_database_owner"]),
            (namespaces::INFORMATION_SCHEMA, "information_schema", &["postgres=UC/postgres", "=U/postgres"]),
        ];
        for (oid, name, acl) in schemas {
            let acl = (!acl.is_empty()).then(|| acl.iter().map(|item| Arc::from(*item)).collect());
            let owner = if oid == namespaces::PUBLIC { DATABASE_OWNER_ROLE } else { BOOTSTRAP_ROLE };
            catalog.apply(&Change::Put(Object::Schema(Arc::new(Schema { oid, name: Arc::from(name), owner, acl }))));
        }
        for role in [superuser(), predefined_role(DATABASE_OWNER_ROLE, "pg_database_owner")] {
            catalog.apply(&Change::Put(Object::Role(Arc::new(role))));
        }
        for relation in system_relations() {
            catalog.apply(&Change::Put(Object::Relation(relation.clone())));
        }
        let public = (PG_NAMESPACE, namespaces::PUBLIC, 0);
        catalog.apply(&Change::Comment(public, Some(Arc::from("standard public schema"))));
        catalog
    }
}

/// `pg_authid.oid` of `pg_database_owner`.
const DATABASE_OWNER_ROLE: dictdb_types::Oid = dictdb_types::Oid(6171);
/// `pg_class.oid` of `pg_namespace`.
const PG_NAMESPACE: dictdb_types::Oid = dictdb_types::Oid(2615);

fn superuser() -> Role {
    Role {
        superuser: true,
        create_role: true,
        create_db: true,
        login: true,
        replication: true,
        bypass_rls: true,
        ..predefined_role(BOOTSTRAP_ROLE, "postgres")
    }
}

fn predefined_role(oid: dictdb_types::Oid, name: &str) -> Role {
    Role {
        oid,
        name: Arc::from(name),
        superuser: false,
        inherit: true,
        create_role: false,
        create_db: false,
        login: false,
        replication: false,
        bypass_rls: false,
        connection_limit: -1,
        password: None,
        valid_until: None,
        settings: Vec::new(),
        member_of: Vec::new(),
    }
}
