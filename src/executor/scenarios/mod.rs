//! Statements run from SQL text against tables made by hand: what the row and the columnar engine must agree on.

mod database;
mod queries;
