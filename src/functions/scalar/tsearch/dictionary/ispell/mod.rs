//! The template `ispell`: words and their forms, by a file of words and one of affixes. Understands the files of Ispell, MySpell
//! and Hunspell.
//!
//! A token is one of a word's forms when taking off a prefix, a suffix, or both, leaves a word of the file that goes with them.
//! Where the affix file has compound words, the token is split in all ways into words that may stand together.

mod affix_file;
mod affixes;
mod flags;
mod words;

use std::collections::HashSet;
use std::sync::Arc;

use dictdb_types::{Env, Result};

use self::affixes::{Affixes, MAX_WORD_BYTES, Side};
use self::flags::Role;
use self::words::{NodeId, ROOT, Words};
use super::{Lexeme, Lexized, Options, files};

/// As many lexemes a token has at most.
const MAX_LEXEMES: usize = 1023;

/// A dictionary of the template.
#[derive(Debug)]
pub(in super::super) struct Ispell {
    stop_words: HashSet<String>,
    words: Words,
    affixes: Affixes,
}

/// A compound word as its words.
type Parts = Vec<String>;

impl Ispell {
    pub(super) fn new(options: &[(Arc<str>, Arc<str>)], env: &dyn Env) -> Result<Self> {
        let options = Options::new("Ispell", &["DictFile", "AffFile", "StopWords"], options)?;
        let stop_words = options.get("StopWords").map(|name| files::stop_words(env, name)).transpose()?;
        let affix_file = options.required("AffFile")?;
        let text = files::text(env, "dictionary", options.required("DictFile")?, "dict")?;
        let mut affixes = affix_file::read(affix_file, env)?;
        let words = Words::new(&text, &affixes)?;
        affixes.find_joints(&words.flag_sets)?;
        Ok(Ispell { stop_words: stop_words.unwrap_or_default(), words, affixes })
    }

    pub(super) fn lexize(&self, token: &str) -> Result<Lexized> {
        let word = token.to_lowercase();
        if word.is_empty() {
            return Ok(Lexized::Unknown);
        }
        let mut lexemes = Vec::new();
        let mut variant = 1;
        for form in self.forms(&word, Role::default())? {
            lexemes.push(Lexeme { word: form, variant, ..Lexeme::default() });
            variant += 1;
        }
        if self.affixes.compounds {
            for mut parts in self.split(None, &[], &word, 0, -1)? {
                let Some(last) = parts.pop().filter(|_| !parts.is_empty()) else { continue };
                for form in self.forms(&last, Role::LAST)? {
                    let words = parts.iter().cloned().chain([form]);
                    lexemes.extend(words.map(|word| Lexeme { word, variant, ..Lexeme::default() }));
                    variant = variant.saturating_add(1);
                }
            }
        }
        if lexemes.is_empty() {
            return Ok(Lexized::Unknown);
        }
        lexemes.truncate(MAX_LEXEMES);
        lexemes.retain(|lexeme| !self.stop_words.contains(&lexeme.word));
        Ok(Lexized::Known(lexemes))
    }

    /// The words of the file that a word is a form of, at this place of a compound word.
    fn forms(&self, word: &str, place: Role) -> Result<Vec<String>> {
        let mut forms: Vec<String> = Vec::new();
        if word.len() > MAX_WORD_BYTES {
            return Ok(forms);
        }
        let has = |word: &str, flag: &str| self.words.has(word, flag, place, &self.affixes);
        let add = |forms: &mut Vec<String>, form: String| {
            if forms.last() != Some(&form) && forms.len() < MAX_LEXEMES {
                forms.push(form);
            }
        };
        if has(word, "")? {
            forms.push(word.to_owned());
        }
        for prefix in self.affixes.of(word, Side::Prefix) {
            if let Some(form) = prefix.strip(word, place, None)?
                && has(&form, &prefix.flag)?
            {
                add(&mut forms, form);
            }
        }
        for suffix in self.affixes.of(word, Side::Suffix) {
            let mut base = 0;
            let Some(rest) = suffix.strip(word, place, Some(&mut base))? else { continue };
            if has(&rest, &suffix.flag)? {
                add(&mut forms, rest.clone());
            }
            for prefix in self.affixes.of(&rest, Side::Prefix) {
                let Some(form) = prefix.strip(&rest, place, Some(&mut base))? else { continue };
                let together = prefix.role.meets(Role::CROSS) && suffix.role.meets(Role::CROSS);
                if has(&form, if together { "" } else { &prefix.flag })? {
                    add(&mut forms, form);
                }
            }
        }
        Ok(forms)
    }

