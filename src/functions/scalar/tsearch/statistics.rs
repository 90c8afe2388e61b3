//! What upper layers need of documents: the document of a row's texts, for triggers, and the words of many, for `ts_stat`.

use std::collections::BTreeMap;

use dictdb_types::{Env, Oid, Result};

use super::document::Words;
use super::vector;

/// The `tsvector` of some texts, one behind the other.
pub fn document<'t>(config: Oid, texts: impl Iterator<Item = &'t str>, env: &dyn Env) -> Result<Vec<u8>> {
    let mut words = Words::new(config, env)?;
    for text in texts {
        words.read(text, |_| true)?;
    }
    Ok(words.into_vector()?.to_bytes())
}

/// How often words occur in documents.
#[derive(Debug, Default)]
pub struct WordCounts {
    counts: BTreeMap<String, (i32, i32)>,
    /// The weights that count, a bit for each; none: all.
    weights: Option<u8>,
}

impl WordCounts {
    /// Counts all occurrences.
    pub fn new() -> Self {
        WordCounts::default()
    }

    /// Counts occurrences with one of some weights, given as letters; other characters say nothing.
    pub fn with_weights(letters: &str) -> Self {
        let bit = |letter: char| match letter {
            'A' | 'a' => 1 << 3,
            'B' | 'b' => 1 << 2,
            'C' | 'c' => 1 << 1,
            'D' | 'd' => 1,
            _ => 0,
        };
        let weights = letters.chars().fold(0, |weights, letter| weights | bit(letter));
        WordCounts { weights: (weights != 0).then_some(weights), ..WordCounts::default() }
    }

    /// Counts the words of a document. A word without positions occurs once, but with no weight.
    pub fn add(&mut self, document: &[u8]) -> Result<()> {
        for lexeme in vector(document)?.lexemes {
            let entries = match self.weights {
                None => lexeme.positions.len().max(1),
                Some(weights) => lexeme.positions.iter().filter(|position| weights >> position.weight & 1 == 1).count(),
            };
            if entries > 0 {
                let count = self.counts.entry(lexeme.word).or_default();
                *count = (count.0.saturating_add(1), count.1.saturating_add(entries as i32));
            }
        }
        Ok(())
    }

    /// Every word, the last one first, with the number of documents it is in and of its occurrences.
    pub fn into_rows(self) -> impl Iterator<Item = (String, i32, i32)> {
        self.counts.into_iter().rev().map(|(word, (documents, entries))| (word, documents, entries))
    }
}
