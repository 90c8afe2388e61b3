//! `pg_description`: the comments on built-in objects, as `\dfS+` and `obj_description` show them.

use std::borrow::Cow;
use std::sync::LazyLock;

use dictdb_types::Oid;

use super::tables::{table, unescape};

static DESCRIPTIONS: LazyLock<Vec<(Oid, Oid, &'static str)>> = LazyLock::new(|| {
    let rows = table("pg_description").into_iter().flat_map(|t| t.rows());
    let mut all: Vec<_> = rows
        .map(|mut row| {
            let (object, class) = (row.oid(), row.oid());
            (class, object, row.text())
        })
        .collect();
    all.sort_unstable_by_key(|(class, object, _)| (*class, *object));
    all
});

/// The comment on a built-in object; `class` is the `pg_class` oid of its catalog.
pub fn description(class: Oid, object: Oid) -> Option<Cow<'static, str>> {
    let rows = &*DESCRIPTIONS;
    let i = rows.binary_search_by_key(&(class, object), |(c, o, _)| (*c, *o)).ok()?;
    Some(unescape(rows[i].2))
}
