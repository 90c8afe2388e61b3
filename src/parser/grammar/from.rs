//! `FROM`: tables, subqueries, functions, joins.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Join, JoinConstraint, JoinOperator, ObjectName,
    StructField, TableAlias, TableAliasColumnDef, TableFactor, TableSampleKind, TableSampleMethod, TableSampleQuantity,
    TableWithJoins,
};

use super::Parser;
use super::name::Named;
use crate::keyword::{Category, Keyword as K};
use crate::node;
use crate::token::Kind;

/// What a parenthesis in `FROM` holds.
enum Parenthesis {
    Query(Box<sqlparser::ast::Query>),
    Joined(Box<TableWithJoins>),
}

/// Makes a join of a kind from its condition.
type JoinType = fn(JoinConstraint) -> JoinOperator;

impl Parser<'_> {
    /// `table_ref` with the joins after it.
    pub(super) fn table_with_joins(&mut self) -> Result<TableWithJoins> {
        self.nested(|parser| {
            let relation = parser.table_factor()?;
            parser.joins_after(relation)
        })
    }

    fn joins_after(&mut self, relation: TableFactor) -> Result<TableWithJoins> {
        let mut joins = Vec::new();
        while let Some(join) = self.join()? {
            joins.push(join);
            self.grow()?;
        }
        Ok(TableWithJoins { relation, joins })
    }

    /// One join, if one comes next. A join's right side may itself be joined before its condition comes:
    /// `a JOIN b JOIN c ON … ON …`.
    fn join(&mut self) -> Result<Option<Join>> {
        if self.is_word(K::Cross) {
            self.advance();
            self.expect_word(K::Join)?;
            let relation = self.table_factor()?;
            let join_operator = JoinOperator::CrossJoin(JoinConstraint::None);
            return Ok(Some(Join { relation, global: false, join_operator }));
        }
        let natural = self.eat_word(K::Natural);
        let Some(operator) = self.join_type()? else {
            return if natural { Err(self.unexpected()) } else { Ok(None) };
        };
        if natural {
            let relation = self.table_factor()?;
            return Ok(Some(Join { relation, global: false, join_operator: operator(JoinConstraint::Natural) }));
        }
        let relation = self.joined_operand()?;
        let constraint = self.join_condition()?;
        Ok(Some(Join { relation, global: false, join_operator: operator(constraint) }))
    }

    /// The right side of a join with a condition: joins that end before that condition belong to it.
    fn joined_operand(&mut self) -> Result<TableFactor> {
        let relation = self.table_factor()?;
        if self.is_any(&[K::On, K::Using]) {
            return Ok(relation);
        }
        let table_with_joins = Box::new(self.nested(|parser| {
            let mut joins = Vec::new();
            while !parser.is_any(&[K::On, K::Using]) {
                match parser.join()? {
                    Some(join) => joins.push(join),
                    None => return Err(parser.unexpected()),
                }
            }
            Ok(TableWithJoins { relation, joins })
        })?);
        Ok(TableFactor::NestedJoin { table_with_joins, alias: None })
    }

    fn join_type(&mut self) -> Result<Option<JoinType>> {
        let operator: JoinType = match self.keyword() {
            K::Join => {
                self.advance();
                return Ok(Some(JoinOperator::Inner));
            }
            K::Inner => {
                self.advance();
                self.expect_word(K::Join)?;
                return Ok(Some(JoinOperator::Inner));
            }
            K::Left => JoinOperator::LeftOuter,
            K::Right => JoinOperator::RightOuter,
            K::Full => JoinOperator::FullOuter,
            _ => return Ok(None),
        };
        self.advance();
        self.eat_word(K::Outer);
        self.expect_word(K::Join)?;
        Ok(Some(operator))
    }

    fn join_condition(&mut self) -> Result<JoinConstraint> {
        if self.eat_word(K::On) {
            return Ok(JoinConstraint::On(self.expr()?));
        }
        self.expect_word(K::Using)?;
        let columns = self.column_list()?;
        let alias = if self.eat_word(K::As) { Some(self.col_id()?) } else { None };
        Ok(node::using(columns, alias))
    }

    /// `table_ref` without joins after it.
    pub(super) fn table_factor(&mut self) -> Result<TableFactor> {
        let lateral = self.eat_word(K::Lateral);
        if self.is(Kind::LeftParen) {
            return self.parenthesized_factor(lateral);
        }
        if self.are_words(&[K::Rows, K::From]) {
            return self.rows_from(lateral);
        }
        if self.is_word(K::Xmltable) && self.nth(1).kind == Kind::LeftParen {
            return self.xml_table();
        }
        let token = self.peek();
        let only_function = self.is_type_function_name(token) && !self.is_col_id(token);
        if lateral || only_function || self.starts_special_function() || self.is_function_call() {
            return self.function_factor(lateral);
        }
        let TableFactor::Table { name, with_hints, .. } = self.relation(Named::Queried)? else {
            return Err(self.unexpected());
        };
        let alias = self.optional_alias()?;
        let sample = self.table_sample()?;
        Ok(table(name, with_hints, alias, sample))
    }

    /// `relation_expr`: a table with `ONLY` or `*`.
    pub(super) fn relation(&mut self, named: Named) -> Result<TableFactor> {
        let only = self.eat_word(K::Only);
        let parenthesized = only && self.eat(Kind::LeftParen);
        let name = self.relation_name(named)?;
        if parenthesized {
            self.expect(Kind::RightParen)?;
        } else if !only {
            self.eat(Kind::Star);
        }
        self.mention(&name);
        Ok(table(name, node::only_hint(only), None, None))
    }

    /// Whether a possibly qualified name is followed by arguments.
    fn is_function_call(&self) -> bool {
        let mut ahead = 0;
        while self.nth(ahead + 1).kind == Kind::Dot && self.is_col_label(self.nth(ahead + 2)) {
            ahead += 2;
        }
        let first = self.peek();
        let named = if ahead == 0 { self.is_type_function_name(first) } else { self.is_col_id(first) };
        named && self.nth(ahead + 1).kind == Kind::LeftParen
    }

    /// `( … )`: a subquery or joined tables.
    fn parenthesized_factor(&mut self, lateral: bool) -> Result<TableFactor> {
        let position = self.position();
        match self.nested(Self::parenthesis_contents)? {
            Parenthesis::Query(subquery) => self.derived(lateral, subquery, position),
            Parenthesis::Joined(_) if lateral => Err(self.unexpected()),
            Parenthesis::Joined(joined) => {
                let alias = self.optional_alias()?;
                Ok(TableFactor::NestedJoin { table_with_joins: joined, alias })
            }
        }
    }

    fn derived(&mut self, lateral: bool, subquery: Box<sqlparser::ast::Query>, position: u32) -> Result<TableFactor> {
        let values = matches!(subquery.body.as_ref(), sqlparser::ast::SetExpr::Values(_));
        let alias = self.optional_alias()?;
        if alias.is_none() {
            if !self.may_follow_table() {
                return Err(self.unexpected());
            }
            let (what, example) = if values { ("VALUES", "(VALUES ...)") } else { ("subquery", "(SELECT ...)") };
            return Err(Error::new(SqlState::SYNTAX_ERROR, format!("{what} in FROM must have an alias"))
                .hint(format!("For example, FROM {example} [AS] foo."))
                .at(Some(position)));
        }
        Ok(TableFactor::Derived { lateral, subquery, alias, sample: None })
    }

    /// Whether the next token fits after an item of `FROM`: otherwise it is the error, not the missing alias.
    fn may_follow_table(&self) -> bool {
        let token = self.peek();
        match token.kind {
            Kind::End | Kind::Semicolon | Kind::Comma | Kind::RightParen => true,
            Kind::Word => token.keyword.category() == Some(Category::Reserved) || self.is_type_function_name(token),
            _ => false,
        }
    }

    fn parenthesis_contents(&mut self) -> Result<Parenthesis> {
        if self.starts_select(1) {
            return Ok(Parenthesis::Query(self.select_with_parens()?));
        }
        self.expect(Kind::LeftParen)?;
        if self.is(Kind::LeftParen) && self.starts_subquery() {
            let position = self.position();
            match self.nested(Self::parenthesis_contents)? {
                Parenthesis::Query(query) if self.continues_query() => {
                    let query = self.query_after(query)?;
                    self.expect(Kind::RightParen)?;
                    return Ok(Parenthesis::Query(Box::new(query)));
                }
                Parenthesis::Query(query) if self.is(Kind::RightParen) => {
                    self.advance();
                    return Ok(Parenthesis::Query(query));
                }
                Parenthesis::Query(query) => {
                    let factor = self.derived(false, query, position)?;
                    return self.joined_in_parens(factor);
                }
                Parenthesis::Joined(joined) => {
                    let alias = self.optional_alias()?;
                    let factor = TableFactor::NestedJoin { table_with_joins: joined, alias };
                    return self.joined_in_parens(factor);
                }
            }
        }
        let factor = self.table_factor()?;
        self.joined_in_parens(factor)
    }

    /// The rest of `(a JOIN b …)`: there must be a join, unless `a` is such a parenthesis itself.
    fn joined_in_parens(&mut self, first: TableFactor) -> Result<Parenthesis> {
        let nested = matches!(&first, TableFactor::NestedJoin { alias: None, .. });
        let joined = self.joins_after(first)?;
        if joined.joins.is_empty() && !nested {
            return Err(self.unexpected());
        }
        self.expect(Kind::RightParen)?;
        Ok(Parenthesis::Joined(Box::new(joined)))
    }

    /// `f(…) WITH ORDINALITY AS t (columns)`.
    fn function_factor(&mut self, lateral: bool) -> Result<TableFactor> {
        let call = self.windowless_function()?;
        let with_ordinality = self.ordinality()?;
        let alias = self.function_alias()?;
        match call {
            Expr::Function(function) if !function.uses_odbc_syntax => {
                match (function.args, function.filter, function.over) {
                    (FunctionArguments::List(list), None, None)
                        if list.clauses.is_empty() && list.duplicate_treatment.is_none() =>
                    {
                        Ok(TableFactor::Function {
                            lateral,
                            name: function.name,
                            args: list.args,
                            with_ordinality,
                            alias,
                        })
                    }
                    (FunctionArguments::None, ..) => {
                        let name = without_parentheses(function.name);
                        Ok(TableFactor::Function { lateral, name, args: Vec::new(), with_ordinality, alias })
                    }
                    _ => Err(Error::unsupported("an aggregate's clauses in FROM")),
                }
            }
            expr => {
                let item = FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
                Ok(TableFactor::Function { lateral, name: rows_from_name(), args: vec![item], with_ordinality, alias })
            }
        }
    }

    /// `func_expr_windowless`.
    pub(super) fn windowless_function(&mut self) -> Result<Expr> {
        let token = self.peek();
        if self.starts_special_function() {
            return self.special_function(token);
        }
        let name = self.function_name()?;
        self.function_application(name).map(Expr::Function)
    }

    fn ordinality(&mut self) -> Result<bool> {
        Ok(self.eat_words(&[K::With, K::Ordinality]))
    }

    /// `ROWS FROM (f(…) [AS (columns)], …)`.
    fn rows_from(&mut self, lateral: bool) -> Result<TableFactor> {
        self.at += 2;
        let args = self.nested(|parser| {
            parser.in_parens(|parser| {
                let call = parser.windowless_function()?;
                let item = match parser.eat_word(K::As) {
                    true => {
                        let fields = parser.in_parens(Self::table_function_column)?.into_iter().map(struct_field);
                        Expr::Struct { values: vec![call], fields: fields.collect() }
                    }
                    false => call,
                };
                Ok(FunctionArg::Unnamed(FunctionArgExpr::Expr(item)))
            })
        })?;
        let with_ordinality = self.ordinality()?;
        let alias = self.function_alias()?;
        Ok(TableFactor::Function { lateral, name: rows_from_name(), args, with_ordinality, alias })
    }

    /// `alias_clause` if one comes next.
    pub(super) fn optional_alias(&mut self) -> Result<Option<TableAlias>> {
        let explicit = self.eat_word(K::As);
        if !explicit && !self.is_col_id(self.peek()) {
            return Ok(None);
        }
        let name = self.col_id()?;
        let columns = self.optional_column_list()?;
        let columns = columns.into_iter().map(|name| TableAliasColumnDef { name, data_type: None }).collect();
        Ok(Some(TableAlias { explicit, name, columns, at: None }))
    }

    /// `func_alias_clause`: columns may have types, and with `AS` the name may be missing.
    fn function_alias(&mut self) -> Result<Option<TableAlias>> {
        let explicit = self.eat_word(K::As);
        if explicit && self.is(Kind::LeftParen) {
            let columns = self.in_parens(Self::table_function_column)?;
            return Ok(Some(TableAlias { explicit, name: Ident::new(""), columns, at: None }));
        }
        if !explicit && !self.is_col_id(self.peek()) {
            return Ok(None);
        }
        let name = self.col_id()?;
        if !self.is(Kind::LeftParen) {
            return Ok(Some(TableAlias { explicit, name, columns: Vec::new(), at: None }));
        }
        let typed = !matches!(self.nth(2).kind, Kind::Comma | Kind::RightParen);
        let columns = match typed {
            true => self.in_parens(Self::table_function_column)?,
            false => self.in_parens(|parser| Ok(TableAliasColumnDef { name: parser.col_id()?, data_type: None }))?,
        };
        Ok(Some(TableAlias { explicit, name, columns, at: None }))
    }

    /// `TableFuncElement`.
    fn table_function_column(&mut self) -> Result<TableAliasColumnDef> {
        let name = self.col_id()?;
        let data_type = Some(self.type_name()?);
        if self.is_word(K::Collate) {
            return Err(Error::unsupported("COLLATE in a column definition list").at(Some(self.position())));
        }
        Ok(TableAliasColumnDef { name, data_type })
    }

    /// `TABLESAMPLE method (percentage) REPEATABLE (seed)`.
    fn table_sample(&mut self) -> Result<Option<TableSampleKind>> {
        if !self.eat_word(K::Tablesample) {
            return Ok(None);
        }
        self.unlifted(Self::sample_clause).map(Some)
    }

    fn sample_clause(&mut self) -> Result<TableSampleKind> {
        let position = self.position();
        let name = self.function_name()?;
        let method = match name.to_string().as_str() {
            "bernoulli" | "pg_catalog.bernoulli" => TableSampleMethod::Bernoulli,
            "system" | "pg_catalog.system" => TableSampleMethod::System,
            other => {
                let message = format!("tablesample method {other} does not exist");
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, message).at(Some(position)));
            }
        };
        let mut args = self.in_parens(Self::expr)?;
        let quantity = match (args.pop(), args.is_empty()) {
            (Some(value), true) => TableSampleQuantity { parenthesized: true, value, unit: None },
            (_, _) => {
                let message = format!("tablesample method {name} requires 1 argument, not {}", args.len() + 1);
                return Err(Error::new(SqlState::INVALID_TABLESAMPLE_ARGUMENT, message).at(Some(position)));
            }
        };
        let seed = if self.eat_word(K::Repeatable) { Some(self.sample_seed()?) } else { None };
        Ok(TableSampleKind::AfterTableAlias(Box::new(node::sample(method, quantity, seed))))
    }

    fn sample_seed(&mut self) -> Result<Expr> {
        self.expect(Kind::LeftParen)?;
        let seed = self.expr()?;
        self.expect(Kind::RightParen)?;
        Ok(seed)
    }
}

fn table(
    name: ObjectName,
    with_hints: Vec<Expr>,
    alias: Option<TableAlias>,
    sample: Option<TableSampleKind>,
) -> TableFactor {
    TableFactor::Table {
        name,
        alias,
        args: None,
        with_hints,
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample,
        index_hints: Vec::new(),
    }
}

/// The name that marks `ROWS FROM`.
fn rows_from_name() -> ObjectName {
    ObjectName::from(vec![Ident::new("ROWS FROM")])
}

/// `current_date` in `FROM`: its name in upper case tells it from a function of the user's.
fn without_parentheses(name: ObjectName) -> ObjectName {
    let upper = name
        .0
        .iter()
        .filter_map(|part| part.as_ident())
        .map(|ident| Ident { value: ident.value.to_uppercase(), ..ident.clone() });
    ObjectName::from(upper.collect::<Vec<_>>())
}

fn struct_field(column: TableAliasColumnDef) -> StructField {
    let field_type = column.data_type.unwrap_or(sqlparser::ast::DataType::Unspecified);
    StructField { field_name: Some(column.name), field_type, options: None }
}
