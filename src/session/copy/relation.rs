//! The table and columns a COPY names.

use std::sync::Arc;

use dictdb_catalog::trigger::{Event, Timing};
use dictdb_catalog::{Relation, RelationKind, Trigger};
use dictdb_parser::ast::{Ident, ObjectName};
use dictdb_types::{Error, Result, SqlState, Type, quote_identifier};

use crate::Session;

/// A table and the columns that are copied.
pub(super) struct CopyTable {
    /// `schema.table`, quoted.
    pub qualified: String,
    /// The table's own name.
    pub name: Arc<str>,
    /// The table.
    pub relation: Arc<Relation>,
    /// Names and types of the columns.
    pub columns: Vec<(Arc<str>, Type)>,
}

impl CopyTable {
    /// The query whose rows are the table's.
    pub(super) fn select(&self) -> String {
        format!("SELECT {} FROM ONLY {}", self.column_list(), self.qualified)
    }

    /// The statement that inserts `rows` rows of parameters, or one where a row has no columns.
    pub(super) fn insert(&self, rows: usize) -> String {
        if self.columns.is_empty() {
            return format!("INSERT INTO {} DEFAULT VALUES", self.qualified);
        }
        // An identity column takes what is copied into it, whatever it is generated as.
        let mut sql =
            format!("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ", self.qualified, self.column_list());
        for row in 0..rows {
            let first = row * self.columns.len() + 1;
            let params: Vec<String> = (first..first + self.columns.len()).map(|number| format!("${number}")).collect();
            sql.push_str(if row == 0 { "(" } else { ", (" });
            sql.push_str(&params.join(", "));
            sql.push(')');
        }
        sql
    }

    /// A statement that inserts no row at all, and fires statement triggers.
    pub(super) fn insert_none(&self) -> String {
        let values = vec!["NULL"; self.columns.len()].join(", ");
        let targets = if self.columns.is_empty() { String::new() } else { format!(" ({})", self.column_list()) };
        format!("INSERT INTO {}{targets} OVERRIDING SYSTEM VALUE SELECT {values} WHERE false", self.qualified)
    }

    /// Likewise, for rows that satisfy a condition: it sees the whole row, defaults included.
    pub(super) fn insert_where(&self, rows: usize, condition: &str) -> String {
        if self.columns.is_empty() {
            let name = quote_identifier(&self.name);
            return format!("INSERT INTO {} SELECT FROM (SELECT) AS {name} WHERE {condition}", self.qualified);
        }
        let copied = |name: &str| self.columns.iter().any(|(column, _)| **column == *name);
        let others = self.relation.live_columns().filter(|(_, column)| !column.generated && !copied(&column.name));
        let mut all = self.column_list();
        let mut defaults = String::new();
        for (_, column) in others {
            let name = quote_identifier(&column.name);
            all.push_str(&format!("{}{name}", if all.is_empty() { "" } else { ", " }));
            let value = column.default.as_deref().unwrap_or("NULL");
            defaults.push_str(&format!(", {value} AS {name}"));
        }
        let values = self.insert(rows);
        let values = values.split_once(" VALUES ").map_or("", |(_, values)| values);
        format!(
            "INSERT INTO {} ({all}) OVERRIDING SYSTEM VALUE SELECT {all} FROM (SELECT v.*{defaults} FROM (VALUES \
             {values}) AS v ({})) AS {} WHERE {condition}",
            self.qualified,
            self.column_list(),
            quote_identifier(&self.name),
        )
    }

    fn column_list(&self) -> String {
        self.columns.iter().map(|(name, _)| quote_identifier(name).into_owned()).collect::<Vec<_>>().join(", ")
    }
}

impl Session {
    pub(super) fn copy_table(&mut self, name: &ObjectName, columns: &[Ident], from: bool) -> Result<CopyTable> {
        let relation = self.find_relation(name)?;
        let env = self.env();
        if !from {
            check_kind(&relation, false)?;
        }
        let schema = env.catalog.schema(relation.namespace).map(|schema| schema.name.clone()).unwrap_or_default();
        Ok(CopyTable {
            qualified: format!("{}.{}", quote_identifier(&schema), quote_identifier(&relation.name)),
            name: relation.name.clone(),
            columns: copied_columns(&relation, columns)?,
            relation,
        })
    }
}

impl Session {
    /// Whether rows can be copied into a relation. PostgreSQL looks at that when it has asked for the rows. 42809.
    pub(super) fn check_copy_target(&mut self, relation: &Relation) -> Result<()> {
        let instead = |trigger: &Arc<Trigger>| trigger.timing == Timing::InsteadOf && trigger.is_for(Event::Insert);
        match self.env().catalog.triggers_of(relation.oid).any(instead) {
            true => Ok(()),
            false => check_kind(relation, true),
        }
    }
}

fn check_kind(relation: &Relation, from: bool) -> Result<()> {
    if !from && relation.is_partitioned() {
        let message = format!("cannot copy from partitioned table \"{}\"", relation.name);
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).hint("Try the COPY (SELECT ...) TO variant."));
    }
    if !from && relation.foreign.is_some() {
        let message = format!("cannot copy from foreign table \"{}\"", relation.name);
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, message).hint("Try the COPY (SELECT ...) TO variant."));
    }
    if matches!(relation.kind, RelationKind::Table) || !from && matches!(relation.kind, RelationKind::Virtual) {
        return Ok(());
    }
    let direction = if from { "to" } else { "from" };
    let message = format!("cannot copy {direction} {} \"{}\"", relation.kind_noun(), relation.name);
    let error = Error::new(SqlState::WRONG_OBJECT_TYPE, message);
    Err(match (&relation.kind, from) {
        (RelationKind::View(_), true) => {
            error.hint("To enable copying to a view, provide an INSTEAD OF INSERT trigger.")
        }
        (RelationKind::View(_) | RelationKind::MaterializedView(_), false) => {
            error.hint("Try the COPY (SELECT ...) TO variant.")
        }
        _ => error,
    })
}

/// The named columns, or all that are not computed.
fn copied_columns(relation: &Relation, names: &[Ident]) -> Result<Vec<(Arc<str>, Type)>> {
    if names.is_empty() {
        let stored = relation.live_columns().filter(|(_, column)| !column.generated);
        return Ok(stored.map(|(_, column)| (column.name.clone(), column.ty)).collect());
    }
    let mut columns: Vec<(Arc<str>, Type)> = Vec::with_capacity(names.len());
    for name in names {
        let name = name.value.as_str();
        let (_, column) = relation.column_named(name).ok_or_else(|| no_column(name, &relation.name))?;
        if column.generated {
            let error =
                Error::new(SqlState::INVALID_COLUMN_REFERENCE, format!("column \"{name}\" is a generated column"));
            return Err(error.detail("Generated columns cannot be used in COPY."));
        }
        if columns.iter().any(|(known, _)| **known == *name) {
            let message = format!("column \"{name}\" specified more than once");
            return Err(Error::new(SqlState::DUPLICATE_COLUMN, message));
        }
        columns.push((column.name.clone(), column.ty));
    }
    Ok(columns)
}

/// 42703.
pub(super) fn no_column(column: &str, relation: &str) -> Error {
    let message = format!("column \"{column}\" of relation \"{relation}\" does not exist");
    Error::new(SqlState::UNDEFINED_COLUMN, message)
}
