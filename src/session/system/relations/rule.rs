//! `pg_rewrite`: every view has the rule `_RETURN`, beside the rules that were made.

use dictdb_types::Oid;

use super::super::output::{Output, row};
use super::{Source, derived_oid};

/// `pg_rewrite.oid` of a view's rule.
pub fn oid(view: Oid) -> Oid {
    derived_oid(view, 0)
}

/// Attnum of `ev_class`.
const EV_CLASS: i16 = 3;

/// Rules.
pub fn pg_rewrite(source: &Source<'_>, out: &mut Output<'_>) {
    for relation in source.relations_wanted(out, EV_CLASS) {
        if let Some(view) = relation.view() {
            row!(out; oid(relation.oid), "_RETURN", relation.oid, '1', 'O', true, "<>", &view.query);
        }
        for rule in &relation.rules {
            let condition = rule.condition.clone().unwrap_or_else(|| "<>".into());
            let actions: Vec<&str> = rule.actions.iter().map(|action| &*action.text).collect();
            row!(out; rule.oid, &rule.name, relation.oid, rule.event_letter(), rule.firing.letter(), rule.instead,
                condition, actions.join("; "));
        }
    }
}

/// The view whose rule has this oid.
pub fn view(catalog: &dictdb_catalog::Catalog, rule: Oid) -> Option<Oid> {
    let mut views = catalog.relations().filter(|relation| relation.view().is_some());
    views.find(|relation| oid(relation.oid) == rule).map(|relation| relation.oid)
}
