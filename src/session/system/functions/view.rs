//! Views and their rules as SQL text.

use dictdb_functions::{CallContext, ScalarFn};
use dictdb_planner::view::{self, Style};
use dictdb_types::{Datum, Oid, RegKind, Result};

use super::arguments::{flag, integer, oid, session};
use super::definition::relation_name;
use crate::StatementEnv;
use crate::system::names;
use crate::system::relations::view_of_rule;

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_get_viewdef", pg_get_viewdef),
    ("pg_get_viewdef_ext", pg_get_viewdef),
    ("pg_get_viewdef_wrap", pg_get_viewdef),
    ("pg_get_viewdef_name", pg_get_viewdef),
    ("pg_get_viewdef_name_ext", pg_get_viewdef),
    ("pg_get_ruledef", pg_get_ruledef),
    ("pg_get_ruledef_ext", pg_get_ruledef),
];

/// `pg_get_viewdef(view)`, with a flag for fewer parentheses, or with a column to wrap lines at, which implies it. NULL for
/// a relation of another kind.
fn pg_get_viewdef(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let relation = match args.first() {
        Some(Datum::Text(name)) => names::reg_in(env, RegKind::Class, name)?,
        _ => oid(args, 0),
    };
    let style = match integer(args, 1) {
        Some(wrap) => Style { pretty: true, wrap },
        None => Style { pretty: flag(args, 1), wrap: 0 },
    };
    Ok(query(env, relation, style)?.map_or(Datum::Null, Datum::text))
}

fn query(env: &StatementEnv, view: Oid, style: Style) -> Result<Option<String>> {
    let Some(relation) = env.catalog.relation(view) else { return Ok(None) };
    let Some(info) = relation.view() else { return Ok(None) };
    let path = env.search_path();
    view::definition(relation, info, style, env.bind_context(&path)).map(Some)
}

/// A rule's definition.
fn pg_get_ruledef(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let pretty = flag(args, 1);
    if let Some((relation, rule)) = env.catalog.rule(oid(args, 0)) {
        let path = env.search_path();
        let text = dictdb_planner::rule::definition(rule, relation, pretty, env.bind_context(&path))?;
        return Ok(Datum::text(text));
    }
    let Some(view) = view_of_rule(&env.catalog, oid(args, 0)) else { return Ok(Datum::Null) };
    let text = query(env, view, Style { pretty, wrap: 0 })?;
    let Some((relation, text)) = env.catalog.relation(view).zip(text) else { return Ok(Datum::Null) };
    let name = relation_name(env, relation, !pretty);
    Ok(Datum::text(format!("CREATE RULE \"_RETURN\" AS\n    ON SELECT TO {name} DO INSTEAD {text}")))
}
