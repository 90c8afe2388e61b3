//! What the columns of one query level are called in its text.

use std::collections::HashMap;
use std::sync::Arc;

use dictdb_types::quote_identifier;

use super::tree::{Calls, FromItem, Join, JoinAlias, Source, Table};
use crate::bind::NamedColumn;
use crate::expr::{ColumnId, Expr};

/// A reference to a column.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    /// The text.
    pub text: String,
    /// The column's own name, which an output column has by itself.
    pub name: Arc<str>,
}

/// The names of one query level.
#[derive(Default)]
pub(crate) struct Scope {
    /// Columns of FROM.
    columns: HashMap<ColumnId, Reference>,
    /// Columns that USING made of two.
    merged: Vec<(Expr, Reference)>,
    /// Whole rows, by the expressions of their columns.
    rows: Vec<(Vec<ColumnId>, String)>,
    /// Names that are taken, here and further out, and how many were made of each.
    taken: HashMap<Arc<str>, u32>,
    /// Names of the items, in the order they come in FROM.
    aliases: Vec<Arc<str>>,
    /// `WITH` items that hide tables of their name.
    pub ctes: Vec<Arc<str>>,
    /// Calls that stand as columns.
    pub calls: Calls,
}

impl Scope {
    /// Whether FROM has items.
    pub fn has_tables(&self) -> bool {
        !self.aliases.is_empty()
    }

    /// The names of a FROM clause. `outer` is the scope around it; a view itself has the names `old` and `new` around it.
    pub fn new(from: &[FromItem], outer: Option<&Scope>) -> Self {
        let mut scope = Scope::default();
        match outer {
            Some(outer) => scope.taken.clone_from(&outer.taken),
            None => scope.taken = [("old", 0), ("new", 0)].map(|(name, n)| (Arc::from(name), n)).into(),
        }
        for item in from {
            scope.add(item);
        }
        scope
    }

    /// The names of the items of FROM, in order; joins without alias have none.
    pub fn aliases(&self) -> &[Arc<str>] {
        &self.aliases
    }

    /// What a column is called.
    pub fn column(&self, id: ColumnId) -> Option<&Reference> {
        self.columns.get(&id)
    }

    /// What an expression is called that is no plain column but has a name: a whole row, or a column of a full join.
    pub fn named(&self, expr: &Expr) -> Option<Reference> {
        if let Some((_, reference)) = self.merged.iter().find(|(merged, _)| merged.same(expr)) {
            return Some(reference.clone());
        }
        let Expr::Row(items, _, _) = expr else { return None };
        let ids: Option<Vec<ColumnId>> = items.iter().map(column_id).collect();
        let ids = ids.filter(|ids| !ids.is_empty())?;
        let (_, alias) = self.rows.iter().find(|(row, _)| *row == ids)?;
        Some(Reference { text: format!("{alias}.*"), name: Arc::from("") })
    }

    fn add(&mut self, item: &FromItem) {
        match item {
            FromItem::Table(table) => self.add_table(table),
            FromItem::Join(join) => {
                self.add(&join.left);
                self.add(&join.right);
                self.add_join(join);
            }
        }
    }

    fn add_table(&mut self, table: &Table) {
        let name = table.alias.clone().unwrap_or_else(|| match &table.source {
            Source::Relation(relation, _) => relation.name.clone(),
            Source::Cte(name) => name.clone(),
            Source::Function(functions) => functions.name.clone(),
            Source::Query(_) => Arc::from("unnamed_subquery"),
        });
        let alias = self.take(&name);
        let shown = quote_identifier(&alias).into_owned();
        for column in table.system.iter().chain(table.also.iter().flatten()) {
            self.refer(column, format!("{shown}.{}", quote_identifier(&column.name)));
        }
        for version in &table.also {
            let columns = version.iter().take(table.columns.len());
            if let Some(ids) = columns.map(|column| column_id(&column.expr)).collect() {
                self.rows.push((ids, shown.clone()));
            }
        }
        for (column, own) in table.columns.iter().zip(unique_names(&table.columns)) {
            self.refer(
                &NamedColumn { name: own.clone(), ..column.clone() },
                format!("{shown}.{}", quote_identifier(&own)),
            );
        }
        if let Some(ids) = table.columns.iter().map(|column| column_id(&column.expr)).collect() {
            self.rows.push((ids, shown));
        }
        self.aliases.push(alias);
    }

    /// The alias of a join hides the names inside; without one, only columns that come from both sides need a name.
    fn add_join(&mut self, join: &Join) {
        if let Some(JoinAlias { name, columns, .. }) = &join.alias {
            let alias = self.take(name);
            let shown = quote_identifier(&alias).into_owned();
            for (column, own) in columns.iter().zip(unique_names(columns)) {
                self.refer(
                    &NamedColumn { name: own.clone(), ..column.clone() },
                    format!("{shown}.{}", quote_identifier(&own)),
                );
            }
            self.aliases.push(alias);
            return;
        }
        for column in &join.using {
            if column_id(&column.expr).is_none() {
                self.refer(column, quote_identifier(&column.name).into_owned());
            }
        }
    }

    fn refer(&mut self, column: &NamedColumn, text: String) {
        let reference = Reference { text, name: column.name.clone() };
        match column_id(&column.expr) {
            Some(id) => {
                self.columns.insert(id, reference);
            }
            None => {
                self.merged.retain(|(expr, _)| !expr.same(&column.expr));
                self.merged.push((column.expr.clone(), reference));
            }
        }
    }

    /// A name nobody else has: `name`, or `name_1` and so on.
    fn take(&mut self, name: &Arc<str>) -> Arc<str> {
        let Some(count) = self.taken.get(name).copied() else {
            self.taken.insert(name.clone(), 0);
            return name.clone();
        };
        let free = (count + 1..).map(|n| (n, Arc::<str>::from(format!("{name}_{n}"))));
        let (number, fresh) =
            free.into_iter().find(|(_, fresh)| !self.taken.contains_key(fresh)).unwrap_or((count, name.clone()));
        self.taken.insert(name.clone(), number);
        self.taken.insert(fresh.clone(), 0);
        fresh
    }
}

/// The names of columns, with numbers after those that occur twice.
pub(super) fn unique_names(columns: &[NamedColumn]) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = Vec::with_capacity(columns.len());
    for column in columns {
        let numbered = (1u32..).map(|n| Arc::from(format!("{}_{n}", column.name)));
        let fresh = std::iter::once(column.name.clone()).chain(numbered).find(|name| !names.contains(name));
        names.push(fresh.unwrap_or_else(|| column.name.clone()));
    }
    names
}

fn column_id(expr: &Expr) -> Option<ColumnId> {
    match expr {
        Expr::Column(id, _) => Some(*id),
        _ => None,
    }
}
