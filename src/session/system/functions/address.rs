//! Objects by catalog, oid and column: their descriptions and identities (`objectaddress.c`).

use std::sync::Arc;

use dictdb_catalog::{Catalog, Constraint, Relation, RelationKind};
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Datum, Oid, RegKind, Result, TypeLookup, quote_identifier, quote_qualified};

use super::arguments::{integer, nullable, oid, record, session, unknown_record};
use crate::StatementEnv;
use crate::system::names::reg_out;
use crate::system::relations::view_of_rule;

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] =
    &[("pg_describe_object", pg_describe_object), ("pg_identify_object", pg_identify_object)];

/// An object of a kind that has rows in one system catalog.
#[derive(Clone, Copy)]
struct Address {
    class: u32,
    object: Oid,
    part: i16,
}

fn address(args: &[Datum]) -> Address {
    let part = integer(args, 2).and_then(|part| i16::try_from(part).ok()).unwrap_or(0);
    Address { class: oid(args, 0).0, object: oid(args, 1), part }
}

/// The object in words, its names qualified where the search path does not lead to them; NULL when there is none.
fn pg_describe_object(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    Ok(nullable(description(env, address(args))))
}

fn description(env: &StatementEnv, Address { class, object, part }: Address) -> Option<String> {
    let catalog = &env.catalog;
    let shown = |relation: &Relation| reg_out(env, RegKind::Class, relation.oid);
    let named = |kind: RegKind| Some(reg_out(env, kind, object)).filter(|text| text.parse::<u32>().is_err());
    let on = |relation: &Arc<Relation>| format!("{} {}", noun(relation), shown(relation));
    Some(match class {
        1259 => {
            let relation = catalog.relation(object)?;
            match relation.column(part) {
                Some(column) => format!("column {} of {}", column.name, on(relation)),
                None if part == 0 => on(relation),
                None => return None,
            }
        }
        1247 => format!("type {}", named(RegKind::Type)?),
        1255 => format!("function {}", named(RegKind::Procedure)?),
        2617 => format!("operator {}", named(RegKind::Operator)?),
        2615 => format!("schema {}", catalog.schema(object)?.name),
        3456 => format!("collation {}", named(RegKind::Collation)?),
        1260 => format!("role {}", catalog.role(object)?.name),
        1262 => {
            let databases = env.shared.instance.databases();
            format!("database {}", databases.iter().find(|database| database.oid == object)?.name)
        }
        3079 => format!("extension {}", catalog.extension(object)?.name),
        2606 => {
            let (relation, constraint) = constraint(catalog, object)?;
            format!("constraint {} on {}", constraint.name, on(relation))
        }
        2620 => {
            let trigger = catalog.trigger(object)?;
            format!("trigger {} on {}", trigger.name, on(catalog.relation(trigger.relation)?))
        }
        3256 => {
            let (relation, name) = policy(catalog, object)?;
            format!("policy {name} on {}", on(relation))
        }
        2618 => {
            let (relation, name) = rule(catalog, object)?;
            format!("rule {name} on {}", on(relation))
        }
        _ => {
            let own = catalog.definition(object).filter(|own| own.kind().class() == Oid(class))?;
            catalog.describe_definition(own, &env.search_path())
        }
    })
}

fn noun(relation: &Relation) -> &'static str {
    relation.kind_noun()
}

fn constraint(catalog: &Catalog, oid: Oid) -> Option<(&Arc<Relation>, &Arc<Constraint>)> {
    catalog.relations().find_map(|relation| {
        relation.constraints.iter().find(|constraint| constraint.oid == oid).map(|constraint| (relation, constraint))
    })
}

/// A rule, or the one that makes a relation a view.
fn rule(catalog: &Catalog, oid: Oid) -> Option<(&Arc<Relation>, Arc<str>)> {
    let own = catalog.rule(oid).map(|(relation, rule)| (relation, rule.name.clone()));
    own.or_else(|| Some((catalog.relation(view_of_rule(catalog, oid)?)?, Arc::from("_RETURN"))))
}

