//! Which operator, function or cast an expression means: chapter 10 "Type Conversion" of PostgreSQL's manual.
//!
//! ```text
//!   a + b        operator   exact match → candidates → select one  ┐
//!   f(a, b)      function   exact match → cast? → candidates → …   ├─ polymorphic: real types for any* parameters
//!   a ∪ b, CASE  common_type                                       │
//!   x::t         coercion   how a value of one type becomes another┘
//! ```
//!
//! Nothing here evaluates or looks at syntax trees: input and output are type oids. Objects come from a [`Scope`], which
//! joins PostgreSQL's own ([`crate::facts`]) with the users'. Errors are PostgreSQL's texts without a position; the
//! caller adds it with `Error::at`.

mod call;
mod candidates;
mod coercion;
mod common_type;
mod function;
mod message;
pub mod opclass;
mod operator;
mod polymorphic;
mod scope;
mod select;
mod traits;

pub use call::FunctionCall;
pub use coercion::{Coercion, LengthCoercion, can_coerce, can_coerce_all, cannot_cast, coercion_path, length_coercion};
pub use common_type::{cannot_convert, select_common_type, select_common_typmod};
pub use function::{ArgSource, FunctionMatch, MAX_ARGS, Param, Resolution, VariadicArray, resolve_function};
pub use message::{format_type, function_signature, operator_signature};
pub use operator::{
    OperatorMatch, ScalarArrayMatch, resolve_operator, resolve_prefix_operator, resolve_scalar_array_operator,
};
pub use polymorphic::{is_polymorphic, resolve_polymorphic};
pub use scope::{BuiltinScope, OperatorSignature, Scope, Signature, builtin_functions, builtin_operators};
pub use traits::{TypeTraits, is_binary_coercible};

#[cfg(test)]
mod tests;
