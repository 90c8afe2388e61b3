//! Literals: PostgreSQL's typing of numbers and strings, parameters.

use std::sync::Arc;

use dictdb_parser::ast::{Value, ValueWithSpan};
use dictdb_types::{Datum, Error, Numeric, Result, SqlState, Type, TypeLookup, oids};

use super::Binder;
use crate::expr::Expr;

/// Parameters a statement may have, as the wire protocol limits them.
const MAX_PARAMETERS: usize = 65_535;

impl Binder<'_> {
    pub(crate) fn bind_value(&mut self, value: &ValueWithSpan) -> Result<Expr> {
        let position = self.position(value.span);
        match &value.value {
            Value::Null => Ok(Expr::null(Type::new(oids::UNKNOWN))),
            Value::Boolean(value) => Ok(Expr::boolean(*value)),
            Value::Number(digits, _) => number(digits).map_err(|e| e.at(position)),
            Value::SingleQuotedString(text)
            | Value::EscapedStringLiteral(text)
            | Value::UnicodeStringLiteral(text)
            | Value::NationalStringLiteral(text) => Ok(self.unknown(text, position)),
            Value::DollarQuotedString(quoted) => Ok(self.unknown(&quoted.value, position)),
            Value::SingleQuotedByteStringLiteral(bits) => {
                dictdb_types::text::string::input_bits(&format!("b{bits}")).map_err(|e| e.at(position))?;
                Ok(typed(oids::BIT, -1, bits))
            }
            Value::HexStringLiteral(hex) => hex_bits(hex).map_err(|e| e.at(position)),
            Value::Placeholder(name) => self.bind_placeholder(name).map_err(|e| match e.code() {
                SqlState::INTERNAL_ERROR => e,
                _ => e.at(position),
            }),
            other => Err(Error::unsupported(format_args!("the literal {other}")).at(position)),
        }
    }

    /// A literal whose type its context decides; its place is kept for what may be wrong with it then.
    fn unknown(&mut self, text: &str, position: Option<u32>) -> Expr {
        let text: Arc<str> = Arc::from(text);
        if let Some(position) = position {
            self.literals.insert(text.as_ptr().addr(), position);
        }
        Expr::Const(Datum::Text(text), Type::new(oids::UNKNOWN))
    }

    /// Where a literal stands that was unknown when it was bound.
    pub(crate) fn literal_position(&self, text: &Arc<str>) -> Option<u32> {
        self.literals.get(&text.as_ptr().addr()).copied()
    }

    fn bind_placeholder(&mut self, name: &str) -> Result<Expr> {
        if let Some(index) = dictdb_parser::node::lifted(name) {
            self.lifted = true;
            let ty = self.params.get(index).copied();
            return ty.map(|ty| Expr::Param(index, ty)).ok_or_else(|| Error::internal("a constant was lifted twice"));
        }
        if let Some(variable) = self.variable(&[name])? {
            return Ok(variable);
        }
        let number: usize = name
            .strip_prefix('$')
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| Error::new(SqlState::SYNTAX_ERROR, format!("syntax error at or near \"{name}\"")))?;
        let undefined = || Error::new(SqlState::UNDEFINED_PARAMETER, format!("there is no parameter {name}"));
        if number == 0 || number > MAX_PARAMETERS {
            return Err(undefined());
        }
        if number > self.params.len() {
            if !self.open_params {
                return Err(undefined());
            }
            self.params.resize(number, Type::new(oids::UNKNOWN));
        }
        let ty = self.params[number - 1];
        if ty.oid != oids::UNKNOWN && self.cx.catalog.type_info(ty.oid).is_none() {
            return Err(Error::internal(format!("cache lookup failed for type {}", ty.oid)));
        }
        Ok(Expr::Param(number - 1, ty))
    }

    /// Gives an undecided parameter its type; 42P08 when another use decided otherwise.
    pub(crate) fn decide_param(&mut self, index: usize, ty: Type) -> Result<Expr> {
        let decided = self.params[index];
        if decided.oid == oids::UNKNOWN {
            self.params[index] = Type::new(ty.oid);
        } else if decided.oid != ty.oid {
            return Err(Error::new(
                SqlState::AMBIGUOUS_PARAMETER,
                format!("inconsistent types deduced for parameter ${}", index + 1),
            )
            .detail(format!("{} versus {}", self.type_name(decided), self.type_name(ty))));
        }
        Ok(Expr::Param(index, Type::new(ty.oid)))
    }
}

fn typed(oid: dictdb_types::Oid, typmod: i32, text: &str) -> Expr {
    Expr::Const(Datum::text(text), Type::with_typmod(oid, typmod))
}

/// Integers are `int4`, then `int8`, else `numeric`; whatever has a point or an exponent is `numeric`.
pub(crate) fn number(digits: &str) -> Result<Expr> {
    if let Ok(value) = digits.parse::<i32>() {
        return Ok(Expr::Const(Datum::Int4(value), Type::new(oids::INT4)));
    }
    if let Ok(value) = digits.parse::<i64>() {
        return Ok(Expr::Const(Datum::Int8(value), Type::new(oids::INT8)));
    }
    let value: Numeric = Numeric::parse(digits)?;
    Ok(Expr::Const(Datum::Numeric(value), Type::new(oids::NUMERIC)))
}

fn hex_bits(hex: &str) -> Result<Expr> {
    let mut bits = String::with_capacity(hex.len() * 4);
    for digit in hex.chars() {
        let value = digit.to_digit(16).ok_or_else(|| {
            Error::new(SqlState::INVALID_TEXT_REPRESENTATION, format!("\"{digit}\" is not a valid hexadecimal digit"))
        })?;
        bits.push_str(&format!("{value:04b}"));
    }
    Ok(typed(oids::BIT, -1, &bits))
}
