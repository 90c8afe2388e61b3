//! What is said of how a headline looks: `MaxWords=20, StartSel=<<, …`.

use dictdb_types::{Error, Result, SqlState, bail};

/// How a headline looks.
pub(super) struct Options {
    /// Before a word of the query, and after it.
    pub start: String,
    pub stop: String,
    /// Of a headline, or of each fragment.
    pub most_words: usize,
    pub least_words: usize,
    /// Words no longer than this do not end a headline.
    pub short_word: usize,
    /// Mark the whole text.
    pub all: bool,
    /// How many fragments there may be; one stretch that is chosen otherwise with zero.
    pub fragments: usize,
    /// Between fragments.
    pub delimiter: String,
}

impl Options {
    /// What is written means. 22023.
    pub fn new(written: &Written) -> Result<Options> {
        let mut options = Options {
            start: "<b>".into(),
            stop: "</b>".into(),
            most_words: 35,
            least_words: 15,
            short_word: 3,
            all: false,
            fragments: 0,
            delimiter: " ... ".into(),
        };
        let (mut most, mut least, mut short, mut fragments) = (35, 15, 3, 0);
        for (name, value) in &written.0 {
            match name.to_ascii_lowercase().as_str() {
                "maxwords" => most = number(value)?,
                "minwords" => least = number(value)?,
                "shortword" => short = number(value)?,
                "maxfragments" => fragments = number(value)?,
                "startsel" => options.start.clone_from(value),
                "stopsel" => options.stop.clone_from(value),
                "fragmentdelimiter" => options.delimiter.clone_from(value),
                "highlightall" => {
                    options.all =
                        ["1", "on", "true", "t", "y", "yes"].iter().any(|yes| value.eq_ignore_ascii_case(yes));
                }
                _ => bail!(INVALID_PARAMETER_VALUE, "unrecognized headline parameter: \"{name}\""),
            }
        }
        if !options.all {
            check(least < most, "MinWords should be less than MaxWords")?;
            check(least > 0, "MinWords should be positive")?;
            check(short >= 0, "ShortWord should be >= 0")?;
            check(fragments >= 0, "MaxFragments should be >= 0")?;
        }
        let marks =
            [("StartSel", &options.start), ("StopSel", &options.stop), ("FragmentDelimiter", &options.delimiter)];
        for (name, value) in marks {
            check(value.len() <= LONGEST_MARK, &format!("value for \"{name}\" is too long"))?;
        }
        let size = |number: i32| usize::try_from(number).unwrap_or(0);
        (options.most_words, options.least_words) = (size(most), size(least));
        (options.short_word, options.fragments) = (size(short), size(fragments));
        Ok(options)
    }
}

/// Longest of the texts that mark words and separate fragments, in bytes.
const LONGEST_MARK: usize = i16::MAX as usize;

fn check(holds: bool, message: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message)) }
}

fn number(text: &str) -> Result<i32> {
    dictdb_types::text::integer::input_int4(text)
}

/// Options as they are written, which is looked at whether there is anything to mark or not.
pub struct Written(Vec<(String, String)>);

impl Written {
    /// Reads `name=value, …`. 42601.
    pub fn read(text: &str) -> Result<Written> {
        pairs(text).map(Written)
    }
}

/// `name = value` between commas; values may be in single or double quotes. 42601.
fn pairs(text: &str) -> Result<Vec<(String, String)>> {
    let invalid = || Error::new(SqlState::SYNTAX_ERROR, format!("invalid parameter list format: \"{text}\""));
    let mut pairs = vec![];
    let mut rest = text.trim_start_matches([' ', ',']);
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or_else(invalid)?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let (value, after) = match quote {
            Some(quote) => after[1..].split_once(quote).ok_or_else(invalid)?,
            None => after.split_at(after.find(|c: char| c == ',' || c.is_whitespace()).unwrap_or(after.len())),
        };
        pairs.push((name.trim().trim_matches('"').to_owned(), value.to_owned()));
        rest = after.trim_start_matches([' ', ',', '\t', '\n']);
    }
    Ok(pairs)
}
