//! The whole row of a table in its own expressions and policies: bound, it is a row of its columns.

use dictdb_catalog::Relation;
use dictdb_types::{Datum, Error, Oid, Result, quote_identifier};

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

    /// The attnums of the columns that an expression has, but for those of the whole row.
    pub fn columns_beside(&self, expr: &Expr) -> Vec<i16> {
        let mut rest = expr.clone();
        rest.rewrite(&mut |part| {
            if self.is(part) {
                *part = Expr::Const(Datum::Null, part.ty());
            }
        });
        let mut columns: Vec<i16> = Vec::new();
        rest.any(&mut |part| {
            if let Expr::Column(id, _) = part {
                columns.extend(self.row.iter().find(|(column, _)| column.id == *id).map(|(_, attnum)| *attnum));
            }
            false
        });
        columns.retain(|attnum| *attnum > 0);
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Whether an expression is the row.
    pub fn is(&self, expr: &Expr) -> bool {
        let Expr::Row(items, ty, _) = expr else { return false };
        let own = || self.row.iter().filter(|(_, attnum)| *attnum > 0);
        let is_column = |(item, column): (&Expr, &Column)| matches!(item, Expr::Column(id, _) if *id == column.id);
        ty.oid == self.row_type
            && items.len() == own().count()
            && items.iter().zip(own().map(|(column, _)| column)).all(is_column)
    }
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
