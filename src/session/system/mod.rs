//! `pg_catalog` and `information_schema`: the rows of system tables, and the functions that read the catalog.
//!
//! The relations themselves (oids, columns, the views' queries) are part of every catalog ([`dictdb_catalog`]); names of
//! functions and their types are in [`dictdb_functions::facts`]. Nothing here recognises a client's query: psql, drivers and
//! ORMs are answered by the ordinary planner and executor over these rows.
//!
//! ```text
//!   VirtualScan ──► VirtualTables ─► relations/   one producer per system table
//!                                    exported     rows PostgreSQL is born with (pg_proc, pg_operator, …)
//!   function call ──► registry() ──► functions/   by C symbol, as all functions
//!   reg… text ──► names
//!   catalog, oid, column ──► address
//!   UPDATE pg_class      ──► catalog_rows/
//! ```

pub(crate) mod address;
mod catalog_rows;
mod described;
mod exported;
mod functions;
#[cfg(test)]
mod implemented;
pub(crate) mod names;
mod output;
mod relations;

use std::sync::LazyLock;

use dictdb_catalog::{Relation, namespaces};
use dictdb_executor::VirtualTables;
use dictdb_functions::Registry;
use dictdb_types::{Datum, Error, Oid, Result, SqlState};

use crate::StatementEnv;
pub(crate) use functions::{pages, record, records, row_bytes};
pub(crate) use output::acl;
use output::{Output, Row};

/// The rows of system tables as one statement sees them.
impl VirtualTables for StatementEnv {
    fn role(&self) -> Oid {
        self.current_role()
    }

    fn search_path(&self) -> Vec<Oid> {
        StatementEnv::search_path(self)
    }

    fn rows(&self, relation: Oid, equals: &[(i16, Datum)], columns: &[i16]) -> Result<Vec<Row>> {
        if let Some(rows) = self.transition_rows(relation, columns) {
            return Ok(rows);
        }
        let mut output = Output::new(relation, equals, columns);
        relations::produce(self, relation, &mut output)?;
        Ok(output.into_rows())
    }

    fn change_row(
        &self,
        relation: &Relation,
        assigned: &[usize],
        before: Option<&[Datum]>,
        after: Option<&[Datum]>,
    ) -> Result<()> {
        self.shared.in_session(|session| session.change_catalog_row(relation, assigned, before, after))
    }
}

/// All rows of one of DictDB's own relations.
pub(crate) fn relation_rows(env: &StatementEnv, name: &str) -> Result<Vec<Row>> {
    let found = env.catalog.relation_in(namespaces::DICTDB, name).cloned();
    let relation = found.ok_or_else(|| Error::internal(format!("there is no relation {name}")))?;
    let columns: Vec<i16> = relation.live_columns().map(|(attnum, _)| attnum).collect();
    env.rows(relation.oid, &[], &columns)
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let scalars = functions::scalars().fold(Registry::builtin(), |registry, table| registry.with(table));
    functions::SETS.iter().fold(scalars, |registry, table| registry.with_sets(table))
});

/// All functions there are: those over values, and those that need a session.
pub fn registry() -> &'static Registry {
    &REGISTRY
}

/// Checks a value of one of `information_schema`'s own domains. 23514.
pub(crate) fn check_builtin_domain(domain: &str, value: &Datum) -> Result<()> {
    let (holds, constraint) = match (domain, value) {
        ("cardinal_number", Datum::Int4(number)) => (*number >= 0, "cardinal_number_domain_check"),
        ("yes_or_no", Datum::Text(text)) => (matches!(&**text, "YES" | "NO"), "yes_or_no_check"),
        _ => return Ok(()),
    };
    if holds {
        return Ok(());
    }
    let message = format!("value for domain {domain} violates check constraint \"{constraint}\"");
    Err(Error::new(SqlState::CHECK_VIOLATION, message)
        .schema("information_schema")
        .datatype(domain)
        .constraint(constraint))
}
