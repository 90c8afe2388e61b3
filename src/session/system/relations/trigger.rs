//! `pg_trigger`: triggers that users made. Foreign keys are no triggers here.

use dictdb_types::{Datum, Oid};

use super::super::output::{Output, attnum_vector, row};
use super::Source;

/// Attnum of `tgrelid`.
const TGRELID: i16 = 2;

/// Triggers.
pub fn pg_trigger(source: &Source<'_>, out: &mut Output<'_>) {
    let wanted = out.wanted_oid(TGRELID);
    for trigger in source.catalog.triggers().filter(|trigger| wanted.is_none_or(|oid| oid == trigger.relation)) {
        let args: Vec<u8> = trigger.args.iter().flat_map(|arg| arg.bytes().chain([0])).collect();
        row!(out;
            trigger.oid, trigger.relation, Oid::INVALID, &trigger.name, trigger.function, trigger.type_bits(),
            trigger.firing.letter(), false, trigger.referenced, Oid::INVALID, trigger.constraint, trigger.deferrable,
            trigger.initially_deferred, trigger.args.len() as i16, attnum_vector(trigger.columns.iter().copied()),
            Datum::bytea(&args), trigger.when.clone(), trigger.old_table.clone(), trigger.new_table.clone(),
        );
    }
}
