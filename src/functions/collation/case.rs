//! Case mapping of languages: Unicode's full mapping with the rules of the language for ICU's locales, character by character for those of
//! POSIX systems, as their libraries do it.

use icu_casemap::CaseMapper;
use icu_casemap::options::TitlecaseOptions;
use icu_locale_core::LanguageIdentifier;

/// How letters change their case.
pub(super) struct CaseRule {
    language: LanguageIdentifier,
    /// One character becomes one character.
    simple: bool,
}

impl CaseRule {
    pub(super) fn new(language: LanguageIdentifier, simple: bool) -> Self {
        CaseRule { language, simple }
    }

    pub(super) fn lower(&self, text: &str) -> String {
        let mapper = CaseMapper::new();
        match self.simple {
            true => text.chars().map(|c| self.simple_lower(c)).collect(),
            false => mapper.lowercase_to_string(text, &self.language).into_owned(),
        }
    }

    pub(super) fn upper(&self, text: &str) -> String {
        let mapper = CaseMapper::new();
        match self.simple {
            true => text.chars().map(|c| self.simple_upper(c)).collect(),
            false => mapper.uppercase_to_string(text, &self.language).into_owned(),
        }
    }

    /// The first letter of every word in title case, the rest in lower case.
    pub(super) fn initcap(&self, text: &str) -> String {
        if self.simple {
            return self.simple_initcap(text);
        }
        let mapper = CaseMapper::new();
        let mut out = String::with_capacity(text.len());
        for word in (Words { rest: text }) {
            out += &mapper.titlecase_segment_with_only_case_data_to_string(
                word,
                &self.language,
                TitlecaseOptions::default(),
            );
        }
        out
    }

    fn simple_initcap(&self, text: &str) -> String {
        let mut inside_word = false;
        text.chars()
            .map(|c| {
                let mapped = if inside_word { self.simple_lower(c) } else { self.simple_upper(c) };
                inside_word = c.is_alphanumeric();
                mapped
            })
            .collect()
    }

    fn simple_lower(&self, c: char) -> char {
        match c {
            'I' if self.is_turkic() => 'ı',
            'İ' if self.is_turkic() => 'i',
            c => CaseMapper::new().simple_lowercase(c),
        }
    }

    fn simple_upper(&self, c: char) -> char {
        match c {
            'i' if self.is_turkic() => 'İ',
            c => CaseMapper::new().simple_uppercase(c),
        }
    }

    fn is_turkic(&self) -> bool {
        matches!(self.language.language.as_str(), "tr" | "az")
    }
}

/// Cuts a text before every word: a run of letters and digits, with apostrophes and the like between letters, and what follows it.
struct Words<'t> {
    rest: &'t str,
}

impl<'t> Iterator for Words<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        if self.rest.is_empty() {
            return None;
        }
        let mut chars = self.rest.char_indices().peekable();
        let mut met_word = false;
        let mut last = None;
        let end = loop {
            let Some((at, c)) = chars.next() else { break self.rest.len() };
            let joins = is_joining(c) && met_word && chars.peek().is_some_and(|(_, next)| next.is_alphabetic());
            let in_word = is_word(c) || joins && last.is_some_and(char::is_alphabetic);
            if in_word && met_word && !last.is_some_and(|before| is_word(before) || is_joining(before)) {
                break at;
            }
            if !in_word && met_word && is_joining(c) {
                // An apostrophe that joins nothing ends the word like any other mark.
                last = Some(' ');
                continue;
            }
            met_word |= in_word;
            last = Some(c);
        };
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(word)
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || is_mark(c)
}

/// Combining marks belong to the letter before them.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// What stands inside words: MidLetter, MidNumLet and the apostrophe of Unicode's rules for words.
fn is_joining(c: char) -> bool {
    matches!(c, '\'' | '.' | ':' | '·' | '’' | '‘' | '․' | '‧')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(language: &str, simple: bool) -> CaseRule {
        CaseRule::new(language.parse().unwrap(), simple)
    }

    #[test]
    fn languages_map_in_their_ways() {
        assert_eq!(rule("tr", false).lower("HIJ"), "hıj");
        assert_eq!(rule("tr", false).upper("hij"), "HİJ");
        assert_eq!(rule("en", false).lower("HIJÄ"), "hijä");
        assert_eq!(rule("de", false).upper("straße"), "STRASSE");
        assert_eq!(rule("de", true).upper("straße"), "STRAßE");
        assert_eq!(rule("tr", true).upper("hij"), "HİJ");
    }

    #[test]
    fn words_begin_with_capitals() {
        let title = |text: &str| rule("en", false).initcap(text);
        assert_eq!(title("hello WORLD"), "Hello World");
        assert_eq!(title("it's don't a-b x_y"), "It's Don't A-B X_y");
        assert_eq!(title("  äpfel 'n birnen"), "  Äpfel 'N Birnen");
        assert_eq!(rule("en", true).initcap("it's áb"), "It'S Áb");
    }
}
