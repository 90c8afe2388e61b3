//! Runs files of test cases: `expression => answer`, the answers PostgreSQL's own.
//!
//! Expressions are the part of SQL that needs no tables: literals, calls, operators, casts, `AT TIME ZONE`, `EXTRACT`,
//! `OVERLAPS`. They are resolved by [`crate::resolve`] and computed by the registry, so a case also tests that an
//! implementation hangs on the right `pg_proc` entry. Lines `set name = 'value'` change settings.

use std::any::Any;
use std::sync::Arc;

use dictdb_types::datetime::{parse_date_style, parse_interval_style, zone};
use dictdb_types::env::BareEnv;
use dictdb_types::{
    Array, Datum, Env, Error, FormatSettings, Oid, RegKind, Result, Type, TypeInfo, TypeLookup, builtin_types, oids,
    text, typmod,
};

use crate::aggregate::{SortDirection, aggregate};
use crate::facts::{CastContext, Proc, proc_by_oid};
use crate::kernel::{CallContext, key, scalar};
use crate::resolve::{
    ArgSource, BuiltinScope, Coercion, FunctionCall, FunctionMatch, Resolution, Scope, coercion_path, format_type,
    resolve_function, resolve_operator, resolve_prefix_operator,
};
use crate::set_returning::set_returning;

/// An environment whose settings and clock a test chooses.
#[derive(Default)]
pub(crate) struct TestEnv {
    bare: BareEnv,
    format: FormatSettings,
    /// The transaction's time.
    now: i64,
}

impl TypeLookup for TestEnv {
    fn type_info(&self, oid: Oid) -> Option<Arc<TypeInfo>> {
        self.bare.type_info(oid)
    }
}

impl Env for TestEnv {
    fn format(&self) -> &FormatSettings {
        &self.format
    }

    fn check_path_pattern(&self, pattern: &str, flags: &str) -> Result<()> {
        crate::check_path_pattern(pattern, flags)
    }

    fn transaction_timestamp(&self) -> i64 {
        self.now
    }

    fn statement_timestamp(&self) -> i64 {
        self.now
    }

    fn reg_in(&self, kind: RegKind, text: &str) -> Result<Oid> {
        self.bare.reg_in(kind, text)
    }

    fn reg_out(&self, kind: RegKind, oid: Oid) -> String {
        match kind {
            RegKind::Type => format_type(&BuiltinScope, oid),
            _ => self.bare.reg_out(kind, oid),
        }
    }

