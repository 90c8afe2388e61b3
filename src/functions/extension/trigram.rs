//! `pg_trgm`: how alike two texts are, by the runs of three characters they share.
//!
//! Words are runs of letters and digits, in lower case, with two blanks before and one after. The locale is `C`, where only ASCII
//! characters belong to words, so a trigram is three bytes.

use std::collections::HashMap;

use dictdb_types::{Array, Datum, Env, Result, oids};

use crate::args::kernels;
use crate::kernel::ScalarFn;
use crate::scalar::regex::required::Run;

/// Functions of this family by symbol.
pub const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "show_trgm" => |text: &str| shown(text),
    "show_limit" => |cx;| threshold(cx.env, Measure::Similarity).map(|threshold| threshold as f32),
    "similarity" => |a: &str, b: &str| similarity(a, b),
    "similarity_dist" => |a: &str, b: &str| 1.0 - similarity(a, b),
    "similarity_op" => |cx; a: &str, b: &str| Ok(reaches(similarity(a, b), threshold(cx.env, Measure::Similarity)?)),
    "word_similarity" => |a: &str, b: &str| word_similarity(a, b, false),
    "word_similarity_op" => |cx; a: &str, b: &str| is_alike(cx.env, a, b, Measure::Word),
    "word_similarity_commutator_op" => |cx; a: &str, b: &str| is_alike(cx.env, b, a, Measure::Word),
    "word_similarity_dist_op" => |a: &str, b: &str| 1.0 - word_similarity(a, b, false),
    "word_similarity_dist_commutator_op" => |a: &str, b: &str| 1.0 - word_similarity(b, a, false),
    "strict_word_similarity" => |a: &str, b: &str| word_similarity(a, b, true),
    "strict_word_similarity_op" => |cx; a: &str, b: &str| is_alike(cx.env, a, b, Measure::StrictWord),
    "strict_word_similarity_commutator_op" => |cx; a: &str, b: &str| is_alike(cx.env, b, a, Measure::StrictWord),
    "strict_word_similarity_dist_op" => |a: &str, b: &str| 1.0 - word_similarity(a, b, true),
    "strict_word_similarity_dist_commutator_op" => |a: &str, b: &str| 1.0 - word_similarity(b, a, true),
};

/// Three characters.
pub(crate) type Trigram = [u8; 3];

/// What an operator compares with its threshold.
#[derive(Clone, Copy)]
pub(crate) enum Measure {
    Similarity,
    Word,
    StrictWord,
}

/// The setting of an operator's threshold; its default where there are no settings.
pub(crate) fn threshold(env: &dyn Env, measure: Measure) -> Result<f64> {
    let (name, default) = match measure {
        Measure::Similarity => ("pg_trgm.similarity_threshold", 0.3),
        Measure::Word => ("pg_trgm.word_similarity_threshold", 0.6),
        Measure::StrictWord => ("pg_trgm.strict_word_similarity_threshold", 0.5),
    };
    Ok(env.setting(name).and_then(|text| text.parse().ok()).unwrap_or(default))
}

/// Whether a similarity, which is a real, reaches a threshold, which is double precision.
pub(crate) fn reaches(similarity: f32, threshold: f64) -> bool {
    f64::from(similarity) >= threshold
}

fn is_alike(env: &dyn Env, word: &str, text: &str, measure: Measure) -> Result<bool> {
    let strict = matches!(measure, Measure::StrictWord);
    Ok(reaches(word_similarity(word, text, strict), threshold(env, measure)?))
}

/// The trigrams of a text in order, and for each whether it begins and ends a word.
fn in_order(text: &str) -> Vec<(Trigram, bool, bool)> {
    let mut found = Vec::new();
    for word in text.as_bytes().split(|byte| !byte.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let mut padded = Vec::with_capacity(word.len() + 3);
        padded.extend_from_slice(b"  ");
        padded.extend(word.iter().map(u8::to_ascii_lowercase));
        padded.push(b' ');
        let last = padded.len() - 3;
        found.extend(padded.windows(3).enumerate().map(|(at, run)| ([run[0], run[1], run[2]], at == 0, at == last)));
    }
    found
}

