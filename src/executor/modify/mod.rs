//! Changes of data: INSERT, UPDATE, DELETE, MERGE, their constraints and foreign keys.
//!
//! ```text
//!   Modify (insert, update, delete, merge, conflict)      rows of the plan's input, RETURNING        [recheck]: READ COMMITTED
//!      └─► Writer        one row: BEFORE triggers, generated columns, NOT NULL, CHECK, unique, exclusion, waiting      [trigger]
//!             └─► Events        what is left for the end of the statement: foreign keys, deferrable keys, AFTER triggers
//!                    └─► ConstraintQueue      what is checked at the end of the transaction
//! ```

pub(crate) mod conflict;
mod delete;
pub(crate) mod events;
pub(crate) mod exclusion;
mod foreign_key;
mod insert;
pub(crate) mod instead;
mod lifetime;
pub(crate) mod members;
pub(crate) mod merge;
pub(crate) mod node;
pub(crate) mod partition;
mod queue;
pub(crate) mod recheck;
pub(crate) mod target;
pub(crate) mod trigger;
mod unique;
mod update;
mod violation;
pub(crate) mod writer;

pub(crate) use events::Events;
pub use events::StatementEvents;
pub(crate) use foreign_key::validate as validate_foreign_key;
pub use lifetime::reclaim;
pub(crate) use lifetime::remove_expired;
pub(crate) use partition::PartitionRule;
pub use queue::{ConstraintQueue, QueuePosition};
pub(crate) use target::Target;
pub(crate) use violation::{key_of_row, value_text};
pub(crate) use writer::Writer;
