//! SQL text to syntax trees, as PostgreSQL 15's grammar reads it.
//!
//! Layer 2: knows no catalog, so it cannot tell a table from a view or a type from a function. Queries and
//! data-modifying statements become sqlparser's tree ([`ast`]), everything else our own ([`utility`]).
//!
//! # The tree
//! sqlparser's nodes unite many databases. What PostgreSQL can say is expressed with the fewest of them:
//!
//! | SQL | tree |
//! |---|---|
//! | any name | [`ast::Ident`]: unquoted names are folded to lower case and have no quote style; both kinds are cut at 63 bytes |
//! | keyword-like functions (`extract(f from x)`, `position(a in b)`, `substring(a from b for c)`, `overlay`, `trim`, `normalize`, `x at time zone z`, `(a,b) overlaps (c,d)`, `collation for`, `is normalized`) | `Function` with the name in `pg_catalog` that PostgreSQL calls (`extract`, `position`, `substring`, `overlay`, `btrim`, `ltrim`, `rtrim`, `normalize`, `timezone`, `overlaps`, `pg_collation_for`, `is_normalized`) and its argument order |
//! | `similar to` | `SimilarTo` |
//! | `coalesce`, `greatest`, `least`, `nullif`, `grouping`, `current_date` … | `Function` with one unquoted name; without parentheses `FunctionArguments::None` |
//! | `array[…]`, `array(select …)` | `Array` (inner brackets: `named` is false); `Function` named `array` with a subquery |
//! | `row(…)`, `(a, b)` | `Tuple`; `(a)` is `Nested` |
//! | `x op y` | `BinaryOp`; operators without a variant, and all `operator(schema.op)`, are `PGCustomBinaryOperator` |
//! | `op x` | `UnaryOp` for `+ - not`; all others `Prefixed` with the operator as prefix ([`node::prefix_operator`]) |
//! | `x op any (…)`, `x like any (…)` | `AnyOp`, `AllOp`; the right side is `Subquery` or an expression |
//! | `between symmetric a and b` | `Between` whose `low` is `Prefixed` with `SYMMETRIC` |
//! | `default` as a value | `Identifier` spelled `DEFAULT` in upper case without quotes ([`node::is_default`]) |
//! | `variadic x` | argument `Prefixed` with `VARIADIC` |
//! | `where current of c` | `Prefixed` with `CURRENT OF` over the cursor's identifier |
//! | types | `Custom(name, modifiers)` with the name PostgreSQL resolves (`int` is `pg_catalog.int4`), `Array` around it: read it with [`TypeName`] |
//! | `type 'text'`, `interval '…' day` | `TypedString`; `x::t` and `cast(x as t)` are `Cast` |
//! | functions in `FROM` | `TableFactor::Function`; `rows from (…)` is one named `ROWS FROM` |
//! | `xmlelement(…)` and its kin | calls that [`xml::XmlExpr`] reads |
//! | `only t`, `t *` | `TableFactor::Table` with a hint ([`node::is_only`]) |
//! | `for update of a, b` | one `LockClause` per table ([`node::lock_clause`]) |
//! | long `and`/`or` chains | a balanced tree; other chains lean to the left and may be tens of thousands deep |
//!
//! Whatever sqlparser has no field for (`OVERRIDING`, conflict targets with expressions, lock strengths, frame exclusions …)
//! is read through [`node`], so that only that module and the parser know where it is kept.
//!
//! # Positions
//! Every span in a tree is on line 1; its column is the 1-based character offset in the query string, which is what
//! PostgreSQL reports ([`position`]). Operators, casts and other nodes without a span are in [`Locations`].
//!
//! # Depth
//! Trees can be deep. Walk them with [`with_stack`]; [`Tree`] drops them safely.

mod grammar;
mod keyword;
mod lexeme;
mod lexer;
mod lift;
mod limits;
mod literal;
pub mod node;
pub mod position;
mod scan;
mod statement;
#[cfg(test)]
mod tests;
mod token;
mod type_name;
pub mod utility;
pub mod xml;

pub use dictdb_types::stack::with_stack;
pub use grammar::truncation;
pub use keyword::{Category, keywords};
pub use lexeme::{Lexeme, LexemeKind, lexemes};
pub use lift::{Lifted, LiftedLiteral, LiteralKind};
pub use limits::{Limits, Strings};
pub use position::Locations;
pub use sqlparser::ast;
pub use sqlparser::tokenizer::Span;
pub use statement::{ParsedStatement, Statement, Tree};
pub use type_name::TypeName;

use dictdb_types::Result;

use grammar::Parser;

/// Parses a whole query string: statements separated by semicolons, empty ones dropped.
///
/// 42601 with PostgreSQL's message and position for what its grammar rejects, 54001 for statements nested too deeply,
/// 54000 for those that are too long.
pub fn parse(sql: &str, limits: &Limits) -> Result<Vec<ParsedStatement>> {
    Parser::new(sql, limits)?.statements()
}

/// Parses a statement whose constants were lifted: in the tree they are placeholders ([`node::lifted`]).
///
/// `None` if a constant turns out to be no operand of its own, or if the text has an error: then parse it with [`parse`], and
/// do the same for every text of that shape.
pub fn parse_lifted(sql: &str, limits: &Limits, lifted: &Lifted) -> Option<ParsedStatement> {
    Parser::new(sql, limits).ok()?.lifted_statement(&lifted.literals)
}

/// Parses one expression, such as a stored default.
pub fn parse_expression(sql: &str) -> Result<Tree<ast::Expr>> {
    Parser::new(sql, &Limits::default())?.whole_expression()
}

/// Parses one type name, as `regtype` input and `format_type` write it.
pub fn parse_type_name(sql: &str) -> Result<ast::DataType> {
    Parser::new(sql, &Limits::default())?.whole_type_name()
}
