//! `ts_headline`: the stretches of a text that best show why it answers a query, with the query's words marked.
//!
//! Without MaxFragments a headline is one stretch, chosen here; `fragments` chooses several.

mod fragments;
mod options;

use std::ops::Range;

use dictdb_types::tsearch::{Query, Term};
use dictdb_types::{Env, Jsonb, Oid, Result};

use self::options::{Options, Written};
use super::config::Config;
use super::dictionary::Lexeme;
use super::lexize::next;
use super::matching::{Occurrence, Truth, truth};
use super::parser::{Kind, parse};
use super::query;
use crate::args::kernels;
use crate::kernel::ScalarFn;
use crate::scalar::json::raw::{Raw, unquote};

pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "ts_headline" => |cx; text: &str, condition: &[u8]| {
        headline(cx.env, cx.env.text_search_config()?, text, condition, "")
    },
    "ts_headline_opt" => |cx; text: &str, condition: &[u8], options: &str| {
        headline(cx.env, cx.env.text_search_config()?, text, condition, options)
    },
    "ts_headline_byid" => |cx; config: Oid, text: &str, condition: &[u8]| {
        headline(cx.env, config, text, condition, "")
    },
    "ts_headline_byid_opt" => |cx; config: Oid, text: &str, condition: &[u8], options: &str| {
        headline(cx.env, config, text, condition, options)
    },
    "ts_headline_json" => |cx; value: &str, condition: &[u8]| {
        in_json(cx.env, cx.env.text_search_config()?, value, condition, "")
    },
    "ts_headline_json_opt" => |cx; value: &str, condition: &[u8], options: &str| {
        in_json(cx.env, cx.env.text_search_config()?, value, condition, options)
    },
    "ts_headline_json_byid" => |cx; config: Oid, value: &str, condition: &[u8]| {
        in_json(cx.env, config, value, condition, "")
    },
    "ts_headline_json_byid_opt" => |cx; config: Oid, value: &str, condition: &[u8], options: &str| {
        in_json(cx.env, config, value, condition, options)
    },
    "ts_headline_jsonb" => |cx; value: &Jsonb, condition: &[u8]| {
        in_strings(cx.env, cx.env.text_search_config()?, value, condition, "")
    },
    "ts_headline_jsonb_opt" => |cx; value: &Jsonb, condition: &[u8], options: &str| {
        in_strings(cx.env, cx.env.text_search_config()?, value, condition, options)
    },
    "ts_headline_jsonb_byid" => |cx; config: Oid, value: &Jsonb, condition: &[u8]| {
        in_strings(cx.env, config, value, condition, "")
    },
    "ts_headline_jsonb_byid_opt" => |cx; config: Oid, value: &Jsonb, condition: &[u8], options: &str| {
        in_strings(cx.env, config, value, condition, options)
    },
};

/// A document whose strings are headlines of what they were.
fn in_strings(env: &dyn Env, config: Oid, value: &Jsonb, condition: &[u8], options: &str) -> Result<Jsonb> {
    let options = Written::read(options)?;
    marked_strings(value, &|text| with_options(env, config, text, condition, &options))
}

fn marked_strings(value: &Jsonb, mark: &dyn Fn(&str) -> Result<String>) -> Result<Jsonb> {
    let marked = |value: &Jsonb| marked_strings(value, mark);
    Ok(match value {
        Jsonb::String(text) => Jsonb::String(mark(text)?.into()),
        Jsonb::Array(items) => Jsonb::Array(items.iter().map(marked).collect::<Result<_>>()?),
        Jsonb::Object(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| Ok((key.clone(), marked(value)?)));
            Jsonb::Object(pairs.collect::<Result<_>>()?)
        }
        other => other.clone(),
    })
}

/// Likewise of a `json` text, which loses its blanks.
fn in_json(env: &dyn Env, config: Oid, text: &str, condition: &[u8], options: &str) -> Result<String> {
    let mut out = String::new();
    let options = Written::read(options)?;
    let marked = |text: &str| with_options(env, config, text, condition, &options);
    write_marked(Raw::checked(text)?, &marked, &mut out)?;
    Ok(out)
}

