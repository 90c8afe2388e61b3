//! REINDEX of partitioned tables and indexes, which must not be part of a transaction block.

use dictdb_parser::utility::{Reindex, ReindexKind};
use dictdb_types::Result;

use crate::Session;

impl Session {
    /// 25001 for a partitioned table or index inside a transaction block or a function: PostgreSQL commits after each part.
    pub(super) fn check_reindex(&mut self, reindex: &Reindex) -> Result<()> {
        let command = match reindex.kind {
            ReindexKind::Index => "REINDEX INDEX",
            ReindexKind::Table => "REINDEX TABLE",
            ReindexKind::Schema | ReindexKind::Database | ReindexKind::System => return Ok(()),
        };
        // What is wrong with a name, the statement itself says.
        let Ok(relation) = self.find_relation(&reindex.name) else { return Ok(()) };
        let what = match relation.index() {
            Some(index) if index.partitioned => "index",
            None if relation.is_partitioned() => "table",
            _ => return Ok(()),
        };
        self.prevent_transaction(command).map_err(|error| {
            let catalog = &self.env().catalog;
            let schema = catalog.schema(relation.namespace).map_or("", |schema| &*schema.name);
            error.context(format!("while reindexing partitioned {what} \"{schema}.{}\"", relation.name))
        })
    }
}
