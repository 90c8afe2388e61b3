//! An object in words, as messages have it (`getObjectDescription`).

use dictdb_types::{Oid, RegKind, quote_identifier};

use super::Address;
use super::class::{CatalogRow, named, row};
use super::identity::{more, objects_of};
use crate::StatementEnv;
use crate::system::names::{formatted, reg_out};
use crate::system::relations::classes;

/// The object in words, its names qualified where the search path does not lead to them; `None` when there is none.
pub(crate) fn describe(env: &StatementEnv, address: Address) -> Option<String> {
    let Address { class, object, .. } = address;
    if let Some(class) = named(class) {
        let row = row(env, class.oid, object)?;
        let name = row.text(class.name);
        return Some(match class.namespace {
            None => format!("{} {name}", class.kind),
            Some(namespace) => format!("{} {}", class.kind, shown(env, class.oid, row.oid(namespace), &name)),
        });
    }
    match class {
        classes::CLASS => relation(env, address),
        classes::TYPE => existing(env, RegKind::Type, object).map(|text| format!("type {text}")),
        classes::PROC => existing(env, RegKind::Procedure, object).map(|text| format!("function {text}")),
        classes::OPERATOR => existing(env, RegKind::Operator, object).map(|text| format!("operator {text}")),
        more::USER_MAPPING => {
            let own = env.catalog.definition(object)?;
            Some(env.catalog.describe_definition(own, &[]))
        }
        more::LARGE_OBJECT | more::LARGE_OBJECT_METADATA => {
            row(env, more::LARGE_OBJECT_METADATA, object)?;
            Some(format!("large object {object}"))
        }
        _ => of_row(env, class, &row(env, class, object)?),
    }
}

/// An object that its row in a catalog describes.
fn of_row(env: &StatementEnv, class: Oid, row: &CatalogRow) -> Option<String> {
    let table = |column: &str| relation(env, whole(row.oid(column)));
    let ty = |column: &str| formatted(env, row.oid(column), None);
    let publication = |column: &str| env.catalog.definition(row.oid(column)).map(|own| own.name.to_string());
    Some(match class {
        classes::CAST => format!("cast from {} to {}", ty("castsource"), ty("casttarget")),
        classes::CONSTRAINT => match table("conrelid") {
            Some(table) => format!("constraint {} on {table}", row.text("conname")),
            None => format!("constraint {}", row.text("conname")),
        },
        classes::ATTRDEF => {
            let column = Address { part: row.number("adnum"), ..whole(row.oid("adrelid")) };
            format!("default value for {}", relation(env, column)?)
        }
        classes::OPCLASS => of_method(env, "operator class", class, row, ["opcname", "opcnamespace", "opcmethod"]),
        classes::OPFAMILY => of_method(env, "operator family", class, row, ["opfname", "opfnamespace", "opfmethod"]),
        classes::AMOP => {
            let family = describe(env, Address { class: classes::OPFAMILY, ..whole(row.oid("amopfamily")) })?;
            let operator = reg_out(env, RegKind::Operator, row.oid("amopopr"));
            let (left, right) = (ty("amoplefttype"), ty("amoprighttype"));
            format!("operator {} ({left}, {right}) of {family}: {operator}", row.number("amopstrategy"))
        }
        classes::AMPROC => {
            let family = describe(env, Address { class: classes::OPFAMILY, ..whole(row.oid("amprocfamily")) })?;
            let function = reg_out(env, RegKind::Procedure, row.oid("amproc"));
            let (left, right) = (ty("amproclefttype"), ty("amprocrighttype"));
            format!("function {} ({left}, {right}) of {family}: {function}", row.number("amprocnum"))
        }
        classes::PARAMETER_ACL => format!("parameter {}", row.text("parname")),
        classes::REWRITE => format!("rule {} on {}", row.text("rulename"), table("ev_class")?),
        classes::TRIGGER => format!("trigger {} on {}", row.text("tgname"), table("tgrelid")?),
        classes::POLICY => format!("policy {} on {}", row.text("polname"), table("polrelid")?),
        classes::PUBLICATION_REL => {
            format!("publication of {} in publication {}", table("prrelid")?, publication("prpubid")?)
        }
        classes::PUBLICATION_NAMESPACE => {
            let schema = env.catalog.schema(row.oid("pnnspid"))?;
            format!("publication of schema {} in publication {}", schema.name, publication("pnpubid")?)
        }
        classes::DEFAULT_ACL => {
            let role = env.catalog.role(row.oid("defaclrole"))?;
            let objects = match objects_of(&row.text("defaclobjtype")) {
                "tables" => "relations",
                other => other,
            };
            let schema = env.catalog.schema(row.oid("defaclnamespace"));
            let within = schema.map(|schema| format!(" in schema {}", schema.name)).unwrap_or_default();
            format!("default privileges on new {objects} belonging to role {}{within}", role.name)
        }
        _ => return None,
    })
}

fn whole(object: Oid) -> Address {
    Address { class: classes::CLASS, object, part: 0 }
}

fn relation(env: &StatementEnv, Address { object, part, .. }: Address) -> Option<String> {
    let relation = env.catalog.relation(object)?;
    let own = format!("{} {}", relation.kind_noun(), reg_out(env, RegKind::Class, object));
    if part == 0 {
        return Some(own);
    }
    let column = relation.column(i16::try_from(part).ok()?)?;
    Some(format!("column {} of {own}", column.name))
}

/// A `reg…` value that names an object.
fn existing(env: &StatementEnv, kind: RegKind, object: Oid) -> Option<String> {
    let text = object.is_valid().then(|| reg_out(env, kind, object));
    text.filter(|text| text.parse::<u32>().is_err())
}

/// A name, qualified unless the search path leads to the object.
fn shown(env: &StatementEnv, class: Oid, namespace: Oid, name: &str) -> String {
    let Some(schema) = env.catalog.schema(namespace) else { return quote_identifier(name).into_owned() };
    // Nothing is looked for among temporary objects but relations and types.
    let is_searched = |oid: &&Oid| env.catalog.schema(**oid).is_some_and(|schema| !schema.is_temporary());
    let path = env.search_path();
    let mut searched = path.iter().filter(is_searched);
    let first = searched.find(|schema| super::lookup::object_in(env, class, **schema, name).is_some());
    match first == Some(&namespace) {
        true => quote_identifier(name).into_owned(),
        false => format!("{}.{}", quote_identifier(&schema.name), quote_identifier(name)),
    }
}

fn of_method(env: &StatementEnv, noun: &str, class: Oid, found: &CatalogRow, columns: [&str; 3]) -> String {
    let [name, namespace, method] = columns;
    let method = row(env, Oid(2601), found.oid(method)).map_or_else(String::new, |row| row.text("amname"));
    let name = found.text(name);
    let namespace = found.oid(namespace);
    let shown = match env.catalog.schema(namespace) {
        Some(schema) if !env.search_path().contains(&namespace) => {
            format!("{}.{}", quote_identifier(&schema.name), quote_identifier(&name))
        }
        _ => quote_identifier(&name).into_owned(),
    };
    debug_assert!(class == classes::OPCLASS || class == classes::OPFAMILY, "{noun} of another catalog");
    format!("{noun} {shown} for access method {method}")
}
