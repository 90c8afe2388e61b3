//! The whole row of a table in its own expressions and policies: bound, it is a row of its columns.

use dictdb_catalog::Relation;
use dictdb_types::{Error, Oid, Result, quote_identifier};

use crate::deparse::QueryText;
use crate::expr::{Expr, Sublink};
use crate::logical::Column;

/// How a table's whole row is written.
pub(crate) struct WholeRow<'a> {
    /// The table's columns with their attnums.
    pub row: &'a [(Column, i16)],
    /// Its row type.
    pub row_type: Oid,
    /// What stands for the row.
    pub text: String,
}

impl<'a> WholeRow<'a> {
    /// Written as PostgreSQL writes it: `t.*`.
    pub fn named(relation: &Relation, row: &'a [(Column, i16)]) -> Self {
        let text = format!("{}.*", quote_identifier(&relation.name));
        WholeRow { row, row_type: relation.row_type, text }
    }

    /// What an expression has of the table's columns: see [`mentions`].
    pub fn mentions(&self, expr: &Expr) -> Vec<i16> {
        mentions(expr, &|part| self.is(part), &|part| self.attnum_of(part))
    }

    /// Whether an expression is the row.
    pub fn is(&self, expr: &Expr) -> bool {
        let attnums = self.row.iter().map(|(_, attnum)| *attnum).filter(|attnum| *attnum > 0);
        is_row(expr, self.row_type, attnums, &|part| self.attnum_of(part))
    }

    fn attnum_of(&self, expr: &Expr) -> Option<i16> {
        let Expr::Column(id, _) = expr else { return None };
        self.row.iter().find(|(column, _)| column.id == *id).map(|(_, attnum)| *attnum)
    }
}

/// What an expression over full rows of a table has of its columns: see [`mentions`].
pub(crate) fn mentions_of_full_row(expr: &Expr, relation: &Relation) -> Vec<i16> {
    let attnum_of = |part: &Expr| match part {
        Expr::Input(position, _) => i16::try_from(position + 1).ok(),
        _ => None,
    };
    let live = || relation.live_columns().map(|(attnum, _)| attnum);
    mentions(expr, &|part| is_row(part, relation.row_type, live(), &attnum_of), &attnum_of)
}

/// The attnums of an expression, each once, in the order in which they are first there; 0 is the whole row, whose columns do not count.
fn mentions(expr: &Expr, is_row: &dyn Fn(&Expr) -> bool, attnum_of: &dyn Fn(&Expr) -> Option<i16>) -> Vec<i16> {
    fn collect(expr: &Expr, attnum_of: &dyn Fn(&Expr) -> Option<i16>, found: &mut Vec<i16>) {
        match attnum_of(expr) {
            Some(attnum) if attnum < 0 || found.contains(&attnum) => {}
            Some(attnum) => found.push(attnum),
            None => expr.for_each_child(&mut |child| collect(child, attnum_of, found)),
        }
    }
    let mut found = Vec::new();
    collect(expr, &|part| if is_row(part) { Some(0) } else { attnum_of(part) }, &mut found);
    found
}

/// Whether an expression is a row of this type, of exactly these columns.
fn is_row(
    expr: &Expr,
    row_type: Oid,
    attnums: impl Iterator<Item = i16>,
    attnum_of: &dyn Fn(&Expr) -> Option<i16>,
) -> bool {
    let Expr::Row(items, ty, _) = expr else { return false };
    ty.oid == row_type && items.iter().map(attnum_of).eq(attnums.map(Some))
}

impl QueryText for WholeRow<'_> {
    fn named(&self, expr: &Expr, out: &mut String) -> Result<bool> {
        let is_row = self.is(expr);
        if is_row {
            out.push_str(&self.text);
        }
        Ok(is_row)
    }

    fn sublink(&self, _: &Sublink, _: &mut String) -> Result<()> {
        Err(Error::unsupported("a subquery or aggregate in a stored expression"))
    }
}
