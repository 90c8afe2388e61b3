//! Which columns the items of FROM have when their tables have got or lost some since the text was bound.
//!
//! An alias lists columns by their places. A column that a table on the left of a join gets moves the places of those on the right,
//! so the list is written anew, with the names that the others had.

use std::sync::Arc;

use dictdb_parser::{LexemeKind, lexemes};
use dictdb_types::Datum;

use super::scope::unique_names;
use super::tree::{FromItem, Join, JoinAlias, Source, Table};
use crate::bind::NamedColumn;
use crate::expr::Expr;

/// Whether a stored text may have an alias that lists columns, of this table or of a join.
pub fn lists_columns(text: &str, table: &str) -> bool {
    let lexemes = lexemes(text).map(|(found, _)| found).unwrap_or_default();
    let name = |kind: &LexemeKind| match kind {
        LexemeKind::Word(word) | LexemeKind::Name(word) => Some(word.clone()),
        _ => None,
    };
    let symbol = |at: usize, wanted: &str| {
        let lexeme = &lexemes[at];
        matches!(lexeme.kind, LexemeKind::Symbol) && text.get(lexeme.start..lexeme.end) == Some(wanted)
    };
    (2..lexemes.len()).any(|at| {
        let after_item = symbol(at - 2, ")") || name(&lexemes[at - 2].kind).is_some_and(|word| word == table);
        symbol(at, "(") && name(&lexemes[at - 1].kind).is_some() && after_item
    })
}

impl Table {
    /// Its columns as its relation has them.
    pub fn shape(&self) -> Vec<NamedColumn> {
        let Source::Relation(relation, _) = &self.source else { return self.columns.clone() };
        let is_own = |column: &NamedColumn| column.source.is_some_and(|(oid, _)| oid == relation.oid);
        if !self.columns.iter().all(is_own) {
            return self.columns.clone();
        }
        let columns = relation.live_columns().map(|(attnum, column)| {
            let source = Some((relation.oid, attnum));
            let known = self.columns.iter().find(|known| known.source == source).cloned();
            let new = || NamedColumn { name: column.name.clone(), expr: Expr::Const(Datum::Null, column.ty), source };
            known.unwrap_or_else(new)
        });
        columns.collect()
    }
}

impl FromItem {
    fn shape(&self) -> Vec<NamedColumn> {
        match self {
            FromItem::Table(table) => table.shape(),
            FromItem::Join(join) => match &join.alias {
                Some(alias) => alias.columns.clone(),
                None => join.inner_shape(),
            },
        }
    }
}

impl Join {
    /// The columns of both sides, those that USING made of two first.
    fn inner_shape(&self) -> Vec<NamedColumn> {
        let is_merged = |expr: &Expr| self.sides.iter().any(|(left, right)| left.same(expr) || right.same(expr));
        let rest = self.left.shape().into_iter().chain(self.right.shape());
        self.using.iter().cloned().chain(rest.filter(|column| !is_merged(&column.expr))).collect()
    }

    /// The columns under an alias that lists the first ones: what was there keeps its name, or goes by the name it has below; what is
    /// new has a name of its own.
    pub(super) fn reshaped(&self, before: &[NamedColumn], listed: usize) -> Vec<NamedColumn> {
        let inner = self.inner_shape();
        let place = |column: &NamedColumn| before.iter().position(|known| known.expr.same(&column.expr));
        let mut names: Vec<Option<Arc<str>>> = Vec::with_capacity(inner.len());
        let mut taken: Vec<Arc<str>> = Vec::new();
        for column in &inner {
            let name = place(column).map(|at| if at < listed { before[at].name.clone() } else { column.name.clone() });
            taken.extend(name.clone());
            names.push(name);
        }
        let columns = inner.into_iter().zip(names).map(|(column, known)| {
            let name = known.unwrap_or_else(|| {
                let free = std::iter::once(column.name.clone())
                    .chain((1u32..).map(|n| Arc::from(format!("{}_{n}", column.name))))
                    .find(|name| !taken.contains(name));
                let name = free.unwrap_or_else(|| column.name.clone());
                taken.push(name.clone());
                name
            });
            NamedColumn { name, ..column }
        });
        columns.collect()
    }

    /// How many columns a kept text lists: those that were listed, and those before the last one that has another name than below.
    pub(super) fn listed(&self) -> usize {
        let Some(JoinAlias { columns, listed, .. }) = &self.alias else { return 0 };
        let (inner, names) = (self.inner_shape(), unique_names(columns));
        let differs = |at: &usize| inner.get(*at).is_none_or(|column| column.name != names[*at]);
        let last = (0..columns.len()).rev().find(differs).map_or(0, |at| at + 1);
        last.max(*listed).min(columns.len())
    }
}
