//! Types: `int`, `numeric(10,2)[]`, `interval day to second(3)`, `schema.name`.
//!
//! Every type becomes a name with modifiers ([`crate::TypeName`]); the words of the standard become the `pg_catalog` names
//! they stand for.

use dictdb_types::{Error, Result, SqlState};
use sqlparser::ast::{ArrayElemTypeDef, DataType, Ident, ObjectName};

use super::Parser;
use super::name::Named;
use crate::keyword::Keyword as K;
use crate::token::{Kind, Token};
use crate::type_name::OF_COLUMN;

/// Types of the standard that are one word without modifiers.
const PLAIN: &[(K, &str)] = &[
    (K::Int, "int4"),
    (K::Integer, "int4"),
    (K::Smallint, "int2"),
    (K::Bigint, "int8"),
    (K::Real, "float4"),
    (K::Boolean, "bool"),
];

/// Fields of an interval and their bits in its type modifier.
const YEAR: u32 = 1 << 2;
const MONTH: u32 = 1 << 1;
const DAY: u32 = 1 << 3;
const HOUR: u32 = 1 << 10;
const MINUTE: u32 = 1 << 11;
const SECOND: u32 = 1 << 12;
const ALL_FIELDS: u32 = 0x7fff;

const INTERVAL_FIELDS: &[(K, u32)] =
    &[(K::Year, YEAR), (K::Month, MONTH), (K::Day, DAY), (K::Hour, HOUR), (K::Minute, MINUTE), (K::Second, SECOND)];

/// `first TO last` and the bits of all fields between them.
const INTERVAL_RANGES: &[(u32, u32, u32)] = &[
    (YEAR, MONTH, YEAR | MONTH),
    (DAY, HOUR, DAY | HOUR),
    (DAY, MINUTE, DAY | HOUR | MINUTE),
    (DAY, SECOND, DAY | HOUR | MINUTE | SECOND),
    (HOUR, MINUTE, HOUR | MINUTE),
    (HOUR, SECOND, HOUR | MINUTE | SECOND),
    (MINUTE, SECOND, MINUTE | SECOND),
];