    fn check_domain(&self, domain: Oid, value: &Datum) -> Result<()> {
        self.bare.check_domain(domain, value)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl TestEnv {
    /// An environment whose transaction began at this time.
    pub(crate) fn at(now: i64) -> Self {
        TestEnv { now, ..TestEnv::default() }
    }

    /// Executes `set name = 'value'`, without the `set`.
    pub(crate) fn set(&mut self, statement: &str) {
        let (name, value) = statement.split_once(" = ").expect("set name = 'value'");
        let value = value.trim_matches('\'');
        let format = &mut self.format;
        match name {
            "timezone" => format.time_zone = zone::from_setting(value).expect("a zone").0,
            "intervalstyle" => format.interval_style = parse_interval_style(value).expect("a style"),
            "datestyle" => {
                let current = (format.date_style, format.date_order);
                let parsed = parse_date_style(value, current, Default::default());
                (format.date_style, format.date_order) = parsed.expect("a style");
            }
            _ => panic!("setting {name}"),
        }
    }
}

/// Runs the cases and panics with every one that differs.
pub(crate) fn run(cases: &str) {
    let mut env = TestEnv::default();
    let mut wrong = String::new();
    for line in cases.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(statement) = line.strip_prefix("set ") {
            env.set(statement);
            continue;
        }
        let (expression, expected) = line.split_once(" => ").expect("expression => answer");
        let answer = answer(&env, expression);
        if answer != expected {
            wrong.push_str(&format!("{expression}\n  PostgreSQL {expected}\n  here       {answer}\n"));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// The text of an expression's value, `NULL`, or the report of an error.
pub(crate) fn answer(env: &TestEnv, expression: &str) -> String {
    let evaluated = Parser::new(env, expression).whole().and_then(|value| env.text_of(&value));
    match evaluated {
        Ok(text) => text,
        Err(error) => {
            let hint = error.fields().hint.as_ref().map_or(String::new(), |hint| format!(" HINT {hint}"));
            format!("ERROR {} {}{hint}", error.code(), error.message())
        }
    }
}

/// Runs the cases of aggregates: `name | type {values} | …`, one array of values per argument. With `name(direct)` or
/// `name()` it is `name(direct) within group (order by …)` over sorted rows.
pub(crate) fn run_aggregates(cases: &str) {
    let env = TestEnv::default();
    let mut wrong = String::new();
    for line in cases.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (case, expected) = line.split_once(" => ").expect("case => answer");
        let answer = env.aggregated(case).unwrap_or_else(|error| format!("ERROR {} {}", error.code(), error.message()));
        if answer != expected {
            wrong.push_str(&format!("{case}\n  PostgreSQL {expected}\n  here       {answer}\n"));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

impl TestEnv {
    fn aggregated(&self, case: &str) -> Result<String> {
        let mut parts = case.split(" | ");
        let call = parts.next().expect("a name");
        let (name, direct) = match call.split_once('(') {
            Some((name, direct)) => (name, Some(direct.trim_end_matches(')'))),
            None => (call, None),
        };
        let direct_values = match direct.filter(|text| !text.is_empty()) {
            Some(text) => vec![Parser::new(self, text).whole()?],
            None => vec![],
        };
        let columns: Vec<(Oid, Arc<Array>)> = parts.map(|part| self.column(part)).collect::<Result<_>>()?;
        let mut types: Vec<Oid> = direct_values.iter().map(|value| value.ty).collect();
        types.extend(columns.iter().map(|(ty, _)| *ty));
        let within_group = direct.is_some();
        let order_by = if within_group { columns.len() } else { 0 };
        let star = columns.is_empty();
        let call = FunctionCall { name, args: &types, within_group, order_by, star, ..FunctionCall::default() };
        let Resolution::Call(chosen) = resolve_function(&BuiltinScope, &call)? else { panic!("no aggregate {name}") };
        let proc = proc_by_oid(chosen.oid).expect("a function");
        let make = aggregate(name, &proc.args).ok_or_else(|| Error::unsupported(format_args!("aggregate {name}")))?;
        let params: Vec<Oid> = chosen.params.iter().map(|param| param.ty).collect();
        let coerce = |datum: &Datum, index: usize| {
            self.coerce(Value { datum: datum.clone(), ty: types[index] }, params[index], CastContext::Implicit)
        };
        let aggregated = direct_values.len();
        let arg_types: Vec<Type> = params[aggregated..].iter().map(|oid| Type::new(*oid)).collect();
        let cx = CallContext::new(self, &arg_types, Type::new(chosen.result));
        let mut rows: Vec<Vec<Datum>> = vec![];
        for row in 0..columns.first().map_or(3, |(_, array)| array.items.len()) {
            let values = columns.iter().enumerate().map(|(n, (_, array))| coerce(&array.items[row], aggregated + n));
            rows.push(values.collect::<Result<_>>()?);
        }
        if within_group {
            rows.sort_by(|a, b| dictdb_types::order::compare(&a[0], &b[0]));
        }
        let mut accumulator = make();
        rows.iter().try_for_each(|row| accumulator.update(&cx, row))?;
        let direct = direct_values.iter().enumerate().map(|(n, value)| coerce(&value.datum, n));
        let direct: Vec<Datum> = direct.collect::<Result<_>>()?;
        let result = accumulator.finish_ordered(&cx, &direct, &vec![SortDirection::default(); order_by])?;
        self.text_of(&Value { datum: result, ty: chosen.result })
    }

    /// `type {values}`. Values that are arrays themselves are written as texts.
    fn column(&self, part: &str) -> Result<(Oid, Arc<Array>)> {
        let (name, values) = part.split_once(' ').expect("type {values}");
        let ty = type_named(name).unwrap_or_else(|| panic!("type {name}"));
        let array = if name.ends_with("[]") { oids::TEXT_ARRAY } else { builtin_types::array_of(ty).expect("arrays") };
        let Datum::Array(items) = text::input(values, Type::new(array), self)? else { panic!("{values}") };
        if !name.ends_with("[]") {
            return Ok((ty, items));
        }
        let read = |item: &Datum| match item {
            Datum::Text(item) => text::input(item, Type::new(ty), self),
            _ => Ok(Datum::Null),
        };
        let items = items.items.iter().map(read).collect::<Result<_>>()?;
        Ok((ty, Arc::new(Array::vector(ty, items))))
    }
}

/// A value with its type; a literal is `unknown` until something asks for a type.
#[derive(Clone, Debug)]
struct Value {
    datum: Datum,
    ty: Oid,
}

impl TestEnv {
    /// `(value)::text` in one line.
    fn text_of(&self, value: &Value) -> Result<String> {
        Ok(match self.coerce(value.clone(), oids::TEXT, CastContext::Explicit)? {
            Datum::Text(text) => text.replace('\n', "\\n"),
            _ => "NULL".into(),
        })
    }

    fn coerce(&self, value: Value, target: Oid, context: CastContext) -> Result<Datum> {
        let path = coercion_path(&BuiltinScope, value.ty, target, context);
        match path.unwrap_or_else(|| panic!("no cast from {} to {target}", value.ty)) {
            Coercion::Identity => Ok(value.datum),
            Coercion::Relabel => Ok(match (value.datum, target) {
                (Datum::Int4(number), oids::OID) => Datum::Oid(number as u32),
                (Datum::Oid(oid), oids::INT4) => Datum::Int4(oid as i32),
                (datum, _) => datum,
            }),
            Coercion::Function(function) => {
                let proc = proc_by_oid(function).expect("a function");
                let more = [Datum::Int4(-1), Datum::Bool(context == CastContext::Explicit)];
                let mut args = vec![value.datum];
                args.extend(more.into_iter().take(proc.args.len() - 1));
                self.call(proc, target, &[value.ty], &args)
            }
            Coercion::ViaIo if value.datum.is_null() => Ok(Datum::Null),
            Coercion::ViaIo => {
                let mut out = String::new();
                text::output(&value.datum, value.ty, self, &mut out)?;
                text::input(&out, Type::new(target), self)
            }
            other => panic!("coercion {other:?}"),
        }
    }

    fn call(&self, proc: &Proc, result: Oid, types: &[Oid], args: &[Datum]) -> Result<Datum> {
        if proc.strict && args.iter().any(Datum::is_null) {
            return Ok(Datum::Null);
        }
        let key = key(proc);
        let kernel = scalar(&key).ok_or_else(|| Error::unsupported(format_args!("function {key}")))?;
        let types: Vec<Type> = types.iter().map(|oid| Type::new(*oid)).collect();
        kernel(&CallContext::new(self, &types, Type::new(result)), args)
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Number(String),
    Text(String),
    Sign(String),
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = |from: usize, wanted: &dyn Fn(char) -> bool| {
            rest[from..].find(|c| !wanted(c)).map_or(rest.len(), |i| from + i)
        };
        let (token, length) = match first {
            ' ' | '\t' => (None, 1),
            '\'' => {
                let (text, length) = quoted(rest);
                (Some(Token::Text(text)), length)
            }
            '0'..='9' => {
                let mut length = end(0, &|c| c.is_ascii_digit() || c == '.' || c == 'e');
                if rest[..length].ends_with('e') {
                    length = end(length + 1, &|c| c.is_ascii_digit());
                }
                (Some(Token::Number(rest[..length].into())), length)
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let length = end(0, &|c| c.is_ascii_alphanumeric() || c == '_');
                (Some(Token::Name(rest[..length].to_ascii_lowercase())), length)
            }
            '"' => {
                let length = 2 + rest[1..].find('"').expect("a closing quote");
                (Some(Token::Name(rest[..length].into())), length)
            }
            '(' | ')' | ',' | '[' | ']' => (Some(Token::Sign(first.into())), 1),
            _ => {
                let length = end(0, &|c| "+-*/<>=:!|%&#~@?^".contains(c)).max(1);
                (Some(Token::Sign(rest[..length].into())), length)
            }
        };
        tokens.extend(token);
        rest = &rest[length..];
    }
    tokens
}

/// The value of a quoted literal and its length.
fn quoted(text: &str) -> (String, usize) {
    let mut length = 1;
    loop {
        length += text[length..].find('\'').expect("a closing quote") + 1;
        if !text[length..].starts_with('\'') {
            return (text[1..length - 1].replace("''", "'"), length);
        }
        length += 1;
    }
}

struct Parser<'e> {
    env: &'e TestEnv,
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

impl<'e> Parser<'e> {
    fn new(env: &'e TestEnv, text: &str) -> Self {
        Parser { env, tokens: tokens(text).into_iter().peekable() }
    }

    fn whole(mut self) -> Result<Value> {
        let value = self.binary(0)?;
        assert!(self.tokens.peek().is_none(), "unread {:?}", self.tokens.collect::<Vec<_>>());
        Ok(value)
    }

    fn sign(&mut self, sign: &str) -> bool {
        self.tokens.next_if(|token| matches!(token, Token::Sign(s) if s == sign)).is_some()
    }

    fn name(&mut self, name: &str) -> bool {
        self.tokens.next_if(|token| matches!(token, Token::Name(n) if n == name)).is_some()
    }

    fn expect(&mut self, sign: &str) {
        assert!(self.sign(sign), "{sign} before {:?}", self.tokens.peek());
    }

    /// Operators of at least this strength: comparisons 0, others 1, sums 2, products 3, powers 4.
    fn binary(&mut self, strength: u8) -> Result<Value> {
        let mut left = self.postfix()?;
        loop {
            let Some(Token::Sign(operator)) = self.tokens.peek() else { return Ok(left) };
            let own = match operator.as_str() {
                ")" | "," | "]" | "::" => return Ok(left),
                "^" => 4,
                "*" | "/" | "%" => 3,
                "+" | "-" => 2,
                "=" | "<" | ">" | "<=" | ">=" | "<>" => 0,
                _ => 1,
            };
            if own < strength {
                return Ok(left);
            }
            let operator = operator.clone();
            self.tokens.next();
            let right = self.binary(own + 1)?;
            left = self.operate(&operator, left, right)?;
        }
    }

    fn operate(&self, operator: &str, left: Value, right: Value) -> Result<Value> {
        let chosen = resolve_operator(&BuiltinScope, None, operator, left.ty, right.ty)?;
        let types = [chosen.left.expect("binary"), chosen.right];
        let left = self.env.coerce(left, types[0], CastContext::Implicit)?;
        let right = self.env.coerce(right, types[1], CastContext::Implicit)?;
        let proc = proc_by_oid(chosen.function).expect("a function");
        Ok(Value { datum: self.env.call(proc, chosen.result, &types, &[left, right])?, ty: chosen.result })
    }

    fn postfix(&mut self) -> Result<Value> {
        let mut value = self.primary()?;
        loop {
            if self.sign("::") {
                value = self.cast(value)?;
            } else if self.name("at") {
                assert!(self.name("time") && self.name("zone"));
                let zone = self.primary()?;
                value = self.function("timezone", vec![zone, value])?;
            } else {
                return Ok(value);
            }
        }
    }

    /// `::type[(modifiers)][\[\]]`.
    fn cast(&mut self, value: Value) -> Result<Value> {
        let Some(Token::Name(name)) = self.tokens.next() else { panic!("a type after ::") };
        let mut target = type_named(&name).unwrap_or_else(|| panic!("type {name}"));
        let mut modifiers = vec![];
        if self.sign("(") {
            while !self.sign(")") {
                let Some(Token::Number(modifier)) = self.tokens.next() else { panic!("a modifier") };
                modifiers.push(modifier);
                self.sign(",");
            }
        }
        if self.sign("[") {
            self.expect("]");
            target = builtin_types::array_of(target).expect("an array type");
        }
        let explicit = CastContext::Explicit;
        if modifiers.is_empty() {
            return Ok(Value { datum: self.env.coerce(value, target, explicit)?, ty: target });
        }
        let ty = Type::with_typmod(target, typmod::from_modifiers(target, &modifiers)?);
        // Functions that cast to bit strings need the length.
        let datum = match (coercion_path(&BuiltinScope, value.ty, target, explicit), target) {
            (Some(Coercion::Function(function)), oids::BIT) => {
                let args = [value.datum, Datum::Int4(ty.typmod), Datum::Bool(true)];
                let proc = proc_by_oid(function).expect("a function");
                self.env.call(proc, target, &[value.ty], &args[..proc.args.len()])?
            }
            _ => self.env.coerce(value, target, explicit)?,
        };
        Ok(Value { datum: typmod::coerce(&datum, ty, true)?, ty: target })
    }

    fn primary(&mut self) -> Result<Value> {
        match self.tokens.next() {
            Some(Token::Text(text)) => Ok(Value { datum: Datum::text(text), ty: oids::UNKNOWN }),
            Some(Token::Number(number)) => number_value(&number, self.env),
            Some(Token::Sign(sign)) if sign == "(" => self.parenthesized(),
            Some(Token::Sign(sign)) => {
                // The sign of a number belongs to the constant.
                if let (Some(Token::Number(number)), "-") = (self.tokens.peek(), sign.as_str()) {
                    let number = format!("-{number}");
                    self.tokens.next();
                    return number_value(&number, self.env);
                }
                let operand = self.postfix()?;
                let chosen = resolve_prefix_operator(&BuiltinScope, None, &sign, operand.ty)?;
                let operand = self.env.coerce(operand, chosen.right, CastContext::Implicit)?;
                let proc = proc_by_oid(chosen.function).expect("a function");
                let datum = self.env.call(proc, chosen.result, &[chosen.right], &[operand])?;
                Ok(Value { datum, ty: chosen.result })
            }
            Some(Token::Name(name)) => self.named(&name),
            token => panic!("no expression begins with {token:?}"),
        }
    }

    /// `(a)`, or `(a, b) overlaps (c, d)`.
    fn parenthesized(&mut self) -> Result<Value> {
        let mut values = self.list()?;
        if values.len() == 1 {
            return Ok(values.remove(0));
        }
        assert!(self.name("overlaps"));
        self.expect("(");
        values.extend(self.list()?);
        self.function("overlaps", values)
    }

    /// Expressions up to a closing parenthesis.
    fn list(&mut self) -> Result<Vec<Value>> {
        let mut values = Vec::new();
        if self.sign(")") {
            return Ok(values);
        }
        loop {
            values.push(self.binary(0)?);
            if !self.sign(",") {
                self.expect(")");
                return Ok(values);
            }
        }
    }

    /// `null`, `true`, `type 'text'`, `extract(field from x)`, `f(x, …)`.
    fn named(&mut self, name: &str) -> Result<Value> {
        match name {
            "null" => return Ok(Value { datum: Datum::Null, ty: oids::UNKNOWN }),
            "true" | "false" => return Ok(Value { datum: Datum::Bool(name == "true"), ty: oids::BOOL }),
            _ => {}
        }
        if let Some(Token::Text(text)) = self.tokens.next_if(|token| matches!(token, Token::Text(_))) {
            let ty = type_named(name).unwrap_or_else(|| panic!("type {name}"));
            return Ok(Value { datum: text::input(&text, Type::new(ty), self.env)?, ty });
        }
        self.expect("(");
        if name == "extract" {
            let Some(Token::Name(field) | Token::Text(field)) = self.tokens.next() else { panic!("a field") };
            assert!(self.name("from"));
            let mut args = vec![Value { datum: Datum::text(field), ty: oids::TEXT }];
            args.extend(self.list()?);
            return self.function(name, args);
        }
        let args = self.list()?;
        self.function(name, args)
    }

    fn function(&self, name: &str, args: Vec<Value>) -> Result<Value> {
        let types: Vec<Oid> = args.iter().map(|value| value.ty).collect();
        let call = FunctionCall { name, args: &types, literal: types == [oids::UNKNOWN], ..FunctionCall::default() };
        match resolve_function(&BuiltinScope, &call)? {
            Resolution::Cast(target) => {
                let value = args.into_iter().next().expect("one argument");
                Ok(Value { datum: self.env.coerce(value, target, CastContext::Explicit)?, ty: target })
            }
            Resolution::Call(chosen) => self.matched(args, &chosen),
        }
    }

    fn matched(&self, args: Vec<Value>, chosen: &FunctionMatch) -> Result<Value> {
        let proc = proc_by_oid(chosen.oid).expect("a function");
        let (mut datums, mut types) = (vec![], vec![]);
        for param in &chosen.params {
            let value = match param.source {
                ArgSource::Given(index) => args[index].clone(),
                ArgSource::Default(index) => {
                    let defaults = proc.defaults.expect("defaults");
                    Parser::new(self.env, defaults.split(", ").nth(index).expect("a default")).whole()?
                }
            };
            datums.push(self.env.coerce(value, param.ty, CastContext::Implicit)?);
            types.push(param.ty);
        }
        if let Some(variadic) = chosen.variadic {
            let items = datums.split_off(variadic.first);
            let element = types.split_off(variadic.first)[0];
            datums.push(Datum::Array(Array::vector(element, items).into()));
            types.push(variadic.array);
        }
        if chosen.returns_set {
            return self.rows(proc, chosen.result, &types, &datums);
        }
        Ok(Value { datum: self.env.call(proc, chosen.result, &types, &datums)?, ty: chosen.result })
    }

    /// The texts of a set's rows, one after the other.
    fn rows(&self, proc: &Proc, result: Oid, types: &[Oid], args: &[Datum]) -> Result<Value> {
        let key = key(proc);
        let function = set_returning(&key).ok_or_else(|| Error::unsupported(format_args!("function {key}")))?;
        let types: Vec<Type> = types.iter().map(|oid| Type::new(*oid)).collect();
        let mut texts = vec![];
        if !(proc.strict && args.iter().any(Datum::is_null)) {
            for row in function(&CallContext::new(self.env, &types, Type::new(result)), args)? {
                texts.push(self.env.text_of(&Value { datum: row?, ty: result })?);
            }
        }
        Ok(Value { datum: Datum::text(texts.join("; ")), ty: oids::TEXT })
    }
}

fn type_named(name: &str) -> Option<Oid> {
    match name {
        _ if name.ends_with("[]") => type_named(&name[..name.len() - 2]).and_then(builtin_types::array_of),
        "int" | "integer" => Some(oids::INT4),
        "smallint" => Some(oids::INT2),
        "bigint" => Some(oids::INT8),
        "real" => Some(oids::FLOAT4),
        "boolean" => Some(oids::BOOL),
        "\"char\"" => Some(oids::CHAR),
        _ => BuiltinScope.type_named(None, name),
    }
}

fn number_value(number: &str, env: &TestEnv) -> Result<Value> {
    if let Ok(value) = number.parse() {
        return Ok(Value { datum: Datum::Int4(value), ty: oids::INT4 });
    }
    if let Ok(value) = number.parse() {
        return Ok(Value { datum: Datum::Int8(value), ty: oids::INT8 });
    }
    Ok(Value { datum: text::input(number, Type::new(oids::NUMERIC), env)?, ty: oids::NUMERIC })
}
