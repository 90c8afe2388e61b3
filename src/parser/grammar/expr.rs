//! Expressions with operators (`a_expr`, `b_expr`), by precedence.
//!
//! The levels are PostgreSQL 15's. Chains of one level are built in a loop, so their length costs no stack; `AND` and
//! `OR` chains become balanced trees, because nothing depends on how they associate.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::{BinaryOperator, Expr, Ident, UnaryOperator, Value};

use super::function::{catalog_function, standard_call};
use super::name::Named;
use super::{Context, Parser};
use crate::keyword::Keyword as K;
use crate::limits::too_deep;
use crate::node;
use crate::token::{Kind, Token};

/// Precedence levels, weakest first.
const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const IS: u8 = 4;
const COMPARISON: u8 = 5;
/// `BETWEEN`, `IN`, `LIKE`, `ILIKE`, `SIMILAR`.
const MATCH: u8 = 6;
/// Operators without a level of their own.
const OPERATOR: u8 = 8;
const SUM: u8 = 9;
const PRODUCT: u8 = 10;
const POWER: u8 = 11;
const AT: u8 = 12;
const COLLATE: u8 = 13;
const SIGN: u8 = 14;
const CAST: u8 = 16;

/// Where an expression stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// `a_expr`: any.
    Full,
    /// `b_expr`: no `AND`, `OR`, `NOT`, `IN`, `LIKE`, `BETWEEN`, `COLLATE`, `AT TIME ZONE`, and of `IS` only `DISTINCT FROM`.
    Restricted,
}

/// What the next token does to the expression before it.
#[derive(Clone, Copy)]
enum Infix {
    And,
    Or,
    Is,
    IsNull,
    NotNull,
    Between,
    In,
    Like,
    Similar,
    Operator,
    AtTimeZone,
    Collate,
    Cast,
}

