//! XML: the expressions spelled as syntax, and `XMLTABLE`.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::{
    Expr, Ident, TableFactor, XmlNamespaceDefinition, XmlPassingArgument, XmlPassingClause, XmlTableColumn,
    XmlTableColumnOption,
};
use sqlparser::tokenizer::Span;

use super::Parser;
use super::function::{catalog_function, standard_call};
use crate::keyword::Keyword as K;
use crate::token::{Kind, Token};
use crate::{node, xml};

/// The functions of this file.
pub(super) const FUNCTIONS: &[K] =
    &[K::Xmlconcat, K::Xmlelement, K::Xmlexists, K::Xmlforest, K::Xmlparse, K::Xmlpi, K::Xmlroot, K::Xmlserialize];

/// A list of values with names.
type Labeled = Vec<(Expr, Option<Ident>)>;

impl Parser<'_> {
    /// The inside of the parentheses of an XML function.
    pub(super) fn xml_function(&mut self, token: Token) -> Result<Expr> {
        let span = self.span(token);
        match token.keyword {
            K::Xmlconcat => Ok(xml::concat(span, self.list(Self::expr)?)),
            K::Xmlelement => self.xml_element(span),
            K::Xmlforest => Ok(xml::forest(span, self.xml_values()?)),
            K::Xmlparse => {
                let document = self.document_or_content()?;
                let text = self.expr()?;
                let preserve = self.whitespace_option()?;
                Ok(xml::parse(span, document, text, preserve))
            }
            K::Xmlpi => {
                self.expect_word(K::Name)?;
                let name = self.col_label()?;
                let content = if self.eat(Kind::Comma) { Some(self.expr()?) } else { None };
                Ok(xml::pi(span, name, content))
            }
            K::Xmlroot => self.xml_root(span),
            K::Xmlserialize => {
                let document = self.document_or_content()?;
                let value = self.expr()?;
                self.expect_word(K::As)?;
                let data_type = self.type_name()?;
                Ok(xml::serialize(span, document, value, data_type))
            }
            _ => {
                let path = self.primary()?;
                let (document, _) = self.passing()?;
                Ok(standard_call(catalog_function("xmlexists", token.position), vec![path, document]))
            }
        }
    }

    fn xml_element(&mut self, span: Span) -> Result<Expr> {
        self.expect_word(K::Name)?;
        let name = self.col_label()?;
        let mut attributes = Vec::new();
        let mut content = Vec::new();
        if self.eat(Kind::Comma) {
            let has_attributes = self.eat_word(K::Xmlattributes);
            if has_attributes {
                self.expect(Kind::LeftParen)?;
                attributes = self.nested(Self::xml_values)?;
                self.expect(Kind::RightParen)?;
            }
            if !has_attributes || self.eat(Kind::Comma) {
                content = self.list(Self::expr)?;
            }
        }
        Ok(xml::element(span, name, attributes, content))
    }

    /// `value [AS name], …`.
    fn xml_values(&mut self) -> Result<Labeled> {
        self.list(|parser| {
            let value = parser.expr()?;
            let name = if parser.eat_word(K::As) { Some(parser.col_label()?) } else { None };
            Ok((value, name))
        })
    }

    fn document_or_content(&mut self) -> Result<bool> {
        Ok(self.advance_if_any(&[K::Document, K::Content])? == K::Document)
    }

    fn whitespace_option(&mut self) -> Result<bool> {
        let options = [(K::Preserve, true), (K::Strip, false)];
        let Some(preserve) = self.eat_one_of(&options) else { return Ok(false) };
        self.expect_word(K::Whitespace)?;
        Ok(preserve)
    }

    fn xml_root(&mut self, span: Span) -> Result<Expr> {
        let value = self.expr()?;
        self.expect(Kind::Comma)?;
        self.expect_word(K::Version)?;
        let no_version = self.is_word(K::No) && self.nth(1).keyword == K::Value;
        let version = match no_version {
            true => {
                self.at += 2;
                None
            }
            false => Some(self.expr()?),
        };
        let mut standalone = "";
        if self.eat(Kind::Comma) {
            self.expect_word(K::Standalone)?;
            standalone = match self.advance_if_any(&[K::Yes, K::No])? {
                K::No if self.eat_word(K::Value) => "NO VALUE",
                K::No => "NO",
                _ => "YES",
            };
        }
        Ok(xml::root(span, value, version, standalone))
    }

    /// `PASSING [BY REF | VALUE] document [BY REF | VALUE]`, which make no difference.
    fn passing(&mut self) -> Result<(Expr, bool)> {
        self.expect_word(K::Passing)?;
        let before = self.passing_mechanism()?;
        let document = self.primary()?;
        let after = self.passing_mechanism()?;
        Ok((document, before || after))
    }

    fn passing_mechanism(&mut self) -> Result<bool> {
        if !self.eat_word(K::By) {
            return Ok(false);
        }
        Ok(self.advance_if_any(&[K::Ref, K::Value])? == K::Value)
    }

    /// `XMLTABLE([XMLNAMESPACES(…),] path PASSING document COLUMNS …) [alias]`.
    pub(super) fn xml_table(&mut self) -> Result<TableFactor> {
        self.advance();
        self.expect(Kind::LeftParen)?;
        let table = self.nested(Self::xml_table_contents)?;
        self.expect(Kind::RightParen)?;
        let alias = self.optional_alias()?;
        match table {
            TableFactor::XmlTable { namespaces, row_expression, passing, columns, .. } => {
                Ok(TableFactor::XmlTable { namespaces, row_expression, passing, columns, alias })
            }
            other => Ok(other),
        }
    }

    fn xml_table_contents(&mut self) -> Result<TableFactor> {
        let mut namespaces = Vec::new();
        if self.eat_word(K::Xmlnamespaces) {
            self.expect(Kind::LeftParen)?;
            namespaces = self.list(Self::xml_namespace)?;
            self.expect(Kind::RightParen)?;
            self.expect(Kind::Comma)?;
        }
        let row_expression = self.primary()?;
        let (expr, by_value) = self.passing()?;
        let passing = XmlPassingClause { arguments: vec![XmlPassingArgument { expr, alias: None, by_value }] };
        self.expect_word(K::Columns)?;
        let columns = self.list(Self::xml_column)?;
        Ok(TableFactor::XmlTable { namespaces, row_expression, passing, columns, alias: None })
    }

    fn xml_namespace(&mut self) -> Result<XmlNamespaceDefinition> {
        if self.eat_word(K::Default) {
            return Ok(XmlNamespaceDefinition { uri: self.restricted_expr()?, name: node::default_namespace() });
        }
        let uri = self.restricted_expr()?;
        self.expect_word(K::As)?;
        Ok(XmlNamespaceDefinition { uri, name: self.col_label()? })
    }

    /// `name type [PATH …] [DEFAULT …] [NOT NULL | NULL]`, `name FOR ORDINALITY`.
    fn xml_column(&mut self) -> Result<XmlTableColumn> {
        let name = self.col_id()?;
        if self.eat_words(&[K::For, K::Ordinality]) {
            return Ok(XmlTableColumn { name, option: XmlTableColumnOption::ForOrdinality });
        }
        let data_type = self.type_name()?;
        let (mut path, mut default, mut nullability) = (None, None, None);
        loop {
            let position = self.position();
            let refused = |message: String| Err(Error::new(SqlState::SYNTAX_ERROR, message).at(Some(position)));
            let null = if self.is_word(K::Null) || self.is_word(K::Not) && self.nth(1).keyword == K::Null {
                Some(self.eat_word(K::Not))
            } else {
                None
            };
            if let Some(not) = null {
                self.expect_word(K::Null)?;
                if nullability.replace(!not).is_some() {
                    let what = "conflicting or redundant NULL / NOT NULL declarations";
                    return refused(format!("{what} for column \"{}\"", name.value));
                }
            } else if self.eat_word(K::Default) {
                if default.replace(self.restricted_expr()?).is_some() {
                    return refused("only one DEFAULT value is allowed".to_owned());
                }
            } else if self.is_unkeyed_name() {
                let option = self.ident()?;
                if option.value == "__pg__is_not_null" {
                    return refused(format!("option name \"{}\" cannot be used in XMLTABLE", option.value));
                }
                let value = self.restricted_expr()?;
                if option.value != "path" {
                    return refused(format!("unrecognized column option \"{}\"", option.value));
                }
                if path.replace(value).is_some() {
                    return refused("only one PATH value per column is allowed".to_owned());
                }
            } else {
                break;
            }
        }
        let nullable = nullability.unwrap_or(true);
        let option = XmlTableColumnOption::NamedInfo { r#type: data_type, path, default, nullable };
        Ok(XmlTableColumn { name, option })
    }
}
