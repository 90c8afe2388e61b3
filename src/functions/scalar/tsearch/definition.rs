//! What upper layers ask of text search: whether a dictionary can be made, token types by name, the maps of built-in
//! configurations; queries rewritten.

use std::sync::Arc;

use dictdb_types::env::TextSearchDictionary;
use dictdb_types::{Env, Oid, Result};

use super::config;
use super::dictionary;
use super::parser::KINDS;

pub use super::query::rewritten;

/// Whether a dictionary can be made of a template with these options. 22023, 42704, F0000, and 0A000 for a template that
/// is not here.
pub fn check_dictionary(template: Oid, options: &[(Arc<str>, Arc<str>)], env: &dyn Env) -> Result<()> {
    dictionary::check(TextSearchDictionary { template, options: options.to_vec() }, env)
}

/// The number of a type of tokens.
pub fn token_type(name: &str) -> Option<i32> {
    KINDS.iter().find(|(_, known, _)| *known == name).map(|(number, ..)| *number)
}

/// The map of a configuration that every database has; empty when there is none.
pub fn built_in_map(config: Oid) -> Vec<(i32, Vec<Oid>)> {
    config::built_in_map(config)
}
