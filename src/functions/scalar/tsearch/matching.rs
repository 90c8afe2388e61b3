//! `@@`: whether a document satisfies a query, with the places of its lexemes where the query is about order.

use dictdb_types::tsearch::{Lexeme, Operator, Query, Term, Vector};
use dictdb_types::{Oid, Result};

use super::{document, morph, query, vector};
use crate::CallContext;
use crate::args::kernels;
use crate::kernel::ScalarFn;

pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "ts_match_vq" => |document: &[u8], condition: &[u8]| matches(&vector(document)?, condition),
    "ts_match_qv" => |condition: &[u8], document: &[u8]| matches(&vector(document)?, condition),
    "ts_match_tt" => |cx; text: &str, condition: &str| {
        let config = default_config(cx)?;
        let document = document::from_text(config, text, cx.env)?;
        let condition = morph::plain(cx.env, config, condition)?;
        Ok(condition.is_some_and(|condition| satisfies(&document, &condition)))
    },
    "ts_match_tq" => |cx; text: &str, condition: &[u8]| {
        matches(&document::from_text(default_config(cx)?, text, cx.env)?, condition)
    },
};

fn default_config(cx: &CallContext<'_>) -> Result<Oid> {
    cx.env.text_search_config()
}

fn matches(document: &Vector, condition: &[u8]) -> Result<bool> {
    Ok(query(condition).is_some_and(|condition| satisfies(document, &condition)))
}

fn satisfies(document: &Vector, condition: &Query) -> bool {
    truth(condition, &mut |term| occurrence(document, term)) != Truth::No
}

/// Three-valued: a document without positions cannot always tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    No,
    Yes,
    Maybe,
}

/// Where something holds: at these ends of matches of this width, or everywhere else.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    at: Vec<u16>,
    negated: bool,
    width: i32,
}

/// What a document says about a lexeme.
#[derive(Clone, Debug)]
pub(super) struct Occurrence {
    /// Whether it is there, with one of the wanted weights.
    pub(super) truth: Truth,
    /// Its places; unknown with [`Truth::Maybe`].
    pub(super) at: Vec<u16>,
    /// Whether it is there, when its places do not matter.
    pub(super) present: Truth,
}

/// Looks a lexeme up in a document.
fn occurrence(document: &Vector, term: &Term) -> Occurrence {
    let mut all = Occurrence { truth: Truth::No, at: vec![], present: Truth::No };
    let mut add = |lexeme: &Lexeme| {
        let weighted = |weight: u8| term.weights == 0 || term.weights & 1 << weight != 0;
        if lexeme.positions.is_empty() {
            // Without positions there are no weights either: any could be meant.
            all.present = Truth::Yes;
            all.truth = Truth::Maybe;
            return;
        }
        let at: Vec<u16> =
            lexeme.positions.iter().filter(|place| weighted(place.weight)).map(|place| place.at).collect();
        if !at.is_empty() {
            all.present = Truth::Yes;
            if all.truth == Truth::No {
                all.truth = Truth::Yes;
            }
            all.at.extend(at);
        }
    };
    if term.prefix {
        document.with_prefix(&term.word).for_each(&mut add);
    } else if let Some(lexeme) = document.find(&term.word) {
        add(lexeme);
    }
    all.at.sort_unstable();
    all.at.dedup();
    all
}

/// Whether a condition holds, as `occurs` tells of its lexemes.
pub(super) fn truth(condition: &Query, occurs: &mut impl FnMut(&Term) -> Occurrence) -> Truth {
    match condition {
        Query::Term(term) => occurs(term).present,
        Query::Not(inner) => match truth(inner, occurs) {
            Truth::No => Truth::Yes,
            Truth::Yes => Truth::No,
            Truth::Maybe => Truth::Maybe,
        },
        Query::Binary(Operator::And, left, right) => match truth(left, occurs) {
            Truth::No => Truth::No,
            left => match truth(right, occurs) {
                Truth::Yes => left,
                right => right,
            },
        },
        Query::Binary(Operator::Or, left, right) => match truth(left, occurs) {
            Truth::Yes => Truth::Yes,
            left => match truth(right, occurs) {
                Truth::No => left,
                right => right,
            },
        },
        // Without positions nothing is known to follow anything.
        Query::Binary(Operator::Phrase(_), ..) => match places(condition, occurs) {
            (Truth::Yes, _) => Truth::Yes,
            _ => Truth::No,
        },
    }
}

