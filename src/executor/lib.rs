//! Runs physical plans.
//!
//! Layer 5. Takes a [`Plan`](dictdb_planner::physical::Plan) and a transaction, gives rows. Knows neither SQL text nor the wire; names are resolved
//! and types chosen before it begins.
//!
//! ```text
//!   Plan ──prepare──► Prepared ──execute(ExecContext)──► Execution ──next──► rows, columns
//!         expressions   shared by all      a transaction's      (execution, runtime)
//!         compiled      executions         snapshot
//!         (eval, compile)
//! ```
//! Operators work row by row ([`row`]), the point path of short statements and all that is about single rows, or a batch of columns at
//! a time ([`columnar`]), where there is much to read; what both share about a CTE or a window is in [`cte`] and [`window`].
//! Expressions are compiled once ([`eval`]) and know PostgreSQL's three-valued logic. Changes of data, with constraints and foreign keys, are in
//! [`modify`]; the way to tables and indexes is in [`access`].
//!
//! An execution runs on one thread at a time and only when asked for rows. It looks at the interrupt flag in every loop
//! (57014) and takes the memory it keeps from a budget (53200).

mod access;
mod aggregate;
mod columnar;
mod compile;
mod context;
mod counter;
mod cte;
pub mod ddl;
mod domain;
mod engine;
mod eval;
mod execution;
mod grouping_set;
mod hash_table;
mod keys;
mod memory;
pub mod modify;
mod one_time;
mod prepared;
mod pruning;
mod routines;
mod row;
mod runtime;
mod scalar;
mod set_call;
mod slots;
mod subplan;
mod user_aggregate;
mod window;

pub use access::extractor::key_extractor;
pub use access::index_env::IndexEnv;
pub use context::{ExecContext, SessionServices, Transition, TriggerCall, TriggerFunctions, VirtualTables};
pub use domain::DomainCode;
pub use engine::{CountedBeside, Engine, Reservation};
pub use execution::{Batch, Execution, execute};
pub use prepared::{PrepareContext, Prepared, prepare, prepare_counting};
pub use pruning::kept_at_start;
pub use row::Row;
pub use runtime::row_bytes;
pub use scalar::Expression;

#[cfg(test)]
mod scenarios;
