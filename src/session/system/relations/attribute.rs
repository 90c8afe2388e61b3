//! `pg_attribute` and `pg_attrdef`.

use std::sync::Arc;

use dictdb_catalog::{
    Column, Identity, IndexInfo, IndexKey, IndexMethod, IndexTarget, Relation, RelationKind, SYSTEM_COLUMNS,
};
use dictdb_functions::facts;
use dictdb_types::{Datum, Oid, Type, TypeLookup, oids};

use super::super::output::{NULL, Output, acl, options, row};
use super::foreign::foreign_options;
use super::{Source, derived_oid, types};

/// Columns of relations, those of indexes and dropped ones included.
pub fn pg_attribute(source: &Source<'_>, out: &mut Output<'_>) {
    source.relations_wanted(out, 1).for_each(|relation| push_all(source, relation, out));
}

/// An attribute before `pg_type` fills in the rest.
struct Attribute<'a> {
    name: Arc<str>,
    ty: Type,
    attnum: i16,
    collation: Oid,
    not_null: bool,
    column: Option<&'a Column>,
    acl: Option<&'a [Arc<str>]>,
    /// Of an expression of an index.
    statistics: Option<i32>,
    /// `attoptions`.
    options: &'a [Arc<str>],
    /// `attndims`: not known of what a query computes.
    dimensions: i32,
    /// `attstorage`, where it is not the type's own.
    storage: Option<u8>,
}

fn push_all(source: &Source<'_>, relation: &Relation, out: &mut Output<'_>) {
    if relation.has_system_columns() {
        for (name, attnum, ty) in SYSTEM_COLUMNS.into_iter().rev() {
            let system = Attribute {
                name: name.into(),
                ty,
                attnum,
                acl: relation.column_acl(attnum),
                collation: Oid::INVALID,
                not_null: true,
                column: None,
                statistics: None,
                options: &[],
                dimensions: 0,
                storage: None,
            };
            push(source, relation.oid, &system, out);
        }
    }
    if let RelationKind::Index(index) = &relation.kind {
        for attribute in index_attributes(source, index) {
            push(source, relation.oid, &attribute, out);
        }
        return;
    }
    for (column, attnum) in relation.columns.iter().zip(1..) {
        let (name, ty) = match column.dropped {
            true => (format!("........pg.dropped.{attnum}........").into(), Type::new(Oid::INVALID)),
            false => (column.name.clone(), column.ty),
        };
        let (collation, not_null) = (column.collation, column.not_null && !column.dropped);
        let dimensions = if relation.view().is_some() { 0 } else { dimensions(source, ty) };
        let acl = relation.column_acl(attnum);
        let column = Some(column);
        let options = column.map_or(&[][..], |column| &column.options);
        let storage = column.and_then(|column| column.storage);
        let attribute = Attribute {
            name,
            ty,
            attnum,
            collation,
            not_null,
            column,
            acl,
            statistics: None,
            options,
            dimensions,
            storage,
        };
        push(source, relation.oid, &attribute, out);
    }
}

/// How many dimensions a column is declared with, as far as that is remembered: whether it is an array.
fn dimensions(source: &Source<'_>, ty: Type) -> i32 {
    i32::from(source.catalog.type_info(ty.oid).is_some_and(|info| info.is_array()))
}

/// An index has a column per key, named after the table's column, the expression's function or `expr`; numbers tell apart
/// what would have the same name. A hash index keeps integers.
fn index_attributes<'a>(source: &Source<'_>, index: &'a IndexInfo) -> Vec<Attribute<'a>> {
    let table = source.catalog.relation(index.table);
    let of_column = |attnum: i16| table.and_then(|t| t.column(attnum));
    let mut attributes: Vec<Attribute<'a>> = Vec::new();
    let mut add = |name: Arc<str>, ty: Type, (of, collation): (Option<&Column>, Oid), statistics, dimensions: i32| {
        let numbered = (1..).map(|n| Arc::from(format!("{name}{n}")));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        let name = names.find(|name| attributes.iter().all(|other| other.name != *name)).unwrap_or(name);
        let attnum = attributes.len() as i16 + 1;
        let column = None;
        let options = index.keys.get(attributes.len()).map_or(&[][..], |key| &key.options);
        attributes.push(Attribute {
            name,
            ty,
            attnum,
            collation,
            not_null: false,
            column,
            acl: None,
            statistics,
            options,
            dimensions,
            storage: of.filter(|column| column.ty == ty).and_then(|column| column.storage),
        });
    };
    for key in &index.keys {
        let (name, of, collation) = match &key.target {
            IndexTarget::Column(attnum) => match of_column(*attnum) {
                Some(column) => (column.name.clone(), Some(column), column.collation),
                None => (Arc::from(""), None, Oid::INVALID),
            },
            IndexTarget::Expression(text) => {
                (dictdb_planner::table_expr::index_column_name(text), None, types::collation_of(source, key.ty.oid))
            }
        };
        let stored = match index.method {
            IndexMethod::Hash => Type::new(oids::INT4),
            IndexMethod::Bloom => key.ty,
            IndexMethod::Btree | IndexMethod::Gin | IndexMethod::Gist | IndexMethod::Brin | IndexMethod::Spgist => {
                key_type(source, key)
            }
        };
        let dimensions = match &key.target {
            IndexTarget::Column(_) => dimensions(source, key.ty),
            IndexTarget::Expression(_) => 0,
        };
        add(name, stored, (of, collation), key.statistics, dimensions);
    }
    for attnum in &index.include {
        if let Some(column) = of_column(*attnum) {
            let of = (Some(column), column.collation);
            add(column.name.clone(), column.ty, of, None, dimensions(source, column.ty));
        }
    }
    attributes
}

