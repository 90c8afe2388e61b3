//! `ts_rank`: how well a document answers a query, by the weights of its lexemes and how near they stand.

use dictdb_types::tsearch::{Lexeme, MAX_POSITION, Operator, Position, Query, Term, Vector};
use dictdb_types::{Array, Datum, Result, SqlState, bail};

use super::{query, vector};
use crate::args::kernels;
use crate::kernel::ScalarFn;

pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "ts_rank_tt" => |document: &[u8], condition: &[u8]| rank(DEFAULT_WEIGHTS, document, condition, 0),
    "ts_rank_ttf" => |document: &[u8], condition: &[u8], method: i32| rank(DEFAULT_WEIGHTS, document, condition, method),
    "ts_rank_wtt" => |weights: &Array, document: &[u8], condition: &[u8]| rank(weights_of(weights)?, document, condition, 0),
    "ts_rank_wttf" => |weights: &Array, document: &[u8], condition: &[u8], method: i32| {
        rank(weights_of(weights)?, document, condition, method)
    },
};

/// Weights of D, C, B and A.
pub(super) const DEFAULT_WEIGHTS: [f32; 4] = [0.1, 0.2, 0.4, 1.0];

/// Bits of the method: what a rank is divided by.
pub(super) mod method {
    pub const LOG_LENGTH: i32 = 0x01;
    pub const LENGTH: i32 = 0x02;
    pub const EXTENT_DISTANCE: i32 = 0x04;
    pub const UNIQUE: i32 = 0x08;
    pub const LOG_UNIQUE: i32 = 0x10;
    pub const SELF_PLUS_ONE: i32 = 0x20;
}

/// The weights a caller gives; negative ones mean the defaults. 2202E, 22004, 22023.
pub(super) fn weights_of(array: &Array) -> Result<[f32; 4]> {
    if array.dims.len() != 1 {
        bail!(ARRAY_SUBSCRIPT_ERROR, "array of weight must be one-dimensional");
    }
    if array.items.len() < 4 {
        bail!(ARRAY_SUBSCRIPT_ERROR, "array of weight is too short");
    }
    if array.items.iter().any(Datum::is_null) {
        return Err(dictdb_types::Error::new(
            SqlState::NULL_VALUE_NOT_ALLOWED,
            "array of weight must not contain nulls",
        ));
    }
    let mut weights = DEFAULT_WEIGHTS;
    for (weight, item) in weights.iter_mut().zip(&array.items) {
        if let Datum::Float4(given) = item
            && *given >= 0.0
        {
            *weight = *given;
        }
        if *weight > 1.0 {
            bail!(INVALID_PARAMETER_VALUE, "weight out of range");
        }
    }
    Ok(weights)
}

/// Words of a document, repetitions included.
pub(super) fn length(document: &Vector) -> i32 {
    document.lexemes.iter().map(|lexeme| lexeme.positions.len().max(1) as i32).sum()
}

fn rank(weights: [f32; 4], document: &[u8], condition: &[u8], method: i32) -> Result<f32> {
    let document = vector(document)?;
    let Some(condition) = query(condition).filter(|_| !document.lexemes.is_empty()) else { return Ok(0.0) };
    let together = matches!(condition, Query::Binary(Operator::And | Operator::Phrase(_), ..));
    let terms = unique_terms(&condition);
    let mut rank = match together && terms.len() > 1 {
        true => rank_together(&weights, &document, &terms),
        false => rank_apart(&weights, &document, &terms),
    };
    if rank < 0.0 {
        rank = 1e-20;
    }
    Ok(normalised(rank, &document, method))
}

