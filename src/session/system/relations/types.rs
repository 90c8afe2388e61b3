//! `pg_type`, `pg_enum`, `pg_range`.

use dictdb_catalog::{BaseInfo, RangeInfo};
use dictdb_functions::facts;
use dictdb_types::{EnumLabel, Oid, Type, TypeInfo, TypeKind, TypeLookup, builtin_types};

use super::super::exported;
use super::super::output::{NULL, Output, acl, row};
use super::Source;

/// Types: built-in ones and the catalog's.
pub fn pg_type(source: &Source<'_>, out: &mut Output<'_>) {
    if let Some(oid) = out.wanted_oid(1) {
        if let Some(info) = source.catalog.type_info(oid) {
            push(source, &info, out);
        }
        return;
    }
    builtin_types::all().iter().chain(source.user_types()).for_each(|info| push(source, info, out));
}

/// Names of the functions a type is read and printed with, as `pg_type` has them; `-` for none.
struct Functions {
    subscript: &'static str,
    input: String,
    output: &'static str,
    receive: &'static str,
    send: &'static str,
    modin: &'static str,
    modout: &'static str,
    analyze: &'static str,
}

impl Functions {
    fn of(info: &TypeInfo) -> Functions {
        let input = info.input.to_string();
        if let Some(facts) = builtin_types::facts(info.oid) {
            return Functions {
                subscript: facts.subscript,
                input,
                output: facts.output,
                receive: facts.receive,
                send: facts.send,
                modin: facts.modin,
                modout: facts.modout,
                analyze: facts.analyze,
            };
        }
        let (subscript, output, receive, send, analyze) = match &info.kind {
            TypeKind::Enum(_) => ("-", "enum_out", "enum_recv", "enum_send", "-"),
            TypeKind::Composite(_) => ("-", "record_out", "record_recv", "record_send", "-"),
            TypeKind::Domain(base) => return Functions::of_domain(*base),
            TypeKind::Range(_) => ("-", "range_out", "range_recv", "range_send", "range_typanalyze"),
            TypeKind::Multirange(_) => {
                ("-", "multirange_out", "multirange_recv", "multirange_send", "multirange_typanalyze")
            }
            TypeKind::Base | TypeKind::Pseudo => {
                ("array_subscript_handler", "array_out", "array_recv", "array_send", "array_typanalyze")
            }
        };
        Functions { subscript, input, output, receive, send, modin: "-", modout: "-", analyze }
    }

    fn of_domain(base: Type) -> Functions {
        let facts = builtin_types::facts(base.oid);
        Functions {
            subscript: "-",
            input: "domain_in".to_owned(),
            output: facts.map_or("enum_out", |f| f.output),
            receive: "domain_recv",
            send: facts.map_or("enum_send", |f| f.send),
            modin: "-",
            modout: "-",
            analyze: facts.map_or("-", |f| f.analyze),
        }
    }
}

fn proc_oid(name: &str) -> Oid {
    facts::procs_named(name).next().map_or(Oid::INVALID, |proc| proc.oid)
}

/// `pg_class.oid` of `pg_type`.
const TYPE_CLASS: Oid = Oid(1247);

/// `typtype`.
pub fn kind_letter(info: &TypeInfo) -> char {
    match info.kind {
        TypeKind::Base => 'b',
        TypeKind::Composite(_) => 'c',
        TypeKind::Domain(_) => 'd',
        TypeKind::Enum(_) => 'e',
        TypeKind::Pseudo => 'p',
        TypeKind::Range(_) => 'r',
        TypeKind::Multirange(_) => 'm',
    }
}

/// A base type or shell that a user made.
fn push_own(source: &Source<'_>, info: &TypeInfo, base: &BaseInfo, out: &mut Output<'_>) {
    row!(out;
        info.oid, &info.name, info.namespace, info.owner, info.len, info.by_value, kind_letter(info),
        char::from(info.category), info.preferred, base.defined, char::from(info.delimiter), info.relation,
        base.subscript, info.element, info.array, base.input, base.output, base.receive, base.send, base.modin,
        base.modout, base.analyze, char::from(info.align), char::from(base.storage), false, Oid::INVALID, -1, 0,
        info.collation, NULL, base.default.clone(), acl(source.catalog.acl_of(TYPE_CLASS, info.oid)),
    );
}

/// `typdefault` of a domain, as the search path shows it now; PostgreSQL keeps the text of when it was made.
fn shown_default(source: &Source<'_>, stored: &str, base: Type) -> String {
    let path = source.env.search_path();
    dictdb_planner::table_expr::domain_shown(stored, base, false, source.env.bind_context(&path))
        .unwrap_or_else(|_| stored.to_owned())
}