/// What an index keeps of a key by its operator class (`opckeytype`): the type itself, a part of it, or something else.
fn key_type(source: &Source<'_>, key: &IndexKey) -> Type {
    match facts::opclass_by_oid(key.opclass).map(|class| class.key).filter(|stored| stored.is_valid()) {
        None => key.ty,
        Some(oids::ANYELEMENT) => {
            let element = source.catalog.type_info(key.ty.oid).map(|info| info.element);
            Type::new(element.filter(|element| element.is_valid()).unwrap_or(key.ty.oid))
        }
        Some(stored) => Type::new(stored),
    }
}

fn push(source: &Source<'_>, relation: Oid, attribute: &Attribute<'_>, out: &mut Output<'_>) {
    let info = source.catalog.type_info(attribute.ty.oid);
    let (len, by_value, align) = info.as_ref().map_or((0, false, b'c'), |t| (t.len, t.by_value, t.align));
    let own = attribute.statistics.or(attribute.column.map(|column| column.statistics));
    let statistics = own.unwrap_or(if attribute.attnum < 0 { 0 } else { -1 });
    let column = attribute.column.filter(|c| !c.dropped);
    let storage = match attribute.storage {
        Some(letter) if column.is_some() || attribute.column.is_none() => char::from(letter),
        _ => types::storage_of(source, attribute.ty.oid),
    };
    let compression = column.and_then(|c| c.compression).map_or(String::new(), |c| char::from(c).to_string());
    let is_there = column.is_some() || attribute.column.is_none();
    let own_options = match is_there && !attribute.options.is_empty() {
        true => options(attribute.options),
        false => NULL,
    };
    let identity = column.and_then(|c| c.identity).map_or("", |identity| match identity {
        Identity::Always => "a",
        Identity::ByDefault => "d",
    });
    let missing = column.map_or(&NULL, |c| &c.missing);
    row!(out;
        relation, attribute.name.clone(), attribute.ty.oid, statistics, len, attribute.attnum,
        attribute.dimensions, -1, attribute.ty.typmod, by_value, char::from(align), storage, compression, attribute.not_null,
        column.is_some_and(|c| c.default.is_some() && c.identity.is_none()), !missing.is_null(), identity,
        if column.is_some_and(|c| c.generated) { "s" } else { "" },
        attribute.column.is_some_and(|c| c.dropped), attribute.column.is_none_or(|c| c.local),
        attribute.column.map_or(0, |c| c.inherited), attribute.collation,
        acl(attribute.acl), own_options, column.map_or(NULL, |c| foreign_options(&c.foreign_options)), missing_array(missing, attribute.ty),
    );
}

/// `attmissingval` is an array with one element.
fn missing_array(missing: &Datum, ty: Type) -> Datum {
    if missing.is_null() {
        return NULL;
    }
    Datum::Array(Arc::new(dictdb_types::Array::vector(ty.oid, vec![missing.clone()])))
}

/// Defaults and generation expressions; what fills an identity column is not one of them.
pub fn pg_attrdef(source: &Source<'_>, out: &mut Output<'_>) {
    for relation in source.relations_wanted(out, 2) {
        for (attnum, column) in relation.live_columns() {
            if let Some(default) = column.default.as_ref().filter(|_| column.identity.is_none()) {
                row!(out; attrdef_oid(relation.oid, attnum), relation.oid, attnum, default);
            }
        }
    }
}

/// `pg_attrdef.oid`.
pub fn attrdef_oid(relation: Oid, attnum: i16) -> Oid {
    derived_oid(relation, attnum)
}
