//! `XMLTABLE` in FROM: a function scan whose call has, after the kernel's arguments, the defaults of columns.

use std::sync::Arc;

use dictdb_functions::xml::{self, ORDINALITY};
use dictdb_parser::ast::{TableFactor, XmlNamespaceDefinition, XmlTableColumn, XmlTableColumnOption};
use dictdb_parser::node;
use dictdb_types::{Datum, Error, Field, Result, SqlState, Type, oids};

use super::Binder;
use super::clause::Clause;
use super::names::{FromItem, NamedColumn, Names, TableName};
use super::xml::texts;
use crate::expr::{Call, Expr};
use crate::logical::{Column, FunctionItem, FunctionScan, Node};
use crate::xml_table::{DEFAULT, NOT_NULL, PATH};

/// The name of the table without an alias.
const NAME: &str = "xmltable";

/// The columns as bound.
#[derive(Default)]
struct Columns {
    /// What each is, in the words of [`crate::xml_table`].
    words: Vec<String>,
    fields: Vec<Field>,
    paths: Vec<Expr>,
    defaults: Vec<Expr>,
}

impl Binder<'_> {
    /// The rows of an XMLTABLE and its names.
    pub(crate) fn bind_xml_table(&mut self, factor: &TableFactor) -> Result<(Node, Names)> {
        let TableFactor::XmlTable { namespaces, row_expression, passing, columns, alias } = factor else {
            return Err(Error::internal("not an XMLTABLE"));
        };
        let [document] = passing.arguments.as_slice() else { return Err(Error::internal("XMLTABLE of no document")) };
        let call = self.in_clause(Clause::FromFunction, |binder| {
            let path = binder.bind_as(row_expression, oids::TEXT, "XMLTABLE")?;
            let document = binder.bind_as(&document.expr, oids::XML, "XMLTABLE")?;
            let columns = binder.xml_columns(columns)?;
            let (prefixes, uris) = binder.xml_namespaces(namespaces)?;
            Ok(binder.xml_table_call(document, path, (prefixes, uris), columns))
        })?;
        let columns: Vec<Column> =
            call.columns.iter().map(|field| self.new_column(field.name.clone(), field.ty)).collect();
        let shown: Arc<str> = Arc::from(alias.as_ref().map_or(NAME, |alias| alias.name.value.as_str()));
        let mut named: Vec<NamedColumn> = columns.iter().map(NamedColumn::of).collect();
        if let Some(alias) = alias {
            let (known, given) = (named.len(), alias.columns.len());
            if given > known {
                let message = format!("XMLTABLE function has {known} columns available but {given} columns specified");
                return Err(Error::new(SqlState::INVALID_COLUMN_REFERENCE, message));
            }
            named = self.alias_columns(alias, named)?;
        }
        let item = FunctionItem { call: Expr::Call(Box::new(call)), columns, spread: true, defined: false };
        let scan = FunctionScan { calls: vec![item], ordinality: None, alias: shown.clone() };
        let names =
            Names::of_table(TableName { item: FromItem::Function, ..TableName::new(&shown, named, oids::RECORD) });
        self.record_function(&scan, alias.as_ref(), &names);
        Ok((Node::FunctionScan(Box::new(scan)), names))
    }

    fn xml_table_call(
        &mut self,
        document: Expr,
        path: Expr,
        (prefixes, uris): (Vec<Option<&str>>, Vec<Expr>),
        columns: Columns,
    ) -> Call {
        let words = texts(columns.words.iter().map(|word| Some(word.as_str())));
        let mut args = vec![words, texts(prefixes), document, path];
        args.extend(uris);
        args.extend(columns.paths);
        args.extend(columns.defaults);
        let call = Call::new(self.xml_function(xml::TABLE), args, Type::new(oids::RECORD), None);
        Call { columns: columns.fields.into(), ..call }
    }

    /// 42601, 42P16 for what columns may not be.
    fn xml_columns(&mut self, columns: &[XmlTableColumn]) -> Result<Columns> {
        let mut bound = Columns::default();
        for column in columns {
            let position = self.position(column.name.span);
            let refused = |message: String| Err(Error::new(SqlState::SYNTAX_ERROR, message).at(position));
            let name = column.name.value.as_str();
            match &column.option {
                XmlTableColumnOption::ForOrdinality => {
                    if bound.words.iter().any(|word| word == ORDINALITY) {
                        return refused("only one FOR ORDINALITY column is allowed".to_owned());
                    }
                    bound.words.push(ORDINALITY.to_owned());
                    bound.paths.push(Expr::null(Type::new(oids::TEXT)));
                    bound.fields.push(Field { name: name.into(), ty: Type::new(oids::INT4) });
                }
                XmlTableColumnOption::NamedInfo { r#type, path, default, nullable } => {
                    let ty = self.bind_type(r#type)?;
                    bound.paths.push(match path {
                        Some(path) => self.bind_as(path, oids::TEXT, "XMLTABLE")?,
                        None => Expr::Const(Datum::text(name), Type::new(oids::TEXT)),
                    });
                    if let Some(default) = default {
                        bound.defaults.push(self.bind_as_type(default, ty, "XMLTABLE")?);
                    }
                    let words = [(path.is_some(), PATH), (default.is_some(), DEFAULT), (!nullable, NOT_NULL)];
                    let words = words.iter().filter(|(set, _)| *set).map(|(_, word)| *word);
                    bound.words.push(words.collect::<Vec<_>>().join(" "));
                    bound.fields.push(Field { name: name.into(), ty });
                }
            }
            if bound.fields.iter().filter(|field| *field.name == *name).count() > 1 {
                return refused(format!("column name \"{name}\" is not unique"));
            }
        }
        Ok(bound)
    }

    /// Prefixes, `None` for the default, and the names of their namespaces.
    fn xml_namespaces<'a>(
        &mut self,
        namespaces: &'a [XmlNamespaceDefinition],
    ) -> Result<(Vec<Option<&'a str>>, Vec<Expr>)> {
        let mut prefixes: Vec<Option<&str>> = Vec::new();
        let mut uris = Vec::new();
        for namespace in namespaces {
            uris.push(self.bind_as(&namespace.uri, oids::TEXT, "XMLTABLE")?);
            let prefix = Some(namespace.name.value.as_str()).filter(|_| !node::is_default_namespace(&namespace.name));
            if prefixes.contains(&prefix) {
                let message = match prefix {
                    Some(prefix) => format!("namespace name \"{prefix}\" is not unique"),
                    None => "only one default namespace is allowed".to_owned(),
                };
                return Err(Error::new(SqlState::SYNTAX_ERROR, message).at(self.leftmost(&namespace.uri)));
            }
            prefixes.push(prefix);
        }
        Ok((prefixes, uris))
    }
}
