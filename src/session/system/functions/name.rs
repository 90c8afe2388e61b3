//! Names of types, roles and other objects; `to_reg…`; comments.

use dictdb_functions::facts;
use dictdb_functions::{CallContext, ScalarFn};
use dictdb_types::{Datum, Oid, RegKind, Result, SqlState};

use super::arguments::{integer, nullable, oid, session, text};
use crate::system::names;
use crate::system::relations::classes;

pub(super) const FUNCTIONS: &[(&str, ScalarFn)] = &[
    ("format_type", format_type),
    ("pg_get_userbyid", pg_get_userbyid),
    ("to_regclass", |cx, args| to_reg(cx, args, RegKind::Class)),
    ("to_regtype", |cx, args| to_reg(cx, args, RegKind::Type)),
    ("to_regproc", |cx, args| to_reg(cx, args, RegKind::Proc)),
    ("to_regprocedure", |cx, args| to_reg(cx, args, RegKind::Procedure)),
    ("to_regoper", |cx, args| to_reg(cx, args, RegKind::Oper)),
    ("to_regoperator", |cx, args| to_reg(cx, args, RegKind::Operator)),
    ("to_regnamespace", |cx, args| to_reg(cx, args, RegKind::Namespace)),
    ("to_regrole", |cx, args| to_reg(cx, args, RegKind::Role)),
    ("to_regcollation", |cx, args| to_reg(cx, args, RegKind::Collation)),
    ("text_regclass", |cx, args| Ok(Datum::Oid(names::find_relation(session(cx)?, text(args, 0))?.oid.0))),
    ("obj_description(oid,name)", obj_description),
    ("obj_description(oid)", obj_description_anywhere),
    ("col_description(oid,integer)", col_description),
    ("shobj_description(oid,name)", obj_description),
];

/// `format_type(oid, typmod)`.
fn format_type(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    if matches!(args.first(), None | Some(Datum::Null)) {
        return Ok(Datum::Null);
    }
    Ok(Datum::text(names::formatted(session(cx)?, oid(args, 0), integer(args, 1))))
}

fn pg_get_userbyid(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let oid = oid(args, 0);
    Ok(match session(cx)?.catalog.role(oid) {
        Some(role) => Datum::Text(role.name.clone()),
        None => Datum::text(format!("unknown (OID={oid})")),
    })
}

/// Like the input of the type for a name, but NULL for an object that does not exist.
fn to_reg(cx: &CallContext<'_>, args: &[Datum], kind: RegKind) -> Result<Datum> {
    match names::reg_named(session(cx)?, kind, text(args, 0)) {
        Ok(oid) => Ok(Datum::Oid(oid.0)),
        Err(error) if is_missing(error.code()) => Ok(Datum::Null),
        Err(error) => Err(error),
    }
}

fn is_missing(code: SqlState) -> bool {
    matches!(
        code,
        SqlState::UNDEFINED_TABLE
            | SqlState::UNDEFINED_FUNCTION
            | SqlState::AMBIGUOUS_FUNCTION
            | SqlState::UNDEFINED_OBJECT
            | SqlState::INVALID_SCHEMA_NAME
    )
}

/// The comment on an object of a catalog.
fn comment(cx: &CallContext<'_>, class: Oid, object: Oid, part: i32) -> Result<Datum> {
    let own = session(cx)?.catalog.comment(class, object, part).map(|text| text.to_string());
    let built_in = || facts::description(class, object).filter(|_| part == 0).map(|text| text.into_owned());
    Ok(nullable(own.or_else(built_in)))
}

/// `obj_description(oid, catalog)`.
fn obj_description(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let catalog = &session(cx)?.catalog;
    match catalog.relation_in(dictdb_catalog::namespaces::PG_CATALOG, text(args, 1)) {
        Some(class) => comment(cx, class.oid, oid(args, 0), 0),
        None => Ok(Datum::Null),
    }
}

/// `obj_description(oid)`: deprecated, because oids are unique within one catalog only.
fn obj_description_anywhere(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let object = oid(args, 0);
    let catalog = &session(cx)?.catalog;
    let own = catalog.comments().find(|((_, o, part), _)| *o == object && *part == 0).map(|(_, text)| text.to_string());
    let built_in = || {
        let rows = crate::system::exported::rows("pg_description").iter();
        let found = rows.into_iter().find(|row| matches!(row.first(), Some(Datum::Oid(o)) if *o == object.0))?;
        match found.last() {
            Some(Datum::Text(text)) => Some(text.to_string()),
            _ => None,
        }
    };
    Ok(nullable(own.or_else(built_in)))
}

/// `col_description(relation, attnum)`.
fn col_description(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    comment(cx, classes::CLASS, oid(args, 0), integer(args, 1).unwrap_or(0))
}
