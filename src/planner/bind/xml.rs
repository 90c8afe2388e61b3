//! XML expressions: calls of functions that are in no catalog (`dictdb_functions::xml`), whose first arguments say what the
//! syntax had besides values.

use std::sync::Arc;

use dictdb_functions::facts::{CastContext, Volatility};
use dictdb_functions::xml;
use dictdb_parser::ast::{self, Expr as Ast};
use dictdb_parser::xml::{Named, XmlExpr};
use dictdb_types::{Array, Datum, Error, Oid, Result, SqlState, Type, oids};
use dictdb_xml::names::{Escaping, from_identifier};

use super::Binder;
use crate::expr::{Call, Expr, Function};

/// Texts as a constant array; `None` is NULL.
pub(super) fn texts<'a>(items: impl IntoIterator<Item = Option<&'a str>>) -> Expr {
    let items = items.into_iter().map(|item| item.map_or(Datum::Null, Datum::text)).collect();
    Expr::Const(Datum::Array(Array::vector(oids::TEXT, items).into()), Type::new(oids::TEXT_ARRAY))
}

fn flag(value: bool) -> Expr {
    Expr::boolean(value)
}

impl Binder<'_> {
    /// A function that is in no catalog.
    pub(super) fn xml_function(&self, source: &'static str) -> Arc<Function> {
        let set = self.cx.registry.set(source);
        Arc::new(Function {
            oid: Oid::INVALID,
            name: Arc::from(if set.is_some() { "xmltable" } else { source }),
            strict: false,
            volatility: Volatility::Stable,
            returns_set: set.is_some(),
            source: Arc::from(source),
            kernel: self.cx.registry.scalar(source),
            set,
            aggregate: None,
        })
    }

    fn xml_call(&self, source: &'static str, args: Vec<Expr>, ty: Oid, position: Option<u32>) -> Expr {
        Expr::Call(Box::new(Call::new(self.xml_function(source), args, Type::new(ty), position)))
    }

    /// An XML expression that stands at a position.
    pub(crate) fn bind_xml(&mut self, expr: &XmlExpr<'_>, position: Option<u32>) -> Result<Expr> {
        match expr {
            XmlExpr::Element { name, attributes, content } => {
                let name = from_identifier(&name.value, Escaping::PARTIAL);
                let (names, mut values) = self.xml_named(attributes, Some("attribute"))?;
                for item in content {
                    values.push(self.xml_value(item)?);
                }
                let names = std::iter::once(name.as_str()).chain(names.iter().map(String::as_str));
                let args = std::iter::once(texts(names.map(Some))).chain(values).collect();
                Ok(self.xml_call(xml::ELEMENT, args, oids::XML, position))
            }
            XmlExpr::Forest(values) => {
                let (names, values) = self.xml_named(values, None)?;
                let args = std::iter::once(texts(names.iter().map(|name| Some(name.as_str())))).chain(values).collect();
                Ok(self.xml_call(xml::FOREST, args, oids::XML, position))
            }
            XmlExpr::Concat(values) => {
                let mut args = Vec::with_capacity(values.len());
                for value in values {
                    args.push(self.bind_as(value, oids::XML, "XMLCONCAT")?);
                }
                Ok(self.xml_call(xml::CONCAT, args, oids::XML, position))
            }
            XmlExpr::Parse { document, preserve, text } => {
                let text = self.bind_as(text, oids::TEXT, "XMLPARSE")?;
                let args = vec![flag(*document), text, flag(*preserve)];
                Ok(self.xml_call(xml::PARSE, args, oids::XML, position))
            }
            XmlExpr::Pi { name, content } => {
                let name = from_identifier(&name.value, Escaping::PARTIAL);
                let mut args = vec![Expr::Const(Datum::text(name), Type::new(oids::TEXT))];
                if let Some(content) = content {
                    args.push(self.bind_as(content, oids::TEXT, "XMLPI")?);
                }
                Ok(self.xml_call(xml::PI, args, oids::XML, position))
            }
            XmlExpr::Root { value, version, standalone } => {
                let value = self.bind_as(value, oids::XML, "XMLROOT")?;
                let version = match version {
                    Some(version) => self.bind_as(version, oids::TEXT, "XMLROOT")?,
                    None => Expr::null(Type::new(oids::TEXT)),
                };
                let standalone = Expr::Const(Datum::text(standalone), Type::new(oids::TEXT));
                Ok(self.xml_call(xml::ROOT, vec![value, version, standalone], oids::XML, position))
            }
            XmlExpr::Serialize { document, value, data_type } => {
                self.bind_xml_serialize(*document, value, data_type, position)
            }
            XmlExpr::IsDocument(value) => {
                let value = self.bind_as(value, oids::XML, "IS DOCUMENT")?;
                Ok(self.xml_call(xml::IS_DOCUMENT, vec![value], oids::BOOL, position))
            }
        }
    }

    /// The type is kept in the call, to be written back.
    fn bind_xml_serialize(
        &mut self,
        document: bool,
        value: &Ast,
        data_type: &ast::DataType,
        position: Option<u32>,
    ) -> Result<Expr> {
        let value = self.bind_as(value, oids::XML, "XMLSERIALIZE")?;
        let target = self.bind_type(data_type)?;
        let oid = Expr::Const(Datum::Oid(target.oid.0), Type::new(oids::OID));
        let modifier = Expr::Const(Datum::Int4(target.typmod), Type::new(oids::INT4));
        let text = self.xml_call(xml::SERIALIZE, vec![flag(document), value, oid, modifier], oids::TEXT, position);
        self.coerce(text, target, CastContext::Implicit)?.ok_or_else(|| {
            let message = format!("cannot cast XMLSERIALIZE result to {}", self.type_name(Type::new(target.oid)));
            Error::new(SqlState::CANNOT_COERCE, message).at(position)
        })
    }

    /// Values and their names as XML has them. 42601 for a value without a name, and for a name that attributes have twice.
    fn xml_named(&mut self, named: &[Named<'_>], attribute: Option<&str>) -> Result<(Vec<String>, Vec<Expr>)> {
        let mut names: Vec<String> = Vec::with_capacity(named.len());
        let mut values = Vec::with_capacity(named.len());
        for item in named {
            values.push(self.xml_value(item.value)?);
            let refused = |message: String, binder: &Self| {
                Err(Error::new(SqlState::SYNTAX_ERROR, message).at(binder.leftmost(item.value)))
            };
            let name = match (item.name, item.value) {
                (Some(name), _) => from_identifier(&name.value, Escaping::PARTIAL),
                (None, Ast::Identifier(_) | Ast::CompoundIdentifier(_)) => {
                    from_identifier(&super::target::figure_name(item.value), Escaping::FULL)
                }
                _ => {
                    let what = attribute.unwrap_or("element");
                    return refused(format!("unnamed XML {what} value must be a column reference"), self);
                }
            };
            if attribute.is_some() && names.contains(&name) {
                return refused(format!("XML attribute name \"{name}\" appears more than once"), self);
            }
            names.push(name);
        }
        Ok((names, values))
    }

    /// A value of any type; a literal stays one without a type.
    fn xml_value(&mut self, value: &Ast) -> Result<Expr> {
        match self.bind_expr(value)? {
            literal @ Expr::Const(..) => Ok(literal),
            other => self.resolve_unknown(other),
        }
    }

    /// A value of a type, by assignment. 42804 naming the construct.
    pub(super) fn bind_as(&mut self, value: &Ast, target: Oid, construct: &str) -> Result<Expr> {
        self.bind_as_type(value, Type::new(target), construct)
    }

    /// [`Self::bind_as`] with a modifier.
    pub(super) fn bind_as_type(&mut self, value: &Ast, target: Type, construct: &str) -> Result<Expr> {
        let position = self.leftmost(value);
        let bound = self.bind_expr(value)?;
        let source = bound.ty();
        let coerced = self.coerce(bound, target, CastContext::Assignment).map_err(|error| error.at(position))?;
        coerced.ok_or_else(|| {
            let (wanted, given) = (self.type_name(Type::new(target.oid)), self.type_name(Type::new(source.oid)));
            let message = format!("argument of {construct} must be type {wanted}, not type {given}");
            Error::new(SqlState::DATATYPE_MISMATCH, message).at(position)
        })
    }
}
