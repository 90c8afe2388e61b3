//! The template `thesaurus`: phrases for phrases. Both are what another dictionary, the asked one, makes of the words in a file.
//!
//! A phrase is found token by token: [`Phrase`] holds the rules whose samples begin with the tokens so far, and the longest
//! sample wins. A `?` in a sample is a stop word of the asked dictionary.

use std::collections::HashMap;
use std::sync::Arc;

use dictdb_types::env::{RegKind, TextSearchDictionary};
use dictdb_types::{Env, Oid, Result, bail};

use super::{Dictionary, Lexeme, Lexized, Options, broken_file, dictionary, files};

/// A dictionary of the template.
#[derive(Debug)]
pub(in super::super) struct Thesaurus {
    asked: Arc<Dictionary>,
    /// Where lexemes stand in samples, in order; the key of stop words is none.
    places: HashMap<Option<String>, Vec<Place>>,
    rules: Vec<Rule>,
}

/// Where a lexeme stands in a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    rule: usize,
    /// Counted from zero.
    at: usize,
    /// As many lexemes are one variant of the word there.
    variant_len: usize,
}

#[derive(Debug)]
struct Rule {
    /// Words of the sample.
    sample_len: usize,
    substitute: Vec<Lexeme>,
}

/// A phrase as far as it has been read.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Phrase {
    /// Rules that may be meant, none before the first token.
    rules: Vec<usize>,
    tokens: usize,
}

/// What a thesaurus says of one more token.
pub(in super::super) struct Step {
    pub(in super::super) lexized: Lexized,
    /// Whether it wants to see the next token, which may make the phrase longer.
    pub(in super::super) wants_more: bool,
}

/// A line of the file: words of the sample, and of the substitute with whether they are taken as they are.
struct Line<'a> {
    sample: Vec<&'a str>,
    substitute: Vec<(&'a str, bool)>,
}

/// The dictionary that one of this template asks; none for other templates. 42704.
pub(super) fn asked(definition: &TextSearchDictionary, env: &dyn Env) -> Result<Option<Oid>> {
    if &*definition.lexize != "thesaurus_lexize" {
        return Ok(None);
    }
    let name = definition.options.iter().find(|(name, _)| &**name == "dictionary").map(|(_, value)| value);
    name.map(|name| env.reg_in(RegKind::Dictionary, name)).transpose()
}

impl Thesaurus {
    pub(super) fn new(options: &[(Arc<str>, Arc<str>)], env: &dyn Env) -> Result<Self> {
        let options = Options::new("Thesaurus", &["DictFile", "Dictionary"], options)?;
        let file = options.required("DictFile")?;
        let name = options.required("Dictionary")?;
        let text = files::text(env, "thesaurus", file, "ths")?;
        let asked = dictionary(env.reg_in(RegKind::Dictionary, name)?, env)?;
        let mut own = Thesaurus { asked, places: HashMap::new(), rules: Vec::new() };
        let mut lines = Vec::new();
        files::for_each_line(&format!("{file}.ths"), &text, |line| {
            lines.extend(parse(line)?);
            Ok(())
        })?;
        for (rule, line) in lines.iter().enumerate() {
            for (at, word) in line.sample.iter().enumerate() {
                own.add_place(rule, at, word)?;
            }
        }
        own.places.values_mut().for_each(|places| {
            places.sort_unstable();
            places.dedup();
        });
        for (rule, line) in lines.iter().enumerate() {
            let substitute = own.substitute(rule, &line.substitute)?;
            own.rules.push(Rule { sample_len: line.sample.len(), substitute });
        }
        Ok(own)
    }

    fn add_place(&mut self, rule: usize, at: usize, word: &str) -> Result<()> {
        if word == "?" {
            self.places.entry(None).or_default().push(Place { rule, at, variant_len: 1 });
            return Ok(());
        }
        let number = rule + 1;
        let lexemes = match self.asked.lexize(word)? {
            Lexized::Known(lexemes) => lexemes,
            Lexized::Filtered(other) => vec![Lexeme::plain(other)],
            Lexized::Unknown => {
                let message = "isn't recognized by subdictionary";
                return Err(broken_file(format!("thesaurus sample word \"{word}\" {message} (rule {number})")));
            }
        };
        if lexemes.is_empty() {
            let message = format!("thesaurus sample word \"{word}\" is a stop word (rule {number})");
            return Err(broken_file(message).hint("Use \"?\" to represent a stop word within a sample phrase."));
        }
        for variant in lexemes.chunk_by(|a, b| a.variant == b.variant) {
            let place = Place { rule, at, variant_len: variant.len() };
            for lexeme in variant {
                self.places.entry(Some(lexeme.word.clone())).or_default().push(place);
            }
        }
        Ok(())
    }

