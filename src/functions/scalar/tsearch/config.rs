//! Text search configurations: which dictionaries a kind of token goes through.
//!
//! They are PostgreSQL's own (`simple` and one for each language), from its catalog tables.

use std::collections::HashMap;
use std::sync::LazyLock;

use dictdb_types::{Oid, Result, bail};

use super::dictionary::{Dictionary, dictionary};
use super::parser::Kind;
use crate::facts::table;

/// Dictionaries by configuration and kind of token.
static MAP: LazyLock<HashMap<(u32, i32), Vec<u32>>> = LazyLock::new(|| {
    let mut map: HashMap<(u32, i32), Vec<u32>> = HashMap::new();
    for mut row in table("pg_ts_config_map").into_iter().flat_map(|table| table.rows()) {
        let mut number = || row.field().and_then(|field| field.parse::<u32>().ok()).unwrap_or_default();
        let (config, kind, _, dictionary) = (number(), number() as i32, number(), number());
        map.entry((config, kind)).or_default().push(dictionary);
    }
    map
});

/// A configuration.
#[derive(Clone, Copy)]
pub(super) struct Config {
    oid: u32,
}

impl Config {
    /// The configuration with this oid; XX000 when there is none.
    pub(super) fn new(oid: Oid) -> Result<Config> {
        if !MAP.keys().any(|(config, _)| *config == oid.0) {
            bail!(INTERNAL_ERROR, "cache lookup failed for text search configuration {oid}");
        }
        Ok(Config { oid: oid.0 })
    }

    /// The dictionaries of a kind of token, in order.
    pub(super) fn dictionaries(self, kind: Kind) -> Result<Vec<&'static Dictionary>> {
        let oids = MAP.get(&(self.oid, kind as i32)).map_or(&[][..], Vec::as_slice);
        oids.iter().map(|oid| dictionary(Oid(*oid))).collect()
    }

    /// The lexemes of a token: `None` when no dictionary knows it, none for a stop word.
    pub(super) fn lexemes(self, kind: Kind, token: &str) -> Result<Option<Vec<String>>> {
        for dictionary in self.dictionaries(kind)? {
            if let Some(lexemes) = dictionary.lexize(token)? {
                return Ok(Some(lexemes));
            }
        }
        Ok(None)
    }
}