/// The trigrams of a text, each once, sorted.
pub(crate) fn trigrams(text: &str) -> Vec<Trigram> {
    let mut found: Vec<Trigram> = in_order(text).into_iter().map(|(trigram, ..)| trigram).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The trigrams that a text has which contains such a run.
pub(crate) fn trigrams_of_run(run: &Run) -> Vec<Trigram> {
    let mut found = Vec::new();
    let bytes = run.text.as_bytes();
    let mut at = 0;
    for word in bytes.split(|byte| !byte.is_ascii_alphanumeric()) {
        let (begins, ends) = (at > 0 || run.begins_word, at + word.len() < bytes.len() || run.ends_word);
        at += word.len() + 1;
        if word.is_empty() {
            continue;
        }
        let mut padded: Vec<u8> = if begins { b"  ".to_vec() } else { Vec::new() };
        padded.extend(word.iter().map(u8::to_ascii_lowercase));
        padded.extend(ends.then_some(b' '));
        found.extend(padded.windows(3).map(|run| [run[0], run[1], run[2]]));
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn shown(text: &str) -> Array {
    let texts = trigrams(text).into_iter().map(|trigram| Datum::text(String::from_utf8_lossy(&trigram)));
    Array::vector(oids::TEXT, texts.collect())
}

/// Shared trigrams against all of both.
fn ratio(shared: usize, own: usize, others: usize) -> f32 {
    shared as f32 / (own + others - shared) as f32
}

fn similarity(a: &str, b: &str) -> f32 {
    let (a, b) = (trigrams(a), trigrams(b));
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let shared = a.iter().filter(|trigram| b.binary_search(trigram).is_ok()).count();
    ratio(shared, a.len(), b.len())
}

/// The text that a word is looked for in: the trigrams by number, and what is known of each.
struct Extent {
    /// The number of the trigram at each place.
    numbers: Vec<usize>,
    /// For each number, whether the word has the trigram.
    wanted: Vec<bool>,
    /// Whether the trigram at each place begins and ends a word.
    bounds: Vec<(bool, bool)>,
    /// Number of different trigrams of the word.
    word: usize,
}

impl Extent {
    fn new(word: &str, text: &str) -> Extent {
        let word = trigrams(word);
        let places = in_order(text);
        let mut known: HashMap<Trigram, usize> = HashMap::new();
        let mut wanted = Vec::new();
        let numbers = places.iter().map(|(trigram, ..)| {
            *known.entry(*trigram).or_insert_with(|| {
                wanted.push(word.binary_search(trigram).is_ok());
                wanted.len() - 1
            })
        });
        let numbers = numbers.collect();
        let bounds = places.iter().map(|(_, begins, ends)| (*begins, *ends)).collect();
        Extent { numbers, wanted, bounds, word: word.len() }
    }
}

/// The greatest similarity between a word and a continuous extent of a text; a strict extent begins and ends where words do.
///
/// The lower end of the extent moves up greedily, as PostgreSQL moves it: the result is not always the true maximum.
fn word_similarity(word: &str, text: &str, strict: bool) -> f32 {
    let extent = Extent::new(word, text);
    let mut search = Search {
        last: vec![None; extent.wanted.len()],
        lower: strict.then_some(0),
        different: 0,
        shared: 0,
        strict,
        extent: &extent,
    };
    let mut best = 0.0f32;
    for place in 0..extent.numbers.len() {
        search.enter(place);
        let number = extent.numbers[place];
        let ends = if strict { extent.bounds[place].1 } else { extent.wanted[number] };
        if ends {
            best = best.max(search.close(place));
        }
    }
    best
}

/// The extent that is looked at.
struct Search<'e> {
    extent: &'e Extent,
    strict: bool,
    /// Where each trigram was last met inside.
    last: Vec<Option<usize>>,
    lower: Option<usize>,
    /// Different trigrams inside, and those of them that the word has.
    different: usize,
    shared: usize,
}

impl Search<'_> {
    fn enter(&mut self, place: usize) {
        let number = self.extent.numbers[place];
        let wanted = self.extent.wanted[number];
        if self.lower.is_none() && !wanted {
            return;
        }
        if self.last[number].is_none() {
            self.different += 1;
            self.shared += usize::from(wanted);
        }
        self.last[number] = Some(place);
    }

    /// The similarity of the extent that ends here, with its lower end moved to where it is greatest.
    fn close(&mut self, upper: usize) -> f32 {
        let word = self.extent.word;
        let before = *self.lower.get_or_insert_with(|| {
            self.different = 1;
            upper
        });
        let mut best = ratio(self.shared, word, self.different);
        let (mut shared, mut different, mut lower) = (self.shared, self.different, before);
        for place in before..=upper {
            if !self.strict || self.extent.bounds[place].0 {
                let similarity = ratio(shared, word, different);
                if similarity > best {
                    best = similarity;
                    (self.shared, self.different, lower) = (shared, different, place);
                }
            }
            let number = self.extent.numbers[place];
            if self.last[number] == Some(place) {
                different -= 1;
                shared -= usize::from(self.extent.wanted[number]);
            }
        }
        self.lower = Some(lower);
        for place in before..lower {
            let number = self.extent.numbers[place];
            if self.last[number] == Some(place) {
                self.last[number] = None;
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarities_are_those_of_postgresql() {
        assert_eq!(similarity("word", "two words"), 0.36363637);
        assert_eq!(word_similarity("word", "two words", false), 0.8);
        assert_eq!(word_similarity("word", "two words", true), 0.5714286);
        assert_eq!(similarity("", "a"), 0.0);
        assert_eq!(similarity("---", "####---"), 0.0);
        let of_run = |text: &str, begins_word, ends_word| {
            trigrams_of_run(&Run { text: text.to_owned(), begins_word, ends_word })
        };
        assert_eq!(of_run("abcd", false, false), [*b"abc", *b"bcd"]);
        assert_eq!(of_run("ab cd", true, false), [*b"  a", *b"  c", *b" ab", *b" cd", *b"ab "]);
        assert_eq!(of_run("-ab", false, false), [*b"  a", *b" ab"]);
        assert_eq!(trigrams("a b C"), [*b"  a", *b"  b", *b"  c", *b" a ", *b" b ", *b" c "]);
    }
}
