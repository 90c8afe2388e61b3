//! Tokens through the dictionaries of a configuration: one by one, and as phrases where a thesaurus wants to see more of them.

use dictdb_types::{Oid, Result};

use super::config::Config;
use super::dictionary::thesaurus::{Phrase, Thesaurus};
use super::dictionary::{Lexeme, Lexized, dictionary};
use super::parser::Kind;

/// What became of one or several tokens in a row.
pub(super) struct Normalized {
    /// How many tokens in front no dictionary knew.
    pub(super) unknown: usize,
    /// How many tokens were read, those included.
    pub(super) tokens: usize,
    /// None at the end of the text; empty for a stop word.
    pub(super) lexemes: Option<Vec<Lexeme>>,
}

/// The lexemes of the next token that a dictionary knows.
pub(super) fn next(config: &Config<'_>, tokens: &[(Kind, &str)]) -> Result<Normalized> {
    for (index, (kind, token)) in tokens.iter().enumerate() {
        let mut token = std::borrow::Cow::Borrowed(*token);
        for oid in config.dictionary_oids(*kind) {
            let own = dictionary(*oid, config.env())?;
            let lexized = match own.thesaurus() {
                Some(thesaurus) => match phrase(config, *oid, thesaurus, &tokens[index..])? {
                    Some((len, lexemes)) => {
                        return Ok(Normalized { unknown: index, tokens: index + len, lexemes: Some(lexemes) });
                    }
                    None => Lexized::Unknown,
                },
                None => own.lexize(&token)?,
            };
            match lexized {
                Lexized::Known(lexemes) => {
                    return Ok(Normalized { unknown: index, tokens: index + 1, lexemes: Some(lexemes) });
                }
                Lexized::Filtered(other) => token = other.into(),
                Lexized::Unknown => {}
            }
        }
    }
    Ok(Normalized { unknown: tokens.len(), tokens: tokens.len(), lexemes: None })
}

/// The longest phrase at the front that a thesaurus knows, with the number of its tokens. Tokens of kinds without dictionaries are
/// passed over; one of a kind that does not go through the thesaurus ends all hope.
fn phrase(
    config: &Config<'_>,
    oid: Oid,
    thesaurus: &Thesaurus,
    tokens: &[(Kind, &str)],
) -> Result<Option<(usize, Vec<Lexeme>)>> {
    let mut read = Phrase::default();
    let mut longest = None;
    for (index, (kind, token)) in tokens.iter().enumerate() {
        let own = config.dictionary_oids(*kind);
        if own.is_empty() {
            continue;
        }
        if !own.contains(&oid) {
            return Ok(None);
        }
        let step = thesaurus.step(token, &mut read)?;
        if let Lexized::Known(lexemes) = step.lexized {
            longest = Some((index + 1, lexemes));
        }
        if !step.wants_more {
            break;
        }
    }
    Ok(longest)
}
