//! Foreign data: wrappers, servers, user mappings, and what makes a table a foreign one. Nothing reads through them: a
//! foreign table without a handler can be described, granted, altered and dropped, but not selected from.

use std::sync::Arc;

use dictdb_types::{Error, Oid, SqlState};

use crate::{Catalog, Relation};

/// Options in the order they were given: names and values.
pub type ForeignOptions = Vec<(Arc<str>, Arc<str>)>;

/// A row of `pg_foreign_data_wrapper`.
#[derive(Clone, Debug, Default)]
pub struct WrapperInfo {
    /// `fdwhandler`.
    pub handler: Oid,
    /// `fdwvalidator`.
    pub validator: Oid,
    /// `fdwoptions`.
    pub options: ForeignOptions,
}

/// A row of `pg_foreign_server`.
#[derive(Clone, Debug)]
pub struct ServerInfo {
    /// `srvfdw`.
    pub wrapper: Oid,
    /// `srvtype`.
    pub server_type: Option<Arc<str>>,
    /// `srvversion`.
    pub version: Option<Arc<str>>,
    /// `srvoptions`.
    pub options: ForeignOptions,
}

/// A row of `pg_user_mapping`. Its definition is named by [`UserMappingInfo::name`], so that there is one for a role and a server.
#[derive(Clone, Debug)]
pub struct UserMappingInfo {
    /// `umuser`; zero is PUBLIC.
    pub user: Oid,
    /// `umserver`.
    pub server: Oid,
    /// `umoptions`.
    pub options: ForeignOptions,
}

impl UserMappingInfo {
    /// What the catalog knows the mapping of a role on a server by.
    pub fn name(user: Oid, server: Oid) -> Arc<str> {
        Arc::from(format!("{user}@{server}"))
    }
}

/// A row of `pg_foreign_table`.
#[derive(Clone, Debug)]
pub struct ForeignTable {
    /// `ftserver`.
    pub server: Oid,
    /// `ftoptions`.
    pub options: ForeignOptions,
}

impl Catalog {
    /// 55000 of what would read or change a foreign table: no wrapper has a handler.
    pub fn no_handler(&self, table: &Relation) -> Option<Error> {
        let server = self.definition(table.foreign.as_ref()?.server).and_then(|own| own.server());
        let wrapper = server.and_then(|info| self.definition(info.wrapper)).map_or("", |wrapper| &wrapper.name);
        let message = format!("foreign-data wrapper \"{wrapper}\" has no handler");
        Some(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, message))
    }
}
