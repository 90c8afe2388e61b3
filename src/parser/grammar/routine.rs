//! Functions and procedures: `CREATE`, `ALTER`, and how commands name them.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::{Ident, ObjectName};

use super::Parser;
use crate::keyword::Keyword as K;
use crate::token::{Kind, Token};
use crate::utility::{
    AlterFunction, CreateFunction, FunctionOption, FunctionParam, FunctionRef, FunctionReturns, ObjectKind, ParamMode,
    Set, SetScope, Utility,
};

impl Parser<'_> {
    /// `CREATE [OR REPLACE] FUNCTION/PROCEDURE …`, after these words.
    pub(super) fn create_function(&mut self, or_replace: bool, procedure: bool) -> Result<Utility> {
        let name = self.function_name()?;
        let params = self.function_params(true)?;
        let returns = match !procedure && self.eat_word(K::Returns) {
            true => Some(self.function_returns()?),
            false => None,
        };
        let mut options = Vec::new();
        loop {
            let position = self.position();
            let Some(option) = self.function_option(true)? else { break };
            if procedure {
                option.check_of_procedure().map_err(|error| error.at(Some(position)))?;
            }
            options.push(option);
        }
        if let Some(body) = self.routine_body()? {
            options.push(body);
        }
        Ok(Utility::CreateFunction(Box::new(CreateFunction { procedure, or_replace, name, params, returns, options })))
    }

    fn function_returns(&mut self) -> Result<FunctionReturns> {
        if self.is_word(K::Table) {
            self.advance();
            return Ok(FunctionReturns::Table(self.in_parens(|parser| {
                let name = Some(parser.type_function_name()?);
                let type_position = parser.position();
                let data_type = parser.function_type()?;
                Ok(FunctionParam { mode: None, name, data_type, type_position, default: None })
            })?));
        }
        let setof = self.eat_word(K::Setof);
        Ok(FunctionReturns::Type { data_type: self.function_type()?, setof })
    }

    /// `func_args_with_defaults`, or `func_args`.
    pub(super) fn function_params(&mut self, defaults: bool) -> Result<Vec<FunctionParam>> {
        self.expect(Kind::LeftParen)?;
        let params = match self.is(Kind::RightParen) {
            true => Vec::new(),
            false => self.list(|parser| parser.function_param(defaults))?,
        };
        self.expect(Kind::RightParen)?;
        Ok(params)
    }

    fn param_mode(&mut self) -> Option<ParamMode> {
        if self.eat_words(&[K::In, K::Out]) {
            return Some(ParamMode::InOut);
        }
        self.eat_one_of(&[
            (K::In, ParamMode::In),
            (K::Out, ParamMode::Out),
            (K::Inout, ParamMode::InOut),
            (K::Variadic, ParamMode::Variadic),
        ])
    }

    /// `func_arg`: mode and name in either order, both optional.
    fn function_param(&mut self, defaults: bool) -> Result<FunctionParam> {
        let mut mode = self.param_mode();
        let name = if self.starts_param_name() { Some(self.type_function_name()?) } else { None };
        if mode.is_none() && name.is_some() {
            mode = self.param_mode();
        }
        let type_position = self.position();
        if self.is_word(K::Setof) {
            let message = "functions cannot accept set arguments";
            return Err(Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message));
        }
        let data_type = self.function_type()?;
        let default = match defaults && (self.eat_word(K::Default) || self.eat(Kind::Equal)) {
            true => Some(self.source_expr(Self::expr)?),
            false => None,
        };
        Ok(FunctionParam { mode, name, data_type, type_position, default })
    }

    /// Whether a name comes next rather than a type: then a type or a mode follows it.
    fn starts_param_name(&self) -> bool {
        let (first, second) = (self.peek(), self.nth(1));
        if !self.is_type_function_name(first) || (first.keyword == K::Double && second.keyword == K::Precision) {
            return false;
        }
        self.may_start_type(second) || matches!(second.keyword, K::In | K::Out | K::Inout | K::Variadic | K::Setof)
    }

    fn may_start_type(&self, token: Token) -> bool {
        let standard = matches!(
            token.keyword,
            K::Int
                | K::Integer
                | K::Smallint
                | K::Bigint
                | K::Real
                | K::Float
                | K::Decimal
                | K::Dec
                | K::Numeric
                | K::Boolean
                | K::Bit
                | K::Character
                | K::Char
                | K::Varchar
                | K::National
                | K::Nchar
                | K::Timestamp
                | K::Time
                | K::Interval
        );
        standard || self.is_type_function_name(token)
    }

    /// `createfunc_opt_item`, or only those an `ALTER` may have.
    fn function_option(&mut self, create: bool) -> Result<Option<FunctionOption>> {
        let token = self.peek();
        if create {
            match token.keyword {
                K::As => {
                    self.advance();
                    let definition = self.string()?;
                    let symbol = if self.eat(Kind::Comma) { Some(self.string()?) } else { None };
                    return Ok(Some(FunctionOption::As(definition, symbol)));
                }
                K::Language => {
                    self.advance();
                    return Ok(Some(FunctionOption::Language(Ident::new(self.word_or_string()?))));
                }
                K::Transform => {
                    self.advance();
                    let types = self.list(|parser| {
                        parser.expect_words(&[K::For, K::Type])?;
                        parser.type_name()
                    })?;
                    return Ok(Some(FunctionOption::Transform(types)));
                }
                K::Window => {
                    self.advance();
                    return Ok(Some(FunctionOption::Window));
                }
                _ => {}
            }
        }
        self.common_function_option()
    }

    /// `common_func_opt_item`.
    fn common_function_option(&mut self) -> Result<Option<FunctionOption>> {
        let keyword = self.keyword();
        if keyword == K::Set {
            self.advance();
            let action = self.set_rest_more()?;
            return Ok(Some(FunctionOption::Set(Set { scope: SetScope::Session, action })));
        }
        if keyword == K::Reset {
            let action = self.reset()?;
            return Ok(Some(FunctionOption::Set(Set { scope: SetScope::Session, action })));
        }
        let known = matches!(
            keyword,
            K::Called
                | K::Returns
                | K::Strict
                | K::Immutable
                | K::Stable
                | K::Volatile
                | K::External
                | K::Security
                | K::Leakproof
                | K::Not
                | K::Cost
                | K::Rows
                | K::Support
                | K::Parallel
        );
        if !known {
            return Ok(None);
        }
        self.advance();
        Ok(Some(match keyword {
            K::Called => {
                self.expect_words(&[K::On, K::Null, K::Input])?;
                FunctionOption::Strict(false)
            }
            K::Returns => {
                self.expect_words(&[K::Null, K::On, K::Null, K::Input])?;
                FunctionOption::Strict(true)
            }
            K::Strict => FunctionOption::Strict(true),
            K::Immutable => FunctionOption::Volatility('i'),
            K::Stable => FunctionOption::Volatility('s'),
            K::Volatile => FunctionOption::Volatility('v'),
            K::External => {
                self.expect_word(K::Security)?;
                FunctionOption::SecurityDefiner(self.advance_if_any(&[K::Definer, K::Invoker])? == K::Definer)
            }
            K::Security => {
                FunctionOption::SecurityDefiner(self.advance_if_any(&[K::Definer, K::Invoker])? == K::Definer)
            }
            K::Leakproof => FunctionOption::Leakproof(true),
            K::Not => {
                self.expect_word(K::Leakproof)?;
                FunctionOption::Leakproof(false)
            }
            K::Cost => FunctionOption::Cost(self.signed_number()?),
            K::Rows => FunctionOption::Rows(self.signed_number()?),
            K::Support => FunctionOption::Support(self.any_name()?),
            _ => FunctionOption::Parallel(self.col_id()?),
        }))
    }

    /// `RETURN expression`, `BEGIN ATOMIC … END`.
    fn routine_body(&mut self) -> Result<Option<FunctionOption>> {
        if self.eat_word(K::Return) {
            return Ok(Some(FunctionOption::Return(self.source_expr(Self::expr)?)));
        }
        if !self.eat_word(K::Begin) {
            return Ok(None);
        }
        self.expect_word(K::Atomic)?;
        let start = self.start();
        let (mut count, mut returns) = (0, Vec::new());
        loop {
            while self.eat(Kind::Semicolon) {}
            if self.is_word(K::End) {
                let text = self.text_since(start).to_owned();
                self.advance();
                return Ok(Some(FunctionOption::Atomic { text, returns }));
            }
            if self.is_word(K::Return) {
                returns.push((count, self.start() - start));
                self.advance();
                self.nested(Self::expr)?;
            } else {
                self.nested(Self::statement)?;
            }
            count += 1;
            self.expect(Kind::Semicolon)?;
        }
    }

    /// `ALTER FUNCTION/PROCEDURE/ROUTINE … option …`, from the first option on.
    pub(super) fn alter_function(&mut self, kind: ObjectKind, function: FunctionRef) -> Result<Utility> {
        let mut options = Vec::new();
        while let Some(option) = self.function_option(false)? {
            options.push(option);
        }
        if options.is_empty() {
            return Err(self.unexpected());
        }
        self.eat_word(K::Restrict);
        Ok(Utility::AlterFunction(AlterFunction { kind, function, options }))
    }

    /// `function_with_argtypes`.
    pub(super) fn function_ref(&mut self) -> Result<FunctionRef> {
        let token = self.peek();
        let name = match self.is_col_id(token) {
            true => self.any_name()?,
            false => ObjectName::from(vec![self.type_function_name()?]),
        };
        let args = if self.is(Kind::LeftParen) { Some(self.function_params(false)?) } else { None };
        Ok(FunctionRef { name, args, direct_args: None })
    }

    /// `aggregate_with_argtypes`.
    pub(super) fn aggregate_ref(&mut self) -> Result<FunctionRef> {
        let name = self.function_name()?;
        let (args, direct_args) = self.aggregate_params()?;
        Ok(FunctionRef { name, args: Some(args), direct_args })
    }

    /// `aggr_args`: `(*)`, `(types)`, `(types ORDER BY types)`.
    pub(super) fn aggregate_params(&mut self) -> Result<(Vec<FunctionParam>, Option<usize>)> {
        self.expect(Kind::LeftParen)?;
        if self.eat(Kind::Star) {
            self.expect(Kind::RightParen)?;
            return Ok((Vec::new(), None));
        }
        let mut params = match self.is_word(K::Order) {
            true => Vec::new(),
            false => self.list(|parser| parser.function_param(false))?,
        };
        let mut direct = None;
        if self.eat_word(K::Order) {
            self.expect_word(K::By)?;
            direct = Some(params.len());
            let ordered = self.list(|parser| parser.function_param(false))?;
            let variadic = |param: Option<&FunctionParam>| param.is_some_and(|p| p.mode == Some(ParamMode::Variadic));
            // A variadic direct argument takes the ordered ones along, so they must be the same.
            match variadic(params.last()) {
                true if ordered.len() == 1 && variadic(ordered.first()) => {}
                true => {
                    let message = "an ordered-set aggregate with a VARIADIC direct argument must have one VARIADIC \
                                   aggregated argument of the same data type";
                    return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message).at(Some(self.position())));
                }
                false => params.extend(ordered),
            }
        }
        self.expect(Kind::RightParen)?;
        Ok((params, direct))
    }
}
