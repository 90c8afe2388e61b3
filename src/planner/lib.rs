//! From syntax tree to physical plan.
//!
//! Layer 3. Knows the catalog and PostgreSQL's resolution rules; knows nothing of sessions, rows or IO.
//!
//! ```text
//!   ast ──bind──► logical::Node ──rules──► logical::Node ──physical──► physical::Plan ──► executor
//!                 (names resolved,          (decorrelated, pushed      (positions, index
//!                  types explicit)           down, joins ordered)       choice, algorithms)
//! ```

pub mod expr;
pub mod logical;
pub mod physical;
mod walk;