fn policy(catalog: &Catalog, oid: Oid) -> Option<(&Arc<Relation>, Arc<str>)> {
    catalog.relations().find_map(|relation| {
        relation.policies.iter().find(|policy| policy.oid == oid).map(|policy| (relation, policy.name.clone()))
    })
}

/// Type, schema, name and identity of an object, all of them qualified; NULLs when there is none.
fn pg_identify_object(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let env = session(cx)?;
    let Some([kind, schema, name, identity]) = identity(env, address(args)) else {
        return Ok(unknown_record("pg_identify_object"));
    };
    Ok(record("pg_identify_object", vec![kind, schema, name, identity]))
}

fn identity(env: &StatementEnv, Address { class, object, part }: Address) -> Option<[Datum; 4]> {
    let catalog = &env.catalog;
    let qualified = |relation: &Relation| match catalog.schema(relation.namespace) {
        Some(schema) => quote_qualified(&schema.name, &relation.name).to_string(),
        None => quote_identifier(&relation.name).into_owned(),
    };
    let quoted = |name: &str| quote_identifier(name).into_owned();
    let schema_name = |oid: Oid| nullable(catalog.schema(oid).map(|schema| quoted(&schema.name)));
    let alone = |kind: &str, name: &str| {
        Some([Datum::text(kind), Datum::Null, Datum::text(quoted(name)), Datum::text(quoted(name))])
    };
    let on = |kind: &str, name: &str, relation: &Relation| {
        let identity = format!("{} on {}", quoted(name), qualified(relation));
        Some([Datum::text(kind), Datum::Null, Datum::Null, Datum::text(identity)])
    };
    match class {
        1259 => {
            let relation = catalog.relation(object)?;
            let kind = match relation.kind {
                RelationKind::Composite => "composite type",
                _ => relation.kind_noun(),
            };
            let schema = schema_name(relation.namespace);
            if part == 0 {
                let name = Datum::text(quoted(&relation.name));
                return Some([Datum::text(kind), schema, name, Datum::text(qualified(relation))]);
            }
            let column = relation.column(part)?;
            let identity = format!("{}.{}", qualified(relation), quoted(&column.name));
            let name = Datum::text(quoted(&relation.name));
            Some([Datum::text(format!("{kind} column")), schema, name, Datum::text(identity)])
        }
        1247 => {
            let info = catalog.type_info(object)?;
            let schema = catalog.schema(info.namespace)?;
            let identity = quote_qualified(&schema.name, &info.name).to_string();
            let name = Datum::text(quoted(&info.name));
            Some([Datum::text("type"), schema_name(info.namespace), name, Datum::text(identity)])
        }
        3381 | 3600 | 3602 | 6104 => {
            let own = catalog.definition(object).filter(|own| own.kind().class() == Oid(class))?;
            let Some(schema) = catalog.schema(own.namespace) else { return alone(own.kind().noun(), &own.name) };
            let identity = quote_qualified(&schema.name, &own.name).to_string();
            let name = Datum::text(quoted(&own.name));
            Some([Datum::text(own.kind().noun()), schema_name(own.namespace), name, Datum::text(identity)])
        }
        2615 => alone("schema", &catalog.schema(object)?.name),
        1260 => alone("role", &catalog.role(object)?.name),
        3079 => alone("extension", &catalog.extension(object)?.name),
        2606 => {
            let (relation, constraint) = constraint(catalog, object)?;
            let identity = format!("{} on {}", quoted(&constraint.name), qualified(relation));
            let schema = schema_name(relation.namespace);
            Some([Datum::text("table constraint"), schema, Datum::Null, Datum::text(identity)])
        }
        2620 => {
            let trigger = catalog.trigger(object)?;
            on("trigger", &trigger.name, catalog.relation(trigger.relation)?)
        }
        3256 => {
            let (relation, name) = policy(catalog, object)?;
            on("policy", &name, relation)
        }
        2618 => {
            let (relation, name) = rule(catalog, object)?;
            on("rule", &name, relation)
        }
        _ => None,
    }
}