impl Parser<'_> {
    /// `a_expr`.
    pub(super) fn expr(&mut self) -> Result<Expr> {
        self.expr_in(Context::Plain)
    }

    /// `a_expr` where a keyword after it may be more than an operator.
    pub(super) fn expr_in(&mut self, context: Context) -> Result<Expr> {
        if let Some(literal) = self.lone_literal()? {
            return Ok(literal);
        }
        self.nested(|parser| {
            let first = parser.prefix(Rule::Full)?;
            parser.operators(first, OR, Rule::Full, context)
        })
    }

    /// `b_expr`.
    pub(super) fn restricted_expr(&mut self) -> Result<Expr> {
        self.level(OR, Rule::Restricted)
    }

    /// An `a_expr` whose first operand has been read already.
    pub(super) fn expr_after(&mut self, first: Expr) -> Result<Expr> {
        self.nested(|parser| parser.operators(first, OR, Rule::Full, Context::Plain))
    }

    /// An expression of operators that bind at least as tightly as `least`.
    fn level(&mut self, least: u8, rule: Rule) -> Result<Expr> {
        if let Some(literal) = self.lone_literal()? {
            return Ok(literal);
        }
        self.nested(|parser| {
            let first = parser.prefix(rule)?;
            parser.operators(first, least, rule, Context::Plain)
        })
    }

    /// A literal that is a whole expression, as in long lists of values: no recursion for it.
    fn lone_literal(&mut self) -> Result<Option<Expr>> {
        let ends = matches!(self.nth(1).kind, Kind::Comma | Kind::RightParen);
        if !ends || !matches!(self.kind(), Kind::Integer | Kind::Float | Kind::String) {
            return Ok(None);
        }
        self.count_expression()?;
        self.below = self.below.max(1);
        self.primary().map(Some)
    }

    /// A prefix operator with its operand, or a primary.
    fn prefix(&mut self, rule: Rule) -> Result<Expr> {
        self.count_expression()?;
        let token = self.peek();
        match token.kind {
            Kind::Plus | Kind::Minus => {
                self.advance();
                let operand = self.level(SIGN, rule)?;
                Ok(self.signed(token, operand))
            }
            Kind::Operator => {
                self.advance();
                let operand = self.level(OPERATOR + 1, rule)?;
                let operation = node::prefix_operation(Vec::new(), self.text(token), self.span(token), operand);
                Ok(operation)
            }
            Kind::Word if token.keyword == K::Operator && self.nth(1).kind == Kind::LeftParen => {
                let (schema, name, _) = self.any_operator()?;
                let operand = self.level(OPERATOR + 1, rule)?;
                Ok(node::prefix_operation(schema, &name, self.span(token), operand))
            }
            Kind::Word if token.keyword == K::Not && rule == Rule::Full => {
                self.advance();
                let operand = self.level(NOT, rule)?;
                Ok(self.unary(UnaryOperator::Not, token, operand))
            }
            Kind::Word if token.keyword == K::Default && rule == Rule::Full => {
                self.advance();
                Ok(Expr::Identifier(Ident { value: "DEFAULT".to_owned(), quote_style: None, span: self.span(token) }))
            }
            _ => self.primary(),
        }
    }

    /// `+x` and `-x`; the sign becomes part of a numeric literal, so that the smallest integers can be written.
    fn signed(&mut self, sign: Token, operand: Expr) -> Expr {
        match (sign.kind, operand) {
            (Kind::Minus, Expr::Value(mut literal)) => match &mut literal.value {
                Value::Number(text, _) => {
                    match text.strip_prefix('-') {
                        Some(positive) => *text = positive.to_owned(),
                        None => text.insert(0, '-'),
                    }
                    literal.span.start = self.span(sign).start;
                    Expr::Value(literal)
                }
                _ => self.unary(UnaryOperator::Minus, sign, Expr::Value(literal)),
            },
            (Kind::Minus, operand) => self.unary(UnaryOperator::Minus, sign, operand),
            (_, operand) => self.unary(UnaryOperator::Plus, sign, operand),
        }
    }

    fn unary(&mut self, op: UnaryOperator, token: Token, operand: Expr) -> Expr {
        let expr = Box::new(operand);
        self.locations.record(&expr, token.position);
        Expr::UnaryOp { op, expr }
    }

    fn boxed(&mut self, operand: Expr, position: u32) -> Box<Expr> {
        let operand = Box::new(operand);
        self.locations.record(&operand, position);
        operand
    }

    /// Operators that follow `left` and bind at least as tightly as `least`.
    fn operators(&mut self, mut left: Expr, least: u8, rule: Rule, context: Context) -> Result<Expr> {
        // The level of the last operation if it does not associate and ended in an operand: the same level may not follow.
        let mut closed = 0;
        while let Some((infix, level)) = self.infix(rule, context) {
            if level < least {
                break;
            }
            if level == closed {
                return Err(self.unexpected());
            }
            (left, closed) = self.operation(left, infix, level, rule, context)?;
            // A chain has counted what it made.
            if !matches!(infix, Infix::And | Infix::Or) {
                self.grow()?;
            }
        }
        Ok(left)
    }

    /// What the next token does after an operand, and at which level.
    fn infix(&self, rule: Rule, context: Context) -> Option<(Infix, u8)> {
        let token = self.peek();
        match token.kind {
            Kind::TypeCast => Some((Infix::Cast, CAST)),
            Kind::Operator => Some((Infix::Operator, OPERATOR)),
            Kind::Plus | Kind::Minus => Some((Infix::Operator, SUM)),
            Kind::Star | Kind::Slash | Kind::Percent => Some((Infix::Operator, PRODUCT)),
            Kind::Caret => Some((Infix::Operator, POWER)),
            Kind::Less | Kind::Greater | Kind::Equal | Kind::LessEqual | Kind::GreaterEqual | Kind::NotEqual => {
                Some((Infix::Operator, COMPARISON))
            }
            Kind::Word if token.keyword != K::Unkeyed => {
                let infix = self.word_infix(token.keyword, rule)?;
                self.is_operator_here(token.keyword, context).then_some(infix)
            }
            _ => None,
        }
    }

    fn word_infix(&self, keyword: K, rule: Rule) -> Option<(Infix, u8)> {
        let next = self.nth(1);
        match (keyword, rule) {
            (K::Operator, _) => Some((Infix::Operator, OPERATOR)),
            (K::Is, _) => Some((Infix::Is, IS)),
            (_, Rule::Restricted) => None,
            (K::And, _) => Some((Infix::And, AND)),
            (K::Or, _) => Some((Infix::Or, OR)),
            (K::Isnull, _) => Some((Infix::IsNull, IS)),
            (K::Notnull, _) => Some((Infix::NotNull, IS)),
            (K::Not, _) => self.match_infix(next.keyword),
            (K::At, _) => Some((Infix::AtTimeZone, AT)),
            (K::Collate, _) => Some((Infix::Collate, COLLATE)),
            (keyword, _) => self.match_infix(keyword),
        }
    }

    fn match_infix(&self, keyword: K) -> Option<(Infix, u8)> {
        let infix = match keyword {
            K::Between => Infix::Between,
            K::In => Infix::In,
            K::Like | K::Ilike => Infix::Like,
            K::Similar => Infix::Similar,
            _ => return None,
        };
        Some((infix, MATCH))
    }

    /// Where an expression is pending behind another operator, the word can only be one too; so this matters only for
    /// the outermost chain.
    fn is_operator_here(&self, keyword: K, context: Context) -> bool {
        let next = self.nth(1);
        match context {
            Context::Plain => true,
            Context::Label if keyword == K::Operator => next.kind == Kind::LeftParen,
            Context::Label if keyword == K::At => next.keyword == K::Time,
            Context::Label => self.operand_may_follow(keyword),
            Context::Substring => keyword != K::Similar || next.keyword == K::To,
        }
    }

    /// In `select a in from t` the word is the column's name: what follows cannot be its operand.
    fn operand_may_follow(&self, keyword: K) -> bool {
        let next = self.nth(1);
        match next.kind {
            Kind::End | Kind::Semicolon | Kind::Comma | Kind::RightParen => !keyword.is_bare_label(),
            Kind::Word => !(next.keyword.begins_clause() && keyword.is_bare_label()),
            _ => true,
        }
    }

    /// Applies one operator to `left`. The second result is the level if it does not associate, otherwise zero.
    fn operation(&mut self, left: Expr, infix: Infix, level: u8, rule: Rule, context: Context) -> Result<(Expr, u8)> {
        let position = self.position();
        match infix {
            Infix::And => Ok((self.chain(left, K::And, AND, context)?, 0)),
            Infix::Or => Ok((self.chain(left, K::Or, OR, context)?, 0)),
            Infix::Is => self.is_test(left, rule),
            Infix::IsNull | Infix::NotNull => {
                self.advance();
                let left = self.boxed(left, position);
                Ok((if matches!(infix, Infix::IsNull) { Expr::IsNull(left) } else { Expr::IsNotNull(left) }, 0))
            }
            Infix::Operator => self.operator(left, level, rule),
            Infix::Between | Infix::In | Infix::Like | Infix::Similar => self.matching(left, infix, position),
            Infix::AtTimeZone => {
                self.expect_words(&[K::At, K::Time, K::Zone])?;
                let zone = self.level(AT + 1, rule)?;
                Ok((standard_call(catalog_function("timezone", position), vec![zone, left]), 0))
            }
            Infix::Collate => {
                self.advance();
                let collation = self.any_name()?;
                Ok((Expr::Collate { expr: self.boxed(left, position), collation }, 0))
            }
            Infix::Cast => {
                self.advance();
                let data_type = self.type_name()?;
                let expr = self.boxed(left, position);
                Ok((Expr::Cast { kind: sqlparser::ast::CastKind::DoubleColon, expr, data_type, format: None }, 0))
            }
        }
    }

    /// `a AND b AND c …` as a balanced tree.
    fn chain(&mut self, left: Expr, word: K, level: u8, context: Context) -> Result<Expr> {
        let op = if word == K::And { BinaryOperator::And } else { BinaryOperator::Or };
        let left = match left {
            Expr::Nested(inner)
                if self.limits.flattens && matches!(&*inner, Expr::BinaryOp { op: same, .. } if *same == op) =>
            {
                self.below = self.below.saturating_sub(1);
                *inner
            }
            other => other,
        };
        let first_depth = self.below;
        let mut operands = vec![left];
        let mut positions = Vec::new();
        while self.is_word(word) && self.is_operator_here(word, context) {
            positions.push(self.advance().position);
            operands.push(self.level(level + 1, Rule::Full)?);
        }
        self.below = self.below.max(first_depth) + operands.len().ilog2();
        if self.below > self.limits.levels {
            return Err(too_deep());
        }
        Ok(self.balanced(operands, &positions, &op))
    }

    /// Joins operands with operators between them, each at its position, halving the list.
    fn balanced(&mut self, mut operands: Vec<Expr>, positions: &[u32], op: &BinaryOperator) -> Expr {
        if operands.len() < 2 {
            return operands.pop().unwrap_or(Expr::Value(Value::Null.into()));
        }
        let middle = operands.len() / 2;
        let right = operands.split_off(middle);
        let left = self.balanced(operands, &positions[..middle - 1], op);
        let right = self.balanced(right, &positions[middle..], op);
        let left = self.boxed(left, positions[middle - 1]);
        Expr::BinaryOp { left, op: op.clone(), right: Box::new(right) }
    }

    /// `left op right` and `left op ANY (…)`.
    fn operator(&mut self, left: Expr, level: u8, rule: Rule) -> Result<(Expr, u8)> {
        let (schema, name, position) = self.any_operator()?;
        let op = node::operator_named(schema, &name);
        if rule == Rule::Full && self.is_any(&[K::Any, K::Some, K::All]) {
            return Ok((self.quantified(left, op, position)?, 0));
        }
        let right = self.level(level + 1, rule)?;
        let left = self.boxed(left, position);
        let closed = if level == COMPARISON { level } else { 0 };
        Ok((Expr::BinaryOp { left, op, right: Box::new(right) }, closed))
    }

    /// `op ANY (…)`: a subquery or an array.
    fn quantified(&mut self, left: Expr, compare_op: BinaryOperator, position: u32) -> Result<Expr> {
        let quantifier = self.advance().keyword;
        let right = Box::new(self.subquery_or_expr()?);
        let left = self.boxed(left, position);
        Ok(match quantifier {
            K::All => Expr::AllOp { left, compare_op, right },
            _ => Expr::AnyOp { left, compare_op, right, is_some: quantifier == K::Some },
        })
    }

    /// `'(' select ')'` or `'(' a_expr ')'`, without the parentheses.
    fn subquery_or_expr(&mut self) -> Result<Expr> {
        self.nested(|parser| {
            if parser.starts_subquery() {
                return match parser.parenthesized()? {
                    Expr::Nested(inner) => Ok(*inner),
                    other => Ok(other),
                };
            }
            parser.expect(Kind::LeftParen)?;
            let array = parser.expr()?;
            parser.expect(Kind::RightParen)?;
            Ok(array)
        })
    }

    /// An operator symbol or `OPERATOR(schema.symbol)`: schema, name and position.
    pub(super) fn any_operator(&mut self) -> Result<(Vec<String>, String, u32)> {
        let token = self.peek();
        if token.keyword != K::Operator {
            let name = self.operator_symbol()?;
            return Ok((Vec::new(), name, token.position));
        }
        self.advance();
        self.expect(Kind::LeftParen)?;
        let (schema, name) = self.qualified_operator()?;
        self.expect(Kind::RightParen)?;
        Ok((schema, name, token.position))
    }

    /// `any_operator` of the manual: `schema.symbol`, without `OPERATOR(…)`.
    pub(super) fn qualified_operator(&mut self) -> Result<(Vec<String>, String)> {
        let mut names = Vec::new();
        while self.is_col_id(self.peek()) {
            names.push(self.ident()?);
            self.expect(Kind::Dot)?;
        }
        names.push(Ident::new(self.operator_symbol()?));
        let mut schema: Vec<String> =
            self.within_database(names, Named::Object)?.into_iter().map(|name| name.value).collect();
        let symbol = schema.pop().unwrap_or_default();
        Ok((schema, symbol))
    }

    fn operator_symbol(&mut self) -> Result<String> {
        let token = self.peek();
        let symbol = matches!(
            token.kind,
            Kind::Operator
                | Kind::Plus
                | Kind::Minus
                | Kind::Star
                | Kind::Slash
                | Kind::Percent
                | Kind::Caret
                | Kind::Less
                | Kind::Greater
                | Kind::Equal
                | Kind::LessEqual
                | Kind::GreaterEqual
                | Kind::NotEqual
        );
        if !symbol {
            return Err(self.unexpected());
        }
        self.advance();
        // The scanner knows only one inequality.
        Ok(if token.kind == Kind::NotEqual { "<>" } else { self.text(token) }.to_owned())
    }

    /// `IS …`.
    fn is_test(&mut self, left: Expr, rule: Rule) -> Result<(Expr, u8)> {
        let token = self.advance();
        let negated = self.eat_word(K::Not);
        let keyword = self.keyword();
        if keyword == K::Distinct {
            self.advance();
            self.expect_word(K::From)?;
            let right = Box::new(self.level(IS + 1, rule)?);
            let left = self.boxed(left, token.position);
            let test = if negated { Expr::IsNotDistinctFrom(left, right) } else { Expr::IsDistinctFrom(left, right) };
            return Ok((test, IS));
        }
        if keyword == K::Document {
            self.advance();
            let test = crate::xml::is_document(self.span(token), left);
            return Ok((if negated { self.unary(UnaryOperator::Not, token, test) } else { test }, 0));
        }
        if rule == Rule::Restricted {
            return Err(self.unexpected());
        }
        if self.is_any(&[K::Nfc, K::Nfd, K::Nfkc, K::Nfkd, K::Normalized]) {
            return Ok((self.normalized_test(left, token, negated)?, 0));
        }
        let test: fn(Box<Expr>) -> Expr = match (keyword, negated) {
            (K::Null, false) => Expr::IsNull,
            (K::Null, true) => Expr::IsNotNull,
            (K::True, false) => Expr::IsTrue,
            (K::True, true) => Expr::IsNotTrue,
            (K::False, false) => Expr::IsFalse,
            (K::False, true) => Expr::IsNotFalse,
            (K::Unknown, false) => Expr::IsUnknown,
            (K::Unknown, true) => Expr::IsNotUnknown,
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok((test(self.boxed(left, token.position)), 0))
    }

    /// `IS [NOT] [NFC] NORMALIZED`.
    fn normalized_test(&mut self, left: Expr, token: Token, negated: bool) -> Result<Expr> {
        let mut args = vec![left];
        if !self.is_word(K::Normalized) {
            let form = self.advance().keyword.word().to_ascii_uppercase();
            args.push(Expr::value(Value::SingleQuotedString(form)));
        }
        self.expect_word(K::Normalized)?;
        let test = standard_call(catalog_function("is_normalized", token.position), args);
        Ok(if negated { self.unary(UnaryOperator::Not, token, test) } else { test })
    }

    /// `[NOT] BETWEEN`, `IN`, `LIKE`, `ILIKE`, `SIMILAR TO`.
    fn matching(&mut self, left: Expr, infix: Infix, position: u32) -> Result<(Expr, u8)> {
        let negated = self.eat_word(K::Not);
        let keyword = self.advance().keyword;
        match infix {
            Infix::Between => Ok((self.between(left, negated, position)?, MATCH)),
            Infix::In => Ok((self.in_list(left, negated, position)?, 0)),
            Infix::Similar => {
                self.expect_word(K::To)?;
                let pattern = Box::new(self.level(MATCH + 1, Rule::Full)?);
                let escape_char = self.escape_character()?;
                let expr = self.boxed(left, position);
                Ok((Expr::SimilarTo { negated, expr, pattern, escape_char }, MATCH))
            }
            _ => self.like(left, keyword == K::Ilike, negated, position),
        }
    }

    fn between(&mut self, left: Expr, negated: bool, position: u32) -> Result<Expr> {
        let symmetric = self.eat_word(K::Symmetric);
        if !symmetric {
            self.eat_word(K::Asymmetric);
        }
        let low = self.level(OR, Rule::Restricted)?;
        self.expect_word(K::And)?;
        let high = Box::new(self.level(MATCH + 1, Rule::Full)?);
        let low = if symmetric { node::prefixed("SYMMETRIC", low) } else { low };
        Ok(Expr::Between { expr: self.boxed(left, position), negated, low: Box::new(low), high })
    }

    fn in_list(&mut self, left: Expr, negated: bool, position: u32) -> Result<Expr> {
        if !self.is(Kind::LeftParen) {
            return Err(self.unexpected());
        }
        if self.starts_subquery() {
            return match self.nested(Self::parenthesized)? {
                Expr::Subquery(subquery) => {
                    Ok(Expr::InSubquery { expr: self.boxed(left, position), subquery, negated })
                }
                Expr::Nested(item) => Ok(Expr::InList { expr: self.boxed(left, position), list: vec![*item], negated }),
                Expr::Tuple(list) => Ok(Expr::InList { expr: self.boxed(left, position), list, negated }),
                _ => Err(self.unexpected()),
            };
        }
        let list = self.in_parens(Self::expr)?;
        Ok(Expr::InList { expr: self.boxed(left, position), list, negated })
    }

    fn like(&mut self, left: Expr, insensitive: bool, negated: bool, position: u32) -> Result<(Expr, u8)> {
        if self.is_any(&[K::Any, K::Some, K::All]) {
            let op = match (insensitive, negated) {
                (false, false) => BinaryOperator::PGLikeMatch,
                (false, true) => BinaryOperator::PGNotLikeMatch,
                (true, false) => BinaryOperator::PGILikeMatch,
                (true, true) => BinaryOperator::PGNotILikeMatch,
            };
            return Ok((self.quantified(left, op, position)?, 0));
        }
        let pattern = Box::new(self.level(MATCH + 1, Rule::Full)?);
        let escape_char = self.escape_character()?;
        let expr = self.boxed(left, position);
        let any = false;
        let test = match insensitive {
            true => Expr::ILike { negated, any, expr, pattern, escape_char },
            false => Expr::Like { negated, any, expr, pattern, escape_char },
        };
        Ok((test, MATCH))
    }

    fn escape_character(&mut self) -> Result<Option<Box<Expr>>> {
        if !self.eat_word(K::Escape) {
            return Ok(None);
        }
        Ok(Some(Box::new(self.level(MATCH + 1, Rule::Full)?)))
    }

    /// `ROW(…)`, or at least two expressions in parentheses.
    fn row(&mut self) -> Result<Vec<Expr>> {
        let explicit = self.eat_word(K::Row);
        self.expect(Kind::LeftParen)?;
        if explicit && self.eat(Kind::RightParen) {
            return Ok(Vec::new());
        }
        let row = self.nested(|parser| parser.list(Self::expr))?;
        if row.len() < 2 && !explicit {
            return Err(self.unexpected());
        }
        self.expect(Kind::RightParen)?;
        Ok(row)
    }

    /// `row OVERLAPS row`, after the left row.
    pub(super) fn overlaps(&mut self, left: Vec<Expr>, position: u32) -> Result<Expr> {
        let operator = self.advance();
        let right_position = self.position();
        let right = self.row()?;
        for (side, row, position) in [("left", &left, position), ("right", &right, right_position)] {
            if row.len() != 2 {
                let message = format!("wrong number of parameters on {side} side of OVERLAPS expression");
                return Err(Error::new(SqlState::SYNTAX_ERROR, message).at(Some(position)));
            }
        }
        let args = left.into_iter().chain(right).collect();
        Ok(standard_call(catalog_function("overlaps", operator.position), args))
    }
}
