//! Objects in words, as the messages of DDL name them (`getObjectDescription`).
//!
//! Here they are read from the catalog as the statement has changed it so far, and only objects that DDL makes have a [`Key`].
//! `pg_describe_object`, which knows the built-in ones too, reads the rows of the system catalogs: `session/system/address`.

use std::sync::Arc;

use dictdb_catalog::{Catalog, Key, RelationKind};
use dictdb_types::{Oid, TypeLookup, quote_identifier};

use super::DdlContext;

impl DdlContext<'_> {
    /// An object as messages name it (`getObjectDescription`): qualified unless the search path finds it.
    pub(super) fn describe(&self, key: Key, catalog: &Arc<Catalog>) -> String {
        let relation_name = |oid: Oid| match catalog.relation(oid) {
            Some(relation) => self.shown_relation(oid, catalog, relation.namespace, &relation.name),
            None => oid.to_string(),
        };
        let noun = |oid: Oid| match catalog.relation(oid).map(|relation| &relation.kind) {
            Some(RelationKind::Composite) => "composite type",
            _ => catalog.relation(oid).map_or("relation", |relation| relation.kind_noun()),
        };
        match key {
            Key::Schema(oid) => format!("schema {}", catalog.schema(oid).map_or("?", |schema| &schema.name)),
            Key::Relation(oid) => match catalog.relation(oid).map(|relation| (&relation.kind, relation.row_type)) {
                Some((RelationKind::Composite, row_type)) => format!("type {}", self.shown_type(row_type, catalog)),
                _ => format!("{} {}", noun(oid), relation_name(oid)),
            },
            Key::Column(table, attnum) => {
                let column = catalog.relation(table).and_then(|relation| relation.column(attnum));
                let system = dictdb_catalog::system_column_name(attnum).unwrap_or("?");
                let column = column.map_or(system, |column| &column.name);
                format!("column {column} of {} {}", noun(table), relation_name(table))
            }
            Key::Default(table, attnum) => {
                format!("default value for {}", self.describe(Key::Column(table, attnum), catalog))
            }
            Key::Constraint(table, oid) => match catalog.relation(table) {
                Some(relation) => {
                    let name = relation.constraints.iter().find(|c| c.oid == oid).map_or("?", |c| &c.name);
                    format!("constraint {name} on {} {}", noun(table), relation_name(table))
                }
                None => {
                    let check = catalog.domain(table).and_then(|own| own.checks.iter().find(|check| check.oid == oid));
                    format!("constraint {}", check.map_or("?", |check| &check.name))
                }
            },
            Key::Type(oid) => format!("type {}", self.shown_type(oid, catalog)),
            Key::Extension(oid) => format!("extension {}", catalog.extension(oid).map_or("?", |e| &e.name)),
            Key::Operator(oid) => self.describe_operator(oid, catalog),
            Key::Cast(oid) => self.describe_cast(oid, catalog),
            Key::OperatorClass(oid) => match catalog.any_opclass(oid) {
                Some(class) => {
                    self.describe_of_method("operator class", class.namespace, &class.name, class.method, catalog)
                }
                None => format!("operator class {oid}"),
            },
            Key::OperatorFamily(oid) => match catalog.operator_family(oid) {
                Some(own) => self.describe_of_method("operator family", own.namespace, &own.name, own.method, catalog),
                None => format!("operator family {oid}"),
            },
            Key::Published(publication, row) => {
                let own = catalog.definition(publication);
                let table = own.and_then(|own| own.publication()?.tables.iter().find(|table| table.oid == row));
                let table = table.map_or_else(String::new, |table| relation_name(table.relation));
                format!("publication of table {table} in publication {}", own.map_or("?", |own| &own.name))
            }
            Key::Definition(kind, oid) => match catalog.definition(oid) {
                Some(own) => catalog.describe_definition(own, self.search_path),
                None => format!("{} {oid}", kind.noun()),
            },
            Key::Role(oid) => format!("role {}", catalog.role(oid).map_or("?", |role| &role.name)),
            Key::Function(oid) => match catalog.routine(oid) {
                // Whatever kind of routine it is.
                Some(routine) => format!("function {}", super::routine::signature(catalog, self.search_path, routine)),
                None => format!("function {oid}"),
            },
            Key::Policy(table, oid) => {
                let found = catalog.relation(table);
                let policy = found.and_then(|relation| relation.policies.iter().find(|policy| policy.oid == oid));
                format!("policy {} on table {}", policy.map_or("?", |policy| &policy.name), relation_name(table))
            }
            Key::Rule(table, oid) => {
                let name = catalog.rule(oid).map_or("?", |(_, rule)| &rule.name);
                format!("rule {name} on {}", self.describe(Key::Relation(table), catalog))
            }
            Key::Trigger(table, oid) => {
                let table = catalog.relation(table).map_or("?", |relation| &relation.name);
                format!("trigger {} on table {table}", catalog.trigger(oid).map_or("?", |trigger| &trigger.name))
            }
        }
    }

    /// `operator class name for access method btree`.
    fn describe_of_method(&self, noun: &str, namespace: Oid, name: &str, method: Oid, catalog: &Catalog) -> String {
        let visible = self.search_path.contains(&namespace);
        let schema = catalog.schema(namespace).filter(|_| !visible);
        let schema = schema.map(|schema| format!("{}.", quote_identifier(&schema.name))).unwrap_or_default();
        let method = catalog.access_method_name(method);
        format!("{noun} {schema}{} for access method {method}", quote_identifier(name))
    }

    fn shown_relation(&self, oid: Oid, catalog: &Catalog, namespace: Oid, name: &str) -> String {
        let visible = catalog.relation_on_path(self.search_path, name).is_some_and(|found| found.oid == oid);
        match catalog.schema(namespace).filter(|_| !visible) {
            Some(schema) => format!("{}.{}", quote_identifier(&schema.name), quote_identifier(name)),
            None => quote_identifier(name).into_owned(),
        }
    }

    /// A type's name, qualified unless the search path finds it.
    pub(super) fn shown_type(&self, oid: Oid, catalog: &Arc<Catalog>) -> String {
        let Some(info) = catalog.type_info(oid) else { return oid.to_string() };
        if info.is_array() && info.element.is_valid() {
            return format!("{}[]", self.shown_type(info.element, catalog));
        }
        let scope = dictdb_planner::scope::CatalogScope { catalog, search_path: self.search_path };
        dictdb_functions::resolve::format_type(&scope, oid)
    }
}
