//! What a new database holds: the standard schemas, the system relations and the bootstrap superuser.

use std::sync::Arc;

use dictdb_types::Oid;

use crate::extension::Extension;
use crate::{BOOTSTRAP_ROLE, Catalog, Change, Object, Role, Schema, namespaces, system_relations};

impl Catalog {
    /// The catalog of a new database.
    pub fn bootstrap() -> Self {
        let mut catalog = Catalog::default();
        let schemas = [
            (namespaces::PG_CATALOG, "pg_catalog", &["postgres=UC/postgres", "=U/postgres"][..]),
            (namespaces::PG_TOAST, "pg_toast", &[]),
            (namespaces::PUBLIC, "public", &["pg_database_owner=UC/pg_database_owner", "=U/pg_database_owner"]),
            (namespaces::DICTDB, "dictdb", &["postgres=UC/postgres", "=U/postgres"]),
            (namespaces::INFORMATION_SCHEMA, "information_schema", &["postgres=UC/postgres", "=U/postgres"]),
        ];
        for (oid, name, acl) in schemas {
            let acl = (!acl.is_empty()).then(|| acl.iter().map(|item| Arc::from(*item)).collect());
            let owner = if oid == namespaces::PUBLIC { DATABASE_OWNER_ROLE } else { BOOTSTRAP_ROLE };
            catalog.apply(&Change::Put(Object::Schema(Arc::new(Schema { oid, name: Arc::from(name), owner, acl }))));
        }
        let predefined = PREDEFINED_ROLES.iter().map(|(oid, name)| predefined_role(*oid, name));
        for role in std::iter::once(superuser()).chain(predefined) {
            catalog.apply(&Change::Put(Object::Role(Arc::new(role))));
        }
        for relation in system_relations() {
            catalog.apply(&Change::Put(Object::Relation(relation.clone())));
        }
        let public = (PG_NAMESPACE, namespaces::PUBLIC, 0);
        catalog.apply(&Change::Comment(public, Some(Arc::from("standard public schema"))));
        let plpgsql = Extension::plpgsql();
        catalog.apply(&Change::Put(Object::Extension(Arc::new(plpgsql))));
        catalog
    }
}

/// `pg_authid.oid` of `pg_database_owner`.
const DATABASE_OWNER_ROLE: Oid = Oid(6171);
/// The role that sees all statistics and settings by being a member of the roles that may.
const MONITOR_ROLE: Oid = Oid(3373);
/// The roles that may read, and change, the rows of everything.
pub(crate) const READ_ALL_ROLE: Oid = Oid(6181);
pub(crate) const WRITE_ALL_ROLE: Oid = Oid(6182);
/// The roles every PostgreSQL server has, by oid.
const PREDEFINED_ROLES: &[(Oid, &str)] = &[
    (MONITOR_ROLE, "pg_monitor"),
    (Oid(3374), "pg_read_all_settings"),
    (Oid(3375), "pg_read_all_stats"),
    (Oid(3377), "pg_stat_scan_tables"),
    (Oid(4200), "pg_signal_backend"),
    (Oid(4544), "pg_checkpoint"),
    (Oid(4569), "pg_read_server_files"),
    (Oid(4570), "pg_write_server_files"),
    (Oid(4571), "pg_execute_server_program"),
    (DATABASE_OWNER_ROLE, "pg_database_owner"),
    (READ_ALL_ROLE, "pg_read_all_data"),
    (WRITE_ALL_ROLE, "pg_write_all_data"),
];
/// What `pg_monitor` is a member of.
const MONITORS: [Oid; 3] = [Oid(3374), Oid(3375), Oid(3377)];
/// `pg_class.oid` of `pg_namespace`.
const PG_NAMESPACE: Oid = Oid(2615);

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

fn predefined_role(oid: Oid, name: &str) -> Role {
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
        member_of: if oid == MONITOR_ROLE { MONITORS.map(|role| (role, false)).into() } else { Vec::new() },
    }
}
