//! Foreign-data wrappers, servers, user mappings and foreign tables.

use sqlparser::ast::{Ident, ObjectName};

use super::RoleSpec;

/// An item of `OPTIONS (…)`. Where something is made there are only additions.
#[derive(Clone, Debug)]
pub struct OptionChange {
    /// What happens to the option.
    pub action: OptionAction,
    /// The option.
    pub name: Ident,
    /// Its value; empty where it is dropped.
    pub value: String,
}

/// What happens to an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionAction {
    /// `ADD`, which is the default.
    Add,
    /// `SET`.
    Set,
    /// `DROP`.
    Drop,
}

/// `HANDLER f`, `NO HANDLER`, `VALIDATOR f`, `NO VALIDATOR`.
#[derive(Clone, Debug)]
pub struct WrapperFunction {
    /// `VALIDATOR`.
    pub validator: bool,
    /// The function; `None` is `NO`.
    pub function: Option<ObjectName>,
    /// 1-based character position of its first word.
    pub position: u32,
}

/// `CREATE` and `ALTER FOREIGN DATA WRAPPER`.
#[derive(Clone, Debug)]
pub struct WrapperCommand {
    /// The wrapper.
    pub name: Ident,
    /// Its functions.
    pub functions: Vec<WrapperFunction>,
    /// `OPTIONS`.
    pub options: Vec<OptionChange>,
}

/// `CREATE SERVER`.
#[derive(Clone, Debug)]
pub struct CreateServer {
    /// The server.
    pub name: Ident,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
    /// `TYPE`.
    pub server_type: Option<String>,
    /// `VERSION`.
    pub version: Option<String>,
    /// `FOREIGN DATA WRAPPER`.
    pub wrapper: Ident,
    /// `OPTIONS`.
    pub options: Vec<OptionChange>,
}

/// `ALTER SERVER`, but for `RENAME` and `OWNER TO`.
#[derive(Clone, Debug)]
pub struct AlterServer {
    /// The server.
    pub name: Ident,
    /// `VERSION`; the inner `None` is `VERSION NULL`.
    pub version: Option<Option<String>>,
    /// `OPTIONS`.
    pub options: Vec<OptionChange>,
}

/// What a command about a user mapping does.
#[derive(Clone, Debug)]
pub enum UserMappingAction {
    /// `CREATE … OPTIONS`.
    Create {
        /// `IF NOT EXISTS`.
        if_not_exists: bool,
        /// `OPTIONS`.
        options: Vec<OptionChange>,
    },
    /// `ALTER … OPTIONS`.
    Alter(Vec<OptionChange>),
    /// `DROP`.
    Drop {
        /// `IF EXISTS`.
        if_exists: bool,
    },
}

/// `CREATE`, `ALTER` and `DROP USER MAPPING`.
#[derive(Clone, Debug)]
pub struct UserMapping {
    /// `FOR`.
    pub user: RoleSpec,
    /// `SERVER`.
    pub server: Ident,
    /// What it does.
    pub action: UserMappingAction,
}

/// What makes a table of `CREATE FOREIGN TABLE` a foreign one.
#[derive(Clone, Debug)]
pub struct ForeignClause {
    /// `SERVER`.
    pub server: Ident,
    /// `OPTIONS`.
    pub options: Vec<OptionChange>,
}

/// `IMPORT FOREIGN SCHEMA`. What it would import, and how, no handler is asked.
#[derive(Clone, Debug)]
pub struct ImportForeignSchema {
    /// `FROM SERVER`.
    pub server: Ident,
    /// `INTO`.
    pub schema: Ident,
}