    /// All ways to read a word, from byte `start` on, as words that stand together, after the parts before. The last part is
    /// what is left. `from` is the node that the reading has come to at byte `min`, if it goes on inside a word.
    fn split(
        &self,
        from: Option<NodeId>,
        before: &[String],
        word: &str,
        mut start: usize,
        min: isize,
    ) -> Result<Vec<Parts>> {
        let bytes = word.as_bytes();
        let part = |from: usize, to: usize| String::from_utf8_lossy(&bytes[from..to]).into_owned();
        let place = |is_first: bool, level: usize| match is_first {
            true => Role::BEGIN,
            false if level + 1 == bytes.len() => Role::LAST,
            false => Role::MIDDLE,
        };
        let mut node = from.or_else(|| self.words.goes_on(ROOT).then_some(ROOT));
        let mut level = if from.is_some() { min.max(0) as usize } else { start };
        let mut tried = vec![false; bytes.len()];
        let mut own: Parts = before.to_vec();
        let mut others: Vec<Parts> = Vec::new();
        while level < bytes.len() {
            if level > start {
                for end in self.joints(&bytes[level..], node.is_some()) {
                    let end = level + end;
                    let is_new = level as isize + (end - start) as isize - 1 > min && !tried[end - 1];
                    let Ok(text) = std::str::from_utf8(&bytes[start..end]) else { continue };
                    if !is_new || end - start >= MAX_WORD_BYTES {
                        continue;
                    }
                    let forms = self.forms(text, place(level == 0, level))?;
                    if !forms.is_empty() {
                        tried[end - 1] = true;
                        let parts: Parts = own.iter().cloned().chain(forms).collect();
                        others.extend(self.split(None, &parts, word, end, end as isize)?);
                    }
                }
            }
            let Some(at) = node else { break };
            let stepped = self.words.step(at, bytes[level]);
            if let Some((_, Some(found))) = stepped
                && found.may_be(place(start == 0, level))
                && !tried[level]
                && level as isize > min
            {
                if level + 1 == bytes.len() {
                    break;
                }
                // Longer words at the same place, then what follows this one.
                others.extend(self.split(Some(at), &own, word, start, level as isize)?);
                level += 1;
                own.push(part(start, level));
                (node, start) = (Some(ROOT), level);
                continue;
            }
            node = stepped.map(|(next, _)| next).filter(|next| self.words.goes_on(*next));
            level += 1;
        }
        own.push(part(start, bytes.len()));
        others.insert(0, own);
        Ok(others)
    }

    /// How many bytes of the rest belong to the word before, for each affix that may join it with the next: those of a suffix, none
    /// of a prefix. `here` asks for affixes that begin at once.
    fn joints<'a>(&'a self, rest: &'a [u8], here: bool) -> impl Iterator<Item = usize> + 'a {
        self.affixes.joints.iter().filter_map(move |joint| {
            let text = joint.text.as_bytes();
            if rest.len() <= text.len() {
                return None;
            }
            let at = match here {
                true => rest.starts_with(text).then_some(0),
                false => rest.windows(text.len()).position(|window| window == text),
            }?;
            Some(if joint.side == Side::Suffix { at + text.len() } else { 0 })
        })
    }
}
