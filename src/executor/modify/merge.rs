//! MERGE: what the first clause that applies does with a source row and its match.

use dictdb_catalog::trigger::Event;
use dictdb_planner::logical::PolicyStage;
use dictdb_storage::VersionTag;
use dictdb_types::{Datum, Error, Result, RowId, SqlState};

use super::members::Member;
use super::node::{Changed, Modify, Place};
use super::recheck::Recheck;
use super::target::Target;
use super::trigger::RowUpdate;
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
        while let Some(found) = row_id_of(&Modify::input_value(&input, row_id))? {
            match self.merge_matched(found, expected, clauses, &input, rt, &writer)? {
                Outcome::Finished(full) => {
                    let place = Place::new(self.target.relation().oid, found.1);
                    return Ok(full.map(|full| Changed { full, input, place }));
                }
                Outcome::Unmatched | Outcome::Again => {
                    // The source row stays; whether the target row still matches it is decided anew.
                    let (_, target) = self.table_of(found.0, &writer)?;
                    expected = writer.read_latest(target, found.1)?.map(|(tag, _)| tag);
                    match recheck.run(rt, found, &input)? {
                        Some(again) => input = again,
                        None => return Ok(None),
                    }
                }
            }
        }
        let stored = self.merge_unmatched(clauses, &input, rt, &writer)?;
        Ok(stored.map(|(full, place)| Changed { full, input, place }))
    }

    fn merge_matched(
        &self,
        (number, id): (usize, RowId),
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
        let (member, target) = self.table_of(number, writer)?;
        let old = match expected {
            None => writer.read(target, id)?,
            Some(_) => writer.read_latest(target, id)?.map(|(_, row)| row),
        };
        let Some(old) = old else { return Ok(Outcome::Unmatched) };
        if self.target.has_policies() {
            let stage = match clause.action {
                MergeActionCode::Update(_) => PolicyStage::MergeUpdate,
                _ => PolicyStage::MergeDelete,
            };
            let named = member.map_or_else(|| old.clone(), |member| member.named(old.clone()));
            writer.check_policies(&self.target, &named, stage)?;
        }
        let updates = matches!(clause.action, MergeActionCode::Update(_));
        let (change, full) = match &clause.action {
            MergeActionCode::Update(values) => {
                let changed = self.merge_update((member, target), (id, expected), values, old, scope, writer);
                changed.map_err(of_either)?
            }
            _ => (writer.delete_row(target, id, expected, &old).map_err(of_either)?, old),
        };
        let full = match member {
            Some(member) => member.named(full),
            None => full,
        };
        match change {
            Change::Done => {
                if updates && member.is_some() {
                    writer.check_policies(&self.target, &full, PolicyStage::Update)?;
                }
                Ok(Outcome::Finished(Some(full)))
            }
            Change::Changed => Ok(Outcome::Again),
            Change::Gone => Ok(Outcome::Unmatched),
            Change::Skipped => Ok(Outcome::Finished(None)),
            Change::Repeated => Err(second_time()),
        }
    }

    fn merge_update(
        &self,
        (member, target): (Option<&Member>, &Target),
        (id, expected): (RowId, Option<VersionTag>),
        values: &[(usize, Code)],
        old: Row,
        scope: Scope<'_>,
        writer: &Writer<'_>,
    ) -> Result<(Change, Row)> {
        let own = |place: usize| member.map_or(place, |member| member.place(place));
        let mut new = old.clone();
        for (place, value) in values {
            if let Some(cell) = new.get_mut(own(*place)) {
                *cell = value.eval(scope)?;
            }
        }
        let places = values.iter().map(|(place, _)| own(*place)).collect();
        let moving = self.moving(member, writer)?;
        writer.update_row(target, RowUpdate { id, expected, places, old: &old, new, moving })
    }

    fn merge_unmatched(
        &self,
        clauses: &[MergeClauseCode],
        input: &Row,
        rt: &Runtime,
        writer: &Writer<'_>,
    ) -> Result<Option<(Row, Place)>> {
        let scope = Scope::new(rt, input);
        let Some(clause) = first(clauses, false, scope)? else { return Ok(None) };
        let MergeActionCode::Insert(values) = &clause.action else { return Ok(None) };
        let mut full = vec![Datum::Null; self.target.width()];
        for (place, value) in values {
            if let Some(cell) = full.get_mut(*place) {
                *cell = value.eval(scope)?;
            }
        }
        self.insert_row(full, None, writer)
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

/// What statement triggers are told of a MERGE: the kinds of its actions, with the places that any of its updates sets.
pub(super) fn merge_events(clauses: &[MergeClauseCode]) -> Vec<(Event, Vec<usize>)> {
    let (mut inserts, mut deletes, mut updates) = (false, false, false);
    let mut places = Vec::new();
    for clause in clauses {
        match &clause.action {
            MergeActionCode::Insert(_) => inserts = true,
            MergeActionCode::Delete => deletes = true,
            MergeActionCode::Update(values) => {
                updates = true;
                places.extend(values.iter().map(|(place, _)| *place));
            }
            MergeActionCode::Nothing => {}
        }
    }
    let events =
        [(inserts, Event::Insert, Vec::new()), (updates, Event::Update, places), (deletes, Event::Delete, Vec::new())];
    events.into_iter().filter(|(is_there, ..)| *is_there).map(|(_, event, places)| (event, places)).collect()
}

/// PostgreSQL does not say which of its actions MERGE was about to do with a row that a trigger has changed.
fn of_either(mut error: Error) -> Error {
    if error.code() == SqlState::TRIGGERED_DATA_CHANGE_VIOLATION {
        let message = &mut error.fields_mut().message;
        for action in ["updated", "deleted"] {
            let rest = message.strip_prefix(&format!("tuple to be {action} was already modified"));
            if let Some(rest) = rest.map(str::to_owned) {
                *message = format!("tuple to be updated or deleted was already modified{rest}");
            }
        }
    }
    error
}

fn second_time() -> Error {
    Error::new(SqlState::CARDINALITY_VIOLATION, "MERGE command cannot affect row a second time")
        .hint("Ensure that not more than one source row matches any one target row.")
}
