//! Triggers as SQL text.

use std::sync::Arc;

use dictdb_catalog::trigger::Event;
use dictdb_catalog::{Relation, Trigger};
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Datum, Oid, RegKind, Result, quote_identifier, quote_literal, quote_qualified};

use super::arguments::{flag, nullable, oid, session};
use super::definition::relation_name;
use crate::StatementEnv;
use crate::system::names;

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] =
    &[("pg_get_triggerdef", pg_get_triggerdef), ("pg_get_triggerdef_ext", pg_get_triggerdef)];

fn pg_get_triggerdef(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let found = env.catalog.trigger(oid(args, 0)).and_then(|trigger| {
        let relation = env.catalog.relation(trigger.relation)?;
        Some(definition(env, trigger, relation, flag(args, 1)))
    });
    Ok(nullable(found))
}

/// The whole definition; the pretty form names relations as the search path does.
fn definition(env: &StatementEnv, trigger: &Trigger, relation: &Arc<Relation>, pretty: bool) -> String {
    let constraint = if trigger.constraint.is_valid() { "CONSTRAINT " } else { "" };
    let mut text = format!(
        "CREATE {constraint}TRIGGER {} {} {} ON {} ",
        quote_identifier(&trigger.name),
        trigger.timing.words(),
        events(trigger, relation),
        relation_name(env, relation, !pretty)
    );
    if trigger.constraint.is_valid() {
        if let Some(referenced) = env.catalog.relation(trigger.referenced) {
            text += &format!("FROM {} ", names::reg_out(env, RegKind::Class, referenced.oid));
        }
        text += if trigger.deferrable { "DEFERRABLE INITIALLY " } else { "NOT DEFERRABLE INITIALLY " };
        text += if trigger.initially_deferred { "DEFERRED " } else { "IMMEDIATE " };
    }
    if trigger.old_table.is_some() || trigger.new_table.is_some() {
        text += "REFERENCING ";
        for (word, name) in [("OLD", &trigger.old_table), ("NEW", &trigger.new_table)] {
            if let Some(name) = name {
                text += &format!("{word} TABLE AS {} ", quote_identifier(name));
            }
        }
    }
    text += if trigger.row { "FOR EACH ROW " } else { "FOR EACH STATEMENT " };
    if let Some(when) = &trigger.when {
        text += &format!("WHEN ({}) ", condition(env, when, relation, pretty));
    }
    let args: Vec<String> = trigger.args.iter().map(|arg| quote_literal(arg)).collect();
    text + &format!("EXECUTE FUNCTION {}({})", function_name(env, trigger.function), args.join(", "))
}

/// `INSERT OR UPDATE OF a, b`.
fn events(trigger: &Trigger, relation: &Relation) -> String {
    let column = |attnum: &i16| relation.column(*attnum).map(|column| quote_identifier(&column.name).into_owned());
    let words = Event::ALL.into_iter().filter(|event| trigger.is_for(*event)).map(|event| {
        let columns: Vec<String> = trigger.columns.iter().filter_map(column).collect();
        match event {
            Event::Update if !columns.is_empty() => format!("UPDATE OF {}", columns.join(", ")),
            event => event.word().to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" OR ")
}

/// WHEN as shown now; as stored when it cannot be bound any more.
fn condition(env: &StatementEnv, stored: &str, relation: &Arc<Relation>, pretty: bool) -> String {
    let path = env.search_path();
    dictdb_planner::trigger_when::when_shown(stored, relation, pretty, env.bind_context(&path))
        .unwrap_or_else(|_| stored.to_owned())
}

/// The name of a trigger's function, qualified where the search path does not lead to it.
fn function_name(env: &StatementEnv, function: Oid) -> String {
    let Some(routine) = env.catalog.routine(function) else {
        let built_in = dictdb_functions::facts::proc_by_oid(function);
        return built_in.map_or_else(String::new, |proc| quote_identifier(proc.name).into_owned());
    };
    let found = env.search_path().into_iter().find_map(|namespace| {
        env.catalog.routines_named(namespace, &routine.name).find(|other| other.args == routine.args)
    });
    match env.catalog.schema(routine.namespace) {
        Some(schema) if found.is_none_or(|found| found.oid != function) => quote_qualified(&schema.name, &routine.name),
        _ => quote_identifier(&routine.name).into_owned(),
    }
}
