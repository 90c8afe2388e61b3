//! What index methods, indexes and their columns can do: `pg_indexam_has_property` and its kin.

use dictdb_catalog::{Abilities, IndexInfo, IndexKey, IndexMethod, RelationKind};
use dictdb_functions::facts;
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Datum, Oid, Result};

use super::arguments::{integer, nullable, oid, session, text};

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("pg_indexam_has_property", pg_indexam_has_property),
    ("pg_index_has_property", pg_index_has_property),
    ("pg_index_column_has_property", pg_index_column_has_property),
    ("pg_indexam_progress_phasename", pg_indexam_progress_phasename),
];

/// Support functions of GiST: what is kept of a value, how far a value is, and a value from what is kept.
const GIST_COMPRESS: i16 = 3;
const GIST_DISTANCE: i16 = 8;
const GIST_FETCH: i16 = 9;

/// What an index method does while it builds an index, by number; only btree tells.
fn pg_indexam_progress_phasename(_: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    const BTREE: Oid = Oid(403);
    const PHASES: [&str; 5] =
        ["initializing", "scanning table", "sorting live tuples", "sorting dead tuples", "loading tuples in tree"];
    let Some(Datum::Int8(number)) = args.get(1).filter(|_| oid(args, 0) == BTREE) else { return Ok(Datum::Null) };
    let phase = usize::try_from(*number - 1).ok().and_then(|place| PHASES.get(place));
    Ok(nullable(phase))
}

fn answer(known: Option<bool>) -> Result<Datum> {
    Ok(known.map_or(Datum::Null, Datum::Bool))
}

fn pg_indexam_has_property(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let method = session(cx)?.catalog.index_method(oid(args, 0));
    answer(method.and_then(|method| of_method(method.abilities(), &text(args, 1).to_ascii_lowercase())))
}

fn of_method(abilities: &Abilities, property: &str) -> Option<bool> {
    Some(match property {
        "can_order" => abilities.order,
        "can_unique" => abilities.unique,
        "can_multi_col" => abilities.multicolumn,
        "can_exclude" => abilities.exclusion,
        "can_include" => abilities.include,
        _ => return None,
    })
}

fn pg_index_has_property(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    answer(with_index(cx, args, |info| {
        let abilities = info.method.abilities();
        Some(match text(args, 1).to_ascii_lowercase().as_str() {
            "clusterable" => abilities.cluster,
            // Whatever gives rows one by one can exclude.
            "index_scan" => abilities.exclusion,
            "bitmap_scan" => true,
            "backward_scan" => abilities.backward,
            _ => return None,
        })
    })?)
}

fn pg_index_column_has_property(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let Some(position) = integer(args, 1).and_then(|number| usize::try_from(number).ok()?.checked_sub(1)) else {
        return Ok(Datum::Null);
    };
    answer(with_index(cx, args, |info| {
        let property = text(args, 2).to_ascii_lowercase();
        match info.keys.get(position) {
            Some(key) => of_key(info, key, &property),
            None if position < info.keys.len() + info.include.len() => of_included(info, &property),
            None => None,
        }
    })?)
}

fn with_index(
    cx: &CallContext<'_>,
    args: &[Datum],
    f: impl FnOnce(&IndexInfo) -> Option<bool>,
) -> Result<Option<bool>> {
    let relation = session(cx)?.catalog.relation(oid(args, 0));
    Ok(relation.and_then(|relation| match &relation.kind {
        RelationKind::Index(info) => f(info),
        _ => None,
    }))
}

fn of_key(info: &IndexInfo, key: &IndexKey, property: &str) -> Option<bool> {
    let abilities = info.method.abilities();
    Some(match property {
        "asc" => abilities.order && !key.descending,
        "desc" => abilities.order && key.descending,
        "nulls_first" => abilities.order && key.nulls_first,
        "nulls_last" => abilities.order && !key.nulls_first,
        "orderable" => abilities.order,
        "distance_orderable" if info.method == IndexMethod::Gist => has_function(key, GIST_DISTANCE),
        "distance_orderable" if info.method == IndexMethod::Spgist => {
            let class = facts::opclass_by_oid(key.opclass);
            class.is_some_and(|class| facts::strategies_of_family(class.family).iter().any(|own| own.ordering))
        }
        "distance_orderable" => abilities.distance,
        "returnable" if info.method == IndexMethod::Gist => {
            has_function(key, GIST_FETCH) || !has_function(key, GIST_COMPRESS)
        }
        // Of polygons it keeps the boxes around them.
        "returnable" if info.method == IndexMethod::Spgist => {
            facts::opclass_by_oid(key.opclass).is_some_and(|class| &*class.name != "poly_ops")
        }
        "returnable" => abilities.returnable,
        "search_array" => abilities.search_array,
        "search_nulls" => abilities.search_nulls,
        _ => return None,
    })
}

/// An included column is returned and nothing else.
fn of_included(info: &IndexInfo, property: &str) -> Option<bool> {
    match property {
        "orderable" | "distance_orderable" | "search_array" | "search_nulls" => Some(false),
        "returnable" => Some(info.method.abilities().include),
        _ => None,
    }
}

/// Whether a key's operator class has a support function for its type.
fn has_function(key: &IndexKey, number: i16) -> bool {
    let class = facts::opclass_by_oid(key.opclass);
    class.is_some_and(|class| facts::am_procs(class.family).any(|own| own.number == number && own.left == class.input))
}
