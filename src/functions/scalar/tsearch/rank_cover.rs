//! `ts_rank_cd`: rank by cover density, the shortest stretches of a document that satisfy a query.

use dictdb_types::tsearch::{Query, Term, Vector};
use dictdb_types::{Array, Result};

use super::matching::{Occurrence, Truth, truth};
use super::rank::{DEFAULT_WEIGHTS, entries, length, method, weights_of};
use super::{query, vector};
use crate::args::kernels;
use crate::kernel::ScalarFn;

pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "ts_rankcd_tt" => |document: &[u8], condition: &[u8]| rank(DEFAULT_WEIGHTS, document, condition, 0),
    "ts_rankcd_ttf" => |document: &[u8], condition: &[u8], method: i32| rank(DEFAULT_WEIGHTS, document, condition, method),
    "ts_rankcd_wtt" => |weights: &Array, document: &[u8], condition: &[u8]| rank(weights_of(weights)?, document, condition, 0),
    "ts_rankcd_wttf" => |weights: &Array, document: &[u8], condition: &[u8], method: i32| {
        rank(weights_of(weights)?, document, condition, method)
    },
};

/// A place where terms of the query stand.
struct Place {
    at: u16,
    weight: u8,
    /// Numbers of the terms, from left to right in the query.
    terms: Vec<usize>,
}

/// A stretch that satisfies the query: first and last place.
struct Cover {
    first: usize,
    last: usize,
}

fn rank(weights: [f32; 4], document: &[u8], condition: &[u8], method: i32) -> Result<f32> {
    let document = vector(document)?;
    let Some(condition) = query(condition) else { return Ok(0.0) };
    let places = places(&document, &condition);
    if places.is_empty() {
        return Ok(0.0);
    }
    let (mut rank, mut distances, mut covers, mut previous) = (0f64, 0f64, 0, 0f64);
    let mut next = 0;
    while let Some(cover) = next_cover(&places, &condition, &mut next) {
        let own = &places[cover.first..=cover.last];
        let inverse: f64 = own.iter().map(|place| 1.0 / f64::from(weights[usize::from(place.weight & 3)])).sum();
        let (start, end) = (i32::from(own[0].at), i32::from(own[own.len() - 1].at));
        let steps = own.len() as i32 - 1;
        let noise = match end - start - steps {
            noise if noise < 0 => steps / 2,
            noise => noise,
        };
        rank += own.len() as f64 / inverse / f64::from(1 + noise);
        let middle = f64::from(end + start) / 2.0;
        if covers > 0 && middle > previous {
            distances += 1.0 / (middle - previous);
        }
        previous = middle;
        covers += 1;
    }
    Ok(normalised(rank, &document, method, covers, distances) as f32)
}

fn normalised(mut rank: f64, document: &Vector, method: i32, covers: i32, distances: f64) -> f64 {
    let (words, unique) = (f64::from(length(document)), document.lexemes.len() as f64);
    if method & method::LOG_LENGTH != 0 {
        rank /= (words + 1.0).ln();
    }
    if method & method::LENGTH != 0 && words > 0.0 {
        rank /= words;
    }
    if method & method::EXTENT_DISTANCE != 0 && covers > 0 && distances > 0.0 {
        rank /= f64::from(covers) / distances;
    }
    if method & method::UNIQUE != 0 {
        rank /= unique;
    }
    if method & method::LOG_UNIQUE != 0 {
        rank /= (unique + 1.0).ln() / 2f64.ln();
    }
    if method & method::SELF_PLUS_ONE != 0 {
        rank /= rank + 1.0;
    }
    rank
}

/// The places of the query's terms in the order of the document.
fn places(document: &Vector, condition: &Query) -> Vec<Place> {
    let mut terms = vec![];
    condition.for_each_term(&mut |term| terms.push(term));
    let mut places: Vec<(u16, u8, &str, usize)> = vec![];
    for (n, term) in terms.iter().enumerate() {
        for lexeme in entries(document, term) {
            let wanted = |weight: u8| term.weights == 0 || term.weights & 1 << weight != 0;
            let own = lexeme.positions.iter().filter(|position| wanted(position.weight));
            places.extend(own.map(|position| (position.at, position.weight, lexeme.word.as_str(), n)));
        }
    }
    places.sort_unstable();
    let mut merged: Vec<(Place, &str)> = vec![];
    for (at, weight, word, term) in places {
        match merged.last_mut() {
            Some((place, own)) if place.at == at && *own == word => place.terms.push(term),
            _ => merged.push((Place { at, weight, terms: vec![term] }, word)),
        }
    }
    merged.into_iter().map(|(place, _)| place).collect()
}

/// Whether places satisfy the query, in whatever order they are given.
struct Seen<'a> {
    condition: &'a Query,
    by_term: Vec<Vec<u16>>,
}

impl<'a> Seen<'a> {
    fn new(condition: &'a Query) -> Self {
        let mut terms = 0;
        condition.for_each_term(&mut |_| terms += 1);
        Seen { condition, by_term: vec![vec![]; terms] }
    }

    fn add(&mut self, place: &Place) -> bool {
        for term in &place.terms {
            let own = &mut self.by_term[*term];
            if let Err(index) = own.binary_search(&place.at) {
                own.insert(index, place.at);
            }
        }
        // Terms are asked for from left to right, but not all of them: they are told apart by where they lie.
        let mut order: Vec<&Term> = vec![];
        self.condition.for_each_term(&mut |term| order.push(term));
        let by_term = &self.by_term;
        truth(self.condition, &mut |term| {
            let number = order.iter().position(|own| std::ptr::eq(*own, term)).unwrap_or(0);
            let at = by_term[number].clone();
            let found = if at.is_empty() { Truth::No } else { Truth::Yes };
            Occurrence { truth: found, at, present: found }
        }) != Truth::No
    }
}

/// The next shortest stretch, from `next` on.
fn next_cover(places: &[Place], condition: &Query, next: &mut usize) -> Option<Cover> {
    loop {
        let mut seen = Seen::new(condition);
        let last = (*next..places.len()).find(|n| seen.add(&places[*n]))?;
        let mut seen = Seen::new(condition);
        match (*next..=last).rev().find(|n| seen.add(&places[*n])) {
            Some(first) => {
                *next = first + 1;
                return Some(Cover { first, last });
            }
            None => *next += 1,
        }
    }
}
