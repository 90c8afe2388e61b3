//! PL/pgSQL: functions, procedures, DO blocks and triggers.
//!
//! Layer 5. Knows the language and nothing of tables, sessions or sockets: whatever is SQL it hands to its [`Host`].
//!
//! ```text
//!   text ──parse──► Function (tree) ──call──► Interpreter ──SQL, cursors, subtransactions──► Host (the session)
//!          declarations, statements,           values of variables,
//!          names resolved to variables         one exec_… per statement kind
//! ```
//! Expressions and statements of SQL stay text with the names that are visible where they stand ([`Sql`]); the host plans
//! each once and keeps the plan in it. Names of variables enter SQL as parameters, through
//! [`dictdb_planner::variables::Variables`].
//!
//! Errors and notices carry the lines of CONTEXT that PostgreSQL's interpreter adds.

mod alone;
mod context;
mod host;
mod names;
mod parse;
mod run;
mod sql;
mod tree;

pub use context::CallSite;
pub use host::{CallOutput, Direction, Executed, Host, Opening, Params, Read, TypeSource};
pub use names::Visible;
pub use parse::{Header, Parameter, ResultKind, compile};
pub use run::{Arguments, Returned, TriggerData, call, call_trigger};
pub use sql::{Sql, SqlKind};
pub use tree::{Activation, Frame, Function, PartAssignment};
