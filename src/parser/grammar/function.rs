//! Function calls: arguments, `WITHIN GROUP`, `FILTER`, `OVER`, and the functions PostgreSQL spells as syntax.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::{
    CastKind, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgOperator,
    FunctionArgumentClause, FunctionArgumentList, FunctionArguments, Ident, ObjectName, Query, Value, WindowFrame,
    WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType,
};

use super::{Context, Parser, xml};
use crate::TypeName;
use crate::keyword::Keyword as K;
use crate::node::{self, FrameExclusion};
use crate::position;
use crate::token::{Kind, Token};

/// Functions without parentheses; those marked may have a precision in them.
const VALUE_FUNCTIONS: &[(K, bool)] = &[
    (K::CurrentCatalog, false),
    (K::CurrentDate, false),
    (K::CurrentRole, false),
    (K::CurrentTime, true),
    (K::CurrentTimestamp, true),
    (K::CurrentUser, false),
    (K::Localtime, true),
    (K::Localtimestamp, true),
    (K::SessionUser, false),
    (K::User, false),
];

/// Functions spelled with keywords that are followed by parentheses.
const KEYWORD_FUNCTIONS: &[K] = &[
    K::Cast,
    K::Coalesce,
    K::Extract,
    K::Greatest,
    K::Least,
    K::Normalize,
    K::Nullif,
    K::Overlay,
    K::Position,
    K::Substring,
    K::Treat,
    K::Trim,
];

/// A name in `pg_catalog` at a position.
pub(super) fn catalog_function(name: &str, position: u32) -> ObjectName {
    let ident =
        |value: &str| Ident { value: value.to_owned(), quote_style: None, span: position::span(position, position) };
    ObjectName::from(vec![ident("pg_catalog"), ident(name)])
}

/// A call with positional arguments and nothing else.
pub(super) fn call(name: ObjectName, args: Vec<Expr>) -> Expr {
    let args = args.into_iter().map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))).collect();
    let list = FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() };
    Expr::Function(function(name, FunctionArguments::List(list)))
}

/// A call written in the standard's own syntax, such as `EXTRACT(year FROM x)`; [`crate::node::is_standard_syntax`] tells.
pub(super) fn standard_call(name: ObjectName, args: Vec<Expr>) -> Expr {
    match call(name, args) {
        Expr::Function(function) => Expr::Function(Function { uses_odbc_syntax: true, ..function }),
        other => other,
    }
}

/// `ARRAY(select …)`.
pub(super) fn subquery_function(name: Ident, subquery: Box<Query>) -> Expr {
    Expr::Function(function(ObjectName::from(vec![name]), FunctionArguments::Subquery(subquery)))
}

fn function(name: ObjectName, args: FunctionArguments) -> Function {
    Function {
        name,
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args,
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    }
}

