//! The grammar of paths, by recursive descent.

use super::lexer::{Lexer, NumberText, Token};
use super::{Accessor, Arithmetic, Comparison, JsonPath, Method, Node, Primary};
use crate::{Error, Result, SqlState};

/// Deepest nesting of expressions.
const MAX_DEPTH: usize = 200;

/// What says whether a pattern of `like_regex` with its flags is one.
pub(super) type PatternCheck<'a> = &'a dyn Fn(&str, &str) -> Result<()>;

/// Reads a path; `stored` is the text of a value, in which what is applied to a predicate stands right behind it.
pub(super) fn parse(text: &str, check: PatternCheck<'_>, stored: bool) -> Result<JsonPath> {
    let mut parser = Parser {
        lexer: Lexer::new(text),
        token: Token::End,
        check,
        stored,
        misplaced: None,
        filters: 0,
        subscripts: 0,
        depth: 0,
    };
    parser.advance()?;
    if parser.token == Token::End {
        let message = format!("invalid input syntax for type jsonpath: \"{text}\"");
        return Err(Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message));
    }
    let strict = parser.word("strict")?;
    if !strict {
        parser.word("lax")?;
    }
    let root = parser.or()?;
    if parser.token != Token::End {
        return Err(parser.unexpected());
    }
    match parser.misplaced {
        Some(message) => Err(Error::new(SqlState::SYNTAX_ERROR, message)),
        None => Ok(JsonPath { strict, root }),
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token,
    check: PatternCheck<'a>,
    stored: bool,
    /// The first `@` or `last` where there is none, which is refused when all the rest is right.
    misplaced: Option<&'static str>,
    /// Filters around: `@` needs one.
    filters: usize,
    /// Subscripts around: `last` needs one.
    subscripts: usize,
    depth: usize,
}

