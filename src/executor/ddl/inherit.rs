//! Table inheritance.

use std::sync::Arc;

use dictdb_catalog::Relation;
use dictdb_parser::ast::ObjectName;
use dictdb_types::{Error, Result};

use super::DdlContext;

impl DdlContext<'_> {
    pub(super) fn inherit(&mut self, _: &Arc<Relation>, _: &ObjectName) -> Result<()> {
        Err(Error::unsupported("INHERIT"))
    }

    pub(super) fn disinherit(&mut self, _: &Arc<Relation>, _: &ObjectName) -> Result<()> {
        Err(Error::unsupported("NO INHERIT"))
    }
}
