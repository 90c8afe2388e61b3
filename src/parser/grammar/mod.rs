//! PostgreSQL's grammar by recursive descent over tokens.
//!
//! Every rule decides by the next token or two, as PostgreSQL's LALR(1) parser does, and never goes back: so the token a
//! rule stumbles over is the one PostgreSQL names in `syntax error at or near`. Rules bear the names of `gram.y` in PostgreSQL's
//! manual where there are any. The files follow the statements:
//!
//! ```text
//!   statement    which rule a statement starts
//!   select, from, dml                         queries and data-modifying statements
//!   expr, primary, function, type_name, name  what they are made of
//!   transaction, setting, cursor, copy, maintenance, backup, option      commands of a session
//!   create, create_table, constraint, index, object, routine, trigger      what CREATE makes
//!   alter, alter_table, objects, role, grant                               what changes it
//! ```

mod alter;
mod alter_table;
mod backup;
mod constraint;
mod copy;
mod create;
mod create_table;
mod cursor;
mod definition;
mod dml;
mod event_trigger;
mod expr;
mod foreign;
mod from;
mod function;
mod grant;
mod index;
mod maintenance;
mod name;
mod object;
mod objects;
mod opclass;
mod option;
mod policy;
mod primary;
mod role;
mod routine;
mod rule;
mod select;
mod setting;
mod snapshot;
mod statement;
mod subscription;
mod tablespace;
mod transaction;
mod trigger;
mod type_name;
mod with;
mod xml;

pub use name::truncation;

use std::cell::Cell;
use std::ops::Range;

use dictdb_types::{Error, Result, SqlState};

use crate::Limits;
use crate::keyword::Keyword;
use crate::lexer;
use crate::limits::too_deep;
use crate::position::{self, Locations};
use crate::token::{Kind, Token};

/// What a keyword after an operand may be besides an operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Context {
    /// Nothing.
    #[default]
    Plain,
    /// The name of an output column, if nothing follows that it could apply to.
    Label,
    /// The `SIMILAR` of `SUBSTRING(a SIMILAR b ESCAPE c)`.
    Substring,
}

/// A reader of one query string.
pub(crate) struct Parser<'a> {
    sql: &'a str,
    tokens: Vec<Token>,
    /// The next token.
    at: usize,
    broken: Option<Error>,
    limits: Limits<'a>,
    /// How deep the recursion is now.
    nesting: u32,
    /// Levels of the tree built since the innermost rule that counts them began.
    below: u32,
    expressions: u32,
    /// Where the constants start that were lifted, and which of them comes next.
    lifted: Vec<usize>,
    next_lifted: usize,
    /// A lifted constant stood where it may not be lifted.
    refused: bool,
    /// The run of opening parentheses looked through last: first and one past its end.
    parens: Cell<(usize, usize)>,
    /// Tables named so far inside items of `WITH RECURSIVE`, and how many such lists the parser is in.
    mentioned: Vec<Box<str>>,
    recursive_lists: u32,
    pub(crate) locations: Locations,
    pub(crate) notices: Vec<Error>,
}

impl<'a> Parser<'a> {
    /// Cuts the text into tokens and stands before the first.
    pub(crate) fn new(sql: &'a str, limits: &Limits<'a>) -> Result<Self> {
        let lexed = lexer::tokenize(sql, limits)?;
        Ok(Parser {
            sql,
            tokens: lexed.tokens,
            at: 0,
            broken: lexed.error,
            limits: *limits,
            nesting: 0,
            below: 0,
            expressions: 0,
            lifted: Vec::new(),
            next_lifted: 0,
            refused: false,
            parens: Cell::new((0, 0)),
            mentioned: Vec::new(),
            recursive_lists: 0,
            locations: Locations::default(),
            notices: Vec::new(),
        })
    }

    // ---- tokens -------------------------------------------------------------------------------------------------

    /// The next token, or one further on; past the end it stays at the end.
    fn nth(&self, ahead: usize) -> Token {
        let last = self.tokens.len().saturating_sub(1);
        self.tokens.get((self.at + ahead).min(last)).copied().unwrap_or(END)
    }

    fn peek(&self) -> Token {
        self.tokens.get(self.at).copied().unwrap_or(END)
    }

    fn kind(&self) -> Kind {
        self.peek().kind
    }

    fn keyword(&self) -> Keyword {
        self.peek().keyword
    }

    fn advance(&mut self) -> Token {
        let token = self.peek();
        if !matches!(token.kind, Kind::End | Kind::Broken) {
            self.at += 1;
        }
        token
    }