    fn substitute(&self, rule: usize, words: &[(&str, bool)]) -> Result<Vec<Lexeme>> {
        let number = rule + 1;
        let mut substitute: Vec<Lexeme> = Vec::new();
        for (variant, (word, as_it_is)) in words.iter().enumerate() {
            let mut lexemes = if *as_it_is {
                let variant = u16::try_from(variant).unwrap_or(u16::MAX);
                vec![Lexeme { word: (*word).to_owned(), variant, ..Lexeme::default() }]
            } else {
                match self.asked.lexize(word)? {
                    Lexized::Known(lexemes) => lexemes,
                    Lexized::Filtered(other) => vec![Lexeme::plain(other)],
                    Lexized::Unknown => {
                        let message = format!("thesaurus substitute word \"{word}\" isn't recognized by subdictionary");
                        return Err(broken_file(format!("{message} (rule {number})")));
                    }
                }
            };
            let has_words = !substitute.is_empty();
            match lexemes.first_mut() {
                Some(first) => first.next_place |= has_words,
                None => {
                    let message = format!("thesaurus substitute word \"{word}\" is a stop word (rule {number})");
                    return Err(broken_file(message));
                }
            }
            substitute.append(&mut lexemes);
        }
        if substitute.is_empty() {
            return Err(broken_file(format!("thesaurus substitute phrase is empty (rule {number})")));
        }
        Ok(substitute)
    }

    /// Reads one more token of a phrase. XX000 when it asks another thesaurus.
    pub(in super::super) fn step(&self, token: &str, phrase: &mut Phrase) -> Result<Step> {
        let mut rules = Vec::new();
        match self.asked.lexize(token)? {
            Lexized::Known(lexemes) if lexemes.is_empty() => self.meant(&[None], phrase, &mut rules),
            Lexized::Known(lexemes) => {
                for variant in lexemes.chunk_by(|a, b| a.variant == b.variant) {
                    let keys: Vec<_> = variant.iter().map(|lexeme| Some(lexeme.word.clone())).collect();
                    self.meant(&keys, phrase, &mut rules);
                }
            }
            Lexized::Filtered(other) => self.meant(&[Some(other)], phrase, &mut rules),
            Lexized::Unknown => {}
        }
        phrase.rules = rules;
        phrase.tokens += 1;
        let whole = phrase.rules.iter().find(|rule| self.rules[**rule].sample_len == phrase.tokens);
        Ok(match whole {
            Some(rule) => Step {
                lexized: Lexized::Known(self.rules[*rule].substitute.clone()),
                wants_more: phrase.rules.len() > 1,
            },
            None => Step { lexized: Lexized::Unknown, wants_more: !phrase.rules.is_empty() },
        })
    }

    /// Adds the rules that have all lexemes of a variant at the next place, the latest first.
    fn meant(&self, variant: &[Option<String>], phrase: &Phrase, rules: &mut Vec<usize>) {
        let places: Option<Vec<&Vec<Place>>> = variant.iter().map(|key| self.places.get(key)).collect();
        let Some((first, others)) = places.as_deref().and_then(<[_]>::split_first) else { return };
        for place in first.iter() {
            let fits = place.at == phrase.tokens && place.variant_len == variant.len();
            let goes_on = phrase.tokens == 0 || phrase.rules.contains(&place.rule);
            let everywhere = others.iter().all(|places| places.binary_search(place).is_ok());
            if fits && goes_on && everywhere && !rules.contains(&place.rule) {
                rules.insert(0, place.rule);
            }
        }
    }
}

/// A rule's line; none for an empty one and a comment. F0000.
fn parse(line: &str) -> Result<Option<Line<'_>>> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let Some((sample, substitute)) = line.split_once(':') else { return Err(broken_file("unexpected end of line")) };
    let sample: Vec<&str> = sample.split_whitespace().collect();
    if sample.is_empty() {
        return Err(broken_file("unexpected delimiter"));
    }
    let mut words = Vec::new();
    for word in substitute.split_whitespace() {
        let (word, as_it_is) = match word.strip_prefix('*') {
            Some(rest) => (rest, true),
            None => (word.strip_prefix('\\').unwrap_or(word), false),
        };
        if word.is_empty() {
            return Err(broken_file("unexpected end of line or lexeme"));
        }
        words.push((word, as_it_is));
    }
    if words.is_empty() {
        return Err(broken_file("unexpected end of line"));
    }
    if sample.len().max(words.len()) > usize::from(u16::MAX) {
        bail!(CONFIG_FILE_ERROR, "too many lexemes in thesaurus entry");
    }
    Ok(Some(Line { sample, substitute: words }))
}
