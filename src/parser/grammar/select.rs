//! Queries: `WITH`, `SELECT`, `VALUES`, `TABLE`, set operations, `ORDER BY`, `LIMIT`, row locks.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    Distinct, Expr, Fetch, GroupByExpr, Ident, LimitClause, LockClause, NamedWindowDefinition, NamedWindowExpr,
    NonBlock, ObjectName, Offset, OffsetRows, OrderBy, OrderByExpr, OrderByKind, OrderByOptions, OrderBySort, Parens,
    Query, Select, SelectFlavor, SelectInto, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, SetOperator,
    SetQuantifier, Values, WildcardAdditionalOptions, With,
};

use super::name::Named;
use super::{Context, Parser};
use crate::keyword::Keyword as K;
use crate::node::{self, LockStrength};
use crate::token::Kind;

/// What may follow the body of a query.
#[derive(Default)]
struct Tail {
    order_by: Option<OrderBy>,
    limit_clause: Option<LimitClause>,
    fetch: Option<Fetch>,
    locks: Vec<LockClause>,
    /// Where the values of `ORDER BY`, `LIMIT` or `FETCH`, and `OFFSET` start.
    order_position: u32,
    limit_position: Option<u32>,
    offset_position: u32,
}

impl Parser<'_> {
    /// `SelectStmt`: a query, in parentheses or not.
    pub(super) fn query(&mut self) -> Result<Query> {
        self.nested(|parser| {
            let before = parser.mentions();
            let with = parser.optional_with()?;
            let body = parser.mentions();
            let query = parser.query_with(with)?;
            parser.hide_mentions(before, body, query.with.as_ref());
            Ok(query)
        })
    }

    /// A query after its `WITH` clause.
    pub(super) fn query_with(&mut self, with: Option<With>) -> Result<Query> {
        let body = self.set_operations(None)?;
        self.finished_query(with, body)
    }

    /// A query whose first operand, in parentheses, has been read already.
    pub(super) fn query_after(&mut self, first: Box<Query>) -> Result<Query> {
        self.nested(|parser| {
            let body = parser.set_operations(Some(SetExpr::Query(first)))?;
            parser.finished_query(None, body)
        })
    }

    /// `select_with_parens`: a query in one or more parentheses.
    pub(super) fn select_with_parens(&mut self) -> Result<Box<Query>> {
        self.expect(Kind::LeftParen)?;
        if !self.starts_query() {
            return Err(self.unexpected());
        }
        let query = self.query()?;
        self.expect(Kind::RightParen)?;
        Ok(Box::new(query))
    }

    /// Whether a query comes next.
    pub(super) fn starts_query(&self) -> bool {
        self.is_any(&[K::Select, K::Values, K::With, K::Table]) || self.is(Kind::LeftParen)
    }

    /// Whether a query goes on after an operand in parentheses.
    pub(super) fn continues_query(&self) -> bool {
        self.is_any(&[K::Union, K::Intersect, K::Except, K::Order, K::Limit, K::Offset, K::Fetch, K::For])
    }

    /// Adds the tail, and merges a lone query in parentheses with what is said around it, as PostgreSQL does.
    fn finished_query(&mut self, with: Option<With>, body: SetExpr) -> Result<Query> {
        let tail = self.tail()?;
        match body {
            SetExpr::Query(inner) => merged(*inner, with, tail),
            body => {
                if tail.order_by.is_none() && tail.fetch.as_ref().is_some_and(|fetch| fetch.with_ties) {
                    return Err(ties_without_order());
                }
                Ok(plain_query(with, body, tail))
            }
        }
    }

    /// Operands of `UNION`, `EXCEPT` and, more tightly, `INTERSECT`; all of them to the left.
    fn set_operations(&mut self, first: Option<SetExpr>) -> Result<SetExpr> {
        let mut left = self.intersections(first)?;
        while let Some(op) = self.eat_one_of(&[(K::Union, SetOperator::Union), (K::Except, SetOperator::Except)]) {
            let set_quantifier = self.set_quantifier();
            let right = self.intersections(None)?;
            left = SetExpr::SetOperation { left: Box::new(left), op, set_quantifier, right: Box::new(right) };
            self.grow()?;
        }
        Ok(left)
    }

    fn intersections(&mut self, first: Option<SetExpr>) -> Result<SetExpr> {
        let mut left = match first {
            Some(first) => first,
            None => self.select_operand()?,
        };
        while self.eat_word(K::Intersect) {
            let set_quantifier = self.set_quantifier();
            let right = self.select_operand()?;
            let op = SetOperator::Intersect;
            left = SetExpr::SetOperation { left: Box::new(left), op, set_quantifier, right: Box::new(right) };
            self.grow()?;
        }
        Ok(left)
    }

    fn set_quantifier(&mut self) -> SetQuantifier {
        self.eat_one_of(&[(K::All, SetQuantifier::All), (K::Distinct, SetQuantifier::Distinct)])
            .unwrap_or(SetQuantifier::None)
    }

    /// `simple_select` or `select_with_parens`.
    fn select_operand(&mut self) -> Result<SetExpr> {
        match self.keyword() {
            K::Select => Ok(SetExpr::Select(Box::new(self.nested(Self::simple_select)?))),
            K::Values => {
                self.advance();
                let rows = self.list(Self::values_row)?;
                Ok(SetExpr::Values(Values { explicit_row: false, value_keyword: false, rows }))
            }
            K::Table => {
                self.advance();
                self.table_command()
            }
            _ if self.is(Kind::LeftParen) => self.nested(Self::select_with_parens).map(SetExpr::Query),
            _ => Err(self.unexpected()),
        }
    }

    fn values_row(&mut self) -> Result<Parens<Vec<Expr>>> {
        let opening_token = self.attached_if(Kind::LeftParen)?;
        let content = self.list(Self::expr)?;
        self.expect(Kind::RightParen)?;
        Ok(Parens { opening_token, content, closing_token: AttachedToken::empty() })
    }

    fn attached_if(&mut self, kind: Kind) -> Result<AttachedToken> {
        if self.is(kind) { Ok(self.attached()) } else { Err(self.unexpected()) }
    }

    /// `TABLE name` is `SELECT * FROM name`.
    fn table_command(&mut self) -> Result<SetExpr> {
        let position = self.position();
        let relation = self.relation(Named::Queried)?;
        let mut select = empty_select(AttachedToken::empty());
        select.projection.push(SelectItem::Wildcard(wildcard_at(crate::position::span(position, position))));
        select.from.push(sqlparser::ast::TableWithJoins { relation, joins: Vec::new() });
        Ok(SetExpr::Select(Box::new(select)))
    }

    /// `SELECT … FROM … WHERE … GROUP BY … HAVING … WINDOW …`.
    fn simple_select(&mut self) -> Result<Select> {
        let mut select = empty_select(self.attached());
        select.distinct = self.distinct()?;
        if select.distinct.is_some() || self.starts_target() {
            select.projection = self.target_list()?;
        }
        select.into = self.select_into()?;
        if self.eat_word(K::From) {
            select.from = self.list(Self::table_with_joins)?;
        }
        if self.eat_word(K::Where) {
            select.selection = Some(self.expr()?);
        }
        if self.eat_word(K::Group) {
            self.expect_word(K::By)?;
            select.group_by = self.group_by()?;
        }
        if self.eat_word(K::Having) {
            select.having = Some(self.expr()?);
        }
        if self.eat_word(K::Window) {
            select.named_window = self.list(|parser| {
                let name = parser.col_id()?;
                parser.expect_word(K::As)?;
                // A second window of that name is an error at its parenthesis.
                let name = Ident { span: parser.span(parser.peek()), ..name };
                let window = parser.nested(Self::window_specification)?;
                Ok(NamedWindowDefinition(name, NamedWindowExpr::WindowSpec(window)))
            })?;
        }
        Ok(select)
    }

    fn distinct(&mut self) -> Result<Option<Distinct>> {
        if self.eat_word(K::All) {
            return Ok(None);
        }
        if !self.eat_word(K::Distinct) {
            return Ok(None);
        }
        if self.eat_word(K::On) {
            return Ok(Some(Distinct::On(self.unlifted(|parser| parser.in_parens(Self::expr))?)));
        }
        Ok(Some(Distinct::Distinct))
    }

    /// Whether an output column comes next; `SELECT` may have none.
    fn starts_target(&self) -> bool {
        let token = self.peek();
        match token.kind {
            Kind::End | Kind::Semicolon | Kind::RightParen => false,
            Kind::Word => !(token.keyword.begins_clause() || matches!(token.keyword, K::On | K::Returning | K::With)),
            _ => true,
        }
    }

    /// `target_list`.
    pub(super) fn target_list(&mut self) -> Result<Vec<SelectItem>> {
        self.list(Self::target)
    }

    fn target(&mut self) -> Result<SelectItem> {
        let token = self.peek();
        if token.kind == Kind::Star {
            self.advance();
            return Ok(SelectItem::Wildcard(wildcard_at(self.span(token))));
        }
        let expr = self.expr_in(Context::Label)?;
        if self.eat_word(K::As) {
            return Ok(SelectItem::ExprWithAlias { expr, alias: self.col_label()? });
        }
        if self.is_bare_label(self.peek()) {
            return Ok(SelectItem::ExprWithAlias { expr, alias: self.ident()? });
        }
        Ok(unnamed_target(expr))
    }

    fn select_into(&mut self) -> Result<Option<SelectInto>> {
        if !self.eat_word(K::Into) {
            return Ok(None);
        }
        let mut into = SelectInto { temporary: false, unlogged: false, table: false, targets: Vec::new() };
        let scoped = self.is_any(&[K::Local, K::Global]) && matches!(self.nth(1).keyword, K::Temp | K::Temporary);
        if scoped {
            self.advance();
        }
        // A table may be called like these words; then no other name follows.
        let prefix = scoped || self.nth(1).keyword == K::Table || self.is_col_id(self.nth(1));
        let temporary = prefix && self.is_any(&[K::Temp, K::Temporary]);
        if temporary || prefix && self.is_word(K::Unlogged) {
            into.temporary = temporary;
            into.unlogged = !temporary;
            self.advance();
        }
        into.table = self.eat_word(K::Table);
        into.targets.push(match self.qualified_name()?.0.as_slice() {
            [name] => Expr::Identifier(name.as_ident().cloned().unwrap_or_else(|| Ident::new(""))),
            names => Expr::CompoundIdentifier(names.iter().filter_map(|name| name.as_ident().cloned()).collect()),
        });
        Ok(Some(into))
    }

    fn group_by(&mut self) -> Result<GroupByExpr> {
        let distinct = self.eat_word(K::Distinct);
        if !distinct {
            self.eat_word(K::All);
        }
        let elements = self.unlifted(|parser| parser.list(Self::group_by_item))?;
        Ok(node::group_by_elements(elements, distinct))
    }

    fn group_by_item(&mut self) -> Result<Expr> {
        let next = self.nth(1);
        match self.keyword() {
            K::Rollup if next.kind == Kind::LeftParen => {
                self.advance();
                Ok(Expr::Rollup(self.grouping_lists()?))
            }
            K::Cube if next.kind == Kind::LeftParen => {
                self.advance();
                Ok(Expr::Cube(self.grouping_lists()?))
            }
            K::Grouping if next.keyword == K::Sets => {
                self.at += 2;
                let sets = self.nested(|parser| parser.in_parens(Self::group_by_item))?;
                Ok(Expr::GroupingSets(sets.into_iter().map(grouping_set).collect()))
            }
            _ if self.is(Kind::LeftParen) && next.kind == Kind::RightParen => {
                self.at += 2;
                Ok(Expr::Tuple(Vec::new()))
            }
            _ => self.expr(),
        }
    }

    fn grouping_lists(&mut self) -> Result<Vec<Vec<Expr>>> {
        let items = self.in_parens(Self::expr)?;
        Ok(items.into_iter().map(grouping_set).collect())
    }

    // ---- ORDER BY, LIMIT, FOR -------------------------------------------------------------------------------------

    /// Everything after the body: `ORDER BY`, then `LIMIT`, `OFFSET`, `FETCH` and row locks in either order.
    fn tail(&mut self) -> Result<Tail> {
        let mut tail = Tail::default();
        if self.is_word(K::Order) {
            tail.order_position = self.nth(2).position;
            tail.order_by = Some(self.order_by()?);
        }
        let locks_first = self.is_word(K::For);
        if locks_first {
            self.locking(&mut tail)?;
        }
        self.unlifted(|parser| parser.limits(&mut tail))?;
        if !locks_first && self.is_word(K::For) {
            self.locking(&mut tail)?;
        }
        let skips = tail.locks.iter().any(|lock| lock.nonblock == Some(NonBlock::SkipLocked));
        if skips && tail.fetch.as_ref().is_some_and(|fetch| fetch.with_ties) {
            let message = "SKIP LOCKED and WITH TIES options cannot be used together";
            return Err(Error::new(SqlState::SYNTAX_ERROR, message));
        }
        Ok(tail)
    }

    fn order_by(&mut self) -> Result<OrderBy> {
        self.expect_words(&[K::Order, K::By])?;
        Ok(OrderBy { kind: OrderByKind::Expressions(self.list(Self::sort_by)?), interpolate: None })
    }

    /// `sortby`.
    pub(super) fn sort_by(&mut self) -> Result<OrderByExpr> {
        let ordinal = matches!(self.kind(), Kind::Integer) && !matches!(self.nth(1).kind, Kind::Plus | Kind::Minus);
        let expr = if ordinal { self.unlifted(Self::expr)? } else { self.expr()? };
        let sort = if self.eat_word(K::Using) {
            let (schema, name, _) = self.any_operator()?;
            let path: Vec<Ident> = schema.into_iter().chain([name]).map(Ident::new).collect();
            Some(OrderBySort::Using(ObjectName::from(path)))
        } else {
            match self.keyword() {
                K::Asc => Some(OrderBySort::Asc),
                K::Desc => Some(OrderBySort::Desc),
                _ => None,
            }
        };
        if self.is_any(&[K::Asc, K::Desc]) && !matches!(sort, Some(OrderBySort::Using(_))) {
            self.advance();
        }
        let nulls_first = self.nulls_order()?;
        Ok(OrderByExpr { expr, options: OrderByOptions { sort, nulls_first }, with_fill: None })
    }

    /// `NULLS FIRST` or `NULLS LAST`.
    pub(super) fn nulls_order(&mut self) -> Result<Option<bool>> {
        if !self.starts_nulls_order() {
            return Ok(None);
        }
        self.advance();
        Ok(Some(self.advance().keyword == K::First))
    }

    /// The scanner joins `NULLS` with such a word, so that it is no name there.
    pub(super) fn starts_nulls_order(&self) -> bool {
        self.is_word(K::Nulls) && matches!(self.nth(1).keyword, K::First | K::Last)
    }

    fn limits(&mut self, tail: &mut Tail) -> Result<()> {
        let mut limit: Option<Option<Expr>> = None;
        let mut offset = None;
        loop {
            match self.keyword() {
                K::Limit if limit.is_none() && tail.fetch.is_none() => {
                    let word = self.advance();
                    tail.limit_position = Some(self.position());
                    limit = Some(self.limit_value(word.position)?);
                }
                K::Fetch if limit.is_none() && tail.fetch.is_none() => {
                    let count = self.nth(2).position;
                    let fetch = self.fetch_first()?;
                    tail.limit_position = fetch.quantity.as_ref().map(|_| count);
                    tail.fetch = Some(fetch);
                }
                K::Offset if offset.is_none() => {
                    self.advance();
                    tail.offset_position = self.position();
                    let value = self.expr()?;
                    let rows = self.eat_one_of(&[(K::Row, OffsetRows::Row), (K::Rows, OffsetRows::Rows)]);
                    offset = Some(Offset { value, rows: rows.unwrap_or(OffsetRows::None) });
                }
                _ => break,
            }
        }
        if limit.is_some() || offset.is_some() {
            let limit = limit.flatten();
            tail.limit_clause = Some(LimitClause::LimitOffset { limit, offset, limit_by: Vec::new() });
        }
        Ok(())
    }

    fn limit_value(&mut self, word_position: u32) -> Result<Option<Expr>> {
        let limit = if self.eat_word(K::All) { None } else { Some(self.expr()?) };
        if self.eat(Kind::Comma) {
            self.expr()?;
            return Err(Error::new(SqlState::SYNTAX_ERROR, "LIMIT #,# syntax is not supported")
                .hint("Use separate LIMIT and OFFSET clauses.")
                .at(Some(word_position)));
        }
        Ok(limit)
    }

    /// `FETCH FIRST … ROWS ONLY`.
    fn fetch_first(&mut self) -> Result<Fetch> {
        self.advance();
        if !self.eat_word(K::First) {
            self.expect_word(K::Next)?;
        }
        let quantity = if self.is_any(&[K::Row, K::Rows]) { None } else { Some(self.fetch_count()?) };
        if !self.eat_word(K::Row) {
            self.expect_word(K::Rows)?;
        }
        let with_ties = self.eat_phrase(&[K::With, K::Ties])?;
        if !with_ties {
            self.expect_word(K::Only)?;
        }
        Ok(Fetch { with_ties, percent: false, quantity })
    }

    /// `select_fetch_first_value`: a primary or a signed number.
    fn fetch_count(&mut self) -> Result<Expr> {
        if matches!(self.kind(), Kind::Plus | Kind::Minus) {
            let number = self.signed_number()?;
            return Ok(Expr::value(sqlparser::ast::Value::Number(number, false)));
        }
        self.primary()
    }

    /// `for_locking_clause`.
    fn locking(&mut self, tail: &mut Tail) -> Result<()> {
        if self.are_words(&[K::For, K::Read]) {
            self.at += 2;
            self.expect_word(K::Only)?;
            return Ok(());
        }
        while self.eat_word(K::For) {
            let strength = match self.advance_if_any(&[K::Update, K::Share, K::No, K::Key])? {
                K::Update => LockStrength::Update,
                K::Share => LockStrength::Share,
                K::Key => {
                    self.expect_word(K::Share)?;
                    LockStrength::KeyShare
                }
                _ => {
                    self.expect_words(&[K::Key, K::Update])?;
                    LockStrength::NoKeyUpdate
                }
            };
            let tables = if self.eat_word(K::Of) { self.list(Self::qualified_name)? } else { Vec::new() };
            let nonblock = if self.eat_word(K::Nowait) {
                Some(NonBlock::Nowait)
            } else if self.eat_word(K::Skip) {
                self.expect_word(K::Locked)?;
                Some(NonBlock::SkipLocked)
            } else {
                None
            };
            match tables.is_empty() {
                true => tail.locks.push(node::row_lock(strength, None, nonblock)),
                false => {
                    tail.locks.extend(tables.into_iter().map(|table| node::row_lock(strength, Some(table), nonblock)));
                }
            }
        }
        Ok(())
    }

    /// Takes one of these keywords.
    pub(super) fn advance_if_any(&mut self, keywords: &[K]) -> Result<K> {
        if self.is_any(keywords) { Ok(self.advance().keyword) } else { Err(self.unexpected()) }
    }
}

