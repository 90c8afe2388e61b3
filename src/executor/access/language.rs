//! Keys of an index whose collation is a language's: sort keys in the place of texts.

use std::sync::Arc;

use dictdb_catalog::{Catalog, IndexKey, IndexMethod, Relation};
use dictdb_functions::collation::{Rule, sort_key};
use dictdb_planner::collation::{Order, index_order};
use dictdb_types::{Datum, Oid, Result};

/// The order of one key.
pub(crate) struct Language {
    rule: Arc<Rule>,
    deterministic: bool,
}

impl std::fmt::Debug for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Language").field("deterministic", &self.deterministic).finish_non_exhaustive()
    }
}

impl Language {
    /// The language that orders a key of an index, if one does. 0A000 for a locale that there are no tables for.
    pub fn of(catalog: &Catalog, table: &Relation, method: IndexMethod, key: &IndexKey) -> Result<Option<Self>> {
        let order = index_order(catalog, table, method, key);
        order.map(|order| Ok(Language { rule: Rule::of(&order.rule)?, deterministic: order.deterministic })).transpose()
    }

    /// The language of a collation under which texts of other bytes can be equal. 0A000 likewise.
    pub fn telling(catalog: &Catalog, collation: Oid) -> Result<Option<Self>> {
        let order = Order::of(catalog, collation).filter(|order| !order.deterministic);
        order.map(|order| Ok(Language { rule: Rule::of(&order.rule)?, deterministic: false })).transpose()
    }

    /// The sort key of a value of the base type `ty`; NULL stays NULL.
    pub fn key(&self, value: &Datum, ty: Oid) -> Result<Datum> {
        sort_key(value, ty, &self.rule, self.deterministic)
    }
}
