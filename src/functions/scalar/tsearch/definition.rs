//! What upper layers ask of text search: whether a dictionary can be made, token types by name, the maps of built-in
//! configurations; queries rewritten.

use std::sync::Arc;

use dictdb_types::env::TextSearchDictionary;
use dictdb_types::{Env, Oid, Result};

use crate::facts;

use super::config;
use super::dictionary;
use super::parser::KINDS;

pub(crate) use super::dictionary::whole_text;
pub use super::query::rewritten;

/// Whether a dictionary can be made with these options of a template whose function for tokens has this symbol. 22023, 42704,
/// F0000, and 0A000 for a template that is not here.
pub fn check_dictionary(lexize: Arc<str>, options: &[(Arc<str>, Arc<str>)], env: &dyn Env) -> Result<()> {
    dictionary::check(TextSearchDictionary { lexize, options: options.to_vec() }, env)
}

/// The symbol of a built-in template's function for tokens.
pub fn template_function(template: Oid) -> Option<Arc<str>> {
    let mut rows = facts::table("pg_ts_template")?.rows().filter_map(|mut row| {
        let own: u32 = row.field()?.parse().ok()?;
        let [_name, _namespace, _init, lexize] = [row.field()?, row.field()?, row.field()?, row.field()?];
        (own == template.0).then(|| lexize.parse().map(Oid).ok()).flatten()
    });
    facts::proc_by_oid(rows.next()?).map(|proc| Arc::from(proc.source))
}

/// The number of a type of tokens.
pub fn token_type(name: &str) -> Option<i32> {
    KINDS.iter().find(|(_, known, _)| *known == name).map(|(number, ..)| *number)
}

/// The map of a configuration that every database has; empty when there is none.
pub fn built_in_map(config: Oid) -> Vec<(i32, Vec<Oid>)> {
    config::built_in_map(config)
}
