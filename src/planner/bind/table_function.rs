//! Functions in FROM: one, or several in lockstep, their column definition lists, WITH ORDINALITY.

use std::sync::Arc;

use dictdb_parser::ast::{self, TableFactor};
use dictdb_parser::node;
use dictdb_types::{Error, Field, Result, SqlState, Type, oids};

use super::Binder;
use super::clause::Clause;
use super::names::{FromItem, NamedColumn, Names, TableName, idents};
use crate::expr::Expr;
use crate::logical::{Column, FunctionItem, FunctionScan, Node};

/// A call and the columns that the query defines for it.
struct Call {
    expr: ast::Expr,
    definitions: Vec<Definition>,
}

/// A column of a column definition list.
struct Definition {
    name: ast::Ident,
    data_type: ast::DataType,
}

impl Binder<'_> {
    /// `f(…) AS t (…)`, `ROWS FROM (f(…), g(…)) WITH ORDINALITY`.
    pub(crate) fn bind_table_function(&mut self, factor: &TableFactor) -> Result<(Node, Names)> {
        let TableFactor::Function { name, args, with_ordinality, alias, .. } = factor else {
            return Err(Error::internal("not a function in FROM"));
        };
        let mut calls = calls_of(name, args)?;
        let single = calls.len() == 1;
        if let Some(alias) = alias {
            self.take_definitions(alias, *with_ordinality, &mut calls)?;
        }
        let defined = calls.iter().any(|call| !call.definitions.is_empty());
        let mut items = Vec::with_capacity(calls.len());
        let mut first_name = None;
        for call in &calls {
            let bound = self.bind_from_call(&call.expr)?;
            let bound = self.resolve_unknown(bound)?;
            let name: Arc<str> = Arc::from(super::target::figure_name(&call.expr));
            first_name.get_or_insert_with(|| name.clone());
            let shown = match alias {
                Some(alias) if single && !alias.name.value.is_empty() => Arc::from(alias.name.value.as_str()),
                _ => name,
            };
            items.push(self.function_columns(bound, shown, call)?);
        }
        let ordinality = with_ordinality.then(|| self.new_column("ordinality", Type::new(oids::INT8)));
        let shown: Arc<str> = match alias {
            Some(alias) if !alias.name.value.is_empty() => Arc::from(alias.name.value.as_str()),
            _ => first_name.unwrap_or_else(|| Arc::from("function")),
        };
        let mut named: Vec<NamedColumn> =
            items.iter().flat_map(|item| item.columns.iter()).chain(&ordinality).map(NamedColumn::of).collect();
        let typed = |alias: &ast::TableAlias| alias.columns.iter().any(|column| column.data_type.is_some());
        if let Some(alias) = alias.as_ref().filter(|alias| !typed(alias)) {
            named = self.alias_columns(alias, named)?;
        }
        let scalar_function = single && !defined && ordinality.is_none() && items.iter().all(|item| !item.spread);
        let row_type = match items.as_slice() {
            [item] if item.spread && !defined && ordinality.is_none() && self.fields_of(item.call.ty()).is_some() => {
                item.call.ty().oid
            }
            _ => oids::RECORD,
        };
        let given: Vec<Arc<str>> = named.iter().map(|column| column.name.clone()).collect();
        let table = TableName::new(&shown, named, row_type);
        let table = TableName { scalar_function, item: FromItem::Function, ..table };
        let mut scan = FunctionScan { calls: items, ordinality, alias: shown };
        let names = Names::of_table(table);
        self.record_function(&scan, alias.as_ref(), &names);
        let own = scan.calls.iter_mut().flat_map(|item| item.columns.iter_mut()).chain(&mut scan.ordinality);
        own.zip(given).for_each(|(column, name)| column.name = name);
        Ok((Node::FunctionScan(Box::new(scan)), names))
    }

    /// A call in FROM. 0A000 when a set-returning call stands inside it.
    fn bind_from_call(&mut self, expr: &ast::Expr) -> Result<Expr> {
        self.level().from_sets.clear();
        let bound = self.in_clause(Clause::FromFunction, |binder| binder.bind_expr(expr))?;
        let mut sets = std::mem::take(&mut self.level().from_sets);
        if matches!(&bound, Expr::Call(call) if call.function.returns_set) {
            sets.pop();
        }
        match sets.last() {
            Some(position) => {
                let message = "set-returning functions must appear at top level of FROM";
                Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(*position))
            }
            None => Ok(bound),
        }
    }

    /// Gives the only call the column definition list after the alias. 42601 where it has no place.
    fn take_definitions(&self, alias: &ast::TableAlias, ordinality: bool, calls: &mut [Call]) -> Result<()> {
        let definitions: Vec<Definition> = alias.columns.iter().filter_map(Definition::of).collect();
        let Some(first) = definitions.first() else { return Ok(()) };
        let position = self.position(first.name.span);
        let refuse =
            |message: &str, hint: &str| Err(Error::new(SqlState::SYNTAX_ERROR, message).hint(hint).at(position));
        let [call] = calls else {
            return refuse(
                "ROWS FROM() with multiple functions cannot have a column definition list",
                "Put a separate column definition list for each function inside ROWS FROM().",
            );
        };
        if ordinality {
            return refuse(
                "WITH ORDINALITY cannot be used with a column definition list",
                "Put the column definition list inside ROWS FROM().",
            );
        }
        call.definitions = definitions;
        Ok(())
    }

    /// The columns of a function in FROM: the defined ones, the fields of a composite result, or one named like the
    /// function.
    fn function_columns(&mut self, bound: Expr, name: Arc<str>, call: &Call) -> Result<FunctionItem> {
        let fields = self.row_fields(&bound);
        if let Some(first) = call.definitions.first() {
            let why = match (&fields, bound.ty().oid) {
                (None, oids::RECORD) => None,
                (Some(_), oids::RECORD) => Some("redundant for a function with OUT parameters"),
                (Some(_), _) => Some("redundant for a function returning a named composite type"),
                (None, _) => Some("only allowed for functions returning \"record\""),
            };
            if let Some(why) = why {
                return Err(Error::new(SqlState::SYNTAX_ERROR, format!("a column definition list is {why}"))
                    .at(self.position(first.name.span)));
            }
            let columns = call.definitions.iter().map(|definition| {
                let ty = self.bind_type(&definition.data_type)?;
                Ok(self.new_column(definition.name.value.as_str(), ty))
            });
            let columns = columns.collect::<Result<Vec<Column>>>()?;
            let mut bound = bound;
            if let Expr::Call(call) = &mut bound {
                call.columns =
                    columns.iter().map(|column| Field { name: column.name.clone(), ty: column.ty }).collect();
            }
            return Ok(FunctionItem { call: bound, columns, spread: true, defined: true });
        }
        match fields {
            Some(fields) => {
                let columns: Vec<Column> = fields.into_iter().map(|(name, ty)| self.new_column(name, ty)).collect();
                for column in &columns {
                    let field = self.field_of_users(bound.ty(), &column.name);
                    self.function_fields.extend(field.map(|field| (column.id, field)));
                }
                Ok(FunctionItem { call: bound, columns, spread: true, defined: false })
            }
            None if bound.ty().oid == oids::RECORD => Err(Error::new(
                SqlState::SYNTAX_ERROR,
                "a column definition list is required for functions returning \"record\"",
            )
            .at(self.leftmost(&call.expr))),
            None => {
                let column = self.new_column(self.output_parameter(&bound).unwrap_or(name), bound.ty());
                Ok(FunctionItem { call: bound, columns: vec![column], spread: false, defined: false })
            }
        }
    }
}