impl Parser<'_> {
    /// `Typename`. A cast may say `SETOF` to no effect; where it means something its rule asks for it first.
    pub(super) fn type_name(&mut self) -> Result<DataType> {
        self.eat_word(K::Setof);
        let mut data_type = self.simple_type()?;
        if self.eat_word(K::Array) {
            let bound = self.is(Kind::LeftBracket).then(|| self.array_bound()).transpose()?.flatten();
            return Ok(array_of(data_type, bound));
        }
        while self.is(Kind::LeftBracket) {
            let bound = self.array_bound()?;
            data_type = array_of(data_type, bound);
        }
        Ok(data_type)
    }

    fn array_bound(&mut self) -> Result<Option<u64>> {
        self.expect(Kind::LeftBracket)?;
        let bound = if self.is(Kind::RightBracket) { None } else { Some(self.integer()?) };
        self.expect(Kind::RightBracket)?;
        Ok(bound.and_then(|bound| u64::try_from(bound).ok()))
    }

    /// `Iconst`.
    pub(super) fn integer(&mut self) -> Result<i32> {
        let token = self.expect(Kind::Integer)?;
        self.text(token).parse().map_err(|_| self.unexpected_at(token))
    }

    /// `SimpleTypename`.
    fn simple_type(&mut self) -> Result<DataType> {
        if let Some(standard) = self.standard_type(false)? {
            return Ok(standard);
        }
        if self.is_word(K::Interval) {
            let token = self.advance();
            let modifiers = match self.is(Kind::LeftParen) {
                true => vec![ALL_FIELDS.to_string(), self.precision()?.unwrap_or_default()],
                false => self.interval_fields()?,
            };
            return Ok(self.catalog_type(token, "interval", modifiers));
        }
        let position = self.position();
        let first = self.type_function_name()?;
        let mut names = vec![first];
        while self.eat(Kind::Dot) {
            names.push(self.col_label()?);
        }
        let modifiers = if self.is(Kind::LeftParen) { self.type_modifiers(position)? } else { Vec::new() };
        let names = self.within_database(names, Named::Object)?;
        Ok(DataType::Custom(ObjectName::from(names), modifiers))
    }

    /// A type as functions declare it, where `table.column%TYPE` may stand.
    pub(super) fn function_type(&mut self) -> Result<DataType> {
        let token = self.peek();
        if self.is_type_function_name(token) && !self.is_word(K::Double) {
            let mut ahead = 1;
            while self.nth(ahead).kind == Kind::Dot {
                ahead += 2;
            }
            if ahead > 1 && self.nth(ahead).kind == Kind::Percent && self.nth(ahead + 1).keyword == K::Type {
                let first = self.type_function_name()?;
                let names = self.dotted(first)?;
                self.advance();
                self.advance();
                let names = self.within_database(names, Named::ColumnOfRelation)?;
                return Ok(DataType::Custom(ObjectName::from(names), vec![OF_COLUMN.to_owned()]));
            }
        }
        self.type_name()
    }

    /// The types PostgreSQL spells as keywords, except `interval`. In constants (`char 'x'`) a character type without a
    /// length has none, elsewhere it has length 1.
    pub(super) fn standard_type(&mut self, constant: bool) -> Result<Option<DataType>> {
        let token = self.peek();
        if let Some(name) = self.eat_one_of(PLAIN) {
            return Ok(Some(self.catalog_type(token, name, Vec::new())));
        }
        let data_type = match token.keyword {
            K::Float => {
                self.advance();
                self.float_type(token)?
            }
            K::Double if self.nth(1).keyword == K::Precision => {
                self.at += 2;
                self.catalog_type(token, "float8", Vec::new())
            }
            K::Decimal | K::Dec | K::Numeric => {
                self.advance();
                let modifiers =
                    if self.is(Kind::LeftParen) { self.type_modifiers(token.position)? } else { Vec::new() };
                self.catalog_type(token, "numeric", modifiers)
            }
            K::Bit => {
                self.advance();
                self.bit_type(token, constant)?
            }
            K::Character | K::Char | K::Varchar | K::National | K::Nchar => self.character_type(constant)?,
            K::Timestamp | K::Time => {
                self.advance();
                self.date_time_type(token)?
            }
            _ => return Ok(None),
        };
        Ok(Some(data_type))
    }

    fn float_type(&mut self, token: Token) -> Result<DataType> {
        let mut name = "float8";
        if self.is(Kind::LeftParen) {
            self.advance();
            let position = self.position();
            let bits = self.integer()?;
            self.expect(Kind::RightParen)?;
            let problem = match bits {
                ..1 => Some("precision for type float must be at least 1 bit"),
                54.. => Some("precision for type float must be less than 54 bits"),
                _ => None,
            };
            if let Some(problem) = problem {
                return Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, problem).at(Some(position)));
            }
            if bits < 25 {
                name = "float4";
            }
        }
        Ok(self.catalog_type(token, name, Vec::new()))
    }

    fn bit_type(&mut self, token: Token, constant: bool) -> Result<DataType> {
        let varying = self.eat_word(K::Varying);
        let modifiers = match (self.is(Kind::LeftParen), varying || constant) {
            (true, _) => self.type_modifiers(token.position)?,
            (false, true) => Vec::new(),
            (false, false) => vec!["1".to_owned()],
        };
        Ok(self.catalog_type(token, if varying { "varbit" } else { "bit" }, modifiers))
    }

    fn character_type(&mut self, constant: bool) -> Result<DataType> {
        let token = self.advance();
        if token.keyword == K::National && !(self.eat_word(K::Character) || self.eat_word(K::Char)) {
            return Err(self.unexpected());
        }
        let varying = token.keyword == K::Varchar || self.eat_word(K::Varying);
        let modifiers = match (self.is(Kind::LeftParen), varying || constant) {
            (true, _) => {
                self.advance();
                let length = self.integer()?;
                self.expect(Kind::RightParen)?;
                vec![length.to_string()]
            }
            (false, true) => Vec::new(),
            (false, false) => vec!["1".to_owned()],
        };
        Ok(self.catalog_type(token, if varying { "varchar" } else { "bpchar" }, modifiers))
    }

    fn date_time_type(&mut self, token: Token) -> Result<DataType> {
        let modifiers: Vec<String> = self.precision()?.into_iter().collect();
        let zoned = if self.are_words(&[K::With, K::Time]) {
            self.at += 2;
            self.expect_word(K::Zone)?;
            true
        } else {
            self.eat_phrase(&[K::Without, K::Time, K::Zone])?;
            false
        };
        let name = match (token.keyword, zoned) {
            (K::Timestamp, true) => "timestamptz",
            (K::Timestamp, false) => "timestamp",
            (_, true) => "timetz",
            (_, false) => "time",
        };
        Ok(self.catalog_type(token, name, modifiers))
    }

    /// `(n)` if a parenthesis comes next.
    fn precision(&mut self) -> Result<Option<String>> {
        if !self.eat(Kind::LeftParen) {
            return Ok(None);
        }
        let precision = self.integer()?;
        self.expect(Kind::RightParen)?;
        Ok(Some(precision.to_string()))
    }

    /// `opt_interval`: the modifiers of an interval type, which are a mask of fields and perhaps a precision.
    pub(super) fn interval_fields(&mut self) -> Result<Vec<String>> {
        let Some(first) = self.eat_one_of(INTERVAL_FIELDS) else { return Ok(Vec::new()) };
        let mut mask = first;
        let mut last = first;
        let ranged = INTERVAL_RANGES.iter().any(|(from, ..)| *from == first);
        if ranged && self.eat_word(K::To) {
            let ends = INTERVAL_FIELDS.iter().find(|(keyword, _)| *keyword == self.keyword()).map(|(_, field)| *field);
            let range = INTERVAL_RANGES.iter().find(|(from, to, _)| *from == first && Some(*to) == ends);
            let (_, to, bits) = range.ok_or_else(|| self.unexpected())?;
            self.advance();
            (mask, last) = (*bits, *to);
        }
        let precision = if last == SECOND { self.precision()? } else { None };
        Ok([mask.to_string()].into_iter().chain(precision).collect())
    }

    /// `interval '…' fields` and `interval(p) '…'` after the word `interval`.
    pub(super) fn interval_type(&mut self, token: Token, modifiers: Vec<String>) -> DataType {
        self.catalog_type(token, "interval", modifiers)
    }

    /// The modifiers of `interval(p)`.
    pub(super) fn interval_precision(&mut self) -> Result<Vec<String>> {
        Ok(vec![ALL_FIELDS.to_string(), self.precision()?.unwrap_or_default()])
    }

    /// `(modifier, …)`: constants and words.
    fn type_modifiers(&mut self, type_position: u32) -> Result<Vec<String>> {
        let modifiers = self.in_parens(Self::expr)?;
        modifiers.iter().map(super::primary::simple_constant).collect::<Option<_>>().ok_or_else(|| {
            let message = "type modifiers must be simple constants or identifiers";
            Error::new(SqlState::SYNTAX_ERROR, message).at(Some(type_position))
        })
    }

    fn catalog_type(&self, token: Token, name: &str, modifiers: Vec<String>) -> DataType {
        let schema = Ident { value: "pg_catalog".to_owned(), quote_style: None, span: self.span(token) };
        let name = Ident { value: name.to_owned(), quote_style: None, span: self.span(token) };
        DataType::Custom(ObjectName::from(vec![schema, name]), modifiers)
    }
}

fn array_of(element: DataType, bound: Option<u64>) -> DataType {
    DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(element), bound))
}
