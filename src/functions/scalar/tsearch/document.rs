//! `to_tsvector`: a text as the lexemes of its words with their places.

use dictdb_types::tsearch::{MAX_LEXEME_BYTES, MAX_POSITION, Position, Vector};
use dictdb_types::{Env, Oid, Result};

use super::config::Config;
use super::dictionary::Lexeme;
use super::lexize::next;
use super::parser::{Kind, parse};
use crate::args::kernels;
use crate::kernel::ScalarFn;

pub(super) const KERNELS: &[(&str, ScalarFn)] = kernels! {
    "to_tsvector" => |cx; text: &str| {
        from_text(cx.env.text_search_config()?, text, cx.env).map(|own| own.to_bytes())
    },
    "to_tsvector_byid" => |cx; config: Oid, text: &str| from_text(config, text, cx.env).map(|own| own.to_bytes()),
    "get_current_ts_config" => |cx;| cx.env.text_search_config(),
};

/// A lexeme at a place among the words; places of stop words stay empty.
pub(super) struct Placed {
    pub(super) lexeme: Lexeme,
    pub(super) at: u32,
}

/// The document of a text.
pub(super) fn from_text(config: Oid, text: &str, env: &dyn Env) -> Result<Vector> {
    let mut words = Words::new(config, env)?;
    words.read(text, |_| true)?;
    words.into_vector()
}

/// Collects the lexemes of one or several texts.
pub(super) struct Words<'a> {
    config: Config<'a>,
    pub(super) placed: Vec<Placed>,
    /// The last place that is taken.
    pub(super) last: u32,
}

impl<'a> Words<'a> {
    /// Nothing yet, under this configuration.
    pub(super) fn new(config: Oid, env: &'a dyn Env) -> Result<Self> {
        Ok(Words { config: Config::new(config, env)?, placed: vec![], last: 0 })
    }

    /// Adds the lexemes of a text, of tokens of the wanted kinds.
    pub(super) fn read(&mut self, text: &str, wanted: impl Fn(Kind) -> bool) -> Result<()> {
        let fits = |(kind, token): &(Kind, &str)| token.len() < MAX_LEXEME_BYTES && wanted(*kind);
        let tokens: Vec<(Kind, &str)> = parse(text).into_iter().filter(fits).collect();
        let mut rest = &tokens[..];
        while !rest.is_empty() {
            let normalized = next(&self.config, rest)?;
            rest = &rest[normalized.tokens..];
            let Some(lexemes) = normalized.lexemes else { break };
            self.last += 1;
            for lexeme in lexemes {
                self.last += u32::from(lexeme.next_place);
                self.placed.push(Placed { lexeme, at: self.last });
            }
        }
        Ok(())
    }

    pub(super) fn into_vector(self) -> Result<Vector> {
        let lexeme = |placed: Placed| dictdb_types::tsearch::Lexeme {
            word: placed.lexeme.word,
            positions: vec![Position { at: placed.at.min(u32::from(MAX_POSITION)) as u16, weight: 0 }],
        };
        Vector::new(self.placed.into_iter().map(lexeme).collect())
    }
}
