//! What operators apply to (`c_expr`): columns, constants, parentheses, `CASE`, arrays, rows, subqueries.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    AccessExpr, Array, CaseWhen, DataType, DollarQuotedString, Expr, Ident, ObjectName, Subscript, TypedString, Value,
    ValueWithSpan,
};
use sqlparser::tokenizer::{Token as AstToken, TokenWithSpan};

use super::Parser;
use super::name::{Named, too_many_dots};
use crate::Strings;
use crate::keyword::Keyword as K;
use crate::literal;
use crate::node;
use crate::token::{Kind, Token};

impl Parser<'_> {
    /// `c_expr`.
    pub(super) fn primary(&mut self) -> Result<Expr> {
        let token = self.peek();
        match token.kind {
            Kind::Integer | Kind::Float => {
                self.advance();
                Ok(match self.take_lifted(token) {
                    Some(index) => self.value(token, node::lifted_placeholder(index)),
                    None => self.value(token, Value::Number(self.text(token).to_owned(), false)),
                })
            }
            Kind::String | Kind::EscapeString | Kind::UnicodeString | Kind::DollarString => {
                self.advance();
                let value = match self.take_lifted(token) {
                    Some(index) => node::lifted_placeholder(index),
                    None => self.string_value(token)?,
                };
                Ok(self.value(token, value))
            }
            Kind::BitString | Kind::HexString => {
                self.advance();
                let bits = literal::bits(self.text(token));
                let value = match token.kind {
                    Kind::BitString => Value::SingleQuotedByteStringLiteral(bits),
                    _ => Value::HexStringLiteral(bits),
                };
                Ok(self.value(token, value))
            }
            Kind::Parameter => {
                self.advance();
                let parameter = self.value(token, Value::Placeholder(self.text(token).to_owned()));
                self.indirection(parameter)
            }
            Kind::LeftParen => self.parenthesis(),
            Kind::QuotedName | Kind::UnicodeName => self.column_or_function(),
            Kind::Word => self.word(token),
            _ => Err(self.unexpected()),
        }
    }

    pub(super) fn value(&self, token: Token, value: Value) -> Expr {
        Expr::Value(ValueWithSpan { value, span: self.span(token) })
    }

    /// The value of a string token that has just been taken; all its spellings mean the same.
    pub(super) fn string_value(&mut self, token: Token) -> Result<Value> {
        let raw = self.text(token);
        Ok(match token.kind {
            Kind::EscapeString => {
                if self.limits.strings == (Strings::Escaped { warn: true }) && raw.starts_with('\'') {
                    self.notices.extend(literal::escape_warning(raw, token.position));
                }
                Value::EscapedStringLiteral(literal::escape(raw, token.position)?)
            }
            Kind::UnicodeString => {
                let escape = self.uescape()?;
                Value::UnicodeStringLiteral(literal::unicode(raw, escape, token.position)?)
            }
            Kind::DollarString => {
                Value::DollarQuotedString(DollarQuotedString { value: literal::dollar(raw).to_owned(), tag: None })
            }
            _ => Value::SingleQuotedString(literal::plain(raw)),
        })
    }

    pub(super) fn is_string(&self) -> bool {
        matches!(self.kind(), Kind::String | Kind::EscapeString | Kind::UnicodeString | Kind::DollarString)
    }

    /// `Sconst`: any spelling of a string.
    pub(super) fn string(&mut self) -> Result<String> {
        if !self.is_string() {
            return Err(self.unexpected());
        }
        let token = self.advance();
        Ok(match self.string_value(token)? {
            Value::DollarQuotedString(text) => text.value,
            Value::EscapedStringLiteral(text) | Value::UnicodeStringLiteral(text) | Value::SingleQuotedString(text) => {
                text
            }
            _ => String::new(),
        })
    }

    /// A primary that starts with an unquoted word.
    fn word(&mut self, token: Token) -> Result<Expr> {
        let next = self.nth(1).kind;
        match token.keyword {
            K::Unkeyed => self.column_or_function(),
            K::Null | K::True | K::False => {
                self.advance();
                let value = match token.keyword {
                    K::Null => Value::Null,
                    keyword => Value::Boolean(keyword == K::True),
                };
                Ok(self.value(token, value))
            }
            K::Case => self.case(),
            K::Cast => self.special_function(token),
            K::Array => self.array(),
            K::Exists if next == Kind::LeftParen => {
                self.advance();
                let subquery = self.nested(Self::select_with_parens)?;
                self.locations.record_query(&subquery, token.position);
                Ok(Expr::Exists { subquery, negated: false })
            }
            K::Row if next == Kind::LeftParen => self.explicit_row(),
            K::Grouping if next == Kind::LeftParen => self.special_function(token),
            K::Nulls if self.starts_nulls_order() => Err(self.unexpected()),
            K::Unique => self.unique_predicate(),
            K::Interval if next == Kind::LeftParen || self.nth(1).kind_is_string() => self.interval_constant(),
            _ if self.starts_special_function() => self.special_function(token),
            _ => match self.typed_constant(token)? {
                Some(constant) => Ok(constant),
                None => self.column_or_function(),
            },
        }
    }

    /// `UNIQUE (select …)`, which PostgreSQL reads and refuses.
    fn unique_predicate(&mut self) -> Result<Expr> {
        let token = self.advance();
        if self.eat_word(K::Nulls) {
            self.eat_word(K::Not);
            self.expect_word(K::Distinct)?;
        }
        self.nested(Self::select_with_parens)?;
        let message = "UNIQUE predicate is not yet implemented";
        Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(Some(token.position)))
    }

    /// `interval '…' fields`, `interval(p) '…'`.
    fn interval_constant(&mut self) -> Result<Expr> {
        let token = self.advance();
        let precision = if self.is(Kind::LeftParen) { Some(self.interval_precision()?) } else { None };
        let literal = self.string_literal()?;
        let modifiers = match precision {
            Some(precision) => precision,
            None => self.interval_fields()?,
        };
        Ok(typed_string(self.interval_type(token, modifiers), literal))
    }

    /// A string as a literal with its span.
    fn string_literal(&mut self) -> Result<ValueWithSpan> {
        if !self.is_string() {
            return Err(self.unexpected());
        }
        let token = self.advance();
        let value = self.string_value(token)?;
        Ok(ValueWithSpan { value, span: self.span(token) })
    }

    /// `timestamp with time zone '…'`, `char(3) 'abc'`: a type of the standard before a string. Those types are column names too.
    fn typed_constant(&mut self, token: Token) -> Result<Option<Expr>> {
        let next = self.nth(1);
        let is_type = match token.keyword {
            K::Int | K::Integer | K::Smallint | K::Bigint | K::Real | K::Boolean => next.kind_is_string(),
            K::Float | K::Decimal | K::Dec | K::Numeric => next.kind_is_string() || next.kind == Kind::LeftParen,
            K::Double => next.keyword == K::Precision,
            K::Bit | K::Character | K::Char | K::Varchar | K::Nchar => {
                next.kind_is_string() || next.kind == Kind::LeftParen || next.keyword == K::Varying
            }
            K::National => matches!(next.keyword, K::Character | K::Char),
            K::Timestamp | K::Time => {
                let zone = next.keyword == K::Without || next.keyword == K::With && self.nth(2).keyword == K::Time;
                next.kind_is_string() || next.kind == Kind::LeftParen || zone
            }
            _ => false,
        };
        if !is_type {
            return Ok(None);
        }
        let Some(data_type) = self.standard_type(true)? else { return Ok(None) };
        Ok(Some(typed_string(data_type, self.string_literal()?)))
    }

    /// A column, a function call, or a constant of a named type.
    fn column_or_function(&mut self) -> Result<Expr> {
        let token = self.peek();
        let next = self.after_name(token);
        let callable = self.is_type_function_name(token);
        if callable && next.kind == Kind::LeftParen {
            let name = ObjectName::from(vec![self.ident()?]);
            return self.function_or_constant(name);
        }
        if callable && next.kind_is_string() {
            let name = ObjectName::from(vec![self.ident()?]);
            return Ok(typed_string(DataType::Custom(name, Vec::new()), self.string_literal()?));
        }
        if !self.is_col_id(token) {
            return Err(if callable { self.after_function_name() } else { self.unexpected() });
        }
        let first = self.ident()?;
        self.column_reference(first)
    }

    /// The token after a name, which may have a `UESCAPE` clause.
    fn after_name(&self, name: Token) -> Token {
        let ahead = if name.kind == Kind::UnicodeName && self.nth(1).keyword == K::Uescape { 3 } else { 1 };
        self.nth(ahead)
    }

    /// The error after a word that can only be a function or type but is followed by neither arguments nor a string.
    fn after_function_name(&mut self) -> Error {
        self.advance();
        self.unexpected()
    }

    /// `a.b.c`, then perhaps arguments, a string or subscripts.
    fn column_reference(&mut self, first: Ident) -> Result<Expr> {
        let mut names = vec![first];
        while self.is(Kind::Dot) {
            if self.nth(1).kind == Kind::Star {
                self.advance();
                let star = self.advance();
                let token = AttachedToken(TokenWithSpan { token: AstToken::Mul, span: self.span(star) });
                if matches!(self.kind(), Kind::Dot | Kind::LeftBracket) {
                    self.indirection(Expr::Wildcard(token))?;
                    return Err(self.near("improper use of \"*\"", self.peek()));
                }
                let names = self.within_database(names, Named::Star)?;
                return Ok(Expr::QualifiedWildcard(ObjectName::from(names), token));
            }
            self.advance();
            names.push(self.col_label()?);
        }
        if names.len() > 1 && self.is(Kind::LeftParen) {
            let names = self.within_database(names, Named::Function)?;
            return self.function_or_constant(ObjectName::from(names));
        }
        if names.len() > 1 && self.is_string() {
            let name = ObjectName::from(self.within_database(names, Named::Object)?);
            return Ok(typed_string(DataType::Custom(name, Vec::new()), self.string_literal()?));
        }
        let column = match <[Ident; 1]>::try_from(names) {
            Ok([name]) => Expr::Identifier(name),
            Err(names) if names.len() > 4 && !self.is(Kind::LeftBracket) => {
                return Err(too_many_dots("improper qualified name (too many dotted names)", &names));
            }
            Err(names) => Expr::CompoundIdentifier(self.within_database(names, Named::Column)?),
        };
        self.indirection(column)
    }

    /// `f(…)`, or `type(modifiers) 'text'`.
    fn function_or_constant(&mut self, name: ObjectName) -> Result<Expr> {
        let function = self.function_call(name)?;
        if !self.is_string() {
            return Ok(function);
        }
        match constant_type(&function) {
            Some(data_type) => Ok(typed_string(data_type, self.string_literal()?)),
            None => Err(self.unexpected()),
        }
    }

    /// `.field`, `.*`, `[subscript]` after an expression, any number of times.
    pub(super) fn indirection(&mut self, root: Expr) -> Result<Expr> {
        let position = self.position();
        let mut access_chain = Vec::new();
        loop {
            if self.is(Kind::LeftBracket) {
                access_chain.push(AccessExpr::Subscript(self.nested(Self::subscript)?));
            } else if self.is(Kind::Dot) {
                self.advance();
                let field = self.peek();
                access_chain.push(AccessExpr::Dot(match field.kind {
                    Kind::Star => {
                        self.advance();
                        let token = TokenWithSpan { token: AstToken::Mul, span: self.span(field) };
                        Expr::Wildcard(AttachedToken(token))
                    }
                    _ => Expr::Identifier(self.col_label()?),
                }));
            } else {
                break;
            }
        }
        if access_chain.is_empty() {
            return Ok(root);
        }
        let root = Box::new(root);
        self.locations.record(&root, position);
        Ok(Expr::CompoundFieldAccess { root, access_chain })
    }

    /// `[index]` or `[lower:upper]`.
    pub(super) fn subscript(&mut self) -> Result<Subscript> {
        self.expect(Kind::LeftBracket)?;
        let lower = if self.is(Kind::Colon) { None } else { Some(self.expr()?) };
        if self.eat(Kind::Colon) {
            let upper_bound = if self.is(Kind::RightBracket) { None } else { Some(self.expr()?) };
            self.expect(Kind::RightBracket)?;
            return Ok(Subscript::Slice { lower_bound: lower, upper_bound, stride: None });
        }
        self.expect(Kind::RightBracket)?;
        lower.map(|index| Subscript::Index { index }).ok_or_else(|| self.unexpected())
    }

    /// `( … )`: a subquery, an expression or a row, then what may follow one.
    fn parenthesis(&mut self) -> Result<Expr> {
        let position = self.position();
        let inner = self.enclosed(Self::parenthesized)?;
        if let Expr::Subquery(query) = &inner {
            self.locations.record_query(query, position);
        }
        match inner {
            Expr::Tuple(row) if self.is_word(K::Overlaps) => self.overlaps(row, position),
            Expr::Tuple(_) => Ok(inner),
            other => self.indirection(other),
        }
    }

    /// The inside of a parenthesis with it: `Subquery`, `Nested` or `Tuple`.
    pub(super) fn parenthesized(&mut self) -> Result<Expr> {
        let opening = self.position();
        if self.starts_select(1) {
            return Ok(Expr::Subquery(self.select_with_parens()?));
        }
        self.expect(Kind::LeftParen)?;
        let first = if self.is(Kind::LeftParen) && self.starts_subquery() {
            // Several parentheses before SELECT: the inner ones may hold a query that goes on here, or an operand.
            match self.enclosed(Self::parenthesized)? {
                Expr::Subquery(query) if self.continues_query() => {
                    let query = self.query_after(query)?;
                    self.expect(Kind::RightParen)?;
                    return Ok(Expr::Subquery(Box::new(query)));
                }
                Expr::Subquery(query) if self.is(Kind::RightParen) => {
                    self.advance();
                    return Ok(Expr::Subquery(query));
                }
                Expr::Tuple(row) => {
                    let position = self.position();
                    match self.is_word(K::Overlaps) {
                        true => self.overlaps(row, position)?,
                        false => Expr::Tuple(row),
                    }
                }
                operand => self.indirection(operand)?,
            }
            .into()
        } else {
            None
        };
        let first = match first {
            Some(operand) => self.expr_after(operand)?,
            None => self.expr()?,
        };
        if !self.is(Kind::Comma) {
            self.expect(Kind::RightParen)?;
            // Parentheses in parentheses are one pair, which the inner ones have counted.
            if let Expr::Nested(_) = first {
                self.below = self.below.saturating_sub(1);
                return Ok(first);
            }
            return Ok(Expr::Nested(Box::new(first)));
        }
        let mut row = vec![first];
        while self.eat(Kind::Comma) {
            row.push(self.expr()?);
        }
        self.expect(Kind::RightParen)?;
        Ok(self.row_of(row, opening))
    }

    fn row_of(&mut self, items: Vec<Expr>, position: u32) -> Expr {
        if let Some(first) = items.first() {
            self.locations.record(first, position);
        }
        Expr::Tuple(items)
    }

    /// Whether the word at `ahead` can only start a query.
    pub(super) fn starts_select(&self, ahead: usize) -> bool {
        match self.nth(ahead).keyword {
            K::Select | K::With | K::Table => true,
            // A column may be called so.
            K::Values => self.nth(ahead + 1).kind == Kind::LeftParen,
            _ => false,
        }
    }

    /// Whether a query's first word comes after one or more parentheses.
    pub(super) fn starts_subquery(&self) -> bool {
        let (start, end) = self.parens.get();
        if self.at < start || self.at >= end {
            // Looked through once per run, not once per parenthesis.
            let mut ahead = 0;
            while self.nth(ahead).kind == Kind::LeftParen {
                ahead += 1;
            }
            self.parens.set((self.at, self.at + ahead));
        }
        let ahead = self.parens.get().1 - self.at;
        ahead > 0 && self.starts_select(ahead)
    }

    /// The error where parentheses should hold a query and do not.
    pub(super) fn unexpected_in_parens(&mut self) -> Error {
        while self.eat(Kind::LeftParen) {}
        self.unexpected()
    }

    /// `ROW(…)`.
    fn explicit_row(&mut self) -> Result<Expr> {
        let position = self.advance().position;
        self.expect(Kind::LeftParen)?;
        let row = if self.is(Kind::RightParen) { Vec::new() } else { self.nested(|p| p.list(Self::expr))? };
        self.expect(Kind::RightParen)?;
        if self.is_word(K::Overlaps) { self.overlaps(row, position) } else { Ok(self.row_of(row, position)) }
    }

    /// `ARRAY[…]` and `ARRAY(select …)`.
    fn array(&mut self) -> Result<Expr> {
        let token = self.advance();
        if self.is(Kind::LeftBracket) {
            return self.nested(|parser| parser.array_elements(Some(token.position)));
        }
        if !self.is(Kind::LeftParen) {
            return Err(self.unexpected());
        }
        let subquery = self.nested(Self::select_with_parens)?;
        Ok(super::function::subquery_function(
            Ident { value: "array".to_owned(), quote_style: None, span: self.span(token) },
            subquery,
        ))
    }

    /// `[…]`, after `ARRAY` at a position or within another one.
    fn array_elements(&mut self, word: Option<u32>) -> Result<Expr> {
        let position = word.unwrap_or(self.position());
        self.expect(Kind::LeftBracket)?;
        let elem = match self.kind() {
            Kind::RightBracket => Vec::new(),
            Kind::LeftBracket => self.list(|parser| parser.nested(|parser| parser.array_elements(None)))?,
            _ => self.list(Self::expr)?,
        };
        self.expect(Kind::RightBracket)?;
        if let Some(first) = elem.first() {
            self.locations.record(first, position);
        }
        Ok(Expr::Array(Array { elem, named: word.is_some() }))
    }

    /// `CASE … END`.
    fn case(&mut self) -> Result<Expr> {
        let case_token = self.attached();
        self.nested(|parser| {
            let operand = if parser.is_word(K::When) { None } else { Some(Box::new(parser.expr()?)) };
            let mut conditions = Vec::new();
            parser.require_word(K::When)?;
            let mut positions = Vec::new();
            while parser.is_word(K::When) {
                positions.push(parser.advance().position);
                let condition = parser.expr()?;
                parser.expect_word(K::Then)?;
                conditions.push(CaseWhen { condition, result: parser.expr()? });
            }
            for (when, position) in conditions.iter().zip(positions) {
                parser.locations.record(&when.condition, position);
            }
            let else_result = if parser.eat_word(K::Else) { Some(Box::new(parser.expr()?)) } else { None };
            parser.require_word(K::End)?;
            let end_token = parser.attached();
            Ok(Expr::Case { case_token, end_token, operand, conditions, else_result })
        })
    }

    fn require_word(&self, keyword: K) -> Result<()> {
        if self.is_word(keyword) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Takes the next token for a place in the tree where only its position matters.
    pub(super) fn attached(&mut self) -> AttachedToken {
        let token = self.advance();
        AttachedToken(TokenWithSpan { token: AstToken::EOF, span: self.span(token) })
    }
}

