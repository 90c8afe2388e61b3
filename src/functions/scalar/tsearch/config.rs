//! Text search configurations: which dictionaries a kind of token goes through.
//!
//! PostgreSQL's own (`simple` and one for each language) are from its catalog tables, those of users from the session.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use dictdb_types::{Env, Oid, Result, bail};

use super::parser::Kind;
use crate::facts::table;

/// Dictionaries by configuration and kind of token.
static MAP: LazyLock<HashMap<(u32, i32), Vec<Oid>>> = LazyLock::new(|| {
    let mut map: HashMap<(u32, i32), Vec<Oid>> = HashMap::new();
    for mut row in table("pg_ts_config_map").into_iter().flat_map(|table| table.rows()) {
        let mut number = || row.field().and_then(|field| field.parse::<u32>().ok()).unwrap_or_default();
        let (config, kind, _, dictionary) = (number(), number() as i32, number(), number());
        map.entry((config, kind)).or_default().push(Oid(dictionary));
    }
    map
});

/// The map of a configuration that every database has, by ascending token type; empty when there is none.
pub(super) fn built_in_map(config: Oid) -> Vec<(i32, Vec<Oid>)> {
    let own = MAP.iter().filter(|((own, _), _)| *own == config.0);
    let mut map: Vec<(i32, Vec<Oid>)> = own.map(|((_, kind), oids)| (*kind, oids.clone())).collect();
    map.sort_unstable();
    map
}

/// A configuration.
#[derive(Clone)]
pub(super) struct Config<'a> {
    oid: u32,
    /// The map of a user's.
    own: Option<Arc<[(i32, Vec<Oid>)]>>,
    env: &'a dyn Env,
}

impl<'a> Config<'a> {
    /// The configuration with this oid; XX000 when there is none.
    pub(super) fn new(oid: Oid, env: &'a dyn Env) -> Result<Self> {
        let own = env.text_search_map(oid);
        if own.is_none() && !MAP.keys().any(|(config, _)| *config == oid.0) {
            bail!(INTERNAL_ERROR, "cache lookup failed for text search configuration {oid}");
        }
        Ok(Config { oid: oid.0, own: own.map(Arc::from), env })
    }

    /// The dictionaries of a kind of token, in order.
    pub(super) fn dictionary_oids(&self, kind: Kind) -> &[Oid] {
        let kind = kind as i32;
        match &self.own {
            Some(own) => own.iter().find(|(other, _)| *other == kind).map_or(&[][..], |(_, oids)| oids),
            None => MAP.get(&(self.oid, kind)).map_or(&[][..], Vec::as_slice),
        }
    }

    /// Where its dictionaries are.
    pub(super) fn env(&self) -> &'a dyn Env {
        self.env
    }
}