fn push(source: &Source<'_>, info: &TypeInfo, out: &mut Output<'_>) {
    if let Some(base) = source.catalog.base_type_info(info.oid) {
        return push_own(source, info, base, out);
    }
    let facts = builtin_types::facts(info.oid);
    let functions = Functions::of(info);
    let base_type = match info.kind {
        TypeKind::Domain(base) => Some(base),
        _ => None,
    };
    let (base, typmod) = base_type.map_or((Oid::INVALID, -1), |base| (base.oid, base.typmod));
    let domain = source.catalog.domain(info.oid);
    let over_array = source.catalog.type_info(base).is_some_and(|base| base.is_array());
    let dimensions = i32::from(over_array);
    let default = domain.and_then(|domain| Some(domain.default.as_ref()?.to_string()));
    let shown = default.as_deref().zip(base_type).map(|(text, base)| shown_default(source, text, base));
    row!(out;
        info.oid, &info.name, info.namespace, info.owner, info.len, info.by_value, kind_letter(info),
        char::from(info.category), info.preferred, facts.is_none_or(|f| f.defined), char::from(info.delimiter),
        info.relation, proc_oid(functions.subscript), info.element, info.array, proc_oid(&functions.input),
        proc_oid(functions.output), proc_oid(functions.receive), proc_oid(functions.send), proc_oid(functions.modin),
        proc_oid(functions.modout), proc_oid(functions.analyze), char::from(info.align), storage_of(source, info.oid),
        facts.is_some_and(|f| f.not_null) || domain.is_some_and(|d| d.not_null), base, typmod, facts.map_or(dimensions, |f| f.ndims), info.collation,
        default,
        facts.and_then(|f| f.default.map(|text| text.to_string())).or(shown), acl(source.catalog.acl_of(TYPE_CLASS, info.oid)),
    );
}

/// `typstorage`.
pub fn storage_of(source: &Source<'_>, oid: Oid) -> char {
    char::from(source.catalog.type_storage(oid))
}

/// `typcollation`.
pub fn collation_of(source: &Source<'_>, oid: Oid) -> Oid {
    source.catalog.type_info(oid).map_or(Oid::INVALID, |info| info.collation)
}

/// Labels of enums.
pub fn pg_enum(source: &Source<'_>, out: &mut Output<'_>) {
    for info in source.user_types() {
        if let TypeKind::Enum(labels) = &info.kind {
            for (label, order) in labels.iter().zip(sort_orders(labels)) {
                row!(out; label.oid, info.oid, order, &label.label);
            }
        }
    }
}

/// `enumsortorder` of labels: whole numbers as they were first named, something between its neighbours for one that was put
/// there later, which has a later oid (`AddEnumLabel`).
fn sort_orders(labels: &[EnumLabel]) -> Vec<f32> {
    let mut by_age: Vec<usize> = (0..labels.len()).collect();
    by_age.sort_by_key(|place| labels[*place].oid);
    let mut orders: Vec<Option<f32>> = vec![None; labels.len()];
    for place in by_age {
        let before = orders[..place].iter().rev().find_map(|order| *order);
        let after = orders[place..].iter().find_map(|order| *order);
        orders[place] = Some(match (before, after) {
            (None, None) => 1.0,
            (Some(before), None) => before + 1.0,
            (None, Some(after)) => after - 1.0,
            (Some(before), Some(after)) if has_between(before, after) => (before + after) / 2.0,
            // No number is left between them: all are numbered anew, the new one among them.
            (Some(_), Some(_)) => {
                let mut next = 0.0;
                for order in orders.iter_mut().flatten() {
                    next += 1.0;
                    *order = next;
                }
                let before = orders[..place].iter().rev().find_map(|order| *order);
                before.unwrap_or_default() + 0.5
            }
        });
    }
    orders.into_iter().flatten().collect()
}

fn has_between(before: f32, after: f32) -> bool {
    let middle = (before + after) / 2.0;
    middle != before && middle != after
}

/// Range types.
pub fn pg_range(source: &Source<'_>, out: &mut Output<'_>) {
    exported::rows("pg_range").iter().for_each(|row| out.push(row));
    for info in source.user_types() {
        if let TypeKind::Range(subtype) = info.kind {
            let multirange = source
                .catalog
                .user_types()
                .find(|t| matches!(t.kind, TypeKind::Multirange(range) if range == info.oid))
                .map_or(Oid::INVALID, |t| t.oid);
            let own = source.catalog.range(info.oid);
            let of = |part: fn(&RangeInfo) -> Oid| own.map_or(Oid::INVALID, |own| part(own));
            row!(out;
                info.oid, subtype, multirange, of(|r| r.collation), of(|r| r.operator_class), of(|r| r.canonical),
                of(|r| r.subdiff),
            );
        }
    }
}