fn normalised(mut rank: f32, document: &Vector, method: i32) -> f32 {
    let (words, unique) = (length(document), document.lexemes.len());
    let ln_2 = 2f64.ln();
    if method & method::LOG_LENGTH != 0 {
        rank = (f64::from(rank) / (f64::from(words + 1).ln() / ln_2)) as f32;
    }
    if method & method::LENGTH != 0 && words > 0 {
        rank /= words as f32;
    }
    if method & method::UNIQUE != 0 {
        rank /= unique as f32;
    }
    if method & method::LOG_UNIQUE != 0 {
        rank = (f64::from(rank) / (((unique + 1) as f64).ln() / ln_2)) as f32;
    }
    if method & method::SELF_PLUS_ONE != 0 {
        rank /= rank + 1.0;
    }
    rank
}

/// The lexemes of a query, each once, in the order of their text.
fn unique_terms(condition: &Query) -> Vec<&Term> {
    let mut terms = vec![];
    condition.for_each_term(&mut |term| terms.push(term));
    terms.sort_by(|a, b| a.word.as_bytes().cmp(b.word.as_bytes()));
    terms.dedup_by(|a, b| a.word == b.word);
    terms
}

/// The lexemes of a document that a term of a query means.
pub(super) fn entries<'a>(document: &'a Vector, term: &'a Term) -> Vec<&'a Lexeme> {
    if term.prefix {
        document.with_prefix(&term.word).collect()
    } else {
        document.find(&term.word).into_iter().collect()
    }
}

/// Where a lexeme without positions stands.
const NOWHERE: [Position; 1] = [Position { at: 0, weight: 0 }];

fn positions(lexeme: &Lexeme) -> &[Position] {
    if lexeme.positions.is_empty() { &NOWHERE } else { &lexeme.positions }
}

fn weight(weights: &[f32; 4], position: Position) -> f32 {
    weights[usize::from(position.weight & 3)]
}

/// How much two lexemes that stand so far apart count.
fn nearness(distance: i32) -> f32 {
    if distance > 100 {
        return 1e-30;
    }
    (1.0 / (1.005 + 0.05 * (f64::from(distance as f32) / 1.5 - 2.0).exp())) as f32
}

fn rank_together(weights: &[f32; 4], document: &Vector, terms: &[&Term]) -> f32 {
    let mut rank = -1f32;
    let mut seen: Vec<Option<&Lexeme>> = vec![None; terms.len()];
    for (n, term) in terms.iter().enumerate() {
        for lexeme in entries(document, term) {
            seen[n] = Some(lexeme);
            for other in seen[..n].iter().flatten() {
                let nowhere = lexeme.positions.is_empty() || other.positions.is_empty();
                for a in positions(lexeme) {
                    for b in positions(other) {
                        let distance = (i32::from(a.at) - i32::from(b.at)).abs();
                        if distance == 0 && !nowhere {
                            continue;
                        }
                        let distance = if distance == 0 { i32::from(MAX_POSITION) + 1 } else { distance };
                        let product = weight(weights, *a) * weight(weights, *b) * nearness(distance);
                        let own = f64::from(product).sqrt() as f32;
                        rank = if rank < 0.0 {
                            own
                        } else {
                            (1.0 - (1.0 - f64::from(rank)) * (1.0 - f64::from(own))) as f32
                        };
                    }
                }
            }
        }
    }
    rank
}

fn rank_apart(weights: &[f32; 4], document: &Vector, terms: &[&Term]) -> f32 {
    let mut rank = 0f32;
    for term in terms {
        for lexeme in entries(document, term) {
            let (mut sum, mut heaviest, mut heaviest_at) = (0f32, -1f32, 0);
            for (n, position) in positions(lexeme).iter().enumerate() {
                let own = weight(weights, *position);
                sum += own / ((n + 1) * (n + 1)) as f32;
                if own > heaviest {
                    (heaviest, heaviest_at) = (own, n);
                }
            }
            // The sum of all 1/n² is π²/6.
            let moved = heaviest + sum - heaviest / ((heaviest_at + 1) * (heaviest_at + 1)) as f32;
            rank = (f64::from(rank) + f64::from(moved) / 1.644_934_066_85) as f32;
        }
    }
    if terms.is_empty() { rank } else { rank / terms.len() as f32 }
}
