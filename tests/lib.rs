//! The test kit: the real server (or a throwaway PostgreSQL 15) on a free port, a client that speaks the wire protocol
//! message by message, and scripts whose expectations PostgreSQL writes.
//!
//! ```text
//!   tests/sql.rs      sql/*.test        statements with their results, run on DictDB, rewritten from PostgreSQL
//!   tests/plans.rs    plans/*.test      EXPLAIN of statements, rewritten from DictDB itself
//!   tests/wire.rs     wire/*.test       transcripts of the protocol, message by message, rewritten from PostgreSQL
//!   tests/isolation.rs isolation/*.test  steps of several sessions, and who waits; rewritten from PostgreSQL too
//!   tests/differential.rs differential/  random statements, calls and histories on DictDB and PostgreSQL side by side
//!   tests/clients.rs  clients/*.py      psycopg2, psycopg, asyncpg, SQLAlchemy against the real server
//!   tests/http.rs                        health, metrics and the bug tracker's REST interface of the real server
//!   tests/ledger                        kill -9 at random moments, backups and restores included: nothing acknowledged is lost
//!   tests/definitions.rs                definitions that change beside their users, then kill -9
//!   tests/histories.rs histories/        random definitions, rows, blocks and failures; crashes, checkpoints, backups: the same is there
//!   tests/interchange.rs                files of the original Python package, read and written
//!   tests/object_stores.rs              backups to an S3 server on this machine
//!   tests/durability.rs                 data directories: clean stops, refusals, unlogged tables, formats
//!   tests/backup.rs, backup_manager.rs   chains, damage, restores; failures told of, retention, the archived log
//!   tests/tidy.rs                       layering, file heads and other rules of the tree
//!   bench             bench.py, tpch.py PostgreSQL beside DictDB
//! ```
//! Some tests run longer when told to: `DICTDB_LEDGER_ROUNDS`, `DICTDB_HISTORIES_ROUNDS`, `DICTDB_WAL_ROUNDS`, and `DICTDB_FUZZ_SECONDS` for the readers of log
//! records and checkpoints (`cargo test -p dictdb-durability --lib changed_records`) and for the differential tests, which take
//! `DICTDB_FUZZ_SEED` too:
//! `DICTDB_FUZZ_SECONDS=3600 cargo test -p dictdb-tests --test differential random_statements -- --nocapture`.
//!
//! `DICTDB_REWRITE=1 cargo test -p dictdb-tests --test sql --test wire` runs scripts and transcripts on PostgreSQL 15 and writes
//! down what it says.

pub mod differential;
pub mod environment;
pub mod histories;
pub mod http;
pub mod isolation;
pub mod message;
pub mod patience;
pub mod place;
pub mod port;
pub mod random;
pub mod script;
pub mod server;
pub mod transcript;
pub mod wire;
