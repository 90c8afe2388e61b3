//! Prepared statements, cursors, notifications, table locks, code blocks.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::{Ident, Spanned};

use super::Parser;
use super::name::Named;
use super::statement::leftmost_select;
use crate::keyword::Keyword as K;
use crate::position::of_span;
use crate::statement::{Statement, Tree};
use crate::token::Kind;
use crate::utility::{
    DeclareCursor, Do, Execute, Fetch, FetchDirection, LockMode, LockTable, Notify, Prepare, TableRef, Utility,
};

impl Parser<'_> {
    /// `PREPARE name (types) AS statement`.
    pub(super) fn prepare(&mut self) -> Result<Utility> {
        self.advance();
        if self.is_word(K::Transaction) && self.nth(1).kind_is_string() {
            return self.prepare_transaction();
        }
        let name = self.col_id()?;
        let types = if self.is(Kind::LeftParen) { self.in_parens(Self::type_name)? } else { Vec::new() };
        self.expect_word(K::As)?;
        let start = self.start();
        let statement = Box::new(self.preparable_statement()?);
        Ok(Utility::Prepare(Prepare { name, types, statement, text: self.range_since(start) }))
    }

    /// `PreparableStmt`.
    pub(super) fn preparable_statement(&mut self) -> Result<Statement> {
        if self.starts_sql() { self.statement() } else { Err(self.unexpected()) }
    }

    /// `EXECUTE name (values)`.
    pub(super) fn execute(&mut self) -> Result<Execute> {
        self.expect_word(K::Execute)?;
        let name = self.col_id()?;
        let params = if self.is(Kind::LeftParen) { self.in_parens(Self::expr)? } else { Vec::new() };
        Ok(Execute { name, params })
    }

    /// `DEALLOCATE [PREPARE] name | ALL`.
    pub(super) fn deallocate(&mut self) -> Result<Utility> {
        self.advance();
        if self.is_word(K::Prepare) && (self.is_col_id(self.nth(1)) || self.nth(1).keyword == K::All) {
            self.advance();
        }
        Ok(Utility::Deallocate(self.name_or_all()?))
    }

    fn name_or_all(&mut self) -> Result<Option<Ident>> {
        if self.eat_word(K::All) { Ok(None) } else { self.col_id().map(Some) }
    }

    /// `DECLARE name … CURSOR … FOR query`.
    pub(super) fn declare_cursor(&mut self) -> Result<Utility> {
        self.advance();
        let name = self.col_id()?;
        let (mut binary, mut scroll, mut insensitive) = (false, None, None);
        loop {
            match self.keyword() {
                K::No => {
                    self.advance();
                    if !self.is_word(K::Scroll) {
                        return Err(self.unexpected());
                    }
                    scroll = Some(scroll.unwrap_or(false));
                }
                K::Scroll => scroll = Some(true),
                K::Binary => binary = true,
                K::Asensitive => insensitive = Some(false),
                K::Insensitive => insensitive = Some(true),
                _ => break,
            }
            self.advance();
        }
        self.expect_word(K::Cursor)?;
        let hold = self.is_word(K::With);
        if hold || self.is_word(K::Without) {
            self.advance();
            self.expect_word(K::Hold)?;
        }
        self.expect_word(K::For)?;
        let start = self.start();
        let mut query = Box::new(self.query()?);
        if let Some(into) = leftmost_select(&mut query.body).and_then(|select| select.into.as_ref()) {
            let position = into.targets.first().and_then(|target| of_span(target.span()));
            return Err(Error::new(SqlState::SYNTAX_ERROR, "SELECT ... INTO is not allowed here").at(position));
        }
        let text = self.range_since(start);
        Ok(Utility::DeclareCursor(DeclareCursor { name, binary, scroll, insensitive, hold, query, text }))
    }

    /// `FETCH …` and `MOVE …`.
    pub(super) fn fetch(&mut self) -> Result<Utility> {
        let is_move = self.advance().keyword == K::Move;
        let direction = self.fetch_direction()?;
        if self.is_any(&[K::From, K::In]) {
            self.advance();
        }
        Ok(Utility::Fetch(Fetch { is_move, direction, cursor: self.col_id()? }))
    }

    /// The direction; a cursor may be called like one.
    fn fetch_direction(&mut self) -> Result<FetchDirection> {
        let next = self.nth(1);
        let number = matches!(next.kind, Kind::Integer | Kind::Plus | Kind::Minus);
        let goes_on = matches!(next.keyword, K::From | K::In) || self.is_col_id(next);
        match self.keyword() {
            K::Next if goes_on => self.fixed_direction(FetchDirection::Forward(1)),
            K::Prior if goes_on => self.fixed_direction(FetchDirection::Backward(1)),
            K::First if goes_on => self.fixed_direction(FetchDirection::Absolute(1)),
            K::Last if goes_on => self.fixed_direction(FetchDirection::Absolute(-1)),
            K::All => self.fixed_direction(FetchDirection::Forward(i64::MAX)),
            K::Absolute if number => {
                self.advance();
                Ok(FetchDirection::Absolute(self.signed_integer()?))
            }
            K::Relative if number => {
                self.advance();
                Ok(FetchDirection::Relative(self.signed_integer()?))
            }
            K::Forward if goes_on || number || next.keyword == K::All => {
                self.advance();
                Ok(FetchDirection::Forward(self.direction_count()?))
            }
            K::Backward if goes_on || number || next.keyword == K::All => {
                self.advance();
                Ok(FetchDirection::Backward(self.direction_count()?))
            }
            _ if matches!(self.kind(), Kind::Integer | Kind::Plus | Kind::Minus) => {
                Ok(FetchDirection::Forward(self.signed_integer()?))
            }
            _ => Ok(FetchDirection::Forward(1)),
        }
    }

    fn fixed_direction(&mut self, direction: FetchDirection) -> Result<FetchDirection> {
        self.advance();
        Ok(direction)
    }

    fn direction_count(&mut self) -> Result<i64> {
        match self.kind() {
            Kind::Integer | Kind::Plus | Kind::Minus => self.signed_integer(),
            _ if self.eat_word(K::All) => Ok(i64::MAX),
            _ => Ok(1),
        }
    }

    /// `CLOSE name | ALL`.
    pub(super) fn close_portal(&mut self) -> Result<Utility> {
        self.advance();
        Ok(Utility::ClosePortal(self.name_or_all()?))
    }

    /// `LISTEN channel`.
    pub(super) fn listen(&mut self) -> Result<Utility> {
        self.advance();
        Ok(Utility::Listen(self.col_id()?))
    }

    /// `UNLISTEN channel | *`.
    pub(super) fn unlisten(&mut self) -> Result<Utility> {
        self.advance();
        Ok(Utility::Unlisten(if self.eat(Kind::Star) { None } else { Some(self.col_id()?) }))
    }

    /// `NOTIFY channel, 'payload'`.
    pub(super) fn notify(&mut self) -> Result<Utility> {
        self.advance();
        let channel = self.col_id()?;
        let payload = if self.eat(Kind::Comma) { Some(self.string()?) } else { None };
        Ok(Utility::Notify(Notify { channel, payload }))
    }

    /// `LOCK [TABLE] tables IN mode MODE NOWAIT`.
    pub(super) fn lock_table(&mut self) -> Result<Utility> {
        self.advance();
        self.eat_word(K::Table);
        let tables = self.list(Self::table_ref)?;
        let mode = match self.eat_word(K::In) {
            true => {
                let mode = self.lock_mode()?;
                self.expect_word(K::Mode)?;
                mode
            }
            false => LockMode::AccessExclusive,
        };
        Ok(Utility::Lock(LockTable { tables, mode, nowait: self.eat_word(K::Nowait) }))
    }

    fn lock_mode(&mut self) -> Result<LockMode> {
        Ok(match self.advance_if_any(&[K::Access, K::Row, K::Share, K::Exclusive])? {
            K::Access => match self.advance_if_any(&[K::Share, K::Exclusive])? {
                K::Share => LockMode::AccessShare,
                _ => LockMode::AccessExclusive,
            },
            K::Row => match self.advance_if_any(&[K::Share, K::Exclusive])? {
                K::Share => LockMode::RowShare,
                _ => LockMode::RowExclusive,
            },
            K::Share => match self.keyword() {
                K::Update => {
                    self.advance();
                    self.expect_word(K::Exclusive)?;
                    LockMode::ShareUpdateExclusive
                }
                K::Row => {
                    self.advance();
                    self.expect_word(K::Exclusive)?;
                    LockMode::ShareRowExclusive
                }
                _ => LockMode::Share,
            },
            _ => LockMode::Exclusive,
        })
    }

    /// `relation_expr` as commands name tables.
    pub(super) fn table_ref(&mut self) -> Result<TableRef> {
        match self.relation(Named::Relation)? {
            sqlparser::ast::TableFactor::Table { name, with_hints, .. } => {
                Ok(TableRef { name, only: crate::node::is_only(&with_hints) })
            }
            _ => Err(self.unexpected()),
        }
    }

    /// `DO [LANGUAGE name] 'block'`.
    pub(super) fn do_block(&mut self) -> Result<Utility> {
        self.advance();
        let (mut language, mut body) = (None, None);
        loop {
            let token = self.peek();
            let redundant =
                || Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options").at(Some(token.position));
            if self.is_string() {
                if body.replace(self.string()?).is_some() {
                    return Err(redundant());
                }
            } else if self.eat_word(K::Language) {
                let name = Ident::new(self.word_or_string()?);
                if language.replace(name).is_some() {
                    return Err(redundant());
                }
            } else {
                break;
            }
        }
        match (body, language) {
            (Some(body), language) => Ok(Utility::Do(Do { language, body })),
            (None, None) => Err(self.unexpected()),
            (None, Some(_)) => Err(Error::new(SqlState::SYNTAX_ERROR, "no inline code specified")),
        }
    }

    /// `CALL procedure(…)`.
    pub(super) fn call_procedure(&mut self) -> Result<Utility> {
        self.advance();
        let name = self.function_name()?;
        Ok(Utility::Call(Box::new(self.function_application(name)?)))
    }

    /// A query as a statement of its own, as `COPY (…)` and `EXPLAIN` hold it.
    pub(super) fn boxed_statement(&mut self) -> Result<Box<Statement>> {
        self.preparable_statement().map(Box::new)
    }

    /// A utility as a statement of its own.
    pub(super) fn utility_tree(&self, utility: Utility) -> Statement {
        Statement::Utility(Tree::new(utility, self.below + 1))
    }
}
