//! A session: from a query string to its answers, without sockets.
//!
//! Layer 6. Knows how PostgreSQL's protocol behaves but not its bytes; the server turns calls of [`Client`] into messages
//! and messages into calls of [`Session`].
//!
//! ```text
//!   Instance ──────── what all sessions share: databases, settings of the server, other sessions, notifications
//!     └─ Session ──── one per connection
//!          │  simple_query / parse, bind, describe, execute, close, sync          (protocol/)
//!          ├─ statement/        what runs here: SET, BEGIN, DECLARE, LISTEN …      one file per family
//!          ├─ pipeline          what is planned and executed below
//!          ├─ copy/             COPY in its three formats
//!          ├─ encoding/         texts of clients and files that are not UTF-8
//!          ├─ transaction       the transaction block: states, warnings, savepoints
//!          ├─ prepared, portal  statements and cursors by name
//!          ├─ system/           pg_catalog: rows of system tables, functions that read the catalog
//!          ├─ settings/         values of settings and what a rollback takes back
//!          ├─ persistence       waiting for the log before an answer
//!          ├─ large_object/     lo_… functions: pages in a table, descriptors of a transaction
//!          ├─ routines/         functions that users wrote; `seat` is how a running plan reaches its session
//!          ├─ log               what it writes to the server's log
//!          ├─ meters            what it counts; `observation` is the server as an operator watches it
//!          └─ env, functions    what functions may ask of the session that runs them
//! ```
//!
//! # Life of a statement
//! 1. The protocol hands in text ([`Session::simple_query`]) or a portal to run ([`Session::execute`]).
//! 2. `dictdb_parser` makes statements of it; in a failed block only ROLLBACK and its kin go on (25P02).
//! 3. The block starts a transaction if none is open ([`transaction`]).
//! 4. A utility command runs in [`statement`]; a query goes through [`pipeline`].
//! 5. Rows go to the [`Client`] as they come; the client is asked to make room between batches.
//! 6. Outside a block the transaction ends: deferred checks, held cursors, log, notifications, settings.
//! 7. The tag follows, then what changed for the client (notifications, reported settings) and its transaction status.
//!
//! An error at any step aborts the transaction and is the statement's answer; a panic is caught and treated the same.

mod advisory;
mod analysis;
pub mod attention;
mod authorization;
pub mod backends;
mod backup;
pub mod client;
pub mod clock;
mod cloning;
mod configuration;
mod copy;
pub mod deadlines;
pub mod encoding;
mod env;
mod event_trigger;
mod expiry;
mod exported_snapshots;
mod extension;
pub mod feed;
mod function_statistics;
mod functions;
mod instance;
mod integrity;
pub mod interrupts;
mod large_object;
pub mod log;
mod long_waits;
pub mod meters;
mod names;
pub mod notifications;
pub mod observation;
mod own_tables;
mod persistence;
mod pipeline;
mod plan_cache;
mod portal;
mod prepared;
mod prepared_transactions;
mod protocol;
pub mod rate_limits;
pub mod result_cache;
mod routines;
mod seat;
mod sequences;
mod session;
pub mod settings;
mod shared;
mod statement;
mod statement_statistics;
mod statistics_resets;
mod system;
mod transaction;
mod unsupported;

pub use backup::verify_backups;
pub use client::{Client, Collector, Column, CopyShape, Format, Herald, Row, Shape, Tag};
pub use dictdb_durability::{BreakerState, BreakerStatus, RecoveryPhase, RecoveryProgress, RecoveryStatus};
pub use dictdb_executor::ddl::Verifiers;
pub use env::StatementEnv;
pub use instance::{Closing, Database, Instance};
pub use persistence::verify_directory;
pub use protocol::{FunctionCall, Target};
pub use sequences::SequenceValues;
pub use session::{Session, Startup};
pub use shared::Shared;
pub use transaction::Status;

/// `server_version`: PostgreSQL 15 to clients that compare it, DictDB to people who read it.
pub const SERVER_VERSION: &str = "15.18 (DictDB 0.1.0)";
/// `version()`.
pub const SERVER_VERSION_TEXT: &str =
    "PostgreSQL 15.18 (DictDB 0.1.0) on x86_64-pc-linux-gnu, compiled by rustc, 64-bit";

pub use dictdb_types::stack::STACK_BYTES;
