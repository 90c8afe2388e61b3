//! One text for statements that differ only in constants, and a number for it.
//!
//! PostgreSQL numbers statements by their trees; here it is by their tokens, so that two spellings of one tree are two statements. Both
//! leave constants, white space, comments and the case of words out.

use std::hash::Hasher;
use std::sync::Arc;

use dictdb_parser::{Lexeme, LexemeKind, Statement, lexemes};
use rustc_hash::FxHasher;

/// What statements have in common that differ only in constants.
#[derive(Clone, Debug)]
pub(crate) struct Normal {
    /// `queryid`.
    pub query: i64,
    /// The text, with `$n` for constants.
    pub text: Arc<str>,
}

impl Normal {
    /// Of a statement and its text. Commands keep their constants.
    pub fn of(statement: &Statement, text: &str) -> Normal {
        let keeps = matches!(statement, Statement::Utility(_));
        match lexemes(text) {
            Ok((found, None)) => normalise(text, &found, keeps),
            _ => Normal { query: number(text.as_bytes()), text: Arc::from(text) },
        }
    }
}

fn number(bytes: &[u8]) -> i64 {
    let mut hasher = FxHasher::default();
    hasher.write(bytes);
    // Zero stands for "all" in reset.
    (hasher.finish() as i64).max(i64::MIN + 1) | 1
}

fn normalise(text: &str, found: &[Lexeme], keeps: bool) -> Normal {
    let mut out = String::with_capacity(text.len());
    let mut shape = Vec::with_capacity(text.len());
    let mut next = 1 + highest_parameter(text, found);
    let mut copied = 0;
    for (at, lexeme) in found.iter().enumerate() {
        let raw = text.get(lexeme.start..lexeme.end).unwrap_or_default();
        shape.push(0);
        let constant = matches!(lexeme.kind, LexemeKind::String(_) | LexemeKind::Integer | LexemeKind::Number)
            || matches!(&lexeme.kind, LexemeKind::Word(word) if is_constant_word(word));
        match &lexeme.kind {
            _ if constant && !keeps && !is_part_of_syntax(found, at) => {
                shape.push(1);
                out.push_str(text.get(copied..lexeme.start).unwrap_or_default());
                out.push_str(&format!("${next}"));
                next += 1;
                copied = lexeme.end;
            }
            LexemeKind::Word(word) => shape.extend_from_slice(word.as_bytes()),
            _ => shape.extend_from_slice(raw.as_bytes()),
        }
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Normal { query: number(&shape), text: Arc::from(out) }
}

fn is_constant_word(word: &str) -> bool {
    matches!(word, "true" | "false" | "null")
}

fn highest_parameter(text: &str, found: &[Lexeme]) -> usize {
    let parameters = found.iter().filter(|lexeme| lexeme.kind == LexemeKind::Parameter);
    parameters.filter_map(|p| text.get(p.start + 1..p.end)?.parse().ok()).max().unwrap_or(0)
}

/// Whether a constant is no value: a place in ORDER BY, a type's modifier, a word of `IS NULL` or of the constraint `NOT NULL`.
fn is_part_of_syntax(found: &[Lexeme], at: usize) -> bool {
    let word = |index: Option<usize>| match index.and_then(|index| found.get(index)).map(|lexeme| &lexeme.kind) {
        Some(LexemeKind::Word(word)) => word.as_str(),
        _ => "",
    };
    let before = word(at.checked_sub(1));
    match &found[at].kind {
        LexemeKind::Word(_) => matches!(before, "is" | "not"),
        LexemeKind::Integer => is_ordinal(found, at) || is_modifier(found, at),
        _ => false,
    }
}

/// `ORDER BY 1, 2 DESC`.
fn is_ordinal(found: &[Lexeme], at: usize) -> bool {
    let is_symbol = |lexeme: &Lexeme| lexeme.kind == LexemeKind::Symbol;
    for (index, lexeme) in found[..at].iter().enumerate().rev() {
        match &lexeme.kind {
            LexemeKind::Word(word) if word == "by" => {
                let list = matches!(found.get(index.wrapping_sub(1)).map(|l| &l.kind), Some(LexemeKind::Word(w)) if w == "order" || w == "group");
                return list;
            }
            LexemeKind::Word(word) if matches!(word.as_str(), "asc" | "desc" | "nulls" | "first" | "last") => {}
            LexemeKind::Integer => {}
            _ if is_symbol(lexeme) && lexeme.end - lexeme.start == 1 => {}
            _ => return false,
        }
    }
    false
}

/// `varchar(10)`, `numeric(10, 2)`.
fn is_modifier(found: &[Lexeme], at: usize) -> bool {
    const TYPES: &[&str] = &[
        "varchar",
        "char",
        "character",
        "varying",
        "numeric",
        "decimal",
        "bit",
        "time",
        "timestamp",
        "interval",
        "float",
    ];
    let mut index = at;
    while index > 0 {
        index -= 1;
        match &found[index].kind {
            LexemeKind::Integer => {}
            LexemeKind::Symbol if found[index].end - found[index].start == 1 => {
                if let Some(LexemeKind::Word(word)) = index.checked_sub(1).map(|before| &found[before].kind) {
                    return TYPES.contains(&word.as_str());
                }
            }
            _ => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use dictdb_parser::{Limits, parse};

    use super::*;

    fn normal(sql: &str) -> Normal {
        let parsed = parse(sql, &Limits::default()).unwrap().pop().unwrap();
        Normal::of(&parsed.statement, sql)
    }

    #[test]
    fn constants_become_parameters() {
        assert_eq!(
            &*normal("SELECT 1, 'a' || x FROM t WHERE b = true AND c > $1").text,
            "SELECT $2, $3 || x FROM t WHERE b = $4 AND c > $1"
        );
        assert_eq!(
            &*normal("select a from t where b is null order by 1 limit 5").text,
            "select a from t where b is null order by 1 limit $1"
        );
        assert_eq!(&*normal("select x::varchar(10)").text, "select x::varchar(10)");
        assert_eq!(&*normal("set work_mem = '1MB'").text, "set work_mem = '1MB'");
    }

    #[test]
    fn statements_that_differ_in_constants_have_one_number() {
        assert_eq!(normal("SELECT 1").query, normal("select  /* two */ 2").query);
        assert_ne!(normal("SELECT 1").query, normal("SELECT 1, 2").query);
        assert_ne!(normal("select a").query, normal("select b").query);
    }
}
