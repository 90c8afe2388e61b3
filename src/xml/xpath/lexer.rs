//! Text to tokens. Whether `*`, `and`, `or`, `div` and `mod` are operators depends on what stands before them.

use super::{INVALID_EXPRESSION, Result, UNFINISHED_LITERAL, VARIABLE_NAME_EXPECTED};
use crate::chars::{is_ncname, is_ncname_start, is_space};

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// Punctuation and operators; `and`, `or`, `div`, `mod` and the `*` of a product included.
    Symbol(&'static str),
    /// A name, perhaps with a prefix.
    Name(Option<String>, String),
    /// `*` or `prefix:*` as what a step takes.
    Any(Option<String>),
    Literal(String),
    Number(f64),
    Variable(String),
}

/// Longer symbols before those they begin with.
const SYMBOLS: &[&str] =
    &["::", "//", "..", "!=", "<=", ">=", "(", ")", "[", "]", ".", "@", ",", "/", "|", "+", "-", "=", "<", ">"];

/// The word operators.
const WORDS: &[&str] = &["and", "or", "div", "mod"];

/// After these an operand comes, so that what follows is no operator.
const BEFORE_OPERANDS: &[&str] =
    &["@", "::", "(", "[", ",", "/", "//", "|", "+", "-", "=", "!=", "<", "<=", ">", ">=", "*"];

pub(super) fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while let Some(first) = rest.chars().next() {
        let after_operand = match tokens.last() {
            None => false,
            Some(Token::Symbol(symbol)) => !BEFORE_OPERANDS.contains(symbol) && !WORDS.contains(symbol),
            Some(_) => true,
        };
        let (token, length) = token(rest, first, after_operand)?;
        tokens.push(token);
        rest = rest[length..].trim_start_matches(is_space);
    }
    Ok(tokens)
}

/// The token at the start of a text, and its bytes.
fn token(rest: &str, first: char, after_operand: bool) -> Result<(Token, usize)> {
    if first.is_ascii_digit() || first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
        let (number, length) = super::number::read(rest);
        return Ok((Token::Number(number), length));
    }
    if first == '"' || first == '\'' {
        let (text, _) = rest[1..].split_once(first).ok_or(UNFINISHED_LITERAL)?;
        return Ok((Token::Literal(text.to_owned()), text.len() + 2));
    }
    if first == '*' {
        let token = if after_operand { Token::Symbol("*") } else { Token::Any(None) };
        return Ok((token, 1));
    }
    if first == '$' {
        let after = rest[1..].trim_start_matches(is_space);
        let blanks = rest.len() - 1 - after.len();
        return match name(after) {
            Some((Token::Name(prefix, local), length)) => {
                let full = prefix.map_or(local.clone(), |prefix| format!("{prefix}:{local}"));
                Ok((Token::Variable(full), 1 + blanks + length))
            }
            _ => Err(VARIABLE_NAME_EXPECTED),
        };
    }
    if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
        return Ok((Token::Symbol(symbol), symbol.len()));
    }
    let (found, length) = name(rest).ok_or(INVALID_EXPRESSION)?;
    if let (true, Token::Name(None, word)) = (after_operand, &found)
        && let Some(word) = WORDS.iter().find(|known| *known == word)
    {
        return Ok((Token::Symbol(word), length));
    }
    Ok((found, length))
}

/// `name`, `prefix:name` or `prefix:*`.
fn name(text: &str) -> Option<(Token, usize)> {
    let first = ncname(text)?;
    let after = &text[first.len()..];
    let local = after.strip_prefix(':').filter(|local| !local.starts_with(':'));
    if let Some(local) = local {
        if local.starts_with('*') {
            return Some((Token::Any(Some(first.to_owned())), first.len() + 2));
        }
        if let Some(local) = ncname(local) {
            let length = first.len() + 1 + local.len();
            return Some((Token::Name(Some(first.to_owned()), local.to_owned()), length));
        }
    }
    Some((Token::Name(None, first.to_owned()), first.len()))
}

fn ncname(text: &str) -> Option<&str> {
    text.chars().next().filter(|c| is_ncname_start(*c))?;
    Some(&text[..text.find(|c| !is_ncname(c)).unwrap_or(text.len())])
}