impl Parser<'_> {
    /// `func_expr` after its name.
    pub(super) fn function_call(&mut self, name: ObjectName) -> Result<Expr> {
        let mut function = self.function_application(name)?;
        if self.is_word(K::Within) {
            self.within_group(&mut function)?;
        }
        if self.eat_word(K::Filter) {
            self.expect(Kind::LeftParen)?;
            self.expect_word(K::Where)?;
            function.filter = Some(Box::new(self.nested(Self::expr)?));
            self.expect(Kind::RightParen)?;
        }
        if self.eat_word(K::Over) {
            function.over = Some(match self.is(Kind::LeftParen) {
                true => WindowType::WindowSpec(self.nested(Self::window_specification)?),
                false => WindowType::NamedWindow(self.col_id()?),
            });
        }
        Ok(Expr::Function(function))
    }

    fn within_group(&mut self, function: &mut Function) -> Result<()> {
        let position = self.position();
        if let FunctionArguments::List(list) = &function.args {
            let problem = if !list.clauses.is_empty() {
                Some("cannot use multiple ORDER BY clauses with WITHIN GROUP")
            } else if list.duplicate_treatment == Some(DuplicateTreatment::Distinct) {
                Some("cannot use DISTINCT with WITHIN GROUP")
            } else if list.args.iter().any(|arg| node::argument(arg).is_some_and(|(_, variadic)| variadic)) {
                Some("cannot use VARIADIC with WITHIN GROUP")
            } else {
                None
            };
            if let Some(problem) = problem {
                return Err(Error::new(SqlState::SYNTAX_ERROR, problem).at(Some(position)));
            }
        }
        self.expect_words(&[K::Within, K::Group])?;
        self.expect(Kind::LeftParen)?;
        self.expect_words(&[K::Order, K::By])?;
        function.within_group = self.nested(|parser| parser.list(Self::sort_by))?;
        self.expect(Kind::RightParen)?;
        Ok(())
    }

    /// `name ( … )`.
    pub(super) fn function_application(&mut self, name: ObjectName) -> Result<Function> {
        self.expect(Kind::LeftParen)?;
        let list = self.enclosed(|parser| parser.argument_list(Context::Plain))?;
        self.expect(Kind::RightParen)?;
        Ok(function(name, FunctionArguments::List(list)))
    }

    fn argument_list(&mut self, context: Context) -> Result<FunctionArgumentList> {
        let mut list = FunctionArgumentList { duplicate_treatment: None, args: Vec::new(), clauses: Vec::new() };
        if self.is(Kind::RightParen) {
            return Ok(list);
        }
        if self.is(Kind::Star) {
            self.advance();
            list.args.push(FunctionArg::Unnamed(FunctionArgExpr::Wildcard));
            return Ok(list);
        }
        list.duplicate_treatment =
            self.eat_one_of(&[(K::All, DuplicateTreatment::All), (K::Distinct, DuplicateTreatment::Distinct)]);
        loop {
            if list.duplicate_treatment.is_none() && self.eat_word(K::Variadic) {
                list.args.push(self.argument(true, context)?);
                break;
            }
            list.args.push(self.argument(false, context)?);
            if !self.eat(Kind::Comma) {
                break;
            }
        }
        if self.is_word(K::Order) {
            self.advance();
            self.expect_word(K::By)?;
            list.clauses.push(FunctionArgumentClause::OrderBy(self.list(Self::sort_by)?));
        }
        Ok(list)
    }

    /// `func_arg_expr`.
    fn argument(&mut self, variadic: bool, context: Context) -> Result<FunctionArg> {
        let value = |expr: Expr| FunctionArgExpr::Expr(if variadic { node::prefixed("VARIADIC", expr) } else { expr });
        let operator = match self.nth(1).kind {
            Kind::FatArrow => FunctionArgOperator::RightArrow,
            Kind::ColonEqual => FunctionArgOperator::Assignment,
            _ => return Ok(FunctionArg::Unnamed(value(self.expr_in(context)?))),
        };
        let name = self.type_function_name()?;
        self.advance();
        Ok(FunctionArg::Named { name, arg: value(self.expr()?), operator })
    }

    /// `window_specification` with its parentheses.
    pub(super) fn window_specification(&mut self) -> Result<WindowSpec> {
        let position = self.position();
        self.expect(Kind::LeftParen)?;
        // Words that may open a frame are no window names here, unless quoted.
        let frame_words = [K::Partition, K::Range, K::Rows, K::Groups];
        let named = self.is_col_id(self.peek()) && !self.is_any(&frame_words);
        let window_name = if named { Some(self.ident()?) } else { None };
        let partition_by = match self.eat_word(K::Partition) {
            true => {
                self.expect_word(K::By)?;
                self.list(Self::expr)?
            }
            false => Vec::new(),
        };
        let order_by = match self.eat_word(K::Order) {
            true => {
                self.expect_word(K::By)?;
                self.list(Self::sort_by)?
            }
            false => Vec::new(),
        };
        let window_frame = self.window_frame()?;
        self.expect(Kind::RightParen)?;
        if let Some(frame) = &window_frame {
            for bound in [Some(&frame.start_bound), frame.end_bound.as_ref()].into_iter().flatten() {
                if let WindowFrameBound::Preceding(Some(offset)) | WindowFrameBound::Following(Some(offset)) = bound {
                    self.locations.record_window(offset, position);
                }
            }
        }
        Ok(WindowSpec { window_name, partition_by, order_by, window_frame })
    }

    fn window_frame(&mut self) -> Result<Option<WindowFrame>> {
        let units = [
            (K::Rows, WindowFrameUnits::Rows),
            (K::Range, WindowFrameUnits::Range),
            (K::Groups, WindowFrameUnits::Groups),
        ];
        let Some(units) = self.eat_one_of(&units) else { return Ok(None) };
        let between = self.eat_word(K::Between);
        let position = self.position();
        let start_bound = self.frame_bound()?;
        check_frame_start(&start_bound, between).map_err(|error| error.at(Some(position)))?;
        let end_bound = match between {
            true => {
                self.expect_word(K::And)?;
                let position = self.position();
                let end = self.frame_bound()?;
                check_frame_end(&start_bound, &end).map_err(|error| error.at(Some(position)))?;
                Some(end)
            }
            false => None,
        };
        let exclusion = self.frame_exclusion()?;
        Ok(Some(WindowFrame { units, start_bound, end_bound: node::excluding(end_bound, exclusion) }))
    }

    fn frame_bound(&mut self) -> Result<WindowFrameBound> {
        if self.is_word(K::Unbounded) && matches!(self.nth(1).keyword, K::Preceding | K::Following) {
            self.advance();
            return Ok(match self.advance().keyword {
                K::Preceding => WindowFrameBound::Preceding(None),
                _ => WindowFrameBound::Following(None),
            });
        }
        if self.eat_words(&[K::Current, K::Row]) {
            return Ok(WindowFrameBound::CurrentRow);
        }
        let offset = Some(Box::new(self.expr()?));
        match self.keyword() {
            K::Preceding => {
                self.advance();
                Ok(WindowFrameBound::Preceding(offset))
            }
            K::Following => {
                self.advance();
                Ok(WindowFrameBound::Following(offset))
            }
            _ => Err(self.unexpected()),
        }
    }

    fn frame_exclusion(&mut self) -> Result<FrameExclusion> {
        if !self.eat_word(K::Exclude) {
            return Ok(FrameExclusion::NoOthers);
        }
        let exclusions = [(K::Group, FrameExclusion::Group), (K::Ties, FrameExclusion::Ties)];
        if let Some(exclusion) = self.eat_one_of(&exclusions) {
            return Ok(exclusion);
        }
        if self.eat_word(K::Current) {
            self.expect_word(K::Row)?;
            return Ok(FrameExclusion::CurrentRow);
        }
        self.expect_words(&[K::No, K::Others])?;
        Ok(FrameExclusion::NoOthers)
    }

    /// Whether one of the functions spelled as syntax comes next.
    pub(super) fn starts_special_function(&self) -> bool {
        let token = self.peek();
        let next = self.nth(1);
        match token.keyword {
            K::Collation => next.keyword == K::For,
            K::CurrentSchema => next.kind != Kind::LeftParen,
            keyword if next.kind == Kind::LeftParen && KEYWORD_FUNCTIONS.contains(&keyword) => true,
            keyword if next.kind == Kind::LeftParen && xml::FUNCTIONS.contains(&keyword) => true,
            keyword => VALUE_FUNCTIONS.iter().any(|(known, _)| *known == keyword),
        }
    }

    /// `func_expr_common_subexpr`, and `GROUPING`.
    pub(super) fn special_function(&mut self, token: Token) -> Result<Expr> {
        self.advance();
        let own_name = |parser: &Self| {
            let value = token.keyword.word().to_owned();
            ObjectName::from(vec![Ident { value, quote_style: None, span: parser.span(token) }])
        };
        if !self.is(Kind::LeftParen) && !matches!(token.keyword, K::Cast | K::Collation) {
            return Ok(Expr::Function(function(own_name(self), FunctionArguments::None)));
        }
        match token.keyword {
            K::Coalesce | K::Greatest | K::Least | K::Grouping => {
                let args = self.enclosed(|parser| parser.in_parens(Self::expr))?;
                Ok(call(own_name(self), args))
            }
            K::Collation => {
                self.expect_word(K::For)?;
                self.expect(Kind::LeftParen)?;
                let arg = self.nested(Self::expr)?;
                self.expect(Kind::RightParen)?;
                Ok(standard_call(catalog_function("pg_collation_for", token.position), vec![arg]))
            }
            keyword if VALUE_FUNCTIONS.contains(&(keyword, true)) => {
                self.expect(Kind::LeftParen)?;
                let precision = self.expect(Kind::Integer)?;
                let precision = self.value(precision, Value::Number(self.text(precision).to_owned(), false));
                self.expect(Kind::RightParen)?;
                Ok(call(own_name(self), vec![precision]))
            }
            // Without precision a parenthesis does not belong to them: `current_date(1)` fails at it.
            keyword if VALUE_FUNCTIONS.contains(&(keyword, false)) => {
                Ok(Expr::Function(function(own_name(self), FunctionArguments::None)))
            }
            _ => {
                self.expect(Kind::LeftParen)?;
                let result = self.nested(|parser| parser.keyword_function(token, own_name))?;
                self.expect(Kind::RightParen)?;
                Ok(result)
            }
        }
    }

    /// The inside of the parentheses of a function with syntax of its own.
    fn keyword_function(&mut self, token: Token, own_name: impl Fn(&Self) -> ObjectName) -> Result<Expr> {
        let catalog = |name: &str| catalog_function(name, token.position);
        match token.keyword {
            K::Cast => {
                let expr = Box::new(self.expr()?);
                self.locations.record(&expr, token.position);
                self.expect_word(K::As)?;
                let data_type = self.type_name()?;
                Ok(Expr::Cast { kind: CastKind::Cast, expr, data_type, format: None })
            }
            K::Nullif => {
                let first = self.expr()?;
                self.expect(Kind::Comma)?;
                let second = self.expr()?;
                Ok(call(own_name(self), vec![first, second]))
            }
            K::Extract => {
                let field = self.extract_field()?;
                self.expect_word(K::From)?;
                let source = self.expr()?;
                Ok(standard_call(catalog("extract"), vec![field, source]))
            }
            K::Normalize => {
                let mut args = vec![self.expr()?];
                if self.eat(Kind::Comma) {
                    let form = self.peek();
                    if !self.is_any(&[K::Nfc, K::Nfd, K::Nfkc, K::Nfkd]) {
                        return Err(self.unexpected());
                    }
                    self.advance();
                    let text = self.text(form).to_ascii_uppercase();
                    args.push(self.value(form, Value::SingleQuotedString(text)));
                }
                Ok(standard_call(catalog("normalize"), args))
            }
            K::Position => {
                let needle = self.restricted_expr()?;
                self.expect_word(K::In)?;
                let haystack = self.restricted_expr()?;
                // The function takes them the other way round.
                Ok(standard_call(catalog("position"), vec![haystack, needle]))
            }
            K::Overlay => self.overlay(token),
            K::Substring => self.substring(token),
            K::Trim => self.trim(token),
            K::Treat => {
                let arg = self.expr()?;
                self.expect_word(K::As)?;
                let data_type = self.type_name()?;
                // PostgreSQL calls the function that bears the type's name.
                let names = TypeName::of(&data_type).map(|name| name.names).unwrap_or_default();
                let name = names.last().map_or("", |name| name.value.as_str());
                Ok(call(catalog(name), vec![arg]))
            }
            _ => self.xml_function(token),
        }
    }

    /// `extract_arg`: any identifier or a string, as a string.
    fn extract_field(&mut self) -> Result<Expr> {
        let token = self.peek();
        if self.is_string() {
            self.advance();
            let value = self.string_value(token)?;
            return Ok(self.value(token, value));
        }
        let units = [K::Year, K::Month, K::Day, K::Hour, K::Minute, K::Second];
        let plain = token.kind != Kind::Word || token.keyword == K::Unkeyed || units.contains(&token.keyword);
        if !plain || !self.is_col_label(token) {
            return Err(self.unexpected());
        }
        let field = self.ident()?.value;
        Ok(self.value(token, Value::SingleQuotedString(field)))
    }

    /// `OVERLAY(a PLACING b FROM c [FOR d])`, or an ordinary list of arguments.
    fn overlay(&mut self, token: Token) -> Result<Expr> {
        if self.is(Kind::RightParen) {
            return Ok(call(keyword_name(self, token), Vec::new()));
        }
        let list = self.argument_list(Context::Plain)?;
        let placing = match single_argument(list) {
            Ok(first) if self.is_word(K::Placing) => first,
            Ok(first) => return Ok(call(keyword_name(self, token), vec![first])),
            Err(list) => return Ok(plain_call(keyword_name(self, token), list)),
        };
        self.advance();
        let mut args = vec![placing, self.expr()?];
        self.expect_word(K::From)?;
        args.push(self.expr()?);
        if self.eat_word(K::For) {
            args.push(self.expr()?);
        }
        Ok(standard_call(catalog_function("overlay", token.position), args))
    }

    /// `SUBSTRING(a FROM b FOR c)`, `SUBSTRING(a SIMILAR b ESCAPE c)`, or an ordinary list of arguments.
    fn substring(&mut self, token: Token) -> Result<Expr> {
        if self.is(Kind::RightParen) {
            return Ok(call(keyword_name(self, token), Vec::new()));
        }
        let similar_position = self.position();
        let list = self.argument_list(Context::Substring)?;
        let first = match single_argument(list) {
            Ok(first) => first,
            Err(list) => return Ok(plain_call(keyword_name(self, token), list)),
        };
        let name = catalog_function("substring", token.position);
        match self.keyword() {
            K::From => {
                self.advance();
                let mut args = vec![first, self.expr()?];
                if self.eat_word(K::For) {
                    args.push(self.expr()?);
                }
                Ok(standard_call(name, args))
            }
            K::For => {
                self.advance();
                let length = self.expr()?;
                if self.eat_word(K::From) {
                    let start = self.expr()?;
                    return Ok(standard_call(name, vec![first, start, length]));
                }
                // The length is converted to an integer here, so that `substring(text, pattern)` is never chosen.
                let one = Expr::value(Value::Number("1".to_owned(), false));
                let length = self.cast_to_int4(length, similar_position);
                Ok(standard_call(name, vec![first, one, length]))
            }
            K::Similar => {
                self.advance();
                let pattern = self.expr()?;
                self.expect_word(K::Escape)?;
                let escape = self.expr()?;
                Ok(standard_call(name, vec![first, pattern, escape]))
            }
            _ => Ok(call(keyword_name(self, token), vec![first])),
        }
    }

    fn cast_to_int4(&mut self, expr: Expr, position: u32) -> Expr {
        let expr = Box::new(expr);
        self.locations.record(&expr, position);
        let data_type = sqlparser::ast::DataType::Custom(catalog_function("int4", position), Vec::new());
        Expr::Cast { kind: CastKind::Cast, expr, data_type, format: None }
    }

    /// `TRIM([BOTH | LEADING | TRAILING] [characters] FROM text, …)`.
    fn trim(&mut self, token: Token) -> Result<Expr> {
        let sides = [(K::Both, "btrim"), (K::Leading, "ltrim"), (K::Trailing, "rtrim")];
        let name = self.eat_one_of(&sides).unwrap_or("btrim");
        let name = catalog_function(name, token.position);
        if self.eat_word(K::From) {
            let args = self.list(Self::expr)?;
            return Ok(standard_call(name, args));
        }
        let first = self.expr()?;
        if self.eat_word(K::From) {
            let mut args = self.list(Self::expr)?;
            args.push(first);
            return Ok(standard_call(name, args));
        }
        let mut args = vec![first];
        while self.eat(Kind::Comma) {
            args.push(self.expr()?);
        }
        Ok(standard_call(name, args))
    }
}