impl Token {
    /// Any spelling of a string.
    pub(super) fn kind_is_string(self) -> bool {
        matches!(self.kind, Kind::String | Kind::EscapeString | Kind::UnicodeString | Kind::DollarString)
    }
}

fn typed_string(data_type: DataType, value: ValueWithSpan) -> Expr {
    Expr::TypedString(TypedString { data_type, value, uses_odbc_syntax: false })
}

/// A constant or a word, as its text: what a type modifier may be.
pub(super) fn simple_constant(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(name.value.clone()),
        Expr::Value(literal) => match &literal.value {
            Value::Number(text, _) | Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => {
                Some(text.clone())
            }
            _ => None,
        },
        _ => None,
    }
}

/// The type that `name(modifiers)` before a string means, if the arguments can be modifiers.
fn constant_type(function: &Expr) -> Option<DataType> {
    let Expr::Function(function) = function else { return None };
    let sqlparser::ast::FunctionArguments::List(list) = &function.args else { return None };
    let bare = function.over.is_none() && function.filter.is_none() && function.within_group.is_empty();
    if !bare || list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
        return None;
    }
    let modifiers = list.args.iter().map(|arg| crate::node::argument(arg).and_then(|(expr, _)| simple_constant(expr)));
    Some(DataType::Custom(function.name.clone(), modifiers.collect::<Option<Vec<_>>>()?))
}