/// An output column without a label.
fn unnamed_target(expr: Expr) -> SelectItem {
    let options = WildcardAdditionalOptions::default();
    match expr {
        Expr::QualifiedWildcard(name, token) => SelectItem::QualifiedWildcard(
            SelectItemQualifiedWildcardKind::ObjectName(name),
            WildcardAdditionalOptions { wildcard_token: token, ..options },
        ),
        Expr::CompoundFieldAccess { root, mut access_chain } => match access_chain.pop() {
            Some(sqlparser::ast::AccessExpr::Dot(Expr::Wildcard(token))) => {
                let expr = match access_chain.is_empty() {
                    true => *root,
                    false => Expr::CompoundFieldAccess { root, access_chain },
                };
                let options = WildcardAdditionalOptions { wildcard_token: token, ..options };
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(expr), options)
            }
            last => {
                access_chain.extend(last);
                SelectItem::UnnamedExpr(Expr::CompoundFieldAccess { root, access_chain })
            }
        },
        expr => SelectItem::UnnamedExpr(expr),
    }
}

fn wildcard_at(span: sqlparser::tokenizer::Span) -> WildcardAdditionalOptions {
    let token = sqlparser::tokenizer::TokenWithSpan { token: sqlparser::tokenizer::Token::Mul, span };
    WildcardAdditionalOptions { wildcard_token: AttachedToken(token), ..WildcardAdditionalOptions::default() }
}