/// The name a keyword function has when it is called like any other: not in `pg_catalog`, so that users' overloads count.
fn keyword_name(parser: &Parser<'_>, token: Token) -> ObjectName {
    let value = token.keyword.word().to_owned();
    ObjectName::from(vec![Ident { value, quote_style: None, span: parser.span(token) }])
}

fn plain_call(name: ObjectName, list: FunctionArgumentList) -> Expr {
    Expr::Function(function(name, FunctionArguments::List(list)))
}

/// The expression of a list that has one plain argument; any other list comes back.
fn single_argument(mut list: FunctionArgumentList) -> Result<Expr, FunctionArgumentList> {
    if list.args.len() != 1 || list.duplicate_treatment.is_some() || !list.clauses.is_empty() {
        return Err(list);
    }
    match list.args.pop() {
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))) => Ok(expr),
        other => {
            list.args.extend(other);
            Err(list)
        }
    }
}

/// What PostgreSQL's grammar refuses about the start of a frame.
fn check_frame_start(start: &WindowFrameBound, between: bool) -> Result<()> {
    let problem = match start {
        WindowFrameBound::Following(None) => "frame start cannot be UNBOUNDED FOLLOWING",
        WindowFrameBound::Following(Some(_)) if !between => {
            "frame starting from following row cannot end with current row"
        }
        _ => return Ok(()),
    };
    Err(Error::new(SqlState::WINDOWING_ERROR, problem))
}

/// What it refuses about the end of one.
fn check_frame_end(start: &WindowFrameBound, end: &WindowFrameBound) -> Result<()> {
    use WindowFrameBound::{CurrentRow, Following, Preceding};
    let problem = match (start, end) {
        (_, Preceding(None)) => "frame end cannot be UNBOUNDED PRECEDING",
        (CurrentRow, Preceding(Some(_))) => "frame starting from current row cannot have preceding rows",
        (Following(Some(_)), Preceding(_) | CurrentRow) => {
            "frame starting from following row cannot have preceding rows"
        }
        _ => return Ok(()),
    };
    Err(Error::new(SqlState::WINDOWING_ERROR, problem))
}
