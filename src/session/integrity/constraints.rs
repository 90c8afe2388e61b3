//! CHECK constraints and foreign keys of one table, as queries for the rows that break them.

use std::sync::Arc;

use dictdb_catalog::{Constraint, ConstraintKind, ForeignKey, Relation};
use dictdb_types::{Datum, Error, Result, SqlState, quote_identifier};

use super::{FINDINGS_MAX, Findings, name_of};
use crate::portal::Outcome;
use crate::prepared::Source;
use crate::{Session, StatementEnv};

impl Session {
    /// Checks what is validated.
    pub(super) fn check_constraints(
        &mut self,
        env: &StatementEnv,
        relation: &Arc<Relation>,
        findings: &mut Findings,
    ) -> Result<()> {
        for constraint in relation.constraints.iter().filter(|constraint| constraint.validated) {
            let Some((check, query)) = broken_rows(env, relation, constraint) else { continue };
            let object = format!("{} of {}", quote_identifier(&constraint.name), name_of(env, relation));
            match self.first_column(&query) {
                Ok(rows) => rows.iter().for_each(|row| findings.add(&object, check, format!("row {row} breaks it"))),
                Err(error) if ends_everything(&error) => return Err(error),
                Err(error) => findings.add(&object, check, format!("it cannot be evaluated: {}", error.message())),
            }
        }
        Ok(())
    }

    /// The texts in the first column of a query's rows.
    fn first_column(&mut self, query: &str) -> Result<Vec<String>> {
        let source = Arc::new(Source::parse(query)?);
        let Outcome::Rows { mut source, .. } = self.execute_source(&source, &Arc::default(), None)? else {
            return Err(Error::internal("a check without rows"));
        };
        let mut texts = Vec::new();
        let lends = source.calls_routines();
        self.lend_if(lends, || {
            source.pump(FINDINGS_MAX + 1, &mut Vec::new(), &mut |row| {
                if let Some(Datum::Text(text)) = row.first() {
                    texts.push(text.to_string());
                }
                Ok(true)
            })
        })?;
        Ok(texts)
    }
}

/// Whether an error is about the statement as a whole and not about the rows it looked at.
fn ends_everything(error: &Error) -> bool {
    matches!(
        error.code(),
        SqlState::QUERY_CANCELED | SqlState::ADMIN_SHUTDOWN | SqlState::OUT_OF_MEMORY | SqlState::LOCK_NOT_AVAILABLE
    )
}

/// What a constraint is called, and the query for rows that break it.
fn broken_rows(env: &StatementEnv, relation: &Relation, constraint: &Constraint) -> Option<(&'static str, String)> {
    let table = name_of(env, relation);
    match &constraint.kind {
        ConstraintKind::Check { expression, .. } => {
            Some(("check", format!("SELECT ctid::text FROM ONLY {table} WHERE ({expression}) IS FALSE")))
        }
        ConstraintKind::Foreign(key) => Some(("foreign key", orphans(env, relation, key)?)),
        ConstraintKind::Primary { .. } | ConstraintKind::Unique { .. } | ConstraintKind::Exclude { .. } => None,
    }
}

/// The query for rows that refer to nothing; `None` when the catalog is not what it should be, which is reported elsewhere.
fn orphans(env: &StatementEnv, relation: &Relation, key: &ForeignKey) -> Option<String> {
    let referenced = env.catalog.relation(key.referenced)?;
    let column = |relation: &Relation, attnum: i16| {
        let found = relation.columns.get(usize::try_from(attnum - 1).ok()?)?;
        Some(quote_identifier(&found.name).into_owned())
    };
    let own: Vec<String> = key.columns.iter().map(|attnum| column(relation, *attnum)).collect::<Option<_>>()?;
    let other: Vec<String> =
        key.referenced_columns.iter().map(|attnum| column(referenced, *attnum)).collect::<Option<_>>()?;
    let joined = |separator: &str, texts: Vec<String>| texts.join(separator);
    let present = joined(" AND ", own.iter().map(|name| format!("c.{name} IS NOT NULL")).collect());
    let absent = joined(" AND ", own.iter().map(|name| format!("c.{name} IS NULL")).collect());
    let equal = own.iter().zip(&other).map(|(own, other)| format!("p.{other} = c.{own}")).collect();
    let only = if referenced.is_partitioned() { "" } else { "ONLY " };
    let parent = format!("SELECT FROM {only}{} p WHERE {}", name_of(env, referenced), joined(" AND ", equal));
    let half = if key.match_full { format!(" OR NOT ({present}) AND NOT ({absent})") } else { String::new() };
    Some(format!(
        "SELECT c.ctid::text FROM ONLY {} c WHERE {present} AND NOT EXISTS ({parent}){half}",
        name_of(env, relation)
    ))
}