/// The text was checked for depth when it was read.
fn write_marked(value: Raw<'_>, marked: &dyn Fn(&str) -> Result<String>, out: &mut String) -> Result<()> {
    if value.is_object() {
        out.push('{');
        for (index, (key, value)) in value.pairs().enumerate() {
            if index > 0 {
                out.push(',');
            }
            dictdb_types::json::write_string(&unquote(key.text())?, out);
            out.push(':');
            write_marked(value, marked, out)?;
        }
        out.push('}');
    } else if value.is_array() {
        out.push('[');
        for (index, element) in value.elements().enumerate() {
            if index > 0 {
                out.push(',');
            }
            write_marked(element, marked, out)?;
        }
        out.push(']');
    } else if value.is_string() {
        dictdb_types::json::write_string(&marked(&unquote(value.text())?)?, out);
    } else {
        out.push_str(value.text());
    }
    Ok(())
}

/// A token of the text, and the terms of the query that it is an occurrence of.
struct Word<'a> {
    kind: Kind,
    text: &'a str,
    /// Place among the words, zero for what is no word.
    at: u16,
    terms: Vec<&'a Term>,
}

impl Word<'_> {
    /// Shown through its parts, or not at all.
    fn is_skipped(&self) -> bool {
        matches!(self.kind, Kind::Url | Kind::NumHword | Kind::AsciiHword | Kind::Hword)
    }

    fn counts(&self) -> bool {
        !matches!(self.kind, Kind::Blank | Kind::Tag) && !self.is_skipped()
    }

    fn is_interesting(&self) -> bool {
        !self.terms.is_empty()
    }

    /// Whether a headline had better not end here.
    fn is_bad_end(&self, short_word: usize) -> bool {
        let number = matches!(self.kind, Kind::SFloat | Kind::Version | Kind::Float | Kind::Int | Kind::UInt);
        let ignored = matches!(self.kind, Kind::Protocol | Kind::Entity);
        let weak = !self.counts() || number || ignored || self.text.chars().count() <= short_word;
        weak && !self.is_interesting()
    }
}

fn words<'a>(config: &Config<'_>, text: &'a str, condition: &'a Query) -> Result<Vec<Word<'a>>> {
    let mut terms = vec![];
    condition.for_each_term(&mut |term| terms.push(term));
    let mut last = 0u16;
    let mut words = vec![];
    let tokens = parse(text);
    let mut rest = &tokens[..];
    while !rest.is_empty() {
        let normalized = next(config, rest)?;
        let (read, others) = rest.split_at(normalized.tokens);
        rest = others;
        let first = words.len();
        words.extend(read.iter().map(|(kind, text)| Word { kind: *kind, text, at: 0, terms: vec![] }));
        let Some(lexemes) = normalized.lexemes else { break };
        last = last.saturating_add(1);
        let means = |term: &&&Term| {
            let is_it = |lexeme: &Lexeme| match term.prefix {
                true => lexeme.word.starts_with(&term.word),
                false => lexeme.word == term.word,
            };
            lexemes.iter().any(is_it)
        };
        let meant: Vec<&Term> = terms.iter().filter(means).copied().collect();
        for word in &mut words[first + normalized.unknown..] {
            word.at = last;
            word.terms.clone_from(&meant);
        }
        last = last.saturating_add(lexemes.iter().filter(|lexeme| lexeme.next_place).count() as u16);
    }
    Ok(words)
}

fn headline(env: &dyn Env, config: Oid, text: &str, condition: &[u8], options: &str) -> Result<String> {
    with_options(env, config, text, condition, &Written::read(options)?)
}

fn with_options(env: &dyn Env, config: Oid, text: &str, condition: &[u8], written: &Written) -> Result<String> {
    let options = &Options::new(written)?;
    let config = Config::new(config, env)?;
    let condition = query(condition);
    let nothing = Query::word("");
    let words = words(&config, text, condition.as_ref().unwrap_or(&nothing))?;
    let shown = match &condition {
        Some(condition) if options.fragments > 0 => fragments::best(&words, condition, options),
        _ if options.all => std::iter::once(0..words.len()).collect(),
        Some(condition) => best(&words, condition, options).into_iter().collect(),
        None => vec![],
    };
    if shown.is_empty() {
        return Ok(marked(&words[beginning(&words, options)], options));
    }
    let shown: Vec<String> = shown.into_iter().map(|range| marked(&words[range], options)).collect();
    Ok(shown.join(&options.delimiter))
}

