//! Several short fragments of a text instead of one stretch (MaxFragments).
//!
//! Every cover of the query is cut into pieces that begin and end with words of the query and are not longer than MaxWords. The
//! pieces with the most such words are taken, the shorter one of equals, and each is stretched to both sides as far as MaxWords, the
//! text and the fragments that were taken before let it.

use std::ops::Range;

use dictdb_types::tsearch::Query;

use super::options::Options;
use super::{Word, cover};

/// A part of a cover: both ends are words of the query.
struct Piece {
    first: usize,
    last: usize,
    words: usize,
    interesting: usize,
}

/// The fragments to show in the order of the text; those that touch are one.
pub(super) fn best(words: &[Word<'_>], condition: &Query, options: &Options) -> Vec<Range<usize>> {
    let mut pieces = pieces(words, condition, options);
    let mut shown: Vec<Range<usize>> = vec![];
    while shown.len() < options.fragments {
        let rank = |piece: &&Piece| (piece.interesting, std::cmp::Reverse(piece.words));
        // Of equals the first.
        let Some(piece) = pieces.iter().rev().max_by_key(rank) else { break };
        let fragment = stretched(words, piece, &shown, options);
        pieces.retain(|other| other.last < fragment.start || other.first >= fragment.end);
        shown.push(fragment);
    }
    shown.sort_by_key(|fragment| fragment.start);
    shown.dedup_by(|next, before| {
        let touch = before.end == next.start;
        if touch {
            before.end = next.end;
        }
        touch
    });
    shown
}

fn pieces(words: &[Word<'_>], condition: &Query, options: &Options) -> Vec<Piece> {
    let (mut pieces, mut from) = (vec![], 0);
    while let Some((first, last)) = cover(words, condition, options, from) {
        let mut rest = first;
        while rest <= last {
            let piece = piece(words, rest, last, options.most_words);
            rest = piece.last + 1;
            pieces.push(piece);
        }
        from = first + 1;
    }
    pieces
}

/// The first piece between two places.
fn piece(words: &[Word<'_>], from: usize, to: usize, most_words: usize) -> Piece {
    let first = (from..=to).find(|n| words[*n].is_interesting()).unwrap_or(to);
    let (mut counted, mut interesting, mut end) = (0, 0, first);
    while end <= to && counted < most_words {
        counted += usize::from(words[end].counts());
        interesting += usize::from(words[end].is_interesting());
        end += 1;
    }
    let mut last = to;
    if last > end {
        last = end;
        while last > first && !words[last].is_interesting() {
            counted -= usize::from(words[last].counts());
            last -= 1;
        }
    }
    Piece { first, last, words: counted, interesting }
}

/// A piece with words around it, half of what is free before it.
fn stretched(words: &[Word<'_>], piece: &Piece, taken: &[Range<usize>], options: &Options) -> Range<usize> {
    let free = |n: &usize| !taken.iter().any(|fragment| fragment.contains(n));
    let bad = |n: usize| words[n].is_bad_end(options.short_word);
    let counts = |n: usize| usize::from(words[n].counts());
    let (mut first, mut last, mut length) = (piece.first, piece.last, piece.words);
    if length < options.most_words {
        let mut room = (options.most_words - length) / 2;
        while let Some(before) = first.checked_sub(1).filter(free).filter(|_| room > 0) {
            (first, room, length) = (before, room - counts(before), length + counts(before));
        }
        while first < piece.first && bad(first) {
            (first, length) = (first + 1, length - counts(first));
        }
        while let Some(next) = Some(last + 1).filter(|n| *n < words.len() && length < options.most_words).filter(free) {
            (last, length) = (next, length + counts(next));
        }
        while last > piece.last && bad(last) {
            last -= 1;
        }
    }
    first..last + 1
}
