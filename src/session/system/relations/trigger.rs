//! `pg_trigger`: triggers that users made, and those that keep foreign keys.

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
            trigger.oid, trigger.relation, trigger.parent, &trigger.name, trigger.function, trigger.type_bits(),
            trigger.firing.letter(), false, trigger.referenced, Oid::INVALID, trigger.constraint, trigger.deferrable,
            trigger.initially_deferred, trigger.args.len() as i16, attnum_vector(trigger.columns.iter().copied()),
            Datum::bytea(&args), trigger.when.clone(), trigger.old_table.clone(), trigger.new_table.clone(),
        );
    }
    for trigger in source.catalog.key_triggers().filter(|trigger| wanted.is_none_or(|oid| oid == trigger.table)) {
        row!(out;
            trigger.oid, trigger.table, Oid::INVALID, &trigger.name, trigger.function,
            1 | i16::from(trigger.event.bit()), trigger.firing.letter(), true, trigger.other, trigger.index,
            trigger.constraint, trigger.deferrable, trigger.initially_deferred, 0_i16,
            attnum_vector(std::iter::empty()), Datum::bytea([]), Datum::Null, Datum::Null, Datum::Null,
        );
    }
}
