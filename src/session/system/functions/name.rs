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
    ("PG_encoding_to_char", pg_encoding_to_char),
    ("PG_char_to_encoding", pg_char_to_encoding),
    ("getdatabaseencoding", |_, _| Ok(Datum::text("UTF8"))),
    ("pg_client_encoding", |_, _| Ok(Datum::text("UTF8"))),
    ("to_regclass", |cx, args| to_reg(cx, args, RegKind::Class)),
    ("to_regtype", |cx, args| to_reg(cx, args, RegKind::Type)),
    ("to_regproc", |cx, args| to_reg(cx, args, RegKind::Proc)),
    ("to_regprocedure", |cx, args| to_reg(cx, args, RegKind::Procedure)),
    ("to_regoper", |cx, args| to_reg(cx, args, RegKind::Oper)),
    ("to_regoperator", |cx, args| to_reg(cx, args, RegKind::Operator)),
    ("to_regnamespace", |cx, args| to_reg(cx, args, RegKind::Namespace)),
    ("to_regrole", |cx, args| to_reg(cx, args, RegKind::Role)),
    ("to_regcollation", |cx, args| to_reg(cx, args, RegKind::Collation)),
    ("text_regclass", |cx, args| Ok(Datum::Oid(names::reg_in(session(cx)?, RegKind::Class, text(args, 0))?.0))),
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

/// PostgreSQL's encodings by number. Databases are UTF8; the others are known by name only.
const ENCODINGS: &[&str] = &[
    "SQL_ASCII",
    "EUC_JP",
    "EUC_CN",
    "EUC_KR",
    "EUC_TW",
    "EUC_JIS_2004",
    "UTF8",
    "MULE_INTERNAL",
    "LATIN1",
    "LATIN2",
    "LATIN3",
    "LATIN4",
    "LATIN5",
    "LATIN6",
    "LATIN7",
    "LATIN8",
    "LATIN9",
    "LATIN10",
    "WIN1256",
    "WIN1258",
    "WIN866",
    "WIN874",
    "KOI8R",
    "WIN1251",
    "WIN1252",
    "ISO_8859_5",
    "ISO_8859_6",
    "ISO_8859_7",
    "ISO_8859_8",
    "WIN1250",
    "WIN1253",
    "WIN1254",
    "WIN1255",
    "WIN1257",
    "KOI8U",
    "SJIS",
    "BIG5",
    "GBK",
    "UHC",
    "GB18030",
    "JOHAB",
    "SHIFT_JIS_2004",
];

fn pg_encoding_to_char(_: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let name = integer(args, 0).and_then(|n| usize::try_from(n).ok()).and_then(|n| ENCODINGS.get(n));
    Ok(Datum::text(name.copied().unwrap_or_default()))
}

fn pg_char_to_encoding(_: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    let plain = |name: &str| name.replace(['-', '_'], "").to_ascii_uppercase();
    let wanted = plain(text(args, 0));
    let found = ENCODINGS.iter().zip(0..).find(|(name, _)| plain(name) == wanted);
    Ok(Datum::Int4(found.map_or(-1, |(_, number)| number)))
}

/// Like the input of the type, but NULL for an object that does not exist.
fn to_reg(cx: &CallContext<'_>, args: &[Datum], kind: RegKind) -> Result<Datum> {
    match names::reg_in(session(cx)?, kind, text(args, 0)) {
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
