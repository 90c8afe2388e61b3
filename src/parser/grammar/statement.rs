//! Query strings and statements: which rule a first word leads to.

use dictdb_types::Result;
use sqlparser::ast::{DataType, Expr, Query, Select, SetExpr, Statement as AstStatement};

use super::Parser;
use crate::keyword::Keyword as K;
use crate::lift::LiftedLiteral;
use crate::statement::{ParsedStatement, Statement, Tree};
use crate::token::Kind;
use crate::utility::{CreateTableAs, Persistence, SourceQuery, TableSource, Utility};

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
                strings: self.limits.strings,
            });
        }
    }

    /// A text that is one statement whose constants have been lifted.
    pub(crate) fn lifted_statement(mut self, literals: &[LiftedLiteral]) -> Option<ParsedStatement> {
        self.lifted = literals.iter().map(|literal| literal.range.start).collect();
        let mut statements = self.statements().ok()?;
        let all_taken = self.next_lifted == self.lifted.len();
        match (statements.pop(), statements.is_empty()) {
            (Some(statement), true) if all_taken && !self.refused => Some(statement),
            _ => None,
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
            true => self.sql_statement().map(|sql| match select_into(sql) {
                Ok(create) => {
                    self.refused = true;
                    Statement::Utility(Tree::new(create, self.below + 1))
                }
                Err(sql) => Statement::Sql(Tree::new(sql, self.below + 1)),
            }),
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
            let before = parser.mentions();
            let with = parser.optional_with()?;
            let body = parser.mentions();
            let query = parser.query_or_modification(with)?;
            parser.hide_mentions(before, body, query.with.as_ref());
            Ok(query)
        })
    }

    /// `PREPARE` and the like: everything that is no query.
    fn utility(&mut self) -> Result<Utility> {
        Ok(match self.keyword() {
            K::Begin | K::Start => self.begin()?,
            K::Commit | K::End => self.commit()?,
            K::Rollback | K::Abort => self.rollback()?,
            K::Savepoint => self.savepoint()?,
            K::Release => self.release()?,
            K::Set => self.set_statement()?,
            K::Reset if self.resets_database() => self.reset_database()?,
            K::Reset => self.reset_statement()?,
            K::Show => self.show()?,
            K::Discard => self.discard()?,
            K::Prepare => self.prepare()?,
            K::Execute => Utility::Execute(self.execute()?),
            K::Deallocate => self.deallocate()?,
            K::Declare => self.declare_cursor()?,
            K::Fetch | K::Move => self.fetch()?,
            K::Close => self.close_portal()?,
            K::Listen => self.listen()?,
            K::Unlisten => self.unlisten()?,
            K::Notify => self.notify()?,
            K::Lock => self.lock_table()?,
            K::Copy => self.copy()?,
            K::Explain => self.explain()?,
            K::Call => self.call_procedure()?,
            K::Do => self.do_block()?,
            K::Vacuum => self.vacuum()?,
            K::Analyze | K::Analyse => self.analyze()?,
            K::Reindex => self.reindex()?,
            K::Cluster => self.cluster()?,
            K::Checkpoint => {
                self.advance();
                Utility::Checkpoint
            }
            K::Load => self.load()?,
            K::Create => self.create()?,
            K::Alter => self.alter()?,
            K::Drop => self.drop_statement()?,
            K::Truncate => self.truncate()?,
            K::Comment => self.comment()?,
            K::Refresh => self.refresh()?,
            K::Grant => self.grant()?,
            K::Revoke => self.revoke()?,
            K::Reassign => self.reassign_owned()?,
            K::Security => self.security_label()?,
            K::Import if self.nth(1).keyword == K::Foreign => self.import_foreign_schema()?,
            K::Import => self.import()?,
            _ => match self.backup_statement()? {
                Some(utility) => utility,
                None => return Err(self.unexpected()),
            },
        })
    }
}

/// `SELECT … INTO table` as the CREATE TABLE AS that it is; any other statement comes back as it was.
#[allow(clippy::result_large_err, reason = "the statement goes on to the tree either way")]
fn select_into(statement: AstStatement) -> Result<Utility, AstStatement> {
    let AstStatement::Query(mut query) = statement else { return Err(statement) };
    let Some(into) = leftmost_select(&mut query.body).and_then(|select| select.into.take()) else {
        return Err(AstStatement::Query(query));
    };
    let name = into.targets.into_iter().next().map_or_else(Vec::new, |target| match target {
        Expr::Identifier(name) => vec![name],
        Expr::CompoundIdentifier(names) => names,
        _ => Vec::new(),
    });
    let persistence = match (into.temporary, into.unlogged) {
        (true, _) => Persistence::Temporary,
        (_, true) => Persistence::Unlogged,
        _ => Persistence::Permanent,
    };
    Ok(Utility::CreateTableAs(Box::new(CreateTableAs {
        materialized: false,
        persistence,
        if_not_exists: false,
        name: name.into(),
        columns: Vec::new(),
        access_method: None,
        options: Vec::new(),
        on_commit: None,
        tablespace: None,
        source: TableSource::Query(SourceQuery { query, text: String::new() }),
        with_data: true,
    })))
}

pub(super) fn leftmost_select(body: &mut SetExpr) -> Option<&mut Select> {
    match body {
        SetExpr::Select(select) => Some(select),
        SetExpr::SetOperation { left, .. } => leftmost_select(left),
        _ => None,
    }
}