fn grouping_set(item: Expr) -> Vec<Expr> {
    match item {
        Expr::Tuple(items) => items,
        other => vec![other],
    }
}

pub(super) fn empty_select(select_token: AttachedToken) -> Select {
    Select {
        select_token,
        optimizer_hints: Vec::new(),
        distinct: None,
        select_modifiers: None,
        top: None,
        top_before_distinct: false,
        projection: Vec::new(),
        exclude: None,
        into: None,
        from: Vec::new(),
        lateral_views: Vec::new(),
        prewhere: None,
        selection: None,
        connect_by: Vec::new(),
        group_by: GroupByExpr::Expressions(Vec::new(), Vec::new()),
        cluster_by: Vec::new(),
        distribute_by: Vec::new(),
        sort_by: Vec::new(),
        having: None,
        named_window: Vec::new(),
        qualify: None,
        window_before_qualify: false,
        value_table_mode: None,
        flavor: SelectFlavor::Standard,
    }
}

/// A query of a body alone.
pub(super) fn body_query(with: Option<With>, body: SetExpr) -> Query {
    plain_query(with, body, Tail::default())
}

fn plain_query(with: Option<With>, body: SetExpr, tail: Tail) -> Query {
    Query {
        with,
        body: Box::new(body),
        order_by: tail.order_by,
        limit_clause: tail.limit_clause,
        fetch: tail.fetch,
        locks: tail.locks,
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    }
}

