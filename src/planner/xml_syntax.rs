//! XML expressions as PostgreSQL writes them back.

use dictdb_functions::xml;
use dictdb_types::{Datum, Oid, Result, Type, quote_identifier};
use dictdb_xml::names::to_identifier;

use crate::deparse::{Names, write};
use crate::expr::{Call, Expr};
use crate::xml_table::XmlTable;

impl Names<'_> {
    /// Writes a call of one of the functions behind XML syntax; false for any other.
    pub(crate) fn xml_syntax(&self, call: &Call, out: &mut String) -> Result<bool> {
        if call.function.oid.is_valid() {
            return Ok(false);
        }
        let args = call.args.as_slice();
        match (&*call.function.source, args) {
            (xml::ELEMENT, [names, values @ ..]) => self.xml_element(&strings(names), values, out)?,
            (xml::FOREST, [names, values @ ..]) => {
                out.push_str("XMLFOREST(");
                self.xml_named(&strings(names), values, out)?;
            }
            (xml::CONCAT, values) => {
                out.push_str("XMLCONCAT(");
                self.xml_list(values, out)?;
            }
            (xml::PARSE, [document, text, preserve]) => {
                out.push_str(if is_true(document) { "XMLPARSE(DOCUMENT " } else { "XMLPARSE(CONTENT " });
                write(text, self, out)?;
                out.push_str(if is_true(preserve) { " PRESERVE WHITESPACE" } else { " STRIP WHITESPACE" });
            }
            (xml::PI, [name, content @ ..]) => {
                out.push_str(&format!("XMLPI(NAME {}", identifier(&string(name))));
                if !content.is_empty() {
                    out.push_str(", ");
                    self.xml_list(content, out)?;
                }
            }
            (xml::ROOT, [value, version, standalone]) => self.xml_root(value, version, &string(standalone), out)?,
            (xml::SERIALIZE, [document, value, oid, modifier]) => {
                out.push_str(if is_true(document) { "XMLSERIALIZE(DOCUMENT " } else { "XMLSERIALIZE(CONTENT " });
                write(value, self, out)?;
                out.push_str(&format!(" AS {}", self.objects.type_name(type_of(oid, modifier))));
            }
            (xml::IS_DOCUMENT, [value]) => {
                match self.pretty {
                    true => self.xml_enclosed("(", value, out)?,
                    false => write(value, self, out)?,
                }
                out.push_str(" IS DOCUMENT");
                return Ok(true);
            }
            (xml::TABLE, _) => match XmlTable::of(call) {
                Some(table) => self.xml_table(&table, out)?,
                None => return Ok(false),
            },
            _ => return Ok(false),
        }
        out.push(')');
        Ok(true)
    }

    fn xml_element(&self, names: &[String], values: &[Expr], out: &mut String) -> Result<()> {
        let Some((name, attributes)) = names.split_first() else { return Ok(()) };
        out.push_str(&format!("XMLELEMENT(NAME {}", identifier(name)));
        let (attribute_values, content) = values.split_at(attributes.len().min(values.len()));
        if !attributes.is_empty() {
            out.push_str(", XMLATTRIBUTES(");
            self.xml_named(attributes, attribute_values, out)?;
            out.push(')');
        }
        if !content.is_empty() {
            out.push_str(", ");
            self.xml_list(content, out)?;
        }
        Ok(())
    }

    fn xml_list(&self, values: &[Expr], out: &mut String) -> Result<()> {
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            self.xml_value(value, out)?;
        }
        Ok(())
    }

    fn xml_named(&self, names: &[String], values: &[Expr], out: &mut String) -> Result<()> {
        for (at, (name, value)) in names.iter().zip(values).enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            self.xml_value(value, out)?;
            out.push_str(&format!(" AS {}", identifier(name)));
        }
        Ok(())
    }

    /// A literal that never got a type is written without one.
    fn xml_value(&self, value: &Expr, out: &mut String) -> Result<()> {
        match value {
            Expr::Const(Datum::Text(text), ty) if ty.oid == dictdb_types::oids::UNKNOWN => {
                out.push_str(&dictdb_types::quote_literal(text));
                Ok(())
            }
            Expr::Const(Datum::Null, ty) if ty.oid == dictdb_types::oids::UNKNOWN => {
                out.push_str("NULL::unknown");
                Ok(())
            }
            other => write(other, self, out),
        }
    }

    fn xml_root(&self, value: &Expr, version: &Expr, standalone: &str, out: &mut String) -> Result<()> {
        out.push_str("XMLROOT(");
        write(value, self, out)?;
        out.push_str(", VERSION ");
        match version {
            Expr::Const(Datum::Null, _) => out.push_str("NO VALUE"),
            version => write(version, self, out)?,
        }
        if !standalone.is_empty() {
            out.push_str(&format!(", STANDALONE {standalone}"));
        }
        Ok(())
    }

    fn xml_table(&self, table: &XmlTable<'_>, out: &mut String) -> Result<()> {
        out.push_str("XMLTABLE(");
        for (at, (prefix, uri)) in table.namespaces.iter().enumerate() {
            out.push_str(if at == 0 { "XMLNAMESPACES (" } else { ", " });
            if prefix.is_none() {
                out.push_str("DEFAULT ");
            }
            write(uri, self, out)?;
            if let Some(prefix) = prefix {
                out.push_str(&format!(" AS {}", quote_identifier(prefix)));
            }
        }
        if !table.namespaces.is_empty() {
            out.push_str("), ");
        }
        self.xml_enclosed("(", table.row_path, out)?;
        self.xml_enclosed(" PASSING (", table.document, out)?;
        for (at, column) in table.columns.iter().enumerate() {
            let separator = if at == 0 { " COLUMNS " } else { ", " };
            let name = quote_identifier(&column.field.name);
            if column.ordinality {
                out.push_str(&format!("{separator}{name} FOR ORDINALITY"));
                continue;
            }
            out.push_str(&format!("{separator}{name} {}", self.objects.type_name(column.field.ty)));
            if let Some(default) = column.default {
                self.xml_enclosed(" DEFAULT (", default, out)?;
            }
            if let Some(path) = column.path {
                self.xml_enclosed(" PATH (", path, out)?;
            }
            if column.not_null {
                out.push_str(" NOT NULL");
            }
        }
        Ok(())
    }

    fn xml_enclosed(&self, before: &str, value: &Expr, out: &mut String) -> Result<()> {
        out.push_str(before);
        write(value, self, out)?;
        out.push(')');
        Ok(())
    }
}

/// An XML name as the identifier it was.
fn identifier(name: &str) -> String {
    quote_identifier(&to_identifier(name)).into_owned()
}

fn string(expr: &Expr) -> String {
    match expr {
        Expr::Const(Datum::Text(text), _) => text.to_string(),
        _ => String::new(),
    }
}

fn strings(expr: &Expr) -> Vec<String> {
    let Expr::Const(Datum::Array(array), _) = expr else { return Vec::new() };
    let text = |item: &Datum| if let Datum::Text(text) = item { text.to_string() } else { String::new() };
    array.items.iter().map(text).collect()
}

fn is_true(expr: &Expr) -> bool {
    matches!(expr, Expr::Const(Datum::Bool(true), _))
}

fn type_of(oid: &Expr, modifier: &Expr) -> Type {
    match (oid, modifier) {
        (Expr::Const(Datum::Oid(oid), _), Expr::Const(Datum::Int4(modifier), _)) => {
            Type::with_typmod(Oid(*oid), *modifier)
        }
        _ => Type::new(dictdb_types::oids::TEXT),
    }
}
