//! Tokens to expressions.

use super::expr::{Axis, Expr, Logical, Operator, Path, Step, Test};
use super::lexer::{Token, tokens};
use super::{INVALID_EXPRESSION, INVALID_PREDICATE, Result, TOO_DEEP};

/// Deepest nesting of parentheses, predicates and arguments.
const MAX_DEPTH: usize = 150;

/// Operators from the weakest to the strongest.
const LEVELS: &[&[(&str, Operator)]] = &[
    &[("=", Operator::Equal), ("!=", Operator::NotEqual)],
    &[("<", Operator::Less), ("<=", Operator::LessEqual), (">", Operator::Greater), (">=", Operator::GreaterEqual)],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("div", Operator::Divide), ("mod", Operator::Modulo)],
];

/// Parses an expression.
///
/// # Errors
/// What libxml2 says about the text.
pub fn parse(text: &str) -> Result<Expr> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, depth: 0 };
    let expr = parser.expr()?;
    match parser.tokens.is_empty() {
        true => Ok(expr),
        false => Err(INVALID_EXPRESSION),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    depth: usize,
}

impl<'a> Parser<'a> {
    fn is(&self, symbol: &str) -> bool {
        self.is_nth(0, symbol)
    }

    fn is_nth(&self, n: usize, symbol: &str) -> bool {
        matches!(self.tokens.get(n), Some(Token::Symbol(found)) if *found == symbol)
    }

