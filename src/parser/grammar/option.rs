//! Numbers and option lists that many commands share: `WITH (name = value, …)`, `(name value, …)`.

use dictdb_types::Result;
use sqlparser::ast::{Ident, ObjectName};

use super::Parser;
use crate::keyword::{Category, Keyword as K};
use crate::token::Kind;
use crate::utility::{Behavior, DefElem, DefValue};

impl Parser<'_> {
    /// `NumericOnly`: a number with its sign, as text without `+`.
    pub(super) fn signed_number(&mut self) -> Result<String> {
        let negative = self.is(Kind::Minus);
        if negative || self.is(Kind::Plus) {
            self.advance();
        }
        if !matches!(self.kind(), Kind::Integer | Kind::Float) {
            return Err(self.unexpected());
        }
        let token = self.advance();
        Ok(format!("{}{}", if negative { "-" } else { "" }, self.text(token)))
    }

    /// `SignedIconst`.
    pub(super) fn signed_integer(&mut self) -> Result<i64> {
        let negative = self.is(Kind::Minus);
        if negative || self.is(Kind::Plus) {
            self.advance();
        }
        let value = i64::from(self.integer()?);
        Ok(if negative { -value } else { value })
    }

    /// `opt_drop_behavior`.
    pub(super) fn behavior(&mut self) -> Behavior {
        self.eat_one_of(&[(K::Cascade, Behavior::Cascade), (K::Restrict, Behavior::Restrict)]).unwrap_or_default()
    }

    /// `IF EXISTS`.
    pub(super) fn if_exists(&mut self) -> Result<bool> {
        if !self.is_word(K::If) || self.nth(1).keyword != K::Exists {
            return Ok(false);
        }
        self.at += 2;
        Ok(true)
    }

    /// `IF NOT EXISTS`. An object may be called `if`, so the next word decides.
    pub(super) fn if_not_exists(&mut self) -> Result<bool> {
        if !self.are_words(&[K::If, K::Not]) {
            return Ok(false);
        }
        self.at += 2;
        self.expect_word(K::Exists)?;
        Ok(true)
    }

    /// `WITH (…)` if it comes next.
    pub(super) fn with_options(&mut self) -> Result<Vec<DefElem>> {
        if self.eat_word(K::With) { self.reloptions() } else { Ok(Vec::new()) }
    }

    /// `reloptions`: `(namespace.name = value, …)`.
    pub(super) fn reloptions(&mut self) -> Result<Vec<DefElem>> {
        self.in_parens(|parser| {
            let mut name = parser.col_label()?;
            let mut namespace = None;
            if parser.eat(Kind::Dot) {
                namespace = Some(std::mem::replace(&mut name, parser.col_label()?));
            }
            let value = if parser.eat(Kind::Equal) { Some(parser.def_value()?) } else { None };
            Ok(DefElem { namespace, name, value })
        })
    }

    /// `definition`: `(name = value, …)`.
    pub(super) fn definition(&mut self) -> Result<Vec<DefElem>> {
        self.in_parens(|parser| {
            let name = parser.col_label()?;
            let value = if parser.eat(Kind::Equal) { Some(parser.def_value()?) } else { None };
            Ok(DefElem { namespace: None, name, value })
        })
    }

    /// `def_arg`: a type, a reserved word, an operator, a number or a string.
    pub(super) fn def_value(&mut self) -> Result<DefValue> {
        let token = self.peek();
        if self.is_string() {
            return Ok(DefValue::String(self.string()?));
        }
        match token.kind {
            Kind::Integer | Kind::Float => Ok(DefValue::Number(self.signed_number()?)),
            Kind::Plus | Kind::Minus if matches!(self.nth(1).kind, Kind::Integer | Kind::Float) => {
                Ok(DefValue::Number(self.signed_number()?))
            }
            Kind::Word if token.keyword == K::Operator && self.nth(1).kind == Kind::LeftParen => self.def_operator(),
            Kind::Word if token.keyword == K::None => {
                self.advance();
                Ok(DefValue::Keyword(self.text(token).to_ascii_lowercase()))
            }
            Kind::Word if token.keyword.category() == Some(Category::Reserved) => {
                self.advance();
                Ok(DefValue::Keyword(token.keyword.word().to_owned()))
            }
            Kind::Word | Kind::QuotedName | Kind::UnicodeName => {
                let is_set = token.keyword == K::Setof;
                let data_type = self.function_type()?;
                Ok(if is_set { DefValue::SetOf(data_type) } else { DefValue::Type(data_type) })
            }
            _ => self.def_operator(),
        }
    }

    fn def_operator(&mut self) -> Result<DefValue> {
        let (schema, name, _) = self.any_operator()?;
        let path: Vec<Ident> = schema.into_iter().chain([name]).map(Ident::new).collect();
        Ok(DefValue::Operator(ObjectName::from(path)))
    }

    /// `copy_generic_opt_list`: any word may name an option.
    pub(super) fn copy_generic_options(&mut self) -> Result<Vec<DefElem>> {
        self.in_parens(|parser| {
            let name = parser.col_label()?;
            let value = parser.utility_option_value()?;
            Ok(DefElem { namespace: None, name, value })
        })
    }

    /// `utility_option_list`: `(name value, …)` without an equals sign.
    pub(super) fn utility_options(&mut self) -> Result<Vec<DefElem>> {
        self.in_parens(|parser| {
            let name = parser.utility_option_name()?;
            let value = parser.utility_option_value()?;
            Ok(DefElem { namespace: None, name, value })
        })
    }

    /// Any word but a reserved one, and `ANALYZE`, `FORMAT` and the like.
    fn utility_option_name(&mut self) -> Result<Ident> {
        if self.is_any(&[K::Analyze, K::Analyse]) {
            let mut name = self.ident()?;
            name.value = "analyze".to_owned();
            return Ok(name);
        }
        self.non_reserved()
    }

    fn utility_option_value(&mut self) -> Result<Option<DefValue>> {
        let token = self.peek();
        if self.is_string() {
            return Ok(Some(DefValue::String(self.string()?)));
        }
        match token.kind {
            Kind::Integer | Kind::Float | Kind::Plus | Kind::Minus => Ok(Some(DefValue::Number(self.signed_number()?))),
            Kind::Star => {
                self.advance();
                Ok(Some(DefValue::Star))
            }
            Kind::LeftParen => self.in_parens(Self::boolean_or_string).map(|list| Some(DefValue::List(list))),
            Kind::Word | Kind::QuotedName | Kind::UnicodeName => self.boolean_or_string().map(Some),
            _ => Ok(None),
        }
    }

    /// `opt_boolean_or_string`: `true`, `false`, `on`, a word, a string.
    pub(super) fn boolean_or_string(&mut self) -> Result<DefValue> {
        if self.is_any(&[K::True, K::False, K::On]) {
            let word = self.advance().keyword.word();
            return Ok(DefValue::Keyword(word.to_owned()));
        }
        if self.is_string() {
            return Ok(DefValue::String(self.string()?));
        }
        Ok(DefValue::Keyword(self.non_reserved()?.value))
    }
}
