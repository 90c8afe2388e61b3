//! Locks: on relations, advisory keys and rows, and waiting for transactions.
//!
//! ```text
//!   weak relation modes    one atomic counter per relation                       relation
//!   strong modes, advisory queues under one mutex, granted in order              manager
//!   rows                   sharded table, asked only if its table has any        row
//!   waiting, deadlocks     one graph of sessions, checked when an edge is added  wait, deadlock
//! ```
//!
//! Lock order inside storage: index latch, block latch, row-lock shard; the manager's mutex, a session's held locks.
//! The two groups are never nested in each other.

mod advisory;
mod deadlock;
mod lockers;
mod long_wait;
mod manager;
mod mode;
mod relation;
mod row;
mod sessions;
mod view;
mod wait;

pub(crate) use lockers::Ongoing;
pub use long_wait::{LongWait, WaitLog, WaitStage};
pub(crate) use manager::LockManager;
pub use mode::{LockMode, LockTag, RowStrength};
pub(crate) use relation::HeldLocks;
pub use relation::RelationLock;
pub(crate) use row::{RowLockUndo, RowLocks};
pub(crate) use sessions::Sessions;
pub use view::LockInfo;
pub(crate) use wait::WaitState;
pub use wait::{Blocking, Interrupt, InterruptReason, WaitOptions, WaitPolicy};
