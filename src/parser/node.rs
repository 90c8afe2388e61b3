//! Clauses of PostgreSQL that sqlparser's tree has no field for, and how to read them.
//!
//! The parser keeps them in nodes PostgreSQL's grammar has no other use for; only it and this module know which.

use sqlparser::ast::{Expr, Ident};

/// `DEFAULT` as a value in `VALUES` or `SET`.
pub fn is_default(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(Ident { value, quote_style: None, .. }) if value == "DEFAULT")
}