/// The text of words, those of the query between the signs.
fn marked(words: &[Word<'_>], options: &Options) -> String {
    let mut out = String::new();
    for word in words.iter().filter(|word| !word.is_skipped()) {
        if word.kind == Kind::Tag && !options.all {
            out.push(' ');
        } else if word.is_interesting() {
            out.push_str(&options.start);
            out.push_str(word.text);
            out.push_str(&options.stop);
        } else {
            out.push_str(word.text);
        }
    }
    out
}

/// The first words, when nothing satisfies the query.
fn beginning(words: &[Word<'_>], options: &Options) -> Range<usize> {
    let mut count = 0;
    let enough = words.iter().position(|word| {
        let full = count >= options.least_words;
        count += usize::from(word.counts());
        full
    });
    0..enough.unwrap_or(words.len())
}

/// A stretch of words that satisfies the query: first and last.
fn cover(words: &[Word<'_>], condition: &Query, options: &Options, from: usize) -> Option<(usize, usize)> {
    let longest = (options.most_words * 10).max(100) * options.fragments.max(1);
    let next = |from: usize| (from..words.len()).find(|n| words[*n].is_interesting());
    let mut first = next(from);
    while let Some(start) = first {
        let mut last = Some(start);
        while let Some(end) = last.filter(|end| end - start < longest) {
            if satisfied(&words[start..=end], condition) {
                return Some((start, end));
            }
            last = next(end + 1);
        }
        first = next(start + 1);
    }
    None
}

fn satisfied(words: &[Word<'_>], condition: &Query) -> bool {
    truth(condition, &mut |term| {
        let own = words.iter().filter(|word| word.terms.iter().any(|own| std::ptr::eq(*own, term)));
        let mut at: Vec<u16> = own.map(|word| word.at).collect();
        at.dedup();
        let found = if at.is_empty() { Truth::No } else { Truth::Yes };
        Occurrence { truth: found, at, present: found }
    }) != Truth::No
}

/// A possible headline.
#[derive(Clone, Copy)]
struct Candidate {
    start: usize,
    end: usize,
    has_cover: bool,
    interesting: usize,
}

/// The headline that has its whole cover, then the most words of the query, then a good end.
fn best(words: &[Word<'_>], condition: &Query, options: &Options) -> Option<Range<usize>> {
    let mut best: Option<Candidate> = None;
    let mut from = 0;
    while let Some((first, last)) = cover(words, condition, options, from) {
        let next = candidate(words, options, first, last);
        let bad = |candidate: &Candidate| words[candidate.end].is_bad_end(options.short_word);
        let better = best.is_none_or(|best| {
            let key = |c: &Candidate| (c.has_cover, c.interesting);
            key(&next) > key(&best) || key(&next) == key(&best) && !bad(&next) && bad(&best)
        });
        if better {
            best = Some(next);
        }
        from = first + 1;
    }
    best.map(|best| best.start..best.end + 1)
}

/// A headline around a cover: as long as it may be, ending well where it can.
fn candidate(words: &[Word<'_>], options: &Options, first: usize, last: usize) -> Candidate {
    let bad = |n: usize| words[n].is_bad_end(options.short_word);
    let (mut start, mut end) = (first, first);
    let (mut count, mut interesting) = (0, 0);
    let mut n = first;
    while n <= last && count < options.most_words {
        count += usize::from(words[n].counts());
        interesting += usize::from(words[n].is_interesting());
        end = n;
        n += 1;
    }
    if count < options.most_words {
        n -= 1;
        while n < words.len() && count < options.most_words {
            if n > last {
                count += usize::from(words[n].counts());
                interesting += usize::from(words[n].is_interesting());
            }
            end = n;
            if !bad(n) && count >= options.least_words {
                break;
            }
            n += 1;
        }
        if count < options.least_words {
            start = 0;
            for n in (0..first).rev() {
                count += usize::from(words[n].counts());
                interesting += usize::from(words[n].is_interesting());
                if count >= options.most_words || !bad(n) && count >= options.least_words {
                    start = n;
                    break;
                }
            }
        }
    } else {
        n = n.min(last);
        while count > options.least_words && bad(n) {
            count -= usize::from(words[n].counts());
            interesting -= usize::from(words[n].is_interesting());
            end = n - 1;
            n -= 1;
        }
    }
    Candidate { start, end, has_cover: start <= first && end >= last, interesting }
}