/// Where a condition inside a phrase holds.
fn places(condition: &Query, occurs: &mut impl FnMut(&Term) -> Occurrence) -> (Truth, Places) {
    match condition {
        Query::Term(term) => {
            let found = occurs(term);
            (found.truth, Places { at: found.at, negated: false, width: 0 })
        }
        Query::Not(inner) => negation(places(inner, occurs)),
        Query::Binary(Operator::Or, left, right) => either(places(left, occurs), places(right, occurs)),
        Query::Binary(operator, left, right) => {
            let left = places(left, occurs);
            if left.0 == Truth::No {
                return (Truth::No, Places::default());
            }
            both(*operator, left, places(right, occurs))
        }
    }
}

fn negation((truth, places): (Truth, Places)) -> (Truth, Places) {
    match truth {
        Truth::No => (Truth::Yes, Places { at: vec![], negated: true, width: places.width }),
        Truth::Yes if places.at.is_empty() && places.negated => (Truth::No, Places { negated: false, ..places }),
        Truth::Yes => (Truth::Yes, Places { negated: !places.negated, ..places }),
        Truth::Maybe => (Truth::Maybe, Places::default()),
    }
}

/// Which places of two lists count.
#[derive(Clone, Copy)]
struct Emit {
    both: bool,
    left: bool,
    right: bool,
}

const ONLY_BOTH: Emit = Emit { both: true, left: false, right: false };
const ONLY_LEFT: Emit = Emit { both: false, left: true, right: false };
const ONLY_RIGHT: Emit = Emit { both: false, left: false, right: true };
const ANY: Emit = Emit { both: true, left: true, right: true };

fn both(operator: Operator, left: (Truth, Places), right: (Truth, Places)) -> (Truth, Places) {
    if right.0 == Truth::No {
        return (Truth::No, Places::default());
    }
    if left.0 == Truth::Maybe || right.0 == Truth::Maybe {
        return (Truth::Maybe, Places::default());
    }
    let (left, right) = (left.1, right.1);
    let (shift_left, shift_right, width) = match operator {
        Operator::Phrase(distance) => {
            let distance = i32::from(distance);
            (distance + right.width, 0, distance + left.width + right.width)
        }
        _ => {
            let width = left.width.max(right.width);
            (width - left.width, width - right.width, width)
        }
    };
    let (emit, negated) = match (left.negated, right.negated) {
        (true, true) => (ANY, true),
        (true, false) => (ONLY_RIGHT, false),
        (false, true) => (ONLY_LEFT, false),
        (false, false) => (ONLY_BOTH, false),
    };
    let at = merge(&left.at, shift_left, &right.at, shift_right, emit);
    let truth = if negated || !at.is_empty() { Truth::Yes } else { Truth::No };
    (truth, Places { at, negated, width })
}

fn either(left: (Truth, Places), right: (Truth, Places)) -> (Truth, Places) {
    if left.0 == Truth::No && right.0 == Truth::No {
        return (Truth::No, Places::default());
    }
    if left.0 == Truth::Maybe || right.0 == Truth::Maybe {
        return (Truth::Maybe, Places::default());
    }
    let settled = |(truth, places): (Truth, Places)| if truth == Truth::No { Places::default() } else { places };
    let (left, right) = (settled(left), settled(right));
    let width = left.width.max(right.width);
    let (emit, negated) = match (left.negated, right.negated) {
        (true, true) => (ONLY_BOTH, true),
        (true, false) => (ONLY_LEFT, true),
        (false, true) => (ONLY_RIGHT, true),
        (false, false) => (ANY, false),
    };
    let at = merge(&left.at, width - left.width, &right.at, width - right.width, emit);
    let truth = if negated || !at.is_empty() { Truth::Yes } else { Truth::No };
    (truth, Places { at, negated, width })
}

/// Places of the two lists, each moved to the right, that are in both or in one only.
fn merge(left: &[u16], shift_left: i32, right: &[u16], shift_right: i32, emit: Emit) -> Vec<u16> {
    let moved = |at: Option<&u16>, by: i32| at.map_or(i32::MAX, |at| i32::from(*at) + by);
    let (mut l, mut r) = (0, 0);
    let mut out = vec![];
    loop {
        let (a, b) = (moved(left.get(l), shift_left), moved(right.get(r), shift_right));
        if a == i32::MAX && b == i32::MAX {
            return out;
        }
        let wanted = match a.cmp(&b) {
            std::cmp::Ordering::Less => emit.left,
            std::cmp::Ordering::Equal => emit.both,
            std::cmp::Ordering::Greater => emit.right,
        };
        if wanted {
            out.push(a.min(b) as u16);
        }
        l += usize::from(a <= b);
        r += usize::from(b <= a);
    }
}
