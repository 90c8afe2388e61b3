//! Partitioned tables: their keys, what a new partition takes over, ATTACH and DETACH.

mod attach;
mod bound;
mod detach;
mod index;
mod key;
mod referenced;
mod rows;
mod trigger;

pub(super) use index::translated;
