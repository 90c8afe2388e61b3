//! `gin_trgm_ops` and `gist_trgm_ops`: runs of three characters of a text.

use dictdb_types::{Datum, Error, Result};

use super::{Asked, Condition, Key, part};
use crate::extension::trigram::{Measure, Trigram, reaches, threshold, trigrams, trigrams_of_run};
use crate::scalar::regex::required::{Required, Run, required};

/// `pg_amop.amopstrategy` of the operators of both classes.
mod strategy {
    pub const SIMILAR: i16 = 1;
    pub const LIKE: i16 = 3;
    pub const ILIKE: i16 = 4;
    pub const MATCHES: i16 = 5;
    pub const IMATCHES: i16 = 6;
    pub const WORD_SIMILAR: i16 = 7;
    pub const STRICT_WORD_SIMILAR: i16 = 9;
    pub const EQUALS: i16 = 11;
}

pub(super) fn keys(value: &Datum) -> Result<Vec<Key>> {
    Ok(trigrams(text(value)?).iter().map(|trigram| part(trigram)).collect())
}

pub(super) fn condition(strategy: i16, operand: &Datum, asked: &Asked<'_>) -> Result<Condition> {
    let operand = text(operand)?;
    match strategy {
        strategy::SIMILAR => alike(operand, Measure::Similarity, asked),
        strategy::WORD_SIMILAR => alike(operand, Measure::Word, asked),
        strategy::STRICT_WORD_SIMILAR => alike(operand, Measure::StrictWord, asked),
        strategy::EQUALS => Ok(all(trigrams(operand))),
        strategy::LIKE | strategy::ILIKE => {
            Ok(Condition::all(runs_of_like(operand).iter().map(|run| all(trigrams_of_run(run)))))
        }
        strategy::MATCHES | strategy::IMATCHES => Ok(of(&required(operand, strategy == strategy::IMATCHES)?)),
        other => Err(Error::internal(format!("strategy {other} of trigrams"))),
    }
}

fn all(trigrams: Vec<Trigram>) -> Condition {
    Condition::all(trigrams.iter().map(|trigram| Condition::Key(part(trigram))))
}

/// No similarity is greater than the part of the operand's trigrams that a text has.
fn alike(operand: &str, measure: Measure, asked: &Asked<'_>) -> Result<Condition> {
    let limit = threshold(asked.env, measure)?;
    let trigrams = trigrams(operand);
    let all = trigrams.len();
    let Some(least) = (0..=all).find(|shared| reaches(*shared as f32 / all as f32, limit)) else {
        return Ok(Condition::Nothing);
    };
    Ok(match least {
        0 => Condition::Everything,
        _ => Condition::AtLeast(least, trigrams.iter().map(|trigram| Condition::Key(part(trigram))).collect()),
    })
}

fn of(required: &Required) -> Condition {
    match required {
        Required::Text(run) => all(trigrams_of_run(run)),
        Required::All(parts) => Condition::all(parts.iter().map(of)),
        Required::Any(parts) => Condition::any(parts.iter().map(of)),
    }
}

/// The characters between the wildcards of a pattern of LIKE.
fn runs_of_like(pattern: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut run = Run { begins_word: true, ..Run::default() };
    let mut chars = pattern.chars();
    while let Some(next) = chars.next() {
        match next {
            '%' | '_' => runs.push(std::mem::take(&mut run)),
            '\\' => run.text.extend(chars.next()),
            other => run.text.push(other),
        }
    }
    run.ends_word = true;
    runs.push(run);
    runs
}

fn text(value: &Datum) -> Result<&str> {
    match value {
        Datum::Text(text) => Ok(text),
        other => Err(Error::internal(format!("{other:?} as text"))),
    }
}

#[cfg(test)]
mod tests {
    use dictdb_types::env::BareEnv;
    use dictdb_types::oids;

    use super::*;

    fn ask(strategy: i16, operand: &str) -> Condition {
        let env = BareEnv::default();
        condition(strategy, &Datum::text(operand), &Asked { oid: oids::TEXT, env: &env }).unwrap()
    }

    fn key(trigram: &[u8]) -> Condition {
        Condition::Key(part(trigram))
    }

    #[test]
    fn patterns_ask_for_what_stands_between_wildcards() {
        assert_eq!(ask(strategy::LIKE, "%abcd%"), Condition::All(vec![key(b"abc"), key(b"bcd")]));
        assert_eq!(ask(strategy::LIKE, "%ab%"), Condition::Everything);
        assert_eq!(ask(strategy::ILIKE, "A%"), key(b"  a"));
        assert_eq!(ask(strategy::MATCHES, "foo|bar"), Condition::Any(vec![key(b"foo"), key(b"bar")]));
        assert_eq!(ask(strategy::MATCHES, "foo|.*"), Condition::Everything);
    }

    #[test]
    fn similar_texts_share_enough() {
        assert!(matches!(ask(strategy::SIMILAR, "word"), Condition::AtLeast(2, keys) if keys.len() == 5));
        assert_eq!(ask(strategy::SIMILAR, "---"), Condition::Nothing);
    }
}