    fn eat(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<()> {
        if self.eat(symbol) { Ok(()) } else { Err(INVALID_EXPRESSION) }
    }

    fn advance(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn expr(&mut self) -> Result<Expr> {
        if self.depth >= MAX_DEPTH {
            return Err(TOO_DEEP);
        }
        self.depth += 1;
        let expr =
            self.logical("or", Logical::Or, |parser| parser.logical("and", Logical::And, |parser| parser.chain(0)));
        self.depth -= 1;
        expr
    }

    fn logical(&mut self, word: &str, operator: Logical, operand: impl Fn(&mut Self) -> Result<Expr>) -> Result<Expr> {
        let first = operand(self)?;
        if !self.is(word) {
            return Ok(first);
        }
        let mut operands = vec![first];
        while self.eat(word) {
            operands.push(operand(self)?);
        }
        Ok(Expr::Logical(operator, operands))
    }

    /// Operators of a level, from left to right.
    fn chain(&mut self, level: usize) -> Result<Expr> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let first = self.chain(level + 1)?;
        let mut rest = Vec::new();
        while let Some((_, operator)) = operators.iter().find(|(symbol, _)| self.is(symbol)) {
            self.advance();
            rest.push((*operator, self.chain(level + 1)?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Chain(Box::new(first), rest) })
    }

    fn unary(&mut self) -> Result<Expr> {
        let mut signs = 0;
        while self.eat("-") {
            signs += 1;
        }
        let operand = self.union()?;
        Ok(if signs == 0 { operand } else { Expr::Negation(Box::new(operand), signs % 2 == 1) })
    }

    fn union(&mut self) -> Result<Expr> {
        let first = self.path()?;
        if !self.is("|") {
            return Ok(first);
        }
        let mut operands = vec![first];
        while self.eat("|") {
            operands.push(self.path()?);
        }
        Ok(Expr::Union(operands))
    }

    /// A location path, or a primary expression with what follows it.
    fn path(&mut self) -> Result<Expr> {
        if !self.starts_primary() {
            return self.location_path().map(Expr::Path);
        }
        let primary = self.primary()?;
        let predicates = self.predicates()?;
        let mut steps = Vec::new();
        while self.is("/") || self.is("//") {
            self.separator(&mut steps);
            steps.push(self.step()?);
        }
        if predicates.is_empty() && steps.is_empty() {
            return Ok(primary);
        }
        Ok(Expr::Filter(Box::new(primary), predicates, steps))
    }

    fn starts_primary(&self) -> bool {
        match self.tokens.first() {
            Some(Token::Literal(_) | Token::Number(_) | Token::Variable(_) | Token::Symbol("(")) => true,
            Some(Token::Name(prefix, name)) => {
                self.is_nth(1, "(") && !(prefix.is_none() && NODE_TYPES.contains(&name.as_str()))
            }
            _ => false,
        }
    }

    fn primary(&mut self) -> Result<Expr> {
        match self.advance() {
            Some(Token::Literal(text)) => Ok(Expr::Literal(text.clone())),
            Some(Token::Number(number)) => Ok(Expr::Number(*number)),
            Some(Token::Variable(name)) => Ok(Expr::Variable(name.clone())),
            Some(Token::Symbol("(")) => {
                let inner = self.expr()?;
                self.expect(")")?;
                Ok(inner)
            }
            Some(Token::Name(prefix, name)) => {
                let full = prefix.as_ref().map_or(name.clone(), |prefix| format!("{prefix}:{name}"));
                Ok(Expr::Call(full, self.arguments()?))
            }
            _ => Err(INVALID_EXPRESSION),
        }
    }

    fn arguments(&mut self) -> Result<Vec<Expr>> {
        self.expect("(")?;
        let mut arguments = Vec::new();
        if self.eat(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expr()?);
            if !self.eat(",") {
                break;
            }
        }
        self.expect(")")?;
        Ok(arguments)
    }

    fn location_path(&mut self) -> Result<Path> {
        let mut steps = Vec::new();
        let absolute = self.is("/") || self.is("//");
        if absolute {
            let descends = self.separator(&mut steps);
            if !descends && !self.starts_step() {
                return Ok(Path { absolute, steps });
            }
        }
        loop {
            steps.push(self.step()?);
            if !self.is("/") && !self.is("//") {
                return Ok(Path { absolute, steps });
            }
            self.separator(&mut steps);
        }
    }

    /// `/` or `//`; the latter is a step of its own, which is told.
    fn separator(&mut self, steps: &mut Vec<Step>) -> bool {
        let descends = self.is("//");
        self.advance();
        if descends {
            steps.push(Step { axis: Axis::DescendantOrSelf, test: Test::Node, predicates: Vec::new() });
        }
        descends
    }

    fn starts_step(&self) -> bool {
        matches!(self.tokens.first(), Some(Token::Name(..) | Token::Any(_) | Token::Symbol("." | ".." | "@")))
    }

    fn step(&mut self) -> Result<Step> {
        let short = |axis| Step { axis, test: Test::Node, predicates: Vec::new() };
        if self.eat("..") {
            return Ok(short(Axis::Parent));
        }
        if self.eat(".") {
            return Ok(short(Axis::Itself));
        }
        let axis = self.axis()?;
        let test = self.test()?;
        let predicates = self.predicates()?;
        Ok(Step { axis, test, predicates })
    }

    fn axis(&mut self) -> Result<Axis> {
        if self.eat("@") {
            return Ok(Axis::Attribute);
        }
        match self.tokens.first() {
            Some(Token::Name(None, name)) if self.is_nth(1, "::") => {
                let axis = Axis::named(name).ok_or(INVALID_EXPRESSION)?;
                self.tokens = &self.tokens[2..];
                Ok(axis)
            }
            _ => Ok(Axis::Child),
        }
    }

    fn test(&mut self) -> Result<Test> {
        match self.advance() {
            Some(Token::Any(prefix)) => Ok(Test::Any(prefix.clone())),
            Some(Token::Name(None, name)) if self.is("(") => self.node_type(name),
            Some(Token::Name(prefix, name)) => Ok(Test::Name(prefix.clone(), name.clone())),
            _ => Err(INVALID_EXPRESSION),
        }
    }

    fn node_type(&mut self, name: &str) -> Result<Test> {
        self.expect("(")?;
        let test = match name {
            "node" => Test::Node,
            "text" => Test::Text,
            "comment" => Test::Comment,
            "processing-instruction" => match self.tokens.first() {
                Some(Token::Literal(target)) => {
                    self.advance();
                    Test::Instruction(Some(target.clone()))
                }
                _ => Test::Instruction(None),
            },
            _ => return Err(INVALID_EXPRESSION),
        };
        self.expect(")")?;
        Ok(test)
    }

    fn predicates(&mut self) -> Result<Vec<Expr>> {
        let mut predicates = Vec::new();
        while self.eat("[") {
            predicates.push(self.expr()?);
            if !self.eat("]") {
                return Err(INVALID_PREDICATE);
            }
        }
        Ok(predicates)
    }
}

/// Names with parentheses that are no functions.
const NODE_TYPES: &[&str] = &["comment", "text", "processing-instruction", "node"];