impl Definition {
    fn of(column: &ast::TableAliasColumnDef) -> Option<Self> {
        Some(Definition { name: column.name.clone(), data_type: column.data_type.clone()? })
    }
}

/// The calls of a function item. `unnest` of several arrays is one call for each.
fn calls_of(name: &ast::ObjectName, args: &[ast::FunctionArg]) -> Result<Vec<Call>> {
    let plain = |expr| Call { expr, definitions: Vec::new() };
    match idents(name)?.as_slice() {
        [single] if single.value == "ROWS FROM" => {
            Ok(args.iter().filter_map(|arg| node::argument(arg)).flat_map(|(expr, _)| items_of(expr)).collect())
        }
        [.., last] if last.value == "unnest" && is_plain(args) && args.len() > 1 => {
            Ok(unnest_calls(name, args).map(plain).collect())
        }
        _ => Ok(vec![plain(call_of(name, args))]),
    }
}

/// Whether all arguments are values by position.
fn is_plain(args: &[ast::FunctionArg]) -> bool {
    let by_position = |arg| matches!(arg, &ast::FunctionArg::Unnamed(_));
    args.iter().all(|arg| by_position(arg) && matches!(node::argument(arg), Some((_, false))))
}

/// `unnest` of several arrays as calls that run in lockstep.
fn unnest_calls(name: &ast::ObjectName, args: &[ast::FunctionArg]) -> impl Iterator<Item = ast::Expr> {
    args.iter().map(|arg| call_of(name, std::slice::from_ref(arg)))
}

/// The calls of an item of ROWS FROM.
fn items_of(expr: &ast::Expr) -> Vec<Call> {
    if let ast::Expr::Function(function) = expr
        && let ast::FunctionArguments::List(list) = &function.args
        && list.args.len() > 1
        && is_plain(&list.args)
        && matches!(idents(&function.name).as_deref(), Ok([.., last]) if last.value == "unnest")
    {
        let calls = unnest_calls(&function.name, &list.args);
        return calls.map(|expr| Call { expr, definitions: Vec::new() }).collect();
    }
    vec![item_of(expr)]
}

/// An item of ROWS FROM, with its own column definition list.
fn item_of(expr: &ast::Expr) -> Call {
    match expr {
        ast::Expr::Struct { values, fields } if values.len() == 1 => Call {
            expr: values[0].clone(),
            definitions: fields
                .iter()
                .filter_map(|field| {
                    Some(Definition { name: field.field_name.clone()?, data_type: field.field_type.clone() })
                })
                .collect(),
        },
        other => Call { expr: other.clone(), definitions: Vec::new() },
    }
}

/// The call that a function in FROM is; a name in upper case without arguments is a word like `current_date`.
fn call_of(name: &ast::ObjectName, args: &[ast::FunctionArg]) -> ast::Expr {
    let word = match name.0.as_slice() {
        [part] => part.as_ident().filter(|ident| {
            let upper = ident.value.bytes().any(|b| b.is_ascii_uppercase());
            args.is_empty() && ident.quote_style.is_none() && upper
        }),
        _ => None,
    };
    let (name, args) = match word {
        Some(ident) => {
            let lower = ast::Ident { value: ident.value.to_ascii_lowercase(), ..ident.clone() };
            (ast::ObjectName::from(vec![lower]), ast::FunctionArguments::None)
        }
        None => {
            let args = args.to_vec();
            let list = ast::FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() };
            (name.clone(), ast::FunctionArguments::List(list))
        }
    };
    ast::Expr::Function(ast::Function {
        name,
        uses_odbc_syntax: false,
        parameters: ast::FunctionArguments::None,
        args,
        within_group: Vec::new(),
        filter: None,
        null_treatment: None,
        over: None,
    })
}
