//! Errors about columns and tables that are not there, and what they suggest instead.
//!
//! A suggestion is the column of the smallest edit distance among everything the query and those around it name, if no
//! more than two are equally near and at least half of the characters are right.

use std::sync::Arc;

use dictdb_types::{Error, Oid, SqlState};

use super::Binder;
use super::names::TableName;

/// Edits beyond which nothing is suggested.
const MAX_DISTANCE: usize = 3;

/// Something that a FROM clause named.
#[derive(Clone)]
pub(crate) struct RangeEntry {
    /// Alias, or the table's own name.
    alias: Arc<str>,
    /// The table, if it is one.
    relation: Option<Oid>,
    /// The WITH query, if it is one.
    cte: Option<Arc<str>>,
    /// Names of its columns.
    columns: Vec<Arc<str>>,
}

impl RangeEntry {
    /// An entry for a FROM item.
    pub fn of(table: &TableName, relation: Option<Oid>) -> Self {
        let columns = table.columns.iter().map(|column| column.name.clone()).collect();
        RangeEntry { alias: table.alias.clone(), relation, cte: None, columns }
    }
}

/// What comes nearest to a missing column.
enum Nearest<'a> {
    /// It exists, but cannot be referred to.
    Hidden(&'a RangeEntry),
    /// Up to two columns.
    Similar(Vec<(&'a RangeEntry, &'a str)>),
}

impl Binder<'_> {
    /// Remembers a FROM item for suggestions.
    pub(crate) fn enter(&mut self, table: &TableName, relation: Option<Oid>) {
        let entry = RangeEntry::of(table, relation);
        self.level().entries.push(entry);
    }

    /// Remembers a reference to a WITH query for suggestions.
    pub(crate) fn enter_cte(&mut self, table: &TableName, cte: &str) {
        let entry = RangeEntry { cte: Some(Arc::from(cte)), ..RangeEntry::of(table, None) };
        self.level().entries.push(entry);
    }

    /// Remembers an arm of a set operation, which the next arms cannot refer to either.
    pub(crate) fn enter_arm(&mut self, columns: impl Iterator<Item = Arc<str>>) {
        let entries = &mut self.level().entries;
        let alias = Arc::from(format!("*SELECT* {}", entries.len() + 1));
        entries.push(RangeEntry { alias, relation: None, cte: None, columns: columns.collect() });
    }

    /// 42703 for an unqualified name, or one of a table that lacks the column.
    pub(crate) fn missing_column(&self, table: Option<&str>, column: &str, position: Option<u32>) -> Error {
        let message = match table {
            Some(table) => format!("column {table}.{column} does not exist"),
            None => format!("column \"{column}\" does not exist"),
        };
        let error = Error::new(SqlState::UNDEFINED_COLUMN, message).at(position);
        let quoted = |(entry, column): &(&RangeEntry, &str)| format!("the column \"{}.{column}\"", entry.alias);
        match self.nearest(table, column) {
            Nearest::Hidden(entry) => error.hint(format!(
                "There is a column named \"{column}\" in table \"{}\", but it cannot be referenced from this part of \
                 the query.",
                entry.alias
            )),
            Nearest::Similar(found) if found.is_empty() => error,
            Nearest::Similar(found) => {
                let found: Vec<String> = found.iter().map(quoted).collect();
                error.hint(format!("Perhaps you meant to reference {}.", found.join(" or ")))
            }
        }
    }

    fn nearest(&self, table: Option<&str>, column: &str) -> Nearest<'_> {
        let mut best = MAX_DISTANCE + 1;
        let mut found: Vec<(&RangeEntry, &str)> = Vec::new();
        for entry in self.levels.iter().rev().flat_map(|level| &level.entries) {
            let table_distance = table.map_or(0, |table| distance(table, &entry.alias));
            if table_distance == 0 && entry.columns.iter().any(|name| **name == *column) {
                return Nearest::Hidden(entry);
            }
            for name in &entry.columns {
                let changes = distance(name, column);
                if changes > column.len() / 2 || table_distance + changes > best {
                    continue;
                }
                let total = table_distance + changes;
                if total < best {
                    best = total;
                    found.clear();
                }
                match found.len() {
                    // Three are no suggestion, and neither is anything as far away.
                    2 => {
                        found.clear();
                        best = total.saturating_sub(1);
                    }
                    _ if total <= MAX_DISTANCE => found.push((entry, name)),
                    _ => {}
                }
            }
        }
        Nearest::Similar(found)
    }

    /// 42P01 for a qualifier that names no visible table.
    pub(crate) fn missing_table(&self, schema: Option<&str>, name: &str, position: Option<u32>) -> Error {
        let Some(entry) = self.hidden_table(schema, name) else {
            let message = format!("missing FROM-clause entry for table \"{name}\"");
            return Error::new(SqlState::UNDEFINED_TABLE, message).at(position);
        };
        let message = format!("invalid reference to FROM-clause entry for table \"{name}\"");
        let error = Error::new(SqlState::UNDEFINED_TABLE, message).at(position);
        let visible =
            |alias: &str| self.levels.iter().any(|level| level.names.tables.iter().any(|t| *t.alias == *alias));
        if *entry.alias != *name && visible(&entry.alias) {
            return error.hint(format!("Perhaps you meant to reference the table alias \"{}\".", entry.alias));
        }
        error.hint(format!(
            "There is an entry for table \"{}\", but it cannot be referenced from this part of the query.",
            entry.alias
        ))
    }

    /// A FROM item that a name may mean although it is hidden: by its alias, or as the table behind an alias.
    fn hidden_table(&self, schema: Option<&str>, name: &str) -> Option<&RangeEntry> {
        let catalog = self.cx.catalog;
        let relation = match schema {
            None => catalog.relation_on_path(self.cx.search_path, name),
            Some(schema) => catalog
                .schema_seen(self.cx.search_path, schema)
                .and_then(|schema| catalog.relation_in(schema.oid, name)),
        };
        let relation = relation.map(|relation| relation.oid);
        let is_meant = |entry: &&RangeEntry| {
            relation.is_some() && entry.relation == relation
                || schema.is_none() && entry.cte.as_deref() == Some(name)
                || *entry.alias == *name
        };
        self.levels.iter().rev().flat_map(|level| &level.entries).find(is_meant)
    }
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn distances_count_single_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("idd", "id"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("ünter", "unter"), 1);
    }
}
