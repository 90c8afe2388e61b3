//! The grammar of JSON, for a text that is only checked and for a tree.

use std::sync::Arc;

use super::lexer::{Lexer, Token};
use super::tree::Jsonb;
use crate::stack::with_stack;
use crate::{Error, Numeric, Result, SqlState};

/// Deepest nesting of JSON that is read: as PostgreSQL does with its default `max_stack_depth`, and no deeper than that a value can be
/// copied and dropped on a thread with [`crate::stack::STACK_BYTES`].
pub const MAX_DEPTH: usize = 6_400;

/// What to make of the parts of a JSON text.
trait Build {
    type Value;
    type Key;

    fn key(&self, lexer: &Lexer<'_>) -> Self::Key;
    fn scalar(&self, lexer: &Lexer<'_>) -> Result<Self::Value>;
    fn array(&self, items: Vec<Self::Value>) -> Self::Value;
    fn object(&self, pairs: Vec<(Self::Key, Self::Value)>) -> Self::Value;
}

/// Keeps nothing; vectors of `()` take no memory.
struct Check;

impl Build for Check {
    type Value = ();
    type Key = ();

    fn key(&self, _: &Lexer<'_>) {}

    fn scalar(&self, _: &Lexer<'_>) -> Result<()> {
        Ok(())
    }

    fn array(&self, _: Vec<()>) {}

    fn object(&self, _: Vec<((), ())>) {}
}

struct Tree;

impl Build for Tree {
    type Value = Jsonb;
    type Key = Arc<str>;

    fn key(&self, lexer: &Lexer<'_>) -> Arc<str> {
        Arc::from(lexer.string.as_str())
    }

    fn scalar(&self, lexer: &Lexer<'_>) -> Result<Jsonb> {
        Ok(match lexer.token {
            Token::True => Jsonb::Bool(true),
            Token::False => Jsonb::Bool(false),
            Token::String => Jsonb::String(Arc::from(lexer.string.as_str())),
            Token::Number => Jsonb::Number(Numeric::parse(lexer.text())?),
            _ => Jsonb::Null,
        })
    }

    fn array(&self, items: Vec<Jsonb>) -> Jsonb {
        Jsonb::Array(items)
    }

    fn object(&self, pairs: Vec<(Arc<str>, Jsonb)>) -> Jsonb {
        Jsonb::object(pairs)
    }
}

/// Checks the text of a `json`; 22P02 with PostgreSQL's detail and context, 54001 when nested too deeply.
pub fn check(text: &str) -> Result<()> {
    run(text, false, &Check)
}

/// Reads a `jsonb`; also 22P05 for `\u0000` and 22003 for numbers beyond numeric's limits.
pub fn parse(text: &str) -> Result<Jsonb> {
    run(text, true, &Tree)
}

fn run<B: Build>(text: &str, unescape: bool, build: &B) -> Result<B::Value> {
    let mut lexer = Lexer::new(text, unescape);
    lexer.advance()?;
    let value = value(&mut lexer, build, 0)?;
    if lexer.token == Token::End { Ok(value) } else { Err(lexer.expected("end of input")) }
}

/// 54001, with PostgreSQL's words for its own stack.
pub(crate) fn too_deep() -> Error {
    Error::new(SqlState::STATEMENT_TOO_COMPLEX, "stack depth limit exceeded")
        .detail(format!("Values are nested at most {MAX_DEPTH} levels deep."))
}

fn value<B: Build>(lexer: &mut Lexer<'_>, build: &B, depth: usize) -> Result<B::Value> {
    if depth >= MAX_DEPTH {
        return Err(too_deep());
    }
    match lexer.token {
        Token::ObjectStart => with_stack(|| object(lexer, build, depth)),
        Token::ArrayStart => with_stack(|| array(lexer, build, depth)),
        Token::String | Token::Number | Token::True | Token::False | Token::Null => {
            let value = build.scalar(lexer)?;
            lexer.advance()?;
            Ok(value)
        }
        _ => Err(lexer.expected("JSON value")),
    }
}

fn array<B: Build>(lexer: &mut Lexer<'_>, build: &B, depth: usize) -> Result<B::Value> {
    let mut items = vec![];
    lexer.advance()?;
    if lexer.token != Token::ArrayEnd {
        loop {
            items.push(value(lexer, build, depth + 1)?);
            match lexer.token {
                Token::Comma => lexer.advance()?,
                Token::ArrayEnd => break,
                _ => return Err(lexer.expected("\",\" or \"]\"")),
            }
        }
    }
    lexer.advance()?;
    Ok(build.array(items))
}

fn object<B: Build>(lexer: &mut Lexer<'_>, build: &B, depth: usize) -> Result<B::Value> {
    let mut pairs = vec![];
    let mut wanted = "string or \"}\"";
    lexer.advance()?;
    if lexer.token != Token::ObjectEnd {
        loop {
            if lexer.token != Token::String {
                return Err(lexer.expected(wanted));
            }
            let key = build.key(lexer);
            lexer.advance()?;
            if lexer.token != Token::Colon {
                return Err(lexer.expected("\":\""));
            }
            lexer.advance()?;
            pairs.push((key, value(lexer, build, depth + 1)?));
            match lexer.token {
                Token::Comma => lexer.advance()?,
                Token::ObjectEnd => break,
                _ => return Err(lexer.expected("\",\" or \"}\"")),
            }
            wanted = "string";
        }
    }
    lexer.advance()?;
    Ok(build.object(pairs))
}
