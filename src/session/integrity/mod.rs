//! `dictdb.check_integrity()`: whether a database is what its catalog says.
//!
//! ```text
//!   catalog     what objects name is there              references
//!   rows        NOT NULL, entries of indexes, keys      storage
//!   conditions  CHECK, foreign keys                     constraints
//! ```
//! Everything is looked at as one snapshot sees it, that of the calling statement. Nothing is changed and no writer waits; an
//! interrupt ends it. Of one check of one object at most [`FINDINGS_MAX`] findings are listed.

mod constraints;
mod references;
mod storage;

use std::sync::Arc;

use dictdb_catalog::{Persistence, Relation};
use dictdb_functions::facts::Volatility;
use dictdb_storage::Snapshot;
use dictdb_types::{Datum, Error, Result, RowId, SqlState, quote_qualified};

use crate::{Session, StatementEnv};

/// Findings of one check of one object that are listed.
const FINDINGS_MAX: usize = 1000;

/// Something that is not as it should be.
struct Finding {
    /// The table, index, constraint or sequence.
    object: String,
    /// What was checked.
    check: &'static str,
    detail: String,
}

/// The findings so far.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    /// Adds a finding, unless there are very many of this kind.
    fn add(&mut self, object: &str, check: &'static str, detail: impl Into<String>) {
        let of_kind = |finding: &&Finding| finding.check == check && finding.object == object;
        let mut detail = detail.into();
        match self.0.iter().rev().take_while(of_kind).count() {
            count if count > FINDINGS_MAX => return,
            FINDINGS_MAX => detail = "there are more findings of this kind".to_owned(),
            _ => {}
        }
        self.0.push(Finding { object: object.to_owned(), check, detail });
    }
}

impl Session {
    /// Checks the whole database; the rows of `dictdb.check_integrity()`. 42501, 57014.
    pub(crate) fn check_integrity(&mut self) -> Result<Vec<Vec<Datum>>> {
        if !self.shared.is_superuser() {
            let message = "permission denied for function check_integrity";
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
        }
        let findings = self.seeing(Volatility::Stable, Session::find_faults)?;
        let row = |finding: Finding| {
            vec![Datum::text(finding.object), Datum::text(finding.check), Datum::text(finding.detail)]
        };
        Ok(findings.0.into_iter().map(row).collect())
    }

    fn find_faults(&mut self) -> Result<Findings> {
        let snapshot = match &self.routines.calls.borrowed {
            Some(snapshot) => snapshot.clone(),
            None => Arc::new(self.transaction()?.snapshot()?),
        };
        let env = self.env();
        let mut findings = Findings::default();
        references::check(&env, &mut findings);
        let relations: Vec<Arc<Relation>> = env.catalog.relations().cloned().collect();
        for relation in relations.iter().filter(|relation| is_checked(&env, relation)) {
            self.shared.backend.interrupts.check()?;
            self.check_table(&env, relation, &snapshot, &mut findings)?;
        }
        Ok(findings)
    }

    fn check_table(
        &mut self,
        env: &StatementEnv,
        relation: &Arc<Relation>,
        snapshot: &Snapshot,
        findings: &mut Findings,
    ) -> Result<()> {
        let shared = self.shared.clone();
        let interrupts = || shared.backend.interrupts.check();
        tokio::task::block_in_place(|| storage::check(env, relation, snapshot, &interrupts, findings))?;
        self.check_constraints(env, relation, findings)
    }
}

/// Tables with rows of their own, but for temporary ones of other sessions.
fn is_checked(env: &StatementEnv, relation: &Relation) -> bool {
    let is_own =
        relation.persistence != Persistence::Temporary || env.shared.temporary_schema() == Some(relation.namespace);
    relation.is_stored() && !relation.is_partitioned() && is_own
}

/// Schema and name, quoted.
fn name_of(env: &StatementEnv, relation: &Relation) -> String {
    let schema = env.catalog.schema(relation.namespace).map(|schema| schema.name.clone()).unwrap_or_default();
    quote_qualified(&schema, &relation.name)
}

/// A row as its `ctid` names it.
fn place(row: RowId) -> String {
    const BLOCK_ROWS: u64 = dictdb_storage::BLOCK_ROWS as u64;
    format!("row ({},{})", row.0 / BLOCK_ROWS, row.0 % BLOCK_ROWS + 1)
}