const COMPARISONS: &[(&str, Comparison)] = &[
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<>", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

const METHODS: &[Method] =
    &[Method::Type, Method::Size, Method::Abs, Method::Floor, Method::Ceiling, Method::Double, Method::KeyValue];

/// Words that are key words in any case; `null`, `true` and `false` only in lower case.
fn is_word(name: &str, word: &str) -> bool {
    if matches!(word, "null" | "true" | "false") { name == word } else { name.eq_ignore_ascii_case(word) }
}

impl Parser<'_> {
    fn advance(&mut self) -> Result<()> {
        self.token = self.lexer.next()?;
        Ok(())
    }

    fn unexpected(&self) -> Error {
        self.lexer.error("syntax error")
    }

    fn sign(&mut self, sign: &str) -> Result<bool> {
        let found = self.token == Token::Sign(sign_of(sign));
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect(&mut self, sign: &str) -> Result<()> {
        if self.sign(sign)? { Ok(()) } else { Err(self.unexpected()) }
    }

    fn word(&mut self, word: &str) -> Result<bool> {
        let found = matches!(&self.token, Token::Name(name) if is_word(name, word));
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn predicate(&self, node: Node) -> Result<Node> {
        if node.is_predicate() { Ok(node) } else { Err(self.unexpected()) }
    }

    fn expression(&self, node: Node) -> Result<Node> {
        if node.is_predicate() { Err(self.unexpected()) } else { Ok(node) }
    }

    fn or(&mut self) -> Result<Node> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded"));
        }
        let mut left = self.and()?;
        while self.token == Token::Sign("||") {
            left = self.predicate(left)?;
            self.advance()?;
            let right = self.and()?;
            left = Node::Or(Box::new(left), Box::new(self.predicate(right)?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Node> {
        let mut left = self.comparison()?;
        while self.token == Token::Sign("&&") {
            left = self.predicate(left)?;
            self.advance()?;
            let right = self.comparison()?;
            left = Node::And(Box::new(left), Box::new(self.predicate(right)?));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Node> {
        let left = self.sum()?;
        if let Token::Sign(sign) = self.token
            && let Some((_, operator)) = COMPARISONS.iter().find(|(s, _)| *s == sign)
        {
            let left = self.expression(left)?;
            self.advance()?;
            let right = self.sum()?;
            return Ok(Node::Comparison(*operator, Box::new(left), Box::new(self.expression(right)?)));
        }
        if matches!(&self.token, Token::Name(name) if is_word(name, "starts")) {
            let left = self.expression(left)?;
            self.advance()?;
            return self.starts_with(left);
        }
        if matches!(&self.token, Token::Name(name) if is_word(name, "like_regex")) {
            let left = self.expression(left)?;
            self.advance()?;
            return self.like_regex(left);
        }
        Ok(left)
    }

    fn starts_with(&mut self, operand: Node) -> Result<Node> {
        if !self.word("with")? {
            return Err(self.unexpected());
        }
        let initial = match &self.token {
            Token::String(text) => Primary::String(text.clone()),
            Token::Variable(name) => Primary::Variable(name.clone()),
            _ => return Err(self.unexpected()),
        };
        self.advance()?;
        Ok(Node::StartsWith(Box::new(operand), Box::new(initial)))
    }

    fn like_regex(&mut self, operand: Node) -> Result<Node> {
        let pattern = self.string()?;
        let flags = if self.word("flag")? { regex_flags(&self.string()?)? } else { String::new() };
        (self.check)(&pattern, &flags)?;
        Ok(Node::LikeRegex { operand: Box::new(operand), pattern, flags })
    }

    fn string(&mut self) -> Result<String> {
        let Token::String(text) = &self.token else { return Err(self.unexpected()) };
        let text = text.clone();
        self.advance()?;
        Ok(text)
    }

    fn sum(&mut self) -> Result<Node> {
        let mut left = self.product()?;
        loop {
            let operator = match self.token {
                Token::Sign("+") => Arithmetic::Add,
                Token::Sign("-") => Arithmetic::Subtract,
                _ => return Ok(left),
            };
            left = self.expression(left)?;
            self.advance()?;
            let right = self.product()?;
            left = Node::Arithmetic(operator, Box::new(left), Box::new(self.expression(right)?));
        }
    }

    fn product(&mut self) -> Result<Node> {
        let mut left = self.signed()?;
        loop {
            let operator = match self.token {
                Token::Sign("*") => Arithmetic::Multiply,
                Token::Sign("/") => Arithmetic::Divide,
                Token::Sign("%") => Arithmetic::Modulo,
                _ => return Ok(left),
            };
            left = self.expression(left)?;
            self.advance()?;
            let right = self.signed()?;
            left = Node::Arithmetic(operator, Box::new(left), Box::new(self.expression(right)?));
        }
    }

    /// Signs before an operand; a sign before a bare number becomes part of it.
    fn signed(&mut self) -> Result<Node> {
        let mut signs = vec![];
        while let Token::Sign(sign @ ("+" | "-")) = self.token {
            signs.push(sign == "-");
            self.advance()?;
        }
        let mut operand = self.operand()?;
        if !signs.is_empty() {
            operand = self.expression(operand)?;
        }
        for negative in signs.into_iter().rev() {
            operand = match operand {
                Node::Chain(primary, accessors) => match (*primary, accessors.is_empty()) {
                    (Primary::Number(number), true) => {
                        let number = if negative { number.neg() } else { number };
                        Node::Chain(Box::new(Primary::Number(number)), vec![])
                    }
                    (primary, _) => {
                        Node::Sign { negative, operand: Box::new(Node::Chain(Box::new(primary), accessors)) }
                    }
                },
                other => Node::Sign { negative, operand: Box::new(other) },
            };
        }
        Ok(operand)
    }

    fn operand(&mut self) -> Result<Node> {
        let operand = self.bare_operand()?;
        if !self.stored || !matches!(operand, Node::Not(_) | Node::Exists(_) | Node::IsUnknown(_)) {
            return Ok(operand);
        }
        let accessors = self.accessors()?;
        Ok(match accessors.is_empty() {
            true => operand,
            false => Node::Chain(Box::new(Primary::Parenthesized(operand)), accessors),
        })
    }

    fn bare_operand(&mut self) -> Result<Node> {
        if self.sign("!")? {
            let inner = self.delimited_predicate()?;
            return Ok(Node::Not(Box::new(inner)));
        }
        if matches!(&self.token, Token::Name(name) if is_word(name, "exists")) {
            return self.delimited_predicate();
        }
        if self.sign("(")? {
            let inner = self.or()?;
            self.expect(")")?;
            if inner.is_predicate() && self.word("is")? {
                return if self.word("unknown")? {
                    Ok(Node::IsUnknown(Box::new(inner)))
                } else {
                    Err(self.unexpected())
                };
            }
            let accessors = self.accessors()?;
            if accessors.is_empty() {
                return Ok(inner);
            }
            return Ok(match inner {
                Node::Chain(primary, mut own) => {
                    own.extend(accessors);
                    Node::Chain(primary, own)
                }
                inner => Node::Chain(Box::new(Primary::Parenthesized(inner)), accessors),
            });
        }
        let primary = self.primary()?;
        let accessors = self.accessors()?;
        Ok(Node::Chain(Box::new(primary), accessors))
    }

    /// `(predicate)` or `exists (expression)`.
    fn delimited_predicate(&mut self) -> Result<Node> {
        if self.word("exists")? {
            self.expect("(")?;
            let inner = self.or()?;
            let inner = self.expression(inner)?;
            self.expect(")")?;
            return Ok(Node::Exists(Box::new(inner)));
        }
        self.expect("(")?;
        let inner = self.or()?;
        let inner = self.predicate(inner)?;
        self.expect(")")?;
        Ok(inner)
    }

    fn primary(&mut self) -> Result<Primary> {
        let primary = match &self.token {
            Token::Sign("$") => Primary::Root,
            Token::Sign("@") => {
                if self.filters == 0 {
                    self.misplaced.get_or_insert("@ is not allowed in root expressions");
                }
                Primary::Current
            }
            Token::String(text) => Primary::String(text.clone()),
            Token::Variable(name) => Primary::Variable(name.clone()),
            Token::Number(number) => Primary::Number(number.value()?),
            Token::Name(name) if name == "null" => Primary::Null,
            Token::Name(name) if name == "true" => Primary::Bool(true),
            Token::Name(name) if name == "false" => Primary::Bool(false),
            Token::Name(name) if is_word(name, "last") => {
                if self.subscripts == 0 {
                    self.misplaced.get_or_insert("LAST is allowed only in array subscripts");
                }
                Primary::Last
            }
            _ => return Err(self.unexpected()),
        };
        self.advance()?;
        Ok(primary)
    }

    fn accessors(&mut self) -> Result<Vec<Accessor>> {
        let mut accessors = vec![];
        loop {
            if self.sign(".")? {
                accessors.push(self.member()?);
            } else if self.sign("[")? {
                accessors.push(self.subscript()?);
            } else if self.sign("?")? {
                self.expect("(")?;
                self.filters += 1;
                let filter = self.or()?;
                self.filters -= 1;
                let filter = self.predicate(filter)?;
                self.expect(")")?;
                accessors.push(Accessor::Filter(filter));
            } else {
                return Ok(accessors);
            }
        }
    }

    fn member(&mut self) -> Result<Accessor> {
        if self.sign("*")? {
            return Ok(Accessor::AnyKey);
        }
        if self.sign("**")? {
            return self.levels();
        }
        let (key, quoted) = match &self.token {
            Token::Name(name) => (name.clone(), false),
            Token::String(text) => (text.clone(), true),
            _ => return Err(self.unexpected()),
        };
        self.advance()?;
        let method = METHODS.iter().find(|method| key.eq_ignore_ascii_case(method.as_str()));
        let is_datetime = key.eq_ignore_ascii_case("datetime");
        if quoted || (method.is_none() && !is_datetime) || !self.sign("(")? {
            return Ok(Accessor::Key(key));
        }
        if let Some(method) = method {
            self.expect(")")?;
            return Ok(Accessor::Method(*method));
        }
        let template = if let Token::String(_) = self.token { Some(self.string()?) } else { None };
        self.expect(")")?;
        Ok(Accessor::DateTime(template))
    }

    /// `{n}`, `{m to n}` or nothing after `**`.
    fn levels(&mut self) -> Result<Accessor> {
        if !self.sign("{")? {
            return Ok(Accessor::Descend(0, u32::MAX));
        }
        let first = self.level()?;
        let last = if self.word("to")? { self.level()? } else { first };
        self.expect("}")?;
        Ok(Accessor::Descend(first, last))
    }

    fn level(&mut self) -> Result<u32> {
        if self.word("last")? {
            return Ok(u32::MAX);
        }
        let Token::Number(NumberText { text, whole: true }) = &self.token else { return Err(self.unexpected()) };
        let level = text.parse().map_err(|_| {
            let message = format!("value \"{text}\" is out of range for type integer");
            Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, message)
        })?;
        self.advance()?;
        Ok(level)
    }

    fn subscript(&mut self) -> Result<Accessor> {
        if self.sign("*")? {
            self.expect("]")?;
            return Ok(Accessor::AnyElement);
        }
        self.subscripts += 1;
        let mut subscripts = vec![];
        loop {
            let from = self.sum()?;
            let from = self.expression(from)?;
            let to = if self.word("to")? {
                let to = self.sum()?;
                Some(self.expression(to)?)
            } else {
                None
            };
            subscripts.push((from, to));
            if !self.sign(",")? {
                break;
            }
        }
        self.subscripts -= 1;
        self.expect("]")?;
        Ok(Accessor::Subscripts(subscripts))
    }
}

/// The static form of a sign, for comparing tokens.
fn sign_of(sign: &str) -> &'static str {
    const ALL: &[&str] = &["!", "(", ")", "*", "**", "+", ",", "-", ".", "?", "[", "]", "{", "}"];
    ALL.iter().find(|known| **known == sign).copied().unwrap_or("")
}

/// Flags of `like_regex`, each once.
fn regex_flags(text: &str) -> Result<String> {
    if let Some(unknown) = text.chars().find(|flag| !"ismxq".contains(*flag)) {
        return Err(Error::new(SqlState::SYNTAX_ERROR, "invalid input syntax for type jsonpath")
            .detail(format!("Unrecognized flag character \"{unknown}\" in LIKE_REGEX predicate.")));
    }
    if text.contains('x') && !text.contains('q') {
        let message = "XQuery \"x\" flag (expanded regular expressions) is not implemented";
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, message));
    }
    Ok("ismxq".chars().filter(|flag| text.contains(*flag)).collect())
}

impl Node {
    /// Whether the node is true, false or unknown rather than a sequence of items.
    pub fn is_predicate(&self) -> bool {
        match self {
            Node::Chain(..) | Node::Sign { .. } | Node::Arithmetic(..) => false,
            Node::Comparison(..)
            | Node::And(..)
            | Node::Or(..)
            | Node::Not(_)
            | Node::IsUnknown(_)
            | Node::Exists(_)
            | Node::StartsWith(..)
            | Node::LikeRegex { .. } => true,
        }
    }
}
