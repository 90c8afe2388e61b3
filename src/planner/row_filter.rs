//! The WHERE clause of a published table: what a decoder of the log could compute from a row alone, with nothing of users in it
//! (manual, "Row Filters").

use dictdb_types::{Error, Oid, Result, SqlState};

use crate::expr::{ColumnId, Expr, Function, Volatility};

const SIMPLE: &str = "Only columns, constants, built-in operators, built-in data types, built-in collations, and immutable \
                      built-in functions are allowed.";

/// What is known of a filter beside its expression.
pub(crate) struct RowFilter<'a> {
    /// Where it begins in the statement.
    pub position: Option<u32>,
    /// It has operators of users.
    pub user_operators: bool,
    /// The collation of a column.
    pub collation: &'a dyn Fn(ColumnId) -> Oid,
}

impl RowFilter<'_> {
    /// 0A000 for the first part that a filter must not have.
    pub fn check(&self, filter: &Expr) -> Result<()> {
        let mut refused = None;
        filter.visit(&mut |part| {
            if refused.is_none() {
                refused = self.refuse(part);
            }
        });
        refused.map_or(Ok(()), Err)
    }

    fn refuse(&self, part: &Expr) -> Option<Error> {
        let (detail, position) = match part {
            Expr::Call(call) if call.operator.is_some() && (self.user_operators || is_own(call.function.oid)) => {
                ("User-defined operators are not allowed.", self.position)
            }
            Expr::Call(call) if !is_simple(&call.function) => {
                let position = if call.operator.is_some() { self.position } else { call.position };
                ("User-defined or built-in mutable functions are not allowed.", position)
            }
            Expr::Distinct(function, ..) | Expr::NullIf(function, _) if is_own(function.oid) => {
                ("User-defined operators are not allowed.", self.position)
            }
            Expr::Field(..)
            | Expr::Subscript(_)
            | Expr::Assign(_)
            | Expr::ViaIo(..)
            | Expr::ArrayCoerce(..)
            | Expr::ToDomain(..)
            | Expr::Sublink(_) => (SIMPLE, self.position),
            Expr::Collate(_, collation, _) if is_own(*collation) => {
                ("User-defined collations are not allowed.", self.position)
            }
            Expr::Column(id, _) if is_own((self.collation)(*id)) => {
                ("User-defined collations are not allowed.", self.position)
            }
            other if is_own(other.ty().oid) => ("User-defined types are not allowed.", self.position),
            _ => return None,
        };
        Some(invalid(detail).at(position))
    }
}

/// An expression that is no filter.
pub(crate) fn invalid(detail: &str) -> Error {
    Error::new(SqlState::FEATURE_NOT_SUPPORTED, "invalid publication WHERE expression").detail(detail)
}

/// Of a subquery in a filter.
pub(crate) fn subquery() -> Error {
    invalid(SIMPLE)
}

fn is_own(oid: Oid) -> bool {
    oid >= Oid::FIRST_NORMAL
}

/// Functions without an oid are behind syntax, as that of XML.
fn is_simple(function: &Function) -> bool {
    !function.oid.is_valid() || !is_own(function.oid) && function.volatility == Volatility::Immutable
}
