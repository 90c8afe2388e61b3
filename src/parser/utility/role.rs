//! Roles and privileges.

use sqlparser::ast::{Ident, ObjectName};

use super::{Behavior, ObjectKind, ObjectRef, RoleSpec, SourceExpr};

/// `CREATE ROLE`, `CREATE USER`, `CREATE GROUP`.
#[derive(Clone, Debug)]
pub struct CreateRole {
    /// `USER` was written: it may log in by default.
    pub user: bool,
    /// The role.
    pub name: RoleSpec,
    /// Options in the order written.
    pub options: Vec<RoleOption>,
}

/// `ALTER ROLE … option`, `ALTER GROUP … ADD/DROP USER`.
#[derive(Clone, Debug)]
pub struct AlterRole {
    /// The role.
    pub name: RoleSpec,
    /// Options in the order written.
    pub options: Vec<RoleOption>,
}

/// An option of a role.
#[derive(Clone, Debug)]
pub enum RoleOption {
    /// `SUPERUSER`.
    Superuser(bool),
    /// `CREATEDB`.
    CreateDb(bool),
    /// `CREATEROLE`.
    CreateRole(bool),
    /// `INHERIT`.
    Inherit(bool),
    /// `LOGIN`.
    Login(bool),
    /// `REPLICATION`.
    Replication(bool),
    /// `BYPASSRLS`.
    BypassRls(bool),
    /// `CONNECTION LIMIT`.
    ConnectionLimit(i64),
    /// `PASSWORD`, or `PASSWORD NULL`.
    Password(Option<String>),
    /// `VALID UNTIL`.
    ValidUntil(String),
    /// `IN ROLE`.
    InRole(Vec<RoleSpec>),
    /// `ROLE`: the new role's members.
    Members(Vec<RoleSpec>),
    /// `ADMIN`: members with the admin option.
    Admins(Vec<RoleSpec>),
    /// `ALTER GROUP … DROP USER`.
    DropMembers(Vec<RoleSpec>),
    /// `SYSID`, which PostgreSQL accepts and ignores with a notice.
    SysId(i64),
}

/// `DROP ROLE`.
#[derive(Clone, Debug)]
pub struct DropRole {
    /// The roles.
    pub names: Vec<RoleSpec>,
    /// `IF EXISTS`.
    pub if_exists: bool,
}

/// `GRANT` and `REVOKE` on objects.
#[derive(Clone, Debug)]
pub struct Grant {
    /// `GRANT` (true) or `REVOKE`.
    pub grant: bool,
    /// `WITH GRANT OPTION`, `GRANT OPTION FOR`.
    pub grant_option: bool,
    /// Privileges; empty means `ALL`.
    pub privileges: Vec<Privilege>,
    /// On what.
    pub target: GrantTarget,
    /// To or from whom.
    pub grantees: Vec<RoleSpec>,
    /// `GRANTED BY`.
    pub grantor: Option<RoleSpec>,
    /// `CASCADE`.
    pub behavior: Behavior,
}

/// A privilege as written; names are checked when the command runs.
#[derive(Clone, Debug)]
pub struct Privilege {
    /// `None` is `ALL` with a column list.
    pub name: Option<Ident>,
    /// Columns.
    pub columns: Vec<Ident>,
}

/// What privileges are granted on.
#[derive(Clone, Debug)]
pub enum GrantTarget {
    /// Objects of a kind; relations without a kind word arrive as [`ObjectKind::Table`].
    Objects(ObjectKind, Vec<ObjectRef>),
    /// `ALL … IN SCHEMA`.
    AllInSchema(ObjectKind, Vec<Ident>),
    /// A settings parameter.
    Parameters(Vec<String>),
}

/// `GRANT role TO role`.
#[derive(Clone, Debug)]
pub struct GrantRole {
    /// `GRANT` (true) or `REVOKE`.
    pub grant: bool,
    /// The roles granted.
    pub roles: Vec<Privilege>,
    /// To or from whom.
    pub grantees: Vec<RoleSpec>,
    /// `WITH ADMIN OPTION`, `ADMIN OPTION FOR`.
    pub admin_option: bool,
    /// `GRANTED BY`.
    pub grantor: Option<RoleSpec>,
    /// `CASCADE`.
    pub behavior: Behavior,
}

/// `ALTER DEFAULT PRIVILEGES`.
#[derive(Clone, Debug)]
pub struct AlterDefaultPrivileges {
    /// `FOR ROLE`.
    pub roles: Vec<RoleSpec>,
    /// `IN SCHEMA`.
    pub schemas: Vec<Ident>,
    /// `GRANT` (true) or `REVOKE`.
    pub grant: bool,
    /// `WITH GRANT OPTION`, `GRANT OPTION FOR`.
    pub grant_option: bool,
    /// Privileges; empty means `ALL`.
    pub privileges: Vec<Privilege>,
    /// Kind of future objects.
    pub kind: ObjectKind,
    /// To or from whom.
    pub grantees: Vec<RoleSpec>,
    /// `CASCADE`.
    pub behavior: Behavior,
}

/// `REASSIGN OWNED`.
#[derive(Clone, Debug)]
pub struct ReassignOwned {
    /// Old owners.
    pub from: Vec<RoleSpec>,
    /// The new owner.
    pub to: RoleSpec,
}

/// `DROP OWNED`.
#[derive(Clone, Debug)]
pub struct DropOwned {
    /// The owners.
    pub roles: Vec<RoleSpec>,
    /// `CASCADE`.
    pub behavior: Behavior,
}

/// `CREATE POLICY`.
#[derive(Clone, Debug)]
pub struct CreatePolicy {
    /// Name.
    pub name: Ident,
    /// The table.
    pub table: ObjectName,
    /// `AS PERMISSIVE`, which it is unless `AS RESTRICTIVE` says otherwise.
    pub permissive: bool,
    /// `FOR`.
    pub command: PolicyCommand,
    /// `TO`.
    pub roles: Vec<RoleSpec>,
    /// `USING`.
    pub using: Option<SourceExpr>,
    /// `WITH CHECK`.
    pub check: Option<SourceExpr>,
}

/// `ALTER POLICY`; what is not given stays.
#[derive(Clone, Debug)]
pub struct AlterPolicy {
    /// Name.
    pub name: Ident,
    /// The table.
    pub table: ObjectName,
    /// `TO`.
    pub roles: Option<Vec<RoleSpec>>,
    /// `USING`.
    pub using: Option<SourceExpr>,
    /// `WITH CHECK`.
    pub check: Option<SourceExpr>,
}

/// What a policy is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyCommand {
    /// `ALL`.
    All,
    /// `SELECT`.
    Select,
    /// `INSERT`.
    Insert,
    /// `UPDATE`.
    Update,
    /// `DELETE`.
    Delete,
}
