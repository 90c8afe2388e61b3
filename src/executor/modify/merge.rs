//! MERGE: what the first clause that applies does with a source row and its match.

use dictdb_storage::VersionTag;
use dictdb_types::{Datum, Error, Result, RowId, SqlState};

use super::node::{Changed, Modify};
use super::recheck::Recheck;
use super::writer::{Change, Writer};
use crate::access::columns::row_id as row_id_of;
use crate::eval::{Code, Scope};
use crate::row::Row;
use crate::runtime::Runtime;

/// `WHEN …`.
#[derive(Debug)]
pub(crate) struct MergeClauseCode {
    /// Whether it is for rows with a match.
    pub matched: bool,
    /// `AND …`, over the input row.
    pub condition: Option<Code>,
    /// `THEN …`.
    pub action: MergeActionCode,
}

/// `THEN …`: place and value of columns, over the input row.
#[derive(Debug)]
pub(crate) enum MergeActionCode {
    /// INSERT.
    Insert(Box<[(usize, Code)]>),
    /// UPDATE.
    Update(Box<[(usize, Code)]>),
    /// DELETE.
    Delete,
    /// DO NOTHING.
    Nothing,
}

/// What came of the clauses for a match.
enum Outcome {
    Finished(Option<Row>),
    /// Somebody committed a newer version.
    Again,
    /// The match is gone.
    Unmatched,
}

impl Modify {
    pub(super) fn merge(
        &self,
        row_id: usize,
        clauses: &[MergeClauseCode],
        recheck: &Recheck,
        mut input: Row,
        rt: &Runtime,
    ) -> Result<Option<Changed>> {
        let writer = rt.writer();
        let mut expected: Option<VersionTag> = None;
        while let Some(id) = row_id_of(&Modify::input_value(&input, row_id))? {
            match self.merge_matched(id, expected, clauses, &input, rt, &writer)? {
                Outcome::Finished(full) => return Ok(full.map(|full| Changed { full, input })),
                Outcome::Unmatched | Outcome::Again => {
                    // The source row stays; whether the target row still matches it is decided anew.
                    expected = writer.read_latest(&self.target, id)?.map(|(tag, _)| tag);
                    match recheck.run(rt, id, &input)? {
                        Some(again) => input = again,
                        None => return Ok(None),
                    }
                }
            }
        }
        let full = self.merge_unmatched(clauses, &input, rt, &writer)?;
        Ok(full.map(|full| Changed { full, input }))
    }

    fn merge_matched(
        &self,
        id: RowId,
        expected: Option<VersionTag>,
        clauses: &[MergeClauseCode],
        input: &Row,
        rt: &Runtime,
        writer: &Writer<'_>,
    ) -> Result<Outcome> {
        let scope = Scope::new(rt, input);
        let Some(clause) = first(clauses, true, scope)? else { return Ok(Outcome::Finished(None)) };
        if matches!(clause.action, MergeActionCode::Nothing) {
            return Ok(Outcome::Finished(None));
        }
        let old = match expected {
            None => writer.read(&self.target, id)?,
            Some(_) => writer.read_latest(&self.target, id)?.map(|(_, row)| row),
        };
        let Some(old) = old else { return Ok(Outcome::Unmatched) };
        let (change, full) = match &clause.action {
            MergeActionCode::Update(values) => self.merge_update(id, expected, values, old, scope, writer)?,
            _ => (writer.delete(&self.target, id, expected, &old)?, old),
        };
        match change {
            Change::Done => Ok(Outcome::Finished(Some(full))),
            Change::Changed => Ok(Outcome::Again),
            Change::Gone => Ok(Outcome::Unmatched),
            Change::Repeated => Err(second_time()),
        }
    }

    fn merge_update(
        &self,
        id: RowId,
        expected: Option<VersionTag>,
        values: &[(usize, Code)],
        old: Row,
        scope: Scope<'_>,
        writer: &Writer<'_>,
    ) -> Result<(Change, Row)> {
        let mut new = old.clone();
        for (place, value) in values {
            if let Some(cell) = new.get_mut(*place) {
                *cell = value.eval(scope)?;
            }
        }
        writer.complete(&self.target, &mut new)?;
        let places = self.target.with_generated(values.iter().map(|(place, _)| *place).collect());
        let change = writer.update(&self.target, id, expected, &places, &old, &new)?;
        if matches!(change, Change::Done) {
            writer.check_views(&self.target, &new)?;
        }
        Ok((change, new))
    }

    fn merge_unmatched(
        &self,
        clauses: &[MergeClauseCode],
        input: &Row,
        rt: &Runtime,
        writer: &Writer<'_>,
    ) -> Result<Option<Row>> {
        let scope = Scope::new(rt, input);
        let Some(clause) = first(clauses, false, scope)? else { return Ok(None) };
        let MergeActionCode::Insert(values) = &clause.action else { return Ok(None) };
        let mut full = vec![Datum::Null; self.target.width()];
        for (place, value) in values {
            if let Some(cell) = full.get_mut(*place) {
                *cell = value.eval(scope)?;
            }
        }
        writer.complete(&self.target, &mut full)?;
        writer.insert_new(&self.target, &full)?;
        writer.check_views(&self.target, &full)?;
        Ok(Some(full))
    }
}

/// The first clause of a kind whose condition holds.
fn first<'c>(clauses: &'c [MergeClauseCode], matched: bool, scope: Scope<'_>) -> Result<Option<&'c MergeClauseCode>> {
    for clause in clauses.iter().filter(|clause| clause.matched == matched) {
        let holds = match &clause.condition {
            Some(condition) => condition.is_true(scope)?,
            None => true,
        };
        if holds {
            return Ok(Some(clause));
        }
    }
    Ok(None)
}

fn second_time() -> Error {
    Error::new(SqlState::CARDINALITY_VIOLATION, "MERGE command cannot affect row a second time")
        .hint("Ensure that not more than one source row matches any one target row.")
}