/// A query in parentheses with clauses around it: one query with the clauses of both (`insertSelectOptions`).
fn merged(mut inner: Query, with: Option<With>, tail: Tail) -> Result<Query> {
    let twice = |clause: &str, position: Option<u32>| {
        Error::new(SqlState::SYNTAX_ERROR, format!("multiple {clause} clauses not allowed")).at(position)
    };
    if tail.order_by.is_some() {
        if inner.order_by.is_some() {
            return Err(twice("ORDER BY", Some(tail.order_position)));
        }
        inner.order_by = tail.order_by;
    }
    inner.locks.extend(tail.locks);
    if let Some(LimitClause::LimitOffset { limit, offset, .. }) = tail.limit_clause {
        let (mut inner_limit, mut inner_offset) = match inner.limit_clause.take() {
            Some(LimitClause::LimitOffset { limit, offset, .. }) => (limit, offset),
            _ => (None, None),
        };
        if offset.is_some() {
            if inner_offset.is_some() {
                return Err(twice("OFFSET", Some(tail.offset_position)));
            }
            inner_offset = offset;
        }
        if limit.is_some() {
            if inner_limit.is_some() || inner.fetch.is_some() {
                return Err(twice("LIMIT", tail.limit_position));
            }
            inner_limit = limit;
        }
        inner.limit_clause =
            Some(LimitClause::LimitOffset { limit: inner_limit, offset: inner_offset, limit_by: Vec::new() });
    }
    if let Some(fetch) = tail.fetch {
        let limited = matches!(&inner.limit_clause, Some(LimitClause::LimitOffset { limit: Some(_), .. }));
        if limited || inner.fetch.is_some() {
            return Err(twice("LIMIT", tail.limit_position));
        }
        if fetch.with_ties && inner.order_by.is_none() {
            return Err(ties_without_order());
        }
        inner.fetch = Some(fetch);
    }
    if let Some(with) = with {
        if inner.with.is_some() {
            return Err(twice("WITH", crate::position::of_span(with.with_token.0.span)));
        }
        inner.with = Some(with);
    }
    Ok(inner)
}

fn ties_without_order() -> Error {
    Error::new(SqlState::SYNTAX_ERROR, "WITH TIES cannot be specified without ORDER BY clause")
}
