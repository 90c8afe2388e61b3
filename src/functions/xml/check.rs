//! Text that becomes XML, and XML that becomes text: `XMLPARSE`, `XMLSERIALIZE`, casts, and questions about both.

use dictdb_types::xml::{self, XmlOption};
use dictdb_types::{Datum, Error, Result, SqlState};

use crate::CallContext;
use crate::args::arg;

fn option(is_document: bool) -> XmlOption {
    if is_document { XmlOption::Document } else { XmlOption::Content }
}

/// 2200M, 2200N.
pub(super) fn parse(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    if args.iter().any(Datum::is_null) {
        return Ok(Datum::Null);
    }
    xml::check(arg(args, 1)?, option(arg(args, 0)?), cx.env)?;
    Ok(args[1].clone())
}

/// 2200L.
pub(super) fn serialize(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    if args.iter().any(Datum::is_null) {
        return Ok(Datum::Null);
    }
    let text: &str = arg(args, 1)?;
    if arg(args, 0)? && !xml::is_well_formed(text, XmlOption::Document, cx.env) {
        return Err(Error::new(SqlState::NOT_AN_XML_DOCUMENT, "not an XML document"));
    }
    Ok(args[1].clone())
}

pub(super) fn is_document(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    if args.iter().any(Datum::is_null) {
        return Ok(Datum::Null);
    }
    is_well_formed_document(cx, args)
}

pub(super) fn from_text(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    xml::check(arg(args, 0)?, cx.env.format().xml_option, cx.env)?;
    Ok(args[0].clone())
}

pub(super) fn to_text(_: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    Ok(args[0].clone())
}

/// PostgreSQL has the function and nothing behind it.
pub(super) fn validate(_: &CallContext<'_>, _: &[Datum]) -> Result<Datum> {
    Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, "xmlvalidate is not implemented"))
}

pub(super) fn is_well_formed(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    well_formed(cx, args, cx.env.format().xml_option)
}

pub(super) fn is_well_formed_content(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    well_formed(cx, args, XmlOption::Content)
}

pub(super) fn is_well_formed_document(cx: &CallContext<'_>, args: &[Datum]) -> Result<Datum> {
    well_formed(cx, args, XmlOption::Document)
}

fn well_formed(cx: &CallContext<'_>, args: &[Datum], option: XmlOption) -> Result<Datum> {
    Ok(Datum::Bool(xml::is_well_formed(arg(args, 0)?, option, cx.env)))
}
