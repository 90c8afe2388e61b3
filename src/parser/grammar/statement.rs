//! Query strings and statements: which rule a first word leads to.

use dictdb_types::Result;
use sqlparser::ast::{DataType, Expr, Query, Statement as AstStatement};

use super::Parser;
use crate::keyword::Keyword as K;
use crate::statement::{ParsedStatement, Statement, Tree};
use crate::token::Kind;
use crate::utility::Utility;

impl Parser<'_> {
    /// A whole query string.
    pub(crate) fn statements(&mut self) -> Result<Vec<ParsedStatement>> {
        let mut statements = Vec::new();
        loop {
            while self.eat(Kind::Semicolon) {}
            if self.is(Kind::End) {
                return Ok(statements);
            }
            let start = self.start();
            let statement = self.statement()?;
            if !matches!(self.kind(), Kind::Semicolon | Kind::End) {
                return Err(self.unexpected());
            }
            statements.push(ParsedStatement {
                statement,
                text: self.range_since(start),
                locations: std::mem::take(&mut self.locations),
                notices: std::mem::take(&mut self.notices),
            });
        }
    }

    /// A text that is one expression.
    pub(crate) fn whole_expression(&mut self) -> Result<Tree<Expr>> {
        let expr = self.expr()?;
        match self.is(Kind::End) {
            true => Ok(Tree::new(expr, self.below + 1)),
            false => Err(self.unexpected()),
        }
    }

    /// A text that is one type name.
    pub(crate) fn whole_type_name(&mut self) -> Result<DataType> {
        let data_type = self.type_name()?;
        if self.is(Kind::End) { Ok(data_type) } else { Err(self.unexpected()) }
    }

    /// One statement.
    pub(super) fn statement(&mut self) -> Result<Statement> {
        let outer = std::mem::take(&mut self.below);
        let statement = match self.starts_sql() {
            true => self.sql_statement().map(|sql| Statement::Sql(Tree::new(sql, self.below + 1))),
            false => self.utility().map(|utility| Statement::Utility(Tree::new(utility, self.below + 1))),
        };
        self.below = outer.max(self.below + 1);
        statement
    }

    /// Whether a query or a data-modifying statement comes next.
    pub(super) fn starts_sql(&self) -> bool {
        self.starts_query() || self.is_any(&[K::Insert, K::Update, K::Delete, K::Merge])
    }

    fn sql_statement(&mut self) -> Result<AstStatement> {
        Ok(match self.keyword() {
            K::Insert => AstStatement::Insert(self.insert()?),
            K::Update => AstStatement::Update(self.update()?),
            K::Delete => AstStatement::Delete(self.delete()?),
            K::Merge => AstStatement::Merge(self.merge()?),
            _ => AstStatement::Query(Box::new(self.preparable_query()?)),
        })
    }

    /// `PreparableStmt` as a query: data-modifying statements become its body.
    pub(super) fn preparable_query(&mut self) -> Result<Query> {
        if !self.is_any(&[K::Insert, K::Update, K::Delete, K::Merge, K::With]) {
            return self.query();
        }
        self.nested(|parser| {
            let with = parser.optional_with()?;
            parser.query_or_modification(with)
        })
    }

    fn utility(&mut self) -> Result<Utility> {
        Err(self.unexpected())
    }
}
