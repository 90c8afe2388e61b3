//! Statements run from SQL text against tables made by hand: what the row and the columnar engine must agree on.

mod changes;
mod concurrency;
mod database;
mod engines;
mod foreign_keys;
mod queries;