    /// The raw text of a token.
    fn text(&self, token: Token) -> &'a str {
        self.sql.get(token.start as usize..token.end as usize).unwrap_or("")
    }

    /// 1-based character position of the next token.
    fn position(&self) -> u32 {
        self.peek().position
    }

    /// Byte offset of the next token.
    fn start(&self) -> usize {
        self.peek().start as usize
    }

    /// Byte offset after the last token taken.
    fn end(&self) -> usize {
        self.at.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(0, |token| token.end as usize)
    }

    /// The text from a byte offset to the last token taken.
    fn text_since(&self, start: usize) -> &'a str {
        self.sql.get(start..self.end()).unwrap_or("")
    }

    fn range_since(&self, start: usize) -> Range<usize> {
        start..self.end().max(start)
    }

    fn span(&self, token: Token) -> sqlparser::tokenizer::Span {
        position::span(token.position, token.position + (token.end - token.start))
    }

    // ---- choices ------------------------------------------------------------------------------------------------

    fn is(&self, kind: Kind) -> bool {
        self.kind() == kind
    }

    fn is_word(&self, keyword: Keyword) -> bool {
        self.keyword() == keyword
    }

    fn is_any(&self, keywords: &[Keyword]) -> bool {
        let next = self.keyword();
        next != Keyword::Unkeyed && keywords.contains(&next)
    }

    /// Whether these keywords come next, in this order.
    fn are_words(&self, keywords: &[Keyword]) -> bool {
        keywords.iter().enumerate().all(|(ahead, keyword)| self.nth(ahead).keyword == *keyword)
    }

    fn eat(&mut self, kind: Kind) -> bool {
        let found = self.is(kind);
        if found {
            self.at += 1;
        }
        found
    }

    fn eat_word(&mut self, keyword: Keyword) -> bool {
        let found = self.is_word(keyword);
        if found {
            self.at += 1;
        }
        found
    }

    /// Takes these keywords if they all come next.
    fn eat_words(&mut self, keywords: &[Keyword]) -> bool {
        let found = self.are_words(keywords);
        if found {
            self.at += keywords.len();
        }
        found
    }

    /// Takes these keywords if the first of them comes next: then the others must follow.
    fn eat_phrase(&mut self, keywords: &[Keyword]) -> Result<bool> {
        let found = keywords.first().is_some_and(|first| self.is_word(*first));
        if found {
            self.expect_words(keywords)?;
        }
        Ok(found)
    }

    fn expect(&mut self, kind: Kind) -> Result<Token> {
        if self.is(kind) { Ok(self.advance()) } else { Err(self.unexpected()) }
    }

    fn expect_word(&mut self, keyword: Keyword) -> Result<Token> {
        if self.is_word(keyword) { Ok(self.advance()) } else { Err(self.unexpected()) }
    }

    fn expect_words(&mut self, keywords: &[Keyword]) -> Result<()> {
        keywords.iter().try_for_each(|keyword| self.expect_word(*keyword).map(|_| ()))
    }

    /// Looks the keyword up in a table and takes it if it is there.
    fn eat_one_of<T: Copy>(&mut self, table: &[(Keyword, T)]) -> Option<T> {
        let next = self.keyword();
        let (_, value) = table.iter().find(|(keyword, _)| *keyword == next && next != Keyword::Unkeyed)?;
        self.at += 1;
        Some(*value)
    }

    /// One or more, separated by commas.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.eat(Kind::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// A list in parentheses.
    fn in_parens<T>(&mut self, item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        self.expect(Kind::LeftParen)?;
        let items = self.list(item)?;
        self.expect(Kind::RightParen)?;
        Ok(items)
    }

    // ---- lifted constants ---------------------------------------------------------------------------------------

    /// The number of the lifted constant this token is, if it is one.
    fn take_lifted(&mut self, token: Token) -> Option<usize> {
        let next = *self.lifted.get(self.next_lifted)?;
        if next != token.start as usize {
            return None;
        }
        self.next_lifted += 1;
        Some(self.next_lifted - 1)
    }

    /// Reads something in which constants are part of the statement's meaning.
    fn unlifted<T>(&mut self, rule: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let before = self.next_lifted;
        let result = rule(self);
        self.refused |= self.next_lifted != before;
        result
    }

    // ---- errors and limits --------------------------------------------------------------------------------------

    /// The error PostgreSQL gives when the next token fits no rule.
    fn unexpected(&self) -> Error {
        self.unexpected_at(self.peek())
    }

    fn unexpected_at(&self, token: Token) -> Error {
        match (token.kind, &self.broken) {
            (Kind::Broken, Some(error)) => error.clone(),
            _ => self.near("syntax error", token),
        }
    }

    /// 42601 with a message that ends in the token's text, as PostgreSQL's `yyerror` makes it.
    fn near(&self, message: &str, token: Token) -> Error {
        let message = match token.kind {
            Kind::End => format!("{message} at end of input"),
            _ => format!("{message} at or near \"{}\"", self.text(token)),
        };
        Error::new(SqlState::SYNTAX_ERROR, message).at(Some(token.position))
    }

    /// Runs a rule one level deeper, with stack to spare, and counts the tree's levels.
    fn nested<T>(&mut self, rule: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.enclosed(|parser| rule(parser).and_then(|done| parser.grow().map(|()| done)))
    }

    /// Likewise for a rule whose result is no deeper than the expressions in it, which have counted themselves: parentheses,
    /// arguments of a call.
    fn enclosed<T>(&mut self, rule: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.nesting >= self.limits.depth {
            return Err(too_deep());
        }
        self.nesting += 1;
        let outer = std::mem::take(&mut self.below);
        let result = crate::with_stack(|| rule(self));
        self.nesting -= 1;
        self.below = outer.max(self.below);
        result
    }

    /// Counts a node that was put over the tree built so far, as chains of operators do. 54001 beyond the limit.
    fn grow(&mut self) -> Result<()> {
        self.below += 1;
        if self.below > self.limits.levels { Err(too_deep()) } else { Ok(()) }
    }

    fn count_expression(&mut self) -> Result<()> {
        self.expressions += 1;
        if self.expressions > self.limits.expressions {
            return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "statement is too complex")
                .detail(format!("It has more than {} expressions.", self.limits.expressions)));
        }
        Ok(())
    }
}

/// What stands after the last token.
const END: Token = Token { kind: Kind::End, keyword: Keyword::Unkeyed, start: 0, end: 0, position: 1 };
