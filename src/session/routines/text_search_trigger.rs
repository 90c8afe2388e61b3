//! `tsvector_update_trigger` and `tsvector_update_trigger_column`: a column that has the document of other columns.

use dictdb_catalog::Relation;
use dictdb_catalog::trigger::{Event, Timing};
use dictdb_executor::TriggerCall;
use dictdb_types::env::RegKind;
use dictdb_types::{Datum, Env, Error, Oid, Result, SqlState, oids};

use crate::StatementEnv;
use crate::client::Row;
use crate::system::names::qualified::QualifiedName;

/// The trigger; with `by_column` the configuration is in a column, otherwise it is named.
pub(super) fn update_document(env: &StatementEnv, call: &TriggerCall<'_>, by_column: bool) -> Result<Option<Row>> {
    let new = row_to_change(call)?;
    let [document, config, texts @ ..] = &*call.trigger.args else { return Err(too_few_arguments()) };
    if texts.is_empty() {
        return Err(too_few_arguments());
    }
    let relation = call.relation;
    let at = column(relation, document, "tsvector column")?;
    expect_type(relation, at, document, &[oids::TSVECTOR], "of tsvector type")?;
    let config = if by_column { config_in(relation, config, new)? } else { config_named(env, config)? };
    let mut concerned = call.event == Event::Insert;
    let mut values = Vec::new();
    for name in texts {
        let place = column(relation, name, "column")?;
        expect_type(relation, place, name, &[oids::TEXT, oids::VARCHAR, oids::BPCHAR], "of a character type")?;
        concerned |= call.assigned.contains(&place);
        if let Some(Datum::Text(text)) = new.get(place) {
            values.push(&**text);
        }
    }
    let mut row = new.clone();
    if concerned {
        let vector = dictdb_functions::text_statistics::document(config, values.into_iter(), env)?;
        row[at] = Datum::Bytea(vector.into());
    }
    Ok(Some(row))
}

/// The new row of an INSERT or UPDATE that is about to happen. XX000 for any other trigger.
fn row_to_change<'a>(call: &TriggerCall<'a>) -> Result<&'a Row> {
    let wrong = |what: &str| Err(Error::internal(format!("tsvector_update_trigger: must be fired {what}")));
    if !call.trigger.row {
        return wrong("for row");
    }
    if call.trigger.timing != Timing::Before {
        return wrong("BEFORE event");
    }
    match (call.event, call.new) {
        (Event::Insert | Event::Update, Some(new)) => Ok(new),
        _ => wrong("for INSERT or UPDATE"),
    }
}

fn too_few_arguments() -> Error {
    let arguments = "tsvector_field, ts_config, text_field1, ...)";
    Error::internal(format!("tsvector_update_trigger: arguments must be {arguments}"))
}

/// The place of a column. 42703.
fn column(relation: &Relation, name: &str, noun: &str) -> Result<usize> {
    let found = relation.column_named(name).and_then(|(attnum, _)| usize::try_from(attnum - 1).ok());
    found.ok_or_else(|| Error::new(SqlState::UNDEFINED_COLUMN, format!("{noun} \"{name}\" does not exist")))
}

/// 42804 unless a column has one of some types.
fn expect_type(relation: &Relation, place: usize, name: &str, types: &[Oid], noun: &str) -> Result<()> {
    match relation.columns.get(place) {
        Some(column) if types.contains(&column.ty.oid) => Ok(()),
        _ => Err(Error::new(SqlState::DATATYPE_MISMATCH, format!("column \"{name}\" is not {noun}"))),
    }
}

fn config_in(relation: &Relation, name: &str, row: &Row) -> Result<Oid> {
    let place = column(relation, name, "configuration column")?;
    expect_type(relation, place, name, &[oids::REGCONFIG], "of regconfig type")?;
    match row.get(place) {
        Some(Datum::Oid(config)) => Ok(Oid(*config)),
        _ => {
            let message = format!("configuration column \"{name}\" must not be null");
            Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, message))
        }
    }
}

fn config_named(env: &StatementEnv, name: &str) -> Result<Oid> {
    if QualifiedName::parse(name)?.parts.len() < 2 {
        let message = format!("text search configuration name \"{name}\" must be schema-qualified");
        return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    }
    env.reg_in(RegKind::Config, name)
}
