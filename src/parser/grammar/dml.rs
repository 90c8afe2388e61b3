//! `INSERT`, `UPDATE`, `DELETE`, `MERGE`.

use dictdb_types::Result;
use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    Assignment, AssignmentTarget, ConflictTarget, Delete, DoUpdate, Expr, FromTable, Insert, Merge, MergeAction,
    MergeClause, MergeClauseKind, MergeInsertExpr, MergeInsertKind, MergeUpdateExpr, MergeUpdateKind, ObjectName,
    ObjectNamePart, OnConflict, OnConflictAction, OnInsert, Parens, Query, SelectItem, SetExpr, Statement, Subscript,
    TableAlias, TableAliasWithoutColumns, TableFactor, TableObject, TableWithJoins, Update, UpdateTableFromKind,
    Values, With,
};

use super::Parser;
use super::name::Named;
use super::select::body_query;
use crate::keyword::Keyword as K;
use crate::node::{self, Overriding};
use crate::token::{Kind, Token};

impl Parser<'_> {
    /// The rest of a statement after its `WITH` clause.
    pub(super) fn query_or_modification(&mut self, with: Option<With>) -> Result<Query> {
        let body = match self.keyword() {
            K::Insert => SetExpr::Insert(Statement::Insert(self.insert()?)),
            K::Update => SetExpr::Update(Statement::Update(self.update()?)),
            K::Delete => SetExpr::Delete(Statement::Delete(self.delete()?)),
            K::Merge => SetExpr::Merge(Statement::Merge(self.merge()?)),
            _ => return self.query_with(with),
        };
        Ok(body_query(with, body))
    }

    /// `INSERT INTO …`.
    pub(super) fn insert(&mut self) -> Result<Insert> {
        let insert_token = self.attached();
        self.expect_word(K::Into)?;
        let table = TableObject::TableName(self.relation_name(Named::Queried)?);
        let table_alias = match self.eat_word(K::As) {
            true => Some(TableAliasWithoutColumns { explicit: true, alias: self.col_id()? }),
            false => None,
        };
        let columns = match self.is(Kind::LeftParen) && self.nth(1).kind != Kind::LeftParen && !self.starts_subquery() {
            true => self.in_parens(Self::assignment_target)?,
            false => Vec::new(),
        };
        let overriding = self.overriding()?;
        let defaults = columns.is_empty() && overriding.is_none() && self.eat_phrase(&[K::Default, K::Values])?;
        let source = match defaults {
            true => None,
            false if self.starts_query() => Some(Box::new(self.query()?)),
            false => return Err(self.unexpected_in_parens()),
        };
        let (on, partitioned) = self.on_conflict()?;
        let returning = self.returning()?;
        Ok(Insert {
            insert_token,
            optimizer_hints: Vec::new(),
            or: None,
            ignore: false,
            into: true,
            table,
            table_alias,
            columns,
            overwrite: false,
            source,
            assignments: Vec::new(),
            partitioned,
            after_columns: node::overriding_columns(overriding),
            has_table_keyword: false,
            on,
            returning,
            output: None,
            replace_into: false,
            priority: None,
            insert_alias: None,
            settings: None,
            format_clause: None,
            multi_table_insert_type: None,
            multi_table_into_clauses: Vec::new(),
            multi_table_when_clauses: Vec::new(),
            multi_table_else_clause: None,
        })
    }

    fn overriding(&mut self) -> Result<Option<Overriding>> {
        if !self.eat_word(K::Overriding) {
            return Ok(None);
        }
        let kind = match self.advance_if_any(&[K::User, K::System])? {
            K::User => Overriding::User,
            _ => Overriding::System,
        };
        self.expect_word(K::Value)?;
        Ok(Some(kind))
    }

    /// `ON CONFLICT …`: the clause, and what of its target has no place in it.
    fn on_conflict(&mut self) -> Result<(Option<OnInsert>, Option<Vec<Expr>>)> {
        if !self.eat_word(K::On) {
            return Ok((None, None));
        }
        self.expect_word(K::Conflict)?;
        let mut items = None;
        let conflict_target = if self.is(Kind::LeftParen) {
            let opening = self.peek();
            let (elements, predicate) = self.unlifted(|parser| {
                let elements = parser.in_parens(|parser| parser.conflict_element(opening))?;
                let predicate = if parser.eat_word(K::Where) { Some(parser.expr()?) } else { None };
                Ok((elements, predicate))
            })?;
            let (columns, extra) = node::conflict_items(elements, predicate);
            items = extra;
            Some(ConflictTarget::Columns(columns))
        } else if self.eat_phrase(&[K::On, K::Constraint])? {
            Some(ConflictTarget::OnConstraint(ObjectName::from(vec![self.col_id()?])))
        } else {
            None
        };
        self.expect_word(K::Do)?;
        let action = match self.advance_if_any(&[K::Nothing, K::Update])? {
            K::Nothing => OnConflictAction::DoNothing,
            _ => {
                self.expect_word(K::Set)?;
                let assignments = self.assignments()?;
                let selection = if self.eat_word(K::Where) { Some(self.expr()?) } else { None };
                OnConflictAction::DoUpdate(DoUpdate { assignments, selection })
            }
        };
        Ok((Some(OnInsert::OnConflict(OnConflict { conflict_target, action })), items))
    }

    /// `index_elem` of a conflict target: expression, collation, operator class. A missing column is an error at the parenthesis.
    fn conflict_element(&mut self, opening: Token) -> Result<(Expr, Option<ObjectName>, Option<ObjectName>)> {
        let mut expr = self.index_expr()?;
        if let Expr::Identifier(column) = &mut expr {
            column.span = self.span(opening);
        }
        let collation = if self.eat_word(K::Collate) { Some(self.any_name()?) } else { None };
        let opclass = if self.is_col_id(self.peek()) { Some(self.any_name()?) } else { None };
        Ok((expr, collation, opclass))
    }

    /// What an index element is about: a column, a function call, or an expression in parentheses.
    pub(super) fn index_expr(&mut self) -> Result<Expr> {
        if self.is(Kind::LeftParen) {
            self.advance();
            let expr = self.nested(Self::expr)?;
            self.expect(Kind::RightParen)?;
            return Ok(Expr::Nested(Box::new(expr)));
        }
        let dotted = self.nth(1).kind == Kind::Dot;
        let called = self.nth(1).kind == Kind::LeftParen && self.is_type_function_name(self.peek());
        if self.starts_special_function() || dotted || called {
            return self.windowless_function();
        }
        Ok(Expr::Identifier(self.col_id()?))
    }

    /// `RETURNING …` if it comes next.
    fn returning(&mut self) -> Result<Option<Vec<SelectItem>>> {
        if !self.eat_word(K::Returning) {
            return Ok(None);
        }
        self.target_list().map(Some)
    }

    /// `set_clause_list`.
    fn assignments(&mut self) -> Result<Vec<Assignment>> {
        self.list(|parser| {
            let target = match parser.is(Kind::LeftParen) {
                true => AssignmentTarget::Tuple(parser.in_parens(Self::assignment_target)?),
                false => AssignmentTarget::ColumnName(parser.assignment_target()?),
            };
            parser.expect(Kind::Equal)?;
            Ok(Assignment { target, value: parser.expr()? })
        })
    }

    /// `set_target`: a column, perhaps with fields and subscripts.
    fn assignment_target(&mut self) -> Result<ObjectName> {
        let mut path = vec![ObjectNamePart::Identifier(self.col_id()?)];
        loop {
            if self.is(Kind::LeftBracket) {
                path.push(match self.nested(Self::subscript)? {
                    Subscript::Index { index } => node::subscript_part(vec![Some(index)]),
                    Subscript::Slice { lower_bound, upper_bound, .. } => {
                        node::subscript_part(vec![lower_bound, upper_bound])
                    }
                });
            } else if self.eat(Kind::Dot) {
                path.push(ObjectNamePart::Identifier(self.col_label()?));
            } else {
                return Ok(ObjectName(path));
            }
        }
    }

    /// `relation_expr_opt_alias`: `SET` without `AS` is never an alias.
    fn modified_table(&mut self) -> Result<TableWithJoins> {
        let mut relation = self.relation(Named::Queried)?;
        let explicit = self.eat_word(K::As);
        if explicit || (self.is_col_id(self.peek()) && !self.is_word(K::Set)) {
            let name = self.col_id()?;
            if let TableFactor::Table { alias, .. } = &mut relation {
                *alias = Some(TableAlias { explicit, name, columns: Vec::new(), at: None });
            }
        }
        Ok(TableWithJoins { relation, joins: Vec::new() })
    }

    /// `where_or_current_clause`.
    fn where_or_current(&mut self) -> Result<Option<Expr>> {
        if !self.eat_word(K::Where) {
            return Ok(None);
        }
        if self.are_words(&[K::Current, K::Of]) {
            self.at += 2;
            return Ok(Some(node::where_current_of(self.col_id()?)));
        }
        self.expr().map(Some)
    }

    /// `UPDATE …`.
    pub(super) fn update(&mut self) -> Result<Update> {
        let update_token = self.attached();
        let table = self.modified_table()?;
        self.expect_word(K::Set)?;
        let assignments = self.assignments()?;
        let from = match self.eat_word(K::From) {
            true => Some(UpdateTableFromKind::AfterSet(self.list(Self::table_with_joins)?)),
            false => None,
        };
        Ok(Update {
            update_token,
            optimizer_hints: Vec::new(),
            table,
            assignments,
            from,
            selection: self.where_or_current()?,
            returning: self.returning()?,
            output: None,
            or: None,
            order_by: Vec::new(),
            limit: None,
        })
    }

    /// `DELETE FROM …`.
    pub(super) fn delete(&mut self) -> Result<Delete> {
        let delete_token = self.attached();
        self.expect_word(K::From)?;
        let table = self.modified_table()?;
        let using = if self.eat_word(K::Using) { Some(self.list(Self::table_with_joins)?) } else { None };
        Ok(Delete {
            delete_token,
            optimizer_hints: Vec::new(),
            tables: Vec::new(),
            from: FromTable::WithFromKeyword(vec![table]),
            using,
            selection: self.where_or_current()?,
            returning: self.returning()?,
            output: None,
            order_by: Vec::new(),
            limit: None,
        })
    }

    /// `MERGE INTO …`.
    pub(super) fn merge(&mut self) -> Result<Merge> {
        let merge_token = self.attached();
        self.expect_word(K::Into)?;
        let table = self.modified_table()?.relation;
        self.expect_word(K::Using)?;
        let source = self.merge_source()?;
        self.expect_word(K::On)?;
        let on = Box::new(self.expr()?);
        let mut clauses = vec![self.merge_clause()?];
        while self.is_word(K::When) {
            clauses.push(self.merge_clause()?);
        }
        Ok(Merge { merge_token, optimizer_hints: Vec::new(), into: true, table, source, on, clauses, output: None })
    }

    /// The source of a merge: one `table_ref`, joins included.
    fn merge_source(&mut self) -> Result<TableFactor> {
        let joined = self.table_with_joins()?;
        Ok(match joined.joins.is_empty() {
            true => joined.relation,
            false => TableFactor::NestedJoin { table_with_joins: Box::new(joined), alias: None },
        })
    }

    fn merge_clause(&mut self) -> Result<MergeClause> {
        let when_token = match self.is_word(K::When) {
            true => self.attached(),
            false => return Err(self.unexpected()),
        };
        let clause_kind = match self.eat_word(K::Not) {
            true => MergeClauseKind::NotMatched,
            false => MergeClauseKind::Matched,
        };
        self.expect_word(K::Matched)?;
        let predicate = if self.eat_word(K::And) { Some(self.expr()?) } else { None };
        self.expect_word(K::Then)?;
        let action = self.merge_action(clause_kind == MergeClauseKind::Matched)?;
        Ok(MergeClause { when_token, clause_kind, predicate, action })
    }

    fn merge_action(&mut self, matched: bool) -> Result<MergeAction> {
        match self.keyword() {
            K::Do => {
                let do_token = self.attached();
                match self.is_word(K::Nothing) {
                    true => Ok(MergeAction::DoNothing { do_token, nothing_token: self.attached() }),
                    false => Err(self.unexpected()),
                }
            }
            K::Delete if matched => Ok(MergeAction::Delete { delete_token: self.attached() }),
            K::Update if matched => {
                let update_token = self.attached();
                self.expect_word(K::Set)?;
                let kind = MergeUpdateKind::Set(self.assignments()?);
                let update = MergeUpdateExpr { update_token, kind, update_predicate: None, delete_predicate: None };
                Ok(MergeAction::Update(update))
            }
            K::Insert if !matched => Ok(MergeAction::Insert(self.merge_insert()?)),
            _ => Err(self.unexpected()),
        }
    }

    /// `INSERT (columns) OVERRIDING … VALUES (…)`; `DEFAULT VALUES` arrives as no row at all.
    fn merge_insert(&mut self) -> Result<MergeInsertExpr> {
        let insert_token = self.attached();
        let mut columns = Vec::new();
        if self.is(Kind::LeftParen) {
            columns = self.in_parens(Self::assignment_target)?;
        }
        let overriding = self.overriding()?;
        let defaults = columns.is_empty() && overriding.is_none() && self.eat_phrase(&[K::Default, K::Values])?;
        columns.extend(node::overriding_columns(overriding).into_iter().map(|marker| ObjectName::from(vec![marker])));
        let mut rows = Vec::new();
        if !defaults {
            self.expect_word(K::Values)?;
            let content = self.in_parens(Self::expr)?;
            let (opening_token, closing_token) = (AttachedToken::empty(), AttachedToken::empty());
            rows.push(Parens { opening_token, content, closing_token });
        }
        Ok(MergeInsertExpr {
            insert_token,
            columns,
            kind_token: AttachedToken::empty(),
            kind: MergeInsertKind::Values(Values { explicit_row: false, value_keyword: false, rows }),
            insert_predicate: None,
        })
    }
}
